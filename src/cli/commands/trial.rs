//! What `fixture check --run` tries: whether the solution passes while an agent that does nothing fails.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::agent;
use crate::cli::commands::image;
use crate::cli::commands::session::{session_options, surroundings};
use crate::cli::console::Console;
use crate::cli::error::{CliError, On as _};
use crate::cli::exit::Exit;
use crate::cli::options;
use crate::cli::prelude::Prelude;
use crate::config::fixture::{self, Loaded};
use crate::config::mistake::Mistake;
use crate::engine::coordinator;
use crate::engine::session::create::{Options, create};
use crate::engine::session::freeze::freeze;
use crate::engine::session::open::begin;
use crate::model::agent::Agent;
use crate::model::allowance::Allowance;
use crate::model::event::Event;
use crate::model::experiment::{ContainmentChoice, Inherit, KeepWorkspaces};
use crate::model::ids::{RunId, RunNumber, SubtestId, TierId};
use crate::model::job::JobResources;
use crate::model::limits;
use crate::model::outcome::{ExperimentEnd, Failure, RunStatus};
use crate::model::program::{FIXTURE_COPY, Kind};
use crate::model::result::{CheckResult, RunResult};
use crate::model::task::{Fixture, Source};
use crate::os::files::{self, FileError};
use crate::store::layout::ExperimentFolder;
use crate::store::stages::RunStore;
use crate::text::words::counted;

/// The subtest whose agent does nothing, and the one whose agent applies the solution.
const NOTHING: SubtestId = SubtestId(0);
const SOLUTION: SubtestId = SubtestId(1);

/// Lines of a check's output that are shown.
const SHOWN_LINES: usize = 3;

/// The outcome of the runs of one subtest.
struct Tried {
    results: Vec<(RunResult, Vec<CheckResult>, RunId)>,
    failures: Vec<Failure>,
}

/// The copy of a fixture in an experiment that is removed again, which stands for the person's own fixture.
#[derive(Debug, Clone, Copy)]
pub(super) struct InPlaceOf<'a> {
    /// The copy.
    pub(super) copy: &'a Path,
    /// The fixture.
    pub(super) fixture: &'a Path,
}

impl InPlaceOf<'_> {
    /// Why something failed, by the names of files that the person has.
    pub(super) fn sentence(self, failure: &Failure) -> String {
        self.of(&failure.without_log())
    }

    /// The text with files of the fixture in place of those of its copy.
    fn of(self, text: &str) -> String {
        let fixture = self.fixture.display().to_string();
        text.replace(&self.copy.display().to_string(), &fixture).replace(&format!("${FIXTURE_COPY}"), &fixture)
    }
}

