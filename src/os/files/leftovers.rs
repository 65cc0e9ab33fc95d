//! Temporary files that a writer which was killed has left behind.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

use rustix::fs::{FlockOperation, flock};

use super::{FileError, Folder, Kind, open_regular};

/// A file that was written to so lately may have a writer that is alive.
const YOUNG: Duration = Duration::from_mins(1);

/// Holds a temporary file as long as it is open, so that nobody takes it for one whose writer is dead.
pub(super) fn hold(file: &File) -> io::Result<()> {
    Ok(flock(file, FlockOperation::NonBlockingLockExclusive)?)
}

/// Removes the files in a folder whose names begin with `prefix` and whose writers are dead: nobody holds them, and nobody wrote
/// to them lately. Gives how many.
///
/// # Errors
/// When the folder cannot be listed, or a file not be removed.
pub fn remove_leftovers(folder: &Path, prefix: &str) -> Result<usize, FileError> {
    let Some(open) = Folder::open(folder)? else { return Ok(0) };
    let mut found = Vec::new();
    open.each(|name, kind| {
        if kind == Kind::File && name.to_string_lossy().starts_with(prefix) {
            found.push(name.to_owned());
        }
    })?;
    let is_left = |path: &Path| {
        let file = open_regular(path).ok()?;
        let age = SystemTime::now().duration_since(file.metadata().ok()?.modified().ok()?).ok()?;
        Some(age >= YOUNG && hold(&file).is_ok())
    };
    found.retain(|name| is_left(&folder.join(name)) == Some(true));
    for name in &found {
        let path = folder.join(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(FileError::new("remove", &path, error));
            }
            _ => {}
        }
    }
    Ok(found.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_of_that_name_that_nobody_holds_or_wrote_to_lately_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        let make = |name: &str, age: u64| {
            let file = File::create(folder.path().join(name)).unwrap();
            file.set_modified(SystemTime::now() - Duration::from_secs(age)).unwrap();
            file
        };
        make(".tmp-old", 3600);
        make(".tmp-young", 1);
        make("mine", 3600);
        let held = make(".tmp-held", 3600);
        hold(&held).unwrap();
        fs::create_dir(folder.path().join(".tmp-folder")).unwrap();
        assert_eq!(remove_leftovers(folder.path(), ".tmp-").unwrap(), 1);
        for (name, is_there) in
            [(".tmp-old", false), (".tmp-young", true), ("mine", true), (".tmp-held", true), (".tmp-folder", true)]
        {
            assert_eq!(folder.path().join(name).exists(), is_there, "{name}");
        }
        drop(held);
        assert_eq!(remove_leftovers(folder.path(), ".tmp-").unwrap(), 1);
        assert_eq!(remove_leftovers(&folder.path().join("absent"), ".tmp-").unwrap(), 0);
    }
}
