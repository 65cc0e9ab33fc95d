//! Everything that reports say of judged runs, read on several threads; alone, because other readers need one run or less of each.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::model::details::RunDetails;
use crate::model::digest::Digest;
use crate::model::ids::RunId;
use crate::model::limits::MOST_STAGE_FILE_BYTES;
use crate::os::files;

use super::details::{Extent, Reading};
use super::threads;

/// Reads these runs, which are judged: of each what its result says, and the digest of the result's bytes. A run that cannot
/// be read any more is left out.
#[must_use]
pub fn runs(reading: &Reading<'_>, runs: &[RunId]) -> BTreeMap<RunId, (RunDetails, Digest)> {
    let all = Mutex::new(BTreeMap::new());
    let take = |mut part: BTreeMap<RunId, (RunDetails, Digest)>| {
        all.lock().unwrap_or_else(PoisonError::into_inner).append(&mut part);
    };
    let each = |part: &mut BTreeMap<RunId, (RunDetails, Digest)>, run: &RunId| {
        part.extend(one(reading, *run).map(|read| (*run, read)));
    };
    threads::share(runs, BTreeMap::new, each, take);
    all.into_inner().unwrap_or_else(PoisonError::into_inner)
}

fn one(reading: &Reading<'_>, run: RunId) -> Option<(RunDetails, Digest)> {
    let details = reading.read(run, Extent::Result).ok()?;
    let place = reading.place(run).ok()?;
    let by_counting = place.graded(reading.counting).result();
    let path = if matches!(files::kind_of(&by_counting), Ok(Some(_))) { by_counting } else { place.result() };
    let bytes = files::read_if_readable(&path, MOST_STAGE_FILE_BYTES)?;
    Some((details, Digest::of(&bytes)))
}
