//! Sample values for tests.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use crate::model::changes::{NotCaptured, Remainder};
use crate::model::event::{
    Errored, Event, ExperimentFinished, ExperimentStarted, FailedCheck, Missing, RunCommitted, SetupTotals, TierTotals,
    Totals,
};
use crate::model::exchange::{Exchange, Interface, Passage};
use crate::model::experiment::FieldClass;
use crate::model::flag::Flag;
use crate::model::ids::{AttemptNumber, JudgeNumber, RunId, SubtestId, TierId};
use crate::model::inherited::{Candidate, Winner};
use crate::model::job::Placement;
use crate::model::money::Usd;
use crate::model::outcome::{
    AgentEnd, Excerpt, ExperimentEnd, Failure, FailureKind, RunStatus, Stage, StopLevel, StopSignal,
};
use crate::model::sandbox::{IsolatedBy, Network};
use crate::model::score::{GradeScale, Score};
use crate::model::shortfall::{SetupShortfall, Why};
use crate::model::usage::{Cost, Tokens, Total};

pub(crate) const FOLDER: &str = "results/2026-11-23T12-00-00-fix-the-crate";

/// Compares `text` with `snapshots/<area>/<name>.snap`.
pub(crate) fn snapshot(area: &str, name: &str, text: &str) {
    insta::with_settings!({
        snapshot_path => format!("{}/snapshots/{area}", env!("CARGO_MANIFEST_DIR")),
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, { insta::assert_snapshot!(name, text) });
}

/// The time that many seconds after the start.
pub(crate) fn at(seconds: i64) -> Timestamp {
    let start: Timestamp = "2026-11-23T12:00:00Z".parse().unwrap();
    start + SignedDuration::from_secs(seconds)
}

/// A request that was never answered.
pub(crate) fn exchange() -> Exchange {
    Exchange {
        at: at(0),
        interface: Interface::OpenAiChat,
        model: None,
        status: None,
        passage: Passage::Whole,
        tokens: Tokens::default(),
        cost: Cost::Unknown,
        held_seconds: 0.0,
        seconds: 0.0,
        first_byte_seconds: None,
        request_id: None,
    }
}

pub(crate) fn run(text: &str) -> RunId {
    text.parse().unwrap()
}

pub(crate) fn usd(dollars: f64) -> Usd {
    Usd::from_dollars(dollars).unwrap()
}

pub(crate) fn tier(tier: u32, planned: usize, done: usize, passed: usize, seconds: f64) -> TierTotals {
    let share = (done > 0).then(|| f64::from(u32::try_from(passed).unwrap()) / f64::from(u32::try_from(done).unwrap()));
    let number = f64::from(u32::try_from(done).unwrap());
    let totals = Totals {
        planned,
        done,
        passed,
        pass_rate: share,
        mean_score: share.map(|share| share * 0.9 + 0.05),
        cost: usd(0.2134).times(done).into(),
        mean_cost_usd: share.map(|_| usd(0.2134)),
        seconds,
        mean_seconds: share.map(|_| seconds / number),
    };
    TierTotals { tier: TierId(tier), totals }
}

/// The totals of a tier as those of its only setup.
pub(crate) fn setup(tier: u32, subtest: u32, totals: &TierTotals) -> SetupTotals {
    let name = ["plain", "expert", "with skills"][tier as usize % 3].to_owned();
    SetupTotals {
        tier: TierId(tier),
        subtest: SubtestId(subtest),
        name: Some(name),
        control: None,
        totals: totals.totals,
    }
}

fn setups(tiers: &[TierTotals]) -> Vec<SetupTotals> {
    tiers.iter().map(|totals| setup(totals.tier.0, 0, totals)).collect()
}

pub(crate) fn started() -> ExperimentStarted {
    let tiers = vec![tier(0, 30, 30, 21, 3_720.0), tier(1, 30, 8, 6, 912.0), tier(2, 30, 0, 0, 0.0)];
    ExperimentStarted {
        experiment_id: "fix-the-crate".parse().unwrap(),
        folder: FOLDER.to_owned(),
        resumed: true,
        jobs: 4,
        containment: "bubblewrap".to_owned(),
        sandbox: IsolatedBy::None,
        network: Network::Open,
        setups: setups(&tiers),
        tiers,
        spent: usd(8.35).into(),
        max_cost_usd: Some(usd(50.0)),
        worked_seconds: 3600.5,
        max_time_seconds: None,
    }
}

pub(crate) fn finished(end: ExperimentEnd) -> ExperimentFinished {
    let tiers = vec![tier(0, 30, 30, 21, 3_720.0), tier(1, 30, 17, 12, 2_040.0), tier(2, 30, 0, 0, 0.0)];
    ExperimentFinished {
        end,
        folder: FOLDER.to_owned(),
        setups: setups(&tiers),
        tiers,
        errored: vec![Errored { failure: failed_with_excerpt(), runs: vec![run("T1/00/run_12")] }],
        shortfalls: shortfalls(),
        broken_controls: Vec::new(),
        spent: usd(12.34).into(),
        duration_seconds: 725.0,
        worked_seconds: 4325.5,
        missing: BTreeMap::from([
            (Missing::NotStarted, 40),
            (Missing::Unfinished, 1),
            (Missing::AgentComplete, 1),
            (Missing::Errored, 1),
        ]),
        remainders: Vec::new(),
        damaged: Vec::new(),
        waiting: BTreeMap::new(),
    }
}

/// What agents left that was not captured.
pub(crate) fn remainders() -> Vec<Remainder> {
    let of = |name, ignored_files, left_out, flags: &[Flag]| {
        let not_captured = NotCaptured { ignored_files, ignored_bytes: ignored_files * 700, left_out };
        Remainder { run: run(name), not_captured, flags: flags.iter().copied().collect() }
    };
    vec![
        of("T0/00/run_01", 3, 0, &[]),
        of("T0/00/run_02", 0, 2, &[Flag::TreeLeftOut]),
        of("T1/00/run_03", 2000, 1, &[Flag::TreeLeftOut, Flag::SecretInPatch]),
    ]
}

fn shortfalls() -> Vec<SetupShortfall> {
    let of = |setup: (u32, u32), why: Why, runs: usize, of: usize, excerpt: Option<(&str, &str)>| {
        let (tier, subtest) = (TierId(setup.0), SubtestId(setup.1));
        let first = run(&format!("{tier}/{subtest}/run_01"));
        let excerpt = excerpt.map(|(file, text)| Excerpt { file: format!("{first}/{file}"), text: text.to_owned() });
        let changed_nothing = matches!(why, Why::Exited { .. } | Why::ChangedNothing);
        SetupShortfall { tier, subtest, why, changed_nothing, runs, of, first, excerpt }
    };
    let check = |name: &str, timed_out_after| Why::Check { check: name.to_owned(), timed_out_after };
    vec![
        of((0, 0), check("many", None), 6, 30, Some(("checks/many.log", "2 of 3 cases fail"))),
        of((0, 0), check("slow", Some(5)), 1, 30, None),
        of((0, 0), Why::AgentEnd { agent_end: AgentEnd::TimedOut }, 2, 30, None),
        of((1, 0), Why::Exited { exit_code: 1 }, 4, 17, Some(("agent/stderr.log", "API key is not valid\u{1b}[2J"))),
        of((1, 0), Why::ChangedNothing, 1, 17, None),
    ]
}

pub(crate) fn complete() -> ExperimentFinished {
    let tiers = vec![tier(0, 30, 30, 21, 3_720.0), tier(1, 30, 30, 24, 2_040.0), tier(2, 30, 30, 30, 96_000.0)];
    ExperimentFinished {
        setups: setups(&tiers),
        tiers,
        errored: Vec::new(),
        shortfalls: Vec::new(),
        spent: usd(21.0).into(),
        duration_seconds: 7_620.0,
        missing: BTreeMap::new(),
        ..finished(ExperimentEnd::Completed)
    }
}

pub(crate) fn committed(name: &str, score: f64, agent_end: AgentEnd) -> Event {
    let score = Score::new(score).unwrap();
    Event::RunCommitted(RunCommitted {
        run: run(name),
        status: RunStatus::judged(score.get() >= 0.6),
        score,
        grade: GradeScale::default().grade(score),
        agent_end,
        exit_code: Some(0),
        cost: usd(0.2134).into(),
        spent: usd(8.7768).into(),
        duration_seconds: 185.0,
        changed_nothing: false,
        failed_checks: Vec::new(),
        not_captured: NotCaptured::default(),
        flags: BTreeSet::new(),
    })
}

fn winner(subtest: u32, median: f64, margin: f64, by_tokens: bool) -> Winner {
    let subtest = SubtestId(subtest);
    let ranked = vec![Candidate { subtest, median, runs: 10, tokens: Some(120_000) }];
    Winner { subtest, median, margin, by_tokens, ranked }
}

pub(crate) fn begun(name: &str, attempt: u32, from: Stage) -> Event {
    Event::RunStarted { run: run(name), attempt: AttemptNumber(attempt), from }
}

pub(crate) fn stage(name: &str, stage: Stage, judge: Option<u32>) -> Event {
    Event::StageStarted { run: run(name), stage, judge: judge.map(JudgeNumber) }
}

/// A run that failed because its agent changed nothing, with the check that shows it.
pub(crate) fn idle(name: &str) -> Event {
    let Event::RunCommitted(committed) = committed(name, 0.1, AgentEnd::Finished) else { panic!() };
    let text = "error: could not compile `task`".to_owned();
    let excerpt = Some(Excerpt { file: format!("{name}/checks/build.stderr.log"), text });
    let failed_checks = vec![FailedCheck { name: "build".to_owned(), timed_out_after: None, excerpt }];
    let not_captured = NotCaptured { ignored_files: 2, ignored_bytes: 1400, left_out: 1 };
    let flags = BTreeSet::from([Flag::TreeLeftOut]);
    Event::RunCommitted(RunCommitted { changed_nothing: true, failed_checks, not_captured, flags, ..committed })
}

fn failed_with_excerpt() -> Failure {
    let file = "T1/00/.failed/run_12_attempt_03/agent/stderr.log".to_owned();
    let text = "Traceback (most recent call last):\nKeyError: 'ANTHROPIC_MODEL'".to_owned();
    let failure = Failure::new(FailureKind::NoRecord, "the agent ended with exit code 1 and left no record");
    Failure { excerpt: Some(Excerpt { file, text }), ..failure }
}

pub(crate) fn provider_failure() -> Failure {
    Failure::new(FailureKind::Provider, "the stream broke after 41 s")
}

/// Each event at least once, in an order that could happen.
pub(crate) fn every_event() -> Vec<(Timestamp, Event)> {
    let differs = |field: &str, saved: serde_json::Value, given: serde_json::Value, class| Event::FlagDiffers {
        field: field.to_owned(),
        saved,
        given,
        class,
    };
    let mut events = vec![
        Event::ExperimentStarted(started()),
        differs("jobs", 2.into(), 4.into(), FieldClass::Operational),
        differs("runs_per_subtest", 10.into(), 20.into(), FieldClass::Plan),
        differs("models", serde_json::json!(["sonnet"]), serde_json::json!(["opus"]), FieldClass::Result),
        Event::Mended { message: "8 results that the checkpoint did not name were recorded".to_owned() },
        Event::Notice { message: "bubblewrap does not work here: runs are held together by a walk".to_owned() },
        Event::TierInherits {
            tier: TierId(1),
            sources: BTreeMap::from([
                (TierId(0), winner(3, 0.9, 0.2, false)),
                (TierId(4), winner(1, 0.88, 0.02, true)),
            ]),
        },
        begun("T1/00/run_09", 1, Stage::Prepare),
        stage("T1/00/run_09", Stage::Agent, None),
        begun("T1/00/run_10", 2, Stage::Judge),
        stage("T1/00/run_10", Stage::Judge, Some(2)),
        committed("T1/00/run_09", 0.92, AgentEnd::Finished),
        committed("T1/00/run_10", 0.31, AgentEnd::TimedOut),
        idle("T1/00/run_11"),
        Event::AttemptFailed {
            run: run("T1/01/run_01"),
            attempt: AttemptNumber(1),
            stage: Stage::Agent,
            failure: provider_failure(),
            retry: true,
            spent: usd(9.0).into(),
        },
        Event::AttemptFailed {
            run: run("T1/01/run_01"),
            attempt: AttemptNumber(2),
            stage: Stage::Agent,
            failure: provider_failure(),
            retry: false,
            spent: Total { known: usd(9.1), unknown: 1, ..Total::ZERO },
        },
        Event::RunErrored { run: run("T1/01/run_01"), attempts: 2, failure: provider_failure() },
        Event::RunErrored { run: run("T1/00/run_12"), attempts: 3, failure: failed_with_excerpt() },
        Event::TierPaused { tier: TierId(2), kind: FailureKind::Auth, times: 5, left: 12 },
        Event::RateLimited { model: "sonnet".to_owned(), until: at(900) },
        Event::ConcurrencyChanged { model: "sonnet".to_owned(), from: 4, to: 2 },
        Event::RunWaits {
            run: run("T1/01/run_02"),
            stage: Stage::Judge,
            model: "sonnet".to_owned(),
            spent: Total { known: usd(9.2), unknown: 1, ..Total::ZERO },
        },
        Event::RateLimitOver { model: "sonnet".to_owned() },
        Event::ConcurrencyChanged { model: "sonnet".to_owned(), from: 2, to: 3 },
        Event::BudgetReached { spent: usd(48.2).into(), assumed: Usd::ZERO, expected: usd(2.9), ceiling: usd(50.0) },
        Event::TimeReached { worked_seconds: 7200.25, max_time_seconds: 7200, in_flight: 2 },
        Event::Stopping { signal: StopSignal::Interrupt, stop_level: StopLevel::Drain, in_flight: 3 },
        Event::Stopping { signal: StopSignal::Interrupt, stop_level: StopLevel::Terminate, in_flight: 2 },
        Event::Stopping { signal: StopSignal::Terminate, stop_level: StopLevel::Kill, in_flight: 1 },
        Event::RunStopped {
            run: run("T1/01/run_02"),
            stage: Stage::Agent,
            spent: Total { known: usd(48.3), unknown: 1, ..Total::ZERO },
        },
        Event::ExperimentFinished(finished(ExperimentEnd::Stopped { signal: StopSignal::Interrupt })),
    ];
    events.splice(BEFORE_LIMITS..BEFORE_LIMITS, placed());
    (0_i64..).zip(events).map(|(index, event)| (at(index * 7), event)).collect()
}

/// How many events come before the first rate limit.
const BEFORE_LIMITS: usize = 19;

/// Where runs are whose workers are jobs.
fn placed() -> [Event; 4] {
    [
        Event::RunPlaced {
            run: run("T1/01/run_03"),
            placement: Placement::Queued { job: Some("4711_3".to_owned()), reason: Some("Resources".to_owned()) },
        },
        Event::RunPlaced {
            run: run("T1/01/run_03"),
            placement: Placement::Running { job: Some("4711_3".to_owned()), node: "n2".to_owned() },
        },
        Event::RunPlaced { run: run("T1/01/run_04"), placement: Placement::Queued { job: None, reason: None } },
        Event::RunWithdrawn { run: run("T1/01/run_04") },
    ]
}
