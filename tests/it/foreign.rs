//! What agents and judges may claim or print: amounts that nobody can have spent, and texts that were cut within a letter. None
//! of it makes a run that cannot be read, or loses what stands beside it.

use std::fs;

use scylla::agent::KINDS;
use scylla::model::agent::{EndedAgent, Output};
use serde_json::{Value, json};

use crate::agent_samples::{Silent, folders};
use crate::fixture::TestFixture;
use crate::scenes::{experiment, json as read};
use crate::world::World;

/// The run of an experiment is whole for every command that reads it, and what it cost is this.
#[track_caller]
fn is_whole(world: &World, spent: f64) {
    let dir = experiment(world);
    world.scylla(&["verify", &dir]).exits(0);
    world.scylla(&["resume", &dir]).exits(0);
    fs::remove_file(world.experiment().join("checkpoint.json")).unwrap();
    world.scylla(&["repair", &dir]).exits(0);
    world.scylla(&["report", &dir]).exits(0);
    let status = world.scylla(&["status", &dir, "--message-format", "json"]).exits(0);
    let status: Value = serde_json::from_str(&status.stdout).unwrap();
    assert_eq!(status["spent"], json!(spent), "{status:#}");
    let told = world.scylla(&["status", &dir]).exits(0).stdout;
    assert_eq!(told.contains("$1000000.00 or more"), spent >= 1e6, "{told}");
}

#[test]
fn tokens_that_nobody_can_have_used_are_priced_as_the_most_that_can_be_and_the_run_stays_readable() {
    for (input, spent) in [("18446744073709551615", 1e6), ("9000000000000", 1e6), ("2000000", 6.0)] {
        let world = World::new();
        let agent = format!(
            "echo paid >> {}; touch done; echo '{{\"token_stats\": {{\"input_tokens\": {input}, \"output_tokens\": 0}}}}' \
             > \"$SCYLLA_RECORD_FILE\"",
            world.path("paid").display()
        );
        let prices = "prices: {m1: {input: 3, output: 15}}\n";
        let fixture = TestFixture::new().agent("T0/00-one", &agent).extra(prices).write(&world);
        world.scylla(&["run", &fixture, "--runs", "1", "--model", "m1", "--results-dir", "results"]).exits(0);
        let result = read(&world.experiment().join("T0/00/run_01/run_result.json"));
        assert_eq!((&result["cost_usd"], &result["cost_source"]), (&json!(spent), &json!("estimated")), "{input}");
        is_whole(&world, spent);
        assert_eq!(fs::read_to_string(world.path("paid")).unwrap(), "paid\n", "nobody paid twice");
    }
}

#[test]
fn what_judges_and_runs_claim_together_is_readable_however_much_it_is() {
    let world = World::new();
    let judge = r#"cat > /dev/null; echo '{"cost_usd": 700000, "items": {"R001": {"score": 1}}}'"#;
    let agent = r#"touch done; echo '{"cost_usd": 600000}' > "$SCYLLA_RECORD_FILE""#;
    let fixture = TestFixture::new().agent("T0/00-one", agent).judge(judge).write(&world);
    world.scylla(&["run", &fixture, "--runs", "2", "--results-dir", "results"]).exits(0);
    is_whole(&world, 1e6);
}

/// Every event and record of a recorded run, with half an emoji in each.
fn cut_within_a_letter(bytes: &[u8]) -> Vec<u8> {
    let cut = |line: &[u8]| match line.strip_prefix(b"{") {
        Some(rest) if rest.len() > 2 => [br#"{"of another program": "cut \ud83d","#, rest].concat(),
        _ => line.to_vec(),
    };
    bytes.split_inclusive(|byte| *byte == b'\n').flat_map(cut).collect()
}

#[test]
fn half_an_emoji_in_every_event_changes_nothing_of_what_any_agent_program_tells() {
    let kept = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/agents");
    let now = "2026-11-29T12:00:00Z".parse().unwrap();
    let mut altered = 0;
    for (name, folder) in folders(&kept) {
        let agent = (KINDS.iter().find(|kind| kind.name == name).unwrap().read)(&Silent).unwrap();
        for (sample, place) in folders(&folder) {
            let (mut whole, mut cut) = (agent.reader().unwrap(), agent.reader().unwrap());
            for (output, file) in [(Output::Stdout, "stdout"), (Output::Stderr, "stderr"), (Output::Record, "record")] {
                let Ok(bytes) = fs::read(place.join(file)) else { continue };
                if !whole.wants().contains(&output) {
                    continue;
                }
                let with_halves = cut_within_a_letter(&bytes);
                altered += usize::from(with_halves != bytes);
                whole.feed(output, &bytes);
                cut.feed(output, &with_halves);
                if let Some(told) = agent.steps().filter(|told| told.output == output) {
                    assert_eq!((told.read)(&with_halves).kept(), (told.read)(&bytes).kept(), "{name}: {sample}");
                }
            }
            assert_eq!(cut.reading(now), whole.reading(now), "{name}: {sample}");
            let ended = EndedAgent::Exited(0);
            assert_eq!(cut.outcome(ended, now), whole.outcome(ended, now), "{name}: {sample}");
        }
    }
    assert!(altered > 20, "{altered} outputs with half an emoji");
}

#[test]
fn what_a_record_and_an_answer_say_counts_whatever_letter_was_cut_in_them() {
    let world = World::new();
    let judge = r#"cat > /dev/null; echo '{"cost_usd": 2, "reasoning": "so \ud83d", "items": {"R001": {"score": 1, "explanation": "\ude00"}}}'"#;
    let agent =
        r#"touch done; printf '%s' '{"note": "\ud83d", "cost_usd": 1, "end": "finished"}' > "$SCYLLA_RECORD_FILE""#;
    let fixture = TestFixture::new().agent("T0/00-one", agent).judge(&judge.replace("echo", "printf %s")).write(&world);
    world.scylla(&["run", &fixture, "--runs", "1", "--results-dir", "results"]).exits(0);
    let run = world.experiment().join("T0/00/run_01");
    assert_eq!(read(&run.join("run_result.json"))["cost_usd"], json!(1.0));
    let judgment = read(&run.join("judge/judge_02/judgment.json"));
    assert_eq!((&judgment["cost_usd"], &judgment["reasoning"]), (&json!(2.0), &json!("so \u{fffd}")), "{judgment:#}");
    is_whole(&world, 3.0);
}
