//! `compare`: which setup solves its task more often, by how much, and how sure that is.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use crate::cli::args::Which;
use crate::cli::args::compare::{Compare, CompareFormat, FailIf, Measure};
use crate::cli::args::output::MessageFormat;
use crate::cli::choose::choose;
use crate::cli::console::Console;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::config;
use crate::engine::rows::rows;
use crate::model::control::Controls;
use crate::model::details::RunDetails;
use crate::model::experiment::Config;
use crate::model::ids::{RunId, SetupId, TierId};
use crate::model::money::Usd;
use crate::model::row::RunRow;
use crate::model::rubric::Rubric;
use crate::model::task::{Fixture, Tiers};
use crate::report::compare::{AgainstFirst, Comparison, DifferingSetup, Side, human, method, sentence};
use crate::rules::policy::Scope;
use crate::setup::given::{Given, Versions, between_all, between_experiments, between_setups, between_versions};
use crate::stats::comparison::{self, Difference, Group};
use crate::stats::items::{self, Graded};
use crate::store::details::Reading;
use crate::store::layout::ExperimentFolder;
use crate::store::reported;
use crate::store::survey::{Depth, survey};
use crate::text::escape;
use crate::text::words::counted;

/// Most sides of a comparison: each has a letter and a column.
const MOST_SIDES: usize = 26;

/// One experiment that is looked at.
struct Experiment {
    folder: ExperimentFolder,
    name: String,
    /// The id of its fixture.
    id: Option<String>,
    rows: Vec<RunRow>,
    config: Option<Config>,
    fixture: Option<Fixture>,
    controls: Controls,
}

/// What was typed for one side.
struct Meant {
    experiment: usize,
    part: Option<Scope>,
}

/// Runs the command.
///
/// # Errors
/// When fewer than two sides are named, one is not there, or a folder cannot be read.
pub fn run(args: &Compare, console: &mut Console) -> Result<Exit, CliError> {
    let (experiments, meant) = read(args, console)?;
    if meant.len() < 2 || meant.len() > MOST_SIDES {
        let why = format!("{} named, and a comparison has from 2 to {MOST_SIDES}", counted(meant.len(), "side"));
        return Err(CliError::usage(why).hint(
            "name setups such as `T0/00 T1/02`, tiers, or experiments; `cargo scylla runs` lists the runs of each setup",
        ));
    }
    let chosen: Vec<Vec<&RunRow>> = meant.iter().map(|side| rows_of(side, &experiments)).collect::<Result<_, _>>()?;
    must_be_apart(&meant, &chosen, &experiments)?;
    let letters: Vec<String> = ('A'..='Z').map(String::from).take(meant.len()).collect();
    let groups: Vec<comparison::Group> = chosen.iter().map(|rows| comparison::group(rows)).collect();
    let known = known(&meant, &chosen, &experiments)?;
    let judged: Vec<Vec<&RunDetails>> = meant
        .iter()
        .zip(&chosen)
        .map(|(side, rows)| rows.iter().filter_map(|row| known[side.experiment].runs.get(&row.run)).collect())
        .collect();
    let graded = |side: usize| Graded { runs: &judged[side], rubric: known[meant[side].experiment].rubric.as_ref() };
    let mut differences = Vec::new();
    for later in 1..meant.len() {
        // Setups are the same where they have the same place in two experiments of one fixture.
        let id = |side: &Meant| experiments[side.experiment].id.as_deref();
        let is_paired = meant[0].part == meant[later].part && id(&meant[0]) == id(&meant[later]);
        let difference = comparison::between(&chosen[0], &chosen[later], is_paired);
        let differing = if is_paired { comparison::differing(&chosen[0], &chosen[later]) } else { Vec::new() };
        let setups = differing.into_iter().map(|((tier, subtest), [first, later])| DifferingSetup {
            tier,
            subtest,
            first,
            later,
        });
        let versions = |side: usize| versions(&judged[side], &experiments[meant[side].experiment]);
        let mut given = given(&meant[0], &meant[later], &experiments);
        given.extend(between_versions(&versions(0), &versions(later)));
        differences.push(AgainstFirst {
            letter: letters[later].clone(),
            given,
            sentence: sentence((&letters[0], &groups[0]), (&letters[later], &groups[later]), &difference),
            method: method(&difference),
            difference,
            setups: setups.collect(),
            items: items::differing(graded(0), graded(later), is_paired),
        });
    }
    let failing = failing(args, &groups, &differences);
    let sides = meant.iter().zip(letters).zip(groups).zip(&chosen).map(|(((meant, letter), group), rows)| Side {
        letter,
        experiment: experiments[meant.experiment].name.clone(),
        part: meant.part.map(|part| part.to_string()),
        name: rows.first().filter(|_| meant.part.is_some_and(Scope::is_subtest)).and_then(|row| row.name.clone()),
        control: meant.part.and_then(Scope::setup).and_then(|setup| experiments[meant.experiment].controls.get(setup)),
        without_controls: without_controls(meant, &experiments[meant.experiment])
            .map(|(tier, subtest)| format!("{tier}/{subtest}"))
            .collect(),
        group,
    });
    let comparison = Comparison::new(sides.collect(), differences);
    let is_for_machines = args.format == CompareFormat::Json || console.message_format() == MessageFormat::Json;
    let text =
        if is_for_machines { comparison.json() } else { human(&comparison, console.columns(), console.out_styles()) };
    console.print(&text)?;
    for sentence in &failing {
        console.say(&format!("fails: {sentence}"))?;
    }
    Ok(if failing.is_empty() { Exit::Success } else { Exit::Policy })
}

