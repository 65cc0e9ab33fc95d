//! `agents doctor`: one tiny run of an agent, by the same machinery as any run, in a folder that is gone afterwards.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::agent;
use crate::cli::args::agents::Doctor;
use crate::cli::args::output::MessageFormat;
use crate::cli::args::show::ShowFormat;
use crate::cli::commands::session::surroundings;
use crate::cli::commands::trial::trial_options;
use crate::cli::console::Console;
use crate::cli::error::{CliError, On as _};
use crate::cli::exit::Exit;
use crate::cli::options;
use crate::cli::prelude::Prelude;
use crate::config::fixture::Overrides;
use crate::engine::alone::{Claimed, Claiming, End, claim};
use crate::engine::reach::Reach;
use crate::engine::session::create::{Options, create};
use crate::engine::session::open::begin;
use crate::engine::version::Question;
use crate::model::agent::Agent;
use crate::model::event::Event;
use crate::model::exchanges::{Exchanges, Ledger};
use crate::model::experiment::ContainmentChoice;
use crate::model::ids::{RunId, RunNumber, SubtestId, TierId};
use crate::model::installation::{Answer, Installation};
use crate::model::outcome::Failure;
use crate::os::files::{self, FileError, TemporaryFolder};
use crate::os::process::Containment;
use crate::store::details::Reading;
use crate::store::layout::ExperimentFolder;
use crate::store::stages::RunStore;
use crate::ui::agents::ProgramRow;
use crate::ui::doctor::{Diagnosis, LastAnswer, TinyRun};

/// The only run.
const RUN: RunId = RunId { tier: TierId(0), subtest: SubtestId(0), run: RunNumber::FIRST };
/// The file that the agent is to write, and the word in it.
const ANSWER: &str = "answer.txt";
const WORD: &str = "pebble";
/// The tree in which it finds itself.
const README: &str = "A folder for one tiny task.\n";
/// Most bytes of the end of its output that are read, and most lines that are shown.
const MOST_BYTES: u64 = 8192;
const MOST_LINES: usize = 5;

/// Runs the command.
///
/// # Errors
/// When there is no such agent, it starts no program, or the machinery fails that runs it.
pub fn run(args: &Doctor, console: &mut Console) -> Result<Exit, CliError> {
    let prelude = Prelude::of(console, "before the agent had done anything")?;
    let agent = agent::named(&args.agent, false).map_err(CliError::usage)?;
    let inherited: BTreeMap<OsString, OsString> = std::env::vars_os().collect();
    let is_set = |name: &str| inherited.get(OsStr::new(name)).is_some_and(|value| !value.is_empty());
    let Some(question) = Question::of(&agent, &inherited, &Reach::Everything) else {
        let hint = "`cargo scylla agents` shows the kinds that start a program";
        return Err(CliError::usage(format!("`{}` starts no program that could be tried", args.agent)).hint(hint));
    };
    let diagnosis = match question {
        Err(known) => diagnosis(args, &agent, ProgramRow::new(known, None, Answer::NotInstalled, is_set)),
        Ok(question) => {
            let making = prelude.making();
            let containment = Containment::probe(ContainmentChoice::Auto).on(".")?;
            let answer = question.ask(&containment, &Reach::Everything).on(".")?;
            drop(making);
            let path = question.program.display().to_string();
            let row = ProgramRow::new(question.installation, Some(path), answer, is_set);
            try_it(diagnosis(args, &agent, row), &agent, args.timeout, prelude)?
        }
    };
    let diagnosis = diagnosis.advised();
    let is_for_machines = console.message_format() == MessageFormat::Json;
    let text = match args.format {
        Some(ShowFormat::Json) => diagnosis.json(),
        None if is_for_machines => diagnosis.json(),
        Some(ShowFormat::Human) | None => diagnosis.human(console.columns()),
    };
    console.print(&text)?;
    Ok(if diagnosis.done { Exit::Success } else { Exit::Incomplete })
}

/// What is known before the run.
fn diagnosis(args: &Doctor, agent: &Agent, program: ProgramRow) -> Diagnosis {
    Diagnosis {
        agent: agent.kind().name.to_owned(),
        program,
        model: args.model.clone(),
        done: false,
        run: None,
        failure: None,
        last_answer: None,
        exchanges: None,
        last_lines: Vec::new(),
        advice: None,
    }
}

