//! What agents and judges used: as they report it, and estimated from tokens where they name no cost.

use crate::engine::worker::stages::Work;
use crate::engine::worker::stages::metered::differs;
use crate::model::ids::{JudgeNumber, ModelName};
use crate::model::judge::Asks;
use crate::model::limits::OUTPUT_BYTES;
use crate::model::outcome::Failure;
use crate::model::usage::{Cost, CostSource, OwnPrices, Prices, Tokens, Usage};
use crate::os::{clock, files};
use crate::rules::prices;
use crate::store::StoreError;

/// What somebody used, and what its cost was computed with when it is estimated.
#[derive(Debug, Clone, Default)]
pub(super) struct Used {
    pub(super) usage: Usage,
    pub(super) prices: Option<Prices>,
}

/// The usage with its cost; one that is not reported is estimated from the tokens of this model, and of each request where they are
/// known.
pub(super) fn priced(usage: Usage, requests: &[Tokens], model: Option<&str>, own: &OwnPrices) -> Used {
    let model = model.filter(|_| usage.cost == Cost::Unknown);
    match model.and_then(|model| prices::estimate(&usage.tokens, requests, model, own, clock::now())) {
        Some(prices::Estimate { usd, prices }) => {
            let cost = Cost::Known { usd, source: CostSource::Estimated };
            Used { usage: Usage { cost, ..usage }, prices: Some(prices) }
        }
        None => Used { usage, prices: None },
    }
}

impl Work<'_> {
    /// The usage with its cost; one that is not reported is estimated from the tokens of this model, and of each request where they
    /// are known.
    pub(super) fn priced(&self, usage: Usage, requests: &[Tokens], model: Option<&str>) -> Used {
        priced(usage, requests, model, &self.place.config.prices)
    }

    /// What a judge used for all of its answers, whether they are valid or not: by what the gateway saw, else by what it says;
    /// nothing when it was never asked.
    pub(super) fn used_by(
        &self,
        number: JudgeNumber,
        judge: &dyn Asks,
        model: Option<&ModelName>,
    ) -> Result<Used, Failure> {
        let claimed = self.graded_store.answer_cost(number)?;
        if claimed == Cost::NOTHING {
            return Ok(Used { usage: Usage::NOTHING, prices: None });
        }
        let response = files::read_start(&self.graded.judge_response(number), OUTPUT_BYTES);
        let response = response.map_err(StoreError::from)?.unwrap_or_default();
        let used = self.priced(judge.used(&response), &judge.requests(&response), model.map(ModelName::as_str));
        let metered = self.graded_store.metered_judge(number)?;
        let Some(usage) = metered.usage(used.usage.cost) else {
            let cost = metered.cost(used.usage.cost).unwrap_or(used.usage.cost);
            return Ok(Used { usage: Usage { cost, ..used.usage }, ..used });
        };
        // Where both say the same, the prices that its cost was computed with are known, too.
        let is_same = usage.cost.usd().is_some() && !differs(used.usage.tokens, usage.tokens);
        let is_known = used.prices.is_some() && is_same;
        Ok(if is_known { used } else { Used { prices: used.prices.filter(|_| usage.cost == used.usage.cost), usage } })
    }
}
