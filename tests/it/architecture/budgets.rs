//! Budgets: how much of something there may be. Raise one only with a sentence here that says why.

use super::lexer::Token;
use super::source::{Source, Tree, attribute_end};
use super::violation::Violation;

/// Most lines of a source file: what one can read at a session.
const FILE_LINES: usize = 400;

/// Marks of work that is not done.
const UNDONE: [&str; 4] = ["FIXME", "HACK", "TODO", "XXX"];

/// Lints of clippy that hold what it can see better than words do: it knows types, macros and what a test is.
const LINTS: [&str; 10] = [
    "allow_attributes",
    "dbg_macro",
    "expect_used",
    "panic",
    "print_stderr",
    "print_stdout",
    "todo",
    "unimplemented",
    "unreachable",
    "unwrap_used",
];

/// Those of them that nothing may silence outside of tests: code that panics ends a session.
const NEVER_SILENCED: [&str; 6] = ["expect_used", "panic", "todo", "unimplemented", "unreachable", "unwrap_used"];

/// What else the compiler and clippy are told: the file, and a line of it.
const TOLD: [(&str, &str); 5] = [
    ("Cargo.toml", "unsafe_code = \"forbid\""),
    // With the budget for functions among them.
    ("Cargo.toml", "pedantic = { level = \"warn\", priority = -1 }"),
    ("clippy.toml", "too-many-lines-threshold = 70"),
    ("Cargo.toml", "[lints]\nworkspace = true"),
    ("xtask/Cargo.toml", "[lints]\nworkspace = true"),
];

/// Fewest lines of a source file that does not say why it stands alone: a shorter one is a part of something.
const ALONE_LINES: usize = 40;

/// Source files that are shorter than a reader expects of a file, and do not say why. An index of modules is no such file.
pub(super) fn slivers(tree: &Tree) -> Vec<Violation> {
    let is_index = |source: &&Source| tree.modules_of(source).next().is_some();
    let short = tree.sources.iter().filter(|source| source.lines < ALONE_LINES && !is_index(source));
    let unexplained = short.filter(|source| !source.first_line.contains("alone"));
    unexplained
        .map(|source| Violation {
            file: source.path.clone(),
            line: 1,
            rule: "a file of less than 40 lines says in its first line why it stands alone",
            found: format!("{} lines", source.lines),
            cure: "put it where a reader would look for it first, or say why it stands alone",
        })
        .collect()
}

/// Source files that are longer than the budget.
pub(super) fn long_files(tree: &Tree) -> Vec<Violation> {
    let long = tree.sources.iter().filter(|source| source.lines > FILE_LINES);
    long.map(|source| Violation {
        file: source.path.clone(),
        line: FILE_LINES + 1,
        rule: "a source file has at most 400 lines",
        found: format!("{} lines", source.lines),
        cure: "divide it by what it knows; move its tests to a sibling file",
    })
    .collect()
}

/// Lints that are not asked for, and thus hold nothing.
pub(super) fn lints_not_asked_for(tree: &Tree) -> Vec<Violation> {
    let lints = LINTS.iter().map(|lint| ("Cargo.toml", format!("{lint} = \"warn\"")));
    let told = lints.chain(TOLD.iter().map(|(file, line)| (*file, (*line).to_owned())));
    let missing = told.filter(|(file, line)| !format!("\n{}\n", tree.text(file)).contains(&format!("\n{line}\n")));
    missing
        .map(|(file, line)| Violation {
            file: file.to_owned(),
            line: 1,
            rule: "the compiler and clippy hold what they can, in every package",
            found: format!("`{line}` is not there"),
            cure: "put it back, or hold the rule by a test",
        })
        .collect()
}

