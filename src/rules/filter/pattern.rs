//! How a text is compared: `=exact`, `~part`, `/regular expression/`, `#glob*`; a part where nothing is said.

use std::ops::Range;

use regex::Regex;

use super::error::FilterError;

/// What a text must be.
#[derive(Debug, Clone)]
pub(super) enum Pattern {
    /// This text.
    Equal(String),
    /// A text with this part.
    Contains(String),
    /// A text in which the expression is found.
    Matches(Regex),
}

impl Pattern {
    pub(super) fn fits(&self, text: &str) -> bool {
        match self {
            Self::Equal(whole) => text == whole,
            Self::Contains(part) => text.contains(part),
            Self::Matches(regex) => regex.is_match(text),
        }
    }

    /// Reads what stands in a predicate's parentheses.
    pub(super) fn read(argument: &str, at: &Range<usize>) -> Result<Self, FilterError> {
        let behind = || at.start + 1..at.end;
        match argument.chars().next() {
            None => Err(FilterError::new(at.clone(), "a text is expected here")
                .hint("`=exact`, `~part`, `/regular expression/` or `#glob*`; a text without a sign is a part")),
            Some('=') => Ok(Self::Equal(plain(&argument[1..], &behind())?)),
            Some('~') => Ok(Self::Contains(plain(&argument[1..], &behind())?)),
            Some('#') => regex(&of_glob(&plain(&argument[1..], &behind())?), &behind()),
            Some('/') => {
                let Some(inside) = argument[1..].strip_suffix('/').filter(|inside| is_whole(inside)) else {
                    return Err(FilterError::new(at.clone(), "the regular expression is not closed")
                        .hint("it stands between two `/`; a `/` in it is written `\\/`"));
                };
                regex(&inside.replace("\\/", "/"), &(at.start + 1..at.end - 1))
            }
            Some(_) => Ok(Self::Contains(plain(argument, at)?)),
        }
    }
}

/// Whether no `/` in it ends the regular expression before its end.
fn is_whole(inside: &str) -> bool {
    let mut is_escaped = false;
    for char in inside.chars() {
        match char {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '/' => return false,
            _ => {}
        }
    }
    !is_escaped
}

/// A text without its escapes.
fn plain(text: &str, at: &Range<usize>) -> Result<String, FilterError> {
    let mut plain = String::new();
    let mut chars = text.char_indices();
    while let Some((place, char)) = chars.next() {
        if char != '\\' {
            plain.push(char);
            continue;
        }
        match chars.next() {
            Some((_, escaped @ ('\\' | '(' | ')' | '/' | ',' | ' '))) => plain.push(escaped),
            Some((_, 'n')) => plain.push('\n'),
            Some((_, 't')) => plain.push('\t'),
            other => {
                let end = other.map_or(text.len(), |(place, char)| place + char.len_utf8());
                return Err(FilterError::new(at.start + place..at.start + end, "this escape is not known")
                    .hint("known are `\\\\`, `\\(`, `\\)`, `\\/`, `\\,`, `\\n` and `\\t`"));
            }
        }
    }
    Ok(plain)
}

fn regex(expression: &str, at: &Range<usize>) -> Result<Pattern, FilterError> {
    Regex::new(expression).map(Pattern::Matches).map_err(|error| {
        let reason = error.to_string();
        let reason = reason.lines().last().unwrap_or_default().trim().trim_start_matches("error: ").to_owned();
        FilterError::new(at.clone(), format!("the regular expression is wrong: {reason}"))
    })
}

/// The regular expression of a glob: `*` any text, `?` one letter, `[…]` one of these, `[!…]` none of these.
fn of_glob(glob: &str) -> String {
    let mut expression = String::from("(?s)^");
    let mut rest = glob;
    while let Some(char) = rest.chars().next() {
        rest = &rest[char.len_utf8()..];
        match char {
            '*' => expression.push_str(".*"),
            '?' => expression.push('.'),
            '[' if let Some((letters, after)) = rest.split_once(']').filter(|(letters, _)| !letters.is_empty()) => {
                let (sign, letters) = letters.strip_prefix('!').map_or(("", letters), |others| ("^", others));
                // A dash between letters is a range in both.
                let letters = letters.replace('\\', "\\\\").replace('[', "\\[").replace('^', "\\^");
                let letters = letters.replace('&', "\\&").replace('~', "\\~");
                expression.extend(["[", sign, &letters, "]"]);
                rest = after;
            }
            char => expression.push_str(&regex::escape(char.encode_utf8(&mut [0; 4]))),
        }
    }
    expression.push('$');
    expression
}
