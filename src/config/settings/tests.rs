//! Settings are read and laid over each other, and their mistakes are reported.

use super::*;
use crate::model::usage::Price;

const WHOLE: &str = r#"
tiers-dir = "tests/fixtures/tests/fix-the-crate"
shared-dir = "claude-code/shared"
agent-command = "claude -p < $SCYLLA_PROMPT_FILE"
judge-command = ["judge one", "judge two"]
results-dir = "results"
work-dir = "/scratch"
jobs = 2
runs = 3
tiers.run = ["T0", "T5"]
tiers.inherit = "previous-best"
price-per-run = 0.25
model = "m1"
judge-model = ["j1", "j2"]
thinking = "High"
timeout = 60
max-subtests = 4
attempts = 5
max-cost-usd = 1.5
max-time = "90m"
keep-workspaces = "failed"
containment = "walk"
max-pause = 90
prices = { "mine" = { input = 3, output = 15, cache-read = 0.3 } }
gate = { max-missing = 1, max-errored = 0, min-runs = 5, min-judges = 2, min-pass-rate = { "T1/02" = 0.8, T0 = 1 }, deny-warnings = true }
"#;

fn whole() -> Settings {
    Settings {
        tiers_dir: Some("tests/fixtures/tests/fix-the-crate".into()),
        shared_dir: Some("claude-code/shared".into()),
        agent_command: Some("claude -p < $SCYLLA_PROMPT_FILE".into()),
        judge_command: Some(vec!["judge one".into(), "judge two".into()]),
        results_dir: Some("results".into()),
        work_dir: Some("/scratch".into()),
        jobs: Some(2),
        runs: Some(3),
        tiers: Some(vec![TierId(0), TierId(5)]),
        inherit: Some(Inherit::PreviousBest),
        price_per_run: Usd::from_dollars(0.25).ok(),
        model: Some(vec!["m1".into()]),
        judge_model: Some(vec!["j1".into(), "j2".into()]),
        thinking: Some("High".into()),
        timeout: Some(60),
        max_subtests: Some(4),
        attempts: Some(5),
        max_cost_usd: Usd::from_dollars(1.5).ok(),
        max_time: Some(5400),
        prices: Some(OwnPrices::from([(
            "mine".to_owned(),
            Price {
                input: Usd::from_dollars(3.0).unwrap(),
                output: Usd::from_dollars(15.0).unwrap(),
                cache_read: Usd::from_dollars(0.3).ok(),
                cache_write: None,
            },
        )])),
        max_pause: Some(90),
        keep_workspaces: Some(KeepWorkspaces::Failed),
        containment: Some(ContainmentChoice::Walk),
        gate: Some(Policy {
            max_missing: Some(1),
            max_errored: Some(0),
            min_runs: Some(5),
            min_judges: Some(2),
            min_pass_rate: vec!["T1/02=0.8".parse().unwrap(), "T0=1".parse().unwrap()],
            deny_warnings: true,
            no_secrets: false,
            require_seal: false,
            same_agent_version: false,
        }),
    }
}

#[test]
fn every_key_is_read_from_toml() {
    assert_eq!(from_toml(WHOLE, Path::new("scylla.toml")), Ok(whole()));
    assert_eq!(from_toml("", Path::new("scylla.toml")), Ok(Settings::default()));
}

#[test]
fn tiers_are_a_list_or_a_table() {
    let read = |text| from_toml(text, Path::new("scylla.toml"));
    let list = read("tiers = ['T0', 'T5']").unwrap();
    assert_eq!((list.tiers, list.inherit), (whole().tiers, None));
    let table = read("[tiers]\ninherit = 'none'").unwrap();
    assert_eq!((table.tiers, table.inherit), (None, Some(Inherit::None)));
    let mistakes = read("tiers.inherit = 'nothing'\ntiers.runs = ['T0']").unwrap_err();
    let told: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        ["scylla.toml:1: `tiers.inherit` cannot be `nothing`", "scylla.toml:2: unknown key `tiers.runs`",]
    );
}

#[test]
fn the_manifest_says_the_same_as_toml() {
    let manifest =
        format!("[workspace]\nmembers = []\n[workspace.metadata.scylla]{WHOLE}[workspace.metadata.other]\nx = 1\n");
    assert_eq!(from_manifest(&manifest, Path::new("Cargo.toml")), Ok(whole()));
    assert_eq!(from_manifest("[package]\nname = 'x'\n", Path::new("Cargo.toml")), Ok(Settings::default()));
}

#[test]
fn what_is_set_wins_over_the_lower_place_for_every_key() {
    assert_eq!(whole().over(Settings::default()), whole());
    assert_eq!(Settings::default().over(whole()), whole());
    let other = Settings {
        tiers_dir: Some("a".into()),
        shared_dir: Some("c".into()),
        agent_command: Some("d".into()),
        judge_command: Some(vec!["e".into()]),
        results_dir: Some("b".into()),
        work_dir: Some("scratch".into()),
        jobs: Some(9),
        runs: Some(9),
        tiers: Some(vec![TierId(9)]),
        inherit: Some(Inherit::None),
        price_per_run: Some(Usd::ZERO),
        model: Some(vec!["a".into()]),
        judge_model: Some(vec!["b".into()]),
        thinking: Some("Low".into()),
        timeout: Some(9),
        max_subtests: Some(9),
        attempts: Some(9),
        max_cost_usd: Some(Usd::ZERO),
        max_time: Some(9),
        prices: Some(OwnPrices::new()),
        max_pause: Some(9),
        keep_workspaces: Some(KeepWorkspaces::All),
        containment: Some(ContainmentChoice::Auto),
        gate: Some(Policy::default()),
    };
    assert_eq!(other.clone().over(whole()), other);
}

#[test]
fn every_mistake_of_the_settings_is_told_at_once() {
    let text = "job = 2\nruns = 0\ntiers = ['t0', 'T1']\nmodel = 3\nthinking = 'high'\ntimeout = '60'\n\
                max-cost-usd = -1\nkeep-workspaces = 'some'\njudge-model = []\ncontainment = true\n\
                tiers-dir = ''\nattempts = 1.5\n[scylla]\njobs = 1\n\
                [gate]\nmin-run = 1\nmax-missing = -1\nno-secrets = 'yes'\n\
                [gate.min-pass-rate]\nT0 = 1.5\none = 0.5\n'T1/02' = '1'\n";
    let mistakes = from_toml(text, Path::new(".config/scylla.toml")).unwrap_err();
    insta::with_settings!({
        snapshot_path => concat!(env!("CARGO_MANIFEST_DIR"), "/snapshots/fixture"), prepend_module_to_snapshot => false
    }, {
        insta::assert_snapshot!("settings-mistakes", crate::config::mistake::report(&mistakes));
    });
}

#[test]
fn a_mistake_in_the_manifest_names_its_line_and_the_table() {
    let manifest = "[workspace]\n\n[workspace.metadata.scylla]\ntiersdir = 'x'\njobs = '2'\n";
    let mistakes = from_manifest(manifest, Path::new("Cargo.toml")).unwrap_err();
    let told: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "Cargo.toml:4: unknown key `workspace.metadata.scylla.tiersdir`",
            "Cargo.toml:5: `workspace.metadata.scylla.jobs` is `\"2\"`, not a whole number from 1 to 4096",
        ]
    );
    assert_eq!(mistakes[0].hint.as_deref(), Some("did you mean `tiers-dir`?"));
}
