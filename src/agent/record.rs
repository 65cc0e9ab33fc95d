//! What an agent reports about itself at its end, and the outcome that follows from it and from how its process ended.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de};
use serde_json::{Map, Value};

use super::mistakes::mistakes;
use crate::model::agent::{AgentOutcome, ClaimedEnd, EndedAgent, ProgramFacts, Reading, program_word};
use crate::model::limits::MOST_STAGE_FILE_BYTES;
use crate::model::money::Usd;
use crate::model::outcome::{AgentEnd, Failure, FailureKind, SHELL_NOT_STARTED};
use crate::model::usage::{Cost, Tokens, Usage};
use crate::text::claims::{self, ClaimedFailure};
use crate::text::foreign;
use crate::text::shape::object;

/// The file that a `command` agent may leave at `$SCYLLA_RECORD_FILE`. Unknown keys are ignored.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Record {
    /// What the attempt cost; unknown when it is missing.
    pub cost_usd: Option<Usd>,
    /// Tokens that were read and written; a missing count is unknown.
    #[serde(deserialize_with = "tokens")]
    pub token_stats: Tokens,
    /// How the agent describes its end. A record without it is not final: it counts for the cost when something killed
    /// the agent, and means `finished` for an agent that ended by itself.
    #[schemars(with = "ClaimedEnd")]
    pub end: Option<ClaimedEnd>,
    /// The version of the agent's program; anything but a text counts as missing.
    #[schemars(with = "Option<String>")]
    pub version: Option<Value>,
    /// What kept the agent from working (`auth`, `out_of_memory`, `provider`, `rate_limit`): then the attempt has no
    /// result.
    #[schemars(with = "Option<ClaimedFailure>")]
    pub failure: Option<Value>,
}

/// An object of counts; `null` counts as missing.
fn tokens<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Tokens, D::Error> {
    let mut counts: Map<String, Value> = object(deserializer)?;
    counts.retain(|_, count| !count.is_null());
    serde_json::from_value(counts.into()).map_err(de::Error::custom)
}

/// JSON schema of [`Record`].
#[must_use]
pub fn schema() -> Value {
    schemars::schema_for!(Record).to_value()
}

/// Reads a record as far as possible.
#[must_use]
pub fn read(bytes: &[u8], now: Timestamp) -> Reading {
    match whole(bytes, now) {
        Ok((record, failure)) => {
            let usage = Usage { tokens: record.token_stats, cost: Cost::reported(record.cost_usd) };
            let version = text(record.version.as_ref());
            Reading { usage, version, failure, end: Ok(record.end), ..Reading::default() }
        }
        Err(why) => {
            let tokens = claims::member(bytes, "token_stats").and_then(|tokens| serde_json::from_value(tokens).ok());
            let failure = claims::loose_failure(bytes, now).map(|mut failure| {
                failure.message = format!("{} (the rest of the record cannot be read: {why})", failure.message);
                failure
            });
            let usage = Usage { tokens: tokens.unwrap_or_default(), cost: Cost::reported(claims::cost(bytes)) };
            let version = text(claims::member(bytes, "version").as_ref());
            Reading { usage, version, failure, end: Err(why), ..Reading::default() }
        }
    }
}

fn text(value: Option<&Value>) -> Option<String> {
    value.and_then(Value::as_str).map(str::to_owned)
}

/// A record without mistakes, or what is wrong with it: it is too large, not JSON of that shape, or reports a failure
/// that an agent cannot know of.
fn whole(bytes: &[u8], now: Timestamp) -> Result<(Record, Option<Failure>), String> {
    if bytes.len() as u64 > MOST_STAGE_FILE_BYTES {
        return Err(format!("it has more than {} MiB", MOST_STAGE_FILE_BYTES >> 20));
    }
    let bytes = claims::bare(bytes);
    let record = if bytes.starts_with(b"{") {
        foreign::read(bytes)
    } else {
        foreign::read::<Map<String, Value>>(bytes).map(|_| Record::default())
    };
    let record = record.map_err(|error| mistakes(bytes, &error, now))?;
    let failure = record.failure.as_ref().map_or(Ok(None), |claimed| claims::failure(claimed, now))?;
    Ok((record, failure))
}

