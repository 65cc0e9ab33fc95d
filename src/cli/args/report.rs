//! Arguments of `report`.

use std::path::PathBuf;

use clap::Args;

use crate::cli::args::runs::FilterFlags;
use crate::cli::args::values;
use crate::report::results::{FORMS, Form};

/// Arguments of `report`.
#[derive(Debug, Args)]
pub struct Report {
    /// The experiments, each a folder, a file in it, or a part of its name [default: the newest in the results folder]
    #[arg(value_name = "DIR")]
    pub dirs: Vec<PathBuf>,
    /// Where experiments are looked for by a part of the name, or the newest one [default: where `run` puts experiments]
    #[arg(long, value_name = "DIR")]
    pub results_dir: Option<PathBuf>,
    /// Which runs.
    #[command(flatten)]
    pub filters: FilterFlags,
    /// Tables, in place of experiments.
    #[command(flatten)]
    pub tables: TableFlags,
    /// Form of the report; several, with commas between them, are written to a folder [with `--message-format json`: json]
    #[arg(
        long,
        value_name = "FORMAT",
        value_delimiter = ',',
        default_value = FORMS[0].name,
        value_parser = values::form_of_results()
    )]
    pub format: Vec<&'static Form>,
    /// The folder that files are written to, in place of standard output [default, for forms of more than one text: `report/` in
    /// the experiment]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Write over files in `--out` that no report wrote
    #[arg(long, requires = "out")]
    pub force: bool,
    /// Make the files in `report/` of the experiment again, in the forms and of the runs that their stamps name
    #[arg(long, conflicts_with_all = ["out", "format", "filter"])]
    pub again: bool,
}

/// Tables that are reported.
#[derive(Debug, Args)]
pub struct TableFlags {
    /// Report a table of runs in place of experiments: CSV, in the columns of the `runs.csv` that `--format csv` writes
    #[arg(long, value_name = "RUNS", conflicts_with_all = ["dirs", "results_dir", "filter", "again"])]
    pub from_csv: Option<PathBuf>,
    /// With `--from-csv`: what judges said of these runs, as in `judges.csv`
    #[arg(long, value_name = "FILE", requires = "from_csv")]
    pub judges: Option<PathBuf>,
    /// With `--from-csv`: what judges said of each item of the rubric, as in `criteria.csv`
    #[arg(long, value_name = "FILE", requires = "from_csv")]
    pub criteria: Option<PathBuf>,
    /// With `--from-csv`: results that were published of these tables, JSON. What differs is named, with exit code 7
    #[arg(long, value_name = "FILE", requires = "from_csv")]
    pub published: Option<PathBuf>,
}
