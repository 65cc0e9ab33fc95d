use std::fs;

use super::*;
use crate::model::finding::FindingKind;
use crate::model::survey::{RunSeen, Survey};
use crate::rules::audit::audit;
use crate::rules::mend::{Ask, SetAside, mend};
use crate::store::sample::{self, Sample};
use crate::store::survey::{Depth, survey};

fn seen(sample: &Sample) -> Survey {
    survey(&sample.folder, Depth::Results).unwrap()
}

/// Surveys, decides, takes the lock and applies, as repair does.
fn repair(sample: &Sample) -> Applied {
    let survey = seen(sample);
    let mending = mend(&survey, &Ask { by_person: true, ..Ask::default() }, sample::now());
    apply(&sample.folder, &mut sample.writer(), (&survey, &mending), sample::now()).unwrap()
}

fn kinds(sample: &Sample) -> Vec<FindingKind> {
    audit(&seen(sample)).into_iter().map(|finding| finding.kind).collect()
}

/// Three results that the checkpoint does not name.
fn unrecorded() -> Sample {
    let sample = sample::experiment();
    sample::write_json(&sample.folder.config(), &sample::config_of("test-001"));
    sample::write_json(&sample.folder.checkpoint(), &sample::checkpoint());
    for number in 1..=3 {
        sample.result(sample::run(&format!("T0/00/{number}")), number == 1);
    }
    sample
}

#[test]
fn the_founding_incident_is_mended_with_all_its_590_runs() {
    let sample = sample::experiment();
    sample.founding_incident();
    let before = sample.bytes();
    let former = before["checkpoint.json"].clone();

    let applied = repair(&sample);
    let survey = seen(&sample);
    let index = &survey.checkpoint.content().unwrap().completed_runs;
    assert_eq!(index.len(), 590);
    for (run, passed) in sample::incident_runs() {
        assert_eq!(index.get(run), Some(crate::model::outcome::RunStatus::judged(passed)), "{run}");
    }
    assert_eq!(fs::read(applied.backup.unwrap()).unwrap(), former, "the former checkpoint is kept");
    assert!(applied.set_aside.is_empty());

    let mut after = sample.bytes();
    after.retain(|place, _| place.ends_with("run_result.json"));
    assert_eq!(after.len(), 590);
    assert!(after.iter().all(|(place, bytes)| before[place] == *bytes), "no result was touched");
}

#[test]
fn a_second_repair_does_nothing() {
    let sample = unrecorded();
    repair(&sample);
    let once = sample.bytes();
    assert_eq!(repair(&sample), Applied::default());
    assert_eq!(sample.bytes(), once);
}

#[test]
fn what_is_broken_is_moved_and_nothing_is_deleted() {
    let sample = unrecorded();
    let torn = sample.folder.run(sample::run("T0/00/2"));
    fs::write(torn.result(), "{\"judge_pass").unwrap();
    fs::write(torn.root().join("evidence"), "kept").unwrap();
    fs::create_dir(sample.folder.subtest(sample::run("T0/00/3").tier, sample::run("T0/00/3").subtest).join("run_3"))
        .unwrap();
    fs::write(sample.folder.root().join(".tmp-abc"), "left over").unwrap();
    let before = sample.bytes();

    let applied = repair(&sample);
    let places: Vec<_> =
        applied.set_aside.iter().map(|(place, to)| (place.clone(), sample.folder.relative(to))).collect();
    let quarantined = |place: &str| (place.to_owned(), format!(".quarantine/2026-01-20T06-50-26-1/{place}"));
    let mut expected = [".tmp-abc", "T0/00/run_02/run_result.json", "T0/00/run_3"].map(quarantined).to_vec();
    expected.sort();
    let mut found = places;
    found.sort();
    assert_eq!(found, expected);

    let after = sample.bytes();
    for (place, bytes) in before.iter().filter(|(place, _)| *place != "checkpoint.json") {
        let moved = format!(".quarantine/2026-01-20T06-50-26-1/{place}");
        assert_eq!(after.get(place).or_else(|| after.get(&moved)), Some(bytes), "{place}");
    }
    assert_eq!(seen(&sample).checkpoint.content().unwrap().completed_runs.len(), 2);
    assert!(!kinds(&sample).iter().any(|kind| {
        matches!(kind, FindingKind::UnreadableResult | FindingKind::DuplicateRun | FindingKind::LeftoverTemporary)
    }));
}

#[test]
fn a_quarantine_is_never_used_twice() {
    let sample = sample::experiment();
    for number in 1..=2 {
        fs::write(sample.folder.root().join(".tmp-same"), number.to_string()).unwrap();
        let aside = SetAside { place: ".tmp-same".into(), run: None, why: None };
        let mending = Mending { set_aside: vec![aside], ..Mending::default() };
        let applied =
            apply(&sample.folder, &mut sample.writer(), (&Survey::default(), &mending), sample::now()).unwrap();
        let place = format!(".quarantine/2026-01-20T06-50-26-{number}/.tmp-same");
        assert_eq!(sample.folder.relative(&applied.set_aside[0].1), place);
        let again = apply(&sample.folder, &mut sample.writer(), (&Survey::default(), &mending), sample::now()).unwrap();
        assert_eq!(again, Applied::default(), "what is gone is passed over");
    }
}

#[test]
fn no_place_leads_out_of_the_folder() {
    let sample = sample::experiment();
    let outside = sample.folder.root().parent().unwrap().join("outside");
    fs::write(&outside, "").unwrap();
    for place in ["../outside", outside.to_str().unwrap(), "", ".", "T0/../../outside"] {
        let aside = SetAside { place: place.into(), run: None, why: None };
        let mending = Mending { set_aside: vec![aside], backup: true, ..Mending::default() };
        let applied = apply(&sample.folder, &mut sample.writer(), (&Survey::default(), &mending), sample::now());
        assert!(matches!(applied, Err(StoreError::Outside(_))), "{place}");
    }
    assert!(outside.exists());
}

#[test]
fn a_checkpoint_that_is_no_file_is_kept_and_replaced() {
    let sample = unrecorded();
    fs::remove_file(sample.folder.checkpoint()).unwrap();
    sample::fifo(&sample.folder.checkpoint());
    let applied = repair(&sample);
    assert!(applied.backup.is_some_and(|path| files::kind_of(&path).unwrap() == Some(files::Kind::Fifo)));
    let survey = seen(&sample);
    assert_eq!(survey.checkpoint.content().unwrap().completed_runs.len(), 3);
    assert!(survey.runs.values().all(|seen| matches!(seen, RunSeen::Committed(_))));
}
