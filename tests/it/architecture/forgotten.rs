//! Files that nothing uses.

use std::collections::BTreeSet;

use super::lexer::Kind;
use super::source::Tree;
use super::violation::Violation;

/// The files that cargo compiles by itself.
const ROOTS: [&str; 6] = ["src/lib.rs", "src/main.rs", "src/bin/", "tests/", "xtask/src/main.rs", "xtask/src/lib.rs"];

/// Fewest letters that a name made by `format!` must have of its own to be known by.
const OWN_LETTERS: usize = 3;

/// Source files that no module declares.
pub(super) fn uncompiled(tree: &Tree) -> Vec<Violation> {
    let mut compiled: BTreeSet<String> = BTreeSet::new();
    let mut open: Vec<String> =
        tree.sources.iter().map(|source| source.path.clone()).filter(|path| is_root(path)).collect();
    while let Some(path) = open.pop() {
        let source = tree.sources.iter().find(|source| source.path == path);
        open.extend(
            source.into_iter().flat_map(|source| tree.modules_of(source)).filter(|path| !compiled.contains(path)),
        );
        compiled.insert(path);
    }
    let forgotten = tree.sources.iter().filter(|source| !compiled.contains(&source.path));
    forgotten
        .map(|source| Violation {
            file: source.path.clone(),
            line: 1,
            rule: "every source file is compiled",
            found: "no module declares this file".to_owned(),
            cure: "declare it with `mod` in the module above, or delete it",
        })
        .collect()
}

/// Modules that are a file beside their folder: the folder then holds less than its name says.
pub(super) fn beside_their_folders(tree: &Tree) -> Vec<Violation> {
    let beside = tree.files.iter().filter(|path| {
        let folder = path.strip_suffix(".rs").map(|folder| format!("{folder}/"));
        folder.is_some_and(|folder| tree.sources.iter().any(|source| source.path.starts_with(&folder)))
    });
    beside
        .map(|path| Violation {
            file: path.clone(),
            line: 1,
            rule: "a module with a folder is the `mod.rs` in it",
            found: "the module lies beside its folder".to_owned(),
            cure: "move it into the folder as `mod.rs`",
        })
        .collect()
}

/// Whether cargo begins a crate at a path: at a file of the list, or at a file or a `main.rs` right below a folder of it.
fn is_root(path: &str) -> bool {
    ROOTS.iter().any(|root| {
        let below = path.strip_prefix(root).filter(|_| root.ends_with('/'));
        path == *root
            || below.is_some_and(|below| {
                !below.contains('/') || below.matches('/').count() == 1 && below.ends_with("/main.rs")
            })
    })
}

/// Snapshots whose name no source says.
pub(super) fn snapshots(tree: &Tree) -> Vec<Violation> {
    let mut names: BTreeSet<&str> = BTreeSet::new();
    let mut patterns: Vec<Vec<&str>> = Vec::new();
    for source in &tree.sources {
        for (at, token) in source.tokens.iter().enumerate() {
            let function = at > 0 && source.tokens[at - 1].is("fn");
            if token.kind == Kind::Literal && token.text.contains('{') {
                patterns.extend(pattern(&token.text));
            } else if token.kind == Kind::Literal || function {
                names.insert(&token.text);
            }
        }
    }
    let forgotten = tree.files.iter().filter(|file| file.starts_with("snapshots/") && !file.ends_with("README.md"));
    let forgotten = forgotten.filter(|file| {
        let name = snapshot_name(file);
        let first = name.rsplit_once('-').filter(|(_, number)| number.parse::<u32>().is_ok()).map(|(name, _)| name);
        !first.iter().chain([&name]).any(|name| {
            names.contains(name)
                || names.contains(format!("test_{name}").as_str())
                || patterns.iter().any(|pattern| fits(name, pattern))
        })
    });
    forgotten
        .map(|file| Violation {
            file: file.clone(),
            line: 1,
            rule: "every snapshot belongs to a test that names it",
            found: "no source names this snapshot".to_owned(),
            cure: "delete the file, or give the snapshot a name that its test spells out",
        })
        .collect()
}

/// The name that a test gave to a snapshot: without folder, suffix and extension.
fn snapshot_name(file: &str) -> &str {
    let name = file.rsplit('/').next().unwrap_or(file);
    let name = name.split(".snap").next().unwrap_or(name);
    name.split('@').next().unwrap_or(name)
}

/// The fixed parts of a text with `{…}` in it, in order; `None` when they are too few to know a name by.
fn pattern(literal: &str) -> Option<Vec<&str>> {
    let mut parts = Vec::new();
    for piece in literal.split('{') {
        parts.push(piece.split_once('}').map_or(piece, |(_, fixed)| fixed));
    }
    let letters: usize = parts.iter().map(|part| part.chars().filter(|letter| letter.is_alphanumeric()).count()).sum();
    (letters >= OWN_LETTERS).then_some(parts)
}

/// Whether a name has the fixed parts in order, the first at its start and the last at its end.
fn fits(name: &str, parts: &[&str]) -> bool {
    let [first, middle @ .., last] = parts else { return false };
    let Some(mut rest) = name.strip_prefix(first) else { return false };
    for part in middle {
        let Some((_, behind)) = rest.split_once(part) else { return false };
        rest = behind;
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::super::violation::places;
    use super::*;

    #[test]
    fn a_file_that_no_module_declares_is_found() {
        let tree = Tree::of(&[
            ("src/lib.rs", "mod a;"),
            ("src/main.rs", ""),
            ("src/a/mod.rs", "pub mod b;"),
            ("src/a/b.rs", "mod c;"),
            ("src/a/b/c.rs", ""),
            ("src/a/d.rs", "mod e;"),
            ("tests/it/main.rs", "mod x;"),
            ("tests/it/x.rs", ""),
            ("tests/it/y.rs", ""),
            ("tests/other.rs", ""),
        ]);
        let found = |path: &str| format!("{path}:1 no module declares this file");
        assert_eq!(places(&uncompiled(&tree)), [found("src/a/d.rs"), found("tests/it/y.rs")]);
    }

    #[test]
    fn a_module_beside_its_folder_is_found() {
        let tree = Tree::of(&[("src/a.rs", ""), ("src/a/b.rs", ""), ("src/c/mod.rs", ""), ("src/c/d.rs", "")]);
        assert_eq!(places(&beside_their_folders(&tree)), ["src/a.rs:1 the module lies beside its folder"]);
    }

    #[test]
    fn a_snapshot_that_no_test_names_is_found() {
        let code = "fn by_function() {} fn f() { s!(\"by-name\"); s!(format!(\"help-{x}-{y}.txt\")); s!(\"{a}-{b}\") }";
        let kept = ["by_function", "by_function-2", "by-name", "by-name@80", "help-run-1.txt"];
        let gone = ["by-names", "help-run", "x-y", "by_function-b"];
        let path = |name: &&str| format!("snapshots/area/{name}.snap");
        let paths: Vec<String> = kept.iter().chain(&gone).map(path).collect();
        let files: Vec<(&str, &str)> = paths
            .iter()
            .map(|path| (path.as_str(), ""))
            .chain([("src/a.rs", code), ("snapshots/README.md", "")])
            .collect();
        let mut expected: Vec<String> =
            gone.iter().map(|name| format!("{}:1 no source names this snapshot", path(name))).collect();
        expected.sort();
        assert_eq!(places(&snapshots(&Tree::of(&files))), expected);
    }
}
