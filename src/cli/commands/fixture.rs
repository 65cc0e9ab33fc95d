//! `fixture check | new | list`.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::cli::args::fixture::OverrideFlags;
use crate::cli::args::fixture::{Check, Fixture};
use crate::cli::commands::task_tree::{self, Solved};
use crate::cli::commands::{gold, trial};
use crate::cli::console::Console;
use crate::cli::error::{CliError, shown};
use crate::cli::exit::Exit;
use crate::cli::locate::{Located, locate_without_manifest};
use crate::cli::options;
use crate::cli::prelude::Prelude;
use crate::config::fixture::vary::named_by_content;
use crate::config::fixture::{Overrides, named, to_be_named};
use crate::config::list::folder_of;
use crate::config::mistake::Mistake;
use crate::config::{list, scaffold};
use crate::model;
use crate::model::ids::{SubtestId, TierId};
use crate::model::sandbox::Sandbox;
use crate::model::task::Subtest;
use crate::os::program;
use crate::setup::alike;
use crate::store::published;
use crate::text::escape;
use crate::text::words::{counted, shell_word};
use crate::ui::capabilities;
use crate::ui::fixtures::{Counts, Row, fixture_table};

/// Runs the command.
///
/// # Errors
/// When a fixture has mistakes, or a folder cannot be written.
pub fn run(args: &Fixture, console: &mut Console) -> Result<Exit, CliError> {
    match args {
        Fixture::Check(args) => check(args, console),
        Fixture::New { dir } => new(dir, console),
        Fixture::List { dir } => list(dir.as_deref(), console),
    }
}

fn check(args: &Check, console: &mut Console) -> Result<Exit, CliError> {
    let prelude = Prelude::of(console, "before all was checked")?;
    let making = prelude.making();
    let current = console.current_dir()?;
    let dir = folder_of(&args.dir);
    let overrides = options::overrides(&args.overrides, &located(&current, console)?, &current);
    if list::holds_fixtures(dir) {
        if args.run {
            return Err(CliError::usage("`--run` tries one fixture").hint("name the fixture's own folder"));
        }
        return check_all(dir, &overrides, console);
    }
    let loaded = options::load(dir, &overrides.to_look_at(dir))?.whole().map_err(|absent| {
        CliError::mistakes(&absent).or_hint(
            "put it there, name another folder with `--shared-dir`, or leave such subtests out: nothing of them is started",
        )
    })?;
    for note in loaded.notes() {
        console.say(&format!("note: {note}\n"))?;
    }
    let fixture = &loaded.fixture;
    let mistakes = look(dir, fixture, console)?;
    if !mistakes.is_empty() {
        return Err(CliError::mistakes(&mistakes));
    }
    let (agent_open, judges_open) = to_be_named(fixture);
    let Counts { subtests, .. } = counts(fixture, dir);
    let judges = if judges_open { 0 } else { fixture.judges.len() };
    let gold = match fixture.gold.len() {
        0 => String::new(),
        count => format!(", {}", counted(count, "gold example")),
    };
    console.print(&format!(
        "{}: {} in {}, {}, {}{gold}: no mistakes\n",
        fixture.id,
        counted(subtests, "subtest"),
        counted(fixture.tiers.len(), "tier"),
        counted(fixture.checks.len(), "check"),
        counted(judges, "judge"),
    ))?;
    report_what_is_open(agent_open, judges_open, console)?;
    if !args.run {
        return Ok(Exit::Success);
    }
    if judges_open {
        return Err(CliError::usage("nobody says who judges").hint("say it with `--judge-command LINE`"));
    }
    console.say(&trial::intent(args.repeat))?;
    drop(making);
    trial::trial(&loaded, args.repeat, prelude, console)
}

/// Finds what may still be wrong in a fixture that loads: its language, its solution, and the files that its commands
/// name.
fn look(dir: &Path, fixture: &model::task::Fixture, console: &mut Console) -> Result<Vec<Mistake>, CliError> {
    let tree = task_tree::solved_tree(dir, fixture)?;
    let mut mistakes: Vec<Mistake> = named::unknown_language(dir, &fixture.language).into_iter().collect();
    mistakes.extend(named::absent_repository(dir, fixture));
    mistakes.extend(gold::not_applying(dir, fixture)?);
    match &tree {
        Solved::Tree(tree) => mistakes.extend(named::absent_files(dir, fixture, Some(&tree.path))),
        Solved::Not(mistake) => {
            mistakes.push(mistake.clone());
            mistakes.extend(named::absent_files(dir, fixture, None));
        }
        Solved::Elsewhere => mistakes.extend(named::absent_files(dir, fixture, None)),
    }
    let places = |(tier, subtests): (&TierId, &BTreeMap<SubtestId, Subtest>)| {
        subtests.keys().map(|id| (*tier, *id)).collect::<Vec<_>>()
    };
    let not_given = capabilities::not_given(fixture, fixture.tiers.iter().flat_map(places), &BTreeSet::new());
    for note in
        absent_programs(fixture, fixture.sandbox.asked().as_ref()).into_iter().chain(links_out(dir)).chain(not_given)
    {
        console.say(&format!("note: {note}"))?;
    }
    Ok(mistakes)
}

/// The programs that a fixture starts here and that are not installed here, as sentences. Those that it starts in an image are
/// looked for when that is there.
pub(super) fn absent_programs(fixture: &model::task::Fixture, sandbox: Option<&Sandbox>) -> Vec<String> {
    let path = std::env::var_os("PATH");
    let mut of_machine = fixture.clone();
    if sandbox.is_some_and(|sandbox| sandbox.source().is_some()) {
        of_machine.checks.clear();
        of_machine.tiers.clear();
    }
    let absent = named::programs(&of_machine)
        .into_iter()
        .filter(|(_, name)| !program::is_found(OsStr::new(name), path.as_deref()));
    absent.map(|(owner, name)| format!("{owner} starts `{name}`, which is not installed here")).collect()
}

