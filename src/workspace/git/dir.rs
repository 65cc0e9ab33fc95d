//! The git-dir of our calls: made for a call, with our own configuration, and removed after it.
//!
//! A git-dir controls git: its `config` names programs, its `info/attributes` and hooks start them, and `commondir` and
//! `objects/info/alternates` lead elsewhere. Whoever can write in an experiment's `repo.git` can plant all of these, so
//! git is never given that folder: we read its refs as bytes, and git reads its objects through links that leave
//! `objects/info` out.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::{ATTRIBUTES, Git, quoted};
use crate::os::files::TemporaryFolder;
use crate::workspace::entries;
use crate::workspace::error::{WorkspaceError, failed};

/// The hash function by which git names objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::workspace) enum ObjectFormat {
    /// By 40 hex digits.
    Sha1,
    /// By 64 hex digits.
    Sha256,
}

impl ObjectFormat {
    /// The format with ids of this length.
    pub(in crate::workspace) fn of_id(id: &str) -> Self {
        if id.len() == 64 { Self::Sha256 } else { Self::Sha1 }
    }

    /// The format of the objects in folders, by the length of the names of packs and objects.
    fn of_objects(folders: &[&Path]) -> Result<Self, WorkspaceError> {
        for folder in folders {
            for below in object_folders(folder)? {
                for entry in entries(&below)? {
                    let name = entry.file_name();
                    let name = name.to_string_lossy();
                    let id = name.strip_prefix("pack-").and_then(|name| name.split('.').next()).unwrap_or(&name);
                    if id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                        match id.len() {
                            38 | 40 => return Ok(Self::Sha1),
                            62 | 64 => return Ok(Self::Sha256),
                            _ => {}
                        }
                    }
                }
            }
        }
        Ok(Self::Sha1)
    }

    /// The content of a repository's `config`.
    pub(in crate::workspace) fn config(self, bare: bool) -> String {
        let format = match self {
            Self::Sha1 => "\trepositoryformatversion = 0\n",
            // Only format 1 can express it.
            Self::Sha256 => "\trepositoryformatversion = 1\n[extensions]\n\tobjectformat = sha256\n",
        };
        let log = if bare { "" } else { "\tlogallrefupdates = true\n" };
        format!("[core]\n\tbare = {bare}\n\tfilemode = true\n{log}{format}")
    }
}

/// A git-dir at an unpredictable path, with no refs and no objects of its own.
#[derive(Debug)]
pub(in crate::workspace) struct GitDir {
    folder: TemporaryFolder,
    alternates: OsString,
}

impl GitDir {
    /// Makes one that can read the objects of these folders, but not of further folders that they refer to.
    pub(in crate::workspace) fn seeing(objects: &[&Path]) -> Result<Self, WorkspaceError> {
        Self::new(ObjectFormat::of_objects(objects)?, objects)
    }

    /// Makes one for objects of a format.
    pub(in crate::workspace) fn new(format: ObjectFormat, objects: &[&Path]) -> Result<Self, WorkspaceError> {
        let folder = TemporaryFolder::new("cargo-scylla-git-")?;
        let path = folder.path();
        for below in ["info", "objects/pack", "refs/heads", "seen"] {
            let below = path.join(below);
            fs::create_dir_all(&below).map_err(failed("make", &below))?;
        }
        for (name, text) in [
            ("config", format.config(true).as_str()),
            ("info/attributes", ATTRIBUTES),
            ("HEAD", "ref: refs/heads/base\n"),
        ] {
            let file = path.join(name);
            fs::write(&file, text).map_err(failed("write", &file))?;
        }
        let mut alternates = OsString::new();
        for (at, from) in objects.iter().enumerate() {
            let seen = path.join(format!("seen/{at}"));
            fs::create_dir(&seen).map_err(failed("make", &seen))?;
            for below in object_folders(from)? {
                let link = seen.join(below.file_name().unwrap_or_default());
                symlink(&below, &link).map_err(failed("make", &link))?;
            }
            if at > 0 {
                alternates.push(":");
            }
            alternates.push(quoted(&seen));
        }
        Ok(Self { folder, alternates })
    }

    /// Sets its branch, so that calls that drop unreachable objects keep what it leads to.
    pub(in crate::workspace) fn set_branch(&self, commit: &str) -> Result<(), WorkspaceError> {
        let branch = self.folder.path().join("refs/heads/base");
        fs::write(&branch, format!("{commit}\n")).map_err(failed("write", &branch))
    }

    /// Whether a fetch got an incomplete history.
    pub(in crate::workspace) fn is_shallow(&self) -> bool {
        fs::metadata(self.folder.path().join("shallow")).is_ok_and(|found| found.len() > 0)
    }

    /// A call that works in `folder`, with this git-dir.
    pub(in crate::workspace) fn git<'a>(&'a self, folder: &'a Path, args: &[&str]) -> Git<'a> {
        Git::with(super::Place::Given(self), folder, args)
    }

    /// The variables by which git uses it.
    pub(super) fn environment(&self) -> [(OsString, OsString); 2] {
        [
            ("GIT_DIR".into(), self.folder.path().into()),
            ("GIT_ALTERNATE_OBJECT_DIRECTORIES".into(), self.alternates.clone()),
        ]
    }
}

/// The folders of packs and of single objects, without `info` and everything else.
pub(in crate::workspace) fn object_folders(objects: &Path) -> Result<Vec<PathBuf>, WorkspaceError> {
    let is_of_objects =
        |name: &OsStr| name == "pack" || name.len() == 2 && name.as_encoded_bytes().iter().all(u8::is_ascii_hexdigit);
    let all = entries(objects)?.into_iter();
    let folders =
        all.filter(|entry| is_of_objects(&entry.file_name()) && entry.file_type().is_ok_and(|kind| kind.is_dir()));
    Ok(folders.map(|entry| entry.path()).collect())
}
