//! What two sides of a comparison were given differently: two setups of a fixture, or two experiments.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::model::experiment::{Config, FieldClass};
use crate::model::setup::{McpServer, Setup, SystemPrompt, Tools};
use crate::model::task::{Subtest, Tiers};

/// So many characters of a value are shown.
const MOST_SHOWN: usize = 100;
/// So many of them before the first in which two long values differ.
const ALIKE_SHOWN: usize = 30;
/// What stands for nothing.
const NOTHING: &str = "nothing";

/// One thing that two sides were given differently.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Given {
    /// What.
    pub what: String,
    /// What the first side was given.
    pub first: String,
    /// What the later side was given.
    pub later: String,
    /// Whether somebody asked for that difference; others, such as another day, come about by themselves.
    pub is_meant: bool,
}

/// How two setups differ. Of agents of different kinds the settings are not compared: each kind has its own.
#[must_use]
pub fn between_setups(first: &Subtest, later: &Subtest) -> Vec<Given> {
    let mut found = Vec::new();
    let (kind, other) = (first.agent.kind().name, later.agent.kind().name);
    if kind == other {
        let (keys, others) = (Value::Object(first.agent.keys()), Value::Object(later.agent.keys()));
        between_values("agent's", &keys, &others, &mut found);
    } else {
        found.extend(given_values("agent", &json!(kind), &json!(other)));
    }
    let (first, later) = (described(first), described(later));
    let others = first.iter().zip(&later);
    found.extend(others.filter_map(|((what, first), (_, later))| given_values(what, first, later)));
    found
}

/// So many differences between all setups of two experiments are told; more would say the same.
const MOST_OF_ALL: usize = 12;

/// How setups differ that stand at the same place of two fixtures: what all of them differ in is told once, anything else with the setups
/// that it is of.
#[must_use]
pub fn between_all(first: &Tiers, later: &Tiers) -> Vec<Given> {
    let mut found: Vec<(Given, Vec<String>)> = Vec::new();
    let mut common = 0;
    for (tier, subtests) in first {
        for (id, subtest) in subtests {
            let Some(other) = later.get(tier).and_then(|subtests| subtests.get(id)) else { continue };
            common += 1;
            for given in between_setups(subtest, other) {
                let setup = format!("{tier}/{id}");
                match found.iter_mut().find(|(known, _)| *known == given) {
                    Some((_, setups)) => setups.push(setup),
                    None => found.push((given, vec![setup])),
                }
            }
        }
    }
    let named = |(given, setups): (Given, Vec<String>)| {
        let more = if setups.len() > MOST_NAMED { ", …" } else { "" };
        let of = format!(" of {}{more}", listed(setups.iter().take(MOST_NAMED).cloned()));
        let of = if setups.len() == common { "" } else { &of };
        Given { what: format!("{}{of}", given.what), ..given }
    };
    found.into_iter().take(MOST_OF_ALL).map(named).collect()
}

/// So many setups are named with one difference.
const MOST_NAMED: usize = 4;

/// A difference of two values: they are told as people read them, or as JSON where that would be the same text.
fn given_values(what: &str, first: &Value, later: &Value) -> Option<Given> {
    if first == later || (is_nothing(first) && is_nothing(later)) {
        return None;
    }
    let (one, other) = (shown(first), shown(later));
    if one == other { given(what, first.to_string(), later.to_string(), true) } else { given(what, one, other, true) }
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty(),
        _ => false,
    }
}

/// How two values differ: of objects, key by key, also of those in them.
fn between_values(what: &str, first: &Value, later: &Value, found: &mut Vec<Given>) {
    let (Value::Object(one), Value::Object(other)) = (first, later) else {
        found.extend(given_values(what, first, later));
        return;
    };
    let keys: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
    for key in keys {
        let of = |map: &Map<String, Value>| map.get(key).cloned().unwrap_or_default();
        between_values(&format!("{what} {key}"), &of(one), &of(other), found);
    }
}

/// How two experiments differ in what can change what agents do or how they are graded, in the day on which they began, and
/// in the tool that made them. Plans and labels are no differences.
#[must_use]
pub fn between_experiments(first: &Config, later: &Config) -> Vec<Given> {
    let fields = first.values().into_iter().zip(later.values());
    let of_results = fields.filter(|((field, _), _)| field.class == FieldClass::Result);
    let asked = of_results.filter_map(|((field, first), (_, later))| {
        let what = field.name.replace('_', " ");
        if PLAN.contains(&field.name) { None } else { given(&what, shown(&first), shown(&later), true) }
    });
    let fixture = given("fixture", first.experiment_id.to_string(), later.experiment_id.to_string(), true);
    let day = |config: &Config| config.created_at.strftime("%Y-%m-%d").to_string();
    let by_itself = [
        given("day", day(first), day(later), false),
        given("made by", first.created_by.clone(), later.created_by.clone(), false),
    ];
    fixture.into_iter().chain(asked).chain(by_itself.into_iter().flatten()).collect()
}

/// The versions that agents said they are, by their kind.
pub type Versions<'a> = BTreeMap<&'static str, BTreeSet<&'a str>>;

/// How the versions of agents differ, of each kind of which both sides say one. Who updates a program in between asks for no
/// difference.
#[must_use]
pub fn between_versions(first: &Versions<'_>, later: &Versions<'_>) -> Vec<Given> {
    let all = |versions: &BTreeSet<&str>| listed(versions.iter().map(|version| (*version).to_owned()));
    let of_both = first.iter().filter_map(|(kind, first)| Some((kind, first, later.get(kind)?)));
    of_both
        .filter_map(|(kind, first, later)| given(&format!("version of {kind}"), all(first), all(later), false))
        .collect()
}

