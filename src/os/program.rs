//! Programs as a search path finds them. All searches for programs go through here.
//!
//! Relative and empty entries of a search path are skipped (an empty one means the current folder): our programs and
//! those of runs work in trees that agents write.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};

/// Where programs are searched for when no search path is given.
const USUAL_PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// The result of a search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// A program.
    Program(PathBuf),
    /// Only a file that may not be executed.
    NotExecutable(PathBuf),
    /// Nothing.
    Nothing,
}

/// Looks for a program of this name, which has no slash, along a search path.
#[must_use]
pub fn search(name: &OsStr, path: Option<&OsStr>) -> Found {
    let path = path.filter(|path| !path.is_empty()).unwrap_or(OsStr::new(USUAL_PATH));
    if name.is_empty() {
        return Found::Nothing;
    }
    first(places(path).map(|folder| folder.join(name)))
}

/// The first of these files that may be executed.
pub fn first(candidates: impl IntoIterator<Item = PathBuf>) -> Found {
    let mut refused = None;
    for candidate in candidates.into_iter().filter(|candidate| is_file(candidate)) {
        if access(&candidate, Access::EXEC_OK).is_ok() {
            return Found::Program(candidate);
        }
        refused.get_or_insert(candidate);
    }
    refused.map_or(Found::Nothing, Found::NotExecutable)
}

/// What the system writes behind the place of a program whose file is gone.
const GONE: &[u8] = b" (deleted)";

/// Our own program, as it was started. Where an update has put another file in its place meanwhile, that one: sessions last for days.
///
/// # Errors
/// When the system does not say where it is, or it was removed.
pub fn own() -> io::Result<PathBuf> {
    let own = std::env::current_exe()?;
    let place = own.as_os_str().as_bytes().strip_suffix(GONE).filter(|_| !own.exists());
    let Some(place) = place.map(|place| PathBuf::from(OsStr::from_bytes(place))) else { return Ok(own) };
    if is_file(&place) {
        return Ok(place);
    }
    let why = format!("`{}` was removed while it works: put it back", place.display());
    Err(io::Error::new(io::ErrorKind::NotFound, why))
}

/// Whether a program of this name is found along a search path.
#[must_use]
pub fn is_found(name: &OsStr, path: Option<&OsStr>) -> bool {
    matches!(search(name, path), Found::Program(_))
}

/// A search path without its relative entries, and without those that are not wanted.
#[must_use]
pub fn absolute_places(path: &OsStr, is_wanted: impl Fn(&Path) -> bool) -> OsString {
    let mut kept = OsString::new();
    for place in places(path).filter(|place| is_wanted(place)) {
        if !kept.is_empty() {
            kept.push(":");
        }
        kept.push(place);
    }
    kept
}

fn places(path: &OsStr) -> impl Iterator<Item = PathBuf> {
    std::env::split_paths(path).filter(|folder| folder.is_absolute())
}

fn is_file(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|about| about.is_file())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_program_is_found_where_the_path_says_and_only_when_it_can_be_executed() {
        let dir = tempfile::tempdir().unwrap();
        let (tool, notes) = (dir.path().join("tool"), dir.path().join("notes"));
        fs::write(&tool, "").unwrap();
        fs::write(&notes, "").unwrap();
        fs::set_permissions(&tool, fs::Permissions::from_mode(0o755)).unwrap();
        fs::create_dir(dir.path().join("folder")).unwrap();
        let path = std::env::join_paths(["/nowhere".as_ref(), dir.path()]).unwrap();
        let found = |name: &str| search(OsStr::new(name), Some(&path));
        assert_eq!(found("tool"), Found::Program(tool));
        assert_eq!(found("notes"), Found::NotExecutable(notes));
        assert_eq!([found("folder"), found("other"), found("")], [Found::Nothing, Found::Nothing, Found::Nothing]);
        assert!(is_found(OsStr::new("sh"), None));
    }

    #[test]
    fn no_place_of_a_search_path_is_relative() {
        for path in [".", "", ":", "src:", "tests:./target"] {
            assert!(!is_found(OsStr::new("Cargo.toml"), Some(OsStr::new(path))), "{path}");
        }
        let kept = absolute_places(OsStr::new(":/bin:.:bin:/usr/bin:/opt/x:"), |place| place != Path::new("/opt/x"));
        assert_eq!(kept, "/bin:/usr/bin");
    }
}
