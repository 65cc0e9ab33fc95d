use super::*;
use crate::model::allowance::Allowance;
use crate::model::event::ExperimentFinished;
use crate::model::gold::{CheckedExample, JudgeCheck};
use crate::model::ids::JudgeNumber;
use crate::model::outcome::{ExperimentEnd, Stage};
use crate::model::resources::Resources;
use crate::model::samples::{FOLDER, at, finished, remainders, run, snapshot, usd};
use crate::stats::drift::of_judge;

fn holder() -> Holder {
    Holder { pid: 4711, host: "build-3".to_owned(), since: "2026-11-23T12:00:00Z".to_owned() }
}

fn queued() -> Queued {
    Queued {
        jobs_left: false,
        queued: 3,
        queue_reasons: BTreeMap::from([("JobHeldUser".to_owned(), 1), ("Resources".to_owned(), 2)]),
    }
}

fn in_flight() -> Vec<RunInFlight> {
    let of = |name, stage, judge: Option<u32>, since: i64| RunInFlight {
        run: run(name),
        stage,
        judge: judge.map(JudgeNumber),
        name: (run(name).subtest.0 == 0).then(|| "expert".to_owned()),
        node: None,
        job: None,
        since: Some(at(since)),
        tokens: None,
        cost: Total::UNKNOWN,
    };
    let metered =
        |run: RunInFlight, tokens, dollars| RunInFlight { tokens: Some(tokens), cost: usd(dollars).into(), ..run };
    vec![
        metered(of("T1/00/run_09", Stage::Agent, None, 500), 126_589, 0.0801),
        metered(of("T1/00/run_10", Stage::Judge, Some(2), 713), 950, 12.5),
        RunInFlight {
            since: None,
            node: Some("n2".to_owned()),
            job: Some("4711_3".to_owned()),
            ..of("T1/01/run_01", Stage::Prepare, None, 0)
        },
    ]
}

fn status<'a>(finished: &'a ExperimentFinished, held: Option<&'a Holder>, runs: &'a [RunInFlight]) -> Status<'a> {
    Status {
        experiment_id: Some("fix-the-crate"),
        folder: FOLDER,
        status: Some(ExperimentStatus::Running),
        retry_at: None,
        rate_limits: &[],
        holder: held,
        is_paused: false,
        started_at: Some(at(0)),
        spent: finished.spent,
        unknown_in_flight: (0, 0),
        max_cost_usd: Some(usd(50.0)),
        worked_seconds: 4325.5,
        max_time_seconds: None,
        run_limits: Some(RunLimits::new(900, Allowance::default(), Resources::default())),
        tiers: &finished.tiers,
        setups: &finished.setups,
        missing: &finished.missing,
        errored: &finished.errored,
        shortfalls: &finished.shortfalls,
        broken_controls: &finished.broken_controls,
        judge_check: None,
        damaged: &finished.damaged,
        damage: &[],
        can_be_resumed: true,
        plan_is_open: false,
        queued: if runs.is_empty() { Queued::default() } else { queued() },
        waiting: &finished.waiting,
        remainders: &finished.remainders,
        other_version: None,
        made_by: None,
        in_flight: runs,
    }
}

#[test]
fn a_live_experiment_shows_who_holds_it_and_what_is_in_flight() {
    let (finished, holder, runs) = (finished(ExperimentEnd::Incomplete), holder(), in_flight());
    let finished = ExperimentFinished { remainders: remainders(), ..finished };
    let spent = finished.spent + Total::UNKNOWN;
    let status = status(&finished, Some(&holder), &runs);
    let status = Status { spent, unknown_in_flight: (1, 1), max_time_seconds: Some(7200), ..status };
    snapshot("screens", "status_live", &status.human(at(725), None, Styles::plain()));
    snapshot("screens", "status_live_json", &status.json());
}

#[test]
fn a_dead_coordinator_is_not_called_running() {
    let finished = finished(ExperimentEnd::Incomplete);
    snapshot("screens", "status_dead", &status(&finished, None, &[]).human(at(725), None, Styles::plain()));
}

