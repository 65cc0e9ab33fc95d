//! Whole results, for callers that need more than the survey's few facts: an export, the choice of winners, and rows that
//! people look at.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use crate::model::allowance::Exceeded;
use crate::model::details::RunDetails;
use crate::model::flag::Flag;
use crate::model::grading::GradingNumber;
use crate::model::ids::RunId;
use crate::model::inherited::Compared;
use crate::model::limits::MOST_STAGE_FILE_BYTES;
use crate::model::outcome::AgentEnd;
use crate::model::result::{Judgment, RunResult};
use crate::model::score::{Grade, Score};
use crate::model::usage::Tokens;
use crate::os::files::{self, FileError};

use super::layout::{ExperimentFolder, RunFolder};
use super::stages::RunStore;
use super::version::{Age, age, costs};
use super::{StoreError, form, threads};

/// A committed result, by the tool that wrote it.
#[derive(Debug, Clone, PartialEq)]
pub enum Whole {
    /// This tool's, translated to the current version.
    Ours(Box<RunResult>),
    /// The bytes of another tool's result.
    Others(Vec<u8>),
}

/// Reads a committed result. `place` is the run's path below the experiment's folder.
///
/// # Errors
/// When it cannot be read, or is gone.
pub fn read(folder: &ExperimentFolder, run: RunId, place: &str, grading: GradingNumber) -> Result<Whole, StoreError> {
    let bytes = bytes(&RunFolder::at(folder.root().join(place)).graded(grading).result(), run)?;
    let Ok(result) = serde_json::from_slice::<RunResult>(&bytes) else { return Ok(Whole::Others(bytes)) };
    let store = RunStore::new(folder, run);
    let store = if result.grading.is_first() { store } else { store.graded(result.grading) };
    Ok(Whole::Ours(Box::new(store.translated(result)?)))
}

/// The values of a committed run by which winners are chosen; `None` for a result without a score.
///
/// # Errors
/// When the result is gone or cannot be read.
pub fn compared(folder: &ExperimentFolder, run: RunId, grading: GradingNumber) -> Result<Option<Compared>, StoreError> {
    compared_in(&folder.run(run).graded(grading).result(), run)
}

/// The same for a run at another place below the experiment's folder, before it is taken over.
///
/// # Errors
/// As [`compared`].
pub fn compared_at(folder: &ExperimentFolder, run: RunId, place: &str) -> Result<Option<Compared>, StoreError> {
    compared_in(&RunFolder::at(folder.root().join(place)).result(), run)
}

fn compared_in(path: &Path, run: RunId) -> Result<Option<Compared>, StoreError> {
    #[derive(Deserialize)]
    struct Scored {
        #[serde(default)]
        version: Option<String>,
        judge_score: Option<Score>,
        #[serde(default)]
        token_stats: Tokens,
    }
    let unreadable = |why: String| FileError::new("compare", path, io::Error::other(why));
    let bytes = bytes(path, run)?;
    let scored = serde_json::from_slice::<Scored>(&bytes).or_else(|_| {
        // It may be a result that was taken over.
        let strict = form::strict(&bytes).map_err(unreadable)?;
        serde_json::from_slice(&strict).map_err(|error| unreadable(error.to_string()))
    })?;
    let is_earlier = scored.version.is_some_and(|version| age(&version) == Age::Earlier);
    let tokens = if is_earlier { costs::tokens(scored.token_stats) } else { scored.token_stats };
    Ok(scored.judge_score.map(|score| Compared { subtest: run.subtest, score, tokens: tokens.total() }))
}

/// What a result says beyond the facts of a survey. Whatever is missing there, or is not known here, is `None`.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub struct Details {
    #[serde(rename = "judge_grade", deserialize_with = "known")]
    /// The score's grade.
    pub grade: Option<Grade>,
    /// How the agent ended.
    #[serde(rename = "agent_end", deserialize_with = "known")]
    pub end: Option<AgentEnd>,
    /// The agent's exit code.
    #[serde(deserialize_with = "known")]
    pub exit_code: Option<i32>,
    /// Which limit of the run the agent exceeded.
    #[serde(deserialize_with = "known")]
    pub exceeded: Option<Exceeded>,
    /// Tokens of the agent.
    #[serde(rename = "token_stats")]
    pub tokens: Tokens,
    /// What was unusual about what the agent left.
    #[serde(deserialize_with = "known_flags")]
    pub flags: BTreeSet<Flag>,
    /// What the judges said.
    pub judges: Option<Vec<Vote>>,
    version: Option<String>,
}

impl Details {
    /// What was read of a whole result of this tool.
    pub(super) fn of(read: &RunDetails) -> Self {
        let agent = read.agent.as_ref();
        let vote = |judgment: &Judgment| Vote { passed: Some(judgment.passed), is_valid: None };
        Self {
            grade: read.grade,
            end: agent.and_then(|agent| agent.end),
            exit_code: agent.and_then(|agent| agent.exit_code),
            exceeded: agent.and_then(|agent| agent.exceeded),
            tokens: agent.map(|agent| agent.usage.tokens).unwrap_or_default(),
            flags: read.flags.clone(),
            judges: Some(read.judges.iter().map(vote).collect()),
            version: None,
        }
    }
}

/// What one judge said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct Vote {
    /// Whether it passed the run.
    pub passed: Option<bool>,
    is_valid: Option<bool>,
}

