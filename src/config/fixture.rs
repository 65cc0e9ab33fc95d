//! Fixtures: a folder with a task, read and checked as a whole. Every mistake is told at once.

mod absence;
mod beside;
mod capture;
mod elsewhere;
mod files;
mod limits;
pub mod named;
mod programs;
mod rubric;
mod setup;
mod shared;
mod source;
mod tiers;

#[cfg(test)]
mod tests;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::model::ids::{ExperimentId, TierId};
use crate::model::rubric::Rubric;
use crate::model::task::{AgentSpec, Fixture, Invocation, JudgeSpec, Limits, Parts, Source};

use super::fields::{Fields, Page};
use super::mistake::{Mistake, Mistakes};
use super::node::{Node, Place};
pub use absence::Absence;
use absence::Absences;
use beside::BESIDE_FILE;
use files::Folder;
use rubric::ByChecks;
use shared::Shared;
use tiers::Common;

/// The file that makes a folder a fixture.
pub const TEST_FILE: &str = "test.yaml";

/// What some call it.
pub const OTHER_TEST_FILE: &str = "test.yml";

/// Where the rubric lies when `test.yaml` cannot be asked.
const USUAL_RUBRIC: &str = "expected/rubric.yaml";

const HOW_TO_NAME_AN_AGENT: &str = "say who does the task with `--agent-command LINE`, `agent-command` in the settings, or `agent` in `scylla.yaml` or `test.yaml`";

/// What a person says of a fixture beside its files.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Said {
    /// The folder that fixtures share, when it is not where it is looked for.
    pub shared_dir: Option<PathBuf>,
    /// A shell line for the agent of subtests that name none, whatever the fixture says.
    pub agent_command: Option<String>,
    /// Shell lines for a panel, whatever the fixture says.
    pub judge_commands: Vec<String>,
    /// The line for the agent where the fixture says none.
    pub usual_agent_command: Option<String>,
    /// The lines for a panel where the fixture says none.
    pub usual_judge_commands: Vec<String>,
}

/// Stands for an agent or a judge that is said when the fixture is run. The shell does nothing for it.
const TO_BE_SAID: &str = ": said when it is run";

impl Said {
    /// The same, for looking at the fixture in a folder without running it. Fixtures of the original name neither agent nor
    /// judges, which is no mistake of theirs.
    #[must_use]
    pub fn to_look_at(&self, dir: &Path) -> Self {
        let mut said = self.clone();
        if !is_ours(dir) {
            said.usual_agent_command.get_or_insert_with(|| TO_BE_SAID.to_owned());
            if said.usual_judge_commands.is_empty() {
                said.usual_judge_commands.push(TO_BE_SAID.to_owned());
            }
        }
        said
    }
}

/// What of a fixture that was looked at has to be said when it is run: the agent, the judges.
#[must_use]
pub fn to_be_said(fixture: &Fixture) -> (bool, bool) {
    let stands_for = |run: &Invocation| matches!(run, Invocation::Shell(line) if line == TO_BE_SAID);
    let mut subtests = fixture.tiers.values().flat_map(BTreeMap::values);
    (
        subtests.any(|subtest| matches!(&subtest.agent, AgentSpec::Command { run, .. } if stands_for(run))),
        fixture.judges.iter().any(|judge| matches!(judge, JudgeSpec::Command { run, .. } if stands_for(run))),
    )
}

/// A fixture with what its copy consists of.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// What it says.
    pub fixture: Fixture,
    /// What an experiment copies, so that the copy can be read by itself.
    pub parts: Parts,
    /// Resources that subtests name and that are not there: only whoever runs such a subtest needs them.
    pub absences: Vec<Absence>,
}

/// Reads the fixture in a folder.
///
/// # Errors
/// Every mistake in `test.yaml`, the rubric, the subtests and the files that they name, by file and line.
pub fn load(dir: &Path) -> Result<Fixture, Vec<Mistake>> {
    load_with(dir, &Said::default()).map(|loaded| loaded.fixture)
}

/// Reads the fixture in a folder, with what was said of it.
///
/// # Errors
/// As [`load`].
pub fn load_with(dir: &Path, said: &Said) -> Result<Loaded, Vec<Mistake>> {
    let (mistakes, absences) = (Mistakes::default(), Absences::default());
    let loader =
        Loader { folder: Folder { dir, mistakes: &mistakes, absences: &absences }, said, language: Cell::default() };
    let read = loader.load();
    let unknown_language = loader.language.take().and_then(|language| named::unknown_language(dir, &language));
    let (found, absences) = (mistakes.into_sorted(), absences.into_inner());
    if let Some(loaded) = read.filter(|_| found.is_empty()) {
        return Ok(Loaded { absences, ..loaded });
    }
    let all = Mistakes::default();
    all.extend(found);
    // Where nothing else is wrong, whoever checks a fixture tells it: an experiment's copy is read by any language.
    all.extend(unknown_language.into_iter().collect());
    all.extend(absences.into_iter().filter(|absence| !absence.ignored).map(|absence| absence.mistake).collect());
    Err(all.into_sorted())
}

/// A tier that `test.yaml` lists, with the place that lists it.
#[derive(Debug, Clone, Copy)]
struct Listed {
    tier: TierId,
    place: Place,
}

/// Whether a fixture has its own tiers; those of the original share them.
fn is_ours(dir: &Path) -> bool {
    dir.join(tiers::TIERS_FOLDER).exists()
}

