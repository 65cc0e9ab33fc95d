//! Each key of a setup, and its effect.

use super::*;

fn stores() -> Stores {
    let paths = |names: &[&str]| names.iter().map(|name| format!("shared/{name}")).collect::<Vec<_>>();
    Stores {
        blocks: [("B01", "shared/blocks/B01-role.md"), ("B02", "shared/blocks/B02-rules.md")]
            .map(|(id, path)| (id.to_owned(), path.to_owned()))
            .into(),
        skills: [
            ("github".to_owned(), paths(&["skills/github/gh-review", "skills/github/gh-merge"])),
            ("quality".to_owned(), paths(&["skills/quality/lint"])),
        ]
        .into(),
        agents: [(0, paths(&["agents/L0/chief.md"])), (2, paths(&["agents/L2/design.md", "agents/L2/tests.md"]))]
            .into(),
        mcp: [(".claude/mcp/custom.json".to_owned(), "shared/mcp/custom.json".to_owned())].into(),
        tiers: BTreeMap::new(),
    }
}

fn texts(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn of(resources: Resources) -> Effective {
    Effective { setup: Setup { resources, ..Setup::default() }, ..Effective::default() }
}

fn server(name: &str, source: Option<&str>, config_path: Option<&str>) -> McpServer {
    McpServer { name: name.into(), source: source.map(Into::into), config_path: config_path.map(Into::into) }
}

/// The composition as readable text.
fn shown(effective: &Effective) -> String {
    let composition = compose(effective, &stores(), "Low").unwrap();
    let mut lines: Vec<String> = composition.removed.iter().map(|path| format!("removed {path}")).collect();
    for Placed { path, content } in &composition.placed {
        match content {
            Content::Copy(from) => lines.push(format!("──── {path}: a copy of {from}")),
            Content::Joined(parts) => {
                lines.push(format!("──── {path}"));
                let part = |part: &Piece| match part {
                    Piece::There => "[what the tree has there]\n".to_owned(),
                    Piece::File(from) => format!("[{from}]\n"),
                    Piece::Text(ours) => format!("{ours}\n"),
                };
                lines.extend(parts.iter().map(part));
            }
        }
    }
    lines.join("\n")
}

#[test]
fn each_resource_becomes_files_of_the_workspace() {
    let tools = |names: &[&str]| Some(Tools::Named(texts(names)));
    let servers = vec![server("git", None, None), server("custom", Some("local"), Some(".claude/mcp/custom.json"))];
    let all = Resources {
        blocks: texts(&["B02", "B01"]),
        skills: texts(&["github"]),
        agent_levels: [0, 2].into(),
        agent_names: texts(&["tests"]),
        tools: Some(Tools::All),
        mcp_servers: servers.clone(),
    };
    let mode = |system_prompt| Effective { setup: Setup { system_prompt, ..Setup::default() }, ..Effective::default() };
    let teams = Setup {
        agent_teams: true,
        resources: Resources { agent_levels: [0].into(), ..Resources::default() },
        ..Setup::default()
    };
    for (name, effective) in [
        ("system_prompt_none", mode(SystemPrompt::None)),
        ("system_prompt_default", mode(SystemPrompt::Default)),
        ("blocks", of(Resources { blocks: texts(&["B02", "B01"]), ..Resources::default() })),
        ("skills_by_category_and_name", of(Resources { skills: texts(&["github", "lint"]), ..Resources::default() })),
        ("agents_by_level", of(Resources { agent_levels: [2].into(), ..Resources::default() })),
        ("agents_by_name", of(Resources { agent_names: texts(&["chief", "tests.md"]), ..Resources::default() })),
        ("agent_teams", Effective { setup: teams, ..Effective::default() }),
        ("tools_named", of(Resources { tools: tools(&["Read", "Write"]), ..Resources::default() })),
        ("tools_all", of(Resources { tools: Some(Tools::All), ..Resources::default() })),
        ("mcp_servers", of(Resources { mcp_servers: servers, ..Resources::default() })),
        ("everything", of(all)),
    ] {
        insta::with_settings!({
            snapshot_path => concat!(env!("CARGO_MANIFEST_DIR"), "/snapshots/compose"),
            prepend_module_to_snapshot => false,
            omit_expression => true,
        }, { insta::assert_snapshot!(name, shown(&effective)) });
    }
}

#[test]
fn a_setup_that_says_nothing_composes_nothing() {
    let extends = Setup { extends_previous: true, inherit_best_from: vec!["T0".parse().unwrap()], ..Setup::default() };
    for setup in [Setup::default(), extends] {
        let effective = Effective { setup, ..Effective::default() };
        assert!(compose(&effective, &stores(), "UltraThink").unwrap().is_nothing());
    }
}

#[test]
fn overlays_of_winners_lie_lowest() {
    let overlays = texts(&["overlays/hint", "overlays/tool"]);
    let effective = Effective { overlays, ..of(Resources { blocks: texts(&["B01"]), ..Resources::default() }) };
    let composition = compose(&effective, &stores(), "None").unwrap();
    let places: Vec<&str> = composition.placed.iter().map(|placed| placed.path.as_str()).collect();
    assert_eq!(places, ["", "", "CLAUDE.md", ".claude/settings.json"]);
    assert_eq!(composition.placed[0].content, Content::Copy("overlays/hint".into()));
}

#[test]
fn thinking_is_switched_on_and_off_in_the_settings() {
    let effective = of(Resources { blocks: texts(&["B01"]), ..Resources::default() });
    for (mode, expected) in [("None", false), ("Low", true), ("UltraThink", true)] {
        let composition = compose(&effective, &stores(), mode).unwrap();
        let Content::Joined(parts) = &composition.placed[1].content else { panic!() };
        let [Piece::Text(text)] = &parts[..] else { panic!() };
        let settings: Value = serde_json::from_str(text).unwrap();
        assert_eq!(settings, json!({ "alwaysThinkingEnabled": expected }), "{mode}");
    }
}

#[test]
fn everything_that_is_not_there_is_named_at_once() {
    let resources = Resources {
        blocks: texts(&["B01", "B19"]),
        skills: texts(&["gihtub"]),
        agent_levels: [2, 7].into(),
        agent_names: texts(&["nobody"]),
        mcp_servers: vec![server("custom", None, Some("elsewhere.json"))],
        ..Resources::default()
    };
    let faults = compose(&of(resources), &stores(), "None").unwrap_err();
    let told: Vec<String> = faults.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "there is no agent `nobody` among the shared resources",
            "there is no block `B19` among the shared resources",
            "there is no config of an MCP server `elsewhere.json` among the shared resources",
            "there is no level of agents `L7` among the shared resources",
            "there is no skill or category of skills `gihtub` among the shared resources",
        ]
    );
}

#[test]
fn two_things_never_lie_at_one_place_in_silence() {
    let mut stores = stores();
    stores.agents.insert(3, vec!["shared/agents/L3/tests.md".into()]);
    let both = of(Resources { agent_levels: [2, 3].into(), ..Resources::default() });
    let faults = compose(&both, &stores, "None").unwrap_err();
    assert_eq!(
        faults[0].to_string(),
        "both `shared/agents/L2/tests.md` and `shared/agents/L3/tests.md` would be `.claude/agents/tests.md`"
    );
    // The same file, named twice, is placed once.
    let twice = Resources { agent_levels: [2].into(), agent_names: texts(&["tests"]), ..Resources::default() };
    stores.agents.remove(&3);
    assert!(compose(&of(twice), &stores, "None").is_ok());
}
