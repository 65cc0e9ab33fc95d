//! Judges, and the port through which the product speaks to every kind of them: what it is asked, and what it answers.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::ids::{ExperimentId, ModelName, RunId};
use super::outcome::Failure;
use super::program::{Invocation, Kind};
use super::result::{AgentResult, CheckResult};
use super::rubric::{ItemScore, Rubric};
use super::usage::Cost;

/// A member of the panel, with what a fixture says of it.
#[derive(Debug, Clone)]
pub struct Judge(Arc<dyn JudgeAdapter>);

impl Judge {
    /// The judge that this adapter speaks to.
    #[must_use]
    pub fn new(adapter: impl JudgeAdapter + 'static) -> Self {
        Self(Arc::new(adapter))
    }

    /// The program that the fixture names for it, if it names one.
    #[must_use]
    pub fn program(&self) -> Option<&Invocation> {
        match self.way() {
            Way::Asks(asked) => Some(asked.run()),
            Way::FromChecks(_) => None,
        }
    }
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

/// Speaks to one kind of judge. It starts nothing by itself.
pub trait JudgeAdapter: fmt::Debug + Send + Sync {
    /// Its kind.
    fn kind(&self) -> &'static Kind<Judge>;

    /// Its name in results.
    fn name(&self) -> &str;

    /// What a fixture says of it beside its kind: read again, it is the same judge.
    fn keys(&self) -> Map<String, Value> {
        Map::new()
    }

    /// The model that it asks, whose limits hold it back; `told` is the one that judges are told to use. `None` of one that
    /// asks none.
    fn model(&self, _told: Option<&str>) -> Option<ModelName> {
        None
    }

    /// How it comes to its answer.
    fn way(&self) -> Way<'_>;
}

/// How a judge comes to its answer.
#[derive(Debug)]
pub enum Way<'a> {
    /// It follows from the checks: each item of the rubric rests on one. Nobody is asked.
    FromChecks(fn(&Rubric, &[CheckResult]) -> Result<Answer, String>),
    /// A program is asked.
    Asks(&'a dyn Asks),
}

/// A judge that is a program: a request on its standard input, an answer on its standard output.
pub trait Asks: fmt::Debug {
    /// What is started.
    fn run(&self) -> &Invocation;

    /// Wall clock limit in seconds.
    fn timeout_seconds(&self) -> u64;

    /// What it is asked.
    ///
    /// # Errors
    /// Why nothing can be asked.
    fn request(&self, facts: &Facts<'_>) -> Result<Vec<u8>, String>;

    /// What kept it from judging, if its answer says so.
    fn failure(&self, answer: &[u8], now: Timestamp) -> Option<Failure>;

    /// Reads an answer that says no failure, and holds it against the rubric.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    fn answer(&self, answer: &[u8], rubric: &Rubric) -> Result<Answer, String>;
}

/// What a judge is to be told of a run.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The experiment.
    pub experiment_id: &'a ExperimentId,
    /// The run.
    pub run: RunId,
    /// The judge's name.
    pub judge: &'a str,
    /// The model that the judge is told to use.
    pub model: Option<&'a str>,
    /// The text that the agent was given.
    pub prompt: &'a str,
    /// What the fixture says to judges beside the rubric.
    pub criteria: &'a str,
    /// What is to be scored.
    pub rubric: &'a Rubric,
    /// How the agent ended.
    pub agent: &'a AgentResult,
    /// Every check's fact.
    pub checks: &'a [CheckResult],
    /// What the agent changed.
    pub patch: &'a [u8],
    /// The graded tree.
    pub workspace: &'a Path,
}

/// A valid answer: every item of the rubric exactly once.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// What the judge says of each item.
    pub items: BTreeMap<String, ItemScore>,
    /// Its words on the whole.
    pub reasoning: String,
    /// What it cost.
    pub cost: Cost,
}
