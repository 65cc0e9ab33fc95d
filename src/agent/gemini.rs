//! The agent `gemini`: Google's Gemini CLI, with its stream of events (`--output-format stream-json`).
//!
//! Its last event, `result`, says whether it worked, and seldom why not; its exit code is then the status that its provider answered
//! with, as far as a byte can hold it (145 for 401). It asks again without end unless its settings say otherwise, and it has settings
//! only in files: so it is given a home of its own, which also keeps a person's own settings out of what is measured.

use jiff::Timestamp;
use serde_json::Value;

use super::events::{Events, Stream, error};
use super::installed::{self, Given, KEYS, Program};
use super::steps::{call, of_events, printed, text};
use crate::model::agent::{Agent, Assignment, ClaimedEnd, EndedAgent, Reader, StepsIn};
use crate::model::installation::{Installation, Package};
use crate::model::outcome::{Failure, FailureKind};
use crate::model::program::Kind;
use crate::model::setup::Capability;
use crate::model::steps::{StepKind, Steps};
use crate::model::usage::{Cost, Tokens, Usage};
use crate::text::foreign;

/// The kind, as fixtures name it.
pub(super) static KIND: Kind<Agent> = Kind {
    name: "gemini",
    about: "the Gemini CLI, in the workspace, allowed to do everything there",
    keys: KEYS,
    takes: &[Capability::Prompt, Capability::Model, Capability::Instructions],
    read: |keys| installed::read(&PROGRAM, keys),
};

static PROGRAM: Program = Program {
    kind: &KIND,
    installation: Installation {
        program: "gemini",
        package: Package::Npm("@google/gemini-cli"),
        version_argument: "--version",
        says_version: false,
        keys: &["GEMINI_API_KEY"],
        login: None,
        addresses: &["GOOGLE_GEMINI_BASE_URL"],
        detours: &["GOOGLE_GENAI_USE_GCA", "GOOGLE_GENAI_USE_VERTEXAI"],
        aliases: &[],
        greetings: &[
            "YOLO mode is enabled",
            "Warning: 256-color support not detected",
            "Warning: Basic terminal detected",
        ],
        variables: &VARIABLES,
    },
    line: LINE,
    given,
    thinks_by_word: false,
    reader,
    steps: Some(STEPS),
};

/// The prompt comes by standard input. The home lies beside the record, where nothing of other runs is.
const LINE: &str = "\
    export GEMINI_CLI_HOME=\"${SCYLLA_RECORD_FILE%/*}/gemini-home\"
    mkdir -p \"$GEMINI_CLI_HOME/.gemini\" || exit
    printf %s \"$SCYLLA_SETTINGS\" >\"$GEMINI_CLI_HOME/.gemini/settings.json\" || exit
    exec gemini \"$@\" <\"$SCYLLA_PROMPT_FILE\"";
/// A key is what it shows to its provider; it asks nobody else, tries twice, and reads `CLAUDE.md` as instructions.
const SETTINGS: &str = r#"{
  "security": {"auth": {"selectedType": "gemini-api-key"}},
  "privacy": {"usageStatisticsEnabled": false},
  "telemetry": {"enabled": false},
  "general": {"enableAutoUpdate": false, "enableAutoUpdateNotification": false, "maxAttempts": 2},
  "context": {"fileName": ["GEMINI.md", "CLAUDE.md"]}
}"#;
const VARIABLES: [(&str, &str); 4] = [
    ("CI", "1"),
    ("GEMINI_CLI_TRUST_WORKSPACE", "true"),
    ("GEMINI_TELEMETRY_ENABLED", "false"),
    ("SCYLLA_SETTINGS", SETTINGS),
];

fn given(assignment: &Assignment<'_>) -> Given {
    let mut options: Vec<_> = ["--yolo", "--output-format", "stream-json"].map(Into::into).into();
    if let Some(model) = assignment.model {
        options.extend(["--model".into(), model.into()]);
    }
    Given { options, variables: Vec::new() }
}

fn reader() -> Box<dyn Reader> {
    Box::new(Stream::<GeminiEvents>::default())
}

/// What its events report so far.
#[derive(Debug, Clone, Default)]
struct GeminiEvents {
    /// The last error after which no answer of the model came.
    trouble: Option<String>,
    /// Its last event.
    result: Option<Value>,
}

