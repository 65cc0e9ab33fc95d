//! The lock where the file system has none: a card at its path that its holder renews. Whoever finds a card waits to see whether it is
//! renewed, and takes it away when it was not for so long that its holder knows itself that it has lost it.
//!
//! * A card comes to its place by a system call that only one can make, and has a word of its own.
//! * A holder that could not renew its card for [`CUT_OFF`] holds it no more, long before anybody else takes it away.
//! * Whoever takes a card away looks at it once more when it has it: one that was renewed is put back. A holder looks whether its card is in its
//!   place after it has renewed it. So never do both believe that it is theirs.

mod place;
mod watch;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::LockError;
use super::card::{self, Card, Renewal};
use crate::model::outcome::StopLevel;
use crate::model::survey::Holder;
use crate::os::files;
use crate::os::process::ProcessMark;
use crate::os::random;

pub(super) use watch::{begin as begin_watch, glance, peek};

/// How often a holder renews its card.
const BEAT: Duration = Duration::from_secs(1);
/// A holder that could not renew its card for so long holds it no more.
pub(super) const CUT_OFF: Duration = Duration::from_secs(20);
/// A card that was not renewed for so long is taken away: twice as long, and the time in which agents are ended.
pub const LAPSE: Duration = Duration::from_secs(45);
/// For so long a new holder looks whether its card stays in its place: somebody else may have meant the one that was there before.
const SETTLING: Duration = Duration::from_millis(100);
/// For so long a card may be away from its place, while somebody looks whether it is the one that is meant.
const AWAY: Duration = Duration::from_millis(600);
/// Time between two looks whether it is back.
const BETWEEN_LOOKS: Duration = Duration::from_millis(50);
/// Length of the word of a holding.
const WORD_LENGTH: usize = 32;

/// A lock that is held by a card. Dropping it takes the card away.
#[derive(Debug)]
pub(super) struct Renewed {
    shared: Arc<Shared>,
    /// Dropping it ends the thread.
    ends: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// Whether a lock that is held by a card is lost, seen from beside its holder.
#[derive(Debug)]
pub struct CardWatch(Arc<Shared>);

impl CardWatch {
    /// Fails when it is known that the lock is lost. No file is looked at.
    ///
    /// # Errors
    /// [`LockError::Lost`] or [`LockError::CutOff`].
    pub fn glance(&self) -> Result<(), LockError> {
        self.0.glance()
    }
}

#[derive(Debug)]
struct Shared {
    path: PathBuf,
    word: String,
    card: Mutex<(Card, u64)>,
    /// When the last sign of life was begun that was given.
    last: Mutex<Instant>,
    lost: OnceLock<Loss>,
}

/// Why a lock is held no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Loss {
    Replaced,
    CutOff,
}

/// What lies at the lock's path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    Own,
    Another,
    Nothing,
}

/// Takes the lock.
///
/// # Errors
/// [`LockError::Locked`] when somebody else holds it.
pub(super) fn take(path: &Path, holder: &Holder, on_wait: &mut dyn FnMut(&Holder)) -> Result<Renewed, LockError> {
    take_after(LAPSE, path, holder, on_wait)
}

/// Waits until no card lies at the path, and takes one away whose holder is gone.
///
/// # Errors
/// [`LockError::Locked`] when somebody holds the lock by a card.
pub(super) fn make_room(path: &Path, on_wait: &mut dyn FnMut(&Holder)) -> Result<(), LockError> {
    watch::make_room(path, LAPSE, on_wait)
}

fn take_after(
    lapse: Duration,
    path: &Path,
    holder: &Holder,
    on_wait: &mut dyn FnMut(&Holder),
) -> Result<Renewed, LockError> {
    loop {
        watch::make_room(path, lapse, on_wait)?;
        let taken = Renewed::put(path, holder).map_err(|error| LockError::Io { path: path.to_owned(), error })?;
        if let Some(taken) = taken {
            return Ok(taken);
        }
    }
}

impl Renewed {
    /// Puts a card at a path where none is; `None` when somebody else was faster.
    fn put(path: &Path, holder: &Holder) -> io::Result<Option<Self>> {
        let word = random::word(WORD_LENGTH)?;
        let mut renewal = Renewal { word: word.clone(), sign: String::new(), process: ProcessMark::own() };
        renewal.count(0);
        let card = Card { holder: holder.clone(), renewal: Some(renewal), stopping: None };
        let begun = Instant::now();
        if !place::put(path, &card.text()?)? {
            return Ok(None);
        }
        let shared = Arc::new(Shared {
            path: path.to_owned(),
            word,
            card: Mutex::new((card, 0)),
            last: Mutex::new(begun),
            lost: OnceLock::new(),
        });
        // From here on it is taken away when this fails.
        let mut taken = Self { shared: Arc::clone(&shared), ends: None, thread: None };
        thread::sleep(SETTLING);
        if shared.look()? != Found::Own {
            return Ok(None);
        }
        let (ends, ending) = channel();
        let renews = move || {
            let mut misses = 0;
            while ending.recv_timeout(BEAT) == Err(RecvTimeoutError::Timeout) {
                misses = shared.renew(misses);
            }
        };
        taken.thread = Some(thread::Builder::new().name("lock".to_owned()).spawn(renews)?);
        taken.ends = Some(ends);
        Ok(Some(taken))
    }

