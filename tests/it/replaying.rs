//! The agent `replay`: a recorded run is played back, costs nothing, and is told for what it is.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::fixture::TestFixture;
use crate::scenes::{AGENT, containments, edit, json};
use crate::speaking::{WHOLE_TURN, speaker};
use crate::world::{Output, World, steady};

/// A world with an experiment whose agent told its steps, its version and that each of its two runs cost 25 cents. It lies in `recorded/`.
fn recorded() -> World {
    let (world, fixture) = speaker(WHOLE_TURN, "");
    world.scylla(&["run", &fixture, "--results-dir", "results", "--runs", "2"]).exits(0);
    fs::rename(world.experiment(), world.path("recorded")).unwrap();
    fs::remove_dir_all(world.path("fixture")).unwrap();
    world
}

/// A fixture of that world whose agents play something back.
fn replaying(world: &World, run: &str) -> String {
    TestFixture::new().subtest("T0/00-speaking", &format!("agent: {{kind: replay, run: {run}}}\n")).write(world)
}

fn run(world: &World, fixture: &str, more: &[&str]) -> Output {
    world.scylla(&[&["run", fixture, "--results-dir", "results"], more].concat())
}

fn result(world: &World, run: &str) -> Value {
    json(&world.experiment().join(run).join("run_result.json"))
}

fn file(world: &World, run: &str, file: &str) -> String {
    fs::read_to_string(world.path(run).join(file)).unwrap()
}

#[test]
fn each_run_plays_back_the_recorded_one_of_its_setup_and_number_and_nothing_is_spent() {
    let world = recorded();
    let asked = world.lines("heard");
    let fixture = replaying(&world, "../recorded");
    let ended = run(&world, &fixture, &["--runs", "2", "--max-cost-usd", "0.1"]).exits(0);
    assert!(ended.stdout.contains("spent   $0.00"), "{ended}");
    assert_eq!(world.lines("heard"), asked, "nobody was asked");
    for number in ["run_01", "run_02"] {
        let run = format!("T0/00/{number}");
        let result = result(&world, &run);
        assert_eq!((&result["judge_passed"], &result["agent_end"]), (&true.into(), &"finished".into()), "{result:#}");
        assert_eq!((&result["cost_usd"], &result["cost_source"]), (&0.0.into(), &"metered".into()));
        assert_eq!(result["agent_version"], "speaker 3.2.1");
        assert_eq!(result["flags"], json!(["played_back"]));
        let replayed = &result["replayed"];
        assert_eq!((&replayed["run"], &replayed["agent"]), (&json!(run), &"acp".into()), "{result:#}");
        assert_eq!((&replayed["cost_usd"], &replayed["cost_source"]), (&0.25.into(), &"reported".into()));
        let own = format!("results/{}", world.experiment().file_name().unwrap().to_str().unwrap());
        for name in ["agent/stdout.log", "agent/stderr.log", "changes.patch"] {
            let recorded = file(&world, &format!("recorded/{run}"), name);
            assert_eq!(file(&world, &format!("{own}/{run}"), name), recorded, "{run}: {name}");
        }
    }
    world.scylla(&["verify"]).exits(0);
    let steps = |dir: &str| world.scylla(&["show", dir, "T0/00/2", "--steps"]).exits(0).stdout;
    let own = world.experiment();
    let tail = |steps: &str| steps.split_once('\n').unwrap().1.to_owned();
    assert_eq!(tail(&steps(own.to_str().unwrap())), tail(&steps("recorded")));
    let dir = own.to_str().unwrap();
    let report = world.scylla(&["report", dir]).exits(0).stdout;
    assert!(report.contains("2 of 2 runs were played back from recordings: no model was asked for that"), "{report}");
    let compared = world.scylla(&["compare", "recorded", dir]).exits(0).stdout;
    assert!(compared.contains("agent: acp → replay"), "{compared}");
    let atif = world.scylla(&["export", "--format", "atif", "--to", "atif", own.to_str().unwrap()]).exits(0);
    assert!(!atif.to_string().contains("tells no"), "{atif}");
    let shown = world.scylla(&["show", own.to_str().unwrap(), "T0/00/2"]).exits(0).stdout;
    let lines: Vec<&str> = shown.lines().filter(|line| !line.starts_with("  T0/00") && !line.contains(" · ")).collect();
    let at = lines.iter().position(|line| line.trim_start().starts_with("cost")).unwrap();
    let told = steady(&lines[at..at + 5].join("\n"), &world);
    let told = regex::Regex::new(r"\d+\.\ds").unwrap().replace_all(&told, "[SECONDS]").into_owned();
    crate::agent_samples::in_gallery(|| insta::assert_snapshot!("replayed_run", told));
}

