use std::fs;
use std::os::unix::fs::symlink;

use serde_json::json;

use super::*;
use crate::model::ids::{AttemptNumber, TierId};
use crate::model::money::Usd;
use crate::model::outcome::{AttemptEnd, Failure, FailureKind, Stage};
use crate::model::result::{AttemptRecord, ChecksResult, Verdict};
use crate::model::survey::AttemptsSeen;
use crate::model::survey::{Holder, Naming, ProblemKind, Seen};
use crate::model::usage::Total;
use crate::store::sample::{self, Sample, run};
use crate::store::stages::RunStore;

fn seen(sample: &Sample) -> Survey {
    survey(&sample.folder, Depth::Results).unwrap()
}

fn problems(survey: &Survey) -> Vec<(String, ProblemKind)> {
    survey.problems.iter().map(|problem| (problem.place.clone(), problem.kind)).collect()
}

fn usd(dollars: f64) -> Total {
    Usd::from_dollars(dollars).unwrap().into()
}

#[test]
fn the_founding_incident_is_590_results_that_the_checkpoint_does_not_name() {
    let sample = sample::experiment();
    sample.founding_incident();
    let survey = seen(&sample);
    assert!(survey.checkpoint.content().unwrap().completed_runs.is_empty());
    assert_eq!(survey.runs.len(), 590);
    for (tier, runs) in sample::INCIDENT {
        assert_eq!(survey.runs.keys().filter(|run| run.tier == TierId(tier)).count(), runs as usize);
    }
    for (run, passed) in sample::incident_runs() {
        let RunSeen::Committed(facts) = survey.runs[&run] else { panic!("{run}") };
        assert_eq!(facts.passed, Some(passed), "{run}");
        assert_eq!((facts.cost, facts.config), (usd(0.75), Some(0)));
    }
    assert_eq!(survey.config_hashes, [sample::HASH.parse().unwrap()]);
    let named = Naming { results: 590, runs: Vec::new() };
    assert_eq!(survey.experiment_ids, [("test-001".to_owned(), named)].into());
    let rest = Survey {
        runs: [].into(),
        checkpoint: Seen::Missing,
        config: Seen::Missing,
        experiment_ids: [].into(),
        ..survey
    };
    assert_eq!(rest, Survey { config_hashes: rest.config_hashes.clone(), ..Survey::default() });
}

#[test]
fn many_runs_of_one_subtest_and_many_subtests_are_all_there_in_order() {
    let sample = sample::experiment();
    let mut expected = Vec::new();
    for (tier, subtests, runs) in [("T0", 1, 2500), ("T1", 60, 3)] {
        for subtest in 0..subtests {
            for number in 1..=runs {
                let run = run(&format!("{tier}/{subtest:02}/{number}"));
                let result = sample.folder.run(run).result();
                fs::create_dir_all(result.parent().unwrap()).unwrap();
                // Hashes alternate, so that threads meet them in different orders.
                let hash = format!("sha256:{:064x}", number % 7);
                fs::write(result, json!({"run_number": number, "config_hash": hash}).to_string()).unwrap();
                expected.push(run);
            }
        }
    }
    let survey = seen(&sample);
    assert!(survey.runs.keys().eq(&expected));
    assert_eq!(problems(&survey), []);
    assert_eq!(survey.config_hashes.len(), 7);
    assert!(survey.config_hashes.is_sorted());
    for (run, seen) in &survey.runs {
        let RunSeen::Committed(facts) = seen else { panic!("{run}") };
        let hash = survey.config_hashes[usize::from(facts.config.unwrap())];
        assert_eq!(hash.to_string(), format!("sha256:{:064x}", run.run.get() % 7), "{run}");
    }
    assert_eq!(seen(&sample), survey, "a survey does not depend on which thread was faster");
}

