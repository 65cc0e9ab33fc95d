//! A run as a sample of an Inspect log: what was asked, what came of it, and what each judge said.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use super::known::Metadata;
use super::scored::{Scored, scores};
use super::used::Used;
use super::written::Entries;
use super::{Eval, details, error, times};
use crate::model::details::{AttemptDetails, CheckDetails, RunDetails};
use crate::model::experiment::Config;
use crate::model::outcome::{AgentEnd, AttemptEnd};
use crate::model::reported::{Clip, ReportedRun, RunTexts};
use crate::model::row::{RowStatus, RunRow};
use crate::report::show;
use crate::text::escape;
use crate::text::words::bytes;

/// One run, with the keys of Inspect's samples.
#[derive(Debug, Serialize)]
pub(super) struct Sample<'a> {
    id: &'a str,
    epoch: u32,
    input: Cow<'a, str>,
    target: &'static str,
    description: Option<&'a str>,
    messages: Vec<Value>,
    output: Value,
    scores: Option<Entries<Scored<'a>>>,
    metadata: Metadata<'a>,
    events: Vec<Event>,
    model_usage: Value,
    started_at: Option<Timestamp>,
    completed_at: Option<Timestamp>,
    total_time: Option<f64>,
    working_time: Option<f64>,
    uuid: String,
    error: Option<Value>,
    error_retries: Option<Vec<Value>>,
    limit: Option<Value>,
}

impl<'a> Sample<'a> {
    pub(super) fn of(eval: &'a Eval<'_>, run: &'a ReportedRun) -> Self {
        let row = &run.row;
        let texts = run.whole.as_deref().and_then(|whole| whole.texts.as_ref());
        let details = details(run);
        let agent = details.and_then(|details| details.agent.as_ref());
        let (started, committed) = times(run);
        let id = eval.id(&row.run.to_string());
        let prompt = texts.and_then(|texts| texts.prompt.as_ref()).map(part);
        let output = texts.and_then(|texts| texts.output.as_ref()).map(|clip| block("text", clip));
        let answer = output.map(|text| json!({"id": format!("{id}-output"), "role": "assistant", "content": text}));
        let question =
            prompt.as_ref().map(|asked| json!({"id": format!("{id}-prompt"), "role": "user", "content": asked}));
        let choice = |message: &Value| json!({"message": message, "stop_reason": stop(row.end)});
        Self {
            id: eval.task,
            epoch: row.run.run.get(),
            output: json!({
                "model": eval.model,
                "choices": answer.iter().map(choice).collect::<Vec<_>>(),
                "time": agent.and_then(|agent| agent.duration_seconds),
            }),
            messages: question.into_iter().chain(answer).collect(),
            input: prompt.map_or(Cow::Borrowed("(The prompt of this run is not in this log.)"), Cow::Owned),
            target: "",
            description: row.name.as_deref(),
            scores: scores(run, details),
            metadata: Metadata::of(row, details, texts),
            events: events(row, details, texts, started.or(committed).unwrap_or(eval.created)),
            model_usage: eval.by_model(Used::of(run)),
            started_at: started,
            completed_at: committed,
            total_time: row.seconds,
            working_time: agent.and_then(|agent| agent.duration_seconds),
            uuid: id,
            error: row.is_missing().then(|| error(&why(row))),
            error_retries: details
                .map(|details| &details.attempts)
                .filter(|attempts| !attempts.is_empty())
                .map(|attempts| attempts.iter().map(attempt).collect()),
            limit: row.end.zip(eval.experiment.config.as_ref()).and_then(|(end, config)| limit(end, config)),
        }
    }
}

/// Why it has no verdict.
fn why(row: &RunRow) -> String {
    match (&row.reason, row.status) {
        (Some(reason), status) => format!("{status}: {reason}"),
        (None, RowStatus::NotStarted) => format!("{}: this planned run was not started yet", row.status),
        (None, status) => format!("{status}: this run has no verdict"),
    }
}

/// What its transcript shows: how it ended, the patch, and each check. Without any event the viewer says that they were removed.
fn events(row: &RunRow, details: Option<&RunDetails>, texts: Option<&RunTexts>, at: Timestamp) -> Vec<Event> {
    let event = |source, data| Event { kind: "info", timestamp: at, working_start: 0.0, source, data };
    let facts = details.map(show::facts).unwrap_or_default();
    let facts = facts.iter().map(|(name, fact)| format!("- {name}: {}\n", escape::markdown(fact)));
    let run = format!("{} {}\n\n{}", row.run, row.status, facts.collect::<String>()).trim_end().to_owned();
    let patch = texts.and_then(|texts| texts.patch.as_ref());
    let patch = patch.map(|clip| event(Cow::Borrowed("changes"), block("diff", clip)));
    let check = |check: &CheckDetails| {
        let how = escape::markdown(&show::check_words(&check.result));
        let tail = check.excerpt.as_ref().map(|excerpt| format!("\n\n{}", fenced("text", &excerpt.text)));
        let source = Cow::Owned(format!("check {}", check.result.name));
        event(source, format!("{how}{}", tail.unwrap_or_default()))
    };
    let checks = details.into_iter().flat_map(|details| &details.checks).map(check);
    [event(Cow::Borrowed("run"), run)].into_iter().chain(patch).chain(checks).collect()
}

/// A line of a transcript.
#[derive(Debug, Serialize)]
struct Event {
    #[serde(rename = "event")]
    kind: &'static str,
    timestamp: Timestamp,
    working_start: f64,
    source: Cow<'static, str>,
    data: String,
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
