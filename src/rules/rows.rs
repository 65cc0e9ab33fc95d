//! Plan, folder and checkpoint side by side: one row for each run that any of them names, in one pass over all three.

use std::collections::{BTreeSet, btree_map};
use std::iter::Peekable;

use crate::model::checkpoint::Checkpoint;
use crate::model::ids::RunId;
use crate::model::outcome::RunStatus;
use crate::model::plan::Plan;
use crate::model::survey::{RunSeen, Survey};
use crate::rules::status::status_of;

/// What is known about one run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Row<'a> {
    /// The run.
    pub run: RunId,
    /// Whether it is in the plan.
    pub planned: bool,
    /// The contents of its folder; `None` when it has no folder.
    pub seen: Option<&'a RunSeen>,
    /// The status that the folder shows.
    pub on_disk: Option<RunStatus>,
    /// The status in the checkpoint.
    pub recorded: Option<RunStatus>,
}

impl Row<'_> {
    /// Whether it is planned, and has no verdict on disk.
    #[must_use]
    pub fn misses_a_verdict(&self) -> bool {
        self.planned && !self.on_disk.is_some_and(RunStatus::is_judged)
    }

    /// Whether it is planned, and its result and its checkpoint entry agree.
    fn agrees(&self) -> bool {
        let status = self.on_disk.filter(|status| status.is_judged());
        self.planned && status.zip(self.recorded).is_some_and(|(status, entry)| entry.agrees_with(status))
    }
}

/// The counts over all rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Planned runs without a verdict on disk.
    pub missing: usize,
    /// Planned runs whose result and entry agree.
    pub agreeing: usize,
}

impl Tally {
    /// The same without runs that have findings.
    pub(super) fn without(mut self, survey: &Survey, touched: &BTreeSet<RunId>) -> Self {
        let plan = if touched.is_empty() { None } else { survey.plan() };
        let checkpoint = survey.checkpoint.content();
        for run in touched.iter().filter(|run| plan.as_ref().is_some_and(|plan| plan.contains(**run))) {
            let seen = survey.runs.get(run);
            let recorded = checkpoint.and_then(|checkpoint| checkpoint.completed_runs.get(*run));
            let on_disk = status_of(survey, *run, seen);
            self.agreeing -= usize::from(Row { run: *run, planned: true, seen, on_disk, recorded }.agrees());
        }
        self
    }

    /// Counts a row.
    pub(super) fn count(&mut self, row: &Row<'_>) {
        self.missing += usize::from(row.misses_a_verdict());
        self.agreeing += usize::from(row.agrees());
    }
}

/// Every run that the plan, the folder or the checkpoint names, sorted. All three are sorted, so no lookup is needed.
pub fn rows<'a>(survey: &'a Survey, plan: &'a Plan) -> impl Iterator<Item = Row<'a>> {
    let recorded = survey.checkpoint.content().into_iter().flat_map(entries);
    Rows { survey, planned: plan.runs().peekable(), seen: survey.runs.iter().peekable(), recorded: recorded.peekable() }
}

fn entries(checkpoint: &Checkpoint) -> impl Iterator<Item = (RunId, RunStatus)> {
    checkpoint.completed_runs.entries()
}

struct Rows<'a, P: Iterator, R: Iterator> {
    survey: &'a Survey,
    planned: Peekable<P>,
    seen: Peekable<btree_map::Iter<'a, RunId, RunSeen>>,
    recorded: Peekable<R>,
}

impl<'a, P, R> Iterator for Rows<'a, P, R>
where
    P: Iterator<Item = RunId>,
    R: Iterator<Item = (RunId, RunStatus)>,
{
    type Item = Row<'a>;

    fn next(&mut self) -> Option<Row<'a>> {
        let planned = self.planned.peek().copied();
        let seen = self.seen.peek().map(|(run, _)| **run);
        let recorded = self.recorded.peek().map(|(run, _)| *run);
        // In most cases, all three name the same run.
        let run = match planned {
            Some(run) if seen == planned && recorded == planned => run,
            _ => [planned, seen, recorded].into_iter().flatten().min()?,
        };
        let planned = self.planned.next_if_eq(&run).is_some();
        let seen = self.seen.next_if(|(next, _)| **next == run).map(|(_, seen)| seen);
        let recorded = self.recorded.next_if(|(next, _)| *next == run).map(|(_, status)| status);
        Some(Row { run, planned, seen, on_disk: status_of(self.survey, run, seen), recorded })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ids::{SubtestId, TierId};
    use crate::model::survey::ResultFacts;
    use crate::model::usage::Total;

    fn run(text: &str) -> RunId {
        text.parse().unwrap()
    }

    #[test]
    fn a_run_has_one_row_whoever_names_it() {
        let facts = ResultFacts {
            passed: Some(true),
            score: None,
            votes: 1,
            cost: Total::ZERO,
            failed_judges: Total::ZERO,
            seconds: 0.0,
            config: None,
        };
        let unfinished = RunSeen::Unfinished { agent_complete: false, spent: Total::ZERO };
        let mut survey = Survey::default();
        survey.runs.insert(run("T0/00/2"), RunSeen::Committed(facts));
        survey.runs.insert(run("T0/00/10"), unfinished);
        survey.runs.insert(run("T1/07/1"), RunSeen::Unknown);
        let mut plan = Plan::default();
        plan.add(TierId(0), SubtestId(0), 2);
        plan.add(TierId(10), SubtestId(0), 1);
        let rows: Vec<(String, bool, bool, Option<RunStatus>)> = rows(&survey, &plan)
            .map(|row| (row.run.to_string(), row.planned, row.seen.is_some(), row.on_disk))
            .collect();
        let expected = [
            ("T0/00/run_01", true, false, None),
            ("T0/00/run_02", true, true, Some(RunStatus::Passed)),
            ("T0/00/run_10", false, true, None),
            ("T1/07/run_01", false, true, None),
            ("T10/00/run_01", true, false, None),
        ];
        assert_eq!(rows, expected.map(|(run, planned, seen, status)| (run.to_owned(), planned, seen, status)));
    }
}
