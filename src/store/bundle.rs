//! A bundle: one file, `….tar.zst`, with everything of an experiment that others need to check it. The door to `tar`.
//!
//! The same files give the same bytes: entries are sorted, and have neither times nor owners. A bundle that somebody else made is
//! hostile: it is unpacked into a folder of its own, and holds no more than fits. Its links are made behind everything else, so that
//! nothing is written through them, and lead to places in the same experiment.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _, symlink};
use std::path::{Component, Path, PathBuf};

use tar::{Archive, Builder, EntryType, Header};

use crate::model::limits::MOST_DEPTH;
use crate::os::compressed;
use crate::os::files::{self, FileError};

use super::StoreError;

/// The ending of a bundle's name.
pub const ENDING: &str = ".tar.zst";
/// How hard it is compressed: harder takes much longer and gains little.
const COMPRESSION: i32 = 9;
/// Most files and folders.
const MOST_ENTRIES: usize = 4_000_000;
/// Most bytes of a small bundle, unpacked.
const MOST_BYTES: u64 = 2 << 30;
/// A larger one has at most so many times its own size: text that repeats itself is compressed less.
const MOST_TIMES: u64 = 500;
/// Longest path.
const MOST_PATH: u64 = 4096;

/// What is put into a bundle.
#[derive(Debug, Clone)]
pub enum Content {
    /// The content of a file that lies here.
    File(PathBuf),
    /// These bytes.
    Text(Vec<u8>),
    /// Nothing: it is a folder.
    Folder,
    /// A symbolic link with this target.
    Link(PathBuf),
}

/// Why a bundle is not accepted.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// It cannot be read, or its content not be written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It is no bundle, or a hostile one: why.
    #[error("`{path}` is no bundle that can be unpacked: {why}", path = path.display())]
    Refused {
        /// The bundle.
        path: PathBuf,
        /// Why.
        why: String,
    },
}

/// Writes a new bundle with these entries, by their paths in it.
///
/// # Errors
/// When it is there already, a file cannot be read or written, or changes meanwhile, or a link leads out of it.
pub fn write(to: &Path, entries: &BTreeMap<PathBuf, Content>) -> Result<(), StoreError> {
    files::write_new_by(to, |file| {
        let mut builder = Builder::new(compressed::writer(file, COMPRESSION)?);
        for (path, source) in entries {
            add(&mut builder, path, source)?;
        }
        builder.into_inner()?.finish()?.flush()
    })?;
    Ok(())
}

fn add(builder: &mut Builder<impl Write>, path: &Path, source: &Content) -> io::Result<()> {
    let mut header = Header::new_gnu();
    header.set_mtime(0);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mode(0o644);
    header.set_entry_type(EntryType::Regular);
    match source {
        Content::Folder => {
            header.set_entry_type(EntryType::Directory);
            header.set_mode(0o755);
            header.set_size(0);
            builder.append_data(&mut header, path, io::empty())
        }
        Content::Link(target) => {
            stays_within(path, target).map_err(io::Error::other)?;
            header.set_entry_type(EntryType::Symlink);
            header.set_size(0);
            builder.append_link(&mut header, path, target)
        }
        Content::Text(bytes) => {
            header.set_size(bytes.len() as u64);
            builder.append_data(&mut header, path, bytes.as_slice())
        }
        Content::File(from) => {
            let failed = |why: String| io::Error::other(format!("`{}`: {why}", from.display()));
            let file = files::open_regular(from).map_err(|error| failed(error.to_string()))?;
            let found = file.metadata()?;
            header.set_size(found.len());
            if found.permissions().mode() & 0o100 != 0 {
                header.set_mode(0o755);
            }
            let mut counted = Counted { from: file.take(found.len()), read: 0 };
            builder.append_data(&mut header, path, &mut counted)?;
            if counted.read == found.len() { Ok(()) } else { Err(failed("it changes while it is read".to_owned())) }
        }
    }
}

/// Counts what is read.
struct Counted<R> {
    from: R,
    read: u64,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(buffer)?;
        self.read += read as u64;
        Ok(read)
    }
}

/// Unpacks a bundle into an empty folder of ours.
///
/// # Errors
/// When it is no bundle, has anything but files, folders and links that stay below it, is larger than it may be, or cannot be
/// written.
pub fn unpack(bundle: &Path, to: &Path) -> Result<(), BundleError> {
    let refused = |why: String| BundleError::Refused { path: bundle.to_owned(), why };
    let file = files::open_regular(bundle).map_err(StoreError::from)?;
    let size = file.metadata().map_err(|error| StoreError::from(FileError::new("look at", bundle, error)))?.len();
    let mut unpacking = Unpacking { to, left: MOST_BYTES.max(size.saturating_mul(MOST_TIMES)), ..Unpacking::new(to) };
    let mut archive = Archive::new(compressed::reader(file).map_err(|error| refused(error.to_string()))?);
    // Raw, because names are then read with a limit: a long one is an entry of its own, which may claim any length.
    let entries = archive.entries().map_err(|error| refused(error.to_string()))?.raw(true);
    for entry in entries {
        let mut entry = entry.map_err(|error| refused(error.to_string()))?;
        unpacking.take(&mut entry).map_err(refused)?;
    }
    if unpacking.entries == 0 {
        return Err(refused("it is empty".to_owned()));
    }
    unpacking.make_links().map_err(refused)
}

