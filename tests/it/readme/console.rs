//! Executes what a console block shows, and compares what is printed.

use std::fs;
use std::process::{Command, Stdio};

use crate::world::{World, finish};

/// What stands for text that varies: in a line for a part of it, alone for any number of lines.
const ANYTHING: char = '…';

/// Stands between the outputs of two commands.
const BETWEEN: &str = "──── next command ────";

/// The longest that the commands of a page may take, in seconds.
const MOST_SECONDS: &str = "300";

/// One command, and what it is shown to print on both streams.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) command: String,
    pub(super) shown: Vec<String>,
}

/// Executes the commands in one shell, in an empty folder in which `cargo scylla` is this build's; what each printed.
#[track_caller]
pub(super) fn execute(world: &World, steps: &[Step]) -> Vec<String> {
    let shim = format!(
        "#!/bin/sh\n[ \"$1\" = scylla ] || {{ echo 'only `cargo scylla` is here' >&2; exit 1; }}\nexec '{}' \"$@\"\n",
        env!("CARGO_BIN_EXE_cargo-scylla")
    );
    world.program("bin/cargo", &shim);
    fs::create_dir(world.path("here")).unwrap();
    let script: Vec<String> =
        steps.iter().map(|step| format!("{}\nprintf '\\n%s\\n' '{BETWEEN}'\n", step.command)).collect();
    let mut command = Command::new("timeout");
    world.seal(&mut command);
    let path = format!("{}:{}", world.path("bin").display(), std::env::var("PATH").unwrap());
    command.env("PATH", path).current_dir(world.path("here"));
    command.args([MOST_SECONDS, "sh", "-c", &format!("exec 2>&1\n{}", script.concat())]);
    let output = finish(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap());
    let between = format!("\n{BETWEEN}\n");
    let mut printed: Vec<String> = output.stdout.split(&between).map(str::to_owned).collect();
    let rest = printed.pop();
    assert_eq!((printed.len(), rest.as_deref()), (steps.len(), Some("")), "{output}");
    printed
}

/// How what was printed differs from what is shown; `None` when it does not.
pub(super) fn differs(step: &Step, printed: &str) -> Option<String> {
    let lines: Vec<&str> = printed.lines().map(str::trim_end).collect();
    // Nobody shows the empty line at an end.
    let lines = format!("{}\n", lines.join("\n").trim_end_matches('\n'));
    let shown = step.shown.join("\n");
    let matches = regex::Regex::new(&pattern(shown.trim_end_matches('\n'))).unwrap().is_match(&lines);
    (!matches).then(|| format!("$ {}\n──── shown ────\n{shown}\n──── printed ────\n{lines}", step.command))
}

fn pattern(shown: &str) -> String {
    let line = |line: &str| {
        let parts: Vec<String> = line.split(ANYTHING).map(regex::escape).collect();
        if line.trim() == ANYTHING.to_string() { r"(?:.*\n)*?".to_owned() } else { format!("{}\\n", parts.join(".*")) }
    };
    // No line at all is the empty line that is left of an empty output.
    let lines: String = if shown.is_empty() { r"\n".to_owned() } else { shown.lines().map(line).collect() };
    format!(r"\A{lines}\n*\z")
}

#[test]
fn what_is_printed_must_be_what_is_shown() {
    let step = |shown: &str| Step { command: "x".to_owned(), shown: shown.lines().map(str::to_owned).collect() };
    for (shown, printed, agrees) in [
        ("", "", true),
        ("", "x", false),
        ("a", "a\n", true),
        ("a", "b", false),
        ("a", "a\nb", false),
        ("a…c", "abc", true),
        ("a…c", "ab", false),
        ("a\n…\nc", "a\nb\nb\nc", true),
        ("a\n…\nc", "a\nc", true),
        ("a\n…\nc", "a\nb\nd", false),
        ("  …\nc", "a  \nc", true),
        ("a.c", "abc", false),
        ("a\n\nb", "a\n\nb\n\n", true),
    ] {
        assert_eq!(differs(&step(shown), printed).is_none(), agrees, "{shown:?} and {printed:?}");
    }
}
