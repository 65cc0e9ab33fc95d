//! What is asked for: a path in the one form that no host reads otherwise, what it is asked of, and where keys are put in.

use crate::model::exchange::Interface;
use crate::os::relay::Headers;

/// The headers that hold keys, in lower case.
pub(super) const KEYED: [&str; 4] = ["authorization", "x-api-key", "x-goog-api-key", "api-key"];
/// The part of a query that holds one: Gemini takes its key there, too.
const KEYED_IN_QUERY: &str = "key";
/// Ends of paths that only count, for which nobody pays.
const COUNTING: [&str; 4] = ["/count_tokens", ":countTokens", "/input_tokens", "/tokenize"];
/// Methods that make nothing, for which nobody pays.
const LOOKING: [&str; 3] = ["GET", "HEAD", "OPTIONS"];

/// What a request is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// It asks a model, by this interface.
    Asks(Interface),
    /// It costs nothing.
    Looks,
    /// Nobody could say what it costs.
    Unknown,
}

impl Kind {
    /// That of a request with this method and path, without its query.
    pub(super) fn of(method: &str, path: &str) -> Self {
        if LOOKING.contains(&method) || COUNTING.iter().any(|end| path.ends_with(end)) {
            return Self::Looks;
        }
        Interface::of_path(path).map_or(Self::Unknown, Self::Asks)
    }
}

/// A path, with its query, without what hosts may read in two ways: what is written as a code and need not be, slashes one behind the
/// other. `None` for one that steps out of its folder, or has what no path has.
pub(super) fn plain(path: &str) -> Option<String> {
    let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
    let mut plain = String::with_capacity(path.len());
    let mut rest = path.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'%' => {
                let digits = [rest.next()?, rest.next()?];
                let code = u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?;
                match code {
                    b'/' | b'\\' | 0..=b' ' | 0x7f => return None,
                    code if is_plain(code) => plain.push(char::from(code)),
                    code => plain.extend(format!("%{code:02X}").chars()),
                }
            }
            b'/' if plain.ends_with('/') => {}
            byte if byte == b'/' || is_plain(byte) || b"!$&'()*+,;=@".contains(&byte) => plain.push(char::from(byte)),
            _ => return None,
        }
    }
    if plain.split('/').any(|part| matches!(part, "." | "..")) {
        return None;
    }
    Some(query.map_or(plain.clone(), |query| format!("{plain}?{query}")))
}

/// Whether a byte is the same in a path whether it is written as a code or not.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~:".contains(&byte)
}

/// Puts real keys in the place of the attempt's own, where keys are read and nowhere else. `real` gives the one for an own one.
pub(super) fn put_in_keys(headers: &mut Headers, path: &str, real: impl Fn(&str) -> Option<String>) -> String {
    for (_, value) in headers.iter_mut().filter(|(name, _)| KEYED.contains(&name.as_str())) {
        let Ok(text) = std::str::from_utf8(value) else { continue };
        let (scheme, own) = text.rsplit_once(' ').map_or(("", text), |(scheme, own)| (scheme, own));
        if let Some(real) = real(own) {
            *value = [scheme, &real].join(if scheme.is_empty() { "" } else { " " }).into_bytes();
        }
    }
    let Some((path, query)) = path.split_once('?') else { return path.to_owned() };
    let parts = query.split('&').map(|part| {
        let own = part.split_once('=').filter(|(name, _)| *name == KEYED_IN_QUERY).map(|(_, own)| own);
        own.and_then(&real).map_or_else(|| part.to_owned(), |real| format!("{KEYED_IN_QUERY}={}", coded(&real)))
    });
    format!("{path}?{}", parts.collect::<Vec<_>>().join("&"))
}

/// A value as it stands in a query.
fn coded(value: &str) -> String {
    let one = |byte: u8| if is_plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    value.bytes().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_one_form_and_one_that_steps_out_of_its_folder_has_none() {
        for (path, form) in [
            ("v1/messages?beta=true", Some("v1/messages?beta=true")),
            ("v1/%6dessages", Some("v1/messages")),
            ("v1beta/models/g%3AgenerateContent", Some("v1beta/models/g:generateContent")),
            ("v1//messages", Some("v1/messages")),
            ("v1/a%20b", None),
            ("v1/caf%c3%a9", Some("v1/caf%C3%A9")),
            ("v1/x/../messages", None),
            ("v1/messages/.", None),
            ("v1/x/%2e%2e/messages", None),
            ("v1/x%2F..%2fmessages", None),
            ("../../other", None),
            ("v1\\messages", None),
            ("v1/%zz", None),
            ("v1/%6", None),
            ("", Some("")),
        ] {
            assert_eq!(plain(path).as_deref(), form, "{path}");
        }
    }

    #[test]
    fn what_asks_a_model_is_known_and_what_nobody_could_count_is_told_apart_from_what_costs_nothing() {
        for (method, path, kind) in [
            ("POST", "/v1/messages", Kind::Asks(Interface::Anthropic)),
            ("POST", "/v1/responses/compact", Kind::Asks(Interface::OpenAiResponses)),
            ("POST", "/v1/completions", Kind::Asks(Interface::OpenAiChat)),
            ("POST", "/v1/messages/count_tokens", Kind::Looks),
            ("POST", "/v1beta/models/g:countTokens", Kind::Looks),
            ("GET", "/v1/models", Kind::Looks),
            ("POST", "/v1/messages/batches", Kind::Unknown),
            ("POST", "/v1/complete", Kind::Unknown),
            ("POST", "/v1/embeddings", Kind::Unknown),
            ("DELETE", "/v1/files/x", Kind::Unknown),
        ] {
            assert_eq!(Kind::of(method, path), kind, "{method} {path}");
        }
    }

    #[test]
    fn a_real_key_stands_only_where_keys_are_read() {
        let real = |own: &str| (own == "own-1").then(|| "real/1".to_owned());
        let header = |name: &str, value: &str| (name.to_owned(), value.as_bytes().to_vec());
        let mut headers: Headers = vec![
            header("authorization", "Bearer own-1"),
            header("x-api-key", "own-1"),
            header("x-goog-api-key", "own-10"),
            header("anthropic-version", "own-1"),
        ];
        let path = put_in_keys(&mut headers, "/v1/models/own-1?x=own-1&key=own-1", real);
        assert_eq!(path, "/v1/models/own-1?x=own-1&key=real%2F1");
        let values: Vec<&[u8]> = headers.iter().map(|(_, value)| value.as_slice()).collect();
        assert_eq!(values, [&b"Bearer real/1"[..], b"real/1", b"own-10", b"own-1"]);
    }
}
