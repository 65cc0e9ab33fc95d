use serde_json::{Value, json};

use super::*;
use crate::model::experiment::samples;
use crate::model::inherited::Candidate;
use crate::projectscylla::config::{hash, parse};

/// A result with a score, whose tokens and cost follow from the run's number.
fn result(run: &str, score: f64, grade: &str) -> RunResult {
    let run: RunId = run.parse().unwrap();
    let number = run.run.get();
    let judge = json!({"judge_number": 1, "model": "opus", "score": score, "passed": score >= 0.5, "grade": grade,
        "reasoning": "ä judge's words", "criteria_scores": {"R001": {"score": score, "explanation": "why"}, "R002": {"score": null}}});
    serde_json::from_value(json!({
        "version": "4.0", "experiment_id": "sample", "tier": run.tier, "subtest": run.subtest, "run_number": number,
        "attempt": 1, "config_hash": samples::config().hash(), "exit_code": if number == 1 { json!(0) } else { json!(null) },
        "agent_end": "finished", "timed_out": false,
        "token_stats": {"input_tokens": 10 * number, "output_tokens": 5, "cache_creation_tokens": 100, "cache_read_tokens": 1000},
        "cost_usd": 0.25 * f64::from(number), "judge_cost_usd": 0.125, "duration_seconds": 16.0, "agent_duration_seconds": 10.5,
        "judge_duration_seconds": 4.5, "judge_score": score, "judge_passed": score >= 0.5, "judge_grade": grade,
        "judges": [judge], "checks": [], "started_at": "2026-11-23T10:00:00Z", "committed_at": "2026-11-23T10:05:00.25Z",
        "seal": samples::config().hash(),
    }))
    .unwrap()
}

fn results() -> Vec<RunResult> {
    vec![
        result("T0/01/2", 0.6, "B"),
        result("T0/00/1", 0.9, "A"),
        result("T0/00/2", 0.3, "D"),
        result("T0/01/1", 0.6, "B"),
        result("T1/00/1", 0.0, "F"),
    ]
}

fn winners() -> BTreeMap<TierId, Winner> {
    let candidate =
        |subtest, median, runs, tokens| Candidate { subtest: SubtestId(subtest), median, runs, tokens: Some(tokens) };
    let near = vec![candidate(0, 0.6, 2, 2260), candidate(1, 0.6, 2, 2240)];
    let alone = vec![candidate(0, 0.0, 1, 1115)];
    [
        (TierId(0), Winner { subtest: SubtestId(1), median: 0.6, margin: 0.0, by_tokens: true, ranked: near }),
        (TierId(1), Winner { subtest: SubtestId(0), median: 0.0, margin: 1.0, by_tokens: false, ranked: alone }),
    ]
    .into()
}

fn exported(version: Version) -> Vec<(String, String)> {
    files(&Export {
        version,
        config: &samples::config(),
        results: &results(),
        winners: &winners(),
        root: "/results/exported",
        now: "2026-11-23T12:00:00Z".parse().unwrap(),
    })
}

fn file<'a>(files: &'a [(String, String)], path: &str) -> &'a str {
    &files.iter().find(|(known, _)| known == path).unwrap_or_else(|| panic!("{path} is missing")).1
}

fn value(files: &[(String, String)], path: &str) -> Value {
    serde_json::from_str(file(files, path)).unwrap()
}

#[test]
fn an_export_looks_like_this_flat_and_in_phase_folders() {
    for (name, version) in [("export-2.0", Version::V2_0), ("export-3.1", Version::V3_1)] {
        let files = exported(version);
        let gallery: Vec<String> = files.iter().map(|(path, text)| format!("=== {path}\n{text}")).collect();
        insta::with_settings!({
            snapshot_path => concat!(env!("CARGO_MANIFEST_DIR"), "/snapshots/projectscylla"),
            prepend_module_to_snapshot => false,
        }, {
            insta::assert_snapshot!(name, gallery.join("\n"));
        });
    }
}

