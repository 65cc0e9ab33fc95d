//! The power goes at each write of a run: what was synced is there afterwards, what was not is gone, and a resume comes to
//! the end that the run would have had. The disk is a file with a file system of its own, which is shut down without
//! being flushed; that takes root.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::crash::gate_git;
use crate::fixture::{FULL_SCORE, TestFixture, close, gated, open};
use crate::scenes::{AGENT, alive, experiment, files_below, is_missing, json, output, planned};
use crate::world::{Output, World, wait_until};

/// How many of the calls that make things durable are tried when nobody asks for every write.
const USUAL_CUTS: usize = 12;
/// What `cut` ends with when it has cut the power.
const CUT: Option<i32> = Some(42);

/// A disk whose power can be cut, mounted at `disk/` of a world.
struct Disk<'a> {
    world: &'a World,
}

impl<'a> Disk<'a> {
    /// Makes an empty one; `None` where that is not possible, which is told.
    #[expect(clippy::print_stdout, reason = "who reads the tests' output learns what was not tried")]
    fn new(world: &'a World) -> Option<Self> {
        if ["mkfs.ext4", "mount", "cc"].into_iter().any(is_missing) {
            return None;
        }
        let disk = Self { world };
        fs::create_dir(world.path("disk")).unwrap();
        fs::File::create(world.path("image")).unwrap().set_len(64 << 20).unwrap();
        assert!(disk.does("mkfs.ext4", &["-q", "-F", "image"]).is_ok());
        if let Err(why) = disk.mount() {
            println!("skipped: no file system of our own can be mounted here: {why}");
            return None;
        }
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/power/cut.c");
        disk.does("cc", &["-O1", "-o", "cut", source]).unwrap();
        Some(disk)
    }

    fn does(&self, program: &str, arguments: &[&str]) -> Result<(), String> {
        let done = Command::new(program).args(arguments).current_dir(self.world.path("")).output().unwrap();
        if done.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&done.stderr).into_owned()) }
    }

    /// Nothing but what is synced goes to the disk by itself while a test takes its time.
    fn mount(&self) -> Result<(), String> {
        self.does("mount", &["-o", "loop,commit=300", "image", "disk"])
    }

    /// Keeps what is on the disk for [`Self::restore`].
    fn keep(&self) {
        wait_until("the disk is free", || self.does("umount", &["disk"]).is_ok());
        self.does("cp", &["--sparse=always", "image", "kept"]).unwrap();
        self.mount().unwrap();
    }

    /// Puts a disk with what `from` holds in the place of this one. What still holds the former one keeps it.
    fn replace(&self, from: &str) {
        self.does("umount", &["--lazy", "disk"]).unwrap();
        self.does("cp", &["--sparse=always", from, "next"]).unwrap();
        self.does("mv", &["next", "image"]).unwrap();
        self.mount().unwrap();
    }

    fn restore(&self) {
        self.replace("kept");
    }

    /// What a machine does that starts again: no process outlives that, and what was on the disk is there.
    fn start_again(&self) {
        let root = self.world.path("");
        wait_until("the end of every process", || {
            let left = alive(root.to_str().unwrap().trim_end_matches('/'));
            for process in &left {
                let _ = Command::new("kill").args(["-9", &process.to_string()]).status();
            }
            left.is_empty()
        });
        self.replace("image");
    }

    /// Runs the program until its call of this number; how it ended, and how many calls it made.
    fn cut_at(&self, calls: &str, number: usize, arguments: &[&str]) -> (Output, usize) {
        let mut command = Command::new(self.world.path("cut"));
        command.arg(self.world.path("disk")).args([calls, &number.to_string()]).arg(self.world.path("count"));
        command.arg(env!("CARGO_BIN_EXE_cargo-scylla")).arg("scylla").args(arguments);
        self.world.seal(&mut command);
        let ended = output(command.current_dir(self.world.path("")));
        let count = fs::read_to_string(self.world.path("count")).unwrap_or_default();
        (ended, count.trim().parse().unwrap_or(0))
    }
}

impl Drop for Disk<'_> {
    fn drop(&mut self) {
        let _ = self.does("umount", &["--lazy", "disk"]);
    }
}

/// What must be the same whatever happened on the way to it.
#[derive(Debug, PartialEq)]
struct Outcome {
    result: Value,
    recorded: Value,
    status: Value,
    /// What is sealed, with its content where that tells neither times nor places.
    sealed: BTreeMap<PathBuf, String>,
}

impl Outcome {
    fn of(dir: &Path) -> Self {
        let run = dir.join("T0/00/run_01");
        let mut result = json(&run.join("run_result.json"));
        // A lost attempt of the agent or of a judge may have cost what nobody knows.
        let changing = ["attempt", "seal", "started_at", "committed_at", "duration_seconds", "agent_duration_seconds"];
        for key in changing.iter().chain(&[
            "judge_duration_seconds",
            "judges",
            "checks",
            "former_attempts",
            "former_cost_usd",
            "former_cost_unknown",
            "failed_judge_cost_usd",
            "failed_judge_cost_unknown",
            "digest",
        ]) {
            result.as_object_mut().unwrap().remove(*key);
        }
        let checkpoint = json(&dir.join("checkpoint.json"));
        let sums = fs::read_to_string(run.join("SHA256SUMS")).unwrap();
        let sealed = sums.lines().map(|line| PathBuf::from(line.split_once("  ").unwrap().1));
        // What the checks said of the untouched tree lies in the attempt that was first.
        let of_another =
            |file: &Path| file.starts_with("judge/.failed") || file.to_string_lossy().contains(".untouched.");
        let sealed = sealed.filter(|file| !of_another(file)).map(|file| {
            let text = String::from_utf8(fs::read(run.join(&file)).unwrap()).unwrap();
            let same = file.extension().is_none_or(|ending| ending != "json") && !file.ends_with("judge_02/prompt.md");
            let content = if same || text.is_empty() { text } else { "there".to_owned() };
            (file, content)
        });
        let (recorded, status) = (checkpoint["completed_runs"].clone(), checkpoint["status"].clone());
        Self { result, recorded, status, sealed: sealed.collect() }
    }
}

