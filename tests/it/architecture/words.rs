//! Words: a name that fits everything says nothing.

use super::lexer::Kind;
use super::source::Tree;
use super::violation::Violation;

/// Words that no name may have, in the plural neither.
const EMPTY: [&str; 6] = ["data", "handler", "helper", "info", "manager", "util"];

/// Names that a trait of others demands, each with its file and the trait.
const DEMANDED: [(&str, &str, &str); 1] = [("src/os/relay/passing.rs", "Data", "`Body` of `http-body`")];

/// Words of a dialect that nobody but us would know, each with the word that everyone knows.
const RETIRED: [(&str, &str); 17] = [
    ("hear", "handle"),
    ("heir", "inheritance"),
    ("lack", "missing"),
    ("ladder", "stop level"),
    ("manner", "options"),
    ("rung", "stop level"),
    ("said", "overrides"),
    ("sitting", "session"),
    ("standing", "progress"),
    ("strange", "unknown format"),
    ("stray", "orphan"),
    ("tell", "report"),
    ("told", "report"),
    ("untouched", "baseline checks"),
    ("upstream", "projectscylla"),
    ("vain", "blocked"),
    ("wish", "options"),
];

/// Modules that know `ProjectScylla`, one on each floor that needs it.
const WINGS: [&str; 3] = ["src/projectscylla/", "src/store/projectscylla/", "src/engine/projectscylla/"];

/// Files outside of the wings that may name it, each with the reason.
const CALLERS: [(&str, &str); 11] = [
    ("src/store/form.rs", "the one place where the store asks the wing"),
    ("src/cli/args/projectscylla.rs", "what can be typed about it"),
    ("src/cli/args/mod.rs", "help texts of the commands that take it over and write it"),
    ("src/cli/commands/take_over.rs", "the command that takes it over"),
    ("src/cli/commands/export.rs", "the command that writes it"),
    ("src/cli/commands/report_tables.rs", "the command that reads tables in its form"),
    ("src/cli/commands/resume.rs", "a take-over that was stopped is finished first"),
    ("src/cli/commands/repair.rs", "a take-over that was stopped is finished first"),
    ("src/lib.rs", "declares the wing of floor 1"),
    ("src/store/mod.rs", "declares the wing of the store"),
    ("src/engine/mod.rs", "declares the wing of the engine"),
];

/// The folder that knows of Slurm.
const OF_SLURM: &str = "src/engine/backend/slurm/";

/// Slurm, and its programs.
const ITS_WORDS: [&str; 6] = ["slurm", "sbatch", "squeue", "scontrol", "scancel", "sacct"];

/// Files elsewhere that may name it, each with the reason.
const KNOW_SLURM: [(&str, &str); 10] = [
    ("src/model/job.rs", "the word by which it is chosen"),
    ("src/engine/backend/mod.rs", "declares it"),
    ("src/engine/coordinator/elsewhere.rs", "begins it where it is chosen"),
    ("src/engine/cluster.rs", "hands over what it has to say before anything is submitted"),
    ("src/cli/args/cluster.rs", "what can be typed about it"),
    ("src/cli/args/values.rs", "what can be typed about it"),
    ("src/cli/needs.rs", "what is to be typed instead"),
    ("src/cli/unknown.rs", "options of its that are typed as if they were ours"),
    ("src/text/allotment.rs", "how its users write memory and time"),
    ("src/text/asked.rs", "the flag of its options"),
];

/// Names of it that were used once: everywhere it is called by its own.
const ITS_FORMER_NAMES: [&str; 3] = ["the original's", "the original", "an original's"];

/// Keywords behind which a name of ours stands.
const DECLARE: [&str; 8] = ["enum", "fn", "macro_rules", "mod", "struct", "trait", "type", "union"];

/// Files, modules, types and functions with an empty word in their name.
pub(super) fn empty_names(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for source in &tree.sources {
        let mut check = |line, what: &str, name: &str| {
            let Some(word) = empty_word(name) else { return };
            if DEMANDED.iter().any(|(file, demanded, _)| *file == source.path && *demanded == name) {
                return;
            }
            violations.push(Violation {
                file: source.path.clone(),
                line,
                rule: "a name says what a thing is: never manager, handler, helper, util, data or info",
                found: format!("`{word}` in the name of the {what} `{name}`"),
                cure: "name it by what it does or holds, in the words of the product",
            });
        };
        for name in source.path.trim_end_matches(".rs").split('/') {
            check(1, "file", name);
        }
        for window in source.tokens.windows(3) {
            let keyword = &window[0];
            // Behind `macro_rules` stands its `!`.
            let name = if window[1].is("!") { &window[2] } else { &window[1] };
            if keyword.kind == Kind::Name && DECLARE.contains(&keyword.text.as_str()) && name.kind == Kind::Name {
                check(name.line, &keyword.text, &name.text);
            }
        }
    }
    violations
}

