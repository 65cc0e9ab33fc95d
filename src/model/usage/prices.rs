//! Prices of tokens, and what an estimated cost was computed with.

use std::collections::BTreeMap;

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Tokens;
use crate::model::money::Usd;

/// Prices that a person names, by model.
pub type OwnPrices = BTreeMap<String, Price>;

/// What tokens of a model cost, in US dollars per million of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Price {
    /// Read, without the cache.
    pub input: Usd,
    /// Written.
    pub output: Usd,
    /// Read from the provider's cache; `null` for the price of `input`.
    #[serde(default)]
    pub cache_read: Option<Usd>,
    /// Written to the provider's cache; `null` for the price of `input`.
    #[serde(default)]
    pub cache_write: Option<Usd>,
}

impl Price {
    /// What these tokens cost. A count that is not known counts as none.
    #[must_use]
    pub fn of(&self, tokens: &Tokens) -> Usd {
        [
            (tokens.input, self.input),
            (tokens.output, self.output),
            (tokens.cache_read, self.cache_read.unwrap_or(self.input)),
            (tokens.cache_creation, self.cache_write.unwrap_or(self.input)),
        ]
        .into_iter()
        .map(|(count, price)| price.of_millionths(count.unwrap_or_default()))
        .sum()
    }
}

/// What an estimated cost was computed with, so that nobody has to compute it again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Prices {
    /// The table: `config`, or the name and version of a list of prices.
    pub table: String,
    /// The model in it.
    pub model: String,
    /// The day whose prices these are.
    #[schemars(with = "String")]
    pub date: Date,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_cache_costs_is_what_is_read_costs_unless_it_has_a_price() {
        let usd = |dollars| Usd::from_dollars(dollars).unwrap();
        let tokens =
            Tokens { input: Some(2_400), output: Some(84), cache_creation: Some(600), cache_read: Some(9_000) };
        let plain = Price { input: usd(3.0), output: usd(15.0), cache_read: None, cache_write: None };
        assert_eq!(plain.of(&tokens), usd(0.037_26));
        let cached = Price { cache_read: Some(usd(0.3)), cache_write: Some(usd(3.75)), ..plain };
        assert_eq!(cached.of(&tokens), usd(0.013_41));
        assert_eq!(cached.of(&Tokens { cache_read: None, ..tokens }), usd(0.010_71));
    }
}
