//! Work folders: where agents, checks and judges work, outside of every project and of the experiment's own folder.
//!
//! A work folder is temporary, and its name reveals nothing about the run. Its file `owner.json` names its owner, so
//! that a copied experiment never takes another one's tree, and what a killed coordinator left is found and removed.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::StoreError;
use super::layout::{ExperimentFolder, RunFolder};
use crate::model::limits::MOST_STAGE_FILE_BYTES;
use crate::model::result::WorkPlace;
use crate::os::clock;
use crate::os::files::{self, FileError, Folder, Identity, NamedPlace};
use crate::os::lock::{self, LockedFile};
use crate::os::process::{Fate, ProcessMark};

/// The default place of work folders: it survives a restart, and no project is above it.
pub const USUAL_PLACE: &str = "/var/tmp";
/// The file that names the owner of a work folder.
const OWNER: &str = "owner.json";

/// `owner.json`.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Owner {
    experiment: Identity,
}

/// The process that works in a folder whose file system has no locks, in `owner.json`.
#[derive(Debug, Serialize, Deserialize)]
struct Worker {
    pid: u32,
    #[serde(flatten)]
    process: ProcessMark,
}

/// What `owner.json` says where no lock says that somebody works in the folder.
#[derive(Debug, Serialize, Deserialize)]
struct OwnerAtWork {
    #[serde(flatten)]
    owner: Owner,
    worker: Worker,
}

/// The folder that holds the work folders of a user, for one experiment.
#[derive(Debug, Clone)]
pub struct WorkRoot {
    path: PathBuf,
    owner: Owner,
}

/// The folder of all work folders of this user.
fn root_in(place: Option<&str>) -> PathBuf {
    Path::new(place.unwrap_or(USUAL_PLACE)).join(format!("cargo-scylla-{}", files::user()))
}

/// Makes the folder of all work folders of this user, or uses an existing one when nobody else can write in it.
pub(super) fn make_root(place: Option<&str>) -> Result<PathBuf, StoreError> {
    let path = root_in(place);
    let made = place.map_or(Ok(()), |place| {
        fs::create_dir_all(place).map_err(|error| FileError::new("make the folder", Path::new(place), error))
    });
    let made = made.and_then(|()| files::make_private(&path));
    // git and bubblewrap use the place with links resolved.
    let found = made.and_then(|()| fs::canonicalize(&path).map_err(|error| FileError::new("find", &path, error)));
    Ok(found.map_err(|error| error.in_place(NamedPlace::Work))?)
}

/// Makes sure that work folders can be made in a place, before anything is written that names it.
///
/// # Errors
/// When they cannot.
pub fn must_be_usable(place: Option<&str>) -> Result<(), StoreError> {
    let root = make_root(place)?;
    let probe = files::make_random(&root).map_err(|error| error.in_place(NamedPlace::Work))?;
    Ok(fs::remove_dir(&probe).map_err(|error| FileError::new("remove", &probe, error))?)
}

fn owner_of(experiment: &ExperimentFolder) -> Result<Owner, StoreError> {
    let experiment =
        Identity::of(experiment.root())?.ok_or_else(|| StoreError::NotAnExperiment(experiment.root().to_owned()))?;
    Ok(Owner { experiment })
}

impl WorkRoot {
    /// Makes the folder, or uses an existing one when nobody else can write in it.
    ///
    /// # Errors
    /// When it cannot be made, or somebody else made it.
    pub fn open(experiment: &ExperimentFolder, place: Option<&str>) -> Result<Self, StoreError> {
        Ok(Self { path: make_root(place)?, owner: owner_of(experiment)? })
    }

    /// The folder itself: hiding it hides others' work folders from a contained program.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is above every work folder and would affect agents: a project, a toolchain, instruction files.
    #[must_use]
    pub fn surroundings(&self) -> Vec<PathBuf> {
        const REACH: [&str; 8] = [
            ".git",
            "Cargo.toml",
            ".cargo/config.toml",
            ".cargo/config",
            "rust-toolchain.toml",
            "rust-toolchain",
            "CLAUDE.md",
            "AGENTS.md",
        ];
        let above = self.path.ancestors().flat_map(|folder| REACH.map(|name| folder.join(name)));
        above.filter(|path| path.exists()).collect()
    }

