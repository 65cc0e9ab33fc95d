//! A second tree of hard links to the same files, with only what can be handled: an untrusted program may leave
//! anything.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, linkat};

use super::{FileError, Folder, Kind};

/// Limits for the tree that is linked.
#[derive(Debug, Clone, Copy)]
pub struct LinkBounds {
    /// Most files, links and folders.
    pub entries: usize,
    /// Deepest folder.
    pub depth: usize,
    /// Longest path below the root, in bytes.
    pub path: usize,
}

/// Hard-links every regular file and symbolic link of an open folder into the existing folder `to`, and makes the
/// subfolders for them. Places for which `skip` is true are left out silently; places that cannot be linked are passed
/// to `left_out`.
///
/// # Errors
/// When a folder cannot be made.
pub fn link_tree(
    from: &Folder,
    to: &Path,
    bounds: LinkBounds,
    skip: &dyn Fn(&OsStr, Kind) -> bool,
    left_out: &mut dyn FnMut(&Path),
) -> Result<(), FileError> {
    let mut work = Work { to, left: bounds.entries, bounds, skip, left_out };
    work.folder(from, Path::new(""), bounds.depth)
}

struct Work<'a> {
    to: &'a Path,
    left: usize,
    bounds: LinkBounds,
    skip: &'a dyn Fn(&OsStr, Kind) -> bool,
    left_out: &'a mut dyn FnMut(&Path),
}

impl Work<'_> {
    fn folder(&mut self, from: &Folder, below: &Path, depth: usize) -> Result<(), FileError> {
        let mut entries: Vec<(OsString, Kind)> = Vec::new();
        let mut more = 0_u64;
        let most = self.left;
        let listed = from.each(
            |name, kind| {
                if entries.len() < most { entries.push((name.to_owned(), kind)) } else { more += 1 }
            },
        );
        if listed.is_err() || more > 0 {
            (self.left_out)(below);
        }
        entries.sort_by(|one, other| one.0.cmp(&other.0));
        for (name, kind) in entries {
            let place = below.join(&name);
            if (self.skip)(&name, kind) {
                continue;
            }
            if !self.entry(from, &name, kind, &place, depth)? {
                (self.left_out)(&place);
            }
        }
        Ok(())
    }

    /// Links one entry; gives whether it is now in the second tree.
    fn entry(
        &mut self,
        from: &Folder,
        name: &OsStr,
        kind: Kind,
        place: &PathBuf,
        depth: usize,
    ) -> Result<bool, FileError> {
        if self.left == 0 || place.as_os_str().len() > self.bounds.path {
            return Ok(false);
        }
        let copy = self.to.join(place);
        match kind {
            Kind::File | Kind::Link => {
                self.left -= 1;
                Ok(linkat(&from.fd, name, CWD, &copy, AtFlags::empty()).is_ok())
            }
            Kind::Folder if depth > 0 => {
                self.left -= 1;
                let Some(inner) = super::salvage::open(from, name) else { return Ok(false) };
                match fs::create_dir(&copy) {
                    Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                        return Err(FileError::new("make the folder", &copy, error));
                    }
                    _ => {}
                }
                self.folder(&inner, place, depth - 1)?;
                Ok(true)
            }
            _ => Ok(false),
        }
    }
}
