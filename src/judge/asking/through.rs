//! How a model is asked through an agent program: what our own program is told, what it keeps of what it hears, and what follows from that.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Answered, Outcome, until_valid};
use crate::judge::trouble::Trouble;
use crate::model::agent::{Agent, Output, Reader, Reading};
use crate::model::outcome::{Failure, FailureKind};
use crate::model::rubric::Rubric;
use crate::model::steps::StepKind;
use crate::model::usage::{Cost, CostSource, Tokens, Total, Usage};
use crate::text::{claims, foreign};

/// What our own program is told: it is shown no fixture.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// The settings of the agent.
    pub agent: Map<String, Value>,
    /// The model that its program is told to use.
    pub model: Option<String>,
}

/// The file with the rubric, in the folder that our own program is started in.
pub const RUBRIC: &str = "rubric.json";

/// What the program of an agent used for an answer, as far as what is kept of it says.
#[must_use]
pub fn used(agent: &Agent, answer: &[u8]) -> Usage {
    readings(agent, answer).map(|reading| reading.usage).reduce(plus).unwrap_or_default()
}

/// What each request to its model used for an answer, where what is kept of it says so.
#[must_use]
pub fn requests(agent: &Agent, answer: &[u8]) -> Vec<Tokens> {
    readings(agent, answer).flat_map(|reading| reading.requests).collect()
}

/// What the program said for each question.
fn readings(agent: &Agent, answer: &[u8]) -> impl Iterator<Item = Reading> {
    let mut readers: BTreeMap<u32, Box<dyn Reader>> = BTreeMap::new();
    for Printed { question, from, text } in answer.split(|byte| *byte == b'\n').filter_map(printed) {
        let reader = match readers.entry(question) {
            std::collections::btree_map::Entry::Occupied(known) => known.into_mut(),
            std::collections::btree_map::Entry::Vacant(new) => {
                let Some(reader) = agent.reader() else { continue };
                new.insert(reader)
            }
        };
        reader.feed(from.into(), text.as_bytes());
    }
    readers.into_values().map(|reader| reader.reading(Timestamp::UNIX_EPOCH).unwrap_or_default())
}

/// What two questions used together.
fn plus(one: Usage, other: Usage) -> Usage {
    let source = one.cost.at_least().or(other.cost.at_least()).map_or(CostSource::Reported, |(_, source)| source);
    let cost = Cost::of(Total::from(one.cost) + Total::from(other.cost), source);
    Usage { tokens: one.tokens.plus(other.tokens), cost }
}

/// Which output a program printed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum From {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
    /// The file of its final record.
    Record,
}

impl std::convert::From<From> for Output {
    fn from(from: From) -> Self {
        match from {
            From::Stdout => Self::Stdout,
            From::Stderr => Self::Stderr,
            From::Record => Self::Record,
        }
    }
}

/// A piece of what a program printed, as it is kept: a line of the answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Printed {
    /// The question, from 1.
    pub question: u32,
    /// The output.
    pub from: From,
    /// The piece.
    pub text: String,
}

fn printed(line: &[u8]) -> Option<Printed> {
    serde_json::from_slice(line.strip_suffix(b",").unwrap_or(line)).ok()
}

/// The last thing that the model of an agent said in an output of its program.
///
/// # Errors
/// Why that is not known.
pub fn last_words(agent: &Agent, output: &[u8]) -> LastWords {
    let Some(steps) = agent.steps().map(|steps| (steps.read)(output)) else {
        return Err("its output does not say what its model answers".to_owned());
    };
    if steps.left_out() > 0 {
        return Err("it took more steps than are read".to_owned());
    }
    match steps.kept().iter().rfind(|step| step.kind == StepKind::Message) {
        Some(last) if last.left_out_bytes > 0 => Err("its last message is longer than is read".to_owned()),
        Some(last) => Ok(json_in(&foreign::whole(&last.text)).to_owned()),
        None => Err("its model said nothing".to_owned()),
    }
}

/// The JSON at the end of a message: programs that work in steps say a word before it.
fn json_in(text: &str) -> &str {
    let whole =
        |from: usize| serde_json::from_slice::<Map<String, Value>>(claims::bare(&text.as_bytes()[from..])).is_ok();
    let begins = |(place, _): &(usize, char)| {
        let before = text[..*place].trim_end();
        (before.is_empty() || text[..*place].ends_with('\n')) && whole(*place)
    };
    text.char_indices()
        .filter(|(_, char)| matches!(char, '{' | '`' | '~'))
        .find(begins)
        .map_or(text, |(place, _)| &text[place..])
}

/// Why a program did not judge, from the failure of its work.
#[must_use]
pub fn trouble(failure: &Failure) -> Trouble {
    let kind = match failure.kind {
        FailureKind::Auth => Some("auth"),
        FailureKind::RateLimit => Some("rate_limit"),
        FailureKind::Provider => Some("provider"),
        FailureKind::OutOfMemory => Some("out_of_memory"),
        _ => None,
    };
    Trouble { kind, message: failure.message.clone(), retry_at: failure.retry_at }
}

/// The last words of a program, or why there are none.
pub type LastWords = Result<String, String>;

/// Asks until there is a valid answer, at most twice. `put` asks a question, which is numbered from 1, and gives the last words.
pub fn ask(rubric: &Rubric, prompt: &str, put: &mut dyn FnMut(u32, &str) -> Result<LastWords, Trouble>) -> Outcome {
    let mut question = 0;
    until_valid(rubric, prompt, &mut |text| {
        question += 1;
        let (text, unfinished) = match put(question, text)? {
            Ok(text) => (text, None),
            Err(why) => (String::new(), Some(why)),
        };
        Ok(Answered { text, unfinished })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_is_the_json_at_the_end_of_what_was_said() {
        for (text, json) in [
            ("{\"items\": {}}", "{\"items\": {}}"),
            ("The tests pass.\n\n{\"a\": 1}\n", "{\"a\": 1}\n"),
            ("It is {odd}:\n```json\n{\"a\": 1}\n```", "```json\n{\"a\": 1}\n```"),
            ("no answer { at all", "no answer { at all"),
        ] {
            assert_eq!(json_in(text), json);
        }
    }

    #[test]
    fn what_is_kept_is_read_again_line_by_line_wherever_it_was_cut() {
        let printed = Printed { question: 2, from: From::Stdout, text: "{\"type\": \"result\"}\n".to_owned() };
        let line = serde_json::to_string(&printed).unwrap();
        assert_eq!(super::printed(format!("{line},").as_bytes()), Some(printed));
        assert_eq!(super::printed(&line.as_bytes()[..line.len() - 3]), None);
        assert_eq!(super::printed(b"{\"agent\": \"codex\", \"printed\": ["), None);
    }
}
