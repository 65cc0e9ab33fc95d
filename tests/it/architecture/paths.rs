//! The paths that a source names, read from its imports and its code, as what they mean from the crate's root.

use std::collections::BTreeMap;

use super::lexer::{Kind, Token};
use super::source::{Source, group_end};

/// A path that a source names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Named {
    /// Where it leads.
    pub(super) to: To,
    /// The line it stands on.
    pub(super) line: usize,
}

/// Where a path leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum To {
    /// Into the crate: the names below its root.
    Crate(Vec<String>),
    /// Out of it: the names from the neighbour's own. A name of the prelude or of a local item looks the same.
    Outside(Vec<String>),
}

/// What a `use` makes known in its file.
pub(super) struct Import {
    /// The name.
    pub(super) name: String,
    /// The path, as written.
    path: Vec<String>,
    /// Where it stands.
    line: usize,
    /// The module that it stands in.
    within: Vec<String>,
}

/// What a source names outside of its tests.
pub(super) struct Names {
    /// Its imports with where they lead.
    pub(super) imports: BTreeMap<String, To>,
    /// Every path, imports too.
    pub(super) named: Vec<Named>,
}

/// Reads what `source` names outside of its tests; `module` is what the file is below the crate's root.
pub(super) fn names(source: &Source, module: &[String]) -> Names {
    let tokens: Vec<Token> = source
        .tokens
        .iter()
        .enumerate()
        .filter(|(at, _)| !source.in_test(*at))
        .map(|(_, token)| token.clone())
        .collect();
    let mut reader = Reader { tokens: &tokens, imports: Vec::new(), paths: Vec::new(), children: Vec::new() };
    reader.read(0, tokens.len(), module);
    reader.resolve()
}

struct Reader<'a> {
    tokens: &'a [Token],
    imports: Vec<Import>,
    paths: Vec<(Vec<String>, usize, Vec<String>)>,
    /// Modules that the file declares, each with the module that it stands in.
    children: Vec<(Vec<String>, String)>,
}

impl Reader<'_> {
    /// Reads the tokens from `at` to `end`, which stand in the module `within`.
    fn read(&mut self, mut at: usize, end: usize, within: &[String]) {
        while at < end {
            at = if self.is(at, "mod") && self.kind(at + 1) == Some(Kind::Name) {
                self.module(at, within)
            } else if self.is(at, "use") && !self.is(at + 1, "<") {
                self.tree(at + 1, &[], within) + 1
            } else if self.kind(at) == Some(Kind::Name) && self.begins_path(at) {
                self.path(at, within)
            } else {
                at + 1
            };
        }
    }

    /// Reads `mod name;` or `mod name { … }`; returns the index behind it.
    fn module(&mut self, at: usize, within: &[String]) -> usize {
        let name = self.tokens[at + 1].text.clone();
        self.children.push((within.to_vec(), name.clone()));
        if !self.is(at + 2, "{") {
            return at + 3;
        }
        let end = group_end(self.tokens, at + 2);
        let inner: Vec<String> = within.iter().cloned().chain([name]).collect();
        self.read(at + 3, end, &inner);
        end
    }

    /// Reads one branch of an import behind `prefix`; returns the index behind it.
    fn tree(&mut self, mut at: usize, prefix: &[String], within: &[String]) -> usize {
        let mut path = prefix.to_vec();
        loop {
            if self.is(at, "{") {
                let end = group_end(self.tokens, at);
                at += 1;
                while at + 1 < end {
                    at = self.tree(at, &path, within);
                    at += usize::from(self.is(at, ","));
                }
                return end;
            }
            let Some(token) = self.tokens.get(at) else { return at };
            at += 1;
            if !token.is("::") {
                path.push(token.text.clone());
                if !self.is(at, "::") {
                    break;
                }
            } else if path.is_empty() {
                path.push("::".to_owned());
            }
        }
        let line = self.tokens[at - 1].line;
        if path.len() > 1 && path.last().is_some_and(|last| last == "self") {
            path.pop();
        }
        let mut name = path.last().cloned().unwrap_or_default();
        if self.is(at, "as") {
            name.clone_from(&self.tokens[at + 1].text);
            at += 2;
        }
        self.imports.push(Import { name, path, line, within: within.to_vec() });
        at
    }

    /// Whether the name at `at` is the first of a path of several.
    fn begins_path(&self, at: usize) -> bool {
        let goes_on = at > 0 && (self.is(at - 1, ".") || self.is(at - 1, "::") && self.has_owner(at - 1));
        self.is(at + 1, "::") && !goes_on && !is_keyword(&self.tokens[at])
    }

    /// Whether the `::` at `at` follows a name or a type in `<…>`, and does not begin an absolute path.
    fn has_owner(&self, at: usize) -> bool {
        let Some(owner) = at.checked_sub(1).map(|before| &self.tokens[before]) else { return false };
        let arrow = at >= 2 && (self.is(at - 2, "-") || self.is(at - 2, "="));
        owner.is(">") && !arrow || owner.kind == Kind::Name && !is_keyword(owner)
    }

    /// Reads a path in code; returns the index behind it.
    fn path(&mut self, at: usize, within: &[String]) -> usize {
        let mut path = vec![self.tokens[at].text.clone()];
        if at > 0 && self.is(at - 1, "::") {
            path.insert(0, "::".to_owned());
        }
        let mut end = at + 1;
        while self.is(end, "::") && self.kind(end + 1) == Some(Kind::Name) {
            path.push(self.tokens[end + 1].text.clone());
            end += 2;
        }
        self.paths.push((path, self.tokens[at].line, within.to_vec()));
        end
    }

    fn is(&self, at: usize, text: &str) -> bool {
        self.tokens.get(at).is_some_and(|token| token.is(text))
    }

    fn kind(&self, at: usize) -> Option<Kind> {
        self.tokens.get(at).map(|token| token.kind)
    }

    fn resolve(&self) -> Names {
        let mut imports = BTreeMap::new();
        let mut named = Vec::new();
        for import in &self.imports {
            let to = self.lead(&import.path, &import.within, &BTreeMap::new());
            imports.insert(import.name.clone(), to);
        }
        // An import may begin with a name that another one made known.
        let direct = imports.clone();
        for import in &self.imports {
            let to = match direct.get(&import.path[0]) {
                Some(_) if import.path.len() > 1 => self.lead(&import.path, &import.within, &direct),
                _ => self.lead(&import.path, &import.within, &BTreeMap::new()),
            };
            imports.insert(import.name.clone(), to.clone());
            named.push(Named { to, line: import.line });
        }
        for (path, line, within) in &self.paths {
            named.push(Named { to: self.lead(path, within, &imports), line: *line });
        }
        named.sort_by_key(|named| named.line);
        Names { imports, named }
    }

    /// Where a path leads that stands in the module `within`.
    fn lead(&self, path: &[String], within: &[String], imports: &BTreeMap<String, To>) -> To {
        let (first, rest) = (&path[0], &path[1..]);
        let mut base = within.to_vec();
        match first.as_str() {
            "::" => To::Outside(rest.to_vec()),
            "crate" => To::Crate(rest.to_vec()),
            "self" => To::Crate(join(&base, rest)),
            "super" => {
                let levels = path.iter().take_while(|name| *name == "super").count();
                base.truncate(base.len().saturating_sub(levels));
                To::Crate(join(&base, &path[levels..]))
            }
            _ if self.children.contains(&(base.clone(), first.clone())) => To::Crate(join(&base, path)),
            _ => match imports.get(first) {
                Some(To::Crate(known)) => To::Crate(join(known, rest)),
                Some(To::Outside(known)) => To::Outside(join(known, rest)),
                None => To::Outside(path.to_vec()),
            },
        }
    }
}

