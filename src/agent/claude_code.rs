//! The agent `claude-code`: Claude Code as a program of its own, with its stream of events (`--output-format stream-json`).
//!
//! Neither its exit code nor `"subtype": "success"` means success: it exits with 0 when it is interrupted, and calls a refused key a
//! success with `is_error`. What counts is its last event, `result`. Each message of the model comes once for each part of its
//! content, with the same id and the same usage, so usage is counted by id.

use std::collections::BTreeMap;
use std::ffi::OsString;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::record;
use crate::model::agent::{
    Adapter, Agent, AgentOutcome, AgentStart, Assignment, ClaimedEnd, EndedAgent, NamedProgram, Output, Reader, Reading,
};
use crate::model::ids::ModelName;
use crate::model::limits::MOST_STAGE_FILE_BYTES;
use crate::model::money::Usd;
use crate::model::outcome::{Failure, FailureKind};
use crate::model::program::{Invocation, Keys, Kind};
use crate::model::setup::{Capability, Tools};
use crate::model::usage::{Cost, Tokens, Usage};
use crate::setup::compose::TEAMS_VARIABLE;

/// The kind, as fixtures name it.
pub(super) static KIND: Kind<Agent> = Kind {
    name: "claude-code",
    about: "Claude Code, in the workspace, allowed to do everything there",
    keys: &[("environment", "variables of its own")],
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
    read,
};

/// The program.
const PROGRAM: &str = "claude";
/// The prompt comes by standard input: an argument must be short, and may look like an option.
const LINE: &str = "exec claude --print \"$@\" <\"$SCYLLA_PROMPT_FILE\"";
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
/// So that it asks nobody but its model, and runs without questions as root in a container too.
const VARIABLES: [(&str, &str); 5] = [
    ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1"),
    ("DISABLE_AUTOUPDATER", "1"),
    ("DISABLE_ERROR_REPORTING", "1"),
    ("DISABLE_TELEMETRY", "1"),
    ("IS_SANDBOX", "1"),
];
/// So often it asks again after an error, in place of 10 times in three minutes: attempts are made again by us.
const RETRIES: (&str, &str) = ("CLAUDE_CODE_MAX_RETRIES", "2");

/// Claude Code with a fixture's settings.
#[derive(Debug)]
struct ClaudeCode {
    run: Invocation,
    environment: BTreeMap<String, String>,
}

fn read(keys: &dyn Keys) -> Option<Agent> {
    let environment = keys.variables("environment")?;
    Some(Agent::new(ClaudeCode { run: Invocation::Argv(vec![PROGRAM.to_owned()]), environment }))
}

impl Adapter for ClaudeCode {
    fn kind(&self) -> &'static Kind<Agent> {
        &KIND
    }

    fn keys(&self) -> Map<String, Value> {
        Map::from_iter([("environment".to_owned(), json!(self.environment))])
    }

    fn program(&self) -> Option<NamedProgram<'_>> {
        Some(NamedProgram { run: &self.run, environment: &self.environment })
    }

    fn model(&self, configured: Option<&str>) -> Option<ModelName> {
        Some(ModelName::new(configured.unwrap_or(PROGRAM)))
    }

    fn start(&self, assignment: &Assignment<'_>) -> AgentStart {
        let mut environment = assignment.environment.clone();
        let own = VARIABLES.into_iter().chain([RETRIES]);
        environment.extend(own.map(|(name, value)| (name.into(), value.into())));
        if assignment.setup.agent_teams {
            environment.insert(TEAMS_VARIABLE.into(), "1".into());
        }
        environment.extend(self.environment.iter().map(|(name, value)| (name.into(), value.into())));
        environment.insert("SCYLLA_PROMPT_FILE".into(), assignment.paths.prompt_file.clone().into_os_string());
        let mut argv: Vec<OsString> = ["/bin/sh", "-c", LINE, PROGRAM].map(OsString::from).into();
        argv.extend(OPTIONS.map(Into::into));
        if let Some(model) = assignment.model {
            argv.extend(["--model".into(), model.into()]);
        }
        if let Some(Tools::Named(names)) = &assignment.setup.resources.tools {
            argv.extend(["--tools".into(), names.join(",").into()]);
        }
        AgentStart::Command { argv, environment }
    }

    fn reader(&self) -> Option<Box<dyn Reader>> {
        Some(Box::new(Stream::default()))
    }
}

/// What its events said so far.
#[derive(Debug, Default)]
struct Stream {
    /// The part of a line whose end is not there yet; `None` while a line is too long to be kept.
    line: Option<Vec<u8>>,
    has_begun: bool,
    /// What each message of the model used, by its id.
    messages: BTreeMap<String, Tokens>,
    /// The last error that it said it will ask again after.
    retry: Option<Failure>,
    /// Its last event.
    result: Option<Value>,
    cannot_read: Option<String>,
}

