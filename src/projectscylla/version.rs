//! The versions of ProjectScylla's checkpoint, by which its experiments are told apart.

use std::fmt;
use std::str::FromStr;

/// Versions of ProjectScylla's `checkpoint.json`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Version {
    /// January 2026, for one day: lists of run numbers without a status.
    V1_0,
    /// January 2026: a status per run.
    V2_0,
    /// February 2026: a state per run, subtest, tier and experiment.
    V3_0,
    /// From February 2026 on: finer states of runs; from March on with phase folders.
    V3_1,
}

impl Version {
    /// Every version, oldest first.
    pub const ALL: [Self; 4] = [Self::V1_0, Self::V2_0, Self::V3_0, Self::V3_1];
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::V1_0 => "1.0",
            Self::V2_0 => "2.0",
            Self::V3_0 => "3.0",
            Self::V3_1 => "3.1",
        })
    }
}

impl FromStr for Version {
    type Err = UnknownVersion;

    fn from_str(text: &str) -> Result<Self, UnknownVersion> {
        let known = Self::ALL.into_iter().find(|version| version.to_string() == text);
        known.ok_or_else(|| UnknownVersion(text.to_owned()))
    }
}

/// A version that ProjectScylla's runner never wrote.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("version `{0}` is none of ProjectScylla's runner (1.0, 2.0, 3.0, 3.1)")]
pub struct UnknownVersion(pub String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_read_back_and_others_are_named() {
        for version in Version::ALL {
            assert_eq!(version.to_string().parse(), Ok(version));
        }
        let error = "2.5".parse::<Version>().unwrap_err();
        assert_eq!(error.to_string(), "version `2.5` is none of ProjectScylla's runner (1.0, 2.0, 3.0, 3.1)");
    }
}
