//! The screen of `status`.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::model::changes::Remainder;
use crate::model::checkpoint::RateLimit;
use crate::model::control::BrokenControl;
use crate::model::event::{Errored, Missing, SetupTotals, TierTotals};
use crate::model::finding::Finding;
use crate::model::ids::{RunId, TierId};
use crate::model::money::Usd;
use crate::model::outcome::ExperimentStatus;
use crate::model::shortfall::SetupShortfall;
use crate::model::survey::Holder;
use crate::model::usage::{self, Total};
use crate::os::terminal::Size;
use crate::text::escape;
use crate::text::words::{counted, duration, moment, shell_word, whole_duration};

use crate::text::page;
use crate::text::page::Page;
use crate::text::styles::{Styles, Tone};
use crate::ui::causes::{add_broken_controls, add_errored, add_shortfalls};
use crate::ui::drift::NewestCheck;
use crate::ui::frame;
use crate::ui::in_flight::add_in_flight;
pub use crate::ui::in_flight::{Queued, RunInFlight};
use crate::ui::run_limits::RunLimits;
use crate::ui::summary::{Needs, ceiling_for_all, continuation, left_out, time_for_all};
use crate::ui::tables::{
    Rows, add_damage, add_damaged, add_missing, add_remainders, add_to_come, add_waiting, named_lines, results_table,
};

/// What `status` shows of an experiment.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Status<'a> {
    /// The experiment's id; `None` when neither config nor checkpoint can be read.
    pub experiment_id: Option<&'a str>,
    /// Its folder, as it was given.
    pub folder: &'a str,
    /// The status in the checkpoint; `None` when it cannot be read. With damaged results, it is never `completed`.
    pub status: Option<ExperimentStatus>,
    /// Until when a live coordinator waits for a rate limit: the earliest time in `rate_limits`.
    #[schemars(with = "Option<String>")]
    pub retry_at: Option<Timestamp>,
    /// Until when models are not asked because of rate limits.
    pub rate_limits: &'a [RateLimit],
    /// The live coordinator.
    pub holder: Option<&'a Holder>,
    /// Whether it is paused, as by Ctrl-Z, so that nothing happens until it is let go on.
    pub is_paused: bool,
    /// When the experiment was first started.
    #[schemars(with = "Option<String>")]
    pub started_at: Option<Timestamp>,
    /// Spent so far on every attempt and on judges.
    #[serde(flatten, with = "usage::spent")]
    #[schemars(with = "usage::spent::Keys")]
    pub spent: Total,
    /// How many runs in flight have not said yet what they cost, and how many parts of the sum those are.
    #[serde(skip)]
    pub unknown_in_flight: (usize, u32),
    /// The cost ceiling.
    pub max_cost_usd: Option<Usd>,
    /// Seconds that sessions worked on it: while one does, at most about ten seconds less.
    pub worked_seconds: f64,
    /// How many seconds they may.
    pub max_time_seconds: Option<u64>,
    /// What each run is held to; `null` where no config of ours can be read.
    pub run_limits: Option<RunLimits>,
    /// The totals of each tier.
    pub tiers: &'a [TierTotals],
    /// The totals of each setup.
    pub setups: &'a [SetupTotals],
    /// Number of planned runs without a result that nobody works on now, for each reason.
    pub missing: &'a BTreeMap<Missing, usize>,
    /// Runs that are missing because something failed, grouped by their last failure.
    pub errored: &'a [Errored],
    /// Why runs did not pass, counted for each setup.
    pub shortfalls: &'a [SetupShortfall],
    /// Controls that did not do what is expected: nothing measured on the task can be trusted.
    pub broken_controls: &'a [BrokenControl],
    /// How far judges were from gold examples when a session checked them last; `null` when none did.
    pub judge_check: Option<NewestCheck<'a>>,
    /// Runs whose results are damaged: they are not counted.
    pub damaged: &'a [RunId],
    /// Everything that is damaged, as `verify --quick` names it.
    pub damage: &'a [Finding],
    /// Whether a resume would make the runs that are missing for other reasons than damage.
    #[serde(skip)]
    pub can_be_resumed: bool,
    /// Whether more runs may be planned than are known: it is not known how many subtests its tiers have.
    pub plan_is_open: bool,
    /// Tiers that have not begun because they inherit from the winners of other tiers, each with those.
    pub waiting: &'a BTreeMap<TierId, BTreeSet<TierId>>,
    /// Committed runs whose agents left something that was not captured, or something unusual.
    pub remainders: &'a [Remainder],
    /// The version of its checkpoint, when another tool made the experiment and it was not taken over.
    #[serde(rename = "original_version")]
    pub other_version: Option<&'a str>,
    /// That tool.
    #[serde(skip)]
    pub made_by: Option<&'a str>,
    /// Runs that a live coordinator works on.
    pub in_flight: &'a [RunInFlight],
    /// The runs that wait in a cluster's queue.
    #[serde(flatten)]
    pub queued: Queued,
}

