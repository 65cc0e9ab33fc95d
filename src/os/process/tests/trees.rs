//! Nothing of a task is alive after its end, however it tries.

use super::*;

/// Ways to escape. Each leaves a `sleep NUMBER` that ignores TERM.
const ESCAPES: [&str; 5] = [
    // A grandchild that holds the pipes open.
    "(trap '' TERM; exec sleep NUMBER) &",
    // A process in its own session, as every agent starts its tools.
    "setsid sh -c \"trap '' TERM; exec sleep NUMBER\" &",
    // A daemon: its parent gone, in its own session, without a pipe.
    "setsid sh -c \"trap '' TERM; sleep NUMBER <&- >&- 2>&- &\"",
    // A daemon of a daemon, each in a new session.
    "setsid sh -c \"trap '' TERM; setsid setsid sh -c 'exec sleep NUMBER' & exit\"",
    // The parent is gone, the group is another one, the session is not: `timeout` makes a group for itself.
    "(timeout 900 sh -c \"trap '' TERM; exec sleep NUMBER\" &)",
];

/// A part of a script that waits until there is a `sleep NUMBER`.
const WAIT_FOR_IT: &str = "until grep -aqs '^sleep.NUMBER' /proc/[0-9]*/cmdline; do sleep 0.01; done; echo begun;";

#[test]
fn what_outlives_a_normal_exit_is_ended() {
    for escape in ESCAPES {
        check(
            &format!("{escape}\n{WAIT_FOR_IT} exit 4"),
            |_| {},
            |containment, place, ended| {
                assert_eq!(ended.end, End::Exited(4));
                assert_eq!(place.stdout(), "begun\n");
                // A namespace ends them with its program, so they are not counted.
                let most = 1 + u32::from(escape.contains("timeout"));
                let seen = if containment.name() == "bubblewrap" { 0..=0 } else { 1..=most };
                assert!(seen.contains(&ended.leftovers), "{}: {escape}: {}", containment.name(), ended.leftovers);
            },
        );
    }
}

#[test]
fn what_ignores_term_is_ended_after_a_timeout() {
    // The shell ends at TERM, the others do not.
    let script = format!("{}\n{WAIT_FOR_IT} sleep NUMBER", ESCAPES.join("\n"));
    check_timeout(&script, Duration::from_millis(200), |_, place, _| assert_eq!(place.stdout(), "begun\n"));
}

#[test]
fn the_whole_tree_ends_at_the_stop_word() {
    let all = ESCAPES.join("\n");
    for containment in containments() {
        for stop_level in [StopLevel::Terminate, StopLevel::Kill] {
            let place = Place::new();
            let mut task = place.shell(&format!("trap '' TERM; {all}\n{WAIT_FOR_IT} sleep NUMBER"));
            task.limits.grace = Duration::from_millis(200);
            let stop = StopHandle::new().unwrap();
            let ended = std::thread::scope(|scope| {
                let run = scope.spawn(|| run(&task, &containment, &stop).unwrap());
                place.wait_for_stdout("begun");
                stop.raise(stop_level);
                run.join().unwrap()
            });
            assert_eq!(ended.end, End::Stopped);
            assert!(ended.leftovers >= 5, "{}: {}", containment.name(), ended.leftovers);
            assert_eq!(place.alive(), Vec::<String>::new());
        }
    }
}

#[test]
fn a_program_that_was_seen_cannot_hide_by_clearing_its_environment() {
    let script = "setsid env -i PATH=$PATH sh -c \"trap '' TERM; echo begun; exec sleep NUMBER\" & sleep NUMBER";
    check_timeout(script, Duration::from_millis(200), |_, _, _| {});
    // Asked to end, it leaves a child of another group and parent, without the token. Only its session was seen before.
    let hide = "trap 'env -i timeout 900 sleep NUMBER & exit' TERM; echo begun; sleep 60 & wait";
    let script = format!("setsid sh -c \"{hide}\" & trap '' TERM; sleep NUMBER; sleep NUMBER");
    check_timeout(&script, Duration::from_millis(500), |_, _, _| {});
}

#[test]
fn a_program_that_becomes_another_over_and_over_is_ended() {
    for containment in containments() {
        for _ in 0..20 {
            let place = Place::new();
            std::fs::write(place.path("again.sh"), "trap '' TERM\nexec sh \"$0\" \"$1\"\n").unwrap();
            let script = format!("setsid sh {} NUMBER &\nexit 3", place.path("again.sh").display());
            assert_eq!(run_free(&place.shell(&script), &containment).unwrap().end, End::Exited(3));
            // While it executes the next program, it has no arguments for a moment.
            for _ in 0..100 {
                assert_eq!(place.alive(), Vec::<String>::new(), "{}", containment.name());
            }
        }
    }
}

