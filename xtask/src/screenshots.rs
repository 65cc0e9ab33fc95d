//! Pictures of the report's page in a browser, for people who judge how it looks; alone, as every task is.

use crate::failure::Failure;
use crate::program::Program;
use crate::{place, say};

/// Takes them.
pub(crate) fn screenshots() -> Result<(), Failure> {
    let folder = place::root().join("target/screenshots");
    let cargo = Program::cargo().args(["test", "--test", "it", "--", "--nocapture", "browser::"]);
    cargo.variable("SCYLLA_SCREENSHOTS", &folder.to_string_lossy()).run()?;
    say::line(&folder.display().to_string());
    Ok(())
}
