//! What `repair` and `resume` do about findings: decided here, carried out by the store.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::model::checkpoint::{CHECKPOINT_VERSION, Checkpoint, CompletedRuns, ConfigHash, Verdicts};
use crate::model::finding::{Finding, FindingKind, Level};
use crate::model::ids::RunId;
use crate::model::outcome::{ExperimentStatus, RunStatus};
use crate::model::place::{Place, RunPlace};
use crate::model::survey::{RunSeen, Seen, Survey};
use crate::rules::audit::audit;
use crate::rules::gradings::verdicts;
use crate::rules::index::{has_unknown_places, index, is_complete};
use crate::rules::weigh;

/// What a person asks for beyond what is always mended.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ask {
    /// Whether a person watches what is done: then results of other experiments are set aside too.
    pub by_person: bool,
    /// Remove entries without a result.
    pub drop_phantoms: bool,
    /// Runs that are to be set aside, so that a resume repeats them.
    pub quarantine: Vec<RunId>,
}

/// Everything that is to be done, in this order: end orphans, back up, write the checkpoint, set aside.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Mending {
    /// Runs whose orphans are to be ended.
    pub end_orphans: Vec<RunId>,
    /// Whether the checkpoint's bytes are to be copied first: whenever it exists and will be written.
    pub backup: bool,
    /// What is moved to `.quarantine/`.
    pub set_aside: Vec<SetAside>,
    /// The checkpoint that is to be written; `None` when the one on disk is right.
    pub checkpoint: Option<Checkpoint>,
    /// Runs that have no result any more afterwards.
    pub gone: BTreeSet<RunId>,
    /// The findings that this mends.
    pub mended: Vec<Finding>,
    /// The findings that need a person, a rerun or a resume.
    pub kept: Vec<Finding>,
}

impl Mending {
    /// Whether there is nothing to do.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.end_orphans.is_empty() && self.set_aside.is_empty() && self.checkpoint.is_none()
    }
}

/// A place that is moved to `.quarantine/`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SetAside {
    /// The place, below the experiment's folder.
    pub place: String,
    /// The run that it belongs to.
    pub run: Option<RunId>,
    /// The finding that requires it; `None` when a person asked for it.
    pub why: Option<FindingKind>,
}

/// What is to be done about a folder. After it is done, a second call has nothing to do.
#[must_use]
pub fn mend(survey: &Survey, ask: &Ask, now: Timestamp) -> Mending {
    let findings = audit(survey);
    let foreign = |kind| matches!(kind, FindingKind::NewerVersion | FindingKind::UnknownFormat);
    let writable = !findings.iter().any(|finding| foreign(finding.kind));
    // A live experiment has a writer already, and an unknown format is never overwritten.
    if survey.holder.is_some() || !writable {
        return Mending { kept: findings, ..Mending::default() };
    }
    let set_aside = places_to_set_aside(survey, ask, &findings);
    let gone: BTreeSet<RunId> =
        set_aside.iter().filter(|aside| loses_its_result(survey, aside)).filter_map(|aside| aside.run).collect();
    let end_orphans = findings
        .iter()
        .filter(|finding| finding.kind == FindingKind::StrayProcess)
        .filter_map(|finding| finding.run)
        .collect();
    let rebuilt = rebuild(survey, ask, &gone, now)
        .map(|rebuilt| Checkpoint { graded: verdicts_kept(survey, ask, &gone, &findings, &rebuilt), ..rebuilt });
    let must_write = !gone.is_empty() || findings.iter().any(|finding| changes_checkpoint(finding.kind, ask));
    // Duplicate keys and other faults of the file disappear only when it is written again.
    let stale = survey.ready.at_rest.iter().any(|finding| changes_checkpoint(finding.kind, ask));
    let differs = |rebuilt: &Checkpoint| {
        stale
            || survey.checkpoint_fault.is_some()
            || Some(rebuilt) != survey.checkpoint.content()
            || !survey.duplicate_keys.is_empty()
    };
    let checkpoint = rebuilt.filter(|rebuilt| must_write && differs(rebuilt));
    let can_write = checkpoint.is_some();
    let (mended, kept) = findings.into_iter().partition(|finding| match finding.kind {
        FindingKind::PhantomEntry => ask.drop_phantoms && can_write,
        FindingKind::BrokenGrading => ask.by_person,
        FindingKind::StrayProcess | FindingKind::LeftoverTemporary | FindingKind::StrayWorkspace => true,
        kind if kind.level() == Level::Mendable => can_write,
        _ => {
            finding.run.is_some_and(|run| gone.contains(&run))
                || set_aside.iter().any(|aside| aside.place == finding.place)
        }
    });
    let backup = can_write && !matches!(survey.checkpoint, Seen::Missing);
    Mending { end_orphans, backup, set_aside, checkpoint, gone, mended, kept }
}

