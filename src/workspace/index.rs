//! Adds the files of a folder to a git index, through a repository that the folder knows nothing of.
//!
//! The folder may be an agent's. git finds its objects, configuration and attributes in the repository that we name; of
//! the folder it reads files, `.gitignore` and whether a subfolder is a repository. Nested repositories are added as
//! plain files: otherwise they would become links to commits that exist nowhere else. What git cannot keep is left out,
//! and named.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::{self, Metadata, Permissions};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::entries;
use super::error::{WorkspaceError, failed};
use super::git::{Git, GitDir, path_of};
use crate::model::changes::Ignored;

/// Most bytes of changed files that are added: four times the largest patch, because patches are compressed.
const MOST_CONTENT: u64 = 4 * crate::model::limits::MOST_PATCH_BYTES;
/// Most nested repositories and places that git cannot keep: each costs calls of git.
const MOST_ODD: usize = 1000;

/// Which files are added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Files {
    /// All but ignored ones; files that are missing from the folder are removed from the index.
    NotIgnored,
    /// Ignored ones too; files that are missing from the folder stay in the index.
    All,
}

/// What was met while a folder's files were added.
#[derive(Debug, Default)]
pub(super) struct Added {
    /// Places that were left out.
    pub(super) left_out: Vec<PathBuf>,
    /// Whether anything differs from what the index held before.
    pub(super) changed: bool,
    /// Whether there are `.gitignore` files.
    pub(super) ignores: bool,
    /// Whether a folder below may be a repository of its own, into which git does not look.
    pub(super) nested: bool,
}

/// An index that is being filled. Its calls share one git-dir.
#[derive(Debug, Clone, Copy)]
pub(super) struct Index<'a> {
    /// The file of the index.
    pub(super) file: &'a Path,
    /// The folder that new objects are written to.
    pub(super) objects: &'a Path,
    /// What git reads beside them: existing objects, which are not written again.
    pub(super) git_dir: &'a GitDir,
}

