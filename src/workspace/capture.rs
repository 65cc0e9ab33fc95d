//! What changed in a workspace, as a patch.

use std::fs;
use std::path::Path;

use super::error::{WorkspaceError, failed};
use super::prepare::Baseline;
use super::taken::take;
use super::thin;
use crate::os::tool::ToolError;

pub use super::taken::Captured;

/// Takes what differs between the baseline and what lies in `workspace`.
///
/// Nothing of the run may be alive. No byte of the workspace's `.git` is read and nothing that the agent planted is
/// executed: git works with the baseline's objects, with an index and an object folder in `private`, which is made if it
/// is not there. Files that the tree's `.gitignore` names are taken where a pattern of `include` names them too, and else not, in
/// nested repositories as well, which are taken as plain files; empty folders are not. Files and folders that nobody may read are made readable for their owner.
///
/// A tree that cannot be taken as it is, whatever is odd in it, is taken without that, as far as it goes.
///
/// # Errors
/// When git or the file system fails, or even the rest cannot be taken.
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
        match take(&workspace, &scratch.join("whole"), baseline, include) {
            Err(error) if !is_ours(&error) => thin::capture(&workspace, &scratch, baseline, include),
            taken => taken,
        }
    } else {
        let empty = scratch.join("empty");
        fs::create_dir(&empty).map_err(failed("make", &empty))?;
        take(&empty, &scratch.join("whole"), baseline, &[]).map(|captured| Captured { gone: true, ..captured })
    };
    super::remove_folder(&scratch)?;
    captured
}

/// Whether no tree can be the cause.
fn is_ours(error: &WorkspaceError) -> bool {
    matches!(error, WorkspaceError::Tool { source: ToolError::NotInstalled { .. }, .. })
}
