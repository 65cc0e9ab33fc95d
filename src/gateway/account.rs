//! What stands behind an attempt's address: real addresses and keys, its limits, and what it has used of them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use super::ledger::{Ledger, Unwritten, Written};
use super::on_their_way::Places;
use super::tape::{Played, Tape};
use super::throttle::{Throttle, Waited};
use super::till::Till;
use crate::model::allowance::{Allowance, Exceeded};
use crate::model::exchange::Exchange;
use crate::model::ids::{ModelName, RunId};
use crate::model::tape::{OwnWords, TOKEN, Take};
use crate::model::usage::{Cost, CostSource, OwnPrices, Usage};
use crate::os::clock::Stopwatch;
use crate::os::process::DOOR_PORT;
use crate::text::redact::Secrets;

/// On what terms an attempt, or a judge, may ask.
#[derive(Debug, Clone)]
pub struct Terms {
    /// Its run.
    pub run: RunId,
    /// The model that its agent, or its judge, is told to use.
    pub model: Option<ModelName>,
    /// What may be used.
    pub allowance: Allowance,
    /// Whether nothing passes any more once the experiment's ceiling is reached. A judge grades what is paid for.
    pub heeds_ceiling: bool,
    /// How long a request may be held back at most, where that is shorter than for others: whoever asks waits no longer.
    pub patience: Option<Duration>,
    /// Prices by which costs are computed before those of the list.
    pub prices: OwnPrices,
    /// What becomes of what passes.
    pub passing: Passing,
}

/// What becomes of what passes, beside its use.
#[derive(Debug, Clone, Default)]
pub enum Passing {
    /// Nothing.
    #[default]
    Forgotten,
    /// It is kept in this file.
    Kept(PathBuf, Words),
    /// Nothing passes: answers are those that are kept in this file.
    Given(PathBuf, Words),
}

/// What must not stand in what is kept: what is the attempt's own beside its address and key, and secrets.
#[derive(Debug, Clone, Default)]
pub struct Words {
    /// The attempt's own.
    pub own: OwnWords,
    /// Secrets.
    pub secrets: Secrets,
}

/// What stands for an attempt's own key on a tape.
const KEY: &str = "key";
/// What stands for the gateway's own address on a tape.
const GATEWAY: &str = "gateway";
/// So many keys of an attempt are known on its tape.
const MOST_KEYS: usize = 100;

/// The host of the gateway.
pub(super) const OWN_HOST: &str = "127.0.0.1";

/// Where the gateway is for a program that reaches it by a door alone.
pub(super) fn door() -> String {
    format!("{OWN_HOST}:{DOOR_PORT}")
}

/// A key of the attempt with this token.
pub(super) fn own_key(token: &str, number: usize) -> String {
    format!("{token}-{number:02}")
}

/// So long it is waited for what breaks off because whoever asked is gone.
const QUIET_WITHIN: Duration = Duration::from_secs(10);

/// An attempt's account with the gateway.
#[derive(Debug)]
pub(super) struct Account {
    behind: Mutex<Behind>,
    ledger: Mutex<Ledger>,
    /// How many requests are on their way.
    under_way: Mutex<usize>,
    fewer: Condvar,
    /// Those that were passed on.
    places: Places,
    /// How many of them are being held back.
    held: AtomicUsize,
    is_closed: AtomicBool,
    /// The first limit at which it was refused, and since then.
    refused: OnceLock<(Exceeded, Stopwatch)>,
    /// Until when the run's own model is not to be asked, where its provider's last word was that.
    limited: Mutex<Option<Timestamp>>,
    tape: Option<Mutex<Tape>>,
    played: Option<Mutex<Played>>,
    /// In what the first request differed that is not on the tape that is played, and since when.
    unmatched: OnceLock<(String, Stopwatch)>,
    pub terms: Terms,
    pub till: Arc<Till>,
    pub throttle: Arc<Throttle>,
}

/// That a request is being held back.
pub(super) struct Held<'a>(&'a AtomicUsize);

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Real addresses and keys. They are never shown.
#[derive(Default)]
pub(super) struct Behind {
    /// By the name of the provider, or of what stands for it.
    pub bases: BTreeMap<String, String>,
    /// Its keys.
    pub keys: Vec<Key>,
}

/// A key of the attempt's own.
pub(super) struct Key {
    /// What the attempt has.
    pub own: String,
    /// What it stands for.
    pub real: String,
    /// The providers that it is given to, by their names in `bases`: no other one learns of it.
    pub of: BTreeSet<String>,
}

