//! The judge `command`: any program that reads a request and writes an answer.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{answer, request, settings};
use crate::model::ids::ModelName;
use crate::model::judge::{Answer, Asks, Facts, Judge, JudgeAdapter, JudgeKeys, Run, Way};
use crate::model::limits::JUDGE_SECONDS;
use crate::model::outcome::Failure;
use crate::model::program::{Invocation, Kind};
use crate::model::rubric::Rubric;
use crate::model::setup::Capability;
use crate::model::usage::Usage;

/// The kind, as fixtures name it.
pub(super) static KIND: Kind<Judge> = Kind {
    name: "command",
    about: "starts a program that reads a request from its standard input and writes an answer to its standard output",
    keys: &[
        ("name", "its name in results"),
        ("command", "the program and its arguments, as a list"),
        ("shell", "a line for `sh`, in place of `command`"),
        ("timeout_seconds", "how long it may take (1200)"),
    ],
    takes: &[Capability::Model],
    read,
};

/// Any program.
#[derive(Debug)]
struct Command {
    name: String,
    run: Invocation,
    /// Wall clock limit in seconds.
    timeout_seconds: u64,
}

fn read(keys: &dyn JudgeKeys) -> Option<Judge> {
    let name = settings::name(keys);
    let run = keys.run();
    let timeout_seconds = keys.seconds("timeout_seconds").unwrap_or(JUDGE_SECONDS);
    Some(Judge::new(Command { name: name?, run: run?, timeout_seconds }))
}

/// A judge with this name that is a shell line.
#[must_use]
pub fn of_line(name: String, line: &str) -> Judge {
    Judge::new(Command { name, run: Invocation::Shell(line.to_owned()), timeout_seconds: JUDGE_SECONDS })
}

impl JudgeAdapter for Command {
    fn kind(&self) -> &'static Kind<Judge> {
        &KIND
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn keys(&self) -> Map<String, Value> {
        let (name, limit) = (json!(self.name), json!(self.timeout_seconds));
        [("name".to_owned(), name), self.run.entry(), ("timeout_seconds".to_owned(), limit)].into_iter().collect()
    }

    /// If no model is configured, each judge counts as using a model of its own with the judge's name.
    fn model(&self, configured: Option<&str>) -> Option<ModelName> {
        Some(ModelName::new(configured.unwrap_or(&self.name)))
    }

    fn way(&self) -> Way<'_> {
        Way::Asks(self)
    }
}

impl Asks for Command {
    fn run(&self) -> Run<'_> {
        Run::Program(&self.run)
    }

    fn timeout_seconds(&self) -> u64 {
        self.timeout_seconds
    }

    fn request(&self, facts: &Facts<'_>) -> Result<Vec<u8>, String> {
        request::compose(facts).map_err(|error| error.to_string())
    }

    fn failure(&self, answer: &[u8], now: Timestamp) -> Option<Failure> {
        answer::failure(answer, &self.name, now)
    }

    fn used(&self, answer: &[u8]) -> Usage {
        answer::used(answer)
    }

    fn answer(&self, answer: &[u8], rubric: &Rubric) -> Result<Answer, String> {
        answer::parse(answer, rubric).map_err(|error| error.to_string())
    }
}
