//! The costs of results: as they name them or, for earlier versions, as the files beside them show. It stands alone
//! because the reader of results has no branch for versions.

use crate::model::ids::RunId;
use crate::model::result::RunResult;
use crate::model::usage::Total;

use super::facts::{Costs, ReadFacts};
use super::read::Reader;
use crate::store::claimed;
use crate::store::stages::RunStore;
use crate::store::version::{Age, age};

impl Reader<'_> {
    /// The costs that a result names, as the current version would name them.
    pub(super) fn costs(&self, run: RunId, facts: &ReadFacts<'_>, json: &[u8]) -> Costs {
        if facts.version.as_deref().is_none_or(|version| age(version) != Age::Earlier) {
            return facts.costs();
        }
        let translated = serde_json::from_slice::<RunResult>(json).ok().and_then(|result| {
            let store = RunStore::new(self.setting.folder, run);
            let store = if result.grading.is_first() { store } else { store.graded(result.grading) };
            store.translated(result).ok()
        });
        translated.map_or_else(
            || facts.costs(),
            |result| Costs {
                agent: result.usage.cost.into(),
                judges: result.judge_cost,
                failed_judges: result.failed_judge_cost,
            },
        )
    }

    /// The cost of an agent that left no result; zero if none was started.
    pub(super) fn begun_agent(&self, run: RunId) -> Total {
        let folder = self.setting.folder.run_in(self.base, run);
        claimed::agent(&folder, &folder.record()).map_or(Total::UNKNOWN, Total::from)
    }
}
