//! One digest over a whole experiment: others check it without this tool, and a key signs it.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::fixture::TestFixture;
use crate::scenes::{experiment, is_missing};
use crate::world::World;

fn finished() -> (World, String) {
    let world = World::new();
    let fixture = TestFixture::new().agent("T0/00-one", "touch 'done'; echo 'odd \\ name'").write(&world);
    world.scylla(&["run", "--tiers-dir", &fixture, "--results-dir", "results", "--runs", "2"]).exits(0);
    let dir = experiment(&world);
    (world, dir)
}

fn sha256sum(world: &World, dir: &str) -> bool {
    let mut check = Command::new("sha256sum");
    check.args(["--check", "--strict", "--quiet", "SHA256SUMS"]).current_dir(world.path(dir));
    check.output().unwrap().status.success()
}

#[test]
fn a_sealed_experiment_is_checked_by_sha256sum_alone_and_what_was_altered_is_named() {
    let (world, dir) = finished();
    let unsealed = world.scylla(&["verify", &dir, "--require-seal"]).exits(7);
    assert!(unsealed.stdout.contains("it is not sealed"), "{unsealed}");
    let sealed = world.scylla(&["seal", &dir]).exits(0);
    let digest = sealed.stdout.trim().strip_prefix("sha256:").unwrap().to_owned();
    let again = world.scylla(&["seal", &dir]).exits(0);
    assert_eq!(again.stdout, sealed.stdout, "equal experiments have equal seals");
    let sums = fs::read(world.path(&dir).join("SHA256SUMS")).unwrap();
    assert_eq!(scylla::model::digest::Digest::of(&sums).hex(), digest);
    assert!(sha256sum(&world, &dir));
    world.scylla(&["verify", &dir, "--require-seal"]).exits(0);
    // What is derived may change.
    world.scylla(&["status", &dir]).exits(0);
    fs::remove_file(world.path(&dir).join("checkpoint.json")).unwrap();
    world.scylla(&["repair", &dir]).exits(0);
    world.scylla(&["verify", &dir, "--sealed"]).exits(0);
    // A forger who makes everything agree is found by the seal alone.
    let prompt = world.path(&dir).join("config/fixture/prompt.md");
    let former = fs::read(&prompt).unwrap();
    fs::write(&prompt, "Do something else.").unwrap();
    let told = world.scylla(&["verify", &dir]).exits(5);
    assert!(told.stdout.contains("seal-contradicted") && told.stdout.contains("config/fixture/prompt.md"), "{told}");
    assert!(!sha256sum(&world, &dir));
    let refused = world.scylla(&["seal", &dir]).exits(5);
    assert!(refused.stderr.contains("it is not in order"), "{refused}");
    fs::write(&prompt, former).unwrap();
    // What has grown is told, and can be sealed again.
    world.scylla(&["extend", &dir, "--runs", "3"]).exits(0);
    let grown = world.scylla(&["verify", &dir]).exits(0);
    assert!(grown.stdout.contains("seal-outgrown"), "{grown}");
    world.scylla(&["verify", &dir, "--require-seal"]).exits(7);
    world.scylla(&["seal", &dir]).exits(0);
    world.scylla(&["verify", &dir, "--require-seal", "--deny-warnings"]).exits(0);
    // A run that a person had made again is no damage: what was sealed of it lies in its former attempt.
    world.scylla(&["rerun", &dir, "--run", "T0/00/1"]).exits(0);
    let again = world.scylla(&["verify", &dir]).exits(0);
    assert!(again.stdout.contains("seal-outgrown") && !again.stdout.contains("seal-contradicted"), "{again}");
    fs::write(world.path(&dir).join("T0/00/.failed/run_01_attempt_01/agent/result.json"), "other").unwrap();
    let told = world.scylla(&["verify", &dir]).exits(5);
    assert!(told.stdout.contains("seal-contradicted"), "{told}");
    // Without the evidence nothing is said of a seal.
    world.write(".config/scylla.toml", "[gate]\nrequire-seal = true\n");
    let quick = world.scylla(&["verify", &dir, "--quick"]).exits(7);
    assert!(quick.stdout.contains("was not checked"), "{quick}");
}

