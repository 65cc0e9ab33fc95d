//! The version that an agent's program says it is: in results, on screens, in the gate and in comparisons.

use std::process::Command;

use crate::fixture::TestFixture;
use crate::scenes::{experiment, json, output};
use crate::world::World;

/// An agent that solves the task and says in its record that it is of a version: a shell's expression.
fn of_version(version: &str) -> String {
    format!("touch done; printf '{{\"end\":\"finished\",\"version\":\"%s\"}}' \"{version}\" >\"$SCYLLA_RECORD_FILE\"")
}

#[test]
fn a_result_has_the_version_that_the_agent_says_it_is_and_show_names_it() {
    let world = World::new();
    let fixture = TestFixture::new()
        .agent("T0/00-says", &of_version("1.4.0"))
        .agent("T0/01-does-not", "touch done")
        .write(&world);
    world.scylla(&["run", "--tiers-dir", &fixture, "--results-dir", "results", "--runs", "1"]).exits(0);
    let (dir, folder) = (experiment(&world), world.experiment());
    for file in ["agent/result.json", "run_result.json"] {
        let of = |subtest| json(&folder.join(format!("T0/{subtest}/run_01/{file}")));
        assert_eq!(of("00")["agent_version"], "1.4.0", "{file}");
        assert!(!of("01").as_object().unwrap().contains_key("agent_version"), "{file}");
    }
    let shown = |run| world.scylla(&["show", &dir, run]).exits(0).stdout;
    assert!(shown("T0/00/1").contains("; version 1.4.0, "), "{}", shown("T0/00/1"));
    assert!(!shown("T0/01/1").contains("version"), "{}", shown("T0/01/1"));
    world.scylla(&["verify", &dir]).exits(0);
}

#[test]
fn the_gate_asks_that_agents_of_a_kind_were_of_one_version_and_names_what_they_said() {
    let world = World::new();
    world.write("home/version", "1.4.0");
    let fixture = TestFixture::new()
        .agent("T0/00-says", &of_version("$(cat $HOME/version)"))
        .subtest("T0/01-nothing", "agent: {kind: nop}\n")
        .write(&world);
    world.scylla(&["run", "--tiers-dir", &fixture, "--results-dir", "results", "--runs", "2"]).exits(0);
    let dir = experiment(&world);
    world.scylla(&["verify", &dir, "--same-agent-version"]).exits(0);
    // The program is updated while the experiment grows.
    world.write("home/version", "1.5.0");
    world.scylla(&["extend", &dir, "--runs", "3"]).exits(0);
    world.scylla(&["verify", &dir]).exits(0);
    let told = world.scylla(&["verify", &dir, "--same-agent-version"]).exits(7);
    assert!(
        told.stdout.contains(
            "agents of the kind `command` say more than one version, or not all say one, and \
             `--same-agent-version` asks for one: 1.4.0 in 2 results and 1.5.0 in 1 result\n"
        ),
        "{told}"
    );
    world.write(".config/scylla.toml", "[gate]\nsame-agent-version = true\n");
    world.scylla(&["verify", &dir, "--quick"]).exits(7);
}

#[test]
fn a_comparison_tells_that_the_agents_were_of_other_versions() {
    let world = World::new();
    let fixture = TestFixture::new()
        .agent("T0/00-old", &of_version("1.4.0"))
        .agent("T0/01-new", &of_version("1.5.0"))
        .agent("T0/02-silent", "touch done")
        .write(&world);
    world.scylla(&["run", "--tiers-dir", &fixture, "--results-dir", "results", "--runs", "1"]).exits(0);
    let dir = experiment(&world);
    let told = |later| world.scylla(&["compare", &dir, "T0/00", later]).exits(0).stdout;
    let wanted = "what also differs, and nobody asked for it:\n  version of command: 1.4.0 → 1.5.0\n";
    assert!(told("T0/01").contains(wanted), "{}", told("T0/01"));
    assert!(!told("T0/02").contains("version of"), "what is not known is no difference: {}", told("T0/02"));
    let silent = world.scylla(&["verify", &dir, "--same-agent-version"]).exits(7);
    assert!(silent.stdout.contains("1.4.0 in 1 result, 1.5.0 in 1 result and none in 1 result"), "{silent}");
}

/// A program in the place of Codex, which says its version only when it is asked. It keeps who asked, with what it saw.
const CODEX: &str = r#"#!/bin/sh
world="${0%/bin/*}"
if [ "$1" = --version ]; then
    echo "asked; in its home: $(ls -A "$HOME" | wc -l), keys: $(env | grep -c OPENAI_API_KEY)" >>"$world/asked.log"
    cat "$world/says"
    exit
