//! Waits for the exit of a program, its output, a stop request and its deadlines, all at once. Deadlines are measured
//! without pauses.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, ExitStatus};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use super::output::{Feed, Got, Outputs, Stream};
use super::{End, Hold, MOST_DYING, Overflow, ProcessLimits, Pulse, SpawnError, StopHandle, Task, table};
use crate::model::outcome::StopLevel;
use crate::os::clock;

/// How far the program has been asked to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Running,
    /// TERM was sent.
    Asked {
        end: End,
        kill_at: Option<Instant>,
    },
    /// KILL was sent.
    Killed {
        end: End,
        give_up_at: Instant,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    Leader,
    Stop,
    Output(Stream),
    Stdin,
}

/// One program that is being watched.
pub(super) struct Watch<'a> {
    program: &'a Path,
    leader: OwnedFd,
    feed: Option<Feed<'a>>,
    outputs: &'a mut Outputs,
    hold: &'a mut dyn Hold,
    stop: &'a StopHandle,
    limits: ProcessLimits,
    phase: Phase,
    timeout_at: Option<Instant>,
    stalled_at: Option<Instant>,
    look_at: Option<Instant>,
}

/// How often who watches is asked how it goes.
const LOOK: Duration = Duration::from_secs(1);

impl<'a> Watch<'a> {
    pub(super) fn new(
        task: &'a Task,
        program: &'a Path,
        child: &mut Child,
        hold: &'a mut dyn Hold,
        outputs: &'a mut Outputs,
        stop: &'a StopHandle,
    ) -> io::Result<Self> {
        // A child that is not reaped keeps its pid, so this is the right process even if it has ended.
        let leader = pidfd_open(Pid::from_child(child), PidfdFlags::empty())?;
        outputs.connect(child.stdout.take(), child.stderr.take())?;
        let feed = match (child.stdin.take(), &task.stdin) {
            (Some(pipe), Some(bytes)) => Some(Feed::new(pipe, bytes)?),
            _ => None,
        };
        let now = clock::time_at_work();
        Ok(Self {
            program,
            leader,
            feed,
            outputs,
            hold,
            stop,
            limits: task.limits,
            phase: Phase::Running,
            timeout_at: after(now, task.limits.wall),
            stalled_at: task.limits.no_progress.and_then(|most| after(now, most)),
            look_at: task.watch.as_ref().and_then(|_| after(now, LOOK)),
        })
    }

    /// Waits until the program has ended; it is not reaped. Gives why we ended it, if we did.
    pub(super) fn until_exit(&mut self) -> Result<Option<End>, SpawnError> {
        loop {
            let ready = self.wait().map_err(|source| self.failed(source))?;
            for source in &ready {
                match source {
                    Source::Leader | Source::Stop => {}
                    Source::Output(stream) => {
                        if self.outputs.pump(*stream)? == Got::Bytes {
                            self.stalled_at =
                                self.limits.no_progress.and_then(|most| after(clock::time_at_work(), most));
                        }
                    }
                    // Dropping it closes the pipe, by which the program learns that there is no more.
                    Source::Stdin => drop(self.feed.take_if(Feed::pump)),
                }
            }
            if ready.contains(&Source::Leader) {
                return Ok(match self.phase {
                    Phase::Running => None,
                    Phase::Asked { end, .. } | Phase::Killed { end, .. } => Some(end),
                });
            }
            self.step(clock::time_at_work()).map_err(|source| self.failed(source))?;
        }
    }

    fn failed(&self, source: io::Error) -> SpawnError {
        SpawnError::Watch { program: self.program.to_owned(), source }
    }

