//! What agents and judges used: tokens and money as far as they are known, and sums that show what they leave out. What
//! is not known is unknown, and never 0.

mod keys;
mod prices;

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::money::Usd;
pub use keys::{cost, failed_judges, former, judges, spent, total};
pub use prices::{OwnPrices, Price, Prices};

/// Where an amount comes from; a greater one is more reliable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CostSource {
    /// Tokens, times the prices of a day.
    Estimated,
    /// The agent or judge reported it.
    Reported,
    /// It was measured from outside: a run without a model costs nothing.
    Metered,
}

/// What one agent or judge cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Cost {
    /// An amount, and where it comes from.
    Known {
        /// The amount.
        usd: Usd,
        /// Its source.
        source: CostSource,
    },
    /// The amount of the parts that are known, while others are not: it is at least this, and more than nothing.
    AtLeast {
        /// The amount.
        usd: Usd,
        /// Its source.
        source: CostSource,
        /// Of how many requests the cost is not known, or not all of it; at least one.
        unknown: u32,
    },
    /// It was not reported.
    #[default]
    Unknown,
}

impl Cost {
    /// The cost without a model.
    pub const NOTHING: Self = Self::Known { usd: Usd::ZERO, source: CostSource::Metered };

    /// The cost that an agent or judge reports itself.
    #[must_use]
    pub fn reported(usd: Option<Usd>) -> Self {
        usd.map_or(Self::Unknown, |usd| Self::Known { usd, source: CostSource::Reported })
    }

    /// The amount, if it is an estimate.
    #[must_use]
    pub fn estimated(self) -> Option<Usd> {
        match self {
            Self::Known { usd, source: CostSource::Estimated }
            | Self::AtLeast { usd, source: CostSource::Estimated, .. } => Some(usd),
            Self::Known { .. } | Self::AtLeast { .. } | Self::Unknown => None,
        }
    }

    /// The cost of requests of which this sum is known, from this source.
    #[must_use]
    pub fn of(sum: Total, source: CostSource) -> Self {
        match sum {
            Total { known: usd, unknown: 0, .. } => Self::Known { usd, source },
            Total { known: Usd::ZERO, .. } => Self::Unknown,
            Total { known: usd, unknown, .. } => Self::AtLeast { usd, source, unknown },
        }
    }

    /// The amount, if all of it is known.
    #[must_use]
    pub fn usd(self) -> Option<Usd> {
        match self {
            Self::Known { usd, .. } => Some(usd),
            Self::AtLeast { .. } | Self::Unknown => None,
        }
    }

    /// The amount, or what is known of it, and where that comes from; `None` when nothing is known.
    #[must_use]
    pub fn at_least(self) -> Option<(Usd, CostSource)> {
        match self {
            Self::Known { usd, source } | Self::AtLeast { usd, source, .. } => Some((usd, source)),
            Self::Unknown => None,
        }
    }
}

/// Tokens that a model read and wrote, each count as far as it was reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Tokens {
    /// Read, without the cache.
    #[serde(rename = "input_tokens", skip_serializing_if = "Option::is_none")]
    pub input: Option<u64>,
    /// Written.
    #[serde(rename = "output_tokens", skip_serializing_if = "Option::is_none")]
    pub output: Option<u64>,
    /// Written to the provider's cache.
    #[serde(
        rename = "cache_creation_tokens",
        alias = "cache_creation_input_tokens",
        skip_serializing_if = "Option::is_none"
    )]
    pub cache_creation: Option<u64>,
    /// Read from the provider's cache.
    #[serde(rename = "cache_read_tokens", alias = "cache_read_input_tokens", skip_serializing_if = "Option::is_none")]
    pub cache_read: Option<u64>,
}

impl Tokens {
    /// The tokens without a model.
    pub const NOTHING: Self = Self { input: Some(0), output: Some(0), cache_creation: Some(0), cache_read: Some(0) };

