//! Arguments of `report`; alone, for each command has a file.

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
    /// Make the files in `report/` of the experiment again, in the forms and of the runs that their stamps name
    #[arg(long, conflicts_with_all = ["out", "format", "filter"])]
    pub again: bool,
}
