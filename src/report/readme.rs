//! The first page of a bundle: what it is, what is in it, and how anybody checks it.

use super::results::Report;
use crate::text::escape;
use crate::text::words::{counted, shell_word};

/// Its name.
pub const README: &str = "README.md";

/// What it calls the bundle, whatever that is called: the same results give the same bytes.
const BUNDLE: &str = "bundle.tar.zst";

/// The page of the bundle of a report's experiment.
#[must_use]
pub fn readme(report: &Report) -> String {
    let mut page = String::new();
    let mut add = |line: String| page.extend([line.as_str(), "\n"]);
    let seal = report.experiments.first().and_then(|experiment| experiment.seal);
    for experiment in &report.experiments {
        let whole = &experiment.whole;
        add(format!("# {}\n", escape::markdown(&experiment.name)));
        add(format!(
            "An experiment of cargo-scylla: {} of {} judged.\n",
            whole.judged,
            counted(whole.planned, "planned run")
        ));
        for broken in &experiment.broken_controls {
            add(format!("**{}**\n", escape::markdown(&broken.sentence())));
        }
    }
    add(format!("* results: `{}`", report.results_digest));
    add(seal.map_or_else(|| "* not sealed".to_owned(), |seal| format!("* seal: `{seal}`")));
    add(format!("* bundled by: {}\n", escape::markdown(&report.made_by)));
    let folder = report.experiments.first().map_or("", |experiment| &experiment.name);
    // A name that begins with a dash is no flag behind this.
    let dash = if folder.starts_with('-') { "./" } else { "" };
    let folder = format!("{dash}{}", shell_word(&escape::terminal(folder)));
    add("## To check it\n\n```sh".to_owned());
    add(format!("cargo scylla verify {BUNDLE}"));
    add(format!("tar --zstd -xf {BUNDLE}"));
    if seal.is_some() {
        add(format!("(cd {folder} && sha256sum -c SHA256SUMS)"));
    }
    add(format!("cargo scylla report {folder}\n```\n"));
    add("## What is in it\n".to_owned());
    for what in [
        "the config, and the fixture as it was used: prompt, rubric, subtests",
        "each run, by tier, subtest and number: what the agent was asked and said, its patch, checks, judges, and the result",
        "the trees that setups began with, from which `cargo scylla checkout` makes those that were graded",
        "the checkpoint, an index of the results, which are the truth",
        "the report, made from these results when they were bundled",
        "the seal over all of it, if it is sealed",
    ] {
        add(format!("* {what}"));
    }
    add("\nTrees that agents worked in are left out. What agents and judges wrote is theirs: read it as the text of strangers.".to_owned());
    page
}
