//! What a subtest's resources compose, assembled in a scratch folder and added to an index.

use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::entries;
use super::error::{WorkspaceError, failed};
use super::index::{Files, Index};
use crate::model::digest::Digest;
use crate::setup::compose::{Composition, Content, Piece};

/// Removes from the index what the composition removes, adds what it places, and gives the digest of both; `None` when
/// nothing is composed. `folder` is scratch.
///
/// The digest is that of a text in the format of `sha256sum`: a line for each path that is removed, then a line for
/// each file, sorted by path.
pub(super) fn add(
    index: &Index<'_>,
    fixture_dir: &Path,
    composition: &Composition,
    folder: &Path,
) -> Result<Option<Digest>, WorkspaceError> {
    if composition.is_nothing() {
        return Ok(None);
    }
    for path in &composition.removed {
        let remove = ["rm", "-r", "--cached", "--force", "--quiet", "--ignore-unmatch", "--"];
        index.git(fixture_dir, &remove).arg(format!(":(top,literal){path}")).run()?;
    }
    super::remove_folder(folder)?;
    fs::create_dir_all(folder).map_err(failed("make", folder))?;
    for placed in &composition.placed {
        let to = folder.join(&placed.path);
        match &placed.content {
            Content::Copy(from) => lay(&fixture_dir.join(from), &to)?,
            Content::Joined(parts) => write(&to, &joined(index, fixture_dir, &placed.path, parts)?)?,
        }
    }
    if !composition.placed.is_empty() {
        index.add(folder, Files::All)?;
    }
    let mut listing: Vec<u8> =
        composition.removed.iter().flat_map(|path| format!("removed  {path}\n").into_bytes()).collect();
    for (path, digest) in digests(folder)? {
        listing.extend_from_slice(digest.hex().as_bytes());
        listing.extend_from_slice(b"  ");
        listing.extend_from_slice(path.as_os_str().as_bytes());
        listing.push(b'\n');
    }
    Ok(Some(Digest::of(&listing)))
}

/// The parts, separated by blank lines.
fn joined(index: &Index<'_>, fixture_dir: &Path, path: &str, parts: &[Piece]) -> Result<Vec<u8>, WorkspaceError> {
    let mut text = Vec::new();
    for part in parts {
        let part = match part {
            Piece::There => content_in_index(index, fixture_dir, path)?,
            Piece::File(from) => {
                let from = fixture_dir.join(from);
                fs::read(&from).map_err(failed("read", &from))?
            }
            Piece::Text(text) => text.clone().into_bytes(),
        };
        let part = part.trim_ascii_end();
        if !part.is_empty() {
            if !text.is_empty() {
                text.extend_from_slice(b"\n\n");
            }
            text.extend_from_slice(part);
        }
    }
    text.push(b'\n');
    Ok(text)
}

/// The content of a path in the index: a file's bytes, or for a link a line that makes an agent read its target.
fn content_in_index(index: &Index<'_>, folder: &Path, path: &str) -> Result<Vec<u8>, WorkspaceError> {
    let listed = index.git(folder, &["ls-files", "--stage", "--"]).arg(format!(":(top,literal){path}")).line()?;
    let mut words = listed.split_ascii_whitespace();
    let (Some(mode), Some(object)) = (words.next(), words.next()) else { return Ok(Vec::new()) };
    let content = index.git(folder, &["cat-file", "blob", object]).run()?;
    Ok(if mode == "120000" { [b"@", content.as_slice()].concat() } else { content })
}

/// Copies a file, or a folder over another one. Existing files are replaced.
fn lay(from: &Path, to: &Path) -> Result<(), WorkspaceError> {
    let found = fs::symlink_metadata(from).map_err(failed("read", from))?;
    if found.is_dir() {
        fs::create_dir_all(to).map_err(failed("make", to))?;
        return entries(from)?.iter().try_for_each(|entry| lay(&entry.path(), &to.join(entry.file_name())));
    }
    make_room(to)?;
    if found.is_symlink() {
        fs::read_link(from).and_then(|target| symlink(target, to)).map_err(failed("copy", from))
    } else if found.is_file() {
        fs::copy(from, to).map(|_| ()).map_err(failed("copy", from))
    } else {
        Err(failed("copy", from)(io::Error::other("it is neither a file nor a folder")))
    }
}

fn write(to: &Path, bytes: &[u8]) -> Result<(), WorkspaceError> {
    make_room(to)?;
    fs::write(to, bytes).map_err(failed("write", to))
}

/// Makes the parent folder of a file and removes what is at the file's path.
fn make_room(to: &Path) -> Result<(), WorkspaceError> {
    let folder = to.parent().unwrap_or(to);
    fs::create_dir_all(folder).map_err(failed("make", folder))?;
    // A write would go through a link that is there.
    super::remove_file(to)
}

/// Every file below the folder with its digest, sorted by path; for a link, the digest of its target.
fn digests(folder: &Path) -> Result<Vec<(PathBuf, Digest)>, WorkspaceError> {
    let (mut found, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(now) = folders.pop() {
        for entry in entries(&now)? {
            let path = entry.path();
            let kind = entry.file_type().map_err(failed("read", &path))?;
            let content = if kind.is_dir() {
                folders.push(path);
                continue;
            } else if kind.is_symlink() {
                fs::read_link(&path).map(|target| target.into_os_string().as_bytes().to_vec())
            } else {
                fs::read(&path)
            };
            let digest = Digest::of(&content.map_err(failed("read", &path))?);
            found.push((path.strip_prefix(folder).unwrap_or(&path).to_owned(), digest));
        }
    }
    found.sort();
    Ok(found)
}
