//! Floor 3: trees of files for agents, through git.
//!
//! `repo.git` of an experiment is bare and contains the task's tree and one baseline for each subtest. A workspace is a
//! separate repository made from it. What an agent changed there is read through a git-dir of ours and the objects of
//! `repo.git`. Neither the workspace's own `.git` nor `repo.git` is ever given to git: an agent may have written there.

mod assemble;
pub mod base;
pub mod capture;
pub mod checkout;
mod composed;
pub mod error;
mod fetch;
mod git;
mod index;
pub mod listing;
mod patch;
mod plain;
pub mod prepare;
mod refs;
#[cfg(test)]
mod tests;
mod thin;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

pub use error::WorkspaceError;

use crate::os::files::{self, FileError};

/// The absolute path, because git works in other folders than we do.
fn absolute(path: &Path) -> Result<PathBuf, WorkspaceError> {
    std::path::absolute(path).map_err(error::failed("find", path))
}

/// The entries of a folder.
fn entries(folder: &Path) -> Result<Vec<fs::DirEntry>, WorkspaceError> {
    fs::read_dir(folder).and_then(Iterator::collect).map_err(error::failed("read", folder))
}

/// Removes a folder that need not exist, whatever an agent has put into it.
fn remove_folder(path: &Path) -> Result<(), WorkspaceError> {
    files::remove_tree(path).map_err(|FileError { tried, path, error, .. }| error::failed(tried, &path)(error))
}

/// Removes a file that need not exist.
fn remove_file(path: &Path) -> Result<(), WorkspaceError> {
    fs::remove_file(path).or_else(ignore_missing).map_err(error::failed("remove", path))
}

fn ignore_missing(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
}
