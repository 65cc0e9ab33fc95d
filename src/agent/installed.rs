//! Agent programs that are installed on the machine: what a kind of them says of itself, and the adapter that all of
//! these kinds share.

use std::collections::BTreeMap;
use std::ffi::OsString;

use serde_json::{Map, Value, json};

use crate::model::agent::{Adapter, Agent, AgentStart, Assignment, NamedProgram, Paths, Reader, StepsIn};
use crate::model::ids::ModelName;
use crate::model::program::{Invocation, Keys, Kind};

/// The setting that each of these kinds has in a fixture.
pub(super) const KEYS: &[(&str, &str)] = &[("environment", "variables of its own")];

/// One program, and how it is started.
#[derive(Debug)]
pub(super) struct Program {
    /// Its kind.
    pub kind: &'static Kind<Agent>,
    /// The name by which it is found.
    pub name: &'static str,
    /// The line for `sh` that starts it: `"$@"` are the options that follow from the assignment.
    pub line: &'static str,
    /// Variables that keep it from asking anybody but its model, and from asking that too often.
    pub variables: &'static [(&'static str, &'static str)],
    /// What it is given of an assignment.
    pub given: fn(&Assignment<'_>) -> Given,
    /// Whether a word before the prompt makes it think more.
    pub thinks_by_word: bool,
    /// A reader of its output.
    pub reader: fn() -> Box<dyn Reader>,
    /// Where it tells the steps that it took.
    pub steps: Option<StepsIn>,
}

/// What a program is given of an assignment, beside the file with the prompt.
#[derive(Debug, Default)]
pub(super) struct Given {
    /// Options, in their order.
    pub options: Vec<OsString>,
    /// Variables.
    pub variables: Vec<(&'static str, OsString)>,
}

/// A program with a fixture's settings.
#[derive(Debug)]
struct Installed {
    program: &'static Program,
    run: Invocation,
    environment: BTreeMap<String, String>,
}

/// Reads the settings of a program in a fixture; `None` after a mistake.
pub(super) fn read(program: &'static Program, keys: &dyn Keys) -> Option<Agent> {
    let environment = keys.variables("environment")?;
    Some(Agent::new(Installed { program, run: Invocation::Argv(vec![program.name.to_owned()]), environment }))
}

impl Adapter for Installed {
    fn kind(&self) -> &'static Kind<Agent> {
        self.program.kind
    }

    fn keys(&self) -> Map<String, Value> {
        Map::from_iter([("environment".to_owned(), json!(self.environment))])
    }

    fn program(&self) -> Option<NamedProgram<'_>> {
        Some(NamedProgram { run: &self.run, environment: &self.environment })
    }

    fn model(&self, configured: Option<&str>) -> Option<ModelName> {
        Some(ModelName::new(configured.unwrap_or(self.program.name)))
    }

    fn thinks_by_word(&self) -> bool {
        self.program.thinks_by_word
    }

    /// A fixture's own variables come last, so that they count; but for the places of files.
    fn start(&self, assignment: &Assignment<'_>) -> AgentStart {
        let Given { options, variables } = (self.program.given)(assignment);
        let mut environment = assignment.environment.clone();
        environment.extend(self.program.variables.iter().map(|(name, value)| (name.into(), value.into())));
        environment.extend(variables.into_iter().map(|(name, value)| (name.into(), value)));
        environment.extend(self.environment.iter().map(|(name, value)| (name.into(), value.into())));
        let Paths { prompt_file, record_file, .. } = &assignment.paths;
        for (name, file) in [("SCYLLA_PROMPT_FILE", prompt_file), ("SCYLLA_RECORD_FILE", record_file)] {
            environment.insert(name.into(), file.clone().into_os_string());
        }
        let shell = ["/bin/sh", "-c", self.program.line, self.program.name].map(OsString::from);
        let argv = shell.into_iter().chain(options).collect();
        AgentStart::Command { argv, environment, needs: Some(self.program.name.to_owned()) }
    }

    fn reader(&self) -> Option<Box<dyn Reader>> {
        Some((self.program.reader)())
    }

    fn steps(&self) -> Option<StepsIn> {
        self.program.steps
    }
}
