//! A row for each run of an experiment, from one survey of its folder: what tables, filters, comparisons and reports are made of.

use std::collections::{BTreeMap, BTreeSet};

use crate::config;
use crate::engine::error::EngineError;
use crate::engine::session::open::{self, Session};
use crate::engine::session::progress::Progress;
use crate::model::event::Missing;
use crate::model::ids::RunId;
use crate::model::outcome::{Failure, RunStatus};
use crate::model::row::{RowStatus, RunRow};
use crate::model::survey::{ResultFacts, RunSeen, Survey};
use crate::model::task::Fixture;
use crate::model::usage::Total;
use crate::rules::status::{failure_of, status_on_disk};
use crate::stats::shortfalls::reasons;
use crate::store::layout::ExperimentFolder;
use crate::store::results::{Details, details};
use crate::store::survey::Depth;

/// A row for each planned run, in the order of the plan; where no plan is known, for each run that has a verdict.
#[must_use]
pub fn rows(folder: &ExperimentFolder, survey: &Survey) -> Vec<RunRow> {
    rows_beyond(folder, survey, |_| BTreeMap::new())
}

/// The same for a caller that reads more of each result anyway: `beyond` is given the committed runs. Those of which it tells
/// nothing are read here.
pub fn rows_beyond(
    folder: &ExperimentFolder,
    survey: &Survey,
    beyond: impl FnOnce(&[RunId]) -> BTreeMap<RunId, Details>,
) -> Vec<RunRow> {
    // A fixture that cannot be read costs names, not numbers.
    let fixture = config::fixture::load(&folder.fixture()).ok();
    let plan = survey.plan();
    let progress = Progress::of(plan.clone().unwrap_or_default(), survey);
    let runs: Vec<RunId> = match &plan {
        Some(plan) => plan.runs().collect(),
        None => survey.runs.keys().copied().filter(|run| progress.is_committed(*run)).collect(),
    };
    let committed: Vec<RunId> = runs.iter().copied().filter(|run| progress.is_committed(*run)).collect();
    let mut known = beyond(&committed);
    let unknown: Vec<RunId> = committed.into_iter().filter(|run| !known.contains_key(run)).collect();
    known.extend(details(folder, &unknown, |run| survey.place(run), survey.counting));
    let of = Of { survey, progress: &progress, fixture: fixture.as_ref(), details: known };
    runs.into_iter().map(|run| of.row(run)).collect()
}

/// The same of an experiment that this process holds.
///
/// # Errors
/// When its folder cannot be read.
pub fn rows_held(session: &Session) -> Result<Vec<RunRow>, EngineError> {
    let survey = open::survey(&session.locked, Depth::Results)?;
    Ok(rows(&session.locked.folder, &survey))
}

/// What rows are made of.
struct Of<'a> {
    survey: &'a Survey,
    progress: &'a Progress,
    fixture: Option<&'a Fixture>,
    details: BTreeMap<RunId, Details>,
}

impl Of<'_> {
    fn row(&self, run: RunId) -> RunRow {
        let seen = self.survey.runs.get(&run);
        match seen {
            Some(RunSeen::Committed(facts)) if self.progress.is_committed(run) => self.judged(run, facts),
            seen => self.missing(run, seen),
        }
    }

    /// What is known of a run whatever has become of it.
    fn begun(&self, run: RunId, status: RowStatus, seen: Option<&RunSeen>) -> RunRow {
        let setup = self.fixture.and_then(|fixture| fixture.tiers.get(&run.tier)?.get(&run.subtest));
        let former = self.survey.attempts.get(&run);
        let configured = self.survey.config.content().and_then(|config| config.models.first()).map(String::as_str);
        let told = setup.map_or(configured, |setup| setup.agent.assigned_model(configured));
        RunRow {
            run,
            name: setup.map(|setup| setup.name.clone()),
            // An agent that asks no model is told none.
            model: told
                .filter(|told| setup.is_none_or(|setup| setup.agent.model(Some(told)).is_some()))
                .map(str::to_owned),
            control: setup.and_then(|setup| setup.agent.control()),
            status,
            score: None,
            grade: None,
            end: None,
            exit_code: None,
            exceeded: None,
            cost: None,
            spent: seen.map_or(Total::ZERO, RunSeen::spent) + former.map_or(Total::ZERO, |former| former.cost),
            tokens: None,
            seconds: None,
            attempts: former.map_or(0, |former| former.count).saturating_add(u32::from(seen.is_some())),
            flags: BTreeSet::new(),
            grading: None,
            reason: None,
        }
    }

    fn judged(&self, run: RunId, facts: &ResultFacts) -> RunRow {
        let passed = facts.passed == Some(true);
        let none = Details::default();
        let details = self.details.get(&run).unwrap_or(&none);
        let seen = RunSeen::Committed(*facts);
        RunRow {
            score: facts.score,
            grade: details.grade,
            end: details.end,
            exit_code: details.exit_code,
            exceeded: details.exceeded,
            cost: Some(facts.cost),
            tokens: details.tokens.total(),
            seconds: Some(facts.seconds),
            flags: details.flags.clone(),
            grading: Some(self.survey.counting),
            reason: if passed { None } else { self.why_failed(run, details) },
            ..self.begun(run, RowStatus::judged(passed), Some(&seen))
        }
    }

    /// What its agent and its checks say against it, or else its judges.
    fn why_failed(&self, run: RunId, details: &Details) -> Option<String> {
        let said = self.survey.shortfalls.get(&(run, self.survey.counting)).map(|shortfall| {
            let reasons: Vec<String> = reasons(shortfall).iter().map(ToString::to_string).collect();
            reasons.join(", ")
        });
        said.filter(|said| !said.is_empty()).or_else(|| {
            let votes: Vec<_> = details.judges.iter().flatten().filter(|vote| vote.is_valid()).collect();
            let passed = votes.iter().filter(|vote| vote.passed == Some(true)).count();
            match (passed, votes.len()) {
                (_, 0) => None,
                (0, 1) => Some("the judge did not pass it".to_owned()),
                (0, judges) => Some(format!("none of {judges} judges passed it")),
                (passed, judges) => Some(format!("{passed} of {judges} judges passed it")),
            }
        })
    }

    fn missing(&self, run: RunId, seen: Option<&RunSeen>) -> RunRow {
        let why = self.progress.missing().get(&run).copied().unwrap_or(Missing::Unfinished);
        let is_unfinished = matches!(seen, Some(RunSeen::Unfinished { .. }));
        let is_worked_on = self.survey.claimed.contains_key(&run)
            || (is_unfinished && self.survey.made_by.is_none() && self.survey.holder.is_some());
        let has_no_verdict = matches!(seen, Some(RunSeen::Committed(_)))
            && why != Missing::Damaged
            && status_on_disk(self.survey, run) != Some(RunStatus::AgentComplete);
        let failure = || failure_of(self.survey, run, seen).map(Failure::words);
        let reason = match why {
            _ if is_worked_on => None,
            _ if has_no_verdict => Some("its result has no verdict".to_owned()),
            why => Some(failure().unwrap_or_else(|| why.sentence().to_owned())),
        };
        let status = if is_worked_on { RowStatus::Running } else { why.into() };
        RunRow { reason, ..self.begun(run, status, seen) }
    }
}
