//! Versions of the files that this tool writes, and their history.

pub(super) mod costs;

use crate::model::result::FORMAT_VERSION;

/// Every version that this tool ever wrote, oldest first. 4.0 had no digests of files in themselves, and its results
/// named neither their baseline's commit nor their former attempts. 4.0 and 4.1 wrote 0 for unknown costs and tokens,
/// which [`costs`] translates. No key was renamed since.
const HISTORY: [&str; 3] = ["4.0", "4.1", FORMAT_VERSION];
/// Versions that this tool never wrote: they belong to another tool's files, which are recognised by their shape.
const FOREIGN: [&str; 4] = ["1.0", "2.0", "3.0", "3.1"];

/// How a file's version relates to this tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Age {
    /// This tool writes it.
    Current,
    /// An earlier version of this tool wrote it; it is translated when it is read, and written as the current version.
    Earlier,
    /// It belongs to another tool's files, which this tool never wrote.
    Foreign,
    /// A newer cargo-scylla wrote it.
    Newer,
    /// It is not a version.
    Unknown,
}

/// Finds a version in the history.
pub(super) fn age(version: &str) -> Age {
    // Nearly every file has this version, so it is compared first.
    if version == FORMAT_VERSION {
        return Age::Current;
    }
    match (numbers(version), numbers(FORMAT_VERSION)) {
        _ if HISTORY.contains(&version) => Age::Earlier,
        _ if FOREIGN.contains(&version) => Age::Foreign,
        (Some(found), Some(ours)) if found > ours => Age::Newer,
        _ => Age::Unknown,
    }
}

/// Whether files of this version carry a digest of themselves, and have the files beside them that 4.0 did not write
/// yet.
pub(super) fn has_digests(version: &str) -> bool {
    HISTORY.iter().skip(1).any(|known| *known == version)
}

/// The version under which a file is kept in memory and written: an earlier one becomes the current one.
pub(super) fn translated(version: &str) -> String {
    if age(version) == Age::Earlier { FORMAT_VERSION.to_owned() } else { version.to_owned() }
}

/// The version that the JSON of a file names, when it is a newer one, even if the file is otherwise invalid for this
/// tool.
pub(super) fn newer(json: &[u8]) -> Option<String> {
    let Versioned { version } = serde_json::from_slice(json).ok()?;
    (age(&version) == Age::Newer).then_some(version)
}

/// The key that files of all versions have.
#[derive(serde::Deserialize)]
pub(super) struct Versioned {
    /// The version.
    pub(super) version: String,
}

fn numbers(version: &str) -> Option<(u32, u32)> {
    let (major, minor) = version.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_found_in_our_own_history_or_in_another_family() {
        for (version, expected) in [
            ("4.2", Age::Current),
            ("4.1", Age::Earlier),
            ("4.0", Age::Earlier),
            ("4.3", Age::Newer),
            ("10.0", Age::Newer),
            ("3.1", Age::Foreign),
            ("1.0", Age::Foreign),
            ("3.2", Age::Unknown),
            ("0.1", Age::Unknown),
            ("4", Age::Unknown),
            ("four", Age::Unknown),
            ("", Age::Unknown),
        ] {
            assert_eq!(age(version), expected, "{version}");
        }
    }

    #[test]
    fn every_version_but_the_first_has_digests() {
        let with = ["4.0", "4.1", "4.2", "4.3", "3.1", ""].map(has_digests);
        assert_eq!(with, [false, true, true, false, false, false]);
    }

    #[test]
    fn a_newer_file_is_known_by_its_version_alone() {
        assert_eq!(newer(br#"{"version": "4.3", "judges": "none"}"#).as_deref(), Some("4.3"));
        for other in [&br#"{"version": "4.0"}"#[..], br#"{"version": "4.3""#, br#"{"version": 5}"#, b"[]", b""] {
            assert_eq!(newer(other), None);
        }
    }
}
