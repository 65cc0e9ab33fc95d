//! What an agent says of itself at its end, and what follows from that and from how its process ended.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::model::limits::MOST_STAGE_FILE_BYTES;
use crate::model::money::Usd;
use crate::model::outcome::{AgentEnd, Failure, FailureKind};
use crate::model::result::TokenStats;
use crate::model::task::AgentSpec;

/// The file that a `command` agent may leave at `$SCYLLA_RECORD_FILE`. Unknown keys are passed over.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Record {
    /// What the attempt cost.
    pub cost_usd: Usd,
    /// Tokens that were read and written.
    pub token_stats: TokenStats,
    /// How the agent sees its end.
    pub end: SaidEnd,
    /// What kept the agent from working (`auth`, `out_of_memory`, `provider`, `rate_limit`): then the attempt is no
    /// result.
    pub failure: Option<Failure>,
}

/// How an agent can see its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SaidEnd {
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
    /// What it cost.
    pub cost_usd: Usd,
    /// Tokens.
    pub token_stats: TokenStats,
}

/// JSON schema of [`Record`].
#[must_use]
pub fn schema() -> Value {
    schemars::schema_for!(Record).to_value()
}

/// Longest message of a failure that is kept, in characters: it is shown in one line.
const MOST_MESSAGE: usize = 1000;

/// Reads a record.
///
/// # Errors
/// When it is too large, not JSON of that shape, or claims a failure that an agent cannot know of: what is wrong with
/// it.
pub fn parse(bytes: &[u8]) -> Result<Record, String> {
    if bytes.len() as u64 > MOST_STAGE_FILE_BYTES {
        return Err(format!("it has more than {} MiB", MOST_STAGE_FILE_BYTES >> 20));
    }
    let mut record: Record = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    if let Some(failure) = &mut record.failure {
        // An agent knows of its provider and its memory. Of our folders, checks and judges it knows nothing.
        use FailureKind::{Auth, OutOfMemory, Provider, RateLimit};
        if !matches!(failure.kind, Auth | OutOfMemory | Provider | RateLimit) {
            let kind = failure.kind;
            return Err(format!(
                "a failure of an agent is `auth`, `out_of_memory`, `provider` or `rate_limit`, not {kind}"
            ));
        }
        failure.message = failure.message.chars().take(MOST_MESSAGE).collect();
    }
    Ok(record)
}

/// What follows from the process's end and the record. An exit code proves nothing: agents exit with 0 after provider
/// errors, so an agent that owes a record and left none is an infrastructure failure. So is a record that cannot be
/// read, even if none is owed: its cost would be lost without a word.
///
/// # Errors
/// The infrastructure failure that kept the agent from working.
pub fn outcome(
    spec: &AgentSpec,
    ended: EndedAgent,
    record: Result<Option<Record>, String>,
) -> Result<AgentOutcome, Failure> {
    let owes = matches!(spec, AgentSpec::Command { owes_record: true, .. });
    let (end, exit_code) = match ended {
        EndedAgent::TimedOut => (Some(AgentEnd::TimedOut), None),
        EndedAgent::NoProgress => (Some(AgentEnd::NoProgress), None),
        EndedAgent::OutputLimit => (Some(AgentEnd::OutputLimit), None),
        EndedAgent::Exited(code) => (None, Some(code)),
        EndedAgent::Signaled(_) => (None, None),
    };
    let record = match (record, ended) {
        (Ok(Some(Record { failure: Some(failure), .. })), _) => return Err(failure),
        (Ok(Some(record)), _) => record,
        // The shell's and the kernel's word for a program that is not there or may not be run.
        (Ok(None), EndedAgent::Exited(NOT_RUNNABLE | NOT_FOUND)) => return Err(not_started(&said(ended))),
        (Err(reason), EndedAgent::Exited(_) | EndedAgent::Signaled(_)) => {
            return Err(no_record(&format!("left a record that cannot be read: {reason}")));
        }
        (Ok(None), EndedAgent::Exited(_) | EndedAgent::Signaled(_)) if owes => {
            return Err(no_record(&format!("{} and left no record", said(ended))));
        }
        // It owes none, or was ended at a limit and had no chance to leave one.
        _ => Record::default(),
    };
    let said_end = match record.end {
        SaidEnd::Finished => AgentEnd::Finished,
        SaidEnd::OverBudget => AgentEnd::OverBudget,
        SaidEnd::Refused => AgentEnd::Refused,
    };
    Ok(AgentOutcome {
        end: end.unwrap_or(said_end),
        exit_code,
        cost_usd: record.cost_usd,
        token_stats: record.token_stats,
    })
}

/// Exit codes of a shell that could not run a program, or did not find it.
const NOT_RUNNABLE: i32 = 126;
const NOT_FOUND: i32 = 127;

fn not_started(how: &str) -> Failure {
    Failure::new(FailureKind::Spawn, format!("the agent {how}: its program is not there or cannot be run"))
}

fn no_record(what: &str) -> Failure {
    Failure::new(FailureKind::NoRecord, format!("the agent {what}"))
}

fn said(ended: EndedAgent) -> String {
    match ended {
        EndedAgent::Exited(code) => format!("exited with {code}"),
        EndedAgent::Signaled(signal) => format!("was ended by signal {signal}"),
        EndedAgent::TimedOut | EndedAgent::NoProgress | EndedAgent::OutputLimit => "was ended at a limit".to_owned(),
    }
}
