//! One request on its way: when it may be asked, what its answer took, and what is kept of both.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::account::Account;
use super::place::Place;
use super::reader::{MOST_WHOLE, Reader};
use super::refusal;
use super::throttle::{Turn, Waited};
use crate::model::allowance::Exceeded;
use crate::model::exchange::{Exchange, Interface, Passage};
use crate::model::tape::{Take, VERSION};
use crate::model::usage::{Cost, CostSource, Tokens, Total};
use crate::os::clock::{self, Stopwatch};
use crate::os::relay::{Answer, Ending, Headers, Tap};
use crate::rules::prices;

/// Headers in which providers name a request.
const IDS: [&str; 4] = ["request-id", "x-request-id", "x-goog-request-id", "x-amzn-requestid"];
/// The status of a rate limit.
const RATE_LIMITED: u16 = 429;
/// After so long it is worth another try to be passed on beside others.
const ANOTHER_TRY: Duration = Duration::from_secs(10);
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
    /// Its place among those that are on their way.
    place: Option<Place>,
    /// What is known of it; `None` for a request that asks no model.
    exchange: Option<Exchange>,
    reader: Reader,
    /// Whether its provider could not be reached at all.
    is_unreached: bool,
    /// Whether it was written down.
    is_written: bool,
    /// What is kept of it, where it is.
    take: Option<Taking>,
}

