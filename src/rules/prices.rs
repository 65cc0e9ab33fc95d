//! What tokens cost by a list of prices that comes with the program, or by prices that a person names: the door to
//! `genai-prices`. Pure: the time comes in, and nobody is asked.

use std::time::{Duration, UNIX_EPOCH};

use genai_prices::{PriceRequest, UsageKey};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::model::money::Usd;
use crate::model::usage::{OwnPrices, Prices, Tokens};

/// The list that comes with the program; a test holds it against the lock file.
const LIST: &str = "genai-prices 0.2.1";
/// The table of prices that a person names.
const OWN: &str = "config";

/// An amount that was estimated, and what it was computed with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Estimate {
    /// The amount.
    pub usd: Usd,
    /// What it was computed with.
    pub prices: Prices,
}

/// What these tokens of a model cost at this time. `None` when the tokens that were read and written are not both known,
/// or nobody knows the model's price.
#[must_use]
pub fn estimate(tokens: &Tokens, model: &str, own: &OwnPrices, at: Timestamp) -> Option<Estimate> {
    // A count that is missing would be a part of the cost that is missing.
    tokens.input.and(tokens.output)?;
    let date = TimeZone::UTC.to_datetime(at).date();
    let by = |table: &str, model: &str| Prices { table: table.to_owned(), model: model.to_owned(), date };
    if let Some(price) = own.get(model) {
        return Some(Estimate { usd: price.of(tokens), prices: by(OWN, model) });
    }
    let (usd, model) = listed(tokens, model, at)?;
    Some(Estimate { usd, prices: by(LIST, &model) })
}

/// What tokens cost by the list, and the model in it.
fn listed(tokens: &Tokens, model: &str, at: Timestamp) -> Option<(Usd, String)> {
    let Tokens { input, output, cache_creation, cache_read } = *tokens;
    let count = |count: Option<u64>| {
        #[expect(clippy::cast_precision_loss, reason = "nobody uses 2^53 tokens")]
        let count = count.unwrap_or_default() as f64;
        count
    };
    // The list counts the cache among what was read.
    let usage = genai_prices::Usage::from([
        (UsageKey::INPUT_TOKENS, count(input) + count(cache_read) + count(cache_creation)),
        (UsageKey::OUTPUT_TOKENS, count(output)),
        (UsageKey::CACHE_READ_TOKENS, count(cache_read)),
        (UsageKey::CACHE_WRITE_TOKENS, count(cache_creation)),
    ]);
    let time = UNIX_EPOCH + Duration::from_secs(u64::try_from(at.as_second()).unwrap_or_default());
    // Programs that know many providers name a model behind its provider.
    let behind = model.split_once('/').map(|(provider, model)| (model, Some(provider)));
    let names = behind.into_iter().chain([(model, None)]);
    let mut priced = names.filter_map(|(name, provider)| {
        let request = PriceRequest::new(name, &usage).with_timestamp(time);
        let request = if let Some(provider) = provider { request.with_provider_id(provider) } else { request };
        genai_prices::calculate(&request).ok()
    });
    let priced = priced.find(|priced| priced.warnings.is_empty())?;
    Some((Usd::from_dollars(priced.total_price).ok()?, format!("{}/{}", priced.provider_id, priced.model_id)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::usage::Price;

    const TOKENS: Tokens =
        Tokens { input: Some(2_400), output: Some(84), cache_creation: Some(600), cache_read: Some(9_000) };

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn usd(dollars: f64) -> Usd {
        Usd::from_dollars(dollars).unwrap()
    }

    fn priced(tokens: &Tokens, model: &str) -> Option<Estimate> {
        estimate(tokens, model, &OwnPrices::new(), at("2026-11-29T12:00:00Z"))
    }

    /// What Claude Code itself says that these tokens cost.
    #[test]
    fn tokens_cost_what_the_programs_that_know_their_price_say() {
        let estimate = priced(&TOKENS, "claude-sonnet-4-5").unwrap();
        assert_eq!(estimate.usd, usd(0.013_41));
        let Prices { table, model, date } = estimate.prices;
        assert_eq!((table.as_str(), model.as_str()), (LIST, "anthropic/claude-sonnet-4-5"));
        assert_eq!(date.to_string(), "2026-11-29");
        assert_eq!(priced(&TOKENS, "anthropic/claude-sonnet-4-5").unwrap().usd, usd(0.013_41));
    }

    #[test]
    fn models_of_every_provider_are_found_by_their_names_alone() {
        for (model, known) in
            [("gpt-5", "openai/gpt-5"), ("o3", "openai/o3"), ("gemini-2.5-pro", "google/gemini-2.5-pro")]
        {
            assert_eq!(priced(&TOKENS, model).map(|it| it.prices.model).as_deref(), Some(known));
        }
    }

    #[test]
    fn what_nobody_knows_is_unknown_and_never_zero() {
        for model in ["", "some-model", "no/such", "strict", "claude", "codex", "openai/nothing-of-the-kind"] {
            assert_eq!(priced(&TOKENS, model), None, "{model}");
        }
        for tokens in [Tokens::default(), Tokens { input: None, ..TOKENS }, Tokens { output: None, ..TOKENS }] {
            assert_eq!(priced(&tokens, "gpt-5"), None, "{tokens:?}");
        }
    }

    #[test]
    fn a_price_that_a_person_names_wins_and_may_be_nothing() {
        let nothing = Price { input: Usd::ZERO, output: Usd::ZERO, cache_read: None, cache_write: None };
        let own = OwnPrices::from([
            ("gpt-5".to_owned(), nothing),
            ("mine".to_owned(), Price { output: usd(10.0), ..nothing }),
        ]);
        let of = |model| estimate(&TOKENS, model, &own, at("2026-11-29T12:00:00Z")).unwrap();
        assert_eq!((of("gpt-5").usd, of("gpt-5").prices.table), (Usd::ZERO, "config".to_owned()));
        assert_eq!(of("mine").usd, usd(0.000_84));
    }

    #[test]
    fn the_list_is_called_as_the_lock_file_calls_it() {
        let lock = include_str!("../../Cargo.lock");
        let (name, version) = LIST.split_once(' ').unwrap();
        assert!(lock.contains(&format!("name = \"{name}\"\nversion = \"{version}\"\n")), "{LIST}");
    }
}
