//! Doors: a neighbour that touches the world is met in one place, which `ARCHITECTURE.md` names.

use std::collections::BTreeSet;

use super::documents::{rows, spans};
use super::floors::Floors;
use super::lexer::Kind;
use super::paths::{To, names};
use super::source::Tree;
use super::violation::Violation;

/// Parts of the standard library that must have a door.
const NEEDS_DOOR: [&str; 6] =
    ["std::env", "std::fs", "std::process::Command", "std::thread", "std::time::Instant", "std::time::SystemTime"];

/// What writes to the process's own output.
const PRINTS: [&str; 5] = ["dbg", "eprint", "eprintln", "print", "println"];

const MANIFEST: &str = "Cargo.toml";
const DOCUMENT: &str = "ARCHITECTURE.md";

/// One row of the table of doors.
pub(super) struct Door {
    /// The neighbour: a crate as `Cargo.toml` names it, or a path into the standard library.
    neighbour: String,
    /// Who may meet it.
    opens_to: OpensTo,
    /// The row's line.
    line: usize,
}

/// Who may meet a neighbour.
#[derive(Debug, PartialEq, Eq)]
enum OpensTo {
    /// Every module: the neighbour does not touch the world.
    All,
    /// Every module from this floor on.
    Floor(u32),
    /// These modules, and those below them.
    Modules(Vec<String>),
}

/// Reads the table below `## Doors`: neighbour, where it is met.
pub(super) fn read(document: &str) -> Vec<Door> {
    let row = |(line, cells): (usize, Vec<&str>)| {
        let neighbour = spans(cells.first()?).next()?.to_owned();
        let place = cells.get(1)?;
        let floor = place.trim().strip_prefix("floor ").and_then(|rest| rest.strip_suffix(" and up"));
        let opens_to = match floor {
            _ if place.trim() == "any module" => OpensTo::All,
            Some(floor) => OpensTo::Floor(floor.parse().ok()?),
            None => OpensTo::Modules(spans(place).map(str::to_owned).collect()),
        };
        Some(Door { neighbour, opens_to, line })
    };
    rows(document, "Doors").into_iter().filter_map(row).collect()
}

/// Names below `[dependencies]`, each with its line.
fn dependencies(manifest: &str) -> Vec<(String, usize)> {
    names_below("dependencies", manifest)
}

/// Names below a section of the manifest, each with its line.
fn names_below(wanted: &str, manifest: &str) -> Vec<(String, usize)> {
    let mut section = "";
    let mut found = Vec::new();
    for (at, line) in manifest.lines().enumerate() {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.trim_end().strip_suffix(']')) {
            section = name;
            let own = name.strip_prefix(wanted).and_then(|rest| rest.strip_prefix('.'));
            found.extend(own.map(|name| (name.to_owned(), at + 1)));
        } else if section == wanted && line.contains('=') && !line.starts_with([' ', '#', '}', ']']) {
            let name = line.split(['=', '.']).next().unwrap_or("").trim();
            found.push((name.to_owned(), at + 1));
        }
    }
    found
}

/// Dependencies without a reason in the document, and reasons without a dependency.
pub(super) fn without_reason(manifest: &str, path: &str, document: &str) -> Vec<Violation> {
    let crates: Vec<(String, usize)> =
        ["dependencies", "dev-dependencies"].iter().flat_map(|section| names_below(section, manifest)).collect();
    let reasons: Vec<(String, usize)> = rows(document, "Dependencies")
        .into_iter()
        .filter_map(|(line, cells)| Some((spans(cells.first()?).next()?.to_owned(), line)))
        .collect();
    let violation = |file: &str, line, found| Violation {
        file: file.to_owned(),
        line,
        rule: "each dependency has its reason in `docs/design/0003-crates.md`, and nothing else has",
        found,
        cure: "write the row or take it out; or do without the crate",
    };
    let lacks = |list: &[(String, usize)], name: &str| !list.iter().any(|(other, _)| other == name);
    let unreasoned = crates.iter().filter(|(name, _)| lacks(&reasons, name));
    let unused = reasons.iter().filter(|(name, _)| lacks(&crates, name));
    unreasoned
        .map(|(name, line)| violation(MANIFEST, *line, format!("`{name}` has no reason")))
        .chain(unused.map(|(name, line)| violation(path, *line, format!("`{name}` is no dependency"))))
        .collect()
}

/// Rows whose neighbour is not there.
pub(super) fn without_neighbour(doors: &[Door], manifest: &str) -> Vec<Violation> {
    let crates: BTreeSet<String> = dependencies(manifest).into_iter().map(|(name, _)| name).collect();
    let stale = doors.iter().filter(|door| !door.neighbour.starts_with("std::") && !crates.contains(&door.neighbour));
    stale
        .map(|door| Violation {
            file: DOCUMENT.to_owned(),
            line: door.line,
            rule: "each row of the doors is a crate of `[dependencies]`, or a part of the standard library",
            found: format!("`{}` has a row, and is no dependency", door.neighbour),
            cure: "take the row out of the table in `ARCHITECTURE.md`",
        })
        .collect()
}

