//! Reads the results: each is opened once, parsed for the few facts, and collected.

use std::path::Path;
use std::sync::Mutex;

use crate::model::ids::{RunId, RunNumber, SetupId};
use crate::model::limits::MOST_STAGE_FILE_BYTES;
use crate::model::score::Score;
use crate::model::survey::{Problem, ProblemKind, ResultFacts, RunSeen};
use crate::model::usage::Total;
use crate::os::files::{self, Folder, ReadError, TEMPORARY_PREFIX};

use super::collect::{self, Collection, Part};
use super::facts::ReadFacts;
use super::levels::{ListedRuns, SubtestFolder};
use super::{Depth, Setting};
use crate::store::form::{AgentLeft, Strict};
use crate::store::layout::{AGENT_RESULT, Base, ExperimentFolder, JUDGE, Level, PATCH, RESULT, RunFolder};
use crate::store::own_digest::{self, Own};
use crate::store::version::{self, Age, age};
use crate::store::{clipped, evidence, threads};

/// How many runs are read for each opening of their subtest's folder: a large subtest is shared between threads.
const RUNS_AT_A_TIME: usize = 128;
/// The same when all evidence is read.
const SEALS_AT_A_TIME: usize = 8;
/// How many runs a thread collects before it hands them over.
const RUNS_KEPT: usize = 1024;
/// Buffers that grew larger than this for one file are freed.
const USUAL_BYTES: usize = 1 << 20;

/// Reads every result that is listed.
pub(super) fn results(setting: &Setting<'_>, listed: &[ListedRuns], collection: &Mutex<Collection>) {
    let at_a_time = match setting.depth {
        Depth::Results => RUNS_AT_A_TIME,
        Depth::Seals | Depth::Evidence => SEALS_AT_A_TIME,
    };
    let pieces: Vec<(SubtestFolder, &[RunNumber])> =
        listed.iter().flat_map(|list| list.runs.chunks(at_a_time).map(|runs| (list.of, runs))).collect();
    threads::share(
        &pieces,
        || Reader::new(setting, collection),
        |reader, (of, runs)| reader.piece(*of, runs),
        |mut reader| collect::lock(collection).take(&mut reader.part),
    );
}

/// One thread's state: every buffer is reused.
pub(super) struct Reader<'a> {
    pub(super) setting: &'a Setting<'a>,
    collection: &'a Mutex<Collection>,
    pub(super) part: Part,
    /// The base of the runs that are being read.
    pub(super) base: Base,
    pub(super) bytes: Vec<u8>,
    name: String,
    /// The config hash that was met last, because nearly every result names the same.
    last_hash: (String, Option<u16>),
    /// The baseline that was met last, because nearly every result of a subtest names the same.
    pub(super) last_baseline: (String, Option<SetupId>),
}

impl<'a> Reader<'a> {
    fn new(setting: &'a Setting<'a>, collection: &'a Mutex<Collection>) -> Self {
        Self {
            setting,
            collection,
            part: Part::default(),
            base: Base::Root,
            bytes: Vec::new(),
            name: String::new(),
            last_hash: (String::new(), None),
            last_baseline: (String::new(), None),
        }
    }

    fn piece(&mut self, of: SubtestFolder, runs: &[RunNumber]) {
        self.base = of.base;
        let path = self.setting.folder.subtest_in(of.base, of.tier, of.subtest);
        let open = match Folder::open(&path) {
            Ok(Some(open)) => open,
            // It was removed since it was listed.
            Ok(None) => return,
            Err(error) => {
                self.part.unknown.push((self.setting.folder.relative(&path), error.to_string()));
                self.part.runs.extend(runs.iter().map(|run| (of.run(*run), RunSeen::Unknown)));
                return;
            }
        };
        for run in runs {
            let seen = self.run(&open, of.run(*run));
            self.part.runs.push((of.run(*run), seen));
            if self.bytes.capacity() > USUAL_BYTES {
                self.bytes = Vec::new();
            }
        }
        if self.part.runs.len() >= RUNS_KEPT {
            collect::lock(self.collection).take(&mut self.part);
        }
    }

    /// Reads a file in a run's folder, relative to the subtest's folder.
    fn read(&mut self, subtest: &Folder, run: RunId, file: &str) -> Result<bool, ReadError> {
        self.name_file(run, file);
        subtest.read_into(&self.name, MOST_STAGE_FILE_BYTES, &mut self.bytes)
    }

    fn name_file(&mut self, run: RunId, file: &str) {
        self.name.clear();
        run.run.push_folder(&mut self.name);
        self.name.push('/');
        self.name.push_str(file);
    }

    fn run(&mut self, subtest: &Folder, run: RunId) -> RunSeen {
        let seen = self.usual(subtest, run).unwrap_or_else(|| match self.read(subtest, run, RESULT) {
            Ok(true) => self.committed(run),
            Ok(false) => self.unfinished(subtest, run),
            Err(ReadError::Io(error)) => self.hidden(run, RESULT, error.to_string()),
            Err(error) => self.unreadable(run, error.to_string()),
        });
        // What a crash left in an unfinished run would later spoil the run's own seal.
        let is_looked_at = self.setting.depth >= Depth::Seals || matches!(seen, RunSeen::Unfinished { .. });
        if is_looked_at && !self.setting.claimed.contains(&run) {
            self.report_unknown_places(run);
        }
        seen
    }

