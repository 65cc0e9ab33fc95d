//! `checkpoint.json`: the index of committed runs and the experiment's status. It can be deleted and is rebuilt.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use super::digest::Digest;
use super::grading::GradingNumber;
use super::ids::{ExperimentId, RunId, RunNumber, SubtestId, TierId};
use super::outcome::{ExperimentStatus, Failure, RunStatus};
use super::result::FORMAT_VERSION;

/// Version that is written.
///
/// 4.0 is the first of this tool (0.1.0); lower ones belong to another tool. It names no absolute path. 4.1 carries a
/// digest of itself. 4.2 is the version of all files of an experiment; it changed nothing in this one.
pub const CHECKPOINT_VERSION: &str = FORMAT_VERSION;

/// Tier → subtest → run number → status; sorted, so that equal states are equal bytes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct CompletedRuns(
    #[schemars(with = "BTreeMap<String, BTreeMap<String, BTreeMap<String, RunStatus>>>")]
    BTreeMap<TierId, BTreeMap<SubtestId, BTreeMap<RunNumber, RunStatus>>>,
);

impl CompletedRuns {
    /// Records a run's status; gives the former one.
    pub fn set(&mut self, run: RunId, status: RunStatus) -> Option<RunStatus> {
        self.0.entry(run.tier).or_default().entry(run.subtest).or_default().insert(run.run, status)
    }

    /// Removes a run; empty subtests and tiers go with it.
    pub fn remove(&mut self, run: RunId) {
        if let Some(subtests) = self.0.get_mut(&run.tier) {
            if let Some(runs) = subtests.get_mut(&run.subtest) {
                runs.remove(&run.run);
            }
            subtests.retain(|_, runs| !runs.is_empty());
        }
        self.0.retain(|_, subtests| !subtests.is_empty());
    }

    /// The status of a run.
    #[must_use]
    pub fn get(&self, run: RunId) -> Option<RunStatus> {
        self.0.get(&run.tier)?.get(&run.subtest)?.get(&run.run).copied()
    }

    /// Every entry, by tier, subtest and number.
    pub fn entries(&self) -> impl Iterator<Item = (RunId, RunStatus)> + '_ {
        self.0.iter().flat_map(|(tier, subtests)| {
            subtests.iter().flat_map(move |(subtest, runs)| {
                runs.iter().map(move |(run, status)| (RunId { tier: *tier, subtest: *subtest, run: *run }, *status))
            })
        })
    }

    /// How many runs it names.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.values().flat_map(BTreeMap::values).map(BTreeMap::len).sum()
    }

    /// Whether it names none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The runs that have a verdict, by later grading.
pub type Verdicts = BTreeMap<GradingNumber, BTreeSet<RunId>>;

/// Until when a model is not to be asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RateLimit {
    /// The model that is limited.
    pub model: String,
    /// When its provider says that one may go on.
    #[schemars(with = "String")]
    pub until: Timestamp,
}

/// The hash of a config that a checkpoint names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConfigHash {
    /// Ours: the digest of the config's result fields.
    Ours(Digest),
    /// That of another tool, as text.
    Foreign(String),
}

impl From<Digest> for ConfigHash {
    fn from(digest: Digest) -> Self {
        Self::Ours(digest)
    }
}

impl PartialEq<Digest> for ConfigHash {
    fn eq(&self, digest: &Digest) -> bool {
        matches!(self, Self::Ours(ours) if ours == digest)
    }
}

impl fmt::Display for ConfigHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ours(digest) => digest.fmt(f),
            Self::Foreign(text) => text.fmt(f),
        }
    }
}

impl Serialize for ConfigHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ConfigHash {
    /// Only this tool's hashes are read this way: checkpoints of other tools are read as documents.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Digest::deserialize(deserializer).map(Self::Ours)
    }
}

