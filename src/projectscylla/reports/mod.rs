//! An experiment of this tool in ProjectScylla's files: its config, results and reports. Nothing in them says
//! `Infinity`, and every link leads to a file.

mod summary;
mod tier;

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::model::experiment::Config;
use crate::model::ids::{RunId, SubtestId, TierId};
use crate::model::inherited::Winner;
use crate::model::money::Usd;
use crate::model::result::{Judgment, RunResult};
use crate::model::usage::{Tokens, Total};
use crate::projectscylla::version::Version;

use super::checkpoint::time;
use super::json::Json;
use super::run_files::NO_EXIT_CODE;
use summary::Summary;
use tier::Tier;

/// An experiment that is written for ProjectScylla's readers.
#[derive(Debug, Clone, Copy)]
pub struct Export<'a> {
    /// The version that is written: since 3.1 with folders of phases, before that without.
    pub version: Version,
    /// The experiment's config.
    pub config: &'a Config,
    /// Every committed result.
    pub results: &'a [RunResult],
    /// The winner of each tier that has results.
    pub winners: &'a BTreeMap<TierId, Winner>,
    /// The absolute path of the exported folder: ProjectScylla writes such paths.
    pub root: &'a str,
    /// The time of the export.
    pub now: Timestamp,
}

impl Export<'_> {
    fn is_phased(&self) -> bool {
        self.version >= Version::V3_1
    }

    /// The folder of a tier below the root.
    fn tier_folder(&self, tier: TierId) -> String {
        if self.is_phased() { format!("completed/{tier}") } else { tier.to_string() }
    }

    /// The folder of a run below the root, into which its files are written.
    #[must_use]
    pub fn run_folder(&self, run: RunId) -> String {
        format!("{}/{}/{}", self.tier_folder(run.tier), run.subtest, run.run.folder())
    }

    fn generated_at(&self) -> Json {
        time(self.now).into()
    }

    fn completed_at(&self) -> Timestamp {
        self.results.iter().map(|result| result.committed_at).max().unwrap_or(self.now)
    }
}

/// Every file with its path below the root, except `checkpoint.json`.
#[must_use]
pub fn files(export: &Export<'_>) -> Vec<(String, String)> {
    let mut files = vec![("config/experiment.json".to_owned(), config(export))];
    let tiers = tiers(export);
    for tier in &tiers {
        let folder = export.tier_folder(tier.id);
        for subtest in &tier.subtests {
            for result in &subtest.runs {
                let folder = export.run_folder(result.run());
                files.push((format!("{folder}/run_result.json"), run_result(export, result)));
                files.push((format!("{folder}/report.json"), run_report(export, result)));
            }
            files.push((format!("{folder}/{}/report.json", subtest.id), tier.subtest_report(export, subtest)));
        }
        files.push((format!("{folder}/result.json"), tier.result(export)));
        files.push((format!("{folder}/report.json"), tier.report(export)));
        files.push((format!("{folder}/best_subtest.json"), tier.best_subtest()));
    }
    files.push(("result.json".to_owned(), experiment_result(export, &tiers)));
    files.push(("report.json".to_owned(), experiment_report(export, &tiers)));
    files.push(("tier_comparison.json".to_owned(), tier_comparison(&tiers)));
    files.into_iter().map(|(path, json)| (path, json.indented())).collect()
}

/// The results by tier and subtest, in order.
fn tiers<'a>(export: &Export<'a>) -> Vec<Tier<'a>> {
    let mut grouped: BTreeMap<TierId, BTreeMap<SubtestId, Vec<&RunResult>>> = BTreeMap::new();
    for result in export.results {
        grouped.entry(result.tier).or_default().entry(result.subtest).or_default().push(result);
    }
    let tier = |(id, subtests): (TierId, BTreeMap<SubtestId, Vec<&'a RunResult>>)| {
        let winner = export.winners.get(&id);
        let summary = |(subtest, runs)| Summary::new(subtest, runs, winner);
        Tier { id, subtests: subtests.into_iter().map(summary).collect(), winner }
    };
    grouped.into_iter().map(tier).collect()
}

