//! What so many runs of each setup can show, for who is about to pay for them.

use schemars::JsonSchema;
use serde::Serialize;

use crate::stats::power::{around, runs_needed, smallest_difference};
use crate::text::escape;
use crate::text::words::{counted, percent};

/// The pass rate that is assumed while nothing is known: two setups differ by chance more than at any other.
const UNKNOWN_RATE: f64 = 0.5;
/// The difference of two pass rates that one may want to see.
const DIFFERENCE: f64 = 0.1;
/// Below which p a difference is seen.
const ALPHA: f64 = 0.05;
/// How often a difference that is there is to be seen.
const POWER: f64 = 0.8;

/// What so many runs of each setup can show of how often two of them pass.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Outlook {
    /// Runs of each setup.
    pub runs_per_setup: usize,
    /// The pass rate, 0 to 1, that is assumed in the middle of two that differ.
    pub assumed_pass_rate: f64,
    /// The finished experiment that had this pass rate; `null` when there is none, and the rate is a guess.
    pub assumed_from: Option<String>,
    /// How often a difference that is there is to be seen, 0 to 1.
    pub power: f64,
    /// How often one is seen that is not there, 0 to 1.
    pub alpha: f64,
    /// The smallest difference of two pass rates that these runs show, 0 to 1; `null` when they show none.
    pub shows_difference: Option<f64>,
    /// The difference that `takes_runs` speaks of, 0 to 1.
    pub difference: f64,
    /// About how many runs of each setup it takes to show this difference.
    pub takes_runs: Option<usize>,
}

impl Outlook {
    /// The outlook of so many runs of each setup. `assumed` is a finished experiment and its pass rate.
    #[must_use]
    pub fn of(runs_per_setup: usize, assumed: Option<(String, f64)>) -> Self {
        let (assumed_from, rate) = assumed.unzip();
        let rate = rate.unwrap_or(UNKNOWN_RATE);
        let (former, later) = around(rate, DIFFERENCE);
        Self {
            runs_per_setup,
            assumed_pass_rate: rate,
            assumed_from,
            power: POWER,
            alpha: ALPHA,
            shows_difference: smallest_difference(rate, runs_per_setup, ALPHA, POWER),
            difference: DIFFERENCE,
            takes_runs: runs_needed(former, later, ALPHA, POWER),
        }
    }

    /// Names and sentences of it: what the runs show, what it takes to see more, and what is assumed.
    pub(super) fn lines(&self) -> Vec<(&'static str, String)> {
        let runs = counted(self.runs_per_setup, "run");
        let verb = if self.runs_per_setup == 1 { "shows" } else { "show" };
        let shown = match self.shows_difference {
            Some(difference) => {
                format!("{runs} a setup {verb} a difference of {} four times in five", self.pair(difference))
            }
            None => format!("{runs} a setup {verb} no difference four times in five, not even {}", self.pair(1.0)),
        };
        let mut lines = vec![("power", shown)];
        let is_enough = self.shows_difference.is_some_and(|difference| difference <= self.difference);
        if let Some(needed) = self.takes_runs.filter(|_| !is_enough) {
            lines.push(("more", format!("to see {} takes about {needed} runs a setup", self.pair(self.difference))));
        }
        let rate = percent(self.assumed_pass_rate);
        let assumed = match &self.assumed_from {
            Some(folder) => format!("{rate} of runs pass, as in `{}`", escape::terminal(folder)),
            None => format!("{rate} of runs pass: no experiment of this fixture is finished that would tell"),
        };
        lines.push(("assumed", assumed));
        lines
    }

    /// A difference of two pass rates in words.
    fn pair(&self, difference: f64) -> String {
        let (former, later) = around(self.assumed_pass_rate, difference);
        format!("{:.0} points ({} against {})", difference * 100.0, percent(former), percent(later))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::samples::snapshot;
    use crate::ui::tables::named_lines;

    #[test]
    fn what_runs_show_is_told_with_what_is_assumed() {
        let known = |rate: f64| Some(("results/\u{1b}[31m".to_owned(), rate));
        let all = [(1, None), (2, None), (10, None), (20, known(2.0 / 3.0)), (20, known(1.0)), (500, known(0.0))];
        let shown: Vec<String> =
            all.into_iter().map(|(runs, assumed)| named_lines(&Outlook::of(runs, assumed).lines())).collect();
        snapshot("screens", "outlook", &shown.join("\n"));
    }
}
