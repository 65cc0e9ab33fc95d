//! The repository's own files: sources cut into tokens, and texts.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use super::lexer::{Kind, Token, tokens};

/// Folders that hold sources, texts and snapshots of the product.
const FOLDERS: [&str; 6] = ["src", "xtask", "tests", "snapshots", "docs", ".ci"];

/// Folders that hold what is given to the product, not the product; and what a build makes.
const NOT_OURS: [&str; 2] = ["tests/fixtures", "xtask/target"];

/// One source file.
pub(super) struct Source {
    /// Its path below the repository's root.
    pub(super) path: String,
    /// How many lines it has.
    pub(super) lines: usize,
    /// Its first line.
    pub(super) first_line: String,
    /// Its tokens without comments.
    pub(super) tokens: Vec<Token>,
    /// Its comments.
    pub(super) comments: Vec<Token>,
    /// For each token, whether it belongs to a test.
    in_test: Vec<bool>,
}

impl Source {
    /// Whether the token at `index` belongs to a test.
    pub(super) fn in_test(&self, index: usize) -> bool {
        self.in_test[index]
    }

    /// Whether the whole file belongs to a test.
    pub(super) fn is_test(&self) -> bool {
        !self.in_test.is_empty() && self.in_test.iter().all(|in_test| *in_test)
    }

    /// The module that the file is, as names below its crate's root; `None` for a file outside of the library.
    pub(super) fn module(&self) -> Option<Vec<String>> {
        let path = self.path.strip_prefix("src/")?.strip_suffix(".rs")?;
        if matches!(path, "lib" | "main") || path.starts_with("bin/") {
            return None;
        }
        let path = path.strip_suffix("/mod").unwrap_or(path);
        Some(path.split('/').map(str::to_owned).collect())
    }

    /// Where the file's module `name` lies, in the two forms that the compiler takes.
    fn below(&self, name: &str) -> [String; 2] {
        let stem = self.path.strip_suffix(".rs").unwrap_or(&self.path);
        let (folder, last) = stem.rsplit_once('/').unwrap_or(("", stem));
        let folder = if matches!(last, "mod" | "lib" | "main") { folder } else { stem };
        [format!("{folder}/{name}.rs"), format!("{folder}/{name}/mod.rs")]
    }

    /// The modules that the file declares as `mod name;`, each with the index of its name's token.
    fn declared(&self) -> impl Iterator<Item = (usize, &str)> {
        self.tokens.windows(3).enumerate().filter_map(|(at, window)| {
            let [keyword, name, end] = window else { return None };
            (keyword.is("mod") && end.is(";")).then_some((at + 1, name.text.as_str()))
        })
    }
}

/// The files of the repository.
pub(super) struct Tree {
    /// Sources by path.
    pub(super) sources: Vec<Source>,
    /// The contents of every file that is text.
    texts: BTreeMap<String, String>,
    /// Every file.
    pub(super) files: BTreeSet<String>,
}

impl Tree {
    /// The repository, read once for all tests.
    pub(super) fn load() -> &'static Self {
        static TREE: OnceLock<Tree> = OnceLock::new();
        TREE.get_or_init(Self::read)
    }

    fn read() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut texts = BTreeMap::new();
        read_folder(root, "", false, &mut texts);
        for folder in FOLDERS {
            read_folder(root, folder, true, &mut texts);
        }
        Self::of_texts(texts)
    }

    /// A tree of these files, for tests of the rules.
    pub(super) fn of(files: &[(&str, &str)]) -> Self {
        Self::of_texts(files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect())
    }

    fn of_texts(texts: BTreeMap<String, String>) -> Self {
        let mut sources: Vec<Source> =
            texts.iter().filter(|(path, _)| is_source(path)).map(|(path, text)| source(path, text)).collect();
        let mut known: BTreeSet<String> = BTreeSet::new();
        // A module of a test module is found in the second pass, one of that in the third.
        loop {
            let more: BTreeSet<String> = sources.iter().flat_map(test_modules).collect();
            if more.is_subset(&known) {
                break;
            }
            for source in sources.iter_mut().filter(|source| more.contains(&source.path)) {
                source.in_test.fill(true);
            }
            known.extend(more);
        }
        let files = texts.keys().cloned().collect();
        Self { sources, texts, files }
    }

    /// The text of a file; empty when there is none.
    pub(super) fn text(&self, path: &str) -> &str {
        self.texts.get(path).map_or("", String::as_str)
    }

    /// Sources of the library.
    pub(super) fn library(&self) -> impl Iterator<Item = &Source> {
        self.sources.iter().filter(|source| source.module().is_some())
    }

    /// The files that `source` declares as modules, and that exist.
    pub(super) fn modules_of<'a>(&'a self, source: &'a Source) -> impl Iterator<Item = String> + 'a {
        source.declared().flat_map(|(_, name)| source.below(name)).filter(|path| self.files.contains(path))
    }
}

fn is_source(path: &str) -> bool {
    Path::new(path).extension().is_some_and(|extension| extension == "rs")
}

/// The files that `source` declares as modules of a test.
fn test_modules(source: &Source) -> Vec<String> {
    source.declared().filter(|(at, _)| source.in_test(*at)).flat_map(|(_, name)| source.below(name)).collect()
}

