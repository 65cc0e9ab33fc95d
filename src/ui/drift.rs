//! How far judges are from gold examples: a table of what they gave, and one of the judges.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::tables::{shortened, table};
use crate::model::gold::{CheckedExample, CheckedJudge, Deserved, DriftReport, JudgeCheck};
use crate::stats::drift::reported;
use crate::text::escape;
use crate::text::page::{Page, pretty};
use crate::text::short::first_of;
use crate::text::styles::{Styles, Tone};
use crate::text::words::{counted, list, moment};

/// Version of the shape below. It changes only when a key goes or changes its meaning.
const SCHEMA_VERSION: u32 = 1;
/// Shown for a number that does not exist.
const NONE: &str = "–";
/// How many items of an example are named.
const MOST_ITEMS: usize = 3;

/// A check with the version of its shape.
#[derive(Debug, Serialize, JsonSchema)]
struct Document<'a> {
    /// Version of this shape.
    schema_version: u32,
    /// Whether every judge has answered, and none drifts beyond the limit.
    met: bool,
    /// What was found.
    #[serde(flatten)]
    check: &'a JudgeCheck,
}

/// The newest check of an experiment's judges.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct NewestCheck<'a> {
    /// How far judges were off.
    #[serde(flatten)]
    found: DriftReport,
    /// Whether it stopped the newest session before an agent was started.
    stopped_the_session: bool,
    /// The check itself.
    #[serde(skip)]
    check: &'a JudgeCheck,
}

impl<'a> NewestCheck<'a> {
    /// A check after which a session started agents, or none because of it.
    #[must_use]
    pub fn new(check: &'a JudgeCheck, is_newest_of_all: bool) -> Self {
        Self { found: reported(check), stopped_the_session: is_newest_of_all && !check.is_met(), check }
    }

    /// Whether it stopped the newest session before an agent was started.
    pub(super) fn stopped_the_session(&self) -> bool {
        self.stopped_the_session
    }

    /// What it has found, when it is not met; nothing when it is.
    pub(super) fn add_unmet(&self, page: &mut Page, styles: Styles) {
        if self.check.is_met() {
            return;
        }
        let (at, limit) = (moment(self.check.at), self.check.max_drift);
        let title = format!("Judges failed their check against gold examples ({at}, limit {limit:.2}):");
        page.line("");
        page.line(styles.paint(Tone::Bad, title));
        for line in wrong(self.check) {
            page.line(format_args!("  {line}"));
        }
    }

    /// The smallest limit, of two decimals, under which all judges are right; `None` when one of them gave no answer.
    pub(super) fn limit_for_all(&self) -> Option<String> {
        // What is 0.29 and hardly more in binary is 0.29.
        let hundredths = (self.check.largest_drift_of_all()? * 100.0 - 1e-9).ceil();
        Some((hundredths / 100.0).to_string())
    }
}

