//! `agents`: what is installed of the programs of agents, in which version, what is missing, and what installs it.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::agent_samples::in_gallery;
use crate::model_server::{Api, ModelServer, Say};
use crate::scenes::output;
use crate::world::{Output, World, steady};

/// A command that finds only the programs of a world and those of the system, and no key.
fn command(world: &World, arguments: &[&str]) -> Command {
    let mut command = world.command(arguments);
    command.env("PATH", format!("{}:/usr/bin:/bin", world.path("bin").display()));
    command
}

/// A world in which one program says its version, one does not, and one is not executable.
fn some_installed() -> World {
    let world = World::new();
    world.program("bin/claude", "#!/bin/sh\n[ \"$1\" = --version ] && echo '2.1.197 (Claude Code)'\n");
    world.program("bin/gemini", "#!/bin/sh\necho 'error: no such option' >&2\nexit 2\n");
    world.write("bin/aider", "#!/bin/sh\necho aider 0.86.2\n");
    world
}

#[test]
fn the_table_of_agents_has_what_is_installed_and_the_command_that_installs_what_is_missing() {
    let world = some_installed();
    let mut asked = command(&world, &["agents"]);
    asked.env("ANTHROPIC_API_KEY", "sk-never-shown").env("GEMINI_API_KEY", "");
    let shown = output(&mut asked).exits(0);
    assert!(!shown.stdout.contains("sk-never-shown"), "{shown}");
    in_gallery(|| insta::assert_snapshot!("installed", steady(&shown.stdout, &world)));
}

#[test]
fn the_table_of_agents_as_json_has_an_object_for_each_kind_and_no_value_of_a_variable() {
    let world = some_installed();
    for arguments in [&["agents", "--format", "json"][..], &["agents", "--message-format", "json"]] {
        let printed = output(command(&world, arguments).env("OPENAI_API_KEY", "sk-never-shown")).exits(0).stdout;
        assert!(!printed.contains("sk-never-shown"), "{printed}");
        let agents: Vec<Value> = serde_json::from_str(&printed).unwrap();
        let of = |kind: &str| agents.iter().find(|agent| agent["kind"] == kind).unwrap()["program"].clone();
        let path = world.path("bin/claude").display().to_string();
        assert_eq!(
            (of("claude-code")["path"].as_str(), of("claude-code")["version"].as_str()),
            (Some(&*path), Some("2.1.197"))
        );
        assert_eq!((of("gemini")["path"].is_string(), &of("gemini")["version"]), (true, &Value::Null));
        assert_eq!((&of("aider")["path"], &of("nop")), (&Value::Null, &Value::Null));
        let keys = of("codex")["keys"].clone();
        assert_eq!(
            keys,
            serde_json::json!([{"name": "CODEX_API_KEY", "set": false}, {"name": "OPENAI_API_KEY", "set": true}])
        );
    }
}

#[test]
fn the_pages_of_agents_name_the_commands_that_install_them_and_the_variables_of_their_keys() {
    let world = World::new();
    let printed = output(&mut command(&world, &["agents", "--format", "json"])).exits(0).stdout;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    let pages = ["agents.md", "claude-code.md"].map(|page| fs::read_to_string(root.join(page)).unwrap()).concat();
    for agent in serde_json::from_str::<Vec<Value>>(&printed).unwrap() {
        let program = &agent["program"];
        let keys = program["keys"].as_array().into_iter().flatten().map(|key| &key["name"]);
        for named in keys.chain(program["install"].is_string().then_some(&program["install"])) {
            assert!(pages.contains(named.as_str().unwrap()), "{}: {named}", agent["kind"]);
        }
    }
}

/// A program in the place of Codex, which does what a file says.
const CODEX: &str = r#"#!/bin/sh
world="${0%/bin/*}"
if [ "$1" = --version ]; then
    echo 'codex-cli 0.169.0'
    exit
fi
printf '%s\n' "$@" >"$world/arguments"
echo "key: $CODEX_API_KEY"
. "$world/does"
"#;
/// It does the task.
const DOES_IT: &str = r#"
grep -q 'the word `pebble`' && echo pebble >answer.txt
echo '{"type":"turn.completed","usage":{"input_tokens":30,"cached_input_tokens":10,"output_tokens":2}}'
"#;

/// It asks its model once.
const ASKS: &str = r#"
bash -c 'url=${OPENAI_BASE_URL#http://}; host=${url%%/*}; path=${url#"$host"}
exec 3<>"/dev/tcp/${host%:*}/${host#*:}"
printf "POST %s/responses HTTP/1.1\r\nhost: %s\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}" "$path" "$host" >&3
cat <&3 >/dev/null'
"#;

