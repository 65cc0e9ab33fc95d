//! The progress of an experiment: totals that are derived from what is committed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::model::changes::Remainder;
use crate::model::control::BrokenControl;
use crate::model::event::{Errored, ExperimentFinished, Missing, SetupTotals, TierTotals};
use crate::model::grading::GradingNumber;
use crate::model::ids::{RunId, SetupId, TierId};
use crate::model::outcome::{ExperimentEnd, Failure, FailureKind, RunStatus};
use crate::model::plan::Plan;
use crate::model::result::RunResult;
use crate::model::shortfall::{SetupShortfall, Shortfall};
use crate::model::survey::{ResultFacts, RunSeen, Survey};
use crate::model::task::Fixture;
use crate::rules::costs::{Costs, Spent};
use crate::rules::gradings;
use crate::rules::index;
use crate::rules::status::status_on_disk;
use crate::rules::status::{failure_of, grouped};
use crate::stats::controls::broken;
use crate::stats::shortfalls;
use crate::stats::tiers::{setup_totals, tier_totals};

/// The facts of committed runs, and which runs are missing.
#[derive(Debug, Clone)]
pub struct Progress {
    plan: Plan,
    committed: BTreeMap<RunId, ResultFacts>,
    missing: BTreeMap<RunId, Missing>,
    withheld: BTreeSet<RunId>,
    /// Runs whose results are damaged: they are not counted anywhere.
    damaged: BTreeSet<RunId>,
    /// Committed runs without a verdict under the newest grading.
    to_grade: BTreeSet<RunId>,
    /// The last failure of each missing run.
    failures: BTreeMap<RunId, Failure>,
    /// Why committed runs did not pass, by the grading that counts.
    shortfalls: BTreeMap<RunId, Arc<Shortfall>>,
    /// The grading that counts.
    counting: GradingNumber,
    spent: Spent,
    /// For each committed run, what its agent left that was not captured.
    remainders: BTreeMap<RunId, Remainder>,
}

impl Progress {
    /// The progress that a survey of the folder shows.
    #[must_use]
    pub fn of(plan: Plan, survey: &Survey) -> Self {
        let mut spent = Spent::default();
        spent.add_elsewhere(survey.quarantined_cost);
        survey.attempts.iter().for_each(|(run, former)| spent.add_former(run.tier, former.cost, former.count));
        survey.runs.iter().for_each(|(run, seen)| spent.add(run.tier, seen.spent()));
        let damaged = index::damaged(survey);
        let committed: BTreeMap<RunId, ResultFacts> = survey
            .runs
            .iter()
            .filter(|(run, _)| !damaged.contains(run))
            .filter_map(|(run, seen)| match seen {
                // A result without a verdict does not count; a person has to say what it is.
                RunSeen::Committed(facts) if facts.passed.is_some() => Some((*run, *facts)),
                RunSeen::Committed(_) | RunSeen::Unfinished { .. } | RunSeen::Unreadable | RunSeen::Unknown => None,
            })
            .collect();
        let missing: BTreeMap<RunId, Missing> = plan
            .runs()
            .filter(|run| !committed.contains_key(run))
            .map(|run| {
                let why = match (status_on_disk(survey, run), survey.runs.get(&run)) {
                    _ if damaged.contains(&run) => Missing::Damaged,
                    (Some(RunStatus::AgentComplete), _) => Missing::AgentComplete,
                    (Some(RunStatus::Errored), _) => Missing::Errored,
                    (_, Some(_)) => Missing::Unfinished,
                    (_, None) if survey.attempts.contains_key(&run) => Missing::Unfinished,
                    (_, None) => Missing::NotStarted,
                };
                (run, why)
            })
            .collect();
        let to_grade = gradings::to_grade(survey).into_iter().filter(|run| plan.contains(*run)).collect();
        let remainders = survey.remainders.iter().map(|remainder| (remainder.run, remainder.clone())).collect();
        let failures = missing
            .keys()
            .filter_map(|run| Some((*run, failure_of(survey, *run, survey.runs.get(run))?.clone())))
            .filter(|(_, failure)| failure.kind != FailureKind::RateLimit)
            .collect();
        let counting = survey.shortfalls.iter().filter(|((_, grading), _)| *grading == survey.counting);
        let shortfalls = counting.map(|((run, _), shortfall)| (*run, Arc::clone(shortfall))).collect();
        Self {
            plan,
            committed,
            missing,
            withheld: BTreeSet::new(),
            damaged,
            to_grade,
            failures,
            shortfalls,
            counting: survey.counting,
            spent,
            remainders,
        }
    }

