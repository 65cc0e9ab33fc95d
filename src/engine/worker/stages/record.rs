//! What the agent left beside its tree: its final record, and the folder for further records.

use crate::engine::worker::stages::Work;
use crate::model::agent::{Agent, Output, Reader};
use crate::model::flag::Flag;
use crate::model::limits::{MOST_RECORD_BYTES, MOST_RECORD_DEPTH, MOST_RECORD_FILES, OUTPUT_BYTES};
use crate::model::outcome::Failure;
use crate::model::usage::{Cost, Total};
use crate::os::clock;
use crate::os::files::{self, Bounds, ReadError};
use crate::store::layout::RECORD_FILE;

/// Limits for what is kept of a record folder.
const BOUNDS: Bounds = Bounds { entries: MOST_RECORD_FILES, bytes: MOST_RECORD_BYTES, depth: MOST_RECORD_DEPTH };

impl Work<'_> {
    /// The agent's final record, if there is one, without secrets: the agent writes it itself, past the output filters.
    fn record_bytes(&self) -> Result<Option<Vec<u8>>, ReadError> {
        let bytes = match &self.temporary {
            Some(work) => work.open_record().map_or(Ok(None), |folder| folder.read_start(RECORD_FILE, OUTPUT_BYTES)),
            None => files::read_start(&self.folder.record(), OUTPUT_BYTES),
        };
        Ok(bytes?.map(|bytes| self.place.secrets.redact(&bytes).into_owned()))
    }

    /// The output of the agent's program so far, passed to the reader for this kind of agent; `None` for an agent
    /// without a program. The output may be hostile.
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

    /// Keeps what the agent left in its record folder, within the limits; gives a flag when not everything could be
    /// kept.
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

    /// The attempt's cost as far as the gateway saw it, its agent's output reports it, or its tokens do. It is unknown for an agent that was started and does
    /// not report it, and zero for one that was never started.
    pub(super) fn cost_so_far(&self) -> Result<Total, Failure> {
        // What is replayed costs nothing, whatever its agent says.
        if self.not_asked_yet.get() || self.place.config.replay.is_some() {
            return Ok(Total::ZERO);
        }
        let mut metered = self.store.metered_agent()?;
        metered.add_lost(self.unwritten.get());
        let reader = self.place.subtest(self.run).and_then(|subtest| self.read_output(&subtest.agent));
        let reading = reader.and_then(|reader| reader.reading(clock::now()));
        let said = reading.map_or(Cost::Unknown, |reading| {
            self.priced(reading.usage, &reading.requests, self.place.assigned_model(self.run)).usage.cost
        });
        let said = if said == Cost::Unknown { self.store.silent_agent_cost()? } else { said };
        Ok(metered.cost(said).unwrap_or(said).into())
    }

    /// Parts what another worker left of the run from that worker: it may only have stood still, and has the files open.
    pub(in crate::engine) fn part_from_former_worker(&self) -> Result<(), Failure> {
        if self.place.lease.is_some() {
            self.store.part_from_former_worker()?;
        }
        Ok(())
    }

    /// Takes over the work folder of an attempt that is to be set aside: what the attempt left there is its evidence.
    pub(super) fn take_over_work(&mut self) -> Result<(), Failure> {
        if self.temporary.is_none()
            && let Some(place) = self.store.pointed_to()?
        {
            self.temporary = self.place.work.find(&place)?;
        }
        Ok(())
    }
}
