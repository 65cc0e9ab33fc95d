//! Runs of the original lie in one of three folders. Which one, and what is done with a run that lies in two.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::model::ids::{RunId, SubtestId, TierId};
use crate::model::limits::MOST_STAGE_FILE_BYTES;
use crate::model::survey::{Problem, ProblemKind};
use crate::os::files::read_bounded;
use crate::projectscylla;
use crate::store::layout::ExperimentFolder;
use crate::store::layout::original::Phase;

use super::facts::{OriginalAgent, ReadFacts};
use super::levels::ListedRuns;

/// Where the runs of an experiment lie.
#[derive(Debug, Default)]
pub(super) struct Phases {
    pub(super) in_progress: BTreeSet<RunId>,
    pub(super) flat: BTreeSet<RunId>,
    pub(super) phased: bool,
    /// Every subtest that has a folder.
    pub(super) subtests: BTreeSet<(TierId, SubtestId)>,
    /// Second folders of runs. They are listed no more.
    pub(super) second: Vec<Problem>,
}

/// Tells runs apart by phase. Of a run that lies in two, the folder with a whole result counts, else the one with the
/// agent's work; where both are alike, the later phase.
pub(super) fn tell_apart(folder: &ExperimentFolder, listed: &mut [ListedRuns], has_folders: bool) -> Phases {
    let mut of_run: BTreeMap<RunId, Vec<Phase>> = BTreeMap::new();
    for list in listed.iter() {
        for run in &list.runs {
            of_run.entry(list.of.run(*run)).or_default().push(list.of.phase);
        }
    }
    let mut phases = Phases {
        phased: has_folders || listed.iter().any(|list| list.of.phase != Phase::Flat),
        subtests: listed.iter().map(|list| (list.of.tier, list.of.subtest)).collect(),
        ..Phases::default()
    };
    for (run, mut lies_in) in of_run {
        // Folders that count more come last, and the sort keeps the order of phases among equal ones.
        if lies_in.len() > 1 {
            lies_in.sort_by_key(|phase| worth(folder, *phase, run));
        }
        let Some(counts) = lies_in.pop() else { continue };
        match counts {
            Phase::InProgress => drop(phases.in_progress.insert(run)),
            Phase::Flat if phases.phased => drop(phases.flat.insert(run)),
            Phase::Flat | Phase::Completed => {}
        }
        for second in lies_in {
            let found = format!("the run lies in `{}` as well, and counts there", counts.place(&run.to_string()));
            let place = second.place(&run.to_string());
            phases.second.push(Problem { run, kind: ProblemKind::Duplicate, place, found });
        }
    }
    if !phases.second.is_empty() {
        let second: BTreeSet<&str> = phases.second.iter().map(|problem| problem.place.as_str()).collect();
        for list in listed {
            let of = list.of;
            list.runs.retain(|run| !second.contains(of.phase.place(&of.run(*run).to_string()).as_str()));
        }
    }
    phases
}

/// How much is there of a run: 2 with a whole result, 1 with a usable agent's.
fn worth(folder: &ExperimentFolder, phase: Phase, run: RunId) -> u8 {
    let folder = folder.run_in(phase, run);
    let read = |path: &Path| read_bounded(path, MOST_STAGE_FILE_BYTES).ok().flatten();
    if read(&folder.result()).is_some_and(|bytes| is_whole(&bytes)) {
        2
    } else {
        let agent = read(&folder.agent_result()).and_then(|bytes| OriginalAgent::parse(&bytes));
        u8::from(agent.is_some_and(|agent| agent.is_usable()))
    }
}

fn is_whole(bytes: &[u8]) -> bool {
    let loosely = || projectscylla::result::strict(bytes).is_ok_and(|strict| ReadFacts::parse(&strict).is_ok());
    ReadFacts::parse(bytes).is_ok() || loosely()
}
