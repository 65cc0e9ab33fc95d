//! What `verify` found, as SARIF 2.1.0, which code scanning services read.

use serde_json::{Value, json};

use crate::model::finding::{Finding, FindingKind, Level};
use crate::text::escape;

use super::{Format, Verification, cure_text, sentence};
use crate::text::cures::{cure_command, cure_sentence};
use crate::text::page::pretty;

/// Name of the rule for policies; the other rules are the kinds of findings.
const POLICY_RULE: &str = "policy-not-met";

/// This format.
pub(super) static FORMAT: Format = Format {
    name: "sarif",
    about: "SARIF 2.1.0",
    write: |verifications, _, out| out.write_all(sarif(verifications).as_bytes()),
};

/// The JSON text: a run of the tool for each folder.
fn sarif(verifications: &[Verification]) -> String {
    pretty(&json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": verifications.iter().map(run).collect::<Vec<_>>(),
    }))
}

fn run(verification: &Verification) -> Value {
    let findings = verification.by_kind().into_iter().flat_map(|(_, findings)| findings);
    let results: Vec<Value> = findings
        .map(|finding| finding_result(finding, verification))
        .chain(verification.policy.iter().map(|sentence| policy_result(sentence, verification)))
        .collect();
    json!({
        "tool": { "driver": {
            "name": "cargo-scylla",
            "semanticVersion": verification.tool_version,
            "rules": rules(),
        } },
        "columnKind": "unicodeCodePoints",
        "results": results,
    })
}

fn rules() -> Vec<Value> {
    let mut rules: Vec<Value> = FindingKind::ALL
        .iter()
        .map(|kind| {
            json!({
                "id": kind.name(),
                "name": format!("{kind:?}"),
                "shortDescription": { "text": kind.description() },
                "help": { "text": cure_sentence(kind.cure()) },
                "defaultConfiguration": { "level": sarif_level(kind.level()) },
            })
        })
        .collect();
    rules.push(json!({
        "id": POLICY_RULE,
        "name": "PolicyNotMet",
        "shortDescription": { "text": "What was asked for with a policy is not met." },
        "help": { "text": "Do what the message names, or ask for less." },
        "defaultConfiguration": { "level": "error" },
    }));
    rules
}

fn sarif_level(level: Level) -> &'static str {
    match level {
        Level::Damaged | Level::Mendable | Level::Outdated | Level::Incomplete => "error",
        Level::Warning => "warning",
        Level::Note => "note",
    }
}

fn finding_result(finding: &Finding, verification: &Verification) -> Value {
    let kind = finding.kind;
    let message = format!("{} {}", sentence(finding), cure_text(finding, verification.folder));
    let mut result = json!({
        "ruleId": kind.name(),
        "ruleIndex": FindingKind::ALL.iter().position(|other| *other == kind),
        "level": sarif_level(kind.level()),
        "message": { "text": escape::terminal(&message) },
        "locations": [location(&verification.path_of(finding))],
        "partialFingerprints": { "finding/v1": escape::terminal(&format!("{kind}:{}", finding.place)) },
    });
    let mut properties = serde_json::Map::new();
    properties.extend(finding.run.map(|run| ("run".to_owned(), json!(run))));
    let command = cure_command(kind.cure(), finding.run, verification.folder);
    properties.extend(command.map(|command| ("command".to_owned(), json!(command))));
    if !properties.is_empty() {
        result["properties"] = Value::Object(properties);
    }
    result
}

fn policy_result(sentence: &str, verification: &Verification) -> Value {
    json!({
        "ruleId": POLICY_RULE,
        "ruleIndex": FindingKind::ALL.len(),
        "level": "error",
        "message": { "text": escape::terminal(sentence) },
        "locations": [location(verification.folder.trim_end_matches('/'))],
        "partialFingerprints": { "finding/v1": escape::terminal(&format!("{POLICY_RULE}:{sentence}")) },
    })
}

/// A place; services show no result without a line number.
fn location(path: &str) -> Value {
    json!({ "physicalLocation": { "artifactLocation": { "uri": escape::uri(path) }, "region": { "startLine": 1 } } })
}
