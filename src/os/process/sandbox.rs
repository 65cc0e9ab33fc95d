//! What bubblewrap shows to a program that is kept to its tree: the machine's files read-only, a home and temporary folders of its
//! own, and of what those hide the programs and toolchains that it needs.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Component, Path, PathBuf};

use rustix::fs::Access;

use super::image;
use crate::os::files;

/// A sandbox around one program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sandbox {
    /// A folder of its own: what the program leaves in its home and its temporary folders lies there.
    pub own: PathBuf,
    /// Whether it reaches the network.
    pub has_network: bool,
    /// Files and folders that it can read beside those that all programs need.
    pub readable: Vec<PathBuf>,
    /// The files of an image, which it sees in place of the machine's.
    pub image: Option<ImageFiles>,
}

/// The files of an image, as they lie on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageFiles {
    /// The folder that is shown as the root.
    pub root: PathBuf,
    /// The file that is shown as the list of users, where the image's does not know this one.
    pub users: Option<PathBuf>,
}

/// Folders of users, of their sessions and of their disks: none of their files is shown. Services listen in `/run`, and who reaches
/// them leaves the sandbox.
const HIDDEN: [&str; 5] = ["/home", "/root", "/run", "/media", "/mnt"];
/// Folders for temporary files, each with the name of the own one in its place.
const TEMPORARY: [(&str, &str); 2] = [("/tmp", "tmp"), ("/var/tmp", "var-tmp")];
/// What names are looked up with lies there on many systems.
const RESOLVERS: [&str; 3] = ["/run/systemd/resolve", "/run/resolvconf", "/run/NetworkManager/resolv.conf"];
/// The list of users.
const USERS: &str = "/etc/passwd";
/// By what names are looked up: of the machine also where all other files are those of an image.
const OF_THE_NETWORK: [&str; 2] = ["/etc/resolv.conf", "/etc/hosts"];
/// Files of toolchains that hold keys, below `CARGO_HOME`.
const KEYS_OF_CARGO: [&str; 2] = ["credentials.toml", "credentials"];

/// So many links in a folder of the search path are followed.
const MOST_LINKS: usize = 1_000;

/// Variables that point to what the program does not see.
const ELSEWHERE: [&str; 2] = ["TMPDIR", "XDG_RUNTIME_DIR"];

impl Sandbox {
    /// Makes its folders.
    ///
    /// # Errors
    /// When they cannot be made.
    pub(super) fn make(&self) -> io::Result<()> {
        let temporary = TEMPORARY.map(|(_, own)| self.own.join(own));
        for folder in [self.own.clone(), self.home()].iter().chain(&temporary) {
            files::make_private(folder).map_err(|error| error.error)?;
        }
        Ok(())
    }

    fn home(&self) -> PathBuf {
        self.own.join("home")
    }

    /// What bubblewrap is told, for this program with this environment; `over` is what is mounted over it afterwards.
    ///
    /// # Errors
    /// When the files of the image cannot be listed.
    pub(super) fn arguments(
        &self,
        program: &Path,
        environment: &BTreeMap<OsString, OsString>,
        over: Vec<PathBuf>,
    ) -> io::Result<Vec<OsString>> {
        match &self.image {
            Some(image) => self.in_image(image, environment, over),
            None => Ok(self.on_machine(program, environment)),
        }
    }

    /// What shows the files of an image.
    fn in_image(
        &self,
        files: &ImageFiles,
        environment: &BTreeMap<OsString, OsString>,
        over: Vec<PathBuf>,
    ) -> io::Result<Vec<OsString>> {
        let mut mounts = Mounts::default();
        mounts.words(["--dev", "/dev", "--proc", "/proc"]);
        let mut own: BTreeMap<PathBuf, (&str, PathBuf)> = BTreeMap::new();
        for (folder, name) in TEMPORARY {
            own.insert(folder.into(), ("--bind", self.own.join(name)));
        }
        own.extend(files.users.clone().map(|users| (USERS.into(), ("--ro-bind", users))));
        let home = environment.get(OsStr::new("HOME")).map(PathBuf::from).filter(|home| is_proper(home));
        own.extend(home.map(|home| (home, ("--bind", self.home()))));
        let resolvers = OF_THE_NETWORK.iter().map(PathBuf::from).filter(|_| self.has_network);
        let of_machine = resolvers.chain(self.readable.iter().cloned()).filter(|path| is_shown(path));
        for path in of_machine {
            let real = path.canonicalize()?;
            own.entry(path).or_insert(("--ro-bind", real));
        }
        let places = ["/dev", "/proc"].map(PathBuf::from).into_iter().chain(own.keys().cloned()).chain(over);
        mounts.0.extend(image::mounts(&files.root, &places.collect())?);
        for (place, (option, from)) in &own {
            mounts.add(option, from, place);
        }
        if !self.has_network {
            mounts.words(["--unshare-net"]);
        }
        Ok(mounts.0)
    }

