//! `show` and `diff`: why a run failed, on one screen; each of its texts; and nothing in them that a terminal obeys.

use std::fs;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::fixture::TestFixture;
use crate::scenes::{AGENT, experiment, output};
use crate::world::{Output, World, steady};

/// What a terminal or a log of CI would obey, as `printf` writes it: CSI, OSC, BEL, C1, a mark of direction, and what is no UTF-8.
const HOSTILE: &str = r"\033[2J\033]52;c;ZXZpbA==\007\302\233 1m\342\200\256x\377";

/// An experiment with a run of each kind: T0/00 fails its check in a hostile way, T0/01 passes, T0/02 changes nothing, T0/03 never
/// starts.
fn world() -> (World, String) {
    let world = World::new();
    let hostile = format!(
        "printf 'a\\tb {HOSTILE}\\n' > changed; printf x > \"$(printf '{HOSTILE}' | tr -d '\\377')\"; printf '{HOSTILE}\\n'; \
         printf '::error::{HOSTILE}\\n' >&2; printf '{{\"cost_usd\": 0.5}}' > \"$SCYLLA_RECORD_FILE\""
    );
    let judge = format!(
        "cat > /dev/null; printf '{{\"items\":{{\"R001\":{{\"score\":0,\"explanation\":\"nothing is \\\\u001b[2J done\"}}}},\
         \"reasoning\":\"why {} it fails\"}}'",
        HOSTILE.replace(r"\377", "").replace(r"\033", r"\\u001b").replace(r"\007", r"\\u0007")
    );
    let gone = "agent:\n  kind: command\n  command: [nosuchagent]\n";
    let fixture = TestFixture::new()
        .agent("T0/00-hostile", &hostile)
        .agent("T0/01-well", AGENT)
        .subtest("T0/02-idle", "agent:\n  kind: nop\n")
        .subtest("T0/03-gone", gone)
        .judge(&judge)
        .check(&format!("test -f done || {{ printf 'no done here {HOSTILE}\\n'; exit 7; }}"))
        .write(&world);
    world.write("fixture/prompt.md", "Make a file that is called `done`.\u{1b}[2J\n");
    let arguments =
        ["run", "--tiers-dir", &fixture, "--results-dir", "results", "--runs", "2", "--attempts", "1", "--jobs", "1"];
    world.scylla(&arguments).exits(6);
    let dir = format!("results/{}", world.experiment().file_name().unwrap().to_str().unwrap());
    (world, dir)
}

/// A text without its breaks.
fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Nothing in it commands a terminal or a log of CI.
#[track_caller]
fn is_harmless(output: &Output) {
    let obeyed = |char: &char| !matches!(char, '\n' | '\t') && (char.is_control() || *char == '\u{202e}');
    for text in [&output.stdout, &output.stderr] {
        assert_eq!(text.chars().find(obeyed), None, "{output}");
        assert!(!text.lines().any(|line| line.trim_start().starts_with("::")), "{output}");
    }
}

