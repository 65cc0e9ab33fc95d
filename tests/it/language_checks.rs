//! Checks: those of the language where a fixture says none, and those that do not apply, which have never failed.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use scylla::config::fixture::load;
use serde_json::{Value, json};

use crate::projectscylla::fixture::{JUDGE, ProjectScyllaFixture};
use crate::scenes::{json as read, output};
use crate::world::World;

/// What a run of one subtest with these checks came to: by name, whether it passed, and why it does not apply.
fn checked(world: &World, fixture: &ProjectScyllaFixture, path: Option<&Path>, agent: &str) -> Value {
    let dir = fixture.write(world);
    let mut command = world.command(&["run", "--tiers-dir", &dir, "--results-dir", "results", "--runs", "1"]);
    command.args(["--agent-command", agent, "--tiers", "T6", "--containment", "walk"]);
    if let Some(path) = path {
        command.env("PATH", path);
    }
    output(&mut command).exits(0);
    read(&world.experiment().join("T6/01/run_01/run_result.json"))
}

fn facts(result: &Value) -> Vec<(String, bool, Option<String>)> {
    let fact = |check: &Value| {
        let why = check.get("not_applicable").map(|why| why.as_str().unwrap().to_owned());
        (check["name"].as_str().unwrap().to_owned(), check["passed"].as_bool().unwrap(), why)
    };
    result["checks"].as_array().unwrap().iter().map(fact).collect()
}

fn named(facts: &[(&str, bool, Option<&str>)]) -> Vec<(String, bool, Option<String>)> {
    facts.iter().map(|(name, passed, why)| ((*name).to_owned(), *passed, why.map(str::to_owned))).collect()
}

const CHECKS: &str = "\
checks:
  - {name: done, shell: test -f done}
  - {name: lint, command: [no-such-linter, .], needs: [sh, no-such-linter]}
  - {name: hooks, shell: 'false', needs: [./hooks.yaml]}
  - {name: test, shell: exit 5, not_applicable_exit_codes: [5, 77]}
  - {name: here, shell: 'true', needs: [sh, ./readme.txt]}
";

/// A rubric whose items rest on each of these checks.
fn rubric(checks: &[&str]) -> String {
    let items = checks.iter().fold(String::new(), |all, check| {
        all + &format!("  - {{id: {check}, description: The check passes., evaluation: binary, rests_on: {check}}}\n")
    });
    format!("requirements:\n{items}grading: {{pass_threshold: 0.9}}\n")
}

#[test]
fn a_check_that_does_not_apply_has_not_failed_and_its_items_are_left_out() {
    let world = World::new();
    let rubric = rubric(&["done", "lint", "hooks", "test", "here"]);
    let fixture = ProjectScyllaFixture::new().test(CHECKS).file("expected/rubric.yaml", &rubric);
    let result = checked(&world, &fixture, None, "touch done");
    let expected = [
        ("done", true, None),
        ("lint", false, Some("`no-such-linter` is not installed")),
        ("hooks", false, Some("there is no `hooks.yaml`")),
        ("test", false, Some("it ended with exit code 5")),
        ("here", true, None),
    ];
    assert_eq!(facts(&result), named(&expected));
    assert_eq!((&result["judge_score"], &result["judge_passed"]), (&json!(1.0), &json!(true)));
    let judgment = &result["judges"][0];
    assert_eq!(judgment["reasoning"], "every check that applies passed; not applicable: lint, hooks, test");
    assert_eq!(judgment["criteria_scores"]["lint"]["score"], Value::Null);
}

#[test]
fn a_program_is_looked_up_on_the_path_that_the_run_is_given() {
    let world = World::new();
    let tools = world.path("tools");
    fs::create_dir(&tools).unwrap();
    for tool in ["cat", "git", "sh", "touch"] {
        let found = std::process::Command::new("sh").args(["-c", &format!("command -v {tool}")]).output().unwrap();
        symlink(String::from_utf8(found.stdout).unwrap().trim(), tools.join(tool)).unwrap();
    }
    world.program("tools/python3", "#!/bin/sh\nexit 0\n");
    world.program("tools/ruff", "#!/bin/sh\ntest \"$1\" = check\n");
    world.program("tools/pytest", "#!/bin/sh\nexit 5\n");
    let fixture = ProjectScyllaFixture::new().language("Python").file("scylla.yaml", &judges(ANSWER));
    let result = checked(&world, &fixture, Some(&tools), "touch done.py");
    let expected = [
        ("build", true, None),
        ("format", false, None),
        ("lint", true, None),
        ("test", false, Some("it ended with exit code 5")),
        ("pre-commit", false, Some("`pre-commit` is not installed")),
    ];
    assert_eq!(facts(&result), named(&expected));
}

