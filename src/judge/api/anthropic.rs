//! Messages of Anthropic: the form of the answer is the input of a tool that the model must use.

use serde_json::{Value, json};

use super::{Completion, Form, Question, texts};
use crate::model::usage::Tokens;

pub(super) static FORM: Form = Form {
    base: "https://api.anthropic.com",
    base_variable: "ANTHROPIC_BASE_URL",
    key: "ANTHROPIC_API_KEY",
    body,
    completion,
};

/// Most tokens of an answer where the fixture says none: the API wants a number. Scores and reasons take far less, but what a model
/// thinks before counts too. Every model that thinks may write so many.
const MOST_TOKENS: u32 = 32_000;

fn body(question: &Question<'_>) -> Value {
    let mut body = json!({
        "model": question.model,
        "max_tokens": question.max_tokens.unwrap_or(MOST_TOKENS),
        "messages": [{"role": "user", "content": question.prompt}],
    });
    if let Some(schema) = question.schema {
        body["tools"] = json!([{"name": super::FORM, "description": "Takes the scores and their reasons.", "input_schema": schema}]);
        body["tool_choice"] = json!({"type": "tool", "name": super::FORM});
    }
    body
}

fn completion(body: &Value) -> Option<Completion> {
    let content = body["content"].as_array()?;
    let used = content.iter().find(|part| part["type"] == "tool_use");
    let text = used.map_or_else(|| texts(&body["content"], "text"), |tool| tool["input"].to_string());
    let unfinished = match body["stop_reason"].as_str() {
        Some("max_tokens") => Some("the answer is longer than `max_tokens` of the judge allows".to_owned()),
        Some("refusal") => Some("the model refuses to answer".to_owned()),
        Some("model_context_window_exceeded") => Some("the question is too long for the model".to_owned()),
        _ => None,
    };
    let usage = &body["usage"];
    let tokens = Tokens {
        input: usage["input_tokens"].as_u64(),
        output: usage["output_tokens"].as_u64(),
        cache_read: usage["cache_read_input_tokens"].as_u64(),
        cache_creation: usage["cache_creation_input_tokens"].as_u64(),
    };
    Some(Completion { text, tokens, unfinished })
}
