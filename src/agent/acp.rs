//! The agent `acp`: any program that speaks the Agent Client Protocol. Our own program is started in its place, speaks with it, and
//! prints what was spoken.
//!
//! How it ended is the answer to the prompt, and what it cost is in its last update of what it used. The tokens that programs name
//! there are those of the last request for some, so that they count only where the fixture says that they are whole.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::events::{self, Events, Stream, error};
use super::protocol::{Entry, Order, Over, Permissions, SPEAK, STEPS};
use crate::model::agent::EndedAgent::{NoProgress, OutputLimit, TimedOut};
use crate::model::agent::{
    Adapter, Agent, AgentStart, Assignment, ClaimedEnd, EndedAgent, NamedProgram, Reader, StepsIn,
};
use crate::model::ids::ModelName;
use crate::model::money::Usd;
use crate::model::outcome::{Failure, FailureKind};
use crate::model::program::{Invocation, Keys, Kind};
use crate::model::setup::Capability;
use crate::model::usage::{Cost, Tokens, Usage};

/// The kind, as fixtures name it.
pub(super) static KIND: Kind<Agent> = Kind {
    name: "acp",
    about: "starts a program that speaks the Agent Client Protocol, in the workspace",
    keys: &[
        ("command", "the program and its arguments, as a list"),
        ("shell", "a line for `sh`, in place of `command`"),
        ("environment", "variables of its own"),
        ("mode", "the mode that its session is set to"),
        ("model", "how it is told its model: `session` (the default), or `variable`: it reads `$SCYLLA_MODEL`"),
        (
            "permissions",
            "what it is answered when it asks whether it may do something: `allow` (the default) or `reject`",
        ),
        ("login", "the way of logging in that is asked for before its session"),
        ("tokens", "whether the tokens that it reports count: `reported` or `unknown` (the default)"),
        ("start_seconds", "how long it may take until it works on the prompt (120)"),
    ],
    takes: &[
        Capability::Prompt,
        Capability::Model,
        Capability::Thinking,
        Capability::Instructions,
        Capability::Skills,
        Capability::Agents,
    ],
    read,
};

const BY_SESSION: &str = "session";
const BY_VARIABLE: &str = "variable";
const ALLOW: &str = "allow";
const REJECT: &str = "reject";
const REPORTED: &str = "reported";
const UNKNOWN: &str = "unknown";
/// The method by which a program is given its task.
const PROMPT: &str = "session/prompt";
/// How long a program may take until it works on the prompt, by default, in seconds.
const USUAL_START: u64 = 120;
/// The model that stands for all agents without a named model that are shell lines.
const SOME_AGENTS: &str = "the agents' model";

/// Any program that speaks the protocol.
#[derive(Debug)]
struct Speaking {
    run: Invocation,
    /// Variables that it gets in addition to the allowed ones.
    environment: BTreeMap<String, String>,
    mode: Option<String>,
    /// Whether its session is set to the model.
    is_set_to_model: bool,
    permissions: Permissions,
    login: Option<String>,
    counts_tokens: bool,
    start_seconds: u64,
}

fn read(keys: &dyn Keys) -> Option<Agent> {
    let run = keys.run();
    let environment = keys.variables("environment");
    let mode = keys.text("mode");
    let is_set_to_model = keys.choice("model", &[BY_SESSION, BY_VARIABLE]) != Some(BY_VARIABLE);
    let permissions = match keys.choice("permissions", &[ALLOW, REJECT]) {
        Some(REJECT) => Permissions::Reject,
        _ => Permissions::Allow,
    };
    let login = keys.text("login");
    let counts_tokens = keys.choice("tokens", &[REPORTED, UNKNOWN]) == Some(REPORTED);
    let start_seconds = keys.seconds("start_seconds").unwrap_or(USUAL_START);
    let (run, environment) = (run?, environment?);
    Some(Agent::new(Speaking {
        run,
        environment,
        mode,
        is_set_to_model,
        permissions,
        login,
        counts_tokens,
        start_seconds,
    }))
}

impl Speaking {
    fn order(&self, model: Option<&str>) -> Order {
        Order {
            command: self.run.words(),
            mode: self.mode.clone(),
            model: model.filter(|_| self.is_set_to_model).map(str::to_owned),
            login: self.login.clone(),
            permissions: self.permissions,
            counts_tokens: self.counts_tokens,
            start_seconds: self.start_seconds,
        }
    }
}

