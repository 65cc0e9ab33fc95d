//! An experiment in one line: what a list of experiments says of it.

use std::fmt;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::usage::{self, Total};

/// An experiment of a results folder.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Overview {
    /// The name of its folder, a part of which names it.
    pub name: String,
    /// Its folder, from the current one.
    pub folder: String,
    /// What it is called; `null` when neither config nor checkpoint can be read.
    pub experiment_id: Option<String>,
    /// Where it stands.
    pub state: State,
    /// Planned runs with a verdict.
    pub done: usize,
    /// Planned runs; `null` when no plan can be read.
    pub planned: Option<usize>,
    /// Whether more may be planned.
    pub plan_is_open: bool,
    /// Runs that passed, those of controls too.
    pub passed: usize,
    /// Runs with a verdict that measure an agent: all but those of controls.
    pub agents_done: usize,
    /// Those of them that passed.
    pub agents_passed: usize,
    /// Spent so far: every attempt, judges too.
    #[serde(flatten, with = "usage::spent")]
    #[schemars(with = "usage::spent::Keys")]
    pub spent: Total,
    /// How many of its parts that are not known are of runs in flight, which may say it yet.
    #[serde(skip)]
    pub unknown_in_flight: u32,
    /// When it was started first.
    #[schemars(with = "Option<String>")]
    pub started_at: Option<Timestamp>,
    /// Seconds since then.
    pub age_seconds: Option<f64>,
    /// The other tool that made it, when nobody took it over.
    pub made_by: Option<String>,
}

/// Where an experiment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Somebody works on it.
    Running,
    /// Somebody works on it, and waits for a provider's rate limit.
    Waiting,
    /// Something of it is not what was written.
    Damaged,
    /// It is planned, and nothing of it was begun.
    Planned,
    /// Planned runs are missing that were not tried, or not to their end, and nobody works on it.
    Interrupted,
    /// It ended by itself, and planned runs are missing because infrastructure failed.
    Incomplete,
    /// A coordinator works on it, and is paused, as by Ctrl-Z.
    Paused,
    /// It ended while it waited for a provider's rate limit.
    RateLimited,
    /// The ceiling of its cost stopped it.
    BudgetReached,
    /// The limit of the time worked on it stopped it.
    TimeReached,
    /// Every planned run has a verdict.
    Completed,
    /// Its checkpoint cannot be read.
    Unknown,
}

impl State {
    /// Its word, on screens and in JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Paused => "paused",
            Self::Damaged => "damaged",
            Self::Planned => "planned",
            Self::Interrupted => "interrupted",
            Self::Incomplete => "incomplete",
            Self::RateLimited => "rate_limited",
            Self::BudgetReached => "budget_reached",
            Self::TimeReached => "time_reached",
            Self::Completed => "completed",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}
