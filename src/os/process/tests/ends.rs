//! How a task ends: by itself, at each limit, by the stop word, or not even started.

use super::*;

#[test]
fn exit_codes_and_signals_are_reported() {
    for (script, end) in [
        ("exit 0", End::Exited(0)),
        ("exit 1", End::Exited(1)),
        ("exit 77", End::Exited(77)),
        // 145 is what one agent reports for the HTTP status 401; it is not a signal.
        ("exit 145", End::Exited(145)),
        ("kill -9 $$", End::Signaled(9)),
        ("kill -SEGV $$", End::Signaled(11)),
    ] {
        check(
            script,
            |_| {},
            |containment, _, ended| {
                assert_eq!(ended.end, end, "{}: {script}", containment.name());
                assert_eq!((ended.leftovers, ended.output_truncated), (0, false));
            },
        );
    }
}

#[test]
fn a_program_that_cannot_start_is_named_under_every_containment() {
    let place = Place::new();
    fs::write(place.path("plain"), "").unwrap();
    fs::write(place.path("script"), "#!/no/such/interpreter\r\n").unwrap();
    let mut permissions = fs::metadata("/bin/sh").unwrap().permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0o755);
    fs::set_permissions(place.path("script"), permissions).unwrap();
    for containment in containments() {
        let fails = |task: &Task| run_free(task, &containment).unwrap_err();
        for name in ["no-such-program", "./no-such-program", ""] {
            let error = fails(&place.task(&[name]));
            assert!(matches!(&error, SpawnError::NotFound { program } if program.as_os_str() == name), "{error:?}");
        }
        let error = fails(&place.task(&["./plain"]));
        assert!(matches!(&error, SpawnError::NotExecutable { program } if program.ends_with("plain")), "{error:?}");
        let error = fails(&place.task(&["./script"])).to_string();
        assert!(error.contains(r#""/no/such/interpreter\r""#), "{error}");
        let error = fails(&Task { cwd: place.path("nowhere"), ..place.task(&["true"]) });
        assert!(matches!(&error, SpawnError::Folder { path } if path.ends_with("nowhere")), "{error:?}");
        let error = fails(&Task { stdout: place.path("nowhere/stdout.log"), ..place.task(&["true"]) });
        assert!(
            matches!(&error, SpawnError::Prepare { path, .. } if path.ends_with("nowhere/stdout.log")),
            "{error:?}"
        );
        assert!(!place.path("process.json").exists());
    }
}

#[test]
fn the_path_of_the_task_is_searched_and_not_ours() {
    let place = Place::new();
    fs::create_dir(place.path("bin")).unwrap();
    fs::copy("/bin/echo", place.path("bin/speak")).unwrap();
    for containment in containments() {
        let mut task = place.task(&["speak", "hello"]);
        task.environment.insert("PATH".into(), format!("/nowhere:{}", place.path("bin").display()).into());
        assert_eq!(run_free(&task, &containment).unwrap().end, End::Exited(0));
        assert_eq!(place.stdout(), "hello\n");
        task.argv[0] = "ls".into();
        assert!(matches!(run_free(&task, &containment), Err(SpawnError::NotFound { .. })));
    }
}

#[test]
fn the_wall_clock_ends_a_program_gracefully() {
    let script = "trap 'echo bye; exit 3' TERM; echo begun; while :; do sleep 0.01; done";
    check_timeout(script, PATIENCE, |_, place, _| assert_eq!(place.stdout(), "begun\nbye\n"));
}

#[test]
fn a_program_that_ignores_term_is_killed_after_the_grace() {
    let script = "trap '' TERM; sleep NUMBER & echo begun; sleep NUMBER; sleep NUMBER";
    check_timeout(script, Duration::from_millis(100), |containment, _, ended| {
        // The two `sleep`s; the shell itself is the program.
        assert_eq!(ended.leftovers, 2, "{}", containment.name());
    });
}

#[test]
fn a_stopped_program_is_ended_too() {
    check_timeout("echo begun; kill -STOP $$; exit 5", PATIENCE, |_, _, ended| assert_eq!(ended.leftovers, 0));
}

#[test]
fn a_silent_program_is_ended_and_a_talking_one_is_not() {
    // So long that a busy machine lets a program speak within it.
    const SILENCE: Duration = Duration::from_secs(4);
    let limit = |limits: &mut ProcessLimits| limits.no_progress = Some(SILENCE);
    check("echo begun; sleep NUMBER", limit, |_, place, ended| {
        assert_eq!(ended.end, End::NoProgress);
        assert_eq!(place.stdout(), "begun\n");
    });
    // It prints for longer than it may be silent.
    let talk = "i=0; while [ $i -lt 100 ]; do echo $i >&$((1 + i % 2)); sleep 0.05; i=$((i + 1)); done";
    check(talk, limit, |_, _, ended| {
        assert_eq!(ended.end, End::Exited(0));
        assert!(ended.duration > SILENCE);
    });
}

#[test]
fn a_flood_is_cut_at_the_limit_and_ended() {
    let limit = |limits: &mut ProcessLimits| limits.output_bytes = 100_000;
    check("yes NUMBER & yes NUMBER >&2", limit, |_, place, ended| {
        assert_eq!((ended.end, ended.output_truncated), (End::OutputLimit, true));
        let size = |name| fs::metadata(place.path(name)).unwrap().len();
        assert_eq!(size("stdout.log") + size("stderr.log"), 100_000);
    });
}

#[test]
fn too_much_output_of_a_program_that_ended_by_itself_is_the_same_end() {
    let limit = |limits: &mut ProcessLimits| limits.output_bytes = 4;
    check("printf 12345", limit, |_, place, ended| {
        assert_eq!((ended.end, ended.output_truncated), (End::OutputLimit, true));
        assert_eq!(place.stdout(), "1234");
    });
    check("printf 1234", limit, |_, place, ended| {
        assert_eq!((ended.end, ended.output_truncated), (End::Exited(0), false));
        assert_eq!(place.stdout(), "1234");
    });
}

#[test]
fn where_output_is_cut_the_program_goes_on_and_each_stream_has_a_limit_of_its_own() {
    let limit = |limits: &mut ProcessLimits| (limits.output_bytes, limits.overflow) = (100_000, Overflow::Cut);
    check("head -c 1000000 /dev/zero >&2; printf 12345; exit 3", limit, |_, place, ended| {
        assert_eq!((ended.end, ended.output_truncated), (End::Exited(3), true));
        assert_eq!(place.stdout(), "12345");
        assert_eq!(fs::metadata(place.path("stderr.log")).unwrap().len(), 100_000);
    });
}

#[test]
fn a_relative_place_of_the_search_path_is_no_place_to_find_a_program() {
    let place = Place::new();
    fs::copy("/bin/echo", place.path("speak")).unwrap();
    for containment in containments() {
        for path in [".", "", ":/nowhere", "/nowhere:."] {
            let mut task = place.task(&["speak", "hello"]);
            task.environment.insert("PATH".into(), path.into());
            assert!(matches!(run_free(&task, &containment), Err(SpawnError::NotFound { .. })), "{path}");
        }
    }
}

#[test]
fn all_that_was_said_before_the_exit_is_kept() {
    /// A filter that takes the first bytes only when the program has ended.
    struct Late(u32);
    impl OutputFilter for Late {
        fn push(&mut self, bytes: &[u8]) -> Vec<u8> {
            wait_until(|| alive(self.0).is_empty());
            bytes.to_vec()
        }
        fn finish(&mut self) -> Vec<u8> {
            Vec::new()
        }
    }
    if std::process::Command::new("python3").arg("--version").output().is_err() {
        return println!("skipped: python3 is not installed");
    }
    // 1031 (`F_SETPIPE_SZ`) makes the pipe hold a million bytes, which is more than one read takes.
    let script = "import fcntl, os; fcntl.fcntl(1, 1031, 1 << 20); os.write(1, b'x' * 900_000); os._exit(6) # NUMBER";
    for containment in containments() {
        let place = Place::new();
        let number = place.number;
        let mut task = place.shell(&format!("exec python3 -c \"{script}\""));
        task.filter = Box::new(move || Box::new(Late(number)));
        let ended = run_free(&task, &containment).unwrap();
        assert_eq!((ended.end, ended.output_truncated), (End::Exited(6), false));
        assert_eq!(place.stdout().len(), 900_000, "{}", containment.name());
    }
}

#[test]
fn large_input_and_large_output_do_not_wait_for_each_other() {
    for containment in containments() {
        let place = Place::new();
        let bytes: Vec<u8> = (0..3_000_000_u32).map(|each| (each % 251) as u8).collect();
        let mut task = place.task(&["cat"]);
        task.stdin = Some(bytes.clone());
        task.limits.output_bytes = 1 << 30;
        assert_eq!(run_free(&task, &containment).unwrap().end, End::Exited(0));
        assert!(fs::read(place.path("stdout.log")).unwrap() == bytes, "{}", containment.name());
        // A program that reads only a part of its input is not a failure either.
        let mut task = place.task(&["head", "-c", "3"]);
        task.stdin = Some(b"abc".repeat(100_000));
        assert_eq!(run_free(&task, &containment).unwrap().end, End::Exited(0));
        assert_eq!(place.stdout(), "abc");
    }
}

#[test]
fn the_stop_word_ends_every_running_task_and_draining_none() {
    for containment in containments() {
        let places = [Place::new(), Place::new(), Place::new()];
        let stop = StopHandle::new().unwrap();
        std::thread::scope(|scope| {
            let runs = places.each_ref().map(|place| {
                let task = place.shell("trap 'echo bye; exit' TERM; echo begun; while :; do sleep 0.01; done # NUMBER");
                let (containment, stop) = (&containment, &stop);
                scope.spawn(move || run(&task, containment, stop).unwrap())
            });
            for place in &places {
                place.wait_for_stdout("begun");
            }
            stop.raise(StopLevel::Drain);
            assert!(places.iter().all(|place| !place.alive().is_empty()));
            stop.raise(StopLevel::Terminate);
            for (run, place) in runs.into_iter().zip(&places) {
                assert_eq!(run.join().unwrap().end, End::Stopped);
                assert_eq!(place.stdout(), "begun\nbye\n");
                assert_eq!(place.alive(), Vec::<String>::new());
            }
        });
        // A task that starts after the stop was requested ends at once, and starts nothing.
        let late = Place::new();
        assert_eq!(run(&late.shell("echo begun"), &containment, &stop).unwrap().end, End::Stopped);
        assert!(!late.path("stdout.log").exists());
    }
}

#[test]
fn the_kill_word_shortens_the_grace() {
    for containment in containments() {
        for first in [Some(StopLevel::Terminate), None] {
            let place = Place::new();
            let mut task = place.shell("trap 'echo deaf' TERM; echo begun; while :; do sleep 0.01; done # NUMBER");
            task.limits.grace = Duration::MAX;
            let stop = StopHandle::new().unwrap();
            std::thread::scope(|scope| {
                let run = scope.spawn(|| run(&task, &containment, &stop).unwrap());
                place.wait_for_stdout("begun");
                if let Some(first) = first {
                    stop.raise(first);
                    place.wait_for_stdout("deaf");
                }
                stop.raise(StopLevel::Kill);
                assert_eq!(run.join().unwrap().end, End::Stopped, "{}", containment.name());
            });
            assert_eq!(place.alive(), Vec::<String>::new());
        }
    }
}