#[test]
fn runs_at_the_same_time_do_not_end_each_other() {
    for containment in containments() {
        let long = Place::new();
        let stop = StopHandle::new().unwrap();
        std::thread::scope(|scope| {
            let task = long.shell("setsid sleep NUMBER & echo begun; sleep NUMBER");
            let (containment, stop) = (&containment, &stop);
            let run = scope.spawn(move || run(&task, containment, stop).unwrap());
            long.wait_for_stdout("begun");
            for _ in 0..5 {
                let short = Place::new();
                let script = format!("{}\nexit 2", ESCAPES[1]);
                assert_eq!(run_free(&short.shell(&script), containment).unwrap().end, End::Exited(2));
                assert_eq!(short.alive(), Vec::<String>::new());
            }
            assert_eq!(long.sleepers(), 2, "{:?}", long.alive());
            stop.raise(StopLevel::Kill);
            assert_eq!(run.join().unwrap().end, End::Stopped);
        });
        assert_eq!(long.alive(), Vec::<String>::new());
    }
}

#[test]
fn adopted_orphans_are_reaped() {
    for containment in containments() {
        let place = Place::new();
        let script = "for i in 1 2 3; do setsid sh -c 'echo $$; sh -c \"echo \\$\\$\" & exit' & done; wait";
        assert_eq!(run_free(&place.shell(script), &containment).unwrap().end, End::Exited(0));
        let ours = table::own().unwrap().pid;
        if containment.name() != "bubblewrap" {
            for pid in place.stdout().lines() {
                let left = table::one(pid.parse().unwrap()).filter(|process| process.parent == ours && process.ended);
                assert_eq!(left, None, "{}", containment.name());
            }
        }
    }
}

/// While its memory is given back, a process shows no environment any more and has not ended yet.
#[test]
fn a_process_that_is_just_ending_is_waited_for_and_reaped() {
    for containment in containments() {
        for _ in 0..10 {
            let place = Place::new();
            let script = "setsid dd if=/dev/zero of=/dev/null bs=512M count=1 2>/dev/null & echo $!
                until [ -e /proc/$!/exe ]; do :; done; while [ -e /proc/$!/exe ]; do :; done; exit 3";
            assert_eq!(run_free(&place.shell(script), &containment).unwrap().end, End::Exited(3));
            if containment.name() != "bubblewrap" {
                let left = table::one(place.stdout().trim().parse().unwrap());
                assert_eq!(left, None, "{}", containment.name());
            }
        }
    }
}

/// The first thread shows the environment of a process, and can end before the others.
#[test]
fn a_process_whose_first_thread_has_ended_is_ended() {
    for containment in containments() {
        let place = Place::new();
        let ends_itself = "import ctypes, threading, time
threading.Thread(target=time.sleep, args=(600,)).start()
print(\"begun\", flush=True)
ctypes.CDLL(None).pthread_exit(None)";
        let script = format!(
            "setsid python3 -c '{ends_itself}' NUMBER &
             until grep -q '^State:.Z' /proc/$!/status; do :; done; echo $!; exit 3"
        );
        assert_eq!(run_free(&place.shell(&script), &containment).unwrap().end, End::Exited(3));
        assert_eq!(place.alive(), Vec::<String>::new(), "{}", containment.name());
        if containment.name() != "bubblewrap" {
            let pid = place.stdout().lines().last().unwrap().parse().unwrap();
            assert_eq!(table::one(pid), None, "{}", containment.name());
        }
    }
}

/// In a container whose first process created no session, the session's number is 0 to those inside.
#[test]
fn a_session_from_outside_of_the_namespace_hinders_nothing() {
    if !containments().iter().any(|containment| containment.name() == "bubblewrap") {
        return println!("not tested: bubblewrap does not work here");
    }
    let inside = std::process::Command::new("bwrap")
        .args(["--dev-bind", "/", "/", "--unshare-pid", "--proc", "/proc", "--"])
        .arg(std::env::current_exe().unwrap())
        .args(["os::process::tests::trees::what_outlives_a_normal_exit_is_ended", "--exact", "--nocapture"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&inside.stdout);
    assert!(inside.status.success() && said.contains("1 passed"), "{said}{}", String::from_utf8_lossy(&inside.stderr));
}
