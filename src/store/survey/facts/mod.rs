//! The few facts of a result that counts and tables need, taken from its bytes without keeping them.

use std::borrow::Cow;
use std::fmt;
use std::path::{Component, Path};

use serde::Deserialize;
use serde::de::value::StrDeserializer;
use serde::de::{self, IgnoredAny, IntoDeserializer};

use crate::model::changes::{NotCaptured, Remainder};
use crate::model::digest::Digest;
use crate::model::flag::Flag;
use crate::model::grading::GradingNumber;
use crate::model::ids::{IdError, RunId, SetupId};
use crate::model::money::Usd;
use crate::model::outcome::AgentEnd;
use crate::model::sandbox::WayOfIsolation;
use crate::model::score::Score;
use crate::model::shortfall::{FailedOf, Shortfall, whole_seconds};
use crate::model::survey::GradedFacts;
use crate::model::usage::Total;
use crate::store::own_digest::Own;

mod judges;
mod lines;

use judges::Judges;

/// How far a panel's score may differ from the mean of its judges because of rounding.
const MOST_ROUNDING: f64 = 1e-9;

/// The source of a cost that is estimated.
const ESTIMATED: &str = "estimated";

/// The parts of `run_result.json` that are read. Every key may be missing: results of other forms have other keys. Keys
/// that are present must have the right shape.
#[derive(Debug, Default, Deserialize)]
pub(super) struct ReadFacts<'a> {
    #[serde(borrow, default)]
    pub(super) version: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) experiment_id: Option<Text<'a>>,
    #[serde(borrow, default)]
    tier: Option<Text<'a>>,
    #[serde(borrow, default)]
    subtest: Option<Text<'a>>,
    #[serde(default)]
    run_number: Option<u32>,
    #[serde(borrow, default)]
    pub(super) config_hash: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) baseline_commit: Option<Text<'a>>,
    #[serde(default)]
    pub(super) former_attempts: Option<u32>,
    #[serde(default)]
    pub(super) former_cost_usd: Option<Usd>,
    #[serde(default)]
    pub(super) former_cost_unknown: Option<u32>,
    #[serde(default)]
    pub(super) judge_passed: Option<bool>,
    #[serde(default)]
    pub(super) judge_score: Option<Score>,
    #[serde(default)]
    cost_usd: Option<Usd>,
    #[serde(borrow, default)]
    cost_source: Option<Text<'a>>,
    #[serde(default)]
    cost_unknown: Option<u32>,
    #[serde(default)]
    judge_cost_usd: Option<Usd>,
    #[serde(default)]
    judge_cost_unknown: Option<u32>,
    #[serde(default)]
    judge_cost_estimated: Option<bool>,
    #[serde(default)]
    failed_judge_cost_usd: Option<Usd>,
    #[serde(default)]
    failed_judge_cost_unknown: Option<u32>,
    #[serde(default)]
    failed_judge_cost_estimated: Option<bool>,
    #[serde(default)]
    pub(super) grading: GradingNumber,
    #[serde(default)]
    grading_digest: Option<Digest>,
    #[serde(default)]
    pub(super) duration_seconds: Option<f64>,
    #[serde(default)]
    pub(super) keeps_workspace: Option<bool>,
    #[serde(default)]
    judges: Judges,
    #[serde(borrow, default)]
    inherited_from: Vec<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) flags: Vec<Text<'a>>,
    #[serde(default)]
    pub(super) not_captured: Option<NotCaptured>,
    #[serde(borrow, default)]
    agent_end: Option<Text<'a>>,
    #[serde(borrow, default)]
    sandbox: Option<Text<'a>>,
    #[serde(borrow, default)]
    network: Option<Text<'a>>,
    #[serde(borrow, default)]
    not_isolated: Vec<Text<'a>>,
    #[serde(borrow, default)]
    readable: Vec<Text<'a>>,
    #[serde(borrow, default)]
    allow: Vec<Text<'a>>,
    #[serde(default)]
    exit_code: Option<i64>,
    #[serde(default)]
    changed_nothing: Option<bool>,
    #[serde(borrow, default)]
    checks: Option<Vec<Check<'a>>>,
    #[serde(borrow, default)]
    pub(super) seal: Option<Text<'a>>,
    #[serde(borrow, default)]
    logs_path: Option<Text<'a>>,
    #[serde(borrow, default)]
    command_log_path: Option<Text<'a>>,
}

/// The costs of agent and judges that a result names.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Costs {
    pub(super) agent: Total,
    /// Of judges that gave the verdict.
    pub(super) judges: Total,
    /// Of judges that gave no valid answer.
    pub(super) failed_judges: Total,
}