    /// Sleeps until something is ready or the next deadline has come.
    fn wait(&self) -> io::Result<Vec<Source>> {
        let mut sources = vec![Source::Leader];
        let mut polled = vec![PollFd::new(&self.leader, PollFlags::IN)];
        // A descriptor that became readable stays readable, so only that of the next level is polled.
        let word = match self.phase {
            Phase::Running => Some(self.stop.terminate()),
            Phase::Asked { .. } => Some(self.stop.kill()),
            Phase::Killed { .. } => None,
        };
        if let Some(fd) = word {
            sources.push(Source::Stop);
            polled.push(PollFd::from_borrowed_fd(fd, PollFlags::IN));
        }
        for stream in [Stream::Stdout, Stream::Stderr] {
            if let Some(fd) = self.outputs.fd(stream) {
                sources.push(Source::Output(stream));
                polled.push(PollFd::from_borrowed_fd(fd, PollFlags::IN));
            }
        }
        if let Some(feed) = &self.feed {
            sources.push(Source::Stdin);
            polled.push(PollFd::from_borrowed_fd(feed.fd(), PollFlags::OUT));
        }
        // If a pause begins now, this wakes too early and waits again.
        let left = self.deadline().map(|deadline| deadline.saturating_duration_since(clock::time_at_work()));
        table::wait(&mut polled, left.and_then(|left| after(Instant::now(), left)))?;
        let ready = sources.into_iter().zip(&polled).filter(|(_, polled)| !polled.revents().is_empty());
        Ok(ready.map(|(source, _)| source).collect())
    }

    fn deadline(&self) -> Option<Instant> {
        match self.phase {
            Phase::Running => [self.timeout_at, self.stalled_at, self.look_at].into_iter().flatten().min(),
            Phase::Asked { kill_at, .. } => kill_at,
            Phase::Killed { give_up_at, .. } => Some(give_up_at),
        }
    }

    /// Does what is due now: asks the program to end, or kills it.
    fn step(&mut self, now: Instant) -> io::Result<()> {
        let due = |deadline: Option<Instant>| deadline.is_some_and(|deadline| now >= deadline);
        let kill_word = self.stop.level() == Some(StopLevel::Kill);
        match self.phase {
            Phase::Running => {
                let Some(end) = self.look(now).or_else(|| self.reason(now)) else { return Ok(()) };
                if kill_word || self.limits.grace.is_zero() {
                    return self.kill(end, now);
                }
                self.hold.terminate()?;
                self.phase = Phase::Asked { end, kill_at: after(now, self.limits.grace) };
                Ok(())
            }
            Phase::Asked { end, kill_at } if kill_word || due(kill_at) => self.kill(end, now),
            Phase::Killed { give_up_at, .. } if due(Some(give_up_at)) => Err(io::ErrorKind::TimedOut.into()),
            Phase::Asked { .. } | Phase::Killed { .. } => Ok(()),
        }
    }

    /// Asks who watches, once a second, how it goes.
    fn look(&mut self, now: Instant) -> Option<End> {
        self.look_at.filter(|look_at| now >= *look_at)?;
        self.look_at = after(now, LOOK);
        match self.outputs.pulse()? {
            Pulse::Quiet => None,
            Pulse::Held => {
                self.stalled_at = self.limits.no_progress.and_then(|most| after(now, most));
                None
            }
            Pulse::Over => (self.stop.level() < Some(StopLevel::Terminate)).then_some(End::Watched),
        }
    }

    /// Why the program must end now, if it must.
    fn reason(&self, now: Instant) -> Option<End> {
        let due = |deadline: Option<Instant>| deadline.is_some_and(|deadline| now >= deadline);
        if self.stop.level() >= Some(StopLevel::Terminate) {
            Some(End::Stopped)
        } else if self.outputs.truncated() && self.limits.overflow == Overflow::End {
            Some(End::OutputLimit)
        } else if self.outputs.must_end() {
            Some(End::Watched)
        } else if due(self.timeout_at) {
            Some(End::TimedOut)
        } else if due(self.stalled_at) {
            Some(End::NoProgress)
        } else {
            None
        }
    }

    fn kill(&mut self, end: End, now: Instant) -> io::Result<()> {
        self.hold.kill()?;
        self.phase = Phase::Killed { end, give_up_at: now + MOST_DYING };
        Ok(())
    }
}

/// The time after `duration`; `None` when that cannot be represented.
fn after(now: Instant, duration: Duration) -> Option<Instant> {
    now.checked_add(duration)
}

/// How a program ended that we did not end.
pub(super) fn end_of(exit: ExitStatus) -> End {
    match (exit.code(), exit.signal()) {
        (Some(code), _) => End::Exited(code),
        // A process that was waited for has a code or a signal, so the default is never used.
        (None, signal) => End::Signaled(signal.unwrap_or_default()),
    }
}
