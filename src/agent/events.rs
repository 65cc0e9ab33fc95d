//! What the events of an agent's program say: lines of JSON that are read as they come, tokens counted once for each
//! message, and the outcome of a program that must say itself how it ended.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde_json::Value;

use super::record;
use crate::model::agent::{AgentOutcome, ClaimedEnd, EndedAgent, MOST_MODELS, Output, Reader, Reading};
use crate::model::limits::MOST_STAGE_FILE_BYTES;
use crate::model::money::Usd;
use crate::model::outcome::{Failure, FailureKind};
use crate::model::usage::{Cost, Tokens, Usage};
use crate::text::{foreign, resets, short};

/// What is known of a program from its events so far.
pub(super) trait Events: fmt::Debug + Clone + Default + Send {
    /// Takes the next event.
    fn event(&mut self, event: &Value);

    /// What the program used.
    fn usage(&self) -> Usage;

    /// How it describes its end, or what kept it from working; `None` while no event says so. How its process ended is
    /// known when it did.
    fn end(&self, ended: Option<EndedAgent>, now: Timestamp) -> Option<Result<ClaimedEnd, Failure>>;

    /// What each request to its model used, where events say it.
    fn requests(&self) -> Vec<Tokens> {
        Vec::new()
    }

    /// How many answers of its model it took, where events say it.
    fn turns(&self) -> Option<u64> {
        None
    }

    /// Whether events tell what it uses while it works.
    fn reports_as_it_works() -> bool {
        false
    }

    /// The version that it says it is.
    fn version(&self) -> Option<&str> {
        None
    }

    /// The models that it says answered, in the order in which they did first.
    fn models(&self) -> Vec<String> {
        Vec::new()
    }

    /// The error after which it was asking again, if nothing came later.
    fn trouble(&self, _now: Timestamp) -> Option<Failure> {
        None
    }

    /// Whether what it writes to its standard error is read too.
    const READS_STDERR: bool = false;

    /// Takes the next line that it wrote there.
    fn logged(&mut self, _line: &[u8]) {}
}

/// Lines that come in pieces, which may end anywhere. A line that is too long to be kept is passed over.
#[derive(Debug, Default)]
pub(super) struct Lines {
    has_begun: bool,
    /// The part of a line whose end is not there yet.
    line: Vec<u8>,
    /// Whether that line is too long.
    is_too_long: bool,
}

impl Lines {
    /// Receives the next piece, and gives each line that is complete.
    pub(super) fn feed(&mut self, piece: &[u8], mut line: impl FnMut(&[u8])) {
        self.has_begun = true;
        let mut rest = piece;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            self.extend(&rest[..end]);
            if !self.is_too_long {
                line(&self.line);
            }
            (self.line, self.is_too_long) = (Vec::new(), false);
            rest = &rest[end + 1..];
        }
        self.extend(rest);
    }

    /// Whether anything was received.
    pub(super) fn has_begun(&self) -> bool {
        self.has_begun
    }

    /// The event of the last line, if it is whole although its end is missing.
    pub(super) fn last(&self) -> Option<Value> {
        event(&self.line).filter(|_| !self.is_too_long)
    }

    fn extend(&mut self, piece: &[u8]) {
        if (self.line.len() + piece.len()) as u64 > MOST_STAGE_FILE_BYTES {
            (self.line, self.is_too_long) = (Vec::new(), true);
        }
        if !self.is_too_long {
            self.line.extend_from_slice(piece);
        }
    }
}

/// The event of a line; `None` for a line that is no JSON, which is passed over.
pub(super) fn event(line: &[u8]) -> Option<Value> {
    foreign::read(line).ok()
}

/// The reader of a program that prints events to its standard output.
#[derive(Debug, Default)]
pub(super) struct Stream<E> {
    lines: Lines,
    logged: Lines,
    events: E,
    cannot_read: Option<String>,
}

impl<E: Events> Stream<E> {
    /// What the events say, with a last one whose line has no end.
    fn so_far(&self) -> E {
        let mut events = self.events.clone();
        if let Some(last) = self.lines.last() {
            events.event(&last);
        }
        events
    }
}

