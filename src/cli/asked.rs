//! Whether an existing experiment answers what a `run` asks for.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::cli::error::{CliError, shown};
use crate::cli::options::Places;
use crate::config::fixture::Overrides;
use crate::engine::overview::overview;
use crate::engine::session::create::Options;
use crate::engine::session::regrade::{Otherwise, otherwise};
use crate::model::event::Event;
use crate::model::experiment::Config;
use crate::model::ids::TierId;
use crate::model::overview::State;
use crate::model::survey::{Seen, Survey};
use crate::os::{clock, files};
use crate::rules::index::is_complete;
use crate::stats::descriptive::number;
use crate::store;
use crate::store::StoreError;
use crate::store::evidence::{self, Change};
use crate::store::find::Found;
use crate::store::gradings;
use crate::store::layout::ExperimentFolder;
use crate::store::survey::Depth;
use crate::text::asked::flag_with;
use crate::text::short::first_of;
use crate::text::words::{counted, list, shell_word};

/// Most files that are named in one sentence.
const MOST_NAMED: usize = 6;

/// What a `run` asks for, and where an existing experiment may be.
#[derive(Debug)]
pub struct Question<'a> {
    /// The options for a new experiment.
    pub options: &'a Options,
    /// Fields of the config that were explicitly asked for.
    pub fields: Vec<(&'static str, Option<Value>)>,
    /// The results folders.
    pub places: &'a Places,
    /// Whether a new experiment is wanted in any case.
    pub fresh: bool,
}

/// What a `run` does.
#[derive(Debug)]
pub enum Course {
    /// Start an experiment; with messages why the newest one is not continued.
    Begin(Vec<Event>),
    /// Continue an unfinished experiment.
    GoOn(ExperimentFolder),
    /// Nothing: what is asked for exists already.
    LeaveAlone(ExperimentFolder),
}

/// The newest experiment of the fixture's id that has begun.
struct Newest {
    folder: ExperimentFolder,
    /// Whether nothing of it is left to do.
    complete: bool,
}

