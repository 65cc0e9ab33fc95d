//! The same work as a shell script under GNU parallel; alone, for the script lies beside it.

use std::path::Path;
use std::process::{Command, Stdio};

use super::child;
use crate::failure::Failure;

/// What a run does, as a person would script it: clone, agent, diff, check, and the same durable files one by one.
const SCRIPT: &str = include_str!("equal_run.sh");

/// Whether GNU parallel is installed.
pub(super) fn is_installed() -> bool {
    let version = Command::new("parallel").arg("--version").stderr(Stdio::null()).output();
    version.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).starts_with("GNU parallel"))
}

/// Does so many runs with so many jobs in a new folder; seconds. `template` is a run's folder of the product.
pub(super) fn runs(folder: &Path, repo: &Path, template: &Path, runs: u32, jobs: u32) -> Result<f64, Failure> {
    std::fs::create_dir_all(folder).map_err(Failure::file("make", folder))?;
    let mut command = Command::new("parallel");
    command.args(["--will-cite", "--jobs", &jobs.to_string(), "--joblog", "joblog"]);
    command.args(["sh", "-c", &quoted(SCRIPT), "run", "{}"]).arg(repo).arg(template);
    command.arg(":::").args((1..=runs).map(|number| number.to_string()));
    command.current_dir(folder).stdout(Stdio::null()).stderr(Stdio::null());
    Ok(child::timed(&mut command, &[0])?.seconds)
}

/// One word for the shell that GNU parallel starts.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', "'\\''"))
}