#[test]
fn runs_that_are_not_committed_are_not_sealed_and_a_resume_contradicts_nothing() {
    let (world, dir) = finished();
    world.scylla(&["extend", &dir, "--runs", "3", "--plan-only"]).exits(0);
    fs::create_dir_all(world.path(&dir).join("T0/00/run_03/agent")).unwrap();
    fs::write(world.path(&dir).join("T0/00/run_03/agent/stdout.log"), "begun").unwrap();
    let sealed = world.scylla(&["seal", &dir]).exits(0);
    assert!(sealed.stderr.contains("1 planned run without a result"), "{sealed}");
    assert!(!fs::read_to_string(world.path(&dir).join("SHA256SUMS")).unwrap().contains("run_03"));
    world.scylla(&["resume", &dir]).exits(0);
    let resumed = world.scylla(&["verify", &dir]).exits(0);
    assert!(resumed.stdout.contains("seal-outgrown"), "{resumed}");
}

#[test]
fn a_report_from_before_the_seal_is_right_and_who_seals_is_told_that_it_does_not_name_it() {
    let (world, dir) = finished();
    world.scylla(&["report", &dir, "--format", "md,json,html,inspect"]).exits(0);
    let sealed = world.scylla(&["seal", &dir]).exits(0);
    assert!(sealed.stderr.contains(&format!("`cargo scylla report {dir} --again` makes it again")), "{sealed}");
    let verified = world.scylla(&["verify", &dir, "--report", "--require-seal"]).exits(0);
    assert!(!verified.stdout.contains("report"), "{verified}");
    world.scylla(&["report", &dir, "--again"]).exits(0);
    let report = fs::read_to_string(world.path(&dir).join("report/report.md")).unwrap();
    assert!(report.contains(sealed.stdout.trim()), "{report}");
    world.scylla(&["verify", &dir, "--report"]).exits(0);
    // The same seal again changes nothing that a report could say.
    let told: Value =
        serde_json::from_str(&world.scylla(&["seal", &dir, "--message-format", "json"]).exits(0).stdout).unwrap();
    assert_eq!(
        (&told["seal"], &told["has_earlier_report"], &told["is_signed"], &told["missing_runs"]),
        (&json!(sealed.stdout.trim()), &json!(false), &json!(false), &json!(0)),
        "{told:#}"
    );
}

/// A new key without a passphrase.
fn key(world: &World, name: &str) -> String {
    let path = world.path(name);
    let words = ["-q", "-t", "ed25519", "-N", "", "-C", name, "-f", path.to_str().unwrap()];
    assert!(Command::new("ssh-keygen").args(words).output().unwrap().status.success());
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_signed_seal_is_accepted_from_those_who_may_and_from_nobody_else() {
    // It knows no `--version`, and is there where it can be started.
    if is_missing("ssh-keygen") {
        return;
    }
    let (world, dir) = finished();
    let (ours, theirs) = (key(&world, "ours"), key(&world, "theirs"));
    let allow = |name: &str, key: &str| {
        let public = fs::read_to_string(Path::new(&format!("{key}.pub"))).unwrap();
        world.write(name, &format!("ann@example.org {public}"));
    };
    allow("signers", &ours);
    allow("others", &theirs);
    let asks = |file: &str, exit| world.scylla(&["verify", &dir, "--signer", file]).exits(exit);
    assert!(asks("signers", 7).stdout.contains("not signed"));
    world.scylla(&["seal", &dir, "--sign", &ours]).exits(0);
    assert!(asks("signers", 0).stderr.contains("sealed by ann@example.org"));
    assert!(asks("others", 5).stdout.contains("none of the allowed signers"));
    asks("nobody", 2);
    let refused = world.scylla(&["seal", &dir, "--sign", "no-such-key"]).exits(2);
    assert!(refused.stderr.contains("ssh-keygen"), "{refused}");
    let same = world.scylla(&["seal", &dir]).exits(0);
    assert!(!same.stderr.contains("signature"), "{same}");
    assert!(
        asks("signers", 0).stderr.contains("sealed by"),
        "a key that is refused, and the same seal, change nothing"
    );
    // A seal that somebody made after the signature.
    world.scylla(&["extend", &dir, "--runs", "3"]).exits(0);
    let signature = world.path(&dir).join("SHA256SUMS.sig");
    let kept = fs::read(&signature).unwrap();
    let other = world.scylla(&["seal", &dir]).exits(0);
    assert!(other.stderr.contains("its signature is gone"), "{other}");
    assert!(asks("signers", 7).stdout.contains("not signed"));
    fs::write(&signature, kept).unwrap();
    assert!(asks("signers", 5).stdout.contains("it is not the signature of this seal"));
}
