//! Every failure shows its cause where it is reported, at once and the next morning.

use serde_json::Value;

use crate::fixture::TestFixture;
use crate::scenes::{AGENT, experiment};
use crate::world::{Output, World};

fn run(world: &World, fixture: &str, more: &[&str]) -> Output {
    let arguments = ["run", "--tiers-dir", fixture, "--results-dir", "results", "--jobs", "1", "--runs", "2"];
    world.scylla(&[&arguments[..], more].concat())
}

fn status(world: &World) -> (String, Value) {
    let dir = experiment(world);
    let json = world.scylla(&["status", &dir, "--message-format", "json"]).exits(0).stdout;
    (world.scylla(&["status", &dir]).exits(0).stdout, serde_json::from_str(&json).unwrap())
}

/// The lines of a text from one that is this one to the next empty one.
#[track_caller]
fn block<'a>(text: &'a str, from: &str) -> Vec<&'a str> {
    let lines = text.lines().skip_while(|line| !line.contains(from));
    let block: Vec<&str> = lines.take_while(|line| !line.is_empty()).collect();
    assert!(!block.is_empty(), "no `{from}` in\n{text}");
    block
}

#[test]
fn why_a_run_is_missing_is_said_by_status_and_verify_long_after_the_run() {
    let world = World::new();
    let gone = "agent:\n  kind: command\n  command: [nosuchagent]\n";
    let broken = "echo 'no such model' >&2; exit 3";
    let fixture = TestFixture::new().subtest("T0/00-gone", gone).agent("T1/00-well", AGENT).judge(broken).write(&world);
    let ran = run(&world, &fixture, &["--attempts", "1"]).exits(6);
    let (human, json) = status(&world);
    let told = block(&ran.stdout, "planned runs are missing");
    assert_eq!(block(&human, "planned runs are missing"), told, "{ran}{human}");
    let told = told.join("\n");
    let agents = "T0/00/run_01 and T0/00/run_02: spawn: program `nosuchagent` is not found";
    assert!(told.contains(agents), "{told}");
    assert!(told.contains("T1/00/run_01 and T1/00/run_02: judge `asked` exited with 3"), "{told}");
    assert!(told.contains("no such model"), "{told}");
    assert_eq!(json["errored"][0]["runs"], serde_json::json!(["T0/00/run_01", "T0/00/run_02"]), "{json:#}");
    assert_eq!(json["errored"][1]["failure"]["excerpt"]["text"], "no such model", "{json:#}");
    let verified = world.scylla(&["verify", &experiment(&world)]).exits(6).stdout;
    assert!(verified.contains("attempts were used up: spawn: program `nosuchagent` is not found"), "{verified}");
    assert!(verified.contains("the judges are not: judge `asked` exited with 3"), "{verified}");
    assert!(verified.contains("ends with `no such model`"), "{verified}");
}

#[test]
fn why_an_agents_work_failed_is_said_once_for_each_setup_below_the_table() {
    let world = World::new();
    let record = "agent:\n  kind: command\n  record: optional\n  shell: ";
    let fixture = TestFixture::new()
        .subtest("T0/00-key", &format!("{record}\"echo 'API key is not valid' >&2; exit 1\"\n"))
        .subtest("T0/01-half", &format!("{record}echo x > half\n"))
        .subtest("T0/02-idle", &format!("{record}\"true\"\n"))
        .subtest("T0/03-well", &format!("{record}touch done\n"))
        .check("test -f done || { echo 'no done here'; exit 1; }")
        .write(&world);
    let ran = run(&world, &fixture, &[]).exits(0);
    let (human, json) = status(&world);
    let told = block(&ran.stdout, "Why runs did not pass");
    assert_eq!(
        told[1..],
        [
            "  T0/00: 2 of 2 agents exited with 1 and changed nothing: `API key is not valid` (T0/00/run_01/agent/stderr.log)",
            "  T0/01: check `done` failed 2 times of 2: `no done here` (T0/01/run_01/checks/done.log)",
            "  T0/02: 2 of 2 agents changed nothing",
        ],
        "{ran}"
    );
    assert_eq!(block(&human, "Why runs did not pass"), told, "{human}");
    assert_eq!(json["shortfalls"][0]["exit_code"], 1, "{json:#}");
    let events = run(&world, &fixture, &["--fresh", "--message-format", "json"]).exits(0).events();
    let committed: Vec<&Value> = events.iter().filter(|event| event["reason"] == "run-committed").collect();
    assert_eq!(committed[0]["exit_code"], 1, "{committed:#?}");
    assert_eq!(events.last().unwrap()["shortfalls"], json["shortfalls"], "{events:#?}");
}

#[test]
fn where_every_run_passed_nothing_is_explained() {
    let world = World::new();
    let fixture = TestFixture::new().agent("T0/00-well", AGENT).write(&world);
    let ran = run(&world, &fixture, &[]).exits(0);
    let (human, json) = status(&world);
    assert!(!ran.stdout.contains("Why") && !human.contains("Why"), "{ran}{human}");
    assert_eq!(json["shortfalls"], serde_json::json!([]), "{json:#}");
}

