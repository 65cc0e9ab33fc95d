//! Runs that were recorded, to be played back: which there are in a folder, and what an experiment's copy of a fixture keeps of each.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::model::flag::Flag;
use crate::model::ids::{RunId, RunNumber, SubtestId, TierId};
use crate::model::limits::{MOST_PATCH_BYTES, MOST_RECORDED_BYTES, MOST_STAGE_FILE_BYTES, OUTPUT_BYTES};
use crate::model::result::{Replayed, RunResult};
use crate::model::task::Parts;
use crate::model::usage::Tokens;
use crate::os::files::{self, Kind};

use super::evidence::check_seal;
use super::layout::{ExperimentFolder, RunFolder, recorded_place};
use super::own_digest;

/// What is kept of a recorded run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// What its agent did, to be done again without it.
    Work,
    /// What models answered to its agent and its judges, to be answered again.
    Exchanges,
}

/// The runs of a recording.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Recorded {
    /// The files that are kept of them, by their places in a fixture's copy.
    pub files: BTreeMap<String, PathBuf>,
}

/// Why nothing in a folder can be played back, as the end of a sentence about the folder.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// It has no such run.
    #[error("{0}")]
    NoRecording(&'static str),
    /// A recorded run there is not what it was.
    #[error("{0}")]
    Damaged(String),
    /// It is too large to be kept.
    #[error("larger than {} MiB, which is too much to keep", MOST_RECORDED_BYTES >> 20)]
    TooLarge,
}

/// The runs in a folder, which is that of an experiment or of one run, as the recording with this id. No link is followed.
///
/// # Errors
/// Why there are none that can be played back.
pub fn find(folder: &Path, id: &str, keep: Keep) -> Result<Recorded, Unfit> {
    if !folder.is_dir() {
        return Err(Unfit::NoRecording("no folder"));
    }
    let own = RunFolder::at(folder.to_owned());
    let mut found = Recorded::default();
    let mut bytes = 0;
    if is_committed(&own) {
        found.keep(&own, (id, None), keep, &mut bytes)?;
        return Ok(found);
    }
    let experiment =
        ExperimentFolder::open(folder).map_err(|_| Unfit::NoRecording("neither an experiment nor a run of one"))?;
    for tier in names::<TierId>(folder) {
        for subtest in names::<SubtestId>(&experiment.tier(tier)) {
            let numbers = folders(&experiment.subtest(tier, subtest));
            for run in numbers.iter().filter_map(|name| RunNumber::from_folder(name)) {
                let run = RunId { tier, subtest, run };
                if is_committed(&experiment.run(run)) {
                    found.keep(&experiment.run(run), (id, Some(run)), keep, &mut bytes)?;
                }
            }
        }
    }
    if found.files.is_empty() {
        return Err(Unfit::NoRecording("an experiment without a finished run"));
    }
    Ok(found)
}

impl Recorded {
    /// Keeps what is played back of a run.
    fn keep(
        &mut self,
        run: &RunFolder,
        (id, of): (&str, Option<RunId>),
        keep: Keep,
        bytes: &mut u64,
    ) -> Result<(), Unfit> {
        let place = recorded_place(id, of);
        let result = read_result(run).map_err(Unfit::Damaged)?;
        if let Some(problem) = check_seal(run, Some(result.seal)).problems.first() {
            return Err(Unfit::Damaged(format!("not as it was recorded: in `{}`, {problem}", run.root().display())));
        }
        for file in kept_files(run, &result, keep) {
            let kind = files::kind_of(&file)
                .map_err(|error| Unfit::Damaged(format!("without a part that can be read: {error}")))?;
            let is_file = kind == Some(Kind::File);
            let below = file.strip_prefix(run.root()).map_err(|_| Unfit::NoRecording("no folder of a run"))?.to_owned();
            let is_needed = file == run.patch();
            match kind {
                None if is_needed => return Err(Unfit::Damaged(format!("without `{}`", file.display()))),
                Some(kind) if kind != Kind::File => {
                    return Err(Unfit::Damaged(format!("with `{}`, which is no file", file.display())));
                }
                _ => {}
            }
            if is_file {
                *bytes += fs::metadata(&file).map_or(0, |about| about.len());
                self.files.insert(place.join(below).to_string_lossy().into_owned(), file);
            }
        }
        if *bytes > MOST_RECORDED_BYTES { Err(Unfit::TooLarge) } else { Ok(()) }
    }
}

