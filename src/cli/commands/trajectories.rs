//! `export --format atif`: what each agent did, a file for each run.

use std::path::Path;

use crate::agent::steps_of;
use crate::cli::commands::session::secrets;
use crate::cli::console::Console;
use crate::cli::derived;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::config;
use crate::model::ids::RunId;
use crate::model::steps::Steps;
use crate::model::task::{Fixture, Subtest};
use crate::report::atif::{Material, trajectory};
use crate::store;
use crate::store::details::{Extent, Reading, View, output, texts};
use crate::store::layout::ExperimentFolder;
use crate::text::leaks::veiled;
use crate::text::words::{counted, shell_word};

/// Writes them to a folder that is not there yet, which was typed like this.
pub(super) fn export(
    folder: &ExperimentFolder,
    name: &str,
    (to, typed): (&Path, &Path),
    console: &mut Console,
) -> Result<Exit, CliError> {
    let (seen, _) = store::config::read(folder);
    let Some(config) = seen.content() else {
        return Err(CliError::usage(format!(
            "`{name}` has no config of this tool that can be read, so nothing says which agents it had"
        ))
        .hint(format!("`cargo scylla verify {}` says what is there", shell_word(name))));
    };
    let fixture = config::fixture::load(&folder.fixture()).map_err(|mistakes| CliError::mistakes(&mistakes))?;
    let reading = Reading::of(folder)?;
    let experiment = derived::name_of(folder);
    let model = config.models.first().map(String::as_str);
    let (mut files, mut silent, mut absent) = (Vec::new(), 0, 0);
    for run in config.plan().runs() {
        match found(&reading, &fixture, run, &experiment, model)? {
            Found::Steps(text) => {
                files.push((format!("{}/{}/{}.json", run.tier, run.subtest, run.run), text.into_bytes()));
            }
            Found::Silent => silent += 1,
            Found::Absent => absent += 1,
        }
    }
    let left_out = [(silent, "of agents that tell no single steps"), (absent, "of which nothing is there")];
    for (count, why) in left_out.into_iter().filter(|(count, _)| *count > 0) {
        console.say(&format!("left out: {} {why}", counted(count, "run")))?;
    }
    if files.is_empty() {
        return Err(CliError::usage(format!("no run of `{name}` has steps, so nothing was written")).hint(
            "agents of the kinds `claude-code`, `codex`, `gemini`, `opencode` and `mini-swe-agent` tell theirs",
        ));
    }
    store::export::write_folder(to, &files)?;
    console.say(&format!("{} written to `{}`", counted(files.len(), "trajectory"), typed.display()))?;
    Ok(Exit::Success)
}

/// What is found of a run.
enum Found {
    /// Its trajectory.
    Steps(String),
    /// Its kind of agent tells no steps.
    Silent,
    /// Its agent has not begun, or what it wrote is gone.
    Absent,
}

fn found(
    reading: &Reading<'_>,
    fixture: &Fixture,
    run: RunId,
    experiment: &str,
    model: Option<&str>,
) -> Result<Found, CliError> {
    let subtest = fixture.tiers.get(&run.tier).and_then(|tier| tier.get(&run.subtest));
    let mut details = reading.read(run, Extent::Result)?;
    let told = |subtest: &Subtest| steps_of(&subtest.agent, Some(&details));
    let (Some(subtest), Some(steps_in)) = (subtest, subtest.and_then(told)) else { return Ok(Found::Silent) };
    let agent = &subtest.agent;
    let Some(written) = output(reading, run, steps_in.output)? else { return Ok(Found::Absent) };
    let secrets = secrets();
    let hide = |text: &str| String::from_utf8_lossy(&veiled(text.as_bytes(), &secrets)).into_owned();
    let steps: Steps = (steps_in.read)(&written.bytes).with_texts(hide);
    let prompt = texts(reading, run, View::Prompt)?.into_iter().find(|text| !text.bytes.is_empty());
    let prompt = prompt.map(|text| hide(&String::from_utf8_lossy(&text.bytes)));
    details.name = Some(subtest.name.clone());
    let model = agent.model(model).map(|model| model.to_string());
    let material = Material {
        experiment,
        agent: agent.kind().name,
        model: model.as_deref(),
        prompt: prompt.as_deref(),
        run: &details,
        steps: &steps,
    };
    Ok(trajectory(&material).map_or(Found::Absent, Found::Steps))
}
