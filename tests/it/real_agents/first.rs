//! The manual's first experiment, done as a person would who reads that page: own crate, Claude Code with and without a `CLAUDE.md`,
//! two judges.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use super::experiment::CRATE;
use super::programs::{CLAUDE_CODE, Task, installed};
use crate::model_server::{Api, ModelServer, Say};
use crate::readme::Document;
use crate::world::{World, finish};

/// What an agent does that nobody told how cents are shared out.
const WRONG: Task = Task {
    file: "src/lib.rs",
    text: "//! Shares out a bill among friends.

/// What each of `people` friends pays for a bill of `cents`.
pub fn split(cents: u64, people: u64) -> Vec<u64> {
    (0..people).map(|_| cents / people).collect()
}
",
};
/// What tells the right change from the wrong one.
const RIGHT: &str = "friend < left_over";
/// What the `CLAUDE.md` of the page says.
const INSTRUCTION: &str = "the first ones pay a cent more";
/// The models that the page has judge.
const JUDGES: [&str; 2] = ["claude-opus-4-6", "gpt-5.1"];

/// The commands that a page shows, one script after the other.
fn commands(page: &Document) -> Vec<String> {
    page.blocks("sh").into_iter().filter(|block| !block.starts_with("# file: ")).collect()
}

#[test]
fn the_first_experiment_of_the_manual_is_done_as_it_is_shown_and_its_answer_is_right() {
    let Some(installed) = installed() else { return };
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/first-experiment.md");
    let page = Document::new("docs/first-experiment.md".to_owned(), fs::read_to_string(path).unwrap());
    let world = World::new();
    for (name, text) in page.files() {
        world.write(&name, &text);
    }
    let server = ModelServer::start(|asked| {
        if JUDGES.contains(&asked.model.as_str()) {
            let score = if asked.question().contains(RIGHT) { 1.0 } else { 0.0 };
            return Say::scores(&[("R001", score), ("R002", score)]);
        }
        let task = if asked.body.to_string().contains(INSTRUCTION) { CRATE } else { WRONG };
        (CLAUDE_CODE.works)(asked, task)
    });
    world.program("bin/cargo-scylla", &format!("#!/bin/sh\nexec '{}' \"$@\"\n", env!("CARGO_BIN_EXE_cargo-scylla")));
    let run = |script: &str| {
        let mut command = Command::new("sh");
        world.seal(&mut command);
        CLAUDE_CODE.reaches(&server, &mut command);
        command.env("OPENAI_API_KEY", "sk-scripted").env("OPENAI_BASE_URL", server.base_url(Api::OpenAiResponses));
        let path = std::env::var("PATH").unwrap();
        let path = format!("{}:{}:{path}", world.path("bin").display(), installed.join("bin").display());
        for who in ["GIT_AUTHOR", "GIT_COMMITTER"] {
            command.env(format!("{who}_NAME"), "Ada").env(format!("{who}_EMAIL"), "ada@example.com");
        }
        command.env("PATH", path).current_dir(world.path("")).args(["-ec", script]);
        finish(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()).exits(0)
    };
    let [begin, look, made, answer] = commands(&page).try_into().unwrap();
    run(&begin);
    let planned = run(&look);
    assert!(planned.stdout.contains("setups differ in `files`"), "{planned}");
    run(&made);
    let runs = (server.times(JUDGES[0]), server.times(JUDGES[1]));
    assert_eq!(runs, (6, 6));
    let answered = run(&answer);
    for words in [
        "T0/01 ★  With a CLAUDE.md     3  3 = 100 %",
        "B solves its task 100 points more often",
        "6 of 6 planned runs agree",
    ] {
        assert!(answered.stdout.contains(words), "no `{words}` in {answered}");
    }
    assert!(world.path("answer/report.html").is_file());
}
