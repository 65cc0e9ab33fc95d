//! Fixtures that tests write: small tasks whose agents, checks and judges tell a log that they were asked, and wait at
//! gates until the test lets them go.

use std::fs;

use crate::world::World;

/// A fixture that is written into a world.
pub(crate) struct TestFixture {
    subtests: Vec<(String, String)>,
    judge: Option<String>,
    check: String,
    extra: String,
}

impl TestFixture {
    /// A task with no agents yet; its check passes where `done` is.
    pub(crate) fn new() -> Self {
        Self { subtests: Vec::new(), judge: None, check: "test -f done".to_owned(), extra: String::new() }
    }

    /// One more subtest, whose agent is this shell line. `file` is below `tiers/`, such as `T0/00-name`.
    pub(crate) fn agent(self, file: &str, shell: &str) -> Self {
        self.subtest(file, &format!("agent:\n  kind: command\n  shell: {}\n", quoted(shell)))
    }

    /// One more subtest in its own words.
    pub(crate) fn subtest(mut self, file: &str, yaml: &str) -> Self {
        self.subtests.push((file.to_owned(), yaml.to_owned()));
        self
    }

    /// A second judge beside `checks`: a shell line.
    pub(crate) fn judge(mut self, shell: &str) -> Self {
        self.judge = Some(shell.to_owned());
        self
    }

    pub(crate) fn check(mut self, shell: &str) -> Self {
        shell.clone_into(&mut self.check);
        self
    }

    /// More lines for `test.yaml`.
    pub(crate) fn extra(mut self, lines: &str) -> Self {
        self.extra.push_str(lines);
        self
    }

    /// Writes it to `fixture/` and returns the path.
    pub(crate) fn write(&self, world: &World) -> String {
        let mut tiers: Vec<&str> = self.subtests.iter().map(|(file, _)| file.split('/').next().unwrap()).collect();
        tiers.dedup();
        let judges = self.judge.as_ref().map_or(String::new(), |shell| {
            format!("judges:\n  - kind: checks\n  - kind: command\n    name: asked\n    shell: {}\n", quoted(shell))
        });
        let yaml = format!(
            "id: tested\nname: Tested\ndescription: A task for tests.\nlanguage: shell\n\
             task:\n  prompt_file: prompt.md\n  timeout_seconds: 100\n\
             validation:\n  criteria_file: expected/criteria.md\n  rubric_file: expected/rubric.yaml\n\
             checks:\n  - name: done\n    shell: {}\n{judges}{}tiers: [{}]\n",
            quoted(&self.check),
            self.extra,
            tiers.join(", "),
        );
        world.write("fixture/test.yaml", &yaml);
        world.write("fixture/prompt.md", "Make a file that is called `done`.\n");
        world.write("fixture/source/readme.txt", "A task.\n");
        world.write("fixture/expected/criteria.md", "The file is there.\n");
        world.write(
            "fixture/expected/rubric.yaml",
            "requirements:\n  - id: R001\n    description: The file is there.\n    weight: 1.0\n    evaluation: binary\n    \
             rests_on: done\ngrading:\n  pass_threshold: 0.7\n  grade_scale: {S: 1.0, A: 0.8, B: 0.6, C: 0.4, D: 0.2, F: 0.0}\n",
        );
        for (file, yaml) in &self.subtests {
            world.write(&format!("fixture/tiers/{file}.yaml"), yaml);
        }
        world.path("fixture").to_str().unwrap().to_owned()
    }
}

fn quoted(shell: &str) -> String {
    serde_json::to_string(shell).unwrap()
}

/// A shell line that tells `NAME.log` that it was asked, then waits at `NAME.gate` while that file is there.
pub(crate) fn gated(world: &World, name: &str) -> String {
    let (log, gate) = (world.path(&format!("{name}.log")), world.path(&format!("{name}.gate")));
    format!("echo asked >> {log}; while [ -e {gate} ]; do sleep 0.02; done", log = log.display(), gate = gate.display())
}

/// Closes a gate.
pub(crate) fn close(world: &World, name: &str) {
    world.write(&format!("{name}.gate"), "");
}

/// Opens a gate.
pub(crate) fn open(world: &World, name: &str) {
    fs::remove_file(world.path(&format!("{name}.gate"))).unwrap();
}

/// A judge's answer that gives the full score.
pub(crate) const FULL_SCORE: &str = r#"cat > /dev/null; echo '{"items":{"R001":{"score":1,"explanation":"there"}},"reasoning":"good","cost_usd":0.02}'"#;
