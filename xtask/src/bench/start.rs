//! How fast the program starts, beside cargo; alone, as every section of the page is.

use std::env;
use std::ffi::OsString;
use std::process::{Command, Stdio};

use super::child;
use super::lab::Lab;
use super::sample::Samples;
use super::table::{Goal, Table, Unit};
use crate::failure::Failure;

/// At most so many times as long as `cargo --version`.
const MOST: f64 = 3.0;

pub(super) fn measure(lab: &Lab, table: &mut Table) -> Result<(), Failure> {
    // The toolchain's own cargo; the one from the search path may be rustup's, which looks for the toolchain first.
    let own = env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let (mut ours, mut cargos, mut typed) = (Samples::default(), Samples::default(), Samples::default());
    for _ in 0..lab.pick(50, 20) {
        ours.push(child::timed(lab.program().arg("--help"), &[0])?.seconds);
        cargos.push(version(&own)?);
        typed.push(version(&OsString::from("cargo"))?);
    }
    let ratio = ours.median() / cargos.median();
    table.samples("`cargo-scylla scylla --help`", &ours, Unit::Milliseconds, None);
    table.samples("`cargo --version`, the toolchain's own", &cargos, Unit::Milliseconds, None);
    table.samples("`cargo --version`, from the search path", &typed, Unit::Milliseconds, None);
    table.figure("first over second", format!("{ratio:.2} ×"), Some(Goal::at_most(MOST, " ×", ratio)));
    Ok(())
}

fn version(cargo: &OsString) -> Result<f64, Failure> {
    let mut command = Command::new(cargo);
    command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
    Ok(child::timed(&mut command, &[0])?.seconds)
}
