//! The state of the experiment, derived from events, and its display at a moment. Has no clock: times come with events.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use jiff::Timestamp;

use crate::model::event::{Event, ExperimentStarted, TierTotals};
use crate::model::ids::{RunId, TierId};
use crate::model::job::Placement;
use crate::model::money::Usd;
use crate::model::outcome::{RunStatus, Stage, StopLevel};
use crate::model::usage::Total;
use crate::os::terminal::Size;
use crate::stats::tiers::share;
use crate::text::escape;
use crate::text::words::{counted, duration, moment, percent, rough_duration, whole_duration};

use super::lines::{SetupNames, stage_name};
use crate::text::columns::{columns, cut};
use crate::text::short::and_more;
use crate::text::styles::{Styles, Tone};

/// If more runs are in flight they are summed up, so that the bars fit on a screen of 24 lines.
const MOST_IN_FLIGHT_LINES: usize = 13;

/// At least this many runs in flight are shown before the tiers get any rows.
const FEWEST_IN_FLIGHT_LINES: usize = 2;

/// Columns of a bar: with them, the widest line of a tier with 9999 runs has 79 columns.
const BAR_COLUMNS: usize = 20;
/// A narrower bar is not useful.
const FEWEST_BAR_COLUMNS: usize = 4;
/// Columns between the parts of a line.
const GAP: usize = 2;
/// Columns of what a run does: room for every stage.
const DOING_COLUMNS: usize = 8;
/// A longer name of a machine is cut, so that the times beside it stay on the screen.
const MOST_NODE_COLUMNS: usize = 24;

/// Everything that the bars show.
#[derive(Debug, Default)]
pub(super) struct ProgressView {
    tiers: BTreeMap<TierId, Tier>,
    names: SetupNames,
    in_flight: BTreeMap<RunId, InFlight>,
    /// Machines of runs whose workers are jobs. A failed attempt that the same job tries again stays on its machine.
    nodes: BTreeMap<RunId, String>,
    waits: BTreeMap<String, Timestamp>,
    stop: Option<StopLevel>,
    spent: Total,
    ceiling: Option<Usd>,
    budget_reached: bool,
    /// Seconds worked on it before this session, and how many there may be in all.
    worked_before: f64,
    max_time: Option<u64>,
    time_reached: bool,
    started: Option<Timestamp>,
    done_now: usize,
}

#[derive(Debug, Default)]
struct Tier {
    planned: usize,
    done: usize,
    passed: usize,
    errored: BTreeSet<RunId>,
    paused: bool,
}

#[derive(Debug)]
struct InFlight {
    attempt: u32,
    /// Whether its job waits for its turn.
    is_queued: bool,
    /// `None` while only its job has begun.
    stage: Option<String>,
    begun: Timestamp,
    stage_begun: Timestamp,
}

impl InFlight {
    fn from(at: Timestamp) -> Self {
        Self { attempt: 1, is_queued: false, stage: None, begun: at, stage_begun: at }
    }
}

impl ProgressView {
    /// Shows a run whose worker is a job: that it waits, or on which machine it is.
    fn place(&mut self, run: RunId, placement: &Placement, at: Timestamp) {
        let before = match placement {
            Placement::Queued { .. } => self.nodes.remove(&run),
            Placement::Running { node, .. } => self.nodes.insert(run, escape::terminal(node).into_owned()),
        };
        let is_queued = matches!(placement, Placement::Queued { .. });
        let in_flight = self.in_flight.entry(run).or_insert_with(|| InFlight::from(at));
        // Its worker may have begun before the batch system says where; on another machine, another worker begins.
        let is_elsewhere = before.is_some_and(|before| self.nodes.get(&run) != Some(&before));
        if is_queued || in_flight.is_queued || is_elsewhere {
            *in_flight = InFlight { is_queued, ..InFlight::from(at) };
        }
    }