impl Status<'_> {
    /// The screen for people at the time `now`.
    #[must_use]
    pub fn human(&self, now: Timestamp, rows: Option<Rows>, styles: Styles) -> String {
        let mut text = self.body(now, rows, styles);
        if let Some(continuation) = self.continuation(styles) {
            text.push('\n');
            text.push_str(&continuation);
        }
        text
    }

    /// The same, cut to the size of a terminal, with its title and the command to type. Unless a person chose the rows
    /// of the table, it has one for each tier when there is no room for the setups.
    #[must_use]
    pub fn frame(&self, now: Timestamp, rows: Option<Rows>, styles: Styles, size: Size) -> String {
        let last = self.continuation(styles).unwrap_or_default();
        let body = self.body(now, rows, styles);
        let room = size.rows.saturating_sub(1 + last.lines().count());
        if rows.is_none() && body.lines().count() > room && self.setups.len() > self.tiers.len() {
            return frame::fit(&self.body(now, Some(Rows::Tiers), styles), &last, size);
        }
        frame::fit(&body, &last, size)
    }

    fn body(&self, now: Timestamp, rows: Option<Rows>, styles: Styles) -> String {
        let id = escape::terminal(self.experiment_id.unwrap_or("experiment"));
        let (tone, word) = self.word();
        let mut page = Page::default();
        page.line(format_args!("{}: {}\n", styles.paint(Tone::Strong, id), styles.paint(tone, word)));
        page.line(named_lines(&self.facts(now)));
        page.add(results_table(self.tiers, self.setups, rows));
        let is_missing = self.missing.values().any(|count| *count > 0);
        if !self.shortfalls.is_empty() || !self.broken_controls.is_empty() {
            page.line("");
            let mut block = Page::default();
            add_broken_controls(&mut block, self.broken_controls, self.folder, styles);
            add_shortfalls(&mut block, self.shortfalls, self.folder, rows, styles);
            page.line(block.into_text().trim_end());
        }
        if let Some(check) = &self.judge_check {
            check.add_unmet(&mut page, styles);
        }
        if is_missing {
            page.line("");
            match self.holder {
                Some(_) => add_to_come(&mut page, self.missing, styles),
                None => add_missing(&mut page, self.missing, styles),
            }
            add_errored(&mut page, self.errored);
            add_waiting(&mut page, self.waiting);
        }
        if !self.damaged.is_empty() {
            page.line("");
            add_damaged(&mut page, self.damaged, self.folder);
        }
        if self.damage.iter().any(|finding| finding.run.is_none_or(|run| !self.damaged.contains(&run))) {
            page.line("");
            add_damage(&mut page, self.damage, self.folder);
        }
        if !self.remainders.is_empty() {
            page.line("");
            add_remainders(&mut page, self.remainders);
        }
        add_in_flight(&mut page, (self.in_flight, &self.queued), now, styles);
        if self.queued.jobs_left {
            let dir = shell_word(self.folder);
            page.line(format_args!(
                "\nIts jobs may wait and run on the cluster, and no coordinator follows them: `cargo scylla resume {dir}` does, and \
                 `cargo scylla stop {dir}` takes back those that wait."
            ));
        }
        page.into_text()
    }

    /// The command that continues, when something is missing and nobody is working on it.
    fn continuation(&self, styles: Styles) -> Option<String> {
        // A resume does not repair damage.
        let is_missing = self.missing.iter().any(|(why, count)| *count > 0 && *why != Missing::Damaged);
        (is_missing && self.can_be_resumed && self.holder.is_none()).then(|| {
            let needs = match self.status {
                _ if self.stopped_by().is_some() => {
                    Needs::RightJudges(self.stopped_by().and_then(NewestCheck::limit_for_all))
                }
                Some(ExperimentStatus::BudgetReached) => Needs::Ceiling(ceiling_for_all(self.setups, self.spent)),
                Some(ExperimentStatus::TimeReached) => Needs::MoreTime(time_for_all(self.tiers, self.worked_seconds)),
                Some(ExperimentStatus::PausedRateLimit) if !self.rate_limits.is_empty() => Needs::Patience,
                _ => Needs::Nothing,
            };
            continuation(self.folder, &needs, styles)
        })
    }

    /// The same for machines.
    #[must_use]
    pub fn json(&self) -> String {
        page::pretty(self)
    }

    /// The check of judges that stopped the newest session.
    fn stopped_by(&self) -> Option<&NewestCheck<'_>> {
        self.judge_check.as_ref().filter(|check| self.holder.is_none() && check.stopped_the_session())
    }

    /// Whether nothing of it was ever begun.
    fn is_only_planned(&self) -> bool {
        let is_missing = self.missing.iter().all(|(why, count)| *count == 0 || *why == Missing::NotStarted);
        is_missing
            && self.in_flight.is_empty()
            && self.worked_seconds == 0.0
            && self.tiers.iter().all(|tier| tier.totals.done == 0)
    }

    fn word(&self) -> (Tone, &'static str) {
        let mut missing = self.missing.iter().filter(|(_, count)| **count > 0).map(|(why, _)| *why).peekable();
        let is_ended = missing.peek().is_some() && missing.all(|why| why == Missing::Errored);
        match (self.holder, self.status) {
            (Some(_), _) if self.is_paused => {
                (Tone::Warning, "stopped (paused, as by Ctrl-Z; type `fg` in its terminal to go on)")
            }
            (Some(_), Some(ExperimentStatus::PausedRateLimit)) => (Tone::Warning, "waits for a rate limit"),
            (Some(_), _) => (Tone::Good, "running"),
            (None, Some(_)) if !self.damaged.is_empty() || !self.damage.is_empty() => (Tone::Bad, "damaged"),
            (None, Some(_)) if self.stopped_by().is_some() => (Tone::Warning, "stopped by the check of its judges"),
            (None, Some(ExperimentStatus::Running)) => (Tone::Bad, "interrupted (its coordinator is gone)"),
            (None, Some(ExperimentStatus::Incomplete)) => (Tone::Warning, "incomplete"),
            (None, Some(ExperimentStatus::Interrupted)) if is_ended => (Tone::Warning, "incomplete"),
            (None, Some(ExperimentStatus::Interrupted)) if self.is_only_planned() => {
                (Tone::Plain, "planned, and not begun")
            }
            (None, Some(ExperimentStatus::Interrupted)) => (Tone::Warning, "interrupted"),
            (None, Some(ExperimentStatus::PausedRateLimit)) => (Tone::Warning, "stopped by a rate limit"),
            (None, Some(ExperimentStatus::BudgetReached)) => (Tone::Warning, "stopped at the ceiling of its cost"),
            (None, Some(ExperimentStatus::TimeReached)) => (Tone::Warning, "stopped at the limit of its time"),
            (None, Some(ExperimentStatus::Completed)) => (Tone::Good, "completed"),
            (None, None) => (Tone::Bad, "unknown (its checkpoint cannot be read)"),
        }
    }

    fn facts(&self, now: Timestamp) -> Vec<(&'static str, String)> {
        let mut facts = vec![("folder", escape::terminal(self.folder).into_owned())];
        if let (Some(tool), Some(version)) = (self.made_by, self.other_version) {
            facts.push(("made by", format!("{tool}, checkpoint {version}")));
        }
        if let Some(holder) = self.holder {
            facts.push(("held by", escape::terminal(&holder.to_string()).into_owned()));
        }
        if let Some(started) = self.started_at {
            let ago = duration(now.duration_since(started).as_secs_f64());
            facts.push(("started", format!("{} ({ago} ago)", moment(started))));
        }
        let limited = if self.holder.is_some() { "goes on" } else { "limited" };
        facts.extend(self.rate_limits.iter().map(|RateLimit { model, until }| {
            let left = duration(until.duration_since(now).as_secs_f64());
            let from = if self.holder.is_some() { "from" } else { "until" };
            (limited, format!("with {} {from} {} (in {left})", escape::terminal(model), moment(*until)))
        }));
        if self.plan_is_open {
            let known: usize = self.tiers.iter().map(|tier| tier.totals.planned).sum();
            facts.push(("planned", format!("at least {}", counted(known, "run"))));
        }
        let of = self.max_cost_usd.map_or_else(String::new, |ceiling| format!(" of {ceiling}"));
        let (runs, parts) = self.unknown_in_flight;
        let spent = self.spent.without_unknown(parts);
        let is = if runs == 1 { "is" } else { "are" };
        let in_flight = (runs > 0).then(|| format!("; {} {is} not counted yet", counted(runs, "unfinished run")));
        facts.extend(self.run_limits.iter().flat_map(RunLimits::lines));
        facts.push(("spent", format!("{spent}{of}{}{}", left_out(spent), in_flight.unwrap_or_default())));
        if let Some(most) = self.max_time_seconds {
            facts.push(("worked", format!("{} of {}", duration(self.worked_seconds), whole_duration(most))));
        }
        facts
    }
}

/// The JSON schema of [`Status::json`].
#[must_use]
pub fn status_schema() -> Value {
    schemars::schema_for!(Status<'_>).to_value()
}

#[cfg(test)]
mod tests;
