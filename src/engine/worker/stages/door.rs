//! The way out of a sandbox whose network leads to a model and to named hosts alone: opened before a program starts, closed when it has
//! ended.

use std::path::Path;

use crate::engine::worker::stages::{Halt, Work};
use crate::gateway::{Door, Lease};
use crate::model::outcome::{Failure, FailureKind};
use crate::os::process::{Doorway, End, Ended};
use crate::os::program;

impl Work<'_> {
    /// The door of a program, where it is to have one: of an agent with this lease, or of one that asks no model. Its connections to
    /// other hosts are written down in `record`.
    pub(super) fn door(&self, lease: Option<&Lease>, record: &Path) -> Result<Option<Door>, Failure> {
        let Some(hosts) = self.place.reach.hosts().filter(|hosts| lease.is_some() || !hosts.is_empty()) else {
            return Ok(None);
        };
        let failed =
            |why: String| Failure::new(FailureKind::Spawn, format!("no way to the gateway can be opened: {why}"));
        let gateway = self.place.gateway.as_ref().ok_or_else(|| failed("`--gateway off` leaves none".to_owned()))?;
        gateway.door(lease, hosts, record).map(Some).map_err(|error| failed(error.to_string()))
    }

    /// Where the program goes through it.
    pub(super) fn doorway(door: Option<&Door>) -> Result<Option<Doorway>, Failure> {
        let failed = |error| Failure::new(FailureKind::Spawn, format!("no way to the gateway can be opened: {error}"));
        let made = door.map(|door| Ok(Doorway { own: program::own()?, socket: door.inner()? }));
        made.transpose().map_err(|error: std::io::Error| failed(error))
    }

    /// Closes the door of a program that has ended. One that never came to it was never started.
    pub(super) fn close(door: Option<Door>, ended: &Ended) -> Result<(), Halt> {
        let Some(door) = door else { return Ok(()) };
        let was_open = door.close().map_err(|error| {
            Failure::new(FailureKind::Storage, format!("what was reached of the network cannot be recorded: {error}"))
        })?;
        match ended.end {
            End::Exited(code) if !was_open => {
                let why = format!(
                    "the way to the gateway was not opened, and the program was not started: our own ended with exit code {code}"
                );
                Err(Failure::new(FailureKind::Spawn, why).into())
            }
            _ => Ok(()),
        }
    }
}
