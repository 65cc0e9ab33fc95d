//! Batch systems that this tool does not know make the runs of a plan: what docs/cluster.md says of GNU parallel is done, and the job
//! for Kubernetes is held against its schema, and its command executed.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use crate::crash::no_process_is_left;
use crate::fixture::TestFixture;
use crate::scenes::{AGENT, experiment, is_missing, planned, status};
use crate::world::{self, World, finish, steady};

fn file(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// A shell in the world, for which `cargo scylla` and `cargo-scylla` are this build's.
fn shell(world: &World, script: &str) -> Command {
    let binary = env!("CARGO_BIN_EXE_cargo-scylla");
    for name in ["cargo", "cargo-scylla"] {
        world.program(&format!("bin/{name}"), &format!("#!/bin/sh\nexec '{binary}' \"$@\"\n"));
    }
    let mut command = Command::new("sh");
    world.seal(&mut command);
    command.env("PATH", format!("{}:{}", world.path("bin").display(), env::var("PATH").unwrap()));
    command.args(["-euc", script]).current_dir(world.path("")).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

#[test]
fn gnu_parallel_makes_a_plan_by_the_lines_of_the_manual() {
    if is_missing("parallel") {
        return assert!(env::var_os("CI").is_none(), "GNU parallel is not installed");
    }
    let page = crate::readme::Document::new("docs/cluster.md".to_owned(), file("docs/cluster.md"));
    let block = page.blocks("sh").into_iter().find(|block| block.contains("| parallel ")).unwrap();
    // As it stands there, but for a plan that is made sooner, and for what is seen before the last line.
    let (script, last) = block.trim_end().rsplit_once('\n').unwrap();
    assert_eq!(last, "cargo scylla resume \"$DIR\"");
    let script = script.replace("--runs 20", "--runs 3");
    let world = World::new();
    TestFixture::new().agent("T0/00-one", AGENT).agent("T0/01-two", "touch done").write(&world);
    fs::rename(world.path("fixture"), world.path("my-task")).unwrap();
    let mended = "sed -i 's/^id: .*/id: my-task/' my-task/test.yaml";
    let end = "cargo scylla verify \"$DIR\" > verified || echo $? >> verified";
    let output = finish(shell(&world, &format!("{mended}\n{script}\n{end}\n{last}")).spawn().unwrap()).exits(0);
    assert_eq!(output.stderr.matches("Passed ").count(), 6, "each run is made once, by a worker: {output}");
    let verified = fs::read_to_string(world.path("verified")).unwrap();
    assert!(verified.contains("unrecorded-result") && verified.ends_with("\n4\n"), "{verified}");
    let results = fs::read_dir(world.path("scylla-results")).unwrap().map(|entry| entry.unwrap().path());
    let made: Vec<PathBuf> = results.filter(|path| path.is_dir()).collect();
    world.scylla(&["verify", made[0].to_str().unwrap()]).exits(0);
    no_process_is_left(&world);
}

/// What the schema of Kubernetes says of a text; `None` where there is nobody who could say it, which `.ci/run` installs.
fn validated(world: &World, text: &str) -> Option<Output> {
    world.write("job.yaml", text);
    let checked = Command::new("kubernetes-validate")
        .args(["--strict", "--kubernetes-version", "1.33.0", "job.yaml"])
        .current_dir(world.path(""))
        .output();
    checked.ok()
}

#[test]
fn the_job_for_kubernetes_follows_its_schema() {
    let (world, text) = (World::new(), file("docs/cluster/job.yaml"));
    let Some(good) = validated(&world, &text) else {
        assert!(env::var_os("CI").is_none(), "kubernetes-validate is not installed");
        return println!("skipped: kubernetes-validate is not installed, and the job is not held against its schema");
    };
    assert!(good.status.success(), "{good:?}");
    // A mistake would be seen.
    for (key, mistaken) in
        [("backoffLimitPerIndex: 2", "backoffLimitPerIndexes: 2"), ("completions: 1", "completions: one")]
    {
        assert!(text.contains(key), "{key}");
        let wrong = validated(&world, &text.replace(key, mistaken)).unwrap();
        assert!(!wrong.status.success(), "{mistaken}: {wrong:?}");
    }
}

#[test]
fn the_command_of_the_job_for_kubernetes_makes_the_run_of_its_line() {
    let job: Value = serde_saphyr::from_str(&file("docs/cluster/job.yaml")).unwrap();
    assert_eq!((&job["kind"], &job["spec"]["completionMode"]), (&json!("Job"), &json!("Indexed")));
    let container = &job["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(container["command"], json!(["/bin/sh", "-c"]));
    // What ends an index at once is what a second try would say again.
    assert_eq!(job["spec"]["podFailurePolicy"]["rules"][0]["onExitCodes"]["values"], json!([2, 5]));

    let world = World::new();
    let fixture = TestFixture::new().agent("T0/00-one", AGENT).agent("T0/01-two", AGENT).write(&world);
    let dir = planned(&world, &fixture, &["--runs", "1"]);
    let plan = world.scylla(&["plan", &dir, "--pending"]).exits(0).stdout;
    assert_eq!(plan, "T0/00/run_01\nT0/01/run_01\n");
    world.write("pending.txt", &plan);
    fs::create_dir(world.path("scratch")).unwrap();
    let pod = |index: &str| {
        let mut command = shell(&world, container["args"][0].as_str().unwrap());
        for variable in container["env"].as_array().unwrap() {
            let place = match variable["name"].as_str().unwrap() {
                "EXPERIMENT" => PathBuf::from(&dir),
                "PLAN" => world.path("pending.txt"),
                "SCRATCH" => world.path("scratch"),
                other => panic!("{other} is not known here"),
            };
            command.env(variable["name"].as_str().unwrap(), place);
        }
        finish(command.env("JOB_COMPLETION_INDEX", index).spawn().unwrap())
    };
    for (index, run) in ["0", "1"].into_iter().zip(plan.lines()) {
        let made = pod(index).exits(0);
        assert!(made.stderr.contains(run), "{run}: {made}");
    }
    pod("2").exits(2);
    assert_eq!(world.scylla(&["plan", &dir, "--pending"]).exits(0).stdout, "");
    world.scylla(&["repair", &dir]).exits(0);
    world.scylla(&["verify", &experiment(&world)]).exits(0);
    world.scylla(&["resume", &dir, "--max-cost-usd", "9"]).exits(0);
    assert_eq!(status(&world), "completed");
    no_process_is_left(&world);
}

#[test]
fn whoever_asks_for_jobs_wrongly_is_told_every_mistake() {
    let world = World::new();
    let asked = "cluster:\n  cpus: 0\n  memory: much\n  time: 3600\n  options: [\"gres=gpu:1\"]\n  tiers:\n    T6: {cpus: 1}\n    T9: {cpus: 1}\n";
    let fixture = TestFixture::new().agent("T0/00-one", AGENT).extra(asked).write(&world);
    let told = world.scylla(&["fixture", "check", &fixture]).exits(2);
    insta::with_settings!({
        snapshot_path => concat!(env!("CARGO_MANIFEST_DIR"), "/snapshots/fixture"),
        prepend_module_to_snapshot => false,
    }, {
        insta::assert_snapshot!("cluster", steady(&format!("{}{}", told.stdout, told.stderr), &world));
    });
}

/// Puts programs of a Slurm beside the others that has no jobs, and whose `scontrol` is this script; gives the `PATH`.
fn with_slurm(world: &World, scontrol: &str) -> String {
    for program in ["sbatch", "squeue", "scancel"] {
        world.program(&format!("bin/{program}"), "#!/bin/sh\n");
    }
    world.program("bin/scontrol", &format!("#!/bin/sh\n{scontrol}\n"));
    format!("{}:{}", world.path("bin").display(), env::var("PATH").unwrap())
}

fn with_path(world: &World, path: &str, arguments: &[&str]) -> world::Output {
    let mut command = world.command(arguments);
    finish(command.env("PATH", path).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
}

#[test]
fn memory_and_time_of_jobs_are_read_as_users_of_slurm_write_them() {
    let world = World::new();
    let asked = "cluster:\n  memory: 4096M\n  time: 30:00\n  tiers:\n    T1: {memory: 1G, time: 1-12:00:00}\n";
    let fixture = TestFixture::new().agent("T0/00-one", AGENT).agent("T1/00-two", AGENT).extra(asked).write(&world);
    let path = with_slurm(&world, "");
    let scripts = |more: &[&str]| {
        let plan = [&["run", &fixture, "--dry-run", "--timeout", "60", "--backend", "slurm"], more].concat();
        with_path(&world, &path, &plan).exits(0).stdout
    };
    let of_fixture = scripts(&[]);
    for option in ["--mem=4194304K", "--time=00:30:00", "--mem=1048576K", "--time=36:00:00"] {
        assert!(of_fixture.contains(&format!("#SBATCH {option}\n")), "{option}: {of_fixture}");
    }
    let of_flags = scripts(&["--mem", "2G", "--time", "1-0"]);
    for option in ["--mem=2097152K", "--time=24:00:00"] {
        assert!(of_flags.contains(&format!("#SBATCH {option}\n")), "{option}: {of_flags}");
    }
}

#[test]
fn a_resume_elsewhere_has_as_many_runs_at_once_as_is_usual_there_unless_somebody_said_how_many() {
    let world = World::new();
    let fixture = TestFixture::new().agent("T0/00-one", AGENT).write(&world);
    let path = with_slurm(&world, "");
    let run = ["run", "--tiers-dir", &fixture, "--results-dir", "results", "--runs", "1", "--plan-only"];
    with_path(&world, &path, &[&run[..], &["--backend", "slurm"]].concat()).exits(0);
    let dir = experiment(&world);
    let jobs = || -> Value {
        let config = fs::read(Path::new(&dir).join("config/experiment.json")).unwrap();
        serde_json::from_slice::<Value>(&config).unwrap()["jobs"].clone()
    };
    assert_eq!(jobs(), json!(100));
    let cores = std::thread::available_parallelism().unwrap().get();
    let resume = |more: &[&str]| with_path(&world, &path, &[&["resume", &dir], more].concat()).exits(0).stderr;
    let said = resume(&["--backend", "local"]);
    let differs = format!("`--jobs {cores}` is asked for, `--jobs 100` was saved: the new value takes effect");
    assert!(said.contains(&differs), "{said}");
    assert_eq!((jobs(), status(&world).as_str()), (json!(cores), "completed"));
    resume(&["--backend", "slurm"]);
    assert_eq!(jobs(), json!(100));
    // What somebody said stays, and so does the number where nothing changes.
    resume(&["--backend", "slurm", "--attempts", "2"]);
    assert_eq!(jobs(), json!(100));
    resume(&["--backend", "local", "--jobs", "100"]);
    assert_eq!(jobs(), json!(100));
    let chosen = cores + 1;
    resume(&["--jobs", &chosen.to_string()]);
    resume(&["--backend", "slurm"]);
    assert_eq!(jobs(), json!(chosen));
}

#[test]
fn what_is_asked_of_jobs_where_there_are_none_is_refused_and_a_plan_says_that_no_cluster_answers() {
    let world = World::new();
    let fixture = TestFixture::new().agent("T0/00-one", AGENT).write(&world);
    let refused = world.scylla(&["run", &fixture, "--cpus", "4"]).exits(2);
    assert!(refused.stderr.contains("say what the jobs of a cluster may use"), "{refused}");
    for (flag, bare, instead) in [("--time", "120", "such as `2m`"), ("--mem", "4096", "such as `4G`")] {
        let refused = world.scylla(&["run", &fixture, "--backend", "slurm", flag, bare]).exits(2);
        assert!(refused.stderr.contains(instead) && refused.stderr.contains("a number alone"), "{refused}");
    }
    let refused = world.scylla(&["run", &fixture, "--backend", "slurm", "--gres", "gpu:1"]).exits(2);
    assert!(refused.stderr.contains("`--sbatch=--gres=gpu:1` passes it to Slurm"), "{refused}");
    let refused = world.scylla(&["run", &fixture, "--backend", "slurm", "--sbatch=gres=gpu:1"]).exits(2);
    assert!(refused.stderr.contains("it is no option: it does not begin with `-`"), "{refused}");
    let path = with_slurm(&world, "echo 'scontrol: error: Unable to contact slurm controller' >&2; exit 1");
    let asked = |more: &[&str]| {
        with_path(&world, &path, &[&["run", &fixture, "--backend", "slurm", "--time", "1m"], more].concat())
    };
    let planned = asked(&["--dry-run"]).exits(0);
    for word in [
        "Slurm cannot be asked (scontrol: Unable to contact slurm controller)",
        "jobs are given 1m 00s, and an agent may take",
    ] {
        assert!(planned.stderr.contains(word), "{planned}");
    }
    assert!(planned.stdout.contains("#SBATCH --time=00:01:00"), "{planned}");
    let refused = asked(&[]).exits(2);
    assert!(refused.stderr.contains("Slurm cannot be asked"), "{refused}");
    assert!(!world.path("scylla-results").exists() || world.scylla(&["list"]).stdout.trim().is_empty());
}
