//! `config/experiment.json`: the whole config of an experiment, frozen at its start.
//!
//! Every field has a class; a field that is added without one does not compile.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::allowance::Allowance;
use super::digest::Digest;
use super::exchange::GatewayUse;
use super::ids::{ExperimentId, SubtestId, TierId};
use super::job::{BackendChoice, JobResources};
use super::limits;
use super::money::Usd;
use super::plan::Plan;
use super::resources::{Memory, Processors, Resources};
use super::sandbox::Sandbox;
use super::tape::RecordChoice;
use super::usage::OwnPrices;

mod field;

use field::is_used;
pub use field::{Field, FieldClass};

/// Name and version of this tool, as what it makes names it.
pub const MADE_BY: &str = concat!("cargo-scylla ", env!("CARGO_PKG_VERSION"));

/// Declares [`Config`] and [`Config::FIELDS`] from one list, so that no field can be without a class.
macro_rules! config {
    ($( $(#[$meta:meta])* $class:ident $field:ident: $type:ty, )*) => {
        /// The complete config of an experiment. Every field is always written.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
        pub struct Config {
            $( $(#[$meta])* pub $field: $type, )*
            /// Keys of other writers, kept as they are.
            #[serde(flatten)]
            pub unknown: Map<String, Value>,
        }

        impl Config {
            /// Every field with its class, in the file's order.
            pub const FIELDS: &'static [Field] =
                &[$( Field { name: stringify!($field), class: FieldClass::$class } ),*];
        }
    };
}

config! {
    /// Format of the file.
    Label version: String,
    /// The experiment's name.
    Label experiment_id: ExperimentId,
    /// The fixture's name for people.
    Label name: String,
    /// The fixture's description.
    Label description: String,
    /// When the experiment was started.
    #[schemars(with = "String")]
    Label created_at: Timestamp,
    /// The start of the newest experiment beside this one, if that is not earlier: a clock was ahead then, or was set
    /// back.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    Label created_after: Option<Timestamp>,
    /// Name and version of the tool that started it.
    Label created_by: String,
    /// Where the base commit came from: `source/` or the fixture's `source.repo`.
    Label task_repo: String,

    /// The base commit in `repo.git`.
    Result task_commit: String,
    /// Path of the prompt below `config/fixture/`.
    Result task_prompt_file: String,
    /// Digest of `config/fixture/`: prompt, rubric, criteria, checks, judges, every subtest and resource.
    Result fixture_digest: Digest,
    /// The task's language.
    Result language: String,
    /// Models that agents are configured to use; only the first one is used.
    Result models: Vec<String>,
    /// Models that `command` judges are configured to use.
    Result judge_models: Vec<String>,
    /// How much an agent is told to think: `None`, `Low`, `High`, `UltraThink`.
    Result thinking_mode: String,
    /// Wall clock limit of the agent, in seconds.
    Result timeout_seconds: u64,
    /// Longest time without output, in seconds; `null` for no such limit.
    Result no_progress_seconds: Option<u64>,
    /// Most bytes of one program's output that are kept.
    Result output_limit_bytes: u64,
    /// Most tokens that the agent of one run may use; `null` for no limit.
    #[serde(default)]
    Result max_run_tokens: Option<u64>,
    /// Most answers of its model that the agent of one run may take; `null` for no limit.
    #[serde(default)]
    Result max_run_turns: Option<u64>,
    /// What the agent of one run may cost; `null` for no limit.
    #[serde(default)]
    Result max_run_cost_usd: Option<Usd>,
    /// Most memory that an agent or a check may use with all that it starts, such as `4GiB`; `null` for no limit.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    Result max_memory: Option<Memory>,
    /// Most processes and threads that an agent or a check may have at the same time; `null` for no limit.
    #[serde(default)]
    Result max_processes: Option<u32>,
    /// How many processors an agent or a check may keep busy, such as `0.5`; `null` for no limit.
    #[serde(default)]
    #[schemars(with = "Option<f64>")]
    Result max_processors: Option<Processors>,
    /// Names of environment variables that agents get in addition to the standard ones.
    Result environment: Vec<String>,
    /// What subtests inherit from the winners of earlier tiers.
    Result inherit: Inherit,
    /// What agents and checks can reach beside their tree; `null`: what the user reaches.
    #[serde(default)]
    Result sandbox: Option<Sandbox>,
    /// The id of the image whose files agents and checks see; `null`: the machine's.
    #[serde(default)]
    Result image_id: Option<String>,
    /// The recorded runs whose answers of models agents and judges are given in place of their models', as a person has named their folder;
    /// `null`: they ask.
    #[serde(default)]
    Result replay: Option<String>,

    /// The planned subtests of each tier.
    #[schemars(with = "BTreeMap<String, Vec<String>>")]
    Plan subtests: BTreeMap<TierId, Vec<SubtestId>>,
    /// Runs of each subtest.
    Plan runs_per_subtest: u32,
    /// Most subtests of each tier, as asked for; `null` for all.
    Plan max_subtests: Option<u32>,
    /// Every `extend`, oldest first.
    Plan extensions: Vec<Extension>,

    /// Runs in flight at once.
    Operational jobs: u32,
    /// How many times a run is tried in one session when infrastructure fails.
    Operational attempts: u32,
    /// Ceiling of the cost of all attempts and judges; `null` for none.
    Operational max_cost_usd: Option<Usd>,
    /// How long the experiment may be worked on in all its sessions, in seconds; `null` for no limit.
    #[serde(default)]
    Operational max_time_seconds: Option<u64>,
    /// Prices by which costs are estimated that nobody reports, by model, in US dollars per million tokens; others are those of the
    /// list that comes with the program.
    #[serde(default)]
    Operational prices: OwnPrices,
    /// Which workspaces are kept after the commit.
    Operational keep_workspaces: KeepWorkspaces,
    /// How the processes of a run are held together.
    Operational containment: ContainmentChoice,
    /// What the gateway to models is for; `null`: it meters.
    #[serde(default)]
    Operational gateway: Option<GatewayUse>,
    /// How long the gateway holds a request back at most, in seconds; `null`: 120.
    #[serde(default)]
    Operational hold_seconds: Option<u64>,
    /// What is kept of what passes through the gateway; `null`: nothing but what it took.
    #[serde(default)]
    Operational record: Option<RecordChoice>,
    /// The folder for work folders; `null` for the default.
    #[serde(default)]
    Operational work_dir: Option<String>,
    /// Where workers run; `null`: as threads of the coordinator.
    #[serde(default)]
    Operational backend: Option<BackendChoice>,
    /// Processors of each job, in place of what the fixture asks for.
    #[serde(default)]
    Operational job_cpus: Option<u32>,
    /// Memory of each job, such as `4GiB`, in place of what the fixture asks for.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    Operational job_memory: Option<Memory>,
    /// Time of each job, in seconds, in place of what the fixture asks for.
    #[serde(default)]
    Operational job_seconds: Option<u64>,
    /// The part of the cluster in which jobs run, in place of what the fixture asks for.
    #[serde(default)]
    Operational job_partition: Option<String>,
    /// Further options of the batch system for each job.
    #[serde(default)]
    Operational job_options: Vec<String>,
    /// Time between TERM and KILL, in seconds.
    Operational grace_seconds: u64,
    /// How many times in a row the same infrastructure failure stops its tier for the session.
    Operational systemic_failures: u32,
    /// Longest wait for the rate limits of a model in total, in seconds.
    Operational rate_limit_seconds: u64,
}

/// One `extend` of an experiment; the values before it are in the former extension.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Extension {
    /// When it was made.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// Number of runs of each subtest from then on.
    pub runs_per_subtest: u32,
    /// Tiers that were added.
    #[schemars(with = "Vec<String>")]
    pub added_tiers: Vec<TierId>,
    /// Most subtests of each tier from then on.
    pub max_subtests: Option<u32>,
}

impl Extension {
    /// Whether this is what is asked for now, so that the same request again only continues it.
    #[must_use]
    pub fn repeats(&self, runs: Option<u32>, tiers: &[TierId], max_subtests: Option<u32>) -> bool {
        runs.is_none_or(|runs| runs == self.runs_per_subtest)
            && max_subtests.is_none_or(|most| Some(most) == self.max_subtests)
            && tiers.is_empty() == self.added_tiers.is_empty()
            && self.added_tiers.iter().all(|tier| tiers.contains(tier))
    }
}

/// Which workspaces are kept after the commit of their run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum KeepWorkspaces {
    /// None: the patch is enough to rebuild the tree.
    #[default]
    None,
    /// Those of runs that failed.
    Failed,
    /// All.
    All,
}

/// What subtests inherit from the winners of earlier tiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Inherit {
    /// Nothing: each subtest stands alone.
    None,
    /// Every subtest inherits from the winner of the nearest earlier tier, and from the winners of the tiers that it
    /// names.
    PreviousBest,
    /// Each subtest inherits what it declares: `extends_previous` and `inherit_best_from`.
    #[default]
    AsDeclared,
}

/// How the processes of a run are held together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ContainmentChoice {
    /// The strongest that works here.
    #[default]
    Auto,
    /// A pid namespace by bubblewrap.
    Bubblewrap,
    /// A control group, ended by `cgroup.kill`.
    Cgroup,
    /// A walk of descendants.
    Walk,
}

