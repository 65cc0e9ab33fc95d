//! Which files of a fixture agents may use. They see the whole copy but for `expected/`, so a file counts as theirs
//! unless only checks and judges can use it.

use std::path::{Component, Path};

use crate::model::agent::NamedProgram;
use crate::model::judge::{Judge, Way};
use crate::model::program::{FIXTURE_COPY, Invocation};
use crate::model::task::{Fixture, Source};

/// The folder of a fixture that agents cannot see.
const HIDDEN: &str = "expected";

/// Whether a file differs between two fixtures that agents may use, given that the file at this place differs.
pub(super) fn is_given(fixtures: [&Fixture; 2], place: &Path) -> bool {
    let is_laid = |fixture| files_laid(fixture).iter().any(|laid| place.starts_with(laid));
    if fixtures.into_iter().any(is_laid) {
        return true;
    }
    // Files whose content is compared key by key.
    let is_read = |fixture: &Fixture| {
        let subtests = fixture.tiers.values().flat_map(|tier| tier.values()).map(|subtest| subtest.file.as_str());
        ["test.yaml", "scylla.yaml", &fixture.prompt_file]
            .into_iter()
            .chain(subtests)
            .any(|read| place == Path::new(read))
    };
    if place.starts_with(HIDDEN) || fixtures.into_iter().any(is_read) {
        return false;
    }
    let Some(names) = names(place) else { return true };
    let agents = fixtures.into_iter().flat_map(words_of_agents);
    let graders = fixtures.into_iter().flat_map(words_of_graders);
    let validation = |fixture: &Fixture| fixture.validation_files.iter().any(|file| place == Path::new(file));
    let is_graded_by =
        fixtures.into_iter().any(validation) || graders.into_iter().any(|words| graders_name(&words, &names));
    !is_graded_by || agents.into_iter().any(|words| agents_may_name(&words, &names))
}

/// The parts of a path; `None` for a path that no fixture can name.
fn names(place: &Path) -> Option<Vec<&str>> {
    let name = |part| match part {
        Component::Normal(name) => name.to_str(),
        _ => None,
    };
    place.components().map(name).collect()
}

/// Files and folders that are placed where agents see them, in one way or another.
fn files_laid(fixture: &Fixture) -> Vec<&Path> {
    let stores = &fixture.stores;
    let overlays = fixture.tiers.values().flat_map(|tier| tier.values()).filter_map(|subtest| subtest.overlay.as_ref());
    let files = stores.blocks.values().chain(stores.mcp.values());
    let listed = stores.skills.values().chain(stores.agents.values()).flatten();
    let source = matches!(fixture.source, Source::Folder).then_some("source");
    let laid = overlays.chain(files).chain(listed).chain(&fixture.solution_file).map(String::as_str);
    laid.chain(source).map(Path::new).collect()
}

/// The commands and variables of the agents, each as one text.
fn words_of_agents(fixture: &Fixture) -> Vec<String> {
    let agents = fixture.tiers.values().flat_map(|tier| tier.values()).map(|subtest| &subtest.agent);
    let words = |program: NamedProgram<'_>| {
        let values: Vec<&str> = program.environment.values().map(String::as_str).collect();
        format!("{}\n{}", program.run.words().join("\n"), values.join("\n"))
    };
    agents.filter_map(|agent| agent.program()).map(words).collect()
}

/// The same for checks and judges.
fn words_of_graders(fixture: &Fixture) -> Vec<String> {
    let checks = fixture.checks.iter().map(|check| &check.run);
    let judges = fixture.judges.iter().filter_map(Judge::program);
    let asked = |judge: &Judge| match judge.way() {
        Way::Asks(asked) => asked.files().join("\n"),
        Way::FromChecks(_) => String::new(),
    };
    let words = checks.chain(judges).map(Invocation::words).map(|words| words.join("\n"));
    words.chain(fixture.judges.iter().map(asked)).collect()
}

