//! What an agent used, as the gateway saw it: its lease before it starts, and its usage after it has ended.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;

use crate::engine::worker::stages::{Halt, Work};
use crate::gateway::{Exchanged, Lease, Passing, Terms, Unwritten, kept_out};
use crate::model::agent::{Agent, AgentOutcome, EndedAgent, Reader};
use crate::model::allowance::Allowance;
use crate::model::flag::Flag;
use crate::model::ids::ModelName;
use crate::model::judge::{Asks, Led, SENT_TO};
use crate::model::outcome::{Failure, FailureKind};
use crate::model::result::AgentResult;
use crate::model::sandbox::Network;
use crate::model::usage::{Cost, Tokens, Total, Usage};
use crate::os::clock;
use crate::rules::unanswered::{Last, Unanswered, never_answered, unanswered};
use crate::text::words::{counted, list};

/// The part of all tokens by which an agent's own account may differ from what was seen.
const MOST_DIFFERENCE: f64 = 0.02;

/// The failure to write down what requests took.
pub(super) fn no_ledger(of: &str, error: &Unwritten) -> Failure {
    let Unwritten { why, exchanges } = error;
    let requests = counted(*exchanges, "request");
    let message = format!("what the {of} requests took cannot be recorded: {why}; of {requests} it is not known");
    Failure::new(FailureKind::Storage, message)
}

/// How an agent ended, by what it says itself and by what the gateway saw.
pub(super) fn outcome_of(
    reader: &dyn Reader,
    end: EndedAgent,
    exchanged: Option<&Exchanged>,
) -> Result<AgentOutcome, Failure> {
    let now = clock::now();
    let outcome = reader.outcome(end, now);
    let Some(exchanged) = exchanged else { return outcome };
    let outcome = outcome.map_err(|failure| Failure { message: exchanged.in_real_words(&failure.message), ..failure });
    if let Some(why) = &exchanged.unmatched {
        return Err(Failure::new(FailureKind::Unrecorded, why.as_str()));
    }
    let is_by_provider = |failure: &Failure| {
        matches!(failure.kind, FailureKind::Provider | FailureKind::RateLimit | FailureKind::NoRecord)
    };
    match (outcome, exchanged.exceeded, exchanged.limited) {
        // An agent that is told that there is no money left may fail in its own way.
        (Err(_), Some(_), _) => reader.outcome(EndedAgent::OverLimit, now),
        // Its provider has said more exactly what kept it from working.
        (Err(failure), None, Some(until)) if is_by_provider(&failure) => {
            Err(Failure { kind: FailureKind::RateLimit, retry_at: Some(until), ..failure })
        }
        // It did nothing but wait until its time was over.
        (Ok(_), None, Some(until)) if matches!(end, EndedAgent::TimedOut | EndedAgent::NoProgress) => {
            let message = "the agent waited for its model, whose provider asks to wait, until its time was over";
            Err(Failure { retry_at: Some(until), ..Failure::new(FailureKind::RateLimit, message) })
        }
        // Nor could it do anything but ask.
        (Ok(outcome), None, None) if matches!(end, EndedAgent::TimedOut | EndedAgent::NoProgress) => {
            unanswered(&exchanged.exchanges)
                .map_or(Ok(outcome), |it| Err(not_measured("the agent's time was over", it, None)))
        }
        // Who never had an answer and fails is not the one who failed.
        (Ok(outcome), None, until) if is_failed(end) && exchanged.used.answered == 0 => {
            let end = "the agent ended by itself, and not well,";
            never_answered(&exchanged.exchanges).map_or(Ok(outcome), |it| Err(not_measured(end, it, until)))
        }
        (outcome, ..) => outcome,
    }
}

/// Whether an agent ended by itself, and its exit code says that it failed.
fn is_failed(end: EndedAgent) -> bool {
    matches!(end, EndedAgent::Exited(code) if code != 0)
}

