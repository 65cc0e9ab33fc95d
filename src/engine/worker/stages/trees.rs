//! The stages that make and read trees: prepare and capture, and the fresh trees that checks and judges work in.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::engine::error::with_causes;
use crate::engine::worker::stages::{Halt, Work};
use crate::model::changes::{Changes, LeftOut};
use crate::model::digest::Digest;
use crate::model::experiment::KeepWorkspaces;
use crate::model::flag::Flag;
use crate::model::outcome::{Failure, FailureKind, Stage};
use crate::model::result::AgentResult;
use crate::os::clock;
use crate::os::files::{self, Kind};
use crate::store::work::WorkFolder;
use crate::workspace::capture::Captured;
use crate::workspace::prepare::Baseline;
use crate::workspace::{self, WorkspaceError};

/// A failure of git or of the workspace's files.
fn broken(error: &WorkspaceError) -> Failure {
    Failure::new(FailureKind::Workspace, with_causes(error))
}

/// A failure to make a work folder.
pub(super) fn no_place(error: &dyn std::error::Error) -> Failure {
    Failure::new(FailureKind::Workspace, with_causes(error))
}

impl Work<'_> {
    /// Makes a work folder with the agent's workspace in it, at the subtest's baseline.
    pub(in crate::engine) fn prepare(&mut self) -> Result<(), Halt> {
        self.enter(Stage::Prepare, None)?;
        let work = self.place.work.create().map_err(|error| no_place(&error))?;
        self.store.point_to(&work)?;
        let repo = self.place.folder.repo();
        let made = workspace::prepare::prepare(&repo, &work.workspace(), self.run.tier, self.run.subtest);
        self.temporary = Some(work);
        self.baseline = Some(made.map_err(|error| broken(&error))?);
        Ok(())
    }

    /// A new work folder with the untouched tree of the subtest in it.
    pub(super) fn baseline_tree(&self) -> Result<WorkFolder, Halt> {
        let fresh = self.place.work.create().map_err(|error| no_place(&error))?;
        let repo = self.place.folder.repo();
        workspace::prepare::prepare(&repo, &fresh.workspace(), self.run.tier, self.run.subtest)
            .map_err(|error| broken(&error))?;
        Ok(fresh)
    }

    /// A new work folder with the graded tree in it: the baseline with the changes. Nobody else sees what its user does
    /// to it, and it depends only on the experiment's folder.
    pub(super) fn graded_tree(&self) -> Result<WorkFolder, Halt> {
        let fresh = self.place.work.create().map_err(|error| no_place(&error))?;
        let (repo, patch) = (self.place.folder.repo(), self.folder.patch());
        workspace::checkout::checkout(&repo, self.run.tier, self.run.subtest, &patch, &fresh.workspace())
            .map_err(|error| broken(&error))?;
        Ok(fresh)
    }

    /// Captures what the agent changed as a patch. None of the agent's processes is alive, and nothing else has run
    /// there.
    pub(in crate::engine) fn capture(&mut self, agent: &AgentResult) -> Result<(), Halt> {
        self.enter(Stage::Capture, None)?;
        let Some(workspace) = self.left_by(agent)? else {
            // The tree is lost before it was captured: only a new attempt can produce it again.
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
        let baseline = baseline.map_err(|error| broken(&error))?;
        let (captured, flags) = self.captured(&workspace, &scratch, &baseline)?;
        let mut changes = Changes {
            baseline_commit: baseline.commit,
            patch: Digest::of(&captured.patch),
            tree: Some(captured.tree).filter(|tree| !tree.is_empty()),
            ignored: captured.ignored,
            left_out: LeftOut::default(),
            flags,
        };
        changes.ignored.names.iter_mut().for_each(|name| *name = self.redacted(name));
        captured.left_out.iter().for_each(|place| changes.left_out.add(&self.redacted(&place.to_string_lossy())));
        self.report_left_out(&changes);
        self.must_hold()?;
        self.store.write_changes(&changes)?;
        self.store.write_patch(&captured.patch)?;
        self.remove(scratch);
        if self.place.config.keep_workspaces == KeepWorkspaces::None {
            self.forget_work();
        }
        Ok(())
    }

    /// What can be captured of a tree, whatever the agent did to it, and the flags for what is unusual. A failure that
    /// the tree did not cause is a failure of infrastructure.
    fn captured(
        &self,
        workspace: &Path,
        scratch: &WorkFolder,
        baseline: &Baseline,
    ) -> Result<(Captured, BTreeSet<Flag>), Halt> {
        let capture = |tree: &Path| {
            workspace::capture::capture(tree, &scratch.private(), baseline, &self.place.fixture.capture_include)
        };
        let error = match capture(workspace) {
            Ok(captured) => return Ok(with_flags(captured)),
            Err(error) => error,
        };
        // Capturing a tree that no agent has worked in shows whether the tree is the cause.
        let baseline_checks = self.baseline_tree()?;
        let probed = capture(&baseline_checks.workspace());
        self.remove(baseline_checks);
        let probed = probed.map_err(|_| broken(&error))?;
        // Once more: git may have been killed, and that was not the tree's fault.
        if let Ok(captured) = capture(workspace) {
            return Ok(with_flags(captured));
        }
        self.notice(&format!("nothing of the tree could be captured, so it counts as untouched: {error}"));
        Ok((Captured { patch: Vec::new(), ..probed }, BTreeSet::from([Flag::TreeNotCaptured])))
    }

    fn report_left_out(&self, changes: &Changes) {
        let LeftOut { places, names } = &changes.left_out;
        if let Some(first) = names.first() {
            let more = if *places > 1 { format!(", and {} more", places - 1) } else { String::new() };
            self.notice(&format!("no patch can hold `{first}`{more}: left out"));
        }
        if changes.flags.contains(&Flag::TreeGone) {
            self.notice("there was no folder in the place of the agent's tree, so it counts as an empty one");
        }
    }

    /// The tree that the agent left; `None` when it is lost.
    fn left_by(&mut self, agent: &AgentResult) -> Result<Option<PathBuf>, Halt> {
        if self.temporary.is_none()
            && let Some(place) = &agent.work
        {
            self.temporary = self.place.work.find(place)?;
        }
        if let Some(work) = &self.temporary {
            return Ok(Some(work.workspace()));
        }
        // Format 4.0 kept it in the run's folder, and did not make it durable.
        let workspace = self.folder.workspace();
        let there = files::kind_of(&workspace)? == Some(Kind::Folder);
        let since_then = clock::is_of_this_start(agent.started_at);
        Ok((agent.work.is_none() && there && since_then).then_some(workspace))
    }

    /// The commit that the workspace was made from.
    pub(super) fn baseline_commit(&self) -> Result<String, Halt> {
        let baseline = workspace::prepare::baseline(&self.place.folder.repo(), self.run.tier, self.run.subtest);
        Ok(baseline.map_err(|error| broken(&error))?.commit)
    }

    /// Removes the agent's work folder, which is not needed any more.
    pub(super) fn forget_work(&mut self) {
        if let Some(work) = self.temporary.take() {
            self.remove(work);
        }
        // The places that format 4.0 used.
        for left in [self.folder.workspace(), self.folder.private()] {
            if let Err(error) = files::remove_tree(&left) {
                self.notice(&error.to_string());
            }
        }
    }

    /// Moves the workspace to where people look for it, before the commit, and removes the rest of the work folder.
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

/// What was captured, and the flags for what is unusual about it.
fn with_flags(captured: Captured) -> (Captured, BTreeSet<Flag>) {
    let flags = [(Flag::TreeGone, captured.gone), (Flag::TreeLeftOut, !captured.left_out.is_empty())];
    let flags = flags.into_iter().filter_map(|(flag, applies)| applies.then_some(flag)).collect();
    (captured, flags)
}
