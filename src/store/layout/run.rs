//! Where everything lies in the folder of a run.

use std::path::{Path, PathBuf};

use super::{
    AGENT, AGENT_RECORD, AGENT_RESULT, ATTEMPT, CHECKS, GRADINGS, JUDGE, PATCH, PRIVATE, RECORD, RESULT, SEAL,
    WORKSPACE,
};
use crate::model::ids::JudgeNumber;

/// What was taken and what was not.
pub(in crate::store) const CHANGES: &str = "changes.json";

/// What a judge was asked.
const PROMPT: &str = "prompt.md";
/// What a judge said, as it was understood, below its folder.
pub(in crate::store) const JUDGMENT: &str = "judgment.json";
/// How the file is called by which a stage ends in its folder.
pub(in crate::store) const STAGE_RESULT: &str = "result.json";
/// What a judge said, below its folder.
const RESPONSE: &str = "response.txt";

/// The folder of one run, or of a former attempt of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunFolder {
    pub(super) root: PathBuf,
    /// Name of the file whose appearance commits.
    pub(super) committed_by: &'static str,
}

/// Declares a method for each place in a run's folder.
macro_rules! places {
    ($( $(#[$meta:meta])* $name:ident $path:expr, )*) => {
        impl RunFolder {
            $( $(#[$meta])* #[must_use] pub fn $name(&self) -> PathBuf { self.root.join($path) } )*
        }
    };
}

places! {
    /// The agent's working tree.
    workspace WORKSPACE,
    /// Ours while the run is in flight, outside of the workspace; not part of the evidence.
    private PRIVATE,
    /// The agent's files.
    agent AGENT,
    /// What the agent was told.
    prompt "agent/prompt.md",
    /// What was started.
    command "agent/command.json",
    /// What the agent said.
    agent_stdout "agent/stdout.log",
    /// What the agent complained.
    agent_stderr "agent/stderr.log",
    /// The agent's durable file.
    agent_result AGENT_RESULT,
    /// A folder that the agent may write its record into.
    record_dir RECORD,
    /// The agent's own record of its work.
    record AGENT_RECORD,
    /// The mark of a process that works on the run.
    mark "agent/process.json",
    /// Where the agent works, until it is done.
    pointer "agent/work.json",
    /// Logs and results of checks.
    checks CHECKS,
    /// The durable file of the checks.
    checks_result "checks/result.json",
    /// What judges were asked and said.
    judges JUDGE,
    /// Former attempts of judges that gave no valid answer.
    failed_judges "judge/.failed",
    /// The panel's verdict.
    judge_result "judge/result.json",
    /// What the agent changed.
    patch PATCH,
    /// What was taken of the agent's tree, and what was not.
    changes CHANGES,
    /// The seal over the evidence.
    seal SEAL,
    /// Later gradings of the run.
    gradings GRADINGS,
    /// In a former attempt: why it lies there.
    attempt_record ATTEMPT,
}

impl RunFolder {
    /// The run in a folder, for former attempts.
    #[must_use]
    pub fn at(root: PathBuf) -> Self {
        Self { root, committed_by: RESULT }
    }

    /// The folder itself.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The log of a check. The fixture's loader holds names of checks to letters, digits, `.`, `_` and `-`; anything
    /// else becomes `_` here, so that a name cannot walk out of the folder.
    #[must_use]
    pub fn check_log(&self, name: &str) -> PathBuf {
        let plain = |letter: char| letter.is_ascii_alphanumeric() || "._-".contains(letter);
        let name: String = name.chars().map(|letter| if plain(letter) { letter } else { '_' }).collect();
        self.checks().join(format!("{name}.log"))
    }

    /// A judge's folder.
    #[must_use]
    pub fn judge(&self, judge: JudgeNumber) -> PathBuf {
        self.judges().join(judge.to_string())
    }

    /// A former attempt of a judge.
    #[must_use]
    pub fn failed_judge(&self, judge: JudgeNumber, attempt: u32) -> PathBuf {
        self.failed_judges().join(format!("{judge}_attempt_{attempt:02}"))
    }

    /// What a judge was asked.
    #[must_use]
    pub fn judge_prompt(&self, judge: JudgeNumber) -> PathBuf {
        self.judge(judge).join(PROMPT)
    }

    /// What a judge was asked, in the folder of one of its attempts.
    #[must_use]
    pub fn prompt_in(attempt: &Path) -> PathBuf {
        attempt.join(PROMPT)
    }

    /// What a judge said, as it said it.
    #[must_use]
    pub fn judge_response(&self, judge: JudgeNumber) -> PathBuf {
        self.judge(judge).join(RESPONSE)
    }

    /// What a judge said, in the folder of one of its attempts.
    #[must_use]
    pub fn response_in(attempt: &Path) -> PathBuf {
        attempt.join(RESPONSE)
    }

    /// What a judge complained.
    #[must_use]
    pub fn judge_stderr(&self, judge: JudgeNumber) -> PathBuf {
        Self::stderr_in(&self.judge(judge))
    }

    /// What a judge complained, in the folder of one of its attempts.
    #[must_use]
    pub fn stderr_in(attempt: &Path) -> PathBuf {
        attempt.join("stderr.log")
    }

    /// A judge's durable file.
    #[must_use]
    pub fn judgment(&self, judge: JudgeNumber) -> PathBuf {
        self.judge(judge).join(JUDGMENT)
    }
}

/// Reads the name of a judge's folder in its one spelling.
pub(in crate::store) fn judge_from_folder(name: &str) -> Option<JudgeNumber> {
    let judge = JudgeNumber(name.strip_prefix("judge_")?.parse().ok()?);
    (judge.0 > 0 && judge.to_string() == name).then_some(judge)
}