/// A judge that needs nothing but a shell.
const ANSWER: &str =
    r#"cat > /dev/null; echo '{"items": {"R001": {"score": 1}, "R002": {"score": 1}}, "reasoning": "good"}'"#;

fn judges(line: &str) -> String {
    json!({"judges": [{"kind": "command", "name": "looker", "shell": line}]}).to_string()
}

#[test]
fn a_fixture_has_the_checks_of_its_language_unless_it_says_others() {
    let world = World::new();
    let beside = json!({"agent": {"kind": "nop"}}).to_string();
    let names = |fixture: ProjectScyllaFixture| {
        let fixture = fixture.file("scylla.yaml", &beside).file("expected/rubric.yaml", &rubric(&["build"]));
        let loaded = load(Path::new(&fixture.write(&world)));
        loaded.map(|fixture| fixture.checks.iter().map(|check| check.name.clone()).collect::<Vec<_>>().join(" "))
    };
    assert_eq!(names(ProjectScyllaFixture::new().language("rust")).unwrap(), "build format lint test pre-commit");
    assert_eq!(names(ProjectScyllaFixture::new().language("mojo")).unwrap(), "build format test pre-commit");
    let own = ProjectScyllaFixture::new().language("rust").test("checks: [{name: build, shell: make}]\n");
    assert_eq!(names(own).unwrap(), "build");
    let none = names(ProjectScyllaFixture::new().language("cobol")).unwrap_err();
    assert!(none[0].message.contains("rests on `build`, and there is no such check"), "{none:#?}");
}

