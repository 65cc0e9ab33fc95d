//! Folders of experiments as a test sees them: copied, compared, changed by hand.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::Path;
use std::process::Command;

use scylla::model::digest::Digest;
use serde_json::Value;

use crate::world::World;

/// Larger files have holes, and are compared by their length.
const MOST_COMPARED: u64 = 1 << 30;

/// Copies a tree as `cp -a` does, whatever lies in it.
#[track_caller]
pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to.parent().unwrap()).unwrap();
    let output = Command::new("cp").arg("-a").arg("--").arg(from).arg(to).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Removes whatever lies at a path.
#[track_caller]
pub(crate) fn remove(path: &Path) {
    if fs::symlink_metadata(path).unwrap().is_dir() {
        fs::remove_dir_all(path).unwrap();
    } else {
        fs::remove_file(path).unwrap();
    }
}

/// Makes a FIFO, which hangs whoever opens it and waits for a writer.
#[track_caller]
pub(crate) fn fifo(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

#[track_caller]
pub(crate) fn json(path: &Path) -> Value {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}\n{text}", path.display()))
}

/// Changes a JSON file in its place, and the digest that it carries of itself with it, as whoever means harm would.
#[track_caller]
pub(crate) fn edit(path: &Path, change: impl FnOnce(&mut Value)) {
    let mut value = json(path);
    change(&mut value);
    let carried = value.as_object_mut().and_then(|object| object.shift_remove("digest"));
    if carried.is_some() {
        value["digest"] = Digest::of(format!("{value:#}\n").as_bytes()).to_string().into();
    }
    fs::write(path, format!("{value:#}\n")).unwrap();
}

/// Every place below a folder with its kind, its rights and its bytes: equal folders are equal values.
pub(crate) fn contents(folder: &Path) -> BTreeMap<String, (char, u32, Vec<u8>)> {
    let mut found = BTreeMap::new();
    let mut open = vec![folder.to_owned()];
    while let Some(path) = open.pop() {
        let metadata = fs::symlink_metadata(&path).unwrap();
        let kind = metadata.file_type();
        let (letter, bytes) = if kind.is_dir() {
            open.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            ('d', Vec::new())
        } else if kind.is_symlink() {
            ('l', fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes())
        } else if kind.is_file() {
            let read = metadata.len() <= MOST_COMPARED;
            ('f', if read { fs::read(&path).unwrap() } else { metadata.len().to_le_bytes().to_vec() })
        } else {
            (if kind.is_fifo() { 'p' } else { '?' }, Vec::new())
        };
        let place = path.strip_prefix(folder).unwrap().to_string_lossy().into_owned();
        found.insert(place, (letter, metadata.permissions().mode(), bytes));
    }
    found
}

/// The places in which two folders differ.
pub(crate) fn differing(
    before: &BTreeMap<String, (char, u32, Vec<u8>)>,
    after: &BTreeMap<String, (char, u32, Vec<u8>)>,
) -> BTreeSet<String> {
    let places: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    places.into_iter().filter(|place| before.get(*place) != after.get(*place)).cloned().collect()
}

/// How many results lie at the depth of results, counted without the product.
pub(crate) fn results(folder: &Path) -> usize {
    let found = Command::new("find")
        .arg(folder)
        .args(["-mindepth", "4", "-maxdepth", "4", "-path", "*/T*/run_*/run_result.json", "-type", "f"])
        .output()
        .unwrap();
    assert!(found.status.success());
    found.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).count()
}

/// What `verify` said.
pub(crate) struct Verified {
    pub(crate) code: i32,
    pub(crate) report: Value,
}

/// Verifies a folder, which must not change by it.
#[track_caller]
pub(crate) fn verify(world: &World, folder: &Path) -> Verified {
    let before = contents(folder);
    let output = world.scylla(&["verify", folder.to_str().unwrap(), "--format", "json"]);
    let changed = differing(&before, &contents(folder));
    assert!(changed.is_empty(), "verify changed {changed:?}");
    let report = serde_json::from_str(&output.stdout).unwrap_or_else(|_| panic!("{output}"));
    Verified { code: output.code.unwrap(), report }
}

impl Verified {
    pub(crate) fn findings(&self) -> &Vec<Value> {
        self.report["findings"].as_array().unwrap()
    }

    /// Each finding's kind and place.
    pub(crate) fn places(&self) -> BTreeSet<(String, String)> {
        let text = |finding: &Value, key: &str| finding[key].as_str().unwrap().to_owned();
        self.findings().iter().map(|finding| (text(finding, "kind"), text(finding, "place"))).collect()
    }

    /// The places of one kind.
    pub(crate) fn of(&self, kind: &str) -> Vec<String> {
        self.places().into_iter().filter(|(found, _)| found == kind).map(|(_, place)| place).collect()
    }

    /// The same, which must have ended with this code.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{:#}", self.report);
        self
    }
}
