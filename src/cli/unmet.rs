//! Something without which nothing may begin; alone, because what finds such things is in several modules.

use crate::cli::error::CliError;

/// Something that is needed and not here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unmet {
    /// What is not here, and who needs it.
    pub why: String,
    /// What is to be done, as the end of a sentence.
    pub cure: String,
}

impl Unmet {
    /// Both in one sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        format!("{}: {}", self.why, self.cure)
    }
}

/// Refuses to begin where anything is needed and not here: everything of it at once.
///
/// # Errors
/// When there is any.
pub fn refuse(unmet: &[Unmet]) -> Result<(), CliError> {
    if unmet.is_empty() {
        return Ok(());
    }
    let why: Vec<&str> = unmet.iter().map(|unmet| unmet.why.as_str()).collect();
    let mut cures: Vec<&str> = unmet.iter().map(|unmet| unmet.cure.as_str()).collect();
    cures.dedup();
    Err(CliError::usage(why.join("\n")).hint(format!("{}; no agent was started", cures.join("; "))))
}
