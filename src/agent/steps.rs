//! What all kinds of agents share that tell their steps: the walk over the events that a program printed, and values of JSON as
//! texts.

use serde_json::Value;

use super::events::{Lines, event};
use crate::model::agent::{Output, StepsIn};
use crate::model::steps::{StepKind, Steps};

/// The steps of a program that prints events to its standard output.
pub(super) const fn printed(read: fn(&[u8]) -> Steps) -> StepsIn {
    StepsIn { output: Output::Stdout, read }
}

/// The steps that events tell: one event for each line. A last line without its end counts when it is whole.
pub(super) fn of_events(bytes: &[u8], mut add: impl FnMut(&Value, &mut Steps)) -> Steps {
    let (mut lines, mut steps) = (Lines::default(), Steps::default());
    lines.feed(bytes, |line| event(line).iter().for_each(|event| add(event, &mut steps)));
    lines.last().iter().for_each(|event| add(event, &mut steps));
    steps
}

/// A call of the tool with this name.
pub(super) fn call(name: &Value) -> StepKind {
    StepKind::ToolCall { name: text(name) }
}

/// A value as text: a text as it is, a list of parts by the texts of its parts, anything else as JSON. A part that is no text, a
/// picture for one, is named by its type.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().map(part).collect::<Vec<_>>().join("\n"),
        other => other.to_string(),
    }
}

fn part(part: &Value) -> String {
    match (part["text"].as_str().or_else(|| part.as_str()), part["type"].as_str()) {
        (Some(text), _) => text.to_owned(),
        (None, Some(kind)) => format!("[{kind}]"),
        (None, None) => part.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_value_has_a_text() {
        let value = |json: &str| text(&serde_json::from_str(json).unwrap());
        assert_eq!(value("null") + &value("\"a\\nb\""), "a\nb");
        assert_eq!(
            value("[{\"type\":\"text\",\"text\":\"a\"},{\"type\":\"image\",\"data\":\"…\"},\"b\",7]"),
            "a\n[image]\nb\n7"
        );
        assert_eq!(value("{\"a\":[1]}"), "{\"a\":[1]}");
    }
}
