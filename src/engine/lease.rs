//! The lease by which a worker that is a job of a cluster has its run. It gives signs of life in the experiment's folder; whoever waits for
//! the run sees by them that it lives. A worker that is cut off from the folder for too long stops its agent, before anybody else may
//! take the run over; and one whose run was taken over writes nothing any more.
//!
//! No two clocks are compared: who waits looks for how long the signs have not changed, by its own clock.

use std::io;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime};

use jiff::{SignedDuration, Timestamp};

use crate::engine::error::EngineError;
use crate::engine::session::open::this_process;
use crate::gateway::Gateway;
use crate::model::ids::{ModelName, RunId};
use crate::model::job_line::JobLine;
use crate::model::outcome::{Failure, FailureKind, StopLevel};
use crate::model::survey::Holder;
use crate::os::clock;
use crate::os::files::FileError;
use crate::os::process::StopHandle;
use crate::store::StoreError;
use crate::store::claim::Claim;
use crate::store::jobs::{self, Pauses, Start, Tail, newest_start};
use crate::store::layout::ExperimentFolder;

/// How often a worker gives a sign of life, and looks whether it still has the run.
const BEAT: Duration = Duration::from_secs(1);
/// A worker that could give no sign of life for so long stops its agent.
const CUT_OFF: Duration = Duration::from_secs(20);
/// A worker that gave no sign of life for so long has lost its run: twice as long, and the time in which agents are ended.
pub(in crate::engine) const LAPSE: Duration = Duration::from_secs(45);
/// More time than this between two looks of a thread means that the process was stopped meanwhile.
const MOST_BETWEEN: Duration = Duration::from_secs(3);
/// How often whoever waits for a run looks again.
const BETWEEN_LOOKS: Duration = Duration::from_millis(500);

/// The lease of a worker on its run. It ends when this is dropped.
#[derive(Debug)]
pub(in crate::engine) struct Lease {
    shared: Arc<Shared>,
    /// Dropping it ends the threads.
    ends: Option<[Sender<()>; 2]>,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    folder: ExperimentFolder,
    start: Start,
    /// For how long no sign of life could be given. Time in which this whole process was stopped does not count: it goes on with what it
    /// has, unless another worker has come.
    silent: Mutex<Duration>,
    /// By how much the clock of the file system is ahead of this machine's.
    ahead: Mutex<SignedDuration>,
    /// Why the run is lost.
    lost: OnceLock<String>,
    /// What is stopped when the run is lost, and what learns of pauses of models; until then, nothing is begun.
    guarded: OnceLock<(StopHandle, Option<Arc<Gateway>>)>,
}

/// Waits until no other worker has the run, and takes it: each start of a worker shuts out the ones before it. A worker that holds the run
/// is left alone as long as it gives signs of life, because what it does is paid for.
///
/// # Errors
/// When a worker has the run that gives no such signs, or the folder cannot be read or written.
pub(in crate::engine) fn take(folder: &ExperimentFolder, run: RunId) -> Result<(Claim, Lease), EngineError> {
    let me = this_process();
    let mut silent: Option<(u32, Vec<u8>, Instant)> = None;
    loop {
        let holder = match Claim::acquire(folder, run, &me) {
            Ok(claim) => return Ok((claim, Lease::begin(folder, run, me)?)),
            Err(StoreError::Claimed { holder, .. }) => holder,
            Err(error) => return Err(error.into()),
        };
        let newest = newest_start(folder, run)?;
        let mut tail = Tail::after(folder, run, newest.saturating_sub(1));
        let first = tail.read_on().ok().flatten().and_then(|lines| lines.into_iter().next());
        if newest == 0 || first != Some(JobLine::Began(holder.clone())) {
            // Workers take turns: a new one may have begun between the two looks.
            if newest_start(folder, run)? == newest {
                return Err(StoreError::Claimed { run, holder }.into());
            }
            continue;
        }
        let sign = tail.beat().unwrap_or_default();
        match &silent {
            Some((number, known, since)) if (*number, known) == (newest, &sign) => {
                if since.elapsed() >= LAPSE {
                    let lease = Lease::begin(folder, run, me.clone())?;
                    return Ok((Claim::take_over(folder, run, &me)?, lease));
                }
            }
            _ => silent = Some((newest, sign, Instant::now())),
        }
        thread::sleep(BETWEEN_LOOKS);
    }
}

