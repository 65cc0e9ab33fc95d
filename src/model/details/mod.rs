//! Everything that is known about one run, and about the runs of a setup together, for screens and reports.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::allowance::Exceeded;
use super::changes::NotCaptured;
use super::flag::Flag;
use super::grading::GradingNumber;
use super::ids::{AttemptNumber, JudgeNumber, RunId};
pub use super::judge::SilentJudge;
use super::outcome::{AgentEnd, Excerpt};
use super::result::{AttemptRecord, CheckResult, Judgment, Replayed};
use super::rubric::Rubric;
use super::sandbox::Isolation;
use super::score::{Grade, Score};
use super::usage::{self, Prices, Total, Usage};
pub use setup::{Counted, MeanOfItem, RunOfSetup, SetupDetails};

#[cfg(test)]
pub(crate) mod samples;
mod setup;

/// The state of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// Judged: the task is solved.
    Passed,
    /// Judged: the task is not solved.
    Failed,
    /// The agent is done, the judges are not.
    AgentComplete,
    /// Somebody is working on it now.
    InFlight,
    /// It was begun and interrupted.
    Unfinished,
    /// It was not started: it has no files.
    NotStarted,
    /// Infrastructure failed until its attempts were used up.
    Errored,
    /// Its result is not what was committed, or cannot be read.
    Damaged,
}

impl RunState {
    /// Every state.
    pub const ALL: [Self; 8] = [
        Self::Passed,
        Self::Failed,
        Self::AgentComplete,
        Self::InFlight,
        Self::Unfinished,
        Self::NotStarted,
        Self::Errored,
        Self::Damaged,
    ];

    /// The letter for it in a row of runs.
    #[must_use]
    pub fn mark(self) -> char {
        match self {
            Self::Passed => '✓',
            Self::Failed => '✗',
            Self::AgentComplete => '?',
            Self::InFlight => '~',
            Self::Unfinished => '-',
            Self::NotStarted => '·',
            Self::Errored => 'E',
            Self::Damaged => '!',
        }
    }

    /// The state of a judged run.
    #[must_use]
    pub fn judged(passed: bool) -> Self {
        if passed { Self::Passed } else { Self::Failed }
    }

    /// Whether a run in this state has a verdict.
    #[must_use]
    pub fn is_judged(self) -> bool {
        matches!(self, Self::Passed | Self::Failed)
    }
}

impl fmt::Display for RunState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::AgentComplete => "not judged",
            Self::InFlight => "in flight",
            Self::Unfinished => "unfinished",
            Self::NotStarted => "not started",
            Self::Errored => "errored",
            Self::Damaged => "damaged",
        })
    }
}

