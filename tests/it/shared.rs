//! Real files that the project's people share with each other, and that are in no clone; alone, for many tests need them.

use std::path::PathBuf;

/// A folder of shared files: below `SCYLLA_SHARED`, else in `shared/` beside the clone. Where it is absent that is said
/// aloud, and in CI it is a failure.
#[expect(clippy::print_stdout, reason = "who reads the tests' output learns what was not tried")]
pub(crate) fn shared(name: &str) -> Option<PathBuf> {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let folder = std::env::var_os("SCYLLA_SHARED").map_or(beside, PathBuf::from).join(name);
    if folder.is_dir() {
        return Some(folder);
    }
    assert!(std::env::var_os("CI").is_none(), "{} is not there", folder.display());
    println!("skipped: {} is not there", folder.display());
    None
}
