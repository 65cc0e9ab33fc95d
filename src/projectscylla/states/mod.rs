//! States of runs, subtests, tiers and the experiment in checkpoints of version 3.0 and 3.1: which of them claim that
//! work is done, which contradict the results, and which would be correct.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::model::checkpoint::CompletedRuns;
use crate::model::ids::{RunId, SetupId, TierId};
use crate::model::outcome::RunStatus;
use crate::model::plan::Plan;
use crate::projectscylla::version::Version;

/// Declares the states of a level in their order, with their words in the file.
macro_rules! states {
    ($(#[$meta:meta])* $level:ident { $( $state:ident $word:literal, )* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[expect(missing_docs, reason = "each state is the word that it is written as")]
        pub enum $level { $( $state, )* }

        impl $level {
            /// Every state, in the order in which they are reached; states of failure last.
            pub const ALL: &'static [Self] = &[$( Self::$state ),*];

            /// The word in the file.
            #[must_use]
            pub fn word(self) -> &'static str {
                match self { $( Self::$state => $word, )* }
            }

            /// Reads the word in the file.
            #[must_use]
            pub fn read(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|state| state.word() == word)
            }
        }

        impl fmt::Display for $level {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.word())
            }
        }
    };
}

states! {
    /// States of a run, of all versions, in the order of progress. 3.0 has coarser ones, which are placed where they
    /// belong; those of March 2026 (`failure_…`) and the ones after them share the version 3.1.
    RunState {
        Pending "pending",
        DirStructureCreated "dir_structure_created",
        WorktreeCreated "worktree_created",
        SymlinksApplied "symlinks_applied",
        WorkspaceConfigured "workspace_configured",
        ConfigCommitted "config_committed",
        BaselineCaptured "baseline_captured",
        PromptWritten "prompt_written",
        AgentReady "agent_ready",
        ReplayGenerated "replay_generated",
        FailureInjected "failure_injected",
        AgentComplete "agent_complete",
        FailureCleared "failure_cleared",
        AgentChangesCommitted "agent_changes_committed",
        DiffCaptured "diff_captured",
        PromotedToCompleted "promoted_to_completed",
        JudgePipelineRun "judge_pipeline_run",
        JudgeReady "judge_ready",
        JudgePromptBuilt "judge_prompt_built",
        JudgeComplete "judge_complete",
        RunFinalized "run_finalized",
        RunComplete "run_complete",
        ReportWritten "report_written",
        Checkpointed "checkpointed",
        WorktreeCleaned "worktree_cleaned",
        Failed "failed",
        RateLimited "rate_limited",
    }
}

states! {
    /// States of a subtest.
    SubtestState {
        Pending "pending",
        RunsInProgress "runs_in_progress",
        RunsComplete "runs_complete",
        Aggregated "aggregated",
        Failed "failed",
    }
}

states! {
    /// States of a tier. `subtests_running` is written when all subtests have run.
    TierState {
        Pending "pending",
        ConfigLoaded "config_loaded",
        SubtestsRunning "subtests_running",
        SubtestsComplete "subtests_complete",
        BestSelected "best_selected",
        ReportsGenerated "reports_generated",
        Complete "complete",
        Failed "failed",
    }
}

states! {
    /// States of the experiment.
    ExperimentState {
        Initializing "initializing",
        DirCreated "dir_created",
        RepoCloned "repo_cloned",
        TiersRunning "tiers_running",
        TiersComplete "tiers_complete",
        ReportsGenerated "reports_generated",
        Complete "complete",
        Interrupted "interrupted",
        Failed "failed",
    }
}

impl RunState {
    /// Whether it claims that the run has a result.
    #[must_use]
    pub fn claims_done(self) -> bool {
        (Self::RunFinalized..=Self::WorktreeCleaned).contains(&self)
    }

    /// The state of a committed run by ProjectScylla's own rule.
    fn of(version: Version, committed: Committed) -> Self {
        match (version, committed) {
            (Version::V3_0, _) => Self::RunComplete,
            (_, Committed { report: true, workspace: false }) => Self::WorktreeCleaned,
            (_, Committed { report: true, workspace: true }) => Self::ReportWritten,
            (_, Committed { report: false, .. }) => Self::RunFinalized,
        }
    }
}

impl SubtestState {
    /// Whether it claims that all runs are done.
    #[must_use]
    pub fn claims_done(self) -> bool {
        (Self::RunsComplete..=Self::Aggregated).contains(&self)
    }
}

impl TierState {
    /// Whether it claims that all subtests are done.
    #[must_use]
    pub fn claims_done(self) -> bool {
        (Self::SubtestsRunning..=Self::Complete).contains(&self)
    }
}

