//! Which names mean that their values are secret.

use super::words::name_words;

/// A name that contains one of these words is a secret's.
const WORDS: [&str; 18] = [
    "key",
    "keys",
    "token",
    "tokens",
    "secret",
    "secrets",
    "password",
    "passwords",
    "passwd",
    "passphrase",
    "pass",
    "pwd",
    "pat",
    "credential",
    "credentials",
    "auth",
    "auths",
    "authorization",
];

/// Words that are often written together with what they belong to: `DBPASSWORD`, `GITHUBTOKEN`.
const ENDINGS: [&str; 9] =
    ["token", "secret", "password", "passwd", "passphrase", "apikey", "secretkey", "accesskey", "privatekey"];

/// Whether a name marks its value as secret, by a whole word.
#[must_use]
pub fn names_a_secret(name: &str) -> bool {
    let words = name_words(name);
    // `PWD` and `OLDPWD` are working directories.
    if matches!(words.iter().map(String::as_str).collect::<Vec<_>>()[..], ["pwd" | "oldpwd"] | ["old", "pwd"]) {
        return false;
    }
    words.iter().any(|word| {
        let word = word.trim_end_matches(|char: char| char.is_ascii_digit());
        WORDS.contains(&word) || ENDINGS.iter().any(|ending| word.trim_end_matches('s').ends_with(ending))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_that_they_are_secret_in_whole_words() {
        for name in [
            "GITHUB_TOKEN",
            "OPENAI_API_KEY",
            "DB_PASSWORD",
            "AWS_SECRET_ACCESS_KEY",
            "npm_config__authToken",
            "npm_config_//registry.example.org/:_authToken",
            "TOKEN",
            "key",
            "apiKey",
            "APIKey2",
            "API_KEY_2",
            "OAuthToken",
            "PGPASSWORD",
            "MYSQL_PWD",
            "SMTP_PASS",
            "GITHUBTOKEN",
            "DBPASSWORD",
            "CLIENTSECRET",
            "AWS_CREDENTIALS",
            "GH_PAT",
            "DOCKER_AUTH_CONFIG",
            "SSH_PASSPHRASE",
            "signing-key",
            "CARGO_REGISTRIES_MINE_TOKEN",
        ] {
            assert!(names_a_secret(name), "{name}");
        }
        for name in [
            "KEYCLOAK_URL",
            "MONKEY_PATCH",
            "TOKENIZER",
            "TOKENIZERS_PARALLELISM",
            "AUTHOR",
            "GIT_AUTHOR_NAME",
            "PASSAGE",
            "KEYBOARD_LAYOUT",
            "HOTKEY",
            "TURKEY",
            "BYPASS",
            "COMPASS_HOME",
            "PATH",
            "PATTERN",
            "SECRETARY",
            "PWD",
            "OLDPWD",
            "XAUTHORITY",
            "HOME",
            "",
        ] {
            assert!(!names_a_secret(name), "{name}");
        }
    }
}
