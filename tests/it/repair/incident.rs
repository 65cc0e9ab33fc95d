//! The founding incident, end to end: 590 finished runs of which the checkpoint knows none.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use serde_json::{Value, json};

use crate::fixture::TestFixture;
use crate::verify::folder::{contents, copy, differing, edit, json, remove, results, verify};
use crate::verify::originals::name;
use crate::world::{Output, World};

/// Tiers with their finished runs; ten runs of each subtest are planned.
const TIERS: [(usize, usize); 5] = [(0, 149), (1, 45), (2, 102), (3, 229), (4, 65)];
const FINISHED: usize = 590;
const PLANNED: usize = 610;

/// The experiment of the incident; one for all tests that run at the same time.
pub(super) struct Incident {
    world: World,
}

/// A copy of it that a test may repair.
pub(super) struct Copied {
    pub(super) world: World,
    pub(super) dir: PathBuf,
    _incident: Arc<Incident>,
}

pub(super) fn incident() -> Copied {
    static SHARED: Mutex<Weak<Incident>> = Mutex::new(Weak::new());
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    let made = shared.upgrade().unwrap_or_else(|| Arc::new(make()));
    *shared = Arc::downgrade(&made);
    drop(shared);
    let world = World::new();
    let dir = world.path("results/incident");
    copy(&made.world.path("incident"), &dir);
    Copied { world, dir, _incident: made }
}

impl Copied {
    pub(super) fn at(&self, place: &str) -> PathBuf {
        self.dir.join(place)
    }

    #[track_caller]
    pub(super) fn repair(&self, more: &[&str], exit: i32) -> Output {
        let words: Vec<&str> = ["repair", name(&self.dir)].into_iter().chain(more.iter().copied()).collect();
        self.world.scylla(&words).exits(exit)
    }
}

/// The runs that are finished, as subtest and number, tier by tier, and whether they passed.
fn finished() -> impl Iterator<Item = ((usize, usize, usize), bool)> {
    let of = |(tier, runs)| (0..runs).map(move |index| ((tier, index / 10, 1 + index % 10), (index + tier) % 3 > 0));
    TIERS.into_iter().flat_map(of)
}

/// Two runs are made by the product, the plan is grown by it, and the two are copied to 590.
fn make() -> Incident {
    let world = World::new();
    let agent = "[ \"$SCYLLA_RUN\" = 1 ] && touch done; exit 0";
    let fixture = TIERS.iter().fold(TestFixture::new(), |fixture, (tier, runs)| {
        (0..runs.div_ceil(10))
            .fold(fixture, |fixture, subtest| fixture.agent(&format!("T{tier}/{subtest:02}-it"), agent))
    });
    let fixture = fixture.write(&world);
    let words = ["run", "--tiers-dir", &fixture, "--results-dir", "results", "--runs", "2", "--max-subtests", "1"];
    world.scylla(&[&words[..], &["--tiers", "T0"]].concat()).exits(0);
    let dir = world.path("incident");
    fs::rename(world.experiment(), &dir).unwrap();
    let more = ["--runs", "10", "--max-subtests", "23", "--tiers", "T1,T2,T3,T4", "--plan-only"];
    world.scylla(&[&["extend", name(&dir)], &more[..]].concat()).exits(0);
    let templates = world.path("templates");
    fs::rename(dir.join("T0"), &templates).unwrap();
    for ((tier, subtest, run), passed) in finished() {
        let of = |folder: &Path| folder.join(format!("run_{run:02}"));
        let to = of(&dir.join(format!("T{tier}/{subtest:02}")));
        copy(&templates.join(if passed { "00/run_01" } else { "00/run_02" }), &to);
        edit(&to.join("run_result.json"), |result| {
            result["tier"] = json!(format!("T{tier}"));
            result["subtest"] = json!(format!("{subtest:02}"));
            result["run_number"] = json!(run);
        });
    }
    edit(&dir.join("checkpoint.json"), |checkpoint| {
        checkpoint["status"] = json!("interrupted");
        checkpoint["completed_runs"] = json!({});
        checkpoint["written_by_another"] = json!({"kept": true});
    });
    Incident { world }
}

/// The index as it must be: tier, subtest, run and status.
fn expected_index() -> BTreeMap<String, BTreeMap<String, BTreeMap<String, String>>> {
    let mut index: BTreeMap<_, BTreeMap<_, BTreeMap<_, _>>> = BTreeMap::new();
    for ((tier, subtest, run), passed) in finished() {
        let status = if passed { "passed" } else { "failed" };
        let subtests = index.entry(format!("T{tier}")).or_default();
        subtests.entry(format!("{subtest:02}")).or_default().insert(run.to_string(), status.to_owned());
    }
    index
}

fn index(dir: &Path) -> BTreeMap<String, BTreeMap<String, BTreeMap<String, String>>> {
    serde_json::from_value(json(&dir.join("checkpoint.json"))["completed_runs"].clone()).unwrap()
}

/// The copies of former checkpoints.
fn backups(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| name(path).contains("checkpoint.json.backup-")).collect()
}

