//! The clocks and the name of this machine.
//!
//! Wall clock time is for people and files. Durations are measured on the monotonic clock, which no adjustment moves.

use std::fs;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use jiff::Timestamp;

/// The wall clock's time, cut to whole milliseconds, so that a time that was written and read again is the same.
#[must_use]
pub fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
}

/// The name of this machine, or `unknown`.
#[must_use]
pub fn host() -> String {
    line_of("/proc/sys/kernel/hostname")
}

/// The id that the kernel drew when this machine started, or `unknown`. A process id means something only together
/// with it.
#[must_use]
pub fn boot_id() -> String {
    static BOOT_ID: OnceLock<String> = OnceLock::new();
    BOOT_ID.get_or_init(|| line_of("/proc/sys/kernel/random/boot_id")).clone()
}

/// Whether a time lies after the start of this machine, as far as its clock tells.
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

/// Measures a duration on the monotonic clock.
#[derive(Debug, Clone, Copy)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts now.
    #[must_use]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// The time since the start.
    #[must_use]
    pub fn elapsed(self) -> Duration {
        self.0.elapsed()
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
