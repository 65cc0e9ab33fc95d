//! The experiment's `repo.git`: the task's tree as a commit, and a baseline on top of it for each subtest.
//!
//! The objects of a baseline are in a folder of their own, which is an alternate of `repo.git`: so a workspace gets
//! only its own subtest's objects. The repository appears whole or not at all, and its contents depend only on the
//! fixture, so that it can be made again.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::composed;
use super::entries;
use super::error::{WorkspaceError, failed};
use super::fetch::fetch;
use super::git::{ATTRIBUTES, Git, GitDir, ObjectFormat};
use super::index::{Files, Index};
use super::refs;
use crate::model::digest::Digest;
use crate::model::ids::{SetupId, SubtestId, TierId};
use crate::model::task::Source;
use crate::setup::compose::Composition;

/// The ref of the task's tree.
const BASE: &str = "refs/heads/base";
/// Messages of our commits. Agents can read them, so they reveal nothing about tiers and subtests.
const BASE_MESSAGE: &str = "The task";
const WITHOUT_SUBMODULES_MESSAGE: &str = "The task without its submodules";
const BASELINE_MESSAGE: &str = "The setup of the agent";
/// Most bytes of a file that holds a digest.
const MOST_DIGEST: u64 = 4096;

/// The commit of the task's tree.
pub(super) fn base_commit(repo_git: &Path) -> Result<String, WorkspaceError> {
    let commit = refs::read(repo_git, BASE)?;
    commit.ok_or_else(|| failed("read", &repo_git.join(BASE))(io::Error::from(io::ErrorKind::NotFound)))
}

/// The ref of a subtest's baseline.
pub(super) fn baseline_ref(tier: TierId, subtest: SubtestId) -> String {
    format!("refs/heads/baseline/{tier}-{subtest}")
}

/// The folder of the objects that only a subtest's baseline has.
pub(super) fn overlay_objects(repo_git: &Path, tier: TierId, subtest: SubtestId) -> PathBuf {
    repo_git.join(format!("baselines/{tier}-{subtest}"))
}

/// Makes `repo_git` with the task's tree and gives the base commit; an existing repository is left as it is.
///
/// A `source/` folder becomes one commit, ignored files included. A repository is copied with the history of the
/// commit and nothing newer, so that no agent finds the solution in it. Submodules are not fetched; their entries are
/// left out in one more commit.
///
/// # Errors
/// When the source does not exist, lacks the commit, or git or the file system fails.
pub fn make_base(repo_git: &Path, fixture_dir: &Path, source: &Source) -> Result<String, WorkspaceError> {
    let repo_git = super::absolute(repo_git)?;
    if !repo_git.exists() {
        let name = repo_git.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let new = repo_git.with_file_name(format!(".tmp-{name}"));
        super::remove_folder(&new)?;
        let parent = repo_git.parent().unwrap_or(Path::new("/"));
        fs::create_dir_all(parent).map_err(failed("make", parent))?;
        let fixture_dir = super::absolute(fixture_dir)?;
        match source {
            Source::Folder => {
                initialize(&new, ObjectFormat::Sha1)?;
                let base = commit_folder(&new, &fixture_dir.join("source"))?;
                finish(&new, &base)?;
            }
            Source::Repository { repo, hash } => {
                initialize(&new, ObjectFormat::of_id(hash))?;
                let fetched = fetch(&new, &fixture_dir, repo, hash)?;
                let base = if fetched.is_cut { commit_tree_alone(&new, &fetched.commit)? } else { fetched.commit };
                let base = leave_submodules_out(&new, base)?;
                finish(&new, &base)?;
            }
        }
        sync_tree(&new)?;
        fs::rename(&new, &repo_git).map_err(failed("make", &repo_git))?;
        sync(parent)?;
    }
    refs::read(&repo_git, BASE)?.ok_or(WorkspaceError::NoBase { repo_git })
}

/// What is laid over the task's tree for a subtest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Layers {
    /// What its resources compose.
    pub composition: Composition,
    /// Folder below the fixture that is laid over everything else.
    pub overlay: Option<String>,
}

