//! What cannot be taken over is told with what to type, and nothing is changed.

use std::fs;
use std::process::{Command, Stdio};

use super::made::{End, Form, Made, all_but, made};
use crate::verify::folder::{contents, differing, remove};
use crate::world::{Output, steady};

/// It is refused with this code; nothing is changed but the lock that was taken to look.
#[track_caller]
fn refused(name: &str, made: &Made, arguments: &[&str], code: i32) -> Output {
    let before = contents(&made.dir);
    let output = made.world.scylla(arguments).exits(code);
    let changed = differing(&before, &contents(&made.dir));
    assert!(changed.iter().all(|place| place == "experiment.lock"), "{name}: {changed:?}\n{output}");
    assert_eq!(made.asked(), 0);
    insta::with_settings!({
        snapshot_path => concat!(env!("CARGO_MANIFEST_DIR"), "/snapshots/screens_e2e"),
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, { insta::assert_snapshot!(format!("mistake-{name}"), steady(&format!("{output}"), &made.world)) });
    output
}

fn incomplete(form: Form) -> Made {
    made(form, &all_but(&[("T0/00/1", Some(End::Unjudged)), ("T1/01/1", Some(End::Begun)), ("T1/02/2", None)]))
}

#[test]
fn a_fixture_that_is_not_known_or_another_ones_is_told() {
    let made = incomplete(Form::Flat);
    let resume = ["resume", made.dir(), "--redo-unjudged"];
    fs::write(made.at("prompt.md"), "Another task.").unwrap();
    refused("adopt_other_prompt", &made, &resume, 2);
    fs::copy(made.world.path("fixture/prompt.md"), made.at("prompt.md")).unwrap();
    remove(&made.world.path("fixture/tiers/T1/01-agent.yaml"));
    refused("adopt_no_subtest", &made, &resume, 2);
    fs::rename(made.world.path("fixture"), made.world.path("moved")).unwrap();
    refused("adopt_no_fixture", &made, &resume, 2);
    refused("adopt_unjudged", &made, &["resume", made.dir()], 2);
}

#[test]
fn only_a_resume_takes_an_experiment_over() {
    let made = incomplete(Form::Phased);
    refused("adopt_by_extend", &made, &["extend", made.dir(), "--runs", "3"], 2);
    let run = ["run", "--tiers-dir", "fixture", "--results-dir", "results", "--runs", "2"];
    let output = refused("adopt_by_run", &made, &run, 2);
    assert!(output.stderr.contains("cargo scylla resume"), "{output}");
}

#[test]
fn a_fixture_of_another_commit_is_not_taken_for_the_experiments_own() {
    let made = incomplete(Form::Flat);
    remove(&made.world.path("fixture/source"));
    let path = made.world.path("fixture/test.yaml");
    let text = fs::read_to_string(&path).unwrap();
    let source = "source:\n  repo: ../elsewhere\n  hash: 0123456789012345678901234567890123456789\n";
    fs::write(&path, format!("{text}{source}")).unwrap();
    refused("adopt_other_commit", &made, &["resume", made.dir(), "--redo-unjudged"], 2);
}

#[test]
fn an_experiment_on_which_projectscyllas_runner_works_is_not_taken_over() {
    let made = made(Form::Phased, &all_but(&[("T1/02/2", None)]));
    let mut runner = Command::new("sh");
    runner.args(["-c", "read line", "scripts/manage_experiment.py"]).stdin(Stdio::piped());
    let mut runner = runner.spawn().unwrap();
    fs::write(made.at("experiment.pid"), runner.id().to_string()).unwrap();
    let before = contents(&made.dir);
    let output = made.world.scylla(&["resume", made.dir()]).exits(3);
    assert!(output.stderr.contains(&runner.id().to_string()), "{output}");
    let changed = differing(&before, &contents(&made.dir));
    assert!(changed.iter().all(|place| place == "experiment.lock"), "{changed:?}");
    runner.kill().unwrap();
    runner.wait().unwrap();
    made.world.scylla(&["resume", made.dir()]).exits(0);
}
