//! What agents and judges say that they cost, read from the files that they left. Who was asked and does not say it cost
//! what is not known; who was never asked cost nothing.

use std::path::Path;

use serde::Deserialize;

use crate::model::ids::JudgeNumber;
use crate::model::limits::{MOST_STAGE_FILE_BYTES, OUTPUT_BYTES};
use crate::model::usage::Cost;
use crate::os::files::{self, ReadError};
use crate::text::claims;

use super::StoreError;
use super::layout::RunFolder;

/// Which agent a run has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// None was started.
    Nobody,
    /// One that asks no model.
    NoModel,
    /// A program, which may ask one.
    Program,
}

/// Tells which agent was started, by `agent/command.json`, which is there before an agent is.
pub(super) fn asked(folder: &RunFolder) -> Result<Asked, StoreError> {
    /// Of an agent that is no program, its kind is all there is to say.
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct NoProgram {
        #[serde(rename = "kind")]
        _kind: String,
    }
    let bytes = match files::read_bounded(&folder.command(), MOST_STAGE_FILE_BYTES) {
        Ok(Some(bytes)) => bytes,
        // Other tools do not say what they start.
        Ok(None) if files::kind_of(&folder.agent_stdout())?.is_some() => return Ok(Asked::Program),
        Ok(None) => return Ok(Asked::Nobody),
        Err(ReadError::NotRegular { .. } | ReadError::TooLarge { .. }) => return Ok(Asked::Program),
        Err(error @ ReadError::Io(_)) => return Err(error.into()),
    };
    let asks_none = serde_json::from_slice::<NoProgram>(&bytes).is_ok();
    Ok(if asks_none { Asked::NoModel } else { Asked::Program })
}

/// What the agent cost of an attempt that has no result of it; its record is the only one to say it.
pub(super) fn agent(folder: &RunFolder, record: &Path) -> Result<Cost, StoreError> {
    match claim(record)? {
        Cost::Unknown if asked(folder)? != Asked::Program => Ok(Cost::NOTHING),
        cost => Ok(cost),
    }
}

/// What a judge cost whose answer lies here, valid or not.
pub(super) fn judge(folder: &RunFolder, judge: JudgeNumber) -> Result<Cost, StoreError> {
    answer(&folder.judge_prompt(judge), &folder.judge_response(judge))
}

/// The same of a judge's folder that was set aside.
pub(super) fn judge_aside(aside: &Path) -> Result<Cost, StoreError> {
    answer(&RunFolder::prompt_in(aside), &RunFolder::response_in(aside))
}

/// Whoever is asked is told before what to judge.
fn answer(prompt: &Path, response: &Path) -> Result<Cost, StoreError> {
    match claim(response)? {
        Cost::Unknown if files::kind_of(prompt)?.is_none() => Ok(Cost::NOTHING),
        cost => Ok(cost),
    }
}

/// What a file of an agent's or judge's own says of its cost.
fn claim(path: &Path) -> Result<Cost, StoreError> {
    match files::read_start(path, OUTPUT_BYTES) {
        Ok(bytes) => Ok(Cost::reported(bytes.and_then(|bytes| claims::cost(&bytes)))),
        Err(ReadError::NotRegular { .. } | ReadError::TooLarge { .. }) => Ok(Cost::Unknown),
        Err(error @ ReadError::Io(_)) => Err(error.into()),
    }
}
