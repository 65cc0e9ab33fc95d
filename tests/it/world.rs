//! A hermetic world: an empty home, a results folder, the real binary with nothing of the caller's environment.

use std::fmt;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use rustix::fs::{StatVfsMountFlags, statvfs};
use serde_json::Value;
use tempfile::TempDir;

/// The longest that a test waits for anything. It is never waited out unless the test fails.
pub(crate) const PATIENCE: Duration = Duration::from_mins(2);

/// Room that memory must have for all worlds that there are at once, in bytes.
const LEAST_ROOM: u64 = 4 << 30;

/// A world of its own for one test.
pub(crate) struct World {
    root: TempDir,
}

/// Where worlds lie: in memory where there is room, which spares the disk some hundred thousand files. What becomes of files
/// on a disk is tested on a file system of its own (`power`).
fn place_of_worlds() -> PathBuf {
    let memory = Path::new("/dev/shm");
    let has_room = || {
        statvfs(memory).is_ok_and(|seen| {
            // What is started there must be allowed to run.
            seen.f_bavail * seen.f_frsize >= LEAST_ROOM && !seen.f_flag.contains(StatVfsMountFlags::NOEXEC)
        }) && tempfile::tempfile_in(memory).is_ok()
    };
    match std::env::var_os("TMPDIR") {
        None if has_room() => memory.to_owned(),
        _ => std::env::temp_dir(),
    }
}

/// What a command said and how it ended.
pub(crate) struct Output {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) code: Option<i32>,
}

impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n──── stderr ────\n{}\n──── exit {:?} ────\n", self.stdout, self.stderr, self.code)
    }
}

impl Output {
    /// The same output, which must have ended with this code.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self}");
        self
    }

    /// Each line of standard output as JSON.
    #[track_caller]
    pub(crate) fn events(&self) -> Vec<Value> {
        self.stdout
            .lines()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}\n{self}")))
            .collect()
    }
}

impl World {
    pub(crate) fn new() -> Self {
        Self::in_place(&place_of_worlds())
    }

    /// One that lies on a disk, whatever room there is in memory.
    pub(crate) fn on_disk() -> Self {
        Self::in_place(&std::env::temp_dir())
    }

    fn in_place(place: &Path) -> Self {
        let root = tempfile::Builder::new().prefix("scylla-world-").tempdir_in(place).unwrap();
        for folder in ["home", "results"] {
            fs::create_dir(root.path().join(folder)).unwrap();
        }
        Self { root }
    }

    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.root.path().join(below)
    }

    pub(crate) fn results(&self) -> PathBuf {
        self.path("results")
    }

    /// The binary with these arguments, not started yet.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-scylla"));
        command.arg("scylla").args(arguments).current_dir(self.root.path());
        self.seal(&mut command);
        command
    }

    /// Takes the caller's environment away.
    pub(crate) fn seal(&self, command: &mut Command) {
        command.env_clear().env("HOME", self.path("home")).env("LC_ALL", "C").stdin(Stdio::null());
        command.env("TMPDIR", place_of_worlds());
        for kept in ["PATH", "CARGO_HOME", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN", "LLVM_PROFILE_FILE"] {
            if let Some(value) = std::env::var_os(kept) {
                command.env(kept, value);
            }
        }
        // Toolchains live in the caller's home when these are not set.
        if let Some(home) = std::env::home_dir() {
            for (name, folder) in [("CARGO_HOME", ".cargo"), ("RUSTUP_HOME", ".rustup")] {
                if std::env::var_os(name).is_none() && home.join(folder).is_dir() {
                    command.env(name, home.join(folder));
                }
            }
        }
    }

    /// Runs the binary to its end.
    pub(crate) fn scylla(&self, arguments: &[&str]) -> Output {
        finish(self.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
    }

    /// Starts the binary with `--message-format json`.
    pub(crate) fn start(&self, arguments: &[&str]) -> Live {
        let mut command = self.command(arguments);
        Live::start(&mut command)
    }

    /// The one experiment of this world.
    #[track_caller]
    pub(crate) fn experiment(&self) -> PathBuf {
        let mut found: Vec<PathBuf> =
            fs::read_dir(self.results()).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert_eq!(found.len(), 1, "{found:?}");
        found.remove(0)
    }

    /// Writes a file of the world, with its folders.
    pub(crate) fn write(&self, below: &str, text: &str) -> PathBuf {
        let path = self.path(below);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    /// Writes a program of the world. Another process writes it: while this one has it open, a test beside this one may
    /// start a child that inherits that for a moment, and then the kernel refuses to start the program.
    pub(crate) fn program(&self, below: &str, script: &str) {
        let path = self.path(below);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let mut writer = Command::new("sh");
        writer.args(["-c", r#"printf '%s' "$2" > "$1" && chmod 755 "$1""#, "sh"]).arg(path).arg(script);
        assert!(writer.status().unwrap().success());
    }

    /// How many lines a log of this world has.
    pub(crate) fn lines(&self, below: &str) -> usize {
        fs::read_to_string(self.path(below)).map_or(0, |text| text.lines().count())
    }
}

/// A coordinator that is at work; its events arrive as they are printed.
pub(crate) struct Live {
    child: Child,
    events: Receiver<Value>,
    heard: Vec<Value>,
}

impl Live {
    /// Starts a command of the binary with `--message-format json`.
    pub(crate) fn start(command: &mut Command) -> Self {
        command.args(["--message-format", "json"]).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        Self::of(command.spawn().unwrap())
    }

    fn of(mut child: Child) -> Self {
        let (send, events) = channel();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                if let Ok(event) = serde_json::from_str(&line)
                    && send.send(event).is_err()
                {
                    return;
                }
            }
        });
        Self { child, events, heard: Vec::new() }
    }

    pub(crate) fn pid(&self) -> i32 {
        i32::try_from(self.child.id()).unwrap()
    }

    /// Waits for an event that fits.
    #[track_caller]
    pub(crate) fn wait_for(&mut self, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let Ok(event) = self.events.recv_timeout(left) else {
                self.kill();
                let mut stderr = String::new();
                self.child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
                panic!("no {what} among {:#?}\n{stderr}", self.heard);
            };
            self.heard.push(event.clone());
            if fits(&event) {
                return event;
            }
        }
    }

    #[track_caller]
    pub(crate) fn wait_for_reason(&mut self, reason: &str) -> Value {
        self.wait_for(reason, |event| event["reason"] == reason)
    }

    pub(crate) fn signal(&self, signal: &str) {
        kill(signal, self.pid());
    }

    /// Whether it is at work no more.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// SIGKILL, and the end of the process.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits for the end; what was printed and not heard yet is heard.
    #[track_caller]
    pub(crate) fn end(mut self) -> (Option<i32>, Vec<Value>, String) {
        let mut stderr = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        let status = self.child.wait().unwrap();
        self.heard.extend(self.events.iter());
        let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
        (code, std::mem::take(&mut self.heard), stderr)
    }
}

