//! How many runs one job makes, one after the other: where runs are short, giving each a job of its own takes longer than making it.

use std::time::Duration;

/// A job should work for about so long.
const WORTH_A_JOB: Duration = Duration::from_secs(20);
/// Most runs of one job: the last ones of an experiment are made one after the other.
const MOST: u32 = 8;

/// How long runs of this session took.
#[derive(Debug, Default)]
pub(super) struct Durations {
    sum: Duration,
    runs: u32,
}

impl Durations {
    /// A run took so long.
    pub(super) fn add(&mut self, took: Duration) {
        self.sum = self.sum.saturating_add(took);
        self.runs = self.runs.saturating_add(1);
    }

    /// How many runs a job makes now. While nothing is known of their length, each has its own.
    pub(super) fn runs_of_a_job(&self) -> usize {
        let mean = self.sum.checked_div(self.runs).unwrap_or(WORTH_A_JOB).as_secs_f64().max(f64::EPSILON);
        let most = f64::from(MOST);
        let runs = (WORTH_A_JOB.as_secs_f64() / mean).ceil().clamp(1.0, most);
        (1..=MOST).rev().find(|count| f64::from(*count) <= runs).unwrap_or(1) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_makes_several_runs_only_when_they_are_known_to_be_short() {
        let of = |seconds: &[f64]| {
            let mut durations = Durations::default();
            for one in seconds {
                durations.add(Duration::from_secs_f64(*one));
            }
            durations.runs_of_a_job()
        };
        let found = [of(&[]), of(&[3600.0]), of(&[20.0]), of(&[19.0, 1.0]), of(&[6.0]), of(&[0.2]), of(&[0.0])];
        assert_eq!(found, [1, 1, 1, 2, 4, 8, 8]);
    }
}
