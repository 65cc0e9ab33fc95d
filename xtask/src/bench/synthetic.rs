//! Experiments of any size that nobody ran: each setup is run once for real, and its run is there again under other
//! numbers.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::thread;

use scylla::model::experiment::Config;
use scylla::model::ids::{RunId, RunNumber};
use scylla::model::result::RunResult;
use scylla::store::layout::ExperimentFolder;
use scylla::store::own_digest;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::child;
use super::lab::{self, Lab};
use crate::failure::Failure;
use crate::say;

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
/// A judge that writes so much, and passes what the check passes.
const JUDGE: &str = "judges:\n  - kind: command\n    name: reviewer\n    \
    shell: cat > /dev/null; [ -e broken ] && name=failed || name=passed; cat \"$SCYLLA_FIXTURE/judges/$name.json\"\n";
/// An agent whose work passes.
const RIGHT: &str = lab::EXITS;
/// An agent whose work fails.
const WRONG: &str = "{kind: command, command: [touch, broken]}";

/// How much of a run's folder is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    /// Every file that a real run leaves, sealed.
    Whole,
    /// The same names; beside the result, the runs of a subtest have their files in common.
    Linked,
}

/// An experiment of so many runs, made where it is not there yet.
pub(super) fn experiment(lab: &Lab, runs: u32, content: Content) -> Result<PathBuf, Failure> {
    let folder = lab.place(&format!("synthetic-{runs}"));
    if folder.exists() {
        return Ok(folder);
    }
    say::line(&format!("making an experiment of {runs} runs"));
    let results = lab.place("synthetic-real");
    if !results.exists() {
        let fixture = fixture(lab)?;
        child::timed(&mut lab.experiment(&fixture, &results, 1, 2, "walk"), &[0])?;
    }
    make(lab, &lab::only_experiment(&results)?, &folder, runs, content)?;
    Ok(folder)
}

/// The fixture of which each setup is run once; every third one fails.
fn fixture(lab: &Lab) -> Result<PathBuf, Failure> {
    let folder = lab.fixture("verify", RIGHT)?;
    let write = |path: &str, text: &str| {
        let path = folder.join(path);
        let parent = path.parent().unwrap_or(&folder);
        fs::create_dir_all(parent).map_err(Failure::file("make", parent))?;
        fs::write(&path, text).map_err(Failure::file("write", &path))
    };
    let read = |path: &str| {
        let path = folder.join(path);
        fs::read_to_string(&path).map_err(Failure::file("read", &path))
    };
    let tiers: Vec<String> = (0..TIERS).map(|tier| format!("T{tier}")).collect();
    let listed = format!("[{}]", tiers.join(", "));
    let fixture = read("test.yaml")?.replace("[\"true\"]", "[test, \"!\", -e, broken]").replace("[T0]", &listed);
    write("test.yaml", &format!("{fixture}{JUDGE}"))?;
    write("expected/rubric.yaml", &read("expected/rubric.yaml")?.replace(", rests_on: ends", ""))?;
    for (name, score) in [("passed", 1), ("failed", 0)] {
        let answer = json!({
            "items": {"R001": {"score": score, "explanation": "The check says so."}},
            "reasoning": REASONING.repeat(SENTENCES),
        });
        write(&format!("judges/{name}.json"), &answer.to_string())?;
    }
    for (number, tier) in (0..SUBTESTS).flat_map(|number| tiers.iter().map(move |tier| (number, tier))) {
        let agent = if number % 3 == 2 { WRONG } else { RIGHT };
        let text = format!("name: Agent {number}\ndescription: Ends at once.\nagent: {agent}\n");
        write(&format!("tiers/{tier}/{number:02}-agent.yaml"), &text)?;
    }
    Ok(folder)
}

/// Makes an experiment of so many runs in a new folder, after a real one in which each setup has one run.
fn make(lab: &Lab, real: &Path, folder: &Path, runs: u32, content: Content) -> Result<(), Failure> {
    let made = |error| Failure::file("make", folder)(error);
    fs::create_dir_all(folder).map_err(made)?;
    copy(real, folder, &|from, to| fs::copy(from, to).map(drop))?;
    let each = (runs / (TIERS * SUBTESTS)).to_string();
    let mut extend = lab.program();
    child::timed(extend.arg("extend").arg(folder).args(["--plan-only", "--runs", &each]), &[0])?;
    let folder =
        ExperimentFolder::open(folder).map_err(|error| Failure::Measure { what: "open", why: error.to_string() })?;
    let config: Config = read(&folder.config())?;
    let planned: Vec<RunId> = config.plan().runs().filter(|run| run.run != RunNumber::FIRST).collect();
    let halves = planned.chunks(planned.len().div_ceil(2));
    thread::scope(|scope| {
        let writers: Vec<_> =
            halves.map(|half| scope.spawn(|| half.iter().try_for_each(|run| again(&folder, *run, content)))).collect();
        writers.into_iter().try_for_each(|writer| writer.join().unwrap_or(Ok(())))
    })?;
    // The index is made from the results.
    child::timed(lab.program().arg("repair").arg(folder.root()), &[0]).map(drop)
}

fn read<T: DeserializeOwned>(path: &Path) -> Result<T, Failure> {
    let bytes = fs::read(path).map_err(Failure::file("read", path))?;
    serde_json::from_slice(&bytes).map_err(|error| Failure::file("read", path)(error.into()))
}

/// Writes the first run of a setup again under another number.
fn again(folder: &ExperimentFolder, run: RunId, content: Content) -> Result<(), Failure> {
    let (first, to) = (folder.run(RunId { run: RunNumber::FIRST, ..run }), folder.run(run));
    fs::create_dir_all(to.root()).map_err(Failure::file("make", to.root()))?;
    match content {
        Content::Whole => copy(first.root(), to.root(), &|from, to| fs::copy(from, to).map(drop))?,
        Content::Linked => copy(first.root(), to.root(), &|from, to| fs::hard_link(from, to))?,
    }
    // What is in its place may be common to many.
    fs::remove_file(to.result()).map_err(Failure::file("remove", &to.result()))?;
    let result = RunResult { run_number: run.run, ..read(&first.result())? };
    let mut bytes =
        serde_json::to_vec_pretty(&result).map_err(|error| Failure::file("write", &to.result())(error.into()))?;
    bytes.push(b'\n');
    fs::write(to.result(), own_digest::add(bytes)).map_err(Failure::file("write", &to.result()))
}

/// Puts what lies in a folder into another one, without making it durable.
fn copy(from: &Path, to: &Path, put: &dyn Fn(&Path, &Path) -> io::Result<()>) -> Result<(), Failure> {
    let entries = fs::read_dir(from).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    for entry in entries.map_err(Failure::file("list", from))? {
        let (path, target): (PathBuf, PathBuf) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            fs::create_dir_all(&target).map_err(Failure::file("make", &target))?;
            copy(&path, &target, put)?;
        } else {
            put(&path, &target).map_err(Failure::file("copy", &path))?;
        }
    }
    Ok(())
}