impl Adapter for Speaking {
    fn kind(&self) -> &'static Kind<Agent> {
        &KIND
    }

    fn keys(&self) -> Map<String, Value> {
        let model = if self.is_set_to_model { BY_SESSION } else { BY_VARIABLE };
        let permissions = if self.permissions == Permissions::Allow { ALLOW } else { REJECT };
        let tokens = if self.counts_tokens { REPORTED } else { UNKNOWN };
        let mut keys: Map<String, Value> = [
            self.run.entry(),
            ("environment".to_owned(), json!(self.environment)),
            ("model".to_owned(), json!(model)),
            ("permissions".to_owned(), json!(permissions)),
            ("tokens".to_owned(), json!(tokens)),
            ("start_seconds".to_owned(), json!(self.start_seconds)),
        ]
        .into_iter()
        .collect();
        let named = [("mode", &self.mode), ("login", &self.login)];
        keys.extend(named.into_iter().filter_map(|(key, value)| Some((key.to_owned(), json!(value.as_ref()?)))));
        keys
    }

    fn program(&self) -> Option<NamedProgram<'_>> {
        Some(NamedProgram { run: &self.run, environment: &self.environment })
    }

    /// If no model is configured, agents with the same program count as using the same model.
    fn model(&self, configured: Option<&str>) -> Option<ModelName> {
        let program = match &self.run {
            Invocation::Argv(words) => words.first().map(Path::new).and_then(Path::file_name),
            Invocation::Shell(_) => None,
        };
        let own = program.map_or(SOME_AGENTS.into(), |program| program.to_string_lossy());
        Some(ModelName::new(configured.unwrap_or(&own)))
    }

    fn may_hide_its_cost(&self) -> bool {
        true
    }

    fn start(&self, assignment: &Assignment<'_>) -> AgentStart {
        let mut environment = assignment.environment.clone();
        environment.extend(self.environment.iter().map(|(name, value)| (name.into(), value.into())));
        let prompt_file = assignment.paths.prompt_file.clone().into_os_string();
        environment.insert("SCYLLA_PROMPT_FILE".into(), prompt_file);
        if let Some(model) = assignment.model {
            environment.insert("SCYLLA_MODEL".into(), model.into());
        }
        let order = serde_json::to_string(&self.order(assignment.model)).unwrap_or_default();
        let argv = ["cargo-scylla", SPEAK, &order].map(OsString::from).into();
        let needs = match &self.run {
            Invocation::Argv(words) => words.first().filter(|program| !program.contains('/')).cloned(),
            Invocation::Shell(_) => None,
        };
        AgentStart::Command { argv, is_ours: true, environment, needs }
    }

    fn is_spoken_with(&self) -> bool {
        true
    }

    fn reader(&self) -> Option<Box<dyn Reader>> {
        Some(Box::<Stream<Spoken>>::default())
    }

    fn steps(&self) -> Option<StepsIn> {
        Some(STEPS)
    }
}

/// What was spoken so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Spoken {
    /// The methods that were asked, by the id of the request.
    asked: BTreeMap<u64, String>,
    /// What the program says it is.
    version: Option<String>,
    /// What was to be done.
    order: Option<Order>,
    /// What it cost, the most that it says after a step.
    dollars: Option<f64>,
    /// Whether it was given the prompt.
    is_prompted: bool,
    /// Whether we cancelled the turn.
    is_cancelled: bool,
    /// Whether it asked to be allowed something.
    has_asked: bool,
    /// The answer to the prompt.
    answer: Option<Value>,
    /// The method that was answered with an error, and the error.
    error: Option<(String, Value)>,
    /// The end, when no message says it.
    over: Option<Over>,
}

impl Events for Spoken {
    fn event(&mut self, event: &Value) {
        let Ok(entry) = serde_json::from_value::<Entry>(event.clone()) else { return };
        match entry {
            Entry::Began(order) => self.order = Some(order),
            Entry::Sent(message) => self.sent(&message),
            Entry::Received(message) => self.received(&message),
            Entry::PassedOver(_) => {}
            Entry::Over(over) => self.over = Some(over),
        }
    }

    fn usage(&self) -> Usage {
        let counts = self.order.as_ref().is_some_and(|order| order.counts_tokens);
        let counted = self.answer.as_ref().filter(|_| counts);
        let tokens = counted.map(|answer| tokens(&answer["usage"])).unwrap_or_default();
        // 0 means that it knows no price for the model.
        let dollars = self.dollars.filter(|dollars| *dollars != 0.0);
        Usage { tokens, cost: Cost::reported(dollars.and_then(|dollars| Usd::from_dollars(dollars).ok())) }
    }

    fn end(&self, ended: Option<EndedAgent>, now: Timestamp) -> Option<Result<ClaimedEnd, Failure>> {
        let is_at_limit = matches!(ended, Some(TimedOut | NoProgress | OutputLimit));
        if is_at_limit && self.error.is_none() && !self.is_prompted {
            return Some(Err(self.never_began()));
        }
        // Asked to end, it did, in whichever way it does: why is known of whoever asked.
        let was_asked_to_end = self.is_cancelled || is_at_limit;
        if let Some((method, error)) = self.error.as_ref().filter(|_| !self.is_cancelled) {
            return Some(failed(method, error, now));
        }
        if let Some(answer) = &self.answer {
            return self.stopped(&answer["stopReason"]);
        }
        let over = self.over.as_ref().filter(|_| !was_asked_to_end)?;
        Some(Err(Failure::new(over.failure, &over.message)))
    }

    fn version(&self) -> Option<&str> {
        self.version.as_deref()
    }
}

