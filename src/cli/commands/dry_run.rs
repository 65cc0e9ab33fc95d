//! `run --dry-run`: shows the whole plan, and what each subtest composes. Nothing is started or written.

use std::path::{Path, PathBuf};

use crate::agent::thinking_word;
use crate::cli::args::output::MessageFormat;
use crate::cli::beforehand::{asked_as_before, held_at_the_end, shown_fixture};
use crate::cli::commands::fixture::{absent_programs, links_out};
use crate::cli::console::Console;
use crate::cli::error::{CliError, shown};
use crate::cli::exit::Exit;
use crate::cli::options::{alike, inheritance_of};
use crate::config::fixture::named;
use crate::engine::session::create::Options;
use crate::engine::session::inheritance::{mistakes, stops};
use crate::engine::session::recordings;
use crate::model::agent::Agent;
use crate::model::experiment::{Inherit, too_many_runs};
use crate::model::ids::{SubtestId, TierId};
use crate::model::money::Usd;
use crate::model::program::Invocation;
use crate::model::setup::{Capability, Setup, SystemPrompt, Tools};
use crate::model::task::{Subtest, Tiers};
use crate::setup::compose::{Composition, compose};
use crate::setup::inherit::{Inheritance, alone};
use crate::setup::vary::{self, INHERITANCE};
use crate::text::words::shell_word;
use crate::ui::capabilities;
use crate::ui::outlook::Outlook;
use crate::ui::plan::{Newest, PlanPage, PlannedSubtest, PlannedTier};

/// Shows the plan. `newest` is the folder that a `run` would continue instead, and whether it is complete; `assumed` is a
/// finished experiment with its pass rate, which the setups of this one may have.
///
/// # Errors
/// When standard output cannot be written.
pub fn show(
    options: &Options,
    price_per_run: Option<Usd>,
    newest: Option<(&Path, bool)>,
    assumed: Option<(String, f64)>,
    console: &mut Console,
) -> Result<Exit, CliError> {
    let current = console.current_dir()?;
    let inheritance = inheritance_of(options);
    let stops = stops(&options.fixture, &inheritance, &options.thinking_mode);
    let notes = options.notes.iter().cloned().chain(shown_fixture(options)).chain(stops).chain(not_given(options));
    let notes = notes.chain(held_at_the_end(options)).chain(asked_as_before(options));
    for note in
        notes.chain(absent_programs(&options.fixture, options.sandbox.as_ref())).chain(links_out(&options.parts.dir))
    {
        console.say(&format!("note: {note}\n"))?;
    }
    let waits = inheritance.of_tiers();
    let tiers: Vec<PlannedTier> = options
        .subtests
        .iter()
        .map(|(tier, subtests)| {
            let planned = |subtest| planned_subtest(options, &inheritance, *tier, subtest);
            let subtests: Vec<PlannedSubtest> = subtests.iter().filter_map(|subtest| planned(*subtest)).collect();
            PlannedTier {
                tier: *tier,
                name: options.fixture.stores.tiers.get(tier).map(|settings| settings.name.clone()),
                waits_for: waits.get(tier).into_iter().flatten().copied().collect(),
                runs: subtests.iter().map(|subtest| subtest.runs as usize).sum(),
                subtests,
            }
        })
        .collect();
    let runs = tiers.iter().map(|tier| tier.runs).sum();
    let plan = PlanPage {
        experiment_id: options.fixture.id.to_string(),
        fixture: shown(&options.parts.dir, &current),
        results_dir: shown(&options.results_dir, &current),
        newest: newest.map(|(folder, complete)| Newest { folder: shown(folder, &current), complete }),
        inherit: options.inherit,
        models: options.models.clone(),
        thinking_mode: options.thinking_mode.clone(),
        tiers,
        runs,
        price_per_run_usd: price_per_run,
        estimated_cost_usd: price_per_run.map(|price| price.times(runs)),
        estimated_now_usd: match newest {
            Some((_, true)) => Some(Usd::ZERO),
            Some((_, false)) => None,
            None => price_per_run.map(|price| price.times(runs)),
        },
        max_cost_usd: options.max_cost_usd,
        max_time_seconds: options.max_time_seconds,
        outlook: Outlook::of(options.runs_per_subtest as usize, assumed),
        differ_in: vary::named(&planned_setups(options)).into_iter().collect(),
        alike: alike(options)
            .iter()
            .map(|group| group.iter().map(|(tier, id)| format!("{tier}/{id}")).collect())
            .collect(),
    };
    console.print(&match console.message_format() {
        MessageFormat::Human => plan.human(console.out_styles()),
        MessageFormat::Json => plan.json(),
    })?;
    Ok(Exit::Success)
}

/// The setups of the plan alone.
fn planned_setups(options: &Options) -> Tiers {
    let mut tiers = options.fixture.tiers.clone();
    tiers.retain(|tier, subtests| {
        let planned = options.subtests.get(tier);
        subtests.retain(|id, _| planned.is_some_and(|planned| planned.contains(id)));
        !subtests.is_empty()
    });
    tiers
}

