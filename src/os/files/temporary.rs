//! Folders that are gone after their use.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::FileError;

/// A folder in the system's place for temporary files, with a name that nobody guesses and for its owner only. It is
/// removed when it is dropped.
#[derive(Debug)]
pub struct TemporaryFolder(tempfile::TempDir);

impl TemporaryFolder {
    /// Makes one whose name begins so.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn new(prefix: &str) -> Result<Self, FileError> {
        let place = std::env::temp_dir();
        // Programs that are given it work in other folders than we do.
        let place = std::path::absolute(&place).map_err(|error| FileError::new("find", &place, error))?;
        let folder = tempfile::Builder::new()
            .prefix(prefix)
            .rand_bytes(16)
            .permissions(Permissions::from_mode(0o700))
            .tempdir_in(&place);
        folder.map(Self).map_err(|error| FileError::new("make a folder in", &place, error))
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.0.path()
    }
}