/// `config/experiment.json`, of which ProjectScylla computes the hash.
#[must_use]
pub fn config(export: &Export<'_>) -> Json {
    let Config { experiment_id, task_repo, task_commit, task_prompt_file, language, models, .. } = export.config;
    let texts = |texts: &[String]| texts.iter().map(|text| Json::from(text.as_str())).collect::<Json>();
    let mut entries = vec![
        ("experiment_id", experiment_id.as_str().into()),
        ("task_repo", task_repo.as_str().into()),
        ("task_commit", task_commit.as_str().into()),
        ("task_prompt_file", task_prompt_file.as_str().into()),
        ("language", language.as_str().into()),
        ("models", texts(models)),
        ("runs_per_subtest", export.config.runs_per_subtest.into()),
        ("tiers_to_run", export.config.subtests.keys().map(|tier| Json::from(tier.to_string())).collect()),
        ("judge_models", texts(&export.config.judge_models)),
    ];
    if !export.is_phased() {
        entries.push(("parallel_subtests", export.config.jobs.into()));
    }
    entries.extend([
        ("timeout_seconds", export.config.timeout_seconds.into()),
        ("max_turns", Json::Null),
        ("max_subtests", export.config.max_subtests.into()),
        ("thinking_mode", export.config.thinking_mode.as_str().into()),
        ("use_containers", false.into()),
    ]);
    if export.is_phased() {
        entries.push(("skip_agent_teams", false.into()));
    }
    Json::Map(entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
}

/// Seconds of agent and judges: what ProjectScylla calls a run's duration.
fn duration(result: &RunResult) -> f64 {
    result.agent_duration_seconds + result.judge_duration_seconds
}

/// ProjectScylla has no unknown counts: it writes 0.
fn tokens(stats: &Tokens) -> Json {
    Json::map([
        ("input_tokens", stats.input.unwrap_or_default().into()),
        ("output_tokens", stats.output.unwrap_or_default().into()),
        ("cache_creation_tokens", stats.cache_creation.unwrap_or_default().into()),
        ("cache_read_tokens", stats.cache_read.unwrap_or_default().into()),
    ])
}

fn input_tokens(stats: &Tokens) -> u64 {
    stats.input.unwrap_or_default().saturating_add(stats.cache_read.unwrap_or_default())
}

/// ProjectScylla has no unknown costs: it writes 0.0.
fn dollars(amount: Usd) -> Json {
    amount.dollars().into()
}

fn run_result(export: &Export<'_>, result: &RunResult) -> Json {
    let folder = format!("{}/{}", export.root, export.run_folder(result.run()));
    let judges = result.judges.iter().map(|judgment| judge(export, judgment)).collect();
    let reasoning = result.judges.first().map(|judgment| judgment.reasoning.as_str()).unwrap_or_default();
    let mut json = Json::map([
        ("run_number", result.run_number.get().into()),
        ("exit_code", result.exit_code.unwrap_or(NO_EXIT_CODE).into()),
        ("token_stats", tokens(&result.usage.tokens)),
        ("tokens_input", input_tokens(&result.usage.tokens).into()),
        ("tokens_output", result.usage.tokens.output.unwrap_or_default().into()),
        ("cost_usd", dollars(Total::from(result.usage.cost).known)),
        ("duration_seconds", duration(result).into()),
        ("agent_duration_seconds", result.agent_duration_seconds.into()),
        ("judge_duration_seconds", result.judge_duration_seconds.into()),
        ("judge_score", result.judge_score.get().into()),
        ("judge_passed", result.judge_passed.into()),
        ("judge_grade", result.judge_grade.to_string().into()),
        ("judge_reasoning", reasoning.into()),
        ("judges", judges),
        ("workspace_path", format!("{folder}/workspace").into()),
        ("logs_path", format!("{folder}/agent").into()),
        ("command_log_path", Json::Null),
        ("criteria_scores", Json::Map(Vec::new())),
    ]);
    if export.is_phased()
        && let Json::Map(entries) = &mut json
    {
        entries.push(("baseline_pipeline_summary".to_owned(), Json::Null));
        entries.push(("progress_tracking".to_owned(), Json::List(Vec::new())));
        entries.push(("changes".to_owned(), Json::List(Vec::new())));
    }
    json
}

fn judge(export: &Export<'_>, judgment: &Judgment) -> Json {
    let mut json = Json::map([
        ("model", judgment.model.as_str().into()),
        ("score", judgment.score.get().into()),
        ("passed", judgment.passed.into()),
        ("grade", judgment.grade.to_string().into()),
        ("reasoning", judgment.reasoning.as_str().into()),
        ("judge_number", judgment.judge_number.0.into()),
    ]);
    if export.is_phased()
        && let Json::Map(entries) = &mut json
    {
        let items = judgment.criteria_scores.iter().map(|(item, score)| {
            let value = score.score.map(crate::model::score::Score::get);
            let json = Json::map([("score", value.into()), ("explanation", score.explanation.as_str().into())]);
            (item.clone(), json)
        });
        let items = Json::Map(items.collect());
        entries.push(("is_valid".to_owned(), true.into()));
        entries.push(("criteria_scores".to_owned(), items));
    }
    json
}

fn run_report(export: &Export<'_>, result: &RunResult) -> Json {
    Json::map([
        ("run_number", result.run_number.get().into()),
        ("score", result.judge_score.get().into()),
        ("grade", result.judge_grade.to_string().into()),
        ("passed", result.judge_passed.into()),
        ("cost_usd", dollars(Total::from(result.usage.cost).known)),
        ("duration_seconds", duration(result).into()),
        ("generated_at", export.generated_at()),
    ])
}

/// ProjectScylla's best tier: the one whose best subtest has the lowest cost per pass.
fn frontier<'t, 'a>(tiers: &'t [Tier<'a>]) -> Option<(&'t Tier<'a>, f64)> {
    let priced = tiers.iter().filter_map(|tier| Some((tier, tier.cost_of_pass()?)));
    priced.min_by(|(_, a), (_, b)| a.total_cmp(b))
}