/// The failure of an agent that ended so, and nobody had answered: until then the model is not to be asked, where its provider said so.
fn not_measured(end: &str, unanswered: Unanswered, until: Option<Timestamp>) -> Failure {
    let Unanswered { requests, was_answered, last } = unanswered;
    let what = if was_answered { "while its model did not answer" } else { "and its model had never answered" };
    let by = match last {
        Last::Refused(status) => format!("answered the last one with {status}"),
        Last::Lost => "was not reached, or broke off".to_owned(),
        Last::Silence => "never answered".to_owned(),
    };
    let requests = counted(requests, "request");
    let failure = Failure::new(unanswered.kind(), format!("{end} {what}, in {requests}: its provider {by}"));
    match until {
        Some(_) => Failure { kind: FailureKind::RateLimit, retry_at: until, ..failure },
        None => failure,
    }
}

/// The failure of a judge, where its model's provider has said more exactly what kept it from judging: to wait until then.
pub(super) fn limited(failure: Failure, until: Option<Timestamp>) -> Failure {
    match until {
        Some(until) if matches!(failure.kind, FailureKind::Judge | FailureKind::Provider | FailureKind::RateLimit) => {
            Failure { kind: FailureKind::RateLimit, retry_at: Some(until), ..failure }
        }
        _ => failure,
    }
}

