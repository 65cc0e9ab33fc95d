//! Programs that tasks start, from the repository's root.

use std::env;
use std::ffi::OsString;
use std::process::{Command, ExitStatus};

use crate::failure::Failure;
use crate::place;

/// A program with its arguments.
pub(crate) struct Program {
    command: Command,
    words: Vec<String>,
}

impl Program {
    /// A program from the search path.
    pub(crate) fn new(name: &str) -> Self {
        let mut command = Command::new(name);
        command.current_dir(place::root());
        Self { command, words: vec![name.to_owned()] }
    }

    /// The cargo that runs this task, else the one from the search path.
    pub(crate) fn cargo() -> Self {
        let mut program = Self::new("cargo");
        program.command = Command::new(env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")));
        program.command.current_dir(place::root());
        program
    }

    /// Adds arguments.
    pub(crate) fn args<I: IntoIterator<Item: Into<String>>>(mut self, args: I) -> Self {
        for arg in args {
            let arg = arg.into();
            self.command.arg(&arg);
            self.words.push(arg);
        }
        self
    }

    /// Sets a variable of its environment.
    pub(crate) fn variable(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// Runs it with this task's own input and output.
    pub(crate) fn run(mut self) -> Result<(), Failure> {
        let status = self.command.status();
        let status = status.map_err(|source| Failure::Start { program: self.words[0].clone(), source })?;
        self.check(status)
    }

    /// Runs it and takes what it prints.
    pub(crate) fn read(mut self) -> Result<String, Failure> {
        let output = self.command.output();
        let output = output.map_err(|source| Failure::Start { program: self.words[0].clone(), source })?;
        self.check(output.status)?;
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// The program with its arguments, as one would type it.
    pub(crate) fn words(&self) -> String {
        self.words.join(" ")
    }

    fn check(&self, status: ExitStatus) -> Result<(), Failure> {
        if status.success() { Ok(()) } else { Err(Failure::End { command: self.words(), end: status.to_string() }) }
    }
}

/// The target that rustc builds for when nothing else is asked.
pub(crate) fn host() -> Result<String, Failure> {
    let rustc = Program::new("rustc").args(["-vV"]);
    let command = rustc.words();
    let said = rustc.read()?;
    let host = said.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).ok_or(Failure::Silent { command, wanted: "host" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_fails_is_told_with_its_arguments_and_its_end() {
        let failure = Program::new("sh").args(["-c", "exit 7"]).run().unwrap_err();
        assert_eq!(failure.to_string(), "`sh -c exit 7` ended with exit status: 7");
    }

    #[test]
    fn a_program_that_is_not_there_is_told() {
        let failure = Program::new("no-such-program").read().unwrap_err();
        assert!(failure.to_string().starts_with("cannot start `no-such-program`: "), "{failure}");
    }

    #[test]
    fn programs_run_at_the_root_with_their_variables() {
        let said = Program::new("sh").args(["-c", "echo $A; ls Cargo.lock"]).variable("A", "b").read().unwrap();
        assert_eq!(said, "b\nCargo.lock\n");
    }

    #[test]
    fn the_host_is_a_target_triple() {
        assert!(host().unwrap().matches('-').count() >= 2);
    }
}
