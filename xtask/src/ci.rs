//! Every check that a change must pass.

use std::time::{Duration, Instant};

use crate::failure::Failure;
use crate::program::Program;
use crate::{codegen, licences, place, say};

/// One check.
struct Step {
    name: &'static str,
    act: Act,
}

/// What a check does.
enum Act {
    /// Runs cargo with these arguments.
    Cargo(&'static [&'static str]),
    /// Writes the documentation of the library: runs cargo with these arguments, and a script in rustdoc's place.
    Document(&'static [&'static str]),
    /// Calls a function of ours.
    Own(fn() -> Result<(), Failure>),
}

/// A step that is done.
struct Done {
    name: &'static str,
    time: Duration,
    failure: Option<Failure>,
}

static STEPS: [Step; 6] = [
    Step { name: "format", act: Act::Cargo(&["fmt", "--all", "--", "--check"]) },
    Step { name: "lints", act: Act::Cargo(&["clippy", "--workspace", "--all-targets", "--", "--deny", "warnings"]) },
    Step { name: "tests", act: Act::Cargo(&["test", "--workspace"]) },
    Step { name: "documentation", act: Act::Document(&["test", "--doc", "--package", "cargo-scylla"]) },
    Step { name: "generated files", act: Act::Own(codegen::check) },
    Step { name: "licences", act: Act::Own(licences::check) },
];

/// The names of the steps, which can be left out.
pub(crate) fn names() -> [&'static str; STEPS.len()] {
    STEPS.each_ref().map(|step| step.name)
}

/// Does every step but those that are left out, also behind one that fails, and shows a table of them.
pub(crate) fn ci(left_out: &[String]) -> Result<(), Failure> {
    let steps = STEPS.iter().filter(|step| !left_out.iter().any(|name| name == step.name));
    let done: Vec<Done> = steps.map(Step::take).collect();
    say::heading("ci");
    for line in table(&done) {
        say::line(&line);
    }
    let steps: Vec<String> = failed(&done).map(|done| done.name.to_owned()).collect();
    if steps.is_empty() { Ok(()) } else { Err(Failure::Steps { steps }) }
}

impl Step {
    fn take(&self) -> Done {
        say::heading(&self.heading());
        let start = Instant::now();
        let failure = match self.act {
            Act::Cargo(arguments) => Program::cargo().args(arguments.iter().copied()).run().err(),
            Act::Document(arguments) => {
                let script = place::root().join(".ci/document").display().to_string();
                Program::cargo().args(arguments.iter().copied()).variable("RUSTDOC", &script).run().err()
            }
            Act::Own(check) => check().err(),
        };
        if let Some(failure) = &failure {
            say::failure(failure);
        }
        Done { name: self.name, time: start.elapsed(), failure }
    }

    fn heading(&self) -> String {
        match self.act {
            Act::Cargo(arguments) | Act::Document(arguments) => format!("{}: cargo {}", self.name, arguments.join(" ")),
            Act::Own(_) => self.name.to_owned(),
        }
    }
}

fn failed(done: &[Done]) -> impl Iterator<Item = &Done> {
    done.iter().filter(|done| done.failure.is_some())
}

/// One line for each step: its name, how it went, how long it took.
fn table(done: &[Done]) -> Vec<String> {
    let line = |done: &Done| {
        let how = if done.failure.is_some() { "failed" } else { "ok" };
        format!("{:<16} {how:<7} {:>7.1} s", done.name, done.time.as_secs_f64())
    };
    done.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_steps_that_the_script_of_the_ci_leaves_out_are_there() {
        let script = std::fs::read_to_string(crate::place::root().join(".ci/run")).unwrap();
        let left_out: Vec<&str> = script.split("--skip ").skip(1).filter_map(|rest| rest.split(' ').next()).collect();
        assert_eq!(left_out, ["tests,lints"]);
        assert!(left_out[0].split(',').all(|name| names().contains(&name)), "{left_out:?}");
    }

    #[test]
    fn a_step_that_fails_is_told_and_the_next_one_is_taken() {
        let fails = Step { name: "one", act: Act::Own(|| Err(Failure::Steps { steps: vec![] })) };
        let holds = Step { name: "two", act: Act::Own(|| Ok(())) };
        let done: Vec<Done> = [fails, holds].iter().map(Step::take).collect();
        assert_eq!(failed(&done).map(|done| done.name).collect::<Vec<_>>(), ["one"]);
        let table = table(&done);
        assert!(table[0].starts_with("one              failed "), "{}", table[0]);
        assert!(table[1].starts_with("two              ok "), "{}", table[1]);
    }
}
