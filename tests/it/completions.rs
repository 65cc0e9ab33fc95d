//! Completions work in the shells that they are for: a person types, presses the tab key, and reads what is there.

use std::process::Command;

use crate::scenes::{is_missing, output};
use crate::world::World;

/// Starts a shell on a terminal, types a line with a tab at its end, and prints what the terminal shows until the word is there.
const TYPIST: &str = r#"
import os, pty, select, sys, time
line, word, shell = sys.argv[1], sys.argv[2], sys.argv[3:]
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(shell[0], shell)
seen, typed, deadline = b"", False, time.monotonic() + 60
while time.monotonic() < deadline and not (typed and word.encode() in seen):
    if not typed and b"READY" in seen:
        seen, typed = b"", True
        os.write(terminal, line.encode() + b"\t")
    if select.select([terminal], [], [], 1)[0]:
        try:
            seen += os.read(terminal, 4096)
        except OSError:
            break
os.close(terminal)
os.kill(pid, 9)
os.waitpid(pid, 0)
print(seen.decode(errors="replace"))
sys.exit(0 if word.encode() in seen else 1)
"#;

const LINES: [(&str, &str); 3] =
    [("cargo scylla ver", "verify"), ("cargo-scylla verify --f", "--format"), ("cargo scylla fixture che", "check")];

fn typed(world: &World, shell: &[&str], line: &str, expected: &str) {
    let mut typist = Command::new("python3");
    world.seal(&mut typist);
    typist.args(["-c", TYPIST, line, expected]).args(shell).env("TERM", "dumb").env("ZDOTDIR", world.path(""));
    output(typist.current_dir(world.path(""))).exits(0);
}

#[test]
fn bash_completes_cargo_scylla_and_leaves_the_rest_to_cargo() {
    if is_missing("bash") || is_missing("python3") {
        return;
    }
    let world = World::new();
    let script = world.scylla(&["completions", "bash"]).exits(0).stdout;
    let own = "_own() { COMPREPLY=(build-of-cargo); }; complete -F _own cargo\n";
    world.write("rc", &format!("{own}{script}PS1='READY '\n"));
    let shell = ["bash", "--rcfile", "rc", "--noprofile", "-i"];
    for (line, word) in LINES.into_iter().chain([("cargo bui", "build-of-cargo")]) {
        typed(&world, &shell, line, word);
    }
}

#[test]
fn zsh_completes_cargo_scylla_and_leaves_the_rest_to_cargo() {
    if is_missing("zsh") || is_missing("python3") {
        return;
    }
    let world = World::new();
    let script = world.scylla(&["completions", "zsh"]).exits(0).stdout;
    world.write("script.zsh", &script);
    let own = "_own() { compadd build-of-cargo }; compdef _own cargo\n";
    world.write(
        ".zshrc",
        &format!("autoload -U compinit; compinit -u -D\n{own}source <(cat script.zsh)\nunsetopt zle_bracketed_paste; PS1='READY '\n"),
    );
    for (line, word) in LINES.into_iter().chain([("cargo bui", "build-of-cargo")]) {
        typed(&world, &["zsh", "-d", "-i"], line, word);
    }
}

#[test]
fn fish_completes_cargo_scylla_and_leaves_the_rest_to_cargo() {
    if is_missing("fish") {
        return;
    }
    let world = World::new();
    let script = world.scylla(&["completions", "fish"]).exits(0).stdout;
    world.write("script.fish", &script);
    for (line, word) in LINES.into_iter().chain([("cargo bui", "build-of-cargo")]) {
        let mut fish = Command::new("fish");
        world.seal(&mut fish);
        let command = format!("complete -c cargo -a build-of-cargo; source script.fish; complete -C '{line}'");
        let completed = output(fish.args(["--no-config", "-c", &command]).current_dir(world.path(""))).exits(0);
        assert!(completed.stdout.lines().any(|one| one.split('\t').next() == Some(word)), "{line}: {completed}");
    }
}
