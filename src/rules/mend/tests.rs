use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::model::experiment::samples::config;
use crate::model::finding::Cure;
use crate::model::outcome::RunStatus;
use crate::model::survey::AttemptsSeen;
use crate::model::survey::{Problem, ProblemKind, ResultFacts};
use crate::model::usage::Total;

fn now() -> Timestamp {
    "2026-12-01T00:00:00Z".parse().unwrap()
}

fn run(id: &str) -> RunId {
    id.parse().unwrap()
}

fn result(passed: Option<bool>) -> RunSeen {
    RunSeen::Committed(ResultFacts {
        passed,
        score: Some(1.0),
        votes: 1,
        cost: Total::ZERO,
        failed_judges: Total::ZERO,
        seconds: 1.0,
        config: None,
    })
}

fn checkpoint(status: ExperimentStatus, entries: &[(&str, RunStatus)]) -> Checkpoint {
    let mut completed_runs = CompletedRuns::default();
    for (id, status) in entries {
        completed_runs.set(run(id), *status);
    }
    Checkpoint {
        version: CHECKPOINT_VERSION.to_owned(),
        experiment_id: config().experiment_id,
        config_hash: config().hash().into(),
        status,
        completed_runs,
        started_at: now(),
        last_updated_at: now(),
        worked_seconds: 0.0,
        rate_limit: None,
        rate_limits: std::collections::BTreeMap::new(),
        rerun: std::collections::BTreeSet::new(),
        rerunning: std::collections::BTreeSet::new(),
        failures: std::collections::BTreeMap::new(),
        graded: std::collections::BTreeMap::new(),
        pid: None,
        host: None,
        unknown: serde_json::Map::new(),
    }
}

/// The sample experiment (T0 with two subtests, T1 with one, three runs each), all of it passed and recorded.
fn finished() -> Survey {
    let runs: Vec<RunId> = config().plan().runs().collect();
    let mut checkpoint = checkpoint(ExperimentStatus::Completed, &[]);
    for run in &runs {
        checkpoint.completed_runs.set(*run, RunStatus::Passed);
    }
    Survey {
        checkpoint: Seen::Read(Box::new(checkpoint)),
        fixture_digest: Some(config().fixture_digest),
        config: Seen::Read(Box::new(config())),
        runs: runs.into_iter().map(|run| (run, result(Some(true)))).collect(),
        ..Survey::default()
    }
}

fn entry(survey: &Survey, id: &str) -> Option<RunStatus> {
    survey.checkpoint.content()?.completed_runs.get(run(id))
}

/// What the folder contains after the mending.
fn done(survey: &Survey, mending: &Mending) -> Survey {
    let mut after = survey.clone();
    if let Some(checkpoint) = &mending.checkpoint {
        after.checkpoint = Seen::Read(Box::new(checkpoint.clone()));
        after.duplicate_keys.clear();
    }
    for aside in &mending.set_aside {
        if let Some(run) = aside.run.filter(|_| loses_its_result(survey, aside)) {
            after.runs.remove(&run);
            after.problems.retain(|problem| problem.run != run);
        }
        after.problems.retain(|problem| problem.place != aside.place);
        after.temporary.retain(|place| *place != aside.place);
    }
    after.problems.retain(|problem| problem.kind != ProblemKind::StrayProcess);
    after
}

#[test]
fn a_finished_experiment_has_no_finding_and_nothing_to_mend() {
    assert_eq!(audit(&finished()), []);
    assert!(mend(&finished(), &Ask::default(), now()).is_nothing());
}

#[test]
fn an_empty_index_is_filled_from_the_results_and_the_status_stays() {
    let mut survey = finished();
    survey.checkpoint = Seen::Read(Box::new(checkpoint(ExperimentStatus::Interrupted, &[])));
    survey.runs.insert(run("T1/00/2"), result(Some(false)));
    let mending = mend(&survey, &Ask::default(), now());
    assert!(mending.backup);
    let after = done(&survey, &mending);
    assert_eq!(entry(&after, "T0/00/1"), Some(RunStatus::Passed));
    assert_eq!(entry(&after, "T1/00/2"), Some(RunStatus::Failed));
    assert_eq!(after.checkpoint.content().unwrap().status, ExperimentStatus::Interrupted);
    assert!(mend(&after, &Ask::default(), now()).is_nothing());
}

#[test]
fn a_missing_verdict_is_never_turned_into_failed() {
    let mut survey = finished();
    survey.runs.insert(run("T0/00/1"), result(None));
    survey.checkpoint = Seen::Missing;
    let mending = mend(&survey, &Ask::default(), now());
    assert_eq!(entry(&done(&survey, &mending), "T0/00/1"), None);
    assert_eq!(mending.set_aside, []);
    assert!(mending.kept.iter().any(|finding| finding.kind == FindingKind::ContradictoryResult));
}

