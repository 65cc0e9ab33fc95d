//! What others get when an experiment is published, and the secrets in it.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::model::ids::{AttemptNumber, RunNumber};
use crate::os::compressed;
use crate::os::files::{self, FileError, Kind, ReadError};
use crate::text::leaks::{Leak, Search};
use crate::text::redact::Secrets;

use super::bundle::stays_within;
use super::evidence::{FoldersAndLinks, files_below, folders_and_links_below};
use super::layout::{
    BACKUP_PREFIX, CONFIG, ExperimentFolder, JOB_LOG, JOBS, LOCK, PRIVATE, REPO, RunFolder, WORKSPACE, claim_of,
    is_temporary,
};
use super::{StoreError, repository, threads};

/// Bytes that are read at a time.
const PART_BYTES: usize = 256 << 10;

/// A secret in a file: its place below the experiment's folder, and where and what it is there.
pub type LeakAt = (String, Leak);

/// The files that others get, by their paths below the experiment's folder, sorted: all but `repo.git`, trees that agents worked in,
/// copies of former checkpoints, locks, what jobs wrote for each other, and files that are being written.
///
/// # Errors
/// When a folder cannot be listed.
pub fn files(folder: &ExperimentFolder) -> Result<Vec<PathBuf>, StoreError> {
    let failed = |error| FileError::new("list", folder.root(), error);
    let mut found = Vec::new();
    for entry in fs::read_dir(folder.root()).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        let text = name.to_string_lossy();
        if text == REPO || text == LOCK || text == JOBS || text.starts_with(BACKUP_PREFIX) || is_temporary(&text) {
            continue;
        }
        match files::kind_of(&folder.root().join(&name))? {
            Some(Kind::File) => found.push(PathBuf::from(&name)),
            Some(Kind::Folder) => {
                let below = files_below(&folder.root().join(&name))?;
                found.extend(below.into_iter().map(|path| Path::new(&name).join(path)).filter(|path| is_given(path)));
            }
            _ => {}
        }
    }
    found.sort();
    Ok(found)
}

/// What the config's folder holds beside files: folders, which may be empty, and symbolic links of a fixture with their targets.
/// Digests cover both. By their paths below the experiment's folder.
///
/// # Errors
/// When a folder cannot be listed, or a link not be read.
pub fn folders_and_links(folder: &ExperimentFolder) -> Result<FoldersAndLinks, StoreError> {
    let (folders, links) = folders_and_links_below(&folder.config_dir())?;
    let within = |path: PathBuf| Path::new(CONFIG).join(path);
    let links = links.into_iter().map(|(path, target)| (within(path), target));
    Ok((folders.into_iter().map(within).collect(), links.collect()))
}

/// The symbolic links of a fixture that would lead out of an experiment of it, with their targets, by their paths below the
/// fixture's folder.
///
/// # Errors
/// When a folder cannot be listed, or a link not be read.
pub fn links_out(fixture: &Path) -> Result<Vec<(PathBuf, PathBuf)>, StoreError> {
    let (_, mut links) = folders_and_links_below(fixture)?;
    // An experiment's folder holds `config/fixture`.
    links.retain(|(path, target)| stays_within(&Path::new("_/_/_").join(path), target).is_err());
    Ok(links)
}

/// The files of `repo.git` that are ever read, by their paths below the experiment's folder.
///
/// # Errors
/// When it cannot be listed.
pub fn repository(folder: &ExperimentFolder) -> Result<Vec<PathBuf>, StoreError> {
    let files = repository::list(folder)?;
    // Without it, git sees no repository.
    let head = Some("HEAD".to_owned()).filter(|head| folder.repo().join(head).is_file());
    Ok(files.into_iter().chain(head).map(|file| Path::new(REPO).join(file)).collect())
}

fn is_given(path: &Path) -> bool {
    let names: Vec<&str> = path.iter().filter_map(OsStr::to_str).collect();
    let is_fleeting = names.iter().any(|name| is_temporary(name) || claim_of(name).is_some() || *name == JOB_LOG);
    let is_of_run = |name: &str| RunNumber::from_folder(name).is_some() || AttemptNumber::from_folder(name).is_some();
    let is_tree = |pair: &[&str]| is_of_run(pair[0]) && (pair[1] == WORKSPACE || pair[1] == PRIVATE);
    !is_fleeting && !names.windows(2).any(is_tree)
}

/// The secrets in these files, in their order. Each file is read once, in pieces; its size and content do not matter.
///
/// # Errors
/// When a file cannot be read: what it holds is then not known.
pub fn leaks(folder: &ExperimentFolder, files: &[PathBuf], secrets: &Secrets) -> Result<Vec<LeakAt>, StoreError> {
    let all = Mutex::new((Vec::new(), None));
    let each = |part: &mut (Vec<LeakAt>, Option<ReadError>), file: &PathBuf| match leaks_of(folder, file, secrets) {
        Ok(leaks) => part.0.extend(leaks),
        Err(error) => part.1 = Some(error),
    };
    let take = |(mut leaks, error): (Vec<LeakAt>, Option<ReadError>)| {
        let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
        all.0.append(&mut leaks);
        all.1 = all.1.take().or(error);
    };
    threads::share(files, || (Vec::new(), None), each, take);
    match all.into_inner().unwrap_or_else(PoisonError::into_inner) {
        (_, Some(error)) => Err(error.into()),
        (mut leaks, None) => {
            leaks.sort_by(|(one, first), (other, second)| (one, first.line).cmp(&(other, second.line)));
            Ok(leaks)
        }
    }
}

fn leaks_of(folder: &ExperimentFolder, file: &Path, secrets: &Secrets) -> Result<Vec<LeakAt>, ReadError> {
    let path = folder.root().join(file);
    let open = files::open_regular(&path)?;
    let failed = |error| ReadError::Io(FileError::new("read", &path, error));
    // What is compressed hides nothing.
    let is_compressed = file.ends_with(RunFolder::at(PathBuf::new()).exchanges());
    let mut open: Box<dyn io::Read> =
        if is_compressed { Box::new(compressed::reader(open).map_err(failed)?) } else { Box::new(open) };
    let (mut search, mut part) = (Search::new(secrets), vec![0; PART_BYTES]);
    loop {
        match open.read(&mut part) {
            Ok(0) => break,
            Ok(read) => search.push(&part[..read]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(failed(error)),
        }
    }
    let place = file.to_string_lossy();
    Ok(search.finish().into_iter().map(|leak| (place.clone().into_owned(), leak)).collect())
}
