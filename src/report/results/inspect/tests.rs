//! Logs of Inspect, of runs of which everything is known, and of ones of which nothing is.

use super::super::tests::{IN_A_PAGE, experiment, hostile, judged, nothing, report};
use super::*;
use crate::model::row::samples::missing;
use crate::model::samples::snapshot;
use crate::model::usage::Cost;
use crate::text::page::pretty;

fn logs_of(experiments: &[Reported]) -> Vec<(String, Value)> {
    let report = report(experiments);
    let files = files(&Material { report: &report, experiments, room: None });
    files.into_iter().map(|file| (file.name.into_owned(), serde_json::from_str(&file.text).unwrap())).collect()
}

fn log_of(runs: Vec<ReportedRun>) -> Value {
    logs_of(&[Reported { runs, ..experiment() }]).remove(0).1
}

fn without(id: &str, status: RowStatus) -> ReportedRun {
    ReportedRun { row: missing(id, status, None), details: None, digest: None, whole: None }
}

#[test]
fn a_log_tells_what_came_of_each_run_and_has_an_error_in_place_of_a_missing_score() {
    let mut experiment = experiment();
    experiment.runs.retain(|run| run.row.run.to_string() == "T1/00/run_05" || run.row.is_missing());
    let logs = logs_of(&[experiment]);
    let (name, log) = &logs[0];
    assert_eq!((logs.len(), name.as_str()), (1, "2026-11-23T12-00-05+00-00_fix-T1-00_a45a9ed285aaa59355c8db.json"));
    snapshot("report", "inspect", &pretty(log));
}

/// Every text in a value.
fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        Value::Object(entries) => {
            entries.iter().flat_map(|(key, value)| [vec![key.as_str()], texts(value)].concat()).collect()
        }
        _ => Vec::new(),
    }
}

#[test]
fn no_character_in_a_log_is_obeyed_also_by_who_reads_and_writes_it_again() {
    let experiments = [hostile(1)];
    let logs = logs_of(&experiments);
    assert!(logs == logs_of(&experiments), "the same results give the same logs");
    for (_, log) in &logs {
        for text in texts(log) {
            assert_eq!(text, escape::lines(text));
        }
    }
    // Texts of programs stand in a block, from which nothing in them leads out.
    let sample = &logs[0].1["samples"][0];
    let patch = sample["events"][1]["data"].as_str().unwrap();
    assert!(patch.starts_with("(Left out: 7 bytes.)\n\n```diff\n") && patch.contains(IN_A_PAGE[0]), "{patch}");
    let mut fenced = experiments;
    for run in &mut fenced[0].runs {
        let texts = run.whole.as_mut().and_then(|whole| whole.texts.as_mut());
        if let Some(texts) = texts {
            texts.output.as_mut().unwrap().text = "a\n````\n![b](http://c)".to_owned();
        }
    }
    let said = &logs_of(&fenced)[0].1["samples"][0]["messages"][1]["content"];
    assert!(said.as_str().unwrap().ends_with("`````text\na\n````\n![b](http://c)\n`````"), "{said}");
}

#[test]
fn what_is_withheld_is_told_and_not_shown() {
    let mut experiments = [hostile(1)];
    for run in &mut experiments[0].runs {
        let texts = run.whole.as_mut().and_then(|whole| whole.texts.as_mut());
        for clip in texts.into_iter().flat_map(|texts| [&mut texts.prompt, &mut texts.patch, &mut texts.output]) {
            clip.as_mut().unwrap().withhold();
        }
    }
    let log = &logs_of(&experiments)[0].1;
    let sample = &log["samples"][0];
    let withheld = json!("(This text is withheld because it holds a secret.)");
    for shown in [&sample["input"], &sample["messages"][1]["content"], &sample["events"][1]["data"]] {
        assert_eq!(shown, &withheld);
    }
    assert_eq!(sample["metadata"]["texts"]["prompt"]["is_withheld"], true);
}

#[test]
fn a_log_is_a_success_when_nothing_is_left_to_be_done_and_an_error_without_any_verdict() {
    let done = || judged("T0/00/1", true, 0.1);
    for (runs, status) in [
        (vec![done(), judged("T0/00/2", false, 0.1)], "success"),
        (vec![done(), without("T0/00/2", RowStatus::Errored)], "success"),
        (vec![done(), without("T0/00/2", RowStatus::Damaged)], "success"),
        (vec![done(), without("T0/00/2", RowStatus::NotStarted)], "cancelled"),
        (vec![done(), without("T0/00/2", RowStatus::AgentComplete)], "cancelled"),
        (vec![without("T0/00/1", RowStatus::Errored)], "error"),
    ] {
        let log = log_of(runs);
        assert_eq!(log["status"], status);
        // The real Inspect refuses a log with an error that is null.
        assert_eq!(log.get("error").is_some(), status == "error", "{log:#}");
        for sample in log["samples"].as_array().unwrap() {
            assert_eq!(sample["scores"].is_null(), sample["error"].is_object(), "{sample:#}");
        }
    }
}

#[test]
fn what_is_not_known_is_neither_0_nor_a_number_that_is_none() {
    let mut unknown = judged("T0/00/2", true, 0.1);
    unknown.row.score = Some(f64::NAN);
    let agent = unknown.details.as_mut().unwrap().agent.as_mut().unwrap();
    agent.usage.tokens.input = None;
    let log = log_of(vec![judged("T0/00/1", true, 0.1), unknown]);
    let (first, second) = (&log["samples"][0], &log["samples"][1]);
    assert_eq!(first["model_usage"].as_object().unwrap().len(), 1);
    assert_eq!((&second["model_usage"], &log["stats"]["model_usage"]), (&json!({}), &json!({})));
    assert_eq!((second["scores"].get(SCORE), &second["scores"][PASSED]["value"]), (None, &json!("C")));

    let mut free = judged("T0/00/2", true, 0.1);
    free.details.as_mut().unwrap().agent.as_mut().unwrap().usage.cost = Cost::Unknown;
    let log = log_of(vec![judged("T0/00/1", true, 0.1), free, without("T0/00/3", RowStatus::NotStarted)]);
    let usage = log["stats"]["model_usage"].as_object().unwrap().values().next().unwrap();
    assert_eq!(usage["input_tokens"], 2400, "a run that was not started used nothing: {usage}");
    assert_eq!((&usage["total_cost"], &usage["input_tokens_cache_write"]), (&Value::Null, &Value::Null));

    let log = &logs_of(&[nothing()])[0].1;
    assert_eq!((&log["results"]["scores"], &log["stats"]["started_at"]), (&json!([]), &json!("")));
    assert_eq!((&log["eval"]["created"], &log["eval"]["task"]), (&json!("1970-01-01T00:00:00Z"), &json!("begun")));
}

#[test]
fn copies_of_an_experiment_have_logs_of_their_own_and_other_results_keep_the_name() {
    let logs = logs_of(&[experiment(), experiment()]);
    let names: BTreeSet<&String> = logs.iter().map(|(name, _)| name).collect();
    assert_eq!((logs.len(), names.len()), (6, 6), "{names:?}");
    let mut other = experiment();
    other.runs[0].digest = None;
    assert_eq!(logs_of(&[other])[0].0, logs[0].0);
    let dated = Reported { runs: vec![without("T0/00/1", RowStatus::NotStarted)], ..experiment() };
    assert!(logs_of(&[dated])[0].0.starts_with("2026-11-23T12-00-00+00-00_fix-"), "by the name of the folder");
}
