//! Experiments as ProjectScylla's runner makes them: every version of the checkpoint, both layouts.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use scylla::model::digest::Digest;
use serde_json::{Map, Value, json};

use crate::shared::shared;
use crate::verify::folder::{copy, edit, json, remove};
use crate::verify::originals::name;
use crate::world::{Output, World};

/// A run as tier, subtest and number.
pub(crate) type Run = (u32, u32, u32);

/// Where runs lie, and what the checkpoint calls itself.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Form {
    pub(crate) version: &'static str,
    pub(crate) phased: bool,
}

pub(crate) const V1_0: Form = Form { version: "1.0", phased: false };
pub(crate) const V2_0: Form = Form { version: "2.0", phased: false };
pub(crate) const V3_0: Form = Form { version: "3.0", phased: false };
pub(crate) const V3_1: Form = Form { version: "3.1", phased: true };
/// Every version in the layout that it came with.
pub(crate) const FORMS: [Form; 4] = [V1_0, V2_0, V3_0, V3_1];

/// An experiment of ProjectScylla in a world of its own.
pub(crate) struct Made {
    pub(crate) world: World,
    pub(crate) dir: PathBuf,
    pub(crate) form: Form,
}

/// Tiers with their subtests; each subtest has this many planned runs.
pub(crate) struct Shape {
    pub(crate) subtests: &'static [(u32, u32)],
    pub(crate) runs: u32,
}

/// Two tiers, three subtests, two runs each.
pub(crate) const SMALL: Shape = Shape { subtests: &[(0, 0), (0, 1), (1, 1)], runs: 2 };

/// Every third run failed.
pub(crate) fn passed((tier, subtest, run): Run) -> bool {
    (tier + subtest * 10 + run) % 3 > 0
}

pub(crate) fn word(passed: bool) -> &'static str {
    if passed { "passed" } else { "failed" }
}

impl Shape {
    pub(crate) fn all(&self) -> Vec<Run> {
        let of = |(tier, subtest): &(u32, u32)| (1..=self.runs).map(|run| (*tier, *subtest, run)).collect::<Vec<_>>();
        self.subtests.iter().flat_map(of).collect()
    }

    fn tiers(&self) -> Vec<u32> {
        let mut tiers: Vec<u32> = self.subtests.iter().map(|(tier, _)| *tier).collect();
        tiers.dedup();
        tiers
    }
}

impl Made {
    /// A finished experiment: every planned run is done, recorded and reported.
    pub(crate) fn finished(form: Form) -> Self {
        Self::of(form, &SMALL, &SMALL.all())
    }

    /// One of which only these runs are done.
    pub(crate) fn of(form: Form, shape: &Shape, done: &[Run]) -> Self {
        let world = World::new();
        let dir = world.path("results/2026-01-20T06-50-26-test-001");
        let made = Self { world, dir, form };
        made.write("config/experiment.json", &config(shape));
        for run in done {
            made.commit(*run);
        }
        made.write("checkpoint.json", &made.checkpoint(done, done.len() == shape.all().len()));
        for place in ["prompt.md", "judge_prompt.md", "summary.md", "report.md"] {
            fs::write(made.at(place), "text").unwrap();
        }
        std::os::unix::fs::symlink("/nowhere/expected/criteria.md", made.at("criteria.md")).unwrap();
        made
    }

    pub(crate) fn at(&self, place: &str) -> PathBuf {
        self.dir.join(place)
    }

    pub(crate) fn dir(&self) -> &str {
        name(&self.dir)
    }

    /// Where a done run lies.
    pub(crate) fn place(&self, run: Run) -> String {
        place(if self.form.phased { "completed/" } else { "" }, run)
    }

