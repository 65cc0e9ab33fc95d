//! Judges, and the trait by which the product uses every kind of them: what a judge is asked, and what it answers.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use super::agent::Agent;
use super::exchange::Interface;
use super::ids::{ExperimentId, JudgeNumber, ModelName, RunId};
use super::outcome::Failure;
use super::program::{HasKinds, Invocation, Keys, Kind};
use super::result::{AgentResult, CheckResult};
use super::rubric::{ItemScore, Rubric};
use super::usage::{Cost, Tokens, Usage};

/// A judge of the panel: an adapter with the fixture's settings for it.
#[derive(Debug, Clone)]
pub struct Judge(Arc<dyn JudgeAdapter>);

impl Judge {
    /// The judge of this adapter.
    #[must_use]
    pub fn new(adapter: impl JudgeAdapter + 'static) -> Self {
        Self(Arc::new(adapter))
    }

    /// The program that the fixture names for it, if it names one.
    #[must_use]
    pub fn program(&self) -> Option<&Invocation> {
        match self.way() {
            Way::Asks(asked) => match asked.run() {
                Run::Program(program) => Some(program),
                Run::Own(_) | Run::Through(_) => None,
            },
            Way::FromChecks(_) => None,
        }
    }

    /// Names of the variables that it is given beside the standard ones.
    #[must_use]
    pub fn needed_variables(&self) -> Vec<&str> {
        match self.way() {
            Way::Asks(asked) => asked.variables(),
            Way::FromChecks(_) => Vec::new(),
        }
    }

    /// The variable without which it cannot be asked, when this environment does not have it.
    #[must_use]
    pub fn missing_variable(&self, environment: &BTreeMap<String, String>) -> Option<String> {
        match self.way() {
            Way::Asks(asked) => asked.missing_variable(environment),
            Way::FromChecks(_) => None,
        }
    }
}

/// The settings of a judge in a fixture.
pub trait JudgeKeys: Keys {
    /// The agent that a key names; required.
    fn agent(&self, key: &'static str) -> Option<Agent>;
}

impl HasKinds for Judge {
    type Keys<'a> = dyn JudgeKeys + 'a;
}

impl Deref for Judge {
    type Target = dyn JudgeAdapter;

    fn deref(&self) -> &Self::Target {
        &*self.0
    }
}

impl PartialEq for Judge {
    fn eq(&self, other: &Self) -> bool {
        self.kind().name == other.kind().name && self.keys() == other.keys()
    }
}

/// The adapter for one kind of judge. It starts nothing itself.
pub trait JudgeAdapter: fmt::Debug + Send + Sync {
    /// Its kind.
    fn kind(&self) -> &'static Kind<Judge>;

    /// Its name in results.
    fn name(&self) -> &str;

    /// The fixture's settings for it beside its kind: read again, they give the same judge.
    fn keys(&self) -> Map<String, Value> {
        Map::new()
    }

    /// The model that it uses, whose rate limits apply to it; `configured` is the one that judges are configured to use.
    /// `None` when it uses no model.
    fn model(&self, _configured: Option<&str>) -> Option<ModelName> {
        None
    }

    /// The same judge under this name, asking this model, where the fixture leaves open which one it asks.
    fn asking(&self, _name: &str, _model: &str) -> Option<Judge> {
        None
    }

    /// Whether it cannot be asked before its model is named.
    fn needs_model(&self) -> bool {
        false
    }

    /// The agent program that it asks its model through.
    fn through(&self) -> Option<Through<'_>> {
        None
    }

    /// How it arrives at its answer.
    fn way(&self) -> Way<'_>;
}

/// A judge that gave no valid answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SilentJudge {
    /// Its number in the panel.
    pub judge: JudgeNumber,
    /// Its name in the fixture.
    pub name: String,
    /// Why, as far as what it left says it.
    pub reason: String,
}

/// An agent program through which a model is asked.
#[derive(Debug, Clone, Copy)]
pub struct Through<'a> {
    /// The program.
    pub agent: &'a Agent,
    /// The model that it is told to use.
    pub model: Option<&'a str>,
}

/// How a judge arrives at its answer.
#[derive(Debug)]
pub enum Way<'a> {
    /// The answer follows from the checks, because each item of the rubric rests on one. No program is asked.
    FromChecks(fn(&Rubric, &[CheckResult]) -> Result<Answer, String>),
    /// A program is asked.
    Asks(&'a dyn Asks),
}

