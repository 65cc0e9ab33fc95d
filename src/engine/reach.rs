//! What agents and checks can reach beside their tree on this machine: what the sandbox that was asked for comes to.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::engine::error::EngineError;
use crate::engine::image::Image;
use crate::model::experiment::ContainmentChoice;
use crate::model::hosts::AllowedHost;
use crate::model::sandbox::{Exposure, IsolatedBy, Isolation, Network, Sandbox as Asked, SandboxChoice, place_of};
use crate::os::environment;
use crate::os::files;
use crate::os::process::{Containment, Sandbox};
use crate::os::program::{self, Found};

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
        /// The same, as it is named.
        named: Vec<String>,
        /// Hosts that they reach beside their model.
        allow: Vec<AllowedHost>,
        /// What is not kept from them though a sandbox is there to keep it.
        exposed: BTreeSet<Exposure>,
        /// The image whose files they see in place of the machine's.
        image: Option<Arc<Image>>,
    },
}

impl Reach {
    /// What a sandbox that is asked for comes to under this containment, for a user with this environment; with the files of this
    /// image, where it has one.
    ///
    /// # Errors
    /// When it cannot be had.
    pub fn of(
        asked: Option<&Asked>,
        containment: &Containment,
        inherited: &BTreeMap<OsString, OsString>,
        image: Option<Arc<Image>>,
    ) -> Result<Self, EngineError> {
        let Some(asked) = asked.filter(|asked| asked.choice != SandboxChoice::None) else {
            return Ok(Self::Everything);
        };
        let works = matches!(containment, Containment::Bubblewrap { .. });
        match (works, asked.choice, asked.network) {
            (true, SandboxChoice::Podman, _) if image.is_none() => Err(EngineError::NoImage),
            (true, _, network) => {
                let home = inherited.get(OsStr::new("HOME")).map(Path::new);
                let readable = asked.readable.iter().map(|path| place_of(path, home)).collect();
                let shown = Sandbox { own: PathBuf::new(), has_network: true, readable, image: None };
                let home = (!shown.keeps_home(inherited)).then_some(Exposure::Home);
                let guards_kernel = matches!(containment, Containment::Bubblewrap { guards_kernel: true, .. });
                let kernel = (!guards_kernel && files::user() == 0).then_some(Exposure::Kernel);
                let exposed = home.into_iter().chain(kernel).collect();
                let (named, allow) = (asked.readable.clone(), asked.allow.clone());
                Ok(Self::Sandbox { network, readable: shown.readable, named, allow, exposed, image })
            }
            (false, SandboxChoice::Auto, Network::Open) => Ok(Self::Everything),
            (false, ..) => Err(EngineError::Sandbox { containment: containment.name() }),
        }
    }

    /// The image whose files programs see.
    #[must_use]
    pub fn image(&self) -> Option<&Image> {
        match self {
            Self::Sandbox { image, .. } => image.as_deref(),
            Self::Everything => None,
        }
    }

    /// The variables that a program is given, of those of this process: the standard ones and those in `named`. In an image those that
    /// name places of the machine are not, unless they are named, and `PATH` never is.
    #[must_use]
    pub fn environment(
        &self,
        inherited: &BTreeMap<OsString, OsString>,
        named: &[String],
    ) -> BTreeMap<OsString, OsString> {
        match self.image() {
            Some(image) => image.environment(environment::allowed_elsewhere(inherited, named)),
            None => environment::allowed(inherited, named),
        }
    }

    /// Looks for a program where agents and checks are started.
    #[must_use]
    pub fn search(&self, name: &OsStr, path: Option<&OsStr>) -> Found {
        match self.image() {
            Some(image) => image.search(name, path),
            None => program::search(name, path),
        }
    }

    /// Whether a program is found there.
    #[must_use]
    pub fn finds(&self, name: &OsStr, path: Option<&OsStr>) -> bool {
        matches!(self.search(name, path), Found::Program(_))
    }

    /// What was to be shown beside what all programs need, and is not here.
    #[must_use]
    pub fn unseen(&self) -> Vec<&Path> {
        let readable = match self {
            Self::Sandbox { readable, .. } => readable.as_slice(),
            Self::Everything => &[],
        };
        readable.iter().map(PathBuf::as_path).filter(|path| path.symlink_metadata().is_err()).collect()
    }

