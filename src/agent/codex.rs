//! The agent `codex`: the Codex CLI, with its stream of events (`codex exec --json`).
//!
//! Its errors are texts of its own in the field of an event: what matters in them stands at their beginning, before anything that
//! somebody else wrote. It prints an error each time before it asks again; only `turn.failed` is the end.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::Value;

use super::events::{Events, Stream, error, failure, most, status_in};
use super::installed::{self, Given, KEYS, Program};
use super::steps::{of_events, printed, text};
use crate::model::agent::{Agent, Assignment, ClaimedEnd, EndedAgent, StepsIn};
use crate::model::installation::{Installation, Package};
use crate::model::outcome::{Failure, FailureKind};
use crate::model::program::Kind;
use crate::model::setup::Capability;
use crate::model::steps::{StepKind, Steps};
use crate::model::usage::{Cost, Tokens, Usage};
use crate::text::foreign;

/// The kind, as fixtures name it.
pub(super) static KIND: Kind<Agent> = Kind {
    name: "codex",
    about: "OpenAI Codex, in the workspace, allowed to do everything there",
    keys: KEYS,
    takes: &[Capability::Prompt, Capability::Model, Capability::Thinking, Capability::Instructions],
    read: |keys| installed::read(&PROGRAM, keys),
};

static PROGRAM: Program = Program {
    kind: &KIND,
    installation: Installation {
        program: "codex",
        package: Package::Npm("@openai/codex"),
        version_argument: "--version",
        says_version: false,
        keys: &["CODEX_API_KEY", "OPENAI_API_KEY"],
        login: Some("codex login"),
        addresses: &["OPENAI_BASE_URL"],
        detours: &[],
        aliases: &[],
        greetings: &[
            "Reading additional input from stdin",
            "WARNING: proceeding, even though we could not create PATH aliases",
        ],
        variables: &[],
    },
    line: LINE,
    given,
    thinks_by_word: false,
    reader,
    steps: Some(STEPS),
};

