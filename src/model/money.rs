//! Money in US dollars, held exactly.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign};
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// An amount of US dollars, not negative, held in billionths so that sums do not depend on their order.
///
/// In JSON it is a number of dollars (`0.01341`), as agents print it.
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
    /// The largest amount that is read: below 2^53 billionths, so that JSON numbers carry every amount exactly.
    pub const MOST_DOLLARS: f64 = 1_000_000.0;

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
        Self { nanos: u64::try_from(nanos).unwrap_or(u64::MAX) }
    }

    /// The sum of `count` such amounts.
    #[must_use]
    pub fn times(self, count: usize) -> Self {
        Self { nanos: self.nanos.saturating_mul(u64::try_from(count).unwrap_or(u64::MAX)) }
    }
}

impl fmt::Display for Usd {
    /// Whole cents from one dollar on, four decimals below: `$12.34`, `$0.0134`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decimals = if self.nanos == 0 || self.dollars() >= 1.0 { 2 } else { 4 };
        f.pad(&format!("${:.decimals$}", self.dollars()))
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
        Self { nanos: self.nanos.saturating_add(other.nanos) }
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
        schemars::json_schema!({ "type": "number", "minimum": 0, "description": "US dollars" })
    }
}

#[cfg(test)]
mod tests {
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
    }
}
