//! `verify`: checks whether results, checkpoint and plan agree. Writes nothing.

use std::path::{Path, PathBuf};

use crate::cli::args::Which;
use crate::cli::args::output::MessageFormat;
use crate::cli::args::verify::{Closeness, Gate, Verify};
use crate::cli::choose::choose;
use crate::cli::commands::session::secrets;
use crate::cli::console::Console;
use crate::cli::derived::{self, Reports};
use crate::cli::error::{CliError, shown};
use crate::cli::exit::Exit;
use crate::cli::locate::locate_gate;
use crate::config;
use crate::engine::session::orphans;
use crate::engine::session::progress::Progress;
use crate::model::control::BrokenControl;
use crate::model::finding::{Finding, FindingKind, Level};
use crate::model::ids::RunId;
use crate::model::place::Place;
use crate::model::plan::Plan;
use crate::model::survey::{ResultFacts, RunSeen, Survey};
use crate::model::task::Fixture;
use crate::os::files::{self, TemporaryFolder};
use crate::report::findings::{Examined, FOR_MACHINES, FORMATS, PlannedRun, Verification, policy_sentence};
use crate::rules::audit::audit_and_count;
use crate::rules::policy::{Policy, Unmet, several_versions, unmet};
use crate::setup::vary::allows_versions;
use crate::store::bundle::{self, BundleError, ENDING};
use crate::store::details::{Counted, Reading};
use crate::store::find::look as look_at;
use crate::store::layout::ExperimentFolder;
use crate::store::published;
use crate::store::reported;
use crate::store::signature::{Signed, signed};
use crate::store::survey::{Depth, survey};
use crate::text::escape;
use crate::text::leaks::Leak;
use crate::text::words::shell_word;

/// Runs the command.
///
/// # Errors
/// When a folder is not an experiment or cannot be read.
pub fn run(args: &Verify, console: &mut Console) -> Result<Exit, CliError> {
    let policy = policy(&args.gate, console)?;
    let dirs: Vec<Option<PathBuf>> =
        if args.dirs.is_empty() { vec![None] } else { args.dirs.iter().cloned().map(Some).collect() };
    // Each is there until all is told.
    let (mut chosen, mut unpacked) = (Vec::new(), Vec::new());
    for dir in dirs {
        let bundle = dir.as_ref().filter(|dir| is_bundle(dir)).cloned();
        if let Some(bundle) = bundle {
            let place = TemporaryFolder::new("cargo-scylla-bundle-")?;
            let folder = in_bundle(&console.current_dir()?.join(&bundle), place.path())?;
            unpacked.push(place);
            let name = derived::name_of(&folder);
            let typed = shell_word(&shown(&bundle, Path::new("")));
            console.say(&format!("`tar --zstd -xf {typed}` unpacks it, to do more with it"))?;
            chosen.push((folder, name));
        } else {
            chosen.push(choose(&Which { dir, results_dir: args.results_dir.clone() }, console)?);
        }
    }
    let closeness = args.level.unwrap_or(if args.quick { Closeness::Counts } else { Closeness::Recompute });
    if closeness < Closeness::Content && (args.report || args.gate.require_seal || args.gate.signer.is_some()) {
        let why = "`--report`, `--require-seal` and `--signer` read more than this `--level` does";
        return Err(CliError::usage(why).hint("leave `--level` out"));
    }
    let mut looked = Vec::new();
    for (folder, name) in chosen {
        let mut one = examined(&folder, name, closeness, (&policy, &args.gate), console)?;
        if closeness >= Closeness::Content {
            one.hold_report(&folder, args.report, closeness)?;
        }
        looked.push(one);
    }
    let exit = looked.iter().map(|one| one.exit(&policy)).max_by_key(|exit| weight(*exit)).unwrap_or(Exit::Success);
    let verifications: Vec<Verification> = looked.iter().map(|one| one.verification(closeness)).collect();
    let asked_for_none = args.format.name == FORMATS[0].name;
    let is_for_machines = asked_for_none && console.message_format() == MessageFormat::Json;
    let format = if is_for_machines { FOR_MACHINES } else { args.format };
    let mut text = Vec::new();
    (format.write)(&verifications, console.out_styles(), &mut text)?;
    if !(console.is_quiet() && exit == Exit::Success) {
        console.print_bytes(&text)?;
    }
    Ok(exit)
}

