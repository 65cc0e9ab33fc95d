//! Unusual repositories: shallow and partial clones, and ids of 64 digits.

use super::*;
use crate::workspace::WorkspaceError;

/// A repository with three commits, each of which adds a file.
fn full(world: &World, init: &[&str]) -> Vec<String> {
    let full = world.path("full");
    git(world.root.path(), &[&["init", "--quiet", "-b", "main"], init, &["full"]].concat());
    git(&full, &["config", "uploadpack.allowFilter", "true"]);
    (1..=3)
        .map(|number| {
            write(&full.join(format!("file{number}")), format!("{number}\n").as_bytes());
            git(&full, &["add", "."]);
            git(&full, &["commit", "--quiet", "-m", "one more"]);
            git(&full, &["rev-parse", "HEAD"])
        })
        .collect()
}

fn clone(world: &World, args: &[&str]) {
    let url = format!("file://{}", world.path("full").display());
    git(world.root.path(), &[&["clone", "--quiet", "--no-checkout"], args, &[&url, "clone"]].concat());
}

fn source(repo: &str, hash: &str) -> Source {
    Source::Repository { repo: repo.into(), hash: hash.into() }
}

/// Makes workspaces and trees of both subtests, also after the experiment was moved.
fn works(world: &World, base: &str) {
    let fresh = world.prepare(PLAIN);
    assert_eq!(fresh.commit, base);
    assert_eq!(git(&world.workspace(), &["fsck", "--strict"]), "");
    assert_eq!(git(&world.workspace(), &["status", "--short", "--branch"]), "## main");
    write(&world.workspace().join("file1"), b"changed\n");
    world.there_and_back(&fresh);
    fs::create_dir(world.path("moved")).unwrap();
    fs::rename(world.repo_git(), world.path("moved/repo.git")).unwrap();
    let moved = world.path("moved/repo.git");
    fs::remove_dir_all(world.workspace()).unwrap();
    prepare(&moved, &world.workspace(), T0, OVERLAID).unwrap();
    assert_eq!(fs::read(world.workspace().join("CLAUDE.md")).unwrap(), b"the only overlay\n");
    assert_eq!(git(&moved, &["fsck", "--strict"]), "");
    checkout(&moved, T0, PLAIN, &world.path("changes.patch"), &world.path("to")).unwrap();
    assert_eq!(fs::read(world.path("to/file1")).unwrap(), b"changed\n");
}

#[test]
fn a_commit_whose_history_is_cut_off_is_taken_without_it() {
    let world = World::new();
    let commits = full(&world, &[]);
    clone(&world, &["--depth", "2"]);
    let base = world.make(&source("../clone", &commits[2]));
    assert_eq!(git(&world.repo_git(), &["log", "--format=%s", "base"]), "The task");
    let of = |commit: &str| git(&world.path("full"), &["rev-parse", &format!("{commit}^{{tree}}")]);
    assert_eq!(git(&world.repo_git(), &["rev-parse", "base^{tree}"]), of(&commits[2]));
    works(&world, &base);
    // It does not matter how much the clone has.
    let other = World::new();
    full(&other, &[]);
    git(&world.path("clone"), &["checkout", "--quiet", "--detach"]);
    git(&world.path("clone"), &["fetch", "--quiet", "--depth", "1"]);
    fs::rename(world.path("clone"), other.path("clone")).unwrap();
    assert_eq!(other.make(&source("../clone", &commits[2])), base);
}

#[test]
fn a_commit_that_no_branch_of_a_shallow_clone_names_is_taken() {
    let world = World::new();
    let commits = full(&world, &[]);
    git(world.root.path(), &["init", "--quiet", "clone"]);
    let url = format!("file://{}", world.path("full").display());
    git(&world.path("clone"), &["fetch", "--quiet", "--depth", "1", &url, &commits[1]]);
    let base = world.make(&source("../clone", &commits[1]));
    world.prepare(PLAIN);
    assert!(world.workspace().join("file2").exists() && !world.workspace().join("file3").exists());
    assert_ne!(base, commits[1]);
}

#[test]
fn a_commit_that_a_shallow_clone_lacks_is_named_with_what_brings_it() {
    let world = World::new();
    let commits = full(&world, &[]);
    clone(&world, &["--depth", "1"]);
    let refused = make_base(&world.repo_git(), &world.fixture_dir(), &source("../clone", &commits[0])).unwrap_err();
    let start = format!("the shallow repository `../clone` has no commit `{}`: ", commits[0]);
    assert!(refused.to_string().starts_with(&start), "{refused}");
    assert!(refused.hint().unwrap().contains("git fetch --unshallow"));
    git(&world.path("clone"), &["fetch", "--quiet", "--unshallow"]);
    assert_eq!(world.make(&source("../clone", &commits[0])), commits[0]);
}

#[test]
fn a_partial_clone_gives_what_its_remote_has() {
    let world = World::new();
    let commits = full(&world, &[]);
    clone(&world, &["--filter=blob:none"]);
    let base = world.make(&source("../clone", &commits[1]));
    assert_eq!(base, commits[1]);
    works(&world, &base);
}

#[test]
fn a_partial_clone_whose_remote_is_gone_says_what_to_do() {
    let world = World::new();
    let commits = full(&world, &[]);
    clone(&world, &["--filter=blob:none"]);
    fs::rename(world.path("full"), world.path("gone")).unwrap();
    let make = || make_base(&world.repo_git(), &world.fixture_dir(), &source("../clone", &commits[1]));
    let refused = make().unwrap_err();
    assert!(matches!(refused, WorkspaceError::Git { .. }), "{refused}");
    assert!(refused.hint().unwrap().contains("partial clone"), "{refused}");
    // Following the hint helps.
    fs::rename(world.path("gone"), world.path("full")).unwrap();
    git(&world.path("clone"), &["fetch", "--quiet", "--refetch", "--no-filter"]);
    fs::rename(world.path("full"), world.path("gone")).unwrap();
    assert_eq!(make().unwrap(), commits[1]);
}

#[test]
fn a_repository_whose_names_have_64_digits_works_as_others_do() {
    let world = World::new();
    let commits = full(&world, &["--object-format=sha256"]);
    assert_eq!(commits[1].len(), 64);
    let base = world.make(&source("../full", &commits[1]));
    assert_eq!(base, commits[1]);
    works(&world, &base);
}
