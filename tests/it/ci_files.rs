//! What CI systems read: the action, the example workflows, and the script that all of them call.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

use crate::fixture::TestFixture;
use crate::scenes::experiment;
use crate::world::World;

/// Each file, the public schema that it follows, by the name that `check-jsonschema` has for it, and a key that it must have.
const FILES: [(&str, &str, &str); 3] = [
    ("action.yml", "vendor.github-actions", "using:"),
    ("docs/ci/github.yml", "vendor.github-workflows", "runs-on:"),
    ("docs/ci/gitlab.yml", "vendor.gitlab-ci", "script:"),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn yaml(name: &str) -> Value {
    serde_saphyr::from_str(&fs::read_to_string(root().join(name)).unwrap()).unwrap()
}

/// Whether this text follows the schema; nothing where there is nobody who could say it, which `.ci/run` installs.
fn follows(text: &str, schema: &str) -> Option<bool> {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("file.yml"), text).unwrap();
    let arguments = ["--builtin-schema", schema, "file.yml"];
    let checked = Command::new("check-jsonschema").args(arguments).current_dir(folder.path()).output();
    checked.ok().map(|output| {
        assert!(output.stderr.is_empty(), "{output:?}");
        output.status.success()
    })
}

#[test]
fn the_files_follow_their_public_schemas() {
    for (file, schema, key) in FILES {
        let text = fs::read_to_string(root().join(file)).unwrap();
        let Some(good) = follows(&text, schema) else {
            assert!(std::env::var_os("CI").is_none(), "check-jsonschema is not installed");
            return println!("skipped: check-jsonschema is not installed, and no file is held against its schema");
        };
        assert!(good, "{file}");
        // A mistake would be seen.
        assert!(text.contains(key), "{file} {key}");
        assert_eq!(follows(&text.replacen(key, "mistaken:", 1), schema), Some(false), "{file} without `{key}`");
    }
}

#[test]
fn the_action_takes_what_the_workflow_gives_and_puts_no_input_into_a_script() {
    let (action, workflow) = (yaml("action.yml"), yaml("docs/ci/github.yml"));
    let steps = workflow["jobs"]["experiment"]["steps"].as_array().unwrap();
    let given = steps.iter().find(|step| step["uses"] == "./tools/cargo-scylla").unwrap()["with"].as_object().unwrap();
    let inputs = action["inputs"].as_object().unwrap();
    for name in given.keys() {
        assert!(inputs.contains_key(name), "the action has no input `{name}`");
    }
    for (name, input) in inputs.iter().filter(|(_, input)| input["required"] == true) {
        assert!(given.contains_key(name), "{name} {input}");
    }
    let steps = action["runs"]["steps"].as_array().unwrap();
    let scripts: Vec<&str> = steps.iter().filter_map(|step| step["run"].as_str()).collect();
    assert_eq!(scripts.len(), 2);
    assert!(scripts.iter().all(|script| !script.contains("${{")), "text of others would be code: {scripts:?}");

    // What the action and the job of GitLab hand over is what the script reads.
    let script = fs::read_to_string(root().join("docs/ci/check.sh")).unwrap();
    let of_action = steps.iter().find(|step| step["run"].as_str().is_some_and(|run| run.contains("$SCRIPT")));
    let names = |variables: &Value| -> BTreeSet<String> { variables.as_object().unwrap().keys().cloned().collect() };
    for name in names(&of_action.unwrap()["env"]).union(&names(&yaml("docs/ci/gitlab.yml")["experiment"]["variables"]))
    {
        assert!(name == "SCRIPT" || script.contains(&format!("${{{name}")), "the script reads no `{name}`");
    }
}

fn git(world: &World, arguments: &[&str]) {
    let identity = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "init.defaultBranch=main"];
    let output =
        Command::new("git").args(identity).args(arguments).current_dir(world.path("repository")).output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

fn check(world: &World, flags: &str, fail_if: &str) -> Output {
    let mut command = Command::new("bash");
    world.seal(&mut command);
    command.arg(root().join("docs/ci/check.sh")).current_dir(world.path("repository"));
    let program = format!("{} scylla", env!("CARGO_BIN_EXE_cargo-scylla"));
    command.envs([("SCYLLA", program.as_str()), ("EXPERIMENT", "nightly"), ("OUT", "../out"), ("BASE", "main")]);
    command.envs([("VERIFY_FLAGS", flags), ("FAIL_IF", fail_if), ("FORMAT", "github")]);
    command.env("GITHUB_STEP_SUMMARY", world.path("summary.md")).output().unwrap()
}

#[test]
fn the_script_verifies_compares_and_appends_a_summary() {
    let world = World::new();
    let made = |agent: &str| {
        let fixture = TestFixture::new().agent("T0/00-a", agent).write(&world);
        world.scylla(&["run", "--tiers-dir", &fixture, "--results-dir", "results", "--runs", "12"]).exits(0);
        fs::rename(world.path(&experiment(&world)), world.path("repository/nightly")).unwrap();
    };
    fs::create_dir(world.path("repository")).unwrap();
    git(&world, &["init", "-q"]);
    made("touch done");
    let alone = check(&world, "--max-missing 0\n--min-runs 5\n", "worse");
    assert!(alone.status.success(), "{alone:?}");
    let stdout = String::from_utf8_lossy(&alone.stdout).into_owned();
    assert!(stdout.contains("nothing to compare with"), "{alone:?}");
    // Between these two lines GitHub takes nothing for a command.
    let silence = stdout.lines().find_map(|line| line.strip_prefix("::stop-commands::")).unwrap();
    assert!(silence.len() == 32 && stdout.ends_with(&format!("\n::{silence}::\n")), "{stdout}");
    let summary = fs::read_to_string(world.path("summary.md")).unwrap();
    assert!(summary.contains("12 of 12 planned runs judged") && !summary.contains("Beside"), "{summary}");

    git(&world, &["add", "--force", "nightly"]);
    git(&world, &["commit", "-q", "-m", "nightly"]);
    git(&world, &["remote", "add", "origin", "."]);
    fs::remove_dir_all(world.path("repository/nightly")).unwrap();
    fs::remove_dir_all(world.path("fixture")).unwrap_or_default();
    made("exit 0");
    let worse = check(&world, "", "worse");
    assert_eq!(worse.status.code(), Some(7), "{worse:?}");
    let summary = fs::read_to_string(world.path("summary.md")).unwrap();
    assert!(summary.contains("### Beside `main`") && summary.contains("    A  main:nightly"), "{summary}");
    assert!(world.path("out/report.json").is_file());
    let policy = check(&world, "--min-runs 50", "");
    assert_eq!(policy.status.code(), Some(7), "{policy:?}");
    assert!(String::from_utf8_lossy(&policy.stdout).contains("::error"), "{policy:?}");
    // A policy on a line of its own is none that is overlooked.
    assert_eq!(check(&world, "--max-missing 0\n--min-runs 50", "").status.code(), Some(7));

    let result = world.path("repository/nightly/T0/00/run_03/run_result.json");
    fs::write(&result, fs::read_to_string(&result).unwrap().replace("false", "true")).unwrap();
    let altered = check(&world, "", "");
    assert_eq!(altered.status.code(), Some(5), "{altered:?}");
    assert!(String::from_utf8_lossy(&altered.stdout).contains("::error"), "{altered:?}");
    fs::remove_file(&result).unwrap();
    assert_eq!(check(&world, "", "").status.code(), Some(5));
}