    /// Reads a whole result of usual size. A result that is cut off anywhere cannot be parsed, and whatever is unusual
    /// is read again with more care.
    fn usual(&mut self, subtest: &Folder, run: RunId) -> Option<RunSeen> {
        self.name_file(run, RESULT);
        let there = subtest.read_at_once(&self.name, &mut self.bytes);
        let bytes = std::mem::take(&mut self.bytes);
        let own = own_digest::own(&bytes);
        let facts = if there { ReadFacts::read(&bytes, own).ok() } else { None };
        let seen = facts.map(|facts| self.collect_facts(run, &facts, (&bytes, own)));
        self.bytes = bytes;
        seen
    }

    fn committed(&mut self, run: RunId) -> RunSeen {
        let bytes = std::mem::take(&mut self.bytes);
        let seen = match ReadFacts::parse(&bytes) {
            Ok(facts) => self.collect_facts(run, &facts, (&bytes, own_digest::own(&bytes))),
            Err(error) => match version::newer(&bytes) {
                Some(version) => {
                    self.problem(run, ProblemKind::NewerResult, version);
                    RunSeen::Unknown
                }
                None => match self.setting.form.strict {
                    Some(strict) => self.committed_loosely(run, &bytes, strict),
                    None => self.unreadable(run, error.to_string()),
                },
            },
        };
        self.bytes = bytes;
        seen
    }

    /// A result that is parsed less strictly: with bare `NaN`, duplicate keys, numbers as text.
    fn committed_loosely(&mut self, run: RunId, bytes: &[u8], strict: Strict) -> RunSeen {
        match strict(bytes) {
            Err(error) => self.unreadable(run, error),
            Ok(strict) => match ReadFacts::parse(&strict) {
                Err(error) => self.unreadable(run, error.to_string()),
                Ok(facts) => self.collect_facts(run, &facts, (bytes, own_digest::own(bytes))),
            },
        }
    }

    fn collect_facts(&mut self, run: RunId, facts: &ReadFacts<'_>, (bytes, own): (&[u8], Own)) -> RunSeen {
        if let Some(found) = self.is_no_commit(run, facts) {
            self.problem(run, ProblemKind::Altered, found.to_owned());
            return RunSeen::Unreadable;
        }
        let config = self.keep_inheritance(run, facts).and_then(|()| self.number(facts)).unwrap_or_else(|error| {
            self.problem(run, ProblemKind::Altered, error);
            None
        });
        self.compare(run, facts, (bytes, own));
        if facts.has_secret_in_patch() {
            let place = format!("{}/{PATCH}", self.place(run));
            let found = "the text of a secret stands in it; look at it before you publish it";
            self.problem_at(run, ProblemKind::SecretInPatch, place, found.to_owned());
        }
        self.part.remainders.extend(facts.remainder(run));
        self.shortfall(run, facts);
        let costs = self.costs(run, facts, bytes);
        self.gradings(run, facts, &costs);
        RunSeen::Committed(ResultFacts {
            passed: facts.judge_passed,
            score: facts.judge_score.map(Score::get),
            votes: facts.votes(),
            cost: costs.agent + costs.judges,
            failed_judges: costs.failed_judges,
            seconds: facts.duration_seconds.unwrap_or_default(),
            config,
        })
    }

    /// Records why a run did not pass.
    pub(super) fn shortfall(&mut self, run: RunId, facts: &ReadFacts<'_>) {
        let shortfall = facts.shortfall().map(|shortfall| ((run, facts.grading), shortfall));
        self.part.shortfalls.extend(shortfall);
    }

    /// Records the winners that a result names.
    fn keep_inheritance(&mut self, run: RunId, facts: &ReadFacts<'_>) -> Result<(), String> {
        for winner in facts.winners() {
            self.part.inheritance.insert((run.tier, winner?));
        }
        Ok(())
    }

    /// Records which experiment a result names.
    fn name_experiment(&mut self, run: RunId, facts: &ReadFacts<'_>) {
        let Some(named) = facts.experiment_id.as_deref() else { return };
        let is_usual = self.setting.experiment_id.as_ref().is_some_and(|id| id.as_str() == named);
        if is_usual {
            self.part.of_this_experiment += 1;
        } else {
            self.part.of_others.push((clipped(named.to_owned()), run));
        }
    }

    /// The number of the config hash that a result names.
    fn number(&mut self, facts: &ReadFacts<'_>) -> Result<Option<u16>, String> {
        let Some(hash) = &facts.config_hash else { return Ok(None) };
        if **hash != *self.last_hash.0 {
            let number = collect::lock(self.collection).number(hash.parse()?);
            self.last_hash = (hash.to_string(), number);
        }
        Ok(self.last_hash.1)
    }

