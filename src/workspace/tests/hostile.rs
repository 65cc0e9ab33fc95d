//! Agents that plant programs and traps.

use std::os::unix::fs::symlink;
use std::process::Stdio;

use super::*;

/// A program that an agent leaves behind; if anyone runs it, the file `executed` appears.
fn plant_program(world: &World) -> String {
    let program = world.path("planted.sh");
    write(&program, format!("#!/bin/sh\ntouch {}\ncat\n", world.path("executed").display()).as_bytes());
    set_mode(&program, 0o755);
    program.display().to_string()
}

fn plant(world: &World, git_dir: &Path) {
    let program = plant_program(world);
    let config = format!(
        "[core]\n\tfsmonitor = {program}\n\tpager = {program}\n\tsshCommand = {program}\n\thooksPath = {hooks}\n\
         [diff]\n\texternal = {program}\n[diff \"evil\"]\n\tcommand = {program}\n\ttextconv = {program}\n\
         [filter \"evil\"]\n\tclean = {program}\n\tsmudge = {program}\n\tprocess = {program}\n\trequired = true\n\
         [alias]\n\tls-files = !{program}\n\tadd = !{program}\n",
        hooks = git_dir.join("hooks").display(),
    );
    let before = fs::read_to_string(git_dir.join("config")).unwrap();
    write(&git_dir.join("config"), (before + &config).as_bytes());
    write(&git_dir.join("info/attributes"), b"* filter=evil diff=evil\n");
    for hook in ["pre-commit", "post-index-change", "post-checkout", "reference-transaction", "fsmonitor-watchman"] {
        fs::create_dir_all(git_dir.join("hooks")).unwrap();
        fs::copy(&program, git_dir.join("hooks").join(hook)).unwrap();
    }
}

#[test]
fn no_planted_program_is_executed() {
    let world = World::made();
    let fresh = world.prepare(PLAIN);
    let workspace = world.workspace();
    for folder in ["nested", "src/deep"] {
        fs::create_dir_all(workspace.join(folder)).unwrap();
        git(&workspace.join(folder), &["init", "--quiet"]);
        write(&workspace.join(folder).join("file"), b"x");
        git(&workspace.join(folder), &["add", "file"]);
        git(&workspace.join(folder), &["commit", "--quiet", "-m", "x"]);
        plant(&world, &workspace.join(folder).join(".git"));
        write(&workspace.join(folder).join("file"), b"y");
    }
    plant(&world, &workspace.join(".git"));
    write(&workspace.join(".gitattributes"), b"* filter=evil diff=evil\n");
    write(&workspace.join("src/main.rs"), b"changed\n");
    world.there_and_back(&fresh);
    assert!(!world.path("executed").exists());
}

#[test]
fn each_planted_program_is_a_live_one() {
    for args in [
        ["-c", "x.y=z", "status"].as_slice(),
        &["-c", "core.fsmonitor=", "diff"],
        &["-c", "core.fsmonitor=", "-c", "core.hooksPath=", "add", "-A"],
        &["-c", "core.fsmonitor=", "update-ref", "refs/heads/x", "HEAD"],
    ] {
        let world = World::made();
        world.prepare(PLAIN);
        plant(&world, &world.workspace().join(".git"));
        write(&world.workspace().join("src/main.rs"), b"changed\n");
        let mut careless = Command::new("git");
        careless.args(args).current_dir(world.workspace()).stdout(Stdio::null()).stderr(Stdio::null());
        careless.stdin(Stdio::null()).status().unwrap();
        assert!(world.path("executed").exists(), "{args:?}");
    }
}

#[test]
fn the_agents_own_git_folder_does_not_matter() {
    let ends: [(&str, Edit); 8] = [
        ("deleted", |_| ()),
        ("empty folder", |at| fs::create_dir(at).unwrap()),
        ("file that points elsewhere", |at| write(at, b"gitdir: /etc\n")),
        ("file with noise", |at| write(at, &[0; 100])),
        ("link to a repository", |at| symlink("../../repo.git", at).unwrap()),
        ("pipe", make_pipe),
        ("unreadable", |at| {
            fs::create_dir(at).unwrap();
            set_mode(at, 0o000);
        }),
        ("other repository", |at| {
            git(at.parent().unwrap(), &["init", "--quiet", "--separate-git-dir", "../stolen"]);
            write(&at.parent().unwrap().join("../stolen/objects/info/alternates"), b"/nowhere\n");
            write(&at.parent().unwrap().join("../stolen/info/exclude"), b"*\n");
        }),
    ];
    for (name, end) in ends {
        let world = World::made();
        let fresh = world.prepare(PLAIN);
        fs::remove_dir_all(world.workspace().join(".git")).unwrap();
        end(&world.workspace().join(".git"));
        write(&world.workspace().join("README.md"), b"changed\n");
        let captured = world.there_and_back(&fresh);
        assert!(captured.patch.starts_with(b"diff --git a/README.md b/README.md\n"), "{name}");
        assert_eq!(captured.left_out, Vec::<PathBuf>::new(), "{name}");
        let executed = fs::symlink_metadata(world.workspace().join(".git"));
        if name == "unreadable" {
            set_mode(&world.workspace().join(".git"), 0o700);
        }
        assert_eq!(executed.is_ok(), name != "deleted", "{name}");
    }
}

