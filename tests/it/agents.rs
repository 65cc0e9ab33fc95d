//! `agents`: what is installed of the programs of agents, in which version, what is missing, and what installs it.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::agent_samples::in_gallery;
use crate::scenes::output;
use crate::world::{World, steady};

/// A command that finds only the programs of a world and those of the system, and no key.
fn command(world: &World, arguments: &[&str]) -> Command {
    let mut command = world.command(arguments);
    command.env("PATH", format!("{}:/usr/bin:/bin", world.path("bin").display()));
    command
}

/// A world in which one program says its version, one does not, and one is not executable.
fn some_installed() -> World {
    let world = World::new();
    world.program("bin/claude", "#!/bin/sh\n[ \"$1\" = --version ] && echo '2.1.197 (Claude Code)'\n");
    world.program("bin/gemini", "#!/bin/sh\necho 'error: no such option' >&2\nexit 2\n");
    world.write("bin/aider", "#!/bin/sh\necho aider 0.86.2\n");
    world
}

#[test]
fn the_table_of_agents_has_what_is_installed_and_the_command_that_installs_what_is_missing() {
    let world = some_installed();
    let mut asked = command(&world, &["agents"]);
    asked.env("ANTHROPIC_API_KEY", "sk-never-shown").env("GEMINI_API_KEY", "");
    let shown = output(&mut asked).exits(0);
    assert!(!shown.stdout.contains("sk-never-shown"), "{shown}");
    in_gallery(|| insta::assert_snapshot!("installed", steady(&shown.stdout, &world)));
}

#[test]
fn the_table_of_agents_as_json_has_an_object_for_each_kind_and_no_value_of_a_variable() {
    let world = some_installed();
    for arguments in [&["agents", "--format", "json"][..], &["agents", "--message-format", "json"]] {
        let printed = output(command(&world, arguments).env("OPENAI_API_KEY", "sk-never-shown")).exits(0).stdout;
        assert!(!printed.contains("sk-never-shown"), "{printed}");
        let agents: Vec<Value> = serde_json::from_str(&printed).unwrap();
        let of = |kind: &str| agents.iter().find(|agent| agent["kind"] == kind).unwrap()["program"].clone();
        let path = world.path("bin/claude").display().to_string();
        assert_eq!(
            (of("claude-code")["path"].as_str(), of("claude-code")["version"].as_str()),
            (Some(&*path), Some("2.1.197"))
        );
        assert_eq!((of("gemini")["path"].is_string(), &of("gemini")["version"]), (true, &Value::Null));
        assert_eq!((&of("aider")["path"], &of("nop")), (&Value::Null, &Value::Null));
        let keys = of("codex")["keys"].clone();
        assert_eq!(
            keys,
            serde_json::json!([{"name": "CODEX_API_KEY", "set": false}, {"name": "OPENAI_API_KEY", "set": true}])
        );
    }
}

#[test]
fn the_pages_of_agents_name_the_commands_that_install_them_and_the_variables_of_their_keys() {
    let world = World::new();
    let printed = output(&mut command(&world, &["agents", "--format", "json"])).exits(0).stdout;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    let pages = ["agents.md", "claude-code.md"].map(|page| fs::read_to_string(root.join(page)).unwrap()).concat();
    for agent in serde_json::from_str::<Vec<Value>>(&printed).unwrap() {
        let program = &agent["program"];
        let keys = program["keys"].as_array().into_iter().flatten().map(|key| &key["name"]);
        for named in keys.chain(program["install"].is_string().then_some(&program["install"])) {
            assert!(pages.contains(named.as_str().unwrap()), "{}: {named}", agent["kind"]);
        }
    }
}