/// Keywords that may stand before a path that begins with `::`.
const KEYWORDS: [&str; 10] = ["as", "break", "dyn", "else", "for", "impl", "in", "match", "mut", "return"];

fn is_keyword(token: &Token) -> bool {
    KEYWORDS.contains(&token.text.as_str())
}

fn join(base: &[String], rest: &[String]) -> Vec<String> {
    base.iter().chain(rest).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::super::source::Tree;
    use super::*;

    fn check(text: &str, expected: &[&str]) {
        let tree = Tree::of(&[("src/a/b.rs", text)]);
        let names = names(&tree.sources[0], &["a".to_owned(), "b".to_owned()]);
        let found: Vec<String> = names
            .named
            .iter()
            .map(|named| match &named.to {
                To::Crate(path) => format!("crate {}", path.join("::")),
                To::Outside(path) => path.join("::"),
            })
            .collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn imports_are_read_through_their_braces() {
        check("use a::{self, b::{c, d as e}, f::*};", &["a", "a::b::c", "a::b::d", "a::f::*"]);
        check("use crate::{x, y::z,};", &["crate x", "crate y::z"]);
        check("pub(crate) use a as b;", &["a"]);
        check("use {a::b, c};", &["a::b", "c"]);
    }

    #[test]
    fn super_and_self_are_followed_to_the_root() {
        check("use super::x;", &["crate a::x"]);
        check("use super::super::x::y;", &["crate x::y"]);
        check("use self::x; fn f() { super::y::g() }", &["crate a::b::x", "crate a::y::g"]);
        check("mod inner { use super::x; use super::super::y; }", &["crate a::b::x", "crate a::y"]);
    }

    #[test]
    fn paths_in_code_count_like_imports() {
        check("fn f() { crate::x::y(1); $crate::z::w!() }", &["crate x::y", "crate z::w"]);
        check("fn f(a: &std::fs::File) -> ::toml::Value {}", &["std::fs::File", "toml::Value"]);
        check("return ::toml::Value; x.a::<b::c>()", &["toml::Value", "b::c"]);
    }

    #[test]
    fn names_that_were_imported_are_followed() {
        check("use std::process; fn f() { process::Command::new() }", &["std::process", "std::process::Command::new"]);
        check("use super::toml; fn f() { toml::parse() }", &["crate a::toml", "crate a::toml::parse"]);
        check("use std::io as i; use i::Read;", &["std::io", "std::io::Read"]);
    }

    #[test]
    fn a_module_of_the_file_hides_a_neighbour_of_its_name() {
        check("mod toml; use toml::X; fn f() { toml::y() }", &["crate a::b::toml::X", "crate a::b::toml::y"]);
    }

    #[test]
    fn tests_and_generics_name_nothing() {
        check("#[cfg(test)] mod tests { use crate::x; } fn f() -> impl Y + use<'_> {}", &[]);
    }
}
