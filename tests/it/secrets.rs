//! What programs of a run are told of the world, and what of it is kept: an allow-list, and no secret on the disk.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::json as expected;

use crate::fixture::{FULL_SCORE, TestFixture, close, gated, open};
use crate::scenes::{experiment, files_below, json, output};
use crate::world::{Live, World, wait_until};

const SECRET: &str = "sk-live/4711+äöü=xyz";
const OTHER: &str = "hunter2-hunter2";

/// Every standard variable, and some that nobody asked for.
const SURROUNDINGS: [(&str, &str); 12] = [
    ("USER", "me"),
    ("LOGNAME", "me"),
    ("SHELL", "/bin/sh"),
    ("LANG", "C"),
    ("TERM", "dumb"),
    ("TZ", "UTC"),
    ("LC_TIME", "C"),
    ("AWS_SECRET_ACCESS_KEY", "not for agents"),
    ("GITHUB_TOKEN", "not for agents either"),
    ("GIT_DIR", "/nowhere"),
    ("RUST_LOG", "trace"),
    ("SCYLLA_JOBS", "7"),
];

fn names(environment: &Path) -> BTreeSet<String> {
    let text = fs::read_to_string(environment).unwrap();
    text.lines().filter_map(|line| Some(line.split_once('=')?.0.to_owned())).collect()
}

#[test]
fn programs_of_a_run_are_given_the_allowed_variables_and_no_other() {
    let world = World::new();
    let dump = |name: &str| format!("env > {}", world.path(name).display());
    let fixture = TestFixture::new()
        .agent("T0/00-dump", &format!("{}; touch done", dump("agent.env")))
        .check(&format!("{}; test -f done", dump("check.env")))
        .judge(&format!("{}; {FULL_SCORE}", dump("judge.env")))
        .extra("environment: [NAMED, ABSENT]\n")
        .write(&world);
    let arguments = ["run", "--tiers-dir", &fixture, "--results-dir", "results", "--runs", "1", "--model", "small"];
    output(world.command(&arguments).envs(SURROUNDINGS).env("NAMED", "yes")).exits(0);
    let world_made = ["GIT_CEILING_DIRECTORIES", "HOME", "LC_ALL", "PATH", "CARGO_HOME", "RUSTUP_HOME", "TMPDIR"];
    let shell_made = ["PWD", "OLDPWD", "SHLVL", "_"];
    let standard = ["USER", "LOGNAME", "SHELL", "LANG", "TERM", "TZ", "LC_TIME", "NAMED"];
    let allowed = |name: &str| [&world_made[..], &shell_made, &standard].concat().contains(&name);
    for (file, ours) in [
        (
            "agent.env",
            &[
                "SCYLLA_ATTEMPT",
                "SCYLLA_FIXTURE",
                "SCYLLA_MODEL",
                "SCYLLA_PROMPT",
                "SCYLLA_PROMPT_FILE",
                "SCYLLA_RECORD_FILE",
                "SCYLLA_RUN",
                "SCYLLA_RUN_TOKEN",
                "SCYLLA_SUBTEST",
                "SCYLLA_SYSTEM_PROMPT_MODE",
                "SCYLLA_TIER",
                "SCYLLA_WORKSPACE",
            ][..],
        ),
        ("check.env", &["SCYLLA_FIXTURE", "SCYLLA_RUN_TOKEN"]),
        ("judge.env", &["SCYLLA_ATTEMPT", "SCYLLA_FIXTURE", "SCYLLA_RUN_TOKEN"]),
    ] {
        let given = names(&world.path(file));
        let (of_scylla, others): (BTreeSet<&str>, BTreeSet<&str>) =
            given.iter().map(String::as_str).partition(|name| name.starts_with("SCYLLA_"));
        assert_eq!(of_scylla, ours.iter().copied().collect(), "{file}");
        let surplus: Vec<&&str> = others.iter().filter(|name| !allowed(name)).collect();
        assert!(surplus.is_empty(), "{file}: {surplus:?}");
        for name in standard {
            assert!(others.contains(name), "{file} has no {name}");
        }
    }
}

/// The forms of a secret that must not be in any file.
fn forms() -> Vec<Vec<u8>> {
    let json = serde_json::to_string(SECRET).unwrap();
    vec![
        SECRET.into(),
        OTHER.into(),
        json.trim_matches('"').into(),
        b"sk-live%2F4711%2B".to_vec(),
        // base64 of what precedes the first character that depends on its neighbours
        b"c2stbGl2ZS80NzExK".to_vec(),
    ]
}

