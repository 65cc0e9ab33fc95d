//! The agent `acp`: our own program speaks the Agent Client Protocol with a program, which may do anything.

use std::fs;

use serde_json::Value;

use crate::fixture::TestFixture;
use crate::scenes::{alive, experiment, json};
use crate::world::{Live, Output, World, steady, wait_until};

/// A program that speaks the protocol as `does` in its world says: each of these functions can be another one there.
const SPEAKER: &str = r#"#!/bin/sh
world="${0%/bin/*}"
say() { printf '%s\n' "$1"; }
answer() { say "{\"jsonrpc\":\"2.0\",\"id\":$id,\"result\":$1}"; }
fail() { say "{\"jsonrpc\":\"2.0\",\"id\":$id,\"error\":$1}"; }
ask() { say "{\"jsonrpc\":\"2.0\",\"id\":\"$1\",\"method\":\"$2\",\"params\":$3}"; IFS= read -r reply; hear "$reply"; }
update() { say "{\"jsonrpc\":\"2.0\",\"method\":\"session/update\",\"params\":{\"sessionId\":\"s1\",\"update\":$1}}"; }
hear() { printf '%s\n' "$1" >>"$world/heard"; }
initialize() { answer '{"protocolVersion":1,"agentCapabilities":{},"agentInfo":{"name":"speaker","version":"3.2.1"}}'; }
login() { answer '{}'; }
open() { answer '{"sessionId":"s1"}'; }
adjust() { answer '{}'; }
prompt() { touch done; answer '{"stopReason":"end_turn"}'; }
cancel() { :; }
. "$world/does"
while IFS= read -r line; do
    hear "$line"
    id="${line#*\"id\":}"
    id="${id%%,*}"
    case "$line" in
        *'"method":"initialize"'*) initialize ;;
        *'"method":"authenticate"'*) login ;;
        *'"method":"session/new"'*) open ;;
        *'"method":"session/set_'*) adjust ;;
        *'"method":"session/prompt"'*) prompt ;;
        *'"method":"session/cancel"'*) cancel ;;
    esac
done
"#;

/// A world with that program, which does this, and a fixture whose agent it is, with more keys.
pub(crate) fn speaker(does: &str, keys: &str) -> (World, String) {
    let world = World::new();
    world.program("bin/speaker", SPEAKER);
    world.write("does", does);
    let program = world.path("bin/speaker").display().to_string();
    let agent = format!("agent:\n  kind: acp\n  command: [\"{program}\"]\n{keys}");
    let fixture = TestFixture::new().subtest("T0/00-speaking", &agent).write(&world);
    (world, fixture)
}

fn run(world: &World, fixture: &str, more: &[&str]) -> Output {
    world.scylla(&[&["run", fixture, "--results-dir", "results", "--runs", "1", "--attempts", "1"], more].concat())
}

/// The result of the one run, which there is.
fn result(does: &str, keys: &str, more: &[&str]) -> (Value, World) {
    let (world, fixture) = speaker(does, keys);
    run(&world, &fixture, more).exits(0);
    (json(&world.experiment().join("T0/00/run_01/run_result.json")), world)
}

/// Why there is no result.
fn failure(does: &str, keys: &str, more: &[&str]) -> String {
    let (world, fixture) = speaker(does, keys);
    let ended = run(&world, &fixture, &[&["--message-format", "json"], more].concat()).exits(6);
    let failed = ended.events().into_iter().find(|event| event["failure"].is_object());
    let failure = failed.unwrap_or_else(|| panic!("nothing failed: {ended}"))["failure"].clone();
    let message = failure["message"].as_str().unwrap();
    let message = message.replace(world.path("bin/").to_str().unwrap(), "");
    format!("{}: {message}", failure["kind"].as_str().unwrap())
}

