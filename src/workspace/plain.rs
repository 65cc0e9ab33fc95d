//! A second tree of the same files without repositories and anything odd; alone, because two ways to capture use it.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use super::error::{WorkspaceError, failed};
use crate::os::files::{self, Folder, Kind, LinkBounds};

/// Limits within which git can handle any tree.
const BOUNDS: LinkBounds = LinkBounds { entries: 500_000, depth: 300, path: 3500 };

/// Makes it in the folder `plain`, which must not exist yet; gives what could not be linked.
pub(super) fn link(workspace: &Path, plain: &Path) -> Result<Vec<PathBuf>, WorkspaceError> {
    fs::create_dir_all(plain).map_err(failed("make", plain))?;
    let opened = Folder::open(workspace).map_err(|error| failed("read", workspace)(error.error))?;
    let found = opened.ok_or_else(|| WorkspaceError::NotAFolder { path: workspace.to_owned() })?;
    let of_git = |name: &OsStr, kind| {
        name.eq_ignore_ascii_case(".git") || kind == Kind::Link && name.eq_ignore_ascii_case(".gitmodules")
    };
    let mut left_out = Vec::new();
    files::link_tree(&found, plain, BOUNDS, &of_git, &mut |place| left_out.push(place.to_owned()))
        .map_err(|error| failed("copy", workspace)(error.error))?;
    Ok(left_out)
}