/// Makes the run. A worker without a coordinator does it: it waits for no rate limit, and tries once.
fn try_it(known: Diagnosis, agent: &Agent, timeout_seconds: u64, prelude: Prelude) -> Result<Diagnosis, CliError> {
    // Released after the folder is removed.
    let making = prelude.making();
    let folder = TemporaryFolder::new("cargo-scylla-")?;
    let name = format!("the trial of `{}`", known.agent);
    let fixture = folder.path().join("task");
    write_fixture(&fixture, agent)?;
    let loaded = options::load(&fixture, &Overrides::default())?;
    let options = Options {
        models: known.model.clone().into_iter().collect(),
        timeout_seconds,
        ..trial_options(loaded, RUN.tier, 1, folder.path().join("results"))
    };
    let session = begin(create(options).on(&name)?).on(&name)?;
    let experiment = session.locked.folder.clone();
    let surroundings = surroundings(&session.config, None, &name)?;
    session.end_without_work().on(&name)?;
    let Claimed::ToMake(claimed) = claim(experiment.clone(), RUN, Claiming::Beside).on(&name)? else {
        return Ok(known);
    };
    drop(making);
    let mut failed: Option<Failure> = None;
    let mut watch = |_, event: Option<&Event>| {
        if let Some(Event::AttemptFailed { failure, .. }) = event {
            failed = Some(failure.clone());
        }
    };
    let end = claimed.work(surroundings, true, prelude.into_listening(), &mut watch).on(&name)?;
    if let End::Stopped(signal) = end {
        let exit = Exit::stopped(signal);
        return Err(CliError { exit, ..CliError::usage("stopped before the agent was done") });
    }
    let exchanges = exchanges(&experiment)?;
    let last_answer = exchanges.as_ref().and_then(|asked| asked.all.last());
    let last_answer = last_answer.map(|last| LastAnswer { status: last.status });
    let known = Diagnosis { last_answer, exchanges: exchanges.map(|asked| asked.sum()), ..known };
    let Some(result) = RunStore::new(&experiment, RUN).read_result()? else {
        let excerpt = failed.as_ref().and_then(|failure| failure.excerpt.as_ref());
        let last_lines = excerpt.map(|excerpt| excerpt.text.lines().map(str::to_owned).collect()).unwrap_or_default();
        return Ok(Diagnosis {
            last_lines,
            failure: failed.map(|failure| Failure { excerpt: None, ..failure }),
            ..known
        });
    };
    let logs = experiment.run(RUN);
    let said =
        [logs.agent_stderr(), logs.agent_stdout()].iter().map(|log| last_lines(log)).find(|said| !said.is_empty());
    let run = TinyRun {
        end: result.agent_end,
        exit_code: result.exit_code,
        usage: result.usage,
        duration_seconds: result.agent_duration_seconds,
    };
    let last_lines = said.filter(|_| !result.judge_passed).unwrap_or_default();
    Ok(Diagnosis { done: result.judge_passed, run: Some(run), last_lines, ..known })
}

/// What it asked, as the gateway wrote it down. An attempt that failed was set aside.
fn exchanges(experiment: &ExperimentFolder) -> Result<Option<Exchanges>, CliError> {
    let attempts = Reading::of(experiment)?.exchanges(RUN)?;
    Ok(attempts.into_iter().rev().find_map(|attempt| match attempt.ledger {
        Ledger::Read(exchanges) => Some(exchanges),
        Ledger::Absent | Ledger::Unreadable(_) => None,
    }))
}

/// The last lines of a log that are not empty.
fn last_lines(log: &Path) -> Vec<String> {
    let bytes = files::read_end(log, MOST_BYTES).ok().flatten().unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(MOST_LINES)..].iter().map(|line| (*line).to_owned()).collect()
}

/// Writes the task: the agent is given each variable that its kind knows, and one check grades it.
fn write_fixture(folder: &Path, agent: &Agent) -> Result<(), CliError> {
    let known = agent.installation().map(|Installation { keys, addresses, .. }| keys.iter().chain(*addresses));
    let environment: Vec<&&str> = known.into_iter().flatten().collect();
    let test = json!({
        "id": "doctor",
        "name": "One tiny task",
        "description": "Whether an agent can work here at all.",
        "language": "shell",
        "task": {"prompt_file": "prompt.md"},
        "validation": {"criteria_file": "criteria.md", "rubric_file": "rubric.yaml"},
        "checks": [{"name": "answer", "shell": format!("[ \"$(tr -d '[:space:]' <{ANSWER})\" = {WORD} ]")}],
        "environment": environment,
        "tiers": [RUN.tier.to_string()],
    });
    let rubric = json!({
        "requirements": [{
            "id": "R001", "description": "The word is in the file.", "weight": 1.0, "evaluation": "binary", "rests_on": "answer",
        }],
        "grading": {"pass_threshold": 1.0, "grade_scale": {"S": 1.0, "A": 0.8, "B": 0.6, "C": 0.4, "D": 0.2, "F": 0.0}},
    });
    let mut settings = agent.keys();
    settings.insert("kind".to_owned(), json!(agent.kind().name));
    let prompt = format!(
        "Write a file `{ANSWER}` in the current folder. Its only line is the word `{WORD}`. Change nothing else.\n"
    );
    let subtest = format!("tiers/{}/{}-agent.yaml", RUN.tier, RUN.subtest);
    let yaml = |value: Value| format!("{value:#}\n");
    for (file, text) in [
        ("test.yaml", yaml(test)),
        ("prompt.md", prompt),
        ("criteria.md", format!("`{ANSWER}` holds the word `{WORD}`.\n")),
        ("rubric.yaml", yaml(rubric)),
        ("source/README.md", README.to_owned()),
        (&subtest, yaml(json!({"agent": settings}))),
    ] {
        let path = folder.join(file);
        let written = path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(&path, text));
        written.map_err(|error| FileError::new("write", &path, error))?;
    }
    Ok(())
}
