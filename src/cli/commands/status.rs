//! `status`: the state of an experiment, also while it runs in another terminal.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;

use crate::cli::args::Status;
use crate::cli::args::output::MessageFormat;
use crate::cli::choose::choose;
use crate::cli::console::Console;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::config;
use crate::engine::cluster;
use crate::engine::session::inheritance::tiers_in_wait;
use crate::engine::session::open::forbids;
use crate::engine::session::progress::Progress;
use crate::engine::worker::excerpt;
use crate::model::checkpoint::Checkpoint;
use crate::model::event::{Event, ExperimentFinished, Missing};
use crate::model::exchanges::{Exchanges, Ledger};
use crate::model::finding::{Finding, Level};
use crate::model::ids::{JudgeNumber, RunId};
use crate::model::job::{BackendChoice, Placement};
use crate::model::outcome::{ExperimentStatus, RunStatus, Stage};
use crate::model::result::AgentResult;
use crate::model::survey::{RunSeen, Survey};
use crate::model::task::Fixture;
use crate::model::usage::Total;
use crate::os::clock::{self, Stopwatch};
use crate::os::lock::is_paused;
use crate::os::terminal::Size;
use crate::rules::audit::audit;
use crate::rules::mend::{Ask, mend};
use crate::store;
use crate::store::jobs::placements;
use crate::store::layout::ExperimentFolder;
use crate::store::stages::RunStore;
use crate::store::survey::{Depth, survey};
use crate::ui::drift::NewestCheck;
use crate::ui::run_limits::RunLimits;
use crate::ui::status::{self, Queued, RunInFlight};

/// How often `--watch` reads the folder.
const WATCH: Duration = Duration::from_secs(2);

/// How often the size of the terminal is checked.
const LOOK: Duration = Duration::from_millis(100);

/// Runs the command.
///
/// # Errors
/// When the folder is not an experiment or cannot be read.
pub fn run(args: &Status, console: &mut Console) -> Result<Exit, CliError> {
    let (folder, name) = choose(&args.experiment, console)?;
    loop {
        let survey = survey(&folder, Depth::Results)?;
        let size = args.watch.then(|| console.drawn_size()).flatten();
        show(&folder, &name, &survey, size, console)?;
        if !args.watch || (survey.holder.is_none() && survey.claimed.is_empty()) {
            return Ok(Exit::Success);
        }
        wait(size, console);
    }
}

/// Waits until the next reading is due, or the terminal has another size.
fn wait(size: Option<Size>, console: &Console) {
    let waited = Stopwatch::start();
    while waited.elapsed() < WATCH && (size.is_none() || console.drawn_size() == size) {
        std::thread::sleep(LOOK);
    }
}

/// Shows the state of an experiment that nobody works on; for machines, as the event that ends a session.
pub(super) fn show_ended(folder: &ExperimentFolder, name: &str, console: &mut Console) -> Result<(), CliError> {
    let survey = survey(folder, Depth::Results)?;
    if console.message_format() == MessageFormat::Human {
        return show(folder, name, &survey, None, console);
    }
    let fixture = config::fixture::load(&folder.fixture()).ok();
    let numbers = Progress::of(survey.plan().unwrap_or_default(), &survey);
    let finished = ExperimentFinished {
        shortfalls: excerpt::explained(folder, numbers.counting(), numbers.shortfalls(fixture.as_ref())),
        ..numbers.finished(name, fixture.as_ref())
    };
    let told = console.reporter().event(clock::now(), &Event::ExperimentFinished(finished));
    console.is_written(told)
}

/// Whether workers are jobs of a cluster.
fn are_jobs(survey: &Survey) -> bool {
    survey.config.content().and_then(|config| config.backend).is_some_and(BackendChoice::is_cluster)
}

/// The runs that wait in a cluster's queue.
fn queued(
    (folder, survey): (&ExperimentFolder, &Survey),
    placed: &BTreeMap<RunId, Placement>,
    in_flight: &[RunInFlight],
) -> Queued {
    let mut queued = Queued::default();
    // What a coordinator wrote that is gone says nothing of now, but that there may be jobs.
    if survey.holder.is_none() {
        return Queued { jobs_left: cluster::has_jobs(folder), ..queued };
    }
    // A run that is put back into the queue while its worker lives is still worked on.
    for (_, placement) in placed.iter().filter(|(run, _)| !in_flight.iter().any(|one| one.run == **run)) {
        if let Placement::Queued { reason, .. } = placement {
            queued.queued += 1;
            if let Some(reason) = reason {
                *queued.queue_reasons.entry(reason.clone()).or_default() += 1;
            }
        }
    }
    queued
}