    /// Makes a work folder with a name that reveals nothing.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn create(&self) -> Result<WorkFolder, StoreError> {
        // An agent outside of a containment may have removed it.
        files::make_private(&self.path)?;
        let path = files::make_random(&self.path)?;
        let owner = path.join(OWNER);
        let text = super::pretty(&self.owner, &owner)?;
        let worker = Worker { pid: std::process::id(), process: ProcessMark::own() };
        let text_without_lock = super::pretty(&OwnerAtWork { owner: self.owner, worker }, &owner)?;
        let written = fs::File::create_new(&owner).and_then(|mut file| {
            // Locked before it has content: `sweep` leaves a folder without an owner alone.
            let locked = LockedFile::exclusive_where_possible(&file)?;
            file.write_all(if locked.is_some() { &text } else { &text_without_lock }).map(|()| locked)
        });
        let owner = written.map_err(|error| FileError::new("write", &owner, error))?;
        let layout = RunFolder::at(path.clone());
        for folder in [layout.agent(), layout.record_dir()] {
            fs::create_dir(&folder).map_err(|error| FileError::new("make the folder", &folder, error))?;
        }
        WorkFolder::held(path, owner)
    }

    /// The work folder of an agent whose result names this place; `None` when it is gone, belongs to another
    /// experiment, or may have lost bytes in a power cut.
    ///
    /// # Errors
    /// When it cannot be looked at.
    pub fn find(&self, place: &WorkPlace) -> Result<Option<WorkFolder>, StoreError> {
        let trusted = place.synced || place.boot_id == clock::boot_id();
        let path = Path::new(&place.folder);
        if !trusted || !path.is_absolute() || !is_owned(path, &self.owner) {
            return Ok(None);
        }
        // If another worker has locked it, that is the same run's worker, or one that is ending.
        let owner = files::open_lock(&path.join(OWNER), false).ok().and_then(|file| LockedFile::exclusive(file).ok());
        WorkFolder::held(path.to_owned(), owner).map(Some)
    }
}

/// Whether a folder's owner file names this owner. One that cannot be read does not.
fn is_owned(folder: &Path, owner: &Owner) -> bool {
    let Ok(Some(open)) = Folder::open(folder) else { return false };
    let mut bytes = Vec::new();
    matches!(open.read_into(OWNER, MOST_STAGE_FILE_BYTES, &mut bytes), Ok(true))
        && serde_json::from_slice::<Owner>(&bytes).is_ok_and(|found| found.experiment.is_same(&owner.experiment))
}

/// Whether a living worker works in a folder.
fn is_worked_in(folder: &Path) -> bool {
    let owner = folder.join(OWNER);
    lock::is_locked(&owner).unwrap_or_else(|_| {
        // A worker that cannot be looked at from here may be at work.
        let text = files::read_if_readable(&owner, MOST_STAGE_FILE_BYTES).unwrap_or_default();
        serde_json::from_slice::<OwnerAtWork>(&text)
            .is_ok_and(|OwnerAtWork { worker, .. }| !matches!(worker.process.fate(worker.pid), Fate::Ended))
    })
}

/// Removes the work folders that dead workers of this experiment left, except those in `needed`. The caller holds the
/// experiment. What cannot be removed is returned, and left to the next call.
///
/// # Errors
/// When the experiment's folder cannot be looked at.
pub fn sweep(
    experiment: &ExperimentFolder,
    place: Option<&str>,
    needed: &BTreeSet<PathBuf>,
) -> Result<Vec<FileError>, StoreError> {
    let owner = owner_of(experiment)?;
    let unneeded = folders_in(place).into_iter().filter(|folder| !needed.contains(folder) && is_owned(folder, &owner));
    let unneeded = unneeded.filter(|folder| !is_worked_in(folder));
    Ok(unneeded.filter_map(|folder| remove_owned(&folder).err()).collect())
}

/// What lies in the folder of all work folders of this user.
pub(super) fn folders_in(place: Option<&str>) -> Vec<PathBuf> {
    let Ok(root) = fs::canonicalize(root_in(place)) else { return Vec::new() };
    let Ok(Some(open)) = Folder::open(&root) else { return Vec::new() };
    let mut names = Vec::new();
    // If the place cannot be listed to its end, the rest is left to the next call.
    let _ = open.each(|name, _| names.push(root.join(name)));
    names
}

/// Removes a work folder. If it cannot be removed whole, it keeps its owner file, so that it is found again.
fn remove_owned(folder: &Path) -> Result<(), FileError> {
    let open = Folder::open(folder).ok().flatten();
    let mut owner = Vec::new();
    let is_told =
        open.as_ref().is_some_and(|open| matches!(open.read_into(OWNER, MOST_STAGE_FILE_BYTES, &mut owner), Ok(true)));
    let removed = files::remove_tree(folder);
    if removed.is_err() && is_told && open.is_some_and(|open| open.is_in_place().unwrap_or(false)) {
        // If that fails too, the folder is never found again; the error was reported already.
        let _ = fs::File::create_new(folder.join(OWNER)).and_then(|mut file| file.write_all(&owner));
    }
    removed
}

