//! The table of the kinds of agents: which programs are installed, in which version, with which keys, and what installs
//! those that are not.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::model::installation::{Answer, Installation};
use crate::text::columns::columns;
use crate::text::escape;
use crate::text::page;

/// What stands for a value that is not known.
const NONE: &str = "–";

/// One kind of agent, as this machine has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct AgentRow {
    /// The name of the kind.
    pub kind: String,
    /// What it does.
    pub about: String,
    /// The program that it starts; `null` when it needs none that is known beforehand.
    pub program: Option<ProgramRow>,
}

/// The program of a kind of agent. Of variables it has the names, and never the values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ProgramRow {
    /// Its name.
    pub name: String,
    /// Where it is; `null` when it is not installed.
    pub path: Option<String>,
    /// The version that it says it is; `null` when it does not say it.
    pub version: Option<String>,
    /// Variables that can hold the key of its provider, of which one is enough.
    pub keys: Vec<Variable>,
    /// What can be typed to log in, in place of a key.
    pub login: Option<String>,
    /// Variables with the address of another endpoint.
    pub addresses: Vec<Variable>,
    /// The command that installs it.
    pub install: String,
}

/// A variable of the environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Whether it is set, and not empty.
    pub set: bool,
}

impl ProgramRow {
    /// The program that is at a path, or is not installed.
    #[must_use]
    pub fn new(known: &Installation, path: Option<String>, answer: Answer, is_set: impl Fn(&str) -> bool) -> Self {
        let variables = |names: &[&str]| {
            names.iter().map(|name| Variable { name: (*name).to_owned(), set: is_set(name) }).collect()
        };
        Self {
            name: known.program.to_owned(),
            path,
            version: answer.version(),
            keys: variables(known.keys),
            login: known.login.map(str::to_owned),
            addresses: variables(known.addresses),
            install: known.package.install(None),
        }
    }

    /// The keys that are set, or those of which one is missing.
    #[must_use]
    pub fn key_words(&self) -> String {
        let set: Vec<&str> = self.keys.iter().filter(|key| key.set).map(|key| key.name.as_str()).collect();
        if !set.is_empty() {
            return format!("{} is set", set.join(", "));
        }
        let all: Vec<&str> = self.keys.iter().map(|key| key.name.as_str()).collect();
        let login = self.login.as_ref().map_or_else(String::new, |login| format!(", or `{login}`"));
        format!("missing: {}{login}", all.join(" or "))
    }
}

/// The table, and below it what installs the programs that are missing.
#[must_use]
pub fn agent_table(agents: &[AgentRow]) -> String {
    let mut rows = vec![["agent", "version", "keys", "program"].map(str::to_owned)];
    rows.extend(agents.iter().map(row));
    let missing = agents.iter().filter_map(|agent| {
        let program = agent.program.as_ref().filter(|program| program.path.is_none())?;
        Some([agent.kind.clone(), program.install.clone()])
    });
    let missing = aligned(&missing.collect::<Vec<_>>());
    let title = if missing.is_empty() { "" } else { "\nwhat installs those that are missing:\n" };
    aligned(&rows) + title + &missing
}

/// Lines of words, each column as wide as its widest word, with the last one as it is.
fn aligned<const COLUMNS: usize>(rows: &[[String; COLUMNS]]) -> String {
    let width = |column: usize| rows.iter().map(|row| columns(&row[column])).max().unwrap_or(0);
    let widths: Vec<usize> = (0..COLUMNS).map(width).collect();
    let line = |row: &[String; COLUMNS]| {
        let padded = row.iter().zip(&widths).map(|(word, width)| {
            let rest = " ".repeat(width.saturating_sub(columns(word)));
            format!("  {word}{rest}")
        });
        format!("{}\n", padded.collect::<String>().trim_end())
    };
    rows.iter().map(line).collect()
}

fn row(agent: &AgentRow) -> [String; 4] {
    let Some(program) = &agent.program else {
        return [agent.kind.clone(), NONE.to_owned(), NONE.to_owned(), format!("none: {}", agent.about)];
    };
    let path = program.path.as_deref().map_or("not installed".into(), escape::terminal);
    let version = match (&program.path, &program.version) {
        (_, Some(version)) => version.clone(),
        (Some(_), None) => "unknown".to_owned(),
        (None, None) => NONE.to_owned(),
    };
    [agent.kind.clone(), version, program.key_words(), path.into_owned()]
}

/// One JSON array.
#[must_use]
pub fn agent_json(agents: &[AgentRow]) -> String {
    page::pretty(&agents)
}

/// The schema of one kind of agent in the table.
#[must_use]
pub fn agent_schema() -> Value {
    schemars::schema_for!(AgentRow).to_value()
}
