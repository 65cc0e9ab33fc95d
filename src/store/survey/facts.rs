//! The few facts of a result that counts and tables need, taken from its bytes without keeping them.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Component, Path};

use serde::Deserialize;
use serde::de::{self, Deserializer, SeqAccess, Visitor};

use crate::model::changes::NotCaptured;
use crate::model::digest::Digest;
use crate::model::grading::GradingNumber;
use crate::model::ids::{IdError, RunId, SubtestId, TierId};
use crate::model::money::Usd;
use crate::model::score::Score;
use crate::model::survey::GradedFacts;
use crate::upstream;

/// How far a panel's score may lie from the mean of its judges: rounding, and nothing else.
const MOST_ROUNDING: f64 = 1e-9;

/// What of `run_result.json` is looked at. Every key may be missing: the original's results have other ones. What is
/// there must have the right shape.
#[derive(Debug, Deserialize)]
pub(super) struct Facts<'a> {
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
    pub(super) judge_passed: Option<bool>,
    #[serde(default)]
    pub(super) judge_score: Option<Score>,
    #[serde(default)]
    pub(super) cost_usd: Option<Usd>,
    #[serde(default)]
    pub(super) judge_cost_usd: Option<Usd>,
    #[serde(default)]
    pub(super) failed_judge_cost_usd: Option<Usd>,
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
    pub(super) seal: Option<Text<'a>>,
    #[serde(borrow, default)]
    logs_path: Option<Text<'a>>,
    #[serde(borrow, default)]
    command_log_path: Option<Text<'a>>,
}

/// What the original's `agent/result.json` says.
#[derive(Debug, Deserialize)]
pub(super) struct OriginalAgent {
    exit_code: i64,
    token_stats: BTreeMap<String, f64>,
    pub(super) cost_usd: Usd,
}

impl OriginalAgent {
    /// Reads one; `None` when it is torn, or lacks what makes it one.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let loosely = || serde_json::from_slice(&upstream::result::strict(bytes).ok()?).ok();
        serde_json::from_slice(bytes).ok().or_else(loosely)
    }

    /// Whether the agent did anything: the original writes such files of agents that crashed or were killed, too.
    pub(super) fn is_usable(&self) -> bool {
        self.exit_code != -1 || self.token_stats.values().any(|count| *count > 0.0)
    }
}

/// A text that stays in the file's bytes unless it holds escapes. serde borrows a `Cow` that is a field, and copies one
/// in an `Option`.
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

/// The judges of a result, counted while they are read.
#[derive(Debug, Default)]
struct Judges {
    /// Judges that the result lists, with those that have no vote.
    listed: u32,
    count: u32,
    passed: u32,
    scores: f64,
    /// A judge without a verdict: then nothing follows from the list.
    incomplete: bool,
}

impl<'de> Deserialize<'de> for Judges {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Count;

        impl<'de> Visitor<'de> for Count {
            type Value = Judges;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of judges")
            }

            fn visit_unit<E>(self) -> Result<Judges, E> {
                Ok(Judges::default())
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Judges, A::Error> {
                #[derive(Deserialize)]
                struct Judge {
                    #[serde(default)]
                    passed: Option<bool>,
                    #[serde(default)]
                    score: Option<f64>,
                    #[serde(default)]
                    is_valid: Option<bool>,
                    #[serde(default)]
                    fallback: Option<bool>,
                }
                let mut judges = Judges::default();
                while let Some(Judge { passed, score, is_valid, fallback }) = list.next_element()? {
                    judges.listed += 1;
                    // The original lists judges that failed, and such as it made up; they have no vote.
                    if is_valid == Some(false) || fallback == Some(true) {
                        continue;
                    }
                    judges.count += 1;
                    judges.passed += u32::from(passed == Some(true));
                    judges.scores += score.unwrap_or_default();
                    judges.incomplete |= passed.is_none() || score.is_none();
                }
                Ok(judges)
            }
        }

        deserializer.deserialize_any(Count)
    }
}

