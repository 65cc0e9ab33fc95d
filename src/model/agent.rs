//! Agents, and the trait by which the product uses every kind of them: what it can be given, the command that starts
//! it, and what its output says.

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

use super::allowance::Allowance;
pub use super::answered::{MOST_MODELS, ProgramFacts, program_word};
use super::control::Control;
use super::ids::{AttemptNumber, ModelName, RunId};
use super::installation::Installation;
use super::outcome::{AgentEnd, Failure};
use super::program::{HasKinds, Invocation, Keys, Kind, Recording};
use super::setup::Setup;
use super::steps::Steps;
use super::usage::{Tokens, Usage};

/// An agent of a fixture: an adapter with the fixture's settings for it.
#[derive(Debug, Clone)]
pub struct Agent(Arc<dyn Adapter>);

impl Agent {
    /// The agent of this adapter.
    #[must_use]
    pub fn new(adapter: impl Adapter + 'static) -> Self {
        Self(Arc::new(adapter))
    }
}

impl HasKinds for Agent {
    type Keys<'a> = dyn Keys + 'a;
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

/// The adapter for one kind of agent. It starts and reads nothing itself: it says what is to be started, and is given
/// the program's output.
pub trait Adapter: fmt::Debug + Send + Sync {
    /// Its kind.
    fn kind(&self) -> &'static Kind<Agent>;

    /// The fixture's settings for it beside its kind: read again, they give the same agent.
    fn keys(&self) -> Map<String, Value> {
        Map::new()
    }

    /// The program that the fixture names for it, if it names one.
    fn program(&self) -> Option<NamedProgram<'_>> {
        None
    }

    /// The program that has to be installed for it; `None` when it needs none that is known beforehand.
    fn installation(&self) -> Option<&'static Installation> {
        None
    }

    /// The version that its program must say it is, when the fixture demands one.
    fn version(&self) -> Option<&str> {
        None
    }

    /// The model that it uses, whose rate limits apply to it; `configured` is the one that agents are configured to use.
    /// `None` when it uses no model.
    fn model(&self, _configured: Option<&str>) -> Option<ModelName> {
        None
    }

    /// The model that it is told to use: the fixture's for it, else the one that agents are configured to use.
    fn assigned_model<'a>(&'a self, configured: Option<&'a str>) -> Option<&'a str> {
        configured
    }

    /// Whether it may end successfully without reporting its cost.
    fn may_hide_its_cost(&self) -> bool {
        false
    }

    /// Whether a word before the prompt makes it think more: an agent that takes how much to think as an option is
    /// given no word.
    fn thinks_by_word(&self) -> bool {
        true
    }

    /// Whether a program of ours speaks with its program, in its place.
    fn is_spoken_with(&self) -> bool {
        false
    }

    /// What is expected of it when it is no agent and is there to control the task; `None` for an agent.
    fn control(&self) -> Option<Control> {
        None
    }

    /// What it plays back, if it does.
    fn recording(&self) -> Option<&Recording> {
        None
    }

    /// What has to be done to start its work.
    fn start(&self, assignment: &Assignment<'_>) -> AgentStart;

    /// The reader of its program's output; `None` when it starts no program.
    fn reader(&self) -> Option<Box<dyn Reader>> {
        None
    }

    /// Where it tells the steps that it took; `None` when its output does not.
    fn steps(&self) -> Option<StepsIn> {
        None
    }
}

/// A program that a fixture names, with variables of its own.
#[derive(Debug, Clone, Copy)]
pub struct NamedProgram<'a> {
    /// The program and its arguments.
    pub run: &'a Invocation,
    /// Variables that it gets in addition to the allowed ones.
    pub environment: &'a BTreeMap<String, String>,
}

/// The paths of a run's files that an agent is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    /// The tree that the agent works in.
    pub workspace: PathBuf,
    /// The file with the prompt.
    pub prompt_file: PathBuf,
    /// Where the agent may write its final record.
    pub record_file: PathBuf,
    /// The experiment's copy of the fixture.
    pub fixture: PathBuf,
    /// The patch in it that solves the task, if there is one.
    pub solution: Option<PathBuf>,
}

/// One attempt at a task.
#[derive(Debug, Clone, PartialEq)]
pub struct Assignment<'a> {
    /// The agent's setup, with what is inherited.
    pub setup: &'a Setup,
    /// The run.
    pub run: RunId,
    /// The attempt.
    pub attempt: AttemptNumber,
    /// The model that the agent is configured to use.
    pub model: Option<&'a str>,
    /// The whole prompt.
    pub prompt: &'a str,
    /// How much it is configured to think: `None`, `Low`, `High` or `UltraThink`.
    pub thinking: &'a str,
    /// What it may use; a program with a limit of that kind of its own is told.
    pub allowance: Allowance,
    /// The part of the coordinator's own environment that the agent's programs get.
    pub environment: BTreeMap<OsString, OsString>,
    /// The paths of its files.
    pub paths: Paths,
}