/// The prompt comes by standard input. `codex exec` reads its key from a variable of its own, and the address of another endpoint from
/// its settings. With a key that endpoint is a provider of its own: for the one that is built in it tries web sockets first, for several seconds where
/// they are not known, and its retries cannot be set.
const LINE: &str = "\
    [ -n \"$CODEX_API_KEY\" ] || [ -z \"$OPENAI_API_KEY\" ] || export CODEX_API_KEY=\"$OPENAI_API_KEY\"
    if [ -n \"$OPENAI_BASE_URL\" ] && [ -n \"$CODEX_API_KEY\" ]; then
        set -- \"$@\" --config model_provider=endpoint --config model_providers.endpoint.name=endpoint \\
            --config \"model_providers.endpoint.base_url=\\\"$OPENAI_BASE_URL\\\"\" \\
            --config model_providers.endpoint.env_key=CODEX_API_KEY --config model_providers.endpoint.wire_api=responses \\
            --config model_providers.endpoint.request_max_retries=2 --config model_providers.endpoint.stream_max_retries=2
    elif [ -n \"$OPENAI_BASE_URL\" ]; then
        set -- \"$@\" --config \"openai_base_url=\\\"$OPENAI_BASE_URL\\\"\"
    fi
    exec codex exec \"$@\" - <\"$SCYLLA_PROMPT_FILE\"";

/// Events, no questions, nothing of a person's settings, nobody asked but the model, and `CLAUDE.md` read as instructions.
const OPTIONS: [&str; 14] = [
    "--json",
    "--skip-git-repo-check",
    "--dangerously-bypass-approvals-and-sandbox",
    "--ignore-user-config",
    "--ignore-rules",
    "--ephemeral",
    "--config",
    "check_for_update_on_startup=false",
    "--config",
    "analytics.enabled=false",
    "--config",
    "project_doc_fallback_filenames=[\"CLAUDE.md\"]",
    "--config",
    "project_doc_max_bytes=1000000",
];

fn given(assignment: &Assignment<'_>) -> Given {
    let mut given = Given { options: OPTIONS.map(Into::into).into(), variables: Vec::new() };
    let effort = match assignment.thinking {
        "Low" => Some("low"),
        "High" => Some("high"),
        "UltraThink" => Some("xhigh"),
        _ => None,
    };
    if let Some(effort) = effort {
        given.options.extend(["--config".into(), format!("model_reasoning_effort={effort}").into()]);
    }
    if let Some(model) = assignment.model {
        given.options.extend(["--model".into(), model.into()]);
    }
    given
}

fn reader() -> Box<dyn crate::model::agent::Reader> {
    Box::new(Stream::<CodexEvents>::default())
}

/// What its events report so far.
#[derive(Debug, Clone, Default)]
struct CodexEvents {
    tokens: Tokens,
    /// The end of its turn: the message of what it failed by, if it failed.
    end: Option<Result<(), String>>,
    /// The last error that it will ask again after.
    retry: Option<String>,
}

impl Events for CodexEvents {
    fn event(&mut self, event: &Value) {
        let message = |event: &Value| event["message"].as_str().unwrap_or("it names no reason").to_owned();
        match event["type"].as_str() {
            Some("turn.started") => (self.end, self.retry) = (None, None),
            Some("turn.completed") => {
                self.tokens = most(self.tokens, tokens(&event["usage"]));
                self.end = Some(Ok(()));
            }
            Some("turn.failed") => self.end = Some(Err(message(&event["error"]))),
            Some("error") => self.retry = Some(message(event)),
            Some("item.started" | "item.completed") if event["item"]["type"] != "error" => self.retry = None,
            _ => {}
        }
    }

    /// It never says what it cost.
    fn usage(&self) -> Usage {
        Usage { tokens: self.tokens, cost: Cost::Unknown }
    }

    fn end(&self, _ended: Option<EndedAgent>, now: Timestamp) -> Option<Result<ClaimedEnd, Failure>> {
        self.end.as_ref().map(|end| match end {
            Ok(()) => Ok(ClaimedEnd::Finished),
            Err(message) => failed(message, now),
        })
    }

    fn trouble(&self, now: Timestamp) -> Option<Failure> {
        let message = self.retry.as_deref()?;
        let cause = message.strip_prefix("Reconnecting... ").and_then(|rest| rest.split_once(" ("));
        failed(cause.map_or(message, |(_, cause)| cause), now).err()
    }
}

/// What it counts as read includes what was read from the cache and written to it.
fn tokens(usage: &Value) -> Tokens {
    let count = |name: &str| usage[name].as_u64();
    let (cache_read, cache_creation) = (count("cached_input_tokens"), count("cache_write_input_tokens"));
    let cached = cache_read.unwrap_or_default().saturating_add(cache_creation.unwrap_or_default());
    let input = count("input_tokens").map(|all| all.saturating_sub(cached));
    Tokens { input, output: count("output_tokens"), cache_creation, cache_read }
}

/// The beginnings of its messages that a status of HTTP follows.
const BEFORE_STATUS: [&str; 2] = ["unexpected status ", "exceeded retry limit, last status: "];
/// The beginnings of its messages for a limit of requests, of a provider and of a subscription.
const RATE_LIMITS: [&str; 2] = ["rate limit exceeded", "You've hit your usage limit"];

/// What a message of its says.
fn failed(message: &str, now: Timestamp) -> Result<ClaimedEnd, Failure> {
    if message.starts_with("Codex ran out of room in the model's context window") {
        return Ok(ClaimedEnd::ContextTooLong);
    }
    if RATE_LIMITS.iter().any(|start| message.starts_with(start)) {
        return Err(failure(FailureKind::RateLimit, message, now));
    }
    if let Some(rest) = BEFORE_STATUS.iter().find_map(|start| message.strip_prefix(start)) {
        return error(status_in(rest), message, now);
    }
    // A provider's answer that it passes on as it came.
    let answer = foreign::read::<Value>(message.as_bytes()).unwrap_or_default();
    if answer["error"]["code"] == "context_length_exceeded" {
        return Ok(ClaimedEnd::ContextTooLong);
    }
    error(None, answer["error"]["message"].as_str().unwrap_or(message), now)
}

const STEPS: StepsIn = printed(|bytes| {
    let mut begun = BTreeSet::new();
    of_events(bytes, |event, steps| add_steps(event, &mut begun, steps))
});

/// Adds the steps of an event. A call of a tool comes when it begins and once more with its output, with the same id; some come
/// only when they are done.
fn add_steps(event: &Value, begun: &mut BTreeSet<String>, steps: &mut Steps) {
    let is_done = match event["type"].as_str() {
        Some("item.started") => false,
        Some("item.completed") => true,
        _ => return,
    };
    let item = &event["item"];
    let of = |name: &str| text(&item[name]);
    let (name, input, output) = match item["type"].as_str() {
        Some("agent_message") if is_done => return steps.add(StepKind::Message, &of("text")),
        Some("reasoning") if is_done => return steps.add(StepKind::Thought, &of("text")),
        Some("command_execution") => ("command".to_owned(), of("command"), of("aggregated_output")),
        Some("file_change") => ("file_change".to_owned(), of("changes"), of("status")),
        Some("web_search") => ("web_search".to_owned(), of("query"), String::new()),
        Some("mcp_tool_call") => {
            let output = text(&item["result"]["content"]) + &text(&item["error"]["message"]);
            (format!("{} of {}", of("tool"), of("server")), of("arguments"), output)
        }
        _ => return,
    };
    if !is_done {
        begun.insert(of("id"));
    }
    if !is_done || !begun.remove(&of("id")) {
        steps.add(StepKind::ToolCall { name }, &input);
    }
    if is_done {
        let has_failed = matches!(item["status"].as_str(), Some("failed" | "declined"));
        let is_error = has_failed || item["exit_code"].as_i64().is_some_and(|code| code != 0);
        steps.add(StepKind::ToolOutput { is_error }, &output);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::agent::Output;
    use crate::model::outcome::AgentEnd;

    /// How a run with these events ended that a limit of ours ended.
    fn ended(events: &[&str], ended: EndedAgent) -> Result<AgentEnd, FailureKind> {
        let mut reader = reader();
        reader.feed(Output::Stdout, events.concat().as_bytes());
        let outcome = reader.outcome(ended, Timestamp::UNIX_EPOCH);
        outcome.map(|outcome| outcome.end).map_err(|failure| failure.kind)
    }

    #[test]
    fn one_that_waits_for_its_provider_when_our_limit_ends_it_did_not_fail_at_its_task() {
        let begun = "{\"type\":\"turn.started\"}\n";
        let limited = "{\"type\":\"error\",\"message\":\"Reconnecting... 1/2 (exceeded retry limit, last status: 429 Too Many Requests)\"}\n";
        let worked = "{\"type\":\"item.completed\",\"item\":{\"type\":\"agent_message\",\"text\":\"on I go\"}}\n";
        for limit in [EndedAgent::TimedOut, EndedAgent::NoProgress] {
            assert_eq!(ended(&[begun, limited], limit), Err(FailureKind::RateLimit));
        }
        assert_eq!(ended(&[begun, limited, worked], EndedAgent::TimedOut), Ok(AgentEnd::TimedOut));
        assert_eq!(ended(&[begun, limited], EndedAgent::OutputLimit), Ok(AgentEnd::OutputLimit));
        assert_eq!(ended(&[begun], EndedAgent::NoProgress), Ok(AgentEnd::NoProgress));
    }
}
