//! Trusted short programs, such as git: run to their end, with a limit on their output and on their time.
//!
//! Agents, checks and judges are not started here: they run in a containment, and their output goes to files as it
//! comes.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, PipeWriter};
use std::os::fd::AsFd as _;
use std::os::unix::fs::FileExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use duct::Handle;
use rustix::event::{PollFd, PollFlags};
use rustix::fs::{FallocateFlags, MemfdFlags, fallocate, memfd_create};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};

use crate::os::program::{self, Found};
use crate::os::{clock, process};

/// Most bytes of stderr that are kept; the last ones, because there a program says why it failed.
const MOST_STDERR: usize = 16 << 10;
/// How often the time and the size of the output are checked while a program runs.
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);
/// How long a program may take to end after it was killed. Only one that hangs in the kernel takes longer.
const MOST_DYING: Duration = Duration::from_secs(10);

/// One call of a program.
#[derive(Debug)]
pub struct Tool<'a> {
    /// The program, found in our own `PATH` unless its name has a `/`.
    pub program: &'a str,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// The folder that it works in.
    pub cwd: &'a Path,
    /// Its environment. Nothing is added but `PATH`, without relative entries, and the variables in `inherit`.
    pub env: &'a [(OsString, OsString)],
    /// Names of variables that are passed on from our own environment.
    pub inherit: &'a [&'a str],
    /// What it reads on its stdin; nothing when `None`.
    pub stdin: Option<&'a [u8]>,
    /// Where its output goes.
    pub stdout: Stdout<'a>,
    /// The program and everything that it started are ended after this time.
    pub timeout: Duration,
}

