//! Combines flags, settings and the fixture into the options of an experiment.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::cli::args::fixture::OverrideFlags;
use crate::cli::args::operation::OperationFlags;
use crate::cli::args::{ConfigFlags, Run};
use crate::cli::beforehand::{asked_as_before, held_at_the_end, unpriced};
use crate::cli::error::CliError;
use crate::cli::locate::Located;
use crate::cli::needs::{keyless, led_nowhere, unrecorded};
use crate::config::fixture::vary::named_by_content;
use crate::config::fixture::{self, Loaded, Overrides};
use crate::config::list;
use crate::engine::cluster;
use crate::engine::session::create::{Options, choose};
use crate::engine::session::recordings;
use crate::model::event::Event;
use crate::model::ids::{SetupId, TierId};
use crate::model::job::BackendChoice;
use crate::model::limits;
use crate::model::sandbox::{Contradiction, Sandbox, SandboxChoice};
use crate::model::task::Fixture;
use crate::model::usage::OwnPrices;
use crate::os::clock;
use crate::setup::alike;
use crate::setup::inherit::Inheritance;
use crate::text::short::first_of;
use crate::text::words::list;

/// Default number of runs of each subtest.
const RUNS: u32 = 10;

/// Most subtests that are named in one sentence.
const MOST_NAMED: usize = 6;

/// The folders that a `run` uses.
#[derive(Debug, Clone)]
pub struct Places {
    /// The fixture's folder.
    pub fixture_dir: PathBuf,
    /// What flags and settings specify for it beside its files.
    pub overrides: Overrides,
    /// The results folder.
    pub results_dir: PathBuf,
    /// The results folders of former versions, when neither a flag nor a setting names a results folder.
    pub former_results: Option<Vec<PathBuf>>,
}

/// The folders from the flags, else from the settings, else the defaults.
///
/// # Errors
/// When nothing names a fixture.
pub fn places(args: &Run, located: &Located, current: &Path) -> Result<Places, CliError> {
    let from_root = |path: &PathBuf| located.root.join(path);
    let typed = |path: &PathBuf| current.join(path);
    let fixture_dir = args
        .fixture
        .as_ref()
        .or(args.tiers_dir.as_ref())
        .map(typed)
        .or_else(|| located.settings.tiers_dir.as_ref().map(from_root))
        .ok_or_else(|| {
            CliError::usage("no fixture is named").hint(
                "name one as in `cargo scylla run DIR`, or set `tiers-dir` in `.config/scylla.toml` or `[workspace.metadata.scylla]`; \
                 `cargo scylla fixture new my-task` writes one",
            )
        })?;
    let results_dir =
        args.results_dir.as_ref().map(typed).or_else(|| located.settings.results_dir.as_ref().map(from_root));
    let former_results = results_dir.is_none().then(|| located.former_results.clone());
    let results_dir = results_dir.unwrap_or_else(|| located.results_dir.clone());
    let judge_models = judge_models(&args.config.judge_model, located);
    let overrides = Overrides { judge_models, ..overrides(&args.overrides, located, current) };
    let fixture_dir = list::folder_of(&fixture_dir).to_owned();
    Ok(Places { fixture_dir, overrides, results_dir, former_results })
}

/// What flags, else settings specify for a fixture beside its files.
#[must_use]
pub fn overrides(args: &OverrideFlags, located: &Located, current: &Path) -> Overrides {
    let settings = &located.settings;
    let typed = args.shared_dir.as_ref().map(|dir| current.join(dir));
    let set = || settings.shared_dir.as_ref().map(|dir| located.root.join(dir));
    Overrides {
        shared_dir: typed.or_else(set),
        agent: args.agent.clone(),
        agent_command: args.agent_command.clone(),
        judge_commands: args.judge_command.clone(),
        default_agent_command: settings.agent_command.clone(),
        default_judge_commands: settings.judge_command.clone().unwrap_or_default(),
        ..Overrides::default()
    }
}

/// The models of judges that flags name, else the settings.
#[must_use]
pub fn judge_models(flags: &[String], located: &Located) -> Vec<String> {
    if flags.is_empty() { located.settings.judge_model.clone().unwrap_or_default() } else { flags.to_vec() }
}