/// What ProjectScylla's script printed.
#[track_caller]
fn tells(output: &Output, before: usize, after: usize) {
    let difference = format!("+{}", after - before);
    let mut facts = vec![
        ("found".to_owned(), format!("{FINISHED} result files")),
        ("before".to_owned(), format!("{before} runs")),
        ("after".to_owned(), format!("{after} runs")),
        ("difference".to_owned(), difference),
    ];
    facts.extend(TIERS.map(|(tier, runs)| (format!("T{tier}"), format!("{runs} runs"))));
    for (key, value) in facts {
        let told = output.stdout.lines().any(|line| {
            line.trim().strip_prefix(&key).is_some_and(|rest| rest.starts_with(' ') && rest.trim() == value)
        });
        assert!(told, "{key}  {value}\n{output}");
    }
}

#[test]
fn the_founding_incident_is_mended_to_590_runs_with_the_right_verdicts() {
    let incident = incident();
    assert_eq!((finished().count(), results(&incident.dir)), (FINISHED, FINISHED));
    let verified = verify(&incident.world, &incident.dir).exits(4);
    assert_eq!(verified.of("unrecorded-result").len(), FINISHED);
    assert_eq!(verified.of("missing-run").len(), PLANNED - FINISHED);
    assert_eq!(verified.findings().len(), PLANNED);

    let original = fs::read(incident.at("checkpoint.json")).unwrap();
    let before = contents(&incident.dir);
    tells(&incident.repair(&[], 0), 0, FINISHED);
    assert_eq!(index(&incident.dir), expected_index());
    let checkpoint = json(&incident.at("checkpoint.json"));
    assert_eq!(checkpoint["status"], "interrupted");
    assert_eq!(checkpoint["written_by_another"], json!({"kept": true}), "unknown keys are kept");
    let [backup] = &backups(&incident.dir)[..] else { panic!("{:?}", backups(&incident.dir)) };
    assert!(fs::read(backup).unwrap() == original, "the backup is the original, byte for byte");
    let touched: Vec<String> = differing(&before, &contents(&incident.dir)).into_iter().collect();
    assert_eq!(touched, ["checkpoint.json", backup.file_name().unwrap().to_str().unwrap()], "nothing else changed");

    let verified = verify(&incident.world, &incident.dir).exits(6);
    assert_eq!(verified.findings().len(), PLANNED - FINISHED, "{:?}", verified.places());
    assert_eq!(verified.report["agreeing"], FINISHED);
}

#[test]
fn the_second_repair_of_the_founding_incident_changes_no_byte() {
    let incident = incident();
    incident.repair(&[], 0);
    let once = contents(&incident.dir);
    let twice = incident.repair(&[], 0);
    tells(&twice, FINISHED, FINISHED);
    let changed = differing(&once, &contents(&incident.dir));
    assert!(changed.is_empty(), "{changed:?}\n{twice}");
}

#[test]
fn a_dry_run_of_the_founding_incident_tells_all_and_changes_no_byte() {
    let incident = incident();
    let before = contents(&incident.dir);
    let told = incident.repair(&["--dry-run"], 4);
    tells(&told, 0, FINISHED);
    assert!(told.stdout.contains("nothing was changed"), "{told}");
    let changed = differing(&before, &contents(&incident.dir));
    assert!(changed.is_empty(), "{changed:?}");
    verify(&incident.world, &incident.dir).exits(4);
}

#[test]
fn repair_and_verify_take_the_path_of_the_checkpoint_as_projectscylla_did() {
    let incident = incident();
    let checkpoint = incident.at("checkpoint.json");
    incident.world.scylla(&["verify", name(&checkpoint)]).exits(4);
    tells(&incident.world.scylla(&["repair", name(&checkpoint)]).exits(0), 0, FINISHED);
    incident.world.scylla(&["verify", name(&checkpoint)]).exits(6);
    // Also where it is named by itself, and where it is gone.
    remove(&checkpoint);
    let mut typed = incident.world.command(&["repair", "checkpoint.json"]);
    let output = typed.current_dir(&incident.dir).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(index(&incident.dir), expected_index());
}

#[test]
fn the_repair_of_the_founding_incident_is_told_to_machines_too() {
    let incident = incident();
    let told = incident.repair(&["--message-format", "json"], 0);
    let told: Value = serde_json::from_str(&told.stdout).unwrap();
    assert_eq!((&told["found"], &told["before"], &told["after"]), (&json!(590), &json!(0), &json!(590)));
    let tiers: serde_json::Map<_, _> = TIERS.iter().map(|(tier, runs)| (format!("T{tier}"), json!(runs))).collect();
    assert_eq!(told["tiers"], Value::Object(tiers));
}

#[test]
fn a_resume_of_the_founding_incident_makes_only_the_twenty_runs_that_are_missing() {
    let incident = incident();
    let before = contents(&incident.dir);
    let events = incident.world.scylla(&["resume", name(&incident.dir), "--message-format", "json"]).exits(0).events();
    let started = events.iter().filter(|event| event["reason"] == "run-started").count();
    assert_eq!(started, PLANNED - FINISHED);
    assert_eq!(results(&incident.dir), PLANNED);
    let after = contents(&incident.dir);
    let of_runs = differing(&before, &after).into_iter().filter(|place| place.contains("/run_"));
    let changed: Vec<String> = of_runs.filter(|place| before.contains_key(place)).collect();
    assert!(changed.is_empty(), "a committed run was touched: {changed:?}");
    assert_eq!(json(&incident.at("checkpoint.json"))["status"], "completed");
    verify(&incident.world, &incident.dir).exits(0);
}
