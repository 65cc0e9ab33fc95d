//! The output of a program, limited and filtered on its way into files, and the input that it is given.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};
use std::process::{ChildStderr, ChildStdin, ChildStdout};

use super::{Overflow, Pulse, SharedWatch, SpawnError, Task};

/// The size of a pipe's buffer in the kernel.
const CHUNK_BYTES: usize = 64 << 10;
/// How many bytes of the stderr of a failed start are quoted.
const MOST_LAST_WORDS: usize = 500;

/// Changes a stream of output on its way into a file. It may hold bytes back until it has seen more.
pub trait OutputFilter: Send {
    /// Takes the next bytes and gives those that are ready to be written.
    fn push(&mut self, bytes: &[u8]) -> Vec<u8>;
    /// Gives the bytes that were held back. Nothing is pushed after that.
    fn finish(&mut self) -> Vec<u8>;
}

/// The filter that changes nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct PassThrough;

impl OutputFilter for PassThrough {
    fn push(&mut self, bytes: &[u8]) -> Vec<u8> {
        bytes.to_vec()
    }

    fn finish(&mut self) -> Vec<u8> {
        Vec::new()
    }
}

/// Which of the two output streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stream {
    Stdout,
    Stderr,
}

enum Pipe {
    Stdout(ChildStdout),
    Stderr(ChildStderr),
}

impl Pipe {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Stdout(pipe) => pipe.read(buffer),
            Self::Stderr(pipe) => pipe.read(buffer),
        }
    }

    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Stdout(pipe) => pipe.as_fd(),
            Self::Stderr(pipe) => pipe.as_fd(),
        }
    }
}

struct Channel {
    /// `None` before the start, and after the end of the stream.
    pipe: Option<Pipe>,
    file: File,
    path: PathBuf,
    filter: Box<dyn OutputFilter>,
    /// How many bytes may still come, where each stream has its own limit.
    left: u64,
    /// Whether bytes were dropped.
    truncated: bool,
}

impl Channel {
    fn create(path: &Path, task: &Task) -> Result<Self, SpawnError> {
        let failed = |source| SpawnError::Write { path: path.to_owned(), source };
        // Removed and created again: what is there may be a link or a FIFO that the agent of a former attempt made.
        match fs::remove_file(path) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(failed(error)),
            _ => {}
        }
        let file = OpenOptions::new().write(true).create_new(true).open(path).map_err(failed)?;
        let (path, filter, left) = (path.to_owned(), (task.filter)(), task.limits.output_bytes);
        Ok(Self { pipe: None, file, path, filter, left, truncated: false })
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), SpawnError> {
        self.file.write_all(bytes).map_err(|source| self.failed(source))
    }

    /// Makes what was written durable, through the file that is held open, whatever is at its path by now.
    fn sync(&self) -> Result<(), SpawnError> {
        let is_empty = self.file.metadata().map_err(|source| self.failed(source))?.len() == 0;
        if is_empty { Ok(()) } else { self.file.sync_data().map_err(|source| self.failed(source)) }
    }

    fn failed(&self, source: io::Error) -> SpawnError {
        SpawnError::Write { path: self.path.clone(), source }
    }
}

/// The outcome of one read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Got {
    Bytes,
    /// Nothing to read at the moment.
    Nothing,
    /// The stream is at its end, and closed.
    End,
}

/// Both output streams of a task.
pub(super) struct Outputs {
    stdout: Channel,
    stderr: Channel,
    /// How many bytes may still come in total, where both streams share one limit.
    shared_left: Option<u64>,
    watch: Option<SharedWatch>,
    /// Whether who watches said that the program must end.
    must_end: bool,
    buffer: Vec<u8>,
}

impl Outputs {
    pub(super) fn create(task: &Task) -> Result<Self, SpawnError> {
        Ok(Self {
            stdout: Channel::create(&task.stdout, task)?,
            stderr: Channel::create(&task.stderr, task)?,
            shared_left: (task.limits.overflow == Overflow::End).then_some(task.limits.output_bytes),
            watch: task.watch.clone(),
            must_end: false,
            buffer: vec![0; CHUNK_BYTES],
        })
    }

    /// Takes over our ends of the pipes. Reading from them does not block from now on.
    pub(super) fn connect(&mut self, stdout: Option<ChildStdout>, stderr: Option<ChildStderr>) -> io::Result<()> {
        self.stdout.pipe = stdout.map(Pipe::Stdout);
        self.stderr.pipe = stderr.map(Pipe::Stderr);
        for pipe in [&self.stdout.pipe, &self.stderr.pipe].into_iter().flatten() {
            rustix::io::ioctl_fionbio(pipe.as_fd(), true)?;
        }
        Ok(())
    }

