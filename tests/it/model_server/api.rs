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

/// What a model says in one turn: a text, and perhaps the call of a tool.
#[derive(Debug, Clone)]
pub(crate) struct Turn {
    pub(crate) text: String,
    pub(crate) call: Option<Call>,
}

/// A call of a tool.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) tool: &'static str,
    pub(crate) input: Value,
}

/// What every answer of the server says that it took: tokens read, of which so many from a cache, and written.
pub(crate) const USED: (u64, u64, u64) = (1200, 200, 30);

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

    /// Whether the answer is to come as a stream of events.
    pub(super) fn is_streamed(self, path: &str, body: &Value) -> bool {
        match self {
            Self::Gemini => path.ends_with(STREAMED),
            _ => body["stream"] == true,
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

    /// The names of the tools that the model may call.
    pub(super) fn tools(self, body: &Value) -> Vec<&str> {
        let each = |value: &'static str, of: fn(&Value) -> &Value| {
            let tools = body[value].as_array().into_iter().flatten();
            tools.filter_map(|tool| of(tool).as_str()).collect()
        };
        match self {
            Self::AnthropicMessages | Self::OpenAiResponses => each("tools", |tool| &tool["name"]),
            Self::OpenAiChat => each("tools", |tool| &tool["function"]["name"]),
            Self::Gemini => {
                let tools = body["tools"].as_array().into_iter().flatten();
                // Its server takes both spellings.
                let declared = ["functionDeclarations", "function_declarations"];
                let declared = tools.flat_map(|tool| declared.map(|name| &tool[name]));
                let declared = declared.filter_map(Value::as_array).flatten();
                declared.filter_map(|function| function["name"].as_str()).collect()
            }
        }
    }

    /// How many calls of tools have been answered in the conversation.
    pub(super) fn results(self, body: &Value) -> usize {
        let count = |list: &Value, is: &dyn Fn(&Value) -> bool| {
            list.as_array().into_iter().flatten().filter(|part| is(part)).count()
        };
        let within = |list: &str, parts: &str, is: &dyn Fn(&Value) -> bool| {
            let messages = body[list].as_array().into_iter().flatten();
            messages.map(|message| count(&message[parts], is)).sum()
        };
        match self {
            Self::AnthropicMessages => within("messages", "content", &|part| part["type"] == "tool_result"),
            Self::OpenAiChat => count(&body["messages"], &|message| message["role"] == "tool"),
            Self::OpenAiResponses => count(&body["input"], &|item| item["type"] == "function_call_output"),
            Self::Gemini => within("contents", "parts", &|part| {
                part["functionResponse"].is_object() || part["function_response"].is_object()
            }),
        }
    }

    /// A whole answer, the so-many-eth of the server. A text is the input of the tool that the request demands, if it demands
    /// one.
    pub(super) fn answer(self, model: &str, body: &Value, turn: &Turn, number: usize) -> Value {
        let (read, cached, written) = USED;
        let Turn { text, call } = turn;
        match self {
            Self::AnthropicMessages => {
                let use_of = |name: &str, input: Value| json!({"type": "tool_use", "id": format!("toolu_{number}"), "name": name, "input": input});
                let mut content = vec![match body["tool_choice"]["name"].as_str() {
                    Some(tool) => use_of(tool, serde_json::from_str(text).unwrap_or_else(|_| json!({"said": text}))),
                    None => json!({"type": "text", "text": text}),
                }];
                content.extend(call.iter().map(|call| use_of(call.tool, call.input.clone())));
                let reason = if call.is_some() { "tool_use" } else { "end_turn" };
                json!({"id": format!("msg_{number}"), "type": "message", "role": "assistant", "model": model,
                    "content": content, "stop_reason": reason, "stop_sequence": null,
                    "usage": {"input_tokens": read - cached, "cache_creation_input_tokens": 0,
                        "cache_read_input_tokens": cached, "output_tokens": written}})
            }
            Self::OpenAiChat => {
                let mut message = json!({"role": "assistant", "content": text, "refusal": null});
                if let Some(call) = call {
                    message["tool_calls"] = json!([{"id": format!("call_{number}"), "type": "function",
                        "function": {"name": call.tool, "arguments": call.input.to_string()}}]);
                }
                let reason = if call.is_some() { "tool_calls" } else { "stop" };
                json!({"id": format!("chatcmpl-{number}"), "object": "chat.completion", "created": 1_795_000_000,
                    "model": model, "choices": [{"index": 0, "finish_reason": reason, "message": message}],
                    "usage": {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written,
                        "prompt_tokens_details": {"cached_tokens": cached}}})
            }
            Self::OpenAiResponses => {
                let mut output = vec![
                    json!({"type": "reasoning", "id": format!("rs_{number}"), "summary": []}),
                    json!({"type": "message", "id": format!("msg_{number}"), "role": "assistant", "status": "completed",
                        "content": [{"type": "output_text", "text": text, "annotations": []}]}),
                ];
                output.extend(call.iter().map(|call| {
                    json!({"type": "function_call", "id": format!("fc_{number}"), "call_id": format!("call_{number}"),
                        "status": "completed", "name": call.tool, "arguments": call.input.to_string()})
                }));
                json!({"id": format!("resp_{number}"), "object": "response", "status": "completed",
                    "model": model, "error": null, "incomplete_details": null, "output": output,
                    "usage": {"input_tokens": read, "output_tokens": written, "total_tokens": read + written,
                        "input_tokens_details": {"cached_tokens": cached}, "output_tokens_details": {"reasoning_tokens": 10}}})
            }
            Self::Gemini => {
                let mut parts = vec![json!({"text": text})];
                parts.extend(call.iter().map(|call| json!({"functionCall": {"name": call.tool, "args": call.input}})));
                json!({"candidates": [{"index": 0, "finishReason": "STOP", "content": {"role": "model", "parts": parts}}],
                    "modelVersion": model,
                    "usageMetadata": {"promptTokenCount": read, "cachedContentTokenCount": cached,
                        "candidatesTokenCount": written - 10, "thoughtsTokenCount": 10, "totalTokenCount": read + written}})
            }
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

/// The model that a path of Gemini names.
fn gemini_model(path: &str) -> Option<&str> {
    let named = path.strip_prefix("/v1beta/models/")?;
    named.strip_suffix(":generateContent").or_else(|| named.strip_suffix(STREAMED))
}

/// What the path of a request ends with by which Gemini is asked for a stream.
const STREAMED: &str = ":streamGenerateContent";