/// Modules, types and functions of the library that are called in a dialect.
pub(super) fn retired_names(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for source in tree.library().filter(|source| !source.is_test()) {
        for (at, window) in source.tokens.windows(2).enumerate() {
            let [keyword, name] = window else { continue };
            let declares = keyword.kind == Kind::Name && DECLARE.contains(&keyword.text.as_str());
            if !declares || name.kind != Kind::Name || source.in_test(at) {
                continue;
            }
            let parts = words(&name.text);
            let known = |(word, _): &&(&str, &str)| parts.iter().any(|part| part.trim_end_matches('s') == *word);
            if let Some((word, instead)) = RETIRED.iter().find(known) {
                violations.push(Violation {
                    file: source.path.clone(),
                    line: name.line,
                    rule: "names are the field's standard terms",
                    found: format!("`{word}` in the name `{}`: say {instead}", name.text),
                    cure: "use the standard term",
                });
            }
        }
    }
    violations
}

/// Where a general module knows of `ProjectScylla`: it is given what is known of an experiment, whoever made that.
///
/// A wing calls it by its name, and by no other.
pub(super) fn outside_of_its_wing(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for source in tree.library().chain(tree.sources.iter().filter(|source| source.path == "src/lib.rs")) {
        let is_free = WINGS.iter().any(|wing| source.path.starts_with(wing))
            || CALLERS.iter().any(|(path, _)| *path == source.path);
        let code = source.tokens.iter().enumerate().filter(|(at, _)| !source.in_test(*at)).map(|(_, token)| token);
        for token in code.chain(&source.comments) {
            let text = token.text.to_lowercase();
            let is_name = token.kind != Kind::Literal && names_the_original(&text);
            let named = (!is_free && text.replace('_', "").contains("projectscylla")).then_some("ProjectScylla");
            let Some(found) = named.or_else(|| is_name.then_some("the original")) else { continue };
            violations.push(Violation {
                file: source.path.clone(),
                line: token.line,
                rule: "ProjectScylla is known in its wings alone, and called by its name there",
                found: format!("`{found}`"),
                cure: "let the wing hand over what is meant as plain data; say in words of this tool what it does",
            });
        }
    }
    violations
}

/// Where a general module knows of Slurm: it is given a backend, whichever that is.
pub(super) fn slurm_elsewhere(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for source in tree.library() {
        if source.path.starts_with(OF_SLURM) || KNOW_SLURM.iter().any(|(path, _)| *path == source.path) {
            continue;
        }
        let code = source.tokens.iter().enumerate().filter(|(at, _)| !source.in_test(*at)).map(|(_, token)| token);
        for token in code.chain(&source.comments) {
            let text = token.text.to_lowercase();
            violations.extend(ITS_WORDS.iter().filter(|word| text.contains(**word)).map(|word| Violation {
                file: source.path.clone(),
                line: token.line,
                rule: "Slurm is known in its backend alone",
                found: format!("`{word}`"),
                cure: "let the backend hand over what is meant, in words that hold for every batch system",
            }));
        }
    }
    violations
}

/// Whether a text that is no literal calls something `the original`, or a name has the word in it.
fn names_the_original(text: &str) -> bool {
    ITS_FORMER_NAMES.iter().any(|former| text.contains(former)) || text.split('_').any(|part| part == "original")
}

/// Callers that are not there, or name it no more.
pub(super) fn callers_without_a_call(tree: &Tree) -> Vec<Violation> {
    let is_idle = |path: &str| !tree.text(path).to_lowercase().replace('_', "").contains("projectscylla");
    let idle = CALLERS.iter().filter(|(path, _)| is_idle(path));
    idle.map(|(path, reason)| Violation {
        file: (*path).to_owned(),
        line: 1,
        rule: "a file on the list of those that may name ProjectScylla does name it",
        found: format!("it does not, though: {reason}"),
        cure: "take it from the list in `tests/it/architecture/words.rs`",
    })
    .collect()
}

