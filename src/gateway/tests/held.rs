//! What providers ask to wait for: held back, passed on, and of whom it holds.

use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use serde_json::json;

use super::{Host, MESSAGE, Place, answer, answer_with, ask, passed, sent_to};
use crate::model::exchange::Passage;
use crate::model::money::Usd;

const SLOW_DOWN: &str = r#"{"type":"error","error":{"type":"rate_limit_error","message":"slow down"}}"#;

#[test]
fn a_request_that_is_refused_for_a_while_is_held_and_sent_again_and_the_coordinator_learns_of_it() {
    let host = Host::of(vec![
        answer_with("429 Too Many Requests", "retry-after: 1\r\n", SLOW_DOWN),
        answer_with("529 Overloaded", "", SLOW_DOWN),
        answer("application/json", MESSAGE),
    ]);
    let place = Place::new();
    let (tell, learned) = channel();
    place.gateway.begin(Usd::ZERO, None, move |model, wait| drop(tell.send((model, wait))));
    let lease = place.lease();
    let reply = ask(&sent_to(&lease, &host), "x", &json!({"model": "claude-sonnet-4-5"})).unwrap();
    assert_eq!((reply.status, reply.body.as_slice()), (200, MESSAGE.as_bytes()));
    let bodies: Vec<String> = (0..3).map(|_| host.next().split("\r\n\r\n").nth(1).unwrap().to_owned()).collect();
    assert_eq!(bodies, vec![r#"{"model":"claude-sonnet-4-5"}"#; 3]);
    let held: Vec<bool> = place.lines().iter().map(|line| line["held_seconds"].as_f64().unwrap() > 0.9).collect();
    assert_eq!(held, [false, true, true]);
    assert_eq!(passed(lease), [429, 529, 200].map(|status| (Some(status), Passage::Whole)));
    let (model, wait) = learned.recv_timeout(Duration::from_secs(20)).unwrap();
    assert_eq!(model.as_str(), "sonnet", "the model is called as the run calls it");
    assert!(wait <= Duration::from_secs(1), "{wait:?}");
}

#[test]
fn a_refusal_that_lasts_longer_than_a_request_is_held_is_passed_on_and_the_next_request_is_not_sent() {
    let host = Host::of(vec![answer_with("429 Too Many Requests", "retry-after: 3600\r\n", SLOW_DOWN)]);
    let place = Place::new();
    let lease = place.lease();
    let url = sent_to(&lease, &host);
    for (body, what) in [(SLOW_DOWN, "the provider's"), ("again in 3", "the gateway's")] {
        let reply = ask(&url, "x", &json!({"model": "claude-sonnet-4-5"})).unwrap();
        assert_eq!(reply.status, 429, "{what}");
        assert!(String::from_utf8_lossy(&reply.body).contains(body), "{what}: {reply:?}");
        let after = &reply.headers.iter().find(|(name, _)| name == "retry-after").unwrap().1;
        assert!((3590..=3600).contains(&after.parse::<u64>().unwrap()), "{after}");
    }
    assert_eq!(passed(lease), [(Some(429), Passage::Whole), (Some(429), Passage::Refused)]);
}

#[test]
fn another_model_is_not_held_back() {
    let host = Host::of(vec![
        answer_with("429 Too Many Requests", "retry-after: 3600\r\n", SLOW_DOWN),
        answer("application/json", MESSAGE),
    ]);
    let place = Place::new();
    let lease = place.lease();
    let url = sent_to(&lease, &host);
    let status = |model: &str| ask(&url, "x", &json!({"model": model})).unwrap().status;
    assert_eq!((status("claude-sonnet-4-5"), status("claude-haiku-4-5")), (429, 200));
}

#[test]
fn a_model_whose_name_is_a_part_of_another_ones_has_no_part_in_its_limits() {
    for (own, limited, own_name) in [
        ("gpt-5", "gpt-5-mini", "gpt-5"),
        ("gpt-5", "gpt-5.1", "gpt-5-2025-08-07"),
        ("gpt-5-mini", "gpt-5", "gpt-5-mini"),
    ] {
        let host = Host::of(vec![
            answer_with("429 Too Many Requests", "retry-after: 3600\r\n", SLOW_DOWN),
            answer("application/json", MESSAGE),
        ]);
        let place = Place { model: own, ..Place::new() };
        let (tell, learned) = channel();
        place.gateway.begin(Usd::ZERO, None, move |model, _| drop(tell.send(model)));
        let lease = place.lease();
        let url = sent_to(&lease, &host);
        let status = |model: &str| ask(&url, "x", &json!({"model": model})).unwrap().status;
        assert_eq!((status(limited), status(own_name)), (429, 200), "{own}");
        assert_eq!(learned.recv_timeout(Duration::from_secs(20)).unwrap().as_str(), limited);
        assert_eq!(lease.end().unwrap().limited, None, "{own}: the run does not wait for it");
    }
}

#[test]
fn where_nothing_is_to_be_held_every_refusal_is_passed_on_and_every_request_sent() {
    let refusal = || answer_with("429 Too Many Requests", "retry-after: 1\r\n", SLOW_DOWN);
    let host = Host::of(vec![refusal(), refusal()]);
    let place = Place::holding(0);
    let lease = place.lease();
    let url = sent_to(&lease, &host);
    for _ in 0..2 {
        assert_eq!(ask(&url, "x", &json!({"model": "m"})).unwrap().status, 429);
    }
    assert_eq!(passed(lease), [(Some(429), Passage::Whole); 2]);
}

#[test]
fn a_request_that_is_held_ends_with_its_attempt() {
    let host = Host::of(vec![answer_with("429 Too Many Requests", "retry-after: 50\r\n", SLOW_DOWN)]);
    let place = Place::new();
    let lease = place.lease();
    let recall = lease.recall();
    let url = sent_to(&lease, &host);
    let asking = thread::spawn(move || ask(&url, "x", &json!({"model": "m"})));
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    while !recall.is_held() {
        assert!(std::time::Instant::now() < deadline, "it is not held");
        thread::yield_now();
    }
    let began = std::time::Instant::now();
    assert_eq!(passed(lease), [(Some(429), Passage::Whole)]);
    assert!(began.elapsed() < Duration::from_secs(9), "the end of an attempt does not wait for it");
    assert!(asking.join().unwrap().is_ok_and(|reply| reply.status == 429));
}