    /// Records that infrastructure failed in a run; whether the run is tried again is decided elsewhere.
    pub fn fail(&mut self, run: RunId, failure: Failure) {
        self.failures.insert(run, failure);
    }

    /// Records that an attempt of a run begins, and forgets the failure before it.
    pub fn begin(&mut self, run: RunId) {
        self.failures.remove(&run);
    }

    /// The last failure of each missing run.
    pub fn failures(&self) -> impl Iterator<Item = &Failure> {
        self.failures.values()
    }

    /// The last failures of missing runs, each distinct one once with its runs.
    #[must_use]
    pub fn errored(&self) -> Vec<Errored> {
        grouped(self.failures.iter().map(|(run, failure)| (*run, failure)))
    }

    /// The grading that counts.
    #[must_use]
    pub fn counting(&self) -> GradingNumber {
        self.counting
    }

    /// Why planned runs did not pass, counted for each setup. A control that must fail is asked for no reason.
    #[must_use]
    pub fn shortfalls(&self, fixture: Option<&Fixture>) -> Vec<SetupShortfall> {
        let controls = fixture.map(Fixture::controls).unwrap_or_default();
        let mut done = BTreeMap::new();
        for run in self.committed.keys().filter(|run| self.plan.contains(**run)) {
            *done.entry((run.tier, run.subtest)).or_default() += 1;
        }
        let did_not_pass = |run: &RunId| {
            self.plan.contains(*run) && self.committed.get(run).is_some_and(|facts| facts.passed == Some(false))
        };
        let runs = self.shortfalls.iter().filter(|(run, _)| did_not_pass(run) && !controls.must_fail(**run));
        shortfalls::by_setup(runs.map(|(run, shortfall)| (*run, &**shortfall)), &done)
    }

    /// Replaces the plan by one that has grown.
    pub fn replan(&mut self, plan: Plan) {
        for run in plan.runs().filter(|run| !self.committed.contains_key(run)) {
            let damaged = self.damaged.contains(&run);
            self.missing.entry(run).or_insert(if damaged { Missing::Damaged } else { Missing::NotStarted });
            if damaged {
                self.withheld.insert(run);
            }
        }
        self.plan = plan;
    }

    /// Records that a run is committed.
    pub fn commit(&mut self, run: RunId, result: &RunResult) {
        self.missing.remove(&run);
        self.to_grade.remove(&run);
        let facts = ResultFacts {
            passed: Some(result.judge_passed),
            score: Some(result.judge_score.get()),
            votes: u16::try_from(result.judges.len()).unwrap_or(u16::MAX),
            cost: result.cost(),
            failed_judges: result.failed_judge_cost,
            seconds: result.duration_seconds,
            config: None,
        };
        self.committed.insert(run, facts);
        self.remainders.extend(Remainder::of(run, result.not_captured, result.flags.clone()).map(|left| (run, left)));
        self.counting = result.grading;
        self.failures.remove(&run);
        self.shortfalls.remove(&run);
        self.shortfalls.extend(Shortfall::of(result).map(|shortfall| (run, Arc::new(shortfall))));
    }

