//! A Slurm of the distribution, which is installed where it is missing: the tests start clusters of their own with its programs.

use std::env;
use std::path::{Path, PathBuf};

use crate::failure::Failure;
use crate::program::Program;
use crate::say;

/// The programs that tests start, each with Debian's package.
const PROGRAMS: [(&str, &str); 4] =
    [("slurmctld", "slurmctld"), ("slurmd", "slurmd"), ("munged", "munge"), ("sbatch", "slurm-client")];

/// Folders with daemons, which are not in everybody's search path.
const MORE: [&str; 3] = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

/// Installs what is missing, which takes apt-get and root.
pub(super) fn install() -> Result<(), Failure> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = env::split_paths(&path).chain(MORE.iter().map(PathBuf::from)).collect();
    let packages = missing(&folders);
    if packages.is_empty() {
        return Ok(());
    }
    let is_root = Program::new("id").args(["-u"]).read()?.trim() == "0";
    if !is_root || !is_there("apt-get", &folders) {
        return Err(Failure::Uninstalled { packages });
    }
    say::heading(&format!("installing {}", packages.join(" ")));
    apt_get(&["update", "-qq"]).run()?;
    apt_get(&["install", "-y", "-qq", "--no-install-recommends"]).args(packages).run()?;
    let packages = missing(&folders);
    if packages.is_empty() { Ok(()) } else { Err(Failure::Uninstalled { packages }) }
}

fn apt_get(arguments: &[&str]) -> Program {
    Program::new("apt-get").args(arguments.iter().copied()).variable("DEBIAN_FRONTEND", "noninteractive")
}

/// The packages of programs that are in none of the folders.
fn missing(folders: &[PathBuf]) -> Vec<String> {
    let missing = PROGRAMS.iter().filter(|(program, _)| !is_there(program, folders));
    missing.map(|(_, package)| (*package).to_owned()).collect()
}

fn is_there(program: &str, folders: &[PathBuf]) -> bool {
    folders.iter().map(|folder| folder.join(program)).any(|file| Path::is_file(&file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_of_programs_that_are_not_there_are_missing() {
        let folder = tempfile::tempdir().unwrap();
        let folders = [folder.path().to_owned()];
        assert_eq!(missing(&folders), ["slurmctld", "slurmd", "munge", "slurm-client"]);
        for program in ["slurmctld", "munged"] {
            std::fs::write(folder.path().join(program), "").unwrap();
        }
        assert_eq!(missing(&folders), ["slurmd", "slurm-client"]);
    }

    #[test]
    fn the_script_of_the_ci_installs_the_same_packages() {
        let script = std::fs::read_to_string(crate::place::root().join(".ci/run")).unwrap();
        for (program, package) in PROGRAMS {
            assert!(script.contains(&format!("[{program}]={package}")), "{program}");
        }
    }

    #[test]
    fn who_cannot_install_is_told_how() {
        let failure = Failure::Uninstalled { packages: vec!["slurmd".to_owned(), "munge".to_owned()] };
        assert_eq!(failure.to_string(), "slurmd and munge are not installed, and that takes apt-get and root");
        let hint =
            "install what has these programs, on Debian by `apt-get install --no-install-recommends slurmd munge`";
        assert_eq!(failure.hint().as_deref(), Some(hint));
    }
}
