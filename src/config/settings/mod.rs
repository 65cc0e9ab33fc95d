//! Settings of a workspace: what `cargo scylla` does when no flag says otherwise.

use std::path::{Path, PathBuf};

use crate::model::experiment::{ContainmentChoice, Inherit, KeepWorkspaces};
use crate::model::ids::TierId;
use crate::model::limits;
use crate::model::money::Usd;
use crate::model::usage::OwnPrices;

use super::fields::{Fields, Page};
use super::mistake::{Mistake, Mistakes};
use super::node::{self, Node};
use super::prices;
use super::toml;
use crate::rules::policy::Policy;

mod gate;

/// How much an agent can be told to think.
pub const THINKING: [&str; 4] = ["None", "Low", "High", "UltraThink"];

/// The settings of one place; `None` leaves a setting to the next lower place. Relative paths are as written.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Settings {
    /// `tiers-dir`: the folder of the fixture.
    pub tiers_dir: Option<PathBuf>,
    /// `shared-dir`: the folder that fixtures share.
    pub shared_dir: Option<PathBuf>,
    /// `agent-command`: the shell line of the agent where a fixture names none.
    pub agent_command: Option<String>,
    /// `judge-command`: the shell lines of judges where a fixture names none.
    pub judge_command: Option<Vec<String>>,
    /// `results-dir`: the results folder.
    pub results_dir: Option<PathBuf>,
    /// `jobs`: runs in flight at once, from 1.
    pub jobs: Option<u32>,
    /// `runs`: runs of each subtest, from 1.
    pub runs: Option<u32>,
    /// `tiers`, or `tiers.run`: the tiers to run.
    pub tiers: Option<Vec<TierId>>,
    /// `tiers.inherit`: what subtests inherit from winners.
    pub inherit: Option<Inherit>,
    /// `price-per-run`: what a run is expected to cost.
    pub price_per_run: Option<Usd>,
    /// `model`: models that agents are configured to use.
    pub model: Option<Vec<String>>,
    /// `judge-model`: models that judges are configured to use.
    pub judge_model: Option<Vec<String>>,
    /// `thinking`: one of [`THINKING`].
    pub thinking: Option<String>,
    /// `timeout`: wall clock limit of an agent, in seconds.
    pub timeout: Option<u64>,
    /// `max-subtests`: most subtests of a tier, from 1.
    pub max_subtests: Option<u32>,
    /// `attempts`: attempts of a run for infrastructure failures, from 1.
    pub attempts: Option<u32>,
    /// `max-cost-usd`: ceiling of the cost of an experiment.
    pub max_cost_usd: Option<Usd>,
    /// `max-time`: how long an experiment may be worked on in all its sessions, in seconds.
    pub max_time: Option<u64>,
    /// `prices`: prices by model, for costs that are estimated.
    pub prices: Option<OwnPrices>,
    /// `max-pause`: how long a session waits for the rate limits of one model in total, in seconds.
    pub max_pause: Option<u64>,
    /// `keep-workspaces`: which workspaces stay after the commit.
    pub keep_workspaces: Option<KeepWorkspaces>,
    /// `containment`: how the processes of a run are held together.
    pub containment: Option<ContainmentChoice>,
    /// `work-dir`: where work folders lie.
    pub work_dir: Option<PathBuf>,
    /// `gate`: what `verify` asks for.
    pub gate: Option<Policy>,
}

/// Reads `.config/scylla.toml`.
///
/// # Errors
/// Every mistake in it: its syntax, unknown keys, values of a wrong type.
pub fn from_toml(text: &str, file: &Path) -> Result<Settings, Vec<Mistake>> {
    read(&toml::parse(text, file)?, "", file)
}

/// Reads the table `[workspace.metadata.scylla]` of a workspace's manifest.
///
/// # Errors
/// Every mistake in it: unknown keys, values of a wrong type.
pub fn from_manifest(text: &str, manifest: &Path) -> Result<Settings, Vec<Mistake>> {
    let root = toml::parse(text, manifest)?;
    match ["workspace", "metadata", "scylla"].iter().try_fold(&root, |node, key| node.get(key)) {
        Some(table) => read(table, "workspace.metadata.scylla", manifest),
        None => Ok(Settings::default()),
    }
}

impl Settings {
    /// These settings, completed from `lower`.
    #[must_use]
    pub fn over(self, lower: Self) -> Self {
        Self {
            tiers_dir: self.tiers_dir.or(lower.tiers_dir),
            shared_dir: self.shared_dir.or(lower.shared_dir),
            agent_command: self.agent_command.or(lower.agent_command),
            judge_command: self.judge_command.or(lower.judge_command),
            results_dir: self.results_dir.or(lower.results_dir),
            jobs: self.jobs.or(lower.jobs),
            runs: self.runs.or(lower.runs),
            tiers: self.tiers.or(lower.tiers),
            inherit: self.inherit.or(lower.inherit),
            price_per_run: self.price_per_run.or(lower.price_per_run),
            model: self.model.or(lower.model),
            judge_model: self.judge_model.or(lower.judge_model),
            thinking: self.thinking.or(lower.thinking),
            timeout: self.timeout.or(lower.timeout),
            max_subtests: self.max_subtests.or(lower.max_subtests),
            attempts: self.attempts.or(lower.attempts),
            max_cost_usd: self.max_cost_usd.or(lower.max_cost_usd),
            max_time: self.max_time.or(lower.max_time),
            prices: self.prices.or(lower.prices),
            max_pause: self.max_pause.or(lower.max_pause),
            keep_workspaces: self.keep_workspaces.or(lower.keep_workspaces),
            containment: self.containment.or(lower.containment),
            work_dir: self.work_dir.or(lower.work_dir),
            gate: self.gate.or(lower.gate),
        }
    }
}

