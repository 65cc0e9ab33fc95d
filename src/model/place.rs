//! Places in the folder of an experiment that findings name. How each is spelled, only the store knows; a survey brings it
//! along.

use super::grading::GradingNumber;
use super::ids::{SubtestId, TierId};

/// A place that does not depend on where runs lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place<'a> {
    /// The index.
    Checkpoint,
    /// The frozen config.
    Config,
    /// The fixture as used.
    Fixture,
    /// The coordinator's lock.
    Lock,
    /// A later grading.
    Grading(GradingNumber),
    /// Its record.
    GradingRecord(GradingNumber),
    /// The fixture by which it grades.
    GradingFixture(GradingNumber),
    /// What a tier takes over.
    Inherited(TierId),
    /// The baseline of a subtest.
    Baseline(TierId, SubtestId),
    /// What the checks said of the tree of this commit.
    BaselineChecks(&'a str),
    /// A part of the run that lies at a place.
    Of(&'a str, Part),
}

/// A part of what a run leaves, below its folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The file whose appearance commits it.
    Result,
    /// The seal over its evidence.
    Seal,
    /// A later grading of it.
    Grading(GradingNumber),
}

/// Spells places as paths below the experiment's folder, with `/`.
#[derive(Clone, Copy)]
pub struct Spelling(pub fn(Place<'_>) -> String);

impl Spelling {
    /// A place as a path.
    #[must_use]
    pub fn of(self, place: Place<'_>) -> String {
        (self.0)(place)
    }
}

/// Of what was read from no folder, places are called by what they are.
impl Default for Spelling {
    fn default() -> Self {
        Self(|place| format!("{place:?}"))
    }
}

/// How places are called is no part of what was found.
impl PartialEq for Spelling {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl std::fmt::Debug for Spelling {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Spelling")
    }
}
