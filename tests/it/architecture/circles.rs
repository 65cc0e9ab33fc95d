//! Circles: modules beside each other do not depend on each other, on any level.
//!
//! A module and those below it are one thing to the modules beside it, so what passes between a module and its own
//! submodules makes no circle.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::paths::{Names, To, names};
use super::source::Tree;
use super::violation::Violation;

/// A module as names below the crate's root.
type Module = Vec<String>;

/// Which modules beside it each module names, itself or below, each with the first place.
type Graph = BTreeMap<Module, BTreeMap<Module, (String, usize)>>;

/// One violation for each group of modules that depend on each other, largest first.
pub(super) fn circles(tree: &Tree) -> Vec<Violation> {
    let graph = graph(tree);
    let mut seen: BTreeSet<Module> = BTreeSet::new();
    let mut groups: Vec<(usize, Violation)> = Vec::new();
    for module in graph.keys() {
        if seen.contains(module) {
            continue;
        }
        let Some(way) = way_back(&graph, module) else { continue };
        let group = group_of(&graph, module);
        let steps: Vec<String> = way.iter().map(|step| step.join("/")).collect();
        let (file, line) = graph[module][&way[1]].clone();
        let violation = Violation {
            file,
            line,
            rule: "modules import each other in no circle",
            found: format!("{} modules depend on each other: {}", group.len(), steps.join(" -> ")),
            cure: "move what both sides need to a module of its own that imports neither",
        };
        groups.push((group.len(), violation));
        seen.extend(group);
    }
    groups.sort_by_key(|(size, _)| std::cmp::Reverse(*size));
    groups.into_iter().map(|(_, violation)| violation).collect()
}

/// Which modules of the library name which.
fn graph(tree: &Tree) -> Graph {
    let modules: BTreeMap<Module, Names> = tree
        .library()
        .filter_map(|source| source.module().map(|module| (module.clone(), names(source, &module))))
        .collect();
    let mut graph = Graph::new();
    for source in tree.library() {
        let Some(module) = source.module() else { continue };
        for path in &modules[&module].named {
            let To::Crate(to) = &path.to else { continue };
            let Some(other) = home(&modules, to) else { continue };
            let shared = module.iter().zip(&other).take_while(|(a, b)| a == b).count();
            if shared < module.len() && shared < other.len() {
                let place = (source.path.clone(), path.line);
                let beside = graph.entry(module[..=shared].to_vec()).or_default();
                beside.entry(other[..=shared].to_vec()).or_insert(place);
                graph.entry(other[..=shared].to_vec()).or_default();
            }
        }
    }
    graph
}

/// The module that defines what `path` names: imports that are only passed on are followed.
fn home(modules: &BTreeMap<Module, Names>, path: &[String]) -> Option<Module> {
    let mut path = path.to_vec();
    // A chain of imports is shorter than this, or it is a circle itself.
    for _ in 0..8 {
        let length = (1..=path.len()).rev().find(|length| modules.contains_key(&path[..*length]))?;
        let passed_on = path.get(length).and_then(|name| modules[&path[..length]].imports.get(name));
        let Some(To::Crate(to)) = passed_on else {
            path.truncate(length);
            return Some(path);
        };
        path = to.iter().chain(&path[length + 1..]).cloned().collect();
    }
    None
}

/// The shortest way from a module back to itself.
fn way_back(graph: &Graph, module: &Module) -> Option<Vec<Module>> {
    let mut ways = VecDeque::from([vec![module.clone()]]);
    let mut seen: BTreeSet<Module> = BTreeSet::new();
    while let Some(way) = ways.pop_front() {
        for next in way.last().and_then(|last| graph.get(last))?.keys() {
            let longer: Vec<Module> = way.iter().chain([next]).cloned().collect();
            if next == module {
                return Some(longer);
            }
            if seen.insert(next.clone()) {
                ways.push_back(longer);
            }
        }
    }
    None
}

/// Every module that `module` depends on and that depends on it.
fn group_of(graph: &Graph, module: &Module) -> BTreeSet<Module> {
    let reached = reached(graph, module);
    reached.iter().filter(|other| self::reached(graph, other).contains(module)).cloned().collect()
}

/// Every module that `module` depends on, through others too.
fn reached(graph: &Graph, module: &Module) -> BTreeSet<Module> {
    let mut found = BTreeSet::new();
    let mut open = vec![module];
    while let Some(next) = open.pop() {
        for other in graph.get(next).into_iter().flat_map(BTreeMap::keys) {
            if found.insert(other.clone()) {
                open.push(other);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::violation::places;
    use super::*;

    fn check(files: &[(&str, &str)], expected: &[&str]) {
        assert_eq!(places(&circles(&Tree::of(files))), expected);
    }

    #[test]
    fn a_chain_is_no_circle() {
        check(&[("src/a.rs", "use crate::b;"), ("src/b.rs", "use crate::c;"), ("src/c.rs", "")], &[]);
    }

    #[test]
    fn a_circle_of_modules_is_found() {
        check(
            &[
                ("src/a.rs", "\nuse crate::b;"),
                ("src/b.rs", "fn f() { crate::c::g() }"),
                ("src/c.rs", "use super::a::X;"),
            ],
            &["src/a.rs:2 3 modules depend on each other: a -> b -> c -> a"],
        );
    }

    #[test]
    fn a_circle_within_a_module_is_found() {
        check(
            &[("src/a/b.rs", "use super::c::f;"), ("src/a/c.rs", ""), ("src/a/c/d.rs", "\nuse crate::a::b;")],
            &["src/a/b.rs:1 2 modules depend on each other: a/b -> a/c -> a/b"],
        );
    }

    #[test]
    fn a_module_and_those_below_it_are_one() {
        check(&[("src/a/mod.rs", "mod b; fn f() { b::g() }"), ("src/a/b.rs", "use super::f;")], &[]);
        check(
            &[
                ("src/a/b.rs", "use crate::c;"),
                ("src/c/d.rs", "use crate::a::e;"),
                ("src/a/e.rs", ""),
                ("src/c.rs", ""),
            ],
            &["src/a/b.rs:1 2 modules depend on each other: a -> c -> a"],
        );
    }

    #[test]
    fn what_a_module_only_passes_on_is_not_its_own() {
        let of =
            |b| [("src/a/mod.rs", "mod b; mod c; pub use c::C;"), ("src/a/b.rs", b), ("src/a/c.rs", "use super::b;")];
        check(&of("use super::D;"), &[]);
        check(&of("use super::C;"), &["src/a/b.rs:1 2 modules depend on each other: a/b -> a/c -> a/b"]);
    }

    #[test]
    fn the_largest_circle_comes_first() {
        check(
            &[
                ("src/a.rs", "use crate::b;"),
                ("src/b.rs", "use crate::a;"),
                ("src/c.rs", "use crate::d;"),
                ("src/d.rs", "use crate::e;"),
                ("src/e.rs", "use crate::c;"),
            ],
            &[
                "src/c.rs:1 3 modules depend on each other: c -> d -> e -> c",
                "src/a.rs:1 2 modules depend on each other: a -> b -> a",
            ],
        );
    }
}
