//! Opening an experiment to work on it: lock, survey, mend, and only then work.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::config;
use crate::engine::error::EngineError;
use crate::engine::image::Image;
use crate::engine::session::grader::Grader;
use crate::engine::session::orphans;
use crate::engine::session::progress::Progress;
use crate::model::checkpoint::Checkpoint;
use crate::model::experiment::Config;
use crate::model::finding::{Finding, FindingKind, Level};
use crate::model::ids::{ExperimentId, RunId};
use crate::model::outcome::{AttemptEnd, ExperimentStatus, Stage};
use crate::model::plan::Plan;
use crate::model::result::AttemptRecord;
use crate::model::survey::{Holder, RunSeen, Seen, Survey};
use crate::model::task::Fixture;
use crate::os::files::{FileError, NamedPlace};
use crate::os::lock::{self, ExperimentLock, LockError};
use crate::os::process::OrphanState;
use crate::os::{clock, files};
use crate::rules::gradings::verdicts;
use crate::rules::mend::{Ask, Mending, mend};
use crate::store;
use crate::store::checkpoint::CheckpointWriter;
use crate::store::claim::Claim;
use crate::store::layout::ExperimentFolder;
use crate::store::mend::Applied;
use crate::store::stages::RunStore;
use crate::store::survey::Depth;
use crate::text::escape;

/// An experiment whose lock this process holds.
#[derive(Debug)]
pub struct Locked {
    /// Its folder.
    pub folder: ExperimentFolder,
    /// The only means to write its checkpoint.
    pub writer: CheckpointWriter,
}

/// An experiment that is locked, mended, and ready to go on.
#[derive(Debug)]
pub struct Session {
    /// The lock and what it protects.
    pub locked: Locked,
    /// Its config; only operational fields may change.
    pub config: Config,
    /// Its copy of the fixture.
    pub fixture: Fixture,
    /// The newest grading, by which finished work is graded.
    pub grader: Grader,
    /// The checkpoint as it is on disk.
    pub checkpoint: Checkpoint,
    /// Which runs are committed and which are missing.
    pub progress: Progress,
    /// Damage that only a person can mend. The runs concerned are not repeated unless a person asks for it.
    pub damage: Vec<Finding>,
    /// What was mended, as sentences.
    pub mended: Vec<String>,
    /// What former sessions left and could not be removed, as sentences.
    pub left: Vec<String>,
    /// Whether former sessions did work.
    pub resumed: bool,
    /// The image that agents and checks work in, where it is made ready already.
    pub image: Option<Arc<Image>>,
}

impl Session {
    /// Replaces the plan by one that has grown; results that were outside of the plan may be in it now.
    pub fn replace_plan(&mut self, plan: Plan) {
        self.damage.retain(|finding| {
            finding.kind != FindingKind::OutsidePlan || finding.run.is_some_and(|run| !plan.contains(run))
        });
        self.progress.replan(plan);
    }

    /// Ends the session without any work; the checkpoint records whether planned runs are missing.
    ///
    /// # Errors
    /// When the checkpoint cannot be written.
    pub fn end_without_work(mut self) -> Result<(), EngineError> {
        if self.checkpoint.status == ExperimentStatus::Completed && !self.progress.missing().is_empty() {
            self.checkpoint.status = ExperimentStatus::Interrupted;
            self.checkpoint.last_updated_at = clock::now();
            self.locked.writer.save(&self.checkpoint)?;
        }
        Ok(())
    }
}

/// The message about damage that only a person can mend.
#[must_use]
pub fn damage_message(Finding { kind, place, message, .. }: Finding) -> String {
    format!("{place}: {kind}: {message}; it is left to you")
}

/// Takes the lock under which experiments with this id are made in a results folder: if two were made at once, both
/// would be paid. Waits for another process that is making one, and reports that before.
///
/// # Errors
/// When the folder or the lock's file cannot be made.
pub fn hold_creation(
    results_dir: &Path,
    id: &ExperimentId,
    waits: impl FnOnce(&Holder),
) -> Result<ExperimentLock, EngineError> {
    let unusable = |error: FileError| store::StoreError::from(error.in_place(NamedPlace::Results));
    files::create_dir_durable(results_dir).map_err(unusable)?;
    let held = ExperimentLock::wait(&ExperimentFolder::creation_lock(results_dir, id), &this_process(), waits);
    held.map_err(|error| match error {
        LockError::Io { path, error } => unusable(FileError::new("lock", &path, error)).into(),
        error @ (LockError::Locked(_) | LockError::Lost(_) | LockError::CutOff(_)) => error.into(),
    })
}

