//! What taking over an experiment of ProjectScylla means: which runs are kept, which are set aside, and what is not
//! understood. Decided here, carried out by the engine.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::model::checkpoint::CompletedRuns;
use crate::model::experiment::Inherit;
use crate::model::finding::{Finding, FindingKind};
use crate::model::ids::{RunId, SetupId, SubtestId, TierId};
use crate::model::outcome::RunStatus;
use crate::model::plan::Plan;
use crate::model::survey::{RunSeen, Survey};
use crate::model::usage::Total;
use crate::projectscylla::config::Config;
use crate::projectscylla::version::Version;

/// The last tier that inherited nothing in January 2026.
const LAST_ALONE: TierId = TierId(4);

/// What happens to the runs of an experiment that is taken over.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TakenOver {
    /// Committed runs with their places: they are kept as they are.
    pub committed: Vec<(RunId, String)>,
    /// The verdicts of those runs that have one.
    pub passed: BTreeMap<RunId, bool>,
    /// Folders of runs without a readable result: they become former attempts.
    pub unfinished: Vec<Unfinished>,
    /// Runs whose agent was paid and whose verdict is missing: the agent would be paid again.
    pub unjudged: Vec<RunId>,
}

/// A run that was begun, and has no result.
#[derive(Debug, Clone, PartialEq)]
pub struct Unfinished {
    /// The run.
    pub run: RunId,
    /// Its place.
    pub place: String,
    /// Whether its agent is done.
    pub agent_complete: bool,
    /// Its cost, as far as it is known.
    pub spent: Total,
}

impl TakenOver {
    /// What a survey of the experiment's folder gives.
    #[must_use]
    pub fn of(survey: &Survey) -> Self {
        let recorded = |run: RunId| survey.checkpoint.content().and_then(|index| index.completed_runs.get(run));
        let mut taken = Self::default();
        for (run, seen) in &survey.runs {
            let unfinished =
                |agent_complete, spent| Unfinished { run: *run, place: survey.place(*run), agent_complete, spent };
            match seen {
                RunSeen::Committed(facts) => {
                    taken.committed.push((*run, survey.place(*run)));
                    taken.passed.extend(facts.passed.map(|passed| (*run, passed)));
                }
                RunSeen::Unfinished { agent_complete, spent } => {
                    taken.unfinished.push(unfinished(*agent_complete, *spent));
                }
                // There was a verdict once, so there was an agent.
                RunSeen::Unreadable => taken.unfinished.push(unfinished(true, Total::UNKNOWN)),
                RunSeen::Unknown => {}
            }
        }
        let mut unjudged: BTreeSet<RunId> = taken
            .unfinished
            .iter()
            // A run that is recorded as judged is not repeated before a person drops the entry.
            .filter(|unfinished| {
                unfinished.agent_complete && !recorded(unfinished.run).is_some_and(RunStatus::is_judged)
            })
            .map(|unfinished| unfinished.run)
            .collect();
        let committed = |run: &RunId| matches!(survey.runs.get(run), Some(RunSeen::Committed(_)));
        let entries = survey.checkpoint.content().into_iter().flat_map(|index| index.completed_runs.entries());
        let agent_complete = entries.filter(|(_, status)| *status == RunStatus::AgentComplete).map(|(run, _)| run);
        unjudged.extend(agent_complete.filter(|run| !committed(run)));
        let plan = survey.plan();
        let planned = |run: &RunId| plan.as_ref().is_none_or(|plan| plan.contains(*run));
        taken.unjudged = unjudged.into_iter().filter(planned).collect();
        taken
    }

    /// The index to start from: the recorded one, without runs whose agents' work is given up.
    #[must_use]
    pub fn index(&self, recorded: &CompletedRuns) -> CompletedRuns {
        let mut index = recorded.clone();
        for (run, status) in recorded.entries() {
            if !status.is_judged() {
                index.remove(run);
            } else if let Some(passed) = self.passed.get(&run).filter(|_| status == RunStatus::Done) {
                index.set(run, RunStatus::judged(*passed));
            }
        }
        index
    }
}

