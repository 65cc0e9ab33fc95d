//! Where things lie in the repository; alone, for every task asks it.

use std::path::{Path, PathBuf};

/// The repository's root.
pub(crate) fn root() -> &'static Path {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().unwrap_or(own)
}

/// The folder of the manual.
pub(crate) fn docs() -> PathBuf {
    root().join("docs")
}
