//! Agents and checks in the files of an image, with the real podman.

mod podman;
mod reaching;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::Stdio;

use serde_json::json;

use crate::fixture::{TestFixture, close, gated, open};
use crate::scenes::{containments, experiment, files_below, is_alive, json, output, saved};
use crate::world::{Live, World, finish, kill, wait_until};

use podman::{Podman, podman, write_files};

/// What a program tells of where it is.
fn look(world: &World) -> String {
    let (home, precious) = (world.path("home"), world.path("precious"));
    fs::create_dir_all(home.join(".ssh")).unwrap();
    fs::write(home.join(".ssh/key"), "private\n").unwrap();
    fs::write(&precious, "before\n").unwrap();
    format!(
        "cat /etc/which; only-here; id; grep :/home/scylla: /etc/passwd; echo colour $COLOUR, path $PATH, home $HOME; cat {key} || echo no key; \
         (echo lost > {precious}) 2> /dev/null; (echo lost > /etc/which) 2> /dev/null || echo read-only; \
         (touch /new && ls /new) 2> /dev/null || echo no room at the root; ls /usr 2> /dev/null || echo no usr; \
         echo kept > ~/new && echo kept > /tmp/new && cat ~/new /tmp/new",
        key = home.join(".ssh/key").display(),
        precious = precious.display(),
    )
}

/// A fixture whose agent and check tell what they see.
fn looking(podman: &Podman, more: &str) -> String {
    let look = look(&podman.world);
    TestFixture::new()
        .agent("T0/00-looks", &format!("({look}) > seen 2>&1; touch done"))
        .check(&format!("test -f done || exit 1; {look}"))
        .judge("cat > /dev/null; test ! -e /opt/tools/only-here && echo '{\"items\":{\"R001\":{\"score\":1}}}'")
        .extra(more)
        .write(&podman.world)
}

const NAMED: &str = "sandbox: {use: podman, image: 'localhost/task:1'}\n";

#[test]
fn agents_and_checks_in_an_image_see_its_files_and_none_of_the_machine() {
    let Some(podman) = podman() else { return };
    let world = &podman.world;
    let id = podman.import("localhost/task:1", "first");
    let fixture = looking(&podman, NAMED);
    let ran = podman.run(&fixture, &[]).exits(0);
    let told = format!("podman gives the files of the image `localhost/task:1`, {} …", &id[..12]);
    assert!(ran.stderr.contains(&told), "{ran}");
    let run = world.experiment().join("T0/00/run_01");
    let patch = fs::read_to_string(run.join("changes.patch")).unwrap();
    let check = fs::read_to_string(run.join("checks/done.log")).unwrap();
    for seen in [&patch, &check] {
        for line in [
            "first",
            "a tool of the image",
            "(scylla)",
            ":/home/scylla:/bin/sh",
            "colour blue, path /bin:/opt/tools, home /home/scylla",
            "no key",
            "read-only",
            "no room at the root",
            "no usr",
            "kept",
        ] {
            assert!(seen.contains(line), "{line}: {seen}");
        }
        assert!(!seen.contains("private"), "{seen}");
    }
    assert_eq!(fs::read_to_string(world.path("precious")).unwrap(), "before\n");
    for file in ["run_result.json", "agent/result.json"] {
        let result = json(&run.join(file));
        assert_eq!((&result["sandbox"], &result["image_id"]), (&json!("podman"), &json!(id)), "{file}");
        assert_eq!(result["not_isolated"], json!(["network", "resources"]), "{file}");
    }
    assert_eq!(saved(world, "image_id"), json!(id));
    assert_eq!(saved(world, "sandbox")["image"], "localhost/task:1");
    assert_eq!(podman.laid_out(), Vec::<PathBuf>::new());
    assert_eq!(podman.podman(&["ps", "-aq"]).exits(0).stdout, "");
    let verified = podman.scylla(&["verify", &experiment(world)]).exits(0);
    assert!(verified.stdout.contains("Not isolated: the network and resources of the machine."), "{verified}");
    let shown = podman.scylla(&["show", &experiment(world), "T0/00/1"]).exits(0);
    assert!(shown.stdout.contains(&format!("sandbox podman (image {}…), network", &id[..12])), "{shown}");
}

