//! What 4.0 and 4.1 say of costs and tokens, as 4.2 says it. They wrote 0 for what they did not know: whether it was known is
//! told by what the agent or the judge left. Any other amount is what was reported.

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::model::money::Usd;
use crate::model::result::{AgentResult, AttemptRecord, Judgment, RunResult};
use crate::model::usage::{Cost, Tokens, Total, Usage};
use crate::store::StoreError;
use crate::store::claimed::{self, Asked};
use crate::store::layout::RunFolder;

/// Whether the file of a stage says nothing of where its amounts come from.
fn has_no_source(json: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Sources {
        #[serde(default)]
        cost_source: Option<IgnoredAny>,
        #[serde(default)]
        cost_unknown: Option<IgnoredAny>,
    }
    serde_json::from_slice(json)
        .is_ok_and(|Sources { cost_source, cost_unknown }| cost_source.is_none() && cost_unknown.is_none())
}

/// Translates `agent/result.json`, whose text is `json`; `run` is where the agent's files lie.
pub(in crate::store) fn translate_agent(
    result: &mut AgentResult,
    json: &[u8],
    run: &RunFolder,
) -> Result<(), StoreError> {
    if has_no_source(json) {
        result.usage = agent(result.usage, run)?;
    }
    Ok(())
}

/// Translates `judgment.json`, whose text is `json`; `graded` is where the judge's files lie.
pub(in crate::store) fn translate_judgment(
    judgment: &mut Judgment,
    json: &[u8],
    graded: &RunFolder,
) -> Result<(), StoreError> {
    if has_no_source(json) {
        judgment.cost = judge(judgment, graded)?;
    }
    Ok(())
}

/// Translates `attempt.json`, whose text is `json`; `attempt` is its folder.
pub(in crate::store) fn translate_attempt(
    record: &mut AttemptRecord,
    json: &[u8],
    attempt: &RunFolder,
) -> Result<(), StoreError> {
    if has_no_source(json) && record.cost == Total::ZERO {
        record.cost = claimed::agent(attempt, &attempt.record())?.into();
    }
    Ok(())
}

/// Translates `run_result.json`: `run` and `graded` are where the files of the agent and of the judges lie, `aside` is what
/// the answers cost that were set aside.
pub(in crate::store) fn translate_result(
    result: &mut RunResult,
    run: &RunFolder,
    graded: &RunFolder,
    aside: Total,
) -> Result<(), StoreError> {
    result.usage = agent(result.usage, run)?;
    for judgment in &mut result.judges {
        judgment.cost = judge(judgment, graded)?;
    }
    result.judge_cost = result.judges.iter().map(|judgment| Total::from(judgment.cost)).sum();
    result.failed_judge_cost.unknown = aside.unknown;
    super::translated(&result.version).clone_into(&mut result.version);
    Ok(())
}

fn agent(usage: Usage, run: &RunFolder) -> Result<Usage, StoreError> {
    let Usage { tokens, cost } = usage;
    let asked = if tokens == Tokens::NOTHING || is_zero(cost) { claimed::asked(run)? } else { Asked::Nobody };
    Ok(match asked {
        // Of an agent of which nothing is kept, nothing else is known.
        Asked::Nobody => usage,
        Asked::NoModel => Usage { cost: if is_zero(cost) { Cost::NOTHING } else { cost }, tokens },
        Asked::Program => Usage {
            cost: if is_zero(cost) { claimed::agent(run, &run.record())? } else { cost },
            tokens: self::tokens(tokens),
        },
    })
}

/// Translates tokens: no model works without any, so they were not said.
pub(in crate::store) fn tokens(tokens: Tokens) -> Tokens {
    if tokens == Tokens::NOTHING { Tokens::default() } else { tokens }
}

fn judge(judgment: &Judgment, graded: &RunFolder) -> Result<Cost, StoreError> {
    if is_zero(judgment.cost) { claimed::judge(graded, judgment.judge_number) } else { Ok(judgment.cost) }
}

fn is_zero(cost: Cost) -> bool {
    cost.usd() == Some(Usd::ZERO)
}
