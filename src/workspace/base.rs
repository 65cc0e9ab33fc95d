//! The experiment's `repo.git`: the task's tree as a commit, and a baseline on top of it for each subtest.
//!
//! The objects of a baseline lie in a folder of their own, which `repo.git` knows as an alternate: so a workspace gets
//! its own subtest's objects and no other's. The repository appears whole or not at all, and what it holds depends on
//! the fixture alone, so that it can be made again.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::assemble::{ATTRIBUTES, entries};
use super::composed;
use super::error::{WorkspaceError, failed};
use super::git::Git;
use super::stage::{Stage, Take};
use crate::model::digest::Digest;
use crate::model::ids::{SubtestId, TierId};
use crate::model::task::Source;
use crate::upstream::compose::Composition;

/// The ref of the task's tree.
const BASE: &str = "refs/heads/base";
/// Messages of our commits. Agents read them, so they say nothing of tiers and subtests.
const BASE_MESSAGE: &str = "The task";
const WITHOUT_SUBMODULES_MESSAGE: &str = "The task without its submodules";
const BASELINE_MESSAGE: &str = "The setup of the agent";

/// The ref of a subtest's baseline.
pub(super) fn baseline_ref(tier: TierId, subtest: SubtestId) -> String {
    format!("refs/heads/baseline/{tier}-{subtest}")
}

/// The folder of the objects that only a subtest's baseline has.
pub(super) fn overlay_objects(repo_git: &Path, tier: TierId, subtest: SubtestId) -> PathBuf {
    repo_git.join(format!("baselines/{tier}-{subtest}"))
}

/// Makes `repo_git` with the task's tree and gives the base commit; one that is there already is left as it is.
///
/// A `source/` folder becomes one commit, ignored files included. A repository is copied with the history of the
/// commit and nothing newer, so that no agent finds the solution in it. Submodules are not fetched; their entries are
/// left out in one more commit.
///
/// # Errors
/// When the source is not there, lacks the commit, or git or the file system fails.
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
                initialize(&new, "sha1")?;
                commit_folder(&new, &fixture_dir.join("source"))?;
            }
            Source::Repository { repo, hash } => {
                initialize(&new, if hash.len() == 64 { "sha256" } else { "sha1" })?;
                fetch(&new, &fixture_dir, repo, hash)?;
                leave_submodules_out(&new)?;
            }
        }
        // One pack is few files to copy for each workspace.
        Git::new(&new, &new, &["repack", "-a", "-d", "-q"]).run()?;
        sync_tree(&new)?;
        fs::rename(&new, &repo_git).map_err(failed("make", &repo_git))?;
        sync(parent)?;
    }
    Git::new(&repo_git, &repo_git, &["rev-parse", "--verify", BASE]).line()
}

/// What is laid over the task's tree for a subtest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Layers {
    /// What its resources compose.
    pub composition: Composition,
    /// Folder below the fixture that is laid over everything else.
    pub overlay: Option<String>,
}

/// Makes baselines: the base commit, or a commit on top of it with the subtest's layers over the tree. Baselines that
/// are there already are left as they are.
///
/// # Errors
/// When a layer cannot be read, or git or the file system fails.
pub fn make_baselines(
    repo_git: &Path,
    fixture_dir: &Path,
    base: &str,
    layers: &BTreeMap<(TierId, SubtestId), Layers>,
) -> Result<(), WorkspaceError> {
    let repo_git = super::absolute(repo_git)?;
    let fixture_dir = super::absolute(fixture_dir)?;
    let there =
        Git::new(&repo_git, &repo_git, &["for-each-ref", "--format=%(refname)", "refs/heads/baseline"]).line()?;
    let there: BTreeSet<&str> = there.lines().collect();
    for ((tier, subtest), layers) in layers {
        let name = baseline_ref(*tier, *subtest);
        if there.contains(name.as_str()) {
            continue;
        }
        let commit = if layers.overlay.is_none() && layers.composition.is_nothing() {
            base.to_owned()
        } else {
            let objects = overlay_objects(&repo_git, *tier, *subtest);
            let (commit, composed) = commit_layers(&repo_git, &objects, base, &fixture_dir, layers)?;
            add_alternate(&repo_git, &format!("../baselines/{tier}-{subtest}"))?;
            if let Some(composed) = composed {
                // The ref comes last: where it is, the digest is.
                write_durably(&repo_git, &composed_file(&repo_git, *tier, *subtest), &format!("{composed}\n"))?;
            }
            commit
        };
        write_durably(&repo_git, &repo_git.join(name), &format!("{commit}\n"))?;
    }
    super::remove_folder(&scratch(&repo_git))
}

