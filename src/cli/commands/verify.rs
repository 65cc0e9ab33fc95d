//! `verify`: do results, checkpoint and plan agree? Writes nothing.

use std::collections::BTreeMap;

use crate::cli::args::Verify;
use crate::cli::args::output::MessageFormat;
use crate::cli::choose::choose;
use crate::cli::console::Console;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::engine::session::orphans;
use crate::model::finding::{Finding, Level};
use crate::model::ids::RunId;
use crate::model::outcome::RunStatus;
use crate::model::plan::Plan;
use crate::model::survey::{ResultFacts, RunSeen, Survey};
use crate::report::findings::{FOR_MACHINES, FORMATS, PlannedRun, Verification};
use crate::rules::audit::audit_and_count;
use crate::rules::status::status_on_disk;
use crate::store::survey::{Depth, survey};
use crate::text::words::counted;

/// Runs the command.
///
/// # Errors
/// When the folder is no experiment or cannot be read.
pub fn run(args: &Verify, console: &mut Console) -> Result<Exit, CliError> {
    let (folder, name) = choose(&args.experiment, console)?;
    let mut survey = survey(&folder, if args.quick { Depth::Results } else { Depth::Evidence })?;
    if survey.holder.is_none() {
        let found = orphans::find(&folder, &survey);
        orphans::add_to(&mut survey, &folder, &found);
    }
    let (findings, tally) = audit_and_count(&survey);
    let plan = survey.plan().unwrap_or_default();
    let policy = policy(args, &survey, &plan, &findings);
    let exit = exit(args, &survey, &findings, &policy);
    let runs: Vec<PlannedRun> = plan.runs().map(|run| PlannedRun { run, facts: facts(&survey, run) }).collect();
    let verification = Verification {
        tool_version: env!("CARGO_PKG_VERSION"),
        experiment_id: survey.experiment_id(),
        folder: &name,
        planned: plan.total() + survey.runs_of_unknown_tiers(),
        runs: &runs,
        plan_is_open: survey.plan_is_open(),
        agreeing: tally.agreeing,
        findings: &findings,
        live: survey.holder.as_ref(),
        evidence_checked: !args.quick,
        policy: &policy,
    };
    let asked_for_none = args.format.name == FORMATS[0].name;
    let is_for_machines = asked_for_none && console.message_format() == MessageFormat::Json;
    let format = if is_for_machines { FOR_MACHINES } else { args.format };
    let mut text = Vec::new();
    (format.write)(&verification, console.out_styles(), &mut text)?;
    if !(console.is_quiet() && exit == Exit::Success) {
        console.print_bytes(&text)?;
    }
    Ok(exit)
}

fn facts(survey: &Survey, run: RunId) -> Option<ResultFacts> {
    match survey.runs.get(&run) {
        Some(RunSeen::Committed(facts)) => Some(*facts),
        Some(_) | None => None,
    }
}

/// The policies of the gate that are not met, in sentences.
fn policy(args: &Verify, survey: &Survey, plan: &Plan, findings: &[Finding]) -> Vec<String> {
    let mut unmet = Vec::new();
    let judged = |run| status_on_disk(survey, run).is_some_and(RunStatus::is_judged);
    if let Some(most) = args.max_missing {
        let of_tiers = survey.runs_of_unknown_tiers();
        let missing = of_tiers + plan.runs().filter(|run| !judged(*run)).count();
        if missing > most {
            let missing = counted(missing, "planned run");
            unmet.push(format!("{missing} without a result, `--max-missing {most}` allows fewer"));
        }
    }
    if let Some(least) = args.min_runs {
        let mut results: BTreeMap<_, usize> = BTreeMap::new();
        for run in plan.runs() {
            *results.entry((run.tier, run.subtest)).or_default() += usize::from(judged(run));
        }
        for ((tier, subtest), has) in results.into_iter().filter(|(_, has)| *has < least) {
            unmet.push(format!("{tier}/{subtest} has {}, `--min-runs {least}` asks for more", counted(has, "result")));
        }
    }
    let warnings = findings.iter().filter(|finding| finding.kind.level() == Level::Warning).count();
    if args.deny_warnings && warnings > 0 {
        unmet.push(format!("{}, and `--deny-warnings` allows none", counted(warnings, "warning")));
    }
    unmet
}

/// The exit code of the worst that is there. Who names how many runs may be missing has said what missing runs mean.
fn exit(args: &Verify, survey: &Survey, findings: &[Finding], policy: &[String]) -> Exit {
    let worst = findings.iter().map(|finding| finding.kind.level()).max();
    match worst {
        Some(Level::Damaged) => Exit::Damaged,
        Some(Level::Mendable) => Exit::Mendable,
        _ if survey.holder.is_some() => Exit::Locked,
        _ if !policy.is_empty() => Exit::Policy,
        Some(Level::Incomplete) if args.max_missing.is_none() => Exit::Incomplete,
        Some(Level::Incomplete | Level::Note | Level::Warning) | None => Exit::Success,
    }
}
