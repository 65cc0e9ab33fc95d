//! A workspace for one run.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::assemble::{assemble, make_empty_folder};
use super::base::{baseline_ref, overlay_objects};
use super::error::{WorkspaceError, failed};
use super::refs;
use crate::model::ids::{SubtestId, TierId};

/// The state of a workspace before its agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Baseline {
    /// The commit in `repo.git`.
    pub commit: String,
    /// The index of the new workspace, which saves the capture from reading unchanged files.
    pub(super) index: Option<PristineIndex>,
    /// The folders that have its objects.
    pub(super) objects: Vec<PathBuf>,
}

/// An index with the modification time of its file, by which git recognises files that were changed right after it was
/// written.
///
/// It is kept in memory, because an agent that can write to the run's folder could mark files in it as unchanged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PristineIndex {
    bytes: Vec<u8>,
    modified: SystemTime,
}

impl PristineIndex {
    fn read(path: &Path) -> Result<Self, WorkspaceError> {
        let modified = fs::metadata(path).and_then(|found| found.modified()).map_err(failed("read", path))?;
        Ok(Self { bytes: fs::read(path).map_err(failed("read", path))?, modified })
    }

    pub(super) fn write(&self, path: &Path) -> Result<(), WorkspaceError> {
        fs::write(path, &self.bytes)
            .and_then(|()| File::options().write(true).open(path)?.set_modified(self.modified))
            .map_err(failed("write", path))
    }
}

/// Makes a workspace at the subtest's baseline: a repository of its own, on branch `main`, without a remote.
///
/// The branch has the baseline and its history, and the workspace has no other subtest's objects. It shares neither
/// files nor configuration with `repo_git` or with another run.
///
/// # Errors
/// When `workspace` is not empty, `repo_git` has no such baseline, or git or the file system fails.
pub fn prepare(
    repo_git: &Path,
    workspace: &Path,
    tier: TierId,
    subtest: SubtestId,
) -> Result<Baseline, WorkspaceError> {
    let repo_git = super::absolute(repo_git)?;
    let workspace = super::absolute(workspace)?;
    let mut baseline = baseline(&repo_git, tier, subtest)?;
    make_empty_folder(&workspace)?;
    let objects: Vec<&Path> = baseline.objects.iter().map(PathBuf::as_path).collect();
    assemble(&objects, &baseline.commit, &workspace)?;
    baseline.index = Some(PristineIndex::read(&workspace.join(".git/index"))?);
    Ok(baseline)
}

/// The baseline of a subtest, for a workspace that an earlier process prepared.
///
/// # Errors
/// When `repo_git` has none, or cannot be read.
pub fn baseline(repo_git: &Path, tier: TierId, subtest: SubtestId) -> Result<Baseline, WorkspaceError> {
    let repo_git = super::absolute(repo_git)?;
    let commit = refs::read(&repo_git, &baseline_ref(tier, subtest))?;
    let commit = commit.ok_or_else(|| WorkspaceError::NoBaseline { repo_git: repo_git.clone(), tier, subtest })?;
    let overlay = overlay_objects(&repo_git, tier, subtest);
    let objects = [repo_git.join("objects")].into_iter().chain(overlay.is_dir().then_some(overlay)).collect();
    Ok(Baseline { commit, index: None, objects })
}
