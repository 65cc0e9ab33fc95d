//! Baseline checks: what passes and fails in the untouched tree, before any agent has worked. They are carried out once
//! for each baseline, by the first run that begins on it, and passed on to every run and judge.

use crate::engine::worker::report::not_found;
use crate::engine::worker::stages::checks::Checked;
use crate::engine::worker::stages::{Halt, Work};
use crate::engine::worker::workplace::locked;
use crate::model::event::Event;
use crate::model::result::{Before, CheckResult, ChecksResult};
use crate::store;

impl Work<'_> {
    /// Carries out the checks in a tree of their own, unless that was done already for this baseline. Their results are
    /// durable before any agent begins on it. When several workers do so at once, also on several machines, the first
    /// result counts for all.
    pub(in crate::engine) fn check_baseline(&mut self) -> Result<(), Halt> {
        let place = self.place;
        let Some(commit) = self.baseline.as_ref().map(|baseline| baseline.commit.clone()) else { return Ok(()) };
        if place.grader.fixture.checks.is_empty() {
            return Ok(());
        }
        let known = place.baseline_checks.of(&commit);
        let mut known = locked(&known);
        if known.is_none() {
            *known = store::baseline_checks::durable(&place.folder, &commit)?;
        }
        if known.is_none() {
            let tree = self.baseline_tree()?;
            // A mistake in a check that a later grading mends must not keep an agent from beginning.
            let checks = place.grader.fixture.checks.iter().map(|check| {
                let log = format!("{}.untouched", check.name);
                self.check(check, &log, &tree).map(|checked| checked.result)
            });
            let result = ChecksResult { checks: checks.collect::<Result<_, _>>()?, grading: place.grader.number };
            self.remove(tree);
            let counts = store::baseline_checks::add(&place.folder, &commit, result)?;
            self.report_not_found(&counts);
            *known = Some(counts);
        }
        Ok(())
    }

    /// Reports checks whose programs the shell did not find even in the untouched tree, before any agent works.
    fn report_not_found(&self, baseline_checks: &ChecksResult) {
        for (check, message) in not_found(baseline_checks) {
            if self.place.is_first_report(check) {
                self.link.event(Event::Notice { message });
            }
        }
    }

    /// Adds to each check its result for the untouched tree. A check that applied there, and no longer applies because
    /// of what was done to the tree, has not passed.
    pub(super) fn compare_with_baseline(&self, checked: Vec<Checked>) -> Result<Vec<CheckResult>, Halt> {
        let commit = self.baseline_commit()?;
        let known = self.place.baseline_checks.of(&commit);
        let mut known = locked(&known);
        if known.is_none() {
            *known = store::baseline_checks::read(&self.place.folder, &commit)?;
        }
        let grading = known.as_ref().map(|known| known.grading).unwrap_or_default();
        let specs = self.place.checks_of(grading);
        let compared = checked.into_iter().map(|Checked { mut result, by_machine }| {
            let same = self.place.is_as_before(&result.name, &specs);
            let before = known.iter().flat_map(|before| &before.checks);
            let before = before.filter(|_| same).find(|before| before.name == result.name);
            result.before = before.map(Before::of);
            if matches!(result.before, Some(Before::Passed | Before::Failed)) && !by_machine {
                result.no_longer_applies = result.not_applicable.take();
            }
            result
        });
        Ok(compared.collect())
    }
}
