//! Takes over an experiment of ProjectScylla, so that it goes on here: what it committed stays as it is.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::engine::error::EngineError;
use crate::engine::session::create::{Options, first_checkpoint, furnish};
use crate::engine::session::inheritance;
use crate::engine::session::open::{Locked, refuse_signs};
use crate::model::checkpoint::{Checkpoint, CompletedRuns};
use crate::model::experiment::Config;
use crate::model::ids::{RunId, SetupId, SubtestId, TierId};
use crate::model::inherited::Winner;
use crate::model::outcome::{AttemptEnd, Stage};
use crate::model::result::AttemptRecord;
use crate::model::survey::{Planned, Seen, Survey};
use crate::model::task::{Fixture, Source};
use crate::os::{clock, files};
use crate::projectscylla::take_over::{TakenOver, forbidding, subtests, thinking_mode};
use crate::rules::audit::audit;
use crate::setup::inherit::Inheritance;
use crate::stats::winner::winner_among;
use crate::store::layout::ExperimentFolder;
use crate::store::projectscylla::experiment::Experiment;
use crate::store::stages::RunStore;
use crate::store::{self, StoreError};

/// An experiment of ProjectScylla that can be taken over, and what that would do.
#[derive(Debug)]
pub struct TakeOver<'a> {
    /// What was found.
    pub survey: &'a Survey,
    /// Its plan.
    planned: &'a Planned,
    /// Its config and version.
    pub experiment: Experiment,
    /// What becomes of its runs.
    pub runs: TakenOver,
}

impl<'a> TakeOver<'a> {
    /// Checks whether an experiment can be taken over; `None` for one of ours.
    ///
    /// # Errors
    /// When its own runner works on it, or something in it has to be mended or restored first.
    pub fn of(locked: &Locked, survey: &'a Survey) -> Result<Option<Self>, EngineError> {
        if survey.made_by.is_none() {
            return Ok(None);
        }
        refuse_signs(survey)?;
        let findings = forbidding(audit(survey));
        let experiment = Experiment::read(&locked.folder, survey);
        match (experiment, &survey.planned) {
            (Some(experiment), Some(planned)) if findings.is_empty() => {
                Ok(Some(Self { survey, planned, experiment, runs: TakenOver::of(survey) }))
            }
            _ => Err(EngineError::Unfit { folder: locked.folder.root().to_owned(), findings }),
        }
    }

    /// How much agents are told to think: by the config, else by the prompts of the runs; `None` when neither says it.
    ///
    /// # Errors
    /// When a prompt cannot be read.
    pub fn thinking_mode(&self, folder: &ExperimentFolder) -> Result<Option<String>, EngineError> {
        if let Some(mode) = &self.experiment.config.thinking_mode {
            return Ok(Some(mode.clone()));
        }
        let places: Vec<&str> = self.runs.committed.iter().map(|(_, place)| place.as_str()).collect();
        let prompts = store::projectscylla::take_over::prompts_of_runs(folder, &places)?;
        let task = store::projectscylla::take_over::prompt(folder)?;
        Ok(thinking_mode(&prompts, task.as_deref()).map(ToOwned::to_owned))
    }

    /// The planned runs that have no result, as far as the plan is known.
    #[must_use]
    pub fn missing(&self) -> usize {
        let committed: BTreeSet<_> = self.runs.committed.iter().map(|(run, _)| *run).collect();
        self.planned.known.runs().filter(|run| !committed.contains(run)).count()
    }

    /// The subtests of a plan that have missing runs.
    #[must_use]
    pub fn missing_of(&self, subtests: &BTreeMap<TierId, Vec<SubtestId>>) -> BTreeSet<SetupId> {
        let committed = |tier, subtest| {
            self.runs.committed.iter().filter(|(run, _)| (run.tier, run.subtest) == (tier, subtest)).count()
        };
        let planned = self.experiment.config.runs_per_subtest as usize;
        let all = subtests.iter().flat_map(|(tier, all)| all.iter().map(|subtest| (*tier, *subtest)));
        all.filter(|(tier, subtest)| committed(*tier, *subtest) < planned).collect()
    }

