//! Rows that tests show: one for each status, with every value and with none.

use std::collections::BTreeSet;

use super::{RowStatus, RunRow};
use crate::model::flag::Flag;
use crate::model::grading::GradingNumber;
use crate::model::outcome::AgentEnd;
use crate::model::samples::{run, usd};
use crate::model::score::Grade;
use crate::model::usage::Total;

/// A run that passed, of which everything is known.
pub(crate) fn passed(id: &str) -> RunRow {
    RunRow {
        run: run(id),
        name: Some("with an expert".to_owned()),
        model: Some("large-2".to_owned()),
        control: None,
        status: RowStatus::Passed,
        score: Some(0.9733),
        grade: Some(Grade::A),
        end: Some(AgentEnd::Finished),
        exit_code: Some(0),
        exceeded: None,
        cost: Some(usd(0.1351).into()),
        spent: usd(0.1351).into(),
        tokens: Some(136_477),
        seconds: Some(203.1),
        attempts: 1,
        flags: BTreeSet::new(),
        grading: Some(GradingNumber::FIRST),
        reason: None,
    }
}

/// A run without a verdict.
pub(crate) fn missing(id: &str, status: RowStatus, reason: Option<&str>) -> RunRow {
    RunRow {
        status,
        score: None,
        grade: None,
        end: None,
        exit_code: None,
        exceeded: None,
        cost: None,
        spent: Total::ZERO,
        tokens: None,
        seconds: None,
        attempts: 0,
        grading: None,
        reason: reason.map(str::to_owned),
        ..passed(id)
    }
}

/// A run that did not pass.
pub(crate) fn failed(id: &str, score: f64, grade: Grade, reason: &str) -> RunRow {
    RunRow {
        status: RowStatus::Failed,
        score: Some(score),
        grade: Some(grade),
        reason: Some(reason.to_owned()),
        ..passed(id)
    }
}

/// One of each status, and texts that would be obeyed.
pub(crate) fn all() -> Vec<RunRow> {
    let plain = |row: RunRow| RunRow { name: Some("plain".to_owned()), model: None, ..row };
    let timed_out = failed("T0/00/2", 0.25, Grade::D, "agent timed out");
    vec![
        plain(RunRow { score: Some(1.0), grade: Some(Grade::S), tokens: Some(900), ..passed("T0/00/1") }),
        plain(RunRow {
            end: Some(AgentEnd::TimedOut),
            exit_code: None,
            cost: Some(Total { known: usd(0.5), unknown: 1, ..Total::ZERO }),
            spent: Total { known: usd(0.75), unknown: 2, ..Total::ZERO },
            tokens: None,
            seconds: Some(3_720.0),
            attempts: 3,
            flags: [Flag::TreeLeftOut, Flag::SecretInPatch].into(),
            ..timed_out
        }),
        plain(missing("T0/00/3", RowStatus::NotStarted, Some("not started"))),
        passed("T1/00/1"),
        RunRow {
            name: Some("=HYPERLINK(\"evil\")\u{1b}[2J, and a name that is too long for a row".to_owned()),
            cost: Some(Total::UNKNOWN),
            ..failed("T1/01/1", 0.0, Grade::F, "check `tests\u{1b}]0;x\u{7}` failed, check `lint` timed out after 60 s")
        },
        missing("T1/01/2", RowStatus::Errored, Some("auth: no such key")),
        missing("T1/01/3", RowStatus::AgentComplete, Some("not judged: the agent is done, the judges are not")),
        missing("T1/01/4", RowStatus::Running, None),
    ]
}
