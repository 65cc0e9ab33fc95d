//! A request of an agent to a model that passed through the gateway: one line of `agent/usage.jsonl`.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::usage::{Cost, Tokens, cost};

/// The interface of a provider, by what its requests and answers look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Interface {
    /// Messages of Anthropic.
    Anthropic,
    /// Responses of `OpenAI`.
    #[serde(rename = "openai-responses")]
    OpenAiResponses,
    /// Chat Completions of `OpenAI`, which most local servers speak.
    #[serde(rename = "openai-chat")]
    OpenAiChat,
    /// `generateContent` and `streamGenerateContent` of Gemini.
    Gemini,
}

impl Interface {
    /// The one that a path without its query belongs to; `None` for a path that asks no model.
    #[must_use]
    pub fn of_path(path: &str) -> Option<Self> {
        let path = path.trim_end_matches('/');
        if path.ends_with(":generateContent") || path.ends_with(":streamGenerateContent") {
            Some(Self::Gemini)
        } else if path.ends_with("/messages") {
            Some(Self::Anthropic)
        } else if path.ends_with("/responses") || path.ends_with("/responses/compact") {
            Some(Self::OpenAiResponses)
        } else if path.ends_with("/completions") {
            Some(Self::OpenAiChat)
        } else {
            None
        }
    }

    /// What the object with the usage in an answer says of tokens; those of the cache are no part of the input, but what the model
    /// thinks is a part of the output.
    #[must_use]
    pub fn tokens(self, usage: &Value) -> Tokens {
        let count = |name: &str| usage[name].as_u64();
        let beside = |read: Option<u64>, cached: Option<u64>| read.map(|all| all.saturating_sub(cached.unwrap_or(0)));
        match self {
            Self::Anthropic => Tokens {
                input: count("input_tokens"),
                output: count("output_tokens"),
                cache_read: count("cache_read_input_tokens"),
                cache_creation: count("cache_creation_input_tokens"),
            },
            Self::OpenAiResponses => {
                let cached = usage["input_tokens_details"]["cached_tokens"].as_u64();
                let input = beside(count("input_tokens"), cached);
                Tokens { input, output: count("output_tokens"), cache_read: cached, cache_creation: None }
            }
            Self::OpenAiChat => {
                let cached = usage["prompt_tokens_details"]["cached_tokens"].as_u64();
                let input = beside(count("prompt_tokens"), cached);
                Tokens { input, output: count("completion_tokens"), cache_read: cached, cache_creation: None }
            }
            Self::Gemini => {
                let cached = count("cachedContentTokenCount");
                let (written, thought) = (count("candidatesTokenCount"), count("thoughtsTokenCount"));
                let by_tools = count("toolUsePromptTokenCount").unwrap_or(0);
                Tokens {
                    input: beside(count("promptTokenCount"), cached).map(|read| read.saturating_add(by_tools)),
                    output: written.or(thought).map(|_| written.unwrap_or(0).saturating_add(thought.unwrap_or(0))),
                    cache_read: cached,
                    cache_creation: None,
                }
            }
        }
    }
}

/// What the gateway is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GatewayUse {
    /// There is none.
    Off,
    /// Agent programs that are known to go where they are sent ask through it.
    #[default]
    Meter,
    /// Every agent asks through it; an attempt that asks no model there is none.
    Require,
}

/// How an exchange ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Passage {
    /// The answer was passed on to its end.
    Whole,
    /// The agent went away, or its attempt ended, before that.
    Left,
    /// The other side could not be reached, or broke off.
    Cut,
    /// The gateway itself answered that a limit is reached, and asked nobody.
    Refused,
}

/// One request and what came of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Exchange {
    /// When it came.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// The interface that it was put to.
    pub interface: Interface,
    /// The model, as the answer names it, else as the request does.
    pub model: Option<String>,
    /// The status of the answer; missing when none came.
    pub status: Option<u16>,
    /// How it ended.
    pub passage: Passage,
    /// What the answer says of tokens.
    pub tokens: Tokens,
    /// What they cost by the prices of the day.
    #[serde(flatten, with = "cost")]
    #[schemars(with = "cost::Keys")]
    pub cost: Cost,
    /// How long the request was held back before it was passed on, in seconds.
    #[serde(default)]
    pub held_seconds: f64,
    /// From when it was passed on to the end of the answer, in seconds.
    pub seconds: f64,
    /// From when it was passed on to the answer's first byte, in seconds; missing when none came.
    pub first_byte_seconds: Option<f64>,
    /// The provider's id of the request, where it names one.
    pub request_id: Option<String>,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_path_belongs_to_the_interface_whose_requests_go_there() {
        for (path, interface) in [
            ("/v1/messages", Some(Interface::Anthropic)),
            ("/v1/messages/count_tokens", None),
            ("/v1/responses", Some(Interface::OpenAiResponses)),
            ("/chat/completions/", Some(Interface::OpenAiChat)),
            ("/v1beta/models/m:streamGenerateContent", Some(Interface::Gemini)),
            ("/v1beta/models/m:countTokens", None),
            ("/v1/models", None),
        ] {
            assert_eq!(Interface::of_path(path), interface, "{path}");
        }
    }

    #[test]
    fn tokens_of_the_cache_are_no_input_and_those_of_thoughts_are_output() {
        let tokens = |input, output, cache_read| Tokens {
            input: Some(input),
            output: Some(output),
            cache_read: Some(cache_read),
            cache_creation: None,
        };
        let responses = json!({"input_tokens": 10, "input_tokens_details": {"cached_tokens": 4}, "output_tokens": 3});
        assert_eq!(Interface::OpenAiResponses.tokens(&responses), tokens(6, 3, 4));
        let chat = json!({"prompt_tokens": 10, "prompt_tokens_details": {"cached_tokens": 4}, "completion_tokens": 3});
        assert_eq!(Interface::OpenAiChat.tokens(&chat), tokens(6, 3, 4));
        let gemini = json!({"promptTokenCount": 10, "cachedContentTokenCount": 4, "candidatesTokenCount": 1, "thoughtsTokenCount": 2});
        assert_eq!(Interface::Gemini.tokens(&gemini), tokens(6, 3, 4));
        let by_tools = json!({"promptTokenCount": 10, "candidatesTokenCount": 3, "cachedContentTokenCount": 4, "toolUsePromptTokenCount": 5});
        assert_eq!(Interface::Gemini.tokens(&by_tools), tokens(11, 3, 4), "what tools of the provider read is read");
        assert_eq!(Interface::Anthropic.tokens(&json!({"input_tokens": "many"})), Tokens::default());
    }
}