/// Those of the findings under which an experiment cannot be taken over, because its plan or its runs are not known.
#[must_use]
pub fn forbidding(findings: Vec<Finding>) -> Vec<Finding> {
    let forbids = |kind| {
        matches!(
            kind,
            FindingKind::ConfigMissing
                | FindingKind::ConfigUnreadable
                | FindingKind::ConfigIncomplete
                | FindingKind::CheckpointMissing
                | FindingKind::CheckpointUnreadable
                | FindingKind::NewerVersion
                | FindingKind::UnknownFormat
                | FindingKind::UnknownPlace
                | FindingKind::DuplicateRun
        )
    };
    findings.into_iter().filter(|finding| forbids(finding.kind)).collect()
}

/// Why the plan of an experiment cannot be completed from a fixture.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanGap {
    /// A planned tier that neither the results nor the fixture know.
    #[error("the fixture has no tier `{0}`, which the experiment plans")]
    Tier(TierId),
    /// A subtest with missing runs that is not in the fixture.
    #[error("the fixture has no subtest `{0}/{1}`, of which runs are missing")]
    Subtest(TierId, SubtestId),
}

/// The planned subtests of each tier: those that the experiment knows, completed from the fixture up to the limit.
///
/// # Errors
/// When the fixture lacks what the plan needs.
pub fn subtests(
    config: &Config,
    known: &Plan,
    fixture: &BTreeMap<TierId, Vec<SubtestId>>,
    missing: &BTreeSet<SetupId>,
) -> Result<BTreeMap<TierId, Vec<SubtestId>>, PlanGap> {
    let most = config.max_subtests.map_or(usize::MAX, |most| most as usize);
    let mut planned = BTreeMap::new();
    for tier in &config.tiers_to_run {
        let mut subtests: BTreeSet<SubtestId> =
            known.subtests().get(tier).into_iter().flat_map(|all| all.keys().copied()).collect();
        let offered = fixture.get(tier);
        if subtests.is_empty() && offered.is_none_or(Vec::is_empty) {
            return Err(PlanGap::Tier(*tier));
        }
        let has = |subtest: &SubtestId| offered.is_some_and(|offered| offered.contains(subtest));
        if let Some(subtest) = subtests.iter().find(|subtest| missing.contains(&(*tier, **subtest)) && !has(subtest)) {
            return Err(PlanGap::Subtest(*tier, *subtest));
        }
        for subtest in offered.into_iter().flatten() {
            if subtests.len() < most {
                subtests.insert(*subtest);
            }
        }
        planned.insert(*tier, subtests.into_iter().collect());
    }
    Ok(planned)
}

/// How ProjectScylla's commits gave setups to later tiers, as this tool's setting. From February 2026 on, each tier
/// inherited from the winner of the one before it. In January, tiers up to `T4` inherited nothing, and later ones what
/// they declare: `None` when runs of both kinds are missing, because no single setting makes both as they were made
/// then.
#[must_use]
pub fn way_to_inherit(version: Version, declaring: &BTreeSet<TierId>) -> Option<Inherit> {
    let alone = declaring.iter().any(|tier| *tier <= LAST_ALONE);
    let behind = declaring.iter().any(|tier| *tier > LAST_ALONE);
    match (version >= Version::V3_0, alone, behind) {
        (true, ..) => Some(Inherit::PreviousBest),
        (false, true, true) => None,
        (false, true, false) => Some(Inherit::None),
        (false, false, _) => Some(Inherit::AsDeclared),
    }
}