/// Files of the experiment's folder that hold a secret; what git keeps compressed, what agents work in and what they changed
/// is theirs: a patch that was edited could not be applied.
fn leaks(folder: &Path) -> Vec<String> {
    let forms = forms();
    let kept = files_below(folder).into_iter().filter(|file| {
        let below = file.strip_prefix(folder).unwrap();
        !below.components().any(|part| part.as_os_str() == "workspace" || part.as_os_str() == "objects")
            && !below.ends_with("changes.patch")
    });
    kept.filter(|file| {
        let bytes = fs::read(file).unwrap();
        forms.iter().any(|form| bytes.windows(form.len()).any(|window| window == form.as_slice()))
    })
    .map(|file| file.display().to_string())
    .collect()
}

#[test]
fn no_file_of_an_experiment_holds_a_secret_that_its_programs_print() {
    let world = World::new();
    let everywhere = r#"printf '%s\n' "$MY_API_KEY" "$OTHER_PASSWORD"; printf '%s\n' "$MY_API_KEY" >&2; printf '%s' "$MY_API_KEY" | base64 -w0"#;
    let once = world.path("once");
    // The first attempt fails, and says the secret in its record's failure; the second writes it into the tree.
    let agent = format!(
        r#"{everywhere}; printf '%s\n' "$MY_API_KEY" > leak.txt; touch done; mkfifo "$OTHER_PASSWORD"
        echo '*.o' > .gitignore; touch "$OTHER_PASSWORD.o"
        if [ -e {once} ]; then printf '{{"cost_usd": 0.5, "note": "%s"}}' "$MY_API_KEY" > "$SCYLLA_RECORD_FILE"
        else touch {once}; printf '{{"cost_usd": 0.5, "failure": {{"kind": "auth", "message": "key %s is refused"}}}}' "$MY_API_KEY" > "$SCYLLA_RECORD_FILE"; fi"#,
        once = once.display(),
    );
    let judge = r#"cat > /dev/null; printf '%s' "$MY_API_KEY" >&2
        printf '{"items": {"R001": {"score": 1, "explanation": "the key is %s"}}, "reasoning": "%s"}' "$MY_API_KEY" "$OTHER_PASSWORD""#;
    let fixture = TestFixture::new()
        .agent("T0/00-leaks", &agent)
        .check(&format!("{everywhere}; test -f done"))
        .judge(judge)
        .extra("environment: [MY_API_KEY, OTHER_PASSWORD]\n")
        .write(&world);
    let arguments = ["run", "--tiers-dir", &fixture, "--results-dir", "results", "--runs", "1", "--verbose"];
    let mut command = world.command(&arguments);
    let said = output(command.env("MY_API_KEY", SECRET).env("OTHER_PASSWORD", OTHER)).exits(0);
    assert!(!said.stderr.contains(SECRET) && said.stderr.contains("key [redacted:MY_API_KEY] is refused"), "{said}");
    assert!(!said.stderr.contains(OTHER) && said.stderr.contains("`[redacted:OTHER_PASSWORD]`"), "{said}");
    let folder = world.experiment();
    assert_eq!(leaks(&folder), [""; 0]);
    for (file, word) in [
        ("agent/stdout.log", "[redacted:MY_API_KEY]"),
        ("agent/stdout.log", "[redacted:OTHER_PASSWORD]"),
        ("agent/stderr.log", "[redacted:MY_API_KEY]"),
        ("agent/record/record.json", "[redacted:MY_API_KEY]"),
        ("judge/judge_02/prompt.md", "[redacted:MY_API_KEY]"),
        ("checks/done.log", "[redacted:MY_API_KEY]"),
        ("judge/judge_02/response.txt", "the key is [redacted:MY_API_KEY]"),
        ("judge/judge_02/judgment.json", "[redacted:OTHER_PASSWORD]"),
        ("changes.json", "[redacted:OTHER_PASSWORD]"),
        ("changes.json", "[redacted:OTHER_PASSWORD].o"),
        ("run_result.json", "[redacted:MY_API_KEY]"),
    ] {
        let text = fs::read_to_string(folder.join("T0/00/run_01").join(file)).unwrap();
        assert!(text.contains(word), "{file} has no {word}:\n{text}");
    }
    let dir = experiment(&world);
    world.scylla(&["verify", &dir]).exits(0);
    world.scylla(&["checkout", &dir, "--run", "T0/00/1", "--to", "tree"]).exits(0);
    assert_eq!(fs::read_to_string(world.path("tree/leak.txt")).unwrap(), format!("{SECRET}\n"), "what was graded");
}

