//! What tokens cost by a list of prices that comes with the program, or by prices that a person names: the door to
//! `genai-prices`. Pure: the time comes in, and nobody is asked.

use std::time::{Duration, UNIX_EPOCH};

use genai_prices::{PriceRequest, UsageKey};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::model::ids::ModelName;
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

/// What these tokens of a model cost at this time. `requests` are those of single requests, where they are known: long
/// requests have prices of their own, which hold for no sum. What belongs to no known request costs what a short one does.
/// `None` when the tokens that were read and written are not both known, or nobody knows the model's price.
#[must_use]
pub fn estimate(tokens: &Tokens, requests: &[Tokens], model: &str, own: &OwnPrices, at: Timestamp) -> Option<Estimate> {
    // A count that is missing would be a part of the cost that is missing.
    tokens.input.and(tokens.output)?;
    let date = TimeZone::UTC.to_datetime(at).date();
    let by = |table: &str, model: &str| Prices { table: table.to_owned(), model: model.to_owned(), date };
    if let Some((model, price)) =
        own.get_key_value(model).or_else(|| own.iter().find(|(name, _)| ModelName::new(name).is_also(model)))
    {
        return Some(Estimate { usd: price.of(tokens), prices: by(OWN, model) });
    }
    let sum = requests.iter().copied().fold(Tokens::default(), Tokens::plus);
    let (rest, model_of_list) = of_short(&tokens.without(sum), model, at)?;
    let single = requests.iter().map(|request| Some(listed(&Counts::of(request), model, at)?.0));
    let dollars = single.sum::<Option<f64>>()? + rest;
    Some(Estimate { usd: Usd::from_dollars_or_most(dollars)?, prices: by(LIST, &model_of_list) })
}

/// What one request took beside its tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Beside {
    /// How many of the tokens that were written to the cache stay there for an hour, which costs more than some minutes.
    pub for_an_hour: u64,
    /// Whether it used what is paid by another measure than tokens: then they are not all that it cost.
    pub has_more: bool,
}

/// What the tokens of one request cost, as far as that is known.
#[must_use]
pub fn of_request(tokens: &Tokens, beside: Beside, model: &str, own: &OwnPrices, at: Timestamp) -> Option<Usd> {
    let Estimate { usd, prices } = estimate(tokens, &[*tokens], model, own, at)?;
    if beside.for_an_hour == 0 || prices.table == OWN {
        return Some(usd);
    }
    let counts = Counts::of(tokens);
    #[expect(clippy::cast_precision_loss, reason = "nobody uses 2^53 tokens")]
    let counts = Counts { for_an_hour: (beside.for_an_hour as f64).min(counts.cache_written), ..counts };
    let dollars = listed(&counts, model, at).map(|(dollars, _)| dollars);
    Some(dollars.and_then(Usd::from_dollars_or_most).unwrap_or(usd))
}

/// Tokens as the list counts them.
#[derive(Debug, Clone, Copy)]
struct Counts {
    /// All that were read, the cache among them.
    read: f64,
    written: f64,
    cache_read: f64,
    cache_written: f64,
    /// A part of `cache_written`.
    for_an_hour: f64,
}

impl Counts {
    fn of(tokens: &Tokens) -> Self {
        let count = |count: Option<u64>| {
            #[expect(clippy::cast_precision_loss, reason = "nobody uses 2^53 tokens")]
            let count = count.unwrap_or_default() as f64;
            count
        };
        let (cache_read, cache_written) = (count(tokens.cache_read), count(tokens.cache_creation));
        let read = count(tokens.input) + cache_read + cache_written;
        Self { read, written: count(tokens.output), cache_read, cache_written, for_an_hour: 0.0 }
    }

    fn divided_by(self, number: f64) -> Self {
        let Self { read, written, cache_read, cache_written, for_an_hour } = self;
        Self {
            read: read / number,
            written: written / number,
            cache_read: cache_read / number,
            cache_written: cache_written / number,
            for_an_hour: for_an_hour / number,
        }
    }
}

/// So many tokens are a short request by every price of the list.
const SHORT: f64 = 1000.0;

/// What tokens of unknown requests cost, in dollars, as if all were short.
fn of_short(tokens: &Tokens, model: &str, at: Timestamp) -> Option<(f64, String)> {
    let counts = Counts::of(tokens);
    // A power of two, by which nothing is rounded.
    let parts = (counts.read / SHORT).max(1.0).log2().ceil().exp2();
    let (of_one, model) = listed(&counts.divided_by(parts), model, at)?;
    Some((of_one * parts, model))
}

