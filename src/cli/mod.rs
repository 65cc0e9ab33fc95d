//! Floor 5: arguments, settings, commands, errors and exit codes.

use std::fmt::Write as _;

use crate::model::finding::FindingKind;

/// The parts of the manual that follow from the code: paths below `docs/`, each with its bytes.
#[must_use]
pub fn generated_files() -> Vec<(String, Vec<u8>)> {
    vec![("findings.md".to_owned(), findings().into_bytes())]
}

/// Every finding with what it means, its level and its cure.
fn findings() -> String {
    let mut page = "# Findings\n\n| finding | level | cure | what it means |\n|---|---|---|---|\n".to_owned();
    for kind in FindingKind::ALL {
        let (level, cure) = (kind.level(), kind.cure());
        // Writing to a string does not fail.
        _ = writeln!(page, "| `{kind}` | {level:?} | {cure:?} | {} |", kind.description());
    }
    page
}
