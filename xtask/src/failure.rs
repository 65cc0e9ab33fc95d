//! Why a task failed.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::say::counted;

/// Why a task failed.
#[derive(Debug, Error)]
pub(crate) enum Failure {
    /// A file or folder could not be read or written.
    #[error("cannot {act} `{}`: {source}", path.display())]
    File {
        /// What was tried.
        act: &'static str,
        /// Where.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A program could not be started.
    #[error("cannot start `{program}`: {source}")]
    Start {
        /// The program.
        program: String,
        /// What the system said.
        source: io::Error,
    },
    /// A program did not end well.
    #[error("`{command}` ended with {end}")]
    End {
        /// The program with its arguments.
        command: String,
        /// Its exit code or signal.
        end: String,
    },
    /// A program said something else than it should.
    #[error("`{command}` says nothing of `{wanted}`")]
    Silent {
        /// The program with its arguments.
        command: String,
        /// What was looked for in its output.
        wanted: &'static str,
    },
    /// Cargo could not list the packages.
    #[error("cannot list the packages of the workspace: {0}")]
    Packages(#[from] cargo_metadata::Error),
    /// The code could not make its part of the manual.
    #[error("cannot make the generated files: {0}")]
    Generating(io::Error),
    /// Generated files differ from the code.
    #[error("{} below docs/ differ from the code: {}", counted(files.len(), "file"), files.join(", "))]
    Generated {
        /// Each with how it differs.
        files: Vec<String>,
    },
    /// Dependencies have a licence that is not on the list.
    #[error("{} with a licence that is not on the list:\n  {}", counted(packages.len(), "dependency"), packages.join("\n  "))]
    Licences {
        /// Each with its licence.
        packages: Vec<String>,
    },
    /// Something could not be measured.
    #[error("cannot {what}: {why}")]
    Measure {
        /// What was tried.
        what: &'static str,
        /// Why it failed.
        why: String,
    },
    /// What installs something is not there.
    #[error("{program} is not there, and programs of agents are installed with it")]
    Missing {
        /// The program.
        program: &'static str,
        /// Debian's package with it.
        package: &'static str,
    },
    /// Packages of the distribution are missing and cannot be installed by this task.
    #[error("{} not installed, and that takes apt-get and root", are(packages))]
    Uninstalled {
        /// As Debian calls them.
        packages: Vec<String>,
    },
    /// An installed program is not the version that is pinned.
    #[error("`{command}` says {printed:?}, not that it is version {wanted}")]
    Version {
        /// How it was asked.
        command: String,
        /// The version that is pinned.
        wanted: String,
        /// What it printed.
        printed: String,
    },
    /// The list of versions is wrong.
    #[error("cannot read `tests/it/real_agents/versions.json`: {why}")]
    Versions {
        /// What is wrong.
        why: String,
    },
    /// Steps of `ci` failed.
    #[error("{} of ci failed: {}", counted(steps.len(), "step"), steps.join(", "))]
    Steps {
        /// Their names.
        steps: Vec<String>,
    },
}

impl Failure {
    /// Says what was tried at which path.
    pub(crate) fn file(act: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { act, path, source }
    }

    /// What to do about it.
    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::Generated { .. } => Some("run `cargo xtask codegen` and commit what it writes".to_owned()),
            Self::Licences { .. } => {
                Some("choose another crate; `xtask/src/licences.rs` lists the licences".to_owned())
            }
            Self::Missing { package, .. } => Some(format!("install it, on Debian by `apt-get install {package}`")),
            Self::Uninstalled { packages } => {
                let command = format!("apt-get install --no-install-recommends {}", packages.join(" "));
                Some(format!("install what has these programs, on Debian by `{command}`"))
            }
            _ => None,
        }
    }
}

/// Some names, with the verb that fits.
fn are(names: &[String]) -> String {
    match names {
        [first @ .., last] if !first.is_empty() => format!("{} and {last} are", first.join(", ")),
        names => format!("{} is", names.concat()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_names_the_path_and_what_was_tried() {
        let failure = Failure::file("read", Path::new("docs/x.md"))(io::Error::other("no medium"));
        assert_eq!(failure.to_string(), "cannot read `docs/x.md`: no medium");
    }

    #[test]
    fn failures_are_counted_in_words_that_fit() {
        let one = Failure::Licences { packages: vec!["a".to_owned()] };
        assert!(one.to_string().starts_with("1 dependency with"), "{one}");
        let two = Failure::Licences { packages: vec!["a".to_owned(), "b".to_owned()] };
        assert!(two.to_string().starts_with("2 dependencies with"), "{two}");
        let steps = Failure::Steps { steps: vec!["format".to_owned(), "lints".to_owned()] };
        assert_eq!(steps.to_string(), "2 steps of ci failed: format, lints");
    }
}
