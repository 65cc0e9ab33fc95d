//! A run as a sample of an Inspect log: what was asked, what came of it, and what each judge said.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::used::Used;
use super::{Eval, PASSED, SCORE, details, error, judge_name, times};
use crate::model::details::{AttemptDetails, CheckDetails, RunDetails};
use crate::model::experiment::Config;
use crate::model::outcome::{AgentEnd, AttemptEnd};
use crate::model::reported::{Clip, ReportedRun, RunTexts};
use crate::model::result::Judgment;
use crate::model::row::{RowStatus, RunRow};
use crate::report::show;
use crate::text::escape;
use crate::text::words::{bytes, counted};

/// Keys of a run's details that stand elsewhere in its sample.
const TOLD: [&str; 8] = ["run", "name", "state", "score", "grade", "judges", "items", "why"];

pub(super) fn sample(eval: &Eval<'_>, run: &ReportedRun) -> Value {
    let row = &run.row;
    let texts = run.whole.as_deref().and_then(|whole| whole.texts.as_ref());
    let details = details(run);
    let agent = details.and_then(|details| details.agent.as_ref());
    let (started, committed) = times(run);
    let id = eval.id(&row.run.to_string());
    let prompt = texts.and_then(|texts| texts.prompt.as_ref()).map(part);
    let asked = prompt.as_deref().unwrap_or("(The prompt of this run is not in this log.)");
    let output = texts.and_then(|texts| texts.output.as_ref()).map(|clip| block("text", clip));
    let answer = output.map(|text| json!({"id": format!("{id}-output"), "role": "assistant", "content": text}));
    let question = prompt.is_some().then(|| json!({"id": format!("{id}-prompt"), "role": "user", "content": asked}));
    json!({
        "id": eval.task,
        "epoch": row.run.run.get(),
        "input": asked,
        "target": "",
        "description": row.name,
        "messages": question.into_iter().chain(answer.clone()).collect::<Vec<_>>(),
        "output": {
            "model": eval.model,
            "choices": answer.into_iter().map(|message| json!({"message": message, "stop_reason": stop(row.end)})).collect::<Vec<_>>(),
            "time": agent.and_then(|agent| agent.duration_seconds),
        },
        "scores": scores(run, details),
        "metadata": metadata(row, details, texts),
        "events": events(row, details, texts, started.or(committed).unwrap_or(eval.created)),
        "model_usage": eval.by_model(Used::of(run)),
        "started_at": started,
        "completed_at": committed,
        "total_time": row.seconds,
        "working_time": agent.and_then(|agent| agent.duration_seconds),
        "uuid": id,
        "error": row.is_missing().then(|| error(&why(row))),
        "error_retries": details.map(|details| &details.attempts).filter(|attempts| !attempts.is_empty())
            .map(|attempts| attempts.iter().map(attempt).collect::<Vec<_>>()),
        "limit": row.end.zip(eval.experiment.config.as_ref()).and_then(|(end, config)| limit(end, config)),
    })
}

/// Why it has no verdict.
fn why(row: &RunRow) -> String {
    match (&row.reason, row.status) {
        (Some(reason), status) => format!("{status}: {reason}"),
        (None, RowStatus::NotStarted) => format!("{}: this planned run was not started yet", row.status),
        (None, status) => format!("{status}: this run has no verdict"),
    }
}

fn scores(run: &ReportedRun, details: Option<&RunDetails>) -> Option<Value> {
    let row = &run.row;
    if row.is_missing() {
        return None;
    }
    let judges = details.map(|details| details.judges.as_slice()).unwrap_or_default();
    let passed = row.status == RowStatus::Passed;
    let of_judge = |judge: &Judgment| {
        let name =
            if judge.model.is_empty() { String::new() } else { format!(" ({})", escape::markdown(&judge.model)) };
        let word = RowStatus::judged(judge.passed);
        format!("- {}{name}: {word}, score {}, grade {}\n", judge.judge_number, judge.score, judge.grade)
    };
    let mut because =
        row.reason.as_deref().map(|reason| format!("{}\n\n", escape::markdown(reason))).unwrap_or_default();
    because.extend(judges.iter().map(of_judge));
    let mut scores = Map::new();
    scores.insert(
        PASSED.to_owned(),
        json!({
            "value": if passed { "C" } else { "I" },
            "explanation": because.trim_end(),
            "metadata": {
                "judges": judges.len(),
                "judges_passed": judges.iter().filter(|judge| judge.passed).count(),
                "grading": row.grading.map(|grading| grading.0),
            },
        }),
    );
    if let Some(score) = row.score.filter(|score| score.is_finite()) {
        let explanation = format!("the mean of {}", counted(judges.len(), "judge"));
        scores.insert(
            SCORE.to_owned(),
            json!({"value": score, "explanation": explanation, "metadata": {"grade": row.grade}}),
        );
    }
    for judge in judges {
        scores.insert(judge_name(judge.judge_number.0), judged(judge, details));
    }
    Some(Value::Object(scores))
}

