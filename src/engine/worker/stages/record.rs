//! What the agent left beside its tree: its record, and the folder that it may write more into.

use crate::engine::worker::stages::Work;
use crate::model::agent::{Agent, Output, Reader};
use crate::model::flag::Flag;
use crate::model::limits::{MOST_RECORD_BYTES, MOST_RECORD_DEPTH, MOST_RECORD_FILES, OUTPUT_BYTES};
use crate::model::outcome::Failure;
use crate::model::usage::{Cost, Total};
use crate::os::clock;
use crate::os::files::{self, Bounds, ReadError};
use crate::store::layout::RECORD_FILE;

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

    /// What the agent's program has written so far, fed to the one who can read it; `None` of an agent without a program.
    /// What it wrote may be hostile.
    pub(super) fn read_output(&self, agent: &Agent) -> Option<Box<dyn Reader>> {
        let mut reader = agent.reader()?;
        for output in reader.wants() {
            let bytes = match output {
                Output::Stdout => files::read_start(&self.folder.agent_stdout(), OUTPUT_BYTES),
                Output::Stderr => files::read_start(&self.folder.agent_stderr(), OUTPUT_BYTES),
                Output::Record => self.record_bytes(),
            };
            match bytes {
                Ok(Some(bytes)) => reader.feed(*output, &bytes),
                Ok(None) => {}
                Err(error) => reader.cannot_read(*output, error.to_string()),
            }
        }
        Some(reader)
    }

    /// Keeps what the agent left in its record folder, as far as it is kept at all; whether all of it is.
    pub(super) fn keep_record(&self) -> Result<Option<Flag>, Failure> {
        let Some(work) = &self.temporary else { return Ok(None) };
        let to = self.folder.record_dir();
        let bytes = self.record_bytes();
        if let Ok(Some(kept)) = &bytes {
            files::write_atomic(&self.folder.record(), kept)?;
        }
        let Some(folder) = work.open_record() else { return Ok(Some(Flag::RecordLeftOut)) };
        let skip = |place: &std::path::Path| place == std::path::Path::new(RECORD_FILE);
        let redacted = |bytes: Vec<u8>| self.place.secrets.redact(&bytes).into_owned();
        let salvaged = files::salvage(&folder, &to, BOUNDS, skip, redacted)?;
        Ok((salvaged.left_out > 0 || bytes.is_err()).then_some(Flag::RecordLeftOut))
    }

    /// What the attempt cost as far as its agent's output says it. An agent that was started and does not say it cost what is
    /// not known; one that was never started cost nothing.
    pub(super) fn cost_so_far(&self) -> Result<Total, Failure> {
        if self.unasked.get() {
            return Ok(Total::ZERO);
        }
        let reader = self.place.subtest(self.run).and_then(|subtest| self.read_output(&subtest.agent));
        let reading = reader.and_then(|reader| reader.reading(clock::now()));
        let said = reading.map_or(Cost::Unknown, |reading| reading.usage.cost);
        let silent = || self.store.silent_agent_cost();
        Ok(if said == Cost::Unknown { silent()?.into() } else { said.into() })
    }

    /// Takes over the work folder of an attempt that is to be set aside: what it left there is its evidence.
    pub(super) fn take_over_work(&mut self) -> Result<(), Failure> {
        if self.temporary.is_none()
            && let Some(place) = self.store.pointed_to()?
        {
            self.temporary = self.place.work.find(&place)?;
        }
        Ok(())
    }
}
