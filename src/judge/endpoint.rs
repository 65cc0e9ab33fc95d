//! Where a model is asked, and how: what a fixture says of it, and what the environment adds.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::exchange::Interface;
use crate::model::judge::SENT_TO;

/// Where a model is asked, and how. It is what our own program is started with, so it holds no secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Endpoint {
    /// The API that is spoken there.
    pub api: Interface,
    /// The model, as the provider names it.
    pub model: String,
    /// Below which URL requests go; by default where the API's variable says, else the provider's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_url: Option<String>,
    /// The variable with the key; by default the provider's usual one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Whether the form of the answer is asked for by the API's own means, and not in words alone.
    pub structured: bool,
    /// Most tokens of one answer, what the model thinks included; by default the API's own limit, or ours where the API wants one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u32>,
    /// How long all questions together may take, in seconds.
    pub timeout_seconds: u64,
}

/// Variables that say by which proxy programs reach the network.
const PROXIES: [&str; 8] =
    ["ALL_PROXY", "all_proxy", "HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "NO_PROXY", "no_proxy"];

/// What one request is sent with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addressed {
    /// The URL.
    pub url: String,
    /// Headers; one may hold the key.
    pub headers: Vec<(&'static str, String)>,
}

/// Why there is no key to ask with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The variable is not set.
    #[error("the variable `{0}`, which should hold the key, is not set")]
    Missing(String),
    /// Its value cannot be sent.
    #[error("the variable `{0}` holds no key: there is a line break in it, or another character that no key has")]
    NoKey(String),
}

impl Endpoint {
    /// The variable that holds the key.
    #[must_use]
    pub fn key(&self) -> &str {
        self.key.as_deref().unwrap_or(self.api.key())
    }

    /// The variables that our program needs of the environment.
    #[must_use]
    pub fn variables(&self) -> Vec<&str> {
        let own_base = self.base_url.is_none().then(|| self.api.base_variable());
        [self.key()].into_iter().chain(own_base).chain(PROXIES).collect()
    }

    /// The address that the fixture or a variable names.
    fn elsewhere<'a>(&'a self, variables: &'a BTreeMap<String, String>) -> Option<&'a str> {
        self.base_url.as_deref().or_else(|| set(variables, self.api.base_variable()))
    }

    /// Below which address the model is asked.
    #[must_use]
    pub fn base<'a>(&'a self, variables: &'a BTreeMap<String, String>) -> &'a str {
        self.elsewhere(variables).unwrap_or(self.api.base()).trim_end_matches('/')
    }

    /// Where requests go, and with which headers. What [`SENT_TO`] says wins over all.
    ///
    /// # Errors
    /// When a key is needed and there is none, or there is one that cannot be sent.
    pub fn addressed(&self, variables: &BTreeMap<String, String>) -> Result<Addressed, KeyError> {
        let base = set(variables, SENT_TO).unwrap_or_else(|| self.base(variables));
        let key = set(variables, self.key());
        // What stands on one's own machine mostly asks for no key.
        if key.is_none() && (self.key.is_some() || self.elsewhere(variables).is_none()) {
            return Err(KeyError::Missing(self.key().to_owned()));
        }
        if key.is_some_and(|key| !key.bytes().all(|byte| matches!(byte, b' '..=b'~'))) {
            return Err(KeyError::NoKey(self.key().to_owned()));
        }
        let mut headers = self.api.headers();
        headers.extend(key.map(|key| self.api.authorization(key)));
        Ok(Addressed { url: format!("{base}{}", self.api.path(&self.model)), headers })
    }
}

/// The value of a variable that is set to something.
fn set<'a>(variables: &'a BTreeMap<String, String>, name: &str) -> Option<&'a str> {
    variables.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(api: Interface, base_url: Option<&str>, key: Option<&str>) -> Endpoint {
        Endpoint {
            api,
            model: "some/model:1".to_owned(),
            base_url: base_url.map(str::to_owned),
            key: key.map(str::to_owned),
            structured: true,
            max_tokens: None,
            timeout_seconds: 60,
        }
    }

    fn variables(said: &[(&str, &str)]) -> BTreeMap<String, String> {
        said.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn each_api_is_asked_at_its_own_url_with_its_own_header() {
        let mut told = Vec::new();
        for api in Interface::ALL {
            let keys = variables(&[("ANTHROPIC_API_KEY", "k1"), ("OPENAI_API_KEY", "k2"), ("GEMINI_API_KEY", "k3")]);
            let addressed = at(api, None, None).addressed(&keys).unwrap();
            let headers: Vec<String> =
                addressed.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
            told.push(format!("{} {}", addressed.url, headers.join(", ")));
        }
        assert_eq!(
            told,
            [
                "https://api.anthropic.com/v1/messages anthropic-version: 2023-06-01, x-api-key: k1",
                "https://api.openai.com/v1/responses authorization: Bearer k2",
                "https://api.openai.com/v1/chat/completions authorization: Bearer k2",
                "https://generativelanguage.googleapis.com/v1beta/models/some%2Fmodel%3A1:generateContent x-goog-api-key: k3",
            ]
        );
    }

    #[test]
    fn the_fixtures_base_url_wins_over_the_variable_and_that_over_the_providers() {
        let here = variables(&[("OPENAI_BASE_URL", "http://localhost:1/v1/"), ("OPENAI_API_KEY", "k")]);
        let url = |base| at(Interface::OpenAiChat, base, None).addressed(&here).unwrap().url;
        assert_eq!(url(None), "http://localhost:1/v1/chat/completions");
        assert_eq!(url(Some("http://localhost:2/v1")), "http://localhost:2/v1/chat/completions");
        let sent = variables(&[(SENT_TO, "http://127.0.0.1:9/token/openai"), ("OPENAI_API_KEY", "k")]);
        let led = at(Interface::OpenAiChat, Some("http://localhost:2/v1"), None).addressed(&sent).unwrap().url;
        assert_eq!(led, "http://127.0.0.1:9/token/openai/chat/completions");
        assert!(!at(Interface::OpenAiChat, Some("http://a"), None).variables().contains(&"OPENAI_BASE_URL"));
        assert!(at(Interface::OpenAiChat, None, None).variables().contains(&"OPENAI_BASE_URL"));
    }

    #[test]
    fn a_key_is_needed_where_the_provider_is_asked_or_one_is_named() {
        let none = variables(&[("OPENAI_API_KEY", " ")]);
        assert_eq!(
            at(Interface::OpenAiChat, None, None).addressed(&none),
            Err(KeyError::Missing("OPENAI_API_KEY".to_owned()))
        );
        assert_eq!(
            at(Interface::OpenAiChat, Some("http://a"), Some("K")).addressed(&none),
            Err(KeyError::Missing("K".to_owned()))
        );
        let broken = variables(&[("OPENAI_API_KEY", "sk-1\nsk-2")]);
        let told = at(Interface::OpenAiChat, None, None).addressed(&broken).unwrap_err();
        assert_eq!(told, KeyError::NoKey("OPENAI_API_KEY".to_owned()));
        assert!(at(Interface::OpenAiChat, Some("http://a"), None).addressed(&none).unwrap().headers.is_empty());
    }
}
