//! What tiers inherit from the winners of other tiers, laid below the setups of their subtests, and the baselines made
//! of that.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::config;
use crate::config::fixture::vary::named_by_content;
use crate::config::mistake::Mistake;
use crate::engine::error::EngineError;
use crate::model::experiment::Config;
use crate::model::ids::{RunId, SetupId, SubtestId, TierId};
use crate::model::inherited::Winner;
use crate::model::inherited::{Inherited, TakenOver};
use crate::model::result::FORMAT_VERSION;
use crate::model::task::{Fixture, Subtest};
use crate::setup::compose::{CompositionFault, compose};
use crate::setup::inherit::{Effective, Inheritance, Winners, alone};
use crate::store;
use crate::store::layout::ExperimentFolder;
use crate::text::words::list;
use crate::workspace::base::{self, Layers};

/// What the tiers of an experiment inherit from each other, as far as it is known.
#[derive(Debug, Default)]
pub(in crate::engine) struct TierInheritance {
    inheritance: Inheritance,
    frozen: BTreeMap<TierId, Inherited>,
    stopped: Stopped,
}

/// Subtests that cannot be composed, each with everything that prevents it. None of their runs is started.
pub(in crate::engine) type Stopped = BTreeMap<SetupId, Vec<CompositionFault>>;

impl TierInheritance {
    /// The inheritance that a config asks for, with what earlier sessions have frozen. Baselines that an earlier
    /// session was killed before making are made.
    ///
    /// # Errors
    /// When what is frozen cannot be read, or a baseline cannot be made.
    pub(in crate::engine) fn open(
        folder: &ExperimentFolder,
        config: &Config,
        fixture: &Fixture,
    ) -> Result<Self, EngineError> {
        // An experiment of an earlier version has no record yet.
        store::repository::record(folder, &[])?;
        let inheritance = Inheritance::of(config, fixture);
        let sources = inheritance.of_tiers();
        if sources.is_empty() {
            return Ok(Self { inheritance, ..Self::default() });
        }
        let mut tier_inheritance = Self { inheritance, frozen: store::inherited::read_all(folder)?, ..Self::default() };
        let waiting = tier_inheritance.waiting();
        let ready = |tier| sources.contains_key(&tier) && !waiting.contains_key(&tier);
        tier_inheritance.make_baselines(folder, config, fixture, &[], ready)?;
        Ok(tier_inheritance)
    }

    /// The same, as read from the folder without changing it.
    fn as_read(folder: &ExperimentFolder, config: &Config, fixture: &Fixture) -> Result<Self, EngineError> {
        let frozen = store::inherited::read_all(folder)?;
        Ok(Self { inheritance: Inheritance::of(config, fixture), frozen, ..Self::default() })
    }

    /// The subtests that cannot be started, whatever they inherit.
    pub(in crate::engine) fn stopped(&self, fixture: &Fixture, thinking_mode: &str) -> Stopped {
        let own = self.inheritance.places().filter_map(|(tier, subtest)| {
            let setup = &fixture.tiers.get(&tier)?.get(&subtest)?.setup;
            let faults = compose(&alone(fixture, setup), &fixture.stores, thinking_mode).err()?;
            Some(((tier, subtest), faults))
        });
        own.chain(self.stopped.clone()).collect()
    }

    /// The tiers that wait for winners, each with the source tiers that they wait for.
    pub(in crate::engine) fn waiting(&self) -> BTreeMap<TierId, BTreeSet<TierId>> {
        let mut waiting = self.inheritance.of_tiers();
        for (tier, sources) in &mut waiting {
            let frozen = self.frozen.get(tier);
            sources.retain(|source| frozen.is_none_or(|frozen| !frozen.sources.contains_key(source)));
        }
        waiting.retain(|_, sources| !sources.is_empty());
        waiting
    }

