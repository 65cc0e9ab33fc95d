//! What agents and checks can reach beside their tree, end to end.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::process::Command;

use serde_json::json;

use crate::fixture::TestFixture;
use crate::scenes::{containments, experiment, json, output, saved};
use crate::world::World;

/// A fixture whose agent and check write what they see, and try to leave a file outside of their tree.
fn fixture(world: &World, more: &str) -> String {
    fs::create_dir_all(world.path("home/.ssh")).unwrap();
    fs::write(world.path("home/.ssh/key"), "private\n").unwrap();
    fs::write(world.path("precious"), "before\n").unwrap();
    let look = format!(
        "(cat ~/.ssh/key || echo no key; ls -A ~ /tmp; mkdir -p {above}; echo lost > {precious}) 2> /dev/null; \
         echo kept > ~/new && cat ~/new",
        above = world.path("").display(),
        precious = world.path("precious").display()
    );
    let fixture = TestFixture::new()
        .agent("T0/00-looks", &format!("({look}) > seen; echo done > done"))
        .check(&format!("test -f done || exit 1; {look}"));
    fixture.extra(more).write(world)
}

const SANDBOX: &str = "sandbox: {use: bubblewrap}\n";

#[test]
fn agents_and_checks_in_a_sandbox_write_nothing_but_their_tree_and_each_result_says_what_was_not_kept_from_them() {
    if !containments().contains(&"bubblewrap") {
        return println!("skipped: bubblewrap does not work here");
    }
    let world = World::new();
    let fixture = fixture(&world, SANDBOX);
    world.scylla(&["run", &fixture, "--runs", "1", "--results-dir", "results"]).exits(0);
    let run = world.experiment().join("T0/00/run_01");
    let patch = fs::read_to_string(run.join("changes.patch")).unwrap();
    let added: String = patch
        .lines()
        .filter_map(|line| line.strip_prefix('+'))
        .filter(|line| !line.starts_with('+'))
        .fold(String::new(), |all, line| all + line + "\n");
    assert!(added.contains("no key") && added.contains("kept"), "{added}");
    assert!(!added.contains("private") && !added.contains(".ssh"), "{added}");
    let check = fs::read_to_string(run.join("checks/done.log")).unwrap();
    assert!(check.contains("no key") && check.contains("kept"), "{check}");
    assert_eq!(fs::read_to_string(world.path("precious")).unwrap(), "before\n");
    assert!(!world.path("home/new").exists());
    for file in ["run_result.json", "agent/result.json"] {
        let result = json(&run.join(file));
        assert_eq!((&result["sandbox"], &result["network"]), (&json!("bubblewrap"), &json!("open")), "{file}");
        assert_eq!(result["not_isolated"], json!(["network", "resources"]), "{file}");
    }
    assert_eq!(saved(&world, "sandbox"), json!({"use": "bubblewrap", "network": "open"}));
    let verified = world.scylla(&["verify", &experiment(&world)]).exits(0);
    let sentence = "Not isolated: the network and resources of the machine.";
    assert!(verified.stdout.contains(sentence), "{}", verified.stdout);
}

#[test]
fn a_sandbox_that_is_asked_for_on_the_command_line_is_saved_and_a_resume_keeps_it() {
    if !containments().contains(&"bubblewrap") {
        return println!("skipped: bubblewrap does not work here");
    }
    let world = World::new();
    let fixture = fixture(&world, "");
    let run = ["run", &fixture, "--runs", "1", "--results-dir", "results"];
    world.scylla(&[&run[..], &["--sandbox", "auto", "--network", "none"]].concat()).exits(0);
    let result = json(&world.experiment().join("T0/00/run_01/run_result.json"));
    assert_eq!((&result["network"], &result["not_isolated"]), (&json!("none"), &json!(["resources"])));
    let saved_sandbox = saved(&world, "sandbox");
    let resumed = world.scylla(&["resume", &experiment(&world), "--network", "open"]).exits(0);
    assert!(
        resumed.stderr.contains(
            "`--sandbox bubblewrap --network open` is asked for, `--sandbox bubblewrap --network none` was saved"
        ),
        "{}",
        resumed.stderr
    );
    assert_eq!(saved(&world, "sandbox"), saved_sandbox);
}

