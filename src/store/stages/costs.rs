//! What a run cost that is not committed, and what of a committed one no result says.

use std::path::Path;

use super::RunStore;
use crate::model::grading::GradingNumber;
use crate::model::ids::JudgeNumber;
use crate::model::limits::OUTPUT_BYTES;
use crate::model::money::Usd;
use crate::model::result::AgentResult;
use crate::os::files::{self, Folder, ReadError};
use crate::store::layout::RunFolder;
use crate::store::{StoreError, work};
use crate::text::claims;

impl RunStore {
    /// What was spent on the attempt that lies there, as far as agent and judges have said it: `agent` is its result, when
    /// it is whole.
    ///
    /// # Errors
    /// When the system does not let something be read.
    pub fn spent(&self, agent: Option<&AgentResult>) -> Result<Usd, StoreError> {
        let mut spent = match agent {
            Some(agent) => agent.cost_usd,
            // While its agent works, a run's record lies in the work folder.
            None => match self.pointed_to()? {
                Some(place) => claimed_cost(&work::record_in(&place))?,
                None => claimed_cost(&self.folder.record())?,
            },
        };
        spent += self.judges_cost()?;
        let mut gradings = Vec::new();
        if let Some(folder) = Folder::open(&self.folder.gradings())? {
            folder.each(|name, _| gradings.extend(name.to_str().and_then(GradingNumber::from_folder)))?;
        }
        for grading in gradings {
            spent += self.graded(grading).judges_cost()?;
        }
        Ok(spent)
    }

    /// The store of what a grading leaves of the run.
    #[must_use]
    pub fn graded(&self, grading: GradingNumber) -> Self {
        Self { folder: self.folder.graded(grading), ..self.clone() }
    }

    /// Makes the folders of a later grading, durably; those that are there stay.
    ///
    /// # Errors
    /// When one cannot be made or synced.
    pub fn begin_grading(&self) -> Result<(), StoreError> {
        // The mark of a process lies there while one works.
        files::create_dir_durable(&self.folder.agent())?;
        files::create_dir_durable(&self.folder.checks())?;
        Ok(files::create_dir_durable(&self.folder.judges())?)
    }

    /// What the judges cost whose answers lie here, valid or not.
    ///
    /// # Errors
    /// When the system does not let something be read.
    pub fn judges_cost(&self) -> Result<Usd, StoreError> {
        let mut spent = Usd::ZERO;
        for judge in self.judges()? {
            spent += match self.read_judgment(judge)? {
                Some(judgment) => judgment.cost_usd,
                None => self.answer_cost(judge)?,
            };
        }
        Ok(spent + self.failed_judges_cost()?)
    }

    /// What a judge's answer says that it cost, valid or not.
    ///
    /// # Errors
    /// When the system does not let it be read.
    pub fn answer_cost(&self, judge: JudgeNumber) -> Result<Usd, StoreError> {
        claimed_cost(&self.folder.judge_response(judge))
    }

    /// What the answers cost that were set aside.
    ///
    /// # Errors
    /// When the system does not let one be read.
    pub fn failed_judges_cost(&self) -> Result<Usd, StoreError> {
        self.judges_aside()?.iter().map(|aside| claimed_cost(&RunFolder::response_in(aside))).sum()
    }
}

/// What a file of an agent's or judge's own says of its cost; nothing when it is not there or no file.
fn claimed_cost(path: &Path) -> Result<Usd, StoreError> {
    match files::read_start(path, OUTPUT_BYTES) {
        Ok(bytes) => Ok(bytes.and_then(|bytes| claims::cost(&bytes)).unwrap_or_default()),
        Err(ReadError::NotRegular { .. } | ReadError::TooLarge { .. }) => Ok(Usd::ZERO),
        Err(error @ ReadError::Io(_)) => Err(error.into()),
    }
}
