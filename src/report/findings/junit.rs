//! What `verify` found, as `JUnit` XML: a test case for each planned run, and one for each finding that is about none.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use crate::model::finding::{Finding, Level};
use crate::model::ids::RunId;
use crate::text::escape::{terminal, xml};

use super::{Format, PlannedRun, Verification, cure_text, level_name, sentence};

/// The form.
pub(super) static FORMAT: Format = Format {
    name: "junit",
    about: "`JUnit` XML: a test for each planned run",
    write: |verification, _, out| junit(verification, out),
};

/// Writes the XML to `out`.
///
/// A run without a result is an error, a run about which there is a finding is a failure. How a run was judged is a
/// property: a run that did not solve its task is a result, not a failure of the folder.
///
/// # Errors
/// When `out` cannot be written.
fn junit(verification: &Verification, out: &mut dyn Write) -> io::Result<()> {
    let planned = verification.runs;
    let cases = Cases::new(verification, planned);
    let name = xml(verification.experiment_id.unwrap_or("experiment")).into_owned();
    let counts = cases.counts(planned, verification.policy.len());
    writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
    writeln!(out, "<testsuites name=\"cargo scylla verify\" {counts}>")?;
    writeln!(out, "  <testsuite name=\"{name}\" {counts}>")?;
    for planned in planned {
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
    writeln!(out, "  </testsuite>")?;
    writeln!(out, "</testsuites>")
}

/// Findings by the test case that they belong to.
struct Cases<'a> {
    by_run: BTreeMap<RunId, Vec<&'a Finding>>,
    others: Vec<&'a Finding>,
}

impl<'a> Cases<'a> {
    fn new(verification: &Verification<'a>, planned: &[PlannedRun]) -> Self {
        let planned: BTreeSet<RunId> = planned.iter().map(|planned| planned.run).collect();
        let mut cases = Self { by_run: BTreeMap::new(), others: Vec::new() };
        for finding in verification.by_kind().into_iter().flat_map(|(_, findings)| findings) {
            match finding.run.filter(|run| planned.contains(run)) {
                Some(run) => cases.by_run.entry(run).or_default().push(finding),
                None => cases.others.push(finding),
            }
        }
        cases
    }

    fn of(&self, run: RunId) -> &[&'a Finding] {
        self.by_run.get(&run).map_or(&[], Vec::as_slice)
    }

    /// The counts that stand at the head, as attributes.
    fn counts(&self, planned: &[PlannedRun], policy: usize) -> String {
        let worst = self
            .by_run
            .values()
            .filter_map(|findings| findings.iter().map(|finding| finding.kind.level()).max())
            .chain(self.others.iter().map(|finding| finding.kind.level()));
        let (mut failures, mut errors) = (policy, 0);
        for level in worst {
            match level {
                Level::Damaged | Level::Mendable => failures += 1,
                Level::Incomplete => errors += 1,
                Level::Warning | Level::Note => {}
            }
        }
        let is_skipped = |planned: &&PlannedRun| planned.facts.is_none() && self.of(planned.run).is_empty();
        let skipped = planned.iter().filter(is_skipped).count();
        let tests = planned.len() + self.others.len() + policy;
        format!("tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\" skipped=\"{skipped}\"")
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
    // A test case has one result: the worst finding gives it, and the others stand in its text. That is one element,
    // because of several a reader may keep only the last.
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

/// Writes the element that makes the test case fail; gives the words of a finding that does not.
fn finding_element(finding: &Finding, verification: &Verification, out: &mut dyn Write) -> io::Result<Option<String>> {
    let level = finding.kind.level();
    let element = match level {
        Level::Damaged | Level::Mendable => "failure",
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

/// A text between tags: on one line, and without references to characters, which not every reader knows there.
fn content(text: &str) -> String {
    xml(&terminal(text)).into_owned()
}
