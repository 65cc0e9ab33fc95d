//! What two sides of a comparison were given differently: two setups of a fixture, or two experiments.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::model::experiment::{Config, FieldClass};
use crate::model::setup::{Setup, SystemPrompt, Tools};
use crate::model::task::Subtest;

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

/// How two setups differ.
#[must_use]
pub fn between_setups(first: &Subtest, later: &Subtest) -> Vec<Given> {
    let kinds = given("agent", first.agent.kind().name.to_owned(), later.agent.kind().name.to_owned(), true);
    let mut settings = Vec::new();
    between_values("agent's", &Value::Object(first.agent.keys()), &Value::Object(later.agent.keys()), &mut settings);
    let (first, later) = (described(first), described(later));
    let others = first.into_iter().zip(later);
    let others = others.filter_map(|((what, first), (_, later))| given(what, first, later, true));
    kinds.into_iter().chain(settings).chain(others).collect()
}

/// How two values differ: of objects, key by key, also of those in them.
fn between_values(what: &str, first: &Value, later: &Value, found: &mut Vec<Given>) {
    let (Value::Object(one), Value::Object(other)) = (first, later) else {
        found.extend(given(what, shown(first), shown(later), true));
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
fn described(subtest: &Subtest) -> Vec<(&'static str, String)> {
    let Subtest { overlay, setup, .. } = subtest;
    let Setup { extends_previous, stands_alone, inherit_best_from, system_prompt, agent_teams, resources } = setup;
    let levels = resources.agent_levels.iter().map(|level| format!("level {level}"));
    let tools = match &resources.tools {
        None => "not specified".to_owned(),
        Some(Tools::All) => "all".to_owned(),
        Some(Tools::Named(names)) => listed(names.iter().cloned()),
    };
    let prompt = match system_prompt {
        SystemPrompt::None => "none",
        SystemPrompt::Default => "the agent's own",
        SystemPrompt::Custom => "the agent's own, and what is composed",
    };
    vec![
        ("files over the tree", overlay.clone().unwrap_or_else(|| NOTHING.to_owned())),
        ("system prompt", prompt.to_owned()),
        ("blocks of instructions", listed(resources.blocks.iter().cloned())),
        ("skills", listed(resources.skills.iter().cloned())),
        ("agents", listed(levels.chain(resources.agent_names.iter().cloned()))),
        ("agent teams", if *agent_teams { "on" } else { "off" }.to_owned()),
        ("tools", tools),
        ("MCP servers", listed(resources.mcp_servers.iter().map(|server| server.name.clone()))),
        ("takes over the winners of", listed(inherit_best_from.iter().map(ToString::to_string))),
        ("extends the tier before", if *extends_previous { "yes" } else { "no" }.to_owned()),
        ("stands alone", if *stands_alone { "yes" } else { "no" }.to_owned()),
    ]
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
    use serde_json::json;

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
    fn of_long_texts_the_part_is_shown_in_which_they_differ() {
        let long = |end: &str| json!(format!("{}{end}", "x".repeat(500)));
        let [(_, first, later)] = between(&long("one"), &long("two")).try_into().unwrap();
        assert!(first.starts_with('…') && first.ends_with("one"), "{first}");
        assert!(later.ends_with("two") && later.chars().count() <= MOST_SHOWN, "{later}");
        let early = between(&json!(format!("a{}", "x".repeat(500))), &json!("b"));
        assert!(early[0].1.starts_with("ax") && early[0].1.ends_with('…'), "{early:?}");
    }
}
