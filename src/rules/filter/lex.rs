//! The words of an expression: operators, parentheses, and predicates with the text between their parentheses.

use std::ops::Range;

use super::error::FilterError;

/// A word of an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// `!` or `not`.
    Not,
    /// `&` or `and`.
    And,
    /// `|`, `+` or `or`.
    Or,
    /// `-`: and not.
    Without,
    /// `(`.
    Open,
    /// `)`.
    Close,
    /// A name with what stands in its parentheses.
    Call(Call<'a>),
}

/// A predicate as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Call<'a> {
    pub(super) name: &'a str,
    /// Where the name stands.
    pub(super) name_at: Range<usize>,
    /// What stands between the parentheses, without space around it.
    pub(super) argument: &'a str,
    /// Where it stands.
    pub(super) argument_at: Range<usize>,
}

/// A word, and where it stands.
pub(super) type Placed<'a> = (Token<'a>, Range<usize>);

/// All words of an expression.
pub(super) fn tokens(text: &str) -> Result<Vec<Placed<'_>>, FilterError> {
    let mut tokens = Vec::new();
    let mut place = 0;
    while let Some(char) = text[place..].chars().next() {
        let end = place + char.len_utf8();
        let single = match char {
            '!' => Some(Token::Not),
            '&' => Some(Token::And),
            '|' | '+' => Some(Token::Or),
            '-' => Some(Token::Without),
            '(' => Some(Token::Open),
            ')' => Some(Token::Close),
            _ => None,
        };
        if let Some(token) = single {
            // Who is used to `&&` and `||` means the same.
            let end = if matches!(char, '&' | '|') && text[end..].starts_with(char) { end + 1 } else { end };
            tokens.push((token, place..end));
            place = end;
        } else if char.is_whitespace() {
            place = end;
        } else if char.is_alphabetic() || char == '_' {
            let placed = word(text, place)?;
            place = placed.1.end;
            tokens.push(placed);
        } else {
            return Err(FilterError::new(place..end, format!("`{char}` is no operator and begins no predicate"))
                .hint("operators are `&`, `|`, `-` and `!`, or `and`, `or` and `not`"));
        }
    }
    Ok(tokens)
}

/// An operator that is a word, or a predicate with its parentheses.
fn word(text: &str, start: usize) -> Result<Placed<'_>, FilterError> {
    let rest = &text[start..];
    let is_inside = |char: char| char.is_alphanumeric() || char == '_';
    let mut length = rest.find(|char| !is_inside(char)).unwrap_or(rest.len());
    let operator = match &rest[..length] {
        "not" => Some(Token::Not),
        "and" => Some(Token::And),
        "or" => Some(Token::Or),
        _ => None,
    };
    if let Some(token) = operator {
        return Ok((token, start..start + length));
    }
    // A dash in a name is a slip that the parser can name.
    while let Some(more) = rest[length..].strip_prefix('-')
        && more.starts_with(char::is_alphabetic)
    {
        let letters = more.find(|char| !is_inside(char)).unwrap_or(more.len());
        length += 1 + letters;
    }
    let name_at = start..start + length;
    let name = &text[name_at.clone()];
    let after = &text[name_at.end..];
    let open = name_at.end + (after.len() - after.trim_start().len());
    if !text[open..].starts_with('(') {
        return Err(FilterError::new(name_at.end..name_at.end, format!("`(` is expected after `{name}`"))
            .hint(format!("predicates have parentheses, also empty ones: `{name}()`")));
    }
    let close = closing(text, open).ok_or_else(|| {
        FilterError::new(open..open + 1, "the parenthesis is not closed")
            .hint("a `)` that belongs to a text is written `\\)`")
    })?;
    let inside = &text[open + 1..close];
    let begin = open + 1 + (inside.len() - inside.trim_start().len());
    let argument = inside.trim();
    let argument_at = begin..begin + argument.len();
    Ok((Token::Call(Call { name, name_at, argument, argument_at }), start..close + 1))
}

/// Where the parenthesis closes that opens at a place. What is escaped, or stands in a regular expression, closes none.
fn closing(text: &str, open: usize) -> Option<usize> {
    let inside = &text[open + 1..];
    let is_regex = inside.trim_start().starts_with('/');
    let (mut depth, mut slashes, mut is_escaped) = (0_usize, 0_usize, false);
    for (place, char) in inside.char_indices() {
        if is_escaped {
            is_escaped = false;
            continue;
        }
        match char {
            '\\' => is_escaped = true,
            '/' if is_regex => slashes += 1,
            _ if is_regex && slashes == 1 => {}
            '(' => depth += 1,
            ')' if depth == 0 => return Some(open + 1 + place),
            ')' => depth -= 1,
            _ => {}
        }
    }
    None
}