#[test]
fn what_a_check_needs_and_when_it_does_not_apply_must_make_sense() {
    let world = World::new();
    let checks = "checks:\n  - {name: a, shell: x, needs: [bin/ruff, ./../x, '', ruff], not_applicable_exit_codes: [0, 256, five, 5]}\n";
    let dir = ProjectScyllaFixture::new().test(checks).file("scylla.yaml", &judges(JUDGE)).write(&world);
    let told = world.scylla(&["fixture", "check", &dir, "--agent-command", "x"]).exits(2);
    insta::with_settings!({
        snapshot_path => concat!(env!("CARGO_MANIFEST_DIR"), "/snapshots/fixture"),
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, {
        insta::assert_snapshot!("checks-that-do-not-apply", crate::world::steady(&told.stderr, &world));
    });
}

/// What is kept of the checks of the untouched trees, by name.
fn untouched(world: &World) -> Vec<Vec<(String, bool, Option<String>)>> {
    let folder = world.experiment().join("config/untouched");
    fs::read_dir(folder).unwrap().map(|entry| facts(&read(&entry.unwrap().path()))).collect()
}

#[test]
fn the_checks_say_what_failed_before_the_agent_came_and_leave_nothing_in_its_tree() {
    let world = World::new();
    let log = world.path("checks.log");
    let checks = format!(
        "checks:\n  - {{name: done, shell: 'echo asked >> {}; touch left-by-check; test -f done'}}\n  \
         - {{name: broken, shell: exit 3}}\n  - {{name: fine, shell: 'true'}}\n",
        log.display()
    );
    let fixture =
        ProjectScyllaFixture::new().test(&checks).file("expected/rubric.yaml", &rubric(&["done", "broken", "fine"]));
    let dir = fixture.write(&world);
    let arguments =
        ["run", "--tiers-dir", &dir, "--results-dir", "results", "--runs", "2", "--tiers", "T6", "--jobs", "2"];
    let agent = "test ! -e left-by-check && touch done";
    output(world.command(&arguments).args(["--agent-command", agent])).exits(0);
    assert_eq!(world.lines("checks.log"), 3, "once on the untouched tree, and once for each run");
    let expected = [("done", false, None), ("broken", false, None), ("fine", true, None)];
    assert_eq!(untouched(&world), [named(&expected)]);
    for run in ["run_01", "run_02"] {
        let result = read(&world.experiment().join(format!("T6/01/{run}/run_result.json")));
        let before: Vec<&Value> = result["checks"].as_array().unwrap().iter().map(|check| &check["before"]).collect();
        assert_eq!(before, ["failed", "failed", "passed"]);
        let broken = &result["judges"][0]["criteria_scores"]["broken"];
        assert_eq!(broken["explanation"], "`broken` ended with exit code 3, and failed before the agent came");
        assert_eq!(result["judges"][0]["criteria_scores"]["done"]["score"], 1.0);
    }
    let dir = world.experiment();
    let verified = world.scylla(&["verify", dir.to_str().unwrap()]).exits(0);
    assert!(verified.stdout.ends_with("\n2 of 2 planned runs agree.\n"), "{verified}");
    world.scylla(&["extend", dir.to_str().unwrap(), "--runs", "3"]).exits(0);
    assert_eq!(world.lines("checks.log"), 4, "a later session reads what is known");
}

#[test]
fn who_takes_the_tests_away_has_not_passed_them() {
    let world = World::new();
    let checks = "checks:\n  - {name: test, shell: 'test -f readme.txt || exit 5', not_applicable_exit_codes: [5]}\n  \
         - {name: words, shell: 'true', needs: [./CLAUDE.md]}\n  - {name: never, shell: 'true', needs: [./absent]}\n";
    let rubric = rubric(&["test", "words", "never"]);
    let fixture = ProjectScyllaFixture::new().test(checks).file("expected/rubric.yaml", &rubric);
    let result = checked(&world, &fixture, None, "rm readme.txt CLAUDE.md");
    assert_eq!((&result["judge_score"], &result["judge_passed"]), (&json!(0.0), &json!(false)));
    let why = |number: usize| {
        (result["checks"][number]["no_longer_applies"].clone(), result["checks"][number]["before"].clone())
    };
    assert_eq!(why(0), (json!("it ended with exit code 5"), json!("passed")));
    assert_eq!(why(1), (json!("there is no `CLAUDE.md`"), json!("passed")));
    assert_eq!(why(2), (Value::Null, json!("not_applicable")));
    assert_eq!(result["judges"][0]["reasoning"], "failed: test, words; not applicable: never");
}

#[test]
fn a_tree_that_another_machine_checks_is_judged_by_what_that_machine_can_say() {
    let world = World::new();
    world.program("tools/linter", "#!/bin/sh\nexit 0\n");
    let path = |more: &Path| std::env::join_paths([more, Path::new("/usr/bin"), Path::new("/bin")]).unwrap();
    let checks = "checks:\n  - {name: lint, shell: linter, needs: [linter]}\n  - {name: fine, shell: 'true'}\n";
    let fixture = ProjectScyllaFixture::new().test(checks).file("expected/rubric.yaml", &rubric(&["lint", "fine"]));
    let dir = fixture.write(&world);
    let arguments = ["run", "--tiers-dir", &dir, "--results-dir", "results", "--runs", "1", "--tiers", "T6"];
    let run = |command: &mut std::process::Command, tools: &Path| output(command.env("PATH", path(tools))).exits(0);
    run(world.command(&arguments).args(["--agent-command", "true"]), &world.path("tools"));
    let experiment = world.experiment();
    run(&mut world.command(&["extend", experiment.to_str().unwrap(), "--runs", "2"]), Path::new("/nowhere"));
    let lint = |run: &str| read(&experiment.join(format!("T6/01/{run}/run_result.json")))["checks"][0].clone();
    assert_eq!((lint("run_01")["passed"].clone(), lint("run_01")["before"].clone()), (json!(true), json!("passed")));
    assert_eq!(lint("run_02")["not_applicable"], "`linter` is not installed");
    assert_eq!(lint("run_02").get("no_longer_applies"), None);
}