#[test]
fn an_image_is_built_from_the_fixture_without_what_agents_must_not_see() {
    let Some(podman) = podman() else { return };
    let world = &podman.world;
    let built = "sandbox: {containerfile: image/Containerfile, network: none}\n";
    let fixture = looking(&podman, built);
    write_files(&world.path("fixture/image/files"), "built");
    let recipe = "FROM scratch\nCOPY image/files /\nCOPY . /fixture\nENV PATH=/bin:/opt/tools COLOUR=blue\n";
    world.write("fixture/image/Containerfile", recipe);
    world.write("fixture/tiers/T0/01-looks.yaml", "agent: {kind: command, shell: 'ls /fixture > seen; touch done'}\n");
    let ran = podman.run(&fixture, &["--max-subtests", "2"]).exits(0);
    assert!(ran.stderr.contains("podman builds the image of `image/Containerfile` …"), "{ran}");
    let seen = |run: &str| fs::read_to_string(world.experiment().join(run).join("changes.patch")).unwrap();
    assert!(seen("T0/00/run_01").contains("+built"), "{}", seen("T0/00/run_01"));
    let copied = seen("T0/01/run_01");
    assert!(copied.contains("+test.yaml") && !copied.contains("expected"), "{copied}");
    let result = json(&world.experiment().join("T0/01/run_01/run_result.json"));
    assert_eq!((&result["not_isolated"], &result["judge_passed"]), (&json!(["resources"]), &json!(true)), "{result:#}");
    // The same fixture asks for the same image.
    podman.run(&fixture, &["--max-subtests", "2"]).exits(0);
    world.write("fixture/image/Containerfile", "FROM scratch\nCOPY image/nothing /\n");
    let failed = podman.run(&fixture, &["--max-subtests", "2", "--fresh"]).exits(2);
    for said in ["podman cannot build the image of `image/Containerfile`:", "COPY image/nothing", "hint:"] {
        assert!(failed.stderr.contains(said), "{failed}");
    }
    world.experiment();
    // What is built again is another image, and no run is made in it.
    let dir = experiment(world);
    let former = saved(world, "image_id");
    podman.podman(&["rmi", "--all", "--force"]).exits(0);
    let refused = podman.scylla(&["extend", &dir, "--runs", "2"]).exits(2);
    let another = format!("and the experiment was begun with `{}`", former.as_str().unwrap());
    assert!(refused.stderr.contains("the image of `image/Containerfile` is another one now"), "{refused}");
    assert!(refused.stderr.contains(&another), "{refused}");
    assert!(!world.experiment().join("T0/00/run_02/run_result.json").exists());
    assert_eq!(podman.laid_out(), Vec::<PathBuf>::new());
}