/// The files of a run that are kept of it, whether they are there or not.
fn kept_files(run: &RunFolder, result: &RunResult, keep: Keep) -> Vec<PathBuf> {
    match keep {
        Keep::Work => {
            vec![run.result(), run.patch(), run.command(), run.agent_stdout(), run.agent_stderr(), run.record()]
        }
        Keep::Exchanges => {
            let judges = result.judges.iter().map(|judgment| judgment.judge_number);
            let answers = judges.flat_map(|number| [run.judge_prompt(number), run.judge_response(number)]);
            // What is not whole is of no use.
            let exchanges = (!result.flags.contains(&Flag::ExchangesLeftOut)).then(|| run.exchanges());
            [run.result(), run.patch(), run.command()].into_iter().chain(exchanges).chain(answers).collect()
        }
    }
}

/// The folder of the recording with this id in the copy of a fixture, below it.
#[must_use]
pub fn place(id: &str) -> PathBuf {
    let of_all = recorded_place(id, None);
    of_all.parent().map_or_else(|| of_all.clone(), Path::to_owned)
}

/// Whether the copy of a fixture that consists of these files keeps something of this recording for the run.
#[must_use]
pub fn is_kept(parts: &Parts, id: &str, run: RunId, keep: Keep) -> bool {
    [Some(run), None].into_iter().any(|of| {
        let kept = RunFolder::at(recorded_place(id, of));
        let file = match keep {
            Keep::Work => kept.result(),
            Keep::Exchanges => kept.exchanges(),
        };
        parts.laid.contains_key(&*file.to_string_lossy()) || parts.dir.join(file).is_file()
    })
}

fn is_committed(run: &RunFolder) -> bool {
    matches!(files::kind_of(&run.result()), Ok(Some(Kind::File)))
}

/// The folders in a folder, without links.
fn folders(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let is_folder = |entry: &fs::DirEntry| entry.file_type().is_ok_and(|kind| kind.is_dir());
    entries.filter(is_folder).filter_map(|entry| entry.file_name().into_string().ok()).collect()
}

fn names<T: std::str::FromStr>(folder: &Path) -> Vec<T> {
    folders(folder).iter().filter_map(|name| name.parse().ok()).collect()
}

fn read_result(run: &RunFolder) -> Result<RunResult, String> {
    let unread = |why: String| format!("with the result `{}`, which cannot be read: {why}", run.result().display());
    let bytes = files::read_bounded(&run.result(), MOST_STAGE_FILE_BYTES).map_err(|error| unread(error.to_string()))?;
    let bytes = bytes.ok_or_else(|| unread("it is gone".to_owned()))?;
    let result: RunResult = serde_json::from_slice(&bytes).map_err(|error| unread(error.to_string()))?;
    match own_digest::fault(&bytes, Some(&result.version)) {
        None => Ok(result),
        Some(fault) => Err(unread(fault.to_owned())),
    }
}

/// A recorded run as it is played back.
#[derive(Debug, Clone, PartialEq)]
pub struct Recording {
    /// Its result.
    pub result: RunResult,
    /// What is told of it in the result of the run that plays it back.
    pub told: Replayed,
    /// The patch of what its agent changed.
    pub patch: PathBuf,
    /// What its agent printed and left, each with where a run keeps it.
    pub outputs: Vec<(PathBuf, Vec<u8>)>,
}