impl<'a> Facts<'a> {
    /// Reads a whole result.
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, serde_json::Error> {
        // A list of values would pass for an object with these keys.
        if bytes.trim_ascii_start().first().is_some_and(|first| *first != b'{') {
            return Err(de::Error::custom("it is no JSON object"));
        }
        // Checked as a whole once, which is faster than each text by itself.
        serde_json::from_str(std::str::from_utf8(bytes).map_err(de::Error::custom)?)
    }

    /// What cost the result names, agent and judges together.
    pub(super) fn cost(&self) -> Usd {
        self.cost_usd.unwrap_or_default() + self.judge_cost_usd.unwrap_or_default()
    }

    /// What it says as the verdict of a grading.
    pub(super) fn graded(&self) -> GradedFacts {
        GradedFacts {
            passed: self.judge_passed,
            score: self.judge_score.map(Score::get),
            seconds: self.duration_seconds.unwrap_or_default(),
            judges: self.judge_cost_usd.unwrap_or_default(),
            failed_judges: self.failed_judge_cost_usd.unwrap_or_default(),
            record: self.grading_digest,
        }
    }

    /// How the result of a later grading differs from the run's own in what the agent did, or, of the grading under which
    /// the run was committed, in its verdict.
    pub(super) fn differs_from(&self, own: &Self) -> Option<String> {
        let agent = self.cost_usd != own.cost_usd || self.config_hash.as_deref() != own.config_hash.as_deref();
        let verdict = self.grading == own.grading && self.graded() != own.graded_without_failed(self);
        (agent || verdict).then(|| "it does not agree with the run's own result".to_owned())
    }

    fn graded_without_failed(&self, other: &Self) -> GradedFacts {
        GradedFacts { failed_judges: other.failed_judge_cost_usd.unwrap_or_default(), ..self.graded() }
    }

    /// How the result's own words differ from the folder that it lies in. Of which experiment it should be is for the
    /// audit to say.
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

    /// The winners that the run took over, such as `T0/03`.
    pub(super) fn winners(&self) -> impl Iterator<Item = Result<(TierId, SubtestId), String>> {
        self.inherited_from.iter().map(|name| {
            let (tier, subtest) = name.split_once('/').ok_or_else(|| format!("`{name}` is no subtest of a tier"))?;
            let wrong = |error: IdError| error.to_string();
            Ok((tier.parse().map_err(wrong)?, subtest.parse().map_err(wrong)?))
        })
    }

    /// The files of the run that the result names by absolute paths, as they were called when it was written, as places
    /// below the run's folder.
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
        let Judges { listed, count, passed, scores, incomplete } = self.judges;
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
mod tests {
    use super::*;

    fn run() -> RunId {
        "T0/00/1".parse().unwrap()
    }

    fn contradiction(json: &str) -> Option<String> {
        Facts::parse(json.as_bytes()).unwrap().contradiction()
    }

