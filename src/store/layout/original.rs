//! Names in the folders that the original's runner makes: which belong at each level, and its phases.

use std::path::PathBuf;

use crate::model::ids::{RunId, RunNumber, SubtestId, TierId};
use crate::os::files::Kind;

use super::{AGENT, CHECKPOINT, ExperimentFolder, JUDGE, RESULT, RunFolder, WORKSPACE};

/// Runs that are under way, from March 2026 on.
pub(in crate::store) const IN_PROGRESS: &str = "in_progress";
/// Runs that were promoted, from March 2026 on.
pub(in crate::store) const COMPLETED: &str = "completed";
/// The copy that the original keeps of its former checkpoint.
pub(in crate::store) const FORMER_CHECKPOINT: &str = "checkpoint.json.bak";
/// Names the process of the original's runner.
pub(in crate::store) const PID: &str = "experiment.pid";
/// What an experiment that was taken over keeps of the original's, below the folder of the config.
pub(in crate::store) const KEPT: &str = "original";
/// A report with the results of a tier or of the whole experiment in it.
pub(in crate::store) const TOTALS: &str = "result.json";
/// A report with the sums of a subtest, a tier or the whole experiment.
pub(in crate::store) const SUMS: &str = "report.json";

/// Files of the experiment as a whole.
const AT_ROOT: [&str; 14] = [
    "checkpoint.json.backup",
    FORMER_CHECKPOINT,
    "criteria.md",
    PID,
    "judge_prompt.md",
    "pipeline_baseline.json",
    "prompt.md",
    SUMS,
    "report.md",
    TOTALS,
    "result.json.backup",
    "rubric.yaml",
    "summary.md",
    "tier_comparison.json",
];
/// Its folders, those of runs apart.
const FOLDERS_AT_ROOT: [&str; 4] = ["_baseline_worktree", "logs", "repo", "summary"];
/// Files of a tier.
const IN_TIER: [&str; 6] = ["best_subtest.json", SUMS, "report.md", TOTALS, "result.json.backup", "summary.md"];
/// Files of a subtest. In the first days its runs shared a workspace, whose making was logged here.
const IN_SUBTEST: [&str; 7] = [
    "command_log.json",
    "config_manifest.json",
    "pipeline_baseline.json",
    "replay.sh",
    SUMS,
    "report.md",
    "worktree_create.sh",
];
/// Folders of a subtest, of the first days: the shared workspace, and a copy of its setup.
const FOLDERS_IN_SUBTEST: [&str; 2] = ["config", WORKSPACE];
/// Files of a run, its logs of commands apart. In the first days agent and judge wrote beside each other.
const IN_RUN: [&str; 15] = [
    "command_log.json",
    "judge_prompt.md",
    "judgment.json",
    "output.txt",
    "pipeline_baseline.json",
    "replay.sh",
    SUMS,
    "report.md",
    RESULT,
    "run_result.json.pre-rejudge",
    "stderr.log",
    "stdout.log",
    "task_prompt.md",
    "timing.json",
    "worktree_create.sh",
];
/// Folders of a run.
const FOLDERS_IN_RUN: [&str; 5] = [AGENT, "commands", JUDGE, "logs", WORKSPACE];
/// What the original makes as links, some of them to absolute paths. They are not followed.
const LINKS: [&str; 5] = ["criteria.md", "judge_prompt.md", "prompt.md", "rubric.yaml", "task_prompt.md"];

/// Whose names are usual in a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum Dialect {
    /// An experiment of this tool.
    Ours,
    /// An experiment of this tool that the original's runner began: its former files lie there still.
    Adopted,
    /// An experiment of the original's runner.
    Original,
}

/// In which of an experiment's folders a run lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(in crate::store) enum Phase {
    /// In the experiment's own, the only one for this tool.
    #[default]
    Flat,
    /// Below [`IN_PROGRESS`].
    InProgress,
    /// Below [`COMPLETED`].
    Completed,
}

impl Phase {
    /// The folder that it stands for.
    pub(in crate::store) fn folder(self) -> Option<&'static str> {
        match self {
            Self::Flat => None,
            Self::InProgress => Some(IN_PROGRESS),
            Self::Completed => Some(COMPLETED),
        }
    }

    /// A place below the experiment's folder, from one below the phase's.
    pub(in crate::store) fn place(self, below: &str) -> String {
        match self.folder() {
            Some(folder) if below.is_empty() => folder.to_owned(),
            Some(folder) => format!("{folder}/{below}"),
            None => below.to_owned(),
        }
    }
}

impl ExperimentFolder {
    /// The folder in which a phase's tiers lie.
    pub(in crate::store) fn phase(&self, phase: Phase) -> PathBuf {
        phase.folder().map_or_else(|| self.root.clone(), |folder| self.root.join(folder))
    }

    /// A subtest's folder in a phase.
    pub(in crate::store) fn subtest_in(&self, phase: Phase, tier: TierId, subtest: SubtestId) -> PathBuf {
        self.phase(phase).join(tier.to_string()).join(subtest.to_string())
    }

