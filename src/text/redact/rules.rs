//! Which parts of a variable's value are secrets.

use serde_json::Value;

use crate::text::jsonc::to_json;
use crate::text::secret_names::names_a_secret;
use crate::text::url;

/// Values shorter than this are not secrets: replacing them would make text unreadable and protect nothing.
const LEAST_SECRET_BYTES: usize = 8;
/// Numbers with fewer digits are limits, ports and times.
const LEAST_SECRET_DIGITS: usize = 16;

/// Long words that are in variables of any machine and reveal nothing.
const USUAL: [&str; 15] = [
    "automatic",
    "changeme",
    "credentials",
    "development",
    "disabled",
    "external",
    "internal",
    "localhost",
    "optional",
    "password",
    "postgres",
    "postgresql",
    "production",
    "required",
    "undefined",
];

/// Beginnings of absolute paths.
const ROOTS: [&str; 17] = [
    "Users", "Volumes", "bin", "dev", "etc", "home", "lib", "media", "mnt", "opt", "private", "proc", "root", "run",
    "srv", "tmp", "usr",
];

/// The secrets in the value of a variable, without surrounding white space, which files and shells add.
pub(super) fn secrets_of(name: &str, value: &str) -> Vec<String> {
    let mut found = Vec::new();
    text(names_a_secret(name), value, &mut found);
    found
}

/// The secrets of a text: its members when it is JSON or a list of settings, else the whole when the variable's name
/// says so, or the credentials of a URL.
fn text(is_named: bool, value: &str, found: &mut Vec<String>) {
    let value = value.trim();
    let before = found.len();
    if value.starts_with(['{', '['])
        && let Ok(json) = serde_json::from_str::<Value>(value).or_else(|_| serde_json::from_str(&to_json(value)))
    {
        members(false, &json, found);
        // If no member has a name that marks it as secret, any of them may be it.
        if is_named && found.len() == before {
            members(true, &json, found);
        }
        return;
    }
    // `AccountName=x;AccountKey=y`, and lines of the same form.
    if value.contains([';', '\n']) {
        for (name, value) in value.split([';', '\n']).filter_map(|part| part.split_once('=')) {
            if names_a_secret(name) {
                plain(value, found);
            }
        }
    }
    url_credentials(value, found);
    if is_named && found.len() == before {
        plain(value, found);
    }
}

fn plain(value: &str, found: &mut Vec<String>) {
    let value = value.trim();
    if !is_trivial(value) {
        found.push(value.to_owned());
    }
}

/// The credentials of the URLs in a text, both percent-encoded and decoded.
fn url_credentials(value: &str, found: &mut Vec<String>) {
    for credential in url::credentials(value) {
        // A user's name alone does not need protection.
        let password = credential.split_once(':').map_or(credential, |(_, password)| password);
        for part in [password, &url::decoded(password)] {
            plain(part, found);
        }
    }
}

