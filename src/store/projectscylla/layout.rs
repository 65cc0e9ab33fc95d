//! Names in the folders that ProjectScylla makes: which are known at each level.

use std::path::PathBuf;

use crate::model::ids::RunNumber;
use crate::os::files::Kind;

use crate::store::layout::config::TAKEN_OVER;
use crate::store::layout::{AGENT, ExperimentFolder, JUDGE, Level, RESULT, WORKSPACE};

/// The copy that ProjectScylla keeps of its former checkpoint.
pub(in crate::store) const FORMER_CHECKPOINT: &str = "checkpoint.json.bak";
/// The file with the pid of ProjectScylla's runner.
pub(in crate::store) const PID: &str = "experiment.pid";
/// A report with the results of a tier or of the whole experiment in it.
pub(in crate::store) const TOTALS: &str = "result.json";
/// A report with the sums of a subtest, a tier or the whole experiment.
pub(in crate::store) const SUMS: &str = "report.json";

/// The agents' prompts, in the experiment's folder.
pub(in crate::store) const PROMPT: &str = "prompt.md";
/// An agent's prompt, in the run's folder.
pub(in crate::store) const TASK_PROMPT: &str = "task_prompt.md";
/// What judges were asked, in the folder of the run or of the experiment.
pub(in crate::store) const JUDGE_PROMPT: &str = "judge_prompt.md";
/// What an agent said, below the run's folder.
pub(in crate::store) const AGENT_OUTPUT: &str = "agent/output.txt";

/// Files of the experiment as a whole.
const AT_ROOT: [&str; 14] = [
    "checkpoint.json.backup",
    FORMER_CHECKPOINT,
    "criteria.md",
    PID,
    JUDGE_PROMPT,
    "pipeline_baseline.json",
    PROMPT,
    SUMS,
    "report.md",
    TOTALS,
    "result.json.backup",
    "rubric.yaml",
    "summary.md",
    "tier_comparison.json",
];
/// Its folders, apart from those of runs.
const FOLDERS_AT_ROOT: [&str; 4] = ["_baseline_worktree", "logs", "repo", "summary"];
/// Files of a tier.
const IN_TIER: [&str; 6] = ["best_subtest.json", SUMS, "report.md", TOTALS, "result.json.backup", "summary.md"];
/// Files of a subtest. In the earliest version its runs shared a workspace, and the log of making it was here.
const IN_SUBTEST: [&str; 7] = [
    "command_log.json",
    "config_manifest.json",
    "pipeline_baseline.json",
    "replay.sh",
    SUMS,
    "report.md",
    "worktree_create.sh",
];
/// Folders of a subtest, from the earliest version: the shared workspace, and a copy of its setup.
const FOLDERS_IN_SUBTEST: [&str; 2] = ["config", WORKSPACE];
/// Files of a run, apart from its logs of commands. In the earliest version agent and judge wrote into one folder.
const IN_RUN: [&str; 15] = [
    "command_log.json",
    JUDGE_PROMPT,
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
    TASK_PROMPT,
    "timing.json",
    "worktree_create.sh",
];
/// Folders of a run.
const FOLDERS_IN_RUN: [&str; 5] = [AGENT, "commands", JUDGE, "logs", WORKSPACE];
/// What ProjectScylla makes as links, some of them to absolute paths. They are not followed.
const LINKS: [&str; 5] = ["criteria.md", JUDGE_PROMPT, PROMPT, "rubric.yaml", TASK_PROMPT];

impl ExperimentFolder {
    /// The copy that ProjectScylla keeps of its former checkpoint.
    pub(in crate::store) fn former_checkpoint(&self) -> PathBuf {
        self.root().join(FORMER_CHECKPOINT)
    }

    /// The file with the pid of ProjectScylla's runner.
    pub(in crate::store) fn pid(&self) -> PathBuf {
        self.root().join(PID)
    }
}

/// A regular file of one of these names, or a link where ProjectScylla makes one.
fn is_file_of(names: &[&str], name: &str, kind: Kind) -> bool {
    names.contains(&name) && (kind == Kind::File || (kind == Kind::Link && LINKS.contains(&name)))
}

/// Whether ProjectScylla makes such a name at a level, or made it in an experiment that was taken over.
pub(in crate::store) fn is_usual(level: Level, name: &str, kind: Kind) -> bool {
    match level {
        Level::Root => is_usual_at_root(name, kind),
        Level::Config => name == TAKEN_OVER && kind == Kind::Folder,
        Level::Tier => is_usual_in_tier(name, kind),
        Level::Subtest => is_usual_in_subtest(name, kind),
        Level::Run => is_usual_in_run(name, kind),
        // Deeper down, any name is accepted.
        Level::BelowRun => true,
    }
}

/// Whether ProjectScylla makes such a name in the experiment's folder.
fn is_usual_at_root(name: &str, kind: Kind) -> bool {
    is_file_of(&AT_ROOT, name, kind) || (kind == Kind::Folder && FOLDERS_AT_ROOT.contains(&name))
}

/// The same in the folder of a tier.
fn is_usual_in_tier(name: &str, kind: Kind) -> bool {
    is_file_of(&IN_TIER, name, kind)
}

/// The same in the folder of a subtest.
fn is_usual_in_subtest(name: &str, kind: Kind) -> bool {
    is_file_of(&IN_SUBTEST, name, kind)
        || (kind == Kind::Folder && FOLDERS_IN_SUBTEST.contains(&name))
        || (kind == Kind::File && is_log_of_command(name))
}

/// The same in the folder of a run.
fn is_usual_in_run(name: &str, kind: Kind) -> bool {
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

/// The run of a former attempt with a name that ProjectScylla's later tools give: `run_01` or `run_01_failed_2`.
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
    fn what_is_made_there_is_usual_where_it_is_made_and_nowhere_else() {
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
    fn former_attempts_are_known_by_their_names() {
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
