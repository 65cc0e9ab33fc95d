//! What a fixture describes: the task, its tiers and subtests, agents, checks and judges.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::agent::Agent;
use super::allowance::Allowance;
use super::control::Controls;
use super::gold::GoldExample;
use super::ids::{ExperimentId, SubtestId, TierId};
use super::job::JobResources;
use super::judge::Judge;
use super::money::Usd;
use super::program::Invocation;
use super::resources::Resources;
use super::rubric::Rubric;
use super::sandbox::Sandbox;
use super::setup::Setup;
use super::usage::OwnPrices;

/// A fixture, read and checked as a whole.
#[derive(Debug, Clone, PartialEq)]
pub struct Fixture {
    /// `id` of `test.yaml`; an experiment takes its name from it.
    pub id: ExperimentId,
    /// Its name for people.
    pub name: String,
    /// What the task is about.
    pub description: String,
    /// The language of the task's tree.
    pub language: String,
    /// Where the task's tree comes from.
    pub source: Source,
    /// The text that the agent is given.
    pub prompt: String,
    /// Path of the prompt below the fixture, as in `task.prompt_file`.
    pub prompt_file: String,
    /// The text that judges are given beside the rubric.
    pub criteria: String,
    /// Paths below the fixture of the files of criteria and rubric, as in `validation`.
    pub validation_files: Vec<String>,
    /// What judges score.
    pub rubric: Rubric,
    /// The fixture's own commands, in their order.
    pub checks: Vec<CheckSpec>,
    /// The panel, in its order; judge 1 is the first.
    pub judges: Vec<Judge>,
    /// How many judges must have answered for a verdict, `min_judges`; `None` when all of the panel must.
    pub min_judges: Option<usize>,
    /// Wall clock limit of the agent in seconds, `task.timeout_seconds`.
    pub timeout_seconds: Option<u64>,
    /// Longest time without output, in seconds, `task.no_progress_seconds`.
    pub no_progress_seconds: Option<u64>,
    /// `sandbox`: what agents and checks can reach beside their tree.
    pub sandbox: Sandbox,
    /// `sandbox.memory`, `.processes` and `.processors`: what an agent or a check may use of the machine.
    pub resources: Resources,
    /// `cluster`: what the jobs of runs may use, where workers are jobs.
    pub cluster: ClusterAsked,
    /// `vary`: what setups may differ in; `None` where the fixture does not say it.
    pub vary: Option<Vec<String>>,
    /// Names of environment variables that the fixture passes on, in addition to the standard ones.
    pub environment: Vec<String>,
    /// `capture.include`: patterns of files in the tree that are captured although a `.gitignore` of it excludes them.
    pub capture_include: Vec<String>,
    /// Path below the fixture of the patch that solves the task, for the `oracle` agent.
    pub solution_file: Option<String>,
    /// Its gold examples, in the order of their names.
    pub gold: Vec<GoldExample>,
    /// What the agent of one run may use, `limits`.
    pub allowance: Allowance,
    /// Prices by which costs are estimated that nobody reports, by model.
    pub prices: OwnPrices,
    /// The limits in the fixture's `config.yaml`.
    pub limits: FixtureLimits,
    /// The paths of the resources that subtests name.
    pub stores: Stores,
    /// Every tier that the fixture lists, with its subtests.
    pub tiers: Tiers,
}

/// The setups of a fixture, by tier.
pub type Tiers = BTreeMap<TierId, BTreeMap<SubtestId, Subtest>>;

impl Fixture {
    /// How many judges must have answered for a verdict.
    #[must_use]
    pub fn least_judges(&self) -> usize {
        self.min_judges.unwrap_or(self.judges.len())
    }

    /// The setups that are controls, and what is expected of each.
    #[must_use]
    pub fn controls(&self) -> Controls {
        let all = self.tiers.iter().flat_map(|(tier, subtests)| subtests.iter().map(|(id, one)| ((*tier, *id), one)));
        all.filter_map(|(setup, subtest)| Some((setup, subtest.agent.control()?))).collect()
    }

