//! The image of an experiment: asked of podman, and its files laid out for as long as a session lasts. Agents and checks see
//! them through bubblewrap; podman starts nothing of a run.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::thread;

use crate::config::fixture::TEST_FILE;
use crate::model::ids::{SubtestId, TierId};
use crate::model::program::Invocation;
use crate::model::sandbox::{ImageSource, Sandbox};
use crate::model::task::Fixture;
use crate::os::files::FileError;
use crate::os::podman::{self, PodmanError, Recipe};
use crate::os::process::{ImageFiles, search_image};
use crate::os::program::Found;
use crate::store::StoreError;
use crate::store::image::ImageFolder;

/// Where programs are searched for in an image that does not say it.
const USUAL_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// The home of programs in an image, wherever the home of the user lies: the same on all machines.
const HOME: &str = "/home/scylla";
/// What starts lines of commands.
const SHELL: &str = "/bin/sh";
/// Files by which a person says what an image may not copy, the first one counts.
const IGNORING: [&str; 2] = [".containerignore", ".dockerignore"];
/// What no image may copy: an agent would see it.
const NEVER_COPIED: &str = "\nexpected\nrecorded\n";

/// An image whose files are laid out.
#[derive(Debug)]
pub struct Image {
    /// Its id.
    pub id: String,
    /// What messages call it.
    name: String,
    environment: BTreeMap<OsString, OsString>,
    users: Option<PathBuf>,
    folder: ImageFolder,
}

impl PartialEq for Image {
    fn eq(&self, other: &Self) -> bool {
        (&self.id, self.folder.path()) == (&other.id, other.folder.path())
    }
}

impl Eq for Image {}

/// Why there is no image to work in.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// Podman does not do what it is asked for.
    #[error("{0}")]
    Podman(#[from] PodmanError),
    /// The image is another one than that of the results.
    #[error("{source_words} is another one now: `{found}`, and the experiment was begun with `{recorded}`")]
    Another {
        /// What the fixture says about it.
        source_words: String,
        /// Its id.
        found: String,
        /// The id of the experiment's image.
        recorded: String,
    },
    /// The image cannot be had here any more.
    #[error("the image `{recorded}` of the experiment is not here, and {source_words} cannot be had: {why}")]
    Gone {
        /// What the fixture says about it.
        source_words: String,
        /// The id of the experiment's image.
        recorded: String,
        /// Why it cannot be had.
        why: PodmanError,
    },
    /// Programs are not in the image.
    #[error("{}", .0.join("\n"))]
    Absent(Vec<String>),
    /// Its files cannot be laid out.
    #[error(transparent)]
    Files(#[from] StoreError),
}

impl From<FileError> for ImageError {
    fn from(error: FileError) -> Self {
        Self::Files(error.into())
    }
}

/// What is asked of podman, and for whom.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// The sandbox with the image.
    pub sandbox: &'a Sandbox,
    /// The folder of the fixture, which a Containerfile may copy from.
    pub fixture: &'a Path,
    /// The id of the image that results rest on; `None` of a new experiment.
    pub recorded: Option<&'a str>,
    /// The folder in which work folders are made.
    pub work_dir: Option<&'a str>,
}

/// Makes the image ready that a sandbox asks for; `None` when it asks for none. `tell` is told what takes time.
///
/// # Errors
/// When podman does not have it and cannot make it, when it is another one than the recorded one, or when its files cannot be
/// laid out. Nothing was started then.
pub fn make_ready(wanted: Wanted<'_>, mut tell: impl FnMut(&str)) -> Result<Option<Image>, ImageError> {
    let Some(source) = wanted.sandbox.source() else { return Ok(None) };
    let folder = ImageFolder::create(wanted.work_dir)?;
    let found = match wanted.recorded {
        None => obtain(source, wanted.fixture, &folder, &mut tell)?,
        Some(recorded) => match podman::find(recorded)? {
            Some(found) => found,
            None => again(source, recorded, wanted.fixture, &folder, &mut tell)?,
        },
    };
    podman::keep(&found.id)?;
    tell(&format!("podman gives the files of {source}, {}", short(&found.id)));
    lay_out(&found.id, &folder)?;
    let users = folder.introduce_user(HOME)?;
    Ok(Some(Image { id: found.id, name: source.to_string(), environment: found.environment, users, folder }))
}

