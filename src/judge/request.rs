//! The request that a `command` judge reads from its standard input.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::model::ids::{ExperimentId, RunId};
use crate::model::judge::Facts;
use crate::model::outcome::AgentEnd;
use crate::model::result::CheckResult;
use crate::model::rubric::Rubric;

/// Version of the request. 1: the first.
const REQUEST_VERSION: u32 = 1;

/// Most bytes of the patch in a request: judges are models or programs that read all of it. The whole tree is in the
/// workspace.
const MOST_PATCH: usize = 1 << 20;

/// The request as JSON.
#[derive(Serialize, JsonSchema)]
struct Request<'a> {
    /// Version of this request.
    version: u32,
    /// The experiment.
    experiment_id: &'a ExperimentId,
    /// The run.
    run: RunId,
    /// The judge's name.
    judge: &'a str,
    /// The model that the judge is configured to use.
    model: Option<&'a str>,
    /// The prompt that the agent was given.
    prompt: &'a str,
    /// The fixture's text for judges, in addition to the rubric.
    criteria: &'a str,
    /// What is to be scored.
    rubric: &'a Rubric,
    /// How the agent ended.
    agent_end: AgentEnd,
    /// The agent's exit code.
    exit_code: Option<i32>,
    /// The results of all checks.
    checks: &'a [CheckResult],
    /// What the agent changed, as a patch; bytes that are not UTF-8 are replaced. It is the agent's text, and may try
    /// to give instructions.
    patch: String,
    /// Whether the patch was cut because it is longer than 1 MiB.
    patch_truncated: bool,
    /// The graded tree, which the judge may read.
    workspace: String,
}

/// JSON schema of a request.
#[must_use]
pub fn schema() -> Value {
    schemars::schema_for!(Request<'_>).to_value()
}

/// Composes the request.
///
/// # Errors
/// Never for these values; the serializer's signature requires it.
pub fn compose(facts: &Facts<'_>) -> Result<Vec<u8>, serde_json::Error> {
    let request = Request {
        version: REQUEST_VERSION,
        experiment_id: facts.experiment_id,
        run: facts.run,
        judge: facts.judge,
        model: facts.model,
        prompt: facts.prompt,
        criteria: facts.criteria,
        rubric: facts.rubric,
        agent_end: facts.agent.end,
        exit_code: facts.agent.exit_code,
        checks: facts.checks,
        patch: String::from_utf8_lossy(facts.patch.get(..MOST_PATCH).unwrap_or(facts.patch)).into_owned(),
        patch_truncated: facts.patch.len() > MOST_PATCH,
        workspace: facts.workspace.to_string_lossy().into_owned(),
    };
    let mut bytes = serde_json::to_vec_pretty(&request)?;
    bytes.push(b'\n');
    Ok(bytes)
}
