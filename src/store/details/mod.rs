//! Everything that the folder of one run shows. Only that run is read, whatever the size of the experiment.

mod beside;
mod texts;
mod unfinished;

use std::io;

use crate::model::details::{AgentDetails, CheckDetails, RunDetails, RunState};
use crate::model::digest::Digest;
use crate::model::grading::GradingNumber;
use crate::model::ids::RunId;
use crate::model::limits::{MOST_PATCH_BYTES, MOST_STAGE_FILE_BYTES};
use crate::model::result::{RunResult, Verdict};
use crate::model::survey::Seen;
use crate::model::usage::Total;
use crate::os::files::{self, Kind, ReadError};
use crate::text::patch;

use super::layout::{Base, ExperimentFolder, RunFolder};
use super::results::Details;
use super::stages::RunStore;
use super::version::Versioned;
use super::{StoreError, checkpoint, clipped, config, form, gradings, own_digest, taken_over};

pub use texts::{Text, View, output, texts};

/// What has to be known about an experiment before one of its runs is read.
#[derive(Debug)]
pub struct Reading<'a> {
    folder: &'a ExperimentFolder,
    /// The grading whose verdicts count.
    pub counting: GradingNumber,
    /// Whether this tool made it.
    is_ours: bool,
    /// Whether a verdict may do without some judges, which only its own file tells.
    pub may_lack_judges: bool,
}

/// How much of a run is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// Only what counts are made of.
    Result,
    /// Everything.
    Whole,
}

/// What counts of a run.
#[derive(Debug)]
pub struct Counted {
    /// What its result says.
    pub details: Box<RunDetails>,
    /// The digest of the bytes of the result that counts, where there is one.
    pub digest: Option<Digest>,
    /// The part of it that a survey does not tell, where the result is whole and of this tool.
    pub beyond: Option<Details>,
}

/// What was found in the place of a result.
enum Found {
    Absent,
    /// A result of ours, what is wrong with it, and the digest of its bytes.
    Ours(Box<RunResult>, Option<&'static str>, Digest),
    Others(Vec<u8>),
    Unreadable(String),
}

impl<'a> Reading<'a> {
    /// Reads what has to be known about an experiment.
    ///
    /// # Errors
    /// When its folder cannot be read.
    pub fn of(folder: &'a ExperimentFolder) -> Result<Self, StoreError> {
        let is_ours = config::read(folder).0.content().is_some();
        Ok(Self {
            folder,
            counting: if is_ours { counting(folder)? } else { GradingNumber::FIRST },
            is_ours,
            may_lack_judges: true,
        })
    }

    /// The folder of a run.
    ///
    /// # Errors
    /// When that cannot be determined.
    pub fn place(&self, run: RunId) -> Result<RunFolder, StoreError> {
        let root = self.folder.run(run);
        if self.is_ours {
            return Ok(root);
        }
        for base in Base::ALL.into_iter().rev() {
            let place = self.folder.run_in(base, run);
            if files::kind_of(place.root())? == Some(Kind::Folder) {
                return Ok(place);
            }
        }
        Ok(root)
    }

    /// Reads a run.
    ///
    /// # Errors
    /// When the system does not let something be read.
    pub fn read(&self, run: RunId, extent: Extent) -> Result<RunDetails, StoreError> {
        let mut details = *self.counted(run)?.details;
        if extent == Extent::Whole {
            self.complete(&mut details)?;
        }
        Ok(details)
    }

    /// Reads what counts of a run.
    ///
    /// # Errors
    /// When the system does not let something be read.
    pub fn counted(&self, run: RunId) -> Result<Counted, StoreError> {
        let own = self.place(run)?;
        let (mut counting, mut beyond) = (None, None);
        let mut details = RunDetails::new(run, self.folder.relative(own.root()));
        details.grading = self.counting;
        match self.found(&own)? {
            Found::Ours(result, fault, digest) => {
                let graded = self.add_result(&mut details, *result)?;
                counting = Some(graded.unwrap_or(digest));
                match fault {
                    Some(fault) => {
                        (details.state, details.why) = (RunState::Damaged, Some(format!("its result: {fault}")));
                    }
                    None => beyond = details.why.is_none().then(|| Details::of(&details)),
                }
            }
            Found::Others(bytes) => {
                add_others(&mut details, &own, &bytes);
                counting = Some(Digest::of(&bytes));
            }
            Found::Absent => self.add_unfinished(&mut details, &own)?,
            Found::Unreadable(why) => {
                self.add_unfinished(&mut details, &own)?;
                (details.state, details.why) = (RunState::Damaged, Some(why));
            }
        }
        Ok(Counted { details: Box::new(details), digest: counting, beyond })
    }

