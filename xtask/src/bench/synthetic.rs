//! Experiments of any size that nobody ran: one real run, written again under other numbers.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::thread;

use scylla::model::checkpoint::Checkpoint;
use scylla::model::experiment::Config;
use scylla::model::ids::{RunId, RunNumber, SubtestId, TierId};
use scylla::model::outcome::RunStatus;
use scylla::model::result::RunResult;
use scylla::model::score::{Grade, Score};
use scylla::os::files;
use scylla::store::layout::{ExperimentFolder, RunFolder};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::failure::Failure;

/// Tiers of a synthetic experiment.
const TIERS: u32 = 5;
/// Subtests of each tier.
const SUBTESTS: u32 = 40;
/// What a judge that is a model writes, about.
const REASONING: &str = "The change does what the task asks for and nothing else. The build is clean, the tests pass, \
    and the one that failed before now covers the boundary that was wrong. Names follow the code around them; the \
    message says why. A reader would have liked a sentence on the case of an empty input, which is handled by the \
    early return and shown by no test. ";
/// So often, to be as long as real ones are.
const SENTENCES: usize = 3;
/// A larger tree than this is not the real experiment's.
const BOUNDS: files::Bounds = files::Bounds { entries: 10_000, bytes: 64 << 20, depth: 32 };

/// How much of a run's folder is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    /// The result alone.
    Result,
    /// Every file that a real run leaves, sealed.
    Whole,
}

/// The result of the real run, once as it would be had it passed and once had it failed.
struct Template {
    run: RunFolder,
    passed: RunResult,
    failed: RunResult,
}

/// Makes an experiment of so many runs in a new folder, after a real experiment of one run.
pub(super) fn make(real: &Path, folder: &Path, runs: u32, content: Content) -> Result<(), Failure> {
    let open = |path: &Path| {
        ExperimentFolder::open(path).map_err(|error| Failure::Measure { what: "open", why: error.to_string() })
    };
    let made = |error| Failure::file("make", folder)(error);
    fs::create_dir_all(folder).map_err(made)?;
    let real = open(real)?;
    for part in ["config", "repo.git"] {
        files::copy_tree(&real.root().join(part), &folder.join(part), BOUNDS)
            .map_err(|error| Failure::Measure { what: "copy the experiment", why: error.to_string() })?;
    }
    let folder = open(folder)?;
    let mut config: Config = read(&real.config())?;
    config.runs_per_subtest = runs / (TIERS * SUBTESTS);
    config.subtests = (0..TIERS).map(|tier| (TierId(tier), (0..SUBTESTS).map(SubtestId).collect())).collect();
    write(&folder.config(), &config)?;
    let planned: Vec<RunId> = config.plan().runs().collect();
    let mut checkpoint: Checkpoint = read(&real.checkpoint())?;
    for run in &planned {
        checkpoint.completed_runs.set(*run, RunStatus::judged(passes(*run)));
    }
    write(&folder.checkpoint(), &checkpoint)?;
    let template = Template::read(&real, &planned)?;
    let halves = planned.chunks(planned.len().div_ceil(2));
    thread::scope(|scope| {
        let writers: Vec<_> = halves
            .map(|half| scope.spawn(|| half.iter().try_for_each(|run| template.write(&folder, *run, content))))
            .collect();
        writers.into_iter().try_for_each(|writer| writer.join().unwrap_or(Ok(())))
    })
}

/// Two of three pass.
fn passes(run: RunId) -> bool {
    !run.run.get().is_multiple_of(3)
}

fn read<T: DeserializeOwned>(path: &Path) -> Result<T, Failure> {
    let bytes = fs::read(path).map_err(Failure::file("read", path))?;
    serde_json::from_slice(&bytes).map_err(|error| Failure::file("read", path)(error.into()))
}

fn write(path: &Path, value: &impl Serialize) -> Result<(), Failure> {
    let bytes = serde_json::to_vec_pretty(value).map_err(|error| Failure::file("write", path)(error.into()))?;
    fs::write(path, bytes).map_err(Failure::file("write", path))
}

impl Template {
    fn read(real: &ExperimentFolder, planned: &[RunId]) -> Result<Self, Failure> {
        let nothing = || Failure::Measure { what: "plan", why: "there is no run".to_owned() };
        let first = RunNumber::new(1).zip(planned.first()).map(|(run, first)| RunId { run, ..*first });
        let run = real.run(first.ok_or_else(nothing)?);
        let mut passed: RunResult = read(&run.result())?;
        for judge in &mut passed.judges {
            judge.reasoning = REASONING.repeat(SENTENCES);
        }
        let mut failed = passed.clone();
        (failed.judge_passed, failed.judge_score, failed.judge_grade) = (false, Score::ZERO, Grade::F);
        for judge in &mut failed.judges {
            (judge.passed, judge.score, judge.grade) = (false, Score::ZERO, Grade::F);
        }
        Ok(Self { run, passed, failed })
    }

    fn write(&self, folder: &ExperimentFolder, run: RunId, content: Content) -> Result<(), Failure> {
        let to = folder.run(run);
        fs::create_dir_all(to.root()).map_err(Failure::file("make", to.root()))?;
        if content == Content::Whole {
            copy(self.run.root(), to.root())?;
        }
        let result = if passes(run) { &self.passed } else { &self.failed };
        let result = RunResult { tier: run.tier, subtest: run.subtest, run_number: run.run, ..result.clone() };
        write(&to.result(), &result)
    }
}

/// Copies what lies in a folder, without making it durable.
fn copy(from: &Path, to: &Path) -> Result<(), Failure> {
    let entries = fs::read_dir(from).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    for entry in entries.map_err(Failure::file("list", from))? {
        let (path, target): (PathBuf, PathBuf) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            fs::create_dir_all(&target).map_err(Failure::file("make", &target))?;
            copy(&path, &target)?;
        } else {
            fs::copy(&path, &target).map_err(Failure::file("copy", &path))?;
        }
    }
    Ok(())
}
