//! `run`: starts an experiment, or continues the unfinished one of the same fixture.

use std::cmp::Ordering;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::cli::args::Run;
use crate::cli::asked::{Course, Question, changes, regrade};
use crate::cli::beforehand::shown_fixture;
use crate::cli::commands::check_first;
use crate::cli::commands::dry_run;
use crate::cli::commands::fixture::{absent_programs, links_out};
use crate::cli::commands::image;
use crate::cli::commands::{session, status};
use crate::cli::console::Console;
use crate::cli::differences::{self, differ_in};
use crate::cli::error::{CliError, On as _, shown};
use crate::cli::exit::Exit;
use crate::cli::locate::{Located, RESULTS, locate, locate_without_manifest, manifest_sets_anything};
use crate::cli::needs;
use crate::cli::options::{self, Places};
use crate::cli::prelude::Prelude;
use crate::engine::session::create::{Options, create};
use crate::engine::session::open::{Locked, Session, begin, damage_message, hold, hold_creation};
use crate::engine::session::regrade::Otherwise;
use crate::model::event::Event;
use crate::model::experiment::Config;
use crate::model::finding::{Finding, Level};
use crate::os::clock;
use crate::rules::mend::{Ask, mend};
use crate::store;
use crate::store::find::make_results_folder;
use crate::store::layout::ExperimentFolder;
use crate::store::survey::Depth;
use crate::text::words::{counted, shell_word};
use crate::ui::plan::Newest;

/// Runs the command.
///
/// # Errors
/// When the fixture has mistakes, the experiment is held, or the session cannot begin.
pub fn run(args: &Run, console: &mut Console) -> Result<Exit, CliError> {
    let prelude = Prelude::begin(console)?;
    let current = console.current_dir()?;
    let located = locate_for(args, &current, console)?;
    let places = options::places(args, &located, &current)?;
    let loaded = options::load(&places.fixture_dir, &places.overrides)?;
    let mut options = options::options(args, &located, (&places, &current), loaded)?;
    let no_sandbox = session::settle_sandbox(&mut options)?;
    refuse_results_in_fixture(&options, args, console)?;
    let fields = differences::fields(args, &located, &options);
    let question = Question { options: &options, fields, places: &places, fresh: args.fresh };
    let course = question.course(&current, &console.typed_with("--fresh"))?;
    if args.dry_run {
        dry_run::check(&options)?;
        let price = args.price_per_run.or(located.settings.price_per_run);
        let newest = match &course {
            Course::Begin(_) => None,
            Course::GoOn(folder) => {
                let name = shown(folder.root(), &current);
                let refused =
                    refuse_others(folder, &question, &name, console).err().map(|error| error.error.to_string());
                Some(Newest { folder: name, complete: false, refused })
            }
            Course::LeaveAlone(folder) => {
                Some(Newest { folder: shown(folder.root(), &current), complete: true, refused: None })
            }
        };
        let assumed = question.newest_pass_rate(&current)?;
        return dry_run::show(&options, no_sandbox, price, newest, assumed, console);
    }
    let go_on = |folder, prelude, console: &mut Console| go_on(folder, (args, &located), &question, prelude, console);
    let image = match course {
        Course::LeaveAlone(folder) => return leave_alone(&folder, &question, console),
        Course::GoOn(folder) => return go_on(folder, prelude, console),
        Course::Begin(_) => {
            dry_run::check(&options)?;
            session::refuse_containment(options.containment, options.sandbox.as_ref(), &options.resources, ".")?;
            refuse_unmet(&options)?;
            check_first::refuse(&args.judges, &options)?;
            let making = prelude.making();
            let image = image::of_options(&options, console)?;
            drop(making);
            needs::refuse(&needs::of_versions(&options, image.as_ref())?)?;
            image
        }
    };
    let fixture = options.fixture.clone();
    let image_id = image.as_ref().map(|image| image.id.clone());
    let (locked, mut notices) = match make(&question, image_id, &current, &prelude, console)? {
        Made::New(locked, notices) => (locked, notices),
        Made::GoOn(folder) => return go_on(folder, prelude, console),
        Made::LeaveAlone(folder) => return leave_alone(&folder, &question, console),
    };
    notices.extend(no_sandbox.map(|message| Event::Notice { message }));
    notices.extend(shown_fixture(&options).map(|message| Event::Notice { message }));
    notices.extend(options::notices(args, &located, &options));
    notices.extend(in_target_dir(&options, &located, &current));
    let noted = absent_programs(&fixture, options.sandbox.as_ref()).into_iter().chain(links_out(&options.parts.dir));
    notices.extend(noted.map(|message| Event::Notice { message }));
    let name = shown(locked.folder.root(), &current);
    let session = Session { image, ..begin(locked).on(&name)? };
    if args.plan_only {
        return end_planned(session, &name, &notices, console);
    }
    let prelude = check_first::check_judges(&session, &args.judges, &name, prelude, console)?;
    session::conduct(session, &args.config.operation, &name, &notices, prelude, console)
}

