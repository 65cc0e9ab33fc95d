//! What is wrong with single runs.

use crate::model::ids::RunId;

/// Something that is wrong with a single run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The run that the folder is of.
    pub run: RunId,
    /// What it is.
    pub kind: ProblemKind,
    /// Its place below the experiment's folder, which repair would set aside.
    pub place: String,
    /// What was found, for people.
    pub found: String,
}

/// Kinds of [`Problem`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProblemKind {
    /// `run_result.json` is torn, not JSON, of the wrong shape or not a regular file.
    UnreadableResult,
    /// A newer version wrote `run_result.json`; the description is the version.
    NewerResult,
    /// The result was altered after its run was committed, or is not one by which this tool committed a run.
    Altered,
    /// The result names another tier, subtest or number than its folder.
    Misplaced,
    /// The result's verdict does not follow from the judges that it lists.
    Contradictory,
    /// Evidence does not match the seal, or the seal is missing.
    BrokenSeal,
    /// A folder of a committed run is not a folder, or was replaced while its agent worked.
    ReplacedFolder,
    /// The result of a later grading is torn, contradicts itself or the run, or does not match its seal.
    BrokenGrading,
    /// A file is missing that a result without a seal names.
    MissingEvidence,
    /// A stage of a run that is not committed was altered after it had ended.
    DamagedStage,
    /// A former attempt was altered after it was set aside.
    DamagedAttempt,
    /// The same run has a second folder under another spelling.
    Duplicate,
    /// A workspace that should have been removed at the commit.
    StrayWorkspace,
    /// The result says that its patch contains a secret.
    SecretInPatch,
    /// A process of a dead coordinator still works on the run.
    StrayProcess,
}
