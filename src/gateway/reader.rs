//! Reads from an answer, as it passes, what it took: whole or as a stream of events, in memory that does not grow with its length.

use std::mem;

use serde_json::Value;

use super::fields::{self, Found};
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
    /// Whether the event that ends an answer has come.
    is_over: bool,
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
        Self { interface, form, tokens: Tokens::default(), model: None, is_over: false }
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
                self.is_over |= is_over;
                is_over
            }
        }
    }

    /// Whether the tokens that are known are all of them: a stream of Anthropic's counts them from its beginning on.
    pub(super) fn is_all(&self) -> bool {
        let is_counted_on = self.interface == Some(Interface::Anthropic) && matches!(self.form, Form::Events(_));
        self.is_over || !is_counted_on
    }

    /// The answer has ended.
    pub(super) fn ends(&mut self) {
        match mem::replace(&mut self.form, Form::TooLong) {
            // Gemini streams a list where it is not asked for events.
            Form::Whole(body) => fields::each(&body, self.keys(), |found| self.take(found)),
            Form::Events(line) => {
                self.is_over |= self.event(&line);
                self.form = Form::Events(Vec::new());
            }
            Form::TooLong => {}
        }
    }

    /// The fields that say something: what kind of event it is, what was taken, the model, and the answer as far as it is known.
    fn keys(&self) -> [&'static str; 4] {
        match self.interface {
            Some(Interface::Gemini) => ["type", "usageMetadata", "modelVersion", "response"],
            Some(Interface::OpenAiResponses) => ["type", "usage", "model", "response"],
            Some(Interface::Anthropic | Interface::OpenAiChat) | None => ["type", "usage", "model", "message"],
        }
    }

    /// Reads a line of a stream; `true` when it ends the answer.
    fn event(&mut self, line: &[u8]) -> bool {
        let Some(data) = line.strip_prefix(b"data:") else { return false };
        let data = data.trim_ascii();
        if data == b"[DONE]" {
            return true;
        }
        let Some(found) = fields::whole(data, self.keys()) else { return false };
        self.take(found);
        let kind = fields::text(found[0]);
        matches!(
            (self.interface, kind.as_deref()),
            (Some(Interface::Anthropic), Some("message_stop"))
                | (
                    Some(Interface::OpenAiResponses),
                    Some("response.completed" | "response.incomplete" | "response.failed")
                )
        )
    }

    /// Takes what an answer, or a part of it, says of its model and of tokens. Later counts are those of the whole so far.
    fn take(&mut self, [_, usage, model, answer]: Found<'_, 4>) {
        let Some(interface) = self.interface else { return };
        if let Some(found) = answer.and_then(|answer| fields::whole(answer.get().as_bytes(), self.keys())) {
            let [kind, usage, model, _] = found;
            self.take([kind, usage, model, None]);
        }
        if let Some(model) = fields::text(model).filter(|model| !model.is_empty()) {
            self.model = Some(model);
        }
        if let Some(usage) = fields::value(usage).filter(Value::is_object) {
            let Tokens { input, output, cache_creation, cache_read } = interface.tokens(&usage);
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
