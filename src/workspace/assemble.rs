//! Makes a repository with a checked-out tree from an experiment's `repo.git`.
//!
//! The folder is assembled by hand, and one git process writes the files. `git clone --local` takes almost three times
//! as long (measured: 14 ms against 5 ms for 70 files), and would leak three things into the workspace: a remote with
//! an absolute path, the other subtests' overlays, and hard links to the objects of `repo.git`, through which an agent
//! could damage every later run. For that last reason objects are always copied, which is free on a file system that
//! can share blocks, and elsewhere costs as much as reading a packed history.

use std::fs;
use std::io;
use std::path::Path;

use super::entries;
use super::error::{WorkspaceError, failed};
use super::git::{ATTRIBUTES, Git, ObjectFormat, object_folders};

/// The branch that is checked out in a workspace.
const BRANCH: &str = "refs/heads/main";

/// Writes the tree of `commit` into the empty folder `to`, with a repository that contains only `commit` and its
/// history. `objects` are the folders that have its objects.
pub(super) fn assemble(objects: &[&Path], commit: &str, to: &Path) -> Result<(), WorkspaceError> {
    let git_dir = to.join(".git");
    for folder in ["info", "objects/info", "objects/pack", "refs/heads", "refs/tags"] {
        let folder = git_dir.join(folder);
        fs::create_dir_all(&folder).map_err(failed("make", &folder))?;
    }
    for from in objects {
        copy_objects(from, &git_dir.join("objects"))?;
    }
    let config = ObjectFormat::of_id(commit).config(false);
    for (name, text) in [
        ("config", config.as_str()),
        ("info/attributes", ATTRIBUTES),
        (BRANCH, &format!("{commit}\n")),
        ("HEAD", &format!("ref: {BRANCH}\n")),
    ] {
        let path = git_dir.join(name);
        fs::write(&path, text).map_err(failed("write", &path))?;
    }
    Git::new(to, &[&git_dir.join("objects")], &["read-tree", "--reset", "-u", commit])
        .variable("GIT_WORK_TREE", to)
        .variable("GIT_INDEX_FILE", git_dir.join("index"))
        .run()
        .map(|_| ())
}

/// Copies packs and single objects. `info/` is left out, because it refers to other folders, and so is everything but
/// regular files, because reading a pipe would block.
fn copy_objects(from: &Path, to: &Path) -> Result<(), WorkspaceError> {
    for folder in object_folders(from)? {
        let target = to.join(folder.file_name().unwrap_or_default());
        fs::create_dir_all(&target).map_err(failed("make", &target))?;
        for object in entries(&folder)? {
            if object.file_type().is_ok_and(|kind| kind.is_file()) {
                fs::copy(object.path(), target.join(object.file_name())).map_err(failed("copy", &object.path()))?;
            }
        }
    }
    Ok(())
}

/// Makes the folder of a new tree, or accepts an empty one.
pub(super) fn make_empty_folder(path: &Path) -> Result<(), WorkspaceError> {
    match fs::create_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(failed("make", path)(error)),
        _ if !path.is_dir() || fs::read_dir(path).map_err(failed("read", path))?.next().is_some() => {
            Err(WorkspaceError::Occupied { path: path.to_owned() })
        }
        _ => Ok(()),
    }
}
