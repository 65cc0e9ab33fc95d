//! Whether a card is still renewed. No two clocks are compared: who looks at a card sees by its own clock for how long its text has
//! been the same.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::place;
use crate::model::survey::Holder;
use crate::os::lock::LockError;
use crate::os::lock::card::{self, Card};
use crate::os::process::Fate;

/// A card that somebody looks at in passing is held if it was renewed within this time: more than two signs of life.
const GLANCE: Duration = Duration::from_millis(2500);
/// After this time without a sign of life, people are told that it is waited for one.
const UNUSUAL: Duration = Duration::from_secs(3);
/// A file without a word may be one that its holder is just writing, for so long.
const WORDLESS: Duration = Duration::from_secs(1);
/// Time between two looks.
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);
/// A text that differs from the one that was seen so long ago shows that somebody wrote it since, and not that he is still there.
const RECENT: Duration = Duration::from_secs(5);

/// What was seen at a path.
#[derive(Debug, Clone)]
struct Seen {
    text: Vec<u8>,
    /// When this text was seen first.
    since: Instant,
    /// When it was seen last.
    last: Instant,
}

/// What a look shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    /// It was renewed since the look before.
    Renewed,
    /// It has been the same for at least this time.
    Silent(Duration),
}

/// All that this process has seen. A card that was seen to be silent while others were waited for need not be waited for as long again.
static SEEN: Mutex<BTreeMap<PathBuf, Seen>> = Mutex::new(BTreeMap::new());

impl Seen {
    /// What a text shows that was read between two times, and what is known then.
    fn next(before: Option<Self>, text: &[u8], (began, ended): (Instant, Instant)) -> (Sign, Self) {
        let anew = Self { text: text.to_vec(), since: ended, last: ended };
        match before {
            Some(seen) if seen.text == text => {
                // The same text comes never back: it counts its signs. The first reading may have been early, this one late.
                (Sign::Silent(began.saturating_duration_since(seen.since)), Self { last: ended, ..seen })
            }
            Some(seen) if began.saturating_duration_since(seen.last) <= RECENT => (Sign::Renewed, anew),
            _ => (Sign::Silent(Duration::ZERO), anew),
        }
    }
}

/// Notes a text that was read at a path since `began`, and says what it shows.
fn note(path: &Path, text: &[u8], began: Instant) -> Sign {
    let mut all = SEEN.lock().unwrap_or_else(PoisonError::into_inner);
    let (sign, seen) = Seen::next(all.remove(path), text, (began, Instant::now()));
    all.insert(path.to_owned(), seen);
    sign
}

/// Waits until nothing lies at the lock's path, and takes a card away whose holder is gone: of a process that has ended here at
/// once, and else when it was not renewed for `lapse`. `on_wait` is called when it has not been renewed for an unusual time.
///
/// # Errors
/// [`LockError::Locked`] when a card is renewed, or its process lives here.
pub(super) fn make_room(path: &Path, lapse: Duration, on_wait: &mut dyn FnMut(&Holder)) -> Result<(), LockError> {
    let failed = |error: io::Error| LockError::Io { path: path.to_owned(), error };
    loop {
        let began = Instant::now();
        let Some(text) = card::text_at(path).map_err(failed)? else { return Ok(()) };
        let card = Card::of(&text);
        let sign = note(path, &text, began);
        let is_gone = match card.fate() {
            // As with a lock of the kernel, a process that is stopped keeps what it holds.
            Fate::Lives(_) => return Err(LockError::Locked(card.holder)),
            Fate::Ended => true,
            Fate::Unknown => match sign {
                Sign::Renewed => return Err(LockError::Locked(card.holder)),
                Sign::Silent(time) if text.is_empty() => time >= WORDLESS.min(lapse),
                Sign::Silent(time) => {
                    if time >= UNUSUAL {
                        on_wait(&card.holder);
                    }
                    time >= lapse
                }
            },
        };
        if is_gone {
            place::take_away(path, |found| found == text).map_err(failed)?;
        } else {
            thread::sleep(BETWEEN_LOOKS);
        }
    }
}

/// Begins to watch what lies at a path, in case that somebody has to know later whether it is renewed.
pub(in crate::os::lock) fn begin(path: &Path) {
    let began = Instant::now();
    if let Ok(Some(text)) = card::text_at(path) {
        note(path, &text, began);
    }
}

/// Who holds the lock by a card, as far as a look in passing shows.
pub(in crate::os::lock) fn glance(path: &Path) -> io::Result<Option<Holder>> {
    loop {
        let began = Instant::now();
        let Some(text) = card::text_at(path)? else { return Ok(None) };
        let card = Card::of(&text);
        let sign = note(path, &text, began);
        match (card.fate(), sign) {
            (Fate::Lives(_), _) | (Fate::Unknown, Sign::Renewed) => return Ok(Some(card.holder)),
            (Fate::Ended, _) => return Ok(None),
            (Fate::Unknown, Sign::Silent(time)) if time >= GLANCE || text.is_empty() => return Ok(None),
            (Fate::Unknown, Sign::Silent(_)) => thread::sleep(BETWEEN_LOOKS),
        }
    }
}

/// Whether somebody holds the lock by a card, as far as this look shows; `None` when it has to be watched for longer.
pub(in crate::os::lock) fn peek(path: &Path) -> io::Result<Option<bool>> {
    let began = Instant::now();
    let Some(text) = card::text_at(path)? else { return Ok(Some(false)) };
    Ok(match (Card::of(&text).fate(), note(path, &text, began)) {
        (Fate::Lives(_), _) | (Fate::Unknown, Sign::Renewed) => Some(true),
        (Fate::Ended, _) => Some(false),
        (Fate::Unknown, Sign::Silent(_)) => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_silent_from_the_end_of_its_first_reading_to_the_begin_of_the_last_one() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let (sign, seen) = Seen::next(None, b"1", (at(0), at(2)));
        assert_eq!(sign, Sign::Silent(Duration::ZERO));
        let (sign, seen) = Seen::next(Some(seen), b"1", (at(5), at(9)));
        assert_eq!(sign, Sign::Silent(Duration::from_secs(3)));
        let (sign, seen) = Seen::next(Some(seen), b"2", (at(10), at(11)));
        assert_eq!(sign, Sign::Renewed);
        // It is not known when within a minute it was renewed: who did it may be gone since.
        let (sign, seen) = Seen::next(Some(seen), b"3", (at(71), at(72)));
        assert_eq!(sign, Sign::Silent(Duration::ZERO));
        // The same text after a minute was there all the time.
        let (sign, _) = Seen::next(Some(seen), b"3", (at(132), at(133)));
        assert_eq!(sign, Sign::Silent(Duration::from_mins(1)));
    }
}
