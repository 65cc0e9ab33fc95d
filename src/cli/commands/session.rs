//! What `run`, `resume` and `extend` share: one session of the coordinator, shown to people, ended by an exit code.

use std::time::Duration;

use crate::cli::args::OperationFlags;
use crate::cli::console::Console;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::prelude::Prelude;
use crate::engine::coordinator::{self, SessionOptions};
use crate::engine::session::open::Session;
use crate::model::event::Event;
use crate::model::experiment::ContainmentChoice;
use crate::model::outcome::ExperimentEnd;
use crate::os::process::Containment;
use crate::text::redact::Secrets;
use crate::text::words::shell_word;

/// How often bars are drawn anew.
const TICK: Duration = Duration::from_millis(200);

/// Does what is left of an experiment and tells how it ended.
pub(super) fn conduct(
    mut session: Session,
    operation: &OperationFlags,
    name: &str,
    first: &[Event],
    prelude: Prelude,
    console: &mut Console,
) -> Result<Exit, CliError> {
    prelude.goes_on_by(format!("cargo scylla resume {}", shell_word(name)));
    if operation.ignore_rate_limit {
        session.checkpoint.end_limits();
    }
    let containment =
        Containment::probe(session.config.containment).map_err(|error| CliError::engine(error.into(), name))?;
    let experiment_id = session.config.experiment_id.clone();
    let damaged = !session.damage.is_empty();
    let mut reporter = console.reporter();
    let mut unwritten = Ok(());
    let mut report = |at, event: Option<&Event>| {
        if let Some(event) = event {
            // Whoever listened may be gone; the experiment goes on without them.
            let told = console.is_written(reporter.event(at, event));
            if unwritten.is_ok() {
                unwritten = told;
            }
        } else {
            reporter.tick(at);
        }
    };
    let mut news = first.to_vec();
    if containment == Containment::Walk && session.config.containment == ContainmentChoice::Auto {
        let message = "neither bubblewrap nor control groups work here: what a run leaves behind is found by a walk of \
                       processes only; install bubblewrap for a sure end";
        news.insert(0, Event::Notice { message: message.to_owned() });
    }
    let tick = console.draws_bars().then_some(TICK);
    let session_options = session_options(containment, name, news, tick);
    let finished = coordinator::conduct(session, session_options, prelude.into_listening(), &mut report)
        .map_err(|error| CliError::engine(error, name))?;
    drop(reporter);
    unwritten.map_err(|error| {
        error.hint(format!("the experiment is as it says itself: `cargo scylla status {}`", shell_word(name)))
    })?;
    console.summary(experiment_id.as_str(), &finished)?;
    Ok(match finished.end {
        ExperimentEnd::Completed | ExperimentEnd::Incomplete if damaged => Exit::Damaged,
        ExperimentEnd::Completed => Exit::Success,
        ExperimentEnd::Incomplete | ExperimentEnd::BudgetReached | ExperimentEnd::RateLimited => Exit::Incomplete,
        ExperimentEnd::Stopped { signal } => Exit::stopped(signal),
    })
}

/// How a session is conducted from here: with this environment, and with its secrets kept from the disk.
pub(super) fn session_options(
    containment: Containment,
    name: &str,
    news: Vec<Event>,
    tick: Option<Duration>,
) -> SessionOptions {
    let texts =
        std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    SessionOptions {
        containment,
        tick,
        folder_name: name.to_owned(),
        news,
        inherited: std::env::vars_os().collect(),
        secrets: Secrets::from_environment(texts),
    }
}
