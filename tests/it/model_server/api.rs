//! The APIs that the scripted server speaks: where a request names its model and its question, and the form of an answer and of an
//! error.

use serde_json::{Value, json};

/// An API of a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Api {
    AnthropicMessages,
    OpenAiChat,
    OpenAiResponses,
    Gemini,
}

/// What every answer of the server says that it took: tokens read, of which so many from a cache, and written.
const USED: (u64, u64, u64) = (1200, 200, 30);

impl Api {
    pub(crate) const ALL: [Self; 4] = [Self::AnthropicMessages, Self::OpenAiChat, Self::OpenAiResponses, Self::Gemini];

    /// The path below which its requests lie.
    pub(super) fn base(self) -> &'static str {
        match self {
            Self::AnthropicMessages | Self::Gemini => "",
            Self::OpenAiChat | Self::OpenAiResponses => "/v1",
        }
    }

    pub(super) fn of(path: &str) -> Option<Self> {
        match path {
            "/v1/messages" => Some(Self::AnthropicMessages),
            "/v1/chat/completions" => Some(Self::OpenAiChat),
            "/v1/responses" => Some(Self::OpenAiResponses),
            _ => gemini_model(path).map(|_| Self::Gemini),
        }
    }

    pub(super) fn model(self, path: &str, body: &Value) -> Option<String> {
        match self {
            Self::Gemini => gemini_model(path).map(str::to_owned),
            _ => Some(body["model"].as_str()?.to_owned()),
        }
    }

    /// The text of the last message.
    pub(super) fn question(self, body: &Value) -> String {
        let text = match self {
            Self::AnthropicMessages | Self::OpenAiChat => {
                let messages = body["messages"].as_array();
                messages.and_then(|messages| messages.last()).map(|message| &message["content"])
            }
            Self::OpenAiResponses => Some(&body["input"]),
            Self::Gemini => Some(&body["contents"][0]["parts"][0]["text"]),
        };
        text.and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    /// A whole answer with this text: as the input of the tool that the request demands, if it demands one.
    pub(super) fn answer(self, body: &Value, text: &str) -> Value {
        let (read, cached, written) = USED;
        match self {
            Self::AnthropicMessages => {
                let content = match body["tool_choice"]["name"].as_str() {
                    Some(tool) => json!({"type": "tool_use", "id": "toolu_1", "name": tool,
                        "input": serde_json::from_str(text).unwrap_or_else(|_| json!({"said": text}))}),
                    None => json!({"type": "text", "text": text}),
                };
                json!({"id": "msg_1", "type": "message", "role": "assistant", "model": body["model"], "content": [content],
                    "stop_reason": "end_turn", "stop_sequence": null,
                    "usage": {"input_tokens": read - cached, "cache_creation_input_tokens": 0,
                        "cache_read_input_tokens": cached, "output_tokens": written}})
            }
            Self::OpenAiChat => json!({"id": "chatcmpl-1", "object": "chat.completion", "model": body["model"],
                "choices": [{"index": 0, "finish_reason": "stop",
                    "message": {"role": "assistant", "content": text, "refusal": null}}],
                "usage": {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written,
                    "prompt_tokens_details": {"cached_tokens": cached}}}),
            Self::OpenAiResponses => json!({"id": "resp_1", "object": "response", "status": "completed",
                "model": body["model"], "error": null, "incomplete_details": null,
                "output": [{"type": "reasoning", "id": "rs_1", "summary": []},
                    {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
                        "content": [{"type": "output_text", "text": text, "annotations": []}]}],
                "usage": {"input_tokens": read, "output_tokens": written, "total_tokens": read + written,
                    "input_tokens_details": {"cached_tokens": cached}}}),
            Self::Gemini => json!({"candidates": [{"index": 0, "finishReason": "STOP",
                    "content": {"role": "model", "parts": [{"text": text}]}}],
                "modelVersion": "scripted",
                "usageMetadata": {"promptTokenCount": read, "cachedContentTokenCount": cached,
                    "candidatesTokenCount": written - 10, "thoughtsTokenCount": 10, "totalTokenCount": read + written}}),
        }
    }

    /// The body of an error.
    pub(super) fn refusal(self, status: u16, message: &str) -> Value {
        match self {
            Self::AnthropicMessages => {
                let kind = match status {
                    401 => "authentication_error",
                    403 => "permission_error",
                    429 => "rate_limit_error",
                    529 => "overloaded_error",
                    _ => "api_error",
                };
                json!({"type": "error", "error": {"type": kind, "message": message}})
            }
            Self::OpenAiChat | Self::OpenAiResponses => {
                json!({"error": {"message": message, "type": "scripted", "param": null, "code": null}})
            }
            Self::Gemini => json!({"error": {"code": status, "message": message, "status": "SCRIPTED"}}),
        }
    }
}

fn gemini_model(path: &str) -> Option<&str> {
    path.strip_prefix("/v1beta/models/")?.strip_suffix(":generateContent")
}
