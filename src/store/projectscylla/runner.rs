//! Whether ProjectScylla's runner is working on an experiment. It takes no lock, so there are only signs of it.

use jiff::Timestamp;

use crate::model::survey::{Holder, Signs};
use crate::os::files::read_if_readable;
use crate::os::{clock, process};
use crate::store::layout::ExperimentFolder;

use super::layout::PID;

/// Most bytes of a pid file that are read.
const MOST_PID_BYTES: u64 = 64;
/// A runner without a sign for so long is dead. ProjectScylla itself, whose runner updates its heartbeat every 30 s,
/// uses the same limit.
const MOST_SILENCE_SECONDS: i64 = 120;
/// Texts in the command lines of ProjectScylla's programs.
const PROGRAMS: [&str; 7] = [
    "manage_experiment",
    "regenerate_results",
    "rerun_agents",
    "rerun_judges",
    "run_e2e_batch",
    "run_e2e_experiment",
    "scylla.e2e",
];

/// The runner, when there are signs of one: a process with the pid that the folder or the checkpoint names and that
/// looks like a runner, or a checkpoint with the state `running` that was written a moment ago, maybe on another
/// machine. `is_at_home`: whether the checkpoint names this very folder.
pub(super) fn find(
    folder: &ExperimentFolder,
    recorded: Option<u32>,
    last_heartbeat: Option<Timestamp>,
    is_at_home: bool,
) -> Option<Signs> {
    let told = read_if_readable(&folder.pid(), MOST_PID_BYTES);
    let told = told.and_then(|bytes| std::str::from_utf8(&bytes).ok()?.trim().parse().ok());
    if let Some(pid) = [told, recorded].into_iter().flatten().find(|pid| is_runner(*pid)) {
        return Some(signs(Some(pid), None));
    }
    // ProjectScylla records no machine. If the folder still has its recorded path and a process with that pid existed
    // on this machine, the runner was here, and is dead.
    if is_at_home && told.or(recorded).is_some_and(was_here) {
        return None;
    }
    let silence = clock::now().as_second() - last_heartbeat?.as_second();
    (silence.abs() <= MOST_SILENCE_SECONDS).then(|| signs(None, last_heartbeat))
}

/// The signs of a runner: its process, if it is alive on this machine, and the time of its last heartbeat. Its machine
/// and start time are not recorded.
/// machine nor its start.
fn signs(pid: Option<u32>, last_heartbeat: Option<Timestamp>) -> Signs {
    let since = last_heartbeat.map_or_else(|| "its start".to_owned(), |heard| heard.to_string());
    let message = match (pid, last_heartbeat) {
        (Some(pid), _) => format!("process {pid} of ProjectScylla's runner works on it"),
        (None, Some(heard)) => {
            format!("ProjectScylla's runner was heard of at {heard}, and may work on another machine")
        }
        (None, None) => "ProjectScylla's runner works on it".to_owned(),
    };
    let host = if pid.is_some() { "this machine" } else { "another machine" };
    let holder = Holder { pid: pid.unwrap_or(0), host: host.to_owned(), since };
    Signs { holder, place: PID.to_owned(), message }
}

/// Whether a process with this pid was started since the machine's start: pids are given in order.
fn was_here(pid: u32) -> bool {
    process::newest().is_some_and(|newest| pid <= newest)
}

/// Whether the process is a runner, by its program, because pids are reused.
fn is_runner(pid: u32) -> bool {
    let line = i32::try_from(pid).ok().and_then(process::command_line).unwrap_or_default();
    let line = String::from_utf8_lossy(&line);
    PROGRAMS.iter().any(|program| line.contains(program))
}

#[cfg(test)]
mod tests {
    use std::process::{Child, Command};

    use super::*;
    use crate::store::sample;

    fn started(program: &str) -> Child {
        Command::new("sh").args(["-c", "read line", program]).stdin(std::process::Stdio::piped()).spawn().unwrap()
    }

    #[test]
    fn a_runner_is_a_living_process_that_looks_like_one_or_was_heard_a_moment_ago() {
        let sample = sample::experiment();
        let mut runner = started("scripts/manage_experiment.py");
        let mut other = started("other.py");
        let write = |pid: u32| std::fs::write(sample.folder.pid(), format!("{pid}\n")).unwrap();
        write(other.id());
        assert_eq!(find(&sample.folder, None, None, false), None, "the number was used again");
        let expected = Some(signs(Some(runner.id()), None));
        assert_eq!(find(&sample.folder, Some(runner.id()), None, true), expected);
        write(runner.id());
        assert_eq!(find(&sample.folder, None, None, true), expected);
        for child in [&mut runner, &mut other] {
            child.kill().unwrap();
            child.wait().unwrap();
        }
        assert_eq!(find(&sample.folder, Some(runner.id()), None, false), None, "it is dead");
        let now = clock::now();
        assert!(find(&sample.folder, None, Some(now), false).is_some_and(|runner| runner.holder.pid == 0));
        assert_eq!(find(&sample.folder, None, Some(now), true), None, "it was here, and is dead");
        write(u32::MAX);
        assert!(find(&sample.folder, None, Some(now), true).is_some(), "no process of that number was ever here");
        let before = Timestamp::from_second(now.as_second() - 200).unwrap();
        assert_eq!(find(&sample.folder, None, Some(before), false), None);
    }
}
