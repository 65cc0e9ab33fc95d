//! `extend` grows the plan and never takes from it; `checkout` gives a graded tree back; `status` looks at a live run; and
//! the pages and fixtures that commands make.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use serde_json::{Value, json};

use crate::fixture::{TestFixture, close, gated, open};
use crate::scenes::{AGENT, experiment, json, output, saved, status};
use crate::world::{Output, World, shipped, wait_until};

/// Two tiers with two subtests each; each run leaves a line in a log.
fn world() -> (World, String) {
    let world = World::new();
    let agent = format!("{}; {AGENT}", gated(&world, "agent"));
    let fixture = ["T0/00-a", "T0/01-b", "T1/00-c", "T1/01-d"]
        .into_iter()
        .fold(TestFixture::new(), |fixture, file| fixture.agent(file, &agent))
        .write(&world);
    (world, fixture)
}

fn run(world: &World, fixture: &str, more: &[&str]) -> Output {
    world.scylla(&[&["run", "--tiers-dir", fixture, "--results-dir", "results"], more].concat())
}

#[test]
fn an_experiment_grows_by_runs_tiers_and_subtests_and_what_is_done_stays() {
    let (world, fixture) = world();
    run(&world, &fixture, &["--runs", "1", "--tiers", "T0", "--max-subtests", "1"]).exits(0);
    let dir = experiment(&world);
    let first = fs::read(world.experiment().join("T0/00/run_01/run_result.json")).unwrap();
    let mut planned = 1;
    for (growth, total) in [(&["--runs", "2"][..], 2), (&["--tiers", "T1"], 4), (&["--max-subtests", "2"], 8)] {
        let grown = world.scylla(&[&["extend", &dir], growth].concat()).exits(0);
        assert!(grown.stderr.contains(&format!("the plan has grown from {planned} to {total} runs")), "{grown}");
        assert_eq!((world.lines("agent.log"), status(&world).as_str()), (total, "completed"), "{growth:?}");
        planned = total;
    }
    assert_eq!(saved(&world, "subtests"), json!({"T0": ["00", "01"], "T1": ["00", "01"]}));
    assert_eq!(saved(&world, "extensions").as_array().unwrap().len(), 3);
    assert_eq!(fs::read(world.experiment().join("T0/00/run_01/run_result.json")).unwrap(), first);
    world.scylla(&["verify", &dir]).exits(0);
}

#[test]
fn a_growth_can_be_planned_only_and_made_later() {
    let (world, fixture) = world();
    run(&world, &fixture, &["--runs", "1", "--tiers", "T0"]).exits(0);
    let dir = experiment(&world);
    let grown = world.scylla(&["extend", &dir, "--runs", "2", "--plan-only"]).exits(0);
    assert!(grown.stderr.contains(&format!("cargo scylla resume {dir}")), "{grown}");
    assert_eq!((world.lines("agent.log"), status(&world).as_str()), (2, "completed"));
    // It was complete, and nothing stopped it since.
    let verified = world.scylla(&["verify", &dir]).exits(6);
    assert!(!verified.stdout.contains("status-contradicted"), "{verified}");
    let again = world.scylla(&["extend", &dir, "--runs", "2", "--plan-only"]).exits(0);
    assert!(again.stderr.contains("the plan has these 4 runs already"), "{again}");
    world.scylla(&["extend", &dir, "--tiers", "T0", "--plan-only"]).exits(2);
    world.scylla(&["resume", &dir]).exits(0);
    assert_eq!((world.lines("agent.log"), status(&world).as_str()), (4, "completed"));
    world.scylla(&["verify", &dir]).exits(0);
}

#[test]
fn a_plan_never_shrinks_and_a_growth_of_nothing_is_a_mistake() {
    let (world, fixture) = world();
    run(&world, &fixture, &["--runs", "2", "--tiers", "T0"]).exits(0);
    let dir = experiment(&world);
    let before = json(&world.experiment().join("config/experiment.json"));
    for (growth, said) in [
        (&["--runs", "1"][..], "a plan only grows"),
        (&["--max-subtests", "1"], "a plan only grows"),
        (&["--runs", "2"], "adds no run"),
        (&["--tiers", "T0"], "adds no run"),
        (&["--tiers", "T9"], "no tier `T9`"),
        (&[], "nothing to add is named"),
    ] {
        let refused = world.scylla(&[&["extend", &dir], growth].concat()).exits(2);
        assert!(refused.stderr.contains(said), "{growth:?} {refused}");
    }
    assert_eq!(json(&world.experiment().join("config/experiment.json")), before);
    world.scylla(&["verify", &dir]).exits(0);
}

