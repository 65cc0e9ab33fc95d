//! What failed how often: the runs of a setup together.

use std::collections::BTreeMap;

use crate::model::control::Control;
use crate::model::details::{Counted, MeanOfItem, RunDetails, RunOfSetup, SetupDetails};
use crate::model::ids::SetupId;
use crate::model::outcome::AgentEnd;
use crate::model::rubric::Rubric;
use crate::model::usage::Total;

/// The runs of a setup together, in their order. Only runs with a verdict count for scores, items and checks.
#[must_use]
pub fn together(
    (tier, subtest): SetupId,
    (name, control): (Option<String>, Option<Control>),
    runs: &[RunDetails],
    rubric: Option<&Rubric>,
) -> SetupDetails {
    let judged: Vec<&RunDetails> = runs.iter().filter(|run| run.state.is_judged()).collect();
    SetupDetails {
        tier,
        subtest,
        name,
        control,
        runs: runs.iter().map(|run| RunOfSetup { run: run.run, state: run.state, score: run.score }).collect(),
        judged: judged.len(),
        passed: judged.iter().filter(|run| run.state == crate::model::details::RunState::Passed).count(),
        mean_score: mean(judged.iter().filter_map(|run| run.score.map(crate::model::score::Score::get))),
        spent: runs.iter().map(spent).sum(),
        ends: ends(runs),
        checks: checks(&judged),
        items: items(&judged, rubric),
    }
}

fn spent(run: &RunDetails) -> Total {
    let agent = run.agent.as_ref().map_or(Total::ZERO, |agent| agent.usage.cost.into());
    agent + run.judge_cost + run.failed_judge_cost + run.former_cost
}

/// How the agents ended that did, most frequent first.
fn ends(runs: &[RunDetails]) -> Vec<Counted> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let agents: Vec<_> = runs.iter().filter_map(|run| run.agent.as_ref()).collect();
    for agent in &agents {
        let end = match (agent.end, agent.exit_code) {
            (Some(AgentEnd::Finished) | None, Some(code)) => format!("exit code {code}"),
            (Some(end), _) => end.to_string(),
            (None, None) => "unknown".to_owned(),
        };
        *counts.entry(end).or_default() += 1;
    }
    let mut ends: Vec<Counted> =
        counts.into_iter().map(|(what, runs)| Counted { what, runs, of: agents.len() }).collect();
    ends.sort_by(|a, b| b.runs.cmp(&a.runs).then_with(|| a.what.cmp(&b.what)));
    ends
}

/// How often each check failed of the runs to which it applied, in the order of the fixture.
fn checks(runs: &[&RunDetails]) -> Vec<Counted> {
    let mut checks: Vec<Counted> = Vec::new();
    for check in runs.iter().flat_map(|run| &run.checks) {
        let name = &check.result.name;
        let place = checks.iter().position(|counted| counted.what == *name).unwrap_or_else(|| {
            checks.push(Counted { what: name.clone(), runs: 0, of: 0 });
            checks.len() - 1
        });
        checks[place].runs += usize::from(check.result.has_failed());
        checks[place].of += usize::from(check.result.not_applicable.is_none());
    }
    checks
}

/// The mean score of each item, in the order of the rubric.
fn items(runs: &[&RunDetails], rubric: Option<&Rubric>) -> Vec<MeanOfItem> {
    let mut scores: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for run in runs {
        let mut of_run: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
        for (id, said) in run.judges.iter().flat_map(|judgment| &judgment.criteria_scores) {
            of_run.entry(id).or_default().extend(said.score.map(crate::model::score::Score::get));
        }
        for (id, by_judges) in of_run {
            scores.entry(id).or_default().extend(mean(by_judges.into_iter()));
        }
    }
    let of = |id: &str, description: Option<&str>, scores: &[f64]| MeanOfItem {
        id: id.to_owned(),
        description: description.map(str::to_owned),
        mean_score: mean(scores.iter().copied()),
        runs: scores.len(),
    };
    let mut items = Vec::new();
    for item in rubric.map(|rubric| rubric.items.as_slice()).unwrap_or_default() {
        if let Some(scores) = scores.remove(item.id.as_str()) {
            items.push(of(&item.id, Some(&item.description), &scores));
        }
    }
    items.extend(scores.into_iter().map(|(id, scores)| of(id, None, &scores)));
    items
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.fold((0.0, 0_u32), |(sum, count), value| (sum + value, count + 1));
    (count > 0).then(|| sum / f64::from(count))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::details::RunState;
    use crate::model::details::samples::details;
    use crate::model::ids::{SubtestId, TierId};

    #[test]
    fn only_runs_with_a_verdict_count_and_what_does_not_apply_is_left_out() {
        let mut runs = vec![details("T0/00/1", true), details("T0/00/2", false), details("T0/00/3", false)];
        runs[2].state = RunState::Errored;
        runs[1].checks[0].result.not_applicable = Some("no".to_owned());
        runs[1].judges[0].criteria_scores.values_mut().for_each(|said| said.score = None);
        let setup = together((TierId(0), SubtestId(0)), (None, None), &runs, None);
        assert_eq!((setup.runs.len(), setup.judged, setup.passed), (3, 2, 1));
        assert_eq!(setup.checks[0], Counted { what: "build".to_owned(), runs: 0, of: 1 });
        assert_eq!(setup.checks[1], Counted { what: "tests".to_owned(), runs: 1, of: 2 });
        let of = |id: &str| setup.items.iter().find(|item| item.id == id).unwrap();
        assert_eq!(
            (of("R001").mean_score, of("R001").runs),
            (Some(0.75), 2),
            "two judges in the first run, one in the other"
        );
        assert_eq!(setup.spent.unknown, 3, "one judge of each run does not say it");
    }

    #[test]
    fn of_no_runs_there_is_no_mean() {
        let setup = together((TierId(0), SubtestId(0)), (None, None), &[], None);
        assert_eq!((setup.mean_score, setup.items, setup.judged), (None, Vec::new(), 0));
    }
}
