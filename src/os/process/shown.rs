//! What a sandbox shows of hidden folders: the programs that can be started, with what they need beside them.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use rustix::fs::Access;

use super::homes::{DEVICES, Homes, is_secret};

/// Names of folders for programs: what those need lies in the folder around it.
const OF_PROGRAMS: [&str; 5] = ["bin", "sbin", "libexec", "shims", "Scripts"];
/// What lies beside a folder for programs where those need it.
const OF_AN_INSTALLATION: [&str; 18] = [
    "conf",
    "etc",
    "gems",
    "include",
    "install",
    "jars",
    "lib",
    "lib32",
    "lib64",
    "libexec",
    "node_modules",
    "packages",
    "pkg",
    "plugins",
    "registry",
    "share",
    "toolchains",
    "versions",
];
/// What names are looked up with lies there on many systems.
const RESOLVERS: [&str; 3] = ["/run/systemd/resolve", "/run/resolvconf", "/run/NetworkManager/resolv.conf"];
/// Files of toolchains that hold keys, below `CARGO_HOME`.
const KEYS_OF_CARGO: [&str; 2] = ["credentials.toml", "credentials"];

/// So many links in a folder of the search path are followed.
const MOST_LINKS: usize = 1_000;

/// What is shown of hidden folders to these programs, with this environment and what a person named as readable: each place with what
/// lies there.
pub(super) fn places(
    programs: &[&Path],
    environment: &BTreeMap<OsString, OsString>,
    readable: &[PathBuf],
    homes: &Homes,
) -> BTreeMap<PathBuf, PathBuf> {
    let mut shown = Shown { homes, places: BTreeMap::new() };
    let named = ["CARGO_HOME", "RUSTUP_HOME"].map(|name| environment.get(OsStr::new(name)).map(PathBuf::from));
    let usual = homes.own().iter().flat_map(|home| [home.join(".cargo"), home.join(".rustup")]);
    for folder in named.into_iter().flatten().chain(usual) {
        shown.named(&folder);
    }
    for folder in search_path(environment) {
        shown.folder_of_programs(&folder);
        for program in linked_programs(&folder) {
            shown.program(&program, Named::ByALink);
        }
    }
    for program in programs {
        shown.program(program, Named::ByAPerson);
    }
    for path in RESOLVERS.iter().map(PathBuf::from).chain(readable.iter().cloned()) {
        // What a link leads to is shown where it lies, too: the link may be part of something that is shown.
        for path in both(&path) {
            shown.insert(&path);
        }
    }
    shown.outermost()
}

/// Who names a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Named {
    /// The fixture: it is what is started.
    ByAPerson,
    /// A link in a folder of the search path.
    ByALink,
}

/// What is shown of hidden folders.
struct Shown<'a> {
    homes: &'a Homes,
    /// Each place with what lies there.
    places: BTreeMap<PathBuf, PathBuf>,
}

impl Shown<'_> {
    /// Shows what a path leads to, where it is hidden.
    fn insert(&mut self, path: &Path) {
        let place = self.homes.place(path);
        if let Some(real) = path.canonicalize().ok().filter(|real| is_readable(real))
            && (self.homes.hides(&place) || self.homes.hidden().contains(&place))
            && place != Path::new(DEVICES)
        {
            self.places.insert(place, real);
        }
    }

    /// The places, without those in a folder that is shown itself: they are there, by links too.
    fn outermost(self) -> BTreeMap<PathBuf, PathBuf> {
        let Self { homes, places } = self;
        let above = |place: &PathBuf| {
            let mut mounted = place.ancestors().skip(1);
            mounted.find(|above| places.contains_key(*above) || homes.hidden().contains(*above)).map(Path::to_owned)
        };
        let is_inside = |place: &PathBuf| above(place).is_some_and(|above| places.contains_key(&above));
        let inside: BTreeSet<PathBuf> = places.keys().filter(|place| is_inside(place)).cloned().collect();
        places.into_iter().filter(|(place, _)| !inside.contains(place)).collect()
    }

    /// Shows the first of these that may be shown: by this name, and where it lies.
    fn first(&mut self, candidates: &[PathBuf], may_be: impl Fn(&Homes, &Path) -> bool) -> bool {
        let may_be = |path: &Path| may_be(self.homes, path);
        let found = candidates.iter().find_map(|path| {
            let real = path.canonicalize().ok()?;
            (may_be(&real) && may_be(&self.homes.place(path))).then_some((path, real))
        });
        let Some((path, real)) = found else { return false };
        self.insert(path);
        self.insert(&real);
        true
    }

    /// Shows a folder that a variable names.
    fn named(&mut self, folder: &Path) {
        self.first(&[folder.to_owned()], Homes::may_be_named);
    }

    /// Shows a folder of the search path, with what its programs need beside them.
    fn folder_of_programs(&mut self, folder: &Path) {
        for folder in both(folder) {
            if !self.first(&around(&folder), Homes::may_be_shown) {
                self.named(&folder);
            }
        }
    }

    /// Shows a program with what it needs beside it; alone, where it lies in a home or among keys.
    fn program(&mut self, program: &Path, named: Named) {
        for program in both(program) {
            let folder = program.parent().map(Path::to_owned);
            let folders: Vec<PathBuf> = folder.iter().flat_map(|folder| around(folder)).chain(folder.clone()).collect();
            if !self.first(&folders, Homes::may_be_shown) {
                let may_be = |_: &Homes, path: &Path| named == Named::ByAPerson || !is_secret(path);
                self.first(&[program], may_be);
            }
        }
    }
}

