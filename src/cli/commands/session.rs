//! The common part of `run`, `resume` and `extend`: one session of the coordinator, shown to people, ended by an exit
//! code.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::cli::addresses;
use crate::cli::args::Which;
use crate::cli::args::operation::OperationFlags;
use crate::cli::beforehand::judging_themselves;
use crate::cli::choose::choose;
use crate::cli::commands::image;
use crate::cli::console::Console;
use crate::cli::error::{CliError, On as _};
use crate::cli::exit::Exit;
use crate::cli::needs;
use crate::cli::prelude::Prelude;
use crate::engine::coordinator::{self, SessionOptions};
use crate::engine::error::EngineError;
use crate::engine::image::Image;
use crate::engine::reach::{Reach, contained};
use crate::engine::session::create::Options;
use crate::engine::session::open::{Session, begin, hold};
use crate::engine::worker::workplace::Surroundings;
use crate::gateway::Gateway;
use crate::model::agent::Agent;
use crate::model::event::{Event, Missing};
use crate::model::experiment::{Config, ContainmentChoice};
use crate::model::limits;
use crate::model::outcome::ExperimentEnd;
use crate::model::resources::Resources;
use crate::model::sandbox::{Network, Sandbox, SandboxChoice};
use crate::os::process::{Containment, Controllers};
use crate::store;
use crate::text::redact::Secrets;
use crate::text::words::shell_word;
use crate::ui::Reporter;

/// How often bars are redrawn.
const TICK: Duration = Duration::from_millis(200);

/// The agents that have work to do.
fn agents_to_start(session: &Session) -> Vec<&Agent> {
    let missing = session.progress.missing();
    let runs = session.progress.to_do();
    let runs = runs.filter(|run| missing.get(run).is_some_and(|why| *why != Missing::AgentComplete));
    runs.filter_map(|run| Some(&session.fixture.tiers.get(&run.tier)?.get(&run.subtest)?.agent)).collect()
}

/// Does what is left of an experiment and reports how it ended.
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
        store::jobs::forget_pauses(&session.locked.folder)?;
    }
    let making = prelude.making();
    let image = match session.image.take() {
        None => image::of_session(&session, name, console)?,
        image => image,
    };
    drop(making);
    // Where nothing is left to be done nothing is started, and no image is needed.
    let asked = session.config.clone();
    let idle = Config { sandbox: None, ..asked.clone() };
    let is_idle = image.is_none() && session.progress.to_do().next().is_none();
    let surroundings = surroundings(if is_idle { &idle } else { &asked }, image, name)?;
    let experiment_id = session.config.experiment_id.clone();
    let damaged = !session.damage.is_empty();
    let mut session_report = SessionReport::new(console, console.reporter());
    let mut report = |at, event: Option<&Event>| session_report.event(at, event);
    let mut news = first.to_vec();
    if session.progress.to_do().next().is_some() {
        let is_replayed = session.config.replay.is_some() && session.grader.number.is_first();
        let judges = needs::of_judges(&session.grader.fixture.judges, is_replayed);
        let programs = needs::of_programs(agents_to_start(&session), session.config.sandbox.as_ref());
        let written = needs::of_configurations(agents_to_start(&session)).into_iter().collect();
        let config = &session.config;
        let network = config.sandbox.as_ref().map_or(Network::Open, |sandbox| sandbox.network);
        let asked = (config.gateway_use(), network);
        let asking = agents_to_start(&session).into_iter().filter(|_| config.replay.is_none());
        let wrong = addresses::of_agents(asking, &session.fixture, config.models.first().map(String::as_str), asked);
        needs::refuse(&[judges, programs, written, wrong].concat())?;
        let (models, judge_models) = (&session.config.models, &session.config.judge_models);
        let same = judging_themselves(&session.fixture, &session.grader.fixture.judges, models, judge_models);
        news.extend(same.map(|message| Event::Notice { message }));
    }
    if surroundings.containment == Containment::Walk && session.config.containment == ContainmentChoice::Auto {
        let message = "neither bubblewrap nor control groups work here: what a run leaves behind is found by a walk of \
                       processes only; install bubblewrap for a sure end";
        news.insert(0, Event::Notice { message: message.to_owned() });
    }
    if surroundings.reach == Reach::Everything
        && session.config.sandbox.as_ref().is_some_and(|asked| asked.choice == SandboxChoice::Auto)
    {
        news.insert(0, Event::Notice { message: no_sandbox(&surroundings.containment) });
    }
    news.extend(surroundings.reach.unseen().into_iter().map(|path| {
        let message = format!("`{}`, which `sandbox.readable` names, is not here, and is not shown", path.display());
        Event::Notice { message }
    }));
    let tick = console.draws_bars().then_some(TICK);
    let session_options = session_options(surroundings, name, news, tick);
    let finished = coordinator::conduct(session, session_options, prelude.into_listening(), &mut report);
    let finished = finished.on(name).map_err(|error| {
        let resume = format!("cargo scylla resume {}", shell_word(name));
        error.or_hint(&format!("what is committed is safe; `{resume}` goes on when nothing is in its way any more"))
    })?;
    session_report.end(name)?;
    console.summary(experiment_id.as_str(), &finished)?;
    Ok(match finished.end {
        ExperimentEnd::Completed | ExperimentEnd::Incomplete if damaged => Exit::Damaged,
        ExperimentEnd::Completed => Exit::Success,
        ExperimentEnd::Incomplete
        | ExperimentEnd::BudgetReached
        | ExperimentEnd::TimeReached
        | ExperimentEnd::RateLimited => Exit::Incomplete,
        ExperimentEnd::Stopped { signal } => Exit::stopped(signal),
    })
}

