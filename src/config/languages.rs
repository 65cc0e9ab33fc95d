//! Built-in checks of languages: for fixtures that name a language and no checks.

use crate::model::limits::CHECK_SECONDS;
use crate::model::program::Invocation;
use crate::model::task::CheckSpec;

/// The exit code by which shell lines of the table report that their check does not apply, as automake's test suites
/// do.
pub const NOT_APPLICABLE: i32 = 77;

/// A language with its checks, in their order.
#[derive(Debug)]
pub struct Language {
    /// Its name, and other names for it.
    pub names: &'static [&'static str],
    /// The checks of its trees.
    pub checks: &'static [Check],
}

/// A check of a language.
#[derive(Debug)]
pub struct Check {
    /// Its name; rubric items may rest on it.
    pub name: &'static str,
    /// A line for `sh`, in the graded tree.
    pub line: &'static str,
    /// Programs, and paths in the tree that begin with `./`, without which it does not apply.
    pub needs: &'static [&'static str],
    /// Exit codes that mean that it does not apply.
    pub not_applicable: &'static [i32],
}

const fn check(name: &'static str, line: &'static str, needs: &'static [&'static str]) -> Check {
    Check { name, line, needs, not_applicable: &[] }
}

const PRE_COMMIT: Check =
    check("pre-commit", "pre-commit run --all-files", &["pre-commit", "./.pre-commit-config.yaml"]);

const NODE: &[Check] = &[
    check("build", "npm run build --if-present", &["npm", "./package.json"]),
    check("format", "./node_modules/.bin/prettier --check .", &["node", "./node_modules/.bin/prettier"]),
    check("lint", "./node_modules/.bin/eslint .", &["node", "./node_modules/.bin/eslint"]),
    check("test", "npm run test --if-present", &["npm", "./package.json"]),
    PRE_COMMIT,
];

const TYPES: Check =
    check("types", "./node_modules/.bin/tsc --noEmit", &["node", "./tsconfig.json", "./node_modules/.bin/tsc"]);

/// A monorepo of Mojo is built by its own `bazelw`, every other project by pixi.
const MOJO_BUILD: &str = "if [ -x bazelw ] && [ -d mojo ]; then exec ./bazelw build //mojo/...
elif [ -x bazelw ]; then exec ./bazelw build //...
elif command -v pixi > /dev/null; then exec pixi run mojo build .
else exit 77; fi";

/// The formatter changes files, so it works on a copy.
const MOJO_FORMAT: &str = "copy=$(mktemp -d) && trap 'rm -rf \"$copy\"' EXIT && mkdir \"$copy/before\" || exit 1
find . -name '*.mojo' -type f -print0 | tar --null -T - -cf - | tar -C \"$copy/before\" -xf - || exit 1
cp -R \"$copy/before\" \"$copy/after\" && pixi run mojo format -q \"$copy/after\" && diff -r \"$copy/before\" \"$copy/after\"";

const MOJO_TEST: &str = "if [ -x bazelw ] && [ -d mojo ]; then cd mojo && exec pixi run tests
else exec pixi run mojo test; fi";

