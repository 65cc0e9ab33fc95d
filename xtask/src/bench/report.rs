//! How long one waits for what was measured: statistics of tables, beside the same ones by `SciPy`; and what is shown of an
//! experiment of 10,000 runs. People wait for these, so the goals are times.

use std::env;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::child::{self, on_one_core};
use super::lab::Lab;
use super::sample::Samples;
use super::scipy::Scipy;
use super::synthetic::{self, Content};
use super::table::{Goal, Table, Unit};
use crate::failure::Failure;
use crate::{place, say};

/// The tables: 1,080 runs, 3,210 judgments and their items, published by ProjectScylla.
const TABLES: &str = "data/projectscylla-haiku";
/// Every form of a report of tables.
const FORMS: &str = "terminal,md,json,csv,latex";
/// At most so many milliseconds for all statistics of the tables in every form.
const MOST_FOR_TABLES: f64 = 2_000.0;
/// Every form of a report of an experiment that is written to files.
const FILED: [&str; 6] = ["md", "html", "json", "csv", "latex", "inspect"];
/// Runs of the experiment that is shown.
const RUNS: u32 = 10_000;
/// At most so many milliseconds for what tells of the whole experiment.
const MOST_FOR_ALL: f64 = 500.0;
/// At most so many milliseconds for what tells of one run.
const MOST_FOR_ONE: f64 = 50.0;

pub(super) fn measure(lab: &Lab, table: &mut Table) -> Result<(), Failure> {
    match folder() {
        Some(folder) => on_one_core(|| of_tables(lab, &folder, table))?,
        None => table.figure("1080 runs in tables", "the tables are not there", None),
    }
    of_experiment(lab, table)
}

/// The folder of the tables, which are in no clone: below `SCYLLA_SHARED`, else in `shared/` beside the clone.
fn folder() -> Option<PathBuf> {
    let beside = place::root().join("../shared");
    let folder = env::var_os("SCYLLA_SHARED").map_or(beside, PathBuf::from).join(TABLES);
    folder.is_dir().then_some(folder)
}

fn of_tables(lab: &Lab, folder: &Path, table: &mut Table) -> Result<(), Failure> {
    let tables = ["runs.csv", "judges.csv", "criteria.csv"].map(|name| folder.join(name));
    let report = |forms: &str| {
        let mut command = lab.program();
        command.arg("report").args(["--format", forms]);
        command.arg("--from-csv").arg(&tables[0]).arg("--judges").arg(&tables[1]).arg("--criteria").arg(&tables[2]);
        command
    };
    let (mut ours, mut processor, mut theirs, mut ratio) =
        (Samples::default(), Samples::default(), Samples::default(), Samples::default());
    let scipy = Scipy::installed();
    let said = lab.place("scipy.json");
    let out = lab.place("tables");
    for _ in 0..lab.pick(5, 2) {
        let mut turn = Samples::default();
        for _ in 0..5 {
            let took = child::timed(report(FORMS).arg("--out").arg(&out), &[0])?;
            turn.push(took.seconds);
            ours.push(took.seconds);
            processor.push(took.processor);
        }
        if let Some(scipy) = &scipy {
            say::line("computing the same statistics by SciPy");
            let seconds = child::timed(&mut scipy.statistics(&tables, &said)?, &[0])?.seconds;
            theirs.push(seconds);
            ratio.push(seconds / turn.median());
        }
    }
    let what = "1080 runs in tables: all statistics in every form";
    table.samples(what, &ours, Unit::Milliseconds, Some(within(MOST_FOR_TABLES, &ours)));
    table.samples(format!("{what}, time on the processor"), &processor, Unit::Milliseconds, None);
    let what = format!("1080 runs in tables: by {}", Scipy::versions());
    if scipy.is_none() {
        table.figure(what, "not installed", None);
        return Ok(());
    }
    table.samples(what, &theirs, Unit::Milliseconds, None);
    table.samples("1080 runs in tables: SciPy and NumPy over ours", &ratio, Unit::Ratio, None);
    let beside = beside(report("json").arg("--published").arg(&said), &lab.place("beside.json"))?;
    let figure = format!("{} of {}", beside["differing"], beside["compared"]);
    table.figure("1080 runs in tables: numbers that differ by more than 1e-9", figure, None);
    Ok(())
}

/// What a report says of published results.
fn beside(command: &mut Command, to: &Path) -> Result<Value, Failure> {
    let file = File::create(to).map_err(Failure::file("make", to))?;
    child::timed(command.stdout(file), &[0, 7])?;
    let text = fs::read_to_string(to).map_err(Failure::file("read", to))?;
    let report: Value = serde_json::from_str(&text).map_err(|error| Failure::file("read", to)(error.into()))?;
    Ok(report["published"].clone())
}

fn of_experiment(lab: &Lab, table: &mut Table) -> Result<(), Failure> {
    let experiment = synthetic::experiment(lab, RUNS, Content::Whole)?;
    let results = experiment.parent().unwrap_or(&experiment);
    let dir = experiment.as_os_str();
    let word = OsStr::new;
    let mut commands: Vec<(String, Vec<&OsStr>, f64)> = vec![
        ("list".into(), vec![word("list"), results.as_os_str()], MOST_FOR_ALL),
        ("runs".into(), vec![word("runs"), dir], MOST_FOR_ALL),
        ("show T3/07/21".into(), vec![word("show"), dir, word("T3/07/21")], MOST_FOR_ONE),
        ("compare T0 T1".into(), vec![word("compare"), dir, word("T0"), word("T1")], MOST_FOR_ALL),
        ("report".into(), vec![word("report"), dir], MOST_FOR_ALL),
    ];
    // Each form writes its files, as people have them written who pass them on.
    let outs = FILED.map(|form| (form, lab.place(&format!("report-{form}"))));
    for (form, out) in &outs {
        let words = vec![word("report"), dir, word("--format"), word(form), word("--out"), out.as_os_str()];
        commands.push((format!("report --format {form}"), words, MOST_FOR_ALL));
    }
    // Turn by turn, so that what disturbs one for a while disturbs all.
    let mut samples: Vec<Samples> = commands.iter().map(|_| Samples::default()).collect();
    for turn in 0..=lab.pick(11, 7) {
        for ((_, words, _), samples) in commands.iter().zip(&mut samples) {
            let seconds = child::timed(lab.program().args(words), &[0])?.seconds;
            // The first turn warms the caches.
            if turn > 0 {
                samples.push(seconds);
            }
        }
    }
    for ((name, _, most), samples) in commands.iter().zip(&samples) {
        let goal = within(*most, samples);
        table.samples(format!("{RUNS} runs: `{name}`"), samples, Unit::Milliseconds, Some(goal));
    }
    Ok(())
}

/// The goal of so many milliseconds.
fn within(most: f64, samples: &Samples) -> Goal {
    Goal::at_most(most, " ms", samples.median() * 1e3)
}
