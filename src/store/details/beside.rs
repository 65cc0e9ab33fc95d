//! What is stored beside a run's result: its former attempts, its gradings, and its files.

use std::path::{Path, PathBuf};

use crate::model::details::{AttemptDetails, FileDetails, GradingDetails, RunDetails};
use crate::model::exchanges::{Ledger, OfAttempt, OfJudge};
use crate::model::grading::GradingNumber;
use crate::model::ids::{AttemptNumber, RunId};
use crate::model::limits::MOST_STAGE_FILE_BYTES;
use crate::model::result::AttemptRecord;
use crate::os::files::{self, Folder, Kind};
use crate::store::layout::{PRIVATE, RunFolder, WORKSPACE, judge_from_folder};
use crate::store::{StoreError, attempts, claimed, form, gradings};

use super::{Found, Reading};

/// How many files are listed.
const MOST_FILES: usize = 60;
/// How deep the folders of a run are nested.
const MOST_LEVELS: usize = 5;

impl Reading<'_> {
    /// The run's former attempts, in their order.
    pub(super) fn former(&self, run: RunId) -> Result<Vec<AttemptDetails>, StoreError> {
        self.former_folders(run)?.into_iter().map(|(_, folder)| self.attempt(folder)).collect()
    }

    /// The folders of the run's former attempts, in their order; a name may not say which attempt it was.
    fn former_folders(&self, run: RunId) -> Result<Vec<(Option<AttemptNumber>, PathBuf)>, StoreError> {
        let place = self.place(run)?;
        let failed = place.root().with_file_name(crate::store::layout::FAILED);
        let form = if self.is_ours { form::of_ours(self.folder)? } else { &form::OTHER };
        let mut names = Vec::new();
        for name in folders_in(&failed)? {
            let numbered = AttemptNumber::from_folder(&name);
            let of = numbered.map(|(of, _)| of).or_else(|| (form.unnumbered_attempt)(&name));
            if of == Some(run.run) {
                names.push((numbered.map(|(_, number)| number), name));
            }
        }
        names.sort_unstable();
        Ok(names.into_iter().map(|(number, name)| (number, failed.join(name))).collect())
    }

    /// What the gateway wrote down of each attempt: of former ones in their order, and of the present one, which is the last.
    ///
    /// # Errors
    /// When the system does not let something be read.
    pub fn exchanges(&self, run: RunId) -> Result<Vec<OfAttempt>, StoreError> {
        let of = |folder: &RunFolder, attempt, is_former| {
            let path = self.folder.relative(&folder.usage());
            claimed::ledger(&folder.usage()).map(|ledger| OfAttempt { attempt, is_former, path, ledger })
        };
        let mut all = Vec::new();
        for (attempt, folder) in self.former_folders(run)? {
            all.push(of(&RunFolder::at(folder), attempt, true)?);
        }
        all.push(of(&self.place(run)?, None, false)?);
        Ok(all)
    }

    /// What the judges of the run's present attempt asked their models, as the gateway wrote it down: in their order, answers that were set
    /// aside before the one that stands. Of judges that asked past it there is nothing.
    ///
    /// # Errors
    /// When the system does not let something be read.
    pub fn judges_exchanges(&self, run: RunId) -> Result<Vec<OfJudge>, StoreError> {
        let own = self.place(run)?;
        let graded = own.graded(self.counting);
        let is_graded = files::kind_of(&graded.judges())? == Some(Kind::Folder);
        let folder = if is_graded { graded } else { own };
        let mut all = Vec::new();
        for (dir, is_former) in [(folder.failed_judges(), true), (folder.judges(), false)] {
            for name in folders_in(&dir)? {
                let judge = if is_former { name.split("_attempt_").next().unwrap_or_default() } else { &name };
                let Some(judge) = judge_from_folder(judge) else { continue };
                let usage = RunFolder::usage_in(&dir.join(&name));
                let (path, ledger) = (self.folder.relative(&usage), claimed::ledger(&usage)?);
                if ledger != Ledger::Absent {
                    all.push(OfJudge { judge, is_former, path, ledger });
                }
            }
        }
        all.sort_by_key(|of| of.judge);
        Ok(all)
    }

    fn attempt(&self, path: PathBuf) -> Result<AttemptDetails, StoreError> {
        let attempt = RunFolder::at(path);
        let bytes = files::read_bounded(&attempt.attempt_record(), MOST_STAGE_FILE_BYTES).unwrap_or_default();
        let record = bytes.and_then(|bytes| serde_json::from_slice::<AttemptRecord>(&bytes).ok());
        let cost = attempts::cost(&attempt)?;
        Ok(AttemptDetails { folder: self.folder.relative(attempt.root()), record, cost })
    }

    pub(super) fn add_attempts(&self, details: &mut RunDetails) -> Result<(), StoreError> {
        details.attempts = self.former(details.run)?;
        details.former_cost = details.attempts.iter().map(|attempt| attempt.cost).sum();
        Ok(())
    }

    /// Adds the gradings of the run, when the experiment has several.
    pub(super) fn add_gradings(&self, details: &mut RunDetails, own: &RunFolder) -> Result<(), StoreError> {
        let later = gradings::numbers(self.folder)?;
        if later.is_empty() || !self.is_ours {
            return Ok(());
        }
        let first = match self.found(own)? {
            Found::Ours(result, None, _) => Some(result),
            _ => None,
        };
        for number in [GradingNumber::FIRST].into_iter().chain(later) {
            let result = match &first {
                Some(result) if result.grading == number => Some((**result).clone()),
                _ if number.is_first() => None,
                _ => self.graded(details.run, number)?.map(|(result, _)| result),
            };
            let record = gradings::read(self.folder, number);
            let record = record.content();
            details.gradings.push(GradingDetails {
                number,
                passed: result.as_ref().map(|result| result.judge_passed),
                score: result.as_ref().map(|result| result.judge_score),
                at: record.map(|record| record.at),
                reason: record.and_then(|record| record.reason.clone()),
                counts: number == self.counting,
            });
        }
        Ok(())
    }

    /// Adds the files of the run, sorted by path; a kept working tree is the agent's and is not listed.
    pub(super) fn add_files(&self, details: &mut RunDetails, own: &RunFolder) -> Result<(), StoreError> {
        let mut found = Vec::new();
        if files::kind_of(own.root())? == Some(Kind::Folder)
            && let Some(open) = Folder::open(own.root())?
        {
            list(&open, 1, &mut found)?;
        }
        found.sort_unstable();
        details.more_files = found.len().saturating_sub(MOST_FILES);
        let shown = |(path, bytes): (PathBuf, u64)| FileDetails { bytes, path: self.folder.relative(&path) };
        details.files = found.into_iter().take(MOST_FILES).map(shown).collect();
        Ok(())
    }
}

/// Adds each file in and below an open folder, with its bytes.
fn list(folder: &Folder, level: usize, found: &mut Vec<(PathBuf, u64)>) -> Result<(), StoreError> {
    let mut below = Vec::new();
    folder.each(|name, kind| match kind {
        Kind::File => found.push((folder.path().join(name), folder.size_of(name).unwrap_or_default())),
        Kind::Folder if name != WORKSPACE && name != PRIVATE && level < MOST_LEVELS => below.push(name.to_owned()),
        _ => {}
    })?;
    for name in below {
        if let Some(open) = folder.folder(&name)? {
            list(&open, level + 1, found)?;
        }
    }
    Ok(())
}

/// The names of the folders in one, sorted; none where it is not there, or something else is.
fn folders_in(dir: &Path) -> Result<Vec<String>, StoreError> {
    let mut names = Vec::new();
    if files::kind_of(dir)? == Some(Kind::Folder)
        && let Some(open) = Folder::open(dir)?
    {
        open.each(|name, kind| names.extend(name.to_str().filter(|_| kind == Kind::Folder).map(str::to_owned)))?;
    }
    names.sort_unstable();
    Ok(names)
}