/// What `agents doctor` says of that program, which does this, with a key.
fn doctor(world: &World, does: &str, more: &[&str]) -> Output {
    doctor_with(world, does, more, &[("OPENAI_API_KEY", "sk-never-shown")])
}

fn doctor_with(world: &World, does: &str, more: &[&str], variables: &[(&str, &str)]) -> Output {
    world.program("bin/codex", CODEX);
    world.write("does", does);
    fs::create_dir_all(world.path("temporary")).unwrap();
    let mut asked = command(world, &[&["agents", "doctor", "codex"], more].concat());
    let ended = output(asked.envs(variables.iter().copied()).env("TMPDIR", world.path("temporary")));
    assert!(!ended.to_string().contains("sk-never-shown"), "{ended}");
    assert_eq!(fs::read_dir(world.path("temporary")).unwrap().count(), 0, "{ended}");
    assert_eq!(fs::read_dir(world.results()).map_or(0, Iterator::count), 0, "{ended}");
    ended
}

#[test]
fn the_doctor_says_that_an_agent_did_the_tiny_task_and_what_it_used_and_leaves_nothing_behind() {
    let world = World::new();
    let told = doctor(&world, DOES_IT, &["--model", "gpt-5.1-codex"]).exits(0);
    let time = regex::Regex::new(r"(?m)^  time .*$").unwrap();
    let told = time.replace(&told.stdout, "  time     …").into_owned();
    in_gallery(|| insta::assert_snapshot!("doctor_done", steady(&told, &world)));
    let arguments = fs::read_to_string(world.path("arguments")).unwrap();
    assert!(arguments.contains("--model\ngpt-5.1-codex\n"), "{arguments}");
    let told = doctor(&world, DOES_IT, &["--format", "json"]).exits(0);
    let told: Value = serde_json::from_str(&told.stdout).unwrap();
    assert_eq!((&told["done"], &told["run"]["token_stats"]["input_tokens"]), (&true.into(), &20.into()), "{told:#}");
    assert_eq!((&told["program"]["version"], &told["advice"]), (&"0.169.0".into(), &Value::Null), "{told:#}");
}