    /// What is kept from agents, and what is not.
    #[must_use]
    pub fn isolation(&self) -> Isolation {
        let Self::Sandbox { network, named, allow, exposed, image, .. } = self else {
            return Isolation::of(IsolatedBy::None, Network::Open);
        };
        let sandbox = if image.is_some() { IsolatedBy::Podman } else { IsolatedBy::Bubblewrap };
        let mut isolation = Isolation::of(sandbox, *network);
        isolation.not_isolated.extend(exposed);
        isolation.image_id = image.as_ref().map(|image| image.id.clone());
        isolation.readable.clone_from(named);
        isolation.allow.clone_from(allow);
        isolation
    }

    /// The hosts that programs reach beside their model, where they reach no others; `None` where they reach all or none.
    #[must_use]
    pub fn hosts(&self) -> Option<&[AllowedHost]> {
        match self {
            Self::Sandbox { network: Network::Model, allow, .. } => Some(allow),
            Self::Sandbox { .. } | Self::Everything => None,
        }
    }

    /// The sandbox of a program with this folder of its own.
    pub(in crate::engine) fn sandbox(&self, own: PathBuf) -> Option<Sandbox> {
        match self {
            Self::Everything => None,
            Self::Sandbox { network, readable, image, .. } => Some(Sandbox {
                own,
                has_network: *network == Network::Open,
                readable: readable.clone(),
                image: image.as_ref().map(|image| image.files()),
            }),
        }
    }
}

/// How programs are held together here, and what a sandbox that is asked for comes to.
///
/// # Errors
/// When one of them cannot be had.
pub fn contained(
    choice: ContainmentChoice,
    sandbox: Option<&Asked>,
    image: Option<Arc<Image>>,
    inherited: &BTreeMap<OsString, OsString>,
) -> Result<(Containment, Reach), EngineError> {
    let containment = Containment::probe(choice)?;
    let reach = Reach::of(sandbox, &containment, inherited, image)?;
    Ok((containment, reach))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reach(choice: SandboxChoice, network: Network, containment: &Containment) -> Result<Reach, EngineError> {
        let asked =
            Asked { choice, network, readable: vec!["~/tools".to_owned(), "/opt".to_owned()], ..Asked::default() };
        Reach::of(Some(&asked), containment, &BTreeMap::from([("HOME".into(), "/home/ada".into())]), None)
    }

    #[test]
    fn a_sandbox_that_cannot_be_had_is_refused_where_something_would_be_reached_that_was_to_be_kept_away() {
        use SandboxChoice::{Auto, Bubblewrap, None, Podman};
        let strong = Containment::Bubblewrap { program: "/usr/bin/bwrap".into(), arguments: &[], guards_kernel: true };
        let readable = vec![PathBuf::from("/home/ada/tools"), PathBuf::from("/opt")];
        let named = vec!["~/tools".to_owned(), "/opt".to_owned()];
        let sandbox = |network| Reach::Sandbox {
            network,
            readable: readable.clone(),
            named: named.clone(),
            allow: Vec::new(),
            exposed: BTreeSet::new(),
            image: Option::None,
        };
        assert_eq!(reach(Auto, Network::Open, &strong).unwrap(), sandbox(Network::Open));
        assert_eq!(reach(Bubblewrap, Network::None, &strong).unwrap(), sandbox(Network::None));
        assert_eq!(reach(Bubblewrap, Network::Model, &strong).unwrap(), sandbox(Network::Model));
        assert_eq!(reach(None, Network::Open, &strong).unwrap(), Reach::Everything);
        assert_eq!(reach(Auto, Network::Open, &Containment::Walk).unwrap(), Reach::Everything);
        assert!(reach(Auto, Network::None, &Containment::Walk).is_err());
        assert!(reach(Auto, Network::Model, &Containment::Walk).is_err());
        assert!(reach(Podman, Network::Open, &strong).is_err(), "the machine's files never stand in for an image's");
        let error = reach(Bubblewrap, Network::Open, &Containment::Walk).unwrap_err();
        assert_eq!(error.to_string(), "a sandbox needs bubblewrap, and runs are contained by `walk` here");
    }
}
