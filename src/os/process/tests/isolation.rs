//! What a program is given, and what it may touch.

use super::*;

#[test]
fn the_environment_is_that_of_the_task() {
    for containment in containments() {
        let place = Place::new();
        let mut task = place.task(&["env"]);
        task.environment.insert("GREETING".into(), "two words\nand a line".into());
        assert_eq!(run_free(&task, &containment).unwrap().end, End::Exited(0));
        let path = std::env::var("PATH").unwrap();
        let folder = place.folder.path().display();
        let mut wanted = [
            "GREETING=two words".to_owned(),
            "and a line".to_owned(),
            format!("PATH={path}"),
            format!("PWD={folder}"),
            format!("SCYLLA_RUN_TOKEN={}", task.token),
        ];
        wanted.sort();
        let stdout = place.stdout();
        // Some shells add the name of the program that they start.
        let mut found: Vec<&str> = stdout.lines().filter(|line| !line.starts_with("_=")).collect();
        found.sort_unstable();
        assert_eq!(found, wanted, "{}", containment.name());
    }
}

#[test]
fn arguments_arrive_whole_and_stdin_is_empty() {
    for containment in containments() {
        let place = Place::new();
        let mut task = place.task(&["/bin/sh", "-c", "cat; printf '[%s]' \"$@\"", "sh", "--bind", "a b", "", "$x"]);
        assert_eq!(run_free(&task, &containment).unwrap().end, End::Exited(0));
        assert_eq!(place.stdout(), "[--bind][a b][][$x]");
        task.stdin = Some(b"hello ".to_vec());
        assert_eq!(run_free(&task, &containment).unwrap().end, End::Exited(0));
        assert_eq!(place.stdout(), "hello [--bind][a b][][$x]");
    }
}

#[test]
fn a_program_inherits_no_descriptor_of_ours_and_leads_a_session_of_its_own() {
    // Whatever started the tests may have left descriptors open, which any program inherits.
    let script = "ls /proc/$$/fd; exit";
    let alone = start::main_programs();
    let plain = std::process::Command::new("/bin/sh").args(["-c", script]).output().unwrap();
    drop(alone);
    for containment in containments() {
        let place = Place::new();
        run_free(&place.shell(script), &containment).unwrap();
        assert_eq!(place.stdout().as_bytes(), plain.stdout, "{}", containment.name());
        // A signal to our group, as a terminal sends it, does not reach the program's group.
        let started = Place::new();
        let task = started.shell("echo begun; sleep NUMBER");
        let stop = StopHandle::new().unwrap();
        std::thread::scope(|scope| {
            let run = scope.spawn(|| run(&task, &containment, &stop).unwrap());
            started.wait_for_stdout("begun");
            let ours = table::own().unwrap();
            for process in started.alive() {
                let pid = process.split(' ').next().unwrap().parse().unwrap();
                let is_apart = |it: table::Process| it.group != ours.group && it.session != ours.session;
                assert!(table::one(pid).is_none_or(is_apart), "{process}");
            }
            stop.raise(StopLevel::Kill);
            run.join().unwrap();
        });
    }
}

#[test]
fn output_passes_through_the_filter_and_its_rest_is_kept() {
    /// A filter that holds everything back until the end, then gives the number of bytes.
    struct Counting(usize);
    impl OutputFilter for Counting {
        fn push(&mut self, bytes: &[u8]) -> Vec<u8> {
            self.0 += bytes.len();
            Vec::new()
        }
        fn finish(&mut self) -> Vec<u8> {
            self.0.to_string().into_bytes()
        }
    }
    for containment in containments() {
        let place = Place::new();
        let mut task = place.shell("printf 12345; printf 123 >&2");
        task.filter = Box::new(|| Box::new(Counting(0)));
        run_free(&task, &containment).unwrap();
        assert_eq!(place.stdout(), "5");
        assert_eq!(fs::read(place.path("stderr.log")).unwrap(), b"3");
    }
}

#[test]
fn files_of_a_former_attempt_are_replaced_and_their_links_not_followed() {
    for containment in containments() {
        let place = Place::new();
        fs::write(place.path("precious"), "precious").unwrap();
        for name in ["stdout.log", "stderr.log", "process.json"] {
            std::os::unix::fs::symlink(place.path("precious"), place.path(name)).unwrap();
        }
        run_free(&place.shell("echo hello"), &containment).unwrap();
        assert_eq!(place.stdout(), "hello\n");
        assert_eq!(fs::read(place.path("precious")).unwrap(), b"precious");
    }
}

#[test]
fn a_namespace_holds_what_is_protected_writable_and_hidden() {
    let Ok(containment) = Containment::probe(ContainmentChoice::Bubblewrap) else { return };
    let place = Place::new();
    for folder in ["kept/run", "secret"] {
        fs::create_dir_all(place.path(folder)).unwrap();
    }
    for file in ["kept/checkpoint", "secret/key", "password", "run.log"] {
        fs::write(place.path(file), "words").unwrap();
    }
    std::os::unix::fs::symlink(place.path("kept/run"), place.path("link")).unwrap();
    let script =
        "echo x >kept/checkpoint; echo y >kept/run/mine; cat secret/key password; echo z >run.log; ls /proc/1/cwd";
    let mut task = place.shell(script);
    task.views = vec![
        View::ReadOnly(place.path("kept")),
        View::Writable(place.path("link")),
        View::Hidden(place.path("secret")),
        View::Hidden(place.path("password")),
        View::Hidden(place.path("not/there")),
    ];
    run_free(&task, &containment).unwrap();
    let read = |name| fs::read_to_string(place.path(name)).unwrap();
    assert_eq!(place.stdout().lines().filter(|line| line.contains("words")).count(), 0);
    assert_eq!(
        (read("kept/checkpoint"), read("kept/run/mine"), read("run.log")),
        ("words".into(), "y\n".into(), "z\n".into())
    );
    assert_eq!((read("secret/key"), read("password")), ("words".into(), "words".into()));
    // If a view cannot be mounted, that is an error, never a run without protection.
    task.views.push(View::Writable(place.path("not/there")));
    let error = run_free(&task, &containment).unwrap_err().to_string();
    assert!(error.contains("not/there"), "{error}");
}

