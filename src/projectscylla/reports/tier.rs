//! The files of a tier and of its subtests.

use crate::model::ids::{SubtestId, TierId};
use crate::model::inherited::Winner;
use crate::model::money::Usd;
use crate::model::usage::Tokens;
use crate::projectscylla::json::Json;

use super::summary::{Summary, sum};
use super::{Export, dollars, run_result, tokens};

/// A tier that has results.
pub(super) struct Tier<'a> {
    pub(super) id: TierId,
    pub(super) subtests: Vec<Summary<'a>>,
    pub(super) winner: Option<&'a Winner>,
}

impl Tier<'_> {
    fn best(&self) -> Option<&Summary<'_>> {
        let winner = self.winner?;
        self.subtests.iter().find(|subtest| subtest.id == winner.subtest)
    }

    fn is_best(&self, id: SubtestId) -> bool {
        self.winner.is_some_and(|winner| winner.subtest == id)
    }

    pub(super) fn best_id(&self) -> Option<String> {
        self.winner.map(|winner| winner.subtest.to_string())
    }

    pub(super) fn best_score(&self) -> Option<f64> {
        self.winner.map(|winner| winner.median)
    }

    pub(super) fn is_near_tie(&self) -> bool {
        self.winner.is_some_and(|winner| winner.by_tokens)
    }

    pub(super) fn cost(&self) -> Usd {
        self.subtests.iter().map(Summary::cost).sum()
    }

    pub(super) fn seconds(&self) -> f64 {
        self.subtests.iter().map(Summary::seconds).sum()
    }

    pub(super) fn tokens(&self) -> Tokens {
        sum(self.subtests.iter().map(Summary::tokens))
    }

    /// The cost per pass of its best subtest.
    pub(super) fn cost_of_pass(&self) -> Option<f64> {
        self.best().and_then(Summary::cost_of_pass)
    }

    /// Why its winner won, as a sentence.
    fn reason(&self) -> String {
        match self.winner {
            None => String::new(),
            Some(winner) if winner.ranked.len() < 2 => "the only subtest of the tier with results".to_owned(),
            Some(winner) if winner.by_tokens => {
                format!("fewer tokens among two medians that differ by {:.3}", winner.margin)
            }
            Some(winner) => format!("highest median score, {:.3}", winner.median),
        }
    }

    pub(super) fn subtest_report(&self, export: &Export<'_>, subtest: &Summary<'_>) -> Json {
        let children = subtest.runs.iter().map(|result| {
            Json::map([
                ("run_number", result.run_number.get().into()),
                ("score", result.judge_score.get().into()),
                ("passed", result.judge_passed.into()),
                ("report", format!("./{}/report.json", result.run_number.folder()).into()),
            ])
        });
        let [distribution, modal, least, most] = subtest.grade_entries();
        Json::map([
            ("subtest_id", subtest.id.to_string().into()),
            ("tier_id", self.id.to_string().into()),
            (
                "summary",
                Json::map([
                    ("total_runs", subtest.runs.len().into()),
                    ("passed", subtest.passed().into()),
                    ("pass_rate", subtest.pass_rate().into()),
                    ("mean_score", subtest.mean.into()),
                    ("median_score", subtest.median.into()),
                    ("std_dev", subtest.deviation.into()),
                    ("total_cost", dollars(subtest.cost())),
                    ("consistency", subtest.consistency().into()),
                    distribution,
                    modal,
                    least,
                    most,
                ]),
            ),
            ("token_stats", tokens(&subtest.tokens())),
            ("children", children.collect()),
            ("generated_at", export.generated_at()),
        ])
    }

    pub(super) fn report(&self, export: &Export<'_>) -> Json {
        let link = |id: &str| format!("./{id}/report.json");
        let children = self.subtests.iter().map(|subtest| {
            let id = subtest.id.to_string();
            Json::map([
                ("id", id.as_str().into()),
                ("score", subtest.median.into()),
                ("pass_rate", subtest.pass_rate().into()),
                ("cost", dollars(subtest.cost())),
                ("selected", self.is_best(subtest.id).into()),
                ("report", link(&id).into()),
            ])
        });
        let best = self.best_id();
        Json::map([
            ("tier", self.id.to_string().into()),
            (
                "summary",
                Json::map([
                    ("total_subtests", self.subtests.len().into()),
                    ("best_subtest", best.clone().into()),
                    ("best_score", self.best_score().into()),
                    ("total_cost", dollars(self.cost())),
                    ("total_duration", self.seconds().into()),
                    ("tiebreaker_needed", self.is_near_tie().into()),
                ]),
            ),
            ("token_stats", tokens(&self.tokens())),
            (
                "best",
                Json::map([
                    ("subtest", best.clone().into()),
                    ("score", self.best_score().into()),
                    ("report", best.as_deref().map(link).into()),
                ]),
            ),
            ("children", children.collect()),
            ("generated_at", export.generated_at()),
        ])
    }

    pub(super) fn result(&self, export: &Export<'_>) -> Json {
        let subtest = |subtest: &Summary<'_>| (subtest.id.to_string(), self.subtest_result(export, subtest));
        Json::map([
            ("tier_id", self.id.to_string().into()),
            ("subtest_results", Json::Map(self.subtests.iter().map(subtest).collect())),
            ("best_subtest", self.best_id().into()),
            ("best_subtest_score", self.best_score().into()),
            ("inherited_from", Json::Null),
            ("tiebreaker_needed", self.is_near_tie().into()),
            ("total_cost", dollars(self.cost())),
            ("total_duration", self.seconds().into()),
            ("cost_of_pass", self.cost_of_pass().into()),
            ("token_stats", tokens(&self.tokens())),
        ])
    }

    fn subtest_result(&self, export: &Export<'_>, subtest: &Summary<'_>) -> Json {
        let [distribution, modal, least, most] = subtest.grade_entries();
        let selected = self.is_best(subtest.id);
        Json::map([
            ("subtest_id", subtest.id.to_string().into()),
            ("tier_id", self.id.to_string().into()),
            ("runs", subtest.runs.iter().map(|result| run_result(export, result)).collect()),
            ("pass_rate", subtest.pass_rate().into()),
            ("mean_score", subtest.mean.into()),
            ("median_score", subtest.median.into()),
            ("std_dev_score", subtest.deviation.into()),
            ("mean_cost", subtest.mean_cost().into()),
            ("total_cost", dollars(subtest.cost())),
            ("token_stats", tokens(&subtest.tokens())),
            ("consistency", subtest.consistency().into()),
            distribution,
            modal,
            least,
            most,
            ("selected_as_best", selected.into()),
            ("selection_reason", if selected { self.reason() } else { String::new() }.into()),
            ("rate_limit_info", Json::Null),
        ])
    }

    pub(super) fn best_subtest(&self) -> Json {
        let ranked = self.winner.map(|winner| winner.ranked.as_slice()).unwrap_or_default();
        let vote = |subtest: &Summary<'_>| {
            let reasoning = if self.is_best(subtest.id) {
                self.reason()
            } else {
                format!("{} of {} runs passed", subtest.passed(), subtest.runs.len())
            };
            Json::map([
                ("subtest_id", subtest.id.to_string().into()),
                ("score", subtest.median.into()),
                ("confidence", subtest.consistency().into()),
                ("reasoning", reasoning.into()),
            ])
        };
        let votes = ranked
            .iter()
            .filter_map(|candidate| self.subtests.iter().find(|subtest| subtest.id == candidate.subtest))
            .map(vote);
        let tiebreaker = self.best().filter(|_| self.is_near_tie()).map(vote);
        Json::map([
            ("winning_subtest", self.best_id().into()),
            ("winning_score", self.best_score().into()),
            ("votes", votes.collect()),
            ("margin", self.winner.map(|winner| winner.margin).into()),
            ("tiebreaker_needed", self.is_near_tie().into()),
            ("tiebreaker_result", tiebreaker.into()),
        ])
    }
}