    /// Forgets a run that is no longer in flight.
    fn forget(&mut self, run: RunId) {
        self.in_flight.remove(&run);
        self.nodes.remove(&run);
    }

    /// Updates the state by an event.
    pub(super) fn event(&mut self, at: Timestamp, event: &Event) {
        self.names.event(event);
        match event {
            Event::ExperimentStarted(started) => self.start(at, started),
            Event::RunStarted { run, attempt, from } => self.begin(*run, attempt.0, *from, at),
            Event::RunPlaced { run, placement } => self.place(*run, placement, at),
            Event::StageStarted { run, stage, judge } => {
                if let Some(in_flight) = self.in_flight.get_mut(run) {
                    in_flight.is_queued = false;
                    in_flight.stage = Some(stage_name(*stage, *judge));
                    in_flight.stage_begun = at;
                }
            }
            Event::RunCommitted(committed) => {
                self.forget(committed.run);
                self.spent = committed.spent;
                self.done_now += 1;
                let tier = self.tiers.entry(committed.run.tier).or_default();
                tier.done += 1;
                tier.passed += usize::from(committed.status == RunStatus::Passed);
                tier.errored.remove(&committed.run);
            }
            Event::AttemptFailed { run, spent, .. } => {
                self.in_flight.remove(run);
                self.spent = *spent;
            }
            Event::RunStopped { run, spent, .. } | Event::RunWaits { run, spent, .. } => {
                self.forget(*run);
                self.spent = *spent;
            }
            Event::RunWithdrawn { run } => self.forget(*run),
            Event::RunErrored { run, .. } => {
                self.forget(*run);
                self.tiers.entry(run.tier).or_default().errored.insert(*run);
            }
            Event::TierPaused { tier, .. } => self.tiers.entry(*tier).or_default().paused = true,
            Event::RateLimited { model, until } => {
                self.waits.insert(model.clone(), *until);
            }
            Event::RateLimitOver { model } => {
                self.waits.remove(model);
            }
            Event::BudgetReached { spent, .. } => {
                self.spent = *spent;
                self.budget_reached = true;
            }
            Event::TimeReached { .. } => self.time_reached = true,
            Event::Stopping { stop_level, .. } => self.stop = self.stop.max(Some(*stop_level)),
            Event::ExperimentFinished(_)
            | Event::ConcurrencyChanged { .. }
            | Event::FlagDiffers { .. }
            | Event::Mended { .. }
            | Event::Notice { .. }
            | Event::TierInherits { .. } => {}
        }
    }

    fn start(&mut self, at: Timestamp, started: &ExperimentStarted) {
        self.started = Some(at);
        self.spent = started.spent;
        self.ceiling = started.max_cost_usd;
        (self.worked_before, self.max_time) = (started.worked_seconds, started.max_time_seconds);
        for TierTotals { tier: id, totals } in &started.tiers {
            let tier = Tier { planned: totals.planned, done: totals.done, passed: totals.passed, ..Tier::default() };
            self.tiers.insert(*id, tier);
        }
    }

    fn begin(&mut self, run: RunId, attempt: u32, from: Stage, at: Timestamp) {
        let in_flight = InFlight { attempt, stage: Some(stage_name(from, None)), ..InFlight::from(at) };
        self.in_flight.insert(run, in_flight);
    }

