//! What a run is made of, done alone and one after the other: the same trees, processes, capture and durable files
//! as the product's, without its engine.

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::ops::AddAssign;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use scylla::config::fixture;
use scylla::model::experiment::ContainmentChoice;
use scylla::model::ids::{JudgeNumber, RunId};
use scylla::model::task::Subtest;
use scylla::os::files;
use scylla::os::process::{self, Containment, Overflow, PassThrough, ProcessLimits, StopHandle, Task, View};
use scylla::store::layout::{ExperimentFolder, RunFolder};
use scylla::store::work::{WorkFolder, WorkRoot};
use scylla::workspace::base::{self, Layers};
use scylla::workspace::{capture, checkout, prepare};

use crate::failure::Failure;

/// Seconds of each part of the runs.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Parts {
    /// The workspace made.
    pub(super) prepare: f64,
    /// The agent and the check, contained.
    pub(super) spawns: f64,
    /// What changed, taken.
    pub(super) capture: f64,
    /// The graded tree, made anew for the check.
    pub(super) fresh: f64,
    /// Folders and files, synced, and what the agent left.
    pub(super) durable: f64,
    /// Both trees removed.
    pub(super) remove: f64,
}

impl AddAssign for Parts {
    fn add_assign(&mut self, other: Self) {
        self.prepare += other.prepare;
        self.spawns += other.spawns;
        self.capture += other.capture;
        self.fresh += other.fresh;
        self.durable += other.durable;
        self.remove += other.remove;
    }
}

/// The bytes of the files that a run of the product left.
pub(super) struct Written {
    prompt: Vec<u8>,
    command: Vec<u8>,
    agent_result: Vec<u8>,
    patch: Vec<u8>,
    checks_result: Vec<u8>,
    judgment: Vec<u8>,
    judge_result: Vec<u8>,
    seal: Vec<u8>,
    result: Vec<u8>,
}

/// The only judge of the fixture.
const JUDGE: JudgeNumber = JudgeNumber(1);

impl Written {
    /// Reads them in the folder of an experiment.
    pub(super) fn read(experiment: &Path) -> Result<Self, Failure> {
        let folder = ExperimentFolder::open(experiment).map_err(|error| failed("open the experiment", &error))?;
        let run = folder.run(run_of(1)?);
        let read = |path: PathBuf| fs::read(&path).map_err(Failure::file("read", &path));
        Ok(Self {
            prompt: read(run.prompt())?,
            command: read(run.command())?,
            agent_result: read(run.agent_result())?,
            patch: read(run.patch())?,
            checks_result: read(run.checks_result())?,
            judgment: read(run.judgment(JUDGE))?,
            judge_result: read(run.judge_result())?,
            seal: read(run.seal())?,
            result: read(run.result())?,
        })
    }
}

/// A place for bare runs.
pub(super) struct Bench {
    folder: ExperimentFolder,
    work: WorkRoot,
    containment: Containment,
    stop: StopHandle,
    environment: BTreeMap<OsString, OsString>,
}

fn failed(what: &'static str, error: &dyn std::error::Error) -> Failure {
    Failure::Measure { what, why: error.to_string() }
}

fn run_of(number: u32) -> Result<RunId, Failure> {
    format!("T0/00/{number}").parse().map_err(|error| failed("name a run", &error))
}

impl Bench {
    /// Makes the task's repository, as a new experiment does before its first run.
    pub(super) fn new(root: &Path, fixture_dir: &Path, choice: ContainmentChoice) -> Result<Self, Failure> {
        let fixture = fixture::load(fixture_dir)
            .map_err(|mistakes| Failure::Measure { what: "load the fixture", why: format!("{mistakes:?}") })?;
        let made = |path: &Path| fs::create_dir_all(path).map_err(Failure::file("make", path));
        made(&root.join("T0/00"))?;
        let folder = ExperimentFolder::open(root).map_err(|error| failed("open the folder", &error))?;
        let git = |error| failed("make the task's repository", &error);
        let base = base::make_base(&folder.repo(), fixture_dir, &fixture.source).map_err(git)?;
        let layers = fixture.tiers.iter().flat_map(|(tier, all)| {
            let layers = |subtest: &Subtest| Layers { overlay: subtest.overlay.clone(), ..Layers::default() };
            all.iter().map(move |(id, subtest)| ((*tier, *id), layers(subtest)))
        });
        base::make_baselines(&folder.repo(), fixture_dir, &base, &layers.collect()).map_err(git)?;
        let inherited: BTreeMap<OsString, OsString> = env::vars_os().collect();
        Ok(Self {
            work: WorkRoot::open(&folder, None).map_err(|error| failed("make the place of work folders", &error))?,
            folder,
            containment: Containment::probe(choice).map_err(|error| failed("find a containment", &error))?,
            stop: StopHandle::new().map_err(|error| failed("make a stop word", &error))?,
            environment: scylla::os::environment::allowed(&inherited, &[]),
        })
    }

