//! `SciPy` and `NumPy` of fixed versions, installed below the target directory; and what they say of tables of runs.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::failure::Failure;
use crate::place;
use crate::program::Program;

/// What is installed: those versions that the tests' values are from.
const PACKAGES: [&str; 2] = ["numpy==2.4.6", "scipy==1.17.1"];
/// Says what it knows of tables by them alone.
const SCRIPT: &str = "xtask/src/bench/statistics_by_scipy.py";

/// A Python that has both.
pub(super) struct Scipy {
    python: PathBuf,
}

impl Scipy {
    /// Installs them where they are not installed yet; `None` where they cannot be.
    pub(super) fn installed() -> Option<Self> {
        let folder = place::root().join("target/scipy");
        let python = folder.join("bin/python");
        let program = || Program::new(&python.to_string_lossy());
        let ask = "import numpy, scipy; print(f'numpy=={numpy.__version__} scipy=={scipy.__version__}')";
        let is_there = || program().args(["-c", ask]).read().is_ok_and(|said| said.trim() == PACKAGES.join(" "));
        if !is_there() {
            Program::new("python3").args(["-m", "venv", &folder.to_string_lossy()]).read().ok()?;
            program().args(["-m", "pip", "install", "--quiet"]).args(PACKAGES).read().ok()?;
        }
        is_there().then_some(Self { python })
    }

    /// The versions, in words.
    pub(super) fn versions() -> String {
        PACKAGES.join(", ").replace("==", " ").replace("numpy", "NumPy").replace("scipy", "SciPy")
    }

    /// The command that writes the statistics of tables to a file, computed by one thread.
    pub(super) fn statistics(&self, tables: &[PathBuf], to: &Path) -> Result<Command, Failure> {
        let file = File::create(to).map_err(Failure::file("make", to))?;
        let mut command = Command::new(&self.python);
        command.arg(place::root().join(SCRIPT)).args(tables).stdout(file).stderr(Stdio::inherit());
        for variable in ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"] {
            command.env(variable, "1");
        }
        Ok(command)
    }
}
