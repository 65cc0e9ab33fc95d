//! What an agent can leave in a folder of ProjectScylla, whose runs it could write to.

use std::fs;
use std::os::unix::fs::symlink;

use serde_json::Value;

use super::made::{FORMS, Made, V3_1};
use crate::verify::folder::{fifo, verify};

#[test]
fn links_and_pipes_are_not_followed_and_hang_nothing() {
    for form in FORMS {
        let made = Made::finished(form);
        let run = made.place((0, 0, 1));
        symlink("/etc", made.at(&run).join("planted")).unwrap();
        symlink("/", made.at(&format!("{run}/../run_09"))).unwrap();
        fifo(&made.at("T5"));
        fifo(&made.at("experiment.pid"));
        fifo(&made.at("report.json"));
        fifo(&made.at("checkpoint.json.bak"));
        let verified = verify(&made.world, &made.dir).exits(0);
        let mut found = verified.of("foreign-file");
        found.sort();
        let mut expected = vec![
            "T5".to_owned(),
            "checkpoint.json.bak".to_owned(),
            "experiment.pid".to_owned(),
            "report.json".to_owned(),
            format!("{run}/planted"),
            made.place((0, 0, 9)),
        ];
        expected.sort();
        assert_eq!(found, expected, "{:#}", verified.report);
        assert_eq!(verified.of("stale-report"), ["report.json"], "it cannot be read");
        assert_eq!(verified.report["agreeing"], 6);
    }
}

#[test]
fn what_is_foreign_in_a_phase_is_named_and_what_projectscylla_makes_is_not() {
    let made = Made::finished(V3_1);
    for place in ["in_progress/T0/00", "completed/T0", "_baseline_worktree", "repo/.git"] {
        fs::create_dir_all(made.at(place)).unwrap();
    }
    for place in [
        "in_progress/T0/00/config_manifest.json",
        "in_progress/T0/00/pipeline_baseline.json",
        "completed/T0/best_subtest.json",
        "completed/T0/00/run_01/run_result.json.pre-rejudge",
        "pipeline_baseline.json",
        "result.json.backup",
        "checkpoint.json.backup",
    ] {
        fs::write(made.at(place), "{}").unwrap();
    }
    assert_eq!(verify(&made.world, &made.dir).exits(0).findings(), &Vec::<Value>::new());
    let foreign = ["completed/notes", "completed/T0/notes", "completed/T0/00/notes", "completed/T0/00/run_01/notes"];
    for place in foreign {
        fs::write(made.at(place), "").unwrap();
    }
    let mut found = verify(&made.world, &made.dir).exits(0).of("foreign-file");
    found.sort_by_key(|place| foreign.iter().position(|foreign| foreign == place));
    assert_eq!(found, foreign);
}
