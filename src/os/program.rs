//! Programs as a search path finds them.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt;

/// Where programs are looked for when no search path is given.
const USUAL_PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// Whether a program of this name is found along a search path. Relative places in it are passed over: they lie in trees
/// that agents write.
#[must_use]
pub fn is_found(name: &OsStr, path: Option<&OsStr>) -> bool {
    let path = path.filter(|path| !path.is_empty()).unwrap_or(OsStr::new(USUAL_PATH));
    std::env::split_paths(path).filter(|folder| folder.is_absolute()).any(|folder| {
        fs::metadata(folder.join(name)).is_ok_and(|about| about.is_file() && about.permissions().mode() & 0o111 != 0)
    })
}

#[cfg(test)]
mod tests {
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
        let found = |name: &str| is_found(OsStr::new(name), Some(&path));
        assert_eq!([found("tool"), found("notes"), found("folder"), found("other")], [true, false, false, false]);
        assert!(is_found(OsStr::new("sh"), None));
        assert!(!is_found(OsStr::new("Cargo.toml"), Some(OsStr::new("."))));
    }
}
