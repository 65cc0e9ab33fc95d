//! The files of a graded tree, as somebody may know them who must not learn which setup made it.

use std::collections::BTreeSet;
use std::path::Path;

use super::base::base_commit;
use super::entries;
use super::error::{WorkspaceError, failed};
use super::git::Git;
use super::prepare::baseline;
use crate::model::ids::{SubtestId, TierId};

/// Most files that are listed.
const MOST_FILES: usize = 20_000;

/// The paths of the files of a graded tree, sorted: those of the task, as far as the agent left them there, and those that it
/// added. What the setup alone brought is left out, and what it alone took away is listed, so that trees of different setups in
/// which the same was done have the same list. Bytes that are not UTF-8 and control characters are escaped.
///
/// # Errors
/// When `repo_git` or the tree cannot be read.
pub fn of_graded(
    repo_git: &Path,
    tier: TierId,
    subtest: SubtestId,
    tree: &Path,
) -> Result<Vec<String>, WorkspaceError> {
    let repo_git = super::absolute(repo_git)?;
    let baseline = baseline(&repo_git, tier, subtest)?;
    let objects: Vec<&Path> = baseline.objects.iter().map(std::path::PathBuf::as_path).collect();
    let named = |commit: &str| {
        let list = ["ls-tree", "-r", "-z", "--full-tree", "--name-only", commit];
        let listing = Git::new(&repo_git, &objects, &list).run()?;
        let names = listing.split(|byte| *byte == 0).filter(|name| !name.is_empty());
        Ok::<BTreeSet<String>, WorkspaceError>(names.map(shown).collect())
    };
    let (task, given) = (named(&base_commit(&repo_git)?)?, named(&baseline.commit)?);
    let mut there = BTreeSet::new();
    walk(tree, "", &mut there)?;
    let added = there.difference(&given);
    let of_task = task.iter().filter(|name| there.contains(*name) || !given.contains(*name));
    let all: BTreeSet<&String> = added.chain(of_task).collect();
    Ok(all.into_iter().take(MOST_FILES).cloned().collect())
}

/// Adds the files below a folder, links as files, without its repository.
fn walk(folder: &Path, above: &str, found: &mut BTreeSet<String>) -> Result<(), WorkspaceError> {
    use std::os::unix::ffi::OsStrExt as _;
    for entry in entries(folder)? {
        if found.len() >= MOST_FILES {
            return Ok(());
        }
        let path = entry.path();
        let name = shown(entry.file_name().as_bytes());
        if name == ".git" {
            continue;
        }
        let name = format!("{above}{name}");
        if entry.file_type().map_err(failed("read", &path))?.is_dir() {
            walk(&path, &format!("{name}/"), found)?;
        } else {
            found.insert(name);
        }
    }
    Ok(())
}

/// A name on one line.
fn shown(name: &[u8]) -> String {
    let name = String::from_utf8_lossy(name);
    name.chars()
        .map(|letter| if letter.is_control() { letter.escape_default().to_string() } else { letter.into() })
        .collect()
}