    /// The containment that was found.
    pub(super) fn containment(&self) -> &'static str {
        self.containment.name()
    }

    /// Does so many runs on so many threads; the time that it took in seconds, and what each part took on its thread.
    pub(super) fn runs(&self, runs: u32, jobs: u32, written: &Written) -> Result<(f64, Parts), Failure> {
        let begin = Instant::now();
        let done: Vec<Result<Parts, Failure>> = thread::scope(|scope| {
            let workers: Vec<_> = (0..jobs)
                .map(|job| {
                    scope.spawn(move || {
                        let mut parts = Parts::default();
                        for number in (1..=runs).filter(|number| number % jobs == job) {
                            parts += self.run(number, written)?;
                        }
                        Ok(parts)
                    })
                })
                .collect();
            workers.into_iter().filter_map(|worker| worker.join().ok()).collect()
        });
        let seconds = begin.elapsed().as_secs_f64();
        let mut parts = Parts::default();
        for each in done {
            parts += each?;
        }
        Ok((seconds, parts))
    }

    fn run(&self, number: u32, written: &Written) -> Result<Parts, Failure> {
        let id = run_of(number)?;
        let run = self.folder.run(id);
        let subtest = self.folder.subtest(id.tier, id.subtest);
        let repo = self.folder.repo();
        let mut parts = Parts::default();
        clocked(&mut parts.durable, || begin(&run, &subtest))?;
        let git = |error| failed("make or read a workspace", &error);
        let (work, baseline) = clocked(&mut parts.prepare, || {
            let work = self.work_folder()?;
            let baseline = prepare::prepare(&repo, &work.workspace(), id.tier, id.subtest).map_err(git)?;
            Ok::<_, Failure>((work, baseline))
        })?;
        clocked(&mut parts.durable, || plain(&run, written))?;
        clocked(&mut parts.spawns, || self.spawn(&run, &work, number, [run.agent_stdout(), run.agent_stderr()]))?;
        clocked(&mut parts.durable, || {
            work.sync().map_err(|error| failed("sync a tree", &error))?;
            atomic(&run.agent_result(), &written.agent_result)
        })?;
        clocked(&mut parts.capture, || {
            let scratch = self.work_folder()?;
            capture::capture(&work.workspace(), &scratch.private(), &baseline, &[]).map_err(git)?;
            removed(scratch)
        })?;
        clocked(&mut parts.durable, || atomic(&run.patch(), &written.patch))?;
        clocked(&mut parts.remove, || removed(work))?;
        let graded = clocked(&mut parts.fresh, || {
            let graded = self.work_folder()?;
            checkout::checkout(&repo, id.tier, id.subtest, &run.patch(), &graded.workspace()).map_err(git)?;
            Ok::<_, Failure>(graded)
        })?;
        clocked(&mut parts.spawns, || {
            self.spawn(&run, &graded, number, [run.check_log("ends"), run.check_log("ends.stderr")])
        })?;
        clocked(&mut parts.remove, || removed(graded))?;
        clocked(&mut parts.durable, || commit(&run, written))?;
        Ok(parts)
    }

    fn work_folder(&self) -> Result<WorkFolder, Failure> {
        self.work.create().map_err(|error| failed("make a work folder", &error))
    }

    /// Runs `true` as the product runs an agent or a check.
    fn spawn(
        &self,
        run: &RunFolder,
        work: &WorkFolder,
        number: u32,
        [stdout, stderr]: [PathBuf; 2],
    ) -> Result<(), Failure> {
        let task = Task {
            door: None,
            argv: vec!["true".into()],
            cwd: work.workspace(),
            environment: self.environment.clone(),
            stdin: None,
            stdout,
            stderr,
            filter: Box::new(|| Box::new(PassThrough)),
            watch: None,
            limits: ProcessLimits {
                wall: Duration::from_mins(1),
                no_progress: None,
                output_bytes: 1 << 20,
                overflow: Overflow::End,
                grace: Duration::from_secs(10),
            },
            controllers: None,
            sandbox: None,
            views: vec![
                View::ReadOnly(self.folder.root().to_owned()),
                View::Hidden(self.work.path().to_owned()),
                View::Writable(work.workspace()),
            ],
            mark: run.mark(),
            token: format!("bench-{}-{number}", std::process::id()),
        };
        let ended = process::run(&task, &self.containment, &self.stop);
        ended.map(|_| ()).map_err(|error| failed("run `true`", &error))
    }
}

fn removed(work: WorkFolder) -> Result<(), Failure> {
    work.remove().map_err(|error| failed("remove a work folder", &error))
}

fn clocked<T>(seconds: &mut f64, part: impl FnOnce() -> T) -> T {
    let begin = Instant::now();
    let done = part();
    *seconds += begin.elapsed().as_secs_f64();
    done
}

fn atomic(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    files::write_atomic(path, bytes).map_err(|error| failed("write", &error))
}

/// A run's folders.
fn begin(run: &RunFolder, subtest: &Path) -> Result<(), Failure> {
    for path in [run.root().to_owned(), run.agent(), run.checks(), run.judges()] {
        match fs::create_dir(&path) {
            // Bare runs are repeated in the same place.
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(Failure::file("make", &path)(error));
            }
            _ => {}
        }
    }
    let synced =
        [run.agent(), run.root().to_owned(), subtest.to_owned()].iter().try_for_each(|path| files::sync_dir(path));
    synced.map_err(|error| failed("sync", &error))
}

/// Evidence that no stage waits for.
fn plain(run: &RunFolder, written: &Written) -> Result<(), Failure> {
    for (path, bytes) in [(run.prompt(), &written.prompt), (run.command(), &written.command)] {
        fs::write(&path, bytes).map_err(Failure::file("write", &path))?;
    }
    Ok(())
}

/// Everything behind the check: the durable files of checks, judge and verdict, the seal and the result.
fn commit(run: &RunFolder, written: &Written) -> Result<(), Failure> {
    atomic(&run.checks_result(), &written.checks_result)?;
    files::create_dir_durable(&run.judge(JUDGE)).map_err(|error| failed("make a folder", &error))?;
    atomic(&run.judgment(JUDGE), &written.judgment)?;
    atomic(&run.judge_result(), &written.judge_result)?;
    for path in [run.command(), run.prompt()] {
        fs::File::open(&path).and_then(|file| file.sync_data()).map_err(Failure::file("sync", &path))?;
    }
    atomic(&run.seal(), &written.seal)?;
    atomic(&run.result(), &written.result)
}
