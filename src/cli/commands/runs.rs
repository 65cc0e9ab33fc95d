//! `runs`: a row for each run of an experiment.

use std::cmp::Ordering;

use crate::cli::args::output::MessageFormat;
use crate::cli::args::runs::{RowsFormat, Runs};
use crate::cli::choose::choose;
use crate::cli::console::Console;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::filters;
use crate::engine::rows::rows;
use crate::model::row::RunRow;
use crate::report;
use crate::rules::filter::any_matches;
use crate::rules::sort::SortKey;
use crate::store::survey::{Depth, survey};
use crate::text::nearest::nearest;
use crate::ui::runs::runs_table;

/// Runs the command.
///
/// # Errors
/// When a filter or a key is wrong, or the folder is no experiment or cannot be read.
pub fn run(args: &Runs, console: &mut Console) -> Result<Exit, CliError> {
    let filters = filters::read(&args.filters)?;
    let keys = args.sort.iter().map(|key| sort_key(key)).collect::<Result<Vec<SortKey>, CliError>>()?;
    let (folder, _) = choose(&args.experiment, console)?;
    let survey = survey(&folder, Depth::Results)?;
    let all = rows(&folder, &survey);
    let mut chosen: Vec<&RunRow> = all.iter().filter(|row| any_matches(&filters, row)).collect();
    chosen.sort_by(|left, right| {
        keys.iter()
            .map(|key| key.compare(left, right))
            .find(|order| *order != Ordering::Equal)
            .unwrap_or(Ordering::Equal)
    });
    if chosen.is_empty() {
        let what = if all.is_empty() {
            "no run is planned".to_owned()
        } else {
            format!("no run of {} fits the filter", all.len())
        };
        console.say(&what)?;
    }
    let is_for_machines = args.format == RowsFormat::Table && console.message_format() == MessageFormat::Json;
    let format = if is_for_machines { RowsFormat::Json } else { args.format };
    let text = match format {
        RowsFormat::Table => runs_table(&chosen, console.columns(), console.out_styles()),
        RowsFormat::Csv => report::rows::csv(&chosen),
        RowsFormat::Json => report::rows::json(&chosen),
        RowsFormat::Jsonl => report::rows::json_lines(&chosen),
    };
    console.print(&text)?;
    Ok(Exit::Success)
}

/// A key as it is typed: `-cost` and `cost:desc` are the same.
fn sort_key(typed: &str) -> Result<SortKey, CliError> {
    typed.parse().map_err(|name: String| {
        let hint = match nearest(&name, SortKey::NAMES) {
            Some(near) => format!("did you mean `{near}`?"),
            None => {
                format!("the keys are {}; `-cost` or `cost:desc` sorts from the greatest", SortKey::NAMES.join(", "))
            }
        };
        CliError::usage(format!("`{name}` is nothing that runs can be sorted by")).hint(hint)
    })
}
