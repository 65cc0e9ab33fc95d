//! The table of the kinds of agents: which programs are installed, in which version, with which keys, and what installs
//! those that are not.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::model::installation::{Answer, Installation};
use crate::text::columns::{aligned, columns, cut_front};
use crate::text::escape;
use crate::text::page::{Page, pretty};
use crate::text::words::wrap;

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
        match self.set().as_slice() {
            [] => format!("missing: {}", self.all_keys()),
            [one] => format!("{one} is set"),
            several => format!("{} are set", several.join(", ")),
        }
    }
}

/// So many columns of a path are shown before the column is left out.
const FEWEST_OF_PATH: usize = 12;
/// So many columns have lines that are wrapped where nobody knows how many there are.
const COLUMNS: usize = 80;

/// The table of programs, on so many columns, or on any number of them where nothing is said: a path that has no room is shown by its
/// end, or left out. Below it what installs those that are missing, the keys that are, and the kinds that have no program.
#[must_use]
pub fn agent_table(agents: &[AgentRow], room: Option<usize>) -> String {
    let programs: Vec<(&str, &ProgramRow)> =
        agents.iter().filter_map(|agent| Some((agent.kind.as_str(), agent.program.as_ref()?))).collect();
    let mut rows = vec![["agent", "version", "key", "program"].map(str::to_owned).to_vec()];
    for (kind, program) in &programs {
        rows.extend(program.lines(kind));
    }
    show_paths(&mut rows, room);
    let mut page = Page::default();
    for line in aligned(&rows, rows[0].len()) {
        page.line(format_args!("  {line}"));
    }
    let of = |is_meant: fn(&ProgramRow) -> bool, words: fn(&ProgramRow) -> String| -> Vec<(String, String)> {
        let meant = programs.iter().filter(|(_, program)| is_meant(program));
        meant.map(|(kind, program)| ((*kind).to_owned(), words(program))).collect()
    };
    let others = agents.iter().filter(|agent| agent.program.is_none());
    let others: Vec<_> = others.map(|agent| (agent.kind.clone(), agent.about.clone())).collect();
    let room = room.unwrap_or(COLUMNS);
    for (title, lines, room) in [
        // A command that is parted cannot be copied.
        ("what installs those that are missing", of(|it| it.path.is_none(), |it| it.install.clone()), usize::MAX),
        ("no key is set for these, and one is enough", of(|it| it.set().is_empty(), ProgramRow::all_keys), room),
        ("kinds without a program of their own", others, room),
    ] {
        add_section(&mut page, title, &lines, room);
    }
    page.into_text()
}

/// Adds a title and a line for each kind, the words below each other.
fn add_section(page: &mut Page, title: &str, lines: &[(String, String)], room: usize) {
    if lines.is_empty() {
        return;
    }
    let width = lines.iter().map(|(kind, _)| columns(kind)).max().unwrap_or(0);
    page.line(format_args!("\n{title}:"));
    for (kind, words) in lines {
        for (at, piece) in wrap(words, room.saturating_sub(width + 4)).iter().enumerate() {
            let kind = if at == 0 { kind } else { "" };
            page.line(format_args!("  {kind:width$}  {piece}"));
        }
    }
}

/// Lets the last column, of paths, have what the others leave of this room.
fn show_paths(rows: &mut [Vec<String>], room: Option<usize>) {
    let Some(room) = room else { return };
    let width = |column: usize| rows.iter().map(|row| columns(&row[column])).max().unwrap_or(0);
    let left = room.saturating_sub((0..3).map(|column| width(column) + 2).sum::<usize>() + 2);
    for row in rows {
        match row.last_mut() {
            Some(path) if left >= FEWEST_OF_PATH => *path = cut_front(path, left),
            _ => drop(row.pop()),
        }
    }
}

impl ProgramRow {
    /// The names of the keys that are set.
    #[must_use]
    pub fn set(&self) -> Vec<&str> {
        self.keys.iter().filter(|key| key.set).map(|key| key.name.as_str()).collect()
    }

    /// The keys of which one is enough, and what can be typed in their place.
    #[must_use]
    pub fn all_keys(&self) -> String {
        let all: Vec<&str> = self.keys.iter().map(|key| key.name.as_str()).collect();
        let login = self.login.as_ref().map_or_else(String::new, |login| format!(", or `{login}`"));
        format!("{}{login}", all.join(" or "))
    }

    /// The lines of the table: one more for each further key.
    fn lines(&self, kind: &str) -> Vec<Vec<String>> {
        let version = match (&self.path, &self.version) {
            (_, Some(version)) => version.clone(),
            (Some(_), None) => "unknown".to_owned(),
            (None, None) => "missing".to_owned(),
        };
        let path = self.path.as_deref().map_or(NONE.into(), escape::terminal).into_owned();
        let mut keys = self.set().into_iter();
        let first = vec![kind.to_owned(), version, keys.next().unwrap_or(NONE).to_owned(), path];
        let more = keys.map(|key| vec![String::new(), String::new(), key.to_owned(), String::new()]);
        std::iter::once(first).chain(more).collect()
    }
}

/// One JSON array.
#[must_use]
pub fn agent_json(agents: &[AgentRow]) -> String {
    pretty(&agents)
}

/// The schema of one kind of agent in the table.
#[must_use]
pub fn agent_schema() -> Value {
    schemars::schema_for!(AgentRow).to_value()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::{KINDS, named};
    use crate::model::samples::snapshot;

    #[test]
    fn the_table_is_as_wide_as_there_is_room() {
        let row = |kind: &str, about: &str| {
            let known = named(kind, true).ok().and_then(|agent| agent.installation());
            let path = (kind != "gemini").then(|| format!("/home/someone/.local/share/tools/bin/{kind}"));
            let answer = if kind == "codex" { Answer::Silent } else { Answer::Version("2.1.197".to_owned()) };
            let is_set = |name: &str| matches!(name, "ANTHROPIC_API_KEY" | "GEMINI_API_KEY");
            let answer = if path.is_some() { answer } else { Answer::NotInstalled };
            let program = known.map(|known| ProgramRow::new(known, path, answer, is_set));
            AgentRow { kind: kind.to_owned(), about: about.to_owned(), program }
        };
        let rows: Vec<AgentRow> = KINDS.iter().map(|kind| row(kind.name, kind.about)).collect();
        for (room, name) in [(80, "agents_80"), (60, "agents_60")] {
            let table = agent_table(&rows, Some(room));
            let mut parted = table.lines().filter(|line| !line.contains(" install "));
            assert!(parted.all(|line| columns(line) <= room), "{table}");
            snapshot("screens", name, &table);
        }
        assert!(agent_table(&rows, None).contains("  /home/someone/.local/share/tools/bin/claude-code\n"));
    }
}
