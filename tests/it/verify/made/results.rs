//! What can be wrong with results and their evidence.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use scylla::model::finding::FindingKind;
use serde_json::{Value, json};

use super::{PRINTED, PRINTED_AND_RESUMED, ROW};
use crate::fixture::TestFixture;
use crate::scenes::output;
use crate::verify::folder::{copy, edit, fifo, remove};
use crate::verify::originals::MISSING;
use crate::verify::table::{Case, From, Row, Step, Way};

const RUN: &str = "T0/00/run_01";

fn result(case: &Case) -> PathBuf {
    case.at("T0/00/run_01/run_result.json")
}

fn set(case: &Case, key: &str, value: Value) {
    edit(&result(case), |result| result[key] = value);
}

/// Takes the result away; where it was.
fn replaced(case: &Case) -> PathBuf {
    remove(&result(case));
    result(case)
}

pub(super) fn rows() -> Vec<Row> {
    [unreadable(), misplaced(), altered(), contradictory(), plan(), seals(), folders(), secrets(), controls()]
        .into_iter()
        .flatten()
        .collect()
}

fn unreadable() -> Vec<Row> {
    const KIND: Row = Row {
        kind: FindingKind::UnreadableResult,
        from: From::Interrupted,
        places: &[RUN],
        ways: &[Way(&[Step::Printed(0)], 6)],
        ..ROW
    };
    vec![
        Row {
            made: "torn",
            make: |case| {
                let whole = fs::read(result(case)).unwrap();
                fs::write(result(case), &whole[..whole.len() / 2]).unwrap();
            },
            ways: &[
                Way(&[Step::Printed(0)], 6),
                Way(&[Step::Types("resume", 0)], 0),
                Way(&[Step::Restores("T0/00/run_01/run_result.json")], 6),
            ],
            ..KIND
        },
        Row {
            made: "torn when all was done",
            from: From::Finished,
            make: |case| fs::write(result(case), "{\"version\": \"4.0\"").unwrap(),
            beside: &[(FindingKind::StatusContradicted, "checkpoint.json")],
            ways: PRINTED_AND_RESUMED,
            ..KIND
        },
        Row { made: "empty", make: |case| fs::write(result(case), "").unwrap(), ..KIND },
        Row { made: "a list", make: |case| fs::write(result(case), "[true]").unwrap(), ..KIND },
        Row { made: "a verdict that is no verdict", make: |case| set(case, "judge_passed", json!("yes")), ..KIND },
        Row { made: "a score beyond all scores", make: |case| set(case, "judge_score", json!(7)), ..KIND },
        Row { made: "a FIFO", make: |case| fifo(&replaced(case)), ..KIND },
        Row { made: "a folder", make: |case| fs::create_dir(replaced(case)).unwrap(), ..KIND },
        Row {
            made: "a link to another run's",
            make: |case| symlink("../run_02/run_result.json", replaced(case)).unwrap(),
            ..KIND
        },
        Row {
            made: "so large that it would fill the memory",
            make: |case| fs::File::create(result(case)).unwrap().set_len(1 << 40).unwrap(),
            ..KIND
        },
    ]
}

fn misplaced() -> Vec<Row> {
    const KIND: Row = Row {
        kind: FindingKind::MisplacedResult,
        from: From::Interrupted,
        places: &[RUN],
        ways: &[
            Way(&[Step::Types("repair", 5), Step::Types("resume", 5), Step::Printed(0)], 0),
            Way(&[Step::Restores(RUN)], 6),
        ],
        ..ROW
    };
    vec![
        Row {
            made: "a copy of another run in its folder",
            make: |case| {
                remove(&case.at(RUN));
                copy(&case.at("T0/00/run_02"), &case.at(RUN));
            },
            ..KIND
        },
        Row { made: "another number", make: |case| set(case, "run_number", json!(7)), ..KIND },
        Row { made: "another tier", make: |case| set(case, "tier", json!("T3")), ..KIND },
        Row { made: "another subtest", make: |case| set(case, "subtest", json!("01")), ..KIND },
        Row { made: "another experiment", make: |case| set(case, "experiment_id", json!("other")), ..KIND },
    ]
}

fn altered() -> Vec<Row> {
    vec![Row {
        kind: FindingKind::AlteredResult,
        made: "another config than all the others name",
        make: |case| set(case, "config_hash", json!(format!("sha256:{:064}", 7))),
        places: &[RUN],
        ways: &[Way(&[Step::Types("repair", 5), Step::Printed(0)], 0), Way(&[Step::Restores(RUN)], 0)],
        ..ROW
    }]
}

