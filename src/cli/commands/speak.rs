//! What our own program does in an agent's place: it starts the program that its argument names, speaks the Agent Client Protocol with
//! it, and prints what was spoken. It is started by a worker, and no person types it.

use std::ffi::OsString;
use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::agent::protocol::{Act, Client, Entry, Heard, MOST_FILE_BYTES, MOST_LINE_BYTES, Order, Over};
use crate::os::process::{End, speak_with};
use crate::os::{files, signal};

/// Most bytes of lines that wait to be heard; one that is longer waits alone.
const MOST_UNHEARD: usize = 16 << 20;
/// Most bytes of messages that wait until the program reads them.
const MOST_UNREAD: usize = 64 << 20;
/// What a line takes beside its bytes.
const OF_LINE: usize = 64;
/// How long a program may take to end when nothing more is asked of it.
const LEAVING: Duration = Duration::from_secs(2);

/// What happens while it is spoken.
enum Word {
    /// A line of the program, and the room that it takes until it is heard.
    Line(Vec<u8>, Taken),
    /// A line that is too long.
    TooLong,
    /// The program prints nothing more.
    Silent,
    /// The program has ended.
    Ended(io::Result<End>),
    /// Somebody asks that we end.
    Stop,
}

/// Room for so many bytes that wait.
#[derive(Debug)]
struct Room {
    most: usize,
    used: Mutex<usize>,
    freed: Condvar,
}

/// A part of it, until it is dropped.
#[derive(Debug)]
struct Taken {
    room: Arc<Room>,
    bytes: usize,
}

impl Room {
    fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { most, used: Mutex::new(0), freed: Condvar::new() })
    }

    /// Waits until there is room, or nothing else waits.
    fn take(self: &Arc<Self>, bytes: usize) -> Taken {
        let used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let is_full = |used: &mut usize| *used > 0 && used.saturating_add(bytes) > self.most;
        let mut used = self.freed.wait_while(used, is_full).unwrap_or_else(PoisonError::into_inner);
        *used += bytes;
        Taken { room: Arc::clone(self), bytes }
    }

    /// Takes room if there is any.
    fn take_now(self: &Arc<Self>, bytes: usize) -> Option<Taken> {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        if *used > 0 && used.saturating_add(bytes) > self.most {
            return None;
        }
        *used += bytes;
        Some(Taken { room: Arc::clone(self), bytes })
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        *self.room.used.lock().unwrap_or_else(PoisonError::into_inner) -= self.bytes;
        self.room.freed.notify_all();
    }
}

/// Speaks, and prints what was spoken. `arguments` follow the command's word.
///
/// # Errors
/// Why nothing was spoken.
pub fn speak(arguments: &[OsString]) -> Result<(), String> {
    let order = arguments.first().and_then(|argument| argument.to_str()).unwrap_or_default();
    let order: Order = serde_json::from_str(order).map_err(|error| format!("no program is named: {error}"))?;
    let prompt = std::env::var_os("SCYLLA_PROMPT_FILE").ok_or("`SCYLLA_PROMPT_FILE` is not set")?;
    let prompt = fs::read_to_string(&prompt).map_err(|error| format!("the prompt cannot be read: {error}"))?;
    let folder = std::env::current_dir().map_err(|error| format!("there is no folder to work in: {error}"))?;
    let folder = folder.to_str().ok_or("the folder to work in has a name that is no text")?;
    let (send, mailbox) = channel();
    signal::restore().map_err(|error| format!("signals cannot be received: {error}"))?;
    let to_stop = send.clone();
    let _listening = signal::listen(move |_| drop(to_stop.send(Word::Stop)))
        .map_err(|error| format!("signals cannot be received: {error}"))?;

    let mut log = Log { out: io::stdout() };
    log.keep(&Entry::Began(order.clone()))?;
    let (program, arguments) = order.command.split_first().ok_or("no program is named")?;
    let piped = match speak_with(program, arguments) {
        Ok(piped) => piped,
        Err(error) => {
            return log.keep(&Entry::Over(Over::not_started(format!("`{program}` cannot be started: {error}"))));
        }
    };
    let (input, output, wait) = piped.split();
    let to_listener = send.clone();
    thread::spawn(move || listen(output, &to_listener));
    thread::spawn(move || send.send(Word::Ended(wait())));
    let (line, lines) = channel();
    thread::spawn(move || write(input, &lines));
    let deadline = Instant::now() + Duration::from_secs(order.start_seconds);
    let client = Client::new(&order, folder, &prompt);
    let unread = Room::new(MOST_UNREAD);
    let mut speaker = Speaker { client, program, log, line: Some(line), unread, silent: false, ended: None };
    speaker.converse(&mailbox, deadline, order.start_seconds)?;
    speaker.leave(&mailbox);
    Ok(())
}

