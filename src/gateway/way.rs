//! Which agents ask their models through the gateway, and why others do not: decided before one starts, for the plan and for its run.

use std::collections::BTreeMap;
use std::ffi::OsString;

use super::lease::{is_led, variables};
use crate::model::agent::Agent;
use crate::model::exchange::GatewayUse;
use crate::model::sandbox::Network;
use crate::os::environment::is_set;

/// How an agent asks its model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// Through the gateway; but with these keys past it.
    Through(Vec<&'static str>),
    /// Past the gateway.
    Past(Past),
}

/// Why an agent asks past the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Past {
    /// There is none.
    Off,
    /// It can reach nobody.
    NoNetwork,
    /// Its program is not known to go where it is sent.
    Unknown,
    /// It is given no key and no address of a provider.
    Keyless,
    /// This variable sends it elsewhere.
    Detour(&'static str),
}

impl Way {
    /// The one of this agent, which is given the variables that `has` knows; `None` for one that asks no model.
    #[must_use]
    pub fn of(
        agent: &Agent,
        configured: Option<&str>,
        (asked, network): (GatewayUse, Network),
        has: impl Fn(&str) -> bool,
    ) -> Option<Self> {
        agent.model(configured)?;
        if let Some(past) = kept_out(agent, asked, network) {
            return Some(Self::Past(past));
        }
        let known = agent.installation();
        let detour = known.and_then(|known| known.detours.iter().find(|name| has(name)));
        if let Some(detour) = detour {
            return Some(Self::Past(Past::Detour(detour)));
        }
        let (addresses, keys) = (known.map(|known| known.addresses), known.map_or(&[][..], |known| known.keys));
        let is_led = |name: &str| is_led(name, addresses);
        if !variables().any(|name| is_led(name) && has(name)) {
            return Some(Self::Past(Past::Keyless));
        }
        Some(Self::Through(keys.iter().copied().filter(|key| has(key) && !is_led(key)).collect()))
    }
}

/// Whether an agent that is given these variables of this environment has this one.
#[must_use]
pub fn is_given(agent: &Agent, given: &[String], inherited: &BTreeMap<OsString, OsString>, name: &str) -> bool {
    agent.program().is_some_and(|program| program.environment.contains_key(name))
        || (given.iter().any(|given| given == name) && is_set(inherited, name))
}

/// Why an agent that asks a model is never led through the gateway, whatever it is given; `None` where it is.
#[must_use]
pub fn kept_out(agent: &Agent, asked: GatewayUse, network: Network) -> Option<Past> {
    match (asked, network) {
        (GatewayUse::Off, _) => Some(Past::Off),
        (_, Network::None) => Some(Past::NoNetwork),
        // Where nothing else is reachable, nobody loses anything by being sent there.
        (GatewayUse::Meter, Network::Open) if agent.installation().is_none() => Some(Past::Unknown),
        (GatewayUse::Meter | GatewayUse::Require, _) => None,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::agent::{KINDS, named};
    use crate::gateway::written::CONFIG;
    use crate::gateway::{Gateway, Passing, Terms};
    use crate::model::allowance::Allowance;
    use crate::model::usage::OwnPrices;

    #[test]
    fn a_way_leads_through_the_gateway_where_a_lease_leads_its_program_there_and_nowhere_else() {
        let folder = tempfile::tempdir().unwrap();
        let gateway = Gateway::of(GatewayUse::Require, Duration::ZERO).unwrap();
        let terms = || Terms {
            run: "T0/00/1".parse().unwrap(),
            model: None,
            allowance: Allowance::default(),
            heeds_ceiling: true,
            patience: None,
            prices: OwnPrices::default(),
            passing: Passing::Forgotten,
        };
        let config = r#"{"provider": {"own": {"options": {"baseURL": "http://there"}}}}"#;
        let value = |name: &str| if name == CONFIG { config } else { "http://there" };
        let mut seen = BTreeMap::new();
        for agent in KINDS.iter().filter_map(|kind| named(kind.name, false).ok()) {
            let known = agent.installation();
            let variables = known.map(|known| [known.keys, known.addresses].concat()).unwrap_or_default();
            for given in [&[][..]].into_iter().chain(variables.chunks(1)).chain([&variables[..]]) {
                let mut environment: BTreeMap<OsString, OsString> =
                    given.iter().map(|name| ((*name).into(), value(name).into())).collect();
                let lease = gateway.lease(&folder.path().join("usage.jsonl"), terms()).unwrap();
                lease.redirect(&mut environment, known.map(|known| known.addresses));
                let is_led = environment.values().any(|value| value.to_string_lossy().contains("://127.0.0.1:"));
                let left: Vec<&str> =
                    given.iter().copied().filter(|name| environment[&OsString::from(*name)] == value(name)).collect();
                let asked = (GatewayUse::Require, Network::Open);
                let way = Way::of(&agent, Some("m"), asked, |name| given.contains(&name));
                let name = agent.kind().name;
                match &way {
                    None => assert!(known.is_none(), "{name}"),
                    Some(Way::Through(past)) => assert_eq!((is_led, past), (true, &left), "{name} {given:?}"),
                    Some(Way::Past(_)) => assert!(!is_led, "{name} {given:?}: {way:?}"),
                }
                seen.insert(format!("{name} {given:?}"), way);
            }
        }
        assert_eq!(seen[r#"codex ["OPENAI_API_KEY"]"#], Some(Way::Through(Vec::new())));
        assert_eq!(seen[r#"aider ["ANTHROPIC_API_KEY"]"#], Some(Way::Through(Vec::new())));
        assert_eq!(seen["codex []"], Some(Way::Past(Past::Keyless)));
        assert_eq!(seen[r#"opencode ["OPENAI_API_KEY"]"#], Some(Way::Through(Vec::new())));
    }
}
