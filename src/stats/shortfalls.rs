//! Why runs did not pass, counted for each setup.

use std::collections::BTreeMap;

use crate::model::ids::{RunId, SetupId, SubtestId, TierId};
use crate::model::outcome::AgentEnd;
use crate::model::shortfall::{FailedOf, SetupShortfall, Shortfall, Why};

/// The reasons of each setup's runs that did not pass, those of most runs first. `done` knows how many runs of a setup are
/// done.
pub fn by_setup<'a>(
    runs: impl Iterator<Item = (RunId, &'a Shortfall)>,
    done: &BTreeMap<SetupId, usize>,
) -> Vec<SetupShortfall> {
    let mut counted: BTreeMap<(TierId, SubtestId, Reason), SetupShortfall> = BTreeMap::new();
    for (run, shortfall) in runs {
        let (tier, subtest) = (run.tier, run.subtest);
        for why in reasons(shortfall) {
            let reason = Reason::of(&why, shortfall.changed_nothing);
            let line = counted.entry((tier, subtest, reason)).or_insert_with(|| SetupShortfall {
                tier,
                subtest,
                why,
                changed_nothing: shortfall.changed_nothing,
                runs: 0,
                of: done.get(&(tier, subtest)).copied().unwrap_or_default(),
                first: run,
                excerpt: None,
            });
            line.runs += 1;
        }
    }
    let mut lines: Vec<SetupShortfall> = counted.into_values().collect();
    lines.sort_by_key(|line| (line.tier, line.subtest, usize::MAX - line.runs));
    lines
}

/// What is one line: how many seconds a check took until its limit does not tell two lines apart.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Reason {
    why: Why,
    timed_out: bool,
    changed_nothing: bool,
}

impl Reason {
    fn of(why: &Why, changed_nothing: bool) -> Self {
        let (why, timed_out) = match why {
            Why::Check { check, timed_out_after } => {
                (Why::Check { check: check.clone(), timed_out_after: None }, timed_out_after.is_some())
            }
            why => (why.clone(), false),
        };
        Self { why, timed_out, changed_nothing }
    }
}

/// Why a run did not pass: what its agent did, or else each check that failed.
#[must_use]
pub fn reasons(shortfall: &Shortfall) -> Vec<Why> {
    match shortfall {
        Shortfall { end, .. } if *end != AgentEnd::Finished => vec![Why::AgentEnd { agent_end: *end }],
        Shortfall { exit_code: Some(code), .. } if *code != 0 => vec![Why::Exited { exit_code: *code }],
        Shortfall { changed_nothing: true, .. } => vec![Why::ChangedNothing],
        Shortfall { checks, .. } => checks
            .iter()
            .map(|FailedOf { name, timed_out_after }| Why::Check {
                check: name.clone(),
                timed_out_after: *timed_out_after,
            })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shortfall(end: AgentEnd, exit_code: i32, changed_nothing: bool, checks: &[(&str, Option<u64>)]) -> Shortfall {
        let failed =
            |(name, after): &(&str, Option<u64>)| FailedOf { name: (*name).to_owned(), timed_out_after: *after };
        Shortfall { end, exit_code: Some(exit_code), changed_nothing, checks: checks.iter().map(failed).collect() }
    }

    #[test]
    fn what_came_first_in_a_run_is_its_reason_and_equal_reasons_are_one_line() {
        let runs = [
            ("T0/00/1", shortfall(AgentEnd::Finished, 1, true, &[("many", None)])),
            ("T0/00/2", shortfall(AgentEnd::Finished, 1, true, &[("many", None)])),
            ("T0/00/3", shortfall(AgentEnd::TimedOut, 0, false, &[("many", None)])),
            ("T0/01/1", shortfall(AgentEnd::Finished, 0, false, &[("few", None), ("many", Some(5))])),
            ("T0/01/2", shortfall(AgentEnd::Finished, 0, false, &[("many", Some(6))])),
            ("T0/01/3", shortfall(AgentEnd::Finished, 0, true, &[("many", None)])),
        ];
        let done = BTreeMap::from([((TierId(0), SubtestId(0)), 3), ((TierId(0), SubtestId(1)), 4)]);
        let lines = by_setup(runs.iter().map(|(run, shortfall)| (run.parse().unwrap(), shortfall)), &done);
        let told: Vec<String> = lines
            .iter()
            .map(|line| format!("{} {:?} {} of {} {}", line.first, line.why, line.runs, line.of, line.changed_nothing))
            .collect();
        assert_eq!(
            told,
            [
                "T0/00/run_01 Exited { exit_code: 1 } 2 of 3 true",
                "T0/00/run_03 AgentEnd { agent_end: TimedOut } 1 of 3 false",
                "T0/01/run_01 Check { check: \"many\", timed_out_after: Some(5) } 2 of 4 false",
                "T0/01/run_03 ChangedNothing 1 of 4 true",
                "T0/01/run_01 Check { check: \"few\", timed_out_after: None } 1 of 4 false",
            ]
        );
    }
}