/// Fields that say how much is planned.
const PLAN: [&str; 4] = ["subtests", "runs_per_subtest", "max_subtests", "extensions"];

fn given(what: &str, first: String, later: String, is_meant: bool) -> Option<Given> {
    if first == later {
        return None;
    }
    let same = alike_for(&first, &later);
    let shown = |text: String| cut(text, same);
    Some(Given { what: what.to_owned(), first: shown(first), later: shown(later), is_meant })
}

/// What a setup is, part by part, in one order.
fn described(subtest: &Subtest) -> Vec<(&'static str, Value)> {
    let Subtest { overlay, setup, .. } = subtest;
    let Setup { extends_previous, stands_alone, inherit_best_from, system_prompt, agent_teams, resources } = setup;
    let levels = resources.agent_levels.iter().map(|level| format!("level {level}"));
    let agents: Vec<String> = levels.chain(sorted(&resources.agent_names)).collect();
    let tools = match &resources.tools {
        None => json!("not specified"),
        Some(Tools::All) => json!("all"),
        Some(Tools::Named(names)) => json!(sorted(names)),
    };
    let servers = resources.mcp_servers.iter().map(|McpServer { name, source, config_path }| {
        let (source, path) =
            (source.iter().map(|it| format!("from {it}")), config_path.iter().map(|it| format!("at {it}")));
        std::iter::once(name.clone()).chain(source).chain(path).collect::<Vec<_>>().join(" ")
    });
    let prompt = match system_prompt {
        SystemPrompt::None => "none",
        SystemPrompt::Default => "the agent's own",
        SystemPrompt::Custom => "the agent's own, and what is composed",
    };
    vec![
        ("files over the tree", json!(overlay)),
        ("system prompt", json!(prompt)),
        ("blocks of instructions", json!(resources.blocks)),
        ("skills", json!(sorted(&resources.skills))),
        ("agents", json!(agents)),
        ("agent teams", json!(if *agent_teams { "on" } else { "off" })),
        ("tools", tools),
        ("MCP servers", json!(servers.collect::<Vec<_>>())),
        ("takes over the winners of", json!(inherit_best_from.iter().map(ToString::to_string).collect::<Vec<_>>())),
        ("extends the tier before", json!(if *extends_previous { "yes" } else { "no" })),
        ("stands alone", json!(if *stands_alone { "yes" } else { "no" })),
    ]
}

/// Names whose order says nothing.
fn sorted(names: &[String]) -> Vec<String> {
    let mut names = names.to_vec();
    names.sort();
    names
}

fn listed(names: impl Iterator<Item = String>) -> String {
    let names: Vec<String> = names.collect();
    if names.is_empty() { NOTHING.to_owned() } else { names.join(", ") }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => NOTHING.to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) => listed(items.iter().map(shown)),
        Value::Object(map) if map.is_empty() => NOTHING.to_owned(),
        other => other.to_string(),
    }
}

/// For how many characters two texts are alike, from their beginning on.
fn alike_for(first: &str, later: &str) -> usize {
    first.chars().zip(later.chars()).take_while(|(one, other)| one == other).count()
}

/// At most so much of a text as is shown. Of a longer one, the part in which it differs from the other: it is like it for `same`
/// characters.
fn cut(text: String, same: usize) -> String {
    let length = text.chars().count();
    if length <= MOST_SHOWN {
        return text;
    }
    let from = if same < MOST_SHOWN / 2 { 0 } else { (same - ALIKE_SHOWN).min(length + 2 - MOST_SHOWN) };
    let part: String = text.chars().skip(from).take(MOST_SHOWN - 2).collect();
    let begin = if from > 0 { "…" } else { "" };
    let end = if from + MOST_SHOWN - 2 < length { "…" } else { "" };
    format!("{begin}{part}{end}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn between(first: &Value, later: &Value) -> Vec<(String, String, String)> {
        let mut found = Vec::new();
        between_values("agent's", first, later, &mut found);
        found.into_iter().map(|given| (given.what, given.first, given.later)).collect()
    }

    #[test]
    fn settings_are_compared_key_by_key() {
        let first = json!({ "shell": "sh mend.sh whole", "environment": { "A": "1", "B": "2" }, "record": "required" });
        let later = json!({ "shell": "sh mend.sh odd", "environment": { "A": "1" }, "record": "required" });
        let text = |text: &str| text.to_owned();
        assert_eq!(
            between(&first, &later),
            [
                (text("agent's environment B"), text("2"), text(NOTHING)),
                (text("agent's shell"), text("sh mend.sh whole"), text("sh mend.sh odd")),
            ]
        );
    }

    #[test]
    fn values_that_read_alike_are_told_as_they_are_written() {
        let first = json!({ "command": ["agent", "a, b"], "environment": { "MODE": "nothing" }, "record": null });
        let later = json!({ "command": ["agent", "a", "b"], "environment": {} });
        let text = |text: &str| text.to_owned();
        assert_eq!(
            between(&first, &later),
            [
                (text("agent's command"), text(r#"["agent","a, b"]"#), text(r#"["agent","a","b"]"#)),
                (text("agent's environment MODE"), text(r#""nothing""#), text("null")),
            ]
        );
    }

    #[test]
    fn of_long_texts_the_part_is_shown_in_which_they_differ() {
        let long = |end: &str| json!(format!("{}{end}", "x".repeat(500)));
        let [(_, first, later)] = between(&long("one"), &long("two")).try_into().unwrap();
        assert!(first.starts_with('…') && first.ends_with("one"), "{first}");
        assert!(later.ends_with("two") && later.chars().count() <= MOST_SHOWN, "{later}");
        let early = between(&json!(format!("a{}", "x".repeat(500))), &json!("b"));
        assert!(early[0].1.starts_with("ax") && early[0].1.ends_with('…'), "{early:?}");
    }
}
