//! Whatever an agent leaves is a result: each of these trees is graded on what could be captured, with a flag that says
//! what was not, under every containment, for root and for a user; no other run is held up, and nothing is left to mend.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::process::Command;

use serde_json::{Value, json};

use crate::fixture::TestFixture;
use crate::scenes::{containments, is_missing, json, output};
use crate::world::World;

/// What an agent does after it has written `kept`, which flag tells of it where nothing keeps it from doing it, and whether
/// its tree is still one.
const ODD: [(&str, Option<&str>, bool, &str); 17] = [
    ("many-records", Some("record_left_out"), true, "cd \"$R\"; touch $(seq -f f%g 10001)"),
    (
        "deep-record",
        Some("record_left_out"),
        true,
        "cd \"$R\"; i=0; while [ $i -lt 200 ]; do mkdir d; cd d; i=$((i+1)); done; touch file",
    ),
    (
        "long-path",
        Some("tree_left_out"),
        true,
        "n=$(printf 'd%.0s' $(seq 200)); i=0; while [ $i -lt 30 ]; do mkdir $n; cd $n; i=$((i+1)); done; touch file",
    ),
    (
        "repositories",
        None,
        true,
        "mkdir -p $(seq -f n/%g/.git/objects 1001) $(seq -f n/%g/.git/refs 1001); \
         for i in $(seq 1001); do echo 'ref: refs/heads/main' > n/$i/.git/HEAD; echo x > n/$i/file; done",
    ),
    ("pipes", Some("tree_left_out"), true, "mkfifo $(seq -f p%g 1200)"),
    ("pipe-for-rules", Some("tree_left_out"), true, "mkfifo .gitignore .gitattributes"),
    ("giant", Some("tree_left_out"), true, "truncate -s 1T giant"),
    (
        "unreadable",
        None,
        true,
        "mkdir -p closed/inner; echo x > closed/inner/file; chmod 000 closed/inner/file closed .",
    ),
    ("closed-above", None, true, "chmod 000 \"$(dirname \"$SCYLLA_WORKSPACE\")\" \"$R\""),
    ("no-git", None, true, "rm -rf .git"),
    ("git-file", None, true, "rm -rf .git; echo 'gitdir: /etc' > .git"),
    ("git-link", None, true, "rm -rf .git; ln -s /etc .git"),
    (
        "names",
        None,
        true,
        "touch \"$(printf 'a\\377b')\" \"$(printf 'a\\nb')\" -- -n; mkdir -- --help; touch ./--help/x",
    ),
    ("node", None, true, "mknod zero c 1 5 2> /dev/null; true"),
    ("removed", Some("tree_gone"), false, "cd /; rm -rf \"$SCYLLA_WORKSPACE\"; true"),
    ("linked", Some("tree_gone"), false, "cd /; rm -rf \"$SCYLLA_WORKSPACE\"; ln -s /etc \"$SCYLLA_WORKSPACE\"; true"),
    ("a-file", Some("tree_gone"), false, "cd /; rm -rf \"$SCYLLA_WORKSPACE\"; echo x > \"$SCYLLA_WORKSPACE\"; true"),
];

/// A user who is not root, where we are root and can become one.
const USER: &str = "65534";

/// The tool, started as root or as a user.
fn tool(world: &World, user: Option<&str>, arguments: &[&str]) -> Command {
    let ours = world.command(arguments);
    let Some(user) = user else { return ours };
    let mut command = Command::new("setpriv");
    command.args(["--reuid", user, "--regid", user, "--clear-groups", "--"]);
    command.arg(world.path("cargo-scylla")).args(ours.get_args());
    world.seal(&mut command);
    command.current_dir(world.path(""));
    command
}

fn flags(world: &World, subtest: usize) -> Vec<Value> {
    let run = world.experiment().join(format!("T0/{subtest:02}/run_01"));
    let of = |file: &str| json(&run.join(file))["flags"].as_array().cloned().unwrap_or_default();
    [of("agent/result.json"), of("changes.json")].concat()
}

fn each_odd_tree_is_graded(containment: &str, user: Option<&str>) {
    let world = World::new();
    let mut fixture = TestFixture::new().check("test -f kept");
    for (number, (name, _, _, odd)) in ODD.iter().enumerate() {
        let agent = format!("R=$(dirname \"$SCYLLA_RECORD_FILE\"); echo kept > kept; {odd}");
        fixture = fixture.agent(&format!("T0/{number:02}-{name}"), &agent);
    }
    let fixture = fixture.write(&world);
    if let Some(user) = user {
        fs::copy(env!("CARGO_BIN_EXE_cargo-scylla"), world.path("cargo-scylla")).unwrap();
        let owned = Command::new("chown").arg("-R").arg(format!("{user}:{user}")).arg(world.path("")).status();
        assert!(owned.unwrap().success());
    }
    let run = ["run", "--tiers-dir", &fixture, "--results-dir", "results", "--work-dir", "work", "--runs", "1"];
    let run = [&run[..], &["--attempts", "1", "--containment", containment]].concat();
    let ended = output(&mut tool(&world, user, &run));
    if user.is_some() && ended.code == Some(2) {
        return skipped(&format!("containment `{containment}` does not work for a user here"));
    }
    let ended = ended.exits(0);
    let dir = world.experiment();
    let dir = dir.to_str().unwrap();
    output(&mut tool(&world, user, &["resume", dir])).exits(0);
    output(&mut tool(&world, user, &["verify", dir])).exits(0);
    for (number, (name, flag, is_tree, _)) in ODD.iter().enumerate() {
        let result = json(&world.experiment().join(format!("T0/{number:02}/run_01/run_result.json")));
        // In a namespace, the folder itself cannot be taken away: it is empty then.
        let held = containment == "bubblewrap" && !is_tree;
        assert_eq!(result["judge_passed"], *is_tree, "{containment} {name}: {ended}");
        let flags = flags(&world, number);
        match flag.filter(|_| !held) {
            Some(flag) => assert!(flags.contains(&json!(flag)), "{containment} {name}: {flags:?}"),
            // Whether a device can be made depends on who tries it, and where.
            None if *name == "node" => assert!(flags.iter().all(|flag| flag == "tree_left_out"), "{flags:?}"),
            None => assert_eq!(flags, [Value::Null; 0], "{containment} {name}"),
        }
    }
    let work = world.path("work").read_dir().unwrap().next().unwrap().unwrap().path();
    assert_eq!(fs::read_dir(work).unwrap().count(), 0, "{containment}: nothing is left of them");
}