/// Lays the files of an image out while podman gives them.
fn lay_out(id: &str, folder: &ImageFolder) -> Result<(), ImageError> {
    let (files, end) = io::pipe().map_err(|error| FileError::new("make a pipe for", folder.path(), error))?;
    let (given, laid_out) = thread::scope(|scope| {
        // Its end of the pipe is closed when podman is done, whatever came of it.
        let giving = scope.spawn(move || podman::export(id, &end));
        let laid_out = folder.unpack(files);
        (giving.join().unwrap_or_else(|panic| resume_unwind(panic)), laid_out)
    });
    // What podman did not give whole cannot be laid out either.
    given?;
    Ok(laid_out?)
}

/// The image, pulled or built where podman does not have it.
fn obtain(
    source: ImageSource<'_>,
    fixture: &Path,
    folder: &ImageFolder,
    tell: &mut impl FnMut(&str),
) -> Result<podman::Image, ImageError> {
    let name = match source {
        ImageSource::Named(name) => {
            if let Some(found) = podman::find(name)? {
                return Ok(found);
            }
            tell(&format!("podman pulls {source}"));
            podman::pull(name)?;
            name.to_owned()
        }
        ImageSource::Built(file) => {
            tell(&format!("podman builds {source}"));
            let ignored = folder.path().join("ignored");
            let own = IGNORING.iter().find_map(|name| fs::read_to_string(fixture.join(name)).ok()).unwrap_or_default();
            fs::write(&ignored, own + NEVER_COPIED).map_err(|error| FileError::new("write", &ignored, error))?;
            // Podman is started elsewhere.
            let context = fs::canonicalize(fixture).map_err(|error| FileError::new("find", fixture, error))?;
            podman::build(Recipe {
                file: &context.join(file),
                name: file,
                context: &context,
                ignored: &ignored,
                scratch: folder.path(),
            })?
        }
    };
    let unknown = || PodmanError::Unknown { image: name.clone(), why: "it is gone again".to_owned() };
    Ok(podman::find(&name)?.ok_or_else(unknown)?)
}

/// The image that results rest on, had anew: only the very same one will do.
fn again(
    source: ImageSource<'_>,
    recorded: &str,
    fixture: &Path,
    folder: &ImageFolder,
    tell: &mut impl FnMut(&str),
) -> Result<podman::Image, ImageError> {
    let source_words = source.to_string();
    match obtain(source, fixture, folder, tell) {
        Ok(found) if found.id == recorded => Ok(found),
        Ok(found) => Err(ImageError::Another { source_words, found: found.id, recorded: recorded.to_owned() }),
        Err(ImageError::Podman(why @ PodmanError::Failed { .. })) => {
            Err(ImageError::Gone { source_words, recorded: recorded.to_owned(), why })
        }
        Err(error) => Err(error),
    }
}

/// The beginning of an id, as podman shows it.
#[must_use]
pub fn short(id: &str) -> &str {
    id.get(..12).unwrap_or(id)
}

impl Image {
    /// Its files, as they lie on this machine.
    #[must_use]
    pub fn files(&self) -> ImageFiles {
        ImageFiles { root: self.folder.root(), users: self.users.clone() }
    }

    /// The environment of a program in it: what the image sets, and over it the variables that are passed on.
    #[must_use]
    pub fn environment(&self, passed: BTreeMap<OsString, OsString>) -> BTreeMap<OsString, OsString> {
        let mut all = BTreeMap::from([("PATH".into(), USUAL_PATH.into())]);
        all.extend(self.environment.clone());
        all.extend(passed);
        all.insert("HOME".into(), HOME.into());
        all
    }