/// Whether a person means a bundle.
fn is_bundle(path: &Path) -> bool {
    path.to_string_lossy().ends_with(ENDING) && !path.is_dir()
}

/// The experiment in a bundle, unpacked into a folder of ours.
fn in_bundle(bundle: &Path, place: &Path) -> Result<ExperimentFolder, CliError> {
    if files::kind_of(bundle)?.is_none() {
        return Err(CliError::usage(format!("`{}` is not there", escape::terminal(&bundle.to_string_lossy()))));
    }
    bundle::unpack(bundle, place).map_err(|error| match error {
        BundleError::Store(error) => error.into(),
        BundleError::Refused { .. } => CliError::usage(error.to_string()),
    })?;
    let mut found = look_at(place)?.experiments.into_iter();
    match (found.next(), found.next()) {
        (Some(only), None) => Ok(only),
        (first, _) => {
            let why = if first.is_some() { "more than one experiment" } else { "no experiment" };
            let shown = escape::terminal(&bundle.to_string_lossy()).into_owned();
            Err(CliError::usage(format!("`{shown}` holds {why}")))
        }
    }
}

/// An experiment, examined and held against the requirements.
pub(super) fn examined(
    folder: &ExperimentFolder,
    name: String,
    closeness: Closeness,
    (policy, gate): (&Policy, &Gate),
    console: &mut Console,
) -> Result<Looked, CliError> {
    let mut one = look(folder, name, closeness, policy)?;
    if let Some(file) = &gate.signer {
        let allowed = console.current_dir()?.join(file);
        one.hold_against(signed(folder, &allowed).map_err(|error| CliError::usage(error.to_string()))?, console)?;
    }
    Ok(one)
}

/// The requirements from the flags, else from the settings.
pub(super) fn policy(flags: &Gate, console: &Console) -> Result<Policy, CliError> {
    let set = locate_gate(&console.current_dir()?)?;
    let rates = if flags.min_pass_rate.is_empty() { set.min_pass_rate } else { flags.min_pass_rate.clone() };
    Ok(Policy {
        max_missing: flags.max_missing.or(set.max_missing),
        max_errored: flags.max_errored.or(set.max_errored),
        min_runs: flags.min_runs.or(set.min_runs),
        min_judges: flags.min_judges.or(set.min_judges),
        min_pass_rate: rates,
        deny_warnings: flags.deny_warnings || set.deny_warnings,
        no_secrets: flags.no_secrets || set.no_secrets,
        require_seal: flags.require_seal || set.require_seal,
        same_agent_version: flags.same_agent_version || set.same_agent_version,
    })
}

/// What was found in one experiment.
pub(super) struct Looked {
    name: String,
    survey: Survey,
    plan: Plan,
    findings: Vec<Finding>,
    agreeing: usize,
    runs: Vec<PlannedRun>,
    unmet: Vec<String>,
}

