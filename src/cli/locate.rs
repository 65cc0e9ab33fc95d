//! Where the workspace is, what it says of itself, and what its settings are: the door to `cargo_metadata`.

use std::path::{Path, PathBuf};

use crate::cli::error::CliError;
use crate::config::settings::{self, Settings};
use crate::model::limits::MOST_FIXTURE_FILE_BYTES;
use crate::os::files;

/// Settings with the folder that their relative paths start from.
#[derive(Debug, Clone)]
pub struct Located {
    /// The root of the workspace, or the current folder outside of one.
    pub root: PathBuf,
    /// Where experiments lie when nothing else is said.
    pub results_dir: PathBuf,
    /// What the workspace's files set.
    pub settings: Settings,
}

/// Finds the workspace around `current` and reads its settings; `.config/scylla.toml` wins over the manifest.
///
/// # Errors
/// When the manifest or the settings have mistakes.
pub fn locate(current: &Path) -> Result<Located, CliError> {
    // Cargo itself is asked only where there is a manifest: outside of a workspace it would be an error.
    let manifest_near =
        current.ancestors().any(|folder| matches!(files::kind_of(&folder.join("Cargo.toml")), Ok(Some(_))));
    if !manifest_near {
        let settings = from_file(current)?;
        return Ok(Located { root: current.to_owned(), results_dir: current.join("results"), settings });
    }
    let metadata = cargo_metadata::MetadataCommand::new()
        .no_deps()
        .current_dir(current)
        .exec()
        .map_err(|error| CliError { exit: crate::cli::exit::Exit::Usage, ..CliError::internal(error) })?;
    let root = metadata.workspace_root.into_std_path_buf();
    let manifest = root.join("Cargo.toml");
    let lower = settings::from_metadata(&metadata.workspace_metadata, &manifest)
        .map_err(|mistakes| CliError::mistakes(&mistakes))?;
    let settings = from_file(&root)?.over(lower);
    Ok(Located { results_dir: metadata.target_directory.into_std_path_buf().join("scylla"), root, settings })
}

fn from_file(root: &Path) -> Result<Settings, CliError> {
    let file = root.join(".config").join("scylla.toml");
    let bytes = files::read_bounded(&file, MOST_FIXTURE_FILE_BYTES).map_err(CliError::internal)?;
    let Some(bytes) = bytes else { return Ok(Settings::default()) };
    let text = String::from_utf8(bytes).map_err(|_| CliError::usage(format!("{}: it is not UTF-8", file.display())))?;
    settings::from_toml(&text, &file).map_err(|mistakes| CliError::mistakes(&mistakes))
}