fn contradictory() -> Vec<Row> {
    const KIND: Row = Row {
        kind: FindingKind::ContradictoryResult,
        places: &[RUN],
        ways: &[
            Way(&[Step::Types("repair", 5), Step::Printed(0)], 0),
            Way(&[Step::Restores("T0/00/run_01/run_result.json")], 0),
        ],
        ..ROW
    };
    vec![
        Row { made: "a score that is not the mean", make: |case| set(case, "judge_score", json!(0.25)), ..KIND },
        Row {
            made: "a verdict that the majority did not give, in the index too",
            make: |case| {
                set(case, "judge_passed", json!(false));
                edit(&case.at("checkpoint.json"), |index| index["completed_runs"]["T0"]["00"]["1"] = json!("failed"));
            },
            ways: &[Way(&[Step::Types("repair", 5), Step::Printed(0)], 0)],
            ..KIND
        },
        Row {
            made: "no verdict, which is not \"failed\"",
            from: From::Interrupted,
            make: |case| set(case, "judge_passed", Value::Null),
            ways: &[
                Way(&[Step::Types("repair", 5), Step::Printed(0)], 0),
                Way(&[Step::Restores("T0/00/run_01/run_result.json")], 6),
            ],
            ..KIND
        },
    ]
}

fn plan() -> Vec<Row> {
    const OUTSIDE: Row = Row { kind: FindingKind::OutsidePlan, ..ROW };
    vec![
        Row {
            made: "extended, then the former config was put back",
            make: |case| {
                case.types("extend --runs 3", 0);
                case.restores("config/experiment.json");
            },
            places: &["T0/00/run_03", "T0/01/run_03", "T1/00/run_03", "T1/01/run_03"],
            ways: &[Way(&[Step::Types("extend --runs 3", 0)], 0)],
            ..OUTSIDE
        },
        Row {
            made: "a tier was taken out of the config",
            make: |case| {
                edit(&case.at("config/experiment.json"), |config| {
                    config["subtests"].as_object_mut().unwrap().shift_remove("T0").unwrap();
                });
            },
            places: &["T0/00/run_01", "T0/00/run_02", "T0/01/run_01", "T0/01/run_02"],
            ways: &[
                Way(&[Step::Types("extend --tiers T0", 0)], 0),
                Way(&[Step::Restores("config/experiment.json")], 0),
            ],
            ..OUTSIDE
        },
        Row {
            kind: FindingKind::MissingRun,
            made: "interrupted",
            from: From::Interrupted,
            places: &MISSING,
            exit: 6,
            ways: PRINTED,
            ..ROW
        },
        Row {
            kind: FindingKind::MissingRun,
            made: "taken away, from the index too",
            make: |case| {
                remove(&case.at(RUN));
                edit(&case.at("checkpoint.json"), |checkpoint| {
                    checkpoint["status"] = json!("interrupted");
                    checkpoint["completed_runs"]["T0"]["00"].as_object_mut().unwrap().shift_remove("1").unwrap();
                });
            },
            places: &[RUN],
            exit: 6,
            ways: PRINTED,
            ..ROW
        },
        Row {
            kind: FindingKind::DuplicateRun,
            made: "a copy of a run under another spelling",
            make: |case| copy(&case.at(RUN), &case.at("T0/00/run_1")),
            places: &["T0/00/run_1"],
            ways: &[Way(&[Step::Printed(0)], 0), Way(&[Step::Removes("T0/00/run_1")], 0)],
            ..ROW
        },
    ]
}

fn seals() -> Vec<Row> {
    const KIND: Row = Row {
        kind: FindingKind::BrokenSeal,
        places: &[RUN],
        ways: &[Way(&[Step::Types("repair", 5), Step::Printed(0)], 0), Way(&[Step::Restores(RUN)], 0)],
        ..ROW
    };
    vec![
        Row {
            made: "one byte of a log was altered",
            make: |case| fs::write(case.at("T0/00/run_01/agent/stdout.log"), "!").unwrap(),
            ..KIND
        },
        Row { made: "the patch is gone", make: |case| remove(&case.at("T0/00/run_01/changes.patch")), ..KIND },
        Row {
            made: "evidence was added",
            make: |case| fs::write(case.at("T0/00/run_01/judge/judge_03.json"), "{}").unwrap(),
            ..KIND
        },
        Row { made: "the seal is gone", make: |case| remove(&case.at("T0/00/run_01/SHA256SUMS")), ..KIND },
        Row {
            made: "evidence and seal were forged together",
            make: |case| {
                fs::write(case.at("T0/00/run_01/changes.patch"), "forged").unwrap();
                let sums = "sha256sum agent/* checks/* judge/*.json judge/*/* changes.patch > SHA256SUMS 2> sums.log";
                let forged = std::process::Command::new("sh").args(["-c", sums]).current_dir(case.at(RUN)).status();
                forged.unwrap();
                remove(&case.at("T0/00/run_01/sums.log"));
            },
            ..KIND
        },
        Row {
            made: "evidence became a FIFO",
            make: |case| {
                let log = case.at("T0/00/run_01/agent/stdout.log");
                remove(&log);
                fifo(&log);
            },
            ..KIND
        },
        Row {
            made: "evidence became a link to equal bytes",
            make: |case| {
                let judged = case.at("T0/00/run_01/judge/result.json");
                fs::rename(&judged, case.world.path("elsewhere.json")).unwrap();
                symlink(case.world.path("elsewhere.json"), judged).unwrap();
            },
            ..KIND
        },
    ]
}

