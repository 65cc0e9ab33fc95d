//! Threads that share a list of work; alone, because several levels of a folder are read by them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

/// Threads beyond the number of cores: while one waits for the disk, another reads.
const BEYOND_CORES: usize = 8;
/// More threads than this gain nothing.
const MOST_THREADS: usize = 16;

/// Does every piece of work once, on a suitable number of threads. Each thread has a state of its own, which is passed
/// to `end`.
pub(super) fn share<Work: Sync, State>(
    work: &[Work],
    begin: impl Fn() -> State + Sync,
    each: impl Fn(&mut State, &Work) + Sync,
    end: impl Fn(State) + Sync,
) {
    let next = AtomicUsize::new(0);
    let labour = || {
        let mut state = begin();
        while let Some(piece) = work.get(next.fetch_add(1, Ordering::Relaxed)) {
            each(&mut state, piece);
        }
        end(state);
    };
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let threads = (cores + BEYOND_CORES).min(MOST_THREADS).min(work.len());
    thread::scope(|scope| {
        // The calling thread is one of them; if no more can be started, the others do the work.
        for _ in 1..threads {
            if thread::Builder::new().spawn_scoped(scope, labour).is_err() {
                break;
            }
        }
        labour();
    });
}

/// What is read of each of these, where something is, on a suitable number of threads.
pub(super) fn read_each<Key: Ord + Copy + Sync + Send, Value: Send>(
    keys: &[Key],
    read: impl Fn(Key) -> Option<Value> + Sync,
) -> BTreeMap<Key, Value> {
    let all = Mutex::new(Vec::with_capacity(keys.len()));
    let take = |mut part: Vec<(Key, Value)>| all.lock().unwrap_or_else(PoisonError::into_inner).append(&mut part);
    let each = |part: &mut Vec<(Key, Value)>, key: &Key| part.extend(read(*key).map(|value| (*key, value)));
    share(keys, Vec::new, each, take);
    // Made at once: joining the threads' maps one after the other would move every value several times.
    all.into_inner().unwrap_or_else(PoisonError::into_inner).into_iter().collect()
}