/// The verdicts under later gradings that the checkpoint keeps: not those that are given up.
fn verdicts_kept(
    survey: &Survey,
    ask: &Ask,
    gone: &BTreeSet<RunId>,
    findings: &[Finding],
    checkpoint: &Checkpoint,
) -> Verdicts {
    let given_up = findings.iter().filter(|finding| ask.by_person && finding.kind == FindingKind::BrokenGrading);
    let given_up: BTreeSet<&str> = given_up.map(|finding| finding.place.as_str()).collect();
    // In an altered checkpoint, verdicts may be invented.
    let former = if survey.checkpoint_fault.is_some() { &Verdicts::new() } else { &checkpoint.graded };
    let mut kept = verdicts(survey, former);
    for (number, runs) in &mut kept {
        runs.retain(|run| {
            let place = survey.spelled(Place::Of(&survey.place(*run), RunPlace::Grading(*number)));
            !gone.contains(run) && !given_up.contains(place.as_str())
        });
    }
    kept.retain(|_, runs| !runs.is_empty());
    kept
}

/// Whether the whole run is moved with the place, not only a part of it or a second spelling.
fn moves_the_whole_run(survey: &Survey, aside: &SetAside) -> bool {
    aside.run.is_some_and(|run| survey.place(run) == aside.place)
}

/// Whether the run has no result any more after the place is moved.
fn loses_its_result(survey: &Survey, aside: &SetAside) -> bool {
    moves_the_whole_run(survey, aside) || aside.why == Some(FindingKind::UnreadableResult)
}

fn places_to_set_aside(survey: &Survey, ask: &Ask, findings: &[Finding]) -> Vec<SetAside> {
    let mut asides: BTreeSet<SetAside> = findings.iter().flat_map(|finding| places_of(survey, finding, ask)).collect();
    for run in ask.quarantine.iter().filter(|run| survey.runs.contains_key(run)) {
        let place = survey.place(*run);
        if !asides.iter().any(|aside| aside.place == place) {
            asides.insert(SetAside { place, run: Some(*run), why: None });
        }
    }
    // What is inside of a place that is moved as a whole is moved with it.
    let whole: Vec<String> =
        asides.iter().filter(|aside| moves_the_whole_run(survey, aside)).map(|aside| aside.place.clone()).collect();
    asides.retain(|aside| {
        !whole.iter().any(|place| aside.place.strip_prefix(place.as_str()).is_some_and(|rest| rest.starts_with('/')))
    });
    asides.into_iter().collect()
}

/// What is moved because of a finding.
fn places_of(survey: &Survey, finding: &Finding, ask: &Ask) -> Vec<SetAside> {
    let aside = |place: String| SetAside { place, run: finding.run, why: Some(finding.kind) };
    match finding.kind {
        // The other stages of the run are whole: a resume commits it again from them, and nothing is paid twice.
        FindingKind::UnreadableResult => {
            let parts = if survey.is_unsealed { &[RunPlace::Result][..] } else { &[RunPlace::Result, RunPlace::Seal] };
            parts.iter().map(|part| aside(survey.spelled(Place::Of(&finding.place, *part)))).collect()
        }
        FindingKind::DuplicateRun if ask.by_person => vec![aside(finding.place.clone())],
        // If the place is gone, there is nothing to move.
        FindingKind::BrokenGrading
            if ask.by_person && survey.problems.iter().any(|problem| problem.place == finding.place) =>
        {
            vec![aside(finding.place.clone())]
        }
        FindingKind::LeftoverTemporary | FindingKind::StrayWorkspace => vec![aside(finding.place.clone())],
        _ => Vec::new(),
    }
}

