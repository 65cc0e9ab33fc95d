//! What is printed at the end of a session: the table, what is missing, and the commands that go on.

use crate::model::event::{ExperimentFinished, Missing, TierTotals, Totals};
use crate::model::outcome::{ExperimentEnd, StopSignal};
use crate::model::usage::Total;
use crate::stats::tiers::sum_of;
use crate::text::escape;
use crate::text::words::{counted, duration, shell_word};

use super::causes::{add_errored, add_shortfalls};
use super::tables::{Rows, add_damaged, add_missing, add_remainders, add_waiting, named_lines, results_table};
use crate::text::page::Page;
use crate::text::styles::{Styles, Tone};

/// The end of a session. `folder` is the experiment's folder as the person would type it.
///
/// The last line is the command that continues, unless every planned run is done.
#[must_use]
pub fn summary(
    experiment_id: &str,
    folder: &str,
    finished: &ExperimentFinished,
    rows: Option<Rows>,
    styles: Styles,
) -> String {
    let Totals { done, planned, .. } = sum_of(&finished.tiers);
    let missing: usize = finished.missing.values().sum();
    let (tone, end) = how_it_ended(finished.end);
    let mut page = Page::default();
    let sentence = styles.paint(tone, format!("{} {end}", escape::terminal(experiment_id)));
    page.line(format_args!("{sentence}: {done} of {} done.\n", counted(planned, "planned run")));
    page.line(results_table(&finished.tiers, &finished.setups, rows));
    add_shortfalls(&mut page, &finished.shortfalls, folder, rows, styles);
    add_missing(&mut page, &finished.missing, styles);
    add_damaged(&mut page, &finished.damaged, folder);
    add_errored(&mut page, &finished.errored);
    add_waiting(&mut page, &finished.waiting);
    add_remainders(&mut page, &finished.remainders);
    if missing > 0 || !finished.damaged.is_empty() || !finished.remainders.is_empty() {
        page.line("");
    }
    page.add(named_lines(&[
        ("spent", format!("{}, with every attempt and judge{}", finished.spent, left_out(finished.spent))),
        ("time", format!("{} in this session", duration(finished.duration_seconds))),
        ("folder", escape::terminal(folder).into_owned()),
    ]));
    page.line(format_args!("\nTo check it:\n  {}", command("verify", folder, styles)));
    // A resume does nothing about damage.
    let damaged = finished.missing.get(&Missing::Damaged).copied().unwrap_or_default();
    let only_damaged = damaged > 0 && damaged == missing && finished.end == ExperimentEnd::Incomplete;
    if (finished.end != ExperimentEnd::Completed || missing > 0) && !only_damaged {
        let at_ceiling = finished.end == ExperimentEnd::BudgetReached;
        let ceiling = at_ceiling.then(|| ceiling_for_all(&finished.tiers, missing, finished.spent)).flatten();
        page.add(continuation(folder, ceiling, styles));
    }
    page.into_text()
}

fn how_it_ended(end: ExperimentEnd) -> (Tone, &'static str) {
    match end {
        ExperimentEnd::Completed => (Tone::Good, "is complete"),
        ExperimentEnd::Incomplete => (Tone::Bad, "is incomplete"),
        ExperimentEnd::BudgetReached => (Tone::Warning, "reached the ceiling of its cost"),
        ExperimentEnd::RateLimited => (Tone::Warning, "waited longest for a rate limit"),
        ExperimentEnd::Stopped { signal: StopSignal::Interrupt } => (Tone::Warning, "was stopped by Ctrl-C"),
        ExperimentEnd::Stopped { signal: StopSignal::Terminate } => (Tone::Warning, "was stopped by SIGTERM"),
        ExperimentEnd::Stopped { signal: StopSignal::Hangup } => (Tone::Warning, "was stopped by SIGHUP"),
    }
}

/// How many parts a sum leaves out, to be added to it; nothing when it is whole.
pub(super) fn left_out(spent: Total) -> String {
    match spent.unknown {
        0 => String::new(),
        1 => "; one agent or judge did not say what it cost".to_owned(),
        silent => format!("; {silent} agents or judges did not say what they cost"),
    }
}

fn command(verb: &str, folder: &str, styles: Styles) -> String {
    styles.paint(Tone::Strong, format!("cargo scylla {verb} {}", shell_word(folder))).to_string()
}

/// What to type to go on; with a higher ceiling where that is what it needs.
pub(super) fn continuation(folder: &str, ceiling: Option<String>, styles: Styles) -> String {
    let resume = command("resume", folder, styles);
    match ceiling {
        Some(ceiling) => {
            let ceiling = styles.paint(Tone::Strong, format!("--max-cost-usd {ceiling}"));
            format!("To continue, with a ceiling that is likely to be enough for all:\n  {resume} {ceiling}\n")
        }
        None => format!("To continue:\n  {resume}\n"),
    }
}