fi
echo run >>"$world/runs.log"
touch done
echo '{"type":"turn.started"}'
echo '{"type":"turn.completed","usage":{"input_tokens":10,"output_tokens":2}}'
"#;

/// A command whose programs include that one, which says that it is of a version.
fn with_codex(world: &World, says: &str, arguments: &[&str]) -> Command {
    world.program("bin/codex", CODEX);
    world.write("says", says);
    let mut command = world.command(arguments);
    command.env("PATH", format!("{}:{}", world.path("bin").display(), std::env::var("PATH").unwrap()));
    command.env("OPENAI_API_KEY", "sk-kept-from-it");
    command
}

#[test]
fn a_program_whose_output_does_not_say_its_version_is_asked_once_in_each_session_without_home_or_keys() {
    let world = World::new();
    let fixture = TestFixture::new()
        .subtest("T0/00-one", "agent: {kind: codex}\n")
        .subtest("T0/01-other", "agent: {kind: codex}\n")
        .extra("environment: [OPENAI_API_KEY]\n")
        .write(&world);
    let arguments = ["run", "--tiers-dir", &fixture, "--results-dir", "results", "--runs", "2"];
    output(&mut with_codex(&world, "codex-cli 0.169.0\n", &arguments)).exits(0);
    let asked = std::fs::read_to_string(world.path("asked.log")).unwrap();
    assert_eq!((asked.as_str(), world.lines("runs.log")), ("asked; in its home: 0, keys: 0\n", 4));
    let dir = experiment(&world);
    let version = |run: &str| json(&world.experiment().join(run).join("run_result.json"))["agent_version"].clone();
    assert_eq!([version("T0/00/run_01"), version("T0/01/run_02")], ["0.169.0", "0.169.0"]);
    // It is updated, and the next session asks again.
    output(&mut with_codex(&world, "codex-cli 0.170.0\n", &["extend", &dir, "--runs", "3"])).exits(0);
    assert_eq!((world.lines("asked.log"), world.lines("runs.log")), (2, 6));
    assert_eq!([version("T0/00/run_02"), version("T0/00/run_03")], ["0.169.0", "0.170.0"]);
    world.scylla(&["verify", &dir, "--same-agent-version"]).exits(7);
    world.scylla(&["verify", &dir]).exits(0);
}

#[test]
fn a_program_that_does_not_answer_leaves_the_version_unknown() {
    let world = World::new();
    let fixture = TestFixture::new().subtest("T0/00-silent", "agent: {kind: codex}\n").write(&world);
    let arguments = ["run", "--tiers-dir", &fixture, "--results-dir", "results", "--runs", "1"];
    output(&mut with_codex(&world, "error: unknown option\n", &arguments)).exits(0);
    let result = json(&world.experiment().join("T0/00/run_01/run_result.json"));
    assert_eq!((result["agent_version"].as_str(), &result["judge_passed"]), (None, &true.into()), "{result:#}");
}

#[test]
fn a_fixture_that_demands_a_version_starts_nothing_of_another_one() {
    let world = World::new();
    let fixture = TestFixture::new().subtest("T0/00-exact", "agent: {kind: codex, version: 0.169.0}\n").write(&world);
    let arguments = ["run", "--tiers-dir", &fixture, "--results-dir", "results", "--runs", "1", "--attempts", "1"];
    let told = output(&mut with_codex(&world, "codex-cli 0.170.0\n", &arguments)).exits(2);
    assert!(told.stderr.contains("`codex` says that it is version 0.170.0, and 0.169.0 is demanded"), "{told}");
    assert!(!world.path("runs.log").exists(), "{told}");
    output(&mut with_codex(&world, "codex-cli 0.169.0\n", &arguments)).exits(0);
    assert_eq!(world.lines("runs.log"), 1);
    // What a fixture demands is a version.
    world.write("fixture/tiers/T0/00-exact.yaml", "agent: {kind: codex, version: newest}\n");
    let wrong = world.scylla(&["fixture", "check", &fixture]).exits(2);
    assert!(wrong.stderr.contains("00-exact.yaml:1"), "{wrong}");
    assert!(wrong.stderr.contains("`newest` is no version, such as `1.2.3`"), "{wrong}");
}

/// A fixture whose two subtests name other agents, or none that does anything.
fn of_others(world: &World) -> String {
    TestFixture::new().agent("T0/00-own", "exit 1").subtest("T0/01-nothing", "agent: {kind: nop}\n").write(world)
}

