//! The claim of a run: whoever works on a run holds it, as the lock of the experiment is held, so that no two workers ever do, in one
//! process or in two. It belongs to the run and not to one of its attempts, so it stays in place when those are moved.

use std::io;
use std::path::Path;

use crate::model::ids::RunId;
use crate::model::survey::Holder;
use crate::os::files::{self, FileError};
use crate::os::lock::{self, CardWatch, ExperimentLock, LockError};

use super::StoreError;
use super::layout::{ExperimentFolder, claim_of};

/// A run that this worker has claimed. Dropping it, or the end of the process, releases it.
#[derive(Debug)]
pub struct Claim(Option<ExperimentLock>);

impl Claim {
    /// Claims a run.
    ///
    /// # Errors
    /// [`StoreError::Claimed`] when another worker has it; when its lock cannot be made or taken.
    pub fn acquire(folder: &ExperimentFolder, run: RunId, holder: &Holder) -> Result<Self, StoreError> {
        let path = folder.claim(run);
        let take = || ExperimentLock::acquire(&path, holder, lock::PATIENCE);
        let taken = match take() {
            Err(LockError::Io { error, .. }) if error.kind() == io::ErrorKind::NotFound => {
                files::create_dir_durable(&folder.subtest(run.tier, run.subtest))?;
                take()
            }
            taken => taken,
        };
        match taken {
            Ok(lock) => Ok(Self(Some(lock))),
            Err(LockError::Locked(holder)) => Err(StoreError::Claimed { run, holder }),
            Err(error) => Err(error.into()),
        }
    }

    /// Fails when the claim is lost, where it is not the kernel that holds it.
    ///
    /// # Errors
    /// When it is.
    pub fn must_hold(&self) -> Result<(), LockError> {
        self.0.as_ref().map_or(Ok(()), ExperimentLock::check_card)
    }

    /// By what it is seen whether the claim is lost; `None` where the kernel holds it.
    #[must_use]
    pub fn watch(&self) -> Option<CardWatch> {
        self.0.as_ref().and_then(ExperimentLock::watch)
    }

    /// Takes a claim over from a worker that is known to be gone or cut off, whatever of it the kernel still holds.
    ///
    /// # Errors
    /// When the lock cannot be made.
    pub fn take_over(folder: &ExperimentFolder, run: RunId, holder: &Holder) -> Result<Self, StoreError> {
        let path = folder.claim(run);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(FileError::new("remove", &path, error).into());
            }
            _ => {}
        }
        Self::acquire(folder, run, holder)
    }
}

impl Drop for Claim {
    /// Removes the file: nothing remains of a claim that nobody holds.
    fn drop(&mut self) {
        if let Some(lock) = self.0.take() {
            lock.remove();
        }
    }
}

/// Begins to watch all claims of an experiment, while it is waited to see whether its coordinator is gone: those of its workers then lapse in the
/// same time. What cannot be listed is watched later.
pub fn begin_watch(folder: &ExperimentFolder) {
    let below = |path: &Path| std::fs::read_dir(path).into_iter().flatten().flatten().map(|entry| entry.path());
    for subtest in below(folder.root()).flat_map(|tier| below(&tier).collect::<Vec<_>>()) {
        for claim in below(&subtest).filter(|path| is_claim(path)) {
            lock::begin_watch(&claim);
        }
    }
}

fn is_claim(path: &Path) -> bool {
    path.file_name().and_then(|name| name.to_str()).is_some_and(|name| claim_of(name).is_some())
}

/// Who has claimed a run; `None` when nobody has.
///
/// # Errors
/// When its lock cannot be tested.
pub fn claimed_by(folder: &ExperimentFolder, run: RunId) -> Result<Option<Holder>, StoreError> {
    Ok(lock::probe(&folder.claim(run))?)
}

/// Whether somebody has claimed a run, as far as one look shows; `None` when it takes longer to know. It is watched from then on.
///
/// # Errors
/// When its lock cannot be tested.
pub fn is_claimed(folder: &ExperimentFolder, run: RunId) -> Result<Option<bool>, StoreError> {
    Ok(lock::peek(&folder.claim(run))?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sample::{self, run};

    fn holder(pid: u32) -> Holder {
        Holder { pid, host: "here".to_owned(), since: sample::NOW.to_owned() }
    }

    #[test]
    fn a_run_is_claimed_once_until_its_worker_lets_go_and_nothing_is_left_of_it() {
        let sample = sample::experiment();
        let take = |pid| Claim::acquire(&sample.folder, run("T0/07/3"), &holder(pid));
        let first = take(1).unwrap();
        assert_eq!(claimed_by(&sample.folder, run("T0/07/3")).unwrap(), Some(holder(1)));
        assert!(matches!(take(2), Err(StoreError::Claimed { holder: Holder { pid: 1, .. }, .. })));
        let beside = Claim::acquire(&sample.folder, run("T0/07/4"), &holder(2)).unwrap();
        drop(first);
        assert_eq!(claimed_by(&sample.folder, run("T0/07/3")).unwrap(), None);
        assert!(!sample.folder.claim(run("T0/07/3")).exists());
        drop((take(2).unwrap(), beside));
    }

    #[test]
    fn the_file_of_a_dead_worker_claims_nothing_and_its_name_is_known() {
        let sample = sample::experiment();
        let path = sample.folder.claim(run("T0/00/1"));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, serde_json::to_vec(&holder(1)).unwrap()).unwrap();
        assert_eq!(claimed_by(&sample.folder, run("T0/00/1")).unwrap(), None);
        let seen = crate::store::survey::survey(&sample.folder, crate::store::survey::Depth::Results).unwrap();
        assert_eq!((seen.claimed.len(), seen.claims_left.len(), seen.foreign), (0, 1, Vec::<String>::new()));
        drop(Claim::acquire(&sample.folder, run("T0/00/1"), &holder(2)).unwrap());
        assert!(!path.exists());
    }
}