    /// What agents of committed runs left that was not captured.
    #[must_use]
    pub fn remainders(&self) -> Vec<Remainder> {
        self.remainders.values().filter(|left| self.committed.contains_key(&left.run)).cloned().collect()
    }

    /// Records that a run is not committed, and why.
    pub fn miss(&mut self, run: RunId, why: Missing) {
        if self.plan.contains(run) && !self.committed.contains_key(&run) {
            self.missing.insert(run, why);
        }
    }

    /// Runs whose results are damaged.
    #[must_use]
    pub fn damaged(&self) -> Vec<RunId> {
        self.damaged.iter().copied().collect()
    }

    /// Records that a missing run is not to be repeated unless a person asks for it: it had a result once.
    pub fn withhold(&mut self, run: RunId) {
        if self.missing.contains_key(&run) || self.to_grade.contains(&run) {
            self.withheld.insert(run);
        }
    }

    /// Limits the runs that are to be done to these.
    pub fn only(&mut self, runs: &BTreeSet<RunId>) {
        let open = self.missing.keys().chain(&self.to_grade).copied();
        self.withheld.extend(open.filter(|run| !runs.contains(run)));
    }

    /// Runs whose agents are done and that have no verdict under the newest grading.
    #[must_use]
    pub fn to_grade(&self) -> BTreeSet<RunId> {
        let done = self.missing.iter().filter(|(_, why)| **why == Missing::AgentComplete).map(|(run, _)| *run);
        done.chain(self.to_grade.iter().copied()).collect()
    }

    /// Records that a run has its verdict under the newest grading, which does not count yet.
    pub fn grade(&mut self, run: RunId) {
        self.to_grade.remove(&run);
        self.missing.remove(&run);
        self.failures.remove(&run);
    }

    /// Whether the run is committed with a verdict under the grading that counts.
    #[must_use]
    pub fn is_committed(&self, run: RunId) -> bool {
        self.committed.contains_key(&run)
    }

    /// Runs that are missing because infrastructure failed: attempts were used up, judges gave no verdict, or a failed
    /// judging was set aside.
    #[must_use]
    pub fn failed(&self) -> BTreeSet<RunId> {
        let failed = |why: &Missing| !matches!(why, Missing::NotStarted | Missing::Damaged);
        self.missing.iter().filter(|(_, why)| failed(why)).map(|(run, _)| *run).collect()
    }

    /// Withholds the runs of these subtests, which cannot be started. Gives those subtests that had runs to do.
    pub fn withhold_stopped(&mut self, stopped: &BTreeSet<SetupId>) -> BTreeSet<SetupId> {
        let runs: Vec<RunId> = self.to_do().filter(|run| stopped.contains(&(run.tier, run.subtest))).collect();
        self.withheld.extend(&runs);
        runs.into_iter().map(|run| (run.tier, run.subtest)).collect()
    }

