//! Errors as people see them: what failed with its path, why, and what to type.

use std::error::Error;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use crate::cli::exit::Exit;
use crate::config::mistake::Mistake;
use crate::engine::error::EngineError;
use crate::engine::image::{self, ImageError};
use crate::model::finding::FindingKind;
use crate::os::files::{self, FileError};
use crate::os::lock::LockError;
use crate::store::StoreError;
use crate::text::words::{shell_bytes, shell_word};
use crate::workspace::WorkspaceError;

/// A hint about where folders of experiments come from.
const ABOUT_EXPERIMENTS: &str =
    "`cargo scylla run FIXTURE` makes a folder for each experiment and names it; its `checkpoint.json` will do too";

/// Why a command failed.
#[derive(Debug)]
pub struct CliError {
    /// The exit code.
    pub exit: Exit,
    /// What failed, with its causes.
    pub error: Box<dyn Error>,
    /// What a person can do.
    pub hint: Option<String>,
}

impl CliError {
    /// An error of usage or configuration.
    pub fn usage(message: impl Into<String>) -> Self {
        Self { exit: Exit::Usage, error: message.into().into(), hint: None }
    }

    /// Any other error with its causes.
    pub fn internal(error: impl Error + 'static) -> Self {
        Self { exit: Exit::Internal, error: error.into(), hint: None }
    }

    /// Mistakes in files that a person wrote, all at once, one per line.
    #[must_use]
    pub fn mistakes(mistakes: &[Mistake]) -> Self {
        if let [only] = mistakes {
            return Self { hint: only.hint.clone(), ..Self::usage(only.to_string()) };
        }
        let lines: Vec<String> = mistakes
            .iter()
            .map(|mistake| match &mistake.hint {
                Some(hint) => format!("{mistake} ({hint})"),
                None => mistake.to_string(),
            })
            .collect();
        Self::usage(lines.join("\n"))
    }

    /// The same error with a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same error with a hint, if it has none of its own.
    #[must_use]
    pub fn or_hint(self, hint: &str) -> Self {
        if self.hint.is_some() { self } else { self.hint(hint) }
    }

    /// A stop by the named signal before the coordinator began, or in a command without one.
    #[must_use]
    pub fn stopped(exit: Exit, signal: &str, before: &str, command: &str) -> Self {
        let error = format!("stopped by {signal} {before}").into();
        Self { exit, error, hint: Some(format!("`{command}` goes on")) }
    }
}

/// The result of the engine's work on an experiment.
pub trait On<T> {
    /// Converts an error: adds its exit code and a hint for the experiment that people call `folder`.
    ///
    /// # Errors
    /// When it was an error before.
    fn on(self, folder: &str) -> Result<T, CliError>;
}

impl<T, E: Into<EngineError>> On<T> for Result<T, E> {
    fn on(self, folder: &str) -> Result<T, CliError> {
        self.map_err(|error| {
            let error = error.into();
            let (exit, hint) = advice(&error, &shell_word(folder));
            CliError { exit, error: error.into(), hint }
        })
    }
}

/// What a sandbox needs.
const FOR_A_SANDBOX: &str = "install the package `bubblewrap`, allow user namespaces, and name no other `--containment`; \
                             `--sandbox none` does without";

/// What limits of the machine's resources need.
const FOR_A_LIMIT: &str = "limits need control groups that this program may write: `systemd-run --user --scope -p Delegate=yes cargo scylla …` \
                           starts it in one of its own, and root may write them in most containers that are started with \
                           `--privileged --cgroupns=private`; or ask for no `memory`, `processes` or `processors` in `sandbox`";