/// The result of a check.
#[derive(Debug, Deserialize)]
struct Check<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    passed: bool,
    #[serde(default)]
    timed_out: bool,
    #[serde(default)]
    duration_seconds: f64,
    #[serde(default)]
    not_applicable: Option<IgnoredAny>,
}

/// A text that is borrowed from the file's bytes unless it contains escapes. serde borrows a `Cow` that is a field, but
/// copies one in an `Option`.
#[derive(Debug, Deserialize)]
pub(super) struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl std::ops::Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self)
    }
}

/// What a word of a result means, where it is known.
fn known<'a, T: Deserialize<'a>>(word: &'a Text<'_>) -> Option<T> {
    let named: StrDeserializer<'a, de::value::Error> = (**word).into_deserializer();
    T::deserialize(named).ok()
}

impl<'a> ReadFacts<'a> {
    /// Why the run did not pass; `None` when it did, or when the result does not say how the agent ended.
    pub(super) fn shortfall(&self) -> Option<Shortfall> {
        let end: AgentEnd = known(self.agent_end.as_ref()?)?;
        let failed = self.checks.iter().flatten().filter(|check| !check.passed && check.not_applicable.is_none());
        let checks = failed.map(|check| FailedOf {
            name: check.name.to_string(),
            timed_out_after: check.timed_out.then(|| whole_seconds(check.duration_seconds)),
        });
        let shortfall = Shortfall {
            end,
            exit_code: self.exit_code.and_then(|code| i32::try_from(code).ok()),
            changed_nothing: self.changed_nothing == Some(true),
            checks: checks.collect(),
        };
        shortfall.has_a_reason().then_some(shortfall)
    }

    /// Reads a whole result, with what was found about its own digest.
    pub(super) fn read(bytes: &'a [u8], own: Own) -> Result<Self, serde_json::Error> {
        let lines = if own == Own::Right { lines::facts(bytes) } else { None };
        lines.map_or_else(|| Self::parse(bytes), Ok)
    }

    /// Reads a whole result.
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, serde_json::Error> {
        // serde would accept a list of values for an object with these keys.
        if bytes.trim_ascii_start().first().is_some_and(|first| *first != b'{') {
            return Err(de::Error::custom("it is no JSON object"));
        }
        // Validated as a whole once, which is faster than validating each text by itself.
        serde_json::from_str(std::str::from_utf8(bytes).map_err(de::Error::custom)?)
    }

    /// Whether the result says that its patch contains a secret.
    pub(super) fn has_secret_in_patch(&self) -> bool {
        self.known_flags().any(|flag| flag == Flag::SecretInPatch)
    }

    /// What the agent left that was not captured; `None` when that is nothing.
    pub(super) fn remainder(&self, run: RunId) -> Option<Remainder> {
        Remainder::of(run, self.not_captured, self.known_flags().collect())
    }

    fn known_flags(&self) -> impl Iterator<Item = Flag> {
        self.flags.iter().filter_map(|flag| Flag::named(flag))
    }

    /// How its agent was isolated; `None` where the result does not say it in words that are known.
    pub(super) fn isolated(&self) -> Option<WayOfIsolation> {
        let (sandbox, network) = (known(self.sandbox.as_ref()?)?, known(self.network.as_ref()?)?);
        let not_isolated = self.not_isolated.iter().map(known).collect::<Option<_>>()?;
        Some(WayOfIsolation {
            sandbox,
            network,
            not_isolated,
            readable: self.readable.iter().map(Text::to_string).collect(),
            allow: self.allow.iter().map(known).collect::<Option<_>>()?,
        })
    }

    /// The costs that the result names. Other tools name none for judges.
    pub(super) fn costs(&self) -> Costs {
        let of = |usd: Option<Usd>, unknown: Option<u32>, is_estimated| Total {
            known: usd.unwrap_or_default(),
            unknown: unknown.unwrap_or_default(),
            is_estimated,
        };
        let names_none = self.judge_cost_usd.is_none() && self.judge_cost_unknown.is_none();
        let unknown_judges = if names_none { Some(self.judges.listed) } else { self.judge_cost_unknown };
        // A sum says it since that was a key; what it is a sum of always does.
        let of_judges = self.judge_cost_estimated == Some(true) || self.judges.estimated;
        let of_failed = self.failed_judge_cost_estimated == Some(true);
        let of_agent = self.cost_source.as_ref().is_some_and(|source| **source == *ESTIMATED);
        // One part of its sum, of however many requests it is not known.
        let unknown_agent = u32::from(self.cost_usd.is_none() || self.cost_unknown > Some(0));
        Costs {
            agent: of(self.cost_usd, Some(unknown_agent), of_agent),
            judges: of(self.judge_cost_usd, unknown_judges, of_judges),
            failed_judges: of(self.failed_judge_cost_usd, self.failed_judge_cost_unknown, of_failed),
        }
    }

