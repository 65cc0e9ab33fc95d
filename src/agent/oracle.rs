//! The agent `oracle`: applies the reference solution, so that every run of it must pass; alone, as each kind is.

use crate::model::agent::{Adapter, Agent, AgentStart, Assignment};
use crate::model::program::{Keys, Kind};

/// The kind, as fixtures name it.
pub static KIND: Kind<Agent> =
    Kind { name: "oracle", about: "applies `solution_file`; every run of it should pass", keys: &[], takes: &[], read };

/// Applies the reference solution.
#[derive(Debug)]
struct Oracle;

fn read(keys: &dyn Keys) -> Option<Agent> {
    if !keys.has_solution() {
        let hint = "name the patch that solves the task in `test.yaml`: `solution_file: expected/solution.patch`";
        keys.mistake_with_hint("an `oracle` needs a `solution_file`".to_owned(), hint.to_owned());
    }
    keys.has_solution().then(|| Agent::new(Oracle))
}

impl Adapter for Oracle {
    fn kind(&self) -> &'static Kind<Agent> {
        &KIND
    }

    fn start(&self, assignment: &Assignment<'_>) -> AgentStart {
        // A fixture without a solution was refused when it was loaded.
        assignment.paths.solution.clone().map_or(AgentStart::Nothing, AgentStart::ApplyPatch)
    }
}
