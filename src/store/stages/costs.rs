//! The cost of a run that is not committed, and that part of a committed run's cost that no result names.

use std::path::Path;

use super::RunStore;
use super::ended::read_whole;
use crate::model::exchanges::Ledger;
use crate::model::grading::GradingNumber;
use crate::model::ids::JudgeNumber;
use crate::model::metered::Metered;
use crate::model::result::{AgentResult, JudgeAttempt};
use crate::model::usage::{Cost, Total};
use crate::os::files::{self, Folder};
use crate::store::claimed::{self, Asked};
use crate::store::layout::RunFolder;
use crate::store::{StoreError, work};

/// What a judge cost that was set aside: as the record of that says, else as its answer reports it.
fn judge_aside(aside: &Path) -> Result<Cost, StoreError> {
    let record: Option<JudgeAttempt> = read_whole(&RunFolder::at(aside.to_owned()).attempt_record())?;
    match record.map_or(Cost::Unknown, |record| record.cost) {
        Cost::Unknown => claimed::judge_aside(aside),
        cost @ (Cost::Known { .. } | Cost::AtLeast { .. }) => Ok(cost),
    }
}

impl RunStore {
    /// What was spent on the present attempt, as far as agent and judges reported it: `agent` is the agent's result,
    /// when it is whole.
    ///
    /// # Errors
    /// When the system does not let something be read.
    pub fn spent(&self, agent: Option<&AgentResult>) -> Result<Total, StoreError> {
        let agent = match agent {
            Some(agent) => agent.usage.cost,
            // While the agent works, its record is in the work folder.
            None => match self.pointed_to()? {
                Some(place) => claimed::agent(&self.own, &work::record_in(&place))?,
                None => claimed::agent(&self.own, &self.folder.record())?,
            },
        };
        let mut spent = Total::from(agent) + self.judges_cost()?;
        let mut gradings = Vec::new();
        if let Some(folder) = Folder::open(&self.folder.gradings())? {
            folder.each(|name, _| gradings.extend(name.to_str().and_then(GradingNumber::from_folder)))?;
        }
        for grading in gradings {
            spent += self.graded(grading).judges_cost()?;
        }
        Ok(spent)
    }

    /// What the gateway has written down by now of what the agent of the present attempt asks its models.
    ///
    /// # Errors
    /// When the system does not let it be read.
    pub fn asked_so_far(&self) -> Result<Ledger, StoreError> {
        claimed::ledger(&self.own.usage())
    }

    /// What the requests of the agent took in an attempt without a result, as far as the gateway saw it.
    ///
    /// # Errors
    /// When the system does not let something be read.
    pub fn metered_agent(&self) -> Result<Metered, StoreError> {
        claimed::metered(&self.own.usage())
    }

    /// The agent's cost in an attempt without a result, when its record does not report it.
    ///
    /// # Errors
    /// When the system does not let something be read.
    pub fn silent_agent_cost(&self) -> Result<Cost, StoreError> {
        Ok(if claimed::asked(&self.own)? == Asked::Program { Cost::Unknown } else { Cost::NOTHING })
    }

    /// The store for what a grading writes about the run.
    #[must_use]
    pub fn graded(&self, grading: GradingNumber) -> Self {
        Self { folder: self.folder.graded(grading), ..self.clone() }
    }

    /// Makes the folders of a later grading, durably; existing ones stay.
    ///
    /// # Errors
    /// When one cannot be made or synced.
    pub fn begin_grading(&self) -> Result<(), StoreError> {
        // The mark of a process is there while one works.
        files::create_dir_durable(&self.folder.agent())?;
        files::create_dir_durable(&self.folder.checks())?;
        Ok(files::create_dir_durable(&self.folder.judges())?)
    }

    /// The cost of the judges that were asked here, whether their answers are valid or not.
    ///
    /// # Errors
    /// When the system does not let something be read.
    pub fn judges_cost(&self) -> Result<Total, StoreError> {
        let mut spent = Total::ZERO;
        for judge in self.judges()? {
            spent += match self.read_judgment(judge)? {
                Some(judgment) => judgment.cost.into(),
                None => self.answer_cost(judge)?.into(),
            };
        }
        Ok(spent + self.failed_judges_cost()?)
    }

    /// The cost that a judge's answer reports, valid or not.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn answer_cost(&self, judge: JudgeNumber) -> Result<Cost, StoreError> {
        claimed::judge(&self.folder, judge)
    }

    /// What the requests of a judge took that passed through the gateway.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn metered_judge(&self, judge: JudgeNumber) -> Result<Metered, StoreError> {
        claimed::metered(&self.folder.judge_usage(judge))
    }

    /// The cost of the answers that were set aside.
    ///
    /// # Errors
    /// When one cannot be read.
    pub fn failed_judges_cost(&self) -> Result<Total, StoreError> {
        self.judges_aside()?.iter().map(|aside| judge_aside(aside).map(Total::from)).sum()
    }
}
