//! The clocks and the name of this machine.
//!
//! Wall clock time is for people and files. Durations are measured on the monotonic clock, which no adjustment moves.

use std::fs;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// The wall clock's time, cut to whole milliseconds, so that a time that was written and read again is the same.
#[must_use]
pub fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
}

/// The zone of the clocks that people see on this machine: that of `TZ`, else the system's, else UTC.
#[must_use]
pub fn zone() -> TimeZone {
    TimeZone::system()
}

/// The time that is left until `time`; `None` when it has passed.
#[must_use]
pub fn until(time: Timestamp) -> Option<Duration> {
    Duration::try_from(time.duration_since(Timestamp::now())).ok().filter(|wait| !wait.is_zero())
}

/// The next time that can be written to a file, a millisecond later; the last possible time has none.
#[must_use]
pub fn just_after(time: Timestamp) -> Timestamp {
    time.checked_add(SignedDuration::from_millis(1)).unwrap_or(time)
}

/// The name of this machine, or `unknown`.
#[must_use]
pub fn host() -> String {
    line_of("/proc/sys/kernel/hostname")
}

/// The id that this machine was given when it was installed, which stays the same across restarts; empty where there is
/// none, as in many containers.
#[must_use]
pub fn machine_id() -> String {
    fs::read_to_string("/etc/machine-id").map(|text| text.trim().to_owned()).unwrap_or_default()
}

/// The id that the kernel draws at each start of this machine, or `unknown`. Process ids are only unique together with
/// it.
#[must_use]
pub fn boot_id() -> String {
    static BOOT_ID: OnceLock<String> = OnceLock::new();
    BOOT_ID.get_or_init(|| line_of("/proc/sys/kernel/random/boot_id")).clone()
}

/// Whether a time lies after the last start of this machine, as far as its clock can tell.
#[must_use]
pub fn is_of_this_start(time: Timestamp) -> bool {
    let started = fs::read_to_string("/proc/stat")
        .ok()
        .and_then(|text| text.lines().find_map(|line| line.strip_prefix("btime ")?.trim().parse::<i64>().ok()));
    started.is_none_or(|started| time.as_second() >= started)
}

fn line_of(path: &str) -> String {
    fs::read_to_string(path)
        .ok()
        .map(|text| text.trim().to_owned())
        .filter(|line| !line.is_empty())
        .unwrap_or_else(|| "unknown".to_owned())
}

/// The times in which this process and its descendants were paused, for example by Ctrl-Z.
struct Pauses {
    /// The length of all pauses that are over.
    total: Duration,
    /// When the current pause began.
    since: Option<Instant>,
}

static PAUSES: Mutex<Pauses> = Mutex::new(Pauses { total: Duration::ZERO, since: None });

fn pauses() -> MutexGuard<'static, Pauses> {
    PAUSES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The monotonic clock's time minus all pauses. Time limits are measured by it: it stands still during a pause.
#[must_use]
pub fn time_at_work() -> Instant {
    let pauses = pauses();
    let now = pauses.since.unwrap_or_else(Instant::now);
    now.checked_sub(pauses.total).unwrap_or(now)
}

/// A pause begins.
pub(super) fn begin_pause() {
    pauses().since.get_or_insert_with(Instant::now);
}

/// The pause is over.
pub(super) fn end_pause() {
    let mut pauses = pauses();
    if let Some(since) = pauses.since.take() {
        pauses.total += since.elapsed();
    }
}

/// Measures a duration on the monotonic clock.
#[derive(Debug, Clone, Copy)]
pub struct Stopwatch {
    started: Instant,
    started_work: Instant,
}

impl Stopwatch {
    /// Starts now.
    #[must_use]
    pub fn start() -> Self {
        Self { started: Instant::now(), started_work: time_at_work() }
    }

    /// The time since the start.
    #[must_use]
    pub fn elapsed(self) -> Duration {
        self.started.elapsed()
    }

    /// The time since the start, without pauses.
    #[must_use]
    pub fn worked(self) -> Duration {
        time_at_work().saturating_duration_since(self.started_work)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_whole_milliseconds_and_survives_its_text_form() {
        let time = now();
        assert_eq!(time.subsec_nanosecond() % 1_000_000, 0);
        assert_eq!(time.to_string().parse::<Timestamp>().unwrap(), time);
    }

    #[test]
    fn host_and_boot_id_are_known_single_words() {
        for word in [host(), boot_id()] {
            assert_ne!(word, "unknown");
            assert!(!word.contains(char::is_whitespace), "{word:?}");
        }
        assert_eq!(boot_id(), boot_id());
    }
}