fn source(path: &str, text: &str) -> Source {
    let (comments, tokens): (Vec<Token>, Vec<Token>) =
        tokens(text).into_iter().partition(|token| token.kind == Kind::Comment);
    let in_test = if path.starts_with("tests/") { vec![true; tokens.len()] } else { tests_among(&tokens) };
    let first_line = text.lines().next().unwrap_or("").to_owned();
    Source { path: path.to_owned(), lines: text.lines().count(), first_line, tokens, comments, in_test }
}

/// For each token, whether it is part of an item under `#[test]` or `#[cfg(test)]`.
fn tests_among(tokens: &[Token]) -> Vec<bool> {
    let mut in_test = vec![false; tokens.len()];
    for at in 0..tokens.len() {
        let Some(end) = attribute_end(tokens, at) else { continue };
        let attribute = &tokens[at..end];
        let cfg_test = attribute[2].is("cfg")
            && attribute.iter().any(|token| token.is("test"))
            && !attribute.iter().any(|token| token.is("not"));
        if attribute[2].is("test") || cfg_test {
            in_test[at..item_end(tokens, end)].fill(true);
        }
    }
    in_test
}

/// The index behind the attribute that begins at `at`, if one does.
pub(super) fn attribute_end(tokens: &[Token], at: usize) -> Option<usize> {
    let inner = usize::from(tokens.get(at + 1)?.is("!"));
    if !tokens[at].is("#") || !tokens.get(at + inner + 1)?.is("[") {
        return None;
    }
    Some(group_end(tokens, at + inner + 1)).filter(|end| *end > at + 3)
}

/// The index behind the group whose opening bracket stands at `at`.
pub(super) fn group_end(tokens: &[Token], at: usize) -> usize {
    let mut depth = 0_usize;
    for (index, token) in tokens.iter().enumerate().skip(at) {
        if ["(", "[", "{"].iter().any(|open| token.is(open)) {
            depth += 1;
        } else if [")", "]", "}"].iter().any(|close| token.is(close)) {
            depth = depth.saturating_sub(1);
            if depth == 0 {
                return index + 1;
            }
        }
    }
    tokens.len()
}

/// The index behind the item that begins at `at`: behind its body, or its semicolon.
pub(super) fn item_end(tokens: &[Token], mut at: usize) -> usize {
    while at < tokens.len() {
        if tokens[at].is(";") {
            return at + 1;
        }
        if tokens[at].is("{") {
            return group_end(tokens, at);
        }
        at = if tokens[at].is("(") || tokens[at].is("[") { group_end(tokens, at) } else { at + 1 };
    }
    at
}

/// Reads the files of a folder, with those of folders below it when `deep`.
fn read_folder(root: &Path, folder: &str, deep: bool, texts: &mut BTreeMap<String, String>) {
    let Ok(entries) = fs::read_dir(root.join(folder)) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if folder.is_empty() { name } else { format!("{folder}/{name}") };
        let Ok(kind) = entry.file_type() else { continue };
        if kind.is_dir() && deep && !NOT_OURS.contains(&path.as_str()) {
            read_folder(root, &path, true, texts);
        } else if kind.is_file() {
            let bytes = fs::read(entry.path()).unwrap_or_default();
            texts.insert(path, String::from_utf8_lossy(&bytes).into_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tested(text: &str) -> Vec<String> {
        let tree = Tree::of(&[("src/a.rs", text)]);
        let source = &tree.sources[0];
        let tested = source.tokens.iter().enumerate().filter(|(at, _)| source.in_test(*at));
        tested.filter(|(_, token)| token.kind == Kind::Name).map(|(_, token)| token.text.clone()).collect()
    }

    #[test]
    fn the_repository_has_sources_and_texts() {
        let tree = Tree::load();
        assert!(tree.library().count() > 10);
        assert!(tree.text("Cargo.toml").contains("cargo-scylla"));
        assert!(tree.files.contains("xtask/src/main.rs"));
        assert!(!tree.files.iter().any(|file| file.starts_with("tests/fixtures/")));
    }

    #[test]
    fn only_items_under_a_test_attribute_are_tests() {
        assert_eq!(tested("fn a() {} #[test] fn b() { c } fn d() {}"), ["test", "fn", "b", "c"]);
        assert_eq!(tested("#[cfg(test)] mod b; fn d() {}"), ["cfg", "test", "mod", "b"]);
        assert_eq!(tested("#[cfg(all(test, unix))] use a::b; d"), ["cfg", "all", "test", "unix", "use", "a", "b"]);
        assert_eq!(tested("#[cfg(not(test))] mod b {} #[derive(test)] struct D;"), Vec::<String>::new());
    }

    #[test]
    fn files_of_test_modules_are_tests_all_the_way_down() {
        let tree = Tree::of(&[
            ("src/a/mod.rs", "#[cfg(test)] mod tests; mod code;"),
            ("src/a/code.rs", "fn a() {}"),
            ("src/a/tests.rs", "mod more;"),
            ("src/a/tests/more.rs", "fn b() {}"),
        ]);
        let tests = tree.sources.iter().filter(|source| source.in_test(0)).map(|source| source.path.as_str());
        assert_eq!(tests.collect::<Vec<_>>(), ["src/a/mod.rs", "src/a/tests.rs", "src/a/tests/more.rs"]);
    }

    #[test]
    fn a_file_knows_its_module() {
        let tree = Tree::of(&[("src/a/b/mod.rs", ""), ("src/a/c.rs", ""), ("src/lib.rs", ""), ("tests/it/x.rs", "")]);
        let modules: Vec<Vec<String>> = tree.library().filter_map(Source::module).collect();
        assert_eq!(modules, [["a", "b"], ["a", "c"]]);
    }
}
