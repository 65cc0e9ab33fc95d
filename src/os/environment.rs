//! Which variables of the coordinator's environment are passed on to agents, checks and judges.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use crate::os::program;

/// Variables that programs need to find themselves, their settings and their tools. No credential is among them: a
/// fixture names those that its agents need. Nor are variables that cargo and rustup set for the programs that they
/// start, such as `RUSTUP_TOOLCHAIN`: they belong to the folder in which the command was typed, not to the task.
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

/// The prefix of a family of standard variables.
const STANDARD_PREFIX: &str = "LC_";

/// Standard variables that name places of this machine.
const PLACES: [&str; 9] = [
    "PATH",
    "HOME",
    "SHELL",
    "TMPDIR",
    "CARGO_HOME",
    "RUSTUP_HOME",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "XDG_RUNTIME_DIR",
];

/// A variable that rustup sets for everything that it starts.
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
        // An empty `PATH` would mean the current folder.
        given.extend((!path.is_empty()).then(|| ("PATH".into(), path)));
    }
    given
}

/// Whether a variable is set, and not empty.
#[must_use]
pub fn is_set(inherited: &BTreeMap<OsString, OsString>, name: &str) -> bool {
    inherited.get(OsStr::new(name)).is_some_and(|value| !value.is_empty())
}

/// The part of `inherited` for programs that see the files of another machine: no variable that names a place of this one, but
/// those in `named`. `PATH` is never among them.
#[must_use]
pub fn allowed_elsewhere(inherited: &BTreeMap<OsString, OsString>, named: &[String]) -> BTreeMap<OsString, OsString> {
    let mut given = allowed(inherited, named);
    given.retain(|name, _| {
        let is_named = named.iter().any(|named| name == named.as_str());
        name != "PATH" && (is_named || !PLACES.iter().any(|place| name == place))
    });
    given
}

/// The folder of the toolchains, when rustup started us. In that case `PATH` begins with the programs of one toolchain,
/// which would win over rustup's proxies and decide for every task which toolchain it gets.
fn toolchains(inherited: &BTreeMap<OsString, OsString>) -> Option<PathBuf> {
    let value = |name: &str| inherited.get(OsStr::new(name)).filter(|value| !value.is_empty());
    value(TOOLCHAIN)?;
    let home = value("RUSTUP_HOME").map(PathBuf::from);
    home.or_else(|| Some(Path::new(value("HOME")?).join(".rustup"))).map(|home| home.join("toolchains"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_given_the_allowed_part_of_the_environment_and_nothing_else() {
        let inherited: BTreeMap<OsString, OsString> =
            [("PATH", "/bin"), ("LC_ALL", "C"), ("AWS_SECRET", "x"), ("MY_KEY", "y"), ("LD_PRELOAD", "z")]
                .into_iter()
                .map(|(name, value)| (name.into(), value.into()))
                .collect();
        let given: Vec<String> = allowed(&inherited, &["MY_KEY".to_owned()])
            .keys()
            .map(|name| name.to_string_lossy().into_owned())
            .collect();
        assert_eq!(given, ["LC_ALL", "MY_KEY", "PATH"]);
    }

    #[test]
    fn where_other_files_are_seen_no_variable_names_a_place_of_this_machine_unless_the_fixture_names_it() {
        let inherited = [("PATH", "/bin"), ("HOME", "/home/ada"), ("LANG", "C"), ("CARGO_HOME", "/c"), ("KEY", "k")];
        let inherited: BTreeMap<OsString, OsString> =
            inherited.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        let given = |named: &[&str]| {
            let named: Vec<String> = named.iter().map(|name| (*name).to_owned()).collect();
            allowed_elsewhere(&inherited, &named).into_keys().collect::<Vec<_>>()
        };
        assert_eq!(given(&[]), ["LANG"]);
        assert_eq!(given(&["KEY", "PATH", "CARGO_HOME"]), ["CARGO_HOME", "KEY", "LANG"]);
    }

    #[test]
    fn nothing_that_cargo_and_rustup_set_for_us_reaches_a_program_unless_the_fixture_names_it() {
        let ours = [
            "CARGO",
            "CARGO_MANIFEST_DIR",
            "CARGO_PKG_NAME",
            "CARGO_TARGET_DIR",
            "LD_LIBRARY_PATH",
            "RUSTC",
            "RUSTC_WRAPPER",
            "RUSTDOCFLAGS",
            "RUSTFLAGS",
            "RUSTUP_TOOLCHAIN",
            "RUST_RECURSION_COUNT",
        ];
        let mut inherited: BTreeMap<OsString, OsString> = ours.map(|name| (name.into(), "x".into())).into();
        inherited
            .extend([("RUSTUP_HOME", "/rustup"), ("HOME", "/home")].map(|(name, value)| (name.into(), value.into())));
        inherited.insert("PATH".into(), "/rustup/toolchains/stable/bin:/home/.cargo/bin::bin:/bin".into());
        let given = allowed(&inherited, &[]);
        assert_eq!(given.keys().collect::<Vec<_>>(), ["HOME", "PATH", "RUSTUP_HOME"]);
        // Neither is a toolchain's own folder, which would win over the proxies, nor a relative folder.
        assert_eq!(given[&OsString::from("PATH")], "/home/.cargo/bin:/bin");
        let named = allowed(&inherited, &["RUSTUP_TOOLCHAIN".into(), "LD_LIBRARY_PATH".into()]);
        assert_eq!(named.len(), 5);
        assert_eq!(named[&OsString::from("PATH")], "/rustup/toolchains/stable/bin:/home/.cargo/bin:/bin");
        // Without rustup, a folder that the person chose stays in `PATH`.
        inherited.remove(&OsString::from("RUSTUP_TOOLCHAIN"));
        assert!(allowed(&inherited, &[])[&OsString::from("PATH")].to_string_lossy().starts_with("/rustup/toolchains/"));
        inherited.insert("PATH".into(), ".:".into());
        assert!(!allowed(&inherited, &[]).contains_key(&OsString::from("PATH")));
    }
}
