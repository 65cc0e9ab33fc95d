//! `list` and `runs`: which experiments there are, and a row for each run; filters that name runs, here and for a `rerun` or
//! `regrade`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::fixture::{TestFixture, close, gated, open};
use crate::scenes::{AGENT, edit, experiment, json, recorded};
use crate::shared::shared;
use crate::verify::folder::copy;
use crate::world::{Output, World, steady, wait_until};

/// A snapshot of the gallery of screens.
macro_rules! snapshot {
    ($name:expr, $text:expr) => {
        insta::with_settings!({
            snapshot_path => concat!(env!("CARGO_MANIFEST_DIR"), "/snapshots/screens_e2e"),
            prepend_module_to_snapshot => false,
            omit_expression => true,
        }, { insta::assert_snapshot!($name, $text) })
    };
}

/// An agent that says nothing of its cost and does nothing.
const IDLE: &str = "true";
/// An agent that is refused by its provider.
const REFUSED: &str = r#"printf '{"cost_usd": 0.25, "failure": {"kind": "auth", "message": "no such \u001b[2Jkey"}}' > "$SCYLLA_RECORD_FILE""#;

/// Two setups whose runs are done, and one of which infrastructure failed.
fn made() -> (World, String) {
    let world = World::new();
    let fixture = TestFixture::new()
        .subtest("T0/00-idle", &format!("name: '=1+1'\nagent:\n  kind: command\n  shell: '{IDLE}'\n"))
        .agent("T0/01-expert", AGENT)
        .agent("T1/00-refused", REFUSED)
        .write(&world);
    world
        .scylla(&["run", "--tiers-dir", &fixture, "--results-dir", "results", "--runs", "2", "--attempts", "1"])
        .exits(6);
    let dir = experiment(&world);
    (world, dir)
}

#[track_caller]
fn rows(world: &World, dir: &str, more: &[&str]) -> Vec<Value> {
    let output = world.scylla(&[&["runs", dir, "--format", "json"], more].concat()).exits(0);
    serde_json::from_str(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output}"))
}

#[track_caller]
fn named(world: &World, dir: &str, more: &[&str]) -> String {
    let names = |row: &Value| row["run"].as_str().unwrap().replace("run_0", "");
    rows(world, dir, more).iter().map(names).collect::<Vec<_>>().join(" ")
}

fn screen(output: &Output, world: &World) -> String {
    let text = steady(&format!("{output}"), world);
    let lines: Vec<String> = text.lines().map(|line| regex_replace(line, r" +\d+\.\ds\b", " [TIME]")).collect();
    lines.join("\n")
}

fn regex_replace(text: &str, pattern: &str, word: &str) -> String {
    regex::Regex::new(pattern).unwrap().replace_all(text, word).into_owned()
}

