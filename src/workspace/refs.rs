//! The refs of `repo.git`, read as bytes: git would also read its configuration, which agents may have changed.

use std::io;
use std::path::Path;

use super::error::{WorkspaceError, failed};
use crate::os::files;

/// Most bytes of a ref.
const MOST_REF: u64 = 4096;
/// Most bytes of the file into which a person's `git gc` moves refs.
const MOST_PACKED: u64 = 16 << 20;

/// The commit that a ref names; `None` when there is no such ref.
///
/// # Errors
/// When it cannot be read or names no commit.
pub(super) fn read(repo_git: &Path, name: &str) -> Result<Option<String>, WorkspaceError> {
    let path = repo_git.join(name);
    if let Some(bytes) = bytes_of(&path, MOST_REF)? {
        let text = String::from_utf8_lossy(&bytes);
        return match id(&text) {
            Some(id) => Ok(Some(id)),
            None => Err(failed("read", &path)(io::Error::other("it holds no commit id"))),
        };
    }
    let Some(packed) = bytes_of(&repo_git.join("packed-refs"), MOST_PACKED)? else { return Ok(None) };
    let packed = String::from_utf8_lossy(&packed);
    let mut lines = packed.lines().filter_map(|line| line.split_once(' '));
    Ok(lines.find(|(_, named)| *named == name).and_then(|(commit, _)| id(commit)))
}

fn id(text: &str) -> Option<String> {
    let text = text.trim_end();
    let is_id = matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_id.then(|| text.to_ascii_lowercase())
}

/// The bytes of a regular file; `None` when it does not exist.
pub(super) fn bytes_of(path: &Path, most: u64) -> Result<Option<Vec<u8>>, WorkspaceError> {
    files::read_bounded(path, most).map_err(|error| failed("read", path)(io::Error::other(error)))
}
