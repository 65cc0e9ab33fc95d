//! The limit of every survey: all bytes of all results, read at known levels on several threads, digested and parsed.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread;

use rustix::fs::{CWD, Mode, OFlags, openat};
use scylla::model::digest::Digest;
use serde::de::IgnoredAny;

use crate::failure::Failure;

/// Runs that are read for each opening of their subtest's folder.
const AT_A_TIME: usize = 512;

/// As many threads as the product's survey takes.
pub(super) fn threads() -> usize {
    (thread::available_parallelism().map_or(1, usize::from) + 8).min(16)
}

/// What is done with the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    /// They are read.
    Read,
    /// They are read, and each file is digested and passed through the parser of JSON, which keeps nothing: what no survey that
    /// holds results against their digests can spare.
    Look,
}

/// Reads every result of an experiment; their bytes.
pub(super) fn all_results(experiment: &Path, what: What) -> Result<u64, Failure> {
    let mut pieces: Vec<(PathBuf, Vec<String>)> = Vec::new();
    for tier in folders(experiment, "T")? {
        let tier = experiment.join(tier);
        for subtest in folders(&tier, "")? {
            let subtest = tier.join(subtest);
            let runs = folders(&subtest, "run_")?;
            pieces.extend(runs.chunks(AT_A_TIME).map(|runs| (subtest.clone(), runs.to_vec())));
        }
    }
    let (next, bytes) = (AtomicUsize::new(0), AtomicU64::new(0));
    let read = || -> Result<(), Failure> {
        let mut buffer = vec![0; 1 << 16];
        while let Some((subtest, runs)) = pieces.get(next.fetch_add(1, Ordering::Relaxed)) {
            bytes.fetch_add(piece(subtest, runs, what, &mut buffer)?, Ordering::Relaxed);
        }
        Ok(())
    };
    thread::scope(|scope| {
        let readers: Vec<_> = (0..threads()).map(|_| scope.spawn(read)).collect();
        readers.into_iter().try_for_each(|reader| reader.join().unwrap_or(Ok(())))
    })?;
    Ok(bytes.into_inner())
}

/// The names of the folders that begin so.
fn folders(parent: &Path, prefix: &str) -> Result<Vec<String>, Failure> {
    let mut names = Vec::new();
    for entry in fs::read_dir(parent).map_err(Failure::file("list", parent))? {
        let entry = entry.map_err(Failure::file("list", parent))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with(prefix) && !name.starts_with('.') && entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            names.push(name);
        }
    }
    Ok(names)
}

fn piece(subtest: &Path, runs: &[String], what: What, buffer: &mut [u8]) -> Result<u64, Failure> {
    let failed = |error: rustix::io::Errno| Failure::file("read the results in", subtest)(error.into());
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    let folder = openat(CWD, subtest, flags | OFlags::DIRECTORY, Mode::empty()).map_err(failed)?;
    let mut bytes = 0;
    let mut name = String::new();
    for run in runs {
        name.clear();
        name.push_str(run);
        name.push_str("/run_result.json");
        let file = openat(&folder, name.as_str(), flags, Mode::empty()).map_err(failed)?;
        let mut whole = Vec::new();
        loop {
            let length = rustix::io::read(&file, &mut *buffer).map_err(failed)?;
            bytes += length as u64;
            if what == What::Look {
                whole.extend_from_slice(&buffer[..length]);
            }
            // A regular file that gives less than it is asked for is at its end.
            if length < buffer.len() {
                break;
            }
        }
        if what == What::Look {
            std::hint::black_box(Digest::of(&whole));
            serde_json::from_slice::<IgnoredAny>(&whole)
                .map_err(|error| Failure::file("parse", subtest)(error.into()))?;
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_read_at_their_level_and_nowhere_else() {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in [
            ("T0/00/run_01/run_result.json", "12345"),
            ("T12/100/run_100/run_result.json", "123"),
            ("T0/00/.failed/run_01/run_result.json", "1"),
            ("repo.git/00/run_01/run_result.json", "1"),
        ] {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        for what in [What::Read, What::Look] {
            assert_eq!(all_results(folder.path(), what).unwrap(), 8);
        }
    }
}
