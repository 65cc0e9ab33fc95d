//! Captures what changed in a workspace, as a patch.

use std::fs;
use std::path::Path;

use super::error::{WorkspaceError, failed};
use super::patch::diff;
use super::prepare::Baseline;
use super::thin;
use crate::os::tool::ToolError;

pub use super::patch::Captured;

/// Captures the differences between the baseline and the contents of `workspace`.
///
/// No process of the run may be alive. The workspace's `.git` is never read and nothing that the agent planted is
/// executed: git works with the baseline's objects, with an index and an object folder in `private`, which is made if
/// needed. Files that the tree's `.gitignore` excludes are captured only when a pattern of `include` matches them, also
/// in nested repositories, which are captured as plain files. Empty folders are not captured. Files and folders that
/// cannot be read are made readable for their owner.
///
/// A tree that cannot be captured as it is, for whatever reason, is captured without the parts that prevent it, as far
/// as possible.
///
/// # Errors
/// When git or the file system fails, or even the rest cannot be captured.
pub fn capture(
    workspace: &Path,
    private: &Path,
    baseline: &Baseline,
    include: &[String],
) -> Result<Captured, WorkspaceError> {
    let workspace = super::absolute(workspace)?;
    let scratch = super::absolute(private)?.join("capture");
    super::remove_folder(&scratch)?;
    fs::create_dir_all(&scratch).map_err(failed("make", &scratch))?;
    let there = fs::symlink_metadata(&workspace).is_ok_and(|found| found.is_dir());
    let captured = if there {
        match diff(&workspace, &scratch.join("whole"), baseline, include) {
            Err(error) if !is_ours(&error) => thin::capture(&workspace, &scratch, baseline, include),
            captured => captured,
        }
    } else {
        let empty = scratch.join("empty");
        fs::create_dir(&empty).map_err(failed("make", &empty))?;
        diff(&empty, &scratch.join("whole"), baseline, &[]).map(|captured| Captured { gone: true, ..captured })
    };
    super::remove_folder(&scratch)?;
    captured
}

/// Whether an error cannot be caused by a tree.
fn is_ours(error: &WorkspaceError) -> bool {
    matches!(error, WorkspaceError::Tool { source: ToolError::NotInstalled { .. }, .. })
}
