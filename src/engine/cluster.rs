//! What people see of a cluster before anything is submitted; alone, because it is asked without an experiment.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::time::{Duration, Instant};

use crate::engine::backend::slurm::{clear_jobs, end_jobs, jobs_left, obstacles, resources_of, script_for};
use crate::engine::error::EngineError;
use crate::engine::session::create::Options;
use crate::engine::session::open::{hold, must_be_free};
use crate::model::experiment::Config;
use crate::model::ids::{RunId, RunNumber};
use crate::model::job::BackendChoice;
use crate::model::survey::Holder;
use crate::os::lock::LockError;
use crate::store::jobs::Batch;
use crate::store::layout::ExperimentFolder;
use crate::text::words::whole_duration;

/// The scripts that these options would submit, one for each kind of job, with the number of runs that are made so. The folder of the
/// experiment, and the word by which its jobs are known, stand in capitals in them: they are drawn when it begins.
///
/// # Errors
/// When this program has no path from the root.
pub fn scripts(options: &Options, given: &BTreeMap<OsString, OsString>) -> Result<Vec<(usize, String)>, EngineError> {
    script_for(options, runs(options, options.runs_per_subtest), given)
}

/// As many runs of each planned subtest.
fn runs(options: &Options, of_each: u32) -> impl Iterator<Item = RunId> {
    let subtests = options.subtests.iter().flat_map(|(tier, all)| all.iter().map(|subtest| (*tier, *subtest)));
    subtests.flat_map(move |(tier, subtest)| {
        (1..=of_each).filter_map(move |number| Some(RunId { tier, subtest, run: RunNumber::new(number)? }))
    })
}

/// That jobs are given less time than agents may take, where they are.
#[must_use]
pub fn short_jobs(options: &Options) -> Option<String> {
    if !options.backend.is_some_and(BackendChoice::is_cluster) {
        return None;
    }
    let of = |run| resources_of(&options.fixture, &options.job, run).time_seconds;
    let shortest = runs(options, 1).filter_map(of).min().filter(|shortest| *shortest <= options.timeout_seconds)?;
    let (job, agent) = (whole_duration(shortest), whole_duration(options.timeout_seconds));
    Some(format!(
        "jobs are given {job}, and an agent may take {agent} (`--timeout`): a run whose job is ended is tried again"
    ))
}

/// What keeps runs of these options from being jobs of a cluster, each with what is to be done. Whoever starts the jobs is asked for that,
/// with these variables.
#[must_use]
pub fn unmet(options: &Options, given: &BTreeMap<OsString, OsString>) -> Vec<(String, &'static str)> {
    obstacles(options, runs(options, options.runs_per_subtest), given)
}

/// Whether there may be jobs of an experiment.
#[must_use]
pub fn has_jobs(folder: &ExperimentFolder) -> bool {
    Batch::left(folder).is_ok_and(|left| !left.is_empty())
}

/// Jobs that were asked to end are waited for at most so long: agents have a grace.
const ENDED: Duration = Duration::from_mins(1);
/// Time between two looks at the jobs that are waited for.
const BETWEEN_LOOKS: Duration = Duration::from_secs(1);
/// Whoever holds the experiment for so long goes on with it; others only look, or stop it as well.
const GOES_ON: Duration = Duration::from_secs(10);

/// Stops jobs that no coordinator follows: those that wait do not begin, and those that run are waited for, or with `now` ended. Gives how
/// many are left. `waits` is called with a holder who has to be watched to see whether it is gone. The experiment is not held while they
/// are waited for: whoever goes on with it may.
///
/// # Errors
/// When whoever starts the jobs cannot be asked, a coordinator goes on with the experiment, or the folder cannot be written.
pub fn stop(
    folder: &ExperimentFolder,
    config: &Config,
    now: bool,
    mut waits: impl FnMut(&Holder),
) -> Result<usize, EngineError> {
    while_held(folder, &mut waits, || end_jobs(folder, config, now))?;
    let longest = if now { ENDED } else { Duration::MAX };
    let began = Instant::now();
    let mut held_since = None;
    loop {
        match must_be_free(folder) {
            Ok(()) => held_since = None,
            Err(error) if held_since.get_or_insert_with(Instant::now).elapsed() >= GOES_ON => return Err(error),
            Err(_) => {}
        }
        let (waiting, running) = jobs_left(folder, config)?;
        if held_since.is_none() && waiting > 0 {
            // Slurm has put them back into the queue since.
            if_free(while_held(folder, &mut waits, || end_jobs(folder, config, false)))?;
        }
        if waiting + running == 0 && !has_jobs(folder) {
            // Whoever else stopped them has cleared up.
            return Ok(0);
        }
        if waiting + running == 0 {
            let none_is_left = || match jobs_left(folder, config)? {
                (0, 0) => clear_jobs(folder),
                _ => Ok(()),
            };
            if_free(while_held(folder, &mut waits, none_is_left))?;
            return Ok(0);
        }
        if began.elapsed() >= longest {
            return Ok(waiting + running);
        }
        std::thread::sleep(BETWEEN_LOOKS);
    }
}

/// Does something while the experiment is held.
fn while_held<T>(
    folder: &ExperimentFolder,
    waits: impl FnOnce(&Holder),
    act: impl FnOnce() -> Result<T, EngineError>,
) -> Result<T, EngineError> {
    let _held = hold(folder.clone(), waits)?;
    act()
}

/// The same, where it is no failure that somebody else holds it: that one sees to the jobs.
fn if_free(done: Result<(), EngineError>) -> Result<(), EngineError> {
    match done {
        Err(EngineError::Lock(LockError::Locked(_))) => Ok(()),
        done => done,
    }
}
