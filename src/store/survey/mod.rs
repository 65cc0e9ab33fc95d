//! The contents of the folder of an experiment, read once and at known levels.
//!
//! Folders are listed, and each result is opened relative to its subtest's folder without checking first; folders of
//! runs are not opened. Results are reduced to a few facts as they are read, so memory does not grow with their bytes.

use std::collections::{BTreeMap, BTreeSet};
use std::mem;
use std::panic::resume_unwind;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::thread;

use crate::model::digest::Digest;
use crate::model::grading::GradingNumber;
use crate::model::ids::{ExperimentId, RunId};
use crate::model::survey::{RunSeen, Survey};
use crate::model::usage::Total;
use crate::os::files::{self, FileError, Folder, Kind};
use crate::os::lock;
use crate::rules::gradings::{newest, settle, to_grade};

use super::form::{self, Form, Listed, OTHER, OURS, Recognised};
use super::layout::{ExperimentFolder, spelling};
use super::stages::RunStore;
use super::{
    StoreError, baseline_checks, checkpoint, config, evidence, gradings, inherited, judge_checks, repository, seal,
    taken_over,
};

mod bases;
mod collect;
mod costs;
mod facts;
mod graded;
mod levels;
mod read;
mod replaced;
mod single;
mod whole;

use bases::Bases;
pub use single::of_run;

/// How closely the folder is examined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Depth {
    /// Every result.
    Results,
    /// Every result, its seal and all evidence, and unknown files in the folders of runs.
    Seals,
    /// The same, and each result is computed again from the stages of its run.
    Evidence,
}

/// What every reading thread needs to know.
struct Setting<'a> {
    folder: &'a ExperimentFolder,
    depth: Depth,
    form: &'static Form,
    /// The results that were taken over from another tool, with their digests; `None` when that is not known.
    taken_over: Option<BTreeMap<RunId, Digest>>,
    /// Whether runs may have later gradings.
    regraded: bool,
    /// The gradings that were made later.
    gradings: Vec<GradingNumber>,
    /// The runs that workers have claimed: files in their folders may appear and disappear.
    claimed: BTreeSet<RunId>,
    /// The id that results should name, when it is known.
    experiment_id: Option<ExperimentId>,
}

/// Reads the contents of the folder. What cannot be read is named in the survey; nothing is written.
///
/// # Errors
/// When the folder itself cannot be listed.
pub fn survey(folder: &ExperimentFolder, depth: Depth) -> Result<Survey, StoreError> {
    let mut survey = Survey { spelling: spelling(), ..Survey::default() };
    match lock::probe(&folder.lock()) {
        Ok(holder) => survey.holder = holder,
        Err(error) => survey.unknown.push((folder.relative(&folder.lock()), error.to_string())),
    }
    let config::Examined { seen, missing, fault, is_whole, is_current } = config::examine(folder);
    (survey.config, survey.config_missing, survey.config_is_whole) = (seen, missing, is_whole);
    survey.config_fault = fault.map(str::to_owned);
    match inherited::see_all(folder) {
        Ok(seen) => survey.inherited = seen,
        Err(error) => survey.unknown.push((folder.relative(&folder.inherited_dir()), error.to_string())),
    }
    gradings::see(folder, &mut survey);
    // Its bytes are read before the results: what a live coordinator commits meanwhile is then unrecorded for a moment,
    // and never a phantom.
    let raw = checkpoint::load(folder);
    if survey.config.content().is_none() {
        if let Some(recognised) = form::recognise(folder, &survey, &raw) {
            drop(raw);
            return of_another(folder, depth, survey, recognised);
        }
        see_fixture(folder, evidence::digest_of_tree(&folder.fixture()), &mut survey);
        survey.quarantined_cost = quarantined_cost(folder, &OURS)?;
        // In this case only the checkpoint says which experiment the results should name.
        (survey.checkpoint, survey.duplicate_keys) = checkpoint::judge(&raw);
        survey.checkpoint_fault = checkpoint::fault(&raw).map(str::to_owned);
        // Without a config it is not known whether there should be a record.
        survey.damaged = repository::check(folder, depth >= Depth::Seals, false);
        let mut survey = read_results(folder, depth, &OURS, true, survey)?.0;
        settle_gradings(folder, &mut survey);
        see_shared(folder, depth, &mut survey);
        return Ok(survey);
    }
    let form = form::of_ours(folder)?;
    survey.quarantined_cost = quarantined_cost(folder, form)?;
    // Config and checkpoint both show whether there are later gradings. Only if both show none, and evidence is not
    // examined, are the runs' folders not checked for them.
    let regraded = depth >= Depth::Seals || !survey.gradings.is_empty() || checkpoint::may_name_gradings(&raw);
    let raw = Mutex::new(raw);
    // Consumes the bytes, so that they are freed while results are collected.
    let judge = || {
        let taken = mem::replace(&mut *raw.lock().unwrap_or_else(PoisonError::into_inner), Ok(None));
        let damaged = repository::check(folder, depth >= Depth::Seals, is_current);
        let fixture = evidence::digest_of_tree(&folder.fixture());
        (checkpoint::judge(&taken), checkpoint::fault(&taken).map(str::to_owned), damaged, fixture)
    };
    thread::scope(|scope| {
        let beside = thread::Builder::new().spawn_scoped(scope, judge);
        let survey = read_results(folder, depth, form, regraded, survey).map(|(survey, _)| survey);
        let judged =
            beside.map_or_else(|_| judge(), |beside| beside.join().unwrap_or_else(|panic| resume_unwind(panic)));
        let ((checkpoint, duplicate_keys), checkpoint_fault, damaged, fixture) = judged;
        let mut survey = Survey { checkpoint, duplicate_keys, checkpoint_fault, damaged, ..survey? };
        see_fixture(folder, fixture, &mut survey);
        settle_gradings(folder, &mut survey);
        see_shared(folder, depth, &mut survey);
        Ok(survey)
    })
}

