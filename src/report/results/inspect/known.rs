//! What an Inspect log has of a run beside the keys of Inspect: its row as `runs` writes it, and all else that is known of it.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::Serialize;

use super::written::Entries;
use crate::model::changes::NotCaptured;
use crate::model::details::{
    AgentDetails, AttemptDetails, CheckDetails, FileDetails, GradingDetails, PatchSize, RunDetails,
};
use crate::model::flag::Flag;
use crate::model::grading::GradingNumber;
use crate::model::reported::{Clip, RunTexts};
use crate::model::row::RunRow;
use crate::model::usage::{self, Total};

#[derive(Debug, Serialize)]
pub(super) struct Metadata<'a> {
    #[serde(flatten)]
    row: &'a RunRow,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<Rest<'a>>,
    texts: Option<Entries<Left>>,
}

impl<'a> Metadata<'a> {
    pub(super) fn of(row: &'a RunRow, details: Option<&'a RunDetails>, texts: Option<&RunTexts>) -> Self {
        Self { row, details: details.map(Rest::of), texts: texts.map(left) }
    }
}

/// What is not in the log of a text.
#[derive(Debug, Serialize)]
struct Left {
    left_out_bytes: u64,
    is_withheld: bool,
}

fn left(texts: &RunTexts) -> Entries<Left> {
    let parts = [("prompt", &texts.prompt), ("patch", &texts.patch), ("output", &texts.output)].into_iter();
    let known = parts.filter_map(|(name, clip)| Some((name, clip.as_ref()?)));
    let left = |clip: &Clip| Left { left_out_bytes: clip.left_out, is_withheld: clip.is_withheld };
    Entries(known.map(|(name, clip)| (name.to_owned(), left(clip))).collect())
}

/// The details of a run without what stands elsewhere in its sample.
#[derive(Debug, Serialize)]
struct Rest<'a> {
    folder: &'a str,
    grading: GradingNumber,
    agent: Option<&'a AgentDetails>,
    changes: Option<PatchSize>,
    missing_judges: usize,
    checks: &'a [CheckDetails],
    #[serde(flatten, with = "usage::judges")]
    judge_cost: Total,
    #[serde(flatten, with = "usage::failed_judges")]
    failed_judge_cost: Total,
    #[serde(flatten, with = "usage::former")]
    former_cost: Total,
    since: Option<Timestamp>,
    committed_at: Option<Timestamp>,
    duration_seconds: Option<f64>,
    attempts: &'a [AttemptDetails],
    gradings: &'a [GradingDetails],
    flags: &'a BTreeSet<Flag>,
    not_captured: NotCaptured,
    not_captured_names: &'a [String],
    files: &'a [FileDetails],
    more_files: usize,
}

impl<'a> Rest<'a> {
    fn of(details: &'a RunDetails) -> Self {
        // Every field is named, so that a new one is given a place.
        let RunDetails {
            run: _,
            name: _,
            state: _,
            why: _,
            score: _,
            grade: _,
            checked_under: _,
            judges: _,
            items: _,
            folder,
            grading,
            agent,
            changes,
            missing_judges,
            silent_judges: _,
            checks,
            judge_cost,
            failed_judge_cost,
            former_cost,
            since,
            committed_at,
            duration_seconds,
            attempts,
            gradings,
            flags,
            not_captured,
            not_captured_names,
            files,
            more_files,
        } = details;
        Self {
            folder,
            grading: *grading,
            agent: agent.as_ref(),
            changes: *changes,
            missing_judges: *missing_judges,
            checks,
            judge_cost: *judge_cost,
            failed_judge_cost: *failed_judge_cost,
            former_cost: *former_cost,
            since: *since,
            committed_at: *committed_at,
            duration_seconds: *duration_seconds,
            attempts,
            gradings,
            flags,
            not_captured: *not_captured,
            not_captured_names,
            files,
            more_files: *more_files,
        }
    }
}
