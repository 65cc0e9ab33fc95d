//! The signature of an experiment's seal: by `ssh-keygen`, whose keys and files of allowed signers people have already.

use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::time::Duration;

use super::layout::ExperimentFolder;
use crate::model::limits::{MOST_SEAL_BYTES, MOST_STAGE_FILE_BYTES};
use crate::os::files::{self, FileError};
use crate::os::tool::{self, Stdout, Tool, ToolError};

/// What a signature is for, so that one for something else does not pass here.
const NAMESPACE: &str = "cargo-scylla";
/// Most bytes that `ssh-keygen` answers with.
const MOST_ANSWER: usize = 1 << 16;
/// How long it may take: a key in hardware waits for a touch.
const MOST_TIME: Duration = Duration::from_mins(2);

/// Why a seal was not signed, or its signature not accepted.
#[derive(Debug, thiserror::Error)]
pub enum SignatureError {
    /// A file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// `ssh-keygen` cannot be run.
    #[error(transparent)]
    Tool(#[from] ToolError),
    /// It refused.
    #[error("`ssh-keygen` refuses: {0}")]
    Refused(String),
}

/// Whether a seal is signed by somebody who may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signed {
    /// By this person, who may.
    By(String),
    /// There is no signature, or no seal.
    No,
    /// There is one, and it is not accepted: why.
    Wrong(String),
}

/// The signature of the text of a seal by an SSH key.
///
/// # Errors
/// When `ssh-keygen` is not there or refuses the key.
pub fn of(seal: &[u8], key: &Path) -> Result<Vec<u8>, SignatureError> {
    let words = ["-Y", "sign", "-n", NAMESPACE, "-f"].map(OsString::from);
    let answer = keygen(words.into_iter().chain([key.into()]).collect(), Some(seal))?;
    if answer.code != Some(0) {
        return Err(SignatureError::Refused(last_line(&answer.stderr)));
    }
    Ok(answer.stdout)
}

/// Whether the seal of an experiment is signed by one of the allowed signers that a file lists.
///
/// # Errors
/// When a file cannot be read, or `ssh-keygen` is not there.
pub fn signed(folder: &ExperimentFolder, allowed: &Path) -> Result<Signed, SignatureError> {
    let Some(seal) = read(&folder.seal(), MOST_SEAL_BYTES)? else { return Ok(Signed::No) };
    if read(&folder.seal_signature(), MOST_STAGE_FILE_BYTES)?.is_none() {
        return Ok(Signed::No);
    }
    read(allowed, MOST_STAGE_FILE_BYTES)?.ok_or_else(|| gone(allowed))?;
    let signature = folder.seal_signature();
    let of = |command: &str| -> Vec<OsString> {
        vec!["-Y".into(), command.into(), "-f".into(), allowed.into(), "-s".into(), signature.clone().into()]
    };
    let found = keygen(of("find-principals"), None)?;
    let Some(person) = String::from_utf8_lossy(&found.stdout).lines().next().map(str::to_owned) else {
        return Ok(Signed::Wrong("none of the allowed signers has this key".to_owned()));
    };
    let words = ["-n", NAMESPACE, "-I", &person].map(OsString::from);
    let answer = keygen(of("verify").into_iter().chain(words).collect(), Some(&seal))?;
    Ok(match answer.code {
        Some(0) => Signed::By(person),
        _ => Signed::Wrong(format!("it is not the signature of this seal by {person}")),
    })
}

fn keygen(args: Vec<OsString>, stdin: Option<&[u8]>) -> Result<tool::ToolOutput, ToolError> {
    tool::run(&Tool {
        program: "ssh-keygen",
        args,
        cwd: Path::new("."),
        env: &[],
        // Where the person's agent is.
        inherit: &["HOME", "SSH_AUTH_SOCK"],
        stdin,
        stdout: Stdout::Captured(MOST_ANSWER),
        timeout: MOST_TIME,
    })
}

fn read(path: &Path, most: u64) -> Result<Option<Vec<u8>>, FileError> {
    files::read_bounded(path, most).map_err(|error| FileError::new("read", path, io::Error::other(error.to_string())))
}

fn gone(path: &Path) -> FileError {
    FileError::new("read", path, io::Error::from(io::ErrorKind::NotFound))
}

fn last_line(text: &str) -> String {
    text.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or("it says no reason").to_owned()
}
