//! What a run costs whose agent exits at once, beside its parts done alone and beside GNU parallel.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use scylla::model::experiment::ContainmentChoice;
use serde_json::Value;

use super::bare::{Bench, Parts, Written};
use super::lab::{self, Lab};
use super::sample::Samples;
use super::table::{Goal, Table, Unit};
use super::{child, parallel};
use crate::failure::Failure;
use crate::say;

/// At most so many times the bare sum.
const MOST_OVER_BARE: f64 = 1.5;
/// At most so many milliseconds the coordinator's thread takes for a run.
const MOST_OF_COORDINATOR_MS: f64 = 2.0;

/// The repetitions of one setting.
struct Setting {
    jobs: u32,
    containment: &'static str,
    choice: ContainmentChoice,
    bare: Bench,
    ours: Samples,
    coordinator: Samples,
    alone: Samples,
    without_removal: Samples,
    parts: Parts,
}

pub(super) fn measure(lab: &Lab, table: &mut Table) -> Result<(), Failure> {
    let (runs, repetitions) = lab.pick((200, 5), (50, 3));
    let fixture = lab.fixture("overhead", lab::EXITS)?;
    let first = lab.place("overhead-first");
    child::timed(&mut lab.experiment(&fixture, &first, 1, 1, "walk"), &[0])?;
    let first = lab::only_experiment(&first)?;
    let written = Written::read(&first)?;
    let mut settings = settings(lab, &fixture)?;
    let parallel = parallel::is_installed();
    let mut others = [(1, Samples::default()), (2, Samples::default())];
    for repetition in 0..repetitions {
        say::line(&format!("repetition {} of {repetitions}, {runs} runs each", repetition + 1));
        for setting in &mut settings {
            setting.repeat(lab, &fixture, repetition, runs, &written)?;
        }
        for (jobs, samples) in others.iter_mut().filter(|_| parallel) {
            let folder = lab.place(&format!("parallel-{jobs}-{repetition}"));
            let (repo, template) = (first.join("repo.git"), first.join("T0/00/run_01"));
            samples.push(parallel::runs(&folder, &repo, &template, runs, *jobs)? / f64::from(runs));
        }
    }
    for setting in &settings {
        setting.add_to(table, f64::from(runs * repetitions));
    }
    for (jobs, samples) in &others {
        let what = format!("jobs {jobs}: GNU parallel with an equal script, a run");
        if !parallel {
            table.figure(what, "not installed", None);
            continue;
        }
        table.samples(what, samples, Unit::Milliseconds, None);
        for setting in settings.iter().filter(|setting| setting.jobs == *jobs) {
            let what = format!("{}: over GNU parallel", setting.name());
            table.samples(what, &setting.ours.over(samples), Unit::Ratio, None);
        }
    }
    Ok(())
}

fn settings(lab: &Lab, fixture: &Path) -> Result<Vec<Setting>, Failure> {
    let mut settings = Vec::new();
    for (containment, choice) in [("auto", ContainmentChoice::Auto), ("walk", ContainmentChoice::Walk)] {
        for jobs in [1, 2] {
            settings.push(Setting {
                jobs,
                containment,
                choice,
                bare: Bench::new(&lab.place(&format!("bare-{containment}-{jobs}")), fixture, choice)?,
                ours: Samples::default(),
                coordinator: Samples::default(),
                alone: Samples::default(),
                without_removal: Samples::default(),
                parts: Parts::default(),
            });
        }
    }
    Ok(settings)
}

impl Setting {
    fn name(&self) -> String {
        let found = if self.choice == ContainmentChoice::Auto { self.bare.containment() } else { self.containment };
        format!("{found}, jobs {}", self.jobs)
    }

    /// The product, and right behind it the bare sum.
    fn repeat(
        &mut self,
        lab: &Lab,
        fixture: &Path,
        repetition: u32,
        runs: u32,
        written: &Written,
    ) -> Result<(), Failure> {
        let each = f64::from(runs);
        let results = lab.place(&format!("overhead-{}-{}-{repetition}", self.containment, self.jobs));
        let events = lab.place("events.jsonl");
        let file = File::create(&events).map_err(Failure::file("write", &events))?;
        let mut experiment = lab.experiment(fixture, &results, runs, self.jobs, self.containment);
        let took = child::timed(experiment.args(["--message-format", "json"]).stdout(file), &[0])?;
        self.ours.push(seconds_of_runs(&events)? / each);
        self.coordinator.push(took.first_thread / each);
        // Every repetition makes new folders, as the product does.
        let bare = lab.place(&format!("bare-{}-{}/{repetition}", self.containment, self.jobs));
        self.bare = Bench::new(&bare, fixture, self.choice)?;
        let (seconds, parts) = self.bare.runs(runs, self.jobs, written)?;
        self.alone.push(seconds / each);
        self.without_removal.push((seconds - parts.remove / f64::from(self.jobs)) / each);
        self.parts += parts;
        Ok(())
    }

    fn add_to(&self, table: &mut Table, runs: f64) {
        let name = self.name();
        let ratio = self.ours.over(&self.alone);
        table.samples(format!("{name}: a run"), &self.ours, Unit::Milliseconds, None);
        table.samples(format!("{name}: its parts alone"), &self.alone, Unit::Milliseconds, None);
        table.samples(
            format!("{name}: over its parts"),
            &ratio,
            Unit::Ratio,
            Some(Goal::at_most(MOST_OVER_BARE, " ×", ratio.median())),
        );
        let without = self.ours.over(&self.without_removal);
        table.samples(format!("{name}: over its parts but the trees' removal"), &without, Unit::Ratio, None);
        table.samples(
            format!("{name}: the coordinator's thread, a run"),
            &self.coordinator,
            Unit::Milliseconds,
            Some(Goal::at_most(MOST_OF_COORDINATOR_MS, " ms", self.coordinator.median() * 1e3)),
        );
        let share = self.coordinator.over(&self.alone);
        table.samples(format!("{name}: the coordinator's thread over a run's parts"), &share, Unit::Ratio, None);
        let Parts { prepare, spawns, capture, fresh, durable, remove } = self.parts;
        let parts = [
            ("workspace", prepare),
            ("two processes", spawns),
            ("capture", capture),
            ("fresh tree for the check", fresh),
            ("durable files", durable),
            ("removal", remove),
        ];
        let parts: Vec<String> =
            parts.iter().map(|(part, seconds)| format!("{part} {:.2}", seconds / runs * 1e3)).collect();
        table.figure(format!("{name}: the parts, mean ms"), parts.join(", "), None);
    }
}

/// From the start of the first run to the commit of the last one, as the events tell it.
pub(super) fn seconds_of_runs(events: &PathBuf) -> Result<f64, Failure> {
    let text = fs::read_to_string(events).map_err(Failure::file("read", events))?;
    let time = |line: &str, reason: &str| -> Option<Timestamp> {
        let event: Value = serde_json::from_str(line).ok()?;
        (event["reason"] == reason).then(|| event["at"].as_str()?.parse().ok())?
    };
    let begin = text.lines().find_map(|line| time(line, "run-started"));
    let end = text.lines().rev().find_map(|line| time(line, "run-committed"));
    let (Some(begin), Some(end)) = (begin, end) else {
        return Err(Failure::Measure { what: "read the events", why: "no run was committed".to_owned() });
    };
    Ok(end.duration_since(begin).as_secs_f64())
}
