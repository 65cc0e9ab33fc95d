//! The fixtures in a folder.

use std::path::{Path, PathBuf};

use crate::model::task::Fixture;

use super::fixture::{self, Loaded, OTHER_TEST_FILE, Overrides, TEST_FILE};
use super::mistake::Mistake;

/// The folder of a fixture that was named by its folder or by its `test.yaml`.
#[must_use]
pub fn folder_of(path: &Path) -> &Path {
    match path.file_name() {
        Some(name) if (name == TEST_FILE || name == OTHER_TEST_FILE) && !path.is_dir() => match path.parent() {
            Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
            Some(parent) => parent,
            None => path,
        },
        _ => path,
    }
}

/// Every fixture in a folder with the outcome of reading it, sorted by path. If the folder is a fixture itself, it is
/// the only one.
#[must_use]
pub fn list(dir: &Path, overrides: &Overrides) -> Vec<(PathBuf, Result<Fixture, Vec<Mistake>>)> {
    folders(dir)
        .into_iter()
        .map(|folder| {
            let fixture = fixture::load_with(&folder, &overrides.to_look_at(&folder))
                .and_then(Loaded::whole)
                .map(|loaded| loaded.fixture);
            (folder, fixture)
        })
        .collect()
}

/// Whether a folder is not a fixture itself and contains some.
#[must_use]
pub fn holds_fixtures(dir: &Path) -> bool {
    !is_fixture(dir) && !folders(dir).is_empty()
}

/// Whether a folder is meant to be a fixture, even if its file has another extension.
fn is_fixture(dir: &Path) -> bool {
    dir.join(TEST_FILE).is_file() || dir.join(OTHER_TEST_FILE).is_file()
}

fn folders(dir: &Path) -> Vec<PathBuf> {
    if is_fixture(dir) {
        return vec![dir.to_owned()];
    }
    // A folder that cannot be read contains no fixture that could be run.
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(|path| is_fixture(path)).collect();
    folders.sort();
    folders
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::scaffold;

    fn names(dir: &Path) -> Vec<(String, bool)> {
        list(dir, &Overrides::default())
            .into_iter()
            .map(|(path, fixture)| (path.strip_prefix(dir).unwrap().display().to_string(), fixture.is_ok()))
            .collect()
    }

    #[test]
    fn every_fixture_is_listed_whole_or_broken_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        scaffold::write(&dir.path().join("b")).unwrap();
        scaffold::write(&dir.path().join("a")).unwrap();
        std::fs::create_dir(dir.path().join("empty")).unwrap();
        std::fs::write(dir.path().join("b/prompt.md"), "").unwrap();
        assert_eq!(names(dir.path()), [("a".into(), true), ("b".into(), false)]);
        assert_eq!(names(&dir.path().join("a")), [(String::new(), true)]);
        assert_eq!(names(&dir.path().join("nowhere")), []);
        assert!(holds_fixtures(dir.path()));
        assert!(!holds_fixtures(&dir.path().join("a")) && !holds_fixtures(&dir.path().join("empty")));
    }
}
