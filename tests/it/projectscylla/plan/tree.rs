//! The checked-in fixtures in ProjectScylla's formats, laid into a world with the repositories that their tasks name.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::projectscylla::fixture::commit;
use crate::scenes::{files_below, json};
use crate::world::World;

/// Where the fixtures lie, in this repository and in a world.
const HERE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/originals");

/// The folder of a world that has them.
pub(super) const ORIGINALS: &str = "originals";

/// Lays a copy of all of them into a world. The tests name a commit of each task, which is always the same: nothing that
/// goes into it varies.
pub(super) fn lay(world: &World) {
    for file in files_below(Path::new(HERE)) {
        let to = world.path(ORIGINALS).join(file.strip_prefix(HERE).unwrap());
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(&file, to).unwrap();
    }
    let tests: Vec<String> = names().iter().map(|name| read(&format!("tests/{name}/test.yaml"))).collect();
    for repository in folders("repositories") {
        let hash = commit(world, &world.path(ORIGINALS).join("repositories").join(&repository));
        let of = format!("repo: \"../../repositories/{repository}\"\n  hash: ");
        for test in tests.iter().filter(|test| test.contains(&of)) {
            assert!(test.contains(&format!("{of}\"{hash}\"")), "the commit of `{repository}` is now {hash}:\n{test}");
        }
    }
}

/// A file of the tree.
pub(super) fn read(below: &str) -> String {
    fs::read_to_string(Path::new(HERE).join(below)).unwrap()
}

/// The text of every YAML file of the tree, in one.
pub(super) fn yaml() -> String {
    let files = files_below(Path::new(HERE));
    let yaml = files.iter().filter(|file| file.extension().is_some_and(|ending| ending == "yaml"));
    yaml.map(|file| fs::read_to_string(file).unwrap()).collect()
}

/// The names of the fixtures.
pub(super) fn names() -> Vec<String> {
    folders("tests")
}

fn folders(below: &str) -> Vec<String> {
    let entries = fs::read_dir(Path::new(HERE).join(below)).unwrap();
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// The fixture of a name in a world.
pub(super) fn fixture(world: &World, name: &str) -> String {
    world.path(&format!("{ORIGINALS}/tests/{name}")).to_str().unwrap().to_owned()
}

/// The line by which one of the tree's programs is started in a world.
pub(super) fn line(world: &World, program: &str) -> String {
    format!("sh {}", world.path(&format!("{ORIGINALS}/programs/{program}.sh")).display())
}

/// What a subtest composed into its first run, in one line: as the agent found it, and whose winners the result names.
pub(super) fn composed(world: &World, experiment: &Path, place: &str) -> String {
    let found = Found(world.path(&format!("found/{}-1", place.replace('/', "-"))));
    let settings = found.json(".claude/settings.json");
    let servers = settings["mcpServers"].as_object().cloned().unwrap_or_default();
    if !servers.is_empty() {
        assert_eq!(found.json(".mcp.json")["mcpServers"], settings["mcpServers"], "{place}");
    }
    let teams = found.told("CLAUDE_CODE_EXPERIMENTAL_AGENT_TEAMS");
    assert_eq!(teams.as_deref(), settings["env"]["CLAUDE_CODE_EXPERIMENTAL_AGENT_TEAMS"].as_str(), "{place}");
    let tools = found.told("SCYLLA_TOOLS").unwrap_or_default();
    if tools != "all" {
        assert_eq!(tools, words(&settings["allowedTools"]).join(","), "{place}");
    }
    let from = |(name, server): (&String, &Value)| format!("{name} {}", words(&server["args"]).pop().unwrap());
    let mode = found.told("SCYLLA_SYSTEM_PROMPT_MODE").unwrap_or_else(|| "unsaid".to_owned());
    let result = json(&experiment.join(place).join("run_01/run_result.json"));
    let parts = [
        ("reads ", found.headings().join(" + ")),
        ("has ", found.files().join(" ").replace("/SKILL.md", "/")),
        ("tools ", tools),
        ("servers ", servers.iter().map(from).collect::<Vec<_>>().join(", ")),
        ("as a ", teams.map(|_| "team".to_owned()).unwrap_or_default()),
        ("and ", if settings["alwaysThinkingEnabled"] == Value::Bool(true) { "thinks" } else { "" }.to_owned()),
        ("prompt ", if mode == "custom" { String::new() } else { mode }),
        ("from ", words(&result["inherited_from"]).join(" ")),
    ];
    let parts = parts.iter().filter(|(_, text)| !text.is_empty()).map(|(what, text)| format!("{what}{text}"));
    format!("{place}: {}", parts.collect::<Vec<_>>().join("; "))
}

/// The words of a list; none where there is no list.
fn words(list: &Value) -> Vec<String> {
    list.as_array().into_iter().flatten().map(|word| word.as_str().unwrap().to_owned()).collect()
}

/// What the agent kept of its workspace and of its environment.
struct Found(PathBuf);

impl Found {
    fn json(&self, below: &str) -> Value {
        let path = self.0.join(below);
        if path.is_file() { json(&path) } else { Value::Null }
    }

    /// A variable of the agent's environment.
    fn told(&self, variable: &str) -> Option<String> {
        fs::read_to_string(self.0.join(variable)).ok()
    }

    /// The headings of the file for agents; a lower one is that of the offer of what the agent has.
    fn headings(&self) -> Vec<String> {
        let text = fs::read_to_string(self.0.join("CLAUDE.md")).unwrap_or_default();
        let headings = text.lines().filter(|line| line.starts_with('#'));
        headings.map(|line| line.strip_prefix("# ").unwrap_or("offer").to_owned()).collect()
    }

    /// What lies in the agent's folder of settings, with everything below it.
    fn files(&self) -> Vec<String> {
        let folder = self.0.join(".claude");
        if !folder.is_dir() {
            return Vec::new();
        }
        let below = |path: PathBuf| path.strip_prefix(&folder).unwrap().to_str().unwrap().to_owned();
        let mut files: Vec<String> = files_below(&folder).into_iter().map(below).collect();
        files.sort();
        files
    }
}
