//! What tables say, in plain sentences. None of them says more than its numbers do.

use std::collections::BTreeSet;

use super::sections::{metric, p_of};
use crate::model::money::Usd;
use crate::report::panel::splits;
use crate::stats::analysis::{Analysis, Metric, Rows, TierSummary};
use crate::text::words::{counted, list, percent};

pub(super) fn answers(rows: &Rows<'_>, analysis: &Analysis, alpha: f64) -> Vec<String> {
    let mut said = vec![whole(rows, analysis)];
    let models: BTreeSet<&str> = analysis.tiers.iter().map(|tier| tier.model.as_str()).collect();
    for model in &models {
        let of = if models.len() > 1 { format!(" of {model}") } else { String::new() };
        let tiers: Vec<&TierSummary> = analysis.tiers.iter().filter(|tier| tier.model == *model).collect();
        said.extend(best(&tiers, &of));
        said.extend(omnibus(analysis, model, &of, alpha));
        said.extend(pairwise(analysis, model, &of));
        said.extend(cost(&tiers, &of));
    }
    said.extend(interaction(analysis, alpha));
    for panel in &analysis.judges {
        let of = if models.len() > 1 { format!(" on {}", panel.agent_model) } else { String::new() };
        let Some(alpha) = panel.agreement.alpha else { continue };
        let (judges, splits) = (counted(panel.judges.len(), "judge"), splits(&panel.agreement.hanging));
        said.push(format!("{judges}{of} agree with an alpha of {alpha:.2} (1 is fully, 0 as by chance); {splits}."));
    }
    said
}

fn whole(rows: &Rows<'_>, analysis: &Analysis) -> String {
    let judged = rows.runs.iter().filter(|run| run.passed.is_some()).count();
    let passed = rows.runs.iter().filter(|run| run.passed == Some(true)).count();
    let missing = match rows.runs.len() - judged {
        0 => String::new(),
        missing => format!(", {missing} without a verdict, which count nowhere"),
    };
    let experiments = counted(analysis.experiments.len(), "experiment");
    format!("{} of {experiments}: {passed} of {judged} passed{missing}.", counted(rows.runs.len(), "run"))
}

fn best(tiers: &[&TierSummary], of: &str) -> Option<String> {
    let rate = |tier: &TierSummary| tier.pass_rate.map(|rate| rate.value);
    let most = tiers.iter().filter_map(|tier| rate(tier)).reduce(f64::max)?;
    let best: Vec<&&TierSummary> = tiers.iter().filter(|tier| rate(tier) == Some(most)).collect();
    let words = best.iter().map(|tier| {
        let wilson = tier.wilson.map(|range| format!(", {:.0}–{:.0} %", range.low * 100.0, range.high * 100.0));
        format!("{} ({} of {} = {}{})", tier.tier, tier.passed, tier.n, percent(most), wilson.unwrap_or_default())
    });
    Some(format!("{}{of} passed most often.", list(&words.collect::<Vec<_>>())))
}

fn omnibus(analysis: &Analysis, model: &str, of: &str, alpha: f64) -> Option<String> {
    let is_it = |metric: Metric| metric == Metric::PassRate;
    let test = analysis.omnibus_tests.iter().find(|test| test.model == model && is_it(test.metric))?;
    let p = test.p_value?;
    Some(if p < alpha {
        format!("Pass rates{of} differ between tiers: {}.", p_of(Some(p)))
    } else {
        format!("That pass rates{of} differ between tiers may be chance: {}.", p_of(Some(p)))
    })
}

fn pairwise(analysis: &Analysis, model: &str, of: &str) -> Option<String> {
    let tests: Vec<_> = analysis.pairwise_comparisons.iter().filter(|test| test.model == model).collect();
    let clear = tests.iter().filter(|test| test.is_significant).map(|test| {
        let (former, later) = (&test.tier1, &test.tier2);
        format!("{former} and {later} ({}, {})", metric(test.metric), p_of(test.p_value))
    });
    let clear: Vec<String> = clear.collect();
    if tests.is_empty() {
        return None;
    }
    Some(if clear.is_empty() {
        format!("No tier{of} differs clearly from the one before, whatever is measured (corrected by Holm).")
    } else {
        format!("Clearly different{of}: {}.", list(&clear))
    })
}

fn cost(tiers: &[&TierSummary], of: &str) -> Option<String> {
    let priced = tiers.iter().filter_map(|tier| Some((tier.cop?, tier)));
    let (cop, tier) = priced.reduce(|least, other| if other.0 < least.0 { other } else { least })?;
    let usd = Usd::from_dollars(cop).ok()?;
    Some(format!("A pass{of} costs least in {}: {usd}.", tier.tier))
}

fn interaction(analysis: &Analysis, alpha: f64) -> Option<String> {
    let is_it = |metric: Metric, effect: &str| metric == Metric::Score && effect == "interaction";
    let test = analysis.experiment_interaction_tests.iter().find(|test| is_it(test.metric, &test.effect))?;
    let p = test.p_value?;
    Some(if p < alpha {
        format!("Tiers do otherwise in some experiments than in others (score): {}.", p_of(Some(p)))
    } else {
        format!("That tiers do otherwise in some experiments than in others (score) may be chance: {}.", p_of(Some(p)))
    })
}
