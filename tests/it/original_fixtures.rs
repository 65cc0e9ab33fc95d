//! The original's fixtures are read unchanged: every key, every store, every mistake with its place.

mod said;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use scylla::config::fixture::{Said, load, load_with};
use scylla::model::ids::{SubtestId, TierId};
use scylla::model::task::{Fixture, McpServer, Setup, Source, SystemPrompt, Tools};

use crate::upstream_fixture::{CATEGORIES, FIXTURE, JUDGE, SHARED, UpstreamFixture};
use crate::world::{World, steady};

/// What a test directory of the original lacks, in the words of ours.
fn named() -> String {
    format!("agent: {{kind: nop}}\njudges:\n  - kind: command\n    name: looker\n    shell: {}\n", quoted(JUDGE))
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}

#[track_caller]
fn loaded(fixture: &UpstreamFixture, world: &World) -> Fixture {
    load(Path::new(&fixture.write(world))).unwrap_or_else(|mistakes| panic!("{mistakes:#?}"))
}

fn setup(fixture: &Fixture, tier: u32, subtest: u32) -> &Setup {
    &fixture.tiers[&TierId(tier)][&SubtestId(subtest)].setup
}

/// What a person is told about a fixture with mistakes.
#[track_caller]
fn told(fixture: &UpstreamFixture) -> String {
    let world = World::new();
    let dir = fixture.write(&world);
    let output = world.scylla(&["fixture", "check", &dir]).exits(2);
    assert_eq!(output.stdout, "");
    steady(&output.stderr, &world)
}

macro_rules! assert_told {
    ($name:literal, $fixture:expr) => {
        insta::with_settings!({
            snapshot_path => concat!(env!("CARGO_MANIFEST_DIR"), "/snapshots/fixture"),
            prepend_module_to_snapshot => false,
            omit_expression => true,
        }, {
            insta::assert_snapshot!($name, told(&$fixture));
        });
    };
}

/// An agent that makes what the task asks for.
const DONE: &str = "touch done";

/// The flags that a fixture of the original needs.
fn flags<'a>(dir: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let mut flags = vec!["run", "--tiers-dir", dir, "--results-dir", "results", "--runs", "1"];
    flags.extend(["--agent-command", DONE, "--judge-command", JUDGE]);
    flags.extend(more);
    flags
}

use assert_told;

#[test]
fn every_key_of_the_originals_subtests_is_read() {
    let world = World::new();
    let fixture = loaded(&UpstreamFixture::new().test(&named()), &world);
    let counts: Vec<usize> = fixture.tiers.values().map(std::collections::BTreeMap::len).collect();
    assert_eq!(counts, [4, 4, 5, 4, 2, 5, 1]);
    assert_eq!((fixture.id.as_str(), fixture.timeout_seconds), ("test-001", Some(600)));
    assert!(matches!(fixture.source, Source::Repository { .. }));

    assert_eq!(setup(&fixture, 0, 0).system_prompt, SystemPrompt::None);
    assert_eq!(setup(&fixture, 0, 1).system_prompt, SystemPrompt::Default);
    assert_eq!(setup(&fixture, 0, 2).system_prompt, SystemPrompt::Custom);
    assert_eq!(setup(&fixture, 0, 3).resources.blocks, ["B01", "B02", "B03"]);
    assert_eq!(setup(&fixture, 1, 1).resources.skills, ["github"]);
    assert_eq!(setup(&fixture, 1, 3).resources.skills, ["gh-open"]);
    let some = Tools::Named(vec!["Read".into(), "Write".into(), "Edit".into()]);
    assert_eq!(setup(&fixture, 2, 1).resources.tools, Some(some));
    assert_eq!(setup(&fixture, 2, 4).resources.tools, Some(Tools::All));
    let server = |name: &str, source: Option<&str>, config_path: Option<&str>| McpServer {
        name: name.to_owned(),
        source: source.map(str::to_owned),
        config_path: config_path.map(str::to_owned),
    };
    let filesystem = server("filesystem", Some("modelcontextprotocol/servers"), None);
    assert_eq!(setup(&fixture, 2, 5).resources.mcp_servers, [filesystem]);
    let custom = server("custom", Some("local"), Some(".claude/mcp/custom.json"));
    assert_eq!(setup(&fixture, 2, 15).resources.mcp_servers, [custom]);
    assert_eq!(setup(&fixture, 3, 5).resources.agent_levels, BTreeSet::from([3]));
    assert_eq!(setup(&fixture, 3, 9).resources.agent_names, ["chief", "tester-a"]);
    assert_eq!((setup(&fixture, 4, 1).agent_teams, setup(&fixture, 4, 8).agent_teams), (false, true));
    assert_eq!(setup(&fixture, 5, 13).inherit_best_from, [TierId(2), TierId(3)]);
    assert_eq!(setup(&fixture, 5, 16).resources.tools, Some(Tools::Named(vec!["Bash".into()])));
    assert_eq!(setup(&fixture, 5, 16).resources.mcp_servers, [server("memory", None, None)]);
    let everything = &setup(&fixture, 6, 1).resources;
    assert_eq!(everything.agent_levels, (0..=5).collect());
    assert_eq!((everything.skills.len(), everything.blocks.len(), everything.mcp_servers.len()), (2, 3, 3));
}

