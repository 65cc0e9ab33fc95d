//! What `verify` found, as JSON.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::model::finding::{FindingKind, Level};
use crate::model::ids::RunId;
use crate::model::sandbox::WayOfIsolation;
use crate::model::survey::Holder;

use super::{Conclusion, Examined, Format, Verification};
use crate::text::cures::{cure_command, cure_sentence};
use crate::text::page::pretty;

/// Version of this format. It changes only when a key is removed or changes its meaning.
const SCHEMA_VERSION: u32 = 1;

/// The whole output of `verify --format json`. Equal folders give equal bytes: it contains no times.
#[derive(Serialize, JsonSchema)]
struct VerificationJson<'a> {
    /// Version of this format.
    schema_version: u32,
    /// Version of cargo-scylla.
    tool_version: &'a str,
    /// The experiment's id; `null` when neither config nor checkpoint can be read.
    experiment_id: Option<&'a str>,
    /// The experiment's folder, as it was given.
    folder: &'a str,
    /// The verdict, by the worst finding.
    verdict: Conclusion,
    /// Planned runs.
    planned: usize,
    /// Whether more runs may be planned than are known: it is not known how many subtests its tiers have.
    plan_is_open: bool,
    /// Planned runs that are done and about which there is no finding.
    agreeing: usize,
    /// Whether evidence was compared with its seals.
    evidence_checked: bool,
    /// How closely it was examined.
    examined: Examined,
    /// The live coordinator.
    live: Option<&'a Holder>,
    /// How agents were isolated, and from what not, of the results that say it.
    isolation: Vec<IsolationJson<'a>>,
    /// The parts of the requested policy that are not met.
    policy_not_met: &'a [String],
    /// Findings by level.
    levels: BTreeMap<Level, usize>,
    /// Findings by kind.
    kinds: BTreeMap<FindingKind, usize>,
    /// Every finding, the worst first.
    findings: Vec<FindingJson<'a>>,
}

/// Agents that were isolated in one way.
#[derive(Serialize, JsonSchema)]
struct IsolationJson<'a> {
    /// How many.
    runs: usize,
    #[serde(flatten)]
    way: &'a WayOfIsolation,
}

/// One finding.
#[derive(Serialize, JsonSchema)]
struct FindingJson<'a> {
    /// Its stable name.
    kind: FindingKind,
    /// How serious it is.
    level: Level,
    /// The place, as a path below the experiment's folder.
    place: &'a str,
    /// The run, when it is about one.
    run: Option<RunId>,
    /// What was found there. The wording may change between versions.
    message: &'a str,
    /// What can be done, as a sentence.
    cure: &'static str,
    /// What can be done, as a shell command.
    command: Option<String>,
}

/// This format.
pub(super) static FORMAT: Format = Format {
    name: "json",
    about: "One JSON document; of several folders, a list",
    write: |verifications, _, out| out.write_all(json(verifications).as_bytes()),
};

/// The JSON text: an object, or a list of one for each of several folders.
fn json(verifications: &[Verification]) -> String {
    match verifications {
        [only] => pretty(&document(only)),
        several => pretty(&several.iter().map(document).collect::<Vec<_>>()),
    }
}

fn document<'a>(verification: &'a Verification<'a>) -> VerificationJson<'a> {
    let by_kind = verification.by_kind();
    let kinds = by_kind.iter().map(|(kind, findings)| (*kind, findings.len())).collect();
    let findings = by_kind.into_iter().flat_map(|(_, findings)| findings).map(|finding| FindingJson {
        kind: finding.kind,
        level: finding.kind.level(),
        place: &finding.place,
        run: finding.run,
        message: &finding.message,
        cure: cure_sentence(finding.kind.cure()),
        command: cure_command(finding.kind.cure(), finding.run, verification.folder),
    });
    VerificationJson {
        schema_version: SCHEMA_VERSION,
        tool_version: verification.tool_version,
        experiment_id: verification.experiment_id,
        folder: verification.folder,
        verdict: verification.verdict(),
        planned: verification.planned,
        plan_is_open: verification.plan_is_open,
        agreeing: verification.agreeing,
        evidence_checked: verification.examined >= Examined::Content,
        examined: verification.examined,
        live: verification.live,
        isolation: verification.isolated.iter().map(isolation).collect(),
        policy_not_met: verification.policy,
        levels: verification.counts().into_iter().collect(),
        kinds,
        findings: findings.collect(),
    }
}

fn isolation<'a>((way, &runs): (&'a WayOfIsolation, &usize)) -> IsolationJson<'a> {
    IsolationJson { runs, way }
}

/// The JSON schema of this format.
#[must_use]
pub fn verification_schema() -> Value {
    schemars::schema_for!(VerificationJson<'_>).to_value()
}
