//! Holds the rules of the house, and drives the product as a whole.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so by its panic")]

mod architecture;
mod crash;
mod fixture;
mod readme;
mod stopping;
mod world;