    /// The same, for the decision what is next. A tier also waits for what its source tiers wait for when those have no
    /// runs to do, because then nobody else would wait for it: their runs were made before winners were frozen.
    pub(in crate::engine) fn waiting_with_sources(
        &self,
        is_done: impl Fn(TierId) -> bool,
    ) -> BTreeMap<TierId, BTreeSet<TierId>> {
        let direct = self.waiting();
        let mut all = BTreeMap::new();
        for (tier, sources) in &direct {
            // Sources come before their tier, so theirs are known already.
            let below = sources.iter().filter(|source| is_done(**source)).filter_map(|source| all.get(source));
            let below: BTreeSet<TierId> = below.flat_map(BTreeSet::iter).copied().collect();
            all.insert(*tier, sources.union(&below).copied().collect());
        }
        all
    }

    /// What a tier inherits, as far as it is frozen.
    pub(in crate::engine) fn frozen(&self, tier: TierId) -> Inherited {
        let nothing = || Inherited { version: FORMAT_VERSION.to_owned(), tier, sources: BTreeMap::new() };
        self.frozen.get(&tier).cloned().unwrap_or_else(nothing)
    }

    /// Freezes what a tier inherits, and then makes its baselines: after a kill in between, the next session goes on
    /// there.
    ///
    /// # Errors
    /// When it cannot be written, or a baseline cannot be made.
    pub(in crate::engine) fn freeze(
        &mut self,
        folder: &ExperimentFolder,
        config: &Config,
        fixture: &Fixture,
        inherited: Inherited,
    ) -> Result<(), EngineError> {
        let tier = inherited.tier;
        let mut renewed = Vec::new();
        if !self.frozen.contains_key(&tier) {
            // An `extend` that was killed may have made them under a plan in which the tier inherited nothing.
            for (_, subtest) in self.inheritance.inheriting_in(tier) {
                base::forget_baseline(&folder.repo(), tier, subtest)?;
                renewed.push((tier, subtest));
            }
        }
        store::inherited::save(folder, &inherited)?;
        self.frozen.insert(tier, inherited);
        self.make_baselines(folder, config, fixture, &renewed, |ready| ready == tier)
    }

    /// Groups of subtests of the plan with equal setups, of which at least one is in this tier: they measure one setup
    /// more than once.
    /// The fixture lies in `dir`.
    pub(in crate::engine) fn alike(
        &self,
        (fixture, dir): (&Fixture, &Path),
        thinking_mode: &str,
        tier: TierId,
    ) -> Vec<Vec<SetupId>> {
        let tiers = named_by_content(fixture.tiers.clone(), dir);
        let mut groups: Vec<(Layers, &Subtest, Vec<SetupId>)> = Vec::new();
        for (of, id) in self.inheritance.places() {
            let Some(subtest) = tiers.get(&of).and_then(|all| all.get(&id)) else { continue };
            let Some(effective) = self.effective(fixture, of, id) else { continue };
            let Ok(composition) = compose(&effective, &fixture.stores, thinking_mode) else { continue };
            let layers = Layers { composition, overlay: subtest.overlay.clone() };
            let same = |other: &Subtest| {
                other.agent == subtest.agent && other.setup.system_prompt == subtest.setup.system_prompt
            };
            match groups.iter_mut().find(|(known, other, _)| *known == layers && same(other)) {
                Some((.., group)) => group.push((of, id)),
                None => groups.push((layers, subtest, vec![(of, id)])),
            }
        }
        let groups = groups.into_iter().map(|(.., group)| group);
        groups.filter(|group| group.len() > 1 && group.iter().any(|(of, _)| *of == tier)).collect()
    }

    /// A subtest's effective setup; `None` while a winner that it inherits from is not known.
    pub(in crate::engine) fn effective(
        &self,
        fixture: &Fixture,
        tier: TierId,
        subtest: SubtestId,
    ) -> Option<Effective> {
        let winners = self.frozen.iter().map(|(tier, inherited)| (*tier, winners_of(inherited))).collect();
        self.inheritance.effective(fixture, &winners, tier, subtest)
    }
}

/// The winners that are frozen for a tier.
pub(in crate::engine) fn winners_of(inherited: &Inherited) -> Winners {
    inherited.sources.iter().map(|(source, frozen)| (*source, frozen.winner.subtest)).collect()
}

