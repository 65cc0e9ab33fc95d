//! The agent `command`: any program, started in the workspace. It gets its task in variables and files, and may leave a
//! record of what it used.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::record;
use crate::model::agent::{
    Adapter, Agent, AgentOutcome, AgentStart, Assignment, EndedAgent, NamedProgram, Output, Reader, Reading,
};
use crate::model::allowance::Allowance;
use crate::model::ids::ModelName;
use crate::model::limits::MOST_VARIABLE_BYTES;
use crate::model::outcome::Failure;
use crate::model::program::{Invocation, Keys, Kind};
use crate::model::setup::{Capability, Setup, SystemPrompt, Tools};
use crate::setup::compose::TEAMS_VARIABLE;

/// The kind, as fixtures name it.
pub(super) static KIND: Kind<Agent> = Kind {
    name: "command",
    about: "starts a program in the workspace",
    keys: &[
        ("command", "the program and its arguments, as a list"),
        ("shell", "a line for `sh`, in place of `command`"),
        ("environment", "variables of its own"),
        ("record", "`required` or `optional` (the default)"),
    ],
    takes: &Capability::ALL,
    read,
};

/// The model that stands for all agents without a named model that are shell lines.
const SOME_AGENTS: &str = "the agents' model";

const REQUIRED: &str = "required";
const OPTIONAL: &str = "optional";

/// Any program.
#[derive(Debug)]
struct Command {
    run: Invocation,
    /// Variables that it gets in addition to the allowed ones.
    environment: BTreeMap<String, String>,
    /// Whether it must leave a record (`$SCYLLA_RECORD_FILE`); ending without it is then an infrastructure failure.
    requires_record: bool,
}

fn read(keys: &dyn Keys) -> Option<Agent> {
    let run = keys.run();
    let environment = keys.variables("environment");
    let requires_record = keys.choice("record", &[REQUIRED, OPTIONAL]) == Some(REQUIRED);
    Some(Agent::new(Command { run: run?, environment: environment?, requires_record }))
}

/// An agent that is a shell line and need not leave a record.
#[must_use]
pub fn of_line(line: &str) -> Agent {
    let run = Invocation::Shell(line.to_owned());
    Agent::new(Command { run, environment: BTreeMap::new(), requires_record: false })
}

impl Adapter for Command {
    fn kind(&self) -> &'static Kind<Agent> {
        &KIND
    }

    fn keys(&self) -> Map<String, Value> {
        let record = if self.requires_record { REQUIRED } else { OPTIONAL };
        let others = [("environment", json!(self.environment)), ("record", json!(record))];
        let others = others.map(|(key, value)| (key.to_owned(), value));
        [self.run.entry()].into_iter().chain(others).collect()
    }

    fn program(&self) -> Option<NamedProgram<'_>> {
        Some(NamedProgram { run: &self.run, environment: &self.environment })
    }

    /// If no model is configured, agents with the same program count as using the same model, and so do all agents that
    /// are shell lines.
    fn model(&self, configured: Option<&str>) -> Option<ModelName> {
        let program = match &self.run {
            Invocation::Argv(words) => words.first().map(Path::new).and_then(Path::file_name),
            Invocation::Shell(_) => None,
        };
        let own = program.map_or(SOME_AGENTS.into(), |program| program.to_string_lossy());
        Some(ModelName::new(configured.unwrap_or(&own)))
    }

    fn may_hide_its_cost(&self) -> bool {
        !self.requires_record
    }

    fn start(&self, assignment: &Assignment<'_>) -> AgentStart {
        let mut environment = assignment.environment.clone();
        environment.extend(self.environment.iter().map(|(name, value)| (name.into(), value.into())));
        environment.extend(variables(assignment));
        environment.extend(setup_variables(assignment.setup));
        let argv = self.run.words().into_iter().map(OsString::from).collect();
        AgentStart::Command { argv, is_ours: false, environment, needs: None }
    }

    fn reader(&self) -> Option<Box<dyn Reader>> {
        Some(Box::new(RecordReader { requires_record: self.requires_record, record: None }))
    }
}

/// Reads the record; what the program prints is not interpreted.
#[derive(Debug)]
struct RecordReader {
    requires_record: bool,
    /// The record's bytes so far, or why it cannot be read.
    record: Option<Result<Vec<u8>, String>>,
}

impl Reader for RecordReader {
    fn wants(&self) -> &'static [Output] {
        &[Output::Record]
    }

    fn feed(&mut self, output: Output, piece: &[u8]) {
        if output == Output::Record
            && let Ok(record) = self.record.get_or_insert_with(|| Ok(Vec::new()))
        {
            record.extend_from_slice(piece);
        }
    }

    fn cannot_read(&mut self, output: Output, why: String) {
        if output == Output::Record {
            self.record = Some(Err(why));
        }
    }

    fn reading(&self, now: Timestamp) -> Option<Reading> {
        Some(match self.record.as_ref()? {
            Ok(record) => record::read(record, now),
            Err(why) => Reading { end: Err(why.clone()), ..Reading::default() },
        })
    }

    fn outcome(&self, ended: EndedAgent, now: Timestamp) -> Result<AgentOutcome, Failure> {
        record::outcome(self.requires_record, ended, self.reading(now))
    }
}

/// The variables in the agent's environment that describe the task.
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
    let Allowance { tokens, turns, cost } = assignment.allowance;
    for (name, most) in [
        ("SCYLLA_MAX_TOKENS", tokens.map(|most| most.to_string())),
        ("SCYLLA_MAX_TURNS", turns.map(|most| most.to_string())),
        ("SCYLLA_MAX_COST_USD", cost.map(|most| most.dollars().to_string())),
    ] {
        variables.extend(most.map(|most| (name.into(), most.into())));
    }
    variables
}

/// The parts of an agent's setup that it cannot read from its workspace.
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
