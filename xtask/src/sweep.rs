//! Tests that `cargo test` does at a reduced size, at their full size; alone, as every task is.

use clap::ValueEnum;

use crate::failure::Failure;
use crate::program::Program;

/// What is swept.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Sweep {
    /// One bit of each byte of two small experiments is altered, and `verify` must name it (minutes)
    Flips,
    /// Every bit of each of these bytes (most of a day)
    Bits,
    /// The power of a disk is cut at every write of a run: as root, with loop devices (half an hour)
    Power,
    /// Commands are killed before every rename that they make (minutes)
    Kills,
    /// Models answer with a gigabyte, in each way (minutes)
    Floods,
    /// Ten thousand short runs as jobs of a cluster, with what the coordinator needs for each (half an hour)
    Jobs,
    /// Five hundred experiments that nobody touched, in which nothing may be found (half an hour)
    Untouched,
}

/// Runs the sweep, and shows what it says.
pub(crate) fn sweep(sweep: Sweep) -> Result<(), Failure> {
    let (tests, variable, size) = match sweep {
        Sweep::Flips => ("verify::flips", "SCYLLA_FLIPS", "bytes"),
        Sweep::Bits => ("verify::flips", "SCYLLA_FLIPS", "bits"),
        Sweep::Power => ("power::", "SCYLLA_POWER_CUTS", "all"),
        Sweep::Kills => ("killed", "SCYLLA_KILLS", "all"),
        Sweep::Floods => ("faults::", "SCYLLA_FLOODS", "1024"),
        Sweep::Jobs => ("slurm::scale", "SCYLLA_JOBS", "10000"),
        Sweep::Untouched => ("verify::sweep", "SCYLLA_SWEEP", "50"),
    };
    let cargo = Program::cargo().args(["test", "--release", "--test", "it", "--", "--nocapture", tests]);
    cargo.variable(variable, size).run()
}
