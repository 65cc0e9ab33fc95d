//! Standard output is for results and standard error for talk; quiet, verbose and color do what they say; a reader that
//! is gone stops nothing.

use std::process::Stdio;

use crate::fixture::TestFixture;
use crate::scenes::{AGENT, experiment, output, status};
use crate::world::{World, steady};

fn world() -> (World, String) {
    let world = World::new();
    let fixture = TestFixture::new().agent("T0/00-one", AGENT).write(&world);
    (world, fixture)
}

fn run<'a>(fixture: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let mut arguments = vec!["run", "--tiers-dir", fixture, "--results-dir", "results", "--runs", "2", "--jobs", "1"];
    arguments.extend(more);
    arguments
}

#[test]
fn results_are_on_stdout_and_talk_is_on_stderr() {
    let (world, fixture) = world();
    let ran = world.scylla(&run(&fixture, &[])).exits(0);
    assert!(ran.stdout.contains("tested is complete") && ran.stdout.contains("pass rate"), "{ran}");
    assert!(!ran.stdout.contains("Begins") && ran.stderr.contains("Begins"), "{ran}");
    let dir = experiment(&world);
    for arguments in [
        &["status", &dir][..],
        &["runs", &dir],
        &["list", "results"],
        &["verify", &dir],
        &["fixture", "check", &fixture],
        &["man"],
    ] {
        let output = world.scylla(arguments).exits(0);
        assert!(!output.stdout.is_empty() && output.stderr.is_empty(), "{arguments:?} {output}");
    }
    let wrong = world.scylla(&["status", "nowhere"]).exits(2);
    assert!(wrong.stdout.is_empty() && wrong.stderr.starts_with("error: "), "{wrong}");
}

#[test]
fn json_on_stdout_is_nothing_but_events() {
    let (world, fixture) = world();
    let output = world.scylla(&run(&fixture, &["--message-format", "json"])).exits(0);
    assert_eq!(output.events().last().unwrap()["reason"], "experiment-finished");
    assert_eq!(output.stderr, "");
}

#[test]
fn quiet_says_only_what_went_wrong_and_verbose_says_stages_too() {
    let (world, fixture) = world();
    let quiet = world.scylla(&run(&fixture, &["--quiet"])).exits(0);
    assert_eq!((quiet.stdout.as_str(), steady(&quiet.stderr, &world).as_str()), ("", ""));
    let verbose = world.scylla(&run(&fixture, &["--fresh", "--verbose"])).exits(0);
    assert!(verbose.stderr.contains("Stage       T0/00/run_01  capture"), "{verbose}");
    let usual = world.scylla(&run(&fixture, &["--fresh"])).exits(0);
    assert!(!usual.stderr.contains("Stage "), "{usual}");
    world.scylla(&["--quiet", "--verbose", "man"]).exits(2);
    // Who wants quiet still has to know how to go on.
    let stopped = world.scylla(&run(&fixture, &["--fresh", "--quiet", "--max-cost-usd", "0"])).exits(6);
    assert!(stopped.stderr.contains("Budget") && stopped.stdout.contains("cargo scylla resume results/"), "{stopped}");
}

#[test]
fn color_is_there_only_when_it_is_asked_for() {
    let (world, fixture) = world();
    let colored = |environment: &[(&str, &str)], more: &[&str]| {
        let arguments = run(&fixture, &[&["--fresh"], more].concat()).join(" ");
        let arguments: Vec<&str> = arguments.split(' ').collect();
        let output = output(world.command(&arguments).envs(environment.iter().copied())).exits(0);
        (output.stdout.contains('\u{1b}'), output.stderr.contains('\u{1b}'))
    };
    assert_eq!(colored(&[], &[]), (false, false), "a pipe");
    assert_eq!(colored(&[], &["--color", "always"]), (true, true));
    assert_eq!(colored(&[("CARGO_TERM_COLOR", "always")], &[]), (true, true));
    assert_eq!(colored(&[("CARGO_TERM_COLOR", "always")], &["--color", "never"]), (false, false));
    assert_eq!(colored(&[("NO_COLOR", "1")], &["--color", "auto"]), (false, false));
}

#[test]
fn a_reader_that_is_gone_stops_no_run() {
    let (world, fixture) = world();
    for format in ["json", "human"] {
        let mut command = world.command(&run(&fixture, &["--fresh", "--message-format", format]));
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // As `| head -0` does: both readers go away at once.
        drop((child.stdout.take(), child.stderr.take()));
        assert_eq!(child.wait().unwrap().code(), Some(0), "{format}");
        assert_eq!(status(&world), "completed", "{format}");
        let dir = experiment(&world);
        world.scylla(&["verify", &dir]).exits(0);
        std::fs::remove_dir_all(dir).unwrap();
    }
}

#[test]
fn every_command_that_prints_survives_a_reader_that_is_gone() {
    let (world, fixture) = world();
    world.scylla(&run(&fixture, &[])).exits(0);
    let dir = experiment(&world);
    for arguments in [
        &["status", &dir][..],
        &["list", "results"],
        &["runs", &dir],
        &["runs", &dir, "--format", "csv"],
        &["verify", &dir],
        &["verify", &dir, "--format", "sarif"],
        &["repair", &dir],
        &["man"],
        &["completions", "bash"],
        &["fixture", "list", "."],
        &["--help"],
    ] {
        let mut child = world.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let output = crate::world::finish(child).exits(0);
        assert_eq!(output.stderr, "", "{arguments:?}");
    }
}

#[test]
fn results_that_cannot_be_written_are_an_error_and_the_experiment_goes_on() {
    let (world, fixture) = world();
    let full = || std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let fails = |arguments: &[&str]| {
        let child = world.command(arguments).stdout(full()).stderr(Stdio::piped()).spawn().unwrap();
        let output = crate::world::finish(child).exits(1);
        assert!(output.stderr.contains("error: cannot write to standard output: No space left"), "{output}");
        output
    };
    let told = fails(&run(&fixture, &["--message-format", "json"]));
    assert!(told.stderr.contains("cargo scylla status results/"), "{told}");
    let dir = experiment(&world);
    world.scylla(&["verify", &dir]).exits(0);
    fails(&run(&fixture, &["--fresh"]));
    for arguments in
        [&["status", &dir][..], &["verify", &dir, "--format", "json"], &["man"], &["--help"], &["--version"]]
    {
        fails(arguments);
    }
}