fn show(
    folder: &ExperimentFolder,
    name: &str,
    survey: &Survey,
    size: Option<Size>,
    console: &mut Console,
) -> Result<(), CliError> {
    let config = survey.config.content();
    // If the fixture cannot be read, only names are missing, not numbers.
    let fixture = config::fixture::load(&folder.fixture()).ok();
    let numbers = Progress::of(survey.plan().unwrap_or_default(), survey);
    let placed = if are_jobs(survey) { placements(folder) } else { BTreeMap::new() };
    let in_flight = in_flight(folder, survey, fixture.as_ref(), &placed);
    let queued = queued((folder, survey), &placed, &in_flight);
    let checkpoint = survey.checkpoint.content();
    let now = clock::now();
    let mut rate_limits = checkpoint.map(Checkpoint::limits).unwrap_or_default();
    rate_limits.retain(|limit| limit.until > now);
    let retry_at = rate_limits.iter().map(|limit| limit.until).min().filter(|_| survey.holder.is_some());
    // A run that may be waiting for a model and that no program works on is not in flight.
    let waits = |run: &RunInFlight| {
        let index = checkpoint.map(|checkpoint| &checkpoint.completed_runs);
        let is_agent_complete = index.and_then(|index| index.get(run.run)) == Some(RunStatus::AgentComplete);
        run.since.is_none() && (retry_at.is_some() || is_agent_complete)
    };
    let in_flight: Vec<RunInFlight> = in_flight.into_iter().filter(|run| !waits(run)).collect();
    let damage = damage(survey, now);
    let missing = missing_beside(&in_flight, &numbers, &damage.stays);
    let mut waiting = config.map(|config| tiers_in_wait(folder, config)).unwrap_or_default();
    waiting.retain(|tier, _| numbers.missing().keys().any(|run| run.tier == *tier));
    let damaged = numbers.damaged();
    let status = match checkpoint.map(|checkpoint| checkpoint.status) {
        // Nothing is called complete unless it is.
        Some(ExperimentStatus::Completed) if !damage.found.is_empty() || !numbers.missing().is_empty() => {
            Some(ExperimentStatus::Interrupted)
        }
        status => status,
    };
    // A folder of checks that cannot be read is found with the damage.
    let judge_check = store::judge_checks::newest(folder).ok().flatten();
    let status = status::Status {
        folder: name,
        experiment_id: survey.experiment_id(),
        status,
        retry_at,
        rate_limits: &rate_limits,
        holder: survey.holder.as_ref(),
        is_paused: survey.holder.as_ref().is_some_and(|holder| is_paused(&folder.lock(), holder)),
        started_at: checkpoint.map(|checkpoint| checkpoint.started_at),
        spent: numbers.spent().total(),
        unknown_in_flight: survey.unknown_in_flight(),
        max_cost_usd: config.and_then(|config| config.max_cost_usd),
        worked_seconds: checkpoint.map_or(0.0, |checkpoint| checkpoint.worked_seconds),
        max_time_seconds: config.and_then(|config| config.max_time_seconds),
        run_limits: config.filter(|_| survey.made_by.is_none()).map(RunLimits::of),
        tiers: &numbers.tiers(),
        setups: &numbers.setups(fixture.as_ref()),
        missing: &missing,
        errored: &numbers.errored(),
        shortfalls: &excerpt::explained(folder, numbers.counting(), numbers.shortfalls(fixture.as_ref())),
        broken_controls: &numbers.broken_controls(fixture.as_ref()),
        judge_check: judge_check.as_ref().map(|check| {
            // A session that starts an agent saves the checkpoint after the check.
            NewestCheck::new(check, checkpoint.is_some_and(|checkpoint| check.at > checkpoint.last_updated_at))
        }),
        damaged: &damaged,
        damage: &damage.found,
        can_be_resumed: !damage.stays.iter().any(|finding| forbids(folder, finding)),
        plan_is_open: survey.plan_is_open(),
        waiting: &waiting,
        remainders: &numbers.remainders(),
        other_version: survey.made_by.as_ref().map(|made_by| made_by.version.as_str()),
        made_by: survey.made_by.as_ref().map(|made_by| made_by.tool.as_str()),
        in_flight: &in_flight,
        queued,
    };
    let (rows, styles) = (console.rows(), console.out_styles());
    match (console.message_format(), size) {
        (MessageFormat::Json, _) => console.print(&status.json()),
        (MessageFormat::Human, Some(size)) => console.draw(&status.frame(now, rows, styles, size)),
        (MessageFormat::Human, None) => console.print(&status.human(now, rows, styles)),
    }
}