/// Tells each line that a program prints.
fn listen(output: impl Read, send: &Sender<Word>) {
    let unheard = Room::new(MOST_UNHEARD);
    let mut output = BufReader::new(output);
    loop {
        let mut line = Vec::new();
        let most = MOST_LINE_BYTES as u64 + 1;
        let read = output.by_ref().take(most).read_until(b'\n', &mut line);
        let word = match read {
            Ok(0) | Err(_) => Word::Silent,
            Ok(_) if line.len() > MOST_LINE_BYTES && !line.ends_with(b"\n") => Word::TooLong,
            Ok(_) => {
                let taken = unheard.take(line.len() + OF_LINE);
                Word::Line(line, taken)
            }
        };
        let is_last = !matches!(word, Word::Line(..));
        if send.send(word).is_err() || is_last {
            return;
        }
    }
}

/// Writes each line to a program, which may take its time to read them.
fn write(mut input: impl Write, lines: &Receiver<(String, Taken)>) {
    for (line, _taken) in lines {
        if input.write_all(line.as_bytes()).and_then(|()| input.flush()).is_err() {
            return;
        }
    }
}

/// The log, on standard output.
struct Log {
    out: io::Stdout,
}

impl Log {
    fn keep(&mut self, entry: &Entry) -> Result<(), String> {
        let written = self.out.write_all(entry.line().as_bytes()).and_then(|()| self.out.flush());
        written.map_err(|error| format!("what was spoken cannot be written: {error}"))
    }
}

/// Who speaks.
struct Speaker<'a> {
    client: Client<'a>,
    program: &'a str,
    log: Log,
    /// Where lines for the program go; `None` when there will be none.
    line: Option<Sender<(String, Taken)>>,
    /// Room for what it has not read yet.
    unread: Arc<Room>,
    /// Whether the program prints nothing more.
    silent: bool,
    /// How it ended.
    ended: Option<io::Result<End>>,
}

