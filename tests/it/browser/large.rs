//! The page of an experiment of ten thousand runs that nobody ran, each with a patch, a prompt and what judges wrote.

use scylla::model::details::{RunDetails, RunState};
use scylla::model::digest::Digest;
use scylla::model::ids::RunId;
use scylla::model::money::Usd;
use scylla::model::reported::{Clip, Reported, ReportedRun, RunTexts, WholeRun};
use scylla::model::row::{RowStatus, RunRow};
use scylla::model::usage::Total;
use scylla::report::results::{Material, Report, form_of};
use scylla::stats::summaries::Settings;
use scylla::text::styles::Styles;

const TIERS: usize = 5;
const SUBTESTS: usize = 20;
const RUNS: usize = 100;

/// The whole page.
pub(super) fn page() -> String {
    let ids = (0..TIERS).flat_map(|tier| {
        (0..SUBTESTS).flat_map(move |subtest| (1..=RUNS).map(move |run| format!("T{tier}/{subtest:02}/run_{run:02}")))
    });
    let experiment = Reported {
        name: "large".to_owned(),
        experiment_id: Some("large".to_owned()),
        config: None,
        fixture: None,
        seal: None,
        judge_check: None,
        runs: ids.enumerate().map(|(place, id)| run(place, &id)).collect(),
    };
    let experiments = [experiment];
    let settings = Settings::default();
    let report = Report::of(&experiments, &[], "a test", &settings);
    let material = Material { report: &report, experiments: &experiments, room: None };
    (form_of("html").unwrap().files)(&material, Styles::plain()).remove(0).text
}

fn run(place: usize, id: &str) -> ReportedRun {
    let run: RunId = id.parse().unwrap();
    let has_passed = !place.is_multiple_of(3);
    let cost = Total::from(Usd::from_dollars(0.05 + f64::from(run.subtest.0) / 100.0).unwrap());
    let mut details = RunDetails::new(run, id.to_owned());
    details.state = RunState::judged(has_passed);
    let line = "+    let answer = the_one_that_was_asked_for(and, its, arguments);\n";
    let patch = format!("diff --git a/src/lib.rs b/src/lib.rs\n@@ -1 +1,20 @@\n{}", line.repeat(20));
    let clip = |text: String| Some(Clip { text, left_out: 0, is_withheld: false });
    let texts = RunTexts {
        prompt: clip(format!("Make it pass, as {} would.", run.subtest)),
        steps: None,
        patch: clip(patch),
        output: clip("It was done.\n".repeat(10)),
    };
    let row = RunRow {
        run,
        name: Some(format!("setup {}", run.subtest)),
        model: None,
        control: None,
        status: RowStatus::judged(has_passed),
        score: Some(if has_passed { 0.9 } else { 0.3 }),
        grade: None,
        end: None,
        exit_code: Some(0),
        exceeded: None,
        cost: Some(cost),
        spent: cost,
        tokens: None,
        seconds: Some(20.0),
        attempts: 1,
        flags: std::collections::BTreeSet::new(),
        grading: None,
        reason: (!has_passed).then(|| "the check `tests` failed".to_owned()),
    };
    let whole = WholeRun { details: details.clone(), exchanges: Vec::new(), texts: Some(texts) };
    ReportedRun {
        row,
        details: Some(Box::new(details)),
        digest: Some(Digest::of(id.as_bytes())),
        whole: Some(Box::new(whole)),
    }
}
