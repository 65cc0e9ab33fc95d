//! A folder that shows another one by links, without some of what is in it.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::FileError;

/// Makes the folder `to`, whose entries are symbolic links to those of `from`, but for the paths `without`, which are
/// below `from`. Folders that hold one of these are folders here, too, so that nothing in them is shown by their link.
/// The tree must be one that we wrote: links in it are shown as they are.
///
/// # Errors
/// When `from` cannot be listed, or something cannot be made.
pub fn mirror_without(from: &Path, to: &Path, without: &[PathBuf]) -> Result<(), FileError> {
    fs::create_dir_all(to).map_err(|error| FileError::new("make the folder", to, error))?;
    let listing = |error| FileError::new("list", from, error);
    for entry in fs::read_dir(from).map_err(listing)? {
        let name = entry.map_err(listing)?.file_name();
        let (source, shown) = (from.join(&name), to.join(&name));
        let inside: Vec<PathBuf> =
            without.iter().filter_map(|path| path.strip_prefix(&name).ok()).map(Path::to_owned).collect();
        if inside.iter().any(|path| path.as_os_str().is_empty()) {
            continue;
        }
        if inside.is_empty() {
            symlink(&source, &shown).map_err(|error| FileError::new("link", &shown, error))?;
        } else {
            mirror_without(&source, &shown, &inside)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_shown_by_no_link_and_everything_else_is() {
        let world = tempfile::tempdir().unwrap();
        let from = world.path().join("from");
        for file in ["test.yaml", "expected/rubric.yaml", "expected/gold/half.yaml", "patches/solution.patch", "a/b/c"]
        {
            let path = from.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, file).unwrap();
        }
        let to = world.path().join("to");
        let without = ["expected/gold", "patches/solution.patch", "gone/file"].map(PathBuf::from);
        mirror_without(&from, &to, &without).unwrap();
        for file in ["test.yaml", "expected/rubric.yaml", "a/b/c"] {
            assert_eq!(fs::read_to_string(to.join(file)).unwrap(), file);
        }
        assert!(to.join("a").is_symlink() && !to.join("expected").is_symlink());
        let left: Vec<_> = fs::read_dir(to.join("expected")).unwrap().map(|it| it.unwrap().file_name()).collect();
        assert_eq!(left, ["rubric.yaml"]);
        assert_eq!(fs::read_dir(to.join("patches")).unwrap().count(), 0);
    }
}