/// Attributes that silence a lint without a reason, or outside of tests one that nothing may silence.
pub(super) fn silenced_lints(tree: &Tree) -> Vec<Violation> {
    each_token(tree, |source, at| {
        let attribute = attribute(source, at)?;
        let first =
            attribute.first().filter(|first| ["allow", "expect", "cfg_attr"].iter().any(|word| first.is(word)))?;
        let allows = attribute.iter().any(|token| token.is("allow"));
        let may_panic = |token: &&Token| NEVER_SILENCED.iter().any(|lint| token.is(lint)) && !source.in_test(at);
        let found = match attribute.iter().find(may_panic) {
            _ if allows => "`#[allow]`".to_owned(),
            Some(lint) => format!("`#[expect]` of `{}`", lint.text),
            None => return None,
        };
        Some(Violation {
            file: source.path.clone(),
            line: first.line,
            rule: "no lint is allowed, and code outside of tests does not panic",
            found,
            cure: "mend what the lint says: return an error that names what failed. Other lints may be silenced by \
                   `#[expect(…, reason = \"…\")]`",
        })
    })
}

/// Comments that mark work that is not done.
pub(super) fn undone(tree: &Tree) -> Vec<Violation> {
    let violation = |source: &Source, line, found: String| Violation {
        file: source.path.clone(),
        line,
        rule: "nothing is left undone in the source",
        found,
        cure: "do it, or write an issue",
    };
    let marks = tree.sources.iter().flat_map(|source| {
        let words = source.comments.iter().filter_map(|comment| Some((comment, undone_word(&comment.text)?)));
        words.map(|(comment, word)| violation(source, comment.line, format!("`{word}`"))).collect::<Vec<_>>()
    });
    marks.collect()
}

/// The first word of a comment that marks work that is not done.
fn undone_word(comment: &str) -> Option<&str> {
    comment.split(|character: char| !character.is_alphanumeric()).find(|word| UNDONE.contains(word))
}

/// Tests that do not run.
pub(super) fn ignored_tests(tree: &Tree) -> Vec<Violation> {
    let violation = |source: &Source, line| Violation {
        file: source.path.clone(),
        line,
        rule: "every test runs",
        found: "an ignored test".to_owned(),
        cure: "make it fit to run everywhere, or delete it",
    };
    let examples = tree.sources.iter().flat_map(|source| {
        let ignored = source.comments.iter().filter(|comment| {
            let text = comment.text.trim_start_matches(['/', '!', ' ']);
            text.strip_prefix("```").is_some_and(|tags| tags.split(',').any(|tag| tag.trim() == "ignore"))
        });
        ignored.map(|comment| violation(source, comment.line)).collect::<Vec<_>>()
    });
    let tests = each_token(tree, |source, at| {
        let attribute = attribute(source, at)?;
        let first = attribute.first()?;
        let ignores = first.is("ignore") || first.is("cfg_attr") && attribute.iter().any(|token| token.is("ignore"));
        ignores.then(|| violation(source, first.line))
    });
    examples.chain(tests).collect()
}

/// Files that do not say what they are. A file of unit tests is known by what it tests.
pub(super) fn undescribed(tree: &Tree) -> Vec<Violation> {
    let unit_tests = |source: &Source| !source.path.starts_with("tests/") && source.is_test();
    let silent = tree.sources.iter().filter(|source| !source.first_line.starts_with("//! ") && !unit_tests(source));
    silent
        .map(|source| Violation {
            file: source.path.clone(),
            line: 1,
            rule: "each module begins with `//!` and says in a sentence what it is",
            found: "the first line is no documentation of the module".to_owned(),
            cure: "begin the file with `//! ` and the sentence",
        })
        .collect()
}

/// The violations that `rule` finds at each token.
fn each_token(tree: &Tree, rule: impl Fn(&Source, usize) -> Option<Violation>) -> Vec<Violation> {
    tree.sources.iter().flat_map(|source| (0..source.tokens.len()).filter_map(|at| rule(source, at))).collect()
}

/// What stands within the brackets of the attribute that begins at `at`, if one does.
fn attribute(source: &Source, at: usize) -> Option<&[Token]> {
    let end = attribute_end(&source.tokens, at)?;
    let inner = usize::from(source.tokens[at + 1].is("!"));
    Some(&source.tokens[at + 2 + inner..end - 1])
}

#[cfg(test)]
mod tests {
    use super::super::violation::places;
    use super::*;

    fn check(rule: fn(&Tree) -> Vec<Violation>, text: &str, expected: &[&str]) {
        assert_eq!(places(&rule(&Tree::of(&[("src/a.rs", text)]))), expected, "{text}");
    }

