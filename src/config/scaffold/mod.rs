//! `fixture new`: a fixture that works immediately, with comments that say what to change.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::model::ids::ExperimentId;

use super::mistake::Mistake;

/// Every file of the fixture, with its path.
const FILES: [(&str, &str); 10] = [
    ("test.yaml", include_str!("test.yaml")),
    ("prompt.md", include_str!("prompt.md")),
    ("expected/criteria.md", include_str!("criteria.md")),
    ("expected/rubric.yaml", include_str!("rubric.yaml")),
    ("expected/gold/nothing.yaml", include_str!("gold.yaml")),
    ("expected/solution.patch", include_str!("solution.patch")),
    ("source/greet.sh", include_str!("greet.sh")),
    ("tiers/T0/00-nothing.yaml", include_str!("nothing.yaml")),
    ("tiers/T0/01-oracle.yaml", include_str!("oracle.yaml")),
    ("tiers/T1/00-agent.yaml", include_str!("agent.yaml")),
];

/// The placeholder for the fixture's id in the files.
const ID: &str = "{id}";

/// The id when the folder's name cannot be used.
const USUAL_ID: &str = "my-task";

/// Writes a fixture into a new or empty folder and returns its files. Its id is made from the folder's name.
///
/// # Errors
/// When the folder is not empty, is not a folder, or cannot be written; existing files are never overwritten.
pub fn write(dir: &Path) -> Result<Vec<PathBuf>, Mistake> {
    let failed = |path: &Path, error: &io::Error| Mistake::new(path, format!("cannot be written: {error}"));
    fs::create_dir_all(dir).map_err(|error| failed(dir, &error))?;
    let mut entries = fs::read_dir(dir).map_err(|error| failed(dir, &error))?;
    if entries.next().is_some() {
        return Err(Mistake::new(dir, "is not empty").hint("name a folder that is not there yet"));
    }
    let id = id(dir);
    let mut written = Vec::new();
    for (name, text) in FILES {
        let path = dir.join(name);
        create(&path, &text.replace(ID, &id)).map_err(|error| failed(&path, &error))?;
        written.push(path);
    }
    Ok(written)
}

fn create(path: &Path, text: &str) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::File::create_new(path)?.write_all(text.as_bytes())
}

/// The name of the folder with everything replaced that an id cannot contain.
fn id(dir: &Path) -> String {
    let real = fs::canonicalize(dir).unwrap_or_else(|_| dir.to_owned());
    let name = real.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let allowed = |letter: char| if letter.is_ascii_alphanumeric() || "._-".contains(letter) { letter } else { '-' };
    let id: String = name.chars().map(allowed).collect();
    let id = id.trim_start_matches(|first: char| !first.is_ascii_alphanumeric());
    let id: String = id.chars().take(ExperimentId::MOST_BYTES).collect();
    if id.is_empty() { USUAL_ID.to_owned() } else { id }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::fixture;
    use crate::config::mistake::report;

    #[test]
    fn a_new_fixture_has_no_mistake_and_the_folders_name() {
        let dir = tempfile::tempdir().unwrap();
        for (name, id) in [("my-task", "my-task"), ("Größe 2!", "Gr--e-2-"), ("null", "null"), ("..-", "my-task")] {
            let folder = dir.path().join("below").join(name);
            let written = write(&folder).unwrap();
            assert!(written.contains(&folder.join("test.yaml")));
            let fixture = fixture::load(&folder).unwrap_or_else(|mistakes| panic!("{}", report(&mistakes)));
            assert_eq!(fixture.id.as_str(), id);
        }
    }

    #[test]
    fn a_folder_with_something_in_it_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let mine = dir.path().join("mine.txt");
        fs::write(&mine, "mine").unwrap();
        assert_eq!(write(dir.path()).unwrap_err().message, "is not empty");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        assert!(write(&mine).unwrap_err().message.starts_with("cannot be written: "));
        assert_eq!(fs::read_to_string(&mine).unwrap(), "mine");
    }
}
