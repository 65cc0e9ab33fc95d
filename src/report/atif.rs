//! A run in the Agent Trajectory Interchange Format, version 1.8, whose Python package validates what is made here. One turn of
//! the model is a step there: what it thought, what it said, the tools that it called, and what they answered.

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::model::details::RunDetails;
use crate::model::money::Usd;
use crate::model::steps::{Step, StepKind, Steps};
use crate::model::usage::{Tokens, Usage};
use crate::text::page::pretty;
use crate::text::words::counted;

/// What the format calls its version.
const SCHEMA_VERSION: &str = "ATIF-v1.8";
/// The version of an agent that does not say its own, for the format asks for one.
const NO_VERSION: &str = "unknown";

/// What a trajectory tells of.
#[derive(Debug, Clone, Copy)]
pub struct Material<'a> {
    /// The name of the experiment's folder.
    pub experiment: &'a str,
    /// The kind of agent.
    pub agent: &'a str,
    /// The model that it was told to use.
    pub model: Option<&'a str>,
    /// What it was told to do.
    pub prompt: Option<&'a str>,
    /// What is known of the run.
    pub run: &'a RunDetails,
    /// The steps of its agent, told whole.
    pub steps: &'a Steps,
}

#[derive(Debug, Serialize)]
struct Trajectory<'a> {
    schema_version: &'static str,
    session_id: String,
    agent: AgentOf<'a>,
    steps: Vec<Turn>,
    #[serde(skip_serializing_if = "Option::is_none")]
    notes: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    final_metrics: Option<FinalMetrics>,
    extra: Value,
}

#[derive(Debug, Serialize)]
struct AgentOf<'a> {
    name: &'a str,
    version: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    model_name: Option<&'a str>,
}

/// A step of the format.
#[derive(Debug, Default, Serialize)]
struct Turn {
    step_id: usize,
    source: &'static str,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_content: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<ToolCall>,
    #[serde(skip_serializing_if = "Option::is_none")]
    observation: Option<Observation>,
}

#[derive(Debug, Serialize)]
struct ToolCall {
    #[serde(rename = "tool_call_id")]
    id: String,
    function_name: String,
    arguments: Map<String, Value>,
}

#[derive(Debug, Default, Serialize)]
struct Observation {
    results: Vec<Answer>,
}

#[derive(Debug, Serialize)]
struct Answer {
    /// The call that it answers; absent where that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    source_call_id: Option<String>,
    content: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    extra: Option<Value>,
}

#[derive(Debug, Serialize)]
struct FinalMetrics {
    #[serde(rename = "total_prompt_tokens", skip_serializing_if = "Option::is_none")]
    prompt_tokens: Option<u64>,
    #[serde(rename = "total_completion_tokens", skip_serializing_if = "Option::is_none")]
    completion_tokens: Option<u64>,
    #[serde(rename = "total_cached_tokens", skip_serializing_if = "Option::is_none")]
    cached_tokens: Option<u64>,
    #[serde(rename = "total_cost_usd", skip_serializing_if = "Option::is_none")]
    cost_usd: Option<f64>,
    #[serde(rename = "total_steps")]
    steps: usize,
}

/// The trajectory as JSON; `None` where there is neither a prompt nor a step, for the format has none without.
#[must_use]
pub fn trajectory(material: &Material<'_>) -> Option<String> {
    let run = material.run;
    let turns = turns(material.prompt, material.steps.kept());
    if turns.is_empty() {
        return None;
    }
    let agent = run.agent.as_ref();
    let id = format!("{}/{}/{}", run.run.tier, run.run.subtest, run.run.run);
    Some(pretty(&Trajectory {
        schema_version: SCHEMA_VERSION,
        session_id: format!("{}/{id}", material.experiment),
        agent: AgentOf {
            name: material.agent,
            version: agent.and_then(|agent| agent.version.as_deref()).unwrap_or(NO_VERSION),
            model_name: material.model,
        },
        notes: notes(material.steps),
        final_metrics: agent.map(|agent| metrics(&agent.usage, turns.len())),
        steps: turns,
        extra: json!({
            "run": id,
            "setup": run.name,
            "state": run.state,
            "score": run.score,
            "agent_end": agent.and_then(|agent| agent.end),
        }),
    }))
}

/// What is not in the trajectory, though the agent told it.
fn notes(steps: &Steps) -> Option<String> {
    let more = (steps.left_out() > 0).then(|| format!("{} more are left out.", counted(steps.left_out(), "event")));
    let cut = steps.kept().iter().filter(|step| step.left_out_bytes > 0).count();
    let cut = (cut > 0).then(|| format!("{} cut at its end.", counted(cut, "text")));
    let notes: Vec<String> = more.into_iter().chain(cut).collect();
    (!notes.is_empty()).then(|| notes.join(" "))
}

