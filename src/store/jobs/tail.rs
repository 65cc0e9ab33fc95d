//! Reads what workers of a run report, as it grows.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;

use crate::model::ids::RunId;
use crate::model::job_line::JobLine;
use crate::os::files;
use crate::store::layout::ExperimentFolder;

use super::start::{BEAT, LOG, place_of};

/// Most bytes that are read of a report at once.
const PART_BYTES: usize = 256 << 10;
/// Most bytes of a sign of life.
const MOST_BEAT_BYTES: u64 = 64;

/// The reports of the newest worker of a run.
#[derive(Debug)]
pub struct Tail {
    starts: PathBuf,
    /// The number of the start that is read; one that nobody has made yet while the worker has not begun.
    number: u32,
    /// How much of its report was read.
    read: u64,
}

impl Tail {
    /// The reports of the first start after this one, and of those that follow it.
    #[must_use]
    pub fn after(folder: &ExperimentFolder, run: RunId, number: u32) -> Self {
        Self { starts: folder.starts(run), number: number + 1, read: 0 }
    }

    /// The number of the start that is read.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.number
    }

    /// The whole lines that are new since the last call; `None` when no worker has begun yet. What is no line of a worker's is left out.
    ///
    /// # Errors
    /// When the report cannot be read.
    pub fn read_on(&mut self) -> io::Result<Option<Vec<JobLine>>> {
        let Some(mut lines) = self.read()? else { return Ok(None) };
        // A later start has the run, whatever the earlier one goes on to report.
        while place_of(&self.starts, self.number + 1).is_dir() {
            (self.number, self.read) = (self.number + 1, 0);
            lines.extend(self.read()?.unwrap_or_default());
        }
        Ok(Some(lines))
    }

    fn read(&mut self) -> io::Result<Option<Vec<JobLine>>> {
        let file = match File::open(place_of(&self.starts, self.number).join(LOG)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut lines = Vec::new();
        if file.metadata()?.len() <= self.read {
            return Ok(Some(lines));
        }
        loop {
            let mut part = vec![0; PART_BYTES];
            let length = file.read_at(&mut part, self.read)?;
            let Some(end) = part[..length].iter().rposition(|byte| *byte == b'\n') else {
                // A line that is longer than a part is none of ours.
                if length == PART_BYTES {
                    self.read += length as u64;
                    continue;
                }
                return Ok(Some(lines));
            };
            lines.extend(part[..end].split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()));
            self.read += end as u64 + 1;
            if length < PART_BYTES {
                return Ok(Some(lines));
            }
        }
    }

    /// The last sign of life of the worker whose report is read: it lives as long as this changes.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn beat(&self) -> io::Result<Vec<u8>> {
        let path = place_of(&self.starts, self.number).join(BEAT);
        files::read_end(&path, MOST_BEAT_BYTES).map(Option::unwrap_or_default).map_err(io::Error::other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::survey::Holder;
    use crate::store::jobs::Start;
    use crate::store::sample::{self, run};

    #[test]
    fn reports_are_read_as_they_grow_and_a_later_worker_replaces_an_earlier_one() {
        let sample = sample::experiment();
        let run = run("T0/07/3");
        let mut tail = Tail::after(&sample.folder, run, 0);
        assert_eq!(tail.read_on().unwrap(), None);
        let began = JobLine::Began(Holder::default());
        let first = Start::begin(&sample.folder, run, &began).unwrap();
        assert_eq!(tail.read_on().unwrap(), Some(vec![began.clone()]));
        assert_eq!(tail.read_on().unwrap(), Some(vec![]));
        let asks = |model: &str| JobLine::Asks(model.to_owned());
        first.report(&asks("one")).unwrap();
        first.report(&asks("two")).unwrap();
        assert_eq!(tail.read_on().unwrap(), Some(vec![asks("one"), asks("two")]));
        first.beat(7).unwrap();
        assert_eq!(tail.beat().unwrap(), b"7");
        first.report(&asks("three")).unwrap();
        let second = Start::begin(&sample.folder, run, &began).unwrap();
        second.report(&asks("four")).unwrap();
        assert_eq!(tail.read_on().unwrap(), Some(vec![asks("three"), began, asks("four")]));
        assert_eq!((tail.number(), tail.beat().unwrap()), (2, Vec::new()));
        first.report(&asks("late")).unwrap();
        assert_eq!(tail.read_on().unwrap(), Some(vec![]));
    }

    #[test]
    fn a_line_that_is_not_whole_yet_is_read_when_it_is_and_what_is_none_is_left_out() {
        use std::io::Write as _;
        let sample = sample::experiment();
        let run = run("T0/07/3");
        let mut tail = Tail::after(&sample.folder, run, 0);
        let start = Start::begin(&sample.folder, run, &JobLine::Asked(true)).unwrap();
        let path = place_of(&sample.folder.starts(run), start.number()).join(LOG);
        let mut log = File::options().append(true).open(path).unwrap();
        log.write_all(b"{\"asks\":\"on").unwrap();
        assert_eq!(tail.read_on().unwrap(), Some(vec![JobLine::Asked(true)]));
        log.write_all(b"e\"}\ngarbage\n{\"asked\":false}\n").unwrap();
        assert_eq!(tail.read_on().unwrap(), Some(vec![JobLine::Asks("one".to_owned()), JobLine::Asked(false)]));
    }
}
