//! Which models a worker without a coordinator may not ask; alone, because nothing else of a worker reads the checkpoint.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::engine::session::basis::Basis;
use crate::model::ids::ModelName;
use crate::os::clock;
use crate::store;

/// The rate limits that coordinators recorded in the checkpoint.
pub(super) struct Pauses {
    basis: Arc<Basis>,
    /// All models that runs of the plan use.
    models: BTreeSet<ModelName>,
}

impl Pauses {
    pub(super) fn of(basis: Arc<Basis>) -> Self {
        let plan = basis.config.plan();
        let models = plan.runs().filter_map(|run| basis.agent_model(run)).chain(basis.judge_models()).collect();
        Self { basis, models }
    }

    /// The time until which a model may not be asked; `None` when it may. A limit recorded under a name that no run
    /// uses applies to all models.
    pub(super) fn until(&self, model: &ModelName) -> Option<Timestamp> {
        let (seen, ..) = store::checkpoint::read(&self.basis.folder);
        let limits = seen.content()?.limits();
        let holds = |name: &ModelName| name == model || !self.models.contains(name);
        let held = limits.into_iter().filter(|limit| holds(&ModelName::new(&limit.model)));
        held.map(|limit| limit.until)
            .filter(|until| clock::until(*until).is_some_and(|wait| wait > Duration::ZERO))
            .max()
    }
}
