//! Experiments for tests: real folders with as much in them as a test needs.

use std::fs;
use std::path::Path;

use jiff::Timestamp;
use rustix::fs::{CWD, FileType, Mode, mknodat};
use serde::Serialize;
use serde_json::{Value, json};

use crate::model::checkpoint::Checkpoint;
use crate::model::experiment::{Config, KeepWorkspaces, samples};
use crate::model::ids::{AttemptNumber, JudgeNumber, RunId, RunNumber, SubtestId, TierId};
use crate::model::result::{AgentResult, FORMAT_VERSION, Judgment, RunResult};
use crate::model::survey::Holder;
use crate::os::lock::ExperimentLock;

use super::checkpoint::CheckpointWriter;
use super::layout::ExperimentFolder;

pub(crate) const NOW: &str = "2026-01-20T06:50:26Z";
pub(crate) const HASH: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// An experiment in a folder that is removed when this is dropped.
pub(crate) struct Sample {
    _home: tempfile::TempDir,
    pub(crate) folder: ExperimentFolder,
}

pub(crate) fn now() -> Timestamp {
    NOW.parse().unwrap()
}

/// An empty experiment, `test-001`.
pub(crate) fn experiment() -> Sample {
    let home = tempfile::tempdir().unwrap();
    let folder = ExperimentFolder::create(home.path(), &"test-001".parse().unwrap(), now()).unwrap();
    Sample { _home: home, folder }
}

pub(crate) fn run(text: &str) -> RunId {
    text.parse().unwrap()
}

pub(crate) fn write_json(path: &Path, value: &impl Serialize) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, serde_json::to_vec_pretty(value).unwrap()).unwrap();
}

pub(crate) fn fifo(path: &Path) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    mknodat(CWD, path, FileType::Fifo, Mode::from_raw_mode(0o644), 0).unwrap();
}

pub(crate) fn checkpoint() -> Checkpoint {
    serde_json::from_value(json!({
        "version": FORMAT_VERSION, "experiment_id": "test-001", "config_hash": HASH, "status": "interrupted",
        "completed_runs": {}, "started_at": NOW, "last_updated_at": NOW,
        "rate_limit": null, "pid": 4711, "host": "here",
    }))
    .unwrap()
}

/// A config with three runs of one subtest, of the version that carries no digest of itself.
pub(crate) fn config_of(id: &str) -> Config {
    Config {
        version: "4.0".to_owned(),
        experiment_id: id.parse().unwrap(),
        keep_workspaces: KeepWorkspaces::None,
        subtests: [(TierId(0), vec![SubtestId(0)])].into(),
        ..samples::config()
    }
}

pub(crate) fn agent_result() -> AgentResult {
    serde_json::from_value(json!({
        "attempt": 1, "end": "finished", "exit_code": 0, "cost_usd": 0.25, "token_stats": {}, "started_at": NOW,
        "duration_seconds": 1.5, "containment": "walk", "leftover_processes": 0, "output_truncated": false,
    }))
    .unwrap()
}

pub(crate) fn judgment(number: u32, passed: bool) -> Judgment {
    serde_json::from_value(json!({
        "judge_number": JudgeNumber(number), "model": "checks", "score": f64::from(u8::from(passed)), "passed": passed,
        "grade": if passed { "S" } else { "F" }, "cost_usd": 0.5, "duration_seconds": 0.5,
    }))
    .unwrap()
}

pub(crate) fn run_result(run: RunId, passed: bool) -> RunResult {
    serde_json::from_value(json!({
        "version": "4.0", "experiment_id": "test-001", "tier": run.tier, "subtest": run.subtest,
        "run_number": run.run.get(), "attempt": AttemptNumber(1), "config_hash": HASH, "exit_code": 0,
        "agent_end": "finished", "timed_out": false, "token_stats": {}, "cost_usd": 0.25, "judge_cost_usd": 0.5,
        "duration_seconds": 2.0, "agent_duration_seconds": 1.5, "judge_duration_seconds": 0.5,
        "judge_score": f64::from(u8::from(passed)), "judge_passed": passed, "judge_grade": if passed { "S" } else { "F" },
        "judges": [judgment(1, passed)], "checks": [], "started_at": NOW, "committed_at": NOW, "seal": HASH,
    }))
    .unwrap()
}

/// The tiers of the founding incident with the numbers of their runs.
pub(crate) const INCIDENT: [(u32, u32); 5] = [(0, 149), (1, 45), (2, 102), (3, 229), (4, 65)];

/// Its runs with their verdicts.
pub(crate) fn incident_runs() -> Vec<(RunId, bool)> {
    let of_tier = |(tier, runs): (u32, u32)| {
        (0..runs).map(move |number| {
            let run = RunNumber::new(1 + number % 10).unwrap();
            (RunId { tier: TierId(tier), subtest: SubtestId(number / 10), run }, number % 3 > 0)
        })
    };
    INCIDENT.into_iter().flat_map(of_tier).collect()
}

impl Sample {
    /// Writes a result as it is after a commit, without its evidence.
    pub(crate) fn result(&self, run: RunId, passed: bool) {
        write_json(&self.folder.run(run).result(), &run_result(run, passed));
    }

    /// The same with some keys changed.
    pub(crate) fn altered_result(&self, run: RunId, changes: &Value) {
        let mut result = serde_json::to_value(run_result(run, true)).unwrap();
        for (key, value) in changes.as_object().unwrap() {
            result[key] = value.clone();
        }
        write_json(&self.folder.run(run).result(), &result);
    }

    /// 590 results of which the checkpoint names none.
    pub(crate) fn founding_incident(&self) {
        let mut config = config_of("test-001");
        config.runs_per_subtest = 10;
        config.subtests = INCIDENT
            .map(|(tier, runs)| (TierId(tier), (0..runs.div_ceil(10)).map(SubtestId).collect()))
            .into_iter()
            .collect();
        write_json(&self.folder.config(), &config);
        write_json(&self.folder.checkpoint(), &Checkpoint { version: "4.0".to_owned(), ..checkpoint() });
        for (run, passed) in incident_runs() {
            self.result(run, passed);
        }
    }

    /// The writer of an experiment whose lock the test holds.
    pub(crate) fn writer(&self) -> CheckpointWriter {
        let lock = ExperimentLock::acquire(&self.folder.lock(), &Holder::default(), std::time::Duration::ZERO).unwrap();
        CheckpointWriter::new(&self.folder, lock)
    }

    /// Every file below the folder with its bytes; links and other things only by name.
    pub(crate) fn bytes(&self) -> std::collections::BTreeMap<String, Vec<u8>> {
        walkdir::WalkDir::new(self.folder.root())
            .into_iter()
            .map(|entry| entry.unwrap())
            .filter(|entry| !entry.file_type().is_dir())
            .map(|entry| {
                let bytes = if entry.file_type().is_file() { fs::read(entry.path()).unwrap() } else { Vec::new() };
                (self.folder.relative(entry.path()), bytes)
            })
            .collect()
    }
}