#[test]
fn the_stores_have_what_is_named_by_paths_in_the_experiments_copy() {
    let world = World::new();
    let fixture = loaded(&UpstreamFixture::new().test(&named()).shared("blocks/B04-nobody.md", "x"), &world);
    let stores = &fixture.stores;
    assert_eq!(stores.blocks["B02"], "shared/blocks/B02-critical-rules.md");
    assert_eq!(stores.blocks.len(), 3, "B04 is named by no subtest");
    assert_eq!(stores.skills["github"], ["shared/skills/github/gh-close", "shared/skills/github/gh-open"]);
    assert_eq!(stores.agents[&3], ["shared/agents/L3/tester-a.md", "shared/agents/L3/tester-b.md"]);
    assert_eq!(stores.mcp[".claude/mcp/custom.json"], "shared/mcp/custom.json");
    let skills = &stores.tiers[&TierId(1)];
    assert_eq!((skills.name.as_str(), skills.tools_enabled, skills.delegation_enabled), ("Skills", None, false));
    let tools = &stores.tiers[&TierId(4)];
    assert_eq!((tools.tools_enabled, tools.delegation_enabled), (Some(true), true));
    let first = &fixture.tiers[&TierId(0)][&SubtestId(0)];
    assert_eq!((first.file.as_str(), first.name.as_str()), ("shared/subtests/t0/00-empty.yaml", "empty"));
}

#[test]
fn what_is_not_said_of_extending_follows_the_original_in_its_fixtures_and_is_false_in_ours() {
    let world = World::new();
    let silent = "name: silent\n";
    let fixture = UpstreamFixture::new().test(&named()).shared("subtests/t0/01-vanilla.yaml", silent);
    let fixture = loaded(&fixture.shared("subtests/t0/04-silent.yaml", silent), &world);
    let extends = |tier, subtest| setup(&fixture, tier, subtest).extends_previous;
    assert_eq!([extends(0, 1), extends(0, 4), extends(0, 2), extends(1, 2)], [false, true, false, true]);

    let ours = crate::fixture::TestFixture::new().subtest("T1/02-silent", "agent: {kind: nop}\n").write(&world);
    assert_eq!(setup(&load(Path::new(&ours)).unwrap(), 1, 2), &Setup::default());
}

#[test]
fn our_own_subtests_may_name_the_same_resources() {
    let world = World::new();
    let named = "agent: {kind: nop}\nextends_previous: true\nresources: {claude_md: {blocks: [B02]}}\n";
    let fixture = crate::fixture::TestFixture::new().subtest("T0/00-named", named);
    let dir = PathBuf::from(fixture.write(&world));
    world.write("fixture/shared/blocks/B02-rules.md", "Rules.\n");
    let loaded = load_with(&dir, &Said::default()).unwrap();
    assert_eq!(loaded.fixture.stores.blocks["B02"], "shared/blocks/B02-rules.md");
    assert!(loaded.parts.laid.is_empty(), "the fixture's copy has it already");
    assert!(setup(&loaded.fixture, 0, 0).extends_previous);
}