impl Work<'_> {
    /// Counts what the attempt's agent cost, once.
    pub(super) fn count(&mut self, cost: Total) {
        if !std::mem::replace(&mut self.counted, true) {
            self.spent += cost;
            if let Some(gateway) = &self.place.gateway {
                gateway.count_attempt(self.run, cost.known);
            }
        }
    }

    /// Counts what a judge cost.
    pub(super) fn count_judge(&mut self, cost: Total) {
        self.spent += cost;
        if let Some(gateway) = &self.place.gateway {
            gateway.count_judge(self.run, cost.known);
        }
    }

    /// The right of this attempt to ask models through the gateway, where it is to.
    pub(super) fn lease(&self, agent: &Agent) -> Result<Option<Lease>, Halt> {
        let place = self.place;
        if agent.model(place.model()).is_none() {
            return Ok(None);
        }
        let Some(gateway) = &place.gateway else { return Ok(None) };
        let network = place.config.sandbox.as_ref().map_or(Network::Open, |sandbox| sandbox.network);
        if kept_out(agent, gateway.asked(), network).is_some() {
            return match place.config.replay {
                // Nothing else keeps it from its model, which would be paid.
                Some(_) => Err(Failure::new(
                    FailureKind::Spawn,
                    "the network is kept from the agent, and with it what is replayed",
                )
                .into()),
                None => Ok(None),
            };
        }
        let terms = Terms {
            run: self.run,
            model: place.agent_model(self.run),
            allowance: place.config.allowance(),
            heeds_ceiling: true,
            patience: None,
            prices: place.config.prices.clone(),
            passing: self.passing()?,
        };
        let lease = gateway.lease(&self.folder.usage(), terms);
        let is_inside = place.reach.hosts().is_some();
        let lease = lease.map(|lease| if is_inside { lease.by_door() } else { lease });
        let unopened = |error: io::Error| match place.config.replay {
            Some(_) => Failure::new(FailureKind::Unrecorded, format!("what was recorded cannot be replayed: {error}")),
            None => Failure::new(FailureKind::Spawn, format!("no gateway can be opened: {error}")),
        };
        Ok(Some(lease.map_err(unopened)?))
    }

    /// The right of a judge to ask its model through the gateway, where it is to; then its variables lead there.
    pub(super) fn judge_lease(
        &self,
        ledger: &Path,
        judge: &dyn Asks,
        model: Option<&ModelName>,
        environment: &mut BTreeMap<OsString, OsString>,
    ) -> Result<Option<Lease>, Halt> {
        let Some(gateway) = &self.place.gateway else { return Ok(None) };
        let texts = environment.iter().filter_map(|(name, value)| Some((name.to_str()?, value.to_str()?)));
        let led = judge.led(&texts.map(|(name, value)| (name.to_owned(), value.to_owned())).collect());
        if led == Led::Unknown && !gateway.is_required {
            return Ok(None);
        }
        let terms = Terms {
            run: self.run,
            model: model.cloned(),
            allowance: Allowance::default(),
            heeds_ceiling: false,
            // It has to hear of a refusal before its own time is over.
            patience: Some(Duration::from_secs(judge.timeout_seconds()) / 2),
            prices: self.place.config.prices.clone(),
            passing: Passing::Forgotten,
        };
        let lease = gateway.lease(ledger, terms);
        let lease =
            lease.map_err(|error| Failure::new(FailureKind::Provider, format!("no gateway can be opened: {error}")))?;
        match led {
            Led::ByVariables(addresses) => lease.redirect(environment, Some(addresses)),
            Led::ToAddress { interface, base, key } => {
                let sent_to = lease.stand_for(interface, &base, (key, environment));
                environment.extend(sent_to.map(|address| (SENT_TO.into(), address.into())));
            }
            Led::Unknown => lease.redirect(environment, None),
        }
        Ok(Some(lease))
    }

    /// Replaces what an agent says that it used, and which models answered it, by what passed through the gateway. Whoever is
    /// believed is named where another model answered than the one that was asked for.
    pub(super) fn note_models(
        &self,
        agent: &Agent,
        exchanged: Option<&Exchanged>,
        result: &mut AgentResult,
    ) -> Result<(), Halt> {
        if let Some(exchanged) = exchanged {
            self.note_tape(exchanged, result)?;
            result.held_seconds = exchanged.used.held_seconds;
        }
        self.note_exchanges(agent, exchanged, result)?;
        let seen = exchanged.map(|exchanged| exchanged.used.models.clone()).unwrap_or_default();
        let who = if seen.is_empty() { "its program says" } else { "the gateway saw" };
        if !seen.is_empty() {
            result.program.agent_models = seen;
        }
        let told = self.place.assigned_model(self.run).filter(|told| result.program.has_another_model_than(told));
        if let Some(told) = told {
            let answered: Vec<String> = result.program.agent_models.iter().map(|model| format!("`{model}`")).collect();
            self.notice(&format!("the agent was told to use `{told}`, and {who} that {} answered", list(&answered)));
        }
        Ok(())
    }

    /// Replaces what an agent says that it used by what passed through the gateway.
    fn note_exchanges(
        &self,
        agent: &Agent,
        exchanged: Option<&Exchanged>,
        result: &mut AgentResult,
    ) -> Result<(), Halt> {
        let Some(exchanged) = exchanged else { return Ok(()) };
        let is_replayed = self.place.config.replay.is_some();
        let is_required = !is_replayed && self.place.gateway.as_ref().is_some_and(|gateway| gateway.is_required);
        let reported = if is_replayed { Cost::NOTHING } else { result.usage.cost };
        let Some(metered) = exchanged.used.usage(reported) else {
            if is_required {
                let name = agent.kind().name;
                let requests = exchanged.used.requests;
                if requests > 0 {
                    let requests = counted(requests, "request");
                    let why = format!(
                        "`{name}` never had an answer of its model, in {requests}: its provider was not reached, or broke off"
                    );
                    return Err(Failure::new(FailureKind::Provider, why).into());
                }
                let why = format!("`{name}` asked no model through the gateway, which `--gateway require` demands");
                return Err(Failure::new(FailureKind::NoRecord, why).into());
            }
            if is_replayed {
                (result.usage, result.prices) = (Usage::NOTHING, None);
            } else if let Some(cost) = exchanged.used.cost(reported) {
                result.usage.cost = cost;
            }
            return Ok(());
        };
        if differs(result.usage.tokens, metered.tokens) {
            result.flags.insert(Flag::UsageDiffers);
        }
        result.reported = reported_by(result.usage);
        (result.usage, result.prices) = (metered, None);
        Ok(())
    }
}

/// What of this an agent has said itself, where that is anything.
fn reported_by(usage: Usage) -> Option<Usage> {
    let cost = if usage.cost.estimated().is_some() { Cost::Unknown } else { usage.cost };
    (!usage.tokens.is_unknown() || cost != Cost::Unknown).then_some(Usage { cost, ..usage })
}

/// Whether an agent's own account is another one. One that says nothing says nothing else.
pub(super) fn differs(reported: Tokens, metered: Tokens) -> bool {
    let (Some(reported), Some(metered)) = (reported.total(), metered.total()) else { return false };
    #[expect(clippy::cast_precision_loss, reason = "nobody uses 2^53 tokens")]
    let (difference, of) = (reported.abs_diff(metered) as f64, metered as f64);
    difference > of * MOST_DIFFERENCE
}
