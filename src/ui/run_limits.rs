//! What the agent of one run, and each of its checks, is held to, as plans and states of experiments say it.

use schemars::JsonSchema;
use serde::Serialize;

use crate::model::allowance::Allowance;
use crate::model::experiment::Config;
use crate::model::money::Usd;
use crate::model::resources::{Memory, Processors, Resources};
use crate::text::words::{counted, list, whole_duration};

/// The limits of one run; those of the experiment are none of them.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct RunLimits {
    /// Wall clock limit of the agent, in seconds.
    pub timeout_seconds: u64,
    /// Most tokens that the agent may use; `null` for no limit.
    pub max_run_tokens: Option<u64>,
    /// Most answers of its model that the agent may take; `null` for no limit.
    pub max_run_turns: Option<u64>,
    /// What the agent may cost; `null` for no limit.
    pub max_run_cost_usd: Option<Usd>,
    /// Most memory that the agent, or a check, may use; `null` for no limit.
    #[schemars(with = "Option<String>")]
    pub max_memory: Option<Memory>,
    /// Most processes and threads that the agent, or a check, may have at the same time; `null` for no limit.
    pub max_processes: Option<u32>,
    /// How many processors the agent, or a check, may keep busy; `null` for no limit.
    #[schemars(with = "Option<f64>")]
    pub max_processors: Option<Processors>,
}

impl RunLimits {
    /// The limits that an experiment sets.
    #[must_use]
    pub fn new(timeout_seconds: u64, allowance: Allowance, resources: Resources) -> Self {
        let Allowance { tokens: max_run_tokens, turns: max_run_turns, cost: max_run_cost_usd } = allowance;
        let Resources { memory: max_memory, processes: max_processes, processors: max_processors } = resources;
        Self {
            timeout_seconds,
            max_run_tokens,
            max_run_turns,
            max_run_cost_usd,
            max_memory,
            max_processes,
            max_processors,
        }
    }

    /// Those of an experiment that was made.
    #[must_use]
    pub fn of(config: &Config) -> Self {
        Self::new(config.timeout_seconds, config.allowance(), config.resources())
    }

    /// What each agent is held to, and what it is not.
    #[must_use]
    pub fn of_agents(&self) -> String {
        both("each agent", &[&[time(self.timeout_seconds)], &self.allowed()[..]].concat())
    }

    /// What each agent and each check may use of the machine, and what has no limit.
    #[must_use]
    pub fn of_the_machine(&self) -> String {
        both("each agent and check", &self.resources())
    }

    /// The limits that there are, each with whom it holds, for a reader who knows what an experiment can be held to.
    #[must_use]
    pub fn lines(&self) -> Vec<(&'static str, String)> {
        let agents = [&[time(self.timeout_seconds)], &self.allowed()[..]].concat();
        let resources = self.resources();
        let is_limited = resources.iter().any(|(_, limit)| limit.is_some());
        let machine = is_limited.then(|| ("machine", set("each agent and check", &resources)));
        std::iter::once(("limits", set("each agent", &agents))).chain(machine).collect()
    }

    fn allowed(&self) -> [Limit; 3] {
        [
            ("tokens", self.max_run_tokens.map(|most| format!("{most} tokens"))),
            ("turns", self.max_run_turns.map(|most| format!("{most} turns"))),
            ("cost", self.max_run_cost_usd.map(|most| most.to_string())),
        ]
    }

    fn resources(&self) -> [Limit; 3] {
        [
            ("memory", self.max_memory.map(|most| format!("{most} of memory"))),
            ("processes", self.max_processes.map(|most| counted(most as usize, "process"))),
            ("processor time", self.max_processors.map(processors)),
        ]
    }
}

/// What can be limited, and how far it is.
type Limit = (&'static str, Option<String>);

fn time(seconds: u64) -> Limit {
    ("time", Some(whole_duration(seconds)))
}

fn processors(most: Processors) -> String {
    let noun = if most.to_string() == "1" { "processor" } else { "processors" };
    format!("{most} {noun}")
}

/// The limits that there are, in words.
fn set(whom: &str, limits: &[Limit]) -> String {
    let set: Vec<String> = limits.iter().filter_map(|(_, limit)| limit.clone()).collect();
    format!("{} for {whom}", list(&set))
}

/// The limits that there are, and what has none.
fn both(whom: &str, all: &[Limit]) -> String {
    let open: Vec<String> =
        all.iter().filter(|(_, limit)| limit.is_none()).map(|(what, _)| (*what).to_owned()).collect();
    match (open.len() == all.len(), open.is_empty()) {
        (true, _) => format!("{} without limit", list(&open)),
        (false, true) => set(whom, all),
        (false, false) => format!("{}; {} without limit", set(whom, all), list(&open)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::samples::usd;

    #[test]
    fn what_is_limited_is_said_with_how_far_and_what_is_not_by_its_name() {
        let none = RunLimits::new(3600, Allowance::default(), Resources::default());
        assert_eq!(none.of_agents(), "1h 00m for each agent; tokens, turns and cost without limit");
        assert_eq!(none.of_the_machine(), "memory, processes and processor time without limit");
        assert_eq!(none.lines(), [("limits", "1h 00m for each agent".to_owned())]);
        let allowance = Allowance { tokens: Some(100_000), turns: Some(30), cost: Some(usd(0.5)) };
        let resources = Resources { memory: "4GiB".parse().ok(), processes: Some(512), processors: None };
        let some = RunLimits::new(90, allowance, resources);
        assert_eq!(some.of_agents(), "1m 30s, 100000 tokens, 30 turns and $0.5000 for each agent");
        let machine = "4GiB of memory and 512 processes for each agent and check";
        assert_eq!(some.of_the_machine(), format!("{machine}; processor time without limit"));
        assert_eq!(some.lines()[1], ("machine", machine.to_owned()));
    }
}