/// The messages that the program heard.
fn heard(world: &World) -> Vec<Value> {
    let text = fs::read_to_string(world.path("heard")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A turn with a thought, a message, a call that is allowed, and what it cost.
pub(crate) const WHOLE_TURN: &str = r#"
prompt() {
    prompt="$id"
    update '{"sessionUpdate":"agent_thought_chunk","content":{"type":"text","text":"I shall make "}}'
    update '{"sessionUpdate":"agent_thought_chunk","content":{"type":"text","text":"a file."}}'
    update '{"sessionUpdate":"tool_call","toolCallId":"c1","title":"touch done","kind":"execute","status":"pending","rawInput":{}}'
    ask p1 session/request_permission '{"sessionId":"s1","toolCall":{"toolCallId":"c1"},"options":[{"optionId":"no","kind":"reject_once"},{"optionId":"always","kind":"allow_always"},{"optionId":"once","kind":"allow_once"}]}'
    case "$reply" in *'"optionId":"once"'*) touch done ;; esac
    update '{"sessionUpdate":"tool_call_update","toolCallId":"c1","status":"in_progress","rawInput":{"command":"touch done"}}'
    update '{"sessionUpdate":"tool_call_update","toolCallId":"c1","status":"completed","content":[{"type":"content","content":{"type":"text","text":"made"}}]}'
    update '{"sessionUpdate":"usage_update","used":900,"size":200000,"cost":{"amount":0.25,"currency":"USD"}}'
    update '{"sessionUpdate":"agent_message_chunk","content":{"type":"text","text":"Do"}}'
    update '{"sessionUpdate":"agent_message_chunk","content":{"type":"text","text":"ne."}}'
    id="$prompt"
    answer '{"stopReason":"end_turn","usage":{"totalTokens":90,"inputTokens":70,"outputTokens":20,"cachedReadTokens":5}}'
}
"#;

#[test]
fn a_program_that_speaks_the_protocol_does_the_task_and_its_steps_cost_and_version_are_known() {
    let (result, world) = result(WHOLE_TURN, "", &[]);
    assert_eq!((&result["judge_passed"], &result["agent_end"]), (&true.into(), &"finished".into()), "{result:#}");
    assert_eq!((&result["cost_usd"], &result["cost_source"]), (&0.25.into(), &"reported".into()));
    assert_eq!(result["agent_version"], "speaker 3.2.1");
    assert_eq!(result["token_stats"], serde_json::json!({}), "tokens that may be those of one request do not count");
    let methods: Vec<Value> = heard(&world).iter().map(|message| message["method"].clone()).collect();
    assert_eq!(methods, ["initialize".into(), "session/new".into(), "session/prompt".into(), Value::Null]);
    let steps = world.scylla(&["show", &experiment(&world), "T0/00/1", "--steps"]).exits(0).stdout;
    crate::agent_samples::in_gallery(|| insta::assert_snapshot!("speaking_steps", steady(&steps, &world)));
}

#[test]
fn tokens_count_where_the_fixture_says_that_they_are_whole() {
    let (result, _) = result(WHOLE_TURN, "  tokens: reported\n", &[]);
    let tokens = serde_json::json!({"input_tokens": 70, "output_tokens": 20, "cache_read_tokens": 5});
    assert_eq!(result["token_stats"], tokens, "{result:#}");
}

#[test]
fn what_it_asks_to_be_allowed_is_rejected_where_the_fixture_says_so() {
    let (result, world) = result(&WHOLE_TURN.replace("end_turn", "cancelled"), "  permissions: reject\n", &[]);
    assert_eq!((&result["judge_passed"], &result["agent_end"]), (&false.into(), &"finished".into()), "{result:#}");
    let reply = heard(&world).pop().unwrap();
    assert_eq!(reply["result"]["outcome"], serde_json::json!({"outcome": "selected", "optionId": "no"}));
}

#[test]
fn files_are_read_and_written_by_us_and_nothing_else_is_offered() {
    let (result, world) = result(
        r#"
prompt() {
    prompt="$id"
    ask r1 fs/read_text_file "{\"sessionId\":\"s1\",\"path\":\"$PWD/readme.txt\"}"
    ask r2 fs/read_text_file "{\"sessionId\":\"s1\",\"path\":\"$PWD/none\"}"
    ask r3 fs/read_text_file '{"sessionId":"s1","path":"readme.txt"}'
    ask w1 fs/write_text_file "{\"sessionId\":\"s1\",\"path\":\"$PWD/done\",\"content\":\"a\\nb\\nc\\n\"}"
    ask r4 fs/read_text_file "{\"sessionId\":\"s1\",\"path\":\"$PWD/done\",\"line\":2,\"limit\":1}"
    ask t1 terminal/create '{"sessionId":"s1","command":"ls"}'
    id="$prompt"
    answer '{"stopReason":"end_turn"}'
}
"#,
        "",
        &[],
    );
    assert_eq!(result["judge_passed"], true, "{result:#}");
    let replies: Vec<Value> = heard(&world).into_iter().filter(|message| message["method"].is_null()).collect();
    let of = |at: usize| (replies[at]["result"].clone(), replies[at]["error"]["message"].clone());
    assert_eq!(of(0), (serde_json::json!({"content": "A task.\n"}), Value::Null));
    assert!(of(1).1.as_str().unwrap().starts_with("there is no file `"), "{replies:#?}");
    assert_eq!(of(2).1, "`readme.txt` is not absolute");
    assert_eq!((of(3).0, of(4).0), (serde_json::json!({}), serde_json::json!({"content": "b\n"})));
    assert_eq!(of(5).1, "there is no `terminal/create` here");
}

#[test]
fn its_session_is_set_to_the_mode_and_model_by_whichever_way_it_offers() {
    let options = r#"
offer() { answer '{"sessionId":"s1","configOptions":[{"id":"m","category":"model","currentValue":"'"$1"'","options":[{"group":"g","options":[{"value":"small"},{"value":"large"}]}]},{"id":"mode","currentValue":"ask","options":[{"value":"ask"},{"value":"code"}]}]}'; }
open() { offer small; }
adjust() { case "$line" in *large*) offer large ;; *) answer '{}' ;; esac; }
"#;
    let (_, world) = result(options, "  mode: code\n", &["--model", "large"]);
    let set =
        |world: &World| heard(world).iter().map(|message| message["params"].clone()).collect::<Vec<_>>()[2..4].to_vec();
    assert_eq!(
        set(&world),
        [
            serde_json::json!({"sessionId": "s1", "configId": "m", "value": "large"}),
            serde_json::json!({"sessionId": "s1", "configId": "mode", "value": "code"}),
        ]
    );
    let lists = r#"open() { answer '{"sessionId":"s1","modes":{"availableModes":[{"id":"code"}]},"models":{"availableModels":[{"modelId":"large"}]}}'; }"#;
    let (_, world) = result(lists, "  mode: code\n  login: key\n", &["--model", "large"]);
    let methods: Vec<Value> = heard(&world).iter().map(|message| message["method"].clone()).collect();
    assert_eq!(
        methods,
        ["initialize", "authenticate", "session/new", "session/set_model", "session/set_mode", "session/prompt"]
    );
    let reads = "prompt() { touch done; [ \"$SCYLLA_MODEL\" = large ] && answer '{\"stopReason\":\"end_turn\"}'; }";
    let (_, world) = result(reads, "  model: variable\n", &["--model", "large"]);
    assert_eq!(heard(&world).len(), 3);
}

