//! Where control groups can hold programs to what they may use of the machine, found out by trying.
//!
//! Version 2 of control groups has all controllers in one hierarchy, version 1 each in its own; a machine can have both. Each
//! controller is taken where it is.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::cgroup::{self, Group, Hierarchy, Version};
use crate::model::resources::{Resource, Resources};

/// The period in which processor time is counted, in microseconds: the kernel's own default.
const PERIOD: u64 = 100_000;

/// A part of the kernel that limits or counts something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Controller {
    Memory,
    Pids,
    Cpu,
    /// Counts processor time where the one that limits it does not: version 1.
    Cpuacct,
}

impl Controller {
    const ALL: [Self; 4] = [Self::Memory, Self::Pids, Self::Cpu, Self::Cpuacct];

    fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Pids => "pids",
            Self::Cpu => "cpu",
            Self::Cpuacct => "cpuacct",
        }
    }

    fn limits(self) -> Option<Resource> {
        match self {
            Self::Memory => Some(Resource::Memory),
            Self::Pids => Some(Resource::Processes),
            Self::Cpu => Some(Resource::Processors),
            Self::Cpuacct => None,
        }
    }

    /// The files of a group that limit a program that has so many processes beside its own, with what is written to each in this
    /// order; and whether the limit holds without the file where the kernel does not have it.
    pub(super) fn files(self, version: Version, limits: &Resources, beside: u32) -> Vec<(&'static str, String, bool)> {
        let (needed, not_needed) = (false, true);
        let memory = limits.memory.map(|most| most.bytes().to_string());
        let share = limits.processors.map(|most| u64::from(most.hundredths()) * PERIOD / 100);
        match (self, version, memory, limits.processes, share) {
            (Self::Memory, Version::Two, Some(most), ..) => {
                vec![("memory.max", most, needed), ("memory.swap.max", "0".to_owned(), not_needed)]
            }
            (Self::Memory, Version::One, Some(most), ..) => vec![
                ("memory.swappiness", "0".to_owned(), not_needed),
                ("memory.limit_in_bytes", most.clone(), needed),
                ("memory.memsw.limit_in_bytes", most, not_needed),
            ],
            (Self::Pids, _, _, Some(most), _) => {
                vec![("pids.max", (u64::from(most) + u64::from(beside)).to_string(), needed)]
            }
            (Self::Cpu, Version::Two, .., Some(share)) => vec![("cpu.max", format!("{share} {PERIOD}"), needed)],
            (Self::Cpu, Version::One, .., Some(share)) => {
                vec![("cpu.cfs_period_us", PERIOD.to_string(), needed), ("cpu.cfs_quota_us", share.to_string(), needed)]
            }
            _ => Vec::new(),
        }
    }
}

/// A group in which groups with these controllers are made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Parent {
    pub(super) version: Version,
    pub(super) mount: PathBuf,
    pub(super) folder: PathBuf,
    pub(super) controllers: Vec<Controller>,
}

/// Where programs are held to what they may use of the machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Controllers {
    pub(super) parents: Vec<Parent>,
    pub(super) limits: Resources,
}

/// A limit that was asked for cannot be had here.
#[derive(Debug, thiserror::Error)]
#[error("{} cannot be limited here: {why}", Names(.lacking))]
pub struct LimitError {
    /// What cannot be limited.
    pub lacking: Vec<Resource>,
    /// Why.
    pub why: String,
}

/// The names of resources, as a sentence has them.
struct Names<'a>(&'a [Resource]);

impl fmt::Display for Names<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, resource) in self.0.iter().enumerate() {
            let between = match at {
                0 => "",
                at if at + 1 == self.0.len() => " and ",
                _ => ", ",
            };
            write!(f, "{between}{resource}")?;
        }
        Ok(())
    }
}

