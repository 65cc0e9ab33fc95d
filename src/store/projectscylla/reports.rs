//! Reports of ProjectScylla: the subtests and sums that they name, and how these differ from the results.
//!
//! ProjectScylla overwrites reports in place, sometimes from an outdated copy of the results, so a report proves
//! nothing; but whoever reads one should know when it is wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::model::ids::{SetupId, SubtestId, TierId};
use crate::model::limits::MOST_REPORT_BYTES;
use crate::model::survey::{RunSeen, Survey};
use crate::os::files::read_bounded;
use crate::projectscylla;
use crate::store::clipped;
use crate::store::layout::Base;
use crate::store::layout::ExperimentFolder;

use super::layout::{SUMS, TOTALS};
use crate::text::words::{counted, list};

/// How far a sum may differ from that of the results, in dollars, because of rounding in another order.
const MOST_ROUNDING: f64 = 1e-6;
/// Most differences that are reported for one report.
const MOST_TOLD: usize = 3;

/// A tier's `result.json`.
#[derive(Debug, Default, Deserialize)]
struct TierTotals {
    #[serde(default)]
    subtest_results: BTreeMap<String, SubtestTotals>,
    #[serde(default)]
    total_cost: Option<f64>,
}

#[derive(Debug, Deserialize)]
struct SubtestTotals {
    #[serde(default)]
    runs: Vec<RunTotals>,
}

#[derive(Debug, Deserialize)]
struct RunTotals {
    #[serde(default)]
    run_number: Option<u32>,
    #[serde(default)]
    judge_passed: Option<bool>,
}

/// The experiment's `result.json`.
#[derive(Debug, Deserialize)]
struct AllTotals {
    #[serde(default)]
    total_cost: Option<f64>,
}

/// Any `report.json`.
#[derive(Debug, Deserialize)]
struct Sums {
    #[serde(default)]
    summary: Summary,
}

#[derive(Debug, Default, Deserialize)]
struct Summary {
    #[serde(default)]
    total_tiers: Option<usize>,
    #[serde(default)]
    total_subtests: Option<usize>,
    #[serde(default)]
    total_runs: Option<usize>,
    #[serde(default)]
    passed: Option<usize>,
    #[serde(default)]
    total_cost: Option<f64>,
}

/// The totals of the results in some part of the experiment.
#[derive(Debug, Clone, Copy, Default)]
struct Sum {
    runs: usize,
    passed: usize,
    cost: f64,
}

/// The reports of one experiment.
pub(super) struct Reports<'a> {
    folder: &'a ExperimentFolder,
    /// The folder in which the reports of tiers are.
    base: Base,
    tiers: BTreeMap<TierId, TierTotals>,
    /// What is wrong with reports, by their places.
    stale: Vec<(String, String)>,
}

impl<'a> Reports<'a> {
    /// Reads the `result.json` of each tier, which names its subtests.
    pub(super) fn read(folder: &'a ExperimentFolder, phased: bool, tiers: &BTreeSet<TierId>) -> Self {
        let base = if phased { Base::Completed } else { Base::Root };
        let mut reports = Self { folder, base, tiers: BTreeMap::new(), stale: Vec::new() };
        for tier in tiers {
            let place = base.place(&format!("{tier}/{TOTALS}"));
            if let Some(totals) = reports.load(&place) {
                reports.tiers.insert(*tier, totals);
            }
        }
        reports
    }

