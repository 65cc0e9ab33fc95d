//! `show`: one run on one screen, a setup by its runs, a tier by its setups.

use crate::cli::args::output::MessageFormat;
use crate::cli::args::show::{Show, ShowFormat, ViewFlags};
use crate::cli::commands::session::secrets;
use crate::cli::commands::unmetered;
use crate::cli::console::Console;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::meant::{Meant, Part, meant};
use crate::config;
use crate::model::agent::StepsIn;
use crate::model::details::{RunDetails, RunState, SetupDetails, SilentJudge};
use crate::model::ids::{JudgeNumber, RunId, RunNumber, SetupId, TierId};
use crate::model::judge::{Judge, Way};
use crate::model::limits::OUTPUT_BYTES;
use crate::model::plan::Plan;
use crate::model::task::Fixture;
use crate::os::{clock, files, lock};
use crate::report::show::{self, Around, TextOf};
use crate::stats::setups::together;
use crate::store;
use crate::store::details::{Extent, Reading, Text, View, output, texts};
use crate::store::layout::{ExperimentFolder, RunFolder};
use crate::store::stages::RunStore;
use crate::store::survey::{Depth, survey};
use crate::text::leaks::veiled;
use crate::text::page::Page;
use crate::text::styles::Tone;
use crate::text::words::{bytes, counted, list, shell_word};
use crate::text::{escape, patch};

/// Runs the command.
///
/// # Errors
/// When what is named is not there, or cannot be read.
pub fn run(args: &Show, console: &mut Console) -> Result<Exit, CliError> {
    let Meant { folder, name, part } = meant(&args.experiment, args.what.as_deref(), console)?;
    let shown = Shown { folder: &folder, name: &name, reading: Reading::of(&folder)?, args };
    match (part, asked(args.view)) {
        (Part::Run(run), None) => shown.run(run, console),
        (Part::Run(run), Some(Asked::Steps)) => shown.steps(run, console),
        (Part::Run(run), Some(Asked::Exchanges)) => shown.exchanges(run, console),
        (Part::Run(run), Some(Asked::View(view))) => shown.view(run, view, console),
        (Part::Setup(tier, subtest), None) => shown.setup((tier, subtest), console),
        (Part::Tier(tier), None) => shown.tier(tier, console),
        (Part::Setup(..) | Part::Tier(_), Some(_)) => {
            Err(CliError::usage(format!("`{part}` is not one run, and only a run has that text"))
                .hint(format!("`cargo scylla show {} {part}` shows its runs", shell_word(&name))))
        }
    }?;
    Ok(Exit::Success)
}

/// What is asked for instead of the screen.
enum Asked {
    View(View),
    Steps,
    Exchanges,
}

fn asked(flags: ViewFlags) -> Option<Asked> {
    let ViewFlags { diff, prompt, log, judge, steps, exchanges } = flags;
    let judge = judge.map(|judge| Asked::View(View::Judge(JudgeNumber(judge))));
    let of = |is_asked: bool, asked: Asked| is_asked.then_some(asked);
    of(diff, Asked::View(View::Diff))
        .or_else(|| of(prompt, Asked::View(View::Prompt)))
        .or_else(|| of(log, Asked::View(View::Log)))
        .or_else(|| of(steps, Asked::Steps))
        .or_else(|| of(exchanges, Asked::Exchanges))
        .or(judge)
}

/// One experiment that is looked at.
struct Shown<'a> {
    folder: &'a ExperimentFolder,
    name: &'a str,
    reading: Reading<'a>,
    args: &'a Show,
}