impl ExperimentState {
    /// Whether it claims that all tiers are done.
    #[must_use]
    pub fn claims_done(self) -> bool {
        (Self::TiersComplete..=Self::Complete).contains(&self)
    }
}

/// The states that a checkpoint names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct States {
    /// That of the experiment.
    pub experiment: Option<ExperimentState>,
    /// Those of tiers.
    pub tiers: BTreeMap<TierId, TierState>,
    /// Those of subtests.
    pub subtests: BTreeMap<SetupId, SubtestState>,
    /// Those of runs.
    pub runs: BTreeMap<RunId, RunState>,
}

/// The contents of the folder of a committed run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Committed {
    /// Whether there is a `report.json`.
    pub report: bool,
    /// Whether there is a `workspace/`.
    pub workspace: bool,
}

/// The facts of folder and plan with which states are compared.
#[derive(Debug, Clone, Copy)]
pub struct StateFacts<'a> {
    /// The checkpoint's version.
    pub version: Version,
    /// Every run that should exist, as far as subtests are known.
    pub plan: &'a Plan,
    /// Planned tiers without a known subtest.
    pub tiers_without_subtests: &'a [TierId],
    /// Every committed run.
    pub committed: &'a BTreeMap<RunId, Committed>,
    /// Runs for which an I/O error hides whether they are committed: they are not reported.
    pub unknown: &'a BTreeSet<RunId>,
}

/// Runs of a subtest or a tier.
#[derive(Debug, Clone, Copy, Default)]
struct Count {
    planned: usize,
    committed: usize,
    missing: usize,
}

impl std::ops::AddAssign for Count {
    fn add_assign(&mut self, other: Self) {
        self.planned += other.planned;
        self.committed += other.committed;
        self.missing += other.missing;
    }
}

impl Count {
    fn is_all_done(self) -> bool {
        self.planned > 0 && self.missing == 0
    }
}

type Counts = BTreeMap<SetupId, Count>;

impl StateFacts<'_> {
    fn counts(&self) -> Counts {
        let mut counts = Counts::new();
        for run in self.plan.runs() {
            let count = counts.entry((run.tier, run.subtest)).or_default();
            count.planned += 1;
            count.missing += usize::from(!self.committed.contains_key(&run) && !self.unknown.contains(&run));
        }
        for run in self.committed.keys() {
            counts.entry((run.tier, run.subtest)).or_default().committed += 1;
        }
        counts
    }

    /// The same for tiers. A tier about which nothing is known has missing runs.
    fn tiers(&self, counts: &Counts) -> BTreeMap<TierId, Count> {
        let mut tiers: BTreeMap<TierId, Count> = BTreeMap::new();
        for tier in self.tiers_without_subtests {
            tiers.entry(*tier).or_default().missing += 1;
        }
        for ((tier, _), count) in counts {
            *tiers.entry(*tier).or_default() += *count;
        }
        tiers
    }

    fn has_states(&self) -> bool {
        self.version >= Version::V3_0
    }

    fn is_without_result(&self, run: RunId) -> bool {
        !self.committed.contains_key(&run) && !self.unknown.contains(&run)
    }
}

/// The states that the results contradict: the place in the file, and what is wrong there.
///
/// What other findings report already is left out: results that `recorded` does not name, and entries without a result.
#[must_use]
pub fn stale(states: &States, recorded: &CompletedRuns, facts: &StateFacts<'_>) -> Vec<(String, String)> {
    if !facts.has_states() {
        return Vec::new();
    }
    let counts = facts.counts();
    let tiers = facts.tiers(&counts);
    let mut found = Vec::new();
    let missing: usize = tiers.values().map(|count| count.missing).sum();
    if let Some(state) = states.experiment.filter(|state| state.claims_done() && missing > 0) {
        found.push(("experiment_state".to_owned(), format!("the state is `{state}`, and planned runs have no result")));
    }
    for (tier, count) in &tiers {
        let Some(state) = states.tiers.get(tier) else { continue };
        let message = if state.claims_done() && count.missing > 0 {
            format!("the state is `{state}`, and planned runs have no result")
        } else if *state == TierState::Pending && count.committed > 0 {
            format!("the state is `{state}`, and it has committed runs")
        } else {
            continue;
        };
        found.push((format!("tier_states.{tier}"), message));
    }
    for ((tier, subtest), count) in &counts {
        let Some(state) = states.subtests.get(&(*tier, *subtest)) else { continue };
        let message = if state.claims_done() && count.missing > 0 {
            format!("the state is `{state}`, and {} of {} planned runs have no result", count.missing, count.planned)
        } else if matches!(state, SubtestState::Pending | SubtestState::Failed) && count.committed > 0 {
            format!("the state is `{state}`, and it has committed runs")
        } else {
            continue;
        };
        found.push((format!("subtest_states.{tier}.{subtest}"), message));
    }
    stale_runs(states, recorded, facts, &mut found);
    found
}

