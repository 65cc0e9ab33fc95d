//! What tiers inherit from winners: compares what is frozen with what the results name.

use crate::model::finding::{Finding, FindingKind};
use crate::model::ids::TierId;
use crate::model::place::Place;
use crate::model::survey::{Seen, Survey};

use super::{at, newer};

/// Reports files that cannot be read, and files with other winners than the results that were made from them.
pub(super) fn audit_inherited(survey: &Survey, findings: &mut Vec<Finding>) {
    let place = |tier: TierId| survey.spelled(Place::Inherited(tier));
    for (tier, seen) in &survey.inherited {
        match seen {
            Seen::Missing | Seen::Translated | Seen::Read(_) => {}
            Seen::Unreadable(why) | Seen::UnknownFormat(why) => {
                findings.push(at(FindingKind::ConfigUnreadable, place(*tier), why.clone()));
            }
            Seen::Newer { version, .. } => findings.push(newer(place(*tier), version)),
        }
    }
    // A live coordinator freezes what a tier inherits and commits its runs while the folder is being read.
    if survey.holder.is_some() {
        return;
    }
    for (tier, winners) in &survey.inheritance {
        let frozen = match survey.inherited.get(tier) {
            None | Some(Seen::Missing) => None,
            Some(Seen::Read(frozen)) => Some(frozen),
            Some(Seen::Unreadable(_) | Seen::UnknownFormat(_) | Seen::Translated | Seen::Newer { .. }) => continue,
        };
        let is_frozen = |source, winner| {
            let taken = frozen.and_then(|frozen| frozen.sources.get(&source));
            taken.is_some_and(|taken| taken.winner.subtest == winner)
        };
        let other = winners.iter().filter(|(source, winner)| !is_frozen(*source, *winner));
        let other: Vec<String> = other.map(|(source, winner)| format!("{source}/{winner}")).collect();
        if !other.is_empty() {
            let is = if frozen.is_some() { "it says other winners" } else { "it is not there" };
            let message = format!("{is}, and results of {tier} took over {}", other.join(", "));
            findings.push(at(FindingKind::ConfigChanged, place(*tier), message));
        }
    }
}
