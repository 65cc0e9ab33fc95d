//! What agents and checks can reach beside their tree on this machine: what the sandbox that was asked for comes to.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use crate::engine::error::EngineError;
use crate::model::sandbox::{IsolatedBy, Isolation, Network, Sandbox as Asked, SandboxChoice};
use crate::os::process::{Containment, Sandbox};

/// What agents and checks can reach beside their tree on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// What the user reaches.
    Everything,
    /// What a sandbox shows them.
    Sandbox {
        /// What they reach of the network.
        network: Network,
        /// What they can read beside what all programs need.
        readable: Vec<PathBuf>,
    },
}

impl Reach {
    /// What a sandbox that is asked for comes to under this containment, for a user with this environment.
    ///
    /// # Errors
    /// When it cannot be had.
    pub fn of(
        asked: Option<&Asked>,
        containment: &Containment,
        inherited: &BTreeMap<OsString, OsString>,
    ) -> Result<Self, EngineError> {
        let Some(asked) = asked.filter(|asked| asked.choice != SandboxChoice::None) else {
            return Ok(Self::Everything);
        };
        let works = matches!(containment, Containment::Bubblewrap { .. });
        match (works, asked.choice, asked.network) {
            (true, _, network) => {
                let home = inherited.get(OsStr::new("HOME")).map(Path::new);
                let path = |path: &String| match (path.strip_prefix("~/"), home) {
                    (Some(below), Some(home)) => home.join(below),
                    _ => PathBuf::from(path),
                };
                Ok(Self::Sandbox { network, readable: asked.readable.iter().map(path).collect() })
            }
            (false, SandboxChoice::Auto, Network::Open) => Ok(Self::Everything),
            (false, ..) => Err(EngineError::Sandbox { containment: containment.name() }),
        }
    }

    /// What is kept from agents, and what is not.
    #[must_use]
    pub fn isolation(&self) -> Isolation {
        match self {
            Self::Everything => Isolation::of(IsolatedBy::None, Network::Open),
            Self::Sandbox { network, .. } => Isolation::of(IsolatedBy::Bubblewrap, *network),
        }
    }

    /// The sandbox of a program with this folder of its own.
    pub(in crate::engine) fn sandbox(&self, own: PathBuf) -> Option<Sandbox> {
        match self {
            Self::Everything => None,
            Self::Sandbox { network, readable } => {
                Some(Sandbox { own, has_network: *network == Network::Open, readable: readable.clone() })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reach(choice: SandboxChoice, network: Network, containment: &Containment) -> Result<Reach, EngineError> {
        let asked = Asked { choice, network, readable: vec!["~/tools".to_owned(), "/opt".to_owned()] };
        Reach::of(Some(&asked), containment, &BTreeMap::from([("HOME".into(), "/home/ada".into())]))
    }

    #[test]
    fn a_sandbox_that_cannot_be_had_is_refused_where_something_would_be_reached_that_was_to_be_kept_away() {
        use SandboxChoice::{Auto, Bubblewrap, None};
        let strong = Containment::Bubblewrap { program: "/usr/bin/bwrap".into(), arguments: &[] };
        let readable = vec![PathBuf::from("/home/ada/tools"), PathBuf::from("/opt")];
        let sandbox = |network| Reach::Sandbox { network, readable: readable.clone() };
        assert_eq!(reach(Auto, Network::Open, &strong).unwrap(), sandbox(Network::Open));
        assert_eq!(reach(Bubblewrap, Network::None, &strong).unwrap(), sandbox(Network::None));
        assert_eq!(reach(None, Network::Open, &strong).unwrap(), Reach::Everything);
        assert_eq!(reach(Auto, Network::Open, &Containment::Walk).unwrap(), Reach::Everything);
        assert!(reach(Auto, Network::None, &Containment::Walk).is_err());
        let error = reach(Bubblewrap, Network::Open, &Containment::Walk).unwrap_err();
        assert_eq!(error.to_string(), "a sandbox needs bubblewrap, and runs are contained by `walk` here");
    }
}