    /// Runs that are not to be repeated unless a person asks for it.
    pub fn withheld(&self) -> impl Iterator<Item = RunId> + '_ {
        self.withheld.iter().copied()
    }

    /// Planned runs that are to be done.
    pub fn to_do(&self) -> impl Iterator<Item = RunId> + '_ {
        let open: BTreeSet<RunId> = self.missing.keys().chain(&self.to_grade).copied().collect();
        open.into_iter().filter(|run| !self.withheld.contains(run))
    }

    /// Committed runs of a tier's plan.
    pub fn committed_in(&self, tier: TierId) -> impl Iterator<Item = RunId> + '_ {
        let of_tier = move |run: &RunId| run.tier == tier && self.plan.contains(*run);
        self.committed.keys().copied().filter(of_tier)
    }

    /// How many runs of a tier are planned.
    #[must_use]
    pub fn planned_in(&self, tier: TierId) -> usize {
        self.plan.tiers().find(|(planned, _)| *planned == tier).map_or(0, |(_, runs)| runs)
    }

    /// What was spent before this session: on every attempt, and on judges.
    #[must_use]
    pub fn spent(&self) -> &Spent {
        &self.spent
    }

    /// Planned runs that are missing.
    #[must_use]
    pub fn missing(&self) -> &BTreeMap<RunId, Missing> {
        &self.missing
    }

    /// Whether runs are missing, and of each of them the attempts are used up: nothing was stopped on its way.
    #[must_use]
    pub fn has_only_errored(&self) -> bool {
        !self.missing.is_empty() && self.missing.values().all(|why| *why == Missing::Errored)
    }

    /// Whether nothing of any planned run was ever begun.
    #[must_use]
    pub fn is_only_planned(&self) -> bool {
        self.committed.is_empty() && self.missing.values().all(|why| *why == Missing::NotStarted)
    }

    /// How many planned runs are missing, for each reason.
    #[must_use]
    pub fn missing_by_why(&self) -> BTreeMap<Missing, usize> {
        self.missing.values().fold(BTreeMap::new(), |mut counts, why| {
            *counts.entry(*why).or_default() += 1;
            counts
        })
    }

    /// What committed runs cost.
    #[must_use]
    pub fn costs(&self) -> Costs {
        self.committed.iter().map(|(run, facts)| (*run, facts.cost)).collect()
    }

    /// The closing event of a session that had nothing to do.
    #[must_use]
    pub fn finished(&self, folder: &str, fixture: Option<&Fixture>) -> ExperimentFinished {
        let is_complete = self.missing.is_empty();
        ExperimentFinished {
            end: if is_complete { ExperimentEnd::Completed } else { ExperimentEnd::Incomplete },
            folder: folder.to_owned(),
            tiers: self.tiers(),
            setups: self.setups(fixture),
            spent: self.spent.total(),
            duration_seconds: 0.0,
            worked_seconds: 0.0,
            errored: self.errored(),
            shortfalls: self.shortfalls(fixture),
            broken_controls: self.broken_controls(fixture),
            remainders: self.remainders(),
            missing: self.missing_by_why(),
            damaged: self.damaged(),
            waiting: BTreeMap::new(),
        }
    }

    /// The totals of each tier.
    #[must_use]
    pub fn tiers(&self) -> Vec<TierTotals> {
        tier_totals(&self.plan, self.facts())
    }

    /// The totals of each setup, with the names that the fixture gives them.
    #[must_use]
    pub fn setups(&self, fixture: Option<&Fixture>) -> Vec<SetupTotals> {
        setup_totals(&self.plan, self.facts(), |tier, subtest| {
            let subtest = fixture.and_then(|fixture| fixture.tiers.get(&tier)?.get(&subtest));
            (subtest.map(|subtest| subtest.name.clone()), subtest.and_then(|subtest| subtest.agent.control()))
        })
    }

    /// How many committed runs measure an agent, and how many of these passed.
    #[must_use]
    pub fn measured(&self, fixture: Option<&Fixture>) -> (usize, usize) {
        let controls = fixture.map(Fixture::controls).unwrap_or_default();
        let measured =
            self.committed.iter().filter(|(run, _)| self.plan.contains(**run) && controls.measures_agent(**run));
        measured.fold((0, 0), |(done, passed), (_, facts)| (done + 1, passed + usize::from(facts.passed == Some(true))))
    }

    /// The fixture's controls of which planned runs did not do what is expected.
    #[must_use]
    pub fn broken_controls(&self, fixture: Option<&Fixture>) -> Vec<BrokenControl> {
        let planned = self.committed.iter().filter(|(run, _)| self.plan.contains(**run));
        let verdicts = planned.filter_map(|(run, facts)| Some((*run, facts.passed?)));
        broken(&fixture.map(Fixture::controls).unwrap_or_default(), verdicts)
    }

    fn facts(&self) -> impl Iterator<Item = (RunId, ResultFacts)> + '_ {
        self.committed.iter().map(|(run, facts)| (*run, *facts))
    }
}
