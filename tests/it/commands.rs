//! `run` starts, goes on or leaves alone: always the experiment of exactly that id, and always said.

use std::fs;
use std::path::PathBuf;

use crate::fixture::{TestFixture, close, gated, open};
use crate::scenes::{AGENT, edit, experiment, json, output};
use crate::world::{World, wait_until};

/// A world with a fixture of one subtest whose agents are counted.
fn world() -> (World, String) {
    let world = World::new();
    let fixture = TestFixture::new().agent("T0/00-one", &format!("{}; {AGENT}", gated(&world, "agent"))).write(&world);
    (world, fixture)
}

fn arguments<'a>(fixture: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let mut arguments = vec!["run", "--tiers-dir", fixture, "--results-dir", "results", "--jobs", "1"];
    arguments.extend(more);
    arguments
}

fn experiments(world: &World) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(world.results()).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.sort();
    found
}

/// Starts, and is stopped while the first agent works.
fn interrupted(world: &World, fixture: &str) {
    let before = world.lines("agent.log");
    close(world, "agent");
    let live = world.start(&arguments(fixture, &["--runs", "2"]));
    wait_until("the agent works", || world.lines("agent.log") > before);
    live.signal("TERM");
    assert_eq!(live.end().0, Some(143));
    open(world, "agent");
}

#[test]
fn run_goes_on_with_the_unfinished_experiment_and_says_so() {
    let (world, fixture) = world();
    interrupted(&world, &fixture);
    let output = world.scylla(&arguments(&fixture, &["--runs", "2"])).exits(0);
    assert!(output.stderr.contains("going on with the unfinished experiment `results/"), "{output}");
    assert!(output.stderr.contains("`--fresh` starts anew"), "{output}");
    assert_eq!(experiments(&world).len(), 1);
    assert_eq!(world.lines("agent.log"), 3, "the one that was stopped, and two that were not");
}

#[test]
fn run_leaves_a_finished_experiment_alone_and_says_what_to_type() {
    let (world, fixture) = world();
    world.scylla(&arguments(&fixture, &["--runs", "1"])).exits(0);
    let checkpoint = experiments(&world)[0].join("checkpoint.json");
    let before = fs::read(&checkpoint).unwrap();
    let output = world.scylla(&arguments(&fixture, &["--runs", "1"])).exits(0);
    assert!(output.stderr.contains("is finished and left alone"), "{output}");
    assert!(output.stderr.contains("--runs 1 --fresh` starts anew"), "{output}");
    assert!(output.stderr.contains("cargo scylla extend results/"), "{output}");
    assert_eq!((experiments(&world).len(), world.lines("agent.log")), (1, 1));
    assert_eq!(fs::read(&checkpoint).unwrap(), before);
}

