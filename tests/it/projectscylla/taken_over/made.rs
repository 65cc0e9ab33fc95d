//! Experiments as ProjectScylla's runner leaves them, written from what is known of its files.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::fixture::TestFixture;
use crate::projectscylla::fixture::{FIXTURE, ProjectScyllaFixture, commit};
use crate::projectscylla::read::made::hash;
use crate::verify::folder::json as read_json;
use crate::world::World;

/// Two tiers of two subtests of two runs are planned.
pub(super) const PLANNED: [&str; 8] =
    ["T0/00/1", "T0/00/2", "T0/01/1", "T0/01/2", "T1/01/1", "T1/01/2", "T1/02/1", "T1/02/2"];
/// What an agent of ProjectScylla cost.
pub(super) const COST: f64 = 0.25;
/// Where ProjectScylla says that the experiment lies.
const ELSEWHERE: &str = "/home/somebody/fullruns/2026-01-20T06-13-07-tested";
const STARTED: &str = "2026-01-20T06:13:07.515053+00:00";

/// Which of ProjectScylla's layouts and checkpoints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// The first days of January 2026: checkpoint 1.0, flat, the runs of a subtest in one workspace.
    First,
    /// January 2026: checkpoint 2.0, flat.
    Flat,
    /// Since March 2026: checkpoint 3.1, in phases.
    Phased,
}

/// How far a run came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Passed,
    Failed,
    /// The agent is done, the judges are not.
    Unjudged,
    /// It was begun.
    Begun,
}

/// An experiment of ProjectScylla in a world, whose fixture lies beside it.
pub(super) struct Made {
    pub(super) world: World,
    pub(super) dir: PathBuf,
    form: Form,
}

/// An experiment with these runs; those of the plan that are not named were not started.
pub(super) fn made(form: Form, runs: &[(&str, End)]) -> Made {
    let world = World::new();
    let agent = format!("echo asked >> {}; touch done", world.path("agent.log").display());
    ["T0/00-empty", "T0/01-vanilla", "T1/01-agent", "T1/02-cicd"]
        .iter()
        .fold(TestFixture::new(), |fixture, file| fixture.agent(file, &agent))
        .write(&world);
    let dir = world.path("results/2026-01-20T06-13-07-tested");
    fs::create_dir_all(&dir).unwrap();
    let made = Made { world, dir, form };
    made.write("config/experiment.json", &made.config());
    fs::copy(made.world.path("fixture/prompt.md"), made.dir.join("prompt.md")).unwrap();
    made.write("result.json", &json!({"total_cost": 1.0}));
    for (run, end) in runs {
        made.run(run, *end);
    }
    made.write("checkpoint.json", &made.checkpoint(runs));
    made
}

/// The same, made from a fixture in ProjectScylla's own format, which lies where it was when the experiment was started.
pub(super) fn made_from_a_fixture_of_projectscylla(form: Form, runs: &[(&str, End)]) -> Made {
    made_from(&ProjectScyllaFixture::new().tiers(&["T0", "T1"]), &["T0", "T1"], form, runs)
}

/// The same from any such fixture, with these tiers.
pub(super) fn made_from(fixture: &ProjectScyllaFixture, tiers: &[&str], form: Form, runs: &[(&str, End)]) -> Made {
    let made = made(form, runs);
    let fixture = PathBuf::from(fixture.write(&made.world));
    let commit = commit(&made.world, &made.world.path("upstream/task"));
    let mut config = config();
    config["task_commit"] = json!(commit);
    config["tiers_to_run"] = json!(tiers);
    config["task_prompt_file"] = json!(format!("{FIXTURE}/prompt.md"));
    made.write("config/experiment.json", &config);
    let mut checkpoint = made.index();
    checkpoint["config_hash"] = json!(hash(&config));
    made.write("checkpoint.json", &checkpoint);
    fs::copy(fixture.join("prompt.md"), made.at("prompt.md")).unwrap();
    made
}

