//! The agent `opencode`, with its stream of events (`opencode run --format json`).
//!
//! A step that ends by a reason of the model's is the end of the run, unless another step or an error follows. A step that ends by an
//! unknown reason was cut: it then asks again, without end.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use super::events::{Events, Messages, Stream, cost, error};
use super::installed::{self, Given, KEYS, Program};
use super::steps::{call, of_events, printed, text};
use crate::model::agent::{Agent, Assignment, ClaimedEnd, EndedAgent, Reader};
use crate::model::installation::{Installation, Package};
use crate::model::outcome::{Failure, FailureKind};
use crate::model::program::Kind;
use crate::model::setup::Capability;
use crate::model::steps::{StepKind, Steps};
use crate::model::usage::{Tokens, Usage};
use crate::text::resets;

/// The kind, as fixtures name it.
pub(super) static KIND: Kind<Agent> = Kind {
    name: "opencode",
    about: "OpenCode, in the workspace, allowed to do everything there",
    keys: KEYS,
    takes: &[Capability::Prompt, Capability::Model, Capability::Instructions, Capability::Skills],
    read: |keys| installed::read(&PROGRAM, keys),
};

/// The prompt comes by standard input.
static PROGRAM: Program = Program {
    kind: &KIND,
    installation: Installation {
        program: "opencode",
        package: Package::Npm("opencode-ai"),
        version_argument: "--version",
        says_version: false,
        keys: &["ANTHROPIC_API_KEY", "GEMINI_API_KEY", "OPENAI_API_KEY"],
        login: Some("opencode auth login"),
        addresses: &["OPENCODE_CONFIG_CONTENT"],
        variables: &VARIABLES,
    },
    line: "exec opencode run \"$@\" <\"$SCYLLA_PROMPT_FILE\"",
    given,
    thinks_by_word: false,
    reader,
    steps: Some(printed(|bytes| of_events(bytes, add_steps))),
};
/// So that it asks nobody but its model and no questions, and reads no instructions but the tree's.
const VARIABLES: [(&str, &str); 7] = [
    ("OPENCODE_DISABLE_AUTOUPDATE", "1"),
    ("OPENCODE_DISABLE_CLAUDE_CODE_PROMPT", "1"),
    ("OPENCODE_DISABLE_DEFAULT_PLUGINS", "1"),
    ("OPENCODE_DISABLE_LSP_DOWNLOAD", "1"),
    ("OPENCODE_DISABLE_MODELS_FETCH", "1"),
    ("OPENCODE_DISABLE_SHARE", "1"),
    ("OPENCODE_PERMISSION", r#"{"bash": "allow", "edit": "allow", "webfetch": "allow"}"#),
];

fn given(assignment: &Assignment<'_>) -> Given {
    let mut options: Vec<_> = ["--format", "json"].map(Into::into).into();
    if let Some(model) = assignment.model {
        options.extend(["--model".into(), model.into()]);
    }
    Given { options, variables: Vec::new() }
}

fn reader() -> Box<dyn Reader> {
    Box::new(Stream::<OpencodeEvents>::default())
}

/// What its events report so far.
#[derive(Debug, Clone, Default)]
struct OpencodeEvents {
    /// What each step used, by its id.
    steps: Messages,
    /// What each step cost, in dollars, by its id.
    costs: BTreeMap<String, f64>,
    /// Why the last step ended, unless another one began.
    reason: Option<String>,
    /// The last error, unless another step began.
    error: Option<Value>,
}

impl Events for OpencodeEvents {
    fn event(&mut self, event: &Value) {
        match event["type"].as_str() {
            Some("step_start") => (self.reason, self.error) = (None, None),
            Some("step_finish") => {
                let part = &event["part"];
                let id = part["id"].as_str().unwrap_or_default();
                self.steps.count(id, tokens(&part["tokens"]));
                self.costs.extend(part["cost"].as_f64().map(|dollars| (id.to_owned(), dollars)));
                self.reason = part["reason"].as_str().map(str::to_owned);
            }
            Some("error") => self.error = Some(event["error"].clone()),
            _ => {}
        }
    }

    fn usage(&self) -> Usage {
        let tokens = self.steps.total();
        let dollars = self.costs.values().copied().reduce(|sum, dollars| sum + dollars);
        Usage { tokens, cost: cost(dollars, tokens) }
    }

    fn end(&self, _ended: Option<EndedAgent>, now: Timestamp) -> Option<Result<ClaimedEnd, Failure>> {
        if let Some(error) = &self.error {
            return Some(failed(error, now));
        }
        match self.reason.as_deref()? {
            "tool-calls" | "unknown" => None,
            "content-filter" => Some(Ok(ClaimedEnd::Refused)),
            _ => Some(Ok(ClaimedEnd::Finished)),
        }
    }

    fn trouble(&self, _now: Timestamp) -> Option<Failure> {
        let is_cut = self.reason.as_deref() == Some("unknown");
        is_cut.then(|| Failure::new(FailureKind::Provider, "the model's last answer ends in its middle"))
    }
}

/// What was thought is counted beside what was written.
fn tokens(tokens: &Value) -> Tokens {
    let (written, thought) = (tokens["output"].as_u64(), tokens["reasoning"].as_u64());
    Tokens {
        input: tokens["input"].as_u64(),
        output: written.map(|written| written.saturating_add(thought.unwrap_or_default())),
        cache_creation: tokens["cache"]["write"].as_u64(),
        cache_read: tokens["cache"]["read"].as_u64(),
    }
}

fn failed(failure: &Value, now: Timestamp) -> Result<ClaimedEnd, Failure> {
    let data = &failure["data"];
    let message = data["message"].as_str().or_else(|| failure["name"].as_str()).unwrap_or("it names no reason");
    match failure["name"].as_str() {
        Some("ContextOverflowError") => Ok(ClaimedEnd::ContextTooLong),
        Some("ContentFilterError") => Ok(ClaimedEnd::Refused),
        Some("ProviderAuthError") => Err(Failure::new(FailureKind::Auth, message)),
        _ => error(data["statusCode"].as_i64(), message, now).map_err(|failure| {
            let header =
                data["responseHeaders"]["retry-after"].as_str().filter(|_| failure.kind == FailureKind::RateLimit);
            Failure { retry_at: header.and_then(|value| resets::of_header(value, now)).or(failure.retry_at), ..failure }
        }),
    }
}

/// Adds the steps of an event. A call of a tool comes once it is done, with its output.
fn add_steps(event: &Value, steps: &mut Steps) {
    let part = &event["part"];
    match event["type"].as_str() {
        Some("text") => steps.add(StepKind::Message, &text(&part["text"])),
        Some("reasoning") => steps.add(StepKind::Thought, &text(&part["text"])),
        Some("tool_use") => {
            let state = &part["state"];
            let is_error = state["status"] == "error";
            steps.add(call(&part["tool"]), &text(&state["input"]));
            let output = if is_error { &state["error"] } else { &state["output"] };
            steps.add(StepKind::ToolOutput { is_error }, &text(output));
        }
        _ => {}
    }
}
