//! The files of an image, laid out in a folder beside the work folders for as long as a session lasts.
//!
//! The folder belongs to the process that holds its lock, not to an experiment: it can be made before there is one, and
//! whoever comes next removes what a killed process left.

use std::fs::{self, File};
use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};

use tar::{Archive, EntryType};

use super::{StoreError, work};
use crate::os::files::{self, FileError, Folder};
use crate::os::lock::{self, LockedFile};

/// The file that is locked as long as the image is in use.
const LOCK: &str = "image.lock";
/// Most bytes of an image's list of users.
const MOST_USERS: u64 = 1 << 20;
/// The name of this user in an image that does not know it.
const USER: &str = "scylla";
/// What is in it, so that a folder whose lock is only just made is left alone.
const WORDS: &[u8] = b"the files of an image\n";

/// A folder for the files of an image. It is removed when this is dropped.
#[derive(Debug)]
pub struct ImageFolder {
    path: PathBuf,
    /// `None` where the file system has no locks: then what a killed process left is never removed.
    _lock: Option<LockedFile>,
}

impl ImageFolder {
    /// Makes an empty one in a place of work folders, with a name that reveals nothing.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn create(place: Option<&str>) -> Result<Self, StoreError> {
        let path = files::make_random(&work::make_root(place)?)?;
        let lock = path.join(LOCK);
        let written = File::create_new(&lock).and_then(|mut file| {
            let locked = LockedFile::exclusive_where_possible(&file)?;
            file.write_all(WORDS).map(|()| locked)
        });
        let folder = written.map_err(|error| FileError::new("write", &lock, error));
        let folder = folder.map(|lock| Self { path: path.clone(), _lock: lock }).inspect_err(|_| {
            // Nobody would find it again.
            let _ = files::remove_tree(&path);
        })?;
        let root = folder.root();
        fs::create_dir(&root).map_err(|error| FileError::new("make the folder", &root, error))?;
        Ok(folder)
    }

    /// The folder itself, for files that are needed while the image is made ready.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the files of the image lie, as below the root of a machine.
    #[must_use]
    pub fn root(&self) -> PathBuf {
        self.path.join("root")
    }

    /// Lays out the files of an archive. All of them belong to this user, and nothing is written outside of the folder, whatever
    /// names and links the archive holds; devices, pipes and sockets are left out.
    ///
    /// # Errors
    /// When the archive cannot be read, has a file that would lie elsewhere, or a file cannot be written.
    pub fn unpack(&self, mut archive: impl Read) -> Result<(), FileError> {
        let root = self.root();
        let unpacked = unpack(&mut archive, &root);
        // Who writes it comes to its end, and says itself what went wrong there.
        let _ = io::copy(&mut archive, &mut io::sink());
        unpacked.map_err(|error| FileError::new("lay out the files of the image in", &root, error))
    }
}

impl ImageFolder {
    /// Writes a list of users as the image has it, with this user in it: programs ask for its name and its home. `None` when the
    /// image knows the user already.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn introduce_user(&self, home: &str) -> Result<Option<PathBuf>, FileError> {
        let etc = Folder::open(&self.root())?.and_then(|root| root.folder("etc").ok().flatten());
        let mut users = Vec::new();
        // Whatever else is there is no list of users.
        let is_read = etc.is_some_and(|etc| matches!(etc.read_into("passwd", MOST_USERS, &mut users), Ok(true)));
        users.truncate(if is_read { users.len() } else { 0 });
        let (user, group) = (files::user(), files::group());
        let is_known = |line: &[u8]| line.split(|byte| *byte == b':').nth(2) == Some(user.to_string().as_bytes());
        if users.split(|byte| *byte == b'\n').any(is_known) {
            return Ok(None);
        }
        if users.last().is_some_and(|last| *last != b'\n') {
            users.push(b'\n');
        }
        users.extend(format!("{USER}:x:{user}:{group}::{home}:/bin/sh\n").bytes());
        let path = self.path.join("passwd");
        fs::write(&path, users).map_err(|error| FileError::new("write", &path, error))?;
        Ok(Some(path))
    }
}

