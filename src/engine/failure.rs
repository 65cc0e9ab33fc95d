//! Failures of the experiment's own folder.

use crate::model::outcome::{Failure, FailureKind};

/// A failure that has no better name: the experiment's folder could not be read or written.
pub(super) fn storage(error: &dyn std::error::Error) -> Failure {
    let mut message = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        message = format!("{message}: {cause}");
        source = cause.source();
    }
    Failure::new(FailureKind::Storage, message)
}
