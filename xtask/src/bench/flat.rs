//! Whether the cost of a run grows with the number of runs.

use std::fs::File;
use std::path::Path;

use super::child;
use super::lab::{self, Lab};
use super::overhead::seconds_of_runs;
use super::sample::Samples;
use super::table::{Goal, Table, Unit};
use crate::failure::Failure;
use crate::say;

/// The cost of a run may differ by so much from that in the smallest experiment.
const MOST_GROWTH: f64 = 1.10;

/// Experiments of one size.
struct Size {
    runs: u32,
    seconds: Samples,
    memory: u64,
}

pub(super) fn measure(lab: &Lab, table: &mut Table) -> Result<(), Failure> {
    // Small ones before, between and behind the large ones: the file system is slower the more was removed lately.
    let order: &[u32] =
        lab.pick(&[1000, 100, 100, 100, 10_000, 100, 100, 100, 1000, 100, 1000], &[100, 1000, 100, 1000, 100]);
    let fixture = lab.fixture("flat", lab::NOBODY)?;
    let mut sizes: Vec<Size> = Vec::new();
    for (turn, runs) in order.iter().enumerate() {
        say::line(&format!("{runs} runs"));
        let (seconds, memory) = experiment(lab, &fixture, turn, *runs)?;
        let known = sizes.iter().position(|size| size.runs == *runs);
        let at = known.unwrap_or_else(|| {
            sizes.push(Size { runs: *runs, seconds: Samples::default(), memory: 0 });
            sizes.len() - 1
        });
        let size = &mut sizes[at];
        size.seconds.push(seconds / f64::from(*runs));
        size.memory = size.memory.max(memory);
    }
    sizes.sort_by_key(|size| size.runs);
    let Some(smallest) = sizes.first().map(|size| size.seconds.median()) else { return Ok(()) };
    for size in &sizes {
        let growth = size.seconds.median() / smallest;
        table.samples(format!("{} runs: a run", size.runs), &size.seconds, Unit::Milliseconds, None);
        if size.runs > sizes[0].runs {
            let goal = Goal::at_most(MOST_GROWTH, " ×", growth);
            table.figure(
                format!("{} runs: a run over one of {}", size.runs, sizes[0].runs),
                format!("{growth:.2} ×"),
                Some(goal),
            );
        }
    }
    for size in &sizes {
        table.figure(format!("{} runs: peak memory", size.runs), format!("{:.1} MB", megabytes(size.memory)), None);
    }
    Ok(())
}

/// Runs an experiment; seconds of its runs, and its peak memory in kB.
fn experiment(lab: &Lab, fixture: &Path, turn: usize, runs: u32) -> Result<(f64, u64), Failure> {
    let results = lab.place(&format!("flat-{turn}"));
    let events = lab.place("events.jsonl");
    let file = File::create(&events).map_err(Failure::file("write", &events))?;
    let mut experiment = lab.experiment(fixture, &results, runs, 2, "walk");
    let memory = child::peak(experiment.args(["--message-format", "json"]).stdout(file), &[0])?;
    Ok((seconds_of_runs(&events)?, memory))
}

/// Memory as people read it.
pub(super) fn megabytes(kilobytes: u64) -> f64 {
    f64::from(u32::try_from(kilobytes).unwrap_or(u32::MAX)) / 1024.0
}