/// The whole checkpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Checkpoint {
    /// Format of the file.
    pub version: String,
    /// The experiment that it indexes.
    pub experiment_id: ExperimentId,
    /// Digest of the config's result fields at the start.
    #[schemars(with = "Digest")]
    pub config_hash: ConfigHash,
    /// Where the experiment stands.
    pub status: ExperimentStatus,
    /// The index.
    pub completed_runs: CompletedRuns,
    /// When the experiment was started first.
    #[schemars(with = "String")]
    pub started_at: Timestamp,
    /// When this file was written.
    #[schemars(with = "String")]
    pub last_updated_at: Timestamp,
    /// Seconds that sessions worked on it, by a clock that nobody sets; what no session worked does not count.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub worked_seconds: f64,
    /// The entry of `rate_limits` that lasts longest, for readers of earlier versions.
    #[serde(default)]
    pub rate_limit: Option<RateLimit>,
    /// Until when models are not to be asked.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(with = "BTreeMap<String, String>")]
    pub rate_limits: BTreeMap<String, Timestamp>,
    /// Runs that are being set aside for a rerun: after a stop in the middle, the rest is still to be set aside.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    #[schemars(with = "BTreeSet<String>")]
    pub rerun: BTreeSet<RunId>,
    /// All runs of reruns, until each of them has a result: the same request again continues it.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    #[schemars(with = "BTreeSet<String>")]
    pub rerunning: BTreeSet<RunId>,
    /// For people: the last failure of each run whose agent is done and that is not judged.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(with = "BTreeMap<String, Failure>")]
    pub failures: BTreeMap<RunId, Failure>,
    /// The runs that have a verdict under each later grading: if one is lost, nothing else would show it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(with = "BTreeMap<String, BTreeSet<String>>")]
    pub graded: Verdicts,
    /// The coordinator's process, for people; only the kernel's lock counts.
    #[serde(default)]
    pub pid: Option<u32>,
    /// The coordinator's machine, for people.
    #[serde(default)]
    pub host: Option<String>,
    /// Keys of other writers, kept as they are.
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

/// Earlier versions did not record the time.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_zero(seconds: &f64) -> bool {
    *seconds == 0.0
}

impl Checkpoint {
    /// How long sessions worked on it.
    #[must_use]
    pub fn worked(&self) -> Duration {
        Duration::try_from_secs_f64(self.worked_seconds).unwrap_or_default()
    }

    /// Records how long sessions worked on it, to the millisecond.
    pub fn record_worked(&mut self, worked: Duration) {
        self.worked_seconds =
            Duration::from_millis(u64::try_from(worked.as_millis()).unwrap_or(u64::MAX)).as_secs_f64();
    }

    /// Records that a model is not to be asked until a time.
    pub fn limit(&mut self, model: &str, until: Timestamp) {
        self.rate_limits.insert(model.to_owned(), until);
        self.name_longest();
    }

    /// Records that a model may be asked again.
    pub fn end_limit(&mut self, model: &str) {
        self.rate_limits.remove(model);
        self.name_longest();
    }

    /// Records that every model may be asked again.
    pub fn end_limits(&mut self) {
        self.rate_limits.clear();
        self.name_longest();
    }

    /// Until when models are not to be asked, by the keys of any version.
    #[must_use]
    pub fn limits(&self) -> Vec<RateLimit> {
        let named = self.rate_limits.iter().map(|(model, until)| RateLimit { model: model.clone(), until: *until });
        let former = self.rate_limit.iter().filter(|limit| !self.rate_limits.contains_key(&limit.model)).cloned();
        named.chain(former).collect()
    }

    /// Whether a model is not to be asked.
    #[must_use]
    pub fn is_limited(&self) -> bool {
        !self.rate_limits.is_empty() || self.rate_limit.is_some()
    }

