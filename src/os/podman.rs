//! Images of podman: found, pulled, built, and their files given out as an archive. Programs of runs are not started by podman.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::PipeWriter;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use crate::os::tool::{self, Stdout, Tool, ToolError, ToolOutput};

const PODMAN: &str = "podman";
/// The label of the containers that are made to read an image's files, and never started.
const LABEL: &str = "cargo-scylla";
/// The name under which an image is kept that an experiment rests on, so that no clean-up of images without a name removes it.
const KEPT_AS: &str = "localhost/cargo-scylla";
/// Containers that are older have a maker that was killed.
const STALE: &str = "until=1h";

/// How long a question may take. Podman sets its storage up at the first one.
const MOST_ASKING: Duration = Duration::from_mins(5);
/// How long an image may take to be pulled, built or given out. A person can stop it before.
const MOST_MAKING: Duration = Duration::from_hours(6);
/// Most bytes of an answer.
const MOST_ANSWER: usize = 16 << 20;
/// Lines that are shown of what podman printed when it failed.
const SHOWN_LINES: usize = 12;

/// Variables by which podman finds its storage, its settings and its registries.
const ITS_VARIABLES: [&str; 20] = [
    "HOME",
    "USER",
    "LOGNAME",
    "TMPDIR",
    "XDG_RUNTIME_DIR",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "DBUS_SESSION_BUS_ADDRESS",
    "CONTAINERS_CONF",
    "CONTAINERS_STORAGE_CONF",
    "CONTAINERS_REGISTRIES_CONF",
    "REGISTRY_AUTH_FILE",
    "STORAGE_DRIVER",
    "STORAGE_OPTS",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
];

/// An image that podman has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// Its id: what is in it and how it is set up, as 64 hexadecimal digits.
    pub id: String,
    /// The variables that it sets.
    pub environment: BTreeMap<OsString, OsString>,
}

/// Why podman did not do something.
#[derive(Debug, thiserror::Error)]
pub enum PodmanError {
    /// It could not be run to its end.
    #[error(transparent)]
    Tool(#[from] ToolError),
    /// It ended with an error.
    #[error("podman cannot {tried}{}", shown(.words))]
    Failed {
        /// What was tried.
        tried: String,
        /// The last lines that it printed.
        words: Vec<String>,
    },
    /// It answered something that cannot be understood.
    #[error("podman tells of the image `{image}` in a form that is not known: {why}")]
    Unknown {
        /// The image.
        image: String,
        /// What is wrong with the answer.
        why: String,
    },
}

/// Lines below a message.
fn shown(words: &[String]) -> String {
    if words.is_empty() { String::new() } else { format!(":\n  {}", words.join("\n  ")) }
}

/// An image as `podman image inspect` describes it.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Described {
    id: String,
    #[serde(default)]
    config: Option<Settings>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Settings {
    #[serde(default)]
    env: Option<Vec<String>>,
}

/// The image of this name or id, if podman has it.
///
/// # Errors
/// When podman is not installed or does not work here.
pub fn find(image: &str) -> Result<Option<Image>, PodmanError> {
    let tried = || format!("look for the image `{image}`");
    let exists = ask(["image", "exists", "--", image])?;
    match exists.code {
        Some(0) => {}
        Some(1) => return Ok(None),
        _ => return Err(failed(tried(), &exists, "")),
    }
    let told = ask(["image", "inspect", "--", image])?;
    if told.code != Some(0) {
        return Err(failed(tried(), &told, ""));
    }
    let unknown = |why: String| PodmanError::Unknown { image: image.to_owned(), why };
    let described: Vec<Described> = serde_json::from_slice(&told.stdout).map_err(|error| unknown(error.to_string()))?;
    let Described { id, config } =
        described.into_iter().next().ok_or_else(|| unknown("it tells nothing".to_owned()))?;
    if id.len() != 64 || !id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(unknown("its id is no number of 64 digits".to_owned()));
    }
    let variables = config.unwrap_or_default().env.unwrap_or_default();
    let pairs = variables.iter().filter_map(|variable| variable.split_once('='));
    let environment = pairs.filter(|(name, _)| !name.is_empty()).map(|(name, value)| (name.into(), value.into()));
    Ok(Some(Image { id, environment: environment.collect() }))
}

/// Pulls an image.
///
/// # Errors
/// When it cannot be pulled.
pub fn pull(name: &str) -> Result<(), PodmanError> {
    let output = make(vec!["pull".into(), "--quiet".into(), "--".into(), name.into()], Stdout::Captured(MOST_ANSWER))?;
    done(format!("pull the image `{name}`"), &output, "")
}