impl Controllers {
    /// Where programs can be held to these limits; `None` when there are none.
    ///
    /// Under version 2 this process may be moved into a group of its own, below the one that it was started in.
    ///
    /// # Errors
    /// When one of them cannot be had: it is never left out.
    pub fn probe(limits: &Resources) -> Result<Option<Self>, LimitError> {
        let asked: Vec<Resource> = Resource::ALL.into_iter().filter(|resource| limits.limits(*resource)).collect();
        if asked.is_empty() {
            return Ok(None);
        }
        let failed = |lacking: Vec<Resource>, why| LimitError { lacking, why };
        let hierarchies = cgroup::hierarchies().map_err(|why| failed(asked.clone(), why))?;
        let (mut parents, absent) = placed(&hierarchies);
        let absent: Vec<Resource> = absent.into_iter().filter(|resource| limits.limits(*resource)).collect();
        if !absent.is_empty() {
            let why = if hierarchies.is_empty() {
                "control groups are not mounted".to_owned()
            } else {
                format!("no control group that this program is in has the controller of {}", Names(&absent))
            };
            return Err(failed(absent, why));
        }
        let mut held = Vec::new();
        for mut parent in parents.drain(..) {
            let lacking = |parent: &Parent| -> Vec<Resource> {
                let controlled = parent.controllers.iter().filter_map(|controller| controller.limits());
                controlled.filter(|resource| limits.limits(*resource)).collect()
            };
            cgroup::clear(&parent.folder);
            match parent.enable(limits).and_then(|()| parent.try_out(limits)) {
                Ok(()) => held.push(parent),
                // What only counts is not needed.
                Err(_) if lacking(&parent).is_empty() => {}
                Err(why) => return Err(failed(lacking(&parent), why)),
            }
        }
        Ok(Some(Self { parents: held, limits: *limits }))
    }

    /// What is limited.
    #[must_use]
    pub fn limits(&self) -> &Resources {
        &self.limits
    }

    /// The folders in which limits are kept: who can write there can change them.
    pub fn mounts(&self) -> impl Iterator<Item = &Path> {
        self.parents.iter().map(|parent| parent.mount.as_path())
    }
}

/// The groups in which each controller is found, and the resources whose controllers are not.
fn placed(hierarchies: &[Hierarchy]) -> (Vec<Parent>, Vec<Resource>) {
    let (mut parents, mut absent): (Vec<Parent>, Vec<Resource>) = (Vec::new(), Vec::new());
    for controller in Controller::ALL {
        let has = |hierarchy: &&Hierarchy| hierarchy.controllers.iter().any(|name| name == controller.name());
        let Some(found) = hierarchies.iter().find(has) else {
            absent.extend(controller.limits());
            continue;
        };
        match parents.iter_mut().find(|parent| parent.mount == found.mount) {
            Some(parent) => parent.controllers.push(controller),
            None => parents.push(Parent {
                version: found.version,
                mount: found.mount.clone(),
                folder: found.folder.clone(),
                controllers: vec![controller],
            }),
        }
    }
    (parents, absent)
}

