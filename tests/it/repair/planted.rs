//! Results that somebody planted are not counted, and hang nothing.

use std::fs;
use std::os::unix::fs::symlink;

use super::incident::incident;
use crate::verify::folder::{contents, copy, differing, edit, fifo, json, results, verify};

/// Names that are known elsewhere, but not at these places.
const FOREIGN: [&str; 6] =
    ["T0/00/.failed/run_result.json", "T0/00/run_result.json", "T4/06/run_09", "T4/07", "T9", "run_result.json"];

#[test]
fn planted_results_are_not_counted_and_hang_nothing() {
    let incident = incident();
    let result = incident.at("T0/00/run_01/run_result.json");
    // In the workspace of a run that is not done, deep down and right below.
    for place in ["T4/06/run_06/workspace", "T4/06/run_06/workspace/T0/00/run_09", "T4/06/run_07/agent/record"] {
        fs::create_dir_all(incident.at(place)).unwrap();
        copy(&result, &incident.at(place).join("run_result.json"));
    }
    // Of a former attempt, and beside former attempts.
    copy(&incident.at("T0/00/run_02"), &incident.at("T4/06/.failed/run_08_attempt_01"));
    fs::create_dir_all(incident.at("T0/00/.failed")).unwrap();
    copy(&result, &incident.at("T0/00/.failed/run_result.json"));
    copy(&result, &incident.at("T0/00/run_result.json"));
    copy(&result, &incident.at("run_result.json"));
    // Behind links, as run, subtest and tier.
    symlink("../../T0/00/run_09", incident.at("T4/06/run_09")).unwrap();
    symlink("../T0/00", incident.at("T4/07")).unwrap();
    symlink("T0", incident.at("T9")).unwrap();
    // What hangs whoever opens it, and what never ends.
    fs::create_dir_all(incident.at("T4/06/run_10")).unwrap();
    fifo(&incident.at("T4/06/run_10/run_result.json"));

    let verified = verify(&incident.world, &incident.dir).exits(5);
    assert_eq!(verified.of("unrecorded-result").len(), 590);
    assert_eq!(verified.of("foreign-file"), FOREIGN);
    assert_eq!(verified.of("unreadable-result"), ["T4/06/run_10"]);

    let repaired = incident.repair(&[], 0);
    assert!(repaired.stdout.contains("590 result files"), "{repaired}");
    assert!(repaired.stdout.contains("+590"), "{repaired}");
    let index = &json(&incident.at("checkpoint.json"))["completed_runs"];
    assert_eq!(index["T4"]["06"].as_object().unwrap().len(), 5, "{index:#}");
    assert_eq!((index.get("T9"), index["T4"].get("07")), (None, None));
    let verified = verify(&incident.world, &incident.dir).exits(6);
    assert_eq!(verified.of("missing-run").len(), 20);
    assert_eq!(verified.of("foreign-file"), FOREIGN, "what is foreign stays where it is");
}

#[test]
fn what_is_broken_among_good_results_is_set_aside_whole_and_nothing_is_deleted() {
    let incident = incident();
    let torn = incident.at("T3/22/run_09/run_result.json");
    fs::write(&torn, "{\"version\"").unwrap();
    edit(&incident.at("T1/00/run_01/run_result.json"), |result| result["run_number"] = 9.into());
    fs::write(incident.at("T2/.tmp-1"), "half").unwrap();
    let before = contents(&incident.dir);
    let repaired = incident.repair(&[], 5);
    assert!(repaired.stdout.contains("588 runs"), "{repaired}");
    assert_eq!(results(&incident.dir), 589, "a result that names another run stays until a person says so");
    let after = contents(&incident.dir);
    for gone in differing(&before, &after).into_iter().filter(|place| !after.contains_key(place)) {
        let kept = after.iter().any(|(place, what)| {
            place.starts_with(".quarantine/") && place.ends_with(&format!("/{gone}")) && *what == before[&gone]
        });
        assert!(kept, "`{gone}` is gone");
    }
    let again = contents(&incident.dir);
    incident.repair(&[], 5);
    assert!(differing(&again, &contents(&incident.dir)).is_empty());
    assert_eq!(verify(&incident.world, &incident.dir).exits(5).of("misplaced-result"), ["T1/00/run_01"]);
}
