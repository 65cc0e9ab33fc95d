//! What people ask of jobs, do to them, and take from under them: none of it loses a job, pays a run twice, or leaves keys behind.

use std::fs;
use std::path::Path;

use super::config::Auth;
use super::scene::Scene;
use super::there::{program, search_path};
use crate::scenes::{experiment, json as read, status};
use crate::world::Live;

/// The file of the variables that jobs are given.
pub(super) fn keys_are_there(scene: &Scene) -> bool {
    Path::new(&experiment(&scene.world)).join(".jobs/variables.json").exists()
}

/// How many runs the session has seen on a machine.
fn placed_on(scene: &Scene, machine: &str) -> usize {
    let placements = Path::new(&experiment(&scene.world)).join(".jobs/placements.json");
    fs::read_to_string(placements).unwrap_or_default().matches(&format!("\"node\":\"{machine}\"")).count()
}

/// Kills a session while four of its twelve jobs work, and the others wait.
pub(super) fn killed_with_jobs(scene: &Scene) {
    scene.close();
    let mut live = scene.run(&["--jobs", "12"]);
    scene.wait_for_starts(&mut live, 4);
    live.kill();
    assert!(keys_are_there(scene));
}

#[test]
fn options_that_would_hide_jobs_are_refused_before_anything_is_made_and_a_folder_may_have_any_name() {
    let Some(scene) = Scene::new(1, Auth::Nothing) else { return };
    let refused = scene.end(scene.run(&["--sbatch=--comment=mine", "--sbatch=-J other", "--time", "10m"]));
    assert_eq!(refused.code, Some(2), "{}", refused.stderr);
    for word in ["`--comment=mine` is not yours to set", "`-J other` is not yours to set"] {
        assert!(refused.stderr.contains(word), "{}", refused.stderr);
    }
    assert_eq!(fs::read_dir(scene.world.path("results")).map_or(0, Iterator::count), 0);
    let named = r#"my "50%" of results"#;
    let ended = scene.end(scene.run_into(named, 1, &["--sbatch=--nice=5", "--max-subtests", "1"]));
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(scene.world.lines("starts"), 2);
    scene.cluster.wait_for_rest();
    let backslash = scene.end(scene.run_into(r"a\b", 1, &[]));
    assert_eq!(backslash.code, Some(2), "{}", backslash.stderr);
    assert!(backslash.stderr.contains("a backslash, which Slurm does not take"), "{}", backslash.stderr);
}

#[test]
fn a_resume_without_a_cluster_takes_waiting_jobs_back_and_removes_the_keys_when_no_job_is_left() {
    let Some(scene) = Scene::new(1, Auth::Nothing) else { return };
    killed_with_jobs(&scene);
    let mut local = scene.resume(&["--backend", "local"]);
    scene.wait_until("jobs that wait are taken back", || scene.cluster.squeue("%T") == ["RUNNING"; 4]);
    // Jobs that run are those of their session, and this one leaves their runs alone.
    local.wait_for_reason("experiment-started");
    scene.open();
    let first = scene.end(local);
    let is_said = |event: &serde_json::Value| {
        event["message"].as_str().is_some_and(|text| text.starts_with("4 jobs of a former session go on"))
    };
    assert!(first.events.iter().any(is_said), "{:#?}", first.events);
    scene.cluster.wait_for_rest();
    assert!(matches!(first.code, Some(0 | 6)), "{}", first.stderr);
    let last = scene.end(scene.resume(&[]));
    assert_eq!((last.code, status(&scene.world).as_str()), (Some(0), "completed"), "{}", last.stderr);
    assert!(!keys_are_there(&scene));
    assert!(scene.starts().values().all(|count| *count == 1), "{:?}", scene.starts());
}