/// Crates, and parts of the standard library that need one, that have no row.
pub(super) fn without_door(doors: &[Door], manifest: &str) -> Vec<Violation> {
    let known: BTreeSet<&str> = doors.iter().map(|door| door.neighbour.as_str()).collect();
    let crates = dependencies(manifest).into_iter().map(|(name, line)| (MANIFEST, name, line));
    let parts = NEEDS_DOOR.iter().map(|part| (DOCUMENT, (*part).to_owned(), 1));
    let closed = crates.chain(parts).filter(|(_, name, _)| !known.contains(name.as_str()));
    closed
        .map(|(file, name, line)| Violation {
            file: file.to_owned(),
            line,
            rule: "each neighbour has a row in the table of doors in `ARCHITECTURE.md`",
            found: format!("`{name}` has no row"),
            cure: "add a row that names the one module that meets it, or `any module` when it does not touch the world",
        })
        .collect()
}

/// Places that meet a neighbour elsewhere than at its door.
pub(super) fn passed_by(doors: &[Door], floors: &Floors, tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for source in tree.library() {
        let Some(module) = source.module() else { continue };
        let floor = floors.of(&module[0]).unwrap_or(0);
        let place = module.join("/");
        for named in names(source, &module).named {
            let To::Outside(path) = named.to else { continue };
            let closed = doors.iter().filter(|door| door.leads_to(&path) && !door.lets_in(&place, floor));
            violations.extend(closed.map(|_| Violation {
                file: source.path.clone(),
                line: named.line,
                rule: "a neighbour that touches the world is met only at its door: the table in `ARCHITECTURE.md`",
                found: format!("`{place}` names `{}`", path.join("::")),
                cure: "call the module that is its door; a second door is a row in the table, with its reason",
            }));
        }
    }
    violations
}

/// Doors that nobody goes through: a module that a row names, and that does not meet the neighbour.
pub(super) fn unused(doors: &[Door], tree: &Tree) -> Vec<Violation> {
    let mut met: BTreeSet<(String, &str)> = BTreeSet::new();
    for source in tree.library() {
        let Some(module) = source.module() else { continue };
        let place = module.join("/");
        for named in names(source, &module).named {
            let To::Outside(path) = named.to else { continue };
            let through = doors.iter().filter(|door| door.leads_to(&path));
            met.extend(through.map(|door| (place.clone(), door.neighbour.as_str())));
        }
    }
    let mut violations = Vec::new();
    for door in doors {
        let OpensTo::Modules(modules) = &door.opens_to else { continue };
        let is_met = |module: &str| {
            met.iter().any(|(place, neighbour)| *neighbour == door.neighbour && is_within(place, module))
        };
        violations.extend(modules.iter().filter(|module| !is_met(module)).map(|module| Violation {
            file: DOCUMENT.to_owned(),
            line: door.line,
            rule: "each door is gone through",
            found: format!("`{module}` does not meet `{}`", door.neighbour),
            cure: "take the module out of the row",
        }));
    }
    violations
}