/// What an image is built from, and the files that podman needs for it.
#[derive(Debug, Clone, Copy)]
pub struct Recipe<'a> {
    /// The Containerfile.
    pub file: &'a Path,
    /// How messages call it.
    pub name: &'a str,
    /// The folder that it may copy from.
    pub context: &'a Path,
    /// The file with the patterns of what it may not copy.
    pub ignored: &'a Path,
    /// A folder of ours for what podman writes.
    pub scratch: &'a Path,
}

/// Builds an image and gives its id. What was built before from the same files is taken again.
///
/// # Errors
/// When it cannot be built: with the last lines of what podman printed.
pub fn build(recipe: Recipe<'_>) -> Result<String, PodmanError> {
    let (id, log) = (recipe.scratch.join("id"), recipe.scratch.join("build.log"));
    let option = |name: &str, path: &Path| [OsString::from(name), path.into()];
    let mut args = vec![OsString::from("build"), "--layers".into()];
    for (name, path) in [("--file", recipe.file), ("--ignorefile", recipe.ignored), ("--iidfile", &id)] {
        args.extend(option(name, path));
    }
    args.extend([OsString::from("--"), recipe.context.into()]);
    let output = make(args, Stdout::File(&log))?;
    let printed = crate::os::files::read_end(&log, MOST_ANSWER as u64).ok().flatten().unwrap_or_default();
    done(format!("build the image of `{}`", recipe.name), &output, &String::from_utf8_lossy(&printed))?;
    let unknown = || PodmanError::Unknown { image: recipe.name.to_owned(), why: "it has no id".to_owned() };
    let written = crate::os::files::read_if_readable(&id, 1024).ok_or_else(unknown)?;
    let written = String::from_utf8_lossy(&written);
    Ok(written.trim().trim_start_matches("sha256:").to_owned())
}

/// Gives an image a name by which it is kept until a person removes it.
///
/// # Errors
/// When podman refuses.
pub fn keep(id: &str) -> Result<(), PodmanError> {
    let output = ask(["tag", id, &kept_as(id)])?;
    done(format!("name the image `{id}`"), &output, "")
}

/// The name by which an image is kept.
#[must_use]
pub fn kept_as(id: &str) -> String {
    format!("{KEPT_AS}:{}", id.get(..12).unwrap_or(id))
}

/// Writes every file of an image into a pipe, as an archive, with its layers laid over each other. The container that this takes is
/// never started.
///
/// # Errors
/// When podman refuses.
pub fn export(id: &str, archive: &PipeWriter) -> Result<(), PodmanError> {
    // What was left by somebody who was killed; if that fails, there is only more of it the next time.
    drop(ask(["container", "prune", "--force", "--filter", &format!("label={LABEL}"), "--filter", STALE]));
    let tried = || format!("read the files of the image `{id}`");
    let made = ask(["create", "--pull=never", "--label", LABEL, "--network=none", "--", id, "nothing"])?;
    done(tried(), &made, "")?;
    let container = String::from_utf8_lossy(&made.stdout).trim().to_owned();
    let given = make(vec!["export".into(), "--".into(), container.clone().into()], Stdout::Pipe(archive));
    // One that cannot be removed now is removed later.
    drop(ask(["rm", "--force", "--", &container]));
    done(tried(), &given?, "")
}

fn ask<const N: usize>(args: [&str; N]) -> Result<ToolOutput, PodmanError> {
    run(args.iter().map(OsString::from).collect(), Stdout::Captured(MOST_ANSWER), MOST_ASKING)
}

fn make(args: Vec<OsString>, stdout: Stdout<'_>) -> Result<ToolOutput, PodmanError> {
    run(args, stdout, MOST_MAKING)
}

fn run(args: Vec<OsString>, stdout: Stdout<'_>, timeout: Duration) -> Result<ToolOutput, PodmanError> {
    let root = PathBuf::from("/");
    let tool =
        Tool { program: PODMAN, args, cwd: &root, env: &[], inherit: &ITS_VARIABLES, stdin: None, stdout, timeout };
    Ok(tool::run(&tool)?)
}

fn done(tried: String, output: &ToolOutput, printed: &str) -> Result<(), PodmanError> {
    if output.code == Some(0) { Ok(()) } else { Err(failed(tried, output, printed)) }
}

/// The error of a call that ended with one: the last lines of what it printed, and of what it said beside that.
fn failed(tried: String, output: &ToolOutput, printed: &str) -> PodmanError {
    let lines = printed.lines().chain(output.stderr.lines()).map(str::trim_end).filter(|line| !line.is_empty());
    let mut words: Vec<String> = lines.map(|line| crate::text::escape::terminal(line).into_owned()).collect();
    words.drain(..words.len().saturating_sub(SHOWN_LINES));
    PodmanError::Failed { tried, words }
}
