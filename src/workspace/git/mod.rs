//! One call of git that obeys only our own configuration.
//!
//! A call names folders of objects and never a repository: it cannot be given a git-dir that we did not make.

mod dir;

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::Path;
use std::time::Duration;

use super::error::WorkspaceError;
use crate::os::tool::{self, Stdout, Tool};

pub(super) use dir::{GitDir, ObjectFormat, object_folders};

/// Time limit of a call that works on this machine only.
const LOCAL: Duration = Duration::from_mins(10);
/// Time limit of a call that reads another repository.
const FETCH: Duration = Duration::from_hours(1);
/// Most bytes of git's output by default: the names of a million files.
const MOST_OUTPUT: usize = 256 << 20;

/// The attributes of every repository of ours, with the highest precedence: the bytes of a file are the bytes of its
/// blob.
///
/// So no filter runs, no line end is changed, and a tree that is captured and rebuilt is equal. Diffs are text unless
/// the file is binary, whatever the tree's own attributes say.
pub(super) const ATTRIBUTES: &str =
    "* -text !eol -ident -filter -working-tree-encoding !diff !merge !whitespace !conflict-marker-size\n";

/// Settings that override every file.
///
/// Hooks and the file system monitor are programs. Line ends, file modes and names are used as they are: the two
/// `protect` settings would refuse names that are special only on other systems, but an agent may use any name. Files
/// that git writes are synced by us if they must last, and not at all if not. Objects are found by packs and names, not
/// by auxiliary files. Any user may own `repo.git`, because it may come from another machine.
const SETTINGS: [(&str, &str); 19] = [
    ("core.hooksPath", "/dev/null"),
    ("core.fsmonitor", "false"),
    ("core.attributesFile", "/dev/null"),
    ("core.excludesFile", "/dev/null"),
    ("core.autocrlf", "false"),
    ("core.safecrlf", "false"),
    ("core.fileMode", "true"),
    ("core.symlinks", "true"),
    ("core.ignoreCase", "false"),
    ("core.protectNTFS", "false"),
    ("core.protectHFS", "false"),
    ("core.fsync", "none"),
    ("core.commitGraph", "false"),
    ("core.multiPackIndex", "false"),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    ("repack.writeBitmaps", "false"),
    ("fetch.unpackLimit", "1"),
    ("safe.directory", "*"),
];

/// The whole environment beside `PATH`. git never searches for a repository: every call has our own `GIT_DIR`. Commits
/// have one author and one date, so that the same tree is the same commit everywhere.
const ENVIRONMENT: [(&str, &str); 14] = [
    ("HOME", "/nonexistent"),
    ("LC_ALL", "C"),
    ("GIT_CONFIG_NOSYSTEM", "1"),
    ("GIT_CONFIG_GLOBAL", "/dev/null"),
    ("GIT_ATTR_NOSYSTEM", "1"),
    ("GIT_NO_REPLACE_OBJECTS", "1"),
    ("GIT_NO_LAZY_FETCH", "1"),
    ("GIT_OPTIONAL_LOCKS", "0"),
    ("GIT_AUTHOR_NAME", "cargo-scylla"),
    ("GIT_AUTHOR_EMAIL", "cargo-scylla@localhost"),
    ("GIT_AUTHOR_DATE", "946684800 +0000"),
    ("GIT_COMMITTER_NAME", "cargo-scylla"),
    ("GIT_COMMITTER_EMAIL", "cargo-scylla@localhost"),
    ("GIT_COMMITTER_DATE", "946684800 +0000"),
];

/// Variables that a fetch gets too: the person's own access to repositories. A commit is named by its hash, so none of
/// these can change a result.
const FETCH_INHERITS: [&str; 18] = [
    "HOME",
    "XDG_CONFIG_HOME",
    "USER",
    "LOGNAME",
    "SSH_AUTH_SOCK",
    "GIT_SSH",
    "GIT_SSH_COMMAND",
    "GIT_ASKPASS",
    "http_proxy",
    "https_proxy",
    "HTTPS_PROXY",
    "all_proxy",
    "ALL_PROXY",
    "no_proxy",
    "NO_PROXY",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "TMPDIR",
];

/// The git-dir of a call.
#[derive(Debug)]
enum Place<'a> {
    /// One that is made for this call, and can read the objects of these folders.
    Own(Vec<&'a Path>),
    /// One that was made for several calls.
    Given(&'a GitDir),
}

/// One call of git.
#[derive(Debug)]
pub(super) struct Git<'a> {
    place: Place<'a>,
    folder: &'a Path,
    args: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    settings: Vec<(OsString, OsString)>,
    stdin: Option<Vec<u8>>,
    fetches: bool,
    most: usize,
}