/// The exit code and the hint for an engine's error.
fn advice(error: &EngineError, dir: &str) -> (Exit, Option<String>) {
    match error {
        EngineError::Lock(LockError::Locked(_)) => (Exit::Locked, Some(about_holder(dir))),
        EngineError::Lock(LockError::Io { path, error }) => advice_on_lock(path, error, dir),
        EngineError::AtWork(signs) => (Exit::Locked, Some(about_signs(signs.holder.pid))),
        EngineError::Elsewhere { host, mark, .. } => {
            let mark = shell_bytes(mark.as_os_str().as_bytes());
            let hint = format!(
                "end them with `cargo scylla repair` there; if `{host}` is gone or was started anew, nothing of it lives, \
                 and `rm {mark}` says so; nothing was changed"
            );
            (Exit::Locked, Some(hint))
        }
        EngineError::OtherForm { .. } => {
            (Exit::Usage, Some(format!("`cargo scylla resume {dir}` takes it over and goes on; nothing was changed")))
        }
        EngineError::Sandbox { .. }
        | EngineError::Containment(_)
        | EngineError::Limit(_)
        | EngineError::Image(_)
        | EngineError::NoImage => advice_on_sandbox(error),
        EngineError::Altered(_) => (
            Exit::Damaged,
            Some(format!("put the original files back; see what is wrong with `cargo scylla verify {dir}`")),
        ),
        EngineError::Fixture(_) => (
            Exit::Damaged,
            Some("`config/fixture` was changed after the start: put the original files back".to_owned()),
        ),
        EngineError::Unfit { findings, .. } => {
            let newer = findings.iter().any(|finding| finding.kind == FindingKind::NewerVersion);
            let hint = if newer {
                "a newer cargo-scylla wrote it: upgrade this one".to_owned()
            } else {
                format!("see all findings with `cargo scylla verify {dir}`; nothing was started or changed")
            };
            (Exit::Damaged, Some(hint))
        }
        EngineError::Cluster { cure, .. } => (
            Exit::Internal,
            Some(format!("{cure}; `cargo scylla resume {dir} --backend local` goes on without a cluster")),
        ),
        EngineError::Workspace(error) => advice_on_tree(error),
        EngineError::Store(StoreError::Claimed { .. }) => {
            (Exit::Locked, Some("wait for it, or stop it there; nothing of the run was changed".to_owned()))
        }
        EngineError::Store(StoreError::NotAnExperiment(_)) => (Exit::Usage, Some(ABOUT_EXPERIMENTS.to_owned())),
        EngineError::NotTaken { .. } => (
            Exit::Usage,
            Some("name the experiment's own fixture with `--tiers-dir DIR`; nothing was changed".to_owned()),
        ),
        EngineError::Store(StoreError::Inherited { .. }) => (
            Exit::Damaged,
            Some("put the original file back: what was taken over is not chosen a second time".to_owned()),
        ),
        EngineError::NotRegradedForeign => (Exit::Usage, Some(instead_of_regrade(dir))),
        EngineError::NotRegraded(_) => (
            Exit::Usage,
            Some("another task or setup is measured by an experiment of its own; nothing was changed".to_owned()),
        ),
        EngineError::NotPlanned(_) => {
            (Exit::Usage, Some(format!("`cargo scylla status {dir} --by subtest` shows the plan; nothing was changed")))
        }
        EngineError::NotMade { is_damaged, .. } => advice_on_run(*is_damaged, dir),
        EngineError::Growth(_) | EngineError::Composition { .. } => (Exit::Usage, None),
        EngineError::Store(error) => advice_on_refusal(error.cure()),
        EngineError::Lock(_) | EngineError::Signals(_) | EngineError::Orphans(_) | EngineError::WorkerLost => {
            (Exit::Internal, None)
        }
    }
}

/// The exit code and the hint for what is to hold agents, or keep them to their tree, and is not had here.
fn advice_on_sandbox(error: &EngineError) -> (Exit, Option<String>) {
    match error {
        EngineError::Sandbox { .. } => (Exit::Usage, Some(FOR_A_SANDBOX.to_owned())),
        EngineError::Containment(probe) => (Exit::Usage, Some(probe.hint.to_owned())),
        EngineError::Limit(_) => (Exit::Usage, Some(FOR_A_LIMIT.to_owned())),
        EngineError::Image(error) => {
            if let ImageError::Files(error) = error {
                return advice_on_refusal(error.cure());
            }
            (Exit::Usage, Some(image::hint(error)))
        }
        _ => (Exit::Internal, None),
    }
}

