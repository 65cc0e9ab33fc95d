//! Makes a repository with a tree in it from an experiment's `repo.git`.
//!
//! The folder is put together by hand, and one git process writes the files. `git clone --local` takes almost three
//! times as long (measured: 14 ms against 5 ms for 70 files), and three things would leak into the workspace: a remote
//! with an absolute path, the other subtests' overlays, and hard links to the objects of `repo.git`, through which an
//! agent could damage every later run. Objects are copied always, for that last reason; a file system that can share
//! blocks makes the copy free, and elsewhere it costs what reading a packed history costs.

use std::fs;
use std::io;
use std::path::Path;

use super::error::{WorkspaceError, failed};
use super::git::Git;

/// The attributes of every repository of ours, above all others: the bytes of a file are the bytes of its blob.
///
/// So no filter is asked for, no line end is changed, and a tree that is taken apart and put together again is equal.
/// Diffs are texts unless the file is binary, whatever the tree's own attributes say.
pub(super) const ATTRIBUTES: &str =
    "* -text !eol -ident -filter -working-tree-encoding !diff !merge !whitespace !conflict-marker-size\n";

/// The branch that is checked out in a workspace.
const BRANCH: &str = "refs/heads/main";

/// Writes the tree of `commit` into the empty folder `to`, with a repository in which nothing but `commit` and its
/// history is: `objects` are the folders that have its objects.
pub(super) fn assemble(objects: &[&Path], commit: &str, to: &Path) -> Result<(), WorkspaceError> {
    let git_dir = to.join(".git");
    for folder in ["info", "objects/info", "objects/pack", "refs/heads", "refs/tags"] {
        let folder = git_dir.join(folder);
        fs::create_dir_all(&folder).map_err(failed("make", &folder))?;
    }
    for from in objects {
        copy_objects(from, &git_dir.join("objects"))?;
    }
    // 64 hex digits are a SHA-256 id, which only format 1 can say.
    let format = if commit.len() == 64 {
        "\trepositoryformatversion = 1\n[extensions]\n\tobjectformat = sha256\n"
    } else {
        "\trepositoryformatversion = 0\n"
    };
    let config = format!("[core]\n\tbare = false\n\tfilemode = true\n\tlogallrefupdates = true\n{format}");
    for (name, text) in [
        ("config", config.as_str()),
        ("info/attributes", ATTRIBUTES),
        (BRANCH, &format!("{commit}\n")),
        ("HEAD", &format!("ref: {BRANCH}\n")),
    ] {
        let path = git_dir.join(name);
        fs::write(&path, text).map_err(failed("write", &path))?;
    }
    Git::new(to, &git_dir, &["read-tree", "--reset", "-u", "HEAD"]).variable("GIT_WORK_TREE", to).run()?;
    Ok(())
}

/// Copies packs and single objects; `info/` stays behind, because it names other folders.
fn copy_objects(from: &Path, to: &Path) -> Result<(), WorkspaceError> {
    for folder in entries(from)? {
        if folder.file_name() == "info" || !folder.file_type().is_ok_and(|kind| kind.is_dir()) {
            continue;
        }
        let target = to.join(folder.file_name());
        fs::create_dir_all(&target).map_err(failed("make", &target))?;
        for object in entries(&folder.path())? {
            let copy = target.join(object.file_name());
            fs::copy(object.path(), &copy).map_err(failed("copy", &object.path()))?;
        }
    }
    Ok(())
}

/// What a folder holds.
pub(super) fn entries(folder: &Path) -> Result<Vec<fs::DirEntry>, WorkspaceError> {
    fs::read_dir(folder).and_then(Iterator::collect).map_err(failed("read", folder))
}

/// Makes the folder of a new tree, or takes one that is empty.
pub(super) fn make_empty_folder(path: &Path) -> Result<(), WorkspaceError> {
    match fs::create_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(failed("make", path)(error)),
        _ if !path.is_dir() || fs::read_dir(path).map_err(failed("read", path))?.next().is_some() => {
            Err(WorkspaceError::Taken { path: path.to_owned() })
        }
        _ => Ok(()),
    }
}
