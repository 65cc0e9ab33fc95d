//! The metered way to a model: agents ask through it with addresses and keys that are their attempt's own, real keys are put in on the
//! way, and what each answer took is written down before the agent goes on.

mod account;
mod door;
mod fields;
mod joined;
mod lease;
mod ledger;
mod meter;
mod on_their_way;
mod place;
mod providers;
mod reader;
mod refusal;
mod request;
mod tape;
#[cfg(test)]
mod tests;
mod throttle;
mod till;
mod way;
mod written;

use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::json;
use serde_json::value::RawValue;

use crate::model::exchange::{GatewayUse, Interface};
use crate::model::ids::{ModelName, RunId};
use crate::model::money::Usd;
use crate::os::relay::{Admission, Answer, Asked, Ending, Gate, Headers, Relay, Tap as _};
use crate::os::{clock, random};

use account::Account;
pub use account::{Passing, Terms, Words};
pub use door::Door;
use door::Own;
pub use lease::{Exchanged, Lease, Recall};
pub use ledger::Unwritten;
use meter::Metering;
pub use providers::addresses;
use request::Kind;
use throttle::Throttle;
use till::Till;
pub use way::{Past, Way, is_given, kept_out};
pub use written::{CONFIG, bases, is_read};

/// Letters and digits of a token: nobody can guess it.
const TOKEN_LENGTH: usize = 32;

/// The gateway of a session. Each attempt asks at a port of its own.
#[derive(Debug)]
pub struct Gateway {
    /// Whether every agent has to ask through it.
    pub is_required: bool,
    relay: Mutex<Option<Relay>>,
    desk: Arc<Desk>,
    till: Arc<Till>,
    throttle: Arc<Throttle>,
}

/// Who may ask.
#[derive(Debug, Default)]
struct Desk {
    accounts: Mutex<HashMap<String, Arc<Account>>>,
}

impl Gateway {
    /// The one for this use, which holds a request back for at most `hold`; `None` where there is to be none.
    #[must_use]
    pub fn of(asked: GatewayUse, hold: Duration) -> Option<Self> {
        let is_required = match asked {
            GatewayUse::Off => return None,
            GatewayUse::Meter => false,
            GatewayUse::Require => true,
        };
        let throttle = Arc::new(Throttle::new(hold));
        Some(Self { is_required, relay: Mutex::default(), desk: Arc::default(), till: Arc::default(), throttle })
    }

    /// Begins a session, before which so much was spent of the experiment's ceiling. `report` learns which model's provider asks to wait, and
    /// for how long, where the model is one that an agent was told to use.
    pub fn begin(
        &self,
        spent: Usd,
        ceiling: Option<Usd>,
        report: impl Fn(ModelName, Duration) + Send + Sync + 'static,
    ) {
        self.till.begin(spent, ceiling);
        self.throttle.reports_to(Box::new(report));
    }

    /// A model must not be asked for so long.
    pub fn pause(&self, model: &ModelName, wait: Duration) {
        self.throttle.pause(model, wait);
    }

    /// An attempt of this run has cost so much, answers that passed here included.
    pub fn count_attempt(&self, run: RunId, usd: Usd) {
        self.till.count_attempt(run, usd);
    }

    /// A judge of this run has cost so much, answers that passed here included. Its agent is done.
    pub fn count_judge(&self, run: RunId, usd: Usd) {
        self.till.count_judge(run, usd);
    }

    /// What it is for.
    #[must_use]
    pub fn asked(&self) -> GatewayUse {
        if self.is_required { GatewayUse::Require } else { GatewayUse::Meter }
    }

    /// Does something with the relay, which works from now on.
    fn with_relay<T>(&self, work: impl FnOnce(&Relay) -> io::Result<T>) -> io::Result<T> {
        let mut relay = self.relay.lock().unwrap_or_else(PoisonError::into_inner);
        if relay.is_none() {
            *relay = Some(Relay::open()?);
        }
        relay.as_ref().map_or_else(|| Err(io::ErrorKind::NotConnected.into()), work)
    }

    /// Lets one attempt ask, until the lease is dropped. What its requests took is appended to `ledger`.
    ///
    /// # Errors
    /// When that file cannot be made, no socket or thread can be had, or a variable names a proxy that cannot be used.
    pub fn lease(&self, ledger: &Path, terms: Terms) -> io::Result<Lease> {
        let token = random::word(TOKEN_LENGTH)?;
        let own = Own { desk: Arc::clone(&self.desk), token: Some(token.clone()) };
        let port = self.with_relay(|relay| relay.port(Arc::new(own)))?;
        let address = port.address();
        let account = Account::new(
            (ledger, &token, &address.to_string()),
            terms,
            (Arc::clone(&self.till), Arc::clone(&self.throttle)),
        )?;
        let account = Arc::new(account);
        self.desk.lock().insert(token.clone(), Arc::clone(&account));
        let desk = Arc::clone(&self.desk);
        let end = token.clone();
        let ends = Box::new(move || drop(desk.lock().remove(&end)));
        Ok(Lease::new(port, token, account, ends))
    }
}