#[test]
fn the_experiment_keeps_what_it_plays_back_and_needs_the_recorded_one_no_more() {
    let world = recorded();
    let fixture = replaying(&world, "../recorded");
    run(&world, &fixture, &["--runs", "1"]).exits(0);
    fs::remove_dir_all(world.path("recorded")).unwrap();
    let dir = world.experiment().to_str().unwrap().to_owned();
    let refused = world.scylla(&["extend", &dir, "--runs", "3"]).exits(2);
    assert!(refused.stderr.contains("`../recorded` has no finished run `T0/00/run_03` to be played back"), "{refused}");
    world.scylla(&["extend", &dir, "--runs", "2"]).exits(0);
    world.scylla(&["rerun", &dir, "--run", "T0/00/1"]).exits(0);
    assert_eq!(result(&world, "T0/00/run_01")["replayed"]["run"], "T0/00/run_01");
    assert_eq!(result(&world, "T0/00/run_02")["replayed"]["run"], "T0/00/run_02");
    world.scylla(&["verify", &dir]).exits(0);
}

#[test]
fn one_run_is_played_back_for_every_setup_in_place_of_what_the_fixture_names_and_a_resume_needs_no_flag() {
    let world = recorded();
    let fixture = TestFixture::new().agent("T0/00-one", AGENT).agent("T1/03-other", AGENT).write(&world);
    let played = "replay@recorded/T0/00/run_02";
    run(&world, &fixture, &["--runs", "2", "--agent", played, "--max-cost-usd", "0"]);
    let dir = world.experiment().to_str().unwrap().to_owned();
    fs::rename(world.path("recorded"), world.path("elsewhere")).unwrap();
    world.scylla(&["resume", &dir, "--max-cost-usd", "1"]).exits(0);
    for run in ["T0/00/run_01", "T0/00/run_02", "T1/03/run_01", "T1/03/run_02"] {
        let result = result(&world, run);
        assert_eq!((&result["replayed"]["run"], &result["cost_usd"]), (&"T0/00/run_02".into(), &0.0.into()), "{run}");
    }
    // What was played back is played back again: it tells of what was recorded first.
    fs::rename(&dir, world.path("second")).unwrap();
    run(&world, &fixture, &["--runs", "1", "--agent", "replay@second"]).exits(0);
    let replayed = result(&world, "T1/03/run_01")["replayed"].clone();
    assert_eq!((&replayed["agent"], &replayed["cost_usd"]), (&"acp".into(), &0.25.into()), "{replayed:#}");
}

#[test]
fn what_cannot_be_played_back_is_told_before_anything_starts() {
    let world = recorded();
    world.write("empty/config/nothing", "");
    let refused = |named: &str, more: &[&str]| {
        let fixture = replaying(&world, named);
        let told = run(&world, &fixture, more).exits(2).stderr;
        assert_eq!(fs::read_dir(world.results()).unwrap().count(), 0, "{told}");
        steady(&told, &world)
    };
    let told = [
        refused("../nothing", &[]),
        refused("../bin", &[]),
        refused("../empty", &[]),
        refused("../recorded", &["--runs", "7"]),
        refused("../recorded", &["--agent", "replay@nowhere"]),
        refused("../recorded", &["--agent", "replay"]),
    ];
    crate::agent_samples::in_gallery(|| insta::assert_snapshot!("replay_mistakes", told.join("\n")));
    fs::remove_file(world.path("recorded/T0/00/run_02/changes.patch")).unwrap();
    assert!(refused("../recorded", &[]).contains("it is not as it was recorded: in `"));
}

