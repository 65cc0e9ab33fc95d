//! The tree of a fixture's task, made to find out whether patches apply to it: the solution, and those of gold examples.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::cli::error::CliError;
use crate::config::mistake::Mistake;
use crate::model::ids::{SubtestId, TierId};
use crate::model::task::{Fixture, Source};
use crate::os::files::{self, FileError};
use crate::workspace::base::{Layers, make_base, make_baselines};
use crate::workspace::checkout::apply;
use crate::workspace::error::WorkspaceError;
use crate::workspace::prepare::prepare;

/// The subtest whose tree is made: without anything laid over it, each is the same.
const SUBTEST: SubtestId = SubtestId(0);

/// The task's tree with the solution applied, in a folder that is removed when this is dropped.
pub(super) struct Tree {
    /// Its path.
    pub(super) path: PathBuf,
    _folder: files::TemporaryFolder,
}

/// The outcome of applying the solution.
pub(super) enum Solved {
    /// It applies, or there is none.
    Tree(Tree),
    /// It does not apply.
    Not(Mistake),
    /// The task's tree is elsewhere, and nothing is fetched to check a fixture.
    Elsewhere,
}

/// Makes the task's tree, if that is possible without a network, and applies the solution.
///
/// # Errors
/// When the tree cannot be made.
pub(super) fn solved_tree(dir: &Path, fixture: &Fixture) -> Result<Solved, CliError> {
    let Some(task) = TaskTree::of(dir, fixture)? else { return Ok(Solved::Elsewhere) };
    let tree = task.tree("tree")?;
    if let Some(solution) = &fixture.solution_file
        && let Some(mistake) = task.mistake_of(&dir.join(solution), &tree)
    {
        return Ok(Solved::Not(mistake));
    }
    Ok(Solved::Tree(Tree { path: tree, _folder: task.folder }))
}

/// The task's untouched tree, which can be made any number of times.
pub(super) struct TaskTree {
    folder: files::TemporaryFolder,
}

impl TaskTree {
    /// Reads it, if that is possible without a network.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(super) fn of(dir: &Path, fixture: &Fixture) -> Result<Option<Self>, CliError> {
        if let Source::Repository { repo, .. } = &fixture.source
            && !dir.join(repo).is_dir()
        {
            return Ok(None);
        }
        let folder = files::TemporaryFolder::new("cargo-scylla-")?;
        let repo = folder.path().join("copy.git");
        let base = make_base(&repo, dir, &fixture.source)?;
        make_baselines(&repo, dir, &base, &BTreeMap::from([((TierId(0), SUBTEST), Layers::default())]))?;
        Ok(Some(Self { folder }))
    }

    /// Makes it anew, in a folder of this name.
    ///
    /// # Errors
    /// When it cannot be made.
    pub(super) fn tree(&self, name: &str) -> Result<PathBuf, CliError> {
        let tree = self.folder.path().join(name);
        prepare(&self.folder.path().join("copy.git"), &tree, TierId(0), SUBTEST)?;
        Ok(tree)
    }

    /// Applies a patch to such a tree; why it does not apply.
    pub(super) fn mistake_of(&self, patch: &Path, tree: &Path) -> Option<Mistake> {
        let error = apply(tree, patch).err()?;
        Some(does_not_apply(patch, tree, &self.folder.path().join("other"), &error))
    }

    /// A new file beside the trees with this text.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn file(&self, name: &str, text: &str) -> Result<PathBuf, CliError> {
        let path = self.folder.path().join(name);
        fs::write(&path, text).map_err(|error| FileError::new("write", &path, error))?;
        Ok(path)
    }
}

/// Why a patch does not apply to the task's tree; another form of it is written to `other` to find out.
fn does_not_apply(patch: &Path, tree: &Path, other: &Path, error: &WorkspaceError) -> Mistake {
    // The tree, and often the patch, are in a folder that is removed again: what git says is said of the person's own file.
    let why = match error {
        WorkspaceError::Git { message, .. } => message.replace(&patch.display().to_string(), "the patch"),
        other => other.to_string(),
    };
    let mistake = Mistake::new(patch, format!("does not apply to the tree: {why}"));
    let bytes = fs::read(patch).unwrap_or_default();
    let unix = String::from_utf8_lossy(&bytes).replace("\r\n", "\n");
    let applies = |text: &str| fs::write(other, text).is_ok() && apply(tree, other).is_ok();
    if unix.as_bytes() != bytes && applies(&unix) {
        return mistake
            .hint("its lines end with CR LF and those of the tree with LF: change the patch's, as `dos2unix` does");
    }
    let with_cr = |line: &str| match line.chars().next() {
        Some(' ' | '+' | '-') if !line.starts_with("+++ ") && !line.starts_with("--- ") => format!("{line}\r\n"),
        _ => format!("{line}\n"),
    };
    if applies(&unix.lines().map(with_cr).collect::<String>()) {
        return mistake
            .hint("the tree's lines end with CR LF and those of the patch with LF: make the patch anew from the tree");
    }
    mistake.hint("make it anew with `git diff` in a copy of the tree")
}