/// Forgets the baseline of a subtest of which nothing has run, so that it is made anew; one that is not there is none.
///
/// # Errors
/// When the file system says no.
pub fn forget_baseline(repo_git: &Path, tier: TierId, subtest: SubtestId) -> Result<(), WorkspaceError> {
    super::remove_file(&repo_git.join(baseline_ref(tier, subtest)))
}

/// Digest of what was composed into a baseline; `None` when nothing was.
///
/// # Errors
/// When the file that names it cannot be read.
pub fn composed(repo_git: &Path, tier: TierId, subtest: SubtestId) -> Result<Option<Digest>, WorkspaceError> {
    let file = composed_file(repo_git, tier, subtest);
    let text = match fs::read_to_string(&file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        text => text.map_err(failed("read", &file))?,
    };
    text.trim_end().parse().map(Some).map_err(|error| failed("read", &file)(io::Error::other(error)))
}

/// Where the digest of what was composed into a baseline is kept.
fn composed_file(repo_git: &Path, tier: TierId, subtest: SubtestId) -> PathBuf {
    repo_git.join(format!("composed/{tier}-{subtest}"))
}

/// A folder for an index and for files that are not whole yet.
fn scratch(repo_git: &Path) -> PathBuf {
    repo_git.join("scylla-scratch")
}

fn initialize(repo_git: &Path, format: &str) -> Result<(), WorkspaceError> {
    fs::create_dir_all(repo_git.join("info")).map_err(failed("make", repo_git))?;
    let args = ["init", "--bare", "--quiet", "--template=", "--initial-branch=base"];
    Git::new(repo_git, repo_git, &args).arg(format!("--object-format={format}")).run()?;
    let attributes = repo_git.join("info/attributes");
    fs::write(&attributes, ATTRIBUTES).map_err(failed("write", &attributes))
}

fn commit_folder(repo_git: &Path, folder: &Path) -> Result<(), WorkspaceError> {
    let index = fresh_index(repo_git)?;
    let objects = repo_git.join("objects");
    let stage = Stage { repo_git, index: &index, objects: &objects, known: &objects };
    stage.take(folder, Take::All)?;
    let commit = commit(&stage, folder, None, BASE_MESSAGE)?;
    Git::new(repo_git, repo_git, &["update-ref", BASE, &commit]).run()?;
    super::remove_folder(&scratch(repo_git))
}

/// Commits what the index holds.
fn commit(stage: &Stage<'_>, folder: &Path, parent: Option<&str>, message: &str) -> Result<String, WorkspaceError> {
    let tree = stage.git(folder, &["write-tree"]).line()?;
    let commit = stage.git(folder, &["commit-tree", "-m", message, &tree]);
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
    let index = fresh_index(repo_git)?;
    let known = objects_of_the_task(repo_git)?;
    let stage = Stage { repo_git, index: &index, objects, known: &known };
    stage.git(fixture_dir, &["read-tree", base]).run()?;
    let folder = scratch(repo_git).join("composed");
    let digest = composed::stage(&stage, fixture_dir, &layers.composition, &folder)?;
    if let Some(overlay) = &layers.overlay {
        stage.take(&fixture_dir.join(overlay), Take::All)?;
    }
    let commit = commit(&stage, fixture_dir, Some(base), BASELINE_MESSAGE)?;
    sync_tree(objects)?;
    Ok((commit, digest))
}

