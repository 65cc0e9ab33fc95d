//! Batches of jobs: what was submitted together, recorded before it is submitted, so that a coordinator that is started again finds it.

use std::fs;
use std::io;
use std::path::PathBuf;

use crate::model::ids::RunId;
use crate::model::job::JobTask;
use crate::os::files::{self, FileError, ReadError};
use crate::os::random;
use crate::store::StoreError;
use crate::store::layout::ExperimentFolder;

use super::start::number_of;

/// The tasks of a batch, one to a line, below its folder.
const TASKS: &str = "tasks";
/// The name of its jobs, and the folder into which they write.
const NAME: &str = "name";
/// The script of its jobs.
const SCRIPT: &str = "job.sh";
/// The name that the batch system gave it.
const SUBMITTED: &str = "submitted";
/// That none of its jobs is left.
const ENDED: &str = "ended";
/// Most bytes of one of these files.
const MOST_BYTES: u64 = 64 << 20;
/// Letters of the word by which an experiment's jobs are known.
const TOKEN_LETTERS: usize = 8;

/// A batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    number: u32,
    place: PathBuf,
}

/// The word by which jobs of an experiment are known, which is drawn once.
///
/// # Errors
/// When it cannot be read or written.
pub fn batch_token(folder: &ExperimentFolder) -> Result<String, StoreError> {
    let path = folder.job_token();
    if let Some(bytes) = files::read_bounded(&path, MOST_BYTES)?
        && let Ok(word) = String::from_utf8(bytes)
        && word.len() == TOKEN_LETTERS
    {
        return Ok(word);
    }
    files::create_dir_durable(&folder.jobs())?;
    let word = random::word(TOKEN_LETTERS).map_err(|error| FileError::new("draw a word for", &path, error))?;
    files::write_atomic(&path, word.as_bytes())?;
    Ok(word)
}

impl Batch {
    /// Records a batch of tasks, durably. Each task is the runs that one job makes, one after the other. `name` is that of the jobs, which
    /// write into the experiment's folder as it is called now.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn record(folder: &ExperimentFolder, name: &str, tasks: &[Vec<JobTask>]) -> Result<Self, StoreError> {
        let batches = folder.batches();
        files::create_dir_durable(&folder.jobs())?;
        files::create_dir_durable(&batches)?;
        let mut number = numbers(folder)?.into_iter().max().unwrap_or(0) + 1;
        let place = loop {
            let place = batches.join(format!("{number:04}"));
            match files::create_new_dir(&place) {
                Ok(()) => break place,
                Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => number += 1,
                Err(error) => return Err(error.into()),
            }
        };
        let root = folder.root().canonicalize().unwrap_or_else(|_| folder.root().to_owned());
        files::write_atomic(&place.join(NAME), format!("{name}\n{}\n", root.display()).as_bytes())?;
        let line = |task: &Vec<JobTask>| task.iter().map(word_of).collect::<Vec<_>>().join(" ") + "\n";
        let lines: String = tasks.iter().map(line).collect();
        files::write_atomic(&place.join(TASKS), lines.as_bytes())?;
        Ok(Self { number, place })
    }

    /// The batches of which jobs may be left, by their numbers.
    ///
    /// # Errors
    /// When they cannot be listed.
    pub fn left(folder: &ExperimentFolder) -> Result<Vec<Self>, StoreError> {
        let of = |number| Self { number, place: folder.batches().join(format!("{number:04}")) };
        let mut all: Vec<Self> = numbers(folder)?.into_iter().map(of).collect();
        all.retain(|batch| !batch.place.join(ENDED).exists());
        all.sort_by_key(|batch| batch.number);
        Ok(all)
    }

    /// Its number.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.number
    }

    /// Its folder.
    #[must_use]
    pub fn place(&self) -> &std::path::Path {
        &self.place
    }

    /// The file of its tasks.
    #[must_use]
    pub fn tasks_file(&self) -> PathBuf {
        self.place.join(TASKS)
    }

    /// The file of its script.
    #[must_use]
    pub fn script_file(&self) -> PathBuf {
        self.place.join(SCRIPT)
    }

    /// The output of the job with this task, counted from 1.
    #[must_use]
    pub fn log(&self, task: usize) -> PathBuf {
        self.place.join(format!("{task}.log"))
    }

    /// Its tasks; none where the coordinator was killed before it wrote them: then nothing was submitted.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn tasks(&self) -> Result<Vec<Vec<JobTask>>, StoreError> {
        let bytes = files::read_bounded(&self.tasks_file(), MOST_BYTES)?.unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        Ok(text.lines().map(|line| line.split(' ').filter_map(task_of).collect()).collect())
    }

    /// The name of its jobs, and the folder into which they write.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn written_for(&self) -> Result<Option<(String, PathBuf)>, StoreError> {
        let bytes = files::read_bounded(&self.place.join(NAME), MOST_BYTES)?.unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        Ok(text.trim_end().split_once('\n').map(|(name, place)| (name.to_owned(), PathBuf::from(place))))
    }

    /// Records under which name it was submitted.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn submitted(&self, job: &str) -> Result<(), StoreError> {
        Ok(files::write_atomic(&self.place.join(SUBMITTED), job.as_bytes())?)
    }

    /// Under which name it was submitted, as far as that was recorded.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn job(&self) -> Result<Option<String>, ReadError> {
        let bytes = files::read_bounded(&self.place.join(SUBMITTED), MOST_BYTES)?;
        Ok(bytes.and_then(|bytes| String::from_utf8(bytes).ok()).map(|text| text.trim().to_owned()))
    }

    /// Records that no job of it is left.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn end(&self) -> Result<(), StoreError> {
        Ok(files::write_atomic(&self.place.join(ENDED), b"")?)
    }
}

