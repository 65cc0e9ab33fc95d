//! What is read of streams of each provider, cut after each of their events and within each.

use serde_json::{Value, json};

use crate::gateway::reader::Reader;
use crate::model::exchange::Interface;
use crate::model::usage::Tokens;

/// Tokens: read beside the cache, written, read from the cache and written to it.
type Counts = [Option<u64>; 4];

const NOTHING: Counts = [None; 4];

/// Events of an answer, and what is known behind each.
struct Stream {
    interface: Interface,
    /// Whether they are server-sent events, and not parts of a list.
    is_events: bool,
    model: &'static str,
    events: Vec<(String, Counts)>,
    /// Whether the last one says that the answer is over.
    has_end: bool,
}

impl Stream {
    fn of(interface: Interface, model: &'static str, events: &[(Value, Counts)]) -> Self {
        let named = |event: &Value| match event["type"].as_str() {
            Some(kind) => format!("event: {kind}\ndata: {event}\n\n"),
            None => format!("data: {event}\n\n"),
        };
        let events = events.iter().map(|(event, counts)| (named(event), *counts)).collect();
        Self { interface, is_events: true, model, events, has_end: true }
    }

    fn read(&self, text: &[u8], part: usize) -> (Counts, Option<String>, bool) {
        let mut reader = Reader::new(Some(self.interface), self.is_events);
        let is_over = text.chunks(part).filter(|part| reader.read(part)).count() > 0;
        reader.ends();
        let Tokens { input, output, cache_read, cache_creation } = reader.tokens;
        ([input, output, cache_read, cache_creation], reader.model, is_over)
    }

    /// Reads it cut after each event, and in the middle of the next one, in small parts and in large ones.
    fn holds(&self) {
        let (mut text, mut known) = (String::new(), NOTHING);
        for (place, (event, counts)) in self.events.iter().enumerate() {
            for part in [1, 7, 4096] {
                let half = text.clone() + &event[..event.len() / 2];
                let what = format!("{:?}, {place}, in parts of {part}: {event}", self.interface);
                assert_eq!(self.read(half.as_bytes(), part).0, known, "the half of {what}");
                let (read, model, is_over) = self.read((text.clone() + event).as_bytes(), part);
                assert_eq!((read, model.as_deref()), (*counts, Some(self.model)), "{what}");
                assert_eq!(is_over, self.has_end && place + 1 == self.events.len(), "{what}");
            }
            text += event;
            known = *counts;
        }
    }
}

fn counts(input: u64, output: u64, cache_read: impl Into<Option<u64>>, stored: impl Into<Option<u64>>) -> Counts {
    [Some(input), Some(output), cache_read.into(), stored.into()]
}

#[test]
fn messages_say_what_was_read_first_and_what_was_written_as_it_grows_and_correct_both() {
    let known = counts(10, 1, 100, 20);
    let begin = json!({"type": "message_start", "message": {"model": "claude-sonnet-4-5", "usage": {
        "input_tokens": 10, "output_tokens": 1, "cache_read_input_tokens": 100, "cache_creation_input_tokens": 20}}});
    let delta = |usage: Value| json!({"type": "message_delta", "delta": {"stop_reason": null}, "usage": usage});
    let text = json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "usage: {"}});
    Stream::of(
        Interface::Anthropic,
        "claude-sonnet-4-5",
        &[
            (begin, known),
            (json!({"type": "ping"}), known),
            (text, known),
            (delta(json!({"output_tokens": 25})), counts(10, 25, 100, 20)),
            // What tools of the provider read is known at the end alone.
            (
                delta(json!({"input_tokens": 900, "output_tokens": 30, "cache_read_input_tokens": 0})),
                counts(900, 30, 0, 20),
            ),
            (json!({"type": "message_stop"}), counts(900, 30, 0, 20)),
        ],
    )
    .holds();
}

#[test]
fn responses_say_what_they_took_with_their_last_event_however_they_end() {
    for end in ["response.completed", "response.incomplete", "response.failed"] {
        let response =
            |usage: Value| json!({"id": "resp_1", "model": "gpt-5-2025-08-07", "output": [], "usage": usage});
        let usage = json!({"input_tokens": 50, "input_tokens_details": {"cached_tokens": 40}, "output_tokens": 7,
            "output_tokens_details": {"reasoning_tokens": 3}, "total_tokens": 57});
        Stream::of(
            Interface::OpenAiResponses,
            "gpt-5-2025-08-07",
            &[
                (json!({"type": "response.created", "response": response(Value::Null)}), NOTHING),
                (json!({"type": "response.in_progress", "response": response(Value::Null)}), NOTHING),
                (json!({"type": "response.output_text.delta", "delta": "response.completed"}), NOTHING),
                (json!({"type": end, "response": response(usage)}), counts(10, 7, 40, None)),
            ],
        )
        .holds();
    }
}