/// The links that lead out of a fixture, as sentences: what they lead to is not in an experiment. A folder that cannot be read is
/// named by whoever reads it.
pub(super) fn links_out(dir: &Path) -> Vec<String> {
    let sentence = |(path, target): (PathBuf, PathBuf)| {
        let (path, target) = (path.to_string_lossy().into_owned(), target.to_string_lossy().into_owned());
        format!(
            "`{}` is a link out of the fixture, to `{}`: an experiment has the link and not what it leads to, and cannot be published",
            escape::terminal(&path),
            escape::terminal(&target)
        )
    };
    published::links_out(dir).unwrap_or_default().into_iter().map(sentence).collect()
}

/// The workspace, if cargo can read it: a fixture does not need one.
fn located(current: &Path, console: &mut Console) -> Result<Located, CliError> {
    let (located, note) = locate_without_manifest(current)?;
    if let Some(note) = note {
        console.say(&format!("note: {note}"))?;
    }
    Ok(located)
}

/// Checks every fixture of a folder: one table, then every mistake once. Fixtures share files, and so mistakes.
fn check_all(dir: &Path, overrides: &Overrides, console: &mut Console) -> Result<Exit, CliError> {
    let mut mistakes: Vec<Mistake> = Vec::new();
    let mut rows = Vec::new();
    let (mut agent_open, mut judges_open) = (false, false);
    for (path, loaded) in list::list(dir, overrides) {
        let name = path.file_name().unwrap_or_default().display().to_string();
        match loaded {
            Ok(fixture) => {
                let found = look(&path, &fixture, console)?;
                if !found.is_empty() {
                    rows.push(Row { name, counts: None, mistakes: found.len() });
                    mistakes.extend(found);
                    continue;
                }
                let (agent, judges) = to_be_named(&fixture);
                agent_open |= agent;
                judges_open |= judges;
                rows.push(Row { name, counts: Some(counts(&fixture, &path)), mistakes: 0 });
            }
            Err(found) => {
                rows.push(Row { name, counts: None, mistakes: found.len() });
                mistakes.extend(found);
            }
        }
    }
    console.print(&fixture_table(&rows))?;
    report_what_is_open(agent_open, judges_open, console)?;
    if mistakes.is_empty() {
        return Ok(Exit::Success);
    }
    let mut told: Vec<Mistake> = Vec::new();
    for mistake in mistakes {
        if !told.contains(&mistake) {
            told.push(mistake);
        }
    }
    Err(CliError::mistakes(&told))
}

/// Reports what has to be given when a fixture that shares its subtests is run.
fn report_what_is_open(agent: bool, judges: bool, console: &mut Console) -> Result<(), CliError> {
    let open = match (agent, judges) {
        (true, true) => {
            "the agent and the judges are said when it is run: `--agent-command LINE`, `--judge-command LINE`"
        }
        (true, false) => "the agent is said when it is run: `--agent-command LINE`",
        (false, true) => "the judges are said when it is run: `--judge-command LINE`",
        (false, false) => return Ok(()),
    };
    Ok(console.say(open)?)
}

fn counts(fixture: &model::task::Fixture, dir: &Path) -> Counts {
    Counts {
        tiers: fixture.tiers.len(),
        subtests: fixture.tiers.values().map(BTreeMap::len).sum(),
        setups: alike::all_groups(&named_by_content(fixture.tiers.clone(), dir)).len(),
    }
}

fn new(dir: &Path, console: &mut Console) -> Result<Exit, CliError> {
    let written = scaffold::write(dir).map_err(|mistake| CliError::mistakes(&[mistake]))?;
    for file in &written {
        console.print(&format!("{}\n", file.display()))?;
    }
    let word = shell_word(&shown(dir, Path::new("")));
    // Everything in the fixture is copied into each experiment, so its results must be outside of it.
    let real = |path: &Path| std::fs::canonicalize(path).ok();
    let beside = if real(dir) == real(Path::new(".")) { " --results-dir ../scylla-results" } else { "" };
    console.say(&format!("\ntry it: `cargo scylla run {word} --runs 1{beside}`"))?;
    Ok(Exit::Success)
}

fn list(dir: Option<&Path>, console: &mut Console) -> Result<Exit, CliError> {
    let current = console.current_dir()?;
    let located = located(&current, console)?;
    let overrides = options::overrides(&OverrideFlags::default(), &located, &current);
    let folder = if let Some(dir) = dir {
        current.join(dir)
    } else {
        let fixture = located.settings.tiers_dir.map(|dir| located.root.join(dir));
        fixture.as_deref().and_then(Path::parent).map_or(current, Path::to_owned)
    };
    let mut exit = Exit::Success;
    let listed = list::list(&folder, &overrides);
    let ids: Vec<String> = listed.iter().filter_map(|(_, loaded)| Some(loaded.as_ref().ok()?.id.to_string())).collect();
    for (path, loaded) in listed {
        let within = path.file_name().unwrap_or_default().display().to_string();
        match loaded {
            Ok(fixture) => {
                let id = fixture.id.to_string();
                let is_alone = ids.iter().filter(|other| **other == id).count() == 1;
                let within = if is_alone { String::new() } else { format!(" (in `{within}`)") };
                console.print(&format!("{id:<20} {}{within}\n", fixture.name))?;
            }
            Err(mistakes) => {
                exit = Exit::Usage;
                console.print(&format!("{within:<20} {}\n", counted(mistakes.len(), "mistake")))?;
            }
        }
    }
    Ok(exit)
}
