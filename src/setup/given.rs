//! What two sides of a comparison were given differently: two setups of a fixture, or two experiments.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::model::experiment::{Config, FieldClass};
use crate::model::setup::{Setup, SystemPrompt, Tools};
use crate::model::task::Subtest;

/// So many characters of a value are shown.
const MOST_SHOWN: usize = 100;
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
    let (first, later) = (described(first), described(later));
    first.into_iter().zip(later).filter_map(|((what, first), (_, later))| given(what, first, later, true)).collect()
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

/// Fields that say how much is planned.
const PLAN: [&str; 4] = ["subtests", "runs_per_subtest", "max_subtests", "extensions"];

fn given(what: &str, first: String, later: String, is_meant: bool) -> Option<Given> {
    (first != later).then(|| Given { what: what.to_owned(), first: cut(first), later: cut(later), is_meant })
}

/// What a setup is, part by part, in one order.
fn described(subtest: &Subtest) -> Vec<(&'static str, String)> {
    let Subtest { agent, overlay, setup, .. } = subtest;
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
        ("agent", agent.kind().name.to_owned()),
        ("agent's settings", shown(&Value::Object(agent.keys()))),
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

fn cut(text: String) -> String {
    if text.chars().count() <= MOST_SHOWN {
        return text;
    }
    let start: String = text.chars().take(MOST_SHOWN - 1).collect();
    format!("{start}…")
}
