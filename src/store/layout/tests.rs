use super::*;
use crate::model::ids::JudgeNumber;
use crate::store::sample;

#[test]
fn an_experiment_is_opened_by_its_folder_or_its_checkpoint() {
    let sample = sample::experiment();
    let folder = &sample.folder;
    assert_eq!(ExperimentFolder::open(folder.root()).unwrap(), *folder);
    sample::write_json(&folder.checkpoint(), &sample::checkpoint());
    assert_eq!(ExperimentFolder::open(&folder.checkpoint()).unwrap(), *folder);
    for wrong in [folder.root().join("absent"), folder.config_dir(), folder.checkpoint().join("x")] {
        let opened = ExperimentFolder::open(&wrong);
        assert!(matches!(&opened, Err(StoreError::NotAnExperiment(_))), "{}: {opened:?}", wrong.display());
    }
}

#[test]
fn an_experiment_of_results_alone_is_one() {
    let home = tempfile::tempdir().unwrap();
    fs::create_dir_all(home.path().join("T0/00/run_01")).unwrap();
    assert!(ExperimentFolder::open(home.path()).is_ok());
}

#[test]
fn every_place_of_a_run_lies_below_its_folder() {
    let sample = sample::experiment();
    let run = sample.folder.run(sample::run("T0/00/1"));
    assert_eq!(sample.folder.relative(run.root()), "T0/00/run_01");
    assert_eq!(sample.folder.relative(&run.judgment(JudgeNumber(2))), "T0/00/run_01/judge/judge_02/judgment.json");
    assert_eq!(sample.folder.relative(&run.check_log("../../a/b")), "T0/00/run_01/checks/.._.._a_b.log");
    let attempt = sample.folder.attempt(sample::run("T0/00/1"), AttemptNumber(2));
    assert_eq!(sample.folder.relative(&attempt), "T0/00/.failed/run_01_attempt_02");
}

#[test]
fn another_spelling_is_a_run_and_other_names_are_not() {
    for (name, run) in [
        ("run_1", Some(1)),
        ("run_001", Some(1)),
        ("run_0100", Some(100)),
        ("run_01", None),
        ("run_100", None),
        ("run_0", None),
        ("run_", None),
        ("run_1x", None),
        ("run_-1", None),
        ("run_+1", None),
        ("Run_1", None),
    ] {
        assert_eq!(other_spelling(name).map(RunNumber::get), run, "{name}");
    }
    for (name, judge) in [("judge_01", Some(1)), ("judge_1", None), ("judge_00", None), ("judge_+1", None)] {
        assert_eq!(judge_from_folder(name).map(|judge| judge.0), judge, "{name}");
    }
}

#[test]
fn folders_of_subtests_are_made_before_runs_begin() {
    let sample = sample::experiment();
    let subtests = [(TierId(0), SubtestId(0)), (TierId(0), SubtestId(1)), (TierId(6), SubtestId(100))];
    sample.folder.make_subtests(subtests).unwrap();
    sample.folder.make_subtests(subtests).unwrap();
    for (tier, subtest) in subtests {
        assert!(sample.folder.subtest(tier, subtest).is_dir());
    }
}

#[test]
fn the_name_of_a_folder_tells_the_time_that_it_was_made() {
    let time: Timestamp = "2026-01-20T06:50:26Z".parse().unwrap();
    let name = format!("{}-test-001", time_in_names(time));
    assert_eq!(time_of_name(name.as_ref()), Some(time));
    for other in ["test-001", "2026-13-20T06-50-26-x", ""] {
        assert_eq!(time_of_name(other.as_ref()), None, "{other}");
    }
}

#[test]
fn temporary_checkpoints_are_known_by_their_names() {
    for (temporary, name) in [
        (true, "checkpoint.tmp.4711.json"),
        (true, "checkpoint.tmp.4711.140.json"),
        (true, "checkpoint.tmp"),
        (false, "checkpoint.json"),
        (false, "checkpoint.tmp.4711"),
    ] {
        assert_eq!(is_temporary(name), temporary, "{name}");
    }
}
