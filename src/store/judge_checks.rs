//! `config/judge-checks/01.json`: what was found of judges before a session started its agents, one file for each check.

use crate::model::gold::JudgeCheck;
use crate::model::limits::MOST_STAGE_FILE_BYTES;
use crate::os::files::{self, FileError, Folder};

use super::layout::ExperimentFolder;
use super::layout::config::number_of_judge_check;
use super::own_digest::Own;
use super::{StoreError, own_digest, pretty};

/// Adds what a check has found, durably, behind those of former sessions, and gives its number.
///
/// # Errors
/// When the folder cannot be listed or the file cannot be written.
pub fn add(folder: &ExperimentFolder, check: &JudgeCheck) -> Result<u32, StoreError> {
    files::create_dir_durable(&folder.judge_checks_dir())?;
    let number = newest_number(folder)? + 1;
    let path = folder.judge_check(number);
    files::write_new(&path, &own_digest::add(pretty(check, &path)?))?;
    Ok(number)
}

/// The newest record; `None` when there is none, or it was altered, which `verify` finds.
///
/// # Errors
/// When the folder cannot be listed.
pub fn newest(folder: &ExperimentFolder) -> Result<Option<JudgeCheck>, StoreError> {
    Ok(read(folder, newest_number(folder)?).ok())
}

/// Those of the records that were altered or are gone, by their places, each with what is wrong with it.
pub(super) fn damaged(folder: &ExperimentFolder) -> Result<Vec<(String, String)>, FileError> {
    let newest = newest_number(folder)?;
    Ok((1..=newest)
        .filter_map(|number| Some((folder.relative(&folder.judge_check(number)), read(folder, number).err()?)))
        .collect())
}

/// The number of the newest record; 0 when there is none.
fn newest_number(folder: &ExperimentFolder) -> Result<u32, FileError> {
    let mut newest = 0;
    if let Some(open) = Folder::open(&folder.judge_checks_dir())? {
        open.each(|name, _| newest = newest.max(name.to_str().and_then(number_of_judge_check).unwrap_or_default()))?;
    }
    Ok(newest)
}

/// Reads a record; why it does not count, otherwise.
fn read(folder: &ExperimentFolder, number: u32) -> Result<JudgeCheck, String> {
    let bytes = files::read_bounded(&folder.judge_check(number), MOST_STAGE_FILE_BYTES);
    let bytes = bytes.map_err(|error| error.to_string())?.ok_or("it is gone, and a later one is there")?;
    let check = serde_json::from_slice(&bytes).map_err(|error| format!("it was altered or torn: {error}"))?;
    // Each version that writes these records writes their digests, too.
    if own_digest::own(&bytes) == Own::Right { Ok(check) } else { Err("it was altered or torn".to_owned()) }
}
