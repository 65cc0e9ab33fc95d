//! What later gradings say of committed runs: each has a result and a seal of its own.

use crate::model::grading::GradingNumber;
use crate::model::ids::RunId;
use crate::model::limits::MOST_STAGE_FILE_BYTES;
use crate::model::money::Usd;
use crate::model::survey::{Graded, GradedFacts, ProblemKind};
use crate::os::files::{self, ReadError};

use super::Depth;
use super::facts::Facts;
use super::read::Reader;
use crate::store::stages::RunStore;
use crate::store::{evidence, own_digest};

impl Reader<'_> {
    /// Reads every grading of a committed run; nothing where the fixture's own is the only one.
    pub(super) fn gradings(&mut self, run: RunId, facts: &Facts<'_>) {
        if self.setting.gradings.is_empty() {
            return;
        }
        let mut graded = Graded { agent: facts.cost_usd.unwrap_or_default(), ..Graded::default() };
        graded.by.insert(facts.grading, facts.graded());
        for number in &self.setting.gradings {
            match self.grading(run, *number, facts) {
                Ok(Some(by)) => {
                    // What lies in the run's own folder is of the grading that was given up before.
                    let own = graded.by.insert(*number, by).map(|own| own.failed_judges);
                    graded.beside += own.unwrap_or_default();
                }
                Ok(None) => graded.beside += self.begun(run, *number),
                Err(found) => {
                    graded.by.remove(number);
                    let place = self.setting.folder.run(run).graded(*number);
                    let place = self.setting.folder.relative(place.root());
                    self.problem_at(run, ProblemKind::BrokenGrading, place, found);
                }
            }
        }
        self.part.graded.push((run, graded));
    }

    /// What one grading says; `None` when it says nothing yet.
    fn grading(&mut self, run: RunId, number: GradingNumber, own: &Facts<'_>) -> Result<Option<GradedFacts>, String> {
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
        let facts = Facts::parse(&bytes).map_err(|error| error.to_string())?;
        let altered = own_digest::fault(&bytes, facts.version.as_deref()).map(str::to_owned);
        let wrong = altered
            .or_else(|| (facts.grading != number).then(|| format!("it says that it is of grading {}", facts.grading)));
        let wrong = wrong.or_else(|| facts.misplaced(run));
        if let Some(wrong) = wrong.or_else(|| facts.contradiction()).or_else(|| facts.differs_from(own)) {
            return Err(wrong);
        }
        if self.setting.depth == Depth::Evidence {
            let expected = facts.seal.as_ref().and_then(|seal| seal.parse().ok());
            let seal = evidence::check_seal(&folder, expected).problems.into_iter().next();
            if let Some(found) = seal.or_else(|| self.grading_follows(run, &folder, &bytes)) {
                return Err(found);
            }
        }
        self.shortfall(run, &facts);
        Ok(Some(facts.graded()))
    }

    /// What was spent on a grading of a run that has no verdict yet.
    fn begun(&mut self, run: RunId, number: GradingNumber) -> Usd {
        let store = RunStore::new(self.setting.folder, run).graded(number);
        store.judges_cost().unwrap_or_else(|error| {
            self.part.unknown.push((self.setting.folder.relative(store.folder().root()), error.to_string()));
            Usd::ZERO
        })
    }
}