    #[test]
    fn a_verdict_is_the_strict_majority_and_the_mean() {
        for (json, agrees) in [
            (r#"{"judge_passed":true,"judge_score":0.5,"judges":[{"passed":true,"score":0.5}]}"#, true),
            (r#"{"judge_passed":false,"judge_score":0.5,"judges":[{"passed":true,"score":0.5}]}"#, false),
            (r#"{"judge_passed":true,"judges":[{"passed":true,"score":1},{"passed":false,"score":0}]}"#, false),
            (r#"{"judge_passed":false,"judges":[{"passed":true,"score":1},{"passed":false,"score":0}]}"#, true),
            (r#"{"judge_score":0.3,"judges":[{"passed":true,"score":0.1},{"passed":true,"score":0.5}]}"#, true),
            (r#"{"judge_score":0.300001,"judges":[{"passed":true,"score":0.1},{"passed":true,"score":0.5}]}"#, false),
            (r#"{"judge_passed":true,"judge_score":1,"judges":[]}"#, true),
            (r#"{"judge_passed":true,"judge_score":1,"judges":null}"#, true),
            (r#"{"judge_passed":true,"judges":[{"passed":false,"score":null}]}"#, true),
            (
                r#"{"judge_passed":true,"judges":[{"passed":true,"score":1},{"passed":false,"score":0,"is_valid":false}]}"#,
                true,
            ),
            (
                r#"{"judge_passed":true,"judges":[{"passed":true,"score":0.7,"fallback":true},{"passed":false,"score":0}]}"#,
                false,
            ),
            (
                r#"{"judge_passed":false,"judge_score":0.0,"judges":[{"passed":false,"score":0,"is_valid":false}]}"#,
                false,
            ),
            (
                r#"{"judge_passed":false,"judge_score":null,"judges":[{"passed":false,"score":0,"is_valid":false}]}"#,
                true,
            ),
        ] {
            assert_eq!(contradiction(json).is_none(), agrees, "{json}");
        }
    }

    #[test]
    fn only_what_a_result_says_can_be_misplaced() {
        for (json, found) in [
            ("{}", None),
            (r#"{"experiment_id":"test-001","tier":"T0","subtest":"00","run_number":1}"#, None),
            (r#"{"tier":"T1","subtest":"01","run_number":2}"#, Some("it names tier `T1`, subtest `01`, run 2")),
            (r#"{"tier":"../T0"}"#, Some("it names tier `../T0`")),
        ] {
            let misplaced = Facts::parse(json.as_bytes()).unwrap().misplaced(run());
            assert_eq!(misplaced.as_deref(), found, "{json}");
        }
    }

    #[test]
    fn files_that_a_result_names_are_found_by_what_follows_the_folder_of_its_run() {
        let json =
            r#"{"logs_path":"/home/x/results/old/T0/00/run_01/agent","command_log_path":"/T0/00/run_01/../../x"}"#;
        let facts = Facts::parse(json.as_bytes()).unwrap();
        assert_eq!(facts.named_files(run()).collect::<Vec<_>>(), ["agent"]);
        let none = facts.named_files("T0/00/2".parse().unwrap()).count();
        assert_eq!(none, 0, "paths of other runs are not looked at");
    }

    #[test]
    fn an_agent_that_crashed_before_it_did_anything_is_not_usable() {
        for (json, usable) in [
            (r#"{"exit_code":0,"token_stats":{},"cost_usd":0.5}"#, Some(true)),
            (
                r#"{"exit_code":-1,"token_stats":{"input_tokens":0,"cache_read_input_tokens":7},"cost_usd":0.5}"#,
                Some(true),
            ),
            (r#"{"exit_code":-1,"token_stats":{"input_tokens":0,"output_tokens":0},"cost_usd":0}"#, Some(false)),
            (r#"{"exit_code":0,"cost_usd":0.5}"#, None),
            (r#"{"exit_code":0,"token_stats":{},"cost_usd""#, None),
        ] {
            assert_eq!(OriginalAgent::parse(json.as_bytes()).map(|agent| agent.is_usable()), usable, "{json}");
        }
    }

    #[test]
    fn what_has_the_wrong_shape_is_no_result() {
        for wrong in [
            "",
            "null",
            "[]",
            "{} {}",
            r#"{"judge_passed":"true"}"#,
            r#"{"judge_passed":true,"judge_passed":false}"#,
            r#"{"judge_score":1.5}"#,
            r#"{"judge_score":NaN}"#,
            r#"{"cost_usd":-1}"#,
            r#"{"judges":{}}"#,
            r#"{"run_number":-1}"#,
        ] {
            assert!(Facts::parse(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn depth_that_nobody_looks_at_does_no_harm() {
        let deep = format!("{{\"x\":{}{},\"judge_passed\":true}}", "[".repeat(1 << 20), "]".repeat(1 << 20));
        let parsed = Facts::parse(deep.as_bytes());
        assert!(parsed.is_err() || parsed.is_ok_and(|facts| facts.judge_passed == Some(true)));
    }
}
