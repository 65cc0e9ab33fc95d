//! Which variables of the coordinator's environment agents, checks and judges are given.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use crate::os::program;

/// Variables that programs need to find themselves, their settings and their tools. No credential is among them: a
/// fixture names those that its agents need. Nor is what cargo and rustup say to the programs that they start, such as
/// `RUSTUP_TOOLCHAIN`: it is of the folder in which a command was typed, not of the task.
const STANDARD: [&str; 15] = [
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "LANG",
    "LANGUAGE",
    "TERM",
    "TMPDIR",
    "TZ",
    "CARGO_HOME",
    "RUSTUP_HOME",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "XDG_RUNTIME_DIR",
];

/// Families of variables, by the beginning of their names.
const STANDARD_PREFIX: &str = "LC_";

/// What rustup puts into the environment of everything that it starts.
const TOOLCHAIN: &str = "RUSTUP_TOOLCHAIN";

/// The part of `inherited` that programs of a run are given: the standard variables and those in `named`.
#[must_use]
pub fn allowed(inherited: &BTreeMap<OsString, OsString>, named: &[String]) -> BTreeMap<OsString, OsString> {
    let is_allowed = |name: &str| {
        STANDARD.contains(&name) || name.starts_with(STANDARD_PREFIX) || named.iter().any(|allowed| allowed == name)
    };
    let mut given: BTreeMap<OsString, OsString> = inherited
        .iter()
        .filter(|(name, _)| name.to_str().is_some_and(is_allowed))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let toolchains = if named.iter().any(|name| name == TOOLCHAIN) { None } else { toolchains(inherited) };
    if let Some(path) = given.remove(OsStr::new("PATH")) {
        let is_wanted = |place: &Path| !toolchains.as_ref().is_some_and(|folder| place.starts_with(folder));
        let path = program::absolute_places(&path, is_wanted);
        // An empty one would mean the folder that one is in.
        given.extend((!path.is_empty()).then(|| ("PATH".into(), path)));
    }
    given
}

/// Where the toolchains lie when rustup started us: its proxies are in `PATH` then, and a toolchain's own programs before
/// them would decide for every task which toolchain it has.
fn toolchains(inherited: &BTreeMap<OsString, OsString>) -> Option<PathBuf> {
    let value = |name: &str| inherited.get(OsStr::new(name)).filter(|value| !value.is_empty());
    value(TOOLCHAIN)?;
    let home = value("RUSTUP_HOME").map(PathBuf::from);
    home.or_else(|| Some(Path::new(value("HOME")?).join(".rustup"))).map(|home| home.join("toolchains"))
}
