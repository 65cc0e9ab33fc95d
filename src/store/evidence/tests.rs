use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::Command;

use super::*;
use crate::store::sample::{self, Sample};
use crate::store::stages::RunStore;

/// A committed run with evidence, including names that an agent might choose.
fn committed() -> (Sample, RunFolder, Digest) {
    let sample = sample::experiment();
    let store = RunStore::new(&sample.folder, sample::run("T0/00/1"));
    let run = store.folder().clone();
    store.begin().unwrap();
    fs::write(run.agent_stdout(), "said").unwrap();
    fs::write(run.agent_stderr(), "").unwrap();
    store.write_agent_result(&sample::agent_result()).unwrap();
    for name in [&b"plain"[..], b"with space", b"line\nbreak", b"back\\slash", b"return\r", b"not-utf8-\xff"] {
        fs::write(run.record_dir().join(std::ffi::OsStr::from_bytes(name)), name).unwrap();
    }
    symlink("/etc/passwd", run.record_dir().join("link")).unwrap();
    sample::fifo(&run.record_dir().join("fifo"));
    store.write_patch(b"diff").unwrap();
    store.write_judgment(&sample::judgment(1, true)).unwrap();
    let mut result = sample::run_result(store.run(), true);
    store.commit(&mut result).unwrap();
    (sample, run, result.seal)
}

#[test]
fn a_seal_is_checked_by_sha256sum() {
    let (_sample, run, seal) = committed();
    let check = Command::new("sha256sum")
        .args(["--check", "--strict", "--quiet", "SHA256SUMS"])
        .current_dir(run.root())
        .output()
        .unwrap();
    assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stderr));
    let text = fs::read(run.seal()).unwrap();
    assert_eq!(Digest::of(&text), seal);
    assert_eq!(text.split(|byte| *byte == b'\n').count(), 12, "{}", String::from_utf8_lossy(&text));
    assert_eq!(check_seal(&run, Some(seal)).problems, [""; 0]);
}

#[test]
fn every_change_of_evidence_is_found() {
    type Change = fn(&RunFolder);
    let changes: [(&str, Change); 8] = [
        ("`agent/stdout.log` was altered", |run| fs::write(run.agent_stdout(), "sais").unwrap()),
        ("`agent/stderr.log` was altered", |run| fs::write(run.agent_stderr(), "x").unwrap()),
        ("`changes.patch` is gone", |run| fs::remove_file(run.patch()).unwrap()),
        ("`checks/new.log` was added", |run| fs::write(run.check_log("new"), "").unwrap()),
        ("`agent/stdout.log` is gone", |run| {
            fs::rename(run.agent_stdout(), run.root().join("elsewhere")).unwrap();
            symlink("../elsewhere", run.agent_stdout()).unwrap();
        }),
        ("there is no `SHA256SUMS`", |run| fs::remove_file(run.seal()).unwrap()),
        ("`SHA256SUMS` is not the one that the result names", |run| {
            let mut text = fs::read(run.seal()).unwrap();
            text.truncate(text.len() - 1);
            fs::write(run.seal(), text).unwrap();
        }),
        ("`agent/record/.tmp-mine` was added", |run| fs::write(run.record_dir().join(".tmp-mine"), "").unwrap()),
    ];
    for (expected, change) in changes {
        let (_sample, run, seal) = committed();
        change(&run);
        assert_eq!(check_seal(&run, Some(seal)).problems, [expected]);
    }
}

#[test]
fn a_seal_that_nobody_vouches_for_is_no_seal() {
    let (_sample, run, _) = committed();
    assert_eq!(check_seal(&run, None).problems, ["the result names no seal"]);
    fs::write(run.seal(), "not a seal\n").unwrap();
    assert_eq!(check_seal(&run, Some(Digest::of(b"not a seal\n"))).problems, ["`SHA256SUMS` is not a list of digests"]);
    let outside = format!("{}  ../../../../../../etc/passwd\n", Digest::of(b"").hex());
    fs::write(run.seal(), &outside).unwrap();
    let problems = check_seal(&run, Some(Digest::of(outside.as_bytes()))).problems;
    assert!(problems.contains(&"`../../../../../../etc/passwd` is gone".to_owned()), "{problems:?}");
}

#[test]
fn what_a_crash_left_is_no_evidence_and_is_named() {
    let (sample, run, seal) = committed();
    fs::write(run.agent().join(".tmp-crash"), "").unwrap();
    fs::write(run.root().join("stranger"), "").unwrap();
    fs::create_dir_all(run.workspace()).unwrap();
    fs::write(run.workspace().join("file"), "").unwrap();
    assert_eq!(check_seal(&run, Some(seal)).problems, [""; 0]);
    let places: Vec<_> = unknown_places(&run).unwrap().iter().map(|path| sample.folder.relative(path)).collect();
    assert_eq!(places, ["T0/00/run_01/agent/.tmp-crash", "T0/00/run_01/stranger"]);
}

#[test]
fn an_agent_cannot_hinder_the_seal_by_taking_rights_away() {
    let sample = sample::experiment();
    let store = RunStore::new(&sample.folder, sample::run("T0/00/1"));
    store.begin().unwrap();
    let locked = store.folder().record_dir().join("locked");
    fs::create_dir(&locked).unwrap();
    fs::write(locked.join("file"), "").unwrap();
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o000)).unwrap();
    assert!(seal(store.folder()).unwrap().ends_with(b"  agent/record/locked/file\n"));
}

#[test]
fn a_trees_digest_changes_with_everything_in_it() {
    type Change = fn(&Path);
    let changes: [(&str, Change); 7] = [
        ("bytes", |tree| fs::write(tree.join("a/file"), "other").unwrap()),
        ("name", |tree| fs::rename(tree.join("a/file"), tree.join("a/fil")).unwrap()),
        ("right to execute", |tree| {
            fs::set_permissions(tree.join("a/file"), fs::Permissions::from_mode(0o755)).unwrap();
        }),
        ("another file", |tree| fs::write(tree.join("b"), "").unwrap()),
        ("an empty folder", |tree| fs::create_dir(tree.join("c")).unwrap()),
        ("a link's target", |tree| {
            fs::remove_file(tree.join("link")).unwrap();
            symlink("b", tree.join("link")).unwrap();
        }),
        ("a file in place of a link", |tree| {
            fs::remove_file(tree.join("link")).unwrap();
            fs::write(tree.join("link"), "a").unwrap();
        }),
    ];
    let make = || {
        let tree = tempfile::tempdir().unwrap();
        fs::create_dir(tree.path().join("a")).unwrap();
        fs::write(tree.path().join("a/file"), "bytes").unwrap();
        symlink("a", tree.path().join("link")).unwrap();
        tree
    };
    let usual = digest_of_tree(make().path()).unwrap();
    assert!(usual.is_some());
    assert_eq!(digest_of_tree(make().path()).unwrap(), usual, "it does not depend on where and when");
    for (what, change) in changes {
        let tree = make();
        change(tree.path());
        assert_ne!(digest_of_tree(tree.path()).unwrap(), usual, "{what}");
    }
    let tree = make();
    assert_eq!(digest_of_tree(&tree.path().join("absent")).unwrap(), None);
    sample::fifo(&tree.path().join("fifo"));
    assert!(digest_of_tree(tree.path()).is_err());
}