#[test]
fn a_result_that_someone_planted_is_never_counted() {
    let sample = sample::experiment();
    let whole = sample::run_result(run("T0/00/1"), true);
    let at = |place: &str| sample.folder.root().join(place);
    for place in [
        "T0/00/run_01/workspace/run_result.json",
        "T0/00/run_01/agent/record/run_result.json",
        "T0/00/.failed/run_02_attempt_01/run_result.json",
        "T0/00/.failed/run_result.json",
        "T0/00/run_result.json",
        "T0/run_result.json",
        "run_result.json",
        "T0/00/elsewhere/run_result.json",
        "T0/workspace/run_01/run_result.json",
        "outside/run_01/run_result.json",
        ".quarantine/1/T0/00/run_03/run_result.json",
        "T0/0/run_01/run_result.json",
        "T00/00/run_01/run_result.json",
        "t0/00/run_01/run_result.json",
    ] {
        sample::write_json(&at(place), &whole);
    }
    symlink("../elsewhere", at("T0/00/run_04")).unwrap();
    symlink("../outside", at("T0/05")).unwrap();
    symlink("T0", at("T1")).unwrap();
    fs::write(at("T0/00/run_06"), "").unwrap();
    fs::write(at("T2"), "").unwrap();

    let survey = seen(&sample);
    let unstarted = RunSeen::Unfinished { agent_complete: false, spent: Total::ZERO };
    assert_eq!(survey.runs, [(run("T0/00/1"), unstarted)].into());
    assert_eq!(
        survey.foreign,
        [
            "T0/0",
            "T0/00/.failed/run_result.json",
            "T0/00/elsewhere",
            "T0/00/run_04",
            "T0/00/run_06",
            "T0/00/run_result.json",
            "T0/05",
            "T0/run_result.json",
            "T0/workspace",
            "T00",
            "T1",
            "T2",
            "outside",
            "run_result.json",
            "t0",
        ]
    );
}

#[test]
fn what_is_no_regular_file_is_unreadable_and_nothing_hangs() {
    let sample = sample::experiment();
    let result = |number: u32| sample.folder.run(run(&format!("T0/00/{number}"))).result();
    for number in 2..=6 {
        fs::create_dir_all(result(number).parent().unwrap()).unwrap();
    }
    sample.result(run("T0/00/7"), true);
    sample::fifo(&result(1));
    symlink("../run_07/run_result.json", result(2)).unwrap();
    fs::create_dir(result(3)).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(result(4)).unwrap();
    fs::File::create(result(5)).unwrap().set_len(1 << 40).unwrap();
    symlink("run_result.json", result(6)).unwrap();

    let survey = seen(&sample);
    let told = ["a FIFO", "a symbolic link", "a folder", "a socket", "1099511627776 bytes", "a symbolic link"];
    assert_eq!(survey.problems.len(), 6);
    for ((problem, told), number) in survey.problems.iter().zip(told).zip(1..) {
        assert_eq!(problem.run, run(&format!("T0/00/{number}")));
        assert_eq!((problem.kind, &problem.place), (ProblemKind::UnreadableResult, &problem.run.to_string()));
        assert!(problem.found.contains(told), "{}", problem.found);
        assert_eq!(survey.runs[&problem.run], RunSeen::Unreadable);
    }
    assert!(matches!(survey.runs[&run("T0/00/7")], RunSeen::Committed(_)));
    assert_eq!(survey.unknown, []);
}

#[test]
fn a_result_cut_at_any_byte_is_unreadable() {
    let sample = sample::experiment();
    let of = run("T0/00/1");
    let whole = serde_json::to_vec_pretty(&sample::run_result(of, true)).unwrap();
    let path = sample.folder.run(of).result();
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    for length in 0..whole.len() {
        assert!(facts::ReadFacts::parse(&whole[..length]).is_err(), "{length} bytes");
    }
    for length in [0, 1, 2, whole.len() / 2, whole.len() - 2, whole.len() - 1] {
        fs::write(&path, &whole[..length]).unwrap();
        assert_eq!(seen(&sample).runs[&of], RunSeen::Unreadable, "{length} bytes");
    }
    fs::write(&path, &whole).unwrap();
    assert!(matches!(seen(&sample).runs[&of], RunSeen::Committed(_)));
}

#[test]
fn what_the_system_hides_is_unknown_and_never_absent() {
    let sample = sample::experiment();
    let folder = sample.folder.run(run("T0/00/1"));
    fs::create_dir_all(folder.root()).unwrap();
    fs::write(folder.agent(), "a file where a folder should be").unwrap();
    fs::create_dir_all(sample.folder.run(run("T0/00/2")).root()).unwrap();
    symlink("agent", sample.folder.run(run("T0/00/2")).agent()).unwrap();
    let survey = seen(&sample);
    let places: Vec<_> = survey.unknown.iter().map(|(place, _)| place.as_str()).collect();
    assert_eq!(places, ["T0/00/run_01/agent/result.json", "T0/00/run_02/agent/result.json"]);
    assert!(survey.runs.values().all(|seen| *seen == RunSeen::Unknown), "{:?}", survey.runs);
}