impl Config {
    /// What the gateway is for: where answers are replayed, every agent must ask there, whatever is asked for.
    #[must_use]
    pub fn job_resources(&self) -> JobResources {
        JobResources {
            cpus: self.job_cpus,
            memory: self.job_memory,
            time_seconds: self.job_seconds,
            partition: self.job_partition.clone(),
            options: self.job_options.clone(),
        }
    }

    /// What the gateway is for.
    #[must_use]
    pub fn gateway_use(&self) -> GatewayUse {
        if self.replay.is_some() { GatewayUse::Require } else { self.gateway.unwrap_or_default() }
    }

    /// What the agent of one run may use.
    #[must_use]
    pub fn allowance(&self) -> Allowance {
        Allowance { tokens: self.max_run_tokens, turns: self.max_run_turns, cost: self.max_run_cost_usd }
    }

    /// What the agent of a run, and each of its checks, may use of the machine.
    #[must_use]
    pub fn resources(&self) -> Resources {
        Resources { memory: self.max_memory, processes: self.max_processes, processors: self.max_processors }
    }

    /// Every run that should exist.
    #[must_use]
    pub fn plan(&self) -> Plan {
        let mut plan = Plan::default();
        for (tier, subtests) in &self.subtests {
            for subtest in subtests {
                plan.add(*tier, *subtest, self.runs_per_subtest);
            }
        }
        plan
    }

