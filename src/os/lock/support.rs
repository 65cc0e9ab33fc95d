//! Whether the file system of a lock has locks at all.

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use rustix::io::Errno;

use crate::os::files;

/// What is known of file systems, by their device.
static KNOWN: Mutex<BTreeMap<u64, bool>> = Mutex::new(BTreeMap::new());

/// Whether the kernel refuses to lock a file because its file system has no locks.
pub(super) fn has_no_locks(error: &io::Error) -> bool {
    // The last one is what some file systems of networks say; the calls here are valid.
    matches!(Errno::from_io_error(error), Some(Errno::NOLCK | Errno::NOSYS | Errno::OPNOTSUPP | Errno::INVAL))
}

/// Opens the file of a lock to lock it, and makes it where it is not there and could be locked. `None` where nothing is there and nothing could be
/// locked: there, an empty file would only be in the way of a card.
pub(super) fn open(path: &Path) -> io::Result<Option<File>> {
    match files::open_lock_in_place(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        file => return file.map(Some),
    }
    if has_locks(files::parent(path)) { files::open_lock(path, true).map(Some) } else { Ok(None) }
}

/// Whether files in a folder can be locked. Where that cannot be tried, whoever locks one learns why.
fn has_locks(folder: &Path) -> bool {
    let Ok(device) = fs::metadata(folder).map(|found| found.dev()) else { return true };
    if let Some(known) = KNOWN.lock().unwrap_or_else(PoisonError::into_inner).get(&device) {
        return *known;
    }
    let Ok(tried) = files::make_nameless(folder) else { return true };
    let has_locks = !matches!(tried.try_lock(), Err(TryLockError::Error(error)) if has_no_locks(&error));
    KNOWN.lock().unwrap_or_else(PoisonError::into_inner).insert(device, has_locks);
    has_locks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_says_that_there_are_no_locks_says_so() {
        for (error, is_said) in [
            (Errno::NOLCK, true),
            (Errno::NOSYS, true),
            (Errno::NOTSUP, true),
            (Errno::INVAL, true),
            (Errno::IO, false),
        ] {
            assert_eq!(has_no_locks(&error.into()), is_said, "{error}");
        }
        assert!(!has_no_locks(&io::Error::from(TryLockError::WouldBlock)));
    }

    #[test]
    fn a_file_is_made_where_it_could_be_locked_and_nothing_else_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("experiment.lock");
        assert!(open(&path).unwrap().is_some());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
