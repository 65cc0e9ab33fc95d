//! The runs that a live coordinator works on, as `status` shows them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::model::ids::{JudgeNumber, RunId};
use crate::model::outcome::Stage;
use crate::model::usage::{self, Total};
use crate::text::page::Page;
use crate::text::styles::{Styles, Tone};
use crate::text::words::{counted, duration};

use super::lines::stage_name;
use super::runs::tokens;
use super::tables::shortened;

/// A run that a live coordinator works on.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct RunInFlight {
    /// The run.
    pub run: RunId,
    /// Its stage.
    pub stage: Stage,
    /// The judge, when it is the stage of one judge.
    pub judge: Option<JudgeNumber>,
    /// The name of its setup in the fixture; `None` when no fixture can be read.
    pub name: Option<String>,
    /// The machine of the cluster that it runs on, where its worker is a job.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// The job, as the batch system names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job: Option<String>,
    /// When the stage began, as far as it is known.
    #[schemars(with = "Option<String>")]
    pub since: Option<Timestamp>,
    /// Tokens that its agent has used so far: as the gateway saw them, or as its result names them; `None` where they are not known.
    pub tokens: Option<u64>,
    /// What its agent has cost so far.
    #[serde(flatten, with = "usage::total")]
    #[schemars(with = "usage::total::Keys")]
    pub cost: Total,
}

/// What the agents of these runs have used so far, as far as it is known: `; their agents used 24.6k tokens, $0.0702`.
fn used_by_all(runs: &[RunInFlight]) -> String {
    let known: Vec<u64> = runs.iter().filter_map(|run| run.tokens).collect();
    if known.is_empty() {
        return String::new();
    }
    let sum = tokens(known.iter().fold(0, |sum: u64, count| sum.saturating_add(*count)));
    let cost: Total = runs.iter().filter(|run| run.tokens.is_some()).map(|run| run.cost).sum();
    format!("; their agents used {sum} tokens, {cost}")
}

/// The runs that wait in a cluster's queue.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, JsonSchema)]
pub struct Queued {
    /// How many runs wait in a cluster's queue.
    pub queued: usize,
    /// How many of them for each reason that the batch system names, in its word.
    pub queue_reasons: BTreeMap<String, usize>,
    /// Whether jobs may wait or run that no coordinator follows.
    pub jobs_left: bool,
}

impl Queued {
    /// `3 runs in the cluster's queue (2 for Resources, 1 for JobHeldUser)`; nothing where none waits.
    fn in_words(&self) -> String {
        if self.queued == 0 {
            return String::new();
        }
        let of = |(reason, count): (&String, &usize)| format!("{count} for {}", shortened(reason));
        let known: Vec<String> = self.queue_reasons.iter().map(of).collect();
        let known = if known.is_empty() { String::new() } else { format!(" ({})", known.join(", ")) };
        format!("{} in the cluster's queue{known}", counted(self.queued, "run"))
    }
}

/// Adds a line for each run in flight; nothing where there is none.
pub(super) fn add_in_flight(
    page: &mut Page,
    (runs, queued): (&[RunInFlight], &Queued),
    now: Timestamp,
    styles: Styles,
) {
    let waits = queued.in_words();
    if runs.is_empty() {
        if !waits.is_empty() {
            page.line(format_args!("\n{}", styles.paint(Tone::Strong, waits)));
        }
        return;
    }
    let waits = if waits.is_empty() { waits } else { format!(", {waits}") };
    let heading = format!("{} in flight{waits}{}:", counted(runs.len(), "run"), used_by_all(runs));
    page.line(format_args!("\n{}", styles.paint(Tone::Strong, heading)));
    let width = runs.iter().map(|in_flight| in_flight.run.to_string().len()).max().unwrap_or(0);
    let used = |in_flight: &RunInFlight| match in_flight.tokens {
        Some(count) => (format!("{} tokens", tokens(count)), in_flight.cost.to_string()),
        None => (String::new(), String::new()),
    };
    let widths =
        runs.iter().map(used).fold((0, 0), |(tokens, cost), used| (used.0.len().max(tokens), used.1.len().max(cost)));
    let place = |run: &RunInFlight| match (&run.node, &run.job) {
        (Some(node), Some(job)) => format!("{}  {}", shortened(node), shortened(job)),
        (Some(one), None) | (None, Some(one)) => shortened(one),
        (None, None) => String::new(),
    };
    let nodes: Vec<String> = runs.iter().map(place).collect();
    let of_node = nodes.iter().map(|node| node.chars().count()).max().unwrap_or(0);
    for (in_flight, node) in runs.iter().zip(&nodes) {
        let RunInFlight { run, stage, judge, name, since, .. } = in_flight;
        let node = if of_node == 0 { String::new() } else { format!("{node:<of_node$}  ") };
        let (tokens, cost) = used(in_flight);
        let used = match widths {
            (0, _) => String::new(),
            (of_tokens, of_cost) => format!("{tokens:>of_tokens$}  {cost:>of_cost$}  "),
        };
        let elapsed = since.map_or_else(String::new, |since| duration(now.duration_since(since).as_secs_f64()));
        let name = name.as_deref().map(shortened).unwrap_or_default();
        let stage = stage_name(*stage, *judge);
        let line = format!("  {:<width$}  {stage:<8}  {node}{elapsed:>7}  {used}{name}", run.to_string());
        page.line(line.trim_end());
    }
}
