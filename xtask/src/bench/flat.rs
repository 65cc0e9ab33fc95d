//! Whether the cost of a run grows with the number of runs.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::thread;

use super::child;
use super::lab::{self, Lab};
use super::overhead::seconds_of_runs;
use super::sample::Samples;
use super::table::{Goal, Table, Unit};
use crate::failure::Failure;
use crate::say;

/// Runs of a small experiment.
const SMALL: u32 = 100;
/// The cost of a run in a large experiment may be so many times that in a small one.
const MOST_GROWTH: f64 = 1.10;

/// What an experiment took.
#[derive(Debug, Clone, Copy)]
struct Took {
    /// Seconds of each run.
    run: f64,
    /// The most memory of the coordinator, in kB.
    memory: u64,
}

pub(super) fn measure(lab: &Lab, table: &mut Table) -> Result<(), Failure> {
    let fixture = lab.fixture("flat", lab::NOBODY)?;
    let sizes: &[(u32, usize)] = lab.pick(&[(1000, 3), (10_000, 1)], &[(1000, 2)]);
    let mut least = u64::MAX;
    for (runs, repetitions) in sizes {
        let (mut large, mut small, mut memory) = (Samples::default(), Samples::default(), 0);
        for repetition in 0..*repetitions {
            say::line(&format!("{runs} runs, repetition {} of {repetitions}", repetition + 1));
            let (took, beside) = side_by_side(lab, &fixture, *runs, repetition)?;
            large.push(took.run);
            memory = took.memory.max(memory);
            small.push(mean(beside.iter().map(|took| took.run)));
            least = beside.iter().map(|took| took.memory).fold(least, u64::min);
        }
        let ratio = large.over(&small);
        table.samples(format!("{runs} runs: a run"), &large, Unit::Milliseconds, None);
        table.samples(format!("experiments of {SMALL} runs beside it: a run"), &small, Unit::Milliseconds, None);
        let goal = Goal::at_most(MOST_GROWTH, " ×", ratio.median());
        table.samples(format!("{runs} runs: first over second"), &ratio, Unit::Ratio, Some(goal));
        table.figure(format!("{runs} runs: peak memory"), format!("{:.1} MB", megabytes(memory)), None);
    }
    table.figure(format!("{SMALL} runs: peak memory"), format!("{:.1} MB", megabytes(least)), None);
    Ok(())
}

/// Runs a large experiment, and small ones one after the other as long as it lasts: what disturbs it disturbs them.
fn side_by_side(lab: &Lab, fixture: &Path, runs: u32, repetition: usize) -> Result<(Took, Vec<Took>), Failure> {
    let place = lab.place(&format!("flat-{runs}-{repetition}"));
    thread::scope(|scope| {
        let large = scope.spawn(|| experiment(lab, fixture, &place.join("large"), runs));
        let mut beside = Vec::new();
        loop {
            let took = experiment(lab, fixture, &place.join(format!("small-{}", beside.len())), SMALL)?;
            // The last one had the machine for itself for a while.
            if large.is_finished() && !beside.is_empty() {
                break;
            }
            beside.push(took);
        }
        let lost = || Failure::Measure { what: "run an experiment", why: "its thread was lost".to_owned() };
        Ok((large.join().map_err(|_| lost())??, beside))
    })
}

/// Runs an experiment to its end.
fn experiment(lab: &Lab, fixture: &Path, results: &Path, runs: u32) -> Result<Took, Failure> {
    std::fs::create_dir_all(results).map_err(Failure::file("make", results))?;
    let events: PathBuf = results.with_extension("jsonl");
    let file = File::create(&events).map_err(Failure::file("write", &events))?;
    let mut experiment = lab.experiment(fixture, results, runs, 2, "walk");
    let memory = child::peak(experiment.args(["--message-format", "json"]).stdout(file), &[0])?;
    Ok(Took { run: seconds_of_runs(&events)? / f64::from(runs), memory })
}

fn mean(numbers: impl Iterator<Item = f64>) -> f64 {
    let (mut sum, mut count) = (0.0, 0.0);
    for number in numbers {
        sum += number;
        count += 1.0;
    }
    sum / f64::max(count, 1.0)
}

/// Memory as people read it.
pub(super) fn megabytes(kilobytes: u64) -> f64 {
    f64::from(u32::try_from(kilobytes).unwrap_or(u32::MAX)) / 1024.0
}