    /// Whether it is still held, as far as that is known without a look at the file.
    ///
    /// # Errors
    /// When it is not.
    pub(super) fn glance(&self) -> Result<(), LockError> {
        self.shared.glance()
    }

    /// The same after a look at the file.
    ///
    /// # Errors
    /// When it is not, or that cannot be seen.
    pub(super) fn check(&self) -> Result<(), LockError> {
        self.shared.check()
    }

    /// By what others see whether it is held.
    pub(super) fn watch(&self) -> CardWatch {
        CardWatch(Arc::clone(&self.shared))
    }

    /// Writes how far the holder is asked to stop.
    pub(super) fn write_stopping(&self, stopping: StopLevel) {
        let _ = self.shared.write(|card, _| card.stopping = Some(stopping));
    }
}

impl Drop for Renewed {
    fn drop(&mut self) {
        drop(self.ends.take());
        if self.shared.glance().is_err() {
            // Nothing there is ours any more, and a thread that hangs in a file ends with the process.
            return;
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        // A card that cannot be taken away lapses.
        let _ = place::take_away(&self.shared.path, |text| Card::of(text).is_of(&self.shared.word));
    }
}

impl Shared {
    fn silent_for(&self) -> Duration {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).elapsed()
    }

    fn lose(&self, loss: Loss) {
        let _ = self.lost.set(loss);
    }

    fn glance(&self) -> Result<(), LockError> {
        if self.silent_for() > CUT_OFF {
            self.lose(Loss::CutOff);
        }
        match self.lost.get() {
            None => Ok(()),
            Some(Loss::Replaced) => Err(LockError::Lost(self.path.clone())),
            Some(Loss::CutOff) => Err(LockError::CutOff(self.path.clone())),
        }
    }

    fn check(&self) -> Result<(), LockError> {
        let deadline = Instant::now() + AWAY;
        loop {
            self.glance()?;
            match self.look() {
                Ok(Found::Own) => return Ok(()),
                Ok(Found::Nothing) if Instant::now() < deadline => thread::sleep(BETWEEN_LOOKS),
                Ok(Found::Nothing | Found::Another) => self.lose(Loss::Replaced),
                Err(error) => return Err(LockError::Io { path: self.path.clone(), error }),
            }
        }
    }

    fn look(&self) -> io::Result<Found> {
        Ok(card::text_at(&self.path)?.map_or(Found::Nothing, |text| self.whose(&text)))
    }

    fn whose(&self, text: &[u8]) -> Found {
        if Card::of(text).is_of(&self.word) { Found::Own } else { Found::Another }
    }

    /// Gives a sign of life. `misses` is how often nothing lay there before; gives how often now.
    fn renew(&self, misses: u32) -> u32 {
        // A process that was stopped for too long has lost it: a new sign would only keep others away.
        if self.glance().is_err() {
            return misses;
        }
        let begun = Instant::now();
        let written = self.write(|card, signs| {
            *signs += 1;
            if let Some(renewal) = &mut card.renewal {
                renewal.count(*signs);
            }
        });
        match written {
            Ok(Found::Own) => {
                *self.last.lock().unwrap_or_else(PoisonError::into_inner) = begun;
                0
            }
            // Somebody may look at it right now; by the next sign of life it is back.
            Ok(Found::Nothing) if misses == 0 => 1,
            Ok(Found::Nothing | Found::Another) => {
                self.lose(Loss::Replaced);
                misses
            }
            // A sign that cannot be given is given the next time, or the holder is cut off.
            Err(_) => misses,
        }
    }

    /// Changes the card and writes it, if it is in its place; gives what lies there afterwards.
    fn write(&self, change: impl FnOnce(&mut Card, &mut u64)) -> io::Result<Found> {
        let mut held = self.card.lock().unwrap_or_else(PoisonError::into_inner);
        let (card, signs) = &mut *held;
        // It is opened and closed each time: file systems of networks pass on what was written when a file is closed.
        let file = match files::open_lock_in_place(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Nothing),
            file => file?,
        };
        let found = self.whose(&card::text(&file)?);
        if found != Found::Own {
            return Ok(found);
        }
        change(card, signs);
        card.write(&file)?;
        drop(file);
        self.look()
    }
}

#[cfg(test)]
mod tests;
