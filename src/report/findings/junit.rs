//! What `verify` found, as `JUnit` XML: a test case for each planned run, and one for each finding that is about no
//! run.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io::{self, Write};
use std::ops::Add;

use crate::model::finding::{Finding, Level};
use crate::model::ids::RunId;
use crate::text::escape::{terminal, xml};

use super::{Format, PlannedRun, Verification, cure_text, level_name, sentence};

/// This format.
pub(super) static FORMAT: Format = Format {
    name: "junit",
    about: "`JUnit` XML: a test for each planned run",
    write: |verifications, _, out| junit(verifications, out),
};

/// Writes the XML to `out`: a suite for each folder.
///
/// A run without a result is an error, a run with a finding is a failure. The verdict of a run is a property: a run
/// that did not solve its task is a result, not a failure of the folder.
///
/// # Errors
/// When `out` cannot be written.
fn junit(verifications: &[Verification], out: &mut dyn Write) -> io::Result<()> {
    let suites: Vec<(&Verification, Cases)> = verifications.iter().map(|one| (one, Cases::new(one))).collect();
    let all = suites.iter().fold(Counts::default(), |all, (_, cases)| all + cases.counts);
    writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
    writeln!(out, "<testsuites name=\"cargo scylla verify\" {all}>")?;
    for (verification, cases) in &suites {
        suite(verification, cases, out)?;
    }
    writeln!(out, "</testsuites>")
}

fn suite(verification: &Verification, cases: &Cases, out: &mut dyn Write) -> io::Result<()> {
    let name = xml(verification.experiment_id.unwrap_or("experiment")).into_owned();
    writeln!(out, "  <testsuite name=\"{name}\" {}>", cases.counts)?;
    for planned in verification.runs {
        run_case(&name, planned, cases.of(planned.run), verification, out)?;
    }
    for finding in &cases.others {
        let title = format!("{}: {}", finding.kind, finding.place);
        writeln!(out, "    <testcase classname=\"{name}\" name=\"{}\">", xml(&title))?;
        end_of_case(&[finding], verification, out)?;
    }
    for (number, sentence) in (1..).zip(verification.policy) {
        writeln!(out, "    <testcase classname=\"{name}\" name=\"policy {number}\">")?;
        writeln!(out, "      <failure type=\"policy-not-met\" message=\"{}\"/>", xml(sentence))?;
        writeln!(out, "    </testcase>")?;
    }
    writeln!(out, "  </testsuite>")
}

/// The counts that stand at the head of a suite, and of all.
#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    tests: usize,
    failures: usize,
    errors: usize,
    skipped: usize,
}

impl Add for Counts {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            tests: self.tests + other.tests,
            failures: self.failures + other.failures,
            errors: self.errors + other.errors,
            skipped: self.skipped + other.skipped,
        }
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { tests, failures, errors, skipped } = self;
        write!(f, "tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\" skipped=\"{skipped}\"")
    }
}

/// Findings by the test case that they belong to.
struct Cases<'a> {
    by_run: BTreeMap<RunId, Vec<&'a Finding>>,
    others: Vec<&'a Finding>,
    counts: Counts,
}

impl<'a> Cases<'a> {
    fn new(verification: &Verification<'a>) -> Self {
        let planned: BTreeSet<RunId> = verification.runs.iter().map(|planned| planned.run).collect();
        let mut cases = Self { by_run: BTreeMap::new(), others: Vec::new(), counts: Counts::default() };
        for finding in verification.by_kind().into_iter().flat_map(|(_, findings)| findings) {
            match finding.run.filter(|run| planned.contains(run)) {
                Some(run) => cases.by_run.entry(run).or_default().push(finding),
                None => cases.others.push(finding),
            }
        }
        cases.counts = cases.count(verification);
        cases
    }

    fn of(&self, run: RunId) -> &[&'a Finding] {
        self.by_run.get(&run).map_or(&[], Vec::as_slice)
    }

