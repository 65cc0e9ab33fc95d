//! What is submitted: which runs in which batch, with what they may use, and the variables that workers are given.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::path::Path;

use crate::engine::error::EngineError;
use crate::engine::session::basis::Basis;
use crate::engine::session::create::Options;
use crate::model::digest::Digest;
use crate::model::experiment::Config;
use crate::model::ids::RunId;
use crate::model::job::JobResources;
use crate::model::task::Fixture;
use crate::os::files::Identity;
use crate::os::{environment, program};
use crate::store::jobs::{Batch, batch_token};
use crate::store::layout::ExperimentFolder;
use crate::text::escape;
use crate::text::words::list;

use super::cluster::{Cluster, PROGRAMS, Refusal};
use super::script::{Frame, OfBatch, is_ours, script, unfit};
use super::unusable;

/// So many kinds of jobs are tried before an experiment is made.
const MOST_KINDS_TRIED: usize = 8;
/// Letters of an experiment's word in the names of its jobs.
const NAME_LETTERS: usize = 12;
/// Variables of this machine that say nothing of another one.
const OF_THIS_MACHINE: [&str; 2] = ["TMPDIR", "XDG_RUNTIME_DIR"];
/// Variables by which models are reached through a proxy.
const PROXIES: [&str; 8] =
    ["ALL_PROXY", "all_proxy", "HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "NO_PROXY", "no_proxy"];

impl Frame {
    /// What all batches of an experiment have in common.
    ///
    /// # Errors
    /// When this program or the folder has no path from the root, or one that no script can hold.
    pub(super) fn of(
        folder: &ExperimentFolder,
        config: &Config,
        given: &BTreeMap<OsString, OsString>,
    ) -> Result<Self, EngineError> {
        let token = batch_token(folder)?;
        let root = std::path::absolute(folder.root()).map_err(|error| no_path(&error))?;
        must_fit(&root)?;
        // A copy of the experiment has the same word, and must not be taken for it.
        let place = std::fs::canonicalize(&root).unwrap_or_else(|_| root.clone());
        let own = Digest::of(format!("{token}\0{}", place.display()).as_bytes()).to_string();
        let own: String = own.chars().rev().take(NAME_LETTERS).collect();
        let former = former_name(folder, &place)?;
        Ok(Self {
            folder: root,
            program: program::own().map_err(|error| no_path(&error))?,
            name: former.unwrap_or_else(|| format!("{}-{own}", config.experiment_id)),
            path: path_of(given),
            uses_scratch: config.work_dir.is_none(),
        })
    }
}

/// The name of jobs that are left of this very folder, by whichever path it was reached when they were submitted.
fn former_name(folder: &ExperimentFolder, place: &Path) -> Result<Option<String>, EngineError> {
    let Ok(Some(own)) = Identity::of(place) else { return Ok(None) };
    for batch in Batch::left(folder)? {
        if let Some((name, at)) = batch.written_for()?
            && let Ok(at) = at.canonicalize()
            && matches!(Identity::of(&at), Ok(Some(found)) if found.is_same(&own))
        {
            return Ok(Some(name));
        }
    }
    Ok(None)
}

fn path_of(given: &BTreeMap<OsString, OsString>) -> String {
    given.get(OsStr::new("PATH")).map(|path| path.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Refuses a folder whose path cannot be written into a script.
fn must_fit(folder: &Path) -> Result<(), EngineError> {
    unfit_in_words(folder)
        .map_or(Ok(()), |why| Err(EngineError::Cluster { why, cure: "move the experiment to another folder" }))
}

fn unfit_in_words(folder: &Path) -> Option<String> {
    unfit(folder).map(|why| format!("`{}` has {why}", escape::terminal(&folder.display().to_string())))
}

/// What keeps runs from being jobs, each with what is to be done.
pub(in crate::engine) fn obstacles(
    options: &Options,
    runs: impl IntoIterator<Item = RunId>,
    given: &BTreeMap<OsString, OsString>,
) -> Vec<(String, &'static str)> {
    let path = given.get(OsStr::new("PATH")).map(OsString::as_os_str);
    let absent = PROGRAMS.into_iter().filter(|name| !program::is_found(name.as_ref(), path));
    let absent: Vec<String> = absent.map(|name| format!("`{name}`")).collect();
    if !absent.is_empty() {
        let why = format!("`--backend slurm` needs {}, which are not in `PATH`", list(&absent));
        return vec![(why, "type the command where you type `sbatch`, or leave `--backend slurm` out")];
    }
    let place = std::path::absolute(&options.results_dir).unwrap_or_else(|_| options.results_dir.clone());
    let unfit = unfit_in_words(&place).map(|why| (why, "`--results-dir` names another place"));
    let found: Vec<(String, &'static str)> =
        unfit.into_iter().chain(not_yours(&options.fixture, &options.job)).collect();
    if !found.is_empty() {
        return found;
    }
    let cluster = Cluster { place: Path::new(".").to_owned() };
    if let Err(refusal) = cluster.most_in_array() {
        let why = format!("Slurm cannot be asked ({})", refusal.words());
        return vec![(why, "load what your cluster needs, or set `SLURM_CONF`")];
    }
    // Asked about a few kinds of jobs; the others are asked about when they are submitted.
    let scripts = script_for(options, runs, given).unwrap_or_default();
    let refused = scripts.iter().take(MOST_KINDS_TRIED).filter_map(|(_, script)| cluster.would_take(script).err());
    let refused = refused.filter(|refusal| matches!(refusal, Refusal::Final(_)));
    let mut refused: Vec<String> =
        refused.map(|refusal| format!("Slurm refuses such jobs ({})", refusal.words())).collect();
    refused.dedup();
    refused.into_iter().map(|why| (why, "ask for other resources by `--partition`, `--cpus`, `--mem`, `--time` and `--sbatch`, or in the fixture")).collect()
}

/// Options that are asked for and set here.
fn not_yours(fixture: &Fixture, asked: &JobResources) -> Vec<(String, &'static str)> {
    let of_subtests = fixture.tiers.values().flat_map(BTreeMap::values).map(|subtest| &subtest.cluster);
    let all = [asked, &fixture.cluster.all].into_iter().chain(fixture.cluster.tiers.values()).chain(of_subtests);
    let options: BTreeSet<&String> = all.flat_map(|resources| &resources.options).collect();
    let ours = options.into_iter().filter_map(|option| {
        let ours = is_ours(option)?;
        Some((
            format!("`{}` is not yours to set: `--{ours}` is set for each job", escape::terminal(option)),
            "leave it out",
        ))
    });
    ours.collect()
}

/// The system does not say where something is.
fn no_path(error: &std::io::Error) -> EngineError {
    unusable(format!("the path from the root is not known: {error}"))
}

/// What the job of a run may use: what flags ask for, else its subtest, else its tier, else the fixture.
pub(in crate::engine) fn resources_of(fixture: &Fixture, asked: &JobResources, run: RunId) -> JobResources {
    let subtest = fixture.tiers.get(&run.tier).and_then(|tier| tier.get(&run.subtest));
    let own = subtest.map(|subtest| subtest.cluster.clone()).unwrap_or_default();
    let of_tier = fixture.cluster.tiers.get(&run.tier).cloned().unwrap_or_default();
    asked.over(&own.over(&of_tier.over(&fixture.cluster.all)))
}

/// The variables that workers are given: the standard ones that do not name places of this machine, and those that agents and judges of
/// the experiment are given.
pub(super) fn variables(basis: &Basis, given: &BTreeMap<OsString, OsString>) -> BTreeMap<String, String> {
    let agents = basis.fixture.tiers.values().flat_map(BTreeMap::values).map(|subtest| &subtest.agent);
    let of_agents = agents.flat_map(|agent| basis.fixture.variables_given_to(agent));
    let judges = basis.fixture.judges.iter().chain(&basis.grader.fixture.judges);
    let of_judges = judges.flat_map(|judge| judge.needed_variables()).map(str::to_owned);
    let named: BTreeSet<String> = of_agents
        .chain(of_judges)
        .chain(basis.config.environment.iter().cloned())
        .chain(PROXIES.map(str::to_owned))
        .collect();
    let named: Vec<String> = named.into_iter().collect();
    environment::allowed(given, &named)
        .into_iter()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .filter(|(name, _)| named.contains(name) || !OF_THIS_MACHINE.contains(&name.as_str()))
        .collect()
}

/// The scripts that runs would submit, one for each kind of job, with the number of runs that are made so.
///
/// # Errors
/// When this program has no path from the root.
pub(in crate::engine) fn script_for(
    options: &Options,
    runs: impl IntoIterator<Item = RunId>,
    given: &BTreeMap<OsString, OsString>,
) -> Result<Vec<(usize, String)>, EngineError> {
    let mut kinds: Vec<(JobResources, usize)> = Vec::new();
    for run in runs {
        let resources = resources_of(&options.fixture, &options.job, run);
        match kinds.iter_mut().find(|(kind, _)| *kind == resources) {
            Some((_, count)) => *count += 1,
            None => kinds.push((resources, 1)),
        }
    }
    let folder = std::path::absolute(&options.results_dir).map_err(|error| no_path(&error))?.join("EXPERIMENT");
    let frame = Frame {
        folder: folder.clone(),
        program: program::own().map_err(|error| no_path(&error))?,
        name: format!("{}-TOKEN", options.fixture.id),
        path: path_of(given),
        uses_scratch: options.work_dir.is_none(),
    };
    let place = folder.join(".jobs/batches/0001");
    let comment = format!("{}:1", frame.name);
    let scripts = kinds.into_iter().map(|(resources, jobs)| {
        let tasks = place.join("tasks");
        let (variables, stopped) = (folder.join(".jobs/variables.json"), folder.join(".jobs/stopped"));
        let (tasks, variables, stopped) = (tasks.as_path(), variables.as_path(), stopped.as_path());
        let batch =
            OfBatch { jobs, place: &place, tasks, variables, stopped, comment: &comment, resources: &resources };
        (jobs, script(&frame, batch))
    });
    Ok(scripts.collect())
}