impl Spoken {
    fn sent(&mut self, message: &Value) {
        match (message["method"].as_str(), message["id"].as_u64()) {
            (Some("session/cancel"), _) => self.is_cancelled = true,
            (Some(method), Some(id)) => {
                self.is_prompted |= method == PROMPT;
                self.asked.insert(id, method.to_owned());
            }
            _ => {}
        }
    }

    fn received(&mut self, message: &Value) {
        if message["method"] == "session/update" {
            let update = &message["params"]["update"];
            let amount = &update["cost"];
            if update["sessionUpdate"] == "usage_update" && amount["currency"] == "USD" {
                // Money that it spoke of was spent, whatever it says later.
                self.dollars = amount["amount"].as_f64().into_iter().chain(self.dollars).reduce(f64::max);
            }
            return;
        }
        if message["method"] == "session/request_permission" {
            self.has_asked = true;
        }
        let asked = message["id"].as_u64().filter(|_| message["method"].is_null());
        let Some(method) = asked.and_then(|id| self.asked.remove(&id)) else { return };
        if message["error"].is_object() {
            self.error = Some((method, message["error"].clone()));
        } else if method == "initialize" {
            let about = &message["result"]["agentInfo"];
            let named = [&about["name"], &about["version"]].into_iter().filter_map(Value::as_str);
            self.version = Some(named.collect::<Vec<_>>().join(" ")).filter(|version| !version.is_empty());
        } else if method == PROMPT {
            self.answer = Some(message["result"].clone());
        }
    }

    /// Why a program that was never given the prompt failed at nothing, though a limit of the run ended it.
    fn never_began(&self) -> Failure {
        if let Some(over) = self.over.as_ref().filter(|over| over.failure == FailureKind::Spawn) {
            return Failure::new(over.failure, &over.message);
        }
        let unanswered = self.asked.values().next_back().map_or("anything", String::as_str);
        let message =
            format!("it did not answer `{unanswered}` until a limit of the run ended it, and was never given its task");
        Failure::new(FailureKind::Spawn, message)
    }

    /// What the word means by which the program says why its turn is over.
    fn stopped(&self, reason: &Value) -> Option<Result<ClaimedEnd, Failure>> {
        let broken = |message: String| Some(Err(Failure::new(FailureKind::NoRecord, message)));
        let rejects = self.order.as_ref().is_some_and(|order| order.permissions == Permissions::Reject);
        match reason.as_str() {
            Some("end_turn") => Some(Ok(ClaimedEnd::Finished)),
            Some("max_tokens" | "max_turn_requests") => Some(Ok(ClaimedEnd::OverBudget)),
            Some("refusal") => Some(Ok(ClaimedEnd::Refused)),
            Some("cancelled") if self.is_cancelled => None,
            // Some programs end their turn when they may not do what they want.
            Some("cancelled") if rejects && self.has_asked => Some(Ok(ClaimedEnd::Finished)),
            Some("cancelled") => broken("it says that its turn was cancelled, and nobody asked for that".to_owned()),
            _ => broken(format!("it ends its turn for the reason {}, which is none of the protocol", shown(reason))),
        }
    }
}

/// Longest part of a value of a program that is quoted, in characters.
const MOST_QUOTED: usize = 60;

fn shown(value: &Value) -> String {
    crate::text::short::cut(&value.to_string(), MOST_QUOTED)
}

/// What it reports as read is without the cache.
fn tokens(usage: &Value) -> Tokens {
    let count = |name: &str| usage[name].as_u64();
    let thought = count("thoughtTokens").unwrap_or_default();
    Tokens {
        input: count("inputTokens"),
        output: count("outputTokens").map(|written| written.saturating_add(thought)),
        cache_creation: count("cachedWriteTokens"),
        cache_read: count("cachedReadTokens"),
    }
}

/// The error of the protocol for a program that has to log in.
const LOG_IN: i64 = -32000;
/// Where programs put the status of a provider's answer.
const STATUSES: [&str; 3] = ["status", "statusCode", "httpStatus"];

/// What an error means that a request was answered with. Its message is the program's own, or its provider's.
fn failed(method: &str, answer: &Value, now: Timestamp) -> Result<ClaimedEnd, Failure> {
    let (code, told) = (answer["code"].as_i64(), answer["message"].as_str().unwrap_or("it names no reason"));
    let detail = ["details", "message", "error"].iter().find_map(|key| answer["data"][key].as_str());
    let detail = detail.or_else(|| answer["data"].as_str()).filter(|detail| *detail != told);
    let message = detail.map_or_else(|| told.to_owned(), |detail| format!("{told}: {detail}"));
    let is_status = |code: &i64| (400..600).contains(code);
    let status = STATUSES.iter().find_map(|key| answer["data"][key].as_i64()).or(code).filter(is_status);
    let is_of_provider = method == PROMPT;
    if code == Some(LOG_IN) {
        return Err(events::failure(FailureKind::Auth, &message, now));
    }
    if status.is_some() || is_of_provider {
        return error(status, &message, now);
    }
    Err(events::failure(FailureKind::Spawn, &format!("it answers `{method}` with an error: {message}"), now))
}
