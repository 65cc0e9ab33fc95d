//! The levels of an experiment's folder: which names are known at each, and which are foreign.

use std::ffi::OsStr;
use std::sync::Mutex;

use crate::model::grading::GradingNumber;
use crate::model::ids::{AttemptNumber, RunId, RunNumber, SubtestId, TierId};
use crate::model::survey::{Problem, ProblemKind, Survey};
use crate::model::usage::Total;
use crate::os::files::{Folder, Kind};
use crate::os::lock;

use super::Depth;
use super::collect::{self, AttemptSeen, Collection, Part};
use crate::store::form::Form;
use crate::store::layout::RunFolder;
use crate::store::layout::config::{
    BASELINE_CHECKS, INHERITED, JUDGE_CHECKS, REPOSITORY, commit_of, number_of_judge_check, tier_of_inherited,
};
use crate::store::layout::{
    self, BACKUP_PREFIX, Base, CHECKPOINT, CONFIG, CONFIG_FILE, ExperimentFolder, FAILED, FIXTURE, GRADINGS, JOBS,
    LOCK, Level, QUARANTINE, REPO, REPORT, SEAL, SEAL_SIGNATURE,
};
use crate::store::{StoreError, attempts, claim, threads};

/// A subtest's folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SubtestFolder {
    pub(super) base: Base,
    pub(super) tier: TierId,
    pub(super) subtest: SubtestId,
}

/// The runs of a subtest that have folders, sorted.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ListedRuns {
    pub(super) of: SubtestFolder,
    pub(super) runs: Vec<RunNumber>,
}

impl SubtestFolder {
    pub(super) fn run(self, run: RunNumber) -> RunId {
        RunId { tier: self.tier, subtest: self.subtest, run }
    }
}

/// Reports a name that is not known at its level.
fn report_unknown_name(part: &mut Part, level: &str, name: &OsStr, kind: Kind) {
    let place =
        if level.is_empty() { name.to_string_lossy().into() } else { format!("{level}/{}", name.to_string_lossy()) };
    if kind == Kind::Unknown {
        part.unknown.push((place, "the file system does not tell what it is".into()));
    } else if name.to_str().is_some_and(layout::is_temporary) {
        part.temporary.push(place);
    } else {
        part.foreign.push(place);
    }
}

/// Lists a level that may be unreadable; `known` says whether a name belongs there.
fn level(part: &mut Part, folder: &Folder, place: &str, mut known: impl FnMut(&str, Kind) -> bool) {
    let listed = folder.each(|name, kind| {
        if !name.to_str().is_some_and(|text| known(text, kind)) {
            report_unknown_name(part, place, name, kind);
        }
    });
    if let Err(error) = listed {
        part.unknown.push((place.to_owned(), error.to_string()));
    }
}

/// Opens a folder that was listed; one that was removed meanwhile counts as empty.
fn opened(part: &mut Part, folder: &Folder, name: &str, place: &str) -> Option<Folder> {
    folder.folder(name).unwrap_or_else(|error| {
        part.unknown.push((place.to_owned(), error.to_string()));
        None
    })
}

