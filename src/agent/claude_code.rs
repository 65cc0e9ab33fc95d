//! The agent `claude-code`: Claude Code as a program of its own, with its stream of events (`--output-format stream-json`).
//!
//! Neither its exit code nor `"subtype": "success"` means success: it exits with 0 when it is interrupted, and calls a refused key a
//! success with `is_error`. What counts is its last event, `result`. Each message of the model comes once for each part of its
//! content, with the same id and the same usage, so usage is counted by id.

use jiff::Timestamp;
use serde_json::Value;

use super::events::{Events, Messages, Stream, add_model, error, kind_of, most};
use super::installed::{self, Given, KEYS, Program};
use super::steps::{call, of_events, printed, text};
use crate::model::agent::{Agent, Assignment, ClaimedEnd, EndedAgent};
use crate::model::allowance::Allowance;
use crate::model::installation::{Installation, Package};
use crate::model::money::Usd;
use crate::model::outcome::Failure;
use crate::model::program::Kind;
use crate::model::setup::{Capability, Tools};
use crate::model::steps::{StepKind, Steps};
use crate::model::usage::{Cost, Tokens, Usage};
use crate::setup::compose::TEAMS_VARIABLE;

/// The kind, as fixtures name it.
pub(super) static KIND: Kind<Agent> = Kind {
    name: "claude-code",
    about: "Claude Code, in the workspace, allowed to do everything there",
    keys: KEYS,
    takes: &[
        Capability::Prompt,
        Capability::Model,
        Capability::Thinking,
        Capability::Instructions,
        Capability::Skills,
        Capability::Agents,
        Capability::Teams,
        Capability::Tools,
    ],
    read: |keys| installed::read(&PROGRAM, keys),
};

/// The prompt comes by standard input: an argument must be short, and may look like an option.
static PROGRAM: Program = Program {
    kind: &KIND,
    installation: Installation {
        program: "claude",
        package: Package::Npm("@anthropic-ai/claude-code"),
        version_argument: "--version",
        says_version: true,
        keys: &["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN"],
        login: Some("claude /login"),
        addresses: &["ANTHROPIC_BASE_URL"],
        detours: &["CLAUDE_CODE_USE_BEDROCK", "CLAUDE_CODE_USE_FOUNDRY", "CLAUDE_CODE_USE_VERTEX"],
        aliases: &["default", "best", "opus", "opus[1m]", "sonnet", "sonnet[1m]", "haiku", "opusplan"],
        greetings: &[],
        variables: &VARIABLES,
    },
    line: "exec claude --print \"$@\" <\"$SCYLLA_PROMPT_FILE\"",
    given,
    thinks_by_word: true,
    reader: || Box::new(Stream::<ClaudeEvents>::default()),
    steps: Some(printed(|bytes| of_events(bytes, add_steps))),
};
/// Events as they happen, no questions, and of the settings only those of the tree: what a person has set up for themselves (a
/// `CLAUDE.md`, plugins, hooks) is no part of what is measured.
const OPTIONS: [&str; 6] = [
    "--output-format",
    "stream-json",
    "--verbose",
    "--dangerously-skip-permissions",
    "--setting-sources",
    "project,local",
];
/// So that it asks nobody but its model, runs without questions as root in a container too, and asks again twice after an error, in
/// place of 10 times in three minutes: attempts are made again by us.
const VARIABLES: [(&str, &str); 6] = [
    ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1"),
    ("CLAUDE_CODE_MAX_RETRIES", "2"),
    ("DISABLE_AUTOUPDATER", "1"),
    ("DISABLE_ERROR_REPORTING", "1"),
    ("DISABLE_TELEMETRY", "1"),
    ("IS_SANDBOX", "1"),
];

fn given(assignment: &Assignment<'_>) -> Given {
    let mut given = Given { options: OPTIONS.map(Into::into).into(), variables: Vec::new() };
    if let Some(model) = assignment.model {
        given.options.extend(["--model".into(), model.into()]);
    }
    if let Some(Tools::Named(names)) = &assignment.setup.resources.tools {
        given.options.extend(["--tools".into(), names.join(",").into()]);
    }
    let Allowance { turns, cost, .. } = assignment.allowance;
    if let Some(turns) = turns {
        given.options.extend(["--max-turns".into(), turns.to_string().into()]);
    }
    if let Some(cost) = cost {
        given.options.extend(["--max-budget-usd".into(), cost.dollars().to_string().into()]);
    }
    if assignment.setup.agent_teams {
        given.variables.push((TEAMS_VARIABLE, "1".into()));
    }
    given
}

/// What it names as the model of messages that it makes up itself.
const SYNTHETIC: &str = "<synthetic>";

/// What its events said so far.
#[derive(Debug, Clone, Default)]
struct ClaudeEvents {
    messages: Messages,
    /// The models that its messages are of.
    models: Vec<String>,
    /// The version that its first event names.
    version: Option<String>,
    /// The last error that it said it will ask again after.
    retry: Option<Failure>,
    /// Whether its last message is its own, and says that it has no key that is accepted.
    is_unauthenticated: bool,
    /// Its last event.
    result: Option<Value>,
}