/// The damage that the audit, which `verify` shares, finds without reading evidence.
struct Damage {
    found: Vec<Finding>,
    /// Findings that a resume leaves as they are.
    stays: Vec<Finding>,
}

fn damage(survey: &Survey, now: Timestamp) -> Damage {
    let of_damage = |findings: Vec<Finding>| -> Vec<Finding> {
        findings.into_iter().filter(|finding| finding.kind.level() == Level::Damaged).collect()
    };
    Damage { found: of_damage(audit(survey)), stays: of_damage(mend(survey, &Ask::default(), now).kept) }
}

/// Number of planned runs without a result that nobody works on, for each reason. Runs that a resume does not make,
/// because something is damaged, do not count as waiting for one.
fn missing_beside(in_flight: &[RunInFlight], numbers: &Progress, damage: &[Finding]) -> BTreeMap<Missing, usize> {
    let in_flight: BTreeSet<RunId> = in_flight.iter().map(|in_flight| in_flight.run).collect();
    let damaged: BTreeSet<RunId> = damage.iter().filter_map(|finding| finding.run).collect();
    let mut missing = BTreeMap::new();
    for (run, why) in numbers.missing().iter().filter(|(run, _)| !in_flight.contains(run)) {
        let why = if damaged.contains(run) { Missing::Damaged } else { *why };
        *missing.entry(why).or_default() += 1;
    }
    missing
}

/// What the agent of a run has used so far: as its result says, or as the gateway has written down while it works.
fn used(store: &RunStore, agent: Option<&AgentResult>) -> (Option<u64>, Total) {
    if let Some(agent) = agent {
        return (agent.usage.tokens.total(), agent.usage.cost.into());
    }
    // What cannot be read is told when the agent is done.
    let ledger = store.asked_so_far().ok();
    let asked = ledger.as_ref().and_then(Ledger::read).filter(|asked| !asked.all.is_empty());
    asked.map(Exchanges::sum).map_or((None, Total::UNKNOWN), |sum| (sum.tokens.total().or(Some(0)), sum.cost))
}

/// Runs with a folder and without a result that somebody works on, with their present stage.
fn in_flight(
    folder: &ExperimentFolder,
    survey: &Survey,
    fixture: Option<&Fixture>,
    placed: &BTreeMap<RunId, Placement>,
) -> Vec<RunInFlight> {
    let is_ours = survey.made_by.is_none();
    let begun = survey
        .runs
        .iter()
        .filter(|_| is_ours)
        .filter(|(_, seen)| matches!(seen, RunSeen::Unfinished { .. }))
        .map(|(run, _)| *run);
    let are_jobs = are_jobs(survey);
    let is_worked_on = |run: &RunId| {
        survey.claimed.contains_key(run)
            || match placed.get(run) {
                Some(Placement::Running { .. }) => survey.holder.is_some(),
                Some(Placement::Queued { .. }) => false,
                // What is no job works as long as its coordinator does.
                None => survey.holder.is_some() && !are_jobs,
            }
    };
    begun
        .filter(is_worked_on)
        .filter_map(|run| {
            let progress = RunStore::new(folder, run).progress().ok()?;
            let next_judge = JudgeNumber(u32::try_from(progress.judgments.len()).ok()? + 1);
            let (stage, judge) = match (&progress.agent, progress.patch, &progress.checks) {
                (None, ..) => (Stage::Agent, None),
                (Some(_), false, _) => (Stage::Capture, None),
                (Some(_), true, None) => (Stage::Checks, None),
                (Some(_), true, Some(_)) => (Stage::Judge, Some(next_judge)),
            };
            let since = std::fs::symlink_metadata(folder.run(run).mark()).and_then(|mark| mark.modified()).ok();
            let since = since.and_then(|since| since.try_into().ok());
            let setup = fixture.and_then(|fixture| fixture.tiers.get(&run.tier)?.get(&run.subtest));
            let (tokens, cost) = used(&RunStore::new(folder, run), progress.agent.as_ref());
            let name = setup.map(|setup| setup.name.clone());
            let (node, job) = match placed.get(&run) {
                Some(Placement::Running { node, job }) => (Some(node.clone()), job.clone()),
                Some(Placement::Queued { .. }) | None => (None, None),
            };
            Some(RunInFlight { run, stage, judge, name, node, job, since, tokens, cost })
        })
        .collect()
}
