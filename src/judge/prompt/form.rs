//! The form of an answer: as a JSON schema for APIs that take one, and as an example for the prompt.

use serde_json::{Map, Value, json};

use crate::model::rubric::{Evaluation, Rubric, RubricItem};

/// The JSON schema of an answer to this rubric. Reasons stand before scores, because models think as they write.
#[must_use]
pub fn schema(rubric: &Rubric) -> Value {
    let items: Map<String, Value> = rubric.items.iter().map(|item| (item.id.clone(), of_item(item))).collect();
    let ids: Vec<&str> = rubric.items.iter().map(|item| item.id.as_str()).collect();
    object(
        &["items", "reasoning"],
        json!({
            "items": object(&ids, Value::Object(items)),
            "reasoning": {"type": "string", "description": "The whole in two or three sentences"},
        }),
    )
}

fn of_item(item: &RubricItem) -> Value {
    let mut score = match item.evaluation {
        Evaluation::Binary => json!({"type": "integer", "enum": [0, 1], "description": "0 or 1"}),
        Evaluation::Scaled => json!({"type": "number", "description": "From 0 to 1"}),
    };
    let explanation = json!({"type": "string", "description": "What you saw, and where"});
    if item.na_condition.is_none() {
        return object(&["explanation", "score"], json!({"explanation": explanation, "score": score}));
    }
    // Whoever leaves an item out gives null for its score.
    score["type"] = json!([score["type"], "null"]);
    if let Some(values) = score["enum"].as_array_mut() {
        values.push(Value::Null);
    }
    object(
        &["explanation", "not_applicable", "score"],
        json!({"explanation": explanation, "not_applicable": {"type": "boolean"}, "score": score}),
    )
}

fn object(required: &[&str], properties: Value) -> Value {
    let mut object = json!({"type": "object", "additionalProperties": false, "required": required});
    object["properties"] = properties;
    object
}

/// An answer with a place for each value.
pub(super) fn example(rubric: &Rubric) -> String {
    let item = |item: &RubricItem| {
        let score = match item.evaluation {
            Evaluation::Binary => "0 or 1",
            Evaluation::Scaled => "a number from 0 to 1",
        };
        let id = json!(item.id);
        let score = format!(r#"    {id}: {{"explanation": "what you saw, and where", "score": {score}}}"#);
        let instead = if item.na_condition.is_some() {
            format!(
                "\n    or, when it does not apply, {id}: {{\"explanation\": \"why\", \"not_applicable\": true, \"score\": null}}"
            )
        } else {
            String::new()
        };
        score + &instead
    };
    let items: Vec<String> = rubric.items.iter().map(item).collect();
    format!(
        "{{\n  \"items\": {{\n{}\n  }},\n  \"reasoning\": \"the whole in two or three sentences\"\n}}",
        items.join(",\n")
    )
}