/// Refuses to begin where something is missing without which nothing can be done.
fn refuse_unmet(options: &Options) -> Result<(), CliError> {
    let judges = needs::of_judges(&options.fixture.judges, options.replay.is_some());
    let programs = needs::of_programs(needs::planned_agents(options), options.sandbox.as_ref());
    let written = needs::of_configurations(needs::planned_agents(options)).into_iter().collect();
    let (addresses, reach) = (needs::of_addresses(options), needs::of_reach(options));
    needs::refuse(&[needs::of_backend(options), judges, programs, written, addresses, reach].concat())
}

/// Leaves an experiment with nothing started, and says what makes its runs.
fn end_planned(session: Session, name: &str, events: &[Event], console: &mut Console) -> Result<Exit, CliError> {
    let mut reporter = console.reporter();
    for event in events {
        console.is_written(reporter.event(clock::now(), event))?;
    }
    drop(reporter);
    let open = counted(session.progress.to_do().count(), "run");
    session.end_without_work().on(name)?;
    let dir = shell_word(name);
    console.say(&format!(
        "`{name}` is planned, with {open} to make: `cargo scylla resume {dir}` makes them, `cargo scylla plan {dir} --pending` names \
         them for workers"
    ))?;
    Ok(Exit::Success)
}

/// The outcome of making an experiment.
enum Made {
    New(Locked, Vec<Event>),
    /// Another `run` has made one meanwhile, which is to be continued or left alone.
    GoOn(ExperimentFolder),
    LeaveAlone(ExperimentFolder),
}

fn make(
    question: &Question<'_>,
    image_id: Option<String>,
    current: &Path,
    prelude: &Prelude,
    console: &mut Console,
) -> Result<Made, CliError> {
    let (id, results_dir) = (&question.options.fixture.id, &question.options.results_dir);
    if question.places.former_results.is_some() {
        make_results_folder(results_dir)?;
    }
    let creation = hold_creation(results_dir, id, |holder| {
        let place = shown(results_dir, current);
        // Even if the message is suppressed or cannot be written, the command waits.
        let _ = console.say(&format!("{holder} is making an experiment of `{id}` in `{place}`: waiting for it"));
    });
    let creation = creation.on(".")?;
    let _making = prelude.making();
    // Another one may have been made meanwhile; two at once would both be paid.
    let made = match question.course(current, &console.typed_with("--fresh")) {
        Ok(Course::Begin(notices)) => {
            let options = Options { image_id, ..question.options.clone() };
            create(options).on(".").map(|locked| Made::New(locked, notices))
        }
        Ok(Course::GoOn(folder)) => Ok(Made::GoOn(folder)),
        Ok(Course::LeaveAlone(folder)) => Ok(Made::LeaveAlone(folder)),
        Err(error) => Err(error),
    };
    creation.remove();
    made
}

/// Locates the workspace, without its manifest when the flags give everything that could be in it.
fn locate_for(args: &Run, current: &Path, console: &mut Console) -> Result<Located, CliError> {
    let names_fixture = args.fixture.is_some() || args.tiers_dir.is_some();
    let needs_manifest = !names_fixture || args.results_dir.is_none() || manifest_sets_anything(current);
    if needs_manifest {
        return locate(current);
    }
    let (located, note) = locate_without_manifest(current)?;
    if let Some(note) = note {
        console.say(&format!("note: {note}"))?;
    }
    Ok(located)
}

/// Refuses a results folder inside of the fixture: the fixture is copied into each experiment, so an experiment in it
/// would be copied into the next one.
fn refuse_results_in_fixture(options: &Options, args: &Run, console: &Console) -> Result<(), CliError> {
    let results = real(&options.results_dir);
    let copied = std::iter::once(&options.parts.dir).chain(options.parts.laid.values()).map(|path| real(path));
    let Some(around) = copied.into_iter().find(|copied| results.starts_with(copied)) else { return Ok(()) };
    let current = console.current_dir()?;
    let beside = around.parent().unwrap_or(&around).join(RESULTS);
    let beside = if around == real(&current) { format!("../{RESULTS}") } else { shown(&beside, &current) };
    let hint = match args.results_dir {
        None => {
            let flag = format!("--results-dir {}", shell_word(&beside));
            format!("`{}` keeps them beside it", console.typed_with(&flag))
        }
        Some(_) => format!("name a folder outside of it, such as `--results-dir {}`", shell_word(&beside)),
    };
    let message = format!(
        "results would lie in the fixture, which each experiment copies: `{}` is in `{}`",
        shown(&options.results_dir, &current),
        shown(&options.parts.dir, &current),
    );
    Err(CliError::usage(message).hint(hint))
}

