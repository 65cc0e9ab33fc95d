//! The tree that a run was graded on, rebuilt from the experiment's folder.

use std::fs;
use std::path::Path;

use super::assemble::make_empty_folder;
use super::error::{WorkspaceError, failed};
use super::git::Git;
use super::prepare::prepare;
use crate::model::ids::{SubtestId, TierId};

/// Makes the folder `to` with the subtest's baseline and the uncommitted patch on top of it.
///
/// # Errors
/// When `to` is not empty, the patch does not apply, or git or the file system fails. Then `to` is empty or gone.
pub fn checkout(
    repo_git: &Path,
    tier: TierId,
    subtest: SubtestId,
    patch: &Path,
    to: &Path,
) -> Result<(), WorkspaceError> {
    make_empty_folder(to)?;
    let made = prepare(repo_git, to, tier, subtest).and_then(|_| apply(to, patch));
    if made.is_err() {
        super::remove_folder(to)?;
    }
    made
}

/// Applies a patch to a workspace in which no agent has worked.
///
/// # Errors
/// When the patch cannot be read or does not apply.
pub fn apply(workspace: &Path, patch: &Path) -> Result<(), WorkspaceError> {
    let patch = super::absolute(patch)?;
    let workspace = super::absolute(workspace)?;
    if fs::metadata(&patch).map_err(failed("read", &patch))?.len() == 0 {
        return Ok(());
    }
    Git::new(&workspace, &[], &["apply", "--binary", "--whitespace=nowarn"])
        .arg(patch)
        .variable("GIT_WORK_TREE", &workspace)
        .run()
        .map(|_| ())
}