    /// Adds all else that the folder of a run tells to what counts of it.
    ///
    /// # Errors
    /// When the system does not let something be read.
    pub fn complete(&self, details: &mut RunDetails) -> Result<(), StoreError> {
        let own = self.place(details.run)?;
        if self.is_ours
            && let Some(known) = &mut details.agent
            && let Some(agent) = RunStore::new(self.folder, details.run).whole_agent_result()?
        {
            known.started_at = Some(agent.started_at);
            known.containment = Some(agent.containment);
            known.leftover_processes = agent.leftover_processes;
            known.held_seconds = agent.held_seconds;
            known.output_truncated = agent.output_truncated;
        }
        let checked = own.graded(details.checked_under);
        for check in details.checks.iter_mut().filter(|check| check.excerpt.is_none()) {
            check.excerpt = texts::end_of_failed(self.folder, &checked, &check.result);
        }
        self.add_changes(details, &own)?;
        self.add_attempts(details)?;
        self.add_gradings(details, &own)?;
        self.add_files(details, &own)
    }

    /// Adds what a result says, or the one of the grading that counts in its place; then gives that one's digest.
    fn add_result(&self, details: &mut RunDetails, own: RunResult) -> Result<Option<Digest>, StoreError> {
        let store = RunStore::new(self.folder, details.run);
        let graded = if own.grading == self.counting { None } else { Some(self.graded(details.run, self.counting)?) };
        let (result, digest) = match graded {
            None => (own, None),
            Some(Some((graded, digest))) => (graded, Some(digest)),
            Some(None) => {
                details.why = Some(format!("grading {} has not judged it yet", self.counting));
                (RunResult { judges: Vec::new(), judge_cost: Total::ZERO, ..own }, None)
            }
        };
        let is_judged = details.why.is_none();
        let result = if result.grading.is_first() {
            store.translated(result)
        } else {
            store.graded(result.grading).translated(result)
        }?;
        details.grading = if is_judged { result.grading } else { self.counting };
        if is_judged {
            details.state = RunState::judged(result.judge_passed);
            (details.score, details.grade) = (Some(result.judge_score), Some(result.judge_grade));
            details.committed_at = Some(result.committed_at);
        } else {
            details.state = RunState::AgentComplete;
        }
        details.agent = Some(of_agent(&result));
        let graded = store.folder().graded(result.grading);
        details.checked_under = result.grading;
        details.checks = result.checks.into_iter().map(|result| CheckDetails { result, excerpt: None }).collect();
        (details.judge_cost, details.failed_judge_cost) = (result.judge_cost, result.failed_judge_cost);
        details.former_cost = result.former_cost;
        details.duration_seconds = Some(result.duration_seconds);
        details.judges = result.judges;
        // It is beside the result; whether it is whole is for `verify` to say.
        let read = || files::read_bounded(&graded.judge_result(), MOST_STAGE_FILE_BYTES).ok().flatten();
        let verdict = self.may_lack_judges.then(read).flatten();
        let verdict = verdict.and_then(|bytes| serde_json::from_slice::<Verdict>(&bytes).ok());
        details.missing_judges = verdict.filter(|_| is_judged).map_or(0, |verdict| verdict.missing_judges);
        details.flags = result.flags;
        details.not_captured = result.not_captured.unwrap_or_default();
        Ok(digest)
    }