/// Runs a child to its end and reads both streams.
pub(crate) fn finish(child: Child) -> Output {
    let output = child.wait_with_output().unwrap();
    Output {
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
        code: output.status.code().or_else(|| output.status.signal().map(|signal| 128 + signal)),
    }
}

/// Sends a signal by the shell's own `kill`, which is there where no program of that name is.
#[track_caller]
pub(crate) fn kill(signal: &str, pid: impl std::fmt::Display) {
    let status = Command::new("sh").args(["-c", &format!("kill -s {signal} {pid}")]).status().unwrap();
    assert!(status.success());
}

/// Waits until a condition holds.
#[track_caller]
pub(crate) fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let look = Instant::now();
        if holds() {
            return;
        }
        assert!(Instant::now() < deadline, "it never came: {what}");
        // A condition of the world outside has no event to wait for: look again soon, and not so often that looking keeps
        // a processor from what is waited for.
        std::thread::sleep((look.elapsed() * 4).clamp(Duration::from_millis(5), Duration::from_millis(200)));
    }
}

/// The shipped fixture of this name.
pub(crate) fn shipped(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tests").join(name);
    path.to_str().unwrap().to_owned()
}

/// Replaces what differs from run to run and between machines: the world's path, times, digests, process numbers, and by
/// what runs are contained.
pub(crate) fn steady(text: &str, world: &World) -> String {
    let mut steady = text.replace(world.root.path().to_str().unwrap(), "[WORLD]");
    steady = steady.replace(env!("CARGO_MANIFEST_DIR"), "[PROJECT]");
    for (pattern, word) in [
        (r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d", "[STAMP]"),
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "[TIME]"),
        (r"sha256:[0-9a-f]{64}", "[DIGEST]"),
        (r"process \d+ on [^\s)]+", "process [PID] on [HOST]"),
        (r"contained by \w+", "contained by [CONTAINMENT]"),
        (r"(?m)^.*neither bubblewrap nor control groups work here.*\n", ""),
    ] {
        steady = regex_replace(&steady, pattern, word);
    }
    steady
}

fn regex_replace(text: &str, pattern: &str, word: &str) -> String {
    regex::Regex::new(pattern).unwrap().replace_all(text, word).into_owned()
}