impl Desk {
    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<Account>>> {
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Gate for Desk {
    fn admit(&self, asked: &Asked<'_>) -> Admission {
        let began = clock::Stopwatch::start();
        let path = asked.path.strip_prefix('/').unwrap_or(asked.path);
        let (token, rest) = path.split_once('/').unwrap_or((path, ""));
        let Some(account) = self.lock().get(token).cloned() else {
            return refused(401, "this address belongs to no attempt that is under way");
        };
        let (provider, rest) = rest.split_once('/').unwrap_or((rest, ""));
        let Some(base) = account.base(provider) else {
            return refused(404, "the gateway leads to no such provider");
        };
        // Whoever is asked must not read another path in it than the one that is looked at here.
        let Some(rest) = request::plain(rest) else {
            return refused(400, "the path of a request must be a plain one, without `..` and codes of slashes");
        };
        let known = (asked.method, format!("/{rest}"), asked.body);
        let mut headers: Headers = asked.headers.clone();
        let keyed = request::put_in_keys(&mut headers, &rest, |own| account.real_key(provider, own));
        let url = format!("{}/{keyed}", base.trim_end_matches('/'));
        let interface = match Kind::of(asked.method, url.split('?').next().unwrap_or_default()) {
            Kind::Asks(interface) => Some(interface),
            Kind::Looks => None,
            Kind::Unknown => {
                let path = rest.split('?').next().unwrap_or_default();
                let why = format!("nobody could say what `{} /{path}` costs, so it is not passed on", asked.method);
                return refused(403, &why);
            }
        };
        let found = interface.and_then(|_| fields::whole(asked.body, ["model", "stream", "stream_options"]));
        let body = interface
            .zip(found)
            .and_then(|(interface, [_, stream, options])| with_usage(interface, asked.body, (stream, options)));
        let model = found.and_then(|[model, ..]| fields::text(model)).or_else(|| model_in(&rest));
        account.settled();
        let mut tap = Metering::new(&account, interface, model, began);
        if account.is_played() {
            return played(&account, tap, &known);
        }
        if account.keeps() {
            tap.keep(&known);
        }
        match tap.may_ask() {
            Ok(()) => Admission::Passes { url, headers, body, tap: Box::new(tap) },
            Err(Some(answer)) => Admission::Answered(answer),
            Err(None) => refused(401, "this address belongs to no attempt that is under way"),
        }
    }
}

/// The answer to a request that is not passed on: that of a tape.
fn played(account: &Account, mut tap: Metering, asked: &(&str, String, &[u8])) -> Admission {
    if let Some(answer) = tap.at_limit() {
        return Admission::Answered(answer);
    }
    let take = match account.given(asked) {
        Ok(take) => take,
        Err(why) => {
            if tap.asks_a_model() {
                account.misses(&why);
            }
            return refused(404, &why);
        }
    };
    let headers: Headers =
        take.headers.iter().map(|(name, value)| (name.clone(), value.clone().into_bytes())).collect();
    let answer = Answer { status: take.status, headers: take.headers, body: take.answer.into_bytes() };
    if let Some(exceeded) = take.exceeded {
        account.refuse_at(exceeded);
        return Admission::Answered(tap.refuse(answer, None));
    }
    tap.begins(answer.status, &headers);
    tap.comes(&answer.body);
    tap.ends(Ending::Whole);
    tap.settle();
    Admission::Answered(answer)
}

/// A stream of Chat Completions says what it took only when it is asked to: then the body is another one, in nothing else.
fn with_usage(
    interface: Interface,
    body: &[u8],
    (stream, options): (Option<&RawValue>, Option<&RawValue>),
) -> Option<Vec<u8>> {
    if interface != Interface::OpenAiChat || stream?.get() != "true" {
        return None;
    }
    let mut asked = match options {
        Some(_) => fields::value(options)?,
        None => json!({}),
    };
    if asked["include_usage"] == json!(true) {
        return None;
    }
    if !asked.is_object() {
        asked = json!({});
    }
    asked["include_usage"] = json!(true);
    let (text, place) = if let Some(options) = options {
        let begin = options.get().as_ptr().addr().checked_sub(body.as_ptr().addr())?;
        (asked.to_string(), begin..begin + options.get().len())
    } else {
        let begin = body.iter().position(|byte| *byte == b'{')? + 1;
        (format!("\"stream_options\":{asked},"), begin..begin)
    };
    let mut body = body.to_vec();
    body.splice(place, text.into_bytes());
    Some(body)
}

/// The model in a path of Gemini's.
fn model_in(path: &str) -> Option<String> {
    let (_, after) = path.split_once("models/")?;
    Some(after.split([':', '/', '?']).next().unwrap_or_default().to_owned()).filter(|model| !model.is_empty())
}

/// A refusal in a form that the programs of every provider understand.
fn refused(status: u16, why: &str) -> Admission {
    let body = json!({"type": "error", "error": {"type": "authentication_error", "code": status, "message": format!("cargo-scylla: {why}")}});
    let body = body.to_string().into_bytes();
    Admission::Answered(Answer {
        status,
        headers: vec![("content-type".to_owned(), "application/json".to_owned())],
        body,
    })
}
