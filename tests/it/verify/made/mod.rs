//! The rows of the table: each a way to make a finding, and the ways to mend it.

mod checkpoint;
mod config;
mod damage;
mod gradings;
mod places;
mod processes;
mod projectscylla;
mod report;
mod results;
mod seal;

use scylla::model::finding::FindingKind;

use super::table::{Case, From, Row, Step, Way};

/// Every row.
pub(super) fn rows() -> Vec<Row> {
    let areas = [
        checkpoint::rows(),
        results::rows(),
        report::rows(),
        seal::rows(),
        gradings::rows(),
        config::rows(),
        damage::rows(),
        places::rows(),
        processes::rows(),
        projectscylla::rows(),
    ];
    areas.into_iter().flatten().collect()
}

/// What most rows share.
const ROW: Row = Row {
    kind: FindingKind::ForeignFile,
    made: "",
    from: From::Finished,
    make: |_: &mut Case| {},
    places: &[],
    beside: &[],
    no_longer_missing: &[],
    exit: 5,
    ways: &[],
};

/// The printed command mends it, and everything agrees.
const PRINTED: &[Way] = &[Way(&[Step::Printed(0)], 0)];
/// The printed command sets a run aside, and a resume makes it anew.
const PRINTED_AND_RESUMED: &[Way] = &[Way(&[Step::Printed(0), Step::Types("resume", 0)], 0)];
