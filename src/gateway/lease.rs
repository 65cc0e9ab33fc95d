//! What one attempt is given: an address and keys of its own, for as long as it may ask.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::account::{Account, Behind, Key, OWN_HOST, door, own_key};
use super::ledger::{Unwritten, Written};
use super::providers::{PROVIDERS, Provider};
use super::written::{self, InPlace, Led};
use crate::model::allowance::Exceeded;
use crate::model::exchange::{Exchange, Interface};
use crate::model::metered::Metered;
use crate::os::relay::Port;

/// The variables that hold a key of a provider, or its address.
pub(super) fn variables() -> impl Iterator<Item = &'static str> {
    let of_providers = PROVIDERS.iter().flat_map(|provider| provider.addresses.iter().chain(provider.keys)).copied();
    of_providers.chain([written::CONFIG])
}

/// Whether what is asked with this variable goes through the gateway, for a program that heeds only these `addresses`, or any.
pub(super) fn is_led(name: &str, addresses: Option<&[&str]>) -> bool {
    let is_heeded = |address: &&str| addresses.is_none_or(|known| known.contains(address));
    if is_heeded(&written::CONFIG) && (name == written::CONFIG || written::keys().any(|key| key == name)) {
        return true;
    }
    PROVIDERS.iter().any(|Provider { addresses, keys, .. }| {
        let leads = addresses.iter().any(&is_heeded);
        leads && (keys.contains(&name) || addresses.iter().any(|it| *it == name && is_heeded(it)))
    })
}

/// The variables that name hosts to which no proxy leads.
pub(super) const NO_PROXY: [&str; 2] = ["NO_PROXY", "no_proxy"];
/// Keys that programs have of the person who uses them, and not of a provider's interface.
const KEYS_OF_PERSONS: [&str; 1] = ["CLAUDE_CODE_OAUTH_TOKEN"];

/// So long an agent may still work after a request of its was answered with the end of a limit: what it asks is refused from then on, and
/// programs that go on asking would do so until their time is over.
const RECALLED_AFTER: Duration = Duration::from_secs(20);

/// The value of a variable, without space around it.
fn set(environment: &BTreeMap<OsString, OsString>, name: &str) -> Option<String> {
    environment.get(OsStr::new(name)).and_then(|it| it.to_str()).map(str::trim).map(str::to_owned)
}

/// What passed under a lease.
#[derive(Debug)]
pub struct Exchanged {
    /// The last exchanges, in the order in which they were written down.
    pub exchanges: Vec<Exchange>,
    /// What all of them took.
    pub used: Metered,
    /// The limit at which the agent was refused, if it was.
    pub exceeded: Option<Exceeded>,
    /// Until when the model that the agent was told to use is not to be asked, where its provider's last word was that.
    pub limited: Option<Timestamp>,
    /// In what the first request differed that is not on the tape that is played.
    pub unmatched: Option<String>,
    /// How many requests to models are on the tape that is played, and were not asked.
    pub unasked: usize,
    /// Why not all that passed was kept that was to be.
    pub left_out: Option<String>,
    /// The addresses of the attempt alone, each with the real one for which it stood.
    stood_for: Vec<(String, String)>,
}

impl Exchanged {
    /// What its program says, with the real addresses in place of those that no other attempt has.
    #[must_use]
    pub fn in_real_words(&self, text: &str) -> String {
        self.stood_for.iter().fold(text.to_owned(), |text, (own, real)| text.replace(own, real))
    }
}

/// Looks at a lease while its agent works.
#[derive(Debug)]
pub struct Recall(Arc<Account>);

impl Recall {
    /// Whether a request of the agent is being held back: then its silence is not its own.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.0.is_held()
    }

    /// Whether the agent must end, because it was refused at a limit a while ago, or what it asks cannot be written down.
    #[must_use]
    pub fn is_due(&self) -> bool {
        self.0.is_in_trouble() || self.0.refused_for().is_some_and(|since| since >= RECALLED_AFTER)
    }
}

/// An attempt's right to ask. It ends when this is dropped.
pub struct Lease {
    address: String,
    /// Where its program connects; `None` for one that has a door.
    port: Option<Port>,
    token: String,
    account: Arc<Account>,
    ends: Option<Box<dyn FnOnce() + Send>>,
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease").field("account", &self.account).finish_non_exhaustive()
    }
}

