//! What a result says of what its agent left beside what was captured.

use super::facts::Facts;
use crate::model::changes::Remainder;
use crate::model::flag::Flag;
use crate::model::ids::RunId;

impl Facts<'_> {
    /// Whether the result says that its patch holds the text of a secret.
    pub(super) fn has_secret_in_patch(&self) -> bool {
        self.known_flags().any(|flag| flag == Flag::SecretInPatch)
    }

    /// What the agent left beside what was captured; `None` when that is nothing.
    pub(super) fn remainder(&self, run: RunId) -> Option<Remainder> {
        Remainder::of(run, self.not_captured, self.known_flags().collect())
    }

    fn known_flags(&self) -> impl Iterator<Item = Flag> {
        self.flags.iter().filter_map(|flag| Flag::named(flag))
    }
}
