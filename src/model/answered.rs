//! What is known of an agent's program once it has worked: the version that it is, and the models that answered it.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::naming::without_day;

/// What an agent's program says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct ProgramFacts {
    /// The version that it says it is; missing when it does not say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_version: Option<String>,
    /// The models that answered it, the first one first, as the gateway saw them, else as it says; missing when neither is known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub agent_models: Vec<String>,
}

/// So many models are kept that answered one agent.
pub const MOST_MODELS: usize = 16;
/// Longest version or name of a model that is kept, in characters.
const MOST_LETTERS: usize = 60;

/// What a program calls its version or a model, in printable characters of ASCII; `None` when none are left.
#[must_use]
pub fn program_word(said: &str) -> Option<String> {
    let printable = said.trim().chars().filter(|it| matches!(it, ' '..='~')).take(MOST_LETTERS);
    Some(printable.collect::<String>()).filter(|word| !word.trim().is_empty())
}

/// Words by which models of one name and version differ.
const VARIANTS: [&str; 8] = ["fast", "flash", "lite", "max", "mini", "nano", "pro", "turbo"];
/// A number of so many digits in a name is no version: it is a day, or counts the revisions of one.
const NO_VERSION: usize = 3;

impl ProgramFacts {
    /// Whether none of the models that answered can be the one that it was told to use, whose name may be a short form of
    /// theirs, such as `opus`, or have that of a provider before it. Providers put the day of a version behind a name, and
    /// write its parts in another order.
    #[must_use]
    pub fn has_another_model_than(&self, told: &str) -> bool {
        let told = words_of_model(told);
        let is_meant = |model: &String| {
            let model = words_of_model(model);
            let (fewer, more) = if told.len() <= model.len() { (&told, &model) } else { (&model, &told) };
            // A name without a version is a short form, which may leave everything else open.
            let is_short = !fewer.iter().any(|word| word.starts_with(|it: char| it.is_ascii_digit()));
            let differs = |word: &String| VARIANTS.contains(&word.as_str()) || is_version(word);
            fewer.is_subset(more) && (is_short || !more.difference(fewer).any(differs))
        };
        !self.agent_models.is_empty() && !self.agent_models.iter().any(is_meant)
    }
}

/// Whether a word of a name is a number of its version.
fn is_version(word: &str) -> bool {
    word.len() < NO_VERSION && word.bytes().all(|byte| byte.is_ascii_digit())
}

/// The words and numbers in the name of a model, without that of a provider, the day of its version and what is asked of it in brackets.
/// The number of a size, such as `30b`, is a word with its letter.
fn words_of_model(name: &str) -> BTreeSet<String> {
    let own = name.split('[').next().unwrap_or(name);
    let own = own.rsplit('/').next().unwrap_or(own).to_lowercase();
    let own = without_day(&own);
    // Of a preview, the month and the day alone are named.
    let own = own.find("-preview-").map_or(own, |end| &own[..end]);
    let mut words = BTreeSet::new();
    for part in own.split(|letter: char| !letter.is_alphanumeric()) {
        let letters: Vec<char> = part.chars().collect();
        let kinds = letters.chunk_by(|before, letter| before.is_ascii_digit() || !letter.is_ascii_digit());
        words.extend(kinds.map(|word| word.iter().collect::<String>()));
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_name_a_day_a_provider_and_another_order_are_no_other_model() {
        let answered = |models: &[&str]| ProgramFacts {
            agent_models: models.iter().map(|model| (*model).to_owned()).collect(),
            ..ProgramFacts::default()
        };
        for told in ["opus", "claude-opus-4-6", "anthropic/claude-opus-4-6", "Claude-Opus-4-6"] {
            assert!(!answered(&["claude-haiku-4-5", "claude-opus-4-6"]).has_another_model_than(told), "{told}");
        }
        for (told, model) in [
            ("openai/gpt-4.1", "gpt-4.1-2025-04-14"),
            ("claude-sonnet-4-5", "anthropic/claude-4.5-sonnet-20250929"),
            ("openrouter/anthropic/claude-sonnet-4.5", "claude-sonnet-4-5-20250929"),
            ("llama3.2", "meta-llama/Llama-3.2-3B-Instruct"),
            ("claude-sonnet-4-5[1m]", "claude-sonnet-4-5-20250929"),
            ("flash", "gemini-2.5-flash"),
            ("models/gemini-2.5-flash", "gemini-2.5-flash-preview-05-20"),
            ("gpt-4", "gpt-4-0613"),
            ("gemini-1.5-flash", "gemini-1.5-flash-002"),
            ("llama3.1", "llama3.1:8b"),
            ("qwen3-coder", "qwen3-coder-30b-a3b"),
        ] {
            assert!(!answered(&[model]).has_another_model_than(told), "{told}: {model}");
        }
        for (told, model) in [
            ("opus", "claude-haiku-4-5"),
            ("openai/gpt-4.1", "gpt-4.1-mini-2025-04-14"),
            ("gpt-4.1-mini", "gpt-4.1"),
            ("gemini-2.5-flash", "gemini-2.5-flash-lite"),
            ("claude-opus-4-6", "claude-opus-4-5"),
            ("gpt-5", "gpt-5.1-2025-11-13"),
            ("claude-opus-4-1", "claude-opus-4-20250514"),
            ("claude-opus-4", "claude-opus-4-1-20250805"),
            ("anthropic/claude-sonnet-4-5", "anthropic/claude-haiku-4-5"),
        ] {
            assert!(answered(&[model]).has_another_model_than(told), "{told}: {model}");
        }
        assert!(!answered(&[]).has_another_model_than("opus"), "a program that says nothing contradicts nobody");
    }
}
