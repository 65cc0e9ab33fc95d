//! Streams as a tape keeps them. A provider cuts a text anywhere, so that what is an attempt's own may stand across two events, where no
//! name could stand for it: then such events become one, which says the same.

use serde_json::Value;

/// The keys that hold a part of a text that grows from event to event.
const GROWING: [&str; 8] =
    ["arguments", "content", "delta", "partial_json", "reasoning", "reasoning_content", "text", "thinking"];
/// Keys that differ from event to event and say nothing of the text.
const VARYING: [&str; 3] = ["created", "obfuscation", "sequence_number"];

/// The same stream with the parts of each text as one event; `None` for what is no stream, or has no such parts.
pub(super) fn joined(answer: &str) -> Option<String> {
    let mut events: Vec<Event<'_>> = Vec::new();
    let mut is_joined = false;
    for text in answer.split_inclusive("\n\n") {
        let event = Event::of(text);
        if events.last_mut().is_some_and(|before| before.takes(&event)) {
            is_joined = true;
        } else {
            events.push(event);
        }
    }
    is_joined.then(|| events.iter().map(Event::text).collect())
}

/// One event of a stream.
struct Event<'t> {
    text: &'t str,
    /// What stands before its content.
    head: &'t str,
    /// Its content, where that is one line of JSON.
    content: Option<Value>,
    /// Whether it is more than its own text.
    is_joined: bool,
}

impl<'t> Event<'t> {
    fn of(text: &'t str) -> Self {
        let at = if text.starts_with("data:") { Some(0) } else { text.find("\ndata:").map(|at| at + 1) };
        let (head, line) = text.split_at(at.unwrap_or(0));
        let line = line.strip_prefix("data:").map(str::trim).filter(|line| !line.contains('\n'));
        Self { text, head, content: line.and_then(|line| serde_json::from_str(line).ok()), is_joined: false }
    }

    /// Takes over what another event adds to its text; `false`, and it stays as it is, where that is not all that it says.
    fn takes(&mut self, other: &Self) -> bool {
        let (Some(content), Some(added)) = (&mut self.content, &other.content) else { return false };
        let mut texts = 0;
        let adds = self.head == other.head && grows(content, added, &mut texts) && texts == 1;
        if adds {
            add(content, added);
            self.is_joined = true;
        }
        adds
    }

    fn text(&self) -> String {
        match &self.content {
            Some(content) if self.is_joined => format!("{}data: {content}\n\n", self.head),
            _ => self.text.to_owned(),
        }
    }
}

/// Whether an event differs from the one before in nothing but texts that grow, which are counted.
fn grows(before: &Value, added: &Value, texts: &mut usize) -> bool {
    match (before, added) {
        (Value::Object(before), Value::Object(added)) => {
            before.len() == added.len()
                && before.iter().all(|(key, value)| match (value, added.get(key)) {
                    (_, Some(_)) if VARYING.contains(&key.as_str()) => true,
                    (Value::String(_), Some(Value::String(_))) if GROWING.contains(&key.as_str()) => {
                        *texts += 1;
                        true
                    }
                    (value, Some(more)) => grows(value, more, texts),
                    (_, None) => false,
                })
        }
        (Value::Array(before), Value::Array(added)) => {
            before.len() == added.len() && before.iter().zip(added).all(|(before, added)| grows(before, added, texts))
        }
        (before, added) => before == added,
    }
}

/// Adds the text of such an event.
fn add(whole: &mut Value, added: &Value) {
    match (whole, added) {
        (Value::Object(whole), Value::Object(added)) => {
            for (key, value) in whole.iter_mut().filter(|(key, _)| !VARYING.contains(&key.as_str())) {
                match (value, added.get(key)) {
                    (Value::String(text), Some(Value::String(more))) if GROWING.contains(&key.as_str()) => {
                        text.push_str(more);
                    }
                    (value, Some(more)) => add(value, more),
                    (_, None) => {}
                }
            }
        }
        (Value::Array(whole), Value::Array(added)) => {
            whole.iter_mut().zip(added).for_each(|(whole, added)| add(whole, added));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn stream(events: &[(&str, Value)]) -> String {
        let head = |name: &str| if name.is_empty() { String::new() } else { format!("event: {name}\n") };
        let events: Vec<String> =
            events.iter().map(|(name, content)| format!("{}data: {content}\n\n", head(name))).collect();
        events.concat()
    }

    #[test]
    fn parts_of_one_text_become_one_event_and_everything_else_stays_in_every_interface() {
        let of_anthropic = |index: u64, part: &str| {
            let delta = json!({"type": "input_json_delta", "partial_json": part});
            ("content_block_delta", json!({"type": "content_block_delta", "index": index, "delta": delta}))
        };
        let of_chat = |part: &str| {
            let call = json!([{"index": 0, "function": {"arguments": part}}]);
            let choice = json!({"index": 0, "delta": {"tool_calls": call}, "finish_reason": null});
            ("", json!({"id": "c", "created": part.len(), "choices": [choice]}))
        };
        let of_responses = |number: u64, part: &str| {
            let kind = "response.function_call_arguments.delta";
            (kind, json!({"type": kind, "sequence_number": number, "item_id": "i", "delta": part}))
        };
        let stop = ("content_block_stop", json!({"type": "content_block_stop", "index": 0}));
        for (cut, whole) in [
            (
                vec![of_anthropic(0, "/va"), of_anthropic(0, "r/x"), of_anthropic(0, "r/x"), stop.clone()],
                vec![of_anthropic(0, "/var/xr/x"), stop.clone()],
            ),
            (vec![of_chat("/va"), of_chat("r/x")], vec![("", of_chat("/va").1)]),
            (vec![of_responses(3, "/va"), of_responses(4, "r")], vec![of_responses(3, "/var")]),
        ] {
            let mut whole = whole;
            if whole[0].0.is_empty() {
                whole[0].1["choices"][0]["delta"]["tool_calls"][0]["function"]["arguments"] = json!("/var/x");
            }
            assert_eq!(joined(&stream(&cut)), Some(stream(&whole)));
        }
        for apart in [
            vec![of_anthropic(0, "a"), of_anthropic(1, "b")],
            vec![of_anthropic(0, "a"), stop.clone(), of_anthropic(0, "b")],
            vec![("ping", json!({"type": "ping"})), ("ping", json!({"type": "ping"}))],
            vec![stop],
        ] {
            assert_eq!(joined(&stream(&apart)), None);
        }
        for none in
            ["", "data: [DONE]\n\n", "{\"a\": 1}", "data: {\"text\": \"a\"}\ndata: x\n\ndata: {\"text\": \"b\"}"]
        {
            assert_eq!(joined(none), None, "{none}");
        }
    }
}
