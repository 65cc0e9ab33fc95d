//! What ProjectScylla's own functions saved at its commits, in which nothing is found; alone, as every source is.

use std::fs;

use crate::projectscylla::read::made::shared_copy;
use crate::verify::folder::verify;
use crate::world::World;

#[test]
fn an_untouched_config_of_any_commit_is_read_and_its_hash_explained() {
    let world = World::new();
    let Some(all) = shared_copy(&world, "projectscylla-configs") else { return };
    let mut commits = 0;
    for entry in fs::read_dir(all).unwrap() {
        let dir = entry.unwrap().path();
        if !dir.is_dir() {
            continue;
        }
        commits += 1;
        let verified = verify(&world, &dir).exits(6);
        let others: Vec<_> =
            verified.findings().iter().filter(|it| !["missing-run", "moved-experiment"].contains(&kind(it))).collect();
        assert!(others.is_empty(), "{}: {others:#?}", dir.display());
        // A resume asks for the fixture of the runs that are missing, and holds nothing against the config.
        let name = dir.to_str().unwrap();
        let resumed = world.scylla(&["resume", name]).exits(2);
        assert!(resumed.stderr.contains("runs are missing, and their fixture is not known"), "{name}: {resumed}");
        let status = world.scylla(&["status", name, "--message-format", "json"]).exits(0);
        let status: serde_json::Value = serde_json::from_str(&status.stdout).unwrap();
        assert_eq!(status["plan_is_open"], verified.report["plan_is_open"], "{name}");
    }
    assert!(commits >= 20, "only {commits}");
}

fn kind(finding: &serde_json::Value) -> &str {
    finding["kind"].as_str().unwrap()
}
