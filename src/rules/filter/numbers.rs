//! Comparisons: `<0.5`, `>=2m`, `10`. A value that is not known fulfils none.

use std::cmp::Ordering;
use std::ops::Range;

use jiff::SignedDuration;

use crate::model::usage::Total;

use super::error::FilterError;

/// How a value is compared with a bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compared {
    Less,
    AtMost,
    Equal,
    Unequal,
    AtLeast,
    Greater,
}

/// The signs, the longer ones first.
const SIGNS: [(&str, Compared); 7] = [
    ("<=", Compared::AtMost),
    (">=", Compared::AtLeast),
    ("!=", Compared::Unequal),
    ("==", Compared::Equal),
    ("<", Compared::Less),
    (">", Compared::Greater),
    ("=", Compared::Equal),
];

impl Compared {
    /// The sign that an argument begins with, and what stands behind it; without a sign, values are to be equal.
    pub(super) fn split<'a>(argument: &'a str, at: &Range<usize>) -> (Self, &'a str, Range<usize>) {
        let found = SIGNS.iter().find_map(|(sign, compared)| Some((*compared, argument.strip_prefix(sign)?)));
        let (compared, rest) = found.unwrap_or((Self::Equal, argument));
        let rest = rest.trim_start();
        (compared, rest, at.end - rest.len()..at.end)
    }

    /// Whether a value that stands so to its bound fulfils it.
    pub(super) fn allows(self, ordering: Ordering) -> bool {
        match self {
            Self::Less => ordering == Ordering::Less,
            Self::AtMost => ordering != Ordering::Greater,
            Self::Equal => ordering == Ordering::Equal,
            Self::Unequal => ordering != Ordering::Equal,
            Self::AtLeast => ordering != Ordering::Less,
            Self::Greater => ordering == Ordering::Greater,
        }
    }
}

/// A bound of a number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Bound {
    compared: Compared,
    value: f64,
}

impl Bound {
    pub(super) fn allows(self, value: f64) -> bool {
        value.partial_cmp(&self.value).is_some_and(|ordering| self.compared.allows(ordering))
    }

    /// Whether a sum fulfils it whatever its parts are that nobody knows.
    pub(super) fn allows_total(self, total: Total) -> bool {
        let Some(least) = total.at_least() else { return false };
        let at_least = least.dollars();
        if total.is_whole() {
            return self.allows(at_least);
        }
        match self.compared {
            Compared::AtLeast => at_least >= self.value,
            Compared::Greater | Compared::Unequal => at_least > self.value,
            Compared::Less | Compared::AtMost | Compared::Equal => false,
        }
    }

    /// Reads a bound.
    pub(super) fn read(unit: Unit, argument: &str, at: &Range<usize>) -> Result<Self, FilterError> {
        let (compared, number, number_at) = Compared::split(argument, at);
        let value = unit.read(number).filter(|value| value.is_finite());
        let expected = || FilterError::new(number_at, format!("{} is expected here", unit.what())).hint(unit.example());
        Ok(Self { compared, value: value.ok_or_else(expected)? })
    }
}

/// What a number counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Score,
    Dollars,
    Tokens,
    Seconds,
    Count,
}

impl Unit {
    fn read(self, text: &str) -> Option<f64> {
        match self {
            Self::Score => text.parse().ok(),
            Self::Count => text.parse::<u32>().ok().map(f64::from),
            Self::Dollars => text.strip_prefix('$').unwrap_or(text).trim_start().parse().ok(),
            Self::Seconds => {
                let with_units = || text.parse::<SignedDuration>().ok().map(|time| time.as_secs_f64());
                text.parse().ok().or_else(with_units)
            }
            Self::Tokens => {
                let (number, factor) = match text.char_indices().last()? {
                    (end, 'k' | 'K') => (&text[..end], 1e3),
                    (end, 'm' | 'M') => (&text[..end], 1e6),
                    _ => (text, 1.0),
                };
                number.trim_end().replace('_', "").parse::<f64>().ok().map(|number| number * factor)
            }
        }
    }

    fn what(self) -> &'static str {
        match self {
            Self::Score => "a number",
            Self::Dollars => "an amount of US dollars",
            Self::Tokens => "a number of tokens",
            Self::Seconds => "a time",
            Self::Count => "a whole number",
        }
    }

    fn example(self) -> &'static str {
        match self {
            Self::Score => "such as `score(<0.5)`; the signs are `<`, `<=`, `=`, `!=`, `>=` and `>`",
            Self::Dollars => "such as `cost(>0.10)`; the signs are `<`, `<=`, `=`, `!=`, `>=` and `>`",
            Self::Tokens => "such as `tokens(>1000)` or `tokens(>1.5M)`",
            Self::Seconds => "such as `time(>60)`, in seconds, or `time(>2m)`",
            Self::Count => "such as `attempts(>1)`; the signs are `<`, `<=`, `=`, `!=`, `>=` and `>`",
        }
    }
}
