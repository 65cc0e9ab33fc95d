//! What agents and checks may use of the machine: memory, processes and processor time, held by the kernel under each
//! containment, and named in the result where a limit was reached.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::fixture::{TestFixture, close, gated, open};
use crate::scenes::{containments, experiment, json as read, output, planned, saved};
use crate::world::{Output, World, wait_until};

/// Takes half a gibibyte of memory.
const GREEDY: &str = "dd if=/dev/zero of=/dev/null bs=512M count=1 2> /dev/null";

/// The containments under which limits can be tried here; none, said aloud, where no control group can be written.
#[expect(clippy::print_stdout, reason = "who reads the tests' output learns what was not tried")]
pub(crate) fn limited() -> Vec<&'static str> {
    let world = World::new();
    let fixture = TestFixture::new().agent("T0/00-one", "echo done > done").write(&world);
    let all = ["--max-memory", "1GiB", "--max-processes", "100", "--max-processors", "2"];
    let tried = run(&world, &fixture, &all);
    if tried.code == Some(0) {
        return containments();
    }
    assert!(tried.code == Some(2) && tried.stderr.contains("cannot be limited here"), "{tried}");
    println!("skipped: {}", tried.stderr);
    Vec::new()
}

fn run(world: &World, fixture: &str, more: &[&str]) -> Output {
    let first = ["run", "--tiers-dir", fixture, "--results-dir", "results", "--runs", "1"];
    world.scylla(&[&first, more].concat())
}

fn result(world: &World) -> Value {
    read(&world.experiment().join("T0/00/run_01/run_result.json"))
}

