//! The screen of `run --dry-run`: the experiment that would be made.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::model::experiment::Inherit;
use crate::model::ids::{SubtestId, TierId};
use crate::model::money::Usd;
use crate::text::escape;
use crate::text::words::{counted, list, whole_duration};

use super::conditions::Conditions;
use super::outlook::Outlook;
use super::tables::wrapped_lines;
use crate::text::page;
use crate::text::page::Page;
use crate::text::styles::{Styles, Tone};

/// What `run` would do.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct PlanPage {
    /// The experiment's id.
    pub experiment_id: String,
    /// The fixture's folder.
    pub fixture: String,
    /// The folder in which the experiment would be made.
    pub results_dir: String,
    /// The experiment of this id that a `run` without `--fresh` would continue instead.
    pub newest: Option<Newest>,
    /// What subtests inherit from winners.
    pub inherit: Inherit,
    /// Models that agents are configured to use.
    pub models: Vec<String>,
    /// How much agents are told to think.
    pub thinking_mode: String,
    /// Every tier, in order.
    pub tiers: Vec<PlannedTier>,
    /// Number of runs in total.
    pub runs: usize,
    /// What one run is expected to cost.
    pub price_per_run_usd: Option<Usd>,
    /// What all runs are expected to cost.
    pub estimated_cost_usd: Option<Usd>,
    /// What a `run` is expected to cost now: nothing if the experiment is finished; unknown if it is unfinished.
    pub estimated_now_usd: Option<Usd>,
    /// The cost ceiling.
    pub max_cost_usd: Option<Usd>,
    /// How long the experiment may be worked on in all its sessions, in seconds.
    pub max_time_seconds: Option<u64>,
    /// What the planned runs of each setup can show.
    pub outlook: Outlook,
    /// What names all differences between setups, as `vary` in a fixture does.
    pub differ_in: Vec<String>,
    /// Groups of subtests with the same agent, setup and tree: their results can differ only by chance.
    pub alike: Vec<Vec<String>>,
    /// Under which conditions runs would be made, and who would judge them.
    pub conditions: Conditions,
    /// The scripts of the jobs that workers would be, where they are jobs of a cluster.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub jobs: Vec<PlannedJobs>,
    /// What is told beforehand: what makes no difference, and what is missing here without which runs fail or none begins.
    pub notes: Vec<String>,
}

/// Jobs that are alike.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct PlannedJobs {
    /// How many runs are made by such jobs.
    pub runs: usize,
    /// The script that is submitted.
    pub script: String,
}

/// An existing experiment: an unfinished one is continued under its own plan, a finished one is left alone.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Newest {
    /// Its folder.
    pub folder: String,
    /// Whether nothing of it is left to do.
    pub complete: bool,
    /// Why a `run` would stop in place of going on with it, where it would.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
}

/// A tier that would be made.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct PlannedTier {
    /// The tier.
    pub tier: TierId,
    /// Its name in the fixture.
    pub name: Option<String>,
    /// The tiers that must be settled before it begins.
    pub waits_for: Vec<TierId>,
    /// Its subtests.
    pub subtests: Vec<PlannedSubtest>,
    /// Its runs.
    pub runs: usize,
}

/// A subtest that would be made, with its own setup; winners are not known yet.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct PlannedSubtest {
    /// The subtest.
    pub subtest: SubtestId,
    /// Its name in the fixture.
    pub name: String,
    /// The agent that does the task.
    pub agent: String,
    /// The tiers whose winners are merged below it, in this order.
    pub winners_of: Vec<TierId>,
    /// Whether it would inherit from a winner, but no earlier tier is planned.
    pub nothing_earlier: bool,
    /// `none`, `default` or `custom`.
    pub system_prompt: &'static str,
    /// Whether teams of agents are switched on.
    pub agent_teams: bool,
    /// Blocks of `CLAUDE.md`.
    pub blocks: Vec<String>,
    /// Categories of skills, or skills.
    pub skills: Vec<String>,
    /// Levels of agents, and agents.
    pub agents: Vec<String>,
    /// The tools that the agent may use; `all` for all.
    pub tools: Vec<String>,
    /// MCP servers.
    pub mcp_servers: Vec<String>,
    /// The folder that is laid over the tree.
    pub overlay: Option<String>,
    /// What is removed from the task's tree.
    pub removes: Vec<String>,
    /// What is placed in the tree.
    pub places: Vec<String>,
    /// Its runs.
    pub runs: u32,
}