/// How much its agents were told to think, by the prompts of its runs; `None` when there are no prompts, or they
/// differ. `task` is the task's own prompt, which may itself begin with such a word.
#[must_use]
pub fn thinking_mode(prompts: &[String], task: Option<&str>) -> Option<&'static str> {
    const WORDS: [(&str, &str); 3] = [("ultrathink", "UltraThink"), ("think hard", "High"), ("think", "Low")];
    let task = task.map(str::trim).filter(|task| !task.is_empty());
    let mode_of = |prompt: &String| {
        let prompt = prompt.trim_start();
        if task.is_some_and(|task| prompt.starts_with(task)) {
            return "None";
        }
        let led_by = |word: &str| {
            let rest = prompt.strip_prefix(word)?;
            rest.starts_with(char::is_whitespace).then(|| rest.trim_start())
        };
        let found = WORDS.iter().find(|(word, _)| led_by(word).is_some());
        found.map_or("None", |(_, mode)| *mode)
    };
    let modes: BTreeSet<&str> = prompts.iter().map(mode_of).collect();
    if modes.len() == 1 { modes.into_iter().next() } else { None }
}

/// Each key of the config that has no effect here, with its value and what happens instead.
#[must_use]
pub fn not_understood(config: &Config) -> Vec<(String, Value, &'static str)> {
    let mut fields: Vec<(String, Value, &'static str)> = Vec::new();
    if let Some(turns) = config.max_turns {
        fields.push(("max_turns".into(), turns.into(), "turns are not limited; let the agent's command do it"));
    }
    if let Some(jobs) = config.parallel_subtests {
        fields.push(("parallel_subtests".into(), jobs.into(), "`--jobs` says how many runs are in flight"));
    }
    if config.use_containers == Some(true) {
        fields.push(("use_containers".into(), true.into(), "`--containment` says how a run is contained"));
    }
    for (key, value) in &config.others {
        let instead = match key.as_str() {
            "criteria_file" | "rubric_file" => "the fixture names its own",
            "tiebreaker_model" => "of equal subtests the one that used fewer tokens wins",
            "keep_failed_workspaces" => "`--keep-workspaces failed` does it",
            "max_concurrent_workspaces" | "max_concurrent_agents" => "`--jobs` says how many runs are in flight",
            "off_peak" => "there are no times of day at which nothing is started",
            "fail_on_resource_check" => "what the system refuses is an error when it refuses it",
            key if ["until_", "from_", "filter_"].iter().any(|prefix| key.starts_with(prefix)) => {
                "every missing run is made to its end"
            }
            key if key.starts_with("agamemnon") || key.starts_with("maestro") => "no failures are injected",
            _ => "it is not known here",
        };
        if !is_nothing(value) || instead == "it is not known here" {
            fields.push((key.clone(), value.clone(), instead));
        }
    }
    fields
}

/// A value that has no effect in ProjectScylla.
fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Array(values) => values.is_empty(),
        Value::Bool(true) | Value::Number(_) | Value::String(_) | Value::Object(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn run(text: &str) -> RunId {
        text.parse().unwrap()
    }

    fn numbers(numbers: &[u32]) -> Vec<SubtestId> {
        numbers.iter().map(|number| SubtestId(*number)).collect()
    }

    #[test]
    fn what_agents_were_told_to_think_stands_in_their_prompts_and_is_never_invented() {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        for (mode, prompts) in [
            (Some("None"), texts(&["Do it.\n", "Do it.\n\nClean up."])),
            (Some("Low"), texts(&["think\n\nDo it.\n"])),
            (Some("High"), texts(&["think hard\n\nDo it.\n", "think hard\nDo it."])),
            (Some("UltraThink"), texts(&["ultrathink\n\nDo it.\n"])),
            (Some("None"), texts(&["thinking is not asked for"])),
            (None, texts(&["ultrathink\n\nDo it.\n", "Do it.\n"])),
            (None, texts(&[])),
        ] {
            assert_eq!(thinking_mode(&prompts, Some("Do it.")), mode, "{prompts:?}");
        }
        assert_eq!(thinking_mode(&texts(&["think of a number"]), Some("think of a number")), Some("None"));
    }

    #[test]
    fn agents_that_would_be_paid_again_are_named() {
        let mut survey = Survey::default();
        let unfinished = |agent_complete| RunSeen::Unfinished { agent_complete, spent: Total::ZERO };
        survey.runs.insert(run("T0/00/1"), unfinished(true));
        survey.runs.insert(run("T0/00/2"), unfinished(false));
        survey.runs.insert(run("T0/00/3"), RunSeen::Unreadable);
        let taken = TakenOver::of(&survey);
        assert_eq!(taken.unjudged, [run("T0/00/1"), run("T0/00/3")]);
        assert_eq!(taken.unfinished.len(), 3);
    }

    #[test]
    fn the_index_keeps_verdicts_and_forgets_agents_that_are_given_up() {
        let mut recorded = CompletedRuns::default();
        recorded.set(run("T0/00/1"), RunStatus::Passed);
        recorded.set(run("T0/00/2"), RunStatus::AgentComplete);
        let index = TakenOver::default().index(&recorded);
        assert_eq!(index.entries().collect::<Vec<_>>(), [(run("T0/00/1"), RunStatus::Passed)]);
    }

    #[test]
    fn the_plan_is_what_is_known_and_then_what_the_fixture_has() {
        let config = |most| Config {
            tiers_to_run: vec![TierId(0), TierId(1)],
            max_subtests: most,
            runs_per_subtest: 1,
            ..Config::default()
        };
        let mut known = Plan::default();
        known.add(TierId(0), SubtestId(5), 1);
        let fixture = BTreeMap::from([(TierId(0), numbers(&[0, 1, 5])), (TierId(1), numbers(&[1, 2, 3]))]);
        let none = BTreeSet::new();
        let planned = |most| subtests(&config(most), &known, &fixture, &none).unwrap();
        assert_eq!(planned(None), fixture);
        let limited = BTreeMap::from([(TierId(0), numbers(&[0, 5])), (TierId(1), numbers(&[1, 2]))]);
        assert_eq!(planned(Some(2)), limited);
        let only_t0 = BTreeMap::from([(TierId(0), numbers(&[0]))]);
        let gap = |missing| subtests(&config(None), &known, &only_t0, &missing).unwrap_err();
        assert_eq!(gap(BTreeSet::new()), PlanGap::Tier(TierId(1)));
        assert_eq!(gap(BTreeSet::from([(TierId(0), SubtestId(5))])), PlanGap::Subtest(TierId(0), SubtestId(5)));
    }

    #[test]
    fn missing_runs_inherit_as_those_of_their_time_did_or_a_person_decides() {
        let of = |version, tiers: &[u32]| way_to_inherit(version, &tiers.iter().map(|tier| TierId(*tier)).collect());
        assert_eq!(of(Version::V3_1, &[1, 5]), Some(Inherit::PreviousBest));
        assert_eq!(of(Version::V2_0, &[]), Some(Inherit::AsDeclared));
        assert_eq!(of(Version::V2_0, &[1, 4]), Some(Inherit::None));
        assert_eq!(of(Version::V2_0, &[5, 6]), Some(Inherit::AsDeclared));
        assert_eq!(of(Version::V2_0, &[4, 5]), None);
    }

    #[test]
    fn what_has_an_effect_there_and_none_here_is_named() {
        let others = json!({
            "off_peak": true, "from_run_state": null, "filter_tiers": [], "until_run_state": "diff_captured",
            "keep_failed_workspaces": false, "something": null,
        });
        let config = Config {
            max_turns: Some(20),
            use_containers: Some(false),
            others: others.as_object().unwrap().clone(),
            ..Config::default()
        };
        let names: Vec<String> = not_understood(&config).into_iter().map(|(name, ..)| name).collect();
        assert_eq!(names, ["max_turns", "off_peak", "until_run_state", "something"]);
    }
}