struct Loader<'a> {
    folder: Folder<'a>,
    said: &'a Said,
    /// The language that the fixture names.
    language: Cell<Option<String>>,
}

impl Loader<'_> {
    fn load(&self) -> Option<Loaded> {
        let folder = self.folder;
        if !folder.dir.is_dir() {
            folder.mistakes.add(elsewhere::not_a_folder(folder.dir));
            return None;
        }
        let file = folder.dir.join(TEST_FILE);
        let page = Page { file: &file, mistakes: folder.mistakes };
        folder.tell_other_endings(&[
            (OTHER_TEST_FILE, TEST_FILE),
            ("scylla.yml", BESIDE_FILE),
            ("config.yml", "config.yaml"),
        ]);
        if !file.exists() {
            if !folder.dir.join(OTHER_TEST_FILE).exists() {
                folder.mistakes.add(Mistake::new(&file, "is missing").hint(elsewhere::HOW_TO_BEGIN));
            }
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
            self.rubric(USUAL_RUBRIC, None, ByChecks::No);
        }
        if self.is_ours() {
            let shared = Shared::find(self.folder, self.said.shared_dir.as_deref());
            let none = Cell::default();
            let common = Common {
                agent: None,
                agent_given: true,
                using_agent: &none,
                solution: true,
                listed: None,
                shared: &shared,
            };
            tiers::read(self.folder, common);
        }
    }

    /// Whether the fixture has its own tiers; those of the original share theirs.
    fn is_ours(&self) -> bool {
        is_ours(self.folder.dir)
    }

    fn fixture(&self, fields: Fields<'_>) -> Option<Loaded> {
        let page = fields.page;
        let id = fields.require_text("id").and_then(|text| experiment_id(&fields, text));
        let name = fields.require_text("name");
        let description = fields.require_text("description");
        let language = fields.require_text("language");
        self.language.set(language.map(str::to_owned));
        let source = self.source(&fields);
        let task = fields.require_fields("task").map(|task| self.task(task));
        let solution_file =
            fields.find("solution_file").map(|node| self.folder.named_file(page, node, "solution_file"));
        let capture_include = capture::include(&fields);
        let programs = beside::read(self.folder, &fields, self.said, solution_file.is_some());
        let validation = fields
            .require_fields("validation")
            .map(|validation| self.validation(validation, programs.checks.names.as_deref(), programs.by_checks));
        let shared = Shared::find(self.folder, self.said.shared_dir.as_deref());
        let using_agent = Cell::default();
        let listed = listed(&fields);
        let tiers = self.tiers(Common {
            agent: programs.agent.as_ref(),
            agent_given: programs.agent_given,
            using_agent: &using_agent,
            solution: solution_file.is_some(),
            listed: listed.as_deref(),
            shared: &shared,
        });
        beside::tell_agent(&fields, self.said, &programs, using_agent.get(), !self.is_ours());
        // Keys of the original's schema that none of its fixtures uses.
        for key in ["models", "tags"] {
            fields.find(key);
        }
        fields.close();

        let limits = if self.is_ours() { Limits::default() } else { limits::read(self.folder) };
        let (stores, laid) = shared.into_taken();
        let (task, validation) = (task??, validation??);
        let fixture = Fixture {
            id: id?,
            name: name?.to_owned(),
            description: description?.to_owned(),
            language: language?.to_owned(),
            source: source?,
            prompt: task.prompt,
            prompt_file: task.prompt_file,
            criteria: validation.criteria,
            validation_files: validation.files,
            rubric: validation.rubric,
            checks: programs.checks.specs?,
            judges: programs.judges?,
            timeout_seconds: task.timeout_seconds,
            no_progress_seconds: task.no_progress_seconds,
            environment: programs.environment?,
            capture_include: capture_include?,
            solution_file: solution_file.map_or(Some(None), |file| file.map(Some))?,
            limits,
            stores,
            tiers,
        };
        let beside = programs.written.map(|text| (BESIDE_FILE.to_owned(), text));
        let written = beside.into_iter().chain(self.test_file_without_credentials(&fixture.source)).collect();
        let parts = Parts { dir: self.folder.dir.to_owned(), laid, written };
        Some(Loaded { fixture, parts, absences: Vec::new() })
    }

    fn tiers(&self, common: Common<'_>) -> tiers::Tiers {
        let ours = self.is_ours();
        let tiers = if ours { tiers::read(self.folder, common) } else { tiers::read_original(self.folder, common) };
        if !ours || !common.shared.is_unused() {
            common.shared.read_tiers();
        }
        tiers
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

    fn validation(&self, fields: Fields<'_>, checks: Option<&[String]>, by_checks: ByChecks) -> Option<Validation> {
        let page = fields.page;
        let criteria = fields.require("criteria_file");
        let criteria = criteria.and_then(|node| self.folder.named_text(page, node, "validation.criteria_file"));
        let rubric = fields.require("rubric_file");
        let rubric = rubric
            .and_then(|node| self.folder.named_file(page, node, "validation.rubric_file"))
            .and_then(|name| Some((self.rubric(&name, checks, by_checks)?, name)));
        fields.close();
        let ((criteria_file, criteria), (rubric, rubric_file)) = (criteria?, rubric?);
        Some(Validation { criteria, rubric, files: vec![criteria_file, rubric_file] })
    }

    fn rubric(&self, name: &str, checks: Option<&[String]>, by_checks: ByChecks) -> Option<Rubric> {
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
    files: Vec<String>,
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
