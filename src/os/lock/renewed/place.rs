//! How a card comes to the lock's path, and away from it: each by a system call that only one of many can make.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;

use crate::os::files::TEMPORARY_PREFIX;
use crate::os::lock::card;
use crate::os::random;

/// Length of the random part of a name that nobody else uses.
const NAME_LENGTH: usize = 16;

/// Puts a card at a path where nothing is, whole; gives whether it lies there. Of many who try, one succeeds.
pub(super) fn put(path: &Path, text: &[u8]) -> io::Result<bool> {
    let beside = beside(path)?;
    // It is closed before it has its name: file systems of networks pass on what was written when a file is closed.
    let written = File::create_new(&beside).and_then(|mut file| file.write_all(text));
    let named = written.and_then(|()| give_name(&beside, path));
    // If it cannot be removed, a small file is left that nobody reads.
    let _ = fs::remove_file(&beside);
    match named {
        Ok(()) => Ok(true),
        // On file systems of networks, an answer that was lost makes a call that succeeded fail when it is tried again.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(card::text_at(path)?.as_deref() == Some(text)),
        Err(error) => Err(error),
    }
}

/// Takes away what lies at a path, if it is what is meant; gives whether it was. Of many who try, one succeeds: the one that renamed it.
pub(super) fn take_away(path: &Path, is_meant: impl Fn(&[u8]) -> bool) -> io::Result<bool> {
    if !card::text_at(path)?.is_some_and(|text| is_meant(&text)) {
        return Ok(false);
    }
    let aside = beside(path)?;
    match fs::rename(path, &aside) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        renamed => renamed?,
    }
    // Since it was looked at, another card may have come to its place, or it may have been renewed.
    let was_meant = card::text_at(&aside).map(|text| text.is_some_and(|text| is_meant(&text)));
    if !matches!(was_meant, Ok(true)) {
        match give_name(&aside, path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
    }
    let _ = fs::remove_file(&aside);
    was_meant
}

/// Gives a file a name that must be free. The former name may remain.
fn give_name(from: &Path, to: &Path) -> io::Result<()> {
    match fs::hard_link(from, to) {
        Err(error) if has_no_links(&error) => Ok(renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE)?),
        linked => linked,
    }
}

/// Whether a file system says that no file of it can have two names.
fn has_no_links(error: &io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::PERM | Errno::NOSYS | Errno::OPNOTSUPP | Errno::MLINK))
}

/// A path beside the lock's that nobody else uses. A crash can leave such a file behind; it is recognised by its name.
fn beside(path: &Path) -> io::Result<PathBuf> {
    Ok(path.with_file_name(format!("{TEMPORARY_PREFIX}{}", random::word(NAME_LENGTH)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn of_many_cards_one_is_put_and_of_many_who_take_it_away_one_does() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("experiment.lock");
        for _ in 0..20 {
            let all = |does: &(dyn Fn(usize) -> bool + Sync)| {
                std::thread::scope(|scope| {
                    let all: Vec<_> = (0..8).map(|number| scope.spawn(move || does(number))).collect();
                    all.into_iter().map(|one| one.join().unwrap()).filter(|done| *done).count()
                })
            };
            assert_eq!(all(&|number| put(&path, number.to_string().as_bytes()).unwrap()), 1);
            assert_eq!(names(folder.path()), ["experiment.lock"], "nothing else is left");
            assert_eq!(all(&|_| take_away(&path, |_| true).unwrap()), 1);
            assert_eq!(names(folder.path()), Vec::<String>::new());
        }
    }

    #[test]
    fn what_is_not_meant_stays_also_when_it_came_at_the_last_moment() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("experiment.lock");
        assert!(!take_away(&path, |_| true).unwrap());
        assert!(put(&path, b"other").unwrap());
        assert!(!take_away(&path, |text| text == b"stale").unwrap());
        // Between the look and the rename, the other one came.
        let looks = std::cell::Cell::new(0);
        let was_meant = take_away(&path, |_| looks.replace(looks.get() + 1) == 0).unwrap();
        assert!(!was_meant && looks.get() == 2);
        assert_eq!(
            (names(folder.path()), fs::read(&path).unwrap()),
            (vec!["experiment.lock".to_owned()], b"other".to_vec())
        );
    }
}
