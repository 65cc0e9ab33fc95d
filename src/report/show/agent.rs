//! How the agent of a run ended, what it used, and how long each stage took.

use super::{Around, add_named, heading};
use crate::model::details::RunDetails;
use crate::model::outcome::AgentEnd;
use crate::model::resources::ResourceUse;
use crate::model::result::Replayed;
use crate::model::sandbox::Isolation;
use crate::model::usage::{Cost, CostSource, Prices, Tokens, Total, Usage};
use crate::text::escape;
use crate::text::page::Page;
use crate::text::short::cut;
use crate::text::words::{bytes, counted, duration, list, moment};

/// So many characters of a version are shown.
const MOST_VERSION: usize = 60;

/// So many characters of an image's id are shown, as podman shows it.
const MOST_IMAGE_ID: usize = 12;

/// So many characters of the name of a table of prices, or of a model in it.
const MOST_TABLE: usize = 60;

/// What the screen shows about the agent at its top.
pub(super) fn facts(run: &RunDetails) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    if let Some(agent) = &run.agent {
        let mut words = ended(agent.end, agent.exit_code);
        words.extend(agent.duration_seconds.map(|seconds| format!("after {}", duration(seconds))));
        let attempt = agent.attempt.filter(|attempt| attempt.0 > 1).map(|attempt| format!("attempt {}", attempt.0));
        let contained = agent.containment.as_deref().map(|by| format!("contained by {}", escape::terminal(by)));
        let kept = agent.isolation.as_ref().map(kept_in);
        let left = (agent.leftover_processes > 0)
            .then(|| format!("{} outlived it", counted(agent.leftover_processes as usize, "process")));
        let version = agent
            .version
            .as_deref()
            .map(|version| format!("version {}", escape::terminal(&cut(version, MOST_VERSION))));
        let models: Vec<String> =
            agent.models.iter().map(|model| escape::terminal(&cut(model, MOST_VERSION)).into_owned()).collect();
        let models = (!models.is_empty()).then(|| format!("answered by {}", list(&models)));
        let exceeded = agent.exceeded.map(|exceeded| format!("over a limit of the run: {exceeded}"));
        let held = (agent.held_seconds > 0.0)
            .then(|| format!("its requests were held back for {} in all", duration(agent.held_seconds)));
        let cut_off = agent.output_truncated.then(|| "its output was cut at the limit".to_owned());
        let beside: Vec<String> =
            [held, exceeded, version, models, attempt, contained, kept, left, cut_off].into_iter().flatten().collect();
        let beside = if beside.is_empty() { String::new() } else { format!("; {}", beside.join(", ")) };
        facts.push(("agent", format!("{}{beside}", words.join(" "))));
    }
    facts.extend(run.changes.map(|size| {
        let changed = match size.files {
            0 => "nothing".to_owned(),
            files => format!("{}: +{} −{} lines", counted(files, "file"), size.added, size.removed),
        };
        ("changed", changed)
    }));
    if run.agent.is_some() || !run.attempts.is_empty() || !run.judges.is_empty() {
        facts.push(("cost", cost(run)));
    }
    facts.extend(run.agent.as_ref().map(|agent| ("tokens", tokens(agent.usage.tokens))));
    let own = run.agent.as_ref().and_then(|agent| agent.reported);
    facts.extend(own.map(|own| ("says itself", by_itself(own))));
    let used = run.agent.as_ref().and_then(|agent| agent.isolation.as_ref()?.resources);
    facts.extend(used.map(|used| ("resources", resources(used))));
    if let Some(replayed) = run.agent.as_ref().and_then(|agent| agent.replayed.as_ref()) {
        let Replayed { experiment_id, run, agent, usage, prices, duration_seconds } = replayed;
        let of = format!("{run} of {experiment_id}: agent {}", escape::terminal(agent));
        facts.push(("played back", format!("{of}, which worked for {}", duration(*duration_seconds))));
        facts.push(("cost then", format!("{}, counted there and not here", sourced(usage.cost, prices.as_ref()))));
        facts.push(("tokens then", tokens(usage.tokens)));
    }
    facts
}

/// What it was kept in beside its containment, which is no sandbox.
fn kept_in(isolation: &Isolation) -> String {
    let image =
        isolation.image_id.as_deref().map(|id| format!(" (image {})", escape::terminal(&cut(id, MOST_IMAGE_ID))));
    let readable: Vec<String> = isolation.readable.iter().map(|path| escape::terminal(path).into_owned()).collect();
    let readable = if readable.is_empty() { String::new() } else { format!(", readable: {}", list(&readable)) };
    let hosts: Vec<String> = isolation.allow.iter().map(ToString::to_string).collect();
    let hosts = if hosts.is_empty() { String::new() } else { format!(" and {}", list(&hosts)) };
    let image = image.unwrap_or_default();
    format!("sandbox {}{image}, network {}{hosts}{readable}", isolation.sandbox, isolation.network)
}

/// What it used of the machine, and where it came to a limit.
fn resources(used: ResourceUse) -> String {
    let memory = used.peak_memory_bytes.map(|peak| format!("at most {} of memory", bytes(peak)));
    let time = used.processor_seconds.map(|seconds| format!("{} of processor time", duration(seconds)));
    let times = |count: u64, noun: &str| counted(usize::try_from(count).unwrap_or(usize::MAX), noun);
    let ended = (used.ended_for_memory > 0)
        .then(|| format!("{} ended by the kernel at the limit of memory", times(used.ended_for_memory, "process")));
    let refused = (used.refused_processes > 0)
        .then(|| format!("{} not started at the limit of processes", times(used.refused_processes, "process")));
    let words: Vec<String> = [memory, time, ended, refused].into_iter().flatten().collect();
    if words.is_empty() { "not known".to_owned() } else { words.join(", ") }
}

