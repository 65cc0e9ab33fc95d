//! The output at the end of a session: the table, what is missing, and the commands that continue.

use std::time::Duration;

use crate::model::event::{ExperimentFinished, Missing, SetupTotals, TierTotals, Totals};
use crate::model::limits::MOST_SECONDS;
use crate::model::money::Usd;
use crate::model::outcome::{ExperimentEnd, StopSignal};
use crate::model::usage::Total;
use crate::stats::tiers::{share, sum_of};
use crate::text::escape;
use crate::text::words::{counted, duration, shell_word, typed_duration};

use super::causes::{add_broken_controls, add_errored, add_shortfalls};
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
    add_broken_controls(&mut page, &finished.broken_controls, folder, styles);
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
        ("time", time(finished)),
        ("folder", escape::terminal(folder).into_owned()),
    ]));
    page.line(format_args!("\nTo check it:\n  {}", command("verify", folder, styles)));
    // A resume does not repair damage.
    let damaged = finished.missing.get(&Missing::Damaged).copied().unwrap_or_default();
    let only_damaged = damaged > 0 && damaged == missing && finished.end == ExperimentEnd::Incomplete;
    if (finished.end != ExperimentEnd::Completed || missing > 0) && !only_damaged {
        let needs = match finished.end {
            ExperimentEnd::BudgetReached => Needs::Ceiling(ceiling_for_all(&finished.setups, finished.spent)),
            ExperimentEnd::TimeReached => Needs::MoreTime(time_for_all(&finished.tiers, finished.worked_seconds)),
            ExperimentEnd::RateLimited => Needs::Patience,
            ExperimentEnd::Completed | ExperimentEnd::Incomplete | ExperimentEnd::Stopped { .. } => Needs::Nothing,
        };
        page.add(continuation(folder, &needs, styles));
    }
    page.into_text()
}

fn how_it_ended(end: ExperimentEnd) -> (Tone, &'static str) {
    match end {
        ExperimentEnd::Completed => (Tone::Good, "is complete"),
        ExperimentEnd::Incomplete => (Tone::Bad, "is incomplete"),
        ExperimentEnd::BudgetReached => (Tone::Warning, "reached the ceiling of its cost"),
        ExperimentEnd::TimeReached => (Tone::Warning, "reached the limit of its time"),
        ExperimentEnd::RateLimited => (Tone::Warning, "waited longest for a rate limit"),
        ExperimentEnd::Stopped { signal: StopSignal::Interrupt } => (Tone::Warning, "was stopped by Ctrl-C"),
        ExperimentEnd::Stopped { signal: StopSignal::Terminate } => (Tone::Warning, "was stopped by SIGTERM"),
        ExperimentEnd::Stopped { signal: StopSignal::Hangup } => (Tone::Warning, "was stopped by SIGHUP"),
    }
}

/// How many parts a sum leaves out, and what its `~` means, as a text to append to it; empty when it is complete and nothing in it
/// is estimated.
pub(super) fn left_out(spent: Total) -> String {
    let silent = match spent.unknown {
        0 => String::new(),
        1 => "; one agent or judge did not say what it cost".to_owned(),
        silent => format!("; {silent} agents or judges did not say what they cost"),
    };
    let estimated = spent.is_estimated && spent.at_least().is_some();
    let estimated = if estimated { "; a part is estimated: tokens, times the prices of a day" } else { "" };
    format!("{silent}{estimated}")
}

/// How long it took; after the limit of the time, all sessions count.
fn time(finished: &ExperimentFinished) -> String {
    let session = format!("{} in this session", duration(finished.duration_seconds));
    match finished.end {
        ExperimentEnd::TimeReached => format!("{session}, {} in all", duration(finished.worked_seconds)),
        _ => session,
    }
}

fn command(verb: &str, folder: &str, styles: Styles) -> String {
    styles.paint(Tone::Strong, format!("cargo scylla {verb} {}", shell_word(folder))).to_string()
}

/// What a session needs, beside a command, to continue.
pub(super) enum Needs {
    Nothing,
    /// A ceiling of this many dollars.
    Ceiling(Ceiling),
    /// This much time, to be typed.
    MoreTime(String),
    /// Waiting until the time that a provider named, which is later than a session waits.
    Patience,
    /// Judges that are right when they are checked again; or this limit of their drift, where all of them answered.
    RightJudges(Option<String>),
}

/// A ceiling with which the session can continue, in dollars.
pub(super) struct Ceiling {
    dollars: String,
    /// Whether it is likely to be enough for all runs; else the cost of a run is not known.
    is_likely: bool,
}

/// What to type to continue: the last line is the command.
pub(super) fn continuation(folder: &str, needs: &Needs, styles: Styles) -> String {
    let resume = command("resume", folder, styles);
    match needs {
        Needs::Ceiling(Ceiling { dollars, is_likely }) => {
            let with = if *is_likely { "a ceiling that is likely to be enough for all" } else { "a higher ceiling" };
            let ceiling = styles.paint(Tone::Strong, format!("--max-cost-usd {dollars}"));
            format!("To continue, with {with}:\n  {resume} {ceiling}\n")
        }
        Needs::MoreTime(time) => {
            let limit = styles.paint(Tone::Strong, format!("--max-time {time}"));
            format!("To continue, with time that is likely to be enough for all:\n  {resume} {limit}\n")
        }
        Needs::Patience => {
            let now = styles.paint(Tone::Strong, "--ignore-rate-limit");
            format!(
                "To continue when the time that the provider named is near:\n  {resume}\nTo continue now:\n  {resume} {now}\n"
            )
        }
        Needs::RightJudges(limit) => {
            let check = styles.paint(Tone::Strong, "--check-judges");
            let (as_they_are, flags) = match limit {
                Some(limit) => {
                    let limit = styles.paint(Tone::Strong, format!("--max-drift {limit}"));
                    ("with judges that are as far off as these", format!(" {check} {limit}"))
                }
                None => ("without a check", String::new()),
            };
            format!(
                "A mended fixture begins anew, by `run --fresh`.\nTo continue {as_they_are}:\n  {resume}{flags}\n\
                 To continue when what is behind the judge is mended:\n  {resume} {check}\n"
            )
        }
        Needs::Nothing => format!("To continue:\n  {resume}\n"),
    }
}

