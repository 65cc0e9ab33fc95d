//! `stop`: tells the coordinator of an experiment to stop, from another terminal, and waits for it.

use std::io;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::cli::args::output::MessageFormat;
use crate::cli::args::show::ShowFormat;
use crate::cli::args::stop::Stop;
use crate::cli::choose::choose;
use crate::cli::console::Console;
use crate::cli::error::{CliError, On as _};
use crate::cli::exit::Exit;
use crate::cli::prelude::Prelude;
use crate::engine::cluster;
use crate::engine::session::progress::Progress;
use crate::model::experiment::Config;
use crate::model::outcome::{StopLevel, StopSignal};
use crate::model::survey::{Holder, Seen, Survey};
use crate::os::clock;
use crate::os::lock;
use crate::os::process::LockHolder;
use crate::store;
use crate::store::layout::ExperimentFolder;
use crate::store::survey::{Depth, survey};
use crate::text::escape;
use crate::text::page::{Page, pretty};
use crate::text::styles::Tone;
use crate::text::words::{counted, list, shell_word};

/// How often it is looked whether the coordinator has ended; a signal ends the wait at once.
const WAIT: Duration = Duration::from_mins(1);

/// How long it is waited for another `stop` that is about to end.
const PATIENCE: Duration = Duration::from_secs(3);
/// Time between two looks at it.
const BETWEEN_LOOKS: Duration = Duration::from_millis(50);

/// What became of it, for machines.
#[derive(Debug, Serialize)]
struct Stopped<'a> {
    /// The experiment's folder, as it was given.
    folder: &'a str,
    /// The process that has ended; `None` when nobody was at work.
    pid: Option<i32>,
    /// Planned runs that are done.
    done: usize,
    /// Planned runs.
    planned: usize,
}

/// Runs the command.
///
/// # Errors
/// When the coordinator is not to be seen from here or may not be signalled, or others are at work.
pub fn run(args: &Stop, console: &mut Console) -> Result<Exit, CliError> {
    let (folder, name) = choose(&args.experiment, console)?;
    let holder = lock::probe(&folder.lock()).on(&name)?;
    let pid = match holder {
        Some(holder) => stop(args, &folder, &name, &holder, console)?,
        None => None,
    };
    if let (None, Seen::Read(config)) = (lock::probe(&folder.lock()).on(&name)?, store::config::read(&folder).0) {
        stop_jobs((&folder, &name), &config, args.now, console)?;
    }
    let survey = survey(&folder, Depth::Results)?;
    if let Some(error) = others(&survey, &name) {
        return Err(error);
    }
    let plan = survey.plan().unwrap_or_default();
    let planned = plan.total();
    let missing = Progress::of(plan, &survey).missing().len();
    let stopped = Stopped { folder: &name, pid, done: planned.saturating_sub(missing), planned };
    let is_json = match args.format {
        Some(format) => format == ShowFormat::Json,
        None => console.message_format() == MessageFormat::Json,
    };
    let text = if is_json { pretty(&stopped) } else { sentence(&stopped, missing > 0, console) };
    console.print(&text)?;
    Ok(Exit::Success)
}

fn sentence(stopped: &Stopped<'_>, is_missing: bool, console: &Console) -> String {
    let Stopped { folder, pid, done, planned } = stopped;
    let folder_shown = escape::terminal(folder);
    let mut page = Page::default();
    let what = match pid {
        Some(pid) => format!("process {pid} has ended"),
        None => format!("nobody works on `{folder_shown}`"),
    };
    page.line(format_args!("{what}: {done} of {} done", counted(*planned, "planned run")));
    if is_missing {
        let command = format!("cargo scylla resume {}", shell_word(folder));
        page.line(format_args!("\nTo continue:\n  {}", console.out_styles().paint(Tone::Strong, command)));
    }
    page.into_text()
}

/// Stops jobs of a cluster that no coordinator follows.
fn stop_jobs(
    (folder, name): (&ExperimentFolder, &str),
    config: &Config,
    now: bool,
    console: &mut Console,
) -> Result<(), CliError> {
    if !cluster::has_jobs(folder) {
        return Ok(());
    }
    let dir = shell_word(name);
    let again = if now { format!("cargo scylla stop {dir} --now") } else { format!("cargo scylla stop {dir}") };
    let prelude = Prelude::of(console, "while it waited; jobs that wait are taken back all the same")?;
    prelude.goes_on_by(again);
    console.say(&if now {
        "no coordinator follows the jobs: they are ended".to_owned()
    } else {
        format!(
            "no coordinator follows the jobs: those that wait are taken back, those that run come to their end \
             (`cargo scylla stop {dir} --now` ends them)"
        )
    })?;
    let left = cluster::stop(folder, config, now, |holder| console.watches(holder)).on(name)?;
    // Another `stop` of these jobs holds the experiment for a moment.
    let began = Instant::now();
    while lock::probe(&folder.lock()).on(name)?.is_some() && began.elapsed() < PATIENCE {
        std::thread::sleep(BETWEEN_LOOKS);
    }
    drop(prelude);
    if left > 0 {
        console.say(&format!("{} did not end within a minute", counted(left, "job")))?;
    }
    Ok(())
}

