use std::fs;
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::os::lock::{Hold, probe};

fn holder(pid: u32, host: &str) -> Holder {
    Holder { pid, host: host.to_owned(), since: "2026-01-20T06:50:26Z".to_owned() }
}

fn me() -> Holder {
    holder(std::process::id(), "here")
}

/// A card of a process that cannot be looked at from here.
fn of_another(word: &str, signs: u64) -> Vec<u8> {
    let process = ProcessMark { boot_id: "another".to_owned(), ..ProcessMark::own() };
    let mut renewal = Renewal { word: word.to_owned(), sign: String::new(), process };
    renewal.count(signs);
    Card { holder: holder(7, "elsewhere"), renewal: Some(renewal), stopping: None }.text().unwrap()
}

/// A card of a process of this machine that has ended.
fn of_a_dead_one() -> Vec<u8> {
    let process = ProcessMark { start_time: 1, ..ProcessMark::own() };
    let renewal = Renewal { word: "dead".to_owned(), sign: "0000000007".to_owned(), process };
    Card { holder: me(), renewal: Some(renewal), stopping: None }.text().unwrap()
}

fn taken(lapse: Duration, path: &Path) -> Result<Renewed, LockError> {
    take_after(lapse, path, &me(), &mut |_| ())
}

fn names(folder: &Path) -> Vec<String> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn a_card_is_held_by_one_is_renewed_and_goes_with_its_holder() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("experiment.lock");
    let lock = taken(LAPSE, &path).unwrap();
    lock.check().unwrap();
    assert_eq!(glance(&path).unwrap(), Some(me()));
    assert!(matches!(taken(LAPSE, &path), Err(LockError::Locked(holder)) if holder == me()));
    let first = fs::read(&path).unwrap();
    lock.write_stopping(StopLevel::Drain);
    let deadline = Instant::now() + Duration::from_mins(1);
    while fs::read_to_string(&path).unwrap().contains("0000000000") {
        assert!(Instant::now() < deadline, "it is not renewed");
        thread::sleep(BETWEEN_LOOKS);
    }
    let renewed = Card::of(&fs::read(&path).unwrap());
    assert!(renewed.is_of(&lock.shared.word) && renewed.stopping == Some(StopLevel::Drain) && first.len() > 100);
    drop(lock);
    assert_eq!((names(folder.path()), glance(&path).unwrap()), (Vec::new(), None));
}

#[test]
fn where_the_kernel_has_locks_a_card_counts_too_and_a_lock_is_made_when_it_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("experiment.lock");
    let acquire = || super::super::ExperimentLock::acquire(&path, &me(), Duration::ZERO);
    let card = taken(LAPSE, &path).unwrap();
    assert_eq!(probe(&path).unwrap(), Some(me()));
    assert!(matches!(acquire(), Err(LockError::Locked(_))));
    drop(card);
    fs::write(&path, of_a_dead_one()).unwrap();
    assert_eq!(probe(&path).unwrap(), None);
    assert!(matches!(acquire().unwrap().hold, Hold::Kernel(_)));
}

/// Many take a card over at once, again and again.
fn one_wins(stale: &[u8], lapse: Duration) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("experiment.lock");
    for _ in 0..5 {
        fs::write(&path, stale).unwrap();
        let (begin, won) = (Barrier::new(24), AtomicUsize::new(0));
        let held: Vec<Option<Renewed>> = thread::scope(|scope| {
            let tries = (0..24).map(|_| {
                scope.spawn(|| {
                    begin.wait();
                    match taken(lapse, &path) {
                        Ok(lock) => {
                            won.fetch_add(1, Ordering::SeqCst);
                            Some(lock)
                        }
                        Err(LockError::Locked(_)) => None,
                        Err(error) => panic!("{error}"),
                    }
                })
            });
            let tries: Vec<_> = tries.collect();
            tries.into_iter().map(|one| one.join().unwrap()).collect()
        });
        assert_eq!(won.load(Ordering::SeqCst), 1);
        held.iter().flatten().for_each(|lock| lock.check().unwrap());
        drop(held);
        assert_eq!(names(folder.path()), Vec::<String>::new(), "nothing is left of any of them");
    }
}

