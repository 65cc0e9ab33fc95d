//! What a message tells a person to type works when it is typed: each command is given to a shell as it stands there.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::process::Command;

use crate::fixture::TestFixture;
use crate::scenes::{AGENT, output};
use crate::world::{Output, World};

/// Starts the tool where a person types `cargo`.
const CARGO: &str = r#"cargo() { "$TOOL" "$@"; }; "#;

/// The commands of hints and of what is said at an end, without those in which a person fills something in.
fn commands(said: &Output) -> Vec<String> {
    let hint = said.stderr.split_once("hint: ").map_or("", |(_, hint)| hint);
    let quoted = hint.split('`').skip(1).step_by(2).filter(|text| text.starts_with("cargo scylla "));
    let lines = said.stdout.lines().chain(said.stderr.lines()).map(str::trim_start);
    let lines = lines.filter(|line| line.starts_with("cargo scylla "));
    let is_whole = |command: &&str| !command.split(' ').any(|word| ["FIXTURE", "DIR", "N"].contains(&word));
    quoted.chain(lines).filter(is_whole).map(str::to_owned).collect()
}

/// Every command between back quotes, wherever it stands.
fn quoted(said: &Output) -> Vec<String> {
    let text = format!("{}{}", said.stdout, said.stderr);
    let quoted = text.split('`').skip(1).step_by(2).filter(|text| text.starts_with("cargo scylla "));
    quoted.map(str::to_owned).collect()
}

/// Gives each command to a shell; each does what it is for.
#[track_caller]
fn type_each(world: &World, said: &Output, expected: usize) {
    type_all(world, said, &commands(said), expected);
}

#[track_caller]
fn type_all(world: &World, said: &Output, commands: &[String], expected: usize) {
    assert_eq!(commands.len(), expected, "{commands:#?}\n{said}");
    for command in commands {
        let mut shell = Command::new("sh");
        world.seal(&mut shell);
        shell.args(["-c", &format!("{CARGO}{command}")]).env("TOOL", env!("CARGO_BIN_EXE_cargo-scylla"));
        let typed = output(shell.current_dir(world.path("")));
        assert!(matches!(typed.code, Some(0 | 6)), "`{command}`, as was said:\n{said}\n{typed}");
    }
}

fn world() -> World {
    let world = World::new();
    TestFixture::new().agent("T0/00-one", AGENT).write(&world);
    world
}

/// Runs the tool with words of any bytes.
fn scylla(world: &World, words: &[&OsStr]) -> Output {
    output(world.command(&[]).args(words))
}

#[test]
fn folders_with_any_name_get_commands_that_work_when_they_are_pasted() {
    let names = ["-dash", "with space", "it's \"quoted\" $HOME", "tab\tand\nline", "--", "*", "one -- two"];
    let names = names.map(OsString::from).into_iter().chain([OsStr::from_bytes(b"no \xff text").to_owned()]);
    for name in names {
        let world = world();
        fs::create_dir(world.path("").join(&name)).unwrap();
        fs::rename(world.path("fixture"), world.path("").join(&name).join("fixture")).unwrap();
        let fixture = [OsStr::new("./"), &name, OsStr::new("/fixture")].concat_os();
        let results = [OsStr::new("./"), &name].concat_os();
        let typed = OsStr::new;
        let run = [typed("run"), &fixture, typed("--results-dir"), &results, typed("--runs"), typed("1")];
        let stopped = scylla(&world, &[&run[..], &[typed("--max-cost-usd"), typed("0")]].concat()).exits(6);
        let resume = commands(&stopped).pop().unwrap();
        assert!(resume.starts_with("cargo scylla resume "), "{stopped}");
        type_each(&world, &stopped, 2);
        let held =
            scylla(&world, &[&run[..], &[typed("--fresh"), typed("--max-cost-usd"), typed("0")]].concat()).exits(6);
        edit_bytes(&world, &fixture);
        let edited = scylla(&world, &run).exits(2);
        assert!(edited.stderr.contains("edited"), "{name:?}: {edited}{held}");
        type_each(&world, &edited, 2);
        let finished = scylla(&world, &run).exits(0);
        type_each(&world, &finished, 3);
    }
}