pub(in crate::engine) fn this_process() -> Holder {
    Holder { pid: std::process::id(), host: clock::host(), since: clock::now().to_string() }
}

/// Checks that nobody holds the experiment, without taking the lock: a folder that is only looked at need not be
/// writable.
///
/// # Errors
/// When a coordinator holds it, or the lock's file cannot be opened.
pub fn must_be_free(folder: &ExperimentFolder) -> Result<(), EngineError> {
    lock::probe(&folder.lock())?.map_or(Ok(()), |holder| Err(LockError::Locked(holder).into()))
}

/// Takes the experiment's lock. Where the file system has no locks, it may have to be waited for whether its holder is gone; then `waits` is
/// called before.
///
/// # Errors
/// When another coordinator holds it, or the lock's file cannot be opened.
pub fn hold(folder: ExperimentFolder, waits: impl FnOnce(&Holder)) -> Result<Locked, EngineError> {
    let lock = ExperimentLock::acquire_or_watch(&folder.lock(), &this_process(), lock::PATIENCE, |holder| {
        waits(holder);
        store::claim::begin_watch(&folder);
    })?;
    let writer = CheckpointWriter::new(&folder, lock);
    Ok(Locked { folder, writer })
}

/// Surveys a folder that this process has locked, with the orphans of dead coordinators.
///
/// # Errors
/// When the folder itself cannot be read.
pub fn survey(locked: &Locked, depth: Depth) -> Result<Survey, EngineError> {
    survey_free(&locked.folder, depth)
}

/// The same for a folder that nobody has locked.
///
/// # Errors
/// When the folder itself cannot be read.
pub fn survey_free(folder: &ExperimentFolder, depth: Depth) -> Result<Survey, EngineError> {
    let mut survey = store::survey::survey(folder, depth)?;
    // The lock's holder is this process; a program that takes no lock shows only by its signs.
    survey.holder = survey.signs.as_ref().map(|signs| signs.holder.clone());
    let found = orphans::find(folder, &survey);
    orphans::add_to(&mut survey, folder, &found);
    Ok(survey)
}

/// Refuses to write while a program that takes no lock seems to be working on the experiment.
///
/// # Errors
/// When there are signs of one.
pub fn refuse_signs(survey: &Survey) -> Result<(), EngineError> {
    survey.signs.clone().map_or(Ok(()), |signs| Err(EngineError::AtWork(signs)))
}

/// Carries out what `mend` decided.
///
/// # Errors
/// When an orphan cannot be ended, the folder cannot be written, or a worker has claimed a run that is to be moved or
/// whose processes are to be ended.
pub fn apply(locked: &mut Locked, survey: &Survey, mending: &Mending) -> Result<Applied, EngineError> {
    let moved = mending
        .set_aside
        .iter()
        .filter_map(|aside| aside.run.or_else(|| locked.folder.run_of(&locked.folder.root().join(&aside.place))));
    let touched: BTreeSet<RunId> = moved.chain(mending.end_orphans.iter().copied()).collect();
    let _claims = claim(&locked.folder, touched)?;
    if !mending.end_orphans.is_empty() {
        let found = orphans::find(&locked.folder, survey);
        if let Some(orphan) = found.iter().find(|orphan| orphan.state == OrphanState::Unknown) {
            let (host, mark) = (escape::terminal(&orphan.mark.host).into_owned(), orphan.path.clone());
            return Err(EngineError::Elsewhere { run: orphan.run, host, mark });
        }
        orphans::end(&found).map_err(EngineError::Orphans)?;
    }
    orphans::clear_groups(&locked.folder, survey);
    Ok(store::mend::apply(&locked.folder, &mut locked.writer, (survey, mending), clock::now())?)
}

/// Claims runs, so that no worker begins them meanwhile.
fn claim(folder: &ExperimentFolder, runs: impl IntoIterator<Item = RunId>) -> Result<Vec<Claim>, EngineError> {
    let holder = this_process();
    runs.into_iter().map(|run| Ok(Claim::acquire(folder, run, &holder)?)).collect()
}