/// One run, as read from its folder.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct RunDetails {
    /// The run.
    pub run: RunId,
    /// The name of its setup; `None` when no fixture names it.
    pub name: Option<String>,
    /// Its folder.
    pub folder: String,
    /// Its state.
    pub state: RunState,
    /// The reason for the state, when the state alone does not explain it.
    pub why: Option<String>,
    /// The panel's score, if there is one.
    pub score: Option<Score>,
    /// Its grade.
    pub grade: Option<Grade>,
    /// The grading that gave the verdict.
    pub grading: GradingNumber,
    /// The grading in whose folder the logs of its checks are.
    #[serde(skip)]
    pub checked_under: GradingNumber,
    /// What the agent did.
    pub agent: Option<AgentDetails>,
    /// The size of the patch of what the agent changed.
    pub changes: Option<PatchSize>,
    /// Every judge that has judged it.
    pub judges: Vec<Judgment>,
    /// How many judges of the panel gave no answer, where the verdict does without them.
    pub missing_judges: usize,
    /// Which ones these are, and why; only where one run is looked at.
    pub silent_judges: Vec<SilentJudge>,
    /// The items of the rubric, each with the judges' scores.
    pub items: Vec<ItemDetails>,
    /// Every check, with the end of the output of one that failed.
    pub checks: Vec<CheckDetails>,
    /// Cost of the judges that gave the verdict.
    #[serde(flatten, with = "usage::judges")]
    #[schemars(with = "usage::judges::Keys")]
    pub judge_cost: Total,
    /// Cost of the judges' answers that were not valid.
    #[serde(flatten, with = "usage::failed_judges")]
    #[schemars(with = "usage::failed_judges::Keys")]
    pub failed_judge_cost: Total,
    /// Cost of former attempts.
    #[serde(flatten, with = "usage::former")]
    #[schemars(with = "usage::former::Keys")]
    pub former_cost: Total,
    /// For a run in flight: when its stage began.
    #[schemars(with = "Option<String>")]
    pub since: Option<Timestamp>,
    /// When the result was committed.
    #[schemars(with = "Option<String>")]
    pub committed_at: Option<Timestamp>,
    /// Seconds of agent, checks and judges together.
    pub duration_seconds: Option<f64>,
    /// Former attempts.
    pub attempts: Vec<AttemptDetails>,
    /// Every grading of the run, when there are several.
    pub gradings: Vec<GradingDetails>,
    /// What was unusual about what the agent left.
    pub flags: BTreeSet<Flag>,
    /// How much of the agent's tree was not captured.
    pub not_captured: NotCaptured,
    /// The first names of what was not captured.
    pub not_captured_names: Vec<String>,
    /// The files of the run.
    pub files: Vec<FileDetails>,
    /// How many further files there are.
    pub more_files: usize,
}

/// What the agent of a run did.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct AgentDetails {
    /// How it ended; `None` when only an exit code is known.
    pub end: Option<AgentEnd>,
    /// Its exit code.
    pub exit_code: Option<i32>,
    /// What it used.
    #[serde(flatten)]
    pub usage: Usage,
    /// What its cost was computed with, when it is estimated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prices: Option<Prices>,
    /// What it itself reports of that, where it does and the usage is metered: beside it, and counted nowhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reported: Option<Usage>,
    /// Which limit of the run it exceeded, if it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exceeded: Option<Exceeded>,
    /// The version that its program says it is.
    pub version: Option<String>,
    /// The models that it says answered it, the first one first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub models: Vec<String>,
    /// The recorded run that was played back in its place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replayed: Option<Replayed>,
    /// When it was started.
    #[schemars(with = "Option<String>")]
    pub started_at: Option<Timestamp>,
    /// How long it worked.
    pub duration_seconds: Option<f64>,
    /// The attempt that did the work.
    pub attempt: Option<AttemptNumber>,
    /// The containment in which it worked.
    pub containment: Option<String>,
    /// What it was kept in, and what was not kept from it.
    #[serde(flatten)]
    pub isolation: Option<Isolation>,
    /// Processes that outlived it and were ended.
    pub leftover_processes: u32,
    /// For how long of its time the gateway held its requests back together, in seconds.
    pub held_seconds: f64,
    /// Whether its output was cut off at the limit.
    pub output_truncated: bool,
}

/// The size of a patch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, JsonSchema)]
pub struct PatchSize {
    /// Files that it changes.
    pub files: usize,
    /// Lines that it adds.
    pub added: usize,
    /// Lines that it removes.
    pub removed: usize,
}

/// An item of the rubric with each judge's score.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ItemDetails {
    /// Its id.
    pub id: String,
    /// What must be true; `None` when no rubric is known.
    pub description: Option<String>,
    /// Its share.
    pub weight: Option<f64>,
    /// The check that it rests on.
    pub rests_on: Option<String>,
    /// The scores, by judge.
    pub scores: Vec<JudgeOfItem>,
}

/// A judge's score of an item.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct JudgeOfItem {
    /// The judge.
    pub judge: JudgeNumber,
    /// The score; `None` when the item does not apply.
    pub score: Option<Score>,
    /// The reason.
    pub explanation: String,
}

/// The result of a check.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct CheckDetails {
    /// The result.
    #[serde(flatten)]
    pub result: CheckResult,
    /// The end of its output, when it failed.
    pub excerpt: Option<Excerpt>,
}

