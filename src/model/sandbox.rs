//! What agents and checks can reach beside their tree: files of the machine, its network.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How agents and checks are kept to their tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SandboxChoice {
    /// They are not: they reach what the user reaches.
    #[default]
    None,
    /// The strongest that works here, or none.
    Auto,
    /// By bubblewrap: their tree is writable, a home and temporary folders are their own, all else is read-only or absent.
    Bubblewrap,
}

/// What agents and checks reach of the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Network {
    /// All that the machine reaches.
    #[default]
    Open,
    /// Nothing but themselves.
    None,
}

/// The sandbox of an experiment, as its fixture and its flags ask for it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Sandbox {
    /// How agents and checks are kept to their tree.
    #[serde(rename = "use")]
    pub choice: SandboxChoice,
    /// What they reach of the network.
    pub network: Network,
    /// Files and folders of the machine that they can read, beside those that all programs need: absolute, or below the home as `~/…`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub readable: Vec<String>,
}

impl Sandbox {
    /// It, as a config has it; `None` where nothing is asked for.
    #[must_use]
    pub fn asked(&self) -> Option<Self> {
        Some(self.clone()).filter(|asked| *asked != Self::default())
    }

    /// Why it is no sandbox that could be; `None` when it could.
    #[must_use]
    pub fn contradiction(&self) -> Option<&'static str> {
        match (self.choice, self.network) {
            (SandboxChoice::None, Network::None) => Some("a network can be taken away only from programs in a sandbox"),
            (SandboxChoice::None, Network::Open) if !self.readable.is_empty() => {
                Some("without a sandbox, all that the user can read is readable")
            }
            _ => None,
        }
    }
}

/// Something of the machine that is not kept from a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Exposure {
    /// Files outside of its tree can be written.
    Files,
    /// The user's home can be read.
    Home,
    /// Temporary folders are shared with all programs.
    Temporary,
    /// The network can be reached.
    Network,
    /// Memory, processes and processor time have no limit of their own.
    Resources,
}

impl fmt::Display for Exposure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Files => "files outside of the tree",
            Self::Home => "the home folder",
            Self::Temporary => "temporary folders",
            Self::Network => "the network",
            Self::Resources => "resources of the machine",
        })
    }
}

/// How an agent was isolated, and from what not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Isolation {
    /// What it was kept in.
    pub sandbox: IsolatedBy,
    /// What it reached of the network.
    pub network: Network,
    /// What was not kept from it.
    pub not_isolated: BTreeSet<Exposure>,
}

/// What an agent was kept in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum IsolatedBy {
    /// Nothing.
    None,
    /// A mount namespace by bubblewrap.
    Bubblewrap,
}

impl IsolatedBy {
    /// What it does not keep from an agent that reaches this much of the network.
    #[must_use]
    pub fn exposes(self, network: Network) -> BTreeSet<Exposure> {
        let files: &[Exposure] = match self {
            Self::None => &[Exposure::Files, Exposure::Home, Exposure::Temporary],
            Self::Bubblewrap => &[],
        };
        let network = (network == Network::Open).then_some(Exposure::Network);
        files.iter().copied().chain(network).chain([Exposure::Resources]).collect()
    }
}

impl Isolation {
    /// The one by this, with this much of the network.
    #[must_use]
    pub fn of(sandbox: IsolatedBy, network: Network) -> Self {
        Self { sandbox, network, not_isolated: sandbox.exposes(network) }
    }
}

/// How many agents were isolated in which way.
pub type Isolated = BTreeMap<(IsolatedBy, Network), usize>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_taken_away_only_in_a_sandbox() {
        let sandbox = |choice, network| Sandbox { choice, network, readable: Vec::new() };
        assert!(sandbox(SandboxChoice::None, Network::None).contradiction().is_some());
        assert!(sandbox(SandboxChoice::None, Network::Open).contradiction().is_none());
        assert!(sandbox(SandboxChoice::Bubblewrap, Network::None).contradiction().is_none());
        let readable = Sandbox { readable: vec!["/opt".to_owned()], ..Sandbox::default() };
        assert!(readable.contradiction().is_some());
    }
}
