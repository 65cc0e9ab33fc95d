//! Asking with replies that are made up: which are valid, what a second question says, and what is kept.

use serde_json::{Value, json};

use super::{Outcome, Reply, ask, kept, read};
use crate::judge::answer;
use crate::judge::endpoint::Endpoint;
use crate::judge::trouble::Trouble;
use crate::model::exchange::Interface;
use crate::model::rubric::{Evaluation, Rubric, RubricItem};
use crate::model::score::{GradeScale, Score};
use crate::model::usage::Tokens;

fn rubric() -> Rubric {
    let item = RubricItem {
        id: "R001".to_owned(),
        description: "It works.".to_owned(),
        weight: 1.0,
        evaluation: Evaluation::Scaled,
        rests_on: None,
        na_condition: Some("there is no network".to_owned()),
    };
    Rubric { items: vec![item], pass_threshold: Score::new(0.7).unwrap(), grade_scale: GradeScale::default() }
}

type Replied = Result<Reply, Trouble>;

fn reply(status: u16, body: &str) -> Reply {
    let headers = vec![("retry-after".to_owned(), "5".to_owned())];
    Reply { status, headers, body: body.as_bytes().to_vec(), at: "2026-11-28T12:00:00Z".parse().unwrap() }
}

fn says(text: &str) -> Reply {
    let body =
        json!({"choices": [{"message": {"content": text}}], "usage": {"prompt_tokens": 10, "completion_tokens": 2}});
    reply(200, &body.to_string())
}

/// What comes of these replies, and the questions.
fn asked(replies: Vec<Replied>) -> (Outcome, Tokens, Vec<String>) {
    let endpoint = Endpoint {
        api: Interface::OpenAiChat,
        model: "m".to_owned(),
        base_url: None,
        key: None,
        structured: true,
        max_tokens: None,
        timeout_seconds: 1,
    };
    let (mut replies, mut questions) = (replies.into_iter(), Vec::new());
    let (outcome, tokens) = ask(&endpoint, &rubric(), "How good is it?\n", &mut |body: &Value| {
        questions.push(body["messages"][0]["content"].as_str().unwrap().to_owned());
        replies.next().unwrap()
    });
    assert_eq!(replies.count(), 0, "it did not ask so often");
    (outcome, tokens, questions)
}

const GOOD: &str = r#"{"reasoning": "a } in a text", "items": {"R001": {"explanation": "\"}{", "score": 0.5}}, "cost_usd": 9,
    "failure": "rate_limit"}"#;

#[test]
fn half_an_emoji_in_a_reply_and_in_its_text_loses_neither_the_answer_nor_the_tokens() {
    let text = r#"{"reasoning": "so \ud83d", "items": {"R001": {"explanation": "", "score": 0.5}}}"#;
    let mut reply = says(text);
    reply.body = String::from_utf8(reply.body).unwrap().replace("{\"choices\"", r#"{"id": "\ude00", "choices""#).into();
    let lines = format!("{}\n", json!({"status": 200, "body": String::from_utf8(reply.body.clone()).unwrap()}));
    let (outcome, tokens, _) = asked(vec![Ok(reply)]);
    let Outcome::Valid(answer) = outcome else { panic!("{outcome:?}") };
    assert_eq!((answer.reasoning.as_str(), tokens.input), ("so \u{fffd}", Some(10)));
    assert_eq!(super::used(Interface::OpenAiChat, lines.as_bytes()), tokens);
}

#[test]
fn a_valid_answer_is_kept_in_the_form_of_every_judges_answer() {
    let (outcome, tokens, _) = asked(vec![Ok(says(GOOD))]);
    let bytes = json!(kept(&outcome, &tokens)).to_string();
    // What the model says of a failure or of its own cost is no fact.
    assert_eq!(answer::failure(bytes.as_bytes(), "j", "2026-11-28T12:00:00Z".parse().unwrap()), None);
    let read = read(bytes.as_bytes(), &rubric()).unwrap();
    assert_eq!((read.reasoning.as_str(), read.cost.usd()), ("a } in a text", None));
    assert_eq!(read.items["R001"].score, Score::new(0.5).ok());
    assert!(bytes.contains(r#""tokens":{"input_tokens":10,"output_tokens":2}"#), "{bytes}");
    let (outcome, tokens, _) =
        asked(vec![Ok(says(r#"{"items": {"R001": {"explanation": "off", "not_applicable": true, "score": null}}}"#))]);
    let bytes = json!(kept(&outcome, &tokens)).to_string();
    assert_eq!(super::read(bytes.as_bytes(), &rubric()).unwrap().items["R001"].score, None);
}

#[test]
fn an_answer_that_is_not_valid_is_asked_for_once_more_with_what_is_wrong() {
    let (outcome, tokens, questions) = asked(vec![Ok(says("I give it a 7.")), Ok(says(GOOD))]);
    assert!(matches!(outcome, Outcome::Valid(_)));
    assert_eq!((tokens.input, tokens.output), (Some(20), Some(4)), "both answers count");
    assert!(questions[1].starts_with(&questions[0]) && questions[1].contains("\nI give it a 7.\n"), "{}", questions[1]);
    assert!(questions[1].contains("must be a JSON object and nothing else"), "{}", questions[1]);

    let (outcome, tokens, _) = asked(vec![Ok(says("{}")), Ok(says(r#"{"items": {"R001": {"score": 7}}}"#))]);
    let bytes = json!(kept(&outcome, &tokens)).to_string();
    let why = read(bytes.as_bytes(), &rubric()).unwrap_err();
    assert_eq!(why, "item `R001`: `7` is not a score between 0 and 1");
    assert_eq!(tokens.input, Some(20));
}

#[test]
fn trouble_ends_the_questions_and_is_kept_with_its_kind() {
    for (replies, kind, retry) in [
        (vec![Ok(reply(429, "{}"))], Some("rate_limit"), Some("2026-11-28T12:00:05Z")),
        (vec![Ok(says("no")), Ok(reply(503, "{}"))], Some("provider"), None),
        (vec![Ok(reply(200, "<html>"))], Some("provider"), None),
        (vec![Ok(reply(200, "{}"))], Some("provider"), None),
        (vec![Ok(reply(401, "{}"))], Some("auth"), None),
        (vec![Err(Trouble::provider("gone"))], Some("provider"), None),
        (vec![Ok(reply(302, ""))], None, None),
        (vec![Ok(reply(404, r#"{"error": {"message": "no such model"}}"#))], None, None),
    ] {
        let (outcome, tokens, _) = asked(replies);
        let Outcome::Kept(trouble) = &outcome else { panic!("{outcome:?}") };
        let retry = retry.map(|retry: &str| retry.parse().unwrap());
        assert_eq!((trouble.kind, trouble.retry_at), (kind, retry), "{trouble:?}");
        let bytes = json!(kept(&outcome, &tokens)).to_string();
        let failure = answer::failure(bytes.as_bytes(), "j", "2026-11-28T12:00:00Z".parse().unwrap());
        assert_eq!(failure.is_some(), kind.is_some());
        assert!(read(bytes.as_bytes(), &rubric()).is_err());
    }
}