/// Refuses sides that have runs in common with the first one: every interval and test is one of runs that are independent.
fn must_be_apart(meant: &[Meant], chosen: &[Vec<&RunRow>], experiments: &[Experiment]) -> Result<(), CliError> {
    let place = |side: usize| fs::canonicalize(experiments[meant[side].experiment].folder.root()).ok();
    let first: BTreeSet<RunId> = chosen[0].iter().map(|row| row.run).collect();
    for (later, rows) in chosen.iter().enumerate().skip(1) {
        let common = rows.iter().filter(|row| first.contains(&row.run)).count();
        if common > 0 && place(0) == place(later) {
            let why = format!("the first side and another one have {} in common", counted(common, "run"));
            return Err(
                CliError::usage(why).hint("name sides that have no run in common, such as two setups or two tiers")
            );
        }
    }
    Ok(())
}

/// The experiments that are named, each read once, and the sides.
fn read(args: &Compare, console: &mut Console) -> Result<(Vec<Experiment>, Vec<Meant>), CliError> {
    let mut experiments: Vec<Experiment> = Vec::new();
    let mut meant: Vec<Meant> = Vec::new();
    // An experiment that parts follow stands for them, and not for itself.
    let mut open: Option<usize> = None;
    for typed in &args.sides {
        if let Ok(part) = typed.parse::<Scope>() {
            if experiments.is_empty() {
                experiments.push(look(None, args, console)?);
            }
            let experiment = experiments.len() - 1;
            if open.take().is_some() {
                meant.pop();
            }
            meant.push(Meant { experiment, part: Some(part) });
        } else {
            experiments.push(look(Some(typed.into()), args, console)?);
            meant.push(Meant { experiment: experiments.len() - 1, part: None });
            open = Some(experiments.len() - 1);
        }
    }
    Ok((experiments, meant))
}

fn look(dir: Option<PathBuf>, args: &Compare, console: &mut Console) -> Result<Experiment, CliError> {
    let (folder, name) = choose(&Which { dir, results_dir: args.results_dir.clone() }, console)?;
    let survey = survey(&folder, Depth::Results)?;
    // A fixture that cannot be read costs names, not numbers.
    let fixture = config::fixture::load(&folder.fixture()).ok();
    Ok(Experiment {
        name,
        controls: fixture.as_ref().map(Fixture::controls).unwrap_or_default(),
        id: survey.experiment_id().map(str::to_owned),
        rows: rows(&folder, &survey),
        config: survey.config.content().cloned(),
        fixture,
        folder,
    })
}

