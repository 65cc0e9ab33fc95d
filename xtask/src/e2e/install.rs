//! Programs of agents from their package managers, in pinned versions, each in a folder of its own: nothing is put or kept anywhere
//! else.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Instant;

use scylla::agent::named;
use scylla::model::installation::{Installation, Package, version_in};
use serde::Deserialize;

use crate::failure::Failure;
use crate::program::Program;
use crate::say;

/// The kinds of agents whose programs are installed.
pub(super) const NAMES: [&str; 6] = ["claude-code", "codex", "gemini", "opencode", "mini-swe-agent", "aider"];

/// The versions, which the tests read too.
const PINNED: &str = include_str!("../../../tests/it/real_agents/versions.json");

/// What is pinned of a program.
#[derive(Debug, Deserialize)]
struct Pinned {
    version: String,
    /// Packages that it needs and does not pin itself, with their versions.
    #[serde(default)]
    with: BTreeMap<String, String>,
}

/// Installs the programs that are not there yet in these versions, and puts all into `bin`.
pub(super) fn install(folder: &Path, only: &[String]) -> Result<(), Failure> {
    let pinned: BTreeMap<String, Pinned> = serde_json::from_str(PINNED).map_err(|error| unreadable(&error))?;
    make(&folder.join("bin"))?;
    make(&folder.join("home"))?;
    for name in NAMES.into_iter().filter(|name| only.is_empty() || only.iter().any(|wanted| wanted == name)) {
        let pinned = pinned.get(name).ok_or_else(|| unreadable(&format!("`{name}` is not in it")))?;
        let agent = named(name, false).map_err(|why| unreadable(&why))?;
        let installation = agent.installation().ok_or_else(|| unreadable(&format!("`{name}` has no program")))?;
        one(folder, name, installation, pinned)?;
    }
    let cache = folder.join(CACHE);
    if cache.exists() {
        fs::remove_dir_all(&cache).map_err(Failure::file("remove", &cache))?;
    }
    Ok(())
}

/// The folder in which package managers keep what they fetch, until all is installed.
const CACHE: &str = "cache";
/// The file that says what is installed in a folder, whole: it is written last.
const STAMP: &str = "installed";

/// Installs one program.
fn one(folder: &Path, name: &str, installation: &Installation, pinned: &Pinned) -> Result<(), Failure> {
    let (own, cache) = (folder.join(name), folder.join(CACHE));
    let packages = packages(installation.package, pinned);
    let stamp = own.join(STAMP);
    let begun = Instant::now();
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == packages.join("\n")) {
        say::line(&format!("{name} {} is installed", pinned.version));
    } else {
        if own.exists() {
            fs::remove_dir_all(&own).map_err(Failure::file("remove", &own))?;
        }
        make(&own)?;
        for program in installing(installation.package, &own, &cache, &packages)? {
            program.run()?;
        }
        fs::write(&stamp, packages.join("\n")).map_err(Failure::file("write", &stamp))?;
        say::line(&format!("{name} {} installed in {:.0} s", pinned.version, begun.elapsed().as_secs_f64()));
    }
    let program = match installation.package {
        Package::Npm(_) => own.join("node_modules/.bin").join(installation.program),
        Package::Pip(..) => own.join("bin").join(installation.program),
    };
    let link = folder.join("bin").join(installation.program);
    let _ = fs::remove_file(&link);
    symlink(&program, &link).map_err(Failure::file("link", &link))?;
    says_version(&link, installation, &folder.join("home"), &pinned.version)
}

/// Each package with its version, as its package manager spells it.
fn packages(package: Package, pinned: &Pinned) -> Vec<String> {
    let (first, separator) = match package {
        Package::Npm(name) => (name, "@"),
        Package::Pip(name, _) => (name, "=="),
    };
    let with = pinned.with.iter().map(|(name, version)| (name.as_str(), version));
    [(first, &pinned.version)]
        .into_iter()
        .chain(with)
        .map(|(name, version)| format!("{name}{separator}{version}"))
        .collect()
}