#[test]
fn what_cannot_be_set_is_a_failure_that_names_what_can() {
    let lists = r#"open() { answer '{"sessionId":"s1","modes":{"availableModes":[{"id":"ask"},{"id":"code"}]}}'; }"#;
    for (does, keys, more, why) in [
        (lists, "  mode: plan\n", &[][..], "spawn: the program has no mode `plan`; it has `ask` and `code`"),
        (
            lists,
            "",
            &["--model", "large"],
            "spawn: the program offers no model to be set, and `large` is asked for: with `model: variable` its command is to \
             read `$SCYLLA_MODEL`",
        ),
        (
            r#"offer() { answer '{"sessionId":"s1","configOptions":[{"id":"model","currentValue":"small","options":[{"value":"small"},{"value":"large"}]}]}'; }
open() { offer; }
adjust() { offer; }"#,
            "",
            &["--model", "large"],
            "spawn: the program was set to the model `large`, and says that it has `small`",
        ),
    ] {
        assert_eq!(failure(does, keys, more), why);
    }
}

#[test]
fn the_reason_why_a_turn_is_over_is_how_the_run_ended() {
    for (reason, end) in [
        ("end_turn", "finished"),
        ("max_tokens", "over_budget"),
        ("max_turn_requests", "over_budget"),
        ("refusal", "refused"),
    ] {
        let does = format!("prompt() {{ touch done; answer '{{\"stopReason\":\"{reason}\"}}'; }}");
        assert_eq!(result(&does, "", &[]).0["agent_end"], end, "{reason}");
    }
    let long = r#"prompt() { fail '{"code":400,"message":"prompt is too long: 210000 tokens"}'; }"#;
    assert_eq!(result(long, "", &[]).0["agent_end"], "context_too_long");
}