/// Every file of a tree but git's with its mode and content, and every link with its target.
fn tree(root: &std::path::Path) -> Vec<(String, u32, Vec<u8>)> {
    let list = Command::new("find")
        .args([".", "-path", "./.git", "-prune", "-o", "(", "-type", "f", "-o", "-type", "l", ")", "-print"])
        .current_dir(root)
        .output()
        .unwrap();
    let mut files: Vec<String> = String::from_utf8(list.stdout).unwrap().lines().map(str::to_owned).collect();
    files.sort();
    files
        .into_iter()
        .map(|file| {
            let path = root.join(&file);
            let kind = fs::symlink_metadata(&path).unwrap();
            let link = kind.file_type().is_symlink();
            let content = if link {
                fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes()
            } else {
                fs::read(&path).unwrap()
            };
            (file, if link { 0 } else { kind.permissions().mode() & 0o111 }, content)
        })
        .collect()
}

#[test]
fn checkout_gives_the_tree_that_was_graded_also_from_a_folder_that_moved() {
    let world = World::new();
    let agent = r"touch done; printf 'a\0b\377' > binary; mkdir -p deep/er; echo text > 'deep/er/a name'; echo '#!/bin/sh' > tool;
        chmod +x tool; ln -s deep/er link; printf 'no line feed' > readme.txt; printf 'a\r\nb\r\n' > crlf.txt";
    let fixture =
        TestFixture::new().agent("T0/00-a", agent).agent("T0/01-b", "rm readme.txt; touch done").write(&world);
    run(&world, &fixture, &["--runs", "1", "--keep-workspaces", "all"]).exits(0);
    let moved = world.path("moved away/experiment");
    let kept: Vec<_> =
        ["00", "01"].map(|subtest| tree(&world.experiment().join(format!("T0/{subtest}/run_01/workspace")))).into();
    fs::create_dir(moved.parent().unwrap()).unwrap();
    fs::rename(world.experiment(), &moved).unwrap();
    fs::remove_dir_all(world.path("fixture")).unwrap();
    let dir = moved.to_str().unwrap();
    for (subtest, kept) in ["00", "01"].into_iter().zip(&kept) {
        let to = world.path(&format!("tree-{subtest}"));
        let run = format!("T0/{subtest}/1");
        world.scylla(&["checkout", dir, "--run", &run, "--to", to.to_str().unwrap()]).exits(0);
        assert_eq!(tree(&to), *kept, "{subtest}");
    }
    assert!(kept[0].len() >= 7 && kept[1].len() == 1, "{kept:?}");
    world.scylla(&["verify", dir]).exits(0);
    let again = world.scylla(&["checkout", dir, "--run", "T0/00/1", "--to", "tree-00"]);
    assert!(again.code == Some(2) && again.stderr.contains("tree-00"), "{again}");
    assert_eq!(tree(&world.path("tree-00")), kept[0], "a folder that holds something is not touched");
}

#[test]
fn status_from_another_process_shows_the_run_in_flight_and_its_stage_and_calls_it_not_missing() {
    let world = World::new();
    let fixture = TestFixture::new()
        .agent("T0/00-a", &format!("{}; {AGENT}", gated(&world, "agent")))
        .check(&format!("test -f done || exit 1; {}", gated(&world, "check")))
        .judge(&format!("{}; {}", gated(&world, "judge"), crate::fixture::FULL_SCORE))
        .write(&world);
    let gates = [("agent", Value::Null), ("check", Value::Null), ("judge", json!(2))];
    for (gate, _) in &gates {
        close(&world, gate);
    }
    let live = world.start(&["run", "--tiers-dir", &fixture, "--results-dir", "results", "--runs", "2", "--jobs", "1"]);
    for (gate, judge) in &gates {
        wait_until(gate, || world.lines(&format!("{gate}.log")) == 1);
        let dir = experiment(&world);
        let shown = world.scylla(&["status", &dir, "--message-format", "json"]).exits(0);
        let shown: Value = serde_json::from_str(&shown.stdout).unwrap();
        let stage = if *gate == "check" { "checks" } else { gate };
        let in_flight = &shown["in_flight"][0];
        assert_eq!((&in_flight["run"], &in_flight["stage"]), (&json!("T0/00/run_01"), &json!(stage)), "{shown:#}");
        assert_eq!(&in_flight["judge"], judge, "{shown:#}");
        assert_eq!(shown["holder"]["pid"], live.pid());
        let human = world.scylla(&["status", &dir]).exits(0);
        assert!(human.stdout.contains("running") && human.stdout.contains("1 run in flight:"), "{human}");
        assert_eq!(shown["missing"], json!({"not_started": 1}), "{shown:#}");
        assert!(!human.stdout.contains("missing"), "{human}");
        open(&world, gate);
    }
    assert_eq!(live.end().0, Some(0));
    let done = world.scylla(&["status", &experiment(&world), "--watch"]).exits(0);
    assert!(done.stdout.contains("completed") && !done.stdout.contains("in flight"), "{done}");
}

