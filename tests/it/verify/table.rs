//! One table: how each kind of finding is made, that `verify` finds exactly it, what mends it, and that it is gone.

use std::collections::BTreeSet;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use scylla::model::finding::{Cure, FindingKind, Level};

use super::folder::{Verified, copy, remove, verify};
use super::made;
use super::originals::{MISSING, Originals, name, originals};
use crate::fixture::open;
use crate::projectscylla::read::made::{Made, V3_1};
use crate::world::{Live, World, finish};

/// What a row begins with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum From {
    /// A copy of the finished experiment.
    Finished,
    /// A copy of the interrupted one.
    Interrupted,
    /// A finished experiment of ProjectScylla's runner, of version 3.1 in phase folders.
    OfOriginal,
    /// Nothing: the row runs an experiment of its own.
    Nothing,
}

/// One step on the way to a cure.
pub(super) enum Step {
    /// Types the command that the finding prints, which exits so.
    Printed(i32),
    /// Types this with the folder as its second word, which exits so.
    Types(&'static str, i32),
    /// Brings a place back from a backup.
    Restores(&'static str),
    /// A person removes a place.
    Removes(&'static str),
    /// Does by hand what else there is to do.
    Does(fn(&mut Case)),
}

/// Steps, and how `verify` exits afterwards. No step but the last takes the finding away.
pub(super) struct Way(pub(super) &'static [Step], pub(super) i32);

/// A way to make a finding.
pub(super) struct Row {
    pub(super) kind: FindingKind,
    /// How, for people who read a failure.
    pub(super) made: &'static str,
    pub(super) from: From,
    pub(super) make: fn(&mut Case),
    /// The places at which the kind is found, and nowhere else.
    pub(super) places: &'static [&'static str],
    /// What cannot but be found as well.
    pub(super) beside: &'static [(FindingKind, &'static str)],
    /// Runs that were missing, and of which something else is found now.
    pub(super) no_longer_missing: &'static [&'static str],
    pub(super) exit: i32,
    pub(super) ways: &'static [Way],
}

/// A row being carried out.
pub(super) struct Case {
    pub(super) world: World,
    pub(super) dir: PathBuf,
    /// The experiment before it was damaged, and what keeps it there.
    backup: Option<(PathBuf, Option<Arc<Originals>>)>,
    /// A process that the row started.
    pub(super) process: Option<Child>,
    /// A coordinator that the row started.
    pub(super) live: Option<Live>,
}

impl Case {
    fn new(from: From) -> Self {
        if from == From::OfOriginal {
            let Made { world, dir, .. } = Made::finished(V3_1);
            let backup = world.path("backup");
            copy(&dir, &backup);
            return Self { world, dir, backup: Some((backup, None)), process: None, live: None };
        }
        let world = World::new();
        let dir = world.path("results/damaged");
        let originals = originals();
        let backup = match from {
            From::Finished => Some((originals.finished(), Some(originals))),
            From::Interrupted => Some((originals.interrupted(), Some(originals))),
            From::OfOriginal | From::Nothing => None,
        };
        if let Some((backup, _)) = &backup {
            copy(backup, &dir);
        }
        Self { world, dir, backup, process: None, live: None }
    }

    pub(super) fn at(&self, place: &str) -> PathBuf {
        self.dir.join(place)
    }

    /// Types a command on the experiment: its folder is the first argument.
    #[track_caller]
    pub(super) fn types(&self, command: &str, exit: i32) {
        let mut words: Vec<&str> = command.split(' ').collect();
        words.insert(1, name(&self.dir));
        self.world.scylla(&words).exits(exit);
    }

    #[track_caller]
    pub(super) fn restores(&self, place: &str) {
        let path = self.at(place);
        if fs::symlink_metadata(&path).is_ok() {
            remove(&path);
        }
        copy(&self.backup.as_ref().unwrap().0.join(place), &path);
    }

    /// Types what a finding prints, with `cargo` before it as people do.
    #[track_caller]
    fn types_printed(&self, found: &Verified, kind: FindingKind, exit: i32) {
        let printed: BTreeSet<&str> = found
            .findings()
            .iter()
            .filter(|finding| finding["kind"] == kind.name())
            .map(|finding| finding["command"].as_str().unwrap_or_else(|| panic!("no command: {finding}")))
            .collect();
        let cargo = format!("#!/bin/sh\nexec {} \"$@\"\n", env!("CARGO_BIN_EXE_cargo-scylla"));
        self.world.program("bin/cargo", &cargo);
        let path = format!("{}:{}", self.world.path("bin").display(), std::env::var("PATH").unwrap());
        for command in printed {
            let mut shell = std::process::Command::new("sh");
            shell.args(["-c", command]).current_dir(self.world.path(""));
            self.world.seal(&mut shell);
            shell.env("PATH", &path).stdout(Stdio::piped()).stderr(Stdio::piped());
            finish(shell.spawn().unwrap()).exits(exit);
        }
    }

