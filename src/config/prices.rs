//! `prices`: what tokens of models cost. It stands alone because fixtures and settings have the same key; a price here wins over
//! the list that comes with the program.

use crate::config::fields::Fields;
use crate::model::usage::{OwnPrices, Price};

/// How the settings of a place spell the keys of a price.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spelling {
    pub(super) cache_read: &'static str,
    pub(super) cache_write: &'static str,
}

/// Keys of fixtures.
pub(super) const OF_FIXTURES: Spelling = Spelling { cache_read: "cache_read", cache_write: "cache_write" };
/// Keys of settings.
pub(super) const OF_SETTINGS: Spelling = Spelling { cache_read: "cache-read", cache_write: "cache-write" };

/// The prices by model, in US dollars per million tokens; `None` when there are none, or one could not be read.
pub(super) fn prices(fields: &Fields<'_>, spelling: Spelling) -> Option<OwnPrices> {
    let models = fields.fields("prices")?;
    let mut prices = OwnPrices::new();
    for entry in models.entries() {
        if entry.key.trim().is_empty() {
            models.page.mistake(entry.place, "`prices` has a price of a model without a name");
            continue;
        }
        let Some(own) = models.page.fields(&entry.node, &models.path(&entry.key)) else { continue };
        let needed = |key: &'static str| own.require(key).and_then(|_| own.cost(key));
        let (input, output) = (needed("input"), needed("output"));
        let (cache_read, cache_write) = (own.cost(spelling.cache_read), own.cost(spelling.cache_write));
        own.close();
        if let (Some(input), Some(output)) = (input, output) {
            prices.insert(entry.key.clone(), Price { input, output, cache_read, cache_write });
        }
    }
    Some(prices)
}
