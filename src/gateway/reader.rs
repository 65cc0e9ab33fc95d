//! Reads from an answer, as it passes, what it took: whole or as a stream of events, in memory that does not grow with its length.

use std::mem;

use serde_json::Value;

use super::fields::{self, Found};
use crate::model::exchange::Interface;
use crate::model::usage::Tokens;
use crate::rules::prices::Beside;

/// The largest answer that is read whole; a longer one passes and is not metered.
pub(super) const MOST_WHOLE: usize = 32 << 20;
/// The longest data of an event that stands in several lines, and the most of these.
const MOST_JOINED: usize = 1 << 20;
const MOST_LINES: usize = 100;
/// The longest event of a stream that is read.
const MOST_EVENT: usize = 16 << 20;

/// What is read of an answer.
pub(super) struct Reader {
    interface: Option<Interface>,
    form: Form,
    pub tokens: Tokens,
    pub model: Option<String>,
    pub beside: Beside,
    /// Whether the event that ends an answer has come.
    is_over: bool,
}

enum Form {
    /// One JSON value.
    Whole(Vec<u8>),
    /// Events.
    Events(Unfinished),
    /// It is too long to be read.
    TooLong,
}

/// What has come of an event.
#[derive(Default)]
struct Unfinished {
    line: Vec<u8>,
    /// Its data, line by line, as far as that is no whole value yet.
    data: Vec<u8>,
}

impl Reader {
    pub(super) fn new(interface: Option<Interface>, is_streamed: bool) -> Self {
        let form = if is_streamed { Form::Events(Unfinished::default()) } else { Form::Whole(Vec::new()) };
        Self { interface, form, tokens: Tokens::default(), model: None, beside: Beside::default(), is_over: false }
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
            Form::Events(unfinished) => {
                let Unfinished { mut line, mut data } = mem::take(unfinished);
                let mut is_over = false;
                let mut rest = bytes;
                // A line may end by either, or by both: the empty line between them says nothing.
                while let Some(end) = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
                    line.extend_from_slice(&rest[..end]);
                    is_over |= self.line(&line, &mut data);
                    line.clear();
                    rest = &rest[end + 1..];
                }
                // The beginning of an event that is too long is no event.
                if line.len() + rest.len() <= MOST_EVENT {
                    line.extend_from_slice(rest);
                }
                self.form = Form::Events(Unfinished { line, data });
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
            Form::Events(Unfinished { line, mut data }) => {
                self.is_over |= self.line(&line, &mut data);
                self.form = Form::Events(Unfinished::default());
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

    /// Reads a line of a stream, behind the data of the same event that came before it; `true` when it ends the answer.
    fn line(&mut self, line: &[u8], before: &mut Vec<u8>) -> bool {
        // An empty line may stand between the two halves of a line's end, so that only what is whole ends an event.
        let Some(data) = line.strip_prefix(b"data:") else { return false };
        let data = data.trim_ascii();
        if !before.is_empty() {
            before.push(b'\n');
            before.extend_from_slice(data);
        }
        let joined = (!before.is_empty()).then(|| self.event(before)).flatten();
        if let Some(is_over) = joined.or_else(|| self.event(data)) {
            before.clear();
            return is_over;
        }
        if before.is_empty() {
            before.extend_from_slice(data);
        }
        // What grows without becoming whole is none.
        if before.len() > MOST_JOINED || before.split(|byte| *byte == b'\n').nth(MOST_LINES).is_some() {
            before.clear();
        }
        false
    }

    /// Reads the data of an event: whether it ends the answer; `None` where it is not whole.
    fn event(&mut self, data: &[u8]) -> Option<bool> {
        if data == b"[DONE]" {
            return Some(true);
        }
        let found = fields::whole(data, self.keys())?;
        self.take(found);
        let kind = fields::text(found[0]);
        Some(matches!(
            (self.interface, kind.as_deref()),
            (Some(Interface::Anthropic), Some("message_stop"))
                | (
                    Some(Interface::OpenAiResponses),
                    Some("response.completed" | "response.incomplete" | "response.failed")
                )
        ))
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
            let hour = usage["cache_creation"]["ephemeral_1h_input_tokens"].as_u64();
            self.beside.for_an_hour = hour.unwrap_or(self.beside.for_an_hour);
            // Searches of the provider's own are paid each.
            let searches = usage["server_tool_use"]["web_search_requests"].as_u64();
            self.beside.has_more |= searches.is_some_and(|searches| searches > 0);
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
