//! The APIs of providers, one file each: how a question is put, what an answer says, what it took.

mod anthropic;
mod gemini;
mod openai_chat;
mod openai_responses;

use serde_json::Value;

use crate::model::exchange::Interface;
use crate::model::usage::Tokens;

/// What a model said.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Completion {
    /// Its text, which should be the JSON that was asked for.
    pub text: String,
    /// What it took, as far as the API says.
    pub tokens: Tokens,
    /// Why there is no whole answer, in words, when the API says so.
    pub unfinished: Option<String>,
}

/// One question to a model.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// The model, as the provider names it.
    pub model: &'a str,
    /// The text.
    pub prompt: &'a str,
    /// The JSON schema of the answer, when its form is asked for by the API's own means.
    pub schema: Option<&'a Value>,
    /// Most tokens of the answer, what the model thinks included; `None` for the API's own limit.
    pub max_tokens: Option<u32>,
}

/// The name by which the form of the answer is called.
const FORM: &str = "scores";

/// What an API consists of.
struct Form {
    base: &'static str,
    base_variable: &'static str,
    key: &'static str,
    body: fn(&Question<'_>) -> Value,
    completion: fn(&Value) -> Option<Completion>,
}

impl Interface {
    /// Every API.
    pub const ALL: [Self; 4] = [Self::Anthropic, Self::OpenAiResponses, Self::OpenAiChat, Self::Gemini];

    fn form(self) -> &'static Form {
        match self {
            Self::Anthropic => &anthropic::FORM,
            Self::OpenAiResponses => &openai_responses::FORM,
            Self::OpenAiChat => &openai_chat::FORM,
            Self::Gemini => &gemini::FORM,
        }
    }

    /// Its name in fixtures.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Anthropic => "anthropic",
            Self::OpenAiResponses => "openai-responses",
            Self::OpenAiChat => "openai-chat",
            Self::Gemini => "gemini",
        }
    }

    /// The provider's own base URL.
    pub(super) fn base(self) -> &'static str {
        self.form().base
    }

    /// The variable by which programs of the provider are sent elsewhere.
    pub(super) fn base_variable(self) -> &'static str {
        self.form().base_variable
    }

    /// The variable that usually holds the provider's key.
    pub(super) fn key(self) -> &'static str {
        self.form().key
    }

    /// The path below the base URL.
    pub(super) fn path(self, model: &str) -> String {
        match self {
            Self::Anthropic => "/v1/messages".to_owned(),
            Self::OpenAiResponses => "/responses".to_owned(),
            Self::OpenAiChat => "/chat/completions".to_owned(),
            Self::Gemini => format!("/v1beta/models/{}:generateContent", encoded(model)),
        }
    }

    /// The headers of every request, but for the key.
    pub(super) fn headers(self) -> Vec<(&'static str, String)> {
        match self {
            Self::Anthropic => vec![("anthropic-version", "2023-06-01".to_owned())],
            Self::OpenAiResponses | Self::OpenAiChat | Self::Gemini => Vec::new(),
        }
    }

    /// The header with the key.
    pub(super) fn authorization(self, key: &str) -> (&'static str, String) {
        match self {
            Self::Anthropic => ("x-api-key", key.to_owned()),
            Self::OpenAiResponses | Self::OpenAiChat => ("authorization", format!("Bearer {key}")),
            Self::Gemini => ("x-goog-api-key", key.to_owned()),
        }
    }

    /// The body of the request that asks a question.
    #[must_use]
    pub fn body(self, question: &Question<'_>) -> Value {
        (self.form().body)(question)
    }

    /// What the body of an answer says; `None` when it has another form.
    #[must_use]
    pub fn completion(self, body: &Value) -> Option<Completion> {
        (self.form().completion)(body)
    }
}

/// A name as one part of a URL's path.
fn encoded(name: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    name.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

/// The texts at `key` of each of these parts, joined.
fn texts(parts: &Value, key: &str) -> String {
    parts.as_array().into_iter().flatten().filter_map(|part| part[key].as_str()).collect()
}

#[cfg(test)]
mod tests;
