//! A request of an agent with its whole answer, as it is kept to be given again: a line of `agent/exchanges.jsonl.zst`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::allowance::Exceeded;

/// The version of the format of these lines.
pub const VERSION: u32 = 1;

/// What is kept of what passes through the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RecordChoice {
    /// What each request took.
    #[default]
    None,
    /// Requests and answers too, so that they can be given again.
    Exchanges,
}

/// A request and its answer. In both, what is the attempt's own (the place where it worked, its address and key) stands as a name in
/// braces, and secrets are redacted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Take {
    /// [`VERSION`].
    pub version: u32,
    /// The method of the request.
    pub method: String,
    /// Its path and query, as they are at the provider.
    pub path: String,
    /// Its body.
    pub request: String,
    /// The status of the answer.
    pub status: u16,
    /// Its headers that are given again: the type of the body, and the provider's id of the request.
    pub headers: Vec<(String, String)>,
    /// Its body.
    pub answer: String,
    /// The limit at which the gateway itself gave this answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exceeded: Option<Exceeded>,
}

/// What is an attempt's own, and the name that stands for it on a tape. Names are exchanged in their order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OwnWords(pub Vec<(String, &'static str)>);

impl OwnWords {
    /// The text with names in the place of what is the attempt's own.
    #[must_use]
    pub fn named(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, (own, name)| text.replace(own, name))
    }

    /// The text with what is this attempt's own in the place of the names.
    #[must_use]
    pub fn own(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, (own, name)| text.replace(name, own))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_an_attempts_own_is_exchanged_for_that_of_another() {
        let words = |place: &str| OwnWords(vec![(place.to_owned(), "{place}")]);
        let kept = words("/var/tmp/a").named("write /var/tmp/a/tree/x");
        assert_eq!(kept, "write {place}/tree/x");
        assert_eq!(words("/scratch/b").own(&kept), "write /scratch/b/tree/x");
    }
}