#[test]
fn each_planned_run_is_a_row_for_people_and_for_programs_also_when_it_is_missing() {
    let (world, dir) = made();
    let shown = world.scylla(&["runs", &dir]).exits(0);
    snapshot!("runs", screen(&shown, &world));
    assert_eq!(world.scylla(&["runs", &dir, "--format", "human"]).stdout, shown.stdout);
    let all = rows(&world, &dir, &[]);
    assert_eq!(all.len(), 6);
    let first = &all[0];
    assert_eq!(
        (&first["run"], &first["tier"], &first["run_number"]),
        (&json!("T0/00/run_01"), &json!("T0"), &json!(1))
    );
    assert_eq!(
        (&first["name"], &first["status"], &first["cost_usd"], &first["cost_unknown"]),
        (&json!("=1+1"), &json!("failed"), &Value::Null, &json!(1)),
        "what nobody said is no 0"
    );
    assert_eq!((&first["reason"], &first["end"]), (&json!("agent changed nothing"), &json!("finished")));
    let (passed, missing) = (&all[2], &all[4]);
    assert_eq!(
        (&passed["status"], &passed["score"], &passed["grade"], &passed["cost_usd"], &passed["reason"]),
        (&json!("passed"), &json!(1.0), &json!("S"), &json!(0.5), &Value::Null)
    );
    assert_eq!(
        (&missing["status"], &missing["score"], &missing["cost_usd"], &missing["cost_unknown"], &missing["spent"]),
        (&json!("errored"), &Value::Null, &Value::Null, &json!(0), &json!(0.25)),
        "what is missing is no 0"
    );
    assert!(missing["reason"].as_str().unwrap().starts_with("auth: no such"), "{missing}");

    let lines = world.scylla(&["runs", &dir, "--format", "jsonl"]).exits(0);
    assert_eq!(lines.events(), all);
    assert_eq!(
        world.scylla(&["runs", &dir, "--message-format", "json"]).stdout,
        world.scylla(&["runs", &dir, "--format", "json"]).stdout
    );
    let csv = world.scylla(&["runs", &dir, "--format", "csv"]).exits(0);
    assert_eq!(csv.stdout.lines().count(), 7);
    assert!(
        csv.stdout.starts_with("tier,subtest,name,run,") && csv.stdout.contains("T0,00,'=1+1,T0/00/run_01"),
        "{csv}"
    );
    for output in [&shown, &lines, &csv] {
        assert!(!output.stdout.contains('\u{1b}') && output.stderr.is_empty(), "{output}");
    }

    // Which runs, in which order.
    for (more, runs) in [
        (&["--filter", "status(failed) | cost(>0.10)"][..], "T0/00/1 T0/00/2 T0/01/1 T0/01/2"),
        (&["-E", "setup(expert)"], "T0/01/1 T0/01/2"),
        (&["-E", "missing()"], "T1/00/1 T1/00/2"),
        (&["-E", "run(T0/00/1)", "-E", "tier(T1) & run(2)"], "T0/00/1 T1/00/2"),
        (&["-E", "score(<0.5) - run(2)"], "T0/00/1"),
        (&["-E", "none()"], ""),
        (&["--sort", "-score,-run"], "T0/01/2 T0/01/1 T0/00/2 T0/00/1 T1/00/2 T1/00/1"),
        (&["--sort", "status:desc,run:desc"], "T1/00/2 T1/00/1 T0/00/2 T0/00/1 T0/01/2 T0/01/1"),
    ] {
        assert_eq!(named(&world, &dir, more), runs, "{more:?}");
    }
    let none = world.scylla(&["runs", &dir, "-E", "none()"]).exits(0);
    assert!(none.stderr.contains("no run of 6 fits"), "{none}");
    let newest = world.scylla(&["runs", "--results-dir", "results", "-E", "run(1)"]).exits(0);
    assert!(
        newest.stderr.contains("is the newest experiment in `results`") && newest.stdout.contains("T1/00/1"),
        "{newest}"
    );

    // What is wrong is told at its place, all of it, before anything is read.
    let wrong = ["runs", "nowhere", "-E", "teir(T1) & status(failed)", "-E", "status(failed) & score(<half)"];
    snapshot!("filter_wrong", screen(&world.scylla(&wrong).exits(2), &world));
    let key = world.scylla(&["runs", &dir, "--sort", "scroe"]).exits(2);
    assert!(key.stderr.contains("`scroe` is nothing") && key.stderr.contains("did you mean `score`?"), "{key}");
    assert!(world.scylla(&["rerun", &dir, "--filter", "teir(T1)"]).exits(2).stderr.contains("^^^^"));
}

