//! What `resume` does with an experiment of ProjectScylla: it reports what it will do, then takes the experiment over.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::cli::args::Resume;
use crate::cli::console::Console;
use crate::cli::error::{CliError, On as _, shown};
use crate::cli::exit::Exit;
use crate::cli::locate::{Located, locate};
use crate::cli::options;
use crate::config::fixture::Loaded;
use crate::config::list::folder_of;
use crate::engine::projectscylla::take_over::{self, TakeOver};
use crate::engine::session::create::Options;
use crate::engine::session::open::{self, Locked};
use crate::model::experiment::Inherit;
use crate::model::finding::Level;
use crate::model::ids::{RunId, SetupId, SubtestId, TierId};
use crate::model::limits;
use crate::model::setup::Resources;
use crate::model::survey::Survey;
use crate::model::task::{Fixture, Subtest};
use crate::model::usage::Total;
use crate::os::{clock, files};

use crate::projectscylla::take_over::{not_understood, way_to_inherit};
use crate::rules::mend::{Ask, mend};
use crate::text::short::first_of;
use crate::text::words::{counted, list, shell_word};

/// Most runs that are listed in a message.
const MOST_NAMED: usize = 8;

/// Takes an experiment of ProjectScylla over. `Some` when there is nothing to do: then that is the command's exit code.
///
/// # Errors
/// When its own runner works on it, its state does not allow it, agents would be paid again without a person's consent,
/// or the fixture for missing runs is not known.
pub(super) fn take_over(
    args: &Resume,
    locked: &mut Locked,
    survey: &Survey,
    name: &str,
    console: &mut Console,
) -> Result<Option<Exit>, CliError> {
    let Some(candidate) = TakeOver::of(locked, survey).on(name)? else { return Ok(None) };
    if candidate.is_complete() {
        return leave_alone(locked, survey, name, console).map(Some);
    }
    if !args.take_over.redo_unjudged {
        refuse_to_pay_again(&candidate.runs.unjudged, name)?;
    }
    let current = console.current_dir()?;
    let fixture_dir = fixture_dir(args, &candidate, &current)?;
    let located = locate(&current)?;
    let overrides = options::overrides(&args.take_over.overrides, &located, &current);
    let loaded = options::load(&fixture_dir, &overrides)?;
    let subtests = candidate.subtests_of(&locked.folder, &loaded.fixture).on(name)?;
    let tiers: Vec<TierId> = subtests.keys().copied().collect();
    let loaded = options::startable(loaded, &tiers)?;
    let inherit = inherit(args, &candidate, &loaded.fixture, &subtests)?;
    let known = candidate.thinking_mode(&locked.folder).on(name)?;
    let thinking = thinking_mode(args, known.clone())?;
    let options =
        Options { thinking_mode: thinking, ..options_of((args, &located), &candidate, loaded, subtests, inherit) };
    let planned: usize = options.subtests.values().map(|all| all.len() * options.runs_per_subtest as usize).sum();
    let mut messages = intent(&candidate, planned, &shown(&fixture_dir, &current), inherit);
    messages.extend(thinking_message(&candidate, known.is_some(), &options.thinking_mode));
    messages.extend(words_differ(&candidate, &options));
    messages.extend(options.notes.clone());
    if let Some(ceiling) = options.max_cost_usd {
        messages.push(format!("nothing more is started when {ceiling} are spent, what it cost before included"));
    }
    console.report(&messages)?;
    take_over::take_over(locked, &candidate, options).on(name)?;
    Ok(None)
}

/// Leaves a finished experiment as ProjectScylla's; mistakes of its checkpoint are mended in its own version.
fn leave_alone(locked: &mut Locked, survey: &Survey, name: &str, console: &mut Console) -> Result<Exit, CliError> {
    let mending = mend(survey, &Ask::default(), clock::now());
    open::apply(locked, survey, &mending).on(name)?;
    let mut messages =
        vec![format!("`{name}` is complete: nothing was started, and it stays an experiment of ProjectScylla")];
    if !mending.mended.is_empty() {
        messages.push(format!("{} mended in its checkpoint", counted(mending.mended.len(), "disagreement")));
    }
    console.report(&messages)?;
    let damaged = mending.kept.iter().any(|finding| finding.kind.level() == Level::Damaged);
    Ok(if damaged { Exit::Damaged } else { Exit::Success })
}

