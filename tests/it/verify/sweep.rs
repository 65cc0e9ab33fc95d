//! No false alarm: experiments of varied shape and end, untouched, give no finding but runs that are missing.
//!
//! Ten ends in six shapes each, after which shapes repeat but for their agents, are sixty experiments. `SCYLLA_SWEEP=50` makes
//! fifty of each end.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::folder::{contents, copy, differing, json, remove, results, verify};
use crate::fixture::TestFixture;
use crate::world::World;

/// An experiment whose shape follows from a number.
struct Shape {
    world: World,
    number: usize,
    planned: usize,
    /// Flags of `run` beside where and what.
    flags: Vec<String>,
}

/// The shapes of one end.
fn shapes() -> std::ops::Range<usize> {
    0..std::env::var("SCYLLA_SWEEP").map_or(6, |number| number.parse().unwrap())
}

/// What subtests do, in turn.
const AGENTS: [&str; 5] = [
    "agent: {kind: nop}",
    "agent: {kind: oracle}",
    r#"agent: {kind: command, shell: "touch done; printf '{\"cost_usd\": 0.25}' > \"$SCYLLA_RECORD_FILE\"", record: required}"#,
    "agent: {kind: command, shell: 'echo no >&2; exit 3'}",
    "agent: {kind: command, shell: 'mkdir -p deep/er; ln -s nowhere link; echo x > \"deep/er/a b\"; touch done run_result.json'}",
];

/// The solution that the oracle applies.
const SOLUTION: &str = "diff --git a/done b/done\nnew file mode 100644\nindex 0000000..e69de29\n";

impl Shape {
    /// Up to three tiers of up to two subtests, which start at another agent for each number.
    fn new(number: usize) -> Self {
        let world = World::new();
        let (tiers, subtests, runs) = (1 + number % 3, 1 + number / 3 % 2, 1 + number / 2 % 3);
        let mut fixture = TestFixture::new().extra("solution_file: expected/solution.patch\n");
        for tier in 0..tiers {
            for subtest in 0..subtests {
                let agent = AGENTS[(number + tier * subtests + subtest) % AGENTS.len()];
                fixture = fixture.subtest(&format!("T{tier}/{subtest:02}-it"), agent);
            }
        }
        fixture.write(&world);
        world.write("fixture/expected/solution.patch", SOLUTION);
        let keep = ["none", "failed", "all"][number % 3];
        let flags =
            [format!("--runs={runs}"), format!("--keep-workspaces={keep}"), format!("--jobs={}", 1 + number % 2)];
        Self { world, number, planned: tiers * subtests * runs, flags: flags.into() }
    }

    /// One more subtest, whose agent cannot be started.
    fn with_trouble(self) -> Self {
        self.world.write("fixture/tiers/T0/07-absent.yaml", "agent: {kind: command, command: [no-such-program]}\n");
        let runs: usize = self.flags[0].strip_prefix("--runs=").unwrap().parse().unwrap();
        Self { planned: self.planned + runs, ..self }
    }

    fn flag(mut self, flag: impl Into<String>) -> Self {
        self.flags.push(flag.into());
        self
    }

    fn words(&self) -> Vec<&str> {
        let words = ["run", "--tiers-dir", "fixture", "--results-dir", "results"];
        words.into_iter().chain(self.flags.iter().map(String::as_str)).collect()
    }

    /// Runs it to its end.
    #[track_caller]
    fn ends(self, code: i32) -> Self {
        self.world.scylla(&self.words()).exits(code);
        self
    }

    /// Runs it and does something to the coordinator at a moment that follows from the number; its exit code.
    #[track_caller]
    fn is_met(&self, act: impl FnOnce(&mut crate::world::Live)) -> Option<i32> {
        let mut live = self.world.start(&self.words());
        let (heard, moment) = (Cell::new(0), self.number * 2);
        live.wait_for("the moment", |event| {
            heard.set(heard.get() + 1);
            event["reason"] == "experiment-finished" || heard.get() > moment
        });
        act(&mut live);
        live.end().0
    }

    fn dir(&self) -> PathBuf {
        self.world.experiment()
    }

    #[track_caller]
    fn resumes(&self, code: i32) {
        self.world.scylla(&["resume", self.dir().to_str().unwrap()]).exits(code);
    }

    /// Nothing is found but the planned runs of which there is no result, counted without the product.
    #[track_caller]
    fn is_in_order(&self) {
        self.is_in_order_at(&self.dir());
    }

