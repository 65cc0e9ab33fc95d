//! What came of one tiny run of an agent, and what to do when it failed.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::model::exchanges::Sum;
use crate::model::outcome::{AgentEnd, Failure, FailureKind};
use crate::model::usage::{Cost, CostSource, Tokens, Total, Usage};
use crate::text::escape;
use crate::text::exchanges::sentence;
use crate::text::page::{Page, pretty};
use crate::text::words::{duration, moment, wrap};

use super::agents::ProgramRow;

/// So many columns stand before what is said of a run.
const FACTS: usize = 11;

/// What came of it.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Diagnosis {
    /// The kind of agent.
    pub agent: String,
    /// Its program.
    pub program: ProgramRow,
    /// The model that it was told to use; `null` for the program's own.
    pub model: Option<String>,
    /// Whether it did the task.
    pub done: bool,
    /// The run, when there was one that can be graded.
    pub run: Option<TinyRun>,
    /// What kept it from working.
    pub failure: Option<Failure>,
    /// How its model's server answered last, as the gateway saw it; `null` when nothing passed there.
    pub last_answer: Option<LastAnswer>,
    /// What its requests came to, as the gateway saw them; `null` when it was not to ask there.
    pub exchanges: Option<Sum>,
    /// The last lines of its output, when it did not do the task.
    pub last_lines: Vec<String>,
    /// What to do, when it did not do the task.
    pub advice: Option<String>,
}

/// The run of an agent that ended.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct TinyRun {
    /// How it ended.
    pub end: AgentEnd,
    /// Its exit code; `null` when it did not end by itself.
    pub exit_code: Option<i32>,
    /// What it used.
    #[serde(flatten)]
    pub usage: Usage,
    /// How long it worked, in seconds.
    pub duration_seconds: f64,
}

/// How a server answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct LastAnswer {
    /// The status; `null` when no answer came.
    pub status: Option<u16>,
}

/// The end of a run that was no failure of infrastructure, or the failure.
enum Trouble<'a> {
    NotInstalled,
    Failed(&'a Failure),
    Ended(AgentEnd),
}

impl Diagnosis {
    /// The same, with what to do when it did not do the task.
    #[must_use]
    pub fn advised(mut self) -> Self {
        let trouble = match (&self.failure, &self.run) {
            _ if self.done => return self,
            _ if self.program.path.is_none() => Trouble::NotInstalled,
            (Some(failure), _) => Trouble::Failed(failure),
            (None, Some(run)) => Trouble::Ended(run.end),
            (None, None) => return self,
        };
        let case = Case { program: &self.program, model: self.model.as_deref(), last_answer: self.last_answer };
        self.advice = Some(case.advice(&trouble));
        self
    }

    /// For people, on so many columns, or on any number of them where nothing is said.
    #[must_use]
    pub fn human(&self, room: Option<usize>) -> String {
        let Self { agent, program, model, run, exchanges, .. } = self;
        let mut page = Page::default();
        let why = match (&self.failure, run) {
            _ if self.done => " did the task.".to_owned(),
            _ if program.path.is_none() => " is not installed.".to_owned(),
            (Some(failure), _) => format!(" could not work: {}", failure.words()),
            (None, _) => " did not do the task.".to_owned(),
        };
        let room = room.unwrap_or(usize::MAX);
        for line in wrap(&escape::terminal(&format!("{agent}{why}")), room) {
            page.line(line);
        }
        let mut fact = |name: &str, value: &str| {
            for (at, piece) in wrap(&escape::terminal(value), room.saturating_sub(FACTS)).iter().enumerate() {
                page.line(format!("  {:8} {piece}", if at == 0 { name } else { "" }));
            }
        };
        fact("program", program.path.as_deref().unwrap_or(&format!("`{}` is not found", program.name)));
        if program.path.is_some() {
            fact("version", program.version.as_deref().unwrap_or("unknown"));
        }
        fact("keys", &program.key_words());
        fact("model", model.as_deref().unwrap_or("the program's own"));
        if let Some(TinyRun { end, exit_code, usage, duration_seconds }) = run {
            let code = exit_code.map_or_else(String::new, |code| format!(", exit code {code}"));
            fact("end", &format!("{end}{code}"));
            fact("tokens", &tokens(&usage.tokens));
            fact("cost", &cost(usage.cost));
            fact("time", &duration(*duration_seconds));
        }
        if let Some(sum) = exchanges {
            let none = "none passed through the gateway: its program asks past it, or has asked none";
            fact("requests", &if sum.requests == 0 { none.to_owned() } else { sentence(sum) });
            if run.is_none() && sum.answered > 0 {
                fact("tokens", &tokens(&sum.tokens));
                fact("cost", &format!("{} (measured from outside)", sum.cost));
            }
        }
        if !self.last_lines.is_empty() {
            page.line("its last lines:");
            for line in &self.last_lines {
                page.line(format!("  {}", escape::terminal(line)));
            }
        }
        if let Some(advice) = &self.advice {
            let advice = format!("what to do: {}", escape::terminal(advice));
            for line in wrap(&advice, room) {
                page.line(line);
            }
        }
        page.into_text()
    }