impl Lease {
    pub(super) fn new(port: Port, token: String, account: Arc<Account>, ends: Box<dyn FnOnce() + Send>) -> Self {
        let address = format!("http://{}/{token}", port.address());
        Self { address, port: Some(port), token, account, ends: Some(ends) }
    }

    /// The same for a program that reaches the gateway by a door alone.
    #[must_use]
    pub fn by_door(mut self) -> Self {
        self.address = format!("http://{}/{}", door(), self.token);
        self.account.is_by_door();
        self.port = None;
        self
    }

    pub(super) fn token(&self) -> &str {
        &self.token
    }

    /// Sends the programs that get these variables through the gateway: real keys are taken out of them, and each address becomes the
    /// attempt's own. What leads there already stays. Where `addresses` are named, the programs heed only these variables, and only
    /// their providers are asked this way.
    pub fn redirect(&self, environment: &mut BTreeMap<OsString, OsString>, addresses: Option<&[&str]>) {
        let mut behind = self.account.behind();
        let is_heeded = |name: &&str| addresses.is_none_or(|known| known.contains(name));
        if self.account.is_played() {
            // Nobody is asked, so nobody needs a real key.
            let others = PROVIDERS.iter().filter(|provider| !provider.addresses.iter().any(&is_heeded));
            for name in others.flat_map(|provider| provider.keys).chain(&KEYS_OF_PERSONS) {
                environment.remove(OsStr::new(name));
            }
        }
        for provider in PROVIDERS.iter().filter(|provider| provider.addresses.iter().any(&is_heeded)) {
            let own = format!("{}/{}", self.address, provider.name);
            let heeded = || provider.addresses.iter().copied().filter(is_heeded);
            let mut elsewhere = heeded().filter_map(|name| set(environment, name));
            let elsewhere = elsewhere.find(|address| !address.is_empty() && *address != own);
            if !self.exchange_keys(provider, environment, &mut behind) && elsewhere.is_none() {
                continue;
            }
            match elsewhere {
                Some(elsewhere) => drop(behind.bases.insert(provider.name.to_owned(), elsewhere)),
                None => drop(behind.bases.entry(provider.name.to_owned()).or_insert_with(|| provider.base.to_owned())),
            }
            for name in heeded() {
                environment.insert(name.into(), own.clone().into());
            }
        }
        // A program that nobody knows is given no configuration of one that it may not be.
        if is_heeded(&written::CONFIG) && (addresses.is_some() || environment.contains_key(OsStr::new(written::CONFIG)))
        {
            self.redirect_config(&mut behind, environment);
        }
        if behind.bases.is_empty() {
            return;
        }
        spare_own_host(environment);
    }

    /// The same in a variable that holds a whole configuration.
    fn redirect_config(&self, behind: &mut Behind, environment: &mut BTreeMap<OsString, OsString>) {
        let text = set(environment, written::CONFIG);
        // Who is answered from a tape needs no key, but its program looks for one.
        let is_played = self.account.is_played();
        let value = |name: &str| set(environment, name).filter(|value| is_sent(value));
        let has = |name: &str| is_played || value(name).is_some();
        let led = written::led(text.as_deref(), &has, &value, &mut Own { lease: self, behind });
        let Some(Led { text, keys }) = led else { return };
        for (provider, key) in keys {
            if !self.replace_key(behind, &provider, &key, environment) && is_played {
                environment.insert(key.into(), own_key(&self.token, 0).into());
            }
        }
        environment.insert(written::CONFIG.into(), text.into());
    }

    /// Puts a key of the attempt's own in the place of the real one of this provider in this variable; `false` where there is none.
    fn replace_key(
        &self,
        behind: &mut Behind,
        provider: &str,
        name: &str,
        environment: &mut BTreeMap<OsString, OsString>,
    ) -> bool {
        let Some(real) = set(environment, name).filter(|key| is_sent(key)) else { return false };
        if let Some(own) = self.own_key(behind, provider, &real) {
            environment.insert(name.into(), own.into());
        }
        true
    }

