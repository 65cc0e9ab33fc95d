//! Agent programs that have to be installed on a machine: what is known of each before it is started.

use serde::Serialize;

/// Longest text that counts as a version, in bytes.
const MOST_VERSION: usize = 100;

/// A program that a kind of agent starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Installation {
    /// The name by which it is found in the search path.
    pub program: &'static str,
    /// What installs it.
    pub package: Package,
    /// The argument with which it prints its version and ends.
    pub version_argument: &'static str,
    /// Whether its output says its version in each run, so that it need not be asked.
    pub says_version: bool,
    /// Variables that can hold the key of its provider; one is enough.
    pub keys: &'static [&'static str],
    /// What can be typed to log in, in place of a key.
    pub login: Option<&'static str>,
    /// Variables with the address of another endpoint.
    pub addresses: &'static [&'static str],
    /// Variables that send it past its provider's address: to the cloud of somebody else.
    pub detours: &'static [&'static str],
    /// Words for models that its program has itself, and that no list of prices knows.
    pub aliases: &'static [&'static str],
    /// Beginnings of lines that it prints in every run, and that explain nothing.
    pub greetings: &'static [&'static str],
    /// Variables that keep it from asking anybody but its model, and from asking that too often.
    pub variables: &'static [(&'static str, &'static str)],
}

/// A package of a package manager.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Package {
    /// One for `npm`.
    Npm(&'static str),
    /// One for `pip`, and the packages that it also needs and does not name.
    Pip(&'static str, &'static [&'static str]),
}

impl Package {
    /// The command that installs it, in this version or the newest one.
    #[must_use]
    pub fn install(&self, version: Option<&str>) -> String {
        let exact = |separator: &str| version.map(|version| format!("{separator}{version}")).unwrap_or_default();
        match self {
            Self::Npm(name) => format!("npm install --global {name}{}", exact("@")),
            Self::Pip(name, others) => {
                let named = format!("{name}{}", exact("=="));
                ["pip", "install", &named].into_iter().chain(others.iter().copied()).collect::<Vec<_>>().join(" ")
            }
        }
    }
}

/// What a program answers that is asked for its version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "state", content = "version")]
pub enum Answer {
    /// It is not installed.
    NotInstalled,
    /// It is installed and does not say its version.
    Silent,
    /// It says this version.
    Version(String),
}

impl Answer {
    /// The version, if it says one.
    #[must_use]
    pub fn version(self) -> Option<String> {
        match self {
            Self::Version(version) => Some(version),
            Self::NotInstalled | Self::Silent => None,
        }
    }
}

impl Installation {
    /// Why its program must not be started where this version is demanded, and the command that installs that one; `None`
    /// when it says this version.
    #[must_use]
    pub fn differs(&self, wanted: &str, answer: &Answer) -> Option<(String, String)> {
        let program = self.program;
        let why = match answer {
            Answer::Version(found) if found == wanted => return None,
            Answer::Version(found) => format!("`{program}` says that it is version {found}, and {wanted} is demanded"),
            Answer::Silent => format!("`{program}` does not say its version, and {wanted} is demanded"),
            Answer::NotInstalled => format!("`{program}` is not installed, and version {wanted} of it is demanded"),
        };
        Some((why, self.package.install(Some(wanted))))
    }
}

/// The version in what a program prints when it is asked for it: the first word that begins with a number and a dot.
#[must_use]
pub fn version_in(printed: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(printed);
    let words = text.split(|it: char| it.is_whitespace() || it.is_control() || matches!(it, '(' | ')' | ','));
    words.map(version_of_word).find(|word| is_version(word)).map(str::to_owned)
}

/// A word without what sentences put around a version.
fn version_of_word(word: &str) -> &str {
    let word = word.trim_end_matches(['.', ';', ':']);
    word.strip_prefix('v').unwrap_or(word)
}

/// Whether a text can be a version: it is short, and names at least two numbers.
#[must_use]
pub fn is_version(text: &str) -> bool {
    let (first, rest) = text.split_once('.').unwrap_or((text, ""));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_spelled = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-' | '+' | '_');
    text.len() <= MOST_VERSION
        && is_number(first)
        && rest.starts_with(|it: char| it.is_ascii_digit())
        && text.chars().all(is_spelled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_found_in_what_each_program_prints_and_in_nothing_else() {
        for (printed, version) in [
            ("2.1.197 (Claude Code)\n", Some("2.1.197")),
            ("codex-cli 0.169.0\n", Some("0.169.0")),
            ("0.61.0\n", Some("0.61.0")),
            ("aider 0.86.2\n", Some("0.86.2")),
            ("\u{1f44b} This is mini-swe-agent version 2.4.6.\nCheck the v1.0 guide", Some("2.4.6")),
            ("v1.2.3-rc.1+b5", Some("1.2.3-rc.1+b5")),
            ("error: unknown option", None),
            ("at 12:30:05 on day 3", None),
            ("7", None),
            ("", None),
            ("1.\u{1b}[31mred", None),
        ] {
            assert_eq!(version_in(printed.as_bytes()).as_deref(), version, "{printed}");
        }
        let long = format!("1.{}", "2".repeat(500));
        assert_eq!(version_in(long.as_bytes()), None);
        assert_eq!(version_in(b"\xff1.2"), None);
    }

    #[test]
    fn the_command_that_installs_a_package_names_a_version_in_the_right_spelling() {
        let (npm, pip) = (Package::Npm("@openai/codex"), Package::Pip("mini-swe-agent", &["mcp"]));
        assert_eq!(npm.install(None), "npm install --global @openai/codex");
        assert_eq!(npm.install(Some("0.169.0")), "npm install --global @openai/codex@0.169.0");
        assert_eq!(pip.install(None), "pip install mini-swe-agent mcp");
        assert_eq!(pip.install(Some("2.4.6")), "pip install mini-swe-agent==2.4.6 mcp");
    }
}
