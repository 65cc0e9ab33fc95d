//! Agent programs that are installed on the machine: what a kind of them says of itself, and the adapter that all of
//! these kinds share.

use std::collections::BTreeMap;
use std::ffi::OsString;

use serde_json::{Map, Value, json};

use crate::model::agent::{Adapter, Agent, AgentStart, Assignment, NamedProgram, Paths, Reader, StepsIn};
use crate::model::ids::ModelName;
use crate::model::installation::{Installation, is_version};
use crate::model::program::{Invocation, Keys, Kind};
use crate::text::escape;

/// The settings that each of these kinds has in a fixture.
pub(super) const KEYS: &[(&str, &str)] = &[
    (MODEL, "the model that it is told to use, whatever `--model` says"),
    ("environment", "variables of its own"),
    (VERSION, "the version that its program must say it is; with another one nothing is started"),
];
/// The setting that names its model.
const MODEL: &str = "model";
/// The setting that demands a version.
pub(super) const VERSION: &str = "version";

/// One program, and how it is started.
#[derive(Debug)]
pub(super) struct Program {
    /// Its kind.
    pub kind: &'static Kind<Agent>,
    /// How it is found and installed, and what it needs.
    pub installation: Installation,
    /// The line for `sh` that starts it: `"$@"` are the options that follow from the assignment.
    pub line: &'static str,
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
    /// Its own model.
    model: Option<String>,
    environment: BTreeMap<String, String>,
    /// The version that is demanded.
    version: Option<String>,
}

/// Reads the settings of a program in a fixture; `None` after a mistake.
pub(super) fn read(program: &'static Program, keys: &dyn Keys) -> Option<Agent> {
    let environment = keys.variables("environment")?;
    let (model, version) = (keys.text(MODEL), keys.text(VERSION));
    if model.as_deref().is_some_and(|model| model.trim().is_empty()) {
        keys.mistake(MODEL, "`agent.model` says nothing".to_owned());
        return None;
    }
    if let Some(version) = version.as_deref().filter(|version| !is_version(version)) {
        keys.mistake(VERSION, format!("`{}` is no version, such as `1.2.3`", escape::terminal(version)));
        return None;
    }
    let run = Invocation::Argv(vec![program.installation.program.to_owned()]);
    Some(Agent::new(Installed { program, run, model, environment, version }))
}

impl Adapter for Installed {
    fn kind(&self) -> &'static Kind<Agent> {
        self.program.kind
    }

    fn keys(&self) -> Map<String, Value> {
        let version = self.version.as_ref().map(|version| (VERSION.to_owned(), json!(version)));
        let model = self.model.as_ref().map(|model| (MODEL.to_owned(), json!(model)));
        let environment = ("environment".to_owned(), json!(self.environment));
        model.into_iter().chain([environment]).chain(version).collect()
    }

    fn program(&self) -> Option<NamedProgram<'_>> {
        Some(NamedProgram { run: &self.run, environment: &self.environment })
    }

    fn installation(&self) -> Option<&'static Installation> {
        Some(&self.program.installation)
    }

    fn version(&self) -> Option<&str> {
        self.version.as_deref()
    }

    fn model(&self, configured: Option<&str>) -> Option<ModelName> {
        Some(ModelName::new(self.assigned_model(configured).unwrap_or(self.program.installation.program)))
    }

    fn assigned_model<'a>(&'a self, configured: Option<&'a str>) -> Option<&'a str> {
        self.model.as_deref().or(configured)
    }

    fn thinks_by_word(&self) -> bool {
        self.program.thinks_by_word
    }

    /// A fixture's own variables come last, so that they count; but for the places of files.
    fn start(&self, assignment: &Assignment<'_>) -> AgentStart {
        let assignment = &Assignment { model: self.assigned_model(assignment.model), ..assignment.clone() };
        let Given { options, variables } = (self.program.given)(assignment);
        let mut environment = assignment.environment.clone();
        let Installation { program, variables: own, .. } = &self.program.installation;
        environment.extend(own.iter().map(|(name, value)| (name.into(), value.into())));
        environment.extend(variables.into_iter().map(|(name, value)| (name.into(), value)));
        environment.extend(self.environment.iter().map(|(name, value)| (name.into(), value.into())));
        let Paths { prompt_file, record_file, .. } = &assignment.paths;
        for (name, file) in [("SCYLLA_PROMPT_FILE", prompt_file), ("SCYLLA_RECORD_FILE", record_file)] {
            environment.insert(name.into(), file.clone().into_os_string());
        }
        let shell = ["/bin/sh", "-c", self.program.line, program].map(OsString::from);
        let argv = shell.into_iter().chain(options).collect();
        AgentStart::Command { argv, is_ours: false, environment, needs: Some((*program).to_owned()) }
    }

    fn reader(&self) -> Option<Box<dyn Reader>> {
        Some((self.program.reader)())
    }

    fn steps(&self) -> Option<StepsIn> {
        self.program.steps
    }
}