/// A path with links resolved, even if it does not exist yet.
fn real(path: &Path) -> PathBuf {
    let real = |known: &Path| Some(fs::canonicalize(known).ok()?.join(path.strip_prefix(known).ok()?));
    path.ancestors().find_map(real).unwrap_or_else(|| path.to_owned())
}

fn in_target_dir(options: &Options, located: &Located, current: &Path) -> Option<Event> {
    let is_there =
        located.target_dir.as_ref().is_some_and(|target| real(&options.results_dir).starts_with(real(target)));
    let dir = shown(&options.results_dir, current);
    is_there.then(|| Event::Notice {
        message: format!("results lie in `{dir}`, in the target directory, which `cargo clean` removes"),
    })
}

/// A message about an experiment in the place that former versions used.
fn in_former_place(folder: &ExperimentFolder, places: &Places, current: &Path) -> Option<String> {
    let place = places.former_results.iter().flatten().find(|former| folder.root().starts_with(former))?;
    let removed = if place.ends_with("target/scylla") { ", which `cargo clean` removes" } else { "" };
    Some(format!(
        "it lies in `{}`, where former versions kept experiments{removed}; new ones lie in `{}`, and it can be moved there",
        shown(place, current),
        shown(&places.results_dir, current)
    ))
}

fn leave_alone(folder: &ExperimentFolder, question: &Question<'_>, console: &mut Console) -> Result<Exit, CliError> {
    let current = console.current_dir()?;
    let name = shown(folder.root(), &current);
    let dir = shell_word(&name);
    let damage = tidy(folder, &name, console)?;
    let (config, _) = store::config::read(folder);
    let has = config.content().map_or_else(String::new, |config| {
        let subtests = config.subtests.values().map(Vec::len).sum();
        format!(": {}, {} of each", counted(subtests, "subtest"), counted(config.runs_per_subtest as usize, "run"))
    });
    if let Some(word) = in_former_place(folder, question.places, &current) {
        console.say(&format!("note: {word}"))?;
    }
    let is_damaged = !damage.is_empty();
    console.report(&damage.into_iter().map(damage_message).collect::<Vec<_>>())?;
    if !console.is_quiet() || is_damaged {
        status::show_ended(folder, &name, console)?;
    }
    if is_damaged {
        console.say(&format!(
            "`{name}` has no run left to make{has}, and some of it is damaged: it is left alone.\n\nhint: `cargo scylla verify \
             {dir}` says what is wrong; `{}` starts anew",
            console.typed_with("--fresh"),
        ))?;
        return Ok(Exit::Damaged);
    }
    let planned = config.content().map_or(1, |config| config.runs_per_subtest);
    let asked = question.options.runs_per_subtest;
    let more = if asked < planned {
        format!(", so there are more than the {asked} that are asked for")
    } else {
        String::new()
    };
    let extend = match asked.cmp(&planned) {
        Ordering::Less => String::new(),
        _ => format!("`cargo scylla extend {dir} --runs {}` adds runs, ", planned.saturating_add(1)),
    };
    console.say(&format!(
        "`{name}` is finished and left alone{has}{more}.\n\nhint: `{}` starts anew, {extend}`cargo scylla verify {dir}` checks it",
        console.typed_with("--fresh"),
    ))?;
    Ok(Exit::Success)
}

/// Mends what a session that was killed at its very end has left of a finished experiment. Gives the damage that only a
/// person can mend.
fn tidy(folder: &ExperimentFolder, name: &str, console: &mut Console) -> Result<Vec<Finding>, CliError> {
    let mut survey = store::survey::survey(folder, Depth::Results)?;
    store::survey::add_leftovers(folder, &mut survey)?;
    let mending = mend(&survey, &Ask::default(), clock::now());
    // A coordinator that holds it mends it.
    if survey.holder.is_some() || mending.is_nothing() {
        return Ok(mending.kept.into_iter().filter(|finding| finding.kind.level() == Level::Damaged).collect());
    }
    let session = begin(hold(folder.clone(), |holder| console.watches(holder)).on(name)?).on(name)?;
    for mended in &session.mended {
        console.say(&format!("mended: {mended}"))?;
    }
    let damage = session.damage.clone();
    session.end_without_work().on(name)?;
    Ok(damage)
}