    /// The variables that an agent is given beside the standard ones: those that the fixture names; and where it names no key of an
    /// installed program, those that hold its keys, or the address of another endpoint of its provider.
    #[must_use]
    pub fn variables_given_to(&self, agent: &Agent) -> Vec<String> {
        let is_named = |key: &str| self.environment.iter().any(|name| name == key);
        let known = agent.installation().filter(|known| !known.keys.iter().any(|key| is_named(key)));
        let own = known.into_iter().flat_map(|known| known.keys.iter().chain(known.addresses));
        self.environment.iter().cloned().chain(own.map(|name| (*name).to_owned())).collect()
    }
}

/// What a fixture asks of a cluster for the jobs of its runs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ClusterAsked {
    /// For every run.
    pub all: JobResources,
    /// For the runs of a tier, `cluster.tiers`.
    pub tiers: BTreeMap<TierId, JobResources>,
}

/// The limits in a fixture's `config.yaml`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FixtureLimits {
    /// Wall clock limit of the agent in seconds, when `task.timeout_seconds` is not set.
    pub timeout_seconds: Option<u64>,
    /// Ceiling of the cost.
    pub max_cost_usd: Option<Usd>,
}

/// The files of which an experiment's copy of a fixture consists.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Parts {
    /// The fixture's own folder; all of it is copied.
    pub dir: PathBuf,
    /// Files and folders that are shared with other fixtures, by their path in the copy.
    pub laid: BTreeMap<String, PathBuf>,
    /// Files that are written in place of the folder's own, by their path in the copy.
    pub written: BTreeMap<String, String>,
}

/// Where the tree of a task comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// The fixture's own `source/` folder.
    Folder,
    /// A git repository and a commit in it.
    Repository {
        /// Any git URL, or a local path (relative to the fixture).
        repo: String,
        /// The commit, 40 or 64 hex digits.
        hash: String,
    },
}

/// One subtest: a setup of the agent that is measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Subtest {
    /// A name for people; by default the rest of the file's name.
    pub name: String,
    /// A description of this setup.
    pub description: String,
    /// The agent that does the task.
    pub agent: Agent,
    /// Folder below the fixture whose content is laid over the task's tree before the agent starts.
    pub overlay: Option<String>,
    /// `cluster`: what the jobs of its runs may use.
    pub cluster: JobResources,
    /// Path of the subtest's file below the fixture.
    pub file: String,
    /// The setup of the agent.
    pub setup: Setup,
}

/// The paths of the resources that subtests name, below the fixture's folder, as in an experiment's copy. Only
/// resources that are named are listed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Stores {
    /// Files of blocks, by id such as `B02`.
    pub blocks: BTreeMap<String, String>,
    /// Folders of skills, by category.
    pub skills: BTreeMap<String, Vec<String>>,
    /// Files of agents, by level.
    pub agents: BTreeMap<u8, Vec<String>>,
    /// Config files of MCP servers, by the path in the workspace that a subtest names.
    pub mcp: BTreeMap<String, String>,
    /// The settings of each tier in `tiers.yaml`.
    pub tiers: BTreeMap<TierId, TierSettings>,
}

/// A tier in the shared `tiers.yaml`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TierSettings {
    /// Its name, such as `Prompts`.
    pub name: String,
    /// What it measures.
    pub description: String,
    /// Whether tools are enabled; `None` when it is not specified.
    pub tools_enabled: Option<bool>,
    /// Whether the agent may delegate.
    pub delegation_enabled: bool,
}

/// One command of the fixture, whose exit code is a fact about the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckSpec {
    /// Its name, used by rubric items and for its log.
    pub name: String,
    /// The command, started in the workspace; exit code 0 means passed.
    pub run: Invocation,
    /// Wall clock limit in seconds.
    pub timeout_seconds: u64,
    /// Programs, and paths in the tree that begin with `./`, without which it does not apply.
    pub needs: Vec<String>,
    /// Exit codes that mean that it does not apply.
    pub not_applicable: Vec<i32>,
}
