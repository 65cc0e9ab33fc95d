use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use super::*;

fn file(lock: &ExperimentLock) -> &File {
    match &lock.hold {
        Hold::Kernel(file) => file,
        Hold::Renewed(card) => panic!("{card:?}"),
    }
}

fn me() -> Holder {
    Holder { pid: std::process::id(), host: "here".into(), since: "2026-01-20T06:50:26Z".into() }
}

#[test]
fn a_second_coordinator_is_told_who_holds_the_experiment() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("experiment.lock");
    assert_eq!(probe(&path).unwrap(), None);
    assert!(!path.exists(), "a probe creates nothing");

    let lock = ExperimentLock::acquire(&path, &me(), Duration::ZERO).unwrap();
    assert_eq!(probe(&path).unwrap(), Some(me()));
    let second = ExperimentLock::acquire(&path, &Holder::default(), Duration::from_millis(30));
    assert!(matches!(&second, Err(LockError::Locked(holder)) if *holder == me()), "{second:?}");
    assert_eq!(probe(&path).unwrap(), Some(me()), "the refused one has written nothing");

    drop(lock);
    assert_eq!(probe(&path).unwrap(), None);
    assert_eq!(std::fs::read(&path).unwrap(), b"", "a lock that nobody holds names nobody");
    ExperimentLock::acquire(&path, &me(), Duration::ZERO).unwrap();
}

/// A copy of the open file is what a program has that another thread is just starting.
#[test]
fn a_lock_that_is_released_is_free_also_while_another_program_is_being_started() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("experiment.lock");
    let lock = ExperimentLock::acquire(&path, &me(), Duration::ZERO).unwrap();
    let copy = file(&lock).try_clone().unwrap();
    drop(lock);
    assert_eq!(probe(&path).unwrap(), None);
    let lock = ExperimentLock::acquire(&path, &me(), Duration::ZERO).unwrap();
    let copies = [copy, file(&lock).try_clone().unwrap()];
    lock.remove();
    ExperimentLock::acquire(&path, &me(), Duration::ZERO).unwrap();
    drop(copies);

    let looked_at = files::open_lock(&path, false).unwrap();
    assert!(!LockedFile::is_held(&looked_at).unwrap());
    ExperimentLock::acquire(&path, &me(), Duration::ZERO).unwrap();
}

#[test]
fn a_shorter_holder_leaves_nothing_of_a_longer_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("experiment.lock");
    let long = Holder { host: "x".repeat(500), ..me() };
    drop(ExperimentLock::acquire(&path, &long, Duration::ZERO).unwrap());
    let lock = ExperimentLock::acquire(&path, &me(), Duration::ZERO).unwrap();
    assert_eq!(probe(&path).unwrap(), Some(me()));
    drop(lock);
}

#[test]
fn a_holder_says_how_far_it_is_asked_to_stop_and_one_of_an_earlier_version_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("experiment.lock");
    let lock = ExperimentLock::acquire(&path, &me(), Duration::ZERO).unwrap();
    assert_eq!(stopping(&path).unwrap(), None);
    for level in [StopLevel::Drain, StopLevel::Terminate, StopLevel::Kill] {
        lock.write_stopping(level);
        assert_eq!((stopping(&path).unwrap(), probe(&path).unwrap()), (Some(level), Some(me())));
    }
    std::fs::write(&path, r#"{"pid": 4711}"#).unwrap();
    assert_eq!((stopping(&path).unwrap(), probe(&path).unwrap().map(|holder| holder.pid)), (None, Some(4711)));
    std::fs::write(&path, "torn").unwrap();
    assert_eq!((stopping(&path).unwrap(), probe(&path).unwrap()), (None, Some(Holder::default())));
}

#[test]
fn the_lock_dies_with_its_process() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("experiment.lock");
    // As left behind by a coordinator that was killed.
    std::fs::write(&path, serde_json::to_vec(&me()).unwrap()).unwrap();

    // `--no-fork` makes the shell itself keep the lock, so that one kill ends all.
    let mut child = Command::new("flock")
        .args(["--exclusive", "--no-fork"])
        .arg(&path)
        .args(["sh", "-c", "echo held; exec sleep 1000"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut said).unwrap();
    assert_eq!(said, "held\n");
    assert_eq!(probe(&path).unwrap(), Some(me()), "the file names the last that told");
    assert!(matches!(ExperimentLock::acquire(&path, &me(), Duration::ZERO), Err(LockError::Locked(_))));

    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(probe(&path).unwrap(), None);
    ExperimentLock::acquire(&path, &me(), Duration::ZERO).unwrap();
}

#[test]
fn a_lock_whose_file_was_replaced_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("experiment.lock");
    let lock = ExperimentLock::acquire(&path, &me(), Duration::ZERO).unwrap();
    lock.check().unwrap();
    std::fs::remove_file(&path).unwrap();
    assert!(matches!(lock.check(), Err(LockError::Lost(_))));
    let second = ExperimentLock::acquire(&path, &me(), Duration::ZERO).unwrap();
    assert!(matches!(lock.check(), Err(LockError::Lost(_))));
    second.check().unwrap();
}

#[test]
fn a_probe_does_not_keep_a_coordinator_out() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("experiment.lock");
    std::fs::write(&path, "").unwrap();
    let probed = files::open_lock(&path, false).unwrap();
    probed.try_lock_shared().unwrap();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| ExperimentLock::acquire(&path, &me(), Duration::from_mins(1)).map(drop));
        drop(probed);
        waiting.join().unwrap().unwrap();
    });
}

#[test]
fn a_link_or_fifo_is_no_lock() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("experiment.lock");
    std::os::unix::fs::symlink("elsewhere", &path).unwrap();
    assert!(matches!(ExperimentLock::acquire(&path, &me(), Duration::ZERO), Err(LockError::Io { .. })));
    assert!(!folder.path().join("elsewhere").exists());
}
