//! What a dead coordinator left is found again and ended, and nothing else is.

use std::os::unix::process::CommandExt;
use std::process::{Child, Command};

use super::*;
use crate::os::clock;

/// A mark without a process.
fn mark(token: &str) -> OrphanMark {
    OrphanMark {
        pid: 0,
        start_time: 0,
        boot_id: clock::boot_id(),
        containment: "walk".to_owned(),
        limiting: Vec::new(),
        cgroup: None,
        host: clock::host(),
        machine_id: "a machine".to_owned(),
        pid_namespace: table::pid_namespace(),
        inode: 0,
        token: token.to_owned(),
    }
}

fn orphan_alive(mark: &OrphanMark) -> bool {
    orphan_state(mark) == OrphanState::Alive
}

fn mark_of(child: &Child, token: &str) -> OrphanMark {
    let process = table::child(child).unwrap();
    OrphanMark { pid: process.pid, start_time: process.start, ..mark(token) }
}

fn sleep(place: &Place, token: &str) -> Child {
    let mut command = Command::new("setsid");
    command.args(["sleep", &place.number.to_string()]).env(TOKEN_VARIABLE, token).spawn().unwrap()
}

#[test]
fn a_program_that_becomes_another_over_and_over_shows_its_words_all_the_time() {
    let place = Place::new();
    std::fs::write(place.path("again.sh"), "exec sh \"$0\"\n").unwrap();
    let mut command = Command::new("sh");
    command.arg(place.path("again.sh")).env("LONG", "x".repeat(100_000)).env(TOKEN_VARIABLE, "again");
    let mut child = command.spawn().unwrap();
    let process = table::child(&child).unwrap().pid;
    let entry = format!("{TOKEN_VARIABLE}=again");
    let is_shown = |_| {
        command_line(process).is_some_and(|line| line.ends_with(b"again.sh\0"))
            && table::environment_holds(process, entry.as_bytes()) == Some(true)
    };
    let shown = (0..2_000).map(is_shown).filter(|shown| *shown).count();
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(shown, 2_000);
    assert_eq!(command_line(process), None, "it has ended");
}

