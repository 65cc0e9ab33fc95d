//! Real programs as judges: each is asked with the judge's prompt, and its last words are the verdict.

use serde_json::json;

use super::experiment::{Experiment, JUDGE, full_score};
use super::programs::{CLAUDE_CODE, CODEX, GEMINI, KEY, OPENCODE, Real, installed};
use crate::model_server::{Asked, Say};
use crate::scenes::{experiment, output};

fn judges(real: &'static Real) {
    let Some(installed) = installed() else { return };
    let invalid = "Most of it is done.";
    let script = move |asked: &Asked| {
        if asked.body.to_string().contains("What is wrong with it") {
            full_score(2)
        } else {
            Say::Answer(invalid.to_owned())
        }
    };
    let of = Experiment::with(&installed, "hello-script", &[real], script);
    let file = "hello-script/test.yaml";
    let yaml = std::fs::read_to_string(of.world.path(file)).unwrap();
    let by_server = yaml.lines().find(|line| line.contains(JUDGE)).unwrap();
    let by_program = format!("  - {{kind: agent-program, name: {JUDGE}, agent: {}@{}}}", real.kind, real.version());
    of.world.write(file, &yaml.replace(by_server, &by_program));
    let arguments = ["run", "--tiers-dir", "hello-script", "--results-dir", "results", "--runs", "1", "--tiers", "T0"];
    let mut command = of.command(&arguments);
    command.args(["--max-subtests", "1", "--agent", "oracle", "--judge-model", real.model]);
    let told = output(&mut command).exits(0);
    let result = of.result("T0/00/run_01");
    let judge = &result["judges"][1];
    assert_eq!((&judge["model"], &judge["score"]), (&json!(JUDGE), &json!(1.0)), "{told}\n{result:#}");
    let asked = of.server.asked();
    let asked: Vec<_> = asked.iter().filter(|asked| asked.model == real.asked_for).collect();
    assert!(asked.len() >= 2, "the first answer is not valid: {}", asked.len());
    assert!(judge["token_stats"]["output_tokens"].as_u64().is_some_and(|tokens| tokens > 0), "{judge:#}");
    let kept = std::fs::read_to_string(of.world.experiment().join("T0/00/run_01/judge/judge_02/response.txt")).unwrap();
    assert!(kept.contains(invalid) && !kept.contains(KEY), "{kept}");
    of.world.scylla(&["verify", &experiment(&of.world)]).exits(0);
}

#[test]
fn claude_code_judges() {
    judges(&CLAUDE_CODE);
}

#[test]
fn codex_judges() {
    judges(&CODEX);
}

#[test]
fn gemini_judges() {
    judges(&GEMINI);
}

#[test]
fn opencode_judges() {
    judges(&OPENCODE);
}