impl Question<'_> {
    /// Decides what to do. `fresh` is the command that starts a new experiment.
    ///
    /// # Errors
    /// When the newest experiment should only grow; when it cannot be read.
    pub fn course(&self, current: &Path, fresh: &str) -> Result<Course, CliError> {
        let newest = if self.fresh { None } else { self.newest()? };
        let Some(Newest { folder, complete }) = newest else { return Ok(Course::Begin(Vec::new())) };
        if !complete {
            return Ok(Course::GoOn(folder));
        }
        let (config, _) = store::config::read(&folder);
        // If it cannot be compared, `verify` reports the reason.
        let Some(config) = config.content() else { return Ok(Course::LeaveAlone(folder)) };
        let name = shown(folder.root(), current);
        let changes = changes(&folder, config, self.options)?;
        let otherwise = self.otherwise(&folder, &changes)?;
        let told = if otherwise == Otherwise::Neither { Vec::new() } else { changes.clone() };
        match answer(config, self.options, &self.fields, told) {
            Answer::Other(differences) if otherwise == Otherwise::Graded && differences == changes => {
                Err(self.grade(&name, &changes, (current, fresh)))
            }
            Answer::Same => Ok(Course::LeaveAlone(folder)),
            Answer::Part(flags) => Err(self.grow(&name, config, &flags, fresh)),
            Answer::Other(differences) => {
                if let Some(older) = self.older_same(&folder)? {
                    return Ok(Course::LeaveAlone(older));
                }
                let differences = differences.join("; ");
                let message = format!(
                    "`{name}` is finished and measured something else, so a new experiment begins: {differences}"
                );
                Ok(Course::Begin(vec![Event::Notice { message }]))
            }
        }
    }

    /// An older finished experiment that is the same as what is asked for, when the newest one is not.
    fn older_same(&self, newest: &ExperimentFolder) -> Result<Option<ExperimentFolder>, CliError> {
        for found in self.found()? {
            let (config, _) = store::config::read(&found.folder);
            let Some(config) = config.content().filter(|_| found.folder != *newest && found.completed()) else {
                continue;
            };
            let changes = changes(&found.folder, config, self.options)?;
            let otherwise = self.otherwise(&found.folder, &changes)?;
            let told = if otherwise == Otherwise::Neither { Vec::new() } else { changes };
            let is_same = answer(config, self.options, &self.fields, told) == Answer::Same;
            if is_same && is_complete(&store::survey::survey(&found.folder, Depth::Results)?) {
                return Ok(Some(found.folder));
            }
        }
        Ok(None)
    }

    /// In what way the fixture differs, when its files do. A judge that only a flag names cannot be given to `regrade`,
    /// so it counts as a difference that needs a new experiment.
    ///
    /// # Errors
    /// When the fixture or the experiment's copy cannot be read.
    pub fn otherwise(&self, folder: &ExperimentFolder, changes: &[String]) -> Result<Otherwise, StoreError> {
        if changes.is_empty() {
            return Ok(Otherwise::Neither);
        }
        let otherwise = otherwise(folder, &self.options.fixture, &self.options.parts)?;
        let Overrides { judge_commands, judge_models, .. } = &self.places.overrides;
        let by_flag = !judge_commands.is_empty() || !judge_models.is_empty();
        Ok(if otherwise == Otherwise::Graded && by_flag { Otherwise::Measured } else { otherwise })
    }

    /// A mistake in a judge or a check is mended without asking the agents again.
    fn grade(&self, name: &str, changes: &[String], (current, fresh): (&Path, &str)) -> CliError {
        let changes = changes.join("; ");
        let message =
            format!("`{name}` is finished, and its fixture differs only in how finished work is graded: {changes}");
        CliError::usage(message).hint(format!(
            "`{}` grades what is there by the edited one and asks no agent; `{fresh}` pays for every run again",
            regrade(name, &shown(&self.places.fixture_dir, current)),
        ))
    }

    fn grow(&self, name: &str, config: &Config, flags: &[String], fresh: &str) -> CliError {
        let asked = self.options.subtests.values().map(|all| all.len() * self.options.runs_per_subtest as usize).sum();
        let planned = counted(config.plan().total(), "planned run");
        CliError::usage(format!("`{name}` is finished with {planned}, and {} are asked for", counted(asked, "run")))
            .hint(format!(
                "`cargo scylla extend {} {}` adds what is missing; `{fresh}` starts anew",
                shell_word(name),
                flags.join(" "),
            ))
    }

    fn newest(&self) -> Result<Option<Newest>, CliError> {
        for newest in self.found()? {
            let survey = store::survey::survey(&newest.folder, Depth::Results)?;
            // The checkpoint alone is not enough: results may have disappeared since.
            let complete = newest.completed() && is_complete(&survey);
            if complete || !never_began(&newest, &survey)? {
                return Ok(Some(Newest { folder: newest.folder, complete }));
            }
        }
        Ok(None)
    }

    /// The newest finished experiment of the fixture's id, as messages name it, and how many of its runs passed, 0 to 1. One that
    /// cannot be read is passed over.
    ///
    /// # Errors
    /// When a results folder cannot be listed.
    pub fn newest_pass_rate(&self, current: &Path) -> Result<Option<(String, f64)>, CliError> {
        let now = clock::now();
        let finished = self.found()?.into_iter().filter(Found::completed);
        let mut seen =
            finished.filter_map(|found| overview(&found.folder, &shown(found.folder.root(), current), now).ok()?);
        let whole = seen.find(|seen| seen.state == State::Completed && seen.agents_done > 0);
        Ok(whole.map(|seen| (seen.folder, number(seen.agents_passed) / number(seen.agents_done))))
    }

    /// Experiments of the fixture's id, the newest first.
    fn found(&self) -> Result<Vec<Found>, CliError> {
        let mut found = store::find::find(&self.options.results_dir, &self.options.fixture.id)?;
        for former in self.places.former_results.iter().flatten() {
            found.extend(store::find::find(former, &self.options.fixture.id)?);
        }
        Ok(found)
    }
}

/// The command that grades an experiment again, by the fixture in this folder.
#[must_use]
pub fn regrade(name: &str, fixture: &str) -> String {
    format!("cargo scylla regrade {} --from {}", shell_word(name), shell_word(fixture))
}

