use std::fs;

use super::*;
use crate::model::ids::AttemptNumber;
use crate::model::outcome::{AttemptEnd, Stage as StageOfRun};
use crate::model::result::AttemptRecord;
use crate::store::sample::{self, Sample};

fn store(sample: &Sample) -> RunStore {
    RunStore::new(&sample.folder, sample::run("T0/00/1"))
}

fn attempt(number: u32) -> AttemptRecord {
    AttemptRecord {
        attempt: AttemptNumber(number),
        stage: StageOfRun::Agent,
        end: AttemptEnd::Interrupted,
        cost: crate::model::money::Usd::from_dollars(f64::from(number)).unwrap().into(),
        at: sample::now(),
    }
}

#[test]
fn progress_tells_every_stage_that_has_ended() {
    let sample = sample::experiment();
    let store = store(&sample);
    assert_eq!(store.progress().unwrap(), StageProgress::default(), "before there is a folder");
    store.begin().unwrap();
    store.begin().unwrap();
    assert_eq!(store.progress().unwrap(), StageProgress::default());
    store.write_agent_result(&sample::agent_result()).unwrap();
    store.write_patch(b"").unwrap();
    store.write_checks(&ChecksResult::default()).unwrap();
    store.write_judgment(&sample::judgment(2, true)).unwrap();
    store.begin_judge(JudgeNumber(1)).unwrap();
    let expected = StageProgress {
        agent: Some(sample::agent_result()),
        patch: true,
        checks: Some(ChecksResult::default()),
        judgments: [(JudgeNumber(2), sample::judgment(2, true))].into(),
        committed: false,
    };
    assert_eq!(store.progress().unwrap(), expected);
    assert_eq!(store.read_patch().unwrap(), Some(Vec::new()));
    store.commit(&mut sample::run_result(store.run(), true)).unwrap();
    assert_eq!(store.progress().unwrap(), StageProgress { committed: true, ..expected });
}

#[test]
fn a_stage_file_that_is_torn_or_no_file_is_not_whole() {
    let sample = sample::experiment();
    let store = store(&sample);
    store.begin().unwrap();
    let whole = serde_json::to_vec_pretty(&sample::agent_result()).unwrap();
    let path = store.folder().agent_result();
    for length in 0..whole.len() {
        fs::write(&path, &whole[..length]).unwrap();
        let read = store.read_agent_result();
        assert!(
            matches!(read, Err(StoreError::DamagedStage { .. })),
            "a stage that was paid for is not absent: {length}"
        );
    }
    fs::remove_file(&path).unwrap();
    sample::fifo(&path);
    assert_eq!(store.read_agent_result().unwrap(), None);
    // The judgment of another judge does not count as this one's.
    sample::write_json(&store.folder().judgment(JudgeNumber(1)), &sample::judgment(2, true));
    assert_eq!(store.read_judgment(JudgeNumber(1)).unwrap(), None);
}

#[test]
fn what_the_system_hides_is_an_error_and_not_absent() {
    let sample = sample::experiment();
    let store = store(&sample);
    fs::create_dir_all(store.folder().root()).unwrap();
    fs::write(store.folder().agent(), "no folder").unwrap();
    assert!(store.read_agent_result().is_err());
    assert!(store.progress().is_err());
}

#[test]
fn a_committed_run_is_sealed_and_never_committed_again() {
    let sample = sample::experiment();
    let store = store(&sample);
    store.begin().unwrap();
    store.write_patch(b"diff").unwrap();
    let mut result = sample::run_result(store.run(), true);
    store.commit(&mut result).unwrap();
    let seal = fs::read(store.folder().seal()).unwrap();
    assert_eq!(result.seal, Digest::of(&seal));
    let written: RunResult = serde_json::from_slice(&fs::read(store.folder().result()).unwrap()).unwrap();
    assert_eq!(written, result);
    assert!(fs::read(store.folder().result()).unwrap().ends_with(b"}\n"));

    // Other evidence would give another seal.
    store.write_patch(b"other").unwrap();
    let before = sample.bytes();
    let again = store.commit(&mut sample::run_result(store.run(), false));
    assert!(matches!(again, Err(StoreError::AlreadyCommitted(_))), "{again:?}");
    assert_eq!(sample.bytes(), before);
}

#[test]
fn a_result_is_not_put_into_another_runs_folder() {
    let sample = sample::experiment();
    let store = store(&sample);
    store.begin().unwrap();
    let outcome = store.commit(&mut sample::run_result(sample::run("T0/00/2"), true));
    assert!(matches!(outcome, Err(StoreError::OtherRun { .. })), "{outcome:?}");
    assert!(!store.progress().unwrap().committed);
}

#[test]
fn an_attempt_is_set_aside_whole() {
    let sample = sample::experiment();
    let store = store(&sample);
    for number in 1..=2 {
        assert_eq!(store.next_attempt().unwrap(), AttemptNumber(number));
        store.begin().unwrap();
        fs::create_dir(store.folder().workspace()).unwrap();
        fs::write(store.folder().workspace().join("file"), "work").unwrap();
        let place = store.set_aside(&attempt(number)).unwrap();
        assert_eq!(sample.folder.relative(&place), format!("T0/00/.failed/run_01_attempt_{number:02}"));
        assert_eq!(fs::read(place.join("workspace/file")).unwrap(), b"work");
        assert!(!store.folder().root().exists());
    }
    assert_eq!(RunStore::new(&sample.folder, sample::run("T0/00/2")).next_attempt().unwrap(), AttemptNumber(1));
    assert!(store.set_aside(&attempt(2)).is_err(), "an attempt is never put over another");
}

#[test]
fn an_attempt_that_never_had_a_folder_is_recorded() {
    let sample = sample::experiment();
    let place = store(&sample).set_aside(&attempt(1)).unwrap();
    assert!(place.join("attempt.json").is_file());
}

#[test]
fn a_record_that_a_stopped_session_wrote_is_kept() {
    let sample = sample::experiment();
    let store = store(&sample);
    store.begin().unwrap();
    sample::write_json(&store.folder().attempt_record(), &attempt(1));
    let later = AttemptRecord { cost: crate::model::usage::Total::ZERO, ..attempt(1) };
    let place = store.set_aside(&later).unwrap();
    let kept: AttemptRecord = serde_json::from_slice(&fs::read(place.join("attempt.json")).unwrap()).unwrap();
    assert_eq!(kept, attempt(1));
}