impl Index<'_> {
    /// A call of git on this index.
    pub(super) fn git<'a>(&'a self, folder: &'a Path, args: &[&str]) -> Git<'a> {
        self.git_dir
            .git(folder, args)
            .variable("GIT_WORK_TREE", folder)
            .variable("GIT_INDEX_FILE", self.file)
            .writes_to(self.objects)
    }

    /// Adds the folder's files.
    pub(super) fn add(&self, folder: &Path, files: Files) -> Result<Added, WorkspaceError> {
        // A fixture belongs to the person and is left as it is.
        let mut added = if files == Files::NotIgnored { make_readable(folder)? } else { Added::default() };
        let mut listing = self.list(folder, files)?;
        if listing.is_empty() {
            return Ok(added);
        }
        added.changed = true;
        let mut sorted = Sorted::new(folder, &listing)?;
        if !sorted.replaced.is_empty() {
            // git lists the contents of such a folder only when the index has no file there.
            self.forget(folder, &sorted.replaced)?;
            listing = self.list(folder, files)?;
            sorted = Sorted::new(folder, &listing)?;
        }
        self.forget(folder, &sorted.refused)?;
        let add: &[&str] = match files {
            Files::NotIgnored => &["add", "--all"],
            Files::All => &["add", "--ignore-removal", "--force"],
        };
        let odd = sorted.nested.iter().chain(&sorted.refused).map(|place| specification("exclude,top,literal", place));
        self.by_names(folder, add, [":/".into()].into_iter().chain(odd))?;
        for nested in &sorted.nested {
            added.left_out.extend(self.add_nested(folder, nested, files)?);
        }
        added.left_out.extend(sorted.refused);
        Ok(added)
    }

    /// Adds files that a `.gitignore` of the tree excludes, where one of the patterns names them; gives whether there
    /// are any. No folder below may be a repository.
    pub(super) fn include(
        &self,
        folder: &Path,
        patterns: &[String],
        left_out: &mut Vec<PathBuf>,
    ) -> Result<bool, WorkspaceError> {
        if patterns.is_empty() {
            return Ok(false);
        }
        let list = self.git(folder, &["ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--"]);
        let listing = patterns.iter().fold(list, |list, pattern| list.arg(format!(":(top,glob){pattern}"))).run()?;
        let sorted = Sorted::new(folder, &listing)?;
        let names = listing.split(|byte| *byte == 0).filter(|name| !name.is_empty() && !name.ends_with(b"/"));
        let names = names.map(path_of).filter(|name| !sorted.refused.iter().any(|refused| name.starts_with(refused)));
        let names: Vec<OsString> = names.map(|name| specification("top,literal", name)).collect();
        let is_any = !names.is_empty();
        if is_any {
            self.by_names(folder, &["add", "--force"], names.into_iter())?;
        }
        left_out.extend(sorted.refused);
        Ok(is_any)
    }

    /// What is in the folder and is not added, because a `.gitignore` of the tree excludes it. No folder below may be a
    /// repository.
    pub(super) fn ignored(&self, folder: &Path) -> Result<Ignored, WorkspaceError> {
        let listing = self.git(folder, &["ls-files", "-z", "--others", "--ignored", "--exclude-standard"]).run()?;
        let mut ignored = Ignored::default();
        for name in listing.split(|byte| *byte == 0).filter(|name| !name.is_empty()) {
            let found = fs::symlink_metadata(folder.join(path_of(name)));
            ignored.add(&String::from_utf8_lossy(name), found.map_or(0, |found| found.len()));
        }
        Ok(ignored)
    }

    /// The names of files that differ from the index or are not in it, and of nested repositories with a `/`.
    fn list(&self, folder: &Path, files: Files) -> Result<Vec<u8>, WorkspaceError> {
        let listing = self.git(folder, &["ls-files", "-z", "--others", "--modified"]);
        if files == Files::NotIgnored { listing.arg("--exclude-standard") } else { listing }.run()
    }

    /// Removes from the index places whose files are gone.
    fn forget(&self, folder: &Path, places: &BTreeSet<PathBuf>) -> Result<(), WorkspaceError> {
        if places.is_empty() {
            return Ok(());
        }
        let remove = ["rm", "--cached", "--force", "--quiet", "--ignore-unmatch"];
        self.by_names(folder, &remove, places.iter().map(|place| specification("top,literal", place)))
    }

    /// Runs git with a list of path specifications, which may be longer than a command line.
    fn by_names(
        &self,
        folder: &Path,
        args: &[&str],
        names: impl Iterator<Item = OsString>,
    ) -> Result<(), WorkspaceError> {
        let mut stdin = Vec::new();
        for name in names {
            stdin.extend_from_slice(name.as_bytes());
            stdin.push(0);
        }
        let git = self.git(folder, args).arg("--pathspec-from-file=-").arg("--pathspec-file-nul");
        git.stdin(stdin).run().map(|_| ())
    }

    /// Adds a nested repository's files as files of this tree, with the help of a second index.
    fn add_nested(&self, folder: &Path, nested: &Path, files: Files) -> Result<Vec<PathBuf>, WorkspaceError> {
        let mut file = self.file.as_os_str().to_owned();
        file.push("-nested");
        let file = PathBuf::from(file);
        let inner = Index { file: &file, ..*self };
        let nested_folder = folder.join(nested);
        let Added { left_out, changed, .. } = inner.add(&nested_folder, files)?;
        if !changed {
            return Ok(left_out.into_iter().map(|place| nested.join(place)).collect());
        }
        let tree = inner.git(folder, &["write-tree"]).line()?;
        super::remove_file(&file)?;
        let mut prefix = OsString::from("--prefix=");
        prefix.push(nested);
        prefix.push("/");
        self.git(folder, &["read-tree"]).arg(prefix).arg(tree).run()?;
        Ok(left_out.into_iter().map(|place| nested.join(place)).collect())
    }
}

/// The places of a listing that cannot be added as they are.
#[derive(Debug, Default)]
struct Sorted {
    /// Repositories below the folder.
    nested: BTreeSet<PathBuf>,
    /// What git cannot keep: pipes, sockets and devices, and names that it reserves.
    refused: BTreeSet<PathBuf>,
    /// Folders where the index has a file.
    replaced: BTreeSet<PathBuf>,
}