/// Whether a worker with a lease had the run that gives no sign of life any more: it is looked for as long as it takes to know that. The
/// caller has claimed the run.
pub(in crate::engine) fn has_lapsed(folder: &ExperimentFolder, run: RunId, stop: &StopHandle) -> bool {
    let Ok(newest @ 1..) = newest_start(folder, run) else { return false };
    let tail = Tail::after(folder, run, newest - 1);
    let mut known = (tail.beat().unwrap_or_default(), Instant::now());
    while known.1.elapsed() < LAPSE {
        if stop.level().is_some() {
            return false;
        }
        thread::sleep(BETWEEN_LOOKS);
        let sign = tail.beat().unwrap_or_default();
        if sign != known.0 {
            known = (sign, Instant::now());
        }
    }
    true
}

impl Lease {
    /// Shuts out every worker before this one, and begins to give signs of life.
    fn begin(folder: &ExperimentFolder, run: RunId, me: Holder) -> Result<Self, EngineError> {
        let start = Start::begin(folder, run, &JobLine::Began(me))?;
        let no_sign = |error| FileError::new("give a sign of life in", &folder.starts(run), error);
        Ok(Self::of(folder.clone(), start).map_err(|error| StoreError::from(no_sign(error)))?)
    }

    fn of(folder: ExperimentFolder, start: Start) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            folder,
            start,
            silent: Mutex::default(),
            ahead: Mutex::default(),
            lost: OnceLock::new(),
            guarded: OnceLock::new(),
        });
        shared.beat(0)?;
        let (ends_beating, beating) = channel();
        let (ends_guarding, guarding) = channel();
        let beats = {
            let shared = Arc::clone(&shared);
            thread::Builder::new().name("signs of life".to_owned()).spawn(move || {
                let mut count = 0_u64;
                while beating.recv_timeout(BEAT) == Err(RecvTimeoutError::Timeout) {
                    count += 1;
                    shared.look(count);
                    shared.heed_pauses();
                }
            })?
        };
        // A thread of its own that touches no file: the other one may hang in one.
        let guards = {
            let shared = Arc::clone(&shared);
            thread::Builder::new().name("lease".to_owned()).spawn(move || {
                let mut last = Instant::now();
                while guarding.recv_timeout(BEAT) == Err(RecvTimeoutError::Timeout) {
                    let passed = std::mem::replace(&mut last, Instant::now()).elapsed();
                    if shared.silent_since(passed.min(MOST_BETWEEN)) > CUT_OFF {
                        shared.lose("the experiment's folder was out of reach");
                    }
                }
            })?
        };
        Ok(Self { shared, ends: Some([ends_beating, ends_guarding]), threads: vec![beats, guards] })
    }

    /// From now on, everything is stopped at once when the run is lost, and the gateway learns of pauses that others met.
    pub(in crate::engine) fn guards(&self, stop: &StopHandle, gateway: Option<Arc<Gateway>>) {
        let _ = self.shared.guarded.set((stop.clone(), gateway));
        if self.shared.lost.get().is_some() {
            stop.raise(StopLevel::Kill);
        }
    }

    /// Whether this worker may still write about its run.
    ///
    /// # Errors
    /// When it has lost the run.
    pub(in crate::engine) fn must_hold(&self) -> Result<(), Failure> {
        let lost = || {
            let why = self.shared.lost.get().map_or("another worker may have it", String::as_str);
            Failure::new(FailureKind::Storage, format!("this worker has lost its run: {why}"))
        };
        if self.shared.lost.get().is_some() || self.shared.silent_for() > CUT_OFF {
            return Err(lost());
        }
        match self.shared.start.is_newest() {
            Ok(true) => Ok(()),
            Ok(false) => {
                let _ = self.shared.lost.set(TAKEN_OVER.to_owned());
                Err(lost())
            }
            Err(error) => Err(Failure::new(FailureKind::Storage, format!("the experiment's folder: {error}"))),
        }
    }

    /// Whether the run is lost for good.
    pub(in crate::engine) fn is_lost(&self) -> bool {
        self.must_hold().is_err()
    }

    /// Reports something to whoever follows the run. What cannot be written is only not reported.
    pub(in crate::engine) fn report(&self, line: &JobLine) {
        let _ = self.shared.start.report(line);
    }

    /// The provider of a model asks to wait: every worker learns of it.
    pub(in crate::engine) fn pause(&self, model: &ModelName, wait: Duration) {
        let now = self.shared.now();
        let until = SignedDuration::try_from(wait).ok().and_then(|wait| now.checked_add(wait).ok());
        let until = until.unwrap_or(Timestamp::MAX);
        // When it cannot be written, the others learn it from the provider.
        let _ = jobs::pause(&self.shared.folder, model.as_str(), until, now);
        self.report(&JobLine::Limited(model.as_str().to_owned(), wait.as_secs_f64()));
    }

    /// Until when a model may not be asked, by this machine's clock.
    pub(in crate::engine) fn paused(&self, model: &ModelName) -> Option<Timestamp> {
        let until = *Pauses::read(&self.shared.folder).until.get(model.as_str())?;
        let here = until.checked_sub(*self.shared.ahead.lock().unwrap_or_else(PoisonError::into_inner)).ok()?;
        clock::until(here).map(|_| here)
    }
}

