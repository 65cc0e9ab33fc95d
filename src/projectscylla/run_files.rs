//! The files that ProjectScylla keeps of the stages of a run, filled in as far as a result of ours allows: by them its
//! tools see that the agent and each judge are done.

use crate::model::result::{Judgment, RunResult};
use crate::model::usage::{Tokens, Total, Usage};

use super::checkpoint::time;
use super::json::Json;

/// The exit code that ProjectScylla gives an agent that ended without one.
pub(super) const NO_EXIT_CODE: i32 = -1;

/// The files of a run's stages, by their paths below its folder.
#[must_use]
pub fn of(result: &RunResult) -> Vec<(String, String)> {
    let mut files = vec![
        ("agent/result.json".to_owned(), agent(result)),
        ("agent/timing.json".to_owned(), timing(result, "agent_duration_seconds", result.agent_duration_seconds)),
        ("judge/result.json".to_owned(), verdict(result)),
        ("judge/timing.json".to_owned(), timing(result, "judge_duration_seconds", result.judge_duration_seconds)),
    ];
    for judgment in &result.judges {
        files.push((format!("judge/{}/judgment.json", judgment.judge_number), judge(judgment)));
    }
    files.into_iter().map(|(path, json)| (path, json.indented())).collect()
}

fn agent(result: &RunResult) -> Json {
    // ProjectScylla writes 0 for what is not known.
    let Usage { tokens: Tokens { input, output, cache_creation, cache_read }, cost } = result.usage;
    Json::map([
        ("exit_code", result.exit_code.unwrap_or(NO_EXIT_CODE).into()),
        ("stdout", "".into()),
        ("stderr", "".into()),
        (
            "token_stats",
            Json::map([
                ("input_tokens", input.unwrap_or_default().into()),
                ("output_tokens", output.unwrap_or_default().into()),
                ("cache_creation_tokens", cache_creation.unwrap_or_default().into()),
                ("cache_read_tokens", cache_read.unwrap_or_default().into()),
            ]),
        ),
        ("cost_usd", Total::from(cost).known.dollars().into()),
        ("api_calls", 1_u32.into()),
    ])
}

fn timing(result: &RunResult, key: &str, seconds: f64) -> Json {
    Json::map([(key, seconds.into()), ("measured_at", time(result.committed_at).into())])
}

fn verdict(result: &RunResult) -> Json {
    let reasoning = result.judges.first().map(|judgment| judgment.reasoning.as_str()).unwrap_or_default();
    Json::map([
        ("score", result.judge_score.get().into()),
        ("passed", result.judge_passed.into()),
        ("grade", result.judge_grade.to_string().into()),
        ("reasoning", reasoning.into()),
        ("is_valid", true.into()),
        ("criteria_scores", Json::Map(Vec::new())),
    ])
}

fn judge(judgment: &Judgment) -> Json {
    Json::map([
        ("score", judgment.score.get().into()),
        ("passed", judgment.passed.into()),
        ("grade", judgment.grade.to_string().into()),
        ("reasoning", judgment.reasoning.as_str().into()),
        ("is_valid", true.into()),
        ("criteria_scores", Json::Map(Vec::new())),
    ])
}
