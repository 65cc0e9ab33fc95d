//! Policies that are not met, as sentences that name the flag: alone, because every format uses them.

use std::collections::BTreeMap;

use crate::rules::policy::{LeastPassRate, Unmet};
use crate::text::short::{cut, first_of};
use crate::text::words::{counted, list};

/// The sentence.
#[must_use]
pub fn policy_sentence(unmet: &Unmet) -> String {
    match unmet {
        Unmet::Missing { runs, most } => {
            format!("{} without a result, `--max-missing {most}` allows fewer", counted(*runs, "planned run"))
        }
        Unmet::Errored { runs, most } => {
            format!("{} with no attempt left, `--max-errored {most}` allows fewer", counted(*runs, "planned run"))
        }
        Unmet::FewResults { of, results, least } => {
            format!("{of} has {}, `--min-runs {least}` asks for more", counted(*results, "result"))
        }
        Unmet::FewJudges { run, votes, least } => {
            format!("{run} was graded by {}, `--min-judges {least}` asks for more", counted(*votes, "judge"))
        }
        Unmet::PassRate { asked, planned, of_controls, results, passed } => {
            pass_rate(asked, (*planned, *of_controls), *results, *passed)
        }
        Unmet::Warnings(warnings) => format!("{}, and `--deny-warnings` allows none", counted(*warnings, "warning")),
        Unmet::SealNotChecked => {
            "whether it is sealed was not checked, and `--require-seal` asks for that: leave `--quick` out".to_owned()
        }
        Unmet::Unsealed => "it is not sealed, and `--require-seal` asks for that".to_owned(),
        Unmet::Outgrown(places) => {
            format!(
                "{} came after its seal, and `--require-seal` asks for one that covers all",
                counted(*places, "file")
            )
        }
        Unmet::AgentVersions { kind, said, silent, by_vary } => versions(*kind, said, *silent, *by_vary),
        Unmet::Leak { place, line, what } => {
            format!("`{place}` holds {what} in line {line}, and `--no-secrets` allows none")
        }
        Unmet::Secret(place) => format!("`{place}` holds the text of a secret, and `--no-secrets` allows none"),
    }
}

/// So many versions are listed.
const MOST_VERSIONS: usize = 5;
/// So many characters of a version are shown.
const MOST_VERSION: usize = 60;

fn versions(kind: Option<&str>, said: &BTreeMap<String, usize>, silent: usize, by_vary: bool) -> String {
    let agents = kind.map_or("agents of an unknown kind".to_owned(), |kind| format!("agents of the kind `{kind}`"));
    if said.is_empty() {
        let results = counted(silent, "result");
        return format!("{agents} say their version in none of {results}, and `--same-agent-version` asks for one");
    }
    let said: Vec<String> = said
        .iter()
        .map(|(version, results)| format!("{} in {}", cut(version, MOST_VERSION), counted(*results, "result")))
        .collect();
    let mut parts = first_of(&said, MOST_VERSIONS);
    parts.extend((silent > 0).then(|| format!("none in {}", counted(silent, "result"))));
    if by_vary {
        return format!(
            "{agents} say more than one version, and `vary` of the fixture does not name `agent.version`: {}",
            list(&parts)
        );
    }
    format!(
        "{agents} say more than one version, or not all say one, and `--same-agent-version` asks for one: {}",
        list(&parts)
    )
}

fn pass_rate(asked: &LeastPassRate, (planned, of_controls): (usize, usize), results: usize, passed: usize) -> String {
    let (of, flag) = match asked.of {
        Some(part) => (part.to_string(), format!("--min-pass-rate {part}={}", asked.rate)),
        None => ("the experiment".to_owned(), format!("--min-pass-rate {}", asked.rate)),
    };
    match (planned, results) {
        (0, _) if of_controls > 0 => {
            format!("{of} measures no agent, every setup there is a control, and `{flag}` asks for one")
        }
        (0, _) => format!("{of} has no planned run, and `{flag}` asks for one"),
        (_, 0) => format!("{of} has no result, and `{flag}` asks for some"),
        (_, _) => format!("{of} passed {passed} of {}, `{flag}` asks for more", counted(results, "result")),
    }
}
