//! The agent `opencode`, with its stream of events (`opencode run --format json`).
//!
//! A step that ends by a reason of the model's is the end of the run, unless another step or an error follows. A step that ends by an
//! unknown reason was cut: it then asks again, without end. It waits before it asks again as long as its provider says, and its events
//! say nothing of that: its log does.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use super::events::{Events, Messages, Stream, cost, error, failure};
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
        detours: &[],
        aliases: &[],
        greetings: &[],
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
    let mut options: Vec<_> = ["--format", "json", "--print-logs", "--log-level", "ERROR"].map(Into::into).into();
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
    /// When the last event came.
    last: Option<Timestamp>,
    /// The last error of its model that its log names, and when.
    logged: Option<(Timestamp, String)>,
}

impl Events for OpencodeEvents {
    fn event(&mut self, event: &Value) {
        let at = event["timestamp"].as_i64().and_then(|at| Timestamp::from_millisecond(at).ok());
        self.last = self.last.max(at);
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

    fn requests(&self) -> Vec<Tokens> {
        self.steps.each()
    }

    fn turns(&self) -> Option<u64> {
        Some(self.steps.count_of())
    }

    fn reports_as_it_works() -> bool {
        true
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

    fn trouble(&self, now: Timestamp) -> Option<Failure> {
        if let Some((_, message)) = self.logged.as_ref().filter(|(at, _)| self.last.is_none_or(|last| *at > last)) {
            let is_limited = LIMITS.iter().any(|words| message.to_lowercase().contains(words));
            let kind = if is_limited { FailureKind::RateLimit } else { FailureKind::Provider };
            return Some(failure(kind, message, now));
        }
        let is_cut = self.reason.as_deref() == Some("unknown");
        is_cut.then(|| Failure::new(FailureKind::Provider, "the model's last answer ends in its middle"))
    }

    const READS_STDERR: bool = true;

    fn logged(&mut self, line: &[u8]) {
        self.logged = std::str::from_utf8(line).ok().and_then(stream_error).or(self.logged.take());
    }
}

/// Words of providers for a limit of requests: the log has no status.
const LIMITS: [&str; 3] = ["rate limit", "too many requests", "rate_limit"];

/// The error of a model that a line of the log names, and when; requests for titles are not meant.
fn stream_error(line: &str) -> Option<(Timestamp, String)> {
    let at = line.strip_prefix("timestamp=")?.split(' ').next()?.parse().ok()?;
    let (before, message) = line.split_once(" error.error=\"AI_APICallError: ")?;
    let is_of_work = before.contains(" message=\"stream error\" ") && before.contains(" small=false ");
    is_of_work.then(|| (at, message.trim_end_matches('"').to_owned()))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::agent::Output;
    use crate::model::outcome::AgentEnd;

    const STEP: &str = r#"{"type":"step_start","timestamp":1795978000000,"part":{"id":"prt_1"}}"#;

    /// A line of the log, which says that a request failed by this message.
    fn logged(at: &str, is_small: bool, message: &str) -> String {
        format!(
            "timestamp={at} level=ERROR run=1 message=\"stream error\" providerID=p modelID=m session.id=ses_1 \
             small={is_small} agent=build mode=primary error.error=\"AI_APICallError: {message}\"\n"
        )
    }

    /// How a run ended that our limit of time ended.
    fn ended(events: &str, log: &str) -> Result<AgentEnd, Failure> {
        let mut reader = reader();
        reader.feed(Output::Stdout, events.as_bytes());
        reader.feed(Output::Stderr, log.as_bytes());
        let now = "2026-11-29T19:30:00Z".parse().unwrap();
        reader.outcome(EndedAgent::TimedOut, now).map(|outcome| outcome.end)
    }

    #[test]
    fn a_program_that_waits_as_its_provider_says_is_known_by_its_log_when_our_limit_ends_it() {
        let limited = logged("2026-11-29T19:02:22.553Z", false, "Too many requests, please try again in 1h0m0s");
        let failure = ended("", &limited).unwrap_err();
        assert_eq!(failure.kind, FailureKind::RateLimit);
        assert_eq!(failure.retry_at.map(|at| at.to_string()).as_deref(), Some("2026-11-29T20:30:00Z"));
        let down = limited.clone() + &logged("2026-11-29T19:03:00Z", false, "down");
        assert_eq!(ended(STEP, &down).unwrap_err().kind, FailureKind::Provider, "the last one counts");
    }

    #[test]
    fn what_was_answered_since_or_only_a_title_lacks_leaves_a_timeout_an_outcome() {
        let before = logged("2026-11-29T18:00:00Z", false, "too many requests");
        let title = logged("2026-11-29T19:02:22.553Z", true, "too many requests");
        for log in [before.as_str(), &title, "", "timestamp=soon level=ERROR too many requests\n", "\u{fffd}\n"] {
            assert_eq!(ended(STEP, log), Ok(AgentEnd::TimedOut), "{log}");
        }
    }
}