    /// The display at a moment in a terminal of this size: tiers, totals, and the runs in flight. With few rows, the
    /// tiers are left out first and the totals stay; with few columns, the bars are left out first and the numbers
    /// stay.
    pub(super) fn lines(&self, at: Timestamp, size: Size, styles: Styles) -> Vec<String> {
        let Size { rows, columns } = size;
        let Some(started) = self.started else { return Vec::new() };
        let mut whole = vec![self.whole_line(seconds_between(started, at))];
        whole.extend(self.waits.iter().map(|(model, until)| {
            let model = escape::terminal(model);
            let left = duration(seconds_between(at, *until));
            let paused = styles.paint(Tone::Warning, "paused");
            format!("  {model}: {paused} until {} (rate limit, {left} more)", moment(*until))
        }));
        whole.truncate(rows);
        let (queued, working): (Vec<_>, Vec<_>) = self.in_flight.iter().partition(|(_, run)| run.is_queued);
        let some_in_flight = (working.len() + usize::from(!queued.is_empty())).min(FEWEST_IN_FLIGHT_LINES);
        let tiers = self.tier_lines(columns, styles);
        let mut lines = if tiers.len() + whole.len() + some_in_flight < rows { tiers } else { Vec::new() };
        lines.extend(whole);
        let left = rows.saturating_sub(lines.len() + 1).min(MOST_IN_FLIGHT_LINES);
        if !self.in_flight.is_empty() && left > 0 {
            lines.push(String::new());
            lines.extend(self.in_flight_lines(at, left, (working, queued.len()), styles));
        }
        lines
    }

    fn tier_lines(&self, columns: usize, styles: Styles) -> Vec<String> {
        let width_of = |count: fn(&Tier) -> usize| {
            self.tiers.values().map(|tier| count(tier).to_string().len()).max().unwrap_or(1)
        };
        let planned_width = width_of(|tier| tier.planned);
        let passed_width = width_of(|tier| tier.passed);
        let failed_width = width_of(Tier::failed);
        let name_width = self.tiers.keys().map(|tier| tier.to_string().len()).max().unwrap_or(2);
        let numbers = |tier: &Tier| {
            format!(
                "{:>planned_width$}/{:<planned_width$}  {:>passed_width$} passed  {:>failed_width$} failed",
                tier.done,
                tier.planned,
                tier.passed,
                tier.failed()
            )
        };
        let widest = self.tiers.values().map(|tier| numbers(tier).len()).max().unwrap_or(0);
        let left = columns.saturating_sub(GAP + name_width + GAP + GAP + widest);
        let bar_columns = if left < FEWEST_BAR_COLUMNS { 0 } else { left.min(BAR_COLUMNS) };
        let line = |(name, tier): (&TierId, &Tier)| {
            let (done, rest) = tier.bar(bar_columns);
            let mut line = format!("  {name:<name_width$}  ");
            if bar_columns > 0 {
                let (done, rest) = (styles.paint(Tone::Good, done), styles.paint(Tone::Faint, rest));
                let _ = write!(line, "{done}{rest}  ");
            }
            line.push_str(&numbers(tier));
            let errored = (!tier.errored.is_empty()).then(|| format!("{} errored", tier.errored.len()));
            for trouble in errored.into_iter().chain(tier.paused.then(|| "given up".to_owned())) {
                line.push_str("  ");
                line.push_str(&styles.paint(Tone::Bad, trouble).to_string());
            }
            line
        };
        self.tiers.iter().map(line).collect()
    }

    /// The totals on one line: `47 of 90 runs (52 %), $12.34 of $50.00, 12m 05s, about 8m left`.
    fn whole_line(&self, elapsed: f64) -> String {
        let sum = |count: fn(&Tier) -> usize| self.tiers.values().map(count).sum::<usize>();
        let (planned, done) = (sum(|tier| tier.planned), sum(|tier| tier.done));
        let cost = match self.ceiling {
            Some(ceiling) => format!("{} of {ceiling}", self.spent),
            None => self.spent.to_string(),
        };
        let part = share(done, planned).map_or_else(String::new, |part| format!(" ({})", percent(part)));
        let outlook = match self.stop {
            Some(StopLevel::Drain) => ", stops when these runs end".to_owned(),
            Some(StopLevel::Terminate | StopLevel::Kill) => ", ends these runs".to_owned(),
            None if self.budget_reached => ", at the ceiling: stops when these runs end".to_owned(),
            None if self.time_reached => ", out of time: stops when these runs end".to_owned(),
            None => self.outlook(sum(Tier::to_do), elapsed),
        };
        let time = match self.max_time {
            Some(most) => format!("{} of {}", duration(self.worked_before + elapsed), whole_duration(most)),
            None => duration(elapsed),
        };
        format!("  {done} of {}{part}, {cost}, {time}{outlook}", counted(planned, "run"))
    }

