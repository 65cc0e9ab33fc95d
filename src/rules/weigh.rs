//! Weighs what config, checkpoint and results say about the experiment as a whole: the odd one out is the damage, and
//! never all the others.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::checkpoint::ConfigHash;
use crate::model::digest::Digest;
use crate::model::experiment::Config;
use crate::model::ids::RunId;
use crate::model::survey::{RunSeen, Survey};

/// Which sources name which value.
pub(super) struct Claims<T> {
    pub(super) config: Option<T>,
    /// Whether a digest proves that the config is unchanged.
    config_is_proven: bool,
    pub(super) checkpoint: Option<T>,
    /// The values that results name, with the number of such results.
    pub(super) results: BTreeMap<T, usize>,
}

impl<T: Ord + Clone> Claims<T> {
    /// The value that most of them name. At a tie between the config and others, the others win, unless the config's
    /// digest proves it.
    pub(super) fn weigh(&self) -> Option<T> {
        let mut votes = self.results.clone();
        for claim in [&self.config, &self.checkpoint].into_iter().flatten() {
            *votes.entry(claim.clone()).or_default() += 1;
        }
        let most = votes.values().copied().max()?;
        let mut named: Vec<T> = votes.into_iter().filter(|(_, count)| *count == most).map(|(value, _)| value).collect();
        if let Some(config) = self.config.as_ref().filter(|config| self.config_is_proven && named.contains(config)) {
            return Some(config.clone());
        }
        if named.len() > 1 {
            named.retain(|value| Some(value) != self.config.as_ref());
        }
        let recorded = named.iter().find(|value| Some(*value) == self.checkpoint.as_ref());
        recorded.or(named.first()).cloned()
    }

    /// How many results name a value.
    pub(super) fn results(&self, value: &T) -> usize {
        self.results.get(value).copied().unwrap_or_default()
    }
}

/// The name of this experiment.
#[must_use]
pub(super) fn experiment_id(survey: &Survey) -> Option<String> {
    ids(survey).weigh()
}

/// The digest of the result fields of the config under which this experiment was made.
#[must_use]
pub(super) fn config_hash(survey: &Survey) -> Option<Digest> {
    hashes(survey).weigh()
}

/// The experiment that each source names.
pub(super) fn ids(survey: &Survey) -> Claims<String> {
    Claims {
        config: survey.config.content().map(|config| config.experiment_id.to_string()),
        config_is_proven: survey.config_is_whole,
        checkpoint: survey.checkpoint.content().map(|checkpoint| checkpoint.experiment_id.to_string()),
        results: survey.experiment_ids.iter().map(|(id, naming)| (id.clone(), naming.results)).collect(),
    }
}

/// The config that each source names.
pub(super) fn hashes(survey: &Survey) -> Claims<Digest> {
    let mut counts = vec![0_usize; survey.config_hashes.len()];
    for seen in survey.runs.values() {
        if let RunSeen::Committed(facts) = seen
            && let Some(count) = facts.config.and_then(|config| counts.get_mut(usize::from(config)))
        {
            *count += 1;
        }
    }
    let named = survey.config_hashes.iter().copied().zip(counts).filter(|(_, count)| *count > 0);
    let recorded = survey.checkpoint.content().and_then(|checkpoint| match &checkpoint.config_hash {
        ConfigHash::Ours(digest) => Some(*digest),
        ConfigHash::Foreign(_) => None,
    });
    let config = survey.config.content().map(Config::hash);
    Claims { config, config_is_proven: survey.config_is_whole, checkpoint: recorded, results: named.collect() }
}

/// The results that name another experiment or config than the other results.
#[must_use]
pub(super) fn odd_results(survey: &Survey) -> BTreeSet<RunId> {
    let mut odd: BTreeSet<RunId> = odd_configs(survey, &hashes(survey)).map(|(run, _)| run).collect();
    if let Some(right) = ids(survey).weigh() {
        let others = survey.experiment_ids.iter().filter(|(named, _)| **named != right);
        odd.extend(others.flat_map(|(_, naming)| &naming.runs));
    }
    odd
}

/// The runs that were made under another config than the experiment's, with its digest.
pub(super) fn odd_configs<'a>(
    survey: &'a Survey,
    claims: &Claims<Digest>,
) -> impl Iterator<Item = (RunId, Digest)> + 'a {
    let right = claims.weigh().filter(|right| claims.results.keys().any(|made| made != right));
    let runs = right.into_iter().flat_map(|right| survey.runs.iter().map(move |(run, seen)| (right, run, seen)));
    runs.filter_map(|(right, run, seen)| {
        let RunSeen::Committed(facts) = seen else { return None };
        let made = survey.config_hashes.get(usize::from(facts.config?))?;
        (*made != right).then_some((*run, *made))
    })
}