    /// For programs.
    #[must_use]
    pub fn json(&self) -> String {
        pretty(self)
    }
}

/// The schema of a diagnosis.
#[must_use]
pub fn diagnosis_schema() -> Value {
    schemars::schema_for!(Diagnosis).to_value()
}

fn tokens(tokens: &Tokens) -> String {
    let parts = [
        (tokens.input, "read"),
        (tokens.cache_read, "read from the cache"),
        (tokens.cache_creation, "written to the cache"),
        (tokens.output, "written"),
    ];
    let known: Vec<String> =
        parts.iter().filter_map(|(count, what)| count.map(|count| format!("{count} {what}"))).collect();
    if known.is_empty() { "unknown".to_owned() } else { known.join(", ") }
}

fn cost(cost: Cost) -> String {
    let Some((_, source)) = cost.at_least() else { return "unknown".to_owned() };
    let source = match source {
        CostSource::Estimated => "tokens, times dated prices",
        CostSource::Reported => "as the program reports it",
        CostSource::Metered => "measured from outside",
    };
    format!("{} ({source})", Total::from(cost))
}

/// What is known beside what went wrong.
struct Case<'a> {
    program: &'a ProgramRow,
    model: Option<&'a str>,
    last_answer: Option<LastAnswer>,
}

/// Words by which programs say that nobody answered at an address: for those whose requests the gateway does not see.
const UNREACHED: [&str; 10] = [
    "connection refused",
    "connection error",
    "econnrefused",
    "enotfound",
    "eai_again",
    "fetch failed",
    "unable to connect",
    "failed to lookup address",
    "could not be reached",
    "name or service not known",
];
/// Words by which programs and providers say that there is no such model.
const NO_MODEL: [&str; 8] = [
    "does not exist",
    "may not exist",
    "not found",
    "notfound",
    "not_found",
    "not supported",
    "no such model",
    "unknown model",
];