#[test]
fn what_is_said_of_reports_seals_and_bundles_of_folders_with_any_name_works_when_it_is_pasted() {
    let names = ["-dash", "with space", "it's $HOME"].map(OsString::from);
    for name in names.into_iter().chain([OsStr::from_bytes(b"no \xff text").to_owned()]) {
        let world = world();
        let results = [OsStr::new("./"), &name].concat_os();
        let typed = OsStr::new;
        let run = [typed("run"), typed("fixture"), typed("--results-dir"), &results, typed("--runs"), typed("1")];
        scylla(&world, &run).exits(0);
        let entries = fs::read_dir(world.path("").join(&name)).unwrap().map(|entry| entry.unwrap());
        let folder = entries.filter(|entry| entry.path().is_dir()).map(|entry| entry.file_name()).next().unwrap();
        // An experiment whose own name is odd.
        fs::rename(world.path("").join(&name).join(folder), world.path("").join(&name).join(&name)).unwrap();
        let dir = [OsStr::new("./"), &name, OsStr::new("/"), &name].concat_os();
        scylla(&world, &[typed("report"), &dir, typed("--format"), typed("csv")]).exits(0);
        let sealed = scylla(&world, &[typed("seal"), &dir]).exits(0);
        type_all(&world, &sealed, &quoted(&sealed), 2);
        let out = [OsStr::new("--out="), &name, OsStr::new(".tar.zst")].concat_os();
        let published = scylla(&world, &[typed("publish"), &dir, &out, typed("--require-seal")]).exits(0);
        type_all(&world, &published, &quoted(&published), 1);
        fs::write(world.path("").join(&dir).join("report/stamp.json"), "{").unwrap();
        let torn = scylla(&world, &[typed("verify"), &dir]).exits(7);
        type_each(&world, &torn, 1);
        scylla(&world, &[typed("verify"), &dir, typed("--report")]).exits(0);
        let screen = scylla(&world, &[typed("show"), typed("--"), &dir, typed("T0/00/1")]).exits(0);
        assert!(!commands(&screen).is_empty(), "{screen}");
        type_each(&world, &screen, commands(&screen).len());
    }
}

fn edit_bytes(world: &World, fixture: &OsStr) {
    fs::write(world.path("").join(fixture).join("prompt.md"), "Make `done`, please.\n").unwrap();
}

trait ConcatOs {
    fn concat_os(&self) -> OsString;
}

impl<const N: usize> ConcatOs for [&OsStr; N] {
    fn concat_os(&self) -> OsString {
        self.iter().fold(OsString::new(), |mut whole, part| {
            whole.push(part);
            whole
        })
    }
}

#[test]
fn each_command_that_a_mistake_names_does_what_it_is_for() {
    let world = world();
    world.scylla(&["run", "fixture", "--runs", "1"]).exits(0);
    type_each(&world, &world.scylla(&["stauts", "tested"]).exits(2), 1);
    // A flag that a hint adds stands before the `--` that ends flags.
    let more = world.scylla(&["run", "--runs", "2", "--", "fixture"]).exits(2);
    type_each(&world, &more, 2);
    type_each(&world, &world.scylla(&["verfy"]).exits(2), 1);
    type_each(&world, &world.scylla(&["restrat"]).exits(2), 1);
    type_each(&world, &world.scylla(&["run", "nowhere"]).exits(2), 1);
    fs::remove_dir_all(world.path("my-task")).unwrap();
    type_each(&world, &world.scylla(&["fixture", "check", "elsewhere"]).exits(2), 1);
    type_each(&world, &world.scylla(&["rerun", "--run", "T0/00/77"]).exits(2), 1);
    type_each(&world, &world.scylla(&["checkout", "--run", "T0/00/77", "--to", "tree"]).exits(2), 1);
    let near = world.scylla(&["run", "fixtrue"]).exits(2);
    assert!(near.stderr.contains("did you mean `fixture`?"), "{near}");
}

#[test]
fn what_verify_names_as_cure_cures() {
    let world = world();
    world.scylla(&["run", "fixture", "--runs", "2", "--results-dir=-my results"]).exits(0);
    let folder =
        fs::read_dir(world.path("-my results")).unwrap().map(|entry| entry.unwrap().path()).find(|path| path.is_dir());
    let folder = folder.unwrap();
    fs::remove_file(folder.join("checkpoint.json")).unwrap();
    let name = format!("./-my results/{}", folder.file_name().unwrap().to_str().unwrap());
    let found = world.scylla(&["verify", &name]).exits(4);
    let cures: Vec<String> =
        found.stdout.split('`').filter(|text| text.starts_with("cargo scylla repair")).map(str::to_owned).collect();
    let cures = if cures.is_empty() { commands(&found) } else { cures };
    assert!(!cures.is_empty(), "{found}");
    let mut shell = Command::new("sh");
    world.seal(&mut shell);
    shell.args(["-c", &format!("{CARGO}{}", cures[0])]).env("TOOL", env!("CARGO_BIN_EXE_cargo-scylla"));
    output(shell.current_dir(world.path(""))).exits(0);
    world.scylla(&["verify", &name]).exits(0);
}
