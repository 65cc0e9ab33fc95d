//! What changed in a workspace, as a patch.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::error::{WorkspaceError, failed};
use super::prepare::Baseline;
use super::stage::{Stage, Take};
use crate::model::limits::MOST_PATCH_BYTES;

/// What an agent did to its workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Captured {
    /// A patch for `git apply` on the baseline; empty when nothing changed.
    pub patch: Vec<u8>,
    /// Places below the workspace that no patch can hold: pipes, sockets, devices, and names such as `.GIT`.
    pub left_out: Vec<PathBuf>,
}

/// Takes what differs between the baseline and what lies in `workspace`.
///
/// Nothing of the run may be alive. No byte of the workspace's `.git` is read and nothing that the agent planted is
/// executed: git works with the baseline's objects, with an index and an object folder in `private`, which is made if it
/// is not there. Files that the tree's `.gitignore` names are not taken, empty folders neither; nested repositories are taken
/// as plain files. Files and folders that nobody may read are made readable for their owner.
///
/// # Errors
/// When the workspace is no folder, changed by too much, or git or the file system fails. A workspace that is gone is
/// an empty one: the agent may have deleted it.
pub fn capture(workspace: &Path, private: &Path, baseline: &Baseline) -> Result<Captured, WorkspaceError> {
    let workspace = super::absolute(workspace)?;
    let scratch = super::absolute(private)?.join("capture");
    match fs::symlink_metadata(&workspace) {
        Ok(found) if found.is_dir() => {}
        Ok(_) => return Err(WorkspaceError::NotAFolder { path: workspace }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            fs::create_dir_all(&workspace).map_err(failed("make", &workspace))?;
        }
        Err(error) => return Err(failed("read", &workspace)(error)),
    }
    super::remove_folder(&scratch)?;
    let objects = scratch.join("objects");
    fs::create_dir_all(&objects).map_err(failed("make", &objects))?;
    let index = scratch.join("index");
    let known: Vec<&Path> = baseline.objects.iter().map(PathBuf::as_path).collect();
    let stage = Stage { index: &index, objects: &objects, known: &known };
    match &baseline.index {
        Some(pristine) => pristine.write(&index)?,
        None => {
            stage.git(&workspace, &["read-tree"]).arg(&baseline.commit).run()?;
        }
    }
    let mut captured = Captured { patch: Vec::new(), left_out: Vec::new() };
    if let Some(left_out) = stage.take(&workspace, Take::Kept)? {
        let diff = [
            "diff-index",
            "--cached",
            "--patch",
            "--binary",
            "--full-index",
            "--no-ext-diff",
            "--no-textconv",
            "--no-color",
            "--no-renames",
            "--src-prefix=a/",
            "--dst-prefix=b/",
        ];
        captured.patch = stage
            .git(&workspace, &diff)
            .arg(&baseline.commit)
            .most_output(MOST_PATCH_BYTES)
            .run()
            .map_err(|error| too_large(error, &workspace))?;
        captured.left_out = left_out;
        captured.left_out.sort_unstable();
    }
    super::remove_folder(&scratch)?;
    Ok(captured)
}

fn too_large(error: WorkspaceError, workspace: &Path) -> WorkspaceError {
    match error {
        WorkspaceError::Tool { source: crate::os::tool::ToolError::TooMuch { .. }, .. } => {
            WorkspaceError::TooLarge { path: workspace.to_owned(), most: MOST_PATCH_BYTES }
        }
        other => other,
    }
}
