//! Parses bytes into a document.

use super::{Entries, Json, JsonError, MOST_LEVELS};

type Parsed<T> = Result<T, Stop>;

/// Where reading stops: the byte, and why.
struct Stop {
    at: usize,
    what: String,
}

pub(super) fn document(bytes: &[u8]) -> Result<Json, JsonError> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let valid = error.valid_up_to();
        place(&String::from_utf8_lossy(&bytes[..valid]), valid, "it is not UTF-8".to_owned())
    })?;
    let mut reader = Reader { text, at: 0 };
    reader.whole().map_err(|stop| place(text, stop.at, stop.what))
}

/// The text between the quotes of a spelling that was read before, with each half of a surrogate pair replaced.
pub(super) fn lossy(spelling: &str) -> String {
    let mut reader = Reader { text: spelling, at: 0 };
    let mut text = String::new();
    while let Some(byte) = reader.peek() {
        if byte == b'\\' {
            match reader.escape() {
                Ok(Escape::Char(char)) => text.push(char),
                Ok(Escape::Half) | Err(_) => text.push(char::REPLACEMENT_CHARACTER),
            }
        } else {
            text.extend(reader.char());
        }
    }
    text
}

fn place(text: &str, at: usize, what: String) -> JsonError {
    let before = text.get(..at).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |end| end + 1);
    let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
    JsonError { line, column: before[line_start..].chars().count() + 1, what }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

/// The meaning of an escape sequence.
enum Escape {
    Char(char),
    /// Half of a surrogate pair, without its other half.
    Half,
}

impl<'a> Reader<'a> {
    fn whole(&mut self) -> Parsed<Json> {
        let value = self.value(0)?;
        self.space();
        match self.peek() {
            None => Ok(value),
            Some(_) => self.stop("something follows the value"),
        }
    }

    fn stop<T>(&self, what: impl Into<String>) -> Parsed<T> {
        Err(Stop { at: self.at, what: what.into() })
    }

