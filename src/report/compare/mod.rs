//! Groups of runs side by side: setups, tiers or whole experiments, the first beside each other one.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::model::control::Control;
use crate::model::ids::{SubtestId, TierId};
use crate::setup::given::Given;
use crate::stats::comparison::{Difference, Group};
use crate::stats::items::ItemDifference;
use crate::text::page::pretty;
use crate::text::words::counted;

mod human;

pub use human::human;

/// Version of the shape below. It changes only when a key goes or changes its meaning.
const SCHEMA_VERSION: u32 = 1;

/// A whole comparison.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Comparison {
    /// Version of this shape.
    schema_version: u32,
    /// What is compared; the first is what the others are held against.
    pub sides: Vec<Side>,
    /// How each other one differs from the first, in their order.
    pub differences: Vec<AgainstFirst>,
}

/// One side of a comparison.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Side {
    /// The letter that stands for it: A, B, ...
    pub letter: String,
    /// Its experiment's folder, as it is named.
    pub experiment: String,
    /// The setup or tier; `null` for the whole experiment.
    pub part: Option<String>,
    /// The name of the setup in the fixture.
    pub name: Option<String>,
    /// What is expected of the setup when it is a control, which measures no agent.
    pub control: Option<Control>,
    /// The controls of the tier or experiment, such as `T0/00`: none of their runs is counted.
    pub without_controls: Vec<String>,
    /// What is known of its runs.
    #[serde(flatten)]
    pub group: Group,
}

/// How a side differs from the first one.
#[derive(Debug, Serialize, JsonSchema)]
pub struct AgainstFirst {
    /// The letter of the side.
    pub letter: String,
    /// What differs between what the two were given, as far as config and fixture say it.
    pub given: Vec<Given>,
    /// The difference of their runs.
    #[serde(flatten)]
    pub difference: Difference,
    /// The difference in a plain sentence.
    pub sentence: String,
    /// What its interval is one of, in a plain sentence; `null` where there is none.
    pub method: Option<String>,
    /// Setups that both have, and of which another share passed.
    pub setups: Vec<DifferingSetup>,
    /// The items of the rubric that both were graded by, those first in which they differ most.
    pub items: Vec<ItemDifference>,
}

/// A setup of which the sides passed different shares.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DifferingSetup {
    /// Its tier.
    pub tier: TierId,
    /// Its subtest.
    pub subtest: SubtestId,
    /// Runs of the first side that passed, and those with a verdict.
    pub first: (usize, usize),
    /// The same of the later side.
    pub later: (usize, usize),
}

impl Comparison {
    /// A comparison of these sides.
    #[must_use]
    pub fn new(sides: Vec<Side>, differences: Vec<AgainstFirst>) -> Self {
        Self { schema_version: SCHEMA_VERSION, sides, differences }
    }

    /// The JSON text.
    #[must_use]
    pub fn json(&self) -> String {
        pretty(self)
    }
}

/// The JSON schema of a comparison.
#[must_use]
pub fn comparison_schema() -> Value {
    schemars::schema_for!(Comparison).to_value()
}

/// What the interval of a difference is one of, in a plain sentence; `None` where there is none.
#[must_use]
pub fn method(by: &Difference) -> Option<String> {
    by.interval()?;
    let sentence = if by.is_paired {
        "This interval is one of setups: setup is compared with setup, and runs of one setup count as alike."
    } else {
        "This interval is one of runs, each for itself (Newcombe's), and of these two sides alone; where `report` compares several \
         setups, it gives wider ones, which hold for all of them at once."
    };
    Some(sentence.to_owned())
}

/// Points of a share, rounded.
fn points(points: f64) -> String {
    let rounded = format!("{points:.0}");
    if rounded == "1" { "1 point".to_owned() } else { format!("{rounded} points") }
}

/// The difference of two sides in a plain sentence, by their letters.
#[must_use]
pub fn sentence((first, of_first): (&str, &Group), (later, of_later): (&str, &Group), by: &Difference) -> String {
    let counts = |group: &Group| format!("{} of {}", group.passed, group.judged);
    let of_runs = |group: &Group| format!("{} of {}", group.passed, counted(group.judged, "run"));
    let Some(rate) = by.pass_rate else {
        let without = if of_first.judged == 0 { first } else { later };
        return format!("{without} has no run with a verdict, so nothing can be said.");
    };
    let points = points((rate.value * 100.0).abs());
    let how = match rate.value {
        value if value.abs() < 5e-4 => format!("{later} solves its task as often as {first}"),
        value if value > 0.0 => format!("{later} solves its task {points} more often than {first}"),
        _ => format!("{later} solves its task {points} less often than {first}"),
    };
    let runs = format!("{} against {}", of_runs(of_later), counts(of_first));
    let Some(interval) = rate.interval else { return format!("{how} ({runs}).") };
    let range = format!("{:+.0} to {:+.0} points", interval.low * 100.0, interval.high * 100.0);
    if by.is_clear() {
        return format!("{how} ({runs}); with 95 % confidence the difference is {range}.");
    }
    let more = by.runs_needed.map(|runs| format!(" To see a difference of this size takes about {runs} runs of each."));
    let more = more.unwrap_or_default();
    format!("{how} ({runs}); with so few runs the difference may be chance: {range}.{more}")
}

#[cfg(test)]
mod tests;