fn stale_runs(states: &States, recorded: &CompletedRuns, facts: &StateFacts<'_>, found: &mut Vec<(String, String)>) {
    let place = |run: RunId| format!("run_states.{}.{}.{}", run.tier, run.subtest, run.run);
    for run in facts.committed.keys().filter(|run| recorded.get(**run).is_some_and(RunStatus::is_judged)) {
        match states.runs.get(run) {
            Some(state) if state.claims_done() => {}
            Some(state) => found.push((place(*run), format!("the state is `{state}`, and the run is committed"))),
            None => found.push((place(*run), "it is not there, and the run is committed".to_owned())),
        }
    }
    for (run, state) in states.runs.iter().filter(|(run, state)| state.claims_done() && facts.is_without_result(**run))
    {
        if !recorded.get(*run).is_some_and(RunStatus::is_judged) {
            found.push((place(*run), format!("the state is `{state}`, and the run has no result")));
        }
    }
}

/// The states as they should be, given the entries `wanted`. Correct states stay, and unknown ones are not set.
#[must_use]
pub fn mended(states: &States, wanted: &CompletedRuns, facts: &StateFacts<'_>) -> States {
    let mut mended = states.clone();
    if !facts.has_states() {
        return mended;
    }
    // A state that claims a result is removed together with its entry: a run without a state still has to be done.
    mended.runs.retain(|run, state| {
        let phantom = state.claims_done() && facts.is_without_result(*run);
        !phantom || wanted.get(*run).is_some_and(RunStatus::is_judged)
    });
    for (run, committed) in facts.committed {
        let least = RunState::of(facts.version, *committed);
        let state = mended.runs.entry(*run).or_insert(least);
        if *state < least || *state > RunState::WorktreeCleaned {
            *state = least;
        }
    }
    let counts = facts.counts();
    for (subtest, count) in &counts {
        if let Some(state) = mended_subtest(states.subtests.get(subtest).copied(), *count) {
            mended.subtests.insert(*subtest, state);
        }
    }
    let tiers = facts.tiers(&counts);
    for (tier, count) in &tiers {
        let state = states.tiers.get(tier).copied();
        let contradicted = state.is_some_and(TierState::claims_done) && count.missing > 0;
        let behind = matches!(state, None | Some(TierState::Pending)) && count.committed > 0;
        if contradicted || behind {
            mended.tiers.insert(*tier, TierState::ConfigLoaded);
        }
    }
    if mended.experiment.is_some_and(ExperimentState::claims_done) && tiers.values().any(|count| count.missing > 0) {
        mended.experiment = Some(ExperimentState::Interrupted);
    }
    mended
}

/// The corrected state of a subtest; `None` when it stays.
fn mended_subtest(state: Option<SubtestState>, count: Count) -> Option<SubtestState> {
    let behind = state.is_none_or(|state| !state.claims_done()) && count.committed > 0;
    match state {
        Some(state) if state.claims_done() && count.missing > 0 => Some(SubtestState::RunsInProgress),
        _ if behind && count.is_all_done() => Some(SubtestState::RunsComplete),
        _ if behind => Some(SubtestState::RunsInProgress),
        _ => None,
    }
}

/// The states of an experiment that is exported for ProjectScylla: committed runs are complete, and a subtest, tier or
/// experiment is complete when none of its planned runs is missing.
#[must_use]
pub fn exported(facts: &StateFacts<'_>) -> States {
    let counts = facts.counts();
    let tiers = facts.tiers(&counts);
    let all_done = tiers.values().all(|count| count.missing == 0);
    let subtest = |count: &Count| match count {
        count if count.is_all_done() => Some(SubtestState::Aggregated),
        count if count.committed > 0 => Some(SubtestState::RunsInProgress),
        _ => None,
    };
    let tier = |count: &Count| match count {
        count if count.is_all_done() => Some(TierState::Complete),
        count if count.committed > 0 => Some(TierState::ConfigLoaded),
        _ => None,
    };
    States {
        experiment: Some(if all_done { ExperimentState::Complete } else { ExperimentState::Interrupted }),
        tiers: tiers.iter().filter_map(|(id, count)| Some((*id, tier(count)?))).collect(),
        subtests: counts.iter().filter_map(|(id, count)| Some((*id, subtest(count)?))).collect(),
        runs: facts.committed.iter().map(|(run, found)| (*run, RunState::of(facts.version, *found))).collect(),
    }
}

#[cfg(test)]
mod tests;