/// The keys that ProjectScylla writes, file by file.
#[test]
fn each_file_has_the_keys_that_projectscylla_gives_it() {
    let files = exported(Version::V2_0);
    let keys = |path: &str, pointer: &str| -> String {
        let value = value(&files, path);
        let object = value.pointer(pointer).and_then(Value::as_object).unwrap_or_else(|| panic!("{path} {pointer}"));
        object.keys().map(String::as_str).collect::<Vec<_>>().join(" ")
    };
    let run = "run_number exit_code token_stats tokens_input tokens_output cost_usd duration_seconds agent_duration_seconds \
               judge_duration_seconds judge_score judge_passed judge_grade judge_reasoning judges workspace_path logs_path \
               command_log_path criteria_scores";
    let subtest = "subtest_id tier_id runs pass_rate mean_score median_score std_dev_score mean_cost total_cost token_stats \
                   consistency grade_distribution modal_grade min_grade max_grade selected_as_best selection_reason \
                   rate_limit_info";
    let tier = "tier_id subtest_results best_subtest best_subtest_score inherited_from tiebreaker_needed total_cost \
                total_duration cost_of_pass token_stats";
    for (path, pointer, expected) in [
        ("T0/00/run_01/run_result.json", "", run),
        ("T0/00/run_01/run_result.json", "/judges/0", "model score passed grade reasoning judge_number"),
        (
            "T0/00/run_01/run_result.json",
            "/token_stats",
            "input_tokens output_tokens cache_creation_tokens cache_read_tokens",
        ),
        ("T0/00/run_01/report.json", "", "run_number score grade passed cost_usd duration_seconds generated_at"),
        ("T0/00/report.json", "", "subtest_id tier_id summary token_stats children generated_at"),
        (
            "T0/00/report.json",
            "/summary",
            "total_runs passed pass_rate mean_score median_score std_dev total_cost consistency grade_distribution \
             modal_grade min_grade max_grade",
        ),
        ("T0/00/report.json", "/children/0", "run_number score passed report"),
        ("T0/report.json", "", "tier summary token_stats best children generated_at"),
        (
            "T0/report.json",
            "/summary",
            "total_subtests best_subtest best_score total_cost total_duration tiebreaker_needed",
        ),
        ("T0/report.json", "/best", "subtest score report"),
        ("T0/report.json", "/children/0", "id score pass_rate cost selected report"),
        ("T0/result.json", "", tier),
        ("T0/result.json", "/subtest_results/00", subtest),
        ("T0/result.json", "/subtest_results/00/runs/0", run),
        ("T0/best_subtest.json", "", "winning_subtest winning_score votes margin tiebreaker_needed tiebreaker_result"),
        ("T0/best_subtest.json", "/votes/0", "subtest_id score confidence reasoning"),
        (
            "result.json",
            "",
            "config tier_results best_overall_tier best_overall_subtest frontier_cop frontier_cop_tier total_cost \
             total_duration_seconds token_stats started_at completed_at",
        ),
        ("result.json", "/tier_results/T0", tier),
        ("report.json", "", "experiment_id summary token_stats best children generated_at"),
        (
            "report.json",
            "/summary",
            "total_tiers best_tier best_subtest frontier_cop total_cost total_duration started_at completed_at",
        ),
        ("report.json", "/best", "tier subtest report"),
        ("report.json", "/children/0", "tier best_subtest best_score cost report"),
        ("tier_comparison.json", "/T0", "best_subtest best_score total_cost tiebreaker_needed"),
    ] {
        assert_eq!(keys(path, pointer), expected, "{path} {pointer}");
    }
}

#[test]
fn numbers_are_those_that_projectscylla_computes() {
    let files = exported(Version::V2_0);
    let summary = value(&files, "T0/00/report.json")["summary"].clone();
    assert_eq!((&summary["pass_rate"], &summary["median_score"]), (&json!(0.5), &json!(0.6)));
    let (mean, deviation) = (0.6_f64, 0.18_f64.sqrt());
    assert!((summary["std_dev"].as_f64().unwrap() - deviation).abs() < 1e-12);
    assert!((summary["consistency"].as_f64().unwrap() - (1.0 - deviation / mean)).abs() < 1e-12);
    assert_eq!(
        (&summary["modal_grade"], &summary["min_grade"], &summary["max_grade"]),
        (&json!("A"), &json!("D"), &json!("A"))
    );
    // Agents only: ProjectScylla does not record what judges cost.
    assert_eq!(summary["total_cost"], json!(0.75));
    let experiment = value(&files, "result.json");
    assert_eq!((&experiment["best_overall_tier"], &experiment["frontier_cop"]), (&json!("T0"), &json!(0.375)));
    assert_eq!((&experiment["total_cost"], &experiment["total_duration_seconds"]), (&json!(1.75), &json!(75.0)));
    assert_eq!(experiment["token_stats"]["cache_read_tokens"], json!(5000));
}

#[test]
fn where_no_run_passed_there_is_null_and_no_infinity() {
    for version in [Version::V2_0, Version::V3_1] {
        let files = exported(version);
        for (path, text) in &files {
            assert!(!text.contains("Infinity") && !text.contains("NaN"), "{path}");
            assert!(serde_json::from_str::<Value>(text).is_ok(), "{path}");
        }
        assert_eq!(value(&files, "result.json")["tier_results"]["T1"]["cost_of_pass"], Value::Null);
    }
    let nothing = files(&Export {
        version: Version::V3_1,
        config: &samples::config(),
        results: &[],
        winners: &BTreeMap::new(),
        root: "/results/exported",
        now: "2026-11-23T12:00:00Z".parse().unwrap(),
    });
    assert_eq!(value(&nothing, "report.json")["summary"]["best_tier"], Value::Null);
}

#[test]
fn every_link_leads_to_a_file_of_the_export() {
    fn links(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(entries) => {
                found.extend(entries.get("report").and_then(Value::as_str).map(ToOwned::to_owned));
                entries.values().for_each(|value| links(value, found));
            }
            Value::Array(elements) => elements.iter().for_each(|value| links(value, found)),
            _ => {}
        }
    }
    for version in [Version::V2_0, Version::V3_1] {
        let files = exported(version);
        let mut count = 0;
        for (path, _) in files.iter().filter(|(path, _)| path.ends_with("report.json")) {
            let folder = path.strip_suffix("report.json").unwrap();
            let mut found = Vec::new();
            links(&value(&files, path), &mut found);
            for link in found {
                count += 1;
                file(&files, &format!("{folder}{}", link.strip_prefix("./").unwrap()));
            }
        }
        assert_eq!(count, 13);
    }
}

#[test]
fn an_exported_config_is_one_that_is_read_and_hashed() {
    for version in [Version::V2_0, Version::V3_1] {
        let text = file(&exported(version), "config/experiment.json").to_owned();
        let config = parse(text.as_bytes()).unwrap();
        assert_eq!(
            (config.experiment_id.as_str(), config.runs_per_subtest, config.max_subtests),
            ("sample", 3, Some(2))
        );
        assert_eq!(config.thinking_mode.as_deref(), Some("Low"));
        assert_eq!(config.others, serde_json::Map::new());
        let hash = hash::of_version(version, &Json::parse(text.as_bytes()).unwrap());
        assert!(hash::explains(text.as_bytes(), &hash));
    }
}
