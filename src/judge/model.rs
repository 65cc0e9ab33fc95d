//! The judge `model`: a model of a provider or of one's own, asked over HTTP by our own program.

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

use super::endpoint::{Endpoint, KeyError};
use super::settings::{self, named_model};
use super::{answer, asking, prompt};
use crate::model::exchange::Interface;
use crate::model::ids::ModelName;
use crate::model::judge::{Answer, Asks, Facts, Judge, JudgeAdapter, JudgeKeys, Led, Run, Way};
use crate::model::outcome::Failure;
use crate::model::program::{Kind, NamedFile};
use crate::model::rubric::Rubric;
use crate::model::usage::{Cost, Tokens, Usage};
use crate::text::secret_names::names_a_secret;
use crate::text::url::{WrongBase, without_credentials, wrong_base};

/// The kind, as fixtures name it.
pub(super) static KIND: Kind<Judge> = Kind {
    name: "model",
    about: "asks a model over HTTP, with a prompt that holds task, rubric, changes, files and checks",
    keys: &[
        ("name", "its name in results"),
        ("api", "what is spoken there: `anthropic`, `openai-responses`, `openai-chat` or `gemini`"),
        ("model", "the model, as the provider names it (that of `--judge-model`)"),
        ("base_url", "below which URL it is asked (the provider's, or what the provider's usual variable says)"),
        ("key", "the variable that holds the key (the provider's usual one)"),
        ("structured", "whether the form of the answer is asked for by the API's own means (true)"),
        (
            "max_tokens",
            "most tokens of one answer, what the model thinks included (32000 for `anthropic`, else the endpoint's own)",
        ),
        ("prompt_file", "a template for the prompt, in place of our own"),
        ("timeout_seconds", "how long it may take (600)"),
    ],
    takes: &[],
    read,
};

/// How long a model may take by default, in seconds.
const USUAL_SECONDS: u64 = 600;
/// How much longer than the model our own program may take, in seconds.
const MORE_SECONDS: u64 = 30;

/// A model.
#[derive(Debug)]
struct Model {
    name: String,
    endpoint: Endpoint,
    /// Whether its model is yet to be named.
    is_open: bool,
    /// The fixture's own template.
    template: Option<NamedFile>,
}

fn read(keys: &dyn JudgeKeys) -> Option<Judge> {
    let name = settings::name(keys);
    let api = keys.required_choice("api", &Interface::ALL.map(Interface::name));
    let api = api.and_then(|word| Interface::ALL.into_iter().find(|api| api.name() == word));
    let model = named_model(keys);
    let base_url = keys.text("base_url");
    let key = keys.text("key");
    let structured = keys.flag("structured").unwrap_or(true);
    let max_tokens = keys.count("max_tokens");
    let timeout_seconds = keys.seconds("timeout_seconds").unwrap_or(USUAL_SECONDS);
    let template = prompt::template(keys);
    let wrong = base_url.as_deref().and_then(|url| Some((url, wrong_base(url)?)));
    if let Some((url, why)) = wrong {
        let belongs = match why {
            WrongBase::User | WrongBase::Query => "; a key belongs into the variable that `key` names",
            WrongBase::Scheme | WrongBase::Letter | WrongBase::Host => "",
        };
        keys.mistake("base_url", format!("`judges.base_url` is `{}`, {why}{belongs}", without_credentials(url)));
    }
    let wrong_key = key.as_deref().and_then(wrong_key);
    if let Some(why) = wrong_key {
        // A key that was written here by mistake is not shown.
        keys.mistake("key", format!("`judges.key` is {why}"));
    }
    if wrong.is_some() || wrong_key.is_some() {
        return None;
    }
    let is_open = model.is_none();
    let model = model.unwrap_or_default();
    let endpoint = Endpoint { api: api?, model, base_url, key, structured, max_tokens, timeout_seconds };
    Some(Judge::new(Model { name: name?, endpoint, is_open, template: template? }))
}

/// Why a text is not the name of a variable with a key.
fn wrong_key(name: &str) -> Option<&'static str> {
    let is_spelled = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if !is_spelled {
        Some("not the name of an environment variable; the key itself belongs into no file")
    } else if !names_a_secret(name) {
        Some("a name that does not speak of a key, token or secret, so what it holds would not be redacted")
    } else {
        None
    }
}

impl JudgeAdapter for Model {
    fn kind(&self) -> &'static Kind<Judge> {
        &KIND
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn keys(&self) -> Map<String, Value> {
        let mut keys = Map::new();
        keys.insert("name".to_owned(), json!(self.name));
        if let Ok(Value::Object(endpoint)) = serde_json::to_value(&self.endpoint) {
            keys.extend(endpoint.into_iter().filter(|(key, _)| !self.is_open || key != "model"));
        }
        keys.extend(self.template.iter().map(|template| ("prompt_file".to_owned(), json!(template.path))));
        keys
    }

    /// Its own, whatever judges are configured to use.
    fn model(&self, _configured: Option<&str>) -> Option<ModelName> {
        (!self.is_open).then(|| ModelName::new(&self.endpoint.model))
    }

    fn asking(&self, name: &str, model: &str) -> Option<Judge> {
        let endpoint = Endpoint { model: model.to_owned(), ..self.endpoint.clone() };
        let (name, template) = (name.to_owned(), self.template.clone());
        self.is_open.then(|| Judge::new(Self { name, endpoint, is_open: false, template }))
    }

    fn needs_model(&self) -> bool {
        self.is_open
    }

    fn way(&self) -> Way<'_> {
        Way::Asks(self)
    }
}

impl Asks for Model {
    fn run(&self) -> Run<'_> {
        let endpoint = serde_json::to_string(&self.endpoint).unwrap_or_default();
        Run::Own(vec![super::ASK_MODEL.to_owned(), endpoint])
    }

    fn variables(&self) -> Vec<&str> {
        self.endpoint.variables()
    }

    fn led(&self, environment: &BTreeMap<String, String>) -> Led<'_> {
        let (interface, base) = (self.endpoint.api, self.endpoint.base(environment).to_owned());
        Led::ToAddress { interface, base, key: self.endpoint.key() }
    }

    fn missing_variable(&self, environment: &BTreeMap<String, String>) -> Option<String> {
        match self.endpoint.addressed(environment) {
            Err(KeyError::Missing(variable)) => Some(variable),
            Err(KeyError::NoKey(_)) | Ok(_) => None,
        }
    }

    fn files(&self) -> Vec<&str> {
        self.template.iter().map(|template| template.path.as_str()).collect()
    }

    fn looks(&self) -> bool {
        true
    }

    fn timeout_seconds(&self) -> u64 {
        self.endpoint.timeout_seconds.saturating_add(MORE_SECONDS)
    }

    fn request(&self, facts: &Facts<'_>) -> Result<Vec<u8>, String> {
        prompt::render(prompt::text_of(self.template.as_ref()), facts).map(String::into_bytes)
    }

    fn failure(&self, answer: &[u8], now: Timestamp) -> Option<Failure> {
        answer::failure(answer, &self.name, now)
    }

    /// What its text says of money is no report of anybody.
    fn used(&self, answer: &[u8]) -> Usage {
        Usage { tokens: asking::used(self.endpoint.api, answer), cost: Cost::Unknown }
    }

    fn requests(&self, answer: &[u8]) -> Vec<Tokens> {
        asking::requests(self.endpoint.api, answer)
    }

    fn answer(&self, answer: &[u8], rubric: &Rubric) -> Result<Answer, String> {
        asking::read(answer, rubric)
    }
}