#[test]
fn what_a_sandbox_was_to_show_and_is_gone_at_a_resume_is_told() {
    if !containments().contains(&"bubblewrap") {
        return println!("skipped: bubblewrap does not work here");
    }
    let world = World::new();
    world.write("home/tools/hammer", "a tool\n");
    let shown = TestFixture::new().agent("T0/00-looks", "ls ~/tools > seen; touch done");
    let fixture = shown.extra("sandbox: {use: bubblewrap, readable: [~/tools]}\n").write(&world);
    let run = world.scylla(&["run", &fixture, "--runs", "1", "--results-dir", "results"]).exits(0);
    assert!(!run.stderr.contains("is not shown"), "{}", run.stderr);
    let patch = fs::read_to_string(world.experiment().join("T0/00/run_01/changes.patch")).unwrap();
    assert!(patch.contains("+hammer"), "{patch}");
    fs::remove_dir_all(world.path("home/tools")).unwrap();
    let extended = world.scylla(&["extend", &experiment(&world), "--runs", "2"]).exits(0);
    let told = "home/tools`, which `sandbox.readable` names, is not here, and is not shown";
    assert!(extended.stderr.contains(told), "{}", extended.stderr);
}

#[test]
fn what_auto_came_to_when_an_experiment_began_holds_in_all_its_sessions() {
    if !containments().contains(&"bubblewrap") {
        return println!("skipped: bubblewrap does not work here");
    }
    let run = |world: &World, more: &[&str]| {
        let fixture = fixture(world, "sandbox: {use: auto}\n");
        world.scylla(&[&["run", &fixture, "--runs", "1", "--results-dir", "results"], more].concat()).exits(0)
    };
    let world = World::new();
    let ran = run(&world, &[]);
    assert!(ran.stderr.contains("contained by bubblewrap, sandbox bubblewrap, network open"), "{}", ran.stderr);
    assert_eq!(saved(&world, "sandbox"), json!({"use": "bubblewrap", "network": "open"}));
    let folder = experiment(&world);
    // The same again is the same experiment.
    run(&world, &[]);
    assert_eq!(experiment(&world), folder);
    let extended = world.scylla(&["extend", &folder, "--runs", "2", "--containment", "walk"]).exits(2);
    assert!(
        extended.stderr.contains("a sandbox needs bubblewrap, and runs are contained by `walk` here"),
        "{extended}"
    );
    let shown = world.scylla(&["show", &folder, "T0/00/1"]).exits(0);
    assert!(shown.stdout.contains("sandbox bubblewrap,"), "{}", shown.stdout);

    let world = World::new();
    let ran = run(&world, &["--containment", "walk"]);
    let why = "runs are contained by `walk` here, which makes no sandbox, so agents and checks are in none";
    assert!(ran.stderr.contains(why) && ran.stderr.contains("contained by walk, sandbox none"), "{}", ran.stderr);
    assert_eq!(saved(&world, "sandbox"), json!(null));
    let more = ["extend", &experiment(&world), "--runs", "2", "--containment", "bubblewrap"];
    let extended = world.scylla(&more).exits(0);
    assert!(extended.stderr.contains("contained by bubblewrap, sandbox none, network open"), "{}", extended.stderr);
}