impl Shown<'_> {
    fn is_json(&self, console: &Console) -> bool {
        match self.args.format {
            Some(format) => format == ShowFormat::Json,
            None => console.message_format() == MessageFormat::Json,
        }
    }

    fn around(&self, console: &Console) -> Around<'_> {
        let is_held = lock::probe(&self.folder.lock()).is_ok_and(|holder| holder.is_some());
        Around { dir: self.name, is_held, styles: console.out_styles() }
    }

    /// The fixture whose rubric counts. One that cannot be read costs names, not numbers.
    fn fixture(&self) -> Option<Fixture> {
        config::fixture::load(&self.folder.grading_fixture(self.reading.counting)).ok()
    }

    fn plan(&self) -> Result<Plan, CliError> {
        let (seen, _) = store::config::read(self.folder);
        Ok(match seen.content() {
            Some(config) => config.plan(),
            None => survey(self.folder, Depth::Results)?.plan().unwrap_or_default(),
        })
    }

    fn not_planned(&self, what: &str) -> CliError {
        CliError::usage(format!("`{}` has no `{what}` in its plan", self.name))
            .hint(format!("`cargo scylla status {} --by subtest` shows the setups that it has", shell_word(self.name)))
    }

    /// The run, which is there or planned.
    fn details(&self, run: RunId) -> Result<RunDetails, CliError> {
        let details = self.reading.read(run, Extent::Whole)?;
        if details.state == RunState::NotStarted && !self.plan()?.contains(run) {
            return Err(self.not_planned(&run.to_string()));
        }
        Ok(details)
    }

    fn run(&self, run: RunId, console: &mut Console) -> Result<(), CliError> {
        let mut details = self.details(run)?;
        let fixture = self.fixture();
        details.name = setup_name(fixture.as_ref(), (run.tier, run.subtest));
        details.by_items(fixture.as_ref().map(|fixture| &fixture.rubric));
        details.silent_judges = self.silent_judges(&details, fixture.as_ref());
        details.lies_below(self.name);
        let json = self.is_json(console);
        console.print(&if json { show::run_json(&details) } else { show::run(&details, self.around(console)) })
    }

    /// The judges whose answers a verdict does without, each with why, as far as what it left says it.
    fn silent_judges(&self, run: &RunDetails, fixture: Option<&Fixture>) -> Vec<SilentJudge> {
        let fixture = fixture.filter(|_| run.missing_judges > 0);
        let panel = fixture.into_iter().flat_map(|fixture| (1..).map(JudgeNumber).zip(&fixture.judges));
        let silent = panel.filter(|(number, _)| !run.judges.iter().any(|judgment| judgment.judge_number == *number));
        let folder = self.folder.run(run.run).graded(run.grading);
        let store = RunStore::new(self.folder, run.run);
        let store = if run.grading.is_first() { store } else { store.graded(run.grading) };
        let why = |number: JudgeNumber, judge: &Judge| {
            let Way::Asks(asked) = judge.way() else { return "its checks are missing".to_owned() };
            // The answers of all attempts but the last one are set aside, and of one that is given up that one's, too.
            let former = store.judge_attempt(number).map_or(0, |attempt| attempt - 1);
            let here = folder.judge_response(number);
            let aside = RunFolder::response_in(&folder.failed_judge(number, former));
            let is_here = former == 0 || files::kind_of(&here).is_ok_and(|kind| kind.is_some());
            match files::read_start(if is_here { &here } else { &aside }, OUTPUT_BYTES) {
                Err(error) => format!("its answer cannot be read: {error}"),
                Ok(None) => "it left no answer".to_owned(),
                Ok(Some(answer)) if answer.is_empty() => "its answer is empty".to_owned(),
                Ok(Some(answer)) => {
                    let said = asked.failure(&answer, clock::now()).map(|failure| failure.words());
                    let invalid = || asked.answer(&answer, &fixture?.rubric).err();
                    said.or_else(invalid).unwrap_or_else(|| "its program did not end well".to_owned())
                }
            }
        };
        silent.map(|(judge, of)| SilentJudge { judge, name: of.name().to_owned(), reason: why(judge, of) }).collect()
    }

    fn view(&self, run: RunId, view: View, console: &mut Console) -> Result<(), CliError> {
        let (mut found, secrets) = (texts(&self.reading, run, view)?, secrets());
        if found.is_empty() {
            return Err(self.without(run, view)?);
        }
        for text in &mut found {
            text.path = format!("{}/{}", self.name.trim_end_matches('/'), text.path);
            text.bytes = veiled(&text.bytes, &secrets);
            if text.left_out > 0 {
                let left_out = bytes(text.left_out);
                console
                    .say(&format!("`{}` is long: its first {left_out} are not shown", escape::terminal(&text.path)))?;
            }
        }
        if self.is_json(console) {
            let of = |text: &Text| String::from_utf8_lossy(&text.bytes).into_owned();
            let texts: Vec<TextOf<'_>> =
                found.iter().map(|text| TextOf { title: text.title, path: &text.path, text: of(text) }).collect();
            return console.print(&show::texts_json(run, &texts));
        }
        if view == View::Diff && found.iter().all(|text| text.bytes.is_empty()) {
            console.say(&format!("{run} changed nothing"))?;
        }
        let styles = console.out_styles();
        let shown: Vec<String> = found
            .iter()
            .filter(|text| !text.bytes.is_empty())
            .map(|text| match view {
                View::Diff => patch::shown(&text.bytes, styles),
                View::Prompt => whole_lines(&text.bytes),
                View::Log | View::Judge(_) => {
                    let path = escape::terminal(&text.path);
                    let heading = format!("── {}: {path}", text.title);
                    format!("{}\n{}", styles.paint(Tone::Strong, heading), whole_lines(&text.bytes))
                }
            })
            .collect();
        console.page(&shown.join("\n"), self.args.no_pager)
    }

    /// Why a text is not there.
    fn without(&self, run: RunId, view: View) -> Result<CliError, CliError> {
        let details = self.details(run)?;
        let dir = shell_word(self.name);
        let short = format!("{}/{}/{}", run.tier, run.subtest, run.run);
        let is = || match details.state {
            state if state.is_judged() => "its result is there, and that file is not".to_owned(),
            state => format!("it is {state}"),
        };
        let (what, hint) = match view {
            View::Judge(judge) => {
                let judges: Vec<String> = details.judges.iter().map(|of| of.judge_number.0.to_string()).collect();
                let hint = if judges.is_empty() {
                    "no judge has judged it".to_owned()
                } else {
                    let word = if judges.len() == 1 { "judge" } else { "judges" };
                    format!("it was judged by {word} {}", list(&judges))
                };
                (format!("judge {}", judge.0), hint)
            }
            View::Diff => ("changes".to_owned(), is()),
            View::Prompt => ("prompt".to_owned(), is()),
            View::Log => ("log of its agent".to_owned(), is()),
        };
        Ok(CliError::usage(format!("{run} has no {what}"))
            .hint(format!("{hint}; `cargo scylla show {dir} {short}` says what is there")))
    }

    /// The steps that an agent took; where its kind tells none, this says where its own words are.
    fn steps(&self, run: RunId, console: &mut Console) -> Result<(), CliError> {
        self.details(run)?;
        let path = |text: &Text| format!("{}/{}", self.name.trim_end_matches('/'), text.path);
        let told = match self.steps_in(run) {
            Some(told) => output(&self.reading, run, told.output)?.map(|text| (told.read, text)),
            None => None,
        };
        let secrets = secrets();
        let hide = |text: &str| String::from_utf8_lossy(&veiled(text.as_bytes(), &secrets)).into_owned();
        let told = told.map(|(read, text)| (read(&text.bytes).with_texts(hide), path(&text), text.left_out));
        let logs = texts(&self.reading, run, View::Log)?;
        if self.is_json(console) {
            let logs: Vec<String> = logs.iter().map(path).collect();
            let told = told.as_ref().map(|(steps, path, _)| (steps, path.as_str()));
            return console.print(&show::steps_json(run, told, &logs));
        }
        if let Some((steps, path, left_out)) = told {
            if left_out > 0 {
                let (path, left_out) = (escape::terminal(&path), bytes(left_out));
                console.say(&format!("`{path}` is long: the steps in its first {left_out} are not shown"))?;
            }
            return console.page(&show::steps(run, &steps, &path, console.out_styles()), self.args.no_pager);
        }
        let why = match self.steps_in(run) {
            Some(_) => "what its agent wrote is not there",
            None => "agents of this kind tell no single steps",
        };
        let mut page = Page::default();
        page.line(format_args!("{why}, so none are known of {run}"));
        for log in &logs {
            let size = bytes(log.bytes.len() as u64 + log.left_out);
            page.line(format_args!("its {} ({size}) is {}", log.title, escape::terminal(&path(log))));
        }
        if !logs.is_empty() {
            let short = format!("{}/{}/{}", run.tier, run.subtest, run.run);
            let dir = shell_word(self.name);
            page.line(format_args!("`cargo scylla show {dir} {short} --log` shows what its agent wrote"));
        }
        console.print(&page.into_text())
    }

    /// The requests of a run's agent to its models; where none is known, this says why.
    fn exchanges(&self, run: RunId, console: &mut Console) -> Result<(), CliError> {
        let details = self.details(run)?;
        let mut attempts = self.reading.exchanges(run)?;
        let mut judges = self.reading.judges_exchanges(run)?;
        let paths = attempts.iter_mut().map(|attempt| &mut attempt.path);
        for path in paths.chain(judges.iter_mut().map(|judge| &mut judge.path)) {
            *path = format!("{}/{path}", self.name.trim_end_matches('/'));
        }
        let why = unmetered::why(self.folder, &details, attempts.last());
        let started_at = details.agent.as_ref().and_then(|agent| agent.started_at).or(details.since);
        let reported = details.agent.as_ref().and_then(|agent| agent.reported);
        let asked =
            show::Asked { run, attempts: &attempts, started_at, reported, why: why.as_deref(), judges: &judges };
        if self.is_json(console) {
            return console.print(&show::exchanges_json(&asked));
        }
        console.page(&show::exchanges(&asked, console.columns(), console.out_styles()), self.args.no_pager)
    }

    /// Where the agent of a run tells its steps, by the fixture that it ran with.
    fn steps_in(&self, run: RunId) -> Option<StepsIn> {
        let fixture = config::fixture::load(&self.folder.fixture()).ok()?;
        let agent = &fixture.tiers.get(&run.tier)?.get(&run.subtest)?.agent;
        crate::agent::steps_of(agent, self.details(run).ok().as_ref())
    }

    fn of_setup(
        &self,
        (tier, subtest): SetupId,
        runs: u32,
        fixture: Option<&Fixture>,
    ) -> Result<SetupDetails, CliError> {
        let mut read = Vec::new();
        for run in (1..=runs).filter_map(RunNumber::new) {
            read.push(self.reading.read(RunId { tier, subtest, run }, Extent::Result)?);
        }
        let rubric = fixture.map(|fixture| &fixture.rubric);
        let control = fixture.and_then(|fixture| fixture.controls().get((tier, subtest)));
        Ok(together((tier, subtest), (setup_name(fixture, (tier, subtest)), control), &read, rubric))
    }

    fn setup(&self, setup: SetupId, console: &mut Console) -> Result<(), CliError> {
        let plan = self.plan()?;
        let runs = plan.subtests().get(&setup.0).and_then(|subtests| subtests.get(&setup.1));
        let runs = *runs.ok_or_else(|| self.not_planned(&format!("{}/{}", setup.0, setup.1)))?;
        let details = self.of_setup(setup, runs, self.fixture().as_ref())?;
        let json = self.is_json(console);
        console.print(&if json { show::setup_json(&details) } else { show::setup(&details, self.around(console)) })
    }

    fn tier(&self, tier: TierId, console: &mut Console) -> Result<(), CliError> {
        let plan = self.plan()?;
        let subtests = plan.subtests().get(&tier).ok_or_else(|| self.not_planned(&tier.to_string()))?;
        let fixture = self.fixture();
        let mut setups = Vec::new();
        for (subtest, runs) in subtests {
            setups.push(self.of_setup((tier, *subtest), *runs, fixture.as_ref())?);
        }
        let json = self.is_json(console);
        let around = self.around(console);
        console.print(&if json { show::tier_json(tier, &setups) } else { show::tier(tier, &setups, around) })
    }
}

