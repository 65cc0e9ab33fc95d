//! The newest grading, by which finished work is graded from now on.

use std::path::PathBuf;

use crate::config;
use crate::engine::error::EngineError;
use crate::model::digest::Digest;
use crate::model::grading::GradingNumber;
use crate::model::survey::Survey;
use crate::model::task::Fixture;
use crate::rules::gradings::{newest, to_grade};
use crate::store::layout::ExperimentFolder;

/// The newest grading, by which finished work is graded.
#[derive(Debug, Clone)]
pub struct Grader {
    /// Its number.
    pub number: GradingNumber,
    /// Digest of its record; the first has none.
    pub digest: Option<Digest>,
    /// Its fixture, of which only the rubric, criteria, checks and judges are used.
    pub fixture: Fixture,
    /// The folder of that fixture.
    pub folder: PathBuf,
    /// Whether its verdicts count. Until every committed run has one, the grading before it counts.
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