/// Why a run is lost to which a later worker has come.
const TAKEN_OVER: &str = "another worker has taken it over";

impl Shared {
    fn silent_for(&self) -> Duration {
        *self.silent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The same, with what has passed.
    fn silent_since(&self, passed: Duration) -> Duration {
        let mut silent = self.silent.lock().unwrap_or_else(PoisonError::into_inner);
        *silent = silent.saturating_add(passed);
        *silent
    }

    fn beat(&self, count: u64) -> io::Result<()> {
        let time = self.start.beat(count)?;
        *self.silent.lock().unwrap_or_else(PoisonError::into_inner) = Duration::ZERO;
        if let Some(ahead) = ahead(time) {
            *self.ahead.lock().unwrap_or_else(PoisonError::into_inner) = ahead;
        }
        Ok(())
    }

    /// The time by the clock of the file system.
    fn now(&self) -> Timestamp {
        let ahead = *self.ahead.lock().unwrap_or_else(PoisonError::into_inner);
        clock::now().checked_add(ahead).unwrap_or_else(|_| clock::now())
    }

    /// Looks whether this is the newest worker, and gives a sign of life if so.
    fn look(&self, count: u64) {
        match self.start.is_newest() {
            Ok(true) => {
                // A sign that cannot be given is given the next time, or the guard ends it.
                let _ = self.beat(count);
            }
            Ok(false) => self.lose(TAKEN_OVER),
            Err(_) => {}
        }
    }

    fn lose(&self, why: &str) {
        let _ = self.lost.set(why.to_owned());
        if let Some((stop, _)) = self.guarded.get() {
            stop.raise(StopLevel::Kill);
        }
    }

    /// Passes pauses of models that others learned of on to the gateway.
    fn heed_pauses(&self) {
        let Some((_, Some(gateway))) = self.guarded.get() else { return };
        let now = self.now();
        for (model, until) in Pauses::read(&self.folder).until {
            if let Ok(wait) = Duration::try_from(until.duration_since(now))
                && !wait.is_zero()
            {
                gateway.pause(&ModelName::new(&model), wait);
            }
        }
    }
}

/// By how much a time of the file system that was just taken is ahead of this machine's clock.
fn ahead(time: SystemTime) -> Option<SignedDuration> {
    Some(Timestamp::try_from(time).ok()?.duration_since(clock::now()))
}

impl Drop for Lease {
    fn drop(&mut self) {
        drop(self.ends.take());
        for thread in self.threads.drain(..) {
            // A thread that hangs in a file ends with the process.
            if self.shared.silent_for() <= CUT_OFF {
                let _ = thread.join();
            }
        }
    }
}
