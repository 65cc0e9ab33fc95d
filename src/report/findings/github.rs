//! What `verify` found, as workflow commands of GitHub.

use crate::model::finding::{Finding, FindingKind, Level};
use crate::text::escape::{github_message, github_property};
use crate::text::short::and_more;

use super::human::verdict_sentence;
use super::{Conclusion, Format, Verification, cure_text, sentence};

/// GitHub shows about ten annotations of a type for each step, so more findings of one kind are summed up.
const MOST_OF_A_KIND: usize = 10;

/// This format.
pub(super) static FORMAT: Format = Format {
    name: "github",
    about: "Annotations of GitHub Actions",
    write: |verifications, _, out| verifications.iter().try_for_each(|one| out.write_all(github(one).as_bytes())),
};

/// One line for each finding, a line for the ones of a kind that are left out, and the verdict.
pub(super) fn github(verification: &Verification) -> String {
    let mut text = String::new();
    for (kind, findings) in verification.by_kind() {
        for finding in findings.iter().take(MOST_OF_A_KIND) {
            text.push_str(&finding_line(finding, verification));
        }
        if let Some(more) = and_more(findings.len(), MOST_OF_A_KIND) {
            let message = format!("{more} of {} in all.", findings.len());
            text.push_str(&command(command_of(kind), &[("title", kind.name())], &message));
        }
    }
    for sentence in verification.policy {
        text.push_str(&command("error", &[("title", "policy not met")], sentence));
    }
    let verdict = if verification.verdict() == Conclusion::Ok { "notice" } else { "error" };
    let verdict = if verification.verdict() == Conclusion::Live { "warning" } else { verdict };
    text.push_str(&command(verdict, &[("title", "cargo scylla verify")], &verdict_sentence(verification)));
    text
}

fn finding_line(finding: &Finding, verification: &Verification) -> String {
    let path = verification.path_of(finding);
    let properties = [("file", path.as_str()), ("title", finding.kind.name())];
    let message = format!("{}\n{}", sentence(finding), cure_text(finding, verification.folder));
    command(command_of(finding.kind), &properties, &message)
}

fn command_of(kind: FindingKind) -> &'static str {
    match kind.level() {
        Level::Damaged | Level::Mendable | Level::Outdated | Level::Incomplete => "error",
        Level::Warning => "warning",
        Level::Note => "notice",
    }
}

fn command(name: &str, properties: &[(&str, &str)], message: &str) -> String {
    let properties: Vec<String> =
        properties.iter().map(|(name, value)| format!("{name}={}", github_property(value))).collect();
    format!("::{name} {}::{}\n", properties.join(","), github_message(message))
}
