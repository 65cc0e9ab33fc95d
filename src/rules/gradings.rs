//! Which grading counts. Numbers never mix gradings: the newest one counts under which every committed run has a
//! verdict.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::checkpoint::Verdicts;
use crate::model::grading::GradingNumber;
use crate::model::ids::RunId;
use crate::model::survey::{Graded, GradedFacts, ResultFacts, RunSeen, Survey};
use crate::model::usage::Total;

/// Sets for each run of a survey the verdict of the grading that counts. A run without a verdict under that grading
/// counts as not judged; its agent is done.
///
/// A grading whose record is lost still counts as before: its verdicts were paid for, and until it is restored no other
/// grading takes its place.
pub fn settle(survey: &mut Survey) {
    for number in named(survey) {
        survey.gradings.entry(number).or_default();
    }
    if survey.gradings.is_empty() {
        return;
    }
    // When no grading was known, the survey did not ask runs whose folders contain none.
    for (run, seen) in &survey.runs {
        if let RunSeen::Committed(facts) = seen {
            survey.graded.entry(*run).or_insert_with(|| of_the_first(facts));
        }
    }
    let later = survey.gradings.keys().rev().copied();
    let complete = |number: &GradingNumber| survey.graded.values().all(|graded| graded.has(*number));
    survey.counting = later.chain([GradingNumber::FIRST]).find(complete).unwrap_or_default();
    for (run, graded) in &survey.graded {
        if let Some(RunSeen::Committed(facts)) = survey.runs.get(run).copied() {
            let settled = under(graded, facts, survey.counting);
            survey.runs.insert(*run, settled);
        }
    }
}

/// The later gradings that must have existed: those that folders of runs or the checkpoint name, and the first one that
/// is missing in the sequence.
fn named(survey: &Survey) -> BTreeSet<GradingNumber> {
    let mut named = survey.graded_by.clone();
    named.extend(recorded(survey).into_iter().flat_map(BTreeMap::keys));
    let all = survey.gradings.keys().chain(&named).copied().collect::<BTreeSet<_>>();
    let missing = (2..).map(GradingNumber).zip(&all).find(|(expected, is)| expected != *is);
    named.extend(missing.map(|(expected, _)| expected));
    named
}

fn of_the_first(facts: &ResultFacts) -> Graded {
    let ResultFacts { passed, score, votes, cost, failed_judges, seconds, .. } = *facts;
    let by = GradedFacts { passed, score, votes, seconds, judges: Total::ZERO, failed_judges, record: None };
    Graded { agent: cost, without_verdict: Total::ZERO, by: [(GradingNumber::FIRST, by)].into() }
}

/// The verdicts under later gradings that the checkpoint names, if the checkpoint is unaltered.
fn recorded(survey: &Survey) -> Option<&Verdicts> {
    let is_whole = survey.checkpoint_fault.is_none();
    survey.checkpoint.content().filter(|_| is_whole).map(|checkpoint| &checkpoint.graded)
}

/// The verdicts that the checkpoint names and that no longer exist.
pub(super) fn lost_verdicts(survey: &Survey) -> Vec<(RunId, GradingNumber)> {
    let recorded = recorded(survey).into_iter().flatten();
    let each = recorded.flat_map(|(number, runs)| runs.iter().map(|run| (*run, *number)));
    each.filter(|(run, number)| survey.graded.get(run).is_some_and(|graded| !graded.has(*number))).collect()
}

/// The verdicts under later gradings that a checkpoint should name: those that it named, and those in the folder.
#[must_use]
pub fn verdicts(survey: &Survey, former: &Verdicts) -> Verdicts {
    let mut verdicts = former.clone();
    for (run, graded) in &survey.graded {
        for number in graded.by.keys().filter(|number| !number.is_first() && graded.has(**number)) {
            verdicts.entry(*number).or_default().insert(*run);
        }
    }
    verdicts
}

