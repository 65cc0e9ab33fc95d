//! The checks stage: the fixture's own commands, and their exit codes as facts.

use std::ffi::OsString;
use std::time::Duration;

use crate::engine::failure::storage;
use crate::engine::stages::{Halt, Work};
use crate::engine::workplace::Program;
use crate::model::outcome::{FailureKind, Stage};
use crate::model::result::{CheckResult, ChecksResult};
use crate::model::task::CheckSpec;
use crate::os::process::{End, View};

impl Work<'_> {
    /// Runs every check in the graded tree.
    pub(in crate::engine) fn checks(&mut self) -> Result<ChecksResult, Halt> {
        self.enter(Stage::Checks, None)?;
        self.graded_tree()?;
        let place = self.place;
        let checks = place.fixture.checks.iter().map(|check| self.check(check)).collect::<Result<_, _>>()?;
        let result = ChecksResult { checks };
        self.store.write_checks(&result).map_err(|error| storage(&error))?;
        Ok(result)
    }

    fn check(&self, check: &CheckSpec) -> Result<CheckResult, Halt> {
        let mut environment = self.environment();
        environment.insert("SCYLLA_FIXTURE".into(), self.place.folder.fixture().into());
        let ended = self.contained(
            Program {
                argv: check.run.words().into_iter().map(OsString::from).collect(),
                environment,
                stdin: None,
                stdout: self.folder.check_log(&check.name),
                stderr: self.folder.check_log(&format!("{}.stderr", check.name)),
                wall: Duration::from_secs(check.timeout_seconds),
                no_progress: None,
                views: vec![
                    View::ReadOnly(self.place.folder.root().to_owned()),
                    View::Writable(self.folder.workspace()),
                ],
            },
            FailureKind::Checks,
        )?;
        let exit_code = match ended.end {
            End::Exited(code) => Some(code),
            End::Signaled(_) | End::TimedOut | End::NoProgress | End::OutputLimit | End::Stopped => None,
        };
        Ok(CheckResult {
            name: check.name.clone(),
            passed: exit_code == Some(0),
            exit_code,
            timed_out: ended.end == End::TimedOut,
            duration_seconds: ended.duration.as_secs_f64(),
        })
    }
}
