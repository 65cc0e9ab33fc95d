//! Holds the rules of the house, and drives the product as a whole.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so by its panic")]

mod adopt;
mod architecture;
mod budget;
mod choosing;
mod commands;
mod completions;
mod containment;
mod crash;
mod events;
mod export;
mod fixture;
mod fixture_check;
mod flags;
mod growth;
mod inheritance;
mod language_checks;
mod lock;
mod main_job;
mod mistakes;
mod original_fixtures;
mod originals;
mod paid_once;
mod pausing;
mod planted;
mod power;
mod rate_limit;
mod readme;
mod regrade;
mod repair;
mod rerun;
mod scenes;
mod screens;
mod secrets;
mod settings;
mod shared;
mod stopping;
mod streams;
mod surroundings;
mod upstream;
mod upstream_fixture;
mod upstream_formats;
mod verify;
mod work_folder;
mod world;