#[test]
fn what_an_error_hides_contradicts_no_status() {
    let mut survey = finished();
    let completed = survey.checkpoint.content().unwrap().clone();
    assert_eq!(completed.status, ExperimentStatus::Completed);
    survey.runs.insert(run("T0/00/1"), RunSeen::Unknown);
    survey.unknown.push(("T0/00/run_01/run_result.json".to_owned(), "I/O error".to_owned()));
    let kinds: Vec<FindingKind> = audit(&survey).iter().map(|finding| finding.kind).collect();
    assert_eq!(kinds, [FindingKind::UnknownPlace]);
    survey.duplicate_keys.push("completed_runs.T0.00.1".to_owned());
    let mended = mend(&survey, &Ask::default(), now()).checkpoint.unwrap();
    assert_eq!((mended.status, &mended.completed_runs), (completed.status, &completed.completed_runs));
}

#[test]
fn phantoms_are_kept_until_a_person_drops_them() {
    let mut survey = finished();
    survey.runs.remove(&run("T0/00/1"));
    let kept = mend(&survey, &Ask::default(), now());
    assert_eq!(entry(&done(&survey, &kept), "T0/00/1"), Some(RunStatus::Passed));
    let dropped = mend(&survey, &Ask { drop_phantoms: true, ..Ask::default() }, now());
    let after = done(&survey, &dropped);
    assert_eq!(entry(&after, "T0/00/1"), None);
    assert_eq!(after.checkpoint.content().unwrap().status, ExperimentStatus::Interrupted);
}

#[test]
fn agent_complete_and_unknown_keys_are_kept() {
    let mut survey = finished();
    survey.runs.remove(&run("T0/00/1"));
    survey.runs.insert(run("T0/00/2"), RunSeen::Unfinished { agent_complete: true, spent: Total::ZERO });
    let mut old = checkpoint(ExperimentStatus::Running, &[("T0/00/1", RunStatus::AgentComplete)]);
    old.unknown.insert("future".to_owned(), json!([1, { "a": null }]));
    survey.checkpoint = Seen::Read(Box::new(old.clone()));
    let after = mend(&survey, &Ask::default(), now()).checkpoint.unwrap();
    assert_eq!(after.completed_runs.get(run("T0/00/1")), Some(RunStatus::AgentComplete));
    assert_eq!(after.completed_runs.get(run("T0/00/2")), Some(RunStatus::AgentComplete));
    assert_eq!(after.unknown, old.unknown);
    assert_eq!(after.status, ExperimentStatus::Interrupted);
}

#[test]
fn a_run_that_is_set_aside_leaves_the_index() {
    let mut survey = finished();
    survey.runs.insert(run("T0/00/1"), RunSeen::Unreadable);
    survey.problems.push(Problem {
        run: run("T0/00/1"),
        kind: ProblemKind::UnreadableResult,
        place: "T0/00/run_01".to_owned(),
        found: "torn".to_owned(),
    });
    let mending = mend(&survey, &Ask { quarantine: vec![run("T0/01/2")], ..Ask::default() }, now());
    let places: Vec<&str> = mending.set_aside.iter().map(|aside| aside.place.as_str()).collect();
    let spelled = |part| survey.spelled(Place::Of("T0/00/run_01", part));
    assert_eq!(places, [spelled(RunPlace::Result), spelled(RunPlace::Seal), "T0/01/run_02".to_owned()]);
    let after = done(&survey, &mending);
    assert_eq!((entry(&after, "T0/00/1"), entry(&after, "T0/01/2")), (None, None));
    let left = audit(&after);
    assert!(left.iter().all(|finding| finding.kind == FindingKind::MissingRun), "{left:?}");
}

#[test]
fn nothing_is_written_while_a_coordinator_works_or_under_a_newer_format() {
    let mut live = finished();
    live.checkpoint = Seen::Unreadable("torn".to_owned());
    live.holder = Some(crate::model::survey::Holder::default());
    let mut newer = finished();
    newer.checkpoint = Seen::Newer { version: "5.0".to_owned(), content: None };
    for survey in [live, newer] {
        assert!(mend(&survey, &Ask { drop_phantoms: true, ..Ask::default() }, now()).is_nothing());
    }
}

#[test]
fn every_mendable_finding_names_repair_as_its_cure() {
    for kind in FindingKind::ALL.iter().filter(|kind| kind.level() == Level::Mendable) {
        assert_eq!(kind.cure(), Cure::Repair, "{kind}");
    }
}

