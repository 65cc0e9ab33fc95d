//! What is said of a place that breaks a rule.

use std::fmt;

/// One place that breaks a rule.
pub(super) struct Violation {
    /// The file, below the repository's root.
    pub(super) file: String,
    /// The line, counted from 1.
    pub(super) line: usize,
    /// The rule, in a sentence.
    pub(super) rule: &'static str,
    /// What stands there instead.
    pub(super) found: String,
    /// What to do.
    pub(super) cure: &'static str,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line, rule, found, cure } = self;
        write!(f, "{file}:{line}: {found}\n    rule: {rule}\n    hint: {cure}")
    }
}

/// Fails with every violation of some rules at once.
#[track_caller]
pub(super) fn assert_none<const RULES: usize>(violations: [Vec<Violation>; RULES]) {
    let violations = violations.into_iter().flatten().collect::<Vec<_>>();
    let lines: Vec<String> = violations.iter().map(ToString::to_string).collect();
    assert!(violations.is_empty(), "places that break a rule: {}\n{}", violations.len(), lines.join("\n"));
}

/// The places of violations as `file:line found`, for tests of the rules.
pub(super) fn places(violations: &[Violation]) -> Vec<String> {
    violations.iter().map(|violation| format!("{}:{} {}", violation.file, violation.line, violation.found)).collect()
}

#[test]
fn a_violation_says_where_what_and_what_to_do() {
    let violation = Violation {
        file: "src/a.rs".to_owned(),
        line: 3,
        rule: "a rule",
        found: "what is there".to_owned(),
        cure: "what to do",
    };
    assert_eq!(violation.to_string(), "src/a.rs:3: what is there\n    rule: a rule\n    hint: what to do");
}

#[test]
#[should_panic(expected = "places that break a rule: 1\nsrc/a.rs:3: what is there")]
fn one_violation_fails_the_test() {
    assert_none([
        vec![],
        vec![Violation { file: "src/a.rs".to_owned(), line: 3, rule: "", found: "what is there".to_owned(), cure: "" }],
    ]);
}
