//! What subtests compose lies in their workspaces, and tiers begin with the winners of earlier ones: chosen once, frozen,
//! and recorded in each result.

use std::fs;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::fixture::{TestFixture, close, gated, open};
use crate::projectscylla::fixture::{JUDGE, ProjectScyllaFixture};
use crate::scenes::{AGENT, experiment, json, planned, recorded, saved};
use crate::world::{Output, World, wait_until};

/// An agent that notes what it finds, solves the task in those subtests that are to win, and says what it used.
fn noting_agent(world: &World) -> String {
    let notes = world.path("notes");
    fs::create_dir(&notes).unwrap();
    world.program(
        "agent.sh",
        &format!(
            r#"#!/bin/sh
here="$SCYLLA_TIER/$SCYLLA_SUBTEST"
{{
  echo "mode $SCYLLA_SYSTEM_PROMPT_MODE, tools ${{SCYLLA_TOOLS-not said}}, teams ${{CLAUDE_CODE_EXPERIMENTAL_AGENT_TEAMS-off}}"
  find . -path ./.git -prune -o -type f -print | LC_ALL=C sort
}} > {notes}/"$SCYLLA_TIER-$SCYLLA_SUBTEST"
cp CLAUDE.md {notes}/"$SCYLLA_TIER-$SCYLLA_SUBTEST.md" 2> /dev/null
cp .claude/settings.json {notes}/"$SCYLLA_TIER-$SCYLLA_SUBTEST.json" 2> /dev/null
tokens=100
case $here in
  T0/03|T1/01|T2/04|T3/05|T4/08|T5/*|T6/*) touch done;;
  T1/02) touch done; tokens=50;;
esac
printf '{{"cost_usd": 0.01, "token_stats": {{"input_tokens": %s}}}}' $tokens > "$SCYLLA_RECORD_FILE"
"#,
            notes = notes.display()
        ),
    );
    world.path("agent.sh").to_str().unwrap().to_owned()
}

fn run_fixture(world: &World, more: &[&str]) -> Output {
    let fixture = ProjectScyllaFixture::new().write(world);
    let agent = noting_agent(world);
    let arguments = ["run", "--tiers-dir", &fixture, "--results-dir", "results", "--runs", "1", "--jobs", "2"];
    world.scylla(&[&arguments[..], &["--agent-command", &agent, "--judge-command", JUDGE], more].concat())
}

#[track_caller]
fn result(world: &World, run: &str) -> Value {
    json(&world.experiment().join(run).join("run_01/run_result.json"))
}

fn note(world: &World, name: &str) -> String {
    fs::read_to_string(world.path("notes").join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

macro_rules! snapshot {
    ($area:literal, $name:expr, $text:expr) => {
        insta::with_settings!({
            snapshot_path => concat!(env!("CARGO_MANIFEST_DIR"), "/snapshots/", $area),
            prepend_module_to_snapshot => false,
            omit_expression => true,
        }, { insta::assert_snapshot!($name, $text) })
    };
}

#[test]
fn all_seven_tiers_of_projectscylla_compose_and_inherit_as_they_declare() {
    let world = World::new();
    let told = run_fixture(&world, &[]).exits(0);
    let same = "T3/05 and T3/06 are set up the same: they measure one setup more than once";
    assert!(told.stderr.find(same) < told.stderr.find("T3/05/run_01"), "{told}");
    assert!(told.stderr.contains(same), "{told}");
    let dir = experiment(&world);
    let mut shown = Vec::new();
    for (tier, subtests) in saved(&world, "subtests").as_object().unwrap() {
        for subtest in subtests.as_array().unwrap() {
            let subtest = subtest.as_str().unwrap();
            let result = result(&world, &format!("{tier}/{subtest}"));
            let from: Vec<&str> =
                result["inherited_from"].as_array().unwrap().iter().map(|from| from.as_str().unwrap()).collect();
            let digest = if result["composed"].is_null() { "nothing composed" } else { "composed" };
            let note = note(&world, &format!("{tier}-{subtest}"));
            shown.push(format!("──── {tier}/{subtest} from {from:?}, {digest}\n{note}"));
        }
    }
    snapshot!("compose", "workspaces_of_seven_tiers", shown.join("\n"));
    let composed = |run: &str| result(&world, run)["composed"].clone();
    assert_eq!(composed("T3/05"), composed("T3/06"), "they compose the same thing");
    assert_ne!(composed("T3/05"), composed("T3/01"));
    snapshot!("compose", "instructions_of_a_tier_that_inherits", note(&world, "T2-05.md"));
    let settings: Value = serde_json::from_str(&note(&world, "T5-15.json")).unwrap();
    assert_eq!(settings["env"], json!({ "CLAUDE_CODE_EXPERIMENTAL_AGENT_TEAMS": "1" }), "from T4/08");
    let frozen = json(&world.experiment().join("config/inherited/T2.json"));
    let winner = &frozen["sources"]["T1"];
    assert_eq!(
        (&winner["subtest"], &winner["by_tokens"], &winner["margin"]),
        (&json!("02"), &json!(true), &json!(0.0))
    );
    assert_eq!((&winner["planned"], &winner["composed"]), (&json!(4), &composed("T1/02")));
    world.scylla(&["verify", &dir]).exits(0);
}

#[test]
fn what_is_asked_for_wins_over_what_is_declared() {
    let world = World::new();
    run_fixture(&world, &["--inherit", "none", "--tiers", "T0,T1"]).exits(0);
    assert_eq!(result(&world, "T1/01")["inherited_from"], json!([]));
    assert!(!world.experiment().join("config/inherited").exists());
    assert!(
        note(&world, "T1-01.md").starts_with("The project's own words.\n\n## What you have"),
        "{}",
        note(&world, "T1-01.md")
    );
    assert_eq!(saved(&world, "inherit"), "none");

    let world = World::new();
    run_fixture(&world, &["--inherit", "previous-best", "--tiers", "T0,T5"]).exits(2);
    run_again(&world, &["--inherit", "previous-best", "--tiers", "T0,T1,T6"]).exits(0);
    assert_eq!(result(&world, "T1/02")["inherited_from"], json!(["T0/03"]));
    // This one declares that it extends nothing, and no rule takes that from it.
    assert_eq!(result(&world, "T6/01")["inherited_from"], json!([]));
}

fn run_again(world: &World, more: &[&str]) -> Output {
    let fixture = world.path(crate::projectscylla::fixture::FIXTURE);
    let agent = world.path("agent.sh");
    let arguments = ["run", "--tiers-dir", fixture.to_str().unwrap(), "--results-dir", "results", "--runs", "1"];
    let said = ["--agent-command", agent.to_str().unwrap(), "--judge-command", JUDGE];
    world.scylla(&[&arguments[..], &said, more].concat())
}

#[test]
fn winners_of_tiers_that_are_not_planned_are_mistakes_before_anything_starts() {
    let world = World::new();
    let output = run_fixture(&world, &["--tiers", "T0,T5"]).exits(2);
    assert_eq!(fs::read_dir(world.results()).unwrap().count(), 0);
    let said =
        "subtests/t5/13-tools-agents.yaml: `T5/13` takes over the winner of `T2`, which is not planned before `T5`";
    assert!(output.stderr.contains(said), "{output}");
    for named in ["`T5/15` takes over the winner of `T1`", "add `T3` to `--tiers`, or say `--inherit none`"] {
        assert!(output.stderr.contains(named), "{named}: {output}");
    }
}

/// A fixture of ours: two setups in T0, of which 01 solves the task, and one with an overlay in T1.
fn two_tiers(world: &World) -> String {
    world.write("fixture/overlays/low/low.txt", "low\n");
    world.write("fixture/overlays/high/high.txt", "high\n");
    let asks = |name: &str| gated(world, name);
    let agent = |line: &str| format!("agent:\n  kind: command\n  shell: {}\n", serde_json::to_string(line).unwrap());
    TestFixture::new()
        .subtest("T0/00-idle", &agent(&asks("first")))
        .subtest("T0/01-works", &format!("overlay: overlays/low\n{}", agent(&format!("{}; {AGENT}", asks("first")))))
        .subtest(
            "T1/00-heir",
            &format!(
                "overlay: overlays/high\n{}",
                agent(&format!("{}; cat low.txt high.txt && {AGENT}", asks("second")))
            ),
        )
        .write(world)
}

const INHERITING: [&str; 4] = ["--runs", "2", "--inherit", "previous-best"];

fn arguments<'a>(fixture: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["run", "--tiers-dir", fixture, "--results-dir", "results", "--jobs", "2"][..], &INHERITING, more].concat()
}

#[test]
fn a_tier_begins_when_the_last_run_of_its_source_is_committed() {
    let world = World::new();
    let fixture = two_tiers(&world);
    let output = world.scylla(&arguments(&fixture, &["--message-format", "json"])).exits(0);
    let events = output.events();
    let at = |fits: &dyn Fn(&Value) -> bool| events.iter().position(fits).unwrap_or_else(|| panic!("{output}"));
    let of_source = |event: &Value| {
        event["reason"] == "run-committed" && event["run"].as_str().is_some_and(|run| run.starts_with("T0"))
    };
    let last = events.iter().rposition(of_source);
    let chosen = at(&|event| event["reason"] == "tier-inherits");
    assert!(last.unwrap() < chosen, "{output}");
    assert_eq!(events[chosen]["sources"]["T0"]["subtest"], "01");
    assert_eq!(result(&world, "T1/00")["inherited_from"], json!(["T0/01"]));
    assert!(!result(&world, "T1/00")["composed"].is_null(), "the winner's overlay is composed");
    assert_eq!(recorded(&world, "T1/00/2"), "passed", "both overlays are in the tree");
}

/// Runs with a git in front of git, which waits where the baseline of T1 is committed, and kills the coordinator there.
fn killed_before_the_baseline() -> World {
    let world = World::new();
    let fixture = two_tiers(&world);
    // The baseline of T0/01 is made first, without a gate.
    let real = String::from_utf8(Command::new("sh").args(["-c", "command -v git"]).output().unwrap().stdout).unwrap();
    let git = format!(
        "#!/bin/sh\ncase \" $* \" in *\"The setup of the agent\"*) {};; esac\nexec {} \"$@\"\n",
        gated(&world, "git"),
        real.trim()
    );
    world.program("bin/git", &git);
    let path = format!("{}:{}", world.path("bin").display(), std::env::var("PATH").unwrap());
    close(&world, "first");
    let mut command = world.command(&arguments(&fixture, &[]));
    let mut child = command.env("PATH", path).stderr(Stdio::null()).spawn().unwrap();
    wait_until("an agent of T0 works", || world.lines("first.log") > 0);
    close(&world, "git");
    open(&world, "first");
    wait_until("the baseline of T1 is begun", || world.lines("git.log") == 2);
    child.kill().unwrap();
    child.wait().unwrap();
    open(&world, "git");
    world
}

#[test]
fn killed_between_the_choice_and_its_baselines_a_resume_goes_on_with_the_same_winner() {
    let world = killed_before_the_baseline();
    let dir = experiment(&world);
    let frozen = world.experiment().join("config/inherited/T1.json");
    let before = fs::read(&frozen).unwrap();
    assert!(!world.experiment().join("repo.git/refs/heads/baseline/T1-00").exists());
    assert_eq!(json(&frozen)["sources"]["T0"]["ranked"][0]["runs"], 2);
    let resumed = world.scylla(&["resume", &dir, "--message-format", "json"]).exits(0);
    assert!(resumed.events().iter().all(|event| event["reason"] != "tier-inherits"), "{resumed}");
    assert_eq!(fs::read(&frozen).unwrap(), before);
    assert_eq!(result(&world, "T1/00")["inherited_from"], json!(["T0/01"]));
    assert_eq!((world.lines("first.log"), world.lines("second.log")), (4, 2));
    world.scylla(&["verify", &dir]).exits(0);
}

#[test]
fn a_resume_reads_what_is_frozen_and_does_not_choose_again() {
    let world = killed_before_the_baseline();
    let dir = experiment(&world);
    let frozen = world.experiment().join("config/inherited/T1.json");
    let text = fs::read_to_string(&frozen).unwrap();
    // By the results it is 01; what is frozen counts, whoever wrote it.
    fs::write(&frozen, text.replacen("\"subtest\": \"01\"", "\"subtest\": \"00\"", 1)).unwrap();
    // It carries the digest of what it says.
    crate::verify::folder::edit(&frozen, |_| {});
    world.scylla(&["resume", &dir]).exits(0);
    assert_eq!(result(&world, "T1/00")["inherited_from"], json!(["T0/00"]));
    // What cannot be read is never chosen again either.
    fs::write(&frozen, "{").unwrap();
    for command in [&["extend", &dir, "--runs", "3", "--plan-only"][..], &["resume", &dir]] {
        let refused = world.scylla(command).exits(5);
        assert!(refused.stderr.contains("config/inherited/T1.json: EOF while parsing"), "{refused}");
    }
    assert_eq!(world.lines("second.log"), 2);
}

#[test]
fn other_winners_than_those_that_results_took_over_are_found() {
    let world = World::new();
    let fixture = two_tiers(&world);
    world.scylla(&arguments(&fixture, &[])).exits(0);
    let dir = experiment(&world);
    let frozen = world.experiment().join("config/inherited/T1.json");
    let whole = fs::read(&frozen).unwrap();
    let edited = String::from_utf8(whole.clone()).unwrap().replacen("\"subtest\": \"01\"", "\"subtest\": \"00\"", 1);
    let newer = String::from_utf8(whole.clone()).unwrap().replacen("4.2", "4.3", 1);
    let ways: [(&str, Option<&str>, &str, &str); 4] = [
        ("gone", None, "config-changed", "it is not there, and results of T1 took over T0/01"),
        (
            "edited",
            Some(&edited),
            "config-unreadable",
            "it was altered: the digest that it carries of itself is not that of its content",
        ),
        ("torn", Some("{"), "config-unreadable", "EOF while parsing"),
        ("newer", Some(&newer), "newer-version", "version `4.3`"),
    ];
    for (way, text, kind, message) in ways {
        match text {
            Some(text) => fs::write(&frozen, text).unwrap(),
            None => fs::remove_file(&frozen).unwrap(),
        }
        let verified = world.scylla(&["verify", &dir, "--format", "json"]).exits(5);
        let report: Value = serde_json::from_str(&verified.stdout).unwrap();
        let [found] = &report["findings"].as_array().unwrap()[..] else { panic!("{way}: {report:#}") };
        assert_eq!((&found["kind"], &found["place"]), (&json!(kind), &json!("config/inherited/T1.json")), "{way}");
        assert!(found["message"].as_str().unwrap().starts_with(message), "{way}: {report:#}");
        world.scylla(&["resume", &dir]).exits(5);
        world.scylla(&["repair", &dir]).exits(5);
        fs::write(&frozen, &whole).unwrap();
        world.scylla(&["verify", &dir]).exits(0);
    }
}

#[test]
fn killed_while_an_heir_works_nothing_of_the_source_is_made_again() {
    let world = World::new();
    let fixture = two_tiers(&world);
    close(&world, "second");
    let mut live = world.start(&arguments(&fixture, &[]));
    wait_until("an agent of T1 works", || world.lines("second.log") > 0);
    live.kill();
    open(&world, "second");
    let dir = experiment(&world);
    world.scylla(&["resume", &dir]).exits(0);
    assert_eq!(world.lines("first.log"), 4);
    assert_eq!(result(&world, "T1/00")["inherited_from"], json!(["T0/01"]));
    world.scylla(&["verify", &dir]).exits(0);
}

#[test]
fn a_tier_whose_source_has_no_result_is_not_started_and_says_for_what_it_waits() {
    let world = World::new();
    let key = world.path("key");
    let fails = format!("test -e {} || exit 127; {AGENT}", key.display());
    let fixture = TestFixture::new()
        .agent("T0/00-one", &fails)
        .agent("T1/00-heir", &format!("{}; {AGENT}", gated(&world, "second")))
        .agent("T2/00-heir", AGENT)
        .write(&world);
    let more = ["--runs", "1", "--attempts", "1", "--inherit", "previous-best"];
    let run = ["run", "--tiers-dir", &fixture, "--results-dir", "results"];
    let output = world.scylla(&[&run[..], &more].concat()).exits(6);
    let notice = "T1 is not started: it takes over the winner of T0, which has no result of an agent";
    assert!(output.stderr.contains(notice), "{output}");
    for waits in
        ["T1 has not begun: it takes over the winner of T0", "T2 has not begun: it takes over the winner of T1"]
    {
        assert!(output.stdout.contains(waits), "{output}");
    }
    assert_eq!(world.lines("second.log"), 0);
    assert!(!world.experiment().join("config/inherited").exists());
    let dir = experiment(&world);
    let status = world.scylla(&["status", &dir]).exits(0);
    assert!(status.stdout.contains("T1 has not begun: it takes over the winner of T0"), "{status}");
    world.scylla(&["verify", &dir]).exits(6);
    fs::write(key, "").unwrap();
    world.scylla(&["resume", &dir]).exits(0);
    assert_eq!(result(&world, "T2/00")["inherited_from"], json!(["T1/00"]));
    world.scylla(&["verify", &dir]).exits(0);
}

#[test]
fn a_tier_that_is_added_later_never_becomes_the_source_of_an_earlier_one() {
    let world = World::new();
    let fixture = TestFixture::new()
        .agent("T0/00-one", AGENT)
        .agent("T1/00-two", AGENT)
        .agent("T2/00-three", AGENT)
        .write(&world);
    let dir = planned(&world, &fixture, &["--tiers", "T0,T2", "--runs", "1", "--inherit", "previous-best"]);
    world.scylla(&["extend", &dir, "--tiers", "T1", "--max-cost-usd", "9"]).exits(0);
    assert_eq!(result(&world, "T2/00")["inherited_from"], json!(["T0/00"]));
    assert_eq!(result(&world, "T1/00")["inherited_from"], json!(["T0/00"]));
    world.scylla(&["verify", &dir]).exits(0);
}

#[test]
fn a_foreign_file_beside_what_is_frozen_is_found() {
    let world = World::new();
    let fixture = two_tiers(&world);
    world.scylla(&arguments(&fixture, &[])).exits(0);
    world.write(&format!("{}/config/inherited/notes.txt", experiment(&world)), "mine");
    let verified = world.scylla(&["verify", &experiment(&world)]);
    assert!(verified.stdout.contains("config/inherited/notes.txt"), "{verified}");
}

#[test]
fn a_dry_run_shows_everything_and_writes_nothing() {
    let world = World::new();
    let output = run_fixture(&world, &["--dry-run", "--price-per-run", "0.5", "--max-cost-usd", "10"]).exits(0);
    assert_eq!((output.stderr.as_str(), fs::read_dir(world.results()).unwrap().count()), ("", 0), "{output}");
    snapshot!("screens_e2e", "dry_run", crate::world::steady(&output.stdout, &world));
    let output = run_again(&world, &["--dry-run", "--message-format", "json", "--tiers", "T1"]).exits(0);
    let plan: Value = serde_json::from_str(&output.stdout).unwrap();
    assert_eq!((&plan["runs"], &plan["estimated_cost_usd"]), (&json!(4), &Value::Null));
    let first = &plan["tiers"][0]["subtests"][0];
    assert_eq!((&first["nothing_earlier"], &first["skills"]), (&json!(true), &json!(["github"])));
    let wrong = run_again(&world, &["--dry-run", "--tiers", "T5"]).exits(2);
    assert_eq!(
        (wrong.stdout.as_str(), wrong.stderr.contains("`T5/01` takes over the winner of `T0`")),
        ("", true),
        "{wrong}"
    );
    assert_eq!(world.scylla(&["run", "--price-per-run", "1"]).code, Some(2));
    assert_eq!(fs::read_dir(world.results()).unwrap().count(), 0);
}

#[test]
fn a_dry_run_names_the_experiment_that_a_run_would_take_instead() {
    let world = World::new();
    let fixture = two_tiers(&world);
    planned(&world, &fixture, &["--runs", "1"]);
    let run = ["run", "--tiers-dir", &fixture, "--results-dir", "results", "--dry-run"];
    let dry = |more: &[&str]| {
        let told = world.scylla(&[&run, more].concat()).exits(0).stdout;
        told.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert!(dry(&[]).contains("is unfinished and would be continued; `--fresh` starts anew"));
    assert!(!dry(&["--fresh"]).contains("--fresh"));
    world.scylla(&["resume", &experiment(&world), "--max-cost-usd", "9"]).exits(0);
    assert!(dry(&["--runs", "1"]).contains("is finished and would be left alone"));
}
