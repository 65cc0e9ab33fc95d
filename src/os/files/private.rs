//! Private folders in places where everyone may write, such as `/var/tmp`, and temporary folders that remove
//! themselves.

use std::fs::{self, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use super::{FileError, NamedPlace, TEMPORARY_PREFIX, sync_dir};

/// Letters and digits of a random name: enough that nobody can guess it.
const NAME_LENGTH: usize = 16;

/// The id of the user that this process runs as.
#[must_use]
pub fn user() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// The id of the group that this process runs as.
#[must_use]
pub fn group() -> u32 {
    rustix::process::getegid().as_raw()
}

/// Makes a folder that only its owner may look into, or accepts an existing one when it is ours. Another user could
/// have put a folder or a link there, to read or change what we write.
///
/// # Errors
/// When it is not a folder, belongs to somebody else, or cannot be made.
pub fn make_private(path: &Path) -> Result<(), FileError> {
    let failed = |error| FileError::new("make the folder", path, error);
    match fs::DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(failed(error)),
        _ => {}
    }
    let found = fs::symlink_metadata(path).map_err(failed)?;
    let refuse = |why: &str| Err(FileError::new("use the folder", path, io::Error::other(why.to_owned())));
    if !found.is_dir() {
        return refuse("it is no folder");
    }
    if found.uid() != user() {
        return refuse(&format!("it belongs to user {}", found.uid()));
    }
    if found.mode() & 0o777 != 0o700 {
        fs::set_permissions(path, Permissions::from_mode(0o700)).map_err(failed)?;
    }
    Ok(())
}

/// Puts `bytes` at `path` in a file that only its owner can read, in place of what is there.
///
/// # Errors
/// When it cannot be written.
pub fn write_private(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let failed = |error| FileError::new("write", path, error);
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new()
        .prefix(TEMPORARY_PREFIX)
        .permissions(Permissions::from_mode(0o600))
        .tempfile_in(folder)
        .map_err(failed)?;
    file.write_all(bytes).and_then(|()| file.as_file().sync_all()).map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    sync_dir(folder)
}

/// Whether a file is this user's, and nobody else can read or write it.
///
/// # Errors
/// When it cannot be looked at.
pub fn is_private(path: &Path) -> io::Result<bool> {
    let found = fs::symlink_metadata(path)?;
    Ok(found.is_file() && found.uid() == user() && found.mode().trailing_zeros() >= 6)
}

/// Makes a new folder with a random name, which only its owner may look into.
///
/// # Errors
/// When it cannot be made.
pub fn make_random(parent: &Path) -> Result<PathBuf, FileError> {
    tempfile::Builder::new()
        .prefix("")
        .rand_bytes(NAME_LENGTH)
        .permissions(Permissions::from_mode(0o700))
        .tempdir_in(parent)
        .map(tempfile::TempDir::keep)
        .map_err(|error| FileError::new("make a folder in", parent, error))
}

/// Makes a file in a folder that has no name and goes when it is closed.
///
/// # Errors
/// When it cannot be made.
pub fn make_nameless(folder: &Path) -> io::Result<fs::File> {
    tempfile::tempfile_in(folder)
}

/// A folder in the system's temporary folder, with a name that nobody can guess, for its owner only. It is removed when
/// this is dropped.
#[derive(Debug)]
pub struct TemporaryFolder(tempfile::TempDir);

impl TemporaryFolder {
    /// Makes one whose name begins with `prefix`.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn new(prefix: &str) -> Result<Self, FileError> {
        Self::in_folder(&std::env::temp_dir(), prefix).map_err(|error| error.in_place(NamedPlace::Temporary))
    }

    fn in_folder(place: &Path, prefix: &str) -> Result<Self, FileError> {
        let failed = |error| FileError::new("make a folder in", place, error);
        // What else the system says of a path names a folder that nobody knows.
        let found = fs::metadata(place).map_err(failed)?;
        if !found.is_dir() {
            return Err(failed(io::ErrorKind::NotADirectory.into()));
        }
        // The path is made absolute, because programs that get it work in other folders than we do.
        let place = std::path::absolute(place).map_err(failed)?;
        let folder = tempfile::Builder::new()
            .prefix(prefix)
            .rand_bytes(16)
            .permissions(Permissions::from_mode(0o700))
            .tempdir_in(&place);
        folder.map(Self).map_err(|error| FileError::new("make a folder in", &place, error))
    }

    /// Its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.0.path()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_private_folder_is_a_folder_of_ours_and_closed_to_others() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("ours");
        let mode = |path: &Path| fs::symlink_metadata(path).unwrap().mode() & 0o777;
        make_private(&path).unwrap();
        assert_eq!(mode(&path), 0o700);
        fs::set_permissions(&path, Permissions::from_mode(0o777)).unwrap();
        make_private(&path).unwrap();
        assert_eq!(mode(&path), 0o700);
        let link = place.path().join("link");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert!(make_private(&link).unwrap_err().to_string().ends_with("it is no folder"));
        if user() == 0 {
            std::os::unix::fs::chown(&path, Some(4711), None).unwrap();
            assert!(make_private(&path).unwrap_err().to_string().ends_with("it belongs to user 4711"));
        }
    }

    #[test]
    fn random_names_differ_and_say_nothing() {
        let place = tempfile::tempdir().unwrap();
        let names = [(); 2].map(|()| make_random(place.path()).unwrap());
        assert_ne!(names[0], names[1]);
        for name in names {
            let name = name.file_name().unwrap().to_str().unwrap();
            assert!(name.len() == NAME_LENGTH && name.chars().all(|letter| letter.is_ascii_alphanumeric()), "{name}");
        }
    }
}
