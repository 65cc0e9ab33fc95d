//! `report --from-csv`: what tables of results say, in the columns of ProjectScylla's export, beside what was published of
//! them.

use std::path::Path;

use crate::cli::args::report::Report as Args;
use crate::cli::commands::report_files::{Made, forms, refuse_foreign, write};
use crate::cli::console::Console;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::model::digest::Digest;
use crate::model::experiment::MADE_BY;
use crate::model::limits::MOST_TABLE_BYTES;
use crate::os::files::read_bounded;
use crate::projectscylla::tables::{self, Table, TableError, published};
use crate::report::tables::{FORMS, Form, Holds, Input, Known, TablesReport, form_of};
use crate::stats::analysis::{Rows, Settings};
use crate::store::StoreError;
use crate::text::styles::Styles;
use crate::text::words::list;

/// Files that were read, and what is to be said of them.
#[derive(Default)]
struct Files {
    inputs: Vec<Input>,
    notes: Vec<String>,
}

/// Runs the command.
///
/// # Errors
/// When a file is not there, a table or what was published cannot be read, or a file cannot be written.
pub(super) fn run(runs: &Path, args: &Args, console: &mut Console) -> Result<Exit, CliError> {
    let forms = forms_of_tables(args, console)?;
    let mut files = Files::default();
    let runs = files.table(Holds::Runs, runs, tables::runs)?;
    let judges = args.tables.judges.as_deref().map(|path| files.table(Holds::Judges, path, tables::judges));
    let criteria = args.tables.criteria.as_deref().map(|path| files.table(Holds::Criteria, path, tables::criteria));
    let (judges, criteria) = (judges.transpose()?.unwrap_or_default(), criteria.transpose()?.unwrap_or_default());
    let results = args.tables.published.as_deref().map(|path| files.published(path)).transpose()?;
    let mistakes = published::known_mistakes();
    let claims = files.inputs.last().map(|input| published::claims(&input.digest)).unwrap_or_default();
    let known = results.as_ref().map(|results| Known { published: results, mistakes: &mistakes, claims: &claims });
    let rows = Rows { runs: &runs, judges: &judges, criteria: &criteria };
    let report = TablesReport::of(&rows, &Settings::default(), files.inputs, files.notes, known, MADE_BY);
    match (args.out.as_deref(), forms.as_slice()) {
        (None, [only]) if only.is_printed => {
            for file in (only.files)(&report, console.out_styles()) {
                console.print(&file.text)?;
            }
        }
        (None, _) => {
            return Err(
                CliError::usage("a report of tables has no folder of its own").hint("name one with `--out DIR`")
            );
        }
        (Some(out), forms) => {
            let made: Made<'_> = forms.iter().map(|form| (form.name, (form.files)(&report, Styles::plain()))).collect();
            let out = console.current_dir()?.join(out);
            if !args.force {
                refuse_foreign(&out, &made, console)?;
            }
            write(&out, made, &report.source(), console)?;
        }
    }
    let differs = report.published.as_ref().is_some_and(|published| published.differing > 0);
    Ok(if differs { Exit::Policy } else { Exit::Success })
}

/// The forms that are asked for; not all that a report of experiments has are there for tables.
fn forms_of_tables(args: &Args, console: &Console) -> Result<Vec<&'static Form>, CliError> {
    let asked = forms(args, console);
    let of_tables = |name: &str| {
        let names: Vec<String> = FORMS.iter().map(|form| format!("`{}`", form.name)).collect();
        let none =
            || CliError::usage(format!("there is no form `{name}` of tables")).hint(format!("{} are", list(&names)));
        form_of(name).ok_or_else(none)
    };
    asked.iter().map(|form| of_tables(form.name)).collect()
}

impl Files {
    fn table<R>(
        &mut self,
        holds: Holds,
        path: &Path,
        parse: fn(&str, &[u8]) -> Result<Table<R>, TableError>,
    ) -> Result<Vec<R>, CliError> {
        let bytes = self.read(holds, path)?;
        let name = path.display().to_string();
        let table = parse(&name, &bytes).map_err(|error| CliError::usage(error.to_string()))?;
        if !table.absent.is_empty() {
            self.notes.push(format!("{} has no column {}: it is not known.", self.last(), table.absent.join(", ")));
        }
        if !table.unknown.is_empty() {
            self.notes.push(format!("{}: nothing is known of the columns {}.", self.last(), table.unknown.join(", ")));
        }
        Ok(table.rows)
    }

    fn published(&mut self, path: &Path) -> Result<crate::model::published::Published, CliError> {
        let bytes = self.read(Holds::Published, path)?;
        published::read(&bytes).map_err(|error| CliError::usage(format!("{}: {error}", path.display())))
    }

    fn read(&mut self, holds: Holds, path: &Path) -> Result<Vec<u8>, CliError> {
        let bytes = read_bounded(path, MOST_TABLE_BYTES).map_err(StoreError::from)?;
        let Some(bytes) = bytes else {
            return Err(CliError::usage(format!("{} is not there", path.display())));
        };
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        self.inputs.push(Input { holds, name, digest: Digest::of(&bytes) });
        Ok(bytes)
    }

    fn last(&self) -> &str {
        self.inputs.last().map_or("", |input| &input.name)
    }
}
