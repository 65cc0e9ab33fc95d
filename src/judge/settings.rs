//! Settings that several kinds of judges have, and what is wrong with them; alone because each kind is a file of its own.

use super::checks;
use crate::model::program::Keys;

/// The name of a judge. That of the kind which needs none is not free.
pub(super) fn name(keys: &dyn Keys) -> Option<String> {
    let name = keys.name();
    if name.as_deref() == Some(checks::NAME) {
        keys.mistake("name", format!("`{}` is the name of the judge of that kind", checks::NAME));
    }
    name
}

/// The model that a judge names, if it names one.
pub(super) fn named_model(keys: &dyn Keys) -> Option<String> {
    let model = keys.text("model");
    if model.as_deref().is_some_and(|model| model.trim().is_empty()) {
        keys.mistake("model", "`judges.model` says nothing".to_owned());
    }
    model
}
