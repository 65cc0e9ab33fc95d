//! `judge check`: how far each judge of a fixture is from its gold examples.

use std::path::Path;

use crate::cli::args::judge::Judge;
use crate::cli::args::output::MessageFormat;
use crate::cli::commands::gold::{self, Conditions, OVER_CEILING};
use crate::cli::console::Console;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::locate::locate_without_manifest;
use crate::cli::needs;
use crate::cli::options;
use crate::cli::prelude::Prelude;
use crate::config::fixture::{GOLD_FOLDER, Loaded, Overrides, to_be_named};
use crate::config::list::folder_of;
use crate::model::gold::JudgeCheck;
use crate::model::limits;
use crate::model::task::Fixture;
use crate::ui::drift;

/// Runs the command.
///
/// # Errors
/// When the fixture has mistakes or no gold example, or a judge drifts or gave no answer.
pub fn run(args: &Judge, console: &mut Console) -> Result<Exit, CliError> {
    let Judge::Check(args) = args;
    let prelude = Prelude::of(console, "before all judges were checked")?;
    let current = console.current_dir()?;
    let (located, note) = locate_without_manifest(&current)?;
    if let Some(note) = note {
        console.say(&format!("note: {note}"))?;
    }
    let named = args.fixture.as_ref().map(|dir| current.join(dir));
    let set = || Some(located.root.join(located.settings.tiers_dir.as_ref()?));
    let dir = named
        .or_else(set)
        .ok_or_else(|| CliError::usage("no fixture is named").hint("name one as in `cargo scylla judge check DIR`"))?;
    let dir = folder_of(&dir);
    let judge_models = options::judge_models(args.judge_model.as_slice(), &located);
    let overrides =
        Overrides { judge_models: judge_models.clone(), ..options::overrides(&args.overrides, &located, &current) };
    let loaded = options::load(dir, &overrides.to_look_at(dir))?;
    must_be_ready(&loaded)?;
    let settings = &located.settings;
    let conditions = Conditions {
        repeat: args.repeat,
        max_drift: args.max_drift,
        jobs: args.jobs.or(settings.jobs).unwrap_or_else(options::cores),
        attempts: args.attempts.or(settings.attempts).unwrap_or(limits::ATTEMPTS),
        judge_models,
        max_cost: None,
        max_pause: args.max_pause.or(settings.max_pause).unwrap_or(limits::RATE_LIMIT_SECONDS),
        prices: options::prices(&loaded.fixture, &located),
        containment: args.containment.or(settings.containment).unwrap_or_default(),
        work_dir: None,
    };
    let (check, _after) = gold::check(&loaded, &conditions, prelude, console)?;
    let text = match console.message_format() {
        MessageFormat::Json => drift::json(&check),
        MessageFormat::Human => drift::human(&check, console.out_styles()),
    };
    console.print(&text)?;
    must_be_met(&check).map(|()| Exit::Success)
}

/// Refuses to begin without judges, without their keys, and without an example that applies.
fn must_be_ready(loaded: &Loaded) -> Result<(), CliError> {
    let fixture = &loaded.fixture;
    if to_be_named(fixture).1 {
        return Err(CliError::usage("nobody says who judges").hint("say it with `--judge-command LINE`"));
    }
    must_have_gold(&loaded.parts.dir, fixture)
}

/// Refuses to check judges without their keys, against nothing, or against an example that does not apply.
pub(super) fn must_have_gold(dir: &Path, fixture: &Fixture) -> Result<(), CliError> {
    if fixture.gold.is_empty() {
        return Err(CliError::usage(format!("the fixture `{}` has no gold example", fixture.id))
            .hint(format!("write one as `{GOLD_FOLDER}/NAME.yaml`: a `patch`, and the `scores` that it deserves")));
    }
    needs::refuse(&needs::of_judges(&fixture.judges, false))?;
    let mistakes = gold::not_applying(dir, fixture)?;
    if mistakes.is_empty() { Ok(()) } else { Err(CliError::mistakes(&mistakes)) }
}

/// Whether judges gave no answer for no other reason than that there was no money left to ask them.
fn is_over_ceiling(check: &JudgeCheck) -> bool {
    let mut whys =
        check.judges.iter().flat_map(|judge| &judge.examples).flat_map(|example| &example.failures).peekable();
    whys.peek().is_some() && whys.all(|why| why == OVER_CEILING)
}

/// Fails when a judge drifts beyond the limit, or gave no answer.
pub(super) fn must_be_met(check: &JudgeCheck) -> Result<(), CliError> {
    if check.is_met() {
        return Ok(());
    }
    let wrong = drift::wrong(check);
    let is_beyond = drift::is_beyond(check);
    let exit = if is_beyond { Exit::Policy } else { Exit::Incomplete };
    let hint = if is_beyond {
        format!(
            "the limit is {:.2}: mend the judge, its prompt or the rubric, or allow more by `--max-drift`",
            check.max_drift
        )
    } else if is_over_ceiling(check) {
        "raise `--max-cost-usd`: a judge that was not asked is no judge that is wrong".to_owned()
    } else {
        "mend what keeps it from answering: how far a judge is off that says nothing is not known".to_owned()
    };
    Err(CliError { exit, ..CliError::usage(wrong.join("\n")).hint(hint) })
}
