//! The gate: what a person requires of an experiment before its numbers are used, and which requirements are not met.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use crate::model::control::Controls;
use crate::model::finding::{Finding, FindingKind, Level};
use crate::model::ids::{RunId, SetupId, SubtestId, TierId};
use crate::model::outcome::RunStatus;
use crate::model::plan::Plan;
use crate::model::survey::{ExperimentSeal, RunSeen, Survey};

use super::status::status_on_disk;

/// The requirements; what is `None`, empty or `false` is not required.
#[derive(Debug, Clone, PartialEq, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a requirement of its own")]
pub struct Policy {
    /// Most planned runs without a result.
    pub max_missing: Option<usize>,
    /// Most planned runs whose attempts are used up.
    pub max_errored: Option<usize>,
    /// Fewest results of each planned subtest.
    pub min_runs: Option<usize>,
    /// Fewest judges on whose votes each result must rest.
    pub min_judges: Option<usize>,
    /// Least shares of results that must have passed.
    pub min_pass_rate: Vec<LeastPassRate>,
    /// Whether warnings are not allowed.
    pub deny_warnings: bool,
    /// Whether secrets are not allowed in files that would be published.
    pub no_secrets: bool,
    /// A seal over the whole experiment that covers all of it.
    pub require_seal: bool,
    /// Whether the agents of each kind must have said one and the same version in every result.
    pub same_agent_version: bool,
}

/// A part of an experiment to which a requirement applies: `T1`, or `T1/02`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Scope {
    tier: TierId,
    subtest: Option<SubtestId>,
}

/// The least share of results that must have passed, of a part or of the whole experiment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LeastPassRate {
    /// The part; `None` for the whole experiment.
    pub of: Option<Scope>,
    /// From 0 to 1.
    pub rate: f64,
}

impl Scope {
    /// Whether it is one subtest.
    #[must_use]
    pub fn is_subtest(self) -> bool {
        self.subtest.is_some()
    }

    /// The one setup that it is; `None` for a tier.
    #[must_use]
    pub fn setup(self) -> Option<SetupId> {
        self.subtest.map(|subtest| (self.tier, subtest))
    }

    /// Its tier, or that of its subtest.
    #[must_use]
    pub fn tier(self) -> TierId {
        self.tier
    }

    /// Whether a run belongs to it.
    #[must_use]
    pub fn has(self, run: RunId) -> bool {
        run.tier == self.tier && self.subtest.is_none_or(|subtest| run.subtest == subtest)
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.subtest {
            Some(subtest) => write!(f, "{}/{subtest}", self.tier),
            None => write!(f, "{}", self.tier),
        }
    }
}

impl FromStr for Scope {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (tier, subtest) = text.split_once('/').map_or((text, None), |(tier, subtest)| (tier, Some(subtest)));
        let tier = tier.parse().map_err(|error| format!("{error}"))?;
        let subtest = subtest.map(str::parse).transpose().map_err(|error| format!("{error}"))?;
        Ok(Self { tier, subtest })
    }
}

impl FromStr for LeastPassRate {
    type Err = String;

    /// `0.8`, or `T1/02=0.8`.
    fn from_str(text: &str) -> Result<Self, String> {
        let (of, rate) = text.rsplit_once('=').map_or((None, text), |(of, rate)| (Some(of), rate));
        let number: f64 = rate.trim().parse().map_err(|_| format!("`{rate}` is not a number from 0 to 1"))?;
        if !(0.0..=1.0).contains(&number) {
            return Err(format!("`{rate}` is not a number from 0 to 1"));
        }
        Ok(Self { of: of.map(|of| of.trim().parse()).transpose()?, rate: number })
    }
}

