//! In which of several folders a run is, for forms that have several, and which one counts for a run that is in two.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::model::ids::{RunId, SetupId};
use crate::model::limits::MOST_STAGE_FILE_BYTES;
use crate::model::survey::{Problem, ProblemKind};
use crate::os::files::read_if_readable;
use crate::store::form::{Form, Strict};
use crate::store::layout::{Base, ExperimentFolder};

use super::facts::ReadFacts;
use super::levels::ListedRuns;

/// The folders of the runs of an experiment.
#[derive(Debug, Default)]
pub(super) struct Bases {
    /// For each run the folder that counts.
    pub(super) of_runs: BTreeMap<RunId, Base>,
    /// Every subtest that has a folder.
    pub(super) subtests: BTreeSet<SetupId>,
    /// Whether anything is in another base than the experiment's own folder.
    pub(super) has_others: bool,
}

/// Determines the folder of each run, and reports folders that do not count, which are removed from the list. For a run
/// in two folders, the one with a whole result counts, else the one with the agent's work; if both are equal, the one
/// in the later base.
pub(super) fn choose(folder: &ExperimentFolder, form: &Form, listed: &mut [ListedRuns]) -> (Bases, Vec<Problem>) {
    let mut of_run: BTreeMap<RunId, Vec<Base>> = BTreeMap::new();
    for list in listed.iter() {
        for run in &list.runs {
            of_run.entry(list.of.run(*run)).or_default().push(list.of.base);
        }
    }
    let mut bases = Bases {
        has_others: listed.iter().any(|list| list.of.base != Base::Root),
        subtests: listed.iter().map(|list| (list.of.tier, list.of.subtest)).collect(),
        ..Bases::default()
    };
    let mut others = Vec::new();
    for (run, mut lies_in) in of_run {
        // The folder that counts comes last, and the sort keeps the order of bases among equal ones.
        if lies_in.len() > 1 {
            lies_in.sort_by_key(|base| worth(folder, form, *base, run));
        }
        let Some(counts) = lies_in.pop() else { continue };
        bases.of_runs.insert(run, counts);
        for second in lies_in {
            let found = format!("the run lies in `{}` as well, and counts there", counts.place(&run.to_string()));
            let place = second.place(&run.to_string());
            others.push(Problem { run, kind: ProblemKind::Duplicate, place, found });
        }
    }
    if !others.is_empty() {
        let second: BTreeSet<&str> = others.iter().map(|problem: &Problem| problem.place.as_str()).collect();
        for list in listed {
            let of = list.of;
            list.runs.retain(|run| !second.contains(of.base.place(&of.run(*run).to_string()).as_str()));
        }
    }
    (bases, others)
}

/// How much exists of a run: 2 with a whole result, 1 with a usable agent's result.
fn worth(folder: &ExperimentFolder, form: &Form, base: Base, run: RunId) -> u8 {
    let folder = folder.run_in(base, run);
    let read = |path: &Path| read_if_readable(path, MOST_STAGE_FILE_BYTES);
    if read(&folder.result()).is_some_and(|bytes| is_whole(form, &bytes)) {
        2
    } else {
        let agent = form.agent.and_then(|agent| agent(&read(&folder.agent_result())?));
        u8::from(agent.is_some_and(|agent| agent.is_usable))
    }
}

fn is_whole(form: &Form, bytes: &[u8]) -> bool {
    let loosely = |strict: Strict| strict(bytes).is_ok_and(|strict| ReadFacts::parse(&strict).is_ok());
    ReadFacts::parse(bytes).is_ok() || form.strict.is_some_and(loosely)
}