/// Continues an unfinished experiment: its saved config wins, and every flag that differs is reported. It has its own
/// copy of the fixture, so if the fixture was edited since, a person has to decide.
fn go_on(
    folder: ExperimentFolder,
    (args, located): (&Run, &Located),
    question: &Question<'_>,
    prelude: Prelude,
    console: &mut Console,
) -> Result<Exit, CliError> {
    let Question { options, fields, places, .. } = question;
    let current = console.current_dir()?;
    let name = shown(folder.root(), &current);
    let mut news = vec![format!("going on with the unfinished experiment `{name}` (`--fresh` starts anew)")];
    news.extend(in_former_place(&folder, places, &current));
    let locked = hold(folder, |holder| console.watches(holder)).on(&name)?;
    refuse_others(&locked.folder, question, &name, console)?;
    let mut session = begin(locked).on(&name)?;
    let mut events: Vec<Event> = news.into_iter().map(|message| Event::Notice { message }).collect();
    let mut wanted = fields.clone();
    wanted.push(("runs_per_subtest", args.runs.or(located.settings.runs).map(Value::from)));
    wanted.push(("max_subtests", args.max_subtests.map(Value::from)));
    wanted.push(("subtests", args.tiers.as_ref().map(|_| json!(options.subtests))));
    let mut operation = args.config.operation.clone();
    operation.jobs = operation.jobs.or(located.settings.jobs);
    let differences = differ_in(&mut session.config, &wanted, &operation);
    events.extend(differences.events);
    session::save_operation(&session, differences.operational, &name)?;
    if args.plan_only {
        return end_planned(session, &name, &events, console);
    }
    let prelude = check_first::check_judges(&session, &args.judges, &name, prelude, console)?;
    session::conduct(session, &args.config.operation, &name, &events, prelude, console)
}

/// Refuses to go on with an experiment that would answer another question than the one that is asked.
fn refuse_others(
    folder: &ExperimentFolder,
    question: &Question<'_>,
    name: &str,
    console: &Console,
) -> Result<(), CliError> {
    let read = store::config::read(folder).0;
    let Some(config) = read.content() else { return Ok(()) };
    refuse_other_answers(config, question.options, name, console)?;
    refuse_edited(&changes(folder, config, question.options)?, folder, question, name, console)
}

/// Refuses to go on where models are to be asked in place of a recording that is replayed, or the other way round.
fn refuse_other_answers(config: &Config, options: &Options, name: &str, console: &Console) -> Result<(), CliError> {
    if config.replay == options.replay {
        return Ok(());
    }
    let message = match (&config.replay, &options.replay) {
        (Some(was), Some(is)) => format!("`{name}` is unfinished and replays the recording `{was}`, not `{is}`"),
        (Some(was), None) => {
            format!("`{name}` is unfinished and replays the recording `{was}`; without `--replay`, models are asked")
        }
        (None, _) => format!("`{name}` is unfinished and asks models; with `--replay`, none is asked"),
    };
    let goes_on = format!("`cargo scylla resume {}` goes on", shell_word(name));
    Err(CliError::usage(message).hint(format!("{goes_on}; `{}` starts anew", console.typed_with("--fresh"))))
}

fn refuse_edited(
    changes: &[String],
    folder: &ExperimentFolder,
    question: &Question<'_>,
    name: &str,
    console: &Console,
) -> Result<(), CliError> {
    let otherwise = question.otherwise(folder, changes)?;
    let fixture = shown(&question.places.fixture_dir, &console.current_dir()?);
    let goes_on = match otherwise {
        Otherwise::Neither => return Ok(()),
        Otherwise::Graded => format!(
            "`{}` grades by the edited one what is done, and what `cargo scylla resume {}` makes then",
            regrade(name, &fixture),
            shell_word(name)
        ),
        Otherwise::Measured => {
            format!("`cargo scylla resume {}` goes on with the copy that it began with", shell_word(name))
        }
    };
    let message = format!("`{name}` is unfinished, and its fixture was edited since it began: {}", changes.join("; "));
    let hint = format!("{goes_on}; `{}` starts anew with the edited one", console.typed_with("--fresh"));
    Err(CliError::usage(message).hint(hint))
}