/// A requirement that is not met.
#[derive(Debug, Clone, PartialEq)]
pub enum Unmet {
    /// More planned runs have no result than allowed.
    Missing {
        /// How many have none.
        runs: usize,
        /// How many are allowed.
        most: usize,
    },
    /// More runs have used up their attempts than allowed.
    Errored {
        /// How many have.
        runs: usize,
        /// How many are allowed.
        most: usize,
    },
    /// A subtest has fewer results than required.
    FewResults {
        /// The subtest.
        of: Scope,
        /// How many it has.
        results: usize,
        /// How many are required.
        least: usize,
    },
    /// A result rests on fewer votes than required.
    FewJudges {
        /// The run.
        run: RunId,
        /// How many judges voted.
        votes: usize,
        /// How many are required.
        least: usize,
    },
    /// Too few results passed.
    PassRate {
        /// The requirement.
        asked: LeastPassRate,
        /// Number of planned runs to which it applies.
        planned: usize,
        /// Number of those to which it does not, because they are of controls.
        of_controls: usize,
        /// Those with a result.
        results: usize,
        /// Those that passed.
        passed: usize,
    },
    /// There are warnings.
    Warnings(usize),
    /// A file that would be published contains a secret, as its run says: its place.
    Secret(String),
    /// A file that would be published contains a secret, which was seen there.
    Leak {
        /// The file.
        place: String,
        /// Its line.
        line: usize,
        /// What it is, without its text.
        what: String,
    },
    /// The seal over the whole experiment was not looked at.
    SealNotChecked,
    /// There is no seal over the whole experiment.
    Unsealed,
    /// There is one, and places came after it: how many.
    Outgrown(usize),
    /// The agents of a kind are not known to have been of one version.
    AgentVersions {
        /// The kind; `None` when no fixture names it.
        kind: Option<&'static str>,
        /// How many results there are of each version that was said.
        said: BTreeMap<String, usize>,
        /// How many results say none.
        silent: usize,
        /// Whether nobody asked for one version but `vary` of the fixture, which names no versions.
        by_vary: bool,
    },
}

/// The requirements of a policy that are not met.
#[must_use]
pub fn unmet(
    policy: &Policy,
    survey: &Survey,
    (plan, controls): (&Plan, &Controls),
    findings: &[Finding],
) -> Vec<Unmet> {
    let seen = Planned { survey, plan, controls };
    let mut unmet = seen.too_many(policy);
    unmet.extend(policy.min_runs.into_iter().flat_map(|least| seen.few_results(least)));
    unmet.extend(policy.min_judges.into_iter().flat_map(|least| seen.few_judges(least)));
    unmet.extend(policy.min_pass_rate.iter().filter_map(|asked| seen.passes_too_seldom(*asked)));
    let warnings = findings.iter().filter(|finding| finding.kind.level() == Level::Warning).count();
    if policy.deny_warnings && warnings > 0 {
        unmet.push(Unmet::Warnings(warnings));
    }
    if policy.no_secrets {
        let holds = |finding: &&Finding| finding.kind == FindingKind::SecretInPatch;
        unmet.extend(findings.iter().filter(holds).map(|finding| Unmet::Secret(finding.place.clone())));
    }
    match (policy.require_seal, &survey.seal) {
        (true, None) => unmet.push(Unmet::SealNotChecked),
        (true, Some(ExperimentSeal { digest: None, .. })) => unmet.push(Unmet::Unsealed),
        (true, Some(seal)) if !seal.outgrown.is_empty() => unmet.push(Unmet::Outgrown(seal.outgrown.len())),
        _ => {}
    }
    unmet
}

/// The kinds of agents that are not known to have been of one version; of each result the kind, and the version that the agent
/// said. A kind of which no result says a version is among them: nobody knows then.
#[must_use]
pub fn several_versions(
    results: impl Iterator<Item = (Option<&'static str>, Option<String>)>,
    by_vary: bool,
) -> Vec<Unmet> {
    let mut kinds: BTreeMap<Option<&'static str>, (BTreeMap<String, usize>, usize)> = BTreeMap::new();
    for (kind, version) in results {
        let (said, silent) = kinds.entry(kind).or_default();
        *version.map_or(silent, |version| said.entry(version).or_default()) += 1;
    }
    let several = kinds.into_iter().filter(|(_, (said, silent))| said.len() != 1 || *silent > 0);
    several.map(|(kind, (said, silent))| Unmet::AgentVersions { kind, said, silent, by_vary }).collect()
}

/// The planned runs, and their state in the folder.
struct Planned<'a> {
    survey: &'a Survey,
    plan: &'a Plan,
    /// Setups that measure no agent: a pass rate of a tier or of all is without them, one of a setup that is named is not.
    controls: &'a Controls,
}

