//! The steps that a log tells: what the program thought and said, in pieces, and its calls of tools, each in several updates.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::agent::steps::{call, of_events, printed, text};
use crate::model::agent::StepsIn;
use crate::model::steps::{StepKind, Steps};

/// Where the steps are told.
pub const STEPS: StepsIn = printed(|bytes| {
    let mut telling = Telling::default();
    let mut steps = of_events(bytes, |event, steps| telling.add(event, steps));
    telling.end_thought(&mut steps);
    steps
});

/// The steps that are not whole yet.
#[derive(Debug, Default)]
struct Telling {
    /// Pieces of a thought.
    thought: String,
    /// Calls that are not added yet, because it is not known yet with what: the name and the title, by id.
    calls: BTreeMap<String, (Value, Value)>,
}

impl Telling {
    fn add(&mut self, event: &Value, steps: &mut Steps) {
        let update = &event["received"]["params"]["update"];
        let Some(kind) = update["sessionUpdate"].as_str() else { return };
        if kind == "agent_thought_chunk" {
            return self.thought.push_str(&text(&update["content"]["text"]));
        }
        match kind {
            "agent_message_chunk" => {
                self.end_thought(steps);
                steps.add_piece(&piece(&update["content"]));
            }
            "tool_call" | "tool_call_update" => {
                self.end_thought(steps);
                self.tool(update, steps);
            }
            _ => {}
        }
    }

    fn end_thought(&mut self, steps: &mut Steps) {
        steps.add(StepKind::Thought, &std::mem::take(&mut self.thought));
    }

    /// A call is told in several updates: what it is given may come later than its name, and its output comes last.
    fn tool(&mut self, update: &Value, steps: &mut Steps) {
        let id = text(&update["toolCallId"]);
        if update["sessionUpdate"] == "tool_call" {
            self.calls.insert(id.clone(), (update["kind"].clone(), update["title"].clone()));
        }
        let is_error = match update["status"].as_str() {
            Some("completed") => Some(false),
            Some("failed") => Some(true),
            _ => None,
        };
        let input = Some(&update["rawInput"]).filter(|input| input.as_object().is_some_and(|input| !input.is_empty()));
        if (input.is_some() || is_error.is_some())
            && let Some((name, title)) = self.calls.remove(&id)
        {
            let name = if name.is_string() { name } else { title.clone() };
            steps.add(call(&name), &input.map_or_else(|| text(&title), text));
        }
        if let Some(is_error) = is_error {
            steps.add(StepKind::ToolOutput { is_error }, &output(update));
        }
    }
}

/// What a call of a tool gave.
fn output(update: &Value) -> String {
    let parts: Vec<String> = update["content"].as_array().into_iter().flatten().map(part).collect();
    if parts.is_empty() { text(&update["rawOutput"]) } else { parts.join("\n") }
}

/// A part of what a call gave: a text, the change of a file by its name, or something else by its type.
fn part(part: &Value) -> String {
    match part["type"].as_str() {
        Some("content") => piece(&part["content"]),
        Some("diff") => format!("[change of {}]", text(&part["path"])),
        other => format!("[{}]", other.unwrap_or("part")),
    }
}

fn piece(content: &Value) -> String {
    content["text"].as_str().map_or_else(|| format!("[{}]", text(&content["type"])), str::to_owned)
}
