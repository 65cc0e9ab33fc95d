//! The agent `aider`: aider, with the log of events that it can write for its makers, which is kept here and sent to nobody.
//!
//! It always exits with 0. A message that it began to send and for which no usage follows was not answered: that is how a failure is
//! known. Only which one it was is taken from what it prints, by lines that begin with the class of an error.

use jiff::Timestamp;
use serde_json::Value;

use super::events::{self, Events, Lines, cost, error, event, failure, sum};
use super::installed::{self, Given, KEYS, Program};
use crate::model::agent::{Agent, AgentOutcome, Assignment, ClaimedEnd, EndedAgent, Output, Reader, Reading};
use crate::model::installation::{Installation, Package};
use crate::model::outcome::{Failure, FailureKind};
use crate::model::program::Kind;
use crate::model::setup::Capability;
use crate::model::usage::{Tokens, Usage};
use crate::text::short;

/// The kind, as fixtures name it.
pub(super) static KIND: Kind<Agent> = Kind {
    name: "aider",
    about: "aider, in the workspace; it edits files, and runs no commands",
    keys: KEYS,
    takes: &[Capability::Prompt, Capability::Model, Capability::Instructions],
    read: |keys| installed::read(&PROGRAM, keys),
};

static PROGRAM: Program = Program {
    kind: &KIND,
    installation: Installation {
        program: "aider",
        package: Package::Pip("aider-chat", &[]),
        version_argument: "--version",
        says_version: true,
        keys: &["ANTHROPIC_API_KEY", "GEMINI_API_KEY", "OPENAI_API_KEY"],
        login: None,
        addresses: &["ANTHROPIC_BASE_URL", "GEMINI_API_BASE", "OPENAI_API_BASE", "OPENAI_BASE_URL"],
        detours: &[],
        aliases: &[],
        greetings: &[],
        variables: &[
            // It opens pages of its manual after some errors.
            ("BROWSER", "true"),
            // It breaks lines at the width of its terminal, and messages of a provider with them.
            ("COLUMNS", "1000"),
            ("LITELLM_LOCAL_MODEL_COST_MAP", "True"),
        ],
    },
    line: LINE,
    given,
    thinks_by_word: false,
    reader: || Box::<Log>::default(),
    // Its log has no words of its model, and what it prints is for people.
    steps: None,
};
/// What it keeps for itself lies beside the record, but for its map of the repository, which it keeps in the tree and nowhere else: that
/// goes when it ends, also by a signal, which the shell outlives.
const LINE: &str = "\
    trap : HUP INT TERM
    own=\"${SCYLLA_RECORD_FILE%/*}\"
    aider --message-file \"$SCYLLA_PROMPT_FILE\" --analytics-log \"$SCYLLA_RECORD_FILE\" \\
        --chat-history-file \"$own/chat.md\" --input-history-file \"$own/input\" \"$@\"
    code=$?
    rm -rf .aider.tags.cache.v*
    exit $code";
/// No questions, nothing sent to its makers, no commits and no `.gitignore` of its own: the tree holds what it changed and nothing
/// else.
const OPTIONS: [&str; 12] = [
    "--yes-always",
    "--analytics-disable",
    "--no-check-update",
    "--no-show-release-notes",
    "--no-show-model-warnings",
    "--no-pretty",
    "--no-stream",
    "--no-gitignore",
    "--no-auto-commits",
    "--no-dirty-commits",
    "--no-detect-urls",
    "--no-suggest-shell-commands",
];

fn given(assignment: &Assignment<'_>) -> Given {
    let mut options: Vec<_> = OPTIONS.map(Into::into).into();
    if let Some(model) = assignment.model {
        options.extend(["--model".into(), model.into()]);
    }
    if !assignment.setup.resources.blocks.is_empty() {
        options.extend(["--read".into(), "CLAUDE.md".into()]);
    }
    Given { options, variables: Vec::new() }
}

/// Reads the log, and what it prints.
#[derive(Debug, Default)]
struct Log {
    record: Lines,
    printed: Lines,
    events: AiderEvents,
    /// Why the log cannot be read.
    cannot_read: Option<String>,
}

impl Log {
    fn so_far(&self) -> AiderEvents {
        let mut events = self.events.clone();
        self.record.last().iter().for_each(|last| events.event(last));
        events
    }
}

