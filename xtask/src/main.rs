//! What a contributor runs: `cargo xtask ci`, `cargo xtask codegen`, `cargo xtask bench`, `cargo xtask sweep`,
//! `cargo xtask screenshots`, `cargo xtask inspect`, `cargo xtask e2e` and `cargo xtask dist`.

mod bench;
mod ci;
mod codegen;
mod dist;
mod e2e;
mod failure;
mod inspect;
mod licences;
mod place;
mod program;
mod say;
mod screenshots;
mod sweep;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use failure::Failure;

/// What a contributor runs.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Do every check that a change must pass, and show which did
    Ci {
        /// Leave these steps out, because they were just done, with commas between them
        #[arg(long, value_name = "STEP", value_delimiter = ',', value_parser = clap::builder::PossibleValuesParser::new(ci::names()))]
        skip: Vec<String>,
    },
    /// Write the parts of the manual that follow from the code, below docs/
    Codegen {
        /// Write nothing; fail when a file differs from what would be written
        #[arg(long)]
        check: bool,
    },
    /// Measure the release beside what it is made of, as ratios with goals
    Bench(bench::Arguments),
    /// Be a gateway and nothing else, for `bench gateway`
    #[command(hide = true)]
    GatewayAlone(bench::gateway::alone::Arguments),
    /// Do at its full size what `cargo test` does at a reduced one
    Sweep {
        /// What is swept
        #[arg(value_enum)]
        sweep: sweep::Sweep,
    },
    /// Take pictures of the report's page in a browser, below target/screenshots/, and the one of the README: look at them after
    /// a change of the page
    Screenshots,
    /// Let the real Inspect AI read the logs that `report --format inspect` writes: it is installed below target/inspect/
    Inspect,
    /// Try the program with the real programs that it starts
    E2e {
        /// What is tried
        #[command(subcommand)]
        what: e2e::E2e,
    },
    /// Build the release and pack it below target/dist/
    Dist,
}

fn main() -> ExitCode {
    let done = match Arguments::parse().task {
        Task::Ci { skip } => ci::ci(&skip),
        Task::Codegen { check } => codegen(check),
        Task::Bench(arguments) => bench::bench(&arguments),
        Task::GatewayAlone(arguments) => bench::gateway::alone::be(&arguments),
        Task::Sweep { sweep } => sweep::sweep(sweep),
        Task::Screenshots => screenshots::screenshots(),
        Task::Inspect => inspect::inspect(),
        Task::E2e { what } => e2e::e2e(what),
        Task::Dist => dist::dist(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            say::failure(&failure);
            ExitCode::FAILURE
        }
    }
}

fn codegen(check: bool) -> Result<(), Failure> {
    if check { codegen::check() } else { codegen::write() }
}