/// Refuses a plan that cannot be carried out, with every mistake.
///
/// # Errors
/// When it needs winners that no planned tier can give, or resources that are missing.
pub fn check(options: &Options) -> Result<(), CliError> {
    if let Some(why) = too_many_runs(&options.subtests, options.runs_per_subtest) {
        return Err(CliError::usage(why).hint("ask for fewer with `--runs`, `--tiers` or `--max-subtests`"));
    }
    let inherits =
        options.inherit != Inherit::None && inheritance_of(options).of_tiers().values().any(|of| !of.is_empty());
    if let Some(vary) = options.fixture.vary.as_ref().filter(|_| inherits)
        && !vary.iter().any(|name| name == INHERITANCE)
    {
        let why = format!(
            "`--inherit` gives later tiers what winners of earlier ones have, and `vary` does not name `{INHERITANCE}`"
        );
        return Err(CliError::usage(why)
            .hint(format!("leave `--inherit` out, or add `{INHERITANCE}` to `vary` in the fixture")));
    }
    let path_of = |file: &str| options.parts.laid.get(file).cloned().unwrap_or_else(|| options.parts.dir.join(file));
    let mut mistakes = mistakes(&options.fixture, path_of, &inheritance_of(options), &options.thinking_mode);
    mistakes.extend(recordings::missing(&options.fixture, &options.parts, &options.subtests, options.runs_per_subtest));
    mistakes.extend(named::absent_repository(&options.parts.dir, &options.fixture));
    let home = std::env::var_os("HOME").map(PathBuf::from);
    mistakes.extend(named::absent_readable(&options.parts.dir, options.sandbox.as_ref(), home.as_deref()));
    if mistakes.is_empty() { Ok(()) } else { Err(CliError::mistakes(&mistakes)) }
}

/// The parts of the setups that the plan's agents cannot be given.
fn not_given(options: &Options) -> Vec<String> {
    let subtests = options.subtests.iter().flat_map(|(tier, subtests)| subtests.iter().map(|id| (*tier, *id)));
    let thinks = thinking_word(&options.thinking_mode).is_some();
    let beside = [(Capability::Model, !options.models.is_empty()), (Capability::Thinking, thinks)];
    let beside = beside.into_iter().filter(|(_, is_given)| *is_given).map(|(capability, _)| capability).collect();
    capabilities::not_given(&options.fixture, subtests, &beside)
}

fn composition(options: &Options, subtest: &Subtest) -> Composition {
    compose(&alone(&options.fixture, &subtest.setup), &options.fixture.stores, &options.thinking_mode)
        .unwrap_or_default()
}

fn planned_subtest(
    options: &Options,
    inheritance: &Inheritance,
    tier: TierId,
    id: SubtestId,
) -> Option<PlannedSubtest> {
    let subtest = options.fixture.tiers.get(&tier)?.get(&id)?;
    let Setup { resources, system_prompt, agent_teams, extends_previous, .. } = &subtest.setup;
    let winners_of = inheritance.of_subtest(tier, id).to_vec();
    let composition = composition(options, subtest);
    let levels = resources.agent_levels.iter().map(|level| format!("L{level}"));
    Some(PlannedSubtest {
        subtest: id,
        name: subtest.name.clone(),
        agent: agent(&subtest.agent),
        nothing_earlier: *extends_previous && winners_of.is_empty() && options.inherit != Inherit::None,
        winners_of,
        system_prompt: match system_prompt {
            SystemPrompt::None => "none",
            SystemPrompt::Default => "default",
            SystemPrompt::Custom => "custom",
        },
        agent_teams: *agent_teams,
        blocks: resources.blocks.clone(),
        skills: resources.skills.clone(),
        agents: levels.chain(resources.agent_names.iter().cloned()).collect(),
        tools: match &resources.tools {
            None => Vec::new(),
            Some(Tools::All) => vec!["all".to_owned()],
            Some(Tools::Named(names)) => names.clone(),
        },
        mcp_servers: resources.mcp_servers.iter().map(|server| server.name.clone()).collect(),
        overlay: subtest.overlay.clone(),
        removes: composition.removed,
        places: composition.placed.into_iter().map(|placed| placed.path).collect(),
        runs: options.runs_per_subtest,
    })
}

fn agent(agent: &Agent) -> String {
    let kind = agent.kind().name;
    agent.program().map_or_else(|| kind.to_owned(), |program| format!("{kind}: {}", command(program.run)))
}

/// The command, without the shell that runs it.
fn command(run: &Invocation) -> String {
    match run {
        Invocation::Argv(words) => words.iter().map(|word| shell_word(word)).collect::<Vec<_>>().join(" "),
        Invocation::Shell(line) => line.clone(),
    }
}