#[test]
fn a_check_that_ran_out_of_time_is_called_so() {
    let world = World::new();
    let checks = "checks:\n  - name: many\n    shell: sleep 100\n    timeout_seconds: 1\n";
    let fixture = TestFixture::new().agent("T0/00-well", AGENT).write(&world);
    let yaml = std::fs::read_to_string(world.path("fixture/test.yaml")).unwrap();
    let rest = yaml.split_once("checks:\n").unwrap();
    let tail = rest.1.split_once("tiers:").unwrap().1;
    world.write("fixture/test.yaml", &format!("{}{checks}tiers:{tail}", rest.0));
    crate::scenes::edit(&world, "fixture/expected/rubric.yaml", "rests_on: done", "rests_on: many");
    let ran = run(&world, &fixture, &[]).exits(0);
    assert!(ran.stderr.contains("check `many` timed out after 1 s"), "{ran}");
    let (human, _) = status(&world);
    assert!(human.contains("T0/00: check `many` timed out after 1 s 2 times of 2"), "{human}");
}

#[test]
fn a_failure_that_repeats_is_told_once_and_names_the_check_or_judge_and_its_mistake() {
    let world = World::new();
    let wrong = r#"printf '{"cost_usd": "0.5", "end": "done"}' > "$SCYLLA_RECORD_FILE""#;
    let fixture = TestFixture::new().agent("T0/00-wrong", wrong).write(&world);
    let ran = run(&world, &fixture, &["--attempts", "2"]).exits(6);
    let told = "unreadable record: `cost_usd` is \"0.5\", not a number; `end` is \"done\", not `finished`";
    assert_eq!(ran.stderr.matches(told).count(), 2, "once for each run: {ran}");
    assert!(ran.stderr.contains("attempt 2 failed in agent for the same reason"), "{ran}");
    assert!(ran.stderr.contains("missing after 2 attempts, for the same reason"), "{ran}");
    assert!(!ran.stdout.contains("no record: "), "{ran}");
    let yaml = std::fs::read_to_string(world.path("fixture/test.yaml")).unwrap();
    world.write("fixture/test.yaml", &yaml.replace("shell: \"test -f done\"", "command: [nosuchcheck, a]"));
    world.write("fixture/tiers/T0/00-wrong.yaml", "agent:\n  kind: nop\n");
    let ran = run(&world, &fixture, &["--fresh", "--attempts", "1"]).exits(6);
    assert!(ran.stderr.contains("starts `nosuchcheck`, which is not installed here"), "{ran}");
    assert!(ran.stdout.contains(": check `done`: program `nosuchcheck` is not found"), "{ran}");
    let judged = TestFixture::new().agent("T0/00-wrong", AGENT).judge("nosuchjudge").write(&world);
    let yaml = std::fs::read_to_string(world.path("fixture/test.yaml")).unwrap();
    world.write("fixture/test.yaml", &yaml.replace("shell: \"nosuchjudge\"", "command: [nosuchjudge]"));
    let ran = run(&world, &judged, &["--fresh", "--attempts", "1"]).exits(6);
    assert!(ran.stdout.contains(": judge `asked`: program `nosuchjudge` is not found"), "{ran}");
}

#[test]
fn a_check_whose_program_no_shell_finds_in_the_untouched_tree_is_named_before_any_agent() {
    let world = World::new();
    let agent = format!("now=$(date +%s); {AGENT}");
    let fixture = TestFixture::new().agent("T0/00-well", &agent).check("nosuchcheck a").write(&world);
    let ran = run(&world, &fixture, &[]).exits(0);
    assert!(!ran.stderr.contains("the agent of"), "what an assignment computes is no program: {ran}");
    let told = "check `done` exited with 127 in the untouched tree";
    assert_eq!(ran.stderr.matches(told).count(), 1, "{ran}");
    assert!(ran.stderr.find(told) < ran.stderr.find("Failed"), "{ran}");
    assert!(ran.stderr.contains("the check `done` starts `nosuchcheck`, which is not installed here"), "{ran}");
}

#[test]
fn a_tier_that_is_given_up_says_so_and_names_every_run_that_it_leaves() {
    let world = World::new();
    let gone = "agent:\n  kind: command\n  command: [nosuchagent]\n";
    let fixture = TestFixture::new().subtest("T0/00-gone", gone).write(&world);
    let arguments = ["run", "--tiers-dir", &fixture, "--results-dir", "results", "--jobs", "1", "--runs", "5"];
    let ran = world.scylla(&[&arguments[..], &["--attempts", "2"]].concat()).exits(6);
    let told =
        "spawn failures in 5 runs in a row: nothing more of it is started in this session; 1 planned run stays missing";
    assert!(ran.stderr.contains("Gives up") && ran.stderr.contains(told), "{ran}");
    let (human, json) = status(&world);
    assert_eq!(json["missing"], serde_json::json!({"errored": 4, "unfinished": 1}), "{json:#}");
    assert!(human.contains("T0/00/run_04 and T0/00/run_05: spawn: program `nosuchagent` is not found"), "{human}");
    assert!(ran.stdout.contains("T0/00/run_04 and T0/00/run_05: spawn: program `nosuchagent` is not found"), "{ran}");
}

