//! The checked-in fixtures in the original's formats, laid into a world with the repositories that their tasks name.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::scenes::{files_below, json};
use crate::upstream_fixture::commit;
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
    // What `python3` is on the path may be a script that looks for another one, each time.
    let found = Command::new("python3").args(["-c", "import sys; print(sys.executable)"]).output().unwrap();
    let python = String::from_utf8(found.stdout).unwrap();
    format!("{} -B {}", python.trim(), world.path(&format!("{ORIGINALS}/programs/{program}.py")).display())
}

/// What a subtest composed into its first run, in one line: as the agent found it, and whose winners the result names.
pub(super) fn composed(world: &World, experiment: &Path, place: &str) -> String {
    let found = json(&world.path(&format!("found/{}-1", place.replace('/', "-"))));
    let result = json(&experiment.join(place).join("run_01/run_result.json"));
    let words = |value: &Value| -> Vec<String> {
        value.as_array().unwrap().iter().map(|word| word.as_str().unwrap().to_owned()).collect()
    };
    let servers = found["servers"].as_object().unwrap().iter();
    let servers: Vec<String> = servers.map(|(name, from)| format!("{name} {}", from.as_str().unwrap())).collect();
    let thinks = found["thinks"] == Value::Bool(true);
    let mode = found["system_prompt"].as_str().unwrap_or("unsaid");
    let parts = [
        ("reads ", words(&found["reads"]).join(" + ")),
        ("has ", words(&found["files"]).join(" ").replace("/SKILL.md", "/")),
        ("tools ", found["tools"].as_str().unwrap_or_default().to_owned()),
        ("servers ", servers.join(", ")),
        ("as a ", if found["teams"] == Value::Bool(true) { "team" } else { "" }.to_owned()),
        ("and ", if thinks { "thinks" } else { "" }.to_owned()),
        ("prompt ", if mode == "custom" { "" } else { mode }.to_owned()),
        ("from ", words(&result["inherited_from"]).join(" ")),
    ];
    let parts = parts.iter().filter(|(_, text)| !text.is_empty()).map(|(what, text)| format!("{what}{text}"));
    format!("{place}: {}", parts.collect::<Vec<_>>().join("; "))
}
