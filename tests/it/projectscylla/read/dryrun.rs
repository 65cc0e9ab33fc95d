//! The one published experiment of ProjectScylla: seven runs that agree; alone, as every source is.

use super::made::shared_copy;
use crate::verify::folder::{contents, differing, verify};
use crate::verify::originals::name;
use crate::world::{World, steady};

#[test]
fn the_published_dry_run_agrees_seven_of_seven_and_nothing_is_wrong_with_it() {
    let world = World::new();
    let Some(dir) = shared_copy(&world, "projectscylla-dryrun") else { return };
    let verified = verify(&world, &dir).exits(0);
    assert_eq!((&verified.report["agreeing"], &verified.report["planned"]), (&7.into(), &7.into()));
    let levels: Vec<_> = verified.findings().iter().map(|finding| &finding["level"]).collect();
    assert!(levels.iter().all(|level| *level == "note"), "{:#}", verified.report);
    let screen = world.scylla(&["verify", "projectscylla-dryrun", "--deny-warnings", "--max-missing", "0"]).exits(0);
    insta::with_settings!({
        snapshot_path => concat!(env!("CARGO_MANIFEST_DIR"), "/snapshots/verify"),
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, { insta::assert_snapshot!("projectscylla_dry_run", steady(&screen.stdout, &world)); });
}

#[test]
fn a_repair_of_the_published_dry_run_changes_no_byte_of_it() {
    let world = World::new();
    let Some(dir) = shared_copy(&world, "projectscylla-dryrun") else { return };
    let before = contents(&dir);
    let told = world.scylla(&["repair", name(&dir)]).exits(0);
    assert!(told.stdout.starts_with("Nothing to repair"), "{told}");
    let changed: Vec<String> = differing(&before, &contents(&dir)).into_iter().collect();
    assert_eq!(changed, ["experiment.lock"]);
    let status = world.scylla(&["status", name(&dir), "--message-format", "json"]).exits(0);
    let status: serde_json::Value = serde_json::from_str(&status.stdout).unwrap();
    let told = (&status["status"], &status["spent"], &status["original_version"]);
    assert_eq!(told, (&"completed".into(), &1.011_161_8.into(), &"2.0".into()));
}