/// The tiers that wait for winners, each with its source tiers, as read from the folder without changing it; none when
/// the folder cannot be read, which `verify` reports.
#[must_use]
pub fn tiers_in_wait(folder: &ExperimentFolder, config: &Config) -> BTreeMap<TierId, BTreeSet<TierId>> {
    let (Ok(fixture), Ok(frozen)) = (config::fixture::load(&folder.fixture()), store::inherited::read_all(folder))
    else {
        return BTreeMap::new();
    };
    TierInheritance { inheritance: Inheritance::of(config, &fixture), frozen, ..TierInheritance::default() }.waiting()
}

/// What cannot be set up now, as read from the folder without changing it: the tiers that wait for winners, each with its source tiers,
/// and the subtests of the others that cannot be composed.
///
/// # Errors
/// When what is frozen cannot be read.
pub(in crate::engine) fn unset(
    folder: &ExperimentFolder,
    config: &Config,
    fixture: &Fixture,
) -> Result<(BTreeMap<TierId, BTreeSet<TierId>>, Stopped), EngineError> {
    let tier_inheritance = TierInheritance::as_read(folder, config, fixture)?;
    let places = tier_inheritance.inheritance.places();
    let stopped = places.filter_map(|(tier, subtest)| {
        let effective = tier_inheritance.effective(fixture, tier, subtest)?;
        Some(((tier, subtest), compose(&effective, &fixture.stores, &config.thinking_mode).err()?))
    });
    Ok((tier_inheritance.waiting(), stopped.collect()))
}

/// Refuses a run whose agent cannot be set up, as read from the folder without changing it.
///
/// # Errors
/// When it inherits from winners that are not chosen yet, or cannot be composed.
pub(in crate::engine) fn must_be_set_up(
    folder: &ExperimentFolder,
    config: &Config,
    fixture: &Fixture,
    run: RunId,
) -> Result<(), EngineError> {
    let (tier, subtest) = (run.tier, run.subtest);
    let tier_inheritance = TierInheritance::as_read(folder, config, fixture)?;
    if let Some(sources) = tier_inheritance.waiting().remove(&tier) {
        let sources = list(&sources.iter().map(ToString::to_string).collect::<Vec<_>>());
        let why = format!("{tier} takes over winners of {sources} that are not chosen yet");
        return Err(EngineError::NotMade { run, why, is_damaged: false });
    }
    let Some(effective) = tier_inheritance.effective(fixture, tier, subtest) else { return Ok(()) };
    match compose(&effective, &fixture.stores, &config.thinking_mode) {
        Ok(_) => Ok(()),
        Err(faults) => Err(EngineError::Composition { tier, subtest, faults }),
    }
}

/// Makes the baselines of planned tiers that inherit nothing.
///
/// # Errors
/// When something cannot be composed, or git or the file system fails.
pub fn make_own_baselines(folder: &ExperimentFolder, config: &Config, fixture: &Fixture) -> Result<(), EngineError> {
    let mut tier_inheritance =
        TierInheritance { inheritance: Inheritance::of(config, fixture), ..TierInheritance::default() };
    let waiting = tier_inheritance.waiting();
    tier_inheritance.make_baselines(folder, config, fixture, &[], |tier| !waiting.contains_key(&tier))
}

impl TierInheritance {
    fn misses_its_own(fixture: &Fixture, subtest: &Subtest, config: &Config) -> bool {
        compose(&alone(fixture, &subtest.setup), &fixture.stores, &config.thinking_mode).is_err()
    }

    /// Makes the baselines of tiers that are ready. A subtest that cannot be composed is held back; others are not
    /// affected.
    fn make_baselines(
        &mut self,
        folder: &ExperimentFolder,
        config: &Config,
        fixture: &Fixture,
        renewed: &[SetupId],
        ready: impl Fn(TierId) -> bool,
    ) -> Result<(), EngineError> {
        let mut layers = BTreeMap::new();
        for (tier, subtests) in config.subtests.iter().filter(|(tier, _)| ready(**tier)) {
            for subtest in subtests {
                let Some(effective) = self.effective(fixture, *tier, *subtest) else { continue };
                let own = fixture.tiers.get(tier).and_then(|all| all.get(subtest));
                match compose(&effective, &fixture.stores, &config.thinking_mode) {
                    Ok(composition) => {
                        let overlay = own.and_then(|own| own.overlay.clone());
                        layers.insert((*tier, *subtest), Layers { composition, overlay });
                    }
                    // Resources that it names itself are missing: this was reported, and none of its runs is started.
                    Err(faults) if own.is_some_and(|own| Self::misses_its_own(fixture, own, config)) => {
                        self.stopped.insert((*tier, *subtest), faults);
                    }
                    Err(faults) => return Err(EngineError::Composition { tier: *tier, subtest: *subtest, faults }),
                }
            }
        }
        base::make_baselines(&folder.repo(), &folder.fixture(), &config.task_commit, &layers)?;
        Ok(store::repository::record(folder, renewed)?)
    }
}

