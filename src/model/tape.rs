//! A request of an agent with its whole answer, as it is kept to be given again: a line of `agent/exchanges.jsonl.zst`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::allowance::Exceeded;

/// The version of the format of these lines. In those of version 1, names stand in plain braces, as they may in any text.
pub const VERSION: u32 = 2;
/// The last version whose names stand in plain braces.
const IN_BRACES: u32 = 1;

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

/// A request and its answer. In both, what is the attempt's own (the place where it worked, its address and key) stands as a name
/// ([`OwnWords`]), and secrets are redacted.
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

/// What begins a name that stands for something, and nothing else: where a text has it, an empty name stands for it.
const BEGIN: char = '⟦';
/// What ends a name.
const END: char = '⟧';

/// The name of the part of an attempt's address that only it knows. Its keys begin with the same letters.
pub const TOKEN: &str = "token";

/// What is an attempt's own, and the name that stands for it on a tape. Of several at one place the first counts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OwnWords(pub Vec<(String, &'static str)>);

impl OwnWords {
    /// The text with names in the place of what is the attempt's own, as a tape of this version has them.
    #[must_use]
    pub fn named(&self, text: &str, version: u32) -> String {
        if version <= IN_BRACES {
            return self.0.iter().fold(text.to_owned(), |text, (own, name)| text.replace(own, &braced(name)));
        }
        let mut named = String::with_capacity(text.len());
        let mut rest = text;
        let begins = |letter: char| letter == BEGIN || self.0.iter().any(|(own, _)| own.starts_with(letter));
        while let Some(at) = rest.find(begins) {
            let (before, from) = rest.split_at(at);
            named.push_str(before);
            let own = self.0.iter().find(|(own, _)| from.starts_with(own));
            rest = if let Some((own, name)) = own {
                named.extend([BEGIN]);
                named.push_str(name);
                named.extend([END]);
                &from[own.len()..]
            } else {
                let mut letters = from.chars();
                let letter = letters.next();
                named.extend(letter);
                named.extend(letter.filter(|letter| *letter == BEGIN).map(|_| END));
                letters.as_str()
            };
        }
        named + rest
    }

    /// How often a text has what is an attempt's own.
    #[must_use]
    pub fn count(&self, text: &str) -> usize {
        self.0.iter().map(|(own, _)| text.matches(own).count()).sum()
    }

    /// This one is given where its name stands for several.
    pub fn prefer(&mut self, own: &str) {
        if let Some(at) = self.0.iter().position(|(known, _)| known == own) {
            self.0[..=at].rotate_right(1);
        }
    }

    /// The text of a tape of this version with what is this attempt's own in the place of the names.
    #[must_use]
    pub fn own(&self, text: &str, version: u32) -> String {
        if version <= IN_BRACES {
            return self.0.iter().fold(text.to_owned(), |text, (own, name)| text.replace(&braced(name), own));
        }
        let mut given = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, from)) = rest.split_once(BEGIN) {
            given.push_str(before);
            let (name, after) = from.split_once(END).unwrap_or(("", from));
            match self.0.iter().find(|(_, known)| *known == name) {
                Some((own, _)) => given.push_str(own),
                None => given.extend([BEGIN]),
            }
            rest = after;
        }
        given + rest
    }
}

/// A name as it stood on tapes of the first version.
fn braced(name: &str) -> String {
    format!("{{{}}}", if name == TOKEN { "key" } else { name })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn words(place: &str) -> OwnWords {
        OwnWords(vec![(place.to_owned(), "work"), ("key".repeat(5), "key")])
    }

    #[test]
    fn what_is_an_attempts_own_is_exchanged_for_that_of_another_and_nothing_else_is() {
        let kept = words("/var/tmp/a").named(r#"write /var/tmp/a/tree/x f"{work} {key}" ⟦work⟧ ⟧"#, VERSION);
        assert_eq!(kept, r#"write ⟦work⟧/tree/x f"{work} {key}" ⟦⟧work⟧ ⟧"#);
        assert_eq!(words("/b").own(&kept, VERSION), r#"write /b/tree/x f"{work} {key}" ⟦work⟧ ⟧"#);
    }

    #[test]
    fn tapes_of_the_first_version_have_names_in_braces() {
        let kept = words("/var/tmp/a").named("write /var/tmp/a/tree/x", 1);
        assert_eq!(kept, "write {work}/tree/x");
        assert_eq!(words("/b").own(&kept, 1), "write /b/tree/x");
    }

    #[test]
    fn a_name_that_stands_for_several_gives_the_first_or_the_one_that_is_preferred() {
        let words = [("t-0", "key"), ("t-1", "key"), ("t", TOKEN), ("a", "gateway"), ("d", "gateway")];
        let mut words = OwnWords(words.map(|(own, name)| (own.to_owned(), name)).to_vec());
        let kept = words.named("t-1 : a/t", VERSION);
        assert_eq!(kept, "⟦key⟧ : ⟦gateway⟧/⟦token⟧");
        assert_eq!(words.named("t-1/t", 1), "{key}/{key}");
        assert_eq!(words.own("⟦key⟧ ⟦gateway⟧/⟦token⟧", VERSION), "t-0 a/t");
        words.prefer("d");
        assert_eq!(words.own("⟦key⟧ ⟦gateway⟧/⟦token⟧", VERSION), "t-0 d/t");
        assert_eq!(words.own("{key} {gateway}", 1), "t-0 d");
    }

    proptest! {
        #[test]
        fn every_text_is_given_again_as_it_was(text in "(⟦|⟧|work|key|/a|a|\\{|\\}|é| ){0,20}") {
            let words = OwnWords(vec![("/a".to_owned(), "work"), ("keykey".to_owned(), "key")]);
            prop_assert_eq!(words.own(&words.named(&text, VERSION), VERSION), text);
        }
    }
}
