//! The folders of people, and the one rule of what a sandbox shows of them: no home as a whole, nothing that holds keys, and of the
//! rest no more than a program needs.
//!
//! It is decided on paths as they really are, so that neither a link nor `..` leads around it.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Component, Path, PathBuf};

use crate::os::files;

/// Folders of users, of their sessions and of their disks: none of their files is shown. Services listen in `/run`, and who reaches
/// them leaves the sandbox.
const HIDDEN: [&str; 5] = ["/home", "/root", "/run", "/media", "/mnt"];
/// The folder in which each folder is a home.
const OF_HOMES: &str = "/home";
/// Folders for temporary files.
pub(super) const TEMPORARY: [&str; 2] = ["/tmp", "/var/tmp"];
/// Where devices lie, of which a few are shown.
pub(super) const DEVICES: &str = "/dev";
/// The list of users.
const USERS: &str = "/etc/passwd";
/// So much of it is read.
const MOST_USERS_BYTES: u64 = 1 << 20;
/// The ids that people have, on systems of today.
const IDS_OF_PEOPLE: std::ops::Range<u32> = 1_000..60_000;
/// Folders of the system, which accounts of services name as their homes.
const OF_THE_SYSTEM: [&str; 16] = [
    "/bin", "/boot", "/dev", "/etc", "/lib", "/lib32", "/lib64", "/opt", "/proc", "/run", "/sbin", "/srv", "/sys",
    "/tmp", "/usr", "/var",
];

/// Names of folders in which programs keep keys and what they know of their user.
const SECRETS: [&str; 26] = [
    ".aws",
    ".azure",
    ".claude",
    ".codex",
    ".config",
    ".docker",
    ".gemini",
    ".gnupg",
    ".kube",
    ".mozilla",
    ".netlify",
    ".oci",
    ".password-store",
    ".pki",
    ".pulumi",
    ".putty",
    ".sops",
    ".ssh",
    ".subversion",
    ".terraform.d",
    ".thunderbird",
    ".vault",
    ".vnc",
    "keyrings",
    "kwalletd",
    "Trash",
];
/// What lies only in homes.
const OF_A_HOME: [&str; 11] = [
    ".aws",
    ".bash_history",
    ".bashrc",
    ".config",
    ".git-credentials",
    ".gnupg",
    ".netrc",
    ".profile",
    ".ssh",
    ".zsh_history",
    ".zshrc",
];
/// Folders of a home in which each folder belongs to another program.
const OF_MANY_PROGRAMS: [&str; 5] = [".local", ".local/share", ".local/state", ".local/lib", ".cache"];

/// What is hidden, and the homes among it.
#[derive(Debug, Default)]
pub(super) struct Homes {
    /// Folders of which nothing is shown but what a program needs.
    roots: BTreeSet<PathBuf>,
    /// Those of them that nobody named as readable.
    hidden: BTreeSet<PathBuf>,
    /// The home of the program's user: as it is, and where its name leads when what lies on the way is hidden.
    own: BTreeSet<PathBuf>,
    /// The folder in which each folder is a home.
    around: Option<PathBuf>,
}

impl Homes {
    /// Those of this machine, for a program with this environment that can also read these files and folders.
    pub(super) fn of(environment: &BTreeMap<OsString, OsString>, readable: &[PathBuf]) -> Self {
        let users = files::read_start(Path::new(USERS), MOST_USERS_BYTES).ok().flatten().unwrap_or_default();
        let user = files::user();
        let people = users_in(&String::from_utf8_lossy(&users)).into_iter();
        let people = people.filter(|(id, _)| *id == user || IDS_OF_PEOPLE.contains(id));
        let people = people.filter_map(|(_, home)| folder(&home));
        let is_of_system = |home: &Path| OF_THE_SYSTEM.iter().any(|folder| home == Path::new(folder));
        let people = people.filter(|home| is_proper(home) && !is_of_system(home));
        let folders = HIDDEN.iter().chain(&TEMPORARY).filter_map(|path| folder(Path::new(path)));
        let roots: BTreeSet<PathBuf> = folders.chain(people).chain([DEVICES.into()]).collect();
        let around = folder(Path::new(OF_HOMES));
        let mut homes = Self { hidden: roots.clone(), roots, own: BTreeSet::new(), around };
        let named = environment.get(OsStr::new("HOME")).map(PathBuf::from).filter(|home| home.is_absolute());
        let real = named.as_deref().and_then(folder);
        let place = named.map(|home| homes.place(&home));
        // Where nothing is yet a folder can be made, if all around it is hidden.
        let place = place.filter(|place| real.as_ref() == Some(place) || homes.hides(place));
        homes.own = place.into_iter().chain(real).filter(|home| is_proper(home)).collect();
        homes.roots.extend(homes.own.iter().cloned());
        homes.hidden = homes.roots.clone();
        homes.hidden.retain(|folder| !readable.iter().any(|path| leads_around(path, folder)));
        homes
    }

