//! The stop request: raised by the coordinator, and seen by every run at once.

use std::fmt;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use rustix::event::{EventfdFlags, eventfd};

use crate::model::outcome::StopLevel;

/// How far a stop has been requested. Clones share one level, and it only rises.
#[derive(Clone)]
pub struct StopHandle(Arc<Levels>);

struct Levels {
    stop_level: AtomicU8,
    // Each stays readable for ever once its stop level is reached: it is never read, so it wakes every run, later ones
    // too.
    terminate: OwnedFd,
    kill: OwnedFd,
}

impl StopHandle {
    /// A handle with no stop requested.
    ///
    /// # Errors
    /// When the kernel has no file descriptors left.
    pub fn new() -> io::Result<Self> {
        let flags = EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK;
        let (terminate, kill) = (eventfd(0, flags)?, eventfd(0, flags)?);
        Ok(Self(Arc::new(Levels { stop_level: AtomicU8::new(0), terminate, kill })))
    }

    /// Raises the stop level; a lower level than the present one changes nothing.
    pub fn raise(&self, stop_level: StopLevel) {
        let number = match stop_level {
            StopLevel::Drain => 1,
            StopLevel::Terminate => 2,
            StopLevel::Kill => 3,
        };
        self.0.stop_level.fetch_max(number, Ordering::SeqCst);
        if stop_level >= StopLevel::Terminate {
            wake(&self.0.terminate);
        }
        if stop_level >= StopLevel::Kill {
            wake(&self.0.kill);
        }
    }

    /// The highest stop level that was requested.
    #[must_use]
    pub fn level(&self) -> Option<StopLevel> {
        match self.0.stop_level.load(Ordering::SeqCst) {
            0 => None,
            1 => Some(StopLevel::Drain),
            2 => Some(StopLevel::Terminate),
            _ => Some(StopLevel::Kill),
        }
    }

    /// Readable from the moment when processes are asked to end.
    pub(super) fn terminate(&self) -> BorrowedFd<'_> {
        self.0.terminate.as_fd()
    }

    /// Readable from the moment when processes are killed.
    pub(super) fn kill(&self) -> BorrowedFd<'_> {
        self.0.kill.as_fd()
    }
}

fn wake(fd: &OwnedFd) {
    // The only failure is a full counter, and a full counter is readable too.
    let _ = rustix::io::write(fd, &1_u64.to_ne_bytes());
}

impl fmt::Debug for StopHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("StopHandle").field(&self.level()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stop_word_only_goes_up_and_its_clones_share_it() {
        let stop = StopHandle::new().unwrap();
        let clone = stop.clone();
        assert_eq!(clone.level(), None);
        for (raised, heard) in [
            (StopLevel::Drain, StopLevel::Drain),
            (StopLevel::Kill, StopLevel::Kill),
            (StopLevel::Terminate, StopLevel::Kill),
            (StopLevel::Drain, StopLevel::Kill),
        ] {
            stop.raise(raised);
            assert_eq!(clone.level(), Some(heard));
        }
    }
}