    #[test]
    fn files_may_have_400_lines_and_no_more() {
        check(long_files, &"\n".repeat(400), &[]);
        check(long_files, &"\n".repeat(401), &["src/a.rs:401 401 lines"]);
    }

    #[test]
    fn a_short_file_says_why_it_stands_alone_or_is_an_index() {
        check(slivers, "//! What.\nfn f() {}", &["src/a.rs:1 2 lines"]);
        check(slivers, "//! What; alone, for a reason.\nfn f() {}", &[]);
        check(slivers, &"\n".repeat(40), &[]);
        let index = Tree::of(&[("src/a/mod.rs", "mod b;"), ("src/a/b.rs", "//! A part.\n")]);
        assert_eq!(places(&slivers(&index)), ["src/a/b.rs:1 1 lines"]);
    }

    #[test]
    fn a_lint_that_nobody_asks_for_is_found() {
        let manifest =
            "unsafe_code = \"forbid\"\npedantic = { level = \"warn\", priority = -1 }\n[lints]\nworkspace = true\n";
        let asked: Vec<String> = LINTS[1..].iter().map(|lint| format!("{lint} = \"warn\"\n")).collect();
        let tree = Tree::of(&[
            ("Cargo.toml", &format!("{}{manifest}", asked.concat())),
            ("clippy.toml", "too-many-lines-threshold = 700\n"),
            ("xtask/Cargo.toml", "[lints]\nworkspace = true\n"),
        ]);
        let expected = [
            "Cargo.toml:1 `allow_attributes = \"warn\"` is not there",
            "clippy.toml:1 `too-many-lines-threshold = 70` is not there",
        ];
        assert_eq!(places(&lints_not_asked_for(&tree)), expected);
    }

    #[test]
    fn allowed_lints_are_found() {
        check(
            silenced_lints,
            "#![allow(a)]\n#[cfg_attr(x, allow(b))]",
            &["src/a.rs:1 `#[allow]`", "src/a.rs:2 `#[allow]`"],
        );
        check(silenced_lints, "#[expect(a, reason = \"#[allow]\")] fn allow() {} #[arg(allow)] struct A;", &[]);
        check(silenced_lints, "\n#[expect(clippy::panic)] fn f() {}", &["src/a.rs:2 `#[expect]` of `panic`"]);
        check(silenced_lints, "#[cfg(test)] mod t { #![expect(clippy::panic)] } fn expect() { panic() }", &[]);
    }

    #[test]
    fn undone_work_is_found() {
        let mark = ["TO", "DO"].concat();
        check(undone, &format!("// {mark}: x\nfn f() {{}}"), &[&format!("src/a.rs:1 `{mark}`")]);
        check(undone, "// what to do\nfn todo() { todo() }", &[]);
    }

    #[test]
    fn ignored_tests_are_found() {
        check(ignored_tests, "#[test]\n#[ignore = \"slow\"]\nfn f() {}", &["src/a.rs:2 an ignored test"]);
        check(ignored_tests, "/// ```rust,ignore\nfn f() {}", &["src/a.rs:1 an ignored test"]);
        check(ignored_tests, "/// ```\n/// ignore\n/// ```\n#[serde(ignore)] struct A;", &[]);
    }

    #[test]
    fn a_file_without_description_is_found() {
        check(undescribed, "//! What it is.\n", &[]);
        check(undescribed, "// What it is.\n", &["src/a.rs:1 the first line is no documentation of the module"]);
        check(undescribed, "", &["src/a.rs:1 the first line is no documentation of the module"]);
        let tests = [("src/a.rs", "//! A.\n#[cfg(test)]\nmod tests;"), ("src/a/tests.rs", "use super::*;")];
        assert_eq!(places(&undescribed(&Tree::of(&tests))), Vec::<String>::new());
        let tests = [("tests/it/main.rs", "//! A.\nmod b;"), ("tests/it/b.rs", "mod c;")];
        let found = "tests/it/b.rs:1 the first line is no documentation of the module";
        assert_eq!(places(&undescribed(&Tree::of(&tests))), [found]);
    }
}