#[test]
fn a_long_text_where_a_number_belongs_does_not_fill_the_survey() {
    let sample = sample::experiment();
    for number in 1..=3 {
        sample.altered_result(run(&format!("T0/00/{number}")), &json!({"judge_passed": "ü".repeat(1 << 20)}));
    }
    let survey = seen(&sample);
    assert_eq!(survey.problems.len(), 3);
    assert!(survey.problems.iter().all(|problem| problem.found.len() < 1000));
}

#[test]
fn a_result_is_compared_with_its_folder_and_its_judges() {
    let sample = sample::experiment();
    sample::write_json(&sample.folder.config(), &sample::config_of("test-001"));
    sample.result(run("T0/00/1"), true);
    sample.altered_result(run("T0/00/2"), &json!({"experiment_id": "other"}));
    sample.altered_result(run("T0/00/3"), &json!({"run_number": 4}));
    sample.altered_result(run("T0/00/4"), &json!({"judge_passed": false}));
    sample.altered_result(run("T0/00/5"), &json!({"config_hash": "md5:0"}));
    sample.altered_result(run("T0/00/6"), &json!({"judge_passed": null, "judge_score": null, "judges": []}));
    let survey = seen(&sample);
    assert_eq!(
        problems(&survey),
        [
            ("T0/00/run_03".into(), ProblemKind::Misplaced),
            ("T0/00/run_04".into(), ProblemKind::Contradictory),
            ("T0/00/run_05".into(), ProblemKind::Altered),
        ]
    );
    let other = Naming { results: 1, runs: vec![run("T0/00/2")] };
    assert_eq!(survey.experiment_ids.get("other"), Some(&other), "whose it is can be said when all are read");
    let RunSeen::Committed(facts) = survey.runs[&run("T0/00/6")] else { panic!() };
    assert_eq!((facts.passed, facts.score), (None, None), "a missing verdict is not \"failed\"");
}

#[test]
fn another_spelling_of_a_run_is_a_duplicate_only_beside_the_run() {
    let sample = sample::experiment();
    for name in ["run_01", "run_1", "run_001", "run_2"] {
        let path = sample.folder.root().join("T0/00").join(name).join("run_result.json");
        sample::write_json(&path, &sample::run_result(run("T0/00/1"), true));
    }
    let survey = seen(&sample);
    assert_eq!(survey.runs.len(), 1);
    let duplicate = |place: &str| (place.to_owned(), ProblemKind::Duplicate);
    assert_eq!(problems(&survey), [duplicate("T0/00/run_001"), duplicate("T0/00/run_1")]);
    assert_eq!(survey.foreign, ["T0/00/run_2"]);
}

#[test]
fn known_names_are_not_foreign_and_left_over_files_are_named() {
    let sample = sample::experiment();
    let at = |place: &str| sample.folder.root().join(place);
    for folder in ["repo.git", "report", ".quarantine", "config/fixture"] {
        fs::create_dir_all(at(folder)).unwrap();
    }
    for file in ["experiment.lock", "checkpoint.json.backup-2026-01-20T06-50-26-2"] {
        fs::write(at(file), "").unwrap();
    }
    fs::create_dir_all(at("T0/00/.failed")).unwrap();
    let temporary = [".tmp-a", "T0/.tmp-b", "T0/00/.failed/.tmp-c", "T0/00/.tmp-d", "config/.tmp-e"];
    for place in temporary {
        fs::write(at(place), "").unwrap();
    }
    let foreign = ["T0/00/notes", "T0/notes", "config/notes", "notes", "experiment.lock.old", "Thumbs.db"];
    for place in foreign {
        fs::write(at(place), "").unwrap();
    }
    let survey = seen(&sample);
    assert_eq!(survey.temporary, temporary);
    let mut foreign = foreign.to_vec();
    foreign.sort_unstable();
    assert_eq!(survey.foreign, foreign);
    assert!(survey.fixture_digest.is_some());
    assert_eq!(survey.unknown, []);
}

