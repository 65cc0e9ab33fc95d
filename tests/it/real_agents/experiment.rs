//! Experiments with a real program in which a model of the scripted server judges: one run each, unless more are asked for.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::programs::{Real, Task};
use crate::model_server::{Api, Asked, ModelServer, Say};
use crate::scenes::json;
use crate::verify::folder::copy;
use crate::world::{World, shipped};

/// The model that judges.
pub(super) const JUDGE: &str = "judging-model";

/// How long an agent may work, in seconds: it is waited out by no test but those of limits.
pub(super) const PATIENT: &str = "140";

/// What does the task of `hello-script`.
pub(super) const HELLO: Task = Task { file: "hello.sh", text: "echo 'Hello, world'\n" };

/// What does the task of `fix-the-crate`.
pub(super) const CRATE: Task = Task {
    file: "src/lib.rs",
    text: "//! Shares out a bill among friends.

/// What each of `people` friends pays for a bill of `cents`; the first ones pay the cents that are left over.
pub fn split(cents: u64, people: u64) -> Vec<u64> {
    let share = cents / people;
    let left_over = cents % people;
    (0..people).map(|friend| share + u64::from(friend < left_over)).collect()
}
",
};

/// The full score for so many items of a rubric.
pub(super) fn full_score(items: usize) -> Say {
    Say::scores(&["R001", "R002", "R003"].map(|item| (item, 1.0))[..items])
}

/// A world with real programs and a server.
pub(super) struct Experiment {
    pub(super) world: World,
    pub(super) server: ModelServer,
    reals: Vec<&'static Real>,
    installed: PathBuf,
}

impl Experiment {
    /// One of `hello-script` in which the server does this about requests of the agent, and its judge finds everything well done.
    pub(super) fn new(
        installed: &Path,
        real: &'static Real,
        agent: impl Fn(&Asked) -> Say + Send + Sync + 'static,
    ) -> Self {
        let script = move |asked: &Asked| if asked.model == JUDGE { full_score(2) } else { agent(asked) };
        Self::with(installed, "hello-script", &[real], script)
    }

    /// One of a shipped fixture in which the server does this about each request.
    pub(super) fn with(
        installed: &Path,
        fixture: &str,
        reals: &[&'static Real],
        script: impl Fn(&Asked) -> Say + Send + Sync + 'static,
    ) -> Self {
        let (world, server) = (World::new(), ModelServer::start(script));
        judged(&world, fixture, &server);
        Self { world, server, reals: reals.to_owned(), installed: installed.to_owned() }
    }

    /// A command that finds the programs and the server.
    pub(super) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = finding(&self.world, &self.installed, arguments);
        for real in &self.reals {
            real.reaches(&self.server, &mut command);
        }
        command
    }

    /// The command that begins one run of `hello-script` by the first program, unless it says more.
    pub(super) fn run(&self, more: &[&str]) -> Command {
        let mut command = self.command(&RUN);
        one_by(self.reals[0], &mut command, more);
        command
    }

    /// The same when the server is gone, with no key and no address of one.
    pub(super) fn run_without_server(self, more: &[&str]) -> (World, Command) {
        let Self { world, server, reals, installed } = self;
        let addresses = reals[0].configuration(&server);
        drop(server);
        let mut command = finding(&world, &installed, &RUN);
        command.envs(addresses);
        one_by(reals[0], &mut command, more);
        (world, command)
    }

    /// The result of a run such as `T0/00/run_01`.
    pub(super) fn result(&self, run: &str) -> Value {
        json(&self.world.experiment().join(run).join("run_result.json"))
    }

    /// How often agents asked their models to work.
    pub(super) fn asked(&self) -> u64 {
        let is_work = |asked: &Asked| self.reals.iter().any(|real| real.is_work(asked));
        self.server.asked().iter().filter(|asked| is_work(asked)).count() as u64
    }
}

/// The beginning of the command that begins one run of `hello-script`.
const RUN: [&str; 5] = ["run", "--tiers-dir", "hello-script", "--results-dir", "results"];

/// The rest of it: by this program, unless it says `more`.
fn one_by(real: &Real, command: &mut Command, more: &[&str]) {
    let agent = format!("{}@{}", real.kind, real.version());
    command.args(["--jobs", "1", "--tiers", "T0", "--max-subtests", "1", "--agent", &agent, "--model", real.model]);
    for [flag, value] in [["--runs", "1"], ["--timeout", PATIENT]].iter().filter(|[flag, _]| !more.contains(flag)) {
        command.args([flag, value]);
    }
    command.args(more);
}

/// A command that finds the programs.
fn finding(world: &World, installed: &Path, arguments: &[&str]) -> Command {
    let mut command = world.command(arguments);
    let path = format!("{}:{}", installed.join("bin").display(), std::env::var("PATH").unwrap());
    command.env("PATH", path);
    command
}

/// Writes a shipped fixture into a world, with a model of the server as one more judge.
fn judged(world: &World, name: &str, server: &ModelServer) {
    copy(shipped(name).as_ref(), &world.path(name));
    let file = format!("{name}/test.yaml");
    let yaml = fs::read_to_string(world.path(&file)).unwrap();
    let base = server.base_url(Api::AnthropicMessages);
    let checks = "  - kind: checks\n";
    let model = format!("  - {{kind: model, name: {JUDGE}, api: anthropic, model: {JUDGE}, base_url: '{base}'}}\n");
    let yaml = match yaml.split_once(checks) {
        Some((before, after)) => [before, checks, &model, after].concat(),
        None => [&yaml, "judges:\n", checks, &model].concat(),
    };
    world.write(&file, &yaml);
}