#[test]
fn jobs_that_wait_keep_the_keys_that_the_shell_of_a_resume_does_not_have() {
    let Some(scene) = Scene::new(1, Auth::Nothing) else { return };
    scene.close();
    let mut live = Live::start(scene.command_to_run(&["--jobs", "6"]).env("NO_PROXY", "kept.example"));
    scene.wait_for_starts(&mut live, 4);
    live.kill();
    let mut second = scene.resume(&[]);
    second.wait_for_reason("experiment-started");
    let given = Path::new(&experiment(&scene.world)).join(".jobs/variables.json");
    assert_eq!(read(&given)["NO_PROXY"], "kept.example");
    scene.open();
    let ended = scene.end(second);
    scene.is_as_a_local_run(&ended, &[]);
    assert!(!keys_are_there(&scene));
}

#[test]
fn what_was_cut_off_while_nobody_coordinated_is_begun_again_and_counts_as_no_failure() {
    let Some(mut scene) = Scene::new(1, Auth::Nothing) else { return };
    killed_with_jobs(&scene);
    scene.cluster.kill_node(1);
    scene.cluster.tool("scancel", &["--user", "root"]);
    scene.open();
    scene.cluster.start_node(1);
    scene.cluster.wait_for_rest();
    let ended = scene.end(scene.resume(&["--attempts", "1"]));
    scene.is_as_a_local_run(&ended, &[]);
    assert!(ended.events.iter().all(|event| event["reason"] != "attempt-failed"), "{}", ended.stderr);
}

#[test]
fn jobs_that_somebody_holds_are_waited_for_and_said_and_one_that_was_held_after_it_ran_is_submitted_again() {
    let Some(scene) = Scene::new(1, Auth::Nothing) else { return };
    scene.close();
    let mut live = scene.run(&["--jobs", "6"]);
    scene.wait_for_starts(&mut live, 4);
    let waiting =
        scene.cluster.squeue("%T %i").into_iter().find_map(|job| job.strip_prefix("PENDING ").map(str::to_owned));
    let waiting = waiting.expect("two jobs wait");
    scene.cluster.tool("scontrol", &["uhold", &waiting]);
    let notice = live.wait_for_reason("notice");
    let message = notice["message"].as_str().unwrap();
    assert!(message.contains(&waiting) && message.contains("(JobHeldUser)"), "{message}");
    let dir = experiment(&scene.world);
    scene.wait_until("it is shown why it waits", || {
        let shown = scene.scylla(&["status", &dir]).exits(0);
        shown.stdout.contains("in the cluster's queue") && shown.stdout.contains("1 for JobHeldUser")
    });
    let running =
        scene.cluster.squeue("%T %i").into_iter().find_map(|job| job.strip_prefix("RUNNING ").map(str::to_owned));
    let running = running.unwrap();
    scene.cluster.tool("scontrol", &["requeuehold", &running]);
    scene.wait_until("it is submitted again", || !scene.cluster.squeue("%i").contains(&running));
    scene.open();
    scene.cluster.tool("scontrol", &["release", &waiting]);
    let ended = scene.end(live);
    scene.is_as_a_local_run(&ended, &[]);
    assert_eq!(scene.starts().values().filter(|count| **count == 2).count(), 1, "{:?}", scene.starts());
}

#[test]
fn jobs_that_slurm_would_refuse_are_refused_before_anything_is_made_and_a_plan_says_so() {
    let Some(scene) = Scene::new(1, Auth::Nothing) else { return };
    for (flag, why) in
        [("--partition=nowhere", "nvalid partition"), ("--sbatch=--acount=mine", "unrecognized option '--acount=mine'")]
    {
        let planned = scene.end(scene.run(&[flag, "--dry-run"]));
        assert_eq!(planned.code, Some(0), "{}", planned.stderr);
        let refused = scene.end(scene.run(&[flag]));
        assert_eq!(refused.code, Some(2), "{}", refused.stderr);
        for stderr in [planned.stderr, refused.stderr] {
            assert!(stderr.contains("Slurm refuses such jobs (sbatch: ") && stderr.contains(why), "{stderr}");
        }
    }
    assert_eq!(fs::read_dir(scene.world.path("results")).map_or(0, Iterator::count), 0);
}

