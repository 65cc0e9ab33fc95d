//! Which run, setup or tier a person means: by its name in an experiment, or by the path of its folder.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use crate::cli::args::Which;
use crate::cli::args::show::named;
use crate::cli::choose::choose;
use crate::cli::console::Console;
use crate::cli::error::{CliError, shown};
use crate::model::ids::{RunId, RunNumber, SubtestId, TierId};
use crate::os::files;
use crate::store::find::open_known;
use crate::store::layout::{ExperimentFolder, below_tiers};
use crate::text::escape;
use crate::text::words::{shell_bytes, shell_word};

/// The part of an experiment that a person means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// A run.
    Run(RunId),
    /// All runs of a setup.
    Setup(TierId, SubtestId),
    /// All setups of a tier.
    Tier(TierId),
}

/// The experiment and the part that a person means.
#[derive(Debug)]
pub struct Meant {
    /// The experiment.
    pub folder: ExperimentFolder,
    /// Its folder, as the person names it.
    pub name: String,
    /// The part.
    pub part: Part,
}

/// Determines what a person means by one word or two.
///
/// # Errors
/// When there is no such experiment, or it has no such part; when nothing is named.
pub fn meant(which: &Which, what: Option<&Path>, console: &mut Console) -> Result<Meant, CliError> {
    let Some((which, typed)) = named(which, what) else {
        return Err(CliError::usage("no run is named").hint("name one, such as `T0/00/1`"));
    };
    let which = &which;
    let current = console.current_dir()?;
    let path = current.join(typed);
    // What is no text can be a path, and no name of a part.
    let what = typed.to_str().unwrap_or_default();
    // An existing folder is meant by its path, unless an experiment is named as well and the word is a name in that.
    let by_path = if which.dir.is_some() && part(what).is_some() { None } else { part_at(&path) };
    if let Some((folder, part)) = by_path {
        let name = shown(folder.root(), &current);
        let is_other = |beside: &ExperimentFolder| {
            std::fs::canonicalize(beside.root()).is_ok_and(|beside| beside != folder.root())
        };
        if which.dir.is_some() && is_other(&choose(which, console)?.0) {
            return Err(CliError::usage(format!(
                "`{}` is a part of another experiment, `{name}`",
                escape::terminal(&typed.to_string_lossy())
            ))
            .hint("name one experiment, or the path alone"));
        }
        return Ok(Meant { folder, name, part });
    }
    let Some(part) = part(what) else { return Err(no_part(which, typed, &path)) };
    let (folder, name) = choose(which, console)?;
    Ok(Meant { folder, name, part })
}

/// The run that a person means; a whole setup is not accepted.
///
/// # Errors
/// As [`meant`], and when it is not a run.
pub fn run_meant(
    which: &Which,
    what: Option<&Path>,
    console: &mut Console,
) -> Result<(ExperimentFolder, String, RunId), CliError> {
    let Meant { folder, name, part } = meant(which, what, console)?;
    match part {
        Part::Run(run) => Ok((folder, name, run)),
        Part::Setup(..) | Part::Tier(_) => {
            let dir = shell_word(&name);
            Err(CliError::usage(format!("`{part}` is not one run")).hint(format!(
                "name one, such as `T0/00/1`; `cargo scylla show {dir} {}` shows its runs",
                shell_word(&part.to_string())
            )))
        }
    }
}

impl std::fmt::Display for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Run(run) => run.fmt(f),
            Self::Setup(tier, subtest) => write!(f, "{tier}/{subtest}"),
            Self::Tier(tier) => tier.fmt(f),
        }
    }
}

/// A part by its name: `T0`, `T0/00`, `T0/00/1` or `T0/00/run_01`.
fn part(what: &str) -> Option<Part> {
    let what = what.trim_end_matches('/');
    let of_setup = || {
        let (tier, subtest) = what.split_once('/')?;
        Some(Part::Setup(tier.parse().ok()?, subtest.parse().ok()?))
    };
    what.parse().map(Part::Run).ok().or_else(of_setup).or_else(|| what.parse().map(Part::Tier).ok())
}

/// A part by the path of its folder, or of a file in a run's folder.
fn part_at(path: &Path) -> Option<(ExperimentFolder, Part)> {
    files::kind_of(path).ok().flatten()?;
    let path = std::fs::canonicalize(path).ok()?;
    let folder = path.ancestors().skip(1).find_map(open_known)?;
    let below = below_tiers(path.strip_prefix(folder.root()).ok()?);
    let mut names = below.iter().map(OsStr::to_str);
    let tier: TierId = names.next()??.parse().ok()?;
    let Some(subtest) = names.next() else { return Some((folder, Part::Tier(tier))) };
    let subtest: SubtestId = subtest?.parse().ok()?;
    let Some(run) = names.next() else { return Some((folder, Part::Setup(tier, subtest))) };
    let run = RunNumber::from_folder(run?)?;
    Some((folder, Part::Run(RunId { tier, subtest, run })))
}

fn no_part(which: &Which, typed: &Path, path: &Path) -> CliError {
    let shown = escape::terminal(&typed.to_string_lossy()).into_owned();
    if which.dir.is_none() && ExperimentFolder::open(path).is_ok() {
        // A word that begins with a dash is no flag behind this.
        let dash = if typed.as_os_str().as_bytes().starts_with(b"-") { "./" } else { "" };
        let dir = format!("{dash}{}", shell_bytes(typed.as_os_str().as_bytes()));
        return CliError::usage(format!("`{shown}` is an experiment; which run of it?")).hint(format!(
            "name one, such as `cargo scylla show {dir} T0/00/1`; `cargo scylla status {dir} --by subtest` shows the setups"
        ));
    }
    CliError::usage(format!("`{shown}` is neither a run, a setup or a tier, nor the path of one"))
        .hint("a run is named like `T0/00/1` or `T0/00/run_01`, a setup like `T0/00`, a tier like `T0`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_named_in_each_of_its_spellings() {
        for (text, named) in [
            ("T0", Some("T0")),
            ("T0/", Some("T0")),
            ("T1/02", Some("T1/02")),
            ("T1/02/3", Some("T1/02/run_03")),
            ("T1/02/run_03/", Some("T1/02/run_03")),
            ("T1/2", None),
            ("t0", None),
            ("", None),
            ("T0/00/run_01/agent", None),
        ] {
            assert_eq!(part(text).map(|part| part.to_string()).as_deref(), named, "{text}");
        }
    }
}
