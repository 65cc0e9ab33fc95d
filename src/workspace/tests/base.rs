//! `repo.git`, its baselines, and workspaces and trees made from them.

use std::os::unix::fs::MetadataExt as _;

use super::*;
use crate::workspace::WorkspaceError;

#[test]
fn the_same_source_is_the_same_commit_everywhere() {
    let (one, other) = (World::new(), World::new());
    let commit = one.make(&Source::Folder);
    assert_eq!(other.make(&Source::Folder), commit);
    assert_eq!(commit.len(), 40);
    let refs = |world: &World| git(&world.repo_git(), &["for-each-ref"]);
    assert_eq!(refs(&one), refs(&other));
    assert_eq!(git(&one.repo_git(), &["fsck", "--strict"]), "");
}

#[test]
fn a_workspace_has_the_bytes_of_the_source_ignored_files_too() {
    let world = World::made();
    world.prepare(PLAIN);
    assert_eq!(tree(&world.workspace()), tree(&world.fixture_dir().join("source")));
    assert_eq!(git(&world.workspace(), &["status", "--short", "--branch"]), "## main");
}

#[test]
fn an_overlay_lies_over_the_source() {
    let world = World::made();
    world.prepare(OVERLAID);
    let mut expected = tree(&world.fixture_dir().join("source"));
    expected.extend(tree(&world.fixture_dir().join("overlays/one")));
    assert_eq!(tree(&world.workspace()), expected);
    assert_eq!(
        git(&world.workspace(), &["log", "--format=%s %an"]),
        "The setup of the agent cargo-scylla\nThe task cargo-scylla"
    );
}

#[test]
fn a_workspace_knows_nothing_of_other_subtests_and_shares_no_file() {
    let world = World::made();
    world.prepare(PLAIN);
    let overlay = git(&world.repo_git(), &["rev-parse", "baseline/T0-01:CLAUDE.md"]);
    let objects = git(&world.workspace(), &["cat-file", "--batch-all-objects", "--batch-check"]);
    assert!(objects.contains(&git(&world.repo_git(), &["rev-parse", "base:README.md"])));
    assert!(!objects.contains(&overlay), "{objects}");
    assert_eq!(git(&world.workspace(), &["remote"]), "");
    assert_eq!(git(&world.workspace(), &["for-each-ref", "--format=%(refname)"]), "refs/heads/main");
    let packs = fs::read_dir(world.workspace().join(".git/objects/pack")).unwrap();
    assert!(packs.map(|pack| pack.unwrap().metadata().unwrap()).all(|pack| pack.nlink() == 1));
}

#[test]
fn making_a_second_time_changes_nothing_and_mends_what_a_crash_left() {
    let world = World::new();
    // A crash leaves half a repository behind; a later one leaves locks and half a baseline.
    write(&world.path(".tmp-repo.git/HEAD"), b"");
    let base = make_base(&world.repo_git(), &world.fixture_dir(), &Source::Folder).unwrap();
    assert!(!world.path(".tmp-repo.git").exists());
    write(&world.repo_git().join("scylla-scratch/index.lock"), b"");
    write(&world.repo_git().join("refs/heads/baseline/T0-01.lock"), b"");
    write(&world.repo_git().join("baselines/T0-01/pack/half"), b"");
    assert_eq!(world.make(&Source::Folder), base);
    let before = tree(&world.repo_git());
    assert_eq!(world.make(&Source::Folder), base);
    assert_eq!(tree(&world.repo_git()), before);
    world.prepare(OVERLAID);
}

#[test]
fn an_experiment_may_be_moved_and_its_repository_packed() {
    let world = World::made();
    let moved = world.path("moved: \"to\" else\\where");
    fs::create_dir(&moved).unwrap();
    fs::rename(world.repo_git(), moved.join("repo.git")).unwrap();
    let repo_git = moved.join("repo.git");
    git(&repo_git, &["gc", "--quiet", "--prune=now"]);
    let baseline = prepare(&repo_git, &world.workspace(), T0, OVERLAID).unwrap();
    write(&world.workspace().join("CLAUDE.md"), b"changed\n");
    let captured = capture(&world.workspace(), &moved.join("private"), &baseline, &[]).unwrap();
    assert!(String::from_utf8(captured.patch).unwrap().contains("-the only overlay\n+changed\n"));
}