#[test]
fn when_slurm_refuses_jobs_nothing_more_is_submitted_and_no_attempt_is_spent() {
    let Some(scene) = Scene::new(1, Auth::Nothing) else { return };
    let planned = scene.end(scene.run(&["--plan-only"]));
    let refused = scene.end(scene.resume(&["--partition", "nowhere"]));
    assert_eq!(refused.code, Some(6), "{}", refused.stderr);
    let notices = refused.events.iter().filter(|event| event["reason"] == "notice");
    let said: Vec<&str> =
        notices.filter_map(|event| event["message"].as_str()).filter(|text| text.contains("sbatch: ")).collect();
    assert!(
        matches!(said[..], [one] if one.contains("Invalid partition") && one.contains("nothing new is started")),
        "{said:?}"
    );
    assert!(refused.events.iter().all(|event| event["reason"] != "attempt-failed" && event["reason"] != "run-errored"));
    assert!(!keys_are_there(&scene));
    let ended = scene.end(scene.resume(&["--partition", "main"]));
    scene.is_as_a_local_run(&ended, &[&planned, &refused]);
}

#[test]
fn what_slurm_says_of_a_job_that_it_ended_is_kept_with_its_attempt() {
    let Some(scene) = Scene::new(1, Auth::Nothing) else { return };
    scene.close();
    let mut live = scene.run(&["--jobs", "5", "--attempts", "1"]);
    scene.wait_for_starts(&mut live, 4);
    scene.wait_until("jobs run", || scene.cluster.squeue("%T").iter().filter(|state| *state == "RUNNING").count() == 4);
    let job = |state: &str| {
        let jobs = scene.cluster.squeue("%T %i");
        jobs.iter().find_map(|job| job.strip_prefix(state)).map(|job| job.trim().to_owned()).unwrap()
    };
    let (waiting, running) = (job("PENDING"), job("RUNNING"));
    scene.cluster.tool("scancel", &[&waiting, &running]);
    let failed = [live.wait_for_reason("attempt-failed"), live.wait_for_reason("attempt-failed")];
    scene.open();
    let ended = scene.end(live);
    assert_eq!(ended.code, Some(6), "{}", ended.stderr);
    let dir = experiment(&scene.world);
    for run in failed.iter().map(|event| event["run"].as_str().unwrap()) {
        let shown = scene.scylla(&["show", &dir, run]).exits(0);
        assert!(shown.stdout.contains("errored") && shown.stdout.contains("CANCELLED"), "{shown}");
    }
    let status = scene.scylla(&["status", &dir]).exits(0);
    assert!(status.stdout.contains("2 errored") && status.stdout.contains("CANCELLED"), "{status}");
    scene.scylla(&["verify", &dir]).exits(6);
    let last = scene.end(scene.resume(&[]));
    assert_eq!(last.code, Some(0), "{}", last.stderr);
    scene.scylla(&["verify", &dir]).exits(0);
}

#[test]
fn at_the_limit_of_time_jobs_that_wait_are_taken_back() {
    let Some(scene) = Scene::new(1, Auth::Nothing) else { return };
    scene.close();
    let mut live = scene.run(&["--jobs", "12", "--max-time", "15s"]);
    scene.wait_for_starts(&mut live, 4);
    live.wait_for_reason("time-reached");
    scene.wait_until("jobs that wait are taken back", || scene.cluster.squeue("%T") == ["RUNNING"; 4]);
    scene.open();
    let reached = scene.end(live);
    assert_eq!((reached.code, status(&scene.world).as_str()), (Some(6), "time_reached"), "{}", reached.stderr);
    assert_eq!(scene.starts().len(), 4);
    let ended = scene.end(scene.resume(&["--max-time", "1h"]));
    scene.is_as_a_local_run(&ended, &[&reached]);
}