    pub(crate) fn write(&self, below: &str, value: &Value) {
        let path = self.at(below);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, format!("{value:#}")).unwrap();
    }

    /// What ProjectScylla leaves of a run that is done.
    pub(crate) fn commit(&self, run: Run) {
        self.agent(&self.place(run));
        let below = |file: &str| format!("{}/{file}", self.place(run));
        self.write(&below("run_result.json"), &result(run));
        self.write(&below("report.json"), &json!({"run_number": run.2, "passed": passed(run)}));
        self.write(&below("judge/result.json"), &json!({"score": 0.5, "passed": passed(run), "grade": "C"}));
        for file in ["report.md", "judge_prompt.md", "task_prompt.md", "cmd_0000_stdout.log", "worktree_create.sh"] {
            fs::write(self.at(&below(file)), "text").unwrap();
        }
        fs::create_dir_all(self.at(&below("commands"))).unwrap();
        self.write(&format!("{}/../config_manifest.json", self.place(run)), &json!({"tier_id": format!("T{}", run.0)}));
    }

    /// What ProjectScylla leaves of an agent that is done, in the folder of its run.
    pub(crate) fn agent(&self, place: &str) {
        self.write(&format!("{place}/agent/result.json"), &json!({
            "exit_code": 0, "stdout": "", "stderr": "", "cost_usd": 0.5, "api_calls": 1,
            "token_stats": {"input_tokens": 5, "output_tokens": 7, "cache_creation_tokens": 0, "cache_read_tokens": 0},
        }));
        self.write(&format!("{place}/agent/command_log.json"), &json!({"total_commands": 1}));
    }

    /// The checkpoint that names these runs.
    pub(crate) fn checkpoint(&self, done: &[Run], completed: bool) -> Value {
        let mut index = Map::new();
        for (run, entry) in done.iter().map(|run| (*run, json!(word(passed(*run))))) {
            set(&mut index, run, entry, self.form == V1_0);
        }
        let mut checkpoint = json!({
            "version": self.form.version,
            "experiment_id": "test-001",
            "experiment_dir": self.dir(),
            "config_hash": hash(&json(&self.at("config/experiment.json"))),
        });
        if self.form.version.starts_with('3') {
            let state = if self.form == V3_0 { "run_complete" } else { "worktree_cleaned" };
            let (mut runs, mut subtests, mut tiers) = (Map::new(), Map::new(), Map::new());
            for (tier, subtest, run) in done {
                set(&mut runs, (*tier, *subtest, *run), json!(state), false);
                let tier = format!("T{tier}");
                let states = subtests.entry(tier.clone()).or_insert_with(|| json!({}));
                states[format!("{subtest:02}")] = json!(if completed { "aggregated" } else { "runs_in_progress" });
                tiers.insert(tier, json!(if completed { "complete" } else { "config_loaded" }));
            }
            checkpoint["experiment_state"] = json!(if completed { "complete" } else { "interrupted" });
            checkpoint["tier_states"] = Value::Object(tiers);
            checkpoint["subtest_states"] = Value::Object(subtests);
            checkpoint["run_states"] = Value::Object(runs);
        }
        checkpoint["completed_runs"] = Value::Object(index);
        let status = if completed { "completed" } else { "interrupted" };
        let rest = json!({
            "started_at": "2026-01-20T06:50:26.515053+00:00", "last_updated_at": "2026-01-22T06:22:17.394618+00:00",
            "status": status, "rate_limit_source": null, "rate_limit_until": null, "pause_count": 0, "pid": 275_043,
        });
        checkpoint.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        checkpoint
    }

    pub(crate) fn edit(&self, place: &str, change: impl FnOnce(&mut Value)) {
        edit(&self.at(place), change);
    }

    /// The checkpoint as it lies there.
    pub(crate) fn index(&self) -> Value {
        json(&self.at("checkpoint.json"))
    }

    /// Takes the entries of every run away, as on the day of the founding incident.
    pub(crate) fn wipe(&self) {
        self.edit("checkpoint.json", |checkpoint| {
            checkpoint["status"] = json!("interrupted");
            checkpoint["completed_runs"] = json!({});
            for states in ["run_states", "subtest_states", "tier_states"] {
                if checkpoint.get(states).is_some() {
                    checkpoint[states] = json!({});
                }
            }
        });
    }

    #[track_caller]
    pub(crate) fn scylla(&self, command: &str, more: &[&str], exit: i32) -> Output {
        let words: Vec<&str> = [command, self.dir()].into_iter().chain(more.iter().copied()).collect();
        self.world.scylla(&words).exits(exit)
    }

    #[track_caller]
    pub(crate) fn repair(&self, exit: i32) -> Output {
        self.scylla("repair", &[], exit)
    }

    /// Removes whatever lies at a place.
    pub(crate) fn remove(&self, place: &str) {
        remove(&self.at(place));
    }

    /// The copies of former checkpoints that repairs made.
    pub(crate) fn backups(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(&self.dir).unwrap().map(|entry| entry.unwrap().path());
        entries.filter(|path| name(path).contains("checkpoint.json.backup-")).collect()
    }
}

