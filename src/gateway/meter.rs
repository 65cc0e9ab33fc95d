//! Reads from an answer, as it passes, what it took: whole or as a stream of events, in memory that does not grow with its length.

use std::mem;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use super::account::Account;
use super::refusal;
use super::throttle::{Turn, Waited};
use crate::model::exchange::{Exchange, Interface, Passage};
use crate::model::usage::{Cost, CostSource, Tokens};
use crate::os::clock::{self, Stopwatch};
use crate::os::relay::{Answer, Ending, Headers, Tap};
use crate::rules::prices;

/// The largest answer that is read whole; a longer one passes and is not metered.
const MOST_WHOLE: usize = 32 << 20;
/// The longest event of a stream that is read.
const MOST_EVENT: usize = 16 << 20;
/// Headers in which providers name a request.
const IDS: [&str; 4] = ["request-id", "x-request-id", "x-goog-request-id", "x-amzn-requestid"];
/// The status of a rate limit.
const RATE_LIMITED: u16 = 429;
/// No pause that nobody named is longer.
const LONGEST_GUESS: Duration = Duration::from_mins(1);
/// The longest text of another that is kept.
const MOST_LETTERS: usize = 200;

/// One request, from its admission to the end of its answer.
pub(super) struct Metering {
    account: Arc<Account>,
    /// When it came.
    came: Stopwatch,
    /// When it was passed on.
    passed_on: Stopwatch,
    /// How often its provider has refused it.
    tries: u32,
    /// The right to ask its model, while it is being asked.
    turn: Option<Turn>,
    /// What is known of it; `None` for a request that asks no model.
    exchange: Option<Exchange>,
    reader: Reader,
    /// Whether it was written down.
    is_written: bool,
}

impl Metering {
    pub(super) fn new(
        account: &Arc<Account>,
        interface: Option<Interface>,
        model: Option<String>,
        came: Stopwatch,
    ) -> Self {
        let exchange = interface.map(|interface| Exchange {
            at: clock::now(),
            interface,
            model: model.map(short),
            status: None,
            passage: Passage::Left,
            tokens: Tokens::default(),
            cost: Cost::Unknown,
            held_seconds: 0.0,
            seconds: 0.0,
            first_byte_seconds: None,
            request_id: None,
        });
        account.begins();
        let account = Arc::clone(account);
        let reader = Reader::new(interface, false);
        Self { account, came, passed_on: came, tries: 0, turn: None, exchange, reader, is_written: false }
    }

    /// Waits until the model may be asked. Gives an answer where it may not be, and none where nobody waits for one any more.
    pub(super) fn may_ask(&mut self) -> Result<(), Option<Answer>> {
        let Some((interface, model)) = self.exchange.as_ref().map(|it| (it.interface, it.model.clone())) else {
            return Ok(());
        };
        let name = self.account.name_of(model.as_deref().unwrap_or_default());
        let patience = self.account.patience(self.came.worked());
        let waited = match self.account.limit_reached() {
            Some(exceeded) => return Err(Some(self.refuse(refusal::budget(interface, &exceeded)))),
            None => self.account.turn(&name, patience),
        };
        // Others may have used the rest meanwhile.
        match (waited, self.account.limit_reached()) {
            (Waited::Gone, _) => Err(None),
            (_, Some(exceeded)) => Err(Some(self.refuse(refusal::budget(interface, &exceeded)))),
            (Waited::Later(wait), None) => {
                // A shorter pause may be our own guess.
                self.account.note_limit(&name, after(wait).filter(|_| wait > LONGEST_GUESS));
                Err(Some(self.refuse(refusal::later(interface, wait))))
            }
            (Waited::Go(turn), None) => {
                self.begin(turn);
                Ok(())
            }
        }
    }

    /// It is passed on now.
    fn begin(&mut self, turn: Turn) {
        let held = self.passed_on.worked();
        (self.turn, self.passed_on) = (Some(turn), Stopwatch::start());
        if let Some(exchange) = self.exchange.as_mut() {
            exchange.held_seconds = held.as_secs_f64();
        }
    }

    /// It is answered here, which is written down.
    fn refuse(&mut self, answer: Answer) -> Answer {
        if let Some(exchange) = self.exchange.as_mut() {
            exchange.status = Some(answer.status);
            exchange.held_seconds = self.came.worked().as_secs_f64();
        }
        self.complete(Passage::Refused);
        self.settle();
        answer
    }

