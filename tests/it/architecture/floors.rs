//! Floors: a module names only lower ones.

use std::collections::BTreeMap;

use super::paths::{To, names};
use super::source::Tree;
use super::violation::Violation;

/// The floor of each module, as `src/lib.rs` lists them.
pub(super) struct Floors {
    of: BTreeMap<String, u32>,
    /// Modules that stand below no `// Floor N`, each with its line.
    homeless: Vec<(String, usize)>,
}

impl Floors {
    /// Reads the list: `// Floor N` stands above the modules of that floor.
    pub(super) fn read(lib: &str) -> Self {
        let mut floors = Self { of: BTreeMap::new(), homeless: Vec::new() };
        let mut floor = None;
        for (at, line) in lib.lines().enumerate() {
            if let Some(number) = line.strip_prefix("// Floor ") {
                floor = number.trim().parse().ok();
            } else if let Some(module) = module_of(line) {
                match floor {
                    Some(floor) => _ = floors.of.insert(module.to_owned(), floor),
                    None => floors.homeless.push((module.to_owned(), at + 1)),
                }
            }
        }
        floors
    }

    /// The floor of a module.
    pub(super) fn of(&self, module: &str) -> Option<u32> {
        self.of.get(module).copied()
    }
}

/// The module that a line declares.
fn module_of(line: &str) -> Option<&str> {
    let line = line.trim();
    line.strip_prefix("pub ").unwrap_or(line).strip_prefix("mod ")?.strip_suffix(';')
}

/// Modules of the library that have no floor.
pub(super) fn unlisted(floors: &Floors, tree: &Tree) -> Vec<Violation> {
    let violation = |file: &str, line, found| Violation {
        file: file.to_owned(),
        line,
        rule: "`src/lib.rs` lists every module below the line `// Floor N` of its floor",
        found,
        cure: "declare the module in `src/lib.rs` below its floor",
    };
    let homeless = floors.homeless.iter();
    let homeless =
        homeless.map(|(module, line)| violation("src/lib.rs", *line, format!("`{module}` stands on no floor")));
    let absent = tree.library().filter_map(|source| {
        let module = source.module()?;
        let known = floors.of(&module[0]).is_some() || floors.homeless.iter().any(|(name, _)| *name == module[0]);
        (!known).then(|| violation(&source.path, 1, format!("`{}` is not in the list", module[0])))
    });
    homeless.chain(absent).collect()
}

/// Names of modules that stand higher, or beside.
pub(super) fn upward(floors: &Floors, tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for source in tree.library() {
        let Some(module) = source.module() else { continue };
        let Some(own) = floors.of(&module[0]) else { continue };
        for named in names(source, &module).named {
            let To::Crate(path) = named.to else { continue };
            let Some(other) = path.first().filter(|other| **other != module[0]) else { continue };
            let found = match floors.of(other) {
                Some(floor) if floor < own => continue,
                Some(floor) if floor == own => {
                    format!("`{}` names `{other}`, and both stand on floor {own}", module[0])
                }
                Some(floor) => format!("`{}` on floor {own} names `{other}` on floor {floor}", module[0]),
                None => {
                    format!("`{}` names `crate::{other}`, which is no module of the list in `src/lib.rs`", module[0])
                }
            };
            violations.push(Violation {
                file: source.path.clone(),
                line: named.line,
                rule: "a module imports only lower floors; modules on one floor do not know each other",
                found,
                cure: "move what both need to a lower floor, or let a higher floor pass it in",
            });
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::super::violation::places;
    use super::*;

    const LIB: &str = "// Floor 0\npub mod model;\n// Floor 1\npub mod stats;\npub mod text;\n";

    fn check(path: &str, text: &str, expected: &[&str]) {
        let tree = Tree::of(&[(path, text)]);
        assert_eq!(places(&upward(&Floors::read(LIB), &tree)), expected);
    }

    #[test]
    fn lower_floors_and_the_own_module_may_be_named() {
        check("src/stats/a.rs", "use crate::model::x; use super::b; use crate::stats::c; use std::text;", &[]);
    }

    #[test]
    fn a_higher_floor_is_found_in_imports_and_in_code() {
        check(
            "src/model/a.rs",
            "\nuse crate::{model::b, text::c};",
            &["src/model/a.rs:2 `model` on floor 0 names `text` on floor 1"],
        );
        check(
            "src/model/mod.rs",
            "fn f() {\n  super::text::g() }",
            &["src/model/mod.rs:2 `model` on floor 0 names `text` on floor 1"],
        );
    }

    #[test]
    fn a_sibling_is_found() {
        check(
            "src/stats/a.rs",
            "fn f(a: super::super::text::T) {}",
            &["src/stats/a.rs:1 `stats` names `text`, and both stand on floor 1"],
        );
    }

    #[test]
    fn the_root_offers_nothing_but_modules() {
        check(
            "src/stats/a.rs",
            "use crate::Thing;",
            &["src/stats/a.rs:1 `stats` names `crate::Thing`, which is no module of the list in `src/lib.rs`"],
        );
    }

    #[test]
    fn tests_may_name_any_floor() {
        check("src/model/a.rs", "#[cfg(test)] mod tests { use crate::text; }", &[]);
    }

    #[test]
    fn a_module_without_a_floor_is_found() {
        let tree = Tree::of(&[("src/early/mod.rs", ""), ("src/forgotten.rs", ""), ("src/model/mod.rs", "")]);
        let floors = Floors::read("pub mod early;\n// Floor 0\npub mod model;");
        assert_eq!(
            places(&unlisted(&floors, &tree)),
            ["src/lib.rs:1 `early` stands on no floor", "src/forgotten.rs:1 `forgotten` is not in the list",]
        );
    }
}
