use super::*;
use crate::model::ids::{SubtestId, TierId};

const NOTHING: BTreeSet<RunId> = BTreeSet::new();

fn run(text: &str) -> RunId {
    text.parse().unwrap()
}

fn plan() -> Plan {
    let mut plan = Plan::default();
    plan.add(TierId(0), SubtestId(0), 2);
    plan.add(TierId(0), SubtestId(1), 1);
    plan
}

fn committed(runs: &[(&str, bool, bool)]) -> BTreeMap<RunId, Committed> {
    runs.iter().map(|(id, report, workspace)| (run(id), Committed { report: *report, workspace: *workspace })).collect()
}

fn recorded(runs: &[&str]) -> CompletedRuns {
    let mut recorded = CompletedRuns::default();
    for id in runs {
        recorded.set(run(id), RunStatus::Passed);
    }
    recorded
}

fn states(experiment: &str, tier: &str, subtests: [&str; 2], runs: &[(&str, &str)]) -> States {
    let ids = [(TierId(0), SubtestId(0)), (TierId(0), SubtestId(1))];
    States {
        experiment: ExperimentState::read(experiment),
        tiers: TierState::read(tier).map(|state| (TierId(0), state)).into_iter().collect(),
        subtests: ids
            .into_iter()
            .zip(subtests)
            .filter_map(|(id, word)| Some((id, SubtestState::read(word)?)))
            .collect(),
        runs: runs.iter().map(|(id, word)| (run(id), RunState::read(word).unwrap())).collect(),
    }
}

/// The findings before, and the states after mending, in which nothing is stale.
fn mend(found: &States, entries: &[&str], on_disk: &[(&str, bool, bool)]) -> (Vec<String>, States) {
    mend_version(Version::V3_1, found, entries, on_disk)
}

fn mend_version(
    version: Version,
    found: &States,
    entries: &[&str],
    on_disk: &[(&str, bool, bool)],
) -> (Vec<String>, States) {
    let (plan, committed) = (plan(), committed(on_disk));
    let facts =
        StateFacts { version, plan: &plan, tiers_without_subtests: &[], committed: &committed, unknown: &NOTHING };
    let mut wanted = recorded(entries);
    for id in committed.keys() {
        wanted.set(*id, RunStatus::Passed);
    }
    let after = mended(found, &wanted, &facts);
    assert_eq!(stale(&after, &wanted, &facts), [], "mended states are not stale");
    assert_eq!(mended(&after, &wanted, &facts), after, "twice is the same as once");
    let stale = stale(found, &recorded(entries), &facts);
    (stale.into_iter().map(|(place, message)| format!("{place}: {message}")).collect(), after)
}

const ALL: [(&str, bool, bool); 3] = [("T0/00/1", true, false), ("T0/00/2", true, false), ("T0/01/1", true, false)];
const ALL_RUNS: [&str; 3] = ["T0/00/1", "T0/00/2", "T0/01/1"];

#[test]
fn words_read_back_and_claims_are_the_states_behind_the_work() {
    for state in RunState::ALL {
        assert_eq!(RunState::read(state.word()), Some(*state));
    }
    assert_eq!(RunState::read("archived"), None);
    let claims: Vec<&str> =
        RunState::ALL.iter().filter(|state| state.claims_done()).map(|state| state.word()).collect();
    assert_eq!(claims, ["run_finalized", "run_complete", "report_written", "checkpointed", "worktree_cleaned"]);
    assert!(!SubtestState::Failed.claims_done() && !TierState::Failed.claims_done());
    assert!(TierState::SubtestsRunning.claims_done() && !TierState::ConfigLoaded.claims_done());
    assert!(!ExperimentState::Interrupted.claims_done() && ExperimentState::TiersComplete.claims_done());
}

#[test]
fn a_finished_experiment_has_nothing_stale_and_nothing_to_mend() {
    let runs = ALL_RUNS.map(|id| (id, "worktree_cleaned"));
    let finished = states("complete", "complete", ["aggregated", "aggregated"], &runs);
    let (stale, after) = mend(&finished, &ALL_RUNS, &ALL);
    assert_eq!((stale, after), (vec![], finished));
}