    /// Puts together what is known when the answer is over.
    fn complete(&mut self, passage: Passage) {
        let passed_on = self.turn.take().map(|_| self.passed_on);
        let Some(exchange) = self.exchange.as_mut() else { return };
        exchange.passage = passage;
        exchange.seconds = passed_on.map_or(0.0, |since| since.worked().as_secs_f64());
        exchange.tokens = self.reader.tokens;
        if let Some(model) = self.reader.model.take() {
            exchange.model = Some(short(model));
        }
        if exchange.status.is_some_and(|status| status >= 400) {
            // Providers take no money for what they refuse.
            (exchange.tokens, exchange.cost) = (Tokens::NOTHING, Cost::NOTHING);
            return;
        }
        let (tokens, own) = (exchange.tokens, &self.account.terms.prices);
        let estimate =
            exchange.model.as_deref().and_then(|model| prices::estimate(&tokens, &[tokens], model, own, clock::now()));
        if let Some(prices::Estimate { usd, .. }) = estimate {
            exchange.cost = Cost::Known { usd, source: CostSource::Metered };
        }
    }
}

impl Drop for Metering {
    fn drop(&mut self) {
        self.account.ends();
    }
}

impl Tap for Metering {
    fn weighs(&self, status: u16) -> bool {
        self.turn.is_some() && refusal::passes(status)
    }

    fn asks_again(&mut self, status: u16, headers: &Headers, body: &[u8]) -> bool {
        let now = clock::now();
        let (Some(turn), Some(exchange)) = (self.turn.as_ref(), self.exchange.as_ref()) else { return false };
        let Some(wait) = refusal::wait(headers, body, (self.tries, now)) else { return false };
        turn.limited(wait.lasts);
        // A provider that is down or overloaded is no rate limit, and no attempt may wait for it without end.
        self.account.note_limit(turn.model(), wait.named.filter(|_| status == RATE_LIMITED));
        let patience = self.account.patience(self.came.worked());
        if wait.lasts > patience || self.account.limit_reached().is_some() {
            return false;
        }
        self.tries += 1;
        let (again, name) = (exchange.clone(), self.account.name_of(exchange.model.as_deref().unwrap_or_default()));
        self.begins(status, headers);
        self.reader.read(body);
        self.ends(Ending::Whole);
        self.settle();
        self.passed_on = Stopwatch::start();
        // Where it must not be asked again in time, whoever asked is given this refusal, which is written down.
        let Waited::Go(turn) = self.account.turn(&name, patience) else { return false };
        self.exchange = Some(Exchange { at: now, ..again });
        self.is_written = false;
        self.begin(turn);
        true
    }

    fn begins(&mut self, status: u16, headers: &Headers) {
        let named = |name: &str| {
            let value = &headers.iter().find(|(known, _)| known == name)?.1;
            std::str::from_utf8(value).ok().map(str::to_owned)
        };
        let seconds = self.passed_on.worked().as_secs_f64();
        let Some(exchange) = self.exchange.as_mut() else { return };
        exchange.status = Some(status);
        if let Some(turn) = self.turn.as_ref().filter(|_| status < 400) {
            self.account.note_limit(turn.model(), None);
            turn.answered(refusal::exhausted(headers, clock::now()));
        }
        exchange.request_id = IDS.iter().find_map(|name| named(name)).map(short);
        exchange.first_byte_seconds = Some(seconds);
        let is_streamed = named("content-type").is_some_and(|kind| kind.starts_with("text/event-stream"));
        self.reader = Reader::new(Some(exchange.interface), is_streamed);
    }

    fn comes(&mut self, bytes: &[u8]) -> bool {
        if self.exchange.is_none() || self.is_written || !self.reader.read(bytes) {
            return false;
        }
        self.complete(Passage::Whole);
        true
    }

    fn settle(&mut self) {
        if let Some(exchange) = self.exchange.as_ref().filter(|_| !self.is_written) {
            self.is_written = true;
            self.account.write_down(exchange.clone());
        }
    }

    fn ends(&mut self, end: Ending) {
        if self.is_written {
            return;
        }
        self.reader.ends();
        self.complete(match end {
            Ending::Whole => Passage::Whole,
            Ending::Left => Passage::Left,
            Ending::Cut(_) => Passage::Cut,
        });
    }
}

fn after(wait: Duration) -> Option<Timestamp> {
    clock::now().checked_add(wait).ok()
}

fn short(text: String) -> String {
    if text.len() <= MOST_LETTERS { text } else { text.chars().take(MOST_LETTERS).collect() }
}

/// What is read of an answer.
struct Reader {
    interface: Option<Interface>,
    form: Form,
    tokens: Tokens,
    model: Option<String>,
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
    fn new(interface: Option<Interface>, is_streamed: bool) -> Self {
        let form = if is_streamed { Form::Events(Vec::new()) } else { Form::Whole(Vec::new()) };
        Self { interface, form, tokens: Tokens::default(), model: None }
    }

    /// Reads what comes; `true` when the event that ends an answer is in it.
    fn read(&mut self, bytes: &[u8]) -> bool {
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
    fn ends(&mut self) {
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
