//! The contents of an experiment's folder as plain values: the store reads them, the audit judges them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

use super::changes::Remainder;
use super::checkpoint::Checkpoint;
use super::digest::Digest;
use super::experiment::Config;
use super::grading::{Grading, GradingNumber};
use super::ids::{AttemptNumber, RunId, SetupId, TierId};
use super::inherited::Inherited;
use super::money::Usd;
use super::outcome::Failure;
use super::place::{Place, Spelling};
use super::plan::Plan;
use super::sandbox::Isolated;
use super::shortfall::Shortfall;
use super::usage::Total;
pub use beyond::{MadeBy, Places, Planned, Ready, Signs};
pub use graded::{Graded, GradedFacts};
pub use problem::{Problem, ProblemKind};
pub use seal::ExperimentSeal;

mod beyond;
mod graded;
mod problem;
mod seal;

/// Everything that the audit needs to know of a folder. Places are paths below the folder, with `/`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Survey {
    /// Who holds the experiment, or which other program works on it.
    pub holder: Option<Holder>,
    /// Signs of a program that works on it and takes no lock.
    pub signs: Option<Signs>,
    /// Who made it, when it is stored in another form than this tool's.
    pub made_by: Option<MadeBy>,
    /// Its plan, when that does not come from [`Survey::config`].
    pub planned: Option<Box<Planned>>,
    /// The places of its runs.
    pub places: Places,
    /// What is wrong with it beyond what the audit checks in every experiment.
    pub ready: Ready,
    /// The checkpoint to start from when there is none that can be read: a copy of a former one, or one made of what is
    /// known.
    pub former_checkpoint: Option<Box<Checkpoint>>,
    /// Runs whose entry in the checkpoint records a failure, which does not claim a result.
    pub recorded_failures: BTreeSet<RunId>,
    /// The seal over the whole experiment; `None` when it was not looked at.
    pub seal: Option<ExperimentSeal>,
    /// Whether results have no seal beside them.
    pub is_unsealed: bool,
    /// Whether another step follows after the last run, and it cannot be seen here whether that step was done.
    pub has_later_step: bool,
    /// How its places are spelled.
    pub spelling: Spelling,
    /// The content of `checkpoint.json`.
    pub checkpoint: Seen<Checkpoint>,
    /// Run keys that occur twice in the checkpoint, as `T0/00/1`.
    pub duplicate_keys: Vec<String>,
    /// The content of `config/experiment.json`.
    pub config: Seen<Config>,
    /// Fields that are missing in the config's file.
    pub config_missing: Vec<String>,
    /// Why the config's file is not as it was written.
    pub config_fault: Option<String>,
    /// Whether a digest proves that the config's file is unchanged.
    pub config_is_whole: bool,
    /// Why the checkpoint's file is not as it was written.
    pub checkpoint_fault: Option<String>,
    /// Files that results are based on and that were altered or are missing: the place, and what is wrong there.
    pub damaged: Vec<(String, String)>,
    /// The commits that results name as the start of their trees, by subtest.
    pub made_from: BTreeMap<SetupId, BTreeSet<String>>,
    /// The commits that `repo.git` names as baselines, for the subtests that have results.
    pub baselines: BTreeMap<SetupId, String>,
    /// The baselines whose check results the runs' own were compared with.
    pub compared_with: BTreeSet<String>,
    /// The baselines whose check results are known.
    pub baseline_checks: BTreeSet<String>,
    /// How many agents were isolated in which way, of the results that say it.
    pub isolated: Isolated,
    /// The former attempts that results, and agents that are done, name.
    pub former: BTreeMap<RunId, Former>,
    /// Digest of `config/fixture/` in its present state; `None` when it does not exist.
    pub fixture_digest: Option<Digest>,
    /// The content of `config/inherited/`, by the tier that inherits.
    pub inherited: BTreeMap<TierId, Seen<Inherited>>,
    /// The winners that the results of a tier name as inherited: tier and subtest.
    pub inheritance: BTreeMap<TierId, BTreeSet<SetupId>>,
    /// The runs that workers have claimed.
    pub claimed: BTreeMap<RunId, Holder>,
    /// The runs of which only the claim file of a dead worker is left.
    pub claims_left: BTreeSet<RunId>,
    /// Each run that has a folder.
    pub runs: BTreeMap<RunId, RunSeen>,
    /// The distinct experiments that results name.
    pub experiment_ids: BTreeMap<String, Naming>,
    /// The later gradings, by number. A missing one existed once: runs or the checkpoint name it.
    pub gradings: BTreeMap<GradingNumber, Seen<Grading>>,
    /// Digests of their records in their present state.
    pub grading_records: BTreeMap<GradingNumber, Digest>,
    /// Digests of their fixtures in their present state.
    pub grading_digests: BTreeMap<GradingNumber, Digest>,
    /// The gradings of each committed run; empty when the fixture's own is the only one.
    pub graded: BTreeMap<RunId, Graded>,
    /// The later gradings of which folders of runs contain anything.
    pub graded_by: BTreeSet<GradingNumber>,
    /// The grading whose verdicts count, which [`ResultFacts`] hold.
    pub counting: GradingNumber,
    /// The distinct config hashes that results name; [`ResultFacts::config`] is an index into them.
    pub config_hashes: Vec<Digest>,
    /// What is wrong with single runs.
    pub problems: Vec<Problem>,
    /// Former attempts of each run that has any.
    pub attempts: BTreeMap<RunId, AttemptsSeen>,
    /// The failure of the last attempt of runs without a result; when there are very many, only the first ones.
    pub failures: BTreeMap<RunId, Failure>,
    /// Why committed runs did not pass, by grading.
    pub shortfalls: BTreeMap<(RunId, GradingNumber), Arc<Shortfall>>,
    /// What the results in `.quarantine/` cost.
    pub quarantined_cost: Total,
    /// Places with unknown names at the levels that are known.
    pub foreign: Vec<String>,
    /// What agents of committed runs left that was not captured, in the order of the runs.
    pub remainders: Vec<Remainder>,
    /// Temporary files that a crash left behind.
    pub temporary: Vec<String>,
    /// Places that cannot be read because of an I/O error: unknown, not absent. With the error.
    pub unknown: Vec<(String, String)>,
}

