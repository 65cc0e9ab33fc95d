//! Places: only `store/layout` knows how the files of an experiment are called and where they lie.

use super::lexer::Kind;
use super::source::Tree;
use super::violation::Violation;

/// The modules that spell places: those of this tool, and those of `ProjectScylla` in its wings.
const SPELLERS: [&str; 3] = ["src/store/layout/", "src/projectscylla/", "src/store/projectscylla/"];

/// Names that nothing else is called by.
const OWN_NAMES: [&str; 21] = [
    ".failed",
    ".quarantine",
    "SHA256SUMS",
    "attempt.json",
    "changes.json",
    "changes.patch",
    "checkpoint.json",
    "command.json",
    "experiment.json",
    "experiment.lock",
    "experiment.pid",
    "grading.json",
    "judgment.json",
    "process.json",
    "record.json",
    "repo.git",
    "repository.json",
    "response.txt",
    "result.json",
    "run_result.json",
    "work.json",
];

/// Names of folders that are words as well: they are places where another name stands before or behind them.
const FOLDERS: [&str; 12] = [
    "agent",
    "checks",
    "config",
    "fixture",
    "gradings",
    "inherited",
    "judge",
    "private",
    "record",
    "report",
    "untouched",
    "workspace",
];

/// Literals of the library that spell a place elsewhere.
///
/// A literal is a place when it has no blank and one of its parts between slashes is called as a file of an experiment is. A
/// text with blanks is a sentence for people, which may mention a file by its name.
pub(super) fn spelled_elsewhere(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for source in tree.library().filter(|source| !SPELLERS.iter().any(|speller| source.path.starts_with(speller))) {
        for (at, token) in source.tokens.iter().enumerate() {
            if token.kind == Kind::Literal && !source.in_test(at) && is_place(&token.text) {
                violations.push(Violation {
                    file: source.path.clone(),
                    line: token.line,
                    rule: "only `store/layout` spells the places of an experiment",
                    found: format!("`{}`", token.text),
                    cure: "ask `store::layout` for the path; below the store, take it from the survey, which has it spelled",
                });
            }
        }
    }
    violations
}

fn is_place(literal: &str) -> bool {
    let literal = literal.trim_matches('"');
    if literal.contains(char::is_whitespace) || literal.contains("://") || literal.starts_with(".cargo/") {
        return false;
    }
    let mut parts = literal.split('/');
    let has_folder = literal.contains('/') && parts.clone().any(|part| FOLDERS.contains(&part));
    has_folder || parts.any(|part| OWN_NAMES.contains(&part))
}

#[cfg(test)]
mod tests {
    use super::super::violation::places;
    use super::*;

    #[test]
    fn places_are_told_from_words_and_sentences() {
        for (place, literal) in [
            (true, "run_result.json"),
            (true, "config/gradings/{number}"),
            (true, "{place}/SHA256SUMS"),
            (true, "T0/00/.failed"),
            (true, "agent/stdout.log"),
            (false, "agent"),
            (false, "the file `config/experiment.json` lacks fields"),
            (false, "https://example.org/agent/x"),
            (false, "claude-code/shared"),
            (false, "my_result.json"),
        ] {
            assert_eq!(is_place(literal), place, "{literal}");
        }
    }

    #[test]
    fn a_place_is_free_where_places_are_spelled_and_in_tests() {
        let text = "const A: &str = \"run_result.json\"; // run_result.json\n#[test] fn a() { \"agent/x\" }";
        let tree = Tree::of(&[("src/store/layout/run.rs", text), ("src/rules/a.rs", text)]);
        assert_eq!(places(&spelled_elsewhere(&tree)), ["src/rules/a.rs:1 `run_result.json`"]);
    }
}