    fn count(&self, verification: &Verification) -> Counts {
        let worst = self
            .by_run
            .values()
            .filter_map(|findings| findings.iter().map(|finding| finding.kind.level()).max())
            .chain(self.others.iter().map(|finding| finding.kind.level()));
        let policy = verification.policy.len();
        let (mut failures, mut errors) = (policy, 0);
        for level in worst {
            match level {
                Level::Damaged | Level::Mendable | Level::Outdated => failures += 1,
                Level::Incomplete => errors += 1,
                Level::Warning | Level::Note => {}
            }
        }
        let is_skipped = |planned: &&PlannedRun| planned.facts.is_none() && self.of(planned.run).is_empty();
        let skipped = verification.runs.iter().filter(is_skipped).count();
        Counts { tests: verification.runs.len() + self.others.len() + policy, failures, errors, skipped }
    }
}

fn run_case(
    suite: &str,
    planned: &PlannedRun,
    findings: &[&Finding],
    verification: &Verification,
    out: &mut dyn Write,
) -> io::Result<()> {
    let RunId { tier, subtest, run } = planned.run;
    write!(out, "    <testcase classname=\"{suite}.{tier}.{subtest}\" name=\"{}\"", run.folder())?;
    let Some(facts) = planned.facts else {
        writeln!(out, ">")?;
        if findings.is_empty() {
            writeln!(out, "      <skipped message=\"there is no result yet\"/>")?;
        }
        return end_of_case(findings, verification, out);
    };
    writeln!(out, " time=\"{:.3}\">", facts.seconds)?;
    writeln!(out, "      <properties>")?;
    let passed = facts.passed.map_or_else(|| "unknown".to_owned(), |passed| passed.to_string());
    writeln!(out, "        <property name=\"passed\" value=\"{passed}\"/>")?;
    if let Some(score) = facts.score {
        writeln!(out, "        <property name=\"score\" value=\"{score}\"/>")?;
    }
    let cost = facts.cost.at_least().map_or_else(|| "unknown".to_owned(), |least| least.dollars().to_string());
    writeln!(out, "        <property name=\"cost_usd\" value=\"{cost}\"/>")?;
    if !facts.cost.is_whole() {
        writeln!(out, "        <property name=\"cost_unknown\" value=\"{}\"/>", facts.cost.unknown)?;
    }
    writeln!(out, "      </properties>")?;
    end_of_case(findings, verification, out)
}

fn end_of_case(findings: &[&Finding], verification: &Verification, out: &mut dyn Write) -> io::Result<()> {
    // A test case has one result: that of the worst finding, with the others in its text. There is only one such
    // element, because some readers keep only the last of several.
    if let Some((worst, others)) = findings.split_first() {
        let mut lines = Vec::new();
        lines.extend(finding_element(worst, verification, out)?);
        lines.extend(others.iter().map(|other| format!("{}: {} {}", other.kind, other.place, other.message)));
        if !lines.is_empty() {
            let lines: Vec<_> = lines.iter().map(|line| content(line)).collect();
            writeln!(out, "      <system-out>{}</system-out>", lines.join("\n"))?;
        }
    }
    writeln!(out, "    </testcase>")
}

/// Writes the element that makes the test case fail; for a finding that does not, gives its text instead.
fn finding_element(finding: &Finding, verification: &Verification, out: &mut dyn Write) -> io::Result<Option<String>> {
    let level = finding.kind.level();
    let element = match level {
        Level::Damaged | Level::Mendable | Level::Outdated => "failure",
        Level::Incomplete => "error",
        Level::Warning | Level::Note => {
            return Ok(Some(format!("{} ({}): {}", finding.kind, level_name(level), finding.message)));
        }
    };
    let text = format!("{}: {} {}", finding.place, sentence(finding), cure_text(finding, verification.folder));
    writeln!(
        out,
        "      <{element} type=\"{}\" message=\"{}\">{}</{element}>",
        finding.kind,
        xml(&finding.message),
        content(&text)
    )?;
    Ok(None)
}

/// A text between tags: on one line, and without character references, which not every reader supports there.
fn content(text: &str) -> String {
    xml(&terminal(text)).into_owned()
}
