//! The stages that make and read trees: prepare and capture.

use crate::engine::failure::storage;
use crate::engine::stages::{Halt, Work};
use crate::model::outcome::{Failure, FailureKind, Stage};
use crate::model::result::AgentResult;
use crate::os::files;
use crate::workspace::{self, WorkspaceError};

/// A failure of git or of the workspace's files.
fn broken(error: &WorkspaceError) -> Failure {
    Failure::new(FailureKind::Workspace, storage(error).message)
}

impl Work<'_> {
    /// Makes the workspace at the subtest's baseline.
    pub(in crate::engine) fn prepare(&mut self) -> Result<(), Halt> {
        self.enter(Stage::Prepare, None)?;
        self.make_workspace()
    }

    /// Makes the workspace; nothing must be in its place.
    pub(super) fn make_workspace(&mut self) -> Result<(), Halt> {
        let (repo, workspace) = (self.place.folder.repo(), self.folder.workspace());
        let made = workspace::prepare::prepare(&repo, &workspace, self.run.tier, self.run.subtest);
        self.baseline = Some(made.map_err(|error| broken(&error))?);
        Ok(())
    }

    /// Takes what the agent changed as a patch. Nothing of the agent is alive, and nothing else has run there.
    pub(in crate::engine) fn capture(&mut self, agent: &AgentResult) -> Result<(), Halt> {
        self.enter(Stage::Capture, None)?;
        let workspace = self.folder.workspace();
        if matches!(files::kind_of(&workspace), Ok(None)) {
            // The work is gone before it was taken: only a new attempt can bring it back.
            self.agent_complete = false;
            let lost = format!("the workspace was gone before the changes of the agent ({}) were taken", agent.end);
            return Err(Failure::new(FailureKind::Workspace, lost).into());
        }
        let (repo, private) = (self.place.folder.repo(), self.folder.private());
        let baseline = match self.baseline.take() {
            Some(baseline) => Ok(baseline),
            None => workspace::prepare::baseline(&repo, self.run.tier, self.run.subtest),
        };
        let captured = baseline
            .and_then(|baseline| workspace::capture::capture(&repo, &workspace, &private, &baseline))
            .map_err(|error| broken(&error))?;
        for place in captured.left_out {
            self.notice(&format!("no patch can hold `{}`, so it is left out", place.display()));
        }
        let patch = self.place.secrets.redact(&captured.patch);
        self.store.write_patch(&patch).map_err(|error| storage(&error))?;
        self.remove(&private);
        Ok(())
    }

    /// The commit that the workspace was made from.
    pub(super) fn baseline_commit(&self) -> Result<String, Halt> {
        let baseline = workspace::prepare::baseline(&self.place.folder.repo(), self.run.tier, self.run.subtest);
        Ok(baseline.map_err(|error| broken(&error))?.commit)
    }

    /// Makes sure that the graded tree is there: a folder that was moved to another machine has only the patch.
    pub(super) fn graded_tree(&mut self) -> Result<(), Halt> {
        let workspace = self.folder.workspace();
        if matches!(files::kind_of(&workspace), Ok(None)) {
            let (repo, patch) = (self.place.folder.repo(), self.folder.patch());
            workspace::checkout::checkout(&repo, self.run.tier, self.run.subtest, &patch, &workspace)
                .map_err(|error| broken(&error))?;
        }
        Ok(())
    }

    /// Removes the tree, so that it is made anew from the patch before it is needed.
    pub(in crate::engine) fn forget_tree(&self) {
        self.remove(&self.folder.workspace());
    }

    /// Removes the workspace of a committed run unless it is to stay; the patch is enough to rebuild the tree.
    pub(super) fn clear_workspace(&self, keeps_workspace: bool) {
        if !keeps_workspace {
            self.remove(&self.folder.workspace());
        }
    }

    fn remove(&self, folder: &std::path::Path) {
        if let Err(error) = files::remove_tree(folder) {
            self.notice(&format!("`{}` could not be removed: {error}", folder.display()));
        }
    }
}
