//! What is asked of experiments before their numbers are used: flags, settings, several folders at once.

use std::fs;

use scylla::model::digest::Digest;
use serde_json::{Value, json};

use crate::fixture::TestFixture;
use crate::scenes::experiment;
use crate::world::World;

/// An experiment in which one setup always solves the task, another never does, and one run of a third has no attempt left.
fn mixed() -> (World, String) {
    let world = World::new();
    let fixture = TestFixture::new()
        .agent("T0/00-solves", "touch done")
        .agent("T0/01-does-nothing", "exit 0")
        .agent("T1/00-breaks", "if [ $SCYLLA_RUN = 1 ]; then touch done; else kill -9 $$; fi")
        .write(&world);
    let words = ["run", "--tiers-dir", &fixture, "--results-dir", "results", "--runs", "2", "--attempts", "1"];
    world.scylla(&words).exits(6);
    let dir = experiment(&world);
    (world, dir)
}

#[test]
fn each_policy_that_is_not_met_is_listed_and_ends_with_7() {
    let (world, dir) = mixed();
    let told = |flags: &[&str], exit| {
        let output = world.scylla(&[&["verify", &dir], flags].concat()).exits(exit);
        let told = output.stdout.split_once("Policy not met:\n").map_or("", |(_, behind)| behind);
        told.lines().take_while(|line| line.starts_with("  ")).map(|line| line.trim().to_owned()).collect::<Vec<_>>()
    };
    let one = &["--max-missing", "1"][..];
    assert!(told(one, 0).is_empty());
    for flags in [
        &["--max-errored", "1"][..],
        &["--min-judges", "1"],
        &["--min-pass-rate", "0.6"],
        &["--min-pass-rate", "T0=0.5", "--min-pass-rate", "T0/00=1", "--min-pass-rate", "T1=1"],
        &["--no-secrets"],
    ] {
        assert!(told(&[one, flags].concat(), 0).is_empty(), "{flags:?}");
    }
    for (flags, sentence) in [
        (&["--max-errored", "0"][..], "1 planned run with no attempt left, `--max-errored 0` allows fewer"),
        (&["--min-judges", "2"], "T0/00/run_01 was graded by 1 judge, `--min-judges 2` asks for more"),
        (&["--min-pass-rate", "0.61"], "the experiment passed 3 of 5 results, `--min-pass-rate 0.61` asks for more"),
        (&["--min-pass-rate", "T0=0.51"], "T0 passed 2 of 4 results, `--min-pass-rate T0=0.51` asks for more"),
        (&["--min-pass-rate", "T0/01=0.1"], "T0/01 passed 0 of 2 results, `--min-pass-rate T0/01=0.1` asks for more"),
        (&["--min-pass-rate", "T4=0"], "T4 has no planned run, and `--min-pass-rate T4=0` asks for one"),
    ] {
        let told = told(&[one, flags].concat(), 7);
        assert_eq!(told.first().map(String::as_str), Some(sentence), "{told:?}");
    }
    let several = told(&["--max-missing", "0", "--min-runs", "2", "--min-pass-rate", "0.9"], 7);
    assert_eq!(several.len(), 3, "{several:?}");
    let wrong = world.scylla(&["verify", &dir, "--min-pass-rate", "T0/0=1"]).exits(2);
    assert!(wrong.stderr.contains("--min-pass-rate"), "{wrong}");
}

#[test]
fn a_gate_may_stand_in_the_settings_and_a_flag_wins() {
    let (world, dir) = mixed();
    world.write(".config/scylla.toml", "[gate]\nmax-missing = 1\nmin-pass-rate = { \"T0/01\" = 0.5 }\n");
    let told = world.scylla(&["verify", &dir]).exits(7);
    assert!(told.stdout.contains("T0/01 passed 0 of 2 results"), "{told}");
    world.scylla(&["verify", &dir, "--min-pass-rate", "T0/00=1"]).exits(0);
    world.write(".config/scylla.toml", "[gate]\nmax-missing = 'none'\n");
    let wrong = world.scylla(&["verify", &dir]).exits(2);
    assert!(wrong.stderr.contains("scylla.toml:2: `gate.max-missing` is `\"none\"`"), "{wrong}");
}

