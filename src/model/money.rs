//! Money in US dollars, held exactly.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign};
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// An amount of US dollars, not negative, held in billionths so that sums do not depend on their order.
///
/// In JSON it is a number of dollars (`0.01341`), as agents print it. None is above [`Usd::MOST`]: what would be more counts
/// as that and is shown as "or more", so that every amount that is written can be read again as the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Usd {
    nanos: u64,
}

/// Why a number is not an amount of money.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("`{0}` is not an amount of US dollars between 0 and {max}", max = Usd::MOST_DOLLARS)]
pub struct UsdError(f64);

const NANOS_PER_DOLLAR: f64 = 1e9;

impl Usd {
    /// Nothing.
    pub const ZERO: Self = Self { nanos: 0 };
    /// The largest amount, in dollars: below 2^51 billionths, so that JSON numbers carry every amount exactly.
    pub const MOST_DOLLARS: f64 = 1_000_000.0;
    /// The largest amount, which stands for everything above it too.
    pub const MOST: Self = Self { nanos: 1_000_000_000_000_000 };

    /// The amount nearest to `dollars`.
    ///
    /// # Errors
    /// When `dollars` is negative, not finite or above [`Usd::MOST_DOLLARS`].
    pub fn from_dollars(dollars: f64) -> Result<Self, UsdError> {
        if !(0.0..=Self::MOST_DOLLARS).contains(&dollars) {
            return Err(UsdError(dollars));
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is checked above")]
        let nanos = (dollars * NANOS_PER_DOLLAR).round() as u64;
        Ok(Self { nanos })
    }

    /// The amount nearest to `dollars`, and [`Usd::MOST`] for more than that; `None` when `dollars` is negative or no number.
    #[must_use]
    pub fn from_dollars_or_most(dollars: f64) -> Option<Self> {
        if dollars > Self::MOST_DOLLARS { Some(Self::MOST) } else { Self::from_dollars(dollars).ok() }
    }

    /// So many billionths, or the largest amount.
    fn from_nanos(nanos: u64) -> Self {
        Self { nanos }.min(Self::MOST)
    }

    /// The amount as a number of dollars.
    #[must_use]
    pub fn dollars(self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "amounts stay below 2^53 billionths")]
        let nanos = self.nanos as f64;
        nanos / NANOS_PER_DOLLAR
    }

    /// The mean over `count` things, zero when there are none.
    #[must_use]
    pub fn mean_of(self, count: usize) -> Self {
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        Self { nanos: self.nanos.checked_div(count).unwrap_or(0) }
    }

    /// The difference, or zero when `other` is larger.
    #[must_use]
    pub fn saturating_sub(self, other: Self) -> Self {
        Self { nanos: self.nanos.saturating_sub(other.nanos) }
    }

    /// What `count` things cost of which a million cost this, rounded to a billionth of a dollar.
    #[must_use]
    pub fn of_millionths(self, count: u64) -> Self {
        let nanos = (u128::from(self.nanos) * u128::from(count) + 500_000) / 1_000_000;
        Self::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    /// The sum of `count` such amounts.
    #[must_use]
    pub fn times(self, count: usize) -> Self {
        Self::from_nanos(self.nanos.saturating_mul(u64::try_from(count).unwrap_or(u64::MAX)))
    }
}

impl fmt::Display for Usd {
    /// Whole cents from one dollar on, four decimals below: `$12.34`, `$0.0134`. The largest amount is `$1000000.00 or more`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decimals = if self.nanos == 0 || self.dollars() >= 1.0 { 2 } else { 4 };
        let more = if *self == Self::MOST { " or more" } else { "" };
        f.pad(&format!("${:.decimals$}{more}", self.dollars()))
    }
}

impl FromStr for Usd {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = text.strip_prefix('$').unwrap_or(text);
        let dollars: f64 = number.parse().map_err(|_| format!("`{text}` is not an amount of US dollars"))?;
        Self::from_dollars(dollars).map_err(|error| error.to_string())
    }
}

impl Add for Usd {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self::from_nanos(self.nanos.saturating_add(other.nanos))
    }
}

impl AddAssign for Usd {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sum for Usd {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Add::add)
    }
}

impl Serialize for Usd {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.dollars())
    }
}

impl<'de> Deserialize<'de> for Usd {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_dollars(f64::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

impl JsonSchema for Usd {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Usd".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "number", "minimum": 0, "maximum": Self::MOST_DOLLARS, "description": "US dollars; the maximum stands for more too" })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ten_dimes_are_one_dollar_in_any_order() {
        let dime = Usd::from_dollars(0.1).unwrap();
        let dollar: Usd = std::iter::repeat_n(dime, 10).sum();
        assert_eq!(dollar, Usd::from_dollars(1.0).unwrap());
    }

    #[test]
    fn json_carries_an_amount_there_and_back() {
        for text in ["0.0", "0.01341", "1.0111618", "999999.123456789"] {
            let amount: Usd = serde_json::from_str(text).unwrap();
            assert_eq!(serde_json::to_string(&amount).unwrap(), text);
        }
    }

    #[test]
    fn debts_and_infinities_are_refused() {
        for wrong in [-0.01, f64::NAN, f64::INFINITY, 1e10] {
            assert!(Usd::from_dollars(wrong).is_err(), "{wrong}");
        }
        assert_eq!(Usd::from_dollars_or_most(f64::INFINITY), Some(Usd::MOST));
        assert_eq!([-1.0, f64::NAN].map(Usd::from_dollars_or_most), [None, None]);
    }

    #[test]
    fn the_largest_amount_is_shown_as_that_or_more() {
        assert_eq!(Usd::from_dollars(999_999.99).unwrap().to_string(), "$999999.99");
        assert_eq!(Usd::MOST.times(7).to_string(), "$1000000.00 or more");
        assert_eq!(Usd::from_dollars(Usd::MOST_DOLLARS), Ok(Usd::MOST));
    }

    proptest! {
        /// What is computed is written into results, and one that cannot be read again would be damaged for good.
        #[test]
        fn every_amount_that_can_be_computed_is_read_again_as_the_same(
            nanos in proptest::collection::vec(0..=Usd::MOST.nanos, 1..6),
            count in prop_oneof![0..10_u64, Just(u64::MAX), any::<u64>()],
        ) {
            let amounts: Vec<Usd> = nanos.into_iter().map(Usd::from_nanos).collect();
            let (first, sum) = (amounts[0], amounts.iter().copied().sum::<Usd>());
            let of_count = usize::try_from(count).unwrap();
            let backwards: Usd = amounts.iter().rev().copied().sum();
            prop_assert_eq!(sum, backwards);
            for amount in [first, sum, first.of_millionths(count), first.times(of_count), sum.mean_of(of_count), sum.saturating_sub(first)] {
                let text = serde_json::to_string(&amount).unwrap();
                prop_assert_eq!(serde_json::from_str::<Usd>(&text).unwrap(), amount, "{}", text);
            }
        }
    }
}
