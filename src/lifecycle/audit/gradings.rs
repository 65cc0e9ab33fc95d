//! Later gradings: whether their fixtures are what was frozen, and whether the newest one is complete.

use super::at;
use crate::lifecycle::gradings::{newest, to_grade};
use crate::model::finding::{Finding, FindingKind};
use crate::model::survey::{Seen, Survey};

pub(super) fn audit_gradings(survey: &Survey, findings: &mut Vec<Finding>) {
    for (number, seen) in &survey.gradings {
        let place = format!("config/gradings/{number}");
        let fixture = format!("{place}/fixture");
        let named = survey.graded.values().filter_map(|graded| graded.by.get(number)?.record);
        let record = survey.grading_records.get(number);
        let others = named.filter(|named| record != Some(named)).count();
        if others > 0 && matches!(seen, Seen::Read(_)) {
            let message = format!("it is not the one that results name: {others}");
            findings.push(at(FindingKind::ConfigChanged, &format!("{place}/grading.json"), message));
        }
        match seen {
            Seen::Read(grading) => match survey.grading_digests.get(number) {
                Some(digest) if *digest == grading.fixture_digest => {}
                Some(digest) => {
                    let message =
                        format!("its content gives `{digest}`, the grading says `{}`", grading.fixture_digest);
                    findings.push(at(FindingKind::ConfigChanged, &fixture, message));
                }
                None if survey.unknown.iter().any(|(place, _)| *place == fixture) => {}
                None => findings.push(at(FindingKind::ConfigChanged, &fixture, "it is not there")),
            },
            Seen::Unreadable(why) | Seen::Strange(why) => {
                findings.push(at(FindingKind::ConfigUnreadable, &format!("{place}/grading.json"), why.clone()));
            }
            Seen::Missing | Seen::Newer { .. } => {}
        }
    }
    let left = to_grade(survey).len();
    if left > 0 && survey.holder.is_none() {
        let (newest, all) = (newest(survey), survey.graded.len());
        let message =
            format!("{left} of {all} committed runs have no verdict under it yet; grading {} counts", survey.counting);
        findings.push(at(FindingKind::IncompleteGrading, &format!("config/gradings/{newest}"), message));
    }
}