#[test]
fn a_program_that_breaks_the_protocol_fails_the_run_in_words_that_say_how() {
    for (does, why) in [
        ("exit 3", "no_record: `speaker` ended with exit code 3 before it answered `initialize`"),
        ("prompt() { exit 0; }", "no_record: `speaker` ended with exit code 0 before it answered `session/prompt`"),
        ("prompt() { kill -9 $$; }", "no_record: `speaker` was ended by signal 9 before it answered `session/prompt`"),
        ("initialize() { sleep 100; }", "spawn: `speaker` did not answer `initialize` within 1 s"),
        (
            "initialize() { answer '{\"protocolVersion\":2}'; }",
            "spawn: the program speaks version 2 of the protocol, and version 1 is asked for",
        ),
        ("open() { answer '{}'; }", "no_record: the program answers `session/new` without a session"),
        (
            "open() { fail '{\"code\":-32603,\"message\":\"Internal error\",\"data\":{\"details\":\"no disk\"}}'; }",
            "spawn: it answers `session/new` with an error: Internal error: no disk",
        ),
        (
            "open() { fail '{\"code\":-32000,\"message\":\"Authentication required\"}'; }",
            "auth: Authentication required",
        ),
        (
            "prompt() { fail '{\"code\":-32603,\"message\":\"Overloaded\",\"data\":{\"status\":529}}'; }",
            "provider: Overloaded",
        ),
        (
            "prompt() { answer '{\"stopReason\":\"bored\"}'; }",
            "no_record: it ends its turn for the reason \"bored\", which is none of the protocol",
        ),
        (
            "prompt() { answer '{\"stopReason\":\"cancelled\"}'; }",
            "no_record: it says that its turn was cancelled, and nobody asked for that",
        ),
        (
            "prompt() { yes 'what is this' | head -2000; }",
            "no_record: the program prints what is no message of the protocol, 1000 times",
        ),
        (
            "prompt() { head -c 9000000 /dev/zero | tr '\\0' x; }",
            "no_record: a line of the program is longer than 8 MiB",
        ),
    ] {
        assert_eq!(failure(does, "  start_seconds: 1\n", &[]), why, "{does}");
    }
}

#[test]
fn words_between_the_messages_are_passed_over() {
    let does = "say 'Loading…'; say; say '[1,2]'\nprompt() { say '{\"id\":77,\"result\":{}}'; say '{\"method\":\"of/others\"}'; touch done; answer '{\"stopReason\":\"end_turn\"}'; }";
    assert_eq!(result(does, "", &[]).0["judge_passed"], true);
}

#[test]
fn a_rate_limit_pauses_its_model_until_the_time_that_is_named() {
    let does = r#"prompt() {
    [ -e "$world/asked" ] && { touch done; answer '{"stopReason":"end_turn"}'; return; }
    touch "$world/asked"
    fail '{"code":429,"message":"rate limit exceeded, try again in 1s"}'
}"#;
    let (world, fixture) = speaker(does, "");
    let ended = run(&world, &fixture, &["--message-format", "json"]).exits(0);
    assert!(ended.events().iter().any(|event| event["reason"] == "rate-limited"), "{ended}");
}

