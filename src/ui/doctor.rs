//! What came of one tiny run of an agent, and what to do when it failed.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::model::outcome::{AgentEnd, Failure, FailureKind};
use crate::model::usage::{Cost, CostSource, Total, Usage};
use crate::text::escape;
use crate::text::page::{Page, pretty};
use crate::text::words::{duration, moment};

use super::agents::ProgramRow;

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
        self.advice = Some(advice(&trouble, &self.program));
        self
    }

    /// For people.
    #[must_use]
    pub fn human(&self) -> String {
        let Self { agent, program, model, run, .. } = self;
        let mut page = Page::default();
        let why = match (&self.failure, run) {
            _ if self.done => " did the task.".to_owned(),
            _ if program.path.is_none() => " is not installed.".to_owned(),
            (Some(failure), _) => format!(" could not work: {}", failure.words()),
            (None, _) => " did not do the task.".to_owned(),
        };
        page.line(escape::terminal(&format!("{agent}{why}")));
        let mut fact = |name: &str, value: &str| page.line(escape::terminal(&format!("  {name:8} {value}")));
        fact("program", program.path.as_deref().unwrap_or(&format!("`{}` is not found", program.name)));
        if program.path.is_some() {
            fact("version", program.version.as_deref().unwrap_or("unknown"));
        }
        fact("keys", &program.key_words());
        fact("model", model.as_deref().unwrap_or("the program's own"));
        if let Some(TinyRun { end, exit_code, usage, duration_seconds }) = run {
            let code = exit_code.map_or_else(String::new, |code| format!(", exit code {code}"));
            fact("end", &format!("{end}{code}"));
            fact("tokens", &tokens(usage));
            fact("cost", &cost(usage.cost));
            fact("time", &duration(*duration_seconds));
        }
        if !self.last_lines.is_empty() {
            page.line("its last lines:");
            for line in &self.last_lines {
                page.line(format!("  {}", escape::terminal(line)));
            }
        }
        if let Some(advice) = &self.advice {
            page.line(format!("what to do: {}", escape::terminal(advice)));
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

fn tokens(usage: &Usage) -> String {
    let tokens = &usage.tokens;
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
    let source = match cost {
        Cost::Unknown => return "unknown".to_owned(),
        Cost::Known { source: CostSource::Estimated, .. } => "tokens, times dated prices",
        Cost::Known { source: CostSource::Reported, .. } => "as the program reports it",
        Cost::Known { source: CostSource::Metered, .. } => "measured from outside",
    };
    format!("{} ({source})", Total::from(cost))
}

fn advice(trouble: &Trouble<'_>, program: &ProgramRow) -> String {
    let ProgramRow { name, install, .. } = program;
    match trouble {
        Trouble::NotInstalled => format!("type `{install}`, and see that `{name}` is in the search path then"),
        Trouble::Failed(failure) => of_failure(failure, program),
        Trouble::Ended(AgentEnd::TimedOut | AgentEnd::NoProgress) => {
            format!(
                "give it more time with `--timeout`; when that does not help, its model does not answer: see {}",
                reach(program)
            )
        }
        Trouble::Ended(AgentEnd::Refused) => "name another model with `--model`: this one refuses the task".to_owned(),
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

fn of_failure(failure: &Failure, program: &ProgramRow) -> String {
    let ProgramRow { name, install, login, .. } = program;
    let set: Vec<String> = program.keys.iter().filter(|key| key.set).map(|key| format!("`{}`", key.name)).collect();
    let all: Vec<String> = program.keys.iter().map(|key| format!("`{}`", key.name)).collect();
    let login = login.as_ref().map_or_else(String::new, |login| format!(", or type `{login}`"));
    match failure.kind {
        FailureKind::Auth if set.is_empty() => format!("set {}{login}", all.join(" or ")),
        FailureKind::Auth => {
            format!("the provider refuses what {} holds: set a key that is valid{login}", set.join(", "))
        }
        FailureKind::RateLimit => {
            let until = failure.retry_at.map_or_else(|| "later".to_owned(), |at| format!("after {}", moment(at)));
            format!("try again {until}, or use the key of another account; a run would wait by itself")
        }
        FailureKind::Provider => {
            format!("the provider or the way to it failed: see that the model exists, and {}", reach(program))
        }
        FailureKind::Spawn => {
            format!("type `{name} --version` to see why it does not start; `{install}` installs it anew")
        }
        FailureKind::NoRecord | FailureKind::Killed => {
            "it ended without saying how: read its last lines; the manual's page `agents.md` names the version whose output is known"
                .to_owned()
        }
        FailureKind::OutOfMemory => "give the machine, or its control group, more memory".to_owned(),
        FailureKind::Workspace | FailureKind::Storage | FailureKind::Checks | FailureKind::Judge => {
            "this is not about the agent: see that there is room in `/var/tmp` and in the folder for temporary files"
                .to_owned()
        }
    }
}

/// How it is seen whether a model can be reached.
fn reach(program: &ProgramRow) -> String {
    let set: Vec<String> =
        program.addresses.iter().filter(|address| address.set).map(|address| format!("`{}`", address.name)).collect();
    if set.is_empty() {
        "that this machine reaches the provider (network, proxy, certificates)".to_owned()
    } else {
        format!("that an endpoint answers at the address in {}", set.join(", "))
    }
}
