//! Credentials in URLs: the part before the `@`, and parts of a query that name a token; and the addresses behind which paths are put.

use std::ops::Range;

use super::secret_names::names_a_secret;
use super::words::name_words;

/// Names of query parameters that are credentials, beside those that [`super::secret_names`] knows.
const QUERY_WORDS: [&str; 2] = ["sig", "signature"];

/// The text without the credentials of the URLs in it.
#[must_use]
pub fn without_credentials(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut end = 0;
    for place in places(text) {
        kept.push_str(text.get(end..place.start).unwrap_or_default());
        end = end.max(place.end);
    }
    kept.push_str(&text[end..]);
    kept
}

/// The credentials of the URLs in a text, such as `user:password`.
#[must_use]
pub fn credentials(text: &str) -> Vec<&str> {
    let all = places(text).into_iter().map(|place| text[place].trim_matches(['@', ':', '?', '&', ';', '#']));
    all.map(|found| found.split_once('=').map_or(found, |(name, value)| if is_token(name) { value } else { found }))
        .filter(|found| !found.is_empty())
        .collect()
}

/// A message of a program that was given a URL, without the URL's credentials, in any form and at any place.
#[must_use]
pub fn without_credentials_of(url: &str, message: &str) -> String {
    let mut kept = message.replace(url, &without_credentials(url));
    for credential in credentials(url) {
        let password = credential.split_once(':').map_or(credential, |(_, password)| password);
        for secret in [credential, &decoded(credential), password, &decoded(password)] {
            // Shorter ones would remove parts of other words.
            if secret.len() > 3 {
                kept = kept.replace(secret, "[redacted]");
            }
        }
    }
    without_credentials(&kept)
}

/// Why nothing can be asked below an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WrongBase {
    /// It is one of another protocol, or of none.
    #[error("which does not begin with `https://` or `http://`")]
    Scheme,
    /// There is a letter in it that no URL has.
    #[error("which has a space in it, or another letter that no URL has")]
    Letter,
    /// Something follows the path.
    #[error("which goes on after a `?` or `#`, where a path is put behind it")]
    Query,
    /// There is no host in it, or a port that is no number.
    #[error("which has no host, or a port that is no number")]
    Host,
    /// It names a user, perhaps with a password.
    #[error("which has a user in it")]
    User,
}

/// Why this is no address below which a provider can be asked; `None` when it is one.
#[must_use]
pub fn wrong_base(url: &str) -> Option<WrongBase> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let Some(rest) = rest else { return Some(WrongBase::Scheme) };
    if !url.chars().all(|letter| letter.is_ascii_graphic()) {
        return Some(WrongBase::Letter);
    }
    if url.contains(['?', '#']) {
        return Some(WrongBase::Query);
    }
    let authority = rest.split('/').next().unwrap_or_default();
    let (user, place) = authority.rsplit_once('@').map_or((None, authority), |(user, place)| (Some(user), place));
    let (host, port) = match place.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, port.parse::<u16>().is_ok()),
        _ => (place, true),
    };
    if host.is_empty() || !port {
        return Some(WrongBase::Host);
    }
    user.map(|_| WrongBase::User)
}