#[test]
fn a_file_put_back_to_its_old_size_and_time_is_still_seen() {
    let world = World::made();
    let fresh = world.prepare(PLAIN);
    let path = world.workspace().join("README.md");
    let before = fs::metadata(&path).unwrap().modified().unwrap();
    write(&path, b"two\none\n");
    fs::File::options().write(true).open(&path).unwrap().set_modified(before).unwrap();
    git(&world.workspace(), &["update-index", "--assume-unchanged", "README.md"]);
    assert!(!world.there_and_back(&fresh).patch.is_empty());
}

#[test]
fn what_no_patch_can_hold_is_left_out_by_name() {
    let world = World::made();
    let fresh = world.prepare(PLAIN);
    let workspace = world.workspace();
    for name in ["README.md", ".gitignore", "src/.gitattributes"] {
        let _ = fs::remove_file(workspace.join(name));
        make_pipe(&workspace.join(name));
    }
    symlink("/etc/passwd", workspace.join(".gitmodules")).unwrap();
    write(&workspace.join("src/.GIT/config"), b"x");
    write(&workspace.join("new"), b"x");
    write(&workspace.join("nested/.Git/config"), b"x");
    git(&workspace.join("nested"), &["init", "--quiet"]);
    let captured = world.capture(&fresh);
    let left_out: Vec<_> = captured.left_out.iter().map(|path| path.to_str().unwrap()).collect();
    assert_eq!(left_out, [".gitignore", ".gitmodules", "README.md", "nested/.Git", "src/.GIT", "src/.gitattributes"]);
    // What they replaced is missing in the tree, as it is for every reader of the workspace.
    fs::remove_file(workspace.join(".gitmodules")).unwrap();
    assert!(!world.there_and_back(&fresh).patch.is_empty());
}

#[test]
fn nothing_looks_deleted_because_it_may_not_be_read() {
    let world = World::made();
    let fresh = world.prepare(PLAIN);
    let workspace = world.workspace();
    write(&workspace.join("README.md"), b"changed\n");
    for name in ["README.md", "src/deep", "src"] {
        set_mode(&workspace.join(name), 0o000);
    }
    let patch = String::from_utf8(world.there_and_back(&fresh).patch).unwrap();
    assert!(patch.contains("+changed\n") && !patch.contains("deleted"), "{patch}");
    // Root may read everything, so the mode itself is compared.
    assert_eq!(fs::metadata(workspace.join("src")).unwrap().permissions().mode() & 0o777, 0o500);
    set_mode(&workspace.join("src"), 0o700);
    set_mode(&workspace.join("src/deep"), 0o700);
}

#[test]
fn a_workspace_that_is_gone_or_no_folder_is_an_empty_one() {
    let world = World::made();
    let fresh = world.prepare(PLAIN);
    fs::remove_dir_all(world.workspace()).unwrap();
    let gone = world.capture(&fresh);
    assert!(gone.gone && gone.patch.starts_with(b"diff --git a/.gitattributes b/.gitattributes\ndeleted file"));
    symlink("/etc", world.workspace()).unwrap();
    assert_eq!(world.capture(&fresh), gone);
    fs::remove_file(world.workspace()).unwrap();
    write(&world.workspace(), b"a file");
    assert_eq!(world.capture(&fresh), gone);
}

/// A chain of folders whose path exceeds the longest possible path.
fn dig(workspace: &Path) {
    let name = "d".repeat(200);
    let mut at =
        rustix::fs::openat(rustix::fs::CWD, workspace, rustix::fs::OFlags::DIRECTORY, rustix::fs::Mode::empty())
            .unwrap();
    for _ in 0..30 {
        rustix::fs::mkdirat(&at, &name, rustix::fs::Mode::RWXU).unwrap();
        at = rustix::fs::openat(&at, &name, rustix::fs::OFlags::DIRECTORY, rustix::fs::Mode::empty()).unwrap();
    }
    let flags = rustix::fs::OFlags::CREATE | rustix::fs::OFlags::WRONLY;
    drop(rustix::fs::openat(&at, "file", flags, rustix::fs::Mode::RWXU).unwrap());
}