/// The first empty word of a name in any of its spellings.
fn empty_word(name: &str) -> Option<String> {
    words(name).into_iter().find(|word| EMPTY.contains(&word.as_str()) || EMPTY.contains(&word.trim_end_matches('s')))
}

/// The words of a name, in lower case: `aB`, `a_b` and `a-b` have two.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    for letter in name.chars() {
        let begins = letter.is_uppercase() || !letter.is_alphanumeric();
        if begins && words.last().is_some_and(|word| !word.is_empty()) {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| letter.is_alphanumeric()) {
            word.extend(letter.to_lowercase());
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::super::violation::places;
    use super::*;

    #[test]
    fn words_of_a_dialect_are_found_in_the_library_and_not_in_its_tests() {
        let text = "fn end_strays() {}\nstruct Sitting;\n#[cfg(test)] mod tests { fn a_stray_is_found() {} }";
        let tree = Tree::of(&[("src/lib.rs", "mod a;"), ("src/a.rs", text)]);
        let expected = [
            "src/a.rs:1 `stray` in the name `end_strays`: say orphan",
            "src/a.rs:2 `sitting` in the name `Sitting`: say session",
        ];
        assert_eq!(places(&retired_names(&tree)), expected);
    }

    #[test]
    fn what_knows_the_other_tool_outside_of_its_wing_is_found_by_name_comment_and_text() {
        let text = "use crate::projectscylla;\n// as the original does\nfn a(original: u8) { \"of ProjectScylla\" }\n\
            #[cfg(test)] mod tests { fn of_projectscylla() {} }\nfn put(back: &str) { \"the original file\" }";
        let tree = Tree::of(&[
            ("src/rules/a.rs", text),
            ("src/projectscylla/mod.rs", "//! ProjectScylla\n// what the original's runner does"),
            ("src/store/form.rs", "use super::projectscylla;"),
        ]);
        let expected = [
            "src/projectscylla/mod.rs:2 `the original`",
            "src/rules/a.rs:1 `ProjectScylla`",
            "src/rules/a.rs:3 `the original`",
            "src/rules/a.rs:3 `ProjectScylla`",
            "src/rules/a.rs:2 `the original`",
        ];
        assert_eq!(places(&outside_of_its_wing(&tree)), expected);
    }

    #[test]
    fn what_knows_slurm_outside_of_its_backend_is_found() {
        let text =
            "use super::slurm;\n// as `squeue` says\nfn a() { \"sbatch\" }\n#[cfg(test)] mod tests { fn slurm() {} }";
        let tree = Tree::of(&[("src/engine/a.rs", text), ("src/engine/backend/slurm/mod.rs", text)]);
        let expected = ["src/engine/a.rs:1 `slurm`", "src/engine/a.rs:3 `sbatch`", "src/engine/a.rs:2 `squeue`"];
        assert_eq!(places(&slurm_elsewhere(&tree)), expected);
    }

    #[test]
    fn empty_words_are_found_in_names_of_files_modules_types_and_functions() {
        let tree = Tree::of(&[(
            "src/run_utils.rs",
            "struct RunManager;\nenum Info {}\nfn handlers() {}\nmod data {}\nmacro_rules! helper { () => {} }\ntype A = B;",
        )]);
        assert_eq!(
            places(&empty_names(&tree)),
            [
                "src/run_utils.rs:1 `utils` in the name of the file `run_utils`",
                "src/run_utils.rs:1 `manager` in the name of the struct `RunManager`",
                "src/run_utils.rs:2 `info` in the name of the enum `Info`",
                "src/run_utils.rs:3 `handlers` in the name of the fn `handlers`",
                "src/run_utils.rs:4 `data` in the name of the mod `data`",
                "src/run_utils.rs:5 `helper` in the name of the macro_rules `helper`",
            ]
        );
    }

    #[test]
    fn words_that_only_look_alike_and_names_of_others_are_free() {
        let text = "struct Metadata; fn informed() { sync_data(); info!() } impl Handler for Utility {} // a manager";
        assert_eq!(places(&empty_names(&Tree::of(&[("src/metadata.rs", text)]))), Vec::<String>::new());
    }
}
