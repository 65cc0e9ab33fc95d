//! Finds the program of a task before anything is started, so that a missing one is the same error under every
//! containment.

use std::ffi::OsStr;
use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};

use super::SpawnError;

/// Where programs are looked for when the environment has no `PATH`.
const DEFAULT_PATH: &str = "/usr/local/bin:/usr/bin:/bin";
/// The kernel reads no more of the first line of a script.
const MOST_FIRST_LINE_BYTES: u64 = 256;

/// The file that `name` means in folder `cwd` with this `PATH`.
pub(super) fn find(name: &OsStr, cwd: &Path, path: Option<&OsStr>) -> Result<PathBuf, SpawnError> {
    let candidates: Vec<PathBuf> = if name.is_empty() {
        Vec::new()
    } else if name.as_bytes().contains(&b'/') {
        vec![cwd.join(name)]
    } else {
        let path = path.unwrap_or(OsStr::new(DEFAULT_PATH));
        std::env::split_paths(path).map(|folder| cwd.join(folder).join(name)).collect()
    };
    let mut refused = None;
    for candidate in candidates {
        if !candidate.is_file() {
            continue;
        }
        if access(&candidate, Access::EXEC_OK).is_ok() {
            check_interpreter(&candidate, cwd)?;
            return Ok(candidate);
        }
        refused.get_or_insert(candidate);
    }
    Err(match refused {
        Some(program) => SpawnError::NotExecutable { program },
        None => SpawnError::NotFound { program: PathBuf::from(name) },
    })
}

/// A script whose interpreter is missing starts nowhere, and the kernel's word for it, "no such file", misleads.
fn check_interpreter(program: &Path, cwd: &Path) -> Result<(), SpawnError> {
    let mut start = Vec::new();
    // A program that can be executed and not read is none of ours to judge.
    let read = File::open(program).and_then(|file| file.take(MOST_FIRST_LINE_BYTES).read_to_end(&mut start));
    let Some(line) = start.strip_prefix(b"#!").filter(|_| read.is_ok()) else { return Ok(()) };
    let line = line.split(|byte| *byte == b'\n').next().unwrap_or(line);
    let blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let Some(interpreter) = line.split(blank).find(|word| !word.is_empty()) else { return Ok(()) };
    let interpreter = Path::new(OsStr::from_bytes(interpreter));
    if cwd.join(interpreter).is_file() {
        return Ok(());
    }
    Err(SpawnError::NoInterpreter { program: program.to_owned(), interpreter: interpreter.to_owned() })
}
