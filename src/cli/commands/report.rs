//! `report`: which setup won, by how much, and at what cost, in the forms that people and programs read.

use std::collections::BTreeSet;
use std::mem::ManuallyDrop;
use std::path::PathBuf;

use crate::cli::args::Which;
use crate::cli::args::report::Report as Args;
use crate::cli::choose::choose;
use crate::cli::commands::report_files::{Made, forget, forms, refuse_foreign, write};
use crate::cli::commands::report_tables;
use crate::cli::console::Console;
use crate::cli::derived;
use crate::cli::error::{CliError, On as _};
use crate::cli::exit::Exit;
use crate::cli::filters;
use crate::engine::reported::{add_whole, reported};
use crate::model::experiment::MADE_BY;
use crate::model::reported::Reported;
use crate::os::files::{self, Kind};
use crate::report::results::check::to_make_again;
use crate::report::results::stamp::Source;
use crate::report::results::{FORMS, Material, Report, form_of};
use crate::rules::filter::{Filter, any_matches};
use crate::stats::summaries::Settings;
use crate::store::layout::ExperimentFolder;
use crate::text::escape;
use crate::text::styles::Styles;
use crate::text::words::shell_word;

/// Runs the command.
///
/// # Errors
/// When an experiment is not there or cannot be read, a filter is wrong, or a file cannot be written.
pub fn run(args: &Args, console: &mut Console) -> Result<Exit, CliError> {
    if let Some(runs) = &args.tables.from_csv {
        return report_tables::run(runs, args, console);
    }
    let filters = filters::read(&args.filters)?;
    let forms = forms(args, console);
    let folders = folders(args, console)?;
    if args.again {
        return again(&folders, console);
    }
    let mut experiments = Vec::new();
    for (folder, name) in &folders {
        experiments.push(read(folder, name, &filters, forms.iter().any(|form| form.needs_whole_runs))?);
    }
    if !filters.is_empty() && experiments.iter().all(|experiment| experiment.runs.is_empty()) {
        let named = args.filters.filter.join("`, `");
        return Err(CliError::usage(format!(
            "no run fits `{}`, so there is nothing to report",
            escape::terminal(&named)
        ))
        .hint("`cargo scylla runs` shows the runs that there are"));
    }
    // The process ends after this: to free ten thousand runs one by one would only take time.
    let experiments = ManuallyDrop::new(experiments);
    let report = ManuallyDrop::new(Report::of(&experiments, &args.filters.filter, MADE_BY, &Settings::default()));
    let material = Material { report: &report, experiments: &experiments, room: None };
    match (args.out.as_deref(), forms.as_slice()) {
        (None, [only]) if only.is_printed => {
            let material = Material { room: console.columns(), ..material };
            for file in (only.files)(&material, console.out_styles()) {
                console.print(&file.text)?;
            }
        }
        (out, forms) => {
            let current = console.current_dir()?;
            let made: Made<'_> =
                forms.iter().map(|form| (form.name, (form.files)(&material, Styles::plain()))).collect();
            let is_named = out.is_some();
            let out = place(out.map(|out| current.join(out)), &folders)?;
            if is_named && !args.force {
                refuse_foreign(&out, &made, console)?;
            }
            write(&out, made, &Source::of(&report), console)?;
            // Tables have no place for a sentence.
            for broken in report.experiments.iter().flat_map(|experiment| &experiment.broken_controls) {
                console.say(&broken.sentence())?;
            }
        }
    }
    Ok(Exit::Success)
}

/// Makes the report in each of these folders again: the forms that its stamp names, each of the runs that it names; where there is
/// no stamp that can be read, the forms whose files are there. What is not right and cannot be made again is taken out of the stamp.
fn again(folders: &[(ExperimentFolder, String)], console: &mut Console) -> Result<Exit, CliError> {
    for (folder, typed) in folders {
        let out = folder.report();
        let known = derived::stamp_in(&out)?;
        let is_stamped = known.is_some();
        let stamp = known.flatten();
        let mut experiment = reported(folder, derived::name_of(folder)).on(typed)?;
        let all = std::mem::take(&mut experiment.runs);
        let asked = stamp.as_ref().map(to_make_again);
        let guessed = asked.is_none();
        let asked = asked.unwrap_or_else(|| FORMS.iter().map(|form| (Vec::new(), form.name.to_owned())).collect());
        let mut names = BTreeSet::new();
        for (filters, form) in asked {
            // Whoever altered a stamp may have written into it what is no filter.
            let read: Result<Vec<Filter>, _> = filters.iter().map(|filter| filter.parse::<Filter>()).collect();
            let (filters, read) = read.map_or_else(|_| (Vec::new(), Vec::new()), |read| (filters, read));
            let Some(form) = form_of(&form) else { continue };
            experiment.runs = all.iter().filter(|run| any_matches(&read, &run.row)).cloned().collect();
            if form.needs_whole_runs {
                add_whole(folder, &mut experiment).on(typed)?;
            }
            let experiments = std::slice::from_ref(&experiment);
            let report = Report::of(experiments, &filters, MADE_BY, &Settings::default());
            let material = Material { report: &report, experiments, room: None };
            let is_there = |name: &str| matches!(files::kind_of(&out.join(name)), Ok(Some(Kind::File)));
            let made = (form.files)(&material, Styles::plain());
            if !guessed || made.iter().any(|file| is_there(&file.name)) {
                names.extend(write(&out, vec![(form.name, made)], &Source::of(&report), console)?);
            }
        }
        forget(&out, &names, console)?;
        if names.is_empty() && !is_stamped {
            let why = format!("there is no report of `{}` to be made again", escape::terminal(typed));
            let hint = format!("make one with `cargo scylla report {} --format md,csv`", shell_word(typed));
            return Err(CliError::usage(why).hint(hint));
        }
    }
    Ok(Exit::Success)
}

/// The experiments that are named, each once.
fn folders(args: &Args, console: &mut Console) -> Result<Vec<(ExperimentFolder, String)>, CliError> {
    let which = |dir| Which { dir, results_dir: args.results_dir.clone() };
    if args.dirs.is_empty() {
        return Ok(vec![choose(&which(None), console)?]);
    }
    let mut folders: Vec<(ExperimentFolder, String)> = Vec::new();
    for dir in &args.dirs {
        let (folder, name) = choose(&which(Some(dir.clone())), console)?;
        if folders.iter().any(|(known, _)| known.root() == folder.root()) {
            console.say(&format!("note: `{}` is named twice, and reported once", escape::terminal(&name)))?;
        } else {
            folders.push((folder, name));
        }
    }
    Ok(folders)
}

/// What a report of these runs of an experiment is made of.
fn read(folder: &ExperimentFolder, typed: &str, filters: &[Filter], is_whole: bool) -> Result<Reported, CliError> {
    let mut experiment = reported(folder, derived::name_of(folder)).on(typed)?;
    experiment.runs.retain(|run| any_matches(filters, &run.row));
    if is_whole {
        add_whole(folder, &mut experiment).on(typed)?;
    }
    Ok(experiment)
}

/// The folder that files are written to.
fn place(out: Option<PathBuf>, folders: &[(ExperimentFolder, String)]) -> Result<PathBuf, CliError> {
    match (out, folders) {
        (Some(out), _) => Ok(out),
        (None, [(only, _)]) => Ok(only.report()),
        (None, _) => Err(CliError::usage("a report of several experiments has no folder of its own")
            .hint("name one with `--out DIR`")),
    }
}