fn look(folder: &ExperimentFolder, name: String, closeness: Closeness, policy: &Policy) -> Result<Looked, CliError> {
    let depth = match closeness {
        Closeness::Shape | Closeness::Counts => Depth::Results,
        Closeness::Content => Depth::Seals,
        Closeness::Recompute => Depth::Evidence,
    };
    let mut survey = survey(folder, depth)?;
    if survey.holder.is_none() {
        let found = orphans::find(folder, &survey);
        orphans::add_to(&mut survey, folder, &found);
    }
    let (mut findings, tally) = audit_and_count(&survey);
    let plan = survey.plan().unwrap_or_default();
    // Without the fixture nobody knows which setups are controls, and what may differ.
    let fixture = config::fixture::load(&folder.fixture()).ok();
    findings.extend(broken_controls(&survey, fixture.as_ref()));
    findings.sort();
    let controls = fixture.as_ref().map(Fixture::controls).unwrap_or_default();
    let mut unmet = unmet(policy, &survey, (&plan, &controls), &findings);
    if policy.no_secrets {
        add_leaks(folder, &mut unmet)?;
    }
    if policy.same_agent_version || forbids_other_versions(fixture.as_ref()) {
        let asks = |unmet: &Unmet| match unmet {
            // Who names what may differ has not asked that versions are known.
            Unmet::AgentVersions { said, .. } => policy.same_agent_version || said.len() > 1,
            _ => true,
        };
        unmet.extend(
            agent_versions(folder, &survey, fixture.as_ref(), !policy.same_agent_version)?.into_iter().filter(asks),
        );
    }
    let unmet = unmet.iter().map(policy_sentence).collect();
    if closeness == Closeness::Shape {
        findings.retain(|finding| OF_SHAPE.contains(&finding.kind));
    }
    let runs = plan.runs().map(|run| PlannedRun { run, facts: facts(&survey, run) }).collect();
    Ok(Looked { name, survey, plan, findings, agreeing: tally.agreeing, runs, unmet })
}

/// Whether the fixture says what its setups may differ in, and versions of agents are not among that.
fn forbids_other_versions(fixture: Option<&Fixture>) -> bool {
    fixture.and_then(|fixture| fixture.vary.as_ref()).is_some_and(|vary| !allows_versions(vary))
}

/// Controls that did not do what is expected.
fn broken_controls(survey: &Survey, fixture: Option<&Fixture>) -> Vec<Finding> {
    let broken = Progress::of(survey.plan().unwrap_or_default(), survey).broken_controls(fixture);
    let finding = |broken: BrokenControl| Finding {
        kind: FindingKind::BrokenControl,
        place: survey.place(broken.run),
        run: Some(broken.run),
        message: broken.fact(),
    };
    broken.into_iter().map(finding).collect()
}

/// The kinds of agents that are not known to have been of one version. Agents that start no program have none.
fn agent_versions(
    folder: &ExperimentFolder,
    survey: &Survey,
    fixture: Option<&Fixture>,
    by_vary: bool,
) -> Result<Vec<Unmet>, CliError> {
    let committed = survey.runs.iter().filter(|(_, seen)| matches!(seen, RunSeen::Committed(_)));
    let runs: Vec<RunId> = committed.map(|(run, _)| *run).collect();
    let read = reported::runs(&Reading::of(folder)?, &runs);
    let results = read.into_iter().filter_map(|(run, Counted { details, .. })| {
        let subtest = fixture.and_then(|fixture| fixture.tiers.get(&run.tier)?.get(&run.subtest));
        if subtest.is_some_and(|subtest| subtest.agent.reader().is_none()) {
            return None;
        }
        Some((subtest.map(|subtest| subtest.agent.kind().name), details.agent.and_then(|agent| agent.version)))
    });
    Ok(several_versions(results, by_vary))
}

/// Adds the secrets in what would be published.
fn add_leaks(folder: &ExperimentFolder, unmet: &mut Vec<Unmet>) -> Result<(), CliError> {
    let leaks = published::leaks(folder, &published::files(folder)?, &secrets())?;
    // What a run says of its patch is told once, and best by the line.
    unmet.retain(|unmet| !matches!(unmet, Unmet::Secret(place) if leaks.iter().any(|(leaky, _)| leaky == place)));
    unmet.extend(leaks.into_iter().map(|(place, Leak { line, what })| Unmet::Leak { place, line, what }));
    Ok(())
}

/// What is wrong with names and forms of files alone.
const OF_SHAPE: [FindingKind; 14] = [
    FindingKind::CheckpointMissing,
    FindingKind::CheckpointUnreadable,
    FindingKind::DuplicateEntry,
    FindingKind::UnreadableResult,
    FindingKind::DuplicateRun,
    FindingKind::ConfigMissing,
    FindingKind::ConfigUnreadable,
    FindingKind::ConfigIncomplete,
    FindingKind::NewerVersion,
    FindingKind::UnknownFormat,
    FindingKind::LeftoverTemporary,
    FindingKind::ForeignFile,
    FindingKind::UnknownPlace,
    FindingKind::LiveExperiment,
];