fn screen(output: &Output, world: &World) -> String {
    let text = steady(&format!("{output}"), world);
    let of = |text: &str, pattern: &str, word: &str| {
        regex::Regex::new(pattern).unwrap().replace_all(text, word).into_owned()
    };
    let text = of(&text, r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", "[TIME]");
    let text = of(&text, r" +\b(\d+m )?\d+(\.\d+)?s\b", " [DURATION]");
    of(&text, r"(?m)^ +\d+(\.\d+)? (bytes?|KiB)  ", "  [SIZE]  ")
}

#[test]
fn why_a_run_failed_is_on_one_screen_and_its_texts_give_no_command() {
    let (world, dir) = world();
    let shown = world.scylla(&["show", &dir, "T0/00/1"]).exits(0);
    for told in [
        "T0/00/run_01  hostile: failed, score 0.00, grade F",
        "check `done` failed",
        "checks and asked failed it",
        "exit code 7",
        "| no done here",
        r"nothing is \u{1b}[2J done",
        &format!("{dir}/T0/00/run_01/checks/done.log"),
        &format!("cargo scylla show {dir} T0/00/1 --diff"),
    ] {
        assert!(shown.stdout.contains(told), "no `{told}` in\n{shown}");
    }
    assert!(flat(&shown.stdout).contains("agent $0.5000 (reported), judges unknown"), "{shown}");
    is_harmless(&shown);
    assert_eq!(shown.stderr, "");
    // Nothing was stopped on its way: attempts are used up.
    let listed = world.scylla(&["list", "results"]).exits(0);
    assert!(listed.stdout.contains(" incomplete "), "{listed}");
    let status = world.scylla(&["status", &dir]).exits(0);
    assert!(status.stdout.starts_with("tested: incomplete\n"), "{status}");
    for (flags, told) in [
        (&["--diff"][..], "+a\tb "),
        (&["--prompt"], r"called `done`.\u{1b}[2J"),
        (&["--log"], r"\::error::\u{1b}[2J"),
        (&["--judge", "2"], "R001"),
        (&["--steps"], "agents of this kind tell no single steps"),
        (&["--format", "json"], "\"state\": \"failed\""),
        (&["--diff", "--format", "json"], "\"texts\""),
    ] {
        let text = world.scylla(&[&["show", &dir, "T0/00/run_01"], flags].concat()).exits(0);
        assert!(text.stdout.contains(told), "no `{told}` in\n{text}");
        is_harmless(&text);
    }
    let json: Value =
        serde_json::from_str(&world.scylla(&["show", &dir, "T0/00/1", "--message-format", "json"]).stdout).unwrap();
    assert_eq!((&json["judges"][1]["model"], &json["items"][0]["scores"][1]["score"]), (&"asked".into(), &0.0.into()));
    assert_eq!(json["checks"][0]["excerpt"]["file"], format!("{dir}/T0/00/run_01/checks/done.log"));
    // The same behind the word that ends flags, as hints print it, and for people whose folders have odd names.
    for words in [&["show", "--", &dir, "T0/00/1"][..], &["show", "--no-pager", "--", &dir, "T0/00/1"]] {
        assert_eq!(world.scylla(words).exits(0).stdout, shown.stdout, "{words:?}");
    }
    assert_eq!(world.scylla(&["show", "--", &format!("{dir}/T0/00/run_01")]).exits(0).stdout, shown.stdout);
    // The same by the path of its folder, and of the newest experiment, which is told.
    let by_path = world.scylla(&["show", &format!("{dir}/T0/00/run_01/")]).exits(0);
    assert_eq!(by_path.stdout, shown.stdout);
    let newest = world.scylla(&["show", "--results-dir", "results", "T0/00/1"]).exits(0);
    assert_eq!(newest.stdout, shown.stdout);
    assert!(newest.stderr.contains("is the newest experiment"), "{newest}");
    let closed = ["show", &dir, "T0/00/1"].map(|word| format!("'{word}'")).join(" ");
    let closed = format!("'{}' scylla {closed} | true", env!("CARGO_BIN_EXE_cargo-scylla"));
    let mut shell = Command::new("sh");
    world.seal(&mut shell);
    assert_eq!(output(shell.args(["-c", &closed]).current_dir(world.path(""))).exits(0).stderr, "");
}

#[test]
fn a_patch_is_printed_byte_for_byte_and_one_that_is_not_there_says_what_to_type() {
    let (world, dir) = world();
    let diff = |run: &str| world.command(&["diff", &dir, run]).output().unwrap();
    let patch = fs::read(world.experiment().join("T0/00/run_01/changes.patch")).unwrap();
    let printed = diff("T0/00/1");
    assert_eq!((printed.stdout, printed.status.code()), (patch.clone(), Some(0)));
    assert!(patch.contains(&0x1b), "the patch is as the agent left it");
    let tree = world.path("tree");
    fs::create_dir(&tree).unwrap();
    let mut git = Command::new("git");
    world.seal(&mut git);
    let mut git = git.args(["apply", "-"]).current_dir(&tree).stdin(Stdio::piped()).spawn().unwrap();
    std::io::Write::write_all(&mut git.stdin.take().unwrap(), &patch).unwrap();
    assert!(git.wait().unwrap().success());
    assert!(tree.join("changed").is_file());
    assert_eq!(world.command(&["diff", "--", &dir, "T0/00/1"]).output().unwrap().stdout, patch);
    for command in ["show", "diff"] {
        let none = world.scylla(&[command]).exits(2);
        assert!(none.stderr.contains("no run is named") && none.stderr.contains("`T0/00/1`"), "{none}");
    }
    let nothing = world.scylla(&["diff", &dir, "T0/02/1"]).exits(0);
    assert_eq!((nothing.stdout.as_str(), nothing.stderr.as_str()), ("", "T0/02/run_01 changed nothing\n"));
    for (arguments, told) in [
        (&["diff", &dir, "T0/03/1"][..], "it is errored"),
        (&["diff", &dir, "T0/09/1"], "has no run `T0/09/run_01` among its 8 planned runs"),
        (&["diff", &dir, "T0/00"], "`T0/00` is not one run"),
        (&["show", &dir, "T0/09/1"], "has no `T0/09/run_01` in its plan"),
        (&["show", &dir, "T9"], "has no `T9` in its plan"),
        (&["show", &dir, "T0/00/1", "--judge", "9"], "T0/00/run_01 has no judge 9"),
        (&["show", &dir, "T0/03/1", "--diff"], "T0/03/run_01 has no changes"),
        (&["show", &dir, "T0/00", "--diff"], "`T0/00` is not one run"),
        (&["show", &dir], "is an experiment; which run of it?"),
        (&["show", &dir, "nonsense"], "is neither a run, a setup or a tier"),
        (&["show", &dir, "T0/00/1", "--diff", "--log"], "cannot be used with"),
    ] {
        let wrong = world.scylla(arguments).exits(2);
        assert!(wrong.stderr.contains(told) && wrong.stdout.is_empty(), "{arguments:?} {wrong}");
        assert!(wrong.stderr.contains("hint: ") || told == "cannot be used with", "{arguments:?} {wrong}");
    }
}

/// A snapshot of the gallery.
macro_rules! snapshot {
    ($name:expr, $text:expr) => {
        insta::with_settings!({
            snapshot_path => concat!(env!("CARGO_MANIFEST_DIR"), "/snapshots/screens_e2e"),
            prepend_module_to_snapshot => false,
            omit_expression => true,
        }, { insta::assert_snapshot!($name, $text) })
    };
}

#[test]
fn a_run_that_is_missing_or_damaged_says_why_and_a_setup_what_failed_how_often() {
    let (world, dir) = world();
    snapshot!("show_failed", screen(&world.scylla(&["show", &dir, "T0/00/1"]).exits(0), &world));
    snapshot!("show_errored", screen(&world.scylla(&["show", &dir, "T0/03/2"]).exits(0), &world));
    snapshot!("show_setup", screen(&world.scylla(&["show", &dir, "T0/00"]).exits(0), &world));
    snapshot!("show_tier", screen(&world.scylla(&["show", &dir, "T0"]).exits(0), &world));
    let run = world.experiment().join("T0/01/run_02/run_result.json");
    let whole = fs::read_to_string(&run).unwrap();
    fs::write(&run, &whole[..100]).unwrap();
    let torn = world.scylla(&["show", &dir, "T0/01/2"]).exits(0);
    assert!(torn.stdout.contains(": damaged") && flat(&torn.stdout).contains("its result cannot be read"), "{torn}");
    assert!(torn.stdout.contains(&format!("cargo scylla verify {dir}")), "{torn}");
    fs::write(&run, whole.replace("\"judge_score\": 0.5", "\"judge_score\": 0.7")).unwrap();
    let altered = world.scylla(&["show", &dir, "T0/01/2"]).exits(0);
    assert!(altered.stdout.contains(": damaged") && flat(&altered.stdout).contains("it was altered"), "{altered}");
    // Its result gone, the agent is done, and nobody has to be asked again but the judges.
    fs::remove_file(&run).unwrap();
    fs::remove_dir_all(run.with_file_name("judge")).unwrap();
    let unjudged = world.scylla(&["show", &dir, "T0/01/2"]).exits(0);
    assert!(unjudged.stdout.contains(": not judged") && unjudged.stdout.contains("cargo scylla resume"), "{unjudged}");
    fs::remove_dir_all(run.parent().unwrap()).unwrap();
    let gone = world.scylla(&["show", &dir, "T0/01/2"]).exits(0);
    assert!(gone.stdout.contains(": not started") && gone.stdout.contains("cargo scylla resume"), "{gone}");
    let setup = world.scylla(&["show", &dir, "T0/01"]).exits(0);
    assert!(setup.stdout.contains("1 of 2 judged"), "{setup}");
}

#[test]
fn former_attempts_and_gradings_are_told_and_the_verdict_that_counts() {
    let world = World::new();
    let fixture = TestFixture::new().agent("T0/00-one", AGENT).write(&world);
    world.scylla(&["run", "--tiers-dir", &fixture, "--results-dir", "results", "--runs", "2"]).exits(0);
    let dir = experiment(&world);
    world.scylla(&["rerun", &dir, "--run", "T0/00/1"]).exits(0);
    let former = world.scylla(&["show", &dir, "T0/00/1"]).exits(0).stdout;
    assert!(former.contains("Former attempts\n  1  2"), "{former}");
    assert!(flat(&former).contains("UTC: a person asked for another one; cost $0.5000"), "{former}");
    assert!(
        flat(&former).contains("$1.00 in all: agent $0.5000 (reported), judges $0.00, former attempts $0.5000"),
        "{former}"
    );
    crate::scenes::edit(&world, "fixture/test.yaml", "test -f done", "test -f absent");
    world.scylla(&["regrade", &dir, "--from", &fixture, "--reason", "wrong file", "--run", "T0/00/1"]);
    let first = world.scylla(&["show", &dir, "T0/00/1"]).exits(0).stdout;
    assert!(first.contains(": passed") && first.contains("  01  passed, score 1.00; it counts"), "{first}");
    world.scylla(&["regrade", &dir, "--from", &fixture]).exits(0);
    let second = world.scylla(&["show", &dir, "T0/00/1"]).exits(0).stdout;
    assert!(second.contains(": failed") && second.contains("  02  failed, score 0.00; it counts"), "{second}");
    assert!(second.contains("gradings/02/checks/done.log") && second.contains("wrong file"), "{second}");
    let judge = world.scylla(&["show", &dir, "T0/00/1", "--judge", "1"]).exits(0).stdout;
    assert!(judge.contains("gradings/02/judge/judge_01/judgment.json"), "{judge}");
}