/// An experiment whose one agent changes the line beside a secret of the task, killed while its check works.
fn killed_beside_a_secret(world: &World) -> String {
    let fixture = TestFixture::new()
        .agent("T0/00-edits", "sed -i s/port.=.1/port\\ =\\ 2/ conf.ini; touch done")
        .check(&format!("test -f done || exit 1; {}", gated(world, "check")))
        .judge(FULL_SCORE)
        .write(world);
    world.write("fixture/source/conf.ini", &format!("key = {SECRET}\nport = 1\nurl = http://localhost:8080\n"));
    close(world, "check");
    let arguments = ["run", "--tiers-dir", &fixture, "--results-dir", "results", "--runs", "1"];
    let mut live = Live::start(world.command(&arguments).env("MY_API_KEY", SECRET));
    wait_until("the check is reached", || world.lines("check.log") == 1);
    live.kill();
    open(world, "check");
    experiment(world)
}

#[test]
fn a_secret_in_a_patch_is_a_flag_and_the_patch_rebuilds_what_was_graded() {
    let world = World::new();
    let dir = killed_beside_a_secret(&world);
    let resumed = output(world.command(&["resume", &dir]).env("MY_API_KEY", SECRET)).exits(0);
    assert!(resumed.stderr.contains("`changes.patch` holds the secret of `MY_API_KEY`"), "{resumed}");
    assert!(!resumed.stderr.contains(SECRET), "{resumed}");
    let run = world.experiment().join("T0/00/run_01");
    let result = json(&run.join("run_result.json"));
    assert_eq!((&result["flags"], &result["judge_passed"]), (&expected!(["secret_in_patch"]), &expected!(true)));
    let patch = fs::read_to_string(run.join("changes.patch")).unwrap();
    assert!(patch.contains(&format!(" key = {SECRET}\n-port = 1\n+port = 2\n")), "{patch}");
    assert_eq!(leaks(&run), [""; 0]);
    let verified = world.scylla(&["verify", &dir]).exits(0);
    assert!(verified.stdout.contains("secret-in-patch") && !verified.stdout.contains(SECRET), "{verified}");
    assert!(verified.stdout.contains("leave `changes.patch` out of what you share"), "{verified}");
    world.scylla(&["checkout", &dir, "--run", "T0/00/1", "--to", "tree"]).exits(0);
    let conf = format!("key = {SECRET}\nport = 2\nurl = http://localhost:8080\n");
    assert_eq!(fs::read_to_string(world.path("tree/conf.ini")).unwrap(), conf);
    world.scylla(&["export", &dir, "--format", "scylla-3.1", "--to", "exported"]).exits(0);
    assert_eq!(leaks(&world.path("exported")), [""; 0]);
    // A page is made to be given away.
    world.scylla(&["report", &dir, "--format", "html,md,json,csv", "--out", "reported"]).exits(0);
    assert_eq!(leaks(&world.path("reported")), [""; 0]);
    assert!(fs::read_to_string(world.path("reported/report.html")).unwrap().contains("\"is_withheld\":true"));
}

#[test]
fn what_only_looks_like_a_secret_is_no_flag_and_is_kept_as_it_is() {
    let world = World::new();
    let agent = "cat conf.ini; sed -i s/1/2/ conf.ini; touch done";
    let fixture = TestFixture::new().agent("T0/00-edits", agent).write(&world);
    let conf = "author = somebody-else\nport = 1\nurl = http://localhost:8080\nkey = disabled\n";
    world.write("fixture/source/conf.ini", conf);
    let arguments = ["run", "--tiers-dir", &fixture, "--results-dir", "results", "--runs", "1"];
    let mut command = world.command(&arguments);
    command.env("KEYCLOAK_URL", "http://localhost:8080").env("AUTHOR", "somebody-else").env("MY_KEY", "disabled");
    output(command.env("MONKEY_PATCH", "somebody-else").env("API_TOKEN_URL", "http://localhost:8080")).exits(0);
    let run = world.experiment().join("T0/00/run_01");
    assert_eq!(fs::read_to_string(run.join("agent/stdout.log")).unwrap(), conf);
    assert!(json(&run.join("run_result.json")).get("flags").is_none());
    let verified = world.scylla(&["verify", &experiment(&world)]).exits(0);
    assert!(!verified.stdout.contains("secret-in-patch"), "{verified}");
}