    /// Whether everything that is planned is done.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        let Planned { plan, known, unknown_tiers, .. } = self.planned;
        self.missing() == 0 && plan == known && unknown_tiers.is_empty()
    }

    /// The subtests that are planned if the experiment goes on with this fixture.
    ///
    /// # Errors
    /// When the fixture is that of another task, or lacks what the plan needs.
    pub fn subtests_of(
        &self,
        folder: &ExperimentFolder,
        fixture: &Fixture,
    ) -> Result<BTreeMap<TierId, Vec<SubtestId>>, EngineError> {
        let refused = |why: String| EngineError::NotTaken { folder: folder.root().to_owned(), why };
        if let Source::Repository { hash, .. } = &fixture.source
            && !hash.starts_with(&self.experiment.config.task_commit)
        {
            let was = &self.experiment.config.task_commit;
            return Err(refused(format!("the fixture's commit is `{hash}`, the experiment was made at `{was}`")));
        }
        if let Some(prompt) = store::projectscylla::take_over::prompt(folder)?
            && prompt.trim() != fixture.prompt.trim()
        {
            return Err(refused(
                "the fixture's prompt is not the one in `prompt.md`, which its runs were given".into(),
            ));
        }
        let leaves_out = |teams: bool| teams && self.experiment.config.skip_agent_teams == Some(true);
        let offered = fixture
            .tiers
            .iter()
            .map(|(tier, all)| {
                let kept = all.iter().filter(|(_, subtest)| !leaves_out(subtest.setup.agent_teams));
                (*tier, kept.map(|(id, _)| *id).collect())
            })
            .collect();
        let committed: BTreeSet<_> = self.runs.committed.iter().map(|(run, _)| *run).collect();
        let missing = self.planned.known.runs().filter(|run| !committed.contains(run));
        let missing = missing.map(|run| (run.tier, run.subtest)).collect();
        subtests(&self.experiment.config, &self.planned.known, &offered, &missing)
            .map_err(|gap| refused(gap.to_string()))
    }
}

/// Takes the experiment over. Its own files are kept first, then everything that new runs need is made, then its runs
/// are moved to their places; the config comes last but one, and the checkpoint, which makes the experiment ours, last.
/// After a stop at any step, the same call finishes it with the same result.
///
/// # Errors
/// When the folder cannot be written or the task's repository cannot be made.
pub fn take_over(locked: &mut Locked, candidate: &TakeOver<'_>, options: Options) -> Result<(), EngineError> {
    let now = clock::now();
    let folder = locked.folder.clone();
    let winners = known_winners(&folder, candidate, &options)?;
    store::projectscylla::take_over::keep(&folder, &candidate.runs.committed)?;
    // A call that was stopped may have made these from another fixture; no run was made from them.
    for made in [folder.fixture(), folder.repo(), folder.inherited_dir()] {
        files::remove_tree(&made).map_err(StoreError::from)?;
    }
    store::repository::forget(&folder)?;
    let fixture = options.fixture.clone();
    let config = furnish(&folder, options, now)?;
    let config = as_begun(config, candidate, fixture.id.as_str());
    inheritance::freeze_known(&folder, &config, &fixture, &winners, now)?;
    settle(&folder, &candidate.runs, now)?;
    store::config::save(&folder, &config)?;
    let recorded = candidate.survey.checkpoint.content();
    locked.writer.save(&checkpoint(&config, recorded, &candidate.runs, now))?;
    Ok(())
}