impl Planned<'_> {
    fn has(&self, run: RunId, is: impl Fn(RunStatus) -> bool) -> bool {
        status_on_disk(self.survey, run).is_some_and(is)
    }

    fn too_many(&self, policy: &Policy) -> Vec<Unmet> {
        let count = |is: &dyn Fn(RunId) -> bool| self.plan.runs().filter(|run| is(*run)).count();
        let missing = policy.max_missing.and_then(|most| {
            let runs = self.survey.runs_of_unknown_tiers() + count(&|run| !self.has(run, RunStatus::is_judged));
            (runs > most).then_some(Unmet::Missing { runs, most })
        });
        let errored = policy.max_errored.and_then(|most| {
            let runs = count(&|run| self.has(run, |status| status == RunStatus::Errored));
            (runs > most).then_some(Unmet::Errored { runs, most })
        });
        missing.into_iter().chain(errored).collect()
    }

    fn few_results(&self, least: usize) -> Vec<Unmet> {
        let mut results: BTreeMap<Scope, usize> = BTreeMap::new();
        for run in self.plan.runs() {
            let of = Scope { tier: run.tier, subtest: Some(run.subtest) };
            *results.entry(of).or_default() += usize::from(self.has(run, RunStatus::is_judged));
        }
        let few = results.into_iter().filter(|(_, results)| *results < least);
        few.map(|(of, results)| Unmet::FewResults { of, results, least }).collect()
    }

    fn few_judges(&self, least: usize) -> Vec<Unmet> {
        let votes = self.plan.runs().filter_map(|run| Some((run, usize::from(self.votes(run)?))));
        votes.filter(|(_, votes)| *votes < least).map(|(run, votes)| Unmet::FewJudges { run, votes, least }).collect()
    }

    fn votes(&self, run: RunId) -> Option<u16> {
        match self.survey.runs.get(&run) {
            Some(RunSeen::Committed(facts)) if facts.passed.is_some() => Some(facts.votes),
            Some(_) | None => None,
        }
    }

    fn passes_too_seldom(&self, asked: LeastPassRate) -> Option<Unmet> {
        let is_named = asked.of.is_some_and(Scope::is_subtest);
        let of_part = self.plan.runs().filter(|run| asked.of.is_none_or(|part| part.has(*run)));
        let (runs, controls): (Vec<RunId>, Vec<RunId>) =
            of_part.partition(|run| is_named || self.controls.measures_agent(*run));
        let results = runs.iter().filter(|run| self.has(**run, RunStatus::is_judged)).count();
        let passed = runs.iter().filter(|run| self.has(**run, |status| status == RunStatus::Passed)).count();
        // Compared as products, so that 4 of 5 are 0.8 whatever rounding a quotient would have.
        #[expect(clippy::cast_precision_loss, reason = "no experiment has so many runs")]
        let is_met = results > 0 && passed as f64 >= asked.rate * results as f64 - 1e-9;
        (!is_met).then_some(Unmet::PassRate {
            asked,
            planned: runs.len(),
            of_controls: controls.len(),
            results,
            passed,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agents_of_a_kind_are_of_one_version_only_when_all_say_the_same() {
        let unmet = |results: &[(&'static str, Option<&str>)]| {
            let results = results.iter().map(|(kind, version)| (Some(*kind), version.map(str::to_owned)));
            let kinds = several_versions(results, false).into_iter().map(|unmet| match unmet {
                Unmet::AgentVersions { kind, said, silent, .. } => {
                    (kind.unwrap(), said.into_values().collect(), silent)
                }
                other => panic!("{other:?}"),
            });
            kinds.collect::<Vec<(&str, Vec<usize>, usize)>>()
        };
        assert!(unmet(&[]).is_empty());
        assert!(unmet(&[("aider", Some("1")), ("aider", Some("1")), ("command", Some("2"))]).is_empty());
        assert_eq!(
            unmet(&[("aider", Some("1")), ("aider", Some("2")), ("aider", Some("1"))]),
            [("aider", vec![2, 1], 0)]
        );
        assert_eq!(unmet(&[("aider", Some("1")), ("aider", None)]), [("aider", vec![1], 1)]);
        assert_eq!(unmet(&[("aider", Some("1")), ("codex", None), ("codex", None)]), [("codex", vec![], 2)]);
    }

    #[test]
    fn a_least_pass_rate_is_of_the_experiment_a_tier_or_a_subtest() {
        let part = |text: &str| Some(text.parse().unwrap());
        for (text, of, rate) in
            [("0.8", None, 0.8), ("T1=1", part("T1"), 1.0), ("T1/02=0.25", part("T1/02"), 0.25), ("0", None, 0.0)]
        {
            assert_eq!(text.parse(), Ok(LeastPassRate { of, rate }), "{text}");
        }
        for wrong in ["", "80%", "1.01", "-0.1", "NaN", "T1", "T1=", "=0.5", "one=0.5", "T1/2=0.5", "T1/02/1=0.5"] {
            assert!(wrong.parse::<LeastPassRate>().is_err(), "{wrong}");
        }
    }
}
