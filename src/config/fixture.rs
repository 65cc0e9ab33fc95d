//! Fixtures: a folder with a task, read and checked as a whole. Every mistake is told at once.

mod files;
mod programs;
mod rubric;
mod tiers;

#[cfg(test)]
mod tests;

use std::path::Path;

use crate::model::ids::{ExperimentId, TierId};
use crate::model::rubric::Rubric;
use crate::model::task::{AgentSpec, Fixture, Source, Stores};

use super::fields::{Fields, Page};
use super::mistake::{Mistake, Mistakes};
use super::node::{Node, Place};
use files::Folder;
use tiers::Shared;

/// The file that makes a folder a fixture.
pub const TEST_FILE: &str = "test.yaml";

/// Where the rubric lies when `test.yaml` cannot be asked.
const USUAL_RUBRIC: &str = "expected/rubric.yaml";

const HOW_TO_BEGIN: &str = "`cargo scylla fixture new DIR` makes a fixture to begin with";

/// Reads the fixture in a folder.
///
/// # Errors
/// Every mistake in `test.yaml`, the rubric, the subtests and the files that they name, by file and line.
pub fn load(dir: &Path) -> Result<Fixture, Vec<Mistake>> {
    let mistakes = Mistakes::default();
    let fixture = Loader { folder: Folder { dir, mistakes: &mistakes } }.load();
    let mistakes = mistakes.into_sorted();
    match fixture {
        Some(fixture) if mistakes.is_empty() => Ok(fixture),
        _ => Err(mistakes),
    }
}

/// A tier that `test.yaml` lists, with the place that lists it.
#[derive(Debug, Clone, Copy)]
struct Listed {
    tier: TierId,
    place: Place,
}

struct Loader<'a> {
    folder: Folder<'a>,
}

impl Loader<'_> {
    fn load(&self) -> Option<Fixture> {
        let folder = self.folder;
        if !folder.dir.is_dir() {
            folder.mistakes.add(Mistake::new(folder.dir, "is not a folder").hint(HOW_TO_BEGIN));
            return None;
        }
        let file = folder.dir.join(TEST_FILE);
        let page = Page { file: &file, mistakes: folder.mistakes };
        if !file.exists() {
            folder.mistakes.add(Mistake::new(&file, "is missing").hint(HOW_TO_BEGIN));
            self.without_test_file();
            return None;
        }
        let root = folder.yaml(&file);
        let fields = root.as_ref().and_then(|root| page.fields(root, ""));
        if fields.is_none() {
            self.without_test_file();
        }
        self.fixture(fields?)
    }

    /// Tells the mistakes of the other files when `test.yaml` cannot be understood.
    fn without_test_file(&self) {
        if self.folder.dir.join(USUAL_RUBRIC).is_file() {
            self.rubric(USUAL_RUBRIC, None, false);
        }
        tiers::read(self.folder, None, &Shared { agent: None, agent_given: true, solution: true });
    }

    fn fixture(&self, fields: Fields<'_>) -> Option<Fixture> {
        let page = fields.page;
        let id = fields.require_text("id").and_then(|text| experiment_id(&fields, text));
        let name = fields.require_text("name");
        let description = fields.require_text("description");
        let language = fields.require_text("language");
        let source = self.source(&fields);
        let task = fields.require_fields("task").map(|task| self.task(task));
        let checks = programs::checks(&fields);
        let judges = programs::judges(&fields);
        let validation = fields
            .require_fields("validation")
            .map(|validation| self.validation(validation, checks.names.as_deref(), judges.by_checks));
        let environment = programs::environment_names(&fields);
        let solution_file =
            fields.find("solution_file").map(|node| self.folder.named_file(page, node, "solution_file"));
        let agent = fields.fields("agent").map(programs::agent);
        let agent_given = agent.is_some();
        let shared = Shared { agent: agent.flatten(), agent_given, solution: solution_file.is_some() };
        if matches!(shared.agent, Some(AgentSpec::Oracle)) && !shared.solution {
            programs::oracle_without_solution(page, fields.place_of("agent"));
        }
        let tiers = tiers::read(self.folder, listed(&fields).as_deref(), &shared);
        // Keys of the original's schema that none of its fixtures uses.
        for key in ["models", "tags"] {
            fields.find(key);
        }
        fields.close();

        let (task, validation) = (task??, validation??);
        Some(Fixture {
            id: id?,
            name: name?.to_owned(),
            description: description?.to_owned(),
            language: language?.to_owned(),
            source: source?,
            prompt: task.prompt,
            prompt_file: task.prompt_file,
            criteria: validation.criteria,
            rubric: validation.rubric,
            checks: checks.specs?,
            judges: judges.specs?,
            timeout_seconds: task.timeout_seconds,
            no_progress_seconds: task.no_progress_seconds,
            environment: environment?,
            solution_file: match solution_file {
                Some(file) => Some(file?),
                None => None,
            },
            stores: Stores::default(),
            tiers,
        })
    }

    fn source(&self, fields: &Fields<'_>) -> Option<Source> {
        let page = fields.page;
        let folder = self.folder.dir.join("source").is_dir();
        let Some(source) = fields.find("source") else {
            if !folder {
                page.mistake_with_hint(
                    fields.place,
                    "there is no tree to work on",
                    "put it into `source/`, or name a git repository as `source.repo` and `source.hash`",
                );
            }
            return folder.then_some(Source::Folder);
        };
        let source = page.fields(source, "source")?;
        if folder {
            page.mistake_with_hint(source.place, "there are both `source/` and `source.repo`", "keep one of them");
        }
        let repo = source.require_text("repo");
        // Git would take it for an option.
        if let Some(option) = repo.filter(|repo| repo.starts_with('-')) {
            page.mistake(source.place_of("repo"), format!("`source.repo` is `{option}`, not a repository"));
        }
        let hash = source.require_text("hash").filter(|hash| is_commit(page, source.place_of("hash"), hash));
        // The original's schema knows `branch`; the commit says it all.
        source.find("branch");
        source.close();
        Some(Source::Repository { repo: repo?.to_owned(), hash: hash?.to_ascii_lowercase() })
    }

    fn task(&self, task: Fields<'_>) -> Option<Task> {
        let file = task.require("prompt_file");
        let prompt = file.and_then(|node| self.folder.named_text(task.page, node, "task.prompt_file"));
        let timeout_seconds = task.seconds("timeout_seconds");
        let no_progress_seconds = task.seconds("no_progress_seconds");
        task.close();
        let (prompt_file, prompt) = prompt?;
        Some(Task { prompt_file, prompt, timeout_seconds, no_progress_seconds })
    }

    fn validation(&self, fields: Fields<'_>, checks: Option<&[String]>, by_checks: bool) -> Option<Validation> {
        let page = fields.page;
        let criteria = fields.require("criteria_file");
        let criteria = criteria.and_then(|node| self.folder.named_text(page, node, "validation.criteria_file"));
        let rubric = fields.require("rubric_file");
        let rubric = rubric
            .and_then(|node| self.folder.named_file(page, node, "validation.rubric_file"))
            .and_then(|name| self.rubric(&name, checks, by_checks));
        fields.close();
        Some(Validation { criteria: criteria?.1, rubric: rubric? })
    }

    fn rubric(&self, name: &str, checks: Option<&[String]>, by_checks: bool) -> Option<Rubric> {
        let file = self.folder.dir.join(name);
        let root = self.folder.yaml(&file)?;
        rubric::read(Page { file: &file, mistakes: self.folder.mistakes }, &root, checks, by_checks)
    }
}

