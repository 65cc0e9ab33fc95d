//! When two names are names of one model. A name that is only a part of another one is never that: `gpt-5` is not `gpt-5-mini`.

use super::ids::ModelName;

impl ModelName {
    /// Whether this is another name of the same model, in one of the forms that are known: with or without providers before it, the day of
    /// its version or `-latest` behind it, or what is asked of it in brackets. A name that says no version, such as `sonnet`, is also a
    /// short form of the one that has its kind before it and its version, such as `claude-sonnet-4-5`.
    #[must_use]
    pub fn is_also(&self, other: &str) -> bool {
        if self.as_str() == other {
            return true;
        }
        let (own, other) = (Parts::of(self.as_str()), Parts::of(other));
        let same_providers =
            own.providers.iter().rev().zip(other.providers.iter().rev()).all(|(one, other)| one == other);
        let same_day = own.day.as_ref().zip(other.day.as_ref()).is_none_or(|(one, other)| one == other);
        same_providers && same_day && (own.family == other.family || own.is_short_form_of(&other))
    }
}

/// The parts of a model's name.
struct Parts {
    /// Before it, the nearest one last.
    providers: Vec<String>,
    family: String,
    /// The day of its version, in digits; `None` where any is meant.
    day: Option<String>,
}

impl Parts {
    fn of(name: &str) -> Self {
        let name = name.to_ascii_lowercase();
        let name = name.split('[').next().unwrap_or(&name);
        let mut providers: Vec<String> = name.split('/').map(str::to_owned).collect();
        let own = providers.pop().unwrap_or_default();
        let family = without_day(&own).to_owned();
        let day: String = own[family.len()..].chars().filter(char::is_ascii_digit).collect();
        Self { providers, family, day: Some(day).filter(|day| !day.is_empty()) }
    }

    /// Whether it leaves out the first word of the other one and its version, and nothing else.
    fn is_short_form_of(&self, other: &Self) -> bool {
        let is_version = |word: &&str| word.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        let words: Vec<&str> = other.family.split('-').filter(|word| !is_version(word)).collect();
        let has_version = words.len() < other.family.split('-').count();
        has_version && words.split_first().is_some_and(|(_, rest)| !rest.is_empty() && rest.join("-") == self.family)
    }
}

/// A model's name without its providers, the day of its version and `-latest`: programs ask for `anthropic/sonnet` or `sonnet-latest`,
/// and `sonnet-20250929` answers.
pub(super) fn family(model: &str) -> &str {
    without_day(model.rsplit('/').next().unwrap_or(model))
}

/// A name without the day of its version, or `latest`.
pub(super) fn without_day(name: &str) -> &str {
    if let Some(any) = name.strip_suffix("-latest").or_else(|| name.strip_suffix(":latest")) {
        return any;
    }
    let is_form = |end: &str, form: &str| {
        end.len() == form.len()
            && end.bytes().zip(form.bytes()).all(|(byte, like)| match like {
                b'0' => byte.is_ascii_digit(),
                b'-' => matches!(byte, b'-' | b'@'),
                _ => false,
            })
    };
    let without = |form: &str| {
        let begin = name.len().checked_sub(form.len()).filter(|begin| *begin > 0 && name.is_char_boundary(*begin))?;
        is_form(&name[begin..], form).then(|| &name[..begin])
    };
    without("-0000-00-00").or_else(|| without("-00000000")).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_model_has_the_name_its_provider_its_day_and_its_short_form_and_no_part_of_another_name() {
        let is_also = |own: &str, other: &str| ModelName::new(own).is_also(other);
        for (own, other) in [
            ("m", "m"),
            ("gpt-5", "gpt-5-2025-08-07"),
            ("claude-sonnet-4-5", "claude-sonnet-4-5-20250929"),
            ("claude-sonnet-4-5", "claude-sonnet-4-5@20250929"),
            ("claude-3-5-sonnet-latest", "claude-3-5-sonnet-20241022"),
            ("llama3.1", "llama3.1:latest"),
            ("openai/gpt-5", "gpt-5-latest"),
            ("openrouter/openai/gpt-5", "openai/gpt-5"),
            ("models/gemini-2.5-pro", "gemini-2.5-pro"),
            ("claude-sonnet-4-5[1m]", "claude-sonnet-4-5-20250929"),
            ("Claude-Opus-4-6", "claude-opus-4-6"),
        ] {
            assert!(is_also(own, other) && is_also(other, own), "{own}: {other}");
        }
        for (own, other) in [
            ("sonnet", "claude-sonnet-4-5-20250929"),
            ("sonnet[1m]", "claude-3-5-sonnet-latest"),
            ("anthropic/opus", "claude-opus-4-6"),
            ("flash-lite", "gemini-2.5-flash-lite"),
        ] {
            assert!(is_also(own, other) && !is_also(other, own), "{own}: {other}");
        }
        for (one, another) in [
            ("gpt-5", "gpt-5-mini"),
            ("gpt-5", "gpt-5-mini-2025-08-07"),
            ("gpt-5", "gpt-5.1"),
            ("gpt-5", "gpt-5-chat"),
            ("gpt-5-2025-08-07", "gpt-5-2025-10-01"),
            ("openai/gpt-5", "azure/gpt-5"),
            ("o3", "o3-pro"),
            ("m", "mini"),
            ("m", "m-2"),
            ("flash", "gemini-2.5-flash-lite"),
            ("gemini-2.5-flash", "gemini-2.5-flash-lite"),
            ("sonnet", "claude-haiku-4-5"),
            ("claude", "claude-sonnet-4-5"),
            ("4-5", "claude-sonnet-4-5"),
            ("", "gpt-5"),
            ("gpt-5", ""),
            ("-", "a-4-"),
        ] {
            assert!(!is_also(one, another) && !is_also(another, one), "{one}: {another}");
        }
    }

    #[test]
    fn a_name_loses_its_provider_and_its_date_and_nothing_else() {
        for (name, of) in [
            ("claude-sonnet-4-5-20250929", "claude-sonnet-4-5"),
            ("anthropic/claude-sonnet-4-5", "claude-sonnet-4-5"),
            ("gpt-4o-2024-08-06", "gpt-4o"),
            ("gpt-5-mini", "gpt-5-mini"),
            ("-20250929", "-20250929"),
            ("é-latest", "é"),
            ("ééééééééé", "ééééééééé"),
            ("", ""),
        ] {
            assert_eq!(family(name), of);
        }
    }
}