/// For an experiment that is being taken over: freezes what each tier inherits whose source tiers have their winners
/// already, with the runs that were planned of them. In the order of tiers, because a winner depends on what it
/// inherited itself.
///
/// # Errors
/// When it cannot be written, or a baseline cannot be made.
pub(in crate::engine) fn freeze_known(
    folder: &ExperimentFolder,
    config: &Config,
    fixture: &Fixture,
    winners: &BTreeMap<TierId, (Winner, usize)>,
    at: Timestamp,
) -> Result<(), EngineError> {
    let mut tier_inheritance =
        TierInheritance { inheritance: Inheritance::of(config, fixture), ..TierInheritance::default() };
    for (tier, sources) in tier_inheritance.inheritance.of_tiers() {
        let waiting = tier_inheritance.waiting();
        let mut inherited = tier_inheritance.frozen(tier);
        for source in sources.iter().filter(|source| !waiting.contains_key(source)) {
            let Some((winner, planned)) = winners.get(source).cloned() else { continue };
            let composed = base::composed(&folder.repo(), *source, winner.subtest)?;
            inherited.sources.insert(*source, TakenOver { at, winner, planned, composed });
        }
        if inherited.sources.len() == sources.len() {
            tier_inheritance.freeze(folder, config, fixture, inherited)?;
        }
    }
    Ok(())
}

/// What a plan asks for and cannot have: winners of tiers that are not planned, and missing resources that hold back
/// every subtest of a tier. `path_of` finds a file of the fixture by its path below the fixture.
#[must_use]
pub fn mistakes(
    fixture: &Fixture,
    path_of: impl Fn(&str) -> PathBuf,
    inheritance: &Inheritance,
    thinking_mode: &str,
) -> Vec<Mistake> {
    let file = |(tier, subtest): SetupId| {
        path_of(fixture.tiers.get(&tier).and_then(|all| all.get(&subtest)).map_or("", |subtest| subtest.file.as_str()))
    };
    let unmet = inheritance.unmet().into_iter().map(|(place, source)| {
        let (tier, subtest) = place;
        let message =
            format!("`{tier}/{subtest}` takes over the winner of `{source}`, which is not planned before `{tier}`");
        Mistake::new(&file(place), message).hint(format!("add `{source}` to `--tiers`, or say `--inherit none`"))
    });
    let mut mistakes: Vec<Mistake> = unmet.collect();
    let stopped = TierInheritance { inheritance: inheritance.clone(), ..TierInheritance::default() }
        .stopped(fixture, thinking_mode);
    let goes_on: BTreeSet<TierId> =
        inheritance.places().filter(|place| !stopped.contains_key(place)).map(|(tier, _)| tier).collect();
    for (place, faults) in stopped.iter().filter(|((tier, _), _)| !goes_on.contains(tier)) {
        mistakes.extend(faults.iter().map(|lack| Mistake::new(&file(*place), lack.to_string())));
    }
    mistakes
}

/// Messages about each subtest that cannot be started, when others of its tier can.
#[must_use]
pub fn stops(fixture: &Fixture, inheritance: &Inheritance, thinking_mode: &str) -> Vec<String> {
    let tier_inheritance = TierInheritance { inheritance: inheritance.clone(), ..TierInheritance::default() };
    tier_inheritance.stopped(fixture, thinking_mode).iter().map(|(place, faults)| stop(*place, faults)).collect()
}

pub(in crate::engine) fn stop((tier, subtest): SetupId, faults: &[CompositionFault]) -> String {
    let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
    format!("{tier}/{subtest} is not started: {}", faults.join("; "))
}