fn metrics(usage: &Usage, steps: usize) -> FinalMetrics {
    let Tokens { input, output, cache_creation, cache_read } = usage.tokens;
    let read = [input, cache_creation, cache_read].into_iter().flatten();
    FinalMetrics {
        prompt_tokens: read.fold(None, |sum, count| Some(sum.unwrap_or(0) + count)),
        completion_tokens: output,
        cached_tokens: cache_read,
        cost_usd: usage.cost.usd().map(Usd::dollars),
        steps,
    }
}

/// The turns of the model, after what it was told.
fn turns(prompt: Option<&str>, steps: &[Step]) -> Vec<Turn> {
    let told = prompt.map(|prompt| Turn { source: "user", message: prompt.to_owned(), ..Turn::default() });
    let mut turns: Vec<Turn> = told.into_iter().collect();
    let (mut calls, mut is_turn_over) = (0, true);
    for step in steps {
        // Whatever a model does after a tool has answered, or says after it has called one, is its next turn.
        let begins = match step.kind {
            StepKind::Thought | StepKind::Message => {
                is_turn_over || turns.last().is_some_and(|turn| !turn.tool_calls.is_empty())
            }
            StepKind::ToolCall { .. } => is_turn_over,
            StepKind::ToolOutput { .. } => turns.last().is_none_or(|turn| turn.source != "agent"),
        };
        if begins {
            turns.push(Turn { source: "agent", ..Turn::default() });
        }
        let Some(turn) = turns.last_mut() else { continue };
        is_turn_over = matches!(step.kind, StepKind::ToolOutput { .. });
        match &step.kind {
            StepKind::Thought => append(turn.reasoning_content.get_or_insert_default(), &step.text),
            StepKind::Message => append(&mut turn.message, &step.text),
            StepKind::ToolCall { name } => {
                calls += 1;
                turn.tool_calls.push(ToolCall {
                    id: format!("call_{calls}"),
                    function_name: name.clone(),
                    arguments: arguments(&step.text),
                });
            }
            StepKind::ToolOutput { is_error } => {
                let results = &mut turn.observation.get_or_insert_default().results;
                // Tools answer in the order in which they were called.
                let call = turn.tool_calls.get(results.len()).map(|call| call.id.clone());
                results.push(Answer {
                    source_call_id: call,
                    content: step.text.clone(),
                    extra: is_error.then(|| json!({"is_error": true})),
                });
            }
        }
    }
    for (id, turn) in (1..).zip(&mut turns) {
        turn.step_id = id;
    }
    turns
}

fn append(text: &mut String, more: &str) {
    if !text.is_empty() {
        text.push('\n');
    }
    text.push_str(more);
}

/// What a tool was given. What is no JSON object, or was cut, is its text.
fn arguments(text: &str) -> Map<String, Value> {
    serde_json::from_str(text).unwrap_or_else(|_| Map::from_iter([("text".to_owned(), Value::from(text))]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(steps: &[(StepKind, &str)]) -> Value {
        let mut all = Steps::default();
        for (kind, text) in steps {
            all.add(kind.clone(), text);
        }
        serde_json::to_value(turns(Some("Do it."), all.kept())).unwrap()
    }

    fn call(name: &str) -> StepKind {
        StepKind::ToolCall { name: name.to_owned() }
    }

    const OUTPUT: StepKind = StepKind::ToolOutput { is_error: false };

    #[test]
    fn a_turn_has_what_a_model_thought_and_said_its_calls_and_their_answers() {
        let turns = told(&[
            (StepKind::Thought, "hm"),
            (StepKind::Message, "I look."),
            (call("Read"), r#"{"path": "a"}"#),
            (call("Bash"), "not json"),
            (OUTPUT, "one"),
            (StepKind::ToolOutput { is_error: true }, "two"),
            (OUTPUT, "of nobody"),
            (call("Read"), "{}"),
            (StepKind::Message, "Done."),
            (StepKind::Message, "Really."),
        ]);
        assert_eq!(
            turns,
            json!([
                {"step_id": 1, "source": "user", "message": "Do it."},
                {"step_id": 2, "source": "agent", "message": "I look.", "reasoning_content": "hm",
                 "tool_calls": [
                    {"tool_call_id": "call_1", "function_name": "Read", "arguments": {"path": "a"}},
                    {"tool_call_id": "call_2", "function_name": "Bash", "arguments": {"text": "not json"}}],
                 "observation": {"results": [
                    {"source_call_id": "call_1", "content": "one"},
                    {"source_call_id": "call_2", "content": "two", "extra": {"is_error": true}},
                    {"content": "of nobody"}]}},
                {"step_id": 3, "source": "agent", "message": "",
                 "tool_calls": [{"tool_call_id": "call_3", "function_name": "Read", "arguments": {}}]},
                {"step_id": 4, "source": "agent", "message": "Done.\nReally."},
            ])
        );
    }

    #[test]
    fn an_answer_without_a_call_is_a_turn_and_nothing_at_all_is_no_trajectory() {
        let turns = told(&[(OUTPUT, "x")]);
        assert_eq!(turns[1]["observation"]["results"], json!([{"content": "x"}]));
        assert!(super::turns(None, &[]).is_empty());
    }
}