    /// The cost of former attempts that it names, as far as it is known.
    pub(super) fn former_cost(&self) -> Option<Usd> {
        self.former_cost_usd.or_else(|| self.former_cost_unknown.map(|_| Usd::ZERO))
    }

    /// Judges whose votes its verdict rests on.
    pub(super) fn votes(&self) -> u16 {
        u16::try_from(self.judges.count).unwrap_or(u16::MAX)
    }

    /// The verdict that it names, as that of a grading with these costs.
    pub(super) fn graded(&self, costs: &Costs) -> GradedFacts {
        GradedFacts {
            passed: self.judge_passed,
            score: self.judge_score.map(Score::get),
            votes: self.votes(),
            seconds: self.duration_seconds.unwrap_or_default(),
            judges: costs.judges,
            failed_judges: costs.failed_judges,
            record: self.grading_digest,
        }
    }

    /// How the result of a later grading differs from the run's own in what the agent did, or, for the grading under
    /// which the run was committed, in its verdict.
    pub(super) fn differs_from(&self, own: &Self) -> Option<String> {
        // Results of another version may have 0 where the cost is not known.
        let known = |facts: &Self| facts.cost_usd.unwrap_or_default();
        let is_one_version = self.version.as_deref() == own.version.as_deref();
        let agent = known(self) != known(own) || (is_one_version && self.cost_usd.is_some() != own.cost_usd.is_some());
        let config = self.config_hash.as_deref() != own.config_hash.as_deref();
        let verdict = self.grading == own.grading && self.verdict() != own.verdict();
        (agent || config || verdict).then(|| "it does not agree with the run's own result".to_owned())
    }

    fn verdict(&self) -> (Option<bool>, Option<Score>, Option<f64>, Usd, Option<Digest>) {
        let judges = self.judge_cost_usd.unwrap_or_default();
        (self.judge_passed, self.judge_score, self.duration_seconds, judges, self.grading_digest)
    }

    /// How the run that the result names differs from the folder that it is in. Which experiment it must name is
    /// checked by the audit.
    pub(super) fn misplaced(&self, run: RunId) -> Option<String> {
        let mut differing = Vec::new();
        if let Some(found) = &self.tier
            && found.parse() != Ok(run.tier)
        {
            differing.push(format!("tier `{found}`"));
        }
        if let Some(found) = &self.subtest
            && found.parse() != Ok(run.subtest)
        {
            differing.push(format!("subtest `{found}`"));
        }
        if let Some(found) = self.run_number
            && found != run.run.get()
        {
            differing.push(format!("run {found}"));
        }
        (!differing.is_empty()).then(|| format!("it names {}", differing.join(", ")))
    }

    /// The winners that the run inherited from, such as `T0/03`.
    pub(super) fn winners(&self) -> impl Iterator<Item = Result<SetupId, String>> {
        self.inherited_from.iter().map(|name| {
            let (tier, subtest) = name.split_once('/').ok_or_else(|| format!("`{name}` is no subtest of a tier"))?;
            let wrong = |error: IdError| error.to_string();
            Ok((tier.parse().map_err(wrong)?, subtest.parse().map_err(wrong)?))
        })
    }

    /// The files of the run that the result names by absolute paths of the time when it was written, as paths below the
    /// run's folder.
    pub(super) fn named_files(&self, run: RunId) -> impl Iterator<Item = &str> {
        let folder = format!("/{run}/");
        let named = [&self.logs_path, &self.command_log_path].into_iter().flatten();
        named.filter_map(move |path| {
            let below = path.rsplit_once(folder.as_str())?.1;
            let inside = Path::new(below).components().all(|part| matches!(part, Component::Normal(_)));
            (inside && !below.is_empty()).then_some(below)
        })
    }

    /// How the verdict contradicts the judges that the result lists.
    pub(super) fn contradiction(&self) -> Option<String> {
        let Judges { listed, count, passed, scores, incomplete, .. } = self.judges;
        if count == 0
            && listed > 0
            && let Some(score) = self.judge_score
        {
            return Some(format!("it says score {}, and none of its {listed} judges gave a valid answer", score.get()));
        }
        if count == 0 || incomplete {
            return None;
        }
        let majority = passed > count - passed;
        if self.judge_passed.is_some_and(|verdict| verdict != majority) {
            let verdict = if majority { "failed" } else { "passed" };
            return Some(format!("it says {verdict}, and {passed} of {count} judges passed it"));
        }
        let mean = scores / f64::from(count);
        self.judge_score
            .filter(|score| (score.get() - mean).abs() > MOST_ROUNDING)
            .map(|score| format!("it says score {}, and the mean of its judges is {mean}", score.get()))
    }
}

#[cfg(test)]
mod tests;