#[test]
fn whatever_is_odd_about_a_tree_the_rest_of_it_is_captured() {
    let odd: [(&str, &str, Edit); 4] = [
        ("a giant", "giant", |at| fs::File::create(at.join("giant")).unwrap().set_len(1 << 40).unwrap()),
        ("too deep", "ddd", dig),
        ("too many pipes", "pipe-0", |at| (0..1100).for_each(|number| make_pipe(&at.join(format!("pipe-{number}"))))),
        ("too many repositories", "", |at| {
            for number in 0..1100 {
                for below in ["objects", "refs"] {
                    fs::create_dir_all(at.join(format!("inner-{number}/.git/{below}"))).unwrap();
                }
                write(&at.join(format!("inner-{number}/.git/HEAD")), b"ref: refs/heads/main\n");
                write(&at.join(format!("inner-{number}/file")), b"inner\n");
            }
        }),
    ];
    for (name, left_out, edit) in odd {
        let world = World::made();
        let fresh = world.prepare(PLAIN);
        edit(&world.workspace());
        write(&world.workspace().join("README.md"), b"changed\n");
        fs::remove_file(world.workspace().join("src/main.rs")).unwrap();
        let captured = world.capture(&fresh);
        let patch = String::from_utf8_lossy(&captured.patch);
        assert!(patch.contains("+changed\n") && patch.contains("deleted file mode 100644"), "{name}: {captured:?}");
        assert!(
            !patch.contains("b/binary") && !patch.contains("a/empty"),
            "{name}: what nobody touched is not changed"
        );
        let first = captured.left_out.first().map_or("", |place| place.to_str().unwrap());
        assert!(first.starts_with(left_out) && first.is_empty() == left_out.is_empty(), "{name}: {first}");
        assert_eq!(patch.matches("+inner\n").count(), if left_out.is_empty() { 1100 } else { 0 }, "{name}");
        fs::write(world.path("changes.patch"), &captured.patch).unwrap();
        checkout(&world.repo_git(), T0, PLAIN, &world.path("changes.patch"), &world.path("again")).unwrap();
    }
}

/// What an agent that can write in `repo.git` could leave there to control git, or to lead it elsewhere.
fn plant_in_repository(world: &World) {
    let repo_git = world.repo_git();
    plant(world, &repo_git);
    let program = world.path("planted.sh").display().to_string();
    let include = world.path("included");
    write(&include, format!("[core]\n\tfsmonitor = {program}\n\talternateRefsCommand = {program}\n").as_bytes());
    let more = format!("[include]\n\tpath = {}\n[core]\n\tworktree = /\n\tbare = false\n", include.display());
    let config = fs::read_to_string(repo_git.join("config")).unwrap();
    write(&repo_git.join("config"), (config + &more).as_bytes());
    write(&repo_git.join("config.worktree"), more.as_bytes());
    write(&repo_git.join("commondir"), b"/nowhere\n");
    write(&repo_git.join("shallow"), b"nonsense\n");
    let _ = fs::remove_file(repo_git.join("objects/info/alternates"));
    make_pipe(&repo_git.join("objects/info/alternates"));
    for place in ["objects/pack/pack-1.pack", "objects/info/commit-graph", "objects/pack/multi-pack-index"] {
        make_pipe(&repo_git.join(place));
    }
}

#[test]
fn what_is_planted_in_the_experiments_repository_commands_nothing() {
    let world = World::made();
    plant_in_repository(&world);
    let fresh = world.prepare(PLAIN);
    assert_eq!(tree(&world.workspace()), tree(&world.fixture_dir().join("source")));
    write(&world.workspace().join(".gitattributes"), b"* filter=evil diff=evil\n");
    write(&world.workspace().join("src/main.rs"), b"changed\n");
    let captured = world.there_and_back(&fresh);
    assert!(String::from_utf8(captured.patch).unwrap().contains("+changed\n"));
    // A subtest that is added later gets a baseline with the same bytes as an existing one.
    let base = make_base(&world.repo_git(), &world.fixture_dir(), &Source::Folder).unwrap();
    let layers = Layers { overlay: Some("overlays/one".into()), ..Layers::default() };
    let added = BTreeMap::from([((T0, SubtestId(2)), layers)]);
    make_baselines(&world.repo_git(), &world.fixture_dir(), &base, &added).unwrap();
    let commit = |subtest| crate::workspace::prepare::baseline(&world.repo_git(), T0, subtest).unwrap().commit;
    assert_eq!(commit(SubtestId(2)), commit(OVERLAID));
    assert!(!world.path("executed").exists());
}

#[test]
fn objects_are_found_in_no_folder_that_was_planted() {
    let world = World::made();
    // Another repository has an object that is in no folder of the experiment.
    git(world.root.path(), &["init", "--quiet", "other"]);
    write(&world.path("other/file"), b"foreign\n");
    git(&world.path("other"), &["add", "file"]);
    git(&world.path("other"), &["commit", "--quiet", "-m", "foreign"]);
    let foreign = git(&world.path("other"), &["rev-parse", "HEAD"]);
    let line = format!("{}\n", world.path("other/.git/objects").display());
    write(&world.repo_git().join("objects/info/alternates"), line.as_bytes());
    write(&world.repo_git().join("refs/heads/baseline/T0-00"), format!("{foreign}\n").as_bytes());
    let refused = prepare(&world.repo_git(), &world.workspace(), T0, PLAIN).unwrap_err();
    assert!(refused.to_string().contains("git read-tree"), "{refused}");
    write(&world.repo_git().join("refs/heads/baseline/T0-00"), b"ref: refs/heads/base\n");
    let refused = prepare(&world.repo_git(), &world.workspace(), T0, PLAIN).unwrap_err();
    assert!(std::error::Error::source(&refused).unwrap().to_string().contains("no commit id"), "{refused}");
}
