//! Former attempts in `.failed/`: why each was set aside, what it cost, and whether it is unchanged since.

use serde::{Deserialize, Serialize};

use crate::model::digest::Digest;
use crate::model::ids::{AttemptNumber, RunId};
use crate::model::limits::MOST_STAGE_FILE_BYTES;
use crate::model::money::Usd;
use crate::model::outcome::{AttemptEnd, Excerpt, Failure};
use crate::model::result::{AgentResult, AttemptRecord};
use crate::model::usage::{Cost, Total};
use crate::os::files;

use super::layout::RunFolder;
use super::version::costs;
use super::{StoreError, claimed, clipped, evidence, own_digest};

/// Most lines of an excerpt that are read from a file.
const MOST_EXCERPT_LINES: usize = 3;

/// `attempt.json` as it is written.
#[derive(Serialize)]
pub(super) struct Sealed<'a> {
    #[serde(flatten)]
    pub(super) record: &'a AttemptRecord,
    pub(super) version: &'static str,
    /// The run of which this is an attempt.
    pub(super) run: RunId,
    /// Digest of the attempt's `SHA256SUMS`.
    pub(super) seal: Option<Digest>,
}

/// What was read of a former attempt's folder.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Seen {
    pub(super) cost: Total,
    /// Whether it was the last attempt that was allowed.
    pub(super) used_up: bool,
    /// What ended it.
    pub(super) failure: Option<Failure>,
    /// Whether its record carries a digest, as all do since format 4.1.
    pub(super) is_bound: bool,
    /// The run and attempt that its record names.
    pub(super) of: Option<(RunId, AttemptNumber)>,
    /// What is wrong with it.
    pub(super) faults: Vec<String>,
}

#[derive(Deserialize)]
struct Bound {
    version: Option<String>,
    #[serde(default)]
    run: Option<RunId>,
    seal: Option<Digest>,
}

/// An agent's result in another tool's format.
#[derive(Deserialize)]
struct Left {
    cost_usd: Option<Usd>,
}

/// Reads a former attempt's folder; with `evidence`, its seal is checked as well.
pub(super) fn see(folder: &RunFolder, evidence: bool) -> Result<Seen, StoreError> {
    let bytes = files::read_bounded(&folder.attempt_record(), MOST_STAGE_FILE_BYTES)?;
    let record = bytes.as_deref().and_then(|bytes| serde_json::from_slice::<AttemptRecord>(bytes).ok());
    let (Some(bytes), Some(mut record)) = (&bytes, record) else {
        let fault = match bytes {
            Some(_) => Some("`attempt.json` was altered or torn".to_owned()),
            None => was_set_aside(folder).then(|| "`attempt.json` is gone".to_owned()),
        };
        return Ok(Seen { cost: cost_without_record(folder)?, faults: fault.into_iter().collect(), ..Seen::default() });
    };
    costs::translate_attempt(&mut record, bytes, folder)?;
    let bound: Option<Bound> = serde_json::from_slice(bytes).ok();
    let version = bound.as_ref().and_then(|bound| bound.version.as_deref());
    let mut faults: Vec<String> =
        own_digest::fault(bytes, version).map(|fault| format!("`attempt.json`: {fault}")).into_iter().collect();
    if let Some(seal) = bound.as_ref().and_then(|bound| bound.seal).filter(|_| evidence) {
        faults.extend(evidence::check_attempt(folder, Some(seal)).problems);
    }
    let used_up = matches!(record.end, AttemptEnd::Failed { last: true, .. });
    let is_bound = own_digest::own(bytes) != own_digest::Own::Absent;
    let failure = match record.end {
        AttemptEnd::Failed { failure, .. } => Some(bounded(failure)),
        AttemptEnd::Interrupted | AttemptEnd::Rerun => None,
    };
    let of = bound.and_then(|bound| bound.run).map(|run| (run, record.attempt));
    Ok(Seen { cost: record.cost, used_up, failure, is_bound, of, faults })
}

/// The failure, shortened to what a report can hold.
fn bounded(failure: Failure) -> Failure {
    let excerpt =
        failure.excerpt.map(|Excerpt { file, text }| Excerpt { file: clipped(file), text: clipped_lines(&text) });
    Failure { message: clipped(failure.message), excerpt, ..failure }
}

/// The last lines of an excerpt, each shortened.
fn clipped_lines(text: &str) -> String {
    let mut lines: Vec<String> =
        text.lines().rev().take(MOST_EXCERPT_LINES).map(|line| clipped(line.to_owned())).collect();
    lines.reverse();
    lines.join("\n")
}

impl Seen {
    /// Adds a fault when the record names another run or attempt than the folder it is in.
    pub(super) fn must_be(&mut self, run: RunId, number: Option<AttemptNumber>) {
        if let Some((other, attempt)) = self.of
            && (other != run || number.is_some_and(|number| number != attempt))
        {
            self.faults.push(format!("it is attempt {} of `{other}`", attempt.0));
        }
    }
}

/// Whether a folder without a record was sealed when it was set aside: a folder that somebody copied there was not.
fn was_set_aside(folder: &RunFolder) -> bool {
    #[derive(Deserialize)]
    struct Result {
        seal: Digest,
    }
    let Some(seal) = files::read_if_readable(&folder.seal(), MOST_STAGE_FILE_BYTES) else { return false };
    let result = files::read_if_readable(&folder.result(), MOST_STAGE_FILE_BYTES);
    let result: Option<Result> = result.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    result.is_none_or(|result| result.seal != Digest::of(&seal))
}

/// The agent's cost in an attempt whose end was not recorded.
fn cost_without_record(folder: &RunFolder) -> Result<Total, StoreError> {
    let json = files::read_bounded(&folder.agent_result(), MOST_STAGE_FILE_BYTES)?.unwrap_or_default();
    if let Ok(mut agent) = serde_json::from_slice::<AgentResult>(&json) {
        costs::translate_agent(&mut agent, &json, folder)?;
        return Ok(agent.usage.cost.into());
    }
    // Anything else in the file was written by another tool.
    if let Ok(Left { cost_usd }) = serde_json::from_slice(&json) {
        return Ok(Cost::reported(cost_usd).into());
    }
    // The agent was killed before its result was written, so what it reported itself is all that is known.
    Ok(claimed::agent(folder, &folder.record())?.into())
}

/// The cost of a former attempt, as far as its folder shows it.
pub(super) fn cost(folder: &RunFolder) -> Result<Total, StoreError> {
    Ok(see(folder, false)?.cost)
}
