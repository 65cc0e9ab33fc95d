//! What a program in a sandbox can touch.

use super::*;

/// A home with programs, keys and settings of a user.
fn home_of_a_user(place: &Place) -> PathBuf {
    let home = place.path("home");
    let file = |name: &str, text: &str| {
        let path = home.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    };
    file(".ssh/id_ed25519", "private");
    file(".cargo/bin/tool", "#!/bin/sh\necho tool\n");
    file(".cargo/credentials.toml", "token");
    file(".cargo/registry/index", "crates");
    file(".local/bin/agent", "#!/bin/sh\n");
    file(".local/share/agent/versions/1", "#!/bin/sh\ncat \"$(dirname \"$(realpath \"$0\")\")\"/../data\n");
    file(".local/share/agent/data", "data of the agent\n");
    file(".local/share/keyrings/login", "private");
    file("named/file", "named\n");
    fs::remove_file(home.join(".local/bin/agent")).unwrap();
    std::os::unix::fs::symlink("../share/agent/versions/1", home.join(".local/bin/agent")).unwrap();
    home
}

/// A task of the shell in a sandbox, whose tree is the folder `tree`.
fn in_sandbox(place: &Place, script: &str, has_network: bool) -> Task {
    let home = home_of_a_user(place);
    let tree = place.path("tree");
    fs::create_dir_all(&tree).unwrap();
    let path = [home.join(".cargo/bin"), home.join(".local/bin"), "/usr/bin".into(), "/bin".into()];
    let path = std::env::join_paths(path).unwrap();
    let mut task = place.shell(script);
    task.environment = BTreeMap::from([("PATH".into(), path), ("HOME".into(), home.clone().into())]);
    task.cwd.clone_from(&tree);
    task.views = vec![View::Writable(tree)];
    task.sandbox =
        Some(Sandbox { own: place.path("own"), has_network, readable: vec![home.join("named")], image: None });
    task
}

fn stderr(place: &Place) -> String {
    fs::read_to_string(place.path("stderr.log")).unwrap()
}

fn bubblewrap() -> Option<Containment> {
    containments().into_iter().find(|containment| matches!(containment, Containment::Bubblewrap { .. }))
}

#[test]
fn a_program_in_a_sandbox_writes_its_tree_and_sees_of_the_home_only_programs_and_what_is_named() {
    let Some(containment) = bubblewrap() else { return };
    let place = Place::new();
    let outside = place.path("outside");
    fs::write(&outside, "before").unwrap();
    let script = format!(
        "echo inside > in-tree; echo lost > {outside} 2>/dev/null; echo lost > /etc/lost-NUMBER 2>/dev/null; \
         echo mine > /tmp/mine && echo mine > /var/tmp/mine && cat /var/tmp/mine; echo mine > ~/mine && cat ~/mine; \
         ls -A ~; ls ~/.local ~/.local/share; tool; agent; cat ~/named/file; cat ~/.cargo/registry/index; \
         cat ~/.cargo/credentials.toml; touch ~/.cargo/new || echo not written; ls /run | wc -l",
        outside = outside.display()
    );
    let ended = run_free(&in_sandbox(&place, &script, true), &containment).unwrap();
    assert_eq!(ended.end, End::Exited(0), "{}", stderr(&place));
    let wanted = "mine\nmine\n.cargo\n.local\nmine\nnamed\n";
    let wanted = format!(
        "{wanted}{0}/.local:\nbin\nshare\n\n{0}/.local/share:\nagent\ntool\ndata of the agent\nnamed\ncratesnot written\n",
        place.path("home").display()
    );
    let stdout = place.stdout();
    assert_eq!(stdout.lines().take(wanted.lines().count()).collect::<Vec<_>>(), wanted.lines().collect::<Vec<_>>());
    assert_eq!(fs::read_to_string(place.path("tree/in-tree")).unwrap(), "inside\n");
    assert_eq!(fs::read_to_string(&outside).unwrap(), "before");
    assert!(!Path::new(&format!("/etc/lost-{}", place.number)).exists());
    assert!(!place.path("home/mine").exists() && !place.path("home/.cargo/new").exists());
}

#[test]
fn a_program_in_a_sandbox_reaches_the_network_where_it_may_and_nothing_where_it_may_not() {
    let Some(containment) = bubblewrap() else { return };
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    for has_network in [true, false] {
        let place = Place::new();
        // bash opens connections by itself.
        let mut task = in_sandbox(&place, "", has_network);
        let script = format!("exec 3<>/dev/tcp/127.0.0.1/{port} && echo connected");
        task.argv = ["bash", "-c", &script].map(OsString::from).to_vec();
        run_free(&task, &containment).unwrap();
        assert_eq!(place.stdout() == "connected\n", has_network, "{}", stderr(&place));
    }
}
