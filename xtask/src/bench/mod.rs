//! What the product costs beside what it is made of: ratios within one run, with their goals.

mod bare;
mod child;
mod flat;
pub(crate) mod gateway;
mod lab;
mod overhead;
mod page;
mod parallel;
mod reading;
mod report;
mod sample;
mod scipy;
mod start;
mod synthetic;
mod table;
mod verify;

use std::env;
use std::path::PathBuf;

use clap::ValueEnum;

use crate::failure::Failure;
use crate::program::Program;
use crate::{place, say};
use lab::Lab;
use table::Table;

/// What can be measured by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Section {
    /// What a run costs beside its parts, done alone
    Overhead,
    /// Whether the cost of a run grows with their number
    Flat,
    /// How long one waits for a report of tables, and for what is shown of 10,000 runs
    Report,
    /// How fast results are read and compared
    Verify,
    /// How fast the program starts
    Start,
    /// What it costs that requests to a model pass through the gateway
    Gateway,
}

/// How it is measured.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Arguments {
    /// What to measure [default: all]
    #[arg(value_name = "SECTION")]
    sections: Vec<Section>,
    /// Smaller experiments and fewer repetitions
    #[arg(long)]
    quick: bool,
    /// Write the tables into docs/benchmarks.md
    #[arg(long)]
    write: bool,
}

impl Section {
    /// Its name on the command line and in the page.
    fn name(self) -> &'static str {
        match self {
            Self::Overhead => "overhead",
            Self::Flat => "flat",
            Self::Report => "report",
            Self::Verify => "verify",
            Self::Start => "start",
            Self::Gateway => "gateway",
        }
    }
}

/// Measures what was asked for, shows it as one table for each section, and writes the page if that was asked for.
pub(crate) fn bench(arguments: &Arguments) -> Result<(), Failure> {
    if cfg!(debug_assertions) {
        return again_in_release();
    }
    // Last what makes and removes most files: a file system is slower for minutes after that.
    let all = [Section::Start, Section::Gateway, Section::Overhead, Section::Flat, Section::Report, Section::Verify];
    let asked = |section: &Section| arguments.sections.is_empty() || arguments.sections.contains(section);
    let lab = Lab::new(arguments.quick)?;
    let mut tables = Vec::new();
    for section in all.into_iter().filter(asked) {
        say::heading(section.name());
        let mut table = Table::new(section.name());
        match section {
            Section::Overhead => overhead::measure(&lab, &mut table)?,
            Section::Flat => flat::measure(&lab, &mut table)?,
            Section::Report => report::measure(&lab, &mut table)?,
            Section::Verify => verify::measure(&lab, &mut table)?,
            Section::Start => start::measure(&lab, &mut table)?,
            Section::Gateway => gateway::measure(&lab, &mut table)?,
        }
        for line in table.lines() {
            say::line(&line);
        }
        if arguments.write {
            page::write(&table, arguments.quick)?;
        }
        tables.push(table);
    }
    let missed: usize = tables.iter().map(Table::missed).sum();
    say::line(&format!("\n{} met, {missed} missed", tables.iter().map(Table::met).sum::<usize>()));
    Ok(())
}

/// The bare parts are measured in this process, so it must be built like the product.
fn again_in_release() -> Result<(), Failure> {
    let packages = ["build", "--release", "--quiet", "--package", "cargo-scylla", "--package", "xtask"];
    Program::cargo().args(packages).run()?;
    let program = release().join("xtask");
    Program::new(&program.to_string_lossy()).args(env::args().skip(1)).run()
}

/// Where cargo puts what it builds for the release.
fn release() -> PathBuf {
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from);
    place::root().join(target).join("release")
}
