//! The weakest containment: a process tree that is found by walking the kernel's process table.
//!
//! A process belongs to the tree when its parent does, when its environment holds the tree's token, or when the leader
//! of its group or session was seen in the tree. So a process that leaves its parent, its session *and* its environment
//! before it was ever seen escapes; only a namespace or a control group can hold that one.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::process::{Child, Command};
use std::time::Instant;

use rustix::process::Signal;

use super::table::{self, Process};
use super::{Hold, SpawnError, TOKEN_VARIABLE, Task};

/// How often a table is read again that may not show everything.
const MOST_LOOKS: u32 = 50;

/// The processes of one task.
pub(super) struct Tree {
    /// Pid and start time of the first process; `None` before the start.
    leader: Option<(i32, u64)>,
    token: Vec<u8>,
    /// The session that the leader was started from, which is not part of the tree.
    home: Option<i32>,
    /// Only children of this process can be orphans of the tree; `None`: children of any process.
    adopter: Option<i32>,
    /// Every pid that was seen in the tree.
    seen: BTreeSet<i32>,
    /// Sessions that were created in the tree.
    sessions: BTreeSet<i32>,
    /// Processes that were killed; of a tree of ours, without the leader.
    killed: BTreeSet<(i32, u64)>,
}

impl Tree {
    /// A tree of descendants of this process, which adopts its orphans.
    pub(super) fn new(token: &str) -> io::Result<Self> {
        let us = table::own()?;
        Ok(Self { home: Some(us.session), adopter: Some(us.pid), ..Self::of_another(token, None) })
    }

    /// The tree of a coordinator that is dead. The leader is recognised by this start time.
    pub(super) fn of_another(token: &str, leader: Option<(i32, u64)>) -> Self {
        let leader = leader.filter(|(pid, start)| table::one(*pid).is_some_and(|process| process.start == *start));
        Self {
            leader,
            token: format!("{TOKEN_VARIABLE}={token}").into_bytes(),
            home: leader.and_then(|(pid, _)| table::one(pid)).map(|process| process.session),
            adopter: None,
            seen: leader.iter().map(|(pid, _)| *pid).collect(),
            sessions: BTreeSet::new(),
            killed: BTreeSet::new(),
        }
    }

    /// Every living process of the tree. A table that changed while it was read is read again: a process that ended
    /// meanwhile may have left a child that nothing else ties to the tree.
    pub(super) fn members(&mut self) -> io::Result<Vec<Process>> {
        let mut found = self.look()?;
        for _ in 0..MOST_LOOKS {
            if !found.0.is_empty() || found.1 {
                break;
            }
            found = self.look()?;
        }
        Ok(found.0)
    }

    /// Every living process of the tree in one table, and whether the table can be complete.
    fn look(&mut self) -> io::Result<(Vec<Process>, bool)> {
        let table = table::all()?;
        let numbers: BTreeSet<i32> = table.iter().map(|process| process.pid).collect();
        // Processes from outside of a namespace have parent 0.
        let mut is_whole = table.iter().all(|process| process.parent == 0 || numbers.contains(&process.parent));
        let mut members = BTreeSet::new();
        loop {
            let before = members.len();
            for process in &table {
                match self.is_root(process) {
                    Some(true) => drop(members.insert(process.pid)),
                    Some(false) => {}
                    None => is_whole = false,
                }
            }
            table::add_descendants(&table, &mut members);
            for process in table.iter().filter(|process| members.contains(&process.pid)) {
                self.seen.insert(process.pid);
                let at_home = self.home.is_none_or(|home| home == process.session);
                if !at_home || self.seen.contains(&process.session) {
                    self.sessions.insert(process.session);
                }
            }
            // A session or group seen only now can make another process a member.
            if members.len() == before {
                break;
            }
        }
        let me = rustix::process::getpid().as_raw_pid();
        let living = |process: &Process| members.contains(&process.pid) && !process.ended && process.pid != me;
        Ok((table.into_iter().filter(living).collect(), is_whole))
    }

    /// Whether a process belongs to the tree whatever its parent is; `None` when it has ended since it was seen.
    fn is_root(&self, process: &Process) -> Option<bool> {
        if self.leader == Some((process.pid, process.start))
            || self.seen.contains(&process.group)
            || self.sessions.contains(&process.session)
        {
            return Some(true);
        }
        if process.ended || self.adopter.is_some_and(|adopter| adopter != process.parent) {
            return Some(false);
        }
        table::environment_holds(process.pid, &self.token)
    }

    /// Kills until nothing is left, and gives how many processes that were; of a tree of ours, without the leader.
    pub(super) fn end(&mut self, deadline: Instant) -> io::Result<u32> {
        loop {
            let members = self.members()?;
            if members.is_empty() {
                break;
            }
            self.note(&members);
            table::kill_and_wait(&members, deadline)?;
            if Instant::now() >= deadline {
                return Err(io::ErrorKind::TimedOut.into());
            }
        }
        if let Some((leader, _)) = self.leader {
            table::reap_adopted(leader);
        }
        Ok(u32::try_from(self.killed.len()).unwrap_or(u32::MAX))
    }

    fn note(&mut self, members: &[Process]) {
        let each = members.iter().map(|process| (process.pid, process.start));
        self.killed.extend(each.filter(|process| self.adopter.is_none() || Some(*process) != self.leader));
    }
}

impl Hold for Tree {
    fn command(&self, program: &Path, task: &Task) -> Result<Command, SpawnError> {
        let mut command = Command::new(program);
        command.args(task.argv.iter().skip(1));
        Ok(command)
    }

    fn start(&mut self, command: &mut Command) -> io::Result<Child> {
        let child = command.spawn()?;
        self.leader = table::child(&child).map(|process| (process.pid, process.start));
        self.seen.extend(self.leader.map(|(pid, _)| pid));
        Ok(child)
    }

    fn terminate(&mut self) -> io::Result<()> {
        table::terminate(&self.members()?);
        Ok(())
    }

    fn kill(&mut self) -> io::Result<()> {
        let members = self.members()?;
        self.note(&members);
        table::send(&members, Signal::KILL);
        Ok(())
    }

    fn finish(&mut self, deadline: Instant) -> io::Result<u32> {
        self.end(deadline)
    }

    fn reached(&self) -> bool {
        // The kernel reports a failure at the start already.
        true
    }
}
