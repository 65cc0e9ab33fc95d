//! A new experiment: folder, lock, the fixture's copy, the task's repository and the frozen config.

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::Timestamp;

use crate::engine::error::EngineError;
use crate::engine::session::freeze::freeze;
use crate::engine::session::inheritance::{make_own_baselines, mistakes};
use crate::engine::session::open::{Locked, Session, hold};
use crate::engine::session::recordings;
use crate::model::allowance::Allowance;
use crate::model::checkpoint::{CHECKPOINT_VERSION, Checkpoint, CompletedRuns};
use crate::model::exchange::GatewayUse;
use crate::model::experiment::{Config, ContainmentChoice, Extension, Inherit, KeepWorkspaces, MADE_BY};
use crate::model::ids::{SubtestId, TierId};
use crate::model::job::{BackendChoice, JobResources};
use crate::model::limits;
use crate::model::money::Usd;
use crate::model::outcome::ExperimentStatus;
use crate::model::plan::Plan;
use crate::model::resources::Resources;
use crate::model::result::FORMAT_VERSION;
use crate::model::sandbox::Sandbox;
use crate::model::tape::RecordChoice;
use crate::model::task::{Fixture, Parts, Source};
use crate::model::usage::OwnPrices;
use crate::os::{clock, files};
use crate::setup::inherit::Inheritance;
use crate::store;
use crate::store::layout::ExperimentFolder;
use crate::text::url;
use crate::text::words::list;
use crate::workspace::base;

/// What is to be measured, with every default filled in.
#[derive(Debug, Clone)]
pub struct Options {
    /// The fixture, checked.
    pub fixture: Fixture,
    /// The files that its copy consists of.
    pub parts: Parts,
    /// Notes for people about files that are named but not needed.
    pub notes: Vec<String>,
    /// The results folder.
    pub results_dir: PathBuf,
    /// The planned subtests of each tier.
    pub subtests: BTreeMap<TierId, Vec<SubtestId>>,
    /// Runs of each subtest.
    pub runs_per_subtest: u32,
    /// Most subtests of each tier, as asked for.
    pub max_subtests: Option<u32>,
    /// Models for agents.
    pub models: Vec<String>,
    /// Models for judges.
    pub judge_models: Vec<String>,
    /// How much an agent is told to think.
    pub thinking_mode: String,
    /// Wall clock limit of the agent, in seconds.
    pub timeout_seconds: u64,
    /// What the agent of one run may use.
    pub allowance: Allowance,
    /// What an agent or a check may use of the machine.
    pub resources: Resources,
    /// What subtests inherit from winners.
    pub inherit: Inherit,
    /// What agents and checks can reach beside their tree.
    pub sandbox: Option<Sandbox>,
    /// The id of the image that they work in.
    pub image_id: Option<String>,
    /// Runs in flight at once.
    pub jobs: u32,
    /// How many times a run is tried when infrastructure fails.
    pub attempts: u32,
    /// The cost ceiling.
    pub max_cost_usd: Option<Usd>,
    /// How long the experiment may be worked on, in seconds.
    pub max_time_seconds: Option<u64>,
    /// Prices by which costs are estimated, by model.
    pub prices: OwnPrices,
    /// Longest wait for the rate limits of a model in total, in seconds.
    pub rate_limit_seconds: u64,
    /// Which workspaces are kept.
    pub keep_workspaces: KeepWorkspaces,
    /// How the processes of a run are held together.
    pub containment: ContainmentChoice,
    /// What the gateway to models is for, where that is asked for.
    pub gateway: Option<GatewayUse>,
    /// How long the gateway holds a request back at most, in seconds, where that is asked for.
    pub hold_seconds: Option<u64>,
    /// What is kept of what passes through the gateway, where that is asked for.
    pub record: Option<RecordChoice>,
    /// Where workers run; `None` for threads of the coordinator.
    pub backend: Option<BackendChoice>,
    /// What jobs may use, in place of what the fixture asks for.
    pub job: JobResources,
    /// The recorded runs whose answers of models are given again, as they are named.
    pub replay: Option<String>,
    /// The folder in which work folders are made.
    pub work_dir: Option<String>,
}

impl Options {
    /// What the gateway is for: where answers are replayed, every agent must ask there, whatever is asked for.
    #[must_use]
    pub fn gateway_use(&self) -> GatewayUse {
        if self.replay.is_some() { GatewayUse::Require } else { self.gateway.unwrap_or_default() }
    }
}

/// The subtests of the given tiers, at most `most` of each, in order.
#[must_use]
pub fn choose(fixture: &Fixture, tiers: &[TierId], most: Option<u32>) -> BTreeMap<TierId, Vec<SubtestId>> {
    let most = most.map_or(usize::MAX, |most| most as usize);
    tiers
        .iter()
        .filter_map(|tier| Some((*tier, fixture.tiers.get(tier)?.keys().copied().take(most).collect())))
        .collect()
}

