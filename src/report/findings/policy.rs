//! Policies that are not met, as sentences that name the flag: alone, because every format uses them.

use crate::rules::policy::{LeastPassRate, Unmet};
use crate::text::words::counted;

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
        Unmet::PassRate { asked, planned, results, passed } => pass_rate(asked, *planned, *results, *passed),
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
        Unmet::Leak { place, line, what } => {
            format!("`{place}` holds {what} in line {line}, and `--no-secrets` allows none")
        }
        Unmet::Secret(place) => format!("`{place}` holds the text of a secret, and `--no-secrets` allows none"),
    }
}

fn pass_rate(asked: &LeastPassRate, planned: usize, results: usize, passed: usize) -> String {
    let (of, flag) = match asked.of {
        Some(part) => (part.to_string(), format!("--min-pass-rate {part}={}", asked.rate)),
        None => ("the experiment".to_owned(), format!("--min-pass-rate {}", asked.rate)),
    };
    match (planned, results) {
        (0, _) => format!("{of} has no planned run, and `{flag}` asks for one"),
        (_, 0) => format!("{of} has no result, and `{flag}` asks for some"),
        (_, _) => format!("{of} passed {passed} of {}, `{flag}` asks for more", counted(results, "result")),
    }
}
