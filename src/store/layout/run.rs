//! The layout of the folder of a run.

use std::path::{Path, PathBuf};

use super::{
    AGENT, AGENT_RECORD, AGENT_RESULT, ATTEMPT, CHECKS, GRADINGS, JUDGE, PATCH, PRIVATE, RECORD, RESULT, SEAL,
    WORKSPACE,
};
use crate::model::ids::JudgeNumber;

/// What was captured and what was not.
pub(in crate::store) const CHANGES: &str = "changes.json";

/// What a judge was asked.
const PROMPT: &str = "prompt.md";
/// A judge's answer as it was parsed, below its folder.
pub(in crate::store) const JUDGMENT: &str = "judgment.json";
/// The name of the file by which a stage ends, in its folder.
pub(in crate::store) const STAGE_RESULT: &str = "result.json";
/// The requests of an agent with their answers.
const EXCHANGES: &str = "agent/exchanges.jsonl.zst";
/// A judge's raw answer, below its folder.
const RESPONSE: &str = "response.txt";

/// The folder of one run, or of a former attempt of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunFolder {
    pub(super) root: PathBuf,
    /// Name of the file whose appearance commits the run or grading.
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
    /// The tool's own folder while the run is in flight, outside of the workspace; not part of the evidence.
    private PRIVATE,
    /// The agent's files.
    agent AGENT,
    /// The agent's prompt.
    prompt "agent/prompt.md",
    /// The command that was started.
    command "agent/command.json",
    /// The agent's output.
    agent_stdout "agent/stdout.log",
    /// The agent's error output.
    agent_stderr "agent/stderr.log",
    /// What each request of the agent to a model took, as the gateway saw it.
    usage "agent/usage.jsonl",
    /// What the agent reached of the network beside its model, and what it was refused.
    connections "agent/connections.jsonl",
    /// The same of checks.
    checks_connections "checks/connections.jsonl",
    /// The requests of the agent to models with their answers, where they are kept.
    exchanges EXCHANGES,
    /// The file by which the agent stage ends.
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
    /// The file by which the checks stage ends.
    checks_result "checks/result.json",
    /// What judges were asked and answered.
    judges JUDGE,
    /// Former attempts of judges that gave no valid answer.
    failed_judges "judge/.failed",
    /// The panel's verdict.
    judge_result "judge/result.json",
    /// What the agent changed, as a patch.
    patch PATCH,
    /// What was captured of the agent's tree, and what was not.
    changes CHANGES,
    /// The seal over the evidence.
    seal SEAL,
    /// Later gradings of the run.
    gradings GRADINGS,
    /// In a former attempt: why it was set aside.
    attempt_record ATTEMPT,
}

impl RunFolder {
    /// The layout of any folder, for former attempts.
    #[must_use]
    pub fn at(root: PathBuf) -> Self {
        Self { root, committed_by: RESULT }
    }

    /// The folder itself.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The log of a check. The fixture's loader allows only letters, digits, `.`, `_` and `-` in names of checks;
    /// anything else becomes `_` here, so that a name cannot lead out of the folder.
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

    /// The folder of a former attempt of a judge.
    #[must_use]
    pub fn failed_judge(&self, judge: JudgeNumber, attempt: u32) -> PathBuf {
        self.failed_judges().join(format!("{judge}_attempt_{attempt:02}"))
    }

    /// The prompt of a judge.
    #[must_use]
    pub fn judge_prompt(&self, judge: JudgeNumber) -> PathBuf {
        self.judge(judge).join(PROMPT)
    }

    /// The prompt of a judge, in the folder of one of its attempts.
    #[must_use]
    pub fn prompt_in(attempt: &Path) -> PathBuf {
        attempt.join(PROMPT)
    }

    /// The raw answer of a judge.
    #[must_use]
    pub fn judge_response(&self, judge: JudgeNumber) -> PathBuf {
        self.judge(judge).join(RESPONSE)
    }

    /// The raw answer of a judge, in the folder of one of its attempts.
    #[must_use]
    pub fn response_in(attempt: &Path) -> PathBuf {
        attempt.join(RESPONSE)
    }

    /// The error output of a judge.
    #[must_use]
    pub fn judge_stderr(&self, judge: JudgeNumber) -> PathBuf {
        Self::stderr_in(&self.judge(judge))
    }

    /// The error output of a judge, in the folder of one of its attempts.
    #[must_use]
    pub fn stderr_in(attempt: &Path) -> PathBuf {
        attempt.join("stderr.log")
    }

    /// What each request of a judge to its model took, as the gateway saw it.
    #[must_use]
    pub fn judge_usage(&self, judge: JudgeNumber) -> PathBuf {
        Self::usage_in(&self.judge(judge))
    }

    /// The same, in the folder of one of its attempts.
    #[must_use]
    pub fn usage_in(attempt: &Path) -> PathBuf {
        attempt.join("usage.jsonl")
    }

    /// The file by which the stage of a judge ends.
    #[must_use]
    pub fn judgment(&self, judge: JudgeNumber) -> PathBuf {
        self.judge(judge).join(JUDGMENT)
    }
}

/// Reads the name of a judge's folder; only one spelling is accepted.
pub(in crate::store) fn judge_from_folder(name: &str) -> Option<JudgeNumber> {
    let judge = JudgeNumber(name.strip_prefix("judge_")?.parse().ok()?);
    (judge.0 > 0 && judge.to_string() == name).then_some(judge)
}