#[test]
fn a_rate_limit_is_seen_from_another_process() {
    let world = World::new();
    let limited = r#"printf '{"failure": {"kind": "rate_limit", "message": "wait", "retry_at": "2999-01-01T00:00:00Z"}}' > "$SCYLLA_RECORD_FILE""#;
    let fixture = TestFixture::new().agent("T0/00-a", limited).write(&world);
    let output = run(&world, &fixture, &["--runs", "1", "--message-format", "json"]).exits(6);
    // Nobody waits for a thousand years: what may be waited in total is a day.
    assert_eq!(output.events().last().unwrap()["end"], "rate_limited", "{output}");
    assert_eq!(status(&world), "paused_rate_limit");
    let shown = world.scylla(&["status", &experiment(&world)]).exits(0);
    assert!(shown.stdout.contains("stopped by a rate limit"), "{shown}");
    world.scylla(&["verify", &experiment(&world)]).exits(6);
}

#[test]
fn completions_and_the_manual_are_made_for_every_shell() {
    let world = World::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = world.scylla(&["completions", shell]).exits(0);
        assert!(script.stdout.contains("extend") && script.stdout.contains("max-cost-usd"), "{shell}: {script}");
    }
    let bash = world.scylla(&["completions", "bash"]).stdout;
    world.write("completions.sh", &bash);
    let parsed = output(
        Command::new("sh")
            .args(["-c", "command -v bash >/dev/null || exit 0; bash -n completions.sh"])
            .current_dir(world.path("")),
    )
    .exits(0);
    assert_eq!(parsed.stderr, "");
    let manual = world.scylla(&["man"]).exits(0);
    assert!(manual.stdout.contains(".SH SUBCOMMANDS") && manual.stdout.contains("extend"), "{manual}");
}

#[test]
fn a_new_fixture_works_and_is_listed_and_a_broken_one_tells_every_mistake() {
    let world = World::new();
    let written = world.scylla(&["fixture", "new", "tasks/mine"]).exits(0);
    assert!(written.stdout.contains("tasks/mine/test.yaml"), "{written}");
    assert!(written.stderr.contains("cargo scylla run tasks/mine --runs 1`"), "{written}");
    world.scylla(&["fixture", "check", "tasks/mine"]).exits(0);
    world.scylla(&["run", "--tiers-dir", "tasks/mine", "--runs", "1", "--results-dir", "results"]).exits(0);
    world.scylla(&["fixture", "new", "tasks/mine"]).exits(2);
    world.write("tasks/broken/test.yaml", "id: BROKEN ID\nnmae: x\ntiers: [T0, X1]\n");
    let listed = world.scylla(&["fixture", "list", "tasks"]).exits(2);
    assert!(listed.stdout.contains("broken ") && listed.stdout.contains(" mistakes"), "{listed}");
    let broken = world.scylla(&["fixture", "check", "tasks/broken"]).exits(2);
    for said in ["test.yaml:1", "test.yaml:2", "`name`", "test.yaml:3"] {
        assert!(broken.stderr.contains(said), "no {said} in {broken}");
    }
    let shipped = shipped("");
    let listed = world.scylla(&["fixture", "list", &shipped]).exits(0);
    for name in ["fix-the-crate", "hello-script", "trouble"] {
        assert!(listed.stdout.lines().any(|line| line.starts_with(name)), "{listed}");
        world.scylla(&["fixture", "check", &format!("{shipped}{name}")]).exits(0);
    }
}
