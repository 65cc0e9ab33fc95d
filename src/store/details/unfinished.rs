//! A run without a result: how far it got, who is working on it, and what ended its last attempt.

use crate::model::details::{AgentDetails, CheckDetails, RunDetails, RunState};
use crate::model::ids::RunId;
use crate::model::limits::MOST_STAGE_FILE_BYTES;
use crate::model::outcome::{AttemptEnd, Stage};
use crate::model::result::AgentResult;
use crate::model::usage::Total;
use crate::os::files::{self, Kind};
use crate::os::lock;
use crate::store::layout::RunFolder;
use crate::store::stages::{RunStore, StageProgress};
use crate::store::{StoreError, checkpoint, claim, form};

use super::Reading;

impl Reading<'_> {
    /// Adds what exists of a run without a result, and determines its state.
    pub(super) fn add_unfinished(&self, details: &mut RunDetails, own: &RunFolder) -> Result<(), StoreError> {
        let is_there = files::kind_of(own.root())? == Some(Kind::Folder);
        let run = details.run;
        if !self.is_ours {
            if let Ok(Some(bytes)) = files::read_bounded(&own.agent_result(), MOST_STAGE_FILE_BYTES)
                && form::add_agent(details, &bytes)
            {
                details.state = RunState::AgentComplete;
            } else if is_there {
                details.state = RunState::Unfinished;
            }
            return Ok(());
        }
        let store = RunStore::new(self.folder, run);
        let agent = store.whole_agent_result()?;
        let progress = StageProgress {
            patch: store.has_patch()?,
            checks: store.read_checks()?,
            judgments: store.judgments()?,
            agent,
            committed: false,
        };
        let holder = claim::claimed_by(self.folder, run)?;
        let mark = std::fs::symlink_metadata(own.mark()).and_then(|mark| mark.modified()).ok();
        // Coordinators of earlier versions do not claim runs.
        let is_held = holder.is_some() || (mark.is_some() && lock::probe(&self.folder.lock())?.is_some());
        if is_held {
            details.state = RunState::InFlight;
            details.since = mark.and_then(|mark| mark.try_into().ok());
            let by = holder.map_or_else(String::new, |holder| format!(", by {holder}"));
            details.why = Some(format!("in {}{by}", stage(&progress)));
        } else if progress.agent.is_some() {
            details.state = RunState::AgentComplete;
            details.why = self.last_failure(run);
        } else {
            let (state, why) = self.before_its_end(run, is_there)?;
            (details.state, details.why) = (state, why);
        }
        (_, details.former_cost) = store.former_attempts()?;
        details.judge_cost = if is_there { store.judges_cost()? } else { Total::ZERO };
        details.judges = progress.judgments.into_values().collect();
        let checks = progress.checks.map(|checks| checks.checks).unwrap_or_default();
        details.checks = checks
            .into_iter()
            .map(|result| CheckDetails { excerpt: super::texts::end_of_failed(self.folder, own, &result), result })
            .collect();
        details.agent = progress.agent.map(of_agent);
        Ok(())
    }

    /// The state of a run whose agent is not done and that nobody works on.
    fn before_its_end(&self, run: RunId, is_there: bool) -> Result<(RunState, Option<String>), StoreError> {
        let records = self.former(run)?;
        let last = records.last().and_then(|former| former.record.as_ref());
        let begun = if is_there || !records.is_empty() { RunState::Unfinished } else { RunState::NotStarted };
        Ok(match last.map(|record| (&record.end, record.stage)) {
            Some((AttemptEnd::Failed { failure, last: true }, stage)) => {
                (RunState::Errored, Some(format!("{stage}: {}", failure.words())))
            }
            Some((AttemptEnd::Failed { failure, last: false }, stage)) => {
                (begun, Some(format!("its last attempt failed in {stage}: {}", failure.words())))
            }
            Some((AttemptEnd::Rerun, _)) if !is_there => (begun, Some("a person asked for another attempt".to_owned())),
            _ => (begun, None),
        })
    }

    /// The failure that kept judges from their work, as recorded in the checkpoint.
    fn last_failure(&self, run: RunId) -> Option<String> {
        let (seen, ..) = checkpoint::read(self.folder);
        seen.content()?.failures.get(&run).map(crate::model::outcome::Failure::words)
    }
}

/// The present stage.
fn stage(progress: &StageProgress) -> String {
    let next = u32::try_from(progress.judgments.len()).unwrap_or(u32::MAX).saturating_add(1);
    match (&progress.agent, progress.patch, &progress.checks) {
        (None, ..) => Stage::Agent.to_string(),
        (Some(_), false, _) => Stage::Capture.to_string(),
        (Some(_), true, None) => Stage::Checks.to_string(),
        (Some(_), true, Some(_)) => crate::model::ids::JudgeNumber(next).to_string(),
    }
}

fn of_agent(result: AgentResult) -> AgentDetails {
    AgentDetails {
        end: Some(result.end),
        exit_code: result.exit_code,
        usage: result.usage,
        prices: result.prices,
        reported: result.reported,
        exceeded: result.exceeded,
        version: result.program.agent_version,
        models: result.program.agent_models,
        replayed: result.replayed,
        started_at: Some(result.started_at),
        duration_seconds: Some(result.duration_seconds),
        attempt: Some(result.attempt),
        containment: Some(result.containment),
        isolation: result.isolation,
        leftover_processes: result.leftover_processes,
        held_seconds: result.held_seconds,
        output_truncated: result.output_truncated,
    }
}