    /// The key that stands for this one with this provider; `None` where it is one of the attempt's own, which the provider is given, too.
    fn own_key(&self, behind: &mut Behind, provider: &str, real: &str) -> Option<String> {
        if real.contains(&self.token) {
            if let Some(key) = behind.keys.iter_mut().find(|key| key.own == real) {
                key.of.insert(provider.to_owned());
            }
            return None;
        }
        let own = own_key(&self.token, behind.keys.len());
        if !self.account.is_played() {
            let of = BTreeSet::from([provider.to_owned()]);
            behind.keys.push(Key { own: own.clone(), real: real.to_owned(), of });
        }
        Some(own)
    }

    /// The attempt's own address for a program that would ask below `base`, with the key in the variable `key`, whose real value is taken out
    /// of its environment; `None` where nobody stands for that interface.
    pub fn stand_for(
        &self,
        interface: Interface,
        base: &str,
        (key, environment): (&str, &mut BTreeMap<OsString, OsString>),
    ) -> Option<String> {
        let provider = Provider::of(interface)?;
        let mut behind = self.account.behind();
        behind.bases.insert(provider.name.to_owned(), base.to_owned());
        self.replace_key(&mut behind, provider.name, key, environment);
        spare_own_host(environment);
        Some(format!("{}/{}", self.address, provider.name))
    }

    /// Puts keys of the attempt in the place of a provider's real ones. Gives whether there is any.
    fn exchange_keys(
        &self,
        provider: &Provider,
        environment: &mut BTreeMap<OsString, OsString>,
        behind: &mut Behind,
    ) -> bool {
        let is_played = self.account.is_played();
        let mut has_key = false;
        for name in provider.keys {
            has_key |= self.replace_key(behind, provider.name, name, environment);
        }
        if let Some(first) = provider.keys.first().filter(|_| is_played && !has_key) {
            // Who is answered from a tape needs no key, but its program looks for one.
            environment.insert((*first).into(), own_key(&self.token, 0).into());
            has_key = true;
        }
        has_key
    }

    /// Looks at this lease while its agent works.
    #[must_use]
    pub fn recall(&self) -> Recall {
        Recall(Arc::clone(&self.account))
    }

    /// Ends the right to ask. Gives what passed.
    ///
    /// # Errors
    /// When an exchange could not be written down.
    pub fn end(mut self) -> Result<Exchanged, Unwritten> {
        let Written { last, used } = self.finish()?;
        Ok(Exchanged {
            exchanges: last,
            used,
            exceeded: self.account.refused(),
            limited: self.account.limited(),
            unmatched: self.account.unmatched(),
            unasked: self.account.unasked(),
            left_out: self.account.left_out(),
            stood_for: self.stood_for(),
        })
    }

    fn stood_for(&self) -> Vec<(String, String)> {
        let behind = self.account.behind();
        let of_base = |(name, real): (&String, &String)| (format!("{}/{name}", self.address), real.clone());
        behind.bases.iter().map(of_base).collect()
    }

    fn finish(&mut self) -> Result<Written, Unwritten> {
        if let Some(ends) = self.ends.take() {
            ends();
        }
        // Whoever asked is gone, so what is on its way breaks off and is written down.
        let closed = self.account.close();
        drop(self.port.take());
        closed
    }
}

/// What stands in a configuration in the place of real addresses and keys.
struct Own<'a> {
    lease: &'a Lease,
    behind: &'a mut Behind,
}

impl InPlace for Own<'_> {
    fn of_address(&mut self, id: &str, real: &str) -> (String, Option<String>) {
        if let Some(name) = real.strip_prefix(&self.lease.address).and_then(|rest| rest.strip_prefix('/')) {
            return (name.to_owned(), None);
        }
        let plain = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '-' };
        let mut name: String = "written-".chars().chain(id.chars().map(plain)).collect();
        while self.behind.bases.contains_key(&name) {
            name.push('-');
        }
        self.behind.bases.insert(name.clone(), real.to_owned());
        let own = format!("{}/{name}", self.lease.address);
        (name, Some(own))
    }

    fn of_key(&mut self, provider: &str, real: &str) -> Option<String> {
        self.lease.own_key(self.behind, provider, real)
    }
}

/// Whether a key can be sent. What cannot is left to its program, which says so.
fn is_sent(key: &str) -> bool {
    !key.is_empty() && key.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

/// No proxy leads to the gateway.
fn spare_own_host(environment: &mut BTreeMap<OsString, OsString>) {
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

impl Drop for Lease {
    /// Whoever has not ended it has another failure to tell.
    fn drop(&mut self) {
        let _ = self.finish();
    }
}