/// The schema of the JSON.
#[must_use]
pub fn check_schema() -> Value {
    schemars::schema_for!(Document<'_>).to_value()
}

/// A check as JSON.
#[must_use]
pub fn json(check: &JudgeCheck) -> String {
    pretty(&Document { schema_version: SCHEMA_VERSION, met: check.is_met(), check })
}

/// A check for people.
#[must_use]
pub fn human(check: &JudgeCheck, styles: Styles) -> String {
    let mut page = Page::default();
    let title = format!(
        "{}: {} and {}, asked {} each",
        check.fixture,
        counted(check.judges.len(), "judge"),
        counted(check.gold.len(), "gold example"),
        counted(check.repeat as usize, "time"),
    );
    page.line(styles.paint(Tone::Strong, title));
    let titles = ["judge", "example", "deserved", "given", "difference", "passed", "items"];
    let mut rows = vec![titles.map(str::to_owned).to_vec()];
    for judge in &check.judges {
        rows.extend(judge.examples.iter().zip(&check.gold).map(|(example, gold)| row(judge, example, gold)));
    }
    page.add(table(rows));
    page.line("");
    page.add(judges_table(check));
    page.into_text()
}

/// A line for each judge: its drift over all examples, and what that cost.
#[must_use]
pub fn judges_table(check: &JudgeCheck) -> String {
    let titles = ["judge", "mean drift", "largest", "limit", "cost", ""];
    let mut rows = vec![titles.map(str::to_owned).to_vec()];
    for judge in &check.judges {
        let number = |drift: Option<f64>| drift.map_or_else(|| NONE.to_owned(), |drift| format!("{drift:.2}"));
        rows.push(vec![
            shortened(&judge.name),
            number(judge.mean_drift),
            number(judge.largest_drift),
            format!("{:.2}", check.max_drift),
            judge.cost.to_string(),
            verdict(judge, check).to_owned(),
        ]);
    }
    table(rows)
}

/// What is to be said of a judge in two words.
#[must_use]
pub fn verdict(judge: &CheckedJudge, check: &JudgeCheck) -> &'static str {
    match judge.largest_drift {
        Some(largest) if largest > check.max_drift => "drifts",
        _ if judge.within_limit => "within",
        _ => "no answer",
    }
}

fn row(judge: &CheckedJudge, example: &CheckedExample, gold: &Deserved) -> Vec<String> {
    let none = || NONE.to_owned();
    vec![
        shortened(&judge.name),
        shortened(&example.name),
        gold.score.to_string(),
        example.score.map_or_else(none, |score| format!("{score:.2}")),
        example.difference.map_or_else(none, |difference| format!("{difference:+.2}")),
        if example.answers == 0 { none() } else { format!("{}/{}", example.passes, example.answers) },
        items(example),
    ]
}

/// The items that differ, those first that differ most.
fn items(example: &CheckedExample) -> String {
    let mut differing: Vec<(&String, f64)> =
        example.items.iter().map(|(item, difference)| (item, *difference)).filter(|(_, it)| *it != 0.0).collect();
    differing.sort_by(|one, other| other.1.abs().total_cmp(&one.1.abs()));
    let otherwise =
        example.applies_otherwise.iter().map(|item| format!("{} applies otherwise", escape::terminal(item)));
    let named = differing.iter().map(|(item, difference)| format!("{} {difference:+.2}", escape::terminal(item)));
    let named: Vec<String> = named.chain(otherwise).collect();
    if named.is_empty() { NONE.to_owned() } else { list(&first_of(&named, MOST_ITEMS)) }
}

/// Whether a judge drifts beyond the limit.
#[must_use]
pub fn is_beyond(check: &JudgeCheck) -> bool {
    check.judges.iter().any(|judge| judge.largest_drift.is_some_and(|largest| largest > check.max_drift))
}

/// Why judges may not grade: those that drift beyond the limit, and those that gave no answer, a line each.
#[must_use]
pub fn wrong(check: &JudgeCheck) -> Vec<String> {
    let mut wrong = Vec::new();
    for judge in &check.judges {
        for example in &judge.examples {
            if let Some(off) = example.difference.filter(|difference| difference.abs() > check.max_drift) {
                let direction = if off > 0.0 { "above" } else { "below" };
                wrong.push(format!(
                    "the judge `{}` is {:.2} {direction} what `{}` deserves",
                    judge.name,
                    off.abs(),
                    example.name
                ));
            }
        }
        let silent: Vec<&CheckedExample> =
            judge.examples.iter().filter(|example| !example.failures.is_empty()).collect();
        if let Some(why) = silent.first().and_then(|example| example.failures.first()) {
            let about: Vec<String> = silent.iter().map(|example| format!("`{}`", example.name)).collect();
            let about = list(&first_of(&about, MOST_ITEMS));
            wrong.push(format!("the judge `{}` gave no answer about {about}: {}", judge.name, escape::terminal(why)));
        }
    }
    wrong
}
