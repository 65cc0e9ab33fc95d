//! What the agent of one run may use, and what it used beyond that.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::money::Usd;
use super::resources::Memory;
use super::usage::Usage;

/// What the agent of one run may use; `None` for no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Allowance {
    /// Tokens that were read and written, those of the provider's cache included, from 1.
    pub tokens: Option<u64>,
    /// Answers of its model, from 1.
    pub turns: Option<u64>,
    /// Money.
    pub cost: Option<Usd>,
}

/// Which limit an agent exceeded, or was ended at by its own program, and what it used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "limit")]
pub enum Exceeded {
    /// That of tokens.
    Tokens {
        /// How many it might use.
        most: u64,
        /// How many it used.
        used: u64,
    },
    /// That of turns.
    Turns {
        /// How many it might take.
        most: u64,
        /// How many it took.
        used: u64,
    },
    /// That of money, in US dollars.
    Cost {
        /// What it might cost.
        most: Usd,
        /// What it cost.
        used: Usd,
    },
    /// That of the cost of the whole experiment, in US dollars: the gateway let no further request pass.
    Experiment {
        /// What the experiment might cost.
        most: Usd,
        /// What it had cost by then.
        used: Usd,
    },
    /// That of memory: the kernel ended a process at it.
    Memory {
        /// How much it might use, in bytes.
        most: u64,
    },
}

impl Allowance {
    /// Whether nothing is limited.
    #[must_use]
    pub fn is_unlimited(&self) -> bool {
        *self == Self::default()
    }

    /// The first limit that this usage exceeds. What is not known exceeds none.
    #[must_use]
    pub fn exceeded(&self, usage: &Usage, turns: Option<u64>) -> Option<Exceeded> {
        let beyond = |most: Option<u64>, used: Option<u64>| most.zip(used).filter(|(most, used)| used > most);
        let cost = || self.cost.zip(usage.cost.at_least().map(|(usd, _)| usd)).filter(|(most, used)| used > most);
        beyond(self.tokens, usage.tokens.total())
            .map(|(most, used)| Exceeded::Tokens { most, used })
            .or_else(|| beyond(self.turns, turns).map(|(most, used)| Exceeded::Turns { most, used }))
            .or_else(|| cost().map(|(most, used)| Exceeded::Cost { most, used }))
    }
}

impl Allowance {
    /// The first limit that this usage reaches: of an agent whose own program keeps its limits, and ended it there.
    #[must_use]
    pub fn reached(&self, usage: &Usage, turns: Option<u64>) -> Option<Exceeded> {
        let up_to = |most: Option<u64>, used: Option<u64>| most.zip(used).filter(|(most, used)| used >= most);
        let cost = || self.cost.zip(usage.cost.at_least().map(|(usd, _)| usd)).filter(|(most, used)| used >= most);
        up_to(self.turns, turns)
            .map(|(most, used)| Exceeded::Turns { most, used })
            .or_else(|| cost().map(|(most, used)| Exceeded::Cost { most, used }))
            .or_else(|| up_to(self.tokens, usage.tokens.total()).map(|(most, used)| Exceeded::Tokens { most, used }))
    }
}

impl Exceeded {
    /// The word of the limit, as in JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Tokens { .. } => "tokens",
            Self::Turns { .. } => "turns",
            Self::Cost { .. } => "cost",
            Self::Experiment { .. } => "experiment",
            Self::Memory { .. } => "memory",
        }
    }
}

impl fmt::Display for Exceeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tokens { most, used } => write!(f, "{used} tokens of at most {most}"),
            Self::Turns { most, used } => write!(f, "{used} turns of at most {most}"),
            Self::Cost { most, used } => write!(f, "{used} of at most {most}"),
            Self::Experiment { most, used } => write!(f, "the experiment's {used} of at most {most}"),
            Self::Memory { most } => write!(f, "more memory than {}", Memory::of(*most)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::usage::{Cost, Tokens};

    #[test]
    fn a_limit_is_exceeded_by_what_is_known_to_be_more_and_by_nothing_else() {
        let usd = |dollars| Usd::from_dollars(dollars).unwrap();
        let tokens = Tokens { input: Some(70), output: Some(10), cache_creation: None, cache_read: Some(20) };
        let usage = Usage { tokens, cost: Cost::reported(Some(usd(0.5))) };
        let allow = |tokens, turns, cost| Allowance { tokens, turns, cost };
        for (allowance, turns, told) in [
            (Allowance::default(), Some(9), None),
            (allow(Some(100), Some(9), Some(usd(0.5))), Some(9), None),
            (allow(Some(99), None, None), None, Some("100 tokens of at most 99")),
            (allow(None, Some(8), None), Some(9), Some("9 turns of at most 8")),
            (allow(None, Some(8), None), None, None),
            (allow(None, None, Some(usd(0.25))), None, Some("$0.5000 of at most $0.2500")),
        ] {
            assert_eq!(allowance.exceeded(&usage, turns).map(|it| it.to_string()).as_deref(), told, "{allowance:?}");
        }
        let unknown = allow(Some(1), Some(1), Some(Usd::ZERO)).exceeded(&Usage::default(), None);
        assert_eq!(unknown, None);
    }
}
