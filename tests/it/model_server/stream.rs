//! An answer as a stream of server-sent events: the same answer, in the pieces in which each API sends it.

use serde_json::{Value, json};

use super::api::Api;

/// The events of a whole answer.
pub(super) fn events(api: Api, answer: &Value) -> Vec<String> {
    match api {
        Api::AnthropicMessages => anthropic(answer),
        Api::OpenAiChat => chat(answer),
        Api::OpenAiResponses => responses(answer),
        Api::Gemini => gemini(answer),
    }
}

/// An event whose type is its name.
fn named(data: &Value) -> String {
    format!("event: {}\ndata: {data}\n\n", data["type"].as_str().unwrap_or_default())
}

fn unnamed(data: &Value) -> String {
    format!("data: {data}\n\n")
}

/// Two pieces of a text, so that a stream can end in its middle.
fn halves(text: &str) -> [&str; 2] {
    let middle = (0..=text.len() / 2).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default();
    [&text[..middle], &text[middle..]]
}

fn texts(value: &Value) -> [&str; 2] {
    halves(value.as_str().unwrap_or_default())
}

fn parts(value: &Value) -> impl Iterator<Item = (usize, &Value)> {
    value.as_array().into_iter().flatten().enumerate()
}

/// A message with another value in some places.
fn with(value: &Value, places: &[(&str, Value)]) -> Value {
    let mut value = value.clone();
    for (pointer, other) in places {
        value[*pointer] = other.clone();
    }
    value
}

fn anthropic(answer: &Value) -> Vec<String> {
    let usage = with(&answer["usage"], &[("output_tokens", json!(1))]);
    let begun = with(answer, &[("content", json!([])), ("stop_reason", Value::Null), ("usage", usage)]);
    let mut events = vec![json!({"type": "message_start", "message": begun})];
    for (index, part) in parts(&answer["content"]) {
        let (empty, deltas) = if part["type"] == "text" {
            let deltas = texts(&part["text"]).map(|text| json!({"type": "text_delta", "text": text}));
            (with(part, &[("text", json!(""))]), deltas)
        } else {
            let input = part["input"].to_string();
            let deltas = halves(&input).map(|json| json!({"type": "input_json_delta", "partial_json": json}));
            (with(part, &[("input", json!({}))]), deltas)
        };
        events.push(json!({"type": "content_block_start", "index": index, "content_block": empty}));
        let delta = |delta: Value| json!({"type": "content_block_delta", "index": index, "delta": delta});
        events.extend(deltas.map(delta));
        events.push(json!({"type": "content_block_stop", "index": index}));
    }
    let delta = json!({"stop_reason": answer["stop_reason"], "stop_sequence": null});
    events.push(
        json!({"type": "message_delta", "delta": delta, "usage": {"output_tokens": answer["usage"]["output_tokens"]}}),
    );
    events.push(json!({"type": "message_stop"}));
    events.iter().map(named).collect()
}

fn chat(answer: &Value) -> Vec<String> {
    let choice = &answer["choices"][0];
    let chunk = |delta: Value, reason: &Value| {
        let choices = json!([{"index": 0, "delta": delta, "finish_reason": reason}]);
        json!({"id": answer["id"], "object": "chat.completion.chunk", "created": answer["created"],
            "model": answer["model"], "choices": choices, "usage": null})
    };
    let message = &choice["message"];
    let mut chunks = vec![chunk(json!({"role": "assistant", "content": ""}), &Value::Null)];
    chunks.extend(texts(&message["content"]).map(|text| chunk(json!({"content": text}), &Value::Null)));
    for (index, call) in parts(&message["tool_calls"]) {
        let first = with(
            call,
            &[("index", json!(index)), ("function", json!({"name": call["function"]["name"], "arguments": ""}))],
        );
        chunks.push(chunk(json!({"tool_calls": [first]}), &Value::Null));
        for piece in texts(&call["function"]["arguments"]) {
            let call = json!({"index": index, "function": {"arguments": piece}});
            chunks.push(chunk(json!({"tool_calls": [call]}), &Value::Null));
        }
    }
    chunks.push(chunk(json!({}), &choice["finish_reason"]));
    chunks.push(with(&chunk(json!({}), &Value::Null), &[("choices", json!([])), ("usage", answer["usage"].clone())]));
    chunks.iter().map(unnamed).chain(["data: [DONE]\n\n".to_owned()]).collect()
}

fn responses(answer: &Value) -> Vec<String> {
    let begun = with(answer, &[("status", json!("in_progress")), ("output", json!([])), ("usage", Value::Null)]);
    let mut events = vec![json!({"type": "response.created", "response": begun})];
    for (index, item) in parts(&answer["output"]) {
        let (id, of) = (&item["id"], |kind: &str| format!("response.{kind}"));
        let (field, empty) = if item["type"] == "message" { ("content", json!([])) } else { ("arguments", json!("")) };
        let empty = if item[field].is_null() { item.clone() } else { with(item, &[(field, empty)]) };
        events.push(json!({"type": of("output_item.added"), "output_index": index, "item": empty}));
        for (place, part) in parts(&item["content"]) {
            let empty = with(part, &[("text", json!(""))]);
            events.push(json!({"type": of("content_part.added"), "item_id": id, "output_index": index, "content_index": place, "part": empty}));
            events.extend(texts(&part["text"]).map(|text| {
                json!({"type": of("output_text.delta"), "item_id": id, "output_index": index, "content_index": place, "delta": text})
            }));
        }
        if item["arguments"].is_string() {
            let delta = |piece: &str| json!({"type": of("function_call_arguments.delta"), "item_id": id, "output_index": index, "delta": piece});
            events.extend(texts(&item["arguments"]).map(delta));
        }
        events.push(json!({"type": of("output_item.done"), "output_index": index, "item": item}));
    }
    events.push(json!({"type": "response.completed", "response": answer}));
    let numbered = events.iter().enumerate().map(|(place, event)| with(event, &[("sequence_number", json!(place))]));
    numbered.map(|event| named(&event)).collect()
}

fn gemini(answer: &Value) -> Vec<String> {
    let candidate = &answer["candidates"][0];
    let said = candidate["content"]["parts"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut pieces = Vec::new();
    for part in said {
        match part["text"].as_str() {
            Some(text) => pieces.extend(halves(text).map(|text| json!({"text": text}))),
            None => pieces.push(part.clone()),
        }
    }
    let last = pieces.len().saturating_sub(1);
    let chunk = |(place, part): (usize, Value)| {
        let content = json!({"role": "model", "parts": [part]});
        if place == last {
            return with(answer, &[("candidates", json!([with(candidate, &[("content", content)])]))]);
        }
        json!({"candidates": [{"index": 0, "content": content}], "modelVersion": answer["modelVersion"]})
    };
    pieces.into_iter().enumerate().map(chunk).map(|chunk| unnamed(&chunk).replace('\n', "\r\n")).collect()
}