/// An agent, a check and a judge that leave something of every kind.
fn plan(world: &World) -> PathBuf {
    let asked = |name: &str| format!("echo asked >> {}", world.path(&format!("{name}.log")).display());
    let agent = format!(
        "{}; echo I begin; echo what a mess >&2; printf 'two\\nlines\\n' > done; mkdir -p deep/er; echo x > deep/er/file; \
         echo more >> readme.txt; printf '{{\"cost_usd\": 0.5}}' > \"$SCYLLA_RECORD_FILE\"",
        asked("agent")
    );
    let fixture = TestFixture::new()
        .agent("T0/00-one", &agent)
        .check("echo I look; echo closely >&2; grep -q 'A task' readme.txt && test -s done && test -s deep/er/file")
        .judge(&format!("{}; echo hm >&2; grep -q 'A task' readme.txt || exit 1; {FULL_SCORE}", asked("judge")))
        .write(world);
    let [results, work] = ["disk/results", "disk/work"].map(|folder| world.path(folder).to_str().unwrap().to_owned());
    let arguments = ["run", "--tiers-dir", &fixture, "--results-dir", &results, "--work-dir", &work, "--runs", "1"];
    world.scylla(&[&arguments[..], &["--max-cost-usd", "0"]].concat()).exits(6);
    fs::read_dir(results).unwrap().next().unwrap().unwrap().path()
}

/// The calls before which the power is cut: their kind, and how many there are at most.
fn asked_for() -> (&'static str, usize) {
    match std::env::var("SCYLLA_POWER_CUTS").as_deref() {
        Ok("all") => ("write", usize::MAX),
        _ => ("sync", USUAL_CUTS),
    }
}

#[test]
fn after_a_power_cut_at_each_write_of_a_run_a_resume_comes_to_the_same_end() {
    let world = World::on_disk();
    let Some(disk) = Disk::new(&world) else { return };
    let dir = plan(&world);
    disk.keep();
    let resume = ["resume", dir.to_str().unwrap(), "--max-cost-usd", "9"];
    let (calls, most) = asked_for();
    let (uncut, count) = disk.cut_at(calls, 0, &resume);
    uncut.exits(0);
    let uncut = Outcome::of(&dir);
    assert_eq!(uncut.result["judge_passed"], true);
    let step = count.div_ceil(most);
    for number in (1..=count).step_by(step) {
        disk.restore();
        let _ = fs::remove_file(world.path("agent.log"));
        let _ = fs::remove_file(world.path("judge.log"));
        // Threads do not always come to the same number of calls.
        let (cut, _) = disk.cut_at(calls, number, &resume);
        assert!(cut.code == CUT || number + 5 > count, "{calls} {number} of {count}: {cut}");
        disk.start_again();
        let resumed = world.scylla(&resume).exits(0);
        world.scylla(&["verify", dir.to_str().unwrap()]).exits(0);
        assert_eq!(Outcome::of(&dir), uncut, "{calls} {number} of {count}: {resumed}");
        let attempt = json(&dir.join("T0/00/run_01/run_result.json"))["attempt"].as_u64().unwrap();
        assert!(world.lines("agent.log") as u64 <= attempt && world.lines("judge.log") <= 2, "{calls} {number}");
        let empty = files_below(&dir).into_iter().filter(|file| fs::metadata(file).unwrap().len() == 0);
        let empty: Vec<_> =
            empty.filter(|file| file.ends_with("prompt.md") || file.ends_with("command.json")).collect();
        assert!(empty.iter().all(|file| file.components().any(|part| part.as_os_str() == ".failed")), "{empty:?}");
    }
}

#[test]
fn a_tree_of_another_start_of_the_machine_is_graded_only_if_it_was_durable() {
    for (synced, agents) in [(true, 1), (false, 2)] {
        let world = World::on_disk();
        let agent = format!("{}; {AGENT}", gated(&world, "agent"));
        let fixture = TestFixture::new().agent("T0/00-one", &agent).write(&world);
        let dir = planned(&world, &fixture, &["--runs", "1"]);
        let resume = ["resume", &dir, "--max-cost-usd", "9"];
        // Held at the capture: the agent is done, its changes are not taken.
        gate_git(&world, "git", "*\" diff-index \"*");
        close(&world, "git");
        let path = format!("{}:{}", world.path("bin").display(), std::env::var("PATH").unwrap());
        let mut child = world.command(&resume).env("PATH", path).stderr(std::process::Stdio::null()).spawn().unwrap();
        wait_until("changes are being taken", || world.lines("git.log") > 0);
        child.kill().unwrap();
        child.wait().unwrap();
        open(&world, "git");
        let file = world.experiment().join("T0/00/run_01/agent/result.json");
        let mut result = json(&file);
        assert_eq!(result["work"]["synced"], true);
        result["work"]["synced"] = synced.into();
        result["work"]["boot_id"] = "another start".into();
        fs::write(&file, serde_json::to_vec_pretty(&result).unwrap()).unwrap();
        world.scylla(&resume).exits(0);
        assert_eq!(world.lines("agent.log"), agents, "synced: {synced}");
        world.scylla(&["verify", &experiment(&world)]).exits(0);
        let attempt = json(&world.experiment().join("T0/00/run_01/run_result.json"))["attempt"].clone();
        assert_eq!(attempt, agents);
    }
}