impl fmt::Debug for Behind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Behind").field("bases", &self.bases).finish_non_exhaustive()
    }
}

impl Account {
    pub(super) fn new(
        (ledger, token, address): (&Path, &str, &str),
        terms: Terms,
        (till, throttle): (Arc<Till>, Arc<Throttle>),
    ) -> io::Result<Self> {
        let words = |words: &Words| {
            let mut own = words.own.clone();
            own.0.extend((0..MOST_KEYS).map(|number| (own_key(token, number), KEY)));
            own.0.extend([(token.to_owned(), TOKEN), (address.to_owned(), GATEWAY), (door(), GATEWAY)]);
            own
        };
        let (tape, played) = match &terms.passing {
            Passing::Forgotten => (None, None),
            Passing::Kept(path, known) => (Some(Tape::open(path, words(known), known.secrets.clone())?), None),
            Passing::Given(path, known) => (None, Some(Played::read(path, words(known), known.secrets.clone())?)),
        };
        Ok(Self {
            behind: Mutex::default(),
            ledger: Mutex::new(Ledger::open(ledger)?),
            under_way: Mutex::default(),
            fewer: Condvar::new(),
            places: Places::default(),
            held: AtomicUsize::new(0),
            is_closed: AtomicBool::new(false),
            refused: OnceLock::new(),
            limited: Mutex::default(),
            tape: tape.map(Mutex::new),
            played: played.map(Mutex::new),
            unmatched: OnceLock::new(),
            terms,
            till,
            throttle,
        })
    }

    pub(super) fn behind(&self) -> MutexGuard<'_, Behind> {
        self.behind.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The real address of a provider.
    pub(super) fn base(&self, provider: &str) -> Option<String> {
        self.behind().bases.get(provider).cloned()
    }

    /// The real key for which one of the attempt's own stands with this provider.
    pub(super) fn real_key(&self, provider: &str, own: &str) -> Option<String> {
        let behind = self.behind();
        let key = behind.keys.iter().find(|key| key.own == own && key.of.contains(provider));
        key.map(|key| key.real.clone())
    }

    /// A request begins, or has ended and is written down.
    pub(super) fn begins(&self) {
        *self.under_way.lock().unwrap_or_else(PoisonError::into_inner) += 1;
    }

    pub(super) fn ends(&self) {
        *self.under_way.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        self.fewer.notify_all();
    }

