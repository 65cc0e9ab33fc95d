//! The parts of the manual that follow from the code: written below `docs/`, or compared with what lies there.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use crate::failure::Failure;
use crate::say::counted;
use crate::{place, say};

/// Files by path below `docs/`.
type Files = BTreeMap<String, Vec<u8>>;

/// How a file below `docs/` differs from what the code makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Difference {
    /// The code makes it, and it is not there.
    Missing,
    /// It is there with another content.
    Changed,
    /// It lies in a folder of generated files, and the code does not make it.
    Stale,
}

/// What the code makes.
fn generated() -> Files {
    scylla::cli::generated::generated_files().into_iter().collect()
}

/// Writes what differs, and removes what is stale.
pub(crate) fn write() -> Result<(), Failure> {
    let files = generated();
    let differences = differences(&place::docs(), &files)?;
    apply(&place::docs(), &files, &differences)?;
    for (path, difference) in &differences {
        say::line(&line(path, *difference));
    }
    say::line(&format!("{}, {} differed", counted(files.len(), "generated file"), differences.len()));
    Ok(())
}

/// Fails when a file differs.
pub(crate) fn check() -> Result<(), Failure> {
    let files = generated();
    let differences = differences(&place::docs(), &files)?;
    say::line(&format!("{}, {} differ", counted(files.len(), "generated file"), differences.len()));
    let told: Vec<String> = differences.iter().map(|(path, difference)| line(path, *difference)).collect();
    if told.is_empty() { Ok(()) } else { Err(Failure::Generated { files: told }) }
}

fn line(path: &str, difference: Difference) -> String {
    let how = match difference {
        Difference::Missing => "missing",
        Difference::Changed => "changed",
        Difference::Stale => "stale",
    };
    format!("{path} ({how})")
}

/// What differs below `docs`, by path.
fn differences(docs: &Path, files: &Files) -> Result<BTreeMap<String, Difference>, Failure> {
    let mut differences = BTreeMap::new();
    for (path, bytes) in files {
        let full = docs.join(path);
        match fs::read(&full) {
            Ok(there) if there == *bytes => {}
            Ok(_) => _ = differences.insert(path.clone(), Difference::Changed),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                differences.insert(path.clone(), Difference::Missing);
            }
            Err(error) => return Err(Failure::file("read", &full)(error)),
        }
    }
    // A folder that holds one generated file holds nothing else.
    let folders: BTreeSet<&str> =
        files.keys().filter_map(|path| path.rsplit_once('/')).map(|(folder, _)| folder).collect();
    for folder in folders {
        for name in names(&docs.join(folder))? {
            let path = format!("{folder}/{name}");
            if !files.contains_key(&path) {
                differences.insert(path, Difference::Stale);
            }
        }
    }
    Ok(differences)
}

/// The names of the files in a folder; none when the folder is not there.
fn names(folder: &Path) -> Result<Vec<String>, Failure> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(Failure::file("read", folder))?,
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(Failure::file("read", folder))?;
        if entry.path().is_file() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    Ok(names)
}

/// Writes and removes until nothing differs.
fn apply(docs: &Path, files: &Files, differences: &BTreeMap<String, Difference>) -> Result<(), Failure> {
    for (path, difference) in differences {
        let full = docs.join(path);
        match files.get(path).filter(|_| *difference != Difference::Stale) {
            None => fs::remove_file(&full).map_err(Failure::file("remove", &full))?,
            Some(bytes) => {
                let folder = full.parent().unwrap_or(docs);
                fs::create_dir_all(folder).map_err(Failure::file("create", folder))?;
                fs::write(&full, bytes).map_err(Failure::file("write", &full))?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_makes_the_page_of_findings() {
        let page = String::from_utf8(generated()["findings.md"].clone()).unwrap();
        assert!(page.contains("`unrecorded-result`"), "{page}");
    }

    #[test]
    fn missing_changed_and_stale_files_are_found_and_mended() {
        let docs = tempfile::tempdir().unwrap();
        let files: Files = ["page.md", "man/a.1", "man/b.1"].map(|path| (path.to_owned(), path.into())).into();
        fs::create_dir(docs.path().join("man")).unwrap();
        fs::write(docs.path().join("by-hand.md"), "stays").unwrap();
        fs::write(docs.path().join("man/a.1"), "old").unwrap();
        fs::write(docs.path().join("man/gone.1"), "").unwrap();

        let found = differences(docs.path(), &files).unwrap();
        let expected = [
            ("man/a.1", Difference::Changed),
            ("man/b.1", Difference::Missing),
            ("man/gone.1", Difference::Stale),
            ("page.md", Difference::Missing),
        ];
        assert_eq!(found, expected.map(|(path, difference)| (path.to_owned(), difference)).into());

        apply(docs.path(), &files, &found).unwrap();
        assert_eq!(differences(docs.path(), &files).unwrap(), BTreeMap::new());
        assert_eq!(fs::read(docs.path().join("man/a.1")).unwrap(), b"man/a.1");
        assert!(docs.path().join("by-hand.md").exists());
        assert!(!docs.path().join("man/gone.1").exists());
    }
}
