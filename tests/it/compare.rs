//! Which setup solves its task more often, and how sure that is.

use serde_json::{Value, json};

use crate::scenes::measured;

#[test]
fn setups_tiers_and_experiments_are_compared_and_a_clear_loss_can_fail() {
    let (world, dir) = measured(6);
    let shown = world.scylla(&["compare", &dir, "T0/00", "T0/01"]).exits(0);
    for line in [
        "B solves its task 100 points less often than A (0 of 6 runs against 6 of 6); with 95 % confidence",
        "what B was given:",
        "agent's shell",
    ] {
        assert!(shown.stdout.contains(line), "{line}: {shown}");
    }
    assert!(shown.stdout.contains("items of the rubric that differ most"), "{shown}");
    let read: Value =
        serde_json::from_str(&world.scylla(&["compare", &dir, "T0/00", "T0/01", "--format", "json"]).exits(0).stdout)
            .unwrap();
    let item = &read["differences"][0]["items"][0];
    assert_eq!(
        (&item["first"], &item["later"], &item["difference"]["value"]),
        (&json!(1.0), &json!(0.0), &json!(-1.0))
    );
    world.scylla(&["compare", &dir, "T0/00", "T0/01", "--fail-if", "worse"]).exits(7);
    world.scylla(&["compare", &dir, "T0/01", "T0/00", "--fail-if", "worse", "--fail-if", "pass-rate<0"]).exits(0);
    let told = world.scylla(&["compare", &dir, "T0", "T1", "--fail-if", "score<0.5"]).exits(7);
    assert!(told.stdout.contains("may be chance") || told.stdout.contains("as often as"), "{told}");
    assert!(told.stderr.contains("fails: `--fail-if score<0.5`: B has"), "{told}");
    let unknown = world.scylla(&["compare", &dir, "T0", "T1", "--fail-if", "cost>9"]).exits(7);
    assert!(
        unknown.stderr.contains("that cannot be said: A has runs of which nobody said what they cost"),
        "{unknown}"
    );

    // Runs are not compared with themselves.
    for sides in [[dir.as_str(), &dir], ["T0", "T0/00"]] {
        let common = world.scylla(&[&["compare"][..], &sides].concat()).exits(2);
        assert!(common.stderr.contains("in common"), "{common}");
    }

    // The same experiment, grown: setup by setup.
    world.scylla(&["run", "fixture", "--results-dir", "others", "--runs", "2"]).exits(0);
    let other = std::fs::read_dir(world.path("others")).unwrap().flatten().find(|entry| entry.path().is_dir());
    let other = format!("others/{}", other.unwrap().file_name().to_str().unwrap());
    let output = world.scylla(&["compare", &dir, &other, "--format", "json"]).exits(0);
    let read: Value = serde_json::from_str(&output.stdout).unwrap();
    assert_eq!((&read["sides"][0]["judged"], &read["sides"][1]["judged"]), (&json!(18), &json!(6)));
    assert_eq!(read["differences"][0]["is_paired"], true, "{read:#}");
    assert_eq!(read["differences"][0]["pass_rate"]["value"], 0.0, "{read:#}");
    let parts = world.scylla(&["compare", &dir, "T1", &other, "T1", "--format", "json"]).exits(0);
    let read: Value = serde_json::from_str(&parts.stdout).unwrap();
    assert_eq!((&read["sides"][0]["judged"], &read["sides"][1]["judged"]), (&json!(6), &json!(2)));

    // Places of another task are other setups.
    world.scylla(&["fixture", "new", "another"]).exits(0);
    world.scylla(&["run", "another", "--results-dir", "another-results", "--runs", "2"]).exits(0);
    let another =
        std::fs::read_dir(world.path("another-results")).unwrap().flatten().find(|entry| entry.path().is_dir());
    let another = format!("another-results/{}", another.unwrap().file_name().to_str().unwrap());
    let apart = world.scylla(&["compare", &dir, &another, "--format", "json"]).exits(0);
    let read: Value = serde_json::from_str(&apart.stdout).unwrap();
    assert_eq!((&read["differences"][0]["is_paired"], &read["differences"][0]["setups"]), (&json!(false), &json!([])));
    assert_eq!(read["differences"][0]["given"][0]["what"], "fixture", "{read:#}");

    for (words, told) in [
        (&["T0/00"][..], "1 side named"),
        (&["T0/00", "T3"], "has no run of T3 in its plan"),
        (&["T0/00", "nothing-of-this-name"], "nothing-of-this-name"),
        (&["T0/00", "T1", "--fail-if", "speed>1"], "`speed` is not measured"),
        (&["T0/00", "T1", "--fail-if", "better"], "neither `worse` nor a change"),
    ] {
        let wrong = world.scylla(&[&["compare", &dir], words].concat()).exits(2);
        assert!(wrong.stderr.contains(told), "{told}: {wrong}");
    }
}
