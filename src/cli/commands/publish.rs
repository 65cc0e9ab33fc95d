//! `publish`: one file with everything that others need to check an experiment, if it is in order.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::cli::args::publish::Publish;
use crate::cli::args::verify::Closeness;
use crate::cli::choose::choose;
use crate::cli::commands::session::secrets;
use crate::cli::commands::verify::{examined, policy};
use crate::cli::console::Console;
use crate::cli::derived;
use crate::cli::error::{CliError, On as _};
use crate::cli::exit::Exit;
use crate::engine::reported::{add_whole, reported};
use crate::model::experiment::MADE_BY;
use crate::os::files;
use crate::report::findings::{FORMATS, policy_sentence};
use crate::report::readme::{README, readme};
use crate::report::results::stamp::{STAMP, Source, Stamp};
use crate::report::results::{FORMS, Material, Report};
use crate::rules::policy::{Policy, Unmet};
use crate::store::bundle::{self, Content, ENDING};
use crate::store::layout::ExperimentFolder;
use crate::store::published;
use crate::text::escape;
use crate::text::leaks::{Leak, Search};
use crate::text::styles::Styles;
use crate::text::words::{counted, shell_word};

/// Runs the command.
///
/// # Errors
/// When the bundle is there already, or the experiment cannot be read, or the bundle not be written.
pub fn run(args: &Publish, console: &mut Console) -> Result<Exit, CliError> {
    let (folder, name) = choose(&args.experiment, console)?;
    let out = console.current_dir()?.join(&args.out);
    let typed = shell_word(&args.out.to_string_lossy());
    if !out.to_string_lossy().ends_with(ENDING) {
        return Err(CliError::usage(format!("{typed} does not end with `{ENDING}`, and a bundle does")));
    }
    if files::kind_of(&out)?.is_some() {
        return Err(CliError::usage(format!("{typed} is there already")).hint("name a file that is not there yet"));
    }
    let policy = Policy { no_secrets: true, ..policy(&args.gate, console)? };
    let mut one = examined(&folder, name.clone(), Closeness::Recompute, (&policy, &args.gate), console)?;
    if one.is_of_another_tool() {
        let why =
            format!("{} is an experiment of another tool, and only one of this tool is published", shell_word(&name));
        return Err(CliError::usage(why).hint(format!("`cargo scylla resume {}` takes it over", shell_word(&name))));
    }
    let root = PathBuf::from(derived::name_of(&folder));
    let mut entries = entries(&folder, &root)?;
    let report = add_report(&folder, &name, &root, &mut entries)?;
    let text = readme(&report);
    entries.insert(PathBuf::from(README), Content::Text(text.into_bytes()));
    one.add_unmet(leaks(&entries));
    let exit = one.exit(&policy);
    if exit != Exit::Success {
        let mut text = Vec::new();
        (FORMATS[0].write)(&[one.verification(Closeness::Recompute)], console.out_styles(), &mut text)?;
        console.print_bytes(&text)?;
        console.say("nothing was written")?;
        return Ok(exit);
    }
    bundle::write(&out, &entries)?;
    console.print(&format!("{}\n", escape::terminal(&args.out.to_string_lossy())))?;
    console.say(&format!("{}; to check it: `cargo scylla verify {typed}`", counted(entries.len(), "entry")))?;
    Ok(Exit::Success)
}

/// What lies in the experiment's folder, below `root` in the bundle. Its report is made anew.
fn entries(folder: &ExperimentFolder, root: &Path) -> Result<BTreeMap<PathBuf, Content>, CliError> {
    let mut entries = BTreeMap::new();
    let report = folder.relative(&folder.report());
    let (folders, links) = published::folders_and_links(folder)?;
    for path in folders {
        entries.insert(root.join(path), Content::Folder);
    }
    for (path, target) in links {
        bundle::stays_within(&root.join(&path), &target).map_err(|why| {
            CliError::usage(why)
                .hint("a bundle holds links within the experiment only: make it a relative one in the fixture")
        })?;
        entries.insert(root.join(path), Content::Link(target));
    }
    for path in published::files(folder)?.into_iter().chain(published::repository(folder)?) {
        if !path.starts_with(&report) {
            entries.insert(root.join(&path), Content::File(folder.root().join(&path)));
        }
    }
    Ok(entries)
}

/// Adds a report in every form that is a file.
fn add_report(
    folder: &ExperimentFolder,
    typed: &str,
    root: &Path,
    entries: &mut BTreeMap<PathBuf, Content>,
) -> Result<Report, CliError> {
    let mut experiment = reported(folder, derived::name_of(folder)).on(typed)?;
    add_whole(folder, &mut experiment).on(typed)?;
    let experiments = std::slice::from_ref(&experiment);
    let report = Report::of(experiments, &[], MADE_BY, &derived::settings());
    let material = Material { report: &report, experiments };
    let (mut stamp, place) = (Stamp::default(), root.join(folder.relative(&folder.report())));
    let made_from = Source::of(&report);
    for form in FORMS.iter().skip(1) {
        for file in (form.files)(&material, Styles::plain()) {
            stamp.add(&file, form.name, &made_from);
            entries.insert(place.join(&*file.name), Content::Text(file.text.into_bytes()));
        }
    }
    entries.insert(place.join(STAMP), Content::Text(stamp.text().into_bytes()));
    Ok(report)
}

/// The secrets in what is made for the bundle: its files are searched as policies ask.
fn leaks(entries: &BTreeMap<PathBuf, Content>) -> Vec<String> {
    let secrets = secrets();
    let mut found = Vec::new();
    for (path, content) in entries {
        let Content::Text(text) = content else { continue };
        let mut search = Search::new(&secrets);
        search.push(text);
        let place = path.to_string_lossy();
        let unmet = |Leak { line, what }| Unmet::Leak { place: place.clone().into_owned(), line, what };
        found.extend(search.finish().into_iter().map(unmet).map(|unmet| policy_sentence(&unmet)));
    }
    found
}
