//! What one program may use of the machine, with all that it starts: a control group for each controller, joined by its first
//! process before it becomes the program, as in `cgroup`.
//!
//! This is beside the containment, and under each of them the same: where that is a control group of version 2 itself, the
//! limits are written there.

use std::fs;
use std::io::{self, PipeReader, PipeWriter, Read};
use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use super::cgroup::{self, Group, Version};
use super::controllers::{Controller, Parent};
use super::{Hold, SpawnError, Task, table};
use crate::model::resources::ResourceUse;

/// What it is called where it could not be set up.
pub(super) const NAME: &str = "a control group";
/// So many bytes a program lacks at most, of those that it may use, when the kernel ends it for the next one that it asks for.
const MOST_ASKED_AT_ONCE: u64 = 1 << 20;

/// The groups of one program.
pub(super) struct Share {
    parts: Vec<Part>,
    has_memory_limit: bool,
    joined: PipeReader,
    // Kept open, because the pipe has no name other than this descriptor's number.
    joined_end: PipeWriter,
    is_joined: bool,
}

/// One of its groups.
struct Part {
    version: Version,
    controllers: Vec<Controller>,
    group: Group,
    /// Whether it was made here, and not by the containment.
    is_own: bool,
}

impl Share {
    /// The share of a task that is held so; `None` of one without limits.
    pub(super) fn of(task: &Task, hold: &dyn Hold) -> Result<Option<Self>, SpawnError> {
        let Some(controllers) = &task.controllers else { return Ok(None) };
        let failed = |error: &dyn ToString| SpawnError::contain(NAME, &error.to_string());
        let (joined, joined_end) = io::pipe().map_err(|error| failed(&error))?;
        rustix::io::ioctl_fionbio(&joined, true).map_err(|error| failed(&error))?;
        let limits = &controllers.limits;
        let has_memory_limit = limits.memory.is_some();
        let mut share = Self { parts: Vec::new(), has_memory_limit, joined, joined_end, is_joined: false };
        for parent in &controllers.parents {
            let part = Part::make(parent, &task.token, hold).map_err(|error| failed(&error))?;
            // From here on it is removed with the rest, also when it cannot be limited.
            share.parts.push(part);
            let group = share.parts.last().map(|part| part.group.path().to_owned()).unwrap_or_default();
            parent.limit(&group, limits, hold.own_processes()).map_err(|why| failed(&why))?;
        }
        Ok(Some(share))
    }

    fn own(&self) -> impl Iterator<Item = &Group> {
        self.parts.iter().filter(|part| part.is_own).map(|part| &part.group)
    }

    /// The command that joins the groups and then does what this one does.
    pub(super) fn around(&self, command: &Command) -> Command {
        let mut joining = cgroup::joining(self.own().map(Group::path), Some(&self.joined_end));
        joining.arg(command.get_program()).args(command.get_args());
        joining
    }

    /// The groups that were made here.
    pub(super) fn groups(&self) -> Vec<PathBuf> {
        self.own().map(|group| group.path().to_owned()).collect()
    }

    /// Ends what the containment has not seen, and gives how many that were.
    pub(super) fn end(&mut self, deadline: Instant) -> io::Result<u32> {
        let mut joined = [0; 8];
        self.is_joined = self.own().next().is_none() || self.joined.read(&mut joined).is_ok_and(|length| length > 0);
        let mut ended = 0;
        for group in self.own() {
            let members = group.members()?;
            if !members.is_empty() {
                ended += u32::try_from(members.len()).unwrap_or(u32::MAX);
                group.end(deadline)?;
            }
        }
        if ended > 0 {
            table::reap_adopted(0);
        }
        Ok(ended)
    }

    /// Whether the program was started in its groups; known after [`Self::end`].
    pub(super) fn is_joined(&self) -> bool {
        self.is_joined
    }

    /// What was used.
    pub(super) fn used(&self) -> ResourceUse {
        let mut used = ResourceUse::default();
        for part in &self.parts {
            let file = |name: &str| fs::read_to_string(part.group.path().join(name)).ok();
            for controller in &part.controllers {
                part.version.add_use(*controller, &file, &mut used);
            }
        }
        if !self.has_memory_limit {
            used.ended_for_memory = 0;
        }
        used
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        // The kernel keeps a group in which a process is alive.
        self.own().for_each(|group| drop(group.remove()));
    }
}

impl Part {
    fn make(parent: &Parent, token: &str, hold: &dyn Hold) -> io::Result<Self> {
        let of_containment = hold.group().filter(|group| group.parent() == Some(&parent.folder));
        let (version, controllers) = (parent.version, parent.controllers.clone());
        let (group, is_own) = match of_containment.and_then(|group| Group::existing(&group, token)) {
            Some(group) => (group, false),
            None => (Group::create(&parent.folder, token)?, true),
        };
        Ok(Self { version, controllers, group, is_own })
    }
}

