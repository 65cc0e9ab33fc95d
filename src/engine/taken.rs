//! What tiers take over from the winners of others, laid below the setups of their subtests, and the baselines of that.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use crate::config;
use crate::config::mistake::Mistake;
use crate::engine::error::EngineError;
use crate::model::experiment::Config;
use crate::model::ids::{SubtestId, TierId};
use crate::model::inherited::Inherited;
use crate::model::result::FORMAT_VERSION;
use crate::model::task::Fixture;
use crate::store;
use crate::store::layout::ExperimentFolder;
use crate::upstream::compose::compose;
use crate::upstream::inherit::{Effective, Inheritance, Winners};
use crate::workspace::base::{self, Layers};

/// What the tiers of an experiment take over from each other, as far as it is known.
#[derive(Debug, Default)]
pub(super) struct Taken {
    inheritance: Inheritance,
    frozen: BTreeMap<TierId, Inherited>,
}

impl Taken {
    /// What a config asks for, with what earlier sittings have frozen. Baselines that a sitting was killed before are made.
    ///
    /// # Errors
    /// When what is frozen cannot be read, or a baseline cannot be made.
    pub(super) fn open(folder: &ExperimentFolder, config: &Config, fixture: &Fixture) -> Result<Self, EngineError> {
        let inheritance = Inheritance::of(config, fixture);
        let sources = inheritance.of_tiers();
        if sources.is_empty() {
            return Ok(Self { inheritance, ..Self::default() });
        }
        let taken = Self { inheritance, frozen: store::inherited::read_all(folder)? };
        let waiting = taken.waiting();
        let ready = |tier| sources.contains_key(&tier) && !waiting.contains_key(&tier);
        make_baselines(folder, config, fixture, &taken, ready)?;
        Ok(taken)
    }

    /// The tiers that wait for winners, each with the tiers of those.
    pub(super) fn waiting(&self) -> BTreeMap<TierId, BTreeSet<TierId>> {
        let mut waiting = self.inheritance.of_tiers();
        for (tier, sources) in &mut waiting {
            let frozen = self.frozen.get(tier);
            sources.retain(|source| frozen.is_none_or(|frozen| !frozen.sources.contains_key(source)));
        }
        waiting.retain(|_, sources| !sources.is_empty());
        waiting
    }

    /// What a tier takes over, as far as it is frozen.
    pub(super) fn frozen(&self, tier: TierId) -> Inherited {
        let nothing = || Inherited { version: FORMAT_VERSION.to_owned(), tier, sources: BTreeMap::new() };
        self.frozen.get(&tier).cloned().unwrap_or_else(nothing)
    }

    /// Freezes what a tier takes over, and then makes its baselines: a sitting that is killed in between goes on there.
    ///
    /// # Errors
    /// When it cannot be written, or a baseline cannot be made.
    pub(super) fn freeze(
        &mut self,
        folder: &ExperimentFolder,
        config: &Config,
        fixture: &Fixture,
        inherited: Inherited,
    ) -> Result<(), EngineError> {
        let tier = inherited.tier;
        if !self.frozen.contains_key(&tier) {
            // An `extend` that was killed may have made them under a plan in which the tier took nothing over.
            for (_, subtest) in self.inheritance.heirs_of(tier) {
                base::forget_baseline(&folder.repo(), tier, subtest)?;
            }
        }
        store::inherited::save(folder, &inherited)?;
        self.frozen.insert(tier, inherited);
        make_baselines(folder, config, fixture, self, |ready| ready == tier)
    }

    /// What a subtest is set up with; `None` while a winner below it is not known.
    pub(super) fn effective(&self, fixture: &Fixture, tier: TierId, subtest: SubtestId) -> Option<Effective> {
        let winners = |inherited: &Inherited| -> Winners {
            inherited.sources.iter().map(|(source, taken)| (*source, taken.winner.subtest)).collect()
        };
        let winners = self.frozen.iter().map(|(tier, inherited)| (*tier, winners(inherited))).collect();
        self.inheritance.effective(fixture, &winners, tier, subtest)
    }
}

/// The tiers of an experiment that wait for winners, each with the tiers of those, as its folder says without being
/// changed; none where it cannot be read, which is for `verify` to say.
#[must_use]
pub fn tiers_in_wait(folder: &ExperimentFolder, config: &Config) -> BTreeMap<TierId, BTreeSet<TierId>> {
    let (Ok(fixture), Ok(frozen)) = (config::fixture::load(&folder.fixture()), store::inherited::read_all(folder))
    else {
        return BTreeMap::new();
    };
    Taken { inheritance: Inheritance::of(config, &fixture), frozen }.waiting()
}

/// Makes the baselines of those planned tiers that take nothing over.
///
/// # Errors
/// When something cannot be composed, or git or the file system fails.
pub fn make_own_baselines(folder: &ExperimentFolder, config: &Config, fixture: &Fixture) -> Result<(), EngineError> {
    let taken = Taken { inheritance: Inheritance::of(config, fixture), ..Taken::default() };
    let waiting = taken.waiting();
    make_baselines(folder, config, fixture, &taken, |tier| !waiting.contains_key(&tier))
}

fn make_baselines(
    folder: &ExperimentFolder,
    config: &Config,
    fixture: &Fixture,
    taken: &Taken,
    ready: impl Fn(TierId) -> bool,
) -> Result<(), EngineError> {
    let mut layers = BTreeMap::new();
    for (tier, subtests) in config.subtests.iter().filter(|(tier, _)| ready(**tier)) {
        for subtest in subtests {
            let Some(effective) = taken.effective(fixture, *tier, *subtest) else { continue };
            let composition = compose(&effective, &fixture.stores, &config.thinking_mode)
                .map_err(|lacks| EngineError::Composition { tier: *tier, subtest: *subtest, lacks })?;
            let overlay = fixture.tiers.get(tier).and_then(|all| all.get(subtest)).and_then(|it| it.overlay.clone());
            layers.insert((*tier, *subtest), Layers { composition, overlay });
        }
    }
    Ok(base::make_baselines(&folder.repo(), &folder.fixture(), &config.task_commit, &layers)?)
}

/// What a plan asks for and cannot have: winners of tiers that are not planned, resources that are not there. `path_of`
/// finds a file of the fixture by its path below the fixture.
#[must_use]
pub fn mistakes(
    fixture: &Fixture,
    path_of: impl Fn(&str) -> PathBuf,
    inheritance: &Inheritance,
    thinking_mode: &str,
) -> Vec<Mistake> {
    let file = |(tier, subtest): (TierId, SubtestId)| {
        path_of(fixture.tiers.get(&tier).and_then(|all| all.get(&subtest)).map_or("", |subtest| subtest.file.as_str()))
    };
    let unmet = inheritance.unmet().into_iter().map(|(place, source)| {
        let (tier, subtest) = place;
        let message =
            format!("`{tier}/{subtest}` takes over the winner of `{source}`, which is not planned before `{tier}`");
        Mistake::new(&file(place), message).hint(format!("add `{source}` to `--tiers`, or say `--inherit none`"))
    });
    let mut mistakes: Vec<Mistake> = unmet.collect();
    for place in inheritance.places() {
        let Some(subtest) = fixture.tiers.get(&place.0).and_then(|all| all.get(&place.1)) else { continue };
        let own = Effective { setup: subtest.setup.clone(), ..Effective::default() };
        let lacks = compose(&own, &fixture.stores, thinking_mode).err().unwrap_or_default();
        mistakes.extend(lacks.iter().map(|lack| Mistake::new(&file(place), lack.to_string())));
    }
    mistakes
}