    /// Looks for a program in it.
    #[must_use]
    pub fn search(&self, name: &OsStr, path: Option<&OsStr>) -> Found {
        search_image(&self.folder.root(), name, path)
    }

    /// Refuses agents and checks whose programs are not in it. `is_planned` tells which subtests are started.
    ///
    /// # Errors
    /// When there are some: each as a sentence.
    pub fn refuse_absent(
        &self,
        fixture: &Fixture,
        is_planned: impl Fn(TierId, SubtestId) -> bool,
    ) -> Result<(), ImageError> {
        let mut absent: BTreeSet<String> = BTreeSet::new();
        let mut start = |owner: &str, name: &str| {
            if !self.has(name) {
                let image = short(&self.id);
                absent.insert(format!("{owner} starts `{name}`, which is not in {}, {image}", self.name));
            }
        };
        for check in &fixture.checks {
            start(&format!("the check `{}`", check.name), &first(&check.run));
        }
        let mut spoken_with = Vec::new();
        for (tier, subtests) in &fixture.tiers {
            for (id, subtest) in subtests.iter().filter(|(id, _)| is_planned(*tier, **id)) {
                let (owner, agent) = (format!("the agent of `{tier}/{id}`"), &subtest.agent);
                if agent.is_spoken_with() {
                    spoken_with.push(format!(
                        "{owner} is of the kind `{}`: a program of ours speaks with it, which is one of this machine and does not \
                         work in an image",
                        agent.kind().name
                    ));
                    continue;
                }
                if let Some(program) = agent.program() {
                    start(&owner, &first(program.run));
                }
                if let Some(installation) = agent.installation() {
                    // A line of the shell starts it.
                    start(&owner, SHELL);
                    start(&owner, installation.program);
                }
            }
        }
        absent.extend(spoken_with);
        if absent.is_empty() { Ok(()) } else { Err(ImageError::Absent(absent.into_iter().collect())) }
    }

    /// Whether a program is there: along the search path of the image, or where an absolute path leads. What a relative path leads
    /// to is in the task's tree.
    fn has(&self, program: &str) -> bool {
        let path = self.environment(BTreeMap::new()).remove(OsStr::new("PATH"));
        let (name, path) = match program.rsplit_once('/') {
            Some((folder, name)) if folder.is_empty() || folder.starts_with('/') => {
                (name, Some(format!("{folder}/").into()))
            }
            Some(_) => return true,
            None => (program, path),
        };
        matches!(self.search(OsStr::new(name), path.as_deref()), Found::Program(_))
    }
}

/// The program that a command starts.
fn first(run: &Invocation) -> String {
    run.words().into_iter().next().unwrap_or_default()
}

/// The hint for an image that is not had.
#[must_use]
pub fn hint(error: &ImageError) -> String {
    match error {
        ImageError::Podman(PodmanError::Tool(crate::os::tool::ToolError::NotInstalled { .. })) => {
            "install podman, or use another sandbox: `--sandbox bubblewrap` shows the files of this machine; nothing was started"
                .to_owned()
        }
        ImageError::Podman(_) => {
            format!("see that podman works here, and what `sandbox` in `{TEST_FILE}` says; nothing was started")
        }
        ImageError::Another { recorded, .. } | ImageError::Gone { recorded, .. } => format!(
            "bring the former one where it still is, as `podman save {0} | podman load`, or begin a new experiment with `--fresh`: \
             results in different images are not comparable; nothing was started",
            podman::kept_as(recorded)
        ),
        ImageError::Absent(_) => "put it into the image, or mend its `PATH`; no agent was started".to_owned(),
        ImageError::Files(_) => {
            "the files of an image take their room once more while a session lasts; `--work-dir DIR` names another place for them; \
             nothing was started"
                .to_owned()
        }
    }
}