fn read(root: &Node, path: &str, file: &Path) -> Result<Settings, Vec<Mistake>> {
    let mistakes = Mistakes::default();
    let page = Page { file, mistakes: &mistakes };
    let settings = page.fields(root, path).map(settings).unwrap_or_default();
    let mistakes = mistakes.into_sorted();
    if mistakes.is_empty() { Ok(settings) } else { Err(mistakes) }
}

fn settings(fields: Fields<'_>) -> Settings {
    let (tiers, inherit) = tiers_and_inherit(&fields);
    let settings = Settings {
        tiers_dir: folder(&fields, "tiers-dir"),
        shared_dir: folder(&fields, "shared-dir"),
        agent_command: fields
            .find("agent-command")
            .and_then(|_| fields.require_text("agent-command"))
            .map(str::to_owned),
        judge_command: texts(&fields, "judge-command", "line"),
        results_dir: folder(&fields, "results-dir"),
        work_dir: folder(&fields, "work-dir"),
        jobs: fields.count("jobs", limits::MOST_JOBS),
        runs: fields.count("runs", limits::MOST_RUNS_PER_SUBTEST),
        tiers,
        inherit,
        price_per_run: fields.cost("price-per-run"),
        model: texts(&fields, "model", "model"),
        judge_model: texts(&fields, "judge-model", "model"),
        thinking: fields.choice("thinking", THINKING.map(|word| (word, word.to_owned()))),
        timeout: fields.seconds("timeout"),
        max_subtests: fields.count("max-subtests", limits::MOST_RUNS_PER_SUBTEST),
        attempts: fields.count("attempts", limits::MOST_ATTEMPTS),
        max_cost_usd: fields.cost("max-cost-usd"),
        max_time: fields.seconds("max-time"),
        prices: prices::prices(&fields, prices::OF_SETTINGS),
        max_pause: fields.seconds("max-pause"),
        keep_workspaces: fields.choice(
            "keep-workspaces",
            [("none", KeepWorkspaces::None), ("failed", KeepWorkspaces::Failed), ("all", KeepWorkspaces::All)],
        ),
        containment: fields.choice(
            "containment",
            [
                ("auto", ContainmentChoice::Auto),
                ("bubblewrap", ContainmentChoice::Bubblewrap),
                ("cgroup", ContainmentChoice::Cgroup),
                ("walk", ContainmentChoice::Walk),
            ],
        ),
        gate: gate::gate(&fields),
    };
    fields.close();
    settings
}

fn folder(fields: &Fields<'_>, key: &'static str) -> Option<PathBuf> {
    fields.find(key).and_then(|_| fields.require_text(key)).map(PathBuf::from)
}

/// `tiers` is a list of tiers, or a table with this list as `run` and with `inherit`.
fn tiers_and_inherit(fields: &Fields<'_>) -> (Option<Vec<TierId>>, Option<Inherit>) {
    if !fields.find("tiers").is_some_and(|node| matches!(node.value, node::Value::Mapping(_))) {
        return (tiers(fields, "tiers"), None);
    }
    let Some(table) = fields.fields("tiers") else { return (None, None) };
    let inherit = table.choice(
        "inherit",
        [("none", Inherit::None), ("previous-best", Inherit::PreviousBest), ("as-declared", Inherit::AsDeclared)],
    );
    let tiers = tiers(&table, "run");
    table.close();
    (tiers, inherit)
}

fn tiers(fields: &Fields<'_>, key: &'static str) -> Option<Vec<TierId>> {
    let node = fields.find(key)?;
    let path = fields.path(key);
    let items = fields.page.list(node, &path)?;
    if items.is_empty() {
        fields.page.mistake(node.place, format!("`{path}` lists no tier"));
    }
    let tier = |item| {
        let text = fields.page.text(item, &path)?;
        text.parse().map_err(|error| fields.page.mistake(item.place, format!("{error}"))).ok()
    };
    items.iter().map(tier).collect()
}

/// One text, or a list of texts; `what` describes them.
fn texts(fields: &Fields<'_>, key: &'static str, what: &str) -> Option<Vec<String>> {
    let node = fields.find(key)?;
    let path = fields.path(key);
    let texts = match node.text() {
        Some(text) => vec![text],
        None => {
            fields.page.typed(node, &path, &format!("a {what} or a list of {what}s"), |node| match &node.value {
                node::Value::List(items) => items.iter().map(Node::text).collect(),
                _ => None,
            })?
        }
    };
    if texts.is_empty() || texts.iter().any(|text| text.trim().is_empty()) {
        fields.page.mistake(node.place, format!("`{path}` names no {what}"));
    }
    Some(texts.into_iter().map(str::to_owned).collect())
}

#[cfg(test)]
mod tests;
