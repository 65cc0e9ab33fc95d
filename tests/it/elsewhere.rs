//! What belongs to others is left alone: processes of another machine, mounts, and what links lead to.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::fixture::{TestFixture, close, gated, open};
use crate::scenes::{AGENT, alive, edit_config, experiment, json, output, planned};
use crate::world::{World, steady, wait_until};

#[test]
fn a_copy_of_the_fixture_that_is_altered_while_runs_are_made_stops_them_and_no_run_is_made_by_it() {
    for (how, copy) in [("walk", "\"$SCYLLA_FIXTURE/test.yaml\""), ("auto", "\"$COPY/expected/criteria.md\"")] {
        let world = World::new();
        let alter = format!("[ ! -e {0} ] || echo '# easier' >> {copy}; {AGENT}", world.path("alters").display());
        let fixture = TestFixture::new().agent("T0/00-one", &gated(&world, "agent")).agent("T0/01-two", AGENT);
        let fixture = fixture.agent("T0/02-three", &alter).agent("T0/03-four", AGENT).write(&world);
        let dir = planned(&world, &fixture, &["--runs", "1", "--jobs", "1", "--containment", how]);
        close(&world, "agent");
        let mut command = world.command(&["resume", &dir, "--max-cost-usd", "9"]);
        let live = command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap();
        wait_until("the first agent works", || world.lines("agent.log") == 1);
        if how == "walk" {
            fs::write(world.path("alters"), "").unwrap();
        } else {
            let criteria = Path::new(&dir).join("config/fixture/expected/criteria.md");
            let text = fs::read_to_string(&criteria).unwrap();
            fs::write(&criteria, text + "easier\n").unwrap();
        }
        open(&world, "agent");
        let ended = crate::world::finish(live).exits(5);
        assert!(ended.stderr.contains("`config/fixture` was altered while runs were made by it"), "{ended}");
        assert!(ended.stderr.contains("cargo scylla verify"), "{ended}");
        world.scylla(&["verify", &dir]).exits(5);
        let made = |subtest: &str| Path::new(&dir).join(format!("T0/{subtest}/run_01/run_result.json")).exists();
        let all = ["00", "01", "02", "03"].map(made);
        assert_eq!(all, if how == "walk" { [true, true, false, false] } else { [false; 4] });
    }
}

#[test]
fn what_may_live_on_another_machine_is_never_dead_and_holds_the_experiment() {
    let world = World::new();
    let marker = format!("far-{}", world.path("").file_name().unwrap().to_str().unwrap());
    let agent = format!("{}; {AGENT} # {marker}", gated(&world, "agent"));
    let fixture = TestFixture::new().agent("T0/00-far", &agent).write(&world);
    let dir = planned(&world, &fixture, &["--runs", "1", "--containment", "walk"]);
    close(&world, "agent");
    let mut live = world.start(&["resume", &dir, "--max-cost-usd", "9"]);
    wait_until("the agent works", || world.lines("agent.log") == 1);
    live.kill();
    let mark = Path::new(&dir).join("T0/00/run_01/agent/process.json");
    let ours = fs::read(&mark).unwrap();
    let mut theirs: Value = serde_json::from_slice(&ours).unwrap();
    theirs["boot_id"] = "another".into();
    theirs["host"] = "far\u{1b}[2Jaway".into();
    fs::write(&mark, serde_json::to_vec(&theirs).unwrap()).unwrap();
    let verified = world.scylla(&["verify", &dir]).exits(4);
    assert!(verified.stdout.contains("which cannot be looked at from here, may still work on it"), "{verified}");
    for command in ["resume", "repair"] {
        let refused = world.scylla(&[command, &dir]).exits(3);
        assert!(!alive(&marker).is_empty(), "its number is another process here");
        if command == "resume" {
            insta::with_settings!({
                snapshot_path => concat!(env!("CARGO_MANIFEST_DIR"), "/snapshots/screens_e2e"),
                prepend_module_to_snapshot => false,
                omit_expression => true,
            }, { insta::assert_snapshot!("held-by-what-may-live-elsewhere", steady(&refused.stderr, &world)) });
        }
    }
    // A former version named the machine in the checkpoint alone.
    let checkpoint = Path::new(&dir).join("checkpoint.json");
    let mut index = json(&checkpoint);
    index["host"] = "far-away".into();
    fs::write(&checkpoint, serde_json::to_vec(&index).unwrap()).unwrap();
    theirs.as_object_mut().unwrap().retain(|key, _| !["host", "machine_id", "pid_namespace"].contains(&key.as_str()));
    fs::write(&mark, serde_json::to_vec(&theirs).unwrap()).unwrap();
    world.scylla(&["resume", &dir]).exits(3);
    // Here, it is found and ended.
    fs::write(&mark, ours).unwrap();
    open(&world, "agent");
    world.scylla(&["resume", &dir]).exits(0);
    assert_eq!(alive(&marker), [0; 0]);
    world.scylla(&["verify", &dir]).exits(0);
}

