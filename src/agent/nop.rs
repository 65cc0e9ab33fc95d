//! The agent `nop`: does nothing, so every run of it must fail, else the checks are worthless; alone, as each kind is.

use crate::model::agent::{Adapter, Agent, AgentStart, Assignment};
use crate::model::control::Control;
use crate::model::program::Kind;

/// The kind, as fixtures name it.
pub static KIND: Kind<Agent> = Kind {
    name: "nop",
    about: "nothing; every run of it should fail",
    keys: &[],
    takes: &[],
    read: |_| Some(Agent::new(Nop)),
};

/// Does nothing.
#[derive(Debug)]
struct Nop;

impl Adapter for Nop {
    fn kind(&self) -> &'static Kind<Agent> {
        &KIND
    }

    fn control(&self) -> Option<Control> {
        Some(Control::MustFail)
    }

    fn start(&self, _assignment: &Assignment<'_>) -> AgentStart {
        AgentStart::Nothing
    }
}
