//! A real task by a real program, killed in between; and different programs in one experiment.

use super::experiment::{CRATE, Experiment, JUDGE, full_score};
use super::programs::{CLAUDE_CODE, installed};
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
