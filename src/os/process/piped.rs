//! A program that our own program speaks with by pipes. Ours is in a containment then: whoever ends that ends both.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::End;
use super::watch::end_of;

/// A program with pipes to what it reads and from what it prints. Its error output is ours.
pub struct Piped {
    /// What it reads.
    pub input: Box<dyn Write + Send>,
    /// What it prints.
    pub output: Box<dyn Read + Send>,
    child: Child,
}

/// Starts a program in our folder, with our environment.
///
/// # Errors
/// When it cannot be started.
pub fn speak_with(program: &str, arguments: &[String]) -> io::Result<Piped> {
    let piped = Stdio::piped;
    let mut child = Command::new(program).args(arguments).stdin(piped()).stdout(piped()).spawn()?;
    let (input, output) = (child.stdin.take(), child.stdout.take());
    match (input, output) {
        (Some(input), Some(output)) => Ok(Piped { input: Box::new(input), output: Box::new(output), child }),
        _ => Err(io::Error::other("it has no pipes")),
    }
}

/// Starts a program that is only listened to, in this folder and with this environment alone: nothing is on its standard input.
///
/// # Errors
/// When it cannot be started.
pub fn listen_to(
    argv: &[OsString],
    environment: &BTreeMap<OsString, OsString>,
    folder: &Path,
    stderr: File,
) -> io::Result<(Box<dyn Read + Send>, impl FnOnce() -> io::Result<End>)> {
    let (program, arguments) = argv.split_first().ok_or(io::ErrorKind::InvalidInput)?;
    let mut command = Command::new(program);
    command.args(arguments).env_clear().envs(environment).current_dir(folder).stdin(Stdio::null());
    let mut child = command.stdout(Stdio::piped()).stderr(stderr).spawn()?;
    let output = child.stdout.take().ok_or_else(|| io::Error::other("it has no pipe"))?;
    Ok((Box::new(output), move || child.wait().map(end_of)))
}

impl Piped {
    /// Its two pipes, and what waits for its end.
    pub fn split(self) -> (Box<dyn Write + Send>, Box<dyn Read + Send>, impl FnOnce() -> io::Result<End> + Send) {
        let Self { input, output, mut child } = self;
        (input, output, move || child.wait().map(end_of))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_spoken_with_and_its_end_is_known() {
        let line = "read word; echo \"heard $word\"; exit 3".to_owned();
        let (mut input, mut output, wait) = speak_with("/bin/sh", &["-c".to_owned(), line]).unwrap().split();
        input.write_all(b"hello\n").unwrap();
        let mut heard = String::new();
        output.read_to_string(&mut heard).unwrap();
        assert_eq!((heard.as_str(), wait().unwrap()), ("heard hello\n", End::Exited(3)));
        assert!(speak_with("/nowhere/at/all", &[]).is_err());
    }
}