impl Version {
    /// Adds what the files of a group tell of one controller. A file that is not there tells nothing.
    fn add_use(self, controller: Controller, file: &dyn Fn(&str) -> Option<String>, used: &mut ResourceUse) {
        let number = |name: &str| file(name)?.trim().parse::<u64>().ok();
        let field = |name: &str, key: &str| {
            let text = file(name)?;
            text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(' ')?.trim().parse::<u64>().ok())
        };
        match (controller, self) {
            (Controller::Memory, Self::Two) => {
                used.peak_memory_bytes = number("memory.peak");
                // Of an outer group's limit, which counts here too, only the outer group says that it was reached.
                let is_ours = field("memory.events.local", "oom").or(field("memory.events", "oom")) > Some(0);
                let killed = field("memory.events", "oom_kill").filter(|_| is_ours);
                used.ended_for_memory = killed.unwrap_or(0);
            }
            (Controller::Memory, Self::One) => {
                used.peak_memory_bytes = number("memory.max_usage_in_bytes");
                // Of an outer group's limit, which counts here too, only the peak tells that it was not this one.
                let most = number("memory.limit_in_bytes").map(|most| most.saturating_sub(MOST_ASKED_AT_ONCE));
                let is_ours = used.peak_memory_bytes >= most;
                let killed = field("memory.oom_control", "oom_kill").filter(|_| is_ours);
                used.ended_for_memory = killed.unwrap_or(0);
            }
            (Controller::Pids, _) => used.refused_processes = field("pids.events", "max").unwrap_or(0),
            (Controller::Cpu, Self::Two) => used.processor_seconds = field("cpu.stat", "usage_usec").map(seconds),
            (Controller::Cpuacct, _) => {
                used.processor_seconds = number("cpuacct.usage").map(|nanoseconds| seconds(nanoseconds / 1000));
            }
            (Controller::Cpu, Self::One) => {}
        }
    }
}

/// Microseconds as seconds.
fn seconds(microseconds: u64) -> f64 {
    std::time::Duration::from_micros(microseconds).as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn used(version: Version, controllers: &[Controller], files: &[(&str, &str)]) -> ResourceUse {
        let mut used = ResourceUse::default();
        let file = |name: &str| files.iter().find(|(known, _)| *known == name).map(|(_, text)| (*text).to_owned());
        for controller in controllers {
            version.add_use(*controller, &file, &mut used);
        }
        used
    }

    #[test]
    fn what_was_used_is_read_from_the_files_of_either_version() {
        let (memory, pids, cpu) = (Controller::Memory, Controller::Pids, Controller::Cpu);
        let two = [
            ("memory.peak", "4096\n"),
            ("memory.events", "low 0\nhigh 0\nmax 7\noom 1\noom_kill 2\noom_group_kill 0\n"),
            ("memory.events.local", "max 7\noom 1\noom_kill 1\n"),
            ("pids.events", "max 3\n"),
            ("cpu.stat", "usage_usec 1500000\nuser_usec 1\n"),
        ];
        let of_two = used(Version::Two, &[memory, pids, cpu], &two);
        let expected = ResourceUse {
            peak_memory_bytes: Some(4096),
            processor_seconds: Some(1.5),
            ended_for_memory: 2,
            refused_processes: 3,
        };
        assert_eq!(of_two, expected);
        let one = [
            ("memory.max_usage_in_bytes", "67108864\n"),
            ("memory.limit_in_bytes", "67108864\n"),
            ("memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n"),
            ("pids.events", "max 3\n"),
            ("cpuacct.usage", "1500000000\n"),
        ];
        let of_one = used(Version::One, &[memory, pids, cpu, Controller::Cpuacct], &one);
        assert_eq!(of_one, ResourceUse { peak_memory_bytes: Some(64 << 20), ..expected });
        assert_eq!(used(Version::Two, &[memory, pids, cpu], &[]), ResourceUse::default());
    }

    #[test]
    fn who_is_ended_because_an_outer_group_is_full_is_not_over_a_limit_of_ours() {
        let outer = [("memory.events", "oom 0\noom_kill 1\n"), ("memory.events.local", "oom 0\noom_kill 1\n")];
        assert_eq!(used(Version::Two, &[Controller::Memory], &outer).ended_for_memory, 0);
        let outer = [
            ("memory.max_usage_in_bytes", "1000000\n"),
            ("memory.limit_in_bytes", "67108864\n"),
            ("memory.oom_control", "oom_kill 1\n"),
        ];
        assert_eq!(used(Version::One, &[Controller::Memory], &outer).ended_for_memory, 0);
    }
}
