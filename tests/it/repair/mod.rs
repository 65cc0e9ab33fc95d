//! `repair` mends what `verify` finds, deletes nothing, invents nothing, and does nothing the second time.

mod incident;
mod odd_one_out;
mod planted;
mod screens;
mod stopped;