/// What is told of a recorded run that was altered so.
type Altered<'a> = (&'a str, &'a dyn Fn(&std::path::Path));

#[test]
fn a_recording_that_was_altered_is_not_played_back_and_its_file_is_named() {
    let patch = "diff --git a/done b/done\nnew file mode 100644\n--- /dev/null\n+++ b/done\n@@ -0,0 +1 @@\n+altered\n";
    let alter: [Altered<'_>; 5] = [
        ("`changes.patch` was altered", &|run| fs::write(run.join("changes.patch"), patch).unwrap()),
        ("`changes.patch` is gone", &|run| fs::remove_file(run.join("changes.patch")).unwrap()),
        ("stdout.log", &|run| {
            fs::rename(run.join("agent/stdout.log"), run.join("../moved")).unwrap();
            std::os::unix::fs::symlink("../../moved", run.join("agent/stdout.log")).unwrap();
        }),
        ("run_result.json`, which cannot be read: it was altered", &|run| {
            let result = fs::read_to_string(run.join("run_result.json")).unwrap();
            fs::write(run.join("run_result.json"), result.replacen("0.25", "0.75", 1)).unwrap();
        }),
        ("there is no `SHA256SUMS`", &|run| fs::remove_file(run.join("SHA256SUMS")).unwrap()),
    ];
    for (told, alter) in alter {
        let world = recorded();
        alter(&world.path("recorded/T0/00/run_02"));
        for named in ["../recorded", "../recorded/T0/00/run_02"] {
            let refused = run(&world, &replaying(&world, named), &["--runs", "1"]).exits(2);
            let words = refused.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(words.contains("is to be played back") && words.contains(told), "{told}: {refused}");
            assert_eq!(fs::read_dir(world.results()).unwrap().count(), 0, "{refused}");
        }
        run(&world, &replaying(&world, "../recorded/T0/00/run_01"), &["--runs", "1"]).exits(0);
    }
}

#[test]
fn a_change_that_does_not_fit_the_tree_is_a_failure_and_no_result() {
    let world = recorded();
    let fixture = TestFixture::new().agent("T0/00-edits", "echo more >> readme.txt; touch done").write(&world);
    run(&world, &fixture, &["--runs", "1"]).exits(0);
    fs::rename(world.experiment(), world.path("edited")).unwrap();
    fs::remove_dir_all(world.path("fixture")).unwrap();
    let fixture = replaying(&world, "../edited");
    edit(&world, "fixture/source/readme.txt", "A task.", "Another task.");
    let ended = run(&world, &fixture, &["--runs", "1", "--attempts", "1"]).exits(6);
    let why = "T0/00/run_01: workspace: what the agent of T0/00/run_01 of tested changed cannot be changed here";
    assert!(ended.stdout.contains(why), "{ended}");
}

#[test]
fn no_agent_beside_it_sees_what_is_played_back() {
    if !containments().contains(&"bubblewrap") {
        return;
    }
    let world = recorded();
    let seen: PathBuf = world.path("seen");
    let looks = format!("touch done; find \"$SCYLLA_FIXTURE/recorded\" -type f > {}", seen.display());
    let fixture = TestFixture::new()
        .subtest("T0/00-speaking", "agent: {kind: replay, run: ../recorded}\n")
        .agent("T0/01-looks", &looks)
        .write(&world);
    run(&world, &fixture, &["--runs", "1", "--containment", "bubblewrap"]).exits(0);
    let kept = world.experiment().join("config/fixture/recorded");
    assert_eq!((fs::read_to_string(seen).unwrap().as_str(), fs::read_dir(kept).unwrap().count()), ("", 1));
}