    /// What shows the files of the machine.
    fn on_machine(&self, program: &Path, environment: &BTreeMap<OsString, OsString>) -> Vec<OsString> {
        let mut mounts = Mounts::default();
        mounts.add("--ro-bind", Path::new("/"), Path::new("/"));
        mounts.words(["--dev", "/dev", "--proc", "/proc"]);
        let mut hidden = vec![PathBuf::from("/dev")];
        for folder in HIDDEN.iter().map(Path::new).filter(|folder| is_folder(folder)) {
            mounts.words([OsStr::new("--tmpfs"), folder.as_os_str()]);
            hidden.push(folder.to_owned());
        }
        for (folder, own) in TEMPORARY.map(|(folder, own)| (Path::new(folder), self.own.join(own))) {
            if is_folder(folder) {
                mounts.add("--bind", &own, folder);
                hidden.push(folder.to_owned());
            }
        }
        let is_place = |home: &PathBuf| is_proper(home) && (is_folder(home) || is_below(home, &hidden));
        let home = environment.get(OsStr::new("HOME")).map(PathBuf::from).filter(is_place);
        if let Some(home) = &home {
            mounts.add("--bind", &self.home(), home);
            hidden.push(home.clone());
        }
        let readable = self.needed(program, environment, home.as_deref(), &hidden);
        for path in &readable {
            mounts.add("--ro-bind", path, path);
        }
        let of_cargo = cargo_home(environment, home.as_deref());
        for keys in of_cargo.into_iter().flat_map(|home| KEYS_OF_CARGO.map(|name| home.join(name))) {
            if readable.iter().any(|shown| keys.starts_with(shown)) && keys.is_file() {
                mounts.add("--ro-bind", Path::new("/dev/null"), &keys);
            }
        }
        if !self.has_network {
            mounts.words(["--unshare-net"]);
        }
        mounts.0
    }

    /// What is shown of the hidden folders, outer folders first.
    fn needed(
        &self,
        program: &Path,
        environment: &BTreeMap<OsString, OsString>,
        home: Option<&Path>,
        hidden: &[PathBuf],
    ) -> BTreeSet<PathBuf> {
        let path = environment.get(OsStr::new("PATH")).map(OsString::as_os_str).unwrap_or_default();
        let homes = ["CARGO_HOME", "RUSTUP_HOME"].map(|name| environment.get(OsStr::new(name)).map(PathBuf::from));
        let usual = home.into_iter().flat_map(|home| [home.join(".cargo"), home.join(".rustup")]);
        let folders: Vec<PathBuf> = std::env::split_paths(path).filter(|folder| is_below(folder, hidden)).collect();
        let programs = folders.iter().flat_map(|folder| linked_programs(folder)).chain(program.canonicalize().ok());
        let of_programs = programs.chain([program.to_owned()]).filter_map(|file| {
            let folder = file.parent()?;
            Some(package_of(&file, home).unwrap_or_else(|| installation_of(folder, home, hidden)))
        });
        let of_path = folders.iter().map(|folder| installation_of(folder, home, hidden));
        let resolvers = RESOLVERS.iter().map(PathBuf::from);
        let all = of_path.chain(of_programs).chain(homes.into_iter().flatten()).chain(usual).chain(resolvers);
        all.filter(|path| is_below(path, hidden))
            .chain(self.readable.iter().cloned())
            .filter(|path| is_shown(path))
            .collect()
    }
}

/// The environment of a program in a sandbox.
pub(super) fn environment(given: &BTreeMap<OsString, OsString>) -> BTreeMap<OsString, OsString> {
    let mut environment = given.clone();
    environment.retain(|name, _| !ELSEWHERE.iter().any(|elsewhere| name == elsewhere));
    environment
}

/// The folder in which the programs of a folder of the search path are installed, with what they need beside them.
fn installation_of(folder: &Path, home: Option<&Path>, hidden: &[PathBuf]) -> PathBuf {
    let is_everybodys = |above: &Path| {
        let local = home.map(|home| home.join(".local"));
        hidden.iter().any(|folder| folder == above || folder.starts_with(above)) || local.as_deref() == Some(above)
    };
    match folder.parent() {
        Some(above) if !is_everybodys(above) => above.to_owned(),
        _ => folder.to_owned(),
    }
}

/// Where the programs lie that are links in a folder of the search path.
fn linked_programs(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let links = entries.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_symlink()));
    links.take(MOST_LINKS).filter_map(|link| link.path().canonicalize().ok()).collect()
}

/// The folder of a program that lies in a folder for programs of many kinds, `~/.local/share/NAME`.
fn package_of(program: &Path, home: Option<&Path>) -> Option<PathBuf> {
    let shared = home?.join(".local/share");
    let Component::Normal(name) = program.strip_prefix(&shared).ok()?.components().next()? else { return None };
    Some(shared.join(name))
}

fn cargo_home(environment: &BTreeMap<OsString, OsString>, home: Option<&Path>) -> Option<PathBuf> {
    let named = environment.get(OsStr::new("CARGO_HOME")).filter(|named| !named.is_empty());
    named.map(PathBuf::from).or_else(|| Some(home?.join(".cargo")))
}

/// Whether something can be mounted at a path: it is absolute, and not the root.
fn is_proper(path: &Path) -> bool {
    path.is_absolute() && path.parent().is_some()
}

/// Whether a path lies in one of these folders.
fn is_below(path: &Path, folders: &[PathBuf]) -> bool {
    folders.iter().any(|folder| path.starts_with(folder) && path != folder)
}

fn is_folder(folder: &Path) -> bool {
    folder.symlink_metadata().is_ok_and(|found| found.is_dir())
}

/// Whether there is something that the user can read.
fn is_shown(path: &Path) -> bool {
    rustix::fs::access(path, Access::READ_OK).is_ok()
}

/// The words of bubblewrap for mounts.
#[derive(Default)]
struct Mounts(Vec<OsString>);

impl Mounts {
    fn add(&mut self, option: &str, from: &Path, to: &Path) {
        self.0.extend([OsString::from(option), from.into(), to.into()]);
    }

    fn words<const N: usize>(&mut self, words: [impl AsRef<OsStr>; N]) {
        self.0.extend(words.map(|word| word.as_ref().to_owned()));
    }
}
