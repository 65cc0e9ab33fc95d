//! The variables that workers are given, keys among them, in a file that only the user can read: no batch system keeps them then, and
//! no list of processes shows them. Beside it lies, for the same jobs, that no further run may begin.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use crate::os::files::{self, FileError};
use crate::store::StoreError;
use crate::store::layout::ExperimentFolder;

/// Most bytes of the file.
const MOST_BYTES: u64 = 16 << 20;

/// Writes the variables.
///
/// # Errors
/// When the file cannot be written.
pub fn write_variables(folder: &ExperimentFolder, all: &BTreeMap<String, String>) -> Result<(), StoreError> {
    files::create_dir_durable(&folder.jobs())?;
    let path = folder.given_variables();
    let failed = |error: io::Error| FileError::new("write", &path, error);
    let bytes = serde_json::to_vec(all).map_err(|error| failed(error.into()))?;
    Ok(files::write_private(&path, &bytes)?)
}

/// The variables; none where there is no such file.
///
/// # Errors
/// When it cannot be read, or is not this user's alone: then somebody else may have written it.
pub fn variables(folder: &ExperimentFolder) -> Result<BTreeMap<String, String>, StoreError> {
    let path = folder.given_variables();
    let failed = |error: io::Error| FileError::new("read", &path, error);
    let Some(bytes) = files::read_bounded(&path, MOST_BYTES)? else { return Ok(BTreeMap::new()) };
    if !files::is_private(&path).map_err(failed)? {
        let why = "it holds keys, and is not a file that only you can read";
        return Err(failed(io::Error::other(why)).into());
    }
    Ok(serde_json::from_slice(&bytes).map_err(|error| failed(error.into()))?)
}

/// Removes them, when no worker is left that reads them.
///
/// # Errors
/// When they cannot be removed.
pub fn remove_variables(folder: &ExperimentFolder) -> Result<(), StoreError> {
    remove(&folder.given_variables())
}

/// Writes down that no job may begin another run, until a session removes that.
///
/// # Errors
/// When it cannot be written.
pub fn stop_jobs(folder: &ExperimentFolder) -> Result<(), StoreError> {
    files::create_dir_durable(&folder.jobs())?;
    Ok(files::write_atomic(&folder.jobs_stopped(), b"")?)
}

/// Lets jobs begin runs again.
///
/// # Errors
/// When the file cannot be removed.
pub fn release_jobs(folder: &ExperimentFolder) -> Result<(), StoreError> {
    remove(&folder.jobs_stopped())
}

fn remove(path: &Path) -> Result<(), StoreError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(FileError::new("remove", path, error).into()),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

    use super::*;
    use crate::store::sample;

    #[test]
    fn variables_are_read_by_their_user_alone_and_gone_when_they_are_not_needed() {
        let sample = sample::experiment();
        let folder = &sample.folder;
        assert_eq!(variables(folder).unwrap(), BTreeMap::new());
        let given = BTreeMap::from([("KEY".to_owned(), "secret".to_owned())]);
        write_variables(folder, &given).unwrap();
        assert_eq!(variables(folder).unwrap(), given);
        let path = folder.given_variables();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        assert!(variables(folder).unwrap_err().to_string().contains("not a file that only you can read"));
        remove_variables(folder).unwrap();
        remove_variables(folder).unwrap();
        assert_eq!(variables(folder).unwrap(), BTreeMap::new());
    }
}
