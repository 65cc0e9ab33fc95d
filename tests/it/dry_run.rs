//! What `run --dry-run` says of the conditions under which runs would be made, and of what is missing for them here.

use std::process::Command;

use serde_json::json;

use crate::fixture::TestFixture;
use crate::scenes::{containments, experiment, output};
use crate::world::{Live, Output, World, steady};

/// A panel of each kind that asks a model.
const JUDGES: &str = "judges:\n  \
    - {kind: command, name: strict, command: ['./judge.sh']}\n  \
    - {kind: model, name: gpt, api: openai-responses, model: gpt-5.2}\n  \
    - {kind: model, name: open, api: openai-responses}\n  \
    - {kind: agent-program, name: critic, agent: claude-code, model: opus}\n";

const CONDITIONS: &str =
    "environment: [MY_TOKEN, PROXY_URL]\nlimits: {turns: 30, cost_usd: 0.5}\nsandbox: {memory: 4GiB}\n";

/// A program that says its version, and would do nothing else.
const CODEX: &str = "#!/bin/sh\n[ \"$1\" = --version ] && { echo codex-cli 0.170.0; exit 0; }\nexit 1\n";

fn dry_run(world: &World, fixture: &str, more: &[&str]) -> Output {
    let arguments = ["run", "--tiers-dir", fixture, "--results-dir", "results", "--dry-run"];
    let mut command: Command = world.command(&[&arguments[..], more].concat());
    command.env("PATH", format!("{}:/usr/bin:/bin", world.path("bin").display())).env("MY_TOKEN", "t-1");
    output(&mut command).exits(0)
}

fn snapshot(name: &str, text: &str) {
    insta::with_settings!({
        snapshot_path => concat!(env!("CARGO_MANIFEST_DIR"), "/snapshots/screens_e2e"),
        prepend_module_to_snapshot => false,
    }, {
        insta::assert_snapshot!(name, text);
    });
}

#[test]
fn a_dry_run_names_limits_judges_and_variables_and_all_that_a_run_would_fail_without() {
    let world = World::new();
    world.program("bin/codex", CODEX);
    let fixture = TestFixture::new().agent("T0/00-own", "true").extra(&format!("{CONDITIONS}{JUDGES}")).write(&world);
    world.program("fixture/judge.sh", "#!/bin/sh\n");
    let more = ["--agent", "codex@0.169.0", "--model", "gpt-5.2", "--timeout", "900", "--max-cost-usd", "20"];
    let told = dry_run(&world, &fixture, &more);
    snapshot("dry-run-conditions", &steady(&format!("{}{}", told.stderr, told.stdout), &world));
    assert!(told.stdout.lines().all(|line| line.chars().count() <= 80), "{told}");
    let page = dry_run(&world, &fixture, &[&more[..], &["--message-format", "json"]].concat());
    let page: serde_json::Value = serde_json::from_str(&page.stdout).unwrap();
    let conditions = &page["conditions"];
    assert_eq!(conditions["variables"][1], json!({"name": "PROXY_URL", "set": false}));
    assert_eq!(conditions["judges"][3]["program"], "claude-code");
    assert_eq!(
        (&conditions["limits"]["max_run_turns"], &conditions["limits"]["timeout_seconds"]),
        (&json!(30), &json!(900))
    );
    let notes = page["notes"].as_array().unwrap();
    assert!(notes.iter().any(|note| note.as_str().unwrap().contains("`OPENAI_API_KEY`, which is not set")), "{page:#}");
    assert_eq!(std::fs::read_dir(world.results()).map_or(0, Iterator::count), 0);
    // What a plan says is missing is what a run is refused for.
    let mut run =
        world.command(&["run", "--tiers-dir", &fixture, "--results-dir", "results", "--agent", "codex@0.169.0"]);
    run.env("PATH", format!("{}:/usr/bin:/bin", world.path("bin").display()));
    let refused = output(&mut run).exits(2);
    for why in [
        "the judge `open` names no model",
        "through `claude`, which is not installed",
        "`OPENAI_API_KEY`, which is not set",
    ] {
        assert!(
            refused.stderr.contains(why) && notes.iter().any(|note| note.as_str().unwrap().contains(why)),
            "{refused}"
        );
    }
}

