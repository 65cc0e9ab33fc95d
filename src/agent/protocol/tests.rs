//! The client alone: whatever a program says, it does something sensible and comes to an end.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::agent::events::Stream;

fn order() -> Order {
    Order {
        command: vec!["program".to_owned()],
        mode: Some("code".to_owned()),
        model: None,
        login: None,
        permissions: Permissions::Allow,
        counts_tokens: false,
        start_seconds: 1,
    }
}

/// The messages that are to be sent.
fn sent(acts: &[Act]) -> Vec<Value> {
    let sent = |act: &Act| match act {
        Act::Send(message) => Some(message.clone()),
        _ => None,
    };
    acts.iter().filter_map(sent).collect()
}

fn heard(client: &mut Client<'_>, message: &Value) -> Vec<Act> {
    client.handle(Heard::Line(message.to_string().as_bytes()))
}

/// A client whose program works on the prompt.
fn prompted(order: &Order) -> Client<'_> {
    let mut client = Client::new(order, "/tree", "Do it.");
    client.begin();
    let modes = json!({"availableModes": [{"id": "code"}]});
    for result in [json!({"protocolVersion": 1}), json!({"sessionId": "s", "modes": modes}), json!({})] {
        assert!(client.is_starting());
        let id = client.last_id();
        heard(&mut client, &json!({"jsonrpc": "2.0", "id": id, "result": result}));
    }
    assert!(!client.is_starting() && client.waits_for() == "session/prompt");
    client
}

#[test]
fn a_message_with_half_an_emoji_is_a_message() {
    let order = order();
    let mut client = Client::new(&order, "/tree", "Do it.");
    client.begin();
    let answer =
        format!(r#"{{"jsonrpc":"2.0","id":{},"result":{{"protocolVersion":1,"x":"\ud83d"}}}}"#, client.last_id());
    assert_eq!(sent(&client.handle(Heard::Line(answer.as_bytes())))[0]["method"], "session/new");
}

#[test]
fn a_question_is_answered_by_what_the_fixture_says_and_after_a_cancel_by_nothing() {
    let options = |kinds: &[&str]| kinds.iter().map(|kind| json!({"optionId": kind, "kind": kind})).collect::<Vec<_>>();
    let question = |kinds: &[&str]| json!({"id": 7, "method": "session/request_permission", "params": {"options": options(kinds)}});
    let outcome = |client: &mut Client<'_>, kinds: &[&str]| {
        let answers = sent(&heard(client, &question(kinds)));
        answers[0]["result"]["outcome"].clone()
    };
    let all = ["reject_always", "reject_once", "allow_always", "allow_once"];
    let chosen = |id: &str| json!({"outcome": "selected", "optionId": id});
    let cancelled = json!({"outcome": "cancelled"});
    for (permissions, kinds, expected) in [
        (Permissions::Allow, &all[..], chosen("allow_once")),
        (Permissions::Allow, &all[..3], chosen("allow_always")),
        (Permissions::Allow, &all[..2], cancelled.clone()),
        (Permissions::Reject, &all[..], chosen("reject_once")),
        (Permissions::Reject, &all[2..], cancelled.clone()),
        (Permissions::Reject, &[], cancelled.clone()),
    ] {
        let order = Order { permissions, ..order() };
        let mut client = prompted(&order);
        assert_eq!(outcome(&mut client, kinds), expected, "{permissions:?} {kinds:?}");
        let stopping = sent(&client.handle(Heard::Stop));
        assert_eq!((stopping.len(), &stopping[0]["method"]), (1, &"session/cancel".into()));
        assert_eq!(outcome(&mut client, kinds), cancelled);
        assert!(client.handle(Heard::Stop).is_empty(), "it is told once");
    }
}