    /// The pipe of a stream that is not at its end.
    pub(super) fn fd(&self, stream: Stream) -> Option<BorrowedFd<'_>> {
        let channel = match stream {
            Stream::Stdout => &self.stdout,
            Stream::Stderr => &self.stderr,
        };
        channel.pipe.as_ref().map(Pipe::as_fd)
    }

    /// Reads once. Bytes above the limit are read too, so that the program does not block, but are dropped.
    pub(super) fn pump(&mut self, stream: Stream) -> Result<Got, SpawnError> {
        let channel = match stream {
            Stream::Stdout => &mut self.stdout,
            Stream::Stderr => &mut self.stderr,
        };
        let Some(pipe) = &mut channel.pipe else { return Ok(Got::End) };
        match pipe.read(&mut self.buffer) {
            Ok(0) => {
                channel.pipe = None;
                Ok(Got::End)
            }
            Ok(count) => {
                let left = self.shared_left.as_mut().unwrap_or(&mut channel.left);
                let kept = usize::try_from(*left).map_or(count, |left| left.min(count));
                *left -= kept as u64;
                channel.truncated |= kept < count;
                let ready = channel.filter.push(&self.buffer[..kept]);
                channel.write(&ready)?;
                if let (Stream::Stdout, Some(watch)) = (stream, &self.watch) {
                    // What a panic left in the middle is not asked any more.
                    self.must_end |= watch.lock().is_ok_and(|mut watch| watch.must_end(&ready));
                }
                Ok(Got::Bytes)
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => Ok(Got::Nothing),
            Err(source) => Err(SpawnError::Write { path: channel.path.clone(), source }),
        }
    }

    /// Reads what is still in the pipes when every writer is dead, writes what the filters held back, and makes all of
    /// it durable: a program's output is evidence of the stage that it ends. It does not wait for the end of a pipe,
    /// because another process may hold it open.
    pub(super) fn finish(&mut self) -> Result<(), SpawnError> {
        for stream in [Stream::Stdout, Stream::Stderr] {
            // The limit also bounds what a process that escaped may still write.
            while !self.is_full(stream) && self.pump(stream)? == Got::Bytes {}
        }
        // A program's answer, on stdout, is synced last: if it is there after a power cut, the rest is too.
        for channel in [&mut self.stderr, &mut self.stdout] {
            channel.pipe = None;
            let rest = channel.filter.finish();
            channel.write(&rest)?;
            channel.sync()?;
        }
        Ok(())
    }

    /// Whether who watches said that the program must end.
    pub(super) fn must_end(&self) -> bool {
        self.must_end
    }

    /// How it goes, in the eyes of who watches; `None` where nobody does.
    pub(super) fn pulse(&self) -> Option<Pulse> {
        let watch = self.watch.as_ref()?.lock();
        Some(watch.map_or(Pulse::Quiet, |watch| watch.pulse()))
    }

    /// Whether bytes were dropped.
    pub(super) fn truncated(&self) -> bool {
        self.stdout.truncated || self.stderr.truncated
    }

    /// Whether this stream has reached its limit.
    fn is_full(&self, stream: Stream) -> bool {
        match stream {
            _ if self.shared_left.is_some() => self.truncated(),
            Stream::Stdout => self.stdout.truncated,
            Stream::Stderr => self.stderr.truncated,
        }
    }

    /// The end of what was written to stderr.
    pub(super) fn last_words(&self) -> String {
        let text = fs::read(&self.stderr.path).unwrap_or_default();
        let start = text.len().saturating_sub(MOST_LAST_WORDS);
        match String::from_utf8_lossy(&text[start..]).trim() {
            "" => "it said nothing".to_owned(),
            words => words.to_owned(),
        }
    }
}

/// Bytes on their way to a program's stdin.
pub(super) struct Feed<'a> {
    pipe: ChildStdin,
    left: &'a [u8],
}

impl<'a> Feed<'a> {
    pub(super) fn new(pipe: ChildStdin, bytes: &'a [u8]) -> io::Result<Self> {
        rustix::io::ioctl_fionbio(&pipe, true)?;
        Ok(Self { pipe, left: bytes })
    }

    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.pipe.as_fd()
    }

    /// Writes as much as fits; true when everything is written, or when the program has stopped reading.
    pub(super) fn pump(&mut self) -> bool {
        while !self.left.is_empty() {
            match self.pipe.write(self.left) {
                Ok(count) => self.left = &self.left[count..],
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return error.kind() != ErrorKind::WouldBlock,
            }
        }
        true
    }
}
