//! Controls beside what their runs came to.

use std::collections::BTreeMap;

use crate::model::control::{BrokenControl, Controls};
use crate::model::ids::{RunId, SetupId};

/// The controls of which runs did not do what is expected, from the verdicts of all runs in their order.
#[must_use]
pub fn broken(controls: &Controls, verdicts: impl IntoIterator<Item = (RunId, bool)>) -> Vec<BrokenControl> {
    let mut judged: BTreeMap<SetupId, usize> = BTreeMap::new();
    let mut broken: BTreeMap<SetupId, BrokenControl> = BTreeMap::new();
    for (run, passed) in verdicts {
        let setup @ (tier, subtest) = (run.tier, run.subtest);
        let Some(control) = controls.get(setup) else { continue };
        *judged.entry(setup).or_default() += 1;
        if control.is_broken_by(passed) {
            let first = BrokenControl { tier, subtest, control, run, runs: 0, of: 0 };
            broken.entry(setup).or_insert(first).runs += 1;
        }
    }
    let of = |(setup, found)| BrokenControl { of: judged.get(&setup).copied().unwrap_or_default(), ..found };
    broken.into_iter().map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::control::Control;
    use crate::model::samples::run;

    #[test]
    fn a_control_that_does_otherwise_is_told_once_with_its_first_run() {
        let setup = |id: &str| (run(id).tier, run(id).subtest);
        let controls = Controls::from_iter([
            (setup("T0/00/1"), Control::MustFail),
            (setup("T0/01/1"), Control::MustPass),
            (setup("T0/02/1"), Control::Either),
        ]);
        let verdicts = [
            ("T0/00/1", false),
            ("T0/00/2", true),
            ("T0/01/1", true),
            ("T0/01/2", false),
            ("T0/01/3", false),
            ("T0/02/1", false),
            ("T1/00/1", false),
        ];
        let broken = broken(&controls, verdicts.map(|(id, passed)| (run(id), passed)));
        let told: Vec<String> = broken.iter().map(BrokenControl::sentence).collect();
        assert_eq!(
            told,
            [
                "Broken control: `nop` passed T0/00/run_02, so nothing measured on this task can be trusted: its checks or judges pass \
             a tree that nobody worked on.",
                "Broken control: `oracle` failed 2 of 3 runs, T0/01/run_02 first, so nothing measured on this task can be trusted: \
             its checks or judges refuse the reference solution, or that solves nothing."
            ]
        );
    }
}
