//! The experiment that is made on clusters, and what must be true of it however it came to its end: it is what a local run gives,
//! nothing was paid or committed twice, and nothing of it is left on the cluster.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::cluster::Cluster;
use super::config::Auth;
use crate::fixture::{FULL_SCORE, TestFixture};
use crate::scenes::{AGENT, experiment, files_below, json as read, output};
use crate::world::{Live, Output, PATIENCE, World, wait_until};

/// Runs of each of the three setups.
const RUNS: usize = 4;
/// All runs.
pub(super) const ALL: usize = 3 * RUNS;

/// A world with a cluster, and a fixture of two tiers.
pub(super) struct Scene {
    // It ends before the world whose files it uses.
    pub(super) cluster: Cluster,
    pub(super) world: World,
    fixture: String,
}

/// How a session ended.
pub(super) struct Ended {
    pub(super) code: Option<i32>,
    pub(super) events: Vec<Value>,
    pub(super) stderr: String,
}

/// Each start of an agent is a line in `starts`: the run, and the machine. Then it waits while a file `gate` is there, unless it
/// is the one that takes a ticket.
fn fixture(world: &World) -> String {
    let [starts, gate, tickets] = ["starts", "gate", "tickets"].map(|name| world.path(name).display().to_string());
    let agent = |work: &str| {
        format!(
            "echo $SCYLLA_TIER/$SCYLLA_SUBTEST/$SCYLLA_RUN $(uname -n) >> {starts}; \
             while [ -e {gate} ] && ! rm {tickets}/$(ls {tickets} | head -n 1); do sleep 0.05; done 2> /dev/null; {work}"
        )
    };
    let never = r#"printf '{"cost_usd": 0.25}' > "$SCYLLA_RECORD_FILE""#;
    let judge = format!("echo asked >> {}; {FULL_SCORE}", world.path("judged").display());
    TestFixture::new()
        .agent("T0/00-always", &agent(AGENT))
        .agent("T0/01-never", &agent(never))
        .agent("T1/00-sometimes", &agent(&format!("if [ $((SCYLLA_RUN % 2)) = 0 ]; then {never}; else {AGENT}; fi")))
        .judge(&judge)
        .write(world)
}

impl Scene {
    /// On a cluster of nodes on this machine.
    #[track_caller]
    pub(super) fn new(nodes: u8, auth: Auth) -> Option<Self> {
        let world = World::new();
        let cluster = Cluster::start(&world, nodes, auth)?;
        let fixture = fixture(&world);
        Some(Self { cluster, world, fixture })
    }

    /// On a cluster of nodes that are machines of their own.
    #[track_caller]
    pub(super) fn apart(nodes: u8) -> Option<Self> {
        let world = World::new();
        let cluster = Cluster::start_apart(&world, nodes)?;
        let fixture = fixture(&world);
        Some(Self { cluster, world, fixture })
    }

    /// Starts a session on the cluster, with these flags more.
    pub(super) fn run(&self, more: &[&str]) -> Live {
        Live::start(&mut self.command_to_run(more))
    }

    /// The same, not started yet.
    pub(super) fn command_to_run(&self, more: &[&str]) -> Command {
        self.command_into("results", RUNS, more)
    }

    /// The same with another results folder, and so many runs of each setup.
    pub(super) fn run_into(&self, results: &str, runs: usize, more: &[&str]) -> Live {
        Live::start(&mut self.command_into(results, runs, more))
    }

    fn command_into(&self, results: &str, runs: usize, more: &[&str]) -> Command {
        let runs = runs.to_string();
        let arguments = ["run", &self.fixture, "--results-dir", results, "--runs", &runs, "--backend", "slurm"];
        self.cluster.command(&self.world, &[&arguments[..], more].concat())
    }

    /// Starts a session that goes on.
    pub(super) fn resume(&self, more: &[&str]) -> Live {
        let dir = experiment(&self.world);
        Live::start(&mut self.cluster.command(&self.world, &[&["resume", &dir], more].concat()))
    }

