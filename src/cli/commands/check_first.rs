//! `--check-judges`: a session that holds its judges against gold examples before it starts an agent.

use crate::cli::args::judge::CheckFirst;
use crate::cli::commands::gold::{self, Conditions};
use crate::cli::commands::judge::{must_be_met, must_have_gold};
use crate::cli::console::Console;
use crate::cli::error::CliError;
use crate::cli::options;
use crate::cli::prelude::Prelude;
use crate::config::fixture::{Loaded, Overrides};
use crate::engine::session::create::Options;
use crate::engine::session::open::Session;
use crate::model::task::Source;
use crate::model::usage::Total;
use crate::store;
use crate::text::words::shell_word;
use crate::ui::drift;

/// Refuses what cannot be checked, before an experiment is made.
///
/// # Errors
/// When there is no gold example, or one does not apply.
pub(super) fn refuse(flags: &CheckFirst, options: &Options) -> Result<(), CliError> {
    if !flags.check_judges {
        return Ok(());
    }
    refuse_replay(options.replay.as_deref())?;
    must_have_gold(&options.parts.dir, &options.fixture)
}

/// Judges that are checked are asked.
fn refuse_replay(replay: Option<&str>) -> Result<(), CliError> {
    let Some(_) = replay else { return Ok(()) };
    let message = "`--check-judges` asks judges, and where a recording is replayed nobody is asked";
    Err(CliError::usage(message).hint("leave `--check-judges` out: `cargo scylla judge check` asks judges by itself"))
}

/// Checks the judges of the newest grading, if that is asked for and anything is left to do, and records what was found. Gives the
/// prelude of what follows.
///
/// # Errors
/// When a judge drifts beyond the limit or gives no answer, judges cannot be checked, or a stop is asked for.
pub(super) fn check_judges(
    session: &Session,
    flags: &CheckFirst,
    name: &str,
    prelude: Prelude,
    console: &mut Console,
) -> Result<Prelude, CliError> {
    if !flags.check_judges || session.progress.to_do().next().is_none() {
        return Ok(prelude);
    }
    refuse_replay(session.config.replay.as_deref())?;
    let resume = format!("cargo scylla resume {} --check-judges", shell_word(name));
    prelude.goes_on_by(resume.clone());
    let loaded = frozen(session)?;
    must_have_gold(&loaded.parts.dir, &loaded.fixture)?;
    let (config, spent) = (&session.config, session.progress.spent().total());
    let conditions = Conditions {
        repeat: 1,
        max_drift: flags.max_drift,
        jobs: config.jobs,
        attempts: config.attempts,
        judge_models: config.judge_models.clone(),
        prices: config.prices.clone(),
        max_cost: config.max_cost_usd.map(|ceiling| ceiling.saturating_sub(spent.known)),
        max_pause: config.rate_limit_seconds,
        containment: config.containment,
        work_dir: config.work_dir.clone(),
    };
    let checked = gold::check(&loaded, &conditions, prelude, console);
    let (check, after) =
        checked.map_err(|error| error.or_hint(&format!("no agent was started; `{resume}` goes on")))?;
    after.goes_on_by(resume);
    store::judge_checks::add(&session.locked.folder, &check)?;
    console.say(drift::judges_table(&check).trim_end())?;
    if let Some(ceiling) = config.max_cost_usd {
        let cost: Total = check.judges.iter().map(|judge| judge.cost).sum();
        console.say(&format!(
            "note: the check cost {cost}, and the experiment has spent {spent} of its ceiling of {ceiling}, of which the check is no part"
        ))?;
    }
    must_be_met(&check).map_err(|error| {
        let mend = error.hint.as_deref().unwrap_or_default();
        let hint = format!("no agent was started; {mend}; a mended fixture begins anew with `run --fresh`");
        error.hint(hint)
    })?;
    Ok(after)
}

/// The experiment's own copy of the fixture by which it grades; a task that was fetched is in its repository.
fn frozen(session: &Session) -> Result<Loaded, CliError> {
    let mut loaded = options::load(&session.grader.folder, &Overrides::default())?;
    if let Source::Repository { repo, hash } = &mut loaded.fixture.source {
        *repo = session.locked.folder.repo().display().to_string();
        hash.clone_from(&session.config.task_commit);
    }
    Ok(loaded)
}