/// A former attempt.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct AttemptDetails {
    /// Its folder.
    pub folder: String,
    /// Why it was set aside; `None` when that was not recorded.
    pub record: Option<AttemptRecord>,
    /// What it cost.
    #[serde(flatten, with = "usage::total")]
    #[schemars(with = "usage::total::Keys")]
    pub cost: Total,
}

/// One grading of the run.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct GradingDetails {
    /// Its number.
    pub number: GradingNumber,
    /// The verdict; `None` when there is none yet.
    pub passed: Option<bool>,
    /// The score.
    pub score: Option<Score>,
    /// When it was made; the first one has no time of its own.
    #[schemars(with = "Option<String>")]
    pub at: Option<Timestamp>,
    /// Why it was made.
    pub reason: Option<String>,
    /// Whether its verdict is the one that counts.
    pub counts: bool,
}

/// A file of the run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FileDetails {
    /// Its path.
    pub path: String,
    /// Its size.
    pub bytes: u64,
}

impl RunDetails {
    /// A run of which only the folder is known.
    #[must_use]
    pub fn new(run: RunId, folder: String) -> Self {
        Self {
            run,
            name: None,
            folder,
            state: RunState::NotStarted,
            why: None,
            score: None,
            grade: None,
            grading: GradingNumber::FIRST,
            checked_under: GradingNumber::FIRST,
            agent: None,
            changes: None,
            judges: Vec::new(),
            missing_judges: 0,
            silent_judges: Vec::new(),
            items: Vec::new(),
            checks: Vec::new(),
            judge_cost: Total::ZERO,
            failed_judge_cost: Total::ZERO,
            former_cost: Total::ZERO,
            since: None,
            committed_at: None,
            duration_seconds: None,
            attempts: Vec::new(),
            gradings: Vec::new(),
            flags: BTreeSet::new(),
            not_captured: NotCaptured::default(),
            not_captured_names: Vec::new(),
            files: Vec::new(),
            more_files: 0,
        }
    }

    /// Prepends a folder to every path; until then, paths are relative to the experiment's folder.
    pub fn lies_below(&mut self, folder: &str) {
        let excerpts =
            self.checks.iter_mut().filter_map(|check| check.excerpt.as_mut()).map(|excerpt| &mut excerpt.file);
        let files = self.files.iter_mut().map(|file| &mut file.path);
        let attempts = self.attempts.iter_mut().map(|attempt| &mut attempt.folder);
        for path in excerpts.chain(files).chain(attempts).chain([&mut self.folder]) {
            *path = format!("{}/{path}", folder.trim_end_matches('/'));
        }
    }

    /// Orders the judges' scores by the items of the rubric, followed by items that no rubric names.
    pub fn by_items(&mut self, rubric: Option<&Rubric>) {
        let of_rubric = rubric.map(|rubric| rubric.items.as_slice()).unwrap_or_default();
        let mut items: Vec<ItemDetails> = of_rubric
            .iter()
            .map(|item| ItemDetails {
                id: item.id.clone(),
                description: Some(item.description.clone()),
                weight: Some(item.weight),
                rests_on: item.rests_on.clone(),
                scores: Vec::new(),
            })
            .collect();
        let mut beside: BTreeMap<&str, ItemDetails> = BTreeMap::new();
        for judgment in &self.judges {
            for (id, said) in &judgment.criteria_scores {
                let item = match items.iter_mut().find(|item| item.id == *id) {
                    Some(item) => item,
                    None => beside.entry(id).or_insert_with(|| ItemDetails {
                        id: id.clone(),
                        description: None,
                        weight: None,
                        rests_on: None,
                        scores: Vec::new(),
                    }),
                };
                item.scores.push(JudgeOfItem {
                    judge: judgment.judge_number,
                    score: said.score,
                    explanation: said.explanation.clone(),
                });
            }
        }
        items.extend(beside.into_values());
        items.retain(|item| !item.scores.is_empty());
        self.items = items;
    }
}