/// Runs the checks and judges on the untouched tree and on the solution, `repeat` times each.
pub(super) fn trial(loaded: &Loaded, repeat: u32, prelude: Prelude, console: &mut Console) -> Result<Exit, CliError> {
    // Released after the folder is removed.
    let making = prelude.making();
    let folder = files::TemporaryFolder::new("cargo-scylla-")?;
    let copy = folder.path().join("fixture");
    let (to_try, tier) = copy_to_try(loaded, &copy)?;
    let has_solution = to_try.fixture.solution_file.is_some();
    let options = trial_options(to_try, tier, repeat, folder.path().join("results"));
    let fixture = options.fixture.clone();
    let name = format!("the trial of `{}`", fixture.id);
    let session = begin(create(options).on(&name)?).on(&name)?;
    let experiment = session.locked.folder.clone();
    let image = image::of_session(&session, &name, console)?;
    let surroundings = surroundings(&session.config, image, &name)?;
    let mut failures: Vec<(RunId, Failure)> = Vec::new();
    let mut count = 0;
    let all = if has_solution { 2 * repeat } else { repeat };
    let mut report = |_, event: Option<&Event>| {
        let (run, end) = match event {
            Some(Event::RunErrored { run, failure, .. }) => {
                failures.push((*run, failure.clone()));
                (*run, "could not be judged")
            }
            Some(Event::RunCommitted(committed)) if committed.status == RunStatus::Passed => (committed.run, "passed"),
            Some(Event::RunCommitted(committed)) => (committed.run, "failed"),
            _ => return,
        };
        count += 1;
        let who = if run.subtest == SOLUTION { "the solution" } else { "an agent that does nothing" };
        // Even if the message is suppressed or cannot be written, the result follows.
        let _ = console.say(&format!("tried {count} of {all}: {who} {end}"));
    };
    let session_options = session_options(surroundings, &name, Vec::new(), None);
    drop(making);
    let finished = coordinator::conduct(session, session_options, prelude.into_listening(), &mut report).on(&name)?;
    if let ExperimentEnd::Stopped { signal } = finished.end {
        let exit = Exit::stopped(signal);
        return Err(CliError { exit, ..CliError::usage("stopped before all was tried") });
    }
    let tried = |subtest| tried(&experiment, tier, subtest, repeat, &failures);
    let nothing = tried(NOTHING)?;
    let copy = InPlaceOf { copy: &experiment.fixture(), fixture: &loaded.parts.dir };
    let mut wrong = of_nothing(&nothing, copy);
    let solution = if has_solution { Some(tried(SOLUTION)?) } else { None };
    if let Some(solution) = &solution {
        wrong.extend(of_solution(solution, &experiment, copy));
    }
    for (tried, who) in [(Some(&nothing), "an agent that does nothing"), (solution.as_ref(), "the solution")] {
        wrong.extend(tried.map(|tried| flaky(tried, who)).unwrap_or_default());
    }
    if !wrong.is_empty() {
        let test_file = loaded.parts.dir.join(fixture::TEST_FILE);
        let mistakes: Vec<Mistake> = wrong.into_iter().map(|what| Mistake::new(&test_file, what)).collect();
        return Err(CliError::mistakes(&mistakes));
    }
    report_what_was_tried(&fixture, has_solution, repeat, console)?;
    Ok(Exit::Success)
}

fn report_what_was_tried(
    fixture: &Fixture,
    has_solution: bool,
    repeat: u32,
    console: &mut Console,
) -> Result<(), CliError> {
    let solution = if has_solution { ", and the solution passes every check" } else { "" };
    let times = if repeat == 1 { String::new() } else { format!(", {repeat} times out of {repeat}") };
    console.print(&format!("{}: an agent that does nothing fails{solution}{times}\n", fixture.id))?;
    if !has_solution {
        console.say("note: there is no `solution_file`, so nobody knows whether the checks can be passed")?;
    }
    Ok(())
}

/// A copy of the fixture whose only agents are the one that does nothing and the one that applies the solution.
fn copy_to_try(loaded: &Loaded, copy: &Path) -> Result<(Loaded, TierId), CliError> {
    let mut subtests = vec![("nothing".to_owned(), of_kind(&agent::DOES_NOTHING))];
    if loaded.fixture.solution_file.is_some() {
        subtests.push(("solution".to_owned(), of_kind(&agent::SOLVES)));
    }
    freeze(&loaded.parts, copy)?;
    copy_with(loaded, copy, &subtests, &fixture::Overrides::default())
}

/// The file of a subtest whose agent is of this kind.
pub(super) fn of_kind(kind: &Kind<Agent>) -> String {
    format!("agent: {{kind: {}}}\n", kind.name)
}