/// Asks the holder to stop and waits until it has ended. Gives its number; `None` when it had ended before.
fn stop(
    args: &Stop,
    folder: &ExperimentFolder,
    name: &str,
    holder: &Holder,
    console: &mut Console,
) -> Result<Option<i32>, CliError> {
    let dir = shell_word(name);
    let again = if args.now { format!("cargo scylla stop {dir} --now") } else { format!("cargo scylla stop {dir}") };
    let elsewhere = |where_: &str| CliError {
        exit: Exit::Locked,
        ..CliError::usage(format!("`{name}` is held by {holder}, {where_}"))
            .hint(format!("type `{again}` there, with the folder's path there; nothing was signalled"))
    };
    if !holder.host.is_empty() && holder.host != clock::host() {
        return Err(elsewhere("which is another machine"));
    }
    let found = lock::process_of(&folder.lock(), holder).map_err(CliError::internal)?;
    let Some(found) = found else {
        let is_held = lock::probe(&folder.lock()).map_err(CliError::internal)?.is_some();
        let unseen = "and no such process holds it here: it is of another machine, container or user";
        return if is_held { Err(elsewhere(unseen)) } else { Ok(None) };
    };
    let prelude = Prelude::of(console, "while it waited; the coordinator is told to stop all the same")?;
    prelude.goes_on_by(again);
    ask(args.now, folder, name, &found, console)?;
    while !found.has_ended_within(WAIT)? {}
    drop(prelude);
    Ok(Some(found.pid()))
}

/// Signals the holder, unless it has been asked for as much before.
fn ask(
    now: bool,
    folder: &ExperimentFolder,
    name: &str,
    found: &LockHolder,
    console: &mut Console,
) -> Result<(), CliError> {
    let (wanted, signal) =
        if now { (StopLevel::Terminate, StopSignal::Terminate) } else { (StopLevel::Drain, StopSignal::Interrupt) };
    let pid = found.pid();
    let level = lock::stopping(&folder.lock()).unwrap_or(None);
    let harder = format!("`cargo scylla stop {} --now` ends them", shell_word(name));
    let what = if level.max(Some(wanted)) == Some(StopLevel::Drain) {
        format!("its runs in flight come to their end ({harder})")
    } else {
        "its runs in flight are ended".to_owned()
    };
    if level >= Some(wanted) {
        console.say(&format!("process {pid} is stopping already: {what}"))?;
        return Ok(());
    }
    let is_paused = if found.is_paused() { ", which was paused and goes on for that" } else { "" };
    console.say(&format!("process {pid}{is_paused} is told to stop: {what}"))?;
    match found.signal(signal) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Err(CliError {
            exit: Exit::Internal,
            ..CliError::usage(format!("process {pid} may not be signalled: {error}"))
        }
        .hint("type it as the user that started the experiment; nothing was changed")),
        Err(error) => Err(error.into()),
    }
}

/// Who is at work besides a coordinator of ours.
fn others(survey: &Survey, name: &str) -> Option<CliError> {
    let locked =
        |message: String, hint: String| Some(CliError { exit: Exit::Locked, ..CliError::usage(message).hint(hint) });
    if let Some(signs) = &survey.signs {
        let hint = match signs.holder.pid {
            0 => "stop it where it was started; nothing was signalled".to_owned(),
            pid => format!("stop it with `kill -INT {pid}`; nothing was signalled"),
        };
        return locked(format!("`{name}`: {}", signs.message), hint);
    }
    if let Some(holder) = &survey.holder {
        return locked(
            format!("`{name}` is held by {holder} now"),
            format!("`cargo scylla stop {}` stops that one, too", shell_word(name)),
        );
    }
    if survey.claimed.is_empty() {
        return None;
    }
    let workers: Vec<String> = survey.claimed.iter().map(|(run, holder)| format!("{run} by {holder}")).collect();
    let pids: Vec<String> = survey.claimed.values().map(|holder| format!("`kill -INT {}`", holder.pid)).collect();
    locked(
        format!("`{name}` has no coordinator, and workers are at work: {}", list(&workers)),
        format!("each comes to its end by itself; on its machine, {} stops one", list(&pids)),
    )
}