/// Removes the claims of workers that are dead.
fn clear_claims(folder: &ExperimentFolder, survey: &Survey) {
    // Claiming and releasing removes the file. A run that a worker has claimed meanwhile stays that worker's.
    drop(survey.claims_left.iter().map(|run| claim(folder, [*run])).collect::<Vec<_>>());
}

/// Opens an experiment so that work can go on: everything that can be mended is mended first.
///
/// # Errors
/// When the folder has findings under which the experiment cannot go on; it never becomes a fresh experiment instead.
pub fn begin(locked: Locked) -> Result<Session, EngineError> {
    let first = survey(&locked, Depth::Results)?;
    go_on(locked, first)
}

/// The same with a survey that was made under the lock.
///
/// # Errors
/// As [`begin`].
pub fn go_on(mut locked: Locked, first: Survey) -> Result<Session, EngineError> {
    refuse_signs(&first)?;
    if let Some(made_by) = first.made_by {
        return Err(EngineError::OtherForm { folder: locked.folder.root().to_owned(), made_by });
    }
    let mut first = if finish_rerun(&mut locked, &first)? { survey(&locked, Depth::Results)? } else { first };
    store::survey::add_leftovers(&locked.folder, &mut first)?;
    let mending = mend(&first, &Ask::default(), clock::now());
    refuse_unfit(&locked.folder, &mending.kept)?;
    apply(&mut locked, &first, &mending)?;
    clear_claims(&locked.folder, &first);
    let mut left = finish_commits(&locked, &mending.mended)?;
    let mended = mending.mended.iter().map(|finding| format!("{}: {}", finding.place, finding.message)).collect();
    let after = if mending.is_nothing() { first } else { survey(&locked, Depth::Results)? };
    left.extend(sweep(&locked, &after)?);
    let left = left.iter().map(ToString::to_string).collect();
    let damage: Vec<Finding> =
        mending.kept.into_iter().filter(|finding| finding.kind.level() == Level::Damaged).collect();
    let (Seen::Read(config), Seen::Read(checkpoint)) = (after.config.clone(), after.checkpoint.clone()) else {
        return Err(unfit(&locked.folder, crate::rules::audit::audit(&after)));
    };
    let checkpoint = Checkpoint { graded: verdicts(&after, &checkpoint.graded), ..*checkpoint };
    let fixture = config::fixture::load(&locked.folder.fixture()).map_err(EngineError::Fixture)?;
    let grader = Grader::of(&locked.folder, &after)?;
    // A session that was killed may have left folders that are not durable yet.
    let planned = config.plan();
    locked
        .folder
        .make_subtests(planned.subtests().iter().flat_map(|(tier, all)| all.keys().map(|subtest| (*tier, *subtest))))?;
    let progress = progress_of(&config, &after, &damage);
    let resumed = progress.missing().len() < config.plan().total() || !after.attempts.is_empty();
    let config = *config;
    let image = None;
    Ok(Session { locked, config, fixture, grader, checkpoint, progress, damage, mended, left, resumed, image })
}

/// Which runs are committed and which are to be done, by what a survey shows; what is damaged is left to a person.
pub(in crate::engine) fn progress_of(config: &Config, survey: &Survey, damage: &[Finding]) -> Progress {
    let mut progress = Progress::of(config.plan(), survey);
    for run in damage.iter().filter_map(|finding| finding.run) {
        progress.withhold(run);
    }
    progress
}

/// Finishes setting aside the runs of a rerun that was stopped, before anything else is looked at; gives whether there
/// was one.
fn finish_rerun(locked: &mut Locked, survey: &Survey) -> Result<bool, EngineError> {
    let Seen::Read(checkpoint) = &survey.checkpoint else { return Ok(false) };
    if checkpoint.rerun.is_empty() {
        return Ok(false);
    }
    for run in &checkpoint.rerun {
        set_aside(locked, survey, *run)?;
    }
    let mut checkpoint = checkpoint.as_ref().clone();
    for run in &checkpoint.rerun {
        checkpoint.completed_runs.remove(*run);
        for runs in checkpoint.graded.values_mut() {
            runs.remove(run);
        }
    }
    checkpoint.graded.retain(|_, runs| !runs.is_empty());
    checkpoint.rerun.clear();
    checkpoint.last_updated_at = clock::now();
    locked.writer.save(&checkpoint)?;
    Ok(true)
}