#[test]
fn a_repository_is_taken_at_its_commit_without_what_came_later() {
    let world = World::new();
    let upstream = world.path("upstream");
    fs::create_dir(&upstream).unwrap();
    git(&upstream, &["init", "--quiet", "-b", "main"]);
    write(&upstream.join("file"), b"task\n");
    git(&upstream, &["add", "."]);
    git(&upstream, &["commit", "--quiet", "-m", "task"]);
    let hash = git(&upstream, &["rev-parse", "HEAD"]);
    write(&upstream.join("solution"), b"secret\n");
    git(&upstream, &["add", "."]);
    git(&upstream, &["commit", "--quiet", "-m", "solution"]);
    let secret = git(&upstream, &["rev-parse", "HEAD:solution"]);
    assert_eq!(world.make(&Source::Repository { repo: "../upstream".into(), hash: hash.clone() }), hash);
    world.prepare(PLAIN);
    assert_eq!(fs::read(world.workspace().join("file")).unwrap(), b"task\n");
    let objects = git(&world.workspace(), &["cat-file", "--batch-all-objects", "--batch-check"]);
    assert!(objects.contains(&hash) && !objects.contains(&secret), "{objects}");
}

#[test]
fn submodules_are_left_out_of_the_base() {
    let world = World::new();
    let upstream = world.path("upstream");
    git(world.root.path(), &["init", "--quiet", "-b", "main", "upstream"]);
    write(&upstream.join("file"), b"task\n");
    git(&upstream, &["add", "."]);
    let link = format!("160000,{},sub/module", "1".repeat(40));
    git(&upstream, &["update-index", "--add", "--cacheinfo", &link]);
    git(&upstream, &["commit", "--quiet", "-m", "task"]);
    let hash = git(&upstream, &["rev-parse", "HEAD"]);
    let base = world.make(&Source::Repository { repo: "../upstream".into(), hash: hash.clone() });
    assert_eq!(git(&world.repo_git(), &["rev-parse", &format!("{base}^")]), hash);
    assert_eq!(git(&world.repo_git(), &["ls-tree", "-r", "--name-only", &base]), "file");
}

#[test]
fn what_is_missing_is_named_with_a_hint() {
    let world = World::new();
    let make = |repo: &str, hash: &str| {
        let source = Source::Repository { repo: repo.into(), hash: hash.into() };
        make_base(&world.repo_git(), &world.fixture_dir(), &source).unwrap_err()
    };
    let nowhere = make("../nowhere", &"1".repeat(40));
    assert!(nowhere.to_string().starts_with("there is no repository `../nowhere` in /"), "{nowhere}");
    git(world.root.path(), &["init", "--quiet", "-b", "main", "upstream"]);
    git(&world.path("upstream"), &["commit", "--quiet", "--allow-empty", "-m", "one"]);
    let no_commit = make("../upstream", &"1".repeat(40));
    let start = format!("the repository `../upstream` has no commit `{}`: ", "1".repeat(40));
    assert!(no_commit.to_string().starts_with(&start), "{no_commit}");
    assert!(no_commit.hint().unwrap().contains("whole commit id"));
    let no_server = make("file:///nowhere/at/all", &"1".repeat(40));
    assert!(no_server.to_string().contains("`git fetch --quiet"), "{no_server}");
    assert!(no_server.hint().is_some());
    assert!(!world.repo_git().exists());

    world.make(&Source::Folder);
    let other = prepare(&world.repo_git(), &world.workspace(), T0, SubtestId(7)).unwrap_err();
    assert!(matches!(other, WorkspaceError::NoBaseline { .. }), "{other}");
    assert!(other.to_string().ends_with("repo.git has no baseline of T0/07"), "{other}");
}

#[test]
fn a_checkout_goes_into_an_empty_folder_only() {
    let world = World::made();
    let to = world.path("to");
    let patch = world.path("changes.patch");
    write(&patch, b"");
    write(&to.join("mine"), b"precious\n");
    let error = checkout(&world.repo_git(), T0, PLAIN, &patch, &to).unwrap_err();
    assert!(error.to_string().ends_with("to` is there and is no empty folder"), "{error}");
    assert_eq!(fs::read(to.join("mine")).unwrap(), b"precious\n");
    fs::remove_file(to.join("mine")).unwrap();
    checkout(&world.repo_git(), T0, PLAIN, &patch, &to).unwrap();
    assert_eq!(tree(&to), tree(&world.fixture_dir().join("source")));
}

#[test]
fn a_patch_that_does_not_apply_leaves_nothing_behind() {
    let world = World::made();
    let patch = world.path("changes.patch");
    write(&patch, b"--- a/README.md\n+++ b/README.md\n@@ -1 +1 @@\n-never\n+there\n");
    let error = checkout(&world.repo_git(), T0, PLAIN, &patch, &world.path("to")).unwrap_err();
    assert!(error.to_string().contains("patch does not apply"), "{error}");
    assert!(error.hint().unwrap().contains("cargo scylla verify"));
    assert!(!world.path("to").exists());
}
