//! Fetches the commit of a task from the repository that the fixture names.

use std::ffi::OsString;
use std::path::Path;

use super::error::WorkspaceError;
use super::git::{Git, GitDir, ObjectFormat};
use crate::text::url;

/// The arguments of a fetch. An incomplete history is accepted, and reported in `is_cut`.
const FETCH: [&str; 6] = ["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--update-shallow", "--"];

/// A commit that was fetched.
#[derive(Debug)]
pub(super) struct Fetched {
    /// The commit.
    pub(super) commit: String,
    /// Whether parts of its history are missing.
    pub(super) is_cut: bool,
}

/// Where a fixture's repository is.
struct Remote<'a> {
    /// Its URL or path as the fixture names it. Credentials in it are only for git, and are never shown.
    repo: &'a str,
    place: OsString,
    /// Whether it is a folder of this machine, which may be a shallow or partial clone.
    is_local: bool,
}

impl<'a> Remote<'a> {
    fn find(fixture_dir: &Path, repo: &'a str) -> Result<Self, WorkspaceError> {
        let local = fixture_dir.join(repo);
        if local.exists() {
            Ok(Self { repo, place: local.into_os_string(), is_local: true })
        } else if repo.contains(':') {
            Ok(Self { repo, place: url::without_credentials(repo).into(), is_local: false })
        } else {
            Err(WorkspaceError::NoRepository { repo: url::without_credentials(repo), fixture: fixture_dir.to_owned() })
        }
    }

    /// Fetches into a folder of objects what an argument of the command names.
    fn fetch(&self, git_dir: &GitDir, objects: &Path, what: &str) -> Result<(), WorkspaceError> {
        let fetch = git_dir.git(objects, &FETCH).writes_to(objects).fetches();
        // A partial clone gets missing objects from its own remote, but git does that only when it is allowed to.
        let fetch = if self.is_local { fetch.variable("GIT_NO_LAZY_FETCH", "0") } else { fetch };
        let named = url::without_credentials(self.repo);
        let fetch = if self.is_local || named == self.repo {
            fetch
        } else {
            fetch.setting(&format!("url.{}.insteadOf", self.repo), &named)
        };
        fetch.arg(&self.place).arg(what).run().map(|_| ()).map_err(|error| match error {
            WorkspaceError::Git { command, folder, message } => {
                WorkspaceError::Git { command, folder, message: url::without_credentials_of(self.repo, &message) }
            }
            other => other,
        })
    }

    /// Whether it is a folder with an incomplete history.
    fn is_shallow(&self) -> bool {
        let place = Path::new(&self.place);
        self.is_local && ["shallow", ".git/shallow"].iter().any(|file| place.join(file).exists())
    }
}

/// Fetches a commit and its history, and nothing newer, into the objects of a new repository.
pub(super) fn fetch(repo_git: &Path, fixture_dir: &Path, repo: &str, hash: &str) -> Result<Fetched, WorkspaceError> {
    let objects = &repo_git.join("objects");
    let remote = Remote::find(fixture_dir, repo)?;
    let format = ObjectFormat::of_id(hash);
    let git_dir = GitDir::new(format, &[])?;
    let refused = match remote.fetch(&git_dir, objects, hash) {
        Ok(()) => {
            let commit = commit_of(&git_dir, objects, hash)?;
            return Ok(Fetched { commit, is_cut: git_dir.is_shallow() });
        }
        Err(WorkspaceError::Git { message, .. }) => message,
        Err(other) => return Err(other),
    };
    // A server may only offer what its branches and tags name. They are fetched into another folder first, and only the
    // commit's own history is taken from there.
    let all = repo_git.join("scylla-all");
    std::fs::create_dir_all(all.join("pack")).map_err(super::error::failed("make", &all))?;
    let git_dir = GitDir::new(format, &[])?;
    remote.fetch(&git_dir, &all, "+refs/*:refs/all/*")?;
    let is_cut = git_dir.is_shallow();
    let commit = commit_of(&git_dir, &all, hash).map_err(|error| match error {
        WorkspaceError::Git { .. } => WorkspaceError::NoCommit {
            repo: url::without_credentials(repo),
            hash: hash.to_owned(),
            message: refused,
            is_shallow: is_cut || remote.is_shallow(),
        },
        other => other,
    })?;
    let pack = git_dir.git(&all, &["pack-objects", "--quiet", "--revs", "--no-reuse-delta"]).writes_to(&all);
    pack.arg(objects.join("pack/pack")).stdin(format!("{commit}\n").into_bytes()).run()?;
    super::remove_folder(&all)?;
    Ok(Fetched { commit, is_cut })
}

/// The id of the commit that `hash` names.
fn commit_of(git_dir: &GitDir, objects: &Path, hash: &str) -> Result<String, WorkspaceError> {
    let verify: Git<'_> = git_dir.git(objects, &["rev-parse", "--quiet", "--verify"]);
    verify.arg(format!("{hash}^{{commit}}")).writes_to(objects).line()
}