/// A folder in the scratch folder that shows the objects of `repo.git` itself, and not those of other baselines, which it
/// knows as alternates: what a workspace is not given must be written again.
fn objects_of_the_task(repo_git: &Path) -> Result<PathBuf, WorkspaceError> {
    let shown = scratch(repo_git).join("objects");
    fs::create_dir_all(&shown).map_err(failed("make", &shown))?;
    for entry in entries(&repo_git.join("objects"))? {
        if entry.file_name() != "info" {
            let link = shown.join(entry.file_name());
            symlink(entry.path(), &link).map_err(failed("make", &link))?;
        }
    }
    Ok(shown)
}

/// The place for an index in an empty scratch folder: a call that was killed leaves locks behind.
fn fresh_index(repo_git: &Path) -> Result<PathBuf, WorkspaceError> {
    let scratch = scratch(repo_git);
    super::remove_folder(&scratch)?;
    fs::create_dir_all(&scratch).map_err(failed("make", &scratch))?;
    Ok(scratch.join("index"))
}

/// Tells `repo.git` of one more folder with objects, by a path that stays right when the experiment is moved.
fn add_alternate(repo_git: &Path, place: &str) -> Result<(), WorkspaceError> {
    let path = repo_git.join("objects/info/alternates");
    let text = if path.exists() { fs::read_to_string(&path).map_err(failed("read", &path))? } else { String::new() };
    let places: BTreeSet<&str> = text.lines().chain([place]).collect();
    let text: String = places.iter().flat_map(|place| [*place, "\n"]).collect();
    write_durably(repo_git, &path, &text)
}

/// Writes a file of `repo.git` whole or not at all. A ref is such a file too: git's own way to write it leaves a lock
/// behind when it is killed, and the next coordinator would be refused.
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

fn fetch(repo_git: &Path, fixture_dir: &Path, repo: &str, hash: &str) -> Result<(), WorkspaceError> {
    let local = fixture_dir.join(repo);
    let remote = if local.exists() {
        local.into_os_string()
    } else if repo.contains(':') {
        repo.into()
    } else {
        return Err(WorkspaceError::NoRepository { repo: repo.to_owned(), fixture: fixture_dir.to_owned() });
    };
    let args = ["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--"];
    let commit = format!("{hash}:{BASE}");
    let fetch = |git_dir: &Path| Git::new(repo_git, git_dir, &args).fetches();
    if fetch(repo_git).arg(&remote).arg(&commit).run().is_ok() {
        return Ok(());
    }
    // A server may give only what its branches and tags name. Those go elsewhere first, and only the commit's own
    // history comes over.
    let all = repo_git.join("scylla-all");
    initialize(&all, if hash.len() == 64 { "sha256" } else { "sha1" })?;
    fetch(&all).arg(&remote).arg("+refs/*:refs/all/*").run()?;
    fetch(repo_git).arg(&all).arg(&commit).run().map_err(|error| match error {
        WorkspaceError::Git { said, .. } => {
            WorkspaceError::NoCommit { repo: repo.to_owned(), hash: hash.to_owned(), said }
        }
        other => other,
    })?;
    super::remove_folder(&all)
}

/// Commits the base without links to other repositories, when it has any: an agent could put a repository of its own
/// in such a place, and git would run its configuration.
fn leave_submodules_out(repo_git: &Path) -> Result<(), WorkspaceError> {
    let list = ["ls-tree", "-r", "-z", "--full-tree", "--format=%(objectmode) %(path)", BASE];
    let listing = Git::new(repo_git, repo_git, &list).run()?;
    let links: Vec<&[u8]> = listing.split(|byte| *byte == 0).filter_map(|line| line.strip_prefix(b"160000 ")).collect();
    if links.is_empty() {
        return Ok(());
    }
    let index = fresh_index(repo_git)?;
    let objects = repo_git.join("objects");
    let stage = Stage { repo_git, index: &index, objects: &objects, known: &objects };
    stage.git(repo_git, &["read-tree", BASE]).run()?;
    stage.git(repo_git, &["update-index", "-z", "--force-remove", "--stdin"]).stdin(links.join(&0)).run()?;
    let commit = commit(&stage, repo_git, Some(BASE), WITHOUT_SUBMODULES_MESSAGE)?;
    Git::new(repo_git, repo_git, &["update-ref", BASE, &commit]).run()?;
    super::remove_folder(&scratch(repo_git))
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