#[test]
fn the_shared_folder_is_the_one_that_is_said_else_the_fixtures_own_else_the_nearest() {
    let world = World::new();
    let dir = UpstreamFixture::new().test(&named()).write(&world);
    let dir = Path::new(&dir);
    let nearest = load_with(dir, &Said::default()).unwrap();
    let block = "shared/blocks/B02-critical-rules.md";
    let home = fs::canonicalize(world.path(SHARED)).unwrap();
    assert_eq!(nearest.parts.laid[block], home.join("blocks/B02-critical-rules.md"));

    fs::rename(world.path("upstream/tests/claude-code"), world.path("elsewhere")).unwrap();
    assert!(load(dir).is_err());
    let said = Said { shared_dir: Some(world.path("elsewhere/shared")), ..Said::default() };
    assert_eq!(load_with(dir, &said).unwrap().fixture, nearest.fixture);

    fs::rename(world.path("elsewhere/shared"), dir.join("shared")).unwrap();
    let own = load_with(dir, &Said::default()).unwrap();
    assert_eq!((own.fixture, own.parts.laid.len()), (nearest.fixture, 0));
}

#[test]
fn both_shapes_of_rubrics_are_read() {
    let world = World::new();
    let fixture = UpstreamFixture::new().test(&named());
    let requirements = loaded(&fixture, &world).rubric;
    let weights: Vec<f64> = requirements.items.iter().map(|item| item.weight).collect();
    assert_eq!(weights, [3.0, 0.5]);
    assert_eq!(requirements.items[1].description, "The file is tidy\n- No trailing spaces\n- One line");
    let categories = loaded(&fixture.file("expected/rubric.yaml", CATEGORIES), &world).rubric;
    let items: Vec<String> =
        categories.items.iter().map(|item| format!("{} {:.4} {:?}", item.id, item.weight, item.evaluation)).collect();
    assert_eq!(items, ["F1 0.2333 Binary", "F2 0.1167 Binary", "B1 0.4500 Binary", "OQ1 0.2000 Scaled"]);
    assert_eq!(categories.items[2].na_condition.as_deref(), Some("no formatter in the workspace"));
}

#[test]
fn an_experiments_copy_of_a_fixture_of_the_original_loads_by_itself() {
    let world = World::new();
    let dir = UpstreamFixture::new().test(&named()).write(&world);
    let fixture = load(Path::new(&dir)).unwrap();
    world.scylla(&["run", "--tiers-dir", &dir, "--results-dir", "results", "--max-cost-usd", "0"]).exits(6);
    fs::remove_dir_all(world.path("upstream")).unwrap();
    let copy = world.experiment().join("config/fixture");
    assert_eq!(load(&copy).unwrap_or_else(|mistakes| panic!("{mistakes:#?}")), fixture);
    assert!(copy.join("shared/skills/quality/lint/scripts/lint.sh").is_file());
    assert!(!copy.join("shared/blocks/README.md").exists(), "nobody names it");
}

#[test]
fn a_run_goes_on_while_the_shared_folder_is_the_same_and_stops_when_it_is_not() {
    let world = World::new();
    let dir = UpstreamFixture::new().test(&named()).write(&world);
    let run = ["run", "--tiers-dir", &dir, "--results-dir", "results", "--max-cost-usd", "0", "--runs", "1"];
    world.scylla(&run).exits(6);
    world.scylla(&run).exits(6);
    world.write(&format!("{SHARED}/blocks/B02-critical-rules.md"), "Other rules.\n");
    let changed = world.scylla(&run).exits(2);
    assert!(changed.stderr.contains("`shared/blocks/B02-critical-rules.md` is changed"), "{changed}");
}

