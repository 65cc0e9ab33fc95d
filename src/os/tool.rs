//! Trusted short programs, such as git: run to the end, what they print bounded, never longer than a time limit.
//!
//! Agents, checks and judges are not started here: they are contained, and their output goes to files as it comes.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};

use crate::os::clock;
use crate::os::program::{self, Found};

/// Most bytes of stderr that are kept; the last ones, because there a program says why it ends.
const MOST_STDERR: usize = 16 << 10;
/// Bytes that one read takes from a pipe; they lie on the stack.
const READ_BYTES: usize = 16 << 10;
/// Most reads of a pipe before the clock is looked at: more bytes than a pipe can hold.
const MOST_READS: usize = 128;

/// One call of a program.
#[derive(Debug)]
pub struct Tool<'a> {
    /// The program, found in our own `PATH` unless it has a `/`.
    pub program: &'a str,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// The folder that it works in.
    pub cwd: &'a Path,
    /// Its environment; nothing else is there but `PATH`, without relative places, and what `inherit` names.
    pub env: &'a [(OsString, OsString)],
    /// Names of variables that it gets from our own environment.
    pub inherit: &'a [&'a str],
    /// What it reads; nothing when there is none.
    pub stdin: Option<&'a [u8]>,
    /// Where its output goes.
    pub stdout: Stdout<'a>,
    /// It and all that it started are ended after this time.
    pub timeout: Duration,
}

/// Where a program's output goes.
#[derive(Debug, Clone, Copy)]
pub enum Stdout<'a> {
    /// Into [`ToolOutput::stdout`]; more bytes than this are an error.
    Captured(usize),
    /// Into a file, which is made or emptied first.
    File(&'a Path),
}

