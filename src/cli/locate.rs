//! The workspace, what it says about itself, and its settings: the door to `cargo_metadata`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::config::settings::{self, Settings};
use crate::model::limits::MOST_FIXTURE_FILE_BYTES;
use crate::os::files::{self, FileError};
use crate::rules::policy::Policy;

/// The default results folder. It is never in the target directory, which `cargo clean` removes.
pub const RESULTS: &str = "scylla-results";

/// The results folder outside of a workspace in former versions.
const FORMER_RESULTS: &str = "results";

const MANIFEST: &str = "Cargo.toml";

/// Settings with the folder that their relative paths start from.
#[derive(Debug, Clone)]
pub struct Located {
    /// The root of the workspace, or the current folder outside of one.
    pub root: PathBuf,
    /// The results folder when neither a flag nor a setting names one.
    pub results_dir: PathBuf,
    /// The default results folders of former versions.
    pub former_results: Vec<PathBuf>,
    /// The target directory of the workspace.
    pub target_dir: Option<PathBuf>,
    /// The settings in the workspace's files.
    pub settings: Settings,
}

impl Located {
    /// Folders in which experiments are searched for when no folder is named.
    #[must_use]
    pub fn places_of_experiments(&self) -> Vec<PathBuf> {
        match &self.settings.results_dir {
            Some(set) => vec![self.root.join(set)],
            None => std::iter::once(&self.results_dir).chain(&self.former_results).cloned().collect(),
        }
    }

    fn at(root: PathBuf, target_dir: Option<PathBuf>, settings: Settings) -> Self {
        let in_target = target_dir.as_ref().map(|target| target.join("scylla"));
        let former_results = in_target.into_iter().chain([root.join(FORMER_RESULTS)]).collect();
        Self { results_dir: root.join(RESULTS), former_results, target_dir, settings, root }
    }
}

/// Finds the workspace of `current` and reads its settings; `.config/scylla.toml` wins over the manifest.
///
/// # Errors
/// When the manifest or the settings have mistakes.
pub fn locate(current: &Path) -> Result<Located, CliError> {
    match workspace(current)? {
        Some((root, target)) => {
            let settings = from_file(&root)?.over(from_manifest(&root)?);
            Ok(Located::at(root, Some(target), settings))
        }
        None => Ok(Located::at(current.to_owned(), None, from_file(current)?)),
    }
}

/// Like [`locate`], for commands that can do without the manifest: if cargo refuses it, its settings are left out, and
/// the second part of the result says so.
///
/// # Errors
/// When the settings have mistakes.
pub fn locate_without_manifest(current: &Path) -> Result<(Located, Option<String>), CliError> {
    let Err(refused) = workspace(current) else { return locate(current).map(|located| (located, None)) };
    let is_workspace = |manifest: &PathBuf| read(manifest).is_ok_and(|text| text.contains("[workspace]"));
    let manifest = manifests(current).find(is_workspace).or_else(|| manifests(current).next());
    let Some(folder) = manifest.as_deref().and_then(Path::parent) else { return Err(refused) };
    let note = format!("cargo cannot read `{}`, so what it sets is left out", folder.join(MANIFEST).display());
    Ok((Located::at(folder.to_owned(), Some(folder.join("target")), from_file(folder)?), Some(note)))
}

/// What `verify` asks for in `current`: the table `gate` of the nearest settings that have one. Cargo is not asked which
/// workspace it is, because a gate is quick.
///
/// # Errors
/// When those settings have mistakes.
pub fn locate_gate(current: &Path) -> Result<Policy, CliError> {
    for folder in current.ancestors() {
        let mut settings = from_file(folder)?;
        let manifest = folder.join(MANIFEST);
        let has_manifest = matches!(files::kind_of(&manifest), Ok(Some(_)));
        if has_manifest && read(&manifest).is_ok_and(|text| text.contains("metadata.scylla")) {
            settings = settings.over(from_manifest(folder)?);
        }
        if let Some(gate) = settings.gate {
            return Ok(gate);
        }
    }
    Ok(Policy::default())
}

/// Whether a manifest in `current` or above seems to have settings for this tool.
#[must_use]
pub fn manifest_sets_anything(current: &Path) -> bool {
    manifests(current).any(|manifest| read(&manifest).is_ok_and(|text| text.contains("metadata.scylla")))
}

/// The root and the target directory of the workspace of `current`.
fn workspace(current: &Path) -> Result<Option<(PathBuf, PathBuf)>, CliError> {
    // cargo is asked only when there is a manifest: outside of a workspace it would report an error.
    if manifests(current).next().is_none() {
        return Ok(None);
    }
    let metadata = cargo_metadata::MetadataCommand::new()
        .no_deps()
        .current_dir(current)
        .exec()
        .map_err(|error| CliError { exit: Exit::Usage, ..CliError::internal(error) })?;
    Ok(Some((metadata.workspace_root.into_std_path_buf(), metadata.target_directory.into_std_path_buf())))
}

fn read(manifest: &Path) -> io::Result<String> {
    fs::read_to_string(manifest)
}

fn from_manifest(root: &Path) -> Result<Settings, CliError> {
    let manifest = root.join(MANIFEST);
    let text = read(&manifest).map_err(|error| CliError::from(FileError::new("read", &manifest, error)))?;
    settings::from_manifest(&text, &manifest).map_err(|mistakes| CliError::mistakes(&mistakes))
}

/// Manifests in `current` and above it, the nearest first.
fn manifests(current: &Path) -> impl Iterator<Item = PathBuf> {
    let manifests = current.ancestors().map(|folder| folder.join(MANIFEST));
    manifests.filter(|manifest| matches!(files::kind_of(manifest), Ok(Some(_))))
}

fn from_file(root: &Path) -> Result<Settings, CliError> {
    let file = root.join(".config").join("scylla.toml");
    let bytes = files::read_bounded(&file, MOST_FIXTURE_FILE_BYTES).map_err(CliError::internal)?;
    let Some(bytes) = bytes else { return Ok(Settings::default()) };
    let text = String::from_utf8(bytes).map_err(|_| CliError::usage(format!("{}: it is not UTF-8", file.display())))?;
    settings::from_toml(&text, &file).map_err(|mistakes| CliError::mistakes(&mistakes))
}
