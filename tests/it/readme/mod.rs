//! The manual is true: its commands are executed, its links lead somewhere, its flags exist, its fixtures load.

mod console;
mod markdown;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::world::World;
use console::{differs, execute};
pub(crate) use markdown::Document;
use markdown::{calls, links, loose_flags, sentences, slugs};

/// Every page that a person wrote, by its path from the root; pages that are generated say so at their top.
fn manual() -> Vec<Document> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut pages: Vec<PathBuf> =
        ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"].map(|page| root.join(page)).into();
    for folder in ["docs", "docs/design"] {
        let entries = fs::read_dir(root.join(folder)).unwrap().map(|entry| entry.unwrap().path());
        pages.extend(entries.filter(|path| path.extension().is_some_and(|extension| extension == "md")));
    }
    let named = |path: &Path| path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
    let mut documents: Vec<Document> =
        pages.iter().map(|path| Document::new(named(path), fs::read_to_string(path).unwrap())).collect();
    documents.sort_by(|a, b| a.path.cmp(&b.path));
    documents
}

fn page(path: &str) -> Document {
    manual().into_iter().find(|document| document.path == path).unwrap()
}

/// Executes the console blocks of a page, one after the other in one shell.
#[track_caller]
fn assert_true(document: &Document) {
    let steps = document.steps();
    let printed = execute(&World::new(), &steps);
    let wrong: Vec<String> = steps.iter().zip(&printed).filter_map(|(step, printed)| differs(step, printed)).collect();
    assert!(wrong.is_empty(), "{}:\n{}", document.path, wrong.join("\n"));
}

#[test]
fn every_command_on_the_readme_prints_what_is_shown_there() {
    let readme = page("README.md");
    assert!(readme.steps().iter().any(|step| step.command.contains("kill -9")), "nothing is killed any more");
    assert_true(&readme);
}

#[test]
fn every_command_in_the_manual_prints_what_is_shown_there() {
    let pages: Vec<Document> =
        manual().into_iter().filter(|page| page.path != "README.md" && !page.steps().is_empty()).collect();
    assert!(pages.len() > 2, "the manual shows no commands any more");
    std::thread::scope(|scope| {
        for page in &pages {
            scope.spawn(move || assert_true(page));
        }
    });
}

#[test]
fn every_link_in_the_documents_leads_to_a_file_and_a_heading() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut dead = Vec::new();
    let mut seen = 0;
    for document in manual() {
        let folder = root.join(&document.path).parent().unwrap().to_owned();
        for link in links(&document.text).filter(|link| !link.contains("://") && !link.starts_with("mailto:")) {
            seen += 1;
            let (file, heading) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() { root.join(&document.path) } else { folder.join(file) };
            let there = match fs::read_to_string(&target) {
                Ok(text) => heading.is_empty() || slugs(&text).contains(heading),
                // A folder, or a picture.
                Err(_) => target.exists() && heading.is_empty(),
            };
            if !there {
                dead.push(format!("{}: `{link}` leads nowhere", document.path));
            }
        }
    }
    assert!(seen > 20, "only {seen} links were found");
    assert!(dead.is_empty(), "{}", dead.join("\n"));
}

#[test]
fn every_picture_is_there_is_small_and_is_described() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let picture = regex::Regex::new(r"!\[([^\]]*)\]\(([^)]+)\)").unwrap();
    let mut seen = 0;
    for document in manual() {
        for found in picture.captures_iter(&document.text) {
            seen += 1;
            let file = root.join(&document.path).parent().unwrap().join(&found[2]);
            let bytes = fs::read(&file).unwrap();
            assert!(bytes.starts_with(b"\x89PNG") && bytes.len() < 150_000, "{} bytes: {}", bytes.len(), &found[2]);
            assert!(found[1].split_whitespace().count() > 9, "{}: {}", document.path, &found[1]);
        }
    }
    assert!(seen > 0, "there is no picture any more");
}

/// Flags of other programs that a page names beside ours.
const OF_OTHERS: [(&str, &str); 16] = [
    ("docs/cluster.md", "--export"),
    ("docs/cluster.md", "--signal"),
    ("docs/cluster.md", "--account"),
    ("docs/cluster.md", "--no-requeue"),
    ("docs/cluster.md", "--open-mode"),
    ("docs/cluster.md", "--parsable"),
    ("docs/cluster.md", "--test-only"),
    ("docs/cluster.md", "--wait"),
    ("docs/cluster.md", "--wrap"),
    ("docs/cluster.md", "--gres"),
    ("docs/cluster.md", "--qos"),
    ("docs/cluster.md", "--sshloginfile"),
    ("docs/claude-code.md", "--tools"),
    ("docs/claude-code.md", "--setting-sources"),
    ("docs/containment.md", "--privileged"),
    ("docs/containment.md", "--cgroupns"),
];