fn under(graded: &Graded, facts: ResultFacts, counting: GradingNumber) -> RunSeen {
    let elsewhere: Total = graded.by.iter().filter(|(number, _)| **number != counting).map(|(_, by)| by.spent()).sum();
    let beside = graded.without_verdict + elsewhere;
    match graded.by.get(&counting) {
        Some(GradedFacts { passed, score, votes, seconds, judges, failed_judges, .. }) => {
            RunSeen::Committed(ResultFacts {
                passed: *passed,
                score: *score,
                votes: *votes,
                seconds: *seconds,
                cost: graded.agent + *judges,
                failed_judges: beside + *failed_judges,
                ..facts
            })
        }
        None => RunSeen::Unfinished { agent_complete: true, spent: graded.agent + beside },
    }
}

/// The newest grading, by which finished work is graded from now on.
#[must_use]
pub fn newest(survey: &Survey) -> GradingNumber {
    survey.gradings.keys().next_back().copied().unwrap_or_default()
}

/// Committed runs without a verdict under the newest grading.
#[must_use]
pub fn to_grade(survey: &Survey) -> BTreeSet<RunId> {
    let newest = newest(survey);
    survey.graded.iter().filter(|(_, graded)| !graded.has(newest)).map(|(run, _)| *run).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::money::Usd;
    use crate::model::survey::Seen;

    fn usd(dollars: f64) -> Total {
        Usd::from_dollars(dollars).unwrap().into()
    }

    fn graded(by: &[(u32, bool)]) -> Graded {
        let facts = |passed| GradedFacts {
            passed: Some(passed),
            score: Some(f64::from(u8::from(passed))),
            votes: 1,
            seconds: 1.0,
            judges: usd(0.1),
            failed_judges: usd(0.01),
            record: None,
        };
        let by: BTreeMap<_, _> = by.iter().map(|(number, passed)| (GradingNumber(*number), facts(*passed))).collect();
        Graded { agent: usd(1.0), without_verdict: Total::ZERO, by }
    }

    fn survey(runs: &[(&str, &[(u32, bool)])]) -> Survey {
        let mut survey = Survey::default();
        survey.gradings.insert(GradingNumber(2), Seen::Unreadable("not looked at here".to_owned()));
        survey.gradings.insert(GradingNumber(3), Seen::Unreadable("not looked at here".to_owned()));
        for (run, by) in runs {
            let run: RunId = run.parse().unwrap();
            let facts = ResultFacts {
                passed: Some(by[0].1),
                score: None,
                votes: 1,
                cost: usd(1.1),
                failed_judges: usd(0.01),
                seconds: 1.0,
                config: None,
            };
            survey.runs.insert(run, RunSeen::Committed(facts));
            survey.graded.insert(run, graded(by));
        }
        settle(&mut survey);
        survey
    }

    fn verdicts(survey: &Survey) -> Vec<Option<bool>> {
        let verdict = |seen: &RunSeen| match seen {
            RunSeen::Committed(facts) => facts.passed,
            _ => None,
        };
        survey.runs.values().map(verdict).collect()
    }

    #[test]
    fn the_newest_grading_under_which_every_committed_run_has_a_verdict_counts_alone() {
        let complete =
            survey(&[("T0/00/1", &[(1, true), (2, false), (3, true)]), ("T0/00/2", &[(1, true), (2, false)])]);
        assert_eq!((complete.counting, verdicts(&complete)), (GradingNumber(2), vec![Some(false), Some(false)]));
        assert_eq!(to_grade(&complete).len(), 1, "the newest one is still to be finished");
        let first = survey(&[("T0/00/1", &[(1, true), (2, false)]), ("T0/00/2", &[(1, false)])]);
        assert_eq!((first.counting, verdicts(&first)), (GradingNumber(1), vec![Some(true), Some(false)]));
        let none = survey(&[("T0/00/1", &[(1, true)]), ("T0/00/2", &[(3, true)])]);
        assert_eq!((none.counting, verdicts(&none)), (GradingNumber(1), vec![Some(true), None]));
    }

    #[test]
    fn what_every_grading_cost_is_spent_and_each_run_cost_what_the_one_that_counts_did() {
        let survey = survey(&[("T0/00/1", &[(1, true), (2, false), (3, true)])]);
        let Some(RunSeen::Committed(facts)) = survey.runs.values().next() else { panic!("not committed") };
        assert_eq!((facts.cost, facts.cost + facts.failed_judges), (usd(1.1), usd(1.33)));
    }
}