impl Parent {
    /// Lets groups in this one have its controllers. Under version 1 they have them always.
    fn enable(&mut self, limits: &Resources) -> Result<(), String> {
        if self.version == Version::One {
            return Ok(());
        }
        let file = self.folder.join("cgroup.subtree_control");
        let enabled = || fs::read_to_string(&file).unwrap_or_default();
        let is_on =
            |enabled: &str, controller: &Controller| enabled.split(' ').any(|it| it.trim() == controller.name());
        let before = enabled();
        let missing: Vec<Controller> = self.controllers.iter().copied().filter(|it| !is_on(&before, it)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        // Only the first group of all can have processes beside controllers.
        let leaf = self.folder.join("cgroup.type").exists().then(|| self.leave()).transpose()?;
        for controller in missing {
            let written = fs::write(&file, format!("+{}", controller.name()));
            let is_asked = controller.limits().is_some_and(|resource| limits.limits(resource));
            if let Some(error) = written.err().filter(|_| is_asked) {
                if let Some(leaf) = leaf {
                    // Back to where we were: nothing of this attempt stays.
                    let _ = fs::write(self.folder.join("cgroup.procs"), "0");
                    let _ = fs::remove_dir(leaf);
                }
                return Err(match error.kind() {
                    io::ErrorKind::ResourceBusy => {
                        format!("other programs are in the control group `{}` too", self.folder.display())
                    }
                    _ => cannot("write", &file, &error),
                });
            }
        }
        let now = enabled();
        self.controllers.retain(|controller| is_on(&now, controller));
        Ok(())
    }

    /// Moves this process into a group of its own.
    fn leave(&self) -> Result<PathBuf, String> {
        let leaf = self.folder.join(format!("{}{}", cgroup::OWN_LEAF, std::process::id()));
        fs::create_dir(&leaf)
            .or_else(|error| if leaf.is_dir() { Ok(()) } else { Err(error) })
            .map_err(|error| cannot("make", &leaf, &error))?;
        let procs = leaf.join("cgroup.procs");
        fs::write(&procs, "0").map_err(|error| {
            let _ = fs::remove_dir(&leaf);
            cannot("write", &procs, &error)
        })?;
        Ok(leaf)
    }

    /// Makes a group with these limits, and a program in it.
    fn try_out(&self, limits: &Resources) -> Result<(), String> {
        // Two probes in one process must not use the same group.
        let token = format!("probe-{}-{:?}", std::process::id(), std::thread::current().id());
        let token: String = token.chars().filter(|it| it.is_ascii_alphanumeric() || *it == '-').collect();
        let group = Group::create(&self.folder, &token);
        let group = group.map_err(|error| cannot("make a group in", &self.folder, &error))?;
        let tried = self.limit(group.path(), limits, 0).and_then(|()| {
            let command = cgroup::joining([group.path()], None).args(["/bin/sh", "-c", ":"]).output();
            match command {
                Ok(output) if output.status.success() => Ok(()),
                Ok(output) => Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
                Err(error) => Err(error.to_string()),
            }
        });
        let removed = group.remove().map_err(|error| cannot("remove", group.path(), &error));
        tried.and(removed)
    }

    /// Writes the limits of a group in this one, for a program with so many processes beside its own.
    pub(super) fn limit(&self, group: &Path, limits: &Resources, beside: u32) -> Result<(), String> {
        let files = self.controllers.iter().flat_map(|controller| controller.files(self.version, limits, beside));
        for (name, value, can_be_missing) in files {
            let file = group.join(name);
            if !can_be_missing || file.exists() {
                fs::write(&file, value).map_err(|error| cannot("write", &file, &error))?;
            }
        }
        Ok(())
    }
}

fn cannot(what: &str, path: &Path, error: &io::Error) -> String {
    format!("cannot {what} `{}`: {error}", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::resources::Processors;

    fn hierarchy(version: Version, mount: &str, controllers: &[&str]) -> Hierarchy {
        let controllers = controllers.iter().map(|name| (*name).to_owned()).collect();
        Hierarchy { version, mount: mount.into(), folder: format!("{mount}/own").into(), controllers }
    }

    #[test]
    fn each_controller_is_taken_where_it_is_and_what_is_nowhere_is_named() {
        let two = hierarchy(Version::Two, "/two", &["io", "memory", "pids"]);
        let (parents, absent) = placed(std::slice::from_ref(&two));
        assert_eq!(absent, [Resource::Processors]);
        assert_eq!(parents.len(), 1);
        assert_eq!(parents[0].controllers, [Controller::Memory, Controller::Pids]);
        let (parents, absent) = placed(&[hierarchy(Version::One, "/cpu", &["cpu", "cpuacct"]), two]);
        assert_eq!((parents.len(), absent), (2, Vec::new()));
        assert_eq!(parents[1].controllers, [Controller::Cpu, Controller::Cpuacct]);
        let error = Controllers::probe(&Resources::default()).unwrap();
        assert_eq!(error, None, "where nothing is asked for, nothing is needed");
        let error = LimitError { lacking: Resource::ALL.to_vec(), why: "why".to_owned() };
        assert_eq!(error.to_string(), "memory, processes and processor time cannot be limited here: why");
    }

    #[test]
    fn a_limit_is_written_as_each_version_of_the_kernel_has_it() {
        let limits = Resources { memory: "64MiB".parse().ok(), processes: Some(9), processors: Processors::new(1.5) };
        let written = |controller: Controller, version| -> Vec<String> {
            let files = controller.files(version, &limits, 2);
            files.into_iter().map(|(name, value, can_be_missing)| format!("{name}={value} {can_be_missing}")).collect()
        };
        let (memory, pids, cpu) = (Controller::Memory, Controller::Pids, Controller::Cpu);
        assert_eq!(written(memory, Version::Two), ["memory.max=67108864 false", "memory.swap.max=0 true"]);
        let of_one = [
            "memory.swappiness=0 true",
            "memory.limit_in_bytes=67108864 false",
            "memory.memsw.limit_in_bytes=67108864 true",
        ];
        assert_eq!(written(memory, Version::One), of_one);
        assert_eq!(written(pids, Version::Two), ["pids.max=11 false"], "two more for what holds it");
        assert_eq!(written(cpu, Version::Two), ["cpu.max=150000 100000 false"]);
        assert_eq!(written(cpu, Version::One), ["cpu.cfs_period_us=100000 false", "cpu.cfs_quota_us=150000 false"]);
        for controller in Controller::ALL {
            assert!(controller.files(Version::Two, &Resources::default(), 2).is_empty());
        }
    }
}