/// Makes baselines: the base commit, or a commit on top of it with the subtest's layers over the tree. Existing
/// baselines are left as they are.
///
/// # Errors
/// When a layer cannot be read, or git or the file system fails.
pub fn make_baselines(
    repo_git: &Path,
    fixture_dir: &Path,
    base: &str,
    layers: &BTreeMap<SetupId, Layers>,
) -> Result<(), WorkspaceError> {
    let repo_git = super::absolute(repo_git)?;
    let fixture_dir = super::absolute(fixture_dir)?;
    super::remove_folder(&scratch(&repo_git))?;
    for ((tier, subtest), layers) in layers {
        let name = baseline_ref(*tier, *subtest);
        if refs::read(&repo_git, &name)?.is_some() {
            continue;
        }
        let commit = if layers.overlay.is_none() && layers.composition.is_nothing() {
            base.to_owned()
        } else {
            let objects = overlay_objects(&repo_git, *tier, *subtest);
            let (commit, composed) = commit_layers(&repo_git, &objects, base, &fixture_dir, layers)?;
            name_alternates(&repo_git)?;
            if let Some(composed) = composed {
                // The ref is written last: where it exists, the digest does too.
                write_durably(&repo_git, &composed_file(&repo_git, *tier, *subtest), &format!("{composed}\n"))?;
            }
            commit
        };
        write_durably(&repo_git, &repo_git.join(name), &format!("{commit}\n"))?;
    }
    super::remove_folder(&scratch(&repo_git))
}

/// Removes the baseline of a subtest without any runs, so that it is made again; it is no error when there is none.
///
/// # Errors
/// When the file system fails.
pub fn forget_baseline(repo_git: &Path, tier: TierId, subtest: SubtestId) -> Result<(), WorkspaceError> {
    super::remove_file(&repo_git.join(baseline_ref(tier, subtest)))
}

/// Digest of what was composed into a baseline; `None` when nothing was.
///
/// # Errors
/// When the file that names it cannot be read.
pub fn composed(repo_git: &Path, tier: TierId, subtest: SubtestId) -> Result<Option<Digest>, WorkspaceError> {
    let file = composed_file(repo_git, tier, subtest);
    let Some(bytes) = refs::bytes_of(&file, MOST_DIGEST)? else { return Ok(None) };
    let text = String::from_utf8_lossy(&bytes);
    text.trim_end().parse().map(Some).map_err(|error| failed("read", &file)(io::Error::other(error)))
}

/// The file with the digest of what was composed into a baseline.
fn composed_file(repo_git: &Path, tier: TierId, subtest: SubtestId) -> PathBuf {
    repo_git.join(format!("composed/{tier}-{subtest}"))
}

/// A folder for an index and for incomplete files.
fn scratch(repo_git: &Path) -> PathBuf {
    repo_git.join("scylla-scratch")
}

/// Makes an empty bare repository, which a person's git can read.
fn initialize(repo_git: &Path, format: ObjectFormat) -> Result<(), WorkspaceError> {
    for folder in ["info", "objects/info", "objects/pack", "refs/heads", "refs/tags"] {
        let folder = repo_git.join(folder);
        fs::create_dir_all(&folder).map_err(failed("make", &folder))?;
    }
    for (name, text) in
        [("config", format.config(true).as_str()), ("info/attributes", ATTRIBUTES), ("HEAD", "ref: refs/heads/base\n")]
    {
        let file = repo_git.join(name);
        fs::write(&file, text).map_err(failed("write", &file))?;
    }
    Ok(())
}

/// Sets the base, and packs its objects: one pack is fewer files to copy for each workspace.
fn finish(repo_git: &Path, base: &str) -> Result<(), WorkspaceError> {
    let git_dir = GitDir::new(ObjectFormat::of_id(base), &[])?;
    git_dir.set_branch(base)?;
    git_dir.git(repo_git, &["repack", "-a", "-d", "-q", "-n"]).writes_to(&repo_git.join("objects")).run()?;
    let file = repo_git.join(BASE);
    fs::write(&file, format!("{base}\n")).map_err(failed("write", &file))?;
    super::remove_folder(&scratch(repo_git))
}

fn commit_folder(repo_git: &Path, folder: &Path) -> Result<String, WorkspaceError> {
    let file = fresh_index(repo_git)?;
    let git_dir = GitDir::seeing(&[])?;
    let index = Index { file: &file, objects: &repo_git.join("objects"), git_dir: &git_dir };
    index.add(folder, Files::All)?;
    commit(&index, folder, None, BASE_MESSAGE)
}

/// Commits the tree of a commit whose history is incomplete: how much of it there is depends on the clone, so that two
/// experiments would differ.
fn commit_tree_alone(repo_git: &Path, commit: &str) -> Result<String, WorkspaceError> {
    let objects = repo_git.join("objects");
    let args = ["commit-tree", "-m", BASE_MESSAGE];
    Git::new(repo_git, &[&objects], &args).arg(format!("{commit}^{{tree}}")).writes_to(&objects).line()
}

/// Commits what the index holds.
fn commit(index: &Index<'_>, folder: &Path, parent: Option<&str>, message: &str) -> Result<String, WorkspaceError> {
    let tree = index.git(folder, &["write-tree"]).line()?;
    let commit = index.git(folder, &["commit-tree", "-m", message, &tree]);
    match parent {
        Some(parent) => commit.arg("-p").arg(parent),
        None => commit,
    }
    .line()
}