/// What a program left.
#[derive(Debug)]
pub struct ToolOutput {
    /// The exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// What it wrote, when that was captured.
    pub stdout: Vec<u8>,
    /// The last 16 KiB of what it said.
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
    /// The folder that it should work in is no folder.
    #[error("`{program}` cannot work in {}", folder.display())]
    Folder {
        /// Its name.
        program: String,
        /// The folder.
        folder: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file for its output cannot be made.
    #[error("cannot write {}", path.display())]
    Output {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// It cannot be started, or talking to it failed.
    #[error("cannot run `{program}`")]
    Run {
        /// Its name.
        program: String,
        /// What the system says.
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
    let mut child = start(tool)?;
    let talk = pidfd_open(Pid::from_child(&child), PidfdFlags::empty())
        .map_err(io::Error::from)
        .and_then(|ended| Talk::new(&mut child, tool, ended))
        .map_err(failed)
        .and_then(|mut talk| talk.carry_on().map(|()| talk));
    // The leader is not reaped yet, so the group's number is still its own. An empty group is no trouble.
    let _ = kill_process_group(Pid::from_child(&child), Signal::KILL);
    let status = child.wait().map_err(failed)?;
    let talk = talk?;
    let stderr = String::from_utf8_lossy(&talk.stderr_bytes).into_owned();
    Ok(ToolOutput { code: status.code(), stdout: talk.stdout_bytes, stderr })
}

fn start(tool: &Tool<'_>) -> Result<Child, ToolError> {
    let name = || tool.program.to_owned();
    let stdout = match tool.stdout {
        Stdout::Captured(_) => Stdio::piped(),
        Stdout::File(path) => {
            File::create(path).map_err(|source| ToolError::Output { path: path.to_owned(), source })?.into()
        }
    };
    let path = std::env::var_os("PATH");
    // What it starts itself must not be found in a tree that an agent wrote, either.
    let inner_path = path.as_ref().map(|path| program::absolute_places(path, |_| true));
    let inner_path = inner_path.filter(|path| !path.is_empty()).map(|path| ("PATH", path));
    let found = match program::search(OsStr::new(tool.program), path.as_deref()) {
        _ if tool.program.contains('/') => tool.program.into(),
        Found::Program(found) | Found::NotExecutable(found) => found,
        Found::Nothing => return Err(ToolError::NotInstalled { program: name() }),
    };
    let inherited = tool.inherit.iter().filter_map(|name| Some((*name, std::env::var_os(name)?))).chain(inner_path);
    Command::new(found)
        .args(&tool.args)
        .current_dir(tool.cwd)
        .env_clear()
        .envs(inherited)
        .envs(tool.env.iter().map(|(name, value)| (name as &OsStr, value as &OsStr)))
        .stdin(if tool.stdin.is_some() { Stdio::piped() } else { Stdio::null() })
        .stdout(stdout)
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .map_err(|source| match (source.kind(), std::fs::metadata(tool.cwd)) {
            (_, Err(source)) => ToolError::Folder { program: name(), folder: tool.cwd.to_owned(), source },
            (io::ErrorKind::NotFound, _) => ToolError::NotInstalled { program: name() },
            _ => ToolError::Run { program: name(), source },
        })
}

/// The two sides of a program's pipes, driven by one thread: nobody waits for the other while it waits for us.
struct Talk<'a> {
    tool: &'a Tool<'a>,
    deadline: Instant,
    ended: OwnedFd,
    stdin: Option<ChildStdin>,
    unwritten: &'a [u8],
    stdout: Option<ChildStdout>,
    stderr: Option<ChildStderr>,
    stdout_bytes: Vec<u8>,
    stderr_bytes: Vec<u8>,
}

impl<'a> Talk<'a> {
    fn new(child: &mut Child, tool: &'a Tool<'a>, ended: OwnedFd) -> io::Result<Self> {
        let talk = Self {
            tool,
            deadline: clock::time_at_work() + tool.timeout,
            ended,
            stdin: child.stdin.take(),
            unwritten: tool.stdin.unwrap_or_default(),
            stdout: child.stdout.take(),
            stderr: child.stderr.take(),
            stdout_bytes: Vec::new(),
            stderr_bytes: Vec::new(),
        };
        for pipe in [fd(talk.stdin.as_ref()), fd(talk.stdout.as_ref()), fd(talk.stderr.as_ref())].into_iter().flatten()
        {
            rustix::io::ioctl_fionbio(pipe, true)?;
        }
        Ok(talk)
    }

    /// Writes and reads until the program has ended.
    fn carry_on(&mut self) -> Result<(), ToolError> {
        let failed = |source| ToolError::Run { program: self.tool.program.to_owned(), source };
        loop {
            // Asked before the reading: what an ended program wrote is all in the pipes by then.
            let ended = self.wait().map_err(failed)?;
            write_some(&mut self.stdin, &mut self.unwritten).map_err(failed)?;
            let most = match self.tool.stdout {
                Stdout::Captured(most) => most,
                Stdout::File(_) => 0,
            };
            read_some(&mut self.stdout, &mut self.stdout_bytes).map_err(failed)?;
            read_some(&mut self.stderr, &mut self.stderr_bytes).map_err(failed)?;
            if self.stderr_bytes.len() > MOST_STDERR {
                self.stderr_bytes.drain(..self.stderr_bytes.len() - MOST_STDERR);
            }
            if self.stdout_bytes.len() > most {
                return Err(ToolError::TooMuch { program: self.tool.program.to_owned(), most });
            }
            if ended {
                return Ok(());
            }
            if clock::time_at_work() >= self.deadline {
                return Err(ToolError::TimedOut { program: self.tool.program.to_owned(), limit: self.tool.timeout });
            }
        }
    }

    /// Waits until something can be done or the time is over; says whether the program has ended.
    fn wait(&self) -> io::Result<bool> {
        let left = self.deadline.saturating_duration_since(clock::time_at_work());
        let left = Timespec::try_from(left).map_err(|_| io::ErrorKind::InvalidInput)?;
        let mut watched = vec![PollFd::new(&self.ended, PollFlags::IN)];
        let reads = [fd(self.stdout.as_ref()), fd(self.stderr.as_ref())];
        watched.extend(reads.into_iter().flatten().map(|pipe| PollFd::from_borrowed_fd(pipe, PollFlags::IN)));
        watched.extend(fd(self.stdin.as_ref()).map(|pipe| PollFd::from_borrowed_fd(pipe, PollFlags::OUT)));
        match poll(&mut watched, Some(&left)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(watched[0].revents().contains(PollFlags::IN)),
            Err(error) => Err(error.into()),
        }
    }
}

fn fd<T: AsFd>(pipe: Option<&T>) -> Option<BorrowedFd<'_>> {
    pipe.map(AsFd::as_fd)
}

/// Writes what the pipe takes, and closes it when all is written or nobody reads.
fn write_some(pipe: &mut Option<ChildStdin>, unwritten: &mut &[u8]) -> io::Result<()> {
    while let Some(open) = pipe {
        match open.write(unwritten) {
            Ok(written) if written > 0 => *unwritten = unwritten.get(written..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => return Err(error),
            _ => *pipe = None,
        }
    }
    Ok(())
}

/// Reads what the pipe has, and closes it at its end. A program that never stops writing is left for the next turn.
fn read_some<P: Read>(pipe: &mut Option<P>, bytes: &mut Vec<u8>) -> io::Result<()> {
    let mut chunk = [0; READ_BYTES];
    for _ in 0..MOST_READS {
        let Some(open) = pipe else { break };
        match open.read(&mut chunk) {
            Ok(0) => *pipe = None,
            Ok(read) => bytes.extend_from_slice(chunk.get(..read).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
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
    fn a_missing_program_and_a_missing_folder_are_told_apart() {
        let missing = run(&Tool { program: "no-such-program", ..shell("", None) }).unwrap_err();
        assert_eq!(missing.to_string(), "there is no program `no-such-program` in `PATH`");
        let nowhere = run(&Tool { cwd: Path::new("/no/such/folder"), ..shell("", None) }).unwrap_err();
        assert_eq!(nowhere.to_string(), "`/bin/sh` cannot work in /no/such/folder");
    }
}