/// Every subtest that has a folder, sorted. The levels above them are checked on the way.
pub(super) fn subtests(
    folder: &ExperimentFolder,
    form: &Form,
    survey: &mut Survey,
) -> Result<Vec<SubtestFolder>, StoreError> {
    let mut part = Part::default();
    let root = Folder::open(folder.root())?.ok_or_else(|| StoreError::NotAnExperiment(folder.root().to_owned()))?;
    let mut tiers = Vec::new();
    let mut bases = Vec::new();
    let mut foreign = Vec::new();
    root.each(|name, kind| match (name.to_str(), kind) {
        (Some(CONFIG | REPO | REPORT | QUARANTINE | JOBS), Kind::Folder)
        | (Some(LOCK | SEAL | SEAL_SIGNATURE), Kind::File) => {}
        // Of any kind: the checkpoint's reader reports it, and backups are not read.
        (Some(text), _) if text == CHECKPOINT || text.starts_with(BACKUP_PREFIX) => {}
        (Some(text), Kind::Folder) if text.parse::<TierId>().is_ok() => tiers.extend(text.parse::<TierId>()),
        (Some(text), Kind::Folder) if form.base(text).is_some() => bases.extend(form.base(text)),
        (Some(text), kind) if (form.is_usual)(Level::Root, text, kind) => {}
        _ => foreign.push((name.to_owned(), kind)),
    })?;
    for (name, kind) in foreign {
        report_unknown_name(&mut part, "", &name, kind);
    }
    if let Some(config) = opened(&mut part, &root, CONFIG, CONFIG) {
        level(&mut part, &config, CONFIG, |name, kind| {
            let ours = [CONFIG_FILE, FIXTURE, GRADINGS, INHERITED, REPOSITORY, BASELINE_CHECKS, JUDGE_CHECKS];
            ours.contains(&name) || (form.is_usual)(Level::Config, name, kind)
        });
        let place = format!("{CONFIG}/{INHERITED}");
        if let Some(open) = opened(&mut part, &config, INHERITED, &place) {
            level(&mut part, &open, &place, |name, _| tier_of_inherited(name).is_some());
        }
        let place = format!("{CONFIG}/{GRADINGS}");
        if let Some(open) = opened(&mut part, &config, GRADINGS, &place) {
            level(&mut part, &open, &place, |name, kind| {
                kind == Kind::Folder && GradingNumber::from_folder(name).is_some()
            });
        }
        let place = format!("{CONFIG}/{BASELINE_CHECKS}");
        if let Some(open) = opened(&mut part, &config, BASELINE_CHECKS, &place) {
            level(&mut part, &open, &place, |name, _| commit_of(name).is_some());
        }
        let place = format!("{CONFIG}/{JUDGE_CHECKS}");
        if let Some(open) = opened(&mut part, &config, JUDGE_CHECKS, &place) {
            level(&mut part, &open, &place, |name, _| number_of_judge_check(name).is_some());
        }
    }
    let mut found = Vec::new();
    subtests_of(&mut part, &root, (Base::Root, form), tiers, &mut found);
    for base in bases {
        let place = base.place("");
        let Some(open) = opened(&mut part, &root, &place, &place) else { continue };
        let mut tiers = Vec::new();
        level(&mut part, &open, &place, |name, kind| match name.parse() {
            Ok(tier) if kind == Kind::Folder => {
                tiers.push(tier);
                true
            }
            _ => false,
        });
        subtests_of(&mut part, &open, (base, form), tiers, &mut found);
    }
    found.sort_unstable();
    survey.foreign = part.foreign;
    survey.temporary = part.temporary;
    survey.unknown.append(&mut part.unknown);
    Ok(found)
}

/// The subtests of a base's tiers.
fn subtests_of(
    part: &mut Part,
    folder: &Folder,
    (base, form): (Base, &Form),
    mut tiers: Vec<TierId>,
    subtests: &mut Vec<SubtestFolder>,
) {
    tiers.sort_unstable();
    for tier in tiers {
        let name = tier.to_string();
        let place = base.place(&name);
        let Some(open) = opened(part, folder, &name, &place) else { continue };
        level(part, &open, &place, |name, kind| match name.parse() {
            Ok(subtest) if kind == Kind::Folder => {
                subtests.push(SubtestFolder { base, tier, subtest });
                true
            }
            _ => (form.is_usual)(Level::Tier, name, kind),
        });
    }
}

/// Every run that has a folder, by subtest. Former attempts are read on the way.
pub(super) fn runs(
    folder: &ExperimentFolder,
    (form, depth): (&Form, Depth),
    subtests: &[SubtestFolder],
    collection: &Mutex<Collection>,
) -> Vec<ListedRuns> {
    let listed = Mutex::new(Vec::with_capacity(subtests.len()));
    threads::share(
        subtests,
        || (Part::default(), Vec::new()),
        |(part, lists), subtest| lists.extend(runs_of(folder, (form, depth), *subtest, part)),
        |(mut part, mut lists)| {
            collect::lock(collection).take(&mut part);
            listed.lock().unwrap_or_else(std::sync::PoisonError::into_inner).append(&mut lists);
        },
    );
    let mut listed = listed.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    listed.sort_unstable();
    listed
}