#[test]
fn a_network_that_is_kept_from_an_agent_which_asks_its_model_over_it_is_told_when_planned_and_when_begun() {
    if !containments().contains(&"bubblewrap") {
        return println!("skipped: bubblewrap does not work here");
    }
    let world = World::new();
    world.program("bin/codex", CODEX);
    let fixture = TestFixture::new().agent("T0/00-own", "touch done").write(&world);
    let sealed = ["--sandbox", "bubblewrap", "--network", "none"];
    let why = "an agent of the kind `codex` asks its model over it";
    let told = dry_run(&world, &fixture, &[&sealed[..], &["--agent", "codex"]].concat());
    assert!(told.stderr.split_whitespace().collect::<Vec<_>>().join(" ").contains(why), "{told}");
    let begun = ["run", "--tiers-dir", &fixture, "--results-dir", "results", "--agent", "codex"];
    let mut begun = world.command(&[&begun[..], &sealed].concat());
    begun.env("PATH", format!("{}:/usr/bin:/bin", world.path("bin").display()));
    let refused = output(&mut begun).exits(2);
    assert!(refused.stderr.contains(why) && refused.stderr.contains("`--network model`"), "{refused}");
    assert_eq!(std::fs::read_dir(world.results()).map_or(0, Iterator::count), 0);
    assert!(told.stdout.contains("  sandbox    bubblewrap, network none; judges are in no sandbox\n"), "{told}");
    let own = dry_run(&world, &fixture, &sealed);
    assert!(!own.stderr.contains("asks its model"), "{own}");
}

/// As without its judges' programs, which are refused in the same way.
#[test]
fn nothing_begins_and_nothing_goes_on_without_the_program_of_an_agent_that_has_work_to_do() {
    let world = World::new();
    let fixture = TestFixture::new().agent("T0/00-own", "exit 0").write(&world);
    world.program("bin/claude", "#!/bin/sh\nsleep 60\n");
    let path = format!("{}:/usr/bin:/bin", world.path("bin").display());
    let arguments = ["run", "--tiers-dir", &fixture, "--results-dir", "results", "--runs", "1"];
    let by = |agent: &str| {
        let mut command = world.command(&[&arguments[..], &["--agent", agent]].concat());
        command.env("PATH", &path);
        command
    };
    let refused = output(&mut by("codex")).exits(2);
    assert!(refused.stderr.contains("the agent `codex` starts `codex`, which is not installed"), "{refused}");
    assert!(refused.stderr.contains("type `npm install --global @openai/codex`; no agent was started"), "{refused}");
    assert_eq!(std::fs::read_dir(world.results()).map_or(0, Iterator::count), 0);

    let mut live = Live::start(&mut by("claude-code"));
    live.wait_for("the agent's stage", |event| event["stage"] == "agent");
    live.kill();
    std::fs::remove_file(world.path("bin/claude")).unwrap();
    let resume = || {
        let mut command = world.command(&["resume", &experiment(&world)]);
        command.env("PATH", &path);
        command
    };
    let refused = output(&mut resume()).exits(2);
    assert!(refused.stderr.contains("the agent `claude-code` starts `claude`, which is not installed"), "{refused}");
    // What is done needs nobody.
    world.program("bin/claude", "#!/bin/sh\nexit 1\n");
    output(&mut resume()).exits(6);
}

#[test]
fn who_is_given_no_key_and_which_model_has_no_price_is_told_when_planned_and_when_begun() {
    let world = World::new();
    world.program("bin/claude", "#!/bin/sh\nexit 1\n");
    let judges = "judges:\n  - {kind: agent-program, name: critic, agent: claude-code, model: own-judge}\n";
    let fixture = TestFixture::new().agent("T0/00-own", "true").extra(judges).write(&world);
    let more = ["--agent", "claude-code", "--model", "own-model", "--max-run-cost-usd", "1", "--max-cost-usd", "9"];
    let path = format!("{}:/usr/bin:/bin", world.path("bin").display());
    let told = |first: &[&str], set: &[(&str, &str)]| {
        let start = ["run", "--tiers-dir", &fixture, "--results-dir", "results", "--runs", "1", "--attempts", "1"];
        let mut command = world.command(&[&start[..], &more, first].concat());
        output(command.env("PATH", &path).envs(set.iter().copied()))
    };
    let keys = "set `ANTHROPIC_API_KEY` or `ANTHROPIC_AUTH_TOKEN` or `CLAUDE_CODE_OAUTH_TOKEN`";
    let agent = format!("no key of the agent `claude-code` is set: {keys}, if `claude /login` was not typed");
    let judge = agent.replace("agent `claude-code`", "judge `critic`");
    let price = "nobody here knows what `own-judge` and `own-model` cost: what they answer counts against no ceiling";
    let planned = told(&["--dry-run"], &[]).exits(0);
    for why in [&agent, &judge, price] {
        assert!(planned.stderr.contains(why), "no {why}: {planned}");
    }
    let begun = told(&["--message-format", "json"], &[]);
    let notices: String =
        begun.events().iter().filter_map(|event| event["message"].as_str().map(str::to_owned)).collect();
    for why in [&agent, &judge, price] {
        assert!(notices.contains(why), "no {why}: {begun}");
    }
    let has_address = told(&["--fresh", "--dry-run"], &[("ANTHROPIC_BASE_URL", "http://127.0.0.1:9")]).exits(0);
    let advice = "(any word, where the server at `ANTHROPIC_BASE_URL` asks for none: the program does)";
    assert!(has_address.stderr.contains(advice), "{has_address}");
    let has_key = told(&["--fresh", "--dry-run"], &[("ANTHROPIC_API_KEY", "k")]).exits(0);
    assert!(!has_key.stderr.contains("no key of"), "{has_key}");
}

