//! Agents that are named by a word alone, as on a command line: `NAME`, or `NAME@VERSION`.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use super::KINDS;
use super::installed::VERSION;
use crate::model::agent::{Agent, StepsIn};
use crate::model::details::RunDetails;
use crate::model::program::{Invocation, Keys, Kind, Recording};
use crate::text::escape;
use crate::text::nearest::nearest;

/// The agent that such a word names; `has_solution` says whether the fixture has a reference solution.
///
/// # Errors
/// Why there is no such agent, in a sentence.
pub fn named(word: &str, has_solution: bool) -> Result<Agent, String> {
    let (name, version) = word.split_once('@').map_or((word, None), |(name, version)| (name, Some(version)));
    let Some(kind) = KINDS.iter().find(|kind| kind.name == name) else {
        let known: Vec<&str> = KINDS.iter().map(|kind| kind.name).collect();
        let meant = nearest(name, known.iter().copied()).map(|meant| format!("; did you mean `{meant}`?"));
        let (name, known, meant) = (escape::terminal(name), known.join(", "), meant.unwrap_or_default());
        return Err(format!("`{name}` is no kind of agent: it is one of {known}{meant}"));
    };
    let word =
        Word { version, run: None, has_solution, is_version_read: Cell::new(false), mistake: RefCell::default() };
    let agent = (kind.read)(&word);
    match (agent, word.mistake.into_inner()) {
        (_, Some(mistake)) => Err(mistake),
        (Some(_), None) if version.is_some() && !word.is_version_read.get() => {
            Err(format!("`{name}` has no version that could be demanded"))
        }
        (Some(agent), None) => Ok(agent),
        (None, None) => Err(format!("`{name}` needs settings that only a fixture can name")),
    }
}

/// Where the steps of a run are told: by its agent, or by that of the recorded run which it played back.
#[must_use]
pub fn steps_of(agent: &Agent, details: Option<&RunDetails>) -> Option<StepsIn> {
    if agent.recording().is_none() {
        return agent.steps();
    }
    let played = &details?.agent.as_ref()?.replayed.as_ref()?.agent;
    of_kind(KINDS.iter().find(|known| known.name == *played)?)?.steps()
}

/// An agent of this kind with as few settings as it takes; `None` for a kind that has to be told more.
#[must_use]
pub fn of_kind(kind: &Kind<Agent>) -> Option<Agent> {
    let run = Some(Invocation::Argv(vec![kind.name.to_owned()]));
    let word =
        Word { version: None, run, has_solution: true, is_version_read: Cell::default(), mistake: RefCell::default() };
    (kind.read)(&word)
}

/// Beginnings of lines that programs of agents print in every run, and that explain nothing.
pub fn greetings() -> impl Iterator<Item = &'static str> {
    let agents = KINDS.iter().filter_map(|kind| of_kind(kind));
    agents.filter_map(|agent| agent.installation()).flat_map(|known| known.greetings).copied()
}

/// The settings of an agent that a word names: there are none but the version.
struct Word<'a> {
    version: Option<&'a str>,
    run: Option<Invocation>,
    has_solution: bool,
    /// Whether the kind knows versions.
    is_version_read: Cell<bool>,
    /// The first mistake.
    mistake: RefCell<Option<String>>,
}

impl Keys for Word<'_> {
    fn run(&self) -> Option<Invocation> {
        self.run.clone()
    }
    fn variables(&self, _: &'static str) -> Option<BTreeMap<String, String>> {
        Some(BTreeMap::new())
    }
    fn choice(&self, _: &'static str, _: &[&'static str]) -> Option<&'static str> {
        None
    }
    /// The only text that such a word can name is the version.
    fn text(&self, key: &'static str) -> Option<String> {
        if key != VERSION {
            return None;
        }
        self.is_version_read.set(true);
        self.version.map(str::to_owned)
    }
    /// What such a word names behind its kind, in place of a version.
    fn recording(&self, key: &'static str) -> Option<Recording> {
        self.is_version_read.set(true);
        let named = self.version.filter(|named| !named.is_empty());
        if named.is_none() {
            self.mistake(key, "it has to be said what is played back: `replay@FOLDER`".to_owned());
        }
        named.map(|named| Recording {
            named: named.to_owned(),
            folder: Some(named.into()),
            file: "--agent".into(),
            line: None,
        })
    }
    fn seconds(&self, _: &'static str) -> Option<u64> {
        None
    }
    fn name(&self) -> Option<String> {
        None
    }
    fn reserve_name(&self, _: &str) {}
    fn has_solution(&self) -> bool {
        self.has_solution
    }
    fn mistake(&self, _: &'static str, message: String) {
        self.mistake.borrow_mut().get_or_insert(message);
    }
    fn mistake_with_hint(&self, message: String, _: String) {
        self.mistake.borrow_mut().get_or_insert(message);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_names_an_agent_and_perhaps_its_version_and_a_wrong_one_is_explained() {
        let read = |word: &str| named(word, false).map(|agent| (agent.kind().name, agent.version().map(str::to_owned)));
        assert_eq!(read("codex"), Ok(("codex", None)));
        assert_eq!(named("codex@1.2.3", false).unwrap().assigned_model(None), None, "a version is no model");
        assert_eq!(read("claude-code@2.1.197"), Ok(("claude-code", Some("2.1.197".to_owned()))));
        assert_eq!(read("nop"), Ok(("nop", None)));
        for (word, why) in [
            ("pi", "`pi` is no kind of agent: it is one of command, claude-code,"),
            ("nop@1.0", "`nop` has no version that could be demanded"),
            ("codex@newest", "`newest` is no version, such as `1.2.3`"),
            ("codex@", "`` is no version, such as `1.2.3`"),
            ("command", "`command` needs settings that only a fixture can name"),
            ("replay", "it has to be said what is played back: `replay@FOLDER`"),
            ("oracle", "an `oracle` needs a `solution_file`"),
        ] {
            assert!(read(word).is_err_and(|error| error.starts_with(why)), "{word}: {:?}", read(word));
        }
        for (word, meant) in [("claude", "claude-code"), ("gemni", "gemini"), ("mini", "mini-swe-agent")] {
            let why = read(word).unwrap_err();
            assert!(why.ends_with(&format!("; did you mean `{meant}`?")), "{why}");
        }
        assert!(named("oracle", true).is_ok());
    }
}