    /// Reads what is in the place of a result.
    fn found(&self, folder: &RunFolder) -> Result<Found, StoreError> {
        let bytes = match files::read_bounded(&folder.result(), MOST_STAGE_FILE_BYTES) {
            Ok(Some(bytes)) => bytes,
            Ok(None) => return Ok(Found::Absent),
            // The parent is not a folder, so there is no result.
            Err(ReadError::Io(error)) if error.error.kind() == io::ErrorKind::NotADirectory => {
                return Ok(Found::Absent);
            }
            Err(error @ ReadError::Io(_)) => return Err(error.into()),
            Err(error) => return Ok(Found::Unreadable(clipped(format!("its result: {error}")))),
        };
        let result = match serde_json::from_slice::<RunResult>(&bytes) {
            Ok(result) => {
                let (own, digest) = own_digest::own_and_whole(&bytes);
                let fault = own_digest::fault_of(own, Some(&result.version));
                return Ok(Found::Ours(Box::new(result), fault, digest));
            }
            Err(error) => error,
        };
        let version = serde_json::from_slice(&bytes).ok().map(|Versioned { version }| version);
        let may_be_of_others = !self.is_ours || taken_over::is(self.folder)?;
        Ok(match version {
            None if may_be_of_others && form::strict(&bytes).is_ok_and(|json| form::is_result(&json)) => {
                Found::Others(bytes)
            }
            Some(version) if super::version::newer(&bytes).is_some() => {
                Found::Unreadable(format!("its result is of version {version}, which a newer cargo-scylla wrote"))
            }
            _ => Found::Unreadable(clipped(format!("its result cannot be read: {result}"))),
        })
    }

    /// The result of a grading, when it exists and is whole, with the digest of its bytes.
    fn graded(&self, run: RunId, number: GradingNumber) -> Result<Option<(RunResult, Digest)>, StoreError> {
        let folder = self.folder.run(run).graded(number);
        Ok(match self.found(&folder)? {
            Found::Ours(result, None, digest) if result.grading == number => Some((*result, digest)),
            _ => None,
        })
    }

    fn add_changes(&self, details: &mut RunDetails, own: &RunFolder) -> Result<(), StoreError> {
        let is_there = |error| match error {
            // Anything else in its place is not a patch.
            ReadError::NotRegular { .. } | ReadError::TooLarge { .. } => Ok(None),
            error @ ReadError::Io(_) => Err(error),
        };
        let bytes = files::read_bounded(&own.patch(), MOST_PATCH_BYTES).or_else(is_there)?;
        details.changes = bytes.map(|bytes| patch::size(&bytes));
        if self.is_ours
            && let Some(changes) = RunStore::new(self.folder, details.run).read_changes()?
        {
            details.flags.extend(&changes.flags);
            details.not_captured = changes.not_captured();
            details.not_captured_names = changes.ignored.names.into_iter().chain(changes.left_out.names).collect();
        }
        Ok(())
    }
}

/// Adds the values of a result that another tool wrote.
fn add_others(details: &mut RunDetails, own: &RunFolder, bytes: &[u8]) {
    if let Err(why) = form::add_result(details, bytes) {
        (details.state, details.why) = (RunState::Damaged, Some(clipped(format!("its result: {why}"))));
    }
    for judgment in details.judges.iter_mut().filter(|judgment| judgment.criteria_scores.is_empty()) {
        let file = own.judgment(judgment.judge_number);
        if let Ok(Some(bytes)) = files::read_bounded(&file, MOST_STAGE_FILE_BYTES) {
            form::add_items(judgment, &bytes);
        }
    }
}

/// The agent's values in a result.
fn of_agent(result: &RunResult) -> AgentDetails {
    AgentDetails {
        end: Some(result.agent_end),
        exit_code: result.exit_code,
        usage: result.usage,
        prices: result.prices.clone(),
        reported: result.reported,
        exceeded: result.exceeded,
        version: result.program.agent_version.clone(),
        models: result.program.agent_models.clone(),
        replayed: result.replayed.clone(),
        started_at: Some(result.started_at),
        duration_seconds: Some(result.agent_duration_seconds),
        attempt: Some(result.attempt),
        containment: None,
        isolation: result.isolation.clone(),
        leftover_processes: 0,
        held_seconds: 0.0,
        output_truncated: false,
    }
}

/// The grading whose verdicts count, by the checkpoint: the newest one under which every judged run has a verdict.
/// `repair` mends the checkpoint, and `status` reads every result.
fn counting(folder: &ExperimentFolder) -> Result<GradingNumber, StoreError> {
    let numbers = gradings::numbers(folder)?;
    if numbers.is_empty() {
        return Ok(GradingNumber::FIRST);
    }
    let (Seen::Read(checkpoint), ..) = checkpoint::read(folder) else { return gradings::newest(folder) };
    let has_all = |number: &&GradingNumber| {
        let graded = checkpoint.graded.get(number);
        checkpoint
            .completed_runs
            .entries()
            .filter(|(_, status)| status.is_judged())
            .all(|(run, _)| graded.is_some_and(|runs| runs.contains(&run)))
    };
    Ok(numbers.iter().rev().find(has_all).copied().unwrap_or_default())
}
