//! A copy of a fixture from which runs are made: meanwhile, it must not change.

use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use crate::model::digest::{Digest, Digesting};
use crate::os::files::FileError;

use super::digest_of_tree;

/// A copy in the state that it had when a session began.
#[derive(Debug)]
pub struct Frozen {
    root: PathBuf,
    digest: Digest,
    stamp: Digest,
}

impl Frozen {
    /// The copy in a folder, whose content is known to have this digest.
    ///
    /// # Errors
    /// When it cannot be listed.
    pub fn new(root: PathBuf, digest: Digest) -> Result<Self, FileError> {
        let stamp = stamp(&root)?;
        Ok(Self { root, digest, stamp })
    }

    /// The copy in a folder, in its present state.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn as_it_is(root: PathBuf) -> Result<Self, FileError> {
        let digest = digest_of_tree(&root)?.unwrap_or_else(|| Digest::of(b""));
        Self::new(root, digest)
    }

    /// Its folder.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Whether it still has the same content. Contents are read only when the metadata of a file has changed.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn is_as_it_was(&self) -> Result<bool, FileError> {
        Ok(stamp(&self.root).is_ok_and(|stamp| stamp == self.stamp) || digest_of_tree(&self.root)? == Some(self.digest))
    }
}

/// A digest of the metadata of all files of a folder, without reading them. A write changes the ctime, which no program
/// can set.
fn stamp(root: &Path) -> Result<Digest, FileError> {
    let mut all = Digesting::default();
    for entry in WalkDir::new(root).sort_by_file_name() {
        let failed = |error: walkdir::Error| FileError::new("list", root, std::io::Error::from(error));
        let entry = entry.map_err(failed)?;
        let seen = entry.metadata().map_err(failed)?;
        all.add(entry.path().as_os_str().as_bytes());
        let numbers =
            [seen.ino(), seen.mode().into(), seen.size(), seen.mtime().cast_unsigned(), seen.ctime().cast_unsigned()];
        let nanoseconds = [seen.mtime_nsec().cast_unsigned(), seen.ctime_nsec().cast_unsigned()];
        for number in numbers.into_iter().chain(nanoseconds) {
            all.add(&number.to_le_bytes());
        }
    }
    Ok(all.end())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_copy_is_as_it_was_until_its_content_is_another() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("agents/agent.sh");
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, "echo one\n").unwrap();
        let frozen = Frozen::as_it_is(folder.path().to_owned()).unwrap();
        assert!(frozen.is_as_it_was().unwrap());
        // Replacing a file by one with the same content is no change; one with another content is a change, whatever
        // its size and time.
        let modified = fs::metadata(&file).unwrap().modified().unwrap();
        for (text, same) in [("echo one\n", true), ("echo two\n", false)] {
            fs::write(&file, text).unwrap();
            fs::File::options().write(true).open(&file).unwrap().set_modified(modified).unwrap();
            assert_eq!(frozen.is_as_it_was().unwrap(), same, "{text}");
        }
        fs::write(&file, "echo one\n").unwrap();
        for (place, text) in [("more.md", "new"), ("agents/.hidden", "")] {
            fs::write(folder.path().join(place), text).unwrap();
            assert!(!frozen.is_as_it_was().unwrap(), "{place}");
            fs::remove_file(folder.path().join(place)).unwrap();
        }
        assert!(frozen.is_as_it_was().unwrap());
        fs::remove_dir_all(folder.path()).unwrap();
        assert!(!frozen.is_as_it_was().unwrap());
    }
}