fn runs_of(
    folder: &ExperimentFolder,
    (form, depth): (&Form, Depth),
    of: SubtestFolder,
    part: &mut Part,
) -> Option<ListedRuns> {
    let path = folder.subtest_in(of.base, of.tier, of.subtest);
    let place = folder.relative(&path);
    let open = match Folder::open(&path) {
        Ok(open) => open?,
        Err(error) => {
            part.unknown.push((place, error.to_string()));
            return None;
        }
    };
    let mut runs = Vec::new();
    let mut others = Vec::new();
    let mut claims = Vec::new();
    let mut has_failed = false;
    level(part, &open, &place, |name, kind| {
        if let (Kind::File, Some(run)) = (kind, layout::claim_of(name)) {
            claims.push(of.run(run));
            return true;
        }
        if kind != Kind::Folder {
            return (form.is_usual)(Level::Subtest, name, kind);
        }
        if let Some(run) = RunNumber::from_folder(name) {
            runs.push(run);
        } else if let Some(run) = layout::other_spelling(name) {
            others.push((run, name.to_owned()));
        } else {
            has_failed |= name == FAILED;
            return name == FAILED || (form.is_usual)(Level::Subtest, name, kind);
        }
        true
    });
    runs.sort_unstable();
    // Where several have to be watched for a moment, that is the same moment.
    for run in &claims {
        lock::begin_watch(&folder.claim(*run));
    }
    for run in claims {
        match claim::claimed_by(folder, run) {
            Ok(holder) => part.claims.push((run, holder)),
            Err(error) => part.unknown.push((folder.relative(&folder.claim(run)), error.to_string())),
        }
    }
    for (run, name) in others {
        if runs.binary_search(&run).is_ok() {
            let found = format!("it is another spelling of `{}`, which is there as well", run.folder());
            let place = format!("{place}/{name}");
            part.problems.push(Problem { run: of.run(run), kind: ProblemKind::Duplicate, place, found });
        } else {
            part.foreign.push(format!("{place}/{name}"));
        }
    }
    if has_failed {
        attempts(part, &open, (of, form, depth), &format!("{place}/{FAILED}"));
    }
    Some(ListedRuns { of, runs })
}

/// Reads the former attempts of a subtest's runs.
fn attempts(part: &mut Part, subtest: &Folder, (of, form, depth): (SubtestFolder, &Form, Depth), place: &str) {
    let Some(failed) = opened(part, subtest, FAILED, place) else { return };
    let mut found = Vec::new();
    level(part, &failed, place, |name, kind| {
        let numbered = AttemptNumber::from_folder(name).map(|(run, number)| (run, Some(number)));
        let unnumbered = || (form.unnumbered_attempt)(name);
        let attempt = numbered.or_else(|| Some((unnumbered()?, None))).filter(|_| kind == Kind::Folder);
        found.extend(attempt.map(|(run, number)| (run, number, name.to_owned())));
        attempt.is_some()
    });
    for (run, number, name) in found {
        let at = format!("{place}/{name}");
        let mut seen =
            attempts::see(&RunFolder::at(failed.path().join(&name)), depth >= Depth::Seals).unwrap_or_else(|error| {
                part.unknown.push((at.clone(), error.to_string()));
                // Its cost cannot be read either.
                attempts::Seen { cost: Total::UNKNOWN, ..attempts::Seen::default() }
            });
        seen.must_be(of.run(run), number);
        let attempts::Seen { cost, used_up, failure, is_bound, faults, .. } = seen;
        if form.is_sealed {
            part.problems.extend(faults.into_iter().map(|found| Problem {
                run: of.run(run),
                kind: ProblemKind::DamagedAttempt,
                place: at.clone(),
                found,
            }));
        }
        part.attempts
            .push((of.run(run), AttemptSeen { number, cost, used_up, failure, is_bound: is_bound && form.is_sealed }));
    }
}
