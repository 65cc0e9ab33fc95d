//! The agent `replay`: plays a recorded run back, for rehearsals and demonstrations that cost nothing. What is played back lies in the
//! experiment's copy of the fixture.

use serde_json::{Map, Value, json};

use crate::model::agent::{Adapter, Agent, AgentStart, Assignment};
use crate::model::digest::Digest;
use crate::model::program::{Kind, Recording};

/// The kind, as fixtures name it.
pub(super) static KIND: Kind<Agent> = Kind {
    name: "replay",
    about: "plays a recorded run back, and costs nothing",
    keys: &[(RUN, "the folder of a run, or of an experiment whose run of the same setup and number is played back")],
    takes: &[],
    read: |keys| keys.recording(RUN).map(|recording| Agent::new(Replay { recording })),
};

/// The key of what is played back.
const RUN: &str = "run";
/// The folder of a fixture's copy with what is played back.
pub const RECORDED_FOLDER: &str = "recorded";
/// So many digits of a digest tell recordings apart.
const ID_DIGITS: usize = 16;

/// What a recording is called in the copy of a fixture that names it so.
#[must_use]
pub fn id(named: &str) -> String {
    let digest = Digest::of(named.as_bytes()).to_string();
    digest.rsplit(':').next().unwrap_or_default().chars().take(ID_DIGITS).collect()
}

/// Plays a recorded run back.
#[derive(Debug)]
struct Replay {
    recording: Recording,
}

impl Adapter for Replay {
    fn kind(&self) -> &'static Kind<Agent> {
        &KIND
    }

    fn keys(&self) -> Map<String, Value> {
        Map::from_iter([(RUN.to_owned(), json!(self.recording.named))])
    }

    fn recording(&self) -> Option<&Recording> {
        Some(&self.recording)
    }

    fn start(&self, _assignment: &Assignment<'_>) -> AgentStart {
        AgentStart::PlayBack(id(&self.recording.named))
    }
}