/// A text that ends with its last line.
fn whole_lines(bytes: &[u8]) -> String {
    let text = escape::text(&String::from_utf8_lossy(bytes));
    if text.is_empty() || text.ends_with('\n') { text } else { format!("{text}\n") }
}

fn setup_name(fixture: Option<&Fixture>, (tier, subtest): SetupId) -> Option<String> {
    Some(fixture?.tiers.get(&tier)?.get(&subtest)?.name.clone())
}

/// Why a run has no patch, for whoever asks for one.
pub(super) fn without_patch(folder: &ExperimentFolder, name: &str, run: RunId) -> Result<CliError, CliError> {
    let reading = Reading::of(folder)?;
    let details = reading.read(run, Extent::Result)?;
    let dir = shell_word(name);
    let id = format!("{}/{}/{}", run.tier, run.subtest, run.run);
    let (seen, _) = store::config::read(folder);
    if details.state == RunState::NotStarted && seen.content().is_some_and(|config| !config.plan().contains(run)) {
        let planned = seen.content().map_or(0, |config| config.plan().total());
        return Ok(CliError::usage(format!(
            "`{name}` has no run `{run}` among its {}",
            counted(planned, "planned run")
        ))
        .hint(format!("see its runs with `cargo scylla status {dir} --by subtest`")));
    }
    Ok(CliError::usage(format!("{run} has no changes: it is {}", details.state))
        .hint(format!("`cargo scylla show {dir} {id}` says what is there and what to type")))
}