struct Task {
    prompt_file: String,
    prompt: String,
    timeout_seconds: Option<u64>,
    no_progress_seconds: Option<u64>,
}

struct Validation {
    criteria: String,
    rubric: Rubric,
}

fn experiment_id(fields: &Fields<'_>, text: &str) -> Option<ExperimentId> {
    text.parse().map_err(|error| fields.page.mistake(fields.place_of("id"), format!("{error}"))).ok()
}

/// The tiers that `test.yaml` lists; `None` when it cannot be told which they are.
fn listed(fields: &Fields<'_>) -> Option<Vec<Listed>> {
    let page = fields.page;
    let items = page.list(fields.require("tiers")?, "tiers")?;
    if items.is_empty() {
        page.mistake(fields.place_of("tiers"), "`tiers` lists no tier");
    }
    let mut all: Vec<Listed> = Vec::new();
    for item in items {
        let Some(tier) = listed_tier(page, item) else { continue };
        if all.iter().any(|former| former.tier == tier) {
            page.mistake(item.place, format!("`tiers` lists `{tier}` twice"));
        } else {
            all.push(Listed { tier, place: item.place });
        }
    }
    Some(all)
}

fn listed_tier(page: Page<'_>, item: &Node) -> Option<TierId> {
    let text = page.text(item, "tiers")?;
    text.parse().map_err(|error| page.mistake(item.place, format!("{error}"))).ok()
}

fn is_commit(page: Page<'_>, place: Place, hash: &str) -> bool {
    let is_commit = matches!(hash.len(), 40 | 64) && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !is_commit {
        page.mistake_with_hint(
            place,
            format!("`source.hash` is `{hash}`, not a commit of 40 or 64 hex digits"),
            "`git rev-parse HEAD` prints one",
        );
    }
    is_commit
}