#[test]
fn damaged_results_are_named_with_the_command_that_says_what_is_wrong() {
    let finished = ExperimentFinished {
        missing: BTreeMap::from([(Missing::Damaged, 2)]),
        damaged: vec![run("T0/00/run_01"), run("T1/00/run_07")],
        ..finished(ExperimentEnd::Incomplete)
    };
    let status = Status { status: Some(ExperimentStatus::Interrupted), ..status(&finished, None, &[]) };
    snapshot("screens", "status_damaged", &status.human(at(725), None, Styles::plain()));
}

#[test]
fn what_another_tool_made_and_what_waits_for_winners_is_said() {
    let waiting = BTreeMap::from([(TierId(1), BTreeSet::from([TierId(0)]))]);
    let finished = ExperimentFinished { waiting, ..finished(ExperimentEnd::Incomplete) };
    let status = Status {
        made_by: Some("ProjectScylla"),
        other_version: Some("3.1"),
        plan_is_open: true,
        ..status(&finished, None, &[])
    };
    snapshot("screens", "status_of_another_tool", &status.human(at(725), None, Styles::plain()));
}

/// A check of two judges, one of which is this far off and gave an answer about both examples, or about one.
fn judge_check(off: f64, failure: Option<&str>) -> JudgeCheck {
    let example = |name: &str, difference: Option<f64>| CheckedExample {
        name: name.to_owned(),
        answers: 1,
        score: difference,
        difference,
        passes: 0,
        items: BTreeMap::new(),
        applies_otherwise: Vec::new(),
        failures: Vec::new(),
    };
    let silent =
        CheckedExample { failures: failure.map(str::to_owned).into_iter().collect(), ..example("solved", None) };
    let second = if failure.is_some() { silent } else { example("solved", Some(0.0)) };
    let judge = |name: &str, examples| of_judge(name, "model", examples, Total::ZERO, 0.1);
    JudgeCheck {
        fixture: "fix-the-crate".parse().unwrap(),
        at: at(60),
        repeat: 1,
        max_drift: 0.1,
        gold: Vec::new(),
        judges: vec![
            judge("checks", vec![example("nothing", Some(0.0)), example("solved", Some(0.0))]),
            judge("sonnet", vec![example("nothing", Some(off)), second]),
        ],
    }
}

#[test]
fn a_check_of_judges_that_is_not_met_is_told_with_what_goes_on_and_one_that_is_met_is_not() {
    let finished = finished(ExperimentEnd::Incomplete);
    let shown = |check: &JudgeCheck, is_newest_of_all| {
        let judge_check = Some(NewestCheck::new(check, is_newest_of_all));
        let status = Status { judge_check, ..status(&finished, None, &[]) };
        status.human(at(725), None, Styles::plain())
    };
    snapshot("screens", "status_judges_drift", &shown(&judge_check(-0.29, None), true));
    snapshot("screens", "status_judges_silent", &shown(&judge_check(0.3, Some("judge `sonnet` did not answer")), true));
    let later = shown(&judge_check(0.3, None), false);
    assert!(later.contains("interrupted (its coordinator is gone)") && later.contains("is 0.30 above"), "{later}");
    assert!(later.ends_with(&format!("To continue:\n  cargo scylla resume {FOLDER}\n")), "{later}");
    let met = shown(&judge_check(0.1, None), true);
    assert!(!met.contains("gold"), "{met}");
}

#[test]
fn a_holder_cannot_write_on_the_screen() {
    let holder = Holder { host: "\u{1b}[2J\n".to_owned(), ..holder() };
    let finished = finished(ExperimentEnd::Incomplete);
    let status = status(&finished, Some(&holder), &[]);
    assert!(status.human(at(0), None, Styles::plain()).contains(r"process 4711 on \u{1b}[2J\n since"));
    assert!(status.json().contains(r"\u001b[2J\n"));
}

#[test]
fn the_schema_has_every_key() {
    let finished = finished(ExperimentEnd::Incomplete);
    let written: Value = serde_json::from_str(&status(&finished, None, &[]).json()).unwrap();
    let schema = status_schema();
    for key in written.as_object().unwrap().keys() {
        assert!(schema["properties"].get(key).is_some(), "{key}");
    }
}
