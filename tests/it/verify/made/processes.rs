//! Processes that outlived their coordinator, and a coordinator that lives.

use std::fs;
use std::process::Command;

use scylla::model::finding::FindingKind;
use serde_json::json;

use super::ROW;
use crate::crash::no_process_is_left;
use crate::fixture::{TestFixture, close, gated, open};
use crate::verify::table::{Case, From, Row, Step, Way};
use crate::world::wait_until;

const TOKEN: &str = "of-a-dead-coordinator";
const MARK: &str = "T1/00/run_02/agent/process.json";

/// A process with the mark of a run, as a coordinator leaves it that was killed.
fn orphan(case: &mut Case) {
    fs::create_dir_all(case.at("T1/00/run_02/agent")).unwrap();
    let boot_id = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    let token = format!("{TOKEN}-{}", case.dir.display());
    let mark = json!({
        "pid": 0, "start_time": 0, "boot_id": boot_id.trim(), "containment": "walk", "cgroup": null, "token": token,
    });
    fs::write(case.at(MARK), mark.to_string()).unwrap();
    case.process = Some(Command::new("sleep").arg("1000").env("SCYLLA_RUN_TOKEN", token).spawn().unwrap());
}

/// An experiment of three runs whose agent waits at a gate, and its coordinator.
fn live(case: &mut Case, containment: &str) {
    let agent = format!("{}; touch done", gated(&case.world, "agent"));
    let fixture = TestFixture::new().agent("T0/00-gated", &agent).write(&case.world);
    let results = case.world.results().to_str().unwrap().to_owned();
    close(&case.world, "agent");
    let words = ["run", "--tiers-dir", &fixture, "--results-dir", &results, "--runs", "3", "--jobs", "1"];
    let words: Vec<&str> = words.into_iter().chain(["--containment", containment]).collect();
    let live = case.live.insert(case.world.start(&words));
    live.wait_for_reason("run-started");
    wait_until("the agent works", || case.world.lines("agent.log") == 1);
    case.dir = case.world.experiment();
}

fn killed(case: &mut Case) {
    live(case, "walk");
    case.live.take().unwrap().kill();
}

pub(super) fn rows() -> Vec<Row> {
    vec![
        Row {
            kind: FindingKind::StrayProcess,
            made: "a process with the mark of a run",
            from: From::Interrupted,
            make: orphan,
            places: &[MARK],
            exit: 4,
            ways: &[
                Way(&[Step::Printed(0)], 6),
                Way(&[Step::Types("resume", 0)], 0),
                Way(
                    &[Step::Does(|case| {
                        let process = case.process.as_mut().unwrap();
                        process.kill().unwrap();
                        process.wait().unwrap();
                    })],
                    6,
                ),
            ],
            ..ROW
        },
        Row {
            kind: FindingKind::StrayProcess,
            made: "the agent of a coordinator that was killed",
            from: From::Nothing,
            make: killed,
            places: &["T0/00/run_01/agent/process.json"],
            beside: &[
                (FindingKind::StaleRunning, "checkpoint.json"),
                (FindingKind::MissingRun, "T0/00/run_01"),
                (FindingKind::MissingRun, "T0/00/run_02"),
                (FindingKind::MissingRun, "T0/00/run_03"),
            ],
            exit: 4,
            ways: &[Way(
                &[Step::Does(|case| {
                    case.types("repair", 0);
                    no_process_is_left(&case.world);
                    open(&case.world, "agent");
                })],
                6,
            )],
            ..ROW
        },
        Row {
            kind: FindingKind::LiveExperiment,
            made: "a coordinator at work",
            from: From::Nothing,
            make: |case| live(case, "auto"),
            places: &["experiment.lock"],
            exit: 3,
            ways: &[Way(
                &[Step::Types("repair", 3), Step::Types("resume", 3), Step::Printed(0), Step::Does(Case::ends_live)],
                0,
            )],
            ..ROW
        },
    ]
}