    /// Whether no count was reported.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        *self == Self::default()
    }

    /// The sum of two counts, each by itself; one that is not reported adds nothing.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        let add = |left: Option<u64>, right: Option<u64>| match (left, right) {
            (Some(left), Some(right)) => Some(left.saturating_add(right)),
            (left, right) => left.or(right),
        };
        Self {
            input: add(self.input, other.input),
            output: add(self.output, other.output),
            cache_creation: add(self.cache_creation, other.cache_creation),
            cache_read: add(self.cache_read, other.cache_read),
        }
    }

    /// What is left of each count without another; nothing less than 0.
    #[must_use]
    pub fn without(self, other: Self) -> Self {
        let less =
            |left: Option<u64>, right: Option<u64>| left.map(|left| left.saturating_sub(right.unwrap_or_default()));
        Self {
            input: less(self.input, other.input),
            output: less(self.output, other.output),
            cache_creation: less(self.cache_creation, other.cache_creation),
            cache_read: less(self.cache_read, other.cache_read),
        }
    }

    /// All reported tokens, with those of the provider's cache; `None` when none were reported.
    #[must_use]
    pub fn total(&self) -> Option<u64> {
        let said = [self.input, self.output, self.cache_creation, self.cache_read].into_iter().flatten();
        said.fold(None, |sum: Option<u64>, count| Some(sum.unwrap_or_default().saturating_add(count)))
    }
}

/// What an agent used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Usage {
    /// Tokens, as the agent reports them.
    #[serde(rename = "token_stats", default)]
    pub tokens: Tokens,
    /// What it cost.
    #[serde(flatten, with = "cost")]
    #[schemars(with = "cost::Keys")]
    pub cost: Cost,
}

impl Usage {
    /// The usage without a model.
    pub const NOTHING: Self = Self { tokens: Tokens::NOTHING, cost: Cost::NOTHING };
}

/// A sum of costs: the sum of the known parts, how many parts are not known, and whether a known one is estimated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Total {
    /// The sum of the parts that are known.
    pub known: Usd,
    /// How many parts are not known.
    pub unknown: u32,
    /// Whether a part of it is estimated: tokens, times the prices of a day.
    pub is_estimated: bool,
}

impl Total {
    /// The sum of nothing.
    pub const ZERO: Self = Self { known: Usd::ZERO, unknown: 0, is_estimated: false };
    /// The sum of one part that is not known.
    pub const UNKNOWN: Self = Self { unknown: 1, ..Self::ZERO };

    /// Whether every part is known.
    #[must_use]
    pub fn is_whole(self) -> bool {
        self.unknown == 0
    }

    /// The lower bound; `None` when that is not informative.
    #[must_use]
    pub fn at_least(self) -> Option<Usd> {
        (self.is_whole() || self.known > Usd::ZERO).then_some(self.known)
    }

    /// The sum without so many of its parts that are not known.
    #[must_use]
    pub fn without_unknown(self, parts: u32) -> Self {
        Self { unknown: self.unknown.saturating_sub(parts), ..self }
    }

    /// The same, whether or not a part of it is estimated: files of earlier versions do not say that.
    #[must_use]
    pub fn as_known(self) -> Self {
        Self { is_estimated: false, ..self }
    }

    /// The mean over `count` things, as far as it is known.
    #[must_use]
    pub fn mean_of(self, count: usize) -> Self {
        Self { known: self.known.mean_of(count), ..self }
    }
}

impl From<Usd> for Total {
    fn from(known: Usd) -> Self {
        Self { known, ..Self::ZERO }
    }
}

impl From<Cost> for Total {
    fn from(cost: Cost) -> Self {
        let unknown = u32::from(cost.usd().is_none());
        let known = cost.at_least().map_or(Usd::ZERO, |(usd, _)| usd);
        Self { known, unknown, is_estimated: cost.estimated().is_some() }
    }
}

impl fmt::Display for Total {
    /// `$1.20`, `~$1.20` where a part is estimated, `at least $1.20` where one is not known, `unknown` where nothing else can be said.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let about = if self.is_estimated { "~" } else { "" };
        match self.at_least() {
            Some(usd) if self.is_whole() => f.pad(&format!("{about}{usd}")),
            Some(usd) => f.pad(&format!("at least {about}{usd}")),
            None => f.pad("unknown"),
        }
    }
}

impl Add for Total {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            known: self.known + other.known,
            unknown: self.unknown.saturating_add(other.unknown),
            is_estimated: self.is_estimated || other.is_estimated,
        }
    }
}