#[test]
fn what_a_fixture_makes_readable_stands_in_results_and_a_home_or_a_solution_among_it_is_said() {
    if !containments().contains(&"bubblewrap") {
        return println!("skipped: bubblewrap does not work here");
    }
    let fixture_folder = |world: &World, fixture: &str| world.path(fixture).display().to_string();
    for (readable, exposed, solution) in [
        ("~/tools", json!(["network", "resources"]), false),
        ("~/", json!(["home", "network", "resources"]), false),
        ("/", json!(["home", "network", "resources"]), true),
        ("WORLD", json!(["home", "network", "resources"]), true),
    ] {
        let world = World::new();
        let readable = readable.replace("WORLD", &fixture_folder(&world, ""));
        fs::create_dir_all(world.path("home/tools")).unwrap();
        let fixture = fixture(&world, &format!("sandbox: {{use: bubblewrap, readable: [\"{readable}\"]}}\n"));
        let ran = world.scylla(&["run", &fixture, "--runs", "1", "--results-dir", "results"]).exits(0);
        let planned = world.scylla(&["run", &fixture, "--dry-run", "--fresh", "--results-dir", "results"]).exits(0);
        let said = format!("`sandbox.readable` lists `{readable}`, and the fixture's `expected/` is there");
        for stderr in [ran.stderr, planned.stderr] {
            assert_eq!(stderr.contains(&said), solution, "{stderr}");
        }
        for file in ["run_result.json", "agent/result.json"] {
            let result = json(&world.experiment().join("T0/00/run_01").join(file));
            assert_eq!((&result["not_isolated"], &result["readable"]), (&exposed, &json!([readable])), "{file}");
        }
        let verified = world.scylla(&["verify", &experiment(&world)]).exits(0);
        let home = if exposed.as_array().unwrap().contains(&json!("home")) { "the home folder, the" } else { "the" };
        let sentence = format!("Not isolated: {home} network and resources of the machine, readable: {readable}.");
        let words = verified.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains(&sentence), "{}", verified.stdout);
    }
}

#[test]
fn without_a_sandbox_a_result_says_that_nothing_was_kept_from_its_agent() {
    let world = World::new();
    let fixture = fixture(&world, "");
    world.scylla(&["run", &fixture, "--runs", "1", "--results-dir", "results"]).exits(0);
    let result = json(&world.experiment().join("T0/00/run_01/run_result.json"));
    assert_eq!(result["sandbox"], "none");
    assert_eq!(result["not_isolated"], json!(["files", "home", "temporary", "network", "resources"]));
    let verified = world.scylla(&["verify", &experiment(&world), "--format", "json"]).exits(0);
    let told: serde_json::Value = serde_json::from_str(&verified.stdout).unwrap();
    assert_eq!((&told["isolation"][0]["runs"], &told["isolation"][0]["sandbox"]), (&json!(1), &json!("none")));
}

#[test]
fn what_cannot_be_a_sandbox_is_refused_before_anything_is_made() {
    let world = World::new();
    let plain = fixture(&world, "");
    let run = ["run", &plain, "--results-dir", "results"];
    let refused = |more: &[&str], why: &str| {
        let output = world.scylla(&[&run[..], more].concat()).exits(2);
        assert!(output.stderr.contains(why) && output.stderr.contains("hint:"), "{}", output.stderr);
        assert_eq!(fs::read_dir(world.results()).unwrap().count(), 0);
    };
    refused(&["--network", "none"], "a network can be taken away only from programs in a sandbox");
    refused(&["--sandbox", "bubblewrap", "--containment", "walk"], "a sandbox needs bubblewrap");
    refused(&["--sandbox", "auto", "--network", "none", "--containment", "walk"], "a sandbox needs bubblewrap");
    fixture(&world, "sandbox: {network: none, readable: [tools, ~/../x], colour: blue}\n");
    let output = world.scylla(&run).exits(2);
    for why in [
        "test.yaml:14: `sandbox.readable` lists `tools`, which is no path from the root or the home folder",
        "unknown key `sandbox.colour`",
    ] {
        assert!(output.stderr.contains(why), "{}", output.stderr);
    }
    fixture(&world, "sandbox: {use: bubblewrap, readable: [/etc, ~/.ssh, ~/tools]}\n");
    let output = world.scylla(&run).exits(2);
    assert!(
        output.stderr.contains("test.yaml:14: `sandbox.readable` names `~/tools`, which is not there"),
        "{}",
        output.stderr
    );
    assert!(!output.stderr.contains("/etc") && !output.stderr.contains(".ssh"), "{}", output.stderr);
    fixture(&world, "sandbox: {network: none}\n");
    let output = world.scylla(&run).exits(2);
    assert!(output.stderr.contains("this `sandbox` cannot be: a network"), "{}", output.stderr);
}