impl Sorted {
    fn new(folder: &Path, listing: &[u8]) -> Result<Self, WorkspaceError> {
        let mut sorted = Self::default();
        let mut content = 0_u64;
        for name in listing.split(|byte| *byte == 0).filter(|name| !name.is_empty()) {
            if let Some(nested) = name.strip_suffix(b"/") {
                let nested = path_of(nested);
                match reserved(nested) {
                    Some(place) => sorted.refused.insert(place),
                    None => sorted.nested.insert(nested.to_owned()),
                };
            } else {
                let path = path_of(name);
                match fs::symlink_metadata(folder.join(path)) {
                    _ if is_below_link(folder, path) => {}
                    Ok(found) if found.is_dir() => {
                        sorted.replaced.insert(path.to_owned());
                    }
                    Ok(found) => {
                        content = content.saturating_add(found.len());
                        let refused = if is_special(&found) { Some(path.to_owned()) } else { reserved(path) };
                        // git does not follow a symbolic link to the configuration of submodules, and does not keep
                        // one.
                        let link = found.is_symlink() && is(path.file_name(), ".gitmodules");
                        sorted.refused.extend(refused.or_else(|| link.then(|| path.to_owned())));
                    }
                    Err(error) if is_missing(&error) => {}
                    Err(error) => return Err(failed("read", &folder.join(path))(error)),
                }
            }
            if sorted.nested.len() + sorted.refused.len() > MOST_ODD {
                return Err(WorkspaceError::TooOdd { path: folder.to_owned(), most: MOST_ODD });
            }
            if content > MOST_CONTENT {
                return Err(WorkspaceError::TooLarge { path: folder.to_owned(), most: MOST_CONTENT });
            }
        }
        Ok(sorted)
    }
}

/// A path as git reads it in a list of path specifications: byte for byte.
fn specification(magic: &str, path: &Path) -> OsString {
    let mut specification = OsString::from(format!(":({magic})"));
    specification.push(path);
    specification
}

/// Whether a folder of the path is a symbolic link now: then the path is not in the tree.
fn is_below_link(folder: &Path, path: &Path) -> bool {
    let mut folders = path.ancestors().skip(1).filter(|part| !part.as_os_str().is_empty());
    folders.any(|part| fs::symlink_metadata(folder.join(part)).is_ok_and(|found| found.is_symlink()))
}

/// The part of the path up to a name that git reserves, in whatever case.
fn reserved(path: &Path) -> Option<PathBuf> {
    let at = path.iter().position(|name| is(Some(name), ".git"))?;
    Some(path.iter().take(at + 1).collect())
}

fn is(name: Option<&std::ffi::OsStr>, other: &str) -> bool {
    name.is_some_and(|name| name.eq_ignore_ascii_case(other))
}

fn is_missing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// Makes every file and folder readable for us, so that none looks deleted, and removes pipes that git would wait for.
///
/// git opens `.gitignore` and `.gitattributes` without looking at their kind, and would wait for ever for a pipe's
/// other end. Such a pipe cannot be kept in a tree, so it is removed. Every place that git does not keep is in
/// `left_out`.
fn make_readable(folder: &Path) -> Result<Added, WorkspaceError> {
    let mut added = Added::default();
    let top = fs::symlink_metadata(folder).map_err(failed("read", folder))?;
    allow(folder, &top, 0o500)?;
    let mut folders = vec![folder.to_owned()];
    while let Some(folder_now) = folders.pop() {
        for entry in entries(&folder_now)? {
            let path = entry.path();
            let found = entry.metadata().map_err(failed("read", &path))?;
            if entry.file_name() == ".git" {
                added.nested |= folder_now != folder;
            } else if found.is_dir() {
                allow(&path, &found, 0o500)?;
                folders.push(path);
            } else if found.is_file() {
                allow(&path, &found, 0o400)?;
                added.ignores |= entry.file_name() == ".gitignore";
            } else if is_special(&found) {
                if [".gitignore", ".gitattributes"].iter().any(|name| entry.file_name() == *name) {
                    fs::remove_file(&path).map_err(failed("remove", &path))?;
                }
                added.left_out.extend(path.strip_prefix(folder).ok().map(Path::to_owned));
            }
        }
    }
    Ok(added)
}

/// Adds rights to a file or folder that lacks them.
fn allow(path: &Path, found: &Metadata, rights: u32) -> Result<(), WorkspaceError> {
    let mode = found.permissions().mode();
    if mode & rights == rights {
        return Ok(());
    }
    fs::set_permissions(path, Permissions::from_mode(mode | rights)).map_err(failed("open", path))
}

/// Whether it is a pipe, a socket or a device.
fn is_special(found: &Metadata) -> bool {
    !found.is_file() && !found.is_dir() && !found.is_symlink()
}
