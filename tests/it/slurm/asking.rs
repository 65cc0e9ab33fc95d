//! What a cluster says of itself by Slurm's own programs, and what of it is alive.

use std::fs;

use super::cluster::Cluster;
use super::{processes, there};
use crate::scenes::output;
use crate::world::{Output, wait_until};

impl Cluster {
    /// What a program of Slurm says, which must work.
    #[track_caller]
    pub(crate) fn tool(&self, program: &str, arguments: &[&str]) -> String {
        self.try_tool(program, arguments).exits(0).stdout
    }

    /// What a program of Slurm says and how it ends.
    #[track_caller]
    pub(crate) fn try_tool(&self, program: &str, arguments: &[&str]) -> Output {
        let mut command = self.inside(&there::program(program).unwrap());
        output(self.bare(&mut command).args(arguments))
    }

    /// A line for each job and task of an array that waits or runs, sorted.
    #[track_caller]
    pub(crate) fn squeue(&self, format: &str) -> Vec<String> {
        let mut lines: Vec<String> =
            self.tool("squeue", &["-h", "-r", "-o", format]).lines().map(|line| line.trim().to_owned()).collect();
        lines.sort();
        lines
    }

    #[track_caller]
    pub(crate) fn scontrol(&self, arguments: &[&str]) -> String {
        self.tool("scontrol", arguments)
    }

    /// A line for each node in this format, by name.
    #[track_caller]
    pub(crate) fn sinfo(&self, format: &str) -> Vec<String> {
        let lines = self.tool("sinfo", &["-h", "-N", "-p", "main", "-o", format]);
        lines.lines().map(|line| line.trim().to_owned()).collect()
    }

    /// Waits until a node has this state, such as `idle` or `down*`: the star says that it does not answer.
    #[track_caller]
    pub(crate) fn wait_for_node(&self, node: u8, state: &str) {
        let wanted = format!("n{node} {state}");
        wait_until(&wanted, || self.sinfo("%N %t").contains(&wanted));
    }

    /// Waits until nothing waits or runs, and no process of a job is alive.
    #[track_caller]
    pub(crate) fn wait_for_rest(&self) {
        wait_until("no job is left", || self.squeue("%i %T").is_empty());
        wait_until("no process of a job is left", || self.processes().is_empty());
    }

    /// Waits until slurmctld has saved all that it knows of jobs now, of which one at least runs: it does so some seconds after a
    /// change, and of what changes later it may know nothing once it was killed.
    #[track_caller]
    pub(crate) fn wait_for_saved_state(&self) {
        let (running, mark) = (self.tool("squeue", &["-h", "-r", "-t", "R", "-o", "%i"]), "known when it was saved");
        let job = running.lines().next().unwrap().trim();
        self.scontrol(&["update", &format!("jobid={job}"), &format!("admincomment={mark}")]);
        wait_until("the jobs are saved", || {
            let saved = fs::read(self.folder.join("state/job_state")).unwrap_or_default();
            String::from_utf8_lossy(&saved).contains(mark)
        });
    }

    /// Every process that is alive and belongs to a job of this cluster: steps, scripts, and all that they started.
    pub(crate) fn processes(&self) -> Vec<i32> {
        processes::of_jobs(&self.world, &self.folder.join("slurm.conf"), &self.children())
    }

    /// What a daemon wrote into its log.
    pub(crate) fn log(&self, name: &str) -> String {
        fs::read_to_string(self.folder.join("log").join(name)).unwrap_or_default()
    }
}