#[test]
fn several_folders_are_verified_at_once_and_the_worst_decides() {
    let (world, dir) = mixed();
    let words = ["run", "fixture", "--results-dir", "others", "--runs", "1", "--tiers", "T0", "--max-subtests", "1"];
    world.scylla(&words).exits(0);
    let other = std::fs::read_dir(world.path("others")).unwrap().flatten().find(|entry| entry.path().is_dir());
    let other = format!("others/{}", other.unwrap().file_name().to_str().unwrap());
    let both = world.scylla(&["verify", &other, &dir]).exits(6);
    for line in [&other, &dir, "1 of 1 planned run agrees.", "5 of 6 planned runs agree"] {
        assert!(both.stdout.contains(line), "{line}: {both}");
    }
    let form = |format| world.scylla(&["verify", &other, &dir, "--format", format]).exits(6).stdout;
    let documents: Value = serde_json::from_str(&form("json")).unwrap();
    assert_eq!((&documents[0]["agreeing"], &documents[1]["agreeing"]), (&json!(1), &json!(5)));
    let sarif: Value = serde_json::from_str(&form("sarif")).unwrap();
    assert_eq!(sarif["runs"].as_array().unwrap().len(), 2);
    assert!(
        form("junit").contains(
            "<testsuites name=\"cargo scylla verify\" tests=\"7\" failures=\"0\" errors=\"1\" skipped=\"0\">"
        )
    );
    world.scylla(&["verify", &other, "nothing-of-this-name"]).exits(2);
}

#[test]
fn each_level_finds_what_the_former_one_does_not_look_at() {
    let world = World::new();
    let fixture = TestFixture::new().agent("T0/00-solves", "touch done").write(&world);
    world.scylla(&["run", "--tiers-dir", &fixture, "--results-dir", "results", "--runs", "2"]).exits(0);
    let dir = experiment(&world);
    let exits = |expected: [i32; 4]| {
        for (level, exit) in ["shape", "counts", "content", "recompute"].into_iter().zip(expected) {
            let told = world.scylla(&["verify", &dir, "--level", level, "--format", "json"]).exits(exit);
            let told: Value = serde_json::from_str(&told.stdout).unwrap();
            assert_eq!(told["examined"], level);
        }
        // The default is the closest one, and `--quick` is the second.
        world.scylla(&["verify", &dir]).exits(expected[3]);
        world.scylla(&["verify", &dir, "--quick"]).exits(expected[1]);
    };
    let edit = |place: &str, edit: &dyn Fn(String) -> String| {
        let path = world.path(&dir).join(place);
        fs::write(&path, edit(fs::read_to_string(&path).unwrap())).unwrap();
    };
    exits([0, 0, 0, 0]);

    // A report that says something else, and whose stamp was made to fit.
    world.scylla(&["report", &dir, "--format", "md,json"]).exits(0);
    let report = fs::read_to_string(world.path(&dir).join("report/report.md")).unwrap();
    let forged = report.replace("T0/00", "T0/07");
    let digest = |text: &str| Digest::of(text.as_bytes()).to_string();
    edit("report/report.md", &|_| forged.clone());
    edit("report/stamp.json", &|stamp| stamp.replace(&digest(&report), &digest(&forged)));
    exits([0, 0, 0, 7]);
    edit("report/report.md", &|text| text + " ");
    exits([0, 0, 7, 7]);
    world.scylla(&["report", &dir, "--again"]).exits(0);

    edit("T0/00/run_01/agent/stdout.log", &|text| text + "more");
    exits([0, 0, 5, 5]);
    edit("checkpoint.json", &|text| text.replacen("passed", "failed", 1));
    exits([0, 4, 5, 5]);
    edit("T0/00/run_01/run_result.json", &|text| text[..text.len() / 2].to_owned());
    exits([5, 5, 5, 5]);
    world.scylla(&["verify", &dir, "--level", "counts", "--require-seal"]).exits(2);
}