#[test]
fn what_was_started_elsewhere_is_neither_dead_nor_ended_here() {
    let place = Place::new();
    let token = format!("stray-{}", place.number);
    let mut child = sleep(&place, &token);
    wait_until(|| orphan_alive(&mark(&token)));
    let here = mark_of(&child, &token);
    let started_anew = OrphanMark { boot_id: "another start".to_owned(), ..here.clone() };
    let namesake = started_anew.clone();
    let other_host =
        OrphanMark { host: "elsewhere".to_owned(), machine_id: clock::machine_id(), ..started_anew.clone() };
    let without_id = OrphanMark { machine_id: String::new(), ..started_anew.clone() };
    for unknown in [namesake, other_host, without_id] {
        assert_eq!(orphan_state(&unknown), OrphanState::Unknown, "{unknown:?}");
        assert_eq!(end_orphans(&unknown).unwrap(), 0);
        // In a namespace, the kernel ended them with their coordinator.
        let contained = OrphanMark { containment: "bubblewrap".to_owned(), ..unknown };
        assert_eq!(orphan_state(&contained), OrphanState::Dead);
    }
    let container = OrphanMark { pid_namespace: "pid:[1]".to_owned(), ..here.clone() };
    let sees_all = table::pid_namespace() == table::FIRST_PID_NAMESPACE;
    assert_eq!(orphan_state(&container), if sees_all { OrphanState::Alive } else { OrphanState::Unknown });
    // Marks of earlier versions name no machine.
    let former = OrphanMark { host: String::new(), machine_id: String::new(), ..started_anew.clone() };
    assert_eq!(orphan_state(&former), OrphanState::Dead);
    if !clock::machine_id().is_empty() {
        let this = OrphanMark { machine_id: clock::machine_id(), ..started_anew };
        assert_eq!(orphan_state(&this), OrphanState::Dead);
    }
    // The name of a machine may change while it runs.
    assert!(orphan_alive(&OrphanMark { host: "renamed".to_owned(), ..here }));
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn empty_groups_that_dead_processes_left_are_removed_and_those_of_living_ones_stay() {
    let Ok(Containment::Cgroup { parent }) = Containment::probe(ContainmentChoice::Cgroup) else { return };
    let mut dead = Command::new("true").spawn().unwrap();
    dead.wait().unwrap();
    let token = |pid: u32| format!("{pid}-{}", Place::new().number);
    let ours = token(std::process::id());
    let group = |token: &str| cgroup::Group::create(&parent, token).unwrap();
    let (left, living) = (group(&token(dead.id())), group(&ours));
    cgroup::clear(&parent);
    assert_eq!((left.path().exists(), living.path().exists()), (false, true));
    // The group that a mark names is removed, whoever made it.
    clear_group(&OrphanMark { cgroup: Some(living.path().to_owned()), ..mark(&ours) });
    assert!(!living.path().exists());
}

#[test]
fn an_orphan_is_found_by_number_and_start_time_alone() {
    let place = Place::new();
    let script = format!("setsid env -u {TOKEN_VARIABLE} sleep {} & exec sleep {0}", place.number);
    let mut child = Command::new("/bin/sh").args(["-c", &script]).process_group(0).spawn().unwrap();
    wait_until(|| place.sleepers() == 2);
    let mark = mark_of(&child, &format!("number-{}", place.number));
    assert!(!orphan_alive(&OrphanMark { start_time: mark.start_time + 1, ..mark.clone() }));
    assert!(!orphan_alive(&OrphanMark { boot_id: "another start".to_owned(), ..mark.clone() }));
    assert_eq!(end_orphans(&OrphanMark { boot_id: "another start".to_owned(), ..mark.clone() }).unwrap(), 0);
    assert_eq!(place.alive().len(), 2);
    assert!(orphan_alive(&mark));
    // A run does not count its first process; here every process is an orphan.
    assert_eq!(end_orphans(&mark).unwrap(), 2);
    assert!(!orphan_alive(&mark));
    assert_eq!(end_orphans(&mark).unwrap(), 0);
    assert_eq!(place.alive(), Vec::<String>::new());
    child.wait().unwrap();
}

#[test]
fn an_orphan_is_found_by_its_token_when_the_first_process_is_gone() {
    let place = Place::new();
    let token = format!("stray-{}", place.number);
    let mut child = sleep(&place, &token);
    wait_until(|| orphan_alive(&mark(&token)));
    // The beginning of a token is another token.
    assert!(!orphan_alive(&mark(&token[..token.len() - 1])));
    assert!(!orphan_alive(&mark("")));
    assert!(end_orphans(&mark(&token)).unwrap() >= 1);
    assert_eq!(place.alive(), Vec::<String>::new());
    child.wait().unwrap();
}

#[test]
fn an_orphan_is_found_in_its_control_group_and_another_group_is_left_alone() {
    let Ok(Containment::Cgroup { parent }) = Containment::probe(ContainmentChoice::Cgroup) else { return };
    let place = Place::new();
    let token = format!("stray-{}", place.number);
    let group = cgroup::Group::create(&parent, &token).unwrap();
    let mut child = sleep(&place, &format!("other-{}", place.number));
    let procs = group.path().join("cgroup.procs");
    fs::write(procs, child.id().to_string()).unwrap();
    let foreign = OrphanMark { cgroup: Some(group.path().to_owned()), ..mark(&format!("foreign-{}", place.number)) };
    assert!(!orphan_alive(&foreign));
    assert_eq!(end_orphans(&foreign).unwrap(), 0);
    assert!(!place.alive().is_empty());
    let mark = OrphanMark { cgroup: Some(group.path().to_owned()), ..mark(&token) };
    assert!(orphan_alive(&mark));
    assert_eq!(end_orphans(&mark).unwrap(), 1);
    assert!(!group.path().exists());
    assert!(!orphan_alive(&mark));
    child.wait().unwrap();
}

/// Not a test by itself: the next test starts it in a process of its own and kills that.
#[test]
fn act_as_a_coordinator() {
    let Some(folder) = std::env::var_os("SCYLLA_TEST_COORDINATOR") else { return };
    let folder = PathBuf::from(folder);
    let number = std::env::var("SCYLLA_TEST_NUMBER").unwrap();
    let name = std::env::var("SCYLLA_TEST_CONTAINMENT").unwrap();
    let containment = containments().into_iter().find(|containment| containment.name() == name).unwrap();
    let mut task = Place::new().shell("");
    let script = format!("trap '' TERM HUP; setsid sleep {number} & echo begun; sleep {number}; sleep {number}");
    task.argv[2] = script.into();
    (task.cwd, task.stdout, task.stderr) = (folder.clone(), folder.join("stdout.log"), folder.join("stderr.log"));
    (task.mark, task.token) = (folder.join("process.json"), format!("stray-{number}"));
    run_free(&task, &containment).unwrap();
}

#[test]
fn the_orphans_of_a_killed_coordinator_are_found_by_the_mark_and_ended() {
    for containment in containments() {
        let place = Place::new();
        let mut coordinator = Command::new(std::env::current_exe().unwrap())
            .args(["os::process::tests::orphans::act_as_a_coordinator", "--exact", "--nocapture"])
            .env("SCYLLA_TEST_COORDINATOR", place.folder.path())
            .env("SCYLLA_TEST_NUMBER", place.number.to_string())
            .env("SCYLLA_TEST_CONTAINMENT", containment.name())
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        place.wait_for_stdout("begun");
        wait_until(|| place.sleepers() == 2);
        let read = || serde_json::from_slice::<OrphanMark>(&fs::read(place.path("process.json")).unwrap()).unwrap();
        assert!(orphan_alive(&read()));
        coordinator.kill().unwrap();
        coordinator.wait().unwrap();
        let mark = read();
        assert_eq!(mark.containment, containment.name());
        assert!(mark.pid > 0 && mark.start_time > 0);
        if containment.name() == "bubblewrap" {
            // The kernel ends a namespace with its coordinator.
            wait_until(|| !orphan_alive(&mark));
        } else {
            assert!(orphan_alive(&mark));
            assert!(end_orphans(&mark).unwrap() >= 2);
        }
        assert_eq!(place.alive(), Vec::<String>::new());
        assert!(!orphan_alive(&mark));
        assert_eq!(end_orphans(&mark).unwrap(), 0);
        assert!(mark.cgroup.is_none_or(|group| !group.exists()));
    }
}
