//! What agents used, as Inspect counts it; alone, for runs and their sums are counted alike.

use serde_json::{Value, json};

use super::details;
use crate::model::money::Usd;
use crate::model::reported::ReportedRun;
use crate::model::usage::Tokens;

/// Tokens and cost of one agent, or of several.
#[derive(Debug, Clone, Copy)]
pub(super) struct Used {
    input: u64,
    output: u64,
    total: u64,
    cache_creation: Option<u64>,
    cache_read: Option<u64>,
    cost: Option<Usd>,
}

impl Used {
    /// What the agent of a run used; `None` where Inspect would take what is not known for 0.
    pub(super) fn of(run: &ReportedRun) -> Option<Self> {
        let usage = details(run)?.agent.as_ref()?.usage;
        let Tokens { input, output, cache_creation, cache_read } = usage.tokens;
        let (input, output, total) = (input?, output?, usage.tokens.total()?);
        Some(Self { input, output, total, cache_creation, cache_read, cost: usage.cost.usd() })
    }

    /// Both together. What one of them does not know is not known of both.
    pub(super) fn plus(self, other: Self) -> Self {
        let both = |one: Option<u64>, other: Option<u64>| Some(one?.saturating_add(other?));
        Self {
            input: self.input.saturating_add(other.input),
            output: self.output.saturating_add(other.output),
            total: self.total.saturating_add(other.total),
            cache_creation: both(self.cache_creation, other.cache_creation),
            cache_read: both(self.cache_read, other.cache_read),
            cost: self.cost.zip(other.cost).map(|(one, other)| one + other),
        }
    }

    pub(super) fn json(self) -> Value {
        json!({
            "input_tokens": self.input,
            "output_tokens": self.output,
            "total_tokens": self.total,
            "input_tokens_cache_write": self.cache_creation,
            "input_tokens_cache_read": self.cache_read,
            "total_cost": self.cost,
        })
    }
}
