//! Cuts Rust source into tokens: just enough to tell code from comments and literals.

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// An identifier or keyword; `r#` is cut off.
    Name,
    /// A lifetime, without its tick.
    Lifetime,
    /// A number.
    Number,
    /// A string or character literal: its content as written.
    Literal,
    /// Punctuation: one character, or `::`.
    Sign,
    /// A comment as written, documentation too.
    Comment,
}

/// One piece of source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    /// What it is.
    pub(super) kind: Kind,
    /// Its text.
    pub(super) text: String,
    /// The line it begins on, counted from 1.
    pub(super) line: usize,
}

impl Token {
    /// Whether it is this name or punctuation, and not a literal or comment of the same text.
    pub(super) fn is(&self, text: &str) -> bool {
        matches!(self.kind, Kind::Name | Kind::Sign) && self.text == text
    }
}

/// Cuts `source` into tokens, comments included.
pub(super) fn tokens(source: &str) -> Vec<Token> {
    let mut lexer = Lexer { rest: source, line: 1, tokens: Vec::new() };
    while lexer.step() {}
    lexer.tokens
}

struct Lexer<'a> {
    rest: &'a str,
    line: usize,
    tokens: Vec<Token>,
}

impl Lexer<'_> {
    /// Takes the next token; `false` at the end.
    fn step(&mut self) -> bool {
        let blank = self.rest.len() - self.rest.trim_start().len();
        self.skip(blank);
        let Some(first) = self.rest.chars().next() else { return false };
        if self.rest.starts_with("//") {
            let length = self.rest.find('\n').unwrap_or(self.rest.len());
            self.take(Kind::Comment, 0, length, 0);
        } else if self.rest.starts_with("/*") {
            self.take(Kind::Comment, 0, block_comment(self.rest), 0);
        } else if let Some((open, content, close)) = string(self.rest) {
            self.take(Kind::Literal, open, content, close);
        } else if first == '\'' {
            self.tick();
        } else if first.is_alphabetic() || first == '_' {
            let raw = if self.rest.starts_with("r#") { 2 } else { 0 };
            self.take(Kind::Name, raw, name(&self.rest[raw..]), 0);
        } else if first.is_ascii_digit() {
            self.take(Kind::Number, 0, name(self.rest), 0);
        } else if self.rest.starts_with("::") {
            self.take(Kind::Sign, 0, 2, 0);
        } else {
            self.take(Kind::Sign, 0, first.len_utf8(), 0);
        }
        true
    }

    /// Takes a lifetime or a character.
    fn tick(&mut self) {
        let inner = &self.rest[1..];
        let first = inner.chars().next().map_or(0, char::len_utf8);
        if inner.starts_with('\\') {
            // The character behind the backslash may itself be a tick.
            let length = inner.get(2..).and_then(|rest| rest.find('\'')).map_or(inner.len(), |at| at + 2);
            self.take(Kind::Literal, 1, length, 1);
        } else if inner[first..].starts_with('\'') {
            self.take(Kind::Literal, 1, first, 1);
        } else {
            self.take(Kind::Lifetime, 1, name(inner), 0);
        }
    }

    /// Makes a token of `content` bytes that stand between `open` and `close` bytes.
    fn take(&mut self, kind: Kind, open: usize, content: usize, close: usize) {
        let text = self.rest[open..open + content].to_owned();
        self.tokens.push(Token { kind, text, line: self.line });
        self.skip((open + content + close).max(1));
    }

    fn skip(&mut self, length: usize) {
        let (gone, rest) = self.rest.split_at(length.min(self.rest.len()));
        self.line += gone.matches('\n').count();
        self.rest = rest;
    }
}

/// Length of the identifier or number at the start.
fn name(source: &str) -> usize {
    source.find(|character: char| !character.is_alphanumeric() && character != '_').unwrap_or(source.len())
}

/// Length of the block comment at the start; they nest.
fn block_comment(source: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < source.len() {
        let rest = &source.as_bytes()[at..];
        if rest.starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    at
}

/// Lengths of opening, content and closing of the string literal at the start.
fn string(source: &str) -> Option<(usize, usize, usize)> {
    let prefix = ["", "b", "c", "r", "br", "cr"].into_iter().find(|prefix| {
        let rest = source.strip_prefix(prefix).unwrap_or("");
        rest.starts_with('"') || (prefix.ends_with('r') && rest.trim_start_matches('#').starts_with('"'))
    })?;
    let rest = &source[prefix.len()..];
    let hashes = rest.len() - rest.trim_start_matches('#').len();
    let open = prefix.len() + hashes + 1;
    let body = &source[open..];
    if prefix.ends_with('r') {
        let close = format!("\"{}", "#".repeat(hashes));
        return Some((open, body.find(&close).unwrap_or(body.len()), close.len()));
    }
    let mut escaped = false;
    for (at, byte) in body.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Some((open, at, 1)),
            _ => {}
        }
    }
    Some((open, body.len(), 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(source: &str, expected: &[(Kind, &str)]) {
        let found = tokens(source);
        let found: Vec<(Kind, &str)> = found.iter().map(|token| (token.kind, token.text.as_str())).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn paths_are_names_and_double_colons() {
        check("a::r#b", &[(Kind::Name, "a"), (Kind::Sign, "::"), (Kind::Name, "b")]);
    }

    #[test]
    fn comments_end_where_they_end() {
        check(
            "// a \"b\nc /* d /* e */ f */ g",
            &[(Kind::Comment, "// a \"b"), (Kind::Name, "c"), (Kind::Comment, "/* d /* e */ f */"), (Kind::Name, "g")],
        );
    }

    #[test]
    fn strings_hide_what_looks_like_code() {
        check(r#""un\"safe // " b"x" "#, &[(Kind::Literal, r#"un\"safe // "#), (Kind::Literal, "x")]);
        check("r##\"a\"# b\"## c", &[(Kind::Literal, "a\"# b"), (Kind::Name, "c")]);
        check("br\"\\\" c\"é\"", &[(Kind::Literal, "\\"), (Kind::Literal, "é")]);
    }

    #[test]
    fn a_tick_begins_a_lifetime_or_a_character() {
        check(
            "&'a '{' '\\'' b'\"'",
            &[
                (Kind::Sign, "&"),
                (Kind::Lifetime, "a"),
                (Kind::Literal, "{"),
                (Kind::Literal, "\\'"),
                (Kind::Name, "b"),
                (Kind::Literal, "\""),
            ],
        );
        check("'é' '_", &[(Kind::Literal, "é"), (Kind::Lifetime, "_")]);
    }

    #[test]
    fn lines_are_counted_through_literals_and_comments() {
        let lines: Vec<usize> = tokens("a\n\"\n\n\" /*\n*/ b\nc").iter().map(|token| token.line).collect();
        assert_eq!(lines, [1, 2, 4, 5, 6]);
    }

    #[test]
    fn ranges_are_not_part_of_a_number() {
        check("0..n", &[(Kind::Number, "0"), (Kind::Sign, "."), (Kind::Sign, "."), (Kind::Name, "n")]);
    }
}