/// Runs a fixture in a root that bubblewrap makes of the programs of this machine, in which `/home` is a link to `/var/home` and the home
/// `/srv/ada` one to `/data/ada`; gives what the agent printed, for each home. `None` where such a root cannot be made.
fn seen_in_a_root_with_linked_homes(world: &World, fixture: &str) -> Option<String> {
    let binary = env!("CARGO_BIN_EXE_cargo-scylla");
    let script = format!(
        "mkdir -p /var/home/ada /var/home/bob /data/ada /var/tmp; echo PRIVATE > /var/home/bob/notes
         cp -r {fixture} /w/fixture; cd /w
         for home in /home/ada /srv/ada; do
             mkdir $home/.ssh; echo PRIVATE > $home/.ssh/key
             HOME=$home /cargo-scylla scylla run fixture --fresh --runs 1 --attempts 1 --results-dir results > out 2>&1 || cat out
             cat results/*/T0/00/run_01/agent/stdout.log; rm -r results; test -d $home/.ssh || echo lost
         done"
    );
    let mut command = Command::new("bwrap");
    command.args(["--ro-bind", "/usr", "/usr", "--ro-bind", "/etc", "/etc", "--proc", "/proc", "--dev", "/dev"]);
    for folder in ["/tmp", "/var", "/w", "/data"] {
        command.args(["--tmpfs", folder]);
    }
    command.args(["--dir", "/root", "--dir", "/srv", "--symlink", "var/home", "/home"]);
    command.args(["--symlink", "/data/ada", "/srv/ada", "--ro-bind", binary, "/cargo-scylla"]);
    for folder in ["/bin", "/lib", "/lib64", "/sbin"] {
        match fs::read_link(folder) {
            Ok(target) => command.arg("--symlink").arg(target).arg(folder),
            Err(_) if fs::exists(folder).unwrap() => command.args(["--ro-bind", folder, folder]),
            Err(_) => &mut command,
        };
    }
    command.arg("--ro-bind").arg(world.path(fixture)).arg(world.path(fixture));
    command.args(["--clearenv", "--setenv", "PATH", "/usr/bin:/bin", "--"]);
    let succeeds = |command: &mut Command| command.output().is_ok_and(|tried| tried.status.success());
    let tried = "bwrap --unshare-pid --ro-bind / / --proc /proc -- true";
    let mut words: Vec<OsString> = command.get_args().map(OsStr::to_owned).collect();
    if !succeeds(Command::new("bwrap").args(&words).args(["sh", "-c", tried])) {
        return None;
    }
    words.extend(["sh".into(), "-c".into(), script.into()]);
    Some(output(Command::new("bwrap").args(&words)).exits(0).stdout)
}

#[test]
fn a_home_that_is_a_link_or_lies_behind_one_is_hidden_by_both_its_names() {
    let world = World::new();
    let look = "echo started; cat ~/.ssh/key /home/*/.ssh/key /var/home/*/.ssh/key /var/home/bob/notes /data/ada/.ssh/key; \
                echo mine > ~/mine && cat ~/mine; touch done";
    let fixture = TestFixture::new().agent("T0/00-looks", look).extra(SANDBOX).write(&world);
    let fixture = world.path(&fixture).display().to_string();
    match seen_in_a_root_with_linked_homes(&world, &fixture) {
        Some(seen) => assert_eq!(seen, "started\nmine\nstarted\nmine\n"),
        None => println!("skipped: no root can be made here in which bubblewrap works"),
    }
}