#[test]
fn each_resource_that_is_named_and_not_there_is_told_with_its_path() {
    let absent = UpstreamFixture::new()
        .test(&named())
        .without_shared("blocks/B02")
        .without_shared("skills/quality")
        .without_shared("agents/L3")
        .without_shared("mcp")
        .shared("blocks/B03-style.md", "")
        .shared("blocks/B01-again.md", "twice")
        .shared("skills/github/README.md", "x");
    assert_told!("original-absent", absent);
}

#[test]
fn a_config_that_the_original_reads_nowhere_is_a_note_and_its_server_is_set_up_without_it() {
    let world = World::new();
    let dir = UpstreamFixture::new().test(&named()).without_shared("mcp").write(&world);
    let arguments = ["run", "--tiers-dir", &dir, "--results-dir", "results", "--tiers", "T2", "--runs", "1"];
    let output = world.scylla(&arguments).exits(0);
    let note = "names `.claude/mcp/custom.json`, which ProjectScylla reads nowhere, and there is no";
    assert!(output.stderr.contains(note), "{output}");
    assert!(world.experiment().join("T2/15/run_01/run_result.json").is_file());
    let checked = world.scylla(&["fixture", "check", &dir]).exits(0);
    assert!(checked.stderr.contains(note), "{checked}");
}

#[test]
fn a_store_that_was_emptied_stops_the_fixture_before_money_is_spent() {
    let world = World::new();
    let dir = UpstreamFixture::new()
        .test(&named())
        .without_shared("skills")
        .without_shared("subtests/t1/10")
        .tiers(&["T0", "T1"])
        .write(&world);
    fs::create_dir_all(world.path(SHARED).join("skills/github")).unwrap();
    let output = world.scylla(&["run", "--tiers-dir", &dir, "--results-dir", "results"]).exits(2);
    let says = "t1/01-github.yaml:6: `resources.skills.categories` names `github`, and there is no skill in `";
    assert!(output.stderr.contains(says), "{output}");
    assert_eq!(fs::read_dir(world.results()).unwrap().count(), 0);
}

#[test]
fn every_mistake_in_the_originals_subtests_is_told_at_once() {
    let fixture = UpstreamFixture::new()
        .test(&named())
        .tiers(&["T0", "T1", "T3", "T5", "T7"])
        .shared("subtests/t0/02-critical-only.yaml", "resources: {claude_md: {block: [B01]}, skils: {}}\nextend: true\n")
        .shared("subtests/t0/03-full.yaml", "extends_previous: maybe\nagent_teams: 1\nsystem_prompt_mode: empty\n")
        .shared("subtests/t0/05-names.yaml", "resources: {claude_md: {blocks: [../B01, B01, B01, '']}}\n")
        .shared("subtests/t0/06.yaml", "name: x\n")
        .shared(
            "subtests/t1/01-github.yaml",
            "skills: {categories: [github]}\nresources:\n  skills: {categories: [quality]}\n  mcp_servers: []\nmcp_servers: [git]\n",
        )
        .shared(
            "subtests/t3/01-designer.yaml",
            "agents: {levels: [6, two, 2, 2], names: [nobody.md]}\ntools: {enabled: [Read, '']}\n",
        )
        .shared("subtests/t3/05-reviewer.yaml", "tools: {enabled: some}\nmcp_servers: [{source: x}, {name: a}, {name: a}]\n")
        .shared(
            "subtests/t5/01-best-prompts.yaml",
            "inherit_best_from: [T0, T2, T5, T6, t1, T0]\nmcp_servers: [{name: x, config_path: ../x.json}]\n",
        )
        .shared("tiers.yaml", "tiers:\n  T0: {name: '', tools_enabled: yes please}\n  tier1: {name: x}\n  T2: {title: x}\n");
    assert_told!("original-subtests", fixture);
}

#[test]
fn without_a_shared_folder_a_fixture_of_the_original_says_where_it_may_be() {
    assert_told!("original-unshared", UpstreamFixture::new().test(&named()).without_shared(""));
}

#[test]
fn limits_that_make_no_sense_are_told() {
    let fixture = UpstreamFixture::new().test(&named()).file("config.yaml", "timeout_seconds: 0\nmax_cost: 5\n");
    assert_told!("original-limits", fixture);
}

