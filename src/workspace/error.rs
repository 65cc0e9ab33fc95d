//! What can go wrong with a tree, and what to do about it.

use std::io;
use std::path::{Path, PathBuf};

use crate::model::ids::{SubtestId, TierId};
use crate::os::files::{self, FileError};
use crate::os::tool::ToolError;

/// Why a tree could not be made or read.
#[derive(Debug, thiserror::Error)]
pub enum WorkspaceError {
    /// git failed.
    #[error("`{command}` failed in {}: {message}", folder.display())]
    Git {
        /// The command without our settings.
        command: String,
        /// The folder in which it worked.
        folder: PathBuf,
        /// git's own message.
        message: String,
    },
    /// git did not run to its end.
    #[error("`{command}` failed in {}", folder.display())]
    Tool {
        /// The command without our settings.
        command: String,
        /// The folder in which it should have worked.
        folder: PathBuf,
        /// The error.
        source: ToolError,
    },
    /// A file or folder could not be read or written.
    #[error("cannot {tried} {}", path.display())]
    File {
        /// What was tried, as a verb.
        tried: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The folder for temporary files cannot be used.
    #[error(transparent)]
    Temporary(#[from] FileError),
    /// `source.repo` of the fixture is neither a URL nor a path below the fixture.
    #[error("there is no repository `{repo}`{}", beside(repo, fixture))]
    NoRepository {
        /// The repository, as the fixture names it.
        repo: String,
        /// The fixture's folder.
        fixture: PathBuf,
    },
    /// The fixture's repository does not have the commit.
    #[error("the {}repository `{repo}` has no commit `{hash}`: {message}", if *is_shallow { "shallow " } else { "" })]
    NoCommit {
        /// The repository, as the fixture names it.
        repo: String,
        /// The commit, as the fixture names it.
        hash: String,
        /// git's own message.
        message: String,
        /// Whether its history is cut off.
        is_shallow: bool,
    },
    /// `repo.git` has lost its base.
    #[error("{} has no base", repo_git.display())]
    NoBase {
        /// The experiment's repository.
        repo_git: PathBuf,
    },
    /// The subtest has no baseline in `repo.git`.
    #[error("{} has no baseline of {tier}/{subtest}", repo_git.display())]
    NoBaseline {
        /// The experiment's repository.
        repo_git: PathBuf,
        /// The subtest's tier.
        tier: TierId,
        /// The subtest.
        subtest: SubtestId,
    },
    /// The tree is larger than can be kept.
    #[error("{} changed by more than {} MiB", path.display(), most >> 20)]
    TooLarge {
        /// The workspace.
        path: PathBuf,
        /// The limit in bytes.
        most: u64,
    },
    /// The tree has too many places that git cannot keep or that are repositories of their own.
    #[error("{} has more than {most} nested repositories and special files", path.display())]
    TooOdd {
        /// The workspace.
        path: PathBuf,
        /// The limit.
        most: usize,
    },
    /// A new tree would be mixed with existing files.
    #[error("`{}` is there and is no empty folder", path.display())]
    Occupied {
        /// The place.
        path: PathBuf,
    },
    /// A workspace is not a folder.
    #[error("`{}` is not a folder", path.display())]
    NotAFolder {
        /// The place.
        path: PathBuf,
    },
}

/// The folder to which a relative path of a repository refers.
fn beside(repo: &str, fixture: &Path) -> String {
    if repo.starts_with('/') { String::new() } else { format!(" in {}", fixture.display()) }
}

/// Whether git says that there is no room; it has words of its own beside those of the system.
fn is_full(message: &str) -> bool {
    ["No space left on device", "Disk quota exceeded", "Out of diskspace"].iter().any(|words| message.contains(words))
}

impl WorkspaceError {
    /// Whether a person named something wrongly, or something is missing or refused here that a person can change.
    #[must_use]
    pub fn is_mistake(&self) -> bool {
        match self {
            Self::NoRepository { .. }
            | Self::NoCommit { .. }
            | Self::Occupied { .. }
            | Self::Tool { source: ToolError::NotInstalled { .. }, .. } => true,
            Self::Tool { source: ToolError::Output { source, .. }, .. } | Self::File { source, .. } => {
                files::cure(source).is_some()
            }
            Self::Temporary(error) => error.cure().is_some(),
            Self::Git { message, .. } => is_full(message),
            _ => false,
        }
    }

    /// What a person can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Tool { source: ToolError::NotInstalled { .. }, .. } => Some("install git 2.36 or newer"),
            Self::Git { message, .. } if is_full(message) => files::cure(&io::ErrorKind::StorageFull.into()),
            Self::Git { command, message, .. } if command.starts_with("git fetch") && message.contains("promisor") => {
                Some(
                    "the repository is a partial clone, and its own remote does not give what it lacks: name that remote as \
                 `source.repo`, or run `git fetch --refetch --no-filter` in the clone",
                )
            }
            Self::Git { command, .. } if command.starts_with("git fetch") => {
                Some("run the same `git fetch` by hand; passwords are never asked for, so credentials must be set up")
            }
            Self::Git { command, .. } if command.starts_with("git apply") => {
                Some("`cargo scylla verify` says whether the patch or `repo.git` was altered")
            }
            Self::NoRepository { .. } => Some("`source.repo` is a git URL, or a path relative to the fixture's folder"),
            Self::NoCommit { is_shallow: true, .. } => Some(
                "the repository is a shallow clone: run `git fetch --unshallow` in it, or name a commit that it has",
            ),
            Self::NoCommit { .. } => {
                Some("`source.hash` is a whole commit id that a branch or tag of the repository has")
            }
            Self::NoBase { .. } | Self::NoBaseline { .. } => {
                Some("`repo.git` is made when an experiment starts; was it changed since?")
            }
            Self::TooLarge { .. } => Some("name build products in the task's `.gitignore`: ignored files are not kept"),
            Self::Tool { source: ToolError::Output { source, .. }, .. } | Self::File { source, .. } => {
                files::cure(source)
            }
            Self::Temporary(error) => error.cure(),
            Self::Occupied { .. } => Some("name a folder that does not exist yet"),
            _ => None,
        }
    }
}

/// Turns an I/O error into one that names what was tried with which path.
pub(super) fn failed(tried: &'static str, path: &Path) -> impl FnOnce(io::Error) -> WorkspaceError {
    move |source| WorkspaceError::File { tried, path: path.to_owned(), source }
}