/// The folder and result of what an experiment keeps of a recording for a run.
fn kept_run(experiment: &ExperimentFolder, id: &str, run: RunId) -> Result<(RunFolder, RunResult), String> {
    let kept = experiment.recorded_runs(id, run).into_iter().find(is_committed);
    let kept = kept.ok_or_else(|| format!("the experiment keeps no recorded run for {run}"))?;
    let result = read_result(&kept).map_err(|why| format!("a recorded run {why}"))?;
    Ok((kept, result))
}

/// What is told of a recorded run in the result of the run that plays it back.
fn source_of(kept: &RunFolder, result: &RunResult) -> Replayed {
    #[derive(Deserialize)]
    struct Started {
        kind: String,
    }
    let command = files::read_if_readable(&kept.command(), MOST_STAGE_FILE_BYTES).unwrap_or_default();
    let kind = serde_json::from_slice::<Started>(&command).map_or_else(|_| "unknown".to_owned(), |it| it.kind);
    // A run that was itself played back tells what was recorded first.
    result.replayed.clone().unwrap_or_else(|| Replayed {
        experiment_id: result.experiment_id.clone(),
        run: result.run(),
        agent: kind,
        usage: result.usage,
        prices: result.prices.clone(),
        duration_seconds: result.agent_duration_seconds,
    })
}

/// What models answered in a recorded run.
#[derive(Debug, Clone, PartialEq)]
pub struct Answers {
    /// What is told of it in the result of the run that plays it back.
    pub told: Replayed,
    /// The requests of its agent with their answers.
    pub exchanges: PathBuf,
    kept: RunFolder,
    result: RunResult,
}

/// What a judge of a recorded run was asked, and answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JudgeAnswer {
    /// What it was asked.
    pub asked: Vec<u8>,
    /// Its raw answer.
    pub answered: Vec<u8>,
    /// What its answers used.
    pub tokens: Tokens,
}

impl Answers {
    /// What its judge with this name was asked, and answered, and what that used.
    ///
    /// # Errors
    /// Why that is not known.
    pub fn of_judge(&self, name: &str) -> Result<JudgeAnswer, String> {
        let judgment = self.result.judges.iter().find(|judgment| judgment.model == name);
        let judgment = judgment.ok_or("gave no verdict in the recorded run")?;
        let number = judgment.judge_number;
        let read = |file: PathBuf| files::read_if_readable(&file, OUTPUT_BYTES);
        let (asked, answered) = (read(self.kept.judge_prompt(number)), read(self.kept.judge_response(number)));
        let whole =
            asked.zip(answered).map(|(asked, answered)| JudgeAnswer { asked, answered, tokens: judgment.tokens });
        whole.ok_or_else(|| {
            "gave a verdict in the recorded run, and what it was asked and answered is not kept".to_owned()
        })
    }
}

/// What models are to answer again in a run.
///
/// # Errors
/// Why there is nothing to be answered.
pub fn answers(experiment: &ExperimentFolder, id: &str, run: RunId) -> Result<Answers, String> {
    let (kept, result) = kept_run(experiment, id, run)?;
    Ok(Answers { told: source_of(&kept, &result), exchanges: kept.exchanges(), kept, result })
}

/// What is to be played back for a run, into its folder.
///
/// # Errors
/// Why there is nothing to be played back.
pub fn read(experiment: &ExperimentFolder, id: &str, run: RunId) -> Result<Recording, String> {
    let (kept, result) = kept_run(experiment, id, run)?;
    let told = source_of(&kept, &result);
    let own = experiment.run(run);
    let places = [
        (kept.agent_stdout(), own.agent_stdout()),
        (kept.agent_stderr(), own.agent_stderr()),
        (kept.record(), own.record()),
    ];
    let read = |(from, to): (PathBuf, PathBuf)| Some((to, files::read_if_readable(&from, OUTPUT_BYTES)?));
    let outputs = places.into_iter().filter_map(read).collect();
    let size = fs::metadata(kept.patch()).map_or(u64::MAX, |about| about.len());
    if size > MOST_PATCH_BYTES {
        return Err(format!("the recorded run for {run} has no patch that can be read"));
    }
    Ok(Recording { result, told, patch: kept.patch(), outputs })
}