fn seen() -> impl Strategy<Value = Option<RunSeen>> {
    prop_oneof![
        Just(None),
        Just(Some(result(Some(true)))),
        Just(Some(result(Some(false)))),
        Just(Some(result(None))),
        Just(Some(RunSeen::Unreadable)),
        any::<bool>().prop_map(|agent_complete| Some(RunSeen::Unfinished { agent_complete, spent: Total::ZERO })),
    ]
}

fn recorded() -> impl Strategy<Value = Option<RunStatus>> {
    prop::option::of(prop::sample::select(vec![
        RunStatus::Passed,
        RunStatus::Failed,
        RunStatus::AgentComplete,
        RunStatus::Errored,
    ]))
}

prop_compose! {
    fn damaged()(
        states in prop::collection::vec((seen(), recorded(), any::<bool>()), 9),
        status in prop::sample::select(vec![
            ExperimentStatus::Running, ExperimentStatus::Interrupted, ExperimentStatus::Incomplete, ExperimentStatus::Completed, ExperimentStatus::BudgetReached,
        ]),
        whole in 0..4,
    ) -> Survey {
        let mut survey = finished();
        let runs: Vec<RunId> = config().plan().runs().collect();
        let mut checkpoint = checkpoint(status, &[]);
        survey.runs.clear();
        for (run, (seen, recorded, used_up)) in runs.into_iter().zip(states) {
            if let Some(seen) = seen {
                survey.runs.insert(run, seen);
                if seen == RunSeen::Unreadable {
                    survey.problems.push(Problem {
                        run, kind: ProblemKind::UnreadableResult, place: run.to_string(), found: "torn".to_owned(),
                    });
                }
            }
            if let Some(status) = recorded {
                checkpoint.completed_runs.set(run, status);
            }
            if used_up {
                survey.attempts.insert(run, AttemptsSeen { used_up, ..AttemptsSeen::default() });
            }
        }
        survey.checkpoint = match whole {
            0 => Seen::Missing,
            1 => Seen::Unreadable("torn".to_owned()),
            _ => Seen::Read(Box::new(checkpoint)),
        };
        survey
    }
}

proptest! {
    #[test]
    fn after_a_repair_nothing_mendable_is_left_and_a_second_one_does_nothing(survey in damaged(), drop_phantoms: bool) {
        let ask = Ask { drop_phantoms, ..Ask::default() };
        let mending = mend(&survey, &ask, now());
        let after = done(&survey, &mending);
        for finding in audit(&after) {
            prop_assert_ne!(finding.kind.level(), Level::Mendable, "{:?}", finding);
        }
        let second = mend(&after, &ask, "2027-01-01T00:00:00Z".parse().unwrap());
        prop_assert!(second.is_nothing(), "{:?}", second);
    }

    #[test]
    fn a_repair_forgets_no_verdict_and_invents_none(survey in damaged()) {
        let after = done(&survey, &mend(&survey, &Ask::default(), now()));
        for (run, seen) in &survey.runs {
            let entry = after.checkpoint.content().and_then(|checkpoint| checkpoint.completed_runs.get(*run));
            match seen {
                RunSeen::Committed(ResultFacts { passed: Some(passed), .. }) => {
                    prop_assert_eq!(entry, Some(RunStatus::judged(*passed)));
                }
                RunSeen::Unreadable => prop_assert_eq!(entry, None),
                _ => {
                    let before = survey.checkpoint.content().and_then(|checkpoint| checkpoint.completed_runs.get(*run));
                    prop_assert!(entry.is_none_or(|entry| !entry.is_judged() || Some(entry) == before));
                }
            }
        }
    }
}

#[test]
fn an_entry_without_verdict_agrees_with_any_verdict_and_is_a_phantom_without_result() {
    let mut survey = finished();
    for verdict in [true, false] {
        survey.checkpoint = Seen::Read(Box::new(checkpoint(
            ExperimentStatus::Completed,
            &[("T0/00/1", RunStatus::Done), ("T1/00/1", RunStatus::Done)],
        )));
        survey.runs.insert(run("T0/00/1"), result(Some(verdict)));
        let kinds: Vec<FindingKind> = audit(&survey).iter().map(|finding| finding.kind).collect();
        assert!(!kinds.contains(&FindingKind::WrongStatus) && !kinds.contains(&FindingKind::PhantomEntry), "{kinds:?}");
    }
    survey.runs.remove(&run("T0/00/1"));
    let phantom = audit(&survey).into_iter().find(|finding| finding.kind == FindingKind::PhantomEntry).unwrap();
    assert_eq!(phantom.message, "the checkpoint says `done`, and there is no result");
    assert!(!audit(&survey).iter().any(|finding| finding.kind == FindingKind::MissingRun));
}
