//! Later gradings: whether their fixtures are still those that were frozen, and whether the newest one is complete.

use super::{at, of_run};
use crate::model::finding::{Finding, FindingKind};
use crate::model::grading::GradingNumber;
use crate::model::place::{Place, RunPlace};
use crate::model::survey::{Seen, Survey};
use crate::rules::gradings::{lost_verdicts, newest, to_grade};

pub(super) fn audit_gradings(survey: &Survey, findings: &mut Vec<Finding>) {
    for (number, seen) in &survey.gradings {
        let record_place = || survey.spelled(Place::GradingRecord(*number));
        let fixture = survey.spelled(Place::GradingFixture(*number));
        let named = survey.graded.values().filter_map(|graded| graded.by.get(number)?.record);
        let record = survey.grading_records.get(number);
        let others = named.filter(|named| record != Some(named)).count();
        if others > 0 && matches!(seen, Seen::Read(_)) {
            let message = format!("it is not the one that results name: {others}");
            findings.push(at(FindingKind::ConfigChanged, record_place(), message));
        }
        match seen {
            Seen::Read(grading) => match survey.grading_digests.get(number) {
                Some(digest) if *digest == grading.fixture_digest => {}
                Some(digest) => {
                    let message =
                        format!("its content gives `{digest}`, the grading says `{}`", grading.fixture_digest);
                    findings.push(at(FindingKind::ConfigChanged, fixture, message));
                }
                None if survey.unknown.iter().any(|(place, _)| *place == fixture) => {}
                None => findings.push(at(FindingKind::ConfigChanged, fixture, "it is not there")),
            },
            Seen::Unreadable(why) | Seen::UnknownFormat(why) => {
                findings.push(at(FindingKind::ConfigUnreadable, record_place(), why.clone()));
            }
            Seen::Missing if survey.holder.is_none() => {
                let finding = at(FindingKind::LostGrading, record_place(), lost(survey, *number));
                findings.push(finding);
            }
            Seen::Missing | Seen::Translated | Seen::Newer { .. } => {}
        }
    }
    audit_verdicts(survey, findings);
    let left = to_grade(survey).len();
    let is_lost = matches!(survey.gradings.get(&newest(survey)), Some(Seen::Missing));
    if left > 0 && survey.holder.is_none() && !is_lost {
        let (newest, all) = (newest(survey), survey.graded.len());
        let message =
            format!("{left} of {all} committed runs have no verdict under it yet; grading {} counts", survey.counting);
        findings.push(at(FindingKind::IncompleteGrading, survey.spelled(Place::Grading(newest)), message));
    }
}

/// How it is known that a grading existed whose record is gone.
fn lost(survey: &Survey, number: GradingNumber) -> String {
    let verdicts = survey.graded.values().filter(|graded| graded.has(number)).count();
    match verdicts {
        0 => format!("there was a grading {number}, and its record is not there"),
        1 => format!("the verdict of 1 run names grading {number}, and its record is not there"),
        verdicts => format!("verdicts of {verdicts} runs name grading {number}, and its record is not there"),
    }
}

/// Verdicts that are gone, with what they cost: if they are asked for again, they are paid twice.
fn audit_verdicts(survey: &Survey, findings: &mut Vec<Finding>) {
    // While a coordinator works, runs are set aside while the folder is being read.
    if survey.holder.is_some() {
        return;
    }
    for (run, number) in lost_verdicts(survey) {
        let place = survey.spelled(Place::Of(&survey.place(run), RunPlace::Grading(number)));
        let is_named = survey.problems.iter().any(|problem| problem.run == run && problem.place == place);
        let is_hidden = survey.unknown.iter().any(|(hidden, _)| hidden.starts_with(&survey.place(run)));
        if !is_named && !is_hidden {
            let message = format!("the run had a verdict under grading {number}, and it is gone");
            findings.push(Finding { place, ..of_run(survey, FindingKind::BrokenGrading, run, message) });
        }
    }
}