#[test]
fn the_limits_of_each_run_are_named_by_status() {
    let world = World::new();
    let fixture = TestFixture::new().agent("T0/00-own", "touch done").extra("limits: {turns: 30}\n").write(&world);
    let arguments = ["run", "--tiers-dir", &fixture, "--results-dir", "results", "--runs", "1", "--timeout", "900"];
    world.scylla(&[&arguments[..], &["--max-run-cost-usd", "0.5"]].concat()).exits(0);
    let dir = experiment(&world);
    let limits = "15m 00s, 30 turns and $0.5000 for each agent";
    let status = world.scylla(&["status", &dir]).exits(0);
    assert!(status.stdout.contains(&format!("  limits   {limits}\n")), "{status}");
    let status = world.scylla(&["status", &dir, "--message-format", "json"]).exits(0);
    let status: serde_json::Value = serde_json::from_str(&status.stdout).unwrap();
    assert_eq!(status["run_limits"]["max_run_cost_usd"], 0.5);
}

/// What the plan says of a kind of agent is what becomes of its run: see the tests of the gateway.
#[test]
fn the_plan_says_which_agents_are_metered_and_why_others_are_not_and_names_program_and_version_of_each() {
    let world = World::new();
    for program in ["codex", "claude", "mini", "opencode", "aider", "gemini"] {
        world.program(&format!("bin/{program}"), "#!/bin/sh\necho 1.2.3\n");
    }
    let mut fixture = TestFixture::new().agent("T0/00-own", "true");
    for (at, agent) in [
        "{kind: claude-code, version: 1.2.3, model: claude-haiku-4-5}",
        "{kind: codex, version: 1.2.3}",
        "{kind: gemini}",
        "{kind: opencode, version: 1.2.3}",
        "{kind: mini-swe-agent}",
        "{kind: aider, environment: {OPENAI_API_KEY: k}}",
        "{kind: acp, command: [opencode, acp]}",
        "{kind: nop}",
        "{kind: claude-code, version: 1.2.3, environment: {CLAUDE_CODE_USE_BEDROCK: '1'}}",
    ]
    .iter()
    .enumerate()
    {
        fixture = fixture.subtest(&format!("T0/{:02}-other", at + 1), &format!("agent: {agent}\n"));
    }
    let fixture = fixture.write(&world);
    let mut told = String::new();
    for gateway in ["meter", "require", "off"] {
        let mut command = world.command(&["run", "--tiers-dir", &fixture, "--dry-run", "--gateway", gateway]);
        command.env("PATH", format!("{}:/usr/bin:/bin", world.path("bin").display()));
        command.env("ANTHROPIC_API_KEY", "k").env("OPENAI_BASE_URL", "http://127.0.0.1:9/v1");
        let plan = output(&mut command).exits(0);
        let lines = plan.stdout.lines().skip_while(|line| !line.starts_with("  gateway"));
        let lines: Vec<&str> = lines.take_while(|line| !line.starts_with("  judges")).collect();
        told.extend([&lines.join("\n"), "\n\n"]);
        if gateway == "off" {
            let agents = plan.stdout.lines().filter(|line| line.starts_with("     agent "));
            agents.for_each(|line| told.extend([line.trim_start(), "\n"]));
        }
        assert!(plan.stdout.lines().all(|line| line.chars().count() <= 80), "{plan}");
    }
    snapshot("dry-run-gateway", &told);
}