impl<'a> Git<'a> {
    /// A call that works in `folder` and can read the objects of these folders.
    pub(super) fn new(folder: &'a Path, objects: &[&'a Path], args: &[&str]) -> Self {
        Self::with(Place::Own(objects.to_vec()), folder, args)
    }

    fn with(place: Place<'a>, folder: &'a Path, args: &[&str]) -> Self {
        Self {
            place,
            folder,
            args: args.iter().map(OsString::from).collect(),
            environment: Vec::new(),
            settings: SETTINGS.iter().map(|(key, value)| (key.into(), value.into())).collect(),
            stdin: None,
            fetches: false,
            most: MOST_OUTPUT,
        }
    }

    /// Adds an argument.
    pub(super) fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Adds a variable.
    pub(super) fn variable(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// Adds a setting. Other users of the machine can see arguments, but not this.
    pub(super) fn setting(mut self, key: &str, value: &str) -> Self {
        self.settings.push((key.into(), value.into()));
        self
    }

    /// Sets the folder to which objects are written; nobody else writes there.
    pub(super) fn writes_to(self, objects: &Path) -> Self {
        self.variable("GIT_OBJECT_DIRECTORY", objects)
    }

    /// Sets the input of git.
    pub(super) fn stdin(mut self, bytes: Vec<u8>) -> Self {
        self.stdin = Some(bytes);
        self
    }

    /// Sets the limit of the output; more is an error.
    pub(super) fn most_output(mut self, bytes: u64) -> Self {
        self.most = usize::try_from(bytes).unwrap_or(usize::MAX);
        self
    }

    /// Makes it read another repository, with the person's own configuration.
    pub(super) fn fetches(mut self) -> Self {
        self.fetches = true;
        self
    }

    /// Runs it and gives its output.
    pub(super) fn run(self) -> Result<Vec<u8>, WorkspaceError> {
        let own;
        let git_dir = match &self.place {
            Place::Own(objects) => {
                own = GitDir::seeing(objects)?;
                &own
            }
            Place::Given(git_dir) => *git_dir,
        };
        let mut environment = vec![("GIT_CONFIG_COUNT".into(), self.settings.len().to_string().into())];
        for (at, (key, value)) in self.settings.into_iter().enumerate() {
            environment.push((format!("GIT_CONFIG_KEY_{at}").into(), key));
            environment.push((format!("GIT_CONFIG_VALUE_{at}").into(), value));
        }
        environment.push(("GIT_TERMINAL_PROMPT".into(), "0".into()));
        let not_of_fetches = ["HOME", "GIT_CONFIG_NOSYSTEM", "GIT_CONFIG_GLOBAL", "GIT_NO_LAZY_FETCH"];
        let ours = ENVIRONMENT.iter().filter(|(name, _)| !self.fetches || !not_of_fetches.contains(name));
        environment.extend(ours.map(|(name, value)| (name.into(), value.into())));
        environment.extend(self.environment);
        environment.extend(git_dir.environment());
        let command = shown(&self.args);
        let output = tool::run(&Tool {
            program: "git",
            args: self.args,
            cwd: self.folder,
            env: &environment,
            inherit: if self.fetches { &FETCH_INHERITS } else { &[] },
            stdin: self.stdin.as_deref(),
            stdout: Stdout::Captured(self.most),
            timeout: if self.fetches { FETCH } else { LOCAL },
        });
        match output {
            Ok(output) if output.code == Some(0) => Ok(output.stdout),
            Ok(output) => {
                let message = output.stderr.trim();
                let message =
                    if message.is_empty() { "it gave no reason".to_owned() } else { message.replace('\n', "; ") };
                Err(WorkspaceError::Git { command, folder: self.folder.to_owned(), message })
            }
            Err(source) => Err(WorkspaceError::Tool { command, folder: self.folder.to_owned(), source }),
        }
    }

    /// Runs it and gives its one line of output.
    pub(super) fn line(self) -> Result<String, WorkspaceError> {
        Ok(String::from_utf8_lossy(&self.run()?).trim_end().to_owned())
    }
}

/// The command as a person would type it, shortened.
fn shown(args: &[OsString]) -> String {
    let words: Vec<_> = args.iter().map(|arg| arg.to_string_lossy()).collect();
    format!("git {}", words.join(" ")).chars().take(200).collect()
}

/// A path for a list of object folders: quoted, because lists are separated by colons.
fn quoted(path: &Path) -> OsString {
    let mut quoted = vec![b'"'];
    for byte in path.as_os_str().as_bytes() {
        if matches!(byte, b'"' | b'\\') {
            quoted.push(b'\\');
        }
        quoted.push(*byte);
    }
    quoted.push(b'"');
    OsString::from_vec(quoted)
}

/// The path with these bytes.
pub(super) fn path_of(bytes: &[u8]) -> &Path {
    Path::new(OsStr::from_bytes(bytes))
}