/// Where a program's output goes.
#[derive(Debug, Clone, Copy)]
pub enum Stdout<'a> {
    /// Into [`ToolOutput::stdout`]; more bytes than this are an error.
    Captured(usize),
    /// Into a file, which is made or emptied first.
    File(&'a Path),
    /// Into the end of a pipe, which somebody reads meanwhile.
    Pipe(&'a PipeWriter),
}

/// What a program returned.
#[derive(Debug)]
pub struct ToolOutput {
    /// The exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// What it wrote, when that was captured.
    pub stdout: Vec<u8>,
    /// The last 16 KiB of its stderr.
    pub stderr: String,
}

/// Why a program did not run to its end.
#[derive(Debug, thiserror::Error)]
pub enum ToolError {
    /// It is not installed.
    #[error("there is no program `{program}` in `PATH`")]
    NotInstalled {
        /// Its name.
        program: String,
    },
    /// The folder that it should work in does not exist or is not a folder.
    #[error("`{program}` cannot work in {}", folder.display())]
    Folder {
        /// Its name.
        program: String,
        /// The folder.
        folder: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The file for its output cannot be made.
    #[error("cannot write {}", path.display())]
    Output {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// It cannot be started, or communication with it failed.
    #[error("cannot run `{program}`")]
    Run {
        /// Its name.
        program: String,
        /// The system's error.
        source: io::Error,
    },
    /// It took too long and was ended.
    #[error("`{program}` was ended after {} s, its time limit", limit.as_secs())]
    TimedOut {
        /// Its name.
        program: String,
        /// The limit.
        limit: Duration,
    },
    /// It wrote too much and was ended.
    #[error("`{program}` wrote more than {most} bytes and was ended")]
    TooMuch {
        /// Its name.
        program: String,
        /// The limit in bytes.
        most: usize,
    },
}

/// Runs a program to its end. Whatever it started in its process group ends with it.
///
/// # Errors
/// When it cannot be started, takes longer than its time or writes more than its limit. An exit code is no error.
pub fn run(tool: &Tool<'_>) -> Result<ToolOutput, ToolError> {
    let failed = |source| ToolError::Run { program: tool.program.to_owned(), source };
    let output = Output::new(tool)?;
    let program = start(tool, &output)?;
    let watched = leader(&program).map_err(failed).and_then(|leader| {
        let watched = until_end(tool, leader, &output);
        // The leader is not reaped yet, so the group's id is still its own. An error for an empty group is fine.
        let _ = kill_process_group(leader, Signal::KILL);
        watched
    });
    let reaped = program.wait_timeout(MOST_DYING).map_err(failed);
    watched?;
    let status = reaped?.ok_or_else(|| failed(io::ErrorKind::TimedOut.into()))?.status;
    let (stdout, stderr) = output.read(tool).map_err(failed)?;
    Ok(ToolOutput { code: status.code(), stdout, stderr: String::from_utf8_lossy(&stderr).into_owned() })
}

fn start(tool: &Tool<'_>, output: &Output) -> Result<Handle, ToolError> {
    let name = || tool.program.to_owned();
    let failed = |source| ToolError::Run { program: name(), source };
    let path = std::env::var_os("PATH");
    // Programs that it starts must not be found in a tree that an agent wrote, either.
    let inner_path = path.as_ref().map(|path| program::absolute_places(path, |_| true));
    let inner_path = inner_path.filter(|path| !path.is_empty()).map(|path| ("PATH", path));
    let found = match program::search(OsStr::new(tool.program), path.as_deref()) {
        _ if tool.program.contains('/') => tool.program.into(),
        Found::Program(found) | Found::NotExecutable(found) => found,
        Found::Nothing => return Err(ToolError::NotInstalled { program: name() }),
    };
    let inherited = tool.inherit.iter().filter_map(|name| Some((*name, std::env::var_os(name)?))).chain(inner_path);
    let inherited = inherited.map(|(name, value)| (OsString::from(name), value));
    let command = duct::cmd(found, &tool.args)
        .dir(tool.cwd)
        .full_env(inherited.chain(tool.env.iter().cloned()))
        .stdout_file(output.stdout.try_clone().map_err(failed)?)
        .stderr_file(output.stderr.try_clone().map_err(failed)?)
        .before_spawn(|command| {
            command.process_group(0);
            Ok(())
        })
        .unchecked();
    let command = match tool.stdin {
        Some(bytes) => command.stdin_file(in_memory(bytes).map_err(failed)?),
        None => command.stdin_null(),
    };
    command.start().map_err(|source| match (source.kind(), std::fs::metadata(tool.cwd)) {
        (_, Err(source)) => ToolError::Folder { program: name(), folder: tool.cwd.to_owned(), source },
        (io::ErrorKind::NotFound, _) => ToolError::NotInstalled { program: name() },
        _ => ToolError::Run { program: name(), source },
    })
}

/// The process that leads a program's group.
fn leader(program: &Handle) -> io::Result<Pid> {
    let pid = program.pids().first().and_then(|pid| Pid::from_raw(i32::try_from(*pid).ok()?));
    pid.ok_or_else(|| io::ErrorKind::NotFound.into())
}

/// Waits until the program has ended, its time is over, or it has written too much.
///
/// duct's own waits all reap the process. The pid of a reaped leader may be reused, and then the processes that it left
/// behind could no longer be ended by their group.
fn until_end(tool: &Tool<'_>, leader: Pid, output: &Output) -> Result<(), ToolError> {
    let program = || tool.program.to_owned();
    let failed = |source| ToolError::Run { program: program(), source };
    let end = pidfd_open(leader, PidfdFlags::empty()).map_err(|error| failed(error.into()))?;
    let deadline = clock::time_at_work() + tool.timeout;
    loop {
        let left = deadline.saturating_duration_since(clock::time_at_work());
        let mut watched = [PollFd::from_borrowed_fd(end.as_fd(), PollFlags::IN)];
        let look = Instant::now() + left.min(BETWEEN_LOOKS);
        let has_ended = process::wait(&mut watched, Some(look)).map_err(failed)? > 0;
        match tool.stdout {
            Stdout::Captured(most) if size(&output.stdout).map_err(failed)? > most as u64 => {
                return Err(ToolError::TooMuch { program: program(), most });
            }
            _ if has_ended => return Ok(()),
            _ if left.is_zero() => return Err(ToolError::TimedOut { program: program(), limit: tool.timeout }),
            _ => output.forget_early_stderr().map_err(failed)?,
        }
    }
}

/// Where a program writes: files instead of pipes, so that we do not wait for other processes that hold them open; in
/// memory unless the caller names a file, so that they need no disk and disappear with us.
struct Output {
    stdout: File,
    stderr: File,
}

impl Output {
    fn new(tool: &Tool<'_>) -> Result<Self, ToolError> {
        let failed = |source| ToolError::Run { program: tool.program.to_owned(), source };
        let stdout = match tool.stdout {
            Stdout::Captured(_) => in_memory(&[]).map_err(failed)?,
            Stdout::File(path) => {
                File::create(path).map_err(|source| ToolError::Output { path: path.to_owned(), source })?
            }
            Stdout::Pipe(end) => File::from(end.as_fd().try_clone_to_owned().map_err(failed)?),
        };
        Ok(Self { stdout, stderr: in_memory(&[]).map_err(failed)? })
    }

    /// Frees the memory of all but the last bytes of stderr: a program may write as much as it likes.
    fn forget_early_stderr(&self) -> io::Result<()> {
        match size(&self.stderr)?.saturating_sub(MOST_STDERR as u64) {
            0 => Ok(()),
            early => {
                let hole = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
                Ok(fallocate(&self.stderr, hole, 0, early)?)
            }
        }
    }

    /// What was captured, and the last bytes of stderr.
    fn read(&self, tool: &Tool<'_>) -> io::Result<(Vec<u8>, Vec<u8>)> {
        let stdout = match tool.stdout {
            Stdout::Captured(_) => read_from(&self.stdout, 0)?,
            Stdout::File(_) | Stdout::Pipe(_) => Vec::new(),
        };
        let stderr = read_from(&self.stderr, size(&self.stderr)?.saturating_sub(MOST_STDERR as u64))?;
        Ok((stdout, stderr))
    }
}

/// A file without a name that holds these bytes.
fn in_memory(bytes: &[u8]) -> io::Result<File> {
    // A hardened kernel requires files that cannot be executed; one before 6.3 does not know that flag.
    let made = match memfd_create("tool", MemfdFlags::CLOEXEC | MemfdFlags::NOEXEC_SEAL) {
        Err(Errno::INVAL) => memfd_create("tool", MemfdFlags::CLOEXEC),
        made => made,
    };
    let file = File::from(made?);
    // Written at an offset, so that a program begins to read or write at the first byte.
    file.write_all_at(bytes, 0)?;
    Ok(file)
}

fn size(file: &File) -> io::Result<u64> {
    Ok(file.metadata()?.len())
}

/// The bytes from an offset on, as many as there are now.
fn read_from(file: &File, place: u64) -> io::Result<Vec<u8>> {
    let length = usize::try_from(size(file)?.saturating_sub(place)).map_err(|_| io::ErrorKind::FileTooLarge)?;
    let mut bytes = vec![0; length];
    file.read_exact_at(&mut bytes, place)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;
    use std::os::unix::fs::MetadataExt as _;

    use super::*;

    fn shell<'a>(line: &str, stdin: Option<&'a [u8]>) -> Tool<'a> {
        Tool {
            program: "/bin/sh",
            args: vec!["-c".into(), line.into()],
            cwd: Path::new("/"),
            env: &[],
            inherit: &[],
            stdin,
            stdout: Stdout::Captured(64 << 20),
            timeout: Duration::from_mins(1),
        }
    }

    #[test]
    fn more_than_pipes_hold_goes_in_and_out_at_once() {
        let bytes: Vec<u8> = (0..4_000_000_u32).map(|i| (i % 251) as u8).collect();
        let output = run(&shell("tee /dev/stderr", Some(&bytes))).unwrap();
        assert_eq!(output.code, Some(0));
        assert!(output.stdout == bytes);
        assert_eq!(
            output.stderr.chars().count(),
            String::from_utf8_lossy(&bytes[bytes.len() - MOST_STDERR..]).chars().count()
        );
    }

    #[test]
    fn a_program_need_not_read_what_it_is_given() {
        let bytes = vec![b'x'; 1 << 20];
        let output = run(&shell("exec 0<&-; echo done; exit 3", Some(&bytes))).unwrap();
        assert_eq!((output.code, output.stdout.as_slice()), (Some(3), b"done\n".as_slice()));
    }

    #[test]
    fn the_environment_is_what_was_given_and_path() {
        let env = [("ONE".into(), "1".into())];
        let output = run(&Tool { env: &env, inherit: &["CARGO_MANIFEST_DIR"], ..shell("/usr/bin/env", None) }).unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let mut names: Vec<_> = text.lines().filter_map(|line| line.split('=').next()).collect();
        names.retain(|name| !["PWD", "OLDPWD", "SHLVL", "_"].contains(name));
        names.sort_unstable();
        assert_eq!(names, ["CARGO_MANIFEST_DIR", "ONE", "PATH"]);
    }

    #[test]
    fn the_time_limit_ends_grandchildren_too() {
        let folder = tempfile::tempdir().unwrap();
        let fifo = folder.path().join("fifo");
        rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, rustix::fs::Mode::RWXU).unwrap();
        let line = format!("exec 3<>{}; sleep 1000 & sleep 1000", fifo.display());
        let error = run(&Tool { timeout: Duration::from_millis(300), ..shell(&line, None) }).unwrap_err();
        assert_eq!(error.to_string(), "`/bin/sh` was ended after 0 s, its time limit");
        // A reader gets the end of the file as soon as no writer is alive.
        let reader = rustix::fs::open(
            &fifo,
            rustix::fs::OFlags::RDONLY | rustix::fs::OFlags::NONBLOCK,
            rustix::fs::Mode::empty(),
        );
        let deadline = Instant::now() + Duration::from_secs(20);
        let mut reader = File::from(reader.unwrap());
        while reader.read(&mut [0]).is_err() {
            assert!(Instant::now() < deadline, "a grandchild lives on");
            std::thread::yield_now();
        }
    }

    #[test]
    fn a_background_job_that_keeps_the_pipe_open_is_not_waited_for() {
        let output = run(&shell("echo done; sleep 1000 &", None)).unwrap();
        assert_eq!(output.stdout, b"done\n");
    }

    #[test]
    fn a_flood_is_cut_or_goes_to_a_file() {
        let most = 1 << 20;
        let error = run(&Tool { stdout: Stdout::Captured(most), ..shell("yes", None) }).unwrap_err();
        assert_eq!(error.to_string(), "`/bin/sh` wrote more than 1048576 bytes and was ended");
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("out");
        let output = run(&Tool { stdout: Stdout::File(&file), ..shell("head -c 3000000 /dev/zero", None) }).unwrap();
        assert!(output.stdout.is_empty());
        assert_eq!(std::fs::metadata(&file).unwrap().len(), 3_000_000);
    }

    #[test]
    fn of_all_that_a_program_says_only_the_end_takes_memory() {
        let output = Output::new(&shell("", None)).unwrap();
        output.stderr.write_all_at(&vec![b'x'; 4 << 20], 0).unwrap();
        output.stderr.write_all_at(b"fatal: no", 4 << 20).unwrap();
        output.forget_early_stderr().unwrap();
        assert!(output.stderr.metadata().unwrap().blocks() * 512 <= 64 << 10);
        let (_, stderr) = output.read(&shell("", None)).unwrap();
        assert_eq!(stderr.len(), MOST_STDERR);
        assert!(stderr.starts_with(b"xxx") && stderr.ends_with(b"xfatal: no"));
    }

    #[test]
    fn a_missing_program_and_a_missing_folder_are_told_apart() {
        let missing = run(&Tool { program: "no-such-program", ..shell("", None) }).unwrap_err();
        assert_eq!(missing.to_string(), "there is no program `no-such-program` in `PATH`");
        let nowhere = run(&Tool { cwd: Path::new("/no/such/folder"), ..shell("", None) }).unwrap_err();
        assert_eq!(nowhere.to_string(), "`/bin/sh` cannot work in /no/such/folder");
    }
}
