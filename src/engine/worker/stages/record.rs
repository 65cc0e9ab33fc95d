//! What the agent left beside its tree: its record, and the folder that it may write more into.

use crate::agent::record::{self, Reading};
use crate::engine::error::storage;
use crate::engine::worker::stages::Work;
use crate::model::flag::Flag;
use crate::model::limits::{MOST_RECORD_BYTES, MOST_RECORD_DEPTH, MOST_RECORD_FILES, OUTPUT_BYTES};
use crate::model::outcome::Failure;
use crate::model::usage::{Cost, Total};
use crate::os::clock;
use crate::os::files::{self, Bounds, ReadError};
use crate::store::work::RECORD_FILE;

/// How much of a record folder is kept.
const BOUNDS: Bounds = Bounds { entries: MOST_RECORD_FILES, bytes: MOST_RECORD_BYTES, depth: MOST_RECORD_DEPTH };

impl Work<'_> {
    /// What the agent left as its record, if anything, without secrets: the agent wrote it past every filter.
    fn record_bytes(&self) -> Result<Option<Vec<u8>>, ReadError> {
        let bytes = match &self.temporary {
            Some(work) => work.open_record().map_or(Ok(None), |folder| folder.read_start(RECORD_FILE, OUTPUT_BYTES)),
            None => files::read_start(&self.folder.record(), OUTPUT_BYTES),
        };
        Ok(bytes?.map(|bytes| self.place.secrets.redact(&bytes).into_owned()))
    }

    /// What can be read of the record that the agent left, if any; what it left may be hostile.
    pub(super) fn record(&self) -> Option<Reading> {
        match self.record_bytes() {
            Ok(bytes) => Some(record::read(&bytes?, clock::now())),
            Err(error) => Some(Reading::unreadable(error.to_string())),
        }
    }

    /// Keeps what the agent left in its record folder, as far as it is kept at all; whether all of it is.
    pub(super) fn keep_record(&self) -> Result<Option<Flag>, Failure> {
        let Some(work) = &self.temporary else { return Ok(None) };
        let to = self.folder.record_dir();
        let bytes = self.record_bytes();
        if let Ok(Some(kept)) = &bytes {
            files::write_atomic(&self.folder.record(), kept).map_err(|error| storage(&error))?;
        }
        let Some(folder) = work.open_record() else { return Ok(Some(Flag::RecordLeftOut)) };
        let skip = |place: &std::path::Path| place == std::path::Path::new(RECORD_FILE);
        let redacted = |bytes: Vec<u8>| self.place.secrets.redact(&bytes).into_owned();
        let salvaged = files::salvage(&folder, &to, BOUNDS, skip, redacted).map_err(|error| storage(&error))?;
        Ok((salvaged.left_out > 0 || bytes.is_err()).then_some(Flag::RecordLeftOut))
    }

    /// What the attempt cost as far as its record says it. An agent that was started and does not say it cost what is not
    /// known.
    pub(super) fn cost_so_far(&self) -> Result<Total, Failure> {
        let said = self.record().map_or(Cost::Unknown, |record| record.usage.cost);
        let silent = || self.store.silent_agent_cost().map_err(|error| storage(&error));
        Ok(if said == Cost::Unknown { silent()?.into() } else { said.into() })
    }

    /// Takes over the work folder of an attempt that is to be set aside: what it left there is its evidence.
    pub(super) fn take_over_work(&mut self) -> Result<(), Failure> {
        if self.temporary.is_none()
            && let Some(place) = self.store.pointed_to().map_err(|error| storage(&error))?
        {
            self.temporary = self.place.work.find(&place).map_err(|error| storage(&error))?;
        }
        Ok(())
    }
}