/// What the tokens of one request cost by the list, in dollars, and the model in it.
fn listed(counts: &Counts, model: &str, at: Timestamp) -> Option<(f64, String)> {
    let kinds = [
        (UsageKey::INPUT_TOKENS, counts.read),
        (UsageKey::OUTPUT_TOKENS, counts.written),
        (UsageKey::CACHE_READ_TOKENS, counts.cache_read),
        (UsageKey::CACHE_WRITE_TOKENS, counts.cache_written),
    ];
    // Few models of the list have such a price.
    let of_hours = (counts.for_an_hour > 0.0).then_some((UsageKey::CACHE_WRITE_1H_TOKENS, counts.for_an_hour));
    let usage: genai_prices::Usage = kinds.into_iter().chain(of_hours).collect();
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
    Some((priced.total_price, format!("{}/{}", priced.provider_id, priced.model_id)))
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
        estimate(tokens, &[], model, &OwnPrices::new(), at("2026-11-29T12:00:00Z"))
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
    fn what_stays_in_the_cache_for_an_hour_costs_twice_what_is_read() {
        let million = Tokens { input: Some(0), output: Some(0), cache_creation: Some(100_000), cache_read: None };
        let of = |for_an_hour, model: &str, own: &OwnPrices| {
            let beside = Beside { for_an_hour, has_more: false };
            of_request(&million, beside, model, own, at("2026-11-29T12:00:00Z")).map(|usd| usd.to_string())
        };
        let none = OwnPrices::new();
        for (for_an_hour, cost) in [(0, "$0.3750"), (40_000, "$0.4650"), (100_000, "$0.6000"), (u64::MAX, "$0.6000")] {
            assert_eq!(of(for_an_hour, "claude-sonnet-4-5", &none).as_deref(), Some(cost), "{for_an_hour}");
        }
        let price = Price { input: usd(1.0), output: usd(1.0), cache_read: None, cache_write: Some(usd(2.0)) };
        let own = OwnPrices::from([("mine".to_owned(), price)]);
        assert_eq!(of(100_000, "mine", &own).as_deref(), Some("$0.2000"), "whoever names a price names it for all");
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
    fn a_long_request_costs_more_and_a_sum_of_short_ones_does_not() {
        let of = |thousands: u64| Tokens { input: Some(thousands * 1000), output: Some(0), ..Tokens::default() };
        let cost = |sum: u64, requests: &[u64]| {
            let requests: Vec<Tokens> = requests.iter().map(|thousands| of(*thousands)).collect();
            let own = OwnPrices::new();
            estimate(&of(sum), &requests, "claude-sonnet-4-5", &own, at("2026-11-29T12:00:00Z"))
                .unwrap()
                .usd
                .to_string()
        };
        assert_eq!(cost(600, &[]), "$1.80", "$3 for a million of a short request");
        assert_eq!(cost(600, &[20; 30]), "$1.80");
        assert_eq!(cost(600, &[300, 300]), "$3.60", "$6 for a million of a long one");
        assert_eq!(cost(600, &[300]), "$2.70", "what belongs to no known request is short");
        assert_eq!(cost(100, &[300]), "$1.80", "requests that were paid count whatever the sum says");
        for model in ["gemini-2.5-pro", "gpt-5.4", "gemini-3-pro-preview", "claude-sonnet-4-5"] {
            let one = priced(&of(100), model).unwrap().usd;
            assert_eq!(priced(&of(1000), model).unwrap().usd, one.times(10), "{model}");
        }
        let absurd = Tokens { input: Some(u64::MAX), output: Some(u64::MAX), ..Tokens::default() };
        assert_eq!(priced(&absurd, "gpt-5").unwrap().usd, Usd::MOST);
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
        let of = |model| estimate(&TOKENS, &[], model, &own, at("2026-11-29T12:00:00Z")).unwrap();
        assert_eq!((of("gpt-5").usd, of("gpt-5").prices.table), (Usd::ZERO, "config".to_owned()));
        assert_eq!(of("mine").usd, usd(0.000_84));
        // Providers answer with the day of the version.
        let dated = of("gpt-5-2025-08-07");
        assert_eq!((dated.usd, dated.prices.model.as_str()), (Usd::ZERO, "gpt-5"));
        assert_eq!(of("gpt-5-mini").prices.table, LIST, "another model");
    }

    #[test]
    fn the_list_is_called_as_the_lock_file_calls_it() {
        let lock = include_str!("../../Cargo.lock");
        let (name, version) = LIST.split_once(' ').unwrap();
        assert!(lock.contains(&format!("name = \"{name}\"\nversion = \"{version}\"\n")), "{LIST}");
    }
}
