//! Translates the costs and tokens of formats 4.0 and 4.1 to those of 4.2. They wrote 0 for what was not known: whether
//! it was known is derived from what the agent or the judge left. Any other amount is what was reported.

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::model::money::Usd;
use crate::model::result::{AgentResult, AttemptRecord, Judgment, RunResult};
use crate::model::usage::{Cost, Tokens, Total, Usage};
use crate::store::StoreError;
use crate::store::claimed::{self, Asked};
use crate::store::layout::RunFolder;

/// Whether a stage's file does not say where its amounts come from.
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

/// Translates `agent/result.json`, whose text is `json`; `run` is the folder of the agent's files.
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

/// Translates `judgment.json`, whose text is `json`; `graded` is the folder of the judge's files.
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

/// Translates `run_result.json`: `run` and `graded` are the folders of the files of the agent and of the judges,
/// `aside` is the cost of the answers that were set aside.
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
        // When nothing of an agent is kept, nothing else is known.
        Asked::Nobody => usage,
        Asked::NoModel => Usage { cost: if is_zero(cost) { Cost::NOTHING } else { cost }, tokens },
        Asked::Program => Usage {
            cost: if is_zero(cost) { claimed::agent(run, &run.record())? } else { cost },
            tokens: self::tokens(tokens),
        },
    })
}

/// Translates tokens: no model works without any, so 0 means that they were not reported.
pub(in crate::store) fn tokens(tokens: Tokens) -> Tokens {
    if tokens == Tokens::NOTHING { Tokens::default() } else { tokens }
}

fn judge(judgment: &Judgment, graded: &RunFolder) -> Result<Cost, StoreError> {
    if is_zero(judgment.cost) { claimed::judge(graded, judgment.judge_number) } else { Ok(judgment.cost) }
}

fn is_zero(cost: Cost) -> bool {
    cost.usd() == Some(Usd::ZERO)
}
