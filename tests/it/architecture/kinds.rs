//! Kinds: an agent, a judge or a form of a report is a file of its own and a line of a list, and nobody else knows of it.

use super::lexer::Kind;
use super::source::{Source, Tree, item_end};
use super::violation::Violation;

/// The lists, each with the file that holds it.
const LISTS: [(&str, &str); 3] =
    [("src/agent/mod.rs", "KINDS"), ("src/judge/mod.rs", "KINDS"), ("src/report/findings/mod.rs", "FORMATS")];

/// Names of kinds that mean other things too; only as a path do they mean the kind.
const SHARED_WORDS: [&str; 7] = ["checks", "command", "gemini", "human", "json", "model", "replay"];

/// The modules that a list names: those before `::KIND` and `::FORMAT`.
fn listed(source: &Source, list: &str) -> Vec<String> {
    let Some(start) = source.tokens.iter().position(|token| token.is(list)) else { return Vec::new() };
    let item = &source.tokens[start..item_end(&source.tokens, start)];
    let named = item.windows(3).filter(|window| window[1].is("::") && (window[2].is("KIND") || window[2].is("FORMAT")));
    named.map(|window| window[0].text.clone()).collect()
}

/// Lists that are empty, kinds without a file of their own, and places beside both that know a kind.
pub(super) fn known_elsewhere(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (file, list) in LISTS {
        let kinds: Vec<String> =
            tree.sources.iter().filter(|it| it.path == file).flat_map(|it| listed(it, list)).collect();
        let folder = file.strip_suffix("/mod.rs").unwrap_or(file);
        let module = folder.rsplit('/').next().unwrap_or(folder);
        let mut found = |path: &str, line, found| {
            violations.push(Violation {
                file: path.to_owned(),
                line,
                rule: "a kind of agent, judge or report is one file and one line of a list",
                found,
                cure: "ask its adapter, so that the next kind need not be known there either",
            });
        };
        if kinds.is_empty() {
            found(file, 1, format!("`{list}` lists nothing"));
        }
        for kind in &kinds {
            let own = format!("{folder}/{kind}.rs");
            if !tree.files.contains(&own) {
                found(file, 1, format!("`{kind}` has no file `{own}`"));
            }
            for source in tree.library().filter(|it| it.path != own && it.path != file) {
                for line in mentions(source, module, kind) {
                    found(&source.path, line, format!("knows the kind `{kind}`"));
                }
            }
        }
    }
    violations
}

/// The lines of a source, without its tests, that know a kind.
fn mentions(source: &Source, module: &str, kind: &str) -> Vec<usize> {
    let is_shared = SHARED_WORDS.contains(&kind);
    let is_mention = |at: usize| {
        let token = &source.tokens[at];
        let is_path = at >= 2 && source.tokens[at - 1].is("::") && source.tokens[at - 2].is(module);
        match token.kind {
            Kind::Name if is_shared => token.text == kind && is_path,
            Kind::Name => token.text.to_lowercase() == kind,
            Kind::Literal if is_shared => false,
            Kind::Literal => token.text == kind || token.text.contains(&format!("kind: {kind}")),
            _ => false,
        }
    };
    (0..source.tokens.len())
        .filter(|at| !source.in_test(*at) && is_mention(*at))
        .map(|at| source.tokens[at].line)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::violation::places;
    use super::*;

    #[test]
    fn whoever_knows_a_kind_beside_its_file_and_its_list_is_found() {
        let tree = Tree::of(&[
            ("src/lib.rs", "mod agent; mod engine; mod judge; mod report;"),
            ("src/agent/mod.rs", "mod command; mod nop; pub static KINDS: &[&Kind] = &[&command::KIND, &nop::KIND];"),
            ("src/agent/command.rs", ""),
            ("src/agent/nop.rs", "struct Nop;"),
            ("src/judge/mod.rs", "pub static KINDS: &[&Kind] = &[&checks::KIND];"),
            ("src/report/findings/mod.rs", "mod human; pub static FORMATS: &[&Format] = &[&human::FORMAT];"),
            ("src/report/findings/human.rs", "fn human() {}"),
            (
                "src/engine.rs",
                "use std::process::Command;\nuse crate::agent::command::run;\nfn is(a: Spec) -> bool { a == Spec::Nop }\n\
                 fn text() -> &str { \"agent: {kind: nop}\" } // nop\n#[cfg(test)] mod tests { fn nop() {} }",
            ),
        ]);
        assert_eq!(
            places(&known_elsewhere(&tree)),
            [
                "src/engine.rs:2 knows the kind `command`",
                "src/engine.rs:3 knows the kind `nop`",
                "src/engine.rs:4 knows the kind `nop`",
                "src/judge/mod.rs:1 `checks` has no file `src/judge/checks.rs`",
            ]
        );
        assert_eq!(known_elsewhere(&Tree::of(&[])).len(), LISTS.len(), "an empty list holds nothing");
    }
}