#[test]
fn the_doctor_names_each_kind_of_failure_and_what_to_do_about_it() {
    let world = World::new();
    let failed =
        |message: &str| format!(r#"echo '{{"type":"turn.failed","error":{{"message":"{message}"}}}}'; exit 1"#);
    let mut told = String::new();
    for (name, does) in [
        ("a key that is refused", failed("unexpected status 401 Unauthorized: invalid x-api-key")),
        ("a rate limit", failed("rate limit exceeded: this minute has no more requests")),
        ("a provider that fails", failed("unexpected status 503 Service Unavailable: overloaded")),
        ("no end", "echo 'Segmentation fault' >&2; exit 3".to_owned()),
        ("nothing done", "echo '{\"type\":\"turn.completed\",\"usage\":{}}'; echo 'I may not write' >&2".to_owned()),
    ] {
        let ended = doctor(&world, &does, &[]).exits(6);
        assert_eq!(ended.stderr, "", "{ended}");
        writeln!(told, "{name}:\n\n{}", ended.stdout).unwrap();
    }
    let hangs = doctor(&world, "echo begun >&2; sleep 600", &["--timeout", "1"]).exits(6);
    writeln!(told, "no answer in time:\n\n{}", hangs.stdout).unwrap();
    let other = output(&mut command(&world, &["agents", "doctor", "opencode"])).exits(6);
    write!(told, "a program that is not there:\n\n{}", other.stdout).unwrap();
    // The key is the attempt's own, and another one each time.
    let key = regex::Regex::new("[0-9a-f]{32}-[0-9]{2}").unwrap();
    let told = key.replace_all(&told, "<the attempt's own>");
    let time = regex::Regex::new(r"(?m)^  time .*$").unwrap();
    in_gallery(|| insta::assert_snapshot!("doctor_failed", steady(&time.replace_all(&told, "  time     …"), &world)));
}

#[test]
fn the_doctor_says_which_key_is_missing_that_a_model_is_unknown_and_that_nobody_answers() {
    let world = World::new();
    let server = ModelServer::start(|_| Say::refuse(404, "no such thing"));
    let (there, nobody) = (server.base_url(Api::OpenAiResponses), "http://127.0.0.1:9/v1");
    let failed =
        |message: &str| format!(r#"echo '{{"type":"turn.failed","error":{{"message":"{message}"}}}}'; exit 1"#);
    let unknown = failed("The model `gpt-9` does not exist");
    let gone = failed("stream disconnected before completion: Connection refused (os error 111)");
    let key = ("OPENAI_API_KEY", "sk-never-shown");
    let model = &["--model", "gpt-9"][..];
    let time = &["--timeout", "1"][..];
    let mut told = String::new();
    for (name, does, more, variables) in [
        ("no key", failed("stream disconnected"), &[][..], &[][..]),
        ("no key, and no end", "exit 1".to_owned(), &[], &[]),
        ("an unknown model, as the program says", unknown, model, &[key]),
        (
            "an unknown model, as the gateway saw",
            format!("{ASKS}{}", failed("no")),
            model,
            &[key, ("OPENAI_BASE_URL", &there)],
        ),
        ("no model at all", format!("{ASKS}{}", failed("no")), &[], &[key, ("OPENAI_BASE_URL", &there)]),
        ("nobody answers, as the program says", gone, &[], &[key]),
        (
            "nobody answers, as the gateway saw",
            format!("{ASKS}{}", failed("no")),
            &[],
            &[key, ("OPENAI_BASE_URL", nobody)],
        ),
        (
            "nobody answers, and it goes on asking",
            format!("{ASKS}sleep 600"),
            time,
            &[key, ("OPENAI_BASE_URL", nobody)],
        ),
    ] {
        let ended = doctor_with(&world, &does, more, variables).exits(6);
        let advice = ended.stdout.lines().find(|line| line.starts_with("what to do: "));
        writeln!(told, "{name}:\n{}\n", advice.unwrap_or_else(|| panic!("{ended}"))).unwrap();
    }
    let absent = output(&mut command(&world, &["agents", "doctor", "aider"])).exits(6).stdout;
    write!(told, "no program:\n{}", absent.lines().last().unwrap()).unwrap();
    in_gallery(|| insta::assert_snapshot!("doctor_advice", told));
}

/// The key that is missing is that of the model's provider, whatever other keys are set.
#[test]
fn the_doctor_names_the_key_of_the_models_provider() {
    let world = World::new();
    world.program("bin/aider", "#!/bin/sh\necho aider 0.86.2\n");
    for (model, variable, advice) in [
        ("openai/gpt-9", "ANTHROPIC_API_KEY", "what to do: set `OPENAI_API_KEY`, which its model needs"),
        ("gemini/flash", "OPENAI_API_KEY", "what to do: set `GEMINI_API_KEY`, which its model needs"),
        ("openai/gpt-9", "OPENAI_API_KEY", "what to do: it ended without saying how"),
    ] {
        let mut asked = command(&world, &["agents", "doctor", "aider", "--model", model]);
        let told = output(asked.env(variable, "sk-never-shown")).exits(6);
        assert!(told.stdout.contains(advice), "{told}");
    }
}

#[test]
fn on_a_terminal_no_line_of_the_table_is_wider_than_it() {
    if crate::scenes::is_missing("python3") {
        return;
    }
    let world = some_installed();
    for columns in [80, 60] {
        let written = crate::terminal::written(&world, &[(60, columns, "acp .*")], &["agents"]);
        let text: String = written.iter().map(|(_, _, text)| text.as_str()).collect();
        assert!(text.contains("kinds without a program of their own"), "{text}");
        // A command that is parted could not be copied.
        let mut parted = text.lines().filter(|line| !line.contains("npm install"));
        assert!(parted.all(|line| line.trim_end().chars().count() <= columns.into()), "{text}");
    }
}

#[test]
fn the_doctor_tries_nothing_but_an_agent_that_starts_a_program() {
    let world = World::new();
    for (word, why) in [
        ("nop", "`nop` starts no program that could be tried"),
        ("claude", "`claude` is no kind of agent: it is one of"),
        ("codex@latest", "`latest` is no version, such as `1.2.3`"),
    ] {
        let told = output(&mut command(&world, &["agents", "doctor", word])).exits(2);
        assert!(told.stderr.contains(why), "{told}");
    }
    let told = doctor(&world, DOES_IT, &[]).exits(0);
    assert!(told.stdout.starts_with("codex did the task."), "{told}");
    let told = output(&mut command(&world, &["agents", "doctor", "codex@0.1.0"])).exits(6);
    assert!(told.stdout.contains("says that it is version 0.169.0, and 0.1.0 is demanded"), "{told}");
}