impl PlanPage {
    /// The screen for people.
    #[must_use]
    pub fn human(&self, styles: Styles) -> String {
        let mut page = Page::default();
        let id = styles.paint(Tone::Strong, escape::terminal(&self.experiment_id));
        page.line(format_args!("{id}: a dry run, no agent is started and nothing is written\n"));
        page.line(wrapped_lines(&self.facts()));
        let only_agent = self.only_agent();
        for tier in &self.tiers {
            add_tier(&mut page, tier, only_agent.is_none(), styles);
        }
        if !self.differ_in.is_empty() {
            let names: Vec<_> = self.differ_in.iter().map(|name| format!("`{}`", escape::terminal(name))).collect();
            page.line(format_args!("setups differ in {}\n", list(&names)));
        }
        for alike in &self.alike {
            let warning = styles.paint(Tone::Warning, "the same");
            page.line(format_args!("{} compose {warning}", list(alike)));
        }
        if !self.alike.is_empty() {
            page.line("");
        }
        page.add(wrapped_lines(&self.sums()));
        for PlannedJobs { runs, script } in &self.jobs {
            page.line(format_args!("\nThe script of the jobs that make {}:\n", counted(*runs, "run")));
            for line in script.lines() {
                page.line(format_args!("  {}", escape::terminal(line)).to_string().trim_end());
            }
        }
        page.into_text()
    }

    /// The same for machines.
    #[must_use]
    pub fn json(&self) -> String {
        page::pretty(self)
    }

    fn facts(&self) -> Vec<(&'static str, String)> {
        let shown = |text: &str| escape::terminal(text).into_owned();
        let mut facts = vec![("fixture", shown(&self.fixture)), ("results", shown(&self.results_dir))];
        if let Some(Newest { folder, complete, refused }) = &self.newest {
            let what = if *complete { "finished and would be left alone" } else { "unfinished and would be continued" };
            facts.push(match refused {
                Some(why) => ("but", format!("it would stop: {}; `--fresh` starts anew", shown(why))),
                None => ("but", format!("`{}` is {what}; `--fresh` starts anew", shown(folder))),
            });
        }
        if let Some(agent) = self.only_agent() {
            facts.push(("agent", shown(agent)));
        }
        if !self.models.is_empty() {
            facts.push(("model", shown(&self.models.join(", "))));
        }
        facts.push(("thinking", shown(&self.thinking_mode)));
        facts.push((
            "inherits",
            match self.inherit {
                Inherit::None => "none: each subtest stands alone".to_owned(),
                Inherit::PreviousBest => "previous-best: from the winner of the nearest earlier tier".to_owned(),
                Inherit::AsDeclared => "as-declared: what each subtest says".to_owned(),
            },
        ));
        facts.extend(self.conditions.lines());
        facts
    }

    /// The agent, when all subtests have the same.
    fn only_agent(&self) -> Option<&str> {
        let mut agents = self.tiers.iter().flat_map(|tier| &tier.subtests).map(|subtest| subtest.agent.as_str());
        let first = agents.next()?;
        agents.all(|agent| agent == first).then_some(first)
    }

    fn sums(&self) -> Vec<(&'static str, String)> {
        let subtests: usize = self.tiers.iter().map(|tier| tier.subtests.len()).sum();
        let of = format!("of {} in {}", counted(subtests, "subtest"), counted(self.tiers.len(), "tier"));
        let left_alone = self.newest.as_ref().is_some_and(|newest| newest.complete);
        let none = if left_alone { "; none is made now" } else { "" };
        let mut sums = vec![("in all", format!("{} {of}{none}", counted(self.runs, "run")))];
        if let (Some(price), Some(estimate)) = (self.price_per_run_usd, self.estimated_cost_usd) {
            let now = match &self.newest {
                Some(Newest { complete: true, .. }) => format!("{} now; {estimate} with `--fresh`", Usd::ZERO),
                Some(Newest { complete: false, .. }) => format!("what is missing now; {estimate} with `--fresh`"),
                None => estimate.to_string(),
            };
            sums.push(("estimate", format!("{now}, at {price} for each run")));
        }
        if let Some(ceiling) = self.max_cost_usd {
            let less = self.estimated_cost_usd.is_some_and(|estimate| estimate > ceiling);
            sums.push(("ceiling", format!("{ceiling}{}", if less { ", which is less than the estimate" } else { "" })));
        }
        if let Some(seconds) = self.max_time_seconds {
            sums.push(("time", format!("at most {} in all sessions", whole_duration(seconds))));
        }
        sums.extend(self.outlook.lines());
        sums
    }
}

fn add_tier(page: &mut Page, tier: &PlannedTier, names_agents: bool, styles: Styles) {
    let name = tier.name.as_ref().map_or_else(String::new, |name| format!(" {}", escape::terminal(name)));
    let title = styles.paint(Tone::Strong, format!("{}{name}", tier.tier));
    let waits: Vec<String> = tier.waits_for.iter().map(ToString::to_string).collect();
    let waits = if waits.is_empty() { String::new() } else { format!(", begins after {}", list(&waits)) };
    let subtests = counted(tier.subtests.len(), "subtest");
    page.line(format_args!("{title}: {subtests}, {}{waits}", counted(tier.runs, "run")));
    for subtest in &tier.subtests {
        page.line(format_args!("  {} {}", subtest.subtest, escape::terminal(&subtest.name)));
        if names_agents {
            page.line(format_args!("     agent {}", escape::terminal(&subtest.agent)));
        }
        for line in subtest.lines() {
            page.line(format_args!("     {}", escape::terminal(&line)));
        }
    }
    page.line("");
}

