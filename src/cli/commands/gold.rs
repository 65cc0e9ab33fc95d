//! Judges against gold examples: whether the examples apply, and what each judge gives them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use crate::agent;
use crate::cli::commands::image;
use crate::cli::commands::session::{session_options, surroundings};
use crate::cli::commands::task_tree::TaskTree;
use crate::cli::commands::trial::{InPlaceOf, copy_with, of_kind, trial_options};
use crate::cli::console::Console;
use crate::cli::error::{CliError, On as _};
use crate::cli::exit::Exit;
use crate::cli::prelude::Prelude;
use crate::config::fixture::{self, Loaded, Overrides};
use crate::config::mistake::Mistake;
use crate::engine::coordinator;
use crate::engine::session::create::{Options, create};
use crate::engine::session::freeze::freeze;
use crate::engine::session::open::begin;
use crate::model::digest::Digest;
use crate::model::event::Event;
use crate::model::experiment::ContainmentChoice;
use crate::model::gold::{CheckedJudge, Deserved, GoldExample, JudgeCheck};
use crate::model::ids::{RunId, RunNumber, SubtestId, TierId};
use crate::model::judge::Judge;
use crate::model::limits::MOST_FIXTURE_FILE_BYTES;
use crate::model::money::Usd;
use crate::model::outcome::{ExperimentEnd, Failure, RunStatus, StopSignal};
use crate::model::result::Judgment;
use crate::model::task::Fixture;
use crate::model::usage::{OwnPrices, Total};
use crate::os::clock;
use crate::os::files::{self, FileError};
use crate::os::signal::{self, Listening};
use crate::stats::drift::{self, Answered};
use crate::store::layout::ExperimentFolder;
use crate::store::stages::RunStore;
use crate::text::words::moment;

/// Where the copy of a fixture has the patches of its examples, each as a file.
const PATCHES: &str = "expected/patches";
/// Why a judge gave no answer whose budget was used up.
pub(super) const OVER_CEILING: &str = "it was not asked, as `--max-cost-usd` was reached";

/// How judges are checked.
#[derive(Debug, Clone)]
pub(super) struct Conditions {
    /// How often each judge is asked about each example.
    pub(super) repeat: u32,
    /// The largest drift that is allowed.
    pub(super) max_drift: f64,
    /// How many answers are waited for at once.
    pub(super) jobs: u32,
    /// How often a judge is tried that fails.
    pub(super) attempts: u32,
    /// Models for judges.
    pub(super) judge_models: Vec<String>,
    /// Prices by which costs are estimated.
    pub(super) prices: OwnPrices,
    /// What all answers may cost together.
    pub(super) max_cost: Option<Usd>,
    /// How long each judge may wait for the rate limits of its model in total, in seconds.
    pub(super) max_pause: u64,
    /// How processes are held together.
    pub(super) containment: ContainmentChoice,
    /// The folder in which work folders are made.
    pub(super) work_dir: Option<String>,
}

/// The examples whose patches do not apply to the task's tree, if that can be made without a network.
///
/// # Errors
/// When the tree cannot be made.
pub(super) fn not_applying(dir: &Path, fixture: &Fixture) -> Result<Vec<Mistake>, CliError> {
    if fixture.gold.is_empty() {
        return Ok(Vec::new());
    }
    let Some(task) = TaskTree::of(dir, fixture)? else { return Ok(Vec::new()) };
    let mut mistakes = Vec::new();
    for gold in fixture.gold.iter().filter(|gold| !gold.patch.is_empty()) {
        let tree = task.tree(&format!("tree-{}", gold.name))?;
        let patch = match &gold.patch_file {
            Some(file) => dir.join(file),
            None => task.file(&format!("{}.patch", gold.name), &gold.patch)?,
        };
        // A patch that stands in the example is mended there.
        let file = dir.join(gold.patch_file.as_ref().unwrap_or(&gold.file));
        mistakes.extend(task.mistake_of(&patch, &tree).map(|mistake| Mistake { file, ..mistake }));
    }
    Ok(mistakes)
}