fn refuse_to_pay_again(unjudged: &[RunId], name: &str) -> Result<(), CliError> {
    if unjudged.is_empty() {
        return Ok(());
    }
    let message = format!(
        "{} a finished agent and no verdict, and cannot be judged here: {}",
        if unjudged.len() == 1 { "a run has".to_owned() } else { format!("{} runs have", unjudged.len()) },
        named(unjudged)
    );
    Err(CliError::usage(message).hint(format!(
        "`cargo scylla resume {} --redo-unjudged` sets such runs aside and pays for their agents again; ProjectScylla \
         can still judge them; nothing was changed",
        shell_word(name)
    )))
}

fn named(runs: &[RunId]) -> String {
    list(&first_of(runs, MOST_NAMED))
}

/// The fixture that is named, else the folder of the prompt that the experiment was started with.
fn fixture_dir(args: &Resume, candidate: &TakeOver<'_>, current: &Path) -> Result<PathBuf, CliError> {
    if let Some(typed) = &args.take_over.tiers_dir {
        return Ok(folder_of(&current.join(typed)).to_owned());
    }
    let prompt = Path::new(&candidate.experiment.config.task_prompt_file);
    let beside = prompt.parent().map(|folder| current.join(folder));
    let is_fixture = |folder: &PathBuf| matches!(files::kind_of(&folder.join("test.yaml")), Ok(Some(_)));
    beside.filter(is_fixture).ok_or_else(|| {
        CliError::usage(format!(
            "runs are missing, and their fixture is not known: there is no `test.yaml` beside `{}`",
            prompt.display()
        ))
        .hint("name the experiment's own fixture with `--tiers-dir DIR`; nothing was changed")
    })
}

/// How missing runs inherit from earlier tiers: as asked for, else as at the experiment's time.
fn inherit(
    args: &Resume,
    candidate: &TakeOver<'_>,
    fixture: &Fixture,
    subtests: &BTreeMap<TierId, Vec<SubtestId>>,
) -> Result<Inherit, CliError> {
    let missing = candidate.missing_of(subtests);
    let declares = |(tier, subtest): &SetupId| {
        let subtest = fixture.tiers.get(tier).and_then(|all| all.get(subtest));
        subtest.is_some_and(|it| it.setup.extends_previous || !it.setup.inherit_best_from.is_empty())
    };
    let declaring: BTreeSet<TierId> = missing.iter().filter(|it| declares(it)).map(|(tier, _)| *tier).collect();
    args.config.inherit.or_else(|| way_to_inherit(candidate.experiment.version, &declaring)).ok_or_else(|| {
        CliError::usage(
            "runs are missing in tiers up to T4, which took nothing from others in January 2026, and in later ones, which did",
        )
        .hint("say what the missing runs take over with `--inherit none`, `as-declared` or `previous-best`; nothing was changed")
    })
}

/// How much agents are told to think. If it is not known it must be given, and is never assumed: missing runs would be
/// measured with other prompts than the existing ones.
fn thinking_mode(args: &Resume, known: Option<String>) -> Result<String, CliError> {
    let given = args.config.thinking.as_deref().map(options::canonical_thinking);
    known.or(given).ok_or_else(|| {
        CliError::usage(
            "neither its config nor the prompts of its runs say how much agents were told to think, and runs are missing",
        )
        .hint("say it with `--thinking None`, `Low`, `High` or `UltraThink`; nothing was changed")
    })
}

/// A message about the source of the thinking mode, when the config does not have it.
fn thinking_message(candidate: &TakeOver<'_>, is_known: bool, mode: &str) -> Option<String> {
    if candidate.experiment.config.thinking_mode.is_some() {
        return None;
    }
    let from = if is_known { "the prompts of its runs say" } else { "you say" };
    Some(format!("its config does not say how much agents think; {from} `{mode}`"))
}

/// A message that results of the two tools have different prompts where instructions are composed.
fn words_differ(candidate: &TakeOver<'_>, options: &Options) -> Option<String> {
    let missing = candidate.missing_of(&options.subtests);
    let mut composing = options.fixture.tiers.iter().flat_map(|(tier, all)| {
        let composes = |it: &Subtest| it.setup.resources != Resources::default() || it.setup.agent_teams;
        all.iter().filter(move |(_, it)| composes(it)).map(|(subtest, _)| (*tier, *subtest))
    });
    // What is inherited may be composed, whatever the missing runs compose themselves.
    let differs = composing.any(|place| options.inherit != Inherit::None || missing.contains(&place));
    differs.then(|| {
        "what its missing runs read in `CLAUDE.md` is worded otherwise than ProjectScylla words it: docs/migration.md lists \
         how"
            .to_owned()
    })
}