#[test]
fn of_many_who_find_the_card_of_a_dead_process_exactly_one_gets_the_lock() {
    one_wins(&of_a_dead_one(), LAPSE);
}

#[test]
fn of_many_who_wait_for_a_card_that_lapses_exactly_one_gets_the_lock() {
    one_wins(&of_another("stale", 7), Duration::from_millis(300));
}

#[test]
fn of_many_who_find_an_empty_file_exactly_one_gets_the_lock() {
    one_wins(b"", Duration::from_millis(300));
}

#[test]
fn a_card_of_another_machine_that_is_renewed_is_held_and_one_that_is_not_lapses() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("experiment.lock");
    fs::write(&path, of_another("living", 1)).unwrap();
    let lapse = Duration::from_secs(30);
    let done = OnceLock::new();
    thread::scope(|scope| {
        scope.spawn(|| {
            for signs in 2.. {
                if done.get().is_some() {
                    return;
                }
                fs::write(folder.path().join("next"), of_another("living", signs)).unwrap();
                fs::rename(folder.path().join("next"), &path).unwrap();
                thread::sleep(BETWEEN_LOOKS);
            }
        });
        let found = (taken(lapse, &path).map(drop), glance(&path));
        done.get_or_init(|| ());
        assert!(matches!(&found.0, Err(LockError::Locked(holder)) if holder.host == "elsewhere"), "{found:?}");
        assert_eq!(found.1.unwrap().map(|holder| holder.pid), Some(7));
    });
    let path = folder.path().join("second.lock");
    fs::write(&path, of_another("dead", 1)).unwrap();
    let mut waits = 0;
    let begun = Instant::now();
    let lapse = Duration::from_secs(4);
    take_after(lapse, &path, &me(), &mut |holder| waits += usize::from(holder.host == "elsewhere")).unwrap();
    assert!(begun.elapsed() >= lapse && waits > 0, "{waits} after {:?}", begun.elapsed());
}

#[test]
fn a_holder_whose_card_was_replaced_or_removed_knows_it_and_leaves_what_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("experiment.lock");
    let lock = taken(LAPSE, &path).unwrap();
    fs::remove_file(&path).unwrap();
    fs::write(&path, of_another("other", 3)).unwrap();
    let deadline = Instant::now() + Duration::from_mins(1);
    while lock.glance().is_ok() {
        assert!(Instant::now() < deadline, "its thread does not see it");
        thread::sleep(BETWEEN_LOOKS);
    }
    assert!(matches!(lock.check(), Err(LockError::Lost(_))));
    lock.write_stopping(StopLevel::Kill);
    drop(lock);
    assert_eq!(fs::read(&path).unwrap(), of_another("other", 3));

    let second = folder.path().join("second.lock");
    let lock = taken(LAPSE, &second).unwrap();
    fs::remove_file(&second).unwrap();
    assert!(matches!(lock.check(), Err(LockError::Lost(_))));
}

#[test]
fn a_card_that_is_away_for_a_moment_is_not_lost() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("experiment.lock");
    let lock = taken(LAPSE, &path).unwrap();
    let aside = folder.path().join("aside");
    fs::rename(&path, &aside).unwrap();
    thread::scope(|scope| {
        let checked = scope.spawn(|| lock.check());
        fs::rename(&aside, &path).unwrap();
        checked.join().unwrap().unwrap();
    });
}

#[test]
fn a_holder_that_could_give_no_sign_of_life_for_too_long_has_lost_the_lock_and_gives_none_any_more() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("experiment.lock");
    let lock = taken(LAPSE, &path).unwrap();
    let long_ago = Instant::now().checked_sub(CUT_OFF + Duration::from_secs(5)).unwrap();
    // As after the process was stopped for so long: its thread comes first, or this one.
    let mut last = lock.shared.last.lock().unwrap();
    *last = long_ago;
    drop(last);
    lock.shared.renew(0);
    assert!(matches!(lock.check(), Err(LockError::CutOff(_))));
    let text = fs::read(&path).unwrap();
    lock.shared.renew(0);
    drop(lock);
    assert_eq!(fs::read(&path).unwrap(), text, "who finds it waits until it lapses, or sees that its process is gone");
}
