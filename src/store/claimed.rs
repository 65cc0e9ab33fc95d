//! What agents and judges report that they cost, read from the files that they left. The cost is unknown for one that
//! was started and does not report it, and zero for one that was never started.

use std::path::Path;

use serde::Deserialize;

use crate::model::exchanges::{Exchanges, Ledger};
use crate::model::ids::JudgeNumber;
use crate::model::limits::{MOST_STAGE_FILE_BYTES, OUTPUT_BYTES};
use crate::model::metered::Metered;
use crate::model::usage::Cost;
use crate::os::files::{self, ReadError};
use crate::text::claims;

use super::StoreError;
use super::layout::RunFolder;

/// Most bytes of what the gateway wrote down: some hundred for each request.
const MOST_LEDGER_BYTES: u64 = 64 << 20;

/// The agent of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// No agent was started.
    Nobody,
    /// An agent that uses no model.
    NoModel,
    /// A program, which may use a model.
    Program,
}

/// Finds out which agent was started by `agent/command.json`, which is written before an agent starts.
pub(super) fn asked(folder: &RunFolder) -> Result<Asked, StoreError> {
    /// For an agent that is not a program, the file holds only its kind.
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct NoProgram {
        #[serde(rename = "kind")]
        _kind: String,
    }
    let bytes = match files::read_bounded(&folder.command(), MOST_STAGE_FILE_BYTES) {
        Ok(Some(bytes)) => bytes,
        // Other tools do not record what they start.
        Ok(None) if files::kind_of(&folder.agent_stdout())?.is_some() => return Ok(Asked::Program),
        Ok(None) => return Ok(Asked::Nobody),
        Err(ReadError::NotRegular { .. } | ReadError::TooLarge { .. }) => return Ok(Asked::Program),
        Err(error @ ReadError::Io(_)) => return Err(error.into()),
    };
    let asks_none = serde_json::from_slice::<NoProgram>(&bytes).is_ok();
    Ok(if asks_none { Asked::NoModel } else { Asked::Program })
}

/// The agent's cost in an attempt without a result of it: what the gateway saw, else what its own record says.
pub(super) fn agent(folder: &RunFolder, record: &Path) -> Result<Cost, StoreError> {
    let claimed = match claim(record)? {
        Cost::Unknown if asked(folder)? != Asked::Program => Cost::NOTHING,
        cost => cost,
    };
    Ok(metered(&folder.usage())?.cost(claimed).unwrap_or(claimed))
}

/// What the gateway wrote down of an attempt's requests, or of a judge's.
pub(super) fn ledger(path: &Path) -> Result<Ledger, StoreError> {
    match files::read_bounded(path, MOST_LEDGER_BYTES) {
        // The last line may be cut by what ended the session.
        Ok(Some(bytes)) => Ok(Ledger::Read(Exchanges::read(&bytes))),
        Ok(None) => Ok(Ledger::Absent),
        Err(error @ (ReadError::NotRegular { .. } | ReadError::TooLarge { .. })) => {
            Ok(Ledger::Unreadable(error.to_string()))
        }
        Err(error @ ReadError::Io(_)) => Err(error.into()),
    }
}

/// What the requests took that the gateway wrote down there, as far as that can be read.
pub(super) fn metered(path: &Path) -> Result<Metered, StoreError> {
    Ok(match ledger(path)? {
        Ledger::Read(exchanges) => Metered::from(&exchanges),
        Ledger::Absent => Metered::default(),
        Ledger::Unreadable(_) => {
            let mut unread = Metered::default();
            unread.add_lost(1);
            unread
        }
    })
}

/// The cost of a judge whose answer is here, valid or not.
pub(super) fn judge(folder: &RunFolder, judge: JudgeNumber) -> Result<Cost, StoreError> {
    in_folder(&folder.judge(judge))
}

/// The same for a judge's folder that was set aside.
pub(super) fn judge_aside(aside: &Path) -> Result<Cost, StoreError> {
    in_folder(aside)
}

/// What a judge cost whose folder this is; its prompt is written before it is asked.
fn in_folder(folder: &Path) -> Result<Cost, StoreError> {
    let claimed = match claim(&RunFolder::response_in(folder))? {
        Cost::Unknown if files::kind_of(&RunFolder::prompt_in(folder))?.is_none() => Cost::NOTHING,
        cost => cost,
    };
    Ok(metered(&RunFolder::usage_in(folder))?.cost(claimed).unwrap_or(claimed))
}

/// The cost that an agent's or judge's own file reports.
fn claim(path: &Path) -> Result<Cost, StoreError> {
    match files::read_start(path, OUTPUT_BYTES) {
        Ok(bytes) => Ok(Cost::reported(bytes.and_then(|bytes| claims::cost(&bytes)))),
        Err(ReadError::NotRegular { .. } | ReadError::TooLarge { .. }) => Ok(Cost::Unknown),
        Err(error @ ReadError::Io(_)) => Err(error.into()),
    }
}