/// Whether only the folder was made: its coordinator was killed before the config was written, so no run was started.
fn never_began(found: &Found, survey: &Survey) -> Result<bool, CliError> {
    let nothing_known = found.checkpoint == Seen::Missing && files::kind_of(&found.folder.config())?.is_none();
    Ok(nothing_known && survey.runs.is_empty())
}

/// How an experiment answers a `run`.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Answer {
    /// It has everything that is asked for.
    Same,
    /// It lacks something: the flags of `extend` that add the rest.
    Part(Vec<String>),
    /// It differs: each difference.
    Other(Vec<String>),
}

/// Compares a `run` with an experiment. `fields` are the fields of the config that were explicitly asked for, `changes`
/// those of the fixture.
fn answer(config: &Config, options: &Options, fields: &[(&str, Option<Value>)], changes: Vec<String>) -> Answer {
    let mut differences = changes;
    for (field, saved) in config.values() {
        let asked = fields.iter().find(|(name, _)| *name == field.name).and_then(|(_, asked)| asked.as_ref());
        if let Some(asked) = asked.filter(|asked| **asked != saved) {
            let (asked, saved) = (flag_with(field.name, asked), flag_with(field.name, &saved));
            differences.push(format!("{asked} is asked for, and it had {saved}"));
        }
    }
    match growth(config, options) {
        _ if !differences.is_empty() => Answer::Other(differences),
        growth if growth.is_empty() => Answer::Same,
        growth => Answer::Part(growth),
    }
}

/// The flags of `extend` after which everything is planned that a `run` asks for.
fn growth(config: &Config, options: &Options) -> Vec<String> {
    let mut flags = Vec::new();
    if options.runs_per_subtest > config.runs_per_subtest {
        flags.push(format!("--runs {}", options.runs_per_subtest));
    }
    let new: Vec<String> =
        options.subtests.keys().filter(|tier| !config.subtests.contains_key(tier)).map(TierId::to_string).collect();
    if !new.is_empty() {
        flags.push(format!("--tiers {}", new.join(",")));
    }
    let missing = |tier: &TierId, asked: &[_]| {
        let planned: BTreeSet<_> = config.subtests.get(tier).into_iter().flatten().collect();
        // For a tier that is added, the same maximum of subtests is used as for the others.
        let most = if planned.is_empty() { config.max_subtests.unwrap_or(u32::MAX) as usize } else { planned.len() };
        asked.len() > most
    };
    if options.subtests.iter().any(|(tier, asked)| missing(tier, asked)) {
        let most = options.subtests.values().map(Vec::len).max().unwrap_or_default();
        flags.push(format!("--max-subtests {}", options.max_subtests.map_or(most, |asked| asked as usize)));
    }
    flags
}

/// How a fixture differs from an experiment's copy, as clauses; empty when it is the same.
///
/// # Errors
/// When either cannot be read.
pub fn changes(folder: &ExperimentFolder, config: &Config, options: &Options) -> Result<Vec<String>, StoreError> {
    let given = evidence::digest_of_parts(&options.parts)?;
    // Changes of a later grading are known, so its fixture is compared.
    let newest = folder.grading_fixture(gradings::newest(folder)?);
    if given == Some(config.fixture_digest) || given == evidence::digest_of_tree(&newest)? {
        return Ok(Vec::new());
    }
    let changes = evidence::changes_since_copied(&newest, &options.parts)?;
    if changes.is_empty() {
        return Ok(vec!["the fixture is another one".to_owned()]);
    }
    Ok([(Change::Changed, "changed"), (Change::New, "new"), (Change::Gone, "gone")]
        .into_iter()
        .filter_map(|(kind, word)| clause(&changes, kind, word))
        .collect())
}

fn clause(changes: &[(PathBuf, Change)], kind: Change, word: &str) -> Option<String> {
    let named = |path: &Path| format!("`{}`", path.display());
    let paths: Vec<String> =
        changes.iter().filter(|(_, change)| *change == kind).map(|(path, _)| named(path)).collect();
    let verb = if paths.len() == 1 { "is" } else { "are" };
    (!paths.is_empty()).then(|| format!("{} {verb} {word}", list(&first_of(&paths, MOST_NAMED))))
}