#[test]
fn an_answer_to_something_else_changes_nothing_and_after_the_end_nothing_is_done() {
    let order = order();
    let mut client = prompted(&order);
    let id = client.last_id();
    for stray in [
        json!({"id": id + 1, "result": {}}),
        json!({"id": "1", "result": {}}),
        json!({"id": null, "error": {}}),
        json!({}),
    ] {
        assert_eq!(heard(&mut client, &stray), [Act::Received(stray.clone())], "{stray}");
    }
    let last = json!({"id": id, "result": {"stopReason": "end_turn"}});
    assert_eq!(heard(&mut client, &last), [Act::Received(last.clone()), Act::Over(None)]);
    assert!(heard(&mut client, &last).is_empty() && client.handle(Heard::Stop).is_empty());
}

#[test]
fn a_stop_before_the_prompt_ends_it_at_once() {
    let order = order();
    let mut client = Client::new(&order, "/tree", "Do it.");
    client.begin();
    assert!(matches!(client.handle(Heard::Stop)[..], [Act::Over(Some(_))]));
}

#[test]
fn a_long_text_is_cut_in_the_log_and_each_line_is_read_as_it_was_written() {
    let text = "é".repeat(100_000);
    let line = Entry::Sent(json!({"result": {"content": text, "short": ["x"]}})).line();
    assert!(line.len() < 70_000 && line.ends_with("}\n") && line.contains("bytes more\""), "{}", line.len());
    for entry in [
        Entry::Began(order()),
        Entry::Received(json!({"id": 1})),
        Entry::PassedOver("what".to_owned()),
        Entry::Over(Over::broken("gone")),
    ] {
        assert_eq!(serde_json::from_str::<Entry>(&entry.line()).unwrap(), entry);
    }
}

/// Values that are near what programs say.
fn value() -> impl Strategy<Value = Value> {
    let word = prop::sample::select(vec![
        "session/request_permission",
        "fs/read_text_file",
        "fs/write_text_file",
        "session/update",
        "s",
        "code",
        "allow_once",
        "end_turn",
        "/a",
        "tool_call",
        "tool_call_update",
        "agent_thought_chunk",
        "completed",
        "USD",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (0..5_u64).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        word.prop_map(Value::from),
    ];
    let key = prop::sample::select(vec![
        "id",
        "method",
        "params",
        "result",
        "error",
        "code",
        "message",
        "options",
        "kind",
        "path",
        "content",
        "update",
        "text",
        "sessionUpdate",
        "sessionId",
        "protocolVersion",
        "modes",
        "availableModes",
        "configOptions",
        "stopReason",
        "usage",
        "cost",
        "amount",
        "currency",
        "toolCallId",
        "status",
        "rawInput",
        "received",
        "sent",
        "over",
        "began",
    ]);
    leaf.prop_recursive(4, 24, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((key.clone(), inner), 0..6)
                .prop_map(|members| members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()),
        ]
    })
}

proptest! {
    #[test]
    fn whatever_a_program_says_nothing_panics_and_at_most_one_thing_is_asked_at_a_time(said in prop::collection::vec(value(), 0..12)) {
        let order = order();
        let mut client = Client::new(&order, "/tree", "Do it.");
        client.begin();
        for message in &said {
            let before = client.last_id();
            let acts = heard(&mut client, message);
            let asked = sent(&acts).iter().filter(|message| message["method"].is_string()).count();
            prop_assert!(asked <= 1 && client.last_id() <= before + 1);
        }
    }

    #[test]
    fn whatever_a_log_says_it_is_read_and_tells_steps(said in prop::collection::vec(value(), 0..12), cut in any::<prop::sample::Index>()) {
        use crate::model::agent::{EndedAgent, Output, Reader};
        let lines: String = said.iter().map(|message| Entry::Received(message.clone()).line() + &format!("{message}\n")).collect();
        let cut = &lines.as_bytes()[..cut.index(lines.len() + 1)];
        let mut reader = Stream::<crate::agent::acp::Spoken>::default();
        reader.feed(Output::Stdout, cut);
        let _ = reader.outcome(EndedAgent::Exited(0), jiff::Timestamp::UNIX_EPOCH);
        let _ = (STEPS.read)(cut);
    }
}