#[test]
fn fresh_starts_anew_beside_an_unfinished_and_a_finished_experiment() {
    let (world, fixture) = world();
    interrupted(&world, &fixture);
    world.scylla(&arguments(&fixture, &["--runs", "1", "--fresh"])).exits(0);
    world.scylla(&arguments(&fixture, &["--runs", "1", "--fresh"])).exits(0);
    let found = experiments(&world);
    let status: Vec<String> = found
        .iter()
        .map(|folder| json(&folder.join("checkpoint.json"))["status"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(status, ["interrupted", "completed", "completed"]);
}

#[test]
fn an_experiment_whose_id_ends_or_begins_like_this_one_is_another_one() {
    let (world, fixture) = world();
    for id in ["other-tested", "tested-2", "ested"] {
        edit(&world, "fixture/test.yaml", "id: tested\n", &format!("id: {id}\n"));
        interrupted(&world, &fixture);
        edit(&world, "fixture/test.yaml", &format!("id: {id}\n"), "id: tested\n");
    }
    let others = experiments(&world);
    world.scylla(&arguments(&fixture, &["--runs", "1"])).exits(0);
    let all = experiments(&world);
    assert_eq!((others.len(), all.len()), (3, 4));
    let new = all.iter().find(|folder| !others.contains(folder)).unwrap();
    assert_eq!(json(&new.join("checkpoint.json"))["experiment_id"], "tested");
    for other in others {
        assert_eq!(json(&other.join("checkpoint.json"))["status"], "interrupted", "{}", other.display());
    }
}

#[test]
fn an_unfinished_experiment_whose_fixture_was_edited_stops_and_both_ways_to_go_on_work() {
    let (world, fixture) = world();
    interrupted(&world, &fixture);
    edit(&world, "fixture/prompt.md", "Make", "Please make");
    world.write("fixture/tiers/T0/01-two.yaml", "agent: {kind: nop}\n");
    fs::remove_file(world.path("fixture/source/readme.txt")).unwrap();
    world.write("fixture/source/other.txt", "Another one.\n");
    let stopped = world.scylla(&arguments(&fixture, &["--runs", "2"])).exits(2);
    let planned = world.scylla(&arguments(&fixture, &["--runs", "2", "--dry-run"])).exits(0);
    assert!(planned.stdout.contains("it would stop: ") && planned.stdout.contains("fixture was edited"), "{planned}");
    for told in ["`prompt.md` is changed", "`tiers/T0/01-two.yaml` are new", "`source/readme.txt` is gone"] {
        assert!(stopped.stderr.contains(told), "no {told}: {stopped}");
    }
    assert!(!stopped.stderr.contains("sha256"), "{stopped}");
    assert_eq!((experiments(&world).len(), world.lines("agent.log")), (1, 1));
    for command in hinted(&stopped.stderr) {
        output(world.command(&[]).args(command.iter().skip(2))).exits(0);
    }
    let prompts: Vec<String> = experiments(&world)
        .iter()
        .map(|folder| fs::read_to_string(folder.join("T0/00/run_02/agent/prompt.md")).unwrap())
        .collect();
    assert!(prompts[0].starts_with("Make") && prompts[1].starts_with("Please make"), "{prompts:?}");
}

/// What holds agents is a part of what they are given: edited, it is another question.
#[test]
fn an_edited_sandbox_or_limit_of_a_run_is_an_edited_fixture() {
    for [before, after] in
        [["limits: {turns: 5}\n", "limits: {turns: 1}\n"], ["", "sandbox: {use: auto, network: none}\n"]]
    {
        let (world, fixture) = world();
        let with = |lines: &str| {
            let file = world.path("fixture/test.yaml");
            let yaml = fs::read_to_string(&file).unwrap().replace(before, "");
            fs::write(&file, format!("{yaml}{lines}")).unwrap();
        };
        with(before);
        interrupted(&world, &fixture);
        with(after);
        let stopped = world.scylla(&arguments(&fixture, &["--runs", "2"])).exits(2);
        assert!(stopped.stderr.contains("`test.yaml` is changed"), "{after}: {stopped}");
        let name = experiment(&world);
        world.scylla(&["resume", &name]).exits(0);
        let finished = world.scylla(&arguments(&fixture, &["--runs", "2"])).exits(0);
        assert!(finished.stderr.contains("so a new experiment begins: `test.yaml` is changed"), "{after}: {finished}");
        assert_eq!(experiments(&world).len(), 2);
    }
}

/// The commands that a hint names, as words.
fn hinted(stderr: &str) -> Vec<Vec<String>> {
    let hint = stderr.split("hint: ").nth(1).unwrap_or_else(|| panic!("no hint: {stderr}"));
    let commands = hint.split('`').skip(1).step_by(2).filter(|text| text.starts_with("cargo scylla "));
    commands.map(|command| command.split(' ').map(str::to_owned).collect()).collect()
}

#[test]
fn beside_a_finished_experiment_that_measured_something_else_a_new_one_begins_and_says_in_what() {
    let (world, fixture) = world();
    let run = |more: &[&str]| world.scylla(&arguments(&fixture, &[&["--runs", "1", "-q"], more].concat())).exits(0);
    run(&[]);
    let same = run(&[]);
    assert_eq!((same.stdout.as_str(), same.stderr.as_str()), ("", ""), "all is as asked");
    edit(&world, "fixture/prompt.md", "Make", "Please make");
    let edited = run(&[]);
    assert!(edited.stderr.contains("so a new experiment begins: `prompt.md` is changed"), "{edited}");
    let other = run(&["--model", "large", "--timeout", "7"]);
    assert!(other.stderr.contains("`--model large` is asked for, and it had no `--model`"), "{other}");
    assert!(other.stderr.contains("`--timeout 7` is asked for, and it had `--timeout 100`"), "{other}");
    let command = run(&["--model", "large", "--timeout", "7", "--judge-command", crate::fixture::FULL_SCORE]);
    assert!(command.stderr.contains("a new experiment begins: `scylla.yaml` is new"), "{command}");
    assert_eq!((experiments(&world).len(), world.lines("agent.log")), (4, 4));
    // What is not said is as it was: nothing is paid for a flag that was left out.
    let unsaid = world.scylla(&arguments(&fixture, &["--runs", "1", "--judge-command", crate::fixture::FULL_SCORE]));
    assert!(unsaid.exits(0).stderr.contains("left alone"));
    assert_eq!(experiments(&world).len(), 4);
}

#[test]
fn a_finished_experiment_that_should_only_grow_names_the_extend_that_makes_it_grow() {
    let world = World::new();
    let fixture = ["T0/00-a", "T0/01-b", "T1/00-c", "T1/01-d"]
        .into_iter()
        .fold(TestFixture::new(), |fixture, file| fixture.agent(file, AGENT))
        .write(&world);
    world.scylla(&arguments(&fixture, &["--runs", "1", "--tiers", "T0", "--max-subtests", "1"])).exits(0);
    for (more, flags) in [
        (&["--runs", "2", "--tiers", "T0", "--max-subtests", "1"][..], "--runs 2`"),
        (&["--runs", "1", "--max-subtests", "1"], "--tiers T1`"),
        (&["--runs", "3"], "--runs 3 --max-subtests 2`"),
    ] {
        let asked = world.scylla(&arguments(&fixture, more)).exits(2);
        assert!(asked.stderr.contains(flags), "no {flags}: {asked}");
        let extend = hinted(&asked.stderr).remove(0);
        output(world.command(&[]).args(&extend[2..])).exits(0);
        let done = world.scylla(&arguments(&fixture, more)).exits(0);
        assert!(done.stderr.contains("left alone"), "{done}");
    }
    // Less than there is has been answered.
    world.scylla(&arguments(&fixture, &["--runs", "1", "--tiers", "T1"])).exits(0);
    assert_eq!(experiments(&world).len(), 1);
    let default = world.scylla(&arguments(&fixture, &[])).exits(2);
    assert!(default.stderr.contains("--runs 10`"), "{default}");
}

#[test]
fn results_in_the_fixture_are_refused_before_anything_is_written() {
    let (world, fixture) = world();
    world.write("fixture/deep/readme.txt", "");
    std::os::unix::fs::symlink(world.path("fixture"), world.path("link")).unwrap();
    let before = crate::scenes::files_below(&world.path("fixture"));
    let run = |folder: &str, words: &[&str]| {
        output(world.command(&[&["run", "--runs", "1"], words].concat()).current_dir(world.path(folder)))
    };
    for (folder, words) in [
        ("fixture", &["--tiers-dir", "."][..]),
        ("fixture/deep", &["--tiers-dir", ".."]),
        (".", &["--tiers-dir", &fixture, "--results-dir", "fixture"]),
        (".", &["--tiers-dir", "link", "--results-dir", "fixture/a/b"]),
        (".", &["--tiers-dir", "fixture", "--results-dir", "link/a", "--dry-run"]),
    ] {
        let refused = run(folder, words).exits(2);
        assert!(refused.stderr.contains("results would lie in the fixture"), "{refused}");
        assert_eq!(crate::scenes::files_below(&world.path("fixture")), before);
    }
    let command = hinted(&run("fixture", &["--tiers-dir", "."]).stderr).remove(0);
    output(world.command(&[]).args(&command[2..]).current_dir(world.path("fixture"))).exits(0);
    assert_eq!(crate::scenes::files_below(&world.path("fixture")), before);
}

#[test]
fn a_plan_that_is_asked_for_again_with_other_numbers_is_told_and_stays() {
    let (world, fixture) = world();
    interrupted(&world, &fixture);
    let output = world.scylla(&arguments(&fixture, &["--runs", "5"])).exits(0);
    assert!(output.stderr.contains("`--runs 5` is asked for, `--runs 2` was saved"), "{output}");
    assert!(output.stderr.contains("`cargo scylla extend` changes the plan"), "{output}");
    assert_eq!(world.lines("agent.log"), 3);
}

#[test]
fn only_the_asked_tiers_and_so_many_subtests_are_planned() {
    let world = World::new();
    let fixture = ["T0/00-a", "T0/01-b", "T0/02-c", "T1/00-d", "T2/00-e"]
        .into_iter()
        .fold(TestFixture::new(), |fixture, file| fixture.agent(file, AGENT))
        .write(&world);
    let more = ["--tiers", "T0,T2", "--max-subtests", "2", "--runs", "1"];
    world.scylla(&arguments(&fixture, &more)).exits(0);
    let config = json(&experiments(&world)[0].join("config/experiment.json"));
    assert_eq!(config["subtests"], serde_json::json!({"T0": ["00", "01"], "T2": ["00"]}));
    let unknown = world.scylla(&arguments(&fixture, &["--tiers", "T0", "T7", "--fresh"])).exits(2);
    assert!(unknown.stderr.contains("no tier `T7`") && unknown.stderr.contains("it has T0, T1, T2"), "{unknown}");
    assert_eq!(experiments(&world).len(), 1);
}

#[test]
fn nothing_is_written_to_the_home_of_the_person() {
    let (world, fixture) = world();
    interrupted(&world, &fixture);
    world.scylla(&arguments(&fixture, &["--runs", "2"])).exits(0);
    let experiment = experiments(&world).remove(0);
    let dir = experiment.to_str().unwrap();
    for arguments in [vec!["verify", dir], vec!["status", dir], vec!["repair", dir], vec!["fixture", "new", "made"]] {
        world.scylla(&arguments).exits(0);
    }
    assert_eq!(fs::read_dir(world.path("home")).unwrap().count(), 0);
}

#[test]
fn the_binary_works_with_and_without_the_word_that_cargo_adds() {
    let world = World::new();
    let mut direct = std::process::Command::new(env!("CARGO_BIN_EXE_cargo-scylla"));
    let direct = output(direct.arg("--version")).exits(0);
    let through_cargo = world.scylla(&["--version"]).exits(0);
    assert_eq!(direct.stdout, through_cargo.stdout);
    assert!(direct.stdout.contains(env!("CARGO_PKG_VERSION")), "{direct}");
}

#[test]
fn an_older_finished_experiment_that_is_what_is_asked_for_is_left_alone_and_nothing_is_paid_twice() {
    let (world, fixture) = world();
    let run = |more: &[&str]| world.scylla(&arguments(&fixture, &[&["--runs", "2"], more].concat())).exits(0);
    run(&["--model", "A"]);
    run(&["--model", "B"]);
    let older = experiments(&world)[0].file_name().unwrap().to_str().unwrap().to_owned();
    let again = run(&["--model", "A"]);
    assert!(again.stderr.contains(&format!("{older}` is finished and left alone")), "{again}");
    assert!(again.stdout.contains("tested: completed"), "its table is shown: {again}");
    assert_eq!((experiments(&world).len(), world.lines("agent.log")), (2, 4));
    // Fewer are asked for than there are, so none is to be added.
    let fewer = world.scylla(&arguments(&fixture, &["--runs", "1"])).exits(0);
    assert!(fewer.stderr.contains("so there are more than the 1 that are asked for"), "{fewer}");
    assert!(!fewer.stderr.contains("extend"), "{fewer}");
    let price = world.scylla(&arguments(&fixture, &["--runs", "2", "--dry-run", "--price-per-run", "1"])).exits(0);
    assert!(price.stdout.contains("$0.00 now; $2.00 with `--fresh`"), "{price}");
    assert!(price.stdout.contains("; none is made now"), "{price}");
    // Where experiments lie can be said wherever one is chosen.
    for command in ["status", "verify", "resume"] {
        let shown = world.scylla(&[command, "--results-dir", "results"]).exits(0);
        assert!(shown.stderr.contains("is the newest experiment in `results`"), "{shown}");
        let newer = experiments(&world)[1].file_name().unwrap().to_str().unwrap().to_owned();
        world.scylla(&[command, &newer, "--results-dir", "results"]).exits(0);
    }
    let none = world.scylla(&["status", "--results-dir", "nowhere"]).exits(2);
    assert!(none.stderr.contains("there is none in `nowhere`"), "{none}");
    let meant = world.scylla(&["help", "resum"]).exits(2);
    assert!(meant.stderr.contains("did you mean `cargo scylla help resume`?"), "{meant}");
}

#[test]
fn a_repository_that_is_not_there_and_a_language_that_nobody_knows_are_told_with_the_rest() {
    let (world, fixture) = world();
    fs::remove_dir_all(world.path("fixture/source")).unwrap();
    let source = format!("source:\n  repo: /nowhere/at/all\n  hash: {}\nlanguage: shell\n", "a".repeat(40));
    edit(&world, "fixture/test.yaml", "language: shell\n", &source);
    for told in [world.scylla(&["fixture", "check", &fixture]), world.scylla(&arguments(&fixture, &[]))] {
        let told = told.exits(2);
        assert!(
            told.stderr.contains("test.yaml:5: `source.repo` is `/nowhere/at/all`, and there is no such folder"),
            "{told}"
        );
        assert!(!told.stderr.contains("all` in "), "{told}");
    }
    assert!(experiments(&world).is_empty());
    let text = fs::read_to_string(world.path("fixture/test.yaml")).unwrap();
    let checks = text.find("checks:").unwrap();
    let tiers = text.find("tiers:").unwrap();
    let without = format!("{}{}", &text[..checks], &text[tiers..]).replace("language: shell", "language: klingon");
    world.write("fixture/test.yaml", &without);
    let told = world.scylla(&["fixture", "check", &fixture]).exits(2);
    assert!(told.stderr.contains("`language` is `klingon`, which is not known"), "{told}");
    assert!(told.stderr.contains("rests on `done`") && told.stderr.contains("`shell`"), "{told}");
}