fn see_fixture(folder: &ExperimentFolder, digest: Result<Option<Digest>, FileError>, survey: &mut Survey) {
    match digest {
        Ok(digest) => survey.fixture_digest = digest,
        Err(error) => survey.unknown.push((folder.relative(&folder.fixture()), error.to_string())),
    }
}

/// Sets for each run the verdict of the grading that counts.
fn settle_gradings(folder: &ExperimentFolder, survey: &mut Survey) {
    // A coordinator may have made one since the gradings were read.
    if survey.graded_by.iter().any(|number| !survey.gradings.contains_key(number)) {
        gradings::see(folder, survey);
    }
    settle(survey);
}

/// Reads what results share: the commits of their baselines, the baseline checks, and what was found of judges.
fn see_shared(folder: &ExperimentFolder, depth: Depth, survey: &mut Survey) {
    for (tier, subtest) in survey.made_from.keys() {
        if let Some(commit) = repository::baseline(folder, *tier, *subtest) {
            survey.baselines.insert((*tier, *subtest), commit);
        }
    }
    if depth == Depth::Results {
        return;
    }
    // While a coordinator works, what it covers changes under the reader's eyes.
    if survey.holder.is_none() {
        match seal::check(folder) {
            Ok(seal) => survey.seal = Some(seal),
            Err(error) => survey.unknown.push((folder.relative(&folder.seal()), error.to_string())),
        }
    }
    match baseline_checks::see_all(folder) {
        Ok((known, damaged)) => {
            survey.baseline_checks = known;
            let damaged = damaged.into_iter().map(|path| (folder.relative(&path), "it was altered or torn".to_owned()));
            survey.damaged.extend(damaged);
        }
        Err(error) => survey.unknown.push((folder.relative(&folder.baseline_checks_dir()), error.to_string())),
    }
    match judge_checks::damaged(folder) {
        Ok(damaged) => survey.damaged.extend(damaged),
        Err(error) => survey.unknown.push((folder.relative(&folder.judge_checks_dir()), error.to_string())),
    }
}

/// The survey of an experiment that another tool made.
fn of_another(
    folder: &ExperimentFolder,
    depth: Depth,
    mut survey: Survey,
    mut recognised: Recognised,
) -> Result<Survey, StoreError> {
    survey.quarantined_cost = quarantined_cost(folder, &OTHER)?;
    recognised.begin(&mut survey);
    let (mut survey, Bases { of_runs, subtests, has_others }) = read_results(folder, depth, &OTHER, false, survey)?;
    let listed = Listed { bases: of_runs, subtests, has_others };
    recognised.finish(folder, depth >= Depth::Seals, listed, &mut survey);
    Ok(survey)
}

/// Adds runs, attempts and unknown places to the survey; gives the folders in which the runs are, for forms that have
/// several.
fn read_results(
    folder: &ExperimentFolder,
    depth: Depth,
    form: &'static Form,
    regraded: bool,
    mut survey: Survey,
) -> Result<(Survey, Bases), StoreError> {
    let subtests = levels::subtests(folder, form, &mut survey)?;
    Ok(read_subtests((folder, depth, form, regraded), &subtests, |_| true, survey))
}

