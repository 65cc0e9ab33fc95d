//! Floor 0: the words of the product as types. No I/O, no clock, no imports from higher floors.

pub mod agent;
pub mod allowance;
pub mod answered;
pub mod changes;
pub mod checkpoint;
pub mod control;
pub mod details;
pub mod digest;
pub mod event;
pub mod exchange;
pub mod experiment;
pub mod finding;
pub mod flag;
pub mod gold;
pub mod grading;
pub mod ids;
pub mod inherited;
pub mod installation;
pub mod judge;
pub mod limits;
pub mod money;
pub mod outcome;
pub mod overview;
pub mod place;
pub mod plan;
pub mod program;
pub mod published;
pub mod reported;
pub mod resources;
pub mod result;
pub mod row;
pub mod rubric;
pub mod sandbox;
pub mod score;
pub mod setup;
pub mod shortfall;
pub mod steps;
pub mod survey;
pub mod table;
pub mod task;
pub mod totals;
pub mod usage;
pub mod written;

#[cfg(test)]
pub(crate) mod samples;