/// Commits the layers over the base, with the digest of what was composed.
fn commit_layers(
    repo_git: &Path,
    objects: &Path,
    base: &str,
    fixture_dir: &Path,
    layers: &Layers,
) -> Result<(String, Option<Digest>), WorkspaceError> {
    super::remove_folder(objects)?;
    fs::create_dir_all(objects).map_err(failed("make", objects))?;
    let file = fresh_index(repo_git)?;
    let known = repo_git.join("objects");
    let git_dir = GitDir::seeing(&[&known])?;
    let index = Index { file: &file, objects, git_dir: &git_dir };
    index.git(fixture_dir, &["read-tree", base]).run()?;
    let folder = scratch(repo_git).join("composed");
    let digest = composed::add(&index, fixture_dir, &layers.composition, &folder)?;
    if let Some(overlay) = &layers.overlay {
        index.add(&fixture_dir.join(overlay), Files::All)?;
    }
    let commit = commit(&index, fixture_dir, Some(base), BASELINE_MESSAGE)?;
    sync_tree(objects)?;
    Ok((commit, digest))
}

/// The path for an index in an empty scratch folder: a git call that was killed leaves locks behind.
fn fresh_index(repo_git: &Path) -> Result<PathBuf, WorkspaceError> {
    let scratch = scratch(repo_git);
    super::remove_folder(&scratch)?;
    fs::create_dir_all(&scratch).map_err(failed("make", &scratch))?;
    Ok(scratch.join("index"))
}

/// Registers the folders with objects of baselines in `repo.git` as alternates, by relative paths that stay right when
/// the experiment is moved. Only a person's git reads them; we do not.
fn name_alternates(repo_git: &Path) -> Result<(), WorkspaceError> {
    let mut names: Vec<_> = entries(&repo_git.join("baselines"))?.iter().map(fs::DirEntry::file_name).collect();
    names.sort();
    let text = names.iter().fold(String::new(), |text, name| text + "../baselines/" + &name.to_string_lossy() + "\n");
    write_durably(repo_git, &repo_git.join("objects/info/alternates"), &text)
}

/// Writes a file of `repo.git` whole or not at all. Refs are written in this way too: git itself leaves a lock behind
/// when it is killed while writing one, and the next coordinator would fail.
fn write_durably(repo_git: &Path, path: &Path, text: &str) -> Result<(), WorkspaceError> {
    let new = scratch(repo_git).join("new");
    let folder = path.parent().unwrap_or(repo_git);
    for folder in [folder, scratch(repo_git).as_path()] {
        fs::create_dir_all(folder).map_err(failed("make", folder))?;
    }
    fs::write(&new, text).map_err(failed("write", &new))?;
    sync(&new)?;
    fs::rename(&new, path).map_err(failed("write", path))?;
    folder.ancestors().take_while(|folder| folder.starts_with(repo_git)).try_for_each(sync)
}

/// The base without links to other repositories, in one more commit when it has any: an agent could put a repository of
/// its own in such a place, and git would run its configuration.
fn leave_submodules_out(repo_git: &Path, base: String) -> Result<String, WorkspaceError> {
    let objects = repo_git.join("objects");
    let list = ["ls-tree", "-r", "-z", "--full-tree", "--format=%(objectmode) %(path)", &base];
    let listing = Git::new(repo_git, &[&objects], &list).run()?;
    let links: Vec<&[u8]> = listing.split(|byte| *byte == 0).filter_map(|line| line.strip_prefix(b"160000 ")).collect();
    if links.is_empty() {
        return Ok(base);
    }
    let file = fresh_index(repo_git)?;
    let git_dir = GitDir::seeing(&[&objects])?;
    let index = Index { file: &file, objects: &objects, git_dir: &git_dir };
    index.git(repo_git, &["read-tree", &base]).run()?;
    index.git(repo_git, &["update-index", "-z", "--force-remove", "--stdin"]).stdin(links.join(&0)).run()?;
    commit(&index, repo_git, Some(&base), WITHOUT_SUBMODULES_MESSAGE)
}

/// Makes everything below a folder durable.
fn sync_tree(folder: &Path) -> Result<(), WorkspaceError> {
    for entry in entries(folder)? {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            sync_tree(&entry.path())?;
        } else {
            sync(&entry.path())?;
        }
    }
    sync(folder)
}

fn sync(path: &Path) -> Result<(), WorkspaceError> {
    File::open(path).and_then(|file| file.sync_all()).map_err(failed("sync", path))
}
