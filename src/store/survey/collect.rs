//! Combines what the threads of a survey found.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::model::changes::Remainder;
use crate::model::digest::Digest;
use crate::model::grading::GradingNumber;
use crate::model::ids::{AttemptNumber, ExperimentId, RunId, SetupId, TierId};
use crate::model::outcome::Failure;
use crate::model::sandbox::Isolated;
use crate::model::shortfall::Shortfall;
use crate::model::survey::{AttemptsSeen, Former, Holder};
use crate::model::survey::{Graded, Problem, RunSeen, Survey};
use crate::model::usage::Total;

/// What one thread has found since it last handed over its findings.
#[derive(Default)]
pub(super) struct Part {
    pub(super) runs: Vec<(RunId, RunSeen)>,
    pub(super) graded: Vec<(RunId, Graded)>,
    pub(super) shortfalls: Vec<((RunId, GradingNumber), Shortfall)>,
    /// The later gradings of which the runs' folders contain anything.
    pub(super) graded_by: BTreeSet<GradingNumber>,
    pub(super) problems: Vec<Problem>,
    /// The runs that are or were claimed, each with the present holder of the claim.
    pub(super) claims: Vec<(RunId, Option<Holder>)>,
    pub(super) foreign: Vec<String>,
    pub(super) temporary: Vec<String>,
    pub(super) unknown: Vec<(String, String)>,
    pub(super) attempts: Vec<(RunId, AttemptSeen)>,
    /// Winners that results name as inherited: the tier of the result, and the winner.
    pub(super) inheritance: BTreeSet<(TierId, SetupId)>,
    /// The commits that results name as the start of their trees.
    pub(super) made_from: BTreeMap<SetupId, BTreeSet<String>>,
    /// The baselines whose check results the runs' own were compared with.
    pub(super) compared_with: BTreeSet<String>,
    /// The former attempts that runs should have.
    pub(super) former: Vec<(RunId, Former)>,
    /// Number of results that name the experiment as the config does.
    pub(super) of_this_experiment: usize,
    /// Results that name another experiment, with that name.
    pub(super) of_others: Vec<(String, RunId)>,
    /// What agents left that was not captured.
    pub(super) remainders: Vec<Remainder>,
    /// How many agents were isolated in which way.
    pub(super) isolated: Isolated,
}

/// One former attempt.
pub(super) struct AttemptSeen {
    /// `None` when its name does not say which attempt it was.
    pub(super) number: Option<AttemptNumber>,
    pub(super) cost: Total,
    pub(super) used_up: bool,
    /// What ended it.
    pub(super) failure: Option<Failure>,
    /// Whether its record carries a digest.
    pub(super) is_bound: bool,
}

/// The combined findings while they grow.
pub(super) struct Collection {
    survey: Survey,
    /// Sorted maps of decreasing size. Two are merged when the later one has grown to half the size of the one before,
    /// so that each run is moved only a few times, and merging frees the one while it fills the other.
    runs: Vec<BTreeMap<RunId, RunSeen>>,
    hashes: HashMap<Digest, u16>,
    of_this_experiment: usize,
    /// Each distinct shortfall of a run once: there are few of them.
    shortfalls: HashSet<Arc<Shortfall>>,
}

/// How many failures are kept, those of the first runs: nobody reads more.
const MOST_FAILURES: usize = 20_000;

/// Locks, also after a thread panicked: what it handed over before is still right.
pub(super) fn lock(collection: &Mutex<Collection>) -> MutexGuard<'_, Collection> {
    collection.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The collection when all threads are done.
pub(super) fn into_inner(collection: Mutex<Collection>) -> Collection {
    collection.into_inner().unwrap_or_else(PoisonError::into_inner)
}

impl Collection {
    pub(super) fn new(survey: Survey) -> Self {
        Self { survey, runs: Vec::new(), hashes: HashMap::new(), of_this_experiment: 0, shortfalls: HashSet::new() }
    }

    /// The runs that workers have claimed.
    pub(super) fn claimed(&self) -> BTreeSet<RunId> {
        self.survey.claimed.keys().copied().collect()
    }

    /// The number by which facts refer to a config's hash; `None` when the numbers are used up.
    pub(super) fn number(&mut self, hash: Digest) -> Option<u16> {
        let next = u16::try_from(self.hashes.len()).ok().filter(|next| *next < u16::MAX);
        match self.hashes.get(&hash) {
            Some(number) => Some(*number),
            None => next.inspect(|next| {
                self.hashes.insert(hash, *next);
            }),
        }
    }

