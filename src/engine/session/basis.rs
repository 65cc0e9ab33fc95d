//! What every run of a session is based on: read once, and unchanged while runs are made.

use crate::config;
use crate::engine::error::EngineError;
use crate::engine::session::grader::Grader;
use crate::model::digest::Digest;
use crate::model::experiment::{Config, KeepWorkspaces};
use crate::model::grading::GradingNumber;
use crate::model::ids::{JudgeNumber, ModelName, RunId};
use crate::model::judge::Judge;
use crate::model::task::{CheckSpec, Fixture, Subtest};
use crate::store::evidence::Frozen;
use crate::store::layout::ExperimentFolder;
use crate::store::work::WorkRoot;

/// What every run of a session is based on.
#[derive(Debug)]
pub struct Basis {
    /// The experiment's folder.
    pub folder: ExperimentFolder,
    /// Where work folders are made.
    pub work: WorkRoot,
    /// The config.
    pub config: Config,
    /// Its digest, computed once.
    pub config_hash: Digest,
    /// The copy of the fixture.
    pub fixture: Fixture,
    /// The newest grading, by which finished work is graded.
    pub grader: Grader,
    /// The copies of fixtures that the fixture and the grading were read from.
    frozen: Vec<Frozen>,
}

impl Basis {
    /// What the runs of an experiment are based on from now on.
    ///
    /// # Errors
    /// When the copies of its fixtures cannot be listed, or there is no place for work folders.
    pub(in crate::engine) fn new(
        folder: ExperimentFolder,
        config: Config,
        fixture: Fixture,
        grader: Grader,
    ) -> Result<Self, EngineError> {
        let work = WorkRoot::open(&folder, config.work_dir.as_deref())?;
        let copy = Frozen::new(folder.fixture(), config.fixture_digest).map_err(crate::store::StoreError::from)?;
        let mut frozen = vec![copy];
        if !grader.number.is_first() {
            frozen.push(Frozen::as_it_is(grader.folder.clone()).map_err(crate::store::StoreError::from)?);
        }
        Ok(Self { config_hash: config.hash(), folder, work, config, fixture, grader, frozen })
    }

    /// The path of the first copy of a fixture that was changed since the session began. A copy that cannot be read is
    /// not reported here: whatever needs it fails by itself.
    pub(in crate::engine) fn altered_copy(&self) -> Option<String> {
        let altered = self.frozen.iter().find(|copy| matches!(copy.is_as_it_was(), Ok(false)))?;
        Some(self.folder.relative(altered.root()))
    }

    /// The panel's judges with their numbers.
    pub(in crate::engine) fn panel(&self) -> impl Iterator<Item = (JudgeNumber, &Judge)> {
        (1..).map(JudgeNumber).zip(&self.grader.fixture.judges)
    }

    /// The checks of a grading; none when its fixture cannot be read any more.
    pub(in crate::engine) fn checks_of(&self, grading: GradingNumber) -> Vec<CheckSpec> {
        if grading.is_first() {
            self.fixture.checks.clone()
        } else if grading == self.grader.number {
            self.grader.fixture.checks.clone()
        } else {
            config::fixture::load(&self.folder.grading_fixture(grading))
                .map(|fixture| fixture.checks)
                .unwrap_or_default()
        }
    }

    /// Whether a check of the newest grading is unchanged from those that the baselines were checked by.
    pub(in crate::engine) fn is_as_before(&self, check: &str, before: &[CheckSpec]) -> bool {
        let of = |specs: &[CheckSpec]| specs.iter().find(|spec| spec.name == check).cloned();
        of(&self.grader.fixture.checks) == of(before)
    }

    /// The subtest of a run; `None` when the fixture's copy does not have it.
    pub(in crate::engine) fn subtest(&self, run: RunId) -> Option<&Subtest> {
        self.fixture.tiers.get(&run.tier)?.get(&run.subtest)
    }

    /// Whether the workspace of a run with this verdict is kept after the commit.
    pub(in crate::engine) fn keeps_workspace(&self, passed: bool) -> bool {
        match self.config.keep_workspaces {
            KeepWorkspaces::None => false,
            KeepWorkspaces::Failed => !passed,
            KeepWorkspaces::All => true,
        }
    }

    /// The model that agents are configured to use.
    pub(in crate::engine) fn model(&self) -> Option<&str> {
        self.config.models.first().map(String::as_str)
    }

    /// The model that the agent of a run uses; `None` when it uses none.
    pub(in crate::engine) fn agent_model(&self, run: RunId) -> Option<ModelName> {
        self.subtest(run)?.agent.model(self.model())
    }

    /// The model that the agent of a run is told to use.
    pub(in crate::engine) fn assigned_model(&self, run: RunId) -> Option<&str> {
        self.subtest(run)?.agent.assigned_model(self.model())
    }

    /// The model that judges are configured to use.
    pub(in crate::engine) fn configured_judge_model(&self) -> Option<&str> {
        self.config.judge_models.first().map(String::as_str)
    }

    /// The model that a judge uses; `None` when it uses none.
    pub(in crate::engine) fn judge_model(&self, judge: &Judge) -> Option<ModelName> {
        judge.model(self.configured_judge_model())
    }

    /// The models that judges use, in the panel's order.
    pub(in crate::engine) fn judge_models(&self) -> impl Iterator<Item = ModelName> {
        self.panel().filter_map(|(_, judge)| self.judge_model(judge))
    }
}
