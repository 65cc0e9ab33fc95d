//! The agent `mini-swe-agent`: its program `mini`, with the trajectory that it writes after each step.
//!
//! What it prints is for people. Its trajectory names the class of the error that ended it, what each call used, and what they cost
//! together, as far as it knows a price.

use jiff::Timestamp;
use serde_json::Value;

use super::events::{self, add_model, cost, error, failure, sum};
use super::installed::{self, Given, KEYS, Program};
use super::steps::{call, text};
use crate::model::agent::{Agent, AgentOutcome, Assignment, ClaimedEnd, EndedAgent, Output, Reader, Reading, StepsIn};
use crate::model::installation::{Installation, Package};
use crate::model::money::Usd;
use crate::model::outcome::{Failure, FailureKind};
use crate::model::program::Kind;
use crate::model::setup::Capability;
use crate::model::steps::{StepKind, Steps};
use crate::model::usage::{Tokens, Usage};
use crate::text::{claims, foreign};

/// The kind, as fixtures name it.
pub(super) static KIND: Kind<Agent> = Kind {
    name: "mini-swe-agent",
    about: "mini-swe-agent, in the workspace, allowed to do everything there",
    keys: KEYS,
    takes: &[Capability::Prompt, Capability::Model],
    read: |keys| installed::read(&PROGRAM, keys),
};

/// It takes its prompt by an argument only.
static PROGRAM: Program = Program {
    kind: &KIND,
    installation: Installation {
        program: "mini",
        package: Package::Pip("mini-swe-agent", &["mcp"]),
        version_argument: "--help",
        says_version: true,
        keys: &["ANTHROPIC_API_KEY", "GEMINI_API_KEY", "OPENAI_API_KEY"],
        login: None,
        addresses: &["ANTHROPIC_BASE_URL", "GEMINI_API_BASE", "OPENAI_API_BASE", "OPENAI_BASE_URL"],
        detours: &[],
        aliases: &[],
        greetings: &["Warning: Input is not a terminal"],
        variables: &VARIABLES,
    },
    line: "exec mini \"$@\" --output \"$SCYLLA_RECORD_FILE\" --task=\"$(cat \"$SCYLLA_PROMPT_FILE\")\"",
    given,
    thinks_by_word: false,
    reader: || Box::<Trajectory>::default(),
    steps: Some(StepsIn { output: Output::Record, read: steps }),
};
/// So that it asks no questions, asks its model three times in place of ten, goes on where it knows no price, and looks up none. It
/// must not start in silence (`MSWEA_SILENT_STARTUP`), because then it does not say its version.
const VARIABLES: [(&str, &str); 4] = [
    ("LITELLM_LOCAL_MODEL_COST_MAP", "True"),
    ("MSWEA_CONFIGURED", "true"),
    ("MSWEA_COST_TRACKING", "ignore_errors"),
    ("MSWEA_MODEL_RETRY_STOP_AFTER_ATTEMPT", "3"),
];

/// Its own limit of 3 dollars is off, unless the run has a limit: limits are the same for every agent.
fn given(assignment: &Assignment<'_>) -> Given {
    let most = assignment.allowance.cost.map_or(0.0, Usd::dollars).to_string();
    let mut options: Vec<_> = ["--yolo", "--exit-immediately", "--cost-limit", &most].map(Into::into).into();
    if let Some(model) = assignment.model {
        options.extend(["--model".into(), model.into()]);
    }
    Given { options, variables: Vec::new() }
}

/// Reads the trajectory.
#[derive(Debug, Default)]
struct Trajectory {
    /// Its bytes so far, or why it cannot be read.
    left: Option<Result<Vec<u8>, String>>,
}

impl Reader for Trajectory {
    fn wants(&self) -> &'static [Output] {
        &[Output::Record]
    }

    fn feed(&mut self, output: Output, piece: &[u8]) {
        if output == Output::Record
            && let Ok(bytes) = self.left.get_or_insert_with(|| Ok(Vec::new()))
        {
            bytes.extend_from_slice(piece);
        }
    }

    fn cannot_read(&mut self, output: Output, why: String) {
        if output == Output::Record {
            self.left = Some(Err(why));
        }
    }

    fn reading(&self, now: Timestamp) -> Option<Reading> {
        Some(match self.left.as_ref()? {
            Ok(bytes) => read(bytes, now),
            Err(why) => Reading { end: Err(why.clone()), ..Reading::default() },
        })
    }

    fn outcome(&self, ended: EndedAgent, now: Timestamp) -> Result<AgentOutcome, Failure> {
        events::outcome(ended, self.reading(now), None)
    }
}

