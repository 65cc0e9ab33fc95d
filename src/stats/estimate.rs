//! An estimate and the interval around it: two small types, alone because every other part of the statistics speaks them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Two ends, both included; `low` is never above `high`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Interval {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

impl Interval {
    /// Whether a value lies outside.
    #[must_use]
    pub fn excludes(self, value: f64) -> bool {
        value < self.low || value > self.high
    }
}

/// A number that was estimated from a sample.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Estimate {
    /// The estimate.
    pub value: f64,
    /// The interval around it; `None` where the sample allows none.
    pub interval: Option<Interval>,
}

impl Estimate {
    /// The same, of a value that cannot be less than `low` or more than `high`: nor can what its interval holds.
    #[must_use]
    pub fn bounded(self, low: f64, high: f64) -> Self {
        let interval =
            self.interval.map(|it| Interval { low: it.low.clamp(low, high), high: it.high.clamp(low, high) });
        Self { interval, ..self }
    }
}
