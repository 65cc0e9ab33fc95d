//! What is given again is what was answered, byte for byte; what cannot be kept so is told.

use std::fs;
use std::path::PathBuf;

use serde_json::json;

use super::{Place, asks, exchanges, patch_of, result};
use crate::model_server::Say;
use crate::scenes::{edit, output};

#[test]
fn an_answer_that_has_names_in_braces_or_of_a_recording_is_given_again_as_it_was() {
    let code = "answer f'{key}={value} {work} {work-} {gateway} {token}' ⟦work⟧ ⟦⟧ ⟦key";
    let mut place = Place::saying(&asks("first second", "true"), |asked| {
        // The second one says where its agent works, too.
        let asks = asked.question();
        let work = asks.split(' ').find(|word| word.starts_with('/')).unwrap();
        Say::Answer(if asks.starts_with("first") { code.to_owned() } else { format!("answer {work}/x") })
    });
    edit(&place.world, "fixture/tiers/T0/00-one.yaml", "; touch done", "; sed -i s:$PWD:HERE: answers; touch done");
    place.record("1", &[]);
    drop(place.server.take());
    place.replay("1", &[]).exits(0);
    let patch = |run: PathBuf| fs::read_to_string(run.join("changes.patch")).unwrap();
    let was = patch(place.world.path("recorded/T0/00/run_01"));
    assert!(was.contains(&format!("+{code}\n+answer HERE/x\n")), "{was}");
    assert_eq!(patch_of(&place), was);
}

#[test]
fn a_request_that_held_a_secret_is_replayed_also_when_its_value_is_another_now() {
    let place = Place::new(&asks("first-$MY_TOKEN second", "true"));
    let run = |more: &[&str], token: &str| output(place.command(more).env("MY_TOKEN", token));
    place.record("1", &[]);
    let kept = exchanges(&place.world.path("recorded/T0/00/run_01"));
    assert!(kept.contains("first-[redacted:MY_TOKEN] in") && !kept.contains("the-value-of-then"), "{kept}");
    for token in ["the-value-of-then", "the-value-of-now"] {
        run(&["--replay", "recorded", "--runs", "1"], token).exits(0);
        assert!(patch_of(&place).contains("+answer 0\n+answer 1"), "{}", patch_of(&place));
        fs::remove_dir_all(place.world.results()).unwrap();
    }
}

#[test]
fn an_answer_that_cannot_be_kept_as_it_was_is_told_and_what_a_packed_one_took_is_unknown() {
    let raw = |headers: &str, body: &[u8]| {
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n{headers}\r\n", body.len());
        Say::Bytes([head.as_bytes(), body].concat())
    };
    let packed = raw("content-type: application/json\r\ncontent-encoding: gzip\r\n", b"\x1f\x8b\x08\x00\xff");
    let secret = Say::Answer("answer of the-value-of-then".to_owned());
    for (why, say, source) in [
        ("an answer was packed (`content-encoding: gzip`)", packed, "unknown"),
        ("an answer was no text", raw("content-type: audio/wav\r\n", b"\xff\x00"), "unknown"),
        ("an answer held the value of `MY_TOKEN`", secret, "metered"),
    ] {
        let place = Place::saying(&asks("first", "true"), move |_| say.clone());
        let ended = place.record("1", &[]);
        assert!(ended.stderr.contains(&format!("so this run cannot be replayed: {why}")), "{ended}");
        let is = result(&place.world.path("recorded/T0/00/run_01"));
        assert!(is["flags"].as_array().unwrap().contains(&json!("exchanges_left_out")), "{is:#}");
        assert_eq!(is["cost_source"], json!(source), "{is:#}");
        let asked = place.server.as_ref().unwrap().asked();
        assert_eq!(asked[0].header("accept-encoding"), None, "nobody asks for what is packed");
        let refused = place.replay("1", &[]).exits(2);
        assert!(refused.stderr.contains("`recorded` has no recorded exchanges of `T0/00/run_01`"), "{refused}");
    }
}

#[test]
fn what_is_too_long_to_be_kept_is_told_and_its_run_cannot_be_replayed() {
    let long = format!("{{\"said\":\"{}\"}}", "x".repeat(33 << 20));
    let place = Place::saying(&asks("first second", "true"), move |asked| match asked.before {
        0 => Say::Body(long.clone()),
        _ => Say::Answer("answer 1".to_owned()),
    });
    let ended = place.record("1", &[]);
    assert!(ended.stderr.contains("not all that the agent asked its model could be kept"), "{ended}");
    let run = place.world.path("recorded/T0/00/run_01");
    assert_eq!(result(&run)["flags"], json!(["exchanges_left_out"]));
    assert_eq!(exchanges(&run), "", "what follows is of no use");
    let refused = place.replay("1", &[]).exits(2);
    assert!(refused.stderr.contains("`recorded` has no recorded exchanges of `T0/00/run_01`"), "{refused}");
}
