//! The starts of workers for a run. Each has a number, and a higher number is a later one: whoever has a lower one writes nothing any
//! more. Numbers are given out by making a folder, which the file system lets only one process do.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use crate::model::ids::RunId;
use crate::model::job_line::JobLine;
use crate::os::files::{self, FileError};
use crate::store::StoreError;
use crate::store::layout::ExperimentFolder;

/// The signs of life of a worker, below the folder of its start.
pub(super) const BEAT: &str = "beat";
/// What a worker reports, below the folder of its start.
pub(super) const LOG: &str = "log.jsonl";

/// Nothing is done so often.
const MOST_NUMBER: u32 = 999_999_999;

/// One start of a worker for a run, by this process.
#[derive(Debug)]
pub struct Start {
    number: u32,
    starts: PathBuf,
    log: Mutex<File>,
}

/// The folder of the start with this number.
pub(super) fn place_of(starts: &Path, number: u32) -> PathBuf {
    starts.join(format!("{number:02}"))
}

/// The number of the newest start of a worker for a run; 0 when there was none.
///
/// # Errors
/// When the folder cannot be listed.
pub fn newest_start(folder: &ExperimentFolder, run: RunId) -> Result<u32, StoreError> {
    let starts = folder.starts(run);
    let failed = |error| FileError::new("list", &starts, error);
    let entries = match fs::read_dir(&starts) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(failed(error).into()),
    };
    let mut newest = 0;
    for entry in entries {
        let name = entry.map_err(failed)?.file_name();
        newest = newest.max(name.to_str().and_then(number_of).unwrap_or(0));
    }
    Ok(newest)
}

/// The number in a name that this program gave; a larger one is none of ours.
pub(super) fn number_of(name: &str) -> Option<u32> {
    name.parse().ok().filter(|number| *number <= MOST_NUMBER)
}

impl Start {
    /// Takes the next number for a run: every worker with a lower one is shut out from now on.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn begin(folder: &ExperimentFolder, run: RunId, first: &JobLine) -> Result<Self, StoreError> {
        let starts = folder.starts(run);
        fs::create_dir_all(&starts).map_err(|error| FileError::new("make the folder", &starts, error))?;
        let mut number = newest_start(folder, run)? + 1;
        loop {
            match files::create_new_dir(&place_of(&starts, number)) {
                Ok(()) => break,
                Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => number += 1,
                Err(error) => return Err(error.into()),
            }
        }
        let path = place_of(&starts, number).join(LOG);
        let log = File::options().append(true).create(true).open(&path);
        let log = log.map_err(|error| FileError::new("write", &path, error))?;
        let start = Self { number, starts, log: Mutex::new(log) };
        start.report(first)?;
        Ok(start)
    }

    /// Its number.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.number
    }

    /// Whether no later worker has begun.
    ///
    /// # Errors
    /// When that cannot be seen.
    pub fn is_newest(&self) -> io::Result<bool> {
        match fs::symlink_metadata(place_of(&self.starts, self.number + 1)) {
            Ok(_) => Ok(false),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// Gives a sign of life. Gives the time of it by the clock of the file system, which all machines share.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn beat(&self, count: u64) -> io::Result<SystemTime> {
        // It is closed at once: file systems of networks pass on what was written when a file is closed.
        let path = place_of(&self.starts, self.number).join(BEAT);
        fs::write(&path, count.to_string())?;
        fs::metadata(&path)?.modified()
    }

    /// Reports something, durably where it is the end.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn report(&self, line: &JobLine) -> Result<(), StoreError> {
        let path = place_of(&self.starts, self.number).join(LOG);
        let failed = |error: io::Error| FileError::new("write", &path, error);
        let mut bytes = serde_json::to_vec(line).map_err(|error| failed(error.into()))?;
        bytes.push(b'\n');
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        let mut write = || {
            log.write_all(&bytes)?;
            if matches!(line, JobLine::Ended(_)) { log.sync_all() } else { Ok(()) }
        };
        write().map_err(failed)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::survey::Holder;
    use crate::store::sample::{self, run};

    #[test]
    fn a_later_start_shuts_out_every_earlier_one_and_no_two_have_one_number() {
        let sample = sample::experiment();
        let begin = || Start::begin(&sample.folder, run("T0/07/3"), &JobLine::Began(Holder::default())).unwrap();
        assert_eq!(newest_start(&sample.folder, run("T0/07/3")).unwrap(), 0);
        let first = begin();
        assert!(first.is_newest().unwrap());
        let second = begin();
        assert_eq!((first.number(), second.number()), (1, 2));
        assert_eq!((first.is_newest().unwrap(), second.is_newest().unwrap()), (false, true));
        assert_eq!(newest_start(&sample.folder, run("T0/07/3")).unwrap(), 2);
        let numbers: Vec<u32> = std::thread::scope(|scope| {
            let all: Vec<_> = (0..8).map(|_| scope.spawn(|| begin().number())).collect();
            all.into_iter().map(|one| one.join().unwrap()).collect()
        });
        let distinct: std::collections::BTreeSet<u32> = numbers.into_iter().collect();
        assert_eq!(distinct, (3..=10).collect());
        // What somebody else put there is no start.
        fs::create_dir(sample.folder.starts(run("T0/07/3")).join("4294967295")).unwrap();
        assert_eq!(begin().number(), 11);
    }
}
