//! From which winners a subtest inherits, and the result of laying setups over each other.

use super::*;
use crate::model::setup::SystemPrompt;

fn tier(id: &str) -> TierId {
    id.parse().unwrap()
}

fn tiers(ids: &[&str]) -> Vec<TierId> {
    ids.iter().map(|id| tier(id)).collect()
}

fn texts(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn setup(extends_previous: bool, inherit_best_from: &[&str]) -> Setup {
    Setup { extends_previous, inherit_best_from: tiers(inherit_best_from), ..Setup::default() }
}

fn server(name: &str, source: &str) -> McpServer {
    McpServer { name: name.into(), source: Some(source.into()), config_path: None }
}

#[test]
fn what_is_taken_follows_from_the_rule_and_from_what_is_declared() {
    let planned: BTreeSet<TierId> = tiers(&["T0", "T2", "T3", "T5"]).into_iter().collect();
    let alone = || Setup { stands_alone: true, ..setup(false, &[]) };
    let rows: [(&str, Inherit, Setup, &[&str]); 12] = [
        ("T0", Inherit::AsDeclared, setup(true, &[]), &[]),
        ("T2", Inherit::AsDeclared, setup(true, &[]), &["T0"]),
        ("T3", Inherit::AsDeclared, setup(true, &[]), &["T2"]),
        ("T3", Inherit::AsDeclared, setup(false, &[]), &[]),
        ("T5", Inherit::AsDeclared, setup(false, &["T2", "T0"]), &["T2", "T0"]),
        ("T5", Inherit::AsDeclared, setup(true, &["T0"]), &["T0"]),
        ("T5", Inherit::AsDeclared, setup(true, &["T3", "T0", "T3"]), &["T3", "T0"]),
        ("T3", Inherit::PreviousBest, setup(false, &[]), &["T2"]),
        ("T5", Inherit::PreviousBest, setup(false, &["T0"]), &["T0"]),
        ("T3", Inherit::PreviousBest, alone(), &[]),
        ("T5", Inherit::PreviousBest, Setup { inherit_best_from: tiers(&["T2"]), ..alone() }, &["T2"]),
        ("T5", Inherit::None, setup(true, &["T0"]), &[]),
    ];
    for (at, rule, setup, expected) in rows {
        assert_eq!(sources_of(rule, tier(at), &setup, &planned), tiers(expected), "{at} {rule:?} {setup:?}");
    }
}

#[test]
fn blocks_are_replaced_and_everything_else_is_united() {
    let named = |names: &[&str]| Some(Tools::Named(texts(names)));
    let below = Setup {
        agent_teams: true,
        system_prompt: SystemPrompt::None,
        resources: Resources {
            blocks: texts(&["B01", "B02"]),
            skills: texts(&["github", "quality"]),
            agent_levels: [1, 2].into(),
            agent_names: texts(&["chief"]),
            tools: named(&["Read", "Bash"]),
            mcp_servers: vec![server("git", "old"), server("time", "old")],
        },
        ..Setup::default()
    };
    let above = Setup {
        extends_previous: true,
        resources: Resources {
            blocks: texts(&["B09"]),
            skills: texts(&["quality", "mojo"]),
            agent_levels: [2, 5].into(),
            agent_names: texts(&["chief", "tests"]),
            tools: named(&["Bash", "Grep"]),
            mcp_servers: vec![server("git", "new")],
        },
        ..Setup::default()
    };
    let merged = merge(&below, &above);
    let expected = Resources {
        blocks: texts(&["B09"]),
        skills: texts(&["github", "quality", "mojo"]),
        agent_levels: [1, 2, 5].into(),
        agent_names: texts(&["chief", "tests"]),
        tools: named(&["Read", "Bash", "Grep"]),
        mcp_servers: vec![server("time", "old"), server("git", "new")],
    };
    assert_eq!(merged.resources, expected);
    assert!(merged.extends_previous && merged.agent_teams);
    assert_eq!(merged.system_prompt, SystemPrompt::Custom, "it is the upper one's own");
    // What the upper setup does not specify stays.
    assert_eq!(merge(&below, &Setup::default()).resources, below.resources);
}

#[test]
fn all_tools_are_more_than_some_and_some_more_than_none() {
    let with = |tools: &Option<Tools>| Setup {
        resources: Resources { tools: tools.clone(), ..Resources::default() },
        ..Setup::default()
    };
    let (none, some, all) = (None, Some(Tools::Named(texts(&["Read"]))), Some(Tools::All));
    for (below, above, expected) in
        [(&none, &none, &none), (&none, &some, &some), (&some, &none, &some), (&all, &some, &all), (&some, &all, &all)]
    {
        assert_eq!(merge(&with(below), &with(above)).resources.tools, *expected, "{below:?} {above:?}");
    }
}