impl Case<'_> {
    fn advice(&self, trouble: &Trouble<'_>) -> String {
        let ProgramRow { name, install, .. } = self.program;
        match trouble {
            Trouble::NotInstalled => format!("type `{install}`, and see that `{name}` is in the search path then"),
            Trouble::Failed(failure) => self.of_failure(failure),
            Trouble::Ended(AgentEnd::TimedOut | AgentEnd::NoProgress) => self.of_silence(),
            Trouble::Ended(AgentEnd::Refused) => {
                "name another model with `--model`: this one refuses the task".to_owned()
            }
            Trouble::Ended(AgentEnd::ContextTooLong) => {
                "name a model with a longer context with `--model`: the task is a few words".to_owned()
            }
            Trouble::Ended(AgentEnd::OverBudget) => "raise the limit that is set for the program itself".to_owned(),
            Trouble::Ended(AgentEnd::Finished | AgentEnd::OutputLimit) => format!(
                "it worked and did not write the file: read its last lines, and name a model with `--model` that can use tools; \
                 or start `{name}` by hand"
            ),
        }
    }

    fn of_failure(&self, failure: &Failure) -> String {
        let ProgramRow { name, install, .. } = self.program;
        match failure.kind {
            FailureKind::Auth => self.of_key(),
            FailureKind::RateLimit => {
                let until = failure.retry_at.map_or_else(|| "later".to_owned(), |at| format!("after {}", moment(at)));
                format!("try again {until}, or use the key of another account; a run would wait by itself")
            }
            FailureKind::Provider => self.of_provider(&failure.message),
            FailureKind::Spawn => {
                format!("type `{name} --version` to see why it does not start; `{install}` installs it anew")
            }
            FailureKind::NoRecord | FailureKind::Killed => {
                let key = if self.has_no_key() { format!("{}; ", self.of_key()) } else { String::new() };
                format!(
                    "{key}it ended without saying how: read its last lines; the manual's page `agents.md` names the version whose \
                     output is known"
                )
            }
            FailureKind::OutOfMemory => "give the machine, or its control group, more memory".to_owned(),
            FailureKind::Workspace
            | FailureKind::Storage
            | FailureKind::Checks
            | FailureKind::Judge
            | FailureKind::Unrecorded => {
                "this is not about the agent: see that there is room in `/var/tmp` and in the folder for temporary files"
                    .to_owned()
            }
        }
    }

    /// The provider's answers, or those that did not come.
    fn of_provider(&self, message: &str) -> String {
        let message = message.to_lowercase();
        let says = |words: &[&str]| words.iter().any(|word| message.contains(word));
        let status = self.last_answer.map(|answer| answer.status);
        let is_unreached = status == Some(None) || (status.is_none() && says(&UNREACHED));
        match status.flatten() {
            Some(401 | 403) => self.of_key(),
            _ if self.has_no_key() => self.of_key(),
            _ if is_unreached => format!("nobody answers there: see {}", self.reach()),
            Some(404) => self.of_model(),
            Some(status) if status >= 500 => format!("its provider answers with status {status}: try again later"),
            _ if message.contains("model") && says(&NO_MODEL) => self.of_model(),
            _ => format!("the provider or the way to it failed: see that the model exists, and {}", self.reach()),
        }
    }

    /// Nothing came of it in time: often programs ask again and again.
    fn of_silence(&self) -> String {
        match self.last_answer.map(|answer| answer.status) {
            Some(Some(401 | 403)) => self.of_key(),
            Some(Some(404)) => self.of_model(),
            Some(Some(status)) if status >= 400 => {
                format!("its provider answers with status {status}, and it asks again and again: try again later")
            }
            _ if self.has_no_key() => self.of_key(),
            _ => format!(
                "give it more time with `--timeout`; when that does not help, its model does not answer: see {}",
                self.reach()
            ),
        }
    }

    fn of_model(&self) -> String {
        match self.model {
            Some(model) => format!(
                "`{model}` is no model that its provider has, or none for this key: name another one with `--model`, as `{}` spells it",
                self.program.name
            ),
            None => "its provider has no such model, or not for this key: name one with `--model`".to_owned(),
        }
    }

    /// The key that the model needs, where its name says whose it is: a program that can ask any provider has several.
    fn key_of_model(&self) -> Option<&str> {
        let provider = self.model?.split_once('/')?.0.to_uppercase();
        let provider = if provider == "GOOGLE" { "GEMINI" } else { &provider };
        let is_its = |key: &&super::agents::Variable| key.name.split('_').next() == Some(provider);
        self.program.keys.iter().find(is_its).map(|key| key.name.as_str())
    }

    /// Whether no key is set that it could use, and no address of an endpoint that may need none.
    fn has_no_key(&self) -> bool {
        let set = self.program.set();
        let lacks_it = self.key_of_model().map_or(set.is_empty(), |key| !set.contains(&key));
        lacks_it && !self.program.addresses.iter().any(|address| address.set)
    }

    fn of_key(&self) -> String {
        let login = self.program.login.as_ref().map_or_else(String::new, |login| format!(", or type `{login}`"));
        let quoted =
            |names: &[&str], word: &str| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(word);
        let set = self.program.set();
        match (self.key_of_model(), set.as_slice()) {
            (Some(key), set) if !set.contains(&key) => {
                format!("set `{key}`, which its model needs{login}")
            }
            (None, []) => {
                let all: Vec<&str> = self.program.keys.iter().map(|key| key.name.as_str()).collect();
                format!("set {}{login}", quoted(&all, " or "))
            }
            (Some(key), _) => format!("the provider refuses what `{key}` holds: set a key that is valid{login}"),
            (None, set) => {
                let holds = if set.len() == 1 { "holds" } else { "hold" };
                format!("the provider refuses what {} {holds}: set a key that is valid{login}", quoted(set, " and "))
            }
        }
    }

    /// How it is seen whether a model can be reached.
    fn reach(&self) -> String {
        let set = self.program.addresses.iter().filter(|address| address.set);
        let set: Vec<String> = set.map(|address| format!("`{}`", address.name)).collect();
        if set.is_empty() {
            "that this machine reaches the provider (network, proxy, certificates)".to_owned()
        } else {
            format!("that an endpoint answers at the address in {}", set.join(", "))
        }
    }
}