/// A work folder that is held open: what an agent puts in the place of one of its folders is not mistaken for it.
#[derive(Debug)]
pub struct WorkFolder {
    path: PathBuf,
    root: Folder,
    agent: Option<Folder>,
    record: Option<Folder>,
    /// Locked as long as somebody works in the folder.
    _owner: Option<LockedFile>,
}

impl WorkFolder {
    fn held(path: PathBuf, owner: Option<LockedFile>) -> Result<Self, StoreError> {
        let gone = || StoreError::from(FileError::new("open the folder", &path, std::io::ErrorKind::NotFound));
        let root = Folder::open(&path)?.ok_or_else(gone)?;
        // An agent of an earlier session may have replaced them: then there is nothing to read.
        let inner = |folder: &Folder, name: &str| folder.folder(name).ok().flatten();
        let agent = inner(&root, "agent");
        let record = agent.as_ref().and_then(|agent| inner(agent, "record"));
        Ok(Self { path, root, agent, record, _owner: owner })
    }

    /// The folder itself.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// It has the same layout as the folder of a run.
    fn layout(&self) -> RunFolder {
        RunFolder::at(self.path.clone())
    }

    /// The agent's working tree.
    #[must_use]
    pub fn workspace(&self) -> PathBuf {
        self.layout().workspace()
    }

    /// The file with the prompt for the agent.
    #[must_use]
    pub fn prompt(&self) -> PathBuf {
        self.layout().prompt()
    }

    /// The folder that the agent may write its record into.
    #[must_use]
    pub fn record_dir(&self) -> PathBuf {
        self.layout().record_dir()
    }

    /// The agent's own record of its work.
    #[must_use]
    pub fn record(&self) -> PathBuf {
        self.layout().record()
    }

    /// The tool's own folder while changes are captured.
    #[must_use]
    pub fn private(&self) -> PathBuf {
        self.layout().private()
    }

    /// The folder of programs that are kept in a sandbox: their home and their temporary folders.
    #[must_use]
    pub fn own(&self) -> PathBuf {
        self.path.join("own")
    }

    /// Makes an empty folder for a program that is asked something before the agent starts.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn make_aside(&self) -> Result<PathBuf, StoreError> {
        Ok(files::make_random(&self.path)?)
    }

    /// The open record folder, as it was before the agent started; `None` when there is none.
    #[must_use]
    pub fn open_record(&self) -> Option<Folder> {
        // Opened again, because an opened folder can be listed only once.
        self.record.as_ref().and_then(|record| record.folder(".").ok().flatten())
    }

    /// Restores the folders to their places, with our rights, after an agent worked; gives whether one was missing.
    ///
    /// # Errors
    /// When the folder itself cannot be restored.
    pub fn put_back(&self) -> Result<bool, StoreError> {
        let mut any = false;
        for (folder, needed) in [(Some(&self.root), true), (self.agent.as_ref(), false), (self.record.as_ref(), false)]
        {
            match folder.map(|folder| folder.allow().and_then(|()| folder.put_back())) {
                Some(Ok(was_gone)) => any |= was_gone,
                Some(Err(error)) if needed => return Err(error.into()),
                Some(Err(_)) | None => any = true,
            }
        }
        Ok(any)
    }

    /// The description of this folder in an agent's result.
    #[must_use]
    pub fn place(&self, synced: bool) -> WorkPlace {
        WorkPlace { folder: self.path.to_string_lossy().into_owned(), boot_id: clock::boot_id(), synced }
    }

    /// Makes everything in it durable.
    ///
    /// # Errors
    /// When the disk refuses some of it.
    pub fn sync(&self) -> Result<(), StoreError> {
        Ok(files::sync_file_system(&self.path)?)
    }

    /// Removes it with everything in it.
    ///
    /// # Errors
    /// When something in it cannot be removed.
    pub fn remove(self) -> Result<(), StoreError> {
        Ok(remove_owned(&self.path)?)
    }
}

/// The record in an agent's work folder.
#[must_use]
pub fn record_in(place: &WorkPlace) -> PathBuf {
    RunFolder::at(PathBuf::from(&place.folder)).record()
}