/// An exchange that is kept, as far as it is known.
struct Taking {
    take: Take,
    answer: Vec<u8>,
    /// Whether its answer has come to its end, and it is not kept yet.
    is_over: bool,
    /// Why it cannot be kept.
    lost: Option<String>,
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
        Self {
            account,
            came,
            passed_on: came,
            tries: 0,
            turn: None,
            place: None,
            exchange,
            reader,
            is_unreached: false,
            is_written: false,
            take: None,
        }
    }

    /// Its answer is kept, too.
    pub(super) fn keep(&mut self, (method, path, body): &(&str, String, &[u8])) {
        let take = Take {
            version: VERSION,
            method: (*method).to_owned(),
            path: path.clone(),
            request: String::new(),
            status: 0,
            headers: Vec::new(),
            answer: String::new(),
            exceeded: None,
        };
        let (request, lost) = match std::str::from_utf8(body) {
            Ok(text) => (text.to_owned(), None),
            Err(_) => (String::new(), Some("a request was packed, or no text".to_owned())),
        };
        self.take = Some(Taking { take: Take { request, ..take }, answer: Vec::new(), is_over: false, lost });
    }

    /// Whether it asks a model.
    pub(super) fn asks_a_model(&self) -> bool {
        self.exchange.is_some()
    }

    /// The answer where a limit of the run is reached, which is written down.
    pub(super) fn at_limit(&mut self) -> Option<Answer> {
        let interface = self.exchange.as_ref()?.interface;
        if self.account.is_in_trouble() {
            return Some(self.refuse(refusal::unwritten(interface), None));
        }
        let exceeded = self.account.limit_reached()?;
        Some(self.refuse(refusal::budget(interface, &exceeded), Some(exceeded)))
    }

    /// Waits until the model may be asked. Gives an answer where it may not be, and none where nobody waits for one any more.
    pub(super) fn may_ask(&mut self) -> Result<(), Option<Answer>> {
        let Some((interface, model)) = self.exchange.as_ref().map(|it| (it.interface, it.model.clone())) else {
            return Ok(());
        };
        let name = self.account.name_of(model.as_deref().unwrap_or_default());
        if let Some(answer) = self.at_limit() {
            return Err(Some(answer));
        }
        // Near a limit, one request is answered before the next one passes.
        self.place = Place::of(&self.account);
        if self.place.is_none() {
            let is_closed = self.account.is_closed();
            return Err((!is_closed).then(|| self.refuse(refusal::later(interface, ANOTHER_TRY), None)));
        }
        if let Some(answer) = self.at_limit() {
            return Err(Some(answer));
        }
        let patience = self.account.patience(self.came.worked());
        let waited = self.account.turn(&name, patience);
        // Others may have used the rest meanwhile.
        if let Some(answer) = self.at_limit() {
            return Err(Some(answer));
        }
        match waited {
            Waited::Gone => Err(None),
            Waited::Later(wait) => {
                // A shorter pause may be our own guess.
                self.account.note_limit(&name, after(wait).filter(|_| wait > LONGEST_GUESS));
                Err(Some(self.refuse(refusal::later(interface, wait), None)))
            }
            Waited::Go(turn) => {
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

    /// It is answered here, which is written down; and kept, where it is because of a limit that was `exceeded`.
    pub(super) fn refuse(&mut self, answer: Answer, exceeded: Option<Exceeded>) -> Answer {
        if let Some(taking) = self.take.as_mut().filter(|_| exceeded.is_some()) {
            let (status, headers) = (answer.status, answer.headers.clone());
            taking.take = Take { status, headers, exceeded, ..taking.take.clone() };
            (taking.answer, taking.is_over) = (answer.body.clone(), true);
        }
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
        if self.is_unreached || exchange.status.is_some_and(|status| !(200..300).contains(&status)) {
            // Providers take no money for what they refuse, or send elsewhere, or never heard of.
            (exchange.tokens, exchange.cost) = (Tokens::NOTHING, Cost::NOTHING);
            return;
        }
        if self.account.is_played() {
            // It was paid when it was recorded.
            exchange.cost = Cost::NOTHING;
            return;
        }
        let (tokens, own, beside) = (exchange.tokens, &self.account.terms.prices, self.reader.beside);
        let model = exchange.model.as_deref();
        if let Some(usd) = model.and_then(|model| prices::of_request(&tokens, beside, model, own, clock::now())) {
            // What came after it broke off is paid, too.
            let is_all = passage == Passage::Whole && self.reader.is_all() && !beside.has_more;
            exchange.cost =
                Cost::of(Total { known: usd, unknown: u32::from(!is_all), ..Total::ZERO }, CostSource::Metered);
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
        if wait.lasts > patience || self.account.is_in_trouble() || self.account.limit_reached().is_some() {
            return false;
        }
        self.tries += 1;
        let (again, name) = (exchange.clone(), self.account.name_of(exchange.model.as_deref().unwrap_or_default()));
        // A refusal that nobody learns of is not kept.
        let (taking, place) = (self.take.take(), self.place.take());
        self.begins(status, headers);
        self.reader.read(body);
        self.ends(Ending::Whole);
        self.settle();
        (self.take, self.place) = (taking, place);
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
        if let Some(taking) = &mut self.take {
            let given_again = IDS.iter().chain(&["content-type"]);
            taking.take.headers = given_again.filter_map(|name| Some(((*name).to_owned(), named(name)?))).collect();
            taking.take.status = status;
            taking.answer.clear();
            // What is packed would hide what is the attempt's own in it, and secrets.
            let packed = named("content-encoding").filter(|how| how != "identity");
            let packed = packed.map(|how| format!("an answer was packed (`content-encoding: {how}`)"));
            taking.lost = taking.lost.take().or(packed);
        }
        let seconds = self.passed_on.worked().as_secs_f64();
        let Some(exchange) = self.exchange.as_mut() else { return };
        exchange.status = Some(status);
        if let Some(turn) = self.turn.as_ref().filter(|_| status < 400) {
            self.account.note_limit(turn.model(), None);
            turn.answered(refusal::exhausted(headers, clock::now()));
        }
        exchange.request_id = IDS.iter().find_map(|name| named(name)).map(short);
        exchange.first_byte_seconds = Some(seconds);
        let is_streamed =
            named("content-type").is_some_and(|kind| kind.trim().to_ascii_lowercase().starts_with("text/event-stream"));
        self.reader = Reader::new(Some(exchange.interface), is_streamed);
    }

    fn comes(&mut self, bytes: &[u8]) -> bool {
        if let Some(taking) = &mut self.take {
            if taking.answer.len() + bytes.len() > MOST_WHOLE {
                taking.lost.get_or_insert_with(|| format!("an answer was longer than {} MiB", MOST_WHOLE >> 20));
            }
            if taking.lost.is_none() {
                taking.answer.extend_from_slice(bytes);
            }
        }
        if self.exchange.is_none() || self.is_written || !self.reader.read(bytes) {
            return false;
        }
        self.complete(Passage::Whole);
        true
    }

    fn settle(&mut self) {
        match self.take.take_if(|taking| taking.is_over) {
            Some(Taking { lost: Some(why), .. }) => self.account.leave_out(&why),
            Some(Taking { take, answer, .. }) => match as_text(answer) {
                Some(answer) => self.account.keep(Take { answer, ..take }),
                None => self.account.leave_out("an answer was no text"),
            },
            None => {}
        }
        if let Some(exchange) = self.exchange.as_ref().filter(|_| !self.is_written) {
            self.is_written = true;
            self.account.write_down(exchange.clone());
        }
        self.place = None;
    }

    fn ends(&mut self, end: Ending) {
        if let Some(taking) = self.take.as_mut().filter(|taking| taking.take.status > 0) {
            taking.is_over = true;
        }
        if self.is_written {
            return;
        }
        self.reader.ends();
        self.is_unreached = matches!(end, Ending::Unreached(_));
        self.complete(match end {
            Ending::Whole => Passage::Whole,
            Ending::Left => Passage::Left,
            Ending::Cut(_) | Ending::Unreached(_) => Passage::Cut,
        });
    }
}

/// The text that these bytes are, but for a letter that is cut at their end.
fn as_text(mut bytes: Vec<u8>) -> Option<String> {
    if let Err(error) = std::str::from_utf8(&bytes).map(|_| ())
        && error.error_len().is_none()
    {
        bytes.truncate(error.valid_up_to());
    }
    String::from_utf8(bytes).ok()
}

fn after(wait: Duration) -> Option<Timestamp> {
    clock::now().checked_add(wait).ok()
}

fn short(text: String) -> String {
    if text.len() <= MOST_LETTERS { text } else { text.chars().take(MOST_LETTERS).collect() }
}
