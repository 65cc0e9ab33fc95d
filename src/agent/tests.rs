use super::environment::allowed;
use super::record::{AgentOutcome, EndedAgent, Record, outcome, parse};
use super::*;
use crate::model::money::Usd;
use crate::model::outcome::{AgentEnd, Failure, FailureKind};
use crate::model::task::Invocation;

fn spec(owes_record: bool) -> AgentSpec {
    AgentSpec::Command { run: Invocation::Shell("true".to_owned()), environment: BTreeMap::new(), owes_record }
}

fn record(json: &str) -> Result<Option<Record>, String> {
    parse(json.as_bytes()).map(Some)
}

fn end_of(outcome: Result<AgentOutcome, Failure>) -> Result<AgentEnd, FailureKind> {
    outcome.map(|outcome| outcome.end).map_err(|failure| failure.kind)
}

#[test]
fn what_an_agent_achieved_follows_from_its_end_and_its_record() {
    let none = || Ok(None);
    let torn = || record("{\"cost_usd\":");
    let rows: Vec<(bool, EndedAgent, Result<Option<Record>, String>, Result<AgentEnd, FailureKind>)> = vec![
        (false, EndedAgent::Exited(0), none(), Ok(AgentEnd::Finished)),
        (false, EndedAgent::Exited(1), none(), Ok(AgentEnd::Finished)),
        (false, EndedAgent::Signaled(9), none(), Ok(AgentEnd::Finished)),
        (true, EndedAgent::Exited(0), none(), Err(FailureKind::NoRecord)),
        (true, EndedAgent::Signaled(9), none(), Err(FailureKind::NoRecord)),
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
    assert_eq!(outcome.cost_usd, Usd::from_dollars(0.25).unwrap());
    assert_eq!((outcome.token_stats.input_tokens, outcome.token_stats.cache_read_tokens), (3, 7));
}

#[test]
fn a_record_with_a_negative_cost_is_refused() {
    assert!(parse(br#"{"cost_usd":-1}"#).is_err());
    assert!(parse(b"[]").is_err());
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
fn thinking_puts_its_word_before_the_prompt() {
    assert_eq!(prompt::compose("Do it.", "UltraThink"), "ultrathink\n\nDo it.");
    assert_eq!(prompt::compose("Do it.", "None"), "Do it.");
}