/// The reporter of a session, and whether its output could be written.
pub(super) struct SessionReport<'a> {
    console: &'a Console,
    reporter: Box<dyn Reporter>,
    unwritten: Result<(), CliError>,
}

impl<'a> SessionReport<'a> {
    pub(super) fn new(console: &'a Console, reporter: Box<dyn Reporter>) -> Self {
        Self { console, reporter, unwritten: Ok(()) }
    }

    /// Reports an event, or that time has passed.
    pub(super) fn event(&mut self, at: Timestamp, event: Option<&Event>) {
        let Some(event) = event else { return self.reporter.tick(at) };
        // The reader of the output may be gone; the experiment goes on.
        let told = self.console.is_written(self.reporter.event(at, event));
        if self.unwritten.is_ok() {
            self.unwritten = told;
        }
    }

    /// Ends the report.
    ///
    /// # Errors
    /// When output that is a result could not be written.
    pub(super) fn end(self, name: &str) -> Result<(), CliError> {
        drop(self.reporter);
        self.unwritten.map_err(|error| {
            error.hint(format!("the experiment is as it says itself: `cargo scylla status {}`", shell_word(name)))
        })
    }
}

/// The session's options on this machine.
pub(super) fn session_options(
    surroundings: Surroundings,
    name: &str,
    news: Vec<Event>,
    tick: Option<Duration>,
) -> SessionOptions {
    SessionOptions { surroundings, tick, folder_name: name.to_owned(), news }
}

/// What programs of runs are started with on this machine: this environment, whose secrets are not written to the disk.
///
/// # Errors
/// When the containment, the sandbox or a limit that is asked for cannot be had here.
pub(super) fn surroundings(config: &Config, image: Option<Arc<Image>>, name: &str) -> Result<Surroundings, CliError> {
    surroundings_with(config, image, &BTreeMap::new(), name)
}

/// The same, with these variables in place of those of this environment.
///
/// # Errors
/// As [`surroundings`].
pub(super) fn surroundings_with(
    config: &Config,
    image: Option<Arc<Image>>,
    given: &BTreeMap<String, String>,
    name: &str,
) -> Result<Surroundings, CliError> {
    let given = given.iter().map(|(name, value)| (name.into(), value.into()));
    let inherited: BTreeMap<OsString, OsString> = std::env::vars_os().chain(given).collect();
    let (containment, reach) = contained(config.containment, config.sandbox.as_ref(), image, &inherited).on(name)?;
    let controllers = Controllers::probe(&config.resources()).map_err(EngineError::from).on(name)?;
    needs::refuse(needs::of_network(config.sandbox.as_ref(), config.gateway_use()).as_slice())?;
    // Whoever waits no longer for a rate limit holds no request back for longer.
    let hold = config.hold_seconds.unwrap_or(limits::HOLD_SECONDS).min(config.rate_limit_seconds);
    let hold = Duration::from_secs(hold);
    let gateway = Gateway::of(config.gateway_use(), hold).map(Arc::new);
    let secrets = secrets_of(&inherited);
    Ok(Surroundings { containment, reach, controllers, inherited, secrets, gateway })
}

