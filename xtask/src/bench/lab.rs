//! Where it is measured: a folder on the file system of the build, removed at the end, and the program under test.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::failure::Failure;

/// The smallest fixture that goes through every stage. `AGENT` stands for the subtest's agent.
const FIXTURE: [(&str, &str); 6] = [
    (
        "test.yaml",
        "id: bench\nname: Bench\ndescription: Nothing is to be done.\nlanguage: shell\n\
         task: {prompt_file: prompt.md, timeout_seconds: 60}\n\
         checks:\n  - {name: ends, command: [\"true\"], timeout_seconds: 60}\n\
         validation: {criteria_file: expected/criteria.md, rubric_file: expected/rubric.yaml}\ntiers: [T0]\n",
    ),
    ("prompt.md", "Do nothing.\n"),
    ("expected/criteria.md", "The check ends.\n"),
    (
        "expected/rubric.yaml",
        "requirements:\n  - {id: R001, description: The check ends., weight: 1.0, evaluation: binary, rests_on: ends}\n\
         grading: {pass_threshold: 0.7}\n",
    ),
    ("source/README.md", "# Nothing\n\nThere is nothing to do here.\n"),
    ("tiers/T0/00-agent.yaml", "name: Agent\ndescription: Ends at once.\nagent: AGENT\n"),
];

/// An agent that exits at once.
pub(super) const EXITS: &str = "{kind: command, command: [\"true\"]}";
/// No agent at all.
pub(super) const NOBODY: &str = "{kind: nop}";

/// Where it is measured.
#[derive(Debug)]
pub(super) struct Lab {
    pub(super) quick: bool,
    folder: TempDir,
    program: PathBuf,
}

impl Lab {
    pub(super) fn new(quick: bool) -> Result<Self, Failure> {
        let release = super::release();
        let beside = release.parent().unwrap_or(&release);
        let folder = tempfile::Builder::new().prefix("bench-").tempdir_in(beside);
        let folder = folder.map_err(Failure::file("make a folder in", beside))?;
        Ok(Self { quick, folder, program: release.join("cargo-scylla") })
    }

    /// A place in the folder.
    pub(super) fn place(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// One number for a thorough measurement, another for a quick one.
    pub(super) fn pick<T>(&self, thorough: T, quick: T) -> T {
        if self.quick { quick } else { thorough }
    }

    /// The program under test, silent.
    pub(super) fn program(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.arg("scylla").stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    /// The fixture with this agent, made when it is not there.
    pub(super) fn fixture(&self, name: &str, agent: &str) -> Result<PathBuf, Failure> {
        let folder = self.place(name);
        for (path, text) in FIXTURE {
            let path = folder.join(path);
            let parent = path.parent().unwrap_or(&folder);
            fs::create_dir_all(parent).map_err(Failure::file("make", parent))?;
            fs::write(&path, text.replace("AGENT", agent)).map_err(Failure::file("write", &path))?;
        }
        Ok(folder)
    }

    /// A command that runs a new experiment of a fixture, whose results go into an own folder.
    pub(super) fn experiment(
        &self,
        fixture: &Path,
        results: &Path,
        runs: u32,
        jobs: u32,
        containment: &str,
    ) -> Command {
        let mut command = self.program();
        command.arg("run").arg("--tiers-dir").arg(fixture).arg("--results-dir").arg(results);
        command.args(["--fresh", "--quiet", "--containment", containment]);
        command.arg("--runs").arg(runs.to_string()).arg("--jobs").arg(jobs.to_string());
        command
    }
}

/// The one experiment in a results folder.
pub(super) fn only_experiment(results: &Path) -> Result<PathBuf, Failure> {
    let read = |error| Failure::file("read", results)(error);
    let entry = fs::read_dir(results).map_err(read)?.next();
    let entry = entry.unwrap_or_else(|| Err(std::io::Error::other("there is no experiment"))).map_err(read)?;
    Ok(entry.path())
}