/// What can be done about an experiment that a program that takes no lock seems to work on; 0 where its number is not known.
fn about_signs(pid: u32) -> String {
    match pid {
        0 => "if it is dead, try again in two minutes; nothing was changed".to_owned(),
        pid => format!("wait until it ends, or stop it with `kill -INT {pid}`; nothing was changed"),
    }
}

/// What can be done about an experiment that another coordinator holds.
fn about_holder(dir: &str) -> String {
    format!("wait for it, look at it with `cargo scylla status {dir}`, or stop it with `cargo scylla stop {dir}`")
}

/// The exit code and the hint for a single run that cannot be made.
fn advice_on_run(is_damaged: bool, dir: &str) -> (Exit, Option<String>) {
    let (exit, hint) = if is_damaged {
        (Exit::Damaged, format!("see what is wrong with `cargo scylla verify {dir}`"))
    } else {
        (Exit::Incomplete, format!("`cargo scylla resume {dir}` goes on with the experiment"))
    };
    (exit, Some(format!("{hint}; nothing was changed")))
}

/// The exit code and the hint for a lock that cannot be taken.
fn advice_on_lock(path: &Path, error: &io::Error, dir: &str) -> (Exit, Option<String>) {
    match error.kind() {
        // Whatever is there, no coordinator holds it.
        io::ErrorKind::InvalidInput => {
            let lock = shell_bytes(path.as_os_str().as_bytes());
            (
                Exit::Damaged,
                Some(format!("`mv {lock} {lock}.aside` makes room for the lock; nothing was started or changed")),
            )
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            let hint = format!(
                "who goes on with an experiment must be able to write its folder: go on with a copy of it; `cargo scylla \
                 status {dir}`, `cargo scylla verify {dir}` and `cargo scylla repair {dir} --dry-run` only read"
            );
            (Exit::Usage, Some(hint))
        }
        _ => advice_on_refusal(files::cure(error)),
    }
}

/// The exit code and the hint for what the system refuses: if a person can change that, it is no internal error. `cure` is what
/// a person can do.
fn advice_on_refusal(cure: Option<&'static str>) -> (Exit, Option<String>) {
    (if cure.is_some() { Exit::Usage } else { Exit::Internal }, cure.map(str::to_owned))
}

/// The hint when finished work cannot be graded again.
fn instead_of_regrade(dir: &str) -> String {
    format!(
        "`cargo scylla rerun {dir} --run T0/00/1` makes named runs anew, under the fixture that it has; `cargo scylla run --fresh` \
         measures the mended fixture; nothing was changed"
    )
}

/// The exit code and the hint for an error with a tree: if a person named a wrong repository, commit or place, or has no git, it
/// is a usage error.
fn advice_on_tree(error: &WorkspaceError) -> (Exit, Option<String>) {
    (if error.is_mistake() { Exit::Usage } else { Exit::Internal }, error.hint().map(str::to_owned))
}

impl From<StoreError> for CliError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotAnExperiment(_) => {
                Self { exit: Exit::Usage, ..Self::internal(error) }.hint(ABOUT_EXPERIMENTS)
            }
            error => {
                let (exit, hint) = advice_on_refusal(error.cure());
                Self { exit, error: error.into(), hint }
            }
        }
    }
}

impl From<FileError> for CliError {
    fn from(error: FileError) -> Self {
        let (exit, hint) = advice_on_refusal(error.cure());
        Self { exit, error: error.into(), hint }
    }
}

impl From<WorkspaceError> for CliError {
    fn from(error: WorkspaceError) -> Self {
        let (exit, hint) = advice_on_tree(&error);
        Self { exit, error: error.into(), hint }
    }
}

impl From<io::Error> for CliError {
    fn from(error: io::Error) -> Self {
        let (exit, hint) = advice_on_refusal(files::cure(&error));
        Self { exit, error: error.into(), hint }
    }
}

/// A path for people, relative to the current folder where that is shorter, in a form that no command takes for a flag.
#[must_use]
pub fn shown(path: &Path, current: &Path) -> String {
    let below = path.strip_prefix(current).unwrap_or(path).display().to_string();
    match below.chars().next() {
        None => ".".to_owned(),
        Some('-') => format!("./{below}"),
        Some(_) => below,
    }
}