fn changes_checkpoint(kind: FindingKind, ask: &Ask) -> bool {
    match kind {
        FindingKind::CheckpointMissing
        | FindingKind::CheckpointUnreadable
        | FindingKind::CheckpointAltered
        | FindingKind::DuplicateEntry
        | FindingKind::UnrecordedResult
        | FindingKind::WrongStatus
        | FindingKind::StaleRunning
        | FindingKind::StatusContradicted => true,
        FindingKind::PhantomEntry => ask.drop_phantoms,
        // What is set aside or gone is not named any more.
        FindingKind::BrokenGrading => ask.by_person,
        _ => false,
    }
}

/// The checkpoint as it should be; `None` when neither config nor checkpoint names the experiment.
fn rebuild(survey: &Survey, ask: &Ask, gone: &BTreeSet<RunId>, now: Timestamp) -> Option<Checkpoint> {
    let former = survey.checkpoint.content();
    // A copy of a former one is better than nothing.
    let kept = survey.former_checkpoint.as_deref();
    let mut checkpoint = former.or(kept).cloned().or_else(|| new_checkpoint(survey, now))?;
    checkpoint.status = match checkpoint.status {
        // Only a program that works on it knows how far it got.
        ExperimentStatus::Running if survey.has_later_step => ExperimentStatus::Interrupted,
        ExperimentStatus::Running if gone.is_empty() && is_complete(survey) => ExperimentStatus::Completed,
        ExperimentStatus::Completed if gone.is_empty() && (has_unknown_places(survey) || is_complete(survey)) => {
            ExperimentStatus::Completed
        }
        ExperimentStatus::Running | ExperimentStatus::Completed => ExperimentStatus::Interrupted,
        resting => resting,
    };
    let named = weigh::experiment_id(survey).and_then(|id| id.parse().ok());
    checkpoint.experiment_id = named.unwrap_or(checkpoint.experiment_id);
    checkpoint.config_hash = weigh::config_hash(survey).map_or(checkpoint.config_hash, ConfigHash::from);
    checkpoint.completed_runs = merged(survey, ask, gone, checkpoint.completed_runs);
    checkpoint.pid = None;
    checkpoint.host = None;
    if former.is_none_or(|former| *former != checkpoint) {
        checkpoint.last_updated_at = now;
    }
    Some(checkpoint)
}

/// A checkpoint without runs.
fn new_checkpoint(survey: &Survey, now: Timestamp) -> Option<Checkpoint> {
    let config = survey.config.content()?;
    Some(Checkpoint {
        version: CHECKPOINT_VERSION.to_owned(),
        experiment_id: config.experiment_id.clone(),
        config_hash: config.hash().into(),
        status: ExperimentStatus::Running,
        completed_runs: CompletedRuns::default(),
        started_at: config.created_at,
        last_updated_at: now,
        worked_seconds: 0.0,
        rate_limit: None,
        rate_limits: std::collections::BTreeMap::new(),
        rerun: std::collections::BTreeSet::new(),
        rerunning: std::collections::BTreeSet::new(),
        failures: std::collections::BTreeMap::new(),
        graded: std::collections::BTreeMap::new(),
        pid: None,
        host: None,
        unknown: serde_json::Map::new(),
    })
}

/// The statuses that the folder shows, and those of the former checkpoint for runs about which the folder says nothing.
fn merged(survey: &Survey, ask: &Ask, gone: &BTreeSet<RunId>, former: CompletedRuns) -> CompletedRuns {
    let on_disk = index(survey);
    let mut completed_runs = former;
    if ask.drop_phantoms {
        let phantoms: Vec<RunId> = completed_runs
            .entries()
            .filter(|(run, entry)| {
                entry.is_judged() && matches!(survey.runs.get(run), None | Some(RunSeen::Unfinished { .. }))
            })
            .map(|(run, _)| run)
            .collect();
        for run in phantoms {
            completed_runs.remove(run);
        }
    }
    for (run, status) in on_disk.entries() {
        // An entry that says "judged" while the folder has no result is a phantom, and kept as one.
        let phantom = !status.is_judged() && completed_runs.get(run).is_some_and(RunStatus::is_judged);
        if !phantom {
            completed_runs.set(run, status);
        }
    }
    for run in gone {
        completed_runs.remove(*run);
    }
    completed_runs
}

#[cfg(test)]
mod tests;