#[test]
fn a_shared_folder_that_is_not_there_or_is_one_too_many_is_told() {
    let world = World::new();
    let dir = UpstreamFixture::new().test(&named()).write(&world);
    let absent = world.scylla(&["fixture", "check", &dir, "--shared-dir", "nowhere"]).exits(2);
    assert!(absent.stderr.contains("nowhere: is not a folder"), "{absent}");
    fs::create_dir(world.path(FIXTURE).join("shared")).unwrap();
    let two = world.scylla(&["fixture", "check", &dir, "--shared-dir", SHARED]).exits(2);
    assert!(two.stderr.contains("test-001/shared: is the fixture's own, and `"), "{two}");
}

#[test]
fn a_folder_of_fixtures_is_one_table_and_then_every_mistake_once() {
    let world = World::new();
    let fixture = UpstreamFixture::new().test(&named());
    fixture.write(&world);
    let tests = world.path("upstream/tests/fixtures/tests");
    let copy = |name: &str, from: &str, to: &str| {
        for file in ["prompt.md", "config.yaml", "expected/criteria.md", "expected/rubric.yaml", "test.yaml"] {
            let text = fs::read_to_string(tests.join("test-001").join(file)).unwrap();
            world.write(&format!("upstream/tests/fixtures/tests/{name}/{file}"), &text.replace(from, to));
        }
    };
    copy("test-002", "test-001", "test-002");
    fs::create_dir_all(tests.join("test-config-loader/expected")).unwrap();
    let check = |code| {
        let output = world.scylla(&["fixture", "check", tests.to_str().unwrap()]).exits(code);
        steady(&format!("{}{}", output.stdout, output.stderr), &world)
    };
    let whole = check(0);
    copy("test-003", "pass_threshold: 0.70", "pass_threshold: 70");
    copy("test-004", "expected/criteria.md", "expected/critera.md");
    fs::remove_file(world.path(SHARED).join("blocks/B02-critical-rules.md")).unwrap();
    let broken = check(2);
    insta::with_settings!({
        snapshot_path => concat!(env!("CARGO_MANIFEST_DIR"), "/snapshots/fixture"),
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, {
        insta::assert_snapshot!("table", whole);
        insta::assert_snapshot!("table-with-mistakes", broken);
    });
}

#[test]
fn subtests_that_compose_the_same_are_told_before_they_are_paid_for() {
    let same = "resources: {claude_md: {blocks: [B02]}}\nextends_previous: false\n";
    let fixture = UpstreamFixture::new()
        .shared("subtests/t4/20-same.yaml", same)
        .shared("subtests/t5/20-same.yaml", &format!("{same}agent: {{kind: nop}}\n"))
        .shared("subtests/t6/20-same.yaml", same);
    let world = World::new();
    let dir = fixture.write(&world);
    let told = |tiers: &str| {
        let output = world
            .scylla(&flags(&dir, &["--fresh", "--max-cost-usd", "0", "--inherit", "none", "--tiers", tiers]))
            .exits(6);
        let line = |line: &str| {
            line.split_once("`T").filter(|_| line.ends_with("compose the same")).map(|(_, rest)| format!("`T{rest}"))
        };
        output.stderr.lines().filter_map(line).collect::<Vec<_>>()
    };
    assert_eq!(told("T3"), ["`T3/05` and `T3/06` compose the same"]);
    assert_eq!(
        told("T4,T5,T6"),
        ["`T4/20` and `T6/20` compose the same", "`T5/01` and `T5/15` compose the same"],
        "the agent of `T5/20` is another one, and two that only inherit have nothing of their own"
    );
    assert_eq!(told("T0,T1"), [""; 0], "each inherits from a tier of its own");
    let of_three = [("T0/02", "T4/20"), ("T0/03", "T5/06"), ("T5/01", "T5/15")];
    assert_eq!(told("T0,T4,T5"), of_three.map(|(one, other)| format!("`{one}` and `{other}` compose the same")));
}