#[test]
fn an_agent_that_puts_a_link_in_the_place_of_its_folder_makes_nothing_of_others_go() {
    let world = World::new();
    let mine = world.path("mine");
    fs::create_dir(&mine).unwrap();
    for name in ["process.json", "result.json", "stdout.log"] {
        fs::write(mine.join(name), "mine").unwrap();
    }
    let swap = format!(
        "for run in {}/*/T0/00/run_01; do mv $run/agent $run/gone; ln -s {} $run/agent; done",
        world.results().display(),
        mine.display()
    );
    let fixture = TestFixture::new().agent("T0/00-links", &format!("{swap}; {AGENT}")).write(&world);
    let results = world.results().to_str().unwrap().to_owned();
    let arguments = ["run", "--tiers-dir", &fixture, "--results-dir", &results, "--runs", "1", "--containment", "walk"];
    let ran = world.scylla(&arguments);
    for name in ["process.json", "result.json", "stdout.log"] {
        assert_eq!(fs::read_to_string(mine.join(name)).unwrap(), "mine", "{name}\n{ran}");
    }
    assert_eq!(fs::read_dir(&mine).unwrap().count(), 3, "{ran}");
}

/// The command in a namespace of mounts of its own, if that can be made: nothing of this machine is mounted over.
#[expect(clippy::print_stdout, reason = "who reads the tests' output learns what was not tried")]
fn with_own_mounts(world: &World, arguments: &[&str]) -> Option<Command> {
    let unshare = |program: &str| {
        let mut command = Command::new("unshare");
        command.args(["--mount", "--propagation", "private", program]);
        command
    };
    let probe = unshare("sh").args(["-c", "mount --bind /tmp /tmp 2> /dev/null"]).status();
    if !probe.is_ok_and(|status| status.success()) {
        println!("skipped: nothing can be mounted here");
        return None;
    }
    let command = world.command(arguments);
    let mut own = unshare(command.get_program().to_str().unwrap());
    own.args(command.get_args()).current_dir(world.path(""));
    world.seal(&mut own);
    Some(own)
}

#[test]
fn what_an_agent_mounts_below_its_folder_is_not_emptied_and_what_is_left_is_told() {
    let world = World::new();
    let mine = world.path("mine");
    fs::create_dir_all(mine.join("deep/er")).unwrap();
    for file in ["file", "deep/er/file"] {
        fs::write(mine.join(file), "mine").unwrap();
    }
    symlink("file", mine.join("link")).unwrap();
    let place = mine.display();
    let mounts = format!(
        "mkdir -p inner/most ../beside && mount --bind {place} inner/most && mount --bind {place} ../beside && \
         touch name && mount --bind {place}/file name && chmod 000 inner"
    );
    let fixture = TestFixture::new().agent("T0/00-mounts", &format!("{mounts}; {AGENT}")).write(&world);
    let (results, work) = (world.results().to_str().unwrap().to_owned(), world.path("work"));
    let arguments = ["run", "--tiers-dir", &fixture, "--results-dir", &results, "--runs", "2", "--jobs", "1"];
    let more = ["--containment", "walk", "--work-dir", work.to_str().unwrap(), "--message-format", "json"];
    let Some(mut command) = with_own_mounts(&world, &[&arguments[..], &more].concat()) else { return };
    let ran = output(&mut command).exits(0);
    for file in ["file", "deep/er/file", "link"] {
        assert_eq!(fs::read_to_string(mine.join(file)).unwrap(), "mine", "{ran}");
    }
    let told =
        |event: &&Value| event["reason"] == "notice" && event["message"].as_str().unwrap().contains("umount -l ");
    let notices: Vec<Value> = ran.events().iter().filter(told).cloned().collect();
    assert!(notices.len() >= 2, "{ran}");
    assert!(notices.iter().all(|notice| notice["message"].as_str().unwrap().contains("nothing of that was touched")));
    // Without the mounts, the next session removes what is left.
    let dir = experiment(&world);
    edit_config(&world, "work_dir", json!(work.to_str().unwrap()));
    world.scylla(&["resume", &dir]).exits(0);
    let left: Vec<_> =
        fs::read_dir(&work).unwrap().flat_map(|root| fs::read_dir(root.unwrap().path()).unwrap()).collect();
    assert!(left.is_empty(), "{left:?}");
}