#[test]
fn who_reads_only_the_first_rows_is_no_error() {
    let (world, dir) = made();
    let shell = |arguments: &str| {
        let binary = env!("CARGO_BIN_EXE_cargo-scylla");
        let mut command = Command::new("bash");
        world.seal(&mut command);
        let script = format!("set -o pipefail; '{binary}' {arguments} | head -1; exit ${{PIPESTATUS[0]}}");
        command.args(["-c", &script]).current_dir(world.path(""));
        crate::world::finish(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
    };
    for arguments in [format!("runs {dir}"), format!("runs {dir} --format jsonl"), "list results".to_owned()] {
        let output = shell(&arguments).exits(0);
        assert_eq!((output.stdout.lines().count(), output.stderr.as_str()), (1, ""), "{output}");
    }
}

#[test]
fn a_filter_names_the_runs_that_are_made_or_graded_again_and_no_other() {
    let world = World::new();
    let agent = format!("{}; echo x > \"made-$SCYLLA_RUN\"; {AGENT}", gated(&world, "agent"));
    let fixture =
        TestFixture::new().agent("T0/00-one", &agent).agent("T1/00-two", &agent).check("test -f made-1").write(&world);
    world.scylla(&["run", "--tiers-dir", &fixture, "--results-dir", "results", "--runs", "2"]).exits(0);
    let dir = experiment(&world);
    assert_eq!(named(&world, &dir, &["-E", "status(failed)"]), "T0/00/2 T1/00/2");

    let none = world.scylla(&["rerun", &dir, "--filter", "score(>2)"]).exits(0);
    assert!(none.stderr.contains("no run of 4 fits the filter") && world.lines("agent.log") == 4, "{none}");
    let both = world.scylla(&["rerun", &dir, "--errored", "--filter", "all()"]).exits(2);
    assert!(both.stderr.contains("cannot be used with"), "{both}");

    // Killed, and given again: what it named goes on, and nothing is made twice.
    close(&world, "agent");
    let filter = ["rerun", &dir, "--jobs", "1", "--filter", "status(failed)"];
    let mut live = world.start(&filter);
    wait_until("the agent works", || world.lines("agent.log") == 5);
    live.kill();
    open(&world, "agent");
    let again = world.scylla(&filter).exits(0);
    assert!(again.stderr.contains("a rerun of 2 runs was stopped before it was done"), "{again}");
    assert_eq!(world.lines("agent.log"), 7, "the agent that was killed, and one for each run: {again}");
    let attempts = rows(&world, &dir, &[]).iter().map(|row| row["attempts"].as_u64().unwrap()).collect::<Vec<_>>();
    assert_eq!((attempts[0], attempts[2]), (1, 1));
    let told = world.scylla(&["rerun", &dir, "--filter", "status(failed) & tier(T1)"]).exits(0);
    assert!(told.stderr.contains("1 run of 4 fits the filter:\n  T1/00/2\n"), "{told}");
    assert!(told.stderr.find("T1/00/2") < told.stderr.find("to be made again"), "{told}");
    assert_eq!(world.lines("agent.log"), 8);
    world.scylla(&["verify", &dir]).exits(0);

    // The mended check passes what the former one did not.
    edit(&world, "fixture/test.yaml", "made-1", "done");
    let regrade = ["regrade", &dir, "--from", "fixture", "--filter", "status(failed)"];
    let graded = world.scylla(&regrade);
    assert!(graded.stderr.contains("2 runs of 4 fit the filter:\n  T0/00/2 T1/00/2\n"), "{graded}");
    assert!(graded.stderr.contains("2 runs to be checked and judged"), "{graded}");
    assert_eq!(
        (world.lines("agent.log"), recorded(&world, "T0/00/2")),
        (8, json!("failed")),
        "it does not count yet: {graded}"
    );
    world.scylla(&["regrade", &dir, "--from", "fixture"]).exits(0);
    let all = rows(&world, &dir, &[]);
    assert!(all.iter().all(|row| row["status"] == "passed" && row["grading"] == 2 && row["grade"] == "S"), "{all:#?}");
}

#[test]
fn each_experiment_is_in_the_list_whatever_lies_beside_it() {
    let (world, dir) = made();
    let list = |more: &[&str]| world.scylla(&[&["list", "results"], more].concat());
    let only = list(&[]).exits(0);
    assert!(only.stderr.is_empty() && only.stdout.contains("4/6"), "{only}");

    let older = world.path("results/2020-01-01T00-00-00-older");
    copy(dir.as_ref(), &older);
    fs::remove_file(older.join("checkpoint.json")).unwrap();
    fs::write(older.join("config/experiment.json"), "{ torn").unwrap();
    if let Some(theirs) = shared("data/projectscylla-dryrun") {
        copy(&theirs, &world.path("results/projectscylla-dryrun"));
    }
    world.write("results/notes/readme.md", "not ours");
    world.write("results/settings/config/other.toml", "not ours");
    world.write("results/loose.txt", "not ours");
    let locked = world.path("results/locked");
    fs::create_dir(&locked).unwrap();
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o000)).unwrap();
    let is_hidden = fs::read_dir(&locked).is_err();
    let listed = list(&["--format", "json"]).exits(0);
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o700)).unwrap();

    let experiments: Vec<Value> = serde_json::from_str(&listed.stdout).unwrap();
    let find = |part: &str| experiments.iter().find(|found| found["name"].as_str().unwrap().contains(part));
    let newest = &experiments[0];
    assert_eq!(
        (&newest["state"], &newest["done"], &newest["planned"], &newest["passed"]),
        (&json!("incomplete"), &json!(4), &json!(6), &json!(2)),
        "{listed}"
    );
    assert_eq!((&newest["spent"], &newest["spent_unknown"]), (&json!(1.5), &json!(2)), "{listed}");
    let torn = find("older").unwrap();
    assert_eq!((&torn["state"], &torn["planned"]), (&json!("unknown"), &Value::Null), "{torn}");
    if shared("data/projectscylla-dryrun").is_some() {
        let theirs = find("projectscylla-dryrun").unwrap();
        assert_eq!(
            (&theirs["state"], &theirs["done"], &theirs["passed"], &theirs["made_by"]),
            (&json!("completed"), &json!(7), &json!(7), &json!("ProjectScylla"))
        );
    }
    for (left_out, why) in [("notes", "not the folder of an experiment"), ("settings", "nothing of an experiment")] {
        let line = format!("note: `results/{left_out}` is left out: ");
        assert!(listed.stderr.lines().any(|told| told.starts_with(&line) && told.contains(why)), "{listed}");
    }
    assert!(!listed.stderr.contains("loose.txt"), "{listed}");
    assert!(!is_hidden || listed.stderr.contains("`results/locked` is left out"), "{listed}");

    let human = list(&[]).exits(0);
    let first: Vec<&str> = human.stdout.lines().nth(1).unwrap().split_whitespace().collect();
    assert_eq!(first[1..6], ["incomplete", "4/6", "2", "at", "least"], "{human}");
    assert!(list(&["--message-format", "json"]).stdout.contains("\"state\""));
    // Where nothing is named, it is the results folder of the workspace.
    let empty = World::new();
    let none = empty.scylla(&["list"]).exits(0);
    assert!(none.stdout.is_empty() && none.stderr.contains("there is no experiment in `scylla-results`"), "{none}");
    assert_eq!(empty.scylla(&["list", "--format", "json"]).exits(0).stdout, "[]\n");
    world.scylla(&["list", "nowhere"]).exits(2);
    let one = world.scylla(&["list", &dir]).exits(2);
    assert!(one.stderr.contains("cargo scylla runs"), "{one}");
}

#[test]
fn experiments_of_projectscylla_have_rows_as_they_are() {
    let Some(folder) = shared("data/projectscylla-dryrun") else { return };
    let world = World::new();
    let dir = folder.to_str().unwrap();
    let all = rows(&world, dir, &[]);
    assert_eq!(all.len(), 7);
    let first = json(&folder.join("T0/00/run_01/run_result.json"));
    for (row, theirs) in [
        ("score", "judge_score"),
        ("grade", "judge_grade"),
        ("duration_seconds", "duration_seconds"),
        ("exit_code", "exit_code"),
    ] {
        assert_eq!(all[0][row], first[theirs], "{row}");
    }
    let cost = first["cost_usd"].as_f64().unwrap();
    assert!((all[0]["cost_usd"].as_f64().unwrap() - cost).abs() < 1e-9, "{}", all[0]);
    assert_eq!(all[0]["tokens"], 136_477);
    assert_eq!(named(&world, dir, &["-E", "score(>=0.97) & tier(T0)"]), "T0/00/1");
    snapshot!("runs_projectscylla", screen(&world.scylla(&["runs", dir]).exits(0), &world));
}