/// The winners that are known already: for each tier with all planned runs committed, the one that its results give.
/// Nothing is written before it is known that the fixture has them.
fn known_winners(
    folder: &ExperimentFolder,
    candidate: &TakeOver<'_>,
    options: &Options,
) -> Result<BTreeMap<TierId, (Winner, usize)>, EngineError> {
    let places: BTreeMap<RunId, &str> =
        candidate.runs.committed.iter().map(|(run, place)| (*run, place.as_str())).collect();
    let planned: BTreeSet<TierId> = options.subtests.keys().copied().collect();
    let inheritance = Inheritance::planned(options.inherit, &options.fixture, &options.subtests, |_| planned.clone());
    let incomplete: BTreeSet<TierId> =
        candidate.missing_of(&options.subtests).into_iter().map(|(tier, _)| tier).collect();
    let mut winners = BTreeMap::new();
    for source in inheritance.of_tiers().into_values().flatten().collect::<BTreeSet<TierId>>() {
        let subtests = options.subtests.get(&source).map(Vec::as_slice).unwrap_or_default();
        let has = |subtest: &SubtestId| options.fixture.tiers.get(&source).is_some_and(|all| all.contains_key(subtest));
        let lost = |subtest: SubtestId| EngineError::NotTaken {
            folder: folder.root().to_owned(),
            why: format!(
                "tiers behind {source} take over its winner, and the fixture has no subtest `{source}/{subtest}`"
            ),
        };
        if incomplete.contains(&source) {
            // Any of these subtests may still win.
            if let Some(subtest) = subtests.iter().find(|subtest| !has(subtest)) {
                return Err(lost(*subtest));
            }
            continue;
        }
        let of_source = places.iter().filter(|(run, _)| run.tier == source && subtests.contains(&run.subtest));
        let compared = of_source.map(|(run, place)| store::results::compared_at(folder, *run, place));
        let compared = compared.collect::<Result<Vec<_>, StoreError>>()?;
        if let Some(winner) = winner_among(compared.into_iter().flatten()) {
            if !has(&winner.subtest) {
                return Err(lost(winner.subtest));
            }
            winners.insert(source, (winner, subtests.len() * options.runs_per_subtest as usize));
        }
    }
    Ok(winners)
}

/// Whether a take-over was stopped before its last step.
///
/// # Errors
/// When the folder cannot be read.
pub fn is_begun(folder: &ExperimentFolder) -> Result<bool, EngineError> {
    Ok(last_step(folder)?.is_some())
}

/// The checkpoint that the last step writes, when all other steps are done.
fn last_step(folder: &ExperimentFolder) -> Result<Option<Checkpoint>, EngineError> {
    let Some(recorded) = store::projectscylla::take_over::misses_only_its_checkpoint(folder)? else {
        return Ok(None);
    };
    let (Seen::Read(config), _) = store::config::read(folder) else { return Ok(None) };
    Ok(Some(checkpoint(&config, Some(&recorded), &TakenOver::default(), clock::now())))
}

/// Finishes a take-over that was stopped before its last step; gives whether there was one.
///
/// # Errors
/// When the folder cannot be read or written.
pub fn finish(locked: &mut Locked) -> Result<bool, EngineError> {
    let Some(checkpoint) = last_step(&locked.folder)? else { return Ok(false) };
    locked.writer.save(&checkpoint)?;
    Ok(true)
}

/// The config with what stays as it was when the experiment began.
fn as_begun(config: Config, candidate: &TakeOver<'_>, fixture_id: &str) -> Config {
    let theirs = &candidate.experiment.config;
    let recorded = candidate.survey.checkpoint.content();
    Config {
        experiment_id: theirs.experiment_id.parse().unwrap_or(config.experiment_id),
        name: if theirs.experiment_id == fixture_id { config.name } else { theirs.experiment_id.clone() },
        created_at: recorded.map_or(config.created_at, |recorded| recorded.started_at),
        created_by: format!(
            "ProjectScylla (checkpoint {}), taken over by {}",
            candidate.experiment.version, config.created_by
        ),
        language: theirs.language.clone().unwrap_or_else(|| config.language.clone()),
        ..config
    }
}

fn settle(folder: &ExperimentFolder, taken: &TakenOver, now: Timestamp) -> Result<(), EngineError> {
    for (run, place) in &taken.committed {
        store::projectscylla::take_over::settle(folder, *run, place)?;
    }
    store::projectscylla::take_over::settle_former_attempts(folder)?;
    for unfinished in &taken.unfinished {
        store::projectscylla::take_over::settle(folder, unfinished.run, &unfinished.place)?;
        let run = RunStore::new(folder, unfinished.run);
        run.set_aside(&AttemptRecord {
            attempt: run.next_attempt()?,
            stage: if unfinished.agent_complete { Stage::Judge } else { Stage::Agent },
            end: AttemptEnd::Interrupted,
            cost: unfinished.spent,
            at: now,
        })?;
    }
    Ok(store::projectscylla::take_over::put_phases_away(folder)?)
}

fn checkpoint(config: &Config, recorded: Option<&Checkpoint>, taken: &TakenOver, now: Timestamp) -> Checkpoint {
    let none = CompletedRuns::default();
    Checkpoint {
        completed_runs: taken.index(recorded.map_or(&none, |recorded| &recorded.completed_runs)),
        last_updated_at: now,
        ..first_checkpoint(config)
    }
}