/// Asks every judge about every example, each in a fresh tree as in a real grading. Gives a prelude for what follows.
///
/// # Errors
/// When a tree cannot be made, what is needed for a session is missing, or a stop is asked for.
pub(super) fn check(
    loaded: &Loaded,
    conditions: &Conditions,
    prelude: Prelude,
    console: &mut Console,
) -> Result<(JudgeCheck, Prelude), CliError> {
    let stop = Stop::begin(prelude)?;
    let fixture = &loaded.fixture;
    let mut judges = Vec::new();
    for (place, judge) in fixture.judges.iter().enumerate() {
        let so_far: Total = judges.iter().map(|judge: &CheckedJudge| judge.cost).sum();
        let left = conditions.max_cost.map(|most| most.saturating_sub(so_far.known));
        judges.push(check_judge(loaded, (place, judge), (conditions, left), &stop, console)?);
        stop.is_asked()?;
    }
    let check = JudgeCheck {
        fixture: fixture.id.clone(),
        at: clock::now(),
        repeat: conditions.repeat,
        max_drift: conditions.max_drift,
        gold: fixture.gold.iter().map(|gold| deserved(loaded, gold)).collect::<Result<_, _>>()?,
        judges,
    };
    let after = Prelude::begin(console)?;
    stop.is_asked()?;
    Ok((check, after))
}

/// Keeps a stop that is asked for while no session listens.
struct Stop {
    asked: Arc<Mutex<Option<StopSignal>>>,
    _listening: Listening,
}

impl Stop {
    /// Begins where the prelude ends.
    fn begin(prelude: Prelude) -> Result<Self, CliError> {
        let asked = Arc::new(Mutex::new(None));
        let kept = Arc::clone(&asked);
        let keep = move |signal| *kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(signal);
        let listening = signal::listen(keep).map_err(CliError::internal)?;
        drop(prelude.into_listening());
        Ok(Self { asked, _listening: listening })
    }

    /// Ends the check when a stop was asked for.
    fn is_asked(&self) -> Result<(), CliError> {
        let asked = *self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.map_or(Ok(()), |signal| Err(stopped(signal)))
    }
}

fn stopped(signal: StopSignal) -> CliError {
    CliError { exit: Exit::stopped(signal), ..CliError::usage("stopped before all judges were checked") }
}

fn deserved(loaded: &Loaded, gold: &GoldExample) -> Result<Deserved, CliError> {
    let mut digests = BTreeMap::new();
    for file in std::iter::once(&gold.file).chain(&gold.patch_file) {
        let path = loaded.parts.dir.join(file);
        let bytes = files::read_if_readable(&path, MOST_FIXTURE_FILE_BYTES);
        let bytes = bytes.ok_or_else(|| CliError::usage(format!("`{}` cannot be read any more", path.display())))?;
        digests.insert(file.clone(), Digest::of(&bytes));
    }
    Ok(Deserved {
        name: gold.name.clone(),
        note: gold.note.clone(),
        score: gold.score,
        passed: gold.score >= loaded.fixture.rubric.pass_threshold,
        items: gold.items.clone(),
        files: digests,
    })
}