#[test]
fn a_killed_experiment_goes_on_in_the_image_that_it_began_with_and_in_no_other() {
    let Some(podman) = podman() else { return };
    let world = &podman.world;
    let first = podman.import("localhost/task:1", "first");
    let gate = gated(world, "agent");
    world.write("shown/.keep", "");
    let shown = world.path("").display().to_string();
    let agents = format!("cat /etc/which > seen; {gate}; touch done");
    // The gate is shown, and its log is not written: nothing but the tree is.
    let fixture = TestFixture::new()
        .agent("T0/00-waits", &agents.replace("echo asked >>", "echo waits; : "))
        .extra(&format!("sandbox: {{image: 'localhost/task:1', readable: ['{shown}']}}\n"))
        .write(world);
    close(world, "agent");
    let work = world.path("work");
    let run = ["run", &fixture, "--runs", "2", "--jobs", "1", "--results-dir", "results", "--work-dir"];
    let mut live = Live::start(&mut podman.command(&[&run[..], &[work.to_str().unwrap()]].concat()));
    live.wait_for("the agent's stage", |event| event["reason"] == "stage-started" && event["stage"] == "agent");
    live.kill();
    assert!(!podman.laid_out().is_empty());
    // The name leads elsewhere now, and the former image is still there by its id.
    let second = podman.import("localhost/task:1", "second");
    assert_ne!(first, second);
    open(world, "agent");
    let dir = experiment(world);
    let worker = podman.scylla(&["worker", &dir, "--run", "T0/00/2"]).exits(0);
    assert!(
        worker.stderr.contains(&format!("podman gives the files of the image `localhost/task:1`, {}", &first[..12]))
    );
    let resumed = podman.scylla(&["resume", &dir]).exits(0);
    assert!(!resumed.stderr.contains("pulls"), "{resumed}");
    for run in ["T0/00/run_01", "T0/00/run_02"] {
        let patch = fs::read_to_string(world.experiment().join(run).join("changes.patch")).unwrap();
        assert!(patch.contains("+first"), "{patch}");
        assert_eq!(json(&world.experiment().join(run).join("run_result.json"))["image_id"], json!(first));
    }
    assert_eq!(podman.laid_out(), Vec::<PathBuf>::new());
    podman.podman(&["rmi", "--force", &first]).exits(0);
    // What is finished needs no image; what grows needs the one that it began with.
    podman.scylla(&["resume", &dir]).exits(0);
    let refused = podman.scylla(&["extend", &dir, "--runs", "3"]).exits(2);
    for said in [
        &format!(
            "the image `localhost/task:1` is another one now: `{second}`, and the experiment was begun with `{first}`"
        ),
        "podman save localhost/cargo-scylla:",
        "nothing was started",
    ] {
        assert!(refused.stderr.contains(said), "{refused}");
    }
    assert!(!world.experiment().join("T0/00/run_03/run_result.json").exists());
    podman.podman(&["rmi", "--force", &second]).exits(0);
    let refused = podman.scylla(&["resume", &dir]).exits(2);
    assert!(refused.stderr.contains(&format!("the image `{first}` of the experiment is not here")), "{refused}");
    assert!(refused.stderr.contains("podman cannot pull the image `localhost/task:1`"), "{refused}");
    podman.scylla(&["verify", &dir, "--format", "json"]);
    assert_eq!(podman.laid_out(), Vec::<PathBuf>::new());
}

#[test]
fn what_is_not_in_an_image_is_told_before_anything_is_started_or_made() {
    let Some(podman) = podman() else { return };
    let world = &podman.world;
    podman.import("localhost/task:1", "first");
    let fixture = TestFixture::new()
        .subtest("T0/00-claude", "agent: {kind: claude-code}\n")
        .subtest("T0/01-words", "agent: {kind: command, command: [solve, it]}\n")
        .subtest("T0/02-spoken", "agent: {kind: acp, command: [solve]}\n")
        .subtest("T0/03-there", "agent: {kind: command, command: [only-here]}\n")
        .extra(NAMED)
        .write(world);
    let refused = podman.run(&fixture, &[]).exits(2);
    for said in [
        "the agent of `T0/00` starts `claude`, which is not in the image `localhost/task:1`",
        "the agent of `T0/01` starts `solve`, which is not in the image",
        "the agent of `T0/02` is of the kind `acp`",
        "hint: put it into the image",
    ] {
        assert!(refused.stderr.contains(said), "{said}: {refused}");
    }
    assert!(!refused.stderr.contains("T0/03"), "{refused}");
    let other = TestFixture::new().agent("T0/00-claude", "touch done").extra("sandbox: {image: 'localhost/none:1'}\n");
    let refused = podman.run(&other.write(world), &[]).exits(2);
    assert!(refused.stderr.contains("podman cannot pull the image `localhost/none:1`:"), "{refused}");
    assert_eq!(fs::read_dir(world.results()).unwrap().count(), 0);
    assert_eq!(podman.laid_out(), Vec::<PathBuf>::new());
}

#[test]
fn programs_are_asked_for_their_version_and_fixtures_are_tried_in_the_image() {
    let Some(podman) = podman() else { return };
    let world = &podman.world;
    podman.import("localhost/task:1", "first");
    let fixture = TestFixture::new()
        .subtest("T0/00-codex", "agent: {kind: codex, version: 0.2.0}\n")
        // It passes where the image's program is not found, and then so does an agent that does nothing.
        .check("only-here || exit 0; test -f done")
        .extra(NAMED)
        .write(world);
    let refused = podman.run(&fixture, &[]).exits(2);
    assert!(refused.stderr.contains("`codex` says that it is version 0.1.0, and 0.2.0 is demanded"), "{refused}");
    assert!(refused.stderr.contains("hint: in the image, have `npm install"), "{refused}");
    assert_eq!(fs::read_dir(world.results()).unwrap().count(), 0);
    let tried = podman.scylla(&["fixture", "check", &fixture, "--run"]).exits(0);
    assert!(tried.stdout.contains("an agent that does nothing fails"), "{tried}");
}

