//! Judges are held against gold examples: patches of which it is known what they deserve.

use std::fs;

use serde_json::{Value, json};

use crate::fixture::{close, gated, open};
use crate::model_server::{Api, ModelServer, Say};
use crate::scenes::edit;
use crate::world::{Live, Output, World, kill, steady, wait_until};

const KEY: &str = "sk-scripted-gold-not-to-be-kept";

macro_rules! assert_shown {
    ($name:literal, $world:expr, $output:expr) => {
        insta::with_settings!({
            snapshot_path => concat!(env!("CARGO_MANIFEST_DIR"), "/snapshots/screens_e2e"),
            prepend_module_to_snapshot => false,
            omit_expression => true,
        }, { insta::assert_snapshot!($name, steady(&format!("{}", $output), $world)) });
    };
}

/// A world with the fixture that `fixture new` writes, a second gold example, and these judges beside the first one.
fn world(judges: &[&str]) -> World {
    let world = World::new();
    world.scylla(&["fixture", "new", "task"]).exits(0);
    world.write("task/expected/gold/solved.yaml", "patch_file: expected/solution.patch\nscores: {R001: 1, R002: 1}\n");
    let judges: Vec<String> =
        std::iter::once(&"kind: checks").chain(judges).map(|judge| format!("  - {judge}\n")).collect();
    edit(&world, "task/test.yaml", "  - kind: checks\n", &judges.concat());
    world
}

/// A judge of the fixture that gives both items these scores, for a cent.
fn giving(world: &World, name: &str, scores: [f64; 2]) {
    let answer = json!({"items": {"R001": {"score": scores[0]}, "R002": {"score": scores[1]}}, "cost_usd": 0.01});
    world.write(&format!("task/judges/{name}.json"), &answer.to_string());
}

/// A judge that is a shell line.
fn judge(name: &str, line: &str) -> String {
    format!("{{kind: command, name: {name}, shell: '{line}'}}")
}

/// A judge that gives always the same.
fn always(name: &str) -> String {
    judge(name, &format!(r#"cat "$SCYLLA_FIXTURE/judges/{name}.json""#))
}

fn check(world: &World, more: &[&str]) -> Output {
    world.scylla(&[&["judge", "check", "task"], more].concat())
}

fn of<'a>(found: &'a Value, judge: &str) -> &'a Value {
    found["judges"].as_array().unwrap().iter().find(|it| it["name"] == judge).unwrap()
}

