//! The setup of an agent, beside the task, and which parts of it a kind of agent can be given.

use std::collections::BTreeSet;

use super::ids::TierId;

/// The setup of an agent, beside the task: the composing keys of its subtest.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Setup {
    /// Whether the winner of an earlier tier is laid below it (`extends_previous`).
    pub extends_previous: bool,
    /// Whether the subtest itself says that it inherits nothing: then no rule of an experiment applies to it.
    pub stands_alone: bool,
    /// Tiers whose winners are merged below it (`inherit_best_from`).
    pub inherit_best_from: Vec<TierId>,
    /// The system prompt that the agent is configured to use.
    pub system_prompt: SystemPrompt,
    /// Whether teams of agents are switched on.
    pub agent_teams: bool,
    /// Its own resources.
    pub resources: Resources,
}

/// The system prompt of an agent (`system_prompt_mode`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SystemPrompt {
    /// An empty one; the tree's own instructions are removed.
    None,
    /// The agent's own; the tree's own instructions are removed.
    Default,
    /// The agent's own, and what is composed.
    #[default]
    Custom,
}

/// What is placed in a workspace for the agent. Names are those of the fixture's stores.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Resources {
    /// Blocks of `CLAUDE.md`, such as `B02`, in order.
    pub blocks: Vec<String>,
    /// Categories of skills, or single skills by the name of their folder.
    pub skills: Vec<String>,
    /// Levels of agents, 0 to 5.
    pub agent_levels: BTreeSet<u8>,
    /// Single agents by the name of their file, without `.md`.
    pub agent_names: Vec<String>,
    /// The tools that the agent may use; `None` when nothing is specified.
    pub tools: Option<Tools>,
    /// MCP servers.
    pub mcp_servers: Vec<McpServer>,
}

/// Which tools an agent may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tools {
    /// All that it has.
    All,
    /// Those with these names.
    Named(Vec<String>),
}

/// An MCP server that an agent is offered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct McpServer {
    /// Its name.
    pub name: String,
    /// Where its program comes from, such as `modelcontextprotocol/servers`.
    pub source: Option<String>,
    /// Path of its own config in the workspace.
    pub config_path: Option<String>,
}

/// What an agent can be given beside the task's tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Capability {
    /// The prompt.
    Prompt,
    /// The model that it is configured to use.
    Model,
    /// How much it is configured to think.
    Thinking,
    /// The system prompt that it is configured to use.
    SystemPrompt,
    /// Blocks of instructions in the tree.
    Instructions,
    /// Skills in the tree.
    Skills,
    /// Agents in the tree that it may delegate to.
    Agents,
    /// Teams of agents.
    Teams,
    /// The tools that it may use.
    Tools,
    /// MCP servers.
    McpServers,
}

impl Capability {
    /// Every capability.
    pub const ALL: [Self; 10] = [
        Self::Prompt,
        Self::Model,
        Self::Thinking,
        Self::SystemPrompt,
        Self::Instructions,
        Self::Skills,
        Self::Agents,
        Self::Teams,
        Self::Tools,
        Self::McpServers,
    ];

    /// Its name for people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Prompt => "prompt",
            Self::Model => "model",
            Self::Thinking => "thinking",
            Self::SystemPrompt => "system prompt",
            Self::Instructions => "blocks of instructions",
            Self::Skills => "skills",
            Self::Agents => "agents",
            Self::Teams => "agent teams",
            Self::Tools => "tools",
            Self::McpServers => "MCP servers",
        }
    }
}

impl Setup {
    /// What an agent must be able to be given so that this setup differs from an empty one.
    #[must_use]
    pub fn needs(&self) -> BTreeSet<Capability> {
        let Resources { blocks, skills, agent_levels, agent_names, tools, mcp_servers } = &self.resources;
        let needs = [
            (Capability::SystemPrompt, self.system_prompt != SystemPrompt::Custom),
            (Capability::Instructions, !blocks.is_empty()),
            (Capability::Skills, !skills.is_empty()),
            (Capability::Agents, !agent_levels.is_empty() || !agent_names.is_empty()),
            (Capability::Teams, self.agent_teams),
            (Capability::Tools, tools.is_some()),
            (Capability::McpServers, !mcp_servers.is_empty()),
        ];
        needs.into_iter().filter(|(_, is_needed)| *is_needed).map(|(capability, _)| capability).collect()
    }
}
