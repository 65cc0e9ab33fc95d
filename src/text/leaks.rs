//! Secrets in texts that are to be published: the values of secret variables, and what looks like a key of a well-known kind. A
//! secret is named by its line and kind, never by its text.

use std::mem;

use super::redact::Secrets;

/// Bytes that are held back until more are known: longer than what shows a key of any kind.
const HELD: usize = 8 << 10;
/// What a private key is called.
const PRIVATE_KEY: &str = "a private key";
/// So many are named of one text.
const MOST: usize = 20;

/// A place in a text that shows a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leak {
    /// Its line, from 1.
    pub line: usize,
    /// What it is, without its text.
    pub what: String,
}

/// A search through a text that comes in pieces.
#[derive(Debug)]
pub struct Search<'a> {
    secrets: &'a Secrets,
    held: Vec<u8>,
    most_held: usize,
    line: usize,
    before: u8,
    found: Vec<Leak>,
}

impl<'a> Search<'a> {
    /// A search for these secrets, and for keys of well-known kinds.
    #[must_use]
    pub fn new(secrets: &'a Secrets) -> Self {
        let most_held = secrets.longest().max(HELD);
        Self { secrets, held: Vec::new(), most_held, line: 1, before: b'\n', found: Vec::new() }
    }

    /// Takes the next piece.
    pub fn push(&mut self, bytes: &[u8]) {
        self.held.extend_from_slice(bytes);
        if self.held.len() > 2 * self.most_held {
            self.look(self.held.len() - self.most_held);
        }
    }

    /// What was found; of very many, the first ones.
    #[must_use]
    pub fn finish(mut self) -> Vec<Leak> {
        self.look(self.held.len());
        self.found
    }

    /// Looks at every place before `end`.
    fn look(&mut self, end: usize) {
        let held = mem::take(&mut self.held);
        let mut place = 0;
        while place < end {
            let rest = &held[place..];
            let found = secret_at(self.secrets, rest, self.before);
            let length = found.as_ref().map_or(1, |(_, length)| (*length).max(1));
            if let Some((what, _)) = found {
                let leak = Leak { line: self.line, what };
                if self.found.len() < MOST && self.found.last() != Some(&leak) {
                    self.found.push(leak);
                }
            }
            for byte in &held[place..place + length] {
                self.line += usize::from(*byte == b'\n');
                self.before = *byte;
            }
            place += length;
        }
        self.held = held[place..].to_vec();
    }
}

/// The secret that begins here, behind this byte: what it is, and how many bytes of it show that.
fn secret_at(secrets: &Secrets, rest: &[u8], before: u8) -> Option<(String, usize)> {
    let value = secrets.at(rest).map(|(name, length)| (format!("the value of `{name}`"), length));
    let is_within_word = before.is_ascii_alphanumeric() || before == b'_';
    let shape = || if is_within_word { None } else { shape_at(rest) };
    value.or_else(|| shape().map(|(what, length)| (what.to_owned(), length)))
}

/// How many bytes a private key has that begins here: up to where it says that it ends, else all.
fn private_key(text: &[u8]) -> usize {
    let end = b"-----END ";
    let Some(at) = text.windows(end.len()).position(|bytes| bytes == end) else { return text.len() };
    let rest = &text[at + end.len()..];
    let line = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
    at + end.len() + line
}

/// The text with a word in place of each of its secrets.
#[must_use]
pub fn veiled(text: &[u8], secrets: &Secrets) -> Vec<u8> {
    let (mut veiled, mut place) = (Vec::with_capacity(text.len()), 0);
    while place < text.len() {
        let before = place.checked_sub(1).map_or(b'\n', |last| text[last]);
        if let Some((what, length)) = secret_at(secrets, &text[place..], before) {
            veiled.extend_from_slice(format!("[{what} is not shown]").as_bytes());
            place += if what == PRIVATE_KEY { private_key(&text[place..]) } else { length.max(1) };
        } else {
            veiled.push(text[place]);
            place += 1;
        }
    }
    veiled
}

/// Whether a text shows a key of a well-known kind.
#[must_use]
pub fn shows_a_key(text: &[u8]) -> bool {
    let none = Secrets::default();
    let mut search = Search::new(&none);
    search.push(text);
    !search.finish().is_empty()
}