fn experiment_result(export: &Export<'_>, tiers: &[Tier<'_>]) -> Json {
    let frontier = frontier(tiers);
    let best = frontier.map(|(tier, _)| tier);
    Json::map([
        ("config", config(export)),
        ("tier_results", Json::Map(tiers.iter().map(|tier| (tier.id.to_string(), tier.result(export))).collect())),
        ("best_overall_tier", best.map(|tier| tier.id.to_string()).into()),
        ("best_overall_subtest", best.and_then(Tier::best_id).into()),
        ("frontier_cop", frontier.map(|(_, cost)| cost).into()),
        ("frontier_cop_tier", best.map(|tier| tier.id.to_string()).into()),
        ("total_cost", dollars(tiers.iter().map(Tier::cost).sum())),
        ("total_duration_seconds", tiers.iter().map(Tier::seconds).sum::<f64>().into()),
        ("token_stats", tokens(&summary::sum(tiers.iter().map(Tier::tokens)))),
        ("started_at", time(export.config.created_at).into()),
        ("completed_at", time(export.completed_at()).into()),
    ])
}

fn experiment_report(export: &Export<'_>, tiers: &[Tier<'_>]) -> Json {
    let frontier = frontier(tiers);
    let best = frontier.map(|(tier, _)| tier);
    let link = |tier: &Tier<'_>| format!("./{}/report.json", export.tier_folder(tier.id));
    let children = tiers.iter().map(|tier| {
        Json::map([
            ("tier", tier.id.to_string().into()),
            ("best_subtest", tier.best_id().into()),
            ("best_score", tier.best_score().into()),
            ("cost", dollars(tier.cost())),
            ("report", link(tier).into()),
        ])
    });
    Json::map([
        ("experiment_id", export.config.experiment_id.as_str().into()),
        (
            "summary",
            Json::map([
                ("total_tiers", tiers.len().into()),
                ("best_tier", best.map(|tier| tier.id.to_string()).into()),
                ("best_subtest", best.and_then(Tier::best_id).into()),
                ("frontier_cop", frontier.map(|(_, cost)| cost).into()),
                ("total_cost", dollars(tiers.iter().map(Tier::cost).sum())),
                ("total_duration", tiers.iter().map(Tier::seconds).sum::<f64>().into()),
                ("started_at", time(export.config.created_at).into()),
                ("completed_at", time(export.completed_at()).into()),
            ]),
        ),
        ("token_stats", tokens(&summary::sum(tiers.iter().map(Tier::tokens)))),
        (
            "best",
            Json::map([
                ("tier", best.map(|tier| tier.id.to_string()).into()),
                ("subtest", best.and_then(Tier::best_id).into()),
                ("report", best.map(link).into()),
            ]),
        ),
        ("children", children.collect()),
        ("generated_at", export.generated_at()),
    ])
}

fn tier_comparison(tiers: &[Tier<'_>]) -> Json {
    let row = |tier: &Tier<'_>| {
        let row = Json::map([
            ("best_subtest", tier.best_id().into()),
            ("best_score", tier.best_score().into()),
            ("total_cost", dollars(tier.cost())),
            ("tiebreaker_needed", tier.is_near_tie().into()),
        ]);
        (tier.id.to_string(), row)
    };
    Json::Map(tiers.iter().map(row).collect())
}

#[cfg(test)]
mod tests;