#[test]
fn every_command_and_flag_in_the_documents_is_in_the_help() {
    let world = World::new();
    let mut helps: BTreeMap<String, Option<String>> = BTreeMap::new();
    let mut help = |subcommand: &str| {
        let asked = || {
            let mut arguments: Vec<&str> = subcommand.split_whitespace().collect();
            arguments.push("--help");
            Some(world.scylla(&arguments)).filter(|output| output.code == Some(0)).map(|output| output.stdout)
        };
        helps.entry(subcommand.to_owned()).or_insert_with(asked).clone()
    };
    let of_any: String = [
        "run",
        "resume",
        "extend",
        "rerun",
        "regrade",
        "status",
        "plan",
        "worker",
        "show",
        "diff",
        "stop",
        "list",
        "runs",
        "compare",
        "report",
        "publish",
        "seal",
        "verify",
        "repair",
        "checkout",
        "export",
        "fixture check",
        "agents",
        "agents doctor",
        "judge check",
    ]
    .map(|name| help(name).unwrap())
    .concat();
    let (mut unknown, mut seen) = (Vec::new(), 0);
    for document in manual().iter().filter(|document| document.is_for_users()) {
        for call in calls(&document.text) {
            seen += 1;
            match help(&call.subcommand) {
                None => unknown.push(format!("{}: there is no `cargo scylla {}`", document.path, call.subcommand)),
                Some(help) => unknown.extend(
                    call.flags
                        .iter()
                        .filter(|flag| !has_flag(&help, flag))
                        .map(|flag| format!("{}: `cargo scylla {}` has no `{flag}`", document.path, call.subcommand)),
                ),
            }
        }
        let of_others = OF_OTHERS.iter().filter(|(path, _)| *path == document.path).map(|(_, flag)| *flag);
        let of_others: Vec<&str> = of_others.collect();
        let loose = loose_flags(&document.text).into_iter();
        let loose = loose.filter(|flag| !has_flag(&of_any, flag) && !of_others.contains(&flag.as_str()));
        unknown.extend(loose.map(|flag| format!("{}: no command has `{flag}`", document.path)));
    }
    assert!(seen > 30, "only {seen} commands were found");
    assert!(unknown.is_empty(), "{}", unknown.join("\n"));
}

fn has_flag(help: &str, flag: &str) -> bool {
    let ends = |rest: &str| !rest.starts_with(|next: char| next.is_ascii_alphanumeric() || next == '-');
    help.match_indices(flag).any(|(at, _)| ends(&help[at + flag.len()..]) && !help[..at].ends_with('-'))
}

#[test]
fn the_example_on_the_page_of_fixtures_is_a_fixture_without_mistakes() {
    let world = World::new();
    let files = page("docs/fixture.md").files();
    assert!(files.len() > 4, "{files:?}");
    for (name, text) in &files {
        world.write(&format!("example/{name}"), text);
    }
    let said = world.scylla(&["fixture", "check", "example"]).exits(0);
    assert!(said.stdout.contains("no mistakes"), "{said}");
    let run = ["run", "--tiers-dir", "example", "--results-dir", "results", "--runs", "1"];
    let ran = world.scylla(&run).exits(0);
    for line in
        ["Passed      T0/00/run_01", "Failed      T0/01/run_01", "Failed      T1/00/run_01", "Passed      T1/01/run_01"]
    {
        assert!(ran.stderr.contains(line), "no `{line}` in {ran}");
    }
}

#[test]
fn every_test_that_the_manual_names_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let sources: String = ["src", "tests/it", "xtask/src"]
        .iter()
        .flat_map(|folder| walkdir::WalkDir::new(root.join(folder)))
        .map(Result::unwrap)
        .filter(|entry| entry.path().extension().is_some_and(|extension| extension == "rs"))
        .map(|entry| fs::read_to_string(entry.path()).unwrap())
        .collect();
    let documents = manual();
    let named: Vec<(&str, &str)> = documents
        .iter()
        .flat_map(|document| sentences(&document.text).map(|name| (document.path.as_str(), name)))
        .collect();
    assert!(named.len() > 20, "only {} tests are named", named.len());
    let gone: Vec<_> = named.iter().filter(|(_, name)| !sources.contains(&format!("fn {name}("))).collect();
    assert!(gone.is_empty(), "{gone:#?}");
}

#[test]
fn every_json_example_in_the_documents_is_json() {
    for document in manual() {
        for text in document.blocks("json") {
            let parsed: Result<serde_json::Value, _> = serde_json::from_str(&text);
            assert!(parsed.is_ok(), "{}: {parsed:?}\n{text}", document.path);
        }
    }
}