/// The kind of key that begins here, and how many bytes of it show that.
fn shape_at(bytes: &[u8]) -> Option<(&'static str, usize)> {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric();
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    // How long the beginning and what follows it are, if that is at least so long.
    let behind = |prefix: &str, least: usize, is: &dyn Fn(u8) -> bool| {
        let rest = bytes.strip_prefix(prefix.as_bytes())?;
        let length = rest.iter().take_while(|byte| is(**byte)).count();
        (length >= least).then_some(prefix.len() + length)
    };
    let is_mixed = |length: &usize| {
        let key = &bytes[..*length];
        key.iter().any(u8::is_ascii_digit) && key.iter().any(u8::is_ascii_uppercase)
    };
    match bytes.first()? {
        b's' => behind("sk-ant-", 20, &is_word)
            .map(|length| ("a key of Anthropic", length))
            .or_else(|| behind("sk-", 32, &is_word).filter(is_mixed).map(|length| ("a key of the kind `sk-`", length))),
        b'g' => ["ghp_", "gho_", "ghu_", "ghs_", "ghr_"]
            .iter()
            .find_map(|prefix| behind(prefix, 36, &is_letter))
            .or_else(|| behind("github_pat_", 40, &is_word))
            .map(|length| ("a token of GitHub", length))
            .or_else(|| behind("glpat-", 20, &is_word).map(|length| ("a token of GitLab", length))),
        b'A' => ["AKIA", "ASIA"]
            .iter()
            .find_map(|prefix| behind(prefix, 16, &|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit()))
            .filter(|length| *length == 20 && !bytes.get(20).is_some_and(|byte| is_word(*byte)))
            .map(|length| ("a key of AWS", length))
            .or_else(|| behind("AIza", 35, &is_word).map(|length| ("a key of Google", length))),
        b'x' => ["xoxa-", "xoxb-", "xoxp-", "xoxr-", "xoxs-"]
            .iter()
            .find_map(|prefix| behind(prefix, 20, &is_word))
            .map(|length| ("a token of Slack", length)),
        b'-' => {
            let is_title = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b' ';
            let length = behind("-----BEGIN ", 11, &is_title)?;
            let is_key = bytes[..length].ends_with(b"PRIVATE KEY") && bytes[length..].starts_with(b"-----");
            is_key.then_some((PRIVATE_KEY, length))
        }
        b'e' => {
            let head = behind("eyJ", 10, &is_word)?;
            let claims = bytes[head..].strip_prefix(b".eyJ")?.iter().take_while(|byte| is_word(**byte)).count();
            let signed = bytes[head + 4 + claims..].strip_prefix(b".")?;
            let signature = signed.iter().take_while(|byte| is_word(**byte)).count();
            (claims >= 10 && signature >= 20).then_some(("a signed web token", head + 5 + claims + signature))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str, piece: usize) -> Vec<Leak> {
        let vars = [("MY_API_KEY".to_owned(), "hunter2-hunter2".to_owned())];
        let secrets = Secrets::from_environment(vars.into_iter());
        let mut search = Search::new(&secrets);
        text.as_bytes().chunks(piece).for_each(|piece| search.push(piece));
        search.finish()
    }

    /// Made here, so that this file itself holds nothing that looks like a key.
    fn keys() -> Vec<(String, &'static str)> {
        let of = |prefix: &str, length: usize| format!("{prefix}{}", "aB3".repeat(length).split_at(length).0);
        vec![
            (of("sk-ant-", 40), "a key of Anthropic"),
            (of("sk-", 48), "a key of the kind `sk-`"),
            (of("sk-proj-", 48), "a key of the kind `sk-`"),
            (of("ghp_", 36), "a token of GitHub"),
            (of("github_pat_", 82), "a token of GitHub"),
            (of("glpat-", 20), "a token of GitLab"),
            (format!("AKIA{}", "A1B2".repeat(4)), "a key of AWS"),
            (of("AIza", 35), "a key of Google"),
            (of("xoxb-", 30), "a token of Slack"),
            (format!("-----BEGIN OPENSSH {}-----", "PRIVATE KEY"), "a private key"),
            (format!("{}.{}.{}", of("eyJ", 20), of("eyJ", 30), of("", 43)), "a signed web token"),
            ("hunter2-hunter2".to_owned(), "the value of `MY_API_KEY`"),
        ]
    }

    #[test]
    fn a_veiled_text_has_a_word_in_place_of_each_secret_and_everything_else() {
        let secrets = Secrets::from_environment([("MY_API_KEY".to_owned(), "hunter2-hunter2".to_owned())].into_iter());
        let begin = format!("-----BEGIN {}-----", "PRIVATE KEY");
        let text = format!("+a {begin}\nsecret\n+-----END {}-----\nb {begin}\nsecret", "PRIVATE KEY");
        let veil = String::from_utf8(veiled(text.as_bytes(), &secrets)).unwrap();
        assert_eq!(veil, "+a [a private key is not shown]\nb [a private key is not shown]");
        for (key, what) in keys().into_iter().filter(|(_, what)| *what != PRIVATE_KEY) {
            let veil = |text: String| String::from_utf8(veiled(text.as_bytes(), &secrets)).unwrap();
            assert_eq!(
                veil(format!("+a {key} b\n {key}\n")),
                format!("+a [{what} is not shown] b\n [{what} is not shown]\n")
            );
        }
        assert_eq!(veiled(b"nothing \xff here", &secrets), b"nothing \xff here");
    }

    #[test]
    fn keys_of_each_kind_are_named_by_line_and_never_by_text_however_the_text_comes() {
        for (key, what) in keys() {
            let text = format!("{}\nhere: \"{key}\", twice: {key}\nlast line", "long line ".repeat(5_000));
            for piece in [1_000_000, 4_093] {
                let expected = Leak { line: 2, what: what.to_owned() };
                assert_eq!(found(&text, piece), [expected], "{key} in pieces of {piece}");
            }
        }
    }

    #[test]
    fn what_only_resembles_a_key_is_none() {
        for text in [
            "sk-learn-is-a-library-of-many-estimators-and-more",
            "task-sk-ant",
            "ghp_short",
            "AKIA",
            "AKIAIOSFODNN7EXAMPLEANDMORE",
            "xoxb-short",
            "AIzaShort",
            "-----BEGIN PUBLIC KEY-----",
            "-----BEGIN CERTIFICATE-----",
            "eyJhbGciOiJIUzI1NiJ9",
            "[redacted:MY_API_KEY]",
        ] {
            assert_eq!(found(text, 1_000), [], "{text}");
        }
    }
}
