//! Reads from an answer, as it passes, what it took: whole or as a stream of events, in memory that does not grow with its length.

use std::mem;

use serde_json::Value;

use crate::model::exchange::Interface;
use crate::model::usage::Tokens;

/// The largest answer that is read whole; a longer one passes and is not metered.
pub(super) const MOST_WHOLE: usize = 32 << 20;
/// The longest event of a stream that is read.
const MOST_EVENT: usize = 16 << 20;

/// What is read of an answer.
pub(super) struct Reader {
    interface: Option<Interface>,
    form: Form,
    pub tokens: Tokens,
    pub model: Option<String>,
}

enum Form {
    /// One JSON value.
    Whole(Vec<u8>),
    /// Events, of which the unfinished line is kept.
    Events(Vec<u8>),
    /// It is too long to be read.
    TooLong,
}

impl Reader {
    pub(super) fn new(interface: Option<Interface>, is_streamed: bool) -> Self {
        let form = if is_streamed { Form::Events(Vec::new()) } else { Form::Whole(Vec::new()) };
        Self { interface, form, tokens: Tokens::default(), model: None }
    }

    /// Reads what comes; `true` when the event that ends an answer is in it.
    pub(super) fn read(&mut self, bytes: &[u8]) -> bool {
        match &mut self.form {
            Form::TooLong => false,
            Form::Whole(body) if body.len() + bytes.len() > MOST_WHOLE => {
                self.form = Form::TooLong;
                false
            }
            Form::Whole(body) => {
                body.extend_from_slice(bytes);
                false
            }
            Form::Events(line) => {
                let mut line = mem::take(line);
                let mut is_over = false;
                let mut rest = bytes;
                while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
                    line.extend_from_slice(&rest[..end]);
                    is_over |= self.event(&line);
                    line.clear();
                    rest = &rest[end + 1..];
                }
                // The beginning of an event that is too long is no event.
                if line.len() + rest.len() <= MOST_EVENT {
                    line.extend_from_slice(rest);
                }
                self.form = Form::Events(line);
                is_over
            }
        }
    }

    /// The answer has ended.
    pub(super) fn ends(&mut self) {
        match mem::replace(&mut self.form, Form::TooLong) {
            Form::Whole(body) => match serde_json::from_slice::<Value>(&body) {
                // Gemini streams a list where it is not asked for events.
                Ok(Value::Array(parts)) => parts.iter().for_each(|part| self.take(part)),
                Ok(value) => self.take(&value),
                Err(_) => {}
            },
            Form::Events(line) => drop(self.event(&line)),
            Form::TooLong => {}
        }
    }

    /// Reads a line of a stream; `true` when it ends the answer.
    fn event(&mut self, line: &[u8]) -> bool {
        let Some(data) = line.strip_prefix(b"data:") else { return false };
        let data = data.trim_ascii();
        if data == b"[DONE]" {
            return true;
        }
        let Ok(event) = serde_json::from_slice::<Value>(data) else { return false };
        let kind = event["type"].as_str().unwrap_or_default();
        match self.interface {
            Some(Interface::Anthropic) => {
                self.take(&event["message"]);
                self.take(&event);
                kind == "message_stop"
            }
            Some(Interface::OpenAiResponses) => {
                self.take(&event["response"]);
                matches!(kind, "response.completed" | "response.incomplete" | "response.failed")
            }
            Some(Interface::OpenAiChat | Interface::Gemini) => {
                self.take(&event);
                false
            }
            None => false,
        }
    }

    /// Takes what an answer, or a part of it, says of its model and of tokens. Later counts are those of the whole so far.
    fn take(&mut self, answer: &Value) {
        let Some(interface) = self.interface else { return };
        let (usage, model) = match interface {
            Interface::Gemini => ("usageMetadata", "modelVersion"),
            Interface::Anthropic | Interface::OpenAiChat | Interface::OpenAiResponses => ("usage", "model"),
        };
        if let Some(model) = answer[model].as_str().filter(|model| !model.is_empty()) {
            self.model = Some(model.to_owned());
        }
        if answer[usage].is_object() {
            let Tokens { input, output, cache_creation, cache_read } = interface.tokens(&answer[usage]);
            let before = self.tokens;
            self.tokens = Tokens {
                input: input.or(before.input),
                output: output.or(before.output),
                cache_creation: cache_creation.or(before.cache_creation),
                cache_read: cache_read.or(before.cache_read),
            };
        }
    }
}