/// The secrets of this environment.
pub(super) fn secrets() -> Secrets {
    secrets_of(&std::env::vars_os().collect())
}

fn secrets_of(inherited: &BTreeMap<OsString, OsString>) -> Secrets {
    let texts = inherited.iter().filter_map(|(name, value)| Some((name.to_str()?, value.to_str()?)));
    Secrets::from_environment(texts.map(|(name, value)| (name.to_owned(), value.to_owned())))
}

/// Settles what `auto` comes to here, so that an experiment keeps it in all its sessions; gives the word that it is no sandbox.
pub(super) fn settle_sandbox(options: &mut Options) -> Result<Option<String>, CliError> {
    let Some(asked) = options.sandbox.as_mut().filter(|asked| asked.choice == SandboxChoice::Auto) else {
        return Ok(None);
    };
    let containment = Containment::probe(options.containment).map_err(EngineError::from).on(".")?;
    match (&containment, asked.network) {
        (Containment::Bubblewrap { .. }, _) => asked.choice = SandboxChoice::Bubblewrap,
        (_, Network::Open) => {
            options.sandbox = None;
            return Ok(Some(no_sandbox(&containment)));
        }
        // It is refused when an experiment begins.
        (_, Network::None | Network::Model) => {}
    }
    Ok(None)
}

fn no_sandbox(containment: &Containment) -> String {
    let by = containment.name();
    format!(
        "runs are contained by `{by}` here, which makes no sandbox, so agents and checks are in none: they reach all that you reach"
    )
}

/// Refuses a containment, a sandbox or a limit that cannot be had here, before anything is made or saved.
pub(super) fn refuse_containment(
    choice: ContainmentChoice,
    sandbox: Option<&Sandbox>,
    resources: &Resources,
    name: &str,
) -> Result<(), CliError> {
    Controllers::probe(resources).map_err(EngineError::from).on(name)?;
    // An image is shown by bubblewrap too, and made ready when that is known to work.
    let as_bubblewrap = |asked: &Sandbox| match asked.choice {
        SandboxChoice::Podman => Sandbox { choice: SandboxChoice::Bubblewrap, ..asked.clone() },
        _ => asked.clone(),
    };
    let sandbox = sandbox.map(as_bubblewrap);
    contained(choice, sandbox.as_ref(), None, &std::env::vars_os().collect()).map(drop).on(name)
}

/// Saves operational changes, so that they apply to later sessions too.
pub(super) fn save_operation(session: &Session, changed: bool, name: &str) -> Result<(), CliError> {
    if changed {
        let config = &session.config;
        let conflict = needs::of_recording(config.gateway, config.record, config.replay.as_deref());
        needs::refuse(conflict.as_slice())?;
        refuse_containment(config.containment, config.sandbox.as_ref(), &config.resources(), name)?;
        needs::refuse(needs::of_network(config.sandbox.as_ref(), config.gateway_use()).as_slice())?;
        store::work::must_be_usable(config.work_dir.as_deref())?;
        // A config of an earlier version is saved in the current one, which needs this record beside it.
        store::repository::record(&session.locked.folder, &[])?;
        store::config::save(&session.locked.folder, &session.config)?;
    }
    Ok(())
}

/// Opens a folder that a person named and takes its lock.
pub(super) fn open_held(which: &Which, console: &mut Console) -> Result<(Session, String), CliError> {
    let (folder, name) = choose(which, console)?;
    let locked = hold(folder, |holder| console.watches(holder)).on(&name)?;
    let session = begin(locked).on(&name)?;
    Ok((session, name))
}
