//! `run --dry-run`: shows the whole plan, and what each subtest composes. Nothing is started or written.

use std::path::PathBuf;

use crate::agent::thinking_word;
use crate::cli::args::output::MessageFormat;
use crate::cli::beforehand::{asked_as_before, held_at_the_end, judging_themselves, shown_fixture, unpriced};
use crate::cli::commands::fixture::{absent_programs, links_out};
use crate::cli::commands::session;
use crate::cli::console::Console;
use crate::cli::error::{CliError, On as _, shown};
use crate::cli::exit::Exit;
use crate::cli::needs::{self, Unmet};
use crate::cli::options::{alike, inheritance_of};
use crate::config::fixture::named;
use crate::config::fixture::vary::named_by_content;
use crate::engine::cluster;
use crate::engine::session::create::Options;
use crate::engine::session::inheritance::{mistakes, stops};
use crate::engine::session::recordings;
use crate::model::agent::Agent;
use crate::model::experiment::{Inherit, too_many_runs};
use crate::model::ids::{SubtestId, TierId};
use crate::model::job::BackendChoice;
use crate::model::judge::Judge;
use crate::model::money::Usd;
use crate::model::program::Invocation;
use crate::model::setup::{Capability, Setup, SystemPrompt, Tools};
use crate::model::task::{Subtest, Tiers};
use crate::os::clock;
use crate::os::environment::is_set;
use crate::setup::compose::{Composition, compose};
use crate::setup::inherit::{Inheritance, alone};
use crate::setup::vary::{self, INHERITANCE};
use crate::text::words::shell_word;
use crate::ui::agents::Variable;
use crate::ui::capabilities;
use crate::ui::conditions::{Asking, Conditions, PlannedJudge};
use crate::ui::outlook::Outlook;
use crate::ui::plan::{Newest, PlanPage, PlannedJobs, PlannedSubtest, PlannedTier};
use crate::ui::run_limits::RunLimits;

/// Shows the plan. `newest` is the experiment that a `run` would continue instead; `assumed` is a
/// finished experiment with its pass rate, which the setups of this one may have; `no_sandbox` says that `auto` comes to none here.
///
/// # Errors
/// When standard output cannot be written.
pub fn show(
    options: &Options,
    no_sandbox: Option<String>,
    price_per_run: Option<Usd>,
    newest: Option<Newest>,
    assumed: Option<(String, f64)>,
    console: &mut Console,
) -> Result<Exit, CliError> {
    let current = console.current_dir()?;
    let inheritance = inheritance_of(options);
    let stops = stops(&options.fixture, &inheritance, &options.thinking_mode);
    let notes = no_sandbox.into_iter().chain(options.notes.iter().cloned()).chain(shown_fixture(options)).chain(stops);
    let notes = notes.chain(not_given(options)).chain(notes_of(options)?).chain(links_out(&options.parts.dir));
    let notes: Vec<String> = notes.collect();
    for note in &notes {
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
        inherit: options.inherit,
        models: options.models.clone(),
        thinking_mode: options.thinking_mode.clone(),
        tiers,
        runs,
        price_per_run_usd: price_per_run,
        estimated_cost_usd: price_per_run.map(|price| price.times(runs)),
        estimated_now_usd: match &newest {
            Some(Newest { complete: true, .. }) => Some(Usd::ZERO),
            Some(Newest { complete: false, .. }) => None,
            None => price_per_run.map(|price| price.times(runs)),
        },
        newest,
        max_cost_usd: options.max_cost_usd,
        max_time_seconds: options.max_time_seconds,
        outlook: Outlook::of(options.runs_per_subtest as usize, assumed),
        differ_in: vary::named(&named_by_content(planned_setups(options), &options.parts.dir)).into_iter().collect(),
        alike: alike(options)
            .iter()
            .map(|group| group.iter().map(|(tier, id)| format!("{tier}/{id}")).collect())
            .collect(),
        conditions: conditions(options),
        jobs: jobs(options)?,
        notes,
    };
    console.print(&match console.message_format() {
        MessageFormat::Human => plan.human(console.out_styles()),
        MessageFormat::Json => plan.json(),
    })?;
    Ok(Exit::Success)
}

/// The scripts of the jobs that workers would be.
fn jobs(options: &Options) -> Result<Vec<PlannedJobs>, CliError> {
    if !options.backend.is_some_and(BackendChoice::is_cluster) {
        return Ok(Vec::new());
    }
    let scripts = cluster::scripts(options, &std::env::vars_os().collect()).on(".")?;
    Ok(scripts.into_iter().map(|(runs, script)| PlannedJobs { runs, script }).collect())
}

