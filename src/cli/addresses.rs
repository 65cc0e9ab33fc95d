//! Variables that send agents and judges to an address below which nothing can be asked, found before anything is paid.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};

use crate::cli::unmet::Unmet;
use crate::gateway::{CONFIG, Way, bases, is_given};
use crate::model::agent::Agent;
use crate::model::exchange::GatewayUse;
use crate::model::judge::{Judge, Led, Way as JudgeWay};
use crate::model::sandbox::Network;
use crate::model::task::Fixture;
use crate::text::url::{WrongBase, without_credentials, wrong_base};

/// What sends these agents of a fixture to such an address, where they are configured to use this model. Of a program that nobody knows
/// it counts only where it is sent through the gateway.
#[must_use]
pub fn of_agents<'a>(
    agents: impl IntoIterator<Item = &'a Agent>,
    fixture: &Fixture,
    configured: Option<&str>,
    asked: (GatewayUse, Network),
) -> Vec<Unmet> {
    let inherited: BTreeMap<OsString, OsString> = std::env::vars_os().collect();
    let mut unmet: Vec<Unmet> = Vec::new();
    for agent in agents {
        let given = fixture.variables_given_to(agent);
        let has = |name: &str| is_given(agent, &given, &inherited, name);
        let known = agent.installation();
        if known.is_none() && !matches!(Way::of(agent, configured, asked, has), Some(Way::Through(_))) {
            continue;
        }
        let own = agent.program().map(|program| program.environment);
        for name in crate::gateway::addresses().chain([CONFIG]).filter(|name| has(name)) {
            if known.is_some_and(|known| !known.addresses.contains(&name)) {
                continue;
            }
            let value = own.and_then(|own| own.get(name)).cloned().or_else(|| value(&inherited, name));
            let who = format!("the agent `{}`", agent.kind().name);
            unmet.extend(wrong(name, &value.unwrap_or_default(), &who).filter(|one| !unmet.contains(one)));
        }
    }
    unmet
}

/// What sends these judges to such an address.
#[must_use]
pub fn of_judges(judges: &[Judge], inherited: &BTreeMap<OsString, OsString>) -> Vec<Unmet> {
    let texts = inherited.iter().filter_map(|(name, value)| Some((name.to_str()?, value.to_str()?)));
    let texts = texts.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let mut unmet: Vec<Unmet> = Vec::new();
    for judge in judges {
        let JudgeWay::Asks(asked) = judge.way() else { continue };
        let names: Vec<&str> = match asked.led(&texts) {
            Led::ByVariables(names) => names.to_vec(),
            // Where the fixture itself names an address, the variable is none that it needs.
            Led::ToAddress { .. } => {
                let variables = asked.variables();
                crate::gateway::addresses().filter(|name| variables.contains(name)).collect()
            }
            Led::Unknown => continue,
        };
        let who = format!("the judge `{}`", judge.name());
        let wrong = names.into_iter().filter_map(|name| wrong(name, &value(inherited, name)?, &who));
        unmet.extend(wrong);
    }
    unmet
}

/// What a variable is set to.
fn value(inherited: &BTreeMap<OsString, OsString>, name: &str) -> Option<String> {
    inherited.get(OsStr::new(name)).map(|value| value.to_string_lossy().into_owned())
}

/// What is wrong with the address that a variable holds; nothing where it is empty.
fn wrong(name: &str, value: &str, who: &str) -> Option<Unmet> {
    let named = if name == CONFIG { bases(value) } else { vec![value.trim().to_owned()] };
    let is_wrong = |url: &String| match wrong_base(url) {
        // A password of a server of one's own is sent along.
        _ if url.is_empty() => None,
        Some(WrongBase::User) | None => None,
        Some(why) => Some((without_credentials(url), why)),
    };
    let (url, why) = named.iter().find_map(is_wrong)?;
    let what = if name == CONFIG { "write into" } else { "set" };
    let to = if name == CONFIG { "" } else { "to " };
    Some(Unmet {
        why: format!("`{name}` sends {who} to `{url}`, {why}"),
        cure: format!("{what} `{name}` {to}the beginning of a URL, such as `http://127.0.0.1:8080`, or unset it"),
    })
}
