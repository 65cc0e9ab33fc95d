//! Work folders: where agents, checks and judges work, what surrounds them there, and what is left of them.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json as value;

use crate::fixture::{FULL_SCORE, TestFixture, close, gated, open};
use crate::scenes::{containments, experiment, json};
use crate::world::{World, wait_until};

/// Runs a fixture with one run and a place for work folders in the world.
fn arguments<'a>(fixture: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let usual = ["run", "--tiers-dir", fixture, "--results-dir", "results", "--runs", "1", "--work-dir", "work"];
    [&usual[..], more].concat()
}

/// The folder that holds the world's work folders.
fn place(world: &World) -> PathBuf {
    let user = fs::metadata(world.path("")).unwrap().uid();
    world.path(&format!("work/cargo-scylla-{user}"))
}

/// The work folders that are there.
fn left(world: &World) -> Vec<PathBuf> {
    fs::read_dir(place(world)).unwrap().map(|entry| entry.unwrap().path()).collect()
}

/// Runs a fixture whose check waits at the gate `check`, and kills the coordinator there.
fn killed_at_its_check(world: &World, fixture: &str) {
    close(world, "check");
    let mut live = world.start(&arguments(fixture, &[]));
    wait_until("the check is reached", || world.lines("check.log") == 1);
    live.kill();
    open(world, "check");
}

fn said(world: &World, log: &str) -> String {
    fs::read_to_string(world.experiment().join("T0/00/run_01").join(log)).unwrap()
}

#[test]
fn agents_checks_and_judges_work_in_places_that_tell_nothing_and_are_gone_afterwards() {
    for containment in containments() {
        let world = World::new();
        let fixture = TestFixture::new()
            .agent("T0/00-one", "touch done; pwd")
            .check("pwd; test -f done")
            .judge(&format!("pwd >&2; {FULL_SCORE}"))
            .write(&world);
        world.scylla(&arguments(&fixture, &["--containment", containment])).exits(0);
        let places = ["agent/stdout.log", "checks/done.log", "judge/judge_02/stderr.log"].map(|log| said(&world, log));
        for place_said in &places {
            let below = Path::new(place_said.trim()).strip_prefix(place(&world)).unwrap().to_str().unwrap();
            let (name, rest) = below.split_once('/').unwrap();
            assert_eq!(rest, "workspace", "{containment}");
            assert!(name.len() == 16 && name.chars().all(|letter| letter.is_ascii_alphanumeric()), "{below}");
        }
        assert!(places[0] != places[1] && places[1] != places[2], "{containment}: {places:?}");
        assert!(left(&world).is_empty(), "{containment}: {:?}", left(&world));
        assert_eq!(fs::metadata(place(&world)).unwrap().permissions().mode() & 0o777, 0o700);
        world.scylla(&["verify", &experiment(&world)]).exits(0);
    }
}

#[test]
fn the_folder_of_work_folders_is_never_taken_from_somebody_else_or_through_a_link() {
    let world = World::new();
    let fixture = TestFixture::new().agent("T0/00-one", "touch done").write(&world);
    fs::create_dir_all(world.path("elsewhere")).unwrap();
    fs::create_dir_all(world.path("work")).unwrap();
    std::os::unix::fs::symlink(world.path("elsewhere"), place(&world)).unwrap();
    let refused = world.scylla(&arguments(&fixture, &[]));
    assert_ne!(refused.code, Some(0), "{refused}");
    assert!(refused.stderr.contains("it is no folder"), "{refused}");
    assert_eq!(fs::read_dir(world.path("elsewhere")).unwrap().count(), 0);
}

#[test]
fn git_without_a_repository_finds_none_further_up() {
    for containment in containments() {
        let world = World::new();
        let git = |arguments: &[&str]| {
            let done = Command::new("git").args(arguments).current_dir(world.path("")).output().unwrap();
            assert!(done.status.success(), "{done:?}");
        };
        git(&["init", "-q", "."]);
        let look = "rm -rf .git; git rev-parse --show-toplevel && exit 9; touch done";
        let fixture = TestFixture::new()
            .agent("T0/00-one", look)
            .check("rm -rf .git; git rev-parse --show-toplevel; test $? = 128")
            .write(&world);
        world.scylla(&arguments(&fixture, &["--containment", containment])).exits(0);
        let result = json(&world.experiment().join("T0/00/run_01/run_result.json"));
        assert_eq!((&result["exit_code"], &result["judge_passed"]), (&0.into(), &true.into()), "{containment}");
    }
}

