//! Experiments of ProjectScylla's runner are taken over: what was paid for stays as it is, and the rest is made.

mod made;
mod refused;
mod stopped;
mod taken;
