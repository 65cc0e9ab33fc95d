//! Flags of what the agent of one run may use. They stand alone because they make one thing of three flags.

use clap::Args;

use crate::cli::args::values;
use crate::model::allowance::Allowance;
use crate::model::money::Usd;

/// What the agent of one run may use.
#[derive(Debug, Clone, Copy, Default, Args)]
pub struct AllowanceFlags {
    /// Most tokens that the agent of one run may use, those of the provider's cache included [default: the fixture's]
    ///
    /// An agent that has used more is ended, and graded on what is there. Kinds that do not tell what they use while they work
    /// are looked at when they have ended; the start says which.
    #[arg(long, value_name = "N", value_parser = values::large_count, allow_negative_numbers = true)]
    pub max_run_tokens: Option<u64>,
    /// Most answers of its model that the agent of one run may take [default: the fixture's]
    #[arg(long, value_name = "N", value_parser = values::large_count, allow_negative_numbers = true)]
    pub max_run_turns: Option<u64>,
    /// What the agent of one run may cost, in US dollars [default: the fixture's]
    #[arg(long, value_name = "USD", value_parser = values::dollars, allow_negative_numbers = true)]
    pub max_run_cost_usd: Option<Usd>,
}

impl AllowanceFlags {
    /// What these flags say, and where they say nothing, what the fixture does.
    #[must_use]
    pub fn over(&self, fixture: Allowance) -> Allowance {
        Allowance {
            tokens: self.max_run_tokens.or(fixture.tokens),
            turns: self.max_run_turns.or(fixture.turns),
            cost: self.max_run_cost_usd.or(fixture.cost),
        }
    }
}