/// Every language of the table.
pub const LANGUAGES: &[Language] = &[
    Language {
        names: &["python", "py"],
        checks: &[
            check("build", "python3 -m compileall -q .", &["python3"]),
            check("format", "ruff format --check .", &["ruff"]),
            check("lint", "ruff check .", &["ruff"]),
            // With 5, pytest reports that it found no test.
            Check { name: "test", line: "pytest -q", needs: &["pytest"], not_applicable: &[5] },
            PRE_COMMIT,
        ],
    },
    Language {
        names: &["rust", "rs"],
        checks: &[
            check("build", "cargo build --workspace --all-targets", &["cargo", "./Cargo.toml"]),
            check("format", "cargo fmt --all --check", &["cargo-fmt", "rustfmt", "./Cargo.toml"]),
            check("lint", "cargo clippy --workspace --all-targets -- -D warnings", &["cargo-clippy", "./Cargo.toml"]),
            check("test", "cargo test --workspace", &["cargo", "./Cargo.toml"]),
            PRE_COMMIT,
        ],
    },
    Language {
        names: &["mojo"],
        checks: &[
            Check { name: "build", line: MOJO_BUILD, needs: &[], not_applicable: &[NOT_APPLICABLE] },
            check("format", MOJO_FORMAT, &["pixi"]),
            Check { name: "test", line: MOJO_TEST, needs: &["pixi"], not_applicable: &[5] },
            PRE_COMMIT,
        ],
    },
    Language { names: &["javascript", "js"], checks: NODE },
    Language {
        names: &["typescript", "ts"],
        checks: &[
            check("build", "npm run build --if-present", &["npm", "./package.json"]),
            TYPES,
            check("format", "./node_modules/.bin/prettier --check .", &["node", "./node_modules/.bin/prettier"]),
            check("lint", "./node_modules/.bin/eslint .", &["node", "./node_modules/.bin/eslint"]),
            check("test", "npm run test --if-present", &["npm", "./package.json"]),
            PRE_COMMIT,
        ],
    },
    Language {
        names: &["go", "golang"],
        checks: &[
            check("build", "go build ./...", &["go", "./go.mod"]),
            check("format", "test -z \"$(gofmt -l . | tee /dev/stderr)\"", &["gofmt"]),
            check("lint", "go vet ./...", &["go", "./go.mod"]),
            check("test", "go test ./...", &["go", "./go.mod"]),
            PRE_COMMIT,
        ],
    },
    Language {
        names: &["java"],
        checks: &[
            check("build", "mvn -q -B -DskipTests package", &["mvn", "./pom.xml"]),
            check("test", "mvn -q -B test", &["mvn", "./pom.xml"]),
            PRE_COMMIT,
        ],
    },
    Language {
        names: &["c", "c++", "cpp"],
        checks: &[
            check("build", "cmake -S . -B build && cmake --build build", &["cmake", "./CMakeLists.txt"]),
            check("test", "ctest --test-dir build --output-on-failure", &["ctest", "./CMakeLists.txt"]),
            PRE_COMMIT,
        ],
    },
];

/// The checks of a language; none when it is not in the table.
#[must_use]
pub fn checks(language: &str) -> Vec<CheckSpec> {
    let named = |entry: &&Language| entry.names.iter().any(|name| name.eq_ignore_ascii_case(language.trim()));
    LANGUAGES.iter().find(named).map(|entry| entry.checks.iter().map(spec).collect()).unwrap_or_default()
}

fn spec(check: &Check) -> CheckSpec {
    CheckSpec {
        name: check.name.to_owned(),
        run: Invocation::Shell(check.line.to_owned()),
        timeout_seconds: CHECK_SECONDS,
        needs: check.needs.iter().map(|need| (*need).to_owned()).collect(),
        not_applicable: check.not_applicable.to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_language_is_found_by_any_of_its_names_and_an_unknown_one_has_no_checks() {
        let names =
            |language: &str| checks(language).iter().map(|check| check.name.clone()).collect::<Vec<_>>().join(" ");
        assert_eq!(names("Rust"), "build format lint test pre-commit");
        assert_eq!((names("py"), names("golang")), (names("python"), names("go")));
        assert_eq!((names("cobol"), names("")), (String::new(), String::new()));
    }

    #[test]
    fn no_name_is_there_twice_and_every_line_is_one_that_the_shell_reads() {
        let mut languages = BTreeSet::new();
        for language in LANGUAGES {
            let mut checks = BTreeSet::new();
            assert!(language.names.iter().all(|name| languages.insert(*name)), "{language:?}");
            for check in language.checks {
                assert!(checks.insert(check.name), "{check:?}");
                let read = std::process::Command::new("sh").args(["-n", "-c", check.line]).status().unwrap();
                assert!(read.success(), "{check:?}");
                assert!(!check.not_applicable.contains(&0), "{check:?}");
            }
        }
    }
}
