//! Flags of what the agent of one run may use of its model and of the machine.

use clap::Args;

use crate::cli::args::values;
use crate::model::allowance::Allowance;
use crate::model::money::Usd;
use crate::model::resources::{Memory, Processors, Resources};

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
    ///
    /// It holds for each attempt: a run that was stopped or failed and is tried again may cost so much anew. `--max-cost-usd` counts all
    /// attempts.
    #[arg(long, value_name = "USD", value_parser = values::dollars, allow_negative_numbers = true)]
    pub max_run_cost_usd: Option<Usd>,
    /// What it may use of the machine.
    #[command(flatten)]
    pub resources: ResourceFlags,
}

/// What the agent of one run, and each of its checks, may use of the machine.
#[derive(Debug, Clone, Copy, Default, Args)]
pub struct ResourceFlags {
    /// Most memory that an agent or a check may use with all that it starts, such as `4GiB` [default: the fixture's]
    ///
    /// The kernel ends what goes beyond it; an agent that it ends is graded on what is there. Needs control groups that can be written.
    #[arg(long, value_name = "SIZE", value_parser = values::memory, allow_negative_numbers = true)]
    pub max_memory: Option<Memory>,
    /// Most processes and threads that an agent or a check may have at the same time [default: the fixture's]
    #[arg(long, value_name = "N", value_parser = values::count::<1, { Resources::MOST_PROCESSES }>, allow_negative_numbers = true)]
    pub max_processes: Option<u32>,
    /// How many processors an agent or a check may keep busy, such as `2` or `0.5` [default: the fixture's]
    #[arg(long, value_name = "N", value_parser = values::processors, allow_negative_numbers = true)]
    pub max_processors: Option<Processors>,
}

impl ResourceFlags {
    /// What these flags say, and where they say nothing, what the fixture does.
    #[must_use]
    pub fn over(&self, fixture: Resources) -> Resources {
        Resources {
            memory: self.max_memory.or(fixture.memory),
            processes: self.max_processes.or(fixture.processes),
            processors: self.max_processors.or(fixture.processors),
        }
    }
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
