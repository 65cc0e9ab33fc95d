//! Which experiment a command is about: its folder, a file in it, a part of its name, or nothing.

use std::fs;

use crate::fixture::TestFixture;
use crate::scenes::{AGENT, edit, output};
use crate::world::{World, shipped};

/// A world with two finished experiments, `one` and then `two`; their names.
fn world() -> (World, [String; 2]) {
    let world = World::new();
    TestFixture::new().agent("T0/00-one", AGENT).write(&world);
    let names = ["one", "two"].map(|id| {
        edit(&world, "fixture/test.yaml", "id: ", &format!("id: {id}\n#"));
        world.scylla(&["run", "--tiers-dir", "fixture", "--runs", "1"]).exits(0);
        let found = fs::read_dir(world.path("scylla-results")).unwrap().map(|entry| entry.unwrap().file_name());
        found.map(|name| name.into_string().unwrap()).find(|name| name.ends_with(id)).unwrap()
    });
    (world, names)
}

#[test]
fn an_experiment_is_named_by_its_folder_a_file_in_it_a_part_of_its_name_or_by_nothing() {
    let (world, [one, two]) = world();
    let folder = format!("scylla-results/{one}");
    let result = format!("{folder}/T0/00/run_01/run_result.json");
    for meant in [&*folder, &format!("{folder}/checkpoint.json"), &result, &format!("{folder}/T0/00"), &one, "-one"] {
        for command in ["status", "verify", "repair", "resume"] {
            let arguments = [command, "--", meant];
            let output = output(&mut world.command(&arguments)).exits(0);
            assert!(!output.stderr.contains("newest"), "{output}");
            assert!(command != "status" || output.stdout.starts_with("one: "), "{output}");
        }
    }
    for command in [&["status"][..], &["verify"], &["repair"], &["resume"], &["extend", "--runs", "2"]] {
        let output = world.scylla(command).exits(0);
        assert!(output.stderr.contains(&format!("`scylla-results/{two}` is the newest experiment")), "{output}");
    }
    world.scylla(&["checkout", "--run", "T0/00/2", "--to", "tree"]).exits(0);
    assert!(world.path("tree/done").exists());
    world.scylla(&["export", "two", "--format", "scylla-3.1", "--to", "exported"]).exits(0);
    let quiet = world.scylla(&["verify", "-q"]).exits(0);
    assert_eq!(quiet.stderr, "");
}

#[test]
fn what_could_be_several_experiments_or_is_none_is_told_with_names_to_type() {
    let (world, [one, two]) = world();
    let several = world.scylla(&["status", "202"]).exits(2);
    assert!(several.stderr.contains("`202` is a part of the names of 2 experiments"), "{several}");
    let folder = world.scylla(&["verify", "scylla-results"]).exits(2);
    for output in [several, folder] {
        for name in [&one, &two] {
            assert!(output.stderr.contains(&format!("`scylla-results/{name}`")), "{output}");
        }
    }
    world.scylla(&["status", "three"]).exits(2);
    // The folder of a fixture is none, and often has the name of its experiments.
    world.write("two/test.yaml", "id: two");
    let fixture = world.scylla(&["status", "two"]).exits(0);
    assert!(fixture.stderr.contains(&format!("`two` is `scylla-results/{two}`")), "{fixture}");
    world.scylla(&["status", &shipped("hello-script")]).exits(2);
    let empty = World::new();
    let none = empty.scylla(&["resume"]).exits(2);
    assert!(none.stderr.contains("there is none in `scylla-results`"), "{none}");
}