    /// Nothing passes any more. Waits, for a while, until what is on its way has ended. Gives the exchanges.
    pub(super) fn close(&self) -> Result<Written, Unwritten> {
        self.is_closed.store(true, Ordering::SeqCst);
        self.throttle.wake();
        let under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.fewer.wait_timeout_while(under_way, QUIET_WITHIN, |count| *count > 0));
        self.ledger().end()
    }

    /// Waits until what passed before is durable.
    pub(super) fn settled(&self) {
        drop(self.ledger());
    }

    /// Writes down an exchange, durably.
    pub(super) fn write_down(&self, exchange: Exchange) {
        if let Some((usd, _)) = exchange.cost.at_least() {
            self.till.take(self.terms.run, usd);
        }
        self.till.learn(&exchange);
        self.places.lock().learn(&exchange);
        self.ledger().add(exchange);
    }

    /// Whether what passes is kept.
    pub(super) fn keeps(&self) -> bool {
        self.tape.is_some()
    }

    /// Keeps an exchange.
    pub(super) fn keep(&self, take: Take) {
        if let Some(tape) = &self.tape {
            tape.lock().unwrap_or_else(PoisonError::into_inner).keep(take);
        }
    }

    /// An exchange cannot be kept, because of this.
    pub(super) fn leave_out(&self, why: &str) {
        if let Some(tape) = &self.tape {
            tape.lock().unwrap_or_else(PoisonError::into_inner).leave_out(why.to_owned());
        }
    }

    /// Why not all that passed was kept that was to be; what was is durable now.
    pub(super) fn left_out(&self) -> Option<String> {
        self.tape.as_ref().and_then(|tape| tape.lock().unwrap_or_else(PoisonError::into_inner).end())
    }

    /// Whoever asks reaches the gateway by a door alone.
    pub(super) fn is_by_door(&self) {
        if let Some(played) = &self.played {
            played.lock().unwrap_or_else(PoisonError::into_inner).is_reached_at(&door());
        }
    }

    /// Whether answers are those of another attempt, which cost nothing.
    pub(super) fn is_played(&self) -> bool {
        self.played.is_some()
    }

    /// The answer that was kept for a request of this method, path and body; else why there is none.
    pub(super) fn given(&self, (method, path, body): &(&str, String, &[u8])) -> Result<Take, String> {
        let played = self.played.as_ref().ok_or("nothing is played")?;
        let body = String::from_utf8_lossy(body);
        played.lock().unwrap_or_else(PoisonError::into_inner).answer(method, path, &body)
    }

    /// A request to a model was not on the tape.
    pub(super) fn misses(&self, why: &str) {
        self.unmatched.get_or_init(|| (why.to_owned(), Stopwatch::start()));
    }

    /// In what the first one differed.
    pub(super) fn unmatched(&self) -> Option<String> {
        self.unmatched.get().map(|(why, _)| why.clone())
    }

    /// How many requests to models are on the tape that is played, and were not asked.
    pub(super) fn unasked(&self) -> usize {
        self.played.as_ref().map_or(0, |played| played.lock().unwrap_or_else(PoisonError::into_inner).left())
    }

    /// What is known to be used.
    pub(super) fn used(&self) -> Usage {
        let ledger = self.ledger();
        let used = ledger.used();
        Usage { tokens: used.tokens, cost: Cost::of(used.cost, CostSource::Metered) }
    }

    /// Its requests that are on their way.
    pub(super) fn places(&self) -> &Places {
        &self.places
    }

    /// Whether nobody may ask any more.
    pub(super) fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::SeqCst)
    }

    /// The limit that is reached, so that nothing more may be asked.
    pub(super) fn limit_reached(&self) -> Option<Exceeded> {
        let exceeded = self
            .terms
            .allowance
            .reached(&self.used(), None)
            .or_else(|| self.till.reached().filter(|_| self.terms.heeds_ceiling))?;
        self.refuse_at(exceeded);
        Some(exceeded)
    }

    /// Whether what passed could not be written down: then nothing more may pass.
    pub(super) fn is_in_trouble(&self) -> bool {
        self.ledger().is_in_trouble()
    }

    /// It is refused at this limit.
    pub(super) fn refuse_at(&self, exceeded: Exceeded) {
        self.refused.get_or_init(|| (exceeded, Stopwatch::start()));
    }

    /// The limit at which it was first refused.
    pub(super) fn refused(&self) -> Option<Exceeded> {
        self.refused.get().map(|(exceeded, _)| *exceeded)
    }

    /// For how long it has been refused, at a limit or because its request is not on the tape.
    pub(super) fn refused_for(&self) -> Option<Duration> {
        let since = self.refused.get().map(|(_, since)| since).or_else(|| self.unmatched.get().map(|(_, since)| since));
        since.map(|since| since.worked())
    }

    /// Notes the last word of a model's provider: until when it asks to wait for a rate limit, or anything else.
    pub(super) fn note_limit(&self, model: &ModelName, until: Option<Timestamp>) {
        if self.terms.model.as_ref() == Some(model) {
            *self.limited.lock().unwrap_or_else(PoisonError::into_inner) = until;
        }
    }

    /// The last word about the run's own model.
    pub(super) fn limited(&self) -> Option<Timestamp> {
        *self.limited.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How long a request may still be held that was held for so long.
    pub(super) fn patience(&self, held: Duration) -> Duration {
        let most = self.throttle.hold();
        self.terms.patience.map_or(most, |own| own.min(most)).saturating_sub(held)
    }

    /// Whether a request is being held back.
    pub(super) fn is_held(&self) -> bool {
        self.held.load(Ordering::SeqCst) > 0
    }

    /// One request is being held back, until this is dropped.
    pub(super) fn holds_one(&self) -> Held<'_> {
        self.held.fetch_add(1, Ordering::SeqCst);
        Held(&self.held)
    }

    /// Waits until a model may be asked.
    pub(super) fn turn(&self, model: &ModelName, patience: Duration) -> Waited {
        let _held = self.holds_one();
        self.throttle.turn(model, patience, || self.is_closed())
    }

    /// The name under which the limits of a model are kept: that of the run's own model, where it is the same, so that the coordinator knows
    /// it, too.
    pub(super) fn name_of(&self, asked: &str) -> ModelName {
        self.terms.model.as_ref().filter(|own| own.is_also(asked)).cloned().unwrap_or_else(|| ModelName::new(asked))
    }
}