#[test]
fn an_interrupted_experiment_has_nothing_stale() {
    let runs = [("T0/00/1", "worktree_cleaned"), ("T0/00/2", "agent_complete")];
    let interrupted = states("interrupted", "config_loaded", ["runs_in_progress", "pending"], &runs);
    let (stale, after) = mend(&interrupted, &["T0/00/1"], &ALL[..1]);
    assert_eq!((stale, after), (vec![], interrupted));
}

#[test]
fn empty_states_are_filled_from_the_results_as_projectscylla_would() {
    let on_disk = [("T0/00/1", true, false), ("T0/00/2", true, true), ("T0/01/1", false, true)];
    let (stale, after) = mend(&States::default(), &[], &on_disk);
    // Each result is unrecorded, which another finding reports.
    assert_eq!(stale, Vec::<String>::new());
    let runs = [("T0/00/1", "worktree_cleaned"), ("T0/00/2", "report_written"), ("T0/01/1", "run_finalized")];
    assert_eq!(after, states("", "config_loaded", ["runs_complete", "runs_complete"], &runs));
    let (_, after) = mend_version(Version::V3_0, &States::default(), &[], &on_disk[..1]);
    assert_eq!(after, states("", "config_loaded", ["runs_in_progress", ""], &[("T0/00/1", "run_complete")]));
}

#[test]
fn claims_of_done_fall_while_runs_are_missing() {
    let runs = [("T0/00/1", "worktree_cleaned")];
    let claims = states("complete", "complete", ["aggregated", "runs_complete"], &runs);
    let (stale, after) = mend(&claims, &["T0/00/1"], &ALL[..1]);
    assert_eq!(
        stale,
        [
            "experiment_state: the state is `complete`, and planned runs have no result",
            "tier_states.T0: the state is `complete`, and planned runs have no result",
            "subtest_states.T0.00: the state is `aggregated`, and 1 of 2 planned runs have no result",
            "subtest_states.T0.01: the state is `runs_complete`, and 1 of 1 planned runs have no result",
        ]
    );
    assert_eq!(after, states("interrupted", "config_loaded", ["runs_in_progress", "runs_in_progress"], &runs));
}

#[test]
fn a_migrated_tier_whose_subtests_never_ran_is_no_finished_tier() {
    let migrated = states("tiers_running", "subtests_running", ["runs_in_progress", "runs_in_progress"], &[]);
    let (stale, after) = mend(&migrated, &[], &[]);
    assert_eq!(stale, ["tier_states.T0: the state is `subtests_running`, and planned runs have no result"]);
    assert_eq!(after.tiers[&TierId(0)], TierState::ConfigLoaded);
    assert_eq!(after.experiment, Some(ExperimentState::TiersRunning));
}

#[test]
fn states_that_deny_a_committed_run_are_lifted() {
    let runs = [("T0/00/1", "failed"), ("T0/00/2", "pending"), ("T0/01/1", "rate_limited")];
    let behind = states("failed", "pending", ["failed", "pending"], &runs);
    let (stale, after) = mend(&behind, &ALL_RUNS, &ALL);
    assert_eq!(
        stale,
        [
            "tier_states.T0: the state is `pending`, and it has committed runs",
            "subtest_states.T0.00: the state is `failed`, and it has committed runs",
            "subtest_states.T0.01: the state is `pending`, and it has committed runs",
            "run_states.T0.00.1: the state is `failed`, and the run is committed",
            "run_states.T0.00.2: the state is `pending`, and the run is committed",
            "run_states.T0.01.1: the state is `rate_limited`, and the run is committed",
        ]
    );
    let runs = ALL_RUNS.map(|id| (id, "worktree_cleaned"));
    assert_eq!(after, states("failed", "config_loaded", ["runs_complete", "runs_complete"], &runs));
    let (stale, _) = mend(&states("", "", ["", ""], &[]), &["T0/00/1"], &ALL[..1]);
    assert_eq!(stale, ["run_states.T0.00.1: it is not there, and the run is committed"]);
}