/// The same for these subtests alone, and for those of their runs that are asked for.
fn read_subtests(
    (folder, depth, form, regraded): (&ExperimentFolder, Depth, &'static Form, bool),
    subtests: &[levels::SubtestFolder],
    is_asked_for: impl Fn(RunId) -> bool,
    mut survey: Survey,
) -> (Survey, Bases) {
    let taken_over = taken_over(folder, &mut survey);
    let gradings = survey.gradings.keys().copied().collect();
    let experiment_id = experiment_id(&survey);
    let collection = Mutex::new(collect::Collection::new(survey));
    let mut listed = levels::runs(folder, (form, depth), subtests, &collection);
    for list in &mut listed {
        list.runs.retain(|run| is_asked_for(list.of.run(*run)));
    }
    let claimed = collect::lock(&collection).claimed();
    let setting = Setting { folder, depth, form, taken_over, regraded, gradings, claimed, experiment_id };
    let mut bases = Bases::default();
    if !form.bases.is_empty() {
        let (chosen, problems) = bases::choose(folder, form, &mut listed);
        collect::lock(&collection).take(&mut collect::Part { problems, ..collect::Part::default() });
        bases = chosen;
    }
    read::results(&setting, &listed, &collection);
    (collect::into_inner(collection).finish(setting.experiment_id.as_ref()), bases)
}

/// The results that were taken over, in an experiment of ours.
fn taken_over(folder: &ExperimentFolder, survey: &mut Survey) -> Option<BTreeMap<RunId, Digest>> {
    survey.config.content()?;
    Some(taken_over::results(folder).unwrap_or_else(|error| {
        survey.unknown.push((folder.relative(&folder.taken_over_seal()), error));
        BTreeMap::new()
    }))
}

/// The cost of runs that were set aside whole: they were paid for, whatever happened to them.
fn quarantined_cost(folder: &ExperimentFolder, form: &'static Form) -> Result<Total, StoreError> {
    let mut names = Vec::new();
    if let Some(quarantine) = Folder::open(&folder.quarantine())? {
        quarantine.each(|name, _| names.push(name.to_owned()))?;
    }
    let mut cost = Total::ZERO;
    for name in names {
        // A quarantine is laid out like the experiment itself.
        let aside = ExperimentFolder::at(folder.quarantine().join(name));
        let Ok((mut found, _)) = read_results(&aside, Depth::Results, form, form.is_sealed, Survey::default()) else {
            continue;
        };
        settle(&mut found);
        for (run, seen) in &found.runs {
            cost += match seen {
                // A result that was set aside by itself is made again from its stages, which count where they are.
                RunSeen::Unreadable => left_beside(&RunStore::new(&aside, *run))?,
                seen => seen.spent(),
            };
        }
    }
    Ok(cost)
}

/// The cost of the stages beside a result that cannot be read.
fn left_beside(run: &RunStore) -> Result<Total, StoreError> {
    run.spent(run.whole_agent_result()?.as_ref())
}

fn experiment_id(survey: &Survey) -> Option<ExperimentId> {
    let configured = survey.config.content().map(|config| config.experiment_id.clone());
    configured.or_else(|| survey.checkpoint.content().map(|checkpoint| checkpoint.experiment_id.clone()))
}

/// Adds workspaces of committed runs that should be gone: a survey of results alone does not examine them.
///
/// # Errors
/// When a result cannot be read any more.
pub fn add_leftovers(folder: &ExperimentFolder, survey: &mut Survey) -> Result<(), StoreError> {
    // Results without a seal do not say whether their workspace was to be removed.
    if survey.is_unsealed {
        return Ok(());
    }
    let committed = survey.runs.iter().filter(|(_, seen)| matches!(seen, RunSeen::Committed(_)));
    let mut left = Vec::new();
    for run in committed.map(|(run, _)| *run) {
        let workspace = folder.run(run).workspace();
        if files::kind_of(&workspace)?.is_some()
            && RunStore::new(folder, run).read_result()?.is_some_and(|result| !result.keeps_workspace)
        {
            left.push(read::left_workspace(folder, run));
        }
    }
    survey.problems.extend(left);
    Ok(())
}

/// The marks of processes that may still work on uncommitted runs, and on committed ones that are graded again. Whether
/// they are alive is for the engine to find out.
#[must_use]
pub fn marks(folder: &ExperimentFolder, survey: &Survey) -> Vec<(RunId, PathBuf)> {
    let uncommitted = survey.runs.iter().filter(|(_, seen)| !matches!(seen, RunSeen::Committed(_)));
    let number = newest(survey);
    let graded = to_grade(survey).into_iter().map(|run| (run, folder.run(run).graded(number).mark()));
    uncommitted
        .map(|(run, _)| (*run, folder.run(*run).mark()))
        .chain(graded)
        .filter(|(_, mark)| matches!(files::kind_of(mark), Ok(Some(Kind::File))))
        .collect()
}

#[cfg(test)]
mod tests;
