//! Containment as a normal user: where the tests are root's, the program is another user's.

use std::fs;
use std::process::Command;

use crate::fixture::TestFixture;
use crate::scenes::{alive, output};
use crate::world::{Output, World};

const NOBODY: &str = "65534";

/// The program of somebody who is not root; `None`, said aloud, where nobody else can be made.
#[expect(clippy::print_stdout, reason = "who reads the tests' output learns what was not tried")]
fn as_normal_user(world: &World) -> Option<impl Fn(&[&str]) -> Output> {
    let id = output(Command::new("id").arg("-u")).exits(0);
    let is_root = id.stdout.trim() == "0";
    let binary = world.path("cargo-scylla");
    fs::copy(env!("CARGO_BIN_EXE_cargo-scylla"), &binary).unwrap();
    let start = ["--reuid", NOBODY, "--regid", NOBODY, "--clear-groups", "--"];
    if is_root {
        output(Command::new("chown").args(["-R", NOBODY]).arg(world.path(""))).exits(0);
        let tried = Command::new("setpriv").args(start).arg(&binary).arg("--version").output();
        if !tried.is_ok_and(|tried| tried.status.success()) {
            println!("skipped: root cannot become another user here");
            return None;
        }
    }
    let folder = world.path("");
    let home = world.path("home");
    Some(move |arguments: &[&str]| {
        let mut command = if is_root { Command::new("setpriv") } else { Command::new(&binary) };
        if is_root {
            command.args(start).arg(&binary);
        }
        command.arg("scylla").args(arguments).current_dir(&folder).env_clear().env("HOME", &home);
        output(command.env("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"))
    })
}

#[test]
fn a_normal_users_agents_are_held_as_roots_are() {
    for containment in ["bubblewrap", "walk"] {
        let world = World::new();
        let marker = format!("left-by-{}", world.path("").file_name().unwrap().to_str().unwrap());
        let agent = format!(
            "root=$(dirname $(dirname \"$SCYLLA_FIXTURE\")); cd \"$SCYLLA_WORKSPACE\"; touch done; \
             setsid sh -c 'trap \"\" TERM; while :; do sleep 0.05; done # {marker}' > /dev/null 2>&1 & \
             for hidden in $root/T0 $root/config/fixture/expected; do \
             umount -l $hidden; unshare -Urm umount -l $hidden; done 2> /dev/null; \
             {{ grep CapEff /proc/self/status; unshare -U true && echo nested; \
             find $root -name run_result.json; find $root/config/fixture/expected -type f; }} > seen 2> /dev/null; \
             touch $root/config/planted 2> /dev/null; true"
        );
        let fixture = TestFixture::new().agent("T0/00-curious", &agent).write(&world);
        let Some(scylla) = as_normal_user(&world) else { return };
        let arguments =
            ["run", "--tiers-dir", &fixture, "--results-dir", "results", "--work-dir", "work", "--runs", "2"];
        let more = ["--jobs", "1", "--keep-workspaces", "all", "--containment", containment];
        let ran = scylla(&[&arguments[..], &more].concat());
        if ran.code == Some(2) {
            println!("skipped: containment `{containment}` does not work for a normal user here");
            continue;
        }
        ran.exits(0);
        let dir = world.experiment();
        assert_eq!(alive(&marker), [0; 0], "{containment}");
        if containment == "bubblewrap" {
            let seen = fs::read_to_string(dir.join("T0/00/run_02/workspace/seen")).unwrap();
            assert_eq!(seen, "CapEff:\t0000000000000000\n");
            assert!(!dir.join("config/planted").exists());
        } else {
            fs::remove_file(dir.join("config/planted")).unwrap();
        }
        scylla(&["verify", dir.to_str().unwrap()]).exits(0);
        scylla(&["checkout", dir.to_str().unwrap(), "--run", "T0/00/2", "--to", "tree"]).exits(0);
        assert!(world.path("tree/done").exists());
    }
}

#[test]
fn a_folder_that_cannot_be_written_is_shown_what_a_repair_would_do_and_a_resume_says_why_not() {
    let world = World::new();
    let fixture = TestFixture::new().agent("T0/00-one", "touch done").write(&world);
    world.scylla(&["run", "--tiers-dir", &fixture, "--results-dir", "results", "--runs", "1"]).exits(0);
    let folder = world.experiment();
    fs::remove_file(folder.join("checkpoint.json")).unwrap();
    let Some(scylla) = as_normal_user(&world) else { return };
    output(Command::new("chmod").args(["-R", "a-w"]).arg(&folder)).exits(0);
    let dir = format!("results/{}", folder.file_name().unwrap().to_str().unwrap());
    let shown = scylla(&["repair", &dir, "--dry-run"]).exits(4);
    let refused = scylla(&["resume", &dir]).exits(2);
    output(Command::new("chmod").args(["-R", "u+w"]).arg(&folder)).exits(0);
    assert!(shown.stdout.contains("checkpoint"), "{shown}");
    assert!(refused.stderr.contains("hint: ") && refused.stderr.contains("--dry-run"), "{refused}");
}