/// The secrets of a JSON value at any depth; below a key with a secret's name every text is one.
fn members(is_named: bool, json: &Value, found: &mut Vec<String>) {
    match json {
        Value::String(value) => text(is_named, value, found),
        Value::Number(value) if is_named => plain(&value.to_string(), found),
        Value::Array(items) => items.iter().for_each(|item| members(is_named, item, found)),
        Value::Object(map) => {
            map.iter().for_each(|(name, item)| members(is_named || names_a_secret(name), item, found));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Whether a value is so common that redacting it would protect nothing and make text unreadable.
fn is_trivial(value: &str) -> bool {
    let is_number = value.bytes().all(|byte| byte.is_ascii_digit() || b"+-.,_".contains(&byte));
    let is_path = ["./", "../", "~/"].iter().any(|start| value.starts_with(start))
        || ROOTS.iter().chain(&["var"]).any(|root| {
            value.strip_prefix('/').and_then(|rest| rest.strip_prefix(root)).is_some_and(|rest| rest.starts_with('/'))
        });
    let is_usual = USUAL.iter().any(|word| value.eq_ignore_ascii_case(word));
    let is_one_character = value.chars().next().is_none_or(|first| value.chars().all(|char| char == first));
    // The credentials in it were handled before.
    let is_url =
        value.split_once("://").is_some_and(|(scheme, _)| scheme.bytes().all(|byte| byte.is_ascii_alphanumeric()))
            && !value.contains(char::is_whitespace);
    value.len() < LEAST_SECRET_BYTES
        || is_number && value.len() < LEAST_SECRET_DIGITS
        || is_path
        || is_usual
        || is_one_character
        || is_url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trivial_values_are_no_secrets() {
        for value in [
            "true",
            "1",
            "0",
            "none",
            "",
            "1234567",
            "200000000",
            "2026-11-28",
            "disabled",
            "Undefined",
            "changeme",
            "postgres",
            "xxxxxxxxxx",
            "********",
            "/home/me/.config/key.pem",
            "/run/user/1000/agent.sock",
            "~/keys/one",
            "../keys/one",
            "http://localhost:8080/auth",
            "  true  \n",
        ] {
            assert_eq!(secrets_of("MY_TOKEN", value), [""; 0], "{value}");
        }
        for value in
            ["hunter2hunter2", "/abcdEFGH1234/abcd+efgh", "12345678901234567890", "credential-file", "s3cr3t://x y"]
        {
            assert_eq!(secrets_of("MY_TOKEN", value), [value], "{value}");
        }
        assert_eq!(secrets_of("MY_TOKEN", " abcdefgh-1\n"), ["abcdefgh-1"]);
        assert_eq!(secrets_of("AUTHOR", "abcdefgh-1"), [""; 0]);
    }

    #[test]
    fn members_of_json_and_of_lists_are_secrets_where_their_names_say_so() {
        for (name, value, secrets) in [
            ("CONFIG", r#"{"a": {"api_key": "abcdefgh-1"}, "url": "http://localhost:1"}"#, &["abcdefgh-1"][..]),
            (
                "CONFIG",
                r#"[{"keys": ["abcdefgh-1", {"x": "abcdefgh-2"}], "name": "long enough"}]"#,
                &["abcdefgh-1", "abcdefgh-2"],
            ),
            ("CONFIG", r#"{"enabled_token": true, "key": 7, "tokenizer": "abcdefgh-1", "password": "none"}"#, &[]),
            ("CONFIG", r#"{"pin_key": 12345678901234567890}"#, &["12345678901234567890"]),
            ("GOOGLE_CREDENTIALS", r#"{"project": "my-project", "private_key": "abcdefgh-1\nx"}"#, &["abcdefgh-1\nx"]),
            ("MY_SECRETS", r#"{"one": "abcdefgh-1", "two": ["abcdefgh-2"]}"#, &["abcdefgh-1", "abcdefgh-2"]),
            ("DOCKER_AUTH_CONFIG", r#"{"auths": {"host": {"auth": "bWU6c2VjcmV0"}}}"#, &["bWU6c2VjcmV0"]),
            ("CONFIG", r#"{"inner": "{\"token\": \"abcdefgh-1\"}"}"#, &["abcdefgh-1"]),
            ("MY_KEY", "{not json at all", &["{not json at all"]),
            ("STORAGE", "AccountName=somebody;AccountKey=abcdefgh+1==;Suffix=example.org", &["abcdefgh+1=="]),
        ] {
            assert_eq!(secrets_of(name, value), secrets, "{name}={value}");
        }
    }

    #[test]
    fn credentials_of_urls_are_secrets_whatever_the_variable_is_called() {
        for (value, secrets) in [
            ("postgres://me:abcdefgh-1@localhost/x", &["abcdefgh-1", "abcdefgh-1"][..]),
            ("https://abcdefgh-1@localhost/x.git", &["abcdefgh-1", "abcdefgh-1"]),
            ("https://me:abcdefgh%2F1@localhost/", &["abcdefgh%2F1", "abcdefgh/1"]),
            ("https://localhost/?access_token=abcdefgh-1", &["abcdefgh-1", "abcdefgh-1"]),
            ("ssh://git@localhost/x", &[]),
            ("https://localhost/x", &[]),
        ] {
            assert_eq!(secrets_of("KEYCLOAK_URL", value), secrets, "{value}");
            assert_eq!(secrets_of("MY_TOKEN", value), secrets, "{value}");
        }
    }
}
