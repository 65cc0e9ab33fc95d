use std::fs;

use super::*;
use crate::model::outcome::ExperimentStatus;
use crate::os::lock::LockError;
use crate::store::sample;

fn seen(text: &str) -> Seen<Checkpoint> {
    parse(text.as_bytes()).0
}

fn with_runs(runs: &str) -> String {
    serde_json::to_string(&sample::checkpoint())
        .unwrap()
        .replace("\"completed_runs\":{}", &format!("\"completed_runs\":{runs}"))
}

#[test]
fn a_saved_checkpoint_is_the_checkpoint_that_is_read() {
    let sample = sample::experiment();
    let mut checkpoint = sample::checkpoint();
    for number in [10, 2, 1] {
        checkpoint
            .completed_runs
            .set(RunId { run: RunNumber::new(number).unwrap(), ..sample::run("T0/00/1") }, RunStatus::Passed);
    }
    checkpoint.unknown.insert("future_key".into(), serde_json::json!({"deep": [1, 2.5, null]}));
    let mut writer = sample.writer();
    writer.save(&checkpoint).unwrap();
    let (read, duplicate_keys, raw) = read(&sample.folder);
    assert_eq!(read, Seen::Read(Box::new(checkpoint)));
    assert!(duplicate_keys.is_empty());
    let text = String::from_utf8(raw.unwrap()).unwrap();
    assert!(text.starts_with("{\n  \"version\": \"4.2\",\n") && text.ends_with("}\n"), "{text}");
    let places: Vec<_> = ["\"1\": ", "\"2\": ", "\"10\": "].map(|key| text.find(key)).into();
    assert!(places.is_sorted() && places[0].is_some(), "runs sort as numbers: {text}");
}

