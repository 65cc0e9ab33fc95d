//! What agents are given, what they leave, and the outcome.

use std::time::Duration;

use super::record::{outcome, read};
use super::*;
use crate::model::agent::{AgentOutcome, Assignment, EndedAgent, Output, Paths, Reading};
use crate::model::ids::AttemptNumber;
use crate::model::limits::MOST_VARIABLE_BYTES;
use crate::model::money::Usd;
use crate::model::outcome::{AgentEnd, Failure, FailureKind};
use crate::model::program::{Invocation, Keys};
use crate::model::setup::{Resources, Setup, SystemPrompt, Tools};

/// The settings of an agent in a fixture, without a file.
#[derive(Default)]
struct Says {
    run: Option<Invocation>,
    variables: BTreeMap<String, String>,
    record: Option<&'static str>,
    solution: bool,
    mistakes: std::cell::RefCell<Vec<String>>,
}

impl Keys for Says {
    fn run(&self) -> Option<Invocation> {
        self.run.clone()
    }
    fn variables(&self, _: &'static str) -> Option<BTreeMap<String, String>> {
        Some(self.variables.clone())
    }
    fn choice(&self, _: &'static str, _: &[&'static str]) -> Option<&'static str> {
        self.record
    }
    fn seconds(&self, _: &'static str) -> Option<u64> {
        None
    }
    fn name(&self) -> Option<String> {
        None
    }
    fn reserve_name(&self, _: &str) {}
    fn has_solution(&self) -> bool {
        self.solution
    }
    fn mistake(&self, _: &'static str, message: String) {
        self.mistakes.borrow_mut().push(message);
    }
    fn mistake_with_hint(&self, message: String, _: String) {
        self.mistakes.borrow_mut().push(message);
    }
}

fn of_kind(name: &str, says: &Says) -> Agent {
    let kind = KINDS.iter().find(|kind| kind.name == name).unwrap();
    (kind.read)(says).unwrap()
}

fn shell(line: &str) -> Says {
    Says { run: Some(Invocation::Shell(line.to_owned())), ..Says::default() }
}

fn record(json: &str) -> Left {
    let now: jiff::Timestamp = "2026-11-28T12:00:00Z".parse().ok()?;
    Some(read(json.as_bytes(), now))
}

fn end_of(outcome: Result<AgentOutcome, Failure>) -> Result<AgentEnd, FailureKind> {
    outcome.map(|outcome| outcome.end).map_err(|failure| failure.kind)
}

/// What an agent left as its record.
type Left = Option<Reading>;

