//! What can be wrong with the files of a report.

use std::fs;

use scylla::model::digest::Digest;
use scylla::model::finding::FindingKind;

use super::{PRINTED, ROW};
use crate::verify::folder::copy;
use crate::verify::table::{Case, Row, Step, Way};

/// Changes a file of the report, and its stamp with it when `is_stamped`.
fn edit(case: &Case, name: &str, from: &str, to: &str, is_stamped: bool) {
    let (path, stamp) = (case.at("report").join(name), case.at("report/stamp.json"));
    let text = fs::read_to_string(&path).unwrap();
    let edited = text.replacen(from, to, 1);
    assert_ne!(text, edited, "{text}");
    fs::write(&path, &edited).unwrap();
    if is_stamped {
        let stamped = fs::read_to_string(&stamp).unwrap();
        let digest = |text: &str| Digest::of(text.as_bytes()).to_string();
        fs::write(&stamp, stamped.replace(&digest(&text), &digest(&edited))).unwrap();
    }
}

pub(super) fn rows() -> Vec<Row> {
    from_other_results().into_iter().chain(altered()).chain(not_made_here()).chain(in_the_way()).collect()
}

/// What was made of results that are no longer there.
fn from_other_results() -> Vec<Row> {
    vec![Row {
        kind: FindingKind::OutdatedReport,
        made: "a run was made again after it",
        make: |case| {
            case.types("report --format csv,md", 0);
            case.types("rerun --run T0/00/1", 0);
        },
        places: &[
            "report/criteria.csv",
            "report/judges.csv",
            "report/report.md",
            "report/runs.csv",
            "report/subtests.csv",
        ],
        exit: 7,
        ways: PRINTED,
        ..ROW
    }]
}

/// Makes a report of this experiment and a copy of it, in the folder of this one.
fn of_several(case: &Case) {
    let other = case.world.path("results/other");
    copy(&case.dir, &other);
    let report = case.at("report");
    let [dir, other, report] = [&case.dir, &other, &report].map(|path| path.to_str().unwrap());
    case.world.scylla(&["report", dir, other, "--format", "md", "--out", report]).exits(0);
}

/// What somebody changed, took away or put there.
fn altered() -> Vec<Row> {
    vec![
        Row {
            kind: FindingKind::AlteredReport,
            made: "a number in it was changed, in a report of some runs",
            make: |case| {
                case.types("report --format csv --filter tier(T0)", 0);
                edit(case, "runs.csv", "T0", "T1", false);
            },
            places: &["report/runs.csv"],
            exit: 7,
            ways: PRINTED,
            ..ROW
        },
        Row {
            kind: FindingKind::AlteredReport,
            made: "its stamp is torn",
            make: |case| {
                case.types("report --format md,json", 0);
                fs::write(case.at("report/stamp.json"), "{").unwrap();
            },
            places: &["report/stamp.json"],
            beside: &[
                (FindingKind::UncheckedReport, "report/report.json"),
                (FindingKind::UncheckedReport, "report/report.md"),
            ],
            exit: 7,
            ways: PRINTED,
            ..ROW
        },
        Row {
            kind: FindingKind::ContradictedReport,
            made: "it was changed, and its stamp with it",
            make: |case| {
                case.types("report --format md,json", 0);
                edit(case, "report.md", "T0/00", "T0/07", true);
            },
            places: &["report/report.md"],
            exit: 7,
            ways: PRINTED,
            ..ROW
        },
        Row {
            kind: FindingKind::MissingReport,
            made: "a file of it was removed",
            make: |case| {
                case.types("report --format csv", 0);
                fs::remove_file(case.at("report/judges.csv")).unwrap();
            },
            places: &["report/judges.csv"],
            exit: 7,
            ways: PRINTED,
            ..ROW
        },
        Row {
            kind: FindingKind::UncheckedReport,
            made: "a person put a file beside it",
            make: |case| {
                case.types("report --format md,json", 0);
                fs::write(case.at("report/notes.txt"), "mine").unwrap();
            },
            places: &["report/notes.txt"],
            exit: 0,
            ways: &[Way(&[Step::Removes("report/notes.txt")], 0)],
            ..ROW
        },
    ]
}

/// What cannot be made again from this experiment, or not as it was.
fn not_made_here() -> Vec<Row> {
    vec![
        Row {
            kind: FindingKind::AlteredReport,
            made: "its stamp is torn, and its file is gone",
            make: |case| {
                case.types("report --format html", 0);
                fs::remove_file(case.at("report/report.html")).unwrap();
                fs::write(case.at("report/stamp.json"), "{").unwrap();
            },
            places: &["report/stamp.json"],
            exit: 7,
            ways: PRINTED,
            ..ROW
        },
        Row {
            kind: FindingKind::AlteredReport,
            made: "a file of two experiments was changed",
            make: |case| {
                of_several(case);
                edit(case, "report.md", "T0/00", "T0/07", false);
            },
            places: &["report/report.md"],
            exit: 7,
            ways: PRINTED,
            ..ROW
        },
        Row {
            kind: FindingKind::OutdatedReport,
            made: "it is stamped as a file of a form that has no such file any more",
            make: |case| {
                case.types("report --format csv", 0);
                fs::rename(case.at("report/runs.csv"), case.at("report/former.csv")).unwrap();
                crate::verify::folder::edit(&case.at("report/stamp.json"), |stamp| {
                    let files = stamp["files"].as_object_mut().unwrap();
                    let mut former = files.remove("runs.csv").unwrap();
                    former["results_digest"] = Digest::of(b"other results").to_string().into();
                    files.insert("former.csv".to_owned(), former);
                });
            },
            places: &["report/former.csv"],
            exit: 7,
            ways: PRINTED,
            ..ROW
        },
    ]
}

/// What lies where its files are to be written.
fn in_the_way() -> Vec<Row> {
    vec![
        Row {
            kind: FindingKind::AlteredReport,
            made: "folders lie in place of a file of it and of its stamp",
            make: |case| {
                case.types("report --format html", 0);
                for name in ["report.html", "stamp.json"] {
                    let path = case.at("report").join(name);
                    fs::remove_file(&path).unwrap();
                    fs::create_dir_all(path.join("mine")).unwrap();
                }
                fs::write(case.at("report/runs.csv"), "").unwrap();
            },
            places: &["report/stamp.json"],
            beside: &[
                (FindingKind::UncheckedReport, "report/report.html"),
                (FindingKind::UncheckedReport, "report/runs.csv"),
            ],
            exit: 7,
            ways: PRINTED,
            ..ROW
        },
        Row {
            kind: FindingKind::AlteredReport,
            made: "a folder lies in place of a file of it",
            make: |case| {
                case.types("report --format html", 0);
                fs::remove_file(case.at("report/report.html")).unwrap();
                fs::create_dir_all(case.at("report/report.html/mine")).unwrap();
            },
            places: &["report/report.html"],
            exit: 7,
            ways: PRINTED,
            ..ROW
        },
    ]
}
