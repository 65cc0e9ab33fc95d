//! By what finished work is graded from now on: the newest grading.

use std::path::PathBuf;

use crate::config;
use crate::engine::error::EngineError;
use crate::model::digest::Digest;
use crate::model::grading::GradingNumber;
use crate::model::survey::Survey;
use crate::model::task::Fixture;
use crate::rules::gradings::{newest, to_grade};
use crate::store::layout::ExperimentFolder;

/// By what finished work is graded.
#[derive(Debug, Clone)]
pub struct Grader {
    /// The newest grading.
    pub number: GradingNumber,
    /// Digest of its record; the first has none.
    pub digest: Option<Digest>,
    /// Its fixture: rubric, criteria, checks and judges are taken from it, and nothing else.
    pub fixture: Fixture,
    /// Where that lies.
    pub folder: PathBuf,
    /// Whether its verdicts are those that count. Until every committed run has one, a former grading counts.
    pub counts: bool,
    /// The grading that counts at the start.
    pub counting: GradingNumber,
}

impl Grader {
    /// The newest grading of an experiment.
    ///
    /// # Errors
    /// When its fixture does not load.
    pub fn of(folder: &ExperimentFolder, survey: &Survey) -> Result<Self, EngineError> {
        let number = newest(survey);
        let path = folder.grading_fixture(number);
        let fixture = config::fixture::load(&path).map_err(EngineError::Fixture)?;
        let counts = survey.counting == number && to_grade(survey).is_empty();
        let digest = survey.grading_records.get(&number).copied();
        Ok(Self { number, digest, fixture, folder: path, counts, counting: survey.counting })
    }
}