fn set_aside(locked: &Locked, survey: &Survey, run: RunId) -> Result<(), EngineError> {
    let store = RunStore::new(&locked.folder, run);
    if files::kind_of(store.folder().root()).map_err(store::StoreError::from)?.is_none() {
        return Ok(());
    }
    let _claim = claim(&locked.folder, [run])?;
    let seen = survey.runs.get(&run);
    let agent = store.whole_agent_result()?;
    let cost = match seen {
        Some(seen @ RunSeen::Committed(_)) => seen.spent(),
        Some(_) | None => store.spent(agent.as_ref())?,
    };
    let stage = match (seen, agent) {
        (Some(RunSeen::Committed(_)), _) => Stage::Commit,
        (_, Some(_)) => Stage::Judge,
        (_, None) => Stage::Agent,
    };
    let attempt = store.next_attempt()?;
    store.set_aside(&AttemptRecord { attempt, stage, end: AttemptEnd::Rerun, cost, at: clock::now() })?;
    Ok(())
}

/// Does what a coordinator that was killed after a commit did not do: removes the workspace, as the result says. Gives
/// what cannot be removed.
fn finish_commits(locked: &Locked, mended: &[Finding]) -> Result<Vec<FileError>, EngineError> {
    let mut left = Vec::new();
    let unrecorded = mended.iter().filter(|finding| finding.kind == FindingKind::UnrecordedResult);
    for run in unrecorded.filter_map(|finding| finding.run) {
        let result = RunStore::new(&locked.folder, run).read_result()?;
        if result.is_some_and(|result| !result.keeps_workspace) {
            left.extend(files::remove_tree(&locked.folder.run(run).workspace()).err());
        }
    }
    Ok(left)
}

/// Removes work folders of former sessions that are not needed any more, and files of images. Gives what cannot be removed.
fn sweep(locked: &Locked, survey: &Survey) -> Result<Vec<FileError>, EngineError> {
    let unfinished = survey.runs.iter().filter(|(_, seen)| matches!(seen, RunSeen::Unfinished { .. }));
    let mut needed = BTreeSet::new();
    for (run, _) in unfinished {
        let store = RunStore::new(&locked.folder, *run);
        let agent = match store.read_agent_result() {
            // It is not known where the agent of the run worked, so nothing is removed.
            Err(store::StoreError::DamagedStage { .. }) => return Ok(Vec::new()),
            agent => agent?.and_then(|agent| agent.work),
        };
        needed.extend(agent.into_iter().chain(store.pointed_to()?).map(|place| PathBuf::from(place.folder)));
    }
    let place = survey.config.content().and_then(|config| config.work_dir.as_deref());
    let mut left = store::work::sweep(&locked.folder, place, &needed)?;
    left.extend(store::image::sweep(place));
    Ok(left)
}

pub(in crate::engine) fn unfit(folder: &ExperimentFolder, findings: Vec<Finding>) -> EngineError {
    EngineError::Unfit { folder: folder.root().to_owned(), findings }
}

/// Refuses findings under which new results would not be comparable with the old ones, or could not be told apart from
/// them.
pub(in crate::engine) fn refuse_unfit(folder: &ExperimentFolder, kept: &[Finding]) -> Result<(), EngineError> {
    let forbidding: Vec<Finding> = kept.iter().filter(|finding| forbids(folder, finding)).cloned().collect();
    if forbidding.is_empty() { Ok(()) } else { Err(unfit(folder, forbidding)) }
}

/// Whether, under a finding that nothing mends, new results would not be comparable with the old ones or could not be
/// told apart from them.
#[must_use]
pub fn forbids(folder: &ExperimentFolder, finding: &Finding) -> bool {
    // Baseline checks are carried out again, and no result rests on what was found of judges.
    let beside = [folder.baseline_checks_dir(), folder.judge_checks_dir()].map(|dir| folder.relative(&dir));
    let is_beside = beside.iter().any(|place| finding.place.starts_with(place));
    let is_of_trees = finding.kind == FindingKind::DamagedFile && !is_beside;
    is_of_trees
        || matches!(
            finding.kind,
            FindingKind::ConfigMissing
                | FindingKind::ConfigUnreadable
                | FindingKind::ConfigIncomplete
                | FindingKind::ConfigChanged
                | FindingKind::LostGrading
                | FindingKind::NewerVersion
                | FindingKind::CheckpointMissing
                | FindingKind::CheckpointUnreadable
                | FindingKind::UnknownPlace
        )
}
