//! Documents: what they name exists.

use std::collections::BTreeSet;

use super::source::Tree;
use super::violation::Violation;

/// Documents that every checkout has.
const DOCUMENTS: [&str; 3] = ["ARCHITECTURE.md", "CONTRIBUTING.md", "README.md"];

/// Folders whose paths a document may name.
const PATHS: [&str; 6] = ["src/", "docs/", "tests/", "xtask/", "snapshots/", ".ci/"];

/// The rows of the first table below a heading, as their cells, each with its line. The head of the table is left out.
pub(super) fn rows<'a>(document: &'a str, heading: &str) -> Vec<(usize, Vec<&'a str>)> {
    let below = document.lines().enumerate().skip_while(|(_, line)| line.trim_start_matches('#').trim() != heading);
    let table = below.skip_while(|(_, line)| !line.starts_with('|')).take_while(|(_, line)| line.starts_with('|'));
    table.skip(2).map(|(at, line)| (at + 1, line.trim_matches('|').split('|').map(str::trim).collect())).collect()
}

/// What stands between backticks in a line.
pub(super) fn spans(line: &str) -> impl Iterator<Item = &str> {
    let closed = line.matches('`').count() / 2;
    line.split('`').skip(1).step_by(2).take(closed)
}

/// Paths in backticks that lead nowhere.
pub(super) fn dead_paths(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for document in documents(tree) {
        for (at, line) in tree.text(document).lines().enumerate() {
            let dead =
                spans(line).filter(|span| PATHS.iter().any(|folder| span.starts_with(folder)) && !leads(tree, span));
            violations.extend(dead.map(|span| Violation {
                file: document.to_owned(),
                line: at + 1,
                rule: "a path that a document names exists",
                found: format!("`{span}` leads nowhere"),
                cure: "correct the path, or the sentence around it",
            }));
        }
    }
    violations
}

/// Tests that `ARCHITECTURE.md` names and that are not there: what stands in the last column of the invariants.
pub(super) fn dead_tests(tree: &Tree) -> Vec<Violation> {
    let document = "ARCHITECTURE.md";
    let known = tests(tree);
    let mut violations = Vec::new();
    for (line, cells) in rows(tree.text(document), "Invariants") {
        let named: Vec<&str> = cells.last().into_iter().flat_map(|cell| spans(cell)).collect();
        let dead: Vec<&str> = named.iter().copied().filter(|name| !known.contains(name)).collect();
        let found = match (named.is_empty(), dead.is_empty()) {
            (true, _) => "no test is named".to_owned(),
            (_, false) => format!("there is no test `{}`", dead.join("`, `")),
            _ => continue,
        };
        violations.push(Violation {
            file: document.to_owned(),
            line,
            rule: "each invariant names the test that holds it",
            found,
            cure: "name a function under `#[test]` in the row's last column",
        });
    }
    violations
}

/// The documents that are there.
fn documents(tree: &Tree) -> impl Iterator<Item = &str> {
    let design = tree.files.iter().filter(|file| file.starts_with("docs/design/"));
    DOCUMENTS.into_iter().chain(design.map(String::as_str))
}

/// Whether a path leads to a file or folder. What stands for other names ends it: `<…>`, `*` or `…`; so does `:`.
fn leads(tree: &Tree, span: &str) -> bool {
    let path = span.split([':', '#', ' ']).next().unwrap_or("");
    let fixed = path.split(['<', '*', '…']).next().unwrap_or("");
    let path = if fixed == path { path } else { fixed.rsplit_once('/').map_or("", |(folder, _)| folder) };
    let path = path.trim_end_matches('/');
    let below = |file: &String| file.strip_prefix(path).is_some_and(|rest| rest.starts_with('/'));
    tree.files.contains(path) || tree.files.iter().any(below)
}

/// The names of all functions that are tests.
fn tests(tree: &Tree) -> BTreeSet<&str> {
    let functions = tree.sources.iter().flat_map(|source| {
        source.tokens.windows(2).enumerate().filter(|(at, pair)| pair[0].is("fn") && source.in_test(*at))
    });
    functions.map(|(_, pair)| pair[1].text.as_str()).collect()
}

#[cfg(test)]
mod samples {
    use super::super::violation::places;
    use super::*;

    #[test]
    fn paths_in_backticks_must_lead_somewhere() {
        let text =
            "`src/a.rs` and `src/a.rs:7` and `docs/` and `docs/*.md`\n`src/gone.rs`, `tests/x`, `docs/no/<name>.md`";
        let tree = Tree::of(&[("README.md", text), ("src/a.rs", ""), ("docs/b.md", "")]);
        assert_eq!(
            places(&dead_paths(&tree)),
            [
                "README.md:2 `src/gone.rs` leads nowhere",
                "README.md:2 `tests/x` leads nowhere",
                "README.md:2 `docs/no/<name>.md` leads nowhere",
            ]
        );
    }

    #[test]
    fn invariants_must_name_tests_that_are_there() {
        let document = "# A\n## Invariants\n| never | test |\n|---|---|\n| a | `holds` |\n| b | `gone`, `holds` |\n| c | |\n| d | `code` |\n";
        let tree = Tree::of(&[("ARCHITECTURE.md", document), ("src/a.rs", "fn code() {} #[test] fn holds() {}")]);
        assert_eq!(
            places(&dead_tests(&tree)),
            [
                "ARCHITECTURE.md:6 there is no test `gone`",
                "ARCHITECTURE.md:7 no test is named",
                "ARCHITECTURE.md:8 there is no test `code`",
            ]
        );
    }

    #[test]
    fn a_table_ends_where_its_rows_end() {
        let document = "## A\n|no|\n## B\ntext\n| x | y |\n|---|---|\n| 1 | `2` |\n\n| 3 | 4 |";
        assert_eq!(rows(document, "B"), [(7, vec!["1", "`2`"])]);
        assert_eq!(spans("a `b` c `d").collect::<Vec<_>>(), ["b"]);
    }
}
