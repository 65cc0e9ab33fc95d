//! Real programs of agents, in the versions that `versions.json` pins, work against the scripted model server: each does whole
//! experiments, meets every trouble that a provider can make, and is stopped in every way.

mod claude_code;
mod experiment;
mod programs;
mod stopped;
mod together;
mod trouble;
mod whole;
