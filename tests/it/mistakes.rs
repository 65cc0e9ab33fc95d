//! The mistakes that a newcomer makes first: each says what is wrong and what to type, with the exit code of its kind.

use std::fs;

use crate::fixture::{TestFixture, close, gated, open};
use crate::scenes::{AGENT, experiment, planned};
use crate::world::{Output, World, shipped, steady, wait_until};

/// A mistake is told with the exit code of its kind: nothing on stdout, and what to do.
#[track_caller]
fn mistake(name: &str, world: &World, output: Output, code: i32) {
    let output = output.exits(code);
    assert_eq!(output.stdout, "", "{name}");
    insta::with_settings!({
        snapshot_path => concat!(env!("CARGO_MANIFEST_DIR"), "/snapshots/screens_e2e"),
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, { insta::assert_snapshot!(format!("mistake-{name}"), steady(&format!("{output}"), world)) });
}

fn world() -> (World, String) {
    let world = World::new();
    let fixture = TestFixture::new().agent("T0/00-one", &format!("{}; {AGENT}", gated(&world, "agent"))).write(&world);
    (world, fixture)
}

#[test]
fn what_is_typed_wrongly_is_told() {
    let (world, fixture) = world();
    let run = |more: &[&str]| world.scylla(&[&["run", "--tiers-dir", &fixture], more].concat());
    mistake("no_fixture", &world, world.scylla(&["run"]), 2);
    mistake("fixture_is_elsewhere", &world, world.scylla(&["run", "--tiers-dir", "fixtrue"]), 2);
    mistake("no_experiment", &world, world.scylla(&["resume", "fixture"]), 2);
    mistake("experiment_is_elsewhere", &world, world.scylla(&["status", "results/mine"]), 2);
    mistake("bad_tier", &world, run(&["--tiers", "tier0"]), 2);
    mistake("unknown_tier", &world, run(&["--tiers", "T0,T5"]), 2);
    mistake("unknown_flag", &world, run(&["--run", "3"]), 2);
    mistake("unknown_command", &world, world.scylla(&["restart"]), 2);
    mistake("no_runs", &world, run(&["--runs", "0"]), 2);
    mistake("bad_cost", &world, run(&["--max-cost-usd", "cheap"]), 2);
    mistake("no_command", &world, world.scylla(&[]), 2);
}

#[test]
fn numbers_that_are_negative_or_no_numbers_and_times_without_sense_are_called_so() {
    let (world, fixture) = world();
    let told = |arguments: &[&str], said: &str| {
        let output = world.scylla(arguments).exits(2);
        assert!(output.stderr.contains(said), "no {said}: {output}");
    };
    for flag in ["--runs", "--max-subtests", "--jobs", "--attempts", "--max-cost-usd", "--timeout", "--price-per-run"] {
        told(&["run", &fixture, "--dry-run", flag, "-3"], &format!("invalid value '-3' for '{flag}"));
        told(&["run", &fixture, "--dry-run", flag, "-3"], "it is negative");
    }
    told(&["verify", "--max-missing", "-1"], "it is negative");
    told(&["verify", "--min-runs", "-1"], "it is negative");
    told(&["extend", "--runs", "-1"], "it is negative");
    told(&["run", &fixture, "--timeout", "10x"], "a time such as `90s`, `10m` or `1h30m`");
    told(&["run", &fixture, "--timeout", "0m"], "from 1 second");
    told(&["run", &fixture, "--runs", "many"], "it is not a whole number");
}

#[test]
fn times_have_units_wherever_seconds_are_taken_and_a_fixture_is_named_in_short() {
    let (world, _) = world();
    let config = |more: &[&str]| {
        world.scylla(&[&["run", "--runs", "1", "--fresh"], more].concat()).exits(0);
        let newest = fs::read_dir(world.path("scylla-results")).unwrap().map(|entry| entry.unwrap().path());
        let newest = newest.filter(|path| path.is_dir()).max_by_key(|path| fs::metadata(path).unwrap().created().ok());
        crate::scenes::json(&newest.unwrap().join("config/experiment.json"))
    };
    assert_eq!(config(&["fixture", "--timeout", "1h30m"])["timeout_seconds"], 5_400);
    let path = world.path("fixture/test.yaml");
    let text = fs::read_to_string(&path).unwrap().replace("timeout_seconds: 100", "timeout_seconds: 2m");
    fs::write(&path, text).unwrap();
    assert_eq!(config(&["fixture/test.yaml"])["timeout_seconds"], 120);
    world.write(".config/scylla.toml", "timeout = \"10m\"\n");
    assert_eq!(config(&["--tiers-dir", "fixture/test.yaml"])["timeout_seconds"], 600);
    world.scylla(&["fixture", "check", "fixture/test.yaml"]).exits(0);
    world.scylla(&["run", "fixture", "--tiers-dir", "fixture"]).exits(2);
}

#[test]
fn a_misspelt_command_or_tier_is_told_with_those_that_are_there() {
    let (world, fixture) = world();
    for (typed, meant) in
        [("stauts", "status"), ("verfy", "verify"), ("resme", "resume"), ("runn", "run"), ("chekout", "checkout")]
    {
        let output = world.scylla(&[typed]).exits(2);
        assert!(output.stderr.contains(&format!("`cargo scylla {meant}`")), "{output}");
    }
    let dir = planned(&world, &fixture, &["--runs", "1"]);
    let output = world.scylla(&["extend", &dir, "--tiers", "T5"]).exits(2);
    assert!(output.stderr.contains("has no tier `T5`; it has T0"), "{output}");
}

#[test]
fn hints_work_where_a_name_begins_like_a_flag_or_is_no_text() {
    use std::os::unix::ffi::OsStringExt;
    let bytes = std::ffi::OsString::from_vec(b"my r\xffsults".to_vec());
    for results in ["-results".into(), bytes] {
        let (world, _) = world();
        let bin = world.path("bin");
        fs::create_dir(&bin).unwrap();
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_cargo-scylla"), bin.join("cargo-scylla")).unwrap();
        let shell = |command: &str| {
            let mut shell = std::process::Command::new("bash");
            world.seal(&mut shell);
            let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
            shell.args(["-c", &command.replace("cargo scylla", "cargo-scylla")]).env("PATH", path);
            crate::scenes::output(shell.current_dir(world.path("")))
        };
        let mut run = world.command(&["run", "fixture", "--runs", "1", "--max-cost-usd", "0"]);
        let mut flag = std::ffi::OsString::from("--results-dir=");
        flag.push(&results);
        let output = run.arg(flag).stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).output();
        let output = output.unwrap();
        assert_eq!(output.status.code(), Some(6));
        let stdout = String::from_utf8_lossy(&output.stdout);
        let resume = stdout.lines().rfind(|line| line.contains("cargo scylla resume")).unwrap().trim();
        shell(resume).exits(0);
        fs::write(world.path("fixture/prompt.md"), "Make another file.\n").unwrap();
    }
}