#[test]
fn unfinished_runs_and_former_attempts_tell_what_was_spent() {
    let sample = sample::experiment();
    let (first, second) = (run("T0/00/1"), run("T0/00/2"));
    let store = RunStore::new(&sample.folder, first);
    let attempt = |number, last| AttemptRecord {
        attempt: AttemptNumber(number),
        stage: Stage::Agent,
        end: AttemptEnd::Failed { failure: Failure::new(FailureKind::Provider, "503"), last },
        cost: usd(0.1),
        at: sample::now(),
    };
    for (number, last) in [(1, true), (2, false)] {
        store.begin().unwrap();
        store.set_aside(&attempt(number, last)).unwrap();
    }
    // Without the record, the agent's own result still tells the cost.
    let bare = sample.folder.attempt(second, AttemptNumber(1));
    sample::write_json(&bare.join("agent/result.json"), &sample::agent_result());
    store.begin().unwrap();
    store.write_agent_result(&sample::agent_result()).unwrap();
    store.write_judgment(&sample::judgment(1, true)).unwrap();
    fs::write(store.folder().mark(), "{}").unwrap();

    let survey = seen(&sample);
    assert_eq!(survey.runs, [(first, RunSeen::Unfinished { agent_complete: true, spent: usd(0.75) })].into());
    let seen_of = |last, cost, is_bound| AttemptsSeen {
        count: last,
        is_bound,
        last: Some(AttemptNumber(last)),
        cost: usd(cost),
        used_up: false,
    };
    assert_eq!(survey.attempts, [(first, seen_of(2, 0.2, true)), (second, seen_of(1, 0.25, false))].into());
    assert_eq!(marks(&sample.folder, &survey), [(first, store.folder().mark())]);
}

#[test]
fn the_holder_of_a_live_experiment_is_told() {
    let sample = sample::experiment();
    assert_eq!(seen(&sample).holder, None);
    let writer = sample.writer();
    assert_eq!(seen(&sample).holder, Some(Holder::default()));
    drop(writer);
    assert_eq!(seen(&sample).holder, None);
}

#[test]
fn evidence_is_looked_at_only_when_asked() {
    let sample = sample::experiment();
    sample::write_json(&sample.folder.config(), &sample::config_of("test-001"));
    for number in 1..=20 {
        let store = RunStore::new(&sample.folder, run(&format!("T0/00/{number}")));
        store.begin().unwrap();
        store.write_agent_result(&sample::agent_result()).unwrap();
        store.write_patch(b"diff").unwrap();
        store.write_checks(&ChecksResult::default()).unwrap();
        store.write_judgment(&sample::judgment(1, true)).unwrap();
        let result = &mut sample::run_result(store.run(), true);
        let verdict = Verdict {
            score: result.judge_score,
            passed: true,
            grade: result.judge_grade,
            spread: None,
            missing_judges: 0,
        };
        store.write_verdict(&verdict).unwrap();
        store.commit(result).unwrap();
    }
    let whole = survey(&sample.folder, Depth::Evidence).unwrap();
    let unsealed = Some(crate::model::survey::ExperimentSeal::default());
    assert_eq!(whole, Survey { seal: unsealed, ..seen(&sample) }, "nothing is wrong");
    let whole = Survey { seal: None, ..whole };

    fs::write(sample.folder.run(run("T0/00/3")).patch(), "forged").unwrap();
    fs::create_dir(sample.folder.run(run("T0/00/4")).workspace()).unwrap();
    fs::write(sample.folder.run(run("T0/00/5")).root().join("stranger"), "").unwrap();
    fs::write(sample.folder.run(run("T0/00/6")).agent().join(".tmp-x"), "").unwrap();
    assert_eq!(seen(&sample), whole);
    let closer = survey(&sample.folder, Depth::Evidence).unwrap();
    assert_eq!(
        problems(&closer),
        [
            ("T0/00/run_03".into(), ProblemKind::BrokenSeal),
            ("T0/00/run_04/workspace".into(), ProblemKind::StrayWorkspace),
        ]
    );
    assert_eq!(closer.foreign, ["T0/00/run_05/stranger"]);
    assert_eq!(closer.temporary, ["T0/00/run_06/agent/.tmp-x"]);
}

#[test]
fn projectscyllas_results_need_no_seal() {
    let sample = sample::experiment();
    let path = sample.folder.run(run("T0/00/1")).result();
    sample::write_json(&path, &json!({"run_number": 1, "judge_passed": true, "judge_score": 0.9}));
    let survey = survey(&sample.folder, Depth::Evidence).unwrap();
    assert_eq!(problems(&survey), []);
    assert!(matches!(survey.runs[&run("T0/00/1")], RunSeen::Committed(_)));
}