#[test]
fn of_jobs_that_wait_only_those_are_taken_back_that_would_exceed_the_ceiling() {
    let Some(scene) = Scene::new(1, Auth::Nothing) else { return };
    scene.close();
    let mut live = scene.run(&["--jobs", "12", "--max-cost-usd", "3"]);
    scene.wait_for_starts(&mut live, 4);
    // It costs a quarter or half of a dollar: so it is known what the others will cost, and that some of them may begin and some may not.
    scene.let_go(1);
    live.wait_for_reason("run-withdrawn");
    scene.open();
    let reached = scene.end(live);
    assert_eq!((reached.code, status(&scene.world).as_str()), (Some(6), "budget_reached"), "{}", reached.stderr);
    let is_wrong = |event: &&serde_json::Value| {
        event["reason"] == "attempt-failed"
            || event["message"].as_str().is_some_and(|text| text.contains("is submitted again"))
    };
    assert_eq!(reached.events.iter().find(is_wrong), None);
    assert!((4..=11).contains(&scene.starts().len()), "{:?}", scene.starts());
    let ended = scene.end(scene.resume(&["--max-cost-usd", "100"]));
    scene.is_as_a_local_run(&ended, &[&reached]);
    assert!(scene.starts().values().all(|count| *count == 1), "{:?}", scene.starts());
}

#[test]
fn with_the_controller_away_a_third_interrupt_goes_at_once_and_the_next_session_finds_the_jobs() {
    let Some(mut scene) = Scene::new(1, Auth::Nothing) else { return };
    scene.close();
    let mut live = scene.run(&["--jobs", "12"]);
    scene.wait_for_starts(&mut live, 4);
    scene.cluster.wait_for_saved_state();
    scene.cluster.kill_controller();
    for _ in 0..3 {
        live.signal("INT");
        live.wait_for_reason("stopping");
    }
    let stopped = scene.end(live);
    assert_eq!(stopped.code, Some(130), "{}", stopped.stderr);
    assert!(
        stopped.events.iter().any(|event| event["message"].as_str().is_some_and(|text| text.contains("they are left")))
    );
    assert!(keys_are_there(&scene));
    scene.open();
    scene.cluster.start_controller();
    let ended = scene.end(scene.resume(&[]));
    scene.is_as_a_local_run(&ended, &[&stopped]);
    assert!(scene.starts().values().all(|count| *count == 1), "{:?}", scene.starts());
    assert!(fs::read_dir(Path::new(&experiment(&scene.world)).join(".jobs/batches")).is_ok());
}

#[test]
fn how_a_job_ended_that_the_controller_has_forgotten_is_read_from_the_record_of_completed_jobs() {
    let Some(scene) = Scene::new(1, Auth::Nothing) else { return };
    let (real, path) = (program("scontrol").unwrap(), search_path());
    let forget =
        "case \"$*\" in *'show job'*) echo 'slurm_load_jobs error: Invalid job id specified' >&2; exit 1;; esac";
    scene.world.program("bin/scontrol", &format!("#!/bin/sh\n{forget}\nexec {} \"$@\"\n", real.display()));
    let path = format!("{}:{path}", scene.world.path("bin").display());
    scene.close();
    let mut live = Live::start(scene.command_to_run(&["--jobs", "4"]).env("PATH", path));
    scene.wait_for_starts(&mut live, 4);
    // Only the queue calls the machine so, and gives each job the number by which it is remembered.
    scene.wait_until("the session has seen the jobs in the queue", || placed_on(&scene, "n1") == 4);
    let job = scene.cluster.squeue("%i").remove(0);
    scene.cluster.tool("scancel", &[&job]);
    let failed = live.wait_for_reason("attempt-failed");
    let message = failed["failure"]["message"].as_str().unwrap_or_default();
    assert!(message.contains(&format!("its job {job} ")) && message.contains("(CANCELLED"), "{failed}");
    scene.open();
    let ended = scene.end(live);
    scene.is_as_a_local_run(&ended, &[]);
}