/// A part of a URL with its percent-encoded bytes decoded.
#[must_use]
pub fn decoded(part: &str) -> String {
    let mut bytes = Vec::with_capacity(part.len());
    let mut rest = part.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        let digits = behind.get(..2).filter(|digits| digits.iter().all(u8::is_ascii_hexdigit));
        let digits = digits.and_then(|digits| std::str::from_utf8(digits).ok());
        let meant = digits.filter(|_| *first == b'%').and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(meant.unwrap_or(*first));
        rest = if meant.is_some() { &behind[2..] } else { behind };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The ranges of the credentials, with the characters that separate them from the rest, in order.
fn places(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for (colon, _) in text.match_indices("://") {
        let scheme = text[..colon].rsplit(|char: char| !char.is_ascii_alphanumeric() && !"+.-".contains(char)).next();
        let start = colon + 3;
        let rest = &text[start..];
        // An apostrophe may be part of a password, but often ends a URL in a sentence.
        let authority = &rest[..rest.find(|char| ends_a_url(char) || "/?#".contains(char)).unwrap_or(rest.len())];
        let mut path = 0;
        if let Some(at) = authority.rfind('@') {
            let user = authority[..at].find(':').unwrap_or(at);
            // The user of an SSH URL is a name; in other URLs it is often a token.
            let names_a_user = scheme.is_some_and(|scheme| scheme.ends_with("ssh"));
            let place = if names_a_user { start + user..start + at } else { start..start + at + 1 };
            found.extend((!place.is_empty()).then_some(place));
            path = at + 1;
        }
        let url = &rest[path..];
        let url = &url[..url.find(|char| ends_a_url(char) || char == '\'').unwrap_or(url.len())];
        found.extend(queries(url).into_iter().map(|query| start + path + query.start..start + path + query.end));
    }
    found
}

fn ends_a_url(char: char) -> bool {
    char.is_whitespace() || char.is_control() || "\"`<>\\".contains(char)
}

/// The parts of a URL's query and fragment whose names mark them as secret.
fn queries(url: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let Some(first) = url.find(['?', '#']) else { return found };
    let mut start = first;
    // Whether the separator before this part is the one that stays for the next part that is kept.
    let mut keeps_mark = url[first..].starts_with('?');
    while start < url.len() {
        let end = url[start + 1..].find(['?', '&', ';', '#']).map_or(url.len(), |end| start + 1 + end);
        let part = &url[start + 1..end];
        if part.split_once('=').is_some_and(|(name, value)| !value.is_empty() && is_token(name)) {
            keeps_mark &= url[end..].starts_with(['&', ';']);
            found.push(if keeps_mark { start + 1..end + 1 } else { start..end });
        } else {
            keeps_mark = false;
        }
        start = end;
    }
    found
}

fn is_token(name: &str) -> bool {
    names_a_secret(name) || name_words(name).iter().any(|word| QUERY_WORDS.contains(&word.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_url_is_the_beginning_of_a_url_and_what_is_wrong_with_any_other_is_known() {
        for url in
            ["https://api.example.com", "http://127.0.0.1:8080/v1", "http://[::1]/", "http://[::1]:80", "http://a/"]
        {
            assert_eq!(wrong_base(url), None, "{url}");
        }
        for (url, wrong) in [
            ("", WrongBase::Scheme),
            ("127.0.0.1:9311", WrongBase::Scheme),
            ("ftp://a", WrongBase::Scheme),
            ("http://exa mple", WrongBase::Letter),
            ("https://exämple", WrongBase::Letter),
            ("https://a/?key=b", WrongBase::Query),
            ("https://a#b", WrongBase::Query),
            ("https://", WrongBase::Host),
            ("http://:80/", WrongBase::Host),
            ("http://a:b/", WrongBase::Host),
            ("http://a:99999", WrongBase::Host),
            ("https://me:pass@a/", WrongBase::User),
        ] {
            assert_eq!(wrong_base(url), Some(wrong), "{url}");
        }
    }

    #[test]
    fn credentials_are_taken_out_of_urls_and_nothing_else_is() {
        for (with, without) in [
            ("https://me:token@host/a.git", "https://host/a.git"),
            ("https://token@host/a.git", "https://host/a.git"),
            ("https://me:to@ken@host:8080/a@b", "https://host:8080/a@b"),
            ("https://me:to'ken@host/a", "https://host/a"),
            ("https://me:tö%20ken@host/a", "https://host/a"),
            ("ssh://git:secret@host/a", "ssh://git@host/a"),
            ("ssh://git@host/a", "ssh://git@host/a"),
            ("git@host:a/b.git", "git@host:a/b.git"),
            ("https://host/a?access_token=x", "https://host/a"),
            ("https://host/a?access_token=x&ref=y", "https://host/a?ref=y"),
            ("https://host/a?access_token=x&private_token=y&ref=z", "https://host/a?ref=z"),
            ("https://host/a?ref=y&private_token=x#z", "https://host/a?ref=y#z"),
            ("https://host/a?token=x&token=y", "https://host/a?"),
            ("https://host/a#token=x", "https://host/a"),
            ("https://host/a?keyboard=x", "https://host/a?keyboard=x"),
            (
                "unable to access 'https://me:x@host/': 403; see http://host/b",
                "unable to access 'https://host/': 403; see http://host/b",
            ),
            ("two: https://a@b/, https://c@d/", "two: https://b/, https://d/"),
            ("../a@b", "../a@b"),
            ("file:///a@b", "file:///a@b"),
            ("://", "://"),
            ("https://@", "https://"),
            ("https://?#&", "https://?#&"),
        ] {
            assert_eq!(without_credentials(with), without, "{with}");
        }
    }

    #[test]
    fn credentials_are_named() {
        assert_eq!(credentials("https://me:token@host/a?access_token=x&b=c"), ["me:token", "x"]);
        assert_eq!(credentials("ssh://git:secret@host"), ["secret"]);
        assert!(credentials("https://host/a?b=c").is_empty());
    }

    #[test]
    fn a_message_never_shows_the_credentials_of_the_url_it_is_about() {
        let url = "https://me:to%2Fken@host/a.git";
        let message = "'https://me:to%2Fken@host/a.git' and https://me:to%2Fken@host:443 refused to/ken; to%2Fken";
        let shown = without_credentials_of(url, message);
        assert_eq!(shown, "'https://host/a.git' and https://host:443 refused [redacted]; [redacted]");
    }

    #[test]
    fn what_is_encoded_is_decoded_and_all_else_is_kept() {
        for (part, meant) in [("a%2Fb%c3%a9", "a/bé"), ("%", "%"), ("%2", "%2"), ("%zz%+1", "%zz%+1"), ("", "")] {
            assert_eq!(decoded(part), meant);
        }
    }
}
