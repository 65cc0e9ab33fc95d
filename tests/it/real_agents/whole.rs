//! Whole experiments: a program edits the tree with its own tools, checks pass, a model judges, the result is committed, and what was
//! used is what the server said.

use std::fs;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};

use super::experiment::{Experiment, HELLO, JUDGE};
use super::programs::{KEY, Real, Task, installed};
use crate::model_server::USED;
use crate::scenes::{experiment, files_below, output, recorded};

/// What does not do the task.
const MOON: Task = Task { file: "hello.sh", text: "echo 'Hello, moon'\n" };

/// The tokens of so many answers, as the server says them.
fn tokens_of(answers: u64) -> Value {
    let (all, cached, written) = USED;
    json!({"input_tokens": (all - cached) * answers, "output_tokens": written * answers, "cache_read_tokens": cached * answers})
}

/// One run does the task, and the next one does it wrongly.
pub(super) fn does_the_task_and_is_graded(real: &'static Real) {
    let Some(installed) = installed() else { return };
    let answered = AtomicU64::new(0);
    let of = Experiment::new(&installed, real, move |asked| {
        let is_first = answered.fetch_add(u64::from(real.is_work(asked)), Ordering::SeqCst) < real.answers;
        (real.works)(asked, if is_first { HELLO } else { MOON })
    });
    let ended = output(&mut of.run(&["--runs", "2"])).exits(0);
    assert_eq!([1, 2].map(|run| recorded(&of.world, &format!("T0/00/{run}"))), ["passed", "failed"], "{ended}");
    let result = of.result("T0/00/run_01");
    assert_eq!(
        (&result["agent_end"], &result["judge_score"], &result["agent_version"]),
        (&json!("finished"), &json!(1.0), &json!(real.version())),
        "{result:#}"
    );
    assert_eq!(result["agent_models"], json!([real.asked_for]), "{result:#}");
    // OpenCode asks for a title, too, which it does not count itself.
    let tokens = tokens_of(real.answers + u64::from(real.kind == "opencode"));
    for part in ["input_tokens", "output_tokens", "cache_read_tokens"] {
        assert_eq!(result["token_stats"][part], tokens[part], "{part}: {result:#}");
    }
    assert_eq!(result["judges"][1]["model"], JUDGE, "{result:#}");
    assert_eq!((of.asked(), of.server.times(JUDGE)), (2 * real.answers, 2), "{ended}");

    let dir = experiment(&of.world);
    of.world.scylla(&["verify", &dir]).exits(0);
    let patch = fs::read_to_string(of.world.experiment().join("T0/00/run_01/changes.patch")).unwrap();
    assert!(patch.contains("+echo 'Hello, world'") && patch.matches("\n+++ ").count() == 1, "{patch}");
    if real.has_steps {
        let steps = of.world.scylla(&["show", &dir, "T0/00/1", "--steps"]).exits(0);
        assert!(steps.stdout.contains("I write the file."), "{steps}");
    }
    for file in files_below(&of.world.experiment()) {
        assert!(!String::from_utf8_lossy(&fs::read(&file).unwrap()).contains(KEY), "{}", file.display());
    }
}
