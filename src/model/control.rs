//! Controls: setups that measure the task and its checks, and no agent. What is expected of each is known beforehand, so one that
//! does otherwise says that something about the task is broken.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ids::{RunId, SetupId, SubtestId, TierId};

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

/// The setups that are controls, and what is expected of each. What counts as a measurement of agents is decided here alone: a
/// control counts nowhere, unless a person names it itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Controls(BTreeMap<SetupId, Control>);

impl Controls {
    /// What is expected of a setup; `None` for an agent's.
    #[must_use]
    pub fn get(&self, setup: SetupId) -> Option<Control> {
        self.0.get(&setup).copied()
    }

    /// Whether a run measures an agent.
    #[must_use]
    pub fn measures_agent(&self, run: RunId) -> bool {
        self.get((run.tier, run.subtest)).is_none()
    }

    /// Whether a run fails as it should, so that nobody asks why.
    #[must_use]
    pub fn must_fail(&self, run: RunId) -> bool {
        self.get((run.tier, run.subtest)) == Some(Control::MustFail)
    }

    /// The controls, in their order.
    pub fn setups(&self) -> impl Iterator<Item = SetupId> + '_ {
        self.0.keys().copied()
    }
}

impl FromIterator<(SetupId, Control)> for Controls {
    fn from_iter<T: IntoIterator<Item = (SetupId, Control)>>(controls: T) -> Self {
        Self(controls.into_iter().collect())
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