impl Survey {
    /// Every run that should exist, as far as it is known; `None` without a config that can be read.
    #[must_use]
    pub fn plan(&self) -> Option<Plan> {
        match &self.planned {
            Some(planned) => Some(planned.plan.clone()),
            None => self.config.content().map(Config::plan),
        }
    }

    /// Whether a coordinator is just creating it: there is nothing yet that could be wrong.
    #[must_use]
    pub fn is_being_made(&self) -> bool {
        self.holder.is_some() && self.runs.is_empty() && matches!(self.checkpoint, Seen::Missing)
    }

    /// How many runs that somebody works on have not said yet what they cost, and how many parts of the sum those are.
    #[must_use]
    pub fn unknown_in_flight(&self) -> (usize, u32) {
        let is_worked_on = |run: &RunId| self.holder.is_some() || self.claimed.contains_key(run);
        let silent = self.runs.iter().filter_map(|(run, seen)| match seen {
            RunSeen::Unfinished { spent, .. } if !spent.is_whole() && is_worked_on(run) => Some(spent.unknown),
            _ => None,
        });
        silent.fold((0, 0), |(runs, parts), unknown| (runs + 1, parts + unknown))
    }

    /// Whether the plan has grown since something that was known at this time.
    #[must_use]
    pub fn has_grown_since(&self, time: Timestamp) -> bool {
        self.config.content().is_some_and(|config| config.has_grown_since(time))
    }

    /// The experiment's name, as far as config or checkpoint name it.
    #[must_use]
    pub fn experiment_id(&self) -> Option<&str> {
        let made = self.made_by.as_ref().and_then(|made_by| made_by.experiment_id.as_deref());
        let configured = self.config.content().map(|config| config.experiment_id.as_str());
        let recorded = || self.checkpoint.content().map(|checkpoint| checkpoint.experiment_id.as_str());
        made.or(configured).or_else(recorded)
    }

    /// Where a run is below the experiment's folder, or would be when it is done.
    #[must_use]
    pub fn place(&self, run: RunId) -> String {
        self.places.of(run)
    }

    /// The spelling of a place.
    #[must_use]
    pub fn spelled(&self, place: Place<'_>) -> String {
        self.spelling.of(place)
    }

    /// Planned tiers of which no subtest is known.
    #[must_use]
    pub fn unknown_tiers(&self) -> &[TierId] {
        self.planned.as_ref().map_or(&[], |planned| &planned.unknown_tiers)
    }

    /// The fewest runs that are planned in addition to those of [`Survey::plan`].
    #[must_use]
    pub fn runs_of_unknown_tiers(&self) -> usize {
        self.planned.as_ref().map_or(0, |planned| planned.runs_of_unknown_tiers)
    }