#[test]
fn a_higher_state_of_a_committed_run_stays() {
    let runs = [("T0/00/1", "checkpointed"), ("T0/00/2", "worktree_cleaned"), ("T0/01/1", "report_written")];
    let higher = states("tiers_running", "failed", ["runs_in_progress", "aggregated"], &runs);
    let on_disk = [("T0/00/1", true, true), ("T0/00/2", false, true), ("T0/01/1", true, false)];
    let (stale, after) = mend(&higher, &ALL_RUNS, &on_disk);
    assert_eq!(stale, Vec::<String>::new());
    let runs = [("T0/00/1", "checkpointed"), ("T0/00/2", "worktree_cleaned"), ("T0/01/1", "worktree_cleaned")];
    assert_eq!(after, states("tiers_running", "failed", ["runs_complete", "aggregated"], &runs));
}

#[test]
fn a_claim_without_result_goes_unless_its_entry_is_kept() {
    let runs = [("T0/00/1", "worktree_cleaned"), ("T0/00/2", "run_finalized"), ("T0/01/1", "judge_complete")];
    let found = states("interrupted", "config_loaded", ["runs_in_progress", "pending"], &runs);
    // The entry of run 1 is a phantom, which another finding reports and which is kept until a person drops it.
    let (stale, after) = mend(&found, &["T0/00/1"], &[]);
    assert_eq!(stale, ["run_states.T0.00.2: the state is `run_finalized`, and the run has no result"]);
    let kept = [("T0/00/1", "worktree_cleaned"), ("T0/01/1", "judge_complete")];
    assert_eq!(after, states("interrupted", "config_loaded", ["runs_in_progress", "pending"], &kept));
}

#[test]
fn what_an_error_hides_is_neither_missing_nor_done() {
    let runs = ALL_RUNS.map(|id| (id, "worktree_cleaned"));
    let finished = states("complete", "complete", ["aggregated", "aggregated"], &runs);
    let (plan, committed) = (plan(), committed(&ALL[1..]));
    let unknown = BTreeSet::from([run("T0/00/1")]);
    let version = Version::V3_1;
    let facts =
        StateFacts { version, plan: &plan, tiers_without_subtests: &[], committed: &committed, unknown: &unknown };
    assert_eq!(stale(&finished, &recorded(&ALL_RUNS), &facts), []);
    assert_eq!(mended(&finished, &recorded(&ALL_RUNS), &facts), finished);
}

#[test]
fn a_tier_of_which_nothing_is_known_is_not_done() {
    let mut finished =
        states("complete", "", ["aggregated", "aggregated"], &ALL_RUNS.map(|id| (id, "worktree_cleaned")));
    finished.tiers = [(TierId(0), TierState::Complete), (TierId(4), TierState::Complete)].into();
    let (plan, committed) = (plan(), committed(&ALL));
    let version = Version::V3_1;
    let without = [TierId(4)];
    let facts =
        StateFacts { version, plan: &plan, tiers_without_subtests: &without, committed: &committed, unknown: &NOTHING };
    let after = mended(&finished, &recorded(&ALL_RUNS), &facts);
    assert_eq!(after.tiers, [(TierId(0), TierState::Complete), (TierId(4), TierState::ConfigLoaded)].into());
    assert_eq!(after.experiment, Some(ExperimentState::Interrupted));
    assert_eq!(stale(&finished, &recorded(&ALL_RUNS), &facts).len(), 2);
}

#[test]
fn versions_before_3_0_have_no_states() {
    let (stale, after) = mend_version(Version::V2_0, &States::default(), &[], &ALL);
    assert_eq!((stale, after), (vec![], States::default()));
}

#[test]
fn what_is_exported_is_complete_where_nothing_is_missing() {
    let (plan, all, some) = (plan(), committed(&ALL), committed(&ALL[..1]));
    let version = Version::V3_1;
    let facts = StateFacts { version, plan: &plan, tiers_without_subtests: &[], committed: &all, unknown: &NOTHING };
    let runs = ALL_RUNS.map(|id| (id, "worktree_cleaned"));
    assert_eq!(exported(&facts), states("complete", "complete", ["aggregated", "aggregated"], &runs));
    let facts = StateFacts { committed: &some, ..facts };
    assert_eq!(exported(&facts), states("interrupted", "config_loaded", ["runs_in_progress", ""], &runs[..1]));
}