    /// The folders that appear empty, or as folders of the program's own; none that a person named as readable.
    pub(super) fn hidden(&self) -> &BTreeSet<PathBuf> {
        &self.hidden
    }

    /// Where the program's home is to appear.
    pub(super) fn own(&self) -> &BTreeSet<PathBuf> {
        &self.own
    }

    /// Whether a path lies in a hidden folder.
    pub(super) fn hides(&self, path: &Path) -> bool {
        path.ancestors().skip(1).any(|above| self.hidden.contains(above))
    }

    /// Where a path leads once what is hidden is hidden: links on the way are followed as long as they are there.
    pub(super) fn place(&self, path: &Path) -> PathBuf {
        let mut place = PathBuf::from("/");
        for component in path.components() {
            match component {
                Component::Normal(name) => {
                    place.push(name);
                    if !self.hidden.contains(&place) && !self.hides(&place) {
                        place = place.canonicalize().unwrap_or(place);
                    }
                }
                Component::ParentDir => drop(place.pop()),
                Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
            }
        }
        place
    }

    /// Whether a folder that a person names for programs may be shown: it is no home, nor above one, nor a folder for keys, nor one
    /// of many programs.
    pub(super) fn may_be_named(&self, folder: &Path) -> bool {
        let of_many = OF_MANY_PROGRAMS.iter().any(|name| folder.ends_with(name));
        let secret = folder.file_name().is_some_and(is_secret_name);
        !self.is_home(folder) && !of_many && !secret
    }

    /// Whether a folder may be shown that nobody named, because a program lies in it.
    pub(super) fn may_be_shown(&self, folder: &Path) -> bool {
        self.may_be_named(folder) && !is_secret(folder)
    }

    /// Whether a folder is a home, or holds one.
    fn is_home(&self, folder: &Path) -> bool {
        let holds = |root: &PathBuf| root.starts_with(folder);
        self.roots.iter().any(holds)
            || folder.parent().is_some_and(|above| self.around.as_deref() == Some(above))
            || OF_A_HOME.iter().any(|name| folder.join(name).symlink_metadata().is_ok())
    }
}

/// Whether a path lies in a folder for keys, or is one.
pub(super) fn is_secret(path: &Path) -> bool {
    path.components().any(|component| is_secret_name(component.as_os_str()))
}

fn is_secret_name(name: &OsStr) -> bool {
    SECRETS.iter().any(|secret| name == *secret)
}

/// Whether something can be mounted at a path: it is absolute, and not the root.
pub(super) fn is_proper(path: &Path) -> bool {
    path.is_absolute() && path.parent().is_some()
}

/// Whether a path leads to a folder, or to one around it.
pub(super) fn leads_around(path: &Path, folder: &Path) -> bool {
    path.canonicalize().is_ok_and(|path| folder.starts_with(path))
}

/// The folder that a path leads to.
fn folder(path: &Path) -> Option<PathBuf> {
    path.canonicalize().ok().filter(|folder| fs::metadata(folder).is_ok_and(|found| found.is_dir()))
}

/// The ids of users and their homes.
fn users_in(list: &str) -> Vec<(u32, PathBuf)> {
    let user = |line: &str| {
        let mut parts = line.split(':');
        let id = parts.nth(2)?.parse().ok()?;
        Some((id, PathBuf::from(parts.nth(2)?)))
    };
    list.lines().filter_map(user).collect()
}
