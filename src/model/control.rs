//! Controls: setups that measure the task and its checks, and no agent. What is expected of each is known beforehand, so one that
//! does otherwise says that something about the task is broken.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ids::{RunId, SubtestId, TierId};

/// What is expected of a control.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Control {
    /// The reference solution is applied (`oracle`): every run must pass.
    MustPass,
    /// Nobody works (`nop`): every run must fail.
    MustFail,
    /// Another patch of the fixture is applied (`oracle` with `patch_file`): nothing is expected.
    Either,
}

impl Control {
    /// Whether a verdict is another one than is expected.
    #[must_use]
    pub fn is_broken_by(self, passed: bool) -> bool {
        match self {
            Self::MustPass => !passed,
            Self::MustFail => passed,
            Self::Either => false,
        }
    }
}

/// A control of which runs did not do what is expected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BrokenControl {
    /// Its tier.
    pub tier: TierId,
    /// Its subtest.
    pub subtest: SubtestId,
    /// What is expected of it.
    pub control: Control,
    /// The first run that did otherwise.
    pub run: RunId,
    /// How many runs did.
    pub runs: usize,
    /// How many runs of it have a verdict.
    pub of: usize,
}

impl BrokenControl {
    /// What happened, and what that means of the task.
    #[must_use]
    pub fn fact(&self) -> String {
        let Self { run, runs, of, .. } = self;
        let (did, means) = match self.control {
            Control::MustFail => ("`nop` passed", "its checks or judges pass a tree that nobody worked on"),
            Control::MustPass | Control::Either => {
                ("`oracle` failed", "its checks or judges refuse the reference solution, or that solves nothing")
            }
        };
        let which = if *runs == 1 { run.to_string() } else { format!("{runs} of {of} runs, {run} first") };
        format!("{did} {which}, so nothing measured on this task can be trusted: {means}")
    }

    /// The same as a sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        format!("Broken control: {}.", self.fact())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_verdict_that_is_not_expected_breaks_a_control() {
        let broken = |control: Control| [true, false].map(|passed| control.is_broken_by(passed));
        assert_eq!(
            [Control::MustPass, Control::MustFail, Control::Either].map(broken),
            [[false, true], [true, false], [false, false]]
        );
    }
}
