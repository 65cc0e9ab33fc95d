//! The report of real experiments, in every form, and what it says where something is missing.

use std::fs;

use serde_json::{Value, json};

use crate::scenes::measured;
use crate::shared::shared;
use crate::world::World;

#[test]
fn a_report_is_printed_or_written_and_the_same_results_give_the_same_bytes() {
    let (world, dir) = measured(4);
    let shown = world.scylla(&["report", &dir]).exits(0);
    for line in ["12 of 12 planned runs judged", "T0/00 (always) solved its task most often: in 4 of 4 runs", "T1/00"] {
        assert!(shown.stdout.contains(line), "{line}: {shown}");
    }
    let json_of = |arguments: &[&str]| -> Value {
        serde_json::from_str(&world.scylla(&[&["report", "--format", "json"], arguments].concat()).exits(0).stdout)
            .unwrap()
    };
    let report = json_of(&[&dir]);
    assert_eq!(report["experiments"][0]["whole"]["passed"], 6, "{report:#}");
    assert_eq!(report["experiments"][0]["setups"][1]["beside_best"]["pass_rate"]["value"], 1.0, "{report:#}");

    // Of some runs only, and what is said then of all of them.
    let nothing = world.scylla(&["report", &dir, "--filter", "tier(T9)"]).exits(2);
    assert!(nothing.stdout.is_empty() && nothing.stderr.contains("no run fits `tier(T9)`"), "{nothing}");
    let chosen = json_of(&[&dir, "--filter", "tier(T1) & status(failed)"]);
    assert_eq!(
        (&chosen["experiments"][0]["whole"]["planned"], &chosen["filters"]),
        (&json!(2), &json!(["tier(T1) & status(failed)"]))
    );
    assert_ne!(chosen["results_digest"], report["results_digest"]);
    for format in ["terminal", "md"] {
        let told = world.scylla(&["report", &dir, "--format", format, "--filter", "status(failed)"]).exits(0);
        let told = told.stdout.replace('\\', "");
        assert!(told.contains("6 of 6 planned runs judged, of the runs that `status(failed)` chose"), "{told}");
    }
    // A file system that has nothing in a folder which is there.
    let nowhere = world.scylla(&["report", &dir, "--format", "md", "--out", "/proc/nothing"]);
    assert!(nowhere.code == Some(1) && nowhere.stderr.contains("cannot make the folder `/proc/nothing`"), "{nowhere}");

    let written = world.scylla(&["report", &dir, "--format", "csv,md,json"]).exits(0);
    assert!(written.stdout.contains("report/runs.csv, and 3 files beside it"), "{written}");
    let files = |folder: &str| {
        let mut files: Vec<(String, Vec<u8>)> = fs::read_dir(world.path(folder))
            .unwrap()
            .map(|entry| entry.unwrap())
            .map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap()))
            .collect();
        files.sort();
        files
    };
    let first = files(&format!("{dir}/report"));
    let names: Vec<&str> = first.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        ["criteria.csv", "judges.csv", "report.json", "report.md", "runs.csv", "stamp.json", "subtests.csv"]
    );
    fs::rename(world.path(&dir), world.path("elsewhere")).unwrap();
    let moved = world.scylla(&["report", "elsewhere", "--out", "other", "--format", "csv,md,json"]).exits(0);
    assert!(moved.stdout.contains("other/report.md"), "{moved}");
    // Only what names the folder differs.
    let again = files("other");
    assert_eq!(first[0], again[0]);
    assert_eq!(first[4], again[4]);
    world.scylla(&["report", "elsewhere", "--format", "csv"]).exits(0);
    world.scylla(&["verify", "elsewhere"]).exits(0);
    // What is made of some runs only is held against these, and what is made of tables against nothing.
    world.scylla(&["report", "elsewhere", "--format", "html", "--filter", "tier(T1)"]).exits(0);
    let of_tables = ["report", "--from-csv", "other/runs.csv", "--format", "latex", "--out", "elsewhere/report"];
    world.scylla(&of_tables).exits(0);
    let verified = world.scylla(&["verify", "elsewhere"]).exits(0);
    assert!(verified.stdout.contains("it was made of tables"), "{verified}");

    // Without a stamp nothing is known of the files, which is said.
    fs::remove_file(world.path("elsewhere/report/stamp.json")).unwrap();
    let unstamped = world.scylla(&["verify", "elsewhere"]).exits(0);
    assert!(
        unstamped.stdout.contains("report/report.html") && unstamped.stdout.contains("no stamp names it"),
        "{unstamped}"
    );
    let asked = world.scylla(&["verify", "elsewhere", "--report"]).exits(7);
    assert!(asked.stdout.contains("has no stamp, and `--report` asks for one that has"), "{asked}");

    let several = world.scylla(&["report", "elsewhere", "elsewhere"]).exits(0);
    assert!(several.stderr.contains("named twice"), "{several}");
    let wrong = world.scylla(&["report", "elsewhere", "--format", "csv,docx"]).exits(2);
    assert!(wrong.stderr.contains("docx"), "{wrong}");
}

