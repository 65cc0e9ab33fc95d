//! Budgets: how much of something there may be. Raise one only with a sentence here that says why.

use super::lexer::{Kind, Token};
use super::source::{Source, Tree, attribute_end, item_end};
use super::violation::Violation;

/// Most lines of a source file: what one can read at a session.
const FILE_LINES: usize = 400;

/// Most lines of a function, from `fn` to its closing brace: what one can see at once.
const FUNCTION_LINES: usize = 70;

/// Calls that end the process where an error should be told.
const PANICKING_CALLS: [&str; 4] = ["expect", "expect_err", "unwrap", "unwrap_err"];

/// Macros that do.
const PANICKING_MACROS: [&str; 2] = ["panic", "unreachable"];

/// Marks of work that is not done.
const UNDONE: [&str; 4] = ["FIXME", "HACK", "TODO", "XXX"];

/// Macros that mark work that is not done.
const UNDONE_MACROS: [&str; 2] = ["todo", "unimplemented"];

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

/// Functions that are longer than the budget.
pub(super) fn long_functions(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for source in &tree.sources {
        for (at, token) in source.tokens.iter().enumerate() {
            if !token.is("fn") || source.tokens.get(at + 1).is_none_or(|name| name.kind != Kind::Name) {
                continue;
            }
            let last = &source.tokens[item_end(&source.tokens, at) - 1];
            let lines = last.line - token.line + 1;
            if lines > FUNCTION_LINES {
                violations.push(Violation {
                    file: source.path.clone(),
                    line: token.line,
                    rule: "a function has at most 70 lines",
                    found: format!("`{}` has {lines} lines", source.tokens[at + 1].text),
                    cure: "give a part of it a name",
                });
            }
        }
    }
    violations
}

/// Code that the compiler does not check.
pub(super) fn unsafe_code(tree: &Tree) -> Vec<Violation> {
    each_token(tree, |source, at| {
        source.tokens[at].is("unsafe").then(|| Violation {
            file: source.path.clone(),
            line: source.tokens[at].line,
            rule: "no code is unsafe",
            found: "`unsafe`".to_owned(),
            cure: "`rustix` has safe forms of system calls",
        })
    })
}

/// Calls outside of tests that can end the process.
pub(super) fn panics(tree: &Tree) -> Vec<Violation> {
    each_token(tree, |source, at| {
        let [before, token, after] = around(&source.tokens, at)?;
        let name = token.text.as_str();
        let call = (before.is(".") || before.is("::")) && PANICKING_CALLS.contains(&name);
        let macro_call = after.is("!") && PANICKING_MACROS.contains(&name);
        (token.kind == Kind::Name && (call || macro_call) && !source.in_test(at)).then(|| Violation {
            file: source.path.clone(),
            line: token.line,
            rule: "code outside of tests does not panic",
            found: format!("`{name}`"),
            cure: "return an error that names what failed, or give the value that is right without it",
        })
    })
}

/// Attributes that silence a lint without a reason.
pub(super) fn silenced_lints(tree: &Tree) -> Vec<Violation> {
    each_token(tree, |source, at| {
        let attribute = attribute(source, at)?;
        let allow = attribute.iter().find(|token| token.is("allow"))?;
        let of_lints = attribute.first().is_some_and(|first| first.is("allow") || first.is("cfg_attr"));
        of_lints.then(|| Violation {
            file: source.path.clone(),
            line: allow.line,
            rule: "no lint is allowed",
            found: "`#[allow]`".to_owned(),
            cure: "mend what the lint says, or use `#[expect(…, reason = \"…\")]`",
        })
    })
}

/// Comments and macros that mark work that is not done.
pub(super) fn undone(tree: &Tree) -> Vec<Violation> {
    let violation = |source: &Source, line, found: String| Violation {
        file: source.path.clone(),
        line,
        rule: "nothing is left undone in the source",
        found,
        cure: "do it, or write an issue",
    };
    let comments = tree.sources.iter().flat_map(|source| {
        let words = source.comments.iter().filter_map(|comment| Some((comment, undone_word(&comment.text)?)));
        words.map(|(comment, word)| violation(source, comment.line, format!("`{word}`"))).collect::<Vec<_>>()
    });
    let macros = each_token(tree, |source, at| {
        let [_, token, after] = around(&source.tokens, at)?;
        let marks = token.kind == Kind::Name && after.is("!") && UNDONE_MACROS.contains(&token.text.as_str());
        marks.then(|| violation(source, token.line, format!("`{}!`", token.text)))
    });
    comments.chain(macros).collect()
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

/// A token with its neighbours.
fn around(tokens: &[Token], at: usize) -> Option<[&Token; 3]> {
    Some([tokens.get(at.checked_sub(1)?)?, tokens.get(at)?, tokens.get(at + 1)?])
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
    fn functions_may_have_70_lines_and_no_more() {
        let function = |lines: usize| format!("\nfn f(a: [u8; 2]) {{{}}}", "\n".repeat(lines - 1));
        check(long_functions, &function(70), &[]);
        check(long_functions, &function(71), &["src/a.rs:2 `f` has 71 lines"]);
        check(long_functions, &format!("type F = fn(u8);{} trait T {{ fn g(); }}", "\n".repeat(90)), &[]);
    }

    #[test]
    fn unsafe_code_is_found_even_in_tests() {
        check(unsafe_code, "#[test] fn f() {\n unsafe {} } // unsafe", &["src/a.rs:2 `unsafe`"]);
        check(unsafe_code, "\"unsafe\"; unsafe_code", &[]);
    }

    #[test]
    fn panics_are_found_outside_of_tests() {
        check(
            panics,
            "fn f() { a.unwrap();\n Option::expect(b, \"\"); panic!() }",
            &["src/a.rs:1 `unwrap`", "src/a.rs:2 `expect`", "src/a.rs:2 `panic`"],
        );
        check(panics, "#[expect(x)] fn f() { a.unwrap_or(1) } #[cfg(test)] mod t { fn f() { a.unwrap() } }", &[]);
    }

    #[test]
    fn allowed_lints_are_found() {
        check(
            silenced_lints,
            "#![allow(a)]\n#[cfg_attr(x, allow(b))]",
            &["src/a.rs:1 `#[allow]`", "src/a.rs:2 `#[allow]`"],
        );
        check(silenced_lints, "#[expect(a, reason = \"#[allow]\")] fn allow() {} #[arg(allow)] struct A;", &[]);
    }

    #[test]
    fn undone_work_is_found() {
        let mark = ["TO", "DO"].concat();
        check(
            undone,
            &format!("// {mark}: x\nfn f() {{ todo!() }}"),
            &[&format!("src/a.rs:1 `{mark}`"), "src/a.rs:2 `todo!`"],
        );
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