#[test]
fn status_says_until_when_a_rate_limit_is_waited_for_and_calls_nothing_in_flight() {
    let world = World::new();
    let limited = r#"cat > /dev/null; echo '{"failure": {"kind": "rate_limit", "retry_at": 600}}'"#;
    let fixture = TestFixture::new().agent("T0/00-well", AGENT).judge(limited).write(&world);
    let mut live = world.start(&["run", "--tiers-dir", &fixture, "--results-dir", "results", "--runs", "1"]);
    let waits = live.wait_for_reason("rate-limited");
    crate::world::wait_until("the wait is in the checkpoint", || crate::scenes::status(&world) == "paused_rate_limit");
    let (human, json) = status(&world);
    assert_eq!(json["retry_at"], waits["until"], "{json:#}");
    assert_eq!(json["in_flight"], serde_json::json!([]), "{json:#}");
    assert!(human.contains("goes on") && !human.contains("in flight"), "{human}");
    live.signal("TERM");
    assert_eq!(live.end().0, Some(143));
}

#[test]
fn at_the_ceiling_status_names_the_command_that_the_end_of_the_run_names() {
    let world = World::new();
    let fixture = TestFixture::new().agent("T0/00-well", AGENT).write(&world);
    let ran = run(&world, &fixture, &["--max-cost-usd", "0.6"]).exits(6);
    let last = |text: &str| text.lines().last().unwrap().split_once("--max-cost-usd").unwrap().1.to_owned();
    let (human, _) = status(&world);
    assert_eq!(last(&human), last(&ran.stdout), "{human}{ran}");
}

#[test]
fn a_full_work_folder_is_called_so_and_nothing_is_to_be_regraded() {
    let world = World::new();
    let fills = "cat /dev/zero > fill 2> /dev/null; true";
    let fixture = TestFixture::new().agent("T0/00-fills", fills).write(&world);
    let work = world.path("work");
    std::fs::create_dir(&work).unwrap();
    let program = world.command(&["run", "--tiers-dir", &fixture, "--results-dir", "results", "--runs", "1"]);
    let mut command = std::process::Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount", "sh", "-c"]);
    command.arg("mount -t tmpfs -o size=2m none \"$0\" || exit 77; exec \"$@\"").arg(&work);
    command.arg(program.get_program()).args(program.get_args()).current_dir(world.path(""));
    command.args(["--containment", "walk", "--attempts", "1", "--work-dir"]).arg(&work);
    world.seal(&mut command);
    let ran = crate::scenes::output(&mut command);
    if ran.code == Some(77) || ran.code == Some(1) && ran.stderr.contains("unshare") {
        return;
    }
    let ran = ran.exits(6);
    assert!(ran.stderr.contains("the work folder is full"), "{ran}");
    assert!(ran.stderr.contains("--work-dir OTHER") && !ran.stderr.contains("regrade"), "{ran}");
}

#[test]
fn where_more_setups_failed_than_are_shown_the_command_that_is_printed_shows_all() {
    let world = World::new();
    let idle = r#"printf '{"cost_usd": 0}' > "$SCYLLA_RECORD_FILE""#;
    let all = (0..9).fold(TestFixture::new(), |all, number| all.agent(&format!("T0/0{number}-idle"), idle));
    let ran = run(&world, &all.write(&world), &[]).exits(0).stdout;
    let printed = ran.split_once("… and 1 more: `cargo scylla ").and_then(|(_, rest)| rest.split_once('`'));
    let words: Vec<&str> = printed.unwrap_or_else(|| panic!("{ran}")).0.split(' ').collect();
    let shown = world.scylla(&words).exits(0).stdout;
    assert!(shown.contains("  T0/08: 2 of 2 agents changed nothing"), "{shown}");
}

#[test]
fn of_an_agent_that_prints_json_its_last_words_are_shown_and_no_piece_of_json() {
    let world = World::new();
    let says = r#"printf '%s\n' '{"type":"result","result":"The tree is fine as it is.","usage":{"input_tokens":3}}'"#;
    let fixture = TestFixture::new().agent("T0/00-idle", says).write(&world);
    let ran = run(&world, &fixture, &[]).exits(0).stdout;
    let line = "T0/00: 2 of 2 agents changed nothing: `The tree is fine as it is.` (T0/00/run_01/agent/stdout.log)";
    assert!(ran.contains(line), "{ran}");
}
