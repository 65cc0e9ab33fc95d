//! The runs that a live coordinator works on, as `status` shows them.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::model::ids::{JudgeNumber, RunId};
use crate::model::outcome::Stage;
use crate::text::page::Page;
use crate::text::styles::{Styles, Tone};
use crate::text::words::{counted, duration};

use super::lines::stage_name;
use super::tables::shortened;

/// A run that a live coordinator works on.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct RunInFlight {
    /// The run.
    pub run: RunId,
    /// Its stage.
    pub stage: Stage,
    /// The judge, when it is the stage of one judge.
    pub judge: Option<JudgeNumber>,
    /// The name of its setup in the fixture; `None` when no fixture can be read.
    pub name: Option<String>,
    /// When the stage began, as far as it is known.
    #[schemars(with = "Option<String>")]
    pub since: Option<Timestamp>,
}

/// Adds a line for each run in flight; nothing where there is none.
pub(super) fn add_in_flight(page: &mut Page, runs: &[RunInFlight], now: Timestamp, styles: Styles) {
    if runs.is_empty() {
        return;
    }
    let heading = format!("{} in flight:", counted(runs.len(), "run"));
    page.line(format_args!("\n{}", styles.paint(Tone::Strong, heading)));
    let width = runs.iter().map(|in_flight| in_flight.run.to_string().len()).max().unwrap_or(0);
    for RunInFlight { run, stage, judge, name, since } in runs {
        let elapsed = since.map_or_else(String::new, |since| duration(now.duration_since(since).as_secs_f64()));
        let name = name.as_deref().map(shortened).unwrap_or_default();
        let stage = stage_name(*stage, *judge);
        let line = format!("  {:<width$}  {stage:<8}  {elapsed:>7}  {name}", run.to_string());
        page.line(line.trim_end());
    }
}
