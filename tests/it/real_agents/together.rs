//! A real task by a real program, killed in between; and different programs in one experiment.

use std::fs;

use super::experiment::{CRATE, Experiment, HELLO, JUDGE, full_score};
use super::programs::{CLAUDE_CODE, GEMINI, MINI_SWE_AGENT, OPENCODE, Real, installed};
use crate::model_server::Say;
use crate::scenes::{experiment, output, status};
use crate::world::Live;

/// The number of setups of `fix-the-crate`.
const SETUPS: u64 = 5;

#[test]
fn claude_code_mends_the_crate_and_is_killed_twice_in_between_and_no_agent_or_judge_is_paid_twice() {
    let Some(installed) = installed() else { return };
    // The agent's second run begins, and the judge's third verdict is waited for, when nobody answers.
    let of = Experiment::with(&installed, "fix-the-crate", &[&CLAUDE_CODE], |asked| match asked.model.as_str() {
        JUDGE if asked.before == 2 => Say::Hang,
        JUDGE => full_score(3),
        _ if asked.before as u64 == CLAUDE_CODE.answers => Say::Hang,
        _ => (CLAUDE_CODE.works)(asked, CRATE),
    });
    // The command line names the judge's model.
    let file = "fix-the-crate/test.yaml";
    let yaml = fs::read_to_string(of.world.path(file)).unwrap();
    of.world.write(file, &yaml.replace(&format!("model: {JUDGE}, "), ""));
    let mut first = of.command(&["run", "--tiers-dir", "fix-the-crate", "--results-dir", "results", "--runs", "1"]);
    first.args(["--jobs", "1", "--agent", "claude-code", "--model", CLAUDE_CODE.model, "--judge-model", JUDGE]);
    let mut live = Live::start(&mut first);
    of.server.wait_for(CLAUDE_CODE.asked_for, usize::try_from(CLAUDE_CODE.answers).unwrap() + 1);
    live.kill();
    let resume = || of.command(&["resume"]);
    let mut live = Live::start(&mut resume());
    of.server.wait_for(JUDGE, 3);
    live.kill();
    let ended = output(&mut resume()).exits(0);

    // What was not answered was not paid: one request of the agent, and one of the judge.
    let asked = (of.asked(), of.server.times(JUDGE) as u64);
    assert_eq!(asked, (SETUPS * CLAUDE_CODE.answers + 1, SETUPS + 1), "{ended}");
    assert_eq!(status(&of.world), "completed");
    let dir = experiment(&of.world);
    of.world.scylla(&["verify", &dir]).exits(0);
    for run in ["T0/00/run_01", "T0/01/run_01", "T1/00/run_01", "T1/01/run_01", "T1/02/run_01"] {
        let result = of.result(run);
        assert_eq!((&result["judge_passed"], &result["agent_end"]), (&true.into(), &"finished".into()), "{result:#}");
    }
    assert_eq!(output(&mut resume()).exits(0).stderr.matches("error").count(), 0);
    assert_eq!((of.asked(), of.server.times(JUDGE) as u64), asked, "a finished experiment asks nobody");
}

/// Four programs of four makers, each with the variable that names its model.
static FOUR: [(&Real, Option<&str>); 4] = [
    (&CLAUDE_CODE, Some("ANTHROPIC_MODEL")),
    (&GEMINI, Some("GEMINI_MODEL")),
    (&MINI_SWE_AGENT, Some("MSWEA_MODEL_NAME")),
    // It is named where its server is.
    (&OPENCODE, None),
];

#[test]
fn four_different_programs_do_one_task_in_one_experiment_and_its_table_names_them() {
    let Some(installed) = installed() else { return };
    let programs = FOUR.map(|(real, _)| real);
    let of = Experiment::with(&installed, "hello-script", &programs, move |asked| {
        match programs.into_iter().find(|real| asked.model == real.asked_for) {
            Some(real) => (real.works)(asked, HELLO),
            None => full_score(2),
        }
    });
    fs::remove_dir_all(of.world.path("hello-script/tiers/T0")).unwrap();
    for (place, (real, variable)) in FOUR.into_iter().enumerate() {
        let environment = variable.map(|name| format!("environment: {{{name}: {}}}, ", real.model)).unwrap_or_default();
        let agent = format!("kind: {}, {environment}version: {}", real.kind, real.version());
        let file = format!("hello-script/tiers/T0/{place:02}-by-{}.yaml", real.kind);
        of.world.write(&file, &format!("name: By {}\nagent: {{{agent}}}\n", real.kind));
    }
    let arguments = ["run", "--tiers-dir", "hello-script", "--results-dir", "results", "--runs", "1", "--tiers", "T0"];
    let ended = output(of.command(&arguments).args(["--jobs", "2", "--timeout", "140"])).exits(0);
    let answers: u64 = programs.iter().map(|real| real.answers).sum();
    assert_eq!((of.asked(), of.server.times(JUDGE)), (answers, FOUR.len()), "{ended}");
    let dir = experiment(&of.world);
    of.world.scylla(&["verify", &dir]).exits(0);
    let report = of.world.scylla(&["report", &dir]).exits(0);
    for (place, real) in programs.into_iter().enumerate() {
        let result = of.result(&format!("T0/{place:02}/run_01"));
        let told = (&result["judge_passed"], &result["agent_version"]);
        assert_eq!(told, (&true.into(), &real.version().into()), "{result:#}");
        let row = report.stdout.lines().find(|line| line.contains(&format!("By {}", real.kind)));
        assert!(row.is_some_and(|row| row.contains(&format!("T0/{place:02}"))), "{report}");
    }
}