impl Drop for ImageFolder {
    fn drop(&mut self) {
        // What cannot be removed now is removed by the next session.
        let _ = remove(&self.path);
    }
}

fn unpack(archive: impl Read, root: &Path) -> io::Result<()> {
    let mut archive = Archive::new(io::BufReader::with_capacity(1 << 20, archive));
    archive.set_preserve_permissions(false);
    archive.set_preserve_ownerships(false);
    archive.set_unpack_xattrs(false);
    let mut folders = Vec::new();
    for entry in archive.entries()? {
        let mut entry = entry?;
        match entry.header().entry_type() {
            // The rights of a folder are set when everything in it is there.
            EntryType::Directory => folders.push(entry),
            EntryType::Char | EntryType::Block | EntryType::Fifo => {}
            // What says something of the archive alone writes nothing.
            _ if entry.unpack_in(root)? => {}
            _ => {
                let path = entry.path()?.display().to_string();
                return Err(io::Error::other(format!("`{}` would lie elsewhere", path.escape_debug())));
            }
        }
    }
    folders.sort_by(|one, other| other.path_bytes().cmp(&one.path_bytes()));
    for mut folder in folders {
        folder.unpack_in(root)?;
    }
    Ok(())
}

/// Removes the files of images that nobody uses any more, from a place of work folders. What cannot be removed is returned, and
/// left to the next call.
#[must_use]
pub fn sweep(place: Option<&str>) -> Vec<FileError> {
    let is_left = |folder: &PathBuf| {
        let lock = folder.join(LOCK);
        files::read_if_readable(&lock, WORDS.len() as u64).as_deref() == Some(WORDS)
            && matches!(lock::is_locked(&lock), Ok(false))
    };
    let left = work::folders_in(place).into_iter().filter(is_left);
    left.filter_map(|folder| remove(&folder).err()).collect()
}

