//! The checks stage: the fixture's own commands, and their exit codes as facts.

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::time::Duration;

use crate::engine::reach::Reach;
use crate::engine::worker::stages::{Halt, Work};
use crate::engine::worker::workplace::Program;
use crate::model::outcome::{FailureKind, Stage};
use crate::model::program::FIXTURE_COPY;
use crate::model::result::{CheckResult, ChecksResult};
use crate::model::task::CheckSpec;
use crate::os::files;
use crate::os::process::{End, Overflow, View};
use crate::store::work::WorkFolder;

/// A check that was carried out, or that does not apply.
pub(super) struct Checked {
    pub(super) result: CheckResult,
    /// Whether it does not apply because of this machine, whatever the tree holds.
    pub(super) by_machine: bool,
}

/// Something that a check needs and that is missing.
struct MissingNeed {
    why: String,
    by_machine: bool,
}

impl Work<'_> {
    /// Runs every check in the graded tree.
    pub(in crate::engine) fn checks(&mut self) -> Result<ChecksResult, Halt> {
        self.enter(Stage::Checks, None)?;
        let place = self.place;
        let mut checked = Vec::new();
        if !place.grader.fixture.checks.is_empty() {
            let graded = self.graded_tree()?;
            for check in &place.grader.fixture.checks {
                checked.push(self.check(check, &check.name, &graded)?);
            }
            self.remove(graded);
        }
        let checks = self.compare_with_baseline(checked)?;
        let result = ChecksResult { checks, ..ChecksResult::default() };
        self.must_hold()?;
        self.graded_store.write_checks(&result)?;
        Ok(result)
    }

    /// Carries out one check in the tree of a work folder.
    pub(super) fn check(&self, check: &CheckSpec, log: &str, work: &WorkFolder) -> Result<Checked, Halt> {
        let mut environment = self.place.reach.environment(&self.place.inherited, &self.place.config.environment);
        let path = environment.get(OsStr::new("PATH")).map(OsString::as_os_str);
        if let Some(missing) = missing(check, &self.place.reach, path, &work.workspace()) {
            let result = CheckResult {
                name: check.name.clone(),
                passed: false,
                exit_code: None,
                timed_out: false,
                duration_seconds: 0.0,
                not_applicable: Some(missing.why),
                no_longer_applies: None,
                before: None,
                exceeded: None,
                output_truncated: false,
            };
            return Ok(Checked { result, by_machine: missing.by_machine });
        }
        environment.insert(FIXTURE_COPY.into(), self.place.grader.folder.clone().into());
        let door = self.door(None, &self.graded.checks_connections())?;
        if let Some(door) = &door {
            door.lead(&mut environment);
        }
        let ended = self.contained(
            Program {
                door: Self::doorway(door.as_ref())?,
                argv: check.run.words().into_iter().map(OsString::from).collect(),
                environment,
                tree: work.workspace(),
                stdin: None,
                stdout: self.graded.check_log(log),
                stderr: self.graded.check_log(&format!("{log}.stderr")),
                wall: Duration::from_secs(check.timeout_seconds),
                no_progress: None,
                overflow: Overflow::Cut,
                watch: None,
                views: vec![
                    View::ReadOnly(self.place.folder.root().to_owned()),
                    View::Hidden(self.place.work.path().to_owned()),
                    View::Writable(work.workspace()),
                ],
                own: Some(work.own()),
            },
            FailureKind::Checks,
        );
        let ended = ended.map_err(|halt| halt.of(&format!("check `{}`", check.name)))?;
        Self::close(door, &ended)?;
        let exit_code = match ended.end {
            End::Exited(code) => Some(code),
            End::Signaled(_) | End::TimedOut | End::NoProgress | End::OutputLimit | End::Watched | End::Stopped => None,
        };
        if ended.output_truncated {
            let most = self.place.config.output_limit_bytes;
            self.notice(&format!("the output of the check `{}` was cut after {most} bytes", check.name));
        }
        let exceeded = self.memory_exceeded(&ended);
        let result = CheckResult {
            name: check.name.clone(),
            passed: exit_code == Some(0),
            exit_code,
            timed_out: ended.end == End::TimedOut,
            duration_seconds: ended.duration.as_secs_f64(),
            not_applicable: exit_code
                .filter(|code| exceeded.is_none() && check.not_applicable.contains(code))
                .map(|code| format!("it ended with exit code {code}")),
            no_longer_applies: None,
            before: None,
            exceeded,
            output_truncated: ended.output_truncated,
        };
        Ok(Checked { result, by_machine: false })
    }
}

/// The first thing that a check needs and does not have.
fn missing(check: &CheckSpec, reach: &Reach, path: Option<&OsStr>, tree: &Path) -> Option<MissingNeed> {
    check.needs.iter().find_map(|need| match need.strip_prefix("./") {
        // When it cannot be determined, the check runs and finds out by itself.
        Some(below) => matches!(files::kind_of(&tree.join(below)), Ok(None))
            .then(|| MissingNeed { why: format!("there is no `{below}`"), by_machine: false }),
        None => (!reach.finds(OsStr::new(need), path))
            .then(|| MissingNeed { why: format!("`{need}` is not installed"), by_machine: true }),
    })
}