/// The options from the flags, the settings and the fixture.
///
/// # Errors
/// When the fixture does not have a tier that is asked for.
pub fn options(
    args: &Run,
    located: &Located,
    (places, current): (&Places, &Path),
    loaded: Loaded,
) -> Result<Options, CliError> {
    let (flags, settings) = (&args.config, &located.settings);
    let asked = args.tiers.clone().or_else(|| settings.tiers.clone());
    let tiers = match asked {
        Some(tiers) => known_tiers(tiers, &loaded.fixture)?,
        None => loaded.fixture.tiers.keys().copied().collect(),
    };
    let mut loaded = startable(loaded, &tiers)?;
    if let Some(named) = &flags.replay {
        recordings::keep_exchanges(&mut loaded.parts, named, &current.join(named))
            .map_err(|mistake| CliError::mistakes(&[mistake]))?;
    }
    let notes = loaded.notes().map(ToString::to_string).collect();
    let Loaded { fixture, parts, .. } = loaded;
    let max_subtests = args.max_subtests.or(settings.max_subtests);
    let operation = &flags.operation;
    let models = flags.model.clone().map(|model| vec![model]).or_else(|| settings.model.clone());
    let thinking = flags.thinking.as_deref().map(canonical_thinking).or_else(|| settings.thinking.clone());
    Ok(Options {
        subtests: choose(&fixture, &tiers, max_subtests),
        runs_per_subtest: args.runs.or(settings.runs).unwrap_or(RUNS),
        max_subtests,
        models: models.unwrap_or_default(),
        judge_models: judge_models(&flags.judge_model, located),
        thinking_mode: thinking.unwrap_or_else(|| "None".to_owned()),
        timeout_seconds: flags
            .timeout
            .or(settings.timeout)
            .or(fixture.timeout_seconds)
            .or(fixture.limits.timeout_seconds)
            .unwrap_or(limits::AGENT_SECONDS),
        inherit: flags.inherit.or(settings.inherit).unwrap_or_default(),
        sandbox: sandbox(flags, &fixture.sandbox)?,
        image_id: None,
        jobs: operation.jobs.or(settings.jobs).unwrap_or_else(|| usual_jobs(operation.cluster.backend)),
        attempts: operation.attempts.or(settings.attempts).unwrap_or(limits::ATTEMPTS),
        max_cost_usd: operation.max_cost_usd.or(settings.max_cost_usd).or(fixture.limits.max_cost_usd),
        max_time_seconds: operation.max_time.or(settings.max_time),
        allowance: flags.allowance.over(fixture.allowance),
        resources: flags.allowance.resources.over(fixture.resources),
        prices: prices(&fixture, located),
        rate_limit_seconds: operation.max_pause.or(settings.max_pause).unwrap_or(limits::RATE_LIMIT_SECONDS),
        keep_workspaces: operation.keep_workspaces.or(settings.keep_workspaces).unwrap_or_default(),
        containment: operation.containment.or(settings.containment).unwrap_or_default(),
        gateway: operation.gateway,
        hold_seconds: operation.hold,
        record: operation.record,
        backend: operation.cluster.backend,
        job: operation.cluster.resources(),
        replay: flags.replay.clone(),
        work_dir: work_dir(operation, located),
        parts,
        notes,
        results_dir: places.results_dir.clone(),
        fixture,
    })
}

/// Prices that the fixture names, and in their place those of the settings.
pub(super) fn prices(fixture: &Fixture, located: &Located) -> OwnPrices {
    let set = located.settings.prices.clone().unwrap_or_default();
    fixture.prices.clone().into_iter().chain(set).collect()
}

/// The sandbox that flags and fixture ask for together.
fn sandbox(flags: &ConfigFlags, of_fixture: &Sandbox) -> Result<Option<Sandbox>, CliError> {
    let sandbox = Sandbox {
        choice: flags.sandbox.unwrap_or(of_fixture.choice),
        network: flags.network.unwrap_or(of_fixture.network),
        // What a sandbox shows says nothing where there is none.
        readable: if flags.sandbox == Some(SandboxChoice::None) { Vec::new() } else { of_fixture.readable.clone() },
        ..of_fixture.clone()
    };
    let hint = match sandbox.contradiction() {
        None => return Ok(sandbox.asked()),
        Some(Contradiction::Network | Contradiction::Readable) => {
            "add `--sandbox bubblewrap`, or leave `--network` out"
        }
        Some(Contradiction::NoImage | Contradiction::TwoImages) => {
            "name it in `test.yaml`, as in `sandbox: {image: NAME}` or `sandbox: {containerfile: FILE}`"
        }
    };
    Err(CliError::usage(sandbox.contradiction().map(|why| why.to_string()).unwrap_or_default()).hint(hint))
}

