//! The later gradings of committed runs: each has a result and a seal of its own.

use std::collections::BTreeSet;

use crate::model::grading::GradingNumber;
use crate::model::ids::RunId;
use crate::model::limits::MOST_STAGE_FILE_BYTES;
use crate::model::survey::{Graded, GradedFacts, ProblemKind};
use crate::model::usage::Total;
use crate::os::files::{self, Folder, Kind, ReadError};

use super::Depth;
use super::facts::{Costs, ReadFacts};
use super::read::Reader;
use super::whole::damaged_stage;
use crate::store::stages::RunStore;
use crate::store::{evidence, own_digest};

impl Reader<'_> {
    /// The later gradings of which a run's folder contains anything.
    pub(super) fn listed_gradings(&mut self, run: RunId) -> BTreeSet<GradingNumber> {
        let mut listed = BTreeSet::new();
        if !self.setting.regraded {
            return listed;
        }
        let path = self.setting.folder.run_in(self.base, run).gradings();
        let seen = Folder::open(&path).and_then(|open| {
            open.map_or(Ok(()), |open| {
                open.each(|name, kind| {
                    let number = name.to_str().and_then(GradingNumber::from_folder);
                    listed.extend(number.filter(|_| kind == Kind::Folder));
                })
            })
        });
        if let Err(error) = seen {
            self.part.unknown.push((self.setting.folder.relative(&path), error.to_string()));
        }
        listed
    }

    /// Reads every grading of a committed run; nothing when the fixture's own is the only one.
    pub(super) fn gradings(&mut self, run: RunId, facts: &ReadFacts<'_>, costs: &Costs) {
        let listed = self.listed_gradings(run);
        let own = (!facts.grading.is_first()).then_some(facts.grading);
        let known = self.setting.gradings.iter().copied();
        let numbers: BTreeSet<GradingNumber> = known.chain(own).chain(listed.iter().copied()).collect();
        if numbers.is_empty() {
            return;
        }
        let mut graded = Graded { agent: costs.agent, ..Graded::default() };
        graded.by.insert(facts.grading, facts.graded(costs));
        for number in numbers {
            match self.grading(run, number, facts) {
                Ok(Some(by)) => {
                    self.part.graded_by.insert(number);
                    // Failed judges in the run's own folder belong to the grading that was given up before.
                    let own = graded.by.insert(number, by).map(|own| own.failed_judges);
                    graded.without_verdict += own.unwrap_or_default();
                }
                Ok(None) => {
                    graded.without_verdict += self.begun(run, number);
                    if listed.contains(&number) {
                        self.begun_stages(run, number);
                    }
                }
                Err(found) => {
                    // Whatever happened to the verdict, it was paid for.
                    let own = graded.by.remove(&number).map(|own| own.spent()).unwrap_or_default();
                    graded.without_verdict += own.max(self.begun(run, number));
                    self.broken_grading(run, number, found);
                }
            }
        }
        self.part.graded.push((run, graded));
    }

    fn broken_grading(&mut self, run: RunId, number: GradingNumber, found: String) {
        let place = self.setting.folder.run(run).graded(number);
        let place = self.setting.folder.relative(place.root());
        self.problem_at(run, ProblemKind::BrokenGrading, place, found);
    }

    /// Checks the stages of an unfinished grading of a run: a resume goes on with them.
    pub(super) fn begun_stages(&mut self, run: RunId, number: GradingNumber) {
        self.part.graded_by.insert(number);
        let store = RunStore::new(self.setting.folder, run).graded(number);
        match damaged_stage(&store) {
            Ok(Some(path)) => {
                let shown = path.strip_prefix(store.folder().root()).unwrap_or(&path).display().to_string();
                self.broken_grading(run, number, format!("what the stage of `{shown}` left was altered or torn"));
            }
            Ok(None) => {}
            Err(error) => {
                self.part.unknown.push((self.setting.folder.relative(store.folder().root()), error.to_string()));
            }
        }
    }

    /// The content of one grading; `None` when it has no verdict yet.
    fn grading(
        &mut self,
        run: RunId,
        number: GradingNumber,
        own: &ReadFacts<'_>,
    ) -> Result<Option<GradedFacts>, String> {
        let folder = self.setting.folder.run(run).graded(number);
        let bytes = match files::read_bounded(&folder.result(), MOST_STAGE_FILE_BYTES) {
            Ok(Some(bytes)) => bytes,
            Ok(None) if own.grading == number => {
                return Err("the run was committed under it, and it is gone".to_owned());
            }
            Ok(None) => return Ok(None),
            Err(ReadError::Io(error)) => {
                self.part.unknown.push((self.setting.folder.relative(&folder.result()), error.to_string()));
                return Ok(None);
            }
            Err(error) => return Err(error.to_string()),
        };
        let facts = ReadFacts::parse(&bytes).map_err(|error| error.to_string())?;
        let altered = own_digest::fault(&bytes, facts.version.as_deref()).map(str::to_owned);
        let wrong = altered
            .or_else(|| (facts.grading != number).then(|| format!("it says that it is of grading {}", facts.grading)));
        let wrong = wrong.or_else(|| facts.misplaced(run));
        if let Some(wrong) = wrong.or_else(|| facts.contradiction()).or_else(|| facts.differs_from(own)) {
            return Err(wrong);
        }
        if self.setting.depth >= Depth::Seals {
            let expected = facts.seal.as_ref().and_then(|seal| seal.parse().ok());
            let seal = evidence::check_seal(&folder, expected).problems.into_iter().next();
            let is_computed_again = self.setting.depth == Depth::Evidence;
            let follows = || if is_computed_again { self.grading_follows(run, &folder, &bytes) } else { None };
            if let Some(found) = seal.or_else(follows) {
                return Err(found);
            }
        }
        self.shortfall(run, &facts);
        let costs = self.costs(run, &facts, &bytes);
        Ok(Some(facts.graded(&costs)))
    }

    /// What was spent on an unfinished grading of a run.
    fn begun(&mut self, run: RunId, number: GradingNumber) -> Total {
        let store = RunStore::new(self.setting.folder, run).graded(number);
        store.judges_cost().unwrap_or_else(|error| {
            self.part.unknown.push((self.setting.folder.relative(store.folder().root()), error.to_string()));
            Total::UNKNOWN
        })
    }
}