fn folders() -> Vec<Row> {
    const KIND: Row = Row { kind: FindingKind::ReplacedFolder, ..ROW };
    vec![
        Row {
            made: "a folder became a link to an equal one",
            make: |case| {
                for name in ["agent", "judge"] {
                    let (folder, elsewhere) = (case.at(RUN).join(name), case.world.path(name));
                    copy(&folder, &elsewhere);
                    remove(&folder);
                    symlink(elsewhere, folder).unwrap();
                }
            },
            places: &["T0/00/run_01/agent", "T0/00/run_01/judge"],
            beside: &[(FindingKind::BrokenSeal, RUN)],
            ways: &[Way(&[Step::Types("repair", 5), Step::Printed(0)], 0), Way(&[Step::Restores(RUN)], 0)],
            ..KIND
        },
        Row {
            made: "an agent moved the folders of its run and put links there",
            from: From::Nothing,
            make: |case| {
                let agent = format!(
                    "if [ -e {0} ]; then mkdir {1}; r=$(dirname \"$SCYLLA_WORKSPACE\"); mv \"$r/agent\" \"$r/old\"; \
                     ln -s {1} \"$r/agent\"; rm {0}; fi; touch done",
                    case.world.write("once", "").display(),
                    case.world.path("elsewhere").display()
                );
                let fixture = TestFixture::new().agent("T0/00-links", &agent).write(&case.world);
                let words = ["run", "--tiers-dir", &fixture, "--results-dir", "results", "--runs", "1"];
                case.world.scylla(&[&words[..], &["--containment", "walk"]].concat()).exits(0);
                assert_eq!(fs::read_dir(case.world.path("elsewhere")).unwrap().count(), 0);
                case.dir = case.world.experiment();
            },
            places: &[RUN],
            ways: &[Way(&[Step::Types("repair", 5), Step::Printed(0)], 0)],
            ..KIND
        },
    ]
}

fn secrets() -> Vec<Row> {
    vec![Row {
        kind: FindingKind::SecretInPatch,
        made: "an agent wrote the value of a secret variable into its tree",
        from: From::Nothing,
        make: |case| {
            let agent = "printf '%s' \"$MY_TOKEN\" > leak.txt; touch done";
            let fixture = TestFixture::new().agent("T0/00-leaks", agent).extra("environment: [MY_TOKEN]\n");
            let fixture = fixture.write(&case.world);
            let words = ["run", "--tiers-dir", &fixture, "--results-dir", "results", "--runs", "1"];
            output(case.world.command(&words).env("MY_TOKEN", "hunter2-hunter2")).exits(0);
            case.dir = case.world.experiment();
        },
        places: &["T0/00/run_01/changes.patch"],
        exit: 0,
        // Without the variable there is nothing to write.
        ways: &[Way(&[Step::Types("rerun --run T0/00/1", 0)], 0)],
        ..ROW
    }]
}

fn controls() -> Vec<Row> {
    const NOTHING: &str = "agent: {kind: nop}\n";
    vec![Row {
        kind: FindingKind::BrokenControl,
        made: "a check that passes whatever is there",
        from: From::Nothing,
        make: |case| {
            let fixture = TestFixture::new().subtest("T0/00-nothing", NOTHING).check("true").write(&case.world);
            let words = ["run", "--tiers-dir", &fixture, "--results-dir", "results", "--runs", "1"];
            case.world.scylla(&words).exits(0);
            case.dir = case.world.experiment();
        },
        places: &[RUN],
        exit: 0,
        ways: &[Way(
            &[Step::Does(|case| {
                TestFixture::new().subtest("T0/00-nothing", NOTHING).write(&case.world);
                case.types("regrade --from fixture", 0);
            })],
            0,
        )],
        ..ROW
    }]
}
