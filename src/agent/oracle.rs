//! The agent `oracle`: applies the reference solution, so that every run of it must pass, or another patch.

use serde_json::{Map, Value, json};

use crate::model::agent::{Adapter, Agent, AgentStart, Assignment};
use crate::model::control::Control;
use crate::model::program::{Keys, Kind};

/// The kind, as fixtures name it.
pub static KIND: Kind<Agent> = Kind {
    name: "oracle",
    about: "applies `solution_file`; every run of it should pass",
    keys: &[(PATCH_FILE, "another patch of the fixture that it applies in place of that")],
    takes: &[],
    read,
};

/// The key of another patch than the solution.
pub const PATCH_FILE: &str = "patch_file";

/// Applies the reference solution.
#[derive(Debug)]
struct Oracle {
    /// Path below the fixture of the patch that is applied in its place.
    patch: Option<String>,
}

fn read(keys: &dyn Keys) -> Option<Agent> {
    let patch = keys.file(PATCH_FILE)?.map(|file| file.path);
    let has_patch = patch.is_some() || keys.has_solution();
    if !has_patch {
        let hint = "name the patch that solves the task in `test.yaml`: `solution_file: expected/solution.patch`";
        keys.mistake_with_hint("an `oracle` needs a `solution_file`".to_owned(), hint.to_owned());
    }
    has_patch.then(|| Agent::new(Oracle { patch }))
}

impl Adapter for Oracle {
    fn kind(&self) -> &'static Kind<Agent> {
        &KIND
    }

    fn keys(&self) -> Map<String, Value> {
        self.patch.iter().map(|patch| (PATCH_FILE.to_owned(), json!(patch))).collect()
    }

    fn control(&self) -> Option<Control> {
        Some(if self.patch.is_some() { Control::Either } else { Control::MustPass })
    }

    fn start(&self, assignment: &Assignment<'_>) -> AgentStart {
        let own = self.patch.as_ref().map(|patch| assignment.paths.fixture.join(patch));
        // A fixture without a solution was refused when it was loaded.
        own.or_else(|| assignment.paths.solution.clone()).map_or(AgentStart::Nothing, AgentStart::ApplyPatch)
    }
}
