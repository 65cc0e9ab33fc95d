//! What agents and checks can reach beside their tree: files of the machine, its network.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::hosts::AllowedHost;
use super::resources::{Resource, ResourceUse, Resources};

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
    /// The same with the files of an image, which podman has, in place of the machine's.
    Podman,
}

/// What agents and checks reach of the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Network {
    /// All that the machine reaches.
    #[default]
    Open,
    /// Their model by the gateway, and hosts that the fixture names.
    Model,
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
    /// Hosts that they reach beside their model, where the network is `model`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allow: Vec<AllowedHost>,
    /// The name of the image whose files they see under `podman`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// The file of the fixture from which podman builds that image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub containerfile: Option<String>,
}

/// Where the image of a sandbox comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImageSource<'a> {
    /// Podman has it under this name, or pulls it.
    Named(&'a str),
    /// Podman builds it from this file of the fixture.
    Built(&'a str),
}

impl fmt::Display for ImageSource<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named(name) => write!(f, "the image `{name}`"),
            Self::Built(file) => write!(f, "the image of `{file}`"),
        }
    }
}

/// Why something is no sandbox that could be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Contradiction {
    /// The network is taken away from programs that are in none.
    Network,
    /// It shows files to programs that are in none.
    Readable,
    /// Podman is asked for without an image.
    NoImage,
    /// The image is named and built.
    TwoImages,
}

impl fmt::Display for Contradiction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Network => "a network can be taken away only from programs in a sandbox",
            Self::Readable => "without a sandbox, all that the user can read is readable",
            Self::NoImage => "podman shows the files of an image, and the fixture names none",
            Self::TwoImages => "an image is either named or built, and it says both",
        })
    }
}

impl Sandbox {
    /// It, as a config has it; `None` where nothing is asked for. An image counts only under podman, and hosts only where no others are
    /// reached.
    #[must_use]
    pub fn asked(&self) -> Option<Self> {
        let mut asked = self.clone();
        if asked.choice != SandboxChoice::Podman {
            (asked.image, asked.containerfile) = (None, None);
        }
        if asked.network != Network::Model {
            asked.allow.clear();
        }
        Some(asked).filter(|asked| *asked != Self::default())
    }

    /// Where its image comes from; `None` where it has none.
    #[must_use]
    pub fn source(&self) -> Option<ImageSource<'_>> {
        let named = self.image.as_deref().map(ImageSource::Named);
        let source = named.or_else(|| self.containerfile.as_deref().map(ImageSource::Built));
        source.filter(|_| self.choice == SandboxChoice::Podman)
    }

    /// Why it is no sandbox that could be; `None` when it could.
    #[must_use]
    pub fn contradiction(&self) -> Option<Contradiction> {
        match (self.choice, self.network) {
            _ if self.image.is_some() && self.containerfile.is_some() => Some(Contradiction::TwoImages),
            (SandboxChoice::Podman, _) if self.source().is_none() => Some(Contradiction::NoImage),
            (SandboxChoice::None, Network::None | Network::Model) => Some(Contradiction::Network),
            (SandboxChoice::None, Network::Open) if !self.readable.is_empty() => Some(Contradiction::Readable),
            _ => None,
        }
    }
}

/// Where a path of [`Sandbox::readable`] lies, for a user with this home.
#[must_use]
pub fn place_of(path: &str, home: Option<&Path>) -> PathBuf {
    match (path.strip_prefix("~/"), home) {
        (Some(below), Some(home)) => home.join(below),
        _ => PathBuf::from(path),
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
    /// Files of the kernel's can be written, by which the machine is set.
    Kernel,
    /// Memory, processes and processor time have no limit of their own.
    Resources,
    /// Memory has none, though others have.
    Memory,
    /// Processes have none, though others have.
    Processes,
    /// Processor time has none, though others have.
    Processors,
}

impl fmt::Display for Exposure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Files => "files outside of the tree",
            Self::Home => "the home folder",
            Self::Temporary => "temporary folders",
            Self::Network => "the network",
            Self::Kernel => "settings of the kernel",
            Self::Resources => "resources of the machine",
            Self::Memory => "memory",
            Self::Processes => "the number of processes",
            Self::Processors => "processor time",
        })
    }
}

/// How an agent was isolated, and from what not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Isolation {
    /// What it was kept in.
    pub sandbox: IsolatedBy,
    /// What it reached of the network.
    pub network: Network,
    /// What was not kept from it.
    pub not_isolated: BTreeSet<Exposure>,
    /// The id of the image whose files it saw; missing where it saw the machine's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_id: Option<String>,
    /// What it used of the machine, where it had limits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<ResourceUse>,
    /// What the fixture let it read of the machine, as the fixture names it; missing where that is nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub readable: Vec<String>,
    /// The hosts that the fixture let it reach beside its model; missing where there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allow: Vec<AllowedHost>,
}

