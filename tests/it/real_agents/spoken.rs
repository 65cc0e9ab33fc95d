//! A real program that speaks the Agent Client Protocol, as the agent `acp` of a fixture.

use super::experiment::{Experiment, HELLO, PATIENT};
use super::programs::{Real, installed};
use crate::model_server::Say;
use crate::scenes::{alive, experiment, output};
use crate::world::Live;

/// An experiment whose one setup is this program, started by this command.
fn speaking(of: &Experiment, command: &str, variables: &[&str]) {
    let quiet = "{OPENCODE_DISABLE_AUTOUPDATE: '1', OPENCODE_DISABLE_MODELS_FETCH: '1', OPENCODE_DISABLE_SHARE: '1'}";
    let agent = format!("agent: {{kind: acp, command: [{command}], environment: {quiet}}}\n");
    of.world.write("hello-script/tiers/T0/00-nothing.yaml", &agent);
    of.world.write("hello-script/scylla.yaml", &format!("environment: [{}]\n", variables.join(", ")));
}

/// The command that begins its one run.
fn run(of: &Experiment, real: &Real) -> std::process::Command {
    let mut command = of.command(&["run", "--tiers-dir", "hello-script", "--results-dir", "results", "--runs", "1"]);
    command.args(["--jobs", "1", "--tiers", "T0", "--max-subtests", "1", "--attempts", "1", "--model", real.model]);
    // The limit of the fixture is short for a program that starts slowly where others work beside it.
    command.args(["--timeout", PATIENT]);
    command
}

/// It is set to its model, does the task, is asked for nothing twice, and tells its steps, its version and its end.
pub(super) fn does_the_task(real: &'static Real, command: &str, variables: &[&str]) {
    let Some(installed) = installed() else { return };
    let of = Experiment::new(&installed, real, |asked| (real.works)(asked, HELLO));
    speaking(&of, command, variables);
    let ended = output(&mut run(&of, real)).exits(0);
    let result = of.result("T0/00/run_01");
    assert_eq!((&result["judge_passed"], &result["agent_end"]), (&true.into(), &"finished".into()), "{ended}");
    assert!(result["agent_version"].as_str().is_some_and(|it| it.ends_with(&real.version())), "{result:#}");
    assert_eq!(of.asked(), real.answers, "it is asked with the model that it is set to: {ended}");
    let steps = of.world.scylla(&["show", &experiment(&of.world), "T0/00/1", "--steps"]).exits(0).stdout;
    assert!(steps.contains("I write the file.") && steps.contains("hello.sh"), "{steps}");
}

/// Its model is silent when it is stopped: its turn is cancelled, and nothing of it is left.
pub(super) fn is_stopped(real: &'static Real, command: &str, variables: &[&str]) {
    let Some(installed) = installed() else { return };
    let of =
        Experiment::new(
            &installed,
            real,
            |asked| if real.is_work(asked) { Say::Hang } else { (real.works)(asked, HELLO) },
        );
    speaking(&of, command, variables);
    let live = Live::start(&mut run(&of, real));
    of.server.wait_for(real.asked_for, 1);
    live.signal("TERM");
    let (code, _, stderr) = live.end();
    assert_eq!(code, Some(143), "{stderr}");
    assert!(alive(of.world.path("results").to_str().unwrap()).is_empty());
}
