//! Finds the program of a task before anything is started, so that a missing one gives the same error under every
//! containment.

use std::ffi::OsStr;
use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::SpawnError;
use crate::os::program::{self, Found};

/// How much the kernel reads of a script's first line.
const MOST_FIRST_LINE_BYTES: u64 = 256;

/// The file that `name` means in the folder `cwd` with this `PATH`.
pub(super) fn find(name: &OsStr, cwd: &Path, path: Option<&OsStr>) -> Result<PathBuf, SpawnError> {
    let found =
        if name.as_bytes().contains(&b'/') { program::first([cwd.join(name)]) } else { program::search(name, path) };
    match found {
        Found::Program(program) => check_interpreter(&program, cwd).map(|()| program),
        Found::NotExecutable(program) => Err(SpawnError::NotExecutable { program }),
        Found::Nothing => Err(SpawnError::NotFound { program: PathBuf::from(name) }),
    }
}

/// A script whose interpreter is missing cannot be started, and the kernel's error for it, "no such file", misleads.
fn check_interpreter(program: &Path, cwd: &Path) -> Result<(), SpawnError> {
    let mut start = Vec::new();
    // A program that can be executed but not read is accepted as it is.
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