fn ended(end: Option<AgentEnd>, exit_code: Option<i32>) -> Vec<String> {
    let end = match end {
        Some(AgentEnd::Finished) => "ended by itself",
        Some(AgentEnd::TimedOut) => "was ended by the time limit",
        Some(AgentEnd::NoProgress) => "was ended because it wrote nothing for too long",
        Some(AgentEnd::OutputLimit) => "was ended because it wrote too much",
        Some(AgentEnd::OverBudget) => "ended over its budget",
        Some(AgentEnd::Refused) => "says that the model refused the task",
        Some(AgentEnd::ContextTooLong) => "says that its model's context is full",
        None => "ended",
    };
    let mut words = vec![end.to_owned()];
    words.extend(exit_code.map(|code| format!("with exit code {code}")));
    words
}

/// The total cost, and the source of the agent's cost.
fn cost(run: &RunDetails) -> String {
    let agent = run.agent.as_ref().map(|agent| agent.usage.cost);
    let all = agent.map_or(Total::ZERO, Total::from) + run.judge_cost + run.failed_judge_cost + run.former_cost;
    let prices = run.agent.as_ref().and_then(|agent| agent.prices.as_ref());
    let mut parts: Vec<String> = agent.iter().map(|cost| format!("agent {}", sourced(*cost, prices))).collect();
    for (what, total) in [
        ("judges", run.judge_cost),
        ("answers that were not valid", run.failed_judge_cost),
        ("former attempts", run.former_cost),
    ] {
        let is_there = match what {
            "judges" => !run.judges.is_empty(),
            "former attempts" => !run.attempts.is_empty(),
            _ => false,
        };
        if is_there || total != Total::ZERO {
            parts.push(format!("{what} {total}"));
        }
    }
    if parts.is_empty() { all.to_string() } else { format!("{all} in all: {}", parts.join(", ")) }
}

/// A cost with its source; one that is estimated has the prices that it was computed with.
pub(super) fn sourced(cost: Cost, prices: Option<&Prices>) -> String {
    let sum = Total::from(cost);
    match cost.at_least().map(|(_, source)| source) {
        Some(CostSource::Metered) => format!("{sum} (metered)"),
        Some(CostSource::Reported) => format!("{sum} (reported)"),
        Some(CostSource::Estimated) => {
            let by = prices.map(|Prices { table, model, date }| {
                let [table, model] = [table, model].map(|text| escape::terminal(&cut(text, MOST_TABLE)).into_owned());
                format!(" from tokens: `{model}` in {table}, {date}")
            });
            format!("{sum} (estimated{})", by.unwrap_or_default())
        }
        None => "unknown".to_owned(),
    }
}

/// What an agent itself reports, beside what is metered.
pub(super) fn by_itself(own: Usage) -> String {
    let cost = own.cost.usd().map_or_else(|| "no cost".to_owned(), |usd| format!("cost {usd}"));
    let said = if own.tokens.is_unknown() { "no tokens".to_owned() } else { tokens(own.tokens) };
    format!("{said}; {cost}")
}

/// Tokens, as far as they are known.
pub(super) fn tokens(tokens: Tokens) -> String {
    let Tokens { input, output, cache_creation, cache_read } = tokens;
    let said: Vec<String> = [
        (input, "read"),
        (output, "written"),
        (cache_creation, "written to the cache"),
        (cache_read, "read from the cache"),
    ]
    .into_iter()
    .filter_map(|(count, what)| Some(format!("{} {what}", count?)))
    .collect();
    if said.is_empty() { "unknown".to_owned() } else { said.join(", ") }
}

/// How long the stages took. Other stages do not record their time.
#[must_use]
pub fn stages(run: &RunDetails) -> Vec<(String, String)> {
    let mut stages: Vec<(String, String)> = Vec::new();
    if let Some(agent) = &run.agent {
        let took = agent.duration_seconds.map(duration).unwrap_or_default();
        let at = agent.started_at.map(|at| format!("  from {}", moment(at))).unwrap_or_default();
        stages.push(("agent".to_owned(), format!("{took:>8}{at}")));
    }
    if !run.checks.is_empty() {
        let took: f64 = run.checks.iter().map(|check| check.result.duration_seconds).sum();
        stages.push(("checks".to_owned(), format!("{:>8}", duration(took))));
    }
    let timed = run.judges.iter().filter(|judgment| judgment.duration_seconds > 0.0);
    stages
        .extend(timed.map(|judgment| {
            (judgment.judge_number.to_string(), format!("{:>8}", duration(judgment.duration_seconds)))
        }));
    if let Some(seconds) = run.duration_seconds {
        let at = run.committed_at.map(|at| format!("  committed {}", moment(at))).unwrap_or_default();
        stages.push(("in all".to_owned(), format!("{:>8}{at}", duration(seconds))));
    }
    if let Some(since) = run.since {
        stages.push(("now".to_owned(), format!("{:>8}  since {}", "", moment(since))));
    }
    stages
}

pub(super) fn add_stages(page: &mut Page, run: &RunDetails, around: Around<'_>) {
    let stages = stages(run);
    if stages.is_empty() {
        return;
    }
    heading(page, around.styles, "Stages");
    let named: Vec<(&str, String)> = stages.iter().map(|(name, took)| (name.as_str(), took.clone())).collect();
    add_named(page, &named);
}