impl Reader for Log {
    fn wants(&self) -> &'static [Output] {
        &[Output::Record, Output::Stdout]
    }

    fn feed(&mut self, output: Output, piece: &[u8]) {
        let events = &mut self.events;
        match output {
            Output::Record => self.record.feed(piece, |line| event(line).iter().for_each(|event| events.event(event))),
            Output::Stdout => self.printed.feed(piece, |line| events.printed(line)),
            Output::Stderr => {}
        }
    }

    fn cannot_read(&mut self, output: Output, why: String) {
        if output == Output::Record {
            self.cannot_read = Some(why);
        }
    }

    fn reading(&self, now: Timestamp) -> Option<Reading> {
        if let Some(why) = &self.cannot_read {
            return Some(Reading { end: Err(why.clone()), ..Reading::default() });
        }
        self.record.has_begun().then(|| events::reading(&self.so_far(), None, now))
    }

    fn outcome(&self, ended: EndedAgent, now: Timestamp) -> Result<AgentOutcome, Failure> {
        events::outcome(ended, self.reading(now), None)
    }
}

/// What its events report so far.
#[derive(Debug, Clone, Default)]
struct AiderEvents {
    tokens: Tokens,
    /// The version that it printed.
    version: Option<String>,
    /// What all messages cost, in dollars.
    dollars: Option<f64>,
    /// Whether a message was sent and not answered yet.
    is_waiting: bool,
    /// The error that the log names for it.
    exception: Option<String>,
    /// Why it ended.
    exit: Option<String>,
    /// The last error that it printed, unless an answer followed.
    printed: Option<String>,
    /// Whether it printed that a limit of tokens was hit.
    is_too_long: bool,
}

impl AiderEvents {
    /// Takes a line that it printed.
    fn printed(&mut self, line: &[u8]) {
        let Ok(line) = std::str::from_utf8(line) else { return };
        if let Some(version) = line.strip_prefix("Aider v").filter(|_| self.version.is_none()) {
            self.version = Some(version.to_owned());
        } else if line.starts_with("Tokens: ") {
            (self.printed, self.is_too_long) = (None, false);
        } else if let Some(error) = line.strip_prefix("litellm.") {
            self.printed = Some(short::cut(error, 1000));
        } else if line.starts_with("Model ") && line.ends_with(" has hit a token limit!") {
            self.is_too_long = true;
        }
    }

    /// Why its last message was not answered.
    fn unanswered(&self, now: Timestamp) -> Result<ClaimedEnd, Failure> {
        if self.is_too_long {
            return Ok(ClaimedEnd::ContextTooLong);
        }
        let message = self.printed.as_ref().or(self.exception.as_ref());
        let message = message.map_or("its last message was not answered", String::as_str);
        let class = self.printed.as_deref().and_then(|printed| printed.split(':').next()).unwrap_or_default();
        let kind = match class {
            "AuthenticationError" | "PermissionDeniedError" => FailureKind::Auth,
            "RateLimitError" => FailureKind::RateLimit,
            "ContentPolicyViolationError" => return Ok(ClaimedEnd::Refused),
            "BadRequestError" => {
                return error(None, message.split_once("Exception - ").map_or(message, |(_, theirs)| theirs), now);
            }
            _ => FailureKind::Provider,
        };
        Err(failure(kind, message, now))
    }
}

impl Events for AiderEvents {
    fn event(&mut self, event: &Value) {
        let properties = &event["properties"];
        match event["event"].as_str() {
            Some("message_send_starting") => (self.is_waiting, self.exception) = (true, None),
            Some("message_send") => {
                let (input, output) = (properties["prompt_tokens"].as_u64(), properties["completion_tokens"].as_u64());
                self.tokens = sum(self.tokens, Tokens { input, output, ..Tokens::default() });
                self.dollars = properties["total_cost"].as_f64();
                self.is_waiting = false;
            }
            Some("message_send_exception") => {
                self.exception = properties["exception"].as_str().map(|text| short::cut(text, 1000));
            }
            Some("exit") => self.exit = properties["reason"].as_str().map(str::to_owned),
            _ => {}
        }
    }

    fn usage(&self) -> Usage {
        Usage { tokens: self.tokens, cost: cost(self.dollars, self.tokens) }
    }

    fn version(&self) -> Option<&str> {
        self.version.as_deref()
    }

    fn end(&self, _ended: Option<EndedAgent>, now: Timestamp) -> Option<Result<ClaimedEnd, Failure>> {
        match self.exit.as_deref()? {
            "Completed --message-file" if self.is_waiting => Some(self.unanswered(now)),
            "Completed --message-file" => Some(Ok(ClaimedEnd::Finished)),
            "Control-C" => None,
            reason => {
                let message = format!("it ended before it asked its model: {}", short::cut(reason, 200));
                Some(Err(Failure::new(FailureKind::NoRecord, message)))
            }
        }
    }
}
