//! Sample runs for tests.

use std::collections::BTreeMap;

use super::{AgentDetails, AttemptDetails, CheckDetails, FileDetails, GradingDetails, PatchSize, RunDetails, RunState};
use crate::model::changes::NotCaptured;
use crate::model::flag::Flag;
use crate::model::grading::GradingNumber;
use crate::model::ids::{AttemptNumber, JudgeNumber};
use crate::model::outcome::{AgentEnd, AttemptEnd, Excerpt, Failure, FailureKind, Stage};
use crate::model::result::{AttemptRecord, Before, CheckResult, Judgment};
use crate::model::rubric::{Evaluation, ItemScore, Rubric, RubricItem};
use crate::model::samples::{at, run, usd};
use crate::model::score::{Grade, GradeScale, Score};
use crate::model::usage::{Cost, Tokens, Total, Usage};

fn score(value: f64) -> Score {
    Score::new(value).unwrap()
}

fn check(name: &str, passed: bool) -> CheckResult {
    CheckResult {
        name: name.to_owned(),
        passed,
        exit_code: Some(if passed { 0 } else { 101 }),
        timed_out: false,
        duration_seconds: 12.4,
        not_applicable: None,
        no_longer_applies: None,
        exceeded: None,
        before: Some(Before::Failed),
        output_truncated: false,
    }
}

fn judgment(number: u32, model: &str, value: f64, cost: Cost) -> Judgment {
    let said = |value, explanation: &str| ItemScore { score: value, explanation: explanation.to_owned() };
    Judgment {
        judge_number: JudgeNumber(number),
        model: model.to_owned(),
        score: score(value),
        passed: value > 0.6,
        grade: if value > 0.6 { Grade::A } else { Grade::D },
        reasoning: "The boundary is handled now, and the one test that failed before covers it. What is \
                    missing is a word on the empty input.\n\nNames follow the code around them."
            .to_owned(),
        criteria_scores: BTreeMap::from([
            ("R001".to_owned(), said(Some(score(value)), "Two of three cases fail: the loop ends one too early.")),
            ("R002".to_owned(), said(None, "Nothing was to be documented.")),
        ]),
        cost,
        tokens: crate::model::usage::Tokens::default(),
        prices: None,
        duration_seconds: 3.2,
    }
}

/// The rubric of these runs.
pub(crate) fn rubric() -> Rubric {
    let item = |id: &str, description: &str, rests_on: Option<&str>| RubricItem {
        id: id.to_owned(),
        description: description.to_owned(),
        weight: 2.0,
        evaluation: Evaluation::Scaled,
        rests_on: rests_on.map(str::to_owned),
        na_condition: None,
    };
    let items = vec![
        item(
            "R001",
            "Every case of the table of bounds comes out right, the empty one and the last one too.",
            Some("tests"),
        ),
        item("R002", "What changed is documented.", None),
    ];
    Rubric { items, pass_threshold: score(0.6), grade_scale: GradeScale::default() }
}

fn agent() -> AgentDetails {
    AgentDetails {
        end: Some(AgentEnd::Finished),
        exit_code: Some(0),
        usage: Usage {
            tokens: Tokens { input: Some(1200), output: Some(340), cache_creation: None, cache_read: Some(90_000) },
            cost: Cost::reported(Some(usd(0.21))),
        },
        exceeded: None,
        prices: None,
        reported: None,
        version: Some("2.1.197".to_owned()),
        models: vec!["claude-opus-4-6".to_owned(), "claude-haiku-4-5".to_owned()],
        replayed: None,
        started_at: Some(at(5)),
        duration_seconds: Some(312.0),
        attempt: Some(AttemptNumber(2)),
        containment: Some("bubblewrap".to_owned()),
        isolation: None,
        held_seconds: 30.0,
        leftover_processes: 1,
        output_truncated: false,
    }
}

/// A run that was judged.
pub(crate) fn details(id: &str, passed: bool) -> RunDetails {
    let id = run(id);
    let mut details = RunDetails::new(id, id.to_string());
    (details.name, details.state) = (Some("expert".to_owned()), RunState::judged(passed));
    (details.score, details.grade) = (Some(score(0.375)), Some(Grade::D));
    details.agent = Some(agent());
    details.changes = Some(PatchSize { files: 2, added: 14, removed: 3 });
    details.judges = vec![
        judgment(1, "checks", if passed { 1.0 } else { 0.25 }, Cost::NOTHING),
        judgment(2, "reviewer", if passed { 0.5 } else { 0.75 }, Cost::Unknown),
    ];
    details.by_items(Some(&rubric()));
    let tests = CheckDetails {
        result: check("tests", passed),
        excerpt: (!passed).then(|| Excerpt {
            file: format!("{id}/checks/tests.log"),
            text: "running 3 tests\n  left: 2\n right: 3\ntest result: FAILED. 1 passed; 2 failed".to_owned(),
        }),
    };
    details.checks = vec![CheckDetails { result: check("build", true), excerpt: None }, tests];
    details.judge_cost = Total { known: usd(0.02), unknown: 1, ..Total::ZERO };
    details.former_cost = usd(0.10).into();
    (details.committed_at, details.duration_seconds) = (Some(at(340)), Some(331.2));
    let failure = Failure::new(FailureKind::Provider, "503 Service Unavailable");
    details.attempts = vec![AttemptDetails {
        folder: format!("{}/{}/.failed/{}", id.tier, id.subtest, AttemptNumber(1).folder(id.run)),
        record: Some(AttemptRecord {
            attempt: AttemptNumber(1),
            stage: Stage::Agent,
            end: AttemptEnd::Failed { failure, last: false },
            cost: usd(0.10).into(),
            at: at(3),
        }),
        cost: usd(0.10).into(),
    }];
    let grading = |number, passed, counts| GradingDetails {
        number: GradingNumber(number),
        passed: Some(passed),
        score: Some(score(0.375)),
        at: (number > 1).then(|| at(900)),
        reason: (number > 1).then(|| "the rubric forgot the empty input".to_owned()),
        counts,
    };
    details.gradings = vec![grading(1, true, false), grading(2, false, true)];
    details.grading = GradingNumber(2);
    details.flags = [Flag::SecretInPatch].into();
    details.not_captured = NotCaptured { ignored_files: 3, ignored_bytes: 2100, left_out: 0 };
    details.not_captured_names = vec!["target/debug/x".to_owned(), "a.log".to_owned()];
    let file = |path: &str, bytes| FileDetails { path: format!("{id}/{path}"), bytes };
    details.files = vec![file("agent/prompt.md", 310), file("changes.patch", 1700)];
    details.more_files = 2;
    details
}

/// A run without a verdict.
pub(crate) fn unfinished(id: &str, state: RunState) -> RunDetails {
    let mut details = RunDetails::new(run(id), run(id).to_string());
    details.name = Some("expert".to_owned());
    details.state = state;
    details.why = match state {
        RunState::AgentComplete => Some("judge `reviewer` exited with 3".to_owned()),
        RunState::InFlight => Some("in checks, by process 4711 on build-3 since 2026-11-23T12:00:00Z".to_owned()),
        RunState::Errored => Some("agent: spawn: program `nosuchagent` is not found".to_owned()),
        RunState::Damaged => Some("its result cannot be read: EOF while parsing a value at line 1 column 0".to_owned()),
        _ => None,
    };
    details.since = (state == RunState::InFlight).then(|| at(700));
    details
}