#[test]
fn a_run_that_is_stopped_is_cancelled_and_leaves_nothing_alive() {
    let does = r#"trap '' TERM
prompt() { prompt="$id"; touch "$world/prompted"; }
cancel() { id="$prompt"; touch "$world/cancelled"; answer '{"stopReason":"cancelled"}'; }"#;
    let (world, fixture) = speaker(does, "");
    let live = Live::start(&mut world.command(&["run", &fixture, "--results-dir", "results", "--runs", "1"]));
    wait_until("it works", || world.path("prompted").exists());
    live.signal("TERM");
    let (code, _, stderr) = live.end();
    assert_eq!(code, Some(143), "{stderr}");
    assert!(world.path("cancelled").exists(), "it was told");
    assert!(alive(world.path("bin/speaker").to_str().unwrap()).is_empty());
    world.write("does", "");
    let resumed = world.scylla(&["resume"]).exits(0);
    assert!(resumed.stdout.contains("passed"), "{resumed}");
}

#[test]
fn a_program_that_works_for_too_long_timed_out_and_what_it_cost_until_then_counts() {
    let does = r#"prompt() {
    update '{"sessionUpdate":"usage_update","used":1,"size":2,"cost":{"amount":0.5,"currency":"USD"}}'
    exec sleep 100
}"#;
    // It may end by the signal before we can cancel its turn, or say of the cancelled turn that it failed.
    let fails = r#"trap '' TERM
prompt() {
    prompt="$id"
    update '{"sessionUpdate":"usage_update","used":1,"size":2,"cost":{"amount":0.5,"currency":"USD"}}'
}
cancel() { id="$prompt"; fail '{"code":-32603,"message":"aborted"}'; }"#;
    for does in [does, fails] {
        let (result, _) = result(does, "", &["--timeout", "2"]);
        assert_eq!((&result["agent_end"], &result["cost_usd"]), (&"timed_out".into(), &0.5.into()), "{result:#}");
    }
}

#[test]
fn a_program_that_was_never_given_its_task_before_a_limit_failed_at_nothing() {
    for (does, unanswered) in [("initialize() { exec sleep 100; }", "initialize"), ("open() { :; }", "session/new")] {
        let failed = failure(does, "", &["--timeout", "2"]);
        let told = format!(
            "spawn: it did not answer `{unanswered}` until a limit of the run ended it, and was never given its task"
        );
        assert_eq!(failed, told);
    }
    let failed = failure("open() { :; }", "  start_seconds: 1\n", &["--timeout", "2"]);
    assert_eq!(failed, "spawn: `speaker` did not answer `session/new` within 1 s");
}

#[test]
fn a_cost_that_is_taken_back_is_not_forgotten() {
    let does = r#"prompt() {
    update '{"sessionUpdate":"usage_update","used":1,"size":2,"cost":{"amount":5,"currency":"USD"}}'
    update '{"sessionUpdate":"usage_update","used":1,"size":2,"cost":{"amount":0,"currency":"USD"}}'
    touch done; answer '{"stopReason":"end_turn"}'
}"#;
    let (result, _) = result(does, "", &[]);
    assert_eq!((&result["cost_usd"], &result["cost_source"]), (&5.0.into(), &"reported".into()), "{result:#}");
}

#[test]
fn a_program_that_prints_faster_than_it_is_heard_waits_and_fills_no_memory() {
    let (world, fixture) = speaker(
        r#"prompt() {
    for part in 0 1 2 3; do for line in 0 1 2 3 4 5 6 7 8 9; do cat "$world/line"; done; done
    grep VmHWM "/proc/$PPID/status" >"$world/peak"
    touch done; answer '{"stopReason":"end_turn"}'
}"#,
        "",
    );
    world.write("line", &format!("\"{}\"\n", r"\n".repeat(3_000_000)));
    run(&world, &fixture, &[]).exits(0);
    let peak = fs::read_to_string(world.path("peak")).unwrap();
    let kilobytes: u64 = peak.split_whitespace().nth(1).unwrap().parse().unwrap();
    assert!(kilobytes < 120_000, "of 240 MB that were printed at once, {kilobytes} kB were held");
}
