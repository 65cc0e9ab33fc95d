//! What resources compose is in the baseline, and its digest can be checked with `sha256sum`.

use super::*;
use crate::setup::compose::{Composition, Content, Piece, Placed};
use crate::workspace::base::composed;

const COMPOSED: SubtestId = SubtestId(7);

fn placed(path: &str, content: Content) -> Placed {
    Placed { path: path.into(), content }
}

fn copy(from: &str) -> Content {
    Content::Copy(from.into())
}

/// A world whose task has its own instructions, and shared resources.
fn world() -> World {
    let world = World::new();
    for (name, text) in [
        ("source/CLAUDE.md", "the task's own words\n\n"),
        ("source/.claude/settings.json", "{}"),
        ("source/.claude/agents/old.md", "old"),
        ("shared/blocks/B01.md", "one\n"),
        ("shared/blocks/B02.md", "\n two\n\n\n"),
        ("shared/skills/lint/SKILL.md", "lint"),
        ("shared/skills/lint/run.sh", "#!/bin/sh\n"),
    ] {
        write(&world.fixture_dir().join(name), text.as_bytes());
    }
    set_mode(&world.fixture_dir().join("shared/skills/lint/run.sh"), 0o755);
    world
}

fn make(world: &World, composition: Composition, overlay: Option<&str>) -> String {
    let base = make_base(&world.repo_git(), &world.fixture_dir(), &Source::Folder).unwrap();
    let layers = Layers { composition, overlay: overlay.map(Into::into) };
    let layers = BTreeMap::from([((T0, COMPOSED), layers)]);
    make_baselines(&world.repo_git(), &world.fixture_dir(), &base, &layers).unwrap();
    world.prepare(COMPOSED);
    git(&world.repo_git(), &["rev-parse", "refs/heads/baseline/T0-07"])
}

