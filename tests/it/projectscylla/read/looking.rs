//! Runs of ProjectScylla are shown as ours are, wherever they lie and whatever they lack.

use std::fs;
use std::process::{Command, Stdio};

use serde_json::json;

use super::made::{FORMS, Made, SMALL, shared_copy};
use crate::verify::originals::name;
use crate::world::World;

#[test]
fn a_run_a_setup_and_a_tier_of_every_version_are_shown() {
    for form in FORMS {
        let made = Made::of(form, &SMALL, &SMALL.all()[..3]);
        let result = format!("{}/run_result.json", made.place((0, 0, 1)));
        made.edit(&result, |result| result["judge_reasoning"] = json!("why \u{1b}[2J not"));
        let show = |what: &str| made.world.scylla(&["show", made.dir.to_str().unwrap(), what]).exits(0).stdout;
        let run = show("T0/00/1");
        assert!(run.starts_with("T0/00/run_01: passed"), "{run}");
        assert!(run.contains(&format!("{}/run_result.json", made.place((0, 0, 1)))), "{run}");
        assert!(!run.contains('\u{1b}'), "{run}");
        assert!(show("T0/01/2").starts_with("T0/01/run_02: not started"));
        assert!(show("T0/00").contains("2 of 2 judged"), "{}", show("T0/00"));
        assert!(show("T0").contains("T0/01"), "{}", show("T0"));
        let dir = made.dir.to_str().unwrap();
        assert!(made.world.scylla(&["show", dir, "T0/00/1", "--prompt"]).exits(0).stdout.contains("text"));
        let diff = made.world.scylla(&["diff", dir, "T0/00/1"]).exits(2);
        assert!(diff.stderr.contains("has no changes"), "{diff}");
        made.world.scylla(&["show", dir, "T0/07/1"]).exits(2);
        let by_path = made.world.scylla(&["show", &format!("{dir}/{}", made.place((0, 0, 1)))]).exits(0);
        assert_eq!(by_path.stdout.lines().next(), run.lines().next());
    }
}

#[test]
fn a_runner_of_projectscylla_is_named_and_never_signalled() {
    let made = Made::of(super::made::V2_0, &SMALL, &[(0, 0, 1)]);
    made.edit("checkpoint.json", |checkpoint| checkpoint["status"] = json!("running"));
    let mut runner = Command::new("sh");
    let mut runner =
        runner.args(["-c", "read line", "scripts/manage_experiment.py"]).stdin(Stdio::piped()).spawn().unwrap();
    fs::write(made.at("experiment.pid"), runner.id().to_string()).unwrap();
    let stopped = made.world.scylla(&["stop", made.dir.to_str().unwrap(), "--now"]).exits(3);
    assert!(stopped.stderr.contains(&format!("stop it with `kill -INT {}`", runner.id())), "{stopped}");
    assert!(runner.try_wait().unwrap().is_none());
    runner.kill().unwrap();
    runner.wait().unwrap();
}

#[test]
fn the_published_dry_run_tells_each_item_with_each_judges_score_and_reason() {
    let world = World::new();
    let Some(dir) = shared_copy(&world, "projectscylla-dryrun") else { return };
    let run = world.scylla(&["show", name(&dir), "T2/01/1"]).exits(0).stdout;
    for told in [
        "T2/01/run_01: passed, score 0.98, grade A",
        "agent $0.1380 (reported), judges unknown",
        "    judge_01  1.00  Python syntax is valid. Build pipeline shows 'Python syntax",
        "    judge_03   n/a",
        "projectscylla-dryrun/T2/01/run_01/judge/judge_02/response.txt",
    ] {
        assert!(run.contains(told), "no `{told}` in\n{run}");
    }
    let flat = run.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(flat.contains("29 read, 711 written, 23350 written to the cache, 113858 read from the cache"), "{run}");
    let answer = world.scylla(&["show", name(&dir), "T2/01/1", "--judge", "2"]).exits(0).stdout;
    assert!(answer.contains("projectscylla-dryrun/T2/01/run_01/judge/judge_02/response.txt\n"), "{answer}");
}
