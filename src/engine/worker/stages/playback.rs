//! A recorded run played back in place of an agent's work: its patch, its output and its outcome. What it used was paid for when it was
//! recorded, so that nothing of it is spent here.

use crate::engine::error::with_causes;
use crate::engine::worker::stages::Work;
use crate::model::flag::Flag;
use crate::model::outcome::{Failure, FailureKind};
use crate::model::result::AgentResult;
use crate::os::files;
use crate::store::recorded;
use crate::workspace;

impl Work<'_> {
    /// Plays back what the fixture's copy keeps of this recording for the run.
    pub(super) fn play_back(&self, id: &str, result: &mut AgentResult) -> Result<(), Failure> {
        let workspace_failure = |message: String| Failure::new(FailureKind::Workspace, message);
        let recording = recorded::read(&self.place.folder, id, self.run).map_err(workspace_failure)?;
        workspace::checkout::apply(&self.agents_folder()?.workspace(), &recording.patch).map_err(|error| {
            let message = format!(
                "what the agent of {} of {} changed cannot be changed here, in another tree than it had: {}",
                recording.told.run,
                recording.told.experiment_id,
                with_causes(&error)
            );
            workspace_failure(message)
        })?;
        for (file, bytes) in &recording.outputs {
            if let Some(parent) = file.parent() {
                files::create_dir_durable(parent)?;
            }
            files::write_atomic(file, &self.place.secrets.redact(bytes))?;
        }
        result.end = recording.result.agent_end;
        result.exit_code = recording.result.exit_code;
        result.program = recording.result.program;
        result.replayed = Some(recording.told);
        result.flags.insert(Flag::PlayedBack);
        Ok(())
    }
}
