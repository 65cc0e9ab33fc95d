//! `generateContent` of Gemini, whose schemas are a dialect of their own.

use serde_json::{Map, Value, json};

use super::{Completion, Form, Question};
use crate::model::usage::Tokens;

pub(super) static FORM: Form = Form {
    base: "https://generativelanguage.googleapis.com",
    base_variable: "GOOGLE_GEMINI_BASE_URL",
    key: "GEMINI_API_KEY",
    body,
    completion,
};

fn body(question: &Question<'_>) -> Value {
    let mut body = json!({"contents": [{"role": "user", "parts": [{"text": question.prompt}]}]});
    if let Some(schema) = question.schema {
        body["generationConfig"] =
            json!({"responseMimeType": "application/json", "responseSchema": in_dialect(schema)});
    }
    if let Some(most) = question.max_tokens {
        body["generationConfig"]["maxOutputTokens"] = json!(most);
    }
    body
}

/// The schema in the API's dialect: `nullable` in place of two types, the order of properties in a key of its own, and
/// no `enum` of numbers nor `additionalProperties`.
fn in_dialect(schema: &Value) -> Value {
    let Some(keys) = schema.as_object() else { return schema.clone() };
    let mut said = Map::new();
    for (key, value) in keys {
        match key.as_str() {
            "additionalProperties" => {}
            "enum" => {
                said.insert("minimum".to_owned(), json!(0));
                said.insert("maximum".to_owned(), json!(1));
            }
            "type" => match value.as_array() {
                Some(types) => {
                    said.insert("type".to_owned(), types.first().cloned().unwrap_or_default());
                    said.insert("nullable".to_owned(), json!(true));
                }
                None => drop(said.insert("type".to_owned(), value.clone())),
            },
            "properties" => {
                let properties = value.as_object().into_iter().flatten();
                let order: Vec<&String> = properties.clone().map(|(name, _)| name).collect();
                said.insert("propertyOrdering".to_owned(), json!(order));
                let properties: Map<String, Value> =
                    properties.map(|(name, below)| (name.clone(), in_dialect(below))).collect();
                said.insert("properties".to_owned(), Value::Object(properties));
            }
            _ => drop(said.insert(key.clone(), value.clone())),
        }
    }
    Value::Object(said)
}

fn completion(body: &Value) -> Option<Completion> {
    let usage = &body["usageMetadata"];
    let (cached, thought) = (usage["cachedContentTokenCount"].as_u64(), usage["thoughtsTokenCount"].as_u64());
    let written = usage["candidatesTokenCount"].as_u64();
    let tokens = Tokens {
        input: usage["promptTokenCount"].as_u64().map(|all| all.saturating_sub(cached.unwrap_or_default())),
        output: written.or(thought).map(|_| written.unwrap_or_default().saturating_add(thought.unwrap_or_default())),
        cache_read: cached,
        cache_creation: None,
    };
    if let Some(reason) = body["promptFeedback"]["blockReason"].as_str() {
        let unfinished = Some(format!("the provider's filter kept the question back: {reason}"));
        return Some(Completion { tokens, unfinished, ..Completion::default() });
    }
    let candidate = body["candidates"].as_array()?.first()?;
    let parts = candidate["content"]["parts"].as_array();
    let thoughts_left_out = parts.into_iter().flatten().filter(|part| part["thought"] != json!(true));
    let text = thoughts_left_out.filter_map(|part| part["text"].as_str()).collect();
    let unfinished = match candidate["finishReason"].as_str() {
        None | Some("STOP" | "FINISH_REASON_UNSPECIFIED") => None,
        Some("MAX_TOKENS") => Some("the answer is longer than the model may write".to_owned()),
        Some(reason) => Some(format!("the provider ended the answer: {reason}")),
    };
    Some(Completion { text, tokens, unfinished })
}
