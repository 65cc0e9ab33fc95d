//! How a model is asked: one question, and one more when its answer is not valid. Who calls sends the requests.

pub mod through;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::answer;
use super::api::{Completion, Question};
use super::endpoint::Endpoint;
use super::prompt::{Fence, schema};
use super::trouble::{Refusal, Trouble, meaning};
use crate::model::exchange::Interface;
use crate::model::judge::Answer;
use crate::model::rubric::{ItemScore, Rubric};
use crate::model::usage::Tokens;
use crate::text::foreign;

/// How often a model is asked for one answer.
const MOST_QUESTIONS: u32 = 2;

/// What a server replied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The status of HTTP.
    pub status: u16,
    /// Headers by their names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// When it came.
    pub at: Timestamp,
}

/// What came of asking.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// A valid answer.
    Valid(Answer),
    /// Something kept the model from judging.
    Kept(Trouble),
    /// The model answered, and not validly: everything that is wrong with its last answer.
    Invalid(String),
}

/// Asks until there is a valid answer, at most twice. `post` sends a body and gives the reply.
pub fn ask(
    endpoint: &Endpoint,
    rubric: &Rubric,
    prompt: &str,
    post: &mut dyn FnMut(&Value) -> Result<Reply, Trouble>,
) -> (Outcome, Tokens) {
    let schema = endpoint.structured.then(|| schema(rubric));
    let mut tokens = Tokens::default();
    let outcome = until_valid(rubric, prompt, &mut |text| {
        let (model, max_tokens) = (&endpoint.model, endpoint.max_tokens);
        let question = Question { model, prompt: text, schema: schema.as_ref(), max_tokens };
        let reply = post(&endpoint.api.body(&question))?;
        if !(200..300).contains(&reply.status) {
            let refusal = Refusal { status: reply.status, headers: &reply.headers, body: &reply.body, at: reply.at };
            return Err(meaning(&refusal));
        }
        let body = foreign::read::<Value>(&reply.body).ok();
        let Some(Completion { text, unfinished, tokens: used }) = body.and_then(|body| endpoint.api.completion(&body))
        else {
            let message = format!("the provider answers with what is no answer of the API `{}`", endpoint.api.name());
            return Err(Trouble::provider(message));
        };
        tokens = tokens.plus(used);
        Ok(Answered { text, unfinished })
    });
    (outcome, tokens)
}

/// What a model said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// Its text.
    pub text: String,
    /// Why that is not the whole of it.
    pub unfinished: Option<String>,
}

/// Asks until there is a valid answer, at most twice. `put` asks one question.
pub fn until_valid(rubric: &Rubric, prompt: &str, put: &mut dyn FnMut(&str) -> Result<Answered, Trouble>) -> Outcome {
    let mut text = prompt.to_owned();
    let mut wrong = String::new();
    for _ in 0..MOST_QUESTIONS {
        let said = match put(&text) {
            Ok(said) => said,
            Err(trouble) => return Outcome::Kept(trouble),
        };
        let parsed = match said.unfinished {
            Some(why) => Err(why),
            None => answer::parse(said.text.as_bytes(), rubric).map_err(|error| error.to_string()),
        };
        match parsed {
            Ok(answer) => return Outcome::Valid(answer),
            Err(why) => wrong = why,
        }
        text = again(prompt, &said.text, &wrong);
    }
    Outcome::Invalid(wrong)
}

/// The same question after an answer that is not valid.
fn again(prompt: &str, answered: &str, wrong: &str) -> String {
    let fence = Fence::around(&[answered, wrong]);
    let (answered, wrong) = (fence.fenced("answer", answered), fence.fenced("mistakes", wrong));
    format!(
        "{prompt}\n# Once more\n\nThis question was answered before, and the answer is not valid.\n\n{answered}\n\nWhat is wrong with \
         it:\n\n{wrong}\n\nAnswer again, with JSON alone, in the form that is asked for above.\n"
    )
}

/// The keys of what is kept as the answer, behind the raw replies: in the form of every judge's answer, with `tokens`, and with
/// `invalid` where the model gave no valid one.
#[must_use]
pub fn kept(outcome: &Outcome, tokens: &Tokens) -> Map<String, Value> {
    let mut keys = Map::new();
    keys.insert("tokens".to_owned(), json!(tokens));
    match outcome {
        Outcome::Valid(answer) => {
            keys.insert("items".to_owned(), json!(items(&answer.items)));
            keys.insert("reasoning".to_owned(), json!(answer.reasoning));
        }
        Outcome::Kept(Trouble { kind: Some(kind), message, retry_at }) => {
            let mut failure = json!({"kind": kind, "message": message});
            if let Some(at) = retry_at {
                failure["retry_at"] = json!(at);
            }
            keys.insert("failure".to_owned(), failure);
        }
        Outcome::Kept(Trouble { message, .. }) | Outcome::Invalid(message) => {
            keys.insert(INVALID.to_owned(), json!(message));
        }
    }
    keys
}

/// The tokens of all replies that were kept.
#[must_use]
pub fn used(api: Interface, kept: &[u8]) -> Tokens {
    requests(api, kept).into_iter().fold(Tokens::default(), Tokens::plus)
}

/// The tokens of each reply that was kept, also where the answer is cut off behind them: one stands on each line.
#[must_use]
pub fn requests(api: Interface, kept: &[u8]) -> Vec<Tokens> {
    let replies = kept.split(|byte| *byte == b'\n').filter_map(|line| {
        let reply: Value = foreign::read(line.strip_suffix(b",").unwrap_or(line)).ok()?;
        // No other line of what is kept is an object with a status.
        reply["status"].as_u64()?;
        api.completion(&foreign::read(reply["body"].as_str()?.as_bytes()).ok()?)
    });
    replies.map(|said| said.tokens).collect()
}

/// The key that says why there is no valid answer.
const INVALID: &str = "invalid";

fn items(items: &BTreeMap<String, ItemScore>) -> BTreeMap<&str, Value> {
    let item = |(id, given): (_, &ItemScore)| {
        let said = match given.score {
            Some(score) => json!({"score": score, "explanation": given.explanation}),
            None => json!({"not_applicable": true, "explanation": given.explanation}),
        };
        (String::as_str(id), said)
    };
    items.iter().map(item).collect()
}

/// Reads what was kept as the answer.
///
/// # Errors
/// Why there is no valid answer.
pub fn read(kept: &[u8], rubric: &Rubric) -> Result<Answer, String> {
    let keys: Option<Map<String, Value>> = foreign::read(kept).ok();
    match keys.as_ref().and_then(|keys| keys.get(INVALID)).and_then(Value::as_str) {
        Some(why) => Err(why.to_owned()),
        None => answer::parse(kept, rubric).map_err(|error| error.to_string()),
    }
}

#[cfg(test)]
mod tests;