/// Removes the files, and the lock when nothing else is left: what cannot be removed whole is found again.
fn remove(folder: &Path) -> Result<(), FileError> {
    for entry in fs::read_dir(folder).map_err(|error| FileError::new("list", folder, error))?.flatten() {
        if entry.file_name() != LOCK {
            files::remove_tree(&entry.path())?;
        }
    }
    files::remove_tree(folder)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};

    use tar::{Builder, Header};

    use super::*;

    fn place() -> (tempfile::TempDir, String) {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().to_str().unwrap().to_owned();
        (place, path)
    }

    /// An archive of entries: a kind, a name as it is in the archive, a target, a mode.
    fn archive(place: &Path, entries: &[(EntryType, &str, &str, u32)]) -> PathBuf {
        let path = place.join("archive.tar");
        let mut builder = Builder::new(File::create(&path).unwrap());
        for (kind, name, target, mode) in entries {
            let mut header = Header::new_gnu();
            header.set_entry_type(*kind);
            header.set_mode(*mode);
            header.set_uid(4711);
            // As hostile as it is: the builder would refuse such names.
            header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
            header.as_old_mut().linkname[..target.len()].copy_from_slice(target.as_bytes());
            let content: &[u8] = if *kind == EntryType::Regular { b"text\n" } else { b"" };
            header.set_size(content.len() as u64);
            header.set_cksum();
            builder.append(&header, content).unwrap();
        }
        builder.finish().unwrap();
        path
    }

    use EntryType::{Block, Char, Directory, Fifo, Link, Regular, Symlink};

    #[test]
    fn the_files_of_an_image_belong_to_the_user_and_no_device_is_among_them() {
        let (held, place) = place();
        let folder = ImageFolder::create(Some(&place)).unwrap();
        let all = [
            (Directory, "closed/", "", 0o555),
            (Regular, "closed/program", "", 0o4755),
            (Link, "same", "closed/program", 0o755),
            (Symlink, "bin", "usr/bin", 0o777),
            (Symlink, "out", "/etc/passwd", 0o777),
            (Char, "null", "", 0o666),
            (Block, "disk", "", 0o666),
            (Fifo, "pipe", "", 0o666),
        ];
        folder.unpack(File::open(archive(held.path(), &all)).unwrap()).unwrap();
        let found = |name: &str| fs::symlink_metadata(folder.root().join(name)).unwrap();
        assert_eq!(found("closed/program").permissions().mode() & 0o7777, 0o755);
        assert_eq!((found("closed/program").uid(), found("same").nlink()), (files::user(), 2));
        assert!(found("bin").is_symlink() && found("out").is_symlink());
        for device in ["null", "disk", "pipe"] {
            assert!(!folder.root().join(device).exists(), "{device}");
        }
        let path = folder.path().to_owned();
        drop(folder);
        assert!(!path.exists());
    }

    #[test]
    fn a_user_that_the_image_does_not_know_is_added_to_its_users_and_no_other_list_is_read() {
        let (_held, place) = place();
        let folder = ImageFolder::create(Some(&place)).unwrap();
        let own = format!("scylla:x:{}:{}::/home/scylla:/bin/sh\n", files::user(), files::group());
        let listed = || folder.introduce_user("/home/scylla").unwrap().map(|path| fs::read_to_string(path).unwrap());
        assert_eq!(listed(), Some(own.clone()));
        let etc = folder.root().join("etc");
        symlink("/etc", &etc).unwrap();
        assert_eq!(listed(), Some(own.clone()));
        fs::remove_file(&etc).unwrap();
        fs::create_dir(&etc).unwrap();
        fs::write(etc.join("passwd"), "other:x:4711:4711::/:/bin/sh").unwrap();
        assert_eq!(listed(), Some(format!("other:x:4711:4711::/:/bin/sh\n{own}")));
        fs::write(etc.join("passwd"), &own).unwrap();
        assert_eq!(listed(), None);
    }

    #[test]
    fn an_archive_that_leads_elsewhere_writes_nothing_there() {
        let (held, place) = place();
        let outside = held.path().join("outside");
        fs::create_dir(&outside).unwrap();
        fs::write(outside.join("kept"), "before\n").unwrap();
        let to_outside = outside.to_str().unwrap();
        for entries in [
            vec![(Regular, "../outside/new", "", 0o644)],
            vec![(Symlink, "way", to_outside, 0o777), (Regular, "way/new", "", 0o644)],
            vec![(Symlink, "way", to_outside, 0o777), (Regular, "way/kept", "", 0o644)],
            vec![(Link, "way", "../../../outside/kept", 0o644), (Regular, "way", "", 0o644)],
        ] {
            let folder = ImageFolder::create(Some(&place)).unwrap();
            // Whether it is refused or what leads elsewhere is left out: nothing is written there.
            let _ = folder.unpack(File::open(archive(held.path(), &entries)).unwrap());
            let names: Vec<_> = fs::read_dir(&outside).unwrap().map(|entry| entry.unwrap().file_name()).collect();
            assert_eq!(names, ["kept"], "{entries:?}");
            assert_eq!(fs::read_to_string(outside.join("kept")).unwrap(), "before\n", "{entries:?}");
        }
    }

    #[test]
    fn what_a_killed_process_left_of_an_image_is_removed_and_what_is_in_use_is_not() {
        let (held, place) = place();
        let used = ImageFolder::create(Some(&place)).unwrap();
        let root = used.path().parent().unwrap().to_owned();
        let (left, other) = (root.join("left"), root.join("other"));
        let outside = held.path().join("outside");
        for folder in [&left, &other, &outside] {
            fs::create_dir_all(folder.join("root")).unwrap();
        }
        fs::write(left.join(LOCK), WORDS).unwrap();
        symlink(&outside, left.join("root/link")).unwrap();
        assert!(sweep(Some(&place)).is_empty());
        let folders = [used.path().to_owned(), left.clone(), other.clone()];
        assert_eq!(folders.map(|folder| folder.exists()), [true, false, true]);
        assert!(outside.join("root").exists());
    }
}