#[test]
fn what_an_agent_achieved_follows_from_its_end_and_its_record() {
    let none = || None;
    let torn = || record("{\"cost_usd\":");
    let rows: Vec<(bool, EndedAgent, Left, Result<AgentEnd, FailureKind>)> = vec![
        (false, EndedAgent::Exited(127), none(), Err(FailureKind::Spawn)),
        (true, EndedAgent::Exited(126), none(), Err(FailureKind::Spawn)),
        (true, EndedAgent::Exited(127), record("{}"), Ok(AgentEnd::Finished)),
        (false, EndedAgent::Exited(0), none(), Ok(AgentEnd::Finished)),
        (false, EndedAgent::Exited(1), none(), Ok(AgentEnd::Finished)),
        // Killed or crashed before it left a final record: directly, or as a shell reports it for its program.
        (false, EndedAgent::Signaled(9), none(), Err(FailureKind::Killed)),
        (false, EndedAgent::Signaled(11), none(), Err(FailureKind::Killed)),
        (false, EndedAgent::Signaled(9), record(r#"{"cost_usd":1}"#), Err(FailureKind::Killed)),
        (true, EndedAgent::Signaled(15), record(r#"{"cost_usd":1}"#), Err(FailureKind::Killed)),
        (false, EndedAgent::Exited(137), none(), Err(FailureKind::Killed)),
        (false, EndedAgent::Exited(143), record("{}"), Err(FailureKind::Killed)),
        (false, EndedAgent::Signaled(9), torn(), Err(FailureKind::Killed)),
        (false, EndedAgent::OutOfMemory, record("{}"), Err(FailureKind::OutOfMemory)),
        (false, EndedAgent::Signaled(9), record(r#"{"end":"finished"}"#), Ok(AgentEnd::Finished)),
        (false, EndedAgent::Exited(137), record(r#"{"end":"over_budget"}"#), Ok(AgentEnd::OverBudget)),
        // A broken pipe, and a code that no shell uses for a signal.
        (false, EndedAgent::Signaled(13), none(), Ok(AgentEnd::Finished)),
        (false, EndedAgent::Exited(145), none(), Ok(AgentEnd::Finished)),
        (true, EndedAgent::Exited(0), none(), Err(FailureKind::NoRecord)),
        (true, EndedAgent::Signaled(9), none(), Err(FailureKind::Killed)),
        (true, EndedAgent::TimedOut, none(), Ok(AgentEnd::TimedOut)),
        (true, EndedAgent::NoProgress, torn(), Ok(AgentEnd::NoProgress)),
        (false, EndedAgent::OutputLimit, record("{}"), Ok(AgentEnd::OutputLimit)),
        (false, EndedAgent::Exited(0), torn(), Err(FailureKind::NoRecord)),
        (true, EndedAgent::Exited(0), record("{}"), Ok(AgentEnd::Finished)),
        (true, EndedAgent::Exited(0), record(r#"{"end":"refused"}"#), Ok(AgentEnd::Refused)),
        (true, EndedAgent::Exited(1), record(r#"{"end":"over_budget"}"#), Ok(AgentEnd::OverBudget)),
        (true, EndedAgent::Exited(0), record(r#"{"failure":{"kind":"auth","message":"no"}}"#), Err(FailureKind::Auth)),
        (
            false,
            EndedAgent::TimedOut,
            record(r#"{"failure":{"kind":"provider","message":"5xx"}}"#),
            Err(FailureKind::Provider),
        ),
    ];
    for (required, ended, record, expected) in rows {
        let row = format!("{required} {ended:?} {record:?}");
        assert_eq!(end_of(outcome(required, ended, record)), expected, "{row}");
    }
}

#[test]
fn costs_and_tokens_are_taken_from_the_record_in_both_spellings() {
    let record =
        record(r#"{"cost_usd":0.25,"token_stats":{"input_tokens":3,"cache_read_input_tokens":7},"extra":[1]}"#);
    let outcome = outcome(true, EndedAgent::TimedOut, record).unwrap();
    assert_eq!(outcome.usage.cost.usd(), Usd::from_dollars(0.25).ok());
    assert_eq!((outcome.usage.tokens.input, outcome.usage.tokens.cache_read), (Some(3), Some(7)));
}

#[test]
fn a_record_that_cannot_be_true_is_refused() {
    let nested = format!(r#"{{"x":{}"#, "[".repeat(100_000));
    let long = format!(r#"{{"x":"{}"}}"#, "x".repeat(8 << 20));
    for (wrong, reason) in [
        (r#"{"cost_usd":-1}"#, "`cost_usd` is -1, less than 0"),
        (r#"{"cost_usd":1,"cost_usd":2}"#, "a key stands in it twice"),
        (r#"{"cost_usd":NaN}"#, "it is not JSON from line 1, column 13 on"),
        ("{} trailing", "it is not JSON from line 1, column 4 on"),
        (nested.as_str(), "it ends too early, in line 1, column 100005"),
        (long.as_str(), "it has more than 8 MiB"),
        (
            r#"{"failure":{"kind":"storage","message":"no"}}"#,
            "the kind of a failure is `auth`, `out_of_memory`, `provider` or `rate_limit`, not `storage`",
        ),
    ] {
        assert_eq!(record(wrong).unwrap().end, Err(reason.to_owned()));
    }
    let chatty = format!(r#"{{"failure":{{"kind":"auth","message":"{}"}}}}"#, "é".repeat(5000));
    assert_eq!(record(&chatty).unwrap().failure.unwrap().message.chars().count(), 1000);
}

#[test]
fn what_a_record_with_a_mistake_says_of_cost_tokens_and_failure_is_taken_all_the_same() {
    let dollar = Usd::from_dollars(1.0).unwrap();
    let wrong = r#"{"cost_usd":1.0,"token_stats":{"input_tokens":3},"end":"done"}"#;
    let stopped = outcome(true, EndedAgent::TimedOut, record(wrong)).unwrap();
    assert_eq!((stopped.usage.cost.usd(), stopped.usage.tokens.input), (Some(dollar), Some(3)));
    let failed = outcome(true, EndedAgent::Exited(0), record(wrong)).unwrap_err();
    assert_eq!(
        failed.to_string(),
        "unreadable record: `end` is \"done\", not `finished`, `over_budget`, `refused` or `context_too_long`; the $1.00 that it says it cost \
         are counted"
    );
    let debt = outcome(true, EndedAgent::Exited(0), record(r#"{"cost_usd":-1.0}"#)).unwrap_err();
    assert!(debt.message.ends_with("`cost_usd` is -1.0, less than 0; what it cost is not known"), "{debt}");
    let limited = outcome(
        true,
        EndedAgent::Exited(0),
        record(r#"{"cost_usd":1.0,"end":"done","failure":{"kind":"rate_limit","message":"429"}}"#),
    );
    let limited = limited.unwrap_err();
    assert_eq!(limited.kind, FailureKind::RateLimit);
    assert!(limited.message.starts_with("429 (the rest of the record cannot be read: "), "{limited}");
}

#[test]
fn thinking_puts_its_word_before_the_prompt() {
    for (mode, prompt) in [
        ("None", "Do it."),
        ("Low", "think\n\nDo it."),
        ("High", "think hard\n\nDo it."),
        ("UltraThink", "ultrathink\n\nDo it."),
    ] {
        assert_eq!(super::prompt("Do it.", mode), prompt, "{mode}");
    }
}

fn start_of(agent: &Agent, setup: &Setup, prompt: &str, model: Option<&str>) -> AgentStart {
    let allowed = [("PATH", "/bin"), ("MY_KEY", "y")];
    agent.start(&Assignment {
        allowance: crate::model::allowance::Allowance::default(),
        setup,
        run: "T0/00/12".parse().unwrap(),
        attempt: AttemptNumber(2),
        model,
        prompt,
        thinking: "None",
        environment: allowed.into_iter().map(|(name, value)| (name.into(), value.into())).collect(),
        paths: Paths {
            workspace: "/w".into(),
            prompt_file: "/p".into(),
            record_file: "/r".into(),
            fixture: "/f".into(),
            solution: Some("/f/expected/solution.patch".into()),
        },
    })
}

fn variables_of(setup: &Setup, prompt: &str, model: Option<&str>) -> Vec<String> {
    let variables = BTreeMap::from([("OWN".into(), "1".into()), ("SCYLLA_TIER".into(), "T9".into())]);
    let agent = of_kind("command", &Says { variables, ..shell("true") });
    let AgentStart::Command { argv, environment, .. } = start_of(&agent, setup, prompt, model) else {
        panic!("no command")
    };
    assert_eq!(argv, ["/bin/sh", "-c", "true"]);
    environment.iter().map(|(name, value)| format!("{}={}", name.display(), value.display())).collect()
}

fn environment_of(prompt: &str, model: Option<&str>) -> Vec<String> {
    variables_of(&Setup::default(), prompt, model)
}

#[test]
fn an_agent_is_told_its_task_and_nothing_can_say_otherwise() {
    let told = [
        "MY_KEY=y",
        "OWN=1",
        "PATH=/bin",
        "SCYLLA_ATTEMPT=2",
        "SCYLLA_FIXTURE=/f",
        "SCYLLA_MODEL=m",
        "SCYLLA_PROMPT=Do it.",
        "SCYLLA_PROMPT_FILE=/p",
        "SCYLLA_RECORD_FILE=/r",
        "SCYLLA_RUN=12",
        "SCYLLA_SUBTEST=00",
        "SCYLLA_SYSTEM_PROMPT_MODE=custom",
        "SCYLLA_TIER=T0",
        "SCYLLA_WORKSPACE=/w",
    ];
    assert_eq!(environment_of("Do it.", Some("m")), told);
}

#[test]
fn an_agent_is_told_of_its_setup_what_it_cannot_read() {
    let told = |setup: &Setup| -> Vec<String> {
        let is_of_setup = |variable: &String| {
            ["CLAUDE_CODE", "SCYLLA_SYSTEM", "SCYLLA_TOOLS"].iter().any(|name| variable.starts_with(name))
        };
        variables_of(setup, "", None).into_iter().filter(is_of_setup).collect()
    };
    let with = |system_prompt, tools, agent_teams| Setup {
        system_prompt,
        agent_teams,
        resources: Resources { tools, ..Resources::default() },
        ..Setup::default()
    };
    let some = Tools::Named(vec!["Read".into(), "Bash".into()]);
    assert_eq!(
        told(&with(SystemPrompt::None, Some(some), true)),
        ["CLAUDE_CODE_EXPERIMENTAL_AGENT_TEAMS=1", "SCYLLA_SYSTEM_PROMPT_MODE=none", "SCYLLA_TOOLS=Read,Bash"]
    );
    assert_eq!(
        told(&with(SystemPrompt::Default, Some(Tools::All), false)),
        ["SCYLLA_SYSTEM_PROMPT_MODE=default", "SCYLLA_TOOLS=all"]
    );
    assert_eq!(told(&Setup::default()), ["SCYLLA_SYSTEM_PROMPT_MODE=custom"]);
}

#[test]
fn a_prompt_that_no_variable_can_hold_is_in_the_file_only() {
    let has_prompt = |prompt: &str| environment_of(prompt, None).iter().any(|it| it.starts_with("SCYLLA_PROMPT="));
    assert!(has_prompt(&"x".repeat(MOST_VARIABLE_BYTES)));
    assert!(!has_prompt(&"x".repeat(MOST_VARIABLE_BYTES + 1)));
    assert!(!has_prompt("zero\0byte"));
    assert!(!environment_of("", None).iter().any(|it| it.starts_with("SCYLLA_MODEL=")));
}

#[test]
fn the_reference_agents_need_no_program_and_ask_no_model() {
    let solves = of_kind(SOLVES.name, &Says { solution: true, ..Says::default() });
    let nothing = of_kind(DOES_NOTHING.name, &Says::default());
    for (agent, start) in
        [(solves, AgentStart::ApplyPatch("/f/expected/solution.patch".into())), (nothing, AgentStart::Nothing)]
    {
        assert_eq!(start_of(&agent, &Setup::default(), "", Some("m")), start);
        assert!(agent.reader().is_none() && agent.program().is_none() && agent.model(Some("m")).is_none());
        assert!(!agent.may_hide_its_cost() && agent.kind().takes.is_empty());
    }
    let without = Says::default();
    assert!((SOLVES.read)(&without).is_none());
    assert_eq!(without.mistakes.borrow().len(), 1);
}

#[test]
fn what_a_fixture_says_of_an_agent_is_said_again_by_its_keys() {
    let agent = of_kind("command", &Says { record: Some("required"), ..shell("x") });
    assert_eq!(json!(agent.keys()).to_string(), r#"{"shell":"x","environment":{},"record":"required"}"#);
    assert!(!agent.may_hide_its_cost() && of_line("x").may_hide_its_cost());
    assert!(agent != of_line("x") && of_line("x") == of_line("x") && of_line("x") != of_line("y"));
    assert_ne!(
        of_kind(SOLVES.name, &Says { solution: true, ..Says::default() }),
        of_kind(DOES_NOTHING.name, &Says::default())
    );
}

#[test]
fn who_is_told_a_model_asks_that_one_and_who_is_not_asks_that_of_its_program() {
    let argv = |words: &[&str]| {
        let run = Invocation::Argv(words.iter().map(|word| (*word).to_owned()).collect());
        of_kind("command", &Says { run: Some(run), ..Says::default() })
    };
    for (agent, untold) in [
        (argv(&["/usr/bin/claude", "-p"]), "claude"),
        (argv(&["claude"]), "claude"),
        (argv(&["codex", "claude"]), "codex"),
        (argv(&["/"]), "the agents' model"),
        (of_line("claude -p x"), "the agents' model"),
    ] {
        let called = |told| agent.model(told).map(|model| model.to_string());
        assert_eq!(called(None).as_deref(), Some(untold), "{agent:?}");
        assert_eq!(called(Some("opus")).as_deref(), Some("opus"), "{agent:?}");
    }
}

#[test]
fn a_record_that_comes_in_pieces_says_at_any_time_what_was_used_so_far() {
    let now: jiff::Timestamp = "2026-11-28T12:00:00Z".parse().unwrap();
    let recorded = br#"{"token_stats":{"input_tokens":3},"cost_usd":0.25,"end":"over_budget"}"#;
    let whole = read(recorded, now);
    for size in 1..=recorded.len() {
        let mut reader = of_line("x").reader().unwrap();
        assert!(reader.reading(now).is_none(), "nothing was written yet");
        let mut costs = Vec::new();
        for piece in recorded.chunks(size) {
            reader.feed(Output::Record, piece);
            reader.feed(Output::Stdout, br#"{"cost_usd":9.75}"#);
            costs.push(reader.reading(now).unwrap().usage.cost.usd());
        }
        assert_eq!(reader.reading(now).as_ref(), Some(&whole));
        assert_eq!(reader.outcome(EndedAgent::Exited(1), now).unwrap().end, AgentEnd::OverBudget);
        // While a number is incomplete, at most its final value is known.
        assert!(costs.iter().flatten().all(|cost| Some(*cost) <= whole.usage.cost.usd()), "{size}: {costs:?}");
    }
    let mut killed = of_line("x").reader().unwrap();
    killed.feed(Output::Record, &recorded[..50]);
    assert_eq!(killed.reading(now).unwrap().usage.cost.usd(), Usd::from_dollars(0.25).ok());
    killed.cannot_read(Output::Record, "it is a folder".to_owned());
    assert_eq!(killed.reading(now).unwrap().end, Err("it is a folder".to_owned()));
}

#[test]
fn the_description_of_a_command_has_no_value_of_the_persons_environment() {
    let agent = of_line("true");
    let described = describe(&start_of(&agent, &Setup::default(), "secret prompt", Some("m")), &agent);
    let json: serde_json::Value = serde_json::from_str(&described).unwrap();
    assert_eq!(json["argv"], json!(["/bin/sh", "-c", "true"]));
    assert_eq!(json["environment"]["SCYLLA_MODEL"], "m");
    assert!(json["environment_names"].as_array().unwrap().contains(&json!("MY_KEY")));
    assert!(!described.contains("\"y\"") && !described.contains("secret prompt"), "{described}");
}

/// How long this thread was on a processor so far: it does not grow while a busy machine runs others.
fn time_on_processor() -> Duration {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(told.split(' ').next().unwrap().parse().unwrap())
}

/// The shortest of several times that it takes to read that many bytes of a record that repeats `part`.
fn time_to_read(part: &str, bytes: usize) -> Duration {
    let left = part.repeat(bytes / part.len());
    let time = || {
        let begun = time_on_processor();
        assert!(read(left.as_bytes(), jiff::Timestamp::UNIX_EPOCH).end.is_err());
        time_on_processor().saturating_sub(begun)
    };
    (0..2).map(|_| time()).min().unwrap_or_default()
}

#[test]
fn four_times_as_many_bytes_of_a_hostile_record_take_about_four_times_as_long() {
    // Shorter times are not meaningful: the system counts them by its ticks.
    const NOISE: Duration = Duration::from_millis(30);
    let keys = ["{\"cost_usd\":", "\"cost_usd\":", "\"cost_usd\": 1 ", "{\"failure\":", "\"token_stats\":{"];
    let marks = ["[", "{", "\"", "\\", "\\\"", "7", "{\"a\":[", "```", " \"cost_usd\"", "{\"kind\":{\"failure\":"];
    for (part, most) in keys.iter().map(|key| (key, 1 << 18)).chain(marks.iter().map(|mark| (mark, 1 << 16))) {
        let mut bytes = most >> 6;
        let mut former = time_to_read(part, bytes);
        while bytes < most {
            bytes *= 4;
            let longer = time_to_read(part, bytes);
            assert!(longer < former * 10 + NOISE, "{bytes} of {part:?}: {longer:?}, and a quarter of them {former:?}");
            former = longer;
        }
    }
}