/// Folders around a folder of programs that have what those need beside them, the widest first: `~/.local/share/NAME`, which is of
/// one program, and what looks like an installation.
fn around(folder: &Path) -> Vec<PathBuf> {
    let package = folder.ancestors().find(|package| package.parent().is_some_and(|of| of.ends_with(".local/share")));
    let has_programs = OF_PROGRAMS.iter().any(|name| folder.ends_with(name));
    let is_installation = |around: &&Path| {
        let is_of_a_tool = around.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        has_programs && (is_of_a_tool || OF_AN_INSTALLATION.iter().any(|name| around.join(name).is_dir()))
    };
    package.into_iter().chain(folder.parent().filter(is_installation)).map(Path::to_owned).collect()
}

/// The programs that are links in a folder of the search path, where they lie.
fn linked_programs(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let links = entries.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_symlink()));
    let programs = links.take(MOST_LINKS).filter_map(|link| link.path().canonicalize().ok());
    programs.filter(|file| file.is_file() && rustix::fs::access(file, Access::EXEC_OK).is_ok()).collect()
}

/// The folders of the search path.
fn search_path(environment: &BTreeMap<OsString, OsString>) -> Vec<PathBuf> {
    let path = environment.get(OsStr::new("PATH")).map(OsString::as_os_str).unwrap_or_default();
    std::env::split_paths(path).filter(|folder| folder.is_absolute()).collect()
}

/// The keys of cargo that could be seen, of every folder that could be a home of cargo's.
pub(super) fn keys_of_cargo(
    environment: &BTreeMap<OsString, OsString>,
    homes: &Homes,
    shown: &BTreeMap<PathBuf, PathBuf>,
) -> BTreeSet<PathBuf> {
    let named = environment.get(OsStr::new("CARGO_HOME")).map(PathBuf::from);
    let usual = homes.own().iter().map(|home| home.join(".cargo"));
    let of_programs = search_path(environment).into_iter().filter_map(|folder| folder.canonicalize().ok());
    let around = of_programs.filter_map(|folder| folder.parent().map(Path::to_owned));
    let homes_of_cargo = named.into_iter().chain(usual).chain(around).filter(|home| home.is_absolute());
    let files = homes_of_cargo.chain(shown.keys().cloned()).flat_map(|home| KEYS_OF_CARGO.map(|name| home.join(name)));
    let real = |file: &PathBuf| file.canonicalize().ok().filter(|real| real.is_file());
    let places = files.filter_map(|file| real(&file).map(|real| [homes.place(&file), real]));
    let is_there = |place: &PathBuf| match place.ancestors().find_map(|above| Some((above, shown.get(above)?))) {
        // No link leads to it there: what one leads to is hidden where it lies.
        Some((above, real)) => {
            let file = place.strip_prefix(above).map_or_else(|_| real.clone(), |below| real.join(below));
            above != place && file.canonicalize().is_ok_and(|found| found == file)
        }
        None => !homes.hides(place),
    };
    places.flatten().filter(is_there).collect()
}

/// A path as it is written, and what it leads to.
fn both(path: &Path) -> impl Iterator<Item = PathBuf> {
    [Some(path.to_owned()), path.canonicalize().ok()].into_iter().flatten()
}

/// Whether there is something that the user can read.
pub(super) fn is_readable(path: &Path) -> bool {
    rustix::fs::access(path, Access::READ_OK).is_ok()
}
