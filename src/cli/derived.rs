//! What is derived from an experiment, and lies in its folder: the files of its report.

use std::cell::RefCell;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use crate::cli::error::{CliError, On as _};
use crate::engine::reported::{add_whole, reported};
use crate::model::digest::{Digest, Digesting};
use crate::model::experiment::MADE_BY;
use crate::model::finding::{Finding, FindingKind};
use crate::model::limits::MOST_STAGE_FILE_BYTES;
use crate::model::reported::Reported;
use crate::os::files::{self, Folder, Kind, TEMPORARY_PREFIX};
use crate::report::results::check::{Against, Lying, check};
use crate::report::results::stamp::{STAMP, Stamp};
use crate::stats::summaries::Settings;
use crate::store::StoreError;
use crate::store::layout::ExperimentFolder;
use crate::text::words::counted;

/// So many files that no stamp names are looked at; those that are named all are.
const MOST_UNNAMED: usize = 1_000;
/// Bytes that are read at a time.
const PART_BYTES: usize = 64 << 10;

/// The name that a report has for the experiment in this folder.
#[must_use]
pub fn name_of(folder: &ExperimentFolder) -> String {
    let root = std::path::absolute(folder.root()).unwrap_or_else(|_| folder.root().to_owned());
    root.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// The stamp in the folder of a report: `None` when there is none, and `Some(None)` when it is none that can be read.
///
/// # Errors
/// When that cannot be determined.
pub fn stamp_in(dir: &Path) -> Result<Option<Option<Stamp>>, CliError> {
    match files::read_bounded(&dir.join(STAMP), MOST_STAGE_FILE_BYTES) {
        Ok(bytes) => Ok(bytes.map(|bytes| Stamp::read(&bytes))),
        Err(files::ReadError::Io(error)) => Err(StoreError::from(files::ReadError::Io(error)).into()),
        Err(_) => Ok(Some(None)),
    }
}

/// What the folder of an experiment has of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reports {
    /// Nothing.
    None,
    /// Files that no stamp tells of.
    Unstamped,
    /// A stamp.
    Stamped,
}

/// What the folder of an experiment has of a report.
///
/// # Errors
/// When that cannot be determined.
pub fn reports(folder: &ExperimentFolder) -> Result<Reports, CliError> {
    let dir = folder.report();
    if files::kind_of(&dir)? != Some(Kind::Folder) {
        return Ok(Reports::None);
    }
    if files::kind_of(&dir.join(STAMP))?.is_some() {
        return Ok(Reports::Stamped);
    }
    Ok(if lying(&dir, None)?.0.is_empty() { Reports::None } else { Reports::Unstamped })
}

/// Holds the report in an experiment's folder against its results. Nothing is written, and no link is followed.
///
/// # Errors
/// When the experiment cannot be read.
pub fn findings(folder: &ExperimentFolder, typed: &str, is_made_again: bool) -> Result<Vec<Finding>, CliError> {
    let dir = folder.report();
    let stamp = stamp_in(&dir)?.flatten();
    let experiment = reported(folder, name_of(folder)).on(typed)?;
    let settings = Settings::default();
    let failed = RefCell::new(Ok(()));
    let add_whole = |experiment: &mut Reported| {
        if let Err(error) = add_whole(folder, experiment) {
            *failed.borrow_mut() = Err(error);
        }
    };
    let (experiment, add_whole) = (&experiment, &add_whole);
    let against = Against { experiment, made_by: MADE_BY, settings: &settings, is_made_again, add_whole };
    let (lying, left_out) = lying(&dir, stamp.as_ref())?;
    let mut wrong = check(stamp.as_ref(), &lying, against);
    failed.into_inner().on(typed)?;
    if left_out > 0 {
        let why = format!("{} that no stamp names were not looked at", counted(left_out, "more file"));
        wrong.push((".".to_owned(), FindingKind::UncheckedReport, why));
    }
    let finding = |(name, kind, message): (String, _, _)| Finding {
        kind,
        place: folder.relative(&if name == "." { dir.clone() } else { dir.join(name.replace('/', "\u{2215}")) }),
        run: None,
        message,
    };
    Ok(wrong.into_iter().map(finding).collect())
}

/// What lies in the folder of a report, and how many files beyond were not looked at. What a writer that was killed has left is no
/// file of a report: the next one removes it.
fn lying(dir: &Path, stamp: Option<&Stamp>) -> Result<(Lying, usize), CliError> {
    let (mut lying, mut unnamed, mut left_out) = (Lying::new(), 0, 0);
    let Some(open) = Folder::open(dir)? else { return Ok((lying, left_out)) };
    open.each(|name, kind| {
        let name = name.to_string_lossy().into_owned();
        if name.starts_with(TEMPORARY_PREFIX) {
            return;
        }
        if name != STAMP && stamp.is_none_or(|stamp| !stamp.files.contains_key(&name)) {
            if unnamed == MOST_UNNAMED {
                left_out += 1;
                return;
            }
            unnamed += 1;
        }
        let digest = match kind {
            Kind::File => digest_of(&dir.join(&name)),
            _ => Err("it is no regular file".to_owned()),
        };
        lying.insert(name, digest);
    })?;
    Ok((lying, left_out))
}

/// The digest of a file's bytes.
///
/// # Errors
/// Why there is none: it is no regular file, or cannot be read.
pub fn digest_of(path: &Path) -> Result<Digest, String> {
    let mut file: File = files::open_regular(path).map_err(|error| error.to_string())?;
    let (mut digesting, mut part) = (Digesting::default(), vec![0; PART_BYTES]);
    loop {
        match file.read(&mut part) {
            Ok(0) => return Ok(digesting.end()),
            Ok(read) => digesting.add(&part[..read]),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.to_string()),
        }
    }
}