/// Dollars that all planned runs are likely to cost, from what the finished ones cost that say it, with a tenth to spare.
pub(super) fn ceiling_for_all(tiers: &[TierTotals], missing: usize, spent: Total) -> Option<String> {
    let sum = Some(sum_of(tiers)).filter(|sum| sum.done > 0)?;
    let silent = |total: Total| usize::try_from(total.unknown).unwrap_or(usize::MAX);
    let mean = sum.cost.known.mean_of(sum.done.saturating_sub(silent(sum.cost)).max(1));
    let all = spent.known + mean.times(missing.saturating_add(silent(spent)));
    let dollars = all.dollars() * 1.1;
    Some(if dollars < 10.0 { format!("{:.2}", (dollars * 100.0).ceil() / 100.0) } else { dollars.ceil().to_string() })
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::model::ids::TierId;
    use crate::model::samples::{FOLDER, complete, finished, remainders, snapshot};

    fn shown(finished: &ExperimentFinished) -> String {
        summary("fix-the-crate", FOLDER, finished, None, Styles::plain())
    }

    #[test]
    fn a_complete_experiment_needs_no_command_that_continues() {
        let text = shown(&complete());
        assert!(!text.contains("resume"));
        snapshot("screens", "summary_complete", &text);
    }

    #[test]
    fn the_last_line_of_any_other_end_is_the_command_that_continues() {
        for end in [
            ExperimentEnd::Incomplete,
            ExperimentEnd::RateLimited,
            ExperimentEnd::Stopped { signal: StopSignal::Interrupt },
            ExperimentEnd::Stopped { signal: StopSignal::Terminate },
            ExperimentEnd::Stopped { signal: StopSignal::Hangup },
        ] {
            let last = shown(&finished(end)).lines().last().map(str::trim).map(str::to_owned);
            assert_eq!(last, Some(format!("cargo scylla resume {FOLDER}")));
        }
        snapshot(
            "screens",
            "summary_stopped",
            &shown(&finished(ExperimentEnd::Stopped { signal: StopSignal::Interrupt })),
        );
    }

    #[test]
    fn what_was_not_captured_is_told_with_the_runs_that_it_is_of() {
        let finished = ExperimentFinished { remainders: remainders(), ..complete() };
        snapshot("screens", "summary_remainders", &shown(&finished));
    }

    #[test]
    fn damaged_results_are_named_and_no_command_continues_that_would_do_nothing() {
        let finished = ExperimentFinished {
            end: ExperimentEnd::Incomplete,
            missing: BTreeMap::from([(Missing::Damaged, 1)]),
            damaged: vec!["T0/00/run_01".parse().unwrap()],
            ..complete()
        };
        snapshot("screens", "summary_damaged", &shown(&finished));
    }

    #[test]
    fn tiers_that_wait_for_winners_are_named() {
        let waiting = BTreeMap::from([
            (TierId(1), BTreeSet::from([TierId(0)])),
            (TierId(5), BTreeSet::from([TierId(0), TierId(1), TierId(2)])),
        ]);
        let finished = ExperimentFinished { waiting, ..finished(ExperimentEnd::Incomplete) };
        snapshot("screens", "summary_waiting", &shown(&finished));
    }

    #[test]
    fn a_stop_after_the_last_run_is_told_to_continue_too() {
        let stopped =
            ExperimentFinished { end: ExperimentEnd::Stopped { signal: StopSignal::Interrupt }, ..complete() };
        assert!(shown(&stopped).ends_with(&format!("cargo scylla resume {FOLDER}\n")));
    }

    #[test]
    fn a_reached_ceiling_is_to_be_raised() {
        snapshot("screens", "summary_budget_reached", &shown(&finished(ExperimentEnd::BudgetReached)));
    }

    #[test]
    fn what_is_not_known_of_the_cost_is_told_in_the_table_and_below_it() {
        let mut some = complete();
        let known = some.tiers[1].totals.cost.known;
        let costs = [Total { unknown: 30, ..Total::ZERO }, Total { known, unknown: 3 }, Total::from(known)];
        for (cost, (setup, tier)) in costs.into_iter().zip(some.setups.iter_mut().zip(&mut some.tiers)) {
            (setup.totals.cost, tier.totals.cost) = (cost, cost);
        }
        some.spent.unknown = 34;
        snapshot("screens", "summary_cost_unknown", &shown(&some));
        let nothing = ExperimentFinished { spent: Total::UNKNOWN, ..complete() };
        let text = shown(&nothing);
        assert!(text.contains("spent   unknown, with every attempt and judge; one agent or judge did not"), "{text}");
    }

    #[test]
    fn a_ceiling_that_is_likely_to_be_enough_counts_those_who_do_not_say_what_they_cost() {
        let tiers = complete().tiers;
        let known = sum_of(&tiers).cost.known;
        let enough = |spent| ceiling_for_all(&tiers, 90, spent).unwrap();
        assert_eq!(enough(Total::from(known)), ceiling_for_all(&tiers, 89, Total { known, unknown: 1 }).unwrap());
    }

    #[test]
    fn a_folder_with_spaces_is_quoted_in_commands() {
        let text = summary("x", "my results/it's", &finished(ExperimentEnd::Incomplete), None, Styles::plain());
        assert!(text.ends_with("  cargo scylla resume 'my results/it'\\''s'\n"), "{text}");
    }

    #[test]
    fn colors_change_no_letter() {
        let finished = finished(ExperimentEnd::BudgetReached);
        let colored = summary("fix-the-crate", FOLDER, &finished, None, Styles::colored());
        assert_eq!(anstream::adapter::strip_str(&colored).to_string(), shown(&finished));
    }
}
