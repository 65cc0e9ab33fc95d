//! Tests that need what only a package manager can install: programs of agents, which are put below the target directory, and Slurm,
//! which the machine is given.

mod install;
mod slurm;

use clap::Subcommand;
use clap::builder::PossibleValuesParser;

use crate::failure::Failure;
use crate::program::Program;
use crate::{place, say};

/// What is tried with the real thing.
#[derive(Debug, Subcommand)]
pub(crate) enum E2e {
    /// Real programs of agents work against a scripted model server: they are installed below target/agents/, in pinned versions
    /// (takes npm, python3 with venv, and minutes)
    Agents {
        /// Only these programs
        #[arg(long, value_name = "NAME", num_args = 1.., value_parser = PossibleValuesParser::new(install::NAMES))]
        only: Vec<String>,
        /// Only install them
        #[arg(long)]
        install: bool,
    },
    /// Whole experiments on Slurm: each test starts a cluster of its own. Slurm is installed from the distribution where it is
    /// missing (takes apt-get and root)
    Slurm,
}

/// The tests of all programs.
const TESTS: &str = "real_agents::";
/// The tests with a cluster.
const ON_SLURM: &str = "slurm::";

/// Does it.
pub(crate) fn e2e(what: E2e) -> Result<(), Failure> {
    match what {
        E2e::Agents { only, install } => agents(&only, install),
        E2e::Slurm => {
            slurm::install()?;
            test(vec![ON_SLURM.to_owned()], ("SCYLLA_SLURM", "required"))
        }
    }
}

fn agents(only: &[String], install: bool) -> Result<(), Failure> {
    let folder = place::root().join("target/agents");
    install::install(&folder, only)?;
    if install {
        return Ok(());
    }
    let wanted =
        if only.is_empty() { vec![TESTS.to_owned()] } else { only.iter().map(|name| tests_of(name)).collect() };
    test(wanted, ("SCYLLA_REAL_AGENTS", &folder.to_string_lossy()))
}

/// Runs these tests with a variable that asks for them.
fn test(wanted: Vec<String>, (variable, value): (&str, &str)) -> Result<(), Failure> {
    let tests = Program::cargo().args(["test", "--workspace", "--test", "it", "--"]).args(wanted);
    // Who asks for tests that are not there must not be told that all is well.
    let listed = tests.clone().args(["--list"]).read()?;
    if counted(&listed) == 0 {
        return Err(Failure::Silent { command: tests.words(), wanted: "a test" });
    }
    say::heading(&tests.words());
    // Most of them start several programs at once.
    tests.args(["--nocapture", "--test-threads", "2"]).variable(variable, value).run()
}

/// The tests of one program.
fn tests_of(name: &str) -> String {
    format!("{TESTS}{}::", name.replace('-', "_"))
}

/// How many tests a list has.
fn counted(listed: &str) -> usize {
    listed.lines().filter(|line| line.ends_with(": test")).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_program_has_tests_of_its_own_which_its_name_finds() {
        for name in install::NAMES {
            let module = tests_of(name).replace("::", "/");
            let file = place::root().join("tests/it").join(module.trim_end_matches('/')).with_extension("rs");
            assert!(file.is_file(), "{}", file.display());
        }
    }

    #[test]
    fn only_tests_are_counted_in_a_list() {
        assert_eq!(counted("real_agents::codex::works: test\n\n1 test, 0 benchmarks\n"), 1);
        assert_eq!(counted("0 tests, 0 benchmarks\n"), 0);
    }
}
