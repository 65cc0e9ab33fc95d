//! Later gradings: `config/gradings/NN/`, each with its record and a whole fixture.

use crate::model::digest::Digest;
use crate::model::grading::{Grading, GradingNumber};
use crate::model::limits::MOST_STAGE_FILE_BYTES;
use crate::model::survey::{Seen, Survey};
use crate::os::files::{self, Folder, Kind};

use super::layout::ExperimentFolder;
use super::{StoreError, clipped, evidence, own_digest, pretty};

/// Writes the record of a grading, durably: from then on the grading exists. Its fixture has been written before.
///
/// # Errors
/// When it cannot be written.
pub fn write(folder: &ExperimentFolder, grading: &Grading) -> Result<(), StoreError> {
    let path = folder.grading(grading.number);
    Ok(files::write_atomic(&path, &own_digest::add(pretty(grading, &path)?))?)
}

/// The numbers that have a folder, sorted. A folder without a record is a grading that was begun and does not exist
/// yet.
///
/// # Errors
/// When the folder cannot be listed.
pub fn numbers(folder: &ExperimentFolder) -> Result<Vec<GradingNumber>, StoreError> {
    let mut numbers = Vec::new();
    if let Some(gradings) = Folder::open(&folder.gradings())? {
        gradings.each(|name, kind| {
            let number = name.to_str().and_then(GradingNumber::from_folder).filter(|_| kind == Kind::Folder);
            numbers.extend(number);
        })?;
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// The number of the newest grading.
///
/// # Errors
/// When the folder cannot be read.
pub fn newest(folder: &ExperimentFolder) -> Result<GradingNumber, StoreError> {
    let there = |number: &GradingNumber| matches!(read(folder, *number), Seen::Read(_));
    Ok(numbers(folder)?.into_iter().rev().find(there).unwrap_or_default())
}

/// Adds the later gradings to a survey.
pub(super) fn see(folder: &ExperimentFolder, survey: &mut Survey) {
    let numbers = numbers(folder).unwrap_or_else(|error| {
        survey.unknown.push((folder.relative(&folder.gradings()), error.to_string()));
        Vec::new()
    });
    for number in numbers {
        if let Some(bytes) = files::read_if_readable(&folder.grading(number), MOST_STAGE_FILE_BYTES) {
            survey.grading_records.insert(number, Digest::of(&bytes));
        }
        let seen = read(folder, number);
        if seen == Seen::Missing {
            continue;
        }
        survey.gradings.insert(number, seen);
        let fixture = folder.grading_fixture(number);
        match evidence::digest_of_tree(&fixture) {
            Ok(digest) => survey.grading_digests.extend(digest.map(|digest: Digest| (number, digest))),
            Err(error) => survey.unknown.push((folder.relative(&fixture), error.to_string())),
        }
    }
}

/// The record of a grading.
pub(super) fn read(folder: &ExperimentFolder, number: GradingNumber) -> Seen<Grading> {
    match files::read_bounded(&folder.grading(number), MOST_STAGE_FILE_BYTES) {
        Ok(None) => Seen::Missing,
        Err(error) => Seen::Unreadable(clipped(error.to_string())),
        Ok(Some(bytes)) => match serde_json::from_slice::<Grading>(&bytes) {
            Ok(grading) if grading.number == number => match own_digest::fault(&bytes, None) {
                Some(fault) => Seen::Unreadable(fault.to_owned()),
                None => Seen::Read(Box::new(grading)),
            },
            Ok(grading) => Seen::Unreadable(format!("it says that it is grading {}", grading.number)),
            Err(error) => Seen::Unreadable(clipped(error.to_string())),
        },
    }
}
