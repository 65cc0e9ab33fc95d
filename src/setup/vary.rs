//! What the setups of a fixture may differ in: `vary` names it, and any other difference between them is a mistake.

use std::collections::BTreeSet;

use super::given::{Given, between_setups};
use crate::model::ids::SetupId;
use crate::model::task::Tiers;

/// What `vary` can name. `agent` is the kind of agent with all its settings; `agent.KEY` is one setting.
pub const KNOWN: [&str; 10] = [
    "agent",
    "instructions",
    "skills",
    "agents",
    "agent_teams",
    "tools",
    "mcp_servers",
    "system_prompt",
    "files",
    INHERITANCE,
];
/// What names that setups take over what winners of earlier tiers have.
pub const INHERITANCE: &str = "inheritance";
/// What a difference is called, and what names it in `vary`.
const NAMED: [(&str, &str); 12] = [
    ("agent", "agent"),
    ("files over the tree", "files"),
    ("system prompt", "system_prompt"),
    ("blocks of instructions", "instructions"),
    ("skills", "skills"),
    ("agents", "agents"),
    ("agent teams", "agent_teams"),
    ("tools", "tools"),
    ("MCP servers", "mcp_servers"),
    ("takes over the winners of", INHERITANCE),
    ("extends the tier before", INHERITANCE),
    ("stands alone", INHERITANCE),
];
/// The setting of an agent that says which version of its program does the task.
const VERSION: &str = "agent.version";

/// A difference that `vary` does not name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beyond {
    /// The setup that differs.
    pub setup: SetupId,
    /// The one that it was compared with: the first of the fixture.
    pub first: SetupId,
    /// What would name the difference.
    pub name: String,
    /// What each of them was given.
    pub given: Given,
}

/// The setting of an agent that can be named variable by variable.
const VARIABLES: &str = "environment";

/// Whether something can be named in `vary`. `settings` are those that kinds of agents have.
#[must_use]
pub fn is_known(name: &str, settings: &BTreeSet<&str>) -> bool {
    let is_setting = |key: &str| match key.split_once('.') {
        Some((key, variable)) => key == VARIABLES && !variable.is_empty(),
        None => settings.contains(key),
    };
    KNOWN.contains(&name) || name.strip_prefix("agent.").is_some_and(is_setting)
}

/// Whether the versions of agents may differ.
#[must_use]
pub fn allows_versions(vary: &[String]) -> bool {
    vary.iter().any(|name| covers(name, VERSION))
}

/// Every difference between the first setup and another one that `vary` does not name.
#[must_use]
pub fn beyond(vary: &[String], tiers: &Tiers) -> Vec<Beyond> {
    differences(tiers).filter(|found| !vary.iter().any(|name| covers(name, &name_of(&found.given.what)))).collect()
}

/// What names all differences between the first of these setups and the others.
#[must_use]
pub fn named(tiers: &Tiers) -> BTreeSet<String> {
    differences(tiers).map(|found| found.name).collect()
}

/// The differences from the first setup. An agent that can be given nothing, such as `nop` and `oracle`, is a control: it is meant to differ.
fn differences(tiers: &Tiers) -> impl Iterator<Item = Beyond> {
    let all = tiers.iter().flat_map(|(tier, subtests)| subtests.iter().map(|(id, subtest)| ((*tier, *id), subtest)));
    let mut all = all.filter(|(_, subtest)| !subtest.agent.kind().takes.is_empty());
    let first = all.next();
    all.flat_map(move |(setup, subtest)| {
        let compared = first.map(|(first, other)| (first, between_setups(other, subtest)));
        let found = compared.into_iter().flat_map(|(first, given)| given.into_iter().map(move |given| (first, given)));
        // A variable is named with all others: which one it is, the difference says.
        let whole = |name: String| name.split('.').take(2).collect::<Vec<_>>().join(".");
        found.map(move |(first, given)| Beyond { setup, first, name: whole(name_of(&given.what)), given })
    })
}

/// What names a difference in `vary` alone.
fn name_of(what: &str) -> String {
    let setting = what.strip_prefix("agent's ");
    let named = NAMED.iter().find(|(known, _)| *known == what).map(|(_, name)| (*name).to_owned());
    setting.map(|keys| format!("agent.{}", keys.replacen(' ', ".", 1))).or(named).unwrap_or_else(|| what.to_owned())
}

fn covers(name: &str, difference: &str) -> bool {
    name == difference || difference.strip_prefix(name).is_some_and(|rest| rest.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_an_agent_covers_its_settings_and_a_setting_covers_itself_alone() {
        assert!(covers("agent", "agent") && covers("agent", "agent.version"));
        assert!(covers("agent.version", "agent.version") && !covers("agent.version", "agent.model"));
        assert!(!covers("agent", "agents") && !covers("agent", "agent_teams"));
        assert!(allows_versions(&["agent".to_owned()]) && !allows_versions(&["skills".to_owned()]));
        let is_known = |name| is_known(name, &BTreeSet::from(["shell", "environment"]));
        assert!(is_known("agent.shell") && is_known("files") && is_known("agent.environment.A"));
        for wrong in ["agent.", "agent.modle", "agent.shell.x", "agent.environment.", "colour"] {
            assert!(!is_known(wrong), "{wrong}");
        }
    }

    #[test]
    fn every_difference_has_a_name_that_is_known() {
        for (what, name) in NAMED {
            assert_eq!((name_of(what).as_str(), is_known(name, &BTreeSet::new())), (name, true));
        }
        assert_eq!(name_of("agent's environment A"), "agent.environment.A");
    }
}
