//! Asks the programs of agents for their version: contained, within limits, and with a home that is empty, so that what a
//! person has set up for themselves neither shows nor changes.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::engine::error::EngineError;
use crate::engine::reach::Reach;
use crate::model::agent::Agent;
use crate::model::installation::{Answer, Installation, version_in};
use crate::os::files::{self, FileError, TemporaryFolder};
use crate::os::process::{self, Containment, End, Ended, Overflow, PassThrough, ProcessLimits, StopHandle, Task, View};
use crate::os::program::Found;
use crate::store::StoreError;

/// How long a program may take to say its version. The slowest known one takes five seconds where nothing else is at work.
pub(in crate::engine) const MOST_ANSWERING: Duration = Duration::from_secs(30);
/// Most bytes of an answer that are read.
pub(in crate::engine) const MOST_PRINTED: u64 = 64 * 1024;
/// Time between TERM and KILL.
const GRACE: Duration = Duration::from_secs(1);

/// A program that can be asked for its version.
#[derive(Debug, Clone)]
pub struct Question {
    /// Where the program lies.
    pub program: PathBuf,
    /// What is known of it.
    pub installation: &'static Installation,
    environment: BTreeMap<OsString, OsString>,
}

/// The files and folders of a program that is asked.
pub(in crate::engine) struct Aside {
    pub(in crate::engine) home: PathBuf,
    pub(in crate::engine) stdout: PathBuf,
    pub(in crate::engine) stderr: PathBuf,
}

impl Question {
    /// The question for an agent's program; `None` when it has none that could be asked, `Err` when that is not installed.
    /// `inherited` is the environment of this process, of which the program is given the standard part, and no key.
    /// It is looked for where `reach` has agents work.
    #[must_use]
    pub fn of(
        agent: &Agent,
        inherited: &BTreeMap<OsString, OsString>,
        reach: &Reach,
    ) -> Option<Result<Self, &'static Installation>> {
        let installation = agent.installation()?;
        let mut environment = reach.environment(inherited, &[]);
        environment.extend(installation.variables.iter().map(|(name, value)| (name.into(), value.into())));
        let own = agent.program().into_iter().flat_map(|program| program.environment);
        environment.extend(own.map(|(name, value)| (name.into(), value.into())));
        let path = environment.get(OsStr::new("PATH")).map(OsString::as_os_str);
        Some(match reach.search(OsStr::new(installation.program), path) {
            Found::Program(program) => Ok(Self { program, installation, environment }),
            Found::NotExecutable(_) | Found::Nothing => Err(installation),
        })
    }

    /// The words that ask it.
    pub(in crate::engine) fn argv(&self) -> Vec<OsString> {
        vec![self.program.clone().into(), self.installation.version_argument.into()]
    }

    /// Its whole environment.
    pub(in crate::engine) fn environment(&self, aside: &Aside) -> BTreeMap<OsString, OsString> {
        let mut environment = self.environment.clone();
        environment.insert("HOME".into(), aside.home.clone().into());
        environment
    }

    /// Asks it, in a folder that is gone afterwards.
    ///
    /// # Errors
    /// When the folder cannot be made, or no file descriptors are left.
    pub fn ask(&self, containment: &Containment, reach: &Reach) -> Result<Answer, EngineError> {
        self.ask_within(containment, reach, MOST_ANSWERING)
    }

    fn ask_within(&self, containment: &Containment, reach: &Reach, wall: Duration) -> Result<Answer, EngineError> {
        let folder = TemporaryFolder::new("cargo-scylla-").map_err(StoreError::from)?;
        let aside = Aside::make(folder.path()).map_err(StoreError::from)?;
        let stop = StopHandle::new().map_err(EngineError::Signals)?;
        let token = folder.path().file_name().map(OsStr::to_string_lossy).unwrap_or_default().into_owned();
        let task = Task {
            argv: self.argv(),
            cwd: aside.home.clone(),
            environment: self.environment(&aside),
            stdin: None,
            stdout: aside.stdout.clone(),
            stderr: aside.stderr.clone(),
            filter: Box::new(|| Box::new(PassThrough)),
            watch: None,
            limits: ProcessLimits {
                wall,
                no_progress: None,
                output_bytes: MOST_PRINTED,
                overflow: Overflow::Cut,
                grace: GRACE,
            },
            controllers: None,
            sandbox: reach.sandbox(folder.path().join("own")),
            door: None,
            views: vec![View::Writable(aside.home.clone())],
            mark: folder.path().join("asked.json"),
            token: token.chars().filter(|letter| letter.is_ascii_alphanumeric() || *letter == '-').collect(),
        };
        let ended = process::run(&task, containment, &stop);
        Ok(ended.map_or(Answer::Silent, |ended| aside.answer(&ended)))
    }
}

impl Aside {
    /// Makes the empty home in an empty folder.
    ///
    /// # Errors
    /// When it cannot be made.
    pub(in crate::engine) fn make(folder: &Path) -> Result<Self, FileError> {
        let aside = Self { home: folder.join("home"), stdout: folder.join("stdout"), stderr: folder.join("stderr") };
        files::make_private(&aside.home)?;
        Ok(aside)
    }

    /// What the program answered. One that did not end well has said nothing, whatever it printed.
    pub(in crate::engine) fn answer(&self, ended: &Ended) -> Answer {
        if ended.end != End::Exited(0) {
            return Answer::Silent;
        }
        let printed = |file: &Path| files::read_if_readable(file, MOST_PRINTED);
        let version = [&self.stdout, &self.stderr].into_iter().find_map(|file| version_in(&printed(file)?));
        version.map_or(Answer::Silent, Answer::Version)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::agent::{KINDS, named};
    use crate::model::experiment::ContainmentChoice;

    fn answer(script: &str, wall: Duration) -> Answer {
        let folder = tempfile::tempdir().unwrap();
        let agents = KINDS.iter().filter_map(|kind| named(kind.name, false).ok());
        let agent = agents.into_iter().find(|agent| agent.installation().is_some()).unwrap();
        let program = folder.path().join(agent.installation().unwrap().program);
        std::fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        let path = format!("{}:/usr/bin:/bin", folder.path().display());
        let inherited = [("PATH", path.as_str()), ("SOME_API_KEY", "sk-1"), ("HOME", "/root")];
        let inherited = inherited.map(|(name, value)| (name.into(), value.into())).into();
        let question = Question::of(&agent, &inherited, &Reach::Everything).unwrap().unwrap();
        question.ask_within(&Containment::probe(ContainmentChoice::Auto).unwrap(), &Reach::Everything, wall).unwrap()
    }

    #[test]
    fn a_program_is_asked_with_an_empty_home_and_no_key_and_what_it_prints_counts_only_when_it_ends_well() {
        let most = MOST_ANSWERING;
        let said = |version: &str| Answer::Version(version.to_owned());
        assert_eq!(answer("echo agent 1.2.3", most), said("1.2.3"));
        assert_eq!(answer("echo agent 1.2.3 >&2", most), said("1.2.3"));
        let surroundings = "echo 1.$(ls -A \"$HOME\" | wc -l).$(env | grep -c SOME_API_KEY)";
        assert_eq!(answer(surroundings, most), said("1.0.0"));
        assert_eq!(answer("echo 1.2.3; exit 1", most), Answer::Silent);
        assert_eq!(answer("echo unknown option", most), Answer::Silent);
        // It holds its output open, and does not end.
        assert_eq!(answer("echo 1.2.3; sleep 600 & wait", Duration::from_millis(300)), Answer::Silent);
    }
}