/// The controls of a tier or an experiment, none of whose runs is counted; a control that is named itself is compared.
fn without_controls<'a>(side: &Meant, experiment: &'a Experiment) -> impl Iterator<Item = SetupId> + use<'a> {
    let part = side.part;
    let is_left_out = move |tier: TierId| part.is_none_or(|part| !part.is_subtest() && part.tier() == tier);
    experiment.controls.setups().filter(move |(tier, _)| is_left_out(*tier))
}

fn rows_of<'a>(side: &Meant, experiments: &'a [Experiment]) -> Result<Vec<&'a RunRow>, CliError> {
    let experiment = &experiments[side.experiment];
    let named: Vec<&RunRow> =
        experiment.rows.iter().filter(|row| side.part.is_none_or(|part| part.has(row.run))).collect();
    let controls: BTreeSet<SetupId> = without_controls(side, experiment).collect();
    let has_runs = !named.is_empty();
    let mut rows = named;
    rows.retain(|row| !controls.contains(&(row.run.tier, row.run.subtest)));
    match side.part {
        _ if rows.is_empty() && has_runs => {
            let what = side.part.map_or_else(|| "it".to_owned(), |part| part.to_string());
            let why = format!(
                "`{}` measures no agent in {what}: every setup there is a control",
                escape::terminal(&experiment.name)
            );
            Err(CliError::usage(why).hint("name a setup, such as `T0/00`; a control that is named itself is compared"))
        }
        Some(part) if rows.is_empty() => {
            Err(CliError::usage(format!("`{}` has no run of {part} in its plan", escape::terminal(&experiment.name)))
                .hint("`cargo scylla runs` lists the runs of each setup"))
        }
        _ => Ok(rows),
    }
}

/// How the runs of an experiment were graded.
struct Known {
    /// The runs with a verdict, as far as they are compared.
    runs: BTreeMap<RunId, RunDetails>,
    /// The rubric by which they were graded.
    rubric: Option<Rubric>,
}

/// How the runs that are compared were graded, by experiment.
fn known(meant: &[Meant], chosen: &[Vec<&RunRow>], experiments: &[Experiment]) -> Result<Vec<Known>, CliError> {
    let of = |(place, experiment): (usize, &Experiment)| {
        let rows = meant.iter().zip(chosen).filter(|(side, _)| side.experiment == place).flat_map(|(_, rows)| rows);
        let judged: BTreeSet<RunId> = rows.filter(|row| !row.is_missing()).map(|row| row.run).collect();
        let reading = Reading::of(&experiment.folder)?;
        let read = reported::runs(&reading, &judged.into_iter().collect::<Vec<_>>());
        // A rubric that cannot be read costs words, not numbers.
        let fixture = config::fixture::load(&experiment.folder.grading_fixture(reading.counting)).ok();
        let runs = read.into_iter().map(|(run, counted)| (run, *counted.details)).collect();
        Ok(Known { runs, rubric: fixture.map(|fixture| fixture.rubric) })
    };
    experiments.iter().enumerate().map(of).collect()
}

fn given(first: &Meant, later: &Meant, experiments: &[Experiment]) -> Vec<Given> {
    let (of_first, of_later) = (&experiments[first.experiment], &experiments[later.experiment]);
    let setup = |side: &Meant, of: &Experiment| {
        let (tier, subtest) = side.part?.setup()?;
        of.fixture.as_ref()?.tiers.get(&tier)?.get(&subtest).cloned()
    };
    let mut given = Vec::new();
    if let Some((first, later)) = setup(first, of_first).zip(setup(later, of_later)) {
        given.extend(between_setups(&first, &later));
    } else if first.part == later.part
        && of_first.id == of_later.id
        && let Some((one, other)) = of_first.fixture.as_ref().zip(of_later.fixture.as_ref())
    {
        let within = |tier: &TierId| first.part.is_none_or(|part| part.tier() == *tier);
        let of = |tiers: &Tiers| tiers.clone().into_iter().filter(|(tier, _)| within(tier)).collect();
        given.extend(between_all(&of(&one.tiers), &of(&other.tiers)));
    }
    if first.experiment != later.experiment
        && let Some((first, later)) = of_first.config.as_ref().zip(of_later.config.as_ref())
    {
        given.extend(between_experiments(first, later));
    }
    given
}