/// The folder for work folders, when a flag or a setting names it.
pub(super) fn work_dir(operation: &OperationFlags, located: &Located) -> Option<String> {
    let set = || Some(located.root.join(located.settings.work_dir.as_ref()?).to_string_lossy().into_owned());
    operation.work_dir.clone().or_else(set)
}

/// Notices for a person before an experiment starts.
#[must_use]
pub fn notices(args: &Run, located: &Located, options: &Options) -> Vec<Event> {
    let given = args.config.operation.max_cost_usd.or(located.settings.max_cost_usd);
    let ceiling = options.fixture.limits.max_cost_usd.filter(|_| given.is_none()).map(|ceiling| {
        format!("the fixture's `config.yaml` sets a ceiling of {ceiling}, which no runner before this one read")
    });
    ceiling
        .into_iter()
        .chain(options.notes.clone())
        .chain(held_at_the_end(options))
        .chain(asked_as_before(options))
        .chain(unpriced(options, clock::now()))
        .chain(keyless(options))
        .chain(led_nowhere(options))
        .chain(unrecorded(options))
        .chain(cluster::short_jobs(options))
        .chain(alike(options).iter().map(|group| group_message(group)))
        .map(|message| Event::Notice { message })
        .collect()
}

/// What the planned subtests inherit from each other.
#[must_use]
pub fn inheritance_of(options: &Options) -> Inheritance {
    let planned: BTreeSet<TierId> = options.subtests.keys().copied().collect();
    Inheritance::planned(options.inherit, &options.fixture, &options.subtests, |_| planned.clone())
}

/// Groups of planned subtests that measure the same setup.
#[must_use]
pub fn alike(options: &Options) -> Vec<Vec<SetupId>> {
    let inheritance = inheritance_of(options);
    // The experiment's rule determines what they inherit, whatever they declare.
    let chosen = inheritance.places().map(|place| (place, inheritance.of_subtest(place.0, place.1).to_vec()));
    let tiers = named_by_content(options.fixture.tiers.clone(), &options.parts.dir);
    let groups = alike::groups(&tiers, chosen);
    groups.into_iter().filter(|group| group.len() > 1).collect()
}

fn group_message(group: &[SetupId]) -> String {
    let named = |(tier, subtest): &SetupId| format!("`{tier}/{subtest}`");
    let named: Vec<String> = group.iter().map(named).collect();
    format!("{} compose the same", list(&first_of(&named, MOST_NAMED)))
}

fn known_tiers(tiers: Vec<TierId>, fixture: &Fixture) -> Result<Vec<TierId>, CliError> {
    match tiers.iter().find(|tier| !fixture.tiers.contains_key(tier)) {
        None => Ok(tiers),
        Some(tier) => {
            let has: Vec<String> = fixture.tiers.keys().map(ToString::to_string).collect();
            Err(CliError::usage(format!("the fixture `{}` has no tier `{tier}`", fixture.id))
                .hint(format!("it has {}", has.join(", "))))
        }
    }
}

/// Runs in flight at once where neither flags nor settings say how many.
#[must_use]
pub fn usual_jobs(backend: Option<BackendChoice>) -> u32 {
    if backend.unwrap_or_default().is_cluster() { limits::CLUSTER_JOBS } else { cores() }
}

pub(super) fn cores() -> u32 {
    std::thread::available_parallelism().ok().and_then(|cores| u32::try_from(cores.get()).ok()).unwrap_or(1)
}

pub(super) fn canonical_thinking(typed: &str) -> String {
    let known = crate::config::settings::THINKING;
    known.iter().find(|known| known.eq_ignore_ascii_case(typed)).map_or(typed, |known| known).to_owned()
}

/// A fixture, when each of these tiers can be started.
///
/// # Errors
/// When resources are missing that hold back a whole tier; all of them.
pub fn startable(loaded: Loaded, tiers: &[TierId]) -> Result<Loaded, CliError> {
    loaded.startable(tiers).map_err(|absent| {
        let hint = "put it there, name another folder with `--shared-dir`, or leave its tier out with `--tiers`";
        CliError::mistakes(&absent).or_hint(hint)
    })
}

/// Loads a fixture.
///
/// # Errors
/// When the fixture has mistakes; all of them.
pub fn load(dir: &Path, overrides: &Overrides) -> Result<Loaded, CliError> {
    fixture::load_with(dir, overrides).and_then(recordings::keep).map_err(|mistakes| {
        CliError::mistakes(&mistakes)
            .or_hint("`cargo scylla fixture new my-task` writes a working fixture to compare with")
    })
}