/// The options that the experiment was started with, as far as they can be expressed here.
fn options_of(
    (args, located): (&Resume, &Located),
    candidate: &TakeOver<'_>,
    loaded: Loaded,
    subtests: BTreeMap<TierId, Vec<SubtestId>>,
    inherit: Inherit,
) -> Options {
    let (config, operation, settings) = (&candidate.experiment.config, &args.config.operation, &located.settings);
    Options {
        subtests,
        runs_per_subtest: config.runs_per_subtest,
        max_subtests: config.max_subtests,
        models: config.models.clone(),
        judge_models: config.judge_models.clone(),
        thinking_mode: config.thinking_mode.clone().unwrap_or_default(),
        timeout_seconds: config.timeout_seconds,
        jobs: operation.jobs.or(settings.jobs).unwrap_or_else(options::cores),
        attempts: operation.attempts.or(settings.attempts).unwrap_or(limits::ATTEMPTS),
        max_cost_usd: operation.max_cost_usd.or(settings.max_cost_usd).or(loaded.fixture.limits.max_cost_usd),
        max_time_seconds: operation.max_time.or(settings.max_time),
        allowance: args.config.allowance.over(loaded.fixture.allowance),
        resources: args.config.allowance.resources.over(loaded.fixture.resources),
        prices: options::prices(&loaded.fixture, located),
        rate_limit_seconds: operation.max_pause.or(settings.max_pause).unwrap_or(limits::RATE_LIMIT_SECONDS),
        keep_workspaces: operation.keep_workspaces.or(settings.keep_workspaces).unwrap_or_default(),
        containment: operation.containment.or(settings.containment).unwrap_or_default(),
        gateway: operation.gateway,
        hold_seconds: operation.hold,
        record: operation.record,
        backend: operation.cluster.backend,
        job: operation.cluster.resources(),
        replay: None,
        work_dir: options::work_dir(operation, located),
        inherit,
        sandbox: loaded.fixture.sandbox.asked(),
        image_id: None,
        results_dir: PathBuf::new(),
        notes: loaded.notes().map(ToString::to_string).collect(),
        parts: loaded.parts,
        fixture: loaded.fixture,
    }
}

/// What will be done, as sentences.
fn intent(candidate: &TakeOver<'_>, planned: usize, fixture: &str, inherit: Inherit) -> Vec<String> {
    let taken = &candidate.runs;
    let committed = taken.committed.len();
    let mut messages = vec![format!(
        "taking over an experiment of ProjectScylla (checkpoint {}): {} of {} kept as committed, {} to be made from `{fixture}`",
        candidate.experiment.version,
        committed,
        counted(planned, "planned run"),
        planned.saturating_sub(committed),
    )];
    messages
        .push("its checkpoint and config are kept in `config/original/`, with the digests of its results".to_owned());
    if !candidate.survey.places.usual.is_empty() {
        messages.push("runs move from `completed/` and `in_progress/` to the folders of their tiers".to_owned());
    }
    if !taken.unfinished.is_empty() {
        let runs: Vec<RunId> = taken.unfinished.iter().map(|unfinished| unfinished.run).collect();
        let spent: Total = taken.unfinished.iter().map(|unfinished| unfinished.spent).sum();
        messages.push(format!(
            "what is unfinished becomes a former attempt in `.failed/`, whole, and its cost counts ({spent}): {}",
            named(&runs)
        ));
    }
    messages.push(match inherit {
        Inherit::None => "its missing runs take nothing over from earlier tiers (`--inherit none`)".to_owned(),
        Inherit::AsDeclared => {
            "its missing runs take over from earlier tiers what they declare (`--inherit as-declared`)".to_owned()
        }
        Inherit::PreviousBest => {
            "its missing runs take over the winner of the tier before theirs (`--inherit previous-best`)".to_owned()
        }
    });
    if !candidate.experiment.hash_is_explained {
        messages.push(
            "its config is not the one that the hash in its checkpoint was taken of, or of a commit that is not known \
             here: the config counts as it is"
                .to_owned(),
        );
    }
    messages.extend(
        not_understood(&candidate.experiment.config)
            .into_iter()
            .map(|(field, value, instead)| format!("its `{field}` ({value}) has no effect here: {instead}")),
    );
    messages
}
