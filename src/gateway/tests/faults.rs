//! Providers that send what is no answer: it is told for what it is, what is known is written down, and nobody else has a part in it.

use std::path::Path;

use serde_json::json;

use super::{Host, MESSAGE, Place, answer, ask, sent_to, tokens};
use crate::model::exchange::Passage;
use crate::model::usage::{Cost, Tokens};

/// The beginning of a stream, with what is known of it.
const BEGUN: &str = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"model\":\"claude-sonnet-4-5\",\"usage\":{\"input_tokens\":10,\"output_tokens\":1}}}\n\n";

/// What whoever asked is given.
#[derive(Debug, PartialEq)]
enum Given {
    /// A whole answer with this status.
    Whole(u16),
    /// The beginning of one, and then the end of the connection.
    Half,
}

/// A case: what it is called, what the provider sends, what whoever asked is given, and what is written down.
type Case = (&'static str, Vec<u8>, Given, (Option<u16>, Passage, Tokens));

fn head(more: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nconnection: close\r\n{more}\r\n")
}

fn cases() -> Vec<Case> {
    let (events, json) = ("content-type: text/event-stream\r\n", "content-type: application/json\r\n");
    let chunked = "transfer-encoding: chunked\r\n";
    let sized = |body: &[u8]| format!("content-length: {}\r\n", body.len());
    let whole = |kind: &str, body: &[u8]| [head(&format!("{kind}{}", sized(body))).as_bytes(), body].concat();
    let chunk = |text: &str| format!("{:x}\r\n{text}\r\n", text.len());
    let lost = (None, Passage::Cut, Tokens::default());
    let (nothing, begun) = (Tokens::default(), tokens(10, 1));
    let packed = [&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3][..], &[0xff; 40]].concat();
    let broken = [BEGUN.as_bytes(), b"data: {\"type\":\"message_delta\",\"usage\":\n\n\xff\xfe data\ndata\n: \ndata: [1\n\ndata: {\"type\": 7, \"usage\": \"many\"}\n\n"].concat();
    vec![
        ("nothing", Vec::new(), Given::Whole(502), lost),
        ("no HTTP", b"SSH-2.0-OpenSSH_9.2\r\n\r\n".to_vec(), Given::Whole(502), lost),
        ("bytes", (0..=255).cycle().take(100_000).collect(), Given::Whole(502), lost),
        ("a head without end", head(&"x-more: and more\r\n".repeat(100_000)).into_bytes(), Given::Whole(502), lost),
        ("a status that is none", b"HTTP/1.1 99999 Odd\r\n\r\n".to_vec(), Given::Whole(502), lost),
        ("two lengths", head("content-length: 3\r\ncontent-length: 7\r\n").into_bytes(), Given::Whole(502), lost),
        ("no JSON", whole(json, b"<html>busy</html>"), Given::Whole(200), (Some(200), Passage::Whole, nothing)),
        (
            "JSON that is another",
            whole(json, b"[[[{\"usage\": 3}]]]"),
            Given::Whole(200),
            (Some(200), Passage::Whole, nothing),
        ),
        (
            "a body that is cut",
            whole(json, MESSAGE.as_bytes())[..150].to_vec(),
            Given::Half,
            (Some(200), Passage::Cut, nothing),
        ),
        (
            "a chunk without length",
            [&head(&format!("{json}{chunked}")), "no number\r\n{}\r\n0\r\n\r\n"].concat().into_bytes(),
            Given::Half,
            (Some(200), Passage::Cut, nothing),
        ),
        (
            "a chunk of another length",
            [head(&format!("{events}{chunked}")), chunk(BEGUN), "5\r\n123456789\r\n0\r\n\r\n".to_owned()]
                .concat()
                .into_bytes(),
            Given::Half,
            (Some(200), Passage::Cut, begun),
        ),
        (
            "a stream without its last chunk",
            [head(&format!("{events}{chunked}")), chunk(BEGUN)].concat().into_bytes(),
            Given::Half,
            (Some(200), Passage::Cut, begun),
        ),
        ("broken events", whole(events, &broken), Given::Whole(200), (Some(200), Passage::Whole, begun)),
        (
            "what nobody can unpack",
            whole(&format!("{json}content-encoding: gzip\r\n"), &packed),
            Given::Whole(200),
            (Some(200), Passage::Whole, nothing),
        ),
    ]
}

#[test]
fn where_what_passed_cannot_be_written_down_nothing_more_passes() {
    let host = Host::of(vec![answer("application/json", MESSAGE); 2]);
    let place = Place::new();
    let lease = place.gateway.lease(Path::new("/dev/full"), place.terms()).unwrap();
    let (url, recall) = (sent_to(&lease, &host), lease.recall());
    let ask = || ask(&url, "x", &json!({"model": "claude-sonnet-4-5"})).unwrap();
    assert_eq!(ask().body, MESSAGE.as_bytes(), "what is paid is passed on");
    host.next();
    let refused = ask();
    assert_eq!(refused.status, 400);
    assert!(String::from_utf8_lossy(&refused.body).contains("cannot be recorded"));
    assert!(host.asked.try_recv().is_err(), "nobody was asked again");
    assert!(recall.is_due(), "its agent is ended");
    let unwritten = lease.end().unwrap_err();
    assert_eq!(unwritten.why.kind(), std::io::ErrorKind::StorageFull);
    assert_eq!(unwritten.exchanges, 2);
}

#[test]
fn what_is_no_answer_is_told_for_what_it_is_written_down_and_nobody_elses() {
    for (what, sent, given, expected) in cases() {
        let (bad, good) = (Host::of(vec![vec![sent]]), Host::of(vec![answer("application/json", MESSAGE)]));
        let place = Place::new();
        let lease = place.lease();
        let other = place.gateway.lease(&place.folder.path().join("other.jsonl"), place.terms()).unwrap();
        let (url, other_url) = (sent_to(&lease, &bad), sent_to(&other, &good));
        let reply = ask(&url, "x", &json!({"model": "claude-sonnet-4-5"}));
        let got = reply.as_ref().map_or(Given::Half, |reply| Given::Whole(reply.status));
        assert_eq!(got, given, "{what}: {reply:?}");
        // It is there before the attempt ends.
        let lines = place.lines();
        assert_eq!(lines.len(), 1, "{what}: {lines:?}");
        assert_eq!(
            ask(&other_url, "x", &json!({"model": "claude-sonnet-4-5"})).unwrap().body,
            MESSAGE.as_bytes(),
            "{what}"
        );
        let ended = lease.end().unwrap().exchanges;
        let [exchange] = &ended[..] else { panic!("{what}: {ended:?}") };
        assert_eq!((exchange.status, exchange.passage, exchange.tokens), expected, "{what}");
        assert_eq!(
            exchange.cost == Cost::Unknown,
            exchange.tokens.is_unknown(),
            "{what}: what is not known is not nothing"
        );
        let others = other.end().unwrap().exchanges;
        assert_eq!(others.iter().map(|it| it.tokens).collect::<Vec<_>>(), [tokens(10, 3)], "{what}");
    }
}
