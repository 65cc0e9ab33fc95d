//! What a setup places in a workspace: `CLAUDE.md`, `.claude/` and `.mcp.json`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use crate::model::setup::{McpServer, Resources, Setup, SystemPrompt, Tools};
use crate::model::task::Stores;
use crate::setup::inherit::Effective;

/// The file that agents read first.
const INSTRUCTIONS: &str = "CLAUDE.md";
/// The folder for the agent's program.
const FOLDER: &str = ".claude";
/// The source of servers that name none.
const USUAL_SOURCE: &str = "modelcontextprotocol/servers";
/// The mode in which agents are not told to think.
const NO_THINKING: &str = "None";
/// The variable that enables teams of agents.
pub const TEAMS_VARIABLE: &str = "CLAUDE_CODE_EXPERIMENTAL_AGENT_TEAMS";

/// The changes to a task's tree before its agent starts. None, in most fixtures.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Composition {
    /// Files and folders of the task's tree that are removed first.
    pub removed: Vec<String>,
    /// What is then placed over the tree, in this order.
    pub placed: Vec<Placed>,
}

impl Composition {
    /// Whether the tree stays unchanged.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.removed.is_empty() && self.placed.is_empty()
    }
}

/// One file, or one folder with everything in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// Path below the workspace; empty for the workspace itself.
    pub path: String,
    /// Its content.
    pub content: Content,
}

/// Where the content of a placed file comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// A file or a folder below the fixture.
    Copy(String),
    /// Texts, separated by blank lines.
    Joined(Vec<Piece>),
}

/// One text of several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// The content that the task's tree has at this path, if any.
    There,
    /// A file below the fixture.
    File(String),
    /// A literal text.
    Text(String),
}

/// Why a setup cannot be composed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum CompositionFault {
    /// A name that the fixture's stores do not have.
    #[error("there is no {what} `{name}` among the shared resources")]
    Absent {
        /// The kind of resource.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// Two resources that would be at the same path.
    #[error("both `{one}` and `{other}` would be `{path}`")]
    Clash {
        /// The path.
        path: String,
        /// Path below the fixture of the first.
        one: String,
        /// Path below the fixture of the second.
        other: String,
    },
}

/// The changes that a subtest's setup makes to the task's tree. `thinking_mode` is the config's.
///
/// # Errors
/// Everything that cannot be composed.
pub fn compose(
    effective: &Effective,
    stores: &Stores,
    thinking_mode: &str,
) -> Result<Composition, Vec<CompositionFault>> {
    let setup = &effective.setup;
    let mut composing = Composing { stores, copies: BTreeMap::new(), faults: BTreeSet::new() };
    let removed = match setup.system_prompt {
        SystemPrompt::None | SystemPrompt::Default => vec![INSTRUCTIONS.to_owned(), FOLDER.to_owned()],
        SystemPrompt::Custom => Vec::new(),
    };
    let overlays = effective.overlays.iter();
    let mut placed: Vec<Placed> =
        overlays.map(|overlay| Placed { path: String::new(), content: Content::Copy(overlay.clone()) }).collect();
    let composes = setup.resources != Resources::default() || setup.agent_teams;
    if composes {
        let blocks: Vec<Piece> = setup.resources.blocks.iter().filter_map(|id| composing.block(id)).collect();
        composing.skills(&setup.resources.skills);
        composing.agents(&setup.resources);
        composing.mcp_configs(&setup.resources.mcp_servers);
        let offer = offer(setup, &composing.names("skills"), &composing.names("agents"));
        placed.extend(instructions(blocks, offer));
        placed.extend(composing.placed());
    }
    // The thinking mode is in the settings too; without any settings, an agent would be told less than others.
    if composes || (effective.has_settings && thinking_mode != NO_THINKING) {
        placed.push(text(&format!("{FOLDER}/settings.json"), &settings(setup, thinking_mode)));
        if !setup.resources.mcp_servers.is_empty() {
            placed.push(text(".mcp.json", &json!({ "mcpServers": servers(&setup.resources.mcp_servers) })));
        }
    }
    if composing.faults.is_empty() {
        Ok(Composition { removed, placed })
    } else {
        Err(composing.faults.into_iter().collect())
    }
}

/// Resolves names of resources.
struct Composing<'a> {
    stores: &'a Stores,
    /// Path below the workspace to path below the fixture.
    copies: BTreeMap<String, String>,
    faults: BTreeSet<CompositionFault>,
}

