//! What bubblewrap shows to a program that is kept to its tree: the machine's files read-only, a home and temporary folders of its
//! own, and of what those hide the programs and toolchains that it needs.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};

use super::homes::{DEVICES, Homes, TEMPORARY, is_proper};
use super::image;
use super::shown::{self, is_readable};
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

/// The names of its own folders in place of those for temporary files.
const OF_ITS_OWN: [&str; TEMPORARY.len()] = ["tmp", "var-tmp"];
/// The list of users.
const USERS: &str = "/etc/passwd";
/// By what names are looked up: of the machine also where all other files are those of an image.
const OF_THE_NETWORK: [&str; 2] = ["/etc/resolv.conf", "/etc/hosts"];
/// Variables that point to what the program does not see.
const ELSEWHERE: [&str; 2] = ["TMPDIR", "XDG_RUNTIME_DIR"];

impl Sandbox {
    /// Makes its folders.
    ///
    /// # Errors
    /// When they cannot be made.
    pub(super) fn make(&self) -> io::Result<()> {
        let temporary = OF_ITS_OWN.map(|own| self.own.join(own));
        for folder in [self.own.clone(), self.home()].iter().chain(&temporary) {
            files::make_private(folder).map_err(|error| error.error)?;
        }
        Ok(())
    }

    fn home(&self) -> PathBuf {
        self.own.join("home")
    }

    /// What bubblewrap is told, for these programs with this environment; `over` is what is mounted over it afterwards.
    ///
    /// # Errors
    /// When the files of the image cannot be listed.
    pub(super) fn arguments(
        &self,
        programs: &[&Path],
        environment: &BTreeMap<OsString, OsString>,
        over: Vec<PathBuf>,
    ) -> io::Result<Vec<OsString>> {
        match &self.image {
            Some(image) => self.in_image(image, environment, over),
            None => Ok(self.on_machine(programs, environment)),
        }
    }

    /// What shows the files of an image.
    fn in_image(
        &self,
        files: &ImageFiles,
        environment: &BTreeMap<OsString, OsString>,
        over: Vec<PathBuf>,
    ) -> io::Result<Vec<OsString>> {
        let mut own: BTreeMap<PathBuf, Mount> = of_the_kernel().into();
        for (folder, name) in TEMPORARY.into_iter().zip(OF_ITS_OWN) {
            own.insert(folder.into(), Mount::Own(self.own.join(name)));
        }
        own.extend(files.users.clone().map(|users| (USERS.into(), Mount::Shown(users))));
        let home = environment.get(OsStr::new("HOME")).map(PathBuf::from).filter(|home| is_proper(home));
        own.extend(home.map(|home| (home, Mount::Own(self.home()))));
        let resolvers = OF_THE_NETWORK.iter().map(PathBuf::from).filter(|_| self.has_network);
        let of_machine = resolvers.chain(self.readable.iter().cloned()).filter(|path| is_readable(path));
        for path in of_machine {
            let real = path.canonicalize()?;
            own.entry(path).or_insert(Mount::Shown(real));
        }
        let places = own.keys().cloned().chain(over).collect();
        let mut told = image::mounts(&files.root, &places)?;
        told.extend(own.iter().flat_map(|(place, mount)| mount.words(place)).chain(self.without_network()));
        Ok(told)
    }

    /// Whether the user's home is kept from a program with this environment: a home that is the root cannot be, and one that is
    /// named as readable is not meant to be.
    #[must_use]
    pub fn keeps_home(&self, environment: &BTreeMap<OsString, OsString>) -> bool {
        let homes = Homes::of(environment, &self.readable);
        let is_root = environment.get(OsStr::new("HOME")).is_some_and(|home| {
            let home = Path::new(home);
            home.is_absolute() && home.canonicalize().is_ok_and(|home| !is_proper(&home))
        });
        !is_root && homes.own().iter().all(|home| homes.hidden().contains(home))
    }

    /// What shows the files of the machine.
    fn on_machine(&self, programs: &[&Path], environment: &BTreeMap<OsString, OsString>) -> Vec<OsString> {
        let homes = Homes::of(environment, &self.readable);
        let mut mounts = self.folders(&homes);
        let shown = shown::places(programs, environment, &self.readable, &homes);
        for keys in shown::keys_of_cargo(environment, &homes, &shown) {
            mounts.insert(keys, Mount::Shown("/dev/null".into()));
        }
        mounts.extend(shown.into_iter().map(|(place, real)| (place, Mount::Shown(real))));
        mounts.iter().flat_map(|(place, mount)| mount.words(place)).chain(self.without_network()).collect()
    }

    /// What takes the network away, where it has none.
    fn without_network(&self) -> Option<OsString> {
        (!self.has_network).then(|| "--unshare-net".into())
    }

    /// What all programs see, outer folders first: the machine, and what hides parts of it.
    fn folders(&self, homes: &Homes) -> BTreeMap<PathBuf, Mount> {
        let hidden = homes.hidden().iter().map(|folder| (folder.clone(), Mount::Empty));
        let mut mounts: BTreeMap<PathBuf, Mount> = hidden.collect();
        mounts.insert("/".into(), Mount::Shown("/".into()));
        for (folder, own) in TEMPORARY.into_iter().zip(OF_ITS_OWN) {
            if let Ok(folder) = Path::new(folder).canonicalize() {
                mounts.insert(folder, Mount::Own(self.own.join(own)));
            }
        }
        for home in homes.own().intersection(homes.hidden()) {
            mounts.insert(home.clone(), Mount::Own(self.home()));
        }
        mounts.extend(of_the_kernel());
        mounts
    }
}

/// The environment of a program in a sandbox.
pub(super) fn environment(given: &BTreeMap<OsString, OsString>) -> BTreeMap<OsString, OsString> {
    let mut environment = given.clone();
    environment.retain(|name, _| !ELSEWHERE.iter().any(|elsewhere| name == elsewhere));
    environment
}

/// What the kernel shows of itself.
fn of_the_kernel() -> [(PathBuf, Mount); 2] {
    [(DEVICES.into(), Mount::Devices), ("/proc".into(), Mount::Processes)]
}

/// What is at a place in a sandbox.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Mount {
    /// An empty folder.
    Empty,
    /// A folder of the program's own.
    Own(PathBuf),
    /// A file or folder of the machine, read-only.
    Shown(PathBuf),
    /// A few devices.
    Devices,
    /// The processes of the sandbox.
    Processes,
}

impl Mount {
    /// What bubblewrap is told to have it at this place.
    fn words(&self, place: &Path) -> Vec<OsString> {
        let (option, from) = match self {
            Self::Empty => ("--tmpfs", None),
            Self::Own(folder) => ("--bind", Some(folder)),
            Self::Shown(path) => ("--ro-bind", Some(path)),
            Self::Devices => ("--dev", None),
            Self::Processes => ("--proc", None),
        };
        [option.into()].into_iter().chain(from.map(Into::into)).chain([place.into()]).collect()
    }
}
