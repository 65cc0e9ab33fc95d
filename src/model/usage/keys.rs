//! Costs and sums of them in JSON: an amount that may be `null`, and beside it its source, or how many parts of it are
//! not known.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Cost, CostSource, Total};
use crate::model::money::Usd;

/// A cost in JSON: an amount, or `null`, and its source beside it.
pub mod cost {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::{Cost, CostSource, JsonSchema, Total, Usd};

    /// Where an amount comes from, or that there is none.
    #[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
    #[serde(rename_all = "snake_case")]
    enum Source {
        /// Tokens, times the prices of a day.
        Estimated,
        /// The agent or judge reported it.
        Reported,
        /// It was measured from outside: a run without a model costs nothing.
        Metered,
        /// It was not reported.
        Unknown,
    }

    /// The keys.
    #[derive(Debug, Serialize, JsonSchema)]
    pub struct Keys {
        /// What it cost; `null` when that is not known.
        #[serde(rename = "cost_usd")]
        usd: Option<Usd>,
        /// Where the amount comes from. Files of 4.0 and 4.1 do not have it.
        #[serde(rename = "cost_source")]
        source: Source,
        /// Of how many requests the cost is not known, or not all of it: then the amount is at least this. It is left out when there is none,
        /// or nothing is known.
        #[serde(rename = "cost_unknown", default, skip_serializing_if = "is_zero")]
        unknown: u32,
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
    fn is_zero(count: &u32) -> bool {
        *count == 0
    }

    /// The keys as they are read, each optional.
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Found {
        #[serde(rename = "cost_usd")]
        usd: Option<Usd>,
        #[serde(rename = "cost_source")]
        source: Option<Source>,
        #[serde(rename = "cost_unknown")]
        unknown: u32,
    }

    /// Writes the keys.
    ///
    /// # Errors
    /// The serializer's error.
    pub fn serialize<S: Serializer>(cost: &Cost, serializer: S) -> Result<S::Ok, S::Error> {
        let source = match cost.at_least() {
            Some((_, CostSource::Estimated)) => Source::Estimated,
            Some((_, CostSource::Reported)) => Source::Reported,
            Some((_, CostSource::Metered)) => Source::Metered,
            None => Source::Unknown,
        };
        let unknown = if let Cost::AtLeast { unknown, .. } = cost { *unknown } else { 0 };
        Keys { usd: cost.at_least().map(|(usd, _)| usd), source, unknown }.serialize(serializer)
    }

    /// Reads the keys. An amount without a source counts as reported.
    ///
    /// # Errors
    /// When a value has another type.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Cost, D::Error> {
        let Found { usd, source, unknown } = Found::deserialize(deserializer)?;
        let source = match source {
            Some(Source::Estimated) => CostSource::Estimated,
            Some(Source::Reported) | None => CostSource::Reported,
            Some(Source::Metered) => CostSource::Metered,
            Some(Source::Unknown) => return Ok(Cost::Unknown),
        };
        let known = |usd| Cost::of(Total { known: usd, unknown, ..Total::ZERO }, source);
        Ok(usd.map_or(Cost::Unknown, known))
    }
}

/// Sums in JSON: the known sum, `null` when nothing is known, and beside it how many parts are not known.
macro_rules! total_keys {
    ($($(#[$about:meta])* $name:ident: $usd:literal, $unknown:literal, $estimated:literal;)*) => {$(
        $(#[$about])*
        pub mod $name {
            use serde::{Deserialize, Deserializer, Serialize, Serializer};

            use super::{Amount, JsonSchema, Total, Usd};

            /// The keys.
            #[derive(Debug, Serialize, JsonSchema)]
            pub struct Keys {
                /// The sum of what is known; `null` when nothing is.
                #[serde(rename = $usd)]
                usd: Option<Usd>,
                /// How many parts are not known: then the sum is at least this.
                #[serde(rename = $unknown)]
                unknown: u32,
                /// Whether a part of it is estimated: tokens, times the prices of a day. It is left out when none is.
                #[serde(rename = $estimated, default, skip_serializing_if = "std::ops::Not::not")]
                is_estimated: bool,
            }

            /// The keys as they are read, each optional.
            #[derive(Default, Deserialize)]
            #[serde(default)]
            struct Found {
                #[serde(rename = $usd)]
                amount: Amount,
                #[serde(rename = $unknown)]
                unknown: u32,
                #[serde(rename = $estimated)]
                is_estimated: bool,
            }

            /// Writes the keys.
            ///
            /// # Errors
            /// The serializer's error.
            pub fn serialize<S: Serializer>(total: &Total, serializer: S) -> Result<S::Ok, S::Error> {
                Keys { usd: total.at_least(), unknown: total.unknown, is_estimated: total.is_estimated }.serialize(serializer)
            }

            /// Reads the keys; without them, nothing was spent.
            ///
            /// # Errors
            /// When a value has another type.
            pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Total, D::Error> {
                let Found { amount, unknown, is_estimated } = Found::deserialize(deserializer)?;
                Ok(Total { is_estimated, ..Total::of_keys(amount, unknown) })
            }
        }
    )*};
}

total_keys! {
    /// The cost of a run or an attempt, or of several, agents and judges together.
    total: "cost_usd", "cost_unknown", "cost_estimated";
    /// The cost of judges.
    judges: "judge_cost_usd", "judge_cost_unknown", "judge_cost_estimated";
    /// The cost of judges' answers that were not valid.
    failed_judges: "failed_judge_cost_usd", "failed_judge_cost_unknown", "failed_judge_cost_estimated";
    /// The cost of former attempts.
    former: "former_cost_usd", "former_cost_unknown", "former_cost_estimated";
    /// What was spent in total.
    spent: "spent", "spent_unknown", "spent_estimated";
}

/// The value of a key; `null` differs from a missing key.
#[derive(Debug, Clone, Copy, Default)]
enum Amount {
    #[default]
    Absent,
    There(Option<Usd>),
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Option::deserialize(deserializer).map(Self::There)
    }
}

impl Total {
    /// From two keys: the amount, and how many parts are not known.
    fn of_keys(amount: Amount, unknown: u32) -> Self {
        match amount {
            Amount::Absent => Self { unknown, ..Self::ZERO },
            Amount::There(None) => Self { unknown: unknown.max(1), ..Self::ZERO },
            Amount::There(Some(known)) => Self { known, unknown, ..Self::ZERO },
        }
    }
}
