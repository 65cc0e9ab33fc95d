//! The differences between a baseline and one folder, as a patch.

use std::fs;
use std::path::{Path, PathBuf};

use super::error::{WorkspaceError, failed};
use super::git::GitDir;
use super::index::{Files, Index};
use super::plain;
use super::prepare::Baseline;
use crate::model::changes::Ignored;
use crate::model::limits::MOST_PATCH_BYTES;
use crate::os::tool::ToolError;

/// What an agent changed in its workspace.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Captured {
    /// A patch for `git apply` on the baseline; empty when nothing changed.
    pub patch: Vec<u8>,
    /// git's name for the baseline with the patch.
    pub tree: String,
    /// Files that the tree's `.gitignore` excludes.
    pub ignored: Ignored,
    /// Places below the workspace that no patch can hold (pipes, sockets, devices, and names such as `.GIT`), or that
    /// were too large.
    pub left_out: Vec<PathBuf>,
    /// Whether the folder is missing: the agent may have removed it, or put something else in its place.
    pub gone: bool,
}

/// Finds the differences between the baseline and the contents of a folder, with a scratch folder of ours.
pub(super) fn diff(
    folder: &Path,
    scratch: &Path,
    baseline: &Baseline,
    include: &[String],
) -> Result<Captured, WorkspaceError> {
    let objects = scratch.join("objects");
    fs::create_dir_all(&objects).map_err(failed("make", &objects))?;
    let file = scratch.join("index");
    let known: Vec<&Path> = baseline.objects.iter().map(PathBuf::as_path).collect();
    let git_dir = GitDir::seeing(&known)?;
    let index = Index { file: &file, objects: &objects, git_dir: &git_dir };
    match &baseline.index {
        Some(pristine) => pristine.write(&file)?,
        None => {
            index.git(folder, &["read-tree"]).arg(&baseline.commit).run()?;
        }
    }
    let mut added = index.add(folder, Files::NotIgnored)?;
    let mut captured = Captured::default();
    if added.ignores {
        // git does not look into a repository below another one; in a tree without repositories it looks everywhere.
        let plain = scratch.join("plain");
        let looked_at = if added.nested {
            added.left_out.extend(plain::link(folder, &plain)?);
            &plain
        } else {
            folder
        };
        added.changed |= index.include(looked_at, include, &mut added.left_out)?;
        captured.ignored = index.ignored(looked_at)?;
    }
    captured.left_out = added.left_out;
    captured.tree = index.git(folder, &["write-tree"]).line()?;
    if added.changed {
        let arguments = [
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
        captured.patch = index
            .git(folder, &arguments)
            .arg(&baseline.commit)
            .most_output(MOST_PATCH_BYTES)
            .run()
            .map_err(|error| too_large(error, folder))?;
    }
    captured.left_out.sort_unstable();
    captured.left_out.dedup();
    Ok(captured)
}

fn too_large(error: WorkspaceError, workspace: &Path) -> WorkspaceError {
    match error {
        WorkspaceError::Tool { source: ToolError::TooMuch { .. }, .. } => {
            WorkspaceError::TooLarge { path: workspace.to_owned(), most: MOST_PATCH_BYTES }
        }
        other => other,
    }
}