#[test]
fn mistakes_in_yaml_are_told_all_at_once() {
    let (world, fixture) = world();
    let path = world.path("fixture/test.yaml");
    let text = fs::read_to_string(&path).unwrap();
    let text = text.replace("timeout_seconds: 100", "timeout_secnds: 100").replace("tiers: [T0]", "tiers: [T0, T1]");
    fs::write(path, text.replace("checks:\n", "checks:\n  - name: lint\n")).unwrap();
    mistake("yaml", &world, world.scylla(&["run", "--tiers-dir", &fixture]), 2);
    fs::write(world.path("fixture/test.yaml"), "id: [tested\n").unwrap();
    mistake("no_yaml", &world, world.scylla(&["run", "--tiers-dir", &fixture]), 2);
}

#[test]
fn a_repository_that_is_not_there_is_told_and_a_later_run_works() {
    let (world, fixture) = world();
    let path = world.path("fixture/test.yaml");
    let text = fs::read_to_string(&path).unwrap();
    let hash = "0123456789012345678901234567890123456789";
    fs::write(&path, format!("{text}source:\n  repo: ../elsewhere\n  hash: {hash}\n")).unwrap();
    fs::rename(world.path("fixture/source"), world.path("source")).unwrap();
    let run = ["run", "--tiers-dir", &fixture, "--results-dir", "results", "--runs", "1"];
    mistake("no_repository", &world, world.scylla(&run), 2);
    fs::write(&path, text).unwrap();
    fs::rename(world.path("source"), world.path("fixture/source")).unwrap();
    world.scylla(&run).exits(0);
}

#[test]
fn an_experiment_that_is_held_says_by_whom() {
    let (world, fixture) = world();
    close(&world, "agent");
    let run = ["run", "--tiers-dir", &fixture, "--results-dir", "results", "--runs", "1"];
    let live = world.start(&run);
    wait_until("the agent works", || world.lines("agent.log") == 1);
    mistake("held", &world, world.scylla(&run), 3);
    open(&world, "agent");
    assert_eq!(live.end().0, Some(0));
}

#[test]
fn a_containment_that_does_not_work_here_is_told_and_nothing_is_started() {
    let (world, fixture) = world();
    let mut command = world.command(&["run", "--tiers-dir", &fixture, "--results-dir", "results"]);
    // Without a PATH there is no bubblewrap, and git is found by its own folder.
    let tools = world.path("tools");
    fs::create_dir(&tools).unwrap();
    for tool in ["git", "sh"] {
        let found = std::process::Command::new("sh").args(["-c", &format!("command -v {tool}")]).output().unwrap();
        let found = String::from_utf8(found.stdout).unwrap();
        std::os::unix::fs::symlink(found.trim(), tools.join(tool)).unwrap();
    }
    let output = crate::scenes::output(command.args(["--containment", "bubblewrap"]).env("PATH", tools));
    mistake("containment", &world, output, 2);
    assert_eq!(world.lines("agent.log"), 0);
    // Nothing is kept that a run without the flag would go on with.
    assert_eq!(fs::read_dir(world.path("results")).map_or(0, Iterator::count), 0);
}

#[test]
fn a_run_that_is_named_wrongly_or_a_place_that_is_taken_is_told() {
    let world = World::new();
    let fixture = shipped("hello-script");
    let dir = planned(&world, &fixture, &["--runs", "1", "--tiers", "T1"]);
    world.scylla(&["resume", &dir, "--max-cost-usd", "9"]).exits(0);
    let checkout = |run: &str, to: &str| world.scylla(&["checkout", &dir, "--run", run, "--to", to]);
    mistake("bad_run", &world, checkout("T1-00-1", "tree"), 2);
    mistake("absent_run", &world, checkout("T1/00/7", "tree"), 2);
    world.write("taken/mine.txt", "mine");
    mistake("place_is_taken", &world, checkout("T1/00/1", "taken"), 2);
    assert_eq!(fs::read_dir(world.path("taken")).unwrap().count(), 1);
    assert!(!world.path("tree").exists());
    mistake("nothing_to_add", &world, world.scylla(&["extend", &dir]), 2);
    mistake("plan_shrinks", &world, world.scylla(&["extend", &dir, "--max-subtests", "1"]), 2);
    assert_eq!(experiment(&world), dir);
}