/// How an agent's work is started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AgentStart {
    /// Start a program.
    Command {
        /// Program and arguments.
        argv: Vec<OsString>,
        /// Whether the program is our own one, wherever it is.
        is_ours: bool,
        /// Its whole environment.
        environment: BTreeMap<OsString, OsString>,
        /// The program without which it can do nothing, where a shell finds it.
        needs: Option<String>,
    },
    /// Apply the reference solution.
    ApplyPatch(PathBuf),
    /// Play back what was recorded of the run, from the fixture's copy of this recording.
    PlayBack(String),
    /// Do nothing.
    Nothing,
}

/// The outputs of an agent's program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// Standard output, as it is kept.
    Stdout,
    /// Standard error, as it is kept.
    Stderr,
    /// The file that the agent may write to `$SCYLLA_RECORD_FILE`.
    Record,
}

/// Where the steps of a kind of agent are told, and how they are read there.
#[derive(Debug, Clone, Copy)]
pub struct StepsIn {
    /// The output that tells them.
    pub output: Output,
    /// Reads them from its bytes, which may be cut anywhere and may be anything.
    pub read: fn(&[u8]) -> Steps,
}

/// Reads the output of an agent's program as it grows: at any time it can report what the program used so far.
pub trait Reader: fmt::Debug + Send {
    /// The outputs that it needs.
    fn wants(&self) -> &'static [Output];

    /// Receives the next piece of an output. A piece may end anywhere.
    fn feed(&mut self, output: Output, piece: &[u8]);

    /// Receives that an output exists but cannot be read.
    fn cannot_read(&mut self, output: Output, why: String);

    /// Whether its standard output tells what the program uses while it works, so that a limit of that can be held.
    fn reports_as_it_works(&self) -> bool {
        false
    }

    /// What the output says so far; `None` when there is none.
    fn reading(&self, now: Timestamp) -> Option<Reading>;

    /// The outcome that follows from the output and from how the program ended.
    ///
    /// # Errors
    /// The infrastructure failure that kept the agent from working.
    fn outcome(&self, ended: EndedAgent, now: Timestamp) -> Result<AgentOutcome, Failure>;
}

/// What could be read of an agent's output. A mistake in one part does not lose the others: money that was spent counts
/// whatever the rest says.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// What the attempt used, as far as the output says it.
    pub usage: Usage,
    /// What each request to its model used, where the output says it: long requests have prices of their own.
    pub requests: Vec<Tokens>,
    /// How many answers of its model it took, where the output says it.
    pub turns: Option<u64>,
    /// The version that the program says it is, as it says it.
    pub version: Option<String>,
    /// The models that it says answered, in the order in which they did first, as it says them.
    pub models: Vec<String>,
    /// What kept the agent from working.
    pub failure: Option<Failure>,
    /// How the agent describes its own end, if it does, or what is wrong with its output as a whole.
    pub end: Result<Option<ClaimedEnd>, String>,
}

impl Default for Reading {
    /// The reading of an output that says nothing.
    fn default() -> Self {
        Self {
            usage: Usage::default(),
            requests: Vec::new(),
            turns: None,
            version: None,
            models: Vec::new(),
            failure: None,
            end: Ok(None),
        }
    }
}

/// How an agent can describe its own end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClaimedEnd {
    /// It did what it could.
    #[default]
    Finished,
    /// Its own budget is used up.
    OverBudget,
    /// The model refused the task.
    Refused,
    /// What it asked its model is longer than the model's context.
    ContextTooLong,
}

/// How the agent's process ended, unless the coordinator was stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndedAgent {
    /// By itself, with this code.
    Exited(i32),
    /// By a signal that we did not send.
    Signaled(i32),
    /// By the kernel, because memory ran out.
    OutOfMemory,
    /// By us, at the wall clock limit.
    TimedOut,
    /// By us, because there was no progress.
    NoProgress,
    /// By us, for too much output.
    OutputLimit,
    /// By us, because it used more than it may.
    OverLimit,
}

/// The outcome of an attempt as far as the agent is concerned; checks and judges determine the rest.
#[derive(Debug, Clone, PartialEq)]
pub struct AgentOutcome {
    /// How it ended.
    pub end: AgentEnd,
    /// The exit code, when it ended by itself.
    pub exit_code: Option<i32>,
    /// What it used, as far as it is known.
    pub usage: Usage,
    /// What its program says of itself: printable, and short.
    pub program: ProgramFacts,
}
