use super::*;

fn run() -> RunId {
    "T0/00/1".parse().unwrap()
}

fn contradiction(json: &str) -> Option<String> {
    ReadFacts::parse(json.as_bytes()).unwrap().contradiction()
}

#[test]
fn a_verdict_is_the_strict_majority_and_the_mean() {
    for (json, agrees) in [
        (r#"{"judge_passed":true,"judge_score":0.5,"judges":[{"passed":true,"score":0.5}]}"#, true),
        (r#"{"judge_passed":false,"judge_score":0.5,"judges":[{"passed":true,"score":0.5}]}"#, false),
        (r#"{"judge_passed":true,"judges":[{"passed":true,"score":1},{"passed":false,"score":0}]}"#, false),
        (r#"{"judge_passed":false,"judges":[{"passed":true,"score":1},{"passed":false,"score":0}]}"#, true),
        (r#"{"judge_score":0.3,"judges":[{"passed":true,"score":0.1},{"passed":true,"score":0.5}]}"#, true),
        (r#"{"judge_score":0.300001,"judges":[{"passed":true,"score":0.1},{"passed":true,"score":0.5}]}"#, false),
        (r#"{"judge_passed":true,"judge_score":1,"judges":[]}"#, true),
        (r#"{"judge_passed":true,"judge_score":1,"judges":null}"#, true),
        (r#"{"judge_passed":true,"judges":[{"passed":false,"score":null}]}"#, true),
        (
            r#"{"judge_passed":true,"judges":[{"passed":true,"score":1},{"passed":false,"score":0,"is_valid":false}]}"#,
            true,
        ),
        (
            r#"{"judge_passed":true,"judges":[{"passed":true,"score":0.7,"fallback":true},{"passed":false,"score":0}]}"#,
            false,
        ),
        (r#"{"judge_passed":false,"judge_score":0.0,"judges":[{"passed":false,"score":0,"is_valid":false}]}"#, false),
        (r#"{"judge_passed":false,"judge_score":null,"judges":[{"passed":false,"score":0,"is_valid":false}]}"#, true),
    ] {
        assert_eq!(contradiction(json).is_none(), agrees, "{json}");
    }
}

#[test]
fn only_what_a_result_says_can_be_misplaced() {
    for (json, found) in [
        ("{}", None),
        (r#"{"experiment_id":"test-001","tier":"T0","subtest":"00","run_number":1}"#, None),
        (r#"{"tier":"T1","subtest":"01","run_number":2}"#, Some("it names tier `T1`, subtest `01`, run 2")),
        (r#"{"tier":"../T0"}"#, Some("it names tier `../T0`")),
    ] {
        let misplaced = ReadFacts::parse(json.as_bytes()).unwrap().misplaced(run());
        assert_eq!(misplaced.as_deref(), found, "{json}");
    }
}

#[test]
fn files_that_a_result_names_are_found_by_what_follows_the_folder_of_its_run() {
    let json = r#"{"logs_path":"/home/x/results/old/T0/00/run_01/agent","command_log_path":"/T0/00/run_01/../../x"}"#;
    let facts = ReadFacts::parse(json.as_bytes()).unwrap();
    assert_eq!(facts.named_files(run()).collect::<Vec<_>>(), ["agent"]);
    let none = facts.named_files("T0/00/2".parse().unwrap()).count();
    assert_eq!(none, 0, "paths of other runs are not looked at");
}

#[test]
fn what_has_the_wrong_shape_is_no_result() {
    for wrong in [
        "",
        "null",
        "[]",
        "{} {}",
        r#"{"judge_passed":"true"}"#,
        r#"{"judge_passed":true,"judge_passed":false}"#,
        r#"{"judge_score":1.5}"#,
        r#"{"judge_score":NaN}"#,
        r#"{"cost_usd":-1}"#,
        r#"{"judges":{}}"#,
        r#"{"run_number":-1}"#,
    ] {
        assert!(ReadFacts::parse(wrong.as_bytes()).is_err(), "{wrong}");
    }
}

#[test]
fn a_sum_is_estimated_where_it_says_so_and_where_a_part_of_it_does() {
    for (json, estimated) in [
        (r#"{"cost_usd":1,"cost_source":"estimated"}"#, [true, false, false]),
        (
            r#"{"cost_usd":1,"cost_source":"metered","judge_cost_usd":1,"judge_cost_estimated":true}"#,
            [false, true, false],
        ),
        (
            r#"{"judge_cost_usd":1,"judges":[{"cost_source":"reported"},{"cost_source":"estimated"}]}"#,
            [false, true, false],
        ),
        (r#"{"failed_judge_cost_usd":1,"failed_judge_cost_estimated":true}"#, [false, false, true]),
        (r#"{"cost_usd":null,"cost_source":"unknown"}"#, [false; 3]),
    ] {
        let Costs { agent, judges, failed_judges } = ReadFacts::parse(json.as_bytes()).unwrap().costs();
        assert_eq!([agent, judges, failed_judges].map(|total| total.is_estimated), estimated, "{json}");
    }
}

#[test]
fn depth_that_nobody_looks_at_does_no_harm() {
    let deep = format!("{{\"x\":{}{},\"judge_passed\":true}}", "[".repeat(1 << 20), "]".repeat(1 << 20));
    let parsed = ReadFacts::parse(deep.as_bytes());
    assert!(parsed.is_err() || parsed.is_ok_and(|facts| facts.judge_passed == Some(true)));
}