/// Makes the folder of a new experiment, complete enough to be resumed from then on.
///
/// # Errors
/// When the folder or the task's repository cannot be made. Then there is no folder.
pub fn create(options: Options) -> Result<Locked, EngineError> {
    store::work::must_be_usable(options.work_dir.as_deref())?;
    let now = clock::now();
    let newest = store::find::newest_start(&options.results_dir)?;
    let folder = ExperimentFolder::create(&options.results_dir, &options.fixture.id, now)?;
    let mut locked = hold(folder, |_| ())?;
    let after = newest.filter(|newest| *newest >= now);
    let furnished = furnish(&locked.folder, options, now).map(|config| Config { created_after: after, ..config });
    match furnished.and_then(|config| begin(&mut locked, &config)) {
        Ok(()) => Ok(locked),
        Err(error) => {
            // If something of it remains, it is recognised as no experiment.
            let _ = files::remove_tree(locked.folder.root());
            Err(error)
        }
    }
}

/// Once the config is there, it is an experiment.
fn begin(locked: &mut Locked, config: &Config) -> Result<(), EngineError> {
    store::config::save(&locked.folder, config)?;
    locked.writer.save(&first_checkpoint(config))?;
    Ok(())
}

/// Makes everything that runs need in a folder that has none of it yet: the fixture's copy, the task's repository and
/// the baselines. The config that it returns is not saved.
///
/// # Errors
/// When the fixture cannot be copied or the task's repository cannot be made.
pub(in crate::engine) fn furnish(
    folder: &ExperimentFolder,
    options: Options,
    now: Timestamp,
) -> Result<Config, EngineError> {
    let copy = folder.fixture();
    files::create_dir_durable(&folder.config_dir()).map_err(store::StoreError::from)?;
    freeze(&options.parts, &copy).map_err(store::StoreError::from)?;
    let repo = folder.repo();
    let task_repo = match &options.fixture.source {
        Source::Folder => "source/".to_owned(),
        Source::Repository { repo, .. } => url::without_credentials(repo),
    };
    // The path of a local repository is relative to the fixture itself, not to its copy.
    let task_commit = base::make_base(&repo, &options.parts.dir, &options.fixture.source)?;
    let fixture_digest = store::evidence::digest_of_tree(&copy).map_err(store::StoreError::from)?;
    let fixture_digest = fixture_digest.ok_or(store::StoreError::NotAnExperiment(copy.clone()))?;
    let config = Config {
        version: FORMAT_VERSION.to_owned(),
        experiment_id: options.fixture.id.clone(),
        name: options.fixture.name.clone(),
        description: options.fixture.description.clone(),
        created_at: now,
        created_after: None,
        created_by: MADE_BY.to_owned(),
        task_repo,
        task_commit,
        task_prompt_file: options.fixture.prompt_file.clone(),
        fixture_digest,
        language: options.fixture.language.clone(),
        models: options.models,
        judge_models: options.judge_models,
        thinking_mode: options.thinking_mode,
        timeout_seconds: options.timeout_seconds,
        no_progress_seconds: options.fixture.no_progress_seconds,
        output_limit_bytes: limits::OUTPUT_BYTES,
        max_run_tokens: options.allowance.tokens,
        max_run_turns: options.allowance.turns,
        max_run_cost_usd: options.allowance.cost,
        max_memory: options.resources.memory,
        max_processes: options.resources.processes,
        max_processors: options.resources.processors,
        environment: options.fixture.environment.clone(),
        inherit: options.inherit,
        sandbox: options.sandbox,
        image_id: options.image_id,
        replay: options.replay,
        subtests: options.subtests,
        runs_per_subtest: options.runs_per_subtest,
        max_subtests: options.max_subtests,
        extensions: Vec::new(),
        jobs: options.jobs,
        attempts: options.attempts,
        max_cost_usd: options.max_cost_usd,
        max_time_seconds: options.max_time_seconds,
        prices: options.prices,
        keep_workspaces: options.keep_workspaces,
        gateway: options.gateway,
        hold_seconds: options.hold_seconds,
        record: options.record,
        backend: options.backend,
        job_cpus: options.job.cpus,
        job_memory: options.job.memory,
        job_seconds: options.job.time_seconds,
        job_partition: options.job.partition,
        job_options: options.job.options,
        containment: options.containment,
        work_dir: options.work_dir,
        grace_seconds: limits::GRACE_SECONDS,
        systemic_failures: limits::SYSTEMIC_FAILURES,
        rate_limit_seconds: options.rate_limit_seconds,
        unknown: serde_json::Map::new(),
    };
    make_own_baselines(folder, &config, &options.fixture)?;
    make_durable(folder)?;
    Ok(config)
}