    /// A run's folder in a phase.
    pub(in crate::store) fn run_in(&self, phase: Phase, run: RunId) -> RunFolder {
        RunFolder::at(self.subtest_in(phase, run.tier, run.subtest).join(run.run.folder()))
    }

    /// The copy that the original keeps of its former checkpoint.
    pub(in crate::store) fn former_checkpoint(&self) -> PathBuf {
        self.root.join(FORMER_CHECKPOINT)
    }

    /// What names the process of the original's runner.
    pub(in crate::store) fn pid(&self) -> PathBuf {
        self.root.join(PID)
    }
}

/// A regular file of one of these names, or a link where the original makes one.
fn is_file_of(names: &[&str], name: &str, kind: Kind) -> bool {
    names.contains(&name) && (kind == Kind::File || (kind == Kind::Link && LINKS.contains(&name)))
}

/// Whether the original's runner makes it in the experiment's folder.
pub(in crate::store) fn is_usual_at_root(name: &str, kind: Kind) -> bool {
    is_file_of(&AT_ROOT, name, kind) || (kind == Kind::Folder && FOLDERS_AT_ROOT.contains(&name))
}

/// The same in the folder of a tier.
pub(in crate::store) fn is_usual_in_tier(name: &str, kind: Kind) -> bool {
    is_file_of(&IN_TIER, name, kind)
}

/// The same in the folder of a subtest.
pub(in crate::store) fn is_usual_in_subtest(name: &str, kind: Kind) -> bool {
    is_file_of(&IN_SUBTEST, name, kind)
        || (kind == Kind::Folder && FOLDERS_IN_SUBTEST.contains(&name))
        || (kind == Kind::File && is_log_of_command(name))
}

/// The same in the folder of a run.
pub(in crate::store) fn is_usual_in_run(name: &str, kind: Kind) -> bool {
    is_file_of(&IN_RUN, name, kind)
        || (kind == Kind::Folder && FOLDERS_IN_RUN.contains(&name))
        || (kind == Kind::File && is_log_of_command(name))
}

/// `cmd_0000_stdout.log`
fn is_log_of_command(name: &str) -> bool {
    let number = name
        .strip_prefix("cmd_")
        .and_then(|rest| rest.strip_suffix("_stdout.log").or_else(|| rest.strip_suffix("_stderr.log")));
    number.is_some_and(|digits| digits.len() >= 4 && digits.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Whether it is what a crash of the original leaves while it saves: `checkpoint.tmp.4711.json`, first `checkpoint.tmp`.
pub(in crate::store) fn is_temporary(name: &str) -> bool {
    let stem = CHECKPOINT.strip_suffix(".json").unwrap_or(CHECKPOINT);
    let numbered = |rest: &str| rest.starts_with(".tmp.") && rest.strip_suffix(".json").is_some();
    name.strip_prefix(stem).is_some_and(|rest| rest == ".tmp" || numbered(rest))
}

/// The run of a former attempt that is named as the original's later tools do: `run_01` or `run_01_failed_2`.
pub(in crate::store) fn unnumbered_attempt(name: &str) -> Option<RunNumber> {
    let run = match name.split_once("_failed_") {
        Some((run, number)) if !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()) => run,
        Some(_) => return None,
        None => name,
    };
    RunNumber::from_folder(run)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_original_makes_is_usual_where_it_makes_it_and_nowhere_else() {
        for (usual, name, kind) in [
            (true, "cmd_0000_stdout.log", Kind::File),
            (true, "cmd_10000_stderr.log", Kind::File),
            (true, "task_prompt.md", Kind::Link),
            (true, "workspace", Kind::Folder),
            (false, "workspace", Kind::Link),
            (false, "run_result.json", Kind::Link),
            (false, "cmd_00_stdout.log", Kind::File),
            (false, "cmd_0000_stdout.log", Kind::Folder),
            (false, "best_subtest.json", Kind::File),
        ] {
            assert_eq!(is_usual_in_run(name, kind), usual, "{name}");
        }
        assert!(is_usual_at_root("criteria.md", Kind::Link) && !is_usual_at_root("report.json", Kind::Link));
        assert!(is_usual_in_tier("best_subtest.json", Kind::File) && !is_usual_in_subtest("summary.md", Kind::File));
        assert!(is_usual_in_subtest("workspace", Kind::Folder) && !is_usual_in_subtest("workspace", Kind::Link));
    }

    #[test]
    fn temporary_checkpoints_and_former_attempts_are_known_by_their_names() {
        for (temporary, name) in [
            (true, "checkpoint.tmp.4711.json"),
            (true, "checkpoint.tmp.4711.140.json"),
            (true, "checkpoint.tmp"),
            (false, "checkpoint.json"),
            (false, "checkpoint.tmp.4711"),
        ] {
            assert_eq!(is_temporary(name), temporary, "{name}");
        }
        for (run, name) in [
            (Some(1), "run_01"),
            (Some(100), "run_100_failed_2"),
            (None, "run_01_failed_"),
            (None, "run_1"),
            (None, "run_01_attempt_01"),
        ] {
            assert_eq!(unnumbered_attempt(name).map(RunNumber::get), run, "{name}");
        }
    }
}