impl Composing<'_> {
    fn absent(&mut self, what: &'static str, name: &str) {
        self.faults.insert(CompositionFault::Absent { what, name: name.to_owned() });
    }

    fn block(&mut self, id: &str) -> Option<Piece> {
        let found = self.stores.blocks.get(id).cloned();
        if found.is_none() {
            self.absent("block", id);
        }
        found.map(Piece::File)
    }

    /// A category means all of its skills; any other name is that of a single skill.
    fn skills(&mut self, names: &[String]) {
        let stores = self.stores;
        for name in names {
            let all = stores.skills.values().flatten();
            let found: Vec<&String> = match stores.skills.get(name) {
                Some(category) => category.iter().collect(),
                None => all.filter(|folder| last(folder) == name).collect(),
            };
            if found.is_empty() {
                self.absent("skill or category of skills", name);
            }
            for folder in found {
                self.copy(format!("{FOLDER}/skills/{}", last(folder)), folder);
            }
        }
    }

    fn agents(&mut self, resources: &Resources) {
        let stores = self.stores;
        for level in &resources.agent_levels {
            match stores.agents.get(level) {
                Some(files) => files.iter().for_each(|file| self.agent(file)),
                None => self.absent("level of agents", &format!("L{level}")),
            }
        }
        for name in &resources.agent_names {
            let found = stores.agents.values().flatten().filter(|file| stem(last(file)) == stem(name));
            let found: Vec<&String> = found.collect();
            if found.is_empty() {
                self.absent("agent", name);
            }
            for file in found {
                self.agent(file);
            }
        }
    }

    fn mcp_configs(&mut self, servers: &[McpServer]) {
        let stores = self.stores;
        for path in servers.iter().filter_map(|server| server.config_path.as_ref()) {
            match stores.mcp.get(path) {
                Some(from) => self.copy(path.clone(), from),
                None => self.absent("config of an MCP server", path),
            }
        }
    }

    fn agent(&mut self, file: &str) {
        self.copy(format!("{FOLDER}/agents/{}", last(file)), file);
    }

    fn copy(&mut self, path: String, from: &str) {
        match self.copies.get(&path) {
            Some(known) if known != from => {
                self.faults.insert(CompositionFault::Clash { path, one: known.clone(), other: from.to_owned() });
            }
            _ => _ = self.copies.insert(path, from.to_owned()),
        }
    }

    /// The names in a folder that is copied.
    fn names(&self, folder: &str) -> Vec<&str> {
        let prefix = format!("{FOLDER}/{folder}/");
        self.copies.keys().filter_map(|path| path.strip_prefix(&prefix)).map(stem).collect()
    }

    fn placed(&self) -> impl Iterator<Item = Placed> {
        self.copies.iter().map(|(path, from)| Placed { path: path.clone(), content: Content::Copy(from.clone()) })
    }
}

fn last(path: &str) -> &str {
    path.trim_end_matches('/').rsplit('/').next().unwrap_or(path)
}

fn stem(name: &str) -> &str {
    name.strip_suffix(".md").unwrap_or(name)
}

fn text(path: &str, value: &Value) -> Placed {
    Placed { path: path.to_owned(), content: Content::Joined(vec![Piece::Text(format!("{value:#}"))]) }
}

/// `CLAUDE.md`: the blocks, or else the tree's own text, followed by what is offered.
fn instructions(blocks: Vec<Piece>, offer: Option<String>) -> Option<Placed> {
    let mut parts = blocks;
    if let Some(offer) = offer {
        if parts.is_empty() {
            parts.push(Piece::There);
        }
        parts.push(Piece::Text(offer));
    }
    (!parts.is_empty()).then(|| Placed { path: INSTRUCTIONS.to_owned(), content: Content::Joined(parts) })
}

/// The resources that an agent should be told about; `None` when it has only the usual ones.
fn offer(setup: &Setup, skills: &[&str], agents: &[&str]) -> Option<String> {
    let mut text = String::new();
    let mut line = |what: &str, names: &[&str]| {
        if !names.is_empty() {
            // Writing to a String cannot fail.
            let _ = write!(text, "\n- {what}: {}", names.join(", "));
        }
    };
    line("Sub-agents, in `.claude/agents/`", agents);
    if setup.agent_teams {
        line("Teams", &["several agents may work on the task together"]);
    }
    line("Skills, in `.claude/skills/`", skills);
    let servers: Vec<&str> = setup.resources.mcp_servers.iter().map(|server| server.name.as_str()).collect();
    line("MCP servers", &servers);
    let configs = setup.resources.mcp_servers.iter().filter_map(|server| server.config_path.as_deref());
    line("Configuration of MCP servers", &configs.collect::<Vec<_>>());
    match &setup.resources.tools {
        Some(Tools::All) => line("Tools", &["all that you have"]),
        Some(Tools::Named(names)) => line("Tools", &names.iter().map(String::as_str).collect::<Vec<_>>()),
        None => {}
    }
    (!text.is_empty()).then(|| {
        format!("## What you have for this task\n\nMake the most of the following wherever it serves the task.\n{text}")
    })
}

/// `.claude/settings.json`.
fn settings(setup: &Setup, thinking_mode: &str) -> Value {
    let mut settings = Map::new();
    settings.insert("alwaysThinkingEnabled".to_owned(), json!(thinking_mode != NO_THINKING));
    if let Some(Tools::Named(names)) = &setup.resources.tools {
        settings.insert("allowedTools".to_owned(), json!(names));
    }
    if !setup.resources.mcp_servers.is_empty() {
        settings.insert("mcpServers".to_owned(), servers(&setup.resources.mcp_servers));
    }
    if setup.agent_teams {
        settings.insert("env".to_owned(), json!({ TEAMS_VARIABLE: "1" }));
    }
    Value::Object(settings)
}

fn servers(servers: &[McpServer]) -> Value {
    let server = |server: &McpServer| {
        let package = format!("@{}/{}", server.source.as_deref().unwrap_or(USUAL_SOURCE), server.name);
        (server.name.clone(), json!({ "command": "npx", "args": ["-y", package] }))
    };
    Value::Object(servers.iter().map(server).collect())
}

#[cfg(test)]
mod tests;