impl Speaker<'_> {
    /// Speaks until it is over.
    fn converse(&mut self, mailbox: &Receiver<Word>, deadline: Instant, seconds: u64) -> Result<(), String> {
        let begun = self.client.begin();
        let mut is_over = self.act(begun)?;
        while !is_over {
            let left = deadline.saturating_duration_since(Instant::now());
            let word = match (self.client.is_starting(), self.ended.is_some()) {
                (true, _) => mailbox.recv_timeout(left),
                // Its last lines, unless a process of its keeps its output open.
                (false, true) => mailbox.recv_timeout(LEAVING),
                (false, false) => mailbox.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            let acts = match word {
                Ok(Word::Line(line, _taken)) => self.client.handle(Heard::Line(&line)),
                Ok(Word::Stop) => self.client.handle(Heard::Stop),
                Ok(Word::TooLong) => {
                    let most = MOST_LINE_BYTES >> 20;
                    vec![Act::Over(Some(Over::broken(format!("a line of the program is longer than {most} MiB"))))]
                }
                Ok(Word::Silent) => {
                    self.silent = true;
                    Vec::new()
                }
                Ok(Word::Ended(end)) => {
                    self.ended = Some(end);
                    Vec::new()
                }
                Err(_) if self.ended.is_some() => vec![self.gone()],
                Err(_) => {
                    let message =
                        format!("`{}` did not answer `{}` within {seconds} s", self.program, self.client.waits_for());
                    vec![Act::Over(Some(Over::not_started(message)))]
                }
            };
            is_over = self.act(acts)?;
            if !is_over && self.silent && self.ended.is_some() {
                let gone = self.gone();
                is_over = self.act(vec![gone])?;
            }
        }
        Ok(())
    }

    /// The program is not there any more.
    fn gone(&self) -> Act {
        let how = match &self.ended {
            Some(Ok(End::Exited(code))) => format!("ended with exit code {code}"),
            Some(Ok(End::Signaled(signal))) => format!("was ended by signal {signal}"),
            _ => "ended".to_owned(),
        };
        let message = format!("`{}` {how} before it answered `{}`", self.program, self.client.waits_for());
        Act::Over(Some(Over::broken(message)))
    }

    /// Does what is to be done; says whether it is over.
    fn act(&mut self, acts: Vec<Act>) -> Result<bool, String> {
        let mut is_over = false;
        for act in acts {
            let done = match act {
                Act::Send(message) => {
                    is_over |= self.send(message)?;
                    continue;
                }
                Act::Received(message) => {
                    self.log.keep(&Entry::Received(message))?;
                    continue;
                }
                Act::PassedOver(text) => {
                    self.log.keep(&Entry::PassedOver(text))?;
                    continue;
                }
                Act::Over(why) => {
                    if let Some(why) = why {
                        self.log.keep(&Entry::Over(why))?;
                    }
                    is_over = true;
                    continue;
                }
                Act::Read { id, path, line, limit } => Heard::File(id, read(&path, line, limit).map(Some)),
                Act::Write { id, path, text } => Heard::File(id, write_file(&path, &text).map(|()| None)),
            };
            let answers = self.client.handle(done);
            is_over |= self.act(answers)?;
        }
        Ok(is_over)
    }

    /// Sends a message; says whether it is over because the program reads none.
    fn send(&mut self, message: Value) -> Result<bool, String> {
        if let Some(line) = &self.line {
            let text = format!("{message}\n");
            let Some(taken) = self.unread.take_now(text.len() + OF_LINE) else {
                let why = format!("`{}` does not read what it is sent", self.program);
                return self.log.keep(&Entry::Over(Over::broken(why))).map(|()| true);
            };
            // A program that reads nothing more has ended, which is heard.
            let _ = line.send((text, taken));
        }
        self.log.keep(&Entry::Sent(message)).map(|()| false)
    }

    /// Lets the program end. Whatever is left of it then ends with us.
    fn leave(&mut self, mailbox: &Receiver<Word>) {
        self.line = None;
        let deadline = Instant::now() + LEAVING;
        while self.ended.is_none() {
            match mailbox.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(Word::Ended(end)) => self.ended = Some(end),
                Ok(_) => {}
                Err(_) => return,
            }
        }
    }
}

/// Lines of a file.
fn read(path: &str, line: u64, limit: u64) -> Result<String, String> {
    let bytes = files::read_bounded(absolute(path)?, MOST_FILE_BYTES).map_err(|error| error.to_string())?;
    let bytes = bytes.ok_or_else(|| format!("there is no file `{path}`"))?;
    let text = String::from_utf8(bytes).map_err(|_| format!("`{path}` is no text"))?;
    if (line, limit) == (1, u64::MAX) {
        return Ok(text);
    }
    let (first, most) = (usize::try_from(line - 1).unwrap_or(usize::MAX), usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(text.split_inclusive('\n').skip(first).take(most).collect())
}

fn write_file(path: &str, text: &str) -> Result<(), String> {
    let file = absolute(path)?;
    let made = file.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(file, text));
    made.map_err(|error| format!("`{path}` cannot be written: {error}"))
}

fn absolute(path: &str) -> Result<&Path, String> {
    let path = Path::new(path);
    if path.is_absolute() { Ok(path) } else { Err(format!("`{}` is not absolute", path.display())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_is_bounded_by_its_bytes_and_goes_on_when_something_is_heard() {
        let room = Room::new(100);
        let first = room.take(1000);
        assert_eq!(*room.used.lock().unwrap(), 1000, "what is alone may be longer");
        assert!(room.take_now(1).is_none());
        let (later, (send, taken)) = (Arc::clone(&room), channel());
        let waiting = thread::spawn(move || {
            let _later = later.take(60);
            send.send(later.take_now(60).is_none()).unwrap();
        });
        assert!(taken.try_recv().is_err());
        drop(first);
        assert!(taken.recv().unwrap(), "there is no room for both");
        waiting.join().unwrap();
        assert_eq!(*room.used.lock().unwrap(), 0);
    }
}
