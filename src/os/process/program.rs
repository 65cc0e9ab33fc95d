//! Finds the program of a task before anything is started, so that a missing one gives the same error under every
//! containment.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::{SpawnError, Task, image};
use crate::os::program::{self, Found};

/// How much the kernel reads of a script's first line.
const MOST_FIRST_LINE_BYTES: u64 = 256;

/// The program of a task: as the machine has it, or as the image does in which it is to be started.
pub(super) fn of(task: &Task) -> Result<PathBuf, SpawnError> {
    let name = task.argv.first().cloned().unwrap_or_default();
    let path = task.environment.get(OsStr::new("PATH")).map(OsString::as_os_str);
    match task.sandbox.as_ref().and_then(|sandbox| sandbox.image.as_ref()) {
        Some(files) => image::find(&files.root, &name, &task.cwd, path),
        None => find(&name, &task.cwd, path),
    }
}

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