#[test]
fn chat_completions_say_what_they_took_at_their_end_or_with_each_chunk_or_not_at_all() {
    let chunk = |choices: Value, usage: Value| json!({"object": "chat.completion.chunk", "model": "m", "choices": choices, "usage": usage});
    let said = || json!([{"index": 0, "delta": {"content": "[DONE]"}}]);
    let usage = |read: u64, written: u64| json!({"prompt_tokens": read, "prompt_tokens_details": {"cached_tokens": 4}, "completion_tokens": written});
    let none = Value::Null;
    for events in [
        vec![
            (chunk(said(), none.clone()), NOTHING),
            (chunk(said(), none.clone()), NOTHING),
            (chunk(json!([]), usage(9, 2)), counts(5, 2, 4, None)),
        ],
        vec![(chunk(said(), usage(9, 1)), counts(5, 1, 4, None)), (chunk(said(), usage(9, 2)), counts(5, 2, 4, None))],
        vec![(chunk(said(), none.clone()), NOTHING), (chunk(said(), none), NOTHING)],
    ] {
        let last = events.last().unwrap().1;
        let mut stream = Stream::of(Interface::OpenAiChat, "m", &events);
        stream.events.push(("data: [DONE]\n\n".to_owned(), last));
        stream.holds();
    }
}

#[test]
fn gemini_says_with_each_part_what_it_took_so_far_as_events_and_as_a_list() {
    let part = |usage: Value| {
        json!({"candidates": [{"content": {"role": "model", "parts": [{"text": "}, {\"a\": ["}]}}],
            "usageMetadata": usage, "modelVersion": "gemini-2.5-pro"})
    };
    let parts = [
        (part(json!({"promptTokenCount": 30, "cachedContentTokenCount": 10})), [Some(20), None, Some(10), None]),
        (
            part(json!({"promptTokenCount": 30, "cachedContentTokenCount": 10, "thoughtsTokenCount": 8})),
            counts(20, 8, 10, None),
        ),
        (
            part(json!({"promptTokenCount": 30, "cachedContentTokenCount": 10, "thoughtsTokenCount": 8,
                "candidatesTokenCount": 5})),
            counts(20, 13, 10, None),
        ),
    ];
    let mut events = Stream::of(Interface::Gemini, "gemini-2.5-pro", &parts);
    events.has_end = false;
    events.holds();
    for (event, _) in &mut events.events {
        *event = event.replace('\n', "\r\n");
    }
    events.holds();
    let between = |place: usize| if place == 0 { "[" } else { ",\n" };
    let list = parts.iter().enumerate().map(|(place, (part, counts))| (format!("{}{part}", between(place)), *counts));
    let mut list: Vec<(String, Counts)> = list.collect();
    list.push(("]".to_owned(), parts[2].1));
    Stream { is_events: false, events: list, ..events }.holds();
}

#[test]
fn events_are_read_whatever_ends_their_lines_and_in_however_many_they_stand() {
    let begin =
        json!({"type": "message_start", "message": {"model": "m", "usage": {"input_tokens": 10, "output_tokens": 1}}});
    let halves = begin.to_string().replacen(',', ",\ndata: ", 2);
    let rest =
        "data: {\"type\":\"message_delta\",\"usage\":{\"output_tokens\":77}}\n\ndata: {\"type\":\"message_stop\"}\n\n";
    for (what, data) in [("one line", begin.to_string()), ("several lines", halves)] {
        for end in ["\n", "\r\n", "\r"] {
            for part in [1, 7, 4096] {
                let text = format!("event: message_start\ndata: {data}\n\n{rest}").replace('\n', end);
                let mut reader = Reader::new(Some(Interface::Anthropic), true);
                let overs = text.as_bytes().chunks(part).filter(|part| reader.read(part)).count();
                let Tokens { input, output, .. } = reader.tokens;
                assert_eq!((input, output, overs), (Some(10), Some(77), 1), "{what}, {end:?}, in parts of {part}");
                assert!(reader.is_all(), "{what}, {end:?}");
            }
        }
    }
    // What never becomes whole takes nothing off what follows.
    let mut reader = Reader::new(Some(Interface::Anthropic), true);
    reader.read(format!("{}{rest}", "data: {\n".repeat(1000)).as_bytes());
    assert_eq!(reader.tokens.output, Some(77));
}