impl Looked {
    /// Adds what is wrong with its report. While a coordinator works, no report is of the results of the next moment.
    fn hold_report(
        &mut self,
        folder: &ExperimentFolder,
        is_asked_for: bool,
        closeness: Closeness,
    ) -> Result<(), CliError> {
        let reports = derived::reports(folder)?;
        let unmet = match reports {
            Reports::None => Some("there is no report in its folder, and `--report` asks for one"),
            Reports::Unstamped => Some("the report in its folder has no stamp, and `--report` asks for one that has"),
            Reports::Stamped => None,
        };
        self.unmet.extend(unmet.filter(|_| is_asked_for).map(str::to_owned));
        if reports != Reports::None && self.survey.holder.is_none() {
            self.findings.extend(derived::findings(folder, &self.name, closeness == Closeness::Recompute)?);
        }
        Ok(())
    }

    /// Whether it is stored in another form than this tool's.
    pub(super) fn is_of_another_tool(&self) -> bool {
        self.survey.made_by.is_some()
    }

    /// Adds requirements that are not met.
    pub(super) fn add_unmet(&mut self, unmet: Vec<String>) {
        self.unmet.extend(unmet);
    }

    /// Adds what a signature of the seal says.
    fn hold_against(&mut self, signed: Signed, console: &mut Console) -> Result<(), CliError> {
        match signed {
            Signed::By(person) => console.say(&format!("`{}` is sealed by {person}", self.name))?,
            Signed::No => self.unmet.push("its seal is not signed, and `--signer` asks for that".to_owned()),
            Signed::Wrong(found) => {
                let place = self.survey.spelled(Place::SealSignature);
                self.findings.push(Finding { kind: FindingKind::SealContradicted, place, run: None, message: found });
            }
        }
        Ok(())
    }

    /// What is told of it.
    pub(super) fn verification(&self, closeness: Closeness) -> Verification<'_> {
        Verification {
            tool_version: env!("CARGO_PKG_VERSION"),
            experiment_id: self.survey.experiment_id(),
            folder: &self.name,
            planned: self.plan.total() + self.survey.runs_of_unknown_tiers(),
            isolated: &self.survey.isolated,
            runs: &self.runs,
            plan_is_open: self.survey.plan_is_open(),
            agreeing: self.agreeing,
            findings: &self.findings,
            live: self.survey.holder.as_ref(),
            examined: match closeness {
                Closeness::Shape => Examined::Shape,
                Closeness::Counts => Examined::Counts,
                Closeness::Content => Examined::Content,
                Closeness::Recompute => Examined::Recompute,
            },
            policy: &self.unmet,
        }
    }

    /// The exit code for the worst finding. If a number of runs is allowed to be missing, that replaces the rule for
    /// missing runs.
    pub(super) fn exit(&self, policy: &Policy) -> Exit {
        let worst = self.findings.iter().map(|finding| finding.kind.level()).max();
        match worst {
            Some(Level::Damaged) => Exit::Damaged,
            Some(Level::Mendable) => Exit::Mendable,
            _ if self.survey.holder.is_some() => Exit::Locked,
            _ if !self.unmet.is_empty() => Exit::Policy,
            Some(Level::Outdated) => Exit::Policy,
            Some(Level::Incomplete) if policy.max_missing.is_none() => Exit::Incomplete,
            Some(Level::Incomplete | Level::Note | Level::Warning) | None => Exit::Success,
        }
    }
}

/// The precedence of an exit code when several experiments give different ones.
fn weight(exit: Exit) -> usize {
    let worst_last = [Exit::Incomplete, Exit::Policy, Exit::Locked, Exit::Mendable, Exit::Damaged];
    worst_last.iter().position(|one| *one == exit).map_or(0, |place| place + 1)
}

fn facts(survey: &Survey, run: RunId) -> Option<ResultFacts> {
    match survey.runs.get(&run) {
        Some(RunSeen::Committed(facts)) => Some(*facts),
        Some(_) | None => None,
    }
}