/// `T0/00/run_01` below a phase's folder.
pub(crate) fn place(phase: &str, (tier, subtest, run): Run) -> String {
    format!("{phase}T{tier}/{subtest:02}/run_{run:02}")
}

fn set(index: &mut Map<String, Value>, (tier, subtest, run): Run, entry: Value, as_list: bool) {
    let subtests = index.entry(format!("T{tier}")).or_insert_with(|| json!({}));
    let runs = &mut subtests[format!("{subtest:02}")];
    if as_list {
        let mut list = runs.as_array().cloned().unwrap_or_default();
        list.push(json!(run));
        *runs = Value::Array(list);
    } else {
        runs[run.to_string()] = entry;
    }
}

/// `config/experiment.json` as January's runner writes it.
fn config(shape: &Shape) -> Value {
    let tiers: Vec<String> = shape.tiers().iter().map(|tier| format!("T{tier}")).collect();
    json!({
        "experiment_id": "test-001", "task_repo": "https://example.org/hello", "task_commit": "7fd1a60b01f9",
        "task_prompt_file": "tests/fixtures/tests/test-001/prompt.md", "language": "python",
        "models": ["claude-sonnet-4-5-20250929"], "runs_per_subtest": shape.runs, "tiers_to_run": tiers,
        "judge_models": ["claude-opus-4-5-20251101"], "parallel_subtests": 6, "timeout_seconds": 300,
        "max_turns": null, "max_subtests": null, "use_containers": false, "thinking_mode": "None",
    })
}

/// What ProjectScylla writes of a run, without the names of its tier and subtest, and with paths of its machine.
pub(crate) fn result(run: Run) -> Value {
    let passed = passed(run);
    let score = if passed { 0.9 } else { 0.3 };
    let folder = format!("/home/someone/fullruns/{}", place("", run));
    json!({
        "run_number": run.2, "exit_code": 0,
        "token_stats": {"input_tokens": 5, "output_tokens": 7, "cache_creation_tokens": 0, "cache_read_tokens": 0},
        "tokens_input": 5, "tokens_output": 7, "cost_usd": 0.5, "duration_seconds": 3.0,
        "agent_duration_seconds": 2.0, "judge_duration_seconds": 1.0,
        "judge_score": score, "judge_passed": passed, "judge_grade": if passed { "A" } else { "D" },
        "judge_reasoning": "as it is",
        "judges": [{"model": "claude-opus-4-5-20251101", "score": score, "passed": passed, "grade": "A",
                    "reasoning": "as it is", "judge_number": 1}],
        "workspace_path": format!("{folder}/workspace"), "logs_path": format!("{folder}/agent"),
        "command_log_path": format!("{folder}/agent/command_log.json"), "criteria_scores": {},
    })
}

/// ProjectScylla's hash of a config, by January's rule.
pub(crate) fn hash(config: &Value) -> String {
    let mut config = config.clone();
    for key in ["parallel_subtests", "max_subtests"] {
        config.as_object_mut().unwrap().shift_remove(key);
    }
    Digest::of(python(&config).as_bytes()).hex()[..16].to_owned()
}

/// A value as Python prints it with sorted keys.
fn python(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let sorted: BTreeMap<_, _> = map.iter().collect();
            let entries: Vec<String> =
                sorted.iter().map(|(key, value)| format!("{}: {}", json!(key), python(value))).collect();
            format!("{{{}}}", entries.join(", "))
        }
        Value::Array(list) => format!("[{}]", list.iter().map(python).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    }
}

/// Shared data, copied to where a test may change it; `None` where there is none.
pub(crate) fn shared_copy(world: &World, data: &str) -> Option<PathBuf> {
    let to = world.path(data);
    copy(&shared("data")?.join(data), &to);
    Some(to)
}