/// The checkpoint of an experiment in which nothing is done yet.
pub(in crate::engine) fn first_checkpoint(config: &Config) -> Checkpoint {
    Checkpoint {
        version: CHECKPOINT_VERSION.to_owned(),
        experiment_id: config.experiment_id.clone(),
        config_hash: config.hash().into(),
        status: ExperimentStatus::Interrupted,
        completed_runs: CompletedRuns::default(),
        started_at: config.created_at,
        last_updated_at: config.created_at,
        worked_seconds: 0.0,
        rate_limit: None,
        rate_limits: std::collections::BTreeMap::new(),
        rerun: std::collections::BTreeSet::new(),
        graded: std::collections::BTreeMap::new(),
        rerunning: std::collections::BTreeSet::new(),
        failures: std::collections::BTreeMap::new(),
        pid: None,
        host: None,
        unknown: serde_json::Map::new(),
    }
}

/// A committed run needs its fixture as much as its result. The repository is already made durable when it is made.
fn make_durable(folder: &ExperimentFolder) -> Result<(), EngineError> {
    Ok(files::sync_tree(&folder.config_dir()).map_err(store::StoreError::from)?)
}

/// How an experiment is to grow.
#[derive(Debug, Clone, Default)]
pub struct Growth {
    /// Number of runs of each subtest from now on.
    pub runs: Option<u32>,
    /// Tiers to add.
    pub tiers: Vec<TierId>,
    /// Most subtests of each tier from now on.
    pub max_subtests: Option<u32>,
}

/// Records a growth in the config and makes the baselines of new subtests. Committed runs stay what they are.
///
/// # Errors
/// When the growth would shrink the plan, names a tier that the fixture does not have, or cannot be written.
pub fn extend(session: &mut Session, growth: &Growth) -> Result<Plan, EngineError> {
    let Session { locked, config, fixture, checkpoint, .. } = session;
    let known_at = checkpoint.last_updated_at;
    let before = config.plan();
    let missing: Vec<TierId> = growth.tiers.iter().copied().filter(|tier| !fixture.tiers.contains_key(tier)).collect();
    if let Some(tier) = missing.first() {
        let has: Vec<String> = fixture.tiers.keys().map(ToString::to_string).collect();
        return Err(EngineError::Growth(format!("its fixture has no tier `{tier}`; it has {}", list(&has))));
    }
    let runs = growth.runs.unwrap_or(config.runs_per_subtest);
    if runs < config.runs_per_subtest {
        return Err(EngineError::Growth(format!(
            "`--runs {runs}` is less than the {} that are planned; a plan only grows",
            config.runs_per_subtest
        )));
    }
    let most = growth.max_subtests.or(config.max_subtests);
    let mut tiers: Vec<TierId> = config.subtests.keys().copied().collect();
    let added_tiers: Vec<TierId> = growth.tiers.iter().copied().filter(|tier| !tiers.contains(tier)).collect();
    tiers.extend(&added_tiers);
    let chosen = choose(fixture, &tiers, most);
    if let Some((tier, _)) =
        config.subtests.iter().find(|(tier, had)| chosen.get(tier).is_none_or(|has| has.len() < had.len()))
    {
        return Err(EngineError::Growth(format!(
            "`--max-subtests` would take subtests of `{tier}` out of the plan; a plan only grows"
        )));
    }
    config.subtests = chosen;
    config.runs_per_subtest = runs;
    config.max_subtests = most;
    let plan = config.plan();
    if plan == before {
        // The same command may have been stopped before; then what is asked for is planned already.
        return match config.extensions.last() {
            Some(last) if last.repeats(growth.runs, &growth.tiers, growth.max_subtests) => Ok(plan),
            _ => Err(EngineError::Growth("this adds no run to the plan".to_owned())),
        };
    }
    if let Some(why) = config.too_many_runs() {
        return Err(EngineError::Growth(why));
    }
    // Later than everything that was known of the plan before, even if the clock was set back.
    let at = clock::now().max(clock::just_after(known_at));
    config.extensions.push(Extension { at, runs_per_subtest: runs, added_tiers, max_subtests: most });
    let inheritance = Inheritance::of(config, fixture);
    let mistakes = mistakes(fixture, |file| locked.folder.fixture().join(file), &inheritance, &config.thinking_mode);
    let parts = recordings::of_copy(&locked.folder.fixture());
    let unrecorded = recordings::missing(fixture, &parts, &config.subtests, config.runs_per_subtest);
    let unanswered = config.replay.as_deref().map_or_else(Vec::new, |named| {
        let configured = config.models.first().map(String::as_str);
        recordings::unanswered(fixture, &parts, (&config.subtests, config.runs_per_subtest), (named, configured))
    });
    if let Some(mistake) = mistakes.first().or(unrecorded.first()).or(unanswered.first()) {
        return Err(EngineError::Growth(mistake.to_string()));
    }
    make_own_baselines(&locked.folder, config, fixture)?;
    make_durable(&locked.folder)?;
    store::config::save(&locked.folder, config)?;
    Ok(plan)
}