#[test]
fn a_secret_in_what_would_be_published_is_named_by_file_and_line_and_never_by_its_text() {
    let world = World::new();
    let key = format!("ghp_{}", "aB3".repeat(12));
    let agent = format!("echo first; echo 'token {key}'; echo; echo '{SECRET}' > leak.txt; touch done");
    let fixture = TestFixture::new().agent("T0/00-leaks", &agent).write(&world);
    world.scylla(&["run", "--tiers-dir", &fixture, "--results-dir", "results", "--runs", "1"]).exits(0);
    let dir = experiment(&world);
    let scan = || output(world.command(&["verify", &dir, "--no-secrets"]).env("MY_API_KEY", SECRET)).exits(7);
    let found = scan();
    for sentence in [
        "`T0/00/run_01/agent/stdout.log` holds a token of GitHub in line 2, and `--no-secrets` allows none",
        "`T0/00/run_01/changes.patch` holds the value of `MY_API_KEY` in line ",
        "` holds a token of GitHub in line ",
    ] {
        assert!(found.stdout.contains(sentence), "{sentence}: {found}");
    }
    assert!(!found.stdout.contains(&key) && !found.stdout.contains(SECRET), "{found}");
    // Whoever has not this secret is told of what shows itself.
    let other = world.scylla(&["verify", &dir, "--no-secrets"]).exits(7);
    assert!(other.stdout.contains("a token of GitHub") && !other.stdout.contains("MY_API_KEY"), "{other}");
    world.scylla(&["verify", &dir]).exits(0);
}

#[test]
fn an_installed_agent_program_is_given_its_own_key_and_nobody_else_is() {
    let world = World::new();
    let given = "env | grep -o '^[A-Z]*_API_KEY\\|^OPENAI_BASE_URL' | sort | tr '\\n' ' '";
    let events = r#"echo '{"type":"turn.started"}'; echo '{"type":"turn.completed","usage":{"input_tokens":1}}'"#;
    let version = r#"if [ "$1" = --version ]; then echo codex-cli 1.2.3; exit; fi"#;
    world.program("bin/codex", &format!("#!/bin/sh\n{version}\n({given}) >given\ntouch done\n{events}\n"));
    let fixture = TestFixture::new()
        .subtest("T0/00-codex", "agent: {kind: codex}\n")
        .agent("T0/01-shell", &format!("({given}) >given; touch done"))
        .check(&format!("test -f done; echo \"checked with $({given})\""))
        .write(&world);
    let mut command =
        world.command(&["run", "--tiers-dir", &fixture, "--results-dir", "results", "--runs", "1", "--attempts", "1"]);
    command.env("PATH", format!("{}:{}", world.path("bin").display(), std::env::var("PATH").unwrap()));
    command.env("OPENAI_API_KEY", "sk-of-codex").env("OPENAI_BASE_URL", "http://127.0.0.1:9/v1");
    command.env("ANTHROPIC_API_KEY", "sk-of-another");
    output(&mut command).exits(0);
    let read = |path: &str| fs::read_to_string(world.experiment().join(path)).unwrap();
    let patch = |run: &str| read(&format!("{run}/changes.patch"));
    assert!(patch("T0/00/run_01").contains("OPENAI_API_KEY OPENAI_BASE_URL"), "{}", patch("T0/00/run_01"));
    assert!(!patch("T0/00/run_01").contains("ANTHROPIC"), "{}", patch("T0/00/run_01"));
    assert!(!patch("T0/01/run_01").contains("_API_KEY"), "{}", patch("T0/01/run_01"));
    for run in ["T0/00/run_01", "T0/01/run_01"] {
        let folder = world.experiment().join(run).join("checks");
        let said: String =
            fs::read_dir(folder).unwrap().map(|log| fs::read_to_string(log.unwrap().path()).unwrap()).collect();
        assert!(said.contains("checked with") && !said.contains("_API_KEY"), "{said}");
    }
}