impl Events for ClaudeEvents {
    fn event(&mut self, event: &Value) {
        match (event["type"].as_str(), event["subtype"].as_str()) {
            (Some("assistant"), _) => {
                let message = &event["message"];
                if let (Some(id), Ok(tokens)) =
                    (message["id"].as_str(), serde_json::from_value(message["usage"].clone()))
                {
                    self.messages.count(id, tokens);
                }
                // What it makes up itself, such as the text of an error, is no answer of a model.
                if message["model"] != SYNTHETIC {
                    add_model(&mut self.models, &message["model"]);
                }
                self.retry = None;
                self.is_unauthenticated = event["error"] == "authentication_failed";
            }
            (Some("system"), Some("init")) => {
                self.version = event["claude_code_version"].as_str().map(str::to_owned);
            }
            (Some("system"), Some("api_retry")) => {
                let status = event["error_status"].as_i64();
                let error = event["error"].as_str().unwrap_or("no reason is named");
                self.retry = Some(Failure::new(kind_of(status), format!("the provider's answer: {error}")));
            }
            (Some("result"), _) => self.result = Some(event.clone()),
            _ => {}
        }
    }

    /// The result of a run over its budget says 0 tokens where its messages do not.
    fn usage(&self) -> Usage {
        let result = self.result.as_ref().unwrap_or(&Value::Null);
        let reported: Tokens = serde_json::from_value(result["usage"].clone()).unwrap_or_default();
        let usd = result["total_cost_usd"].as_f64().and_then(|usd| Usd::from_dollars(usd).ok());
        Usage { tokens: most(reported, self.messages.total()), cost: Cost::reported(usd) }
    }

    fn end(&self, _ended: Option<EndedAgent>, now: Timestamp) -> Option<Result<ClaimedEnd, Failure>> {
        // Without a key it asks nobody, so that its result has no status.
        let unasked = self.is_unauthenticated.then_some(401);
        self.result.as_ref().map(|result| ending(result, result["api_error_status"].as_i64().or(unasked), now))
    }

    fn requests(&self) -> Vec<Tokens> {
        self.messages.each()
    }

    fn turns(&self) -> Option<u64> {
        Some(self.messages.count_of())
    }

    fn reports_as_it_works() -> bool {
        true
    }

    fn version(&self) -> Option<&str> {
        self.version.as_deref()
    }

    fn models(&self) -> Vec<String> {
        self.models.clone()
    }

    fn trouble(&self, _now: Timestamp) -> Option<Failure> {
        self.retry.clone()
    }
}

/// What its last event says of its end, or what kept it from working.
fn ending(result: &Value, status: Option<i64>, now: Timestamp) -> Result<ClaimedEnd, Failure> {
    match result["subtype"].as_str() {
        Some("error_max_turns" | "error_max_budget_usd") => return Ok(ClaimedEnd::OverBudget),
        Some("success") if result["is_error"] == false => {
            let is_refused = result["stop_reason"] == "refusal";
            return Ok(if is_refused { ClaimedEnd::Refused } else { ClaimedEnd::Finished });
        }
        _ => {}
    }
    let message = result["result"].as_str().or_else(|| result["terminal_reason"].as_str());
    error(status, message.unwrap_or("it ended with an error that it does not name"), now)
}

/// Adds the steps of an event: each has a part of a message, those of tools come as messages of the user.
fn add_steps(event: &Value, steps: &mut Steps) {
    for part in event["message"]["content"].as_array().into_iter().flatten() {
        match (event["type"].as_str(), part["type"].as_str()) {
            (Some("assistant"), Some("text")) => steps.add(StepKind::Message, &text(&part["text"])),
            (Some("assistant"), Some("thinking")) => steps.add(StepKind::Thought, &text(&part["thinking"])),
            (Some("assistant"), Some("tool_use" | "server_tool_use")) => {
                steps.add(call(&part["name"]), &text(&part["input"]));
            }
            (Some("assistant" | "user"), Some(kind)) if kind.ends_with("tool_result") => {
                steps.add(StepKind::ToolOutput { is_error: part["is_error"] == true }, &text(&part["content"]));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::agent::{Output, Reader};
    use crate::model::outcome::FailureKind;

    #[test]
    fn without_a_key_it_asks_nobody_and_that_is_a_failure_of_the_key() {
        let told = |error: &str| {
            format!(
                "{{\"type\":\"assistant\",\"message\":{{\"id\":\"1\",\"model\":\"<synthetic>\"}},\"error\":\"{error}\"}}\n\
                 {{\"type\":\"result\",\"subtype\":\"success\",\"is_error\":true,\"api_error_status\":null,\"result\":\"Not logged in\"}}\n"
            )
        };
        for (error, kind) in [("authentication_failed", FailureKind::Auth), ("unknown", FailureKind::Provider)] {
            let mut reader = Stream::<ClaudeEvents>::default();
            reader.feed(Output::Stdout, told(error).as_bytes());
            let outcome = reader.outcome(EndedAgent::Exited(1), Timestamp::UNIX_EPOCH);
            assert_eq!(outcome.unwrap_err().kind, kind, "{error}");
        }
    }
}
