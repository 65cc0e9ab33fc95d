//! The founding incident in ProjectScylla's own formats: 590 finished runs of which the checkpoint knows none.

use std::fs;

use serde_json::{Value, json};

use super::made::{Form, Made, Run, Shape, V2_0, V3_1, passed, word};
use crate::verify::folder::{contents, differing, results, verify};

/// Tiers with their finished runs.
const TIERS: [(u32, u32); 5] = [(0, 149), (1, 45), (2, 102), (3, 229), (4, 65)];
const FINISHED: usize = 590;

/// Every subtest that has a finished run, of ten planned ones.
const SHAPE: Shape = Shape {
    subtests: &[
        (0, 0),
        (0, 1),
        (0, 2),
        (0, 3),
        (0, 4),
        (0, 5),
        (0, 6),
        (0, 7),
        (0, 8),
        (0, 9),
        (0, 10),
        (0, 11),
        (0, 12),
        (0, 13),
        (0, 14),
        (1, 0),
        (1, 1),
        (1, 2),
        (1, 3),
        (1, 4),
        (2, 0),
        (2, 1),
        (2, 2),
        (2, 3),
        (2, 4),
        (2, 5),
        (2, 6),
        (2, 7),
        (2, 8),
        (2, 9),
        (2, 10),
        (3, 0),
        (3, 1),
        (3, 2),
        (3, 3),
        (3, 4),
        (3, 5),
        (3, 6),
        (3, 7),
        (3, 8),
        (3, 9),
        (3, 10),
        (3, 11),
        (3, 12),
        (3, 13),
        (3, 14),
        (3, 15),
        (3, 16),
        (3, 17),
        (3, 18),
        (3, 19),
        (3, 20),
        (3, 21),
        (3, 22),
        (4, 0),
        (4, 1),
        (4, 2),
        (4, 3),
        (4, 4),
        (4, 5),
        (4, 6),
    ],
    runs: 10,
};

fn finished() -> Vec<Run> {
    let of = |(tier, runs): (u32, u32)| (0..runs).map(move |index| (tier, index / 10, 1 + index % 10));
    TIERS.into_iter().flat_map(of).collect()
}

#[track_caller]
fn is_mended_to_590(form: Form) {
    let finished = finished();
    let made = Made::of(form, &SHAPE, &finished);
    made.wipe();
    let wiped = fs::read(made.at("checkpoint.json")).unwrap();
    assert_eq!(finished.len(), FINISHED);
    let verified = verify(&made.world, &made.dir).exits(4);
    assert_eq!(verified.of("unrecorded-result").len(), FINISHED);
    assert_eq!(verified.of("missing-run").len(), 20);
    assert_eq!(verified.findings().len(), FINISHED + 20, "{:?}", verified.places());

    let before = contents(&made.dir);
    let told = made.repair(0);
    for line in ["found       590 result files", "before      0 runs", "after       590 runs", "difference  +590"] {
        assert!(told.stdout.contains(line), "{line}\n{told}");
    }
    for (tier, runs) in TIERS {
        assert!(told.stdout.contains(&format!("T{tier}  {runs} runs")), "{told}");
    }
    let index = made.index();
    for (tier, subtest, run) in &finished {
        let at = |states: &str| index[states][format!("T{tier}")][format!("{subtest:02}")][run.to_string()].clone();
        assert_eq!(at("completed_runs"), word(passed((*tier, *subtest, *run))));
        if form == V3_1 {
            assert_eq!(at("run_states"), "worktree_cleaned", "its report is written and its workspace gone");
        }
    }
    assert_eq!((&index["version"], &index["status"]), (&json!(form.version), &json!("interrupted")));
    let [backup] = &made.backups()[..] else { panic!("{:?}", made.backups()) };
    assert_eq!(fs::read(backup).unwrap(), wiped, "the backup is the original, byte for byte");
    let touched: Vec<String> = differing(&before, &contents(&made.dir)).into_iter().collect();
    let backup = backup.file_name().unwrap().to_str().unwrap();
    assert_eq!(touched, ["checkpoint.json", backup, "experiment.lock"], "nothing else changed");

    let verified = verify(&made.world, &made.dir).exits(6);
    assert_eq!(verified.findings().len(), 20, "{:?}", verified.places());
    assert_eq!(verified.report["agreeing"], FINISHED);
    let once = contents(&made.dir);
    made.repair(0);
    let changed = differing(&once, &contents(&made.dir));
    assert!(changed.is_empty(), "a second repair changed {changed:?}");
}

#[test]
fn the_founding_incident_in_projectscyllas_flat_folder_is_mended_to_590_runs() {
    is_mended_to_590(V2_0);
}

#[test]
fn the_founding_incident_in_projectscyllas_phase_folders_is_mended_to_590_runs() {
    is_mended_to_590(V3_1);
}

#[test]
fn projectscylla_finds_what_it_wrote_in_a_mended_checkpoint_key_by_key() {
    let made = Made::of(V2_0, &SHAPE, &finished());
    made.wipe();
    let keys = |index: &Value| index.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let before = made.index();
    assert_eq!(results(&made.dir), FINISHED);
    made.repair(0);
    let after = made.index();
    assert_eq!(keys(&before), keys(&after), "no key came, none went, and their order stayed");
    for key in keys(&before).iter().filter(|key| !["completed_runs", "last_updated_at", "pid"].contains(&key.as_str()))
    {
        assert_eq!(before[key], after[key], "{key}");
    }
}