    /// The tiers that were planned when this one was: a tier that is added later never becomes a source of another one.
    #[must_use]
    pub fn planned_with(&self, tier: TierId) -> BTreeSet<TierId> {
        let added = |extensions: &[Extension]| -> BTreeSet<TierId> {
            extensions.iter().flat_map(|extension| extension.added_tiers.iter().copied()).collect()
        };
        let until = self.extensions.iter().position(|extension| extension.added_tiers.contains(&tier));
        let later = added(&self.extensions[until.map_or(0, |until| until + 1)..]);
        self.subtests.keys().copied().filter(|planned| !later.contains(planned)).collect()
    }

    /// Why that many runs cannot be planned; `None` when they can.
    #[must_use]
    pub fn too_many_runs(&self) -> Option<String> {
        too_many_runs(&self.subtests, self.runs_per_subtest)
    }

    /// Whether the plan has grown since something that was known at this time.
    #[must_use]
    pub fn has_grown_since(&self, time: Timestamp) -> bool {
        self.extensions.last().is_some_and(|extension| extension.at > time)
    }

    /// Digest of the fields that can change a result, as compact JSON with sorted keys. A field that the first version
    /// did not have is included only when it has a value, so that experiments of that version keep their hash.
    #[must_use]
    pub fn hash(&self) -> Digest {
        let result_fields: BTreeMap<String, Value> = self
            .values()
            .into_iter()
            .filter(|(field, value)| field.class == FieldClass::Result && (field.is_of_4_0() || is_used(value)))
            .map(|(field, value)| (field.name.to_owned(), value))
            .collect();
        Digest::of(Value::from_iter(result_fields).to_string().as_bytes())
    }

    /// Every field with its value as JSON.
    #[must_use]
    pub fn values(&self) -> Vec<(Field, Value)> {
        // A struct of strings, numbers, lists and maps with text keys always has a JSON form.
        let mut all = serde_json::to_value(self).unwrap_or_default();
        Self::FIELDS.iter().map(|field| (*field, all.get_mut(field.name).map_or(Value::Null, Value::take))).collect()
    }
}

/// Why that many runs of these subtests cannot be planned; `None` when they can.
#[must_use]
pub fn too_many_runs(subtests: &BTreeMap<TierId, Vec<SubtestId>>, runs: u32) -> Option<String> {
    if runs > limits::MOST_RUNS_PER_SUBTEST {
        let most = limits::MOST_RUNS_PER_SUBTEST;
        return Some(format!("`runs_per_subtest` is {runs}, and at most {most} can be planned"));
    }
    let total = subtests.values().map(Vec::len).sum::<usize>().saturating_mul(runs as usize);
    let most = limits::MOST_PLANNED_RUNS;
    (total > most).then(|| format!("the plan has {total} runs, and an experiment has at most {most}"))
}

#[cfg(test)]
pub(crate) mod samples;

#[cfg(test)]
mod tests;