/// The copy of a fixture with other subtests, each a name and the text of its file, and the tier that has them.
pub(super) fn copy_with(
    loaded: &Loaded,
    copy: &Path,
    subtests: &[(String, String)],
    overrides: &fixture::Overrides,
) -> Result<(Loaded, TierId), CliError> {
    let tiers = copy.join("tiers");
    files::remove_tree(&tiers)?;
    // Every tier that the fixture lists needs a subtest.
    let idle = [("nothing".to_owned(), of_kind(&agent::DOES_NOTHING))];
    let mut first = None;
    for tier in loaded.fixture.tiers.keys() {
        let folder = tiers.join(tier.to_string());
        fs::create_dir_all(&folder).map_err(|error| FileError::new("make the folder", &folder, error))?;
        let subtests = if first.is_none() { subtests } else { &idle };
        for (number, (name, text)) in subtests.iter().enumerate() {
            let file = folder.join(format!("{number:02}-{name}.yaml"));
            fs::write(&file, text).map_err(|error| FileError::new("write", &file, error))?;
        }
        first.get_or_insert(*tier);
    }
    let tier = first.ok_or_else(|| CliError::usage("the fixture has no tier"))?;
    // What is tried starts none of the fixture's own agents.
    let mut to_try = options::load(copy, &fixture::Overrides { keeps_agents: true, ..overrides.clone() })?;
    // The path of a local repository is relative to the fixture itself, not to its copy.
    if let (Source::Repository { repo, hash }, Source::Repository { repo: given, hash: commit }) =
        (&mut to_try.fixture.source, &loaded.fixture.source)
    {
        // The copy has no credentials.
        repo.clone_from(given);
        hash.clone_from(commit);
        let local = loaded.parts.dir.join(given);
        if let (true, Ok(local)) = (local.is_dir(), fs::canonicalize(&local)) {
            *repo = local.display().to_string();
        }
    }
    Ok((to_try, tier))
}

/// The options of an experiment that is made to try something, and removed.
pub(super) fn trial_options(to_try: Loaded, tier: TierId, repeat: u32, results_dir: PathBuf) -> Options {
    let Loaded { fixture, parts, .. } = to_try;
    let subtests = fixture.tiers.get(&tier).into_iter().flat_map(BTreeMap::keys).copied().collect();
    Options {
        work_dir: None,
        parts,
        results_dir,
        subtests: BTreeMap::from([(tier, subtests)]),
        runs_per_subtest: repeat,
        max_subtests: None,
        models: Vec::new(),
        judge_models: Vec::new(),
        thinking_mode: "None".to_owned(),
        timeout_seconds: fixture.timeout_seconds.unwrap_or(limits::AGENT_SECONDS),
        inherit: Inherit::None,
        sandbox: fixture.sandbox.asked(),
        image_id: None,
        jobs: options::cores(),
        attempts: 1,
        max_cost_usd: None,
        max_time_seconds: None,
        allowance: Allowance::default(),
        resources: fixture.resources,
        prices: fixture.prices.clone(),
        rate_limit_seconds: limits::RATE_LIMIT_SECONDS,
        notes: Vec::new(),
        keep_workspaces: KeepWorkspaces::None,
        gateway: None,
        hold_seconds: None,
        record: None,
        backend: None,
        job: JobResources::default(),
        replay: None,
        containment: ContainmentChoice::Auto,
        fixture,
    }
}

fn tried(
    experiment: &ExperimentFolder,
    tier: TierId,
    subtest: SubtestId,
    repeat: u32,
    failures: &[(RunId, Failure)],
) -> Result<Tried, CliError> {
    let mut results = Vec::new();
    for run in (1..=repeat).filter_map(RunNumber::new).map(|run| RunId { tier, subtest, run }) {
        let store = RunStore::new(experiment, run);
        if let Some(result) = store.read_result()? {
            let checks = store.read_checks()?.map(|checks| checks.checks).unwrap_or_default();
            results.push((result, checks, run));
        }
    }
    let failures =
        failures.iter().filter(|(run, _)| run.subtest == subtest).map(|(_, failure)| failure.clone()).collect();
    Ok(Tried { results, failures })
}