#[test]
fn what_a_killed_coordinator_left_in_the_work_folder_is_removed_and_no_finding() {
    let world = World::new();
    let fixture = TestFixture::new()
        .agent("T0/00-one", "touch done")
        .check(&format!("test -f done || exit 1; {}", gated(&world, "check")))
        .write(&world);
    killed_at_its_check(&world, &fixture);
    assert!(!left(&world).is_empty());
    world.scylla(&["resume", &experiment(&world)]).exits(0);
    assert!(left(&world).is_empty(), "{:?}", left(&world));
    // What only a finished experiment's clean-up left: a folder with its name on it.
    let again = world.scylla(&["verify", &experiment(&world)]).exits(0);
    assert!(again.stdout.contains("1 of 1 planned run agrees"), "{again}");
}

#[test]
fn a_copied_experiment_never_takes_the_tree_of_the_other() {
    let world = World::new();
    let fixture = TestFixture::new()
        .agent("T0/00-one", &format!("touch done; {}", gated(&world, "agent")))
        .check("test -f done")
        .write(&world);
    // Held at the capture: the agent is done, its changes are not taken.
    let real = String::from_utf8(Command::new("sh").args(["-c", "command -v git"]).output().unwrap().stdout).unwrap();
    let hold = gated(&world, "git");
    let script =
        format!("#!/bin/sh\ncase \" $* \" in *\" diff-index \"*) {hold};; esac\nexec {} \"$@\"\n", real.trim());
    world.program("bin/git", &script);
    close(&world, "git");
    let path = format!("{}:{}", world.path("bin").display(), std::env::var("PATH").unwrap());
    let mut child = world.command(&arguments(&fixture, &[])).env("PATH", path).spawn().unwrap();
    wait_until("changes are being taken", || world.lines("git.log") > 0);
    child.kill().unwrap();
    child.wait().unwrap();
    open(&world, "git");
    let dir = world.experiment();
    let copy = world.path("copy");
    assert!(Command::new("cp").arg("-a").arg(&dir).arg(&copy).status().unwrap().success());
    world.scylla(&["resume", copy.to_str().unwrap()]).exits(0);
    assert_eq!(world.lines("agent.log"), 2, "the copy made its run anew");
    world.scylla(&["resume", dir.to_str().unwrap()]).exits(0);
    assert_eq!(world.lines("agent.log"), 2, "the tree of the first one was still there");
    for folder in [&dir, &copy] {
        world.scylla(&["verify", folder.to_str().unwrap()]).exits(0);
    }
}

#[test]
fn a_verdict_does_not_depend_on_ignored_files_or_on_where_it_was_stopped() {
    let verdict = |killed: bool| {
        let world = World::new();
        let agent = "echo 'built/' > .gitignore; mkdir built; touch built/program; touch done";
        let fixture = TestFixture::new()
            .agent("T0/00-one", agent)
            .check(&format!("test -f done || exit 1; {}; test -f built/program", gated(&world, "check")))
            .write(&world);
        if killed {
            killed_at_its_check(&world, &fixture);
        }
        world.scylla(&arguments(&fixture, &[])).exits(0);
        json(&world.experiment().join("T0/00/run_01/run_result.json"))["judge_passed"].clone()
    };
    assert_eq!(verdict(false), verdict(true));
}

#[test]
fn what_a_fixture_includes_counts_though_it_is_ignored_wherever_a_run_was_stopped() {
    let agent = "echo 'built/' > .gitignore; mkdir -p built/deep; echo 1 > built/deep/program; echo 2 > built/log; \
        git init -q inner; echo '*' > inner/.gitignore; echo 3 > inner/program; touch done";
    for killed in [false, true] {
        let world = World::new();
        let fixture = TestFixture::new()
            .agent("T0/00-one", agent)
            .check(&format!(
                "test -f done || exit 1; {}; test -f built/deep/program && test -f inner/program",
                gated(&world, "check")
            ))
            .write(&world);
        let test = Path::new(&fixture).join("test.yaml");
        let plain = fs::read_to_string(&test).unwrap();
        let typed = if killed { "**/program" } else { "./**/program" };
        fs::write(&test, format!("{plain}capture:\n  include: ['{typed}', 'never/**']\n")).unwrap();
        if killed {
            killed_at_its_check(&world, &fixture);
        }
        world.scylla(&arguments(&fixture, &[])).exits(0);
        let run = world.experiment().join("T0/00/run_01");
        assert_eq!(json(&run.join("run_result.json"))["judge_passed"], true, "killed: {killed}");
        let ignored = json(&run.join("changes.json"))["ignored"].clone();
        assert_eq!(ignored["names"], value!(["built/log", "inner/.gitignore"]));
        let dir = world.experiment().to_str().unwrap().to_owned();
        world.scylla(&["checkout", &dir, "--run", "T0/00/1", "--to", "again"]).exits(0);
        assert_eq!(fs::read_to_string(world.path("again/built/deep/program")).unwrap(), "1\n");
        assert!(!world.path("again/built/log").exists());
        world.scylla(&["verify", &dir]).exits(0);
        // What is captured is no question of grading.
        fs::write(&test, plain).unwrap();
        let refused = world.scylla(&["regrade", &dir, "--from", &fixture]).exits(2);
        assert!(refused.stderr.contains("capture.include"), "{refused}");
    }
}

