//! What the file of a lock says: who holds it, how far that one is asked to stop, and, where nothing but this text holds
//! the lock, that its holder is still there.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use crate::model::outcome::StopLevel;
use crate::model::survey::Holder;
use crate::os::files;
use crate::os::process::{Fate, ProcessMark};

/// Most bytes that are read of the text in which a holder names itself.
const MOST_HOLDER_BYTES: usize = 4096;

/// The content of the lock's file while the lock is held.
#[derive(Debug, Clone, Serialize, Deserialize, Default)]
#[serde(default)]
pub(super) struct Card {
    #[serde(flatten)]
    pub(super) holder: Holder,
    /// How the lock is held where the file system has no locks.
    #[serde(flatten)]
    pub(super) renewal: Option<Renewal>,
    /// How far the holder has been asked to stop. Earlier versions do not write it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) stopping: Option<StopLevel>,
}

/// What makes a card hold the lock by itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Renewal {
    /// Says which holding it is: no other one has the same.
    pub(super) word: String,
    /// Another one with every sign of life.
    pub(super) sign: String,
    /// The process that holds it.
    #[serde(flatten)]
    pub(super) process: ProcessMark,
}

impl Renewal {
    /// Gives the next sign of life. Each is as long as any other, so that the text around it stays in its place.
    pub(super) fn count(&mut self, signs: u64) {
        self.sign = format!("{signs:010}");
    }
}

impl Card {
    /// What a text says; one that cannot be read says nothing.
    pub(super) fn of(text: &[u8]) -> Self {
        serde_json::from_slice(text).unwrap_or_default()
    }

    /// Whether this is the holding with this word.
    pub(super) fn is_of(&self, word: &str) -> bool {
        self.renewal.as_ref().is_some_and(|renewal| renewal.word == word)
    }

    /// What is known from here of the process that holds it.
    pub(super) fn fate(&self) -> Fate {
        self.renewal.as_ref().map_or(Fate::Unknown, |renewal| renewal.process.fate(self.holder.pid))
    }

    /// The text of it.
    pub(super) fn text(&self) -> io::Result<Vec<u8>> {
        let mut text = serde_json::to_vec(self)?;
        text.push(b'\n');
        Ok(text)
    }

    /// Writes it. It is not synced: after a power cut, nobody holds the lock. One call writes it, and a later card is as long as the one before
    /// or longer: a reader sees either of them whole.
    pub(super) fn write(&self, file: &File) -> io::Result<()> {
        let text = self.text()?;
        file.write_all_at(&text, 0)?;
        file.set_len(text.len() as u64)
    }
}

/// The text in a lock's file.
pub(super) fn text(file: &File) -> io::Result<Vec<u8>> {
    let mut text = vec![0; MOST_HOLDER_BYTES];
    let length = file.read_at(&mut text, 0)?;
    text.truncate(length);
    Ok(text)
}

/// The card in a lock's file; an empty one when there is none.
pub(super) fn read(file: &File) -> Card {
    text(file).map(|text| Card::of(&text)).unwrap_or_default()
}

/// The text in the lock's file at a path, opened anew, so that file systems of networks ask what others wrote; `None` when there is none.
pub(super) fn text_at(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let found = files::open_lock(path, false).and_then(|file| text(&file));
    match found {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        // It was removed on another machine since it was opened.
        Err(error) if Errno::from_io_error(&error) == Some(Errno::STALE) => Ok(None),
        Err(error) => Err(error),
    }
}
