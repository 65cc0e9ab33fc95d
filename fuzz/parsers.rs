//! The parsers that are fuzzed: of what agents print, what is spoken with them, what judges answer, what patches hold, and of files of
//! fixtures and runs. Each takes any bytes and must not panic. `fuzz_targets/` hands them to libFuzzer, and `tests/it/fuzzed.rs` to
//! `cargo test`.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use jiff::Timestamp;
use scylla::agent::protocol::{Client, Heard, Order, Permissions};
use scylla::agent::{KINDS, of_kind, record};
use scylla::config::fixture;
use scylla::judge::{answer, asking};
use scylla::model::agent::{Agent, EndedAgent, Output};
use scylla::model::checkpoint::Checkpoint;
use scylla::model::result::{AgentResult, Judgment, RunResult};
use scylla::model::rubric::Rubric;
use scylla::text::{claims, escape, patch, resets};

/// A target's name, what parses for it, and the folders of its seeds.
type Parser = (&'static str, fn(&[u8]), &'static [&'static str]);

/// What can be fuzzed, by the name of its target, with the folders of this repository whose files are its seeds.
pub(crate) const PARSERS: [Parser; 6] = [
    ("agents", agents, &["tests/fixtures/agents"]),
    ("protocol", protocol, &["fuzz/seeds/protocol"]),
    ("judges", judges, &["tests/fixtures/formats"]),
    ("patches", patches, &["tests/fixtures/formats"]),
    ("fixtures", fixtures, &["tests/fixtures/tests"]),
    ("results", results, &["tests/fixtures/formats"]),
];

/// Every kind of agent that can be.
fn kinds() -> &'static [Agent] {
    static AGENTS: OnceLock<Vec<Agent>> = OnceLock::new();
    AGENTS.get_or_init(|| KINDS.iter().filter_map(|kind| of_kind(kind)).collect())
}

/// What any kind of agent printed, in two pieces, and how it ended then.
pub(crate) fn agents(data: &[u8]) {
    let (first, later) = data.split_at(data.len() / 2);
    for agent in kinds() {
        for ended in [EndedAgent::Exited(0), EndedAgent::Exited(1), EndedAgent::TimedOut, EndedAgent::Signaled(9)] {
            let Some(mut reader) = agent.reader() else { continue };
            for output in [Output::Stdout, Output::Stderr, Output::Record] {
                reader.feed(output, first);
                reader.feed(output, later);
            }
            let before = reader.reading(Timestamp::UNIX_EPOCH).map(|reading| reading.usage);
            if let Ok(outcome) = reader.outcome(ended, Timestamp::UNIX_EPOCH) {
                assert!(before.is_none_or(|before| before == outcome.usage), "what was used depends on the end");
            }
        }
        if let Some(told) = agent.steps() {
            let _ = (told.read)(data).with_texts(|text| escape::terminal(text).into_owned());
        }
    }
    let _ = record::read(data, Timestamp::UNIX_EPOCH);
}

/// Lines of a program that speaks the Agent Client Protocol.
pub(crate) fn protocol(data: &[u8]) {
    let order = Order {
        command: vec!["program".to_owned()],
        mode: Some("code".to_owned()),
        model: Some("large".to_owned()),
        login: Some("key".to_owned()),
        permissions: Permissions::Allow,
        counts_tokens: true,
        start_seconds: 1,
    };
    let mut client = Client::new(&order, "/tree", "Do it.");
    let _ = client.begin();
    for line in data.split(|byte| *byte == b'\n') {
        let _ = client.handle(Heard::Line(line));
    }
    let _ = client.handle(Heard::Stop);
}

/// What a judge answered.
pub(crate) fn judges(data: &[u8]) {
    static RUBRIC: OnceLock<Rubric> = OnceLock::new();
    let rubric = RUBRIC.get_or_init(|| fixture::load(&shipped()).unwrap_or_else(|why| panic!("{why:?}")).rubric);
    let _ = answer::parse(data, rubric);
    let _ = asking::read(data, rubric);
    let _ = answer::used(data);
    let _ = answer::failure(data, "judge", Timestamp::UNIX_EPOCH);
    let text = String::from_utf8_lossy(data);
    let _ = resets::of_text(&text, Timestamp::UNIX_EPOCH);
    let _ = resets::of_header(&text, Timestamp::UNIX_EPOCH);
}

/// A patch that an agent's changes were captured as.
pub(crate) fn patches(data: &[u8]) {
    let _ = patch::size(data);
    let _ = patch::shown(data, scylla::text::styles::Styles::colored());
}

/// A file of a fixture, in the place of each that is written by people.
pub(crate) fn fixtures(data: &[u8]) {
    let folder = tempfile::tempdir().unwrap_or_else(|why| panic!("{why}"));
    for file in ["test.yaml", "expected/rubric.yaml", "tiers/T0/00-nothing.yaml", "scylla.yaml"] {
        let place = folder.path().join(file.replace('/', "-"));
        copy(&shipped(), &place);
        fs::write(place.join(file), data).unwrap_or_else(|why| panic!("{why}"));
        if let Err(mistakes) = fixture::load(&place) {
            assert!(!mistakes.is_empty(), "a fixture is refused without a reason");
        }
    }
}

/// A file of a run.
pub(crate) fn results(data: &[u8]) {
    if let Ok(result) = serde_json::from_slice::<RunResult>(data) {
        let written = serde_json::to_vec(&result).unwrap_or_default();
        let again = serde_json::from_slice::<RunResult>(&written);
        assert!(again.is_ok_and(|again| again.cost() == result.cost()), "a result is written as another one");
    }
    let _ = serde_json::from_slice::<AgentResult>(data);
    let _ = serde_json::from_slice::<Judgment>(data);
    let _ = serde_json::from_slice::<Checkpoint>(data);
    let _ = claims::cost(data);
    let _ = claims::loose_failure(data, Timestamp::UNIX_EPOCH);
}

/// A fixture of this repository.
fn shipped() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let place = "tests/fixtures/tests/hello-script";
    [here.join(place), here.join("..").join(place)].into_iter().find(|it| it.is_dir()).unwrap_or_default()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap_or_else(|why| panic!("{why}"));
    for entry in fs::read_dir(from).into_iter().flatten().flatten() {
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() {
            copy(&from, &to);
        } else {
            fs::copy(&from, &to).unwrap_or_else(|why| panic!("{why}"));
        }
    }
}
