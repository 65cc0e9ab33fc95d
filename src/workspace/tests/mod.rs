//! Trees through real git: a fixture, its `repo.git`, a workspace that is changed in every way, and the rebuilt tree.

mod base;
mod capture;
mod composed;
mod fetched;
mod hostile;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::base::{Layers, make_base, make_baselines};
use super::capture::{Captured, capture};
use super::checkout::checkout;
use super::prepare::{Baseline, prepare};
use crate::model::ids::{SubtestId, TierId};
use crate::model::task::Source;

const T0: TierId = TierId(0);
const PLAIN: SubtestId = SubtestId(0);
const OVERLAID: SubtestId = SubtestId(1);

/// An agent's change to its workspace.
type Edit = fn(&Path);

/// A folder with a fixture, and paths for everything that is made from it.
struct World {
    root: tempfile::TempDir,
}

impl World {
    /// A fixture whose source has files of every kind.
    fn new() -> Self {
        let world = Self { root: tempfile::tempdir().unwrap() };
        let source = world.fixture_dir().join("source");
        for (name, text) in [
            ("README.md", "one\ntwo\n"),
            ("src/main.rs", "fn main() {}\n"),
            ("src/deep/er/file", "deep\n"),
            ("crlf.bat", "a\r\nb\n"),
            ("empty", ""),
            (".gitignore", "target/\n*.log\n"),
            (".gitattributes", "*.bat text eol=crlf\n*.rs filter=evil diff=evil\n*.id ident\n"),
            ("keyword.id", "$Id$\n"),
            ("kept.log", "the source has it although it is ignored\n"),
        ] {
            write(&source.join(name), text.as_bytes());
        }
        write(&source.join("binary"), &(0..=255).collect::<Vec<u8>>());
        write(&source.join("run.sh"), b"#!/bin/sh\n");
        set_mode(&source.join("run.sh"), 0o755);
        std::os::unix::fs::symlink("README.md", source.join("link")).unwrap();
        write(&world.fixture_dir().join("overlays/one/CLAUDE.md"), b"the only overlay\n");
        write(&world.fixture_dir().join("overlays/one/src/main.rs"), b"fn main() { overlaid() }\n");
        world
    }

    /// The same, with `repo.git` and baselines.
    fn made() -> Self {
        let world = Self::new();
        world.make(&Source::Folder);
        world
    }

    fn make(&self, source: &Source) -> String {
        let base = make_base(&self.repo_git(), &self.fixture_dir(), source).unwrap();
        let overlaid = Layers { overlay: Some("overlays/one".into()), ..Layers::default() };
        let layers = BTreeMap::from([((T0, PLAIN), Layers::default()), ((T0, OVERLAID), overlaid)]);
        make_baselines(&self.repo_git(), &self.fixture_dir(), &base, &layers).unwrap();
        base
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    fn fixture_dir(&self) -> PathBuf {
        self.path("fixture")
    }

    fn repo_git(&self) -> PathBuf {
        self.path("repo.git")
    }

    fn workspace(&self) -> PathBuf {
        self.path("run/workspace")
    }

    fn prepare(&self, subtest: SubtestId) -> Baseline {
        prepare(&self.repo_git(), &self.workspace(), T0, subtest).unwrap()
    }

    fn capture(&self, baseline: &Baseline) -> Captured {
        capture(&self.workspace(), &self.path("run/private"), baseline, &[]).unwrap()
    }

    /// Captures, rebuilds the tree elsewhere and compares the two.
    fn there_and_back(&self, baseline: &Baseline) -> Captured {
        let captured = self.capture(baseline);
        let patch = self.path("changes.patch");
        fs::write(&patch, &captured.patch).unwrap();
        let again = self.path("again");
        let _ = fs::remove_dir_all(&again);
        checkout(&self.repo_git(), T0, PLAIN, &patch, &again).unwrap();
        assert_eq!(tree(&again), tree(&self.workspace()), "{}", String::from_utf8_lossy(&captured.patch));
        captured
    }
}

/// What git keeps of a tree: the kind and bytes of each file, without repositories and pipes.
fn tree(folder: &Path) -> BTreeMap<Vec<u8>, (char, Vec<u8>)> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(now) = folders.pop() {
        for entry in fs::read_dir(&now).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(folder).unwrap().as_os_str().as_bytes().to_vec();
            let metadata = fs::symlink_metadata(&path).unwrap();
            if path.file_name().unwrap().eq_ignore_ascii_case(".git") {
            } else if metadata.is_symlink() {
                found.insert(name, ('l', fs::read_link(&path).unwrap().as_os_str().as_bytes().to_vec()));
            } else if metadata.is_dir() {
                folders.push(path);
            } else if metadata.is_file() {
                let kind = if metadata.permissions().mode() & 0o100 == 0 { 'f' } else { 'x' };
                found.insert(name, (kind, fs::read(&path).unwrap()));
            }
        }
    }
    found
}

fn write(path: &Path, bytes: &[u8]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn make_pipe(path: &Path) {
    rustix::fs::mkfifoat(rustix::fs::CWD, path, rustix::fs::Mode::RWXU).unwrap();
}

/// git as an agent or a person calls it, with the configuration of the folder.
fn git(folder: &Path, args: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "user.name=agent", "-c", "user.email=agent@localhost"])
        .args(args)
        .current_dir(folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .output()
        .unwrap();
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
}