/// A judge that is a program: a request on its standard input, an answer on its standard output.
pub trait Asks: fmt::Debug {
    /// The program and its arguments.
    fn run(&self) -> Run<'_>;

    /// Variables of the environment that it needs beside those that every program of a run is given.
    fn variables(&self) -> Vec<&str> {
        Vec::new()
    }

    /// The variable without which it cannot be asked, when this environment does not have it.
    fn missing_variable(&self, _environment: &BTreeMap<String, String>) -> Option<String> {
        None
    }

    /// Files of the fixture that it is made from, as paths below the fixture.
    fn files(&self) -> Vec<&str> {
        Vec::new()
    }

    /// Whether [`Facts::seen`] has to be known for its request.
    fn looks(&self) -> bool {
        false
    }

    /// Wall clock limit in seconds.
    fn timeout_seconds(&self) -> u64;

    /// The request for the judge.
    ///
    /// # Errors
    /// The reason why nothing can be asked.
    fn request(&self, facts: &Facts<'_>) -> Result<Vec<u8>, String>;

    /// The failure that kept it from judging, if its answer reports one.
    fn failure(&self, answer: &[u8], now: Timestamp) -> Option<Failure>;

    /// How its requests can be sent through the gateway, where it has these variables.
    fn led(&self, _environment: &BTreeMap<String, String>) -> Led<'_> {
        Led::Unknown
    }

    /// What it used for all of its answers, as far as what it wrote reports it, whatever else that is.
    fn used(&self, answer: &[u8]) -> Usage;

    /// What each request to its model used for them, where that is known: long requests have prices of their own.
    fn requests(&self, _answer: &[u8]) -> Vec<Tokens> {
        Vec::new()
    }

    /// Parses an answer that reports no failure, and validates it against the rubric.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    fn answer(&self, answer: &[u8], rubric: &Rubric) -> Result<Answer, String>;
}

/// Which program is started for a judge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Run<'a> {
    /// One that the fixture names.
    Program(&'a Invocation),
    /// Our own, with these arguments. It starts no other program.
    Own(Vec<String>),
    /// Our own, with these arguments, which starts an agent program: that is shown no more than what a fixture's own program is
    /// shown, and works in a folder that is empty.
    Through(Vec<String>),
}

/// How the requests of a judge can be sent elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Led<'a> {
    /// Its program goes where these variables say.
    ByVariables(&'static [&'static str]),
    /// It asks below this address, with the key that a variable holds, and goes where [`SENT_TO`] says.
    ToAddress {
        /// What is spoken there.
        interface: Interface,
        /// The address.
        base: String,
        /// The name of the variable.
        key: &'a str,
    },
    /// Nobody knows.
    Unknown,
}

/// The variable that sends a judge that is our own program elsewhere than its fixture says.
pub const SENT_TO: &str = "SCYLLA_SENT_TO";

/// What is seen of a graded tree. It is named and written by the agent and by what runs on its work.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Seen {
    /// Its files, sorted: those of the task and those that the agent has added, without what only its setup brought.
    pub tree: Vec<String>,
    /// The ends of what checks printed, by the name of the check.
    pub outputs: BTreeMap<String, String>,
}

/// What a judge is given about a run.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The experiment.
    pub experiment_id: &'a ExperimentId,
    /// The run.
    pub run: RunId,
    /// The judge's name.
    pub judge: &'a str,
    /// The model that the judge is configured to use.
    pub model: Option<&'a str>,
    /// The prompt that the agent was given.
    pub prompt: &'a str,
    /// The fixture's text for judges, in addition to the rubric.
    pub criteria: &'a str,
    /// What is to be scored.
    pub rubric: &'a Rubric,
    /// How the agent ended.
    pub agent: &'a AgentResult,
    /// The results of all checks.
    pub checks: &'a [CheckResult],
    /// What the agent changed.
    pub patch: &'a [u8],
    /// The graded tree.
    pub workspace: &'a Path,
    /// What is seen of it, for a judge that [looks](Asks::looks).
    pub seen: &'a Seen,
}

/// A valid answer: every item of the rubric exactly once.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The score of each item.
    pub items: BTreeMap<String, ItemScore>,
    /// The judge's explanation of the whole.
    pub reasoning: String,
    /// What it cost.
    pub cost: Cost,
}