#[test]
fn a_stop_while_podman_is_at_work_ends_it_and_leaves_nothing() {
    if !containments().contains(&"bubblewrap") {
        return;
    }
    let world = World::new();
    let fixture = TestFixture::new().agent("T0/00-one", "touch done").extra(NAMED).write(&world);
    let at_work = world.path("at-work");
    let script = format!(
        "#!/bin/sh\ncase $1 in image) exit 1;; esac\necho $$ > {0}.new; mv {0}.new {0}; sleep 600\n",
        at_work.display()
    );
    world.program("bin/podman", &script);
    let path = format!("{}:{}", world.path("bin").display(), std::env::var("PATH").unwrap());
    let work = world.path("work");
    let mut command =
        world.command(&["run", &fixture, "--results-dir", "results", "--work-dir", work.to_str().unwrap()]);
    let child = command.env("PATH", path).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    wait_until("podman is at work", || at_work.exists());
    kill("INT", child.id());
    let stopped = finish(child).exits(130);
    assert!(stopped.stderr.contains("podman pulls the image `localhost/task:1` …"), "{stopped}");
    let podman = fs::read_to_string(&at_work).unwrap().trim().parse().unwrap();
    assert!(!is_alive(podman), "podman lives on");
    assert_eq!(fs::read_dir(world.results()).unwrap().count(), 0);
    assert_eq!(files_below(&work), Vec::<PathBuf>::new());
}

#[test]
fn an_image_that_nobody_can_show_is_refused_and_nothing_stands_in_for_it() {
    let world = World::new();
    let agent = || TestFixture::new().agent("T0/00-one", "touch done");
    let fixture = agent().extra(NAMED).write(&world);
    let run = ["run", &fixture, "--results-dir", "results"];
    let refused = |more: &[&str], said: &[&str]| {
        let told = world.scylla(&[&run[..], more].concat()).exits(2);
        for said in said {
            assert!(told.stderr.contains(said), "{said}: {told}");
        }
        assert_eq!(fs::read_dir(world.results()).unwrap().count(), 0);
    };
    refused(&["--containment", "walk"], &["a sandbox needs bubblewrap"]);
    if containments().contains(&"bubblewrap") {
        let bin = world.path("bin");
        fs::create_dir(&bin).unwrap();
        for program in ["bwrap", "git", "sh", "env"] {
            let path = std::env::var_os("PATH").unwrap();
            let found = std::env::split_paths(&path).map(|folder| folder.join(program)).find(|path| path.is_file());
            symlink(found.unwrap(), bin.join(program)).unwrap();
        }
        let told = output(world.command(&run).env("PATH", &bin)).exits(2);
        for said in ["there is no program `podman` in `PATH`", "hint: install podman"] {
            assert!(told.stderr.contains(said), "{told}");
        }
    }
    for (yaml, said) in [
        ("sandbox: {use: podman}\n", "the fixture names none"),
        ("sandbox: {image: a, containerfile: prompt.md}\n", "an image is either named or built"),
        ("sandbox: {image: '--all'}\n", "`sandbox.image` is `--all`, which is no name of an image"),
        (
            "sandbox: {containerfile: ../x}\n",
            "`sandbox.containerfile` is `../x`, not a path below the fixture's folder",
        ),
        ("sandbox: {containerfile: none}\n", "`sandbox.containerfile` names `none`, and there is no such file"),
    ] {
        agent().extra(yaml).write(&world);
        refused(&[], &[said, "test.yaml:14"]);
    }
    agent().write(&world);
    refused(&["--sandbox", "podman"], &["the fixture names none", "hint: name it in `test.yaml`"]);
}
