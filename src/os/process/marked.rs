//! What identifies one process for those who come later, on this machine or on another one.

use serde::{Deserialize, Serialize};

use super::holder::LockHolder;
use super::table;
use crate::os::clock;

/// What identifies a process, beside its pid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessMark {
    /// When it started, in clock ticks since the machine started: pids are reused.
    pub start_time: u64,
    /// The boot id of its machine.
    pub boot_id: String,
    /// The pid namespace that its pid belongs to; empty where the kernel does not report it.
    pub pid_namespace: String,
}

/// What is known from here of a process that somebody named.
#[derive(Debug)]
pub enum Fate {
    /// It lives.
    Lives(LockHolder),
    /// It has ended.
    Ended,
    /// It was started where we cannot look from here.
    Unknown,
}

impl ProcessMark {
    /// That of this process.
    #[must_use]
    pub fn own() -> Self {
        Self {
            start_time: table::own().map_or(0, |own| own.start),
            boot_id: clock::boot_id(),
            pid_namespace: table::pid_namespace(),
        }
    }

    /// What is known of the process with this mark and this pid.
    #[must_use]
    pub fn fate(&self, pid: u32) -> Fate {
        // A machine that was started anew is not told from another one: machines can share their names and ids.
        let is_here = self.boot_id == clock::boot_id() && self.pid_namespace == table::pid_namespace();
        if !is_here || self.start_time == 0 {
            return Fate::Unknown;
        }
        let Ok(pid) = i32::try_from(pid) else { return Fate::Unknown };
        let found = table::one(pid).filter(|found| found.start == self.start_time && !found.ended);
        found.and_then(LockHolder::of).map_or(Fate::Ended, Fate::Lives)
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    fn mark_of(pid: u32) -> ProcessMark {
        let start_time = table::one(i32::try_from(pid).unwrap()).unwrap().start;
        ProcessMark { start_time, ..ProcessMark::own() }
    }

    #[test]
    fn a_process_lives_until_it_has_ended_and_another_one_with_its_number_is_not_it() {
        let mut child = Command::new("sleep").arg("1000").spawn().unwrap();
        let mark = mark_of(child.id());
        assert!(matches!(mark.fate(child.id()), Fate::Lives(found) if found.pid().unsigned_abs() == child.id()));
        let former = ProcessMark { start_time: mark.start_time - 1, ..mark.clone() };
        assert!(matches!(former.fate(child.id()), Fate::Ended));
        child.kill().unwrap();
        // Until it is waited for, its number is still taken.
        while matches!(mark.fate(child.id()), Fate::Lives(_)) {
            std::thread::yield_now();
        }
        child.wait().unwrap();
        assert!(matches!(mark.fate(child.id()), Fate::Ended));
    }

    #[test]
    fn what_cannot_be_looked_at_from_here_is_not_known() {
        let pid = std::process::id();
        let own = ProcessMark::own();
        assert!(matches!(own.fate(pid), Fate::Lives(_)));
        let elsewhere = ProcessMark { boot_id: "x".to_owned(), ..own.clone() };
        let in_a_container = ProcessMark { pid_namespace: "pid:[1]".to_owned(), ..own.clone() };
        for unknown in [elsewhere, in_a_container, ProcessMark { start_time: 0, ..own }] {
            assert!(matches!(unknown.fate(pid), Fate::Unknown), "{unknown:?}");
        }
    }
}
