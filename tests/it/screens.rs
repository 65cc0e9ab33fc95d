//! The gallery of whole screens: what a person sees of a run, of its end and of each command's help. Read each as one who
//! sees it for the first time.

use std::fs;

use clap::{Command, CommandFactory};

use scylla::cli::args::Cli;

use crate::fixture::TestFixture;
use crate::scenes::{AGENT, edit, experiment, output};
use crate::world::{Output, World, shipped, steady};

/// A snapshot of this gallery.
macro_rules! snapshot {
    ($name:expr, $text:expr) => {
        insta::with_settings!({
            snapshot_path => concat!(env!("CARGO_MANIFEST_DIR"), "/snapshots/screens_e2e"),
            prepend_module_to_snapshot => false,
            omit_expression => true,
        }, { insta::assert_snapshot!($name, $text) })
    };
}

/// Both streams and the exit code, without what differs from run to run.
fn screen(output: &Output, world: &World) -> String {
    let text = steady(&format!("{output}"), world);
    let ages = regex::Regex::new(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC \([^)]* ago\)").unwrap();
    let text = ages.replace_all(&text, "[TIME] ([AGE] ago)");
    let durations = regex::Regex::new(r" +\b(\d+m )?\d+(\.\d+)?s\b").unwrap();
    durations.replace_all(&text, " [DURATION]").into_owned()
}

fn run(world: &World, fixture: &str, more: &[&str]) -> Output {
    let arguments = ["run", "--tiers-dir", fixture, "--results-dir", "results", "--jobs", "1", "--runs", "2"];
    world.scylla(&[&arguments[..], more].concat())
}

#[test]
fn a_whole_run_is_lines_for_a_log_and_a_table_at_the_end() {
    let world = World::new();
    let output = run(&world, &shipped("hello-script"), &[]).exits(0);
    snapshot!("whole_run", screen(&output, &world));
    let verified = world.scylla(&["verify", &experiment(&world)]).exits(0);
    snapshot!("verify_finished", screen(&verified, &world));
    let again = run(&world, &shipped("hello-script"), &[]).exits(0);
    snapshot!("finished_experiment", screen(&again, &world));
}

#[test]
fn stages_are_said_when_they_are_asked_for() {
    let world = World::new();
    let fixture = TestFixture::new().agent("T0/00-one", AGENT).write(&world);
    let output = run(&world, &fixture, &["--verbose", "--runs", "1"]);
    assert_eq!(output.code, Some(2), "a flag that is given twice is a mistake: {output}");
    let arguments =
        ["run", "--tiers-dir", &fixture, "--results-dir", "results", "--jobs", "1", "--runs", "1", "--verbose"];
    snapshot!("verbose_run", screen(&world.scylla(&arguments).exits(0), &world));
}

#[test]
fn troubles_are_told_one_by_one_and_what_is_missing_at_the_end() {
    let world = World::new();
    let refused =
        r#"printf '{"cost_usd": 0.25, "failure": {"kind": "auth", "message": "no such key"}}' > "$SCYLLA_RECORD_FILE""#;
    let fixture = TestFixture::new().agent("T0/00-refused", refused).agent("T1/00-well", AGENT).write(&world);
    let output = run(&world, &fixture, &["--attempts", "2"]).exits(6);
    snapshot!("troubled_run", screen(&output, &world));
    let resumed = world.scylla(&["resume", &experiment(&world), "--model", "large", "--attempts", "1"]).exits(6);
    snapshot!("resumed_with_other_flags", screen(&resumed, &world));
    let verified = world.scylla(&["verify", &experiment(&world)]).exits(6);
    snapshot!("verify_incomplete", screen(&verified, &world));
    let shown = world.scylla(&["status", &experiment(&world)]).exits(0);
    snapshot!("status_incomplete", screen(&shown, &world));
}

#[test]
fn a_budget_that_is_reached_says_how_to_go_on() {
    let world = World::new();
    let fixture = TestFixture::new().agent("T0/00-one", AGENT).write(&world);
    let output = run(&world, &fixture, &["--max-cost-usd", "0.6"]).exits(6);
    snapshot!("budget_reached", screen(&output, &world));
}

#[test]
fn an_edited_fixture_stops_a_run_that_would_go_on() {
    let world = World::new();
    let fixture = TestFixture::new().agent("T0/00-one", AGENT).write(&world);
    run(&world, &fixture, &["--max-cost-usd", "0"]).exits(6);
    edit(&world, "fixture/prompt.md", "Make", "Please make");
    let output = run(&world, &fixture, &["--max-cost-usd", "9"]).exits(2);
    snapshot!("edited_fixture", screen(&output, &world));
}

/// The command and all below it, by what one types.
fn commands(words: &[&str], command: &Command) -> Vec<String> {
    let mut all = vec![words.join(" ")];
    for below in command.get_subcommands().filter(|below| below.get_name() != "help") {
        all.extend(commands(&[words, &[below.get_name()]].concat(), below));
    }
    all
}

/// The manual's page of commands, which people review when it changes, is what the program says.
#[test]
fn every_command_has_the_help_that_the_manual_shows() {
    let world = World::new();
    let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/cli.md")).unwrap();
    for words in commands(&[], &Cli::command()) {
        let mut arguments: Vec<&str> = words.split(' ').filter(|word| !word.is_empty()).collect();
        let name = [&["cargo scylla"], &*arguments].concat().join(" ");
        arguments.push("--help");
        let help = output(world.command(&arguments).env("COLUMNS", "100")).exits(0);
        assert_eq!(help.stderr, "", "{words}");
        let lines: Vec<&str> = help.stdout.lines().map(str::trim_end).collect();
        let shown = format!("\n## `{name}`\n\n```text\n{}\n```\n", lines.join("\n").trim_end());
        assert!(page.contains(&shown), "docs/cli.md does not show this:{shown}");
    }
}