#[test]
fn patterns_of_what_is_captured_that_make_no_sense_are_told_with_their_lines() {
    let world = World::new();
    let fixture = TestFixture::new().agent("T0/00-one", "touch done").write(&world);
    let test = Path::new(&fixture).join("test.yaml");
    let plain = fs::read_to_string(&test).unwrap();
    let odd = "capture:\n  include:\n  - ''\n  - /etc/passwd\n  - a/../../b\n  - .GIT/config\n  - ':!x'\n  - '!a'\n  - '{out,node}/**'\n  - 'out\\x'\n  - ' out/x '\n  - 'a/./b'\n  - './'\n  - 'a//b'\n  also: 1\n";
    fs::write(&test, format!("{plain}{odd}")).unwrap();
    let first = plain.lines().count() + 3;
    let checked = world.scylla(&["fixture", "check", &fixture]).exits(2);
    let wrongs = [
        "is empty",
        "begins with `/`",
        "leads out of the tree",
        "names what git keeps",
        "begins with `:`",
        "begins with `!`",
        "has braces",
        "has a `\\`",
        "begins or ends with a space",
        "has a `.` between",
        "is empty",
        "has two `/`",
    ];
    for (line, wrong) in (first..).zip(wrongs) {
        let told = checked.stderr.lines().any(|told| told.contains(&format!(":{line}:")) && told.contains(wrong));
        assert!(told, "{line}: {wrong}: {checked}");
    }
    assert!(checked.stderr.contains("also"), "{checked}");
    for (patterns, code) in [(100, 0), (101, 2)] {
        let list: Vec<String> = (0..patterns).map(|number| format!("dist/{number}")).collect();
        fs::write(&test, format!("{plain}capture:\n  include: [{}]\n", list.join(", "))).unwrap();
        let checked = world.scylla(&["fixture", "check", &fixture]).exits(code);
        assert_eq!(checked.stderr.contains("lists more than 100 patterns"), code == 2, "{checked}");
    }
}

#[test]
fn instructions_above_the_work_folder_are_told() {
    let world = World::new();
    let fixture = TestFixture::new().agent("T0/00-one", "touch done").write(&world);
    let told = |output: &str| output.contains("CLAUDE.md` may change what they do; `--work-dir` names another place");
    let silent = world.scylla(&arguments(&fixture, &[])).exits(0);
    assert!(!told(&silent.stderr), "{silent}");
    world.write("CLAUDE.md", "Answer in verse.\n");
    let warned = world.scylla(&arguments(&fixture, &["--fresh"])).exits(0);
    assert!(told(&warned.stderr), "{warned}");
}

#[test]
fn a_git_that_is_killed_while_changes_are_captured_loses_nothing_of_an_agents_work() {
    let world = World::new();
    let fixture = TestFixture::new().agent("T0/00-one", "touch done").check("test -f done").write(&world);
    let (real, kills) = (std::env::var("PATH").unwrap(), world.path("kills").display().to_string());
    // As when memory runs out: of the first way to take the tree, and of the second.
    let killed = format!(
        "if env | grep -q /capture/ && [ $(cat '{kills}' 2>/dev/null | wc -l) -lt 2 ]; then echo x >> '{kills}'; kill -9 $$; fi"
    );
    world.program("bin/git", &format!("#!/bin/sh\nexport PATH='{real}'\n{killed}\nexec git \"$@\"\n"));
    let mut command = world.command(&arguments(&fixture, &[]));
    let ended = crate::scenes::output(command.env("PATH", format!("{}:{real}", world.path("bin").display()))).exits(0);
    assert_eq!(world.lines("kills"), 2, "{ended}");
    let run = world.experiment().join("T0/00/run_01");
    assert!(fs::read_to_string(run.join("changes.patch")).unwrap().contains("b/done"), "{ended}");
    assert_eq!(json(&run.join("run_result.json"))["judge_passed"], value!(true), "{ended}");
}
