//! Former attempts of a run: counted, and set aside whole.

use std::path::PathBuf;

use crate::model::digest::Digest;
use crate::model::ids::AttemptNumber;
use crate::model::limits::MOST_SEAL_BYTES;
use crate::model::outcome::{AttemptEnd, FailureKind};
use crate::model::result::{AttemptRecord, FORMAT_VERSION};
use crate::model::usage::Total;
use crate::os::files::{self, Folder};

use super::RunStore;
use super::ended::read_whole;
use crate::store::layout::RunFolder;
use crate::store::{StoreError, attempts, evidence, own_digest, pretty};

impl RunStore {
    /// The number of the present or next attempt: one above the highest in `.failed/`.
    ///
    /// # Errors
    /// When `.failed/` cannot be listed.
    pub fn next_attempt(&self) -> Result<AttemptNumber, StoreError> {
        let last = self.attempts()?.into_iter().map(|attempt| attempt.0).max();
        Ok(AttemptNumber(last.unwrap_or_default() + 1))
    }

    /// The numbers of the run's former attempts.
    fn attempts(&self) -> Result<Vec<AttemptNumber>, StoreError> {
        let mut attempts = Vec::new();
        if let Some(failed) = Folder::open(&self.failed)? {
            failed.each(|name, _| match name.to_str().and_then(AttemptNumber::from_folder) {
                Some((run, attempt)) if run == self.run.run => attempts.push(attempt),
                _ => {}
            })?;
        }
        Ok(attempts)
    }

    /// How many former attempts the run has, and what they cost as far as their records name it.
    pub(in crate::store) fn former_attempts(&self) -> Result<(u32, Total), StoreError> {
        let attempts = self.attempts()?;
        let mut cost = Total::ZERO;
        for attempt in &attempts {
            let folder = RunFolder::at(self.failed.join(attempt.folder(self.run.run)));
            cost += attempts::cost(&folder)?;
        }
        Ok((u32::try_from(attempts.len()).unwrap_or(u32::MAX), cost))
    }

    /// Moves the run's folder, whole, to `.failed/` with a record of the attempt; gives its new path. A record that a
    /// former session wrote before it was stopped is kept: that session knew the cost.
    ///
    /// # Errors
    /// When it cannot be written; with `AlreadyExists` when there is such an attempt already.
    pub fn set_aside(&self, record: &AttemptRecord) -> Result<PathBuf, StoreError> {
        let to = self.failed.join(record.attempt.folder(self.run.run));
        files::create_dir_durable(self.folder.root())?;
        let written: Option<AttemptRecord> = read_whole(&self.folder.attempt_record())?;
        if written.is_none_or(|written| written.attempt != record.attempt) {
            // An attempt that cannot be sealed is kept all the same.
            let seal = evidence::seal_attempt(&self.folder).ok();
            if let Some(seal) = &seal {
                files::write_atomic(&self.folder.seal(), seal)?;
            }
            self.write_record(&self.folder, record, seal.as_deref())?;
        }
        files::create_dir_durable(&self.failed)?;
        // Without a seal, its files may not have been synced.
        files::sync_file_system(&self.subtest)?;
        files::rename_durable(self.folder.root(), &to)?;
        Ok(to)
    }

    /// Records what ended a former attempt of which its worker only knew that it was interrupted or its agent killed; any other record stays
    /// as it is.
    ///
    /// # Errors
    /// When the record cannot be read or written.
    pub fn explain(&self, attempt: AttemptNumber, end: AttemptEnd) -> Result<(), StoreError> {
        let folder = RunFolder::at(self.failed.join(attempt.folder(self.run.run)));
        let written: Option<AttemptRecord> = read_whole(&folder.attempt_record())?;
        let is_vague = |record: &AttemptRecord| match &record.end {
            AttemptEnd::Interrupted => true,
            AttemptEnd::Failed { failure, .. } => failure.kind == FailureKind::Killed,
            AttemptEnd::Rerun => false,
        };
        let Some(record) = written.filter(is_vague) else { return Ok(()) };
        let seal = files::read_bounded(&folder.seal(), MOST_SEAL_BYTES)?;
        self.write_record(&folder, &AttemptRecord { end, ..record }, seal.as_deref())
    }

    fn write_record(&self, at: &RunFolder, record: &AttemptRecord, seal: Option<&[u8]>) -> Result<(), StoreError> {
        let path = at.attempt_record();
        let record = attempts::Sealed { record, version: FORMAT_VERSION, run: self.run, seal: seal.map(Digest::of) };
        Ok(files::write_atomic(&path, &own_digest::add(pretty(&record, &path)?))?)
    }
}