    /// How long the rest takes if runs go on to end at the rate of this session; empty while that cannot be estimated.
    fn outlook(&self, to_do: usize, elapsed: f64) -> String {
        match share(to_do, self.done_now) {
            Some(times) if to_do > 0 && self.waits.is_empty() => {
                format!(", {} left", rough_duration(elapsed * times))
            }
            _ => String::new(),
        }
    }

    /// A row for each run that is worked on, and one for all that wait for their turn or have no room.
    fn in_flight_lines(
        &self,
        at: Timestamp,
        most: usize,
        (mut working, queued): (Vec<(&RunId, &InFlight)>, usize),
        styles: Styles,
    ) -> Vec<String> {
        // The oldest first: lines keep their order while runs begin and end.
        working.sort_by_key(|(run, in_flight)| (in_flight.begun, **run));
        let all_fit = working.len() + usize::from(queued > 0) <= most;
        let shown = if all_fit { working.len() } else { most - 1 };
        let doing: Vec<String> =
            working.iter().take(shown).map(|(run, in_flight)| self.doing(run, in_flight)).collect();
        let doing_width = doing.iter().map(|doing| columns(doing)).max().unwrap_or(0).max(DOING_COLUMNS);
        let name_width = working.iter().map(|(run, _)| run.to_string().len()).max().unwrap_or(0);
        let mut lines: Vec<String> = working
            .iter()
            .zip(doing)
            .map(|((run, in_flight), doing)| {
                let elapsed = duration(seconds_between(in_flight.stage_begun, at));
                let attempt = (in_flight.attempt > 1).then(|| format!("attempt {}", in_flight.attempt));
                let attempt = attempt.map(|attempt| styles.paint(Tone::Faint, attempt).to_string());
                let named = self.names.of(**run).map(str::to_owned).into_iter().chain(attempt);
                format!(
                    "  {:<name_width$}  {doing}{:gap$}  {elapsed:>7}  {}",
                    run.to_string(),
                    "",
                    named.collect::<Vec<_>>().join("  "),
                    gap = doing_width - columns(&doing),
                )
            })
            .collect();
        let waiting = (queued > 0).then(|| format!("{queued} queued"));
        let others: Vec<String> = and_more(working.len(), shown).into_iter().chain(waiting).collect();
        lines.extend((!others.is_empty()).then(|| format!("  {}", others.join(", "))));
        lines
    }

    /// What is done for a run, and on which machine if it is known: `agent on n1`.
    fn doing(&self, run: &RunId, in_flight: &InFlight) -> String {
        let node = self.nodes.get(run).map(|node| format!("on {}", cut(node, MOST_NODE_COLUMNS)));
        in_flight.stage.clone().into_iter().chain(node).collect::<Vec<_>>().join(" ")
    }
}

impl Tier {
    fn failed(&self) -> usize {
        self.done.saturating_sub(self.passed)
    }

    /// Runs that this session can still do.
    fn to_do(&self) -> usize {
        if self.paused { 0 } else { self.planned.saturating_sub(self.done + self.errored.len()) }
    }

    /// The bar: full only when everything is done, and empty only when nothing is.
    fn bar(&self, columns: usize) -> (String, String) {
        let full = match self.done {
            0 => 0,
            done if done >= self.planned => columns,
            done => (done * columns / self.planned).clamp(1, columns.saturating_sub(1).max(1)).min(columns),
        };
        ("━".repeat(full), "─".repeat(columns - full))
    }
}

/// Seconds from one time to another; 0 if the clock was set back.
fn seconds_between(from: Timestamp, to: Timestamp) -> f64 {
    to.duration_since(from).as_secs_f64().max(0.0)
}
