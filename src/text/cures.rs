//! The cure of a finding, in words and as a command.

use crate::model::finding::Cure;
use crate::model::ids::RunId;

use super::words::shell_word;

/// The cure in a sentence.
#[must_use]
pub fn cure_sentence(cure: Cure) -> &'static str {
    match cure {
        Cure::Repair => "Repair mends it and deletes nothing.",
        Cure::DropPhantoms => "Bring the results back from a backup, or give the entries up.",
        Cure::Quarantine => {
            "Bring the run's files back from a backup; else set the run aside and make it anew, which is paid for again."
        }
        Cure::Resume => "Resume makes the missing runs.",
        Cure::Extend => {
            "Take the results into the plan by `extend` with `--runs`, `--tiers` or `--max-subtests`, or move them away."
        }
        Cure::Restore => "Bring the file back from a backup.",
        Cure::Upgrade => "Use a newer cargo-scylla that knows it.",
        Cure::Look => "Look at the place, then move it away or leave it.",
        Cure::Seal => "Seal it again, when what came after it belongs there.",
        Cure::Report => "Make the report again.",
        Cure::Wait => "Wait for the coordinator to end, then verify again.",
        Cure::Withhold => {
            "`show` and reports hide the secret; `diff` and `checkout` give the patch as it is. Before you share the folder, \
             make the secret worthless, or leave `changes.patch` out of what you share."
        }
        Cure::Regrade => {
            "Mend the check, the rubric or the judge that is wrong, then grade what is done again: `regrade --from FIXTURE`; a \
             solution that solves nothing needs a fresh experiment."
        }
        Cure::Nothing => "Nothing needs to be done.",
    }
}

/// The cure as a command for the runs concerned; `None` when a person has to do it by other means.
pub fn cure_command(cure: Cure, runs: impl IntoIterator<Item = RunId>, folder: &str) -> Option<String> {
    let folder = shell_word(folder);
    match cure {
        Cure::Repair => Some(format!("cargo scylla repair {folder}")),
        Cure::DropPhantoms => Some(format!("cargo scylla repair {folder} --drop-phantoms")),
        Cure::Quarantine => {
            let runs: Vec<String> = runs.into_iter().map(|run| format!("--quarantine {run}")).collect();
            let command = format!("cargo scylla repair {folder} {} && cargo scylla resume {folder}", runs.join(" "));
            (!runs.is_empty()).then_some(command)
        }
        Cure::Resume => Some(format!("cargo scylla resume {folder}")),
        Cure::Seal => Some(format!("cargo scylla seal {folder}")),
        Cure::Report => Some(format!("cargo scylla report {folder} --again")),
        Cure::Wait => Some(format!("cargo scylla status {folder}")),
        // Which flags it needs depends on the plan and on what the person wants.
        Cure::Extend | Cure::Restore | Cure::Upgrade | Cure::Look | Cure::Withhold | Cure::Regrade | Cure::Nothing => {
            None
        }
    }
}