impl PlannedSubtest {
    /// The parts of its setup, one kind per line; nothing for the unchanged task's tree.
    fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let mut line = |what: &str, names: &[String]| {
            if !names.is_empty() {
                lines.push(format!("{what} {}", names.join(" ")));
            }
        };
        let winners: Vec<String> = self.winners_of.iter().map(ToString::to_string).collect();
        line(if winners.len() == 1 { "winner of" } else { "winners of" }, &winners);
        if self.nothing_earlier {
            line("winner of", &["no tier: none is planned before this one".to_owned()]);
        }
        if self.system_prompt != "custom" {
            line("system prompt", &[self.system_prompt.to_owned()]);
        }
        line("removes", &self.removes);
        line("blocks", &self.blocks);
        line("skills", &self.skills);
        line("agents", &self.agents);
        if self.agent_teams {
            line("teams", &["of agents".to_owned()]);
        }
        line("tools", &self.tools);
        line("MCP", &self.mcp_servers);
        line("overlay", self.overlay.as_slice());
        lines
    }
}

/// The JSON schema of [`PlanPage::json`].
#[must_use]
pub fn plan_schema() -> Value {
    schemars::schema_for!(PlanPage).to_value()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::samples::{snapshot, usd};

    fn texts(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn subtest(id: u32, name: &str) -> PlannedSubtest {
        PlannedSubtest {
            subtest: SubtestId(id),
            name: name.to_owned(),
            agent: "command: my-agent --print".to_owned(),
            winners_of: Vec::new(),
            nothing_earlier: false,
            system_prompt: "custom",
            agent_teams: false,
            blocks: Vec::new(),
            skills: Vec::new(),
            agents: Vec::new(),
            tools: Vec::new(),
            mcp_servers: Vec::new(),
            overlay: None,
            removes: Vec::new(),
            places: Vec::new(),
            runs: 10,
        }
    }

    fn plan() -> PlanPage {
        let empty =
            PlannedSubtest { system_prompt: "none", removes: texts(&["CLAUDE.md", ".claude"]), ..subtest(0, "Empty") };
        let blocks = PlannedSubtest { blocks: texts(&["B02"]), ..subtest(2, "Critical only") };
        let same = PlannedSubtest { blocks: texts(&["B02"]), nothing_earlier: true, ..subtest(7, "First block") };
        let all = PlannedSubtest {
            winners_of: vec![TierId(0), TierId(3)],
            blocks: texts(&["B01", "B02"]),
            skills: texts(&["github", "quality"]),
            agents: texts(&["L2", "L3"]),
            agent_teams: true,
            tools: texts(&["all"]),
            mcp_servers: texts(&["git", "time"]),
            overlay: Some("overlays/hint".to_owned()),
            places: texts(&["CLAUDE.md", ".claude/settings.json"]),
            ..subtest(1, "Hostile \u{1b}[31m name")
        };
        let tier = |number, name: Option<&str>, waits_for: &[u32], subtests: Vec<PlannedSubtest>| PlannedTier {
            tier: TierId(number),
            name: name.map(str::to_owned),
            waits_for: waits_for.iter().copied().map(TierId).collect(),
            runs: subtests.len() * 10,
            subtests,
        };
        PlanPage {
            jobs: vec![PlannedJobs { runs: 20, script: "#!/bin/sh\n#SBATCH --array=1-20\n\nexit 0\n".to_owned() }],
            experiment_id: "test-001".to_owned(),
            fixture: "tests/test-001".to_owned(),
            results_dir: "results".to_owned(),
            newest: Some(Newest {
                folder: "results/2026-11-23T12-00-00-test-001".to_owned(),
                complete: false,
                refused: None,
            }),
            inherit: Inherit::AsDeclared,
            models: texts(&["opus"]),
            thinking_mode: "Low".to_owned(),
            tiers: vec![tier(0, Some("Prompts"), &[], vec![empty, blocks, same]), tier(5, None, &[0, 3], vec![all])],
            runs: 40,
            price_per_run_usd: Some(usd(0.25)),
            estimated_cost_usd: Some(usd(10.0)),
            estimated_now_usd: None,
            max_cost_usd: Some(usd(5.0)),
            max_time_seconds: Some(9000),
            outlook: Outlook::of(10, None),
            differ_in: texts(&["instructions", "skills"]),
            alike: vec![texts(&["T0/02", "T0/07"])],
            conditions: Conditions::sample(),
            notes: texts(&["the judge `gpt` needs the variable `OPENAI_API_KEY`, which is not set"]),
        }
    }

    #[test]
    fn the_whole_plan_is_shown_with_what_each_subtest_composes() {
        snapshot("screens", "dry_run", &plan().human(Styles::plain()));
        snapshot("screens", "dry_run_json", &plan().json());
    }

    #[test]
    fn agents_that_differ_are_named_where_they_are() {
        let mut plan = plan();
        plan.tiers[1].subtests[0].agent = "oracle".to_owned();
        plan.newest = None;
        plan.price_per_run_usd = None;
        plan.estimated_cost_usd = None;
        plan.alike.clear();
        plan.conditions = Conditions::unlimited_sample();
        snapshot("screens", "dry_run_agents", &plan.human(Styles::plain()));
    }
}