#[test]
fn a_judge_is_shown_the_fixture_without_gold_examples_and_solution_however_it_is_contained() {
    for containment in ["auto", "walk"] {
        let world = World::new();
        let (seen, whole) = (world.path("seen"), world.path("whole"));
        // A folder of the world is not hidden from a judge that is contained.
        let looks = format!(
            r#"cd "$SCYLLA_FIXTURE" && find -L . -type f | sort >> {}; find {}/*/config -type f -size +0 | sort >> {}"#,
            seen.display(),
            world.results().display(),
            whole.display()
        );
        let line = format!(r#"{looks}; cat "$SCYLLA_FIXTURE/judges/looks.json""#);
        world.scylla(&["fixture", "new", "task"]).exits(0);
        world.write("task/expected/gold/other.yaml", "patch_file: patches/other.patch\nscores: {R001: 0, R002: 1}\n");
        let solution = fs::read_to_string(world.path("task/expected/solution.patch")).unwrap();
        world.write("task/patches/other.patch", &solution);
        edit(&world, "task/test.yaml", "  - kind: checks\n", &format!("  - {}\n", judge("looks", &line)));
        giving(&world, "looks", [1.0, 1.0]);
        let arguments = ["run", "task", "--results-dir", "results", "--runs", "1", "--containment", containment];
        let output = world.scylla(&arguments).exits(0);
        let seen = fs::read_to_string(seen).unwrap_or_else(|_| panic!("{output}"));
        for shown in ["./expected/rubric.yaml", "./expected/criteria.md", "./judges/looks.json", "./test.yaml"] {
            assert!(seen.lines().any(|line| line == shown), "{containment}: {seen}");
        }
        for kept in ["gold", "solution", "other.patch"] {
            assert!(!seen.contains(kept), "{containment}: {seen}");
            // What a namespace hides is not found in the experiment's folder either.
            let whole = fs::read_to_string(&whole).unwrap();
            assert!(containment == "walk" || !is_namespace(&output) || !whole.contains(kept), "{whole}");
        }
        // A later grading is shown its own.
        let dir = crate::scenes::experiment(&world);
        edit(&world, "task/expected/criteria.md", ".", ".\nOnce more.");
        world.scylla(&["regrade", &dir, "--from", "task"]).exits(0);
        let seen = fs::read_to_string(world.path("seen")).unwrap();
        assert!(!seen.contains("gold") && !seen.contains("solution"), "{containment}: {seen}");
        world.scylla(&["verify", &dir]).exits(0);
    }
}

/// Whether the runs of a session were contained by a namespace.
fn is_namespace(output: &Output) -> bool {
    output.stderr.contains("contained by bubblewrap")
}

#[test]
fn every_judge_is_held_against_every_example_and_one_that_drifts_is_named() {
    let world = world(&[&always("mild"), &judge("mute", "exit 4")]);
    giving(&world, "mild", [1.0, 1.0]);
    // One by one, so that they answer in the same order each time.
    let output = check(&world, &["--jobs", "1"]).exits(7);
    assert_shown!("judge-check", &world, output);
    let json = check(&world, &["--message-format", "json", "--repeat", "2"]).exits(7);
    let found: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!((&found["met"], &found["max_drift"], &found["repeat"]), (&json!(false), &json!(0.1), &json!(2)));
    let mild = of(&found, "mild");
    assert_eq!((&mild["largest_drift"], &mild["mean_drift"]), (&json!(0.75), &json!(0.375)));
    assert_eq!((&mild["cost_usd"], &mild["within_limit"]), (&json!(0.04), &json!(false)));
    assert_eq!(mild["examples"][0]["items"], json!({"R001": 0.0, "R002": 1.0}));
    assert_eq!(of(&found, "checks")["within_limit"], json!(true));
    assert_eq!(of(&found, "mute")["examples"][0]["failures"], json!(["judge `mute` exited with 4"]));
    let deserved = &found["gold"][1];
    assert_eq!((&deserved["name"], &deserved["passed"]), (&json!("solved"), &json!(true)));
    let files: Vec<&String> = deserved["files"].as_object().unwrap().keys().collect();
    assert_eq!(files, ["expected/gold/solved.yaml", "expected/solution.patch"]);
}

#[test]
fn a_judge_that_gives_no_answer_is_told_with_its_reason_and_is_not_within_the_limit() {
    let world = world(&[&judge("mute", "echo sorry")]);
    let output = check(&world, &["--max-drift", "1", "--attempts", "1"]).exits(6);
    assert!(output.stderr.contains("the judge `mute` gave no answer about `nothing` and `solved`"), "{output}");
    assert!(output.stderr.contains("gave no valid answer"), "{output}");
}

#[test]
fn a_larger_limit_is_for_whoever_names_it_and_judges_can_be_named_too() {
    let world = world(&[&always("mild")]);
    giving(&world, "mild", [1.0, 1.0]);
    check(&world, &["--max-drift", "0.8"]).exits(0);
    check(&world, &["--max-drift", "0.7"]).exits(7);
    let strict = world.write("strict.json", r#"{"items": {"R001": {"score": 0}, "R002": {"score": 0}}}"#);
    let line = format!("cat {}", strict.display());
    let named = check(&world, &["--judge-command", &line]).exits(7);
    assert!(named.stderr.contains("is 1.00 below what `solved` deserves"), "{named}");
    assert!(!named.stdout.contains("mild"), "{named}");
    for wrong in ["-1", "2", "much"] {
        check(&world, &["--max-drift", wrong]).exits(2);
    }
}

#[test]
fn a_judge_sees_the_work_in_a_fresh_tree_and_nowhere_what_it_deserves() {
    let log = |world: &World| world.path("seen.log").display().to_string();
    let world = world(&[]);
    let line = format!(
        r#"cat >> {0}; ls -R "$SCYLLA_FIXTURE" >> {0}; grep -rc world . >> {0}; cat "$SCYLLA_FIXTURE/judges/x.json""#,
        log(&world)
    );
    giving(&world, "x", [1.0, 1.0]);
    edit(&world, "task/test.yaml", "  - kind: checks\n", &format!("  - {}\n", judge("looker", &line)));
    check(&world, &["--jobs", "1"]).exits(7);
    let seen = fs::read_to_string(world.path("seen.log")).unwrap();
    assert!(seen.contains("${1:-world}") && seen.contains("greet.sh:1") && seen.contains("greet.sh:0"), "{seen}");
    for hidden in ["gold", "solved", "nobody without"] {
        assert!(!seen.contains(hidden), "`{hidden}` in {seen}");
    }
    assert_eq!(fs::read_dir(world.results()).unwrap().count(), 0, "nothing is left");
}

#[test]
fn a_model_is_checked_like_every_judge_and_asked_once_for_each_example() {
    let server = ModelServer::start(|_| Say::scores(&[("R001", 1.0), ("R002", 1.0)]));
    let base = server.base_url(Api::AnthropicMessages);
    let model =
        format!("{{kind: model, name: model, api: anthropic, model: m, base_url: '{base}', key: GOLD_API_KEY}}");
    let world = world(&[&model]);
    let refused = check(&world, &[]).exits(2);
    assert!(refused.stderr.contains("needs the variable `GOLD_API_KEY`"), "{refused}");
    let mut command = world.command(&["judge", "check", "task", "--message-format", "json"]);
    let output = crate::scenes::output(command.env("GOLD_API_KEY", KEY)).exits(7);
    let found: Value = serde_json::from_str(&output.stdout).unwrap();
    assert_eq!(of(&found, "model")["largest_drift"], json!(0.75));
    assert_eq!(of(&found, "model")["cost_usd"], Value::Null, "what tokens cost is not known");
    assert_eq!(server.asked().len(), 2);
}

#[test]
fn gold_examples_that_do_not_apply_or_are_not_there_are_mistakes() {
    let world = world(&[]);
    world.scylla(&["fixture", "check", "task"]).exits(0);
    let patch = fs::read_to_string(world.path("task/expected/solution.patch")).unwrap().replace("Hello", "Good bye");
    world.write("task/expected/gold/own.patch", &patch);
    world.write("task/expected/gold/other.yaml", "patch_file: expected/gold/own.patch\nscore: 1\n");
    world.write("task/expected/gold/text.yaml", "patch: |\n  no patch\nscore: 1\n");
    for arguments in [&["fixture", "check", "task"][..], &["judge", "check", "task"]] {
        let output = world.scylla(arguments).exits(2);
        assert!(output.stderr.contains("own.patch: does not apply to the tree"), "{output}");
        assert!(output.stderr.contains("text.yaml: does not apply to the tree"), "{output}");
    }
    fs::remove_dir_all(world.path("task/expected/gold")).unwrap();
    let output = check(&world, &[]).exits(2);
    assert!(output.stderr.contains("the fixture `task` has no gold example"), "{output}");
    world.scylla(&["fixture", "check", "task"]).exits(0);
}

#[test]
fn what_is_wrong_is_told_of_files_that_the_person_has_and_never_of_copies() {
    let looks = judge("looks", r#"sh "$SCYLLA_FIXTURE/judges/none.sh""#);
    let asks = judge("asks", "echo nothing was said >&2; exit 3");
    let world = world(&[&looks, &asks]);
    let own = world.path("task/judges/none.sh");
    let of_copies = ["cargo-scylla-", "run_01", "SCYLLA_FIXTURE", ".failed"];
    let output = check(&world, &["--attempts", "1"]).exits(6);
    assert!(output.stderr.contains(own.to_str().unwrap()), "{output}");
    assert!(output.stderr.contains("`asks` exited with 3; its output ends with `nothing was said`"), "{output}");
    assert!(!of_copies.iter().any(|name| output.stderr.contains(name)), "{output}");
    // Nor does a trial of checks and judges.
    edit(&world, "task/test.yaml", &looks, &judge("looks", r#"name=none; ls "$SCYLLA_FIXTURE/judges/$name.sh""#));
    let output = world.scylla(&["fixture", "check", "task", "--run"]).exits(2);
    assert!(output.stderr.contains("task/judges/none.sh"), "{output}");
    assert!(!of_copies.iter().any(|name| output.stderr.contains(name)), "{output}");
    // Nor is a patch told of that was made of an example, nor the tree to which it does not apply.
    let patch = fs::read_to_string(world.path("task/expected/solution.patch")).unwrap().replace("Hello", "Good bye");
    let patch = patch.trim_end().replace('\n', "\n  ");
    world.write("task/expected/gold/text.yaml", &format!("patch: |\n  {patch}\nscore: 1\n"));
    for arguments in [&["fixture", "check", "task"][..], &["judge", "check", "task"]] {
        let output = world.scylla(arguments).exits(2);
        let told = "task/expected/gold/text.yaml: does not apply to the tree: error: patch failed: greet.sh:";
        assert!(output.stderr.contains(told), "{output}");
        assert!(!of_copies.iter().any(|name| output.stderr.contains(name)), "{output}");
    }
}

#[test]
fn a_stop_ends_a_check_and_leaves_nothing_behind() {
    let world = world(&[]);
    let slow = judge("slow", &format!("{}; exit 4", gated(&world, "judge")));
    edit(&world, "task/test.yaml", "  - kind: checks\n", &format!("  - {slow}\n"));
    let temporary = world.path("tmp");
    fs::create_dir(&temporary).unwrap();
    close(&world, "judge");
    let live = Live::start(world.command(&["judge", "check", "task"]).env("TMPDIR", &temporary));
    wait_until("the judge is asked", || world.lines("judge.log") > 0);
    kill("TERM", live.pid());
    let (code, _, stderr) = live.end();
    assert_eq!(code, Some(143), "{stderr}");
    assert!(stderr.contains("stopped before all judges were checked"), "{stderr}");
    assert_eq!(fs::read_dir(&temporary).unwrap().count(), 0);
    open(&world, "judge");
}
