//! Versions of the files that this tool writes.

use crate::model::result::FORMAT_VERSION;

/// What a file's version means for this tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Age {
    /// This tool writes it.
    Current,
    /// The original's runner wrote it.
    Original,
    /// A newer cargo-scylla wrote it.
    Newer,
    /// It is no version.
    Unknown,
}

/// Compares a version with the one that is written.
pub(super) fn age(version: &str) -> Age {
    let (Some(found), Some(ours)) = (numbers(version), numbers(FORMAT_VERSION)) else { return Age::Unknown };
    match found.cmp(&ours) {
        std::cmp::Ordering::Less => Age::Original,
        std::cmp::Ordering::Equal => Age::Current,
        std::cmp::Ordering::Greater => Age::Newer,
    }
}

/// The version that the JSON of a file names, when it is a newer one; whatever else is wrong with the file for this tool.
pub(super) fn newer(json: &[u8]) -> Option<String> {
    let Versioned { version } = serde_json::from_slice(json).ok()?;
    (age(&version) == Age::Newer).then_some(version)
}

/// What a file of any version has.
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
    fn versions_compare_by_number() {
        for (version, expected) in [
            ("4.0", Age::Current),
            ("4.1", Age::Newer),
            ("10.0", Age::Newer),
            ("3.1", Age::Original),
            ("1.0", Age::Original),
            ("4", Age::Unknown),
            ("four", Age::Unknown),
            ("", Age::Unknown),
        ] {
            assert_eq!(age(version), expected, "{version}");
        }
    }

    #[test]
    fn a_newer_file_is_known_by_its_version_alone() {
        assert_eq!(newer(br#"{"version": "4.1", "judges": "none"}"#).as_deref(), Some("4.1"));
        for other in [&br#"{"version": "4.0"}"#[..], br#"{"version": "4.1""#, br#"{"version": 5}"#, b"[]", b""] {
            assert_eq!(newer(other), None);
        }
    }
}