fn shown(world: &World) -> String {
    let shown = world.scylla(&["show", &experiment(world), "T0/00/1"]).exits(0);
    shown.stdout.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn an_agent_that_the_kernel_ends_at_its_limit_of_memory_is_graded_on_what_is_there_and_not_tried_again() {
    for containment in limited() {
        let world = World::new();
        let agent = format!("echo done > done; exec {GREEDY}");
        let limit = "sandbox: {memory: 64MiB}\n";
        let fixture = TestFixture::new().agent("T0/00-one", &agent).extra(limit).write(&world);
        let ran = run(&world, &fixture, &["--containment", containment]).exits(0);
        assert!(ran.stderr.contains("the agent ended over a limit: more memory than 64MiB"), "{containment}: {ran}");
        let result = result(&world);
        let exceeded = json!({"limit": "memory", "most": 64 << 20});
        assert_eq!((&result["agent_end"], &result["exceeded"]), (&json!("over_budget"), &exceeded), "{result:#}");
        assert_eq!((&result["judge_passed"], &result["attempt"]), (&json!(true), &json!(1)), "{containment}");
        assert_eq!((&result["exit_code"], &result["flags"]), (&Value::Null, &json!(["memory_limit"])), "{containment}");
        let peak = result["resources"]["peak_memory_bytes"].as_u64().unwrap();
        assert!((32 << 20..=64 << 20).contains(&peak), "{containment}: {peak}");
        assert_eq!(result["resources"]["ended_for_memory"], 1, "{containment}");
        let open = result["not_isolated"].as_array().unwrap();
        assert!(!open.contains(&json!("resources")) && !open.contains(&json!("memory")), "{open:?}");
        assert!(open.contains(&json!("processes")) && open.contains(&json!("processors")), "{open:?}");
        let shown = shown(&world);
        assert!(shown.contains("over a limit of the run: more memory than 64MiB"), "{shown}");
        assert!(shown.contains("1 process ended by the kernel at the limit of memory"), "{shown}");
        let verified = world.scylla(&["verify", &experiment(&world)]).exits(0);
        assert!(verified.stdout.contains("the number of processes and processor time."), "{verified}");
        assert_eq!(saved(&world, "max_memory"), "64MiB");
    }
}

#[test]
fn an_agent_whose_child_is_ended_for_its_memory_goes_on_and_its_result_says_so() {
    for containment in limited() {
        let world = World::new();
        let agent = format!("{GREEDY}; test $? = 137 && {GREEDY}; echo done > done");
        let fixture = TestFixture::new().agent("T0/00-one", &agent).write(&world);
        run(&world, &fixture, &["--containment", containment, "--max-memory", "64MiB"]).exits(0);
        let result = result(&world);
        assert_eq!((&result["agent_end"], &result["exceeded"]), (&json!("finished"), &Value::Null), "{result:#}");
        assert_eq!((&result["judge_passed"], &result["flags"]), (&json!(true), &json!(["memory_limit"])));
        assert_eq!(result["resources"]["ended_for_memory"], 2, "{containment}");
        assert!(shown(&world).contains("2 processes ended by the kernel at the limit of memory"));
    }
}

#[test]
fn a_check_that_is_ended_for_its_memory_has_not_passed_and_says_why() {
    if limited().is_empty() {
        return;
    }
    let world = World::new();
    let fixture = TestFixture::new().agent("T0/00-one", "echo done > done").check(&format!("exec {GREEDY}"));
    let fixture = fixture.extra("sandbox: {memory: 64MiB}\n").write(&world);
    run(&world, &fixture, &[]).exits(0);
    let result = result(&world);
    let check = &result["checks"][0];
    assert_eq!((&check["passed"], &check["exit_code"]), (&json!(false), &Value::Null), "{check}");
    assert_eq!(check["exceeded"], json!({"limit": "memory", "most": 64 << 20}), "{check}");
    assert_eq!((&result["judge_passed"], &result["flags"]), (&json!(false), &Value::Null), "the agent used little");
    assert!(shown(&world).contains("it used more memory than 64MiB"), "{}", shown(&world));
    world.scylla(&["verify", &experiment(&world)]).exits(0);
}

#[test]
fn an_agent_has_as_many_processes_as_it_may_and_no_more() {
    for containment in limited() {
        let more = ["--containment", containment, "--max-processes", "4"];
        for (children, refused) in [(3, 0), (9, 1)] {
            let world = World::new();
            // The shell itself counts, and it ends where it cannot start a program.
            let agent = format!(
                "(for n in $(echo {}); do sleep 0.5 & done; wait) 2> /dev/null; echo done > done",
                "x ".repeat(children - 1)
            );
            let fixture = TestFixture::new().agent("T0/00-one", &agent).write(&world);
            run(&world, &fixture, &more).exits(0);
            let result = result(&world);
            assert_eq!(
                (&result["agent_end"], &result["judge_passed"]),
                (&json!("finished"), &json!(true)),
                "{result:#}"
            );
            let times = result["resources"]["refused_processes"].as_u64().unwrap();
            assert_eq!(times.min(1), refused, "{containment}: {result:#}");
            let flags = if refused == 0 { Value::Null } else { json!(["process_limit"]) };
            assert_eq!(result["flags"], flags, "{containment}");
        }
    }
}

#[test]
fn two_busy_programs_get_the_share_of_one_processor_that_they_may_have_together() {
    for containment in limited() {
        let world = World::new();
        let busy = "timeout 2 sh -c 'while :; do :; done'";
        let agent = format!("{busy} & {busy} & wait; echo done > done");
        let fixture = TestFixture::new().agent("T0/00-one", &agent).write(&world);
        run(&world, &fixture, &["--containment", containment, "--max-processors", "0.2"]).exits(0);
        let result = result(&world);
        let share = result["resources"]["processor_seconds"].as_f64().unwrap()
            / result["agent_duration_seconds"].as_f64().unwrap();
        assert!((0.02..0.35).contains(&share), "{containment}: {share} of a processor");
    }
}

#[test]
fn with_all_three_limits_in_a_sandbox_only_the_network_is_left_open() {
    let containments = limited();
    if !containments.contains(&"bubblewrap") {
        return;
    }
    let world = World::new();
    let sandbox = "sandbox: {use: bubblewrap, memory: 256MiB, processes: 50, processors: 1.5}\n";
    // Who could write the groups could raise its limits.
    let agent = "for file in $(find /sys/fs/cgroup -name cgroup.procs); do echo $$ > $file && echo $file >> moved; done 2> /dev/null; echo done > done";
    let fixture = TestFixture::new().agent("T0/00-one", agent).extra(sandbox).write(&world);
    let without = ["--sandbox", "none", "--containment", "bubblewrap", "--results-dir", "without"];
    let arguments = ["run", "--tiers-dir", &fixture, "--runs", "1"];
    world.scylla(&[&arguments[..], &without].concat()).exits(0);
    for entry in fs::read_dir(world.path("without")).unwrap().flatten().filter(|entry| entry.path().is_dir()) {
        let patch = fs::read_to_string(entry.path().join("T0/00/run_01/changes.patch")).unwrap();
        // Hierarchies that limit nothing are as everywhere.
        let limiting = ["cgroup/memory/", "cgroup/pids/", "cgroup/cpu/", "cgroup/cgroup.procs"];
        assert!(patch.contains("done") && !limiting.iter().any(|group| patch.contains(group)), "{patch}");
    }
    run(&world, &fixture, &[]).exits(0);
    let result = result(&world);
    assert_eq!(result["not_isolated"], json!(["network"]));
    assert_eq!(result["resources"]["ended_for_memory"], 0);
    let patch = fs::read_to_string(world.experiment().join("T0/00/run_01/changes.patch")).unwrap();
    assert!(!patch.contains("moved"), "{patch}");
    let verified = world.scylla(&["verify", &experiment(&world)]).exits(0);
    assert!(verified.stdout.contains("Not isolated: the network."), "{verified}");
}

#[test]
fn the_groups_of_a_killed_coordinator_are_gone_after_a_resume() {
    for containment in limited() {
        let world = World::new();
        let agent = format!("{}; echo done > done", gated(&world, "agent"));
        let fixture = TestFixture::new().agent("T0/00-one", &agent).extra("sandbox: {memory: 1GiB}\n").write(&world);
        close(&world, "agent");
        let arguments =
            ["run", "--tiers-dir", &fixture, "--results-dir", "results", "--runs", "1", "--containment", containment];
        let mut live = world.start(&arguments);
        wait_until("the agent works", || world.lines("agent.log") == 1);
        let mark = read(&world.experiment().join("T0/00/run_01/agent/process.json"));
        let groups: Vec<&str> = mark["limiting"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .chain(mark["cgroup"].as_str())
            .collect();
        assert!(!groups.is_empty() && groups.iter().all(|group| Path::new(group).is_dir()), "{mark:#}");
        live.kill();
        open(&world, "agent");
        let dir = experiment(&world);
        world.scylla(&["resume", &dir]).exits(0);
        for group in groups {
            assert!(!Path::new(group).exists(), "{containment}: {group} stays");
        }
        assert_eq!(result(&world)["attempt"], 2);
        world.scylla(&["verify", &dir]).exits(0);
    }
}

#[test]
fn a_limit_that_cannot_be_had_is_refused_before_anything_is_made_and_again_when_it_is_saved() {
    let bubblewrap = ["--dev-bind", "/", "/", "--ro-bind", "/sys", "/sys", "--proc", "/proc", "--"];
    let tried = Command::new("bwrap").args(bubblewrap).arg("true").status();
    if !tried.is_ok_and(|tried| tried.success()) {
        return println!("skipped: bubblewrap does not work here");
    }
    let world = World::new();
    let fixture = TestFixture::new().agent("T0/00-one", "echo done > done").write(&world);
    let without = |arguments: &[&str]| {
        let mut command = Command::new("bwrap");
        command.args(bubblewrap).arg(env!("CARGO_BIN_EXE_cargo-scylla")).arg("scylla").args(arguments);
        world.seal(&mut command);
        output(command.current_dir(world.path("")))
    };
    let first = ["run", "--tiers-dir", &fixture, "--results-dir", "results", "--runs", "1", "--containment", "walk"];
    for (flag, value, what) in [
        ("--max-memory", "1GiB", "memory cannot be limited here: "),
        ("--max-processes", "9", "processes cannot be limited here: "),
        ("--max-processors", "1", "processor time cannot be limited here: "),
    ] {
        let refused = without(&[&first[..], &[flag, value, "--sandbox", "auto"]].concat()).exits(2);
        assert!(
            refused.stderr.contains(what) && refused.stderr.contains("hint: limits need control groups"),
            "{refused}"
        );
        assert_eq!(fs::read_dir(world.results()).map_or(0, Iterator::count), 0, "{refused}");
    }
    if limited().is_empty() {
        return;
    }
    let dir = planned(&world, &fixture, &["--max-memory", "1GiB"]);
    let refused = without(&["resume", &dir, "--max-cost-usd", "9"]).exits(2);
    assert!(refused.stderr.contains("memory cannot be limited here: "), "{refused}");
}

#[test]
fn what_cannot_be_a_limit_is_a_mistake_with_its_place() {
    let world = World::new();
    let extra = "sandbox: {memory: 4G, processes: 0, processors: 0}\n";
    let fixture = TestFixture::new().agent("T0/00-one", "echo done > done").extra(extra).write(&world);
    let told = world.scylla(&["fixture", "check", &fixture]).exits(2);
    for why in [
        "`sandbox.memory` is `4G`, not a size from 16MiB to 1024TiB, such as `512MiB` or `4GiB`",
        "`sandbox.processes` is `0`, not a whole number from 1 to 4194304",
        "`sandbox.processors` is `0`, not a number of processors from 0.01 to 8192",
    ] {
        assert!(format!("{}{}", told.stdout, told.stderr).contains(why), "{told}");
    }
    let flag = run(&world, &fixture, &["--max-memory", "4G"]).exits(2);
    assert!(flag.stderr.contains("it is not a size from 16MiB"), "{flag}");
}