/// The programs that install packages into a folder.
fn installing(package: Package, own: &Path, cache: &Path, packages: &[String]) -> Result<Vec<Program>, Failure> {
    let (own, cache) = (own.to_string_lossy(), cache.to_string_lossy());
    match package {
        Package::Npm(_) => {
            is_there("node", "nodejs")?;
            is_there("npm", "npm")?;
            let npm = Program::new("npm").args(["install", "--prefix", &own, "--cache", &cache]);
            let quiet = ["--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error"];
            Ok(vec![npm.args(quiet).args(packages)])
        }
        Package::Pip(..) => {
            is_there("python3", "python3")?;
            let ensured = Program::new("python3").args(["-c", "import ensurepip, venv"]).read();
            ensured.map_err(|_| Failure::Missing { program: "venv, a module of python3,", package: "python3-venv" })?;
            let venv = Program::new("python3").args(["-m", "venv", &own]);
            let pip = Program::new(&format!("{own}/bin/python")).args(["-m", "pip", "install", "--quiet"]);
            let quiet = ["--disable-pip-version-check", "--cache-dir", &cache];
            Ok(vec![venv, pip.args(quiet).args(packages)])
        }
    }
}

fn is_there(program: &'static str, package: &'static str) -> Result<(), Failure> {
    Program::new(program).args(["--version"]).read().map(drop).map_err(|_| Failure::Missing { program, package })
}

/// Fails unless the program says that it is the version that was pinned. It may leave what it likes in a home.
fn says_version(program: &Path, installation: &Installation, home: &Path, version: &str) -> Result<(), Failure> {
    let asked = Program::new(&program.to_string_lossy()).args([installation.version_argument]);
    let own = installation.variables.iter().copied();
    let asked = own.fold(asked, |asked, (name, value)| asked.variable(name, value));
    let asked = asked.variable("HOME", &home.to_string_lossy());
    let command = asked.words();
    let printed = asked.read()?;
    if version_in(printed.as_bytes()).as_deref() == Some(version) {
        return Ok(());
    }
    Err(Failure::Version { command, wanted: version.to_owned(), printed: printed.trim().to_owned() })
}

fn make(folder: &Path) -> Result<(), Failure> {
    fs::create_dir_all(folder).map_err(Failure::file("make", folder))
}

fn unreadable(why: &dyn std::fmt::Display) -> Failure {
    Failure::Versions { why: why.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_program_is_pinned_with_the_packages_that_it_needs_and_no_other_is() {
        let pinned: BTreeMap<String, Pinned> = serde_json::from_str(PINNED).unwrap();
        let mut names = NAMES;
        names.sort_unstable();
        assert_eq!(pinned.keys().map(String::as_str).collect::<Vec<_>>(), names);
        for name in NAMES {
            let agent = named(name, false).unwrap();
            if let Package::Pip(_, others) = agent.installation().unwrap().package {
                assert!(others.iter().all(|other| pinned[name].with.contains_key(*other)), "{name}: {others:?}");
            }
        }
    }

    #[test]
    fn packages_are_spelled_as_npm_and_pip_do() {
        let with = BTreeMap::from([("mcp".to_owned(), "2.3.0".to_owned())]);
        let pinned = Pinned { version: "1.2.3".to_owned(), with };
        assert_eq!(packages(Package::Pip("mini", &["mcp"]), &pinned), ["mini==1.2.3", "mcp==2.3.0"]);
        let pinned = Pinned { version: "1.2.3".to_owned(), with: BTreeMap::new() };
        assert_eq!(packages(Package::Npm("@openai/codex"), &pinned), ["@openai/codex@1.2.3"]);
    }

    #[test]
    fn what_installs_is_named_when_it_is_not_there() {
        let failure = is_there("no-such-program", "no-such-package").unwrap_err();
        assert_eq!(failure.to_string(), "no-such-program is not there, and programs of agents are installed with it");
        assert_eq!(failure.hint().as_deref(), Some("install it, on Debian by `apt-get install no-such-package`"));
    }

    #[test]
    fn a_program_that_says_another_version_is_told_with_what_it_says() {
        let agent = named("claude-code", false).unwrap();
        let (git, home) = (Path::new("git"), tempfile::tempdir().unwrap());
        let failure = says_version(git, agent.installation().unwrap(), home.path(), "0.0.1").unwrap_err();
        let told = failure.to_string();
        assert!(told.starts_with("`git --version` says \"git version "), "{told}");
        assert!(told.ends_with(", not that it is version 0.0.1"), "{told}");
    }
}