impl Events for GeminiEvents {
    fn event(&mut self, event: &Value) {
        match event["type"].as_str() {
            Some("error") => self.trouble = event["message"].as_str().map(str::to_owned),
            Some("tool_use") => self.trouble = None,
            Some("result") => self.result = Some(event.clone()),
            _ => {}
        }
    }

    /// It never says what it cost. What it counts as read includes what was read from the cache; what it counts as
    /// written leaves out what was thought, which only its total includes.
    fn usage(&self) -> Usage {
        let stats = self.result.as_ref().map_or(&Value::Null, |result| &result["stats"]);
        let (read, cached) = (stats["input_tokens"].as_u64(), stats["cached"].as_u64());
        let written = stats["total_tokens"].as_u64().and_then(|total| total.checked_sub(read?));
        let tokens = Tokens {
            input: read.map(|read| read.saturating_sub(cached.unwrap_or_default())),
            output: written.max(stats["output_tokens"].as_u64()),
            cache_creation: None,
            cache_read: cached,
        };
        Usage { tokens, cost: Cost::Unknown }
    }

    /// Its last event counts by model; its first one names the model that it will ask.
    fn models(&self) -> Vec<String> {
        let stats = self.result.as_ref().map_or(&Value::Null, |result| &result["stats"]["models"]);
        stats.as_object().map(|models| models.keys().cloned().collect()).unwrap_or_default()
    }

    fn end(&self, ended: Option<EndedAgent>, now: Timestamp) -> Option<Result<ClaimedEnd, Failure>> {
        let Some(result) = &self.result else { return refused_to_start(ended).map(Err) };
        if result["status"] == "success" {
            return Some(match &self.trouble {
                None => Ok(ClaimedEnd::Finished),
                Some(message) => Err(Failure::new(FailureKind::Provider, message)),
            });
        }
        if ended == Some(EndedAgent::Exited(OUT_OF_TURNS)) {
            return Some(Ok(ClaimedEnd::OverBudget));
        }
        let message = result["error"]["message"].as_str().or(self.trouble.as_deref());
        let message = message.unwrap_or("it ended with an error that it does not name");
        let inner = message.strip_prefix("[API Error: ").and_then(|rest| rest.rsplit_once(']')).map(|(text, _)| text);
        let answer = inner.and_then(|text| foreign::read::<Value>(text.as_bytes()).ok()).unwrap_or_default();
        let status = answer["error"]["code"].as_i64().or_else(|| status_of(ended));
        Some(error(status, answer["error"]["message"].as_str().or(inner).unwrap_or(message), now))
    }

    fn trouble(&self, _now: Timestamp) -> Option<Failure> {
        self.trouble.as_ref().map(|message| Failure::new(FailureKind::Provider, message))
    }
}

/// The code with which it ends when it cannot show a key to its provider; it then prints no event.
const NO_KEY: i32 = 41;
/// The code with which it ends when its own limit of turns is reached.
const OUT_OF_TURNS: i32 = 53;

fn refused_to_start(ended: Option<EndedAgent>) -> Option<Failure> {
    let is_refused = ended == Some(EndedAgent::Exited(NO_KEY));
    is_refused.then(|| Failure::new(FailureKind::Auth, format!("the agent exited with {NO_KEY}: it has no key")))
}

/// The status of HTTP that an exit code stands for.
fn status_of(ended: Option<EndedAgent>) -> Option<i64> {
    let Some(EndedAgent::Exited(code)) = ended else { return None };
    [400, 401, 403, 413, 429, 500, 502, 503, 504].into_iter().find(|status| status % 256 == i64::from(code))
}

const STEPS: StepsIn = printed(|bytes| of_events(bytes, add_steps));

/// Adds the steps of an event. A message comes in pieces. What was thought is not told, and of some tools no output is.
fn add_steps(event: &Value, steps: &mut Steps) {
    match event["type"].as_str() {
        Some("message") if event["role"] == "assistant" && event["delta"] == true => {
            steps.add_piece(&text(&event["content"]));
        }
        Some("message") if event["role"] == "assistant" => steps.add(StepKind::Message, &text(&event["content"])),
        Some("tool_use") => steps.add(call(&event["tool_name"]), &text(&event["parameters"])),
        Some("tool_result") => {
            let output = if event["output"].is_null() { &event["error"]["message"] } else { &event["output"] };
            steps.add(StepKind::ToolOutput { is_error: event["status"] == "error" }, &text(output));
        }
        _ => {}
    }
}