#[test]
fn a_checkpoint_cut_at_any_byte_is_unreadable_and_never_another_one() {
    let text = with_runs(r#"{"T0":{"00":{"1":"passed","2":"failed"}}}"#);
    for length in 0..text.len() {
        assert!(matches!(seen(&text[..length]), Seen::Unreadable(_)), "{}", &text[..length]);
    }
    assert!(matches!(seen(&text), Seen::Read(_)));
    assert!(matches!(seen(&format!("{text}x")), Seen::Unreadable(_)));
}

#[test]
fn a_run_that_is_named_twice_is_told_and_the_last_counts() {
    let text = with_runs(
        r#"{"T0":{"00":{"1":"passed","2":"failed","1":"failed"}},"T1":{"00":{}},"T0":{"00":{"2":"passed"}}}"#,
    );
    let (seen, duplicate_keys) = parse(text.as_bytes());
    assert_eq!(duplicate_keys, ["T0/00/1", "T0/00/2"]);
    let runs = &seen.content().unwrap().completed_runs;
    assert_eq!(runs.get(sample::run("T0/00/1")), Some(RunStatus::Failed));
    assert_eq!(runs.get(sample::run("T0/00/2")), Some(RunStatus::Passed));
}

#[test]
fn a_key_in_another_spelling_is_named() {
    for (runs, named) in [
        (r#"{"T0":{"00":{"01":"passed"}}}"#, "`01`"),
        (r#"{"T0":{"0":{"1":"passed"}}}"#, "`0`"),
        (r#"{"T00":{"00":{"1":"passed"}}}"#, "`T00`"),
        (r#"{"T0":{"../..":{"1":"passed"}}}"#, "`../..`"),
        (r#"{"T0":{"00":{"1":"great"}}}"#, "`great`"),
    ] {
        let seen = seen(&with_runs(runs));
        assert!(matches!(&seen, Seen::Unreadable(reason) if reason.contains(named)), "{runs}: {seen:?}");
    }
}

#[test]
fn other_versions_are_told_apart() {
    let version = |version: &str| with_runs("{}").replace("\"4.2\"", &format!("\"{version}\""));
    let newer = seen(&version("4.3"));
    assert!(matches!(&newer, Seen::Newer { version, content: Some(_) } if version == "4.3"), "{newer:?}");
    let foreign = seen(r#"{"completed_runs":{"T0":"all"},"version":"5.0"}"#);
    assert!(matches!(&foreign, Seen::Newer { content: None, .. }), "{foreign:?}");
    let foreign = seen(&version("2.0"));
    assert!(matches!(&foreign, Seen::Unreadable(reason) if reason.contains("version 2.0")), "{foreign:?}");
    for wrong in ["", "four", "4", "4.0.0"] {
        assert!(matches!(seen(&version(wrong)), Seen::Unreadable(_)), "{wrong}");
    }
    assert!(matches!(seen(r#"{"completed_runs":{}}"#), Seen::Unreadable(_)));
}

#[test]
fn wrong_shapes_are_unreadable() {
    for wrong in ["", "null", "[]", "{}", r#"{"version":4}"#, &with_runs("[]"), &with_runs(r#"{"T0":[]}"#)] {
        assert!(matches!(seen(wrong), Seen::Unreadable(_)), "{wrong}");
    }
    let twice = with_runs("{}").replacen("\"version\"", "\"status\":\"completed\",\"version\"", 1);
    assert!(matches!(seen(&twice), Seen::Unreadable(reason) if reason.contains("`status`")));
}

#[test]
fn what_is_no_regular_file_is_unreadable_and_not_missing() {
    let sample = sample::experiment();
    assert_eq!(read(&sample.folder).0, Seen::Missing);
    sample::fifo(&sample.folder.checkpoint());
    assert!(matches!(read(&sample.folder).0, Seen::Unreadable(reason) if reason.contains("a FIFO")));
    fs::remove_file(sample.folder.checkpoint()).unwrap();
    fs::File::create(sample.folder.checkpoint()).unwrap().set_len(1 << 40).unwrap();
    assert!(matches!(read(&sample.folder).0, Seen::Unreadable(_)));
}

#[test]
fn a_backup_never_takes_the_name_of_another() {
    let sample = sample::experiment();
    let mut writer = sample.writer();
    let first = writer.backup(b"first", sample::now()).unwrap();
    let second = writer.backup(b"second", sample::now()).unwrap();
    assert_eq!(first.file_name().unwrap(), "checkpoint.json.backup-2026-01-20T06-50-26");
    assert_eq!(second.file_name().unwrap(), "checkpoint.json.backup-2026-01-20T06-50-26-2");
    assert_eq!((fs::read(first).unwrap(), fs::read(second).unwrap()), (b"first".to_vec(), b"second".to_vec()));
}

#[test]
fn what_cannot_be_copied_is_moved_to_the_backup() {
    let sample = sample::experiment();
    let mut writer = sample.writer();
    assert_eq!(writer.backup_in_place(sample::now()).unwrap(), None);
    fs::write(sample.folder.checkpoint(), "torn").unwrap();
    let copy = writer.backup_in_place(sample::now()).unwrap().unwrap();
    assert_eq!(fs::read(copy).unwrap(), b"torn");
    assert_eq!(fs::read(sample.folder.checkpoint()).unwrap(), b"torn");
    fs::remove_file(sample.folder.checkpoint()).unwrap();
    fs::create_dir(sample.folder.checkpoint()).unwrap();
    assert!(writer.backup_in_place(sample::now()).unwrap().unwrap().is_dir());
    assert!(!sample.folder.checkpoint().exists());
}

#[test]
fn a_version_of_others_is_never_written() {
    let sample = sample::experiment();
    let mut writer = sample.writer();
    let checkpoint = Checkpoint { version: "4.3".into(), ..sample::checkpoint() };
    assert!(matches!(writer.save(&checkpoint), Err(StoreError::OtherVersion { .. })));
    assert!(!sample.folder.checkpoint().exists());
}

#[test]
fn a_writer_that_lost_its_lock_writes_nothing() {
    let sample = sample::experiment();
    let mut writer = sample.writer();
    writer.save(&sample::checkpoint()).unwrap();
    fs::remove_file(sample.folder.lock()).unwrap();
    let second = sample.writer();
    let other = Checkpoint { status: ExperimentStatus::Completed, ..sample::checkpoint() };
    assert!(matches!(writer.save(&other), Err(StoreError::Lock(LockError::Lost(_)))));
    assert_eq!(read(&sample.folder).0, Seen::Read(Box::new(sample::checkpoint())));
    drop(second);
}

#[test]
fn the_writer_of_the_checkpoint_cannot_leave_its_thread() {
    // For a type that is `Send` or `Sync` each method exists twice, and the call becomes ambiguous: a compile error.
    trait AmbiguousIf<Which> {
        fn is_unknown() {}
    }
    impl<T> AmbiguousIf<()> for T {}
    impl<T: Send> AmbiguousIf<u8> for T {}
    impl<T: Sync> AmbiguousIf<u16> for T {}
    impl<T: Clone> AmbiguousIf<u32> for T {}
    <CheckpointWriter as AmbiguousIf<_>>::is_unknown();
}