/// What one judge said, and its score of each item of the rubric.
fn judged(judge: &Judgment, details: Option<&RunDetails>) -> Value {
    let items = details.iter().flat_map(|details| &details.items);
    let items = items.flat_map(|item| {
        let said = item.scores.iter().filter(|said| said.judge == judge.judge_number);
        said.map(move |said| {
            json!({
                "id": item.id,
                "description": item.description,
                "weight": item.weight,
                "rests_on": item.rests_on,
                "score": said.score,
                "explanation": said.explanation,
            })
        })
    });
    json!({
        "value": judge.score,
        "explanation": judge.reasoning,
        "metadata": {
            "judge": judge.model,
            "passed": judge.passed,
            "grade": judge.grade,
            "cost_usd": judge.cost.usd(),
            "duration_seconds": judge.duration_seconds,
            "items": items.collect::<Vec<_>>(),
        },
    })
}

/// The row of the run as `runs` writes it, and everything else that is known of it.
fn metadata(row: &RunRow, details: Option<&RunDetails>, texts: Option<&RunTexts>) -> Value {
    let object = |value: Result<Value, serde_json::Error>| match value {
        Ok(Value::Object(entries)) => entries,
        _ => Map::new(),
    };
    let mut metadata = object(serde_json::to_value(row));
    if let Some(details) = details {
        let rest = object(serde_json::to_value(details)).into_iter();
        let rest: Map<String, Value> = rest.filter(|(key, _)| !TOLD.contains(&key.as_str())).collect();
        metadata.insert("details".to_owned(), Value::Object(rest));
    }
    let named = |texts: &RunTexts| {
        let parts = [("prompt", &texts.prompt), ("patch", &texts.patch), ("output", &texts.output)].into_iter();
        let known = parts.filter_map(|(name, clip)| Some((name, clip.as_ref()?)));
        let told = known.map(|(name, clip)| {
            (name.to_owned(), json!({"left_out_bytes": clip.left_out, "is_withheld": clip.is_withheld}))
        });
        Value::Object(told.collect())
    };
    metadata.insert("texts".to_owned(), texts.map_or(Value::Null, named));
    Value::Object(metadata)
}

/// What its transcript shows: how it ended, the patch, and each check. Without any event the viewer says that they were removed.
fn events(row: &RunRow, details: Option<&RunDetails>, texts: Option<&RunTexts>, at: Timestamp) -> Vec<Value> {
    let event = |source: &str, text: String| json!({"event": "info", "timestamp": at, "working_start": 0.0, "source": source, "data": text});
    let facts = details.map(show::facts).unwrap_or_default();
    let facts = facts.iter().map(|(name, fact)| format!("- {name}: {}\n", escape::markdown(fact)));
    let run =
        event("run", format!("{} {}\n\n{}", row.run, row.status, facts.collect::<String>()).trim_end().to_owned());
    let patch = texts.and_then(|texts| texts.patch.as_ref()).map(|clip| event("changes", block("diff", clip)));
    let check = |check: &CheckDetails| {
        let how = escape::markdown(&show::check_words(&check.result));
        let tail = check.excerpt.as_ref().map(|excerpt| format!("\n\n{}", fenced("text", &excerpt.text)));
        event(&format!("check {}", check.result.name), format!("{how}{}", tail.unwrap_or_default()))
    };
    let checks = details.iter().flat_map(|details| &details.checks).map(check);
    [run].into_iter().chain(patch).chain(checks).collect()
}

fn attempt(attempt: &AttemptDetails) -> Value {
    let why = attempt.record.as_ref().map(|record| match &record.end {
        AttemptEnd::Failed { failure, .. } => format!("failed in {}: {}", record.stage, failure.words()),
        AttemptEnd::Interrupted => format!("was stopped in {}", record.stage),
        AttemptEnd::Rerun => "a person asked for another attempt".to_owned(),
    });
    error(&why.unwrap_or_else(|| "no record tells why it was set aside".to_owned()))
}

fn stop(end: Option<AgentEnd>) -> &'static str {
    match end {
        Some(AgentEnd::Finished) => "stop",
        Some(AgentEnd::Refused) => "content_filter",
        Some(AgentEnd::ContextTooLong) => "model_length",
        _ => "unknown",
    }
}

/// The limit that ended the agent, where its size is known.
fn limit(end: AgentEnd, config: &Config) -> Option<Value> {
    let (kind, most) = match end {
        AgentEnd::TimedOut => ("time", config.timeout_seconds),
        AgentEnd::NoProgress => ("custom", config.no_progress_seconds?),
        AgentEnd::OutputLimit => ("custom", config.output_limit_bytes),
        AgentEnd::Finished | AgentEnd::OverBudget | AgentEnd::Refused | AgentEnd::ContextTooLong => return None,
    };
    Some(json!({"type": kind, "limit": most, "reason": format!("the agent {}", end.verb())}))
}

/// A text with a word on what is not in it.
fn part(clip: &Clip) -> String {
    if clip.is_withheld {
        return "(This text is withheld because it holds a secret.)".to_owned();
    }
    let left_out = (clip.left_out > 0).then(|| format!("\n\n(Left out here: {}.)", bytes(clip.left_out)));
    format!("{}{}", clip.text, left_out.unwrap_or_default())
}

/// A text of a program or a patch in a block of its own, in which the viewer takes nothing for Markdown.
fn block(language: &str, clip: &Clip) -> String {
    if clip.is_withheld {
        return part(clip);
    }
    let left_out = (clip.left_out > 0).then(|| format!("(Left out: {}.)\n\n", bytes(clip.left_out)));
    format!("{}{}", left_out.unwrap_or_default(), fenced(language, &clip.text))
}

fn fenced(language: &str, text: &str) -> String {
    let longest = text.split(|char| char != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}{language}\n{}\n{fence}", text.trim_end_matches('\n'))
}
