//! Every page below `docs/` that is made from the program itself.

use std::fmt::Write as _;
use std::io;

use crate::model::finding::FindingKind;

/// Every generated page: its path below `docs/` and its content.
///
/// # Errors
/// Never for pages in memory; the renderers' signatures ask for it.
pub fn generated_files() -> io::Result<Vec<(String, Vec<u8>)>> {
    Ok(vec![("findings.md".to_owned(), findings().into_bytes())])
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