    /// Takes over what a thread has found, and leaves its part empty.
    pub(super) fn take(&mut self, part: &mut Part) {
        if !part.runs.is_empty() {
            let mut later: BTreeMap<_, _> = part.runs.drain(..).collect();
            while self.runs.last().is_some_and(|former| former.len() <= 2 * later.len()) {
                let mut former = self.runs.pop().unwrap_or_default();
                former.append(&mut later);
                later = former;
            }
            self.runs.push(later);
        }
        self.survey.graded.extend(part.graded.drain(..));
        for (of, shortfall) in part.shortfalls.drain(..) {
            let shared = self.shortfalls.get(&shortfall).cloned().unwrap_or_else(|| {
                let shared = Arc::new(shortfall);
                self.shortfalls.insert(Arc::clone(&shared));
                shared
            });
            self.survey.shortfalls.insert(of, shared);
        }
        self.survey.graded_by.append(&mut part.graded_by);
        for (run, holder) in part.claims.drain(..) {
            match holder {
                Some(holder) => drop(self.survey.claimed.insert(run, holder)),
                None => drop(self.survey.claims_left.insert(run)),
            }
        }
        self.survey.problems.append(&mut part.problems);
        self.survey.remainders.append(&mut part.remainders);
        self.survey.foreign.append(&mut part.foreign);
        self.survey.temporary.append(&mut part.temporary);
        self.survey.unknown.append(&mut part.unknown);
        for (tier, winner) in std::mem::take(&mut part.inheritance) {
            self.survey.inheritance.entry(tier).or_default().insert(winner);
        }
        for (place, commits) in std::mem::take(&mut part.made_from) {
            self.survey.made_from.entry(place).or_default().extend(commits);
        }
        self.survey.compared_with.append(&mut part.compared_with);
        for (how, agents) in std::mem::take(&mut part.isolated) {
            *self.survey.isolated.entry(how).or_default() += agents;
        }
        self.survey.former.extend(part.former.drain(..));
        self.of_this_experiment += std::mem::take(&mut part.of_this_experiment);
        for (named, run) in part.of_others.drain(..) {
            let naming = self.survey.experiment_ids.entry(named).or_default();
            naming.results += 1;
            naming.runs.push(run);
        }
        for (run, attempt) in part.attempts.drain(..) {
            let seen: &mut AttemptsSeen = self.survey.attempts.entry(run).or_default();
            seen.cost += attempt.cost;
            seen.count += 1;
            seen.is_bound |= attempt.is_bound;
            if attempt.number.is_some() && seen.last < attempt.number {
                seen.last = attempt.number;
                seen.used_up = attempt.used_up;
                match attempt.failure {
                    Some(failure) => self.survey.failures.insert(run, failure),
                    None => self.survey.failures.remove(&run),
                };
                if self.survey.failures.len() > MOST_FAILURES {
                    self.survey.failures.pop_last();
                }
            }
        }
    }

    /// The survey, in an order that does not depend on which thread was faster.
    pub(super) fn finish(self, experiment_id: Option<&ExperimentId>) -> Survey {
        let Self { mut survey, runs, hashes, of_this_experiment, .. } = self;
        if let Some(id) = experiment_id.filter(|_| of_this_experiment > 0) {
            survey.experiment_ids.entry(id.to_string()).or_default().results += of_this_experiment;
        }
        for naming in survey.experiment_ids.values_mut() {
            naming.runs.sort_unstable();
        }
        for mut later in runs.into_iter().rev() {
            later.append(&mut survey.runs);
            survey.runs = later;
        }
        let is_committed = |run: &RunId| matches!(survey.runs.get(run), Some(RunSeen::Committed(_)));
        survey.failures.retain(|run, _| !is_committed(run));
        let mut sorted: Vec<(Digest, u16)> = hashes.into_iter().collect();
        sorted.sort_unstable();
        let mut renumbered = vec![0; sorted.len()];
        for ((_, number), place) in sorted.iter().zip(0..) {
            renumbered[usize::from(*number)] = place;
        }
        if !renumbered.is_sorted() {
            for seen in survey.runs.values_mut() {
                if let RunSeen::Committed(facts) = seen {
                    facts.config = facts.config.map(|number| renumbered[usize::from(number)]);
                }
            }
        }
        survey.config_hashes = sorted.into_iter().map(|(hash, _)| hash).collect();
        survey.problems.sort_by(|left, right| {
            (left.run, left.kind, &left.place, &left.found).cmp(&(right.run, right.kind, &right.place, &right.found))
        });
        survey.remainders.sort_by_key(|remainder| remainder.run);
        survey.foreign.sort();
        survey.temporary.sort();
        survey.unknown.sort();
        survey
    }
}