/// Whether a check or judge names the file, or a folder that contains it.
fn graders_name(words: &str, names: &[&str]) -> bool {
    let file = names.join("/");
    let folders = (1..names.len()).map(|count| names[..count].join("/"));
    let is_folder = |folder: &str| {
        whole_words(words, folder).any(|(before, after)| before.ends_with('/') || after.starts_with('/'))
    };
    words.contains(FIXTURE_COPY)
        && (whole_words(words, &file).next().is_some() || folders.into_iter().any(|it| is_folder(&it)))
}

/// Whether an agent may use a file: its command names a part of the file's path, or the fixture as a whole.
fn agents_may_name(words: &str, names: &[&str]) -> bool {
    let says = names.iter().any(|name| whole_words(words, name).next().is_some());
    says || words.match_indices(FIXTURE_COPY).any(|(at, _)| !goes_on_by_name(&words[at + FIXTURE_COPY.len()..]))
}

/// Whether the variable is followed by the plain name of something in the fixture.
fn goes_on_by_name(rest: &str) -> bool {
    let Some(below) = rest.trim_start_matches(['}', '"', '\'']).strip_prefix('/') else { return false };
    let name = below.split(|c: char| c == '/' || c.is_whitespace() || "\"';)&|".contains(c)).next().unwrap_or_default();
    !name.is_empty() && !name.chars().all(|c| c == '.') && name.chars().all(is_of_name)
}

/// Where a text contains a name that is not part of a longer one: gives the text before and behind it.
fn whole_words<'a>(text: &'a str, name: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
    text.match_indices(name)
        .map(move |(at, _)| (&text[..at], &text[at + name.len()..]))
        .filter(|(before, after)| !before.ends_with(is_of_name) && !after.starts_with(is_of_name))
}

fn is_of_name(c: char) -> bool {
    c.is_alphanumeric() || "_.-".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_checks_and_judges_name_is_told_from_what_they_only_mention() {
        for (words, place, is_named) in [
            (r#"exec sh "$SCYLLA_FIXTURE/judges/ask.sh""#, "judges/ask.sh", true),
            (r#"exec sh "$SCYLLA_FIXTURE/judges/ask.sh""#, "judges/rules/one.txt", true),
            (r#"cd "${SCYLLA_FIXTURE}/judges" && sh ask.sh"#, "judges/ask.sh", true),
            (r#"sh "$SCYLLA_FIXTURE/ask.sh""#, "ask.sh", true),
            (r#"sh "$SCYLLA_FIXTURE/task.sh""#, "ask.sh", false),
            (r#"sh "$SCYLLA_FIXTURE/judges/ask.sh""#, "agents/agent.sh", false),
            ("test -f judges/ask.sh", "judges/ask.sh", false),
            (r#"test -f done && sh "$SCYLLA_FIXTURE/ask.sh""#, "test/data.txt", false),
        ] {
            assert_eq!(graders_name(words, &names(Path::new(place)).unwrap()), is_named, "{words}: {place}");
        }
    }

    #[test]
    fn an_agent_that_may_read_a_file_is_told_from_one_that_names_others() {
        for (words, may) in [
            (r#"exec sh "$SCYLLA_FIXTURE/agents/agent.sh""#, false),
            ("claude --print", false),
            (r#"exec sh "$SCYLLA_FIXTURE/judges/agent.sh""#, true),
            (r#"cd "$SCYLLA_FIXTURE"; sh ask.sh"#, true),
            ("cp -r $SCYLLA_FIXTURE .", true),
            (r#"sh "$SCYLLA_FIXTURE"/*/agent.sh"#, true),
            (r#"sh "$SCYLLA_FIXTURE/$WHICH/agent.sh""#, true),
            (r#"sh "$SCYLLA_FIXTURE/../agent.sh""#, true),
            (r#"sh "${SCYLLA_FIXTURE}/agents/agent.sh""#, false),
        ] {
            assert_eq!(agents_may_name(words, &["judges", "ask.sh"]), may, "{words}");
        }
    }
}