struct Unpacking<'a> {
    to: &'a Path,
    left: u64,
    entries: usize,
    /// The name of the next entry, when it is a long one.
    long: Option<PathBuf>,
    /// The target of the next entry, when it is a long one.
    long_target: Option<PathBuf>,
    /// Links with their targets, which are made at the end.
    links: Vec<(PathBuf, PathBuf)>,
}

impl<'a> Unpacking<'a> {
    fn new(to: &'a Path) -> Self {
        Self { to, left: 0, entries: 0, long: None, long_target: None, links: Vec::new() }
    }

    /// Takes an entry; an error says why the bundle is refused.
    fn take(&mut self, entry: &mut tar::Entry<'_, impl Read>) -> Result<(), String> {
        let size = entry.header().entry_size().map_err(|error| error.to_string())?;
        self.entries += 1;
        if self.entries > MOST_ENTRIES {
            return Err(format!("it holds more than {MOST_ENTRIES} entries"));
        }
        self.left = self.left.checked_sub(size).ok_or("it would take far more room than its size lets expect")?;
        let kind = entry.header().entry_type();
        if kind == EntryType::GNULongName || kind == EntryType::GNULongLink {
            let place = if kind == EntryType::GNULongName { &mut self.long } else { &mut self.long_target };
            if size > MOST_PATH || place.is_some() {
                return Err("it holds a name that is too long".to_owned());
            }
            let mut name = Vec::new();
            entry.by_ref().take(MOST_PATH).read_to_end(&mut name).map_err(|error| error.to_string())?;
            let end = name.iter().position(|byte| *byte == 0).unwrap_or(name.len());
            *place = Some(PathBuf::from(OsStr::from_bytes(&name[..end])));
            return Ok(());
        }
        let long_target = self.long_target.take();
        let named = entry.header().path_bytes().into_owned();
        let name = self.long.take().unwrap_or_else(|| PathBuf::from(OsStr::from_bytes(&named)));
        let below = below(&name)?;
        let path = self.to.join(&below);
        let failed = |error: io::Error| format!("`{}` cannot be written: {error}", shown(&name));
        match kind {
            EntryType::Directory => fs::create_dir_all(&path).map_err(failed),
            EntryType::Regular => {
                fs::create_dir_all(path.parent().unwrap_or(self.to)).map_err(failed)?;
                let is_program = entry.header().mode().is_ok_and(|mode| mode & 0o100 != 0);
                let mode = if is_program { 0o755 } else { 0o644 };
                let file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&path);
                let mut file: File = file.map_err(failed)?;
                let written = io::copy(&mut entry.by_ref().take(size), &mut file).map_err(failed)?;
                if written == size { Ok(()) } else { Err("it ends in the middle of a file".to_owned()) }
            }
            EntryType::Symlink => {
                let short = entry.header().link_name_bytes().map(|bytes| PathBuf::from(OsStr::from_bytes(&bytes)));
                let target = long_target.or(short).unwrap_or_default();
                stays_within(&below, &target)?;
                self.links.push((below, target));
                Ok(())
            }
            _ => Err(format!("`{}` is neither a file nor a folder", shown(&name))),
        }
    }

    /// Makes the links, each in a folder that is no link.
    fn make_links(&mut self) -> Result<(), String> {
        for (path, target) in self.links.drain(..) {
            let failed = |error: io::Error| format!("`{}` cannot be made: {error}", shown(&path));
            for folder in path.ancestors().skip(1) {
                let is_link = fs::symlink_metadata(self.to.join(folder)).is_ok_and(|found| found.is_symlink());
                if is_link {
                    return Err(format!("`{}` lies behind a link", shown(&path)));
                }
            }
            let path = self.to.join(&path);
            fs::create_dir_all(path.parent().unwrap_or(self.to)).map_err(failed)?;
            symlink(target, &path).map_err(failed)?;
        }
        Ok(())
    }
}

/// Whether a link leads to a place in the same experiment, whose folder is the first of its path: upwards first and then
/// only downwards, so that links on its way change nothing of that.
///
/// # Errors
/// When it does not: where it leads.
pub fn stays_within(path: &Path, target: &Path) -> Result<(), String> {
    let is_up = |part: &Component<'_>| *part == Component::ParentDir;
    let ups = target.components().take_while(is_up).count();
    let is_down = target.components().skip(ups).all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    let depth = path.iter().count();
    if is_down && !target.as_os_str().is_empty() && ups + 1 < depth {
        Ok(())
    } else {
        Err(format!("the link `{}` leads out of the experiment, to `{}`", shown(path), shown(target)))
    }
}

/// The path, if it leads to a place below the folder that it is joined to.
fn below(name: &Path) -> Result<PathBuf, String> {
    let mut path = PathBuf::new();
    for part in name.components() {
        match part {
            Component::CurDir => {}
            Component::Normal(part) => path.push(part),
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => {
                return Err(format!("`{}` leads out of it", shown(name)));
            }
        }
    }
    if path.iter().count() > 2 * MOST_DEPTH {
        return Err(format!("`{}` lies too deep", shown(name)));
    }
    Ok(path)
}

fn shown(name: &Path) -> String {
    crate::text::escape::terminal(&name.to_string_lossy()).into_owned()
}
