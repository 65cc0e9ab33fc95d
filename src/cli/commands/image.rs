//! The image that agents and checks of a session work in: made ready before anything is started, and told while that lasts. Who
//! calls this holds [`crate::cli::prelude::Prelude::making`], so that a stop removes what is half laid out.

use std::sync::Arc;

use crate::cli::console::Console;
use crate::cli::error::{CliError, On as _};
use crate::engine::alone::ClaimedRun;
use crate::engine::image::{Image, ImageError, Wanted, make_ready};
use crate::engine::session::create::Options;
use crate::engine::session::open::Session;

/// Makes the image of a new experiment ready, with every program that its agents and checks start; `None` where it has none.
///
/// # Errors
/// When it cannot be had, or lacks a program.
pub(super) fn of_options(options: &Options, console: &mut Console) -> Result<Option<Arc<Image>>, CliError> {
    let Some(sandbox) = &options.sandbox else { return Ok(None) };
    let wanted = Wanted {
        sandbox,
        fixture: &options.parts.dir,
        recorded: options.image_id.as_deref(),
        work_dir: options.work_dir.as_deref(),
    };
    let image = ready(wanted, console).on(".")?;
    if let Some(image) = &image {
        let is_planned = |tier, subtest| options.subtests.get(&tier).is_some_and(|planned| planned.contains(&subtest));
        image.refuse_absent(&options.fixture, is_planned).on(".")?;
    }
    Ok(image)
}

/// Makes the image of an experiment ready that is there; `None` where it has none, or nothing is left to be done.
///
/// # Errors
/// When it cannot be had, is another one than it was, or lacks a program.
pub(super) fn of_session(session: &Session, name: &str, console: &mut Console) -> Result<Option<Arc<Image>>, CliError> {
    let Some(sandbox) = session.config.sandbox.as_ref().filter(|_| session.progress.to_do().next().is_some()) else {
        return Ok(None);
    };
    let wanted = Wanted {
        sandbox,
        fixture: &session.locked.folder.fixture(),
        recorded: session.config.image_id.as_deref(),
        work_dir: session.config.work_dir.as_deref(),
    };
    let image = ready(wanted, console).on(name)?;
    if let Some(image) = &image {
        let planned = session.config.plan();
        let is_planned = |tier, subtest| planned.subtests().get(&tier).is_some_and(|all| all.contains_key(&subtest));
        image.refuse_absent(&session.fixture, is_planned).on(name)?;
    }
    Ok(image)
}

/// Makes the image of a single run ready.
///
/// # Errors
/// When it cannot be had, or is another one than it was.
pub(super) fn of_run(claimed: &ClaimedRun, name: &str, console: &mut Console) -> Result<Option<Arc<Image>>, CliError> {
    let Some(sandbox) = &claimed.config.sandbox else { return Ok(None) };
    let wanted = Wanted {
        sandbox,
        fixture: &claimed.folder().fixture(),
        recorded: claimed.config.image_id.as_deref(),
        work_dir: claimed.config.work_dir.as_deref(),
    };
    ready(wanted, console).on(name)
}

fn ready(wanted: Wanted<'_>, console: &mut Console) -> Result<Option<Arc<Image>>, ImageError> {
    // Even if the message is suppressed or cannot be written, the image is made ready.
    let image = make_ready(wanted, |message| drop(console.say(&format!("{message} …"))))?;
    Ok(image.map(Arc::new))
}