#[expect(clippy::print_stdout, reason = "who reads the tests' output learns what was not tried")]
fn skipped(why: &str) {
    println!("skipped: {why}");
}

#[test]
fn whatever_tree_an_agent_leaves_it_is_graded_and_no_other_run_waits() {
    for containment in containments() {
        each_odd_tree_is_graded(containment, None);
    }
}

#[test]
fn whatever_tree_an_agent_leaves_a_user_who_is_not_root_has_it_graded() {
    let is_root = fs::metadata("/proc/self").unwrap().uid() == 0;
    if !is_root || is_missing("setpriv") {
        return skipped("only root can try as another user; the test beside this one tries as who is here");
    }
    for containment in ["bubblewrap", "walk"] {
        each_odd_tree_is_graded(containment, Some(USER));
    }
}

/// A digest of everything in a folder that a patch can hold: kinds, rights to execute, targets of links, bytes, names.
const DIGEST: &str = "find . -name .git -prune -o \\( -type f -o -type l \\) -print0 | sort -z | while IFS= read -r -d '' f; do \
    if [ -L \"$f\" ]; then printf 'l %s %s\\n' \"$f\" \"$(readlink \"$f\")\"; \
    elif [ -x \"$f\" ]; then printf 'x '; else printf 'f '; fi; [ -L \"$f\" ] || sha256sum < \"$f\"; printf '%s\\0' \"$f\"; done | sha256sum";

#[test]
fn a_checkout_is_the_tree_that_checks_and_judges_saw_byte_for_byte() {
    if is_missing("bash") {
        return;
    }
    let agent = "printf 'a\\r\\nb\\n' > crlf.bat; : > empty; printf '\\000\\377\\001' > binary; ln -s readme.txt link; ln -s /nowhere dangling; \
        mkdir -p deep/er 'with space'; echo x > deep/er/file; echo y > \"with space/$(printf 'new\\nline')\"; echo '#!/bin/sh' > run.sh; \
        chmod 755 run.sh; mv readme.txt renamed.txt; printf 'no newline' > tail; echo '*.log' > .gitignore; echo ignored > a.log; \
        printf '* text eol=crlf\\n*.id ident\\n' > .gitattributes; echo '$Id$' > x.id; git init -q inner; echo in > inner/file; \
        git -C inner add file; git -C inner -c user.name=a -c user.email=a@b commit -qm x; touch \"$(printf 'a\\377b')\" done";
    let world = World::new();
    world.program("digest", &format!("#!/bin/bash\n{DIGEST}\n"));
    let digest = world.path("digest").display().to_string();
    let judge = format!("{digest} >&2; {}", crate::fixture::FULL_SCORE);
    let fixture = TestFixture::new()
        .agent("T0/00-one", agent)
        .check(&format!("{digest} && test -f done && test ! -e a.log"))
        .judge(&judge)
        .write(&world);
    world.scylla(&["run", "--tiers-dir", &fixture, "--results-dir", "results", "--runs", "1"]).exits(0);
    let run = world.experiment().join("T0/00/run_01");
    assert_eq!(json(&run.join("run_result.json"))["judge_passed"], true);
    let seen = fs::read_to_string(run.join("checks/done.log")).unwrap();
    assert_eq!(fs::read_to_string(run.join("judge/judge_02/stderr.log")).unwrap(), seen);
    let dir = world.experiment();
    world.scylla(&["checkout", dir.to_str().unwrap(), "--run", "T0/00/1", "--to", "again"]).exits(0);
    let mut again = Command::new(&digest);
    again.current_dir(world.path("again"));
    assert_eq!(output(&mut again).stdout, seen);
    let changes = json(&run.join("changes.json"));
    assert_eq!(changes["ignored"], json!({"files": 1, "bytes": 8, "names": ["a.log"]}));
    let patch = fs::read(run.join("changes.patch")).unwrap();
    assert_eq!(changes["patch"], scylla::model::digest::Digest::of(&patch).to_string());
    // git's name for the tree, with the index of the checkout filled by git itself.
    let git = |arguments: &[&str]| {
        let plain = ["-c", "core.autocrlf=false", "-c", "core.attributesFile=/dev/null"];
        let mut git = Command::new("git");
        git.args(plain).args(arguments).current_dir(world.path("again"));
        output(&mut git).exits(0).stdout.trim().to_owned()
    };
    git(&["add", "--all"]);
    assert_eq!(changes["tree"], git(&["write-tree"]));
    assert_eq!(changes["baseline_commit"], git(&["rev-parse", "HEAD"]));
}
