//! Pictures of the report's page in a browser, for people who judge how it looks; alone, as every task is.

use std::fs;

use crate::failure::Failure;
use crate::program::Program;
use crate::{place, say};

/// Takes them.
pub(crate) fn screenshots() -> Result<(), Failure> {
    let folder = place::root().join("target/screenshots");
    let cargo = Program::cargo().args(["test", "--test", "it", "--", "--nocapture", "browser::"]);
    cargo.variable("SCYLLA_SCREENSHOTS", &folder.to_string_lossy()).run()?;
    // The picture at the top of the README.
    let picture = place::root().join("docs/images/report.png");
    let copied = fs::copy(folder.join("readme.png"), &picture);
    copied.map_err(|source| Failure::File { act: "write", path: picture, source })?;
    say::line(&folder.display().to_string());
    Ok(())
}
