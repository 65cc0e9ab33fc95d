//! Programs that tasks start, from the repository's root.

use std::env;
use std::ffi::OsString;
use std::io;
use std::process::Output;

use duct::{Expression, cmd};

use crate::failure::Failure;
use crate::place;

/// A program with its arguments.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    path: OsString,
    /// Its name and its arguments.
    words: Vec<String>,
    variables: Vec<(String, String)>,
}

impl Program {
    /// A program from the search path.
    pub(crate) fn new(name: &str) -> Self {
        Self { path: name.into(), words: vec![name.to_owned()], variables: Vec::new() }
    }

    /// The cargo that runs this task, else the one from the search path.
    pub(crate) fn cargo() -> Self {
        let program = Self::new("cargo");
        Self { path: env::var_os("CARGO").unwrap_or(program.path), ..program }
    }

    /// Adds arguments.
    pub(crate) fn args<I: IntoIterator<Item: Into<String>>>(mut self, args: I) -> Self {
        self.words.extend(args.into_iter().map(Into::into));
        self
    }

    /// Sets a variable of its environment.
    pub(crate) fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Runs it with this task's own input and output.
    pub(crate) fn run(self) -> Result<(), Failure> {
        self.check(self.expression().run()).map(drop)
    }

    /// Runs it and takes what it prints.
    pub(crate) fn read(self) -> Result<String, Failure> {
        let expression = self.expression().stdin_null().stdout_capture().stderr_capture();
        let output = self.check(expression.run())?;
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    fn expression(&self) -> Expression {
        let program = cmd(&self.path, &self.words[1..]).dir(place::root()).unchecked();
        self.variables.iter().fold(program, |program, (name, value)| program.env(name, value))
    }

    /// The program with its arguments, as one would type it.
    pub(crate) fn words(&self) -> String {
        self.words.join(" ")
    }

    fn check(&self, ended: io::Result<Output>) -> Result<Output, Failure> {
        let output = ended.map_err(|source| Failure::Start { program: self.words[0].clone(), source })?;
        let end = output.status;
        if end.success() { Ok(output) } else { Err(Failure::End { command: self.words(), end: end.to_string() }) }
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
