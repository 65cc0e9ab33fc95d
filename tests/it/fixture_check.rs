//! `fixture check` finds what keeps a fixture from measuring anything, before money is spent.

use std::fs;

use crate::scenes::edit;
use crate::world::{Output, World};

/// A world with the fixture that `fixture new` writes.
fn world() -> World {
    let world = World::new();
    world.scylla(&["fixture", "new", "task"]).exits(0);
    world
}

#[track_caller]
fn mistake(world: &World, more: &[&str], said: &[&str]) -> Output {
    let output = world.scylla(&[&["fixture", "check", "task"], more].concat()).exits(2);
    for said in said {
        assert!(output.stderr.contains(said), "no {said} in {output}");
    }
    output
}

#[test]
fn a_solution_that_does_not_apply_is_a_mistake_and_its_line_ends_are_named() {
    let world = world();
    let patch = world.path("task/expected/solution.patch");
    let right = fs::read_to_string(&patch).unwrap();
    fs::write(&patch, right.replace("Hello", "Good bye")).unwrap();
    mistake(&world, &[], &["solution.patch: does not apply to the tree", "git diff"]);
    fs::write(&patch, right.replace('\n', "\r\n")).unwrap();
    mistake(&world, &[], &["its lines end with CR LF and those of the tree with LF"]);
    fs::write(&patch, &right).unwrap();
    world.scylla(&["fixture", "check", "task"]).exits(0);
    let source = world.path("task/source/greet.sh");
    let text = fs::read_to_string(&source).unwrap();
    fs::write(&source, text.replace('\n', "\r\n")).unwrap();
    mistake(&world, &[], &["the tree's lines end with CR LF"]);
    let listed = world.scylla(&["fixture", "check", "."]).exits(2);
    assert!(listed.stdout.contains("task") && listed.stderr.contains("does not apply"), "{listed}");
}

#[test]
fn an_unknown_language_and_files_that_are_not_where_commands_are_started_are_mistakes() {
    let world = world();
    edit(&world, "task/test.yaml", "language: shell", "language: pyhton");
    mistake(&world, &[], &["test.yaml:11: `language` is `pyhton`, which is not known", "did you mean `python`?"]);
    edit(&world, "task/test.yaml", "language: pyhton", "language: shell");
    world.write("task/checks/run.sh", "exit 0\n");
    let right = r#"test "$(sh greet.sh Ada)" = 'Hello, Ada'"#;
    for (line, said) in [
        ("sh checks/run.sh", "which is in the fixture and not in the tree that it is started in"),
        ("sh $SCYLLA_FIXTURE/checks/rnu.sh", "and the fixture has no `checks/rnu.sh`"),
        (r#"sh "${SCYLLA_FIXTURE}/nowhere""#, "and the fixture has no `nowhere`"),
    ] {
        edit(&world, "task/test.yaml", right, line);
        mistake(&world, &[], &["the check `person` names", said]);
        edit(&world, "task/test.yaml", line, right);
    }
    for line in [r#"sh "$SCYLLA_FIXTURE/checks/run.sh""#, "sh greet.sh > prompt.md; sh ./greet.sh"] {
        edit(&world, "task/test.yaml", right, line);
        world.scylla(&["fixture", "check", "task"]).exits(0);
        edit(&world, "task/test.yaml", line, right);
    }
    world.write(
        "task/tiers/T1/00-agent.yaml",
        "agent:\n  kind: command\n  command: [no-such-agent, $SCYLLA_FIXTURE/x]\n",
    );
    mistake(&world, &[], &["00-agent.yaml:3: the agent of `T1/00` names", "with `shell` in place of `command`"]);
    world.write("task/tiers/T1/00-agent.yaml", "agent:\n  kind: command\n  command: [no-such-agent]\n");
    let noted = world.scylla(&["fixture", "check", "task"]).exits(0);
    assert!(
        noted.stderr.contains("note: the agent of `T1/00` starts `no-such-agent`, which is not installed"),
        "{noted}"
    );
}

#[test]
fn files_whose_names_end_with_yml_are_named() {
    let world = world();
    let task = world.path("task");
    fs::rename(task.join("tiers/T1/00-agent.yaml"), task.join("tiers/T1/00-agent.yml")).unwrap();
    mistake(&world, &[], &["call it `00-agent.yaml`"]);
    fs::rename(task.join("tiers/T1/00-agent.yml"), task.join("tiers/T1/00-agent.yaml")).unwrap();
    world.write("task/scylla.yml", "judges: []\n");
    mistake(&world, &[], &["scylla.yml: is not read: the file is called `scylla.yaml`"]);
    fs::remove_file(task.join("scylla.yml")).unwrap();
    fs::rename(task.join("test.yaml"), task.join("test.yml")).unwrap();
    mistake(&world, &[], &["test.yml: is not read: the file is called `test.yaml`"]);
    for arguments in [&["fixture", "check", "."][..], &["fixture", "list", "."], &["run", "task"]] {
        world.scylla(arguments).exits(2);
    }
}

#[test]
fn a_trial_tells_whether_the_checks_tell_the_solution_from_nothing() {
    let world = world();
    let tried = world.scylla(&["fixture", "check", "task", "--run", "--repeat", "2"]).exits(0);
    let said = "an agent that does nothing fails, and the solution passes every check, 2 times out of 2";
    assert!(tried.stdout.contains(said), "{tried}");
    let hello = "'Hello, world'";
    edit(&world, "task/test.yaml", hello, "'Hello, moon'");
    mistake(&world, &["--run"], &["the check `world` does not pass with the solution (exit code 1)"]);
    let right = r#"test "$(sh greet.sh)" = 'Hello, moon'"#;
    edit(&world, "task/test.yaml", right, "echo all is well; echo not quite >&2; exit 3");
    mistake(&world, &["--run"], &["the check `world` does not pass with the solution (exit code 3): not quite"]);
    edit(&world, "task/test.yaml", "echo all is well; echo not quite >&2; exit 3", "true");
    mistake(&world, &["--run"], &["an agent that does nothing passes, so the checks and judges check nothing"]);
    assert_eq!(fs::read_dir(world.path("")).unwrap().count(), 3, "home, results and the fixture");
}

#[test]
fn a_trial_names_flaky_checks_and_judges_that_do_not_answer() {
    let world = world();
    let right = r#"test "$(sh greet.sh Ada)" = 'Hello, Ada'"#;
    let log = world.path("log");
    let log = log.display();
    // Each third time it fails.
    let flaky = format!("echo >> {log}; test $(($(wc -l < {log}) % 3)) != 0");
    edit(&world, "task/test.yaml", right, &flaky);
    mistake(&world, &["--run", "--repeat", "5"], &["the check `person` is flaky: it passed", "times out of 5"]);
    edit(&world, "task/test.yaml", &flaky, right);
    edit(&world, "task/test.yaml", "  - kind: checks\n", "  - {kind: command, name: mute, shell: 'exit 4'}\n");
    mistake(
        &world,
        &["--run"],
        &["the solution cannot be graded: ", "what an agent that does nothing leaves cannot be graded"],
    );
    world.scylla(&["fixture", "check", ".", "--run"]).exits(2);
    world.scylla(&["fixture", "check", "task", "--repeat", "2"]).exits(2);
}
