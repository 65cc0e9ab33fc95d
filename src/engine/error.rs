//! Why a session cannot begin or go on.

use std::path::PathBuf;

use crate::config::mistake::Mistake;
use crate::engine::image::ImageError;
use crate::model::finding::Finding;
use crate::model::ids::{RunId, SubtestId, TierId};
use crate::model::outcome::{Failure, FailureKind};
use crate::model::survey::{MadeBy, Signs};
use crate::os::files::FileError;
use crate::os::lock::LockError;
use crate::os::process::{LimitError, ProbeError};
use crate::setup::compose::CompositionFault;
use crate::store::StoreError;
use crate::workspace::WorkspaceError;

/// Why a session cannot begin or go on.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// Another coordinator holds the experiment, or the lock cannot be taken.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The folder cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The task's repository cannot be made.
    #[error(transparent)]
    Workspace(#[from] WorkspaceError),
    /// The containment that was asked for does not work here.
    #[error(transparent)]
    Containment(#[from] ProbeError),
    /// A limit that was asked for cannot be had here.
    #[error(transparent)]
    Limit(#[from] LimitError),
    /// The sandbox that was asked for cannot be had here.
    #[error("a sandbox needs bubblewrap, and runs are contained by `{containment}` here")]
    Sandbox {
        /// What they are contained by.
        containment: &'static str,
    },
    /// The image that agents and checks were to work in cannot be had.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// An image was asked for, and nobody made it ready.
    #[error("the image that agents and checks work in was not made ready")]
    NoImage,
    /// Signals cannot be listened to.
    #[error("signals cannot be listened to")]
    Signals(#[source] std::io::Error),
    /// A run was left unfinished on a machine that cannot be checked from here, and its processes may still work on it.
    #[error(
        "{run} was left unfinished on `{host}`, which cannot be looked at from here, and its processes may still work on it"
    )]
    Elsewhere {
        /// The run.
        run: RunId,
        /// The machine.
        host: String,
        /// The file that identifies the processes.
        mark: PathBuf,
    },
    /// The cluster on which workers are to run cannot be used.
    #[error("the cluster cannot be used: {why}")]
    Cluster {
        /// What is wrong.
        why: String,
        /// What is to be done, as the beginning of a sentence.
        cure: &'static str,
    },
    /// Processes of a dead coordinator cannot be ended.
    #[error("processes of a dead coordinator cannot be ended")]
    Orphans(#[source] std::io::Error),
    /// The plan would not grow by what was asked for.
    #[error("the experiment cannot be extended: {0}")]
    Growth(String),
    /// Runs were named that are not in the plan.
    #[error("the plan has no {}", .0.iter().map(|run| format!("`{run}`")).collect::<Vec<_>>().join(", "))]
    NotPlanned(Vec<RunId>),
    /// A single run cannot be carried out now.
    #[error("{run} is not made: {why}")]
    NotMade {
        /// The run.
        run: RunId,
        /// Why not.
        why: String,
        /// Whether something of it is damaged.
        is_damaged: bool,
    },
    /// Finished work cannot be graded again in this way.
    #[error("the experiment cannot be graded again: {0}")]
    NotRegraded(String),
    /// Finished work of another runner cannot be graded again.
    #[error(
        "nothing is graded again: the experiment was taken over from another tool, whose runs keep no patch from which a \
         tree could be made, and numbers never mix gradings"
    )]
    NotRegradedForeign,
    /// A copy of the fixture was altered while runs were made from it.
    #[error("`{0}` was altered while runs were made by it")]
    Altered(String),
    /// The experiment's copy of its fixture does not load.
    #[error("the experiment's copy of its fixture has mistakes: {}", list(.0))]
    Fixture(Vec<Mistake>),
    /// The folder has findings under which the experiment cannot go on.
    #[error("{} cannot be resumed: {}", folder.display(), findings.iter().map(|finding| format!("{}: {}", finding.place, finding.message)).collect::<Vec<_>>().join("; "))]
    Unfit {
        /// The experiment's folder.
        folder: PathBuf,
        /// What is wrong with it.
        findings: Vec<Finding>,
    },
    /// A subtest's setup cannot be composed.
    #[error("{tier}/{subtest} cannot be composed: {}", faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Composition {
        /// The subtest's tier.
        tier: TierId,
        /// The subtest.
        subtest: SubtestId,
        /// Everything that prevents it.
        faults: Vec<CompositionFault>,
    },
    /// A program that takes no lock seems to be working on the experiment.
    #[error("{}", .0.message)]
    AtWork(Signs),
    /// Another tool made the experiment, and it was not asked to take it over.
    #[error("`{}` is an experiment of {}'s runner (checkpoint {})", folder.display(), made_by.tool, made_by.version)]
    OtherForm {
        /// The experiment's folder.
        folder: PathBuf,
        /// Who made it.
        made_by: MadeBy,
    },
    /// The experiment of another tool cannot be taken over with the given arguments.
    #[error("`{}` cannot be taken over: {why}", folder.display())]
    NotTaken {
        /// The experiment's folder.
        folder: PathBuf,
        /// Why not.
        why: String,
    },
    /// A worker's thread ended without a report.
    #[error("a worker ended without a word; the runs of the others are committed")]
    WorkerLost,
}

fn list(mistakes: &[Mistake]) -> String {
    mistakes.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// An error with its causes, as one line.
pub(in crate::engine) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut message = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        message = format!("{message}: {cause}");
        source = cause.source();
    }
    message
}

/// The experiment's folder could not be read or written: the general kind of failure.
impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::new(FailureKind::Storage, with_causes(&error))
    }
}

/// The same for one file.
impl From<FileError> for Failure {
    fn from(error: FileError) -> Self {
        Self::new(FailureKind::Storage, with_causes(&error))
    }
}
