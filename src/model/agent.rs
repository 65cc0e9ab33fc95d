//! Agents, and the port through which the product speaks to every kind of them: what it can be given, the command that
//! starts it, and what its output says.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::ops::Deref;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::ids::{AttemptNumber, ModelName, RunId};
use super::outcome::{AgentEnd, Failure};
use super::program::{Invocation, Kind};
use super::setup::Setup;
use super::usage::Usage;

/// Who does a task: an adapter with what a fixture says of it.
#[derive(Debug, Clone)]
pub struct Agent(Arc<dyn Adapter>);

impl Agent {
    /// The agent that this adapter speaks to.
    #[must_use]
    pub fn new(adapter: impl Adapter + 'static) -> Self {
        Self(Arc::new(adapter))
    }
}

impl Deref for Agent {
    type Target = dyn Adapter;

    fn deref(&self) -> &Self::Target {
        &*self.0
    }
}

impl PartialEq for Agent {
    fn eq(&self, other: &Self) -> bool {
        self.kind().name == other.kind().name && self.keys() == other.keys()
    }
}

/// Speaks to one kind of agent. It starts nothing and reads nothing by itself: it says what is to be started, and is given
/// what the program wrote.
pub trait Adapter: fmt::Debug + Send + Sync {
    /// Its kind.
    fn kind(&self) -> &'static Kind<Agent>;

    /// What a fixture says of it beside its kind: read again, it is the same agent.
    fn keys(&self) -> Map<String, Value> {
        Map::new()
    }

    /// The program that the fixture names for it, if it names one.
    fn program(&self) -> Option<NamedProgram<'_>> {
        None
    }

    /// The model that it asks, whose limits hold it back; `told` is the one that agents are told to use. `None` of one that
    /// asks none.
    fn model(&self, _told: Option<&str>) -> Option<ModelName> {
        None
    }

    /// Whether it may end well and not say what it cost.
    fn may_hide_its_cost(&self) -> bool {
        false
    }

    /// What is to be done to have it work.
    fn start(&self, assignment: &Assignment<'_>) -> AgentStart;

    /// What reads its program's output; `None` of one that starts no program.
    fn reader(&self) -> Option<Box<dyn Reader>> {
        None
    }
}

/// A program that a fixture names, with variables of its own.
#[derive(Debug, Clone, Copy)]
pub struct NamedProgram<'a> {
    /// What is started.
    pub run: &'a Invocation,
    /// Variables that it is given beside the allowed ones.
    pub environment: &'a BTreeMap<String, String>,
}

/// Where the files of a run lie that an agent is told of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    /// The tree that the agent works in.
    pub workspace: PathBuf,
    /// The prompt as a file.
    pub prompt_file: PathBuf,
    /// Where the agent may leave its record.
    pub record_file: PathBuf,
    /// The experiment's copy of the fixture.
    pub fixture: PathBuf,
    /// The patch in it that solves the task, if it has one.
    pub solution: Option<PathBuf>,
}

/// One attempt at a task.
#[derive(Debug, Clone, PartialEq)]
pub struct Assignment<'a> {
    /// What the agent is set up with, with what is inherited.
    pub setup: &'a Setup,
    /// Which run.
    pub run: RunId,
    /// Which attempt of it.
    pub attempt: AttemptNumber,
    /// The model that the agent is told to use.
    pub model: Option<&'a str>,
    /// The whole prompt.
    pub prompt: &'a str,
    /// The part of the coordinator's own environment that its programs are given.
    pub environment: BTreeMap<OsString, OsString>,
    /// Where its files lie.
    pub paths: Paths,
}

/// What is to be done to have an agent work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AgentStart {
    /// Start a program.
    Command {
        /// Program and arguments.
        argv: Vec<OsString>,
        /// Its whole environment.
        environment: BTreeMap<OsString, OsString>,
    },
    /// Apply the reference solution.
    ApplyPatch(PathBuf),
    /// Nothing.
    Nothing,
}

/// Where an agent's program writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// Standard output, as it is kept.
    Stdout,
    /// Standard error, as it is kept.
    Stderr,
    /// The file that it may leave at `$SCYLLA_RECORD_FILE`.
    Record,
}

/// Reads what an agent's program writes, as it comes: at any time it can say what the program used so far.
pub trait Reader: fmt::Debug {
    /// The outputs that it wants to be fed.
    fn wants(&self) -> &'static [Output];

    /// Takes the next piece of an output. A piece may end anywhere.
    fn feed(&mut self, output: Output, piece: &[u8]);

    /// Takes it that an output is there and cannot be read.
    fn cannot_read(&mut self, output: Output, why: String);

    /// What the output says so far; `None` when there was none.
    fn reading(&self, now: Timestamp) -> Option<Reading>;

    /// What follows from the output and from how the program ended.
    ///
    /// # Errors
    /// The infrastructure failure that kept the agent from working.
    fn outcome(&self, ended: EndedAgent, now: Timestamp) -> Result<AgentOutcome, Failure>;
}

/// What could be read of an agent's output. A mistake in one part loses no other part: money that was spent counts whatever
/// the rest says.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// What the attempt used, as far as the output says it, and says what can be.
    pub usage: Usage,
    /// What kept the agent from working.
    pub failure: Option<Failure>,
    /// How the agent sees its end, if it says so, or what is wrong with its output as a whole.
    pub end: Result<Option<ClaimedEnd>, String>,
}

impl Default for Reading {
    /// Of an output that says nothing.
    fn default() -> Self {
        Self { usage: Usage::default(), failure: None, end: Ok(None) }
    }
}

/// How an agent can see its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClaimedEnd {
    /// It has done what it could.
    #[default]
    Finished,
    /// Its own budget is used up.
    OverBudget,
    /// The model refused the task.
    Refused,
}

/// How the agent's process ended, when nobody stopped the coordinator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndedAgent {
    /// By itself, with this code.
    Exited(i32),
    /// By a signal that is none of ours.
    Signaled(i32),
    /// By the kernel, for want of memory.
    OutOfMemory,
    /// By us, at the wall clock limit.
    TimedOut,
    /// By us, for want of progress.
    NoProgress,
    /// By us, for too much output.
    OutputLimit,
}

/// What an attempt achieved as far as the agent's side goes; checks and judges say the rest.
#[derive(Debug, Clone, PartialEq)]
pub struct AgentOutcome {
    /// How it ended.
    pub end: AgentEnd,
    /// The exit code, when it ended by itself.
    pub exit_code: Option<i32>,
    /// What it used, as far as it is known.
    pub usage: Usage,
}
