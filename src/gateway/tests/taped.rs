//! What passes is kept, and given again to an attempt that has no key.

use std::ffi::OsStr;

use serde_json::json;

use super::{Host, MESSAGE, Place, answer, ask, text, tokens, variables};
use crate::gateway::{Lease, Passing, Words};
use crate::model::allowance::Allowance;
use crate::model::usage::Cost;

#[test]
fn whoever_is_answered_from_a_tape_has_no_real_key_and_asks_nobody() {
    let place = Place::new();
    let host = Host::of(vec![answer("application/json", MESSAGE)]);
    let tape = place.folder.path().join("tape");
    let body = json!({"model": "claude-sonnet-4-5", "messages": []});
    let asks = |lease: &Lease, key: &str| {
        let mut given = variables(&[("ANTHROPIC_API_KEY", key), ("ANTHROPIC_BASE_URL", &host.address)]);
        lease.redirect(&mut given, None);
        ask(&format!("{}/v1/messages", text(&given, "ANTHROPIC_BASE_URL")), text(&given, "ANTHROPIC_API_KEY"), &body)
    };
    let lease = place.lease_by(Allowance::default(), Passing::Kept(tape.clone(), Words::default()));
    assert_eq!(asks(&lease, "real").unwrap().status, 200);
    assert_eq!(lease.end().unwrap().left_out, None);
    assert!(host.next().contains("x-api-key: real"));
    let again = || place.lease_by(Allowance::default(), Passing::Given(tape.clone(), Words::default()));
    let lease = again();
    assert_eq!(String::from_utf8(asks(&lease, "real").unwrap().body).unwrap(), MESSAGE);
    let exchanged = lease.end().unwrap();
    assert_eq!((exchanged.exchanges[0].tokens, exchanged.exchanges[0].cost), (tokens(10, 3), Cost::NOTHING));
    assert!(host.asked.try_recv().is_err(), "nobody came");
    let lease = again();
    let real = ["ANTHROPIC_API_KEY", "GEMINI_API_KEY", "OPENAI_API_KEY", "CLAUDE_CODE_OAUTH_TOKEN"];
    let mut given = variables(&real.map(|name| (name, "real")));
    lease.redirect(&mut given, Some(&["OPENAI_API_BASE"]));
    assert!(given.values().all(|value| value != "real"), "{given:?}");
    assert!(text(&given, "OPENAI_API_BASE").starts_with("http://127.0.0.1:"), "{given:?}");
    let mut given = variables(&[]);
    lease.redirect(&mut given, Some(&["ANTHROPIC_BASE_URL"]));
    assert!(!text(&given, "ANTHROPIC_API_KEY").is_empty(), "a program that looks for a key finds one: {given:?}");
    assert_eq!((lease.end().unwrap().unasked, given.contains_key(OsStr::new("OPENAI_API_KEY"))), (1, false));
}