/// The outcome that follows from the process's end and the record. An exit code proves nothing: agents exit with 0
/// after provider errors, so an agent that must leave a record and left none is an infrastructure failure. So is a
/// record that cannot be read, even if none is required, because its cost would be lost silently. And so is an agent
/// that something killed before it left a final record: that says nothing about the task.
///
/// # Errors
/// The infrastructure failure that kept the agent from working.
pub fn outcome(required: bool, ended: EndedAgent, left: Option<Reading>) -> Result<AgentOutcome, Failure> {
    let (end, exit_code) = match ended {
        EndedAgent::TimedOut => (Some(AgentEnd::TimedOut), None),
        EndedAgent::NoProgress => (Some(AgentEnd::NoProgress), None),
        EndedAgent::OutputLimit => (Some(AgentEnd::OutputLimit), None),
        EndedAgent::OverLimit => (Some(AgentEnd::OverBudget), None),
        EndedAgent::Exited(code) => (None, Some(code)),
        EndedAgent::Signaled(_) | EndedAgent::OutOfMemory => (None, None),
    };
    let by_itself = end.is_none();
    // Whoever was ended at a limit of ours may say that its provider refused.
    let is_over = ended == EndedAgent::OverLimit;
    if let Some(failure) = left.as_ref().and_then(|left| left.failure.as_ref()).filter(|_| !is_over) {
        return Err(failure.clone());
    }
    let is_final = left.as_ref().is_some_and(|reading| matches!(reading.end, Ok(Some(_))));
    if let Some(failure) = killed(ended).filter(|_| !is_final) {
        return Err(failure);
    }
    let reading = match left {
        Some(Reading { end: Err(why), usage, .. }) if by_itself => {
            let cost = usage.cost.usd().map_or_else(
                || "; what it cost is not known".to_owned(),
                |cost| format!("; the {cost} that it says it cost are counted"),
            );
            return Err(Failure::new(FailureKind::NoRecord, format!("unreadable record: {why}{cost}")));
        }
        Some(reading) => reading,
        // The exit codes of a shell for a program that does not exist or may not be run.
        None if matches!(ended, EndedAgent::Exited(code) if SHELL_NOT_STARTED.contains(&code)) => {
            return Err(not_started(&described(ended)));
        }
        None if required && by_itself => return Err(no_record(&format!("{} and left no record", described(ended)))),
        // None is required, or the agent was ended at a limit and had no chance to write one.
        None => Reading::default(),
    };
    let said_end = match reading.end.ok().flatten().unwrap_or_default() {
        ClaimedEnd::Finished => AgentEnd::Finished,
        ClaimedEnd::OverBudget => AgentEnd::OverBudget,
        ClaimedEnd::Refused => AgentEnd::Refused,
        ClaimedEnd::ContextTooLong => AgentEnd::ContextTooLong,
    };
    let program = ProgramFacts {
        agent_version: reading.version.as_deref().and_then(program_word),
        agent_models: reading.models.iter().filter_map(|model| program_word(model)).collect(),
    };
    Ok(AgentOutcome { end: end.unwrap_or(said_end), exit_code, usage: reading.usage, program })
}

/// A broken pipe and an alarm: by these signals programs end that nobody killed.
const OWN_ENDS: [i32; 2] = [13, 14];
/// Signals that a shell reports, as an exit code of 128 plus their number, when they ended its program. Other codes,
/// such as 145, mean something else.
const TOLD_BY_SHELLS: [i32; 14] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 15, 24, 25, 31];

/// What killed the agent, if anything did: a signal from outside, or a crash of its own program.
fn killed(ended: EndedAgent) -> Option<Failure> {
    let (kind, how) = match ended {
        EndedAgent::OutOfMemory => (FailureKind::OutOfMemory, described(ended)),
        EndedAgent::Signaled(signal) if !OWN_ENDS.contains(&signal) => (FailureKind::Killed, described(ended)),
        EndedAgent::Exited(code) if TOLD_BY_SHELLS.contains(&(code - 128)) => {
            (FailureKind::Killed, format!("{}: signal {} ended its program", described(ended), code - 128))
        }
        _ => return None,
    };
    Some(Failure::new(kind, format!("the agent {how}, and left no final record")))
}

fn not_started(how: &str) -> Failure {
    Failure::new(FailureKind::Spawn, format!("the agent {how}: its program is not there or cannot be run"))
}

fn no_record(what: &str) -> Failure {
    Failure::new(FailureKind::NoRecord, format!("the agent {what}"))
}

fn described(ended: EndedAgent) -> String {
    match ended {
        EndedAgent::Exited(code) => format!("exited with {code}"),
        EndedAgent::Signaled(signal) => format!("was ended by signal {signal}"),
        EndedAgent::OutOfMemory => "was ended by the kernel: out of memory".to_owned(),
        EndedAgent::TimedOut | EndedAgent::NoProgress | EndedAgent::OutputLimit | EndedAgent::OverLimit => {
            "was ended at a limit".to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_short_and_printable_and_what_is_no_text_is_no_version() {
        let long = "1".repeat(100);
        for (version, kept) in [
            (r#""2.1.197""#, Some("2.1.197")),
            (r#""\u001b[31m1.0\n::error::\u202e é ""#, Some("[31m1.0::error:: ")),
            (&format!("\"{long}\""), Some(&long[..60])),
            (r#"" \t ""#, None),
            ("2.1", None),
            ("null", None),
            ("[\"1\"]", None),
        ] {
            let reading =
                read(format!(r#"{{"end":"finished","version":{version}}}"#).as_bytes(), Timestamp::UNIX_EPOCH);
            let outcome = outcome(true, EndedAgent::Exited(0), Some(reading)).unwrap();
            assert_eq!(
                (outcome.program.agent_version.as_deref(), outcome.end),
                (kept, AgentEnd::Finished),
                "{version}"
            );
        }
        let cut_off = read(br#"{"version":"3","cost_usd":"#, Timestamp::UNIX_EPOCH);
        let timed_out = outcome(true, EndedAgent::TimedOut, Some(cut_off)).unwrap();
        assert_eq!(timed_out.program.agent_version.as_deref(), Some("3"), "what was read of it in time counts");
    }
}
