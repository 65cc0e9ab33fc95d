//! Which variables of the coordinator's environment agents, checks and judges are given.

use std::collections::BTreeMap;
use std::ffi::OsString;

/// Variables that programs need to find themselves, their settings and their tools. No credential is among them: a
/// fixture names those that its agents need.
const STANDARD: [&str; 16] = [
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
    "RUSTUP_TOOLCHAIN",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "XDG_RUNTIME_DIR",
];

/// Families of variables, by the beginning of their names.
const STANDARD_PREFIX: &str = "LC_";

/// The part of `inherited` that programs of a run are given: the standard variables and those in `named`.
#[must_use]
pub fn allowed(inherited: &BTreeMap<OsString, OsString>, named: &[String]) -> BTreeMap<OsString, OsString> {
    let is_allowed = |name: &str| {
        STANDARD.contains(&name) || name.starts_with(STANDARD_PREFIX) || named.iter().any(|allowed| allowed == name)
    };
    inherited
        .iter()
        .filter(|(name, _)| name.to_str().is_some_and(is_allowed))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}