impl AddAssign for Total {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sum for Total {
    fn sum<I: Iterator<Item = Self>>(parts: I) -> Self {
        parts.fold(Self::ZERO, Add::add)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn usd(dollars: f64) -> Usd {
        Usd::from_dollars(dollars).unwrap()
    }

    #[test]
    fn a_sum_with_an_unknown_part_says_at_least_and_one_of_unknown_parts_alone_is_unknown() {
        let known = Total::from(usd(1.2));
        let estimated = |dollars| Total::from(Cost::Known { usd: usd(dollars), source: CostSource::Estimated });
        for (total, shown) in [
            (known, "$1.20"),
            (known + Total::UNKNOWN, "at least $1.20"),
            (Total::UNKNOWN + Total::UNKNOWN, "unknown"),
            (Total::from(Cost::NOTHING) + Total::from(Cost::Unknown), "unknown"),
            (known + estimated(0.5), "~$1.70"),
            (estimated(0.5) + Total::UNKNOWN, "at least ~$0.5000"),
        ] {
            assert_eq!(total.to_string(), shown);
        }
        assert_eq!([known, Total::UNKNOWN, Total::UNKNOWN].into_iter().sum::<Total>().unknown, 2);
        assert_eq!((known + Total::UNKNOWN).mean_of(2).to_string(), "at least $0.6000");
    }

    #[test]
    fn a_cost_is_written_with_its_source_and_read_as_it_was_written() {
        for (cost, written) in [
            (Cost::reported(Some(usd(0.5))), json!({"cost_usd": 0.5, "cost_source": "reported"})),
            (Cost::NOTHING, json!({"cost_usd": 0.0, "cost_source": "metered"})),
            (Cost::Unknown, json!({"cost_usd": null, "cost_source": "unknown"})),
            (
                Cost::AtLeast { usd: usd(0.5), source: CostSource::Metered, unknown: 2 },
                json!({"cost_usd": 0.5, "cost_source": "metered", "cost_unknown": 2}),
            ),
        ] {
            let usage = Usage { tokens: Tokens::default(), cost };
            let mut expected = written;
            expected["token_stats"] = json!({});
            assert_eq!(serde_json::to_value(usage).unwrap(), expected);
            assert_eq!(serde_json::from_value::<Usage>(expected).unwrap(), usage);
        }
        let before: Usage = serde_json::from_value(json!({"cost_usd": 0.5})).unwrap();
        assert_eq!(before.cost, Cost::reported(Some(usd(0.5))), "files without a source say what was reported");
        assert_eq!(serde_json::from_value::<Usage>(json!({})).unwrap().cost, Cost::Unknown);
    }

    #[test]
    fn a_sum_is_written_with_the_number_of_its_unknown_parts() {
        #[derive(Debug, PartialEq, Serialize, Deserialize)]
        struct Spent {
            #[serde(flatten, with = "spent")]
            spent: Total,
        }
        for (total, written) in [
            (Total::from(usd(2.0)), json!({"spent": 2.0, "spent_unknown": 0})),
            (Total { known: usd(2.0), unknown: 3, ..Total::ZERO }, json!({"spent": 2.0, "spent_unknown": 3})),
            (Total::UNKNOWN, json!({"spent": null, "spent_unknown": 1})),
            (
                Total { is_estimated: true, ..Total::from(usd(2.0)) },
                json!({"spent": 2.0, "spent_unknown": 0, "spent_estimated": true}),
            ),
        ] {
            assert_eq!(serde_json::to_value(Spent { spent: total }).unwrap(), written);
            assert_eq!(serde_json::from_value::<Spent>(written).unwrap().spent, total);
        }
        let read = |value| serde_json::from_value::<Spent>(value).unwrap().spent;
        assert_eq!(read(json!({"spent": 2.0})), Total::from(usd(2.0)));
        assert_eq!((read(json!({})), read(json!({"spent": null}))), (Total::ZERO, Total::UNKNOWN));
    }

    #[test]
    fn a_count_of_tokens_that_was_not_said_is_no_zero() {
        let said: Tokens = serde_json::from_value(json!({"input_tokens": 3, "cache_read_input_tokens": 4})).unwrap();
        assert_eq!((said.output, said.total()), (None, Some(7)));
        assert_eq!(serde_json::to_value(said).unwrap(), json!({"input_tokens": 3, "cache_read_tokens": 4}));
        assert_eq!((Tokens::default().total(), Tokens::NOTHING.total()), (None, Some(0)));
    }
}