#[test]
fn what_slurm_puts_back_after_an_interrupt_is_not_begun_again() {
    let Some(scene) = Scene::new(1, Auth::Nothing) else { return };
    scene.close();
    let mut live = scene.run(&["--jobs", "4"]);
    scene.wait_for_starts(&mut live, 4);
    scene.wait_until("the session has seen the jobs in the queue", || placed_on(&scene, "n1") == 4);
    live.signal("INT");
    live.wait_for_reason("stopping");
    scene.cluster.tool("scontrol", &["requeue", &scene.cluster.squeue("%i").remove(0)]);
    live.wait_for_reason("run-withdrawn");
    scene.open();
    let stopped = scene.end(live);
    assert_eq!((stopped.code, scene.world.lines("starts")), (Some(130), 4), "{}", stopped.stderr);
    let ended = scene.end(scene.resume(&[]));
    scene.is_as_a_local_run(&ended, &[&stopped]);
}

/// Where programs are looked for by whoever may have three jobs at once.
fn with_few_jobs(scene: &Scene) -> String {
    // Accounting sets such limits, which this cluster has none of: what stands before `sbatch` refuses as it does.
    let (real, path) = (program("sbatch").unwrap(), search_path());
    let refuse = "echo 'sbatch: error: AssocMaxSubmitJobLimit' >&2; echo 'sbatch: error: Batch job submission failed: \
                  Job violates accounting/QOS policy (job submit limit, the size of jobs and/or time limits)' >&2; exit 1";
    let count = "jobs=$(($(squeue -h -r | wc -l) + $(sed -n 's/^#SBATCH --array=1-//p' \"$2\")))";
    let script = format!(
        "#!/bin/sh\n[ $1 != --test-only ] || exec {0} \"$@\"\n{count}\n[ $jobs -le 3 ] || {{ {refuse}; }}\nexec {0} \"$@\"\n",
        real.display()
    );
    scene.world.program("bin/sbatch", &script);
    format!("{}:{path}", scene.world.path("bin").display())
}

const TAKES_NO_MORE: &str = "the others are submitted when some have ended";

#[test]
fn what_the_cluster_took_no_more_of_is_not_submitted_after_an_interrupt() {
    let Some(scene) = Scene::new(1, Auth::Nothing) else { return };
    let path = with_few_jobs(&scene);
    scene.close();
    let mut live = Live::start(scene.command_to_run(&["--jobs", "12"]).env("PATH", path));
    while !live.wait_for_reason("notice")["message"].as_str().unwrap().contains(TAKES_NO_MORE) {}
    scene.wait_for_starts(&mut live, 3);
    live.signal("INT");
    live.wait_for_reason("stopping");
    scene.open();
    let stopped = scene.end(live);
    assert_eq!((stopped.code, scene.starts().len()), (Some(130), 3), "{}", stopped.stderr);
    let ended = scene.end(scene.resume(&[]));
    scene.is_as_a_local_run(&ended, &[&stopped]);
}

#[test]
fn where_a_user_may_have_few_jobs_at_once_the_others_are_submitted_as_those_end() {
    let Some(scene) = Scene::new(1, Auth::Nothing) else { return };
    let path = with_few_jobs(&scene);
    let ended = scene.end(Live::start(scene.command_to_run(&["--jobs", "12"]).env("PATH", path)));
    scene.is_as_a_local_run(&ended, &[]);
    let said = ended.events.iter().filter_map(|event| event["message"].as_str());
    let said = said.filter(|message| message.contains(TAKES_NO_MORE));
    assert_eq!(said.count(), 1, "{:#?}", ended.events);
    assert!(ended.events.iter().all(|event| event["reason"] != "attempt-failed"));
}