#[test]
fn what_lies_on_top_of_a_hidden_folder_is_all_that_is_seen_of_it() {
    let Ok(containment) = Containment::probe(ContainmentChoice::Bubblewrap) else { return };
    let place = Place::new();
    for file in ["all/other/judge", "all/mine/file", "all/told/prompt", "all/told/solution"] {
        let path = place.path(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "words").unwrap();
    }
    let mut task = place.shell("grep -r . all | sort; echo x >all/mine/new; echo y >all/told/prompt; true");
    task.views = vec![
        View::Hidden(place.path("all")),
        View::ReadOnly(place.path("all/told")),
        View::Hidden(place.path("all/told/solution")),
        View::Writable(place.path("all/mine")),
    ];
    run_free(&task, &containment).unwrap();
    assert_eq!(place.stdout(), "all/mine/file:words\nall/told/prompt:words\n");
    assert!(place.path("all/mine/new").exists());
    assert_eq!(fs::read_to_string(place.path("all/told/prompt")).unwrap(), "words");
}

#[test]
fn a_namespace_that_cannot_be_made_is_an_error_and_no_exit_code() {
    let Ok(containment) = Containment::probe(ContainmentChoice::Bubblewrap) else { return };
    let place = Place::new();
    // The program exists, but is hidden from itself.
    fs::create_dir(place.path("bin")).unwrap();
    fs::copy("/bin/true", place.path("bin/program")).unwrap();
    let mut task = place.task(&["bin/program"]);
    task.views = vec![View::Hidden(place.path("bin"))];
    let error = run_free(&task, &containment).unwrap_err();
    assert!(matches!(&error, SpawnError::Contain { containment: "bubblewrap", .. }), "{error:?}");
    assert!(error.to_string().contains("No such file"), "{error}");
    assert!(!task.mark.exists());
}

#[test]
fn a_group_that_cannot_be_joined_is_an_error_and_no_exit_code() {
    let place = Place::new();
    let fails = |parent: PathBuf| {
        let error = run_free(&place.task(&["true"]), &Containment::Cgroup { parent }).unwrap_err();
        assert!(matches!(&error, SpawnError::Contain { containment: "cgroup", .. }), "{error:?}");
        assert!(!place.path("process.json").exists());
        error.to_string()
    };
    assert!(fails(place.path("nowhere")).contains("No such file"));
}

#[test]
fn the_automatic_choice_is_the_strongest_that_works() {
    let strongest = containments().remove(0);
    assert_eq!(Containment::probe(ContainmentChoice::Auto).unwrap(), strongest);
}

#[test]
fn in_a_namespace_root_has_no_capabilities_and_cannot_take_away_what_hides_a_folder() {
    let Some(containment) = containments().into_iter().find(|containment| containment.name() == "bubblewrap") else {
        return println!("not tested: bubblewrap does not work here");
    };
    let place = Place::new();
    fs::create_dir(place.path("hidden")).unwrap();
    fs::write(place.path("hidden/secret"), "secret").unwrap();
    let hidden = place.path("hidden");
    let script = format!(
        "umount -l {0} 2> /dev/null; unshare -Urm umount -l {0} 2> /dev/null; ls {0}; grep CapEff /proc/self/status",
        hidden.display()
    );
    let mut task = place.shell(&script);
    task.views = vec![View::Hidden(hidden)];
    run_free(&task, &containment).unwrap();
    assert_eq!(place.stdout(), "CapEff:\t0000000000000000\n");
}

#[test]
fn in_a_namespace_nothing_of_the_kernel_can_be_written_or_shared() {
    let Ok(containment) = Containment::probe(ContainmentChoice::Bubblewrap) else { return };
    let ours = fs::read_link("/proc/self/ns/ipc").unwrap();
    for is_in_sandbox in [false, true] {
        let place = Place::new();
        // Whether they could be written is asked, and nothing is: they change the whole machine.
        let mut task = place.shell(
            "for file in /proc/sys/kernel/core_pattern /proc/sys/vm/drop_caches /proc/sysrq-trigger /proc/mtrr \
             /proc/irq/default_smp_affinity /proc/pressure/cpu /proc/fs/* /proc/scsi/* /proc/bus/*/*; do \
             test -w $file && test -f $file && echo $file; done; test -r /proc/sys/kernel/core_pattern && echo read; \
             readlink /proc/self/ns/ipc",
        );
        task.sandbox = is_in_sandbox.then(|| Sandbox {
            own: place.path("own"),
            has_network: true,
            readable: vec![place.folder.path().to_owned()],
            image: None,
        });
        assert_eq!(run_free(&task, &containment).unwrap().end, End::Exited(0));
        let stdout = place.stdout();
        let (written, ipc) = stdout.trim_end().rsplit_once('\n').unwrap();
        assert_eq!(written, "read");
        assert_ne!(Path::new(ipc), ours);
    }
}
