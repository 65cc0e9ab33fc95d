//! Places in the folder of an experiment that findings name. Only the store knows how each is spelled; it adds its
//! spelling to each survey.

use super::grading::GradingNumber;
use super::ids::{SubtestId, TierId};

/// A place that does not depend on the folder in which runs are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place<'a> {
    /// The checkpoint.
    Checkpoint,
    /// The frozen config.
    Config,
    /// The fixture's copy.
    Fixture,
    /// The coordinator's lock.
    Lock,
    /// The seal over the whole experiment.
    Seal,
    /// Its signature.
    SealSignature,
    /// A later grading.
    Grading(GradingNumber),
    /// Its record.
    GradingRecord(GradingNumber),
    /// The fixture of that grading.
    GradingFixture(GradingNumber),
    /// What a tier inherits.
    Inherited(TierId),
    /// The baseline of a subtest.
    Baseline(TierId, SubtestId),
    /// The results of the checks for the tree of this commit.
    BaselineChecks(&'a str),
    /// A part of the run at a place.
    Of(&'a str, RunPlace),
}

/// A part of what a run leaves, below its folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunPlace {
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

/// A survey that was not read from a folder names places by their kind.
impl Default for Spelling {
    fn default() -> Self {
        Self(|place| format!("{place:?}"))
    }
}

/// The spelling of places is not part of what was found, so all are equal.
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
