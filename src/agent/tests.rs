//! What agents are given, what they leave, and what follows.

use super::environment::allowed;
use super::record::{AgentOutcome, EndedAgent, Reading, outcome, read};
use super::*;
use crate::model::money::Usd;
use crate::model::outcome::{AgentEnd, Failure, FailureKind};
use crate::model::rubric::Rubric;
use crate::model::score::{GradeScale, Score};
use crate::model::task::{FixtureLimits, Invocation, Resources, Setup, Source, Stores};

fn spec(owes_record: bool) -> AgentSpec {
    AgentSpec::Command { run: Invocation::Shell("true".to_owned()), environment: BTreeMap::new(), owes_record }
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
        // Killed, or crashed, before it left a final record: by itself, or as a shell says it of its program.
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
        // A broken pipe, and a code that no shell makes of a signal.
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
    for (owes, ended, record, expected) in rows {
        let row = format!("{owes} {ended:?} {record:?}");
        assert_eq!(end_of(outcome(&spec(owes), ended, record)), expected, "{row}");
    }
}

#[test]
fn costs_and_tokens_are_taken_from_the_record_in_both_spellings() {
    let record =
        record(r#"{"cost_usd":0.25,"token_stats":{"input_tokens":3,"cache_read_input_tokens":7},"extra":[1]}"#);
    let outcome = outcome(&spec(true), EndedAgent::TimedOut, record).unwrap();
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
    let stopped = outcome(&spec(true), EndedAgent::TimedOut, record(wrong)).unwrap();
    assert_eq!((stopped.usage.cost.usd(), stopped.usage.tokens.input), (Some(dollar), Some(3)));
    let failed = outcome(&spec(true), EndedAgent::Exited(0), record(wrong)).unwrap_err();
    assert_eq!(
        failed.to_string(),
        "unreadable record: `end` is \"done\", not `finished`, `over_budget` or `refused`; the $1.00 that it says it cost \
         are counted"
    );
    let debt = outcome(&spec(true), EndedAgent::Exited(0), record(r#"{"cost_usd":-1.0}"#)).unwrap_err();
    assert!(debt.message.ends_with("`cost_usd` is -1.0, less than 0; what it cost is not known"), "{debt}");
    let limited = outcome(
        &spec(true),
        EndedAgent::Exited(0),
        record(r#"{"cost_usd":1.0,"end":"done","failure":{"kind":"rate_limit","message":"429"}}"#),
    );
    let limited = limited.unwrap_err();
    assert_eq!(limited.kind, FailureKind::RateLimit);
    assert!(limited.message.starts_with("429 (the rest of the record cannot be read: "), "{limited}");
}

#[test]
fn programs_are_given_the_allowed_part_of_the_environment_and_nothing_else() {
    let inherited: BTreeMap<OsString, OsString> =
        [("PATH", "/bin"), ("LC_ALL", "C"), ("AWS_SECRET", "x"), ("MY_KEY", "y"), ("LD_PRELOAD", "z")]
            .into_iter()
            .map(|(name, value)| (name.into(), value.into()))
            .collect();
    let given: Vec<String> =
        allowed(&inherited, &["MY_KEY".to_owned()]).keys().map(|name| name.to_string_lossy().into_owned()).collect();
    assert_eq!(given, ["LC_ALL", "MY_KEY", "PATH"]);
}

#[test]
fn nothing_that_cargo_and_rustup_set_for_us_reaches_a_program_unless_the_fixture_names_it() {
    let ours = [
        "CARGO",
        "CARGO_MANIFEST_DIR",
        "CARGO_PKG_NAME",
        "CARGO_TARGET_DIR",
        "LD_LIBRARY_PATH",
        "RUSTC",
        "RUSTC_WRAPPER",
        "RUSTDOCFLAGS",
        "RUSTFLAGS",
        "RUSTUP_TOOLCHAIN",
        "RUST_RECURSION_COUNT",
    ];
    let mut inherited: BTreeMap<OsString, OsString> = ours.map(|name| (name.into(), "x".into())).into();
    inherited.extend([("RUSTUP_HOME", "/rustup"), ("HOME", "/home")].map(|(name, value)| (name.into(), value.into())));
    inherited.insert("PATH".into(), "/rustup/toolchains/stable/bin:/home/.cargo/bin::bin:/bin".into());
    let given = allowed(&inherited, &[]);
    assert_eq!(given.keys().collect::<Vec<_>>(), ["HOME", "PATH", "RUSTUP_HOME"]);
    // Nor does a toolchain's own folder, which would win over the proxies; nor a relative place.
    assert_eq!(given[&OsString::from("PATH")], "/home/.cargo/bin:/bin");
    let named = allowed(&inherited, &["RUSTUP_TOOLCHAIN".into(), "LD_LIBRARY_PATH".into()]);
    assert_eq!(named.len(), 5);
    assert_eq!(named[&OsString::from("PATH")], "/rustup/toolchains/stable/bin:/home/.cargo/bin:/bin");
    // Without rustup, a person's own choice of a folder stays.
    inherited.remove(&OsString::from("RUSTUP_TOOLCHAIN"));
    assert!(allowed(&inherited, &[])[&OsString::from("PATH")].to_string_lossy().starts_with("/rustup/toolchains/"));
    inherited.insert("PATH".into(), ".:".into());
    assert!(!allowed(&inherited, &[]).contains_key(&OsString::from("PATH")));
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

fn fixture() -> Fixture {
    Fixture {
        id: "fixture".parse().unwrap(),
        name: String::new(),
        description: String::new(),
        language: String::new(),
        source: Source::Folder,
        prompt: String::new(),
        prompt_file: String::new(),
        criteria: String::new(),
        validation_files: Vec::new(),
        rubric: Rubric { items: vec![], pass_threshold: Score::ONE, grade_scale: GradeScale::default() },
        checks: vec![],
        judges: vec![],
        timeout_seconds: None,
        no_progress_seconds: None,
        environment: vec!["MY_KEY".into()],
        capture_include: Vec::new(),
        solution_file: Some("expected/solution.patch".into()),
        limits: FixtureLimits::default(),
        stores: Stores::default(),
        tiers: BTreeMap::new(),
    }
}

fn work_of(agent: AgentSpec, prompt: &str, model: Option<&str>) -> AgentStart {
    let subtest = Subtest {
        name: String::new(),
        description: String::new(),
        agent,
        overlay: None,
        file: String::new(),
        setup: Setup::default(),
    };
    let inherited = [("PATH", "/bin"), ("MY_KEY", "y"), ("SCYLLA_MODEL", "stale"), ("OTHER", "z")];
    let inherited = inherited.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
    let assignment = Assignment {
        fixture: &fixture(),
        subtest: &subtest,
        setup: &subtest.setup,
        run: "T0/00/12".parse().unwrap(),
        attempt: AttemptNumber(2),
        model,
        prompt,
        paths: Paths {
            workspace: "/w".into(),
            prompt_file: "/p".into(),
            record_file: "/r".into(),
            fixture: "/f".into(),
        },
    };
    work(&assignment, &inherited)
}

fn environment_of(prompt: &str, model: Option<&str>) -> Vec<String> {
    let agent = AgentSpec::Command {
        run: Invocation::Shell("true".to_owned()),
        environment: BTreeMap::from([("OWN".into(), "1".into()), ("SCYLLA_TIER".into(), "T9".into())]),
        owes_record: false,
    };
    let AgentStart::Command { argv, environment } = work_of(agent, prompt, model) else { panic!("no command") };
    assert_eq!(argv, ["/bin/sh", "-c", "true"]);
    environment.iter().map(|(name, value)| format!("{}={}", name.display(), value.display())).collect()
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
        let variables = setup_variables(setup);
        variables.iter().map(|(name, value)| format!("{}={}", name.display(), value.display())).collect()
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
fn the_reference_agents_need_no_program() {
    assert_eq!(work_of(AgentSpec::Oracle, "", None), AgentStart::ApplyPatch("/f/expected/solution.patch".into()));
    assert_eq!(work_of(AgentSpec::Nop, "", None), AgentStart::Nothing);
}

#[test]
fn the_description_of_a_command_has_no_value_of_the_persons_environment() {
    let agent = spec(true);
    let described = describe(&work_of(agent.clone(), "secret prompt", Some("m")), &agent);
    let json: serde_json::Value = serde_json::from_str(&described).unwrap();
    assert_eq!(json["argv"], json!(["/bin/sh", "-c", "true"]));
    assert_eq!(json["environment"]["SCYLLA_MODEL"], "m");
    assert!(json["environment_names"].as_array().unwrap().contains(&json!("MY_KEY")));
    assert!(!described.contains("\"y\"") && !described.contains("secret prompt"), "{described}");
}