    /// The subtests that those files name.
    pub(super) fn subtests(&self) -> impl Iterator<Item = SetupId> + '_ {
        self.tiers.iter().flat_map(|(tier, totals)| {
            totals.subtest_results.keys().filter_map(|subtest| Some((*tier, subtest.parse().ok()?)))
        })
    }

    /// Every report that differs from the results: its place, and how it differs.
    pub(super) fn stale(mut self, survey: &Survey) -> Vec<(String, String)> {
        let mut subtests: BTreeMap<SetupId, BTreeMap<u32, Option<bool>>> = BTreeMap::new();
        let mut sums: BTreeMap<SetupId, Sum> = BTreeMap::new();
        for (run, seen) in &survey.runs {
            let RunSeen::Committed(facts) = seen else { continue };
            subtests.entry((run.tier, run.subtest)).or_default().insert(run.run.get(), facts.passed);
            let sum = sums.entry((run.tier, run.subtest)).or_default();
            sum.runs += 1;
            sum.passed += usize::from(facts.passed == Some(true));
            sum.cost += facts.cost.known.dollars();
        }
        for (tier, totals) in std::mem::take(&mut self.tiers) {
            let mut differs: Vec<String> = totals
                .subtest_results
                .iter()
                .filter_map(|(id, said)| compare_runs(tier, id, said, &subtests))
                .collect();
            let unnamed = subtests
                .keys()
                .filter(|(of, subtest)| *of == tier && !totals.subtest_results.contains_key(&subtest.to_string()));
            differs.extend(unnamed.map(|(_, subtest)| format!("it does not name {tier}/{subtest}, which has results")));
            differs.extend(compare_cost(totals.total_cost, total(&sums, Some(tier)).cost));
            self.report(self.base.place(&format!("{tier}/{TOTALS}")), differs);
        }
        self.sums(&sums);
        self.stale
    }

    /// Compares the sums in `report.json` on each level.
    fn sums(&mut self, sums: &BTreeMap<SetupId, Sum>) {
        let tiers: BTreeSet<TierId> = sums.keys().map(|(tier, _)| *tier).collect();
        let all = total(sums, None);
        if let Some(AllTotals { total_cost }) = self.load(TOTALS) {
            self.report(TOTALS.to_owned(), compare_cost(total_cost, all.cost).into_iter().collect());
        }
        self.summary(SUMS.to_owned(), |said| {
            let tiers = compare_count(said.total_tiers, tiers.len(), "tier");
            tiers.into_iter().chain(compare_cost(said.total_cost, all.cost)).collect()
        });
        for tier in tiers {
            let of_tier = total(sums, Some(tier));
            let subtests = sums.keys().filter(|(of, _)| *of == tier).count();
            self.summary(self.base.place(&format!("{tier}/{SUMS}")), |said| {
                let subtests = compare_count(said.total_subtests, subtests, "subtest");
                subtests.into_iter().chain(compare_cost(said.total_cost, of_tier.cost)).collect()
            });
        }
        for ((tier, subtest), sum) in sums {
            self.summary(self.base.place(&format!("{tier}/{subtest}/{SUMS}")), |said| {
                let runs = compare_count(said.total_runs, sum.runs, "run");
                let passed = compare_count(said.passed, sum.passed, "passed run");
                runs.into_iter().chain(passed).chain(compare_cost(said.total_cost, sum.cost)).collect()
            });
        }
    }

    fn summary(&mut self, place: String, compare: impl FnOnce(&Summary) -> Vec<String>) {
        if let Some(Sums { summary }) = self.load::<Sums>(&place) {
            self.report(place, compare(&summary));
        }
    }

    fn report(&mut self, place: String, differs: Vec<String>) {
        if differs.is_empty() {
            return;
        }
        let more = differs.len().saturating_sub(MOST_TOLD);
        let mut told: Vec<String> = differs.into_iter().take(MOST_TOLD).collect();
        if more > 0 {
            told.push(counted(more, "other difference"));
        }
        self.stale.push((place, clipped(list(&told))));
    }

    /// Parses a report as Python would; `None` when there is none.
    fn load<T: DeserializeOwned>(&mut self, place: &str) -> Option<T> {
        match parse(&self.folder.root().join(Path::new(place))) {
            Ok(found) => found,
            Err(error) => {
                self.stale.push((place.to_owned(), clipped(error)));
                None
            }
        }
    }
}

fn parse<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, String> {
    let Some(bytes) = read_bounded(path, MOST_REPORT_BYTES).map_err(|error| error.to_string())? else {
        return Ok(None);
    };
    if let Ok(found) = serde_json::from_slice(&bytes) {
        return Ok(Some(found));
    }
    let strict = projectscylla::result::strict(&bytes)?;
    serde_json::from_slice(&strict).map(Some).map_err(|error| error.to_string())
}

fn total(sums: &BTreeMap<SetupId, Sum>, tier: Option<TierId>) -> Sum {
    let of = sums.iter().filter(|((of, _), _)| tier.is_none_or(|tier| tier == *of));
    of.fold(Sum::default(), |all, (_, sum)| Sum {
        runs: all.runs + sum.runs,
        passed: all.passed + sum.passed,
        cost: all.cost + sum.cost,
    })
}

fn compare_count(said: Option<usize>, found: usize, what: &str) -> Option<String> {
    let said = said.filter(|said| *said != found)?;
    Some(format!("it says {}, and the results are of {found}", counted(said, what)))
}

fn compare_cost(said: Option<f64>, found: f64) -> Option<String> {
    let said = said.filter(|said| (said - found).abs() > MOST_ROUNDING)?;
    Some(format!("it says ${said:.4}, and the results cost ${found:.4}"))
}

/// Compares the runs that a tier's totals list for a subtest.
fn compare_runs(
    tier: TierId,
    subtest: &str,
    said: &SubtestTotals,
    found: &BTreeMap<SetupId, BTreeMap<u32, Option<bool>>>,
) -> Option<String> {
    let none = BTreeMap::new();
    let runs = subtest.parse().ok().and_then(|subtest: SubtestId| found.get(&(tier, subtest))).unwrap_or(&none);
    if said.runs.len() != runs.len() {
        let said = counted(said.runs.len(), "run");
        return Some(format!("it lists {said} of {tier}/{subtest}, and {} have results", runs.len()));
    }
    let other = said.runs.iter().find(|run| {
        let found = run.run_number.and_then(|number| runs.get(&number));
        found.is_none_or(|passed| run.judge_passed.is_some() && run.judge_passed != *passed)
    })?;
    let number = other.run_number.map_or_else(|| "a run".to_owned(), |number| format!("run {number}"));
    Some(format!("what it says of {number} of {tier}/{subtest} is not what its result says"))
}
