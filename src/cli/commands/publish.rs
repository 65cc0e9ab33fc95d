//! `publish`: one file with everything that others need to check an experiment, if it is in order.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::cli::args::output::MessageFormat;
use crate::cli::args::publish::Publish;
use crate::cli::args::verify::{Closeness, Gate};
use crate::cli::choose::choose;
use crate::cli::commands::session::secrets;
use crate::cli::commands::verify::{examined, policy};
use crate::cli::console::Console;
use crate::cli::derived;
use crate::cli::error::{CliError, On as _, shown};
use crate::cli::exit::Exit;
use crate::engine::reported::{add_whole, reported};
use crate::model::experiment::MADE_BY;
use crate::os::files;
use crate::report::done::Published;
use crate::report::findings::{FOR_MACHINES, FORMATS, policy_sentence};
use crate::report::readme::{README, readme};
use crate::report::results::stamp::{STAMP, Source, Stamp};
use crate::report::results::{FORMS, Material, Report};
use crate::rules::policy::{Policy, Unmet};
use crate::stats::summaries::Settings;
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
    let typed = shell_word(&shown(&args.out, Path::new("")));
    let is_for_machines = console.message_format() == MessageFormat::Json;
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
        let format = if is_for_machines { FOR_MACHINES } else { FORMATS[0] };
        (format.write)(&[one.verification(Closeness::Recompute)], console.out_styles(), &mut text)?;
        console.print_bytes(&text)?;
        console.say("nothing was written")?;
        return Ok(exit);
    }
    bundle::write(&out, &entries)?;
    if is_for_machines {
        let seal = report.experiments.first().and_then(|experiment| experiment.seal);
        let out = args.out.to_string_lossy().into_owned();
        console.print(&Published::new(&name, out, entries.len(), report.results_digest, seal).json())?;
        return Ok(exit);
    }
    console.print(&format!("{}\n", escape::terminal(&args.out.to_string_lossy())))?;
    let asked = asked_again(&args.gate);
    console.say(&format!("{}; to check it: `cargo scylla verify {typed}{asked}`", counted(entries.len(), "entry")))?;
    Ok(Exit::Success)
}

/// The flags with which `verify` asks the same of the bundle as was asked of the experiment. What settings ask for is asked again
/// where they hold.
fn asked_again(gate: &Gate) -> String {
    let mut words: Vec<String> = Vec::new();
    let numbers = [
        ("--max-missing", gate.max_missing.map(|number| number.to_string())),
        ("--max-errored", gate.max_errored.map(|number| number.to_string())),
        ("--min-runs", gate.min_runs.map(|number| number.to_string())),
        ("--min-judges", gate.min_judges.map(|number| number.to_string())),
    ];
    for (flag, number) in numbers {
        words.extend(number.map(|number| format!("{flag} {number}")));
    }
    words.extend(gate.min_pass_rate.iter().map(|asked| match asked.of {
        Some(part) => format!("--min-pass-rate {part}={}", asked.rate),
        None => format!("--min-pass-rate {}", asked.rate),
    }));
    let flags = [
        ("--deny-warnings", gate.deny_warnings),
        ("--no-secrets", gate.no_secrets),
        ("--require-seal", gate.require_seal),
        ("--same-agent-version", gate.same_agent_version),
    ];
    words.extend(flags.iter().filter(|(_, is_asked)| *is_asked).map(|(flag, _)| (*flag).to_owned()));
    words.extend(gate.signer.as_ref().map(|file| format!("--signer {}", shell_word(&shown(file, Path::new(""))))));
    std::iter::once(String::new()).chain(words).collect::<Vec<_>>().join(" ")
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
    let report = Report::of(experiments, &[], MADE_BY, &Settings::default());
    let material = Material { report: &report, experiments, room: None };
    let (mut stamp, place) = (Stamp::default(), root.join(folder.relative(&folder.report())));
    let made_from = Source::of(&report);
    for form in FORMS.iter().skip(1) {
        let files = (form.files)(&material, Styles::plain());
        stamp.add(&files, form.name, &made_from);
        for file in files {
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