fn numbers(folder: &ExperimentFolder) -> Result<Vec<u32>, StoreError> {
    let batches = folder.batches();
    let failed = |error| FileError::new("list", &batches, error);
    let entries = match fs::read_dir(&batches) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error).into()),
    };
    let mut found = Vec::new();
    for entry in entries {
        found.extend(entry.map_err(failed)?.file_name().to_str().and_then(number_of));
    }
    Ok(found)
}

/// A run of a task in one word, as the script of a job takes it apart.
fn word_of(task: &JobTask) -> String {
    format!("{}:{}:{}", task.run, task.attempts, task.after)
}

fn task_of(word: &str) -> Option<JobTask> {
    let mut parts = word.split(':');
    let run: RunId = parts.next()?.parse().ok()?;
    Some(JobTask { run, attempts: parts.next()?.parse().ok()?, after: parts.next()?.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sample::{self, run};

    #[test]
    fn a_batch_is_found_again_with_its_tasks_until_none_of_its_jobs_is_left() {
        let sample = sample::experiment();
        let folder = &sample.folder;
        let token = batch_token(folder).unwrap();
        assert_eq!((token.len(), batch_token(folder).unwrap()), (TOKEN_LETTERS, token.clone()));
        assert_eq!(Batch::left(folder).unwrap(), []);
        let task = |name: &str, after| JobTask { run: run(name), attempts: 3, after };
        let tasks = vec![vec![task("T0/00/1", 0), task("T0/00/2", 4)], vec![task("T1/01/12", 0)]];
        let first = Batch::record(folder, "name", &tasks).unwrap();
        let second = Batch::record(folder, "name", &tasks[..1]).unwrap();
        assert_eq!(Batch::left(folder).unwrap(), [first.clone(), second.clone()]);
        assert_eq!((first.tasks().unwrap(), first.job().unwrap()), (tasks, None));
        let root = folder.root().canonicalize().unwrap();
        assert_eq!(first.written_for().unwrap(), Some(("name".to_owned(), root)));
        first.submitted("4711").unwrap();
        assert_eq!(first.job().unwrap().as_deref(), Some("4711"));
        first.end().unwrap();
        assert_eq!(Batch::left(folder).unwrap(), [second]);
        // A number is never given twice.
        assert_eq!(Batch::record(folder, "name", &[]).unwrap().number(), 3);
    }
}