/// What a trajectory says. How it ended stands at its beginning, so that it is known of one that is cut off; what it used is then
/// not known.
fn read(bytes: &[u8], now: Timestamp) -> Reading {
    let whole: Value = foreign::read(bytes).unwrap_or_default();
    let cut = if whole.is_null() { claims::member(bytes, "info") } else { None };
    let info = cut.as_ref().unwrap_or(&whole["info"]);
    let messages = whole["messages"].as_array().map(Vec::as_slice).unwrap_or_default();
    let calls = || messages.iter().map(|message| &message["extra"]).filter(|extra| extra["response"].is_object());
    let requests: Vec<Tokens> = calls().map(|call| tokens(&call["response"]["usage"])).collect();
    let tokens = requests.iter().copied().fold(Tokens::default(), sum);
    let is_priced = calls().all(|call| call["cost"].as_f64() != Some(0.0));
    let dollars = info["model_stats"]["instance_cost"].as_f64().filter(|_| is_priced);
    let usage = Usage { tokens, cost: cost(dollars, tokens) };
    let message = messages.last().and_then(|last| last["extra"]["exception_str"].as_str());
    let version = info["mini_version"].as_str().map(str::to_owned);
    let (failure, end) = match end(info["exit_status"].as_str().unwrap_or_default(), message, now) {
        None => (None, None),
        Some(Ok(end)) => (None, Some(end)),
        Some(Err(failure)) => (Some(failure), None),
    };
    let mut models: Vec<String> = Vec::new();
    calls().for_each(|call| add_model(&mut models, &call["response"]["model"]));
    Reading { usage, requests, turns: None, version, models, failure, end: Ok(end) }
}

/// What it counts as read includes what was read from the cache and written to it.
fn tokens(usage: &Value) -> Tokens {
    let cache_read = usage["prompt_tokens_details"]["cached_tokens"].as_u64();
    let cache_creation = usage["cache_creation_input_tokens"].as_u64();
    let cached = cache_read.unwrap_or_default().saturating_add(cache_creation.unwrap_or_default());
    let input = usage["prompt_tokens"].as_u64().map(|all| all.saturating_sub(cached));
    Tokens { input, output: usage["completion_tokens"].as_u64(), cache_creation, cache_read }
}

/// What the word means by which it says how it ended: one of its own, or the class of an error.
fn end(status: &str, message: Option<&str>, now: Timestamp) -> Option<Result<ClaimedEnd, Failure>> {
    let message = message.unwrap_or(status);
    // The library that it asks models by puts its own words, which end so, before those of the provider or of its client.
    let theirs = message.split_once("Exception - ").map_or(message, |(_, theirs)| theirs);
    let failure = |kind| Some(Err(failure(kind, message, now)));
    match status {
        "" | "UserInterruption" | "KeyboardInterrupt" => None,
        "Submitted" | "RepeatedFormatError" => Some(Ok(ClaimedEnd::Finished)),
        "LimitsExceeded" | "TimeExceeded" => Some(Ok(ClaimedEnd::OverBudget)),
        "ContextWindowExceededError" => Some(Ok(ClaimedEnd::ContextTooLong)),
        "ContentPolicyViolationError" => Some(Ok(ClaimedEnd::Refused)),
        "AuthenticationError" | "PermissionDeniedError" => failure(FailureKind::Auth),
        "RateLimitError" => failure(FailureKind::RateLimit),
        "ModuleNotFoundError" | "ImportError" => failure(FailureKind::Spawn),
        // The client has no key, so that nobody was asked.
        "InternalServerError" if theirs.starts_with("Missing credentials") => failure(FailureKind::Auth),
        "BadRequestError" => Some(error(None, theirs, now)),
        _ => failure(FailureKind::Provider),
    }
}

/// The steps of a trajectory. One that is cut is no JSON and tells none.
fn steps(bytes: &[u8]) -> Steps {
    let whole: Value = foreign::read(bytes).unwrap_or_default();
    let mut steps = Steps::default();
    for message in whole["messages"].as_array().into_iter().flatten() {
        match message["role"].as_str() {
            Some("assistant") => {
                steps.add(StepKind::Thought, &text(&message["reasoning_content"]));
                steps.add(StepKind::Message, &text(&message["content"]));
                for asked in message["tool_calls"].as_array().into_iter().flatten() {
                    steps.add(call(&asked["function"]["name"]), &text(&asked["function"]["arguments"]));
                }
            }
            Some("tool") => {
                let is_error = message["extra"]["returncode"].as_i64().is_some_and(|code| code != 0);
                steps.add(StepKind::ToolOutput { is_error }, &text(&message["content"]));
            }
            _ => {}
        }
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_without_a_key_is_a_failure_of_the_key_and_other_errors_of_its_class_are_the_providers() {
        let end = |message: &str| {
            let class = format!("litellm.InternalServerError: InternalServerError: OpenAIException - {message}");
            end("InternalServerError", Some(&class), Timestamp::UNIX_EPOCH).unwrap().unwrap_err().kind
        };
        assert_eq!(end("Missing credentials. Please pass an `api_key`"), FailureKind::Auth);
        assert_eq!(end("Connection error."), FailureKind::Provider);
    }
}
