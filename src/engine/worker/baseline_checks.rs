//! What is known of the checks of untouched trees, shared by all workers of a session.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::model::result::ChecksResult;

/// What is known of a baseline; a worker that finds it out holds it meanwhile.
pub(in crate::engine) type Known = Arc<Mutex<Option<ChecksResult>>>;

/// What is known of each baseline, by its commit.
#[derive(Debug, Default)]
pub(in crate::engine) struct Untouched(Mutex<BTreeMap<String, Known>>);

impl Untouched {
    /// What is known of the baseline of a commit.
    pub(in crate::engine) fn of(&self, commit: &str) -> Known {
        Arc::clone(held(&self.0).entry(commit.to_owned()).or_default())
    }
}

/// Holds what a lock guards. What a worker that panicked knew is still right: it is put in whole.
pub(in crate::engine) fn held<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}
