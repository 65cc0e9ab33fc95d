//! Reads what a page of the manual shows: blocks, commands, links, headings and files.

use std::collections::{BTreeMap, BTreeSet};

use super::console::Step;

/// A page.
#[derive(Debug, Clone)]
pub(crate) struct Document {
    pub(super) path: String,
    pub(super) text: String,
}

/// A command line of ours that a page names.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Call {
    pub(super) subcommand: String,
    pub(super) flags: Vec<String>,
}

impl Document {
    pub(crate) fn new(path: String, text: String) -> Self {
        Self { path, text }
    }

    /// Whether it is about what a user types; the others also name what is planned or what contributors type.
    pub(super) fn is_for_users(&self) -> bool {
        self.path == "README.md" || (self.path.starts_with("docs/") && !self.path.starts_with("docs/design/"))
    }

    /// The fenced blocks of a language.
    pub(crate) fn blocks(&self, language: &str) -> Vec<String> {
        let mut blocks = Vec::new();
        let mut lines = self.text.lines();
        while let Some(line) = lines.next() {
            let Some(fence) = line.strip_prefix("```") else { continue };
            let body: Vec<&str> = lines.by_ref().take_while(|line| !line.starts_with("```")).collect();
            if fence == language {
                blocks.push(body.join("\n") + "\n");
            }
        }
        blocks
    }

    /// The commands of its console blocks, each with what it is shown to print.
    pub(super) fn steps(&self) -> Vec<Step> {
        let mut steps: Vec<Step> = Vec::new();
        for block in self.blocks("console") {
            for (at, line) in block.lines().enumerate() {
                match line.strip_prefix("$ ") {
                    Some(command) => steps.push(Step { command: command.to_owned(), shown: Vec::new() }),
                    None if at == 0 => panic!("{}: a console block begins with `{line}`", self.path),
                    None => steps.last_mut().unwrap().shown.push(line.trim_end().to_owned()),
                }
            }
        }
        steps
    }

    /// The files that it shows whole: blocks whose first line is a comment with a path.
    pub(crate) fn files(&self) -> BTreeMap<String, String> {
        let mut files = BTreeMap::new();
        for language in ["yaml", "markdown", "sh", "diff"] {
            for block in self.blocks(language) {
                let (first, rest) = block.split_once('\n').unwrap();
                if let Some(name) = first.strip_prefix("# file: ") {
                    files.insert(name.to_owned(), rest.to_owned());
                }
            }
        }
        files
    }
}

/// What stands behind `](`, outside of code.
pub(super) fn links(text: &str) -> impl Iterator<Item = &str> {
    prose(text).flat_map(|line| line.split("](").skip(1).filter_map(|rest| rest.split(')').next()))
}

/// Lines outside of fenced blocks.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut fenced = false;
    text.lines().filter(move |line| {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        !fenced && !fence
    })
}

/// The anchors of a page's headings.
pub(super) fn slugs(text: &str) -> BTreeSet<String> {
    let headings = prose(text).filter(|line| line.starts_with('#'));
    let slug = |heading: &str| {
        let kept = heading.trim_start_matches('#').trim().chars();
        let kept = kept.filter(|letter| letter.is_alphanumeric() || "-_ ".contains(*letter));
        kept.map(|letter| if letter == ' ' { '-' } else { letter }).collect::<String>().to_lowercase()
    };
    headings.map(slug).collect()
}

/// Every `cargo scylla …` in code.
pub(super) fn calls(text: &str) -> Vec<Call> {
    let (prefix, mut calls) = ("cargo scylla ", Vec::new());
    for code in code(text) {
        for (at, _) in code.match_indices(prefix) {
            let rest = code[at + prefix.len()..].split(['|', ';', '&', '>', '<', ')', '`']).next().unwrap_or("");
            let words: Vec<&str> = rest.split_whitespace().collect();
            let names = |word: &&&str| word.chars().all(|letter| letter.is_ascii_lowercase());
            let Some(name) = words.first().filter(|word| names(word)) else { continue };
            let inner = words.get(1).filter(|word| *name == "fixture" && names(word));
            calls.push(Call {
                subcommand: [Some(name), inner].into_iter().flatten().copied().collect::<Vec<_>>().join(" "),
                flags: words.iter().filter_map(|word| flag(word)).collect(),
            });
        }
    }
    calls
}

/// Spans of code that begin with a flag.
pub(super) fn loose_flags(text: &str) -> Vec<String> {
    prose(text)
        .flat_map(|line| line.split('`').skip(1).step_by(2))
        .filter(|span| span.starts_with("--"))
        .filter_map(|span| flag(span.split_whitespace().next().unwrap_or("")))
        .collect()
}

/// Spans of code that are sentences, as the names of tests are.
pub(super) fn sentences(text: &str) -> impl Iterator<Item = &str> {
    let is_sentence = |span: &&str| {
        let plain = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_';
        span.chars().all(plain) && span.matches('_').count() > 3
    };
    prose(text).flat_map(|line| line.split('`').skip(1).step_by(2)).filter(is_sentence)
}

fn flag(word: &str) -> Option<String> {
    let name = word.trim_start_matches('[').strip_prefix("--")?;
    let end = name.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '-').unwrap_or(name.len());
    (end > 0).then(|| format!("--{}", &name[..end]))
}

/// Everything that stands in code: spans in prose, lines of fenced blocks.
fn code(text: &str) -> Vec<&str> {
    let mut code = Vec::new();
    let mut fenced = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if fenced {
            code.push(line);
        } else {
            code.extend(line.split('`').skip(1).step_by(2));
        }
    }
    code
}

#[test]
fn a_page_is_taken_apart_into_what_it_shows() {
    let page = Document::new(
        "docs/a.md".to_owned(),
        "# A `b`, c\n[x](y.md#z) `cargo scylla verify DIR --format json` `--runs 3`\n```console\n$ cargo scylla fixture new x\n\
         made\n…\n$ b\n```\n```yaml\n# file: a/b.yaml\nx: 1\n```\n"
            .to_owned(),
    );
    assert_eq!(links(&page.text).collect::<Vec<_>>(), ["y.md#z"]);
    assert_eq!(slugs(&page.text).into_iter().collect::<Vec<_>>(), ["a-b-c"]);
    let called: Vec<(String, Vec<String>)> =
        calls(&page.text).into_iter().map(|call| (call.subcommand, call.flags)).collect();
    assert_eq!(called, [("verify".into(), vec!["--format".into()]), ("fixture new".into(), vec![])]);
    assert_eq!(loose_flags(&page.text), ["--runs"]);
    let shown: Vec<(String, usize)> = page.steps().into_iter().map(|step| (step.command, step.shown.len())).collect();
    assert_eq!(shown, [("cargo scylla fixture new x".into(), 2), ("b".into(), 0)]);
    assert_eq!(page.files()["a/b.yaml"], "x: 1\n");
}
