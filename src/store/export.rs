//! Writes the folder of an exported experiment, whole or not at all.

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use crate::os::files::{self, FileError, Folder};

use super::StoreError;

/// Makes a folder with these files, given by their paths below it. It appears whole, or not at all.
///
/// # Errors
/// When something exists in its place already, a path leads out of it, or it cannot be written.
pub fn write_folder(to: &Path, content: &[(String, Vec<u8>)]) -> Result<(), StoreError> {
    if !is_free(to)? {
        return Err(FileError::new("write", to, io::ErrorKind::AlreadyExists).into());
    }
    let name = to.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let new = to.with_file_name(format!("{}{name}", files::TEMPORARY_PREFIX));
    files::remove_tree(&new)?;
    for (place, bytes) in content {
        let path = below(&new, place)?;
        let parent = path.parent().unwrap_or(&new);
        fs::create_dir_all(parent).map_err(|error| FileError::new("make the folder", parent, error))?;
        fs::write(&path, bytes).map_err(|error| FileError::new("write", &path, error))?;
    }
    files::sync_tree(&new)?;
    if files::kind_of(to)?.is_some() {
        fs::remove_dir(to).map_err(|error| FileError::new("write", to, error))?;
    }
    Ok(files::rename_durable(&new, to)?)
}

/// Whether the folder can be written to this path: nothing is there, or an empty folder.
///
/// # Errors
/// When that cannot be determined.
pub fn is_free(to: &Path) -> Result<bool, StoreError> {
    if files::kind_of(to)?.is_none() {
        return Ok(true);
    }
    let Ok(Some(folder)) = Folder::open(to) else { return Ok(false) };
    let mut empty = true;
    folder.each(|_, _| empty = false)?;
    Ok(empty)
}

fn below(folder: &Path, place: &str) -> Result<PathBuf, StoreError> {
    let path = Path::new(place);
    let inside = path.components().all(|part| matches!(part, Component::Normal(_)));
    if inside && path.file_name().is_some() {
        Ok(folder.join(path))
    } else {
        Err(StoreError::Outside(place.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content() -> Vec<(String, Vec<u8>)> {
        vec![("checkpoint.json".into(), b"{}".to_vec()), ("T0/00/report.json".into(), b"[]".to_vec())]
    }

    #[test]
    fn a_folder_appears_whole_where_nothing_was() {
        let home = tempfile::tempdir().unwrap();
        let to = home.path().join("new");
        write_folder(&to, &content()).unwrap();
        assert_eq!(fs::read(to.join("T0/00/report.json")).unwrap(), b"[]");
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1, "nothing is left beside it");
        let empty = home.path().join("empty");
        fs::create_dir(&empty).unwrap();
        write_folder(&empty, &content()).unwrap();
        assert_eq!(fs::read(empty.join("checkpoint.json")).unwrap(), b"{}");
    }

    #[test]
    fn what_is_there_already_is_never_written_over() {
        let home = tempfile::tempdir().unwrap();
        let to = home.path().join("taken");
        fs::create_dir(&to).unwrap();
        fs::write(to.join("mine"), "mine").unwrap();
        assert!(!is_free(&to).unwrap());
        assert!(write_folder(&to, &content()).is_err());
        assert_eq!(fs::read(to.join("mine")).unwrap(), b"mine");
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1);
        fs::write(home.path().join("file"), "").unwrap();
        assert!(!is_free(&home.path().join("file")).unwrap());
    }

    #[test]
    fn no_path_leads_out_of_the_folder() {
        let home = tempfile::tempdir().unwrap();
        for wrong in ["../out", "/out", "", "a/../../out"] {
            let content = vec![(wrong.to_owned(), Vec::new())];
            assert!(matches!(write_folder(&home.path().join("new"), &content), Err(StoreError::Outside(_))), "{wrong}");
            assert!(!home.path().join("out").exists());
        }
    }
}
