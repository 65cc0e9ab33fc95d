//! Captures a tree that cannot be captured as it is: a second tree of the same files is made without what is odd, and
//! without the largest of its changed files when there is too much.

use std::fs;
use std::path::{Path, PathBuf};

use super::error::{WorkspaceError, failed};
use super::git::{GitDir, path_of};
use super::index::Index;
use super::patch::{Captured, diff};
use super::plain;
use super::prepare::Baseline;

/// Most bytes of changed files, for one try after the other: a patch may be several times as large.
const ROOM: [u64; 2] = [128 << 20, 16 << 20];

/// Captures as much of the tree as possible.
pub(super) fn capture(
    workspace: &Path,
    scratch: &Path,
    baseline: &Baseline,
    wanted: &[String],
) -> Result<Captured, WorkspaceError> {
    let plain = scratch.join("plain");
    let mut left_out = plain::link(workspace, &plain)?;
    let mut last = None;
    // The files that patterns include are left out if they make the tree too large.
    let tries = ROOM.map(|room| (room, wanted)).into_iter().chain((!wanted.is_empty()).then_some((ROOM[1], &[][..])));
    for (number, (room, include)) in tries.enumerate() {
        let scratch = scratch.join(format!("plain-{number}"));
        left_out.extend(make_room(&plain, &scratch.join("list"), baseline, room)?);
        match diff(&plain, &scratch, baseline, include) {
            Ok(mut captured) => {
                if include.len() < wanted.len() {
                    left_out.extend(wanted.iter().map(PathBuf::from));
                }
                captured.left_out.append(&mut left_out);
                captured.left_out.sort_unstable();
                captured.left_out.dedup();
                return Ok(captured);
            }
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or_else(|| WorkspaceError::NotAFolder { path: workspace.to_owned() }))
}

/// Removes the largest changed files from a tree of ours, until the rest has at most `room` bytes; gives the removed
/// ones.
fn make_room(plain: &Path, scratch: &Path, baseline: &Baseline, room: u64) -> Result<Vec<PathBuf>, WorkspaceError> {
    let objects = scratch.join("objects");
    fs::create_dir_all(&objects).map_err(failed("make", &objects))?;
    let known: Vec<&Path> = baseline.objects.iter().map(PathBuf::as_path).collect();
    let git_dir = GitDir::seeing(&known)?;
    let index = Index { file: &scratch.join("index"), objects: &objects, git_dir: &git_dir };
    index.git(plain, &["read-tree"]).arg(&baseline.commit).run()?;
    let names = index.git(plain, &["ls-files", "-z", "--others", "--modified", "--exclude-standard"]).run()?;
    let mut sizes: Vec<(u64, PathBuf)> = names
        .split(|byte| *byte == 0)
        .filter(|name| !name.is_empty())
        .filter_map(|name| {
            let size = fs::symlink_metadata(plain.join(path_of(name))).ok()?.len();
            Some((size, path_of(name).to_owned()))
        })
        .collect();
    sizes.sort_unstable();
    let mut all = sizes.iter().fold(0_u64, |all, (size, _)| all.saturating_add(*size));
    let mut removed = Vec::new();
    while all > room
        && let Some((size, path)) = sizes.pop()
    {
        let file = plain.join(&path);
        fs::remove_file(&file).map_err(failed("remove", &file))?;
        all = all.saturating_sub(size);
        removed.push(path);
    }
    Ok(removed)
}