    /// Agents wait before they work.
    pub(super) fn close(&self) {
        self.world.write("gate", "");
    }

    /// So many of them work.
    pub(super) fn let_go(&self, count: usize) {
        for number in 0..count {
            self.world.write(&format!("tickets/{number}"), "");
        }
    }

    /// All of them work.
    pub(super) fn open(&self) {
        fs::remove_file(self.world.path("gate")).unwrap();
    }

    /// Waits until a condition holds; tells what there is when it never does.
    #[track_caller]
    pub(super) fn wait_until(&self, what: &str, holds: impl FnMut() -> bool) {
        self.wait_for_up_to(PATIENCE, what, holds);
    }

    /// The same with another patience.
    #[track_caller]
    pub(super) fn wait_for_up_to(&self, longest: Duration, what: &str, mut holds: impl FnMut() -> bool) {
        let deadline = Instant::now() + longest;
        while !holds() {
            assert!(Instant::now() < deadline, "it never came: {what}\n{}", self.told());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// What there is: starts of agents, the queue, and what jobs wrote.
    fn told(&self) -> String {
        let (starts, jobs) = (self.starts(), self.cluster.squeue("%i %T %r %N"));
        format!("{starts:?}\n{jobs:#?}\n{}\n{}", self.job_logs(), self.cluster.log("slurmctld.log"))
    }

    /// Waits until so many agents were started, all sessions together.
    #[track_caller]
    pub(super) fn wait_for_starts(&self, live: &mut Live, count: usize) {
        wait_until(&format!("{count} agents start"), || {
            assert!(!live.has_ended(), "it ended before");
            self.world.lines("starts") >= count
        });
    }

    /// How often each run's agent was started.
    pub(super) fn starts(&self) -> BTreeMap<String, usize> {
        let text = fs::read_to_string(self.world.path("starts")).unwrap_or_default();
        let mut starts = BTreeMap::new();
        for run in text.lines().filter_map(|line| line.split(' ').next()) {
            *starts.entry(run.to_owned()).or_default() += 1;
        }
        starts
    }

    /// The runs whose agents were started on a machine.
    pub(super) fn started_on(&self, machine: &str) -> Vec<String> {
        let text = fs::read_to_string(self.world.path("starts")).unwrap_or_default();
        let on = text.lines().filter_map(|line| line.split_once(' ')).filter(|(_, on)| *on == machine);
        on.map(|(run, _)| run.to_owned()).collect()
    }

    /// Waits for the end of a session.
    #[track_caller]
    pub(super) fn end(&self, mut live: Live) -> Ended {
        let deadline = Instant::now() + PATIENCE;
        while !live.has_ended() {
            if Instant::now() > deadline {
                live.signal("ABRT");
                let (_, events, stderr) = live.end();
                panic!("it does not end: {}\n{stderr}\n{}", shown(&events), self.told());
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        let (code, events, stderr) = live.end();
        Ended { code, events, stderr }
    }

    /// What must be true in the end, whatever happened.
    #[track_caller]
    pub(super) fn is_as_a_local_run(&self, last: &Ended, sessions: &[&Ended]) {
        let told = || format!("{}\n{}\n{}", shown(&last.events), last.stderr, self.job_logs());
        assert_eq!(last.code, Some(0), "{}", told());
        let (local, totals_there) = locally();
        assert_eq!(&verdicts(&self.world), local, "{}", told());
        assert_eq!(&totals(&last.events), totals_there, "{}", told());
        let dir = experiment(&self.world);
        self.cluster.scylla(&self.world, &["verify", &dir]).exits(0);
        self.cluster.wait_for_rest();
        self.every_start_is_accounted_for();
        self.nothing_is_committed_twice(&[sessions, &[last]].concat());
    }

    /// Each agent was started once for the result, and once for each former attempt.
    #[track_caller]
    fn every_start_is_accounted_for(&self) {
        let starts = self.starts();
        assert_eq!(starts.len(), ALL, "{starts:?}");
        for (run, started) in &starts {
            let [tier, subtest, number] = run.split('/').collect::<Vec<_>>().try_into().unwrap();
            let failed = self.world.experiment().join(tier).join(subtest).join(".failed");
            let prefix = format!("run_{:02}_attempt_", number.parse::<u32>().unwrap());
            let former = fs::read_dir(&failed).map_or(0, |entries| {
                let names = entries.map(|entry| entry.unwrap().file_name().to_str().unwrap().to_owned());
                names.filter(|name| name.starts_with(&prefix)).count()
            });
            assert_eq!(*started, 1 + former, "{run}: {former} former attempts\n{}", self.job_logs());
        }
    }

    /// All sessions together say once of each run that it is committed, and each was judged once.
    #[track_caller]
    fn nothing_is_committed_twice(&self, sessions: &[&Ended]) {
        let events = sessions.iter().flat_map(|session| &session.events);
        let committed = events.filter(|event| event["reason"] == "run-committed");
        let mut runs: Vec<&str> = committed.filter_map(|event| event["run"].as_str()).collect();
        let count = runs.len();
        runs.sort_unstable();
        runs.dedup();
        assert_eq!(runs.len(), count, "{runs:?}");
        assert_eq!(self.world.lines("judged"), ALL);
    }

    /// What jobs wrote into their logs.
    pub(super) fn job_logs(&self) -> String {
        let logs = files_below(&self.world.experiment());
        let logs = logs.iter().filter(|path| path.file_name().is_some_and(|name| name == "job.log"));
        let log = |path: &PathBuf| format!("{}:\n{}\n", path.display(), fs::read_to_string(path).unwrap_or_default());
        logs.map(log).collect::<Vec<_>>().concat()
    }

    /// A command of the product beside the controller.
    #[track_caller]
    pub(super) fn scylla(&self, arguments: &[&str]) -> Output {
        output(&mut self.cluster.command(&self.world, arguments))
    }
}

/// A line for each event.
fn shown(events: &[Value]) -> String {
    events.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// The verdicts and the totals of the same experiment without a cluster.
fn locally() -> &'static (BTreeMap<String, Value>, Value) {
    static MADE: OnceLock<(BTreeMap<String, Value>, Value)> = OnceLock::new();
    MADE.get_or_init(|| {
        let world = World::new();
        let (fixture, runs) = (fixture(&world), RUNS.to_string());
        let arguments = ["run", &fixture, "--results-dir", "results", "--runs", &runs, "--message-format", "json"];
        let made = world.scylla(&arguments).exits(0);
        (verdicts(&world), totals(&made.events()))
    })
}

/// What each result says that depends on neither time nor place.
fn verdicts(world: &World) -> BTreeMap<String, Value> {
    let root = world.experiment();
    let results = files_below(&root).into_iter().filter(|path| path.ends_with("run_result.json") && !is_former(path));
    results
        .map(|path| {
            let result = read(&path);
            let keys =
                ["agent_end", "exit_code", "judge_score", "judge_passed", "judge_grade", "cost_usd", "judge_cost_usd"];
            let checks = result["checks"].as_array().unwrap().iter();
            let checks: Vec<Value> = checks
                .map(|check| json!([check["name"], check["passed"], check["exit_code"], check["before"]]))
                .collect();
            let place = path.strip_prefix(&root).unwrap().display().to_string();
            (place, json!([keys.map(|key| result[key].clone()), checks]))
        })
        .collect()
}

fn is_former(path: &Path) -> bool {
    path.components().any(|part| part.as_os_str() == ".failed")
}

/// The totals of each setup, without those of time.
#[track_caller]
fn totals(events: &[Value]) -> Value {
    let finished = events.last().unwrap();
    assert_eq!(finished["reason"], "experiment-finished");
    let mut setups = finished["setups"].clone();
    for setup in setups.as_array_mut().unwrap() {
        let setup = setup.as_object_mut().unwrap();
        setup.retain(|key, _| !key.contains("seconds"));
    }
    json!([finished["end"], setups, finished["missing"]])
}
