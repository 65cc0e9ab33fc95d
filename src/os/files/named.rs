//! Places that a person names by a flag or a variable, and what a person can do when the system refuses one or anything
//! else: such an error is no fault of the program.

use std::io::{self, ErrorKind};

use super::FileError;

/// A place that a person names, or that has a default which can be changed so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NamedPlace {
    /// The folder for temporary files.
    Temporary,
    /// The folder in which agents, checks and judges work.
    Work,
    /// The folder of experiments.
    Results,
    /// The folder in which the command was given.
    Current,
}

impl NamedPlace {
    /// What it is called.
    pub(super) fn called(self) -> &'static str {
        match self {
            Self::Temporary => "the folder for temporary files cannot be used",
            Self::Work => "the place of work folders cannot be used",
            Self::Results => "the results folder cannot be used",
            Self::Current => "the current folder cannot be used",
        }
    }

    /// What a person can do.
    fn cure(self) -> &'static str {
        match self {
            Self::Temporary => {
                "set `TMPDIR` to a folder that is there and that you may write, or unset it: then that is `/tmp`"
            }
            Self::Work => "`--work-dir DIR` names another place, which must be a folder that you may write",
            Self::Results => "`--results-dir DIR` names another one, which must be a folder that you may write",
            Self::Current => "it was removed or is not yours to read: go to a folder that is there with `cd`",
        }
    }
}

impl FileError {
    /// The same error of a place that a person names.
    #[must_use]
    pub fn in_place(self, named: NamedPlace) -> Self {
        Self { named: Some(named), ..self }
    }

    /// What a person can do about it; `None` when that is not known.
    #[must_use]
    pub fn cure(&self) -> Option<&'static str> {
        // Room is needed wherever it is missing; any other trouble with a named place ends with another place.
        match (cure(&self.error), self.named) {
            (Some(cure), Some(_)) if is_full(&self.error) => Some(cure),
            (_, Some(named)) => Some(named.cure()),
            (cure, None) => cure,
        }
    }
}

fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded)
}

/// What a person can do about an error of the system; `None` when that is not known.
#[must_use]
pub fn cure(error: &io::Error) -> Option<&'static str> {
    match error.kind() {
        _ if is_full(error) => Some("free space on its disk, then give the command again"),
        ErrorKind::PermissionDenied => {
            Some("give the command as somebody who may do that, or change the rights of the place")
        }
        ErrorKind::ReadOnlyFilesystem => {
            Some("its file system is read-only: use a place that can be written, or a copy in one")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn what_a_person_can_mend_has_a_cure_and_anything_else_has_none() {
        let error = |kind: ErrorKind| FileError::new("write", Path::new("x"), kind);
        for kind in [
            ErrorKind::PermissionDenied,
            ErrorKind::ReadOnlyFilesystem,
            ErrorKind::StorageFull,
            ErrorKind::QuotaExceeded,
        ] {
            assert!(error(kind).cure().is_some(), "{kind}");
        }
        for kind in [ErrorKind::NotFound, ErrorKind::AlreadyExists, ErrorKind::InvalidData, ErrorKind::Other] {
            assert_eq!(error(kind).cure(), None, "{kind}");
            let named = error(kind).in_place(NamedPlace::Work);
            assert_eq!(named.cure(), Some(NamedPlace::Work.cure()), "{kind}");
            assert!(
                named.to_string().starts_with("the place of work folders cannot be used: cannot write `x`: "),
                "{named}"
            );
        }
        let full = error(ErrorKind::StorageFull).in_place(NamedPlace::Results).cure().unwrap();
        assert!(full.starts_with("free space"), "{full}");
    }
}
