//! Why no request of a run's agent is known, for whoever asks for them.

use crate::config;
use crate::gateway::{Past, kept_out};
use crate::model::details::{RunDetails, RunState};
use crate::model::exchange::GatewayUse;
use crate::model::exchanges::{Ledger, OfAttempt};
use crate::model::experiment::Config;
use crate::model::sandbox::Network;
use crate::store;
use crate::store::layout::ExperimentFolder;

/// Why nothing is known of what a run asked in its present attempt; `None` where something is, or where the reason is in its file.
pub(super) fn why(folder: &ExperimentFolder, run: &RunDetails, present: Option<&OfAttempt>) -> Option<String> {
    match present.map(|attempt| &attempt.ledger) {
        Some(Ledger::Unreadable(_)) => None,
        Some(Ledger::Read(exchanges)) if !exchanges.all.is_empty() => None,
        Some(Ledger::Read(_)) if run.state == RunState::InFlight => Some("its agent has asked no model yet".to_owned()),
        Some(Ledger::Read(_)) => Some(around(run)),
        Some(Ledger::Absent) | None => Some(without_ledger(folder, run)),
    }
}

/// The gateway was open to it, and nothing came.
fn around(run: &RunDetails) -> String {
    let used = run.agent.as_ref().and_then(|agent| agent.usage.tokens.total()).filter(|tokens| *tokens > 0);
    match used {
        Some(tokens) => {
            format!("its program went around the gateway: it says itself that it used {tokens} tokens")
        }
        None => "its program asked no model through the gateway: it went around it, or asked none".to_owned(),
    }
}

/// Nothing was to pass through the gateway.
fn without_ledger(folder: &ExperimentFolder, run: &RunDetails) -> String {
    if run.state == RunState::NotStarted {
        return "it is not started".to_owned();
    }
    let (seen, _) = store::config::read(folder);
    let config = seen.content();
    let asked = config.map(Config::gateway_use).unwrap_or_default();
    let network = config.and_then(|config| config.sandbox.as_ref()).map_or(Network::Open, |sandbox| sandbox.network);
    let fixture = config::fixture::load(&folder.fixture()).ok();
    let setup = fixture.as_ref().and_then(|fixture| fixture.tiers.get(&run.run.tier)?.get(&run.run.subtest));
    let agent = setup.map(|setup| &setup.agent);
    let model = config.and_then(|config| config.models.first()).map(String::as_str);
    let kind = agent.map_or("", |agent| agent.kind().name);
    if agent.is_some_and(|agent| agent.model(model).is_none()) {
        return format!("agents of the kind `{kind}` ask no model");
    }
    let past = match agent {
        Some(agent) => kept_out(agent, asked, network),
        None => (asked == GatewayUse::Off).then_some(Past::Off),
    };
    match past {
        Some(Past::Off) => "the gateway of its experiment is off (`--gateway off`)".to_owned(),
        Some(Past::NoNetwork) => "the network was kept from its agent".to_owned(),
        Some(_) => format!("agents of the kind `{kind}` ask through the gateway with `--gateway require` alone"),
        None if run.agent.is_none() => "its agent has not begun to ask".to_owned(),
        None => "its result is from before there was a gateway, or from a session in which that was off".to_owned(),
    }
}
