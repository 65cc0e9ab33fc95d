//! How an experiment and the seal over the whole of it agree; alone, as what a survey found of one thing.

use crate::model::digest::Digest;

/// What the seal over an experiment says beside what lies there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ExperimentSeal {
    /// The digest of the seal itself; `None` where there is none.
    pub digest: Option<Digest>,
    /// What is not as it was sealed: the place, and what is wrong there.
    pub contradicted: Vec<(String, String)>,
    /// Places that came after it.
    pub outgrown: Vec<String>,
}