    #[track_caller]
    fn is_in_order_at(&self, dir: &Path) {
        let missing = self.planned - results(dir);
        let verified = verify(&self.world, dir);
        let kinds: BTreeSet<String> = verified.places().into_iter().map(|(kind, _)| kind).collect();
        let expected = if missing > 0 { BTreeSet::from(["missing-run".to_owned()]) } else { BTreeSet::new() };
        assert_eq!(kinds, expected, "shape {}: {:#}", self.number, verified.report);
        assert_eq!(verified.findings().len(), missing, "shape {}: {:#}", self.number, verified.report);
        assert_eq!(verified.report["planned"], self.planned);
        let verified = verified.exits(if missing > 0 { 6 } else { 0 });
        assert_eq!(verified.report["agreeing"], self.planned - missing);
        let before = contents(dir);
        self.world.scylla(&["repair", dir.to_str().unwrap()]).exits(0);
        let changed = differing(&before, &contents(dir));
        assert!(changed.is_empty(), "shape {}: there was nothing to repair in {changed:?}", self.number);
    }
}

#[test]
fn completed_experiments_are_in_order() {
    for number in shapes() {
        Shape::new(number).ends(0).is_in_order();
    }
}

#[test]
fn experiments_that_were_interrupted_once_are_in_order_and_so_are_they_when_resumed() {
    for number in shapes() {
        let shape = Shape::new(number);
        let code = shape.is_met(|live| live.signal("INT"));
        assert!(matches!(code, Some(0 | 130)), "{code:?}");
        shape.is_in_order();
        shape.resumes(0);
        shape.is_in_order();
    }
}

#[test]
fn experiments_that_were_interrupted_at_once_are_in_order() {
    for number in shapes() {
        let shape = Shape::new(number);
        let code = shape.is_met(|live| {
            for _ in 0..3 {
                live.signal("INT");
            }
        });
        assert!(matches!(code, Some(0 | 130)), "{code:?}");
        shape.is_in_order();
    }
}

#[test]
fn experiments_that_were_terminated_are_in_order() {
    for number in shapes() {
        let shape = Shape::new(number);
        let code = shape.is_met(|live| live.signal("TERM"));
        assert!(matches!(code, Some(0 | 143)), "{code:?}");
        shape.is_in_order();
    }
}

#[test]
fn experiments_that_were_killed_are_in_order_when_they_are_resumed() {
    for number in shapes() {
        let shape = Shape::new(number);
        shape.is_met(crate::world::Live::kill);
        shape.resumes(0);
        assert_eq!(results(&shape.dir()), shape.planned);
        shape.is_in_order();
    }
}

#[test]
fn experiments_that_reached_their_budget_are_in_order() {
    let mut reached = 0;
    for number in shapes() {
        let shape = Shape::new(number).flag(format!("--max-cost-usd=0.{}", number % 5));
        let code = shape.world.scylla(&shape.words()).code;
        let status = json(&shape.dir().join("checkpoint.json"))["status"].clone();
        assert!(code == Some(0) || code == Some(6) && status == "budget_reached", "{code:?} {status}");
        reached += usize::from(code == Some(6));
        shape.is_in_order();
    }
    assert!(reached > 0);
}

#[test]
fn experiments_with_errored_runs_are_in_order() {
    for number in shapes() {
        let shape = Shape::new(number).with_trouble().flag(format!("--attempts={}", 1 + number % 2)).ends(6);
        shape.is_in_order();
        shape.resumes(6);
        shape.is_in_order();
    }
}

#[test]
fn extended_experiments_are_in_order_before_and_after_the_new_runs_are_made() {
    for number in shapes() {
        let mut shape = Shape::new(number).ends(0);
        let dir = shape.dir();
        let runs: usize = shape.flags[0].strip_prefix("--runs=").unwrap().parse().unwrap();
        let more = (runs + 1).to_string();
        shape.world.scylla(&["extend", dir.to_str().unwrap(), "--runs", &more, "--plan-only"]).exits(0);
        shape.planned += shape.planned / runs;
        shape.is_in_order();
        shape.resumes(0);
        shape.is_in_order();
    }
}

#[test]
fn moved_and_copied_experiments_are_in_order() {
    for number in shapes() {
        let shape = Shape::new(number);
        shape.is_met(|live| live.signal("INT"));
        let (dir, elsewhere) = (shape.dir(), shape.world.path("moved/to é"));
        copy(&dir, &elsewhere);
        shape.is_in_order_at(&elsewhere);
        remove(&elsewhere);
        fs::rename(&dir, &elsewhere).unwrap();
        shape.is_in_order_at(&elsewhere);
        shape.world.scylla(&["resume", elsewhere.to_str().unwrap()]).exits(0);
        shape.is_in_order_at(&elsewhere);
    }
}

#[test]
fn experiments_whose_checkpoint_was_rebuilt_are_in_order() {
    for number in shapes() {
        let shape = Shape::new(number);
        shape.is_met(|live| live.signal("INT"));
        remove(&shape.dir().join("checkpoint.json"));
        shape.world.scylla(&["repair", shape.dir().to_str().unwrap()]).exits(0);
        shape.is_in_order();
        shape.resumes(0);
        shape.is_in_order();
    }
}
