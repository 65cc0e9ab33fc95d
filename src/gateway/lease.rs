//! What one attempt is given: an address and keys of its own, and what stands behind them.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::ledger::Ledger;
use crate::model::exchange::Exchange;
use crate::model::usage::OwnPrices;

/// A provider whose programs can be sent elsewhere by a variable.
struct Provider {
    /// Its name in addresses of the gateway.
    name: &'static str,
    /// Where it is asked by default, as the variables below give it.
    base: &'static str,
    /// The variables that send its programs elsewhere.
    addresses: &'static [&'static str],
    /// The variables that hold its keys.
    keys: &'static [&'static str],
}

/// Every such provider.
const PROVIDERS: [Provider; 3] = [
    Provider {
        name: "anthropic",
        base: "https://api.anthropic.com",
        addresses: &["ANTHROPIC_BASE_URL"],
        keys: &["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"],
    },
    Provider {
        name: "openai",
        base: "https://api.openai.com/v1",
        addresses: &["OPENAI_BASE_URL", "OPENAI_API_BASE"],
        keys: &["OPENAI_API_KEY", "CODEX_API_KEY"],
    },
    Provider {
        name: "gemini",
        base: "https://generativelanguage.googleapis.com",
        addresses: &["GOOGLE_GEMINI_BASE_URL"],
        keys: &["GEMINI_API_KEY", "GOOGLE_API_KEY"],
    },
];

/// The variables that name hosts to which no proxy leads.
const NO_PROXY: [&str; 2] = ["NO_PROXY", "no_proxy"];
/// The host of the gateway.
const OWN_HOST: &str = "127.0.0.1";

/// So long it is waited for what breaks off because whoever asked is gone.
const QUIET_WITHIN: Duration = Duration::from_secs(10);

/// What stands behind an attempt's address.
#[derive(Debug)]
pub(super) struct Held {
    behind: Mutex<Behind>,
    ledger: Mutex<Ledger>,
    /// How many requests are on their way.
    under_way: Mutex<usize>,
    fewer: Condvar,
    pub(super) prices: OwnPrices,
}

/// Real addresses and keys. They are never shown.
#[derive(Default)]
struct Behind {
    /// By the name of the provider.
    bases: BTreeMap<&'static str, String>,
    /// The key that the attempt has, and the real one.
    keys: Vec<(String, String)>,
}

impl fmt::Debug for Behind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Behind").field("bases", &self.bases).finish_non_exhaustive()
    }
}

impl Held {
    pub(super) fn new(ledger: &Path, prices: OwnPrices) -> io::Result<Self> {
        let ledger = Mutex::new(Ledger::open(ledger)?);
        Ok(Self { behind: Mutex::default(), ledger, under_way: Mutex::default(), fewer: Condvar::new(), prices })
    }

    fn behind(&self) -> MutexGuard<'_, Behind> {
        self.behind.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The real address of a provider.
    pub(super) fn base(&self, provider: &str) -> Option<String> {
        self.behind().bases.get(provider).cloned()
    }

    /// Puts the real key in the place of the attempt's own.
    pub(super) fn put_in_keys(&self, text: &mut Vec<u8>) {
        for (own, real) in &self.behind().keys {
            let place = text.windows(own.len()).position(|part| part == own.as_bytes());
            if let Some(place) = place {
                text.splice(place..place + own.len(), real.bytes());
            }
        }
    }

    /// A request begins, or has ended and is written down.
    pub(super) fn begins(&self) {
        *self.under_way.lock().unwrap_or_else(PoisonError::into_inner) += 1;
    }

    pub(super) fn ends(&self) {
        *self.under_way.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        self.fewer.notify_all();
    }

    /// Waits, for a while, until no request is on its way any more.
    fn quiet(&self) {
        let under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.fewer.wait_timeout_while(under_way, QUIET_WITHIN, |count| *count > 0));
    }

    /// Waits until what passed before is durable.
    pub(super) fn settled(&self) {
        drop(self.ledger());
    }

    /// Writes down an exchange, durably.
    pub(super) fn write_down(&self, exchange: Exchange) {
        self.ledger().add(exchange);
    }
}

/// An attempt's right to ask. It ends when this is dropped.
pub struct Lease {
    address: String,
    token: String,
    held: std::sync::Arc<Held>,
    ends: Option<Box<dyn FnOnce() + Send>>,
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease").field("held", &self.held).finish_non_exhaustive()
    }
}

impl Lease {
    pub(super) fn new(
        address: String,
        token: String,
        held: std::sync::Arc<Held>,
        ends: Box<dyn FnOnce() + Send>,
    ) -> Self {
        Self { address, token, held, ends: Some(ends) }
    }

    /// Sends the programs that get these variables through the gateway: real keys are taken out of them, and each address becomes the
    /// attempt's own. What leads there already stays. Where `addresses` are named, the programs heed only these variables, and only
    /// their providers are asked this way.
    pub fn redirect(&self, environment: &mut BTreeMap<OsString, OsString>, addresses: Option<&[&str]>) {
        let mut behind = self.held.behind();
        let is_heeded = |name: &&str| addresses.is_none_or(|known| known.contains(name));
        for provider in PROVIDERS.iter().filter(|provider| provider.addresses.iter().any(&is_heeded)) {
            let set = |environment: &BTreeMap<OsString, OsString>, name: &str| {
                environment.get(std::ffi::OsStr::new(name)).and_then(|it| it.to_str()).map(str::trim).map(str::to_owned)
            };
            let own = format!("{}/{}", self.address, provider.name);
            let heeded = || provider.addresses.iter().copied().filter(is_heeded);
            let mut elsewhere = heeded().filter_map(|name| set(environment, name));
            let elsewhere = elsewhere.find(|address| !address.is_empty() && *address != own);
            let mut has_key = false;
            for name in provider.keys {
                let Some(real) = set(environment, name).filter(|key| !key.is_empty()) else { continue };
                has_key = true;
                if real.contains(&self.token) {
                    continue;
                }
                let given = format!("{}-{}", self.token, behind.keys.len());
                environment.insert((*name).into(), given.clone().into());
                behind.keys.push((given, real));
            }
            if elsewhere.is_none() && !has_key {
                continue;
            }
            match elsewhere {
                Some(elsewhere) => drop(behind.bases.insert(provider.name, elsewhere)),
                None => drop(behind.bases.entry(provider.name).or_insert_with(|| provider.base.to_owned())),
            }
            for name in heeded() {
                environment.insert(name.into(), own.clone().into());
            }
        }
        if behind.bases.is_empty() {
            return;
        }
        for name in NO_PROXY {
            let hosts = environment.entry(name.into()).or_default();
            let has_own = hosts.to_string_lossy().split(',').any(|host| host.trim() == OWN_HOST);
            if !has_own {
                if !hosts.is_empty() {
                    hosts.push(",");
                }
                hosts.push(OWN_HOST);
            }
        }
    }

    /// Ends the right to ask. Gives the exchanges, in the order in which they were written down.
    ///
    /// # Errors
    /// When one of them could not be written down.
    pub fn end(mut self) -> io::Result<Vec<Exchange>> {
        self.finish()
    }

    fn finish(&mut self) -> io::Result<Vec<Exchange>> {
        if let Some(ends) = self.ends.take() {
            ends();
        }
        // Whoever asked is gone, so what is on its way breaks off and is written down.
        self.held.quiet();
        self.held.ledger().end()
    }
}

impl Drop for Lease {
    /// Whoever has not ended it has another failure to tell.
    fn drop(&mut self) {
        let _ = self.finish();
    }
}