impl<E: Events> Reader for Stream<E> {
    fn wants(&self) -> &'static [Output] {
        if E::READS_STDERR { &[Output::Stdout, Output::Stderr] } else { &[Output::Stdout] }
    }

    fn feed(&mut self, output: Output, piece: &[u8]) {
        let events = &mut self.events;
        match output {
            Output::Stdout => self.lines.feed(piece, |line| event(line).iter().for_each(|event| events.event(event))),
            Output::Stderr => self.logged.feed(piece, |line| events.logged(line)),
            Output::Record => {}
        }
    }

    fn cannot_read(&mut self, output: Output, why: String) {
        if output == Output::Stdout {
            self.cannot_read = Some(why);
        }
    }

    fn reports_as_it_works(&self) -> bool {
        E::reports_as_it_works()
    }

    fn reading(&self, now: Timestamp) -> Option<Reading> {
        if let Some(why) = &self.cannot_read {
            return Some(Reading { end: Err(why.clone()), ..Reading::default() });
        }
        self.lines.has_begun().then(|| reading(&self.so_far(), None, now))
    }

    fn outcome(&self, ended: EndedAgent, now: Timestamp) -> Result<AgentOutcome, Failure> {
        let reading = self.reading(now).map(|former| match former.end {
            Err(_) => former,
            Ok(_) => reading(&self.so_far(), Some(ended), now),
        });
        outcome(ended, reading, self.so_far().trouble(now))
    }
}

/// What events say, as a reading.
pub(super) fn reading<E: Events>(events: &E, ended: Option<EndedAgent>, now: Timestamp) -> Reading {
    let (end, failure) = match events.end(ended, now) {
        None => (None, None),
        Some(Ok(end)) => (Some(end), None),
        Some(Err(failure)) => (None, Some(failure)),
    };
    let version = events.version().map(str::to_owned);
    let (usage, requests, turns) = (events.usage(), events.requests(), events.turns());
    Reading { usage, requests, turns, version, models: events.models(), failure, end: Ok(end) }
}

/// The outcome of a program that says itself how it ended, whatever its exit code. If it ended and does not say how,
/// that is an infrastructure failure: the one it was asking again after, if it names one. One that was still waiting to ask
/// again when a limit of time ended it did not fail at its task: a provider can name an hour, and a program wait that long.
///
/// # Errors
/// The infrastructure failure that kept the agent from working.
pub(super) fn outcome(
    ended: EndedAgent,
    reading: Option<Reading>,
    trouble: Option<Failure>,
) -> Result<AgentOutcome, Failure> {
    let has_end = reading.as_ref().is_some_and(|reading| reading.failure.is_some() || reading.end != Ok(None));
    if let (EndedAgent::TimedOut | EndedAgent::NoProgress, false, Some(trouble)) = (ended, has_end, &trouble) {
        return Err(trouble.clone());
    }
    let reading = if has_end { reading } else { reading.filter(|_| !matches!(ended, EndedAgent::Exited(_))) };
    record::outcome(true, ended, reading).map_err(|failure| match failure.kind {
        FailureKind::NoRecord if !has_end => trouble.unwrap_or_else(|| {
            let how = failure.message.replace(" and left no record", "");
            Failure::new(FailureKind::NoRecord, format!("{how} and its output ends without a result"))
        }),
        _ => failure,
    })
}

/// The cost that a program reports, in dollars. 0 for tokens that were used means that it knows no price for the model: then the cost
/// is not known.
pub(super) fn cost(dollars: Option<f64>, tokens: Tokens) -> Cost {
    let is_priced = |dollars: &f64| *dollars != 0.0 || tokens.total().is_none_or(|total| total == 0);
    Cost::reported(dollars.filter(is_priced).and_then(|dollars| Usd::from_dollars(dollars).ok()))
}

/// Tokens of messages that are reported more than once, by the messages' ids.
#[derive(Debug, Clone, Default)]
pub(super) struct Messages(BTreeMap<String, Tokens>);

impl Messages {
    /// Counts a message, or what is reported later of one.
    pub(super) fn count(&mut self, id: &str, tokens: Tokens) {
        let counted = self.0.entry(id.to_owned()).or_default();
        *counted = most(*counted, tokens);
    }

    /// How many messages there are.
    pub(super) fn count_of(&self) -> u64 {
        self.0.len() as u64
    }

    /// What each message used.
    pub(super) fn each(&self) -> Vec<Tokens> {
        self.0.values().copied().collect()
    }

    /// All that the messages used.
    pub(super) fn total(&self) -> Tokens {
        self.0.values().copied().fold(Tokens::default(), sum)
    }
}

/// Adds a model that an answer names, if it is the first one of it.
pub(super) fn add_model(models: &mut Vec<String>, named: &Value) {
    if let Some(model) = named.as_str()
        && models.len() < MOST_MODELS
        && !models.iter().any(|known| known == model)
    {
        models.push(model.to_owned());
    }
}

