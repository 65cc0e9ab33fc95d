//! Logs that the real Inspect AI reads: it is installed below the target directory, and the tests are given it; alone, as every
//! task is.

use crate::failure::Failure;
use crate::place;
use crate::program::Program;

/// The version that is installed: what logs are held against changes with it.
const VERSION: &str = "inspect-ai==0.3.285";

/// Installs it where it is not installed yet (a minute or two), and runs the tests of logs with it.
pub(crate) fn inspect() -> Result<(), Failure> {
    let folder = place::root().join("target/inspect");
    let python = folder.join("bin/python").to_string_lossy().into_owned();
    Program::new("python3").args(["-m", "venv", &folder.to_string_lossy()]).run()?;
    Program::new(&python).args(["-m", "pip", "install", "--quiet", VERSION]).run()?;
    let cargo = Program::cargo().args(["test", "--test", "it", "--", "--nocapture", "inspect::"]);
    cargo.variable("SCYLLA_INSPECT", &python).run()
}