/// What makes no difference, what fails, and what keeps a `run` from beginning.
fn notes_of(options: &Options) -> Result<Vec<String>, CliError> {
    let (sandbox, judges) = (options.sandbox.as_ref(), &options.fixture.judges);
    let told =
        held_at_the_end(options).into_iter().chain(asked_as_before(options)).chain(unpriced(options, clock::now()));
    let same = judging_themselves(&options.fixture, judges, &options.models, &options.judge_models);
    let refused = session::refuse_containment(options.containment, sandbox, &options.resources, ".").err();
    let unmet = [
        needs::of_backend(options),
        needs::of_judges(judges, options.replay.is_some()),
        needs::of_programs(needs::planned_agents(options), sandbox),
        needs::of_configurations(needs::planned_agents(options)).into_iter().collect(),
        needs::of_addresses(options),
        needs::of_reach(options),
        needs::of_versions(options, None)?,
    ];
    let unmet: Vec<String> = unmet.concat().iter().map(Unmet::sentence).collect();
    let told = told
        .chain(needs::keyless(options))
        .chain(needs::led_nowhere(options))
        .chain(needs::unrecorded(options))
        .chain(cluster::short_jobs(options))
        .chain(same)
        .chain(refused.map(|error| error.error.to_string()))
        .chain(absent_programs(&options.fixture, sandbox));
    Ok(told.chain(unmet).collect())
}

fn conditions(options: &Options) -> Conditions {
    let inherited = std::env::vars_os().collect();
    let mut variables: Vec<Variable> = Vec::new();
    let gateway = options.gateway_use();
    let mut asking: Vec<Asking> = Vec::new();
    for agent in needs::planned_agents(options) {
        let way = needs::way_of(agent, options, &inherited);
        let one = way.map(|way| Asking::new(agent.kind().name, &way, gateway));
        asking.extend(one.filter(|one| !asking.contains(one)));
        for name in options.fixture.variables_given_to(agent) {
            let set = is_set(&inherited, &name);
            let is_asked_for = options.fixture.environment.contains(&name);
            if (set || is_asked_for) && !variables.iter().any(|variable| variable.name == name) {
                variables.push(Variable { name, set });
            }
        }
    }
    Conditions {
        sandbox: options.sandbox.clone().unwrap_or_default(),
        limits: RunLimits::new(options.timeout_seconds, options.allowance, options.resources),
        gateway,
        replay: options.replay.clone(),
        asking,
        judges: options.fixture.judges.iter().map(|judge| planned_judge(judge, &options.judge_models)).collect(),
        variables,
    }
}

fn planned_judge(judge: &Judge, judge_models: &[String]) -> PlannedJudge {
    let model = match (judge.through(), judge.program()) {
        (Some(through), _) => through.model.map(str::to_owned),
        (None, Some(_)) => judge_models.first().cloned(),
        (None, None) => judge.model(None).map(|model| model.to_string()),
    };
    PlannedJudge {
        name: judge.name().to_owned(),
        kind: judge.kind().name,
        program: judge
            .through()
            .map(|through| through.agent.kind().name.to_owned())
            .or_else(|| judge.program().map(command)),
        model,
    }
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
    let conflict = needs::of_recording(options.gateway, options.record, options.replay.as_deref());
    needs::refuse(conflict.as_slice())?;
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
    if let Some(named) = &options.replay {
        let configured = options.models.first().map(String::as_str);
        let planned = (&options.subtests, options.runs_per_subtest);
        mistakes.extend(recordings::unanswered(&options.fixture, &options.parts, planned, (named, configured)));
    }
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

/// The kind, the program that it starts, and what is demanded of that: `codex: codex, version 0.169.0 demanded`.
fn agent(agent: &Agent) -> String {
    let kind = agent.kind().name;
    let Some(program) = agent.program() else { return kind.to_owned() };
    let version = match (agent.installation(), agent.version()) {
        (None, _) => String::new(),
        (Some(_), None) => ", of any version".to_owned(),
        (Some(_), Some(version)) => format!(", version {version} demanded"),
    };
    let model = agent.assigned_model(None).map_or_else(String::new, |model| format!(", asks {model}"));
    format!("{kind}: {}{version}{model}", command(program.run))
}

/// The command, without the shell that runs it.
fn command(run: &Invocation) -> String {
    match run {
        Invocation::Argv(words) => words.iter().map(|word| shell_word(word)).collect::<Vec<_>>().join(" "),
        Invocation::Shell(line) => line.clone(),
    }
}