    #[track_caller]
    fn takes(&mut self, step: &Step, found: &Verified, kind: FindingKind) {
        match step {
            Step::Printed(exit) => self.types_printed(found, kind, *exit),
            Step::Types(command, exit) => self.types(command, *exit),
            Step::Restores(place) => self.restores(place),
            Step::Removes(place) => remove(&self.at(place)),
            Step::Does(does) => does(self),
        }
    }

    /// Ends what the row started.
    fn ends(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            process.wait().unwrap();
        }
        if let Some(mut live) = self.live.take() {
            live.kill();
        }
    }

    /// Lets the coordinator of the row go on to its end.
    #[track_caller]
    pub(super) fn ends_live(&mut self) {
        open(&self.world, "agent");
        let (code, events, stderr) = self.live.take().unwrap().end();
        assert_eq!(code, Some(0), "{events:#?}\n{stderr}");
    }
}

impl Row {
    /// What `verify` is to find, as kinds and places.
    fn expected(&self) -> BTreeSet<(String, String)> {
        let of = |kind: FindingKind, place: &&str| (kind.name().to_owned(), (*place).to_owned());
        let missing: &[&str] = if self.from == From::Interrupted { &MISSING } else { &[] };
        let mut expected: BTreeSet<_> = missing
            .iter()
            .filter(|place| !self.no_longer_missing.contains(place))
            .map(|place| of(FindingKind::MissingRun, place))
            .collect();
        expected.extend(self.places.iter().map(|place| of(self.kind, place)));
        expected.extend(self.beside.iter().map(|(kind, place)| of(*kind, place)));
        expected
    }

    fn finds_it(&self, case: &Case) -> Verified {
        let found = verify(&case.world, &case.dir);
        assert_eq!(found.places(), self.expected(), "{:#}", found.report);
        assert_eq!(found.code, self.exit, "{:#}", found.report);
        for finding in found.findings().iter().filter(|finding| finding["kind"] == self.kind.name()) {
            assert_eq!(finding["level"], serde_json::to_value(self.kind.level()).unwrap());
            assert_eq!(finding["command"].is_string(), has_command(self.kind.cure()), "{finding}");
            for key in ["message", "cure"] {
                assert!(finding[key].as_str().is_some_and(|text| text.len() > 5), "{finding}");
            }
        }
        found
    }

    fn is_made_found_mended_and_gone(&self) {
        for Way(steps, exit) in self.ways {
            let mut case = Case::new(self.from);
            (self.make)(&mut case);
            let mut found = self.finds_it(&case);
            for (number, step) in (1..).zip(*steps) {
                case.takes(step, &found, self.kind);
                if number < steps.len() {
                    found = verify(&case.world, &case.dir);
                }
            }
            let after = verify(&case.world, &case.dir);
            assert_eq!(after.of(self.kind.name()), [""; 0], "{:#}", after.report);
            assert_eq!(after.code, *exit, "{:#}", after.report);
            case.ends();
        }
    }
}

fn has_command(cure: Cure) -> bool {
    !matches!(
        cure,
        Cure::Extend | Cure::Restore | Cure::Upgrade | Cure::Look | Cure::Withhold | Cure::Regrade | Cure::Nothing
    )
}

#[test]
fn every_kind_of_finding_has_a_row() {
    let rows = made::rows();
    for kind in FindingKind::ALL {
        let rows = rows.iter().filter(|row| row.kind == *kind);
        assert!(rows.clone().any(|row| !row.ways.is_empty()), "`{kind}` is never made, found, mended and gone");
    }
}

#[test]
fn the_exit_code_of_a_row_follows_from_the_level_of_its_kind() {
    for row in made::rows() {
        let exit = match row.kind.level() {
            Level::Note if row.kind == FindingKind::LiveExperiment => 3,
            Level::Note | Level::Warning => 0,
            Level::Incomplete => 6,
            Level::Outdated => 7,
            Level::Mendable => 4,
            Level::Damaged => 5,
        };
        // What is found in an experiment that lacks runs is never less than that.
        let least = if row.from == From::Interrupted && exit == 0 { 6 } else { exit };
        assert_eq!(row.exit, least, "{}: {}", row.kind, row.made);
    }
}

#[test]
fn every_kind_of_finding_is_made_found_mended_and_gone() {
    let rows = made::rows();
    let (next, failed) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    // Made before the threads ask for them, and kept until all are done.
    let _originals = originals();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(row) = rows.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if catch_unwind(AssertUnwindSafe(|| row.is_made_found_mended_and_gone())).is_err() {
                        failed.lock().unwrap().push(format!("{}: {}", row.kind, row.made));
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "{failed:#?}");
}