/// The sum of two counts, each by itself; one that is not reported adds nothing.
pub(super) fn sum(first: Tokens, later: Tokens) -> Tokens {
    of_both(first, later, u64::saturating_add)
}

/// The greater of two counts, each by itself.
pub(super) fn most(first: Tokens, later: Tokens) -> Tokens {
    of_both(first, later, u64::max)
}

fn of_both(first: Tokens, later: Tokens, both: fn(u64, u64) -> u64) -> Tokens {
    let of = |part: fn(&Tokens) -> Option<u64>| match (part(&first), part(&later)) {
        (Some(first), Some(later)) => Some(both(first, later)),
        (first, later) => first.or(later),
    };
    Tokens {
        input: of(|tokens| tokens.input),
        output: of(|tokens| tokens.output),
        cache_creation: of(|tokens| tokens.cache_creation),
        cache_read: of(|tokens| tokens.cache_read),
    }
}

/// What an error means that a provider answered with: a context that is too long is what the agent made of its task, all else
/// kept it from working. `message` is the provider's, which no tool of an agent prints; it may name the end of a rate limit.
pub(super) fn error(status: Option<i64>, message: &str, now: Timestamp) -> Result<ClaimedEnd, Failure> {
    if matches!(status, None | Some(400 | 413)) && TOO_LONG.iter().any(|start| message.starts_with(start)) {
        return Ok(ClaimedEnd::ContextTooLong);
    }
    Err(failure(kind_of(status), message, now))
}

/// A failure with the message that a program or its provider gives for it, which may name the end of a rate limit.
pub(super) fn failure(kind: FailureKind, message: &str, now: Timestamp) -> Failure {
    let retry_at = if kind == FailureKind::RateLimit { resets::of_text(message, now) } else { None };
    Failure { retry_at, ..Failure::new(kind, short::cut(message, MOST_MESSAGE)) }
}

/// How providers begin the message that a request is longer than the model's context: some send no code beside it.
const TOO_LONG: [&str; 5] = [
    "prompt is too long",
    "Prompt is too long",
    "The input token count",
    "This model's maximum context length",
    "Your input exceeds the context window",
];
/// Longest message of a failure that is kept, in characters.
const MOST_MESSAGE: usize = 1000;

/// The number that a text begins with.
pub(super) fn status_in(text: &str) -> Option<i64> {
    text.split(|it: char| !it.is_ascii_digit()).next()?.parse().ok()
}

/// The kind of failure of a status of HTTP.
pub(super) fn kind_of(status: Option<i64>) -> FailureKind {
    match status {
        Some(401 | 403) => FailureKind::Auth,
        Some(429) => FailureKind::RateLimit,
        _ => FailureKind::Provider,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_the_same_whatever_pieces_they_come_in_and_what_is_no_event_is_passed_over() {
        let text = "{\"a\":1}\nno event\n\n[2]\n{\"b\":\"é\"}\n{\"last\":3}".as_bytes();
        for size in 1..=text.len() {
            let (mut lines, mut seen) = (Lines::default(), Vec::new());
            for piece in text.chunks(size) {
                lines.feed(piece, |line| seen.extend(event(line).map(|event| event.to_string())));
            }
            assert_eq!(seen, ["{\"a\":1}", "[2]", "{\"b\":\"é\"}"], "{size}");
            assert_eq!(lines.last().unwrap()["last"], 3);
        }
    }

    #[test]
    fn a_line_that_is_too_long_is_passed_over_and_the_next_one_read() {
        let (mut lines, mut seen) = (Lines::default(), 0);
        let most = usize::try_from(MOST_STAGE_FILE_BYTES).unwrap();
        for piece in [b"\"".as_slice(), &vec![b'x'; most], b"\"\n7\n", &vec![b' '; most], b"8"] {
            lines.feed(piece, |line| seen += event(line).unwrap().as_u64().unwrap());
        }
        assert_eq!((seen, lines.last()), (7, None));
    }

    #[test]
    fn what_is_not_counted_is_not_zero() {
        let one = Tokens { input: Some(3), output: Some(1), ..Tokens::default() };
        let two = Tokens { input: Some(2), cache_read: Some(5), ..Tokens::default() };
        let both = |input| Tokens { input: Some(input), output: Some(1), cache_creation: None, cache_read: Some(5) };
        assert_eq!((sum(one, two), most(one, two)), (both(5), both(3)));
        let mut messages = Messages::default();
        for (id, tokens) in [("a", one), ("a", one), ("b", two)] {
            messages.count(id, tokens);
        }
        assert_eq!(messages.total(), both(5));
    }
}