/// What an agent was kept in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum IsolatedBy {
    /// Nothing.
    #[default]
    None,
    /// A mount namespace by bubblewrap.
    Bubblewrap,
    /// The same, with the files of an image of podman in place of the machine's.
    Podman,
}

impl fmt::Display for IsolatedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::Bubblewrap => "bubblewrap",
            Self::Podman => "podman",
        })
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Open => "open",
            Self::Model => "model",
            Self::None => "none",
        })
    }
}

impl IsolatedBy {
    /// What it does not keep from an agent that reaches this much of the network.
    #[must_use]
    pub fn exposes(self, network: Network) -> BTreeSet<Exposure> {
        let files: &[Exposure] = match self {
            Self::None => &[Exposure::Files, Exposure::Home, Exposure::Temporary],
            Self::Bubblewrap | Self::Podman => &[],
        };
        let network = (network == Network::Open).then_some(Exposure::Network);
        files.iter().copied().chain(network).chain([Exposure::Resources]).collect()
    }
}

impl Isolation {
    /// The one by this, with this much of the network.
    #[must_use]
    pub fn of(sandbox: IsolatedBy, network: Network) -> Self {
        let not_isolated = sandbox.exposes(network);
        Self {
            sandbox,
            network,
            not_isolated,
            image_id: None,
            resources: None,
            readable: Vec::new(),
            allow: Vec::new(),
        }
    }

    /// The same with these limits.
    #[must_use]
    pub fn limited(mut self, limits: &Resources) -> Self {
        let open = Resource::ALL.into_iter().filter(|resource| !limits.limits(*resource));
        if !limits.is_unlimited() && self.not_isolated.remove(&Exposure::Resources) {
            self.not_isolated.extend(open.map(|resource| match resource {
                Resource::Memory => Exposure::Memory,
                Resource::Processes => Exposure::Processes,
                Resource::Processors => Exposure::Processors,
            }));
        }
        self
    }
}

/// In which way an agent was isolated, and from what not, whatever it used and whatever image it saw.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct WayOfIsolation {
    /// What it was kept in.
    pub sandbox: IsolatedBy,
    /// What it reached of the network.
    pub network: Network,
    /// What was not kept from it.
    pub not_isolated: BTreeSet<Exposure>,
    /// What the fixture let it read of the machine, as the fixture names it; missing where that is nothing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub readable: Vec<String>,
    /// The hosts that the fixture let it reach beside its model; missing where there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allow: Vec<AllowedHost>,
}

/// How many agents were isolated in which way.
pub type Isolated = BTreeMap<WayOfIsolation, usize>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_taken_away_only_in_a_sandbox() {
        let sandbox = |choice, network| Sandbox { choice, network, ..Sandbox::default() };
        assert!(sandbox(SandboxChoice::None, Network::None).contradiction().is_some());
        assert!(sandbox(SandboxChoice::None, Network::Open).contradiction().is_none());
        assert!(sandbox(SandboxChoice::None, Network::Model).contradiction().is_some());
        assert!(sandbox(SandboxChoice::Bubblewrap, Network::None).contradiction().is_none());
        assert!(sandbox(SandboxChoice::Bubblewrap, Network::Model).contradiction().is_none());
        let readable = Sandbox { readable: vec!["/opt".to_owned()], ..Sandbox::default() };
        assert!(readable.contradiction().is_some());
    }

    #[test]
    fn hosts_that_are_allowed_count_where_no_others_are_reached() {
        let allow = vec!["example.org".parse().unwrap()];
        let sandbox = |network| Sandbox {
            choice: SandboxChoice::Bubblewrap,
            network,
            allow: allow.clone(),
            ..Sandbox::default()
        };
        assert_eq!(sandbox(Network::Model).asked(), Some(sandbox(Network::Model)));
        assert_eq!(sandbox(Network::Open).asked().map(|asked| asked.allow), Some(Vec::new()));
        assert_eq!(Sandbox { allow: allow.clone(), ..Sandbox::default() }.asked(), None);
    }

    #[test]
    fn an_image_is_named_or_built_and_counts_under_podman_alone() {
        let named = Sandbox { image: Some("task:1".to_owned()), ..Sandbox::default() };
        let podman = |sandbox: &Sandbox| Sandbox { choice: SandboxChoice::Podman, ..sandbox.clone() };
        assert_eq!((named.contradiction(), named.source(), named.asked()), (None, None, None));
        assert_eq!(podman(&named).source(), Some(ImageSource::Named("task:1")));
        assert_eq!(podman(&named).asked(), Some(podman(&named)));
        let reaching = Sandbox { network: Network::Model, ..podman(&named) };
        assert_eq!(reaching.contradiction(), None);
        assert_eq!(podman(&Sandbox::default()).contradiction(), Some(Contradiction::NoImage));
        let both = Sandbox { containerfile: Some("Containerfile".to_owned()), ..named };
        assert_eq!(both.contradiction(), Some(Contradiction::TwoImages));
    }
}
