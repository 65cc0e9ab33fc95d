//! The judge `agent-program`: a model that is asked through one of the agent programs, which our own program starts. It is given the prompt of
//! every judge that is a model and an empty folder to work in: in the graded tree, such a program would read the instructions of
//! the setup that it grades.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::asking::through::{Order, requests, used};
use super::settings::{self, named_model};
use super::{answer, asking, prompt};
use crate::model::agent::Agent;
use crate::model::ids::ModelName;
use crate::model::judge::{Answer, Asks, Facts, Judge, JudgeAdapter, JudgeKeys, Led, Run, Through, Way};
use crate::model::limits::JUDGE_SECONDS;
use crate::model::outcome::Failure;
use crate::model::program::{Kind, NamedFile};
use crate::model::rubric::Rubric;
use crate::model::usage::{Tokens, Usage};

/// The kind, as fixtures name it.
pub(super) static KIND: Kind<Judge> = Kind {
    name: "agent-program",
    about: "asks a model through an agent program, in an empty folder, with the prompt of the kind `model`",
    keys: &[
        ("name", "its name in results"),
        ("agent", "the agent: its kind, such as `claude-code` or `codex@0.30.0`, or a map with `kind` and its keys"),
        ("model", "the model (that of `--judge-model`, else the program's own)"),
        ("prompt_file", "a template for the prompt, in place of our own"),
        ("timeout_seconds", "how long it may take (1200)"),
    ],
    takes: &[],
    read,
};

/// A model behind an agent program.
#[derive(Debug)]
struct ThroughAgent {
    name: String,
    agent: Agent,
    model: Option<String>,
    /// The fixture's own template.
    template: Option<NamedFile>,
    /// Wall clock limit of both questions together, in seconds.
    timeout_seconds: u64,
}

fn read(keys: &dyn JudgeKeys) -> Option<Judge> {
    let name = settings::name(keys);
    let agent = keys.agent("agent");
    let model = named_model(keys);
    let timeout_seconds = keys.seconds("timeout_seconds").unwrap_or(JUDGE_SECONDS);
    let template = prompt::template(keys)?;
    let agent = agent?;
    if agent.steps().is_none() || agent.reader().is_none() {
        let message =
            format!("`judges.agent` is `{}`, whose output does not say what its model answers", agent.kind().name);
        keys.mistake("agent", message);
        return None;
    }
    Some(Judge::new(ThroughAgent { name: name?, agent, model, template, timeout_seconds }))
}

impl JudgeAdapter for ThroughAgent {
    fn kind(&self) -> &'static Kind<Judge> {
        &KIND
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn keys(&self) -> Map<String, Value> {
        let mut keys = Map::from_iter([
            ("name".to_owned(), json!(self.name)),
            ("agent".to_owned(), json!(settings_of(&self.agent))),
        ]);
        keys.extend(self.model.iter().map(|model| ("model".to_owned(), json!(model))));
        keys.extend(self.template.iter().map(|template| ("prompt_file".to_owned(), json!(template.path))));
        keys.insert("timeout_seconds".to_owned(), json!(self.timeout_seconds));
        keys
    }

    /// Its own, else the one that its program uses by itself: that of `--judge-model` is its own from then on.
    fn model(&self, _configured: Option<&str>) -> Option<ModelName> {
        self.agent.model(self.model.as_deref())
    }

    fn asking(&self, name: &str, model: &str) -> Option<Judge> {
        let Self { agent, template, timeout_seconds, .. } = self;
        let (agent, template, timeout_seconds) = (agent.clone(), template.clone(), *timeout_seconds);
        self.model.is_none().then(|| {
            let (name, model) = (name.to_owned(), Some(model.to_owned()));
            Judge::new(Self { name, agent, model, template, timeout_seconds })
        })
    }

    fn through(&self) -> Option<Through<'_>> {
        Some(Through { agent: &self.agent, model: self.model.as_deref() })
    }

    fn way(&self) -> Way<'_> {
        Way::Asks(self)
    }
}

impl Asks for ThroughAgent {
    fn run(&self) -> Run<'_> {
        let order = Order { agent: settings_of(&self.agent), model: self.model.clone() };
        Run::Through(vec![super::ASK_AGENT.to_owned(), serde_json::to_string(&order).unwrap_or_default()])
    }

    fn variables(&self) -> Vec<&str> {
        let known = self.agent.installation().into_iter();
        known.flat_map(|known| known.keys.iter().chain(known.addresses)).copied().collect()
    }

    fn led(&self, _environment: &BTreeMap<String, String>) -> Led<'_> {
        self.agent.installation().map_or(Led::Unknown, |known| Led::ByVariables(known.addresses))
    }

    fn files(&self) -> Vec<&str> {
        self.template.iter().map(|template| template.path.as_str()).collect()
    }

    fn looks(&self) -> bool {
        true
    }

    fn timeout_seconds(&self) -> u64 {
        self.timeout_seconds
    }

    fn request(&self, facts: &Facts<'_>) -> Result<Vec<u8>, String> {
        prompt::render(prompt::text_of(self.template.as_ref()), facts).map(String::into_bytes)
    }

    fn failure(&self, answer: &[u8], now: Timestamp) -> Option<Failure> {
        answer::failure(answer, &self.name, now)
    }

    /// What the program says that it used. What its model's text says of money is no report of anybody.
    fn used(&self, answer: &[u8]) -> Usage {
        used(&self.agent, answer)
    }

    fn requests(&self, answer: &[u8]) -> Vec<Tokens> {
        requests(&self.agent, answer)
    }

    fn answer(&self, answer: &[u8], rubric: &Rubric) -> Result<Answer, String> {
        asking::read(answer, rubric)
    }
}

/// The settings of an agent, as a fixture gives them.
fn settings_of(agent: &Agent) -> Map<String, Value> {
    [("kind".to_owned(), json!(agent.kind().name))].into_iter().chain(agent.keys()).collect()
}