/// Every planned run as it ended: those that are not named have passed.
pub(super) fn all_but(others: &[(&'static str, Option<End>)]) -> Vec<(&'static str, End)> {
    let end = |run| others.iter().find(|(other, _)| *other == run).map_or(Some(End::Passed), |(_, end)| *end);
    PLANNED.into_iter().filter_map(|run| Some((run, end(run)?))).collect()
}

impl Made {
    /// The same at another place.
    pub(super) fn moved(self, dir: PathBuf) -> Self {
        Self { dir, ..self }
    }

    pub(super) fn dir(&self) -> &str {
        self.dir.to_str().unwrap()
    }

    pub(super) fn at(&self, place: &str) -> PathBuf {
        self.dir.join(place)
    }

    fn write(&self, place: &str, value: &Value) {
        let path = self.at(place);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, serde_json::to_string_pretty(value).unwrap()).unwrap();
    }

    /// Where a run such as `T0/00/1` lies.
    pub(super) fn place(&self, run: &str, end: End) -> String {
        let (subtest, number) = run.rsplit_once('/').unwrap();
        let phase = match (self.form, end) {
            (Form::First | Form::Flat, _) => "",
            (Form::Phased, End::Begun) => "in_progress/",
            (Form::Phased, _) => "completed/",
        };
        format!("{phase}{subtest}/run_{:02}", number.parse::<u32>().unwrap())
    }

    fn run(&self, run: &str, end: End) {
        let place = self.place(run, end);
        let file = |name: &str, text: &str| {
            let path = self.at(&format!("{place}/{name}"));
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        file("agent/prompt.md", "Do it.");
        if self.form == Form::First {
            for below in
                ["../workspace/hello.py", "../cmd_0000_stdout.log", "../command_log.json", "../worktree_create.sh"]
            {
                file(below, "");
            }
        } else {
            file("workspace/hello.py", "print('Hello')");
        }
        if end == End::Begun {
            return;
        }
        let tokens = json!({
            "input_tokens": 29, "output_tokens": 656, "cache_creation_tokens": 23106, "cache_read_tokens": 112_686,
        });
        let agent = json!({
            "exit_code": 0, "stdout": "{}", "stderr": "", "token_stats": tokens, "cost_usd": COST, "api_calls": 1,
        });
        self.write(&format!("{place}/agent/result.json"), &agent);
        if end == End::Unjudged {
            return;
        }
        let passed = end == End::Passed;
        let (score, grade) = if passed { (0.875, "A") } else { (0.25, "F") };
        let judge = json!({
            "model": "claude-opus-4-5-20251101", "score": score, "passed": passed, "grade": grade, "reasoning": "so",
            "judge_number": 1,
        });
        let folder = format!("{ELSEWHERE}/{place}");
        let number: u32 = run.rsplit_once('/').unwrap().1.parse().unwrap();
        let result = json!({
            "run_number": number, "exit_code": 0, "token_stats": tokens, "tokens_input": 112_715, "tokens_output": 656,
            "cost_usd": COST, "duration_seconds": 20.5, "agent_duration_seconds": 12.5, "judge_duration_seconds": 8.0,
            "judge_score": score, "judge_passed": passed, "judge_grade": grade, "judge_reasoning": "so",
            "judges": [judge], "workspace_path": format!("{folder}/workspace"), "logs_path": format!("{folder}/agent"),
            "command_log_path": null, "criteria_scores": {},
        });
        self.write(&format!("{place}/run_result.json"), &result);
        file("report.md", "# Run");
        file("report.json", "{}");
    }

    fn checkpoint(&self, runs: &[(&str, End)]) -> Value {
        let (mut completed, mut reached) = (json!({}), json!({}));
        for (run, end) in runs {
            let parts: Vec<&str> = run.split('/').collect();
            let (status, state) = match end {
                End::Passed => (Some("passed"), "checkpointed"),
                End::Failed => (Some("failed"), "checkpointed"),
                End::Unjudged => (Some("agent_complete"), "promoted_to_completed"),
                End::Begun => (None, "replay_generated"),
            };
            if let Some(status) = status {
                completed[parts[0]][parts[1]][parts[2]] = json!(status);
            }
            reached[parts[0]][parts[1]][parts[2]] = json!(state);
        }
        let of_all = |state: &str| -> Value {
            let subtests = |of: &Value| of.as_object().unwrap().keys().map(|id| (id.clone(), json!(state))).collect();
            reached.as_object().unwrap().iter().map(|(tier, of)| (tier.clone(), Value::Object(subtests(of)))).collect()
        };
        let whole = runs.len() == PLANNED.len() && runs.iter().all(|(_, end)| matches!(end, End::Passed | End::Failed));
        let of_all_runs = if whole { "completed" } else { "interrupted" };
        let hash = hash(&self.config());
        match self.form {
            Form::First => {
                let numbers = |of: &Value| -> Vec<u32> {
                    of.as_object().unwrap().keys().map(|number| number.parse().unwrap()).collect()
                };
                let lists = |of: &Value| -> Value {
                    of.as_object().unwrap().iter().map(|(subtest, of)| (subtest.clone(), json!(numbers(of)))).collect()
                };
                let completed: Value =
                    completed.as_object().unwrap().iter().map(|(tier, of)| (tier.clone(), lists(of))).collect();
                json!({
                    "version": "1.0", "experiment_id": "tested", "experiment_dir": ELSEWHERE, "config_hash": hash,
                    "completed_runs": completed, "started_at": STARTED, "last_updated_at": STARTED,
                    "status": of_all_runs, "rate_limit_source": null, "rate_limit_until": null, "pause_count": 0,
                    "pid": null,
                })
            }
            Form::Flat => json!({
                "version": "2.0", "experiment_id": "tested", "experiment_dir": ELSEWHERE, "config_hash": hash,
                "completed_runs": completed, "started_at": STARTED, "last_updated_at": STARTED, "status": of_all_runs,
                "rate_limit_source": null, "rate_limit_until": null, "pause_count": 0, "pid": null,
            }),
            Form::Phased => {
                let tiers = reached.as_object().unwrap().keys().map(|tier| (tier.clone(), json!("config_loaded")));
                json!({
                    "version": "3.1", "experiment_id": "tested", "experiment_dir": ELSEWHERE, "config_hash": hash,
                    "experiment_state": if whole { "complete" } else { "interrupted" },
                    "tier_states": tiers.collect::<serde_json::Map<_, _>>(),
                    "subtest_states": of_all("runs_in_progress"), "run_states": reached, "completed_runs": completed,
                    "started_at": STARTED, "last_updated_at": STARTED, "last_heartbeat": "", "status": of_all_runs,
                    "rate_limit_source": null, "rate_limit_until": null, "pause_count": 0, "pid": null,
                })
            }
        }
    }

    /// The config of the experiment, with the keys of its form.
    fn config(&self) -> Value {
        let mut config = config();
        if self.form == Form::First {
            let keys = config.as_object_mut().unwrap();
            for later in ["language", "judge_models", "use_containers"] {
                keys.shift_remove(later).unwrap();
            }
            for judge in ["judge_model", "tiebreaker_model"] {
                keys.insert(judge.to_owned(), json!("claude-opus-4-5-20251101"));
            }
        }
        config
    }

    /// What the checkpoint says now.
    #[track_caller]
    pub(super) fn index(&self) -> Value {
        read_json(&self.at("checkpoint.json"))
    }

    /// Runs that were really made here.
    pub(super) fn asked(&self) -> usize {
        self.world.lines("agent.log")
    }
}

/// The config of the experiment, keys as January wrote them.
pub(super) fn config() -> Value {
    json!({
        "experiment_id": "tested", "task_repo": "https://example.org/task", "task_commit": "7fd1a60b01f91b314f59955a4e4d4e80d8edf11d",
        "task_prompt_file": "fixture/prompt.md", "language": "python", "models": ["claude-sonnet-4-5-20250929"],
        "runs_per_subtest": 2, "tiers_to_run": ["T0", "T1"], "judge_models": ["claude-opus-4-5-20251101"],
        "parallel_subtests": 6, "timeout_seconds": 300, "max_turns": 20, "max_subtests": 2, "use_containers": false,
    })
}