    /// Compares a result with its folder, its own judges, and with its evidence when that is asked for.
    fn compare(&mut self, run: RunId, facts: &ReadFacts<'_>, (bytes, own): (&[u8], Own)) {
        self.own_words(run, facts, own);
        if let Some(newer) = facts.version.as_deref().filter(|version| age(version) == Age::Newer) {
            self.problem(run, ProblemKind::NewerResult, newer.to_owned());
        }
        self.name_experiment(run, facts);
        if let Some(how) = facts.isolated() {
            *self.part.isolated.entry(how).or_default() += 1;
        }
        if let Some(found) = facts.misplaced(run) {
            self.problem(run, ProblemKind::Misplaced, found);
        }
        // A result that contradicts itself does not follow from any stages.
        let mut follows = Some(bytes);
        if let Some(found) = facts.contradiction() {
            self.problem(run, ProblemKind::Contradictory, found);
            follows = None;
        }
        if self.setting.depth >= Depth::Seals {
            let folder = self.setting.folder.run_in(self.base, run);
            if self.setting.form.is_sealed {
                self.folders(run, &folder);
                self.seal(run, &folder, facts, follows);
                self.workspace(run, &folder, facts.keeps_workspace);
            } else {
                self.named(run, &folder, facts);
            }
        }
    }

    /// Checks that the files exist that a result without a seal names by their former paths.
    fn named(&mut self, run: RunId, folder: &RunFolder, facts: &ReadFacts<'_>) {
        for below in facts.named_files(run) {
            if matches!(files::kind_of(&folder.root().join(below)), Ok(None)) {
                let found = format!("the result names `{below}`, which is not there");
                self.problem(run, ProblemKind::MissingEvidence, found);
            }
        }
    }

    fn unfinished(&mut self, subtest: &Folder, run: RunId) -> RunSeen {
        let left = |spent: Total| RunSeen::Unfinished { agent_complete: false, spent };
        match self.read(subtest, run, AGENT_RESULT) {
            Ok(there) if let Some(agent) = self.setting.form.agent => match there.then(|| agent(&self.bytes)) {
                Some(Some(AgentLeft { is_usable, cost })) => {
                    RunSeen::Unfinished { agent_complete: is_usable, spent: cost }
                }
                Some(None) => left(Total::UNKNOWN),
                None => left(self.begun_agent(run)),
            },
            Ok(there) => match self.stages(run, there) {
                Ok((agent_complete, spent)) => {
                    for number in self.listed_gradings(run) {
                        self.begun_stages(run, number);
                    }
                    RunSeen::Unfinished { agent_complete, spent }
                }
                Err(error) => self.hidden(run, JUDGE, error.to_string()),
            },
            Err(ReadError::Io(error)) => self.hidden(run, AGENT_RESULT, error.to_string()),
            Err(_) => left(Total::UNKNOWN),
        }
    }

    fn report_unknown_places(&mut self, run: RunId) {
        let folder = self.setting.folder.run_in(self.base, run);
        match evidence::unknown_places(&folder) {
            Ok(unknown) => {
                for path in unknown {
                    if self.is_usual(&folder, &path) {
                        continue;
                    }
                    let place = self.setting.folder.relative(&path);
                    let name = path.file_name().and_then(|name| name.to_str());
                    if name.is_some_and(|name| name.starts_with(TEMPORARY_PREFIX)) {
                        self.part.temporary.push(place);
                    } else {
                        self.part.foreign.push(place);
                    }
                }
            }
            Err(error) => self.part.unknown.push((self.place(run), error.to_string())),
        }
    }

    /// Whether such a name is usual there.
    fn is_usual(&self, folder: &RunFolder, path: &Path) -> bool {
        let level = if path.parent() == Some(folder.root()) { Level::Run } else { Level::BelowRun };
        let kind = files::kind_of(path).ok().flatten();
        let name = path.file_name().map(|name| name.to_string_lossy());
        name.zip(kind).is_some_and(|(name, kind)| (self.setting.form.is_usual)(level, &name, kind))
    }

    /// The place of a run that is being read.
    pub(super) fn place(&self, run: RunId) -> String {
        self.base.place(&run.to_string())
    }

    fn unreadable(&mut self, run: RunId, found: String) -> RunSeen {
        self.problem(run, ProblemKind::UnreadableResult, found);
        RunSeen::Unreadable
    }

    fn hidden(&mut self, run: RunId, file: &str, error: String) -> RunSeen {
        self.part.unknown.push((format!("{}/{file}", self.place(run)), error));
        RunSeen::Unknown
    }

    /// Reports a problem of the whole run, which repair would set aside as a whole.
    pub(super) fn problem(&mut self, run: RunId, kind: ProblemKind, found: String) {
        self.problem_at(run, kind, self.place(run), found);
    }

    pub(super) fn problem_at(&mut self, run: RunId, kind: ProblemKind, place: String, found: String) {
        self.part.problems.push(Problem { run, kind, place, found: clipped(found) });
    }
}

/// The problem of a committed run whose workspace should have been removed.
pub(super) fn left_workspace(folder: &ExperimentFolder, run: RunId) -> Problem {
    let found = "it should have been removed when the run was committed".to_owned();
    Problem { run, kind: ProblemKind::StrayWorkspace, place: folder.relative(&folder.run(run).workspace()), found }
}
