//! What a worker that is a job reports of its run, line by line, to a coordinator in another process.

use serde::{Deserialize, Serialize};

use super::event::Event;
use super::survey::Holder;
use super::unfinished::Unfinished;
use super::usage::{self, Total};

/// One line that a worker writes into its run's folder of jobs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobLine {
    /// The worker has begun.
    Began(Holder),
    /// Something happened in the run.
    Event(Box<Event>),
    /// The run asks this model from now on.
    Asks(String),
    /// The model is not being asked any more; whether it has answered.
    Asked(bool),
    /// The provider of a model asks to wait for so many seconds.
    Limited(String, f64),
    /// The worker is done with the run.
    Ended(JobReport),
}

/// How a worker's work on a run ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobReport {
    /// What was spent on the run.
    #[serde(flatten, with = "usage::spent")]
    pub spent: Total,
    /// How it ended.
    pub end: JobEnd,
}

/// How a job's work on a run ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobEnd {
    /// The run's result is durable.
    Committed,
    /// It is not.
    Unfinished(Unfinished),
    /// Another worker has the run: nothing was done.
    Claimed(Holder),
    /// The job could not begin, or lost the run to another worker.
    Refused(String),
}