/// Makes an experiment of this judge alone, with a setup for each example, and removes it: so no judge is left out because another
/// one failed.
fn check_judge(
    loaded: &Loaded,
    (place, judge): (usize, &Judge),
    (conditions, max_cost): (&Conditions, Option<Usd>),
    stop: &Stop,
    console: &mut Console,
) -> Result<CheckedJudge, CliError> {
    let fixture = &loaded.fixture;
    let name = format!("the check of the judge `{}`", judge.name());
    let folder = files::TemporaryFolder::new("cargo-scylla-")?;
    let (options, tier) = options(loaded, place, conditions, folder.path())?;
    let options = Options { max_cost_usd: max_cost, ..options };
    let session = begin(create(options).on(&name)?).on(&name)?;
    let experiment = session.locked.folder.clone();
    let image = image::of_session(&session, &name, console)?;
    let surroundings = surroundings(&session.config, image, &name)?;
    let mut failures: BTreeMap<RunId, Failure> = BTreeMap::new();
    let mut report = |_, event: Option<&Event>| {
        let line = match event {
            Some(Event::RateLimited { model, until }) => {
                format!("`{model}` is not asked until {}: a rate limit of its provider", moment(*until))
            }
            Some(Event::RunErrored { run, failure, .. }) => {
                failures.insert(*run, failure.clone());
                asked(fixture, judge, *run, "gave no answer")
            }
            Some(Event::RunCommitted(committed)) => {
                let word = if committed.status == RunStatus::Passed { "passed it" } else { "did not pass it" };
                asked(fixture, judge, committed.run, word)
            }
            _ => return,
        };
        // Even if the message is suppressed or cannot be written, the result follows.
        let _ = console.say(&line);
    };
    let session_options = session_options(surroundings, &name, Vec::new(), None);
    stop.is_asked()?;
    let beside = signal::listen(|_| {}).map_err(CliError::internal)?;
    let finished = coordinator::conduct(session, session_options, beside, &mut report).on(&name)?;
    if let ExperimentEnd::Stopped { signal } = finished.end {
        return Err(stopped(signal));
    }
    // After the same failure of many, the others are not tried.
    let of_all = failures.values().next_back().cloned();
    let copy = InPlaceOf { copy: &experiment.fixture(), fixture: &loaded.parts.dir };
    let mut examples = Vec::new();
    for (number, gold) in (0..).zip(&fixture.gold) {
        let mut answered = Answered::default();
        for run in (1..=conditions.repeat).filter_map(RunNumber::new) {
            let run = RunId { tier, subtest: SubtestId(number), run };
            let judgment = answer(&experiment, run)?;
            if judgment.is_none() {
                let why = failures.get(&run).or(of_all.as_ref()).map(|failure| copy.sentence(failure));
                let not_asked = match finished.end {
                    ExperimentEnd::BudgetReached => OVER_CEILING,
                    ExperimentEnd::RateLimited => "its provider asks to wait longer than `--max-pause` allows",
                    _ => "it was not asked",
                };
                answered.failures.insert(why.unwrap_or_else(|| not_asked.to_owned()));
            }
            answered.judgments.extend(judgment);
        }
        examples.push(drift::of_example(gold, &answered));
    }
    // Applying patches costs nothing, so all of it is the judge's.
    Ok(drift::of_judge(judge.name(), judge.kind().name, examples, finished.spent, conditions.max_drift))
}

fn answer(experiment: &ExperimentFolder, run: RunId) -> Result<Option<Judgment>, CliError> {
    let result = RunStore::new(experiment, run).read_result()?;
    Ok(result.and_then(|result| result.judges.into_iter().next()))
}

fn asked(fixture: &Fixture, judge: &Judge, run: RunId, word: &str) -> String {
    let gold = usize::try_from(run.subtest.0).ok().and_then(|number| fixture.gold.get(number));
    let gold = gold.map(|gold| gold.name.as_str()).unwrap_or_default();
    format!("asked `{}` about `{gold}`: it {word}", judge.name())
}

/// The options of an experiment below a folder that asks one judge about every example.
fn options(
    loaded: &Loaded,
    place: usize,
    conditions: &Conditions,
    below: &Path,
) -> Result<(Options, TierId), CliError> {
    let copy = below.join("fixture");
    freeze(&loaded.parts, &copy)?;
    // No judge may find in its fixture what is deserved.
    files::remove_tree(&copy.join(fixture::GOLD_FOLDER))?;
    let patches = copy.join(PATCHES);
    fs::create_dir_all(&patches).map_err(|error| FileError::new("make the folder", &patches, error))?;
    let mut subtests = Vec::new();
    for (number, gold) in loaded.fixture.gold.iter().enumerate() {
        let file = format!("{number:02}.patch");
        let path = patches.join(&file);
        fs::write(&path, &gold.patch).map_err(|error| FileError::new("write", &path, error))?;
        let (kind, key) = (agent::SOLVES.name, agent::PATCH_FILE);
        let text = match gold.patch.as_str() {
            "" => of_kind(&agent::DOES_NOTHING),
            _ => format!("agent: {{kind: {kind}, {key}: {PATCHES}/{file}}}\n"),
        };
        subtests.push(("example".to_owned(), text));
    }
    let overrides = Overrides { only_judge: Some(place), ..Overrides::default() };
    let (to_try, tier) = copy_with(loaded, &copy, &subtests, &overrides)?;
    let options = Options {
        jobs: conditions.jobs,
        attempts: conditions.attempts,
        judge_models: conditions.judge_models.clone(),
        prices: conditions.prices.clone(),
        rate_limit_seconds: conditions.max_pause,
        containment: conditions.containment,
        work_dir: conditions.work_dir.clone(),
        ..trial_options(to_try, tier, conditions.repeat, below.join("results"))
    };
    Ok((options, tier))
}