/// The versions that the agents of these runs said they are, by their kind.
fn versions<'a>(runs: &[&'a RunDetails], experiment: &Experiment) -> Versions<'a> {
    let mut versions = Versions::new();
    for run in runs {
        let version = run.agent.as_ref().and_then(|agent| agent.version.as_deref());
        let subtest = experiment.fixture.as_ref().and_then(|it| it.tiers.get(&run.run.tier)?.get(&run.run.subtest));
        if let Some((version, subtest)) = version.zip(subtest) {
            versions.entry(subtest.agent.kind().name).or_default().insert(version);
        }
    }
    versions
}

/// What makes the comparison fail, in sentences.
fn failing(args: &Compare, groups: &[Group], differences: &[AgainstFirst]) -> Vec<String> {
    let failing = |(later, against): (&Group, &AgainstFirst), fail_if: &FailIf| match fail_if {
        FailIf::Worse => {
            let is_lower = against.difference.pass_rate.is_some_and(|rate| rate.value < 0.0);
            let is_worse = against.difference.pass_rate.is_none() || (is_lower && against.difference.is_clear());
            is_worse.then(|| format!("`--fail-if worse`: {}", against.sentence))
        }
        FailIf::Change { measure, is_above, bound, typed } => {
            let Some(change) = change(*measure, &against.difference) else {
                let why = unknown(*measure, ("A", &groups[0]), (&against.letter, later));
                return Some(format!("`--fail-if {typed}`: that cannot be said: {why}"));
            };
            let holds = if *is_above { change > *bound } else { change < *bound };
            holds.then(|| format!("`--fail-if {typed}`: {} has {change:+.3}", against.letter))
        }
    };
    let pairs = groups.iter().skip(1).zip(differences);
    pairs.flat_map(|pair| args.fail_if.iter().filter_map(move |fail_if| failing(pair, fail_if))).collect()
}

/// Why a change is not known.
fn unknown(measure: Measure, (first, of_first): (&str, &Group), (later, of_later): (&str, &Group)) -> String {
    for (letter, group) in [(first, of_first), (later, of_later)] {
        let (value, silent) = match measure {
            _ if group.judged == 0 => return format!("{letter} has no run with a verdict"),
            Measure::PassRate => (None, "has no pass rate"),
            Measure::Score => (group.mean_score, "has no score"),
            Measure::Cost => {
                let cost = group.mean_cost_usd.filter(|_| group.cost_unknown == 0);
                (cost.map(Usd::dollars), "has runs of which nobody said what they cost")
            }
            Measure::Time => (group.mean_seconds, "has no run of which the time is known"),
            Measure::Tokens => (group.mean_tokens, "has no run whose agent said its tokens"),
        };
        match value {
            None => return format!("{letter} {silent}"),
            Some(0.0) if letter == first => return format!("{letter} has 0, and no change is a share of nothing"),
            Some(_) => {}
        }
    }
    "no number is known".to_owned()
}

fn change(measure: Measure, difference: &Difference) -> Option<f64> {
    match measure {
        Measure::PassRate => difference.pass_rate.map(|rate| rate.value),
        Measure::Score => difference.mean_score,
        Measure::Cost => difference.cost_ratio.map(|ratio| ratio - 1.0),
        Measure::Time => difference.time_ratio.map(|ratio| ratio - 1.0),
        Measure::Tokens => difference.token_ratio.map(|ratio| ratio - 1.0),
    }
}
