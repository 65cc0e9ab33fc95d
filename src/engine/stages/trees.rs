//! The stages that make and read trees: prepare and capture, and the fresh trees that checks and judges work in.

use std::path::PathBuf;

use crate::engine::failure::storage;
use crate::engine::stages::{Halt, Work};
use crate::model::experiment::KeepWorkspaces;
use crate::model::outcome::{Failure, FailureKind, Stage};
use crate::model::result::AgentResult;
use crate::os::clock;
use crate::os::files::{self, Kind};
use crate::store::work::WorkFolder;
use crate::workspace::{self, WorkspaceError};

/// A failure of git or of the workspace's files.
fn broken(error: &WorkspaceError) -> Failure {
    Failure::new(FailureKind::Workspace, storage(error).message)
}

/// A failure of the place where work folders lie.
pub(super) fn no_place(error: &dyn std::error::Error) -> Failure {
    Failure::new(FailureKind::Workspace, storage(error).message)
}

impl Work<'_> {
    /// Makes a work folder with the agent's workspace in it, at the subtest's baseline.
    pub(in crate::engine) fn prepare(&mut self) -> Result<(), Halt> {
        self.enter(Stage::Prepare, None)?;
        let work = self.place.work.create().map_err(|error| no_place(&error))?;
        self.store.point_to(&work).map_err(|error| storage(&error))?;
        let repo = self.place.folder.repo();
        let made = workspace::prepare::prepare(&repo, &work.workspace(), self.run.tier, self.run.subtest);
        self.temporary = Some(work);
        self.baseline = Some(made.map_err(|error| broken(&error))?);
        Ok(())
    }

    /// A new work folder with the untouched tree of the subtest in it.
    pub(super) fn untouched_tree(&self) -> Result<WorkFolder, Halt> {
        let fresh = self.place.work.create().map_err(|error| no_place(&error))?;
        let repo = self.place.folder.repo();
        workspace::prepare::prepare(&repo, &fresh.workspace(), self.run.tier, self.run.subtest)
            .map_err(|error| broken(&error))?;
        Ok(fresh)
    }

    /// A new work folder with the graded tree in it: the baseline with the changes. What its user does to it is seen by
    /// nobody else, and it depends on nothing but the experiment's folder.
    pub(super) fn graded_tree(&self) -> Result<WorkFolder, Halt> {
        let fresh = self.place.work.create().map_err(|error| no_place(&error))?;
        let (repo, patch) = (self.place.folder.repo(), self.folder.patch());
        workspace::checkout::checkout(&repo, self.run.tier, self.run.subtest, &patch, &fresh.workspace())
            .map_err(|error| broken(&error))?;
        Ok(fresh)
    }

    /// Takes what the agent changed as a patch. Nothing of the agent is alive, and nothing else has run there.
    pub(in crate::engine) fn capture(&mut self, agent: &AgentResult) -> Result<(), Halt> {
        self.enter(Stage::Capture, None)?;
        let Some(workspace) = self.left_by(agent)? else {
            // The work is gone before it was taken: only a new attempt can bring it back.
            self.agent_complete = false;
            let lost = format!("the workspace was gone before the changes of the agent ({}) were taken", agent.end);
            return Err(Failure::new(FailureKind::Workspace, lost).into());
        };
        let scratch = self.place.work.create().map_err(|error| no_place(&error))?;
        let repo = self.place.folder.repo();
        let baseline = match self.baseline.take() {
            Some(baseline) => Ok(baseline),
            None => workspace::prepare::baseline(&repo, self.run.tier, self.run.subtest),
        };
        let captured = baseline
            .and_then(|baseline| workspace::capture::capture(&workspace, &scratch.private(), &baseline))
            .map_err(|error| broken(&error))?;
        for place in captured.left_out {
            self.notice(&format!("no patch can hold `{}`, so it is left out", place.display()));
        }
        self.store.write_patch(&captured.patch).map_err(|error| storage(&error))?;
        self.remove(scratch);
        if self.place.config.keep_workspaces == KeepWorkspaces::None {
            self.forget_work();
        }
        Ok(())
    }

    /// The tree that the agent left; `None` when it is lost.
    fn left_by(&mut self, agent: &AgentResult) -> Result<Option<PathBuf>, Halt> {
        if self.temporary.is_none()
            && let Some(place) = &agent.work
        {
            self.temporary = self.place.work.find(place).map_err(|error| storage(&error))?;
        }
        if let Some(work) = &self.temporary {
            return Ok(Some(work.workspace()));
        }
        // Format 4.0 had it in the run's folder, and did not make it durable.
        let workspace = self.folder.workspace();
        let there = files::kind_of(&workspace).map_err(|error| storage(&error))? == Some(Kind::Folder);
        let since_then = clock::is_of_this_start(agent.started_at);
        Ok((agent.work.is_none() && there && since_then).then_some(workspace))
    }

    /// The commit that the workspace was made from.
    pub(super) fn baseline_commit(&self) -> Result<String, Halt> {
        let baseline = workspace::prepare::baseline(&self.place.folder.repo(), self.run.tier, self.run.subtest);
        Ok(baseline.map_err(|error| broken(&error))?.commit)
    }

    /// Removes what the agent worked in; nothing of it is needed any more.
    pub(super) fn forget_work(&mut self) {
        if let Some(work) = self.temporary.take() {
            self.remove(work);
        }
        // Where format 4.0 had it.
        for left in [self.folder.workspace(), self.folder.private()] {
            if let Err(error) = files::remove_tree(&left) {
                self.notice(&error.to_string());
            }
        }
    }

    /// Moves the workspace to where people look for it, before the commit; the rest of the work folder goes.
    pub(super) fn settle_workspace(&mut self, agent: &AgentResult, keeps_workspace: bool) {
        if self.temporary.is_none()
            && let Some(place) = &agent.work
        {
            self.temporary = self.place.work.find(place).ok().flatten();
        }
        let kept = self.folder.workspace();
        match &self.temporary {
            Some(work) if keeps_workspace && matches!(files::kind_of(&work.workspace()), Ok(Some(Kind::Folder))) => {
                if let Err(error) = files::move_tree(&work.workspace(), &kept) {
                    self.notice(&format!("the workspace could not be kept: {error}"));
                }
                if let Some(work) = self.temporary.take() {
                    self.remove(work);
                }
            }
            _ if keeps_workspace => {}
            _ => self.forget_work(),
        }
    }

    pub(super) fn remove(&self, folder: WorkFolder) {
        if let Err(error) = folder.remove() {
            self.notice(&error.to_string());
        }
    }
}
