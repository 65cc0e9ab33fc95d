//! What an agent used, as the gateway saw it: its lease before it starts, and its usage after it has ended.

use std::io;

use crate::engine::worker::stages::{Halt, Work};
use crate::gateway::Lease;
use crate::model::agent::Agent;
use crate::model::exchange::{Exchange, usage_of};
use crate::model::flag::Flag;
use crate::model::outcome::{Failure, FailureKind};
use crate::model::result::AgentResult;
use crate::model::sandbox::Network;
use crate::model::usage::Tokens;

/// The part of all tokens by which an agent's own account may differ from what was seen.
const MOST_DIFFERENCE: f64 = 0.02;

/// The failure to write down what requests took.
pub(super) fn no_ledger(error: &io::Error) -> Failure {
    Failure::new(FailureKind::Storage, format!("what the agent's requests took cannot be recorded: {error}"))
}

impl Work<'_> {
    /// The right of this attempt to ask models through the gateway, where it is to.
    pub(super) fn lease(&self, agent: &Agent) -> Result<Option<Lease>, Halt> {
        let place = self.place;
        let Some(gateway) = &place.gateway else { return Ok(None) };
        let asks_nobody = place.config.sandbox.as_ref().is_some_and(|sandbox| sandbox.network == Network::None);
        let is_known = agent.installation().is_some();
        if asks_nobody || agent.model(place.model()).is_none() || !(is_known || gateway.is_required) {
            return Ok(None);
        }
        let lease = gateway.lease(&self.folder.usage(), &place.config.prices);
        Ok(Some(lease.map_err(|error| Failure::new(FailureKind::Spawn, format!("no gateway can be opened: {error}")))?))
    }

    /// Replaces what an agent says that it used by what passed through the gateway.
    pub(super) fn note_exchanges(
        &self,
        agent: &Agent,
        exchanges: Option<&[Exchange]>,
        result: &mut AgentResult,
    ) -> Result<(), Halt> {
        let Some(exchanges) = exchanges else { return Ok(()) };
        let is_required = self.place.gateway.as_ref().is_some_and(|gateway| gateway.is_required);
        let Some(metered) = usage_of(exchanges, result.usage.cost) else {
            if is_required {
                let name = agent.kind().name;
                let why = format!("`{name}` asked no model through the gateway, which `--gateway require` demands");
                return Err(Failure::new(FailureKind::NoRecord, why).into());
            }
            return Ok(());
        };
        if differs(result.usage.tokens, metered.tokens) {
            result.flags.insert(Flag::UsageDiffers);
        }
        (result.usage, result.prices) = (metered, None);
        Ok(())
    }
}

/// Whether an agent's own account is another one. One that says nothing says nothing else.
fn differs(reported: Tokens, metered: Tokens) -> bool {
    let (Some(reported), Some(metered)) = (reported.total(), metered.total()) else { return false };
    #[expect(clippy::cast_precision_loss, reason = "nobody uses 2^53 tokens")]
    let (difference, of) = (reported.abs_diff(metered) as f64, metered as f64);
    difference > of * MOST_DIFFERENCE
}