impl Reader for Stream {
    fn wants(&self) -> &'static [Output] {
        &[Output::Stdout]
    }

    fn feed(&mut self, output: Output, piece: &[u8]) {
        if output != Output::Stdout {
            return;
        }
        let mut rest = piece;
        if !self.has_begun {
            (self.has_begun, self.line) = (true, Some(Vec::new()));
        }
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            self.extend(&rest[..end]);
            if let Some(line) = self.line.replace(Vec::new()) {
                self.event(&line);
            }
            rest = &rest[end + 1..];
        }
        self.extend(rest);
    }

    fn cannot_read(&mut self, output: Output, why: String) {
        if output == Output::Stdout {
            self.cannot_read = Some(why);
        }
    }

    fn reading(&self, _now: Timestamp) -> Option<Reading> {
        if let Some(why) = &self.cannot_read {
            return Some(Reading { end: Err(why.clone()), ..Reading::default() });
        }
        let last = self.line.as_deref().and_then(|line| serde_json::from_slice::<Value>(line).ok());
        let last = last.filter(|event| event["type"] == "result");
        let Some(result) = last.as_ref().or(self.result.as_ref()) else {
            let usage = Usage { tokens: self.tokens(), cost: Cost::Unknown };
            return self.has_begun.then(|| Reading { usage, ..Reading::default() });
        };
        let said: Tokens = serde_json::from_value(result["usage"].clone()).unwrap_or_default();
        let usd = result["total_cost_usd"].as_f64().and_then(|usd| Usd::from_dollars(usd).ok());
        let usage = Usage { tokens: most(said, self.tokens()), cost: Cost::reported(usd) };
        let (end, failure) = ending(result);
        Some(Reading { usage, failure, end: Ok(end) })
    }

    fn outcome(&self, ended: EndedAgent, now: Timestamp) -> Result<AgentOutcome, Failure> {
        let reading = self.reading(now);
        let has_result = reading.as_ref().is_some_and(|reading| reading.failure.is_some() || reading.end != Ok(None));
        let reading = if has_result { reading } else { reading.filter(|_| !matches!(ended, EndedAgent::Exited(_))) };
        match record::outcome(true, ended, reading) {
            Err(failure) if !has_result && failure.kind == FailureKind::NoRecord => {
                let silent = format!(
                    "{} and its output ends without a result",
                    failure.message.replace(" and left no record", "")
                );
                Err(self.retry.clone().unwrap_or_else(|| Failure::new(FailureKind::NoRecord, silent)))
            }
            outcome => outcome,
        }
    }
}

impl Stream {
    fn extend(&mut self, piece: &[u8]) {
        let Some(line) = &mut self.line else { return };
        if (line.len() + piece.len()) as u64 > MOST_STAGE_FILE_BYTES {
            self.line = None;
        } else {
            line.extend_from_slice(piece);
        }
    }

    fn event(&mut self, line: &[u8]) {
        let Ok(event) = serde_json::from_slice::<Value>(line) else { return };
        match (event["type"].as_str(), event["subtype"].as_str()) {
            (Some("assistant"), _) => {
                let message = &event["message"];
                if let (Some(id), Ok(tokens)) =
                    (message["id"].as_str(), serde_json::from_value(message["usage"].clone()))
                {
                    let seen = self.messages.entry(id.to_owned()).or_default();
                    *seen = most(*seen, tokens);
                }
                self.retry = None;
            }
            (Some("system"), Some("api_retry")) => {
                let status = event["error_status"].as_i64();
                let error = event["error"].as_str().unwrap_or("no reason is named");
                self.retry = Some(Failure::new(kind_of(status), format!("the provider's answer: {error}")));
            }
            (Some("result"), _) => self.result = Some(event),
            _ => {}
        }
    }

    /// All that the messages used.
    fn tokens(&self) -> Tokens {
        let sum = |of: fn(&Tokens) -> Option<u64>| {
            let said = self.messages.values().filter_map(of);
            said.fold(None, |sum: Option<u64>, count| Some(sum.unwrap_or_default().saturating_add(count)))
        };
        Tokens {
            input: sum(|tokens| tokens.input),
            output: sum(|tokens| tokens.output),
            cache_creation: sum(|tokens| tokens.cache_creation),
            cache_read: sum(|tokens| tokens.cache_read),
        }
    }
}

/// The greater of two counts, each by itself: the result of a run over its budget says 0 where its messages do not.
fn most(first: Tokens, later: Tokens) -> Tokens {
    Tokens {
        input: first.input.max(later.input),
        output: first.output.max(later.output),
        cache_creation: first.cache_creation.max(later.cache_creation),
        cache_read: first.cache_read.max(later.cache_read),
    }
}

/// What its last event says of its end, or what kept it from working.
fn ending(result: &Value) -> (Option<ClaimedEnd>, Option<Failure>) {
    match result["subtype"].as_str() {
        Some("error_max_turns" | "error_max_budget_usd") => return (Some(ClaimedEnd::OverBudget), None),
        Some("success") if result["is_error"] == false => {
            let is_refused = result["stop_reason"] == "refusal";
            return (Some(if is_refused { ClaimedEnd::Refused } else { ClaimedEnd::Finished }), None);
        }
        _ => {}
    }
    let said = result["result"].as_str().or_else(|| result["terminal_reason"].as_str());
    let kind = kind_of(result["api_error_status"].as_i64());
    (None, Some(Failure::new(kind, said.unwrap_or("it ended with an error that it does not name"))))
}

/// The kind of failure of a status of HTTP.
fn kind_of(status: Option<i64>) -> FailureKind {
    match status {
        Some(401 | 403) => FailureKind::Auth,
        Some(429) => FailureKind::RateLimit,
        _ => FailureKind::Provider,
    }
}
