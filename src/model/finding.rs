//! A finding: one disagreement between folder, plan and checkpoint, with its cure.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ids::RunId;

/// How serious a finding is, least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// True and worth knowing; nothing is wrong.
    Note,
    /// Not as this tool would leave it; counts and verdicts are not affected.
    Warning,
    /// Planned runs are missing.
    Incomplete,
    /// What was derived from the results, such as a report, does not say what they say.
    Outdated,
    /// Folder and checkpoint differ; `repair` mends it.
    Mendable,
    /// Evidence is damaged, altered or missing; a person or a rerun is needed.
    Damaged,
}

/// What a person can do about a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Cure {
    /// `repair DIR`.
    Repair,
    /// `repair DIR --drop-phantoms` gives the entries up; a backup of the result is better.
    DropPhantoms,
    /// `repair DIR --quarantine RUN` sets the run aside, `resume DIR` repeats it and pays for it again.
    Quarantine,
    /// `resume DIR` makes the missing runs.
    Resume,
    /// `extend DIR` adds the results to the plan.
    Extend,
    /// The file must be restored from a backup.
    Restore,
    /// A newer cargo-scylla is needed.
    Upgrade,
    /// Look at the place, then move it away or leave it.
    Look,
    /// `seal DIR` seals what is there now.
    Seal,
    /// `report DIR --again` makes it anew.
    Report,
    /// Wait for the coordinator to end.
    Wait,
    /// Revoke the secret, or leave the patch out of what is shared.
    Withhold,
    /// Mend the task, then `regrade DIR --from FIXTURE`.
    Regrade,
    /// Nothing needs to be done.
    Nothing,
}

/// Declares [`FindingKind`] with name, level, cure and description of each kind from one list.
macro_rules! findings {
    ($( $kind:ident $name:literal $level:ident $cure:ident $description:literal, )*) => {
        /// Every kind of finding. Names are stable; messages may change.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        pub enum FindingKind {
            $( #[doc = $description] #[serde(rename = $name)] $kind, )*
        }

        impl FindingKind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$( Self::$kind ),*];

            /// The stable name.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $( Self::$kind => $name, )* }
            }

            /// How serious it is.
            #[must_use]
            pub fn level(self) -> Level {
                match self { $( Self::$kind => Level::$level, )* }
            }

            /// What a person can do about it.
            #[must_use]
            pub fn cure(self) -> Cure {
                match self { $( Self::$kind => Cure::$cure, )* }
            }

            /// What it means, in a sentence.
            #[must_use]
            pub fn description(self) -> &'static str {
                match self { $( Self::$kind => $description, )* }
            }
        }
    };
}