#[test]
fn an_experiment_of_projectscylla_is_reported_as_it_is() {
    let Some(data) = shared("data/projectscylla-dryrun") else { return };
    let world = World::new();
    let output = world.scylla(&["report", data.to_str().unwrap(), "--format", "json"]).exits(0);
    let report: Value = serde_json::from_str(&output.stdout).unwrap();
    let whole = &report["experiments"][0]["whole"];
    assert_eq!((&whole["planned"], &whole["judged"]), (&json!(7), &json!(7)), "{report:#}");
    assert!(report["experiments"][0]["judges"]["judges"].as_array().unwrap().len() >= 2, "{report:#}");
}

#[test]
fn files_that_no_report_wrote_are_written_over_only_when_that_is_asked_for() {
    let (world, dir) = measured(1);
    world.write("mine/report.md", "# mine\n");
    let out = |more: &[&str]| world.scylla(&[&["report", &dir, "--format", "md,csv", "--out", "mine"], more].concat());
    let refused = out(&[]).exits(2);
    assert!(
        refused.stderr.contains("`mine/report.md` is there, and no stamp says that a report wrote it"),
        "{refused}"
    );
    assert!(refused.stderr.contains("`--force`") && !world.path("mine/runs.csv").exists(), "{refused}");
    out(&["--force"]).exits(0);
    // A stamp tells whose they are, and the same bytes need no leave.
    out(&[]).exits(0);
    fs::remove_file(world.path("mine/stamp.json")).unwrap();
    out(&[]).exits(0);
    world.write("tables/tables.tex", "% mine\n");
    let tables = ["report", "--from-csv", "mine/runs.csv", "--format", "latex", "--out", "tables"];
    world.scylla(&tables).exits(2);
    world.scylla(&[&tables[..], &["--force"]].concat()).exits(0);
}

#[test]
fn what_a_killed_report_left_is_removed_by_the_next_one_and_each_file_that_a_stamp_names_is_looked_at() {
    let (world, dir) = measured(1);
    world.scylla(&["report", &dir, "--format", "csv"]).exits(0);
    let report = world.path(&dir).join("report");
    let left = fs::File::create(report.join(".tmp-a1b2c3")).unwrap();
    left.set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
    world.scylla(&["verify", &dir, "--report"]).exits(0);
    // So many files that nobody knows hide none that a stamp names.
    for number in 0..1_005 {
        fs::write(report.join(format!("a{number}")), "").unwrap();
    }
    let verified = world.scylla(&["verify", &dir, "--report", "--format", "json"]).exits(0);
    assert!(!verified.stdout.contains("missing-report"), "{}", &verified.stdout[..2_000]);
    assert!(verified.stdout.contains("5 more files that no stamp names were not looked at"));
    world.scylla(&["report", &dir, "--format", "csv"]).exits(0);
    assert!(!report.join(".tmp-a1b2c3").exists());
}

#[test]
fn what_is_written_is_told_as_json_when_that_is_asked_for() {
    let (world, dir) = measured(1);
    let told =
        world.scylla(&["report", &dir, "--format", "csv,md", "--out", "out", "--message-format", "json"]).exits(0);
    let told: Vec<Value> = told.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&told[0]["format"], &told[0]["files"][0]), (&json!("csv"), &json!("out/runs.csv")));
    assert_eq!((told.len(), &told[1]["files"]), (2, &json!(["out/report.md"])), "{told:#?}");
}