    fn name_longest(&mut self) {
        let longest = self.rate_limits.iter().max_by_key(|(_, until)| **until);
        self.rate_limit = longest.map(|(model, until)| RateLimit { model: model.clone(), until: *until });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checkpoint(status: ExperimentStatus) -> Checkpoint {
        let mut completed_runs = CompletedRuns::default();
        for (run, status) in [
            ("T0/00/2", RunStatus::Failed),
            ("T0/00/10", RunStatus::Errored),
            ("T0/00/1", RunStatus::Passed),
            ("T1/100/3", RunStatus::AgentComplete),
        ] {
            completed_runs.set(run.parse().unwrap(), status);
        }
        let running = matches!(status, ExperimentStatus::Running | ExperimentStatus::PausedRateLimit);
        Checkpoint {
            version: CHECKPOINT_VERSION.to_owned(),
            experiment_id: "sample".parse().unwrap(),
            config_hash: Digest::of(b"config").into(),
            status,
            completed_runs,
            started_at: "2026-11-23T10:00:00Z".parse().unwrap(),
            last_updated_at: "2026-11-23T12:00:00.5Z".parse().unwrap(),
            worked_seconds: if status == ExperimentStatus::TimeReached { 7200.25 } else { 0.0 },
            rate_limit: (status == ExperimentStatus::PausedRateLimit)
                .then(|| RateLimit { model: "opus".to_owned(), until: "2026-11-23T13:00:00Z".parse().unwrap() }),
            rate_limits: (status == ExperimentStatus::PausedRateLimit)
                .then(|| ("opus".to_owned(), "2026-11-23T13:00:00Z".parse().unwrap()))
                .into_iter()
                .collect(),
            rerun: BTreeSet::new(),
            rerunning: BTreeSet::new(),
            failures: BTreeMap::new(),
            graded: Verdicts::new(),
            pid: running.then_some(4711),
            host: running.then(|| "host".to_owned()),
            unknown: Map::new(),
        }
    }

    #[test]
    fn a_checkpoint_of_each_status_looks_like_this_and_reads_back() {
        for status in [
            ExperimentStatus::Running,
            ExperimentStatus::Interrupted,
            ExperimentStatus::Incomplete,
            ExperimentStatus::PausedRateLimit,
            ExperimentStatus::BudgetReached,
            ExperimentStatus::TimeReached,
            ExperimentStatus::Completed,
        ] {
            let text = serde_json::to_string_pretty(&checkpoint(status)).unwrap();
            assert_eq!(serde_json::from_str::<Checkpoint>(&text).unwrap(), checkpoint(status));
            insta::with_settings!({
                snapshot_path => concat!(env!("CARGO_MANIFEST_DIR"), "/snapshots/checkpoint"),
                prepend_module_to_snapshot => false,
            }, {
                insta::assert_snapshot!(status.to_string(), text);
            });
        }
    }

    #[test]
    fn limits_of_models_are_read_from_every_version_and_the_longest_is_named_for_earlier_ones() {
        let time = |text: &str| text.parse::<Timestamp>().unwrap();
        let limit = |model: &str, until| RateLimit { model: model.to_owned(), until: time(until) };
        let [noon, one, two] = ["2026-11-23T12:00:00Z", "2026-11-23T13:00:00Z", "2026-11-23T14:00:00Z"];
        let former = r#"{"model": "opus", "until": "2026-11-23T13:00:00Z"}"#;
        let mut checkpoint = checkpoint(ExperimentStatus::Running);
        checkpoint.rate_limit = serde_json::from_str(former).unwrap();
        assert_eq!((checkpoint.limits(), checkpoint.is_limited()), (vec![limit("opus", one)], true));
        checkpoint.end_limits();
        assert_eq!((checkpoint.limits(), checkpoint.is_limited()), (vec![], false));
        checkpoint.limit("sonnet", time(two));
        checkpoint.limit("opus", time(noon));
        checkpoint.limit("opus", time(one));
        assert_eq!(checkpoint.limits(), [limit("opus", one), limit("sonnet", two)]);
        assert_eq!(checkpoint.rate_limit, Some(limit("sonnet", two)));
        checkpoint.end_limit("sonnet");
        assert_eq!(
            (checkpoint.limits(), checkpoint.rate_limit.clone()),
            (vec![limit("opus", one)], Some(limit("opus", one)))
        );
        checkpoint.end_limit("opus");
        assert!(!checkpoint.is_limited());
    }

    #[test]
    fn numbers_of_runs_sort_as_numbers_and_an_emptied_subtest_is_gone() {
        let mut runs = checkpoint(ExperimentStatus::Running).completed_runs;
        let order: Vec<String> = runs.entries().map(|(run, _)| run.to_string()).collect();
        assert_eq!(order, ["T0/00/run_01", "T0/00/run_02", "T0/00/run_10", "T1/100/run_03"]);
        runs.remove("T1/100/3".parse().unwrap());
        assert_eq!(runs.len(), 3);
        assert!(!serde_json::to_string(&runs).unwrap().contains("T1"));
    }
}
