//! Floor 3: turns a task into a command, and what it left into an outcome. Starts no process.

pub mod environment;
mod mistakes;
pub mod record;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use serde_json::json;

use crate::model::ids::{AttemptNumber, RunId};
use crate::model::limits::MOST_VARIABLE_BYTES;
use crate::model::task::{AgentSpec, Fixture, Setup, Subtest, SystemPrompt, Tools};
use crate::setup::compose::TEAMS_VARIABLE;

/// Where the files of a run lie that an agent is told of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    /// The tree that the agent works in.
    pub workspace: PathBuf,
    /// The prompt as a file.
    pub prompt_file: PathBuf,
    /// Where the agent may leave its record.
    pub record_file: PathBuf,
    /// The experiment's copy of the fixture.
    pub fixture: PathBuf,
}

/// One attempt at a task.
#[derive(Debug, Clone, PartialEq)]
pub struct Assignment<'a> {
    /// The task.
    pub fixture: &'a Fixture,
    /// The setup that is measured.
    pub subtest: &'a Subtest,
    /// What the agent is set up with, with what is inherited.
    pub setup: &'a Setup,
    /// Which run.
    pub run: RunId,
    /// Which attempt of it.
    pub attempt: AttemptNumber,
    /// The model that the agent is told to use.
    pub model: Option<&'a str>,
    /// The whole prompt.
    pub prompt: &'a str,
    /// Where its files lie.
    pub paths: Paths,
}

/// What is to be done to have the agent work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AgentStart {
    /// Start a program.
    Command {
        /// Program and arguments.
        argv: Vec<OsString>,
        /// Its whole environment.
        environment: BTreeMap<OsString, OsString>,
    },
    /// Apply the reference solution.
    ApplyPatch(PathBuf),
    /// Nothing.
    Nothing,
}

/// Turns an assignment into work. `inherited` is the coordinator's own environment, of which agents are given the
/// allowed part.
#[must_use]
pub fn work(assignment: &Assignment<'_>, inherited: &BTreeMap<OsString, OsString>) -> AgentStart {
    match &assignment.subtest.agent {
        AgentSpec::Command { run, environment: own, .. } => {
            let mut environment = environment::allowed(inherited, &assignment.fixture.environment);
            environment.extend(own.iter().map(|(name, value)| (name.into(), value.into())));
            environment.extend(variables(assignment));
            environment.extend(setup_variables(assignment.setup));
            AgentStart::Command { argv: run.words().into_iter().map(OsString::from).collect(), environment }
        }
        AgentSpec::Oracle => match &assignment.fixture.solution_file {
            Some(solution) => AgentStart::ApplyPatch(assignment.paths.fixture.join(solution)),
            None => AgentStart::Nothing,
        },
        AgentSpec::Nop => AgentStart::Nothing,
    }
}

/// The task's prompt, led by the word that makes an agent think so much.
///
/// The words are the original's for its modes `Low`, `High` and `UltraThink`; any other mode adds nothing.
#[must_use]
pub fn prompt(task: &str, thinking_mode: &str) -> String {
    let word = match thinking_mode {
        "Low" => "think",
        "High" => "think hard",
        "UltraThink" => "ultrathink",
        _ => return task.to_owned(),
    };
    format!("{word}\n\n{task}")
}

/// What the task says of itself in the agent's environment.
fn variables(assignment: &Assignment<'_>) -> BTreeMap<OsString, OsString> {
    let Assignment { run, attempt, model, prompt, paths, .. } = assignment;
    let mut variables: BTreeMap<OsString, OsString> = [
        ("SCYLLA_TIER", run.tier.to_string().into()),
        ("SCYLLA_SUBTEST", run.subtest.to_string().into()),
        ("SCYLLA_RUN", run.run.to_string().into()),
        ("SCYLLA_ATTEMPT", attempt.0.to_string().into()),
        ("SCYLLA_WORKSPACE", paths.workspace.clone().into_os_string()),
        ("SCYLLA_PROMPT_FILE", paths.prompt_file.clone().into_os_string()),
        ("SCYLLA_RECORD_FILE", paths.record_file.clone().into_os_string()),
        ("SCYLLA_FIXTURE", paths.fixture.clone().into_os_string()),
    ]
    .into_iter()
    .map(|(name, value)| (name.into(), value))
    .collect();
    // The kernel refuses to start a program with a longer variable or with a zero byte in it; the file has the text.
    if prompt.len() <= MOST_VARIABLE_BYTES && !prompt.contains('\0') {
        variables.insert("SCYLLA_PROMPT".into(), (*prompt).into());
    }
    if let Some(model) = model {
        variables.insert("SCYLLA_MODEL".into(), (*model).into());
    }
    variables
}

/// What an agent is set up with and cannot read from its workspace.
fn setup_variables(setup: &Setup) -> BTreeMap<OsString, OsString> {
    let mode = match setup.system_prompt {
        SystemPrompt::None => "none",
        SystemPrompt::Default => "default",
        SystemPrompt::Custom => "custom",
    };
    let mut variables = BTreeMap::from([("SCYLLA_SYSTEM_PROMPT_MODE".into(), mode.into())]);
    match &setup.resources.tools {
        Some(Tools::All) => _ = variables.insert("SCYLLA_TOOLS".into(), "all".into()),
        Some(Tools::Named(names)) => _ = variables.insert("SCYLLA_TOOLS".into(), names.join(",").into()),
        None => {}
    }
    if setup.agent_teams {
        variables.insert(TEAMS_VARIABLE.into(), "1".into());
    }
    variables
}

/// `agent/command.json`: what was started, for people. Of the environment it has the names and the task's own values.
#[must_use]
pub fn describe(work: &AgentStart, spec: &AgentSpec) -> String {
    let description = match work {
        AgentStart::Command { argv, environment } => {
            let own: BTreeMap<String, String> = environment
                .iter()
                .filter(|(name, _)| name.to_string_lossy().starts_with("SCYLLA_") && *name != "SCYLLA_PROMPT")
                .map(|(name, value)| (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned()))
                .collect();
            json!({
                "kind": spec.kind(),
                "argv": argv.iter().map(|word| word.to_string_lossy()).collect::<Vec<_>>(),
                "environment": own,
                "environment_names": environment.keys().map(|name| name.to_string_lossy()).collect::<Vec<_>>(),
            })
        }
        AgentStart::ApplyPatch(_) | AgentStart::Nothing => json!({ "kind": spec.kind() }),
    };
    format!("{description:#}\n")
}

#[cfg(test)]
mod tests;