    /// The next byte is not what it should be.
    fn expected<T>(&self, what: &str) -> Parsed<T> {
        match self.text[self.at..].chars().next() {
            None => self.stop(format!("the file ends where {what} is expected")),
            Some(found) => self.stop(format!("`{}` where {what} is expected", found.escape_debug())),
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn char(&mut self) -> Option<char> {
        let char = self.text[self.at..].chars().next()?;
        self.at += char.len_utf8();
        Some(char)
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn take(&mut self, byte: u8) -> bool {
        let is = self.peek() == Some(byte);
        self.at += usize::from(is);
        is
    }

    fn word(&mut self, word: &str) -> bool {
        let is = self.text[self.at..].starts_with(word);
        self.at += if is { word.len() } else { 0 };
        is
    }

    fn value(&mut self, level: usize) -> Parsed<Json> {
        self.space();
        match self.peek() {
            Some(b'{' | b'[') if level == MOST_LEVELS => self.stop(format!("it has more than {MOST_LEVELS} levels")),
            Some(b'{') => self.map(level + 1),
            Some(b'[') => self.list(level + 1),
            Some(b'"') => self.string(),
            Some(b'-' | b'0'..=b'9' | b'I' | b'N') => self.number(),
            _ if self.word("null") => Ok(Json::Null),
            _ if self.word("true") => Ok(Json::Bool(true)),
            _ if self.word("false") => Ok(Json::Bool(false)),
            _ => self.expected("a value"),
        }
    }

    fn list(&mut self, level: usize) -> Parsed<Json> {
        self.at += 1;
        let mut elements = Vec::new();
        self.space();
        if self.take(b']') {
            return Ok(Json::List(elements));
        }
        loop {
            elements.push(self.value(level)?);
            self.space();
            if self.take(b']') {
                return Ok(Json::List(elements));
            }
            if !self.take(b',') {
                return self.expected("`,` or `]`");
            }
        }
    }

    fn map(&mut self, level: usize) -> Parsed<Json> {
        self.at += 1;
        let mut entries: Entries = Vec::new();
        self.space();
        if self.take(b'}') {
            return Ok(Json::Map(entries));
        }
        loop {
            self.space();
            if self.peek() != Some(b'"') {
                return self.expected("a key in quotes");
            }
            let begin = self.at;
            let Json::Text(key) = self.string()? else {
                return Err(Stop { at: begin, what: "the key has half of a surrogate pair".to_owned() });
            };
            self.space();
            if !self.take(b':') {
                return self.expected("`:`");
            }
            entries.push((key, self.value(level)?));
            self.space();
            if self.take(b'}') {
                return Ok(Json::Map(entries));
            }
            if !self.take(b',') {
                return self.expected("`,` or `}`");
            }
        }
    }

    fn string(&mut self) -> Parsed<Json> {
        self.at += 1;
        let begin = self.at;
        let mut text = String::new();
        let mut whole = true;
        loop {
            text.push_str(self.plain());
            match self.peek() {
                Some(b'"') => {
                    let spelling = &self.text[begin..self.at];
                    self.at += 1;
                    return Ok(if whole { Json::Text(text) } else { Json::Spelled(spelling.to_owned()) });
                }
                Some(b'\\') => match self.escape()? {
                    Escape::Char(char) => text.push(char),
                    Escape::Half => whole = false,
                },
                Some(_) => return self.stop("a control character in a text"),
                None => return self.stop("the file ends inside of a text"),
            }
        }
    }

    /// What is neither quote nor backslash nor control character.
    fn plain(&mut self) -> &'a str {
        let rest = &self.text[self.at..];
        let length = rest.bytes().position(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1f)).unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }

    fn escape(&mut self) -> Parsed<Escape> {
        let begin = self.at;
        self.at += 1;
        let char = match self.peek() {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unit(begin),
            _ => return Err(Stop { at: begin, what: "an escape that JSON does not have".to_owned() }),
        };
        self.at += 1;
        Ok(Escape::Char(char))
    }

    /// `\uXXXX`, with the second half of a surrogate pair when there is one.
    fn unit(&mut self, begin: usize) -> Parsed<Escape> {
        let Some(first) = self.four_digits() else {
            return Err(Stop { at: begin, what: "`\\u` needs four hexadecimal digits".to_owned() });
        };
        if let Some(char) = char::from_u32(first) {
            return Ok(Escape::Char(char));
        }
        let behind = self.at;
        if (0xd800..0xdc00).contains(&first) && self.word("\\") && self.peek() == Some(b'u') {
            let second = self.four_digits().filter(|second| (0xdc00..0xe000).contains(second));
            let joined =
                second.and_then(|second| char::from_u32(0x1_0000 + ((first - 0xd800) << 10) + second - 0xdc00));
            if let Some(char) = joined {
                return Ok(Escape::Char(char));
            }
        }
        self.at = behind;
        Ok(Escape::Half)
    }

    /// The number after a `u`.
    fn four_digits(&mut self) -> Option<u32> {
        let digits = self.text.get(self.at + 1..self.at + 5)?;
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        self.at += 5;
        u32::from_str_radix(digits, 16).ok()
    }

    fn number(&mut self) -> Parsed<Json> {
        let begin = self.at;
        for word in ["NaN", "Infinity", "-Infinity"] {
            if self.word(word) {
                return Ok(Json::Number(word.to_owned()));
            }
        }
        self.take(b'-');
        if !self.take(b'0') {
            self.digits()?;
        }
        if self.take(b'.') {
            self.digits()?;
        }
        if self.take(b'e') || self.take(b'E') {
            let _sign = self.take(b'+') || self.take(b'-');
            self.digits()?;
        }
        Ok(Json::Number(self.text[begin..self.at].to_owned()))
    }

    fn digits(&mut self) -> Parsed<()> {
        if !matches!(self.peek(), Some(b'0'..=b'9')) {
            return self.expected("a digit");
        }
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        Ok(())
    }
}
