//! `repair` mends what `verify` finds, deletes nothing, invents nothing, and does nothing the second time.

mod incident;
mod planted;
mod screens;
mod stopped;
