//! Responses of `OpenAI`. Nothing of them is to be kept there.

use serde_json::{Value, json};

use super::{Completion, Form, Question, texts};
use crate::model::usage::Tokens;

pub(super) static FORM: Form = Form {
    base: "https://api.openai.com/v1",
    base_variable: "OPENAI_BASE_URL",
    key: "OPENAI_API_KEY",
    body,
    completion,
};

fn body(question: &Question<'_>) -> Value {
    let mut body = json!({"model": question.model, "input": question.prompt, "store": false});
    if let Some(most) = question.max_tokens {
        body["max_output_tokens"] = json!(most);
    }
    if let Some(schema) = question.schema {
        body["text"] =
            json!({"format": {"type": "json_schema", "name": super::FORM, "strict": true, "schema": schema}});
    }
    body
}

fn completion(body: &Value) -> Option<Completion> {
    let output = body["output"].as_array()?;
    let messages = || output.iter().filter(|item| item["type"] == "message").map(|item| &item["content"]);
    let refusal: String = messages().map(|content| texts(content, "refusal")).collect();
    let unfinished = match body["status"].as_str() {
        _ if !refusal.is_empty() => Some(format!("the model refuses to answer: {refusal}")),
        Some("incomplete") => {
            let reason = body["incomplete_details"]["reason"].as_str().unwrap_or("for no reason that is named");
            Some(format!("the answer is not complete: {reason}"))
        }
        Some("failed") => {
            let reason = body["error"]["message"].as_str().unwrap_or("for no reason that is named");
            Some(format!("the provider could not answer: {reason}"))
        }
        _ => None,
    };
    let usage = &body["usage"];
    let cached = usage["input_tokens_details"]["cached_tokens"].as_u64();
    let tokens = Tokens {
        input: usage["input_tokens"].as_u64().map(|all| all.saturating_sub(cached.unwrap_or_default())),
        output: usage["output_tokens"].as_u64(),
        cache_read: cached,
        cache_creation: None,
    };
    let text = messages().map(|content| texts(content, "text")).collect();
    Some(Completion { text, tokens, unfinished })
}