/// Whether a module is another one, or lies below it.
fn is_within(place: &str, module: &str) -> bool {
    place.strip_prefix(module).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

impl Door {
    /// Whether a path is the neighbour, lies in it, or takes all that lies beside it.
    fn leads_to(&self, path: &[String]) -> bool {
        let name = self.neighbour.replace('-', "_");
        let own: Vec<&str> = name.split("::").collect();
        if path.last().is_some_and(|last| last == "*") && path.len() <= own.len() {
            return path.iter().zip(&own).take(path.len() - 1).all(|(a, b)| a == b);
        }
        path.len() >= own.len() && path.iter().zip(&own).all(|(a, b)| a == b)
    }

    fn lets_in(&self, place: &str, floor: u32) -> bool {
        match &self.opens_to {
            OpensTo::All => true,
            OpensTo::Floor(lowest) => floor >= *lowest,
            OpensTo::Modules(modules) => modules.iter().any(|module| is_within(place, module)),
        }
    }
}

/// Places in the library that print.
pub(super) fn prints(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for source in tree.library() {
        for (at, pair) in source.tokens.windows(2).enumerate() {
            let prints = pair[0].kind == Kind::Name && PRINTS.contains(&pair[0].text.as_str()) && pair[1].is("!");
            if prints && !source.in_test(at) {
                violations.push(Violation {
                    file: source.path.clone(),
                    line: pair[0].line,
                    rule: "the library prints nothing",
                    found: format!("`{}!`", pair[0].text),
                    cure: "write to the `Write` that the caller gives, or say an event",
                });
            }
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::super::violation::places;
    use super::*;

    const LIB: &str = "// Floor 1\nmod text;\n// Floor 2\nmod os;\n// Floor 5\nmod cli;";
    const TABLE: &str = "## Doors\n\n| neighbour | door | for |\n|---|---|---|\n| `serde` | any module | |\n\
        | `signal-hook` | `os/signal` | |\n| `toml` | `cli` | |\n| `std::fs` | floor 2 and up | |\n\
        | `std::process::Command` | `os` | |\n| `std::time::Instant` | floor 2 and up | |\n";

    fn check(path: &str, text: &str, expected: &[&str]) {
        let tree = Tree::of(&[(path, text)]);
        assert_eq!(places(&passed_by(&read(TABLE), &Floors::read(LIB), &tree)), expected, "{text}");
    }

    #[test]
    fn a_neighbour_may_be_met_at_its_door_and_below() {
        check("src/os/signal.rs", "use signal_hook::x;", &[]);
        check("src/os/signal/inner.rs", "signal_hook::x();", &[]);
        check("src/cli/toml.rs", "use toml::X; use serde::Y;", &[]);
        check("src/os/files/mod.rs", "use std::fs::{self, File}; use std::process::{Command, Stdio};", &[]);
    }

    #[test]
    fn a_neighbour_that_is_met_elsewhere_is_found() {
        check(
            "src/os/signals.rs",
            "\nuse signal_hook as hook;",
            &["src/os/signals.rs:2 `os/signals` names `signal_hook`"],
        );
        check("src/text/mod.rs", "fn f() -> ::toml::Value {}", &["src/text/mod.rs:1 `text` names `toml::Value`"]);
        check("src/text/mod.rs", "use std::{io, fs::File};", &["src/text/mod.rs:1 `text` names `std::fs::File`"]);
        check(
            "src/cli/mod.rs",
            "use std::process; fn f() { process::Command::new() }",
            &["src/cli/mod.rs:1 `cli` names `std::process::Command::new`"],
        );
        check("src/cli/mod.rs", "use std::process::*;", &["src/cli/mod.rs:1 `cli` names `std::process::*`"]);
    }

    #[test]
    fn a_door_that_nobody_goes_through_is_found() {
        let doors = read("## Doors\n\n|n|d|\n|-|-|\n| `toml` | `cli`, `config` |\n| `std::fs` | `os/files` |\n");
        let tree = Tree::of(&[
            ("src/cli/a.rs", "use toml::X;"),
            ("src/os/files/mod.rs", ""),
            ("src/os/lock/mod.rs", "use std::fs;"),
        ]);
        let expected =
            ["ARCHITECTURE.md:5 `config` does not meet `toml`", "ARCHITECTURE.md:6 `os/files` does not meet `std::fs`"];
        assert_eq!(places(&unused(&doors, &tree)), expected);
    }

    #[test]
    fn parts_of_the_standard_library_beside_a_door_are_free() {
        check("src/text/mod.rs", "use std::process::ExitCode; use std::time::Duration; use std::io::*;", &[]);
    }

    #[test]
    fn a_crate_without_a_row_and_a_row_without_a_crate_are_found() {
        let manifest =
            "[dependencies]\nserde = { version = \"1\" }\n[dependencies.walkdir]\n[dev-dependencies]\ninsta = \"1\"";
        let doors = read(TABLE);
        assert_eq!(
            places(&without_neighbour(&doors, manifest)),
            [
                "ARCHITECTURE.md:6 `signal-hook` has a row, and is no dependency",
                "ARCHITECTURE.md:7 `toml` has a row, and is no dependency",
            ]
        );
        assert_eq!(
            places(&without_door(&doors, manifest)),
            [
                "Cargo.toml:3 `walkdir` has no row",
                "ARCHITECTURE.md:1 `std::env` has no row",
                "ARCHITECTURE.md:1 `std::thread` has no row",
                "ARCHITECTURE.md:1 `std::time::SystemTime` has no row",
            ]
        );
    }

    #[test]
    fn a_dependency_without_a_reason_and_a_reason_without_a_dependency_are_found() {
        let manifest = "[dependencies]\nserde = \"1\"\ntoml.workspace = true\n[dev-dependencies]\ninsta = \"1\"";
        let document = "## Dependencies\n| crate | why |\n|---|---|\n| `serde` | x |\n| `duct` | y |\n";
        assert_eq!(
            places(&without_reason(manifest, "docs/d.md", document)),
            [
                "Cargo.toml:3 `toml` has no reason",
                "Cargo.toml:5 `insta` has no reason",
                "docs/d.md:5 `duct` is no dependency",
            ]
        );
    }

    #[test]
    fn printing_is_found_outside_of_tests() {
        let tree = Tree::of(&[
            ("src/cli/mod.rs", "fn f() {\n println!(\"x\") }"),
            ("src/cli/ok.rs", "#[test] fn f() { println!() } fn print() { \"println!\"; print() }"),
        ]);
        assert_eq!(places(&prints(&tree)), ["src/cli/mod.rs:2 `println!`"]);
    }
}