findings! {
    CheckpointMissing "checkpoint-missing" Mendable Repair
        "There is no `checkpoint.json`; it is rebuilt from the results.",
    CheckpointUnreadable "checkpoint-unreadable" Mendable Repair
        "`checkpoint.json` is torn, not JSON or of the wrong shape; it is rebuilt from the results.",
    DuplicateEntry "duplicate-entry" Mendable Repair
        "The checkpoint names a run twice.",
    UnrecordedResult "unrecorded-result" Mendable Repair
        "A committed result that the checkpoint does not name.",
    PhantomEntry "phantom-entry" Damaged DropPhantoms
        "The checkpoint names a judged run of which there is no result.",
    WrongStatus "wrong-status" Mendable Repair
        "The checkpoint and the result say different things of a run.",
    StaleRunning "stale-running" Mendable Repair
        "The checkpoint says that the experiment is running, and no coordinator holds it.",
    StatusContradicted "status-contradicted" Mendable Repair
        "A state in the checkpoint, of the experiment or of a part of it, that the results contradict.",
    CheckpointAltered "checkpoint-altered" Mendable Repair
        "What the checkpoint says of the experiment is not what config and results agree on.",
    UnreadableResult "unreadable-result" Damaged Repair
        "A `run_result.json` that is torn, not JSON, of the wrong shape or no regular file; repair sets it aside, resume commits the run again.",
    AlteredResult "altered-result" Damaged Quarantine
        "A `run_result.json` that was altered after its run was committed, or that this tool did not write.",
    MisplacedResult "misplaced-result" Damaged Quarantine
        "A result that names another experiment, tier, subtest or number than its folder.",
    ContradictoryResult "contradictory-result" Damaged Quarantine
        "A result that has no verdict, or one that does not follow from the judges that it lists.",
    DuplicateRun "duplicate-run" Damaged Repair
        "A second folder of the same run, under another spelling or in another phase; repair sets it aside.",
    OutsidePlan "outside-plan" Damaged Extend
        "A committed result of a run that is not planned.",
    MissingRun "missing-run" Incomplete Resume
        "A planned run without a result.",
    BrokenSeal "broken-seal" Damaged Quarantine
        "Evidence of a committed run was altered, or is gone.",
    ReplacedFolder "replaced-folder" Damaged Quarantine
        "A folder of a committed run is a link or something else, or was replaced while its agent worked: what lies there may not be all that the run left.",
    BrokenGrading "broken-grading" Damaged Repair
        "What a later grading left of a run is torn, altered or gone; repair sets it aside, and resume grades the run again by it.",
    IncompleteGrading "incomplete-grading" Incomplete Resume
        "Committed runs have no verdict under the newest grading; until they have, a former one counts.",
    LostGrading "lost-grading" Damaged Restore
        "Verdicts name a later grading, and its record is gone; until it is back from a backup, nothing is graded, made or counted anew.",
    DamagedStage "damaged-stage" Damaged Quarantine
        "A stage of a run that is not committed was altered after it had ended; a resume leaves the run alone.",
    DamagedAttempt "damaged-attempt" Damaged Restore
        "A former attempt below `.failed/` was altered, or is gone, and what it cost with it.",
    DamagedFile "damaged-file" Damaged Restore
        "A file that results rest on was altered, or is gone: in `repo.git`, its record, what checks said of untouched trees, or what was found of judges.",
    ConfigMissing "config-missing" Damaged Restore
        "There is no `config/experiment.json`, so the plan is unknown.",
    ConfigUnreadable "config-unreadable" Damaged Restore
        "`config/experiment.json`, or a file in `config/inherited/`, is torn, not JSON or of the wrong shape.",
    ConfigIncomplete "config-incomplete" Damaged Restore
        "`config/experiment.json` lacks fields.",
    ConfigChanged "config-changed" Damaged Restore
        "The config, the fixture's copy, or what is frozen of winners was changed after the start.",
    ConfigHashUnexplained "config-hash-unexplained" Warning Look
        "The checkpoint of another tool names a hash that none of its commits gives the config; it is a sanity check, and the config counts as it is.",
    NewerVersion "newer-version" Damaged Upgrade
        "A newer cargo-scylla wrote the file; this one reads it and never writes it.",
    UnknownFormat "unknown-format" Damaged Upgrade
        "A whole file of a version, or with a state, that this cargo-scylla does not know; it is never written over, and nothing is guessed.",
    LeftoverTemporary "leftover-temporary" Mendable Repair
        "A temporary file that a crash left behind; repair sets it aside.",
    StrayWorkspace "stray-workspace" Mendable Repair
        "The workspace of a committed run that should have been removed; repair sets it aside.",
    StrayProcess "stray-process" Mendable Repair
        "A process of a dead coordinator still works on a run; repair ends it.",
    ForeignFile "foreign-file" Warning Look
        "A file or folder that is not part of an experiment; it is never counted.",
    UnknownEntry "unknown-entry" Warning Look
        "A key in the checkpoint where a tier, a subtest or a run should stand, and none does; it is kept and never counted.",
    StaleReport "stale-report" Warning Look
        "A report of another tool with other numbers than the results have, or one that is torn.",
    OutdatedReport "outdated-report" Outdated Report
        "A file of the report was made from other results than those that are there now.",
    AlteredReport "altered-report" Outdated Report
        "A file of the report, or its stamp, is not as it was written.",
    ContradictedReport "contradicted-report" Outdated Report
        "A file of the report that is another one when it is made again from the same results.",
    MissingReport "missing-report" Outdated Report
        "A file of the report that was made, and is gone.",
    UncheckedReport "unchecked-report" Note Nothing
        "A file beside the report that cannot be held against the results.",
    MissingEvidence "missing-evidence" Note Nothing
        "A file beside a result that the result names is not there; the tool that wrote it seals none, so nobody can say more.",
    SealContradicted "seal-contradicted" Damaged Restore
        "A file is not as the seal over the whole experiment says, or is gone.",
    SealOutgrown "seal-outgrown" Warning Seal
        "The experiment has grown since it was sealed; what came after it is not covered.",
    SecretInPatch "secret-in-patch" Note Withhold
        "The text of a secret stands in a run's `changes.patch`, which is kept as it was graded; look at it before you publish it.",
    BrokenControl "broken-control" Warning Regrade
        "A run of `oracle` failed, or one of `nop` passed: the task, its checks or its judges are broken, so nothing measured on it can be trusted.",
    MovedExperiment "moved-experiment" Note Nothing
        "The checkpoint names another folder than the one it lies in; no path in it is trusted or needed.",
    UnknownPlace "unknown-place" Damaged Look
        "A place that cannot be read: unknown, not absent.",
    LiveExperiment "live-experiment" Note Wait
        "A coordinator holds the experiment: what is in flight is not judged.",
}

impl fmt::Display for FindingKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// One disagreement.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// What kind it is.
    pub kind: FindingKind,
    /// Where, as a path below the experiment's folder.
    pub place: String,
    /// Which run, when it is about one.
    pub run: Option<RunId>,
    /// What was found there, in a sentence without the place.
    pub message: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_findings_are_unique_and_read_back() {
        for (index, kind) in FindingKind::ALL.iter().enumerate() {
            assert!(!FindingKind::ALL[..index].iter().any(|other| other.name() == kind.name()), "{kind}");
            let json = serde_json::to_string(kind).unwrap();
            assert_eq!(json, format!("\"{}\"", kind.name()));
        }
    }
}