    /// Whether more may be planned than is known.
    #[must_use]
    pub fn plan_is_open(&self) -> bool {
        self.planned.as_ref().is_some_and(|planned| planned.is_open)
    }
}

/// A file that may be missing, readable, or newer than this tool.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Seen<T> {
    /// It does not exist.
    #[default]
    Missing,
    /// It exists and cannot be parsed as what it should be; the reason.
    Unreadable(String),
    /// It is whole, but of an unknown format: never overwritten, and nothing is guessed; the reason.
    UnknownFormat(String),
    /// A newer tool wrote it; what could be read of it.
    Newer {
        /// The version that it names.
        version: String,
        /// Its content, as far as this tool understands it.
        content: Option<Box<T>>,
    },
    /// It is whole and of another form; its content is elsewhere in the survey.
    Translated,
    /// It was read.
    Read(Box<T>),
}

impl<T> Seen<T> {
    /// The content, if it was read, newer files included.
    #[must_use]
    pub fn content(&self) -> Option<&T> {
        match self {
            Self::Read(content) | Self::Newer { content: Some(content), .. } => Some(content),
            Self::Missing
            | Self::Unreadable(_)
            | Self::UnknownFormat(_)
            | Self::Translated
            | Self::Newer { content: None, .. } => None,
        }
    }
}

/// Who holds an experiment, for messages only.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(default)]
pub struct Holder {
    /// Process number.
    pub pid: u32,
    /// Machine.
    pub host: String,
    /// Since when, RFC 3339.
    pub since: String,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { pid, host, since } = self;
        match pid {
            // A process of another machine, of which only signs are seen.
            0 if !host.is_empty() => write!(f, "a process on {host}, heard of at {since}"),
            pid => write!(f, "process {pid} on {host} since {since}"),
        }
    }
}

/// The contents of the folder of one run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum RunSeen {
    /// A whole result: the run is committed.
    Committed(ResultFacts),
    /// `run_result.json` exists but is torn, not JSON, of the wrong shape or not a regular file; a [`Problem`] says
    /// which.
    Unreadable,
    /// It cannot be read because of an I/O error, which [`Survey::unknown`] names, or is of a newer version, which a
    /// [`Problem`] names.
    Unknown,
    /// No result.
    Unfinished {
        /// Whether `agent/result.json` is whole.
        agent_complete: bool,
        /// What the agent and every judge that was asked cost, as far as they reported it.
        spent: Total,
    },
}

impl RunSeen {
    /// What was spent on the present attempt, as far as it is known.
    #[must_use]
    pub fn spent(&self) -> Total {
        match self {
            Self::Committed(facts) => facts.cost + facts.failed_judges,
            Self::Unfinished { spent, .. } => *spent,
            // It was paid for, and the file that names the cost cannot be read.
            Self::Unreadable | Self::Unknown => Total::UNKNOWN,
        }
    }
}

/// The facts of a committed run that counts and tables need; small, because there may be a million.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ResultFacts {
    /// The panel's verdict; `None` when the result has none, which is not "failed".
    pub passed: Option<bool>,
    /// Mean score.
    pub score: Option<f64>,
    /// Judges whose votes the verdict rests on.
    pub votes: u16,
    /// Cost of agent and judges in this attempt.
    pub cost: Total,
    /// Cost of the judges' answers that were not valid.
    pub failed_judges: Total,
    /// Seconds of agent, checks and judges.
    pub seconds: f64,
    /// Index into [`Survey::config_hashes`]; `None` when the result names none.
    pub config: Option<u16>,
}

/// Results that name the same experiment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Naming {
    /// Number of results.
    pub results: usize,
    /// The runs; left empty for results that name the experiment of the config, which are nearly all.
    pub runs: Vec<RunId>,
}

/// The former attempts that a run should have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Former {
    /// How many there are.
    pub attempts: u32,
    /// Their cost, as far as the result knows it.
    pub cost: Option<Usd>,
    /// How many of their costs are unknown; missing in results of earlier versions.
    pub unknown: Option<u32>,
}

/// The former attempts of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AttemptsSeen {
    /// How many there are.
    pub count: u32,
    /// Whether their numbers have no gap, as far as they carry digests.
    pub is_bound: bool,
    /// The highest number.
    pub last: Option<AttemptNumber>,
    /// What all of them cost.
    pub cost: Total,
    /// Whether the last one used the attempts up.
    pub used_up: bool,
}