#[test]
fn agent_takes_the_place_of_what_every_subtest_names_and_a_resume_needs_no_flag() {
    let world = World::new();
    let fixture = of_others(&world);
    let arguments = ["run", "--tiers-dir", &fixture, "--results-dir", "results", "--runs", "1"];
    let with_agent = [&arguments[..], &["--agent", "codex@0.169.0"]].concat();
    output(&mut with_codex(&world, "codex-cli 0.169.0\n", &with_agent)).exits(0);
    assert_eq!(world.lines("runs.log"), 2);
    let dir = experiment(&world);
    for run in ["T0/00/run_01", "T0/01/run_01"] {
        let result = json(&world.experiment().join(run).join("run_result.json"));
        assert_eq!((&result["agent_version"], &result["judge_passed"]), (&"0.169.0".into(), &true.into()), "{run}");
    }
    // The same request is the same experiment; another one is not.
    let again = output(&mut with_codex(&world, "codex-cli 0.169.0\n", &with_agent)).exits(0);
    assert!(again.stderr.contains("is finished and left alone"), "{again}");
    // What the experiment has kept holds, whatever the fixture says now.
    output(&mut with_codex(&world, "codex-cli 0.169.0\n", &["extend", &dir, "--runs", "2", "--plan-only"])).exits(0);
    output(&mut with_codex(&world, "codex-cli 0.169.0\n", &["resume", &dir])).exits(0);
    assert_eq!(world.lines("runs.log"), 4);
    // The program was updated meanwhile: nothing of it is started.
    let args = ["extend", &dir, "--runs", "3", "--attempts", "1"];
    let updated = output(&mut with_codex(&world, "codex-cli 0.170.0\n", &args)).exits(6);
    assert!(
        updated.stderr.contains(
            "spawn: `codex` says that it is version 0.170.0, and 0.169.0 is demanded: `npm install --global \
             @openai/codex@0.169.0` installs it"
        ),
        "{updated}"
    );
    assert_eq!(world.lines("runs.log"), 4);
    world.scylla(&["verify", &dir]);
}

#[test]
fn a_demanded_version_that_is_not_installed_is_told_before_anything_is_made() {
    let world = World::new();
    let fixture = of_others(&world);
    let arguments = ["run", "--tiers-dir", &fixture, "--results-dir", "results", "--agent"];
    let run = |word: &str, says: &str| output(&mut with_codex(&world, says, &[&arguments[..], &[word]].concat()));
    let told = run("codex@0.169.0", "codex-cli 0.170.0\n").exits(2);
    assert_eq!(
        told.stderr,
        "error: `codex` says that it is version 0.170.0, and 0.169.0 is demanded\n\nhint: type `npm install --global \
         @openai/codex@0.169.0`; no agent was started\n"
    );
    let told = run("codex@0.169.0", "no idea\n").exits(2);
    assert!(told.stderr.contains("`codex` does not say its version, and 0.169.0 is demanded"), "{told}");
    let told = run("opencode@1.18.33", "").exits(2);
    assert!(told.stderr.contains("`opencode` is not installed, and version 1.18.33 of it is demanded"), "{told}");
    assert!(told.stderr.contains("`npm install --global opencode-ai@1.18.33`"), "{told}");
    let told = run("oracle", "").exits(2);
    assert!(told.stderr.contains("`--agent`: an `oracle` needs a `solution_file`"), "{told}");
    let told = run("codexx", "").exits(2);
    assert!(told.stderr.contains("`codexx` is no kind of agent: it is one of command, claude-code, codex,"), "{told}");
    assert!(!world.path("runs.log").exists());
    assert_eq!(std::fs::read_dir(world.results()).map_or(0, Iterator::count), 0);
}

#[test]
fn a_check_of_a_fixture_that_names_one_agent_for_all_starts_no_such_agent() {
    let world = World::new();
    let fixture = of_others(&world);
    world.write("fixture/scylla.yaml", "agent_of_all: {kind: codex}\n");
    let check = ["fixture", "check", &fixture, "--run"];
    let told = output(&mut with_codex(&world, "codex-cli 0.169.0\n", &check)).exits(0);
    assert!(told.stdout.contains("an agent that does nothing fails"), "{told}");
    assert!(!world.path("runs.log").exists(), "{told}");
    // A run has it work in both subtests.
    let run = ["run", "--tiers-dir", &fixture, "--results-dir", "results", "--runs", "1"];
    output(&mut with_codex(&world, "codex-cli 0.169.0\n", &run)).exits(0);
    assert_eq!(world.lines("runs.log"), 2);
}