/// The likely cost of all planned runs, in dollars: from the mean known cost of the finished runs of each setup, with a
/// tenth to spare. For a setup without known costs, that of the most expensive setup; without any known cost, twice
/// what was spent.
pub(super) fn ceiling_for_all(setups: &[SetupTotals], spent: Total) -> Ceiling {
    let silent = |total: Total| usize::try_from(total.unknown).unwrap_or(usize::MAX);
    let mean = |totals: &Totals| {
        let say = totals.done.saturating_sub(silent(totals.cost)).max(1);
        (totals.cost.known > Usd::ZERO).then(|| totals.cost.known.mean_of(say))
    };
    let dearest = setups.iter().filter_map(|setup| mean(&setup.totals)).max();
    let to_do = |setup: &SetupTotals| {
        let mean = mean(&setup.totals).or(dearest).unwrap_or_default();
        mean.times(setup.totals.planned.saturating_sub(setup.totals.done))
    };
    let all = spent.known + setups.iter().map(to_do).sum() + dearest.unwrap_or_default().times(silent(spent));
    let dollars = if dearest.is_some() { all.dollars() * 1.1 } else { (spent.known.dollars() * 2.0).max(1.0) }
        .min(Usd::MOST_DOLLARS);
    let dollars =
        if dollars < 10.0 { format!("{:.2}", (dollars * 100.0).ceil() / 100.0) } else { dollars.ceil().to_string() };
    Ceiling { dollars, is_likely: dearest.is_some() }
}

/// The likely time of all planned runs, as it is typed: what was worked so far for each finished run, with a tenth to
/// spare, and at least twice what was worked.
pub(super) fn time_for_all(tiers: &[TierTotals], worked_seconds: f64) -> String {
    let Totals { done, planned, .. } = sum_of(tiers);
    let times = share(planned, done).map_or(2.0, |times| times * 1.1).max(2.0);
    typed_duration((worked_seconds.max(1.0) * times).min(Duration::from_secs(MOST_SECONDS).as_secs_f64()))
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
    fn a_reached_limit_of_the_time_is_to_be_raised_to_what_all_runs_are_likely_to_take() {
        snapshot("screens", "summary_time_reached", &shown(&finished(ExperimentEnd::TimeReached)));
        let tiers = finished(ExperimentEnd::TimeReached).tiers;
        // Without any finished run it is doubled.
        let typed =
            [(0, 0.2), (0, 50.0), (3, 36_000.0)].map(|(tiers_left, worked)| time_for_all(&tiers[..tiers_left], worked));
        assert_eq!(typed, ["2s", "100s", "22h"]);
    }

    #[test]
    fn what_is_not_known_of_the_cost_is_told_in_the_table_and_below_it() {
        let mut some = complete();
        let known = some.tiers[1].totals.cost.known;
        let costs =
            [Total { unknown: 30, ..Total::ZERO }, Total { known, unknown: 3, ..Total::ZERO }, Total::from(known)];
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
        let setups = complete().setups;
        let known = setups.iter().map(|setup| setup.totals.cost.known).sum();
        let enough = |spent| ceiling_for_all(&setups, spent).dollars.parse::<f64>().unwrap();
        assert!(enough(Total { known, unknown: 9, ..Total::ZERO }) > enough(Total::from(known)));
    }

    #[test]
    fn a_ceiling_is_enough_for_the_runs_of_a_dear_setup_that_are_missing() {
        let mut setups = complete().setups;
        setups.truncate(2);
        for (setup, (planned, done, each)) in setups.iter_mut().zip([(30, 30, 0.01), (3, 2, 10.0)]) {
            let cost = Total::from(Usd::from_dollars(each).unwrap().times(done));
            setup.totals = Totals { planned, done, cost, ..setup.totals };
        }
        let Ceiling { dollars, is_likely } = ceiling_for_all(&setups, Usd::from_dollars(20.3).unwrap().into());
        assert!(is_likely && dollars.parse::<f64>().unwrap() > 30.3, "{dollars}");
    }

    #[test]
    fn where_no_run_is_done_that_says_its_cost_the_ceiling_is_raised_all_the_same() {
        let nothing_done = ExperimentFinished {
            setups: Vec::new(),
            spent: Total::from(Usd::from_dollars(1.5).unwrap()),
            ..finished(ExperimentEnd::BudgetReached)
        };
        let text = shown(&nothing_done);
        let end = format!("To continue, with a higher ceiling:\n  cargo scylla resume {FOLDER} --max-cost-usd 3.00\n");
        assert!(text.ends_with(&end), "{text}");
    }

    #[test]
    fn after_a_rate_limit_that_is_longer_than_is_waited_the_last_line_asks_before_its_time() {
        let text = shown(&finished(ExperimentEnd::RateLimited));
        assert!(text.ends_with(&format!("cargo scylla resume {FOLDER} --ignore-rate-limit\n")), "{text}");
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