fn read(world: &World, name: &str) -> String {
    fs::read_to_string(world.workspace().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[test]
fn files_folders_and_joined_texts_lie_in_the_workspace() {
    let world = world();
    let text = |text: &str| Piece::Text(text.into());
    let file = |name: &str| Piece::File(format!("shared/blocks/{name}.md"));
    let composition = Composition {
        removed: vec![],
        placed: vec![
            placed("CLAUDE.md", Content::Joined(vec![file("B02"), file("B01"), text("what you have")])),
            placed(".claude/skills/lint", copy("shared/skills/lint")),
            placed(".claude/settings.json", Content::Joined(vec![text("{\"a\": 1}")])),
        ],
    };
    make(&world, composition, None);
    assert_eq!(read(&world, "CLAUDE.md"), "\n two\n\none\n\nwhat you have\n");
    assert_eq!(read(&world, ".claude/settings.json"), "{\"a\": 1}\n");
    assert_eq!(read(&world, ".claude/agents/old.md"), "old");
    let mode = fs::metadata(world.workspace().join(".claude/skills/lint/run.sh")).unwrap().permissions().mode();
    assert_eq!(mode & 0o111, 0o111);
    assert_eq!(git(&world.workspace(), &["status", "--short"]), "");
    assert_eq!(git(&world.workspace(), &["log", "--format=%s"]), "The setup of the agent\nThe task");
}

#[test]
fn the_instructions_of_the_task_stay_above_what_is_added() {
    let world = world();
    let added = || Composition {
        removed: vec![],
        placed: vec![placed("CLAUDE.md", Content::Joined(vec![Piece::There, Piece::Text("added".into())]))],
    };
    make(&world, added(), None);
    assert_eq!(read(&world, "CLAUDE.md"), "the task's own words\n\nadded\n");

    // A link is read through a line that agents follow; a missing file adds nothing.
    let world = self::world();
    fs::remove_file(world.fixture_dir().join("source/CLAUDE.md")).unwrap();
    std::os::unix::fs::symlink("AGENTS.md", world.fixture_dir().join("source/CLAUDE.md")).unwrap();
    make(&world, added(), None);
    assert_eq!(read(&world, "CLAUDE.md"), "@AGENTS.md\n\nadded\n");
    let world = self::world();
    fs::remove_file(world.fixture_dir().join("source/CLAUDE.md")).unwrap();
    make(&world, added(), None);
    assert_eq!(read(&world, "CLAUDE.md"), "added\n");
}

#[test]
fn what_is_removed_is_gone_before_anything_is_laid_over() {
    let world = world();
    let removed = vec!["CLAUDE.md".to_owned(), ".claude".to_owned(), "not-there".to_owned()];
    make(&world, Composition { removed, placed: vec![placed("", copy("shared/skills"))] }, Some("overlays/one"));
    assert!(!world.workspace().join(".claude").exists());
    // An overlay is the subtest's own, so it is laid over everything.
    assert_eq!(read(&world, "CLAUDE.md"), "the only overlay\n");
    assert_eq!(read(&world, "lint/SKILL.md"), "lint");
    assert_eq!(read(&world, "README.md"), "one\ntwo\n");
}

#[test]
fn the_digest_is_that_of_a_list_which_sha256sum_writes() {
    let world = world();
    let removed = vec!["CLAUDE.md".to_owned()];
    make(&world, Composition { removed, placed: vec![placed("a/lint", copy("shared/skills/lint"))] }, None);
    let summed = Command::new("sh")
        .args(["-c", "{ echo 'removed  CLAUDE.md'; sha256sum a/lint/SKILL.md a/lint/run.sh; } | sha256sum"])
        .current_dir(world.workspace())
        .output()
        .unwrap();
    let summed = String::from_utf8(summed.stdout).unwrap();
    let digest = composed(&world.repo_git(), T0, COMPOSED).unwrap().unwrap();
    assert_eq!(digest.hex(), summed.split(' ').next().unwrap());
    assert_eq!(composed(&world.repo_git(), T0, PLAIN).unwrap(), None);
}

#[test]
fn nothing_composed_changes_no_commit() {
    let world = World::made();
    let overlaid = git(&world.repo_git(), &["rev-parse", "refs/heads/baseline/T0-01"]);
    let plain = git(&world.repo_git(), &["rev-parse", "refs/heads/baseline/T0-00"]);
    assert_eq!(plain, git(&world.repo_git(), &["rev-parse", "base"]));
    // The commit of this overlay from before composition existed; it depends only on the fixture.
    assert_eq!(overlaid, make(&World::new(), Composition::default(), Some("overlays/one")));
    assert_eq!(composed(&world.repo_git(), T0, OVERLAID).unwrap(), None);
    assert!(!world.repo_git().join("composed").exists());
}

#[test]
fn subtests_that_compose_the_same_have_the_same_tree_and_each_its_own_objects() {
    let world = world();
    let base = make_base(&world.repo_git(), &world.fixture_dir(), &Source::Folder).unwrap();
    let layers = |overlay: Option<&str>| Layers {
        composition: Composition { removed: vec![], placed: vec![placed("lint", copy("shared/skills/lint"))] },
        overlay: overlay.map(Into::into),
    };
    let subtests = [(SubtestId(2), None), (SubtestId(3), None), (SubtestId(4), Some("overlays/one"))];
    let all = subtests.map(|(subtest, overlay)| ((T0, subtest), layers(overlay)));
    make_baselines(&world.repo_git(), &world.fixture_dir(), &base, &all.into()).unwrap();
    for (subtest, _) in subtests {
        fs::remove_dir_all(world.path("run")).ok();
        world.prepare(subtest);
        assert_eq!(read(&world, "lint/SKILL.md"), "lint");
    }
    let digest = |subtest| composed(&world.repo_git(), T0, SubtestId(subtest)).unwrap().unwrap();
    assert_eq!([digest(2), digest(3)], [digest(3), digest(4)]);
}
