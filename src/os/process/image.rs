//! What bubblewrap is told to show the files of an image in place of the machine's, read-only, with room for all that is mounted
//! over them.
//!
//! An image's files are laid out in a folder that many programs see at once, so nothing is written there for one of them. Where
//! something is to be mounted, the folders on the way are made anew, and what the image has in them is shown one by one. No link
//! of the image is followed outside of it.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path, PathBuf};

use super::SpawnError;
use crate::os::program::{self, Found};

/// So many links are followed on the way to a program, as the kernel does.
const MOST_LINKS: usize = 40;

/// The mounts that show the files below `root`, with nothing at these places.
pub(super) fn mounts(root: &Path, places: &BTreeSet<PathBuf>) -> io::Result<Vec<OsString>> {
    let mut arguments = Vec::new();
    lay_out(root, Path::new("/"), places, &mut arguments)?;
    Ok(arguments)
}

fn lay_out(root: &Path, folder: &Path, places: &BTreeSet<PathBuf>, arguments: &mut Vec<OsString>) -> io::Result<()> {
    let mut entries: Vec<fs::DirEntry> = fs::read_dir(below(root, folder))?.collect::<io::Result<_>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = folder.join(entry.file_name());
        let kind = entry.file_type()?;
        if places.contains(&path) {
            continue;
        }
        let is_on_the_way = places.iter().any(|place| place.starts_with(&path));
        match (is_on_the_way, kind) {
            (true, kind) if kind.is_dir() => {
                arguments.extend(["--dir".into(), path.clone().into()]);
                lay_out(root, &path, places, arguments)?;
            }
            (false, kind) if kind.is_symlink() => {
                let target = fs::read_link(entry.path())?;
                arguments.extend(["--symlink".into(), target.into(), path.into()]);
            }
            (false, kind) if kind.is_dir() || kind.is_file() => {
                arguments.extend(["--ro-bind".into(), entry.path().into(), path.into()]);
            }
            // Something of ours lies below it, or it is no file that could be shown.
            (true | false, _) => {}
        }
    }
    Ok(())
}

/// Where a path of an image lies on this machine.
fn below(root: &Path, path: &Path) -> PathBuf {
    root.join(path.strip_prefix("/").unwrap_or(path))
}

/// Finds a program in the image below `root`, along a search path of the image.
#[must_use]
pub fn search(root: &Path, name: &OsStr, path: Option<&OsStr>) -> Found {
    let folders: Vec<PathBuf> = path.map(|path| std::env::split_paths(path).collect()).unwrap_or_default();
    let mut refused = None;
    for candidate in folders.iter().filter(|folder| folder.is_absolute()).map(|folder| folder.join(name)) {
        match program::first(resolve(root, &candidate)) {
            Found::Program(_) => return Found::Program(candidate),
            Found::NotExecutable(_) => refused = refused.or(Some(candidate)),
            Found::Nothing => {}
        }
    }
    refused.map_or(Found::Nothing, Found::NotExecutable)
}

/// Finds the program of a task in the image: as the image names it. One that is named by a path may be a file of the tree, and is
/// looked for when it is started.
pub(super) fn find(root: &Path, name: &OsStr, cwd: &Path, path: Option<&OsStr>) -> Result<PathBuf, SpawnError> {
    if name.as_bytes().contains(&b'/') {
        return Ok(cwd.join(name));
    }
    match search(root, name, path) {
        Found::Program(program) => Ok(program),
        Found::NotExecutable(program) => Err(SpawnError::NotExecutable { program }),
        Found::Nothing => Err(SpawnError::NotFound { program: PathBuf::from(name) }),
    }
}

/// The file on this machine that a path of the image leads to, with the links of the image followed inside of it.
fn resolve(root: &Path, path: &Path) -> Option<PathBuf> {
    let mut ahead: Vec<OsString> = parts(path).rev().collect();
    let (mut at, mut links) = (PathBuf::from("/"), 0);
    while let Some(part) = ahead.pop() {
        if part == ".." {
            at.pop();
            continue;
        }
        let next = at.join(&part);
        let here = below(root, &next);
        if !here.symlink_metadata().ok()?.is_symlink() {
            at = next;
            continue;
        }
        links += 1;
        if links > MOST_LINKS {
            return None;
        }
        let target = fs::read_link(&here).ok()?;
        if target.is_absolute() {
            at = PathBuf::from("/");
        }
        ahead.extend(parts(&target).rev());
    }
    Some(below(root, &at))
}

fn parts(path: &Path) -> impl DoubleEndedIterator<Item = OsString> {
    let part = |part| match part {
        Component::Normal(part) => Some(part.to_owned()),
        Component::ParentDir => Some("..".into()),
        Component::CurDir | Component::RootDir | Component::Prefix(_) => None,
    };
    path.components().filter_map(part)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    /// An image with a program behind links, a link out of it, and a few folders.
    fn image() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        let path = |below: &str| root.path().join(below);
        for folder in ["usr/bin", "home/agent", "etc", "var/tmp", "var/lib"] {
            fs::create_dir_all(path(folder)).unwrap();
        }
        for program in ["usr/bin/tool", "usr/bin/notes"] {
            fs::write(path(program), "").unwrap();
        }
        fs::set_permissions(path("usr/bin/tool"), fs::Permissions::from_mode(0o755)).unwrap();
        for (target, link) in [
            ("usr/bin", "bin"),
            ("/usr/bin/tool", "usr/bin/same"),
            ("/bin/sh", "usr/bin/sh"),
            ("../../../../../../bin/sh", "usr/bin/out"),
            ("turn", "usr/bin/turn"),
            ("/etc", "scratch"),
        ] {
            symlink(target, path(link)).unwrap();
        }
        root
    }

    #[test]
    fn a_program_is_found_in_the_image_alone_whatever_its_links_lead_to() {
        let root = image();
        let found = |name: &str| search(root.path(), OsStr::new(name), Some(OsStr::new("relative:/bin:/none")));
        assert_eq!(found("tool"), Found::Program("/bin/tool".into()));
        assert_eq!(found("same"), Found::Program("/bin/same".into()));
        assert_eq!(found("notes"), Found::NotExecutable("/bin/notes".into()));
        for absent in ["sh", "out", "turn", "other"] {
            assert_eq!(found(absent), Found::Nothing, "{absent}");
        }
    }

    #[test]
    fn an_image_is_shown_around_the_places_that_are_ours_and_no_link_of_it_leads_there() {
        let root = image();
        let places = ["/tmp", "/var/tmp", "/home/agent", "/scratch/work/tree"].map(PathBuf::from);
        let arguments = mounts(root.path(), &BTreeSet::from(places)).unwrap();
        let told: Vec<String> = arguments.iter().map(|word| word.to_string_lossy().into_owned()).collect();
        let below = |path: &str| format!("{}/{path}", root.path().display());
        let expected = [
            ["--symlink", "usr/bin", "/bin"].map(str::to_owned).to_vec(),
            ["--ro-bind", &below("etc"), "/etc"].map(str::to_owned).to_vec(),
            ["--dir", "/home"].map(str::to_owned).to_vec(),
            ["--ro-bind", &below("usr"), "/usr"].map(str::to_owned).to_vec(),
            ["--dir", "/var"].map(str::to_owned).to_vec(),
            ["--ro-bind", &below("var/lib"), "/var/lib"].map(str::to_owned).to_vec(),
        ];
        assert_eq!(told, expected.concat());
    }
}
