//! `run`: start an experiment, or go on with the unfinished one of the same fixture.

use serde_json::{Value, json};

use crate::cli::args::Run;
use crate::cli::commands::dry_run;
use crate::cli::commands::sitting::{self, open_folder};
use crate::cli::console::Console;
use crate::cli::error::{CliError, shown};
use crate::cli::exit::Exit;
use crate::cli::locate::{Located, locate};
use crate::cli::prelude::Prelude;
use crate::cli::wish::{self, differ};
use crate::engine::create::{Wish, create};
use crate::engine::open::{Sitting, hold, hold_creation, take_over};
use crate::lifecycle::index::is_complete;
use crate::model::event::Event;
use crate::model::experiment::FieldClass;
use crate::model::survey::{Seen, Survey};
use crate::os::files;
use crate::store;
use crate::store::find::Found;
use crate::store::layout::ExperimentFolder;
use crate::store::survey::Depth;
use crate::text::words::shell_word;

/// Runs the command.
///
/// # Errors
/// When the fixture has mistakes, the experiment is held, or the sitting cannot begin.
pub fn run(args: &Run, console: &mut Console) -> Result<Exit, CliError> {
    let prelude = Prelude::begin(console)?;
    let current = console.current_dir()?;
    let located = locate(&current)?;
    let places = wish::places(args, &located, &current)?;
    let loaded = wish::load(&places.fixture_dir, &places.said)?;
    let wish = wish::wish(args, &located, places, loaded)?;
    let newest = if args.fresh { None } else { find_newest(&wish)? };
    if args.dry_run {
        dry_run::check(&wish)?;
        let price = args.price_per_run.or(located.settings.price_per_run);
        let newest = newest.as_ref().map(|newest| (newest.folder.root(), newest.complete));
        return dry_run::show(&wish, price, newest, console);
    }
    match newest {
        Some(Newest { folder, complete: true }) => return leave_alone(&folder, console),
        Some(Newest { folder, complete: false }) => return go_on(folder, args, &located, &wish, prelude, console),
        None => dry_run::check(&wish)?,
    }
    let notices = wish::notices(args, &located, &wish);
    let (id, results_dir) = (&wish.fixture.id, shown(&wish.results_dir, &current));
    let creation = hold_creation(&wish.results_dir, id, |holder| {
        // Whoever wants quiet, or has closed the stream, waits all the same.
        let _ = console.say(&format!("{holder} is making an experiment of `{id}` in `{results_dir}`: waiting for it"));
    });
    let creation = creation.map_err(|error| CliError::engine(error, "."))?;
    // Another one may have been made meanwhile; two at once would both be paid.
    let meanwhile = if args.fresh { None } else { find_newest(&wish)? };
    if let Some(Newest { folder, complete }) = meanwhile {
        creation.remove();
        if complete {
            return leave_alone(&folder, console);
        }
        return go_on(folder, args, &located, &wish, prelude, console);
    }
    let held = create(wish);
    creation.remove();
    let held = held.map_err(|error| CliError::engine(error, "."))?;
    let name = shown(held.folder.root(), &current);
    let sitting = take_over(held).map_err(|error| CliError::engine(error, &name))?;
    sitting::conduct(sitting, &name, &notices, prelude, console)
}

/// The newest experiment of the fixture's id that has begun.
struct Newest {
    folder: ExperimentFolder,
    /// Whether nothing of it is left to do.
    complete: bool,
}

fn find_newest(wish: &Wish) -> Result<Option<Newest>, CliError> {
    for newest in store::find::find(&wish.results_dir, &wish.fixture.id)? {
        let survey = store::survey::survey(&newest.folder, Depth::Results)?;
        // The checkpoint alone proves nothing: results may have gone since.
        let complete = newest.completed() && is_complete(&survey);
        if complete || !never_began(&newest, &survey)? {
            return Ok(Some(Newest { folder: newest.folder, complete }));
        }
    }
    Ok(None)
}

/// Whether a folder was made and nothing else: its coordinator was killed before the config was there, so no run was.
fn never_began(found: &Found, survey: &Survey) -> Result<bool, CliError> {
    let nothing_known = found.checkpoint == Seen::Missing && files::kind_of(&found.folder.config())?.is_none();
    Ok(nothing_known && survey.runs.is_empty())
}

fn leave_alone(folder: &ExperimentFolder, console: &mut Console) -> Result<Exit, CliError> {
    let name = shown(folder.root(), &console.current_dir()?);
    let dir = shell_word(&name);
    console.say(&format!(
        "`{name}` is finished and left alone.\n\nhint: `cargo scylla run --fresh` starts anew, `cargo scylla extend {dir} --runs N` adds \
         runs, `cargo scylla verify {dir}` checks it"
    ))?;
    Ok(Exit::Success)
}

/// Goes on with an unfinished experiment: its saved config wins, and every flag that differs is told.
fn go_on(
    folder: ExperimentFolder,
    args: &Run,
    located: &Located,
    wish: &Wish,
    prelude: Prelude,
    console: &mut Console,
) -> Result<Exit, CliError> {
    let name = shown(folder.root(), &console.current_dir()?);
    let held = hold(folder).map_err(|error| CliError::engine(error, &name))?;
    let mut sitting = take_over(held).map_err(|error| CliError::engine(error, &name))?;
    let mut events = vec![Event::Notice {
        message: format!("going on with the unfinished experiment `{name}` (`--fresh` starts anew)"),
    }];
    let runs = args.runs.or(located.settings.runs).map(Value::from);
    let max_subtests = args.max_subtests.map(Value::from);
    let tiers = args.tiers.as_ref().map(|_| json!(wish.subtests));
    let plan = [("runs_per_subtest", runs), ("max_subtests", max_subtests), ("subtests", tiers)];
    let mut flags = args.config.clone();
    flags.operation.jobs = flags.operation.jobs.or(located.settings.jobs);
    let differences = differ(&mut sitting.config, &flags, &plan);
    events.extend(differences.events);
    let digest = store::evidence::digest_of_parts(&wish.parts)?;
    if digest != Some(sitting.config.fixture_digest) {
        events.push(Event::FlagDiffers {
            field: "fixture_digest".to_owned(),
            saved: json!(sitting.config.fixture_digest),
            given: json!(digest),
            class: FieldClass::Result,
        });
    }
    save_operation(&sitting, differences.operational)?;
    sitting::conduct(sitting, &name, &events, prelude, console)
}

/// Keeps operational changes: they hold for later sittings too.
pub(super) fn save_operation(sitting: &Sitting, changed: bool) -> Result<(), CliError> {
    if changed {
        store::config::save(&sitting.held.folder, &sitting.config)?;
    }
    Ok(())
}

/// Opens a folder that a person named and takes its lock.
pub(super) fn open_held(dir: &std::path::Path, console: &Console) -> Result<(Sitting, String), CliError> {
    let (folder, name) = open_folder(dir, console)?;
    let held = hold(folder).map_err(|error| CliError::engine(error, &name))?;
    let sitting = take_over(held).map_err(|error| CliError::engine(error, &name))?;
    Ok((sitting, name))
}
