//! What a run's folder holds, parted from a worker that has lost the run and may live on.

use std::io::ErrorKind;

use crate::os::files::{self, FileError};

use super::RunStore;
use crate::store::layout::{AGENT, CHECKS, GRADINGS, JUDGE};
use crate::store::{StoreError, evidence};

/// Folders with files that programs of a run have open.
const OPEN: [&str; 4] = [AGENT, CHECKS, JUDGE, GRADINGS];

impl RunStore {
    /// Gives an unfinished run files that nobody has open, with what is in them now. A worker that lost the run may only have stood still:
    /// when it goes on, it writes where nobody looks, until it learns that it has lost the run. The mark of its process is removed,
    /// because nobody else may end that.
    ///
    /// # Errors
    /// When a file cannot be copied.
    pub fn part_from_former_worker(&self) -> Result<(), StoreError> {
        let mark = self.own.mark();
        match std::fs::remove_file(&mark) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(FileError::new("remove", &mark, error))?,
            _ => {}
        }
        for folder in OPEN.map(|name| self.own.root().join(name)) {
            if files::kind_of(&folder)?.is_some() {
                for file in evidence::files_below(&folder)? {
                    files::part_from_writers(&folder.join(file))?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write as _;

    use super::*;
    use crate::store::sample;

    #[test]
    fn what_a_former_worker_still_writes_is_no_part_of_the_run_any_more() {
        let sample = sample::experiment();
        let store = RunStore::new(&sample.folder, sample::run("T0/00/1"));
        store.part_from_former_worker().unwrap();
        store.begin().unwrap();
        let (log, mark) = (store.folder().agent_stdout(), store.folder().mark());
        let mut open = fs::File::create(&log).unwrap();
        open.write_all(b"before").unwrap();
        fs::write(&mark, "{}").unwrap();
        store.part_from_former_worker().unwrap();
        open.write_all(b" and after").unwrap();
        assert_eq!(fs::read(&log).unwrap(), b"before");
        assert!(!mark.exists());
        let names: Vec<_> = fs::read_dir(log.parent().unwrap()).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert!(names.iter().all(|path| !path.to_str().unwrap().contains(files::TEMPORARY_PREFIX)), "{names:?}");
    }
}