impl Vote {
    /// Whether it counts: other tools list judges whose answer was not valid.
    #[must_use]
    pub fn is_valid(self) -> bool {
        self.passed.is_some() && self.is_valid != Some(false)
    }
}

/// A value of a word or range that this version knows; another one is not known.
fn known<'de, T: serde::de::DeserializeOwned, D: serde::Deserializer<'de>>(value: D) -> Result<Option<T>, D::Error> {
    Ok(serde_json::from_value(Value::deserialize(value)?).ok())
}

fn known_flags<'de, D: serde::Deserializer<'de>>(value: D) -> Result<BTreeSet<Flag>, D::Error> {
    let names = Option::<Vec<String>>::deserialize(value)?.unwrap_or_default();
    Ok(names.iter().filter_map(|name| Flag::named(name)).collect())
}

/// Reads what these committed runs say beyond the facts of a survey, on several threads. `place` says where a run lies below
/// the experiment's folder. One that cannot be read any more says nothing.
pub fn details(
    folder: &ExperimentFolder,
    runs: &[RunId],
    place: impl Fn(RunId) -> String + Sync,
    grading: GradingNumber,
) -> BTreeMap<RunId, Details> {
    threads::read_each(runs, |run| {
        let run_folder = RunFolder::at(folder.root().join(place(run)));
        details_in(&run_folder.graded(grading).result(), run)
    })
}

fn details_in(path: &Path, run: RunId) -> Option<Details> {
    let bytes = bytes(path, run).ok()?;
    let read = |bytes: &[u8]| serde_json::from_slice::<Details>(bytes).ok();
    // It may be one that was taken over.
    let details = read(&bytes).or_else(|| read(&form::strict(&bytes).ok()?))?;
    let is_earlier = details.version.as_deref().is_some_and(|version| age(version) == Age::Earlier);
    let tokens = if is_earlier { costs::tokens(details.tokens) } else { details.tokens };
    Some(Details { tokens, ..details })
}

fn bytes(path: &Path, run: RunId) -> Result<Vec<u8>, StoreError> {
    let gone = || FileError::new("read the result of", path, io::Error::other(format!("{run} is gone")));
    Ok(files::read_bounded(path, MOST_STAGE_FILE_BYTES)?.ok_or_else(gone)?)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::json;

    use super::*;
    use crate::model::ids::SubtestId;
    use crate::model::usage::Cost;
    use crate::store::sample::{self, run, write_json};

    #[test]
    fn a_whole_result_is_read_as_the_current_version_says_it_and_one_of_others_as_it_lies_there() {
        let sample = sample::experiment();
        let read = |id: &str| read(&sample.folder, run(id), &id_place(id), GradingNumber::FIRST);
        // An earlier version wrote 0 when the cost was not reported.
        sample.altered_result(run("T0/00/1"), &json!({ "cost_usd": 0 }));
        write_json(&sample.folder.run(run("T0/00/1")).command(), &json!({ "kind": "x", "argv": ["x"] }));
        let Whole::Ours(result) = read("T0/00/1").unwrap() else { panic!("it is ours") };
        assert_eq!((result.run(), result.usage.cost), (run("T0/00/1"), Cost::Unknown));
        // For an agent without a program, only its kind is recorded.
        sample.altered_result(run("T0/00/2"), &json!({ "cost_usd": 0 }));
        write_json(&sample.folder.run(run("T0/00/2")).command(), &json!({ "kind": "x" }));
        let Whole::Ours(result) = read("T0/00/2").unwrap() else { panic!("it is ours") };
        assert_eq!(result.usage.cost, Cost::NOTHING);
        write_json(&sample.folder.run(run("T0/00/3")).result(), &json!({ "run_number": 3 }));
        assert!(matches!(read("T0/00/3"), Ok(Whole::Others(_))));
        assert!(read("T0/00/4").is_err(), "what is gone is no result");
    }

    fn id_place(id: &str) -> String {
        let run = run(id);
        format!("{}/{}/run_{:02}", run.tier, run.subtest, run.run.get())
    }

    #[test]
    fn a_result_of_either_tool_is_compared_by_score_and_tokens() {
        let sample = sample::experiment();
        let of = |score, tokens| Compared { subtest: SubtestId(0), score, tokens: Some(tokens) };
        sample.altered_result(run("T0/00/1"), &json!({ "token_stats": { "input_tokens": 3, "cache_read_tokens": 4 } }));
        assert_eq!(compared(&sample.folder, run("T0/00/1"), GradingNumber::FIRST).unwrap(), Some(of(Score::ONE, 7)));
        let loose = r#"{"run_number": 2, "judge_score": 0.5, "cost_of_pass": Infinity, "judges": null,
            "token_stats": {"input_tokens": 1, "cache_read_input_tokens": 8}}"#;
        write_json(&sample.folder.run(run("T0/00/2")).result(), &json!({}));
        fs::write(sample.folder.run(run("T0/00/2")).result(), loose).unwrap();
        assert_eq!(
            compared(&sample.folder, run("T0/00/2"), GradingNumber::FIRST).unwrap(),
            Some(of(Score::new(0.5).unwrap(), 9))
        );
        sample.altered_result(run("T0/00/3"), &json!({ "judge_score": null }));
        assert_eq!(compared(&sample.folder, run("T0/00/3"), GradingNumber::FIRST).unwrap(), None);
        assert!(
            compared(&sample.folder, run("T0/00/4"), GradingNumber::FIRST).is_err(),
            "a result that is gone is no absent score"
        );
    }
}
