//! What people see of a cluster before anything is submitted; alone, because it is asked without an experiment.

use std::collections::BTreeMap;
use std::ffi::OsString;

use crate::engine::backend::slurm::script_for;
use crate::engine::error::EngineError;
use crate::engine::session::create::Options;
use crate::model::ids::{RunId, RunNumber};

/// The scripts that these options would submit, one for each kind of job, with the number of runs that are made so. The folder of the
/// experiment, and the word by which its jobs are known, stand in capitals in them: they are drawn when it begins.
///
/// # Errors
/// When this program has no path from the root.
pub fn scripts(options: &Options, given: &BTreeMap<OsString, OsString>) -> Result<Vec<(usize, String)>, EngineError> {
    let subtests = options.subtests.iter().flat_map(|(tier, all)| all.iter().map(|subtest| (*tier, *subtest)));
    let numbers = 1..=options.runs_per_subtest;
    let runs = subtests.flat_map(|(tier, subtest)| {
        numbers.clone().filter_map(move |number| Some(RunId { tier, subtest, run: RunNumber::new(number)? }))
    });
    script_for((&options.fixture, &options.results_dir), &options.job, runs, given)
}
