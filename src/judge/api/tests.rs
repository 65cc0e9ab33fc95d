//! Questions and answers of every API.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::Question;
use crate::model::exchange::Interface;
use crate::model::usage::Tokens;

fn schema() -> Value {
    json!({
        "type": "object", "additionalProperties": false, "required": ["score", "kind"],
        "properties": {
            "score": {"type": ["number", "null"], "description": "from 0 to 1"},
            "kind": {"type": "integer", "enum": [0, 1]},
        },
    })
}

#[test]
fn each_api_is_asked_in_its_own_form() {
    let schema = schema();
    let mut told = String::new();
    for api in Interface::ALL {
        for (schema, max_tokens) in [(None, None), (Some(&schema), Some(4000))] {
            let body = api.body(&Question { model: "a-model", prompt: "How good is it?", schema, max_tokens });
            writeln!(told, "{}: {body:#}", api.name()).unwrap();
        }
    }
    insta::with_settings!({
        snapshot_path => concat!(env!("CARGO_MANIFEST_DIR"), "/snapshots/judge"),
        prepend_module_to_snapshot => false,
    }, {
        insta::assert_snapshot!("questions", told);
    });
}

#[test]
fn an_answer_that_is_whole_says_its_text_and_its_tokens() {
    let tokens = |cache_creation| Tokens { input: Some(70), output: Some(9), cache_creation, cache_read: Some(30) };
    for (api, body, creation) in [
        (
            Interface::Anthropic,
            json!({"content": [{"type": "thinking", "thinking": "hm"}, {"type": "tool_use", "input": {"a": 1}}],
                "stop_reason": "tool_use", "usage": {"input_tokens": 70, "output_tokens": 9,
                "cache_read_input_tokens": 30, "cache_creation_input_tokens": 5}}),
            Some(5),
        ),
        (
            Interface::Anthropic,
            json!({"content": [{"type": "text", "text": "{\"a\""}, {"type": "text", "text": ":1}"}],
                "usage": {"input_tokens": 70, "output_tokens": 9, "cache_read_input_tokens": 30}}),
            None,
        ),
        (
            Interface::OpenAiChat,
            json!({"choices": [{"message": {"content": "{\"a\":1}", "refusal": null}, "finish_reason": "stop"}],
                "usage": {"prompt_tokens": 100, "completion_tokens": 9, "prompt_tokens_details": {"cached_tokens": 30}}}),
            None,
        ),
        (
            Interface::OpenAiResponses,
            json!({"status": "completed", "output": [{"type": "reasoning", "content": [{"text": "hm"}]},
                {"type": "message", "content": [{"type": "output_text", "text": "{\"a\":1}"}]}],
                "usage": {"input_tokens": 100, "output_tokens": 9, "input_tokens_details": {"cached_tokens": 30}}}),
            None,
        ),
        (
            Interface::Gemini,
            json!({"candidates": [{"content": {"parts": [{"text": "hm", "thought": true}, {"text": "{\"a\":1}"}]},
                "finishReason": "STOP"}], "usageMetadata": {"promptTokenCount": 100, "cachedContentTokenCount": 30,
                "candidatesTokenCount": 4, "thoughtsTokenCount": 5}}),
            None,
        ),
    ] {
        let said = api.completion(&body).unwrap();
        assert_eq!((said.text.as_str(), said.unfinished), (r#"{"a":1}"#, None), "{body}");
        assert_eq!(said.tokens, tokens(creation), "{body}");
    }
}

#[test]
fn an_answer_that_is_not_whole_says_why_and_what_it_took_all_the_same() {
    for (api, body, why) in [
        (
            Interface::Anthropic,
            json!({"content": [], "stop_reason": "max_tokens", "usage": {"output_tokens": 3}}),
            "the answer is longer than `max_tokens` of the judge allows",
        ),
        (
            Interface::Anthropic,
            json!({"content": [], "stop_reason": "refusal", "usage": {"output_tokens": 3}}),
            "the model refuses to answer",
        ),
        (
            Interface::OpenAiChat,
            json!({"choices": [{"message": {"content": null, "refusal": "no"}}], "usage": {"completion_tokens": 3}}),
            "the model refuses to answer: no",
        ),
        (
            Interface::OpenAiChat,
            json!({"choices": [{"message": {"content": "{"}, "finish_reason": "length"}], "usage": {"completion_tokens": 3}}),
            "the answer is longer than the model may write",
        ),
        (
            Interface::OpenAiResponses,
            json!({"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}, "output": [],
                "usage": {"output_tokens": 3}}),
            "the answer is not complete: max_output_tokens",
        ),
        (
            Interface::Gemini,
            json!({"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {"candidatesTokenCount": 3}}),
            "the provider's filter kept the question back: SAFETY",
        ),
        (
            Interface::Gemini,
            json!({"candidates": [{"finishReason": "RECITATION"}], "usageMetadata": {"candidatesTokenCount": 3}}),
            "the provider ended the answer: RECITATION",
        ),
    ] {
        let said = api.completion(&body).unwrap();
        assert_eq!((said.unfinished.as_deref(), said.tokens.output), (Some(why), Some(3)), "{body}");
    }
}

#[test]
fn what_is_no_answer_of_an_api_says_nothing() {
    for api in Interface::ALL {
        for body in [json!(null), json!([]), json!({}), json!({"error": {"message": "x"}}), json!({"content": "text"})]
        {
            assert_eq!(api.completion(&body), None, "{} {body}", api.name());
        }
    }
}
