//! An agent that can write in the experiment's folder plants what commands git there; nothing of it is executed, and every
//! run is what it would have been.

use std::fs;

use crate::fixture::TestFixture;
use crate::scenes::{containments, experiment, json};
use crate::world::World;

/// Plants in `repo.git` and in the agent's own repository what would start `program`.
fn plant(world: &World) -> String {
    let program = world.path("planted.sh").display().to_string();
    world.program("planted.sh", &format!("#!/bin/sh\ntouch {}\ncat\n", world.path("executed").display()));
    let included = world.path("included").display().to_string();
    world.write("included", &format!("[core]\n\tfsmonitor = {program}\n[filter \"x\"]\n\tsmudge = {program}\n"));
    let config = format!(
        "[core]\n\tfsmonitor = {program}\n\tsshCommand = {program}\n\thooksPath = {program}-hooks\n\tworktree = /\n\
         [include]\n\tpath = {included}\n[alias]\n\tadd = !{program}\n\
         [filter \"x\"]\n\tclean = {program}\n\tsmudge = {program}\n\tprocess = {program}\n\trequired = true\n"
    );
    world.write("config-to-plant", &config);
    let root = world.path("").display().to_string();
    format!(
        r#"for repo in {root}/results/*/repo.git "$PWD/.git"; do
            cat {root}/config-to-plant >> "$repo/config"; cp {root}/config-to-plant "$repo/config.worktree"
            mkdir -p "$repo/info" "$repo/hooks" {program}-hooks "$repo/objects/info"
            echo '* filter=x diff=x' > "$repo/info/attributes"
            for hook in post-checkout post-index-change reference-transaction; do
                cp {program} "$repo/hooks/$hook"; cp {program} {program}-hooks/$hook; done
            echo {root}/elsewhere > "$repo/objects/info/alternates"; echo /nowhere > "$repo/commondir"; done
        echo '* filter=x diff=x' > .gitattributes; echo "by the agent" > readme.txt; touch done"#
    )
}

#[test]
fn what_an_agent_plants_in_the_experiments_repository_is_never_executed() {
    for containment in containments().into_iter().filter(|containment| *containment != "bubblewrap") {
        let world = World::new();
        let fixture = TestFixture::new()
            .agent("T0/00-plants", &plant(&world))
            .subtest(
                "T0/01-overlaid",
                &format!(
                    "overlay: overlays/one\nagent:\n  kind: command\n  shell: {}\n",
                    serde_json::to_string("test -f CLAUDE.md && touch done").unwrap()
                ),
            )
            .write(&world);
        world.write("fixture/overlays/one/CLAUDE.md", "laid over\n");
        let arguments = ["run", "--tiers-dir", &fixture, "--results-dir", "results", "--containment", containment];
        world.scylla(&[&arguments[..], &["--runs", "3", "--jobs", "3"]].concat()).exits(0);
        let dir = experiment(&world);
        world.scylla(&["extend", &dir, "--runs", "4"]).exits(0);
        assert!(world.experiment().join("repo.git/commondir").exists(), "{containment}: the agent planted nothing");
        for run in 1..=4 {
            for subtest in ["00", "01"] {
                let at = world.experiment().join(format!("T0/{subtest}/run_{run:02}"));
                assert_eq!(json(&at.join("run_result.json"))["judge_passed"], true, "{containment} {subtest} {run}");
            }
            let patch = |run: u32| fs::read(world.experiment().join(format!("T0/00/run_{run:02}/changes.patch")));
            assert_eq!(patch(run).unwrap(), patch(1).unwrap(), "{containment}");
        }
        for (run, file, text) in [("T0/00/4", "readme.txt", "by the agent\n"), ("T0/01/4", "CLAUDE.md", "laid over\n")]
        {
            let to = format!("tree-{}", &run[3..5]);
            world.scylla(&["checkout", &dir, "--run", run, "--to", &to]).exits(0);
            assert_eq!(fs::read_to_string(world.path(&to).join(file)).unwrap(), text, "{containment}");
        }
        world.scylla(&["verify", &dir]).exits(0);
        assert!(!world.path("executed").exists(), "{containment}: a planted program was executed");
    }
}