/// What the runs with an agent that does nothing show to be wrong with a fixture.
fn of_nothing(tried: &Tried, copy: InPlaceOf<'_>) -> Vec<String> {
    let mut wrong = unjudged(tried, copy, "what an agent that does nothing leaves");
    if !tried.results.is_empty() && tried.results.iter().all(|(result, ..)| result.judge_passed) {
        wrong.push("an agent that does nothing passes, so the checks and judges check nothing".to_owned());
    }
    wrong
}

fn unjudged(tried: &Tried, copy: InPlaceOf<'_>, what: &str) -> Vec<String> {
    let reasons: BTreeSet<String> = tried.failures.iter().map(|failure| copy.sentence(failure)).collect();
    reasons.into_iter().map(|reason| format!("{what} cannot be graded: {reason}")).collect()
}

fn of_solution(tried: &Tried, experiment: &ExperimentFolder, copy: InPlaceOf<'_>) -> Vec<String> {
    let mut wrong = unjudged(tried, copy, "the solution");
    for (name, outcomes) in outcomes(tried) {
        if outcomes.iter().any(|(check, _)| check.passed) {
            continue;
        }
        let Some((check, run)) = outcomes.first() else { continue };
        let how = match (check.timed_out, check.exceeded, check.exit_code) {
            (true, ..) => "its time was over".to_owned(),
            (false, Some(limit), _) => format!("it used {limit}"),
            (false, None, Some(code)) => format!("exit code {code}"),
            (false, None, None) => "a signal ended it".to_owned(),
        };
        let log = |name: &str| last_lines(&experiment.run(*run).check_log(name));
        let logged =
            log(&format!("{name}.stderr")).or_else(|| log(&name)).map(|lines| format!(": {}", copy.of(&lines)));
        wrong.push(format!("the check `{name}` does not pass with the solution ({how}){}", logged.unwrap_or_default()));
    }
    if wrong.is_empty() && !tried.results.is_empty() && tried.results.iter().all(|(result, ..)| !result.judge_passed) {
        let score = tried.results.first().map(|(result, ..)| result.judge_score.to_string()).unwrap_or_default();
        wrong.push(format!("every check passes with the solution, and the verdict is that it failed (score {score})"));
    }
    wrong
}

/// The results of each check that applied.
fn outcomes(tried: &Tried) -> BTreeMap<String, Vec<(&CheckResult, RunId)>> {
    let mut all: BTreeMap<String, Vec<_>> = BTreeMap::new();
    for (_, checks, run) in &tried.results {
        for check in checks.iter().filter(|check| check.not_applicable.is_none()) {
            all.entry(check.name.clone()).or_default().push((check, *run));
        }
    }
    all
}

fn flaky(tried: &Tried, who: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    let times = |passed: usize, all: usize| format!("passed {} out of {all} with {who}", counted(passed, "time"));
    for (name, outcomes) in outcomes(tried) {
        let passed = outcomes.iter().filter(|(check, _)| check.passed).count();
        if passed > 0 && passed < outcomes.len() {
            wrong.push(format!("the check `{name}` is flaky: it {}", times(passed, outcomes.len())));
        }
    }
    let passed = tried.results.iter().filter(|(result, ..)| result.judge_passed).count();
    if wrong.is_empty() && passed > 0 && passed < tried.results.len() {
        wrong.push(format!(
            "the judges are of two minds: the verdict was that it {}",
            times(passed, tried.results.len())
        ));
    }
    wrong
}

/// The last lines of a log, joined to one.
fn last_lines(log: &Path) -> Option<String> {
    let bytes = files::read_if_readable(log, limits::MOST_STAGE_FILE_BYTES)?;
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let shown = lines[lines.len().saturating_sub(SHOWN_LINES)..].join(" / ");
    (!shown.is_empty()).then_some(shown)
}

/// A message about a number of repetitions.
pub(super) fn intent(repeat: u32) -> String {
    let times = counted(repeat as usize, "time");
    format!("trying an agent that does nothing, and the solution, {times} each; judges are asked and may cost money")
}
