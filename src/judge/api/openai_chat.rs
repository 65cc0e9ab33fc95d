//! Chat Completions of `OpenAI`, which most local servers speak too.

use serde_json::{Value, json};

use super::{Completion, Form, Question};
use crate::model::usage::Tokens;

pub(super) static FORM: Form = Form {
    base: "https://api.openai.com/v1",
    base_variable: "OPENAI_BASE_URL",
    key: "OPENAI_API_KEY",
    body,
    completion,
};

/// Says nothing of the length unless the fixture does: not every server knows that name of the limit.
fn body(question: &Question<'_>) -> Value {
    let mut body = json!({"model": question.model, "messages": [{"role": "user", "content": question.prompt}]});
    if let Some(most) = question.max_tokens {
        body["max_completion_tokens"] = json!(most);
    }
    if let Some(schema) = question.schema {
        body["response_format"] =
            json!({"type": "json_schema", "json_schema": {"name": super::FORM, "strict": true, "schema": schema}});
    }
    body
}

fn completion(body: &Value) -> Option<Completion> {
    let choice = body["choices"].as_array()?.first()?;
    let message = &choice["message"];
    let refusal = message["refusal"].as_str().filter(|refusal| !refusal.is_empty());
    let unfinished = match (choice["finish_reason"].as_str(), refusal) {
        (_, Some(refusal)) => Some(format!("the model refuses to answer: {refusal}")),
        (Some("length"), _) => Some("the answer is longer than the model may write".to_owned()),
        (Some("content_filter"), _) => Some("the provider's filter kept the answer back".to_owned()),
        _ => None,
    };
    let usage = &body["usage"];
    let cached = usage["prompt_tokens_details"]["cached_tokens"].as_u64();
    let tokens = Tokens {
        input: usage["prompt_tokens"].as_u64().map(|all| all.saturating_sub(cached.unwrap_or_default())),
        output: usage["completion_tokens"].as_u64(),
        cache_read: cached,
        cache_creation: None,
    };
    Some(Completion { text: message["content"].as_str().unwrap_or_default().to_owned(), tokens, unfinished })
}
